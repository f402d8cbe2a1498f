#include "backend/screen/surface.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/cleanup.h"
#include "src/base/str.h"

#define PIXEL 4u

/* Is every byte that we would read inside the file? What is not would end us with SIGBUS. */
static int check(const struct screen_surface *m, int fd, struct err *e)
{
	struct stat st;
	uint64_t end;
	if (m->width > SURFACE_MAX || m->height > SURFACE_MAX || !m->height || m->stride < m->width * PIXEL)
		return err_set(e, EINVAL, "the machine announced a picture of %ux%u with %u bytes a line", m->width, m->height,
			       m->stride);
	if (fstat(fd, &st) < 0)
		return err_sys(e, errno, "the picture's memory");
	if (__builtin_add_overflow(m->offset, (uint64_t)m->stride * (m->height - 1) + m->width * PIXEL, &end) ||
	    end > (uint64_t)st.st_size)
		return err_set(e, EINVAL, "the machine announced a picture that ends outside its memory");
	return 0;
}

static uint32_t *shadow_of(uint32_t width, uint32_t height)
{
	return x_calloc((size_t)width * height, PIXEL);
}

int surface_open(struct surface *s, const struct screen_surface *m, int fd, struct err *e)
{
	int rc = check(m, fd, e);
	if (rc)
		return rc;
	size_t page = (size_t)sysconf(_SC_PAGESIZE), before = m->offset % page;
	size_t len = before + (size_t)m->stride * m->height;
	void *map = mmap(NULL, len, PROT_READ, MAP_SHARED, fd, (off_t)(m->offset - before));
	if (map == MAP_FAILED)
		return err_sys(e, errno, "cannot map the picture's memory");
	*s = (struct surface){.generation = m->generation, .width = m->width, .height = m->height, .stride = m->stride,
			      .pixels = (const uint8_t *)map + before, .map = map, .map_len = len};
	s->shadow = shadow_of(s->width, s->height);
	for (uint32_t y = 0; y < s->height; y++)
		memcpy(s->shadow + (size_t)y * s->width, s->pixels + (size_t)y * s->stride, s->width * PIXEL);
	return 0;
}

void surface_blank(struct surface *s, uint32_t width, uint32_t height)
{
	*s = (struct surface){.width = width, .height = height, .stride = width * PIXEL};
	s->shadow = shadow_of(width, height);
}

void surface_close(struct surface *s)
{
	if (s->map)
		munmap(s->map, s->map_len);
	free(s->shadow);
	*s = (struct surface){0};
}

/* One tile. Return: did it differ? The guest may go on drawing: what is compared is what was copied, line by line. */
static bool tile(struct surface *s, uint32_t x, uint32_t y, uint32_t w, uint32_t h)
{
	bool differs = false;
	for (uint32_t i = 0; i < h; i++) {
		uint32_t *to = s->shadow + (size_t)(y + i) * s->width + x;
		const uint8_t *from = s->pixels + (size_t)(y + i) * s->stride + (size_t)x * PIXEL;
		if (memcmp(to, from, w * PIXEL) == 0)
			continue;
		memcpy(to, from, w * PIXEL);
		differs = true;
	}
	return differs;
}

/* Rectangles that grow downwards while each row of tiles has the same run. */
struct runs {
	struct screen_rect open[SURFACE_MAX / TILE_WIDTH + 1];
	size_t n;
	void (*changed)(void *ctx, const struct screen_rect *r);
	void *ctx;
};

static void runs_end_above(struct runs *u, uint32_t y)
{
	size_t kept = 0;
	for (size_t i = 0; i < u->n; i++)
		if ((uint32_t)u->open[i].y + u->open[i].h < y)
			u->changed(u->ctx, &u->open[i]);
		else
			u->open[kept++] = u->open[i];
	u->n = kept;
}

static void runs_add(struct runs *u, uint32_t x, uint32_t y, uint32_t w, uint32_t h)
{
	for (size_t i = 0; i < u->n; i++) {
		struct screen_rect *r = &u->open[i];
		if (r->x == x && r->w == w && (uint32_t)r->y + r->h == y) {
			r->h = (uint16_t)(r->h + h);
			return;
		}
	}
	if (u->n == sizeof(u->open) / sizeof(u->open[0]))
		runs_end_above(u, UINT32_MAX);
	u->open[u->n++] = (struct screen_rect){(uint16_t)x, (uint16_t)y, (uint16_t)w, (uint16_t)h};
}

static size_t update_rect(struct surface *s, uint32_t x0, uint32_t y0, uint32_t x1, uint32_t y1, struct runs *u)
{
	size_t pixels = 0;
	for (uint32_t y = y0, h; y < y1; y += h) {
		uint32_t begin = 0, len = 0;
		h = TILE_HEIGHT - y % TILE_HEIGHT;
		h = h < y1 - y ? h : y1 - y;
		runs_end_above(u, y);
		for (uint32_t x = x0, w; x < x1; x += w) {
			w = TILE_WIDTH - x % TILE_WIDTH;
			w = w < x1 - x ? w : x1 - x;
			if (!tile(s, x, y, w, h)) {
				if (len)
					runs_add(u, begin, y, len, h);
				len = 0;
				continue;
			}
			begin = len ? begin : x;
			len += w;
			pixels += (size_t)w * h;
		}
		if (len)
			runs_add(u, begin, y, len, h);
	}
	runs_end_above(u, UINT32_MAX);
	return pixels;
}

size_t surface_update(struct surface *s, const struct screen_rect *in, size_t n,
		      void (*changed)(void *ctx, const struct screen_rect *r), void *ctx)
{
	static struct runs u; /* only the main thread is here */
	size_t pixels = 0;
	u.n = 0;
	u.changed = changed;
	u.ctx = ctx;
	for (size_t i = 0; i < n && s->pixels; i++) {
		uint32_t x1 = (uint32_t)in[i].x + in[i].w, y1 = (uint32_t)in[i].y + in[i].h;
		x1 = x1 < s->width ? x1 : s->width;
		y1 = y1 < s->height ? y1 : s->height;
		if (in[i].x < x1 && in[i].y < y1)
			pixels += update_rect(s, in[i].x, in[i].y, x1, y1, &u);
	}
	return pixels;
}
