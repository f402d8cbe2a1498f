/* What the user's terminal sends: bytes to keys, mouse events and pasted text. Understands xterm and what
 * follows it (tmux, screen, VTE, kitty's and foot's defaults), rxvt and the Linux console; term.c adds the
 * strings of terminfo. Sequences that nobody knows are swallowed whole, so that they never act as keys. */
#ifndef UI_TUI_INPUT_H
#define UI_TUI_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/str.h"
#include "ui/vt/keys.h"

struct key {
	uint32_t code; /* code point, or enum vt_key */
	unsigned mods; /* enum vt_mod; Shift only with keys that print nothing */
};

#define KEY_NAME_MAX 24
/* "a", "C-]", "M-x", "S-PgUp", "F10", "Enter", "Space". Return: @out. */
char *key_text(struct key k, char out[KEY_NAME_MAX]);
/* The inverse. false: no such key; @n bytes of @name are looked at. */
bool key_parse(const char *name, size_t n, struct key *out);
bool key_same(struct key a, struct key b);

struct event {
	enum { EVENT_KEY, EVENT_MOUSE, EVENT_PASTE, EVENT_BACKGROUND, EVENT_ANSWER, EVENT_IMAGES } kind;
	struct key key;
	struct vt_mouse mouse;
	const char *text; /* EVENT_PASTE: valid during the call */
	size_t len;
	bool light; /* EVENT_BACKGROUND: the answer to OSC 11 */
	/* EVENT_ANSWER: the terminal has come to where it was asked whether it is well (DSR 5) */
	/* EVENT_IMAGES: it knows kitty's graphics protocol */
};
typedef void (*event_fn)(void *arg, const struct event *ev);

#define INPUT_EXTRA_MAX 64
#define INPUT_PASTE_MAX (1 << 20)

struct input {
	char wait[256]; /* an unfinished sequence */
	size_t nwait;
	bool pasting;
	struct buf paste;
	struct {
		char seq[16];
		struct key key;
	} extra[INPUT_EXTRA_MAX];
	size_t nextra;
};

/* Know one more sequence (it begins with ESC). Surplus ones are ignored. */
void input_add(struct input *in, const char *seq, struct key key);
/* Take @n bytes, calling @fn for each event. How the stream is cut makes no difference, but for the time-out.
 */
void input_feed(struct input *in, const char *bytes, size_t n, event_fn fn, void *arg);
/* Does an unfinished sequence wait? Then call input_timeout() when nothing has come for some 50 ms: it was
 * ESC. */
bool input_waiting(const struct input *in);
void input_timeout(struct input *in, event_fn fn, void *arg);
void input_done(struct input *in);

#endif
