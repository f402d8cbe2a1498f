/* What a viewer types, as keys of the guest's keyboard. Viewers that send scan codes (QEMU's extended key
 * events) name the key; the others send X keysyms, for which the keys of a US keyboard are pressed that make
 * them. */
#ifndef BACKEND_SCREEN_KEYS_H
#define BACKEND_SCREEN_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#include "src/proto/keycode.h"

#define KEYS_SYMS 32

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
