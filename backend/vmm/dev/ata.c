/* Commands of a disk on the IDE function. (ATA/ATAPI-6, T13 1410D, 8; the DATA SET MANAGEMENT of ACS-2, 7.10)
 *
 * Sectors go through ch->buf for PIO, as many at once as it holds, whatever the size of a DRQ block; DMA goes
 * straight to guest memory in parts of as many entries as ch->iov has. The write cache is the host's. */
#include <errno.h>
#include <string.h>

#include "backend/vmm/dev/ide_drive.h"
#include "src/base/cleanup.h"

enum {
	FEATURE_TRIM = 0x01,
	TRIM_RANGES = IDE_SECTOR / 8, /* in a block of ranges */
	BUF_SECTORS = IDE_BUF_BYTES / IDE_SECTOR,
};

/* What a row of the table says of a command. */
enum { WRITE = 4, MULTIPLE = 8, FUA = 16 }; /* and ATA_EXT */

/* Addresses */

static uint32_t count_of(const struct ide_taskfile *t, bool ext)
{
	if (ext) {
		uint32_t n = t->count | (uint32_t)t->hob_count << 8;
		return n ? n : 0x10000;
	}
	return t->count ? t->count : 0x100;
}

/* Sector number in the registers; UINT64_MAX when the translation in use has no such place. */
static uint64_t lba_of(const struct ide_drive *d, bool ext)
{
	const struct ide_taskfile *t = &d->tf;
	uint64_t low = t->lba[0] | (uint32_t)t->lba[1] << 8 | (uint32_t)t->lba[2] << 16;
	if (ext)
		return low | (uint64_t)t->hob_lba[0] << 24 | (uint64_t)t->hob_lba[1] << 32 |
		       (uint64_t)t->hob_lba[2] << 40;
	if (t->device & IDE_LBA)
		return low | (uint64_t)(t->device & 0x0f) << 24;
	uint32_t cylinder = t->lba[1] | (uint32_t)t->lba[2] << 8, head = t->device & 0x0f, sector = t->lba[0];
	if (!sector || sector > d->track || head >= d->heads || cylinder >= d->cylinders)
		return UINT64_MAX;
	return ((uint64_t)cylinder * d->heads + head) * d->track + sector - 1;
}

void ata_put_lba(struct ide_drive *d, uint64_t lba, bool ext)
{
	struct ide_taskfile *t = &d->tf;
	if (!ext && !(t->device & IDE_LBA)) {
		uint64_t cylinder = lba / d->track / d->heads;
		t->lba[0] = (uint8_t)(lba % d->track + 1);
		t->device = (uint8_t)((t->device & 0xf0) | (lba / d->track % d->heads));
		t->lba[1] = (uint8_t)cylinder;
		t->lba[2] = (uint8_t)(cylinder >> 8);
		return;
	}
	for (unsigned i = 0; i < 3; i++) {
		t->lba[i] = (uint8_t)(lba >> 8 * i);
		t->hob_lba[i] = ext ? (uint8_t)(lba >> (24 + 8 * i)) : 0;
	}
	if (!ext)
		t->device = (uint8_t)((t->device & 0xf0) | (lba >> 24 & 0x0f));
}

/* Start of a command that moves sectors: what it wants into ch. false: it wants what is not there. */
static bool place(struct ide_drive *d, unsigned flags)
{
	struct ide_channel *ch = d->ch;
	uint64_t lba = lba_of(d, flags & ATA_EXT);
	uint32_t count = count_of(&d->tf, flags & ATA_EXT);
	ch->write = flags & WRITE;
	ch->ext = flags & ATA_EXT;
	ch->verify = false;
	if (lba >= d->sectors || count > d->sectors - lba) {
		ide_fail(d, IDE_IDNF | IDE_ABRT);
		return false;
	}
	if ((flags & WRITE) && d->medium->blk.readonly) {
		ide_fail(d, IDE_ABRT);
		return false;
	}
	ch->lba = lba;
	ch->left = count;
	ch->pos = ch->filled = 0;
	return true;
}

static void io_failed(struct ide_drive *d)
{
	ata_put_lba(d, d->ch->lba, d->ch->ext);
	ide_fail(d, IDE_UNC | IDE_ABRT);
}

/* @n sectors are moved. */
static void advance(struct ide_channel *ch, uint32_t n)
{
	ch->lba += n;
	ch->left -= n;
}

/* PIO. The block of a READ SECTORS is one sector; ch->next of both directions is called when one is through.
 */

static uint32_t block_bytes(const struct ide_channel *ch, uint32_t sectors, bool multiple)
{
	uint32_t n = multiple ? ch->active->multiple : 1;
	return (n < sectors ? n : sectors) * IDE_SECTOR;
}

static void read_next(struct ide_drive *d);

static void present(struct ide_drive *d)
{
	struct ide_channel *ch = d->ch;
	ide_pio(d, IDE_PIO_IN, block_bytes(ch, (ch->filled - ch->pos) / IDE_SECTOR, ch->multiple), read_next);
	ide_interrupt(ch);
}

static void read_came(struct ide_drive *d, int result)
{
	struct ide_channel *ch = d->ch;
	if (result) {
		io_failed(d);
		return;
	}
	advance(ch, ch->filled / IDE_SECTOR);
	if (!ch->verify)
		present(d);
	else if (ch->left)
		read_next(d);
	else
		ide_done(d);
}

static void read_next(struct ide_drive *d)
{
	struct ide_channel *ch = d->ch;
	if (ch->pos < ch->filled && !ch->verify) {
		present(d);
	} else if (ch->left) {
		ch->pos = 0;
		ch->filled = (ch->left < BUF_SECTORS ? ch->left : BUF_SECTORS) * IDE_SECTOR;
		ide_io_buf(d, BLK_READ, ch->lba * IDE_SECTOR, ch->filled, read_came);
	} else { /* the last block of a read has no interrupt behind it */
		ide_idle(d, IDE_DRDY | IDE_DSC);
	}
}

static void write_next(struct ide_drive *d);

static void ask(struct ide_drive *d)
{
	struct ide_channel *ch = d->ch;
	ide_pio(d, IDE_PIO_OUT, block_bytes(ch, ch->left - ch->pos / IDE_SECTOR, ch->multiple), write_next);
}

static void write_went(struct ide_drive *d, int result)
{
	struct ide_channel *ch = d->ch;
	if (result) {
		io_failed(d);
		return;
	}
	advance(ch, ch->filled / IDE_SECTOR);
	ch->pos = 0;
	if (!ch->left) {
		ide_done(d);
		return;
	}
	ask(d);
	ide_interrupt(ch);
}

static void write_next(struct ide_drive *d)
{
	struct ide_channel *ch = d->ch;
	if (ch->pos == IDE_BUF_BYTES || ch->pos / IDE_SECTOR == ch->left) {
		ch->filled = ch->pos;
		ide_io_buf(d, BLK_WRITE, ch->lba * IDE_SECTOR, ch->filled, write_went);
		return;
	}
	ask(d);
	ide_interrupt(ch);
}

static void pio(struct ide_drive *d, unsigned flags)
{
	if ((flags & MULTIPLE) && !d->multiple) {
		ide_fail(d, IDE_ABRT);
		return;
	}
	if (!place(d, flags))
		return;
	d->ch->multiple = flags & MULTIPLE;
	if (flags & WRITE)
		ask(d);
	else
		read_next(d);
}

static void verify(struct ide_drive *d, unsigned flags)
{
	if (!place(d, flags))
		return;
	d->ch->verify = true;
	read_next(d);
}

/* DMA */

static void dma_next(struct ide_drive *d);

static void flushed(struct ide_drive *d, int result)
{
	if (result)
		ide_fail(d, IDE_ABRT);
	else
		ide_done(d);
}

static void dma_came(struct ide_drive *d, int result)
{
	struct ide_channel *ch = d->ch;
	if (result) {
		io_failed(d);
		return;
	}
	advance(ch, (uint32_t)(ch->io_bytes / IDE_SECTOR));
	if (ch->left)
		dma_next(d);
	else if (ch->fua)
		ide_io(d, BLK_FLUSH, 0, 0, 0, flushed);
	else
		ide_done(d);
}

static void dma_next(struct ide_drive *d)
{
	struct ide_channel *ch = d->ch;
	unsigned niov;
	uint64_t got;
	if (ide_dma_map(d, (uint64_t)ch->left * IDE_SECTOR, !ch->write, &niov, &got)) {
		ata_put_lba(d, ch->lba, ch->ext);
		ide_fail(d, IDE_ABRT);
		return;
	}
	ide_io(d, ch->write ? BLK_WRITE : BLK_READ, ch->lba * IDE_SECTOR, got, niov, dma_came);
}

static void dma(struct ide_drive *d, unsigned flags)
{
	if (!place(d, flags))
		return;
	d->ch->fua = flags & FUA;
	ide_dma_wait(d, dma_next);
}

/* TRIM: a block of ranges comes by DMA, and is done range by range. A range that is not on the disk ends it.
 */

static void trim_next(struct ide_drive *d, int result)
{
	struct ide_channel *ch = d->ch;
	while (!result && ch->pos < ch->filled) {
		uint8_t *p = ch->buf + ch->pos;
		uint64_t lba = pci_get32(p) | (uint64_t)pci_get16(p + 4) << 32, n = pci_get16(p + 6);
		ch->pos += 8;
		if (!n)
			continue;
		if (lba >= d->sectors || n > d->sectors - lba)
			result = -EINVAL;
		else {
			ide_io(d, BLK_DISCARD, lba * IDE_SECTOR, n * IDE_SECTOR, 0, trim_next);
			return;
		}
	}
	if (result)
		ide_fail(d, result == -EINVAL ? IDE_IDNF | IDE_ABRT : IDE_ABRT);
	else
		ide_done(d);
}

static void trim_ranges(struct ide_drive *d)
{
	struct ide_channel *ch = d->ch;
	uint32_t done = 0, want = ch->left * IDE_SECTOR;
	while (done < want) {
		unsigned niov;
		uint64_t got;
		if (ide_dma_map(d, want - done, false, &niov, &got)) {
			ide_fail(d, IDE_ABRT);
			return;
		}
		for (unsigned i = 0; i < niov; i++) {
			memcpy(ch->buf + done, ch->iov[i].iov_base, ch->iov[i].iov_len);
			done += (uint32_t)ch->iov[i].iov_len;
		}
	}
	ch->pos = 0;
	ch->filled = want;
	trim_next(d, 0);
}

bool ata_has_trim(const struct ide_drive *d)
{
	return d->disk->discard && !d->medium->blk.readonly;
}

static void data_set_management(struct ide_drive *d, unsigned flags)
{
	uint32_t blocks = count_of(&d->tf, true);
	if (!ata_has_trim(d) || d->tf.feature != FEATURE_TRIM || blocks > BUF_SECTORS) {
		ide_fail(d, IDE_ABRT);
		return;
	}
	d->ch->left = blocks;
	ide_dma_wait(d, trim_ranges);
}

/* What is not here is refused: SMART, security, host protected area, ... */
static const struct ata_row {
	void (*run)(struct ide_drive *d, unsigned flags);
	unsigned flags;
} commands[256] = {
    [0x06] = {data_set_management, ATA_EXT | WRITE},
    [0x10] = {ata_nothing, 0}, /* RECALIBRATE */
    [0x20] = {pio, 0},
    [0x21] = {pio, 0},
    [0x24] = {pio, ATA_EXT},
    [0x25] = {dma, ATA_EXT},
    [0x27] = {ata_read_native_max, ATA_EXT},
    [0x29] = {pio, ATA_EXT | MULTIPLE},
    [0x30] = {pio, WRITE},
    [0x31] = {pio, WRITE},
    [0x34] = {pio, ATA_EXT | WRITE},
    [0x35] = {dma, ATA_EXT | WRITE},
    [0x39] = {pio, ATA_EXT | WRITE | MULTIPLE},
    [0x3d] = {dma, ATA_EXT | WRITE | FUA},
    [0x40] = {verify, 0},
    [0x41] = {verify, 0},
    [0x42] = {verify, ATA_EXT},
    [0x70] = {ata_nothing, 0}, /* SEEK */
    [0x91] = {ata_initialize_parameters, 0},
    [0x94] = {ata_nothing, 0}, /* power modes, old and new codes */
    [0x95] = {ata_nothing, 0},
    [0x96] = {ata_nothing, 0},
    [0x97] = {ata_nothing, 0},
    [0x98] = {ata_check_power_mode, 0},
    [0xc4] = {pio, MULTIPLE},
    [0xc5] = {pio, WRITE | MULTIPLE},
    [0xc6] = {ata_set_multiple, 0},
    [0xc8] = {dma, 0},
    [0xc9] = {dma, 0},
    [0xca] = {dma, WRITE},
    [0xcb] = {dma, WRITE},
    [0xe0] = {ata_nothing, 0},
    [0xe1] = {ata_nothing, 0},
    [0xe2] = {ata_nothing, 0},
    [0xe3] = {ata_nothing, 0},
    [0xe5] = {ata_check_power_mode, 0},
    [0xe7] = {ata_flush, 0},
    [0xea] = {ata_flush, ATA_EXT},
    [0xec] = {ata_identify, 0},
    [0xef] = {ata_set_features, 0},
    [0xf8] = {ata_read_native_max, 0},
};

void ata_command(struct ide_drive *d, uint8_t code)
{
	const struct ata_row *r = &commands[code];
	d->ch->fua = false;
	if (!r->run || !d->sectors)
		ide_fail(d, IDE_ABRT);
	else
		r->run(d, r->flags);
}
