/* One line of text that is being typed: what the keys do in it, and how it looks. */
#ifndef UI_TUI_LINE_H
#define UI_TUI_LINE_H

#include "ui/tui/canvas.h"
#include "ui/tui/input.h"

#define LINE_MAX_BYTES 4000 /* no line gets longer by typing or pasting */

struct line {
	struct buf text; /* valid UTF-8 as far as the keys go; pasted bytes as they came */
	size_t at;       /* byte offset of the cursor */
};

enum line_result {
	LINE_OTHER,   /* no key for a line */
	LINE_MOVED,   /* the cursor, at most */
	LINE_CHANGED, /* the text */
};

/* Zero-initialise before the first use; the cursor is at the end. @text may be NULL. */
void line_set(struct line *l, const char *text);
void line_done(struct line *l);
const char *line_text(const struct line *l);
/* Characters, Backspace, Del, C-u, C-k, C-w; Left, Right, Home, End, C-a, C-e. */
enum line_result line_key(struct line *l, struct key k);
/* The first line of @text. false: too long, or nothing. */
bool line_paste(struct line *l, const char *text, size_t n);
/* In @width columns from (@row, @col); what is before the cursor makes room when it is too long. @cursor:
 * show the terminal's cursor there. */
void line_draw(const struct line *l, const struct area *a, int row, int col, int width, struct style s,
	       bool cursor);
/* The cursor to the cell @col of a line drawn by line_draw() with @cursor in @width columns. */
void line_click(struct line *l, int width, int col);

#endif
