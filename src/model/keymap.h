/* Keyboard layouts: which keys, with Shift or AltGr, make which characters in a guest that has set up that
 * layout. From xkb-data through libxkbcommon, which only keymap.c knows. Keys have Linux's codes
 * (linux/input-event-codes.h). */
#ifndef SRC_MODEL_KEYMAP_H
#define SRC_MODEL_KEYMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "src/base/err.h"

enum keymap_mods { KEYMAP_SHIFT = 1, KEYMAP_ALTGR = 2 };

/* A key that is pressed and let go, with modifiers held around it. */
struct keymap_stroke {
	uint8_t code, mods;
};
#define KEYMAP_STROKES_MAX 2 /* of one character: a dead key and its letter */

/* What a stroke makes. */
struct keymap_row {
	uint32_t sym; /* X keysym */
	struct keymap_stroke stroke;
};

#define KEYMAP_ROWS_MAX 1024 /* more are not passed on */

struct keymap;

/* @layout: a name of QEMU's keymaps, which libvirt's keymap= has ("de", "en-us", "fr-ch"), or one of XKB's, a
 * variant behind it in parentheses or behind a dash ("us(intl)", "us-intl"). NULL with @e filled: there is no
 * such layout (-ENOENT), or xkb-data is not installed. */
struct keymap *keymap_open(const char *layout, struct err *e);
void keymap_free(struct keymap *k);

/* Is it a name that may be asked for? Letters, digits, '-', '_' and parentheses; says nothing about there
 * being such a layout. */
static inline bool keymap_name_ok(const char *layout)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_()";
	size_t n = strlen(layout);
	return n && n < 40 && strspn(layout, allowed) == n;
}

/* All rows that make characters or dead accents, sorted by keysym; each keysym once, with its handiest
 * stroke. A character has a row under each of its keysyms. Valid until keymap_free(). */
size_t keymap_rows(const struct keymap *k, const struct keymap_row **rows);

/* The strokes for a character, at most KEYMAP_STROKES_MAX; newline is Enter, tab Tab, 8 and 127 Backspace, 27
 * Escape. 0: the layout cannot type it. */
unsigned keymap_strokes(const struct keymap *k, uint32_t character, struct keymap_stroke *out);

/* A whole text. *strokes is one allocation, the caller's. CR LF is one Enter. -EILSEQ: not UTF-8; -EINVAL
 * naming the first character that cannot be typed. */
int keymap_text(const struct keymap *k, const char *text, size_t len, struct keymap_stroke **strokes,
		size_t *n, struct err *e);

#endif
