/* The VNC server: libvncserver behind a small interface. The only files with its header are vnc*.c:
 * vnc_ext.c has what the library does not know, vnc_move.c has viewers copy what scrolls, vnc_torn.c sends
 * again what changed while it was encoded, vnc_cursor.c and vnc_clipboard.c are what they say.
 *
 * Theory of operation. Each viewer that the relay let in is a client of libvncserver with two threads of the
 * library's, over a socket pair. vnc_* calls come from one thread, the main one; the callbacks come on the
 * clients' threads, any number at a time. What is little is sent by the main thread, if that need
 * not wait. libvncserver's own listening, HTTP, WebSocket, TLS and passwords
 * are not used. */
#ifndef BACKEND_SCREEN_VNC_H
#define BACKEND_SCREEN_VNC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/json.h"
#include "src/proto/screen.h"

struct vnc;
struct scroll;

struct vnc_ops {
	void (*key)(void *ctx, unsigned code, bool down); /* KEY_* */
	void (*pointer)(void *ctx, const struct screen_pointer *p);
	void (*release)(void *ctx); /* a viewer left with keys or buttons down */
	void (*resize)(void *ctx, unsigned width, unsigned height);
	/* A viewer waits for an update, or did something after which one will be due (@input). */
	void (*wanted)(void *ctx, bool input);
	/* A viewer has put text into its clipboard: Latin-1, or UTF-8. For vnc_clipboard(). */
	void (*clipboard)(void *ctx, unsigned id, const char *text, size_t len, bool utf8);
	/* Called around what needs all clients to come to the end of what they send: see relay_drain(). */
	void (*drain)(void *ctx, bool on);
};

/* The server with a black picture of its own. Never NULL. */
struct vnc *vnc_new(const struct vnc_ops *ops, void *ctx);
void vnc_set_name(struct vnc *v, const char *name); /* of the desktop, for viewers to come */

/* Serve a viewer over @fd (taken). */
void vnc_add(struct vnc *v, unsigned id, int fd, bool view_only);
/* Does any viewer wait for an update? */
bool vnc_waiting(struct vnc *v);
/* Set "encoding" in @viewer. Any thread. */
void vnc_describe(struct vnc *v, unsigned id, json_t *viewer);

/* Show this memory from now on: @width * @height pixels, the caller's; the earlier one is not used any more
 * on return. */
void vnc_set_picture(struct vnc *v, uint32_t *pixels, unsigned width, unsigned height);
/* The picture is about to be changed in place, and was; @any: it really did. What was sent meanwhile may be
 * sent once more. */
void vnc_draw_begin(struct vnc *v);
void vnc_draw_end(struct vnc *v, bool any);
/* This has changed; viewers hear of it with vnc_flush(). */
void vnc_changed(struct vnc *v, const struct screen_rect *r);
void vnc_flush(struct vnc *v);
/* Does any viewer take copies of what it has? */
bool vnc_copies(struct vnc *v);
/* The picture is about to be moved: whoever is not in the middle of an update waits with the next one until
 * the move has been told to it, since what it copies must be what it has. Between the two calls only the
 * picture, and vnc_changed(). */
void vnc_move_begin(struct vnc *v);
void vnc_move_end(struct vnc *v, const struct scroll *m); /* and vnc_flush() */
/* Pixels count only as far as w * h; @c->defined not set: a small dot. */
void vnc_set_cursor(struct vnc *v, const struct screen_cursor *c);
void vnc_set_cursor_pos(struct vnc *v, int x, int y);
void vnc_set_state(struct vnc *v, unsigned leds, bool absolute);
/* Give text to all viewers but @from. */
void vnc_clipboard(struct vnc *v, unsigned from, const char *text, size_t len, bool utf8);

/* Answer viewer @id: with the text that it was last told of, or (@peek) that there is text. */
void vnc_clipboard_answer(struct vnc *v, unsigned id, bool peek);

/* DES as VNC Authentication has it; the first call must come before the sandbox. Any thread. */
void vnc_encrypt(uint8_t challenge[16], const char *passwd);

#endif
