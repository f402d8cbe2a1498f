/* The serial port, register by register. The console behind it is this test (the Makefile wraps chardev's
 * calls). */
#include "tests/testlib.h"
#include "tests/vmmlib.h"

#include "backend/vmm/chardev.h"
#include "src/base/cleanup.h"

#define PORT 0x3f8
#define GSI 4

enum { DATA, IER, IIR, LCR, MCR, LSR, MSR, SCR };

static struct vmm_test *t;
static const struct chardev_ops *ops;
static void *ops_ctx;
static char sent[20000];
static size_t nsent, room;
static unsigned rx_readies;
static bool gathered, can_gather;
static unsigned switches;

void __wrap_chardev_set_device(struct chardev *c, const struct chardev_ops *o, void *ctx);
size_t __wrap_chardev_write(struct chardev *c, const void *p, size_t n);
void __wrap_chardev_rx_ready(struct chardev *c);

void __wrap_chardev_set_device(struct chardev *c, const struct chardev_ops *o, void *ctx)
{
	ops = o;
	ops_ctx = ctx;
}

size_t __wrap_chardev_write(struct chardev *c, const void *p, size_t n)
{
	size_t take = n < room ? n : room;
	memcpy(sent + nsent, p, take);
	nsent += take;
	room -= take;
	return take;
}

bool __wrap_kvm_gather_port(struct machine *m, uint16_t port, bool on);
void __wrap_chardev_gather(struct chardev *c, bool on);

bool __wrap_kvm_gather_port(struct machine *m, uint16_t port, bool on)
{
	ck_assert_uint_eq(port, PORT);
	ck_assert(on != gathered);
	gathered = on && can_gather;
	switches++;
	return can_gather;
}

void __wrap_chardev_gather(struct chardev *c, bool on)
{
	ck_assert(on == gathered); /* the console is told what KVM does */
}

void __wrap_chardev_rx_ready(struct chardev *c)
{
	rx_readies++;
}

static uint8_t rd(unsigned reg)
{
	return in8(t, PORT + reg);
}

static void wr(unsigned reg, uint8_t val)
{
	out8(t, PORT + reg, val);
}

static void setup(void)
{
	t = vmm_start(1);
	t->m.consoles[0] = (struct chardev *)&t->m; /* never looked into */
	nsent = 0;
	room = sizeof(sent);
	rx_readies = switches = 0;
	gathered = false;
	can_gather = true;
	vmm_dev(t, "uart16550", 0);
}

static void teardown(void)
{
	t->m.consoles[0] = NULL;
	vmm_stop(t);
}

static size_t type(const char *s)
{
	return ops->rx(ops_ctx, (const uint8_t *)s, strlen(s));
}

START_TEST(ports_and_lines_are_those_of_a_pc)
{
	static const struct {
		uint16_t port;
		unsigned gsi;
	} at[] = {{0x3f8, 4}, {0x2f8, 3}, {0x3e8, 4}, {0x2e8, 3}};
	for (unsigned i = 1; i < ARRAY_SIZE(at); i++)
		vmm_dev(t, "uart16550", i);
	for (unsigned i = 0; i < ARRAY_SIZE(at); i++) {
		ck_assert_uint_eq(in8(t, at[i].port + LSR), 0x60);
		unsigned before = t->edges[at[i].gsi];
		out8(t, at[i].port + MCR, 0x08);
		out8(t, at[i].port + IER, 0x02);
		ck_assert_uint_eq(t->edges[at[i].gsi], before + 1);
		out8(t, at[i].port + IER, 0);
		ck_assert(!t->level[at[i].gsi]);
	}
	struct dev_def def = {.model = "uart16550", .name = "com5", .index = 4};
	struct err e = {0};
	ck_assert_int_lt(dev_new(&t->m, &def, NULL, &e), 0);
	ck_assert_ptr_nonnull(strstr(e.msg, "ports 0 to 3"));
}
END_TEST

START_TEST(power_on_values)
{
	static const uint8_t want[] = {0x00, 0x00, 0x01, 0x00, 0x00, 0x60, 0xb0, 0x00};
	for (unsigned r = 0; r < ARRAY_SIZE(want); r++)
		ck_assert_msg(rd(r) == want[r], "register %u", r);
}
END_TEST

START_TEST(reset_puts_power_on_values_back_and_drops_the_line)
{
	wr(MCR, 0x08);
	wr(IER, 0x03);
	wr(IIR, 0x01);
	wr(SCR, 0x55);
	type("x");
	ck_assert(t->level[GSI]);
	t->m.devs[0]->type->reset(t->m.devs[0]);
	ck_assert(!t->level[GSI]);
	power_on_values_fn(0);
}
END_TEST

START_TEST(divisor_latch_hides_data_and_ier)
{
	wr(IER, 0x05);
	wr(LCR, 0x83);
	wr(DATA, 0x34);
	wr(IER, 0x12);
	ck_assert_uint_eq(rd(DATA), 0x34);
	ck_assert_uint_eq(rd(IER), 0x12);
	wr(LCR, 0x03);
	ck_assert_uint_eq(rd(IER), 0x05);
	ck_assert_uint_eq(nsent, 0);
}
END_TEST

START_TEST(ier_and_mcr_keep_only_their_bits)
{
	wr(IER, 0xff);
	ck_assert_uint_eq(rd(IER), 0x0f);
	wr(MCR, 0xff);
	ck_assert_uint_eq(rd(MCR), 0x1f);
	wr(SCR, 0xa5);
	ck_assert_uint_eq(rd(SCR), 0xa5);
}
END_TEST

START_TEST(fifo_enable_shows_in_iir)
{
	ck_assert_uint_eq(rd(IIR), 0x01);
	wr(IIR, 0x01);
	ck_assert_uint_eq(rd(IIR), 0xc1);
	wr(IIR, 0xc0); /* without bit 0 nothing else counts */
	ck_assert_uint_eq(rd(IIR), 0x01);
}
END_TEST

START_TEST(output_reaches_the_console_in_order)
{
	for (const char *p = "hello"; *p; p++)
		wr(DATA, (uint8_t)*p);
	ck_assert_uint_eq(nsent, 5);
	ck_assert(!memcmp(sent, "hello", 5));
	ck_assert_uint_eq(rd(LSR), 0x60);
}
END_TEST

START_TEST(thre_interrupt_comes_when_enabled_and_after_each_write)
{
	wr(MCR, 0x08);
	wr(IER, 0x02);
	ck_assert(t->level[GSI]);
	ck_assert_uint_eq(rd(IIR), 0x02); /* reading it as the cause clears it */
	ck_assert(!t->level[GSI]);
	ck_assert_uint_eq(rd(IIR), 0x01);
	wr(IER, 0x02); /* already enabled: no edge, no interrupt */
	ck_assert(!t->level[GSI]);
	wr(DATA, 'a');
	ck_assert(t->level[GSI]);
	ck_assert_uint_eq(rd(IIR), 0x02);
	wr(IER, 0x00);
	wr(IER, 0x02); /* enabled anew with THR empty */
	ck_assert(t->level[GSI]);
}
END_TEST

START_TEST(reading_iir_keeps_thre_when_it_reports_something_else)
{
	wr(MCR, 0x08);
	wr(IER, 0x03);
	type("x");
	ck_assert_uint_eq(rd(IIR), 0x04);
	ck_assert_uint_eq(rd(DATA), 'x');
	ck_assert_uint_eq(rd(IIR), 0x02);
	ck_assert_uint_eq(rd(IIR), 0x01);
}
END_TEST

START_TEST(causes_come_by_priority)
{
	wr(IIR, 0x01);
	wr(MCR, 0x1f); /* loopback: everything can be provoked */
	wr(IER, 0x0f);
	wr(MCR, 0x10); /* all modem lines fall */
	for (unsigned i = 0; i < 17; i++)
		wr(DATA, (uint8_t)i); /* one too many: overrun */
	ck_assert_uint_eq(rd(IIR), 0xc6);
	ck_assert_uint_eq(rd(LSR) & 0x1f, 0x03);
	ck_assert_uint_eq(rd(IIR), 0xc4);
	for (unsigned i = 0; i < 16; i++)
		ck_assert_uint_eq(rd(DATA), i);
	ck_assert_uint_eq(rd(IIR), 0xc2);
	ck_assert_uint_eq(rd(IIR), 0xc0);
	rd(MSR);
	ck_assert_uint_eq(rd(IIR), 0xc1);
}
END_TEST

START_TEST(below_the_trigger_level_it_is_a_timeout)
{
	static const struct {
		uint8_t fcr, level;
	} cases[] = {{0x01, 1}, {0x41, 4}, {0x81, 8}, {0xc1, 14}};
	wr(IER, 0x01);
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		wr(IIR, cases[i].fcr | 0x02);
		for (unsigned n = 1; n <= 16; n++) {
			type("x");
			ck_assert_uint_eq(rd(IIR), n < cases[i].level ? 0xcc : 0xc4);
		}
	}
}
END_TEST

START_TEST(without_fifo_there_is_room_for_one_byte)
{
	ck_assert_uint_eq(type("abc"), 1);
	ck_assert_uint_eq(rd(LSR) & 1, 1);
	ck_assert_uint_eq(type("bc"), 0);
	ck_assert_uint_eq(rx_readies, 0);
	ck_assert_uint_eq(rd(DATA), 'a');
	ck_assert_uint_eq(rx_readies, 1);
	ck_assert_uint_eq(rd(LSR), 0x60);
	ck_assert_uint_eq(rd(DATA), 0);
}
END_TEST

START_TEST(fifo_takes_sixteen_and_asks_for_more_when_drained)
{
	wr(IIR, 0x01);
	ck_assert_uint_eq(type("0123456789abcdefXYZ"), 16);
	for (unsigned i = 0; i < 16; i++) {
		ck_assert_uint_eq(rx_readies, 0);
		ck_assert_uint_eq(rd(DATA), (uint8_t)"0123456789abcdef"[i]);
	}
	ck_assert_uint_eq(rx_readies, 1);
	ck_assert_uint_eq(type("XYZ"), 3);
}
END_TEST

START_TEST(clearing_the_receive_fifo_asks_for_more)
{
	wr(IIR, 0x01);
	type("0123456789abcdefXYZ");
	wr(IIR, 0x03);
	ck_assert_uint_eq(rd(LSR), 0x60);
	ck_assert_uint_eq(rx_readies, 1);
}
END_TEST

START_TEST(a_full_console_withholds_thre_and_loses_nothing)
{
	wr(IIR, 0x01);
	wr(MCR, 0x08);
	wr(IER, 0x02);
	room = 3;
	for (unsigned i = 0; i < 16; i++)
		wr(DATA, (uint8_t)('a' + i));
	ck_assert_uint_eq(rd(LSR) & 0x60, 0);
	ck_assert(!t->level[GSI]);
	room = 5;
	ops->writable(ops_ctx);
	ck_assert_uint_eq(rd(LSR) & 0x60, 0);
	room = 100;
	ops->writable(ops_ctx);
	ck_assert_uint_eq(rd(LSR) & 0x60, 0x60);
	ck_assert(t->level[GSI]);
	ck_assert_uint_eq(nsent, 16);
	ck_assert(!memcmp(sent, "abcdefghijklmnop", 16));
}
END_TEST

START_TEST(out2_gates_the_interrupt)
{
	wr(IER, 0x01);
	type("x");
	ck_assert_uint_eq(rd(IIR), 0x04);
	ck_assert(!t->level[GSI]);
	wr(MCR, 0x08);
	ck_assert(t->level[GSI]);
	wr(MCR, 0x18); /* loopback takes OUT2 off the pin */
	ck_assert(!t->level[GSI]);
	wr(MCR, 0x08);
	ck_assert(t->level[GSI]);
	rd(DATA);
	ck_assert(!t->level[GSI]);
}
END_TEST

START_TEST(loopback_returns_data_and_modem_lines)
{
	static const struct {
		uint8_t mcr, msr;
	} lines[] = {{0x11, 0x20}, {0x12, 0x10}, {0x14, 0x40}, {0x18, 0x80}, {0x1a, 0x90}, {0x1f, 0xf0}};
	for (unsigned i = 0; i < ARRAY_SIZE(lines); i++) {
		wr(MCR, lines[i].mcr);
		ck_assert_uint_eq(rd(MSR) & 0xf0, lines[i].msr);
	}
	wr(DATA, 0x5a);
	ck_assert_uint_eq(rd(LSR) & 1, 1);
	ck_assert_uint_eq(rd(DATA), 0x5a);
	ck_assert_uint_eq(nsent, 0);
	ck_assert_uint_eq(type("x"), 0); /* the wire is cut */
	wr(MCR, 0x00);
	ck_assert_uint_eq(rd(MSR) & 0xf0, 0xb0);
	ck_assert_uint_eq(rx_readies, 1);
}
END_TEST

START_TEST(modem_deltas_clear_on_read_and_ring_counts_only_its_end)
{
	wr(MCR, 0x10);
	ck_assert_uint_eq(rd(MSR), 0x0b); /* CTS, DSR and DCD went away */
	ck_assert_uint_eq(rd(MSR), 0x00);
	wr(MCR, 0x14);
	ck_assert_uint_eq(rd(MSR), 0x40); /* ring begins: no delta */
	wr(MCR, 0x10);
	ck_assert_uint_eq(rd(MSR), 0x04); /* ring ends */
}
END_TEST

START_TEST(break_in_loopback_arrives_as_break)
{
	wr(IIR, 0x01);
	wr(MCR, 0x10);
	wr(LCR, 0x43);
	ck_assert_uint_eq(rd(LSR), 0xf1); /* and the FIFO holds an error */
	ck_assert_uint_eq(rd(LSR), 0x61);
	ck_assert_uint_eq(rd(DATA), 0);
}
END_TEST

START_TEST(without_a_console_output_vanishes)
{
	vmm_dev(t, "uart16550", 1);
	for (unsigned i = 0; i < 100; i++)
		out8(t, 0x2f8, 'x');
	ck_assert_uint_eq(in8(t, 0x2f8 + LSR), 0x60);
	ck_assert_uint_eq(nsent, 0);
}
END_TEST

START_TEST(a_wide_access_is_one_of_bytes)
{
	vmm_out(t, PORT + MCR, 1, 0x03);
	wr(SCR, 0x77);
	ck_assert_uint_eq(vmm_in(t, PORT + LCR, 2), 0x0300);
	ck_assert_uint_eq(vmm_in(t, PORT + 6, 2), 0x77b0);
}
END_TEST

/* As a kernel does it that polls. */
static void print(unsigned n)
{
	while (n--) {
		ck_assert(rd(LSR) & 0x20);
		wr(DATA, 'x');
	}
}

START_TEST(polled_output_is_gathered_until_the_interrupt_is_wanted)
{
	print(63);
	ck_assert(!gathered);
	print(1);
	ck_assert(gathered);
	print(1000);
	ck_assert_uint_eq(nsent, 1064);
	wr(IER, 0x02);
	ck_assert(!gathered);
	print(1000); /* each is followed by an interrupt */
	ck_assert(!gathered);
	wr(IER, 0);
	print(127); /* the next time it takes longer */
	ck_assert(!gathered);
	print(1);
	ck_assert(gathered);
}
END_TEST

START_TEST(a_pause_a_loop_and_a_reset_end_gathering)
{
	print(64);
	ck_assert(gathered);
	ops->quiet(ops_ctx);
	ck_assert(!gathered);
	print(64);
	ck_assert(gathered);
	wr(MCR, 0x10);
	ck_assert(!gathered);
	for (unsigned i = 0; i < 300; i++)
		wr(DATA, 'x'); /* these come back to the guest */
	ck_assert(!gathered);
	wr(MCR, 0);
	print(128);
	ck_assert(gathered);
	t->m.devs[0]->type->reset(t->m.devs[0]);
	ck_assert(!gathered);
	print(64);
	ck_assert(gathered);
}
END_TEST

START_TEST(where_kvm_cannot_gather_it_is_asked_once_a_stream)
{
	can_gather = false;
	print(5000);
	ck_assert(!gathered);
	ck_assert_uint_lt(switches, 100);
	ck_assert_uint_eq(nsent, 5000);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		ports_and_lines_are_those_of_a_pc,
		power_on_values,
		reset_puts_power_on_values_back_and_drops_the_line,
		divisor_latch_hides_data_and_ier,
		ier_and_mcr_keep_only_their_bits,
		fifo_enable_shows_in_iir,
		output_reaches_the_console_in_order,
		thre_interrupt_comes_when_enabled_and_after_each_write,
		reading_iir_keeps_thre_when_it_reports_something_else,
		causes_come_by_priority,
		below_the_trigger_level_it_is_a_timeout,
		without_fifo_there_is_room_for_one_byte,
		fifo_takes_sixteen_and_asks_for_more_when_drained,
		clearing_the_receive_fifo_asks_for_more,
		a_full_console_withholds_thre_and_loses_nothing,
		out2_gates_the_interrupt,
		loopback_returns_data_and_modem_lines,
		modem_deltas_clear_on_read_and_ring_counts_only_its_end,
		break_in_loopback_arrives_as_break,
		without_a_console_output_vanishes,
		a_wide_access_is_one_of_bytes,
		polled_output_is_gathered_until_the_interrupt_is_wanted,
		a_pause_a_loop_and_a_reset_end_gathering,
		where_kvm_cannot_gather_it_is_asked_once_a_stream,
	};
	Suite *s = suite_create("uart16550");
	TCase *c = tcase_create("registers");
	tcase_add_checked_fixture(c, setup, teardown);
	for (unsigned i = 0; i < ARRAY_SIZE(tests); i++)
		tcase_add_test(c, tests[i]);
	suite_add_tcase(s, c);
	return test_main(s);
}
