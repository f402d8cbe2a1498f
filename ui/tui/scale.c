#include "ui/tui/scale.h"

#include <stdlib.h>
#include <string.h>

#define SUM_MAX 256 /* pixels whose channels add up in 16 bits each */

/* The channels of one line's pixels, added up: blue in bits 0 to 15, red from 16, green from 32. */
static uint64_t line_sum(const uint32_t *p, int n)
{
	uint64_t sum = 0;
	for (int i = 0; i < n; i++)
		sum += (p[i] & 0xff00ff) | (uint64_t)(p[i] & 0xff00) << 24;
	return sum;
}

uint32_t picture_average(const struct picture *p, int x0, int y0, int x1, int y1)
{
	uint64_t r = 0, g = 0, b = 0, n = (uint64_t)(x1 - x0) * (uint64_t)(y1 - y0);
	for (int y = y0; y < y1; y++) {
		const uint32_t *line = p->pixels + (size_t)y * p->stride;
		for (int x = x0, some; x < x1; x += some) {
			some = x1 - x < SUM_MAX ? x1 - x : SUM_MAX;
			uint64_t sum = line_sum(line + x, some);
			b += sum & 0xffff;
			r += sum >> 16 & 0xffff;
			g += sum >> 32;
		}
	}
	return (uint32_t)((r + n / 2) / n << 16 | (g + n / 2) / n << 8 | (b + n / 2) / n);
}

/* @of parts, each of the size 1 / @from, as many as fit of @room; at least one. */
static int part(int64_t of, int64_t from, int64_t room)
{
	int64_t n = from ? (of + from / 2) / from : 0;
	return (int)(n < 1 ? 1 : n > room ? room : n);
}

bool scaled_fit(struct scaled *s, int w, int h, int cols, int rows, int aspect)
{
	struct scaled now = {.cols = cols, .rows = rows, .from_w = w, .from_h = h};
	if (cols > 0 && rows > 0 && w > 0 && h > 0) {
		/* A half of a row is aspect / 2 thousandths of a column high. */
		int64_t high = (int64_t)rows * aspect; /* of all cells, in thousandths of a column */
		bool wide = (int64_t)w * high >= (int64_t)h * cols * 1000;
		now.width = wide ? cols : part((int64_t)w * high, (int64_t)h * 1000, cols);
		now.height = wide ? part((int64_t)h * cols * 2000, (int64_t)w * aspect, 2 * (int64_t)rows) : 2 * rows;
		now.left = (cols - now.width) / 2;
		now.top = (2 * rows - now.height) / 2;
	}
	if (s->pixels && s->cols == cols && s->rows == rows && s->from_w == w && s->from_h == h &&
	    s->width == now.width && s->height == now.height)
		return false;
	now.pixels = x_realloc(s->pixels, ((size_t)now.width * now.height + 1) * sizeof(now.pixels[0]));
	memset(now.pixels, 0, (size_t)now.width * now.height * sizeof(now.pixels[0]));
	*s = now;
	return true;
}

void scaled_done(struct scaled *s)
{
	free(s->pixels);
	*s = (struct scaled){0};
}

/* Where pixel @i of @n begins among @from ones. */
static int edge(int i, int n, int from)
{
	return (int)((int64_t)i * from / n);
}

/* Those of @n pixels that [@at, @at + @len) of @from ones is part of. */
static void touched(int at, int len, int n, int from, int *first, int *end)
{
	int64_t last = (int64_t)at + len < from ? (int64_t)at + len : from;
	at = at < 0 ? 0 : at;
	*first = (int)((int64_t)at * n / from);
	*end = (int)((last * n + from - 1) / from);
	/* Where pixels are repeated, edges are rounded down: one more may begin in it. */
	*first -= *first > 0;
	*end += *end < n;
}

void scaled_update(struct scaled *s, const struct picture *p, int x, int y, int w, int h)
{
	int x0, x1, y0, y1;
	if (!s->width || !s->height || w <= 0 || h <= 0 || x >= s->from_w || y >= s->from_h)
		return;
	touched(x, w, s->width, s->from_w, &x0, &x1);
	touched(y, h, s->height, s->from_h, &y0, &y1);
	for (int i = y0; i < y1; i++) {
		int top = edge(i, s->height, s->from_h), bottom = edge(i + 1, s->height, s->from_h);
		for (int k = x0; k < x1; k++) {
			int left = edge(k, s->width, s->from_w), right = edge(k + 1, s->width, s->from_w);
			s->pixels[(size_t)i * s->width + k] =
			    picture_average(p, left, top, right > left ? right : left + 1,
					    bottom > top ? bottom : top + 1);
		}
	}
}

/* The colour of a half of a row, VT_DEFAULT beside the picture. */
static uint32_t colour_at(const struct scaled *s, int half, int col)
{
	half -= s->top;
	col -= s->left;
	if (half < 0 || half >= s->height || col < 0 || col >= s->width)
		return VT_DEFAULT;
	return VT_RGB | s->pixels[(size_t)half * s->width + col];
}

void scaled_draw(const struct scaled *s, const struct area *a)
{
	int from = s->left > 0 ? s->left : 0;
	for (int r = 0; r < s->rows && r < a->rows; r++)
		for (int c = from; c < s->left + s->width && c < a->cols; c++) {
			uint32_t top = colour_at(s, 2 * r, c), bottom = colour_at(s, 2 * r + 1, c);
			struct cell *cell = canvas_cell(a->canvas, a->row + r, a->col + c);
			if (!cell || (top == VT_DEFAULT && bottom == VT_DEFAULT))
				continue;
			*cell = (struct cell){.width = 1, .style = {.fg = top, .bg = bottom, .attrs = CELL_PICTURE}};
			if (top == VT_DEFAULT) {
				cell->style.fg = bottom;
				cell->style.bg = VT_DEFAULT;
			}
			memcpy(cell->text, top == VT_DEFAULT ? "▄" : "▀", sizeof("▀"));
		}
}

bool scaled_at(const struct scaled *s, int row, int col, int *x, int *y)
{
	int half = 2 * row + 1 - s->top;
	col -= s->left;
	bool inside = half >= 0 && half <= s->height && col >= 0 && col < s->width;
	*x = *y = 0;
	if (!s->width || !s->height)
		return false;
	*x = (int)((2 * (int64_t)col + 1) * s->from_w / (2 * s->width));
	*y = (int)((int64_t)half * s->from_h / s->height);
	*x = *x < 0 ? 0 : *x >= s->from_w ? s->from_w - 1 : *x;
	*y = *y < 0 ? 0 : *y >= s->from_h ? s->from_h - 1 : *y;
	return inside;
}
