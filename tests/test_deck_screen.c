/* The guest's screen in the deck, part by part: pictures made small, their way to the terminal, keys, text
 * modes, and a machine at the other end that is not to be trusted. */
#include <errno.h>
#include <fcntl.h>
#include <linux/input-event-codes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <zlib.h>

#include "src/base/cleanup.h"
#include "src/base/cp437.h"
#include "src/base/unixsock.h"
#include "src/proto/keycode.h"
#include "tests/testlib.h"
#include "ui/tui/kitty.h"
#include "ui/tui/pacer.h"
#include "ui/tui/scale.h"
#include "ui/tui/screen_keys.h"
#include "ui/tui/screen_link.h"
#include "ui/tui/term_picture.h"
#include "ui/tui/text_view.h"

static struct err e;

/* --- scale.c --- */

static uint32_t *noise(int n, unsigned seed)
{
	uint32_t *p = x_calloc((size_t)n, sizeof(*p));
	for (int i = 0; i < n; i++) {
		seed = seed * 1103515245u + 12345u;
		p[i] = seed >> 8 & 0xffffff;
	}
	return p;
}

START_TEST(an_average_is_that_of_each_channel)
{
	static const uint32_t px[] = {0xff0000, 0x00ff00, 0x0000ff, 0x000000, 0xffffff, 0x010203};
	struct picture p = {px, 3, 2, 3};
	ck_assert_uint_eq(picture_average(&p, 0, 0, 1, 1), 0xff0000);
	ck_assert_uint_eq(picture_average(&p, 0, 0, 2, 1), 0x808000);
	ck_assert_uint_eq(picture_average(&p, 0, 0, 3, 1), 0x555555);
	ck_assert_uint_eq(picture_average(&p, 0, 0, 3, 2), 0x55 << 16 | 0x55 << 8 | 0x56);
}
END_TEST

START_TEST(an_average_of_many_pixels_does_not_overflow)
{
	int n = 4096 * 16;
	AUTO_FREE uint32_t *px = x_calloc((size_t)n, sizeof(*px));
	struct picture p = {px, 4096, 16, 4096};
	for (int i = 0; i < n; i++)
		px[i] = 0xfffefd;
	ck_assert_uint_eq(picture_average(&p, 0, 0, 4096, 16), 0xfffefd);
}
END_TEST

START_TEST(known_pictures_have_exact_cells)
{
	static const uint32_t px[] = {1, 2, 3, 4, 5, 6, 7, 8};
	struct picture p = {px, 2, 4, 2};
	struct scaled s = {0};
	struct canvas c = {0};
	canvas_resize(&c, 4, 6);
	struct area a = area_sub(&(struct area){&c, 0, 0, 4, 6}, 1, 1, 2, 4);
	ck_assert(scaled_fit(&s, 2, 4, 4, 2, 2000));
	ck_assert(s.width == 2 && s.height == 4 && s.left == 1 &&
		  s.top == 0); /* in the middle of 4 columns */
	scaled_update(&s, &p, 0, 0, 2, 4);
	scaled_draw(&s, &a);
	const struct cell *cell = canvas_cell(&c, 1, 2);
	ck_assert(cell->style.fg == (VT_RGB | 1) && cell->style.bg == (VT_RGB | 3) &&
		  !strcmp(cell->text, "▀"));
	ck_assert(cell->style.attrs == CELL_PICTURE);
	cell = canvas_cell(&c, 2, 3);
	ck_assert(cell->style.fg == (VT_RGB | 6) && cell->style.bg == (VT_RGB | 8));
	ck_assert_str_eq(canvas_cell(&c, 1, 1)->text, " "); /* beside it */
	ck_assert_uint_eq(canvas_cell(&c, 1, 4)->style.attrs, 0);
	ck_assert(!scaled_fit(&s, 2, 4, 4, 2, 2000)); /* as before */
	scaled_done(&s);
	canvas_done(&c);
}
END_TEST

START_TEST(the_shape_is_kept)
{
	static const struct {
		int w, h, cols, rows, aspect, width, height, left, top;
	} cases[] = {
	    {1024, 768, 160, 50, 2000, 133, 100, 13, 0}, {1024, 768, 160, 100, 2000, 160, 120, 0, 40},
	    {100, 100, 10, 10, 1000, 10, 20, 0, 0},      {4000, 10, 80, 24, 2000, 80, 1, 0, 23},
	    {10, 4000, 80, 24, 2000, 1, 48, 39, 0},      {1, 1, 1, 1, 2000, 1, 2, 0, 0},
	    {1024, 768, 0, 24, 2000, 0, 0, 0, 0},        {0, 0, 80, 24, 2000, 0, 0, 0, 0},
	    {640, 480, 80, -3, 2000, 0, 0, 0, 0},
	};
	struct scaled s = {0};
	scaled_fit(&s, cases[_i].w, cases[_i].h, cases[_i].cols, cases[_i].rows, cases[_i].aspect);
	ck_assert_int_eq(s.width, cases[_i].width);
	ck_assert_int_eq(s.left, cases[_i].left);
	ck_assert_int_eq(s.top, cases[_i].top);
	if (_i != 5) /* of one cell a half of a row is enough, or not */
		ck_assert_int_eq(s.height, cases[_i].height);
	scaled_done(&s);
}
END_TEST

START_TEST(updates_of_parts_equal_those_of_all)
{
	static const struct {
		int w, h, cols, rows, image; /* image: pixels of a cell's width */
	} sizes[] = {{320, 200, 33, 17, 0}, {7, 5, 40, 30, 0},   {641, 479, 80, 24, 0}, {3, 999, 20, 9, 0},
		     {320, 200, 33, 17, 8}, {50, 40, 40, 30, 9}, {1, 1, 10, 10, 0},     {200, 3, 31, 11, 5}};
	int w = sizes[_i].w, h = sizes[_i].h, unit = sizes[_i].image;
	unsigned seed = 7;
	AUTO_FREE uint32_t *px = noise(w * h, 1);
	struct picture p = {px, w, h, w};
	struct scaled part = {0}, all = {0};
	for (int i = 0; i < 2; i++) {
		struct scaled *s = i ? &all : &part;
		if (unit)
			scaled_fit_image(s, w, h, sizes[_i].cols, sizes[_i].rows, unit, unit * 2);
		else
			scaled_fit(s, w, h, sizes[_i].cols, sizes[_i].rows, 2000);
	}
	scaled_update(&part, &p, 0, 0, w, h);
	for (int round = 0; round < 200; round++) {
		seed = seed * 1103515245u + 12345u;
		int x = (int)(seed >> 8) % w, y = (int)(seed >> 4 & 0xffff) % h,
		    rw = 1 + (int)(seed >> 16) % 9, rh = 1 + (int)(seed >> 20) % 9;
		for (int i = y; i < y + rh && i < h; i++)
			for (int k = x; k < x + rw && k < w; k++)
				px[i * w + k] = seed & 0xffffff;
		scaled_update(&part, &p, x, y, rw, rh);
		if (round % 20)
			continue;
		scaled_update(&all, &p, 0, 0, w, h);
		ck_assert_mem_eq(part.pixels, all.pixels, (size_t)all.width * (size_t)all.height * 4);
	}
	scaled_done(&part);
	scaled_done(&all);
}
END_TEST

START_TEST(a_click_on_a_cell_is_one_on_what_it_shows)
{
	struct scaled s = {0};
	int x, y;
	scaled_fit(&s, 640, 480, 80, 30, 2000); /* 8 x 16 pixels a cell */
	ck_assert(scaled_at(&s, 0, 0, &x, &y) && x == 4 && y == 8);
	ck_assert(scaled_at(&s, 29, 79, &x, &y) && x == 636 && y == 472);
	ck_assert(!scaled_at(&s, -3, 90, &x, &y) && x == 639 && y == 0);
	scaled_fit_image(&s, 640, 480, 80, 30, 8, 16);
	ck_assert(scaled_at(&s, 1, 1, &x, &y) && x == 12 && y == 24);
	scaled_fit_image(&s, 0, 0, 80, 30, 8, 16);
	ck_assert(!scaled_at(&s, 1, 1, &x, &y));
	scaled_done(&s);
}
END_TEST

/* --- term_picture.c, kitty.c --- */

static void one_cell(struct canvas *c, int row, int col, uint32_t fg, uint32_t bg)
{
	*canvas_cell(c, row, col) =
	    (struct cell){.text = "▀", .width = 1, .style = {VT_RGB | fg, VT_RGB | bg, CELL_PICTURE}};
}

START_TEST(only_what_changes_is_sent_and_in_the_terminals_colours)
{
	static const struct {
		struct picture_mode mode;
		const char *sent;
	} cases[] = {
	    {{1 << 24, true}, "\033[2;3H\033[38;2;1;2;3;48;2;255;0;16m▀"},
	    {{256, true}, "\033[2;3H\033[38;5;16;48;5;196m▀"},
	    {{16, true}, "\033[2;3H\033[30;91m▀"},
	    {{8, true}, "\033[2;3H\033[30;41m▀"},
	    {{256, false}, "\033[2;3H\033[48;5;16m "},
	    {{0, true}, "\033[2;3H."},
	};
	struct canvas now = {0}, shown = {0};
	struct picture_place at = {0};
	AUTO_BUF struct buf out = {0};
	canvas_resize(&now, 3, 5);
	canvas_resize(&shown, 3, 5);
	one_cell(&now, 1, 2, 0x010203, 0xff0010);
	ck_assert(picture_encode(&now, &shown, &cases[_i].mode, &at, 1000, &out));
	if (_i != 2 && !strstr(buf_text(&out), cases[_i].sent))
		ck_abort_msg("sent %s", buf_text(&out));
	ck_assert(str_starts(buf_text(&out), "\0337") && str_ends(buf_text(&out), "\0338"));
	buf_done(&out);
	ck_assert(picture_encode(&now, &shown, &cases[_i].mode, &at, 1000, &out));
	ck_assert_uint_eq(out.len, 0); /* at rest nothing is sent */
	canvas_done(&now);
	canvas_done(&shown);
}
END_TEST

START_TEST(neighbours_share_place_and_colour)
{
	struct canvas now = {0}, shown = {0};
	struct picture_mode mode = {1 << 24, true};
	struct picture_place at = {0};
	AUTO_BUF struct buf out = {0};
	canvas_resize(&now, 1, 8);
	canvas_resize(&shown, 1, 8);
	one_cell(&now, 0, 1, 1, 2);
	one_cell(&now, 0, 2, 1, 2);
	one_cell(&now, 0, 3, 3, 2);
	one_cell(&now, 0, 4, 2, 2); /* one colour: a space */
	picture_encode(&now, &shown, &mode, &at, 1000, &out);
	ck_assert_msg(
	    strstr(buf_text(&out), "\033[1;2H\033[38;2;0;0;1;48;2;0;0;2m▀▀\033[38;2;0;0;3m▀ \033[?2026l"),
	    "%s", buf_text(&out));
	canvas_done(&now);
	canvas_done(&shown);
}
END_TEST

START_TEST(a_budget_is_kept_and_all_lines_have_their_turn)
{
	struct canvas now = {0}, shown = {0};
	struct picture_mode mode = {1 << 24, true};
	struct picture_place at = {0};
	unsigned rounds = 0;
	canvas_resize(&now, 40, 100);
	canvas_resize(&shown, 40, 100);
	for (bool all = false; !all; rounds++) {
		AUTO_BUF struct buf out = {0};
		for (int i = 0; i < 40; i++)
			for (int k = 0; k < 100; k++)
				if (i < 5 || !rounds) /* the first lines change all the time */
					one_cell(&now, i, k, rounds * 77777 + (unsigned)(i * k), 1);
		all = picture_encode(&now, &shown, &mode, &at, 4000, &out);
		ck_assert_uint_lt(out.len, 4000 + 100 * 50); /* a line more */
		ck_assert_uint_lt(rounds, 200);
		if (cell_same(canvas_cell(&now, 39, 99), canvas_cell(&shown, 39, 99)))
			break;
	}
	ck_assert_uint_gt(rounds, 5);
	canvas_done(&now);
	canvas_done(&shown);
}
END_TEST

START_TEST(of_256_colours_the_nearest_is_taken)
{
	static const struct {
		uint32_t rgb;
		unsigned n;
	} cases[] = {{0, 16},        {0xffffff, 231}, {0xff0000, 196}, {0x00ff00, 46},
		     {0x0000ff, 21}, {0x808080, 244}, {0x0a0a0a, 232}, {0xeeeeee, 255},
		     {0x5f87af, 67}, {0x121212, 233}, {0xafd7ff, 153}};
	ck_assert_uint_eq(picture_colour256(cases[_i].rgb), cases[_i].n);
}
END_TEST

/* The bytes of @text's base64, in @out; how many. */
static size_t unbase64(const char *text, size_t n, uint8_t *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t len = 0;
	uint32_t v = 0;
	for (size_t i = 0; i < n && text[i] != '='; i++) {
		v = v << 6 | (uint32_t)(strchr(digits, text[i]) - digits);
		if (i % 4 == 3)
			for (int k = 16; k >= 0; k -= 8)
				out[len++] = (uint8_t)(v >> k);
	}
	return len;
}

/* What the terminal gets of it, as it was sent. */
static uint8_t *image_data(const char *s, size_t room, size_t *len, size_t *chunks)
{
	uint8_t *got = x_calloc(room + 4096, 1);
	size_t n = 0;
	bool more = true;
	for (*chunks = 0; *s; ++*chunks) {
		ck_assert(more && str_starts(s, "\033_G"));
		const char *data = strchr(s, ';') + 1, *end = strstr(data, "\033\\");
		more = data[-2] == '1';
		ck_assert_int_le(end - data, KITTY_CHUNK);
		ck_assert(!more || (end - data) % 4 == 0);
		n += unbase64(data, (size_t)(end - data), got + n);
		ck_assert_uint_le(n, room);
		s = end + 2;
	}
	ck_assert(!more);
	*len = n;
	return got;
}

static void check_rgb(const uint8_t *got, const uint32_t *px, int w, int h, int stride)
{
	for (int y = 0; y < h; y++)
		for (int x = 0; x < w; x++) {
			const uint8_t *p = got + 3 * (y * w + x);
			ck_assert_uint_eq((uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2],
					  px[y * stride + x]);
		}
}

START_TEST(an_image_arrives_in_chunks_and_whole)
{
	int w = 100, h = 61, stride = 120;
	size_t n, chunks;
	AUTO_FREE uint32_t *px = noise(stride * h, 3);
	AUTO_BUF struct buf out = {0};
	kitty_image(&out, 7105, px, w, h, stride, 12, 5);
	ck_assert(str_starts(buf_text(&out), "\033_Ga=T,i=7105,p=1,f=24,s=100,v=61,c=12,r=5,C=1,q=2,m=1;"));
	AUTO_FREE uint8_t *got = image_data(buf_text(&out), (size_t)w * h * 3, &n, &chunks);
	ck_assert_uint_gt(chunks, 1);
	ck_assert_uint_eq(n, (size_t)w * h * 3);
	check_rgb(got, px, w, h, stride);
}
END_TEST

START_TEST(what_can_be_packed_is)
{
	int w = 300, h = 200;
	size_t n, chunks;
	uLongf len = (uLongf)w * h * 3;
	AUTO_FREE uint32_t *px = x_calloc((size_t)w * h, sizeof(*px));
	AUTO_FREE uint8_t *whole = x_calloc(len, 1);
	AUTO_BUF struct buf out = {0};
	for (int i = 0; i < w * h; i++)
		px[i] = i % 7 && i / w % 5 ? 0 : 0x12aaff;
	kitty_image(&out, 7105, px, w, h, w, 12, 5);
	ck_assert(str_starts(buf_text(&out), "\033_Ga=T,i=7105,p=1,f=24,o=z,s=300,v=200,c=12,r=5,C=1,q=2,m="));
	ck_assert_uint_lt(out.len, len / 10);
	AUTO_FREE uint8_t *got = image_data(buf_text(&out), len, &n, &chunks);
	ck_assert_int_eq(uncompress(whole, &len, got, n), Z_OK);
	ck_assert_uint_eq(len, (uLongf)w * h * 3);
	check_rgb(whole, px, w, h, w);
}
END_TEST

START_TEST(images_are_sent_tile_by_tile_when_they_change)
{
	int w = 200, h = 160;
	AUTO_FREE uint32_t *px = noise(w * h, 5);
	struct picture p = {px, w, h, w};
	struct scaled s = {0};
	struct canvas now = {0}, shown = {0};
	struct picture_mode mode = {1 << 24, true};
	struct picture_place at = {0};
	AUTO_BUF struct buf out = {0};
	canvas_resize(&now, 12, 42);
	canvas_resize(&shown, 12, 42);
	struct area a = area_all(&now);
	scaled_fit_image(&s, w, h, 40, 10, 10, 20);
	ck_assert(s.cell_w == 8 && s.cell_h == 16); /* no more pixels than the picture has */
	scaled_update(&s, &p, 0, 0, w, h);
	scaled_draw(&s, &a);
	ck_assert(now.image.rows == 10 && now.image.cols == 25 && now.image.col == 7);
	ck_assert(picture_encode(&now, &shown, &mode, &at, 1 << 22, &out));
	ck_assert(strstr(buf_text(&out), "i=7101,") && strstr(buf_text(&out), "i=7104,"));
	ck_assert_ptr_null(strstr(buf_text(&out), "i=7105,")); /* 2 x 2 tiles */
	buf_done(&out);
	scaled_update(&s, &p, w - 1, h - 1, 1, 1);
	scaled_draw(&s, &a);
	ck_assert(picture_encode(&now, &shown, &mode, &at, 1 << 22, &out));
	ck_assert(strstr(buf_text(&out), "i=7104,") && !strstr(buf_text(&out), "i=7101,"));
	buf_done(&out);
	picture_encode(&now, &shown, &mode, &at, 1 << 22, &out);
	ck_assert_uint_eq(out.len, 0);
	picture_forget_images(&shown);
	picture_encode(&now, &shown, &mode, &at, 1 << 22, &out);
	ck_assert_ptr_nonnull(strstr(buf_text(&out), "i=7101,"));
	scaled_done(&s);
	canvas_done(&now);
	canvas_done(&shown);
}
END_TEST

/* --- pacer.c --- */

/* Send what may be sent over a line of @rate bytes a second with @idle_ms to and fro, @rounds times; the time
 * of one then. */
static int64_t line(struct pacer *p, size_t rate, int64_t idle_ms, int rounds)
{
	int64_t now = 1000, took = 0;
	if (pacer_probe(p, now))
		pacer_answered(p, now += idle_ms);
	for (int i = 0; i < rounds; i++) {
		unsigned wait;
		ck_assert(pacer_ready(p, now, &wait));
		size_t n = pacer_budget(p);
		ck_assert(pacer_sent(p, n, now));
		ck_assert(!pacer_ready(p, now, &wait) && wait > 0); /* nothing more before the answer */
		took = (int64_t)(n * 1000 / rate) + idle_ms;
		now += took;
		pacer_answered(p, now);
	}
	return took;
}

START_TEST(no_more_is_under_way_than_a_line_carries_in_a_fifth_of_a_second)
{
	static const struct {
		size_t rate;
		int64_t idle_ms;
	} lines[] = {{20000, 0}, {100000, 50}, {1000000, 20}, {10000, 300}};
	struct pacer p = {0};
	int64_t took = line(&p, lines[_i].rate, lines[_i].idle_ms, 30);
	ck_assert_int_le(took, 2 * 200 + 2 * lines[_i].idle_ms + 2048 * 1000 / (int64_t)lines[_i].rate);
	ck_assert_int_ge(took, 60);
	ck_assert(!pacer_fast(&p) == (lines[_i].rate < 600000));
}
END_TEST

START_TEST(a_fast_line_gets_more_and_more)
{
	struct pacer p = {0};
	line(&p, 100000000, 1, 20);
	ck_assert_uint_ge(pacer_budget(&p), 1 << 20);
	ck_assert(pacer_fast(&p));
}
END_TEST

START_TEST(a_slow_line_is_waited_for)
{
	struct pacer p = {0};
	unsigned wait;
	ck_assert(pacer_probe(&p, 0));
	pacer_answered(&p, 200);
	ck_assert(pacer_sent(&p, 50000, 200));
	ck_assert(!pacer_ready(&p, 10000, &wait));
	pacer_answered(&p, 10000);
	ck_assert_uint_lt(pacer_budget(&p), 3000);
}
END_TEST

START_TEST(a_terminal_that_does_not_answer_is_asked_no_more)
{
	struct pacer p = {0};
	int64_t now = 1000;
	unsigned wait;
	ck_assert(pacer_probe(&p, now));
	ck_assert(!pacer_ready(&p, now + 999, &wait) && pacer_ready(&p, now + 1000, &wait));
	ck_assert(!pacer_probe(&p, now)); /* once is enough */
	for (int i = 0; i < 2; i++) {
		ck_assert(pacer_sent(&p, 100, now));
		ck_assert(!pacer_ready(&p, now + 1999, &wait));
		now += 2000;
		ck_assert(pacer_ready(&p, now, &wait));
	}
	ck_assert(!pacer_sent(&p, 100, now));
	ck_assert(pacer_ready(&p, now, &wait));
	ck_assert(!pacer_sent(&p, 0, now));
}
END_TEST

/* --- screen_keys.c --- */

START_TEST(keys_are_those_of_a_us_keyboard)
{
	static const struct {
		const char *key;
		unsigned n, codes[STROKE_MAX];
	} cases[] = {
	    {"a", 1, {KEY_A}},
	    {"A", 2, {KEY_LEFTSHIFT, KEY_A}},
	    {"1", 1, {KEY_1}},
	    {"!", 2, {KEY_LEFTSHIFT, KEY_1}},
	    {"/", 1, {KEY_SLASH}},
	    {"|", 2, {KEY_LEFTSHIFT, KEY_BACKSLASH}},
	    {"~", 2, {KEY_LEFTSHIFT, KEY_GRAVE}},
	    {"Space", 1, {KEY_SPACE}},
	    {"Enter", 1, {KEY_ENTER}},
	    {"Esc", 1, {KEY_ESC}},
	    {"Tab", 1, {KEY_TAB}},
	    {"F1", 1, {KEY_F1}},
	    {"F10", 1, {KEY_F10}},
	    {"F11", 1, {KEY_F11}},
	    {"F12", 1, {KEY_F12}},
	    {"Up", 1, {KEY_UP}},
	    {"PgDn", 1, {KEY_PAGEDOWN}},
	    {"S-PgDn", 2, {KEY_LEFTSHIFT, KEY_PAGEDOWN}},
	    {"C-c", 2, {KEY_LEFTCTRL, KEY_C}},
	    {"M-x", 2, {KEY_LEFTALT, KEY_X}},
	    {"M-F4", 2, {KEY_LEFTALT, KEY_F4}},
	    {"C-Left", 2, {KEY_LEFTCTRL, KEY_LEFT}},
	};
	struct key k;
	ck_assert_msg(key_parse(cases[_i].key, strlen(cases[_i].key), &k), "%s", cases[_i].key);
	struct stroke s = stroke_of(k);
	ck_assert_msg(s.n == cases[_i].n, "%s: %u keys", cases[_i].key, s.n);
	for (unsigned i = 0; i < s.n; i++)
		ck_assert_msg(s.codes[i] == cases[_i].codes[i], "%s: key %u is %s", cases[_i].key, i,
			      keycode_name(s.codes[i]));
}
END_TEST

START_TEST(another_layout_has_its_keys_elsewhere)
{
	struct stroke out[KEYMAP_STROKES_MAX];
	struct keymap *de = keymap_open("de", &e);
	ck_assert_msg(de != NULL, "%s", e.msg);
	ck_assert_uint_eq(strokes_of(de, (struct key){'z', 0}, out), 1);
	ck_assert(out[0].n == 1 && out[0].codes[0] == KEY_Y);
	ck_assert_uint_eq(strokes_of(de, (struct key){'@', 0}, out), 1);
	ck_assert(out[0].n == 2 && out[0].codes[0] == KEY_RIGHTALT && out[0].codes[1] == KEY_Q);
	ck_assert_uint_eq(strokes_of(de, (struct key){'c', VT_CTRL}, out), 1);
	ck_assert(out[0].codes[0] == KEY_LEFTCTRL && out[0].codes[1] == KEY_C);
	ck_assert_uint_eq(strokes_of(de, (struct key){VT_KEY_F(2), 0}, out), 1);
	ck_assert_uint_eq(out[0].codes[0], KEY_F2);
	ck_assert_uint_eq(strokes_of(de, (struct key){0x3042, 0}, out), 0);
	keymap_free(de);
}
END_TEST

START_TEST(all_of_ascii_can_be_typed_and_nothing_else_is_made_up)
{
	for (uint32_t c = ' '; c < 0x7f; c++)
		ck_assert_msg(stroke_of((struct key){c, 0}).n > 0, "no key for '%c'", (char)c);
	ck_assert_uint_eq(stroke_of((struct key){0x20ac, 0}).n, 0);
	ck_assert_uint_eq(stroke_of((struct key){0x10ffff, 0}).n, 0);
	ck_assert_uint_eq(stroke_of((struct key){VT_KEY_END_OF_KEYS, 0}).n, 0);
}
END_TEST

START_TEST(the_menus_keys_are_keys)
{
	for (const struct stroke_item *i = stroke_items; i->label; i++) {
		ck_assert_uint_gt(i->stroke.n, 0);
		for (unsigned k = 0; k < i->stroke.n; k++)
			ck_assert_ptr_nonnull(keycode_name(i->stroke.codes[k]));
	}
}
END_TEST

/* --- text_view.c, cp437.c --- */

START_TEST(code_page_437_is_shown_in_one_column_each)
{
	for (unsigned c = 0; c < 256; c++) {
		uint32_t ch = cp437_char((uint8_t)c);
		ck_assert_msg(ch >= ' ' && glyph_width(ch) == 1, "%02x is U+%04X", c, ch);
	}
	ck_assert_uint_eq(cp437_char(0xc4), 0x2500);
	ck_assert_uint_eq(cp437_char('A'), 'A');
	ck_assert_uint_eq(cp437_char(0), ' ');
}
END_TEST

START_TEST(a_window_smaller_than_the_text_follows_the_cursor)
{
	struct screen_text t = {.cols = 80, .rows = 25, .cursor_x = 79, .cursor_y = 24};
	AUTO_FREE uint16_t *cells = x_calloc(80 * 25, sizeof(*cells));
	struct text_view v = {0};
	struct canvas c = {0};
	canvas_resize(&c, 10, 20);
	struct area a = area_all(&c);
	cells[24 * 80 + 79] = 0x0700 | '#';
	text_view_draw(&v, &t, cells, &a, true);
	ck_assert(v.top == 15 && v.left == 60 && c.cursor_row == 9 && c.cursor_col == 19);
	ck_assert_str_eq(canvas_cell(&c, 9, 19)->text, "#");
	t.rows = t.cols = 1; /* the guest has another mode now */
	text_view_draw(&v, &t, cells, &a, true);
	ck_assert(v.top == 0 && v.left == 0);
	canvas_done(&c);
}
END_TEST

/* --- screen_link.c --- */

static struct screen_link screen;
static int machine;
static unsigned rects, pixels;

static void rect(void *arg, int x, int y, int w, int h)
{
	ck_assert(x >= 0 && y >= 0 && w > 0 && h > 0 && (uint32_t)(x + w) <= screen.width &&
		  (uint32_t)(y + h) <= screen.height);
	rects++;
	pixels += (unsigned)(w * h);
}

static void setup_link(void)
{
	int pair[2];
	ck_assert_int_eq(unixsock_pair(SOCK_SEQPACKET, pair), 0);
	machine = pair[1];
	rects = pixels = 0;
	screen_link_open(&screen, pair[0]);
}

static void teardown_link(void)
{
	screen_link_close(&screen);
	fd_close(machine);
}

static unsigned tell(const void *p, size_t n, int fd)
{
	ck_assert_int_eq(unixsock_send(machine, p, n, &fd, fd >= 0), (ssize_t)n);
	return screen_link_read(&screen, rect, NULL, &e);
}

static int memory(size_t n)
{
	int fd = memfd_create("vram", MFD_CLOEXEC);
	ck_assert(fd >= 0 && !ftruncate(fd, (off_t)n));
	return fd;
}

START_TEST(a_picture_is_copied_where_it_is_damaged)
{
	AUTO_CLOSE int fd = memory(4096 + 64 * 300);
	struct screen_surface s = {SCREEN_SURFACE, 5, 4096, 64, 64, 300};
	struct screen_damage d = {SCREEN_DAMAGE, 5, 2, {{2, 3, 4, 5}, {60, 63, 100, 100}}};
	uint32_t dot = 0x123456;
	char first[4];
	ck_assert_int_eq(recv(machine, first, 4, 0), 4); /* what it asks for: text */
	ck_assert_int_eq(recv(machine, first, 4, 0), 4);
	ck_assert(*(uint32_t *)(void *)first == SCREEN_CHANGES && screen.asked);
	ck_assert_int_eq(pwrite(fd, &dot, 4, 4096 + 4 * 300 + 3 * 4), 4);
	ck_assert_uint_eq(tell(&s, sizeof(s), fd), LINK_SIZE);
	ck_assert_uint_eq(tell(&d, sizeof(d), -1), LINK_CHANGED);
	ck_assert_uint_eq(rects, 2);
	ck_assert_uint_eq(pixels, 4 * 5 + 4 * 1); /* clipped */
	ck_assert_uint_eq(screen.pixels[4 * 64 + 3], 0x123456);
	ck_assert(!screen.asked);
	d.generation = 4; /* of a picture that is no more */
	ck_assert_uint_eq(tell(&d, sizeof(d), -1), LINK_CHANGED);
	ck_assert_uint_eq(rects, 2);
}
END_TEST

START_TEST(a_machine_that_takes_its_memory_away_does_not_end_us)
{
	AUTO_CLOSE int fd = memory(64 * 64 * 4);
	struct screen_surface s = {SCREEN_SURFACE, 1, 0, 64, 64, 256};
	struct screen_damage d = {SCREEN_DAMAGE, 1, 1, {{0, 0, 64, 64}}};
	tell(&s, sizeof(s), fd);
	ck_assert(!ftruncate(fd, 100));
	ck_assert_uint_eq(tell(&d, sizeof(d), -1) & LINK_ENDED, LINK_ENDED);
	ck_assert_str_ne(e.msg, "");
}
END_TEST

START_TEST(nonsense_from_the_machine_ends_the_link)
{
	static struct {
		struct screen_text head;
		uint16_t cells[8];
	} text = {.head = {SCREEN_TEXT, 4, 2, -1, -1, 0}};
	static const struct {
		struct screen_surface s;
		bool fd;
	} surfaces[] = {
	    {{SCREEN_SURFACE, 1, 0, 640, 0, 2560}, true},
	    {{SCREEN_SURFACE, 1, 0, 5000, 10, 20000}, true},
	    {{SCREEN_SURFACE, 1, 0, 10, 0xffffffff, 40}, true},
	    {{SCREEN_SURFACE, 1, 0, 64, 64, 255}, true},
	    {{SCREEN_SURFACE, 1, 0, 64, 64, 256}, false},
	    {{SCREEN_SURFACE, 1, UINT64_MAX, 64, 64, 256}, true},
	    {{SCREEN_SURFACE, 1, 0, 64, 64, 0xfffffff0}, true},
	    {{SCREEN_SURFACE, 1, 0, 0x40000000, 1, 0}, true},
	};
	struct screen_damage many = {.type = SCREEN_DAMAGE, .n = 65};
	uint32_t type = SCREEN_DAMAGE;
	unsigned found;
	if (_i < 8) {
		AUTO_CLOSE int fd = memory(1 << 16);
		found = tell(&surfaces[_i].s, sizeof(surfaces[_i].s), surfaces[_i].fd ? fd : -1);
	} else if (_i == 8) {
		found = tell(&many, sizeof(many), -1);
	} else if (_i == 9) {
		found = tell(&type, sizeof(type), -1); /* cut */
	} else if (_i == 10) {
		found = tell(&type, 3, -1);
	} else if (_i == 11) {
		found = tell(&text, sizeof(text) - 2, -1);
	} else if (_i == 12) {
		text.head.cols = 0x80000001;
		found = tell(&text, sizeof(text), -1);
	} else {
		text.head = (struct screen_text){SCREEN_TEXT, 0, 7, -1, -1, 0};
		found = tell(&text, sizeof(text.head), -1);
	}
	ck_assert_uint_eq(found & LINK_ENDED, LINK_ENDED);
	ck_assert_int_eq(e.code, EPROTO);
}
END_TEST

START_TEST(a_message_that_is_new_is_let_pass)
{
	uint32_t type = 77;
	ck_assert_uint_eq(tell(&type, sizeof(type), -1), 0);
	close(machine);
	machine = -1;
	ck_assert_uint_eq(screen_link_read(&screen, rect, NULL, &e), LINK_ENDED);
	ck_assert_int_eq(e.code, ENOTCONN);
}
END_TEST

START_TEST(text_comes_and_goes)
{
	struct {
		struct screen_text head;
		uint16_t cells[2];
	} t = {{SCREEN_TEXT, 2, 1, 0, 0, 0}, {0x0741, 0x0742}};
	struct screen_text none = {SCREEN_TEXT, 0, 0, -1, -1, 0};
	ck_assert_uint_eq(tell(&t, sizeof(t), -1), LINK_SIZE | LINK_CHANGED);
	ck_assert(screen.text.cols == 2 && screen.cells[1] == 0x0742 && !screen.asked);
	ck_assert_uint_eq(tell(&t, sizeof(t), -1), LINK_CHANGED);
	screen_link_ask(&screen);
	ck_assert_uint_eq(tell(&none, sizeof(none), -1), LINK_SIZE | LINK_CHANGED);
	ck_assert(screen.text.cols == 0 && screen.asked); /* the answer is still to come */
}
END_TEST

int main(void)
{
	Suite *s = suite_create("deck_screen");
	TCase *t = tcase_create("pictures");
	tcase_add_test(t, an_average_is_that_of_each_channel);
	tcase_add_test(t, an_average_of_many_pixels_does_not_overflow);
	tcase_add_test(t, known_pictures_have_exact_cells);
	tcase_add_loop_test(t, the_shape_is_kept, 0, 9);
	tcase_add_loop_test(t, updates_of_parts_equal_those_of_all, 0, 8);
	tcase_add_test(t, a_click_on_a_cell_is_one_on_what_it_shows);
	tcase_add_loop_test(t, only_what_changes_is_sent_and_in_the_terminals_colours, 0, 6);
	tcase_add_test(t, neighbours_share_place_and_colour);
	tcase_add_test(t, a_budget_is_kept_and_all_lines_have_their_turn);
	tcase_add_loop_test(t, of_256_colours_the_nearest_is_taken, 0, 11);
	tcase_add_test(t, an_image_arrives_in_chunks_and_whole);
	tcase_add_test(t, what_can_be_packed_is);
	tcase_add_test(t, images_are_sent_tile_by_tile_when_they_change);
	tcase_add_loop_test(t, no_more_is_under_way_than_a_line_carries_in_a_fifth_of_a_second, 0, 4);
	tcase_add_test(t, a_fast_line_gets_more_and_more);
	tcase_add_test(t, a_slow_line_is_waited_for);
	tcase_add_test(t, a_terminal_that_does_not_answer_is_asked_no_more);
	suite_add_tcase(s, t);
	t = tcase_create("keys and text");
	tcase_add_loop_test(t, keys_are_those_of_a_us_keyboard, 0, 22);
	tcase_add_test(t, another_layout_has_its_keys_elsewhere);
	tcase_add_test(t, all_of_ascii_can_be_typed_and_nothing_else_is_made_up);
	tcase_add_test(t, the_menus_keys_are_keys);
	tcase_add_test(t, code_page_437_is_shown_in_one_column_each);
	tcase_add_test(t, a_window_smaller_than_the_text_follows_the_cursor);
	suite_add_tcase(s, t);
	t = tcase_create("link");
	tcase_add_checked_fixture(t, setup_link, teardown_link);
	tcase_add_test(t, a_picture_is_copied_where_it_is_damaged);
	tcase_add_test(t, a_machine_that_takes_its_memory_away_does_not_end_us);
	tcase_add_loop_test(t, nonsense_from_the_machine_ends_the_link, 0, 14);
	tcase_add_test(t, a_message_that_is_new_is_let_pass);
	tcase_add_test(t, text_comes_and_goes);
	suite_add_tcase(s, t);
	return test_main(s);
}
