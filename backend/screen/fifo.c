#include "backend/screen/fifo.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/str.h"

/* An empty queue gives back what is more than this. */
#define KEEP (64u << 10)

uint8_t *fifo_head(const struct fifo *f)
{
	static uint8_t none; /* never NULL: what takes a length of 0 need not take that */
	return f->p ? f->p + f->head : &none;
}

uint8_t *fifo_room(struct fifo *f, size_t n)
{
	if (f->cap - f->head - f->len < n && f->head) {
		memmove(f->p, f->p + f->head, f->len);
		f->head = 0;
	}
	if (!f->p || f->cap - f->len < n) {
		size_t cap = f->cap ? f->cap : 512;
		while (cap - f->len < n)
			cap *= 2;
		f->p = x_realloc(f->p, cap);
		f->cap = cap;
	}
	return f->p + f->head + f->len;
}

void fifo_added(struct fifo *f, size_t n)
{
	f->len += n;
}

void fifo_add(struct fifo *f, const void *p, size_t n)
{
	if (f->max && n > f->max - f->len) {
		f->over = true;
		return;
	}
	if (n)
		memcpy(fifo_room(f, n), p, n);
	f->len += n;
}

void fifo_add_u8(struct fifo *f, uint8_t v)
{
	fifo_add(f, &v, 1);
}

void fifo_add_u32(struct fifo *f, uint32_t v)
{
	v = htobe32(v);
	fifo_add(f, &v, 4);
}

void fifo_drop(struct fifo *f, size_t n)
{
	f->head += n;
	f->len -= n;
	if (f->len)
		return;
	f->head = 0;
	if (f->cap > KEEP)
		fifo_done(f);
}

void fifo_done(struct fifo *f)
{
	free(f->p);
	f->p = NULL;
	f->head = f->len = f->cap = 0;
}
