/* What things look like: one row for each role, for terminals with 256 colours and more, with 16, and
 * without. */
#ifndef UI_TUI_THEME_H
#define UI_TUI_THEME_H

#include "ui/tui/canvas.h"

enum role {
	ROLE_NORMAL,
	ROLE_DIM, /* units, separators, what is off */
	ROLE_STRONG,
	ROLE_BRAND,    /* the name in the top line */
	ROLE_TOP,      /* the top line */
	ROLE_COLUMNS,  /* column titles */
	ROLE_SORTED,   /* the title of the column sorted by */
	ROLE_SELECTED, /* the row under the bar */
	ROLE_BAR_IDLE, /* the same while the keys go elsewhere */
	ROLE_MARKED,
	ROLE_RUNNING,
	ROLE_PAUSED,
	ROLE_CRASHED,
	ROLE_METER,
	ROLE_METER_HIGH,
	ROLE_METER_REST,
	ROLE_FRAME,
	ROLE_FRAME_ON, /* the frame of what has the keys */
	ROLE_KEY,      /* a key in the key bar */
	ROLE_LABEL,    /* what it does */
	ROLE_INFO,
	ROLE_WARNING,
	ROLE_ERROR,
	ROLE_DANGER, /* the frame of a dialog before something is lost */
	ROLE_BUTTON,
	ROLE_FIELD, /* where text is typed */
	ROLE_COUNT
};

/* How many colours the terminal has: 0 or 1 = none, 8, 16, 256, more = direct. Default: 256. */
void theme_set(int colours);
/* Is the terminal's background a light one? Default: no. With 8 and 16 colours it is the terminal that makes
 * them readable. */
void theme_set_light(bool light);
struct style theme(enum role r);

#endif
