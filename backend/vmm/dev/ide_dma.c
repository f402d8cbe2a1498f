/* The bus master of the IDE function. (Intel 82371SB data sheet, 2.7; Programming Interface for Bus Master
 * IDE Controller 1.0)
 *
 * Each channel has eight ports in BAR 4: command, status, and the address of a table of physical regions,
 * whose last entry carries a mark. An entry is read once, when its turn comes; what it says is checked by
 * gm_ptr(). The address of the table wraps within 64 KiB as the hardware's does; a length of 0 is 64 KiB. */
#include <errno.h>
#include <string.h>

#include "backend/vmm/dev/ide_drive.h"
#include "src/base/cleanup.h"

enum {
	BM_COMMAND = 0,
	BM_STATUS = 2,
	BM_TABLE = 4,
	BM_CHANNEL = 8,

	COMMAND_START = 0x01,
	COMMAND_MASK = 0x09,
	STATUS_ACTIVE = 0x01,
	STATUS_ERROR = 0x02,
	STATUS_INTERRUPT = 0x04,
	STATUS_CAPABLE = 0x60, /* drives 0 and 1 can do DMA: the BIOS's to set, stored only */

	PRD_LEN = 8,
	PRD_LAST = 0x80,
	PCI_COMMAND = 0x04,
	PCI_MASTER = 0x04,
};

/* The table */

/* Take entries until they hold @want bytes. -EFAULT: the table does not lie in memory. */
static int fetch(struct ide_channel *ch, uint64_t want)
{
	const struct pci_dev *p = &ch->ide->pci;
	if (!(p->config[PCI_COMMAND] & PCI_MASTER))
		return -EFAULT;
	while (!ch->prd_end && ch->prd_bytes < want && ch->nprds < IDE_PRDS) {
		uint8_t raw[PRD_LEN];
		if (gm_read(&p->dev.m->mem, ch->prd_at, raw, sizeof(raw)))
			return -EFAULT;
		uint32_t len = pci_get16(raw + 4) & 0xfffe;
		struct ide_prd *e = &ch->prds[ch->nprds++];
		e->addr = pci_get32(raw) & ~1u;
		e->len = len ? len : 0x10000;
		ch->prd_bytes += e->len;
		ch->prd_at = (ch->prd_at & 0xffff0000u) | ((ch->prd_at + PRD_LEN) & 0xffff);
		ch->prd_end = raw[7] & PRD_LAST;
	}
	return 0;
}

static int failed(struct ide_channel *ch, bool error)
{
	ch->bm_status &= (uint8_t)~STATUS_ACTIVE;
	if (error)
		ch->bm_status |= STATUS_ERROR;
	return -EIO;
}

int ide_dma_map(struct ide_drive *d, uint64_t want, bool to_guest, unsigned *niov, uint64_t *got)
{
	struct ide_channel *ch = d->ch;
	const struct memory *mem = &ch->ide->pci.dev.m->mem;
	unsigned used = 0, n = 0;
	if (fetch(ch, want)) {
		guest_error(&ch->ide->pci.dev, "channel %u: the DMA table is not in memory",
			    d == ch->drives ? 0u : 1u);
		return failed(ch, true);
	}
	uint64_t total = want;
	if (ch->prd_bytes < want)
		total = ch->prd_bytes - ch->prd_bytes % IDE_SECTOR;
	if (!total)
		return failed(ch, false); /* the table is shorter than the transfer */
	for (uint64_t left = total; left;) {
		struct ide_prd *e = &ch->prds[used];
		uint32_t len = left < e->len ? (uint32_t)left : e->len;
		uint8_t *p = gm_ptr(mem, e->addr, len, to_guest);
		if (!p) {
			guest_error(&ch->ide->pci.dev, "DMA of %u bytes at 0x%x is not in memory", len,
				    e->addr);
			return failed(ch, true);
		}
		ch->iov[n++] = (struct iovec){p, len};
		e->addr += len;
		e->len -= len;
		left -= len;
		used += !e->len;
	}
	ch->nprds -= used;
	memmove(ch->prds, ch->prds + used, ch->nprds * sizeof(ch->prds[0]));
	ch->prd_bytes -= total;
	*niov = n;
	*got = total;
	return 0;
}

int ide_dma_copy(struct ide_drive *d, uint32_t len)
{
	struct ide_channel *ch = d->ch;
	const uint8_t *from = ch->buf;
	while (len) {
		unsigned niov;
		uint64_t got, want = len;
		int rc = fetch(ch, want);
		/* unlike a sector's, these bytes may end anywhere */
		if (!rc && ch->prd_bytes && ch->prd_bytes < want)
			want = ch->prd_bytes;
		rc = ide_dma_map(d, want, true, &niov, &got);
		if (rc)
			return rc;
		for (unsigned i = 0; i < niov; i++) {
			memcpy(ch->iov[i].iov_base, from, ch->iov[i].iov_len);
			from += ch->iov[i].iov_len;
			len -= (uint32_t)ch->iov[i].iov_len;
		}
	}
	return 0;
}

void ide_dma_ended(struct ide_channel *ch)
{
	if (ch->prd_end && !ch->nprds)
		ch->bm_status &= (uint8_t)~STATUS_ACTIVE;
}

void ide_dma_stopped(struct ide_channel *ch)
{
	ch->bm_status &= (uint8_t)~STATUS_ACTIVE;
	ch->active->tf.error = IDE_ABRT;
	ide_idle(ch->active, IDE_DRDY | IDE_DSC | IDE_ERR);
}

void ide_dma_wait(struct ide_drive *d, void (*next)(struct ide_drive *))
{
	struct ide_channel *ch = d->ch;
	ch->phase = IDE_DMA;
	ch->dma = true;
	ch->next = next;
	d->tf.status = IDE_BSY;
	if (ch->bm_status & STATUS_ACTIVE)
		next(d);
}

/* Registers */

static void start(struct ide_channel *ch)
{
	ch->bm_status |= STATUS_ACTIVE;
	ch->prd_at = ch->bm_table;
	ch->prd_end = false;
	ch->nprds = 0;
	ch->prd_bytes = 0;
	if (ch->phase == IDE_DMA)
		ch->next(ch->active);
}

/* A transfer that is stopped half-way is of no interest any more; guest memory is left alone when the active
 * bit reads 0. */
static void stop(struct ide_channel *ch)
{
	if (!ch->dma || ch->phase != IDE_IO) {
		ch->bm_status &= (uint8_t)~STATUS_ACTIVE;
	} else if (ch->waiting) {
		ch->waiting = false;
		ide_dma_stopped(ch);
	} else {
		ch->cancelled = true;
	}
}

static void bm_write_byte(struct ide_channel *ch, unsigned reg, uint8_t val)
{
	uint8_t was = ch->bm_command;
	switch (reg) {
	case BM_COMMAND:
		ch->bm_command = val & COMMAND_MASK;
		if (val & ~was & COMMAND_START)
			start(ch);
		else if (was & ~val & COMMAND_START)
			stop(ch);
		break;
	case BM_STATUS:
		ch->bm_status &= (uint8_t) ~(val & (STATUS_ERROR | STATUS_INTERRUPT));
		ch->bm_status = (uint8_t)((ch->bm_status & ~STATUS_CAPABLE) | (val & STATUS_CAPABLE));
		break;
	case BM_TABLE:
	case BM_TABLE + 1:
	case BM_TABLE + 2:
	case BM_TABLE + 3:
		ch->bm_table &= ~(0xffu << 8 * (reg - BM_TABLE));
		ch->bm_table |= (uint32_t)val << 8 * (reg - BM_TABLE);
		ch->bm_table &= ~3u;
		break;
	default:
		break;
	}
}

static uint8_t bm_read_byte(const struct ide_channel *ch, unsigned reg)
{
	switch (reg) {
	case BM_COMMAND:
		return ch->bm_command;
	case BM_STATUS:
		return ch->bm_status;
	case BM_TABLE:
	case BM_TABLE + 1:
	case BM_TABLE + 2:
	case BM_TABLE + 3:
		return (uint8_t)(ch->bm_table >> 8 * (reg - BM_TABLE));
	default:
		return 0xff;
	}
}

static uint64_t bm_read(struct dev *dev, uint64_t off, unsigned size)
{
	const struct ide *ide = (const struct ide *)dev;
	uint64_t val = 0;
	for (unsigned i = 0; i < size; i++) {
		unsigned at = (unsigned)off + i;
		val |= (uint64_t)bm_read_byte(&ide->ch[at / BM_CHANNEL % 2], at % BM_CHANNEL) << (8 * i);
	}
	return val;
}

static void bm_write(struct dev *dev, uint64_t off, unsigned size, uint64_t val)
{
	struct ide *ide = (struct ide *)dev;
	for (unsigned i = 0; i < size; i++) {
		unsigned at = (unsigned)off + i;
		struct ide_channel *ch = &ide->ch[at / BM_CHANNEL % 2];
		bm_write_byte(ch, at % BM_CHANNEL, (uint8_t)(val >> 8 * i));
		ide_kick(ch);
	}
}

static const struct region_ops bm_ops = {bm_read, bm_write};

void ide_bm_init(struct ide *ide)
{
	pci_bar_init(&ide->pci, 4, 2 * BM_CHANNEL, true, &bm_ops, "ide-bm");
}

void ide_bm_reset(struct ide_channel *ch)
{
	ch->bm_command = ch->bm_status = 0;
	ch->bm_table = ch->prd_at = 0;
	ch->nprds = 0;
	ch->prd_bytes = 0;
	ch->prd_end = false;
}
