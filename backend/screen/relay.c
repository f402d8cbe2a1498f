#include "backend/screen/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>

#include "backend/screen/fifo.h"
#include "backend/screen/guard.h"
#include "backend/screen/handshake.h"
#include "backend/screen/tls.h"
#include "backend/screen/ws.h"
#include "src/base/cleanup.h"
#include "src/base/log.h"
#include "src/base/str.h"
#include "src/base/unixsock.h"
#include "src/proto/screen.h"

#define CHUNK 65536
#define SLOTS (RELAY_VIEWERS + 16) /* the rest is for those that are not in yet */
#define FD_MAX 900                 /* libvncserver uses select() */
#define WRONG_PASSWORD_MS 1000     /* so long a wrong password has to wait for its answer */
#define FLUSH_MS 2000

/* What we say to the server in a viewer's place (version, security type None, shared), and how long its
 * answers to that are: version, one security type, SecurityResult. */
#define INNER_HELLO "RFB 003.008\n\1\1"
#define INNER_ANSWER (12 + 2 + 4)

enum phase {
	FREE,
	SNIFF, /* what is it? */
	TLS,   /* what is in the queue goes out in the clear, then TLS */
	HTTP,
	RFB, /* the handshake */
	RUN,
	LEAVE, /* it sends no more: the server hears what it has sent, and its end */
	FLUSH, /* closed when its queue is empty */
};

struct viewer {
	enum phase phase;
	unsigned id;
	int fd, inner; /* -1 until it is in */
	struct tls *tls;
	bool tls_done, browser, is_ws;
	bool ended, shut; /* it sends no more; the server knows */
	struct ws ws;
	struct handshake hs;
	struct fifo wire; /* from it, WebSocket frames */
	struct fifo in;   /* from it, RFB */
	struct guard guard;
	struct fifo to;  /* of that, what is for the server */
	struct fifo out; /* to it */
	size_t skip;     /* bytes of the server that are not for it */
	int64_t born, moved, hold;
	uint64_t sent;
	char host[64], service[16];
	const char *family;
};

struct relay {
	pthread_t thread;
	pthread_mutex_t lock; /* all below; held by the thread but while it waits */
	struct relay_ops ops;
	void *ctx;
	int listen[SCREEN_LISTEN_MAX], wake;
	size_t nlisten;
	struct config config;
	struct viewer v[SLOTS];
	unsigned last_id;
	bool drain, news, asked;
	struct {
		unsigned id;
		int fd;
		bool view_only;
	} joined[SLOTS];
	size_t njoined;
};

static int64_t now_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void wake(struct relay *r)
{
	uint64_t one = 1;
	if (write(r->wake, &one, sizeof(one)) < 0)
		return; /* it is full of wakes */
}

/* --- one viewer --- */

static void viewer_close(struct relay *r, struct viewer *v, const char *why)
{
	log_debug("relay", "viewer %u (%s:%s): %s", v->id, v->host, v->service, why);
	r->news |= v->phase == RUN || v->inner >= 0;
	tls_free(v->tls);
	fd_close(v->fd);
	fd_close(v->inner);
	fifo_done(&v->wire);
	fifo_done(&v->in);
	fifo_done(&v->to);
	fifo_done(&v->out);
	*v = (struct viewer){.fd = -1, .inner = -1};
}

static void viewer_flush(struct viewer *v, int64_t now)
{
	fd_close(TAKE_FD(v->inner));
	v->phase = FLUSH;
	v->born = now;
}

static void send_to_viewer(struct viewer *v, const void *p, size_t n, int64_t now)
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

/* Take what has come from outside. false: it is gone. */
static bool read_outside(struct viewer *v, int64_t now)
{
	uint8_t p[16384];
	while (!v->ended && v->in.len < RELAY_IN_MAX && v->wire.len <= WS_REQUEST_MAX) {
		ssize_t k = outside_recv(v, p, sizeof(p));
		if (k == -EAGAIN || k == -EINTR)
			return true;
		v->ended = k == 0;
		if (k <= 0)
			return v->ended;
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

/* Send what is queued. false: it is gone. */
static bool write_outside(struct viewer *v, int64_t now)
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

/* The server's bytes. false: it has closed. */
static bool read_inner(struct relay *r, struct viewer *v, int64_t now)
{
	static uint8_t p[CHUNK]; /* only one thread is here */
	while (v->out.len < (r->drain ? RELAY_DRAIN_MAX : RELAY_OUT_MAX)) {
		ssize_t k = recv(v->inner, p, sizeof(p), MSG_DONTWAIT);
		if (k < 0 && (errno == EAGAIN || errno == EINTR))
			return true;
		if (k <= 0)
			return false;
		size_t skip = v->skip < (size_t)k ? v->skip : (size_t)k;
		v->skip -= skip;
		if ((size_t)k > skip)
			send_to_viewer(v, p + skip, (size_t)k - skip, now);
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

/* What it has sent, as far as the server takes it. false: it is to be closed. */
static bool hear(struct relay *r, struct viewer *v)
{
	size_t before;
	do {
		before = v->in.len;
		if (guard_step(&v->guard, &v->in, &v->to, RELAY_IN_MAX) < 0) {
			log_info("screen: the viewer from %s is closed: %s", v->host, v->guard.why);
			return false;
		}
		if (!write_inner(v))
			return false;
	} while (!v->to.len && v->in.len < before);
	r->asked |= v->guard.asks != 0;
	return true;
}

/* --- the way in --- */

static unsigned viewers_in(const struct relay *r)
{
	unsigned n = 0;
	for (size_t i = 0; i < SLOTS; i++)
		n += r->v[i].inner >= 0;
	return n;
}

static const char *may_join(struct relay *r, struct viewer *v)
{
	if (v->hs.exclusive && r->config.share == CONFIG_FORCE_SHARED)
		return "it wants to be the only viewer, which the guest's share policy forbids";
	if (v->hs.exclusive && r->config.share == CONFIG_ALLOW_EXCLUSIVE)
		for (size_t i = 0; i < SLOTS; i++)
			if (&r->v[i] != v && r->v[i].inner >= 0)
				viewer_close(r, &r->v[i], "another viewer wants to be the only one");
	return viewers_in(r) >= RELAY_VIEWERS ? "there are too many viewers" : NULL;
}

static void join(struct relay *r, struct viewer *v, int64_t now)
{
	int pair[2];
	const char *why = may_join(r, v);
	if (!why && unixsock_pair(SOCK_STREAM, pair))
		why = "out of descriptors";
	if (why) {
		log_info("screen: a viewer from %s was turned away: %s", v->host, why);
		viewer_flush(v, now);
		return;
	}
	if (send(pair[0], INNER_HELLO, sizeof(INNER_HELLO) - 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		log_debug("relay", "hello: %s", strerror(errno));
	v->inner = pair[0];
	v->skip = INNER_ANSWER;
	v->phase = RUN;
	v->sent = 0;
	r->joined[r->njoined].id = v->id;
	r->joined[r->njoined].fd = pair[1];
	r->joined[r->njoined++].view_only = v->hs.view_only;
	r->news = true;
}

static void do_handshake(struct relay *r, struct viewer *v, int64_t now)
{
	struct handshake_env env = {.config = &r->config,
				    .now = (int64_t)time(NULL),
				    .random = tls_random,
				    .encrypt = r->ops.encrypt};
	struct fifo out = {0};
	enum handshake_result rc = handshake_step(&v->hs, &env, &v->in, &out);
	if (out.len)
		send_to_viewer(v, fifo_head(&out), out.len, now);
	fifo_done(&out);
	if (rc == HANDSHAKE_TLS)
		v->phase = TLS;
	if (rc == HANDSHAKE_DONE)
		join(r, v, now);
	if (rc != HANDSHAKE_CLOSED)
		return;
	log_info("screen: a viewer from %s was turned away: %s", v->host, v->hs.why ? v->hs.why : "?");
	if (v->hs.why && !strcmp(v->hs.why, "Wrong password"))
		v->hold = now + WRONG_PASSWORD_MS;
	viewer_flush(v, now);
}

static void do_http(struct relay *r, struct viewer *v, int64_t now)
{
	if (!v->out.len)
		v->moved = now;
	int rc = r->config.tls == CONFIG_TLS_REQUIRED && !v->tls_done
		     ? ws_refuse(&v->out, "This screen takes encrypted connections only (wss)")
		     : ws_upgrade(&v->wire, &v->out, config_asks(&r->config));
	if (rc < 0)
		viewer_flush(v, now);
	if (rc <= 0)
		return;
	v->is_ws = true;
	v->phase = RFB;
	if (ws_decode(&v->ws, &v->wire, &v->in, &v->out) < 0)
		viewer_flush(v, now);
}

static bool do_tls(struct relay *r, struct viewer *v)
{
	if (!v->tls) {
		if (v->out.len)
			return true; /* the last words in the clear are still on their way */
		v->tls = r->config.cred ? tls_new(r->config.cred, v->fd) : NULL;
		if (!v->tls)
			return false;
	}
	int rc = tls_handshake(v->tls);
	if (rc == -EAGAIN)
		return true;
	if (rc)
		return false;
	v->tls_done = v->hs.tls = true;
	v->phase = v->browser ? HTTP : RFB;
	return true;
}

static bool do_sniff(struct viewer *v, int64_t now)
{
	uint8_t first;
	ssize_t k = recv(v->fd, &first, 1, MSG_PEEK | MSG_DONTWAIT);
	if (k == 0)
		return false;
	if (k < 0) {
		if (errno != EAGAIN && errno != EINTR)
			return false;
		if (now >= v->born + RELAY_SNIFF_MS)
			v->phase = RFB;
		return true;
	}
	v->browser = first == 0x16 || first == 'G'; /* TLS handshake record; "GET " */
	v->phase = first == 0x16 ? TLS : first == 'G' ? HTTP : RFB;
	return true;
}

/* false: the server has heard all. */
static bool leave(struct relay *r, struct viewer *v)
{
	char p[4096];
	if (!hear(r, v))
		return false;
	if (!v->to.len && !v->shut)
		v->shut = shutdown(v->inner, SHUT_WR) == 0;
	ssize_t k;
	while ((k = recv(v->inner, p, sizeof(p), MSG_DONTWAIT)) > 0)
		;
	return k < 0 && (errno == EAGAIN || errno == EINTR);
}

/* As far as it goes now. false: close it, and why. */
static bool advance(struct relay *r, struct viewer *v, int64_t now, const char **why)
{
	for (enum phase before = FREE; v->phase != before;) {
		before = v->phase;
		*why = "it is gone";
		if (v->phase == SNIFF && r->config.known && !do_sniff(v, now))
			return false;
		if (v->phase == TLS && (!write_outside(v, now) || !do_tls(r, v))) {
			*why = "TLS failed";
			return false;
		}
		if ((v->phase == HTTP || v->phase == RFB || v->phase == RUN) && !read_outside(v, now))
			return false;
		if (v->phase == HTTP)
			do_http(r, v, now);
		if (v->phase == RFB)
			do_handshake(r, v, now);
	}
	if (v->phase == RUN && v->ended) {
		v->phase = LEAVE;
		v->born = now;
		fifo_done(&v->out);
	}
	if (v->phase == RUN && (!hear(r, v) || !read_inner(r, v, now)))
		viewer_flush(v, now);
	*why = "it is gone";
	if (v->phase == LEAVE && !leave(r, v))
		return false;
	if (v->ended && v->phase < RUN)
		viewer_flush(v, now);
	return v->phase == TLS || write_outside(v, now);
}

static bool in_time(const struct viewer *v, int64_t now, const char **why)
{
	*why = NULL;
	if ((v->phase == FLUSH && !v->out.len) || (v->phase >= LEAVE && now >= v->born + FLUSH_MS))
		*why = "closed";
	else if (v->phase < RUN && now >= v->born + RELAY_HANDSHAKE_MS)
		*why = "its handshake takes too long";
	else if (v->phase == RUN && v->out.len && now >= v->moved + RELAY_STALL_MS)
		*why = "it does not read";
	else if (v->out.len > RELAY_DRAIN_MAX)
		*why = "it does not read";
	return !*why;
}

static int64_t deadline(const struct relay *r, const struct viewer *v)
{
	int64_t at = INT64_MAX;
	if (v->phase == FLUSH)
		at = v->hold && v->hold < v->born + FLUSH_MS ? v->hold : v->born + FLUSH_MS;
	else if (v->phase == LEAVE)
		at = v->born + FLUSH_MS;
	else if (v->phase == SNIFF && r->config.known)
		at = v->born + RELAY_SNIFF_MS;
	else if (v->phase < RUN)
		at = v->born + RELAY_HANDSHAKE_MS;
	else if (v->out.len)
		at = v->moved + RELAY_STALL_MS;
	return at;
}

/* --- new ones --- */

/* A free slot; when there is none, that of the oldest which is not in yet. NULL: all are in. */
static struct viewer *slot(struct relay *r)
{
	struct viewer *oldest = NULL;
	for (size_t i = 0; i < SLOTS; i++) {
		struct viewer *v = &r->v[i];
		if (v->phase == FREE)
			return v;
		if (v->phase != RUN && (!oldest || v->id < oldest->id))
			oldest = v;
	}
	if (oldest)
		viewer_close(r, oldest, "others wait behind it");
	return oldest;
}

static void name_peer(struct viewer *v, const struct sockaddr_storage *a, socklen_t len)
{
	int one = 1, kernel = RELAY_KERNEL_MAX, dead = RELAY_DEAD_MS;
	v->family = a->ss_family == AF_INET6 ? "ipv6" : a->ss_family == AF_INET ? "ipv4" : "unix";
	if (a->ss_family == AF_UNIX)
		return;
	getnameinfo((const struct sockaddr *)a, len, v->host, sizeof(v->host), v->service, sizeof(v->service),
		    NI_NUMERICHOST | NI_NUMERICSERV);
	setsockopt(v->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(v->fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	/* What the kernel keeps for it is bounded, too: it would take 4 MiB before we see that nobody reads. */
	setsockopt(v->fd, SOL_SOCKET, SO_SNDBUF, &kernel, sizeof(kernel));
	setsockopt(v->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &dead, sizeof(dead));
}

static void accept_one(struct relay *r, int listener, int64_t now)
{
	struct sockaddr_storage a = {0};
	socklen_t len = sizeof(a);
	int fd = accept4(listener, (struct sockaddr *)&a, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct viewer *v = fd < 0 ? NULL : slot(r);
	if (!v || fd > FD_MAX) {
		fd_close(fd);
		return;
	}
	*v = (struct viewer){
	    .phase = SNIFF, .id = ++r->last_id, .fd = fd, .inner = -1, .born = now, .moved = now};
	name_peer(v, &a, len);
}

/* --- the thread --- */

static short wanted_outside(const struct relay *r, const struct viewer *v, int64_t now)
{
	short want = 0;
	if (v->phase == SNIFF && !r->config.known)
		return 0; /* the first viewer may come before the machine has said who is let in */
	if (v->phase == TLS && v->tls)
		return tls_wants_write(v->tls) ? POLLOUT : POLLIN;
	if (v->out.len && v->hold <= now)
		want |= POLLOUT;
	if (v->phase <= RUN && v->phase != TLS && !v->ended && v->in.len < RELAY_IN_MAX)
		want |= POLLIN;
	return want;
}

static short wanted_inner(const struct relay *r, const struct viewer *v)
{
	short want = v->to.len ? POLLOUT : 0;
	if (v->out.len < (r->drain ? RELAY_DRAIN_MAX : RELAY_OUT_MAX))
		want |= POLLIN;
	return want;
}

struct polled {
	struct pollfd p[1 + SCREEN_LISTEN_MAX + 2 * SLOTS];
	nfds_t n;
};

static void watch(struct polled *w, int fd, short events)
{
	w->p[w->n++] = (struct pollfd){.fd = events || fd < 0 ? fd : -1, .events = events};
}

/* What to wait for: the wake, listeners, and two descriptors a slot. Return: how long, in ms. */
static int prepare(struct relay *r, struct polled *w, int64_t now)
{
	int64_t at = INT64_MAX;
	w->n = 0;
	watch(w, r->wake, POLLIN);
	for (size_t i = 0; i < r->nlisten; i++)
		watch(w, r->listen[i], POLLIN);
	for (size_t i = 0; i < SLOTS; i++) {
		struct viewer *v = &r->v[i];
		if (v->phase == FREE)
			continue;
		watch(w, v->fd, wanted_outside(r, v, now));
		if (v->inner >= 0)
			watch(w, v->inner, wanted_inner(r, v));
		int64_t d = deadline(r, v);
		if (v->tls_done && v->phase <= RUN && !v->ended && v->in.len < RELAY_IN_MAX &&
		    tls_pending(v->tls))
			d = now;
		at = d < at ? d : at;
	}
	if (at == INT64_MAX)
		return -1;
	return at <= now ? 0 : at - now > 60000 ? 60000 : (int)(at - now);
}

static void work(struct relay *r, const struct polled *w, int64_t now)
{
	uint64_t count;
	const struct pollfd *p = w->p;
	if (p++->revents && read(r->wake, &count, sizeof(count)) < 0)
		log_debug("relay", "wake: %s", strerror(errno));
	for (size_t i = 0; i < r->nlisten; i++)
		if (p++->revents)
			accept_one(r, r->listen[i], now);
	for (size_t i = 0; i < SLOTS; i++) {
		struct viewer *v = &r->v[i];
		const char *why;
		if (v->phase != FREE && (!advance(r, v, now, &why) || !in_time(v, now, &why)))
			viewer_close(r, v, why);
	}
}

/* Tell what happened, without the lock. */
static void tell(struct relay *r)
{
	struct {
		unsigned id, what;
	} asks[SLOTS];
	size_t nasks = 0;
	pthread_mutex_lock(&r->lock);
	bool news = r->news;
	r->news = false;
	for (size_t i = 0; r->asked && i < SLOTS; i++)
		if (r->v[i].guard.asks) {
			asks[nasks].id = r->v[i].id;
			asks[nasks++].what = r->v[i].guard.asks;
			r->v[i].guard.asks = 0;
		}
	r->asked = false;
	pthread_mutex_unlock(&r->lock);
	for (size_t i = 0; i < r->njoined; i++)
		r->ops.joined(r->ctx, r->joined[i].id, r->joined[i].fd, r->joined[i].view_only);
	r->njoined = 0;
	if (news)
		r->ops.changed(r->ctx);
	for (size_t i = 0; i < nasks; i++)
		r->ops.asked(r->ctx, asks[i].id, asks[i].what);
}

static void *run(void *arg)
{
	struct relay *r = arg;
	static struct polled w;
	pthread_setname_np(pthread_self(), "relay");
	for (;;) {
		pthread_mutex_lock(&r->lock);
		int timeout = prepare(r, &w, now_ms());
		pthread_mutex_unlock(&r->lock);
		if (poll(w.p, w.n, timeout) < 0 && errno != EINTR)
			log_error("screen: poll: %s", strerror(errno));
		pthread_mutex_lock(&r->lock);
		work(r, &w, now_ms());
		pthread_mutex_unlock(&r->lock);
		tell(r);
	}
	return NULL;
}

/* --- from other threads --- */

struct relay *relay_new(const int *listeners, size_t n, const struct relay_ops *ops, void *ctx, struct err *e)
{
	struct relay *r = x_calloc(1, sizeof(*r));
	pthread_mutex_init(&r->lock, NULL);
	r->ops = *ops;
	r->ctx = ctx;
	for (size_t i = 0; i < SLOTS; i++)
		r->v[i].fd = r->v[i].inner = -1;
	for (size_t i = 0; i < n && i < SCREEN_LISTEN_MAX; i++) {
		fcntl(listeners[i], F_SETFL, fcntl(listeners[i], F_GETFL) | O_NONBLOCK);
		r->listen[r->nlisten++] = listeners[i];
	}
	r->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int rc = r->wake < 0 ? errno : pthread_create(&r->thread, NULL, run, r);
	if (rc) {
		err_sys(e, rc, "cannot start the relay");
		fd_close(r->wake);
		free(r);
		return NULL;
	}
	return r;
}

void relay_config(struct relay *r, struct config *c)
{
	pthread_mutex_lock(&r->lock);
	config_done(&r->config);
	r->config = *c;
	*c = (struct config){0};
	pthread_mutex_unlock(&r->lock);
	wake(r);
}

void relay_kick(struct relay *r)
{
	pthread_mutex_lock(&r->lock);
	for (size_t i = 0; i < SLOTS; i++)
		if (r->v[i].phase != FREE)
			viewer_close(r, &r->v[i], "all viewers are closed");
	pthread_mutex_unlock(&r->lock);
	wake(r);
}

void relay_drain(struct relay *r, bool on)
{
	pthread_mutex_lock(&r->lock);
	r->drain = on;
	pthread_mutex_unlock(&r->lock);
	wake(r);
}

unsigned relay_count(struct relay *r)
{
	unsigned n = 0;
	pthread_mutex_lock(&r->lock);
	for (size_t i = 0; i < SLOTS; i++)
		n += r->v[i].phase != FREE;
	pthread_mutex_unlock(&r->lock);
	return n;
}

json_t *relay_viewers(struct relay *r, void (*encoding)(void *ctx, unsigned id, json_t *viewer), void *ctx)
{
	json_t *list = json_array();
	pthread_mutex_lock(&r->lock);
	for (size_t i = 0; i < SLOTS; i++) {
		const struct viewer *v = &r->v[i];
		if (v->inner < 0)
			continue;
		json_t *j = json_object();
		json_set_str(j, "host", v->host);
		json_set_str(j, "service", v->service);
		json_set_str(j, "family", v->family);
		json_set_flag(j, "websocket", v->is_ws);
		json_set_flag(j, "tls", v->tls_done);
		json_set_flag(j, "shared", !v->hs.exclusive);
		json_set_flag(j, "viewonly", v->hs.view_only);
		json_set_int(j, "sent", (int64_t)v->sent);
		encoding(ctx, v->id, j);
		json_array_append_new(list, j);
	}
	pthread_mutex_unlock(&r->lock);
	return list;
}
