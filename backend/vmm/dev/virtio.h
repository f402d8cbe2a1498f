/* The virtio transport over PCI and split virtqueues. (virtio 1.2, 2 and 4.1; machine.md 2.1 and 3)
 *
 * Theory of operation. A driver (the guest) puts chains of buffers on a queue and rings its doorbell: an
 * eventfd that the kernel signals and the main loop watches. Then class->notify takes chains with
 * virtq_pop(), which returns them as checked host pointers; each goes back with virtq_push(), now or later,
 * and virtq_flush() shows all of them to the driver at once and interrupts it if it wants that. Everything
 * that the driver can write is read once and checked; what no driver may do ends in virtio_fail(): the chain
 * goes back empty, DEVICE_NEEDS_RESET is set, and the queues stop until a reset.
 *
 * A reset by the driver waits for the chains that are still in work: status reads 0 only after the last came
 * back, and what comes back then is not shown. A reset of the machine waits for them (class->drain).
 *
 * Caller holds machine.lock for all of it. */
#ifndef BACKEND_VMM_DEV_VIRTIO_H
#define BACKEND_VMM_DEV_VIRTIO_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "backend/vmm/pci.h"

#define VIRTIO_QUEUES_MAX 17
#define VIRTIO_CONFIG_MAX 136
#define VIRTQ_SIZE_MAX 256
/* Buffers of one chain: as many as a queue has descriptors. */
#define VIRTQ_IOV_MAX VIRTQ_SIZE_MAX

#define VIRTIO_F_INDIRECT_DESC 28
#define VIRTIO_F_EVENT_IDX 29
#define VIRTIO_F_VERSION_1 32

enum virtio_status {
	VIRTIO_ACKNOWLEDGE = 0x01,
	VIRTIO_DRIVER = 0x02,
	VIRTIO_DRIVER_OK = 0x04,
	VIRTIO_FEATURES_OK = 0x08,
	VIRTIO_NEEDS_RESET = 0x40,
	VIRTIO_FAILED = 0x80,
};

/* Where things are in BAR 1. */
enum virtio_bar {
	VIRTIO_BAR_COMMON = 0x0000,
	VIRTIO_BAR_ISR = 0x1000,
	VIRTIO_BAR_CONFIG = 0x2000,
	VIRTIO_BAR_NOTIFY = 0x3000,
	VIRTIO_BAR_LEN = 0x4000,
	VIRTIO_NOTIFY_STEP = 4,
};

struct virtio_dev;

struct virtq {
	struct virtio_dev *v;
	unsigned index;
	/* as the driver set them */
	uint16_t size, vector;
	bool enabled;
	uint64_t desc_gpa, avail_gpa, used_gpa;
	/* the same as host pointers, while enabled */
	const uint8_t *desc;
	uint8_t *avail, *used;
	uint16_t last_avail; /* next entry of the avail ring that we take */
	uint16_t used_idx;   /* next entry of the used ring that we write */
	uint16_t used_shown; /* used.idx as the driver sees it */
	unsigned in_work;    /* popped, not pushed */
	int fd;              /* doorbell */
	void *watch;
};

/* One kind of virtio device. */
struct virtio_class {
	uint16_t type;      /* 2 = block device, ... */
	uint32_t class_rev; /* of PCI */
	uint16_t queue_size;
	uint8_t msix_bar; /* 0, unless the device has another use for that */
	/* The driver rang @q (or became ready): take what is there. */
	void (*notify)(struct virtio_dev *v, struct virtq *q);
	/* DRIVER_OK: v->features are what was agreed. May be NULL. */
	void (*ready)(struct virtio_dev *v);
	/* A reset begins: give back (virtq_push) what only waits. May be NULL. */
	void (*reset)(struct virtio_dev *v);
	/* Wait until nothing is in work. NULL: nothing ever is after reset(). */
	void (*drain)(struct virtio_dev *v);
	/* The driver wrote a byte of device configuration. NULL: it is read-only. */
	void (*config_write)(struct virtio_dev *v, unsigned off, uint8_t val);
};

struct virtio_dev {
	struct pci_dev pci;
	const struct virtio_class *class;
	uint64_t offered, features; /* features: what the driver wrote; final after FEATURES_OK */
	uint8_t config[VIRTIO_CONFIG_MAX];
	unsigned config_len;
	uint8_t status, generation, isr;
	uint16_t config_vector, queue_select;
	uint32_t device_feature_select, driver_feature_select;
	bool resetting;
	unsigned pci_cfg; /* offset of the PCI_CFG capability */
	struct virtq q[VIRTIO_QUEUES_MAX];
	unsigned nqueues;
};

/* A chain of buffers in guest memory: first what the driver wrote for us, then what we may write. Only as
 * host pointers. */
struct virtq_chain {
	uint16_t head;
	unsigned nout, nin;         /* of iov: out first, in behind */
	uint32_t out_len, in_len;   /* bytes */
	struct iovec iov[VIRTQ_IOV_MAX];
};

/* Put the device on the bus; @v->class, ->offered (without the transport's own features), ->config and
 * ->config_len are set.
 * @nqueues at most VIRTIO_QUEUES_MAX. */
int virtio_init(struct virtio_dev *v, const struct dev_def *def, unsigned nqueues, struct err *e);
void virtio_reset(struct virtio_dev *v); /* of the machine: dev_type.reset */
void virtio_done(struct virtio_dev *v);
void virtio_dump(const struct virtio_dev *v, FILE *f);

static inline bool virtio_has(const struct virtio_dev *v, unsigned feature)
{
	return v->features >> feature & 1;
}
/* May queues be used? */
bool virtio_live(const struct virtio_dev *v);

/* How many chains wait. */
unsigned virtq_waiting(const struct virtq *q);
/* Fewer than @n do: ask the driver for a doorbell with its next. true: meanwhile there are @n. */
bool virtq_await(struct virtq *q, unsigned n);
/* The next chain. 1: *c is it; 0: there is none; -1: the driver broke the rules, the device needs a reset. */
int virtq_pop(struct virtq *q, struct virtq_chain *c);
/* Give a chain back with @len bytes written to it. Not shown before virtq_flush(). */
void virtq_push(struct virtq *q, uint16_t head, uint32_t len);
/* As if the last chain had not been popped (it is not pushed): it will be again. */
void virtq_unpop(struct virtq *q);
/* The same for the last @n, which were pushed and not shown. */
void virtq_unpush(struct virtq *q, unsigned n);
/* Show what was pushed, and interrupt if the driver asked for it. */
void virtq_flush(struct virtq *q);
/* Nothing is left: ask the driver for doorbells. true: something came meanwhile, go on popping. */
bool virtq_rearm(struct virtq *q);
/* Have class->notify called soon, as if the driver had rung. */
void virtq_ring(struct virtq *q);

/* v->config changed on our side. */
void virtio_config_changed(struct virtio_dev *v);
/* What no driver may do: logged, NEEDS_RESET. */
void virtio_fail(struct virtio_dev *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Copy @len bytes at byte @off of @n buffers, from or to them; how many there were. */
size_t iov_get(const struct iovec *iov, unsigned n, size_t off, void *p, size_t len);
size_t iov_put(const struct iovec *iov, unsigned n, size_t off, const void *p, size_t len);
/* Drop the first @n bytes of buffers. */
void iov_skip(struct iovec **iov, unsigned *niov, size_t n);

#endif
