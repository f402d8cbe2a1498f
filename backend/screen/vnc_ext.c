/* What viewers take that the library does not know: QEMU's keys, kind of pointer and lamps (RFB community
 * specification, 7.7 and 7.8), and updates without asking, bounded by fences (7.4.9, 7.4.10, 7.6.8, 7.6.9).
 * The library hands us messages of unknown types on the client's input thread, and tells us, with the
 * sendMutex held, when an update was sent. */
#include <endian.h>
#include <poll.h>
#include <string.h>
#include <time.h>

#include "backend/screen/guard.h"
#include "backend/screen/vnc_client.h"
#include "src/base/cleanup.h"

enum {
	ENC_POINTER_MOTION = -257,
	ENC_EXT_KEY = -258,
	ENC_LED = -261,
	ENC_FENCE = -312,
	ENC_CONTINUOUS = -313
};
enum { MSG_CONTINUOUS = 150, MSG_FENCE = 248, MSG_ASKS = GUARD_ASKS };
enum { FENCE_SYNC_NEXT = 4, FENCE_KNOWN = 7 /* with BlockBefore, BlockAfter */, FENCE_DATA = 64 };
#define FENCE_REQUEST 0x80000000u
#define FENCE_OURS 'u' /* the first byte of what we write into those that follow an update */

static int64_t now_us(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* --- to a viewer; its sendMutex is held --- */

static void send_rect(struct client *c, int x, int side, int32_t encoding, const uint8_t *data, size_t n)
{
	uint8_t m[4 + 12 + 1] = {rfbFramebufferUpdate, 0, 0, 1};
	const uint16_t head[4] = {htobe16((uint16_t)x), 0, htobe16((uint16_t)side), htobe16((uint16_t)side)};
	const uint32_t enc = htobe32((uint32_t)encoding);
	memcpy(m + 4, head, 8);
	memcpy(m + 12, &enc, 4);
	if (n)
		memcpy(m + 16, data, n);
	rfbWriteExact(c->cl, (const char *)m, (int)(16 + n));
}

static void send_fence(struct client *c, uint32_t flags, const void *data, size_t n)
{
	uint8_t m[9 + FENCE_DATA] = {MSG_FENCE};
	flags = htobe32(flags);
	memcpy(m + 4, &flags, 4);
	m[8] = (uint8_t)n;
	memcpy(m + 9, data, n);
	rfbWriteExact(c->cl, (const char *)m, (int)(9 + n));
}

/* Where a place counts, a rectangle as large as the screen would end outside of it, which viewers refuse: it
 * has no size. */
static void tell_pointer(struct client *c)
{
	send_rect(c, atomic_load(&c->v->absolute) != 0, 0, ENC_POINTER_MOTION, NULL, 0);
}

static void tell_keys(struct client *c)
{
	send_rect(c, 0, 0, ENC_EXT_KEY, NULL, 0);
}

static void tell_leds(struct client *c)
{
	uint8_t leds = (uint8_t)atomic_load(&c->v->leds);
	send_rect(c, 0, 1, ENC_LED, &leds, 1);
}

/* That we know of fences is said by one that wants an answer. */
static void tell_fence(struct client *c)
{
	send_fence(c, FENCE_REQUEST, "", 1);
}

/* That we know of continuous updates is said by their end. */
static void tell_continuous(struct client *c)
{
	static const char end = (char)MSG_CONTINUOUS;
	if (atomic_load(&c->enabled) & EXT_FENCE)
		rfbWriteExact(c->cl, &end, 1);
}

static const struct {
	unsigned bit;
	int32_t encoding;
	void (*tell)(struct client *c);
} kinds[] = {
    {EXT_KEYS, ENC_EXT_KEY, tell_keys},
    {EXT_POINTER, ENC_POINTER_MOTION, tell_pointer},
    {EXT_LEDS, ENC_LED, tell_leds},
    {EXT_FENCE, ENC_FENCE, tell_fence},
    {EXT_CONTINUOUS, ENC_CONTINUOUS, tell_continuous},
};

void vnc_ext_tell(struct client *c)
{
	unsigned todo = atomic_exchange(&c->pending, 0);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (todo & kinds[i].bit)
			kinds[i].tell(c);
}

void vnc_ext_try_tell(struct client *c)
{
	struct pollfd p = {.fd = c->cl->sock, .events = POLLOUT};
	if (!atomic_load(&c->pending) || c->cl->enableSupportedMessages || c->cl->state != RFB_NORMAL ||
	    pthread_mutex_trylock(&c->cl->sendMutex))
		return;
	if (poll(&p, 1, 0) == 1 && (p.revents & POLLOUT))
		vnc_ext_tell(c);
	pthread_mutex_unlock(&c->cl->sendMutex);
}

/* --- updates without asking --- */

/* What the library does with an update that is asked for, but that it wakes its thread in vain. The
 * updateMutex is held. */
static void ask_for(struct client *c, const struct screen_rect *a)
{
	sraRegionPtr all = sraRgnCreateRect(0, 0, c->v->screen->width, c->v->screen->height);
	sraRegionPtr r = sraRgnCreateRect(a->x, a->y, a->x + a->w, a->y + a->h);
	sraRgnAnd(r, all);
	sraRgnOr(c->cl->requestedRegion, r);
	sraRgnDestroy(r);
	sraRgnDestroy(all);
	c->cl->readyForSetColourMapEntries = TRUE;
	if (FB_UPDATE_PENDING(c->cl))
		pthread_cond_signal(&c->cl->updateCond);
}

void vnc_ext_sent(struct client *c)
{
	uint8_t data[5] = {FENCE_OURS};
	uint32_t number = 0;
	bool fence, open;
	pthread_mutex_lock(&c->cl->updateMutex);
	/* what was asked for is not asked for any more: an update has gone out */
	bool went = c->continuous && sraRgnEmpty(c->cl->requestedRegion);
	fence = went && flow_fence(&c->flow, now_us(), &number);
	open = went && flow_open(&c->flow, now_us());
	if (open)
		ask_for(c, &c->area);
	pthread_mutex_unlock(&c->cl->updateMutex);
	memcpy(data + 1, &number, sizeof(number));
	if (fence)
		send_fence(c, FENCE_REQUEST | 1, data, sizeof(data));
	if (open)
		c->v->ops.wanted(c->v->ctx, false);
}

static void fence_is_back(struct client *c, const uint8_t *data, size_t n)
{
	uint32_t number;
	if (n != 1 + sizeof(number) || data[0] != FENCE_OURS)
		return;
	memcpy(&number, data + 1, sizeof(number));
	pthread_mutex_lock(&c->cl->updateMutex);
	flow_back(&c->flow, number, now_us());
	bool asks = c->continuous && sraRgnEmpty(c->cl->requestedRegion) && flow_open(&c->flow, now_us());
	if (asks)
		ask_for(c, &c->area);
	pthread_mutex_unlock(&c->cl->updateMutex);
	if (asks)
		c->v->ops.wanted(c->v->ctx, false);
}

static void continuous(struct client *c, bool on, const struct screen_rect *area)
{
	pthread_mutex_lock(&c->cl->sendMutex);
	pthread_mutex_lock(&c->cl->updateMutex);
	c->continuous = on;
	c->area = *area;
	if (on)
		ask_for(c, &c->area);
	else
		sraRgnMakeEmpty(c->cl->requestedRegion);
	pthread_mutex_unlock(&c->cl->updateMutex);
	if (!on)
		tell_continuous(c);
	pthread_mutex_unlock(&c->cl->sendMutex);
	if (on)
		c->v->ops.wanted(c->v->ctx, false);
}

/* --- from a viewer, on its input thread --- */

void vnc_ext_heard(struct client *c, bool locked)
{
	struct fence *f = &c->fence;
	if (!f->waits)
		return;
	f->waits = false;
	if (!locked)
		pthread_mutex_lock(&c->cl->sendMutex);
	send_fence(c, f->flags, f->data, f->len);
	if (!locked)
		pthread_mutex_unlock(&c->cl->sendMutex);
}

bool vnc_ext_caps(const struct client *c)
{
	return atomic_load(&c->v->leds) & 4;
}

void vnc_ext_key(void *ctx, unsigned code, bool down)
{
	struct client *c = ctx;
	c->v->ops.key(c->v->ctx, code, down);
}

static bool fence_message(struct client *c)
{
	uint8_t p[8], data[FENCE_DATA];
	uint32_t flags;
	if (rfbReadExact(c->cl, (char *)p, 8) <= 0 || p[7] > FENCE_DATA ||
	    (p[7] && rfbReadExact(c->cl, (char *)data, p[7]) <= 0))
		return false;
	memcpy(&flags, p + 3, 4);
	flags = be32toh(flags);
	if (!(flags & FENCE_REQUEST)) {
		fence_is_back(c, data, p[7]);
		return true;
	}
	vnc_ext_heard(c, false); /* one that waits is answered first */
	c->fence.waits = true;
	c->fence.flags = (uint8_t)(flags & FENCE_KNOWN);
	c->fence.len = p[7];
	memcpy(c->fence.data, data, p[7]);
	if (!(flags & FENCE_SYNC_NEXT))
		vnc_ext_heard(c, false);
	return true;
}

/* A flag and a rectangle. */
static bool read_rect(struct client *c, bool *flag, struct screen_rect *r)
{
	uint8_t p[9];
	uint16_t n[4];
	if (rfbReadExact(c->cl, (char *)p, sizeof(p)) <= 0)
		return false;
	memcpy(n, p + 1, sizeof(n));
	*flag = p[0] != 0;
	*r = (struct screen_rect){be16toh(n[0]), be16toh(n[1]), be16toh(n[2]), be16toh(n[3])};
	vnc_ext_heard(c, false);
	return true;
}

static bool continuous_message(struct client *c)
{
	struct screen_rect r;
	bool on;
	if (!read_rect(c, &on, &r))
		return false;
	continuous(c, on, &r);
	return true;
}

static bool asks_message(struct client *c)
{
	struct screen_rect r;
	bool incremental;
	if (!read_rect(c, &incremental, &r))
		return false;
	__atomic_store_n(&c->v->screen->pointerClient, NULL, __ATOMIC_RELAXED); /* as in on_request() */
	pthread_mutex_lock(&c->cl->updateMutex);
	ask_for(c, &r);
	pthread_mutex_unlock(&c->cl->updateMutex);
	c->v->ops.wanted(c->v->ctx, false);
	return true;
}

/* QEMU's message, of which only the extended key event is understood. */
static bool key_message(struct client *c)
{
	uint8_t p[11];
	uint32_t sym, xt;
	if (rfbReadExact(c->cl, (char *)p, 1) <= 0 || p[0] != 0 ||
	    rfbReadExact(c->cl, (char *)p + 1, 10) <= 0)
		return false;
	memcpy(&sym, p + 3, 4);
	memcpy(&xt, p + 7, 4);
	vnc_ext_heard(c, false);
	if (c->cl->viewOnly)
		return true;
	keys_xt(&c->keys, be32toh(xt), be32toh(sym), p[1] || p[2], vnc_ext_caps(c), vnc_ext_key, c);
	c->v->ops.wanted(c->v->ctx, true);
	return true;
}

static rfbBool message(rfbClientPtr cl, void *data, const rfbClientToServerMsg *m)
{
	static const struct {
		uint8_t type;
		bool (*take)(struct client *c);
	} takers[] = {{rfbQemuEvent, key_message},
		      {MSG_FENCE, fence_message},
		      {MSG_CONTINUOUS, continuous_message},
		      {MSG_ASKS, asks_message}};
	for (size_t i = 0; i < ARRAY_SIZE(takers); i++) {
		if (takers[i].type != m->type)
			continue;
		if (!takers[i].take(client_of(cl)))
			rfbCloseClient(cl);
		return TRUE;
	}
	return FALSE;
}

/* Every client may send us messages. */
static rfbBool is_new(rfbClientPtr cl, void **data)
{
	return TRUE;
}

static rfbBool enable(rfbClientPtr cl, void **data, int encoding)
{
	struct client *c = client_of(cl);
	for (size_t i = 0; c && i < ARRAY_SIZE(kinds); i++) {
		if (kinds[i].encoding != encoding)
			continue;
		/* that of fences and continuous updates is said once */
		bool again =
		    atomic_fetch_or(&c->enabled, kinds[i].bit) & kinds[i].bit & (EXT_FENCE | EXT_CONTINUOUS);
		atomic_fetch_or(&c->pending, again ? 0 : kinds[i].bit);
		return TRUE;
	}
	return FALSE;
}

void vnc_ext_register(void)
{
	static int encodings[] = {ENC_POINTER_MOTION, ENC_EXT_KEY, ENC_LED, ENC_FENCE, ENC_CONTINUOUS, 0};
	static rfbProtocolExtension extension = {.newClient = is_new,
						 .pseudoEncodings = encodings,
						 .enablePseudoEncoding = enable,
						 .handleMessage = message};
	rfbRegisterProtocolExtension(&extension);
}
