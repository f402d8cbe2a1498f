#include "src/proto/launch.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "src/base/cleanup.h"
#include "src/base/str.h"
#include "src/base/unixsock.h"

#define FDS_PER_MESSAGE 64

int named_add(struct fd_set_named *s, const char *name, int fd)
{
	if (s->n == LAUNCH_FDS_MAX || strlen(name) >= sizeof(s->v[0].name)) {
		fd_close(fd);
		return -ENOSPC;
	}
	snprintf(s->v[s->n].name, sizeof(s->v[0].name), "%s", name);
	s->v[s->n++].fd = fd;
	return 0;
}

static int find(const struct fd_set_named *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (!strcmp(s->v[i].name, name))
			return (int)i;
	return -1;
}

int named_get(const struct fd_set_named *s, const char *name)
{
	int i = find(s, name);
	return i < 0 ? -1 : s->v[i].fd;
}

int named_take(struct fd_set_named *s, const char *name)
{
	int i = find(s, name);
	if (i < 0)
		return -1;
	int fd = s->v[i].fd;
	s->v[i] = s->v[--s->n];
	return fd;
}

void named_done(struct fd_set_named *s)
{
	while (s->n)
		fd_close(s->v[--s->n].fd);
}

static int send_json(int sock, json_t *j, const int *fds, size_t nfds)
{
	AUTO_FREE char *text = json_text(j, false);
	size_t len = strlen(text);
	if (len > LAUNCH_MESSAGE_MAX)
		return -EMSGSIZE;
	ssize_t k = unixsock_send(sock, text, len, fds, nfds);
	return k < 0 ? (int)k : 0;
}

static int send_batch(int sock, const struct fd_set_named *s, size_t first, size_t n)
{
	int fds[FDS_PER_MESSAGE];
	AUTO_JSON json_t *msg = json_object(), *names = json_array();
	for (size_t i = 0; i < n; i++) {
		fds[i] = s->v[first + i].fd;
		json_array_append_new(names, json_string(s->v[first + i].name));
	}
	json_object_set(msg, "fds", names);
	return send_json(sock, msg, fds, n);
}

int launch_send(int sock, const struct fd_set_named *s, json_t *go, struct err *e)
{
	int rc = 0;
	for (size_t i = 0; i < s->n && !rc; i += FDS_PER_MESSAGE)
		rc = send_batch(sock, s, i, s->n - i < FDS_PER_MESSAGE ? s->n - i : FDS_PER_MESSAGE);
	AUTO_JSON json_t *msg = json_object();
	json_object_set(msg, "go", go);
	if (!rc)
		rc = send_json(sock, msg, NULL, 0);
	return rc ? err_sys(e, -rc, "cannot hand the guest's files to vmdeck-vmm") : 0;
}

/* One message as an object; *nfds in: room, out: how many. NULL with @e filled (ENOTCONN at the end). */
static json_t *recv_json(int sock, int *fds, size_t *nfds, struct err *e)
{
	AUTO_FREE char *text = x_malloc(LAUNCH_MESSAGE_MAX);
	ssize_t k = unixsock_recv(sock, text, LAUNCH_MESSAGE_MAX, fds, nfds);
	if (k <= 0) {
		if (k)
			err_sys(e, (int)-k, "cannot receive a launch message");
		else
			err_set(e, EPIPE, "the other end closed the launch socket");
		return NULL;
	}
	json_t *j = json_parse(text, (size_t)k, e);
	for (size_t i = 0; !j && fds && i < *nfds; i++)
		fd_close(fds[i]);
	return j;
}

/* Put what came with an "fds" message into the set; every descriptor is taken or closed. */
static int take_fds(struct fd_set_named *s, json_t *names, const int *fds, size_t n)
{
	int rc = json_is_array(names) && json_array_size(names) == n ? 0 : -EBADMSG;
	for (size_t i = 0; i < n; i++) {
		const char *name = rc ? NULL : json_string_value(json_array_get(names, i));
		if (name && find(s, name) < 0)
			rc = named_add(s, name, fds[i]);
		else {
			fd_close(fds[i]);
			rc = -EBADMSG;
		}
	}
	return rc;
}

int launch_recv(int sock, struct fd_set_named *s, json_t **go, struct err *e)
{
	for (;;) {
		int fds[UNIXSOCK_FDS];
		size_t n = UNIXSOCK_FDS;
		struct err why = {0};
		AUTO_JSON json_t *msg = recv_json(sock, fds, &n, &why);
		if (!msg) {
			named_done(s);
			return err_set(e, why.code, "%s", why.msg);
		}
		json_t *g = json_object_get(msg, "go");
		if (json_is_object(g) && !n) {
			*go = json_incref(g);
			return 0;
		}
		int rc = take_fds(s, json_object_get(msg, "fds"), fds, n);
		if (rc) {
			named_done(s);
			return err_sys(e, -rc, "a launch message makes no sense");
		}
	}
}

int launch_answer_ready(int sock, int pid)
{
	AUTO_JSON json_t *msg = json_object();
	json_t *ready = json_object();
	json_set_int(ready, "pid", pid);
	json_set_take(msg, "ready", ready);
	return send_json(sock, msg, NULL, 0);
}

int launch_answer_error(int sock, const struct err *err)
{
	AUTO_JSON json_t *msg = json_object();
	json_t *error = json_object();
	json_set_int(error, "code", err->code ? err->code : EIO);
	json_set_str(error, "message", err->msg);
	json_set_take(msg, "error", error);
	return send_json(sock, msg, NULL, 0);
}

int launch_ended(int sock, const char *reason, const char *detail)
{
	AUTO_JSON json_t *msg = json_object();
	json_t *ended = json_object();
	json_set_str(ended, "reason", reason);
	json_set_str(ended, "detail", detail);
	json_set_take(msg, "ended", ended);
	return send_json(sock, msg, NULL, 0);
}

int launch_screen(int sock, int fd)
{
	AUTO_JSON json_t *msg = json_object();
	json_set_take(msg, "screen", json_object());
	return send_json(sock, msg, &fd, 1);
}

int launch_screen_dropped(int sock, const char *why)
{
	AUTO_JSON json_t *msg = json_object();
	json_t *screen = json_object();
	json_set_str(screen, "dropped", why);
	json_set_take(msg, "screen", screen);
	return send_json(sock, msg, NULL, 0);
}

int launch_disk_lost(int sock, const char *name, const char *why)
{
	AUTO_JSON json_t *msg = json_object();
	json_t *disk = json_object();
	json_set_str(disk, "name", name);
	json_set_str(disk, "lost", why);
	json_set_take(msg, "disk", disk);
	return send_json(sock, msg, NULL, 0);
}

int launch_ask_peer(int sock, int fd, int reply)
{
	AUTO_JSON json_t *msg = json_object();
	json_set_take(msg, "peer", json_object());
	return send_json(sock, msg, (const int[]){fd, reply}, 2);
}

int launch_net(int sock, unsigned index, int fd)
{
	AUTO_JSON json_t *msg = json_object();
	json_t *net = json_object();
	json_set_int(net, "index", index);
	json_set_take(msg, "net", net);
	return send_json(sock, msg, &fd, 1);
}

int launch_recv_given(int sock, struct launch_given *g)
{
	char text[256];
	int got = -1;
	size_t n = 1;
	*g = (struct launch_given){.fd = -1};
	ssize_t k = unixsock_recv(sock, text, sizeof(text), &got, &n);
	if (k <= 0)
		return k ? (int)k : -EPIPE;
	AUTO_JSON json_t *msg = json_parse(text, (size_t)k, NULL);
	json_t *net = json_object_get(msg, "net");
	int64_t index = json_int(net, "index", -1);
	if (n && json_is_object(json_object_get(msg, "screen")))
		*g = (struct launch_given){LAUNCH_SCREEN, 0, got};
	else if (n && index >= 0 && index < LAUNCH_FDS_MAX)
		*g = (struct launch_given){LAUNCH_NET, (unsigned)index, got};
	else if (n)
		fd_close(got);
	return 0;
}

static int64_t now_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int launch_wait(int sock, int timeout_ms, int *pid, struct err *e)
{
	struct err why = {0};
	struct pollfd p = {.fd = sock, .events = POLLIN};
	int64_t end = now_ms() + timeout_ms;
	int rc;
	do {
		int64_t left = end - now_ms();
		rc = poll(&p, 1, left > 0 ? (int)left : 0);
	} while (rc < 0 && errno == EINTR);
	if (rc < 0)
		return err_sys(e, errno, "cannot wait for vmdeck-vmm");
	if (!rc)
		return err_set(e, ETIMEDOUT, "vmdeck-vmm did not answer within %d s", timeout_ms / 1000);
	size_t n = 0;
	AUTO_JSON json_t *msg = recv_json(sock, NULL, &n, &why);
	if (!msg)
		return err_set(e, EPIPE, "vmdeck-vmm died before the guest ran");
	json_t *ready = json_object_get(msg, "ready"), *error = json_object_get(msg, "error");
	int64_t code = json_int(error, "code", EIO);
	if (json_is_object(ready)) {
		*pid = (int)json_int(ready, "pid", 0);
		return 0;
	}
	return err_set(e, code > 0 && code < 4096 ? (int)code : EIO, "%s",
		       json_str(error, "message", "vmdeck-vmm answered nonsense"));
}
