/* Frames on their way to the machine: a ring of fixed size. Full, it drops what comes, as a network card
 * does. */
#ifndef BACKEND_NET_QUEUE_H
#define BACKEND_NET_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct queue {
	int fd;
	uint8_t *slots;
	uint32_t *lens;
	size_t slot_bytes, nslots, head, n;
	uint64_t dropped;
};

/* For frames of at most @frame_bytes, sent to the SOCK_SEQPACKET @fd, which stays the caller's. */
void queue_init(struct queue *q, int fd, size_t frame_bytes);
void queue_done(struct queue *q);
/* Send a frame, or keep it, or drop it. Never waits. */
void queue_put(struct queue *q, const void *frame, size_t len);
/* Send what the socket takes. -EPIPE: the machine has gone. */
int queue_flush(struct queue *q);
/* Half full: no more than has to be should be put. */
bool queue_tight(const struct queue *q);

#endif
