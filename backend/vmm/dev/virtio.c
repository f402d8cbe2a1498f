/* Virtio over PCI: the registers (virtio 1.2, 4.1.4), status and reset (2.1, 2.4), feature negotiation (2.2),
 * doorbells. */
#include "backend/vmm/dev/virtio.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "src/base/cleanup.h"

#define NO_VECTOR 0xffff
#define BAR_REGS 1
#define CAP_VENDOR 0x09
#define COMMON_LEN 0x38

enum common { /* 4.1.4.3 */
	DEVICE_FEATURE_SELECT = 0x00,
	DEVICE_FEATURE = 0x04,
	DRIVER_FEATURE_SELECT = 0x08,
	DRIVER_FEATURE = 0x0c,
	CONFIG_VECTOR = 0x10,
	NUM_QUEUES = 0x12,
	STATUS = 0x14,
	GENERATION = 0x15,
	QUEUE_SELECT = 0x16,
	QUEUE_SIZE = 0x18,
	QUEUE_VECTOR = 0x1a,
	QUEUE_ENABLE = 0x1c,
	QUEUE_NOTIFY_OFF = 0x1e,
	QUEUE_DESC = 0x20,
	QUEUE_DRIVER = 0x28,
	QUEUE_DEVICE = 0x30,
};

bool virtio_live(const struct virtio_dev *v)
{
	return (v->status & (VIRTIO_DRIVER_OK | VIRTIO_NEEDS_RESET)) == VIRTIO_DRIVER_OK && !v->resetting;
}

static void config_interrupt(struct virtio_dev *v)
{
	if (v->pci.msix.enabled) {
		pci_msix_fire(&v->pci, v->config_vector);
		return;
	}
	v->isr |= 2;
	pci_intx(&v->pci, true);
}

void virtio_config_changed(struct virtio_dev *v)
{
	v->generation++;
	if (v->status & VIRTIO_DRIVER_OK)
		config_interrupt(v);
}

void virtio_fail(struct virtio_dev *v, const char *fmt, ...)
{
	char text[200];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	guest_error(&v->pci.dev, "%s; the device stops until the guest resets it", text);
	if (v->status & VIRTIO_NEEDS_RESET)
		return;
	v->status |= VIRTIO_NEEDS_RESET;
	if (v->status & VIRTIO_DRIVER_OK)
		config_interrupt(v); /* 2.1.2: MUST send a device configuration change notification */
}

/* Reset */

static unsigned in_work(const struct virtio_dev *v)
{
	unsigned n = 0;
	for (unsigned i = 0; i < v->nqueues; i++)
		n += v->q[i].in_work;
	return n;
}

static void reset_finish(struct virtio_dev *v)
{
	v->resetting = false;
	v->status = 0;
	v->isr = 0;
	v->features = 0;
	v->config_vector = NO_VECTOR;
	v->queue_select = 0;
	v->device_feature_select = v->driver_feature_select = 0;
	for (unsigned i = 0; i < v->nqueues; i++) {
		struct virtq *q = &v->q[i];
		*q = (struct virtq){.v = v,
				    .index = i,
				    .size = v->class->queue_size,
				    .vector = NO_VECTOR,
				    .fd = q->fd,
				    .watch = q->watch};
	}
	pci_intx(&v->pci, false);
}

static void reset_begin(struct virtio_dev *v)
{
	v->resetting = true;
	if (v->class->reset)
		v->class->reset(v);
}

void virtio_reset(struct virtio_dev *v)
{
	reset_begin(v);
	if (v->class->drain)
		v->class->drain(v);
	reset_finish(v);
	pci_dev_reset(&v->pci);
}

/* What is still in work decides when status reads 0 (2.4.1), so it is found out when status is read. */
static uint8_t status_read(struct virtio_dev *v)
{
	if (v->resetting && !in_work(v))
		reset_finish(v);
	return v->status;
}

static void status_write(struct virtio_dev *v, uint8_t val)
{
	if (!val) {
		if (!v->resetting)
			reset_begin(v);
		status_read(v);
		return;
	}
	if (status_read(v), v->resetting)
		return;
	uint8_t old = v->status, now = (uint8_t)(old | (val & (uint8_t)~VIRTIO_NEEDS_RESET));
	if (~val & old & (uint8_t)~VIRTIO_NEEDS_RESET)
		guest_error(&v->pci.dev, "status goes from 0x%02x to 0x%02x", old, val);
	bool agreed = !(v->features & ~v->offered) && virtio_has(v, VIRTIO_F_VERSION_1);
	if (!agreed)
		now &= (uint8_t)~VIRTIO_FEATURES_OK;
	if (!(now & VIRTIO_FEATURES_OK))
		now &= (uint8_t)~VIRTIO_DRIVER_OK;
	v->status = now;
	if (!(now & ~old & VIRTIO_DRIVER_OK))
		return;
	if (v->class->ready)
		v->class->ready(v);
	for (unsigned i = 0; i < v->nqueues; i++)
		if (v->q[i].enabled)
			v->class->notify(v, &v->q[i]);
}

/* Queues */

static struct virtq *selected(struct virtio_dev *v)
{
	return v->queue_select < v->nqueues ? &v->q[v->queue_select] : NULL;
}

static void queue_enable(struct virtio_dev *v, struct virtq *q)
{
	const struct memory *mem = &v->pci.dev.m->mem;
	if (q->enabled || v->resetting)
		return;
	if (!(v->status & VIRTIO_FEATURES_OK)) {
		virtio_fail(v, "queue %u is enabled before features are agreed on", q->index);
		return;
	}
	if (q->desc_gpa % 16 || q->avail_gpa % 2 || q->used_gpa % 4) {
		virtio_fail(v, "queue %u: its rings are not aligned", q->index);
		return;
	}
	q->desc = gm_ptr(mem, q->desc_gpa, 16ull * q->size, false);
	q->avail = gm_ptr(mem, q->avail_gpa, 6 + 2ull * q->size, false);
	q->used = gm_ptr(mem, q->used_gpa, 6 + 8ull * q->size, true);
	if (!q->desc || !q->avail || !q->used) {
		virtio_fail(v, "queue %u: its rings are not in guest memory", q->index);
		return;
	}
	q->enabled = true;
	if (virtio_live(v))
		v->class->notify(v, q);
}

static void set_part(uint64_t *reg, unsigned shift, uint64_t val)
{
	*reg = (*reg & ~(0xffffffffull << shift)) | (val & 0xffffffff) << shift;
}

static void queue_write(struct virtio_dev *v, unsigned reg, uint32_t val)
{
	struct virtq *q = selected(v);
	if (!q)
		return;
	if (reg == QUEUE_VECTOR) {
		q->vector = val < v->pci.msix.n ? (uint16_t)val : NO_VECTOR;
		return;
	}
	if (q->enabled) {
		if (reg != QUEUE_ENABLE)
			guest_error(&v->pci.dev, "queue %u is changed while enabled", q->index);
		return;
	}
	switch (reg) {
	case QUEUE_SIZE:
		if (val && val <= v->class->queue_size && !(val & (val - 1)))
			q->size = (uint16_t)val;
		else
			guest_error(&v->pci.dev, "queue %u: size %u is not a power of two up to %u", q->index,
				    val, v->class->queue_size);
		break;
	case QUEUE_ENABLE:
		if (val == 1)
			queue_enable(v, q);
		break;
	case QUEUE_DESC:
	case QUEUE_DESC + 4:
		set_part(&q->desc_gpa, 8 * (reg & 4), val);
		break;
	case QUEUE_DRIVER:
	case QUEUE_DRIVER + 4:
		set_part(&q->avail_gpa, 8 * (reg & 4), val);
		break;
	default:
		set_part(&q->used_gpa, 8 * (reg & 4), val);
		break;
	}
}

/* Common configuration */

static void common_image(struct virtio_dev *v, uint8_t *c)
{
	const struct virtq *q = selected(v);
	pci_put32(c + DEVICE_FEATURE_SELECT, v->device_feature_select);
	if (v->device_feature_select < 2)
		pci_put32(c + DEVICE_FEATURE, (uint32_t)(v->offered >> 32 * v->device_feature_select));
	pci_put32(c + DRIVER_FEATURE_SELECT, v->driver_feature_select);
	if (v->driver_feature_select < 2)
		pci_put32(c + DRIVER_FEATURE, (uint32_t)(v->features >> 32 * v->driver_feature_select));
	pci_put16(c + CONFIG_VECTOR, v->config_vector);
	pci_put16(c + NUM_QUEUES, (uint16_t)v->nqueues);
	c[GENERATION] = v->generation;
	pci_put16(c + QUEUE_SELECT, v->queue_select);
	if (!q)
		return;
	pci_put16(c + QUEUE_SIZE, q->size);
	pci_put16(c + QUEUE_VECTOR, q->vector);
	pci_put16(c + QUEUE_ENABLE, q->enabled);
	pci_put16(c + QUEUE_NOTIFY_OFF, (uint16_t)q->index);
	memcpy(c + QUEUE_DESC, &q->desc_gpa, 8);
	memcpy(c + QUEUE_DRIVER, &q->avail_gpa, 8);
	memcpy(c + QUEUE_DEVICE, &q->used_gpa, 8);
}

static void feature_write(struct virtio_dev *v, uint32_t val)
{
	if (v->status & VIRTIO_FEATURES_OK) {
		guest_error(&v->pci.dev, "features are changed after FEATURES_OK");
		return;
	}
	if (v->driver_feature_select < 2)
		set_part(&v->features, 32 * v->driver_feature_select, val);
	else if (val)
		v->features |= 1ull << 63; /* never offered: FEATURES_OK will be refused */
}

/* How wide the register at @off is; 0: none is there. The 64-bit ones are two of 32 bits (4.1.3.1). */
static unsigned common_width(unsigned off)
{
	if (off % 4 == 0 && (off < CONFIG_VECTOR || (off >= QUEUE_DESC && off < COMMON_LEN)))
		return 4;
	if (off == STATUS || off == GENERATION)
		return 1;
	return off % 2 == 0 && off >= CONFIG_VECTOR && off < QUEUE_DESC ? 2 : 0;
}

static void common_write(struct virtio_dev *v, unsigned off, unsigned size, uint64_t val)
{
	if (size == 8) {
		common_write(v, off, 4, val & 0xffffffff);
		common_write(v, off + 4, 4, val >> 32);
		return;
	}
	if (size != common_width(off)) {
		guest_error(&v->pci.dev, "write of %u bytes to register 0x%02x", size, off);
		return;
	}
	switch (off) {
	case DEVICE_FEATURE_SELECT:
		v->device_feature_select = (uint32_t)val;
		break;
	case DRIVER_FEATURE_SELECT:
		v->driver_feature_select = (uint32_t)val;
		break;
	case DRIVER_FEATURE:
		feature_write(v, (uint32_t)val);
		break;
	case CONFIG_VECTOR:
		v->config_vector = val < v->pci.msix.n ? (uint16_t)val : NO_VECTOR;
		break;
	case STATUS:
		status_write(v, (uint8_t)val);
		break;
	case QUEUE_SELECT:
		v->queue_select = (uint16_t)val;
		break;
	default:
		if (off >= QUEUE_SIZE && off != QUEUE_NOTIFY_OFF)
			queue_write(v, off, (uint32_t)val);
		break;
	}
}

/* The register BAR */

static uint64_t bytes(const uint8_t *p, unsigned have, uint64_t off, unsigned size)
{
	uint64_t val = 0;
	for (unsigned i = 0; i < size && off + i < have; i++)
		val |= (uint64_t)p[off + i] << (8 * i);
	return val;
}

static uint64_t regs_read(struct dev *d, uint64_t off, unsigned size)
{
	struct virtio_dev *v = (struct virtio_dev *)d;
	if (off < VIRTIO_BAR_ISR) {
		uint8_t c[COMMON_LEN] = {0};
		uint8_t status = status_read(v);
		common_image(v, c);
		c[STATUS] = status;
		return bytes(c, sizeof(c), off, size);
	}
	if (off == VIRTIO_BAR_ISR) {
		uint8_t isr = v->isr;
		v->isr = 0;
		pci_intx(&v->pci, false);
		return isr;
	}
	if (off >= VIRTIO_BAR_CONFIG && off < VIRTIO_BAR_NOTIFY)
		return bytes(v->config, v->config_len, off - VIRTIO_BAR_CONFIG, size);
	return 0;
}

static void kick(void *ctx)
{
	struct virtq *q = ctx;
	eventfd_t n;
	eventfd_read(q->fd, &n);
	if (q->enabled && virtio_live(q->v))
		q->v->class->notify(q->v, q);
}

/* Only when the kernel does not take the doorbell. The main loop does the work even then, if there is one. */
static void notify_write(struct virtio_dev *v, uint64_t off)
{
	unsigned i = (unsigned)(off / VIRTIO_NOTIFY_STEP);
	if (i >= v->nqueues)
		return;
	virtq_ring(&v->q[i]);
	if (!v->pci.dev.m->loop)
		kick(&v->q[i]);
}

static void regs_write(struct dev *d, uint64_t off, unsigned size, uint64_t val)
{
	struct virtio_dev *v = (struct virtio_dev *)d;
	if (off < VIRTIO_BAR_ISR) {
		common_write(v, (unsigned)off, size, val);
	} else if (off >= VIRTIO_BAR_NOTIFY) {
		notify_write(v, off - VIRTIO_BAR_NOTIFY);
	} else if (off >= VIRTIO_BAR_CONFIG && v->class->config_write) {
		for (unsigned i = 0; i < size && off - VIRTIO_BAR_CONFIG + i < v->config_len; i++)
			v->class->config_write(v, (unsigned)off - VIRTIO_BAR_CONFIG + i,
					       (uint8_t)(val >> 8 * i));
	}
}

static const struct region_ops regs_ops = {regs_read, regs_write};

static void doorbells(struct virtio_dev *v, uint64_t base, bool on)
{
	struct irq *irq = &v->pci.dev.m->irq;
	for (unsigned i = 0; i < v->nqueues; i++)
		irq->sink->doorbell(irq->ctx, base + VIRTIO_BAR_NOTIFY + VIRTIO_NOTIFY_STEP * i, false,
				    v->q[i].fd, on);
}

static void regs_moved(struct pci_dev *p, unsigned bar, uint64_t old, uint64_t now)
{
	if (old)
		doorbells((struct virtio_dev *)p, old, false);
	if (now)
		doorbells((struct virtio_dev *)p, now, true);
}

/* The window of the PCI_CFG capability onto the BAR (4.1.4.9), for firmware that cannot reach it. */
static bool window(const struct virtio_dev *v, unsigned off, unsigned len, uint32_t *at, uint32_t *size)
{
	const uint8_t *c = &v->pci.config[v->pci_cfg];
	if (off >= v->pci_cfg + 20 || off + len <= v->pci_cfg + 16)
		return false;
	*at = pci_get32(c + 8);
	*size = pci_get32(c + 12);
	return c[4] == BAR_REGS && (*size == 1 || *size == 2 || *size == 4) && *at % *size == 0 &&
	       *at <= VIRTIO_BAR_LEN - *size;
}

static void config_reading(struct pci_dev *p, unsigned off, unsigned len)
{
	uint32_t at, size;
	struct virtio_dev *v = (struct virtio_dev *)p;
	if (window(v, off, len, &at, &size))
		pci_put32(&p->config[v->pci_cfg + 16], (uint32_t)regs_read(&p->dev, at, size));
}

static void config_written(struct pci_dev *p, unsigned off, unsigned len)
{
	uint32_t at, size;
	struct virtio_dev *v = (struct virtio_dev *)p;
	if (window(v, off, len, &at, &size))
		regs_write(&p->dev, at, size,
			   pci_get32(&p->config[v->pci_cfg + 16]) & (0xffffffffu >> (32 - 8 * size)));
}

/* Life */

static unsigned cap_add(struct virtio_dev *v, uint8_t type, uint32_t at, uint32_t len, unsigned cap_len)
{
	unsigned off = pci_cap_add(&v->pci, CAP_VENDOR, cap_len);
	uint8_t *c = &v->pci.config[off];
	c[2] = (uint8_t)cap_len;
	c[3] = type;
	c[4] = BAR_REGS;
	pci_put32(c + 8, at);
	pci_put32(c + 12, len);
	return off;
}

static void caps_add(struct virtio_dev *v)
{
	cap_add(v, 1, VIRTIO_BAR_COMMON, COMMON_LEN, 16);
	unsigned notify = cap_add(v, 2, VIRTIO_BAR_NOTIFY, VIRTIO_NOTIFY_STEP * v->nqueues, 20);
	pci_put32(&v->pci.config[notify + 16], VIRTIO_NOTIFY_STEP);
	cap_add(v, 3, VIRTIO_BAR_ISR, 1, 16);
	if (v->config_len)
		cap_add(v, 4, VIRTIO_BAR_CONFIG, v->config_len, 16);
	v->pci_cfg = cap_add(v, 5, 0, 0, 20);
	v->pci.wmask[v->pci_cfg + 4] = 0xff;
	memset(&v->pci.wmask[v->pci_cfg + 8], 0xff, 12);
	v->pci.config[v->pci_cfg + 4] = 0;
}

static int queues_init(struct virtio_dev *v, unsigned nqueues, struct err *e)
{
	for (unsigned i = 0; i < nqueues; i++) {
		struct virtq *q = &v->q[i];
		*q = (struct virtq){.v = v, .index = i, .fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
		v->nqueues++;
		if (q->fd < 0)
			return err_sys(e, errno, "%s: cannot make a doorbell", v->pci.dev.name);
		int rc = machine_watch(v->pci.dev.m, q->fd, kick, q, &q->watch, e);
		if (rc)
			return rc;
	}
	return 0;
}

int virtio_init(struct virtio_dev *v, const struct dev_def *def, unsigned nqueues, struct err *e)
{
	const struct pci_id id = {.vendor = 0x1af4,
				  .device = (uint16_t)(0x1040 + v->class->type),
				  .subvendor = 0x1af4,
				  .subdevice = 0x1100,
				  .class_rev = v->class->class_rev | 1,
				  .pin = 1};
	v->offered |=
	    1ull << VIRTIO_F_VERSION_1 | 1ull << VIRTIO_F_INDIRECT_DESC | 1ull << VIRTIO_F_EVENT_IDX;
	int rc = pci_dev_init(&v->pci, def, &id, e);
	if (rc)
		return rc;
	if ((rc = queues_init(v, nqueues, e)))
		return rc;
	pci_bar_init(&v->pci, BAR_REGS, VIRTIO_BAR_LEN, false, &regs_ops, "virtio");
	v->pci.bars[BAR_REGS].moved = regs_moved;
	caps_add(v);
	v->pci.config_reading = config_reading;
	v->pci.config_written = config_written;
	return pci_msix_init(&v->pci, v->class->msix_bar, nqueues + 1, e);
}

void virtio_done(struct virtio_dev *v)
{
	pci_dev_done(&v->pci);
	for (unsigned i = 0; i < v->nqueues; i++) {
		machine_unwatch(v->pci.dev.m, &v->q[i].watch);
		fd_close(v->q[i].fd);
	}
}

void virtio_dump(const struct virtio_dev *v, FILE *f)
{
	fprintf(f, "status %02x features %llx of %llx isr %x\n", v->status, (unsigned long long)v->features,
	        (unsigned long long)v->offered, v->isr);
	for (unsigned i = 0; i < v->nqueues; i++) {
		const struct virtq *q = &v->q[i];
		fprintf(f, "queue %u: %s size %u vector %d avail %u used %u in work %u\n", i,
			q->enabled ? "on" : "off", q->size, q->vector == NO_VECTOR ? -1 : q->vector,
			q->last_avail, q->used_idx, q->in_work);
	}
}
