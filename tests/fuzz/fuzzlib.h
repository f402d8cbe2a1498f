/* What the fuzz targets of devices share: interrupts that go nowhere, bytes of the input taken one after the
 * other, and a virtio driver that has done everything right so far. */
#ifndef TESTS_FUZZ_FUZZLIB_H
#define TESTS_FUZZ_FUZZLIB_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "backend/vmm/dev/virtio.h"
#include "backend/vmm/machine.h"
#include "backend/vmm/pci.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void fuzz_set_line(void *ctx, unsigned gsi, bool level)
{
	if (gsi >= IRQ_GSI_PINS)
		abort();
}

static inline int fuzz_msi_route(void *ctx, unsigned gsi, uint64_t addr, uint32_t data, int eventfd, bool on)
{
	return 0;
}

static inline int fuzz_doorbell(void *ctx, uint64_t addr, bool pio, int eventfd, bool on)
{
	return 0;
}

static const struct irq_sink fuzz_sink
    __attribute__((unused)) = {fuzz_set_line, fuzz_msi_route, fuzz_doorbell};

struct input {
	const uint8_t *p;
	size_t n;
};

/* The next bytes, little end first; 0 when there are none. */
static inline uint32_t take(struct input *in, unsigned bytes)
{
	uint32_t val = 0;
	for (unsigned i = 0; i < bytes && in->n; i++, in->n--)
		val |= (uint32_t)*in->p++ << (8 * i);
	return val;
}

/* Where a driver's rings lie: those of queue Q @step further on. */
struct rings {
	uint32_t desc, avail, used, step;
	uint16_t size;
};

static inline void virtio_reg(struct virtio_dev *v, unsigned off, unsigned size, uint64_t val)
{
	bus_access(&v->pci.dev.m->mmio, v->pci.bars[1].mapped + off, &val, size, true);
}

/* Up to DRIVER_OK with @features of those that are offered, and @n queues. (virtio 1.1, 3.1.1) */
static inline void virtio_start(struct virtio_dev *v, const struct rings *r, unsigned n, uint64_t features)
{
	static const uint8_t steps[] = {0, 1, 3};
	features &= v->offered;
	for (unsigned i = 0; i < sizeof(steps); i++)
		virtio_reg(v, 0x14, 1, steps[i]);
	for (unsigned half = 0; half < 2; half++) {
		virtio_reg(v, 8, 4, half);
		virtio_reg(v, 0xc, 4, features >> (32 * half) & 0xffffffff);
	}
	virtio_reg(v, 0x14, 1, 11);
	for (unsigned q = 0; q < n; q++) {
		virtio_reg(v, 0x16, 2, q);
		virtio_reg(v, 0x18, 2, r->size);
		virtio_reg(v, 0x20, 4, r->desc + q * r->step);
		virtio_reg(v, 0x28, 4, r->avail + q * r->step);
		virtio_reg(v, 0x30, 4, r->used + q * r->step);
		virtio_reg(v, 0x1c, 2, 1);
	}
	virtio_reg(v, 0x14, 1, 15);
}

/* Offer the chain that begins at @head, or a ring that jumps by @more. */
static inline void virtio_offer(uint8_t *avail, unsigned size, uint16_t head, unsigned more)
{
	uint16_t idx = (uint16_t)pci_get16(avail + 2);
	pci_put16(avail + 4 + 2 * (idx % size), head);
	pci_put16(avail + 2, (uint16_t)(idx + 1 + more));
}

/* All chains that were taken must have been given back. */
static inline bool virtio_gave_back(const struct virtio_dev *v)
{
	for (unsigned i = 0; i < v->nqueues; i++)
		if (v->q[i].in_work)
			return false;
	return true;
}

#endif
