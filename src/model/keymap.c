#include "src/model/keymap.h"

#include <errno.h>
#include <linux/input-event-codes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xkbcommon/xkbcommon.h>

#include "src/base/cleanup.h"
#include "src/base/str.h"

#define XKB_OFFSET 8 /* X numbers keys from 8 on */
#define CODES 248
#define SYM_UNICODE 0x01000000u
#define SYM_DEAD_FIRST 0xfe50u
#define SYM_DEAD_LAST 0xfe93u

struct keymap {
	char name[64];
	struct keymap_row *rows;
	size_t n, room;
};

/* QEMU's names that are not XKB's. (QEMU, pc-bios/keymaps/meson.build) */
static const struct {
	const char *name, *layout, *variant;
} qemu_names[] = {
    {"ar", "ara", ""},     {"bepo", "fr", "bepo"}, {"da", "dk", ""}, {"de-ch", "ch", ""},
    {"en-gb", "gb", ""},   {"en-us", "us", ""},    {"et", "ee", ""}, {"fr-be", "be", ""},
    {"fr-ca", "ca", "fr"}, {"fr-ch", "ch", "fr"},  {"ja", "jp", ""}, {"pt-br", "br", ""},
    {"sl", "si", ""},      {"sv", "se", ""},
};

/* The keypad's keys, and others that few keyboards have: only for what no other key makes. */
static bool is_spare(unsigned code)
{
	return (code >= KEY_KP7 && code <= KEY_KPDOT) || code == KEY_KPASTERISK || code == KEY_KPENTER ||
	       code == KEY_KPSLASH || code > KEY_KPSLASH;
}

/* How handy a stroke is: the lower, the better. */
static unsigned effort(struct keymap_stroke s)
{
	return (is_spare(s.code) ? 8 : 0) + (s.mods & KEYMAP_ALTGR ? 2 : 0) + (s.mods & KEYMAP_SHIFT ? 1 : 0);
}

static struct keymap_row *row_of(const struct keymap *k, uint32_t sym)
{
	for (size_t i = 0; i < k->n; i++)
		if (k->rows[i].sym == sym)
			return &k->rows[i];
	return NULL;
}

static void add(struct keymap *k, uint32_t sym, struct keymap_stroke s)
{
	struct keymap_row *r = row_of(k, sym);
	if (!r) {
		if (k->n == k->room)
			k->rows =
			    x_realloc(k->rows, (k->room = k->room ? 2 * k->room : 256) * sizeof(*k->rows));
		r = &k->rows[k->n++];
		r->sym = sym;
	} else if (effort(r->stroke) <= effort(s)) {
		return;
	}
	r->stroke = s;
}

/* The modifiers of a level as those that we press; false: others are needed too, or Caps or Num Lock. */
static bool level_mods(struct xkb_keymap *x, xkb_keycode_t key, xkb_level_index_t level, uint8_t *out)
{
	xkb_mod_mask_t masks[16], shift = 1u << xkb_keymap_mod_get_index(x, XKB_MOD_NAME_SHIFT);
	xkb_mod_mask_t level3 = 1u << xkb_keymap_mod_get_index(x, "Mod5"); /* where XKB has LevelThree */
	size_t n = xkb_keymap_key_get_mods_for_level(x, key, 0, level, masks, ARRAY_SIZE(masks));
	bool found = false;
	for (size_t i = 0; i < n; i++) {
		uint8_t mods = (masks[i] & shift ? KEYMAP_SHIFT : 0) | (masks[i] & level3 ? KEYMAP_ALTGR : 0);
		if (masks[i] & ~(shift | level3) || (found && *out <= mods))
			continue;
		*out = mods;
		found = true;
	}
	return found;
}

static void add_level(struct keymap *k, struct xkb_keymap *x, unsigned code, xkb_level_index_t level)
{
	const xkb_keysym_t *syms;
	struct keymap_stroke s = {.code = (uint8_t)code};
	if (xkb_keymap_key_get_syms_by_level(x, code + XKB_OFFSET, 0, level, &syms) != 1 ||
	    !level_mods(x, code + XKB_OFFSET, level, &s.mods))
		return;
	uint32_t character = xkb_keysym_to_utf32(syms[0]);
	if (character < ' ' || character == 0x7f) {
		if (syms[0] >= SYM_DEAD_FIRST && syms[0] <= SYM_DEAD_LAST)
			add(k, syms[0], s);
		return;
	}
	add(k, syms[0], s);
	if (character >= 0x100)
		add(k, SYM_UNICODE | character, s);
	else
		add(k, character, s);
}

static int compare(const void *a, const void *b)
{
	uint32_t x = ((const struct keymap_row *)a)->sym, y = ((const struct keymap_row *)b)->sym;
	return x < y ? -1 : x > y;
}

static void read_keys(struct keymap *k, struct xkb_keymap *x)
{
	for (unsigned code = 1; code < CODES; code++) {
		if (code + XKB_OFFSET < xkb_keymap_min_keycode(x) ||
		    code + XKB_OFFSET > xkb_keymap_max_keycode(x))
			continue;
		xkb_level_index_t levels = xkb_keymap_num_levels_for_key(x, code + XKB_OFFSET, 0);
		for (xkb_level_index_t level = 0; level < levels; level++)
			add_level(k, x, code, level);
	}
	qsort(k->rows, k->n, sizeof(*k->rows), compare);
}

/* @layout as XKB calls it; "de(nodeadkeys)" and "de-nodeadkeys" have a variant behind the name. */
static void xkb_names(const char *layout, char name[64], char variant[64])
{
	snprintf(name, 64, "%.*s", (int)strcspn(layout, "(-"), layout);
	const char *v = strpbrk(layout, "(-");
	snprintf(variant, 64, "%.*s", v ? (int)strcspn(v + 1, ")") : 0, v ? v + 1 : "");
	for (size_t i = 0; i < ARRAY_SIZE(qemu_names); i++)
		if (!strcmp(qemu_names[i].name, layout)) {
			snprintf(name, 64, "%s", qemu_names[i].layout);
			snprintf(variant, 64, "%s", qemu_names[i].variant);
		}
}

static int compile(struct keymap *k, const char *layout, struct err *e)
{
	char name[64], variant[64];
	struct xkb_context *context = xkb_context_new(XKB_CONTEXT_NO_ENVIRONMENT_NAMES);
	if (!context)
		return err_set(e, ENOENT, "keyboard layouts are not installed: apt install xkb-data");
	xkb_context_set_log_level(context, XKB_LOG_LEVEL_CRITICAL);
	xkb_names(layout, name, variant);
	struct xkb_rule_names names = {
	    .rules = "evdev", .model = "pc105", .layout = name, .variant = variant};
	struct xkb_keymap *x = xkb_keymap_new_from_names(context, &names, XKB_KEYMAP_COMPILE_NO_FLAGS);
	if (x)
		read_keys(k, x);
	xkb_keymap_unref(x);
	xkb_context_unref(context);
	if (!k->n)
		return err_set(e, ENOENT,
			       "there is no keyboard layout '%s': it is a name of XKB (us, de, fr, us(intl), "
			       "...) or of QEMU "
			       "(en-us, de-ch, ...)",
			       layout);
	return 0;
}

struct keymap *keymap_open(const char *layout, struct err *e)
{
	char show[64];
	if (!keymap_name_ok(layout)) {
		err_set(e, EINVAL, "'%s' is no name of a keyboard layout",
			str_printable(layout, show, sizeof(show)));
		return NULL;
	}
	struct keymap *k = x_calloc(1, sizeof(*k));
	snprintf(k->name, sizeof(k->name), "%s", layout);
	if (!compile(k, layout, e))
		return k;
	keymap_free(k);
	return NULL;
}

void keymap_free(struct keymap *k)
{
	if (k)
		free(k->rows);
	free(k);
}

size_t keymap_rows(const struct keymap *k, const struct keymap_row **rows)
{
	*rows = k->rows;
	return k->n;
}

/* Letters with accents, for layouts that make them of two keys: what a dead key does with the letters of
 * @bases. */
static const struct accent {
	uint32_t dead;  /* keysym */
	uint32_t alone; /* what it makes with the space bar */
	const char *bases;
	const uint16_t made[26];
} accents[] = {
    {XKB_KEY_dead_grave,
     '`',
     "AEIOUaeiouNn",
     {0xc0, 0xc8, 0xcc, 0xd2, 0xd9, 0xe0, 0xe8, 0xec, 0xf2, 0xf9, 0x1f8, 0x1f9}},
    {XKB_KEY_dead_acute, '\'', "AEIOUYaeiouyCcLlNnRrSsZz", {0xc1,  0xc9,  0xcd,  0xd3,  0xda,  0xdd,
							    0xe1,  0xe9,  0xed,  0xf3,  0xfa,  0xfd,
							    0x106, 0x107, 0x139, 0x13a, 0x143, 0x144,
							    0x154, 0x155, 0x15a, 0x15b, 0x179, 0x17a}},
    {XKB_KEY_dead_circumflex, '^', "AEIOUaeiouCcGgHhJjSsWwYy", {0xc2,  0xca,  0xce,  0xd4,  0xdb,  0xe2,
								0xea,  0xee,  0xf4,  0xfb,  0x108, 0x109,
								0x11c, 0x11d, 0x124, 0x125, 0x134, 0x135,
								0x15c, 0x15d, 0x174, 0x175, 0x176, 0x177}},
    {XKB_KEY_dead_tilde, '~', "ANOanoIiUu", {0xc3, 0xd1, 0xd5, 0xe3, 0xf1, 0xf5, 0x128, 0x129, 0x168, 0x169}},
    {XKB_KEY_dead_diaeresis,
     '"',
     "AEIOUaeiouyY",
     {0xc4, 0xcb, 0xcf, 0xd6, 0xdc, 0xe4, 0xeb, 0xef, 0xf6, 0xfc, 0xff, 0x178}},
    {XKB_KEY_dead_abovering, 0xb0, "AaUu", {0xc5, 0xe5, 0x16e, 0x16f}},
    {XKB_KEY_dead_cedilla, 0xb8, "CcSsTt", {0xc7, 0xe7, 0x15e, 0x15f, 0x162, 0x163}},
    {XKB_KEY_dead_caron,
     0x2c7,
     "CcDdEeNnRrSsTtZz",
     {0x10c, 0x10d, 0x10e, 0x10f, 0x11a, 0x11b, 0x147, 0x148, 0x158, 0x159, 0x160, 0x161, 0x164, 0x165, 0x17d,
      0x17e}},
    {XKB_KEY_dead_doubleacute, 0x2dd, "OoUu", {0x150, 0x151, 0x170, 0x171}},
    {XKB_KEY_dead_macron,
     0xaf,
     "AaEeIiOoUu",
     {0x100, 0x101, 0x112, 0x113, 0x12a, 0x12b, 0x14c, 0x14d, 0x16a, 0x16b}},
    {XKB_KEY_dead_breve, 0x2d8, "AaGg", {0x102, 0x103, 0x11e, 0x11f}},
    {XKB_KEY_dead_ogonek, 0x2db, "AaEeIiUu", {0x104, 0x105, 0x118, 0x119, 0x12e, 0x12f, 0x172, 0x173}},
    {XKB_KEY_dead_abovedot,
     0x2d9,
     "CcEeGgIZz",
     {0x10a, 0x10b, 0x116, 0x117, 0x120, 0x121, 0x130, 0x17b, 0x17c}},
};

/* The letter that with @a makes @character, 0 = none. */
static uint32_t accent_base(const struct accent *a, uint32_t character)
{
	if (character == a->alone)
		return ' ';
	for (size_t i = 0; a->bases[i]; i++)
		if (a->made[i] == character)
			return (uint32_t)a->bases[i];
	return 0;
}

static const struct keymap_row *find(const struct keymap *k, uint32_t sym)
{
	struct keymap_row key = {.sym = sym};
	return k->n ? bsearch(&key, k->rows, k->n, sizeof(key), compare) : NULL;
}

static const struct keymap_row *find_character(const struct keymap *k, uint32_t character)
{
	return find(k, character < 0x100 ? character : SYM_UNICODE | character);
}

static unsigned control_key(uint32_t character)
{
	static const uint8_t keys[][2] = {{'\n', KEY_ENTER},  {'\r', KEY_ENTER},    {'\t', KEY_TAB},
					  {8, KEY_BACKSPACE}, {127, KEY_BACKSPACE}, {27, KEY_ESC}};
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (keys[i][0] == character)
			return keys[i][1];
	return 0;
}

unsigned keymap_strokes(const struct keymap *k, uint32_t character, struct keymap_stroke *out)
{
	unsigned control = control_key(character);
	const struct keymap_row *r = control ? NULL : find_character(k, character);
	if (control || r) {
		out[0] = control ? (struct keymap_stroke){(uint8_t)control, 0} : r->stroke;
		return 1;
	}
	for (size_t i = 0; i < ARRAY_SIZE(accents); i++) {
		uint32_t base = accent_base(&accents[i], character);
		const struct keymap_row *dead = base ? find(k, accents[i].dead) : NULL;
		const struct keymap_row *letter = dead ? find_character(k, base) : NULL;
		if (!letter)
			continue;
		out[0] = dead->stroke;
		out[1] = letter->stroke;
		return 2;
	}
	return 0;
}

/* One character of UTF-8 at @p; how many bytes it has, 0: it is none. (RFC 3629) */
static size_t utf8(const char *p, size_t len, uint32_t *out)
{
	const unsigned char *s = (const unsigned char *)p;
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n = s[0] < 0x80             ? 1
		   : (s[0] & 0xe0) == 0xc0 ? 2
		   : (s[0] & 0xf0) == 0xe0 ? 3
		   : (s[0] & 0xf8) == 0xf0 ? 4
					   : 0;
	if (!n || n > len)
		return 0;
	uint32_t c = n == 1 ? s[0] : s[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	*out = c;
	return n;
}

int keymap_text(const struct keymap *k, const char *text, size_t len, struct keymap_stroke **strokes,
		size_t *n, struct err *e)
{
	AUTO_FREE struct keymap_stroke *out = x_malloc((len + 1) * KEYMAP_STROKES_MAX * sizeof(*out));
	size_t made = 0, place = 0, bytes;
	char show[8];
	for (size_t i = 0; i < len; i += bytes) {
		uint32_t c = 0;
		place++;
		if (!(bytes = utf8(text + i, len - i, &c)))
			return err_set(e, EILSEQ, "character %zu of the text is no UTF-8 (byte 0x%02x)",
				       place, (unsigned char)text[i]);
		if (c == '\r' && i + 1 < len && text[i + 1] == '\n')
			continue;
		unsigned now = keymap_strokes(k, c, out + made);
		snprintf(show, sizeof(show), "%.*s", (int)bytes, text + i);
		if (!now)
			return err_set(
			    e, EINVAL,
			    "layout '%s' has no key for %s%s%s (U+%04X), character %zu of the text", k->name,
			    c < ' ' ? "a control character" : "'", c < ' ' ? "" : show, c < ' ' ? "" : "'", c,
			    place);
		made += now;
	}
	*strokes = TAKE_PTR(out);
	*n = made;
	return 0;
}
