/* From VRAM to pixels: only lines whose memory changed, and of those only what differs is reported. */
#include "backend/vmm/dev/vga.h"

#include <string.h>

#include "backend/vmm/machine.h"

#define BAND_LINES 16 /* changed lines that are reported as one rectangle */

static struct display *display(struct vga *v)
{
	return v->pci->dev.m->display;
}

/* --- reporting --- */

void vga_put_end(struct vga *v)
{
	struct rect *b = &v->band;
	if (b->h)
		display_damage(display(v), &v->pci->dev, b->x, b->y, b->w, b->h);
	b->h = 0;
}

static void changed(struct vga *v, unsigned x, unsigned y, unsigned w)
{
	struct rect *b = &v->band;
	if (b->h && (y > b->y + b->h || y < b->y || b->h >= BAND_LINES))
		vga_put_end(v);
	if (!b->h) {
		*b = (struct rect){x, y, w, 1};
		return;
	}
	unsigned right = b->x + b->w > x + w ? b->x + b->w : x + w;
	b->x = b->x < x ? b->x : x;
	b->w = right - b->x;
	b->h = y + 1 - b->y > b->h ? y + 1 - b->y : b->h;
}

void vga_put(struct vga *v, unsigned x, unsigned y, const uint32_t *pixels, unsigned n)
{
	uint32_t *to = (uint32_t *)v->out + (size_t)y * v->mode.width + x;
	if (memcmp(to, pixels, n * 4u) == 0)
		return;
	unsigned first = 0, last = n;
	while (to[first] == pixels[first])
		first++;
	while (to[last - 1] == pixels[last - 1])
		last--;
	memcpy(to + first, pixels + first, (last - first) * 4u);
	changed(v, x + first, y, last - first);
}

/* --- lines --- */

static bool page_dirty(const struct vga *v, uint32_t at)
{
	return v->dirty[at / VGA_PAGE / 64] >> at / VGA_PAGE % 64 & 1;
}

/* Has any of @len bytes changed? */
static bool bytes_dirty(const struct vga *v, uint64_t at, uint64_t len)
{
	if (v->stale || at + len > v->vram_bytes)
		return true;
	for (uint64_t page = at / VGA_PAGE; page <= (at + len - 1) / VGA_PAGE; page++)
		if (page_dirty(v, (uint32_t)page * VGA_PAGE))
			return true;
	return false;
}

static uint32_t plane_mask(const struct vga *v)
{
	uint32_t m = 0;
	for (unsigned p = 0; p < 4; p++)
		m |= v->ar[AR_PLANES] >> p & 1 ? 0xffu << (8 * p) : 0;
	return m;
}

static unsigned decode_planar(const struct vga *v, uint32_t w, uint32_t *out)
{
	w &= plane_mask(v);
	for (unsigned i = 0; i < 8; i++) {
		unsigned bit = 7 - i;
		out[i] = v->palette[(w >> bit & 1) | (w >> (bit + 7) & 2) | (w >> (bit + 14) & 4) |
				    (w >> (bit + 21) & 8)];
	}
	return 8;
}

/* Planes 0 and 1 one behind the other, two bits a pixel; planes 2 and 3 would give the upper bits. */
static unsigned decode_cga(const struct vga *v, uint32_t w, uint32_t *out)
{
	for (unsigned i = 0; i < 8; i++) {
		unsigned shift = i < 4 ? 6 - 2 * i : 14 - 2 * i + 8;
		unsigned index = (w >> shift & 3) | (w >> (shift + 16) & 3) << 2;
		out[i] = v->palette[index & v->ar[AR_PLANES] & 15];
	}
	return 8;
}

static unsigned decode_chunky(const struct vga *v, uint32_t w, uint32_t *out)
{
	for (unsigned i = 0; i < 4; i++)
		out[i] = v->palette[w >> (8 * i) & 0xff];
	return 4;
}

/* Planar address of line @y of the surface, and whether panning counts there. */
static uint32_t line_address(const struct vga *v, unsigned y, unsigned *panning)
{
	const struct vga_mode *m = &v->mode;
	uint32_t start = m->start;
	*panning = m->panning;
	if (y > m->split) {
		y -= m->split + 1;
		start = 0;
		if (m->split_panning)
			*panning = 0;
	}
	y /= m->line_scale;
	unsigned row = y / m->char_height, scan = y % m->char_height;
	uint32_t at = start + row * m->pitch;
	unsigned bit = m->row_bits & 0x40 ? 13 : 12;
	if (!(m->row_bits & 1))
		at = (at & ~(1u << bit)) | (scan & 1) << bit;
	if (!(m->row_bits & 2))
		at = (at & ~(2u << bit)) | (scan >> 1 & 1) << (bit + 1);
	return at;
}

/* Modes whose pixels come from the planes, left to right a word of them at a time. */
static void planes_line(struct vga *v, unsigned y,
			unsigned (*decode)(const struct vga *, uint32_t, uint32_t *))
{
	const struct vga_mode *m = &v->mode;
	bool large = v->dispi[DISPI_ENABLE] & DISPI_ENABLED;
	uint32_t mask = large ? v->vram_bytes / 4 - 1 : VGA_PLANE - 1;
	uint32_t px[8], w;
	unsigned panning, n = 0;
	uint32_t at = line_address(v, y, &panning) & mask;
	unsigned words = m->columns + 1u; /* one more for panning */
	bool wraps = at + words > mask;
	if (!wraps && !bytes_dirty(v, (uint64_t)at * 4, (uint64_t)words * 4))
		return;
	unsigned wanted = m->width / m->xscale + panning;
	for (unsigned i = 0; i < words && n < wanted; i++) {
		memcpy(&w, v->vram + (uint64_t)((at + i) & mask) * 4, 4);
		unsigned got = decode(v, w, px);
		for (unsigned k = 0; k < got && n < wanted; k++)
			v->line[n++] = px[k];
	}
	while (n < wanted)
		v->line[n++] = 0;
	const uint32_t *from = v->line + panning;
	if (m->xscale > 1) { /* from the right, in place */
		memmove(v->line, from, (size_t)(m->width / m->xscale) * 4);
		for (unsigned x = m->width; x--;)
			v->line[x] = v->line[x / m->xscale];
		from = v->line;
	}
	vga_put(v, 0, y, from, m->width);
}

static uint32_t widen(unsigned val, unsigned bits)
{
	return val << (8 - bits) | val >> (2 * bits - 8);
}

static uint32_t linear_pixel(const struct vga *v, const uint8_t *p, uint32_t kind, unsigned x)
{
	unsigned w;
	switch (kind) {
	case VGA_LINEAR8:
		return v->palette[p[x]];
	case VGA_LINEAR15:
		w = pci_get16(p + 2 * x);
		return widen(w >> 10 & 31, 5) << 16 | widen(w >> 5 & 31, 5) << 8 | widen(w & 31, 5);
	case VGA_LINEAR16:
		w = pci_get16(p + 2 * x);
		return widen(w >> 11, 5) << 16 | widen(w >> 5 & 63, 6) << 8 | widen(w & 31, 5);
	}
	return p[3 * x] | (uint32_t)p[3 * x + 1] << 8 | (uint32_t)p[3 * x + 2] << 16;
}

static void linear_line(struct vga *v, unsigned y)
{
	const struct vga_mode *m = &v->mode;
	unsigned bytes = m->kind == VGA_LINEAR8 ? 1 : m->kind == VGA_LINEAR24 ? 3 : 2;
	uint64_t at = m->start + (uint64_t)y * m->pitch;
	if (!bytes_dirty(v, at, (uint64_t)m->width * bytes))
		return;
	for (unsigned x = 0; x < m->width; x++)
		v->line[x] = linear_pixel(v, v->vram + at, m->kind, x);
	vga_put(v, 0, y, v->line, m->width);
}

static void blank_line(struct vga *v, unsigned y)
{
	if (!v->stale)
		return;
	memset(v->line, 0, v->mode.width * 4u);
	vga_put(v, 0, y, v->line, v->mode.width);
}

static bool any_dirty(const struct vga *v)
{
	for (unsigned i = 0; i < v->vram_bytes / VGA_PAGE / 64; i++)
		if (v->dirty[i])
			return true;
	return false;
}

/* Nothing to paint: what is dirty has changed. */
static void surface_damage(struct vga *v)
{
	const struct vga_mode *m = &v->mode;
	if (!v->stale && !any_dirty(v))
		return;
	for (unsigned y = 0; y < m->height; y++) {
		uint64_t at = m->start + (uint64_t)y * m->pitch, end = at + (uint64_t)m->width * 4;
		uint64_t first = at, last = end;
		while (first < end && !v->stale && !page_dirty(v, (uint32_t)first))
			first = (first / VGA_PAGE + 1) * VGA_PAGE;
		if (first >= end)
			continue;
		while (!v->stale && !page_dirty(v, (uint32_t)last - 1))
			last = (last - 1) / VGA_PAGE * VGA_PAGE;
		unsigned x = (unsigned)(first - at) / 4, right = (unsigned)(last - at + 3) / 4;
		changed(v, x, y, right - x);
	}
}

static void paint(struct vga *v)
{
	unsigned (*decode)(const struct vga *, uint32_t, uint32_t *) = NULL;
	switch (v->mode.kind) {
	case VGA_TEXT_MODE:
		vga_text_paint(v);
		return;
	case VGA_LINEAR32:
		surface_damage(v);
		return;
	case VGA_PLANAR:
		decode = decode_planar;
		break;
	case VGA_CGA:
		decode = decode_cga;
		break;
	case VGA_CHUNKY:
		decode = decode_chunky;
		break;
	}
	for (unsigned y = 0; y < v->mode.height; y++) {
		if (decode)
			planes_line(v, y, decode);
		else if (v->mode.kind == VGA_BLANK)
			blank_line(v, y);
		else
			linear_line(v, y);
	}
}

/* --- the surface --- */

static void surface_now(const struct vga *v, const struct vga_mode *m, struct surface *s)
{
	if (m->kind == VGA_LINEAR32)
		*s = (struct surface){v->vram_fd, m->start, v->vram + m->start, m->width, m->height, m->pitch};
	else
		*s = (struct surface){v->out_fd, 0, v->out, m->width, m->height, m->width * 4};
}

static bool same_surface(const struct surface *a, const struct surface *b)
{
	return a->pixels == b->pixels && a->width == b->width && a->height == b->height &&
	       a->stride == b->stride;
}

/* Another mode: all is painted anew, and where it has another form, lookers get another surface. */
static void mode_set(struct vga *v, const struct vga_mode *m)
{
	struct surface was, now;
	bool first = !v->mode.width;
	surface_now(v, &v->mode, &was);
	surface_now(v, m, &now);
	v->mode = *m;
	v->stale = true;
	if (!first && same_surface(&was, &now))
		return;
	if (now.pixels == v->out)
		memset(v->out, 0, (size_t)now.stride * now.height);
	display_set_surface(display(v), &v->pci->dev, &now);
}

void vga_refresh(struct dev *d)
{
	struct vga *v = vga_of(d);
	struct vga_mode m;
	vga_collect(v);
	vga_mode_now(v, &m);
	if (memcmp(&m, &v->mode, sizeof(m)) != 0)
		mode_set(v, &m);
	if (v->stale)
		vga_palette_now(v);
	paint(v);
	vga_put_end(v);
	memset(v->dirty, 0, v->vram_bytes / VGA_PAGE / 8);
	v->stale = v->font_stale = false;
}
