/* A form: fields below each other, each with a label, something beside it, and a sentence under it; it
 * scrolls. It belongs to a page, which hears of every change, judges it, and says so with form_say(). No I/O
 * here. */
#ifndef UI_TUI_FORM_H
#define UI_TUI_FORM_H

#include "ui/tui/canvas.h"
#include "ui/tui/input.h"
#include "ui/tui/line.h"
#include "ui/tui/pick.h"
#include "ui/tui/theme.h"

enum field_kind {
	FIELD_TEXT,
	FIELD_NUMBER, /* a short text with a unit behind it */
	FIELD_FILE,   /* a path, and a way to look for it */
	FIELD_CHOICE, /* one of a few: Left and Right change it */
	FIELD_LIST,   /* one of many: a box opens, and what is typed filters */
	FIELD_CHECK,  /* yes or no */
	FIELD_BUTTON,
};

struct field {
	enum field_kind kind;
	const char *label;
	const char *unit; /* FIELD_NUMBER: behind it; FIELD_CHECK: what yes means */
	const char *hint; /* in the last line while it has the keys; of a choice, the hint of its option comes
			     first */
	bool hidden;
	bool touched;                 /* the user has changed it */
	bool on;                      /* FIELD_CHECK */
	struct line line;             /* FIELD_TEXT, _NUMBER, _FILE */
	const struct option *options; /* FIELD_CHOICE, _LIST: the page's, longer-lived than the form */
	size_t noptions, chosen;
	char *beside; /* dim, behind the field; form_beside() */
	char *said;   /* under it; form_say() */
	enum role said_role;
	int row, col, width; /* where it was drawn last in the form; width 0 = not there */
};

struct form {
	struct field *fields;
	size_t n, at; /* at: has the keys */
	int top, rows, seen;
	struct pick *pick; /* the open box of the field that has the keys */
	struct area area;  /* where it was drawn last */
};

enum form_event {
	FORM_OTHER,   /* not a key for a form */
	FORM_USED,    /* the form has done something: draw it */
	FORM_CHANGED, /* the value of fields[at]; its touched is set */
	FORM_BROWSE,  /* FIELD_FILE: look for it */
	FORM_PRESSED, /* FIELD_BUTTON */
	FORM_LEAVE,   /* Esc */
};

/* @fields are the form's from now on: an array from x_calloc(). */
void form_init(struct form *f, struct field *fields, size_t n);
void form_done(struct form *f);
enum form_event form_key(struct form *f, struct key k);
enum form_event form_paste(struct form *f, const char *text, size_t n);
/* @m: in the screen's cells, as the area that was drawn in. */
enum form_event form_mouse(struct form *f, const struct vt_mouse *m);
/* In the last line, a hint. */
void form_draw(struct form *f, const struct area *a);

/* Give the keys to the field @i, if it is to be seen. */
void form_focus(struct form *f, size_t i);
/* The sentence under the field; NULL or "" = none. Control characters become '?'. */
void form_say(struct form *f, size_t i, enum role role, const char *text);
void form_beside(struct form *f, size_t i, const char *text);
/* What was typed, or the value of the option chosen ("" when there is none). */
const char *form_value(const struct form *f, size_t i);
/* The option with this value; false: there is none, and nothing changes. */
bool form_choose(struct form *f, size_t i, const char *value);
/* The first field to be seen whose sentence is an error; n when there is none. */
size_t form_wrong(const struct form *f);

#endif
