#include "ui/tui/page_domains.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/cleanup.h"
#include "ui/tui/console.h"
#include "ui/tui/dialog.h"
#include "ui/tui/keys.h"

#define PANEL_BESIDE_COLS 120 /* from here on the panel has 80 columns beside the list */
#define LIST_ROWS_MIN 5       /* of the list above a panel */

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
	int column_at[COL_COUNT], column_width[COL_COUNT]; /* where they were drawn, for the mouse; width 0 = not */
};

static struct page_domains *page(struct deck *d)
{
	return d->views[0]->state;
}

char *rate_text(struct rate r, bool bytes, char out[FMT_MAX])
{
	if (r.quality == STAT_NODATA)
		strcpy(out, "-");
	else if (r.quality == STAT_INIT)
		strcpy(out, "…");
	else if (bytes)
		fmt_bytes_short((uint64_t)r.value, out);
	else if (r.value >= 9999.5)
		snprintf(out, FMT_MAX, "%.0fk", r.value / 1000);
	else
		snprintf(out, FMT_MAX, r.value >= 99.95 ? "%.0f" : "%.1f", r.value);
	if (r.quality == STAT_STALE)
		strcat(out, "?");
	return out;
}

/* Columns. text() fills @out and may change the role. */
struct column_kind {
	const char *title;
	int width; /* at least; NAME and TITLE take what is left */
	bool right;
	int rank; /* the lower, the earlier it finds a place */
	bool down; /* sorted by it, the largest come first */
	void (*text)(const struct figure *, const struct snapshot *, char *out, size_t n, enum role *);
	int (*compare)(const struct figure *, const struct figure *);
};

static void id_text(const struct figure *g, const struct snapshot *s, char *out, size_t n, enum role *role)
{
	if (g->d->id >= 0)
		snprintf(out, n, "%d", g->d->id);
	else
		snprintf(out, n, "-");
}

static void name_text(const struct figure *g, const struct snapshot *s, char *out, size_t n, enum role *role)
{
	snprintf(out, n, "%s", g->d->name);
	*role = g->d->state & DOMAIN_ACTIVE ? ROLE_STRONG : ROLE_NORMAL;
}

static void state_text(const struct figure *g, const struct snapshot *s, char *out, size_t n, enum role *role)
{
	snprintf(out, n, "%s", domain_state_text(g->d->state));
	*role = state_role(g->d->state);
}

static void vcpus_text(const struct figure *g, const struct snapshot *s, char *out, size_t n, enum role *role)
{
	snprintf(out, n, "%u", g->d->vcpus);
}

static void put_rate(struct rate r, bool bytes, char *out, size_t n, enum role *role)
{
	char text[FMT_MAX];
	snprintf(out, n, "%s", rate_text(r, bytes, text));
	if (r.quality != STAT_DATA)
		*role = ROLE_DIM;
}

static void cpu_text(const struct figure *g, const struct snapshot *s, char *out, size_t n, enum role *role)
{
	put_rate(g->rates.cpu, false, out, n, role);
	if (g->rates.cpu.quality == STAT_DATA && g->rates.cpu.value >= 90.0 * g->d->vcpus)
		*role = ROLE_METER_HIGH;
}

static void memory_text(const struct figure *g, const struct snapshot *s, char *out, size_t n, enum role *role)
{
	char text[FMT_MAX];
	snprintf(out, n, "%s", fmt_bytes_short(g->d->memory_bytes, text));
}

static void resident_text(const struct figure *g, const struct snapshot *s, char *out, size_t n, enum role *role)
{
	char text[FMT_MAX];
	snprintf(out, n, "%s", g->d->rss_bytes ? fmt_bytes_short(g->d->rss_bytes, text) : "-");
}

static int64_t uptime_s(const struct figure *g, const struct snapshot *s)
{
	if (!(g->d->state & DOMAIN_ACTIVE) || !g->d->started_ms)
		return -1;
	int64_t ms = s->now.wall_ms - g->d->started_ms;
	return ms > 0 ? ms / 1000 : 0;
}

static void uptime_text(const struct figure *g, const struct snapshot *s, char *out, size_t n, enum role *role)
{
	char text[FMT_MAX];
	int64_t t = uptime_s(g, s);
	snprintf(out, n, "%s", t < 0 ? "-" : fmt_duration((uint64_t)t, text));
}

static void read_text(const struct figure *g, const struct snapshot *s, char *out, size_t n, enum role *role)
{
	put_rate(g->rates.rd_bytes, true, out, n, role);
}

static void write_text(const struct figure *g, const struct snapshot *s, char *out, size_t n, enum role *role)
{
	put_rate(g->rates.wr_bytes, true, out, n, role);
}

static void exits_text(const struct figure *g, const struct snapshot *s, char *out, size_t n, enum role *role)
{
	put_rate(g->rates.exits, false, out, n, role);
}

static void title_text(const struct figure *g, const struct snapshot *s, char *out, size_t n, enum role *role)
{
	snprintf(out, n, "%s", *g->d->detail && !(g->d->state & DOMAIN_ACTIVE) ? g->d->detail : g->d->title);
	*role = ROLE_DIM;
}

static int sign(double v)
{
	return (v > 0) - (v < 0);
}

static double known(struct rate r)
{
	return r.quality == STAT_DATA || r.quality == STAT_STALE ? r.value : r.quality == STAT_INIT ? -1 : -2;
}

static int by_id(const struct figure *a, const struct figure *b)
{
	unsigned x = (unsigned)a->d->id, y = (unsigned)b->d->id; /* -1: behind all */
	return (x > y) - (x < y);
}

static int by_name(const struct figure *a, const struct figure *b)
{
	return strcmp(a->d->name, b->d->name);
}

static int by_state(const struct figure *a, const struct figure *b)
{
	static const int order[] = {DOMAIN_CRASHED, DOMAIN_RUNNING, DOMAIN_SHUTDOWN, DOMAIN_PAUSED, DOMAIN_SHUTOFF};
	int x = 0, y = 0;
	for (int i = 0; i < (int)ARRAY_SIZE(order); i++) {
		x = (int)a->d->state == order[i] ? i : x;
		y = (int)b->d->state == order[i] ? i : y;
	}
	return x - y;
}

static int by_vcpus(const struct figure *a, const struct figure *b)
{
	return sign((double)a->d->vcpus - b->d->vcpus);
}

static int by_cpu(const struct figure *a, const struct figure *b)
{
	return sign(known(a->rates.cpu) - known(b->rates.cpu));
}

static int by_memory(const struct figure *a, const struct figure *b)
{
	return sign((double)a->d->memory_bytes - (double)b->d->memory_bytes);
}

static int by_resident(const struct figure *a, const struct figure *b)
{
	return sign((double)a->d->rss_bytes - (double)b->d->rss_bytes);
}

static int by_uptime(const struct figure *a, const struct figure *b)
{
	int64_t x = a->d->started_ms ? a->d->started_ms : INT64_MAX, y = b->d->started_ms ? b->d->started_ms : INT64_MAX;
	return (x < y) - (x > y);
}

static int by_read(const struct figure *a, const struct figure *b)
{
	return sign(known(a->rates.rd_bytes) - known(b->rates.rd_bytes));
}

static int by_write(const struct figure *a, const struct figure *b)
{
	return sign(known(a->rates.wr_bytes) - known(b->rates.wr_bytes));
}

static int by_exits(const struct figure *a, const struct figure *b)
{
	return sign(known(a->rates.exits) - known(b->rates.exits));
}

static int by_title(const struct figure *a, const struct figure *b)
{
	return strcmp(a->d->title, b->d->title);
}

static const struct column_kind columns[] = {
	[COL_ID] = {"ID", 4, true, 5, false, id_text, by_id},
	[COL_NAME] = {"NAME", 16, false, 0, false, name_text, by_name},
	[COL_STATE] = {"STATE", 11, false, 1, false, state_text, by_state},
	[COL_VCPUS] = {"VCPU", 4, true, 6, true, vcpus_text, by_vcpus},
	[COL_CPU] = {"%CPU", 6, true, 2, true, cpu_text, by_cpu},
	[COL_GRAPH] = {"LAST 20 S", 20, false, 10, true, NULL, by_cpu},
	[COL_MEMORY] = {"MEMORY", 6, true, 3, true, memory_text, by_memory},
	[COL_RESIDENT] = {"IN USE", 6, true, 11, true, resident_text, by_resident},
	[COL_UPTIME] = {"UPTIME", 7, true, 4, true, uptime_text, by_uptime},
	[COL_READ] = {"READ/S", 6, true, 7, true, read_text, by_read},
	[COL_WRITE] = {"WRITE/S", 7, true, 8, true, write_text, by_write},
	[COL_EXITS] = {"EXITS/S", 7, true, 9, true, exits_text, by_exits},
	[COL_TITLE] = {"TITLE", 16, false, 12, false, title_text, by_title},
};
_Static_assert(ARRAY_SIZE(columns) == COL_COUNT, "a row for every column");

/* Choose what fits into @cols: first by rank, then the rest goes to NAME and TITLE. */
static void lay_out(struct page_domains *p, int cols)
{
	int used = 2; /* the mark */
	bool more = true;
	memset(p->column_width, 0, sizeof(p->column_width));
	for (int rank = 0; rank < COL_COUNT && more; rank++)
		for (int c = 0; c < COL_COUNT; c++) {
			if (columns[c].rank != rank)
				continue;
			more = used + columns[c].width + 1 <= cols || rank == 0;
			if (more)
				used += p->column_width[c] = columns[c].width, used++;
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
	return !p->filter || !*p->filter || strcasestr(d->name, p->filter) || strcasestr(d->title, p->filter) ||
	       str_starts(d->uuid, p->filter) || strcasestr(domain_state_text(d->state), p->filter);
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
		area_field(a, 0, p->column_at[c], p->column_width[c], columns[c].right, theme(ROLE_COLUMNS), "");
		int w = text_width(title), col = p->column_at[c] + (columns[c].right ? p->column_width[c] - w : 0);
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
		area_text(a, row, 0, 1, bar ? over(theme(ROLE_MARKED), style) : theme(ROLE_MARKED), mark ? "●" : " ");
	for (int c = 0; c < COL_COUNT; c++) {
		if (!p->column_width[c])
			continue;
		enum role role = g->d->state & DOMAIN_ACTIVE ? ROLE_NORMAL : ROLE_DIM;
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
		area_field(a, row, p->column_at[c], p->column_width[c], columns[c].right, bar ? over(t, style) : t, text);
	}
}

/* Where the rows on the screen lie among all, at the right edge. */
static void draw_scrollbar(const struct page_domains *p, const struct area *a)
{
	size_t rows = (size_t)p->seen, size = rows * rows / p->n, from = (rows - (size ? size : 1)) * p->top / (p->n - rows);
	for (size_t i = 0; i < rows; i++) {
		bool on = i >= from && i < from + (size ? size : 1);
		area_text(a, 1 + (int)i, a->cols - 1, 1, theme(on ? ROLE_DIM : ROLE_METER_REST), on ? "█" : "│");
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
		area_text(a, 2, 2, -1, theme(ROLE_DIM), "No guests yet. n defines one from an XML file; ? helps.");
	else if (!p->n)
		area_printf(a, 2, 2, theme(ROLE_DIM), "No guest matches '%s'. Esc shows all.", p->filter ? p->filter : "");
	if (most)
		draw_scrollbar(p, a);
}

static void domains_draw(struct view *v, const struct area *a)
{
	struct page_domains *p = v->state;
	if (!p->panel) {
		draw_list(v, a);
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
		deck_say(v->deck, ROLE_WARNING, "%zu bytes pasted into the list, ignored: Tab goes to the console", n);
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
		if (p->column_width[c] && col >= p->column_at[c] && col < p->column_at[c] + p->column_width[c]) {
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
