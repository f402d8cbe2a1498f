/* What a terminal sends: keys, mouse and pasted text as bytes for the guest, by the modes that it has set.
 * Nothing here changes the terminal. */
#ifndef UI_VT_KEYS_H
#define UI_VT_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct vt;

/* A key is a code point (what the key prints, already shifted) or one of these. VT_KEY_F(1) to VT_KEY_F(20).
 */
enum vt_key {
	VT_KEY_NAMED = 0x110000, /* beyond Unicode; no key itself */
	VT_KEY_UP,
	VT_KEY_DOWN,
	VT_KEY_RIGHT,
	VT_KEY_LEFT,
	VT_KEY_HOME,
	VT_KEY_END,
	VT_KEY_PGUP,
	VT_KEY_PGDN,
	VT_KEY_INSERT,
	VT_KEY_DELETE,
	VT_KEY_TAB,
	VT_KEY_BACKTAB,
	VT_KEY_BACKSPACE,
	VT_KEY_ENTER,
	VT_KEY_ESCAPE,
	VT_KEY_KP_0,
	VT_KEY_KP_9 = VT_KEY_KP_0 + 9,
	VT_KEY_KP_POINT,
	VT_KEY_KP_COMMA,
	VT_KEY_KP_PLUS,
	VT_KEY_KP_MINUS,
	VT_KEY_KP_STAR,
	VT_KEY_KP_SLASH,
	VT_KEY_KP_EQUAL,
	VT_KEY_KP_ENTER,
	VT_KEY_F0, /* F1 is the next one */
	VT_KEY_END_OF_KEYS = VT_KEY_F0 + 21,
};
#define VT_KEY_F(n) (VT_KEY_F0 + (n))

enum vt_mod { VT_SHIFT = 1 << 0, VT_ALT = 1 << 1, VT_CTRL = 1 << 2 };

#define VT_KEYS_MAX 32 /* enough for every sequence below */

/* The bytes for @key with @mods (enum vt_mod). Ctrl with a letter or one of @[\]^_? and space gives the
 * control character, as a serial line knows no other way; Alt puts ESC in front of printable ones. Return:
 * bytes in @out (not terminated), 0 for what is no key. */
size_t vt_key(const struct vt *vt, uint32_t key, unsigned mods, char out[VT_KEYS_MAX]);

enum vt_mouse_action { VT_MOUSE_PRESS, VT_MOUSE_RELEASE, VT_MOUSE_MOVE };

/* For VT_MOUSE_MOVE, the button held or NONE. The wheel only presses. */
enum vt_button {
	VT_BUTTON_LEFT,
	VT_BUTTON_MIDDLE,
	VT_BUTTON_RIGHT,
	VT_BUTTON_NONE,
	VT_BUTTON_WHEEL_UP,
	VT_BUTTON_WHEEL_DOWN,
};

struct vt_mouse {
	enum vt_mouse_action action;
	enum vt_button button;
	unsigned mods; /* enum vt_mod */
	int row, col;  /* cell, from 0; clipped to the screen */
};

/* The bytes for a mouse event, in the encoding that the guest has chosen. Call it for a movement only when
 * the cell has changed. Return: bytes in @out, 0 when the guest does not want this event (or cannot be told:
 * without mode 1006 there are only 223 columns and rows). */
size_t vt_mouse(const struct vt *vt, const struct vt_mouse *ev, char out[VT_KEYS_MAX]);

/* The bytes that tell of focus gained or lost. Return: bytes in @out, 0 when the guest did not ask. */
size_t vt_focus(const struct vt *vt, bool in, char out[VT_KEYS_MAX]);

/* Append @text as pasted to @out: in brackets if the guest wants that, line ends as CR, and without control
 * characters other than tab, so that text cannot leave the brackets or press keys. */
void vt_paste(const struct vt *vt, const char *text, size_t n, struct buf *out);

#endif
