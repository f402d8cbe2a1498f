/* The guest's screen on a page, and beside the list. */
#ifndef UI_TUI_PAGE_SCREEN_H
#define UI_TUI_PAGE_SCREEN_H

#include "ui/tui/deck.h"

void page_screen_open(struct deck *d, const char *uuid);

#endif
