#include "backend/screen/vnc_text.h"

#include <endian.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "src/base/cleanup.h"

#define SERVER_CUT_TEXT 3
enum { CLIP_TEXT = 1, CLIP_NOTIFY = 1 << 27, CLIP_PROVIDE = 1 << 28 };

void vnc_text_to_utf8(struct buf *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		uint8_t c = (uint8_t)text[i];
		char two[2] = {(char)(0xc0 | c >> 6), (char)(0x80 | (c & 0x3f))};
		if (c < 0x80)
			buf_add(out, text + i, 1);
		else
			buf_add(out, two, 2);
	}
}

void vnc_text_to_latin1(struct buf *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len;) {
		uint8_t c = (uint8_t)text[i++];
		bool two = (c == 0xc2 || c == 0xc3) && i < len && ((uint8_t)text[i] & 0xc0) == 0x80;
		char as = c < 0x80 ? (char)c : two ? (char)((c & 3) << 6 | ((uint8_t)text[i] & 0x3f)) : '?';
		buf_add(out, &as, 1);
		while (c >= 0x80 && i < len && ((uint8_t)text[i] & 0xc0) == 0x80)
			i++;
	}
}

static void head(struct buf *out, uint32_t length)
{
	const uint8_t type[4] = {SERVER_CUT_TEXT};
	length = htobe32(length);
	buf_add(out, type, 4);
	buf_add(out, &length, 4);
}

/* The extended form has a negative length, and flags first. */
static void extended_head(struct buf *out, size_t length, uint32_t flags)
{
	head(out, (uint32_t) - (int32_t)(length + 4));
	flags = htobe32(flags);
	buf_add(out, &flags, 4);
}

void vnc_text_plain(struct buf *out, const struct buf *latin1)
{
	head(out, (uint32_t)latin1->len);
	buf_add(out, buf_text(latin1), latin1->len);
}

void vnc_text_notify(struct buf *out)
{
	extended_head(out, 0, CLIP_NOTIFY | CLIP_TEXT);
}

void vnc_text_provide(struct buf *out, const struct buf *utf8)
{
	struct buf AUTO_BUF plain = {0};
	uint32_t size = htobe32((uint32_t)utf8->len + 1);
	buf_add(&plain, &size, 4);
	buf_add(&plain, buf_text(utf8), utf8->len + 1);
	uLongf n = compressBound(plain.len);
	AUTO_FREE uint8_t *z = x_malloc(n);
	if (compress(z, &n, (const Bytef *)plain.s, plain.len) != Z_OK)
		return;
	extended_head(out, n, CLIP_PROVIDE | CLIP_TEXT);
	buf_add(out, z, n);
}
