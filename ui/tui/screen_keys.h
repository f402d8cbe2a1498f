/* Keys of the user's terminal as keys of the guest's keyboard: a US one, unless it is told otherwise. */
#ifndef UI_TUI_SCREEN_KEYS_H
#define UI_TUI_SCREEN_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "ui/tui/input.h"

#define STROKE_MAX 4 /* keys held together */

/* Codes (src/proto/keycode.h) pressed in this order and let go in the reverse. @n 0: the keyboard has no such key. */
struct stroke {
	unsigned n;
	unsigned codes[STROKE_MAX];
};

struct stroke stroke_of(struct key k);

/* What a terminal keeps for itself, for the menu; ends with a row without label. */
struct stroke_item {
	const char *label;
	const char *hint;
	struct stroke stroke;
};
extern const struct stroke_item stroke_items[];

#endif
