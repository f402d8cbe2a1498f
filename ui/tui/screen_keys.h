/* Keys of the user's terminal as keys of the guest's keyboard: a US one, or of the layout that its XML names.
 */
#ifndef UI_TUI_SCREEN_KEYS_H
#define UI_TUI_SCREEN_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "src/model/keymap.h"
#include "ui/tui/input.h"

#define STROKE_MAX 5 /* keys held together */

/* Codes (src/proto/keycode.h) pressed in this order and let go in the reverse. @n 0: the keyboard has no such
 * key. */
struct stroke {
	unsigned n;
	unsigned codes[STROKE_MAX];
};

struct stroke stroke_of(struct key k);
/* The same for a guest that has set up another layout, NULL = a US one: a character may take two strokes. How
 * many; 0: it has no such key. */
unsigned strokes_of(const struct keymap *layout, struct key k, struct stroke out[KEYMAP_STROKES_MAX]);

/* What a terminal keeps for itself, for the menu; ends with a row without label. */
struct stroke_item {
	const char *label;
	const char *hint;
	struct stroke stroke;
};
extern const struct stroke_item stroke_items[];

#endif
