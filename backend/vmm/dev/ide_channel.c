/* The engine of an IDE channel: how a command goes on and ends, interrupts, resets, and what comes back from
 * the block layer. ide.c has the registers. */
#include <errno.h>
#include <string.h>

#include "backend/vmm/dev/disk_error.h"
#include "backend/vmm/dev/ide_drive.h"
#include "src/base/cleanup.h"

enum { DIAGNOSTIC_PASSED = 0x01, BM_INTERRUPT = 0x04 };

/* Interrupts */

void ide_line_update(struct ide_channel *ch)
{
	bool level = ch->intrq && !(ch->control & IDE_NIEN);
	if (level && !ch->line.level)
		ch->bm_status |= BM_INTERRUPT;
	irq_line_set(&ch->line, level);
}

void ide_interrupt(struct ide_channel *ch)
{
	ch->intrq = true;
	ide_line_update(ch);
}

/* Steps of a command */

void ide_idle(struct ide_drive *d, uint8_t status)
{
	if (d->ch->dma)
		ide_dma_ended(d->ch);
	d->ch->phase = IDE_IDLE;
	d->ch->dma = false;
	d->tf.status = status;
}

void ide_done(struct ide_drive *d)
{
	ide_idle(d, IDE_DRDY | IDE_DSC);
	ide_interrupt(d->ch);
}

void ide_fail(struct ide_drive *d, uint8_t error)
{
	d->tf.error = error;
	ide_idle(d, IDE_DRDY | IDE_DSC | IDE_ERR);
	ide_interrupt(d->ch);
}

void ide_pio(struct ide_drive *d, enum ide_phase phase, uint32_t len, void (*next)(struct ide_drive *))
{
	struct ide_channel *ch = d->ch;
	ch->phase = phase;
	ch->end = ch->pos + len;
	ch->next = next;
	d->tf.status = IDE_DRDY | IDE_DSC | IDE_DRQ;
}

void ide_text(uint8_t *p, unsigned len, const char *text)
{
	size_t n = strnlen(text, len);
	for (unsigned i = 0; i < len; i++)
		p[i ^ 1] = i < n ? (uint8_t)text[i] : ' ';
}

/* Reset */

void ide_signature(struct ide_drive *d)
{
	struct ide_taskfile *t = &d->tf;
	t->count = t->lba[0] = 1;
	t->lba[1] = d->cd ? 0x14 : 0;
	t->lba[2] = d->cd ? 0xeb : 0;
	t->device &= IDE_DRIVE1;
}

static void drive_reset(struct ide_drive *d)
{
	if (!d->disk)
		return;
	d->tf = (struct ide_taskfile){.error = DIAGNOSTIC_PASSED, .status = d->cd ? 0 : IDE_DRDY | IDE_DSC};
	ide_signature(d);
	if (d->cd)
		atapi_reset(d);
	else
		ata_reset(d);
}

void ide_channel_reset(struct ide_channel *ch)
{
	ch->reset_pending = ch->cancelled = false;
	if (ch->control & IDE_SRST)
		return; /* when it ends */
	for (unsigned i = 0; i < 2; i++)
		drive_reset(&ch->drives[i]);
}

void ide_channel_abandon(struct ide_channel *ch)
{
	bool in_flight = ch->phase == IDE_IO && !ch->waiting;
	ch->waiting = false;
	ch->cancelled = ch->reset_pending = in_flight;
	if (!in_flight)
		ch->phase = IDE_IDLE;
	ch->dma = false;
	ch->intrq = false;
	ch->selected = 0;
	for (unsigned i = 0; i < 2; i++)
		ch->drives[i].tf.status = IDE_BSY;
	ide_line_update(ch);
}

/* The block layer */

static void account(const struct ide_channel *ch, enum blk_op op)
{
	struct stats_disk *s = ch->active->stats;
	uint64_t ns = machine_now(ch->ide->pci.dev.m) - ch->since_ns;
	if (op == BLK_READ) {
		stats_add(&s->rd_ops, 1);
		stats_add(&s->rd_bytes, ch->io_bytes);
		stats_add(&s->rd_ns, ns);
	} else if (op == BLK_WRITE) {
		stats_add(&s->wr_ops, 1);
		stats_add(&s->wr_bytes, ch->io_bytes);
		stats_add(&s->wr_ns, ns);
	} else if (op == BLK_DISCARD) {
		stats_add(&s->discard_ops, 1);
	} else {
		stats_add(&s->fl_ops, 1);
		stats_add(&s->fl_ns, ns);
	}
}

static void io_done(struct blk_req *r, int result)
{
	struct ide_channel *ch = CONTAINER_OF(r, struct ide_channel, io);
	struct ide_drive *d = ch->active;
	struct machine *m = ch->ide->pci.dev.m;
	if (blk_full(r, result) && !ch->cancelled && !ch->ide->resetting) {
		ch->waiting = true;
		disk_pause(m, r->blk, r, result);
		return;
	}
	if (result) {
		stats_add(&d->stats->errors, 1);
		disk_failed(m, d->stats, r->blk, r, result);
	} else {
		account(ch, r->op);
	}
	ch->phase = IDE_IDLE;
	if (ch->reset_pending)
		ide_channel_reset(ch);
	else if (ch->cancelled) { /* the bus master was stopped */
		ch->cancelled = false;
		ide_dma_stopped(ch);
	} else {
		ch->io_next(d, d->medium == ch->io_medium ? result : -ENOMEDIUM);
	}
}

void ide_io(struct ide_drive *d, enum blk_op op, uint64_t off, uint64_t len, unsigned niov,
	    void (*next)(struct ide_drive *, int))
{
	struct ide_channel *ch = d->ch;
	ch->phase = IDE_IO;
	d->tf.status = IDE_BSY;
	ch->io_next = next;
	ch->io_medium = d->medium;
	ch->io_bytes = len;
	ch->since_ns = machine_now(ch->ide->pci.dev.m);
	ch->io =
	    (struct blk_req){.op = op, .off = off, .len = len, .iov = ch->iov, .niov = niov, .done = io_done};
	ch->submitted = true;
	blk_submit(&d->medium->blk, &ch->io);
}

void ide_io_buf(struct ide_drive *d, enum blk_op op, uint64_t off, uint32_t len,
		void (*next)(struct ide_drive *, int))
{
	d->ch->iov[0] = (struct iovec){d->ch->buf, len};
	ide_io(d, op, off, len, 1, next);
}

void ide_kick(struct ide_channel *ch)
{
	if (!ch->submitted)
		return;
	ch->submitted = false;
	/* a medium that has left is looked after by the main loop, which closes it then */
	if (ch->phase == IDE_IO && !ch->waiting && ch->io_medium == ch->active->medium) {
		blk_kick(&ch->io_medium->blk);
		blk_poll(&ch->io_medium->blk);
	}
}
