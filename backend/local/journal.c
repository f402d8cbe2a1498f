#include "src/proto/journal.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "backend/local/local.h"
#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/log.h"

int journal_open(const struct local *l)
{
	AUTO_FREE char *path = x_asprintf("%s/journal.jsonl", l->dirs->log);
	return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
}

void journal_add(const struct local *l, const char *event, const char *name, const char *uuid,
		 const char *detail)
{
	AUTO_FREE char *line = journal_line(event, name, uuid, detail);
	AUTO_CLOSE int fd = journal_open(l);
	if (fd < 0 || fd_write_all(fd, line, strlen(line))) /* the work goes on without */
		log_debug("journal", "cannot write to journal.jsonl in '%s'", l->dirs->log);
}
