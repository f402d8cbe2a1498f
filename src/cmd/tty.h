/* The user's terminal in raw mode, given back on every way out. Only src/cmd includes this. One at a time. */
#ifndef SRC_CMD_TTY_H
#define SRC_CMD_TTY_H

#include <stddef.h>

/* Raw mode for terminal @fd. Until tty_restore() the signals that end a process restore it first. 0 or
 * -errno. */
int tty_raw(int fd);
/* Back to what was, with what a guest may have switched on (colours, mouse, alternate screen) switched off.
 */
void tty_restore(void);
/* Tell what goes to the terminal, so that tty_restore() knows whether to leave the alternate screen. */
void tty_seen(const char *p, size_t n);

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
