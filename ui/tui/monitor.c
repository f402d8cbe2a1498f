#include "ui/tui/monitor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/cleanup.h"
#include "src/cmd/type.h"
#include "ui/tui/scale.h"
#include "ui/tui/screen_link.h"
#include "ui/tui/text_view.h"

#define RETRY_MS 1000 /* after one that could not be opened */

struct monitor {
	struct deck *deck;
	struct monitor *next; /* of the deck's */
	char uuid[UUID_TEXT];
	struct screen_link link;
	struct watch *watch;
	uv_timer_t *timer; /* until the next picture may be asked for */
	unsigned least_ms;
	int64_t asked_ms, tried_ms;
	int64_t started_ms; /* of the run that is looked at */
	bool hopeless;      /* it has no screen in this run */
	bool due;           /* to be asked when what there is was drawn */
	struct scaled scaled;
	bool stale; /* the scaled picture is to be computed from all of it */
	struct text_view text;
	struct keymap *layout; /* of the guest; NULL: a US one */
	uint32_t buttons;      /* that are down */
	int mouse_x, mouse_y;
	bool mouse_known;
	char trouble[256];
};

/* --- asking --- */

static void ask_now(uv_timer_t *t)
{
	struct monitor *s = t->data;
	s->asked_ms = (int64_t)uv_now(s->deck->loop);
	screen_link_ask(&s->link);
}

static void drawn(struct monitor *s)
{
	if (!s->due || s->link.fd < 0)
		return;
	s->due = false;
	int64_t since = (int64_t)uv_now(s->deck->loop) - s->asked_ms;
	if (since >= (int64_t)s->least_ms)
		ask_now(s->timer);
	else
		uv_timer_start(s->timer, ask_now, s->least_ms - (unsigned)since, 0);
}

void monitors_drawn(struct deck *d)
{
	for (struct monitor *s = d->monitors; s; s = s->next)
		drawn(s);
}

/* --- what comes --- */

static void look_away(struct monitor *s)
{
	watch_free(TAKE_PTR(s->watch));
	uv_timer_stop(s->timer);
	screen_link_close(&s->link);
	s->due = false;
	s->buttons = 0;
}

static struct picture picture_of(const struct monitor *s)
{
	return (struct picture){s->link.pixels, (int)s->link.width, (int)s->link.height, (int)s->link.width};
}

static void changed_rect(void *arg, int x, int y, int w, int h)
{
	struct monitor *s = arg;
	struct picture p = picture_of(s);
	if (s->scaled.from_w != p.width || s->scaled.from_h != p.height)
		s->stale = true;
	if (!s->stale)
		scaled_update(&s->scaled, &p, x, y, w, h);
}

static void ready(void *arg, int events)
{
	struct monitor *s = arg;
	struct err e = {0};
	bool had = s->link.asked;
	unsigned found = screen_link_read(&s->link, changed_rect, s, &e);
	if (found & LINK_SIZE) {
		s->stale = true;
		text_view_reset(&s->text);
	}
	s->due |= had && !s->link.asked;
	if (found)
		s->deck->redraw = true;
	if (found & LINK_ENDED) {
		look_away(s);
		s->deck->sample_soon = true;
		if (e.code != ENOTCONN)
			str_printable(e.msg, s->trouble, sizeof(s->trouble));
	}
}

static void take_layout(struct monitor *s)
{
	AUTO_FREE char *name = type_layout(s->deck->backend, s->uuid);
	keymap_free(s->layout);
	s->layout = name ? keymap_open(name, NULL) : NULL;
}

static void look(struct monitor *s, int64_t started_ms)
{
	struct backend *b = s->deck->backend;
	struct err e = {0};
	int fd = -1;
	s->tried_ms = s->deck->now_ms;
	s->started_ms = started_ms;
	int rc = b->ops->domain_screen_open(b, s->uuid, &fd, &e);
	s->hopeless = rc == -ENODEV;
	if (rc) {
		str_printable(e.msg, s->trouble, sizeof(s->trouble));
		return;
	}
	s->trouble[0] = 0;
	take_layout(s);
	screen_link_open(&s->link, fd);
	s->asked_ms = (int64_t)uv_now(s->deck->loop);
	s->watch = watch_new(s->deck->loop, fd, UV_READABLE, ready, s);
}

static void sync_with(struct monitor *s)
{
	const struct figure *g = snapshot_find(deck_snapshot(s->deck), s->uuid);
	bool active = g && g->d->state & DOMAIN_ACTIVE, another = g && g->d->started_ms != s->started_ms;
	if (!active) {
		look_away(s);
		s->started_ms = 0;
		s->trouble[0] = 0;
	} else if (s->link.fd < 0 &&
		   (another || (!s->hopeless && s->deck->now_ms - s->tried_ms >= RETRY_MS))) {
		look(s, g->d->started_ms);
	}
}

void monitors_update(struct deck *d)
{
	for (struct monitor *s = d->monitors; s; s = s->next)
		sync_with(s);
}

/* --- life --- */

struct monitor *monitor_new(struct deck *d, const char *uuid, unsigned least_ms)
{
	struct monitor *s = x_calloc(1, sizeof(*s));
	s->deck = d;
	snprintf(s->uuid, sizeof(s->uuid), "%s", uuid);
	s->least_ms = least_ms;
	s->link.fd = s->link.memory = -1;
	s->timer = x_calloc(1, sizeof(*s->timer));
	uv_timer_init(d->loop, s->timer);
	s->timer->data = s;
	text_view_reset(&s->text);
	s->next = d->monitors;
	d->monitors = s;
	sync_with(s);
	return s;
}

static void timer_closed(uv_handle_t *h)
{
	free(h);
}

void monitor_free(struct monitor *s)
{
	if (!s)
		return;
	for (struct monitor **p = &s->deck->monitors; *p; p = &(*p)->next)
		if (*p == s) {
			*p = s->next;
			break;
		}
	look_away(s);
	keymap_free(s->layout);
	uv_close((uv_handle_t *)s->timer, timer_closed);
	scaled_done(&s->scaled);
	free(s);
}

const char *monitor_uuid(const struct monitor *s)
{
	return s->uuid;
}

/* --- drawing --- */

bool monitor_shows(const struct monitor *s)
{
	return s->link.fd >= 0 && (s->link.text.cols || s->link.width);
}

char *monitor_what(const struct monitor *s, char *out, size_t size)
{
	const struct figure *g = snapshot_find(deck_snapshot(s->deck), s->uuid);
	if (*s->trouble)
		snprintf(out, size, "%s", s->trouble);
	else if (!g || !(g->d->state & DOMAIN_ACTIVE))
		snprintf(out, size, "guest is off");
	else if (s->link.text.cols)
		snprintf(out, size, "text %ux%u", s->link.text.cols, s->link.text.rows);
	else if (s->link.width)
		snprintf(out, size, "%ux%u", s->link.width, s->link.height);
	else
		snprintf(out, size, "nothing on the screen yet");
	return out;
}

/* A pointer that the guest draws apart from its picture: one cell of it, inverted. */
static void draw_pointer(const struct monitor *s, const struct area *a)
{
	const struct scaled *z = &s->scaled;
	if (z->changes || !s->link.cursor.shown || s->link.cursor.x < 0 || s->link.cursor.y < 0 ||
	    !z->from_w || !z->from_h || s->link.cursor.x >= z->from_w || s->link.cursor.y >= z->from_h)
		return;
	int col = z->left + (int)((int64_t)s->link.cursor.x * z->width / z->from_w);
	int half =
	    z->top + (int)((int64_t)s->link.cursor.y * z->height / z->from_h); /* where they are not images */
	struct cell *c = half / 2 < a->rows && col < a->cols
			     ? canvas_cell(a->canvas, a->row + half / 2, a->col + col)
			     : NULL;
	if (c && c->style.attrs & CELL_PICTURE && !(c->style.attrs & CELL_IMAGE))
		*(half & 1 ? &c->style.bg : &c->style.fg) ^= 0xffffff;
}

static void draw_picture(struct monitor *s, const struct area *a, bool images)
{
	struct picture p = picture_of(s);
	const struct deck *d = s->deck;
	if (images && d->images)
		s->stale |=
		    scaled_fit_image(&s->scaled, p.width, p.height, a->cols, a->rows, d->cell_w, d->cell_h);
	else
		s->stale |= scaled_fit(&s->scaled, p.width, p.height, a->cols, a->rows, d->cell_aspect);
	if (s->stale)
		scaled_update(&s->scaled, &p, 0, 0, p.width, p.height);
	s->stale = false;
	scaled_draw(&s->scaled, a);
	draw_pointer(s, a);
}

void monitor_draw(struct monitor *s, const struct area *a, bool focus, bool images)
{
	char what[256];
	area_fill(a, 0, 0, a->rows, a->cols, theme(ROLE_NORMAL));
	if (s->link.fd >= 0 && s->link.text.cols)
		text_view_draw(&s->text, &s->link.text, s->link.cells, a, focus);
	else if (s->link.fd >= 0 && s->link.width)
		draw_picture(s, a, images);
	else
		text_wrap(a, 1, 2, a->cols - 4, theme(*s->trouble ? ROLE_WARNING : ROLE_DIM),
			  monitor_what(s, what, sizeof(what)));
}

/* --- what goes in --- */

void monitor_stroke(struct monitor *s, const struct stroke *k)
{
	for (unsigned i = 0; i < k->n; i++)
		screen_link_key(&s->link, k->codes[i], true);
	for (unsigned i = k->n; i-- > 0;)
		screen_link_key(&s->link, k->codes[i], false);
}

static void copy_selection(struct monitor *s)
{
	AUTO_FREE char *text = text_view_selected(&s->text, &s->link.text, s->link.cells);
	if (!*text)
		deck_say(s->deck, ROLE_WARNING, "there is nothing but blanks in what was selected");
	deck_copy(s->deck, text, strlen(text));
}

bool monitor_select(struct monitor *s)
{
	if (s->link.fd < 0 || !s->link.text.cols)
		return false;
	text_view_begin(&s->text, &s->link.text);
	return true;
}

void monitor_key(struct monitor *s, struct key k)
{
	if (s->text.selecting) {
		if (text_view_key(&s->text, &s->link.text, k) == TEXT_VIEW_COPY) {
			copy_selection(s);
			text_view_reset(&s->text);
		}
		return;
	}
	struct stroke strokes[KEYMAP_STROKES_MAX];
	unsigned n = strokes_of(s->layout, k, strokes);
	char name[KEY_NAME_MAX];
	if (s->link.fd < 0)
		deck_say(s->deck, ROLE_WARNING, "nobody is there to type to: Ctrl+] leaves the page");
	else if (!n)
		deck_say(s->deck, ROLE_WARNING, "the guest's keyboard has no key for '%s'",
			 key_text(k, name));
	for (unsigned i = 0; i < n; i++)
		monitor_stroke(s, &strokes[i]);
}

void monitor_release(struct monitor *s)
{
	s->buttons = 0;
	screen_link_release(&s->link);
}

static uint32_t button_bit(enum vt_button b)
{
	return b == VT_BUTTON_LEFT ? 1 : b == VT_BUTTON_MIDDLE ? 2 : b == VT_BUTTON_RIGHT ? 4 : 0;
}

static void mouse_picture(struct monitor *s, const struct vt_mouse *m, int row, int col)
{
	struct screen_pointer p = {.absolute = s->link.absolute};
	int x, y;
	bool inside = scaled_at(&s->scaled, row, col, &x, &y);
	if (!inside && !s->buttons)
		return;
	if (m->action == VT_MOUSE_PRESS && m->button == VT_BUTTON_WHEEL_UP)
		p.wheel = 1;
	else if (m->action == VT_MOUSE_PRESS && m->button == VT_BUTTON_WHEEL_DOWN)
		p.wheel = -1;
	else if (m->action == VT_MOUSE_PRESS)
		s->buttons |= button_bit(m->button);
	else if (m->action == VT_MOUSE_RELEASE)
		s->buttons &= ~button_bit(m->button);
	p.buttons = s->buttons;
	p.x = s->link.absolute ? x : s->mouse_known ? x - s->mouse_x : 0;
	p.y = s->link.absolute ? y : s->mouse_known ? y - s->mouse_y : 0;
	s->mouse_x = x;
	s->mouse_y = y;
	s->mouse_known = true;
	screen_link_pointer(&s->link, &p);
}

void monitor_mouse(struct monitor *s, const struct vt_mouse *m, const struct area *a)
{
	int row = m->row - a->row, col = m->col - a->col;
	if (s->link.fd < 0)
		return;
	if (!s->link.text.cols)
		mouse_picture(s, m, row, col);
	else if (text_view_mouse(&s->text, &s->link.text, m, row, col) == TEXT_VIEW_COPY)
		copy_selection(s);
}
