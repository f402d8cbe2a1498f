/* A queue of bytes: added at its end, taken from its front, without moving what is in it.
 *
 * A queue that a peer can make longer has a bound. Whoever adds looks at how much is in it first; the bound is
 * what holds when that was forgotten: what does not fit is left out, and the queue says so. */
#ifndef BACKEND_SCREEN_FIFO_H
#define BACKEND_SCREEN_FIFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero-initialise. The @len bytes in it begin at fifo_head(). */
struct fifo {
	uint8_t *p;
	size_t head, len, cap;
	size_t max; /* of @len; 0: what goes in comes from ourselves */
	bool over;  /* something did not fit: what is in it makes no sense any more */
};

/* The first byte; valid until the next call that adds. */
uint8_t *fifo_head(const struct fifo *f);
void fifo_add(struct fifo *f, const void *p, size_t n);
void fifo_add_u8(struct fifo *f, uint8_t v);
void fifo_add_u32(struct fifo *f, uint32_t v); /* most significant byte first, as RFB has it */
/* Room for @n bytes behind the last, whatever the bound; fifo_added() says how many were put there. */
uint8_t *fifo_room(struct fifo *f, size_t n);
void fifo_added(struct fifo *f, size_t n);
void fifo_drop(struct fifo *f, size_t n); /* at most @len */
void fifo_done(struct fifo *f);           /* frees; usable again afterwards */

#endif
