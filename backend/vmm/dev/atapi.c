/* CD-ROM drives of the IDE function: packet commands and their data. (ATA/ATAPI-6, 8.23 and 9.8; SFF-8020i;
 * MMC-3)
 *
 * A packet of 12 bytes comes through the data port. What it asks for is made in ch->buf (atapi_reply.c) or
 * read of the medium, and goes out by DMA or in DRQ blocks of at most the byte-count limit that the host
 * wrote. Blocks are of 2048 bytes. A drive whose medium was changed says so once (UNIT ATTENTION) before it
 * does anything else. */
#include <errno.h>
#include <string.h>

#include "backend/vmm/dev/ide_drive.h"
#include "src/base/cleanup.h"

#define BLOCK 2048u
#define BUF_BLOCKS (IDE_BUF_BYTES / BLOCK)

enum { /* interrupt reason, in the count register */
       REASON_COMMAND = 0x01,
       REASON_TO_HOST = 0x02,
       REASON_MASK = 0x07,
       FEATURE_DMA = 0x01,
};

enum { NOT_READY = 2, MEDIUM_ERROR = 3, ILLEGAL_REQUEST = 5, UNIT_ATTENTION = 6 };

enum { /* additional sense code << 8 | qualifier */
       ASC_READ_ERROR = 0x1100,
       ASC_OPCODE = 0x2000,
       ASC_OUT_OF_RANGE = 0x2100,
       ASC_FIELD = 0x2400,
       ASC_CHANGED = 0x2800,
       ASC_NO_MEDIUM = 0x3a00,
       ASC_NO_MEDIUM_CLOSED = 0x3a01,
       ASC_NO_MEDIUM_OPEN = 0x3a02,
       ASC_SAVING = 0x3900,
       ASC_LOCKED = 0x5302,
       ASC_MODE_FOR_TRACK = 0x6400,
};

bool atapi_ready(const struct ide_drive *d)
{
	return d->medium && !d->tray_open;
}

uint32_t atapi_blocks(const struct ide_drive *d)
{
	uint64_t n = d->medium ? d->medium->blk.size_bytes / BLOCK : 0;
	return n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}

/* The end of a packet */

static void reason(struct ide_drive *d, uint8_t bits)
{
	d->tf.count = (uint8_t)((d->tf.count & ~REASON_MASK) | bits);
}

static void good(struct ide_drive *d)
{
	d->sense_key = d->asc = d->ascq = 0;
	d->tf.error = 0;
	reason(d, REASON_COMMAND | REASON_TO_HOST);
	ide_idle(d, IDE_DRDY);
	ide_interrupt(d->ch);
}

static void check_condition(struct ide_drive *d, uint8_t key, unsigned asc)
{
	d->sense_key = key;
	d->asc = (uint8_t)(asc >> 8);
	d->ascq = (uint8_t)asc;
	d->tf.error = (uint8_t)(key << 4);
	reason(d, REASON_COMMAND | REASON_TO_HOST);
	ide_idle(d, IDE_DRDY | IDE_ERR);
	ide_interrupt(d->ch);
}

static void not_ready(struct ide_drive *d)
{
	check_condition(d, NOT_READY, d->tray_open ? ASC_NO_MEDIUM_OPEN : ASC_NO_MEDIUM_CLOSED);
}

/* Data to the host: what is in ch->buf from pos to filled, then, while ch->left, more blocks of the medium.
 */

static void data_next(struct ide_drive *d);

static void block_out(struct ide_drive *d)
{
	struct ide_channel *ch = d->ch;
	uint32_t n = ch->filled - ch->pos;
	if (n > ch->byte_limit)
		n = ch->byte_limit & ~1u;
	d->tf.lba[1] = (uint8_t)n;
	d->tf.lba[2] = (uint8_t)(n >> 8);
	reason(d, REASON_TO_HOST);
	ide_pio(d, IDE_PIO_IN, n, data_next);
	d->tf.status = IDE_DRDY | IDE_DRQ;
	ide_interrupt(ch);
}

static void read_failed(struct ide_drive *d, int result)
{
	if (result == -ENOMEDIUM)
		not_ready(d);
	else
		check_condition(d, MEDIUM_ERROR, ASC_READ_ERROR);
}

static void blocks_came(struct ide_drive *d, int result)
{
	struct ide_channel *ch = d->ch;
	if (result || !atapi_ready(d)) {
		read_failed(d, result ? result : -ENOMEDIUM);
		return;
	}
	ch->lba += ch->filled / BLOCK;
	ch->left -= ch->filled / BLOCK;
	block_out(d);
}

static void data_next(struct ide_drive *d)
{
	struct ide_channel *ch = d->ch;
	if (ch->pos < ch->filled) {
		block_out(d);
	} else if (!ch->left) {
		good(d);
	} else if (!atapi_ready(d)) {
		not_ready(d);
	} else {
		ch->pos = 0;
		ch->filled = (ch->left < BUF_BLOCKS ? ch->left : BUF_BLOCKS) * BLOCK;
		ide_io_buf(d, BLK_READ, ch->lba * BLOCK, ch->filled, blocks_came);
	}
}

/* The same by DMA: straight from the medium. @left counts sectors of 512 bytes here, as memory may end in the
 * middle of a block. */

static void dma_next(struct ide_drive *d);

static void dma_came(struct ide_drive *d, int result)
{
	struct ide_channel *ch = d->ch;
	if (result || !atapi_ready(d)) {
		read_failed(d, result ? result : -ENOMEDIUM);
		return;
	}
	ch->lba += ch->io_bytes / IDE_SECTOR;
	ch->left -= (uint32_t)(ch->io_bytes / IDE_SECTOR);
	if (ch->left)
		dma_next(d);
	else
		good(d);
}

static void dma_next(struct ide_drive *d)
{
	struct ide_channel *ch = d->ch;
	unsigned niov;
	uint64_t got;
	if (!atapi_ready(d)) /* taken out before the bus master was started */
		not_ready(d);
	else if (ide_dma_map(d, (uint64_t)ch->left * IDE_SECTOR, true, &niov, &got))
		check_condition(d, ILLEGAL_REQUEST, ASC_FIELD);
	else
		ide_io(d, BLK_READ, ch->lba * IDE_SECTOR, got, niov, dma_came);
}

static void reply_dma(struct ide_drive *d)
{
	if (ide_dma_copy(d, d->ch->filled))
		check_condition(d, ILLEGAL_REQUEST, ASC_FIELD);
	else
		good(d);
}

/* The first @len bytes of ch->buf are the answer, of which the host wants @room. */
static void reply(struct ide_drive *d, uint32_t len, uint32_t room)
{
	struct ide_channel *ch = d->ch;
	ch->pos = 0;
	ch->filled = len < room ? len : room;
	ch->left = 0;
	if (!ch->filled)
		good(d);
	else if (ch->dma_wanted)
		ide_dma_wait(d, reply_dma);
	else
		block_out(d);
}

/* Commands */

static uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)be16(p) << 16 | be16(p + 2);
}

static void do_nothing(struct ide_drive *d, const uint8_t *p)
{
	good(d);
}

static void request_sense(struct ide_drive *d, const uint8_t *p)
{
	uint8_t *out = d->ch->buf;
	if (d->attention && !d->sense_key) {
		d->attention = false;
		d->sense_key = UNIT_ATTENTION;
		d->asc = ASC_CHANGED >> 8;
	}
	memset(out, 0, 18);
	out[0] = 0x70;
	out[2] = d->sense_key;
	out[7] = 10;
	out[12] = d->asc;
	out[13] = d->ascq;
	reply(d, 18, p[4]);
}

static void read_blocks(struct ide_drive *d, uint32_t lba, uint32_t count)
{
	struct ide_channel *ch = d->ch;
	uint32_t total = atapi_blocks(d);
	if (lba > total || count > total - lba) {
		check_condition(d, ILLEGAL_REQUEST, ASC_OUT_OF_RANGE);
		return;
	}
	if (!count) {
		good(d);
		return;
	}
	if (ch->dma_wanted && count > UINT32_MAX / (BLOCK / IDE_SECTOR)) {
		check_condition(d, ILLEGAL_REQUEST, ASC_FIELD);
		return;
	}
	ch->pos = ch->filled = 0;
	ch->lba = lba;
	ch->left = count;
	if (!ch->dma_wanted) {
		data_next(d);
		return;
	}
	ch->lba *= BLOCK / IDE_SECTOR;
	ch->left *= BLOCK / IDE_SECTOR;
	ide_dma_wait(d, dma_next);
}

static void read_10(struct ide_drive *d, const uint8_t *p)
{
	read_blocks(d, be32(p + 2), be16(p + 7));
}

static void read_12(struct ide_drive *d, const uint8_t *p)
{
	read_blocks(d, be32(p + 2), be32(p + 6));
}

/* Only the user data of blocks, which is what READ gives. */
static void read_cd(struct ide_drive *d, const uint8_t *p)
{
	enum { USER_DATA = 0x10, NOTHING = 0, FIELDS = 0xf8 };
	unsigned what = p[9] & FIELDS;
	uint32_t count = (uint32_t)p[6] << 16 | be16(p + 7);
	if (what == NOTHING)
		good(d);
	else if (what == USER_DATA && !p[10])
		read_blocks(d, be32(p + 2), count);
	else
		check_condition(d, ILLEGAL_REQUEST, ASC_MODE_FOR_TRACK);
}

static void seek(struct ide_drive *d, const uint8_t *p)
{
	if (be32(p + 2) >= atapi_blocks(d))
		check_condition(d, ILLEGAL_REQUEST, ASC_OUT_OF_RANGE);
	else
		good(d);
}

static void prevent_allow(struct ide_drive *d, const uint8_t *p)
{
	d->locked = p[4] & 1;
	good(d);
}

static void start_stop(struct ide_drive *d, const uint8_t *p)
{
	enum { START = 1, LOAD_EJECT = 2, POWER = 0xf0 };
	bool open = !(p[4] & START);
	if ((p[4] & POWER) || !(p[4] & LOAD_EJECT) || open == d->tray_open) {
		good(d);
		return;
	}
	if (open && d->locked) {
		check_condition(d, atapi_ready(d) ? ILLEGAL_REQUEST : NOT_READY, ASC_LOCKED);
		return;
	}
	if (open && d->medium)
		d->removed = true;
	d->tray_open = open;
	if (atapi_ready(d))
		d->attention = d->arrived = true;
	ide_tray_moved(d);
	good(d);
}

static void mode_sense(struct ide_drive *d, const uint8_t *p)
{
	enum { SAVED = 3 };
	uint32_t len = p[2] >> 6 == SAVED ? 0 : atapi_mode_sense(d, p, d->ch->buf);
	if (len)
		reply(d, len, be16(p + 7));
	else
		check_condition(d, ILLEGAL_REQUEST, p[2] >> 6 == SAVED ? ASC_SAVING : ASC_FIELD);
}

/* Where the length of the room for an answer is in the packet. */
enum { ROOM_NONE = 0, ROOM_8 = 4, ROOM_16 = 7, ROOM_MECHANISM = 8, ROOM_ALL = 0xff };

enum { MEDIUM = 1, QUIET = 2 }; /* wants a medium; says nothing of a change of it */

struct row {
	uint8_t code, flags, room;
	void (*run)(struct ide_drive *d, const uint8_t *p);
	uint32_t (*make)(struct ide_drive *d, const uint8_t *p, uint8_t *out);
};

static const struct row rows[] = {
    {0x00, MEDIUM, ROOM_NONE, do_nothing, NULL}, /* TEST UNIT READY */
    {0x03, QUIET, ROOM_NONE, request_sense, NULL},
    {0x12, QUIET, ROOM_8, NULL, atapi_inquiry},
    {0x1b, 0, ROOM_NONE, start_stop, NULL},
    {0x1e, 0, ROOM_NONE, prevent_allow, NULL},
    {0x25, MEDIUM, ROOM_ALL, NULL, atapi_capacity},
    {0x28, MEDIUM, ROOM_NONE, read_10, NULL},
    {0x2b, MEDIUM, ROOM_NONE, seek, NULL},
    {0x43, MEDIUM, ROOM_16, NULL, atapi_toc},
    {0x46, QUIET, ROOM_16, NULL, atapi_configuration},
    {0x4a, QUIET, ROOM_16, NULL, atapi_event_status},
    {0x51, MEDIUM, ROOM_16, NULL, atapi_disc_information},
    {0x5a, 0, ROOM_NONE, mode_sense, NULL},
    {0xa8, MEDIUM, ROOM_NONE, read_12, NULL},
    {0xbb, 0, ROOM_NONE, do_nothing, NULL}, /* SET CD SPEED */
    {0xbd, 0, ROOM_MECHANISM, NULL, atapi_mechanism_status},
    {0xbe, MEDIUM, ROOM_NONE, read_cd, NULL},
};

static uint32_t room_of(const struct row *r, const uint8_t *p)
{
	if (r->room == ROOM_ALL)
		return UINT32_MAX;
	return r->room == ROOM_8 ? be16(p + 3) : be16(p + r->room);
}

static void execute(struct ide_drive *d, const struct row *r)
{
	struct ide_channel *ch = d->ch;
	const uint8_t *p = ch->packet;
	if (r->run) {
		r->run(d, p);
		return;
	}
	memset(ch->buf, 0, BLOCK);
	uint32_t len = r->make(d, p, ch->buf);
	if (len)
		reply(d, len, room_of(r, p));
	else
		check_condition(d, ILLEGAL_REQUEST, ASC_FIELD);
}

static void packet_came(struct ide_drive *d)
{
	struct ide_channel *ch = d->ch;
	const struct row *r = NULL;
	memcpy(ch->packet, ch->buf, sizeof(ch->packet));
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].code == ch->packet[0])
			r = &rows[i];
	if (!r) {
		check_condition(d, ILLEGAL_REQUEST, ASC_OPCODE);
	} else if (d->attention && !(r->flags & QUIET)) {
		d->attention = false;
		check_condition(d, UNIT_ATTENTION, ASC_CHANGED);
	} else if ((r->flags & MEDIUM) && !atapi_ready(d)) {
		not_ready(d);
	} else {
		execute(d, r);
	}
}

/* PACKET: the limit of what one DRQ block of the data may have is in the two registers of the byte count. */
static void packet(struct ide_drive *d)
{
	struct ide_channel *ch = d->ch;
	uint32_t limit = d->tf.lba[1] | (uint32_t)d->tf.lba[2] << 8;
	ch->dma_wanted = d->tf.feature & FEATURE_DMA;
	ch->byte_limit = limit < 2 || limit == 0xffff ? 0xfffe : limit;
	reason(d, REASON_COMMAND);
	ide_pio(d, IDE_PIO_OUT, sizeof(ch->packet), packet_came);
	d->tf.status = IDE_DRDY | IDE_DRQ;
}

static void identified(struct ide_drive *d)
{
	ide_idle(d, IDE_DRDY | IDE_DSC);
}

void atapi_command(struct ide_drive *d, uint8_t code)
{
	enum {
		DEVICE_RESET = 0x08,
		READ_SECTORS = 0x20,
		PACKET = 0xa0,
		IDENTIFY_PACKET = 0xa1,
		CHECK_POWER = 0xe5,
		IDENTIFY = 0xec,
		SET_FEATURES = 0xef
	};
	switch (code) {
	case DEVICE_RESET:
		ide_signature(d);
		d->tf.error = 1;
		ide_idle(d, 0);
		break;
	case PACKET:
		packet(d);
		break;
	case IDENTIFY_PACKET:
		memset(d->ch->buf, 0, IDE_SECTOR);
		ide_pio(d, IDE_PIO_IN, atapi_identify(d, d->ch->buf), identified);
		ide_interrupt(d->ch);
		break;
	case SET_FEATURES:
		ide_set_features(d);
		break;
	case CHECK_POWER:
		d->tf.count = 0xff;
		ide_done(d);
		break;
	case 0xe0: /* STANDBY IMMEDIATE, IDLE IMMEDIATE, SLEEP */
	case 0xe1:
	case 0xe6:
		ide_done(d);
		break;
	case IDENTIFY:
	case READ_SECTORS: /* 9.12: who asks for a disk is told what is here */
		ide_signature(d);
		ide_fail(d, IDE_ABRT);
		break;
	default:
		ide_fail(d, IDE_ABRT);
		break;
	}
}

void atapi_reset(struct ide_drive *d)
{
	d->locked = false;
	d->sense_key = d->asc = d->ascq = 0;
}
