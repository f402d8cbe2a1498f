#include "ui/tui/page_domains.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/cleanup.h"
#include "ui/tui/columns.h"
#include "ui/tui/console.h"
#include "ui/tui/dialog.h"
#include "ui/tui/keys.h"
#include "ui/tui/monitor.h"

#define PANEL_BESIDE_COLS 120 /* from here on the panel has 80 columns beside the list */
#define LIST_ROWS_MIN 5       /* of the list above a panel */
#define THUMB_COLS 140        /* from here on the screen of the guest under the bar is shown beside the list */
#define THUMB_MS 1000         /* from one picture of it to the next */

struct page_domains {
	const struct figure **rows; /* what is shown, in order; of the current snapshot */
	size_t n;
	char selected[UUID_TEXT]; /* kept by uuid while rows come, go and move */
	size_t at, top;
	char (*marks)[UUID_TEXT];
	size_t nmarks;
	char *filter;
	enum column sort;
	bool inverted;
	bool panel, focus;
	int seen;
	struct area list, console;
	struct monitor *thumb; /* NULL: none is shown */
	int column_at[COL_COUNT],
	    column_width[COL_COUNT]; /* where they were drawn, for the mouse; width 0 = not */
};

static struct page_domains *page(struct deck *d)
{
	return d->views[0]->state;
}

/* Choose what fits into @cols: first by rank, then the rest goes to NAME and TITLE. */
static void lay_out(struct page_domains *p, int cols)
{
	int used = 2; /* the mark */
	bool more = true;
	int width[COL_COUNT];
	for (int c = 0; c < COL_COUNT; c++)
		width[c] = columns[c].width;
	for (size_t i = 0; i < p->n; i++) { /* half a number would be another guest's */
		int digits = snprintf(NULL, 0, "%d", p->rows[i]->d->id);
		width[COL_ID] = digits > width[COL_ID] ? digits : width[COL_ID];
	}
	memset(p->column_width, 0, sizeof(p->column_width));
	for (int rank = 0; rank < COL_COUNT && more; rank++)
		for (int c = 0; c < COL_COUNT; c++) {
			if (columns[c].rank != rank)
				continue;
			more = used + width[c] + 1 <= cols || rank == 0;
			if (more)
				used += p->column_width[c] = width[c], used++;
		}
	int rest = cols - used;
	if (rest > 0 && p->column_width[COL_TITLE]) {
		p->column_width[COL_TITLE] += rest / 2;
		rest -= rest / 2;
	}
	p->column_width[COL_NAME] += rest;
	if (p->column_width[COL_NAME] < 4)
		p->column_width[COL_NAME] = 4;
	int at = 2;
	for (int c = 0; c < COL_COUNT; c++) {
		p->column_at[c] = at;
		at += p->column_width[c] ? p->column_width[c] + 1 : 0;
	}
}

static bool marked(const struct page_domains *p, const char *uuid)
{
	for (size_t i = 0; i < p->nmarks; i++)
		if (!strcmp(p->marks[i], uuid))
			return true;
	return false;
}

static struct page_domains *sorting; /* for qsort, which has no argument */

static int compare(const void *pa, const void *pb)
{
	const struct figure *a = *(const struct figure *const *)pa, *b = *(const struct figure *const *)pb;
	const struct column_kind *k = &columns[sorting->sort];
	int r = k->compare(a, b);
	if (k->down != sorting->inverted)
		r = -r;
	return r ? r : strcmp(a->d->name, b->d->name);
}

static bool matches(const struct page_domains *p, const struct sample_domain *d)
{
	return !p->filter || !*p->filter || strcasestr(d->name, p->filter) ||
	       strcasestr(d->title, p->filter) || str_starts(d->uuid, p->filter) ||
	       strcasestr(domain_state_text(d->state), p->filter);
}

static void find_selected(struct page_domains *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (!strcmp(p->rows[i]->d->uuid, p->selected)) {
			p->at = i;
			return;
		}
	if (p->at >= p->n)
		p->at = p->n ? p->n - 1 : 0;
	snprintf(p->selected, sizeof(p->selected), "%s", p->n ? p->rows[p->at]->d->uuid : "");
}

static void drop_marks_of_gone(struct page_domains *p, const struct snapshot *s)
{
	size_t k = 0;
	for (size_t i = 0; i < p->nmarks; i++)
		if (snapshot_find(s, p->marks[i]))
			memmove(p->marks[k++], p->marks[i], UUID_TEXT);
	p->nmarks = k;
}

static void panel_follow(struct view *v)
{
	struct page_domains *p = v->state;
	if (p->panel)
		console_show(v->deck, p->selected);
}

/* The small picture follows the bar, once a second at most: whoever runs through the list opens no
 * screens. */
static void thumb_follow(struct view *v)
{
	struct page_domains *p = v->state;
	const struct figure *g = snapshot_find(deck_snapshot(v->deck), p->selected);
	bool wanted = g && g->d->screen && !p->panel && v->deck->cols >= THUMB_COLS && deck_top(v->deck) == v;
	if (p->thumb && (!wanted || strcmp(monitor_uuid(p->thumb), p->selected) != 0)) {
		monitor_free(p->thumb);
		p->thumb = NULL;
	}
	if (wanted && !p->thumb)
		p->thumb = monitor_new(v->deck, p->selected, THUMB_MS);
}

static void domains_update(struct view *v)
{
	struct page_domains *p = v->state;
	const struct snapshot *s = deck_snapshot(v->deck);
	p->rows = x_realloc(p->rows, (s->n + 1) * sizeof(*p->rows));
	p->n = 0;
	for (size_t i = 0; i < s->n; i++)
		if (matches(p, s->figures[i].d))
			p->rows[p->n++] = &s->figures[i];
	sorting = p;
	if (p->n)
		qsort(p->rows, p->n, sizeof(*p->rows), compare);
	find_selected(p);
	drop_marks_of_gone(p, s);
	panel_follow(v);
	thumb_follow(v);
}

static void draw_titles(struct page_domains *p, const struct area *a)
{
	for (int c = 0; c < COL_COUNT; c++) {
		if (!p->column_width[c])
			continue;
		char title[40];
		bool on = (int)p->sort == c;
		const char *arrow = !on ? "" : columns[c].down != p->inverted ? "▼" : "▲";
		bool room = p->column_width[c] > text_width(columns[c].title);
		snprintf(title, sizeof(title), "%s%s", columns[c].title, room ? arrow : "");
		area_field(a, 0, p->column_at[c], p->column_width[c], columns[c].right, theme(ROLE_COLUMNS),
			   "");
		int w = text_width(title),
		    col = p->column_at[c] + (columns[c].right ? p->column_width[c] - w : 0);
		area_text(a, 0, col, -1, theme(on ? ROLE_SORTED : ROLE_COLUMNS), title);
	}
}

static struct style over(struct style s, struct style bar)
{
	if (bar.bg == VT_DEFAULT) { /* no colours for a bar: its attributes do */
		s.attrs = bar.attrs | (s.attrs & VT_BOLD);
		return s;
	}
	if (s.fg == VT_DEFAULT || s.fg == theme(ROLE_DIM).fg)
		s.fg = bar.fg;
	s.bg = bar.bg;
	return s;
}

static void draw_row(struct view *v, const struct area *a, int row, const struct figure *g, bool bar)
{
	struct page_domains *p = v->state;
	const struct snapshot *s = deck_snapshot(v->deck);
	struct style plain = theme(ROLE_NORMAL), style = theme(p->focus ? ROLE_BAR_IDLE : ROLE_SELECTED);
	bool mark = marked(p, g->d->uuid);
	area_fill(a, row, 0, 1, a->cols, bar ? over(plain, style) : plain);
	if (mark || bar)
		area_text(a, row, 0, 1, bar ? over(theme(ROLE_MARKED), style) : theme(ROLE_MARKED),
			  mark ? "●" : " ");
	for (int c = 0; c < COL_COUNT; c++) {
		if (!p->column_width[c])
			continue;
		enum role role = (g->d->state & DOMAIN_ACTIVE) ? ROLE_NORMAL : ROLE_DIM;
		if (c == COL_GRAPH) {
			float values[HISTORY_LEN];
			for (size_t i = 0; i < g->nhistory; i++)
				values[i] = g->d->vcpus ? g->history[i] / (100.0f * g->d->vcpus) : -1;
			struct style m = theme(ROLE_METER);
			area_spark(a, row, p->column_at[c], p->column_width[c], values, g->nhistory,
				   bar ? over(m, style) : m);
			continue;
		}
		char text[256] = "";
		columns[c].text(g, s, text, sizeof(text), &role);
		struct style t = theme(role);
		if (mark && c == COL_NAME)
			t = theme(ROLE_MARKED);
		area_field(a, row, p->column_at[c], p->column_width[c], columns[c].right,
			   bar ? over(t, style) : t, text);
	}
}

/* Where the rows on the screen lie among all, at the right edge. */
static void draw_scrollbar(const struct page_domains *p, const struct area *a)
{
	size_t rows = (size_t)p->seen, size = rows * rows / p->n,
	       from = (rows - (size ? size : 1)) * p->top / (p->n - rows);
	for (size_t i = 0; i < rows; i++) {
		bool on = i >= from && i < from + (size ? size : 1);
		area_text(a, 1 + (int)i, a->cols - 1, 1, theme(on ? ROLE_DIM : ROLE_METER_REST),
			  on ? "█" : "│");
	}
}

static void draw_list(struct view *v, const struct area *a)
{
	struct page_domains *p = v->state;
	const struct snapshot *s = deck_snapshot(v->deck);
	p->list = *a;
	p->seen = a->rows > 1 ? a->rows - 1 : 1;
	size_t most = p->n > (size_t)p->seen ? p->n - p->seen : 0;
	if (p->at < p->top)
		p->top = p->at;
	if (p->at >= p->top + p->seen)
		p->top = p->at - p->seen + 1;
	if (p->top > most)
		p->top = most;
	lay_out(p, most ? a->cols - 1 : a->cols);
	draw_titles(p, a);
	for (int i = 0; i < p->seen && p->top + i < p->n; i++)
		draw_row(v, a, 1 + i, p->rows[p->top + i], p->top + i == p->at);
	if (!s->n && !s->stale)
		area_text(a, 2, 2, -1, theme(ROLE_DIM),
			  "No guests yet. n creates one, D defines one from an XML file; ? helps.");
	else if (!p->n)
		area_printf(a, 2, 2, theme(ROLE_DIM), "No guest matches '%s'. Esc shows all.",
			    p->filter ? p->filter : "");
	if (most)
		draw_scrollbar(p, a);
}

static void draw_thumb(struct monitor *thumb, const struct area *a)
{
	char what[256];
	int rows = a->cols * 3 / 8 + 1; /* of most screens */
	struct area body = area_sub(a, 1, 0, (a->rows < rows ? a->rows : rows) - 1, a->cols);
	for (int i = 0; i < a->cols; i++)
		area_text(a, 0, i, 1, theme(ROLE_FRAME), "─");
	if (!thumb) /* it comes with the next figures */
		return;
	area_printf(a, 0, 1, theme(ROLE_DIM), " %s · w opens it ", monitor_what(thumb, what, sizeof(what)));
	monitor_draw(thumb, &body, false, false);
}

/* The list, and the small picture where there is one of the guest under the bar. */
static void draw_beside(struct view *v, const struct area *a)
{
	struct page_domains *p = v->state;
	const struct figure *g = snapshot_find(deck_snapshot(v->deck), p->selected);
	if (a->cols < THUMB_COLS || !g || !g->d->screen) {
		draw_list(v, a);
		return;
	}
	int wide = a->cols - 81 < 80 ? a->cols - 81 : 80;
	struct area list = area_sub(a, 0, 0, a->rows, a->cols - wide - 1);
	struct area thumb = area_sub(a, 0, a->cols - wide, a->rows, wide);
	draw_list(v, &list);
	draw_thumb(p->thumb && !strcmp(monitor_uuid(p->thumb), p->selected) ? p->thumb : NULL, &thumb);
}

static void domains_draw(struct view *v, const struct area *a)
{
	struct page_domains *p = v->state;
	if (!p->panel) {
		draw_beside(v, a);
		return;
	}
	if (a->cols >= PANEL_BESIDE_COLS) {
		int wide = a->cols - 81 > 60 ? a->cols - 61 : 80;
		struct area list = area_sub(a, 0, 0, a->rows, a->cols - wide - 1);
		p->console = area_sub(a, 0, a->cols - wide, a->rows, wide);
		draw_list(v, &list);
		for (int i = 0; i < a->rows; i++)
			area_text(a, i, list.cols, 1, theme(p->focus ? ROLE_FRAME_ON : ROLE_FRAME), "│");
	} else {
		int rows = a->rows * 2 / 3;
		if (a->rows - rows < LIST_ROWS_MIN)
			rows = a->rows - LIST_ROWS_MIN;
		if (rows < 3)
			rows = a->rows > 3 ? 3 : a->rows;
		struct area list = area_sub(a, 0, 0, a->rows - rows, a->cols);
		p->console = area_sub(a, a->rows - rows, 0, rows, a->cols);
		draw_list(v, &list);
	}
	console_draw(v->deck, &p->console, p->focus);
}

static enum scope domains_scope(struct view *v)
{
	return ((struct page_domains *)v->state)->focus ? SCOPE_PANEL : SCOPE_DOMAINS;
}

static bool domains_key(struct view *v, struct key k)
{
	struct page_domains *p = v->state;
	if (p->focus)
		console_key(v->deck, k);
	return p->focus;
}

static void domains_paste(struct view *v, const char *text, size_t n)
{
	struct page_domains *p = v->state;
	if (p->focus)
		console_paste(v->deck, text, n);
	else
		deck_say(v->deck, ROLE_WARNING,
			 "%zu bytes pasted into the list, ignored: Tab goes to the console", n);
}

static void select_row(struct view *v, size_t at)
{
	struct page_domains *p = v->state;
	if (!p->n)
		return;
	p->at = at < p->n ? at : p->n - 1;
	snprintf(p->selected, sizeof(p->selected), "%s", p->rows[p->at]->d->uuid);
	panel_follow(v);
}

static void domains_move(struct view *v, enum move m)
{
	struct page_domains *p = v->state;
	size_t page_rows = p->seen > 1 ? p->seen - 1 : 1;
	switch (m) {
	case MOVE_UP:
		select_row(v, p->at ? p->at - 1 : 0);
		break;
	case MOVE_DOWN:
		select_row(v, p->at + 1);
		break;
	case MOVE_PGUP:
		select_row(v, p->at > page_rows ? p->at - page_rows : 0);
		break;
	case MOVE_PGDN:
		select_row(v, p->at + page_rows);
		break;
	case MOVE_HOME:
		select_row(v, 0);
		break;
	case MOVE_END:
		select_row(v, p->n);
		break;
	}
}

static void click_title(struct view *v, int col)
{
	struct page_domains *p = v->state;
	for (int c = 0; c < COL_COUNT; c++)
		if (p->column_width[c] && col >= p->column_at[c] &&
		    col < p->column_at[c] + p->column_width[c]) {
			if ((int)p->sort == c)
				action_sort_invert(v->deck, 0);
			else
				action_sort(v->deck, c);
		}
}

static bool in_area(const struct area *a, const struct vt_mouse *m)
{
	return m->row >= a->row && m->row < a->row + a->rows && m->col >= a->col && m->col < a->col + a->cols;
}

static bool domains_mouse(struct view *v, const struct vt_mouse *m, const struct area *a)
{
	struct page_domains *p = v->state;
	bool press = m->action == VT_MOUSE_PRESS;
	if (p->panel && in_area(&p->console, m)) {
		if (press && m->button == VT_BUTTON_LEFT)
			p->focus = true;
		console_mouse(v->deck, m, &p->console);
		return true;
	}
	if (!press || !in_area(&p->list, m))
		return false;
	int row = m->row - p->list.row;
	if (m->button == VT_BUTTON_WHEEL_UP || m->button == VT_BUTTON_WHEEL_DOWN) {
		domains_move(v, m->button == VT_BUTTON_WHEEL_UP ? MOVE_UP : MOVE_DOWN);
	} else if (m->button == VT_BUTTON_LEFT) {
		p->focus = false;
		if (row == 0)
			click_title(v, m->col - p->list.col);
		else if (p->top + row - 1 < p->n)
			select_row(v, p->top + row - 1);
	}
	return true;
}

static const char *domains_target(struct view *v)
{
	struct page_domains *p = v->state;
	return p->n ? p->selected : NULL;
}

static void domains_done(struct view *v)
{
	struct page_domains *p = v->state;
	monitor_free(p->thumb);
	free(p->rows);
	free(p->marks);
	free(p->filter);
}

const struct view_ops page_domains_ops = {
    .name = "domains",
    .state_size = sizeof(struct page_domains),
    .update = domains_update,
    .draw = domains_draw,
    .scope = domains_scope,
    .key = domains_key,
    .move = domains_move,
    .paste = domains_paste,
    .mouse = domains_mouse,
    .target = domains_target,
    .done = domains_done,
};

size_t page_domains_marked(struct deck *d, char (**uuids)[UUID_TEXT])
{
	struct page_domains *p = page(d);
	const struct snapshot *s = deck_snapshot(d);
	size_t n = 0;
	if (!p->nmarks || deck_top(d) != d->views[0])
		return 0;
	*uuids = x_calloc(p->nmarks, UUID_TEXT);
	for (size_t i = 0; i < s->n; i++) /* hidden ones by a filter too: they are marked */
		if (marked(p, s->figures[i].d->uuid))
			memcpy((*uuids)[n++], s->figures[i].d->uuid, UUID_TEXT);
	return n;
}

void page_domains_select(struct deck *d, const char *uuid)
{
	struct page_domains *p = page(d);
	for (size_t i = 0; i < p->n; i++)
		if (str_eq(p->rows[i]->d->uuid, uuid)) {
			select_row(d->views[0], i);
			return;
		}
}

void page_domains_panel(struct deck *d, bool show, bool focus)
{
	struct page_domains *p = page(d);
	p->panel = show;
	p->focus = show && focus;
	panel_follow(d->views[0]);
}

bool page_domains_panel_shown(struct deck *d)
{
	return page(d)->panel;
}

static void filter_change(struct deck *d, const char *text)
{
	struct page_domains *p = page(d);
	free(p->filter);
	p->filter = x_strdup(text);
	domains_update(d->views[0]);
}

static void filter_done(struct deck *d, const char *text)
{
	filter_change(d, text ? text : "");
	if (text && *text)
		deck_say(d, ROLE_INFO, "filter '%s': Esc shows all guests again", text);
}

void action_filter(struct deck *d, int arg)
{
	prompt_open(d, "Filter:", page(d)->filter, filter_change, filter_done);
}

void action_filter_off(struct deck *d, int arg)
{
	page(d)->nmarks = 0;
	filter_change(d, "");
}

void action_mark(struct deck *d, int arg)
{
	struct page_domains *p = page(d);
	size_t k = 0;
	if (!p->n)
		return;
	if (marked(p, p->selected)) {
		for (size_t i = 0; i < p->nmarks; i++)
			if (strcmp(p->marks[i], p->selected))
				memmove(p->marks[k++], p->marks[i], UUID_TEXT);
		p->nmarks = k;
	} else {
		p->marks = x_realloc(p->marks, (p->nmarks + 1) * UUID_TEXT);
		memcpy(p->marks[p->nmarks++], p->selected, UUID_TEXT);
	}
	domains_move(d->views[0], MOVE_DOWN);
}

void action_unmark(struct deck *d, int arg)
{
	page(d)->nmarks = 0;
}

void action_sort(struct deck *d, int arg)
{
	struct page_domains *p = page(d);
	p->sort = arg;
	p->inverted = false;
	domains_update(d->views[0]);
	select_row(d->views[0], 0); /* what is first is why one sorts */
}

void action_sort_next(struct deck *d, int arg)
{
	struct page_domains *p = page(d);
	int c = p->sort;
	do
		c = (c + arg + COL_COUNT) % COL_COUNT;
	while (!p->column_width[c] && c != (int)p->sort);
	action_sort(d, c);
}

void action_sort_invert(struct deck *d, int arg)
{
	page(d)->inverted = !page(d)->inverted;
	domains_update(d->views[0]);
}
