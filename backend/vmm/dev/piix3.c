/* The ISA bridge PIIX3, function 01.0: which IRQ each of the four PCI interrupt links goes to. Its other
 * functions have files of their own. (Intel 82371SB data sheet, 2.2; machine.md 1.3) */
#include "backend/vmm/dev/dev.h"
#include "backend/vmm/pci.h"

#include <string.h>

#define CFG_PIRQRC 0x60 /* four bytes: bit 7 off, bits 3:0 IRQ */

struct piix3 {
	struct pci_dev pci;
};

static void links_update(struct pci_dev *p)
{
	struct pci_bus *b = p->dev.m->pci;
	if (!memcmp(b->link_irq, p->config + CFG_PIRQRC, sizeof(b->link_irq)))
		return;
	memcpy(b->link_irq, p->config + CFG_PIRQRC, sizeof(b->link_irq));
	pci_links_changed(p->dev.m);
}

static void config_written(struct pci_dev *p, unsigned off, unsigned len)
{
	links_update(p);
}

static int piix3_init(struct dev *d, const struct dev_def *def, struct err *e)
{
	static const struct pci_id id = {.vendor = 0x8086,
					 .device = 0x7000,
					 .subvendor = 0x1af4,
					 .subdevice = 0x1100,
					 .class_rev = 0x06010000};
	struct pci_dev *p = &((struct piix3 *)d)->pci;
	int rc = pci_dev_init(p, def, &id, e);
	if (rc)
		return rc;
	p->config[0x0e] = 0x80; /* multi-function, whoever of the others is there */
	memset(p->wmask + 0x40, 0xff, 0xc0);
	memset(p->wmask + CFG_PIRQRC, 0x8f, 4);
	p->config_written = config_written;
	return 0;
}

static void piix3_reset(struct dev *d)
{
	struct pci_dev *p = &((struct piix3 *)d)->pci;
	pci_dev_reset(p);
	memset(p->config + CFG_PIRQRC, 0x80, 4);
	links_update(p);
}

static void piix3_dump(const struct dev *d, FILE *f)
{
	const uint8_t *l = d->m->pci->link_irq;
	fprintf(f, "links %02x %02x %02x %02x\n", l[0], l[1], l[2], l[3]);
}

static void piix3_done(struct dev *d)
{
	pci_dev_done(&((struct piix3 *)d)->pci);
}

const struct dev_type piix3_type = {
	.model = "piix3",
	.summary = "ISA bridge: routes the PCI interrupt links (PIIX3)",
	.bus = DEV_BUS_PCI,
	.size = sizeof(struct piix3),
	.init = piix3_init,
	.reset = piix3_reset,
	.dump = piix3_dump,
	.done = piix3_done,
};
