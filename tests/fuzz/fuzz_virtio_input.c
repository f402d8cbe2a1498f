/* Any bytes as what a driver does to a virtio keyboard, mouse or tablet while keys and frames come: register writes,
 * doorbells, and memory under the rings. The device may refuse all of it, but stays inside guest memory, and gives back
 * every chain that it took.
 *
 * Input: a byte that says which device, then operations of 12 bytes: what, where (3), value (8). The rings of both queues
 * and the buffers lie in the first 64 KiB. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "backend/vmm/dev/virtio.h"
#include "backend/vmm/input.h"
#include "backend/vmm/pci.h"
#include "src/base/cleanup.h"

#define OP_LEN 12u
#define OPS_MAX 400u
#define RAM (1u << 20)
#define MEMORY_MASK 0xffffu
enum { DESC = 0x1000, AVAIL = 0x2000, USED = 0x3000, STEP = 0x4000, QUEUE = 16, QUEUES = 2 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct machine m;
static struct virtio_dev *devices[3], *v;
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
	static const char *const models[] = {"virtio-keyboard", "virtio-mouse", "virtio-tablet"};
	if (machine_init_bare(&m, RAM, &sink, NULL, NULL))
		abort();
	for (unsigned i = 0; i < ARRAY_SIZE(models); i++) {
		struct dev_def def = {.model = models[i], .name = models[i], .addr = {.set = true, .slot = (uint8_t)(3 + i)}};
		struct dev *d;
		if (dev_new(&m, &def, &d, NULL))
			abort();
		devices[i] = (struct virtio_dev *)d;
	}
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
	for (unsigned q = 0; q < QUEUES; q++) {
		reg(0x16, 2, q);
		reg(0x18, 2, QUEUE);
		reg(0x20, 4, DESC + STEP * q);
		reg(0x28, 4, AVAIL + STEP * q);
		reg(0x30, 4, USED + STEP * q);
		reg(0x1c, 2, 1);
	}
	reg(0x14, 1, 15);
}

static void point(uint64_t val, uint32_t where, bool absolute)
{
	struct input_pointer p = {.absolute = absolute, .x = (int32_t)val, .y = (int32_t)(val >> 32)};
	p.wheel = (int8_t)where;
	p.hwheel = (int8_t)(where >> 8);
	p.buttons = where >> 16;
	input_pointer(&m, &p);
}

static void operate(const uint8_t *op)
{
	uint32_t where = op[1] | (uint32_t)op[2] << 8 | (uint32_t)op[3] << 16;
	uint64_t val, seen = 0;
	memcpy(&val, op + 4, sizeof(val));
	unsigned size = 1u << (op[0] >> 6);
	uint8_t *ring = m.mem.ram + (op[0] & 16 ? STEP : 0);
	switch (op[0] & 7) {
	case 0: /* a descriptor */
		memcpy(ring + DESC + 8 * (where % (2 * QUEUE)), &val, 8);
		break;
	case 1:
		input_key(&m, where & 0xff, val & 1);
		break;
	case 2: { /* offer a chain */
		uint16_t idx, head = where % (QUEUE + 1);
		memcpy(&idx, ring + AVAIL + 2, 2);
		memcpy(ring + AVAIL + 4 + 2 * (idx % QUEUE), &head, 2);
		idx = (uint16_t)(idx + 1 + (op[0] >> 3 & 1) * (val & 31));
		memcpy(ring + AVAIL + 2, &idx, 2);
		break;
	}
	case 3:
		reg(VIRTIO_BAR_NOTIFY + VIRTIO_NOTIFY_STEP * (op[0] >> 4 & 1), 2, 0);
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
		else
			point(val, where, op[0] & 16);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!v)
		make();
	input_release(&m);
	for (unsigned i = 0; i < ARRAY_SIZE(devices); i++)
		devices[i]->pci.dev.type->reset(&devices[i]->pci.dev);
	v = devices[size ? data[0] % ARRAY_SIZE(devices) : 0];
	memset(m.mem.ram, 0, MEMORY_MASK + 9);
	pci_setup(&m);
	base = v->pci.bars[1].mapped;
	start();
	for (unsigned i = 0; i < OPS_MAX && 1 + (i + 1) * OP_LEN <= size; i++)
		operate(data + 1 + i * OP_LEN);
	for (unsigned i = 0; i < v->nqueues; i++)
		if (v->q[i].in_work)
			abort();
	return 0;
}
