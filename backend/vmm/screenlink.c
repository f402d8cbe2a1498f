#include "backend/vmm/screenlink.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "backend/vmm/display/display.h"
#include "backend/vmm/input.h"
#include "backend/vmm/machine.h"
#include "backend/vmm/screen_config.h"
#include "src/base/cleanup.h"
#include "src/base/log.h"
#include "src/base/str.h"
#include "src/base/unixsock.h"
#include "src/proto/screen.h"

#define STALL_MS 5000

/* How soon the guest is looked at again for a screen that waits for a change, in ms: at once seldom pays. */
#define LOOK_INPUT_MS 12   /* somebody typed or pointed: the guest is about to answer */
#define LOOK_MS 33         /* much has changed */
#define LOOK_LITTLE_MS 100 /* little has, as when a cursor blinks */
#define LOOK_IDLE_MS 1000  /* nothing has for long */
#define MUCH 32            /* a change of more than 1 / MUCH of the picture */
#define BATCH 64           /* messages read before others have their turn */
#define KEY_LAST 0x2ff     /* linux/input-event-codes.h, KEY_MAX */
#define MOVE_MAX 4096
#define WHEEL_MAX 32

enum { /* what is to be sent, in this order */
       SEND_CONFIG = 1,
       SEND_SURFACE = 2,
       SEND_CURSOR_SHAPE = 4,
       SEND_CURSOR_POS = 8,
       SEND_STATE = 16,
       SEND_KICK = 32,
       SEND_DAMAGE = 64, /* the answer to a SCREEN_REFRESH */
       SEND_GREETING = SEND_CONFIG | SEND_SURFACE | SEND_CURSOR_SHAPE | SEND_STATE,
};

/* A screen process. */
struct screen_peer {
	uv_poll_t poll;
	struct screenlink *l;
	int fd;
};

struct screenlink {
	struct machine *m;
	int keeper;
	uv_async_t changed;
	uv_timer_t stall;
	uv_timer_t look;          /* the next look at the guest, while asked */
	unsigned handles;         /* that are not closed yet, at the end */
	struct screen_peer *peer; /* NULL: none runs */
	struct display_client client;
	struct screen_config config;
	int json_fd, tls_fds[3];
	unsigned ntls;
	bool tls_ca;
	unsigned pending;    /* SEND_ bits, set by any thread */
	unsigned unsent;     /* those that the socket did not take yet */
	unsigned generation; /* of the surface that the screen has */
	bool surface_sent, damage_taken;
	bool asked, at_once; /* a SCREEN_CHANGES waits for its answer; a SCREEN_REFRESH does */
	unsigned looked_ms;  /* when the guest was looked at */
	unsigned pace_ms;    /* from one look to the next */
	struct screen_damage damage;
	struct screen_cursor cursor;
	char in[SCREEN_MESSAGE_MAX];
};

/* To be sent by the next flush(); for the loop's thread, which will come to one. */
static void due(struct screenlink *l, unsigned bits)
{
	__atomic_fetch_or(&l->pending, bits, __ATOMIC_RELEASE);
}

static void want(struct screenlink *l, unsigned bits)
{
	due(l, bits);
	uv_async_send(&l->changed);
}

static void display_changed(struct display_client *c, unsigned what)
{
	want(c->ctx, (what & DISPLAY_SURFACE ? SEND_SURFACE : 0) |
			 (what & DISPLAY_CURSOR_SHAPE ? SEND_CURSOR_SHAPE : 0) |
			 (what & DISPLAY_CURSOR_POS ? SEND_CURSOR_POS : 0));
}

static void input_has_changed(void *ctx)
{
	want(ctx, SEND_STATE);
}

/* --- one process --- */

static void peer_freed(uv_handle_t *h)
{
	struct screen_peer *p = h->data;
	close(p->fd);
	free(p);
}

/* Forget the process: nobody looks any more. */
static void detach(struct screenlink *l)
{
	struct screen_peer *p = TAKE_PTR(l->peer);
	if (!p)
		return;
	uv_timer_stop(&l->stall);
	uv_timer_stop(&l->look);
	pthread_mutex_lock(&l->m->lock);
	display_client_remove(display_of(l->m), &l->client);
	input_listen(l->m, NULL, NULL);
	input_release(l->m);
	pthread_mutex_unlock(&l->m->lock);
	uv_close((uv_handle_t *)&p->poll, peer_freed);
	l->unsent = 0;
	screen_config_clients(&l->config, "[]", 2);
}

static void json_write(struct screenlink *l)
{
	AUTO_FREE char *text = screen_config_file(&l->config);
	size_t n = text ? strlen(text) : 0;
	if (l->json_fd < 0 || !n)
		return;
	/* Readers who see it half written try again: it is one system call on a tmpfs. */
	if (pwrite(l->json_fd, text, n, 0) != (ssize_t)n || ftruncate(l->json_fd, (off_t)n) < 0)
		log_warn("screen: cannot write screen.json: %s", strerror(errno));
}

static void lost(struct screenlink *l)
{
	detach(l);
	json_write(l);
}

static void drop(struct screenlink *l, const char *why)
{
	lost(l);
	launch_screen_dropped(l->keeper, why);
}

/* --- sending: each tells the present state; m->lock is held --- */

static int put(struct screenlink *l, const void *p, size_t n, const int *fds, size_t nfds)
{
	ssize_t k = unixsock_send(l->peer->fd, p, n, fds, nfds);
	return k < 0 ? (int)k : 0;
}

static int send_config(struct screenlink *l)
{
	AUTO_FREE char *text = screen_config_message(&l->config, l->tls_ca);
	AUTO_BUF struct buf b = {0};
	uint32_t type = SCREEN_CONFIG;
	buf_add(&b, &type, sizeof(type));
	buf_puts(&b, text);
	for (unsigned i = 0; i < l->ntls; i++) /* the last screen may have read them */
		lseek(l->tls_fds[i], 0, SEEK_SET);
	return put(l, b.s, b.len, l->tls_fds, l->ntls);
}

static int send_surface(struct screenlink *l)
{
	struct display *d = display_of(l->m);
	const struct surface *s = display_surface(d);
	unsigned generation = display_generation(d);
	struct screen_surface msg = {.type = SCREEN_SURFACE, .generation = generation};
	if (l->surface_sent && l->generation == generation)
		return 0;
	if (s) {
		msg.offset = s->offset;
		msg.width = s->width;
		msg.height = s->height;
		msg.stride = s->stride;
	}
	int rc = put(l, &msg, sizeof(msg), s ? &s->fd : NULL, s != NULL);
	if (!rc) {
		l->generation = generation;
		l->surface_sent = true;
	}
	return rc;
}

static int send_cursor_shape(struct screenlink *l)
{
	const struct cursor *c = display_cursor(display_of(l->m));
	struct screen_cursor *msg = &l->cursor;
	size_t pixels = 0;
	memset(msg, 0, offsetof(struct screen_cursor, pixels));
	msg->type = SCREEN_CURSOR_SHAPE;
	if (c && c->defined && c->w <= SCREEN_CURSOR_MAX && c->h <= SCREEN_CURSOR_MAX) {
		msg->defined = 1;
		msg->visible = c->visible;
		msg->w = c->w;
		msg->h = c->h;
		msg->hot_x = c->hot_x;
		msg->hot_y = c->hot_y;
		pixels = (size_t)c->w * c->h * sizeof(msg->pixels[0]);
		memcpy(msg->pixels, c->pixels, pixels);
	}
	return put(l, msg, offsetof(struct screen_cursor, pixels) + pixels, NULL, 0);
}

static int send_cursor_pos(struct screenlink *l)
{
	const struct cursor *c = display_cursor(display_of(l->m));
	struct screen_pos msg = {.type = SCREEN_CURSOR_POS, .x = c ? c->x : 0, .y = c ? c->y : 0};
	return put(l, &msg, sizeof(msg), NULL, 0);
}

static int send_state(struct screenlink *l)
{
	struct screen_state msg = {
	    .type = SCREEN_STATE, .leds = input_leds(l->m), .absolute = input_absolute(l->m)};
	return put(l, &msg, sizeof(msg), NULL, 0);
}

static int send_kick(struct screenlink *l)
{
	uint32_t type = SCREEN_KICK;
	return put(l, &type, sizeof(type), NULL, 0);
}

static unsigned now_ms(void)
{
	return (unsigned)(uv_hrtime() / 1000000);
}

static void look_again(uv_timer_t *t);

/* When the next look is due. */
static void look_later(struct screenlink *l)
{
	unsigned since = now_ms() - l->looked_ms;
	uv_timer_start(&l->look, look_again, since < l->pace_ms ? l->pace_ms - since : 0, 0);
}

/* Look at the guest; what has changed goes to l->damage. More often while it changes, above all when it is
 * much. */
static void look(struct screenlink *l)
{
	struct display *d = display_of(l->m);
	const struct surface *s = display_surface(d);
	struct rect r[DISPLAY_RECTS_MAX];
	uint64_t pixels = 0, all = s ? (uint64_t)s->width * s->height : 0;
	l->damage = (struct screen_damage){.type = SCREEN_DAMAGE, .generation = l->generation};
	l->damage.n = display_take_damage(d, &l->client, r);
	for (unsigned i = 0; i < l->damage.n; i++) {
		l->damage.rects[i] = (struct screen_rect){(uint16_t)r[i].x, (uint16_t)r[i].y,
							  (uint16_t)r[i].w, (uint16_t)r[i].h};
		pixels += (uint64_t)r[i].w * r[i].h;
	}
	unsigned pace = l->pace_ms * 3 / 2;
	if (pixels > all / MUCH)
		pace = LOOK_MS;
	else if (pixels)
		pace = l->pace_ms < LOOK_LITTLE_MS ? (l->pace_ms + LOOK_LITTLE_MS) / 2 : LOOK_LITTLE_MS;
	l->pace_ms = pace < LOOK_IDLE_MS ? pace : LOOK_IDLE_MS;
	l->looked_ms = now_ms();
}

static int send_damage(struct screenlink *l)
{
	if (!l->asked)
		return 0;
	if (!l->damage_taken) { /* else it did not fit last time */
		display_refresh(display_of(l->m));
		int rc = send_surface(l);
		if (rc)
			return rc;
		look(l);
		if (!l->damage.n && !l->at_once) {
			look_later(l);
			return 0;
		}
		l->damage_taken = true;
	}
	int rc = put(l, &l->damage, sizeof(l->damage), NULL, 0);
	l->damage_taken = rc != 0;
	if (!rc)
		l->asked = l->at_once = false;
	return rc;
}
_Static_assert(DISPLAY_RECTS_MAX <= SCREEN_RECTS_MAX, "all damage fits one message");

static const struct {
	unsigned bit;
	int (*send)(struct screenlink *l);
} senders[] = {
    {SEND_CONFIG, send_config},         {SEND_SURFACE, send_surface}, {SEND_CURSOR_SHAPE, send_cursor_shape},
    {SEND_CURSOR_POS, send_cursor_pos}, {SEND_STATE, send_state},     {SEND_KICK, send_kick},
    {SEND_DAMAGE, send_damage},
};

static void peer_ready(uv_poll_t *p, int status, int events);

static void stalled(uv_timer_t *t)
{
	drop(t->data, "it has taken nothing for 5 s");
}

/* Send what is due as far as the socket takes it. */
static void flush(struct screenlink *l)
{
	int rc = 0;
	if (!l->peer)
		return;
	unsigned todo = l->unsent | __atomic_exchange_n(&l->pending, 0, __ATOMIC_ACQUIRE), before = todo;
	pthread_mutex_lock(&l->m->lock);
	for (size_t i = 0; i < ARRAY_SIZE(senders) && !rc; i++)
		if (todo & senders[i].bit) {
			rc = senders[i].send(l);
			todo &= rc ? ~0u : ~senders[i].bit;
		}
	pthread_mutex_unlock(&l->m->lock);
	if (rc && rc != -EAGAIN) { /* it has ended: the keeper knows */
		lost(l);
		return;
	}
	if (!todo)
		uv_timer_stop(&l->stall);
	else if (todo != before || !uv_is_active((uv_handle_t *)&l->stall))
		uv_timer_start(&l->stall, stalled, STALL_MS, 0);
	if (!todo != !l->unsent)
		uv_poll_start(&l->peer->poll, UV_READABLE | (todo ? UV_WRITABLE : 0), peer_ready);
	l->unsent = todo;
}

static void look_again(uv_timer_t *t)
{
	struct screenlink *l = t->data;
	due(l, SEND_DAMAGE);
	flush(l);
}

static void something_changed(uv_async_t *a)
{
	flush(a->data);
}

/* --- receiving: what parses viewers is not trusted --- */

static int clamp(int64_t v, int64_t low, int64_t high)
{
	return (int)(v < low ? low : v > high ? high : v);
}

/* A place in pixels as one of 0..INPUT_ABS_MAX, the last pixel being the end of the scale. */
static int scale(int at, unsigned size)
{
	if (size < 2)
		return 0;
	return (int)((int64_t)clamp(at, 0, size - 1) * INPUT_ABS_MAX / (size - 1));
}

static void on_refresh(struct screenlink *l, const void *p)
{
	l->asked = l->at_once = true;
	due(l, SEND_DAMAGE);
}

static void on_changes(struct screenlink *l, const void *p)
{
	l->asked = true;
	if (now_ms() - l->looked_ms >= l->pace_ms)
		due(l, SEND_DAMAGE);
	else
		look_later(l);
}

/* The guest is about to answer what came from a viewer. */
static void on_input(struct screenlink *l)
{
	if (l->pace_ms <= LOOK_INPUT_MS)
		return;
	l->pace_ms = LOOK_INPUT_MS;
	l->looked_ms = now_ms();
	if (l->asked)
		look_later(l);
}

static void on_key(struct screenlink *l, const void *p)
{
	const struct screen_key *k = p;
	if (k->code && k->code <= KEY_LAST)
		input_key(l->m, k->code, k->down != 0);
	on_input(l);
}

static void on_pointer(struct screenlink *l, const void *p)
{
	const struct screen_pointer *in = p;
	const struct surface *s = display_surface(display_of(l->m));
	struct input_pointer out = {
	    .absolute = in->absolute != 0,
	    .x = clamp(in->x, -MOVE_MAX, MOVE_MAX),
	    .y = clamp(in->y, -MOVE_MAX, MOVE_MAX),
	    .wheel = clamp(in->wheel, -WHEEL_MAX, WHEEL_MAX),
	    .hwheel = clamp(in->hwheel, -WHEEL_MAX, WHEEL_MAX),
	    .buttons = in->buttons & (INPUT_BUTTON_LEFT | INPUT_BUTTON_MIDDLE | INPUT_BUTTON_RIGHT |
				      INPUT_BUTTON_SIDE | INPUT_BUTTON_EXTRA),
	};
	if (out.absolute) {
		out.x = s ? scale(in->x, s->width) : 0;
		out.y = s ? scale(in->y, s->height) : 0;
	}
	input_pointer(l->m, &out);
	on_input(l);
}

static void on_resize(struct screenlink *l, const void *p)
{
	const struct screen_size *s = p;
	if (s->width && s->height)
		display_wish(display_of(l->m), s->width < DISPLAY_WIDTH_MAX ? s->width : DISPLAY_WIDTH_MAX,
			     s->height < DISPLAY_HEIGHT_MAX ? s->height : DISPLAY_HEIGHT_MAX);
}

static void on_release(struct screenlink *l, const void *p)
{
	input_release(l->m);
}

static const struct {
	uint32_t type;
	size_t size;
	void (*fn)(struct screenlink *l, const void *p); /* m->lock is held */
} receivers[] = {
    {SCREEN_REFRESH, sizeof(uint32_t), on_refresh},
    {SCREEN_CHANGES, sizeof(uint32_t), on_changes},
    {SCREEN_KEY, sizeof(struct screen_key), on_key},
    {SCREEN_POINTER, sizeof(struct screen_pointer), on_pointer},
    {SCREEN_RESIZE, sizeof(struct screen_size), on_resize},
    {SCREEN_RELEASE, sizeof(uint32_t), on_release},
};

/* false: it makes no sense. */
static bool on_message(struct screenlink *l, size_t n)
{
	uint32_t type;
	if (n < sizeof(type))
		return false;
	memcpy(&type, l->in, sizeof(type));
	if (type == SCREEN_VIEWERS) {
		if (screen_config_clients(&l->config, l->in + sizeof(type), n - sizeof(type)))
			return false;
		json_write(l);
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(receivers); i++)
		if (receivers[i].type == type && receivers[i].size == n) {
			pthread_mutex_lock(&l->m->lock);
			receivers[i].fn(l, l->in);
			pthread_mutex_unlock(&l->m->lock);
			return true;
		}
	return false;
}

static void peer_read(struct screenlink *l)
{
	for (int i = 0; i < BATCH; i++) {
		size_t none = 0;
		ssize_t n = unixsock_recv(l->peer->fd, l->in, sizeof(l->in), NULL, &none);
		if (n == -EAGAIN)
			return;
		if (n == 0 || (n < 0 && n != -EMSGSIZE)) {
			lost(l);
			return;
		}
		if (n < 0 || !on_message(l, (size_t)n)) {
			drop(l, "it says what makes no sense");
			return;
		}
	}
}

static void peer_ready(uv_poll_t *p, int status, int events)
{
	struct screenlink *l = ((struct screen_peer *)p->data)->l;
	if (status < 0) {
		lost(l);
		return;
	}
	if (events & UV_READABLE)
		peer_read(l);
	if (events & UV_WRITABLE || __atomic_load_n(&l->pending, __ATOMIC_RELAXED))
		flush(l);
}

/* --- life --- */

void screenlink_attach(struct machine *m, int fd)
{
	struct screenlink *l = m->screenlink;
	struct screen_peer *p = l ? calloc(1, sizeof(*p)) : NULL;
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	if (!p || uv_poll_init(m->loop, &p->poll, fd)) {
		free(p);
		close(fd);
		return;
	}
	detach(l);
	p->poll.data = p;
	p->l = l;
	p->fd = fd;
	l->peer = p;
	l->surface_sent = l->damage_taken = l->asked = l->at_once = false;
	l->pace_ms = LOOK_INPUT_MS;
	l->looked_ms = now_ms() - LOOK_INPUT_MS;
	__atomic_store_n(&l->pending, 0, __ATOMIC_RELEASE);
	pthread_mutex_lock(&m->lock);
	display_client_add(display_of(m), &l->client);
	input_listen(m, input_has_changed, l);
	pthread_mutex_unlock(&m->lock);
	uv_poll_start(&p->poll, UV_READABLE, peer_ready);
	want(l, SEND_GREETING);
}

static void take_files(struct screenlink *l)
{
	static const char *const names[] = {"tls.ca", "tls.cert", "tls.key"};
	l->json_fd = named_take(&l->m->fds, "screen.json");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		int fd = named_take(&l->m->fds, names[i]);
		if (fd < 0)
			continue;
		l->tls_fds[l->ntls++] = fd;
		l->tls_ca |= i == 0;
	}
}

int screenlink_new(struct machine *m, int keeper, const json_t *screen, struct err *e)
{
	if (!screen)
		return 0;
	struct screenlink *l = calloc(1, sizeof(*l));
	if (!l || !display_of(m)) {
		free(l);
		return err_set(e, ENOMEM, "out of memory");
	}
	m->screenlink = l;
	l->m = m;
	l->keeper = keeper;
	l->client = (struct display_client){.changed = display_changed, .ctx = l};
	screen_config_init(&l->config, screen);
	take_files(l);
	int rc = uv_async_init(m->loop, &l->changed, something_changed);
	if (!rc)
		rc = uv_timer_init(m->loop, &l->stall);
	if (!rc)
		rc = uv_timer_init(m->loop, &l->look);
	if (rc)
		return err_set(e, -rc, "cannot wait for the screen: %s", uv_strerror(rc));
	l->changed.data = l->stall.data = l->look.data = l;
	return 0;
}

static void handle_closed(uv_handle_t *h)
{
	struct screenlink *l = h->data;
	if (!--l->handles)
		free(l);
}

void screenlink_free(struct machine *m)
{
	struct screenlink *l = m->screenlink;
	if (!l)
		return;
	if (l->peer)
		send_kick(l);
	detach(l);
	fd_close(l->json_fd);
	while (l->ntls)
		close(l->tls_fds[--l->ntls]);
	screen_config_done(&l->config);
	m->screenlink = NULL;
	l->handles = 3;
	uv_close((uv_handle_t *)&l->changed, handle_closed);
	uv_close((uv_handle_t *)&l->stall, handle_closed);
	uv_close((uv_handle_t *)&l->look, handle_closed);
}

struct screen_config *screenlink_config(struct machine *m)
{
	return m->screenlink ? &m->screenlink->config : NULL;
}

void screenlink_config_changed(struct machine *m, bool kick)
{
	struct screenlink *l = m->screenlink;
	json_write(l);
	if (l->peer)
		want(l, SEND_CONFIG | (kick ? SEND_KICK : 0));
}
