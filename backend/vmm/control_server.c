/* Connections of the control socket: lines in, lines out, with a bound on both. A client that sends too long
 * a line or does not read its answers is closed; the guest and the other clients do not notice. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <uv.h>

#include "backend/vmm/control.h"
#include "backend/vmm/machine.h"
#include "backend/vmm/peer.h"
#include "backend/vmm/run.h"
#include "src/base/cleanup.h"
#include "src/base/log.h"
#include "src/base/str.h"
#include "src/base/unixsock.h"
#include "src/base/version.h"
#include "src/proto/control.h"

#define PENDING_MAX (1u << 20)

struct control_client {
	uv_poll_t poll;
	struct machine *m;
	struct control_client *next;
	int fd;
	int carried; /* descriptor that came with the line being received, or -1 */
	struct buf in, out;
	bool closing;
};

struct control_server {
	uv_poll_t poll;
	int fd;
	int came; /* descriptor of the command that is being executed, or -1 */
	struct control_client *clients;
};

static void client_ready(uv_poll_t *p, int status, int events);

static void client_freed(uv_handle_t *h)
{
	struct control_client *k = h->data;
	fd_close(k->fd);
	fd_close(k->carried);
	buf_done(&k->in);
	buf_done(&k->out);
	free(k);
}

static void client_close(struct control_client *k)
{
	if (k->closing)
		return;
	k->closing = true;
	for (struct control_client **p = &k->m->control->clients; *p; p = &(*p)->next)
		if (*p == k) {
			*p = k->next;
			break;
		}
	uv_close((uv_handle_t *)&k->poll, client_freed);
}

static void client_flush(struct control_client *k)
{
	while (k->out.len && !k->closing) {
		ssize_t n = send(k->fd, k->out.s, k->out.len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (n < 0) {
			client_close(k);
			return;
		}
		buf_drop(&k->out, (size_t)n);
	}
	if (!k->closing)
		uv_poll_start(&k->poll, UV_READABLE | (k->out.len ? UV_WRITABLE : 0), client_ready);
}

/* Send one value as a line. @fd (or -1) travels with its first byte and is closed here. */
static void client_put(struct control_client *k, json_t *j, int fd)
{
	AUTO_FREE char *text = json_text(j, false);
	json_decref(j);
	if (!text || k->closing || k->out.len > PENDING_MAX) {
		fd_close(fd);
		client_close(k);
		return;
	}
	if (fd >= 0) {
		client_flush(k);
		ssize_t n = k->out.len ? -EAGAIN : unixsock_send(k->fd, text, 1, &fd, 1);
		fd_close(fd);
		if (n != 1) {
			client_close(k);
			return;
		}
	}
	buf_puts(&k->out, text + (fd >= 0));
	buf_puts(&k->out, "\n");
	client_flush(k);
}

static void answer_error(struct control_client *k, json_t *id, const char *class, const char *text)
{
	json_t *j = json_object(), *err = json_object();
	json_set_str(err, "class", class);
	json_set_str(err, "desc", text);
	json_set_take(j, "error", err);
	if (id)
		json_object_set(j, "id", id);
	client_put(k, j, -1);
}

static const struct control_command *command_find(const char *name)
{
	for (const struct control_command *c = control_commands; c->name; c++)
		if (!strcmp(c->name, name))
			return c;
	return NULL;
}

int control_take_fd(struct machine *m)
{
	return TAKE_FD(m->control->came);
}

static void execute(struct control_client *k, const char *line, size_t len)
{
	struct err e = {0};
	AUTO_JSON json_t *req = json_parse(line, len, &e);
	const char *name = json_str(req, "execute", NULL);
	json_t *id = json_object_get(req, "id"), *ret = NULL;
	if (!req || !name) {
		answer_error(k, id, "GenericError", req ? "no \"execute\" in the command" : e.msg);
		return;
	}
	const struct control_command *c = command_find(name);
	if (!c) {
		AUTO_FREE char *text =
		    x_asprintf("there is no command '%.64s': query-commands lists them", name);
		answer_error(k, id, "CommandNotFound", text);
		return;
	}
	int fd = -1;
	k->m->control->came = TAKE_FD(k->carried);
	log_debug("control", "%s", name);
	int rc = c->run(k->m, json_object_get(req, "arguments"), &ret, &fd, &e);
	fd_close(control_take_fd(k->m)); /* the command had no use for it */
	if (rc) {
		answer_error(k, id, "GenericError", e.msg);
		return;
	}
	json_t *j = json_object();
	json_set_take(j, "return", ret ? ret : json_object());
	if (id)
		json_object_set(j, "id", id);
	client_put(k, j, fd);
}

static void client_read(struct control_client *k)
{
	char p[4096];
	int fds[4];
	size_t nfds = ARRAY_SIZE(fds);
	ssize_t n = unixsock_recv(k->fd, p, sizeof(p), fds, &nfds);
	if (n == -EAGAIN)
		return;
	for (size_t i = 0; n > 0 && i < nfds; i++) { /* the newest is the one that the line speaks of */
		fd_close(k->carried);
		k->carried = fds[i];
	}
	if (n <= 0) {
		client_close(k);
		return;
	}
	buf_add(&k->in, p, (size_t)n);
	for (char *nl; !k->closing && k->in.len && (nl = memchr(k->in.s, '\n', k->in.len));) {
		size_t len = (size_t)(nl - k->in.s);
		if (len && k->in.s[len - 1] == '\r')
			k->in.s[len - 1] = ' ';
		if (len)
			execute(k, k->in.s, len);
		if (!k->closing)
			buf_drop(&k->in, len + 1);
	}
	if (!k->closing && k->in.len > CONTROL_LINE_MAX)
		client_close(k);
}

static void client_ready(uv_poll_t *p, int status, int events)
{
	struct control_client *k = p->data;
	if (status < 0) {
		client_close(k);
		return;
	}
	if (events & UV_WRITABLE)
		client_flush(k);
	if (events & UV_READABLE && !k->closing)
		client_read(k);
}

static void greet(struct control_client *k)
{
	json_t *j = json_object(), *qmp = json_object(), *v = json_object();
	json_set_str(v, "vmdeck", VMDECK_VERSION);
	json_set_int(v, "protocol", CONTROL_PROTOCOL);
	json_set_take(qmp, "version", v);
	json_set_take(qmp, "capabilities", json_array());
	json_set_take(j, "QMP", qmp);
	client_put(k, j, -1);
}

static void connection(uv_poll_t *p, int status, int events)
{
	struct machine *m = p->data;
	struct control_server *s = m->control;
	int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return;
	struct control_client *k = calloc(1, sizeof(*k));
	if (!k || !peer_allowed(run_keeper(m), fd) || uv_poll_init(m->loop, &k->poll, fd)) {
		free(k);
		fd_close(fd);
		return;
	}
	k->poll.data = k;
	k->m = m;
	k->fd = fd;
	k->carried = -1;
	k->next = s->clients;
	s->clients = k;
	greet(k);
}

int control_serve(struct machine *m, struct err *e)
{
	struct control_server *s = calloc(1, sizeof(*s));
	if (!s)
		return err_set(e, ENOMEM, "out of memory");
	m->control = s;
	s->came = -1;
	s->fd = named_take(&m->fds, "control");
	if (s->fd < 0)
		return 0;
	int rc = uv_poll_init(m->loop, &s->poll, s->fd);
	if (rc)
		return err_set(e, -rc, "cannot serve the control socket: %s", uv_strerror(rc));
	s->poll.data = m;
	uv_poll_start(&s->poll, UV_READABLE, connection);
	return 0;
}

void control_event(struct machine *m, const char *name, json_t *data)
{
	struct timeval tv;
	gettimeofday(&tv, NULL);
	AUTO_JSON json_t *j = json_object();
	json_t *ts = json_object();
	json_set_int(ts, "seconds", tv.tv_sec);
	json_set_int(ts, "microseconds", tv.tv_usec);
	json_set_str(j, "event", name);
	json_set_take(j, "data", data ? data : json_object());
	json_set_take(j, "timestamp", ts);
	for (struct control_client *k = m->control ? m->control->clients : NULL, *next; k; k = next) {
		next = k->next;
		client_put(k, json_incref(j), -1);
	}
}

static void server_freed(uv_handle_t *h)
{
	free(CONTAINER_OF((uv_poll_t *)h, struct control_server, poll));
}

void control_done(struct machine *m)
{
	struct control_server *s = m->control;
	if (!s)
		return;
	while (s->clients) {
		client_flush(s->clients);
		if (s->clients)
			client_close(s->clients);
	}
	m->control = NULL;
	if (s->fd < 0) {
		free(s);
		return;
	}
	fd_close(s->fd);
	uv_close((uv_handle_t *)&s->poll, server_freed);
}
