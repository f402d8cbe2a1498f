/* What a CD-ROM drive tells of itself and of its medium. (MMC-3; SPC-2; INF-8090 where they are silent)
 *
 * A medium is one session with one track of data; one that is larger than a CD can be is a DVD. Numbers are
 * big-endian. Each function gets a zeroed buffer of at least 2048 bytes. */
#include <string.h>

#include "backend/vmm/dev/ide_drive.h"
#include "src/base/cleanup.h"

#define BLOCK 2048u
#define CD_BLOCKS_MAX 450000u /* 100 minutes */
#define SPEED 706u            /* KB/s: four times */

enum { PROFILE_CD = 0x0008, PROFILE_DVD = 0x0010, LEAD_OUT = 0xaa, TRACK_DATA = 0x14 };

static void put_be16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put_be32(uint8_t *p, uint32_t v)
{
	put_be16(p, v >> 16);
	put_be16(p + 2, v & 0xffff);
}

static unsigned get_be16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static void text(uint8_t *p, unsigned len, const char *s)
{
	memset(p, ' ', len);
	memcpy(p, s, strnlen(s, len));
}

uint32_t atapi_inquiry(struct ide_drive *d, const uint8_t *p, uint8_t *out)
{
	if (p[1] & 1) /* vital product data: none */
		return 0;
	out[0] = 0x05; /* CD-ROM */
	out[1] = 0x80; /* removable */
	out[3] = 0x21; /* ATAPI */
	out[4] = 36 - 5;
	text(out + 8, 8, "VMDECK");
	text(out + 16, 16, "CD-ROM");
	text(out + 32, 4, "1.0");
	return 36;
}

uint32_t atapi_identify(struct ide_drive *d, uint8_t *out)
{
	static const uint16_t words[][2] = {
	    {0, 0x85c0}, /* ATAPI, CD-ROM, removable, DRQ at once, packets of 12 */
	    {49, 0x0f00}, {53, 0x0006}, {64, 0x0003}, {65, 120},    {66, 120},    {67, 120},
	    {68, 120},    {71, 30},     {72, 30},     {80, 0x0070}, {81, 0x0018}, {82, 0x0210},
	    {83, 0x4000}, {84, 0x4000}, {85, 0x0210}, {87, 0x4000}, {93, 0x600b},
	};
	unsigned mode = d->transfer_mode & 7, kind = d->transfer_mode >> 4;
	for (unsigned i = 0; i < ARRAY_SIZE(words); i++)
		pci_put16(out + 2 * words[i][0], words[i][1]);
	pci_put16(out + 2 * 63, (uint16_t)(0x0007 | (kind == 2 ? 0x100 << mode : 0)));
	pci_put16(out + 2 * 88, (uint16_t)(0x003f | (kind == 4 ? 0x100 << mode : 0)));
	ide_text(out + 2 * 10, 20, d->serial);
	ide_text(out + 2 * 23, 8, "1.0");
	ide_text(out + 2 * 27, 40, "VMDECK CD-ROM");
	return IDE_SECTOR;
}

uint32_t atapi_capacity(struct ide_drive *d, const uint8_t *p, uint8_t *out)
{
	uint32_t n = atapi_blocks(d);
	put_be32(out, n ? n - 1 : 0);
	put_be32(out + 4, BLOCK);
	return 8;
}

/* MODE SENSE (10): page 2A, and 01 and 0E for who insists. Nothing of it can be changed. */

static uint32_t page_capabilities(const struct ide_drive *d, uint8_t *out)
{
	out[0] = 0x2a;
	out[1] = 18;
	out[2] = 0x0b; /* reads CD-R, CD-RW, DVD-ROM */
	out[4] = 0x70; /* mode 2 forms 1 and 2, multi-session */
	out[6] = (uint8_t)(1 << 5 | 0x08 | 0x01 | (d->locked ? 0x02 : 0)); /* a tray that locks and ejects */
	put_be16(out + 8, SPEED);
	put_be16(out + 10, 2);
	put_be16(out + 12, 512); /* KB of buffer */
	put_be16(out + 14, SPEED);
	return 20;
}

static uint32_t page_recovery(const struct ide_drive *d, uint8_t *out)
{
	out[0] = 0x01;
	out[1] = 6;
	out[3] = 5; /* retries */
	return 8;
}

static uint32_t page_audio(const struct ide_drive *d, uint8_t *out)
{
	out[0] = 0x0e;
	out[1] = 14;
	return 16;
}

uint32_t atapi_mode_sense(struct ide_drive *d, const uint8_t *p, uint8_t *out)
{
	enum { ALL = 0x3f, CHANGEABLE = 1 };
	static uint32_t (*const make[])(const struct ide_drive *, uint8_t *) = {page_recovery, page_audio,
										page_capabilities};
	static const uint8_t codes[] = {0x01, 0x0e, 0x2a};
	unsigned code = p[2] & 0x3f;
	uint32_t len = 8;
	memset(out, 0, 64);
	for (unsigned i = 0; i < ARRAY_SIZE(make); i++) {
		if (code != ALL && code != codes[i])
			continue;
		uint32_t n = make[i](d, out + len);
		if (p[2] >> 6 == CHANGEABLE)
			memset(out + len + 2, 0, n - 2);
		len += n;
	}
	if (len == 8)
		return 0;
	put_be16(out, len - 2);
	out[2] = d->tray_open ? 0x71 : d->medium ? 0x01 : 0x70; /* medium type */
	return len;
}

/* GET CONFIGURATION */

static unsigned profile(const struct ide_drive *d)
{
	if (!atapi_ready(d))
		return 0;
	return atapi_blocks(d) > CD_BLOCKS_MAX ? PROFILE_DVD : PROFILE_CD;
}

static uint32_t feature(uint8_t *out, unsigned code, unsigned version, bool persistent, bool current,
			unsigned len)
{
	put_be16(out, code);
	out[2] = (uint8_t)(version << 2 | (persistent ? 2 : 0) | (current ? 1 : 0));
	out[3] = (uint8_t)len;
	return 4 + len;
}

static uint32_t put_feature(const struct ide_drive *d, unsigned code, uint8_t *out)
{
	unsigned now = profile(d);
	switch (code) {
	case 0x0000: /* profiles */
		put_be16(out + 4, PROFILE_DVD);
		out[6] = now == PROFILE_DVD;
		put_be16(out + 8, PROFILE_CD);
		out[10] = now == PROFILE_CD;
		return feature(out, code, 0, true, true, 8);
	case 0x0001:                  /* core */
		put_be32(out + 4, 2); /* ATAPI */
		out[8] = 1;           /* events are polled for */
		return feature(out, code, 1, true, true, 8);
	case 0x0003: /* removable medium */
		out[4] = 1 << 5 | 0x08 | 0x01;
		return feature(out, code, 0, true, true, 4);
	case 0x0010: /* random readable */
		put_be32(out + 4, BLOCK);
		put_be16(out + 8, 1);
		return feature(out, code, 0, false, now != 0, 8);
	case 0x001e: /* CD read */
		return feature(out, code, 1, false, now == PROFILE_CD, 4);
	default: /* 001F, DVD read */
		return feature(out, code, 0, false, now == PROFILE_DVD, 0);
	}
}

uint32_t atapi_configuration(struct ide_drive *d, const uint8_t *p, uint8_t *out)
{
	enum { ALL, CURRENT, ONE };
	static const uint16_t codes[] = {0x0000, 0x0001, 0x0003, 0x0010, 0x001e, 0x001f};
	unsigned type = p[1] & 3, start = get_be16(p + 2);
	uint32_t len = 8;
	if (type > ONE)
		return 0;
	for (unsigned i = 0; i < ARRAY_SIZE(codes); i++) {
		if (type == ONE ? codes[i] != start : codes[i] < start)
			continue;
		uint32_t n = put_feature(d, codes[i], out + len);
		if (type == CURRENT && !(out[len + 2] & 1))
			memset(out + len, 0, n);
		else
			len += n;
	}
	put_be32(out, len - 4);
	put_be16(out + 6, profile(d));
	return len;
}

/* READ TOC */

static void address(uint8_t *p, uint32_t lba, bool msf)
{
	if (!msf) {
		put_be32(p, lba);
		return;
	}
	lba += 150; /* two seconds before the first block */
	uint32_t minutes = lba / 75 / 60;
	p[0] = 0;
	p[1] = (uint8_t)(minutes < 255 ? minutes : 255);
	p[2] = (uint8_t)(lba / 75 % 60);
	p[3] = (uint8_t)(lba % 75);
}

static uint32_t toc_tracks(const struct ide_drive *d, const uint8_t *p, uint8_t *out)
{
	bool msf = p[1] & 2;
	unsigned first = p[6];
	uint32_t len = 4;
	if (first > 1 && first != LEAD_OUT)
		return 0;
	out[2] = out[3] = 1; /* first and last track */
	if (first <= 1) {
		out[5] = TRACK_DATA;
		out[6] = 1;
		address(out + 8, 0, msf);
		len += 8;
	}
	out[len + 1] = TRACK_DATA;
	out[len + 2] = LEAD_OUT;
	address(out + len + 4, atapi_blocks(d), msf);
	len += 8;
	put_be16(out, len - 2);
	return len;
}

static uint32_t toc_session(uint8_t *out)
{
	put_be16(out, 10);
	out[2] = out[3] = 1; /* first and last session */
	out[5] = TRACK_DATA;
	out[6] = 1; /* first track of the last session, at block 0 */
	return 12;
}

static uint32_t toc_full(const struct ide_drive *d, uint8_t *out)
{
	static const uint8_t points[] = {0xa0, 0xa1, 0xa2, 1};
	uint32_t len = 4;
	out[2] = out[3] = 1;
	for (unsigned i = 0; i < ARRAY_SIZE(points); i++, len += 11) {
		uint8_t *t = out + len, *at = t + 7;
		t[0] = 1; /* session */
		t[1] = TRACK_DATA;
		t[3] = points[i];
		if (points[i] == 0xa0 || points[i] == 0xa1)
			at[1] = 1; /* first, last track */
		else
			address(at, points[i] == 1 ? 0 : atapi_blocks(d), true);
	}
	put_be16(out, len - 2);
	return len;
}

uint32_t atapi_toc(struct ide_drive *d, const uint8_t *p, uint8_t *out)
{
	unsigned format = p[2] & 0x0f ? p[2] & 0x0f : p[9] >> 6; /* SFF-8020i had it there */
	switch (format) {
	case 0:
		return toc_tracks(d, p, out);
	case 1:
		return toc_session(out);
	case 2:
		return toc_full(d, out);
	default:
		return 0;
	}
}

/* GET EVENT STATUS NOTIFICATION: of the media class only, and only when polled. */
uint32_t atapi_event_status(struct ide_drive *d, const uint8_t *p, uint8_t *out)
{
	enum { POLLED = 1, MEDIA = 4, NO_CLASS = 0x80, EJECT_REQUEST = 1, NEW_MEDIA = 2, REMOVAL = 3 };
	if (!(p[1] & POLLED))
		return 0;
	out[3] = 1 << MEDIA; /* classes that there are */
	if (!(p[4] & 1 << MEDIA)) {
		put_be16(out, 2);
		out[2] = NO_CLASS;
		return 4;
	}
	put_be16(out, 6);
	out[2] = MEDIA;
	out[4] = d->removed ? REMOVAL : d->arrived ? NEW_MEDIA : d->eject_wanted ? EJECT_REQUEST : 0;
	out[5] = (uint8_t)((d->tray_open ? 1 : 0) | (d->medium ? 2 : 0));
	if (d->removed)
		d->removed = false;
	else if (d->arrived)
		d->arrived = false;
	else
		d->eject_wanted = false;
	return 8;
}

uint32_t atapi_disc_information(struct ide_drive *d, const uint8_t *p, uint8_t *out)
{
	put_be16(out, 32);
	out[2] = 0x0e; /* complete, last session complete */
	out[3] = out[4] = out[5] = out[6] = 1;
	return 34;
}

uint32_t atapi_mechanism_status(struct ide_drive *d, const uint8_t *p, uint8_t *out)
{
	out[1] = d->tray_open ? 0x10 : 0;
	return 8;
}
