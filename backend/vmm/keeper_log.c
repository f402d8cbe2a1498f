#include "backend/vmm/keeper_log.h"

#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/log.h"
#include "src/base/str.h"
#include "src/proto/journal.h"

#define ENTRIES_MAX 32 /* a guest has fewer disks */

void keeper_log_init(struct keeper_log *l, struct fd_set_named *fds, const json_t *go)
{
	*l = (struct keeper_log){.go = go, .journal = named_take(fds, "journal")};
	if (l->journal >= 0)
		fcntl(l->journal, F_SETFD, FD_CLOEXEC);
}

void keeper_log_disk(struct keeper_log *l, const json_t *disk)
{
	char name[32], why[80];
	if (l->journal < 0 || l->entries++ >= ENTRIES_MAX)
		return;
	str_printable(json_str(disk, "name", "?"), name, sizeof(name));
	str_printable(json_str(disk, "lost", "?"), why, sizeof(why));
	AUTO_FREE char *detail = x_asprintf("disk '%s': the host could not write what its cache held: %s: data may "
					    "be lost, and no flush succeeds until the guest is started anew",
					    name, why);
	AUTO_FREE char *line = journal_line("disk-failed", json_str(l->go, "name", ""),
					    json_str(l->go, "uuid", ""), detail);
	int rc = fd_write_all(l->journal, line, strlen(line));
	if (rc)
		log_warn("cannot write to the journal: %s", strerror(-rc));
}
