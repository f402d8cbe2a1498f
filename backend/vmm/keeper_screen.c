#include "backend/vmm/keeper_screen.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/base/cleanup.h"
#include "src/base/log.h"
#include "src/base/str.h"
#include "src/base/unixsock.h"

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
	static const char *const tls[SCREEN_TLS_FILES] = {"tls.ca", "tls.cert", "tls.key"};
	for (unsigned i = 0; i < SCREEN_TLS_FILES; i++)
		s->tls[i] = named_take(fds, tls[i]);
	s->tls_verify = json_flag(screen, "tls_verify", false);
	s->program = x_strdup(json_str(screen, "program", ""));
	s->name = x_strdup(json_str(go, "name", ""));
}

unsigned keeper_screen_poll(const struct keeper_screen *s, struct pollfd *p, int *timeout_ms)
{
	*timeout_ms = -1;
	if (s->pid || !s->nlisten)
		return 0;
	int64_t now = keeper_now_ms(), at = keeper_starts_next(&s->starts, now);
	if (at > now) {
		*timeout_ms = (int)(at - now);
		return 0;
	}
	for (unsigned i = 0; i < s->nlisten; i++)
		p[i] = (struct pollfd){.fd = s->listen[i], .events = POLLIN};
	return s->nlisten;
}

/* Give the machine its end. Without waiting: a machine that hangs does not read. */
static int hand_over(int machine, int fd)
{
	struct pollfd p = {.fd = machine, .events = POLLOUT};
	if (machine < 0 || poll(&p, 1, 0) != 1 || !(p.revents & POLLOUT))
		return -EAGAIN;
	return launch_screen(machine, fd);
}

static pid_t start_process(const struct keeper_screen *s, int sock)
{
	int fds[1 + SCREEN_LISTEN_MAX + SCREEN_TLS_FILES] = {sock};
	bool ca = s->tls[0] >= 0, cert = s->tls[1] >= 0 && s->tls[2] >= 0;
	char count[16];
	unsigned n = SCREEN_LISTEN_FD - LAUNCH_FD;
	snprintf(count, sizeof(count), "%u", s->nlisten);
	for (unsigned i = 0; i < s->nlisten; i++)
		fds[n++] = s->listen[i];
	for (unsigned i = ca ? 0 : 1; cert && i < SCREEN_TLS_FILES; i++)
		fds[n++] = s->tls[i];
	const char *tls = !cert ? SCREEN_TLS_NONE : s->tls_verify ? SCREEN_TLS_VERIFY : ca ? SCREEN_TLS_CA : SCREEN_TLS_CERT;
	return keeper_child_start((const char *const[]){s->program, count, s->name, tls, NULL}, fds, n);
}

void keeper_screen_start(struct keeper_screen *s, int machine)
{
	int pair[2];
	keeper_starts_add(&s->starts, keeper_now_ms());
	int rc = unixsock_pair(SOCK_SEQPACKET, pair);
	if (rc) {
		log_warn("screen: cannot make a socket for it: %s", strerror(-rc));
		return;
	}
	rc = hand_over(machine, pair[0]);
	close(pair[0]);
	pid_t pid = rc ? rc : start_process(s, pair[1]);
	close(pair[1]);
	if (pid > 0)
		s->pid = pid;
	else
		log_warn("screen: cannot start it: %s", strerror(-pid));
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
	int64_t now = keeper_now_ms(), at = keeper_starts_next(&s->starts, now);
	if (at > now + KEEPER_BACKOFF_MS)
		log_warn("screen: it was started %d times within a minute; not again for %d s",
			 KEEPER_STARTS, (int)((at - now) / 1000));
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
	for (unsigned i = 0; i < SCREEN_TLS_FILES; i++)
		fd_close(s->tls[i]);
	free(s->program);
	free(s->name);
	*s = (struct keeper_screen){0};
}
