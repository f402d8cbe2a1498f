/* What all registers together put on the screen. (FreeVGA, "VGA Display Generation") */
#include "backend/vmm/dev/vga.h"

#include <string.h>

#include "src/base/cleanup.h"

#define BLANK_WIDTH 720 /* until something was shown */
#define BLANK_HEIGHT 400

enum { GR_MISC_GRAPHICS = 0x01, MAX_SCAN_DOUBLE = 0x80, AR_MODE_SPLIT_PANNING = 0x20, AR_MODE_P54 = 0x80 };

/* Pixels of DISPI's modes are where VRAM says; what does not fit into it is not shown. */
static bool linear_mode(const struct vga *v, struct vga_mode *m)
{
	const uint16_t *r = v->dispi;
	uint32_t pitch = vga_dispi_pitch(v), bytes = (r[DISPI_BPP] + 7u) / 8;
	if (!r[DISPI_XRES] || !r[DISPI_YRES] || !pitch)
		return false;
	m->kind = r[DISPI_BPP] == 8    ? VGA_LINEAR8
	          : r[DISPI_BPP] == 15 ? VGA_LINEAR15
	          : r[DISPI_BPP] == 16 ? VGA_LINEAR16
	          : r[DISPI_BPP] == 24 ? VGA_LINEAR24
	                               : VGA_LINEAR32;
	m->width = r[DISPI_XRES];
	m->height = r[DISPI_YRES];
	m->pitch = pitch;
	uint64_t start = (uint64_t)r[DISPI_Y_OFFSET] * pitch + (uint64_t)r[DISPI_X_OFFSET] * bytes;
	uint64_t end = start + (uint64_t)(m->height - 1) * pitch + (uint64_t)m->width * bytes;
	if (end > v->vram_bytes)
		start = 0, end = (uint64_t)(m->height - 1) * pitch + (uint64_t)m->width * bytes;
	m->start = (uint32_t)start;
	m->xscale = m->line_scale = 1;
	return end <= v->vram_bytes;
}

/* 16 colours at DISPI's size. */
static bool planar_dispi_mode(const struct vga *v, struct vga_mode *m)
{
	const uint16_t *r = v->dispi;
	if (r[DISPI_XRES] < 8 || !r[DISPI_YRES])
		return false;
	m->kind = VGA_PLANAR;
	m->width = r[DISPI_XRES] & ~7u;
	m->height = r[DISPI_YRES];
	m->columns = m->width / 8;
	m->pitch = vga_dispi_pitch(v) / 4;
	m->start = (r[DISPI_Y_OFFSET] * m->pitch + r[DISPI_X_OFFSET] / 8) % (v->vram_bytes / 4);
	m->xscale = m->line_scale = m->char_height = 1;
	m->dots = 8;
	m->row_bits = 3;
	m->split = 0xffff;
	return true;
}

static unsigned vertical(const struct vga *v, unsigned low, unsigned bit8, unsigned bit9)
{
	return low | (v->cr[CR_OVERFLOW] >> bit8 & 1u) << 8 | (v->cr[CR_OVERFLOW] >> bit9 & 1u) << 9;
}

static enum vga_kind kind_now(const struct vga *v)
{
	if (!(v->gr[GR_MISC] & GR_MISC_GRAPHICS))
		return VGA_TEXT_MODE;
	switch (v->gr[GR_MODE] >> 5 & 3) {
	case 0:
		return VGA_PLANAR;
	case 1:
		return VGA_CGA;
	}
	return VGA_CHUNKY;
}

static void vga_registers_mode(const struct vga *v, struct vga_mode *m)
{
	const uint8_t *cr = v->cr;
	unsigned lines = vertical(v, cr[CR_V_DISPLAY], 1, 6) + 1;
	bool half = v->sr[SR_CLOCK] & CLOCK_HALF, doubled = cr[CR_MAX_SCAN] & MAX_SCAN_DOUBLE;
	m->kind = kind_now(v);
	m->columns = cr[CR_H_DISPLAY] + 1u;
	m->dots = m->kind == VGA_TEXT_MODE && !(v->sr[SR_CLOCK] & CLOCK_8_DOTS) ? 9 : 8;
	m->xscale = half ? 2 : 1;
	m->line_scale = doubled ? 2 : 1;
	m->char_height = (cr[CR_MAX_SCAN] & 0x1fu) + 1;
	m->pitch = cr[CR_OFFSET] * 2u;
	m->start = (uint32_t)cr[CR_START_HIGH] << 8 | cr[CR_START_LOW];
	m->width = m->columns * m->dots * m->xscale;
	m->height = lines;
	m->split = cr[CR_LINE_COMPARE] | (cr[CR_OVERFLOW] >> 4 & 1u) << 8 | (cr[CR_MAX_SCAN] >> 6 & 1u) << 9;
	m->row_bits = cr[CR_MODE] & 0x43;
	m->split_panning = (v->ar[AR_MODE] & AR_MODE_SPLIT_PANNING) != 0;
	m->panning = v->ar[AR_PANNING] & 7;
	if (m->kind == VGA_CHUNKY) { /* a word of the planes is 4 pixels, each two dots wide */
		m->panning /= 2;
		m->xscale *= 2;
	}
	if (m->kind == VGA_TEXT_MODE)
		m->panning = 0;
	while (m->width > DISPLAY_WIDTH_MAX) {
		m->columns--;
		m->width = m->columns * m->dots * (half ? 2 : 1);
	}
}

void vga_mode_now(const struct vga *v, struct vga_mode *out)
{
	struct vga_mode m;
	memset(&m, 0, sizeof(m));
	bool on = v->ar_index & AR_INDEX_SHOW && !(v->sr[SR_CLOCK] & CLOCK_OFF), shown = on;
	if (on && v->dispi[DISPI_ENABLE] & DISPI_ENABLED)
		shown = vga_dispi_linear(v) ? linear_mode(v, &m) : planar_dispi_mode(v, &m);
	else if (on)
		vga_registers_mode(v, &m);
	if (!shown) { /* as large as before: viewers need not be resized for a moment */
		memset(&m, 0, sizeof(m));
		m.width = v->mode.width ? v->mode.width : BLANK_WIDTH;
		m.height = v->mode.height ? v->mode.height : BLANK_HEIGHT;
	}
	memcpy(out, &m, sizeof(m));
}

static uint32_t dac_color(const struct vga *v, unsigned index)
{
	const uint8_t *c = &v->dac[3 * (index & v->dac_mask)];
	uint32_t rgb = 0;
	for (unsigned i = 0; i < 3; i++) {
		unsigned x = v->dac8 ? c[i] : (c[i] & 0x3fu) << 2 | (c[i] & 0x3fu) >> 4;
		rgb = rgb << 8 | x;
	}
	return rgb;
}

uint32_t vga_color(const struct vga *v, unsigned attr)
{
	unsigned select = v->ar[AR_SELECT], pal = v->ar[attr & 15];
	if (v->ar[AR_MODE] & AR_MODE_P54)
		return dac_color(v, (select & 0x0fu) << 4 | (pal & 0x0fu));
	return dac_color(v, (select & 0x0cu) << 4 | (pal & 0x3fu));
}

/* Of 16 colours or of 256, whichever the mode needs. */
void vga_palette_now(struct vga *v)
{
	bool direct = v->mode.kind == VGA_CHUNKY || v->mode.kind == VGA_LINEAR8;
	for (unsigned i = 0; i < ARRAY_SIZE(v->palette); i++)
		v->palette[i] = direct ? dac_color(v, i) : vga_color(v, i & 15);
}
