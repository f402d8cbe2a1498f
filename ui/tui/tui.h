/* The deck: the full-screen program that `vmdeck` without arguments is. */
#ifndef UI_TUI_TUI_H
#define UI_TUI_TUI_H

#include "src/backend.h"

/* Run it until the user leaves or the terminal goes away; the terminal is then as it was. Guests run on.
 * -ENOTTY without a terminal; -EIO when the terminal went away. */
int tui_run(struct backend *b, struct err *e);

#endif
