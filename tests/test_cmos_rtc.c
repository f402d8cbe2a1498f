/* The clock and its memory. Tests start at 2001-09-09 01:46:40 UTC (a Sunday), second 1000000000. */
#include "tests/testlib.h"
#include "tests/vmmlib.h"

#include "src/base/cleanup.h"

#define GSI 8
#define START 1000000000u
#define MS 1000000ull
#define US 1000ull
#define SEC 1000000000ull

static struct vmm_test *t;
static struct domain domain;

static uint8_t rd(uint8_t reg)
{
	out8(t, 0x70, reg);
	return in8(t, 0x71);
}

static void wr(uint8_t reg, uint8_t val)
{
	out8(t, 0x70, reg);
	out8(t, 0x71, val);
}

static void setup(void)
{
	t = vmm_start(START);
	domain = (struct domain){.vcpus = 3};
	t->m.domain = &domain;
	vmm_dev(t, "cmos-rtc", 0);
	vmm_advance(t, 10 * MS); /* out of the update cycle */
}

static void teardown(void)
{
	vmm_stop(t);
}

static void check_time(const uint8_t want[8])
{
	static const uint8_t regs[8] = {0x32, 9, 8, 7, 6, 4, 2, 0};
	for (unsigned i = 0; i < 8; i++)
		ck_assert_msg(rd(regs[i]) == want[i], "register %u is %02x, not %02x", regs[i], rd(regs[i]),
			      want[i]);
}

/* century, year, month, day, weekday, hour, minute, second */
START_TEST(time_is_the_wall_clock_in_bcd)
{
	check_time((uint8_t[]){0x20, 0x01, 0x09, 0x09, 0x01, 0x01, 0x46, 0x40});
	vmm_advance(t, 20 * SEC);
	check_time((uint8_t[]){0x20, 0x01, 0x09, 0x09, 0x01, 0x01, 0x47, 0x00});
}
END_TEST

START_TEST(formats_binary_and_12_hours)
{
	static const struct {
		uint8_t b;
		uint64_t add;
		uint8_t hour, minute;
	} cases[] = {
		{0x02, 0, 0x01, 0x46},
		{0x06, 0, 1, 46},
		{0x00, 0, 0x01, 0x46},
		{0x00, 12 * 3600, 0x81, 0x46},  /* 13:46 = 1 pm */
		{0x04, 9 * 3600, 0x8a, 46},     /* 22:46 = 10 pm */
		{0x00, 2 * 3600, 0x12, 0x46},   /* 00:46 = 12 am */
		{0x00, 12 * 3600, 0x92, 0x46},  /* 12:46 = 12 pm */
		{0x06, 0, 12, 46},
	};
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		vmm_advance(t, cases[i].add * SEC);
		wr(0x0b, cases[i].b);
		ck_assert_msg(rd(4) == cases[i].hour, "case %u: hour %02x", i, rd(4));
		ck_assert_msg(rd(2) == cases[i].minute, "case %u: minute %02x", i, rd(2));
	}
}
END_TEST

START_TEST(index_port_reads_back_with_the_nmi_mask)
{
	out8(t, 0x70, 0x8f);
	ck_assert_uint_eq(in8(t, 0x70), 0x8f);
	out8(t, 0x71, 0x5a);
	ck_assert_uint_eq(rd(0x0f), 0x5a);
}
END_TEST

START_TEST(memory_keeps_what_is_written_over_a_reset)
{
	static const uint8_t fixed[] = {0x0c, 0x0d};
	wr(0x40, 0xa5);
	wr(0x7f, 0x5a);
	for (unsigned i = 0; i < ARRAY_SIZE(fixed); i++)
		wr(fixed[i], 0xff);
	t->m.devs[0]->type->reset(t->m.devs[0]);
	ck_assert_uint_eq(rd(0x40), 0xa5);
	ck_assert_uint_eq(rd(0x7f), 0x5a);
	ck_assert_uint_eq(rd(0x0d), 0x80);
	ck_assert_uint_eq(rd(0x0a), 0x26);
	ck_assert_uint_eq(rd(0x0b), 0x02);
}
END_TEST

START_TEST(sizes_tell_memory_and_vcpus)
{
	static const struct {
		uint8_t reg, val;
	} want[] = {
	    {0x14, 0x06}, {0x15, 0x80}, {0x16, 0x02}, {0x17, 0x00}, {0x18, 0x3c}, {0x30, 0x00}, {0x31, 0x3c},
	    {0x34, 0x00}, {0x35, 0x00}, {0x5b, 0x00}, {0x5c, 0x00}, {0x5d, 0x00}, {0x5f, 0x02}, {0x10, 0x00},
	};
	for (unsigned i = 0; i < ARRAY_SIZE(want); i++)
		ck_assert_msg(rd(want[i].reg) == want[i].val, "%02x is %02x", want[i].reg, rd(want[i].reg));
}
END_TEST

START_TEST(uip_shows_the_update_and_never_sticks)
{
	static const struct {
		uint64_t at_us;
		bool uip;
	} cases[] = {{999755, false}, {999757, true},   {1000000, true},
		     {1001983, true}, {1001985, false}, {1500000, false}};
	uint64_t base = (uint64_t)START * SEC;
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		t->m.fake_now_ns = base + cases[i].at_us * US;
		ck_assert_msg(!!(rd(0x0a) & 0x80) == cases[i].uip, "at %lu us",
			      (unsigned long)cases[i].at_us);
	}
	wr(0x0b, 0x82); /* SET: no updates */
	t->m.fake_now_ns = base + 1999900 * US;
	ck_assert_uint_eq(rd(0x0a), 0x26);
}
END_TEST

START_TEST(after_a_clear_uip_the_date_holds_still)
{
	vmm_advance(t, 989 * MS); /* 59:59.999 of what follows: one ms before the second */
	wr(0x0b, 0x06);
	ck_assert_uint_eq(rd(0x0a) & 0x80, 0);
	ck_assert_uint_eq(rd(0), 40);
	vmm_advance(t, 5 * MS); /* a slow exit later */
	ck_assert_uint_eq(rd(0), 40);
	vmm_advance(t, 100 * MS);
	ck_assert_uint_eq(rd(0), 41);
}
END_TEST

START_TEST(setting_the_clock_lasts)
{
	static const uint8_t set[][2] = {{0, 0x30}, {2, 0x59}, {4, 0x23},   {7, 0x31},
					 {8, 0x12}, {9, 0x99}, {0x32, 0x19}};
	wr(0x0b, 0x82);
	for (unsigned i = 0; i < ARRAY_SIZE(set); i++)
		wr(set[i][0], set[i][1]);
	vmm_advance(t, 5 * SEC); /* stands still meanwhile */
	ck_assert_uint_eq(rd(0), 0x30);
	wr(0x0b, 0x02);
	check_time((uint8_t[]){0x19, 0x99, 0x12, 0x31, 0x06, 0x23, 0x59, 0x30});
	vmm_advance(t, 30 * SEC);
	check_time((uint8_t[]){0x20, 0x00, 0x01, 0x01, 0x07, 0x00, 0x00, 0x00});
	t->m.devs[0]->type->reset(t->m.devs[0]);
	check_time((uint8_t[]){0x20, 0x00, 0x01, 0x01, 0x07, 0x00, 0x00, 0x00});
}
END_TEST

START_TEST(a_single_register_can_be_set_while_it_runs)
{
	wr(2, 0x05);
	check_time((uint8_t[]){0x20, 0x01, 0x09, 0x09, 0x01, 0x01, 0x05, 0x40});
	vmm_advance(t, 20 * SEC);
	check_time((uint8_t[]){0x20, 0x01, 0x09, 0x09, 0x01, 0x01, 0x06, 0x00});
}
END_TEST

START_TEST(releasing_the_divider_starts_half_a_second_later)
{
	wr(0x0a, 0x70);
	wr(0, 0x10);
	vmm_advance(t, 3 * SEC);
	wr(0x0a, 0x26);
	ck_assert_uint_eq(rd(0), 0x10);
	vmm_advance(t, 450 * MS);
	ck_assert_uint_eq(rd(0), 0x10);
	vmm_advance(t, 100 * MS);
	ck_assert_uint_eq(rd(0), 0x11);
}
END_TEST

START_TEST(nonsense_in_the_registers_is_carried_over)
{
	static const uint8_t regs[] = {0, 2, 4, 6, 7, 8, 9, 0x32};
	for (unsigned v = 0; v < 256; v++) {
		wr(0x0b, 0x80 | (v & 6));
		for (unsigned i = 0; i < ARRAY_SIZE(regs); i++)
			wr(regs[i], (uint8_t)v);
		wr(0x0b, 0x32 | (v & 6)); /* with alarm and update interrupts on */
		wr(5, (uint8_t)v);
		vmm_advance(t, SEC);
		rd(0x0c);
	}
	wr(0x0b, 0x06);
	ck_assert_uint_lt(rd(0), 60);
	ck_assert_uint_lt(rd(2), 60);
	ck_assert_uint_lt(rd(4), 24);
}
END_TEST

START_TEST(update_interrupt_comes_each_second_until_c_is_read)
{
	wr(0x0b, 0x12);
	for (unsigned i = 1; i <= 3; i++) {
		vmm_advance(t, SEC);
		ck_assert_uint_eq(t->edges[GSI], i);
		ck_assert(t->level[GSI]);
		ck_assert_uint_eq(rd(0x0c) & 0xb0, 0x90);
		ck_assert(!t->level[GSI]);
		ck_assert_uint_eq(rd(0x0c), 0);
	}
	vmm_advance(t, 2 * SEC);
	ck_assert_uint_eq(t->edges[GSI], 4); /* not read: no second edge */
}
END_TEST

START_TEST(flags_come_without_their_enables_but_raise_nothing)
{
	rd(0x0c);
	vmm_advance(t, SEC);
	ck_assert_uint_eq(rd(0x0c), 0x50); /* update and periodic, no IRQF */
	ck_assert_uint_eq(t->edges[GSI], 0);
}
END_TEST

START_TEST(set_bit_stops_updates_and_clears_uie)
{
	rd(0x0c);
	wr(0x0b, 0x92);
	ck_assert_uint_eq(rd(0x0b), 0x82);
	vmm_advance(t, 3 * SEC);
	ck_assert_uint_eq(rd(0x0c) & 0x10, 0);
}
END_TEST

START_TEST(alarm_matches_and_wildcards_match_all)
{
	static const struct {
		uint8_t hour, minute, second;
		unsigned after_s; /* from 01:46:40 */
	} cases[] = {
		{0x01, 0x46, 0x45, 5},
		{0x01, 0x47, 0x00, 20},
		{0x02, 0x00, 0x00, 800},
		{0x01, 0x46, 0x39, 86399},
		{0xff, 0xff, 0xff, 1},
		{0xff, 0xff, 0x10, 30},
		{0xff, 0x00, 0x00, 800},
		{0xc0, 0x47, 0xc0, 20},
	};
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		teardown();
		setup();
		wr(1, cases[i].second);
		wr(3, cases[i].minute);
		wr(5, cases[i].hour);
		wr(0x0b, 0x22);
		vmm_advance(t, cases[i].after_s * SEC - 20 * MS);
		ck_assert_msg(t->edges[GSI] == 0, "case %u came early", i);
		vmm_advance(t, 20 * MS);
		ck_assert_msg(t->edges[GSI] == 1, "case %u did not come", i);
		ck_assert_uint_eq(rd(0x0c) & 0xa0, 0xa0);
	}
}
END_TEST

START_TEST(an_alarm_that_never_matches_is_harmless)
{
	wr(1, 0x75);
	wr(3, 0x99);
	wr(5, 0x44);
	wr(0x0b, 0x22);
	vmm_advance(t, 2 * 86400 * SEC);
	ck_assert_uint_eq(t->edges[GSI], 0);
}
END_TEST

START_TEST(periodic_interrupt_has_the_rate_of_register_a)
{
	static const struct {
		uint8_t rate;
		unsigned hz;
	} cases[] = {{1, 256}, {2, 128}, {3, 8192}, {6, 1024}, {13, 8}, {15, 2}};
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		wr(0x0b, 0x02);
		rd(0x0c);
		wr(0x0a, 0x20 | cases[i].rate);
		wr(0x0b, 0x42);
		unsigned before = t->edges[GSI], n = 0;
		uint64_t end = t->m.fake_now_ns + SEC;
		while (t->m.fake_now_ns < end) {
			vmm_advance(t, 50 * US);
			if (t->level[GSI]) {
				n++;
				ck_assert_uint_eq(rd(0x0c) & 0xc0, 0xc0);
			}
		}
		ck_assert_uint_eq(n, cases[i].hz);
		ck_assert_uint_eq(t->edges[GSI] - before, n);
	}
}
END_TEST

/* A guest that reads register C within 100 us of each interrupt, for @ns. Return: how many there were. */
static unsigned prompt_guest(uint64_t ns)
{
	unsigned n = 0;
	for (uint64_t end = t->m.fake_now_ns + ns; t->m.fake_now_ns < end;) {
		vmm_advance(t, 100 * US);
		if (t->level[GSI]) {
			n++;
			rd(0x0c);
		}
	}
	return n;
}

START_TEST(missed_periodic_interrupts_are_made_up_for)
{
	wr(0x0a, 0x26);
	wr(0x0b, 0x42);
	uint64_t start = t->m.fake_now_ns;
	vmm_advance(t, 100 * MS); /* the guest does not run */
	unsigned n = prompt_guest(300 * MS);
	unsigned due = (unsigned)((t->m.fake_now_ns - start) * 1024 / SEC);
	ck_assert_msg(n == due || n == due + 1, "%u of %u", n, due); /* the first one may have been under way */
}
END_TEST

START_TEST(making_up_ends_at_a_second)
{
	wr(0x0b, 0x42);
	vmm_advance(t, 3600 * SEC);
	unsigned n = prompt_guest(3 * SEC);
	ck_assert_uint_le(n, 4 * 1024 + 1);
	ck_assert_uint_ge(n, 4 * 1024 - 24);
}
END_TEST

START_TEST(a_guest_too_slow_for_its_interrupts_runs_between_them)
{
	wr(0x0a, 0x26);
	wr(0x0b, 0x42);
	for (unsigned i = 0; i < 100; i++) {
		vmm_advance(t, 2 * MS); /* two periods for the way to register C */
		ck_assert(t->level[GSI]);
		ck_assert_uint_eq(rd(0x0c) & 0xc0, 0xc0);
		ck_assert(!t->level[GSI]);
		vmm_advance(t, 400 * US);
		ck_assert_msg(!t->level[GSI], "interrupt %u came at once", i + 1);
		vmm_advance(t, 100 * US);
		ck_assert_msg(t->level[GSI], "interrupt %u did not come half a period later", i + 1);
	}
}
END_TEST

START_TEST(rate_zero_and_a_held_divider_tick_not_at_all)
{
	static const uint8_t a[] = {0x20, 0x76, 0x66};
	for (unsigned i = 0; i < ARRAY_SIZE(a); i++) {
		wr(0x0a, a[i]);
		wr(0x0b, 0x42);
		rd(0x0c);
		unsigned before = t->edges[GSI];
		vmm_advance(t, SEC);
		ck_assert_uint_eq(t->edges[GSI], before);
	}
}
END_TEST

START_TEST(reset_disables_interrupts_and_drops_the_line)
{
	wr(0x0b, 0x72);
	vmm_advance(t, SEC);
	ck_assert(t->level[GSI]);
	t->m.devs[0]->type->reset(t->m.devs[0]);
	ck_assert(!t->level[GSI]);
	ck_assert_uint_eq(rd(0x0b), 0x02);
	vmm_advance(t, 2 * SEC);
	ck_assert(!t->level[GSI]);
}
END_TEST

START_TEST(clock_element_moves_the_face)
{
	static const struct {
		struct domain_clock clock;
		const char *tz;
		uint8_t hour;
	} cases[] = {
		{{false, 3600}, "UTC0", 0x02},
		{{false, 0}, "XYZ-5", 0x01},
		{{true, 0}, "XYZ-5", 0x06},
		{{true, -3600}, "XYZ-5", 0x05},
	};
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		setenv("TZ", cases[i].tz, 1);
		tzset();
		vmm_stop(t);
		t = vmm_start(START);
		domain.clock = cases[i].clock;
		t->m.domain = &domain;
		vmm_dev(t, "cmos-rtc", 0);
		ck_assert_msg(rd(4) == cases[i].hour, "case %u: %02x", i, rd(4));
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		time_is_the_wall_clock_in_bcd,
		formats_binary_and_12_hours,
		index_port_reads_back_with_the_nmi_mask,
		memory_keeps_what_is_written_over_a_reset,
		sizes_tell_memory_and_vcpus,
		uip_shows_the_update_and_never_sticks,
		after_a_clear_uip_the_date_holds_still,
		setting_the_clock_lasts,
		a_single_register_can_be_set_while_it_runs,
		releasing_the_divider_starts_half_a_second_later,
		nonsense_in_the_registers_is_carried_over,
		update_interrupt_comes_each_second_until_c_is_read,
		flags_come_without_their_enables_but_raise_nothing,
		set_bit_stops_updates_and_clears_uie,
		alarm_matches_and_wildcards_match_all,
		an_alarm_that_never_matches_is_harmless,
		periodic_interrupt_has_the_rate_of_register_a,
		missed_periodic_interrupts_are_made_up_for,
		making_up_ends_at_a_second,
		a_guest_too_slow_for_its_interrupts_runs_between_them,
		rate_zero_and_a_held_divider_tick_not_at_all,
		reset_disables_interrupts_and_drops_the_line,
		clock_element_moves_the_face,
	};
	Suite *s = suite_create("cmos_rtc");
	TCase *c = tcase_create("registers");
	tcase_add_checked_fixture(c, setup, teardown);
	for (unsigned i = 0; i < ARRAY_SIZE(tests); i++)
		tcase_add_test(c, tests[i]);
	suite_add_tcase(s, c);
	return test_main(s);
}
