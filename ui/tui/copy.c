#include "ui/tui/copy.h"

#include <string.h>

#include "src/base/cleanup.h"

void copy_start(struct copy *c, struct copy_place at)
{
	if (!c->on)
		*c = (struct copy){.on = true, .at = at};
}

static int clamp(int v, int max)
{
	return v < 0 ? 0 : v > max ? max : v;
}

static bool before(struct copy_place a, struct copy_place b)
{
	return a.line < b.line || (a.line == b.line && a.col < b.col);
}

/* Columns up to the last that is not blank. */
static int line_len(const struct copy_source *s, int line)
{
	int n = s->cols;
	while (n > 0) {
		const struct vt_cell *cell = s->cell(s->ctx, line, n - 1);
		if (cell->width != 1 || (cell->ch[0] && cell->ch[0] != ' '))
			break;
		n--;
	}
	return n;
}

/* --- search --- */

/* A line as text, and for each of its bytes the column that it stands in. */
struct line_text {
	struct buf text;
	int cols[VT_COLS_MAX * VT_CELL_TEXT];
};

static void line_text(const struct copy_source *s, int line, struct line_text *out)
{
	buf_drop(&out->text, out->text.len);
	for (int col = 0, n = line_len(s, line); col < n && col < VT_COLS_MAX; col++) {
		char cell[VT_CELL_TEXT];
		size_t len = vt_cell_text(s->cell(s->ctx, line, col), cell);
		for (size_t i = 0; i < len; i++)
			out->cols[out->text.len + i] = col;
		buf_add(&out->text, cell, len);
	}
}

static bool has_capital(const char *s)
{
	for (; *s; s++)
		if (*s >= 'A' && *s <= 'Z')
			return true;
	return false;
}

/* The next match in @t from byte @from on, or NULL. */
static const char *match(const struct line_text *t, const char *wanted, size_t from)
{
	if (!*wanted || from > t->text.len)
		return NULL;
	const char *s = buf_text(&t->text) + from;
	return has_capital(wanted) ? strstr(s, wanted) : strcasestr(s, wanted);
}

/* The match of a line that is nearest behind (or before) column @from; -1: there is none. */
static int match_from(const struct line_text *t, const char *wanted, int from, bool backward)
{
	int found = -1;
	for (const char *p = match(t, wanted, 0); p;
	     p = match(t, wanted, (size_t)(p - buf_text(&t->text)) + 1)) {
		int col = t->cols[p - buf_text(&t->text)];
		if (!backward && col >= from)
			return col;
		if (backward && col <= from)
			found = col;
	}
	return found;
}

/* From beside the cursor, or (@here) from the cursor itself. */
static bool find(struct copy *c, const struct copy_source *s, bool backward, bool here)
{
	AUTO_FREE struct line_text *t = x_calloc(1, sizeof(*t));
	int from = c->at.col + (here ? 0 : backward ? -1 : 1);
	bool found = false;
	for (int i = 0; i <= s->lines && !found; i++) {
		int line = (c->at.line + (backward ? s->lines - i % s->lines : i)) % s->lines;
		line_text(s, line, t);
		int col = match_from(t, c->wanted, i ? (backward ? VT_COLS_MAX : 0) : from, backward);
		found = col >= 0;
		if (found)
			c->at = (struct copy_place){line, col};
	}
	buf_done(&t->text);
	return found;
}

bool copy_search(struct copy *c, const struct copy_source *s, const char *text)
{
	if (text != c->wanted)
		snprintf(c->wanted, sizeof(c->wanted), "%s", text);
	return s->lines && *c->wanted && find(c, s, c->backward, true);
}

/* --- keys --- */

static void move(struct copy *c, const struct copy_source *s, int lines, int cols)
{
	c->at.line = clamp(c->at.line + lines, s->lines - 1);
	c->at.col = clamp(c->at.col + cols, s->cols - 1);
}

static void mark(struct copy *c, int how)
{
	c->marking = (int)c->marking == how ? COPY_UNMARKED : how;
	c->mark = c->at;
}

static bool move_key(struct copy *c, const struct copy_source *s, struct key k, int page)
{
	bool ctrl = k.mods & VT_CTRL;
	switch (k.code) {
	case VT_KEY_UP:
	case 'k':
		move(c, s, -1, 0);
		return true;
	case VT_KEY_DOWN:
	case 'j':
		move(c, s, 1, 0);
		return true;
	case VT_KEY_LEFT:
	case 'h':
		move(c, s, 0, -1);
		return true;
	case VT_KEY_RIGHT:
	case 'l':
		move(c, s, 0, 1);
		return true;
	case VT_KEY_PGUP:
		move(c, s, -page, 0);
		return true;
	case VT_KEY_PGDN:
		move(c, s, page, 0);
		return true;
	case 'b':
	case 'u':
	case 'f':
	case 'd':
		if (ctrl)
			move(c, s,
			     (k.code == 'b' || k.code == 'u' ? -page : page) /
				 (k.code == 'u' || k.code == 'd' ? 2 : 1),
			     0);
		return ctrl;
	case VT_KEY_HOME:
	case '0':
		c->at.col = 0;
		return true;
	case VT_KEY_END:
	case '$':
		c->at.col = clamp(line_len(s, c->at.line) - 1, s->cols - 1);
		return true;
	case 'g':
		c->at = (struct copy_place){0, 0};
		return true;
	case 'G':
		c->at = (struct copy_place){s->lines - 1, 0};
		return true;
	default:
		return false;
	}
}

enum copy_result copy_key(struct copy *c, const struct copy_source *s, struct key k, int page)
{
	if (s->lines < 1 || move_key(c, s, k, page))
		return COPY_STAYS;
	switch (k.code) {
	case ' ':
	case 'v':
		mark(c, COPY_CHARACTERS);
		return COPY_STAYS;
	case 'V':
		mark(c, COPY_LINES);
		return COPY_STAYS;
	case '/':
	case '?':
		c->backward = k.code == '?';
		return COPY_SEARCH;
	case 'n':
	case 'N':
		find(c, s, c->backward != (k.code == 'N'), false);
		return COPY_STAYS;
	case 'y':
		return COPY_COPIES;
	case VT_KEY_ENTER:
		return c->marking == COPY_UNMARKED ? COPY_LEAVES : COPY_COPIES;
	case 'c':
		return k.mods & VT_CTRL ? COPY_LEAVES : COPY_STAYS;
	case 'q':
	case VT_KEY_ESCAPE:
		return COPY_LEAVES;
	default:
		return COPY_STAYS;
	}
}

void copy_press(struct copy *c, struct copy_place at)
{
	c->at = c->mark = at;
	c->marking = COPY_UNMARKED;
	c->dragging = true;
}

void copy_drag(struct copy *c, struct copy_place at)
{
	if (!c->dragging)
		return;
	c->at = at;
	c->marking = COPY_CHARACTERS;
}

void copy_dropped(struct copy *c, int n)
{
	if (n < 1)
		return;
	c->at.line = c->at.line < n ? 0 : c->at.line - n;
	c->mark.line = c->mark.line < n ? 0 : c->mark.line - n;
}

/* --- what is marked --- */

/* Columns [*from, *to) of a line that are marked. */
static bool marked(const struct copy *c, const struct copy_source *s, int line, int *from, int *to)
{
	struct copy_place a = before(c->at, c->mark) ? c->at : c->mark,
			  b = before(c->at, c->mark) ? c->mark : c->at;
	if (c->marking == COPY_UNMARKED)
		a = b = c->at;
	if (line < a.line || line > b.line)
		return false;
	bool whole = c->marking != COPY_CHARACTERS;
	*from = whole || line > a.line ? 0 : a.col;
	*to = whole || line < b.line ? s->cols : b.col + 1;
	return true;
}

void copy_text(const struct copy *c, const struct copy_source *s, struct buf *out)
{
	for (int line = 0; line < s->lines; line++) {
		int from, to, len;
		if (!marked(c, s, line, &from, &to))
			continue;
		len = line_len(s, line);
		for (int col = from; col < to && col < len; col++) {
			char text[VT_CELL_TEXT];
			buf_add(out, text, vt_cell_text(s->cell(s->ctx, line, col), text));
		}
		bool last = line + 1 == s->lines || !marked(c, s, line + 1, &from, &to);
		if (!(s->wrapped && s->wrapped(s->ctx, line)) && (!last || c->marking != COPY_CHARACTERS))
			buf_puts(out, "\n");
	}
}

void copy_looks(const struct copy *c, const struct copy_source *s, int line, unsigned char *looks, int n)
{
	int from, to;
	memset(looks, LOOK_PLAIN, (size_t)n);
	if (*c->wanted) {
		AUTO_FREE struct line_text *t = x_calloc(1, sizeof(*t));
		size_t len = strlen(c->wanted);
		line_text(s, line, t);
		for (const char *p = match(t, c->wanted, 0); p;
		     p = match(t, c->wanted, (size_t)(p - buf_text(&t->text)) + len))
			for (size_t i = 0; i < len; i++) {
				int col = t->cols[p - buf_text(&t->text) + i];
				if (col < n)
					looks[col] = LOOK_FOUND;
			}
		buf_done(&t->text);
	}
	if (c->marking != COPY_UNMARKED && marked(c, s, line, &from, &to))
		for (int col = from; col < to && col < n; col++)
			looks[col] = LOOK_MARKED;
}
