#include "backend/screen/screen.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>

#include "backend/screen/guard.h"
#include "backend/screen/keys.h"
#include "backend/screen/names.h"
#include "backend/screen/relay.h"
#include "backend/screen/sandbox_rules.h"
#include "backend/screen/scroll.h"
#include "backend/screen/surface.h"
#include "backend/screen/vnc.h"
#include "src/base/cleanup.h"
#include "src/base/log.h"
#include "src/base/sandbox.h"
#include "src/base/str.h"
#include "src/base/unixsock.h"
#include "src/proto/screen.h"

#define FDS_MAX 4
#define NEW_MAX 64
#define FILE_BYTES (64u << 20)   /* only the log is written to */
#define MEMORY_BYTES (3ull << 30) /* of address space: RELAY_DRAIN_TOTAL, 64 stacks of 8 MiB, and some */

/* What other threads leave for the main one. */
struct inbox {
	struct newcomer {
		unsigned id;
		int fd;
		bool view_only;
		int64_t at;
	} newcomers[NEW_MAX];
	size_t n;
	char *clip; /* the last text */
	size_t clip_len;
	unsigned clip_from;
	bool clip_utf8, viewers;
	struct {
		unsigned id, what;
	} asks[NEW_MAX];
	size_t nasks;
};

enum {
	WAITS_REQUEST, /* of a viewer; who brings it asks the machine */
	WAITS_TIME,    /* nothing had changed, or it cost much to tell; input ends that */
	WAITS_MACHINE, /* it was asked */
};

struct screen {
	int machine, wake;
	struct vnc *vnc;
	struct relay *relay;
	struct tls_cred *cred;
	struct surface picture;
	pthread_mutex_t lock; /* the inbox */
	struct inbox inbox;
	atomic_bool woken, input;
	atomic_bool wanted; /* a viewer has asked since the machine was */
	atomic_uint waits;  /* WAITS_: for what, before the machine is asked again */
	atomic_llong asked_at;
	bool hurry; /* the machine shall answer at once */
	bool watched;
	bool drawn; /* viewers were sent something since their list was */
	int64_t fresh_at, backed_at, seen_at, told_at;
	int pace, rest;  /* ms: while nothing changes; before the machine is asked again */
	int64_t cost_ms; /* processor time used so far */
	struct newcomer newcomers[NEW_MAX]; /* wait for a refresh */
	size_t nnew;
	char *told; /* the last list of viewers */
};

static int64_t clock_ms(clockid_t clock)
{
	struct timespec ts;
	clock_gettime(clock, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int64_t now_ms(void)
{
	return clock_ms(CLOCK_MONOTONIC);
}

/* --- called by other threads --- */

static void wake(struct screen *s)
{
	uint64_t one = 1;
	if (!atomic_exchange(&s->woken, true) && write(s->wake, &one, sizeof(one)) < 0)
		log_debug("screen", "wake: %s", strerror(errno));
}

/* The machine's socket blocks: a viewer's thread waits when the machine does not keep up. */
static void tell_machine(struct screen *s, const void *p, size_t n)
{
	ssize_t k;
	do
		k = unixsock_send(s->machine, p, n, NULL, 0);
	while (k == -EINTR || k == -EAGAIN);
	if (k < 0)
		log_debug("screen", "machine: %s", strerror((int)-k));
}

static void on_key(void *ctx, unsigned code, bool down)
{
	struct screen_key m = {.type = SCREEN_KEY, .code = code, .down = down};
	tell_machine(ctx, &m, sizeof(m));
}

static void on_pointer(void *ctx, const struct screen_pointer *p)
{
	tell_machine(ctx, p, sizeof(*p));
}

static void on_release(void *ctx)
{
	uint32_t m = SCREEN_RELEASE;
	tell_machine(ctx, &m, sizeof(m));
}

static void on_resize(void *ctx, unsigned width, unsigned height)
{
	struct screen_size m = {.type = SCREEN_RESIZE, .width = width, .height = height};
	tell_machine(ctx, &m, sizeof(m));
}

/* Ask what has changed, if it was not asked yet and nothing else is waited for. */
static void ask(struct screen *s)
{
	uint32_t m = SCREEN_CHANGES;
	unsigned waits = WAITS_REQUEST;
	if (!atomic_compare_exchange_strong(&s->waits, &waits, WAITS_MACHINE))
		return;
	atomic_store(&s->wanted, false);
	atomic_store(&s->asked_at, now_ms());
	tell_machine(s, &m, sizeof(m));
}

static void on_wanted(void *ctx, bool input)
{
	struct screen *s = ctx;
	if (!input) {
		atomic_store(&s->wanted, true);
		ask(s);
		return;
	}
	atomic_store(&s->input, true);
	if (atomic_load(&s->waits) == WAITS_TIME)
		wake(s);
}

static void on_clipboard(void *ctx, unsigned id, const char *text, size_t len, bool utf8)
{
	struct screen *s = ctx;
	char *copy = x_strndup(text, len);
	pthread_mutex_lock(&s->lock);
	free(s->inbox.clip);
	s->inbox.clip = copy;
	s->inbox.clip_len = strlen(copy);
	s->inbox.clip_from = id;
	s->inbox.clip_utf8 = utf8;
	pthread_mutex_unlock(&s->lock);
	wake(s);
}

static void on_drain(void *ctx, bool on)
{
	struct screen *s = ctx;
	if (s->relay)
		relay_drain(s->relay, on);
}

static void on_joined(void *ctx, unsigned id, int fd, bool view_only)
{
	struct screen *s = ctx;
	pthread_mutex_lock(&s->lock);
	if (s->inbox.n < NEW_MAX)
		s->inbox.newcomers[s->inbox.n++] = (struct newcomer){id, fd, view_only, now_ms()};
	else
		close(fd);
	pthread_mutex_unlock(&s->lock);
	wake(s);
}

static void on_changed(void *ctx)
{
	struct screen *s = ctx;
	pthread_mutex_lock(&s->lock);
	s->inbox.viewers = true;
	pthread_mutex_unlock(&s->lock);
	wake(s);
}

static void on_asked(void *ctx, unsigned id, unsigned what)
{
	struct screen *s = ctx;
	pthread_mutex_lock(&s->lock);
	if (s->inbox.nasks < NEW_MAX) {
		s->inbox.asks[s->inbox.nasks].id = id;
		s->inbox.asks[s->inbox.nasks++].what = what;
	}
	pthread_mutex_unlock(&s->lock);
	wake(s);
}

/* --- messages of the machine --- */

static void changed(void *ctx, const struct screen_rect *r)
{
	vnc_changed(ctx, r);
}

static int take_config(struct screen *s, const char *p, size_t n, const int *fds, size_t nfds)
{
	struct config c = {0};
	struct err e = {0};
	if (config_parse(&c, p + sizeof(uint32_t), n - sizeof(uint32_t), s->cred, &e)) {
		log_error("%s", e.msg);
		return -EPROTO;
	}
	vnc_set_name(s->vnc, c.name);
	keys_set_layout(c.keys, c.nkeys);
	relay_config(s->relay, &c);
	return 0;
}

static int take_surface(struct screen *s, const char *p, size_t n, const int *fds, size_t nfds)
{
	struct screen_surface m;
	struct surface old = s->picture, new = {0};
	struct err e = {0};
	if (n < sizeof(m))
		return -EPROTO;
	memcpy(&m, p, sizeof(m));
	if (m.width == 0)
		surface_blank(&new, old.width ? old.width : 640, old.width ? old.height : 480);
	else if (nfds != 1 || surface_open(&new, &m, fds[0], &e)) {
		log_error("%s", nfds == 1 ? e.msg : "the machine announced a picture without its memory");
		return -EPROTO;
	}
	new.generation = m.generation;
	vnc_set_picture(s->vnc, new.shadow, new.width, new.height);
	s->picture = new;
	surface_close(&old);
	s->pace = SCREEN_PACE_MS;
	return 0;
}

/* Bring the shadow up to date and tell the viewers. Return: how many pixels changed. */
static size_t update(struct screen *s, const struct screen_rect *rects, size_t n)
{
	static struct scroll scroll; /* only this thread is here */
	size_t pixels = 0;
	bool moved = vnc_copies(s->vnc) && scroll_find(&s->picture, rects, n, &scroll);
	if (moved)
		vnc_move_begin(s->vnc);
	vnc_draw_begin(s->vnc);
	if (moved)
		pixels = scroll_apply(&s->picture, &scroll);
	pixels += surface_update(&s->picture, rects, n, changed, s->vnc);
	vnc_draw_end(s->vnc, pixels > 0);
	if (moved)
		vnc_move_end(s->vnc, &scroll);
	else
		vnc_flush(s->vnc);
	return pixels;
}

/* How long to leave the machine alone: ever longer while nothing changes, and as long as it takes for all
 * viewers' updates to use SCREEN_SHARE of a processor. */
static void pace(struct screen *s, bool changed)
{
	int64_t used = clock_ms(CLOCK_PROCESS_CPUTIME_ID), rest = (used - s->cost_ms) * (SCREEN_SHARE - 1);
	s->cost_ms = used;
	if (changed) {
		s->pace = SCREEN_PACE_MS;
		s->rest = rest <= SCREEN_PACE_MS       ? 0
			  : rest < SCREEN_PACE_IDLE_MS ? (int)rest
						       : SCREEN_PACE_IDLE_MS;
	} else {
		s->pace = s->pace * 3 / 2 < SCREEN_PACE_IDLE_MS ? s->pace * 3 / 2 : SCREEN_PACE_IDLE_MS;
		s->rest = s->pace;
	}
}

static int take_damage(struct screen *s, const char *p, size_t n, const int *fds, size_t nfds)
{
	struct screen_damage m = {0};
	size_t head = offsetof(struct screen_damage, rects);
	if (n < head || n > sizeof(m))
		return -EPROTO;
	memcpy(&m, p, n);
	if (m.n > (n - head) / sizeof(m.rects[0]))
		return -EPROTO;
	size_t pixels = m.generation == s->picture.generation ? update(s, m.rects, m.n) : 0;
	s->fresh_at = atomic_load(&s->asked_at);
	s->backed_at = now_ms();
	s->drawn |= pixels > 0;
	pace(s, pixels > 0);
	atomic_store(&s->waits, s->rest ? WAITS_TIME : WAITS_REQUEST);
	return 0;
}

static int take_cursor(struct screen *s, const char *p, size_t n, const int *fds, size_t nfds)
{
	static struct screen_cursor m; /* 16 KiB */
	size_t head = offsetof(struct screen_cursor, pixels);
	memset(&m, 0, sizeof(m));
	if (n < head || n > sizeof(m))
		return -EPROTO;
	memcpy(&m, p, n);
	if (m.w > SCREEN_CURSOR_MAX || m.h > SCREEN_CURSOR_MAX || (size_t)m.w * m.h * 4 > n - head)
		return -EPROTO;
	vnc_set_cursor(s->vnc, &m);
	return 0;
}

static int take_pos(struct screen *s, const char *p, size_t n, const int *fds, size_t nfds)
{
	struct screen_pos m;
	if (n < sizeof(m))
		return -EPROTO;
	memcpy(&m, p, sizeof(m));
	vnc_set_cursor_pos(s->vnc, m.x, m.y);
	return 0;
}

static int take_state(struct screen *s, const char *p, size_t n, const int *fds, size_t nfds)
{
	struct screen_state m;
	if (n < sizeof(m))
		return -EPROTO;
	memcpy(&m, p, sizeof(m));
	vnc_set_state(s->vnc, m.leds & 7, m.absolute != 0);
	return 0;
}

static int take_kick(struct screen *s, const char *p, size_t n, const int *fds, size_t nfds)
{
	relay_kick(s->relay);
	return 0;
}

int screen_message(struct screen *s, const char *p, size_t n, const int *fds, size_t nfds)
{
	static int (*const takers[])(struct screen *, const char *, size_t, const int *, size_t) = {
	    [SCREEN_CONFIG] = take_config,  [SCREEN_SURFACE] = take_surface,
	    [SCREEN_DAMAGE] = take_damage,  [SCREEN_CURSOR_SHAPE] = take_cursor,
	    [SCREEN_CURSOR_POS] = take_pos, [SCREEN_STATE] = take_state,
	    [SCREEN_KICK] = take_kick,
	};
	uint32_t type;
	if (n < sizeof(type))
		return -EPROTO;
	memcpy(&type, p, sizeof(type));
	return type < ARRAY_SIZE(takers) && takers[type] ? takers[type](s, p, n, fds, nfds) : -EPROTO;
}

/* 0, or -errno when the machine is gone or talks nonsense. */
static int take_message(struct screen *s)
{
	static char p[SCREEN_MESSAGE_MAX];
	int fds[FDS_MAX];
	size_t nfds = FDS_MAX;
	ssize_t n = unixsock_recv(s->machine, p, sizeof(p), fds, &nfds);
	if (n == -EAGAIN || n == -EINTR)
		return 0;
	if (n <= 0)
		return n ? (int)n : -EPIPE;
	int rc = screen_message(s, p, (size_t)n, fds, nfds);
	while (nfds)
		close(fds[--nfds]);
	return rc;
}

/* --- the loop --- */

static void take_inbox(struct screen *s)
{
	uint64_t count;
	if (read(s->wake, &count, sizeof(count)) < 0)
		return;
	atomic_store(&s->woken, false);
	pthread_mutex_lock(&s->lock);
	struct inbox got = s->inbox;
	s->inbox = (struct inbox){0};
	pthread_mutex_unlock(&s->lock);
	s->hurry |= got.n > 0;
	for (size_t i = 0; i < got.n; i++)
		if (s->nnew < NEW_MAX)
			s->newcomers[s->nnew++] = got.newcomers[i];
		else
			close(got.newcomers[i].fd);
	if (got.clip)
		vnc_clipboard(s->vnc, got.clip_from, got.clip, got.clip_len, got.clip_utf8);
	free(got.clip);
	for (size_t i = 0; i < got.nasks; i++)
		vnc_clipboard_answer(s->vnc, got.asks[i].id, got.asks[i].what == GUARD_CLIP_PEEK);
	if (got.viewers)
		s->told_at = 0;
}

/* Let in who has seen a refresh since it came, or has waited long enough. */
static void admit(struct screen *s, int64_t now)
{
	size_t kept = 0;
	for (size_t i = 0; i < s->nnew; i++) {
		struct newcomer *n = &s->newcomers[i];
		if (s->fresh_at >= n->at || now >= n->at + SCREEN_JOIN_MS)
			vnc_add(s->vnc, n->id, n->fd, n->view_only);
		else
			s->newcomers[kept++] = *n;
	}
	s->nnew = kept;
}

/* Ask the machine when that is due. Return: in how many ms it will be, -1: another event comes first. */
static int refresh(struct screen *s)
{
	const uint32_t m = SCREEN_REFRESH;
	int64_t now = now_ms();
	if (s->hurry) {
		s->hurry = false;
		atomic_store(&s->waits, WAITS_MACHINE);
		atomic_store(&s->asked_at, now);
		tell_machine(s, &m, sizeof(m));
	}
	if (atomic_load(&s->waits) == WAITS_TIME) {
		int64_t end = s->backed_at + (atomic_exchange(&s->input, false) ? 0 : s->rest);
		if (now < end)
			return (int)(end - now);
		atomic_store(&s->waits, WAITS_REQUEST);
	}
	if (atomic_load(&s->waits) == WAITS_REQUEST && (atomic_load(&s->wanted) || vnc_waiting(s->vnc)))
		ask(s);
	return -1;
}

static void encoding(void *ctx, unsigned id, json_t *viewer)
{
	vnc_describe(ctx, id, viewer);
}

static void tell_viewers(struct screen *s, int64_t now)
{
	AUTO_JSON json_t *list = relay_viewers(s->relay, encoding, s->vnc);
	AUTO_FREE char *text = json_text(list, false);
	s->told_at = now;
	s->drawn = false;
	if (str_eq(text, s->told))
		return;
	free(s->told);
	s->told = TAKE_PTR(text);
	struct buf AUTO_BUF m = {0};
	uint32_t type = SCREEN_VIEWERS;
	buf_add(&m, &type, sizeof(type));
	buf_puts(&m, s->told);
	if (m.len <= SCREEN_MESSAGE_MAX)
		tell_machine(s, m.s, m.len);
}

/* One round. 1: it is over, 0: go on, -errno. */
static int round_of(struct screen *s)
{
	int64_t now = now_ms();
	unsigned viewers = relay_count(s->relay);
	admit(s, now);
	s->hurry |= s->watched && !viewers; /* has the machine answer, and look no more */
	s->watched = viewers > 0;
	int timeout = refresh(s);
	if (viewers)
		s->seen_at = now;
	if (now >= s->seen_at + SCREEN_EXIT_MS)
		return 1;
	int64_t left =
	    (viewers && s->drawn ? s->told_at + SCREEN_VIEWERS_MS : s->seen_at + SCREEN_EXIT_MS) - now;
	if (s->nnew && left > SCREEN_JOIN_MS)
		left = SCREEN_JOIN_MS;
	if (!s->told_at || (viewers && left <= 0)) {
		tell_viewers(s, now);
		left = s->seen_at + SCREEN_EXIT_MS - now;
	}
	if (timeout < 0 || timeout > left)
		timeout = (int)left;
	struct pollfd p[] = {{.fd = s->machine, .events = POLLIN}, {.fd = s->wake, .events = POLLIN}};
	if (poll(p, 2, timeout) < 0 && errno != EINTR)
		return -errno;
	if (p[1].revents)
		take_inbox(s);
	return p[0].revents ? take_message(s) : 0;
}

struct screen *screen_new(int machine, const int *listeners, size_t n, struct tls_cred *cred, struct err *e)
{
	static const struct vnc_ops vnc_ops = {on_key,    on_pointer,   on_release, on_resize,
					       on_wanted, on_clipboard, on_drain};
	static const struct relay_ops relay_ops = {on_joined, on_changed, on_asked, vnc_encrypt, NULL};
	struct screen *s = x_calloc(1, sizeof(*s));
	s->machine = machine;
	s->cred = cred;
	s->pace = SCREEN_PACE_MS;
	s->seen_at = now_ms();
	pthread_mutex_init(&s->lock, NULL);
	s->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	s->vnc = vnc_new(&vnc_ops, s);
	s->relay = s->wake < 0 ? NULL : relay_new(listeners, n, &relay_ops, s, e);
	if (s->relay)
		return s;
	free(s);
	return NULL;
}

int screen_main(int machine, const int *listeners, size_t n, struct tls_cred *cred)
{
	struct screen *s = NULL;
	struct err e = {0};
	uint8_t warm[16] = {0};
	static const struct sandbox_needs needs = {.file_bytes = FILE_BYTES,
						   .memory_bytes = MEMORY_BYTES};
	vnc_encrypt(warm, "x"); /* has its library look at the machine while that is possible */
	names_load();
	if (sandbox_prepare(&needs, &e) || !(s = screen_new(machine, listeners, n, cred, &e)) ||
	    sandbox_enter(screen_sandbox_rules, screen_sandbox_nrules, &e)) {
		log_error("%s", e.msg);
		return 1;
	}
	int rc;
	while ((rc = round_of(s)) == 0)
		;
	if (rc < 0 && rc != -EPIPE)
		log_error("the machine's messages: %s", strerror(-rc));
	_exit(rc > 0 ? 0 : 1); /* the server's threads are not waited for */
}
