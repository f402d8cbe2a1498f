#include "backend/screen/viewer.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>

#include "backend/screen/relay.h"
#include "src/base/cleanup.h"
#include "src/base/log.h"

#define CHUNK 65536
#define FLUSH_MS 2000
#define READ 16384

/* One that does not answer for a minute and a half is gone; nobody else tells us while nothing is sent. */
#define IDLE_S 60
#define PROBE_S 10
#define PROBES 3

/* --- life --- */

static void name_peer(struct viewer *v, const struct sockaddr_storage *a, socklen_t len)
{
	int one = 1, kernel = RELAY_KERNEL_MAX, dead = RELAY_DEAD_MS, idle = IDLE_S, probe = PROBE_S,
	    probes = PROBES;
	v->family = a->ss_family == AF_INET6 ? "ipv6" : a->ss_family == AF_INET ? "ipv4" : "unix";
	if (a->ss_family == AF_UNIX)
		return;
	getnameinfo((const struct sockaddr *)a, len, v->host, sizeof(v->host), v->service, sizeof(v->service),
		    NI_NUMERICHOST | NI_NUMERICSERV);
	setsockopt(v->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(v->fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	setsockopt(v->fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	setsockopt(v->fd, IPPROTO_TCP, TCP_KEEPINTVL, &probe, sizeof(probe));
	setsockopt(v->fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
	/* What the kernel keeps for it is bounded, too: it would take 4 MiB before we see that nobody reads.
	 */
	setsockopt(v->fd, SOL_SOCKET, SO_SNDBUF, &kernel, sizeof(kernel));
	setsockopt(v->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &dead, sizeof(dead));
}

void viewer_init(struct viewer *v, unsigned id, int fd, const struct sockaddr_storage *a, socklen_t len,
		 int64_t now)
{
	*v = (struct viewer){.phase = SNIFF, .id = id, .fd = fd, .inner = -1, .born = now, .moved = now};
	v->wire.max = WS_REQUEST_MAX + READ;
	v->in.max = RELAY_IN_MAX + v->wire.max;
	v->to.max = RELAY_IN_MAX + v->in.max;
	v->out.max = RELAY_DRAIN_MAX + 2 * CHUNK;
	v->source = source_key(a);
	name_peer(v, a, len);
}

void viewer_done(struct viewer *v)
{
	tls_free(v->tls);
	fd_close(v->fd);
	fd_close(v->inner);
	fifo_done(&v->wire);
	fifo_done(&v->in);
	fifo_done(&v->to);
	fifo_done(&v->out);
	*v = (struct viewer){.fd = -1, .inner = -1};
}

void viewer_flush(struct viewer *v, int64_t now)
{
	fd_close(TAKE_FD(v->inner));
	v->phase = FLUSH;
	v->born = now;
}

/* --- bytes --- */

void viewer_send(struct viewer *v, const void *p, size_t n, int64_t now)
{
	if (!v->out.len)
		v->moved = now;
	if (v->is_ws)
		ws_encode(&v->out, p, n);
	else
		fifo_add(&v->out, p, n);
}

/* Bytes, 0 = end, -EAGAIN or -errno. */
static ssize_t outside_recv(struct viewer *v, void *p, size_t n)
{
	if (v->tls)
		return tls_recv(v->tls, p, n);
	ssize_t k = recv(v->fd, p, n, MSG_DONTWAIT);
	return k < 0 ? -errno : k;
}

static ssize_t outside_send(struct viewer *v, const void *p, size_t n)
{
	if (v->tls_done)
		return tls_send(v->tls, p, n);
	ssize_t k = send(v->fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	return k < 0 ? -errno : k;
}

bool viewer_read(struct viewer *v, int64_t now)
{
	uint8_t p[READ];
	if (v->quiet)
		return true;
	/* Only who is in may ping. */
	v->ws.pong_max = v->phase == RUN ? RELAY_PONG_MAX : 0;
	for (size_t taken = 0; !v->ended && v->in.len < RELAY_IN_MAX && v->wire.len <= WS_REQUEST_MAX &&
			       taken < VIEWER_TURN;) {
		ssize_t k = outside_recv(v, p, sizeof(p));
		if (k == -EAGAIN || k == -EINTR)
			return true;
		v->ended = k == 0;
		if (k <= 0)
			return v->ended;
		taken += (size_t)k;
		bool raw = v->is_ws || v->phase == HTTP;
		fifo_add(raw ? &v->wire : &v->in, p, (size_t)k);
		if (!v->out.len)
			v->moved = now; /* a pong may be the first in it */
		if (v->is_ws && ws_decode(&v->ws, &v->wire, &v->in, &v->out) < 0)
			return false;
		if (!v->tls && (size_t)k < sizeof(p))
			return true; /* what may have come since is told by poll() */
	}
	return true;
}

bool viewer_write(struct viewer *v, int64_t now)
{
	if (v->hold > now)
		return true;
	while (v->out.len) {
		ssize_t k = outside_send(v, fifo_head(&v->out), v->out.len);
		if (k == -EAGAIN || k == -EINTR)
			return true;
		if (k <= 0)
			return false;
		fifo_drop(&v->out, (size_t)k);
		v->sent += (uint64_t)k;
		v->moved = now;
	}
	return true;
}

bool viewer_read_inner(struct viewer *v, size_t max, int64_t now)
{
	static uint8_t p[CHUNK]; /* only one thread is here */
	while (!v->inner_quiet && v->out.len < max) {
		ssize_t k = recv(v->inner, p, sizeof(p), MSG_DONTWAIT);
		if (k < 0 && (errno == EAGAIN || errno == EINTR))
			return true;
		if (k <= 0)
			return false;
		size_t skip = v->skip < (size_t)k ? v->skip : (size_t)k;
		v->skip -= skip;
		if ((size_t)k > skip)
			viewer_send(v, p + skip, (size_t)k - skip, now);
		if ((size_t)k < sizeof(p))
			return true;
	}
	return true;
}

static bool write_inner(struct viewer *v)
{
	while (v->to.len) {
		ssize_t k = send(v->inner, fifo_head(&v->to), v->to.len, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (k < 0 && (errno == EAGAIN || errno == EINTR))
			return true;
		if (k <= 0)
			return false;
		fifo_drop(&v->to, (size_t)k);
	}
	return true;
}

bool viewer_hear(struct viewer *v)
{
	size_t before;
	do {
		before = v->in.len;
		if (guard_step(&v->guard, &v->in, &v->to, RELAY_IN_MAX) < 0) {
			v->why = v->guard.why;
			return false;
		}
		if (!write_inner(v))
			return false;
	} while (!v->to.len && v->in.len < before);
	return true;
}

bool viewer_over(const struct viewer *v)
{
	return v->wire.over || v->in.over || v->to.over || v->out.over;
}

bool viewer_pending(const struct viewer *v)
{
	return v->tls_done && v->phase <= RUN && !v->ended && v->in.len < RELAY_IN_MAX && tls_pending(v->tls);
}

/* --- time --- */

short viewer_wants(const struct viewer *v, bool known, int64_t now)
{
	short want = 0;
	if (v->phase == SNIFF && !known)
		return 0; /* the first viewer may come before the machine has said who is let in */
	if (v->phase == TLS && v->tls)
		return tls_wants_write(v->tls) ? POLLOUT : POLLIN;
	if (v->out.len && v->hold <= now)
		want |= POLLOUT;
	if (v->phase <= RUN && v->phase != TLS && !v->ended && v->in.len < RELAY_IN_MAX)
		want |= POLLIN;
	return want;
}

short viewer_wants_inner(const struct viewer *v, size_t max)
{
	short want = v->to.len ? POLLOUT : 0;
	if (v->out.len < max)
		want |= POLLIN;
	return want;
}

const char *viewer_late(const struct viewer *v, int64_t now)
{
	if ((v->phase == FLUSH && !v->out.len) || (v->phase >= LEAVE && now >= v->born + FLUSH_MS))
		return "closed";
	if (v->phase < RUN && now >= v->born + RELAY_HANDSHAKE_MS)
		return "its handshake takes too long";
	if (v->phase == RUN && v->out.len && now >= v->moved + RELAY_STALL_MS)
		return "it does not read";
	if (v->out.len > RELAY_DRAIN_MAX || viewer_over(v))
		return "it does not read";
	return NULL;
}

int64_t viewer_deadline(const struct viewer *v, bool known, int64_t now)
{
	int64_t at = INT64_MAX;
	if (v->phase == FLUSH)
		at = v->hold && v->hold < v->born + FLUSH_MS ? v->hold : v->born + FLUSH_MS;
	else if (v->phase == LEAVE)
		at = v->born + FLUSH_MS;
	else if (v->phase == SNIFF && known)
		at = v->born + RELAY_SNIFF_MS;
	else if (v->phase < RUN)
		at = v->hold > now && v->hold < v->born + RELAY_HANDSHAKE_MS ? v->hold
									    : v->born + RELAY_HANDSHAKE_MS;
	else if (v->out.len)
		at = v->moved + RELAY_STALL_MS;
	return at;
}
