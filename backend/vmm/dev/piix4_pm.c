/* Power management of the PIIX4, function 01.3: ACPI's fixed registers, timer and SCI, the APM ports, and an
 * SMBus on which nobody answers.
 * (Intel 82371AB data sheet, 7 and 11; ACPI 6.4, 4.8; machine.md 1.3 and 1.4)
 *
 * The fixed registers lie where PMBA (config 40h) says while PMREGMISC.PMIOSE (80h) is set; firmware and
 * direct boot choose different places. GPE0 is at AFE0h. The 24-bit timer runs on the machine's clock; its
 * status is found when it is looked at, and by a timer while the guest has enabled its interrupt. The SCI is
 * GSI 9, active high, and silent until PM1_CNT.SCI_EN is set (before that these events would be SMIs, which
 * there are none of). Sleep type 0 is S5, the only one. */
#include "backend/vmm/dev/piix4_pm.h"

#include <errno.h>
#include <string.h>

#include "backend/vmm/boot/acpi.h"
#include "backend/vmm/dev/dev.h"
#include "backend/vmm/pci.h"
#include "backend/vmm/timer.h"

#define PM_TIMER_HZ 3579545u
#define PM_TIMER_HALF (1u << 23) /* TMR_STS is set each time this bit changes */
#define PM_LEN 64
#define SMB_LEN 16
#define SCI_GSI 9
#define APM_PORT 0xb2
#define GPE0_PORT 0xafe0

enum {
	CFG_PMBA = 0x40,
	CFG_DEVACTB3 = 0x5b, /* bit 1: APMC_EN; firmware takes it for "SMM is set up" (machine.md, T4) */
	CFG_PMREGMISC = 0x80,
	CFG_SMBBA = 0x90,
	CFG_SMBHSTCFG = 0xd2,

	PM1_STS = 0,
	PM1_EN = 2,
	PM1_CNT = 4,
	PM_TMR = 8,

	TMR_STS = 0x0001,
	GBL_STS = 0x0020,
	PWRBTN_STS = 0x0100,
	RTC_STS = 0x0400,
	WAK_STS = 0x8000,
	STS_MASK = 0x8d31, /* bus master, sleep button and the ones above: written 1 to clear */
	EN_MASK = TMR_STS | GBL_STS | PWRBTN_STS | RTC_STS,

	CNT_SCI_EN = 0x0001,
	CNT_MASK = 0x1c03, /* SLP_TYP, BM_RLD, SCI_EN stay; GBL_RLS and SLP_EN read as 0 */
	CNT_SLP_EN = 0x2000,

	SMB_HSTSTS = 0,
	SMB_HSTCNT = 2,
	SMB_REGS = 8,       /* the rest of its 16 ports is the slave's, which is off */
	SMB_STS_MASK = 0x1e, /* INTER, DEV_ERR, BUS_ERR, FAILED: written 1 to clear */
	SMB_DEV_ERR = 0x04,
	SMB_START = 0x40,
	SMB_INTEREN = 0x01,

	APM_ENABLE = 0xf1, /* FADT's ACPI_ENABLE and ACPI_DISABLE */
	APM_DISABLE = 0xf0,
};

struct piix4_pm {
	struct pci_dev pci;
	struct irq_line sci;
	struct timer timer;
	bool apm_added, gpe_added;
	uint16_t base;       /* where the registers are on the bus, 0 = nowhere */
	uint16_t smb_base;   /* and those of the SMBus host controller */
	uint8_t smb[SMB_REGS];
	uint16_t sts, en, cnt;
	uint64_t tmr_seen;   /* half periods of the timer that are in TMR_STS already */
	uint8_t apm[2];
	uint8_t gpe[4];      /* two bytes of status, two of enables */
};

static uint64_t ticks(const struct piix4_pm *p)
{
	return (uint64_t)((unsigned __int128)machine_now(p->pci.dev.m) * PM_TIMER_HZ / 1000000000u);
}

static void update(struct piix4_pm *p)
{
	uint64_t half = ticks(p) / PM_TIMER_HALF;
	if (half > p->tmr_seen)
		p->sts |= TMR_STS;
	p->tmr_seen = half;
	bool event = (p->sts & p->en & EN_MASK) || (p->gpe[0] & p->gpe[2]) || (p->gpe[1] & p->gpe[3]);
	bool smb = (p->smb[SMB_HSTSTS] & SMB_STS_MASK) && (p->smb[SMB_HSTCNT] & SMB_INTEREN);
	irq_line_set(&p->sci, (event && (p->cnt & CNT_SCI_EN)) || smb);
	if ((p->en & TMR_STS) && !(p->sts & TMR_STS)) {
		unsigned __int128 at = (unsigned __int128)(half + 1) * PM_TIMER_HALF * 1000000000u;
		timer_set(&p->timer, (uint64_t)(at / PM_TIMER_HZ) + 1);
	} else {
		timer_stop(&p->timer);
	}
}

static void pm_timer(void *ctx)
{
	update(ctx);
}

static void write_cnt(struct piix4_pm *p, uint16_t val)
{
	p->cnt = val & CNT_MASK;
	if (!(val & CNT_SLP_EN))
		return;
	unsigned type = val >> 10 & 7;
	if (type == 0)
		machine_request(p->pci.dev.m, MACHINE_POWEROFF, "the guest powered off (ACPI S5)");
	else
		guest_error(&p->pci.dev, "sleep type %u is not offered", type);
}

/* The register block byte by byte, for reads. */
static uint8_t pm_byte(const struct piix4_pm *p, unsigned off)
{
	uint32_t tmr = ticks(p) & 0xffffff;
	switch (off) {
	case PM1_STS:
	case PM1_STS + 1:
		return (uint8_t)(p->sts >> 8 * (off - PM1_STS));
	case PM1_EN:
	case PM1_EN + 1:
		return (uint8_t)(p->en >> 8 * (off - PM1_EN));
	case PM1_CNT:
	case PM1_CNT + 1:
		return (uint8_t)(p->cnt >> 8 * (off - PM1_CNT));
	case PM_TMR:
	case PM_TMR + 1:
	case PM_TMR + 2:
		return (uint8_t)(tmr >> 8 * (off - PM_TMR));
	default:
		return 0;
	}
}

static uint64_t pm_read(struct dev *d, uint64_t off, unsigned size)
{
	struct piix4_pm *p = (struct piix4_pm *)d;
	if (off == PM_TMR && size == 4) /* one reading of the clock */
		return ticks(p) & 0xffffff;
	update(p);
	uint64_t val = 0;
	for (unsigned i = 0; i < size; i++)
		val |= (uint64_t)pm_byte(p, (unsigned)off + i) << (8 * i);
	return val;
}

/* Each register takes the bytes of an access that fall on it; @mask says which. */
static void pm_write_reg(struct piix4_pm *p, unsigned reg, uint16_t val, uint16_t mask)
{
	switch (reg) {
	case PM1_STS:
		p->sts &= ~(val & mask & STS_MASK);
		break;
	case PM1_EN:
		p->en = ((p->en & ~mask) | (val & mask)) & EN_MASK;
		break;
	case PM1_CNT:
		write_cnt(p, (p->cnt & ~mask) | (val & mask));
		break;
	default:
		break;
	}
}

static void pm_write(struct dev *d, uint64_t off, unsigned size, uint64_t val)
{
	struct piix4_pm *p = (struct piix4_pm *)d;
	update(p);
	for (unsigned reg = off & ~1u; reg < off + size; reg += 2) {
		uint16_t word = 0, mask = 0;
		for (unsigned i = 0; i < 2; i++) {
			if (reg + i < off || reg + i >= off + size)
				continue;
			word |= (uint16_t)((val >> 8 * (reg + i - off) & 0xff) << 8 * i);
			mask |= (uint16_t)(0xff << 8 * i);
		}
		pm_write_reg(p, reg, word, mask);
	}
	update(p);
}

static const struct region_ops pm_ops = {.read = pm_read, .write = pm_write};

static uint64_t gpe_read(struct dev *d, uint64_t off, unsigned size)
{
	const struct piix4_pm *p = (struct piix4_pm *)d;
	uint64_t val = 0;
	for (unsigned i = 0; i < size && off + i < sizeof(p->gpe); i++)
		val |= (uint64_t)p->gpe[off + i] << (8 * i);
	return val;
}

static void gpe_write(struct dev *d, uint64_t off, unsigned size, uint64_t val)
{
	struct piix4_pm *p = (struct piix4_pm *)d;
	for (unsigned i = 0; i < size && off + i < sizeof(p->gpe); i++) {
		uint8_t byte = (uint8_t)(val >> 8 * i), *reg = &p->gpe[off + i];
		*reg = off + i < 2 ? *reg & ~byte : byte;
	}
	update(p);
}

static const struct region_ops gpe_ops = {.read = gpe_read, .write = gpe_write};

static uint64_t apm_read(struct dev *d, uint64_t off, unsigned size)
{
	const struct piix4_pm *p = (struct piix4_pm *)d;
	return size == 2 ? pci_get16(p->apm) : p->apm[off & 1];
}

static void apm_write(struct dev *d, uint64_t off, unsigned size, uint64_t val)
{
	struct piix4_pm *p = (struct piix4_pm *)d;
	for (unsigned i = 0; i < size && off + i < 2; i++)
		p->apm[off + i] = (uint8_t)(val >> 8 * i);
	if (off != 0)
		return;
	if ((uint8_t)val == APM_ENABLE)
		p->cnt |= CNT_SCI_EN;
	else if ((uint8_t)val == APM_DISABLE)
		p->cnt &= ~CNT_SCI_EN;
	update(p);
}

static const struct region_ops apm_ops = {.read = apm_read, .write = apm_write};

/* The SMBus host controller (data sheet, 7.3). No device is on the bus, so every command ends with DEV_ERR
 * before the guest can look. */
static uint64_t smb_read(struct dev *d, uint64_t off, unsigned size)
{
	const struct piix4_pm *p = (struct piix4_pm *)d;
	uint64_t val = 0;
	for (unsigned i = 0; i < size && off + i < SMB_REGS; i++)
		val |= (uint64_t)p->smb[off + i] << (8 * i);
	return val;
}

static void smb_write(struct dev *d, uint64_t off, unsigned size, uint64_t val)
{
	struct piix4_pm *p = (struct piix4_pm *)d;
	for (unsigned i = 0; i < size && off + i < SMB_REGS; i++) {
		uint8_t byte = (uint8_t)(val >> 8 * i);
		if (off + i == SMB_HSTSTS)
			p->smb[SMB_HSTSTS] &= (uint8_t)~(byte & SMB_STS_MASK);
		else
			p->smb[off + i] = byte;
		if (off + i == SMB_HSTCNT && (byte & SMB_START)) {
			p->smb[SMB_HSTCNT] &= (uint8_t)~SMB_START;
			p->smb[SMB_HSTSTS] |= SMB_DEV_ERR;
		}
	}
	update(p);
}

static const struct region_ops smb_ops = {.read = smb_read, .write = smb_write};

/* Move a block of ports to @want (0: off the bus). A place that is taken leaves them off the bus: the guest's
 * mistake. */
static void move(struct piix4_pm *p, uint16_t *base, uint16_t want, unsigned len, const struct region_ops *ops,
		 const char *name)
{
	struct bus *pio = &p->pci.dev.m->pio;
	struct err e;
	if (want == *base)
		return;
	if (*base)
		bus_remove(pio, *base);
	*base = 0;
	if (want && bus_add(pio, want, len, ops, &p->pci.dev, name, &e))
		guest_error(&p->pci.dev, "%s", e.msg);
	else
		*base = want;
}

/* Put the registers where config space says. */
static void map(struct piix4_pm *p)
{
	const uint8_t *c = p->pci.config;
	bool on = c[CFG_PMREGMISC] & 1, smb = c[CFG_SMBHSTCFG] & 1;
	move(p, &p->base, on ? pci_get16(c + CFG_PMBA) & 0xffc0 : 0, PM_LEN, &pm_ops, "piix4-pm");
	move(p, &p->smb_base, smb ? pci_get16(c + CFG_SMBBA) & 0xfff0 : 0, SMB_LEN, &smb_ops, "piix4-pm SMBus");
}

static void config_written(struct pci_dev *pci, unsigned off, unsigned len)
{
	map((struct piix4_pm *)pci);
}

/* The chip's own part of config space at power-on (data sheet, 7.1). */
static void config_defaults(struct piix4_pm *p)
{
	uint8_t *c = p->pci.config;
	memset(c + 0x40, 0, 0x100 - 0x40);
	c[CFG_PMBA] = 0x01;
	c[CFG_DEVACTB3] = 0x02;
	c[0x5f] = 0x90; /* DEVRESD, E, F: serial and parallel ports are decoded */
	c[0x63] = 0x60;
	c[0x67] = 0x98;
	c[CFG_SMBBA] = 0x01;
	c[CFG_SMBHSTCFG] = 0x09; /* SMBus interrupt is IRQ 9, host on */
}

static void config_masks(struct piix4_pm *p)
{
	uint8_t *w = p->pci.wmask;
	memset(w + 0x40, 0xff, 0x100 - 0x40);
	pci_put32(w + CFG_PMBA, 0xffc0);
	pci_put32(w + CFG_SMBBA, 0xfff0);
}

static int pm_init(struct dev *d, const struct dev_def *def, struct err *e)
{
	static const struct pci_id id = {.vendor = 0x8086,
					 .device = 0x7113,
					 .subvendor = 0x1af4,
					 .subdevice = 0x1100,
					 .class_rev = 0x06800003,
					 .pin = 1};
	struct piix4_pm *p = (struct piix4_pm *)d;
	irq_line_init(&p->sci, &d->m->irq, SCI_GSI);
	int rc = pci_dev_init(&p->pci, def, &id, e);
	if (rc)
		return rc;
	config_defaults(p);
	config_masks(p);
	p->pci.config_written = config_written;
	rc = timer_init(&p->timer, d->m, pm_timer, p, e);
	if (rc)
		return rc;
	rc = bus_add(&d->m->pio, APM_PORT, 2, &apm_ops, d, "piix4-pm APM", e);
	p->apm_added = !rc;
	if (rc)
		return rc;
	rc = bus_add(&d->m->pio, GPE0_PORT, 4, &gpe_ops, d, "piix4-pm GPE0", e);
	p->gpe_added = !rc;
	return rc;
}

static void pm_reset(struct dev *d)
{
	struct piix4_pm *p = (struct piix4_pm *)d;
	pci_dev_reset(&p->pci);
	config_defaults(p);
	p->pci.config[0x3c] = SCI_GSI;
	map(p);
	p->sts = p->en = p->cnt = 0;
	memset(p->apm, 0, sizeof(p->apm));
	memset(p->gpe, 0, sizeof(p->gpe));
	memset(p->smb, 0, sizeof(p->smb));
	p->tmr_seen = ticks(p) / PM_TIMER_HALF;
	update(p);
}

static void pm_dump(const struct dev *d, FILE *f)
{
	const struct piix4_pm *p = (const struct piix4_pm *)d;
	fprintf(f, "base %04x sts %04x en %04x cnt %04x gpe0 %02x%02x/%02x%02x sci %d\n", p->base, p->sts,
		p->en, p->cnt, p->gpe[1], p->gpe[0], p->gpe[3], p->gpe[2], p->sci.level);
}

static void pm_done(struct dev *d)
{
	struct piix4_pm *p = (struct piix4_pm *)d;
	timer_done(&p->timer);
	if (p->sci.irq)
		irq_line_set(&p->sci, false);
	if (p->base)
		bus_remove(&d->m->pio, p->base);
	if (p->smb_base)
		bus_remove(&d->m->pio, p->smb_base);
	if (p->apm_added)
		bus_remove(&d->m->pio, APM_PORT);
	if (p->gpe_added)
		bus_remove(&d->m->pio, GPE0_PORT);
	pci_dev_done(&p->pci);
}

void piix4_pm_setup(struct dev *d)
{
	struct piix4_pm *p = (struct piix4_pm *)d;
	pci_put16(&p->pci.config[CFG_PMBA], ACPI_PM_BASE | 1);
	p->pci.config[CFG_PMREGMISC] |= 1;
	pci_put16(&p->pci.config[CFG_SMBBA], ACPI_SMB_BASE | 1);
	map(p);
}

void piix4_pm_powerbutton(struct dev *d)
{
	struct piix4_pm *p = (struct piix4_pm *)d;
	p->sts |= PWRBTN_STS;
	update(p);
}

const struct dev_type piix4_pm_type = {
	.model = "piix4-pm",
	.summary = "power management: ACPI registers, power button, PM timer (PIIX4)",
	.bus = DEV_BUS_PCI,
	.size = sizeof(struct piix4_pm),
	.init = pm_init,
	.reset = pm_reset,
	.dump = pm_dump,
	.done = pm_done,
};
