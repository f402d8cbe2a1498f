/* Pictures on their way to the terminal, as much of them at a time as it takes. For term.c. */
#ifndef UI_TUI_PICTURE_OUT_H
#define UI_TUI_PICTURE_OUT_H

#include "ui/tui/pacer.h"
#include "ui/tui/term_picture.h"

struct picture_out {
	int fd;
	struct picture_mode mode;
	struct pacer pacer;
	struct picture_place place;
	bool left;   /* not all of it is there */
	bool asked;  /* whether the terminal shows images */
	bool images; /* it does */
	bool gone;   /* some that it shows are to go */
};

/* Bring what differs there. */
void picture_out_draw(struct picture_out *o, const struct canvas *now, struct canvas *shown);
/* Is there more to come, or is it not known yet whether the terminal has taken it all? */
bool picture_out_busy(struct picture_out *o, unsigned *wait_ms);
void picture_out_answered(struct picture_out *o);
/* Ask, once, whether it shows images, unless its kind is known not to. */
void picture_out_ask(struct picture_out *o, const char *term_name);
/* Take all images away. */
void picture_out_delete(struct picture_out *o, struct canvas *shown);
/* The answers that are on their way are not for who reads next: wait for them a little. */
void picture_out_end(struct picture_out *o, int in);
/* Pixels of a cell, 0 when the terminal does not say; *images: those are welcome now. */
void picture_out_cell(struct picture_out *o, int *w, int *h, bool *images);

/* All of it, however long it takes; errors are noticed by the next read. */
void picture_out_write(int fd, const char *s, size_t n);

#endif
