#include "backend/vmm/keeper_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "backend/vmm/keeper_child.h"
#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/log.h"
#include "src/base/str.h"
#include "src/proto/journal.h"

#define ENTRIES_MAX 32 /* a guest has fewer disks */

static int keep(struct fd_set_named *fds, const char *name)
{
	AUTO_CLOSE int fd = named_take(fds, name);
	return fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 10); /* above those that children get */
}

static void open_pipe(struct keeper_log *l, struct fd_set_named *fds)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) {
		log_warn("cannot make a pipe for the log: %s", strerror(errno));
		return;
	}
	l->pipe = ends[0];
	if (dup2(ends[1], 1) < 0 || dup2(ends[1], 2) < 0)
		log_warn("cannot put the log in the place of standard error: %s", strerror(errno));
	named_add(fds, "vmm.log", ends[1]);
}

void keeper_log_init(struct keeper_log *l, struct fd_set_named *fds, const json_t *go)
{
	char who[64];
	*l = (struct keeper_log){.go = go,
				 .journal = keep(fds, "journal"),
				 .pipe = -1,
				 .left = KEEPER_LOG_BURST,
				 .since_ms = keeper_now_ms(),
				 .file = {.max = KEEPER_LOG_MAX}};
	for (unsigned i = 0; i < LOGFILE_OLD_MAX; i++)
		l->file.old[i] = -1;
	l->file.fd = keep(fds, "vmm.log");
	l->file.old[0] = keep(fds, "vmm.log.old");
	snprintf(who, sizeof(who), "keeper %s", json_str(go, "name", ""));
	log_open(who, l->file.fd);
	if (l->file.fd >= 0)
		open_pipe(l, fds);
}

struct pollfd keeper_log_poll(struct keeper_log *l, int *timeout_ms)
{
	int64_t now = keeper_now_ms();
	l->left += (uint64_t)(now - l->since_ms) * KEEPER_LOG_PER_S / 1000;
	l->since_ms = now;
	if (l->left > KEEPER_LOG_BURST)
		l->left = KEEPER_LOG_BURST;
	if (l->left >= KEEPER_LOG_PER_S || l->pipe < 0)
		return (struct pollfd){.fd = l->pipe, .events = POLLIN};
	if (*timeout_ms < 0 || *timeout_ms > 1000)
		*timeout_ms = 1000;
	return (struct pollfd){.fd = -1};
}

void keeper_log_turn(struct keeper_log *l)
{
	char text[KEEPER_LOG_PER_S];
	ssize_t n = l->pipe < 0 ? 0 : read(l->pipe, text, sizeof(text));
	if (n <= 0)
		return;
	l->left -= (uint64_t)n < l->left ? (uint64_t)n : l->left;
	logfile_write(&l->file, text, (size_t)n);
}

void keeper_log_done(struct keeper_log *l)
{
	if (l->pipe < 0)
		return;
	for (unsigned i = 0; i < 65536 / KEEPER_LOG_PER_S; i++) /* all that a pipe holds */
		keeper_log_turn(l);
	dup2(l->file.fd, 1);
	dup2(l->file.fd, 2);
	fd_close(TAKE_FD(l->pipe));
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
