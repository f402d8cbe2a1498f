/* The escape character among what a terminal sends.
 *
 * It comes as one byte, until a program has asked the terminal for keys as escape sequences: then Ctrl+] is
 * CSI 93;5u (the kitty keyboard protocol, and xterm's formatOtherKeys=1) or CSI 27;5;93~ (xterm's
 * modifyOtherKeys). A sequence may come in pieces; one that has begun is kept back until it is known to be
 * another key or tty_keys_flush() gives it up. A lone ESC is a key of its own and never kept back. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "src/cmd/tty.h"

enum { SHIFT = 1, CTRL = 4, LOCKS = 64 | 128 }; /* modifiers are sent as 1 + these */

/* The control character that Ctrl and the key make on an ordinary terminal; -1: none. (ECMA-48; xterm) */
static int control_of(unsigned key)
{
	static const char row[] = "2 345678", made[] = "\0\0\033\034\035\036\037\177";
	if (key >= '@' && key <= '~')
		return (int)(key & 0x1f);
	const char *at = key && key < 0x7f ? strchr(row, (int)key) : NULL;
	return key == '/' || key == '-' ? 0x1f : key == '?' ? 0x7f : at ? made[at - row] : -1;
}

/* Is the whole sequence in @k the escape character? */
static bool is_escape(const struct tty_keys *k)
{
	unsigned n[3] = {0, 1, 0}, event = 1;
	const char *p = k->held + 2;
	char final = k->held[k->len - 1];
	for (unsigned i = 0; i < 3 && p < k->held + k->len - 1; i++) {
		char *end;
		unsigned long v = strtoul(p, &end, 10);
		n[i] = isdigit((unsigned char)*p) ? (unsigned)v : n[i];
		for (p = end; *p == ':'; p = end) { /* other names of the key; of modifiers what happened */
			v = strtoul(p + 1, &end, 10);
			event = i == 1 && isdigit((unsigned char)p[1]) ? (unsigned)v : event;
			if (end == p)
				end = (char *)p + 1;
		}
		p += *p == ';';
	}
	unsigned key = final == 'u' ? n[0] : n[0] == 27 ? n[2] : 0;
	unsigned held = (n[1] - 1) & ~(unsigned)LOCKS & ~(unsigned)SHIFT;
	if ((final != 'u' && final != '~') || !key || event > 2 || !n[1])
		return false;
	return held == CTRL ? control_of(key) == k->escape : !held && key == k->escape;
}

void tty_keys_flush(struct tty_keys *k, struct buf *out)
{
	buf_add(out, k->held + k->sent, k->len - k->sent);
	k->len = k->sent = 0;
}

/* @c belongs to the sequence in @k. */
static bool goes_on(const struct tty_keys *k, char c)
{
	return k->len == 1 ? c == '[' : k->len + 1 < sizeof(k->held) && (isdigit((unsigned char)c) || c == ';' || c == ':');
}

bool tty_keys_feed(struct tty_keys *k, const char *p, size_t n, struct buf *out)
{
	for (size_t i = 0; i < n; i++) {
		if ((unsigned char)p[i] == k->escape)
			return true;
		if (k->len && !goes_on(k, p[i])) {
			bool final = k->len > 2 && k->len + 1 < sizeof(k->held);
			if (final) {
				k->held[k->len++] = p[i];
				k->held[k->len] = 0;
			}
			if (final && is_escape(k))
				return true;
			tty_keys_flush(k, out);
			if (final)
				continue;
		}
		if (!k->len && p[i] != '\033')
			buf_add(out, p + i, 1);
		else
			k->held[k->len++] = p[i];
	}
	if (k->len == 1 && !k->sent) { /* the key Esc, as far as is known */
		buf_add(out, k->held, 1);
		k->sent = 1;
	}
	return false;
}
