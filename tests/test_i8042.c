/* The keyboard controller, its keyboard and its mouse, as drivers probe them; and port 92h. */
#include "tests/testlib.h"
#include "tests/vmmlib.h"

#include "src/base/cleanup.h"

#define KBD 1
#define AUX 12
#define END 0xffff

static struct vmm_test *t;

static void setup(void)
{
	t = vmm_start(1);
	vmm_dev(t, "i8042", 0);
	vmm_dev(t, "port92", 0);
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

static uint8_t status(void)
{
	return in8(t, 0x64);
}

/* The answers must be exactly @want (END at the end), from the mouse or not. */
static void answers(bool aux, const uint16_t *want, const char *what)
{
	for (; *want != END; want++) {
		ck_assert_msg((status() & 0x21) == (aux ? 0x21 : 0x01), "%s: status %02x", what, status());
		uint8_t got = in8(t, 0x60);
		ck_assert_msg(got == *want, "%s: %02x, not %02x", what, got, *want);
	}
	ck_assert_msg(!(status() & 0x01), "%s: more than expected", what);
}

struct talk {
	const char *what;
	uint8_t send[12];
	unsigned n;
	uint16_t want[16];
};

static void talk_kbd(const struct talk *k)
{
	for (unsigned i = 0; i < k->n; i++)
		out8(t, 0x60, k->send[i]);
	answers(false, k->want, k->what);
}

static void talk_mouse(const struct talk *k)
{
	for (unsigned i = 0; i < k->n; i++) {
		cmd(0xd4);
		out8(t, 0x60, k->send[i]);
	}
	answers(true, k->want, k->what);
}

START_TEST(status_at_power_on)
{
	ck_assert_uint_eq(status(), 0x14);
	cmd(0x20);
	ck_assert_uint_eq(status(), 0x1d);
	ck_assert_uint_eq(in8(t, 0x60), 0x47);
	ck_assert_uint_eq(status(), 0x1c);
}
END_TEST

START_TEST(input_buffer_is_never_full)
{
	for (unsigned i = 0; i < 256; i++) {
		cmd((uint8_t)i);
		ck_assert_uint_eq(status() & 0x02, 0);
		out8(t, 0x60, (uint8_t)i);
		ck_assert_uint_eq(status() & 0x02, 0);
	}
}
END_TEST

START_TEST(controller_commands_answer)
{
	static const struct talk talks[] = {
		{"self test", {0xaa}, 1, {0x55, END}},
		{"keyboard wires", {0xab}, 1, {0x00, END}},
		{"mouse wires", {0xa9}, 1, {0x00, END}},
		{"input port", {0xc0}, 1, {0xa0, END}},
		{"output port", {0xd0}, 1, {0xcf, END}},
		{"nothing", {0xc1}, 1, {END}},
	};
	for (unsigned i = 0; i < ARRAY_SIZE(talks); i++) {
		cmd(talks[i].send[0]);
		answers(false, talks[i].want, talks[i].what);
	}
}
END_TEST

START_TEST(controller_memory_is_storage)
{
	for (uint8_t i = 1; i < 32; i++) {
		cmd(0x60 + i);
		out8(t, 0x60, 0xe0 | i);
	}
	for (uint8_t i = 1; i < 32; i++) {
		cmd(0x20 + i);
		ck_assert_uint_eq(in8(t, 0x60), 0xe0 | i);
	}
	cmd(0x20);
	ck_assert_uint_eq(in8(t, 0x60), 0x47);
}
END_TEST

START_TEST(keyboard_answers_at_once)
{
	static const struct talk talks[] = {
		{"reset", {0xff}, 1, {0xfa, 0xaa, END}},
		{"identify", {0xf2}, 1, {0xfa, 0xab, 0x83, END}},
		{"echo", {0xee}, 1, {0xee, END}},
		{"LEDs", {0xed, 0x07}, 2, {0xfa, 0xfa, END}},
		{"rate", {0xf3, 0x20}, 2, {0xfa, 0xfa, END}},
		{"set is 2", {0xf0, 0x00}, 2, {0xfa, 0xfa, 0x02, END}},
		{"set 3", {0xf0, 0x03, 0xf0, 0x00}, 4, {0xfa, 0xfa, 0xfa, 0xfa, 0x03, END}},
		{"defaults bring set 2", {0xf6, 0xf0, 0x00}, 3, {0xfa, 0xfa, 0xfa, 0x02, END}},
		{"enable, disable", {0xf4, 0xf5}, 2, {0xfa, 0xfa, END}},
		{"a command instead of an argument", {0xed, 0xf4}, 2, {0xfa, 0xfa, END}},
		{"no such command", {0x01}, 1, {0xfe, END}},
		{"resend", {0xee, 0xfe}, 1, {0xee, END}},
	};
	ctr(0x07); /* not translating */
	for (unsigned i = 0; i < ARRAY_SIZE(talks); i++)
		talk_kbd(&talks[i]);
	out8(t, 0x60, 0xfe);
	ck_assert_uint_eq(in8(t, 0x60), 0xee);
}
END_TEST

START_TEST(translation_changes_the_id)
{
	talk_kbd(&(struct talk){"identify", {0xf2}, 1, {0xfa, 0xab, 0x41, END}});
}
END_TEST

START_TEST(mouse_answers_at_once)
{
	static const struct talk talks[] = {
	    {"reset", {0xff}, 1, {0xfa, 0xaa, 0x00, END}},
	    {"identify", {0xf2}, 1, {0xfa, 0x00, END}},
	    {"status", {0xe9}, 1, {0xfa, 0x00, 0x02, 0x64, END}},
	    {"resolution", {0xe8, 0x03}, 2, {0xfa, 0xfa, END}},
	    {"scaling", {0xe7}, 1, {0xfa, END}},
	    {"enable", {0xf4}, 1, {0xfa, END}},
	    {"status again", {0xe9}, 1, {0xfa, 0x30, 0x03, 0x64, END}},
	    {"plain packet", {0xeb}, 1, {0xfa, 0x08, 0x00, 0x00, END}},
	    {"wheel",
	     {0xf3, 200, 0xf3, 100, 0xf3, 80, 0xf2},
	     7,
	     {0xfa, 0xfa, 0xfa, 0xfa, 0xfa, 0xfa, 0xfa, 3, END}},
	    {"packet with wheel", {0xeb}, 1, {0xfa, 0x08, 0x00, 0x00, 0x00, END}},
	    {"buttons",
	     {0xf3, 200, 0xf3, 200, 0xf3, 80, 0xf2},
	     7,
	     {0xfa, 0xfa, 0xfa, 0xfa, 0xfa, 0xfa, 0xfa, 4, END}},
	    {"wrap", {0xee, 0x12, 0xec}, 3, {0xfa, 0x12, 0xfa, END}},
	    {"reset forgets", {0xff, 0xf2}, 2, {0xfa, 0xaa, 0x00, 0xfa, 0x00, END}},
	    {"no such command", {0x01}, 1, {0xfe, END}},
	};
	for (unsigned i = 0; i < ARRAY_SIZE(talks); i++)
		talk_mouse(&talks[i]);
}
END_TEST

START_TEST(buttons_need_the_wheel_first)
{
	talk_mouse(&(struct talk){"identify", {0xf3, 200, 0xf3, 200, 0xf3, 80, 0xf2}, 7,
	                          {0xfa, 0xfa, 0xfa, 0xfa, 0xfa, 0xfa, 0xfa, 0, END}});
}
END_TEST

START_TEST(each_byte_is_an_edge_on_its_line)
{
	out8(t, 0x60, 0xf2);
	for (unsigned i = 1; i <= 3; i++) {
		ck_assert(t->level[KBD]);
		ck_assert_uint_eq(t->edges[KBD], i);
		in8(t, 0x60);
	}
	ck_assert(!t->level[KBD]);
	cmd(0xd4);
	out8(t, 0x60, 0xf2);
	ck_assert(t->level[AUX] && !t->level[KBD]);
	in8(t, 0x60);
	in8(t, 0x60);
	ck_assert_uint_eq(t->edges[AUX], 2);
	ck_assert_uint_eq(t->edges[KBD], 3);
	ck_assert(!t->level[AUX]);
}
END_TEST

START_TEST(lines_are_quiet_unless_the_command_byte_enables_them)
{
	ctr(0x44);
	out8(t, 0x60, 0xee);
	ck_assert_uint_eq(t->edges[KBD], 0);
	ck_assert_uint_eq(status() & 1, 1);
	ctr(0x45); /* enabled with a byte waiting */
	ck_assert_uint_eq(t->edges[KBD], 1);
	in8(t, 0x60);
	cmd(0xd4);
	out8(t, 0x60, 0xf2);
	ck_assert_uint_eq(t->edges[AUX], 0);
}
END_TEST

START_TEST(a_disabled_port_holds_its_bytes)
{
	cmd(0xd4);
	out8(t, 0x60, 0xf2);
	cmd(0xa7);
	ck_assert_uint_eq(in8(t, 0x60), 0xfa); /* was in the buffer already */
	ck_assert_uint_eq(status() & 1, 0);
	cmd(0xa8);
	answers(true, (uint16_t[]){0x00, END}, "id");
	out8(t, 0x60, 0xff);
	cmd(0xad);
	in8(t, 0x60);
	ck_assert_uint_eq(status() & 1, 0);
	cmd(0xae);
	answers(false, (uint16_t[]){0xaa, END}, "self test passed");
}
END_TEST

START_TEST(loopback_commands_return_the_byte)
{
	cmd(0xd2);
	out8(t, 0x60, 0x5a);
	answers(false, (uint16_t[]){0x5a, END}, "D2");
	for (unsigned v = 0; v < 256; v++) { /* and no byte is mistaken for a multiplexer's answer */
		cmd(0xd3);
		out8(t, 0x60, (uint8_t)v);
		answers(true, (uint16_t[]){(uint16_t)v, END}, "D3");
	}
}
END_TEST

START_TEST(what_a_guest_can_ask_for_is_bounded)
{
	cmd(0xad);
	for (unsigned i = 0; i < 1000; i++) {
		cmd(0xd2);
		out8(t, 0x60, 1);
		cmd(0xd4);
		out8(t, 0x60, 0xe9);
	}
	cmd(0xae);
	unsigned n = 0;
	while ((status() & 1) && n < 5000) {
		in8(t, 0x60);
		n++;
	}
	ck_assert_uint_gt(n, 64);
	ck_assert_uint_le(n, 1 + 3 * 64);
}
END_TEST

START_TEST(reset_by_command_and_by_output_port)
{
	static const uint8_t pulses[] = {0xfe, 0xf0, 0xfc};
	for (unsigned i = 0; i < ARRAY_SIZE(pulses); i++) {
		t->m.request = MACHINE_NONE;
		cmd(pulses[i]);
		ck_assert_int_eq(t->m.request, MACHINE_RESET);
	}
	t->m.request = MACHINE_NONE;
	cmd(0xff);
	cmd(0xd1);
	out8(t, 0x60, 0xdd); /* A20 off */
	ck_assert_int_eq(t->m.request, MACHINE_NONE);
	cmd(0xd0);
	ck_assert_uint_eq(in8(t, 0x60) & 0x02, 0);
	cmd(0xd1);
	out8(t, 0x60, 0xde);
	ck_assert_int_eq(t->m.request, MACHINE_RESET);
}
END_TEST

START_TEST(machine_reset_empties_everything)
{
	out8(t, 0x60, 0xf2);
	cmd(0xd4);
	out8(t, 0x60, 0xf4);
	ctr(0x30);
	for (unsigned i = 0; i < t->m.ndevs; i++)
		t->m.devs[i]->type->reset(t->m.devs[i]);
	ck_assert(!t->level[KBD] && !t->level[AUX]);
	ck_assert_uint_eq(status(), 0x14);
	cmd(0x20);
	ck_assert_uint_eq(in8(t, 0x60), 0x47);
}
END_TEST

START_TEST(port92_keeps_a20_and_resets_on_the_rising_edge)
{
	ck_assert_uint_eq(in8(t, 0x92), 0x02);
	out8(t, 0x92, 0x00);
	ck_assert_uint_eq(in8(t, 0x92), 0x00);
	ck_assert_int_eq(t->m.request, MACHINE_NONE);
	out8(t, 0x92, 0x03);
	ck_assert_int_eq(t->m.request, MACHINE_RESET);
	t->m.request = MACHINE_NONE;
	out8(t, 0x92, 0x01);
	ck_assert_int_eq(t->m.request, MACHINE_NONE);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		status_at_power_on,
		input_buffer_is_never_full,
		controller_commands_answer,
		controller_memory_is_storage,
		keyboard_answers_at_once,
		translation_changes_the_id,
		mouse_answers_at_once,
		buttons_need_the_wheel_first,
		each_byte_is_an_edge_on_its_line,
		lines_are_quiet_unless_the_command_byte_enables_them,
		a_disabled_port_holds_its_bytes,
		loopback_commands_return_the_byte,
		what_a_guest_can_ask_for_is_bounded,
		reset_by_command_and_by_output_port,
		machine_reset_empties_everything,
		port92_keeps_a20_and_resets_on_the_rising_edge,
	};
	Suite *s = suite_create("i8042");
	TCase *c = tcase_create("registers");
	tcase_add_checked_fixture(c, setup, teardown);
	for (unsigned i = 0; i < ARRAY_SIZE(tests); i++)
		tcase_add_test(c, tests[i]);
	suite_add_tcase(s, c);
	return test_main(s);
}
