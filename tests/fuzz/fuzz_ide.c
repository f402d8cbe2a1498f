/* Any bytes as what a driver does to the IDE function: task file and data port of both channels, bus master,
 * packets, tables in memory, configuration space; and media that are changed meanwhile. The device may refuse
 * all of it, but stays inside guest memory, its buffers and the images, and a reset always makes it ready
 * again.
 *
 * Input: operations of 8 bytes: what, how (1), where (2), value (4). Tables and buffers lie in the first 64
 * KiB.
 * floor: 650 edges */
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "backend/vmm/dev/ide.h"
#include "backend/vmm/pci.h"
#include "tests/fuzz/fuzzlib.h"

#define OP_LEN 8u
#define OPS_MAX 600u
#define RAM (1u << 20)
#define MEMORY_MASK 0xfffcu
#define DISK_BYTES (200 * 512)
#define CD_BYTES (90 * 2048)

static struct machine m;
static struct dev *ide;
static char hda[] = "hda", hdc[] = "hdc", raw[] = "raw", bus[] = "ide";

static int image(size_t bytes)
{
	int fd = memfd_create("image", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, (off_t)bytes))
		abort();
	return fd;
}

static void make(void)
{
	static const struct domain_disk disk = {
	    .target = hda, .format = raw, .bus = bus, .discard = true, .cache = DISK_CACHE_UNSAFE};
	static const struct domain_disk cd = {.target = hdc,
					      .format = raw,
					      .bus = bus,
					      .device = DISK_DEVICE_CDROM,
					      .unit = 2,
					      .readonly = true};
	struct dev_def def = {
	    .model = "piix3-ide", .name = "ide", .addr = {.set = true, .slot = 1, .function = 1}};
	struct dev_def bridge = {.model = "piix3", .name = "isa-bridge", .addr = {.set = true, .slot = 1}};
	if (machine_init_bare(&m, RAM, 0, &fuzz_sink, NULL, NULL) ||
	    named_add(&m.fds, "disk:hda", image(DISK_BYTES)) ||
	    named_add(&m.fds, "disk:hdc", image(CD_BYTES)) || dev_new(&m, &bridge, NULL, NULL) ||
	    dev_new(&m, &def, &ide, NULL) || ide_attach(ide, &disk, NULL) || ide_attach(ide, &cd, NULL))
		abort();
	m.fake_now_ns = 5000000000u; /* complaints once a second: once */
}

static void settle(void)
{
	while (ide_in_flight(ide)) {
		ide_completed(ide);
		sched_yield();
	}
}

static uint32_t access_port(uint16_t port, unsigned size, uint32_t val, bool write)
{
	bus_access(&m.pio, port, &val, size, write);
	return val;
}

/* A whole packet command, so that the interesting ones are found. */
static void packet(const uint8_t *op)
{
	uint8_t p[12] = {op[1], [5] = op[2], [8] = op[3], [9] = op[4]};
	memcpy(p + 1, op + 4, 4);
	access_port(0x176, 1, 0xa0, true);
	access_port(0x171, 1, op[7] & 1, true);
	access_port(0x177, 1, 0xa0, true);
	for (unsigned i = 0; i < 6; i++)
		access_port(0x170, 2, p[2 * i] | (uint32_t)p[2 * i + 1] << 8, true);
}

static void host(const uint8_t *op)
{
	struct ide_drive *d = ide_drive(ide, hdc);
	int fd;
	switch (op[1] & 7) {
	case 0:
		ide_tray(d, op[2] & 1, op[2] & 2, NULL);
		break;
	case 1:
		ide_change_medium(d, -1, NULL, NULL, op[2] & 2, NULL);
		break;
	case 2:
		fd = image((op[2] & 3) * 2048 + (op[3] & 1) * 512);
		if (ide_change_medium(d, fd, "x", "raw", op[2] & 4, NULL))
			close(fd);
		break;
	case 3:
		ide->type->reset(ide);
		pci_setup(&m);
		break;
	case 4:
		ide->type->resumed(ide);
		break;
	default:
		settle();
		break;
	}
}

static void operate(const uint8_t *op)
{
	static const uint16_t bases[] = {0x1f0, 0x170, 0x3f6, 0x376};
	uint16_t where = (uint16_t)(op[2] | op[3] << 8);
	unsigned size = 1u << (op[1] >> 6 > 2 ? 2 : op[1] >> 6), n;
	uint32_t val;
	memcpy(&val, op + 4, sizeof(val));
	switch (op[0] & 7) {
	case 0:
	case 1: /* a register */
		access_port((uint16_t)(bases[op[1] & 3] + (op[1] & 2 ? 0 : where & 7)), size, val, op[0] & 8);
		break;
	case 2: /* many words of data */
		n = where & 0xfff;
		for (unsigned i = 0; i < n; i++)
			access_port(bases[op[1] & 1], 4, val, op[0] & 8);
		break;
	case 3: /* bus master */
		access_port((uint16_t)(0xc000 + (where & 15)), size, where & 4 ? val & 0x1ffff : val,
			    op[0] & 8);
		break;
	case 4:
		memcpy(m.mem.ram + (where & MEMORY_MASK), &val, 4);
		break;
	case 5:
		packet(op);
		break;
	case 6:
		pci_config_write(m.pci, 1, 1, where & 0xfc, size, val);
		break;
	default:
		host(op);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!ide)
		make();
	ide->type->reset(ide);
	memset(m.mem.ram, 0, 0x10000);
	pci_setup(&m);
	for (unsigned i = 0; i < OPS_MAX && (i + 1) * OP_LEN <= size; i++)
		operate(data + i * OP_LEN);
	settle();
	ide->type->reset(ide);
	if (access_port(0x1f7, 1, 0, false) != 0x50 || access_port(0x174, 1, 0, false) != 0x14)
		abort();
	return 0;
}
