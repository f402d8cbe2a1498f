/* The guest's picture as the server shows it: the machine's memory, mapped read-only, and a shadow of it that
 * only changes when we say so. The server reads pixels more than once while it encodes, and on other threads;
 * the guest draws when it wants. */
#ifndef BACKEND_SCREEN_SURFACE_H
#define BACKEND_SCREEN_SURFACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/err.h"
#include "src/proto/screen.h"

#define SURFACE_MAX 8192 /* pixels each way */
#define TILE_WIDTH 64
#define TILE_HEIGHT 16

struct surface {
	uint32_t generation, width, height, stride;
	const uint8_t *pixels; /* the machine's; NULL: no picture */
	void *map;
	size_t map_len;
	uint32_t *shadow; /* width * height, never NULL once there was a surface */
	unsigned scroll_misses, scroll_pause; /* scroll.c's */
};

/* Make @s (zero-initialised; an earlier one is the caller's to end) of what the machine announced. @fd stays
 * the caller's. Its shadow has the picture as it is now. 0 or -errno. */
int surface_open(struct surface *s, const struct screen_surface *m, int fd, struct err *e);
/* A black one of this size, without a picture behind it. */
void surface_blank(struct surface *s, uint32_t width, uint32_t height);
void surface_close(struct surface *s);

/* Bring the shadow up to date within @in (clipped to the picture). What differed, tile by tile, joined to
 * rectangles, goes to
 * @changed(ctx, ...). Return: how many pixels these have, before joining. */
size_t surface_update(struct surface *s, const struct screen_rect *in, size_t n,
		      void (*changed)(void *ctx, const struct screen_rect *r), void *ctx);

#endif
