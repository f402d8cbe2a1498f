/* A PC's bus as one machine: configuration space by its ports and by function, BARs moved over each other and over
 * memory, expansion ROMs, MSI-X tables, the bridge's shadow RAM, and what lies behind each BAR. After each step the
 * map of memory is sane and devices reach only what is theirs; after a reset no interrupt line is high.
 *
 * floor: 600
 *
 * Input: steps of a byte that says what, and its operands. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "backend/vmm/device.h"
#include "backend/vmm/display/display.h"
#include "backend/vmm/pci.h"
#include "backend/vmm/timer.h"
#include "src/base/cleanup.h"
#include "src/base/log.h"
#include "tests/fuzz/fuzzlib.h"

#define RAM (4u << 20)
#define STEPS_MAX 200u

static char target[] = "vda";
static const struct domain_disk disk = {.target = target, .cache = DISK_CACHE_UNSAFE};
static const struct domain_video video = {.vram_bytes = 1 << 20};

static const struct dev_def parts[] = {
	{.model = "i440fx", .name = "bridge", .addr = {.set = true}},
	{.model = "piix3", .name = "isa-bridge", .addr = {.set = true, .slot = 1}},
	{.model = "piix3-ide", .name = "ide", .addr = {.set = true, .slot = 1, .function = 1}},
	{.model = "piix4-pm", .name = "pm", .addr = {.set = true, .slot = 1, .function = 3}},
	{.model = "virtio-vga", .name = "video", .addr = {.set = true, .slot = 2}, .video = &video},
	{.model = "virtio-rng", .name = "rng0", .addr = {.set = true, .slot = 3}},
	{.model = "virtio-blk", .name = "vda", .addr = {.set = true, .slot = 4}, .disk = &disk},
	{.model = "virtio-keyboard", .name = "keyboard", .addr = {.set = true, .slot = 5}},
};

/* Where drivers put things: on what there is, at its edges, and nowhere. */
static const uint32_t places[] = {0, 0x1000, 0x9f000, 0xa0000, 0xc0000, 0xf0000, RAM - 0x1000, RAM, 0xbffff000, 0xc0000000,
				  0xe0000000, 0xfebff000, 0xfec00000, 0xfee00000, 0xfffff000, 0xffffffff};

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void map_is_sane(struct machine *m)
{
	const struct memory *mem = &m->mem;
	check(mem->nslots <= MEM_SLOTS_MAX);
	for (unsigned i = 0; i < mem->nslots; i++) {
		const struct mem_slot *s = &mem->slots[i];
		check(s->len && s->hva && s->gpa % 4096 == 0 && s->len % 4096 == 0 && s->gpa + s->len > s->gpa);
		for (unsigned k = 0; k < i; k++)
			check(mem->slots[k].gpa + mem->slots[k].len <= s->gpa || s->gpa + s->len <= mem->slots[k].gpa);
		bool of_ram = s->hva >= mem->ram && s->hva < mem->ram + mem->ram_bytes;
		check(!of_ram || s->hva + s->len <= mem->ram + mem->ram_bytes);
		check(of_ram || s->flags & MEM_NO_DMA || s->flags & MEM_READONLY);
	}
}

static struct pci_dev *any(struct machine *m, struct input *in)
{
	struct pci_dev *p = m->pci->devs[take(in, 1) % 6][0];
	return p ? p : m->pci->devs[0][0];
}

/* A BAR to one of the places, another BAR's among them. */
static void move_bar(struct machine *m, struct input *in)
{
	struct pci_dev *p = any(m, in), *other = any(m, in);
	unsigned bar = take(in, 1) % PCI_BARS, how = take(in, 1), of = take(in, 1) % PCI_BARS;
	uint32_t to = places[how % ARRAY_SIZE(places)] + (how >> 4) * 0x1000;
	if (how & 0x80 && other->bars[of].mapped)
		to = (uint32_t)other->bars[of].mapped + (how & 0x0f) * 0x100;
	unsigned off = bar == PCI_ROM ? 0x30 : 0x10 + 4 * bar;
	pci_config_write(m->pci, p->addr.slot, p->addr.function, off, 4, to | (bar == PCI_ROM));
	if (how & 0x40)
		pci_config_write(m->pci, p->addr.slot, p->addr.function, 4, 2, how >> 3 & 7);
}

static void access_bar(struct machine *m, struct input *in, bool write)
{
	struct pci_dev *p = any(m, in);
	const struct pci_bar *bar = &p->bars[take(in, 1) % PCI_BARS];
	unsigned size = 1u << take(in, 1) % 4;
	uint64_t at = bar->mapped + take(in, 2), val = take(in, 4);
	if (!bar->mapped || bar->io)
		size = size > 4 ? 4 : size;
	bus_access(bar->io ? &m->pio : &m->mmio, bar->io ? at & 0xffff : at, &val, size, write);
}

static void msix(struct machine *m, struct input *in)
{
	struct pci_dev *p = any(m, in);
	const struct pci_msix *x = &p->msix;
	unsigned v = take(in, 1);
	if (!x->n)
		return;
	if (v & 1)
		pci_config_write(m->pci, p->addr.slot, p->addr.function, x->cap + 2, 2, take(in, 2));
	uint32_t word = take(in, 4);
	if (p->bars[x->bar].mapped)
		bus_access(&m->mmio, p->bars[x->bar].mapped + take(in, 2) % 0x900 / 4 * 4, &word, 4, true);
	if (v & 2)
		pci_msix_fire(p, v >> 2);
}

static void config(struct machine *m, struct input *in, unsigned op)
{
	unsigned size = 1u << take(in, 1) % 3, slot = take(in, 1) % 7, function = op & 16 ? take(in, 1) % 8 : 0, off = take(in, 1);
	uint32_t val = take(in, size), address = 0x80000000u | slot << 11 | function << 8 | (off & 0xfc);
	if (op & 32) { /* as the guest does it */
		bus_access(&m->pio, 0xcf8, &address, 4, true);
		bus_access(&m->pio, 0xcfc + (off & 3), &val, size, true);
	} else {
		pci_config_write(m->pci, slot, function, off & ~(size - 1), size, val);
		pci_config_read(m->pci, slot, function, off & ~(size - 1), size);
	}
}

static void reset(struct machine *m)
{
	for (unsigned i = 0; i < m->ndevs; i++)
		if (m->devs[i]->type->reset)
			m->devs[i]->type->reset(m->devs[i]);
	for (unsigned i = 0; i < IRQ_GSI_PINS; i++)
		check(!m->irq.count[i]);
}

/* What a device may do at any time. */
static void reach(struct machine *m, struct input *in)
{
	uint8_t bytes[64];
	uint64_t at = (uint64_t)places[take(in, 1) % ARRAY_SIZE(places)] + take(in, 2);
	uint8_t *p = gm_ptr(&m->mem, at, sizeof(bytes), true);
	check(!p || (p >= m->mem.ram && p + sizeof(bytes) <= m->mem.ram + m->mem.ram_bytes));
	if (!gm_read(&m->mem, at, bytes, sizeof(bytes)))
		gm_write(&m->mem, at, bytes, sizeof(bytes));
}

static void step(struct machine *m, struct input *in)
{
	unsigned op = take(in, 1);
	switch (op & 15) {
	case 0:
		reset(m);
		break;
	case 1:
	case 2:
		access_bar(m, in, op & 16);
		break;
	case 3:
		msix(m, in);
		break;
	case 4: { /* PAM and SMRAM */
		unsigned off = 0x59 + take(in, 1) % 10;
		pci_config_write(m->pci, 0, 0, off, 1, take(in, 1));
		break;
	}
	case 5:
		pci_setup(m);
		break;
	case 6:
		reach(m, in);
		break;
	case 7: /* what nothing has asked for changes nothing */
		check(!memory_commit(&m->mem));
		break;
	case 8:
		m->fake_now_ns += (uint64_t)take(in, 2) << 16;
		timer_run(m);
		display_refresh(m->display);
		break;
	case 9:
	case 10:
	case 11:
		move_bar(m, in);
		break;
	default:
		config(m, in, op);
	}
	map_is_sane(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static int quiet = -1;
	struct machine m;
	struct err e;
	struct input in = {data, n};
	if (quiet < 0) {
		quiet = open("/dev/null", O_WRONLY | O_CLOEXEC);
		log_open("fuzz", quiet);
	}
	int fd = memfd_create("image", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, 8192) || machine_init_bare(&m, RAM, 0, &fuzz_sink, &m, &e) ||
	    named_add(&m.fds, "disk:vda", fd))
		abort();
	for (unsigned i = 0; i < ARRAY_SIZE(parts); i++)
		if (dev_new(&m, &parts[i], NULL, &e))
			abort();
	pci_setup(&m);
	for (unsigned i = 0; in.n && i < STEPS_MAX; i++)
		step(&m, &in);
	reset(&m);
	machine_done_bare(&m);
	return 0;
}
