/* Why nothing is seen of a guest: the sentence of src/model/diagnosis.h, kept up to date while a page that
 * shows it is open. */
#ifndef UI_TUI_WHY_H
#define UI_TUI_WHY_H

#include "src/model/diagnosis.h"
#include "ui/tui/deck.h"

/* Zero-initialise. */
struct why {
	struct diagnosis_facts facts;
	struct diagnosis now;
	char boots[128];  /* what its firmware tries */
	int64_t asked_ms; /* when the guest was last asked */
};

/* Ask the guest once more, at most once in half a second, and judge. @g: NULL = it is gone; @def: its XML, or
 * NULL. One whose process does not answer is not waited for twice. From a page's update(). */
void why_look(struct why *w, struct deck *d, const struct figure *g, const struct domain *def);
void why_done(struct why *w);

#endif
