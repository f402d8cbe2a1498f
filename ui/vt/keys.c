/* Keys, mouse and paste as bytes: what xterm sends, with DEL for backspace. */
#include "ui/vt/keys.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "src/base/cleanup.h"
#include "src/base/str.h"
#include "ui/vt/internal.h"

static size_t format(char out[VT_KEYS_MAX], const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static size_t format(char out[VT_KEYS_MAX], const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(out, VT_KEYS_MAX, fmt, ap);
	va_end(ap);
	return n > 0 && n < VT_KEYS_MAX ? (size_t)n : 0;
}

/* xterm's parameter for modifiers: 1 when there are none. */
static int modifier(unsigned mods)
{
	return 1 + (mods & VT_SHIFT ? 1 : 0) + (mods & VT_ALT ? 2 : 0) + (mods & VT_CTRL ? 4 : 0);
}

/* Keys named by a letter: ESC [ x, ESC O x in application mode, ESC [ 1 ; m x with modifiers. */
static const struct {
	uint32_t key;
	char letter;
} lettered[] = {
    {VT_KEY_UP, 'A'},   {VT_KEY_DOWN, 'B'}, {VT_KEY_RIGHT, 'C'},
    {VT_KEY_LEFT, 'D'}, {VT_KEY_HOME, 'H'}, {VT_KEY_END, 'F'},
};

/* Keys named by a number: ESC [ n ~ and ESC [ n ; m ~. */
static const struct {
	uint32_t key;
	int number;
} numbered[] = {
    {VT_KEY_INSERT, 2}, {VT_KEY_DELETE, 3}, {VT_KEY_PGUP, 5},   {VT_KEY_PGDN, 6},   {VT_KEY_F(5), 15},
    {VT_KEY_F(6), 17},  {VT_KEY_F(7), 18},  {VT_KEY_F(8), 19},  {VT_KEY_F(9), 20},  {VT_KEY_F(10), 21},
    {VT_KEY_F(11), 23}, {VT_KEY_F(12), 24}, {VT_KEY_F(13), 25}, {VT_KEY_F(14), 26}, {VT_KEY_F(15), 28},
    {VT_KEY_F(16), 29}, {VT_KEY_F(17), 31}, {VT_KEY_F(18), 32}, {VT_KEY_F(19), 33}, {VT_KEY_F(20), 34},
};

/* The keypad: its letter in application mode, else what is printed on it. */
static const struct {
	uint32_t key;
	char letter, text;
} keypad[] = {
    {VT_KEY_KP_0, 'p', '0'},     {VT_KEY_KP_0 + 1, 'q', '1'}, {VT_KEY_KP_0 + 2, 'r', '2'},
    {VT_KEY_KP_0 + 3, 's', '3'}, {VT_KEY_KP_0 + 4, 't', '4'}, {VT_KEY_KP_0 + 5, 'u', '5'},
    {VT_KEY_KP_0 + 6, 'v', '6'}, {VT_KEY_KP_0 + 7, 'w', '7'}, {VT_KEY_KP_0 + 8, 'x', '8'},
    {VT_KEY_KP_9, 'y', '9'},     {VT_KEY_KP_POINT, 'n', '.'}, {VT_KEY_KP_COMMA, 'l', ','},
    {VT_KEY_KP_PLUS, 'k', '+'},  {VT_KEY_KP_MINUS, 'm', '-'}, {VT_KEY_KP_STAR, 'j', '*'},
    {VT_KEY_KP_SLASH, 'o', '/'}, {VT_KEY_KP_EQUAL, 'X', '='}, {VT_KEY_KP_ENTER, 'M', '\r'},
};

static size_t letter_key(char letter, bool application, unsigned mods, char *out)
{
	if (mods)
		return format(out, "\033[1;%d%c", modifier(mods), letter);
	return format(out, "\033%c%c", application ? 'O' : '[', letter);
}

static size_t number_key(int number, unsigned mods, char *out)
{
	if (mods)
		return format(out, "\033[%d;%d~", number, modifier(mods));
	return format(out, "\033[%d~", number);
}

/* @text of one or two bytes, behind ESC if Alt is held. */
static size_t plain_key(const char *text, unsigned mods, char *out)
{
	return format(out, "%s%s", mods & VT_ALT ? "\033" : "", text);
}

static size_t enter_key(const struct vt *vt, unsigned mods, char *out)
{
	return plain_key(vt->modes.newline ? "\r\n" : "\r", mods, out);
}

static size_t backspace_key(const struct vt *vt, unsigned mods, char *out)
{
	bool bs = vt->modes.backarrow != !!(mods & VT_CTRL); /* Ctrl gives the other one */
	return plain_key(bs ? "\b" : "\177", mods, out);
}

static size_t keypad_key(const struct vt *vt, size_t i, unsigned mods, char *out)
{
	if (vt->modes.keypad)
		return mods ? format(out, "\033O%d%c", modifier(mods), keypad[i].letter)
			    : format(out, "\033O%c", keypad[i].letter);
	if (keypad[i].key == VT_KEY_KP_ENTER)
		return enter_key(vt, mods, out);
	return plain_key((const char[]){keypad[i].text, 0}, mods, out);
}

static size_t named_key(const struct vt *vt, uint32_t key, unsigned mods, char *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(lettered); i++)
		if (lettered[i].key == key)
			return letter_key(lettered[i].letter, vt->modes.cursor_keys, mods, out);
	for (size_t i = 0; i < ARRAY_SIZE(numbered); i++)
		if (numbered[i].key == key)
			return number_key(numbered[i].number, mods, out);
	for (size_t i = 0; i < ARRAY_SIZE(keypad); i++)
		if (keypad[i].key == key)
			return keypad_key(vt, i, mods, out);
	if (key >= VT_KEY_F(1) && key <= VT_KEY_F(4))
		return letter_key((char)('P' + (key - VT_KEY_F(1))), true, mods, out);
	switch (key) {
	case VT_KEY_TAB:
		return mods & VT_SHIFT ? format(out, "\033[Z") : plain_key("\t", mods, out);
	case VT_KEY_BACKTAB:
		return format(out, "\033[Z");
	case VT_KEY_BACKSPACE:
		return backspace_key(vt, mods, out);
	case VT_KEY_ENTER:
		return enter_key(vt, mods, out);
	case VT_KEY_ESCAPE:
		return plain_key("\033", mods, out);
	}
	return 0;
}

/* The control character of Ctrl and @cp, or -1. The digits are those of a VT220's keyboard. */
static int control_char(uint32_t cp)
{
	static const char digits[] = "\000\033\034\035\036\037\177"; /* Ctrl with 2 to 8 */
	if (cp >= 'a' && cp <= 'z')
		return (int)cp - 'a' + 1;
	if (cp >= '@' && cp <= '_')
		return (int)cp - '@';
	if (cp >= '2' && cp <= '8')
		return digits[cp - '2'];
	if (cp == ' ' || cp == '?' || cp == '/')
		return cp == ' ' ? 0 : cp == '?' ? 0x7f : 0x1f;
	return -1;
}

size_t vt_key(const struct vt *vt, uint32_t key, unsigned mods, char out[VT_KEYS_MAX])
{
	mods &= VT_SHIFT | VT_ALT | VT_CTRL;
	if (key > VT_KEY_NAMED)
		return named_key(vt, key, mods, out);
	if (key == VT_KEY_NAMED || (key >= 0xd800 && key <= 0xdfff))
		return 0;
	size_t n = 0;
	if (mods & VT_ALT)
		out[n++] = '\033';
	int c = mods & VT_CTRL ? control_char(key) : -1;
	if (c >= 0)
		out[n++] = (char)c;
	else
		n += vt_utf8_put(key, out + n);
	return n;
}

/* xterm's button number: the low bits, and the wheel from 64 on. */
static const uint8_t button_code[] = {
    [VT_BUTTON_LEFT] = 0, [VT_BUTTON_MIDDLE] = 1,    [VT_BUTTON_RIGHT] = 2,
    [VT_BUTTON_NONE] = 3, [VT_BUTTON_WHEEL_UP] = 64, [VT_BUTTON_WHEEL_DOWN] = 65,
};

static bool mouse_wanted(const struct vt *vt, const struct vt_mouse *ev)
{
	if ((unsigned)ev->button >= ARRAY_SIZE(button_code))
		return false;
	bool held = ev->button != VT_BUTTON_NONE;
	if (ev->action == VT_MOUSE_MOVE)
		return vt->modes.mouse == VT_MOUSE_ANY || (vt->modes.mouse == VT_MOUSE_DRAG && held);
	if (ev->action == VT_MOUSE_RELEASE && ev->button >= VT_BUTTON_WHEEL_UP)
		return false;
	return vt->modes.mouse != VT_MOUSE_NONE && held;
}

static int to_screen(int v, int size)
{
	return v < 0 ? 1 : v >= size ? size : v + 1;
}

size_t vt_mouse(const struct vt *vt, const struct vt_mouse *ev, char out[VT_KEYS_MAX])
{
	if (!mouse_wanted(vt, ev))
		return 0;
	int row = to_screen(ev->row, vt->rows), col = to_screen(ev->col, vt->cols);
	bool release = ev->action == VT_MOUSE_RELEASE;
	int code = release && !vt->modes.mouse_sgr ? 3 : button_code[ev->button];
	code += (ev->mods & VT_SHIFT ? 4 : 0) + (ev->mods & VT_ALT ? 8 : 0) + (ev->mods & VT_CTRL ? 16 : 0);
	if (ev->action == VT_MOUSE_MOVE)
		code += 32;
	if (vt->modes.mouse_sgr)
		return format(out, "\033[<%d;%d;%d%c", code, col, row, release ? 'm' : 'M');
	if (row > 223 || col > 223)
		return 0;
	return format(out, "\033[M%c%c%c", 32 + code, 32 + col, 32 + row);
}

size_t vt_focus(const struct vt *vt, bool in, char out[VT_KEYS_MAX])
{
	return vt->modes.focus ? format(out, "\033[%c", in ? 'I' : 'O') : 0;
}

void vt_paste(const struct vt *vt, const char *text, size_t n, struct buf *out)
{
	static const char end[] = "[201~";
	struct vt_utf8 u = {0};
	char last = 0;
	if (vt->modes.bracketed_paste)
		buf_puts(out, "\033[200~");
	for (size_t i = 0; i < n; i++) {
		char c = text[i];
		enum vt_utf8_result r = vt_utf8(&u, (uint8_t)c);
		if (r == VT_UTF8_RETRY)
			r = vt_utf8(&u, (uint8_t)c);
		if (r != VT_UTF8_CHAR)
			continue;
		if (u.cp == 0x1b && n - i > strlen(end) && !memcmp(text + i + 1, end, strlen(end)))
			i += strlen(end);
		else if (u.cp == '\n' && last == '\r')
			; /* CR LF is one end of line */
		else if (u.cp == '\n' || u.cp == '\r')
			buf_add(out, "\r", 1);
		else if (u.cp == '\t' || (u.cp >= 0x20 && !(u.cp >= 0x7f && u.cp < 0xa0))) {
			char utf8[4];
			buf_add(out, utf8, vt_utf8_put(u.cp, utf8));
		}
		last = c;
	}
	if (vt->modes.bracketed_paste)
		buf_puts(out, "\033[201~");
}
