/* VMware's absolute pointer, asked as Linux's driver asks it: EAX, EBX, ECX, EDX in, the same out. */
#include "tests/testlib.h"
#include "tests/vmmlib.h"

#include "backend/vmm/input.h"
#include "backend/vmm/vcpu.h"
#include "src/base/cleanup.h"

#define MAGIC 0x564d5868u
#define AUX 12
#define ENABLE 0x45414552u
#define RELATIVE 0x4c455252u
#define ABSOLUTE 0x53424152u
#define DISABLE 0xf5u

static struct vmm_test *t;
static struct vcpu_regs regs;

static void setup(void)
{
	t = vmm_start(1);
	vmm_dev(t, "i8042", 0);
	vmm_dev(t, "vmmouse", 0);
	t->m.fake_regs = &regs;
}

static void teardown(void)
{
	vmm_stop(t);
}

/* inl with these registers; what is in EAX afterwards. */
static uint32_t call(uint32_t cmd, uint32_t arg)
{
	regs = (struct vcpu_regs){.rax = MAGIC, .rbx = arg, .rcx = cmd, .rdx = 0x5658, .rsi = 7, .rdi = 8};
	uint32_t eax = vmm_in(t, 0x5658, 4);
	ck_assert_uint_eq(regs.rax, MAGIC); /* the read's value is KVM's to write */
	return eax;
}

/* As vmmouse_enable() of Linux does it. */
static void enable(void)
{
	call(41, ENABLE);
	ck_assert_uint_eq(call(40, 0), 1);
	ck_assert_uint_eq(call(39, 1), 0x3442554a);
	call(86, 1);
	call(41, ABSOLUTE);
}

static void point(int x, int y, int wheel, unsigned buttons)
{
	input_pointer(&t->m, &(struct input_pointer){
				 .absolute = true, .x = x, .y = y, .wheel = wheel, .buttons = buttons});
}

static void packet(uint32_t buttons, uint32_t x, uint32_t y, uint32_t z)
{
	ck_assert_uint_eq(call(40, 0) % 4, 0);
	uint32_t eax = call(39, 4);
	ck_assert_msg(eax == buttons && regs.rbx == x && regs.rcx == y && regs.rdx == z, "%x %lx %lx %lx",
		      eax, (long)regs.rbx, (long)regs.rcx, (long)regs.rdx);
	ck_assert(regs.rsi == 7 && regs.rdi == 8);
}

START_TEST(the_version_is_told_with_the_magic)
{
	ck_assert_uint_eq(call(10, ~MAGIC), 6);
	ck_assert_uint_eq(regs.rbx, MAGIC);
}
END_TEST

START_TEST(who_does_not_know_the_magic_reads_ones)
{
	regs = (struct vcpu_regs){.rax = 1, .rcx = 10};
	ck_assert_uint_eq(vmm_in(t, 0x5658, 4), 0xffffffff);
	ck_assert_uint_eq(regs.rbx, 0);
	regs.rax = MAGIC;
	ck_assert_uint_eq(vmm_in(t, 0x5658, 1), 0xff);
	ck_assert_uint_eq(vmm_in(t, 0x5659, 2), 0xffff);
	ck_assert_uint_eq(vmm_in(t, 0x565b, 4), 0xffffffff);
	ck_assert_uint_eq(regs.rbx, 0);
	t->m.fake_regs = NULL; /* not from a vCPU */
	ck_assert_uint_eq(vmm_in(t, 0x5658, 4), 0xffffffff);
}
END_TEST

START_TEST(unknown_commands_change_nothing)
{
	for (uint32_t cmd = 0; cmd < 0x10000; cmd += cmd < 200 ? 1 : 997) {
		if (cmd == 10 || (cmd >= 39 && cmd <= 41) || cmd == 86)
			continue;
		ck_assert_uint_eq(call(cmd, 0x1234), 0xffffffff);
		ck_assert(regs.rbx == 0x1234 && regs.rcx == cmd && regs.rdx == 0x5658);
	}
}
END_TEST

START_TEST(positions_end_to_end)
{
	ck_assert(!input_absolute(&t->m));
	enable();
	ck_assert(input_absolute(&t->m));
	point(0, 0, 0, 0);
	packet(0, 0, 0, 0);
	point(INPUT_ABS_MAX, 0, 0, INPUT_BUTTON_LEFT);
	packet(0x20, 0xffff, 0, 0);
	point(INPUT_ABS_MAX, INPUT_ABS_MAX, 1, INPUT_BUTTON_RIGHT);
	packet(0x10, 0xffff, 0xffff, 0xffffffff);
	point(INPUT_ABS_MAX / 2, 1, -2, INPUT_BUTTON_MIDDLE | INPUT_BUTTON_SIDE);
	packet(0x08, 0x7ffe, 2, 2);
	ck_assert_uint_eq(call(40, 0), 0);
}
END_TEST

START_TEST(movement_is_merged_and_clicks_are_not)
{
	enable();
	for (int i = 0; i < 100; i++)
		point(i, i, 0, 0);
	point(99, 99, 0, INPUT_BUTTON_LEFT);
	point(99, 99, 0, 0);
	ck_assert_uint_eq(call(40, 0), 12);
	packet(0, 198, 198, 0);
	packet(0x20, 198, 198, 0);
	packet(0, 198, 198, 0);
}
END_TEST

START_TEST(the_mouse_interrupts_when_there_is_something)
{
	enable();
	out8(t, 0x64, 0xd4);
	out8(t, 0x60, 0xf4);
	ck_assert_uint_eq(in8(t, 0x60), 0xfa);
	unsigned before = t->edges[AUX];
	point(1, 1, 0, 0);
	ck_assert_uint_eq(t->edges[AUX], before + 1);
	ck_assert_uint_eq(in8(t, 0x60), 0x08);
	ck_assert_uint_eq(in8(t, 0x60), 0);
	ck_assert_uint_eq(in8(t, 0x60), 0);
	ck_assert_uint_eq(in8(t, 0x64) & 1, 0);
}
END_TEST

START_TEST(asking_for_more_than_there_is_disables)
{
	static const uint32_t sizes[] = {0, 2, 7, 0xffffffff};
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		call(41, ENABLE);
		ck_assert_uint_eq(call(39, sizes[i]), 0xffffffff);
		ck_assert_uint_eq(call(40, 0), 0xffff0000);
		ck_assert(!input_absolute(&t->m));
	}
}
END_TEST

START_TEST(six_words_fill_six_registers)
{
	enable();
	point(1, 2, 3, 0);
	point(4, 5, 6, 0);
	ck_assert_uint_eq(call(39, 6), 0);
	ck_assert(regs.rbx == 2 && regs.rcx == 4 && regs.rdx == 0xfffffffd && regs.rsi == 0 && regs.rdi == 8);
	ck_assert_uint_eq(call(40, 0), 2);
}
END_TEST

START_TEST(relative_disable_and_reset_leave_it_to_the_mouse)
{
	enable();
	call(41, RELATIVE);
	ck_assert(!input_absolute(&t->m));
	call(41, ABSOLUTE);
	ck_assert(input_absolute(&t->m));
	call(41, DISABLE);
	ck_assert(!input_absolute(&t->m));
	enable();
	point(1, 1, 0, 0);
	for (unsigned i = 0; i < t->m.ndevs; i++)
		t->m.devs[i]->type->reset(t->m.devs[i]);
	ck_assert(!input_absolute(&t->m));
	ck_assert_uint_eq(call(40, 0), 0xffff0000);
}
END_TEST

START_TEST(a_driver_that_does_not_read_fills_no_more_than_the_queue)
{
	enable();
	for (int i = 0; i < 10000; i++)
		point(i, i, 1, i & 1 ? INPUT_BUTTON_LEFT : 0);
	ck_assert_uint_eq(call(40, 0), 256);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		the_version_is_told_with_the_magic,
		who_does_not_know_the_magic_reads_ones,
		unknown_commands_change_nothing,
		positions_end_to_end,
		movement_is_merged_and_clicks_are_not,
		the_mouse_interrupts_when_there_is_something,
		asking_for_more_than_there_is_disables,
		six_words_fill_six_registers,
		relative_disable_and_reset_leave_it_to_the_mouse,
		a_driver_that_does_not_read_fills_no_more_than_the_queue,
	};
	Suite *s = suite_create("vmmouse");
	TCase *c = tcase_create("backdoor");
	tcase_add_checked_fixture(c, setup, teardown);
	for (unsigned i = 0; i < ARRAY_SIZE(tests); i++)
		tcase_add_test(c, tests[i]);
	suite_add_tcase(s, c);
	return test_main(s);
}
