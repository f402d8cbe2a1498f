#include "backend/vmm/dev/virtio_gpu.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "src/base/cleanup.h"

/* Byte order of a pixel in the guest's memory: where blue, green, red, alpha are (5.7.6.8). */
static const struct format {
	uint32_t id;
	uint8_t b, g, r, a;
} formats[] = {
	{1, 0, 1, 2, 3},   /* B8G8R8A8 */
	{2, 0, 1, 2, 3},   /* B8G8R8X8 */
	{3, 3, 2, 1, 0},   /* A8R8G8B8 */
	{4, 3, 2, 1, 0},   /* X8R8G8B8 */
	{67, 2, 1, 0, 3},  /* R8G8B8A8 */
	{68, 1, 2, 3, 0},  /* X8B8G8R8 */
	{121, 1, 2, 3, 0}, /* A8B8G8R8 */
	{134, 2, 1, 0, 3}, /* R8G8B8X8 */
};

static const struct format *format_of(uint32_t id)
{
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		if (formats[i].id == id)
			return &formats[i];
	return NULL;
}

static size_t bytes_of(const struct gpu_resource *res)
{
	return (size_t)res->w * res->h * 4;
}

bool gpu_rect_inside(const struct gpu_rect *r, uint32_t w, uint32_t h)
{
	return r->x <= w && r->w <= w - r->x && r->y <= h && r->h <= h - r->y;
}

struct gpu_resource *gpu_resource_find(struct gpu_resources *r, uint32_t id)
{
	for (unsigned i = 0; id && i < GPU_RESOURCES_MAX; i++)
		if (r->v[i].id == id)
			return &r->v[i];
	return NULL;
}

enum gpu_error gpu_resource_create(struct gpu_resources *r, uint32_t id, uint32_t format, uint32_t w,
				   uint32_t h)
{
	unsigned i = 0;
	if (!id || gpu_resource_find(r, id))
		return GPU_INVALID_RESOURCE;
	if (!format_of(format) || !w || !h || w > GPU_SIDE_MAX || h > GPU_SIDE_MAX)
		return GPU_INVALID_PARAMETER;
	while (i < GPU_RESOURCES_MAX && r->v[i].id)
		i++;
	uint64_t bytes = (uint64_t)w * h * 4;
	if (i == GPU_RESOURCES_MAX || bytes > GPU_BYTES_MAX - r->bytes)
		return GPU_OUT_OF_MEMORY;
	void *p =
	    mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return GPU_OUT_OF_MEMORY;
	r->v[i] = (struct gpu_resource){.id = id, .format = format, .w = w, .h = h, .pixels = p, .fd = -1};
	r->bytes += bytes;
	return GPU_OK;
}

void gpu_resource_free(struct gpu_resources *r, struct gpu_resource *res)
{
	gpu_resource_unback(res);
	munmap(res->pixels, bytes_of(res));
	r->bytes -= bytes_of(res);
	r->shared -= res->fd >= 0;
	fd_close(res->fd);
	*res = (struct gpu_resource){.fd = -1};
}

void gpu_resources_clear(struct gpu_resources *r)
{
	for (unsigned i = 0; i < GPU_RESOURCES_MAX; i++)
		if (r->v[i].id)
			gpu_resource_free(r, &r->v[i]);
}

enum gpu_error gpu_resource_back(struct gpu_resource *res, uint32_t n, const struct iovec *iov, unsigned niov,
				 size_t at)
{
	if (res->entries || !n || n > GPU_ENTRIES_MAX)
		return GPU_UNSPEC;
	size_t len = n * sizeof(struct gpu_entry);
	struct gpu_entry *entries = malloc(len);
	if (!entries)
		return GPU_OUT_OF_MEMORY;
	if (iov_get(iov, niov, at, entries, len) != len) {
		free(entries);
		return GPU_INVALID_PARAMETER;
	}
	res->entries = entries;
	res->nentries = n;
	return GPU_OK;
}

void gpu_resource_unback(struct gpu_resource *res)
{
	free(res->entries);
	res->entries = NULL;
	res->nentries = 0;
}

/* A place in the backing that only moves forward. */
struct backing {
	const struct memory *mem;
	const struct gpu_resource *res;
	uint32_t i;   /* entry */
	uint64_t base; /* of its first byte */
};

static bool backing_read(struct backing *b, uint64_t at, uint8_t *to, uint64_t len)
{
	while (len) {
		if (b->i == b->res->nentries)
			return false;
		const struct gpu_entry *e = &b->res->entries[b->i];
		if (at - b->base >= e->len) {
			b->base += e->len;
			b->i++;
			continue;
		}
		uint64_t in = at - b->base, n = e->len - in < len ? e->len - in : len;
		if (e->gpa + in < e->gpa || gm_read(b->mem, e->gpa + in, to, n))
			return false;
		at += n;
		to += n;
		len -= n;
	}
	return true;
}

static void reorder(uint8_t *p, uint32_t pixels, const struct format *f)
{
	for (; pixels; pixels--, p += 4) {
		uint8_t b = p[f->b], g = p[f->g], r = p[f->r], a = p[f->a];
		p[0] = b;
		p[1] = g;
		p[2] = r;
		p[3] = a;
	}
}

enum gpu_error gpu_resource_transfer(const struct memory *mem, struct gpu_resource *res,
				     const struct gpu_rect *rect, uint64_t offset, uint32_t *line,
				     uint64_t *budget)
{
	const struct format *f = format_of(res->format);
	uint32_t from = *line;
	*line = 0;
	struct backing b = {.mem = mem, .res = res};
	uint64_t stride = (uint64_t)res->w * 4;
	if (!f || !gpu_rect_inside(rect, res->w, res->h) || offset > GPU_BYTES_MAX)
		return GPU_INVALID_PARAMETER;
	if (!res->entries)
		return GPU_UNSPEC;
	for (uint32_t y = from; y < rect->h; y++) {
		uint64_t bytes = rect->w * 4ull;
		if (y > from && *budget < bytes) { /* one line in any case */
			*budget = 0;
			*line = y;
			return GPU_OK;
		}
		*budget -= bytes < *budget ? bytes : *budget;
		uint8_t *to = res->pixels + (rect->y + y) * stride + rect->x * 4ull;
		if (!backing_read(&b, offset + y * stride, to, rect->w * 4ull))
			return GPU_INVALID_PARAMETER;
		if (f->b)
			reorder(to, rect->w, f);
	}
	return GPU_OK;
}

enum gpu_error gpu_resource_share(struct gpu_resources *r, struct gpu_resource *res)
{
	size_t bytes = bytes_of(res);
	if (res->fd >= 0)
		return GPU_OK;
	if (r->shared == GPU_SHARED_MAX)
		return GPU_OUT_OF_MEMORY;
	AUTO_CLOSE int fd = memfd_create("screen", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0 || ftruncate(fd, (off_t)bytes) < 0)
		return GPU_OUT_OF_MEMORY;
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return GPU_OUT_OF_MEMORY;
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL) < 0) {
		munmap(p, bytes);
		return GPU_UNSPEC;
	}
	memcpy(p, res->pixels, bytes);
	munmap(res->pixels, bytes);
	res->pixels = p;
	res->fd = TAKE_FD(fd);
	r->shared++;
	return GPU_OK;
}
