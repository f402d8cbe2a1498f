/* Looking back in a console: scrolling, and the copy mode over it. A line counts from the oldest that is
 * kept; the screen's rows are the last ones. */
#include "ui/tui/console_internal.h"

#include <stdlib.h>
#include <string.h>

#include "src/base/cleanup.h"
#include "ui/tui/dialog.h"

static const struct vt_cell *source_cell(void *ctx, int line, int col)
{
	struct vt *vt = ctx;
	int count = vt_scroll_count(vt);
	if (line >= count)
		return vt_cell(vt, line - count, col);
	const struct vt_line *l = vt_scroll_line(vt, line);
	return l && col < l->len ? &l->cells[col] : vt_cell(vt, -1, -1);
}

static bool source_wrapped(void *ctx, int line)
{
	struct vt *vt = ctx;
	int count = vt_scroll_count(vt);
	const struct vt_line *l = line < count ? vt_scroll_line(vt, line) : NULL;
	return l ? l->wrapped : vt_row_wrapped(vt, line - count);
}

static struct copy_source source(struct console *c)
{
	return (struct copy_source){vt_scroll_count(c->vt) + vt_rows(c->vt), vt_cols(c->vt), source_cell,
				    source_wrapped, c->vt};
}

static void scroll_to(struct console *c, int back)
{
	int lines = vt_scroll_count(c->vt);
	c->scroll = back < 0 ? 0 : back > lines ? lines : back;
}

void console_follow(struct console *c)
{
	uint64_t total = vt_scroll_total(c->vt);
	int count = vt_scroll_count(c->vt), more = (int)(total - c->scroll_total);
	copy_dropped(&c->copy, more - (count - c->lines_kept));
	if (c->scroll || c->copy.on)
		c->scroll += more;
	c->scroll_total = total;
	c->lines_kept = count;
	scroll_to(c, c->scroll);
}

/* Have the cursor's line on the screen. */
static void show_cursor(struct console *c)
{
	int count = vt_scroll_count(c->vt), top = count - c->scroll;
	if (c->copy.at.line < top)
		scroll_to(c, count - c->copy.at.line);
	else if (c->copy.at.line >= top + vt_rows(c->vt))
		scroll_to(c, count - (c->copy.at.line - vt_rows(c->vt) + 1));
}

/* Into copy mode, with the cursor where it is seen. */
static void begin(struct console *c)
{
	int row, col;
	vt_cursor(c->vt, &row, &col);
	copy_start(&c->copy, (struct copy_place){vt_scroll_count(c->vt) - c->scroll + row, col});
}

static void end(struct console *c)
{
	c->copy.on = false;
	c->scroll = 0;
}

static void take(struct console *c)
{
	AUTO_BUF struct buf text = {0};
	struct copy_source s = source(c);
	copy_text(&c->copy, &s, &text);
	deck_copy(c->all->deck, buf_text(&text), text.len);
}

static void search(struct deck *d, const char *text, bool last)
{
	struct console *c = d->consoles->shown;
	if (!c || !c->copy.on)
		return;
	struct copy_source s = source(c);
	if (!text) { /* given up */
		c->copy.wanted[0] = 0;
		return;
	}
	bool found = copy_search(&c->copy, &s, *text ? text : c->copy.wanted);
	if (found)
		show_cursor(c);
	c->not_found = !found && last && *c->copy.wanted;
}

static void search_change(struct deck *d, const char *text)
{
	if (*text)
		search(d, text, false);
}

static void search_done(struct deck *d, const char *text)
{
	search(d, text, true);
}

void console_copy_key(struct console *c, struct key k)
{
	struct copy_source s = source(c);
	c->not_found = false;
	switch (copy_key(&c->copy, &s, k, vt_rows(c->vt) > 2 ? vt_rows(c->vt) - 2 : 1)) {
	case COPY_STAYS:
		show_cursor(c);
		break;
	case COPY_SEARCH:
		prompt_open(c->all->deck, c->copy.backward ? "search back: " : "search: ", NULL,
			    search_change, search_done);
		break;
	case COPY_COPIES:
		take(c);
		end(c);
		break;
	case COPY_LEAVES:
		end(c);
	}
}

static void wheel(struct console *c, int lines)
{
	scroll_to(c, c->scroll + lines);
	if (c->scroll) {
		begin(c);
		int top = vt_scroll_count(c->vt) - c->scroll, bottom = top + vt_rows(c->vt) - 1;
		c->copy.at.line = c->copy.at.line < top      ? top
				  : c->copy.at.line > bottom ? bottom
							     : c->copy.at.line;
	} else if (c->copy.marking == COPY_UNMARKED) {
		end(c);
	}
}

void console_copy_mouse(struct console *c, const struct vt_mouse *in)
{
	struct copy_place at = {vt_scroll_count(c->vt) - c->scroll + in->row, in->col};
	bool inside = in->row >= 0 && in->row < vt_rows(c->vt) && in->col >= 0 && in->col < vt_cols(c->vt);
	if (in->action == VT_MOUSE_PRESS && in->button == VT_BUTTON_WHEEL_UP) {
		wheel(c, 3);
	} else if (in->action == VT_MOUSE_PRESS && in->button == VT_BUTTON_WHEEL_DOWN) {
		wheel(c, -3);
	} else if (in->action == VT_MOUSE_PRESS && in->button == VT_BUTTON_LEFT && inside) {
		copy_press(&c->copy, at);
	} else if (in->action == VT_MOUSE_MOVE && c->copy.dragging && inside) {
		c->copy.on = true;
		copy_drag(&c->copy, at);
	} else if (in->action == VT_MOUSE_RELEASE && c->copy.dragging) {
		c->copy.dragging = false;
		if (c->copy.marking == COPY_UNMARKED)
			return;
		take(c);
		end(c);
	}
}

void console_copy_draw(struct console *c, const struct area *a, int row)
{
	unsigned char looks[VT_COLS_MAX];
	struct copy_source s = source(c);
	int line = vt_scroll_count(c->vt) - c->scroll + row,
	    cols = a->cols < VT_COLS_MAX ? a->cols : VT_COLS_MAX;
	copy_looks(&c->copy, &s, line, looks, cols);
	for (int col = 0; col < cols; col++) {
		struct cell *cell = looks[col] ? canvas_cell(a->canvas, a->row + row, a->col + col) : NULL;
		if (cell)
			cell->style = theme(looks[col] == LOOK_MARKED ? ROLE_SELECTED : ROLE_SORTED);
	}
	if (line == c->copy.at.line)
		area_cursor(a, row, c->copy.at.col, VT_CURSOR_BLOCK);
}

void console_leave(struct deck *d)
{
	struct console *c = d->consoles->shown;
	if (c)
		c->copy.on = c->not_found = false;
}

void console_scroll(struct deck *d, enum move m, bool copy)
{
	struct console *c = d->consoles->shown;
	if (!c)
		return;
	int lines = vt_scroll_count(c->vt), page = vt_rows(c->vt) > 2 ? vt_rows(c->vt) - 2 : 1;
	if (c->copy.on && m != MOVE_END) {
		uint32_t code = m == MOVE_PGUP   ? VT_KEY_PGUP
				: m == MOVE_PGDN ? VT_KEY_PGDN
				: m == MOVE_UP   ? VT_KEY_UP
						 : 'g';
		console_copy_key(c, (struct key){code, 0});
		if (m == MOVE_PGDN && !c->scroll && c->copy.marking == COPY_UNMARKED)
			end(c);
		return;
	}
	scroll_to(c, m == MOVE_PGUP   ? c->scroll + page
		     : m == MOVE_PGDN ? c->scroll - page
		     : m == MOVE_HOME ? lines
				      : 0);
	c->scroll_total = vt_scroll_total(c->vt);
	if (copy && (c->scroll || m == MOVE_UP))
		begin(c);
	else if (!c->scroll)
		end(c);
}
