/* Any bytes as what a driver does to a virtio keyboard, mouse or tablet while keys and frames come: register
 * writes, doorbells, and memory under the rings. The device may refuse all of it, but stays inside guest
 * memory, and gives back every chain that it took.
 *
 * Input: a byte that says which device, then operations of 12 bytes: what, where (3), value (8). The rings of
 * both queues and the buffers lie in the first 64 KiB.
 * floor: 470 edges */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "backend/vmm/dev/virtio.h"
#include "backend/vmm/input.h"
#include "backend/vmm/pci.h"
#include "src/base/cleanup.h"
#include "tests/fuzz/fuzzlib.h"

#define OP_LEN 12u
#define OPS_MAX 400u
#define RAM (1u << 20)
#define MEMORY_MASK 0xffffu
enum { DESC = 0x1000, AVAIL = 0x2000, USED = 0x3000, STEP = 0x4000, QUEUE = 16, QUEUES = 2 };

static struct machine m;
static struct virtio_dev *devices[3], *v;
static uint64_t base;

static void make(void)
{
	static const char *const models[] = {"virtio-keyboard", "virtio-mouse", "virtio-tablet"};
	if (machine_init_bare(&m, RAM, 0, &fuzz_sink, NULL, NULL))
		abort();
	for (unsigned i = 0; i < ARRAY_SIZE(models); i++) {
		struct dev_def def = {
		    .model = models[i], .name = models[i], .addr = {.set = true, .slot = (uint8_t)(3 + i)}};
		struct dev *d;
		if (dev_new(&m, &def, &d, NULL))
			abort();
		devices[i] = (struct virtio_dev *)d;
	}
	m.fake_now_ns = 5000000000u; /* complaints once a second: once */
}

/* A driver that did everything right so far. */
static void start(void)
{
	static const struct rings rings = {DESC, AVAIL, USED, STEP, QUEUE};
	virtio_start(v, &rings, QUEUES, UINT64_MAX);
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
	case 2:
		virtio_offer(ring + AVAIL, QUEUE, (uint16_t)(where % (QUEUE + 1)),
			     (op[0] >> 3 & 1) * (val & 31));
		break;
	case 3:
		virtio_reg(v, VIRTIO_BAR_NOTIFY + VIRTIO_NOTIFY_STEP * (op[0] >> 4 & 1), 2, 0);
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
	if (!virtio_gave_back(v))
		abort();
	return 0;
}
