/* Looking back at what a guest has written: a cursor over lines of cells, search, marking and copying, with
 * the keys of tmux's copy mode (vi's). It knows neither where the lines come from nor where they are drawn.
 * Lines and columns count from 0, the oldest line first. */
#ifndef UI_TUI_COPY_H
#define UI_TUI_COPY_H

#include <stdbool.h>

#include "src/base/str.h"
#include "ui/tui/input.h"
#include "ui/vt/vt.h"

/* Lines to look at, as they are now. */
struct copy_source {
	int lines, cols;
	/* Never NULL; a blank one where there is nothing. */
	const struct vt_cell *(*cell)(void *ctx, int line, int col);
	bool (*wrapped)(void *ctx, int line); /* it goes on in the next line; NULL: none does */
	void *ctx;
};

struct copy_place {
	int line, col;
};

struct copy {
	bool on;
	struct copy_place at, mark;
	enum { COPY_UNMARKED, COPY_CHARACTERS, COPY_LINES } marking;
	bool dragging; /* by the mouse */
	bool backward; /* the last search */
	char wanted[128]; /* what is searched for, "" = nothing */
};

enum copy_result {
	COPY_STAYS,
	COPY_LEAVES,  /* back to the guest */
	COPY_COPIES,  /* copy_text() is to be copied; then back to the guest */
	COPY_SEARCH,  /* ask for what to search, then copy_search() */
};

/* Begin with the cursor at a place. */
void copy_start(struct copy *c, struct copy_place at);
/* @page: lines of a page. Keys that mean nothing here are swallowed. */
enum copy_result copy_key(struct copy *c, const struct copy_source *s, struct key k, int page);
/* The first match of @text from the cursor on in the direction asked for, round the end; capital letters
 * count when there are any. true: the cursor is there. */
bool copy_search(struct copy *c, const struct copy_source *s, const char *text);
/* The mouse: a press sets the mark and the cursor, a motion the cursor. */
void copy_press(struct copy *c, struct copy_place at);
void copy_drag(struct copy *c, struct copy_place at);
/* The oldest @n lines are gone. */
void copy_dropped(struct copy *c, int n);

/* What is marked (without marks: the cursor's line), blanks at line ends left out, wrapped lines joined. */
void copy_text(const struct copy *c, const struct copy_source *s, struct buf *out);

/* How a line is to be shown: one of these for each of @n columns. */
enum copy_look { LOOK_PLAIN, LOOK_FOUND, LOOK_MARKED };
void copy_looks(const struct copy *c, const struct copy_source *s, int line, unsigned char *looks, int n);

#endif
