#include "ui/tui/line.h"

#include <string.h>

#include "src/base/cleanup.h"

const char *line_text(const struct line *l)
{
	return buf_text(&l->text);
}

void line_set(struct line *l, const char *text)
{
	buf_done(&l->text);
	buf_puts(&l->text, text ? text : "");
	l->at = l->text.len;
}

void line_done(struct line *l)
{
	buf_done(&l->text);
	l->at = 0;
}

static void splice(struct line *l, size_t from, size_t to, const char *with, size_t n)
{
	struct buf b = {0};
	buf_add(&b, line_text(l), from);
	buf_add(&b, with, n);
	buf_puts(&b, line_text(l) + to);
	buf_done(&l->text);
	l->text = b;
	l->at = from + n;
}

static size_t step_back(const struct line *l, size_t at)
{
	while (at && (line_text(l)[--at] & 0xc0) == 0x80)
		;
	return at;
}

static size_t step_on(const struct line *l, size_t at)
{
	uint32_t ch;
	return at + utf8_next(line_text(l) + at, &ch);
}

static size_t word_back(const struct line *l)
{
	size_t from = l->at;
	while (from && line_text(l)[from - 1] == ' ')
		from--;
	while (from && line_text(l)[from - 1] != ' ')
		from--;
	return from;
}

static bool edit(struct line *l, struct key k)
{
	bool ctrl = k.mods & VT_CTRL;
	if (k.code == VT_KEY_BACKSPACE || (ctrl && k.code == 'h')) {
		splice(l, step_back(l, l->at), l->at, "", 0);
	} else if (k.code == VT_KEY_DELETE) {
		size_t at = l->at;
		splice(l, at, step_on(l, at), "", 0);
	} else if (ctrl && k.code == 'u') {
		splice(l, 0, l->at, "", 0);
	} else if (ctrl && k.code == 'k') {
		splice(l, l->at, l->text.len, "", 0);
	} else if (ctrl && k.code == 'w') {
		splice(l, word_back(l), l->at, "", 0);
	} else if (k.code >= ' ' && k.code < VT_KEY_NAMED && !k.mods && l->text.len < LINE_MAX_BYTES) {
		char glyph[5];
		splice(l, l->at, l->at, glyph, utf8_put(k.code, glyph));
	} else {
		return false;
	}
	return true;
}

enum line_result line_key(struct line *l, struct key k)
{
	if (edit(l, k))
		return LINE_CHANGED;
	if (k.code == VT_KEY_LEFT)
		l->at = step_back(l, l->at);
	else if (k.code == VT_KEY_RIGHT)
		l->at = step_on(l, l->at);
	else if (k.code == VT_KEY_HOME || (k.code == 'a' && k.mods == VT_CTRL))
		l->at = 0;
	else if (k.code == VT_KEY_END || (k.code == 'e' && k.mods == VT_CTRL))
		l->at = l->text.len;
	else
		return LINE_OTHER;
	return LINE_MOVED;
}

bool line_paste(struct line *l, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)text[i] < ' ') { /* the first line only */
			n = i;
			break;
		}
	if (!n || l->text.len + n > LINE_MAX_BYTES)
		return false;
	splice(l, l->at, l->at, text, n);
	return true;
}

/* Where what is seen begins, in bytes: the cursor has a place in @width columns. */
static const char *seen_from(const struct line *l, int width, int *cursor)
{
	AUTO_FREE char *before = x_strndup(line_text(l), l->at);
	const char *text = line_text(l);
	*cursor = text_width(before);
	while (*cursor >= width && *text) {
		uint32_t ch;
		text += utf8_next(text, &ch);
		int w = glyph_width(ch);
		*cursor -= w < 0 ? 1 : w;
	}
	return text;
}

void line_draw(const struct line *l, const struct area *a, int row, int col, int width, struct style s,
	       bool cursor)
{
	int at;
	area_fill(a, row, col, 1, width, s);
	if (!cursor) {
		area_field(a, row, col, width, false, s, line_text(l));
		return;
	}
	area_text(a, row, col, width, s, seen_from(l, width, &at));
	area_cursor(a, row, col + at, VT_CURSOR_BAR);
}

void line_click(struct line *l, int width, int col)
{
	int at;
	const char *text = seen_from(l, width, &at);
	while (*text && col > 0) {
		uint32_t ch;
		text += utf8_next(text, &ch);
		int w = glyph_width(ch);
		col -= w < 0 ? 1 : w;
	}
	l->at = (size_t)(text - line_text(l));
}
