/* Typing on the PS/2 keyboard and moving the PS/2 mouse, and how firmware and Linux get ready for it. */
#include "tests/testlib.h"
#include "tests/vmmlib.h"

#include <linux/input-event-codes.h>

#include "backend/vmm/dev/i8042.h"
#include "backend/vmm/input.h"
#include "src/base/cleanup.h"

#define KBD 1
#define AUX 12

static struct vmm_test *t;

static void setup(void)
{
	t = vmm_start(1);
	vmm_dev(t, "i8042", 0);
}

static void teardown(void)
{
	vmm_stop(t);
}

static void cmd(uint8_t c)
{
	out8(t, 0x64, c);
}

static void ctr(uint8_t val)
{
	cmd(0x60);
	out8(t, 0x60, val);
}

static void to_mouse(uint8_t c)
{
	cmd(0xd4);
	out8(t, 0x60, c);
}

/* Read all that is there as text; aux bytes as "+hh". */
static const char *all(void)
{
	static char text[1200];
	char *p = text;
	*p = 0;
	while (in8(t, 0x64) & 1) {
		bool aux = in8(t, 0x64) & 0x20;
		ck_assert(p < text + sizeof(text) - 8);
		p += sprintf(p, "%s%s%02x", p == text ? "" : " ", aux ? "+" : "", in8(t, 0x60));
	}
	return text;
}

static void expect(const char *want, const char *what)
{
	const char *got = all();
	ck_assert_msg(!strcmp(got, want), "%s: '%s', not '%s'", what, got, want);
}

static void key(unsigned code)
{
	input_key(&t->m, code, true);
	input_key(&t->m, code, false);
}

static void move(int x, int y, int wheel, unsigned buttons)
{
	input_pointer(&t->m, &(struct input_pointer){.x = x, .y = y, .wheel = wheel, .buttons = buttons});
}

static void knock(const uint8_t *rates)
{
	for (unsigned i = 0; i < 3; i++) {
		to_mouse(0xf3);
		to_mouse(rates[i]);
	}
}

/* Ready to stream, with this id. */
static void mouse_on(unsigned id)
{
	if (id >= 3)
		knock((uint8_t[]){200, 100, 80});
	if (id >= 4)
		knock((uint8_t[]){200, 200, 80});
	to_mouse(0xf4);
	all();
}

START_TEST(keys_in_each_set)
{
	static const struct {
		const char *what;
		uint8_t set;
		bool xlate;
		unsigned code;
		const char *want;
	} cases[] = {
		{"a, translated", 2, true, KEY_A, "1e 9e"},
		{"a, set 2", 2, false, KEY_A, "1c f0 1c"},
		{"a, set 1", 1, false, KEY_A, "1e 9e"},
		{"a, set 3", 3, false, KEY_A, "1c f0 1c"},
		{"up, translated", 2, true, KEY_UP, "e0 48 e0 c8"},
		{"up, set 2", 2, false, KEY_UP, "e0 75 e0 f0 75"},
		{"up, set 3", 3, false, KEY_UP, "63 f0 63"},
		{"F7, translated", 2, true, KEY_F7, "41 c1"},
		{"pause, translated", 2, true, KEY_PAUSE, "e1 1d 45 e1 9d c5"},
		{"pause, set 2", 2, false, KEY_PAUSE, "e1 14 77 e1 f0 14 f0 77"},
		{"print, translated", 2, true, KEY_SYSRQ, "e0 2a e0 37 e0 b7 e0 aa"},
		{"print, set 1", 1, false, KEY_SYSRQ, "e0 2a e0 37 e0 b7 e0 aa"},
		{"no such key", 2, true, KEY_MICMUTE, ""},
	};
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		ctr(0x07);
		out8(t, 0x60, 0xf0);
		out8(t, 0x60, cases[i].set);
		all();
		ctr(cases[i].xlate ? 0x47 : 0x07);
		key(cases[i].code);
		expect(cases[i].want, cases[i].what);
	}
}
END_TEST

/* The same code from the table's set 2 through the translation as from its set 1. */
START_TEST(translated_set_2_is_set_1)
{
	unsigned n = 0;
	for (unsigned code = 1; code < 256; code++) {
		char translated[64];
		ctr(0x47);
		key(code);
		snprintf(translated, sizeof(translated), "%s", all());
		if (!translated[0])
			continue;
		n++;
		ctr(0x07);
		out8(t, 0x60, 0xf0);
		out8(t, 0x60, 1);
		all();
		key(code);
		char what[16];
		snprintf(what, sizeof(what), "key %u", code);
		expect(translated, what);
		out8(t, 0x60, 0xf0);
		out8(t, 0x60, 2);
		all();
	}
	ck_assert_uint_gt(n, 120);
}
END_TEST

START_TEST(alt_print_and_ctrl_pause_are_other_keys)
{
	input_key(&t->m, KEY_LEFTALT, true);
	input_key(&t->m, KEY_SYSRQ, true);
	input_key(&t->m, KEY_LEFTALT, false);
	input_key(&t->m, KEY_SYSRQ, false);
	expect("38 54 b8 d4", "Alt-PrtSc");
	input_key(&t->m, KEY_RIGHTCTRL, true);
	key(KEY_PAUSE);
	input_key(&t->m, KEY_RIGHTCTRL, false);
	expect("e0 1d e0 46 e0 c6 e0 9d", "Ctrl-Pause");
	input_key(&t->m, KEY_PAUSE, true);
	input_key(&t->m, KEY_PAUSE, true);
	expect("e1 1d 45 e1 9d c5", "Pause does not repeat");
}
END_TEST

START_TEST(a_repeat_is_another_make_code)
{
	input_key(&t->m, KEY_B, true);
	input_key(&t->m, KEY_B, true);
	input_key(&t->m, KEY_B, false);
	expect("30 30 b0", "b");
}
END_TEST

START_TEST(a_full_queue_drops_whole_sequences)
{
	cmd(0xad);
	for (unsigned i = 0; i < 100; i++)
		key(KEY_UP);
	cmd(0xae);
	const char *got = all();
	for (const char *p = got; *p; p += 3) {
		ck_assert_msg(!strncmp(p, "e0 48", 5) || !strncmp(p, "e0 c8", 5), "%s", p);
		p += 3;
		if (!p[2])
			break;
	}
	ck_assert_uint_gt(strlen(got), 30);
	key(KEY_A);
	expect("1e 9e", "afterwards");
}
END_TEST

START_TEST(an_answer_goes_before_what_was_typed)
{
	key(KEY_A);
	out8(t, 0x60, 0xed);
	expect("1e fa 9e", "ED");
	out8(t, 0x60, 7);
	expect("fa", "its argument");
	ck_assert_uint_eq(input_leds(&t->m), INPUT_LED_SCROLL | INPUT_LED_NUM | INPUT_LED_CAPS);
	out8(t, 0x60, 0xff);
	ck_assert_uint_eq(input_leds(&t->m), 0);
}
END_TEST

START_TEST(a_disabled_keyboard_says_nothing)
{
	out8(t, 0x60, 0xf5);
	key(KEY_A);
	expect("fa", "disabled");
	out8(t, 0x60, 0xf4);
	key(KEY_A);
	expect("fa 1e 9e", "enabled");
}
END_TEST

START_TEST(each_key_is_an_interrupt)
{
	input_key(&t->m, KEY_A, true);
	ck_assert(t->level[KBD] && t->edges[KBD] == 1);
	ck_assert_uint_eq(in8(t, 0x60), 0x1e);
	ck_assert(!t->level[KBD]);
	input_key(&t->m, KEY_A, false);
	ck_assert(t->level[KBD] && t->edges[KBD] == 2);
}
END_TEST

/* SeaBIOS, src/hw/ps2port.c, as seen on its ports: flush, both ports off, tests, keyboard reset, set 2,
 * translation. */
START_TEST(firmware_gets_ready)
{
	cmd(0xad);
	cmd(0xa7);
	expect("", "flushed");
	cmd(0xaa);
	expect("55", "controller test");
	cmd(0xab);
	expect("00", "keyboard test");
	cmd(0xae);
	ctr(0x20); /* no interrupts, mouse off, no translation */
	out8(t, 0x60, 0xff);
	expect("fa aa", "reset");
	out8(t, 0x60, 0xf5);
	expect("fa", "disable");
	out8(t, 0x60, 0xf0);
	expect("fa", "set");
	out8(t, 0x60, 0x02);
	expect("fa", "two");
	ctr(0x61);
	out8(t, 0x60, 0xf4);
	expect("fa", "enable");
	key(KEY_ESC);
	expect("01 81", "Esc for the boot menu");
}
END_TEST

/* Linux, drivers/input/serio/i8042.c and drivers/input/keyboard/atkbd.c,
 * drivers/input/mouse/psmouse-base.c. */
START_TEST(linux_gets_ready)
{
	cmd(0x20);
	expect("47", "command byte");
	ctr(0x74); /* both off, no interrupts */
	cmd(0xd3);
	out8(t, 0x60, 0x5a);
	expect("+5a", "AUX loop");
	cmd(0xa8);
	cmd(0x20);
	expect("54", "A8 clears AUX off");
	cmd(0xa7);
	cmd(0x20);
	expect("74", "A7 sets it");
	static const uint8_t mux[] = {0xf0, 0x56, 0xa4};
	for (unsigned i = 0; i < 3; i++) {
		cmd(0xd3);
		out8(t, 0x60, mux[i]);
		ck_assert_uint_eq(in8(t, 0x60), mux[i]); /* the same: no multiplexer */
	}
	ctr(0x56);
	unsigned edges = t->edges[AUX];
	cmd(0xd3);
	out8(t, 0x60, 0xa5);
	ck_assert_uint_eq(t->edges[AUX], edges + 1);
	expect("+a5", "AUX interrupt test");
	ctr(0x47);
	out8(t, 0x60, 0xf2);
	expect("fa ab 41", "atkbd: id");
	out8(t, 0x60, 0xed);
	out8(t, 0x60, 0x00);
	expect("fa fa", "atkbd: LEDs");
	to_mouse(0xf2);
	expect("+fa +00", "psmouse: id");
	to_mouse(0xff);
	expect("+fa +aa +00", "psmouse: reset");
	to_mouse(0xe9);
	expect("+fa +00 +02 +64", "psmouse: status");
	knock((uint8_t[]){200, 100, 80});
	all();
	to_mouse(0xf2);
	expect("+fa +03", "wheel");
	knock((uint8_t[]){200, 200, 80});
	all();
	to_mouse(0xf2);
	expect("+fa +04", "five buttons");
}
END_TEST

START_TEST(a_packet_for_each_frame)
{
	static const struct {
		const char *what;
		unsigned id;
		int x, y, wheel;
		unsigned buttons;
		const char *want;
	} cases[] = {
		{"right and down", 0, 5, 3, 0, 0, "+28 +05 +fd"},
		{"left and up", 0, -5, -3, 0, 0, "+18 +fb +03"},
		{"far: the rest follows", 0, 300, 0, 0, 0, "+08 +ff +00 +08 +2d +00"},
		{"far back", 0, -256, 256, 0, 0, "+38 +01 +01 +38 +ff +ff"},
		{"no wheel on a plain mouse", 0, 0, 0, 1, 0, ""},
		{"wheel up", 3, 0, 0, 1, 0, "+08 +00 +00 +ff"},
		{"wheel down", 3, 0, 0, -2, 0, "+08 +00 +00 +02"},
		{"wheel far", 4, 0, 0, 9, 0, "+08 +00 +00 +09 +08 +00 +00 +0e"},
		{"left button", 0, 0, 0, 0, INPUT_BUTTON_LEFT, "+09 +00 +00"},
		{"right button", 0, 0, 0, 0, INPUT_BUTTON_RIGHT, "+0a +00 +00"},
		{"middle button", 0, 0, 0, 0, INPUT_BUTTON_MIDDLE, "+0c +00 +00"},
		{"side button", 4, 0, 0, 0, INPUT_BUTTON_SIDE, "+08 +00 +00 +10"},
		{"extra button", 4, 0, 0, 0, INPUT_BUTTON_EXTRA, "+08 +00 +00 +20"},
		{"moved, then clicked", 3, 1, 1, 0, INPUT_BUTTON_LEFT, "+28 +01 +ff +00 +09 +00 +00 +00"},
	};
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		to_mouse(0xff);
		mouse_on(cases[i].id);
		move(cases[i].x, cases[i].y, cases[i].wheel, cases[i].buttons);
		expect(cases[i].want, cases[i].what);
		move(0, 0, 0, 0);
	}
}
END_TEST

START_TEST(the_other_wheel_needs_five_buttons)
{
	mouse_on(4);
	input_pointer(&t->m, &(struct input_pointer){.hwheel = 1});
	expect("+08 +00 +00 +7f", "right");
	input_pointer(&t->m, &(struct input_pointer){.hwheel = -2});
	expect("+08 +00 +00 +42", "left");
}
END_TEST

START_TEST(movement_waits_for_a_slow_driver)
{
	mouse_on(0);
	for (unsigned i = 0; i < 200; i++)
		move(1, 0, 0, 0);
	int sum = 0;
	unsigned packets = 0;
	while (in8(t, 0x64) & 1) {
		in8(t, 0x60);
		sum += in8(t, 0x60);
		in8(t, 0x60);
		packets++;
	}
	ck_assert_int_eq(sum, 200);
	ck_assert_uint_lt(packets, 10);
}
END_TEST

START_TEST(a_quick_click_is_not_lost)
{
	mouse_on(0);
	move(0, 0, 0, INPUT_BUTTON_LEFT);
	move(0, 0, 0, 0);
	move(0, 0, 0, INPUT_BUTTON_LEFT);
	move(0, 0, 0, 0);
	expect("+09 +00 +00 +08 +00 +00 +09 +00 +00 +08 +00 +00", "double click");
}
END_TEST

START_TEST(a_mouse_that_is_off_or_asked_is_silent)
{
	to_mouse(0xf5);
	all();
	move(5, 5, 0, 0);
	expect("", "off");
	to_mouse(0xf4);
	expect("+fa", "what moved before is forgotten");
	to_mouse(0xf0);
	all();
	move(5, 0, 0, 0);
	move(5, 0, 0, INPUT_BUTTON_LEFT);
	expect("", "remote mode");
	to_mouse(0xeb);
	expect("+fa +09 +0a +00", "read");
	to_mouse(0xeb);
	expect("+fa +09 +00 +00", "read again");
	to_mouse(0xea);
	all();
	to_mouse(0xe7);
	all();
	move(4, 100, 0, INPUT_BUTTON_LEFT);
	expect("+29 +06 +38", "scaled 2:1");
	to_mouse(0xe9);
	expect("+fa +34 +02 +64", "status with a button");
}
END_TEST

START_TEST(a_nudge_is_a_packet_in_which_nothing_moves)
{
	i8042_mouse_nudge(dev_find(&t->m, "i8042"));
	expect("", "nobody listens");
	mouse_on(3);
	i8042_mouse_nudge(dev_find(&t->m, "i8042"));
	ck_assert(t->level[AUX]);
	expect("+08 +00 +00 +00", "nudged");
}
END_TEST

START_TEST(extremes_of_movement)
{
	mouse_on(4);
	for (unsigned i = 0; i < 4; i++) {
		input_pointer(&t->m,
			      &(struct input_pointer){
				  .x = INT32_MIN, .y = INT32_MIN, .wheel = INT32_MIN, .hwheel = INT32_MIN});
		input_pointer(&t->m,
			      &(struct input_pointer){
				  .x = INT32_MAX, .y = INT32_MAX, .wheel = INT32_MAX, .hwheel = INT32_MAX});
	}
	unsigned n = 0;
	for (; (in8(t, 0x64) & 1) && n < 200000; n++)
		in8(t, 0x60);
	ck_assert_uint_lt(n, 200000);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		keys_in_each_set,
		translated_set_2_is_set_1,
		alt_print_and_ctrl_pause_are_other_keys,
		a_repeat_is_another_make_code,
		a_full_queue_drops_whole_sequences,
		an_answer_goes_before_what_was_typed,
		a_disabled_keyboard_says_nothing,
		each_key_is_an_interrupt,
		firmware_gets_ready,
		linux_gets_ready,
		a_packet_for_each_frame,
		the_other_wheel_needs_five_buttons,
		movement_waits_for_a_slow_driver,
		a_quick_click_is_not_lost,
		a_mouse_that_is_off_or_asked_is_silent,
		a_nudge_is_a_packet_in_which_nothing_moves,
		extremes_of_movement,
	};
	Suite *s = suite_create("ps2");
	TCase *c = tcase_create("events");
	tcase_add_checked_fixture(c, setup, teardown);
	for (unsigned i = 0; i < ARRAY_SIZE(tests); i++)
		tcase_add_test(c, tests[i]);
	suite_add_tcase(s, c);
	return test_main(s);
}
