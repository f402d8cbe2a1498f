/* What a viewer types, as keys of the guest's keyboard. Viewers that send scan codes (QEMU's extended key
 * events) name the key; the others send X keysyms, for which the keys are pressed that make them: of the
 * guest's layout when its XML has keymap=, else of a US keyboard. */
#ifndef BACKEND_SCREEN_KEYS_H
#define BACKEND_SCREEN_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/proto/keycode.h"

#define KEYS_SYMS 32

#define KEYS_ROWS_MAX 1024

enum { KEYS_SHIFT = 1, KEYS_ALTGR = 2 };

/* Which key makes a character, and what has to be down then. */
struct keys_row {
	uint32_t sym; /* X keysym */
	uint8_t code, mods;
};

/* The guest's layout, for all viewers: at most KEYS_ROWS_MAX rows, which are copied; none: a US keyboard. The
 * first one stands, since viewers' threads look at it. */
void keys_set_layout(const struct keys_row *rows, size_t n);

typedef void keys_sink(void *ctx, unsigned code, bool down);

/* The keys that one viewer holds. Zero-initialise. */
struct keys {
	bool down[KEYCODE_MAX];
	struct {
		uint32_t sym;
		unsigned code;
	} syms[KEYS_SYMS]; /* which keysym pressed which key; code 0: free */
	bool level3;
};

/* A keysym. The sink gets the key, and around it what makes Shift right for the character: a viewer may send
 * 'A' without Shift, or '/' with it (a German keyboard). @caps: the guest's Caps Lock is on. */
void keys_sym(struct keys *k, uint32_t sym, bool down, bool caps, keys_sink *sink, void *ctx);
/* A key by QEMU's number (keycode_from_xt()); a key that is unknown there is looked for by its keysym. */
void keys_xt(struct keys *k, uint32_t xt, uint32_t sym, bool down, bool caps, keys_sink *sink, void *ctx);
/* Is any key held? */
bool keys_any(const struct keys *k);

#endif
