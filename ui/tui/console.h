/* Serial consoles of guests, each with a terminal emulator that goes on while another one is shown. The deck
 * shows one at a time: in the panel beside the list, or on its own page. */
#ifndef UI_TUI_CONSOLE_H
#define UI_TUI_CONSOLE_H

#include "ui/tui/deck.h"

#define CONSOLES_MAX 8              /* emulators kept; the one unused for longest goes first */
#define CONSOLE_REPLAY (256u << 10) /* bytes of the record that are played back */
#define CONSOLE_SCROLLBACK 5000     /* lines */

struct consoles *consoles_new(struct deck *d);
void consoles_free(struct consoles *c);
/* A new snapshot: attach to guests that were started, see which have ended. */
void consoles_update(struct consoles *c);

/* Show this domain's console; "" = none. */
void console_show(struct deck *d, const char *uuid);
/* @full: on its own page, which changes only what the title says. */
void console_draw(struct deck *d, const struct area *a, bool focus);
void console_key(struct deck *d, struct key k);
void console_paste(struct deck *d, const char *text, size_t n);
/* @a: where the panel was drawn. */
void console_mouse(struct deck *d, const struct vt_mouse *m, const struct area *a);
/* The keys go elsewhere: copy mode ends, what is seen stays. */
void console_leave(struct deck *d);
/* Back and forward in what the guest has written. @copy: the keys are the panel's, and go to copy mode from
 * now on. */
void console_scroll(struct deck *d, enum move m, bool copy);
/* Type "stty rows R cols C" into the guest. */
void console_stty(struct deck *d);

#endif
