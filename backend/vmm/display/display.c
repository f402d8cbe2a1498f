#include "backend/vmm/display/display.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/vmm/machine.h"
#include "src/base/cleanup.h"

#define DEVICES_MAX 4

struct source {
	struct dev *dev;
	const struct display_ops *ops;
	struct surface surface;
	struct cursor cursor;
	unsigned order; /* of the surface among all that were set; 0 = none now */
};

struct display {
	struct source sources[DEVICES_MAX];
	unsigned nsources;
	struct source *shown; /* of those with a surface the one with the highest order; NULL = none has */
	struct display_client *clients;
	unsigned orders, generation;
};

struct display *display_of(struct machine *m)
{
	if (!m->display)
		m->display = calloc(1, sizeof(*m->display));
	return m->display;
}

void display_free(struct display *d)
{
	free(d);
}

/* --- damage --- */

static struct rect united(const struct rect *a, const struct rect *b)
{
	unsigned x = a->x < b->x ? a->x : b->x, y = a->y < b->y ? a->y : b->y;
	unsigned right = a->x + a->w > b->x + b->w ? a->x + a->w : b->x + b->w;
	unsigned bottom = a->y + a->h > b->y + b->h ? a->y + a->h : b->y + b->h;
	return (struct rect){x, y, right - x, bottom - y};
}

static unsigned area(const struct rect *r)
{
	return r->w * r->h;
}

/* Pixels that one rectangle in place of both would show in vain (or, where they overlap, save: negative). */
static int waste(const struct rect *a, const struct rect *b)
{
	struct rect u = united(a, b);
	return (int)area(&u) - (int)area(a) - (int)area(b);
}

/* The client's rectangle that @r joins at the least cost; its number of rectangles when there is none. */
static unsigned best_partner(const struct display_client *c, const struct rect *r, int *cost)
{
	unsigned best = c->nrects;
	for (unsigned i = 0; i < c->nrects; i++) {
		int w = waste(&c->rects[i], r);
		if (best == c->nrects || w < *cost) {
			best = i;
			*cost = w;
		}
	}
	return best;
}

/* Rectangles that touch without waste become one; when there are too many, those that waste the least do. */
static void client_damage(struct display_client *c, struct rect r)
{
	for (;;) {
		int cost = 0;
		unsigned i = best_partner(c, &r, &cost);
		if (i == c->nrects || (cost > 0 && c->nrects < DISPLAY_RECTS_MAX))
			break;
		r = united(&c->rects[i], &r); /* may now meet another */
		c->rects[i] = c->rects[--c->nrects];
	}
	c->rects[c->nrects++] = r;
}

static void all_damaged(struct display *d, struct display_client *c)
{
	c->nrects = 0;
	if (d->shown)
		client_damage(c, (struct rect){0, 0, d->shown->surface.width, d->shown->surface.height});
}

static void tell(struct display *d, unsigned what)
{
	for (struct display_client *c = d->clients, *next; c; c = next) {
		next = c->next;
		if (what & DISPLAY_SURFACE)
			all_damaged(d, c);
		if (c->changed)
			c->changed(c, what);
	}
}

/* --- the device's side --- */

static struct source *source_of(struct display *d, const struct dev *dev)
{
	for (unsigned i = 0; i < d->nsources; i++)
		if (d->sources[i].dev == dev)
			return &d->sources[i];
	return NULL;
}

static void choose(struct display *d)
{
	d->shown = NULL;
	for (unsigned i = 0; i < d->nsources; i++)
		if (d->sources[i].order && (!d->shown || d->sources[i].order > d->shown->order))
			d->shown = &d->sources[i];
	d->generation++;
	tell(d, DISPLAY_SURFACE | DISPLAY_CURSOR_SHAPE | DISPLAY_CURSOR_POS);
}

int display_attach(struct display *d, struct dev *dev, const struct display_ops *ops, struct err *e)
{
	if (d->nsources == DEVICES_MAX)
		return err_set(e, ENOSPC, "more than %d video devices", DEVICES_MAX);
	d->sources[d->nsources++] = (struct source){.dev = dev, .ops = ops};
	return 0;
}

void display_detach(struct display *d, struct dev *dev)
{
	struct source *s = d ? source_of(d, dev) : NULL;
	if (!s)
		return;
	unsigned i = (unsigned)(s - d->sources);
	memmove(s, s + 1, (--d->nsources - i) * sizeof(*s));
	choose(d);
}

void display_set_surface(struct display *d, struct dev *dev, const struct surface *surface)
{
	struct source *s = source_of(d, dev);
	if (!s || (!surface && !s->order))
		return;
	bool was_shown = d->shown == s;
	s->order = surface ? ++d->orders : 0;
	s->surface = surface ? *surface : (struct surface){.fd = -1};
	if (surface || was_shown)
		choose(d);
}

void display_damage(struct display *d, struct dev *dev, unsigned x, unsigned y, unsigned w, unsigned h)
{
	if (!d->shown || d->shown->dev != dev)
		return;
	const struct surface *s = &d->shown->surface;
	if (x >= s->width || y >= s->height || !w || !h)
		return;
	struct rect r = {x, y, w < s->width - x ? w : s->width - x, h < s->height - y ? h : s->height - y};
	for (struct display_client *c = d->clients; c; c = c->next)
		client_damage(c, r);
}

void display_set_cursor(struct display *d, struct dev *dev, const struct cursor *c)
{
	struct source *s = source_of(d, dev);
	if (!s)
		return;
	const struct cursor *old = &s->cursor;
	bool shape = old->defined != c->defined || old->visible != c->visible || old->w != c->w ||
		     old->h != c->h || old->hot_x != c->hot_x || old->hot_y != c->hot_y ||
		     memcmp(old->pixels, c->pixels, sizeof(c->pixels)) != 0;
	bool moved = old->x != c->x || old->y != c->y;
	s->cursor = *c;
	if (d->shown == s && (shape || moved))
		tell(d, (shape ? DISPLAY_CURSOR_SHAPE : 0) | (moved ? DISPLAY_CURSOR_POS : 0));
}

/* --- the lookers' side --- */

void display_client_add(struct display *d, struct display_client *c)
{
	c->next = d->clients;
	d->clients = c;
	all_damaged(d, c);
}

void display_client_remove(struct display *d, struct display_client *c)
{
	for (struct display_client **p = &d->clients; *p; p = &(*p)->next)
		if (*p == c) {
			*p = c->next;
			return;
		}
}

void display_refresh(struct display *d)
{
	if (d->shown && d->shown->ops->refresh)
		d->shown->ops->refresh(d->shown->dev);
}

unsigned display_take_damage(struct display *d, struct display_client *c, struct rect *out)
{
	unsigned n = c->nrects;
	memcpy(out, c->rects, n * sizeof(out[0]));
	c->nrects = 0;
	return n;
}

const struct surface *display_surface(const struct display *d)
{
	return d->shown ? &d->shown->surface : NULL;
}

unsigned display_generation(const struct display *d)
{
	return d->generation;
}

const struct cursor *display_cursor(const struct display *d)
{
	static const struct cursor none;
	return d->shown ? &d->shown->cursor : &none;
}

bool display_text(struct display *d, struct text_screen *t)
{
	return d->shown && d->shown->ops->text && d->shown->ops->text(d->shown->dev, t);
}

void display_wish(struct display *d, unsigned width, unsigned height)
{
	if (!width || !height || width > DISPLAY_WIDTH_MAX || height > DISPLAY_HEIGHT_MAX)
		return;
	for (unsigned i = 0; i < d->nsources; i++)
		if (d->sources[i].ops->wish)
			d->sources[i].ops->wish(d->sources[i].dev, width, height);
}

int display_copy(struct display *d, uint8_t **pixels, unsigned *width, unsigned *height, struct err *e)
{
	display_refresh(d);
	const struct surface *s = display_surface(d);
	if (!s)
		return err_set(e, ENODEV, "there is no picture: the guest has not set up its screen");
	size_t line = (size_t)s->width * 4;
	uint8_t *p = malloc(line * s->height);
	if (!p)
		return err_set(e, ENOMEM, "out of memory");
	for (unsigned y = 0; y < s->height; y++)
		memcpy(p + y * line, s->pixels + (size_t)y * s->stride, line);
	*pixels = p;
	*width = s->width;
	*height = s->height;
	return 0;
}

int display_png(struct display *d, struct buf *out, struct err *e)
{
	AUTO_FREE uint8_t *pixels = NULL;
	unsigned w = 0, h = 0;
	int rc = display_copy(d, &pixels, &w, &h, e);
	return rc ? rc : png_encode(pixels, w, h, out, e);
}
