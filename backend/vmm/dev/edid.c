#include "backend/vmm/dev/edid.h"

#include <string.h>

#include "src/base/cleanup.h"

#define REFRESH 60

/* CVT 1.2 with reduced blanking, nearly: the blanking that a flat panel needs. */
enum { H_BLANK = 160, H_FRONT = 48, H_SYNC = 32, V_FRONT = 3, V_SYNC = 6, V_BLANK = 23 };

/* 3.10.2: detailed timing. */
static void timing(uint8_t *p, unsigned w, unsigned h)
{
	unsigned clock = (w + H_BLANK) * (h + V_BLANK) * REFRESH / 10000; /* 10 kHz */
	unsigned mm_w = w * 254 / 960, mm_h = h * 254 / 960;              /* at 96 dots an inch */
	if (clock > 0xffff)
		clock = 0xffff;
	const uint8_t d[18] = {
		(uint8_t)clock, (uint8_t)(clock >> 8),
		(uint8_t)w, H_BLANK, (uint8_t)((w >> 8 << 4) | H_BLANK >> 8),
		(uint8_t)h, V_BLANK, (uint8_t)((h >> 8 << 4) | V_BLANK >> 8),
		H_FRONT, H_SYNC, V_FRONT << 4 | V_SYNC, 0,
		(uint8_t)mm_w, (uint8_t)mm_h, (uint8_t)((mm_w >> 8 << 4) | mm_h >> 8),
		0, 0, 0x1e, /* digital, separate sync, both positive */
	};
	memcpy(p, d, sizeof(d));
}

/* 3.10.3: a descriptor of text, filled up as the specification wants it. */
static void text(uint8_t *p, uint8_t tag, const char *s)
{
	size_t n = strlen(s);
	memset(p, 0, 5);
	p[3] = tag;
	memset(p + 5, ' ', 13);
	memcpy(p + 5, s, n);
	if (n < 13)
		p[5 + n] = '\n';
}

/* 3.9: standard timings, at 60 Hz. */
static void standard(uint8_t *p)
{
	static const struct {
		uint16_t w;
		uint8_t aspect; /* 0 = 16:10, 1 = 4:3, 2 = 5:4, 3 = 16:9 */
	} modes[8] = {{1024, 1}, {1280, 0}, {1280, 2}, {1440, 0}, {1600, 1}, {1680, 0}, {1920, 0}, {1920, 3}};
	for (unsigned i = 0; i < ARRAY_SIZE(modes); i++) {
		p[2 * i] = (uint8_t)(modes[i].w / 8 - 31);
		p[2 * i + 1] = (uint8_t)(modes[i].aspect << 6 | (REFRESH - 60));
	}
}

void edid_make(uint8_t out[EDID_LEN], unsigned width, unsigned height)
{
	static const uint8_t head[] = {
		0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00,
		0, 0,                   /* the maker, below */
		0x01, 0x00, 1, 0, 0, 0, /* product, serial number */
		0, 34, 1, 4,            /* made in 2024; EDID 1.4 */
		0xa5,                   /* digital, 8 bits a colour, DisplayPort */
	};
	static const uint8_t limits[18] = {
		0, 0, 0, 0xfd, 0, 30, 100, 15, 120, 70, /* Hz, kHz, 10 MHz */
		0x01, '\n', ' ', ' ', ' ', ' ', ' ', ' ',
	};
	static const uint8_t colours[10] = {0xee, 0x91, 0xa3, 0x54, 0x4c, 0x99, 0x26, 0x0f, 0x50, 0x54}; /* sRGB */
	memset(out, 0, EDID_LEN);
	memcpy(out, head, sizeof(head));
	/* "VMD", five bits a letter */
	out[8] = (uint8_t)(('V' - 64) << 2 | ('M' - 64) >> 3);
	out[9] = (uint8_t)((('M' - 64) & 7) << 5 | ('D' - 64));
	out[0x15] = (uint8_t)(width * 254 / 9600 ? width * 254 / 9600 : 1); /* cm */
	out[0x16] = (uint8_t)(height * 254 / 9600 ? height * 254 / 9600 : 1);
	out[0x17] = 120;  /* gamma 2.2 */
	out[0x18] = 0x07; /* sRGB; the first detailed timing is the native one; any other is fine */
	memcpy(out + 0x19, colours, sizeof(colours));
	out[0x23] = 0x21; /* 640x480, 800x600 at 60 Hz */
	out[0x24] = 0x08; /* 1024x768 at 60 Hz */
	standard(out + 0x26);
	timing(out + 0x36, width, height);
	memcpy(out + 0x48, limits, sizeof(limits));
	text(out + 0x5a, 0xfc, "vmdeck");
	text(out + 0x6c, 0xff, "1");
	uint8_t sum = 0;
	for (unsigned i = 0; i < EDID_LEN - 1; i++)
		sum = (uint8_t)(sum + out[i]);
	out[EDID_LEN - 1] = (uint8_t)-sum;
}
