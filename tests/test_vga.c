/* The standard VGA as firmware, kernels and old programs drive it, in a machine without KVM. */
#include "tests/testlib.h"
#include "tests/vmmlib.h"

#include <errno.h>
#include <png.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "backend/vmm/dev/edid.h"
#include "backend/vmm/dev/vga.h"
#include "backend/vmm/display/display.h"
#include "src/base/cleanup.h"

enum { LFB = 0xe0000000u, REGS = 0xf0000000u };

static struct vmm_test *t;
static struct vga *vga;
static struct display *screen;
static struct display_client looker;
static struct rect rects[DISPLAY_RECTS_MAX];
static unsigned surfaces; /* that the looker was told of */

static void changed(struct display_client *c, unsigned what)
{
	surfaces += (what & DISPLAY_SURFACE) != 0;
}

static void setup(void)
{
	t = vmm_start(1000);
	vga = vga_of(vmm_dev(t, "vga", 0));
	pci_config_write(t->m.pci, vga->pci->addr.slot, 0, 0x10, 4, LFB);
	pci_config_write(t->m.pci, vga->pci->addr.slot, 0, 0x18, 4, REGS);
	pci_config_write(t->m.pci, vga->pci->addr.slot, 0, 0x04, 2, 7);
	screen = display_of(&t->m);
	looker = (struct display_client){.changed = changed};
	surfaces = 0;
	display_client_add(screen, &looker);
}

static void teardown(void)
{
	display_client_remove(screen, &looker);
	vmm_stop(t);
}

/* --- as a guest --- */

static void mem_write(uint64_t gpa, unsigned size, uint64_t val)
{
	bus_access(&t->m.mmio, gpa, &val, size, true);
}

static uint64_t mem_read(uint64_t gpa, unsigned size)
{
	uint64_t val = 0;
	bus_access(&t->m.mmio, gpa, &val, size, false);
	return val;
}

static void indexed(uint16_t port, uint8_t index, uint8_t val)
{
	vmm_out(t, port, 2, index | (uint32_t)val << 8);
}

static void dispi(uint16_t index, uint16_t val)
{
	vmm_out(t, 0x1ce, 2, index);
	vmm_out(t, 0x1cf, 2, val);
}

static uint16_t dispi_get(uint16_t index)
{
	vmm_out(t, 0x1ce, 2, index);
	return (uint16_t)vmm_in(t, 0x1d0, 2);
}

static void dispi_mode(unsigned w, unsigned h, unsigned bpp)
{
	dispi(DISPI_ENABLE, 0);
	dispi(DISPI_XRES, (uint16_t)w);
	dispi(DISPI_YRES, (uint16_t)h);
	dispi(DISPI_BPP, (uint16_t)bpp);
	dispi(DISPI_ENABLE, DISPI_ENABLED | DISPI_LFB);
	in8(t, 0x3da);
	out8(t, 0x3c0, 0x20);
}

/* The standard modes as IBM's BIOS sets them: misc, SR0-4, GR0-8, AR10-14, CR0-18. */
struct standard_mode {
	uint8_t misc, sr[5], gr[9], ar[5], cr[25];
};
static const struct standard_mode
	mode_text = {0x67,
                     {3, 0, 3, 0, 2},
                     {0, 0, 0, 0, 0, 0x10, 0x0e, 0, 0xff},
                     {0x0c, 0, 0x0f, 8, 0},
                     {0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81, 0xbf, 0x1f, 0, 0x4f, 0x0d, 0x0e, 0, 0, 0, 0, 0x9c, 0x8e, 0x8f,
                      0x28, 0x1f, 0x96, 0xb9, 0xa3, 0xff}},
	mode_320_cga = {0x63,
                        {3, 9, 3, 0, 2},
                        {0, 0, 0, 0, 0, 0x30, 0x0f, 0x0f, 0xff},
                        {0x01, 0, 0x03, 0, 0},
                        {0x2d, 0x27, 0x28, 0x90, 0x2b, 0x80, 0xbf, 0x1f, 0, 0xc1, 0, 0, 0, 0, 0, 0, 0x9c, 0x8e, 0x8f, 0x14, 0,
                         0x96, 0xb9, 0xa2, 0xff}},
	mode_640_planar = {0xe3,
                           {3, 1, 0x0f, 0, 6},
                           {0, 0, 0, 0, 0, 0, 5, 0x0f, 0xff},
                           {0x01, 0, 0x0f, 0, 0},
                           {0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0x0b, 0x3e, 0, 0x40, 0, 0, 0, 0, 0, 0, 0xea, 0x8c, 0xdf,
                            0x28, 0, 0xe7, 0x04, 0xe3, 0xff}},
	mode_320_chunky = {0x63,
                           {3, 1, 0x0f, 0, 0x0e},
                           {0, 0, 0, 0, 0, 0x40, 5, 0x0f, 0xff},
                           {0x41, 0, 0x0f, 0, 0},
                           {0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0xbf, 0x1f, 0, 0x41, 0, 0, 0, 0, 0, 0, 0x9c, 0x8e, 0x8f,
                            0x28, 0x40, 0x96, 0xb9, 0xa3, 0xff}};

/* Palette entry i is grey of i * 4 (6 bits: i); attribute i is palette entry i. */
static void set_mode(const struct standard_mode *m)
{
	out8(t, 0x3c2, m->misc);
	for (unsigned i = 0; i < 5; i++)
		indexed(0x3c4, (uint8_t)i, m->sr[i]);
	indexed(0x3d4, 0x11, 0); /* unprotect */
	for (unsigned i = 0; i < 25; i++)
		indexed(0x3d4, (uint8_t)i, m->cr[i]);
	for (unsigned i = 0; i < 9; i++)
		indexed(0x3ce, (uint8_t)i, m->gr[i]);
	in8(t, 0x3da);
	for (unsigned i = 0; i < 21; i++) {
		out8(t, 0x3c0, (uint8_t)i);
		out8(t, 0x3c0, i < 16 ? (uint8_t)i : m->ar[i - 16]);
	}
	out8(t, 0x3c0, 0x20);
	out8(t, 0x3c8, 0);
	for (unsigned i = 0; i < 768; i++)
		out8(t, 0x3c9, (uint8_t)(i / 3 & 63));
}

/* Glyph of @ch in font 0: each line is @bits. */
static void load_glyph(uint8_t ch, uint8_t bits)
{
	indexed(0x3c4, 2, 4);
	indexed(0x3c4, 4, 7);
	indexed(0x3ce, 5, 0);
	indexed(0x3ce, 6, 4);
	for (unsigned i = 0; i < 16; i++)
		mem_write(0xa0000 + ch * 32u + i, 1, bits);
	indexed(0x3c4, 2, 3);
	indexed(0x3c4, 4, 3);
	indexed(0x3ce, 5, 0x10);
	indexed(0x3ce, 6, 0x0e);
}

static uint32_t grey(unsigned dac)
{
	return (dac << 2 | dac >> 4) * 0x010101u;
}

static uint32_t pixel(unsigned x, unsigned y)
{
	const struct surface *s = display_surface(screen);
	uint32_t p;
	ck_assert_ptr_nonnull(s);
	ck_assert_uint_lt(x, s->width);
	ck_assert_uint_lt(y, s->height);
	memcpy(&p, s->pixels + (size_t)y * s->stride + 4 * (size_t)x, 4);
	return p & 0xffffff;
}

/* What changed since the last call, as the one rectangle around it. w 0: nothing. */
static struct rect damage(void)
{
	struct rect u = {0};
	display_refresh(screen);
	unsigned n = display_take_damage(screen, &looker, rects);
	for (unsigned i = 0; i < n; i++) {
		const struct rect *r = &rects[i];
		unsigned right = u.x + u.w > r->x + r->w ? u.x + u.w : r->x + r->w;
		unsigned bottom = u.y + u.h > r->y + r->h ? u.y + u.h : r->y + r->h;
		u.x = !u.w || r->x < u.x ? r->x : u.x;
		u.y = !u.h || r->y < u.y ? r->y : u.y;
		u.w = right - u.x;
		u.h = bottom - u.y;
	}
	return u;
}

static void ck_rect(struct rect r, unsigned x, unsigned y, unsigned w, unsigned h)
{
	ck_assert_msg(r.x == x && r.y == y && r.w == w && r.h == h,
		      "changed: %ux%u at %u,%u, not %ux%u at %u,%u", r.w, r.h, r.x, r.y, w, h, x, y);
}

static void ck_size(unsigned w, unsigned h)
{
	display_refresh(screen);
	const struct surface *s = display_surface(screen);
	ck_assert_uint_eq(s->width, w);
	ck_assert_uint_eq(s->height, h);
}

/* --- text --- */

START_TEST(there_is_a_black_picture_before_any_mode_is_set)
{
	ck_size(720, 400);
	ck_assert_uint_eq(pixel(100, 100), 0);
	struct text_screen text;
	ck_assert(!display_text(screen, &text));
}
END_TEST

START_TEST(text_is_painted_with_its_font_and_colours)
{
	set_mode(&mode_text);
	load_glyph('A', 0x81);
	load_glyph(' ', 0x00);
	load_glyph(0xc4, 0xff); /* a line: its 9th dot is as the 8th */
	mem_write(0xb8000, 2, 0x1e41);
	mem_write(0xb8002, 2, 0x0fc4);
	ck_size(720, 400);
	ck_assert_uint_eq(pixel(0, 0), grey(14));
	ck_assert_uint_eq(pixel(1, 0), grey(1));
	ck_assert_uint_eq(pixel(7, 15), grey(14));
	ck_assert_uint_eq(pixel(8, 0), grey(1));
	ck_assert_uint_eq(pixel(17, 5), grey(15));
	indexed(0x3c4, 1, 1); /* 8 dots */
	ck_size(640, 400);
	ck_assert_uint_eq(pixel(7, 0), grey(14));
	ck_assert_uint_eq(pixel(8, 0), grey(15));
}
END_TEST

START_TEST(text_is_read_as_cells)
{
	struct text_screen text;
	set_mode(&mode_text);
	for (unsigned i = 0; i < 5; i++)
		mem_write(0xb8000 + 160 * 24 + 2 * i, 2, 0x0700 | (uint8_t)"hello"[i]);
	indexed(0x3d4, 0x0e, 0x07);
	indexed(0x3d4, 0x0f, 0x85); /* 24 * 80 + 5 */
	ck_assert(display_text(screen, &text));
	ck_assert_uint_eq(text.cols, 80);
	ck_assert_uint_eq(text.rows, 25);
	ck_assert_uint_eq(text.cells[24 * 80].ch, 'h');
	ck_assert_uint_eq(text.cells[24 * 80 + 4].ch, 'o');
	ck_assert_uint_eq(text.cells[24 * 80].attr, 7);
	ck_assert_int_eq(text.cursor_x, 5);
	ck_assert_int_eq(text.cursor_y, 24);
	indexed(0x3d4, 0x0a, 0x20);
	ck_assert(display_text(screen, &text));
	ck_assert_int_eq(text.cursor_x, -1);
	indexed(0x3d4, 0x0c, 0);
	indexed(0x3d4, 0x0d, 80); /* scrolled by a row */
	ck_assert(display_text(screen, &text));
	ck_assert_uint_eq(text.cells[23 * 80].ch, 'h');
	indexed(0x3d4, 9, 0x47); /* 8 lines a character */
	ck_assert(display_text(screen, &text));
	ck_assert_uint_eq(text.rows, 50);
}
END_TEST

START_TEST(text_modes_have_the_size_that_registers_say)
{
	static const struct {
		unsigned cols, lines, height; /* of characters, of the screen, of a character */
		unsigned rows, width;
	} c[] = {
		{80, 400, 16, 25, 720}, {80, 400, 8, 50, 720}, {40, 400, 16, 25, 360}, {132, 400, 16, 25, 1188},
		{132, 344, 8, 43, 1188}, {132, 480, 8, 60, 1188}, {100, 480, 16, 30, 900},
	};
	struct text_screen text;
	set_mode(&mode_text);
	indexed(0x3d4, 0x01, 39); /* is protected */
	ck_size(720, 400);
	indexed(0x3d4, 0x11, 0);
	for (size_t i = 0; i < ARRAY_SIZE(c); i++) {
		indexed(0x3d4, 0x01, (uint8_t)(c[i].cols - 1));
		indexed(0x3d4, 0x13, (uint8_t)(c[i].cols / 2));
		indexed(0x3d4, 0x12, (uint8_t)(c[i].lines - 1));
		indexed(0x3d4, 0x07, c[i].lines > 256 ? 0x1f : 0x1d);
		indexed(0x3d4, 0x09, (uint8_t)(0x40 | (c[i].height - 1)));
		mem_write(0xb8000 + 2 * (c[i].cols * c[i].rows - 1), 2, 0x0758);
		ck_size(c[i].width, c[i].lines);
		ck_assert(display_text(screen, &text));
		ck_assert_uint_eq(text.cols, c[i].cols);
		ck_assert_uint_eq(text.rows, c[i].rows);
		ck_assert_uint_eq(text.cells[c[i].cols * c[i].rows - 1].ch, 'X');
	}
}
END_TEST

START_TEST(a_changed_cell_is_the_only_damage)
{
	set_mode(&mode_text);
	indexed(0x3d4, 0x0a, 0x20); /* no cursor */
	load_glyph('A', 0xff);
	ck_rect(damage(), 0, 0, 720, 400);
	ck_assert_uint_eq(damage().w, 0);
	mem_write(0xb8000 + 160 * 3 + 2 * 7, 2, 0x0741);
	ck_rect(damage(), 7 * 9, 3 * 16, 8, 16);
	ck_assert_uint_eq(damage().w, 0);
	mem_write(0xb8000 + 160 * 3 + 2 * 7, 2, 0x0741); /* the same again */
	ck_assert_uint_eq(damage().w, 0);
	load_glyph('A', 0x0f); /* another form */
	ck_rect(damage(), 7 * 9, 3 * 16, 4, 16);
}
END_TEST

START_TEST(cursor_and_blinking_cells_come_and_go_with_the_time)
{
	set_mode(&mode_text);
	load_glyph('A', 0xff);
	mem_write(0xb8000, 2, 0x8741);
	indexed(0x3d4, 0x0f, 5);
	mem_write(0xb800a, 2, 0x0720);
	unsigned cursor[2] = {0}, cell[2] = {0};
	for (unsigned i = 0; i < 16; i++) {
		display_refresh(screen);
		cursor[pixel(5 * 9, 13) != 0]++;
		cell[pixel(0, 0) != 0]++;
		vmm_advance(t, 266000000);
	}
	ck_assert_uint_eq(cursor[0], 8);
	ck_assert_uint_eq(cursor[1], 8);
	ck_assert_uint_eq(cell[0], 8);
	ck_assert_uint_eq(cell[1], 8);
}
END_TEST

START_TEST(two_fonts_make_512_characters)
{
	set_mode(&mode_text);
	load_glyph('A', 0xf0);
	indexed(0x3c4, 2, 4); /* the second font, at 16 KiB */
	indexed(0x3c4, 4, 7);
	indexed(0x3ce, 5, 0);
	indexed(0x3ce, 6, 4);
	for (unsigned i = 0; i < 16; i++)
		mem_write(0xa0000 + 0x4000 + 'A' * 32u + i, 1, 0x0f);
	indexed(0x3c4, 2, 3);
	indexed(0x3c4, 4, 3);
	indexed(0x3ce, 5, 0x10);
	indexed(0x3ce, 6, 0x0e);
	indexed(0x3c4, 3, 0x04); /* map A = 1, map B = 0 */
	mem_write(0xb8000, 4, 0x0f410741);
	display_refresh(screen);
	ck_assert_uint_eq(pixel(0, 0), grey(7));
	ck_assert_uint_eq(pixel(4, 0), 0);
	ck_assert_uint_eq(pixel(9, 0), 0);
	ck_assert_uint_eq(pixel(13, 0), grey(7)); /* bit 3 is the font, not the colour */
}
END_TEST

/* After enough writes the guest has the text as memory; nobody can tell the difference. */
START_TEST(text_as_memory_is_the_same_as_text_by_exits)
{
	struct text_screen text;
	set_mode(&mode_text);
	for (unsigned i = 0; i < 2000; i++)
		mem_write(0xb8000 + 2 * i, 2, 0x0700 | ('0' + i % 10));
	ck_assert_uint_eq(vga->window.alias, VGA_ALIAS_TEXT);
	uint8_t *ram = gm_any(&t->m.mem, 0xb8000, 0x8000);
	ck_assert_ptr_eq(ram, vga->text);
	ck_assert_ptr_null(gm_ptr(&t->m.mem, 0xb8000, 2, true)); /* not for devices */
	ram[0] = 'X';
	ck_assert_uint_eq(mem_read(0xb8000, 1), 'X');
	ck_assert(display_text(screen, &text));
	ck_assert_uint_eq(text.cells[0].ch, 'X');
	ck_assert_uint_eq(text.cells[1999].ch, '9');
	load_glyph('X', 0xff); /* planes 2 and 3 need exits */
	ck_assert_uint_eq(vga->window.alias, VGA_ALIAS_NONE);
	ck_assert_ptr_null(gm_any(&t->m.mem, 0xb8000, 2));
	ck_assert_uint_eq(mem_read(0xb8000, 1), 'X');
	ck_assert(display_text(screen, &text));
	ck_assert_uint_eq(text.cells[0].ch, 'X');
}
END_TEST

/* --- planes --- */

static void planar_mode(void)
{
	set_mode(&mode_640_planar);
	ck_size(640, 480);
}

START_TEST(write_mode_0_sets_masks_rotates_and_combines)
{
	planar_mode();
	indexed(0x3c4, 2, 0x05); /* planes 0 and 2 */
	mem_write(0xa0000, 1, 0x80);
	display_refresh(screen);
	ck_assert_uint_eq(pixel(0, 0), grey(5));
	ck_assert_uint_eq(pixel(1, 0), 0);
	indexed(0x3c4, 2, 0x0f);
	indexed(0x3ce, 0, 0x0a); /* set/reset 1010 for all planes */
	indexed(0x3ce, 1, 0x0f);
	indexed(0x3ce, 8, 0x0f); /* the right half of the byte */
	mem_read(0xa0001, 1);
	mem_write(0xa0001, 1, 0x00);
	display_refresh(screen);
	ck_assert_uint_eq(pixel(8, 0), 0);
	ck_assert_uint_eq(pixel(12, 0), grey(10));
	indexed(0x3ce, 1, 0);
	indexed(0x3ce, 8, 0xff);
	indexed(0x3ce, 3, 0x19); /* XOR, rotated right by one */
	mem_read(0xa0001, 1);
	mem_write(0xa0001, 1, 0x02); /* becomes 01 */
	display_refresh(screen);
	ck_assert_uint_eq(pixel(15, 0), grey(10 ^ 15));
	ck_assert_uint_eq(pixel(14, 0), grey(10));
}
END_TEST

START_TEST(write_modes_1_to_3_use_latches_colours_and_masks)
{
	planar_mode();
	indexed(0x3ce, 5, 2);
	mem_write(0xa0000, 1, 0x09); /* colour 9 everywhere */
	indexed(0x3ce, 5, 1);
	mem_read(0xa0000, 1);
	mem_write(0xa0050, 1, 0xff); /* the latches, one line down */
	indexed(0x3ce, 5, 3);
	indexed(0x3ce, 0, 0x06);
	mem_read(0xa0000, 1);
	mem_write(0xa0000, 1, 0x01); /* a mask for colour 6 */
	display_refresh(screen);
	ck_assert_uint_eq(pixel(0, 0), grey(9));
	ck_assert_uint_eq(pixel(7, 0), grey(6));
	ck_assert_uint_eq(pixel(0, 1), grey(9));
}
END_TEST

START_TEST(read_modes_give_a_plane_or_compare_colours)
{
	planar_mode();
	indexed(0x3ce, 5, 2);
	indexed(0x3ce, 8, 0xf0);
	mem_read(0xa0000, 1);
	mem_write(0xa0000, 1, 0x0c);
	for (unsigned plane = 0; plane < 4; plane++) {
		indexed(0x3ce, 4, (uint8_t)plane);
		ck_assert_uint_eq(mem_read(0xa0000, 1), plane >= 2 ? 0xf0 : 0);
	}
	indexed(0x3ce, 5, 8);
	indexed(0x3ce, 2, 0x0c);
	ck_assert_uint_eq(mem_read(0xa0000, 1), 0xf0);
	indexed(0x3ce, 7, 0x03); /* planes 2 and 3 do not care */
	ck_assert_uint_eq(mem_read(0xa0000, 1), 0xff);
}
END_TEST

START_TEST(cga_lines_lie_in_two_banks)
{
	set_mode(&mode_320_cga);
	ck_size(640, 400);
	mem_write(0xb8000, 1, 0xc0);
	mem_write(0xb8001, 1, 0x02);
	mem_write(0xba000, 1, 0x40);
	mem_write(0xb8050, 1, 0x80);
	display_refresh(screen);
	ck_assert_uint_eq(pixel(0, 0), grey(3));
	ck_assert_uint_eq(pixel(1, 1), grey(3));
	ck_assert_uint_eq(pixel(2, 0), 0);
	ck_assert_uint_eq(pixel(14, 0), grey(2));
	ck_assert_uint_eq(pixel(0, 2), grey(1));
	ck_assert_uint_eq(pixel(0, 4), grey(2));
}
END_TEST

START_TEST(chain_4_has_a_byte_for_each_pixel)
{
	set_mode(&mode_320_chunky);
	ck_size(640, 400);
	mem_write(0xa0000, 4, 0x04030201);
	mem_write(0xa0000 + 320 * 199 + 319, 1, 9);
	display_refresh(screen);
	for (unsigned i = 0; i < 4; i++)
		ck_assert_uint_eq(pixel(2 * i + 1, 1), grey(i + 1));
	ck_assert_uint_eq(pixel(639, 399), grey(9));
	for (unsigned i = 0; i < 100; i++)
		mem_write(0xa0000 + i, 1, 7);
	ck_assert_uint_eq(vga->window.alias, VGA_ALIAS_FLAT);
	ck_assert_ptr_eq(gm_any(&t->m.mem, 0xa0000, 0x10000), vga->vram);
}
END_TEST

START_TEST(unchained_256_colours_take_a_plane_for_each_fourth_pixel)
{
	set_mode(&mode_320_chunky);
	indexed(0x3c4, 4, 6);
	indexed(0x3d4, 0x14, 0);
	indexed(0x3d4, 0x17, 0xe3);
	indexed(0x3c4, 2, 0x02);
	mem_write(0xa0000, 1, 5);
	indexed(0x3c4, 2, 0x0f);
	mem_write(0xa0050, 1, 6);
	display_refresh(screen);
	ck_assert_uint_eq(pixel(0, 0), 0);
	ck_assert_uint_eq(pixel(2, 0), grey(5));
	ck_assert_uint_eq(pixel(4, 0), 0);
	ck_assert_uint_eq(pixel(7, 2), grey(6));
}
END_TEST

START_TEST(split_screen_and_panning_move_what_is_shown)
{
	planar_mode();
	indexed(0x3ce, 5, 2);
	mem_write(0xa0000, 1, 3);      /* address 0 */
	mem_write(0xa0000 + 800, 1, 5); /* where the start goes */
	indexed(0x3d4, 0x0c, 800 >> 8);
	indexed(0x3d4, 0x0d, 800 & 255);
	display_refresh(screen);
	ck_assert_uint_eq(pixel(0, 0), grey(5));
	ck_assert_uint_eq(pixel(8, 0), 0);
	indexed(0x3d4, 0x18, 99); /* from line 100 on: address 0 */
	indexed(0x3d4, 0x07, 0x2e);
	indexed(0x3d4, 0x09, 0x00);
	in8(t, 0x3da);
	out8(t, 0x3c0, 0x33);
	out8(t, 0x3c0, 3); /* three pixels to the left */
	display_refresh(screen);
	ck_assert_uint_eq(pixel(0, 100), grey(3));
	ck_assert_uint_eq(pixel(4, 0), grey(5));
	ck_assert_uint_eq(pixel(5, 0), 0);
}
END_TEST

/* --- DISPI --- */

START_TEST(dispi_tells_what_it_can)
{
	static const uint16_t ids[][2] = {{0xb0c0, 0xb0c0}, {0xb0c5, 0xb0c5}, {0xb0c6, 0xb0c5}, {0, 0xb0c5}};
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		dispi(DISPI_ID, ids[i][0]);
		ck_assert_uint_eq(dispi_get(DISPI_ID), ids[i][1]);
	}
	ck_assert_uint_eq(dispi_get(DISPI_VRAM_64K), 256);
	dispi(DISPI_ENABLE, DISPI_GETCAPS);
	ck_assert_uint_eq(dispi_get(DISPI_XRES), 2560);
	ck_assert_uint_eq(dispi_get(DISPI_YRES), 1600);
	ck_assert_uint_eq(dispi_get(DISPI_BPP), 32);
}
END_TEST

START_TEST(dispi_shows_each_depth)
{
	static const struct {
		unsigned bpp;
		uint64_t memory;
		unsigned size;
		uint32_t shown;
	} c[] = {
		{8, 0x2a, 1, 0xaaaaaa}, {15, 0x7c1f, 2, 0xff00ff}, {16, 0xf81f, 2, 0xff00ff}, {16, 0x07e0, 2, 0x00ff00},
		{24, 0x123456, 3, 0x123456}, {32, 0x123456, 4, 0x123456},
	};
	set_mode(&mode_320_chunky); /* for its palette */
	for (size_t i = 0; i < ARRAY_SIZE(c); i++) {
		dispi_mode(800, 600, c[i].bpp);
		ck_size(800, 600);
		ck_assert_uint_eq(pixel(1, 1), 0);
		mem_write(LFB + 801ull * ((c[i].bpp + 7) / 8),
			  c[i].size == 1   ? 1
			  : c[i].size == 2 ? 2
					   : 4,
			  c[i].memory);
		display_refresh(screen);
		ck_assert_uint_eq(pixel(1, 1), c[i].shown);
		ck_assert_uint_eq(pixel(799, 599), 0);
	}
}
END_TEST

START_TEST(dispi_16_colours_are_planar)
{
	set_mode(&mode_640_planar);
	dispi_mode(800, 600, 4);
	ck_size(800, 600);
	indexed(0x3ce, 5, 2);
	mem_write(0xa0000 + 100 * 599, 1, 7);
	display_refresh(screen);
	ck_assert_uint_eq(pixel(7, 599), grey(7));
	ck_assert_uint_eq(pixel(8, 599), 0);
}
END_TEST

START_TEST(a_32_bit_mode_is_shown_from_vram_itself)
{
	dispi_mode(1024, 768, 32);
	display_refresh(screen);
	const struct surface *s = display_surface(screen);
	ck_assert_ptr_eq(s->pixels, vga->vram);
	ck_assert_uint_eq(s->stride, 4096);
	damage();
	mem_write(LFB + 4096 * 100 + 4 * 10, 4, 0xffffff);
	ck_rect(damage(), 0, 100, 1024, 1);
	ck_assert_uint_eq(damage().w, 0);
	dispi(DISPI_VIRT_WIDTH, 2048);
	dispi(DISPI_X_OFFSET, 16);
	dispi(DISPI_Y_OFFSET, 768);
	display_refresh(screen);
	s = display_surface(screen);
	ck_assert_uint_eq(s->stride, 8192);
	ck_assert_uint_eq(s->offset, 8192 * 768 + 64);
	ck_assert_uint_eq(dispi_get(DISPI_VIRT_HEIGHT), 2048);
}
END_TEST

START_TEST(what_does_not_fit_into_vram_is_not_shown)
{
	dispi_mode(2560, 1600, 32);
	ck_size(2560, 1600);
	dispi(DISPI_VIRT_WIDTH, 5000);
	display_refresh(screen); /* 1600 lines of 20000 bytes are more than there is */
	ck_assert_ptr_ne(display_surface(screen)->pixels, vga->vram);
	dispi_mode(640, 480, 32);
	dispi(DISPI_Y_OFFSET, 0xffff);
	dispi(DISPI_X_OFFSET, 0xffff);
	ck_size(640, 480);
	ck_assert_ptr_eq(display_surface(screen)->pixels, vga->vram);
	dispi(DISPI_XRES, 2561); /* refused */
	ck_assert_uint_eq(dispi_get(DISPI_XRES), 640);
}
END_TEST

START_TEST(the_banked_window_reaches_all_of_vram)
{
	set_mode(&mode_320_chunky);
	dispi_mode(1024, 768, 8);
	dispi(DISPI_BANK, 11);
	mem_write(0xa0000 + 0xffff, 1, 63);
	display_refresh(screen);
	ck_assert_uint_eq(pixel(1023, 767), 0xffffff);
	ck_assert_uint_eq(mem_read(0xa0000 + 0xffff, 1), 63);
	for (unsigned i = 0; i < 100; i++)
		mem_write(0xa0000 + i, 1, 1);
	ck_assert_ptr_eq(gm_any(&t->m.mem, 0xa0000, 0x10000), vga->vram + 11 * 0x10000);
	dispi(DISPI_BANK, 0);
	ck_assert_ptr_null(gm_any(&t->m.mem, 0xa0000, 1));
	dispi(DISPI_BANK, 256); /* behind the end: refused */
	ck_assert_uint_eq(dispi_get(DISPI_BANK), 0);
}
END_TEST

START_TEST(enabling_clears_unless_told_not_to)
{
	mem_write(LFB, 4, 0xabcdef);
	dispi(DISPI_XRES, 640);
	dispi(DISPI_YRES, 480);
	dispi(DISPI_BPP, 32);
	dispi(DISPI_ENABLE, DISPI_ENABLED | DISPI_NOCLEAR);
	ck_assert_uint_eq(mem_read(LFB, 4), 0xabcdef);
	dispi(DISPI_ENABLE, 0);
	dispi(DISPI_ENABLE, DISPI_ENABLED);
	ck_assert_uint_eq(mem_read(LFB, 4), 0);
}
END_TEST

START_TEST(an_8_bit_dac_has_8_bits)
{
	dispi_mode(640, 480, 8);
	dispi(DISPI_ENABLE, DISPI_ENABLED | DISPI_8BIT_DAC);
	out8(t, 0x3c8, 1);
	out8(t, 0x3c9, 0x81);
	out8(t, 0x3c9, 0x42);
	out8(t, 0x3c9, 0xff);
	mem_write(LFB, 1, 1);
	display_refresh(screen);
	ck_assert_uint_eq(pixel(0, 0), 0x8142ff);
	out8(t, 0x3c7, 1);
	ck_assert_uint_eq(in8(t, 0x3c9), 0x81);
	ck_assert_uint_eq(in8(t, 0x3c7), 3);
}
END_TEST

START_TEST(turning_dispi_off_shows_the_vga_again)
{
	set_mode(&mode_text);
	dispi_mode(1024, 768, 32);
	ck_size(1024, 768);
	dispi(DISPI_ENABLE, 0);
	ck_size(720, 400);
}
END_TEST

/* --- the PCI device --- */

START_TEST(bar_2_has_edid_ports_and_dispi)
{
	ck_assert_uint_eq(mem_read(REGS, 8), 0x00ffffffffffff00ull);
	mem_write(REGS + 0x500 + 2 * DISPI_XRES, 2, 800);
	ck_assert_uint_eq(dispi_get(DISPI_XRES), 800);
	ck_assert_uint_eq(mem_read(REGS + 0x500, 2), 0xb0c5);
	mem_write(REGS + 0x408, 1, 7); /* 3C8 */
	ck_assert_uint_eq(in8(t, 0x3c8), 7);
	ck_assert_uint_eq(mem_read(REGS + 0x600, 4), 8);
	ck_assert_uint_eq(mem_read(REGS + 0x604, 4), 0x1e1e1e1e);
	ck_assert_uint_eq(mem_read(REGS + 0x700, 4), 0xffffffff);
}
END_TEST

START_TEST(edid_is_well_formed_and_prefers_what_was_wished)
{
	static const unsigned sizes[][2] = {{640, 480}, {1280, 800}, {1920, 1080}, {2560, 1600}, {1, 1}};
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		uint8_t e[EDID_LEN], sum = 0;
		display_wish(screen, sizes[i][0], sizes[i][1]);
		for (unsigned k = 0; k < EDID_LEN; k++) {
			e[k] = (uint8_t)mem_read(REGS + k, 1);
			sum = (uint8_t)(sum + e[k]);
		}
		ck_assert_uint_eq(sum, 0);
		ck_assert_uint_eq(e[0x38] | e[0x3a] >> 4 << 8, sizes[i][0]);
		ck_assert_uint_eq(e[0x3b] | e[0x3d] >> 4 << 8, sizes[i][1]);
	}
}
END_TEST

START_TEST(lookers_can_map_the_surface_but_not_write_to_it)
{
	for (unsigned i = 0; i < 2; i++) {
		const struct surface *s = display_surface(screen);
		ck_assert_ptr_eq(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd, 0), MAP_FAILED);
		void *p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, s->fd, 0);
		ck_assert_ptr_ne(p, MAP_FAILED);
		ck_assert_int_lt(mprotect(p, 4096, PROT_READ | PROT_WRITE), 0);
		munmap(p, 4096);
		ck_assert_int_lt(ftruncate(s->fd, 0), 0);
		dispi_mode(640, 480, 32);
		display_refresh(screen);
	}
}
END_TEST

START_TEST(reset_is_a_black_screen_and_empty_memory)
{
	dispi_mode(1024, 768, 32);
	mem_write(LFB + 4096, 4, 0xffffff);
	display_refresh(screen);
	vga->pci->dev.type->reset(&vga->pci->dev);
	display_refresh(screen);
	ck_assert_uint_eq(pixel(0, 1), 0);
	ck_assert_uint_eq(vga->vram[4096], 0);
	ck_assert_uint_eq(dispi_get(DISPI_ENABLE), 0);
	ck_assert_ptr_null(gm_any(&t->m.mem, LFB, 4));
}
END_TEST

/* What KVM would say to memory over its own pages. */
static int refuse(void *ctx, const struct mem_slot *gone, unsigned ngone, struct mem_slot *added,
		  unsigned nadded)
{
	return nadded ? -EEXIST : 0;
}

START_TEST(video_memory_that_cannot_be_a_slot_is_reached_by_exits)
{
	static const struct mem_sink sink = {.commit = refuse};
	set_mode(&mode_320_chunky);
	pci_config_write(t->m.pci, vga->pci->addr.slot, 0, 0x04, 2, 0);
	t->m.mem.sink = &sink;
	pci_config_write(t->m.pci, vga->pci->addr.slot, 0, 0x04, 2, 7);
	mem_write(LFB, 1, 9);
	for (unsigned i = 2; i < 200; i++)
		mem_write(0xa0000 + i, 1, 5);
	display_refresh(screen);
	ck_assert_uint_eq(pixel(0, 0), grey(9));
	ck_assert_uint_eq(pixel(4, 0), grey(5));
	ck_assert_uint_eq(vga->window.alias, VGA_ALIAS_NONE);
	ck_assert_ptr_null(gm_any(&t->m.mem, LFB, 1));
	ck_assert_int_eq(memory_commit(&t->m.mem), 0); /* nothing is left that is still wanted */
	t->m.mem.sink = NULL;
}
END_TEST

static unsigned logs_read;

static int accept(void *ctx, const struct mem_slot *gone, unsigned ngone, struct mem_slot *added,
		  unsigned nadded)
{
	return 0;
}

static int no_page(void *ctx, const struct mem_slot *slot, uint64_t *bitmap)
{
	logs_read++;
	memset(bitmap, 0, (slot->len / 4096 + 63) / 64 * 8);
	return 0;
}

START_TEST(nothing_is_looked_for_until_somebody_looks)
{
	static const struct mem_sink sink = {accept, no_page};
	set_mode(&mode_text);
	t->m.mem.sink = &sink;
	pci_config_write(t->m.pci, vga->pci->addr.slot, 0, 0x04, 2, 0);
	pci_config_write(t->m.pci, vga->pci->addr.slot, 0, 0x04, 2, 7);
	logs_read = 0;
	for (unsigned i = 0; i < 500; i++)
		mem_write(0xb8000 + 2 * i, 2, 0x0741);
	ck_assert_uint_eq(vga->window.alias, VGA_ALIAS_TEXT);
	vmm_advance(t, 10000000000u);
	ck_assert_uint_eq(logs_read, 0);
	display_refresh(screen);
	ck_assert_uint_eq(logs_read, 2); /* of the text and of video memory */
	dispi_mode(1024, 768, 32);
	display_refresh(screen);
	ck_assert(display_take_damage(screen, &looker, rects) == 1);
	display_refresh(screen);
	ck_assert_uint_eq(display_take_damage(screen, &looker, rects), 0);
	t->m.mem.sink = NULL;
}
END_TEST

START_TEST(a_kernel_without_firmware_finds_a_linear_mode)
{
	struct vga_boot_mode b;
	ck_assert(vga_boot_mode(&t->m, &b));
	ck_assert_uint_eq(b.base, LFB);
	ck_assert_uint_eq(b.width, 1280);
	ck_assert_uint_eq(b.pitch, 5120);
	ck_size(1280, 800);
	mem_write(LFB + 4, 4, 0x123456);
	ck_assert_uint_eq(pixel(1, 0), 0x123456);
	pci_config_write(t->m.pci, vga->pci->addr.slot, 0, 0x04, 2, 0);
	ck_assert(!vga_boot_mode(&t->m, &b));
}
END_TEST

/* --- the display --- */

START_TEST(lookers_hear_of_a_surface_only_when_its_form_changes)
{
	set_mode(&mode_text);
	display_refresh(screen);
	ck_assert_uint_eq(surfaces, 0); /* as large as the black one */
	indexed(0x3d4, 0x0d, 80);
	display_refresh(screen);
	ck_assert_uint_eq(surfaces, 0);
	indexed(0x3c4, 1, 1);
	display_refresh(screen);
	ck_assert_uint_eq(surfaces, 1);
	out8(t, 0x3c0, 0); /* blanked for a moment */
	display_refresh(screen);
	ck_assert_uint_eq(surfaces, 1);
}
END_TEST

START_TEST(each_looker_has_its_own_damage)
{
	struct display_client other = {0};
	set_mode(&mode_text);
	damage();
	display_client_add(screen, &other);
	ck_assert_uint_eq(display_take_damage(screen, &other, rects), 1);
	ck_assert_uint_eq(damage().w, 0);
	mem_write(0xb8000, 2, 0x4020);
	display_refresh(screen);
	ck_assert_uint_eq(display_take_damage(screen, &other, rects), 1);
	ck_assert_uint_eq(display_take_damage(screen, &looker, rects), 1);
	display_client_remove(screen, &other);
}
END_TEST

START_TEST(many_rectangles_become_few_that_cover_all)
{
	static bool covered[480][640];
	memset(covered, 0, sizeof(covered));
	dispi_mode(640, 480, 32);
	display_refresh(screen);
	display_take_damage(screen, &looker, rects);
	srand(3);
	unsigned x[500], y[500];
	for (unsigned i = 0; i < 500; i++) {
		x[i] = (unsigned)rand() % 640;
		y[i] = (unsigned)rand() % 480;
		display_damage(screen, &vga->pci->dev, x[i], y[i], 5, 700);
	}
	unsigned n = display_take_damage(screen, &looker, rects);
	ck_assert_uint_le(n, DISPLAY_RECTS_MAX);
	for (unsigned i = 0; i < n; i++) {
		ck_assert_uint_le(rects[i].x + rects[i].w, 640);
		ck_assert_uint_le(rects[i].y + rects[i].h, 480);
		for (unsigned k = 0; k < rects[i].h; k++)
			memset(&covered[rects[i].y + k][rects[i].x], 1, rects[i].w);
	}
	for (unsigned i = 0; i < 500; i++)
		for (unsigned k = y[i]; k < 480; k++)
			ck_assert(covered[k][x[i]]);
	display_damage(screen, &vga->pci->dev, 640, 0, 1, 1);
	display_damage(screen, &vga->pci->dev, 0, 0xffffffff, 1, 1);
	ck_assert_uint_eq(display_take_damage(screen, &looker, rects), 0);
}
END_TEST

START_TEST(a_screenshot_is_what_libpng_reads_back)
{
	AUTO_BUF struct buf png = {0};
	struct err e = {0};
	dispi_mode(640, 480, 32);
	mem_write(LFB + 4 * (640 * 7 + 5), 4, 0xff102030);
	ck_assert_msg(!display_png(screen, &png, &e), "%s", e.msg);
	png_image image = {.version = PNG_IMAGE_VERSION};
	ck_assert(png_image_begin_read_from_memory(&image, png.s, png.len));
	ck_assert_uint_eq(image.width, 640);
	ck_assert_uint_eq(image.height, 480);
	image.format = PNG_FORMAT_RGB;
	AUTO_FREE uint8_t *rgb = malloc(PNG_IMAGE_SIZE(image));
	ck_assert(png_image_finish_read(&image, NULL, rgb, 0, NULL));
	static const uint8_t want[3] = {0x10, 0x20, 0x30};
	ck_assert_mem_eq(rgb + 3 * (640 * 7 + 5), want, 3);
	ck_assert_uint_eq(rgb[0], 0);
	png_image_free(&image);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("vga");
	TCase *c = tcase_create("vga");
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, there_is_a_black_picture_before_any_mode_is_set);
	tcase_add_test(c, text_is_painted_with_its_font_and_colours);
	tcase_add_test(c, text_is_read_as_cells);
	tcase_add_test(c, text_modes_have_the_size_that_registers_say);
	tcase_add_test(c, a_changed_cell_is_the_only_damage);
	tcase_add_test(c, cursor_and_blinking_cells_come_and_go_with_the_time);
	tcase_add_test(c, two_fonts_make_512_characters);
	tcase_add_test(c, text_as_memory_is_the_same_as_text_by_exits);
	tcase_add_test(c, write_mode_0_sets_masks_rotates_and_combines);
	tcase_add_test(c, write_modes_1_to_3_use_latches_colours_and_masks);
	tcase_add_test(c, read_modes_give_a_plane_or_compare_colours);
	tcase_add_test(c, cga_lines_lie_in_two_banks);
	tcase_add_test(c, chain_4_has_a_byte_for_each_pixel);
	tcase_add_test(c, unchained_256_colours_take_a_plane_for_each_fourth_pixel);
	tcase_add_test(c, split_screen_and_panning_move_what_is_shown);
	tcase_add_test(c, dispi_tells_what_it_can);
	tcase_add_test(c, dispi_shows_each_depth);
	tcase_add_test(c, dispi_16_colours_are_planar);
	tcase_add_test(c, a_32_bit_mode_is_shown_from_vram_itself);
	tcase_add_test(c, what_does_not_fit_into_vram_is_not_shown);
	tcase_add_test(c, the_banked_window_reaches_all_of_vram);
	tcase_add_test(c, enabling_clears_unless_told_not_to);
	tcase_add_test(c, an_8_bit_dac_has_8_bits);
	tcase_add_test(c, turning_dispi_off_shows_the_vga_again);
	tcase_add_test(c, bar_2_has_edid_ports_and_dispi);
	tcase_add_test(c, edid_is_well_formed_and_prefers_what_was_wished);
	tcase_add_test(c, lookers_can_map_the_surface_but_not_write_to_it);
	tcase_add_test(c, reset_is_a_black_screen_and_empty_memory);
	tcase_add_test(c, video_memory_that_cannot_be_a_slot_is_reached_by_exits);
	tcase_add_test(c, nothing_is_looked_for_until_somebody_looks);
	tcase_add_test(c, a_kernel_without_firmware_finds_a_linear_mode);
	tcase_add_test(c, lookers_hear_of_a_surface_only_when_its_form_changes);
	tcase_add_test(c, each_looker_has_its_own_damage);
	tcase_add_test(c, many_rectangles_become_few_that_cover_all);
	tcase_add_test(c, a_screenshot_is_what_libpng_reads_back);
	suite_add_tcase(s, c);
	return test_main(s);
}
