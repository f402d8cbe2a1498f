#include "backend/vmm/screenpeer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backend/vmm/input.h"
#include "backend/vmm/machine.h"
#include "src/base/cleanup.h"
#include "src/base/str.h"
#include "src/base/unixsock.h"

#define STALL_MS 5000

/* How soon the guest is looked at again for a screen that waits for a change, in ms: at once seldom pays. */
#define LOOK_INPUT_MS 12   /* somebody typed or pointed: the guest is about to answer */
#define LOOK_MS 33         /* much has changed */
#define LOOK_LITTLE_MS 100 /* little has */
#define LOOK_TINY_MS 200   /* a cursor has: Linux has it blink as often */
#define LOOK_IDLE_MS 1250  /* nothing has for long */
#define MUCH 32            /* a change of more than 1 / MUCH of the picture */
#define TINY 64            /* one of less than 1 / TINY of it: lines, since guests write to pages */
#define BATCH 64           /* messages read before others have their turn */
#define KEY_LAST 0x2ff     /* linux/input-event-codes.h, KEY_MAX */
#define MOVE_MAX 4096
#define WHEEL_MAX 32
#define GREETING (SEND_SURFACE | SEND_CURSOR_SHAPE | SEND_STATE)

/* To be sent by the next flush(); for the loop's thread, which will come to one. */
static void due(struct screen_peer *p, unsigned bits)
{
	__atomic_fetch_or(&p->pending, bits, __ATOMIC_RELEASE);
}

void peer_want(struct screen_peer *p, unsigned bits)
{
	due(p, bits);
	uv_async_send(&p->l->changed);
}

static void display_changed(struct display_client *c, unsigned what)
{
	peer_want(c->ctx, (what & DISPLAY_SURFACE ? SEND_SURFACE : 0) |
			      (what & DISPLAY_CURSOR_SHAPE ? SEND_CURSOR_SHAPE : 0) |
			      (what & DISPLAY_CURSOR_POS ? SEND_CURSOR_POS : 0));
}

/* --- sending: each tells the present state; m->lock is held --- */

static int put(struct screen_peer *p, const void *msg, size_t n, const int *fds, size_t nfds)
{
	ssize_t k = unixsock_send(p->fd, msg, n, fds, nfds);
	return k < 0 ? (int)k : 0;
}

static int send_config(struct screen_peer *p)
{
	struct screenlink *l = p->l;
	AUTO_FREE char *text = screen_config_message(&l->config);
	AUTO_BUF struct buf b = {0};
	uint32_t type = SCREEN_CONFIG;
	buf_add(&b, &type, sizeof(type));
	buf_puts(&b, text);
	return put(p, b.s, b.len, NULL, 0);
}

static int send_surface(struct screen_peer *p)
{
	struct display *d = display_of(p->l->m);
	const struct surface *s = display_surface(d);
	unsigned generation = display_generation(d);
	struct screen_surface msg = {.type = SCREEN_SURFACE, .generation = generation};
	if (p->surface_sent && p->generation == generation)
		return 0;
	if (s) {
		msg.offset = s->offset;
		msg.width = s->width;
		msg.height = s->height;
		msg.stride = s->stride;
	}
	int rc = put(p, &msg, sizeof(msg), s ? &s->fd : NULL, s != NULL);
	if (!rc) {
		p->generation = generation;
		p->surface_sent = true;
	}
	return rc;
}

static int send_cursor_shape(struct screen_peer *p)
{
	const struct cursor *c = display_cursor(display_of(p->l->m));
	struct screen_cursor *msg = &p->cursor;
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
	return put(p, msg, offsetof(struct screen_cursor, pixels) + pixels, NULL, 0);
}

static int send_cursor_pos(struct screen_peer *p)
{
	const struct cursor *c = display_cursor(display_of(p->l->m));
	struct screen_pos msg = {.type = SCREEN_CURSOR_POS, .x = c ? c->x : 0, .y = c ? c->y : 0};
	return put(p, &msg, sizeof(msg), NULL, 0);
}

static int send_state(struct screen_peer *p)
{
	struct screen_state msg = {
	    .type = SCREEN_STATE, .leds = input_leds(p->l->m), .absolute = input_absolute(p->l->m)};
	return put(p, &msg, sizeof(msg), NULL, 0);
}

static int send_kick(struct screen_peer *p)
{
	uint32_t type = SCREEN_KICK;
	return put(p, &type, sizeof(type), NULL, 0);
}

static unsigned now_ms(void)
{
	return (unsigned)(uv_hrtime() / 1000000);
}

static void look_again(uv_timer_t *t);

/* When the next look is due. */
static void look_later(struct screen_peer *p)
{
	unsigned since = now_ms() - p->looked_ms;
	uv_timer_start(&p->look, look_again, since < p->pace_ms ? p->pace_ms - since : 0, 0);
}

/* Look at the guest; what has changed goes to p->damage. More often while it changes, above all when it is
 * much. */
static void look(struct screen_peer *p)
{
	struct display *d = display_of(p->l->m);
	const struct surface *s = display_surface(d);
	struct rect r[DISPLAY_RECTS_MAX];
	uint64_t pixels = 0, all = s ? (uint64_t)s->width * s->height : 0;
	p->damage = (struct screen_damage){.type = SCREEN_DAMAGE, .generation = p->generation};
	p->damage.n = display_take_damage(d, &p->client, r);
	for (unsigned i = 0; i < p->damage.n; i++) {
		p->damage.rects[i] = (struct screen_rect){(uint16_t)r[i].x, (uint16_t)r[i].y,
							  (uint16_t)r[i].w, (uint16_t)r[i].h};
		pixels += (uint64_t)r[i].w * r[i].h;
	}
	unsigned pace = p->pace_ms * 3 / 2;
	if (pixels > all / MUCH)
		pace = LOOK_MS;
	else if (pixels) {
		unsigned most = pixels < all / TINY ? LOOK_TINY_MS : LOOK_LITTLE_MS;
		pace = p->pace_ms < most ? (p->pace_ms + most) / 2 : most;
	}
	p->pace_ms = pace < LOOK_IDLE_MS ? pace : LOOK_IDLE_MS;
	p->looked_ms = now_ms();
}

/* What the screen shows as text. false: graphics, or nothing. */
static bool text_now(struct screen_peer *p, struct peer_text *out)
{
	static struct text_screen t; /* the loop's thread is the only one here */
	if (!display_text(display_of(p->l->m), &t) || !t.cols || !t.rows || t.cols * t.rows > SCREEN_TEXT_MAX)
		return false;
	out->head = (struct screen_text){.type = SCREEN_TEXT,
					 .cols = t.cols,
					 .rows = t.rows,
					 .cursor_x = t.cursor_x,
					 .cursor_y = t.cursor_y,
					 .blink = t.blink};
	for (unsigned i = 0; i < t.cols * t.rows; i++)
		out->cells[i] = (uint16_t)(t.cells[i].ch | t.cells[i].attr << 8);
	return true;
}

static size_t text_size(const struct peer_text *t)
{
	return sizeof(t->head) + (size_t)t->head.cols * t->head.rows * sizeof(t->cells[0]);
}

static void pace_of_text(struct screen_peer *p, bool changed)
{
	unsigned pace = changed ? LOOK_MS : p->pace_ms * 3 / 2;
	p->pace_ms = pace < LOOK_IDLE_MS ? pace : LOOK_IDLE_MS;
	p->looked_ms = now_ms();
}

/* The answer to one who takes text, when the screen is in a text mode: no pixel is painted for it. 1: that
 * was all; 0: the screen shows graphics. */
static int send_text(struct screen_peer *p)
{
	static struct peer_text now;
	if (!text_now(p, &now)) {
		struct screen_text none = {.type = SCREEN_TEXT, .cursor_x = -1, .cursor_y = -1};
		int rc = p->text->head.cols ? put(p, &none, sizeof(none), NULL, 0) : 0;
		if (!rc)
			p->text->head = none;
		return rc;
	}
	size_t n = text_size(&now);
	bool changed = p->at_once || text_size(p->text) != n || memcmp(p->text, &now, n) != 0;
	pace_of_text(p, changed);
	if (!changed) {
		look_later(p);
		return 1;
	}
	int rc = put(p, &now, n, NULL, 0);
	if (rc)
		return rc;
	memcpy(p->text, &now, n);
	p->asked = p->at_once = false;
	return 1;
}

static int send_damage(struct screen_peer *p)
{
	if (!p->asked)
		return 0;
	if (!p->damage_taken) { /* else it did not fit last time */
		int shown = p->text ? send_text(p) : 0;
		if (shown)
			return shown < 0 ? shown : 0;
		display_refresh(display_of(p->l->m));
		int rc = send_surface(p);
		if (rc)
			return rc;
		look(p);
		if (!p->damage.n && !p->at_once) {
			look_later(p);
			return 0;
		}
		p->damage_taken = true;
	}
	int rc = put(p, &p->damage, sizeof(p->damage), NULL, 0);
	p->damage_taken = rc != 0;
	if (!rc)
		p->asked = p->at_once = false;
	return rc;
}
_Static_assert(DISPLAY_RECTS_MAX <= SCREEN_RECTS_MAX, "all damage fits one message");

static const struct {
	unsigned bit;
	int (*send)(struct screen_peer *p);
} senders[] = {
    {SEND_CONFIG, send_config},         {SEND_SURFACE, send_surface}, {SEND_CURSOR_SHAPE, send_cursor_shape},
    {SEND_CURSOR_POS, send_cursor_pos}, {SEND_STATE, send_state},     {SEND_KICK, send_kick},
    {SEND_DAMAGE, send_damage},
};

static void peer_ready(uv_poll_t *p, int status, int events);

static void stalled(uv_timer_t *t)
{
	link_lost(t->data, "it has taken nothing for 5 s");
}

/* Send what is due as far as the socket takes it. */
void peer_flush(struct screen_peer *p)
{
	int rc = 0;
	if (p->ended)
		return;
	unsigned todo = p->unsent | __atomic_exchange_n(&p->pending, 0, __ATOMIC_ACQUIRE), before = todo;
	pthread_mutex_lock(&p->l->m->lock);
	for (size_t i = 0; i < ARRAY_SIZE(senders) && !rc; i++)
		if (todo & senders[i].bit) {
			rc = senders[i].send(p);
			todo &= rc ? ~0u : ~senders[i].bit;
		}
	pthread_mutex_unlock(&p->l->m->lock);
	if (rc && rc != -EAGAIN) { /* it has ended: the keeper knows */
		link_lost(p, NULL);
		return;
	}
	if (!todo)
		uv_timer_stop(&p->stall);
	else if (todo != before || !uv_is_active((uv_handle_t *)&p->stall))
		uv_timer_start(&p->stall, stalled, STALL_MS, 0);
	if (!todo != !p->unsent)
		uv_poll_start(&p->poll, UV_READABLE | (todo ? UV_WRITABLE : 0), peer_ready);
	p->unsent = todo;
}

static void look_again(uv_timer_t *t)
{
	struct screen_peer *p = t->data;
	due(p, SEND_DAMAGE);
	peer_flush(p);
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

static void on_refresh(struct screen_peer *p, const void *in)
{
	p->asked = p->at_once = true;
	due(p, SEND_DAMAGE);
}

static void on_changes(struct screen_peer *p, const void *in)
{
	p->asked = true;
	if (now_ms() - p->looked_ms >= p->pace_ms)
		due(p, SEND_DAMAGE);
	else
		look_later(p);
}

/* The guest is about to answer what came from a viewer. */
static void on_input(struct screen_peer *p)
{
	p->input = true;
	if (p->pace_ms <= LOOK_INPUT_MS)
		return;
	p->pace_ms = LOOK_INPUT_MS;
	p->looked_ms = now_ms();
	if (p->asked)
		look_later(p);
}

static void on_key(struct screen_peer *p, const void *in)
{
	const struct screen_key *k = in;
	if (k->code && k->code <= KEY_LAST)
		input_key(p->l->m, k->code, k->down != 0);
	on_input(p);
}

static void on_pointer(struct screen_peer *p, const void *msg)
{
	const struct screen_pointer *at = msg;
	const struct surface *s = display_surface(display_of(p->l->m));
	struct input_pointer out = {
	    .absolute = at->absolute != 0,
	    .x = clamp(at->x, -MOVE_MAX, MOVE_MAX),
	    .y = clamp(at->y, -MOVE_MAX, MOVE_MAX),
	    .wheel = clamp(at->wheel, -WHEEL_MAX, WHEEL_MAX),
	    .hwheel = clamp(at->hwheel, -WHEEL_MAX, WHEEL_MAX),
	    .buttons = at->buttons & (INPUT_BUTTON_LEFT | INPUT_BUTTON_MIDDLE | INPUT_BUTTON_RIGHT |
				      INPUT_BUTTON_SIDE | INPUT_BUTTON_EXTRA),
	};
	if (out.absolute) {
		out.x = s ? scale(at->x, s->width) : 0;
		out.y = s ? scale(at->y, s->height) : 0;
	}
	input_pointer(p->l->m, &out);
	on_input(p);
}

static void on_resize(struct screen_peer *p, const void *in)
{
	const struct screen_size *s = in;
	if (s->width && s->height)
		display_wish(display_of(p->l->m), s->width < DISPLAY_WIDTH_MAX ? s->width : DISPLAY_WIDTH_MAX,
			     s->height < DISPLAY_HEIGHT_MAX ? s->height : DISPLAY_HEIGHT_MAX);
}

static void on_release(struct screen_peer *p, const void *in)
{
	input_release(p->l->m);
	p->input = false;
}

static void on_want_text(struct screen_peer *p, const void *in)
{
	if (!p->text)
		p->text = calloc(1, sizeof(*p->text)); /* without memory it is given pictures */
}

static const struct {
	uint32_t type;
	size_t size;
	void (*fn)(struct screen_peer *p, const void *in); /* m->lock is held */
} receivers[] = {
    {SCREEN_REFRESH, sizeof(uint32_t), on_refresh},
    {SCREEN_CHANGES, sizeof(uint32_t), on_changes},
    {SCREEN_KEY, sizeof(struct screen_key), on_key},
    {SCREEN_POINTER, sizeof(struct screen_pointer), on_pointer},
    {SCREEN_RESIZE, sizeof(struct screen_size), on_resize},
    {SCREEN_RELEASE, sizeof(uint32_t), on_release},
    {SCREEN_WANT_TEXT, sizeof(uint32_t), on_want_text},
};

/* false: it makes no sense. */
static bool on_message(struct screen_peer *p, size_t n)
{
	uint32_t type;
	if (n < sizeof(type))
		return false;
	memcpy(&type, p->l->in, sizeof(type));
	if (type == SCREEN_VIEWERS)
		return p->process && link_clients(p->l, p->l->in + sizeof(type), n - sizeof(type));
	for (size_t i = 0; i < ARRAY_SIZE(receivers); i++)
		if (receivers[i].type == type && receivers[i].size == n) {
			pthread_mutex_lock(&p->l->m->lock);
			receivers[i].fn(p, p->l->in);
			pthread_mutex_unlock(&p->l->m->lock);
			return true;
		}
	return false;
}

static void peer_read(struct screen_peer *p)
{
	for (int i = 0; i < BATCH; i++) {
		size_t none = 0;
		ssize_t n = unixsock_recv(p->fd, p->l->in, sizeof(p->l->in), NULL, &none);
		if (n == -EAGAIN)
			return;
		if (n == 0 || (n < 0 && n != -EMSGSIZE)) {
			link_lost(p, NULL);
			return;
		}
		if (n < 0 || !on_message(p, (size_t)n)) {
			link_lost(p, "it says what makes no sense");
			return;
		}
	}
}

static void peer_ready(uv_poll_t *poll, int status, int events)
{
	struct screen_peer *p = poll->data;
	if (status < 0) {
		link_lost(p, NULL);
		return;
	}
	if (events & UV_READABLE)
		peer_read(p);
	if (events & UV_WRITABLE || __atomic_load_n(&p->pending, __ATOMIC_RELAXED))
		peer_flush(p);
}

/* --- life --- */

static void peer_freed(uv_handle_t *h)
{
	struct screen_peer *p = h->data;
	if (--p->handles)
		return;
	close(p->fd);
	free(p->text);
	free(p);
}

struct screen_peer *peer_new(struct screenlink *l, int fd, bool process)
{
	struct screen_peer *p = calloc(1, sizeof(*p));
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	if (!p || uv_poll_init(l->m->loop, &p->poll, fd)) {
		free(p);
		return NULL;
	}
	uv_timer_init(l->m->loop, &p->stall); /* these two cannot fail */
	uv_timer_init(l->m->loop, &p->look);
	p->poll.data = p->stall.data = p->look.data = p;
	p->l = l;
	p->fd = fd;
	p->process = process;
	p->client = (struct display_client){.changed = display_changed, .ctx = p};
	p->pace_ms = LOOK_INPUT_MS;
	p->looked_ms = now_ms() - LOOK_INPUT_MS;
	pthread_mutex_lock(&l->m->lock);
	display_client_add(display_of(l->m), &p->client);
	pthread_mutex_unlock(&l->m->lock);
	uv_poll_start(&p->poll, UV_READABLE, peer_ready);
	peer_want(p, GREETING | (process ? SEND_CONFIG : 0));
	return p;
}

void peer_end(struct screen_peer *p, bool kick)
{
	struct machine *m = p->l->m;
	if (kick)
		send_kick(p);
	p->ended = true;
	pthread_mutex_lock(&m->lock);
	display_client_remove(display_of(m), &p->client);
	if (p->input)
		input_release(m);
	pthread_mutex_unlock(&m->lock);
	p->handles = 3;
	uv_close((uv_handle_t *)&p->poll, peer_freed);
	uv_close((uv_handle_t *)&p->stall, peer_freed);
	uv_close((uv_handle_t *)&p->look, peer_freed);
}
