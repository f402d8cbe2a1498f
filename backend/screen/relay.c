#include "backend/screen/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>

#include "backend/screen/viewer.h"
#include "src/base/cleanup.h"
#include "src/base/log.h"
#include "src/base/str.h"
#include "src/base/unixsock.h"
#include "src/proto/screen.h"

#define SLOTS (RELAY_VIEWERS + 16) /* the rest is for those that are not in yet */
#define FD_MAX 900                 /* libvncserver uses select() */
#define WRONG_PASSWORD_MS 1000     /* so long a wrong password has to wait for its answer */

/* What we say to the server in a viewer's place (version, security type None, shared), and how long its
 * answers to that are: version, one security type, SecurityResult. */
#define INNER_HELLO "RFB 003.008\n\1\1"
#define INNER_ANSWER (12 + 2 + 4)

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
	atomic_uint count; /* connections */
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

static size_t queue_max(const struct relay *r)
{
	return r->drain ? RELAY_DRAIN_MAX : RELAY_OUT_MAX;
}

static void viewer_close(struct relay *r, struct viewer *v, const char *why)
{
	log_debug("relay", "viewer %u (%s:%s): %s", v->id, v->host, v->service, why);
	r->news |= v->phase == RUN || v->inner >= 0;
	viewer_done(v);
}

static bool hear(struct relay *r, struct viewer *v)
{
	bool ok = viewer_hear(v);
	r->asked |= v->guard.asks != 0;
	return ok;
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
		viewer_send(v, fifo_head(&out), out.len, now);
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
		if (v->phase == TLS && (!viewer_write(v, now) || !do_tls(r, v))) {
			*why = "TLS failed";
			return false;
		}
		if ((v->phase == HTTP || v->phase == RFB || v->phase == RUN) && !viewer_read(v, now))
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
	if (v->phase == RUN && (!hear(r, v) || !viewer_read_inner(v, queue_max(r), now)))
		viewer_flush(v, now);
	*why = "it is gone";
	if (v->phase == LEAVE && !leave(r, v))
		return false;
	if (v->ended && v->phase < RUN)
		viewer_flush(v, now);
	return v->phase == TLS || viewer_write(v, now);
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
	viewer_init(v, ++r->last_id, fd, &a, len, now);
}

/* --- the thread --- */

struct polled {
	struct pollfd p[1 + SCREEN_LISTEN_MAX + 2 * SLOTS];
	nfds_t n;
	struct {
		unsigned id; /* of the viewer that was in the slot */
		nfds_t at;   /* its place; its inner one's is the next */
	} slot[SLOTS];
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
		w->slot[i].id = v->id;
		w->slot[i].at = w->n;
		watch(w, v->fd, viewer_wants(v, r->config.known, now));
		watch(w, v->inner, v->inner < 0 ? 0 : viewer_wants_inner(v, queue_max(r)));
		int64_t d = viewer_pending(v) ? now : viewer_deadline(v, r->config.known);
		at = d < at ? d : at;
	}
	if (at == INT64_MAX)
		return -1;
	return at <= now ? 0 : at - now > 60000 ? 60000 : (int)(at - now);
}

static void work(struct relay *r, const struct polled *w, int64_t now)
{
	uint64_t count;
	unsigned n = 0;
	const struct pollfd *p = w->p;
	if (p++->revents && read(r->wake, &count, sizeof(count)) < 0)
		log_debug("relay", "wake: %s", strerror(errno));
	for (size_t i = 0; i < r->nlisten; i++)
		if (p++->revents)
			accept_one(r, r->listen[i], now);
	for (size_t i = 0; i < SLOTS; i++) {
		struct viewer *v = &r->v[i];
		const char *why;
		if (v->phase == FREE)
			continue;
		if (v->id == w->slot[i].id) {
			v->quiet = !w->p[w->slot[i].at].revents && !viewer_pending(v);
			v->inner_quiet = !w->p[w->slot[i].at + 1].revents;
		}
		if (!advance(r, v, now, &why) || (why = viewer_late(v, now)))
			viewer_close(r, v, why);
	}
	for (size_t i = 0; i < SLOTS; i++)
		n += r->v[i].phase != FREE;
	atomic_store(&r->count, n);
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
	return atomic_load(&r->count);
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
