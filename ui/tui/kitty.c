#include "ui/tui/kitty.h"

#include <string.h>

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

/* Pixels as they are sent, line by line. */
struct stream {
	const uint32_t *pixels;
	int w, h, stride, x, y;
};

static size_t stream_read(struct stream *s, uint8_t *out, size_t n)
{
	size_t got = 0;
	while (got + 3 <= n && s->y < s->h) {
		uint32_t p = s->pixels[(size_t)s->y * s->stride + s->x];
		out[got++] = (uint8_t)(p >> 16);
		out[got++] = (uint8_t)(p >> 8);
		out[got++] = (uint8_t)p;
		if (++s->x == s->w) {
			s->x = 0;
			s->y++;
		}
	}
	return got;
}

void kitty_image(struct buf *out, unsigned id, const uint32_t *pixels, int w, int h, int stride, int cols,
		 int rows)
{
	_Static_assert(PIECE % 3 == 0, "a piece is whole pixels, and base64 without padding");
	struct stream s = {pixels, w, h, stride, 0, 0};
	uint8_t piece[PIECE];
	bool first = true, more = w > 0 && h > 0;
	while (more) {
		size_t n = stream_read(&s, piece, sizeof(piece));
		more = s.y < s.h;
		if (first)
			buf_printf(out, BEGIN "a=T,i=%u,p=1,f=24,s=%d,v=%d,c=%d,r=%d,C=1,q=2,m=%d;", id, w, h,
				   cols, rows, more);
		else
			buf_printf(out, BEGIN "q=2,m=%d;", more);
		buf_base64(out, piece, n);
		buf_puts(out, END);
		first = false;
	}
}
