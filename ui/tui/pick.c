#include "ui/tui/pick.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "src/base/cleanup.h"
#include "ui/tui/line.h"
#include "ui/tui/theme.h"

struct pick {
	char *title;
	const struct option *options;
	size_t n;
	size_t *shown; /* indices of those that the filter lets through */
	size_t nshown, at, top;
	int seen;
	struct line filter;
	struct area area; /* where it was drawn last, frame included */
};

bool filter_match(const char *filter, const char *text, const char *more)
{
	AUTO_FREE char *words = x_strdup(filter);
	char *save = NULL;
	for (char *w = strtok_r(words, " ", &save); w; w = strtok_r(NULL, " ", &save))
		if (!strcasestr(text, w) && !(more && strcasestr(more, w)))
			return false;
	return true;
}

size_t list_moved(size_t at, size_t n, int seen, uint32_t key_code)
{
	size_t page = seen > 1 ? (size_t)seen - 1 : 1, last = n ? n - 1 : 0;
	switch (key_code) {
	case VT_KEY_UP:
		return at ? at - 1 : 0;
	case VT_KEY_DOWN:
		return at < last ? at + 1 : last;
	case VT_KEY_PGUP:
		return at > page ? at - page : 0;
	case VT_KEY_PGDN:
		return at + page < last ? at + page : last;
	case VT_KEY_HOME:
		return 0;
	case VT_KEY_END:
		return last;
	}
	return at < n ? at : last;
}

size_t list_top(size_t top, size_t at, size_t n, int seen)
{
	size_t rows = seen > 0 ? (size_t)seen : 1;
	if (at < top)
		top = at;
	if (at >= top + rows)
		top = at - rows + 1;
	if (top + rows > n)
		top = n > rows ? n - rows : 0;
	return top;
}

/* What is shown for the filter; the bar stays on the option that it was on, if that is still there. */
static void filter(struct pick *p)
{
	size_t was = p->nshown ? p->shown[p->at] : 0;
	p->nshown = p->at = p->top = 0;
	for (size_t i = 0; i < p->n; i++) {
		if (!filter_match(line_text(&p->filter), p->options[i].label, p->options[i].hint))
			continue;
		if (i == was)
			p->at = p->nshown;
		p->shown[p->nshown++] = i;
	}
}

struct pick *pick_new(const char *title, const struct option *options, size_t n, size_t at)
{
	struct pick *p = x_calloc(1, sizeof(*p));
	p->title = x_strdup(title);
	p->options = options;
	p->n = n;
	p->shown = x_calloc(n + 1, sizeof(*p->shown));
	filter(p);
	p->at = at < n ? at : 0;
	return p;
}

void pick_free(struct pick *p)
{
	if (!p)
		return;
	free(p->title);
	free(p->shown);
	line_done(&p->filter);
	free(p);
}

int pick_key(struct pick *p, struct key k)
{
	if (k.code == VT_KEY_ESCAPE && !p->filter.text.len)
		return PICK_LEFT;
	if (k.code == VT_KEY_ESCAPE) {
		line_set(&p->filter, "");
		filter(p);
	} else if (k.code == VT_KEY_ENTER || k.code == VT_KEY_TAB) {
		return p->nshown ? (int)p->shown[p->at] : PICK_OPEN;
	} else if (k.code == VT_KEY_UP || k.code == VT_KEY_DOWN || k.code == VT_KEY_PGUP ||
		   k.code == VT_KEY_PGDN || k.code == VT_KEY_HOME || k.code == VT_KEY_END) {
		p->at = list_moved(p->at, p->nshown, p->seen, k.code);
	} else if (line_key(&p->filter, k) == LINE_CHANGED) {
		filter(p);
	}
	return PICK_OPEN;
}

int pick_mouse(struct pick *p, const struct vt_mouse *m)
{
	if (m->action != VT_MOUSE_PRESS)
		return PICK_OPEN;
	if (m->button == VT_BUTTON_WHEEL_UP || m->button == VT_BUTTON_WHEEL_DOWN) {
		p->at = list_moved(p->at, p->nshown, p->seen,
				   m->button == VT_BUTTON_WHEEL_UP ? VT_KEY_UP : VT_KEY_DOWN);
		return PICK_OPEN;
	}
	int row = m->row - p->area.row - 1, col = m->col - p->area.col;
	if (row < 0 || row >= p->area.rows - 2 || col < 0 || col >= p->area.cols)
		return PICK_LEFT;
	return p->top + row < p->nshown ? (int)p->shown[p->top + row] : PICK_OPEN;
}

static int wanted_width(const struct pick *p, int *label)
{
	int hint = 0, least = text_width(p->title) + 20;
	*label = 0;
	for (size_t i = 0; i < p->n; i++) {
		int l = text_width(p->options[i].label),
		    h = p->options[i].hint ? text_width(p->options[i].hint) : 0;
		*label = l > *label ? l : *label;
		hint = h > hint ? h : hint;
	}
	int width = *label + (hint ? hint + 2 : 0) + 4;
	return width > least ? width : least;
}

static void draw_option(const struct pick *p, size_t row, const struct area *line, int label)
{
	const struct option *o = &p->options[p->shown[row]];
	bool on = row == p->at;
	if (on)
		area_fill(line, 0, 0, 1, line->cols, theme(ROLE_SELECTED));
	area_text(line, 0, 1, line->cols - 2, theme(on ? ROLE_SELECTED : ROLE_NORMAL), o->label);
	if (o->hint && line->cols > label + 6)
		area_field(line, 0, label + 3, line->cols - label - 4, false,
			   theme(on ? ROLE_SELECTED : ROLE_DIM), o->hint);
}

void pick_draw(struct pick *p, const struct area *a)
{
	int label, width = wanted_width(p, &label), rows = (int)(p->n < 1 ? 1 : p->n) + 2;
	width = width > a->cols - 2 ? a->cols - 2 : width;
	rows = rows > a->rows ? a->rows : rows;
	struct area box = area_sub(a, (a->rows - rows) / 2, (a->cols - width) / 2, rows, width);
	p->area = box;
	p->seen = rows - 2;
	p->top = list_top(p->top, p->at, p->nshown, p->seen);
	area_fill(&box, 0, 0, rows, width, theme(ROLE_NORMAL));
	area_box(&box, theme(ROLE_FRAME_ON), theme(ROLE_STRONG), p->title);
	for (int i = 0; i < p->seen && p->top + i < p->nshown; i++) {
		struct area line = area_sub(&box, 1 + i, 1, 1, width - 2);
		draw_option(p, p->top + i, &line, label);
	}
	if (!p->nshown)
		area_text(&box, 1, 2, width - 4, theme(ROLE_WARNING), "nothing has this text: Esc shows all");
	if (p->filter.text.len)
		area_printf(&box, rows - 1, 2, theme(ROLE_KEY), " %s ", line_text(&p->filter));
	else if (p->n > 6)
		area_text(&box, rows - 1, 2, width - 4, theme(ROLE_DIM), " type to filter ");
	if (p->top + p->seen < p->nshown && width > 30)
		area_text(&box, rows - 1, width - 10, -1, theme(ROLE_DIM), " more ▼ ");
}
