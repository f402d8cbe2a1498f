#include "ui/tui/canvas.h"

#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "src/base/cleanup.h"

size_t utf8_next(const char *s, uint32_t *ch)
{
	const unsigned char *p = (const unsigned char *)s;
	*ch = 0xfffd;
	if (!p[0])
		return 0;
	if (p[0] < 0x80) {
		*ch = p[0];
		return 1;
	}
	unsigned n = p[0] >= 0xf0 && p[0] < 0xf5   ? 3
		     : p[0] >= 0xe0 && p[0] < 0xf0 ? 2
						   : p[0] >= 0xc2 && p[0] < 0xe0;
	if (!n)
		return 1;
	static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
	uint32_t c = p[0] & (0x3f >> n);
	for (unsigned i = 1; i <= n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return i;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c >= least[n] && c <= 0x10ffff && (c < 0xd800 || c > 0xdfff))
		*ch = c;
	return n + 1;
}

size_t utf8_put(uint32_t ch, char out[5])
{
	size_t n = 0;
	if (ch < 0x80) {
		out[n++] = ch;
	} else if (ch < 0x800) {
		out[n++] = 0xc0 | ch >> 6;
		out[n++] = 0x80 | (ch & 0x3f);
	} else if (ch < 0x10000) {
		out[n++] = 0xe0 | ch >> 12;
		out[n++] = 0x80 | (ch >> 6 & 0x3f);
		out[n++] = 0x80 | (ch & 0x3f);
	} else {
		out[n++] = 0xf0 | (ch >> 18 & 7);
		out[n++] = 0x80 | (ch >> 12 & 0x3f);
		out[n++] = 0x80 | (ch >> 6 & 0x3f);
		out[n++] = 0x80 | (ch & 0x3f);
	}
	out[n] = 0;
	return n;
}

/* libc's table, whatever the user's locale is. */
int glyph_width(uint32_t ch)
{
	static locale_t utf8;
	if (ch >= 0x20 && ch < 0x7f)
		return 1;
	if (ch < 0xa0)
		return -1;
	if ((ch >= 0x200b && ch <= 0x200f) || (ch >= 0x202a && ch <= 0x202e) ||
	    (ch >= 0x2060 && ch <= 0x206f) || ch == 0xfeff)
		return -1; /* direction and other invisible things */
	if (!utf8)
		utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", NULL);
	if (!utf8)
		return 1;
	locale_t old = uselocale(utf8);
	int w = wcwidth((wchar_t)ch);
	uselocale(old);
	return w;
}

int text_width(const char *text)
{
	int width = 0;
	uint32_t ch;
	for (size_t n; (n = utf8_next(text, &ch)); text += n) {
		int w = glyph_width(ch);
		width += w < 0 ? 1 : w;
	}
	return width;
}

void canvas_resize(struct canvas *c, int rows, int cols)
{
	rows = rows < 1 ? 1 : rows > VT_ROWS_MAX ? VT_ROWS_MAX : rows;
	cols = cols < 1 ? 1 : cols > VT_COLS_MAX ? VT_COLS_MAX : cols;
	free(c->cells);
	c->cells = x_calloc((size_t)rows * cols, sizeof(*c->cells));
	c->rows = rows;
	c->cols = cols;
	canvas_clear(c);
}

void canvas_clear(struct canvas *c)
{
	c->image.rows = 0;
	static const struct cell blank = {.text = " ", .width = 1};
	for (size_t i = 0; i < (size_t)c->rows * c->cols; i++)
		c->cells[i] = blank;
	c->cursor_row = -1;
	c->cursor_col = 0;
	c->cursor_shape = VT_CURSOR_BLOCK;
}

void canvas_done(struct canvas *c)
{
	free(c->cells);
	memset(c, 0, sizeof(*c));
}

struct cell *canvas_cell(const struct canvas *c, int row, int col)
{
	if (row < 0 || col < 0 || row >= c->rows || col >= c->cols)
		return NULL;
	return &c->cells[(size_t)row * c->cols + col];
}

bool cell_same(const struct cell *a, const struct cell *b)
{
	return a->width == b->width && a->style.fg == b->style.fg && a->style.bg == b->style.bg &&
	       a->style.attrs == b->style.attrs && !strcmp(a->text, b->text);
}

struct area area_all(struct canvas *c)
{
	return (struct area){c, 0, 0, c->rows, c->cols};
}

static int clip(int v, int lo, int hi)
{
	return v < lo ? lo : v > hi ? hi : v;
}

struct area area_sub(const struct area *a, int row, int col, int rows, int cols)
{
	int r0 = clip(row, 0, a->rows), c0 = clip(col, 0, a->cols);
	int r1 = clip(row + rows, r0, a->rows), c1 = clip(col + cols, c0, a->cols);
	return (struct area){a->canvas, a->row + r0, a->col + c0, r1 - r0, c1 - c0};
}

/* The cell at @row, @col of the area; halves of wide characters that it cuts are blanked. NULL outside. */
static struct cell *claim(const struct area *a, int row, int col)
{
	if (row < 0 || col < 0 || row >= a->rows || col >= a->cols)
		return NULL;
	struct canvas *c = a->canvas;
	struct cell *cell = canvas_cell(c, a->row + row, a->col + col);
	if (!cell)
		return NULL;
	struct cell *left = canvas_cell(c, a->row + row, a->col + col - 1);
	struct cell *right = canvas_cell(c, a->row + row, a->col + col + 1);
	if (!cell->width && left && left->width == 2) {
		strcpy(left->text, " ");
		left->width = 1;
	}
	if (cell->width == 2 && right) {
		strcpy(right->text, " ");
		right->width = 1;
	}
	return cell;
}

/* Put one grapheme; one that is wide and does not fit becomes a blank. */
static void put(const struct area *a, int row, int col, struct style s, const char *text, int width)
{
	struct cell *second = width == 2 ? claim(a, row, col + 1) : NULL;
	struct cell *cell = claim(a, row, col);
	if (!cell)
		return;
	bool fits = width != 2 || second;
	snprintf(cell->text, sizeof(cell->text), "%s", fits ? text : " ");
	cell->width = fits ? width : 1;
	cell->style = s;
	if (second) {
		second->text[0] = 0;
		second->width = 0;
		second->style = s;
	}
}

int area_text(const struct area *a, int row, int col, int width, struct style s, const char *text)
{
	int at = col, end = width < 0 ? a->cols : col + width;
	uint32_t ch;
	for (size_t n; at <= end && (n = utf8_next(text, &ch)); text += n) {
		char glyph[5];
		int w = glyph_width(ch);
		if (w < 0) {
			ch = '?';
			w = 1;
		}
		utf8_put(ch, glyph);
		if (w == 0) {
			struct cell *base =
			    at > col ? canvas_cell(a->canvas, a->row + row, a->col + at - 1) : NULL;
			if (base && strlen(base->text) + strlen(glyph) < CELL_TEXT && base->text[0])
				strcat(base->text, glyph);
			continue;
		}
		if (at + w > end)
			break;
		put(a, row, at, s, glyph, w);
		at += w;
	}
	return at - col;
}

void area_field(const struct area *a, int row, int col, int width, bool right, struct style s,
		const char *text)
{
	if (width <= 0)
		return;
	int w = text_width(text);
	area_fill(a, row, col, 1, width, s);
	if (w <= width) {
		area_text(a, row, right ? col + width - w : col, width, s, text);
		return;
	}
	int n = area_text(a, row, col, width - 1, s, text);
	area_text(a, row, col + n, 1, s, "…");
}

int area_printf(const struct area *a, int row, int col, struct style s, const char *fmt, ...)
{
	AUTO_BUF struct buf b = {0};
	va_list ap;
	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	return area_text(a, row, col, -1, s, buf_text(&b));
}

/* Bytes of @s that fit into @width columns, at least one character. */
static size_t fitting(const char *s, size_t n, int width)
{
	size_t at = 0;
	uint32_t ch;
	for (size_t k; at < n && (k = utf8_next(s + at, &ch)); at += k) {
		int w = glyph_width(ch);
		width -= w < 0 ? 1 : w;
		if (width < 0 && at)
			break;
	}
	return at < n ? at : n;
}

const char *text_line(const char *text, int width, size_t *n)
{
	const char *p = text;
	int col = 0;
	*n = 0;
	while (*p && *p != '\n') {
		uint32_t ch;
		size_t k = strcspn(p, " \n");
		AUTO_FREE char *word = x_strndup(p, k);
		int w = text_width(word);
		if (col && col + w > width)
			break;
		if (w > width) { /* a path, say: cut where the line ends */
			k = fitting(p, k, width);
			k = k ? k : utf8_next(p, &ch);
			w = width;
		}
		size_t spaces = strspn(p + k, " ");
		*n = (size_t)(p - text) + k;
		col += w + (int)spaces;
		p += k + spaces;
	}
	return *p == '\n' ? p + 1 : p;
}

int text_wrap(const struct area *a, int row, int left, int width, struct style s, const char *text)
{
	int line = 0;
	const char *next;
	for (const char *p = text; *p; p = next, line++) {
		size_t n;
		next = text_line(p, width, &n);
		AUTO_FREE char *one = x_strndup(p, n);
		if (a)
			area_text(a, row + line, left, width, s, one);
	}
	return line + (!line || text[strlen(text) - 1] == '\n');
}

void area_fill(const struct area *a, int row, int col, int rows, int cols, struct style s)
{
	for (int r = row; r < row + rows && r < a->rows; r++)
		for (int c = col; c < col + cols && c < a->cols; c++)
			put(a, r, c, s, " ", 1);
}

void area_box(const struct area *a, struct style s, struct style title_style, const char *title)
{
	int b = a->rows - 1, r = a->cols - 1;
	for (int c = 1; c < r; c++) {
		put(a, 0, c, s, "─", 1);
		put(a, b, c, s, "─", 1);
	}
	for (int i = 1; i < b; i++) {
		put(a, i, 0, s, "│", 1);
		put(a, i, r, s, "│", 1);
	}
	put(a, 0, 0, s, "┌", 1);
	put(a, 0, r, s, "┐", 1);
	put(a, b, 0, s, "└", 1);
	put(a, b, r, s, "┘", 1);
	if (title && *title && a->cols > 6) {
		int w = text_width(title);
		w = w > a->cols - 6 ? a->cols - 6 : w;
		put(a, 0, 2, title_style, " ", 1);
		area_field(a, 0, 3, w, false, title_style, title);
		put(a, 0, 3 + w, title_style, " ", 1);
	}
}

void area_bar(const struct area *a, int row, int col, int width, double part, struct style full,
	      struct style empty)
{
	part = part < 0 || part != part ? 0 : part > 1 ? 1 : part;
	int n = (int)(part * width + 0.5);
	for (int i = 0; i < width; i++)
		put(a, row, col + i, i < n ? full : empty, i < n ? "█" : "░", 1);
}

void area_spark(const struct area *a, int row, int col, int width, const float *values, size_t n,
		struct style s)
{
	static const char *const steps[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
	for (int i = 0; i < width; i++) {
		long k = (long)n - width + i;
		const char *glyph = " ";
		if (k >= 0 && values[k] >= 0)
			glyph = steps[clip((int)(values[k] * 8), 0, 7)];
		put(a, row, col + i, s, glyph, 1);
	}
}

void area_cell(const struct area *a, int row, int col, const struct vt_cell *cell, bool reverse)
{
	char text[CELL_TEXT];
	if (!cell->width)
		return; /* drawn with its first half */
	vt_cell_text(cell, text);
	struct style s = {cell->fg, cell->bg, cell->attrs};
	if (s.attrs & VT_HIDDEN)
		strcpy(text, cell->width == 2 ? "  " : " ");
	if (reverse)
		s.attrs ^= VT_REVERSE;
	if (cell->width == 2 && (s.attrs & VT_HIDDEN)) {
		put(a, row, col, s, " ", 1);
		put(a, row, col + 1, s, " ", 1);
		return;
	}
	put(a, row, col, s, text, cell->width);
}

void area_cursor(const struct area *a, int row, int col, enum vt_cursor_shape shape)
{
	if (row < 0 || col < 0 || row >= a->rows || col >= a->cols)
		return;
	a->canvas->cursor_row = a->row + row;
	a->canvas->cursor_col = a->col + col;
	a->canvas->cursor_shape = shape;
}

void canvas_dump(const struct canvas *c, struct buf *out)
{
	for (int r = 0; r < c->rows; r++) {
		size_t start = out->len;
		for (int i = 0; i < c->cols; i++)
			buf_puts(out, c->cells[(size_t)r * c->cols + i].text);
		while (out->len > start && out->s[out->len - 1] == ' ')
			out->s[--out->len] = 0;
		buf_puts(out, "\n");
	}
}

static void style_words(struct style s, struct buf *out)
{
	static const char *const names[] = {"bold",  "dim",     "italic", "underline",
					    "blink", "reverse", "hidden", "strike"};
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		if (s.attrs & (1u << i))
			buf_printf(out, " %s", names[i]);
	if (s.fg != VT_DEFAULT)
		buf_printf(out, " fg=%s%x", s.fg & VT_RGB ? "#" : "", s.fg & 0xffffff);
	if (s.bg != VT_DEFAULT)
		buf_printf(out, " bg=%s%x", s.bg & VT_RGB ? "#" : "", s.bg & 0xffffff);
}

void canvas_dump_styles(const struct canvas *c, struct buf *out)
{
	struct style seen[26];
	size_t n = 0;
	for (int r = 0; r < c->rows; r++) {
		for (int i = 0; i < c->cols; i++) {
			struct style s = c->cells[(size_t)r * c->cols + i].style;
			size_t k = 0;
			while (k < n && memcmp(&seen[k], &s, sizeof(s.fg) * 2 + sizeof(s.attrs)))
				k++;
			if (k == n && n < ARRAY_SIZE(seen))
				seen[n++] = s;
			bool plain = !s.attrs && s.fg == VT_DEFAULT && s.bg == VT_DEFAULT;
			buf_printf(out, "%c", plain ? '.' : k < n ? 'a' + (int)k : '?');
		}
		buf_puts(out, "\n");
	}
	buf_puts(out, "\n");
	for (size_t k = 0; k < n; k++) {
		buf_printf(out, "%c", 'a' + (int)k);
		style_words(seen[k], out);
		buf_puts(out, "\n");
	}
}
