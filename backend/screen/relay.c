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

#define SLOTS (RELAY_VIEWERS + RELAY_STRANGERS)
#define FD_MAX 900             /* libvncserver uses select() */
#define WRONG_PASSWORD_MS 1000 /* so long a wrong password has to wait for its answer */
#define ACCEPTS 8              /* of each listener a turn */
#define LEAVE_READS 64         /* of what the server still has for one that is gone, a turn */

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
	unsigned last_id, first;   /* that slot has its turn first */
	bool shook;                /* a TLS handshake has gone on in this turn */
	atomic_uint count;         /* connections */
	size_t queued;             /* towards all viewers */
	unsigned away;             /* turned away since that was told of */
	int64_t away_at;           /* when it was; 0: never */
	unsigned dice;             /* for who makes room */
	struct sources sources;
	bool drain, news, asked;
	struct {
		unsigned id;
		int fd;
		bool view_only;
	} joined[SLOTS];
	size_t njoined;
};

static int64_t now_ms(const struct relay *r)
{
	struct timespec ts;
	if (r->ops.clock)
		return r->ops.clock();
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

static size_t queue_max(const struct relay *r, const struct viewer *v)
{
	size_t left = r->queued < RELAY_DRAIN_TOTAL ? RELAY_DRAIN_TOTAL - r->queued : 0, max = v->out.len + left;
	if (!r->drain || max < RELAY_OUT_MAX)
		return RELAY_OUT_MAX;
	return max < RELAY_DRAIN_MAX ? max : RELAY_DRAIN_MAX;
}

/* Strangers come as often as they like: the log counts them. */
static void turned_away(struct relay *r, const struct viewer *v, const char *why, int64_t now)
{
	r->away++;
	if (r->away_at && now < r->away_at + RELAY_LOG_MS)
		return;
	const char *host = v->host[0] ? v->host : "this host";
	if (r->away > 1)
		log_info("screen: %u viewers were turned away, the last from %s: %s", r->away, host, why);
	else
		log_info("screen: a viewer from %s was turned away: %s", host, why);
	r->away = 0;
	r->away_at = now;
}

static void viewer_close(struct relay *r, struct viewer *v, const char *why)
{
	log_debug("relay", "viewer %u (%s:%s): %s", v->id, v->host, v->service, why);
	r->queued -= v->out.len < r->queued ? v->out.len : r->queued;
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
		turned_away(r, v, why, now);
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

struct guess {
	struct relay *r;
	struct viewer *v;
	int64_t now;
};

static const char *may_guess(void *ctx)
{
	struct guess *g = ctx;
	g->v->challenge = sources_challenge(&g->r->sources, &g->v->source, g->now, RELAY_GUESS_MS);
	return g->v->challenge - g->now > RELAY_GUESS_MS
		   ? "Too many wrong passwords came from your address; try again in a minute"
		   : NULL;
}

/* What a password that came means for the next ones of its source. The view-only one says nothing about who
 * guesses the other. */
static void note_password(struct relay *r, struct viewer *v, int64_t now)
{
	if (v->hs.passwd == HANDSHAKE_WRONG) {
		unsigned n = sources_wrong(&r->sources, &v->source, now);
		v->hold = now + WRONG_PASSWORD_MS;
		if (n == SOURCE_FREE)
			log_warn("screen: %u wrong passwords from %s since a right one: it has to wait longer "
				 "and longer for the next try",
				 n, v->host[0] ? v->host : "this host");
	} else if (v->hs.passwd == HANDSHAKE_RIGHT && (!v->hs.view_only || !r->config.passwd[0])) {
		sources_right(&r->sources, &v->source);
	}
	v->hs.passwd = HANDSHAKE_NO_PASSWD;
}

static void do_handshake(struct relay *r, struct viewer *v, int64_t now)
{
	struct guess guess = {r, v, now};
	struct handshake_env env = {.config = &r->config,
				    .now = (int64_t)time(NULL),
				    .random = tls_random,
				    .may_guess = may_guess,
				    .ctx = &guess,
				    .encrypt = r->ops.encrypt};
	struct fifo out = {0};
	enum handshake_state before = v->hs.state;
	enum handshake_result rc = handshake_step(&v->hs, &env, &v->in, &out);
	if (out.len)
		viewer_send(v, fifo_head(&out), out.len, now);
	fifo_done(&out);
	if (before != v->hs.state && v->hs.state == HANDSHAKE_RESPONSE && v->challenge > now) {
		v->hold = v->challenge;
		v->born += v->challenge - now; /* that time is not its own */
	}
	note_password(r, v, now);
	if (rc == HANDSHAKE_TLS)
		v->phase = TLS;
	if (rc == HANDSHAKE_DONE)
		join(r, v, now);
	if (rc != HANDSHAKE_CLOSED)
		return;
	turned_away(r, v, v->hs.why ? v->hs.why : "?", now);
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
	/* A step may be a signature: one a turn, so that those who are in need not wait for strangers. What is
	 * there of the others is told by poll() again. */
	if (v->quiet || r->shook)
		return true;
	r->shook = true;
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
	ssize_t k = 1;
	for (unsigned i = 0; i < LEAVE_READS && k > 0; i++)
		k = recv(v->inner, p, sizeof(p), MSG_DONTWAIT);
	return k > 0 || (k < 0 && (errno == EAGAIN || errno == EINTR));
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
	if (v->phase == RUN && (!hear(r, v) || !viewer_read_inner(v, queue_max(r, v), now))) {
		if (v->why)
			turned_away(r, v, v->why, now);
		viewer_flush(v, now);
	}
	*why = "it is gone";
	if (v->phase == LEAVE && !leave(r, v))
		return false;
	if (v->ended && v->phase < RUN)
		viewer_flush(v, now);
	return v->phase == TLS || viewer_write(v, now);
}

/* --- new ones --- */

/* How near it is to being in: who has said more makes room later. */
static int progress(const struct viewer *v)
{
	if (v->phase == FLUSH)
		return -1;
	if (v->phase == LEAVE)
		return 100;
	return v->phase == SNIFF ? 0 : 1 + (int)v->hs.state + (v->is_ws || v->tls_done ? 1 : 0);
}

static unsigned of_source(const struct relay *r, const struct source_key *key)
{
	unsigned n = 0;
	for (size_t i = 0; i < SLOTS; i++)
		n += r->v[i].phase != FREE && r->v[i].phase != RUN && source_same(&r->v[i].source, key);
	return n;
}

/* Who makes room: of the source that has most strangers, of those that have said least, anyone. By chance, as
 * sshd's MaxStartups: were it the oldest, whoever connects faster than a handshake takes would keep all
 * others out. */
static struct viewer *least(struct relay *r)
{
	struct viewer *worst = NULL;
	unsigned most = 0, alike = 0;
	for (size_t i = 0; i < SLOTS; i++) {
		struct viewer *v = &r->v[i];
		if (v->phase == FREE || v->phase == RUN)
			continue;
		unsigned n = of_source(r, &v->source);
		bool worse = !worst || n > most || (n == most && progress(v) < progress(worst));
		if (!worse && (n < most || progress(v) > progress(worst)))
			continue;
		r->dice = r->dice * 1664525 + 1013904223;
		alike = worse ? 1 : alike + 1;
		if (worse || (r->dice >> 8) % alike == 0)
			worst = v;
		most = n;
	}
	return worst;
}

/* A free slot; NULL: all are in. */
static struct viewer *slot(struct relay *r)
{
	for (size_t i = 0; i < SLOTS; i++)
		if (r->v[i].phase == FREE)
			return &r->v[i];
	struct viewer *v = least(r);
	if (v)
		viewer_close(r, v, "others wait behind it");
	return v;
}

static bool accept_one(struct relay *r, int listener, int64_t now)
{
	struct sockaddr_storage a = {0};
	socklen_t len = sizeof(a);
	int fd = accept4(listener, (struct sockaddr *)&a, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct viewer *v = fd < 0 ? NULL : slot(r);
	if (v && fd <= FD_MAX)
		viewer_init(v, ++r->last_id, fd, &a, len, now);
	else
		fd_close(fd);
	return fd >= 0;
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
		watch(w, v->inner, v->inner < 0 ? 0 : viewer_wants_inner(v, queue_max(r, v)));
		int64_t d = viewer_pending(v) ? now : viewer_deadline(v, r->config.known, now);
		at = d < at ? d : at;
	}
	if (at == INT64_MAX)
		return -1;
	return at <= now ? 0 : at - now > 60000 ? 60000 : (int)(at - now);
}

/* The turn of slot @i. */
static void work_slot(struct relay *r, const struct polled *w, size_t i, int64_t now)
{
	struct viewer *v = &r->v[i];
	const char *why;
	if (v->phase == FREE)
		return;
	if (v->id == w->slot[i].id) {
		v->quiet = !w->p[w->slot[i].at].revents && !viewer_pending(v);
		v->inner_quiet = !w->p[w->slot[i].at + 1].revents;
	}
	size_t before = v->out.len;
	bool ok = advance(r, v, now, &why);
	r->queued = r->queued - before + v->out.len;
	if (!ok || (why = viewer_late(v, now)))
		viewer_close(r, v, why);
}

/* When all queues together are too long, close whose is the longest. */
static void bound_queues(struct relay *r)
{
	while (r->queued > RELAY_DRAIN_TOTAL) {
		struct viewer *longest = &r->v[0];
		for (size_t i = 1; i < SLOTS; i++)
			longest = r->v[i].out.len > longest->out.len ? &r->v[i] : longest;
		viewer_close(r, longest, "it does not read");
	}
}

static void work(struct relay *r, const struct polled *w, int64_t now)
{
	uint64_t count;
	unsigned n = 0;
	const struct pollfd *p = w->p;
	if (p++->revents && read(r->wake, &count, sizeof(count)) < 0)
		log_debug("relay", "wake: %s", strerror(errno));
	for (size_t i = 0; i < r->nlisten; i++, p++)
		for (unsigned k = 0; p->revents && k < ACCEPTS && accept_one(r, r->listen[i], now); k++)
			;
	r->shook = false;
	r->first = (r->first + 1) % SLOTS;
	for (size_t i = 0; i < SLOTS; i++)
		work_slot(r, w, (r->first + i) % SLOTS, now);
	bound_queues(r);
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
		int timeout = prepare(r, &w, now_ms(r));
		pthread_mutex_unlock(&r->lock);
		if (poll(w.p, w.n, timeout) < 0 && errno != EINTR)
			log_error("screen: poll: %s", strerror(errno));
		pthread_mutex_lock(&r->lock);
		work(r, &w, now_ms(r));
		pthread_mutex_unlock(&r->lock);
		tell(r);
	}
	return NULL;
}

/* --- from other threads --- */

struct relay *relay_new_still(const int *listeners, size_t n, const struct relay_ops *ops, void *ctx)
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
	tls_random(&r->dice, sizeof(r->dice));
	r->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return r;
}

struct relay *relay_new(const int *listeners, size_t n, const struct relay_ops *ops, void *ctx, struct err *e)
{
	struct relay *r = relay_new_still(listeners, n, ops, ctx);
	int rc = r->wake < 0 ? errno : pthread_create(&r->thread, NULL, run, r);
	if (rc) {
		err_sys(e, rc, "cannot start the relay");
		fd_close(r->wake);
		free(r);
		return NULL;
	}
	return r;
}

void relay_turn(struct relay *r)
{
	static struct polled w;
	prepare(r, &w, now_ms(r));
	if (poll(w.p, w.n, 0) < 0)
		return;
	work(r, &w, now_ms(r));
	tell(r);
}

void relay_free(struct relay *r)
{
	for (size_t i = 0; i < SLOTS; i++)
		viewer_done(&r->v[i]);
	for (size_t i = 0; i < r->nlisten; i++)
		close(r->listen[i]);
	fd_close(r->wake);
	config_done(&r->config);
	free(r);
}

bool relay_queued(struct relay *r, size_t *bytes)
{
	bool ok = true;
	*bytes = 0;
	pthread_mutex_lock(&r->lock);
	for (size_t i = 0; i < SLOTS; i++) {
		ok &= !viewer_over(&r->v[i]);
		*bytes += r->v[i].wire.len + r->v[i].in.len + r->v[i].to.len + r->v[i].out.len;
	}
	pthread_mutex_unlock(&r->lock);
	return ok;
}

void relay_config(struct relay *r, struct config *c)
{
	pthread_mutex_lock(&r->lock);
	if (strcmp(r->config.passwd, c->passwd) || strcmp(r->config.view_passwd, c->view_passwd))
		r->sources = (struct sources){0}; /* what was wrong says nothing about the new one */
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
