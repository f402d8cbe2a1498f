#include "backend/vmm/keeper_child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "src/base/log.h"
#include "src/base/sandbox.h"
#include "src/proto/launch.h"

#define FDS_ABOVE 32 /* those that are filled */

int64_t keeper_now_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void keeper_starts_add(struct keeper_starts *s, int64_t now_ms)
{
	s->at[s->n++ % KEEPER_STARTS] = now_ms;
}

int64_t keeper_starts_next(const struct keeper_starts *s, int64_t now_ms)
{
	int64_t at = now_ms;
	if (s->n)
		at = s->at[(s->n - 1) % KEEPER_STARTS] + KEEPER_BACKOFF_MS;
	if (s->n >= KEEPER_STARTS) {
		int64_t oldest = s->at[s->n % KEEPER_STARTS];
		at = oldest + KEEPER_SPAN_MS > at ? oldest + KEEPER_SPAN_MS : at;
	}
	return at > now_ms ? at : now_ms;
}

bool keeper_child_born(pid_t parent)
{
	/* In a name space of process ids of its own, it has no parent that it could see. */
	return prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && (getppid() == parent || getppid() == 0);
}

/* In the child. */
static void __attribute__((noreturn)) become(const char *const argv[], const int *fds, size_t n, pid_t parent)
{
	int high[KEEPER_CHILD_FDS];
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGHUP, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	if (!keeper_child_born(parent))
		_exit(1);
	/* First all to numbers above those that are filled, so that no dup2 hits one that is still needed. */
	for (size_t i = 0; i < n; i++)
		high[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, FDS_ABOVE);
	for (size_t i = 0; i < n; i++)
		if (high[i] < 0 || dup2(high[i], LAUNCH_FD + (int)i) < 0)
			_exit(1);
	execv(argv[0], (char *const *)argv);
	log_error("cannot run '%s': %s", argv[0], strerror(errno));
	_exit(1);
}

pid_t keeper_child_start(const char *const argv[], const int *fds, size_t n)
{
	pid_t self = getpid(), pid = n > KEEPER_CHILD_FDS ? -1 : sandbox_fork();
	if (pid == 0)
		become(argv, fds, n, self);
	return pid < 0 ? (n > KEEPER_CHILD_FDS ? -E2BIG : -errno) : pid;
}
