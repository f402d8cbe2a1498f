#include "backend/screen/guard.h"

#include <endian.h>
#include <string.h>

#include "src/base/cleanup.h"

/* RFC 6143, 7.5; RFB community specification, 7.4, 7.5 and 7.7.27 */
enum {
	SET_PIXEL_FORMAT = 0,
	SET_ENCODINGS = 2,
	UPDATE_REQUEST = 3,
	KEY_EVENT = 4,
	POINTER_EVENT = 5,
	CUT_TEXT = 6,
	CONTINUOUS = 150,
	FENCE = 248,
	XVP = 250,
	SET_DESKTOP_SIZE = 251,
	QEMU = 255,
};
#define EXTENDED_CLIPBOARD 0xc0a1e5ceu
enum { CLIP_TEXT = 1, CLIP_CAPS = 1 << 24, CLIP_REQUEST = 1 << 25, CLIP_PEEK = 1 << 26 };

/* What to do with the message at the front: how many bytes, once they are all there. */
enum verdict { WAIT, CLOSE, GO };

static uint32_t u32(const uint8_t *p)
{
	uint32_t v;
	memcpy(&v, p, 4);
	return be32toh(v);
}

static uint16_t u16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static enum verdict closed(struct guard *g, const char *why)
{
	g->why = why;
	return CLOSE;
}

static enum verdict pass(struct guard *g, size_t len)
{
	g->pass = len;
	return GO;
}

static enum verdict pixel_format(struct guard *g, const uint8_t *p, size_t n, struct fifo *out)
{
	uint8_t bits = p[4];
	if (bits != 8 && bits != 16 && bits != 32)
		return closed(g, "it wants pixels of neither 8, 16 nor 32 bits");
	return pass(g, 20);
}

static enum verdict encodings(struct guard *g, const uint8_t *p, size_t n, struct fifo *out)
{
	size_t count = u16(p + 2), kept = 0;
	if (count > GUARD_ENCODINGS)
		return closed(g, "it knows too many encodings");
	if (n < 4 + 4 * count)
		return WAIT;
	uint8_t m[4 + 4 * GUARD_ENCODINGS] = {SET_ENCODINGS};
	for (size_t i = 0; i < count; i++) {
		bool clip = u32(p + 4 + 4 * i) == EXTENDED_CLIPBOARD;
		if (clip && g->clipboard)
			continue;
		g->clipboard |= clip;
		memcpy(m + 4 + 4 * kept++, p + 4 + 4 * i, 4);
	}
	m[2] = (uint8_t)(kept >> 8);
	m[3] = (uint8_t)kept;
	fifo_add(out, m, 4 + 4 * kept);
	g->drop = 4 + 4 * count;
	return GO;
}

static enum verdict cut_text(struct guard *g, const uint8_t *p, size_t n, struct fifo *out)
{
	uint32_t len = u32(p + 4);
	bool extended = len >> 31;
	len = extended ? -len : len;
	if (len > GUARD_CLIPBOARD || (extended && len < 4))
		return closed(g, "its clipboard is too large");
	if (!extended)
		return pass(g, 8 + len);
	if (!g->clipboard)
		return closed(g, "its clipboard is of a kind that it has not announced");
	if (n < 12)
		return WAIT;
	uint32_t flags = u32(p + 8);
	if ((flags & CLIP_CAPS) || !(flags & (CLIP_REQUEST | CLIP_PEEK)))
		return pass(g, 8 + len);
	g->asks |= flags & CLIP_REQUEST ? (flags & CLIP_TEXT ? GUARD_CLIP_REQUEST : 0) : GUARD_CLIP_PEEK;
	g->drop = 8 + len;
	return GO;
}

static enum verdict desktop_size(struct guard *g, const uint8_t *p, size_t n, struct fifo *out)
{
	return pass(g, 8 + 16 * (size_t)p[6]);
}

/* Keys; sound, which is not offered, is not heard. */
static enum verdict qemu(struct guard *g, const uint8_t *p, size_t n, struct fifo *out)
{
	if (p[1] == 0)
		return pass(g, 12);
	if (p[1] != 1)
		return closed(g, "it sent a QEMU message that is unknown");
	g->drop = u16(p + 2) == 2 ? 10 : 4;
	return GO;
}

/* Asking for what has changed is ours to hear (GUARD_ASKS); who is sent updates without asking need not do
 * it. */
static enum verdict update_request(struct guard *g, const uint8_t *p, size_t n, struct fifo *out)
{
	if (!p[1])
		return pass(g, 10);
	if (!g->continuous) {
		fifo_add_u8(out, GUARD_ASKS);
		fifo_add(out, p + 1, 9);
	}
	g->drop = 10;
	return GO;
}

static enum verdict continuous(struct guard *g, const uint8_t *p, size_t n, struct fifo *out)
{
	g->continuous = p[1] != 0;
	return pass(g, 10);
}

static enum verdict fence(struct guard *g, const uint8_t *p, size_t n, struct fifo *out)
{
	return p[8] > 64 ? closed(g, "its fence carries too much") : pass(g, 9 + p[8]);
}

static enum verdict xvp(struct guard *g, const uint8_t *p, size_t n, struct fifo *out)
{
	g->drop = 4;
	return GO;
}

static const struct {
	uint8_t type, head; /* bytes that have to be there to judge it */
	uint8_t len;        /* of the whole, when nothing is to be judged */
	enum verdict (*judge)(struct guard *, const uint8_t *, size_t, struct fifo *);
} messages[] = {
    {SET_PIXEL_FORMAT, 20, 0, pixel_format},
    {SET_ENCODINGS, 4, 0, encodings},
    {UPDATE_REQUEST, 10, 0, update_request},
    {KEY_EVENT, 8, 8, NULL},
    {POINTER_EVENT, 6, 6, NULL},
    {CUT_TEXT, 8, 0, cut_text},
    {CONTINUOUS, 10, 0, continuous},
    {FENCE, 9, 0, fence},
    {XVP, 4, 0, xvp},
    {SET_DESKTOP_SIZE, 8, 0, desktop_size},
    {QEMU, 4, 0, qemu},
};

static enum verdict judge(struct guard *g, struct fifo *in, struct fifo *out)
{
	const uint8_t *p = fifo_head(in);
	for (size_t i = 0; i < ARRAY_SIZE(messages); i++) {
		if (messages[i].type != p[0])
			continue;
		if (in->len < messages[i].head)
			return WAIT;
		if (messages[i].judge)
			return messages[i].judge(g, p, in->len, out);
		return pass(g, messages[i].len);
	}
	return closed(g, "it sent a message that is unknown here");
}

int guard_step(struct guard *g, struct fifo *in, struct fifo *out, size_t max)
{
	while (in->len && out->len < max) {
		if (!g->pass && !g->drop) {
			enum verdict v = judge(g, in, out);
			if (v != GO)
				return v == WAIT ? 0 : -1;
		}
		size_t n = g->pass ? g->pass : g->drop;
		n = n < in->len ? n : in->len;
		if (g->pass) {
			fifo_add(out, fifo_head(in), n);
			g->pass -= n;
		} else {
			g->drop -= n;
		}
		fifo_drop(in, n);
	}
	return 0;
}
