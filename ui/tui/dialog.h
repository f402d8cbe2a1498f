/* What stands before the pages: a question, a menu, or a line of text to type. At most one is open. */
#ifndef UI_TUI_DIALOG_H
#define UI_TUI_DIALOG_H

#include "ui/tui/deck.h"

/* Chosen: 0.. of the menu, 1 = yes and 0 = no of a question, -1 = left. @data is then freed with free(). */
typedef void (*dialog_fn)(struct deck *d, int choice, void *data);

/* A question; the answer is no unless yes is chosen. @text may have several lines. */
void dialog_confirm(struct deck *d, const char *title, const char *text, dialog_fn fn, void *data);

struct menu_item {
	char *label;            /* the dialog's from now on */
	char *hint;             /* behind it, may be NULL; the dialog's */
	char key[KEY_NAME_MAX]; /* pressed in the menu it chooses the item; "" = none */
};
/* A menu; @items is the dialog's from now on. */
void dialog_menu(struct deck *d, const char *title, struct menu_item *items, size_t n, dialog_fn fn,
		 void *data);
/* Something to read, until a key is pressed. */
void dialog_note(struct deck *d, const char *title, const char *text);

void dialog_key(struct deck *d, struct key k);
void dialog_mouse(struct deck *d, const struct vt_mouse *m);
void dialog_draw(struct deck *d, const struct area *a);
void dialog_free(struct dialog *g);

/* A line to type in the place of the message line. @change (may be NULL) hears of every change; @done of
 * Enter with the text, or of Escape with NULL. @initial may be NULL. */
typedef void (*prompt_fn)(struct deck *d, const char *text);
void prompt_open(struct deck *d, const char *label, const char *initial, prompt_fn change, prompt_fn done);
void prompt_key(struct deck *d, struct key k);
void prompt_paste(struct deck *d, const char *text, size_t n);
void prompt_draw(struct deck *d, const struct area *a);
void prompt_free(struct prompt *p);

#endif
