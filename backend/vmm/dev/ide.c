/* The IDE function of the PIIX3 (00:01.1): two channels of two drives at their old places, 1F0h/3F6h on IRQ
 * 14 and 170h/376h on IRQ 15. (Intel 82371SB data sheet, 2.3 and 2.7; ATA/ATAPI-6, T13 1410D; machine.md 1.3
 * and 1.4)
 *
 * Theory of operation. A write to the command register starts a command of the selected drive (ata.c,
 * atapi.c). What it needs of the image goes to the block layer; the drive is busy until that came back, and
 * then asks for the guest's next move by DRQ and an interrupt. What the host has in its memory is there
 * before the register write ends. While a drive is busy the channel ignores register writes, but for a reset:
 * the busy bit stays until what is in flight has come back, then the drives take their signatures. A disk of
 * the host that is full pauses the guest; the request is submitted again, from where it stopped, when the
 * guest goes on.
 *
 * A drive that is not there beside one that is reads as zeros, since that one answers for it. A channel
 * without drives is a cable that nobody drives: all ones, but for bit 7, which the host pulls down so that it
 * is not taken for busy (ATA-6, 9.1 and annex E.2; a guest that read "not busy" and waited for an answer
 * would do so until its time is over). Timings are stored, not kept. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/vmm/dev/dev.h"
#include "backend/vmm/dev/ide_drive.h"
#include "src/base/cleanup.h"
#include "src/base/log.h"

enum { REG_DATA, REG_ERROR, REG_COUNT, REG_LBA0, REG_LBA1, REG_LBA2, REG_DEVICE, REG_STATUS };

enum {
	CFG_IDETIM = 0x40, /* two words, bit 15: the channel is decoded */
	CFG_TIMINGS_END = 0x48,

	DEVICE_FIXED = 0xa0,
	FLOATING = 0x7f,
	COMMAND_DEVICE_RESET = 0x08,
	COMMAND_DIAGNOSTIC = 0x90,
	DIAGNOSTIC_PASSED = 0x01,
};

static const uint16_t command_ports[2] = {0x1f0, 0x170}, control_ports[2] = {0x3f6, 0x376};

static struct ide_drive *selected(struct ide_channel *ch)
{
	return &ch->drives[ch->selected];
}

static bool empty(const struct ide_channel *ch)
{
	return !ch->drives[0].disk && !ch->drives[1].disk;
}

/* Registers */

static void moved(struct ide_channel *ch)
{
	ch->active->tf.status &= (uint8_t)~IDE_DRQ;
	ch->next(ch->active);
	ide_kick(ch);
}

static uint64_t data_read(struct ide_channel *ch, unsigned size)
{
	uint64_t val = 0;
	if (empty(ch))
		return 0x7f7f7f7f7f7f7f7full & ~0ull >> (64 - 8 * size);
	if (ch->phase != IDE_PIO_IN || ch->active != selected(ch))
		return ~0ull;
	uint32_t have = ch->end - ch->pos, n = size < have ? size : have;
	memcpy(&val, ch->buf + ch->pos, n);
	ch->pos += n;
	if (n == have)
		moved(ch);
	return val;
}

static void data_write(struct ide_channel *ch, unsigned size, uint64_t val)
{
	if (ch->phase != IDE_PIO_OUT || ch->active != selected(ch))
		return;
	uint32_t have = ch->end - ch->pos, n = size < have ? size : have;
	memcpy(ch->buf + ch->pos, &val, n);
	ch->pos += n;
	if (n == have)
		moved(ch);
}

static uint8_t reg_read(struct ide_channel *ch, unsigned reg)
{
	struct ide_drive *d = selected(ch);
	const struct ide_taskfile *t = &d->tf;
	bool hob = ch->control & IDE_HOB;
	if (empty(ch))
		return FLOATING;
	if (!d->disk)
		return 0;
	switch (reg) {
	case REG_ERROR:
		return t->error;
	case REG_COUNT:
		return hob ? t->hob_count : t->count;
	case REG_LBA0:
	case REG_LBA1:
	case REG_LBA2:
		return hob ? t->hob_lba[reg - REG_LBA0] : t->lba[reg - REG_LBA0];
	case REG_DEVICE:
		return t->device | DEVICE_FIXED;
	default:
		return t->status;
	}
}

/* Both drives see a write; only the selected one acts on commands. */
static void reg_write(struct ide_channel *ch, unsigned reg, uint8_t val)
{
	ch->control &= (uint8_t)~IDE_HOB;
	if (reg == REG_DEVICE)
		ch->selected = !!(val & IDE_DRIVE1);
	for (unsigned i = 0; i < 2; i++) {
		struct ide_taskfile *t = &ch->drives[i].tf;
		if (reg == REG_ERROR) {
			t->hob_feature = t->feature;
			t->feature = val;
		} else if (reg == REG_COUNT) {
			t->hob_count = t->count;
			t->count = val;
		} else if (reg == REG_DEVICE) {
			t->device = val;
		} else {
			t->hob_lba[reg - REG_LBA0] = t->lba[reg - REG_LBA0];
			t->lba[reg - REG_LBA0] = val;
		}
	}
}

static void diagnose(struct ide_channel *ch)
{
	ch->selected = 0;
	for (unsigned i = 0; i < 2; i++) {
		struct ide_drive *d = &ch->drives[i];
		d->tf.error = DIAGNOSTIC_PASSED;
		d->tf.status = d->cd ? 0 : IDE_DRDY | IDE_DSC;
		d->tf.device = 0;
		ide_signature(d);
	}
	ide_interrupt(ch);
}

static void command(struct ide_channel *ch, uint8_t code)
{
	struct ide_drive *d = selected(ch);
	ch->control &= (uint8_t)~IDE_HOB;
	ch->intrq = false;
	ide_line_update(ch);
	if (ch->active) /* one that the guest has lost interest in */
		ch->active->tf.status &= (uint8_t)~IDE_DRQ;
	ch->phase = IDE_IDLE;
	ch->dma = false;
	if (empty(ch))
		return;
	if (code == COMMAND_DIAGNOSTIC) {
		diagnose(ch);
		return;
	}
	if (!d->disk)
		return;
	ch->active = d;
	ch->pos = ch->end = 0;
	d->tf.error = 0;
	if (d->cd)
		atapi_command(d, code);
	else
		ata_command(d, code);
	ide_kick(ch);
}

static bool busy(const struct ide_channel *ch)
{
	return ch->phase == IDE_IO || ch->phase == IDE_DMA || (ch->control & IDE_SRST);
}

static uint64_t command_read(struct ide_channel *ch, uint64_t off, unsigned size)
{
	if (off == REG_DATA)
		return data_read(ch, size);
	uint8_t val = reg_read(ch, (unsigned)off);
	if (off == REG_STATUS && ch->intrq) {
		ch->intrq = false;
		ide_line_update(ch);
	}
	return val;
}

static void command_write(struct ide_channel *ch, uint64_t off, unsigned size, uint64_t val)
{
	if (off == REG_DATA)
		data_write(ch, size, val);
	else if (busy(ch)) {
		if (off == REG_STATUS && val == COMMAND_DEVICE_RESET && selected(ch)->cd) {
			ide_channel_abandon(ch);
			if (!ch->reset_pending)
				ide_channel_reset(ch);
		}
	} else if (off == REG_STATUS)
		command(ch, (uint8_t)val);
	else
		reg_write(ch, (unsigned)off, (uint8_t)val);
}

static void control_write(struct ide_channel *ch, uint8_t val)
{
	uint8_t was = ch->control;
	ch->control = val & (IDE_NIEN | IDE_SRST | IDE_HOB);
	if (val & ~was & IDE_SRST)
		ide_channel_abandon(ch);
	else if (was & ~val & IDE_SRST && !ch->reset_pending)
		ide_channel_reset(ch);
	ide_line_update(ch);
}

#define CHANNEL_OPS(n)                                                                                       \
	static uint64_t command_read##n(struct dev *d, uint64_t off, unsigned size)                          \
	{                                                                                                    \
		return command_read(&((struct ide *)d)->ch[n], off, size);                                   \
	}                                                                                                    \
	static void command_write##n(struct dev *d, uint64_t off, unsigned size, uint64_t val)               \
	{                                                                                                    \
		command_write(&((struct ide *)d)->ch[n], off, size, val);                                    \
	}                                                                                                    \
	static uint64_t control_read##n(struct dev *d, uint64_t off, unsigned size)                          \
	{                                                                                                    \
		return reg_read(&((struct ide *)d)->ch[n], REG_STATUS);                                      \
	}                                                                                                    \
	static void control_write##n(struct dev *d, uint64_t off, unsigned size, uint64_t val)               \
	{                                                                                                    \
		control_write(&((struct ide *)d)->ch[n], (uint8_t)val);                                      \
	}

CHANNEL_OPS(0)
CHANNEL_OPS(1)

static const struct region_ops command_ops[2] = {{command_read0, command_write0},
						 {command_read1, command_write1}};
static const struct region_ops control_ops[2] = {{control_read0, control_write0},
						 {control_read1, control_write1}};

/* Life */

static int channel_init(struct ide *ide, unsigned i, struct err *e)
{
	static const char *const names[2] = {"ide0", "ide1"};
	struct ide_channel *ch = &ide->ch[i];
	struct machine *m = ide->pci.dev.m;
	ch->ide = ide;
	for (unsigned k = 0; k < 2; k++)
		ch->drives[k].ch = ch;
	irq_line_init(&ch->line, &m->irq, 14 + i);
	if (posix_memalign((void **)&ch->buf, 4096, IDE_BUF_BYTES))
		return err_set(e, ENOMEM, "%s: out of memory", names[i]);
	int rc = bus_add(&m->pio, command_ports[i], 8, &command_ops[i], &ide->pci.dev, names[i], e);
	if (rc)
		return rc;
	rc = bus_add(&m->pio, control_ports[i], 1, &control_ops[i], &ide->pci.dev, names[i], e);
	if (rc)
		bus_remove(&m->pio, command_ports[i]);
	ch->added = !rc;
	return rc;
}

static int ide_init(struct dev *dev, const struct dev_def *def, struct err *e)
{
	static const struct pci_id id = {.vendor = 0x8086,
					 .device = 0x7010,
					 .subvendor = 0x1af4,
					 .subdevice = 0x1100,
					 .class_rev = 0x01018000};
	struct ide *ide = (struct ide *)dev;
	ide->tray_fd = -1;
	int rc = pci_dev_init(&ide->pci, def, &id, e);
	memset(ide->pci.wmask + CFG_IDETIM, 0xff, CFG_TIMINGS_END - CFG_IDETIM);
	for (unsigned i = 0; i < 2 && !rc; i++)
		rc = channel_init(ide, i, e);
	ide_bm_init(ide);
	return rc;
}

/* Channels are decoded from the beginning: direct boot has nobody who would switch that on. */
static void ide_reset(struct dev *dev)
{
	struct ide *ide = (struct ide *)dev;
	ide->resetting = true;
	pci_dev_reset(&ide->pci);
	ide->pci.config[CFG_IDETIM + 1] = ide->pci.config[CFG_IDETIM + 3] = 0x80;
	for (unsigned i = 0; i < 2; i++) {
		struct ide_channel *ch = &ide->ch[i];
		ide_channel_abandon(ch);
		if (ch->cancelled)
			blk_drain(&ch->io_medium->blk);
		ch->control = 0;
		ch->active = NULL;
		ide_bm_reset(ch);
		for (unsigned k = 0; k < 2; k++)
			if (ch->drives[k].disk) /* power-on, more than what SRST resets */
				ch->drives[k].transfer_mode = 0x22;
		ide_channel_reset(ch);
		ide_line_update(ch);
	}
	ide->resetting = false;
}

static void ide_resumed(struct dev *dev)
{
	for (unsigned i = 0; i < 2; i++) {
		struct ide_channel *ch = &((struct ide *)dev)->ch[i];
		if (!ch->waiting)
			continue;
		ch->waiting = false;
		blk_submit(&ch->io_medium->blk, &ch->io);
		blk_kick(&ch->io_medium->blk);
	}
}

static void ide_dump(const struct dev *dev, FILE *f)
{
	static const char *const phases[] = {"idle", "PIO in", "PIO out", "DMA", "I/O"};
	for (unsigned i = 0; i < 4; i++) {
		const struct ide_channel *ch = &((const struct ide *)dev)->ch[i / 2];
		const struct ide_drive *d = &ch->drives[i % 2];
		if (d->disk)
			fprintf(f, "%u %s %s status %02x error %02x, channel %s, bus master %02x/%02x\n", i,
				d->cd ? "CD-ROM" : "disk", d->disk->target, d->tf.status, d->tf.error,
				phases[ch->phase], ch->bm_command, ch->bm_status);
	}
}

static void ide_done_dev(struct dev *dev)
{
	struct ide *ide = (struct ide *)dev;
	ide->resetting = true;
	for (unsigned i = 0; i < 2; i++) {
		struct ide_channel *ch = &ide->ch[i];
		ch->cancelled = ch->reset_pending = ch->phase == IDE_IO;
		for (unsigned k = 0; k < 2; k++)
			ide_medium_done(ide, ch->drives[k].medium);
		if (ch->line.irq) {
			ch->intrq = false;
			ide_line_update(ch);
		}
		if (ch->added) {
			bus_remove(&dev->m->pio, command_ports[i]);
			bus_remove(&dev->m->pio, control_ports[i]);
		}
		free(ch->buf);
	}
	while (ide->leaving) {
		struct ide_medium *m = ide->leaving;
		ide->leaving = m->next;
		ide_medium_done(ide, m);
	}
	machine_unwatch(dev->m, &ide->tray_watch);
	fd_close(ide->tray_fd);
	pci_dev_done(&ide->pci);
}

const struct dev_type piix3_ide_type = {
    .model = "piix3-ide",
    .summary = "IDE controller: disks and CD-ROM drives (PIIX3)",
    .bus = DEV_BUS_PCI,
    .size = sizeof(struct ide),
    .init = ide_init,
    .reset = ide_reset,
    .resumed = ide_resumed,
    .dump = ide_dump,
    .done = ide_done_dev,
};
