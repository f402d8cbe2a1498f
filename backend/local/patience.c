#include "backend/local/patience.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/log.h"
#include "src/base/str.h"
#include "src/proto/launch.h"

#define DEPTH 3 /* the keeper, the machine, and who helps them */
#define CHILDREN_MAX 64

/* What a process has done so far (page faults and ticks of CPU time, proc(5)), and its state. */
static unsigned long long done_by(pid_t pid, char *state)
{
	AUTO_FREE char *path = x_asprintf("/proc/%d/stat", (int)pid);
	AUTO_FREE char *text = NULL;
	unsigned long long minor = 0, major = 0, user = 0, kernel = 0;
	if (file_read(path, 4096, &text, NULL, NULL))
		return 0;
	const char *p = strrchr(text, ')'); /* behind its name, which may hold anything */
	if (!p || sscanf(p + 1, " %c %*d %*d %*d %*d %*d %*u %llu %*u %llu %*u %llu %llu", state, &minor, &major,
			 &user, &kernel) != 5)
		return 0;
	return minor + major + user + kernel;
}

struct look {
	unsigned long long done;
	bool disk; /* one waits for a disk, or a file system behind a network: nothing can be done meanwhile */
	struct buf where; /* "1234 (S, do_poll)", for each process */
};

static void look_at(pid_t pid, unsigned depth, struct look *l)
{
	AUTO_FREE char *list = x_asprintf("/proc/%d/task/%d/children", (int)pid, (int)pid);
	AUTO_FREE char *wchan = x_asprintf("/proc/%d/wchan", (int)pid);
	AUTO_FREE char *children = NULL, *where = NULL;
	char state = '?', show[80];
	l->done += done_by(pid, &state);
	l->disk = l->disk || state == 'D';
	file_read(wchan, 80, &where, NULL, NULL);
	buf_printf(&l->where, "%s%d (%c%s%s)", l->where.len ? ", " : "", (int)pid, state,
		   where && *where && !str_eq(where, "0") ? ", in " : "",
		   where && *where && !str_eq(where, "0") ? str_printable(where, show, sizeof(show)) : "");
	if (!depth || file_read(list, 4096, &children, NULL, NULL))
		return;
	char *p = children;
	for (unsigned n = 0; n < CHILDREN_MAX; n++) {
		char *end;
		long child = strtol(p, &end, 10);
		if (end == p || child <= 0)
			break;
		look_at((pid_t)child, depth - 1, l);
		p = end;
	}
}

int patience_wait(int sock, pid_t keeper, int quiet_ms, int *pid, struct err *e)
{
	unsigned long long done = 0;
	for (unsigned n = 0;; n++) {
		int rc = launch_wait(sock, quiet_ms, pid, e);
		struct look l = {0};
		if (rc != -ETIMEDOUT)
			return rc;
		look_at(keeper, DEPTH, &l);
		bool moved = l.disk || (n ? l.done != done : l.done != 0);
		done = l.done;
		if (!moved)
			rc = err_set(e, ETIMEDOUT,
				     "vmdeck-vmm did not answer, and did nothing for %d s; its processes: %s", quiet_ms / 1000,
				     buf_text(&l.where));
		else
			log_warn("the guest is not ready after %d s, but its processes %s: waiting; %s",
				 (int)(n + 1) * quiet_ms / 1000, l.disk ? "wait for a disk" : "get on",
				 buf_text(&l.where));
		buf_done(&l.where);
		if (!moved)
			return rc;
	}
}
