/* A virtio driver for tests: it talks to a device as a guest does, through config space, BARs and rings in
 * guest memory, and can also break every rule. */
#ifndef TESTS_VIRTIOLIB_H
#define TESTS_VIRTIOLIB_H

#include "tests/vmmlib.h"

#include "backend/vmm/dev/virtio.h"
#include "backend/vmm/pci.h"

#define DRV_SIZE 8      /* entries of a queue, unless a test sets another */
#define DRV_DESC 0x10000u
#define DRV_AVAIL 0x14000u
#define DRV_USED 0x18000u
#define DRV_QUEUE_STEP 0x20000u
#define DRV_BUF 0x200000u /* buffers from here */
#define DRV_ALL_FEATURES (~0ull)

enum { D_NEXT = 1, D_WRITE = 2, D_INDIRECT = 4 };

struct drv {
	struct vmm_test *t;
	struct dev *dev;
	struct pci_dev *pci;
	uint64_t base;      /* BAR 1 */
	uint16_t size;
	uint16_t next_desc, avail_idx, used_seen;
};

static inline uint64_t drv_read(struct drv *d, unsigned off, unsigned size)
{
	uint64_t val = 0;
	bus_access(&d->t->m.mmio, d->base + off, &val, size, false);
	return val;
}

static inline void drv_write(struct drv *d, unsigned off, unsigned size, uint64_t val)
{
	bus_access(&d->t->m.mmio, d->base + off, &val, size, true);
}

static inline uint8_t drv_status(struct drv *d)
{
	return (uint8_t)drv_read(d, 0x14, 1);
}

static inline uint64_t drv_offered(struct drv *d)
{
	drv_write(d, 0, 4, 0);
	uint64_t low = drv_read(d, 4, 4);
	drv_write(d, 0, 4, 1);
	return low | drv_read(d, 4, 4) << 32;
}

static inline void drv_set_features(struct drv *d, uint64_t f)
{
	drv_write(d, 8, 4, 0);
	drv_write(d, 0xc, 4, f & 0xffffffff);
	drv_write(d, 8, 4, 1);
	drv_write(d, 0xc, 4, f >> 32);
}

static inline void *drv_mem(struct drv *d, uint64_t gpa)
{
	return d->t->m.mem.ram + gpa;
}

/* Where the registers are now, after BARs are placed. */
static inline void drv_attach(struct drv *d, struct vmm_test *t, struct dev *dev)
{
	*d = (struct drv){.t = t, .dev = dev, .pci = (struct pci_dev *)dev, .size = DRV_SIZE};
	pci_setup(&t->m);
	d->base = d->pci->bars[1].mapped;
}

static inline void drv_queue(struct drv *d, unsigned q)
{
	uint64_t base = (uint64_t)DRV_QUEUE_STEP * q;
	drv_write(d, 0x16, 2, q);
	drv_write(d, 0x18, 2, d->size);
	drv_write(d, 0x1a, 2, 0xffff);
	drv_write(d, 0x20, 4, base + DRV_DESC);
	drv_write(d, 0x28, 4, base + DRV_AVAIL);
	drv_write(d, 0x30, 4, base + DRV_USED);
	drv_write(d, 0x1c, 2, 1);
}

/* All steps of 3.1.1 up to FEATURES_OK, taking what is offered and in @features. */
static inline void drv_negotiate(struct drv *d, uint64_t features)
{
	drv_write(d, 0x14, 1, 0);
	drv_write(d, 0x14, 1, 1);
	drv_write(d, 0x14, 1, 3);
	drv_set_features(d, drv_offered(d) & features);
	drv_write(d, 0x14, 1, 11);
}

static inline void drv_start(struct drv *d, uint64_t features)
{
	drv_negotiate(d, features);
	memset(drv_mem(d, DRV_DESC), 0, 0x10000);
	d->next_desc = d->avail_idx = d->used_seen = 0;
	drv_queue(d, 0);
	drv_write(d, 0x14, 1, 15);
}

static inline void drv_desc(struct drv *d, unsigned i, uint64_t gpa, uint32_t len, unsigned flags,
			    unsigned next)
{
	uint8_t *p = drv_mem(d, DRV_DESC + 16 * i);
	memcpy(p, &gpa, 8);
	pci_put32(p + 8, len);
	pci_put16(p + 12, (uint16_t)flags);
	pci_put16(p + 14, (uint16_t)next);
}

/* Put a head on the avail ring; the doorbell is drv_kick(). */
static inline void drv_avail(struct drv *d, uint16_t head)
{
	uint8_t *a = drv_mem(d, DRV_AVAIL);
	pci_put16(a + 4 + 2 * (d->avail_idx % d->size), head);
	pci_put16(a + 2, ++d->avail_idx);
}

static inline void drv_kick(struct drv *d)
{
	drv_write(d, VIRTIO_BAR_NOTIFY, 2, 0);
}

static inline uint16_t drv_used_idx(struct drv *d)
{
	return pci_get16((uint8_t *)drv_mem(d, DRV_USED) + 2);
}

/* The next used element. false: there is none. */
static inline bool drv_used(struct drv *d, uint32_t *head, uint32_t *len)
{
	const uint8_t *u = drv_mem(d, DRV_USED);
	if (d->used_seen == drv_used_idx(d))
		return false;
	const uint8_t *e = u + 4 + 8 * (d->used_seen++ % d->size);
	*head = pci_get32(e);
	*len = pci_get32(e + 4);
	return true;
}

#endif
