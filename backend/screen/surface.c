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
		return err_set(e, EINVAL, "the machine announced a picture of %ux%u with %u bytes a line",
			       m->width, m->height, m->stride);
	if (fstat(fd, &st) < 0)
		return err_sys(e, errno, "the picture's memory");
	if (__builtin_add_overflow(m->offset, (uint64_t)m->stride * (m->height - 1) + m->width * PIXEL,
				   &end) ||
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
	*s = (struct surface){.generation = m->generation,
			      .width = m->width,
			      .height = m->height,
			      .stride = m->stride,
			      .pixels = (const uint8_t *)map + before,
			      .map = map,
			      .map_len = len};
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

/* A rectangle by its edges; empty while x1 is 0. */
struct box {
	uint32_t x0, y0, x1, y1;
};

static void box_join(struct box *b, const struct box *o)
{
	if (!o->x1)
		return;
	if (!b->x1) {
		*b = *o;
		return;
	}
	b->x0 = o->x0 < b->x0 ? o->x0 : b->x0;
	b->y0 = o->y0 < b->y0 ? o->y0 : b->y0;
	b->x1 = o->x1 > b->x1 ? o->x1 : b->x1;
	b->y1 = o->y1 > b->y1 ? o->y1 : b->y1;
}

/* Where two lines of @w pixels that differ do so. */
static void line_differs(const uint32_t *a, const uint32_t *b, uint32_t w, uint32_t *first, uint32_t *end)
{
	uint32_t i = 0;
	while (i < w && a[i] == b[i])
		i++;
	while (w > i && a[w - 1] == b[w - 1])
		w--;
	*first = i;
	*end = w;
}

/* Bring one tile up to date. Return: the part of it that differed. The guest may go on drawing: each line is
 * copied before it is compared. */
static struct box tile(struct surface *s, uint32_t x, uint32_t y, uint32_t w, uint32_t h)
{
	uint32_t now[TILE_WIDTH], first, end;
	struct box b = {0};
	for (uint32_t i = y; i < y + h; i++) {
		uint32_t *to = s->shadow + (size_t)i * s->width + x;
		memcpy(now, s->pixels + (size_t)i * s->stride + (size_t)x * PIXEL, w * PIXEL);
		if (memcmp(to, now, w * PIXEL) == 0)
			continue;
		line_differs(to, now, w, &first, &end);
		memcpy(to, now, w * PIXEL);
		box_join(&b, &(struct box){x + first, i, x + end, i + 1});
	}
	return b;
}

/* Runs of tiles that differ, in one row of them; each grows downwards while the next row has the same run. */
struct runs {
	struct run {
		uint32_t x, w, bottom; /* in whole tiles */
		struct box box;        /* what differed */
	} open[SURFACE_MAX / TILE_WIDTH + 1];
	size_t n;
	void (*changed)(void *ctx, const struct screen_rect *r);
	void *ctx;
};

static void runs_tell(struct runs *u, const struct box *b)
{
	struct screen_rect r = {(uint16_t)b->x0, (uint16_t)b->y0, (uint16_t)(b->x1 - b->x0),
				(uint16_t)(b->y1 - b->y0)};
	u->changed(u->ctx, &r);
}

static void runs_end_above(struct runs *u, uint32_t y)
{
	size_t kept = 0;
	for (size_t i = 0; i < u->n; i++)
		if (u->open[i].bottom < y)
			runs_tell(u, &u->open[i].box);
		else
			u->open[kept++] = u->open[i];
	u->n = kept;
}

static void runs_add(struct runs *u, uint32_t x, uint32_t y, uint32_t w, uint32_t h, const struct box *b)
{
	for (size_t i = 0; i < u->n; i++) {
		struct run *r = &u->open[i];
		if (r->x == x && r->w == w && r->bottom == y) {
			r->bottom += h;
			box_join(&r->box, b);
			return;
		}
	}
	if (u->n == ARRAY_SIZE(u->open))
		runs_end_above(u, UINT32_MAX);
	u->open[u->n++] = (struct run){x, w, y + h, *b};
}

/* One row of tiles. Return: pixels of the parts that differed. */
static size_t update_row(struct surface *s, uint32_t x0, uint32_t x1, uint32_t y, uint32_t h, struct runs *u)
{
	struct box run = {0};
	uint32_t begin = x0;
	size_t pixels = 0;
	for (uint32_t x = x0, w; x < x1; x += w) {
		w = TILE_WIDTH - x % TILE_WIDTH;
		w = w < x1 - x ? w : x1 - x;
		struct box b = tile(s, x, y, w, h);
		pixels += (size_t)(b.x1 - b.x0) * (b.y1 - b.y0);
		if (!b.x1 && run.x1)
			runs_add(u, begin, y, x - begin, h, &run);
		if (!b.x1)
			run = (struct box){0};
		else if (!run.x1)
			begin = x;
		box_join(&run, &b);
	}
	if (run.x1)
		runs_add(u, begin, y, x1 - begin, h, &run);
	return pixels;
}

static size_t update_rect(struct surface *s, uint32_t x0, uint32_t y0, uint32_t x1, uint32_t y1,
			  struct runs *u)
{
	size_t pixels = 0;
	for (uint32_t y = y0, h; y < y1; y += h) {
		h = TILE_HEIGHT - y % TILE_HEIGHT;
		h = h < y1 - y ? h : y1 - y;
		runs_end_above(u, y);
		pixels += update_row(s, x0, x1, y, h, u);
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
