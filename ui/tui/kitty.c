#include "ui/tui/kitty.h"

#include <stdlib.h>
#include <zlib.h>

#include "src/base/cleanup.h"

#define BEGIN "\033_G"
#define END "\033\\"
#define PIECE (KITTY_CHUNK / 4 * 3) /* bytes that fill a chunk */

void kitty_query(struct buf *out)
{
	buf_printf(out, BEGIN "i=%d,s=1,v=1,a=q,t=d,f=24;AAAA" END, KITTY_QUERY_ID);
}

void kitty_delete(struct buf *out)
{
	buf_puts(out, BEGIN "a=d,d=A,q=2" END);
}

/* As the protocol has them: 24 bits each, line by line. */
static uint8_t *rgb(const uint32_t *pixels, int w, int h, int stride)
{
	uint8_t *all = x_malloc((size_t)w * h * 3), *to = all;
	for (int y = 0; y < h; y++)
		for (int x = 0; x < w; x++) {
			uint32_t p = pixels[(size_t)y * stride + x];
			*to++ = (uint8_t)(p >> 16);
			*to++ = (uint8_t)(p >> 8);
			*to++ = (uint8_t)p;
		}
	return all;
}

/* @n bytes packed, and how many these are; NULL: that would not make them fewer. */
static uint8_t *pack(const uint8_t *p, size_t n, size_t *packed)
{
	uLongf len = compressBound(n);
	uint8_t *out = x_malloc(len);
	if (compress2(out, &len, p, n, Z_BEST_SPEED) != Z_OK || len >= n) {
		free(out);
		return NULL;
	}
	*packed = len;
	return out;
}

void kitty_image(struct buf *out, unsigned id, const uint32_t *pixels, int w, int h, int stride, int cols,
		 int rows)
{
	_Static_assert(PIECE % 3 == 0, "base64 of a whole piece has no padding");
	if (w <= 0 || h <= 0)
		return;
	size_t left = (size_t)w * h * 3, n;
	AUTO_FREE uint8_t *raw = rgb(pixels, w, h, stride);
	AUTO_FREE uint8_t *packed = pack(raw, left, &left);
	const uint8_t *p = packed ? packed : raw;
	buf_printf(out, BEGIN "a=T,i=%u,p=1,f=24,%ss=%d,v=%d,c=%d,r=%d,C=1,", id, packed ? "o=z," : "", w, h, cols,
		   rows);
	for (bool first = true; left; p += n, left -= n, first = false) {
		n = left < PIECE ? left : PIECE;
		buf_printf(out, "%sq=2,m=%d;", first ? "" : BEGIN, n < left);
		buf_base64(out, p, n);
		buf_puts(out, END);
	}
}
