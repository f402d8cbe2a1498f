#include "backend/net/queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "src/base/str.h"

#define QUEUE_BYTES (1u << 20)
#define QUEUE_MIN 32
#define QUEUE_MAX 512

void queue_init(struct queue *q, int fd, size_t frame_bytes)
{
	size_t n = QUEUE_BYTES / frame_bytes;
	n = n < QUEUE_MIN ? QUEUE_MIN : n > QUEUE_MAX ? QUEUE_MAX : n;
	*q = (struct queue){.fd = fd, .slot_bytes = frame_bytes, .nslots = n};
	q->slots = x_malloc(n * frame_bytes);
	q->lens = x_calloc(n, sizeof(*q->lens));
}

void queue_done(struct queue *q)
{
	free(q->slots);
	free(q->lens);
	*q = (struct queue){.fd = -1};
}

/* 0, or -EAGAIN, or -EPIPE. What cannot be sent at all counts as sent. */
static int send_frame(struct queue *q, const void *frame, size_t len)
{
	ssize_t n;
	do {
		n = send(q->fd, frame, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	if (n >= 0 || (errno != EAGAIN && errno != EPIPE && errno != ECONNRESET)) {
		q->dropped += n < 0;
		return 0;
	}
	return errno == EAGAIN ? -EAGAIN : -EPIPE;
}

void queue_put(struct queue *q, const void *frame, size_t len)
{
	if (!len || len > q->slot_bytes) {
		q->dropped++;
		return;
	}
	if (!q->n && send_frame(q, frame, len) != -EAGAIN)
		return; /* of a machine that has gone the loop hears by itself */
	if (q->n == q->nslots) {
		q->dropped++;
		return;
	}
	size_t at = (q->head + q->n++) % q->nslots;
	memcpy(q->slots + at * q->slot_bytes, frame, len);
	q->lens[at] = (uint32_t)len;
}

int queue_flush(struct queue *q)
{
	while (q->n) {
		int rc = send_frame(q, q->slots + q->head * q->slot_bytes, q->lens[q->head]);
		if (rc)
			return rc == -EAGAIN ? 0 : rc;
		q->head = (q->head + 1) % q->nslots;
		q->n--;
	}
	return 0;
}

bool queue_tight(const struct queue *q)
{
	return q->n > q->nslots / 2;
}
