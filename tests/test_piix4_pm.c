/* Power management: ACPI's fixed registers where PMBASE puts them, power off, power button, timer. */
#include "tests/testlib.h"
#include "tests/vmmlib.h"

#include "backend/vmm/boot/acpi.h"
#include "backend/vmm/dev/piix4_pm.h"
#include "backend/vmm/pci.h"
#include "src/base/cleanup.h"

#define SCI 9
#define BASE ACPI_PM_BASE
#define SEC 1000000000ull
#define HALF_NS (8388608ull * SEC / 3579545) /* TMR_STS comes that often */

enum { STS = BASE, EN = BASE + 2, CNT = BASE + 4, TMR = BASE + 8, GPE0 = 0xafe0, SMI_CMD = 0xb2 };

static struct vmm_test *t;
static struct dev *pm;

static void setup(void)
{
	t = vmm_start(0);
	struct dev_def def = {
	    .model = "piix4-pm", .name = "pm", .addr = {.set = true, .slot = 1, .function = 3}};
	struct err e = {0};
	ck_assert_msg(!dev_new(&t->m, &def, &pm, &e), "%s", e.msg);
	piix4_pm_setup(pm);
}

static void teardown(void)
{
	vmm_stop(t);
}

static struct pci_dev *pci(void)
{
	return (struct pci_dev *)pm;
}

/* A byte into config space, as pci.c does it. */
static void config(unsigned off, uint8_t val)
{
	struct pci_dev *p = pci();
	p->config[off] = (uint8_t)((p->config[off] & ~p->wmask[off]) | (val & p->wmask[off]));
	p->config_written(p, off, 1);
}

static void acpi_on(void)
{
	out8(t, SMI_CMD, 0xf1);
}

START_TEST(config_space_is_a_piix4s)
{
	const uint8_t *c = pci()->config;
	ck_assert_uint_eq(pci_get32(c), 0x71138086);
	ck_assert_uint_eq(pci_get32(c + 8), 0x06800003);
	ck_assert_uint_eq(c[0x3d], 1);
	ck_assert_uint_eq(c[0x3c], SCI);
	ck_assert_uint_eq(c[0x5b] & 2, 2); /* or firmware waits for an SMI for ever */
	ck_assert_uint_eq(c[0x40] & 0x3f, 1);
}
END_TEST

START_TEST(registers_are_where_pmbase_says_while_enabled)
{
	ck_assert_uint_eq(vmm_in(t, EN, 2), 0);
	config(0x80, 0);
	ck_assert_uint_eq(vmm_in(t, EN, 2), 0xffff);
	config(0x41, 0xb0); /* 0xb000: where OVMF puts it */
	config(0x40, 0xff); /* only bits 6 and 7 count */
	config(0x80, 1);
	ck_assert_uint_eq(vmm_in(t, EN, 2), 0xffff);
	ck_assert_uint_eq(vmm_in(t, 0xb0c2, 2), 0);
	config(0x40, 0x00);
	ck_assert_uint_eq(vmm_in(t, 0xb0c2, 2), 0xffff);
	ck_assert_uint_eq(vmm_in(t, 0xb002, 2), 0);
}
END_TEST

START_TEST(a_pmbase_on_other_ports_is_refused_and_survived)
{
	config(0x40, 0x80);
	config(0x41, 0x00); /* 0x80..0xbf: the APM ports are there */
	ck_assert_uint_eq(vmm_in(t, EN, 2), 0xffff);
	ck_assert_uint_eq(in8(t, SMI_CMD), 0);
	config(0x41, 0x06);
	config(0x40, 0x00);
	ck_assert_uint_eq(vmm_in(t, EN, 2), 0);
}
END_TEST

START_TEST(reset_takes_the_registers_away)
{
	acpi_on();
	vmm_out(t, EN, 2, 0x100);
	piix4_pm_powerbutton(pm);
	ck_assert(t->level[SCI]);
	pm->type->reset(pm);
	ck_assert(!t->level[SCI]);
	ck_assert_uint_eq(vmm_in(t, EN, 2), 0xffff);
	piix4_pm_setup(pm);
	ck_assert_uint_eq(vmm_in(t, STS, 4), 0);
	ck_assert_uint_eq(vmm_in(t, CNT, 2), 0);
	ck_assert_uint_eq(pci()->config[0x5b], 2);
}
END_TEST

START_TEST(smi_command_switches_acpi_on_and_off)
{
	static const struct {
		uint8_t cmd;
		uint16_t cnt;
	} cases[] = {{0xf1, 1}, {0x00, 1}, {0xf0, 0}, {0xff, 0}};
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		out8(t, SMI_CMD, cases[i].cmd);
		ck_assert_uint_eq(in8(t, SMI_CMD), cases[i].cmd);
		ck_assert_uint_eq(vmm_in(t, CNT, 2), cases[i].cnt);
	}
	out8(t, SMI_CMD + 1, 0x5a);
	ck_assert_uint_eq(in8(t, SMI_CMD + 1), 0x5a);
	ck_assert_uint_eq(in8(t, SMI_CMD), 0xff);
}
END_TEST

START_TEST(sleep_type_0_is_power_off)
{
	vmm_out(t, CNT, 2, 0x0001);
	ck_assert_int_eq(t->m.request, MACHINE_NONE);
	vmm_out(t, CNT, 2, 0x2001);
	ck_assert_int_eq(t->m.request, MACHINE_POWEROFF);
	ck_assert_uint_eq(vmm_in(t, CNT, 2), 0x0001); /* SLP_EN reads as 0 */
}
END_TEST

START_TEST(power_off_by_bytes_and_by_a_wide_access)
{
	out8(t, CNT + 1, 0x20);
	ck_assert_int_eq(t->m.request, MACHINE_POWEROFF);
	t->m.request = MACHINE_NONE;
	vmm_out(t, CNT, 4, 0x00002001);
	ck_assert_int_eq(t->m.request, MACHINE_POWEROFF);
}
END_TEST

START_TEST(other_sleep_types_do_nothing)
{
	for (unsigned type = 1; type < 8; type++)
		vmm_out(t, CNT, 2, 0x2001 | type << 10);
	ck_assert_int_eq(t->m.request, MACHINE_NONE);
}
END_TEST

START_TEST(power_button_raises_the_sci_until_cleared)
{
	piix4_pm_powerbutton(pm);
	ck_assert_uint_eq(vmm_in(t, STS, 2), 0x100);
	ck_assert(!t->level[SCI]); /* not enabled */
	vmm_out(t, EN, 2, 0x100);
	ck_assert(!t->level[SCI]); /* nor ACPI */
	acpi_on();
	ck_assert(t->level[SCI]);
	vmm_out(t, STS, 2, 0x0e00); /* other bits leave it alone */
	ck_assert(t->level[SCI]);
	vmm_out(t, STS, 2, 0x0100);
	ck_assert(!t->level[SCI]);
	ck_assert_uint_eq(vmm_in(t, STS, 2), 0);
	piix4_pm_powerbutton(pm);
	ck_assert(t->level[SCI]);
	ck_assert_uint_eq(t->edges[SCI], 2);
}
END_TEST

START_TEST(a_dword_writes_status_and_enable_together)
{
	piix4_pm_powerbutton(pm);
	vmm_out(t, STS, 4, 0x01000100);
	ck_assert_uint_eq(vmm_in(t, STS, 4), 0x01000000);
	out8(t, EN + 1, 0);
	ck_assert_uint_eq(vmm_in(t, EN, 2), 0);
}
END_TEST

START_TEST(timer_counts_3579545_a_second_in_24_bits)
{
	static const struct {
		uint64_t ns;
		uint32_t ticks;
	} cases[] = {{0, 0}, {SEC, 3579545}, {1000, 3}, {4 * SEC, 14318180}, {5 * SEC, 17897725 & 0xffffff}};
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		t->m.fake_now_ns = cases[i].ns;
		ck_assert_uint_eq(vmm_in(t, TMR, 4), cases[i].ticks);
	}
	t->m.fake_now_ns = UINT64_MAX / 2; /* 292 years: no overflow on the way */
	ck_assert_uint_eq(vmm_in(t, TMR, 4),
			  (uint32_t)((unsigned __int128)t->m.fake_now_ns * 3579545 / SEC & 0xffffff));
}
END_TEST

START_TEST(timer_status_comes_with_bit_23)
{
	vmm_advance(t, HALF_NS - 1000);
	ck_assert_uint_eq(vmm_in(t, STS, 2), 0);
	vmm_advance(t, 2000);
	ck_assert_uint_eq(vmm_in(t, STS, 2), 1);
	vmm_out(t, STS, 2, 1);
	ck_assert_uint_eq(vmm_in(t, STS, 2), 0);
	vmm_advance(t, HALF_NS);
	ck_assert_uint_eq(vmm_in(t, STS, 2), 1);
}
END_TEST

START_TEST(timer_interrupt_comes_by_itself)
{
	acpi_on();
	vmm_out(t, EN, 2, 1);
	for (unsigned i = 1; i <= 3; i++) {
		vmm_advance(t, HALF_NS + 1000);
		ck_assert_uint_eq(t->edges[SCI], i);
		vmm_out(t, STS, 2, 1);
		ck_assert(!t->level[SCI]);
	}
	vmm_out(t, EN, 2, 0);
	vmm_advance(t, 10 * HALF_NS);
	ck_assert_uint_eq(t->edges[SCI], 3);
}
END_TEST

START_TEST(gpe0_has_two_bytes_of_each)
{
	acpi_on();
	vmm_out(t, GPE0 + 2, 2, 0xa55a);
	ck_assert_uint_eq(vmm_in(t, GPE0, 4), 0xa55a0000);
	vmm_out(t, GPE0, 2, 0xffff); /* status: write 1 to clear, there is none */
	ck_assert_uint_eq(vmm_in(t, GPE0, 4), 0xa55a0000);
	ck_assert(!t->level[SCI]);
}
END_TEST

START_TEST(nobody_answers_on_the_smbus)
{
	enum { HSTSTS = ACPI_SMB_BASE, HSTCNT = HSTSTS + 2, HSTADD = HSTSTS + 4 };
	ck_assert_uint_eq(pci_get16(pci()->config + 0x90), ACPI_SMB_BASE | 1);
	ck_assert_uint_eq(pci()->config[0xd2] & 1, 1);
	ck_assert_uint_eq(in8(t, HSTSTS), 0); /* a driver waits until it is not busy */
	out8(t, HSTADD, 0xa0);
	ck_assert_uint_eq(in8(t, HSTADD), 0xa0);
	out8(t, HSTCNT, 0x48);
	ck_assert_uint_eq(in8(t, HSTCNT), 0x08);
	ck_assert_uint_eq(in8(t, HSTSTS), 0x04); /* DEV_ERR */
	ck_assert(!t->level[SCI]);
	out8(t, HSTSTS, 0xff);
	ck_assert_uint_eq(in8(t, HSTSTS), 0);
	out8(t, HSTCNT, 0x49); /* with an interrupt */
	ck_assert(t->level[SCI]);
	out8(t, HSTSTS, 0x04);
	ck_assert(!t->level[SCI]);
	config(0xd2, 0x08); /* off */
	ck_assert_uint_eq(in8(t, HSTSTS), 0xff);
	config(0xd2, 0x09);
	config(0x91, 0x08); /* elsewhere */
	ck_assert_uint_eq(in8(t, HSTSTS), 0xff);
	ck_assert_uint_eq(in8(t, 0x800), 0);
	pm->type->reset(pm);
	ck_assert_uint_eq(in8(t, 0x800), 0xff);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		config_space_is_a_piix4s,
		registers_are_where_pmbase_says_while_enabled,
		a_pmbase_on_other_ports_is_refused_and_survived,
		reset_takes_the_registers_away,
		smi_command_switches_acpi_on_and_off,
		sleep_type_0_is_power_off,
		power_off_by_bytes_and_by_a_wide_access,
		other_sleep_types_do_nothing,
		power_button_raises_the_sci_until_cleared,
		a_dword_writes_status_and_enable_together,
		timer_counts_3579545_a_second_in_24_bits,
		timer_status_comes_with_bit_23,
		timer_interrupt_comes_by_itself,
		gpe0_has_two_bytes_of_each,
		nobody_answers_on_the_smbus,
	};
	Suite *s = suite_create("piix4_pm");
	TCase *c = tcase_create("registers");
	tcase_add_checked_fixture(c, setup, teardown);
	for (unsigned i = 0; i < ARRAY_SIZE(tests); i++)
		tcase_add_test(c, tests[i]);
	suite_add_tcase(s, c);
	return test_main(s);
}
