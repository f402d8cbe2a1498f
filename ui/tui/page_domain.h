/* All about one domain: definition, state, figures of each vCPU and disk. */
#ifndef UI_TUI_PAGE_DOMAIN_H
#define UI_TUI_PAGE_DOMAIN_H

#include "ui/tui/deck.h"

void page_domain_open(struct deck *d, const char *uuid);

#endif
