/* A page of text to read: help, XML, messages, what a verb has printed. */
#ifndef UI_TUI_PAGE_TEXT_H
#define UI_TUI_PAGE_TEXT_H

#include "ui/tui/deck.h"

/* @text is the page's from now on. */
void page_text_open(struct deck *d, const char *title, char *text);
/* The same, beginning at its end. */
void page_text_open_end(struct deck *d, const char *title, char *text);

#endif
