/* The terminal itself: life, what a drawer reads, printing, controls and plain escape sequences. */
#include "ui/vt/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/str.h"

static int clip(int v, int low, int high)
{
	return v < low ? low : v > high ? high : v;
}

/* Life */

static void charsets_reset(struct vt *vt)
{
	memset(vt->charset, 'B', sizeof(vt->charset));
	vt->gl = 0;
	vt->single_shift = 0;
}

static void saved_reset(struct vt *vt)
{
	for (int i = 0; i < 2; i++)
		vt->saved[i] = (struct vt_saved){.charset = {'B', 'B', 'B', 'B'}};
}

/* All but size, scrollback, counters and the parser. */
static void state_reset(struct vt *vt)
{
	vt->grid = vt->alt;
	vt->pen = (struct vt_pen){0};
	vt_grid_erase_rows(vt, 0, vt->rows);
	vt->grid = vt->main;
	vt_grid_erase_rows(vt, 0, vt->rows);
	vt->top = 0;
	vt->bottom = vt->rows - 1;
	vt->row = vt->col = 0;
	vt->pending = false;
	charsets_reset(vt);
	saved_reset(vt);
	vt->last = 0;
	vt->modes = (struct vt_modes){.cursor_visible = true, .cursor_blink = true, .autowrap = true};
	for (int i = 0; i < VT_COLS_MAX; i++)
		vt->tabs[i] = i % 8 == 0;
	vt->title[0] = 0;
}

struct vt *vt_new(int rows, int cols, int scrollback_lines)
{
	struct vt *vt = x_calloc(1, sizeof(*vt));
	vt->gen = 1;
	vt->scroll_max = scrollback_lines > 0 ? scrollback_lines : 0;
	vt->scroll = x_calloc(vt->scroll_max, sizeof(*vt->scroll));
	vt_grid_init(vt, clip(rows, 1, VT_ROWS_MAX), clip(cols, 1, VT_COLS_MAX));
	state_reset(vt);
	return vt;
}

void vt_free(struct vt *vt)
{
	if (!vt)
		return;
	vt_grid_done(vt);
	free(vt);
}

void vt_reset(struct vt *vt)
{
	vt->gen++;
	state_reset(vt);
	vt->out_len = 0;
	vt->parser = (struct vt_parser){0};
}

void vt_resize(struct vt *vt, int rows, int cols)
{
	rows = clip(rows, 1, VT_ROWS_MAX);
	cols = clip(cols, 1, VT_COLS_MAX);
	if (rows == vt->rows && cols == vt->cols)
		return;
	vt->gen++;
	vt_grid_resize(vt, rows, cols);
	vt->top = 0;
	vt->bottom = rows - 1;
	vt_goto(vt, vt->row, vt->col);
	for (int i = 0; i < 2; i++) {
		vt->saved[i].row = clip(vt->saved[i].row, 0, rows - 1);
		vt->saved[i].col = clip(vt->saved[i].col, 0, cols - 1);
		vt->saved[i].pending = false;
	}
}

void vt_soft_reset(struct vt *vt)
{
	vt->modes.cursor_visible = vt->modes.autowrap = true;
	vt->modes.insert = vt->modes.origin = false;
	vt->modes.cursor_keys = vt->modes.keypad = false;
	vt->top = 0;
	vt->bottom = vt->rows - 1;
	vt->pen = (struct vt_pen){0};
	charsets_reset(vt);
	saved_reset(vt);
}

/* Reading */

int vt_rows(const struct vt *vt)
{
	return vt->rows;
}

int vt_cols(const struct vt *vt)
{
	return vt->cols;
}

const struct vt_cell *vt_cell(const struct vt *vt, int row, int col)
{
	static const struct vt_cell outside = {.width = 1};
	if (row < 0 || row >= vt->rows || col < 0 || col >= vt->cols)
		return &outside;
	return &vt->grid[row].cells[col];
}

void vt_cursor(const struct vt *vt, int *row, int *col)
{
	*row = vt->row;
	*col = vt->col;
}

const struct vt_modes *vt_modes(const struct vt *vt)
{
	return &vt->modes;
}

const char *vt_title(const struct vt *vt)
{
	return vt->title;
}

uint64_t vt_bells(const struct vt *vt)
{
	return vt->bells;
}

uint64_t vt_gen(const struct vt *vt)
{
	return vt->gen;
}

uint64_t vt_row_gen(const struct vt *vt, int row)
{
	return row < 0 || row >= vt->rows ? 0 : vt->grid[row].gen;
}

bool vt_row_wrapped(const struct vt *vt, int row)
{
	return row >= 0 && row < vt->rows && vt->grid[row].wrapped;
}

int vt_scroll_count(const struct vt *vt)
{
	return vt->scroll_count;
}

const struct vt_line *vt_scroll_line(const struct vt *vt, int i)
{
	if (i < 0 || i >= vt->scroll_count)
		return NULL;
	return &vt->scroll[(vt->scroll_head + i) % vt->scroll_max];
}

uint64_t vt_scroll_total(const struct vt *vt)
{
	return vt->scroll_total;
}

size_t vt_utf8_put(uint32_t cp, char *out)
{
	if (cp < 0x80) {
		out[0] = (char)cp;
		return 1;
	}
	size_t n = cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
	for (size_t i = n - 1; i > 0; i--, cp >>= 6)
		out[i] = (char)(0x80 | (cp & 0x3f));
	out[0] = (char)((0xf00 >> n) | cp);
	return n;
}

size_t vt_cell_text(const struct vt_cell *cell, char out[VT_CELL_TEXT])
{
	size_t n = 0;
	for (int i = 0; i < VT_CELL_CHARS && cell->ch[i]; i++)
		n += vt_utf8_put(cell->ch[i], out + n);
	if (!cell->ch[0] && cell->width)
		out[n++] = ' ';
	out[n] = 0;
	return n;
}

/* Answers */

size_t vt_output(struct vt *vt, void *out, size_t n)
{
	if (n > vt->out_len)
		n = vt->out_len;
	if (!n)
		return 0;
	memcpy(out, vt->out, n);
	vt->out_len -= n;
	memmove(vt->out, vt->out + n, vt->out_len);
	return n;
}

void vt_reply(struct vt *vt, const char *fmt, ...)
{
	char text[64];
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0 || n >= (int)sizeof(text) || vt->out_len + n > sizeof(vt->out))
		return;
	memcpy(vt->out + vt->out_len, text, n);
	vt->out_len += n;
}

/* Movement */

void vt_goto(struct vt *vt, int row, int col)
{
	vt->row = clip(row, 0, vt->rows - 1);
	vt->col = clip(col, 0, vt->cols - 1);
	vt->pending = false;
}

void vt_index(struct vt *vt)
{
	vt->pending = false;
	if (vt->row == vt->bottom)
		vt_grid_scroll(vt, vt->top, vt->bottom, 1, true);
	else if (vt->row < vt->rows - 1)
		vt->row++;
}

static void reverse_index(struct vt *vt)
{
	vt->pending = false;
	if (vt->row == vt->top)
		vt_grid_scroll(vt, vt->top, vt->bottom, -1, false);
	else if (vt->row > 0)
		vt->row--;
}

void vt_tab(struct vt *vt, int n)
{
	int step = n < 0 ? -1 : 1, col = vt->col;
	for (int left = n * step; left > 0; left--) {
		do
			col += step;
		while (col > 0 && col < vt->cols - 1 && !vt->tabs[col]);
		if (col <= 0 || col >= vt->cols - 1)
			break;
	}
	col = clip(col, 0, vt->cols - 1);
	if (col != vt->col)
		vt_goto(vt, vt->row, col);
}

void vt_save_cursor(struct vt *vt)
{
	struct vt_saved *s = &vt->saved[vt->grid == vt->alt];
	*s = (struct vt_saved){.row = vt->row,
			       .col = vt->col,
			       .pending = vt->pending,
			       .origin = vt->modes.origin,
			       .pen = vt->pen,
			       .gl = vt->gl};
	memcpy(s->charset, vt->charset, sizeof(s->charset));
}

void vt_restore_cursor(struct vt *vt)
{
	const struct vt_saved *s = &vt->saved[vt->grid == vt->alt];
	vt_goto(vt, s->row, s->col);
	vt->pending = s->pending && vt->modes.autowrap;
	vt->modes.origin = s->origin;
	vt->pen = s->pen;
	vt->gl = s->gl;
	memcpy(vt->charset, s->charset, sizeof(s->charset));
}

/* Printing */

/* DEC special graphics, 0x5f to 0x7e (VT100 user guide, table 3-9). */
static const uint16_t dec_graphics[] = {
    0x00a0, 0x25c6, 0x2592, 0x2409, 0x240c, 0x240d, 0x240a, 0x00b0, 0x00b1, 0x2424, 0x240b,
    0x2518, 0x2510, 0x250c, 0x2514, 0x253c, 0x23ba, 0x23bb, 0x2500, 0x23bc, 0x23bd, 0x251c,
    0x2524, 0x2534, 0x252c, 0x2502, 0x2264, 0x2265, 0x03c0, 0x2260, 0x00a3, 0x00b7,
};

static uint32_t in_charset(struct vt *vt, uint32_t cp)
{
	char set = vt->charset[vt->single_shift ? vt->single_shift : vt->gl];
	vt->single_shift = 0;
	if (set == '0' && cp >= 0x5f && cp <= 0x7e)
		return dec_graphics[cp - 0x5f];
	return set == 'A' && cp == '#' ? 0xa3 : cp;
}

static void combine(struct vt *vt, uint32_t cp)
{
	if (vt->pending)
		vt_grid_combine(vt, vt->row, vt->col, cp);
	else if (vt->col > 0)
		vt_grid_combine(vt, vt->row, vt->col - 1, cp);
}

static void wrap(struct vt *vt)
{
	vt->grid[vt->row].wrapped = true;
	vt_index(vt);
	vt->col = 0;
}

/* Put a character of 1 or 2 columns at the cursor. */
static void put(struct vt *vt, uint32_t cp, int width)
{
	if (width > vt->cols) {
		cp = 0xfffd;
		width = 1;
	}
	if (vt->pending)
		wrap(vt);
	if (vt->col + width > vt->cols) {
		if (vt->modes.autowrap)
			wrap(vt);
		else
			vt->col = vt->cols - width;
	}
	if (vt->modes.insert)
		vt_grid_insert(vt, vt->row, vt->col, width);
	vt_grid_put(vt, vt->row, vt->col, cp, width);
	vt->col += width;
	if (vt->col >= vt->cols) {
		vt->col = vt->cols - 1;
		vt->pending = vt->modes.autowrap;
	}
}

void vt_print(struct vt *vt, uint32_t cp)
{
	if (cp < 0x80)
		cp = in_charset(vt, cp);
	int width = vt_width(cp);
	if (width == 0)
		combine(vt, cp);
	if (width <= 0)
		return;
	vt->last = cp;
	put(vt, cp, width);
}

void vt_repeat(struct vt *vt, int n)
{
	while (vt->last && n-- > 0)
		put(vt, vt->last, vt_width(vt->last));
}

/* Controls and escape sequences */

void vt_control(struct vt *vt, uint8_t c)
{
	switch (c) {
	case '\a':
		vt->bells++;
		break;
	case '\b':
		vt_goto(vt, vt->row, vt->col - 1);
		break;
	case '\t':
		vt_tab(vt, 1);
		break;
	case '\n':
	case '\v':
	case '\f':
		vt_index(vt);
		if (vt->modes.newline)
			vt->col = 0;
		break;
	case '\r':
		vt_goto(vt, vt->row, 0);
		break;
	case 0x0e: /* SO */
		vt->gl = 1;
		break;
	case 0x0f: /* SI */
		vt->gl = 0;
		break;
	}
}

/* DECALN: a screen of E to adjust the picture by. */
static void alignment(struct vt *vt)
{
	vt->top = 0;
	vt->bottom = vt->rows - 1;
	vt_goto(vt, 0, 0);
	vt_grid_fill(vt, 'E');
}

static void escape_plain(struct vt *vt, uint8_t final)
{
	switch (final) {
	case '7':
		vt_save_cursor(vt);
		break;
	case '8':
		vt_restore_cursor(vt);
		break;
	case '=':
		vt->modes.keypad = true;
		break;
	case '>':
		vt->modes.keypad = false;
		break;
	case 'D':
		vt_index(vt);
		break;
	case 'E':
		vt_index(vt);
		vt->col = 0;
		break;
	case 'H':
		vt->tabs[vt->col] = true;
		break;
	case 'M':
		reverse_index(vt);
		break;
	case 'N':
	case 'O':
		vt->single_shift = final == 'N' ? 2 : 3;
		break;
	case 'Z':
		vt_reply(vt, "\033[?62;22c");
		break;
	case 'c':
		state_reset(vt);
		break;
	case 'n':
	case 'o':
		vt->gl = final == 'n' ? 2 : 3;
		break;
	}
}

void vt_escape(struct vt *vt, uint8_t final)
{
	char inter = vt->parser.ninter ? vt->parser.inter[0] : 0;
	if (!inter)
		escape_plain(vt, final);
	else if (inter >= '(' && inter <= '+')
		vt->charset[inter - '('] = (char) final;
	else if (inter == '#' && final == '8')
		alignment(vt);
}

/* What may be shown of @n bytes of @text becomes the title. */
static void set_title(struct vt *vt, const char *text, int n)
{
	struct vt_utf8 u = {0};
	size_t len = 0;
	for (int i = 0; i < n; i++) {
		enum vt_utf8_result r = vt_utf8(&u, (uint8_t)text[i]);
		if (r == VT_UTF8_RETRY)
			r = vt_utf8(&u, (uint8_t)text[i]);
		if (r != VT_UTF8_CHAR || vt_width(u.cp) < 0)
			continue;
		if (len + 4 >= sizeof(vt->title))
			break;
		len += vt_utf8_put(u.cp, vt->title + len);
	}
	vt->title[len] = 0;
}

/* OSC 0 and 2 set the title; all others do nothing, least of all 52, which would write the user's clipboard.
 */
void vt_osc(struct vt *vt)
{
	const struct vt_parser *p = &vt->parser;
	if (p->osc_len >= 2 && (p->osc[0] == '0' || p->osc[0] == '2') && p->osc[1] == ';')
		set_title(vt, p->osc + 2, p->osc_len - 2);
}
