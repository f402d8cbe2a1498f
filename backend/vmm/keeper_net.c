#include "backend/vmm/keeper_net.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "src/base/cleanup.h"
#include "src/base/log.h"
#include "src/base/str.h"
#include "src/base/unixsock.h"
#include "src/proto/net.h"

#define ANSWER_MS 10000 /* it opens ports and reads a file */

/* Start one. *frames is the machine's end, *config ours, on which its answer comes; both the caller's. */
static int start(struct keeper_net *k, struct keeper_net_card *c, int *frames, int *config, struct err *e)
{
	int f[2], g[2];
	char index[12];
	keeper_starts_add(&c->starts, keeper_now_ms());
	int rc = unixsock_pair(SOCK_SEQPACKET, f);
	if (!rc && (rc = unixsock_pair(SOCK_SEQPACKET, g))) {
		close(f[0]);
		close(f[1]);
	}
	if (rc)
		return err_sys(e, -rc, "cannot make a socket for vmdeck-net");
	snprintf(index, sizeof(index), "%u", c->index);
	const char *const argv[] = {k->program, k->name, index, NULL};
	pid_t pid = keeper_child_start(argv, (const int[]){f[1], g[1]}, 2);
	close(f[1]);
	close(g[1]);
	ssize_t n = pid < 0 ? pid : unixsock_send(g[0], c->config, strlen(c->config), NULL, 0);
	c->pid = pid < 0 ? 0 : pid;
	if (n >= 0) {
		*frames = f[0];
		*config = g[0];
		return 0;
	}
	close(f[0]);
	close(g[0]);
	return err_sys(e, (int)-n, "cannot start '%s'", k->program);
}

static int begin_card(struct keeper_net *k, struct keeper_net_card *c, struct fd_set_named *fds,
		      struct err *e)
{
	int frames, config, pid;
	struct err why = {0};
	int rc = start(k, c, &frames, &config, e);
	if (rc)
		return rc;
	rc = launch_wait(config, ANSWER_MS, &pid, &why);
	close(config);
	if (rc) {
		close(frames);
		if (rc == -EPIPE || rc == -ETIMEDOUT)
			return err_set(e, -rc, "'%s' %s before it was ready: see vmm.log", k->program,
				       rc == -EPIPE ? "ended" : "hung");
		return err_set(e, -rc, "interface net%u: %s", c->index, why.msg);
	}
	char name[16];
	snprintf(name, sizeof(name), "net:%u", c->index);
	rc = named_add(fds, name, frames);
	return rc ? err_sys(e, -rc, "interface net%u", c->index) : 0;
}

int keeper_net_begin(struct keeper_net *k, struct fd_set_named *fds, const json_t *go, struct err *e)
{
	const json_t *list = json_object_get(go, "interfaces");
	*k = (struct keeper_net){.cards = x_calloc(json_array_size(list), sizeof(*k->cards)),
				 .program = x_strdup(json_str(go, "net_program", "")),
				 .name = x_strdup(json_str(go, "name", ""))};
	int rc = 0;
	for (size_t i = 0; i < json_array_size(list) && !rc; i++) {
		const json_t *card = json_array_get(list, i);
		if (strcmp(json_str(card, "kind", ""), "user") != 0)
			continue;
		struct keeper_net_card *c = &k->cards[k->n++];
		c->index = (unsigned)i;
		c->config = json_text(card, false);
		rc = begin_card(k, c, fds, e);
	}
	return rc;
}

int keeper_net_timeout(const struct keeper_net *k)
{
	int64_t now = keeper_now_ms(), first = -1;
	for (size_t i = 0; i < k->n; i++) {
		int64_t at = keeper_starts_next(&k->cards[i].starts, now);
		if (!k->cards[i].pid && (first < 0 || at < first))
			first = at;
	}
	return first < 0 ? -1 : (int)(first - now);
}

/* Give the machine its end. Without waiting: a machine that hangs does not read. */
static void hand_over(unsigned index, int machine, int fd)
{
	struct pollfd p = {.fd = machine, .events = POLLOUT};
	int rc = machine < 0 || poll(&p, 1, 0) != 1 || !(p.revents & POLLOUT)
		     ? -EAGAIN
		     : launch_net(machine, index, fd);
	if (rc)
		log_warn("interface net%u: the machine does not take its socket: %s", index, strerror(-rc));
}

void keeper_net_turn(struct keeper_net *k, int machine)
{
	for (size_t i = 0; i < k->n; i++) {
		struct keeper_net_card *c = &k->cards[i];
		struct err e = {0};
		int frames, config;
		int64_t now = keeper_now_ms();
		if (c->pid || keeper_starts_next(&c->starts, now) > now)
			continue;
		if (start(k, c, &frames, &config, &e)) {
			log_warn("interface net%u: %s", c->index, e.msg);
			continue;
		}
		close(config); /* what it has to say is in the log, too */
		hand_over(c->index, machine, frames);
		close(frames);
	}
}

bool keeper_net_reaped(struct keeper_net *k, pid_t pid, int status)
{
	for (size_t i = 0; i < k->n; i++) {
		struct keeper_net_card *c = &k->cards[i];
		if (c->pid != pid)
			continue;
		c->pid = 0;
		int64_t now = keeper_now_ms(), at = keeper_starts_next(&c->starts, now);
		if (WIFSIGNALED(status))
			log_warn("interface net%u: its vmdeck-net was killed by signal %d (%s)%s: another is "
				 "started in %d s",
				 c->index, WTERMSIG(status), strsignal(WTERMSIG(status)),
				 WTERMSIG(status) == SIGSYS ? ", the sandbox refused a system call" : "",
				 (int)((at - now + 999) / 1000));
		else
			log_warn("interface net%u: its vmdeck-net ended with status %d: another is started "
				 "in %d s",
				 c->index, WEXITSTATUS(status), (int)((at - now + 999) / 1000));
		return true;
	}
	return false;
}

void keeper_net_done(struct keeper_net *k)
{
	for (size_t i = 0; i < k->n; i++) {
		if (k->cards[i].pid) {
			kill(k->cards[i].pid, SIGKILL);
			while (waitpid(k->cards[i].pid, NULL, 0) < 0 && errno == EINTR)
				;
		}
		free(k->cards[i].config);
	}
	free(k->cards);
	free(k->program);
	free(k->name);
	*k = (struct keeper_net){0};
}
