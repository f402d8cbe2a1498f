/* Any sequence of accesses to what firmware talks to: fw_cfg with its DMA, PAM, the flash chip, PMBASE,
 * resets. None crashes, and whatever the map has become, each slot shows RAM, the image or the variable store
 * and nothing else.
 * floor: 750 edges */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/vmm/boot/firmware.h"
#include "backend/vmm/device.h"
#include "backend/vmm/machine.h"
#include "src/base/cleanup.h"
#include "src/base/log.h"
#include "tests/fuzz/fuzzlib.h"

#define RAM (4u << 20)
#define IMAGE (256u << 10)
#define STORE (16u << 10)
#define FLASH (0x100000000ull - IMAGE - STORE)

static uint8_t image[IMAGE] __attribute__((aligned(4096))), store[STORE] __attribute__((aligned(4096)));

static const struct dev_def parts[] = {
	{.model = "i440fx", .name = "bridge", .addr = {.set = true}},
	{.model = "piix3", .name = "isa", .addr = {.set = true, .slot = 1}},
	{.model = "piix4-pm", .name = "pm", .addr = {.set = true, .slot = 1, .function = 3}},
	{.model = "fw-cfg", .name = "fw-cfg"},
	{.model = "debugcon", .name = "debugcon"},
	{.model = "pflash", .name = "pflash"},
};

static uint64_t take64(struct input *in, unsigned bytes)
{
	uint64_t low = take(in, bytes < 4 ? bytes : 4);
	return bytes > 4 ? low | (uint64_t)take(in, bytes - 4) << 32 : low;
}

static bool inside(const uint8_t *p, uint64_t len, const uint8_t *base, uint64_t bytes)
{
	return p >= base && p < base + bytes && len <= bytes - (uint64_t)(p - base);
}

static void map_is_sane(const struct machine *m)
{
	for (unsigned i = 0; i < m->mem.nslots; i++) {
		const struct mem_slot *s = &m->mem.slots[i];
		bool rom = inside(s->hva, s->len, image, IMAGE) || inside(s->hva, s->len, store, STORE);
		if (!rom && !inside(s->hva, s->len, m->mem.ram, RAM))
			abort();
		if (rom && !(s->flags & MEM_READONLY))
			abort();
		if (i && s->gpa < s[-1].gpa + s[-1].len)
			abort();
	}
}

static void port(struct machine *m, struct input *in, unsigned size, bool write)
{
	static const uint16_t bases[] = {0x510, 0x514, 0x518, 0xcf8, 0xcfc, 0x402};
	uint16_t at = (uint16_t)(bases[take(in, 1) % ARRAY_SIZE(bases)] + take(in, 1) % 5);
	uint32_t val = write ? (uint32_t)take(in, size) : 0;
	bus_access(&m->pio, at, &val, size, write);
}

static void mmio(struct machine *m, struct input *in, unsigned size, bool write)
{
	uint64_t at = FLASH - 8 + take(in, 2) % (STORE + 16), val = write ? take64(in, size) : 0;
	bus_access(&m->mmio, at, &val, size, write);
}

/* A descriptor below 64 KiB, and the address of it to the DMA port. */
static void dma(struct machine *m, struct input *in)
{
	uint8_t d[16];
	uint64_t at = take(in, 2);
	for (unsigned i = 0; i < sizeof(d); i++)
		d[i] = (uint8_t)take(in, 1);
	gm_write(&m->mem, at, d, sizeof(d));
	uint32_t be = __builtin_bswap32((uint32_t)at);
	bus_access(&m->pio, 0x518, &be, 4, true);
}

static void config(struct machine *m, struct input *in)
{
	static const uint32_t functions[] = {0, 1 << 11, 1 << 11 | 3 << 8};
	uint32_t addr =
	    1u << 31 | functions[take(in, 1) % ARRAY_SIZE(functions)] | ((uint32_t)take(in, 1) & 0xfc);
	uint32_t val = (uint32_t)take(in, 4);
	bus_access(&m->pio, 0xcf8, &addr, 4, true);
	bus_access(&m->pio, 0xcfc, &val, 4, true);
}

static void step(struct machine *m, struct input *in)
{
	unsigned op = (unsigned)take(in, 1), size = 1u << (op >> 6) % 3;
	switch (op & 7) {
	case 0:
		for (unsigned i = 0; i < m->ndevs; i++)
			if (m->devs[i]->type->reset)
				m->devs[i]->type->reset(m->devs[i]);
		break;
	case 1:
	case 2:
		dma(m, in);
		break;
	case 3:
		config(m, in);
		break;
	case 4:
	case 5:
		mmio(m, in, size * (op & 16 ? 2 : 1), op & 32);
		break;
	default:
		port(m, in, size, op & 32);
	}
	map_is_sane(m);
}

static struct domain *domain(void)
{
	static const char xml[] = "<domain type='kvm'><name>a</name><memory "
				  "unit='MiB'>4</memory><vcpu>2</vcpu><os><type>hvm</type></os>"
				  "</domain>";
	static struct domain *d;
	if (!d && domain_parse(xml, sizeof(xml) - 1, "fuzz", &d, NULL))
		abort();
	return d;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct firmware fw = {
	    .image = image, .bytes = IMAGE, .nvram = store, .nvram_bytes = STORE, .nvram_fd = -1};
	static int quiet = -1;
	struct machine m;
	struct err e;
	if (quiet < 0) {
		quiet = open("/dev/null", O_WRONLY | O_CLOEXEC);
		log_open("fuzz", quiet);
	}
	if (machine_init_bare(&m, RAM, 0, &fuzz_sink, &m, &e))
		abort();
	m.domain = domain();
	m.firmware = &fw;
	for (unsigned i = 0; i < ARRAY_SIZE(parts); i++)
		if (dev_new(&m, &parts[i], NULL, &e))
			abort();
	if (firmware_tell(&m, &e))
		abort();
	for (struct input in = {data, n}; in.n;)
		step(&m, &in);
	machine_done_bare(&m);
	return 0;
}
