/* One connection of the relay: its socket outside, the server's inside once it is in, and the queues between.
 * Nothing here waits, nothing is without a bound, and in a turn of the relay no more is taken from a viewer
 * than VIEWER_TURN, however fast it sends. All of it is the relay's thread's. */
#ifndef BACKEND_SCREEN_VIEWER_H
#define BACKEND_SCREEN_VIEWER_H

#include <sys/socket.h>

#include "backend/screen/fifo.h"
#include "backend/screen/guard.h"
#include "backend/screen/handshake.h"
#include "backend/screen/sources.h"
#include "backend/screen/tls.h"
#include "backend/screen/ws.h"

#define VIEWER_TURN (128u << 10)

enum phase {
	FREE,
	SNIFF, /* what is it? */
	TLS,   /* what is in the queue goes out in the clear, then TLS */
	HTTP,
	RFB, /* the handshake */
	RUN,
	LEAVE, /* it sends no more: the server hears what it has sent, and its end */
	FLUSH, /* closed when its queue is empty */
};

struct viewer {
	enum phase phase;
	unsigned id;
	int fd, inner; /* -1 until it is in */
	struct tls *tls;
	bool tls_done, browser, is_ws;
	bool ended, shut;        /* it sends no more; the server knows */
	bool quiet, inner_quiet; /* poll() says that there is nothing to read */
	struct ws ws;
	struct handshake hs;
	struct fifo wire; /* from it, WebSocket frames */
	struct fifo in;   /* from it, RFB */
	struct guard guard;
	struct fifo to;  /* of that, what is for the server */
	struct fifo out; /* to it */
	size_t skip;     /* bytes of the server that are not for it */
	int64_t born, moved;
	int64_t hold;      /* nothing is sent before */
	int64_t challenge; /* when it may have its challenge */
	uint64_t sent;
	const char *why; /* it is not heard any more; NULL: nothing is wrong with what it said */
	struct source_key source;
	char host[64], service[16];
	const char *family;
};

/* Begin with a socket that was accepted from @a. */
void viewer_init(struct viewer *v, unsigned id, int fd, const struct sockaddr_storage *a, socklen_t len,
		 int64_t now);
/* Free it all: the slot is FREE. */
void viewer_done(struct viewer *v);
/* The server is let go; what is queued still goes out, for a while. */
void viewer_flush(struct viewer *v, int64_t now);

/* Queue bytes for it, as WebSocket frames if it speaks that. */
void viewer_send(struct viewer *v, const void *p, size_t n, int64_t now);
/* Take what has come from outside; send what is queued. false: it is gone. */
bool viewer_read(struct viewer *v, int64_t now);
bool viewer_write(struct viewer *v, int64_t now);
/* Take what the server has for it, as far as @max bytes in the queue. false: it has closed. */
bool viewer_read_inner(struct viewer *v, size_t max, int64_t now);
/* Give to the server what the viewer has said, as far as it takes it. false: the viewer is to be closed. */
bool viewer_hear(struct viewer *v);
/* Has a queue of it grown past its bound? Never, unless somebody did not look. */
bool viewer_over(const struct viewer *v);
/* Is more of it there than poll() knows of? */
bool viewer_pending(const struct viewer *v);

/* What to wait for. @known: it has been said who is let in. */
short viewer_wants(const struct viewer *v, bool known, int64_t now);
short viewer_wants_inner(const struct viewer *v, size_t max);
/* When something is to be done with it though nothing comes: ms, INT64_MAX: never. */
int64_t viewer_deadline(const struct viewer *v, bool known, int64_t now);
/* NULL, or why its time is over. */
const char *viewer_late(const struct viewer *v, int64_t now);

#endif
