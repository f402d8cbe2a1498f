/* Any bytes as what a driver does to a virtio disk: register writes, doorbells, and memory under the rings.
 * The device may refuse all of it, but stays inside guest memory and the image, and gives back every chain
 * that it took.
 *
 * Input: operations of 12 bytes: what, where (3), value (8). Rings and buffers lie in the first 64 KiB.
 * floor: 500 edges */
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
#include "tests/fuzz/fuzzlib.h"

#define OP_LEN 12u
#define OPS_MAX 400u
#define RAM (1u << 20)
#define MEMORY_MASK 0xffffu
#define SECTORS 16u
enum { DESC = 0x1000, AVAIL = 0x2000, USED = 0x3000, QUEUE = 16 };

static struct machine m;
static struct virtio_dev *v;
static uint64_t base;

static void make(void)
{
	static char target[] = "vda";
	static const struct domain_disk disk = {
	    .target = target, .discard = true, .cache = DISK_CACHE_UNSAFE};
	struct dev_def def = {
	    .model = "virtio-blk", .name = "vda", .addr = {.set = true, .slot = 3}, .disk = &disk};
	struct dev *d;
	int fd = memfd_create("image", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, SECTORS * 512) || machine_init_bare(&m, RAM, 0, &fuzz_sink, NULL, NULL) ||
	    named_add(&m.fds, "disk:vda", fd) || dev_new(&m, &def, &d, NULL))
		abort();
	v = (struct virtio_dev *)d;
	m.fake_now_ns = 5000000000u; /* complaints once a second: once */
}

/* A driver that did everything right so far. */
static void start(void)
{
	static const struct rings rings = {DESC, AVAIL, USED, 0, QUEUE};
	virtio_start(v, &rings, 1, UINT64_MAX);
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
	case 2:
		virtio_offer(m.mem.ram + AVAIL, QUEUE, (uint16_t)(where % (QUEUE + 1)),
			     (op[0] >> 3 & 1) * (val & 31));
		break;
	case 3:
		virtio_reg(v, VIRTIO_BAR_NOTIFY, 2, 0);
		break;
	case 4:
		memcpy(m.mem.ram + (where & MEMORY_MASK), &val, 8);
		break;
	case 5:
		virtio_reg(v, where % VIRTIO_BAR_LEN, size, val);
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
	if (!virtio_gave_back(v))
		abort();
	return 0;
}
