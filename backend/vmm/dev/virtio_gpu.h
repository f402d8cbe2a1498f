/* The virtio GPU, 2D only, with a VGA in the same function for firmware and guests without its driver
 * ("virtio-vga"). (virtio 1.2, 5.7; machine.md 2.2)
 *
 * Theory of operation. The driver makes resources (pictures), says which guest memory backs them, has parts
 * of that copied into them, and shows one on the screen. From the first that it shows until it is reset (or
 * shows none) the screen is the GPU's; else it is the VGA's. A resource's pixels are private memory until it
 * is shown; then they are a memfd that lookers map. How many there are and what they take together is
 * bounded. Caller holds machine.lock for all of it. */
#ifndef BACKEND_VMM_DEV_VIRTIO_GPU_H
#define BACKEND_VMM_DEV_VIRTIO_GPU_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/vmm/dev/vga.h"
#include "backend/vmm/dev/virtio.h"

#define GPU_RESOURCES_MAX 256
#define GPU_SHARED_MAX 32            /* of them with a descriptor */
#define GPU_BYTES_MAX (256ull << 20) /* of all pixels */
#define GPU_ENTRIES_MAX 16384        /* pieces of guest memory behind one resource */
#define GPU_SIDE_MAX 8192

enum gpu_error { /* response types, 5.7.6.7 */
	GPU_OK = 0x1100,
	GPU_OK_DISPLAY_INFO = 0x1101,
	GPU_OK_EDID = 0x1104,
	GPU_UNSPEC = 0x1200,
	GPU_OUT_OF_MEMORY,
	GPU_INVALID_SCANOUT,
	GPU_INVALID_RESOURCE,
	GPU_INVALID_CONTEXT,
	GPU_INVALID_PARAMETER,
};

struct gpu_rect {
	uint32_t x, y, w, h;
};

struct gpu_entry {
	uint64_t gpa;
	uint32_t len, pad;
};

struct gpu_resource {
	uint32_t id; /* 0 = unused */
	uint32_t format, w, h;
	uint8_t *pixels; /* 0xAARRGGBB, lines of w * 4 bytes */
	int fd;          /* -1 until it is shown */
	struct gpu_entry *entries;
	uint32_t nentries;
};

struct gpu_resources {
	struct gpu_resource v[GPU_RESOURCES_MAX];
	uint64_t bytes;
	unsigned shared;
};

/* virtio_gpu_resource.c. What returns enum gpu_error has changed nothing when that is not GPU_OK. */
struct gpu_resource *gpu_resource_find(struct gpu_resources *r, uint32_t id); /* NULL: there is none */
enum gpu_error gpu_resource_create(struct gpu_resources *r, uint32_t id, uint32_t format, uint32_t w,
				   uint32_t h);
void gpu_resource_free(struct gpu_resources *r, struct gpu_resource *res);
void gpu_resources_clear(struct gpu_resources *r);
/* @n entries, which lie in the @niov buffers behind byte @at. */
enum gpu_error gpu_resource_back(struct gpu_resource *res, uint32_t n, const struct iovec *iov, unsigned niov,
				 size_t at);
void gpu_resource_unback(struct gpu_resource *res);
/* Copy @rect from the guest's memory, where it begins at @offset of the backing: from its line *line on, at
 * most *budget bytes, which are taken off it. *line is 0 when all is done or it failed, else where to go on. */
enum gpu_error gpu_resource_transfer(const struct memory *mem, struct gpu_resource *res,
				     const struct gpu_rect *rect, uint64_t offset, uint32_t *line,
				     uint64_t *budget);
/* Its pixels go to memory that can be handed out. */
enum gpu_error gpu_resource_share(struct gpu_resources *r, struct gpu_resource *res);
bool gpu_rect_inside(const struct gpu_rect *rect, uint32_t w, uint32_t h);

/* virtio_gpu.c */
struct vga *virtio_vga_of(struct dev *d);

#endif
