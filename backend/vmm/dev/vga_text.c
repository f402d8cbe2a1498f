/* Text modes: characters, attributes and fonts in the planes. Each cell is compared with what was painted
 * there. */
#include "backend/vmm/dev/vga.h"

#include <string.h>

#include "backend/vmm/machine.h"

#define CELL_NONE 0x80000000u /* nothing was painted yet */
#define BLINK_NS 266000000ull /* 16 frames at 60 Hz */

enum {
	CELL_CURSOR = 1 << 16,
	CELL_CURSOR_START = 17, /* bits */
	CELL_CURSOR_END = 22,
	CELL_BLINK = 1 << 27,  /* not there at the moment */
	FONT_BYTES = 0x2000,
	CHAR_BYTES = 32,
	ATTR_BLINK = 0x80,
	ATTR_BOLD = 0x08,        /* or the other font */
	AR_MODE_9TH_DOT = 0x04,  /* of line graphics is as the 8th */
	AR_MODE_BLINK = 0x08,
	CURSOR_OFF = 0x20,
};

/* Planar address of the two fonts: A is chosen by attribute bit 3, B else. (SR3) */
static uint32_t font_at(const struct vga *v, bool a)
{
	unsigned s = v->sr[SR_FONT];
	unsigned n = a ? (s >> 2 & 3) | (s >> 3 & 4) : (s & 3) | (s >> 2 & 4);
	return (n & 3) * 2 * FONT_BYTES + (n >> 2) * FONT_BYTES;
}

static unsigned rows_of(const struct vga_mode *m)
{
	unsigned n = m->height / (m->char_height * m->line_scale);
	return n * m->columns > VGA_CELLS_MAX ? VGA_CELLS_MAX / m->columns : n;
}

/* Character and attribute at @col of @row. */
static uint32_t cell_at(const struct vga *v, const struct vga_mode *m, unsigned row, unsigned col)
{
	uint32_t at = (m->start + row * m->pitch + col) & (VGA_PLANE - 1);
	return pci_get16(v->vram + 4 * (size_t)at);
}

/* Where the cursor is. false: nowhere on the screen. */
static bool cursor_at(const struct vga *v, const struct vga_mode *m, unsigned *row, unsigned *col)
{
	unsigned at = (unsigned)v->cr[CR_CURSOR_HIGH] << 8 | v->cr[CR_CURSOR_LOW];
	unsigned n = (at - m->start) & (VGA_PLANE - 1);
	if (!m->pitch || v->cr[CR_CURSOR_START] & CURSOR_OFF ||
	    (v->cr[CR_CURSOR_START] & 31) > (v->cr[CR_CURSOR_END] & 31))
		return false;
	*row = n / m->pitch;
	*col = n % m->pitch;
	return *row < rows_of(m) && *col < m->columns;
}

struct glyph {
	const uint8_t *font; /* in the planes: every 4th byte */
	uint32_t fg, bg;
	bool repeat_8th;
	unsigned cursor_from, cursor_to; /* lines; from > to: no cursor here */
};

static void glyph_line(const struct vga_mode *m, const struct glyph *g, unsigned line, uint32_t *out)
{
	unsigned bits = (unsigned)g->font[4 * line] << 1;
	if (g->repeat_8th)
		bits |= bits >> 1 & 1;
	if (line >= g->cursor_from && line <= g->cursor_to)
		bits = 0x1ff;
	for (unsigned i = 0; i < m->dots; i++)
		for (unsigned k = 0; k < m->xscale; k++)
			*out++ = bits >> (8 - i) & 1 ? g->fg : g->bg;
}

/* @blink: the half of the time in which blinking characters are not there. */
static struct glyph glyph_of(const struct vga *v, uint32_t cell, bool blink)
{
	unsigned ch = cell & 0xff, attr = cell >> 8 & 0xff, mode = v->ar[AR_MODE];
	bool two_fonts = font_at(v, true) != font_at(v, false), a = attr & ATTR_BOLD;
	unsigned fg = attr & 15, bg = attr >> 4;
	struct glyph g = {
		.font = v->vram + 4 * (size_t)(font_at(v, a) + ch * CHAR_BYTES) + 2,
		.repeat_8th = mode & AR_MODE_9TH_DOT && ch >= 0xc0 && ch <= 0xdf,
		.cursor_from = 1,
	};
	if (two_fonts)
		fg &= 7;
	if (mode & AR_MODE_BLINK) {
		bg &= 7;
		if (blink && attr & ATTR_BLINK)
			fg = bg;
	}
	g.fg = v->palette[fg & v->ar[AR_PLANES]];
	g.bg = v->palette[bg & v->ar[AR_PLANES]];
	if (cell & CELL_CURSOR) {
		g.cursor_from = v->cr[CR_CURSOR_START] & 31;
		g.cursor_to = v->cr[CR_CURSOR_END] & 31;
		g.fg = v->palette[attr & 15 & v->ar[AR_PLANES]];
	}
	return g;
}

/* Cells [from, to) of @row. */
static void run_paint(struct vga *v, unsigned row, unsigned from, unsigned to, bool blink)
{
	const struct vga_mode *m = &v->mode;
	const uint32_t *cells = v->cells + (size_t)row * m->columns;
	unsigned wide = m->dots * m->xscale;
	for (unsigned line = 0; line < m->char_height; line++) {
		for (unsigned col = from; col < to; col++) {
			struct glyph g = glyph_of(v, cells[col], blink);
			glyph_line(m, &g, line, v->line + (size_t)(col - from) * wide);
		}
		for (unsigned k = 0; k < m->line_scale; k++)
			vga_put(v, from * wide, (row * m->char_height + line) * m->line_scale + k, v->line,
				(to - from) * wide);
	}
}

void vga_text_paint(struct vga *v)
{
	const struct vga_mode *m = &v->mode;
	uint64_t half = machine_now(v->pci->dev.m) / BLINK_NS;
	bool blink_on = v->ar[AR_MODE] & AR_MODE_BLINK, blink = half >> 1 & 1;
	unsigned rows = rows_of(m), crow, ccol;
	bool cursor = cursor_at(v, m, &crow, &ccol) && !(half & 1);
	uint32_t cursor_bits = CELL_CURSOR | (v->cr[CR_CURSOR_START] & 31u) << CELL_CURSOR_START |
			       (v->cr[CR_CURSOR_END] & 31u) << CELL_CURSOR_END;
	if (v->stale || v->font_stale)
		for (unsigned i = 0; i < VGA_CELLS_MAX; i++)
			v->cells[i] = CELL_NONE;
	for (unsigned row = 0; row < rows; row++) {
		unsigned from = m->columns, to = 0;
		for (unsigned col = 0; col < m->columns; col++) {
			uint32_t cell = cell_at(v, m, row, col), *was = &v->cells[row * m->columns + col];
			if (cursor && row == crow && col == ccol)
				cell |= cursor_bits;
			if (blink_on && blink && cell >> 8 & ATTR_BLINK)
				cell |= CELL_BLINK;
			if (cell == *was)
				continue;
			*was = cell;
			from = col < from ? col : from;
			to = col + 1;
		}
		if (from < to)
			run_paint(v, row, from, to, blink);
	}
}

bool vga_text_cells(struct dev *d, struct text_screen *t)
{
	struct vga *v = vga_of(d);
	struct vga_mode m;
	unsigned row, col;
	vga_collect(v);
	vga_mode_now(v, &m);
	if (m.kind != VGA_TEXT_MODE)
		return false;
	memset(t, 0, sizeof(*t));
	t->cols = m.columns;
	t->rows = rows_of(&m);
	t->cursor_x = t->cursor_y = -1;
	t->blink = v->ar[AR_MODE] & AR_MODE_BLINK;
	if (cursor_at(v, &m, &row, &col)) {
		t->cursor_x = (int)col;
		t->cursor_y = (int)row;
	}
	for (row = 0; row < t->rows; row++)
		for (col = 0; col < t->cols; col++) {
			uint32_t c = cell_at(v, &m, row, col);
			t->cells[row * t->cols + col] = (struct text_cell){(uint8_t)c, (uint8_t)(c >> 8)};
		}
	return true;
}
