/* A box with a list to choose from; what is typed filters it. It belongs to whoever shows it: a form's field,
 * a page. */
#ifndef UI_TUI_PICK_H
#define UI_TUI_PICK_H

#include "ui/tui/canvas.h"
#include "ui/tui/input.h"

struct option {
	const char *value; /* for the program */
	const char *label; /* for people */
	const char *hint;  /* behind it, dim; may be NULL; the filter looks at it too */
};

struct pick;

/* @options live longer than the box; @at is under the bar at first. */
struct pick *pick_new(const char *title, const struct option *options, size_t n, size_t at);
void pick_free(struct pick *p);

enum { PICK_OPEN = -2, PICK_LEFT = -1 };
/* Return: the index that was chosen, PICK_LEFT when it was left without, PICK_OPEN while it is open. */
int pick_key(struct pick *p, struct key k);
int pick_mouse(struct pick *p, const struct vt_mouse *m);
/* In the midst of @a, over what is there. */
void pick_draw(struct pick *p, const struct area *a);

/* Does every word of @filter occur in @text or @more (may be NULL), whatever the case? */
bool filter_match(const char *filter, const char *text, const char *more);

/* A place in a list of @n rows, moved; @seen rows are shown. */
size_t list_moved(size_t at, size_t n, int seen, uint32_t key_code);
/* The first row shown, so that @at is. */
size_t list_top(size_t top, size_t at, size_t n, int seen);

#endif
