#include "backend/screen/vnc.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/screen/vnc_client.h"
#include "src/base/cleanup.h"
#include "src/base/log.h"
#include "src/base/str.h"

#define RELATIVE_ZERO 0x7fff /* of QEMU's movement */
#define RESIZE_FORWARDED 4   /* ExtendedDesktopSize: it may come, later */
#define BLANK_WIDTH 640
#define BLANK_HEIGHT 480
#define RECTS_MAX 500 /* more in one update become their bounding box */
#define LITTLE 4096   /* pixels */

/* --- on the clients' threads --- */

static void on_key(rfbBool down, rfbKeySym sym, rfbClientPtr cl)
{
	struct client *c = client_of(cl);
	vnc_ext_heard(c, false);
	keys_sym(&c->keys, sym, down, vnc_ext_caps(c), vnc_ext_key, c);
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
	vnc_ext_heard(c, false);
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
	vnc_ext_heard(c, false);
	/* No viewer keeps the pointer from the others by holding a button. All threads write this. */
	__atomic_store_n(&cl->screen->pointerClient, NULL, __ATOMIC_RELAXED);
	c->v->ops.wanted(c->v->ctx, false);
}

static void on_send(rfbClientPtr cl)
{
	vnc_torn_begin(client_of(cl));
}

/* An update was sent; sendMutex is held. What is enabled before SupportedMessages has gone out makes
 * libvncclient forget. */
static void on_sent(rfbClientPtr cl, int result)
{
	struct client *c = client_of(cl);
	vnc_torn_end(c);
	if (!result)
		return;
	if (!cl->enableSupportedMessages)
		vnc_ext_tell(c);
	vnc_ext_sent(c);
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
	vnc_ext_heard(client_of(cl), true);
	pthread_mutex_unlock(&cl->sendMutex);
	return ok;
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
	sraRgnDestroy(c->lately);
	free(c);
	pthread_detach(pthread_self()); /* nobody joins it */
}

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
	v->main = pthread_self();
	pthread_mutex_init(&v->lock, NULL);
	rfbLog = rfbErr = to_trace;
	vnc_ext_register();
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
	s->deferUpdateTime = 0;   /* what changed together is told together; see vnc_flush() */
	s->maxRectsPerUpdate = RECTS_MAX;
	s->permitFileTransfer = FALSE;
	s->kbdAddEvent = on_key;
	s->ptrAddEvent = on_pointer;
	s->setXCutText = on_clipboard;
	s->setXCutTextUTF8 = on_clipboard_utf8;
	s->setDesktopSizeHook = on_resize;
	s->setTranslateFunction = on_format;
	s->getCursorPtr = vnc_cursor;
	s->displayHook = on_send;
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
	c->lately = sraRgnCreate();
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
		vnc_ext_try_tell(c);
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

void vnc_hold_all(struct vnc *v)
{
	v->ops.drain(v->ctx, true);
	pthread_mutex_lock(&v->lock);
	for (struct client *c = v->clients; c; c = c->next)
		pthread_mutex_lock(&c->cl->sendMutex);
}

void vnc_let_go(struct vnc *v)
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
	vnc_hold_all(v);
	bool resized = (unsigned)s->width != width || (unsigned)s->height != height;
	for (struct client *c = v->clients; c; c = c->next) {
		if (resized && c->cl->scaledScreen != s)
			rfbCloseClient(c->cl); /* its scaled copy has the old size */
		pthread_mutex_lock(&c->cl->updateMutex); /* input threads look at the size */
	}
	s->frameBuffer = (char *)pixels;
	s->width = (int)width;
	s->height = (int)height;
	s->paddedWidthInBytes = (int)width * 4;
	for (struct client *c = v->clients; c; c = c->next) {
		rfbClientPtr cl = c->cl;
		sraRgnDestroy(cl->modifiedRegion);
		cl->modifiedRegion = sraRgnCreateRect(0, 0, (int)width, (int)height);
		sraRgnMakeEmpty(cl->copyRegion);
		if (resized && cl->useNewFBSize)
			cl->newFBSizePending = TRUE;
		pthread_cond_signal(&cl->updateCond);
		pthread_mutex_unlock(&cl->updateMutex);
	}
	vnc_let_go(v);
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

/* Is it little enough to be sent at once, by whoever comes? */
static bool little(const sraRegionPtr r)
{
	sraRect one;
	long pixels = 0;
	sraRectangleIterator *i = sraRgnGetIterator(r);
	while (sraRgnIteratorNext(i, &one))
		pixels += (long)(one.x2 - one.x1) * (one.y2 - one.y1);
	sraRgnReleaseIterator(i);
	return pixels <= LITTLE;
}

/* May an update be sent from here, without waiting for anybody? The updateMutex is held; then the sendMutex
 * is, too. */
static bool may_send(rfbClientPtr cl)
{
	struct pollfd p = {.fd = cl->sock, .events = POLLOUT};
	if (cl->state != RFB_NORMAL || cl->sock < 0 || sraRgnEmpty(cl->requestedRegion) ||
	    !little(cl->modifiedRegion) || !sraRgnEmpty(cl->copyRegion) ||
	    pthread_mutex_trylock(&cl->sendMutex))
		return false;
	if (poll(&p, 1, 0) == 1 && p.revents == POLLOUT) /* room for 100 KiB and more */
		return true;
	pthread_mutex_unlock(&cl->sendMutex);
	return false;
}

/* A cursor that blinks need not wake a thread for each client that waits. */
void vnc_flush(struct vnc *v)
{
	if (!v->changed)
		return;
	pthread_mutex_lock(&v->lock);
	for (struct client *c = v->clients; c; c = c->next) {
		pthread_mutex_lock(&c->cl->updateMutex);
		sraRgnOr(c->cl->modifiedRegion, v->changed);
		bool here = may_send(c->cl);
		sraRegionPtr now = here ? sraRgnCreateRgn(c->cl->modifiedRegion) : NULL;
		if (!here)
			pthread_cond_signal(&c->cl->updateCond);
		pthread_mutex_unlock(&c->cl->updateMutex);
		if (!here)
			continue;
		rfbSendFramebufferUpdate(c->cl, now);
		pthread_mutex_unlock(&c->cl->sendMutex);
		sraRgnDestroy(now);
	}
	pthread_mutex_unlock(&v->lock);
	sraRgnDestroy(v->changed);
	v->changed = NULL;
}

void vnc_set_state(struct vnc *v, unsigned leds, bool absolute)
{
	unsigned changed = atomic_exchange(&v->leds, leds) != leds ? EXT_LEDS : 0;
	changed |= atomic_exchange(&v->absolute, absolute) != absolute ? EXT_POINTER : 0;
	pthread_mutex_lock(&v->lock);
	for (struct client *c = v->clients; c; c = c->next) {
		atomic_fetch_or(&c->pending, changed & atomic_load(&c->enabled));
		vnc_ext_try_tell(c);
	}
	pthread_mutex_unlock(&v->lock);
}

void vnc_encrypt(uint8_t challenge[16], const char *passwd)
{
	char copy[9];
	snprintf(copy, sizeof(copy), "%s", passwd);
	rfbEncryptBytes(challenge, copy);
}
