/* Commands of a disk on the IDE function. (ATA/ATAPI-6, T13 1410D, 8; the DATA SET MANAGEMENT of ACS-2, 7.10)
 *
 * Sectors go through ch->buf for PIO, as many at once as it holds, whatever the size of a DRQ block; DMA goes straight to
 * guest memory in parts of as many entries as ch->iov has. The write cache is the host's. */
#include <errno.h>
#include <string.h>

#include "backend/vmm/dev/ide_drive.h"
#include "src/base/cleanup.h"

enum {
	DEVICE_LBA = 0x40,
	SECTORS_28 = 0x0fffffff,
	FEATURE_TRIM = 0x01,
	TRIM_RANGES = IDE_SECTOR / 8, /* in a block of ranges */
	BUF_SECTORS = IDE_BUF_BYTES / IDE_SECTOR,
};

/* What a row of the table says of a command. */
enum { EXT = 1, DMA = 2, WRITE = 4, MULTIPLE = 8, FUA = 16 };

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
		return low | (uint64_t)t->hob_lba[0] << 24 | (uint64_t)t->hob_lba[1] << 32 | (uint64_t)t->hob_lba[2] << 40;
	if (t->device & DEVICE_LBA)
		return low | (uint64_t)(t->device & 0x0f) << 24;
	uint32_t cylinder = t->lba[1] | (uint32_t)t->lba[2] << 8, head = t->device & 0x0f, sector = t->lba[0];
	if (!sector || sector > d->track || head >= d->heads || cylinder >= d->cylinders)
		return UINT64_MAX;
	return ((uint64_t)cylinder * d->heads + head) * d->track + sector - 1;
}

static void put_lba(struct ide_drive *d, uint64_t lba, bool ext)
{
	struct ide_taskfile *t = &d->tf;
	if (!ext && !(t->device & DEVICE_LBA)) {
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
	uint64_t lba = lba_of(d, flags & EXT);
	uint32_t count = count_of(&d->tf, flags & EXT);
	ch->write = flags & WRITE;
	ch->ext = flags & EXT;
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
	put_lba(d, d->ch->lba, d->ch->ext);
	ide_fail(d, IDE_UNC | IDE_ABRT);
}

/* @n sectors are moved. */
static void advance(struct ide_channel *ch, uint32_t n)
{
	ch->lba += n;
	ch->left -= n;
}

/* PIO. The block of a READ SECTORS is one sector; ch->next of both directions is called when one is through. */

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
		put_lba(d, ch->lba, ch->ext);
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

/* TRIM: a block of ranges comes by DMA, and is done range by range. A range that is not on the disk ends it. */

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

static bool has_trim(const struct ide_drive *d)
{
	return d->disk->discard && !d->medium->blk.readonly;
}

static void data_set_management(struct ide_drive *d, unsigned flags)
{
	uint32_t blocks = count_of(&d->tf, true);
	if (!has_trim(d) || d->tf.feature != FEATURE_TRIM || blocks > BUF_SECTORS) {
		ide_fail(d, IDE_ABRT);
		return;
	}
	d->ch->left = blocks;
	ide_dma_wait(d, trim_ranges);
}

/* Commands without data, or with a block of it */

/* 8.16, the words that say more than zero. */
static void identify_fill(struct ide_drive *d, uint8_t *p)
{
	static const uint16_t words[][2] = {
		{0, 0x0040}, {47, 0x8000 | IDE_MULTIPLE_MAX}, {48, 0x0001}, {49, 0x0f00}, {50, 0x4000}, {51, 0x0200},
		{53, 0x0007}, {64, 0x0003}, {65, 120}, {66, 120}, {67, 120}, {68, 120}, {80, 0x00f0}, {81, 0x0022},
		{82, 0x4020}, {83, 0x7400}, {84, 0x4040}, {86, 0x3400}, {87, 0x4040}, {93, 0x600b},
	};
	for (unsigned i = 0; i < ARRAY_SIZE(words); i++)
		pci_put16(p + 2 * words[i][0], words[i][1]);
	uint32_t chs = d->cylinders * d->heads * d->track;
	uint32_t sectors28 = d->sectors < SECTORS_28 ? (uint32_t)d->sectors : SECTORS_28;
	pci_put16(p + 2 * 1, (uint16_t)d->cylinders);
	pci_put16(p + 2 * 3, (uint16_t)d->heads);
	pci_put16(p + 2 * 6, (uint16_t)d->track);
	pci_put16(p + 2 * 54, (uint16_t)d->cylinders);
	pci_put16(p + 2 * 55, (uint16_t)d->heads);
	pci_put16(p + 2 * 56, (uint16_t)d->track);
	pci_put32(p + 2 * 57, chs);
	pci_put16(p + 2 * 59, (uint16_t)(d->multiple ? 0x100 | d->multiple : 0));
	pci_put32(p + 2 * 60, sectors28);
	pci_put32(p + 2 * 100, (uint32_t)d->sectors);
	pci_put32(p + 2 * 102, (uint32_t)(d->sectors >> 32));
	ide_text(p + 2 * 10, 20, d->serial);
	ide_text(p + 2 * 23, 8, "1.0");
	ide_text(p + 2 * 27, 40, "VMDECK HARDDISK");
}

static void identify(struct ide_drive *d, unsigned flags)
{
	struct ide_channel *ch = d->ch;
	uint8_t *p = ch->buf, sum = 0;
	unsigned exponent = 0, mode = d->transfer_mode & 7, kind = d->transfer_mode >> 4;
	memset(p, 0, IDE_SECTOR);
	identify_fill(d, p);
	pci_put16(p + 2 * 63, (uint16_t)(0x0007 | (kind == 2 ? 0x100 << mode : 0)));
	pci_put16(p + 2 * 88, (uint16_t)(0x003f | (kind == 4 ? 0x100 << mode : 0)));
	pci_put16(p + 2 * 85, 0x4000 | (d->write_cache ? 0x0020 : 0));
	while (BLK_SECTOR << (exponent + 1) <= d->medium->blk.physical_bytes && exponent < 3)
		exponent++;
	if (exponent)
		pci_put16(p + 2 * 106, (uint16_t)(0x6000 | exponent));
	if (has_trim(d)) {
		pci_put16(p + 2 * 105, 8); /* blocks of ranges in one command */
		pci_put16(p + 2 * 169, 1);
	}
	p[510] = 0xa5; /* and the sum of all is 0 */
	for (unsigned i = 0; i < 511; i++)
		sum = (uint8_t)(sum + p[i]);
	p[511] = (uint8_t)-sum;
	ch->pos = 0;
	ch->filled = IDE_SECTOR;
	ch->left = 0;
	ch->verify = ch->multiple = false;
	present(d);
}

static void flush(struct ide_drive *d, unsigned flags)
{
	ide_io(d, BLK_FLUSH, 0, 0, 0, flushed);
}

static void nothing(struct ide_drive *d, unsigned flags)
{
	ide_done(d);
}

static void check_power_mode(struct ide_drive *d, unsigned flags)
{
	d->tf.count = 0xff; /* active or idle */
	ide_done(d);
}

static void initialize_parameters(struct ide_drive *d, unsigned flags)
{
	uint32_t heads = (d->tf.device & 0x0f) + 1u, track = d->tf.count;
	if (!track) {
		ide_fail(d, IDE_ABRT);
		return;
	}
	uint64_t cylinders = d->sectors / (heads * track);
	d->heads = heads;
	d->track = track;
	d->cylinders = cylinders < 65535 ? (uint32_t)cylinders : 65535;
	ide_done(d);
}

static void read_native_max(struct ide_drive *d, unsigned flags)
{
	uint64_t last = d->sectors - 1;
	if (!(flags & EXT)) {
		d->tf.device |= DEVICE_LBA;
		if (last > SECTORS_28 - 1)
			last = SECTORS_28 - 1;
	}
	put_lba(d, last, flags & EXT);
	ide_done(d);
}

static void set_multiple(struct ide_drive *d, unsigned flags)
{
	unsigned n = d->tf.count;
	if (n > IDE_MULTIPLE_MAX || (n & (n - 1))) {
		ide_fail(d, IDE_ABRT);
		return;
	}
	d->multiple = n;
	ide_done(d);
}

/* The cache off: what is in it goes to the disk now, and each write from now on with it. */
static void write_cache(struct ide_drive *d, bool on)
{
	d->write_cache = on;
	d->medium->blk.write_through = d->always_through || !on;
	if (on)
		ide_done(d);
	else
		ide_io(d, BLK_FLUSH, 0, 0, 0, flushed);
}

static bool transfer_mode_ok(uint8_t mode)
{
	unsigned n = mode & 7;
	switch (mode >> 3) {
	case 0: /* PIO, as it comes */
		return n <= 1;
	case 1: /* PIO with flow control */
		return n <= 4;
	case 4: /* multiword DMA */
		return n <= 2;
	case 8: /* Ultra DMA */
		return n <= 5;
	default:
		return false;
	}
}

void ide_set_features(struct ide_drive *d)
{
	enum { CACHE_ON = 0x02, TRANSFER_MODE = 0x03, LOOK_AHEAD_OFF = 0x55, KEEP = 0x66, CACHE_OFF = 0x82,
	       LOOK_AHEAD_ON = 0xaa, REVERT = 0xcc };
	switch (d->tf.feature) {
	case TRANSFER_MODE:
		if (transfer_mode_ok(d->tf.count)) {
			if (d->tf.count >= 0x20)
				d->transfer_mode = d->tf.count;
			ide_done(d);
			return;
		}
		break;
	case CACHE_ON:
	case CACHE_OFF:
		if (!d->cd) {
			write_cache(d, d->tf.feature == CACHE_ON);
			return;
		}
		break;
	case LOOK_AHEAD_ON:
	case LOOK_AHEAD_OFF:
	case KEEP:
	case REVERT:
		ide_done(d);
		return;
	default:
		break;
	}
	ide_fail(d, IDE_ABRT);
}

static void set_features(struct ide_drive *d, unsigned flags)
{
	ide_set_features(d);
}

/* What is not here is refused: SMART, security, host protected area, ... */
static const struct ata_row {
	void (*run)(struct ide_drive *d, unsigned flags);
	unsigned flags;
} commands[256] = {
	[0x06] = {data_set_management, EXT | DMA | WRITE},
	[0x10] = {nothing, 0}, /* RECALIBRATE */
	[0x20] = {pio, 0},
	[0x21] = {pio, 0},
	[0x24] = {pio, EXT},
	[0x25] = {dma, EXT | DMA},
	[0x27] = {read_native_max, EXT},
	[0x29] = {pio, EXT | MULTIPLE},
	[0x30] = {pio, WRITE},
	[0x31] = {pio, WRITE},
	[0x34] = {pio, EXT | WRITE},
	[0x35] = {dma, EXT | DMA | WRITE},
	[0x39] = {pio, EXT | WRITE | MULTIPLE},
	[0x3d] = {dma, EXT | DMA | WRITE | FUA},
	[0x40] = {verify, 0},
	[0x41] = {verify, 0},
	[0x42] = {verify, EXT},
	[0x70] = {nothing, 0}, /* SEEK */
	[0x91] = {initialize_parameters, 0},
	[0x94] = {nothing, 0}, /* power modes, old and new codes */
	[0x95] = {nothing, 0},
	[0x96] = {nothing, 0},
	[0x97] = {nothing, 0},
	[0x98] = {check_power_mode, 0},
	[0xc4] = {pio, MULTIPLE},
	[0xc5] = {pio, WRITE | MULTIPLE},
	[0xc6] = {set_multiple, 0},
	[0xc8] = {dma, DMA},
	[0xc9] = {dma, DMA},
	[0xca] = {dma, DMA | WRITE},
	[0xcb] = {dma, DMA | WRITE},
	[0xe0] = {nothing, 0},
	[0xe1] = {nothing, 0},
	[0xe2] = {nothing, 0},
	[0xe3] = {nothing, 0},
	[0xe5] = {check_power_mode, 0},
	[0xe7] = {flush, 0},
	[0xea] = {flush, EXT},
	[0xec] = {identify, 0},
	[0xef] = {set_features, 0},
	[0xf8] = {read_native_max, 0},
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

/* The translation that the drive itself has: 16 heads of 63 sectors, less for what is smaller than a cylinder of that. */
void ata_reset(struct ide_drive *d)
{
	uint64_t cylinders = d->sectors / (16 * 63);
	d->heads = cylinders ? 16 : 1;
	d->track = cylinders || d->sectors >= 63 ? 63 : d->sectors ? (uint32_t)d->sectors : 1;
	d->cylinders = cylinders ? (cylinders < 16383 ? (uint32_t)cylinders : 16383) : 1;
	d->multiple = IDE_MULTIPLE_MAX;
	d->write_cache = !d->always_through;
	if (d->medium)
		d->medium->blk.write_through = d->always_through;
}
