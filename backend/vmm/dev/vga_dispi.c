/* The Bochs display interface: modes beyond the VGA's. Index and data registers, the same flat in BAR 2. */
#include "backend/vmm/dev/vga.h"

#include <string.h>

enum { ID_OLDEST = 0xb0c0, ID_NEWEST = 0xb0c5, BANK_64K = 0x10000, BPP_MAX = 32 };

void vga_dispi_reset(struct vga *v)
{
	memset(v->dispi, 0, sizeof(v->dispi));
	v->dispi[DISPI_ID] = ID_NEWEST;
	v->dispi_index = 0;
}

bool vga_dispi_linear(const struct vga *v)
{
	return v->dispi[DISPI_ENABLE] & DISPI_ENABLED && v->dispi[DISPI_BPP] >= 8;
}

uint32_t vga_dispi_pitch(const struct vga *v)
{
	uint32_t w = v->dispi[DISPI_VIRT_WIDTH] > v->dispi[DISPI_XRES] ? v->dispi[DISPI_VIRT_WIDTH]
								       : v->dispi[DISPI_XRES];
	unsigned bpp = v->dispi[DISPI_BPP];
	return bpp == 4 ? w / 8 * 4 : w * ((bpp + 7) / 8);
}

static uint16_t lines(const struct vga *v)
{
	uint32_t pitch = vga_dispi_pitch(v), n = pitch ? v->vram_bytes / pitch : 0;
	return (uint16_t)(n < 0xffff ? n : 0xffff);
}

uint16_t vga_dispi_read(struct vga *v, unsigned index)
{
	bool caps = v->dispi[DISPI_ENABLE] & DISPI_GETCAPS;
	switch (index) {
	case DISPI_XRES:
		return caps ? DISPLAY_WIDTH_MAX : v->dispi[index];
	case DISPI_YRES:
		return caps ? DISPLAY_HEIGHT_MAX : v->dispi[index];
	case DISPI_BPP:
		return caps ? BPP_MAX : v->dispi[index];
	case DISPI_VIRT_HEIGHT:
		return lines(v);
	case DISPI_VRAM_64K:
		return (uint16_t)(v->vram_bytes / BANK_64K);
	}
	return index < DISPI_COUNT ? v->dispi[index] : 0;
}

static void enable(struct vga *v, uint16_t val)
{
	bool was = v->dispi[DISPI_ENABLE] & DISPI_ENABLED, on = val & DISPI_ENABLED;
	bool dac8 = val & DISPI_8BIT_DAC;
	v->dispi[DISPI_ENABLE] =
	    val & (DISPI_ENABLED | DISPI_GETCAPS | DISPI_8BIT_DAC | DISPI_LFB | DISPI_NOCLEAR);
	v->stale |= dac8 != v->dac8;
	v->dac8 = dac8;
	if (on == was)
		return;
	v->dispi[DISPI_VIRT_WIDTH] = v->dispi[DISPI_XRES];
	v->dispi[DISPI_X_OFFSET] = v->dispi[DISPI_Y_OFFSET] = v->dispi[DISPI_BANK] = 0;
	v->stale = true;
	vga_window_update(v); /* what an alias holds goes to the planes before they are cleared */
	if (on && !(val & DISPI_NOCLEAR))
		vga_clear(v, (uint64_t)vga_dispi_pitch(v) * v->dispi[DISPI_YRES]);
}

static bool depth_known(uint16_t bpp)
{
	return bpp == 4 || bpp == 8 || bpp == 15 || bpp == 16 || bpp == 24 || bpp == 32;
}

/* What the hardware cannot do keeps the value that it had: drivers read back what they got. */
void vga_dispi_write(struct vga *v, unsigned index, uint16_t val)
{
	switch (index) {
	case DISPI_ID:
		if (val < ID_OLDEST || val > ID_NEWEST)
			return;
		break;
	case DISPI_XRES:
		if (val > DISPLAY_WIDTH_MAX)
			return;
		break;
	case DISPI_YRES:
		if (val > DISPLAY_HEIGHT_MAX)
			return;
		break;
	case DISPI_BPP:
		if (val == 0)
			val = 8;
		if (!depth_known(val))
			return;
		break;
	case DISPI_BANK:
		if ((uint32_t)val * BANK_64K >= v->vram_bytes)
			return;
		break;
	case DISPI_ENABLE:
		enable(v, val);
		vga_window_update(v);
		return;
	case DISPI_VIRT_WIDTH:
	case DISPI_X_OFFSET:
	case DISPI_Y_OFFSET:
		break;
	default:
		return;
	}
	v->dispi[index] = val;
	vga_window_update(v);
}

/* 1CE is the index, 1CF (or 1D0, for those who cannot do unaligned accesses) the data. */
static uint64_t ports_read(struct dev *d, uint64_t off, unsigned size)
{
	struct vga *v = vga_of(d);
	return off == 0 ? v->dispi_index : vga_dispi_read(v, v->dispi_index);
}

static void ports_write(struct dev *d, uint64_t off, unsigned size, uint64_t val)
{
	struct vga *v = vga_of(d);
	if (off == 0)
		v->dispi_index = (uint16_t)val;
	else if (size >= 2)
		vga_dispi_write(v, v->dispi_index, (uint16_t)val);
}

const struct region_ops vga_dispi_ops = {ports_read, ports_write};
