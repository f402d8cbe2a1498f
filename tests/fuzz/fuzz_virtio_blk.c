/* Any bytes as what a driver does to a virtio disk: register writes, doorbells, and memory under the rings.
 * The device may refuse all of it, but stays inside guest memory and the image, and gives back every chain
 * that it took.
 *
 * Input: operations of 12 bytes: what, where (3), value (8). Rings and buffers lie in the first 64 KiB. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "backend/vmm/dev/virtio.h"
#include "backend/vmm/dev/virtio_blk.h"
#include "backend/vmm/pci.h"

#define OP_LEN 12u
#define OPS_MAX 400u
#define RAM (1u << 20)
#define MEMORY_MASK 0xffffu
#define SECTORS 16u
enum { DESC = 0x1000, AVAIL = 0x2000, USED = 0x3000, QUEUE = 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct machine m;
static struct virtio_dev *v;
static uint64_t base;

static void set_line(void *ctx, unsigned gsi, bool level)
{
}

static int msi_route(void *ctx, unsigned gsi, uint64_t addr, uint32_t data, int eventfd, bool on)
{
	return 0;
}

static int doorbell(void *ctx, uint64_t addr, bool pio, int eventfd, bool on)
{
	return 0;
}

static void make(void)
{
	static const struct irq_sink sink = {set_line, msi_route, doorbell};
	static char target[] = "vda";
	static const struct domain_disk disk = {
	    .target = target, .discard = true, .cache = DISK_CACHE_UNSAFE};
	struct dev_def def = {
	    .model = "virtio-blk", .name = "vda", .addr = {.set = true, .slot = 3}, .disk = &disk};
	struct dev *d;
	int fd = memfd_create("image", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, SECTORS * 512) || machine_init_bare(&m, RAM, &sink, NULL, NULL) ||
	    named_add(&m.fds, "disk:vda", fd) || dev_new(&m, &def, &d, NULL))
		abort();
	v = (struct virtio_dev *)d;
	m.fake_now_ns = 5000000000u; /* complaints once a second: once */
}

static void reg(unsigned off, unsigned size, uint64_t val)
{
	bus_access(&m.mmio, base + off, &val, size, true);
}

/* A driver that did everything right so far. */
static void start(void)
{
	static const uint8_t steps[] = {0, 1, 3};
	for (unsigned i = 0; i < sizeof(steps); i++)
		reg(0x14, 1, steps[i]);
	reg(8, 4, 0);
	reg(0xc, 4, v->offered & 0xffffffff);
	reg(8, 4, 1);
	reg(0xc, 4, v->offered >> 32);
	reg(0x14, 1, 11);
	reg(0x16, 2, 0);
	reg(0x18, 2, QUEUE);
	reg(0x20, 4, DESC);
	reg(0x28, 4, AVAIL);
	reg(0x30, 4, USED);
	reg(0x1c, 2, 1);
	reg(0x14, 1, 15);
}

static void wait_disk(void)
{
	struct blk *b = virtio_blk_image(&v->pci.dev);
	while (b->in_flight) {
		struct pollfd p = {.fd = blk_event_fd(b), .events = POLLIN};
		poll(&p, 1, -1);
		virtio_blk_completed(&v->pci.dev);
	}
}

static void operate(const uint8_t *op)
{
	uint32_t where = op[1] | (uint32_t)op[2] << 8 | (uint32_t)op[3] << 16;
	uint64_t val, seen = 0;
	memcpy(&val, op + 4, sizeof(val));
	unsigned size = 1u << (op[0] >> 6);
	switch (op[0] & 7) {
	case 0: /* a descriptor */
		memcpy(m.mem.ram + DESC + 16 * (where % QUEUE), &val, 8);
		break;
	case 1:
		memcpy(m.mem.ram + DESC + 16 * (where % QUEUE) + 8, &val, 8);
		break;
	case 2: { /* offer a chain */
		uint16_t idx, head = where % (QUEUE + 1);
		memcpy(&idx, m.mem.ram + AVAIL + 2, 2);
		memcpy(m.mem.ram + AVAIL + 4 + 2 * (idx % QUEUE), &head, 2);
		idx = (uint16_t)(idx + 1 + (op[0] >> 3 & 1) * (val & 31));
		memcpy(m.mem.ram + AVAIL + 2, &idx, 2);
		break;
	}
	case 3:
		reg(VIRTIO_BAR_NOTIFY, 2, 0);
		break;
	case 4:
		memcpy(m.mem.ram + (where & MEMORY_MASK), &val, 8);
		break;
	case 5:
		reg(where % VIRTIO_BAR_LEN, size, val);
		break;
	case 6:
		bus_access(&m.mmio, base + where % VIRTIO_BAR_LEN, &seen, size, false);
		break;
	default:
		if (op[0] & 8)
			start();
		else if (op[0] & 16)
			pci_config_write(m.pci, 3, 0, where & 0xfc, size > 4 ? 4 : size, (uint32_t)val);
		else
			wait_disk();
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!v)
		make();
	v->pci.dev.type->reset(&v->pci.dev);
	memset(m.mem.ram, 0, MEMORY_MASK + 9);
	pci_setup(&m);
	base = v->pci.bars[1].mapped;
	start();
	for (unsigned i = 0; i < OPS_MAX && (i + 1) * OP_LEN <= size; i++)
		operate(data + i * OP_LEN);
	wait_disk();
	for (unsigned i = 0; i < v->nqueues; i++)
		if (v->q[i].in_work)
			abort();
	return 0;
}
