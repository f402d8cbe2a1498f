#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "backend/local/local.h"
#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/log.h"

void journal_add(const struct local *l, const char *event, const char *name, const char *uuid,
		 const char *detail)
{
	AUTO_JSON json_t *j = json_object();
	char when[40];
	struct timespec ts;
	struct tm tm;
	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	size_t n = strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(when + n, sizeof(when) - n, ".%03ldZ", ts.tv_nsec / 1000000);
	json_set_str(j, "time", when);
	json_set_str(j, "event", event);
	json_set_str(j, "name", name);
	json_set_str(j, "uuid", uuid);
	json_set_int(j, "uid", getuid());
	if (detail && *detail)
		json_set_str(j, "detail", detail);
	AUTO_FREE char *text = json_text(j, false);
	AUTO_FREE char *path = x_asprintf("%s/journal.jsonl", l->dirs->log);
	struct err e = {0};
	if (file_append_line(path, text, &e)) /* the work goes on without */
		log_debug("journal", "%s", e.msg);
}
