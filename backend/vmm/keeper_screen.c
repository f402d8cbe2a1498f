#include "backend/vmm/keeper_screen.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "src/base/cleanup.h"
#include "src/base/log.h"
#include "src/base/str.h"
#include "src/base/unixsock.h"

static int64_t now_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void keeper_screen_init(struct keeper_screen *s, struct fd_set_named *fds, const json_t *go)
{
	const json_t *screen = json_object_get(go, "screen");
	char name[16];
	*s = (struct keeper_screen){0};
	for (unsigned i = 0; i < SCREEN_LISTEN_MAX; i++) {
		snprintf(name, sizeof(name), "vnc.%u", i);
		int fd = named_take(fds, name);
		if (fd >= 0)
			s->listen[s->nlisten++] = fd;
	}
	s->program = x_strdup(json_str(screen, "program", ""));
	s->name = x_strdup(json_str(go, "name", ""));
}

int64_t keeper_screen_next(const struct keeper_screen *s, int64_t now)
{
	int64_t at = now;
	if (s->nstarts) {
		int64_t last = s->starts[(s->nstarts - 1) % KEEPER_SCREEN_STARTS];
		at = last + KEEPER_SCREEN_BACKOFF_MS;
	}
	if (s->nstarts >= KEEPER_SCREEN_STARTS) {
		int64_t oldest = s->starts[s->nstarts % KEEPER_SCREEN_STARTS];
		at = oldest + KEEPER_SCREEN_SPAN_MS > at ? oldest + KEEPER_SCREEN_SPAN_MS : at;
	}
	return at > now ? at : now;
}

unsigned keeper_screen_poll(const struct keeper_screen *s, struct pollfd *p, int *timeout_ms)
{
	*timeout_ms = -1;
	if (s->pid || !s->nlisten)
		return 0;
	int64_t now = now_ms(), at = keeper_screen_next(s, now);
	if (at > now) {
		*timeout_ms = (int)(at - now);
		return 0;
	}
	for (unsigned i = 0; i < s->nlisten; i++)
		p[i] = (struct pollfd){.fd = s->listen[i], .events = POLLIN};
	return s->nlisten;
}

/* In the child: descriptors LAUNCH_FD and from SCREEN_LISTEN_FD on; all others of the keeper are closed by
 * the exec. */
static void __attribute__((noreturn)) become(const struct keeper_screen *s, int sock, pid_t parent)
{
	int fds[1 + SCREEN_LISTEN_MAX];
	char count[16];
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGHUP, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(1);
	/* First all to numbers above those that are filled, so that no dup2 hits one that is still needed. */
	for (unsigned i = 0; i <= s->nlisten; i++)
		fds[i] = fcntl(i ? s->listen[i - 1] : sock, F_DUPFD_CLOEXEC, 32);
	for (unsigned i = 0; i <= s->nlisten; i++)
		if (fds[i] < 0 || dup2(fds[i], i ? SCREEN_LISTEN_FD + (int)i - 1 : LAUNCH_FD) < 0)
			_exit(1);
	snprintf(count, sizeof(count), "%u", s->nlisten);
	execl(s->program, s->program, count, s->name, (char *)NULL);
	log_error("cannot run '%s': %s", s->program, strerror(errno));
	_exit(1);
}

/* Give the machine its end. Without waiting: a machine that hangs does not read. */
static int hand_over(int machine, int fd)
{
	struct pollfd p = {.fd = machine, .events = POLLOUT};
	if (machine < 0 || poll(&p, 1, 0) != 1 || !(p.revents & POLLOUT))
		return -EAGAIN;
	return launch_screen(machine, fd);
}

void keeper_screen_start(struct keeper_screen *s, int machine)
{
	int pair[2];
	s->starts[s->nstarts++ % KEEPER_SCREEN_STARTS] = now_ms();
	int rc = unixsock_pair(SOCK_SEQPACKET, pair);
	if (rc) {
		log_warn("screen: cannot make a socket for it: %s", strerror(-rc));
		return;
	}
	rc = hand_over(machine, pair[0]);
	close(pair[0]);
	pid_t self = getpid(), pid = rc ? 0 : fork();
	if (!rc && pid == 0)
		become(s, pair[1], self);
	close(pair[1]);
	if (pid > 0)
		s->pid = pid;
	else
		log_warn("screen: cannot start it: %s", strerror(rc ? -rc : errno));
}

bool keeper_screen_reaped(struct keeper_screen *s, pid_t pid, int status)
{
	if (!s->pid || pid != s->pid)
		return false;
	s->pid = 0;
	if (WIFSIGNALED(status))
		log_warn("screen: its process was killed by signal %d (%s); the next viewer has a new one",
			 WTERMSIG(status), strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status))
		log_warn("screen: its process ended with status %d; the next viewer has a new one",
			 WEXITSTATUS(status));
	int64_t now = now_ms(), at = keeper_screen_next(s, now);
	if (at > now + KEEPER_SCREEN_BACKOFF_MS)
		log_warn("screen: it was started %d times within a minute; not again for %d s",
			 KEEPER_SCREEN_STARTS, (int)((at - now) / 1000));
	return true;
}

void keeper_screen_kill(struct keeper_screen *s, const char *why)
{
	if (!s->pid)
		return;
	log_warn("screen: %s; its process is ended", *why ? why : "given up by the machine");
	kill(s->pid, SIGKILL);
}

void keeper_screen_done(struct keeper_screen *s)
{
	if (s->pid) {
		kill(s->pid, SIGKILL);
		while (waitpid(s->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	while (s->nlisten)
		close(s->listen[--s->nlisten]);
	free(s->program);
	free(s->name);
	*s = (struct keeper_screen){0};
}
