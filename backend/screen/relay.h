/* The relay: every viewer's connection goes through it, on a thread of its own.
 *
 * Theory of operation. A connection is accepted, its first bytes tell what it is (RFB says nothing first; TLS
 * of a browser; HTTP), it speaks the handshake (handshake.c), with TLS and WebSocket frames taken off here,
 * and when it is in, one end of a socket pair goes to the server (joined), which hears plain RFB from
 * ClientInit on. From then on bytes are carried both ways over queues of bounded size: a viewer that does not
 * read stops only its own thread of the server, and is closed when nothing has moved for RELAY_STALL_MS while
 * bytes are waiting. What a viewer says is looked at on its way (guard.c). Nobody waits for anybody here: all
 * sockets are non-blocking. What is one connection's is in viewer.c.
 *
 * Whoever connects is a stranger until it has said the password, and a stranger costs little: no memory but its
 * slot and a few KiB, no line in the log but one a minute that counts them, one step of a TLS handshake a turn
 * for all of them, and challenges as slowly as sources.h says once passwords were wrong. There are
 * RELAY_STRANGERS slots for them; when they are full, one of the address that has most of them makes room.
 *
 * relay_drain() is for the server when it needs all of its threads to come to the end of what they send:
 * until it is taken back, queues grow as they must, all together to RELAY_DRAIN_TOTAL.
 *
 * All functions may be called from any thread; the callbacks come on the relay's, without a lock held. */
#ifndef BACKEND_SCREEN_RELAY_H
#define BACKEND_SCREEN_RELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/screen/config.h"
#include "src/base/err.h"
#include "src/base/json.h"

#define RELAY_VIEWERS 32
#define RELAY_STRANGERS 64
#define RELAY_STALL_MS 5000
#define RELAY_HANDSHAKE_MS 10000
#define RELAY_SNIFF_MS 100
#define RELAY_OUT_MAX (1u << 20)
#define RELAY_PONG_MAX (RELAY_OUT_MAX + (256u << 10)) /* pings are answered while less than this is queued */
#define RELAY_IN_MAX (64u << 10)
#define RELAY_KERNEL_MAX (512 << 10)
#define RELAY_DEAD_MS 20000 /* what is sent and not acknowledged for so long went to nobody */
/* What a viewer's queue may come to while drained: a raw picture and some. */
#define RELAY_DRAIN_MAX (96u << 20)
#define RELAY_DRAIN_TOTAL (256u << 20) /* and those of all; then whose is the longest is closed */
#define RELAY_GUESS_MS 5000            /* a viewer waits at most so long for its challenge, or is told to try later */
#define RELAY_LOG_MS 60000             /* viewers that are turned away are told of at most so often */

struct relay;

struct relay_ops {
	/* Viewer @id is in: @fd, now the callee's, is the server's end. The viewer has had ServerInit's
	 * predecessors and waits for ServerInit. */
	void (*joined)(void *ctx, unsigned id, int fd, bool view_only);
	/* Something for the list of viewers changed. */
	void (*changed)(void *ctx);
	/* A viewer asks for what is in its extended clipboard (GUARD_CLIP_*). */
	void (*asked)(void *ctx, unsigned id, unsigned what);
	/* DES as VNC Authentication has it. */
	void (*encrypt)(uint8_t challenge[16], const char *passwd);
	/* ms that only grow; NULL: CLOCK_MONOTONIC. */
	int64_t (*clock)(void);
};

/* Start with these listening sockets (the relay's from now on). NULL with @e. */
struct relay *relay_new(const int *listeners, size_t n, const struct relay_ops *ops, void *ctx,
			struct err *e);

/* For tests: the same without a thread, of which each relay_turn() is one round, without waiting. */
struct relay *relay_new_still(const int *listeners, size_t n, const struct relay_ops *ops, void *ctx);
void relay_turn(struct relay *r);
void relay_free(struct relay *r);
/* Bytes in all queues towards peers. false: one has grown past its bound. */
bool relay_queued(struct relay *r, size_t *bytes);

/* Take over @c (emptied): for viewers that are not in yet. */
void relay_config(struct relay *r, struct config *c);
/* Close all viewers. */
void relay_kick(struct relay *r);
void relay_drain(struct relay *r, bool on);
/* Connections, those that are not in yet too. */
unsigned relay_count(struct relay *r);

/* The viewers that are in, as query-vnc has them ("clients"), but "encoding", which @encoding puts there. */
json_t *relay_viewers(struct relay *r, void (*encoding)(void *ctx, unsigned id, json_t *viewer), void *ctx);

#endif
