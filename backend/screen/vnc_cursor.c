/* The pointer's shape and place, as viewers that draw it themselves are told. It is never drawn into the
 * picture. */
#include <string.h>

#include "backend/screen/vnc_client.h"

rfbCursorPtr vnc_cursor(rfbClientPtr cl)
{
	struct vnc *v = client_of(cl)->v;
	rfbCursorPtr c = &v->shapes[v->shape].rfb;
	return c->width ? c : NULL;
}

static bool set_bit(uint8_t *bits, unsigned w, unsigned x, unsigned y)
{
	bits[y * ((w + 7) / 8) + x / 8] |= (uint8_t)(0x80 >> x % 8);
	return true;
}

static void draw_shape(struct shape *s, const struct screen_cursor *c)
{
	unsigned w = c->w <= SCREEN_CURSOR_MAX ? c->w : SCREEN_CURSOR_MAX;
	unsigned h = c->h <= SCREEN_CURSOR_MAX ? c->h : SCREEN_CURSOR_MAX;
	bool any = false;
	for (unsigned y = 0; y < h; y++)
		for (unsigned x = 0; x < w; x++) {
			uint32_t p = c->pixels[y * c->w + x];
			s->pixels[y * w + x] = p & 0xffffff;
			if (p >> 24 >= 0x80)
				any = set_bit(s->mask, w, x, y);
			if ((p >> 16 & 0xff) + (p >> 8 & 0xff) * 2 + (p & 0xff) >= 0x200)
				set_bit(s->source, w, x, y);
		}
	if (!any || !c->visible)
		return; /* nothing is shown */
	s->rfb.width = (unsigned short)w;
	s->rfb.height = (unsigned short)h;
	s->rfb.xhot = (unsigned short)(c->hot_x < w ? c->hot_x : w - 1);
	s->rfb.yhot = (unsigned short)(c->hot_y < h ? c->hot_y : h - 1);
}

/* Where the guest draws its own pointer into the picture, the viewer's is a dot. */
static void draw_dot(struct screen_cursor *c)
{
	*c = (struct screen_cursor){.defined = 1, .visible = 1, .w = 5, .h = 5, .hot_x = 2, .hot_y = 2};
	for (unsigned i = 0; i < 25; i++) {
		unsigned x = i % 5, y = i / 5;
		bool edge = x == 0 || x == 4 || y == 0 || y == 4,
		     corner = (x == 0 || x == 4) && (y == 0 || y == 4);
		c->pixels[i] = corner ? 0 : edge ? 0xffffffff : 0xff000000;
	}
}

void vnc_set_cursor(struct vnc *v, const struct screen_cursor *c)
{
	struct screen_cursor dot;
	struct shape *s = &v->shapes[!v->shape];
	memset(s, 0, sizeof(*s));
	s->rfb.source = s->source;
	s->rfb.mask = s->mask;
	s->rfb.richSource = (unsigned char *)s->pixels;
	s->rfb.foreRed = s->rfb.foreGreen = s->rfb.foreBlue = 0xffff;
	if (!c->defined) {
		draw_dot(&dot);
		c = &dot;
	}
	draw_shape(s, c);
	vnc_hold_all(v);
	v->shape = !v->shape;
	for (struct client *k = v->clients; k; k = k->next) {
		k->cl->cursorWasChanged = TRUE;
		pthread_mutex_lock(&k->cl->updateMutex);
		pthread_cond_signal(&k->cl->updateCond);
		pthread_mutex_unlock(&k->cl->updateMutex);
	}
	vnc_let_go(v);
}

void vnc_set_cursor_pos(struct vnc *v, int x, int y)
{
	v->screen->cursorX = x;
	v->screen->cursorY = y;
	pthread_mutex_lock(&v->lock);
	for (struct client *c = v->clients; c; c = c->next) {
		pthread_mutex_lock(&c->cl->updateMutex);
		/* who draws no shape has nothing to move; the library would send it empty updates */
		c->cl->cursorX = x;
		c->cl->cursorY = y;
		c->cl->cursorWasMoved = c->cl->enableCursorPosUpdates;
		pthread_cond_signal(&c->cl->updateCond);
		pthread_mutex_unlock(&c->cl->updateMutex);
	}
	pthread_mutex_unlock(&v->lock);
}
