/* Theory of operation: bytes collect in in->wait; parse() takes one event off its front, or says that it
 * needs more bytes. (xterm control sequences, "PC-Style Function Keys", "Mouse Tracking"; console_codes(4))
 */
#include "ui/tui/input.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/cleanup.h"
#include "ui/tui/canvas.h"

static const struct {
	const char *name;
	uint32_t code;
} names[] = {
    {"Up", VT_KEY_UP},          {"Down", VT_KEY_DOWN},   {"Right", VT_KEY_RIGHT}, {"Left", VT_KEY_LEFT},
    {"Home", VT_KEY_HOME},      {"End", VT_KEY_END},     {"PgUp", VT_KEY_PGUP},   {"PgDn", VT_KEY_PGDN},
    {"Ins", VT_KEY_INSERT},     {"Del", VT_KEY_DELETE},  {"Tab", VT_KEY_TAB},     {"BackTab", VT_KEY_BACKTAB},
    {"Bksp", VT_KEY_BACKSPACE}, {"Enter", VT_KEY_ENTER}, {"Esc", VT_KEY_ESCAPE},  {"Space", ' '},
};

char *key_text(struct key k, char out[KEY_NAME_MAX])
{
	char text[12] = "?";
	if (k.code > VT_KEY_F0 && k.code < VT_KEY_END_OF_KEYS)
		snprintf(text, sizeof(text), "F%u", k.code - VT_KEY_F0);
	else if (k.code < VT_KEY_NAMED && k.code != ' ')
		utf8_put(k.code, text);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].code == k.code)
			snprintf(text, sizeof(text), "%s", names[i].name);
	snprintf(out, KEY_NAME_MAX, "%s%s%s%s", k.mods & VT_CTRL ? "C-" : "", k.mods & VT_ALT ? "M-" : "",
		 k.mods & VT_SHIFT ? "S-" : "", text);
	return out;
}

bool key_parse(const char *name, size_t n, struct key *out)
{
	struct key k = {0};
	char word[16];
	for (; n > 2 && name[1] == '-' && strchr("CMS", name[0]); name += 2, n -= 2)
		k.mods |= name[0] == 'C' ? VT_CTRL : name[0] == 'M' ? VT_ALT : VT_SHIFT;
	if (!n || n >= sizeof(word))
		return false;
	memcpy(word, name, n);
	word[n] = 0;
	if (utf8_next(word, &k.code) == n) {
		*out = k;
		return true;
	}
	k.code = 0;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(names[i].name, word))
			k.code = names[i].code;
	int f = word[0] == 'F' ? atoi(word + 1) : 0;
	if (f >= 1 && f <= 20)
		k.code = VT_KEY_F(f);
	if (!k.code)
		return false;
	*out = k;
	return true;
}

bool key_same(struct key a, struct key b)
{
	return a.code == b.code && a.mods == b.mods;
}

void input_add(struct input *in, const char *seq, struct key key)
{
	if (!seq || seq[0] != '\033' || strlen(seq) < 2 || strlen(seq) >= sizeof(in->extra[0].seq) ||
	    in->nextra == INPUT_EXTRA_MAX)
		return;
	snprintf(in->extra[in->nextra].seq, sizeof(in->extra[0].seq), "%s", seq);
	in->extra[in->nextra++].key = key;
}

bool input_waiting(const struct input *in)
{
	return in->nwait && !in->pasting;
}

void input_done(struct input *in)
{
	buf_done(&in->paste);
	in->nwait = 0;
}

static void emit_key(event_fn fn, void *arg, uint32_t code, unsigned mods)
{
	struct event ev = {.kind = EVENT_KEY, .key = {code, mods}};
	fn(arg, &ev);
}

static uint32_t csi_tilde(unsigned n)
{
	static const uint32_t low[] = {0,           VT_KEY_HOME, VT_KEY_INSERT, VT_KEY_DELETE, VT_KEY_END,
				       VT_KEY_PGUP, VT_KEY_PGDN, VT_KEY_HOME,   VT_KEY_END};
	static const uint8_t f[] = {1,  2,  3,  4,  5, 0,  6,  7, 8,  9,  10, 0,
				    11, 12, 13, 14, 0, 15, 16, 0, 17, 18, 19, 20};
	if (n < ARRAY_SIZE(low))
		return low[n];
	if (n >= 11 && n - 11 < ARRAY_SIZE(f) && f[n - 11])
		return VT_KEY_F(f[n - 11]);
	return 0;
}

static uint32_t csi_letter(char c)
{
	switch (c) {
	case 'A':
		return VT_KEY_UP;
	case 'B':
		return VT_KEY_DOWN;
	case 'C':
		return VT_KEY_RIGHT;
	case 'D':
		return VT_KEY_LEFT;
	case 'H':
		return VT_KEY_HOME;
	case 'F':
		return VT_KEY_END;
	case 'Z':
		return VT_KEY_BACKTAB;
	case 'M':
		return VT_KEY_ENTER; /* SS3 M: the keypad's */
	case 'P':
	case 'Q':
	case 'R':
	case 'S':
		return VT_KEY_F(c - 'P' + 1);
	}
	return 0;
}

static unsigned csi_mods(unsigned m)
{
	m = m ? m - 1 : 0;
	return (m & 1 ? VT_SHIFT : 0) | (m & 10 ? VT_ALT : 0) | (m & 4 ? VT_CTRL : 0);
}

/* Keys of the kitty protocol that have no character, from the Private Use Area. (kitty, "Functional key
 * definitions") 0: no key of ours. */
static uint32_t kitty_key(unsigned code)
{
	static const uint16_t keypad[] = {
		[0] = VT_KEY_KP_0 - VT_KEY_NAMED, VT_KEY_KP_0 + 1 - VT_KEY_NAMED, VT_KEY_KP_0 + 2 - VT_KEY_NAMED,
		VT_KEY_KP_0 + 3 - VT_KEY_NAMED, VT_KEY_KP_0 + 4 - VT_KEY_NAMED, VT_KEY_KP_0 + 5 - VT_KEY_NAMED,
		VT_KEY_KP_0 + 6 - VT_KEY_NAMED, VT_KEY_KP_0 + 7 - VT_KEY_NAMED, VT_KEY_KP_0 + 8 - VT_KEY_NAMED,
		VT_KEY_KP_9 - VT_KEY_NAMED, VT_KEY_KP_POINT - VT_KEY_NAMED, VT_KEY_KP_SLASH - VT_KEY_NAMED,
		VT_KEY_KP_STAR - VT_KEY_NAMED, VT_KEY_KP_MINUS - VT_KEY_NAMED, VT_KEY_KP_PLUS - VT_KEY_NAMED,
		VT_KEY_KP_ENTER - VT_KEY_NAMED, VT_KEY_KP_EQUAL - VT_KEY_NAMED, VT_KEY_KP_COMMA - VT_KEY_NAMED,
		VT_KEY_LEFT - VT_KEY_NAMED, VT_KEY_RIGHT - VT_KEY_NAMED, VT_KEY_UP - VT_KEY_NAMED,
		VT_KEY_DOWN - VT_KEY_NAMED, VT_KEY_PGUP - VT_KEY_NAMED, VT_KEY_PGDN - VT_KEY_NAMED,
		VT_KEY_HOME - VT_KEY_NAMED, VT_KEY_END - VT_KEY_NAMED, VT_KEY_INSERT - VT_KEY_NAMED,
		VT_KEY_DELETE - VT_KEY_NAMED,
	};
	if (code >= 57376 && code <= 57383)
		return VT_KEY_F(13) + (code - 57376);
	return code >= 57399 && code - 57399 < ARRAY_SIZE(keypad) ? VT_KEY_NAMED + keypad[code - 57399] : 0;
}

/* The key whose control character Ctrl and @code make on an ordinary terminal: Ctrl+5 is Ctrl+]. */
static unsigned control_key(unsigned code)
{
	static const char from[] = "2345678{|}~/", to[] = "@[\\]^_?[\\]^_";
	const char *at = code < 0x80 && code ? strchr(from, (int)code) : NULL;
	return at ? (unsigned char)to[at - from] : code;
}

/* A code point with modifiers, as CSI u and modifyOtherKeys report it. */
static void emit_code(event_fn fn, void *arg, unsigned code, unsigned mods)
{
	switch (code) {
	case '\t':
		code = VT_KEY_TAB;
		break;
	case '\r':
		code = VT_KEY_ENTER;
		break;
	case 27:
		code = VT_KEY_ESCAPE;
		break;
	case 8:
	case 127:
		code = VT_KEY_BACKSPACE;
		break;
	default:
		if (code >= 57344 && code <= 63743) {
			code = kitty_key(code);
			if (!code)
				return;
			break;
		}
		if (code < ' ' || code > 0x10ffff)
			return;
		code = mods & VT_CTRL ? control_key(code) : code;
		mods &= ~VT_SHIFT;
	}
	emit_key(fn, arg, code, mods);
}

static void emit_mouse(event_fn fn, void *arg, const unsigned p[3], bool release)
{
	static const enum vt_button buttons[] = {VT_BUTTON_LEFT, VT_BUTTON_MIDDLE, VT_BUTTON_RIGHT,
						 VT_BUTTON_NONE};
	unsigned b = p[0];
	struct event ev = {.kind = EVENT_MOUSE};
	if (p[1] < 1 || p[2] < 1 || p[1] > VT_COLS_MAX || p[2] > VT_ROWS_MAX || b > 127)
		return;
	ev.mouse.button = buttons[b & 3];
	if (b & 64) {
		if ((b & 3) > 1)
			return; /* sideways wheels */
		ev.mouse.button = b & 1 ? VT_BUTTON_WHEEL_DOWN : VT_BUTTON_WHEEL_UP;
	}
	ev.mouse.action = b & 32 ? VT_MOUSE_MOVE : release ? VT_MOUSE_RELEASE : VT_MOUSE_PRESS;
	ev.mouse.mods = (b & 4 ? VT_SHIFT : 0) | (b & 8 ? VT_ALT : 0) | (b & 16 ? VT_CTRL : 0);
	ev.mouse.col = (int)p[1] - 1;
	ev.mouse.row = (int)p[2] - 1;
	fn(arg, &ev);
}

/* ESC [ at the front. Return: bytes taken, 0 = more are needed. */
static size_t parse_csi(struct input *in, event_fn fn, void *arg)
{
	const char *s = in->wait;
	unsigned p[4] = {0}, np = 0, part = 0, event = 0; /* of a key: 3 when it is let go */
	size_t i = 2;
	char mark = 0;
	if (i < in->nwait && s[i] == '[') /* Linux console: ESC [ [ A is F1 */
		i++;
	if (i < in->nwait && s[i] >= '<' && s[i] <= '?')
		mark = s[i++];
	for (; i < in->nwait && ((s[i] >= '0' && s[i] <= '9') || s[i] == ';' || s[i] == ':'); i++) {
		if (s[i] == ';') {
			np++;
			part = 0;
		} else if (s[i] == ':') /* other names of the key; what happened to it */
			part++;
		else if (!part && np < ARRAY_SIZE(p) && p[np] < 10000000)
			p[np] = p[np] * 10 + (s[i] - '0');
		else if (np == 1 && part == 1 && event < 10)
			event = event * 10 + (s[i] - '0');
	}
	while (i < in->nwait && s[i] >= ' ' && s[i] <= '/' && s[i] != '$')
		i++;
	if (i >= in->nwait)
		return in->nwait < sizeof(in->wait) ? 0 : in->nwait;
	char final = s[i++];
	if (s[2] == '[') {
		if (final >= 'A' && final <= 'E')
			emit_key(fn, arg, VT_KEY_F(final - 'A' + 1), 0);
	} else if (mark == '<' && (final == 'M' || final == 'm')) {
		emit_mouse(fn, arg, p, final == 'm');
	} else if (final == 'M' && i == 3) { /* the old mouse report: three bytes follow */
		return in->nwait < 6 ? 0 : 6;
	} else if (mark || event == 3) {
		return i;
	} else if (final == 'n' && p[0] == 0) { /* "well": the answer to DSR 5 */
		struct event ev = {.kind = EVENT_ANSWER};
		fn(arg, &ev);
	} else if (final == '~' && p[0] == 200) {
		in->pasting = true;
	} else if (final == '~' && p[0] == 27) {
		emit_code(fn, arg, p[2], csi_mods(p[1]));
	} else if (final == 'u') {
		emit_code(fn, arg, p[0], csi_mods(p[1]));
	} else if (final == '~' || final == '^' || final == '$' ||
		   final == '@') { /* rxvt: ^ Ctrl, $ Shift, @ both */
		uint32_t code = csi_tilde(p[0]);
		unsigned mods = csi_mods(p[1]) | (final == '^' || final == '@' ? VT_CTRL : 0) |
				(final == '$' || final == '@' ? VT_SHIFT : 0);
		if (code)
			emit_key(fn, arg, code, mods);
	} else if (final >= 'a' && final <= 'd') { /* rxvt: Shift and an arrow */
		emit_key(fn, arg, csi_letter(final - 'a' + 'A'), VT_SHIFT);
	} else if (csi_letter(final) && final != 'M') {
		emit_key(fn, arg, csi_letter(final), csi_mods(p[1]));
	}
	return i;
}

static size_t parse_ss3(struct input *in, event_fn fn, void *arg)
{
	if (in->nwait < 3)
		return 0;
	char c = in->wait[2];
	uint32_t code = csi_letter(c);
	if (code)
		emit_key(fn, arg, code, 0);
	else if (c >= 'a' && c <= 'd')
		emit_key(fn, arg, csi_letter(c - 'a' + 'A'), VT_CTRL);
	else if (c >= 'p' && c <= 'y')
		emit_key(fn, arg, '0' + (c - 'p'), 0);
	else if (c >= 'j' && c <= 'o')
		emit_key(fn, arg, "*+,-./"[c - 'j'], 0);
	return 3;
}

/* "rgb:RRRR/GGGG/BBBB", one to four digits each. (xterm control sequences, OSC 11; XParseColor(3)) */
static void emit_background(event_fn fn, void *arg, const char *s, const char *end)
{
	static const unsigned weight[] = {299, 587, 114};
	double bright = 0;
	for (int i = 0; i < 3; i++) {
		unsigned v = 0, max = 0;
		for (; s < end && isxdigit((unsigned char)*s) && max < 0xffff; s++) {
			v = v * 16 + (unsigned)(*s <= '9' ? *s - '0' : (*s | 32) - 'a' + 10);
			max = max * 16 + 15;
		}
		if (!max || (i < 2 && (s == end || *s++ != '/')))
			return;
		bright += weight[i] * (double)v / max;
	}
	struct event ev = {.kind = EVENT_BACKGROUND, .light = bright > 500};
	fn(arg, &ev);
}

/* ESC ] and a digit at the front: an answer, up to BEL or ESC \. Return: bytes taken, 0 = more are needed. */
static size_t parse_osc(struct input *in, event_fn fn, void *arg)
{
	static const char background[] = "11;rgb:";
	const char *s = in->wait;
	for (size_t i = 2; i < in->nwait; i++) {
		if (s[i] != '\a' && s[i] != '\033')
			continue;
		if (s[i] == '\033' && i + 1 == in->nwait)
			break;
		if (!strncmp(s + 2, background, sizeof(background) - 1))
			emit_background(fn, arg, s + 1 + sizeof(background), s + i);
		return s[i] == '\033' && s[i + 1] == '\\' ? i + 2 : i + (s[i] == '\a');
	}
	return in->nwait < sizeof(in->wait) ? 0 : in->nwait;
}

/* ESC _ G at the front: what is said of images, up to ESC \. Return: bytes taken, 0 = more are needed. */
static size_t parse_images(struct input *in, event_fn fn, void *arg)
{
	const char *s = in->wait;
	for (size_t i = 3; i + 1 < in->nwait; i++) {
		if (s[i] != '\033' || s[i + 1] != '\\')
			continue;
		struct event ev = {.kind = EVENT_IMAGES};
		if (i > 6 && !memcmp(s + i - 3, ";OK", 3))
			fn(arg, &ev);
		return i + 2;
	}
	return in->nwait < sizeof(in->wait) ? 0 : in->nwait;
}

/* A character or control at @s. Return: bytes taken, 0 = more are needed. */
static size_t parse_char(const char *s, size_t n, unsigned mods, event_fn fn, void *arg)
{
	unsigned char c = s[0];
	if (c == '\r')
		emit_key(fn, arg, VT_KEY_ENTER, mods);
	else if (c == '\t')
		emit_key(fn, arg, VT_KEY_TAB, mods);
	else if (c == 0x7f)
		emit_key(fn, arg, VT_KEY_BACKSPACE, mods);
	else if (c == 0)
		emit_key(fn, arg, ' ', mods | VT_CTRL);
	else if (c < 27)
		emit_key(fn, arg, c - 1 + 'a', mods | VT_CTRL);
	else if (c < ' ')
		emit_key(fn, arg, c == 27 ? VT_KEY_ESCAPE : c + '@', c == 27 ? mods : mods | VT_CTRL);
	else if (c < 0x80)
		emit_key(fn, arg, c, mods);
	if (c < 0x80)
		return 1;
	size_t want = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2, len = n < want ? n : want;
	char text[5] = {0};
	memcpy(text, s, len);
	uint32_t ch;
	size_t took = utf8_next(text, &ch);
	if (ch == 0xfffd && took >= n && n < want && c >= 0xc2)
		return 0;
	if (ch != 0xfffd)
		emit_key(fn, arg, ch, mods);
	return took;
}

static size_t parse(struct input *in, event_fn fn, void *arg)
{
	const char *s = in->wait;
	if (s[0] != '\033')
		return parse_char(s, in->nwait, 0, fn, arg);
	for (size_t i = 0; i < in->nextra; i++) {
		size_t n = strlen(in->extra[i].seq);
		if (n <= in->nwait && !memcmp(s, in->extra[i].seq, n)) {
			emit_key(fn, arg, in->extra[i].key.code, in->extra[i].key.mods);
			return n;
		}
		if (n > in->nwait && in->nwait > 1 && !memcmp(s, in->extra[i].seq, in->nwait) && s[1] != '[')
			return 0;
	}
	if (in->nwait == 1)
		return 0;
	if (s[1] == '[')
		return in->nwait > 2 ? parse_csi(in, fn, arg) : 0;
	if (s[1] == ']' && in->nwait == 2)
		return 0;
	if (s[1] == ']' && isdigit((unsigned char)s[2]))
		return parse_osc(in, fn, arg);
	if (s[1] == '_' && in->nwait == 2) /* Alt+_, if nothing follows */
		return 0;
	if (s[1] == '_' && s[2] == 'G')
		return parse_images(in, fn, arg);
	if (s[1] == 'O')
		return parse_ss3(in, fn, arg);
	if (s[1] == '\033') { /* ESC ESC [ A: Alt and an arrow in some; or Escape twice */
		emit_key(fn, arg, VT_KEY_ESCAPE, 0);
		return 1;
	}
	size_t n = parse_char(s + 1, in->nwait - 1, VT_ALT, fn, arg);
	return n ? n + 1 : 0;
}

/* Inside ESC [ 200 ~: collect until ESC [ 201 ~. */
static void paste_byte(struct input *in, char c, event_fn fn, void *arg)
{
	static const char end[] = "\033[201~";
	size_t n = sizeof(end) - 1;
	if (in->paste.len < INPUT_PASTE_MAX + n)
		buf_add(&in->paste, &c, 1);
	else /* too long: keep the tail only to see the end */
		memmove(in->paste.s + INPUT_PASTE_MAX, in->paste.s + INPUT_PASTE_MAX + 1, n - 1),
		    in->paste.s[INPUT_PASTE_MAX + n - 1] = c;
	if (in->paste.len < n || memcmp(in->paste.s + in->paste.len - n, end, n))
		return;
	in->paste.len -= n;
	in->paste.s[in->paste.len] = 0;
	in->pasting = false;
	struct event ev = {.kind = EVENT_PASTE, .text = buf_text(&in->paste), .len = in->paste.len};
	fn(arg, &ev);
	buf_done(&in->paste);
}

void input_feed(struct input *in, const char *bytes, size_t n, event_fn fn, void *arg)
{
	for (size_t i = 0; i < n; i++) {
		if (in->pasting) {
			paste_byte(in, bytes[i], fn, arg);
			continue;
		}
		if (in->nwait < sizeof(in->wait))
			in->wait[in->nwait++] = bytes[i];
		for (size_t took; in->nwait && (took = parse(in, fn, arg));) {
			in->nwait -= took;
			memmove(in->wait, in->wait + took, in->nwait);
			if (in->pasting)
				break;
		}
	}
}

void input_timeout(struct input *in, event_fn fn, void *arg)
{
	if (!in->nwait || in->pasting)
		return;
	bool alt = in->nwait == 2 && in->wait[0] == '\033';
	if (alt)
		emit_key(fn, arg, (unsigned char)in->wait[1], VT_ALT);
	else if (in->wait[0] == '\033' && in->nwait == 1)
		emit_key(fn, arg, VT_KEY_ESCAPE, 0);
	in->nwait = 0;
}
