/* The list of domains, and beside it the console panel of the one under the bar. */
#ifndef UI_TUI_PAGE_DOMAINS_H
#define UI_TUI_PAGE_DOMAINS_H

#include "ui/tui/deck.h"

extern const struct view_ops page_domains_ops;

/* The marked domains' uuids, in the order of the list; the caller's to free. Return: how many. */
size_t page_domains_marked(struct deck *d, char (**uuids)[UUID_TEXT]);
/* Show the panel, or hide it; @focus: the keys go to it. */
void page_domains_panel(struct deck *d, bool show, bool focus);
/* The bar to this domain, if it is in the list. */
void page_domains_select(struct deck *d, const char *uuid);
bool page_domains_panel_shown(struct deck *d);

#endif
