/* What will be made, before it is: the XML, the files, the same as a command line. */
#ifndef UI_TUI_PAGE_PLAN_H
#define UI_TUI_PAGE_PLAN_H

#include "src/cmd/install.h"
#include "ui/tui/deck.h"

/* It was made (0), or was not; the page is still open when it was not. */
typedef void (*plan_fn)(struct deck *d, const struct install_plan *p, int result, const char *error);

/* @p lives longer than the page, which may edit it. */
void page_plan_open(struct deck *d, struct install_plan *p, plan_fn fn);

#endif
