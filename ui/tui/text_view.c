#include "ui/tui/text_view.h"

#include <string.h>

#include "src/base/cp437.h"

#define ATTR_BRIGHT 0x80

void text_view_reset(struct text_view *v)
{
	v->selecting = v->marked = v->dragging = false;
}

/* VGA counts blue, green, red; terminals red, green, blue. */
static uint32_t colour(unsigned vga)
{
	static const uint8_t ansi[] = {0, 4, 2, 6, 1, 5, 3, 7};
	return VT_INDEXED | (ansi[vga & 7] + (vga & 8));
}

static struct style style_of(const struct screen_text *t, uint16_t cell)
{
	unsigned attr = cell >> 8;
	bool blinks = t->blink && attr & ATTR_BRIGHT;
	return (struct style){.fg = colour(attr & 15),
			      .bg = colour(t->blink ? attr >> 4 & 7 : attr >> 4),
			      .attrs = blinks ? VT_BLINK : 0};
}

/* Is the selection, line by line as text is, over this cell? */
static bool selected(const struct text_view *v, int row, int col)
{
	if (!v->marked)
		return false;
	bool down = v->mark_row < v->row || (v->mark_row == v->row && v->mark_col <= v->col);
	int r0 = down ? v->mark_row : v->row, c0 = down ? v->mark_col : v->col;
	int r1 = down ? v->row : v->mark_row, c1 = down ? v->col : v->mark_col;
	return (row > r0 || (row == r0 && col >= c0)) && (row < r1 || (row == r1 && col <= c1));
}

/* The first of @n that is shown in @room, so that @at is seen. */
static int shown_from(int from, int at, int n, int room)
{
	if (n <= room)
		return 0;
	if (at >= 0 && at < from)
		from = at;
	if (at >= 0 && at >= from + room)
		from = at - room + 1;
	return from > n - room ? n - room : from < 0 ? 0 : from;
}

void text_view_draw(struct text_view *v, const struct screen_text *t, const uint16_t *cells,
		    const struct area *a, bool focus)
{
	int rows = (int)t->rows, cols = (int)t->cols;
	int at_row = v->selecting ? v->row : t->cursor_x < 0 ? -1 : t->cursor_y;
	int at_col = v->selecting ? v->col : t->cursor_x;
	v->top = shown_from(v->top, at_row, rows, a->rows);
	v->left = shown_from(v->left, at_col, cols, a->cols);
	v->pad_row = rows < a->rows ? (a->rows - rows) / 2 : 0;
	v->pad_col = cols < a->cols ? (a->cols - cols) / 2 : 0;
	for (int r = 0; r < a->rows - v->pad_row && v->top + r < rows; r++)
		for (int c = 0; c < a->cols - v->pad_col && v->left + c < cols; c++) {
			uint16_t cell = cells[(v->top + r) * cols + v->left + c];
			struct style s = style_of(t, cell);
			char text[5] = {0};
			utf8_put(cp437_char((uint8_t)cell), text);
			if (selected(v, v->top + r, v->left + c))
				s.attrs ^= VT_REVERSE;
			area_text(a, v->pad_row + r, v->pad_col + c, 1, s, text);
		}
	if (focus && at_row >= 0 && at_col >= 0)
		area_cursor(a, v->pad_row + at_row - v->top, v->pad_col + at_col - v->left,
			    v->selecting ? VT_CURSOR_BLOCK : VT_CURSOR_UNDERLINE);
}

static int within(int at, int n)
{
	return at < 0 ? 0 : at >= n ? n - 1 : at;
}

void text_view_begin(struct text_view *v, const struct screen_text *t)
{
	text_view_reset(v);
	v->selecting = true;
	v->row = within(t->cursor_x < 0 ? 0 : t->cursor_y, (int)t->rows);
	v->col = within(t->cursor_x, (int)t->cols);
}

enum text_view_answer text_view_key(struct text_view *v, const struct screen_text *t, struct key k)
{
	int rows = (int)t->rows, cols = (int)t->cols;
	if (k.code == VT_KEY_ESCAPE || k.code == 'q') {
		text_view_reset(v);
	} else if (k.code == VT_KEY_ENTER || k.code == 'y') {
		if (v->marked)
			return TEXT_VIEW_COPY;
		text_view_reset(v);
	} else if (k.code == ' ' || k.code == 'v') {
		v->marked = !v->marked;
		v->mark_row = v->row;
		v->mark_col = v->col;
	} else if (k.code == VT_KEY_UP || k.code == 'k') {
		v->row = within(v->row - 1, rows);
	} else if (k.code == VT_KEY_DOWN || k.code == 'j') {
		v->row = within(v->row + 1, rows);
	} else if (k.code == VT_KEY_LEFT || k.code == 'h') {
		v->col = within(v->col - 1, cols);
	} else if (k.code == VT_KEY_RIGHT || k.code == 'l') {
		v->col = within(v->col + 1, cols);
	} else if (k.code == VT_KEY_HOME) {
		v->col = 0;
	} else if (k.code == VT_KEY_END) {
		v->col = cols - 1;
	} else if (k.code == VT_KEY_PGUP) {
		v->row = 0;
	} else if (k.code == VT_KEY_PGDN) {
		v->row = rows - 1;
	}
	return TEXT_VIEW_NOTHING;
}

enum text_view_answer text_view_mouse(struct text_view *v, const struct screen_text *t,
				      const struct vt_mouse *m, int row, int col)
{
	row = within(row - v->pad_row + v->top, (int)t->rows);
	col = within(col - v->pad_col + v->left, (int)t->cols);
	if (m->action == VT_MOUSE_PRESS && m->button == VT_BUTTON_LEFT) {
		text_view_reset(v);
		v->dragging = true;
		v->mark_row = row;
		v->mark_col = col;
	} else if (m->action == VT_MOUSE_MOVE && v->dragging) {
		v->marked = v->marked || row != v->mark_row || col != v->mark_col;
	} else if (m->action == VT_MOUSE_RELEASE && v->dragging) {
		v->dragging = false;
		return v->marked ? TEXT_VIEW_COPY : TEXT_VIEW_NOTHING;
	} else if (m->action == VT_MOUSE_PRESS && m->button == VT_BUTTON_WHEEL_UP) {
		v->top -= v->top > 0;
	} else if (m->action == VT_MOUSE_PRESS && m->button == VT_BUTTON_WHEEL_DOWN) {
		v->top++;
	}
	if (v->dragging) {
		v->row = row;
		v->col = col;
	}
	return TEXT_VIEW_NOTHING;
}

char *text_view_selected(const struct text_view *v, const struct screen_text *t, const uint16_t *cells)
{
	struct buf out = {0};
	bool any = false;
	for (int r = 0; r < (int)t->rows; r++) {
		size_t end = 0;
		bool here = false;
		struct buf line = {0};
		for (int c = 0; c < (int)t->cols; c++) {
			char text[5] = {0};
			if (!selected(v, r, c))
				continue;
			here = true;
			uint32_t ch = cp437_char((uint8_t)cells[r * (int)t->cols + c]);
			buf_add(&line, text, utf8_put(ch, text));
			end = ch != ' ' ? line.len : end;
		}
		if (here && any)
			buf_puts(&out, "\n");
		buf_add(&out, line.s, end);
		any |= here;
		buf_done(&line);
	}
	return buf_take(&out);
}
