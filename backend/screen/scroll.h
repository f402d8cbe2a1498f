/* Does the picture scroll? Text that a console or a window moves up or down is found by its lines: those that
 * now stand where others stood are told to viewers as a copy of what they have. What is found need not be
 * exact: the shadow is moved as the viewers' pictures are, and compared with the machine's afterwards
 * (surface_update()). */
#ifndef BACKEND_SCREEN_SCROLL_H
#define BACKEND_SCREEN_SCROLL_H

#include "backend/screen/surface.h"

#define SCROLL_RUNS 32
#define SCROLL_BAND 16
#define SCROLL_CHANGED (SURFACE_MAX / SCROLL_BAND + SCROLL_RUNS)

struct scroll {
	int dy; /* lines downwards */
	size_t nruns, nchanged;
	struct screen_rect runs[SCROLL_RUNS];       /* what moves there, from top to bottom */
	struct screen_rect changed[SCROLL_CHANGED]; /* what looks another way by that, after scroll_apply() */
};

/* How much of what differs within @in has only moved up or down? true: enough of it. Gives up for a while
 * when it finds nothing again and again. Only one thread may be here. */
bool scroll_find(struct surface *s, const struct screen_rect *in, size_t n, struct scroll *to);
/* Move it in the shadow. Return: pixels of the parts that changed. */
size_t scroll_apply(struct surface *s, struct scroll *m);

#endif
