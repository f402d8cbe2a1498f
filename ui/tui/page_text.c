#include "ui/tui/page_text.h"

#include <stdlib.h>
#include <string.h>

#include "src/base/cleanup.h"

struct page_text {
	char *title, *text;
	char **lines; /* into text */
	int n, top, left, seen;
	bool at_end;
};

static enum scope text_scope(struct view *v)
{
	return SCOPE_TEXT;
}

static int clamp(int v, int lo, int hi)
{
	return v > hi ? (hi > lo ? hi : lo) : v < lo ? lo : v;
}

static void text_draw(struct view *v, const struct area *a)
{
	struct page_text *p = v->state;
	struct area body = area_sub(a, 1, 0, a->rows - 1, a->cols);
	p->seen = body.rows;
	p->top = clamp(p->at_end ? p->n : p->top, 0, p->n - p->seen);
	p->at_end = false;
	area_title(a, p->title);
	int last = p->top + p->seen < p->n ? p->top + p->seen : p->n;
	if (a->cols > 40)
		area_printf(a, 0, a->cols - 20, theme(ROLE_DIM), " %d-%d of %d ", p->n ? p->top + 1 : 0, last,
			    p->n);
	for (int i = 0; i < p->seen && p->top + i < p->n; i++) {
		const char *line = p->lines[p->top + i];
		uint32_t ch;
		for (int skip = p->left; skip > 0 && *line; skip--)
			line += utf8_next(line, &ch);
		bool head = *line && *line != ' ' && *line != '<' && i + p->top + 1 < p->n &&
			    str_starts(p->lines[p->top + i + 1], "  ");
		area_field(&body, i, 1, body.cols - 1, false, theme(head ? ROLE_COLUMNS : ROLE_NORMAL), line);
	}
}

static void text_move(struct view *v, enum move m)
{
	struct page_text *p = v->state;
	int page = p->seen > 1 ? p->seen - 1 : 1;
	static const int sign[] = {-1, 1, -1, 1, 0, 0};
	int by = sign[m] * (m == MOVE_PGUP || m == MOVE_PGDN ? page : 1);
	p->top = m == MOVE_HOME ? 0 : m == MOVE_END ? p->n : p->top + by;
	p->top = clamp(p->top, 0, p->n - p->seen);
}

static bool text_key(struct view *v, struct key k)
{
	struct page_text *p = v->state;
	if (k.code == ' ')
		text_move(v, MOVE_PGDN);
	else if (k.code == VT_KEY_RIGHT)
		p->left += 8;
	else if (k.code == 'h')
		p->left = p->left > 8 ? p->left - 8 : 0;
	else
		return false;
	return true;
}

static bool text_mouse(struct view *v, const struct vt_mouse *m, const struct area *a)
{
	for (int i = 0; i < 3; i++)
		if (m->button == VT_BUTTON_WHEEL_UP || m->button == VT_BUTTON_WHEEL_DOWN)
			text_move(v, m->button == VT_BUTTON_WHEEL_UP ? MOVE_UP : MOVE_DOWN);
	return true;
}

static void text_done(struct view *v)
{
	struct page_text *p = v->state;
	free(p->title);
	free(p->text);
	free(p->lines);
}

static const struct view_ops page_text_ops = {
    .name = "text",
    .state_size = sizeof(struct page_text),
    .scope = text_scope,
    .draw = text_draw,
    .key = text_key,
    .move = text_move,
    .mouse = text_mouse,
    .done = text_done,
};

static void expand_tabs(char **text)
{
	AUTO_BUF struct buf out = {0};
	int col = 0;
	for (const char *s = *text; *s; s++) {
		if (*s == '\r')
			continue;
		int n = *s == '\t' ? 8 - col % 8 : 1;
		for (int i = 0; i < n; i++)
			buf_add(&out, *s == '\t' ? " " : s, 1);
		col = *s == '\n' ? 0 : col + n;
	}
	free(*text);
	*text = buf_take(&out);
}

void page_text_open(struct deck *d, const char *title, char *text)
{
	struct view *v = deck_push(d, &page_text_ops);
	if (!v) {
		free(text);
		return;
	}
	struct page_text *p = v->state;
	expand_tabs(&text);
	p->title = x_strdup(title);
	p->text = text;
	for (char *line = text; line && *line;) {
		p->lines = x_realloc(p->lines, (p->n + 1) * sizeof(*p->lines));
		p->lines[p->n++] = line;
		line = strchr(line, '\n');
		if (line)
			*line++ = 0;
	}
}

void page_text_open_end(struct deck *d, const char *title, char *text)
{
	size_t before = d->nviews;
	page_text_open(d, title, text);
	if (d->nviews > before)
		((struct page_text *)deck_top(d)->state)->at_end = true;
}
