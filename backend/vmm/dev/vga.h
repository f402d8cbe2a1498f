/* The standard VGA: what its files share. (IBM VGA/XGA Technical Reference; FreeVGA; Bochs VBE DISPI;
 * machine.md 1.5)
 *
 * Theory of operation. The four planes lie in VRAM byte beside byte: plane p of planar address n is vram[4n +
 * p], so that a display unit (8 pixels of 16 colours, 4 of 256, a character with its attribute and font row)
 * is one 32-bit word, and chain-4 and linear modes see VRAM as it is. In odd/even modes CPU address a is
 * plane a & 1 of planar address a >> 1.
 *
 * vga_regs.c has the registers, vga_mem.c the window at A0000 and who may go there without an exit,
 * vga_dispi.c the Bochs extensions (large modes), vga_mode.c what all of them together show, vga_draw.c and
 * vga_text.c paint it, edid.c describes the monitor. vga.c is the device: alone (1234:1111), or in
 * virtio_gpu.c's.
 *
 * Nothing is painted before somebody calls refresh. What may have changed is known from the dirty logs of the
 * slots that the guest writes without exits, and from vga_mark() for the rest; what has changed then is known
 * by comparing. */
#ifndef BACKEND_VMM_DEV_VGA_H
#define BACKEND_VMM_DEV_VGA_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/vmm/display/display.h"
#include "backend/vmm/pci.h"

#define VGA_NAME "vga" /* of the device */
#define VGA_PAGE 4096u
#define VGA_VRAM_MIN (1u << 20)
#define VGA_VRAM_DEFAULT (16u << 20)
#define VGA_VRAM_MAX (64u << 20)
#define VGA_PREFERRED_WIDTH 1280 /* when nobody says */
#define VGA_PREFERRED_HEIGHT 800
#define VGA_WINDOW 0xA0000u
#define VGA_WINDOW_LEN 0x20000u
#define VGA_TEXT 0xB8000u
#define VGA_TEXT_LEN 0x8000u
#define VGA_CELLS_MAX (132 * 60)
#define VGA_PLANE 0x10000u /* bytes of a plane */

/* Indexed registers, by the names of the data sheets. */
enum { SR_RESET, SR_CLOCK, SR_MAP_MASK, SR_FONT, SR_MEMORY, SR_COUNT = 8 };
enum { GR_SET, GR_SET_ENABLE, GR_COMPARE, GR_ROTATE, GR_READ_MAP, GR_MODE, GR_MISC, GR_DONT_CARE, GR_BIT_MASK, GR_COUNT };
enum {
	CR_H_DISPLAY = 0x01,
	CR_OVERFLOW = 0x07,
	CR_MAX_SCAN = 0x09,
	CR_CURSOR_START = 0x0a,
	CR_CURSOR_END = 0x0b,
	CR_START_HIGH = 0x0c,
	CR_START_LOW = 0x0d,
	CR_CURSOR_HIGH = 0x0e,
	CR_CURSOR_LOW = 0x0f,
	CR_V_SYNC_END = 0x11,
	CR_V_DISPLAY = 0x12,
	CR_OFFSET = 0x13,
	CR_MODE = 0x17,
	CR_LINE_COMPARE = 0x18,
	CR_COUNT = 0x19,
};
enum { AR_MODE = 0x10, AR_PLANES = 0x12, AR_PANNING = 0x13, AR_SELECT = 0x14, AR_COUNT = 0x15 };
enum { MISC_COLOR = 0x01, MISC_RAM = 0x02 };
enum { AR_INDEX_SHOW = 0x20, CLOCK_8_DOTS = 0x01, CLOCK_HALF = 0x08, CLOCK_OFF = 0x20 };

enum {
	DISPI_ID,
	DISPI_XRES,
	DISPI_YRES,
	DISPI_BPP,
	DISPI_ENABLE,
	DISPI_BANK,
	DISPI_VIRT_WIDTH,
	DISPI_VIRT_HEIGHT,
	DISPI_X_OFFSET,
	DISPI_Y_OFFSET,
	DISPI_VRAM_64K,
	DISPI_COUNT,
};
enum {
	DISPI_ENABLED = 0x01,
	DISPI_GETCAPS = 0x02,
	DISPI_8BIT_DAC = 0x20,
	DISPI_LFB = 0x40,
	DISPI_NOCLEAR = 0x80
};

enum vga_kind {
	VGA_BLANK,
	VGA_TEXT_MODE,
	VGA_PLANAR,   /* 16 colours: a bit from each plane */
	VGA_CGA,      /* 4 colours: two bits from a byte */
	VGA_CHUNKY,   /* 256 colours as VGA registers set them */
	VGA_LINEAR8,  /* DISPI's, from here on */
	VGA_LINEAR15,
	VGA_LINEAR16,
	VGA_LINEAR24,
	VGA_LINEAR32, /* VRAM is the surface */
};

/* What is on the screen. Two that are equal byte by byte are the same. */
struct vga_mode {
	uint32_t kind;
	uint32_t width, height; /* of the surface, in pixels */
	uint32_t start, pitch;  /* planar addresses; DISPI's: bytes */
	uint32_t xscale;        /* pixels of the surface for one of the mode */
	uint32_t columns;       /* units of a line: characters, or words of the planes */
	uint32_t char_height;   /* lines of a character row */
	uint32_t line_scale;    /* lines of the surface for one of the mode */
	uint32_t dots;          /* of a character: 8 or 9 */
	uint32_t panning;       /* pixels */
	uint32_t split;         /* line from which address 0 is shown */
	uint32_t split_panning; /* is panning 0 from there? */
	uint32_t row_bits;      /* CR_MODE: row scan bits in the address, and where */
};

enum vga_alias { VGA_ALIAS_NONE, VGA_ALIAS_TEXT, VGA_ALIAS_FLAT };

/* A part of the window that the guest reaches without exits. Equal byte by byte = the same. */
struct vga_window {
	uint32_t alias;
	uint32_t gpa, len;
	uint32_t off; /* VGA_ALIAS_FLAT: of VRAM */
};

struct vga {
	struct pci_dev *pci; /* what it is part of */

	/* registers */
	uint8_t sr_index, sr[SR_COUNT], gr_index, gr[GR_COUNT], cr_index, cr[CR_COUNT];
	uint8_t ar_index, ar[AR_COUNT];
	bool ar_data; /* the next write to 3C0 is data */
	uint8_t misc, feature, status1;
	uint8_t dac_mask, dac_read, dac_write, dac_state, dac_part, dac_latch[3], dac[768];
	bool dac8;
	uint8_t latch[4];
	uint16_t dispi_index, dispi[DISPI_COUNT];
	bool big_endian; /* what the guest asked for, only read back */

	/* memory */
	int vram_fd;
	uint8_t *vram;
	uint32_t vram_bytes;
	uint64_t *dirty; /* a bit for each page of VRAM */
	uint64_t *log;   /* as large: what a dirty log said */
	uint8_t *text;   /* VGA_TEXT_LEN: characters and attributes while aliased */
	bool text_written; /* through the bus meanwhile */
	struct vga_window window; /* as it is now */
	unsigned accesses; /* that would not have been exits, since the last change */

	/* picture */
	struct vga_mode mode;
	bool stale;      /* all is to be painted anew */
	bool font_stale; /* something was written to plane 2 */
	int out_fd;
	uint8_t *out;    /* where modes are painted that are not 32 bits deep */
	uint32_t palette[256];
	uint32_t cells[VGA_CELLS_MAX]; /* as painted: character, attribute, CELL_* */
	uint32_t line[DISPLAY_WIDTH_MAX + 64];
	struct rect band; /* changed lines that are not yet reported; h 0 = none */

	uint8_t edid[256];
	uint16_t width, height; /* that the monitor prefers */
	bool window_added, dispi_added, lfb_logged;
	unsigned nports; /* of vga_port_ranges that are on the bus */
};

/* Make it part of @pci, which is on its bus and has BARs 0 and 2 and the ROM free: VRAM, registers, VGA
 * BIOS. */
int vga_init(struct vga *v, struct pci_dev *pci, const struct domain_video *video, struct err *e);
void vga_reset(struct vga *v); /* its BARs are gone */
void vga_done(struct vga *v);  /* accepts a half-built one; before pci_dev_done() */
void vga_dump(const struct vga *v, FILE *f);
/* The one of a device that has one. */
struct vga *vga_of(struct dev *d);
/* What the monitor prefers. */
void vga_wish(struct vga *v, unsigned width, unsigned height);

/* What firmware leaves for a kernel that needs no driver: a linear mode of 32 bits in BAR 0. */
struct vga_boot_mode {
	uint32_t base, bytes; /* guest physical */
	uint16_t width, height, pitch;
};
/* Set the mode that the monitor prefers. false: there is no VGA, its BARs are not placed, or its
 * memory is too small. */
bool vga_boot_mode(struct machine *m, struct vga_boot_mode *out);

/* A byte of VRAM changed other than through a slot with a log. */
static inline void vga_mark(struct vga *v, uint32_t at)
{
	v->dirty[at / VGA_PAGE / 64] |= 1ull << at / VGA_PAGE % 64;
}
void vga_mark_all(struct vga *v);

/* vga_regs.c: ports 3B0-3DF */
void vga_regs_reset(struct vga *v);
uint8_t vga_port_read(struct vga *v, unsigned port);
void vga_port_write(struct vga *v, unsigned port, uint8_t val);
extern const struct region_ops vga_port_ops[4];
struct vga_port_range {
	uint16_t base, len;
};
extern const struct vga_port_range vga_port_ranges[4]; /* the same order */

/* vga_mem.c: the window A0000-BFFFF */
extern const struct region_ops vga_window_ops;
void vga_window_update(struct vga *v); /* registers changed: may the alias stay? */
void vga_window_close(struct vga *v);  /* no alias any more */
void vga_collect(struct vga *v);       /* what aliases and logs know goes to VRAM and v->dirty */
void vga_clear(struct vga *v, uint64_t len); /* VRAM from 0 on, without touching what was never written */

/* vga_dispi.c: 1CE, 1CF */
void vga_dispi_reset(struct vga *v);
uint16_t vga_dispi_read(struct vga *v, unsigned index);
void vga_dispi_write(struct vga *v, unsigned index, uint16_t val);
bool vga_dispi_linear(const struct vga *v); /* on, with 8 bits or more */
uint32_t vga_dispi_pitch(const struct vga *v); /* bytes */
extern const struct region_ops vga_dispi_ops;

/* vga_mode.c */
void vga_mode_now(const struct vga *v, struct vga_mode *out);
void vga_palette_now(struct vga *v);
uint32_t vga_color(const struct vga *v, unsigned attr); /* of 16: through the attribute controller */

/* vga_draw.c */
void vga_refresh(struct dev *d);
/* Line @y of the surface, @n pixels from @x, is painted: report what differs from before, and keep it. */
void vga_put(struct vga *v, unsigned x, unsigned y, const uint32_t *pixels, unsigned n);
void vga_put_end(struct vga *v);

/* vga_text.c */
void vga_text_paint(struct vga *v);
bool vga_text_cells(struct dev *d, struct text_screen *t);

#endif
