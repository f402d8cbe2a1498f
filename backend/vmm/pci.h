/* PCI bus 0: configuration space, BARs, INTx through the PIIX3's links, MSI-X. (PCI Local Bus 3.0; machine.md
 * 1.3) */
#ifndef BACKEND_VMM_PCI_H
#define BACKEND_VMM_PCI_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/vmm/device.h"

#define PCI_WINDOW_BASE 0xC0000000ull /* BARs below 4 GiB: [0xC0000000, 0xFEBFFFFF], in the DSDT's _CRS */
#define PCI_WINDOW_END 0xFEC00000ull
#define PCI_IO_BASE 0xC000u
#define PCI_IO_END 0x10000u

enum { PCI_ROM = 6, PCI_BARS };

struct pci_dev;

struct pci_bar {
	uint32_t size; /* power of two; 0 = none */
	bool io, prefetch;
	const struct region_ops *ops;
	const char *name;
	uint64_t mapped; /* where it is on the bus, 0 = not */
	/* The guest moved or (un)mapped it (doorbells follow). May be NULL. */
	void (*moved)(struct pci_dev *, unsigned bar, uint64_t old, uint64_t now);
};

struct pci_msix {
	unsigned n;          /* vectors, 0 = none */
	unsigned bar;        /* table at 0, PBA at 0x800 of this BAR */
	unsigned cap;        /* offset of the capability */
	struct irq_msi *v;
	uint8_t *table;      /* 16 bytes a vector */
	bool enabled, masked;
};

struct pci_dev {
	struct dev dev;
	struct pci_addr addr;
	uint8_t config[256], wmask[256];
	struct pci_bar bars[PCI_BARS]; /* the last is the ROM */
	uint8_t *rom; /* page-aligned, of bars[PCI_ROM].size bytes; NULL = none */
	struct pci_msix msix;
	struct irq_line intx;
	unsigned cap_next;   /* where the next capability goes */
	/* Config space is about to be read there: bring it up to date; may be NULL. */
	void (*config_reading)(struct pci_dev *, unsigned off, unsigned len);
	/* After a write to config space has been merged; may be NULL. */
	void (*config_written)(struct pci_dev *, unsigned off, unsigned len);
};

struct pci_id {
	uint16_t vendor, device, subvendor, subdevice;
	uint32_t class_rev; /* class << 8 | revision */
	uint8_t pin;        /* INTx pin 1..4, 0 = none */
};

struct pci_bus {
	struct pci_dev *devs[32][8];
	uint32_t address; /* CF8 */
	uint8_t link_irq[4]; /* PIIX3 PIRQA..D: bit 7 = off */
};

/* Put a device on m's bus at def->addr, or in the first free slot from 3 when that is not set. -EBUSY:
 * taken. */
int pci_dev_init(struct pci_dev *p, struct dev_def const *def, const struct pci_id *id, struct err *e);
void pci_dev_reset(struct pci_dev *p); /* config to power-on, BARs unmapped, MSI-X off */
void pci_dev_done(struct pci_dev *p);

/* Config space as the guest sees it, @size 1, 2 or 4. A function that is not there reads all ones. */
uint32_t pci_config_read(struct pci_bus *b, unsigned slot, unsigned function, unsigned off, unsigned size);
void pci_config_write(struct pci_bus *b, unsigned slot, unsigned function, unsigned off, unsigned size,
		      uint32_t val);

void pci_bar_init(struct pci_dev *p, unsigned bar, uint32_t size, bool io, const struct region_ops *,
		  const char *name);
/* Give it an expansion ROM: a copy of @image. -EINVAL: no ROM of 1 byte to 16 MiB. */
int pci_rom_init(struct pci_dev *p, const void *image, size_t len, const char *name, struct err *e);
/* Room of @len bytes for a capability in config space; its offset. The first two bytes (id, next) are set. */
unsigned pci_cap_add(struct pci_dev *p, uint8_t id, unsigned len);
int pci_msix_init(struct pci_dev *p, unsigned bar, unsigned vectors, struct err *e);

/* Interrupt for vector @v (MSI-X when enabled). INTx is the device's: pci_intx(). */
void pci_msix_fire(struct pci_dev *p, unsigned v);
void pci_intx(struct pci_dev *p, bool level);
/* The links changed (PIIX3 0x60-0x63): move every raised line. */
void pci_links_changed(struct machine *m);

/* What firmware would do for a directly booted kernel: BARs placed, decoding on, links on 10 10 11 11,
 * interrupt lines. */
void pci_setup(struct machine *m);

static inline uint16_t pci_get16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}
static inline uint32_t pci_get32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}
static inline void pci_put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}
static inline void pci_put32(uint8_t *p, uint32_t v)
{
	pci_put16(p, (uint16_t)v);
	pci_put16(p + 2, (uint16_t)(v >> 16));
}

#endif
