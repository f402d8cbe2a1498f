/* Commands of a disk that move no sectors: IDENTIFY DEVICE, settings, power modes, flushes. (ATA/ATAPI-6, 8)
 */
#include <string.h>

#include "backend/vmm/dev/ide_drive.h"
#include "src/base/cleanup.h"

enum { SECTORS_28 = 0x0fffffff };

/* 8.16, the words that say more than zero. */
static void identify_fill(struct ide_drive *d, uint8_t *p)
{
	static const uint16_t words[][2] = {
	    {0, 0x0040},  {47, 0x8000 | IDE_MULTIPLE_MAX},
	    {48, 0x0001}, {49, 0x0f00},
	    {50, 0x4000}, {51, 0x0200},
	    {53, 0x0007}, {64, 0x0003},
	    {65, 120},    {66, 120},
	    {67, 120},    {68, 120},
	    {80, 0x00f0}, {81, 0x0022},
	    {82, 0x4020}, {83, 0x7400},
	    {84, 0x4040}, {86, 0x3400},
	    {87, 0x4040}, {93, 0x600b},
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

static void identified(struct ide_drive *d)
{
	ide_idle(d, IDE_DRDY | IDE_DSC);
}

void ata_identify(struct ide_drive *d, unsigned flags)
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
	if (ata_has_trim(d)) {
		pci_put16(p + 2 * 105, 8); /* blocks of ranges in one command */
		pci_put16(p + 2 * 169, 1);
	}
	p[510] = 0xa5; /* and the sum of all is 0 */
	for (unsigned i = 0; i < 511; i++)
		sum = (uint8_t)(sum + p[i]);
	p[511] = (uint8_t)-sum;
	ch->pos = 0;
	ide_pio(d, IDE_PIO_IN, IDE_SECTOR, identified);
	ide_interrupt(ch);
}

static void flushed(struct ide_drive *d, int result)
{
	if (result)
		ide_fail(d, IDE_ABRT);
	else
		ide_done(d);
}

void ata_flush(struct ide_drive *d, unsigned flags)
{
	ide_io(d, BLK_FLUSH, 0, 0, 0, flushed);
}

void ata_nothing(struct ide_drive *d, unsigned flags)
{
	ide_done(d);
}

void ata_check_power_mode(struct ide_drive *d, unsigned flags)
{
	d->tf.count = 0xff; /* active or idle */
	ide_done(d);
}

void ata_initialize_parameters(struct ide_drive *d, unsigned flags)
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

void ata_read_native_max(struct ide_drive *d, unsigned flags)
{
	uint64_t last = d->sectors - 1;
	if (!(flags & ATA_EXT)) {
		d->tf.device |= IDE_LBA;
		if (last > SECTORS_28 - 1)
			last = SECTORS_28 - 1;
	}
	ata_put_lba(d, last, flags & ATA_EXT);
	ide_done(d);
}

void ata_set_multiple(struct ide_drive *d, unsigned flags)
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
	enum {
		CACHE_ON = 0x02,
		TRANSFER_MODE = 0x03,
		LOOK_AHEAD_OFF = 0x55,
		KEEP = 0x66,
		CACHE_OFF = 0x82,
		LOOK_AHEAD_ON = 0xaa,
		REVERT = 0xcc
	};
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

void ata_set_features(struct ide_drive *d, unsigned flags)
{
	ide_set_features(d);
}

/* The translation that the drive itself has: 16 heads of 63 sectors, less for what is smaller than a cylinder
 * of that. */
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
