/* For console*.c alone. */
#ifndef UI_TUI_CONSOLE_INTERNAL_H
#define UI_TUI_CONSOLE_INTERNAL_H

#include "ui/tui/console.h"
#include "ui/tui/copy.h"
#include "ui/tui/why.h"

struct console {
	struct consoles *all;
	char uuid[UUID_TEXT];
	enum { CONSOLE_NEW, CONSOLE_LIVE, CONSOLE_RECORD } kind;
	struct vt *vt;
	int fd;
	struct watch *watch;
	struct buf out;
	int64_t started_ms; /* of the run that is attached */
	int64_t opened_ms;
	int64_t said_ms; /* when bytes came last */
	struct why why;  /* looked at while the panel is shown and nothing comes */
	bool may_answer;
	uint64_t bytes, used, bells;
	int scroll; /* lines back from the end */
	uint64_t scroll_total;
	struct copy copy;
	bool not_found; /* what was searched for */
	int lines_kept; /* of the scrollback, when bytes came last */
	char trouble[256];
};

struct consoles {
	struct deck *deck;
	struct console *list[CONSOLES_MAX];
	size_t n;
	struct console *shown;
	uint64_t clock;
	int rows, cols; /* of the panel, for new ones */
};

/* console_copy.c: looking back. */

/* Bytes came, or the size changed: what is looked at stays where it is. */
void console_follow(struct console *c);
/* A key while looking back. */
void console_copy_key(struct console *c, struct key k);
/* The mouse, in the panel's cells. */
void console_copy_mouse(struct console *c, const struct vt_mouse *in);
/* Show what is marked and found in the line that is drawn in row @row of @a. */
void console_copy_draw(struct console *c, const struct area *a, int row);

#endif
