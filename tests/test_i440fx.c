/* The host bridge's PAM registers: what 0xC0000-0xFFFFF shows while firmware moves itself to RAM. */
#include "tests/fwlib.h"
#include "tests/testlib.h"

#include "backend/vmm/pci.h"
#include "src/base/cleanup.h"

#define KIB 1024u
#define IMAGE (256 * KIB)
#define HOLE 0xff
#define RAM 0xA5 /* what the test has put into all RAM */

static struct vmm_test *t;
static struct dev *bridge;
static struct firmware fw;

static void start(bool firmware)
{
	t = vmm_start(1);
	if (firmware)
		fw_give(t, &fw, IMAGE);
	memset(t->m.mem.ram, RAM, 1 << 20);
	struct dev_def def = {.model = "i440fx", .name = "bridge", .addr = {.set = true}};
	struct err e = {0};
	ck_assert_msg(!dev_new(&t->m, &def, &bridge, &e), "%s", e.msg);
}

static void setup(void)
{
	start(true);
}

static void teardown(void)
{
	vmm_stop(t);
	free(fw.image);
	fw.image = NULL;
}

static void config(unsigned reg, uint8_t val)
{
	pci_config_write(t->m.pci, 0, 0, reg, 1, val);
}

/* The image's byte that the last 128 KiB below 1 MiB show at @gpa. */
static uint8_t rom(uint32_t gpa)
{
	return (uint8_t)((IMAGE - (0x100000 - gpa)) / 4096);
}

START_TEST(power_on_shows_the_images_end)
{
	ck_assert_uint_eq(fw_load(t, 0xfffff), rom(0xfffff));
	ck_assert_uint_eq(fw_load(t, 0xf0000), rom(0xf0000));
	ck_assert_uint_eq(fw_load(t, 0xe0000), rom(0xe0000));
	ck_assert_uint_eq(fw_load(t, 0xdffff), HOLE);
	ck_assert_uint_eq(fw_load(t, 0xc0000), HOLE);
	ck_assert_uint_eq(fw_load(t, 0x9ffff), RAM);
	fw_store(t, 0xf0000, 0x11);
	ck_assert_uint_eq(fw_load(t, 0xf0000), rom(0xf0000));
}
END_TEST

/* Each nibble governs its own segment and no other. */
static const struct {
	uint8_t reg, shift;
	uint32_t first, last;
} segments[] = {
	{0x59, 4, 0xf0000, 0xfffff}, {0x5a, 0, 0xc0000, 0xc3fff}, {0x5a, 4, 0xc4000, 0xc7fff}, {0x5b, 0, 0xc8000, 0xcbfff},
	{0x5b, 4, 0xcc000, 0xcffff}, {0x5c, 0, 0xd0000, 0xd3fff}, {0x5c, 4, 0xd4000, 0xd7fff}, {0x5d, 0, 0xd8000, 0xdbfff},
	{0x5d, 4, 0xdc000, 0xdffff}, {0x5e, 0, 0xe0000, 0xe3fff}, {0x5e, 4, 0xe4000, 0xe7fff}, {0x5f, 0, 0xe8000, 0xebfff},
	{0x5f, 4, 0xec000, 0xeffff},
};

static uint8_t rom_or_hole(uint32_t gpa)
{
	return gpa < 0xe0000 ? HOLE : rom(gpa);
}

START_TEST(a_nibble_switches_its_segment)
{
	config(segments[_i].reg, (uint8_t)(3 << segments[_i].shift));
	for (unsigned k = 0; k < ARRAY_SIZE(segments); k++) {
		uint32_t first = segments[k].first, last = segments[k].last;
		ck_assert_uint_eq(fw_load(t, first), k == (unsigned)_i ? RAM : rom_or_hole(first));
		ck_assert_uint_eq(fw_load(t, last), k == (unsigned)_i ? RAM : rom_or_hole(last));
	}
	fw_store(t, segments[_i].last, 0x42);
	ck_assert_uint_eq(fw_load(t, segments[_i].last), 0x42);
}
END_TEST

START_TEST(read_enable_alone_is_ram_that_keeps)
{
	config(0x59, 0x30);
	fw_store(t, 0xf1234, 0x42);
	config(0x59, 0x10);
	fw_store(t, 0xf1234, 0x43);
	ck_assert_uint_eq(fw_load(t, 0xf1234), 0x42);
	ck_assert_int_eq(gm_write(&t->m.mem, 0xf1234, "x", 1), -EFAULT);
}
END_TEST

START_TEST(write_enable_alone_lets_the_image_be_changed)
{
	config(0x59, 0x20);
	ck_assert_uint_eq(fw_load(t, 0xf1234), rom(0xf1234));
	fw_store(t, 0xf1234, 0x42);
	config(0x59, 0x30);
	ck_assert_uint_eq(fw_load(t, 0xf1234), 0x42);
	ck_assert_uint_eq(fw_load(t, 0xf5678), rom(0xf5678));
}
END_TEST

START_TEST(neighbours_of_a_kind_share_a_slot)
{
	for (unsigned reg = 0x59; reg <= 0x5f; reg++)
		config(reg, 0x33);
	unsigned all_ram = t->m.mem.nslots;
	config(0x59, 0x10);
	config(0x5a, 0x11);
	config(0x5b, 0x11);
	ck_assert_uint_eq(t->m.mem.nslots, all_ram + 2); /* C0000-CFFFF, D0000-EFFFF, F0000 */
}
END_TEST

START_TEST(reset_shows_the_image_again)
{
	for (unsigned reg = 0x59; reg <= 0x5f; reg++)
		config(reg, 0x33);
	config(0x72, 0x4a);
	bridge->type->reset(bridge);
	ck_assert_uint_eq(fw_load(t, 0xf0000), rom(0xf0000));
	ck_assert_uint_eq(fw_load(t, 0xc0000), HOLE);
	ck_assert_uint_eq(pci_config_read(t->m.pci, 0, 0, 0x59, 4), 0);
	ck_assert_uint_eq(pci_config_read(t->m.pci, 0, 0, 0x72, 1), 0x02);
}
END_TEST

START_TEST(without_firmware_it_is_all_ram)
{
	teardown();
	start(false);
	config(0x59, 0x00);
	ck_assert_uint_eq(fw_load(t, 0xf0000), RAM);
	ck_assert_uint_eq(fw_load(t, 0xc0000), RAM);
}
END_TEST

START_TEST(firmware_knows_the_bridge)
{
	ck_assert_uint_eq(pci_config_read(t->m.pci, 0, 0, 0x00, 4), 0x12378086);
	ck_assert_uint_eq(pci_config_read(t->m.pci, 0, 0, 0x2c, 4), 0x11001af4); /* or it looks for no fw_cfg (T5) */
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		power_on_shows_the_images_end,
		read_enable_alone_is_ram_that_keeps,
		write_enable_alone_lets_the_image_be_changed,
		neighbours_of_a_kind_share_a_slot,
		reset_shows_the_image_again,
		without_firmware_it_is_all_ram,
		firmware_knows_the_bridge,
	};
	Suite *s = suite_create("i440fx");
	TCase *c = tcase_create("pam");
	tcase_add_checked_fixture(c, setup, teardown);
	for (unsigned i = 0; i < ARRAY_SIZE(tests); i++)
		tcase_add_test(c, tests[i]);
	tcase_add_loop_test(c, a_nibble_switches_its_segment, 0, (int)ARRAY_SIZE(segments));
	suite_add_tcase(s, c);
	return test_main(s);
}
