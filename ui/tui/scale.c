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

/* Take the layout @now over, if it is another one. */
static bool take(struct scaled *s, struct scaled *now)
{
	if (s->pixels && s->cols == now->cols && s->rows == now->rows && s->from_w == now->from_w &&
	    s->from_h == now->from_h && s->width == now->width && s->height == now->height &&
	    s->cell_w == now->cell_w && s->cell_h == now->cell_h)
		return false;
	size_t n = (size_t)now->width * (size_t)now->height;
	now->pixels = x_realloc(s->pixels, (n + 1) * sizeof(now->pixels[0]));
	memset(now->pixels, 0, n * sizeof(now->pixels[0]));
	free(s->changes);
	*s = *now;
	return true;
}

bool scaled_fit(struct scaled *s, int w, int h, int cols, int rows, int aspect)
{
	struct scaled now = {.cols = cols, .rows = rows, .from_w = w, .from_h = h, .cell_w = 1, .cell_h = 2};
	if (cols > 0 && rows > 0 && w > 0 && h > 0) {
		/* A half of a row is aspect / 2 thousandths of a column high. */
		int64_t high = (int64_t)rows * aspect; /* of all cells, in thousandths of a column */
		bool wide = (int64_t)w * high >= (int64_t)h * cols * 1000;
		now.width = wide ? cols : part((int64_t)w * high, (int64_t)h * 1000, cols);
		now.height =
		    wide ? part((int64_t)h * cols * 2000, (int64_t)w * aspect, 2 * (int64_t)rows) : 2 * rows;
		now.left = (cols - now.width) / 2;
		now.top = (2 * rows - now.height) / 2;
	}
	return take(s, &now);
}

/* Pixels of a cell: its own, or fewer where the picture has no more. */
static int grain(int own, int64_t from, int cells)
{
	int64_t n = cells ? (from + cells - 1) / cells : 1;
	return (int)(n < 1 ? 1 : n < own ? n : own);
}

bool scaled_fit_image(struct scaled *s, int w, int h, int cols, int rows, int w0, int h0)
{
	struct scaled now = {.cols = cols, .rows = rows, .from_w = w, .from_h = h, .cell_w = 1, .cell_h = 1};
	if (cols > 0 && rows > 0 && w > 0 && h > 0) {
		bool wide = (int64_t)w * rows * h0 >= (int64_t)h * cols * w0;
		int c = wide ? cols : part((int64_t)w * rows * h0, (int64_t)h * w0, cols);
		int r = wide ? part((int64_t)h * cols * w0, (int64_t)w * h0, rows) : rows;
		now.cell_w = grain(w0, w, c);
		now.cell_h = grain(h0, h, r);
		now.width = c * now.cell_w;
		now.height = r * now.cell_h;
		now.left = (cols - c) / 2 * now.cell_w;
		now.top = (rows - r) / 2 * now.cell_h;
		now.tiles = (c + TILE_COLS - 1) / TILE_COLS;
	}
	if (!take(s, &now))
		return false;
	size_t lines = (size_t)(s->height / s->cell_h + TILE_ROWS - 1) / TILE_ROWS;
	s->changes = x_calloc(lines * (size_t)s->tiles + 1, sizeof(s->changes[0]));
	return true;
}

void scaled_done(struct scaled *s)
{
	free(s->pixels);
	free(s->changes);
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

/* The tiles that [@x0, @x1) x [@y0, @y1) of the result is part of. */
static void count_changes(struct scaled *s, int x0, int y0, int x1, int y1)
{
	static uint32_t stamp; /* no two changes have the same, of whatever layout */
	int w = TILE_COLS * s->cell_w, h = TILE_ROWS * s->cell_h;
	if (!s->changes || x0 >= x1 || y0 >= y1)
		return;
	stamp++;
	for (int y = y0 / h; y <= (y1 - 1) / h; y++)
		for (int x = x0 / w; x <= (x1 - 1) / w; x++)
			s->changes[y * s->tiles + x] = stamp;
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
			s->pixels[(size_t)i * s->width + k] = picture_average(
			    p, left, top, right > left ? right : left + 1, bottom > top ? bottom : top + 1);
		}
	}
	count_changes(s, x0, y0, x1, y1);
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

static void draw_image(const struct scaled *s, const struct area *a)
{
	struct canvas_image *image = &a->canvas->image;
	*image = (struct canvas_image){.row = a->row + s->top / s->cell_h,
				       .col = a->col + s->left / s->cell_w,
				       .rows = s->height / s->cell_h,
				       .cols = s->width / s->cell_w,
				       .cell_w = s->cell_w,
				       .cell_h = s->cell_h,
				       .pixels = s->pixels};
	for (int r = 0; r < image->rows; r++)
		for (int c = 0; c < image->cols; c++) {
			struct cell *cell = canvas_cell(a->canvas, image->row + r, image->col + c);
			unsigned tile = (unsigned)(r / TILE_ROWS * s->tiles + c / TILE_COLS);
			if (cell)
				*cell = (struct cell){.text = " ",
						      .width = 1,
						      .style = {.fg = VT_RGB | (s->changes[tile] & 0xffffff),
								.bg = VT_RGB | tile,
								.attrs = CELL_PICTURE | CELL_IMAGE}};
		}
}

void scaled_draw(const struct scaled *s, const struct area *a)
{
	if (s->changes) {
		draw_image(s, a);
		return;
	}
	int from = s->left > 0 ? s->left : 0;
	for (int r = 0; r < s->rows && r < a->rows; r++)
		for (int c = from; c < s->left + s->width && c < a->cols; c++) {
			uint32_t top = colour_at(s, 2 * r, c), bottom = colour_at(s, 2 * r + 1, c);
			struct cell *cell = canvas_cell(a->canvas, a->row + r, a->col + c);
			if (!cell || (top == VT_DEFAULT && bottom == VT_DEFAULT))
				continue;
			*cell = (struct cell){.width = 1,
					      .style = {.fg = top, .bg = bottom, .attrs = CELL_PICTURE}};
			if (top == VT_DEFAULT) {
				cell->style.fg = bottom;
				cell->style.bg = VT_DEFAULT;
			}
			memcpy(cell->text, top == VT_DEFAULT ? "▄" : "▀", sizeof("▀"));
		}
}

bool scaled_at(const struct scaled *s, int row, int col, int *x, int *y)
{
	int at_x = (2 * col + 1) * s->cell_w - 2 * s->left,
	    at_y = (2 * row + 1) * s->cell_h - 2 * s->top; /* in halves */
	bool inside = at_x >= 0 && at_x < 2 * s->width && at_y >= 0 && at_y <= 2 * s->height;
	*x = *y = 0;
	if (!s->width || !s->height)
		return false;
	*x = (int)((int64_t)at_x * s->from_w / (2 * s->width));
	*y = (int)((int64_t)at_y * s->from_h / (2 * s->height));
	*x = *x < 0 ? 0 : *x >= s->from_w ? s->from_w - 1 : *x;
	*y = *y < 0 ? 0 : *y >= s->from_h ? s->from_h - 1 : *y;
	return inside;
}
