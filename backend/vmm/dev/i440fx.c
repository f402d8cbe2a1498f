/* The host bridge 82441FX, function 00.0, with the way into configuration space (mechanism #1) and the reset
 * register. (Intel 82441FX data sheet, 3.1 and 3.2; PCI 3.0, 3.2.2.3.2; machine.md 1.3)
 *
 * PAM and SMRAM are storage: without firmware all of 0xC0000-0xFFFFF is RAM. Firmware knows the machine by
 * the subsystem id 1af4:1100 (machine.md, T5). */
#include "backend/vmm/dev/dev.h"
#include "backend/vmm/pci.h"

#include <string.h>

#define PORT_ADDRESS 0xcf8
#define PORT_DATA 0xcfc
#define CF9_TYPE 0x02  /* hard reset; only kept */
#define CF9_RESET 0x04 /* resets when it goes from 0 to 1 */
#define CFG_SMRAM 0x72

struct i440fx {
	struct pci_dev pci;
	uint8_t cf9;
	bool address_added, data_added;
};

/* CF8 is a register for whole 32-bit accesses; a byte at CF9 is the reset register (T10). */
static uint64_t address_read(struct dev *d, uint64_t off, unsigned size)
{
	if (off == 0 && size == 4)
		return d->m->pci->address;
	if (off == 1 && size == 1)
		return ((struct i440fx *)d)->cf9;
	return ~0ull;
}

static void address_write(struct dev *d, uint64_t off, unsigned size, uint64_t val)
{
	struct i440fx *h = (struct i440fx *)d;
	if (off == 0 && size == 4)
		d->m->pci->address = (uint32_t)val & 0x80fffffcu;
	if (off != 1 || size != 1)
		return;
	bool reset = (val & CF9_RESET) && !(h->cf9 & CF9_RESET);
	h->cf9 = (uint8_t)val & (CF9_TYPE | CF9_RESET);
	if (reset)
		machine_request(d->m, MACHINE_RESET, "the guest reset the machine (port CF9)");
}

static uint64_t data_read(struct dev *d, uint64_t off, unsigned size)
{
	struct pci_bus *b = d->m->pci;
	if (!(b->address >> 31) || (b->address >> 16 & 0xff))
		return ~0ull;
	return pci_config_read(b, b->address >> 11 & 31, b->address >> 8 & 7,
			       (b->address & 0xfc) + (unsigned)off, size);
}

static void data_write(struct dev *d, uint64_t off, unsigned size, uint64_t val)
{
	struct pci_bus *b = d->m->pci;
	if (b->address >> 31 && !(b->address >> 16 & 0xff))
		pci_config_write(b, b->address >> 11 & 31, b->address >> 8 & 7,
				 (b->address & 0xfc) + (unsigned)off, size, (uint32_t)val);
}

static const struct region_ops address_ops = {address_read, address_write};
static const struct region_ops data_ops = {data_read, data_write};

static int i440fx_init(struct dev *d, const struct dev_def *def, struct err *e)
{
	static const struct pci_id id = {.vendor = 0x8086,
					 .device = 0x1237,
					 .subvendor = 0x1af4,
					 .subdevice = 0x1100,
					 .class_rev = 0x06000002};
	struct i440fx *h = (struct i440fx *)d;
	int rc = pci_dev_init(&h->pci, def, &id, e);
	if (rc)
		return rc;
	memset(h->pci.wmask + 0x40, 0xff, 0xc0);
	if ((rc = bus_add(&d->m->pio, PORT_ADDRESS, 4, &address_ops, d, "pci-address", e)))
		return rc;
	h->address_added = true;
	rc = bus_add(&d->m->pio, PORT_DATA, 4, &data_ops, d, "pci-data", e);
	h->data_added = !rc;
	return rc;
}

static void i440fx_reset(struct dev *d)
{
	struct i440fx *h = (struct i440fx *)d;
	pci_dev_reset(&h->pci);
	h->pci.config[CFG_SMRAM] = 0x02;
	h->cf9 = 0;
	d->m->pci->address = 0;
}

static void i440fx_dump(const struct dev *d, FILE *f)
{
	fprintf(f, "address %08x cf9 %02x\n", d->m->pci->address, ((const struct i440fx *)d)->cf9);
}

static void i440fx_done(struct dev *d)
{
	struct i440fx *h = (struct i440fx *)d;
	if (h->address_added)
		bus_remove(&d->m->pio, PORT_ADDRESS);
	if (h->data_added)
		bus_remove(&d->m->pio, PORT_DATA);
	pci_dev_done(&h->pci);
}

const struct dev_type i440fx_type = {
	.model = "i440fx",
	.summary = "host bridge: PCI configuration and the reset register (82441FX)",
	.bus = DEV_BUS_PCI,
	.size = sizeof(struct i440fx),
	.init = i440fx_init,
	.reset = i440fx_reset,
	.dump = i440fx_dump,
	.done = i440fx_done,
};
