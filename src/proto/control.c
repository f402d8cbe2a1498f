#include "src/proto/control.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "src/base/cleanup.h"
#include "src/base/str.h"
#include "src/base/unixsock.h"

struct control {
	int fd;
	int timeout_ms;
	int64_t deadline_ms; /* of the call under way */
	int64_t next_id;
	struct buf in;
	int carried; /* descriptor that came with the line being received, or -1 */
};

static int64_t now_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Wait for @events until the deadline. 0, -ETIMEDOUT or -errno. */
static int wait_for(struct control *c, short events)
{
	for (;;) {
		struct pollfd p = {.fd = c->fd, .events = events};
		int64_t left = c->deadline_ms - now_ms();
		int rc = left > 0 ? poll(&p, 1, (int)left) : 0;
		if (rc > 0)
			return 0;
		if (rc == 0)
			return -ETIMEDOUT;
		if (errno != EINTR)
			return -errno;
	}
}

static int receive(struct control *c)
{
	char chunk[4096];
	int fds[4];
	size_t n = ARRAY_SIZE(fds);
	int rc = wait_for(c, POLLIN);
	if (rc)
		return rc;
	ssize_t k = unixsock_recv(c->fd, chunk, sizeof(chunk), fds, &n);
	if (k == -EAGAIN)
		return 0;
	if (k <= 0)
		return k < 0 ? (int)k : -ECONNRESET;
	for (size_t i = 0; i < n; i++) { /* the newest is the one announced */
		fd_close(c->carried);
		c->carried = fds[i];
	}
	if (c->in.len + (size_t)k > CONTROL_LINE_MAX + sizeof(chunk))
		return -EMSGSIZE;
	buf_add(&c->in, chunk, (size_t)k);
	return 0;
}

/* The next line as JSON. NULL with *rc and @e. */
static json_t *read_line(struct control *c, int *rc, struct err *e)
{
	char *nl;
	while (!(nl = c->in.len ? memchr(c->in.s, '\n', c->in.len) : NULL)) {
		*rc = c->in.len > CONTROL_LINE_MAX ? -EMSGSIZE : receive(c);
		if (*rc) {
			err_sys(e, -*rc,
				*rc == -ETIMEDOUT ? "the guest's process does not answer"
						  : "the guest's process broke off");
			return NULL;
		}
	}
	size_t len = (size_t)(nl - c->in.s);
	struct err bad = {0};
	json_t *j = json_parse(c->in.s, len, &bad);
	buf_drop(&c->in, len + 1);
	if (!j) {
		*rc = err_set(e, EBADMSG, "the guest's process sent what is not JSON: %s", bad.msg);
		return NULL;
	}
	return j;
}

static int greeting(struct control *c, struct err *e)
{
	int rc = 0;
	AUTO_JSON json_t *g = read_line(c, &rc, e);
	if (!g)
		return rc;
	json_t *version = json_object_get(json_object_get(g, "QMP"), "version");
	int64_t protocol = json_int(version, "protocol", -1);
	if (protocol < 0)
		return err_set(e, EPROTO, "no vmdeck guest answers at this socket");
	if (protocol < CONTROL_PROTOCOL_MIN || protocol > CONTROL_PROTOCOL)
		return err_set(e, EPROTO,
			       "the guest was started by vmdeck %s, which speaks control protocol %lld; this "
			       "vmdeck speaks "
			       "%d to %d: use the vmdeck that started it, or restart the guest",
			       json_str(version, "vmdeck", "of an unknown version"), (long long)protocol,
			       CONTROL_PROTOCOL_MIN, CONTROL_PROTOCOL);
	return 0;
}

struct control *control_connect(const char *path, int timeout_ms, struct err *e)
{
	struct control *c = x_calloc(1, sizeof(*c));
	c->carried = -1;
	c->timeout_ms = timeout_ms;
	c->deadline_ms = now_ms() + timeout_ms;
	c->fd = unixsock_connect(path, e);
	int rc = c->fd < 0 ? c->fd : 0;
	if (!rc && fcntl(c->fd, F_SETFL, O_NONBLOCK) < 0)
		rc = err_sys(e, errno, "control socket '%s'", path);
	if (!rc)
		rc = greeting(c, e);
	if (!rc)
		return c;
	control_close(c);
	return NULL;
}

void control_close(struct control *c)
{
	if (!c)
		return;
	fd_close(c->fd);
	fd_close(c->carried);
	buf_done(&c->in);
	free(c);
}

/* @fd (or -1) travels with the first byte. */
static int send_line(struct control *c, const char *command, json_t *arguments, int64_t id, int fd,
		     struct err *e)
{
	AUTO_JSON json_t *msg = json_object();
	json_set_str(msg, "execute", command);
	if (arguments)
		json_object_set(msg, "arguments", arguments);
	json_set_int(msg, "id", id);
	AUTO_FREE char *text = json_text(msg, false);
	AUTO_FREE char *line = x_asprintf("%s\n", text);
	size_t len = strlen(line);
	if (len > CONTROL_LINE_MAX)
		return err_set(e, EMSGSIZE, "the command '%s' is longer than %d bytes", command,
			       CONTROL_LINE_MAX);
	for (size_t done = 0; done < len;) {
		int rc = wait_for(c, POLLOUT);
		ssize_t k = rc ? rc : unixsock_send(c->fd, line + done, len - done, &fd, fd >= 0 && !done);
		if (k == -EAGAIN)
			continue;
		if (k < 0)
			return err_sys(e, (int)-k,
				       k == -ETIMEDOUT ? "the guest's process does not answer"
						       : "the guest's process broke off");
		done += (size_t)k;
	}
	return 0;
}

/* @answer is the one to our command. */
static int take_answer(struct control *c, json_t *answer, json_t **reply, int *fd, struct err *e)
{
	json_t *ret = json_object_get(answer, "return"), *error = json_object_get(answer, "error");
	if (error)
		return err_set(e, EREMOTEIO, "%s",
			       json_str(error, "desc", "the guest's process refused, without saying why"));
	if (!ret)
		return err_set(e, EBADMSG,
			       "the guest's process answered neither with 'return' nor with 'error'");
	if (reply)
		*reply = json_incref(ret);
	if (fd)
		*fd = TAKE_FD(c->carried);
	return 0;
}

static int call(struct control *c, const char *command, json_t *arguments, int send_fd, json_t **reply,
		int *fd, struct err *e)
{
	AUTO_JSON json_t *args = arguments;
	int64_t id = ++c->next_id;
	c->deadline_ms = now_ms() + c->timeout_ms;
	fd_close(TAKE_FD(c->carried));
	int rc = send_line(c, command, args, id, send_fd, e);
	if (rc)
		return rc;
	for (;;) {
		AUTO_JSON json_t *line = read_line(c, &rc, e);
		if (!line)
			return rc;
		if (json_object_get(line, "event") || json_int(line, "id", -1) != id)
			continue;
		return take_answer(c, line, reply, fd, e);
	}
}

int control_call(struct control *c, const char *command, json_t *arguments, json_t **reply, int *fd,
		 struct err *e)
{
	return call(c, command, arguments, -1, reply, fd, e);
}

int control_call_with(struct control *c, const char *command, json_t *arguments, int fd, json_t **reply,
		      struct err *e)
{
	return call(c, command, arguments, fd, reply, NULL, e);
}
