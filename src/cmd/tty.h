/* The user's terminal in raw mode, given back on every way out. Only src/cmd includes this. One at a time. */
#ifndef SRC_CMD_TTY_H
#define SRC_CMD_TTY_H

#include <stdbool.h>
#include <stddef.h>

#include "src/base/str.h"

/* Raw mode for terminal @fd. Until tty_restore() the signals that end a process restore it first. 0 or
 * -errno. */
int tty_raw(int fd);
/* Back to what was, with what a guest may have switched on (colours, mouse, alternate screen, keys as escape
 * sequences) switched off. */
void tty_restore(void);
/* Tell what goes to the terminal, so that tty_restore() knows what a terminal may have been asked for that is
 * not switched off for all: the alternate screen, the kitty keyboard protocol, modifyOtherKeys. */
void tty_seen(const char *p, size_t n);

/* Finds the escape character in what is typed (tty_keys.c). Zero-initialise but for @escape. */
struct tty_keys {
	unsigned char escape;
	char held[48]; /* an escape sequence that has begun */
	size_t len;
	size_t sent; /* of it, already told */
};
/* @n bytes from the terminal; what is for the guest goes behind @out. true: the escape character was typed. */
bool tty_keys_feed(struct tty_keys *k, const char *p, size_t n, struct buf *out);
/* No more came for a while: what was kept back is for the guest. */
void tty_keys_flush(struct tty_keys *k, struct buf *out);
/* Is something kept back? */
static inline bool tty_keys_waits(const struct tty_keys *k)
{
	return k->len > k->sent;
}

/* Make recorded output safe and readable on a terminal: of escape sequences only colours (SGR) stay, lone
 * returns become new lines, other control characters go. Zero-initialise the state; feed the stream in pieces
 * of any size. */
struct tty_filter {
	int state;
	char seq[64];
	size_t len;
	int cr;
};
/* @out has room for 2 * @n + 64 bytes. Return: bytes put there. */
size_t tty_filter(struct tty_filter *f, const char *in, size_t n, char *out);

#endif
