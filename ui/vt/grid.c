/* The rows and cells of a terminal: writing, erasing, shifting, scrolling, the lines kept, another size.
 *
 * Whoever changes a range of a row first parts the wide characters that straddle its ends (part()), so that a
 * wide cell and its second half always come and go together. */
#include "ui/vt/internal.h"

#include <stdlib.h>
#include <string.h>

#include "src/base/str.h"

static int min_int(int a, int b)
{
	return a < b ? a : b;
}

static void blank(struct vt_cell *c, int n, uint32_t bg)
{
	for (int i = 0; i < n; i++)
		c[i] = (struct vt_cell){.bg = bg, .width = 1};
}

/* The row is about to change: what it hides is out of date now. */
static struct vt_row *touch(struct vt *vt, int row)
{
	struct vt_row *r = &vt->grid[row];
	r->gen = vt->gen;
	r->len = vt->cols;
	return r;
}

void vt_grid_touch_all(struct vt *vt)
{
	for (int i = 0; i < vt->rows; i++)
		vt->grid[i].gen = vt->gen;
}

/* Make @r at least @cols wide. */
static void widen(struct vt_row *r, int cols)
{
	if (r->cap < cols) {
		r->cells = x_realloc(r->cells, cols * sizeof(*r->cells));
		r->cap = cols;
	}
	if (r->len < cols) {
		blank(r->cells + r->len, cols - r->len, VT_DEFAULT);
		r->len = cols;
	}
}

static void clear_row(struct vt *vt, int row, uint32_t bg)
{
	struct vt_row *r = touch(vt, row);
	blank(r->cells, vt->cols, bg);
	r->wrapped = false;
}

/* Blank the wide character that reaches across the left edge of @col. */
static void part(struct vt *vt, struct vt_row *r, int col)
{
	if (col <= 0 || col >= vt->cols || r->cells[col].width != 0)
		return;
	for (int i = col - 1; i <= col; i++) {
		memset(r->cells[i].ch, 0, sizeof(r->cells[i].ch));
		r->cells[i].width = 1;
	}
}

void vt_grid_put(struct vt *vt, int row, int col, uint32_t cp, int width)
{
	struct vt_row *r = touch(vt, row);
	part(vt, r, col);
	part(vt, r, col + width);
	struct vt_cell c = {
	    .ch = {cp}, .fg = vt->pen.fg, .bg = vt->pen.bg, .attrs = vt->pen.attrs, .width = (uint8_t)width};
	r->cells[col] = c;
	if (width == 2) {
		c.ch[0] = 0;
		c.width = 0;
		r->cells[col + 1] = c;
	}
}

void vt_grid_combine(struct vt *vt, int row, int col, uint32_t cp)
{
	struct vt_row *r = touch(vt, row);
	if (col > 0 && r->cells[col].width == 0)
		col--;
	uint32_t *ch = r->cells[col].ch;
	if (!ch[0])
		ch[0] = ' ';
	for (int i = 1; i < VT_CELL_CHARS; i++)
		if (!ch[i]) {
			ch[i] = cp;
			return;
		}
}

void vt_grid_fill(struct vt *vt, uint32_t cp)
{
	for (int row = 0; row < vt->rows; row++) {
		struct vt_row *r = touch(vt, row);
		r->wrapped = false;
		for (int col = 0; col < vt->cols; col++)
			r->cells[col] = (struct vt_cell){.ch = {cp}, .width = 1};
	}
}

void vt_grid_erase(struct vt *vt, int row, int from, int to)
{
	struct vt_row *r = touch(vt, row);
	part(vt, r, from);
	part(vt, r, to);
	blank(r->cells + from, to - from, vt->pen.bg);
	if (to == vt->cols)
		r->wrapped = false;
}

void vt_grid_erase_rows(struct vt *vt, int from, int to)
{
	for (int row = from; row < to; row++)
		clear_row(vt, row, vt->pen.bg);
}

void vt_grid_insert(struct vt *vt, int row, int col, int n)
{
	struct vt_row *r = touch(vt, row);
	n = min_int(n, vt->cols - col);
	part(vt, r, col);
	part(vt, r, vt->cols - n);
	memmove(r->cells + col + n, r->cells + col, (vt->cols - col - n) * sizeof(*r->cells));
	blank(r->cells + col, n, vt->pen.bg);
	r->wrapped = false;
}

void vt_grid_delete(struct vt *vt, int row, int col, int n)
{
	struct vt_row *r = touch(vt, row);
	n = min_int(n, vt->cols - col);
	part(vt, r, col);
	part(vt, r, col + n);
	memmove(r->cells + col, r->cells + col + n, (vt->cols - col - n) * sizeof(*r->cells));
	blank(r->cells + vt->cols - n, n, vt->pen.bg);
	r->wrapped = false;
}

/* Scrollback */

static bool is_plain_blank(const struct vt_cell *c)
{
	return !c->ch[0] && c->width == 1 && c->bg == VT_DEFAULT && !c->attrs;
}

static int used_len(const struct vt_row *r)
{
	int n = r->len;
	while (n > 0 && is_plain_blank(&r->cells[n - 1]))
		n--;
	return n;
}

static void scroll_push(struct vt *vt, const struct vt_row *r)
{
	if (!vt->scroll_max)
		return;
	int at = (vt->scroll_head + vt->scroll_count) % vt->scroll_max;
	if (vt->scroll_count == vt->scroll_max) {
		free(vt->scroll[at].cells);
		vt->scroll_head = (vt->scroll_head + 1) % vt->scroll_max;
	} else {
		vt->scroll_count++;
	}
	struct vt_line *l = &vt->scroll[at];
	*l = (struct vt_line){.len = used_len(r), .wrapped = r->wrapped};
	if (l->len) {
		l->cells = x_malloc(l->len * sizeof(*l->cells));
		memcpy(l->cells, r->cells, l->len * sizeof(*l->cells));
	}
	vt->scroll_total++;
}

/* The newest line, out of the scrollback and into the blank row @r. */
static void scroll_pop(struct vt *vt, struct vt_row *r)
{
	struct vt_line *l = &vt->scroll[(vt->scroll_head + vt->scroll_count - 1) % vt->scroll_max];
	widen(r, l->len);
	if (l->len)
		memcpy(r->cells, l->cells, l->len * sizeof(*l->cells));
	r->wrapped = l->wrapped;
	free(l->cells);
	*l = (struct vt_line){0};
	vt->scroll_count--;
	vt->scroll_total--;
}

void vt_scroll_clear(struct vt *vt)
{
	for (int i = 0; i < vt->scroll_count; i++) {
		struct vt_line *l = &vt->scroll[(vt->scroll_head + i) % vt->scroll_max];
		free(l->cells);
		*l = (struct vt_line){0};
	}
	vt->scroll_count = vt->scroll_head = vt->scroll_shrunk = 0;
}

/* Scrolling */

static void rotate_up(struct vt_row *rows, int top, int bottom)
{
	struct vt_row first = rows[top];
	memmove(rows + top, rows + top + 1, (bottom - top) * sizeof(*rows));
	rows[bottom] = first;
}

static void rotate_down(struct vt_row *rows, int top, int bottom)
{
	struct vt_row last = rows[bottom];
	memmove(rows + top + 1, rows + top, (bottom - top) * sizeof(*rows));
	rows[top] = last;
}

void vt_grid_scroll(struct vt *vt, int top, int bottom, int n, bool keep)
{
	int height = bottom - top + 1;
	n = n > height ? height : n < -height ? -height : n;
	keep = keep && top == 0 && vt->grid == vt->main;
	for (int i = 0; i < n; i++) {
		if (keep)
			scroll_push(vt, &vt->grid[top]);
		rotate_up(vt->grid, top, bottom);
		clear_row(vt, bottom, vt->pen.bg);
	}
	for (int i = 0; i < -n; i++) {
		rotate_down(vt->grid, top, bottom);
		clear_row(vt, top, vt->pen.bg);
	}
	for (int row = top; row <= bottom; row++)
		vt->grid[row].gen = vt->gen;
}

/* Life and size */

static void add_row(struct vt *vt, struct vt_row *r, int cols)
{
	*r = (struct vt_row){.gen = vt->gen};
	widen(r, cols);
}

void vt_grid_init(struct vt *vt, int rows, int cols)
{
	vt->rows = rows;
	vt->cols = cols;
	vt->main = x_malloc(rows * sizeof(*vt->main));
	vt->alt = x_malloc(rows * sizeof(*vt->alt));
	for (int i = 0; i < rows; i++) {
		add_row(vt, &vt->main[i], cols);
		add_row(vt, &vt->alt[i], cols);
	}
	vt->grid = vt->main;
}

void vt_grid_done(struct vt *vt)
{
	for (int i = 0; i < vt->rows; i++) {
		free(vt->main[i].cells);
		free(vt->alt[i].cells);
	}
	free(vt->main);
	free(vt->alt);
	vt_scroll_clear(vt);
	free(vt->scroll);
}

/* Fewer rows: blank ones below the cursor go first, then those at the top, never the cursor's. */
static int shrink_rows(struct vt *vt, struct vt_row *grid, int rows, int cursor, bool keep)
{
	int excess = vt->rows - rows, below = 0;
	while (below < excess && vt->rows - 1 - below > cursor && !used_len(&grid[vt->rows - 1 - below]))
		below++;
	int above = min_int(excess - below, cursor);
	for (int i = vt->rows - (excess - above); i < vt->rows; i++)
		free(grid[i].cells);
	for (int i = 0; i < above; i++) {
		if (keep) {
			scroll_push(vt, &grid[i]);
			vt->scroll_shrunk = min_int(vt->scroll_shrunk + 1, vt->scroll_count);
		}
		free(grid[i].cells);
	}
	memmove(grid, grid + above, rows * sizeof(*grid));
	return -above;
}

/* More rows: at the top what shrinking took away, if it did, the rest at the bottom. */
static int grow_rows(struct vt *vt, struct vt_row *grid, int rows, bool keep)
{
	int back = keep ? min_int(rows - vt->rows, vt->scroll_shrunk) : 0;
	memmove(grid + back, grid, vt->rows * sizeof(*grid));
	for (int i = back - 1; i >= 0; i--) {
		add_row(vt, &grid[i], vt->cols);
		scroll_pop(vt, &grid[i]);
	}
	if (keep)
		vt->scroll_shrunk -= back;
	for (int i = vt->rows + back; i < rows; i++)
		add_row(vt, &grid[i], vt->cols);
	return back;
}

/* Return: how far down the contents of @grid went. @keep: with the scrollback. */
static int resize_rows(struct vt *vt, struct vt_row **grid, int rows, int cursor, bool keep)
{
	int shift = 0;
	if (rows < vt->rows)
		shift = shrink_rows(vt, *grid, rows, cursor, keep);
	*grid = x_realloc(*grid, rows * sizeof(**grid));
	if (rows > vt->rows)
		shift = grow_rows(vt, *grid, rows, keep);
	return shift;
}

/* Columns: a narrower screen only hides, but a wide character across the new edge goes. */
static void fit_cols(struct vt *vt, struct vt_row *r, int cols)
{
	r->gen = vt->gen;
	widen(r, cols);
	struct vt_cell *last = &r->cells[cols - 1];
	if (last->width == 2) {
		memset(last->ch, 0, sizeof(last->ch));
		last->width = 1;
		r->len = cols;
	}
}

void vt_grid_resize(struct vt *vt, int rows, int cols)
{
	bool alt = vt->grid == vt->alt;
	int down_main = resize_rows(vt, &vt->main, rows, alt ? vt->saved[0].row : vt->row, true);
	int down_alt = resize_rows(vt, &vt->alt, rows, alt ? vt->row : 0, false);
	vt->rows = rows;
	vt->cols = cols;
	vt->grid = alt ? vt->alt : vt->main;
	for (int i = 0; i < rows; i++) {
		fit_cols(vt, &vt->main[i], cols);
		fit_cols(vt, &vt->alt[i], cols);
	}
	vt->row += alt ? down_alt : down_main;
	vt->saved[0].row += down_main;
	vt->saved[1].row += down_alt;
}
