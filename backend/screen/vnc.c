#include "backend/screen/vnc.h"

#include <endian.h>
#include <linux/input-event-codes.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rfb/rfb.h>
#include <rfb/rfbregion.h>

#include "backend/screen/keys.h"
#include "backend/screen/vnc_text.h"
#include "src/base/cleanup.h"
#include "src/base/log.h"
#include "src/base/str.h"

/* Pseudo-encodings and messages of QEMU (RFB community specification, 7.7 and 7.8) */
enum { ENC_POINTER_MOTION = -257, ENC_EXT_KEY = -258, ENC_LED = -261 };
enum { EXT_KEYS = 1, EXT_POINTER = 2, EXT_LEDS = 4 };
#define RELATIVE_ZERO 0x7fff
#define RESIZE_FORWARDED 4 /* ExtendedDesktopSize: it may come, later */
#define BLANK_WIDTH 640
#define BLANK_HEIGHT 480
#define RECTS_MAX 500 /* more in one update become their bounding box */
#define CURSOR_BYTES (SCREEN_CURSOR_MAX * SCREEN_CURSOR_MAX / 8)
#define CLIPBOARD_MAX (1u << 20)

/* A viewer. Lives from vnc_add() until its last thread calls gone(); in the list it holds its client alive.
 */
struct client {
	struct vnc *v;
	struct client *next;
	unsigned id;
	rfbClientPtr cl;
	int width, height; /* the size it came to, which is all that one sees that knows of no other */
	atomic_uint enabled, pending; /* EXT_* that it takes, and that it has to be told */
	/* its input thread's: */
	struct keys keys;
	int mask; /* RFB's buttons */
};

struct shape {
	rfbCursor rfb;
	uint32_t pixels[SCREEN_CURSOR_MAX * SCREEN_CURSOR_MAX];
	uint8_t source[CURSOR_BYTES], mask[CURSOR_BYTES];
};

struct vnc {
	struct vnc_ops ops;
	void *ctx;
	rfbScreenInfoPtr screen;
	char name[128];
	uint32_t *blank;
	pthread_mutex_t lock; /* the list; held by gone(), so who has it may use the clients in it */
	struct client *clients;
	sraRegionPtr changed; /* not told yet; NULL: nothing */
	struct shape shapes[2]; /* the one that is shown, and the next */
	unsigned shape;
	atomic_uint leds, absolute;
};

static struct client *client_of(rfbClientPtr cl)
{
	return cl->clientData;
}

/* --- our own messages to a viewer --- */

static void put_rect(uint8_t *p, int x, int w, int h, int32_t encoding)
{
	const uint16_t head[4] = {htobe16((uint16_t)x), 0, htobe16((uint16_t)w), htobe16((uint16_t)h)};
	const uint32_t enc = htobe32((uint32_t)encoding);
	memcpy(p, head, 8);
	memcpy(p + 8, &enc, 4);
}

/* What it has to be told of QEMU's extensions: updates of one rectangle. Its sendMutex is held. */
static void send_pending(struct client *c)
{
	static const struct {
		unsigned bit;
		int32_t encoding;
	} kinds[] = {{EXT_KEYS, ENC_EXT_KEY}, {EXT_POINTER, ENC_POINTER_MOTION}, {EXT_LEDS, ENC_LED}};
	unsigned todo = atomic_exchange(&c->pending, 0);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		uint8_t m[4 + 12 + 1] = {rfbFramebufferUpdate, 0, 0, 1};
		bool led = kinds[i].bit == EXT_LEDS;
		bool flag = kinds[i].bit == EXT_POINTER && atomic_load(&c->v->absolute);
		if (!(todo & kinds[i].bit))
			continue;
		/* as small as it may be: with @flag in its place a whole screen ends outside the screen, which viewers refuse */
		put_rect(m + 4, flag, led, led, kinds[i].encoding);
		m[16] = (uint8_t)atomic_load(&c->v->leds);
		rfbWriteExact(c->cl, (const char *)m, led ? 17 : 16);
	}
}

/* The same from the main thread: only if it need not wait for it. */
static void try_pending(struct client *c)
{
	struct pollfd p = {.fd = c->cl->sock, .events = POLLOUT};
	if (!atomic_load(&c->pending) || c->cl->enableSupportedMessages || c->cl->state != RFB_NORMAL ||
	    pthread_mutex_trylock(&c->cl->sendMutex))
		return;
	if (poll(&p, 1, 0) == 1 && (p.revents & POLLOUT))
		send_pending(c);
	pthread_mutex_unlock(&c->cl->sendMutex);
}

/* --- on the clients' threads --- */

static void emit_key(void *ctx, unsigned code, bool down)
{
	struct client *c = ctx;
	c->v->ops.key(c->v->ctx, code, down);
}

static bool caps(const struct client *c)
{
	return atomic_load(&c->v->leds) & 4;
}

static void on_key(rfbBool down, rfbKeySym sym, rfbClientPtr cl)
{
	struct client *c = client_of(cl);
	keys_sym(&c->keys, sym, down, caps(c), emit_key, c);
	c->v->ops.wanted(c->v->ctx, true);
}

/* RFB's buttons (RFC 6143, 7.5.5; 4 to 7 are the wheels) as ours. */
static void on_pointer(int mask, int x, int y, rfbClientPtr cl)
{
	struct client *c = client_of(cl);
	int pressed = mask & ~c->mask;
	struct screen_pointer p = {.type = SCREEN_POINTER, .absolute = 1, .x = x, .y = y};
	if (!atomic_load(&c->v->absolute) && (atomic_load(&c->enabled) & EXT_POINTER)) {
		p.absolute = 0;
		p.x = x - RELATIVE_ZERO;
		p.y = y - RELATIVE_ZERO;
	}
	p.buttons = (uint32_t)(mask & 7) | (mask & 0x80 ? 8 : 0);
	p.wheel = !!(pressed & 0x08) - !!(pressed & 0x10);
	p.hwheel = !!(pressed & 0x40) - !!(pressed & 0x20);
	c->mask = mask;
	c->v->ops.pointer(c->v->ctx, &p);
	c->v->ops.wanted(c->v->ctx, true);
}

static void on_request(rfbClientPtr cl, rfbFramebufferUpdateRequestMsg *msg)
{
	struct client *c = client_of(cl);
	cl->screen->pointerClient =
	    NULL; /* no viewer keeps the pointer from the others by holding a button */
	c->v->ops.wanted(c->v->ctx, false);
}

/* An update was sent; sendMutex is held. What is enabled before SupportedMessages has gone out makes
 * libvncclient forget. */
static void on_sent(rfbClientPtr cl, int result)
{
	struct client *c = client_of(cl);
	if (result && !cl->enableSupportedMessages)
		send_pending(c);
}

static int on_resize(int width, int height, int screens, rfbExtDesktopScreen *layout, rfbClientPtr cl)
{
	struct client *c = client_of(cl);
	if (cl->viewOnly)
		return rfbExtDesktopSize_ResizeProhibited;
	if (width < 1 || height < 1 || screens != 1)
		return rfbExtDesktopSize_InvalidScreenLayout;
	c->v->ops.resize(c->v->ctx, (unsigned)width, (unsigned)height);
	return RESIZE_FORWARDED;
}

static void on_clipboard(char *text, int len, rfbClientPtr cl)
{
	struct client *c = client_of(cl);
	if (!cl->viewOnly && len >= 0)
		c->v->ops.clipboard(c->v->ctx, c->id, text, (size_t)len, false);
}

static void on_clipboard_utf8(char *text, int len, rfbClientPtr cl)
{
	struct client *c = client_of(cl);
	if (!cl->viewOnly && len >= 0)
		c->v->ops.clipboard(c->v->ctx, c->id, text, strnlen(text, (size_t)len), true);
}

/* Another format while an update is encoded would change buffers under it. */
static rfbBool on_format(rfbClientPtr cl)
{
	pthread_mutex_lock(&cl->sendMutex);
	rfbBool ok = rfbSetTranslateFunction(cl);
	pthread_mutex_unlock(&cl->sendMutex);
	return ok;
}

static rfbCursorPtr on_cursor(rfbClientPtr cl)
{
	struct vnc *v = client_of(cl)->v;
	rfbCursorPtr c = &v->shapes[v->shape].rfb;
	return c->width ? c : NULL;
}

static void gone(rfbClientPtr cl)
{
	struct client *c = client_of(cl);
	struct vnc *v = c->v;
	pthread_mutex_lock(&v->lock);
	for (struct client **p = &v->clients; *p; p = &(*p)->next)
		if (*p == c) {
			*p = c->next;
			break;
		}
	pthread_mutex_unlock(&v->lock);
	if (keys_any(&c->keys) || c->mask)
		v->ops.release(v->ctx);
	free(c);
	pthread_detach(pthread_self()); /* nobody joins it */
}

static rfbBool enable(rfbClientPtr cl, void **data, int encoding)
{
	struct client *c = client_of(cl);
	unsigned bit = encoding == ENC_EXT_KEY          ? EXT_KEYS
		       : encoding == ENC_POINTER_MOTION ? EXT_POINTER
		       : encoding == ENC_LED            ? EXT_LEDS
							: 0;
	if (!c || !bit)
		return FALSE;
	atomic_fetch_or(&c->enabled, bit);
	atomic_fetch_or(&c->pending, bit);
	return TRUE;
}

/* QEMU's client message, of which only the extended key event is understood. */
static rfbBool message(rfbClientPtr cl, void *data, const rfbClientToServerMsg *m)
{
	struct client *c = client_of(cl);
	uint8_t p[11];
	uint32_t sym, xt;
	if (m->type != rfbQemuEvent)
		return FALSE;
	if (rfbReadExact(cl, (char *)p, 1) <= 0 || p[0] != 0 || rfbReadExact(cl, (char *)p + 1, 10) <= 0) {
		rfbCloseClient(cl);
		return TRUE;
	}
	memcpy(&sym, p + 3, 4);
	memcpy(&xt, p + 7, 4);
	if (cl->viewOnly)
		return TRUE;
	keys_xt(&c->keys, be32toh(xt), be32toh(sym), p[1] || p[2], caps(c), emit_key, c);
	c->v->ops.wanted(c->v->ctx, true);
	return TRUE;
}

static int encodings[] = {ENC_POINTER_MOTION, ENC_EXT_KEY, ENC_LED, 0};
static rfbProtocolExtension extension = {
    .pseudoEncodings = encodings, .enablePseudoEncoding = enable, .handleMessage = message};

static void __attribute__((format(printf, 1, 2))) to_trace(const char *fmt, ...)
{
	char line[512];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	line[strcspn(line, "\n")] = 0;
	log_debug("vnc", "%s", line);
}

/* --- the main thread's --- */

struct vnc *vnc_new(const struct vnc_ops *ops, void *ctx)
{
	struct vnc *v = x_calloc(1, sizeof(*v));
	v->ops = *ops;
	v->ctx = ctx;
	pthread_mutex_init(&v->lock, NULL);
	rfbLog = rfbErr = to_trace;
	rfbRegisterProtocolExtension(&extension);
	rfbScreenInfoPtr s = v->screen = rfbGetScreen(NULL, NULL, BLANK_WIDTH, BLANK_HEIGHT, 8, 3, 4);
	if (!s)
		abort();
	v->blank = x_calloc((size_t)BLANK_WIDTH * BLANK_HEIGHT, 4);
	s->frameBuffer = (char *)v->blank;
	s->serverFormat.redShift = 16;
	s->serverFormat.greenShift = 8;
	s->serverFormat.blueShift = 0;
	s->serverFormat.depth = s->depth = 24;
	s->screenData = v;
	s->desktopName = v->name;
	s->alwaysShared = TRUE;   /* the relay has asked already */
	s->backgroundLoop = TRUE; /* threads for each client; the library's listener is never started */
	s->cursor = NULL;         /* never drawn into the picture */
	s->deferUpdateTime = 1;
	s->maxRectsPerUpdate = RECTS_MAX;
	s->permitFileTransfer = FALSE;
	s->kbdAddEvent = on_key;
	s->ptrAddEvent = on_pointer;
	s->setXCutText = on_clipboard;
	s->setXCutTextUTF8 = on_clipboard_utf8;
	s->setDesktopSizeHook = on_resize;
	s->setTranslateFunction = on_format;
	s->getCursorPtr = on_cursor;
	s->displayFinishedHook = on_sent;
	vnc_set_cursor(v, &(struct screen_cursor){0});
	return v;
}

void vnc_set_name(struct vnc *v, const char *name)
{
	snprintf(v->name, sizeof(v->name), "%s", name);
}

void vnc_add(struct vnc *v, unsigned id, int fd, bool view_only)
{
	rfbClientPtr cl = rfbNewClient(v->screen, fd);
	if (!cl)
		return; /* it has gone already; the library has closed fd */
	struct client *c = x_calloc(1, sizeof(*c));
	c->v = v;
	c->id = id;
	c->cl = cl;
	c->width = v->screen->width;
	c->height = v->screen->height;
	cl->clientData = c;
	cl->viewOnly = view_only;
	cl->clientGoneHook = gone;
	cl->clientFramebufferUpdateRequestHook = on_request;
	pthread_mutex_lock(&v->lock);
	c->next = v->clients;
	v->clients = c;
	pthread_mutex_unlock(&v->lock);
	rfbStartOnHoldClient(cl);
}

/* What changes outside of its picture a viewer never asks for: the library would try for ever to send it.
 * updateMutex is held. */
static void trim(struct client *c)
{
	if (c->cl->useNewFBSize || c->cl->screen != c->cl->scaledScreen)
		return;
	sraRegionPtr seen = sraRgnCreateRect(0, 0, c->width, c->height);
	sraRgnAnd(c->cl->modifiedRegion, seen);
	sraRgnDestroy(seen);
}

bool vnc_waiting(struct vnc *v)
{
	bool any = false;
	pthread_mutex_lock(&v->lock);
	for (struct client *c = v->clients; c; c = c->next) {
		try_pending(c);
		pthread_mutex_lock(&c->cl->updateMutex);
		trim(c);
		any |= c->cl->state == RFB_NORMAL && !sraRgnEmpty(c->cl->requestedRegion);
		pthread_mutex_unlock(&c->cl->updateMutex);
	}
	pthread_mutex_unlock(&v->lock);
	return any;
}

void vnc_describe(struct vnc *v, unsigned id, json_t *viewer)
{
	static const struct {
		int number;
		const char *name;
	} names[] = {
	    {rfbEncodingRaw, "raw"},         {rfbEncodingRRE, "rre"},   {rfbEncodingCoRRE, "corre"},
	    {rfbEncodingHextile, "hextile"}, {rfbEncodingZlib, "zlib"}, {rfbEncodingTight, "tight"},
	    {rfbEncodingUltra, "ultra"},     {rfbEncodingZRLE, "zrle"}, {rfbEncodingZYWRLE, "zywrle"}};
	pthread_mutex_lock(&v->lock);
	for (struct client *c = v->clients; c; c = c->next)
		for (size_t i = 0; c->id == id && i < ARRAY_SIZE(names); i++)
			if (names[i].number == c->cl->preferredEncoding)
				json_set_str(viewer, "encoding", names[i].name);
	pthread_mutex_unlock(&v->lock);
}

/* With this no client is encoding or sending. */
static void hold_all(struct vnc *v)
{
	v->ops.drain(v->ctx, true);
	pthread_mutex_lock(&v->lock);
	for (struct client *c = v->clients; c; c = c->next)
		pthread_mutex_lock(&c->cl->sendMutex);
}

static void let_go(struct vnc *v)
{
	for (struct client *c = v->clients; c; c = c->next)
		pthread_mutex_unlock(&c->cl->sendMutex);
	pthread_mutex_unlock(&v->lock);
	v->ops.drain(v->ctx, false);
}

/* What rfbNewFramebuffer() does, but for the pixel format, which that resets for a moment. */
void vnc_set_picture(struct vnc *v, uint32_t *pixels, unsigned width, unsigned height)
{
	rfbScreenInfoPtr s = v->screen;
	hold_all(v);
	bool resized = (unsigned)s->width != width || (unsigned)s->height != height;
	s->frameBuffer = (char *)pixels;
	s->width = (int)width;
	s->height = (int)height;
	s->paddedWidthInBytes = (int)width * 4;
	for (struct client *c = v->clients; c; c = c->next) {
		rfbClientPtr cl = c->cl;
		if (resized && cl->scaledScreen != s)
			rfbCloseClient(cl); /* its scaled copy has the old size */
		pthread_mutex_lock(&cl->updateMutex);
		sraRgnDestroy(cl->modifiedRegion);
		cl->modifiedRegion = sraRgnCreateRect(0, 0, (int)width, (int)height);
		sraRgnMakeEmpty(cl->copyRegion);
		if (resized && cl->useNewFBSize)
			cl->newFBSizePending = TRUE;
		pthread_cond_signal(&cl->updateCond);
		pthread_mutex_unlock(&cl->updateMutex);
	}
	let_go(v);
	free(v->blank);
	v->blank = NULL;
}

void vnc_changed(struct vnc *v, const struct screen_rect *r)
{
	sraRegionPtr one = sraRgnCreateRect(r->x, r->y, r->x + r->w, r->y + r->h);
	if (!v->changed)
		v->changed = sraRgnCreate();
	sraRgnOr(v->changed, one);
	sraRgnDestroy(one);
}

void vnc_flush(struct vnc *v)
{
	if (!v->changed)
		return;
	rfbMarkRegionAsModified(v->screen, v->changed);
	sraRgnDestroy(v->changed);
	v->changed = NULL;
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
	hold_all(v);
	v->shape = !v->shape;
	for (struct client *k = v->clients; k; k = k->next) {
		k->cl->cursorWasChanged = TRUE;
		pthread_mutex_lock(&k->cl->updateMutex);
		pthread_cond_signal(&k->cl->updateCond);
		pthread_mutex_unlock(&k->cl->updateMutex);
	}
	let_go(v);
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

void vnc_set_state(struct vnc *v, unsigned leds, bool absolute)
{
	unsigned changed = atomic_exchange(&v->leds, leds) != leds ? EXT_LEDS : 0;
	changed |= atomic_exchange(&v->absolute, absolute) != absolute ? EXT_POINTER : 0;
	pthread_mutex_lock(&v->lock);
	for (struct client *c = v->clients; c; c = c->next) {
		atomic_fetch_or(&c->pending, changed & atomic_load(&c->enabled));
		try_pending(c);
	}
	pthread_mutex_unlock(&v->lock);
}

/* One viewer's clipboard; its sendMutex is held. */
static void give_text(rfbClientPtr cl, const struct buf *latin1, const struct buf *utf8)
{
	struct buf AUTO_BUF m = {0};
	if (cl->enableExtendedClipboard) {
		char *copy = malloc(utf8->len + 1); /* the library's: what it answers a request with */
		if (!copy)
			return;
		memcpy(copy, buf_text(utf8), utf8->len + 1);
		free(cl->extClipboardData);
		cl->extClipboardData = copy;
		cl->extClipboardDataSize = (int)utf8->len + 1;
		if ((cl->extClipboardUserCap & rfbExtendedClipboard_Provide) &&
		    utf8->len < cl->extClipboardMaxUnsolicitedSize)
			vnc_text_provide(&m, utf8);
		else if (cl->extClipboardUserCap & rfbExtendedClipboard_Notify)
			vnc_text_notify(&m);
	} else {
		vnc_text_plain(&m, latin1);
	}
	if (m.len)
		rfbWriteExact(cl, m.s, (int)m.len);
}

void vnc_clipboard(struct vnc *v, unsigned from, const char *text, size_t len, bool utf8)
{
	struct buf AUTO_BUF l = {0}, AUTO_BUF u = {0};
	if (len > CLIPBOARD_MAX)
		return;
	buf_add(utf8 ? &u : &l, text, len);
	if (utf8)
		vnc_text_to_latin1(&l, text, len);
	else
		vnc_text_to_utf8(&u, text, len);
	hold_all(v);
	for (struct client *c = v->clients; c; c = c->next)
		if (c->id != from && c->cl->state == RFB_NORMAL && c->cl->sock >= 0)
			give_text(c->cl, &l, &u);
	let_go(v);
}

void vnc_clipboard_answer(struct vnc *v, unsigned id, bool peek)
{
	struct buf AUTO_BUF m = {0}, AUTO_BUF text = {0};
	hold_all(v);
	for (struct client *c = v->clients; c; c = c->next) {
		if (c->id != id || !c->cl->extClipboardData || c->cl->extClipboardDataSize < 1)
			continue;
		buf_add(&text, c->cl->extClipboardData, (size_t)c->cl->extClipboardDataSize - 1);
		if (peek)
			vnc_text_notify(&m);
		else
			vnc_text_provide(&m, &text);
		rfbWriteExact(c->cl, m.s, (int)m.len);
	}
	let_go(v);
}

void vnc_encrypt(uint8_t challenge[16], const char *passwd)
{
	char copy[9];
	snprintf(copy, sizeof(copy), "%s", passwd);
	rfbEncryptBytes(challenge, copy);
}
