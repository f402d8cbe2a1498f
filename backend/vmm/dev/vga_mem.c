/* The window at A0000: planes through latches and the graphics controller, odd/even and chain-4 addressing.
 * Where the registers make it plain memory, a slot is laid there (an alias), and the guest needs no exits any
 * more. (FreeVGA; machine.md 1.5) */
#include "backend/vmm/dev/vga.h"

#include <string.h>
#include <unistd.h>

#include "backend/vmm/kvm.h"
#include "src/base/log.h"

#define ALIAS_AFTER 64 /* accesses that it would have saved, before the slots are changed for it */
#define ALIAS_NAME "vga.alias"

enum { CHAIN_4 = 0x08, ODD_EVEN_OFF = 0x04, GR_MODE_ODD_EVEN = 0x10, GR_MODE_COMPARE = 0x08 };

void vga_mark_all(struct vga *v)
{
	memset(v->dirty, 0xff, v->vram_bytes / VGA_PAGE / 8);
	v->stale = true;
}

/* --- by exits --- */

static uint32_t spread(unsigned planes)
{
	uint32_t m = 0;
	for (unsigned p = 0; p < 4; p++)
		m |= planes >> p & 1 ? 0xffu << (8 * p) : 0;
	return m;
}

static uint32_t word_get(const uint8_t *p)
{
	uint32_t w;
	memcpy(&w, p, sizeof(w));
	return w;
}

/* Offset in the mapped part of the window, or false: outside it. */
static bool mapped(const struct vga *v, uint64_t off, uint32_t *a)
{
	static const struct {
		uint32_t base, len;
	} maps[4] = {{0, 0x20000}, {0, 0x10000}, {0x10000, 0x8000}, {0x18000, 0x8000}};
	unsigned i = v->gr[GR_MISC] >> 2 & 3;
	if (!(v->misc & MISC_RAM) || off < maps[i].base || off - maps[i].base >= maps[i].len)
		return false;
	*a = (uint32_t)off - maps[i].base;
	return true;
}

static uint32_t bank(const struct vga *v)
{
	return v->dispi[DISPI_ENABLE] & DISPI_ENABLED ? (uint32_t)v->dispi[DISPI_BANK] << 16 : 0;
}

static bool flat(const struct vga *v)
{
	return vga_dispi_linear(v) || v->sr[SR_MEMORY] & CHAIN_4;
}

static uint8_t compare(const struct vga *v, const uint8_t *latch)
{
	uint8_t same = 0xff;
	for (unsigned p = 0; p < 4; p++)
		if (v->gr[GR_DONT_CARE] >> p & 1)
			same &= (uint8_t)~(latch[p] ^ (v->gr[GR_COMPARE] >> p & 1 ? 0xff : 0));
	return same;
}

static uint8_t byte_read(struct vga *v, uint64_t off)
{
	uint32_t a, at;
	if (!mapped(v, off, &a))
		return 0xff;
	if (flat(v)) {
		at = bank(v) + a;
		return at < v->vram_bytes ? v->vram[at] : 0xff;
	}
	if (v->gr[GR_MODE] & GR_MODE_ODD_EVEN) {
		unsigned plane = (v->gr[GR_READ_MAP] & 2) | (a & 1);
		if (v->window.alias == VGA_ALIAS_TEXT && plane < 2 && a < VGA_TEXT_LEN)
			return v->text[a];
		at = (bank(v) + (a >> 1)) * 4;
		memcpy(v->latch, v->vram + at % v->vram_bytes, 4);
		return v->latch[plane];
	}
	at = (bank(v) + a) * 4 % v->vram_bytes;
	memcpy(v->latch, v->vram + at, 4);
	return v->gr[GR_MODE] & GR_MODE_COMPARE ? compare(v, v->latch) : v->latch[v->gr[GR_READ_MAP]];
}

static uint8_t rotated(const struct vga *v, uint8_t val)
{
	unsigned n = v->gr[GR_ROTATE] & 7;
	return (uint8_t)(val >> n | val << (8 - n));
}

/* Write modes 0 to 3: what the four planes get. */
static uint32_t planar_value(const struct vga *v, uint8_t val, uint32_t latch)
{
	uint32_t set = spread(v->gr[GR_SET]), enable = spread(v->gr[GR_SET_ENABLE]);
	uint32_t bits = v->gr[GR_BIT_MASK] * 0x01010101u, w;
	switch (v->gr[GR_MODE] & 3) {
	case 1:
		return latch;
	case 0:
		w = (rotated(v, val) * 0x01010101u & ~enable) | (set & enable);
		break;
	case 2:
		w = spread(val & 0x0f);
		break;
	default:
		w = set;
		bits &= rotated(v, val) * 0x01010101u;
	}
	switch (v->gr[GR_ROTATE] >> 3) {
	case 1:
		w &= latch;
		break;
	case 2:
		w |= latch;
		break;
	case 3:
		w ^= latch;
		break;
	}
	return (w & bits) | (latch & ~bits);
}

static void planar_write(struct vga *v, uint32_t at, uint8_t val)
{
	uint32_t mask = spread(v->sr[SR_MAP_MASK]);
	uint32_t w = planar_value(v, val, word_get(v->latch));
	w = (w & mask) | (word_get(v->vram + at) & ~mask);
	memcpy(v->vram + at, &w, sizeof(w));
	v->font_stale |= (v->sr[SR_MAP_MASK] & 4) != 0;
	vga_mark(v, at);
}

static void byte_write(struct vga *v, uint64_t off, uint8_t val)
{
	uint32_t a, at;
	if (!mapped(v, off, &a))
		return;
	if (flat(v)) {
		at = bank(v) + a;
		if (at >= v->vram_bytes || (!vga_dispi_linear(v) && !(v->sr[SR_MAP_MASK] >> (a & 3) & 1)))
			return;
		v->vram[at] = val;
		vga_mark(v, at);
		return;
	}
	if (!(v->gr[GR_MODE] & GR_MODE_ODD_EVEN)) {
		planar_write(v, (bank(v) + a) * 4 % v->vram_bytes, val);
		return;
	}
	if (!(v->sr[SR_MAP_MASK] >> (a & 1) & 1))
		return;
	if (v->window.alias == VGA_ALIAS_TEXT && a < VGA_TEXT_LEN) {
		v->text[a] = val;
		v->text_written = true;
		return;
	}
	at = (bank(v) + (a >> 1)) * 4 % v->vram_bytes;
	v->vram[at | (a & 1)] = val;
	vga_mark(v, at);
}

/* --- without --- */

/* What could be an alias, were it asked for often enough. */
static struct vga_window window_wanted(const struct vga *v)
{
	struct vga_window w = {0};
	unsigned map = v->gr[GR_MISC] >> 2 & 3;
	uint32_t off = bank(v), len = map ? 0x10000 : 0x20000;
	if (!(v->misc & MISC_RAM))
		return w;
	if (map < 2 && flat(v) && (vga_dispi_linear(v) || v->sr[SR_MAP_MASK] == 0x0f)) {
		if ((uint64_t)off + len <= v->vram_bytes)
			w = (struct vga_window){VGA_ALIAS_FLAT, VGA_WINDOW, len, off};
	} else if (map == 3 && !flat(v) && v->gr[GR_MODE] & GR_MODE_ODD_EVEN &&
		   !(v->sr[SR_MEMORY] & ODD_EVEN_OFF) && (v->sr[SR_MAP_MASK] & 3) == 3 &&
		   !(v->gr[GR_READ_MAP] & 2) && !off) {
		w = (struct vga_window){VGA_ALIAS_TEXT, VGA_TEXT, VGA_TEXT_LEN, 0};
	}
	return w;
}

/* Pages @first.. of the text alias go to planes 0 and 1. */
static void text_to_planes(struct vga *v, unsigned first, unsigned pages)
{
	for (uint32_t n = first * VGA_PAGE / 2; n < (first + pages) * VGA_PAGE / 2; n++)
		memcpy(v->vram + 4 * n, v->text + 2 * n, 2);
	for (uint32_t at = first * VGA_PAGE * 2; at < (first + pages) * VGA_PAGE * 2; at += VGA_PAGE)
		vga_mark(v, at);
}

static void planes_to_text(struct vga *v)
{
	for (uint32_t n = 0; n < VGA_TEXT_LEN / 2; n++)
		memcpy(v->text + 2 * n, v->vram + 4 * n, 2);
}

void vga_window_close(struct vga *v)
{
	struct vga_window w = v->window;
	v->accesses = 0;
	if (w.alias == VGA_ALIAS_NONE)
		return;
	memory_overlay_remove(&v->pci->dev.m->mem, ALIAS_NAME);
	if (memory_commit(&v->pci->dev.m->mem)) /* from here on nobody writes to it */
		log_error("%s: the memory map cannot be changed", v->pci->dev.name);
	v->window = (struct vga_window){0};
	if (w.alias == VGA_ALIAS_TEXT)
		text_to_planes(v, 0, VGA_TEXT_LEN / VGA_PAGE);
	for (uint32_t i = 0; w.alias == VGA_ALIAS_FLAT && i < w.len; i += VGA_PAGE)
		vga_mark(v, w.off + i);
}

static void window_open(struct vga *v, const struct vga_window *w)
{
	v->window = *w;
	if (w->alias == VGA_ALIAS_TEXT)
		planes_to_text(v);
	uint8_t *hva = w->alias == VGA_ALIAS_TEXT ? v->text : v->vram + w->off;
	struct memory *mem = &v->pci->dev.m->mem;
	if (memory_overlay(mem, ALIAS_NAME, w->gpa, w->len, hva, MEM_DIRTY_LOG | MEM_NO_DMA) == 0 &&
	    memory_commit(mem) == 0)
		return;
	v->window = (struct vga_window){0}; /* by exits, then */
}

void vga_window_update(struct vga *v)
{
	struct vga_window w = window_wanted(v);
	if (memcmp(&w, &v->window, sizeof(w)) != 0)
		vga_window_close(v);
	v->accesses = 0;
}

static void accessed(struct vga *v, unsigned n)
{
	if (v->window.alias != VGA_ALIAS_NONE || (v->accesses += n) < ALIAS_AFTER)
		return;
	struct vga_window w = window_wanted(v);
	v->accesses = 0;
	if (w.alias != VGA_ALIAS_NONE)
		window_open(v, &w);
}

static uint64_t window_read(struct dev *d, uint64_t off, unsigned size)
{
	uint64_t val = 0;
	for (unsigned i = 0; i < size; i++)
		val |= (uint64_t)byte_read(vga_of(d), off + i) << (8 * i);
	accessed(vga_of(d), 1);
	return val;
}

static void window_write(struct dev *d, uint64_t off, unsigned size, uint64_t val)
{
	for (unsigned i = 0; i < size; i++)
		byte_write(vga_of(d), off + i, (uint8_t)(val >> (8 * i)));
	accessed(vga_of(d), 1);
}

const struct region_ops vga_window_ops = {window_read, window_write};

/* --- what was written --- */

static void collect_alias(struct vga *v)
{
	struct memory *mem = &v->pci->dev.m->mem;
	const struct vga_window *w = &v->window;
	uint64_t bits = ~0ull;
	if (w->alias == VGA_ALIAS_NONE)
		return;
	if (memory_dirty(mem, w->gpa, w->len, &bits) || v->text_written)
		bits = ~0ull;
	v->text_written = false;
	for (unsigned i = 0; i < w->len / VGA_PAGE; i++) {
		if (!(bits >> i & 1))
			continue;
		if (w->alias == VGA_ALIAS_TEXT)
			text_to_planes(v, i, 1);
		else
			vga_mark(v, w->off + i * VGA_PAGE);
	}
}

void vga_collect(struct vga *v)
{
	kvm_coalesced_drain(v->pci->dev.m);
	collect_alias(v);
	uint64_t at = v->pci->bars[0].mapped;
	unsigned words = v->vram_bytes / VGA_PAGE / 64;
	if (!at || !v->lfb_logged)
		return;
	if (memory_dirty(&v->pci->dev.m->mem, at, v->vram_bytes, v->log)) {
		vga_mark_all(v);
		return;
	}
	for (unsigned i = 0; i < words; i++)
		v->dirty[i] |= v->log[i];
	for (unsigned i = 0; i < 4 * VGA_PLANE / VGA_PAGE / 64; i++)
		v->font_stale |= v->log[i] != 0;
}

void vga_clear(struct vga *v, uint64_t len)
{
	if (len > v->vram_bytes)
		len = v->vram_bytes;
	for (off_t at = 0; at < (off_t)len;) {
		off_t data = lseek(v->vram_fd, at, SEEK_DATA);
		if (data < 0 || data >= (off_t)len)
			break;
		off_t hole = lseek(v->vram_fd, data, SEEK_HOLE);
		at = hole < 0 || hole > (off_t)len ? (off_t)len : hole;
		memset(v->vram + data, 0, (size_t)(at - data));
	}
	vga_mark_all(v);
}
