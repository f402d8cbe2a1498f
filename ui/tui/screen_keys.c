#include "ui/tui/screen_keys.h"

#include <linux/input-event-codes.h>

#include "src/base/cleanup.h"
#include "src/proto/keycode.h"

#define CTRL_ALT(key) {3, {KEY_LEFTCTRL, KEY_LEFTALT, key}}

const struct stroke_item stroke_items[] = {
    {"Ctrl+Alt+Del", "Restart, or the log-in of Windows", CTRL_ALT(KEY_DELETE)},
    {"Ctrl+Alt+F1", "The first console of Linux", CTRL_ALT(KEY_F1)},
    {"Ctrl+Alt+F2", "The second; graphics in some", CTRL_ALT(KEY_F2)},
    {"Ctrl+Alt+F3", "The third", CTRL_ALT(KEY_F3)},
    {"Ctrl+Alt+F4", "Messages, in Debian's installer", CTRL_ALT(KEY_F4)},
    {"Ctrl+Alt+F5", "Graphics, in Debian's graphical installer", CTRL_ALT(KEY_F5)},
    {"Ctrl+Alt+F7", "Graphics, in older systems", CTRL_ALT(KEY_F7)},
    {"Ctrl+Alt+Backspace", "End the X server", CTRL_ALT(KEY_BACKSPACE)},
    {"Alt+Tab", "The next window", {2, {KEY_LEFTALT, KEY_TAB}}},
    {"Alt+F4", "Close the window", {2, {KEY_LEFTALT, KEY_F4}}},
    {"Alt+F2", "The second console; run a program", {2, {KEY_LEFTALT, KEY_F2}}},
    {"Super", "The key with the window", {1, {KEY_LEFTMETA}}},
    {"Menu", "The key with the menu", {1, {KEY_COMPOSE}}},
    {"Print", "Print Screen", {1, {KEY_SYSRQ}}},
    {"Pause", "Pause, Break", {1, {KEY_PAUSE}}},
    {"Caps Lock", "", {1, {KEY_CAPSLOCK}}},
    {"Num Lock", "", {1, {KEY_NUMLOCK}}},
    {"Scroll Lock", "", {1, {KEY_SCROLLLOCK}}},
    {"SysRq+h", "Linux: what SysRq can do", {3, {KEY_LEFTALT, KEY_SYSRQ, KEY_H}}},
    {"SysRq+s", "Linux: write all to the disks", {3, {KEY_LEFTALT, KEY_SYSRQ, KEY_S}}},
    {"SysRq+w", "Linux: tasks that wait", {3, {KEY_LEFTALT, KEY_SYSRQ, KEY_W}}},
    {"SysRq+u", "Linux: mount all read-only", {3, {KEY_LEFTALT, KEY_SYSRQ, KEY_U}}},
    {"SysRq+b", "Linux: restart at once, losing what is not written", {3, {KEY_LEFTALT, KEY_SYSRQ, KEY_B}}},
    {"Ctrl+]", "It leaves this page otherwise", {2, {KEY_LEFTCTRL, KEY_RIGHTBRACE}}},
    {"Ctrl+\\", "It opens this menu otherwise", {2, {KEY_LEFTCTRL, KEY_BACKSLASH}}},
    {0},
};

/* Keys that print nothing. */
static unsigned named(uint32_t code)
{
	static const struct {
		uint32_t vt;
		unsigned code;
	} keys[] = {
	    {VT_KEY_UP, KEY_UP},
	    {VT_KEY_DOWN, KEY_DOWN},
	    {VT_KEY_RIGHT, KEY_RIGHT},
	    {VT_KEY_LEFT, KEY_LEFT},
	    {VT_KEY_HOME, KEY_HOME},
	    {VT_KEY_END, KEY_END},
	    {VT_KEY_PGUP, KEY_PAGEUP},
	    {VT_KEY_PGDN, KEY_PAGEDOWN},
	    {VT_KEY_INSERT, KEY_INSERT},
	    {VT_KEY_DELETE, KEY_DELETE},
	    {VT_KEY_TAB, KEY_TAB},
	    {VT_KEY_BACKTAB, KEY_TAB},
	    {VT_KEY_BACKSPACE, KEY_BACKSPACE},
	    {VT_KEY_ENTER, KEY_ENTER},
	    {VT_KEY_ESCAPE, KEY_ESC},
	    {VT_KEY_KP_0, KEY_KP0},
	    {VT_KEY_KP_0 + 1, KEY_KP1},
	    {VT_KEY_KP_0 + 2, KEY_KP2},
	    {VT_KEY_KP_0 + 3, KEY_KP3},
	    {VT_KEY_KP_0 + 4, KEY_KP4},
	    {VT_KEY_KP_0 + 5, KEY_KP5},
	    {VT_KEY_KP_0 + 6, KEY_KP6},
	    {VT_KEY_KP_0 + 7, KEY_KP7},
	    {VT_KEY_KP_0 + 8, KEY_KP8},
	    {VT_KEY_KP_9, KEY_KP9},
	    {VT_KEY_KP_POINT, KEY_KPDOT},
	    {VT_KEY_KP_COMMA, KEY_KPCOMMA},
	    {VT_KEY_KP_PLUS, KEY_KPPLUS},
	    {VT_KEY_KP_MINUS, KEY_KPMINUS},
	    {VT_KEY_KP_STAR, KEY_KPASTERISK},
	    {VT_KEY_KP_SLASH, KEY_KPSLASH},
	    {VT_KEY_KP_EQUAL, KEY_KPEQUAL},
	    {VT_KEY_KP_ENTER, KEY_KPENTER},
	    {VT_KEY_F(11), KEY_F11}, /* F1 to F10 have numbers in a row */
	    {VT_KEY_F(12), KEY_F12},
	};
	if (code >= VT_KEY_F(1) && code <= VT_KEY_F(10))
		return KEY_F1 + (code - VT_KEY_F(1));
	if (code >= VT_KEY_F(13) && code <= VT_KEY_F(20))
		return KEY_F13 + (code - VT_KEY_F(13));
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (keys[i].vt == code)
			return keys[i].code;
	return 0;
}

/* The X keysym of a code point. (X11 protocol, appendix A) */
static uint32_t keysym(uint32_t ch)
{
	return ch < 0x100 ? ch : 0x01000000 | ch;
}

struct stroke stroke_of(struct key k)
{
	struct stroke s = {0};
	bool shift = k.mods & VT_SHIFT || k.code == VT_KEY_BACKTAB, printed = false;
	unsigned code = k.code > VT_KEY_NAMED ? named(k.code) : keycode_from_keysym(keysym(k.code), &printed);
	if (!code)
		return s;
	if (k.mods & VT_CTRL)
		s.codes[s.n++] = KEY_LEFTCTRL;
	if (k.mods & VT_ALT)
		s.codes[s.n++] = KEY_LEFTALT;
	if (shift || printed)
		s.codes[s.n++] = KEY_LEFTSHIFT;
	s.codes[s.n++] = code;
	return s;
}

unsigned strokes_of(const struct keymap *layout, struct key k, struct stroke out[KEYMAP_STROKES_MAX])
{
	struct keymap_stroke made[KEYMAP_STROKES_MAX];
	unsigned n =
	    layout && k.code > ' ' && k.code < VT_KEY_NAMED ? keymap_strokes(layout, k.code, made) : 0;
	for (unsigned i = 0; i < n; i++) {
		struct stroke s = {0};
		if (k.mods & VT_CTRL)
			s.codes[s.n++] = KEY_LEFTCTRL;
		if (k.mods & VT_ALT)
			s.codes[s.n++] = KEY_LEFTALT;
		if (made[i].mods & KEYMAP_SHIFT)
			s.codes[s.n++] = KEY_LEFTSHIFT;
		if (made[i].mods & KEYMAP_ALTGR)
			s.codes[s.n++] = KEY_RIGHTALT;
		s.codes[s.n++] = made[i].code;
		out[i] = s;
	}
	if (!n) {
		out[0] = stroke_of(k);
		n = out[0].n != 0;
	}
	return n;
}
