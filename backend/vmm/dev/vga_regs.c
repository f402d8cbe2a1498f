/* The VGA's registers: sequencer, graphics controller, CRTC, attribute controller, palette. (FreeVGA) */
#include "backend/vmm/dev/vga.h"

#include <string.h>

#include "src/base/cleanup.h"

enum {
	PORT_CRTC_MONO = 0x3b4,
	PORT_STATUS1_MONO = 0x3ba,
	PORT_ATTR = 0x3c0,
	PORT_ATTR_READ = 0x3c1,
	PORT_MISC = 0x3c2, /* write; reads status 0 */
	PORT_SEQ = 0x3c4,
	PORT_DAC_MASK = 0x3c6,
	PORT_DAC_READ = 0x3c7, /* write: index; read: state */
	PORT_DAC_WRITE = 0x3c8,
	PORT_DAC_DATA = 0x3c9,
	PORT_FEATURE_READ = 0x3ca,
	PORT_MISC_READ = 0x3cc,
	PORT_GRAPHICS = 0x3ce,
	PORT_CRTC = 0x3d4,
	PORT_STATUS1 = 0x3da,

	STATUS0_SENSE = 0x10,   /* there is a monitor */
	STATUS1_RETRACE = 0x09, /* display disabled, vertical retrace */
	CRTC_PROTECT = 0x80,    /* of CR_V_SYNC_END: registers 0 to 7 but for one bit */
	CRTC_PROTECT_BUT = 0x10,
	DAC_READING = 3,
	DAC_WRITING = 0,
};

/* Ports that nobody else has: 3BC-3BF are a parallel port's. */
const struct vga_port_range vga_port_ranges[4] = {{0x3b4, 2}, {0x3ba, 1}, {0x3c0, 16}, {0x3d4, 7}};

void vga_regs_reset(struct vga *v)
{
	memset(v->sr, 0, sizeof(v->sr));
	memset(v->gr, 0, sizeof(v->gr));
	memset(v->cr, 0, sizeof(v->cr));
	memset(v->ar, 0, sizeof(v->ar));
	memset(v->dac, 0, sizeof(v->dac));
	memset(v->latch, 0, sizeof(v->latch));
	v->sr_index = v->gr_index = v->cr_index = v->ar_index = 0;
	v->ar_data = v->dac8 = v->big_endian = false;
	v->misc = MISC_COLOR;
	v->feature = v->status1 = 0;
	v->dac_mask = 0xff;
	v->dac_read = v->dac_write = v->dac_part = 0;
	v->dac_state = DAC_WRITING;
	v->stale = v->font_stale = true;
}

/* Set a register; what it changes on the screen is painted anew. */
static void set(struct vga *v, uint8_t *reg, uint8_t val)
{
	v->stale |= *reg != val;
	*reg = val;
}

static void sr_write(struct vga *v, uint8_t val)
{
	static const uint8_t mask[SR_COUNT] = {0x03, 0x3d, 0x0f, 0x3f, 0x0e, 0, 0, 0xff};
	if (v->sr_index == SR_MAP_MASK)
		v->sr[SR_MAP_MASK] = val & mask[SR_MAP_MASK];
	else
		set(v, &v->sr[v->sr_index], val & mask[v->sr_index]);
	vga_window_update(v);
}

static void gr_write(struct vga *v, uint8_t val)
{
	static const uint8_t mask[GR_COUNT] = {0x0f, 0x0f, 0x0f, 0x1f, 0x03, 0x7b, 0x0f, 0x0f, 0xff};
	if (v->gr_index >= GR_COUNT)
		return;
	uint8_t *reg = &v->gr[v->gr_index];
	if (v->gr_index == GR_MODE || v->gr_index == GR_MISC)
		set(v, reg, val & mask[v->gr_index]);
	else /* how memory is written has no effect on what is shown */
		*reg = val & mask[v->gr_index];
	if (v->gr_index == GR_MODE || v->gr_index == GR_MISC || v->gr_index == GR_READ_MAP)
		vga_window_update(v);
}

static void cr_write(struct vga *v, uint8_t val)
{
	unsigned i = v->cr_index;
	if (i >= CR_COUNT)
		return;
	if (i <= CR_OVERFLOW && v->cr[CR_V_SYNC_END] & CRTC_PROTECT) {
		if (i == CR_OVERFLOW)
			set(v, &v->cr[i],
			    (uint8_t)((v->cr[i] & ~CRTC_PROTECT_BUT) | (val & CRTC_PROTECT_BUT)));
		return;
	}
	v->cr[i] = val; /* geometry, start and cursor are compared when it is painted */
}

static void ar_write(struct vga *v, uint8_t val)
{
	if (!v->ar_data) {
		v->ar_index = val & 0x3f;
	} else {
		static const uint8_t mask[5] = {0xef, 0xff, 0x3f, 0x0f, 0x0f};
		unsigned i = v->ar_index & 0x1f;
		if (i < 0x10)
			set(v, &v->ar[i], val & 0x3f);
		else if (i < AR_COUNT)
			set(v, &v->ar[i], val & mask[i - 0x10]);
	}
	v->ar_data = !v->ar_data;
}

static uint8_t dac_data_read(struct vga *v)
{
	uint8_t val = v->dac[v->dac_read * 3u + v->dac_part];
	if (++v->dac_part == 3) {
		v->dac_part = 0;
		v->dac_read++;
	}
	return val;
}

static void dac_data_write(struct vga *v, uint8_t val)
{
	v->dac_latch[v->dac_part] = v->dac8 ? val : val & 0x3f;
	if (++v->dac_part < 3)
		return;
	v->dac_part = 0;
	uint8_t *entry = &v->dac[v->dac_write * 3u];
	v->stale |= memcmp(entry, v->dac_latch, 3) != 0;
	memcpy(entry, v->dac_latch, 3);
	v->dac_write++;
}

/* The CRTC and status 1 are at 3Bx or 3Dx, as the miscellaneous register says. */
static bool elsewhere(const struct vga *v, unsigned port)
{
	return v->misc & MISC_COLOR ? port < 0x3c0 : port >= 0x3d0;
}

uint8_t vga_port_read(struct vga *v, unsigned port)
{
	if (elsewhere(v, port))
		return 0xff;
	switch (port) {
	case PORT_ATTR:
		return v->ar_data ? 0 : v->ar_index;
	case PORT_ATTR_READ:
		return (v->ar_index & 0x1f) < AR_COUNT ? v->ar[v->ar_index & 0x1f] : 0;
	case PORT_MISC:
		return STATUS0_SENSE;
	case PORT_SEQ:
		return v->sr_index;
	case PORT_SEQ + 1:
		return v->sr[v->sr_index];
	case PORT_DAC_MASK:
		return v->dac_mask;
	case PORT_DAC_READ:
		return v->dac_state;
	case PORT_DAC_WRITE:
		return v->dac_write;
	case PORT_DAC_DATA:
		return dac_data_read(v);
	case PORT_FEATURE_READ:
		return v->feature;
	case PORT_MISC_READ:
		return v->misc;
	case PORT_GRAPHICS:
		return v->gr_index;
	case PORT_GRAPHICS + 1:
		return v->gr_index < GR_COUNT ? v->gr[v->gr_index] : 0;
	case PORT_CRTC_MONO:
	case PORT_CRTC:
		return v->cr_index;
	case PORT_CRTC_MONO + 1:
	case PORT_CRTC + 1:
		return v->cr_index < CR_COUNT ? v->cr[v->cr_index] : 0;
	case PORT_STATUS1_MONO:
	case PORT_STATUS1: /* whoever waits for either edge sees it at once */
		v->ar_data = false;
		v->status1 ^= STATUS1_RETRACE;
		return v->status1;
	}
	return 0xff;
}

void vga_port_write(struct vga *v, unsigned port, uint8_t val)
{
	if (elsewhere(v, port))
		return;
	switch (port) {
	case PORT_ATTR:
		ar_write(v, val);
		break;
	case PORT_MISC:
		v->misc = val & 0xef;
		vga_window_update(v);
		break;
	case PORT_SEQ:
		v->sr_index = val & 7;
		break;
	case PORT_SEQ + 1:
		sr_write(v, val);
		break;
	case PORT_DAC_MASK:
		set(v, &v->dac_mask, val);
		break;
	case PORT_DAC_READ:
		v->dac_read = val;
		v->dac_part = 0;
		v->dac_state = DAC_READING;
		break;
	case PORT_DAC_WRITE:
		v->dac_write = val;
		v->dac_part = 0;
		v->dac_state = DAC_WRITING;
		break;
	case PORT_DAC_DATA:
		dac_data_write(v, val);
		break;
	case PORT_GRAPHICS:
		v->gr_index = val & 0x0f;
		break;
	case PORT_GRAPHICS + 1:
		gr_write(v, val);
		break;
	case PORT_CRTC_MONO:
	case PORT_CRTC:
		v->cr_index = val;
		break;
	case PORT_CRTC_MONO + 1:
	case PORT_CRTC + 1:
		cr_write(v, val);
		break;
	case PORT_STATUS1_MONO:
	case PORT_STATUS1:
		v->feature = val & 0x10;
		break;
	}
}

/* Wider accesses are bytes one behind the other: index and data with one `out`. */
static uint64_t ports_read(struct dev *d, unsigned port, unsigned size)
{
	uint64_t val = 0;
	for (unsigned i = 0; i < size; i++)
		val |= (uint64_t)vga_port_read(vga_of(d), port + i) << (8 * i);
	return val;
}

static void ports_write(struct dev *d, unsigned port, unsigned size, uint64_t val)
{
	for (unsigned i = 0; i < size; i++)
		vga_port_write(vga_of(d), port + i, (uint8_t)(val >> (8 * i)));
}

#define RANGE(n)                                                                                             \
	static uint64_t range##n##_read(struct dev *d, uint64_t off, unsigned size)                          \
	{                                                                                                    \
		return ports_read(d, vga_port_ranges[n].base + (unsigned)off, size);                         \
	}                                                                                                    \
	static void range##n##_write(struct dev *d, uint64_t off, unsigned size, uint64_t val)               \
	{                                                                                                    \
		ports_write(d, vga_port_ranges[n].base + (unsigned)off, size, val);                          \
	}
RANGE(0)
RANGE(1)
RANGE(2)
RANGE(3)

const struct region_ops vga_port_ops[4] = {
	{range0_read, range0_write},
	{range1_read, range1_write},
	{range2_read, range2_write},
	{range3_read, range3_write},
};
