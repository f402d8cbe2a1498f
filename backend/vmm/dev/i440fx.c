/* The host bridge 82441FX, function 00.0, with the way into configuration space (mechanism #1) and the reset
 * register. (Intel 82441FX data sheet, 3.1 and 3.2; PCI 3.0, 3.2.2.3.2; machine.md 1.3)
 *
 * Without firmware PAM is storage and all of 0xC0000-0xFFFFF is RAM. SMRAM always is: there is no SMM.
 * Firmware knows the machine by the subsystem id 1af4:1100 (machine.md, T5). */
#include <string.h>

#include "backend/vmm/boot/firmware.h"
#include "backend/vmm/dev/dev.h"
#include "backend/vmm/pci.h"

#define PORT_ADDRESS 0xcf8
#define PORT_DATA 0xcfc
#define CF9_TYPE 0x02  /* hard reset; only kept */
#define CF9_RESET 0x04 /* resets when it goes from 0 to 1 */
#define CFG_PAM 0x59
#define CFG_PAM_LAST 0x5f
#define CFG_SMRAM 0x72
#define PAM_BASE 0xC0000ull
#define PAM_STEP 0x4000u
#define PAM_END 0x100000ull
#define PAM_SEGMENTS 13

enum pam_mode { PAM_ROM, PAM_READ, PAM_WRITE, PAM_RAM }; /* read enable is bit 0, write enable bit 1 */

/* Names of overlays, by their first segment. */
static const char *const pam_names[PAM_SEGMENTS] = {
	"pam C0000", "pam C4000", "pam C8000", "pam CC000", "pam D0000", "pam D4000", "pam D8000",
	"pam DC000", "pam E0000", "pam E4000", "pam E8000", "pam EC000", "pam F0000",
};

struct i440fx {
	struct pci_dev pci;
	uint8_t cf9;
	enum pam_mode pam[PAM_SEGMENTS]; /* as they are laid */
	bool pam_laid;
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

/* --- PAM: what 0xC0000-0xFFFFF shows ---
 * Twelve segments of 16 KiB and one of 64. Each reads from the ROM or from RAM, and writes go to RAM or
 * nowhere. Neighbours of one kind share an overlay, so that few slots come and go. */

/* Segment @i of 0xC0000...: in the low nibble of register 5Ah + i / 2, odd ones in the high; the last is in
 * 59h's. */
static enum pam_mode pam_wanted(const struct pci_dev *p, unsigned i)
{
	bool last = i == PAM_SEGMENTS - 1;
	uint8_t v = p->config[last ? CFG_PAM : CFG_PAM + 1 + i / 2];
	return (i % 2 || last ? v >> 4 : v) & 3;
}

static uint64_t pam_gpa(unsigned i)
{
	return i == PAM_SEGMENTS ? PAM_END : PAM_BASE + i * PAM_STEP;
}

/* Where the ROM's byte for @gpa is; NULL: nothing is there. */
static uint8_t *rom_at(const struct firmware *f, uint64_t gpa)
{
	uint64_t from_end = PAM_END - gpa;
	return from_end <= FIRMWARE_LOW_BYTES && from_end <= f->bytes ? f->image + f->bytes - from_end : NULL;
}

/* "Read the ROM, write RAM" is no slot: the ROM is copied to the RAM behind it, which then takes both. */
static void pam_copy(const struct machine *m, unsigned i)
{
	uint8_t *rom = rom_at(m->firmware, pam_gpa(i));
	if (rom)
		memcpy(m->mem.ram + pam_gpa(i), rom, pam_gpa(i + 1) - pam_gpa(i));
}

/* Segments [first, end) are of one kind. */
static void pam_lay(struct machine *m, unsigned first, unsigned end, enum pam_mode mode)
{
	uint64_t gpa = pam_gpa(first), len = pam_gpa(end) - gpa;
	if (mode == PAM_ROM)
		memory_overlay(&m->mem, pam_names[first], gpa, len, rom_at(m->firmware, gpa), MEM_READONLY);
	else if (mode == PAM_READ)
		memory_overlay(&m->mem, pam_names[first], gpa, len, m->mem.ram + gpa, MEM_READONLY);
}

static void pam_relay(struct i440fx *h)
{
	struct machine *m = h->pci.dev.m;
	for (unsigned i = 0; i < PAM_SEGMENTS; i++)
		memory_overlay_remove(&m->mem, pam_names[i]);
	for (unsigned first = 0, end; first < PAM_SEGMENTS; first = end) {
		bool rom = rom_at(m->firmware, pam_gpa(first));
		for (end = first + 1; end < PAM_SEGMENTS && h->pam[end] == h->pam[first]; end++)
			if (h->pam[first] == PAM_ROM && rom != (rom_at(m->firmware, pam_gpa(end)) != NULL))
				break;
		pam_lay(m, first, end, h->pam[first]);
	}
	int rc = memory_commit(&m->mem);
	if (rc)
		guest_error(&h->pci.dev, "PAM: %s", strerror(-rc));
}

static void pam_update(struct i440fx *h)
{
	const struct machine *m = h->pci.dev.m;
	bool changed = !h->pam_laid;
	if (!m->firmware)
		return;
	for (unsigned i = 0; i < PAM_SEGMENTS; i++) {
		enum pam_mode mode = pam_wanted(&h->pci, i);
		changed |= mode != h->pam[i];
		if (mode == PAM_WRITE && h->pam[i] == PAM_ROM)
			pam_copy(m, i);
		h->pam[i] = mode;
	}
	if (changed)
		pam_relay(h);
	h->pam_laid = true;
}

static void config_written(struct pci_dev *p, unsigned off, unsigned len)
{
	if (off + len > CFG_PAM && off <= CFG_PAM_LAST)
		pam_update((struct i440fx *)p);
}

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
	h->pci.config_written = config_written;
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
	memset(h->pci.config + 0x40, 0, 0xc0);
	h->pci.config[CFG_SMRAM] = 0x02;
	pam_update(h);
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
