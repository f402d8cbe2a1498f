#include "backend/vmm/pci.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "src/base/cleanup.h"

enum {
	CFG_COMMAND = 0x04,
	CFG_STATUS = 0x06,
	CFG_HEADER_TYPE = 0x0e,
	CFG_BAR = 0x10,
	CFG_BAR_END = 0x28,
	CFG_ROM = 0x30,
	ROM_ENABLE = 1,
	CFG_CAP = 0x34,
	CFG_INT_LINE = 0x3c,
	CFG_INT_PIN = 0x3d,

	COMMAND_IO = 0x0001,
	COMMAND_MEM = 0x0002,
	COMMAND_MASTER = 0x0004,
	COMMAND_INTX_OFF = 0x0400,
	COMMAND_MASK = 0x0547,
	STATUS_INTX = 0x08,
	STATUS_CAP = 0x10,
	MULTIFUNCTION = 0x80,

	CAP_MSIX = 0x11,
	MSIX_ENTRY = 16,
	MSIX_PBA = 0x800,
	MSIX_BAR_LEN = 0x1000,
	MSIX_MAX = MSIX_PBA / MSIX_ENTRY,

	LINK_VALID = 0xdef8, /* IRQs that a PIIX3 link can go to */
	FIRST_FREE_SLOT = 3,
	ROM_MAX = 16 << 20,
};

static struct pci_bus *bus_of(const struct pci_dev *p)
{
	return p->dev.m->pci;
}

/* The GSI of this device's pin, or one that is none. */
static unsigned intx_gsi(const struct pci_dev *p)
{
	unsigned pin = p->config[CFG_INT_PIN];
	if (!pin)
		return IRQ_GSI_PINS;
	uint8_t link = bus_of(p)->link_irq[(p->addr.slot + pin - 2) & 3];
	unsigned irq = link & 0x0f;
	return !(link & 0x80) && (LINK_VALID >> irq & 1) ? irq : IRQ_GSI_PINS;
}

static void intx_update(struct pci_dev *p)
{
	bool off = pci_get16(&p->config[CFG_COMMAND]) & COMMAND_INTX_OFF;
	irq_line_set(&p->intx, (p->config[CFG_STATUS] & STATUS_INTX) && !off);
}

void pci_intx(struct pci_dev *p, bool level)
{
	if (level)
		p->config[CFG_STATUS] |= STATUS_INTX;
	else
		p->config[CFG_STATUS] &= (uint8_t)~STATUS_INTX;
	intx_update(p);
}

void pci_links_changed(struct machine *m)
{
	for (unsigned i = 0; i < 256; i++) {
		struct pci_dev *p = m->pci->devs[i / 8][i % 8];
		if (p && p->config[CFG_INT_PIN])
			irq_line_move(&p->intx, intx_gsi(p));
	}
}

/* BARs */

void pci_bar_init(struct pci_dev *p, unsigned bar, uint32_t size, bool io, const struct region_ops *ops,
		  const char *name)
{
	p->bars[bar] = (struct pci_bar){.size = size, .io = io, .ops = ops, .name = name};
	pci_put32(&p->config[CFG_BAR + 4 * bar], io ? 1 : 0);
	pci_put32(&p->wmask[CFG_BAR + 4 * bar], ~(size - 1) & (io ? 0xfffffffcu : 0xfffffff0u));
}

static unsigned bar_at(unsigned bar)
{
	return bar == PCI_ROM ? CFG_ROM : CFG_BAR + 4 * bar;
}

/* Where the guest wants this BAR, 0 = nowhere. Memory BARs never lie over RAM. */
static uint64_t bar_wanted(const struct pci_dev *p, unsigned bar)
{
	const struct pci_bar *b = &p->bars[bar];
	uint16_t command = pci_get16(&p->config[CFG_COMMAND]);
	uint32_t at = pci_get32(&p->config[bar_at(bar)]);
	if (!b->size || !(command & (b->io ? COMMAND_IO : COMMAND_MEM)) ||
	    (bar == PCI_ROM && !(at & ROM_ENABLE)))
		return 0;
	uint64_t base = at & ~(uint64_t)(b->io ? 3 : 15);
	base &= ~(uint64_t)(b->size - 1);
	uint64_t end = base + b->size;
	if (b->io)
		return end <= 0x10000 ? base : 0;
	return base >= p->dev.m->mem.low_bytes && end <= 0x100000000ull ? base : 0;
}

static void bar_unmap(struct pci_dev *p, unsigned bar)
{
	struct pci_bar *b = &p->bars[bar];
	uint64_t old = b->mapped;
	if (!old)
		return;
	bus_remove(b->io ? &p->dev.m->pio : &p->dev.m->mmio, old);
	b->mapped = 0;
	if (b->moved)
		b->moved(p, bar, old, 0);
}

/* @loud: the guest has just asked for it, so tell when it cannot be. */
static void bar_map(struct pci_dev *p, unsigned bar, bool loud)
{
	struct pci_bar *b = &p->bars[bar];
	uint64_t want = bar_wanted(p, bar);
	struct err e;
	if (!want || b->mapped)
		return;
	if (bus_add(b->io ? &p->dev.m->pio : &p->dev.m->mmio, want, b->size, b->ops, &p->dev, b->name, &e)) {
		if (loud)
			guest_error(&p->dev, "BAR %u is not mapped: %s", bar, e.msg);
		return;
	}
	b->mapped = want;
	if (b->moved)
		b->moved(p, bar, 0, want);
}

/* BARs or COMMAND of @p changed. What it leaves may make room for another device's. */
static void bars_update(struct pci_dev *p)
{
	bool left = false;
	for (unsigned i = 0; i < ARRAY_SIZE(p->bars); i++)
		if (p->bars[i].mapped && p->bars[i].mapped != bar_wanted(p, i)) {
			bar_unmap(p, i);
			left = true;
		}
	for (unsigned i = 0; i < ARRAY_SIZE(p->bars); i++)
		bar_map(p, i, true);
	for (unsigned i = 0; left && i < 256; i++) {
		struct pci_dev *other = bus_of(p)->devs[i / 8][i % 8];
		for (unsigned k = 0; other && other != p && k < ARRAY_SIZE(other->bars); k++)
			bar_map(other, k, false);
	}
}

/* The expansion ROM is memory that cannot be written; where nobody makes slots, the bus answers. */

static uint64_t rom_read(struct dev *d, uint64_t off, unsigned size)
{
	uint64_t val = 0;
	memcpy(&val, ((struct pci_dev *)d)->rom + off, size);
	return val;
}

static const struct region_ops rom_ops = {.read = rom_read};

static void rom_moved(struct pci_dev *p, unsigned bar, uint64_t old, uint64_t now)
{
	struct memory *mem = &p->dev.m->mem;
	memory_overlay_remove(mem, p->bars[PCI_ROM].name);
	if (now)
		memory_overlay(mem, p->bars[PCI_ROM].name, now, p->bars[PCI_ROM].size, p->rom, MEM_READONLY);
	if (memory_commit(mem)) { /* the bus answers there */
		guest_error(&p->dev, "its ROM cannot be mapped at 0x%llx", (unsigned long long)now);
		memory_overlay_remove(mem, p->bars[PCI_ROM].name);
		memory_commit(mem);
	}
}

int pci_rom_init(struct pci_dev *p, const void *image, size_t len, const char *name, struct err *e)
{
	uint32_t size = 4096;
	while (size < len && size < ROM_MAX)
		size *= 2;
	if (!len || len > size)
		return err_set(e, EINVAL, "%s: a ROM of %zu bytes", p->dev.name, len);
	void *rom = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (rom == MAP_FAILED)
		return err_sys(e, errno, "%s: no memory for its ROM", p->dev.name);
	memcpy(rom, image, len);
	memset((uint8_t *)rom + len, 0xff, size - len);
	p->rom = rom;
	p->bars[PCI_ROM] = (struct pci_bar){.size = size, .ops = &rom_ops, .name = name, .moved = rom_moved};
	pci_put32(&p->wmask[CFG_ROM], (~(size - 1) & 0xfffff800u) | ROM_ENABLE);
	return 0;
}

/* Capabilities and MSI-X */

unsigned pci_cap_add(struct pci_dev *p, uint8_t id, unsigned len)
{
	unsigned off = p->cap_next;
	p->cap_next = (off + len + 3) & ~3u;
	uint8_t *link = &p->config[CFG_CAP];
	while (*link)
		link = &p->config[*link + 1];
	*link = (uint8_t)off;
	p->config[off] = id;
	p->config[off + 1] = 0;
	p->config[CFG_STATUS] |= STATUS_CAP;
	return off;
}

static void msix_route(struct pci_dev *p, unsigned v)
{
	struct pci_msix *x = &p->msix;
	const uint8_t *t = x->table + MSIX_ENTRY * v;
	bool masked = !x->enabled || x->masked || (t[12] & 1);
	uint64_t addr = pci_get32(t) | (uint64_t)pci_get32(t + 4) << 32;
	int rc = irq_msi_update(&x->v[v], addr, pci_get32(t + 8), masked);
	if (rc)
		guest_error(&p->dev, "MSI-X vector %u to 0x%llx is not routed: %s", v,
			    (unsigned long long)addr, strerror(-rc));
}

static uint64_t msix_read(struct dev *d, uint64_t off, unsigned size)
{
	struct pci_msix *x = &((struct pci_dev *)d)->msix;
	uint64_t val = 0;
	for (unsigned i = 0; i < size; i++) {
		uint64_t at = off + i;
		uint8_t byte = 0;
		if (at < (uint64_t)MSIX_ENTRY * x->n)
			byte = x->table[at];
		for (unsigned bit = 0; at >= MSIX_PBA && bit < 8; bit++) {
			uint64_t v = (at - MSIX_PBA) * 8 + bit;
			if (v < x->n && irq_msi_pending(&x->v[v]))
				byte |= (uint8_t)(1u << bit);
		}
		val |= (uint64_t)byte << (8 * i);
	}
	return val;
}

static void msix_write(struct dev *d, uint64_t off, unsigned size, uint64_t val)
{
	struct pci_dev *p = (struct pci_dev *)d;
	struct pci_msix *x = &p->msix;
	if (off + size > (uint64_t)MSIX_ENTRY * x->n)
		return;
	for (unsigned i = 0; i < size; i++)
		x->table[off + i] = (uint8_t)(val >> 8 * i);
	for (uint64_t v = off / MSIX_ENTRY; v <= (off + size - 1) / MSIX_ENTRY; v++) {
		x->table[MSIX_ENTRY * v + 12] &= 1; /* the rest of vector control is reserved */
		memset(&x->table[MSIX_ENTRY * v + 13], 0, 3);
		msix_route(p, (unsigned)v);
	}
}

static const struct region_ops msix_ops = {msix_read, msix_write};

int pci_msix_init(struct pci_dev *p, unsigned bar, unsigned vectors, struct err *e)
{
	struct pci_msix *x = &p->msix;
	if (!vectors || vectors > MSIX_MAX)
		return err_set(e, EINVAL, "%s: %u interrupt vectors, 1 to %d are possible", p->dev.name,
			       vectors, MSIX_MAX);
	x->v = calloc(vectors, sizeof(*x->v));
	x->table = calloc(vectors, MSIX_ENTRY);
	if (!x->v || !x->table)
		return err_set(e, ENOMEM, "%s: out of memory", p->dev.name);
	for (; x->n < vectors; x->n++) {
		int rc = irq_msi_init(&x->v[x->n], &p->dev.m->irq, e);
		if (rc)
			return rc;
	}
	x->bar = bar;
	x->cap = pci_cap_add(p, CAP_MSIX, 12);
	pci_put16(&p->config[x->cap + 2], (uint16_t)(vectors - 1));
	pci_put32(&p->config[x->cap + 4], bar);
	pci_put32(&p->config[x->cap + 8], MSIX_PBA | bar);
	p->wmask[x->cap + 3] = 0xc0;
	pci_bar_init(p, bar, MSIX_BAR_LEN, false, &msix_ops, "msix");
	return 0;
}

static void msix_forget(struct pci_dev *p)
{
	for (unsigned i = 0; i < p->msix.n; i++) {
		uint64_t n;
		ssize_t got =
		    read(p->msix.v[i].fd, &n, sizeof(n)); /* not blocking: nothing pending is fine */
		(void)got;
	}
}

static void msix_control_written(struct pci_dev *p)
{
	struct pci_msix *x = &p->msix;
	bool enabled = p->config[x->cap + 3] & 0x80, masked = p->config[x->cap + 3] & 0x40;
	if (!x->n || (enabled == x->enabled && masked == x->masked))
		return;
	bool was = x->enabled;
	x->enabled = enabled;
	x->masked = masked;
	for (unsigned i = 0; i < x->n; i++)
		msix_route(p, i);
	if (was && !enabled)
		msix_forget(p);
}

void pci_msix_fire(struct pci_dev *p, unsigned v)
{
	if (p->msix.enabled && v < p->msix.n)
		irq_msi_fire(&p->msix.v[v]);
}

/* Config space */

static struct pci_dev *find(const struct pci_bus *b, unsigned slot, unsigned function)
{
	return slot < 32 && function < 8 && b->devs[slot][0] ? b->devs[slot][function] : NULL;
}

uint32_t pci_config_read(struct pci_bus *b, unsigned slot, unsigned function, unsigned off, unsigned size)
{
	struct pci_dev *p = find(b, slot, function);
	uint32_t val = 0;
	if (!p || off + size > sizeof(p->config))
		return 0xffffffffu >> (32 - 8 * size);
	if (p->config_reading)
		p->config_reading(p, off, size);
	for (unsigned i = 0; i < size; i++)
		val |= (uint32_t)p->config[off + i] << (8 * i);
	return val;
}

static bool touches(unsigned off, unsigned size, unsigned start, unsigned end)
{
	return off < end && start < off + size;
}

void pci_config_write(struct pci_bus *b, unsigned slot, unsigned function, unsigned off, unsigned size,
		      uint32_t val)
{
	struct pci_dev *p = find(b, slot, function);
	if (!p || off + size > sizeof(p->config))
		return;
	for (unsigned i = 0; i < size; i++) {
		uint8_t *c = &p->config[off + i], mask = p->wmask[off + i];
		*c = (uint8_t)((*c & ~mask) | ((val >> 8 * i) & mask));
	}
	if (touches(off, size, CFG_COMMAND, CFG_COMMAND + 2))
		intx_update(p);
	if (touches(off, size, CFG_COMMAND, CFG_COMMAND + 2) || touches(off, size, CFG_BAR, CFG_BAR_END) ||
	    touches(off, size, CFG_ROM, CFG_ROM + 4))
		bars_update(p);
	if (p->msix.n && touches(off, size, p->msix.cap, p->msix.cap + 4))
		msix_control_written(p);
	if (p->config_written)
		p->config_written(p, off, size);
}

/* Life */

static int choose_slot(struct pci_dev *p, const struct dev_def *def, struct err *e)
{
	struct pci_bus *b = bus_of(p);
	p->addr = def->addr;
	for (unsigned s = FIRST_FREE_SLOT; !p->addr.set && s < 32; s++)
		if (!b->devs[s][0])
			p->addr = (struct pci_addr){.set = true, .slot = (uint8_t)s};
	if (!p->addr.set)
		return err_set(e, ENOSPC, "%s: no free slot on the PCI bus", p->dev.name);
	if (p->addr.domain || p->addr.bus || p->addr.slot >= 32 || p->addr.function >= 8)
		return err_set(e, EINVAL,
			       "%s: there is no PCI address %04x:%02x:%02x.%x, only bus 0 of domain 0",
			       p->dev.name, p->addr.domain, p->addr.bus, p->addr.slot, p->addr.function);
	const struct pci_dev *other = b->devs[p->addr.slot][p->addr.function];
	if (other)
		return err_set(e, EBUSY, "%s: PCI address %02x.%x is %s's", p->dev.name, p->addr.slot,
			       p->addr.function, other->dev.name);
	return 0;
}

int pci_dev_init(struct pci_dev *p, struct dev_def const *def, const struct pci_id *id, struct err *e)
{
	int rc = choose_slot(p, def, e);
	if (rc)
		return rc;
	struct pci_dev **slot = bus_of(p)->devs[p->addr.slot];
	slot[p->addr.function] = p;
	uint8_t *c = p->config;
	pci_put16(c, id->vendor);
	pci_put16(c + 2, id->device);
	pci_put32(c + 8, id->class_rev);
	pci_put16(c + 0x2c, id->subvendor);
	pci_put16(c + 0x2e, id->subdevice);
	c[CFG_INT_PIN] = id->pin;
	pci_put16(&p->wmask[CFG_COMMAND], COMMAND_MASK);
	p->wmask[0x0c] = 0xff; /* cache line size and latency are storage */
	p->wmask[0x0d] = 0xf8;
	if (id->pin)
		p->wmask[CFG_INT_LINE] = 0xff;
	p->cap_next = 0x40;
	irq_line_init(&p->intx, &p->dev.m->irq, intx_gsi(p));
	for (unsigned f = 1; f < 8; f++)
		if (slot[0] && slot[f])
			slot[0]->config[CFG_HEADER_TYPE] |= MULTIFUNCTION;
	return 0;
}

void pci_dev_reset(struct pci_dev *p)
{
	pci_intx(p, false);
	for (unsigned i = 0; i < ARRAY_SIZE(p->bars); i++)
		bar_unmap(p, i);
	for (unsigned i = 0; i < sizeof(p->config); i++)
		p->config[i] &= (uint8_t)~p->wmask[i];
	struct pci_msix *x = &p->msix;
	x->enabled = x->masked = false;
	for (unsigned i = 0; i < x->n; i++) {
		memset(x->table + MSIX_ENTRY * i, 0, MSIX_ENTRY);
		x->table[MSIX_ENTRY * i + 12] = 1;
		msix_route(p, i);
	}
	msix_forget(p);
}

void pci_dev_done(struct pci_dev *p)
{
	struct pci_bus *b = bus_of(p);
	irq_line_set(&p->intx, false);
	for (unsigned i = 0; i < ARRAY_SIZE(p->bars); i++)
		bar_unmap(p, i);
	for (unsigned i = 0; i < p->msix.n; i++)
		irq_msi_done(&p->msix.v[i]);
	if (p->rom)
		munmap(p->rom, p->bars[PCI_ROM].size);
	p->rom = NULL;
	free(p->msix.v);
	free(p->msix.table);
	p->msix = (struct pci_msix){0};
	if (p->addr.slot < 32 && p->addr.function < 8 && b->devs[p->addr.slot][p->addr.function] == p)
		b->devs[p->addr.slot][p->addr.function] = NULL;
}

/* Place one BAR: the next address that its size divides. Left alone when the window is full. */
static void place(struct pci_dev *p, unsigned bar, uint64_t *mem, uint64_t *io)
{
	const struct pci_bar *b = &p->bars[bar];
	uint64_t *next = b->io ? io : mem, end = b->io ? PCI_IO_END : PCI_WINDOW_END;
	uint64_t at = (*next + b->size - 1) & ~(uint64_t)(b->size - 1);
	if (!b->size || bar == PCI_ROM || at + b->size > end)
		return;
	pci_config_write(bus_of(p), p->addr.slot, p->addr.function, CFG_BAR + 4 * bar, 4, (uint32_t)at);
	*next = at + b->size;
}

void pci_setup(struct machine *m)
{
	static const uint8_t links[4] = {10, 10, 11, 11};
	uint64_t mem = PCI_WINDOW_BASE, io = PCI_IO_BASE;
	for (unsigned i = 0; i < 4; i++)
		pci_config_write(m->pci, 1, 0, 0x60 + i, 1, links[i]);
	for (unsigned i = 0; i < 256; i++) {
		struct pci_dev *p = m->pci->devs[i / 8][i % 8];
		if (!p)
			continue;
		for (unsigned k = 0; k < ARRAY_SIZE(p->bars); k++)
			place(p, k, &mem, &io);
		uint16_t command = pci_get16(&p->config[CFG_COMMAND]);
		pci_config_write(m->pci, i / 8, i % 8, CFG_COMMAND, 2,
				 command | COMMAND_IO | COMMAND_MEM | COMMAND_MASTER);
		unsigned gsi = intx_gsi(p);
		if (gsi < IRQ_GSI_PINS && !p->config[CFG_INT_LINE])
			pci_config_write(m->pci, i / 8, i % 8, CFG_INT_LINE, 1, gsi);
	}
}
