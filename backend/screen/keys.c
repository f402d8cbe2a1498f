#include "backend/screen/keys.h"

#include <linux/input-event-codes.h>
#include <string.h>

#include "src/base/cleanup.h"

/* X11/keysymdef.h */
#define SYM_UNICODE 0x01000000u
#define SYM_LEVEL3 0xfe03u

static struct keys_row layout[KEYS_ROWS_MAX];
static size_t nlayout; /* set last, looked at first */

void keys_set_layout(const struct keys_row *rows, size_t n)
{
	if (!n || n > KEYS_ROWS_MAX || __atomic_load_n(&nlayout, __ATOMIC_RELAXED))
		return;
	memcpy(layout, rows, n * sizeof(*rows));
	__atomic_store_n(&nlayout, n, __ATOMIC_RELEASE);
}

/* A character's key in the guest's layout; false: it is none of that. */
static bool in_layout(uint32_t sym, struct keys_row *out)
{
	size_t n = __atomic_load_n(&nlayout, __ATOMIC_ACQUIRE);
	for (size_t i = 0; i < n; i++)
		if (layout[i].sym == sym) {
			*out = layout[i];
			return true;
		}
	return false;
}

/* The key for a keysym, and what has to be down with it; code 0: there is none. */
static struct keys_row row_for(uint32_t sym)
{
	bool shift = false;
	struct keys_row r = {.sym = sym};
	if (in_layout(sym, &r))
		return r;
	r.code = (uint8_t)keycode_from_keysym(sym, &shift);
	r.mods = shift ? KEYS_SHIFT : 0;
	return r;
}

static void press(struct keys *k, unsigned code, bool down, keys_sink *sink, void *ctx)
{
	k->down[code] = down;
	sink(ctx, code, down);
}

/* Latin-1 has two names. */
static uint32_t canonical(uint32_t sym)
{
	return (sym & 0xff000000u) == SYM_UNICODE && (sym & 0xffffff) < 0x100 ? sym & 0xff : sym;
}

/* What Caps Lock makes a capital of. Latin-1 has its letters from 0xc0 on, but for two signs and sharp s. */
static bool is_letter(uint32_t sym)
{
	return (sym >= 'a' && sym <= 'z') || (sym >= 'A' && sym <= 'Z') ||
	       (sym >= 0xc0 && sym < 0xff && sym != 0xd7 && sym != 0xf7 && sym != 0xdf);
}

static bool is_text(uint32_t sym)
{
	struct keys_row r;
	return (sym > 0x20 && sym < 0x7f) || (sym >= 0xa0 && sym < 0x100) ||
	       (sym != ' ' && in_layout(sym, &r));
}

/* Modifiers that have to change while a character's key goes down, and how. */
struct wish {
	unsigned code;
	bool down;
};

static size_t wishes_for(const struct keys *k, const struct keys_row *r, bool caps, struct wish w[3])
{
	bool held = k->down[KEY_LEFTSHIFT] || k->down[KEY_RIGHTSHIFT], altgr = k->down[KEY_RIGHTALT];
	bool wanted = (r->mods & KEYS_SHIFT) ^ (caps && is_letter(r->sym));
	size_t n = 0;
	if (!is_text(r->sym))
		return 0;
	if (k->level3 && altgr && !(r->mods & KEYS_ALTGR))
		w[n++] = (struct wish){KEY_RIGHTALT, false};
	if (!altgr && r->mods & KEYS_ALTGR)
		w[n++] = (struct wish){KEY_RIGHTALT, true};
	if (wanted && !held)
		w[n++] = (struct wish){KEY_LEFTSHIFT, true};
	if (!wanted && held)
		w[n++] = (struct wish){k->down[KEY_LEFTSHIFT] ? KEY_LEFTSHIFT : KEY_RIGHTSHIFT, false};
	return n;
}

static void sym_down(struct keys *k, uint32_t sym, bool caps, keys_sink *sink, void *ctx)
{
	struct wish w[3];
	struct keys_row r = row_for(sym);
	unsigned code = r.code;
	if (!code || code >= KEYCODE_MAX)
		return;
	for (size_t i = 0; i < KEYS_SYMS; i++)
		if (!k->syms[i].code || k->syms[i].sym == sym) {
			k->syms[i].sym = sym;
			k->syms[i].code = code;
			break;
		}
	size_t n = wishes_for(k, &r, caps, w);
	for (size_t i = 0; i < n; i++)
		sink(ctx, w[i].code, w[i].down);
	press(k, code, true, sink, ctx);
	while (n--)
		sink(ctx, w[n].code, !w[n].down);
}

static void sym_up(struct keys *k, uint32_t sym, keys_sink *sink, void *ctx)
{
	unsigned code = 0;
	for (size_t i = 0; i < KEYS_SYMS; i++)
		if (k->syms[i].code && k->syms[i].sym == sym) {
			code = k->syms[i].code;
			k->syms[i].code = 0;
		}
	if (!code)
		code = row_for(sym).code;
	if (code && code < KEYCODE_MAX && k->down[code])
		press(k, code, false, sink, ctx);
}

void keys_sym(struct keys *k, uint32_t sym, bool down, bool caps, keys_sink *sink, void *ctx)
{
	sym = canonical(sym);
	if (sym == SYM_LEVEL3)
		k->level3 = down;
	if (down)
		sym_down(k, sym, caps, sink, ctx);
	else
		sym_up(k, sym, sink, ctx);
}

void keys_xt(struct keys *k, uint32_t xt, uint32_t sym, bool down, bool caps, keys_sink *sink, void *ctx)
{
	unsigned code = keycode_from_xt(xt);
	if (!code || code >= KEYCODE_MAX)
		keys_sym(k, sym, down, caps, sink, ctx);
	else if (down || k->down[code])
		press(k, code, down, sink, ctx);
}

bool keys_any(const struct keys *k)
{
	return memchr(k->down, 1, sizeof(k->down)) != NULL;
}
