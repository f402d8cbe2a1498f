/* WebSocket (RFC 6455), the server's side, for viewers in a browser: the upgrade of an HTTP request, and
 * frames. Over queues: no input or output of its own. */
#ifndef BACKEND_SCREEN_WS_H
#define BACKEND_SCREEN_WS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/screen/fifo.h"

#define WS_REQUEST_MAX 8192

/* Incoming frames; zero-initialise. */
struct ws {
	uint64_t left; /* bytes of the current frame that have not come */
	uint8_t mask[4];
	unsigned at; /* place in the mask */
	bool begun;  /* a message has begun whose last frame has not come */
	/* A ping is answered while less than this is queued for its sender: 0: never. Who sends them and reads
	 * nothing gets no more answers. */
	size_t pong_max;
};

/* Take one request from @in and answer it. 0: it has not come yet; 1: it is a WebSocket now; -1: it was
 * refused, close after what is in @out. @any_origin: pages of any site may connect; else only those from this
 * machine, or from the host that was asked by its address or a name that is its own (names.h). */
int ws_upgrade(struct fifo *in, struct fifo *out, bool any_origin);
/* Answer whatever request comes with "403" and @why. Always -1. */
int ws_refuse(struct fifo *out, const char *why);

/* Take the frames in @in: their payload goes to @data, answers to pings to @out. -1: a close or a violation;
 * close. */
int ws_decode(struct ws *w, struct fifo *in, struct fifo *data, struct fifo *out);
/* Add @n bytes as a binary frame. */
void ws_encode(struct fifo *out, const void *p, size_t n);

#endif
