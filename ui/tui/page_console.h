/* A guest's serial console on the full screen. */
#ifndef UI_TUI_PAGE_CONSOLE_H
#define UI_TUI_PAGE_CONSOLE_H

#include "ui/tui/deck.h"

void page_console_open(struct deck *d, const char *uuid);

#endif
