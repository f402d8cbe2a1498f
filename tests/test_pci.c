/* PCI bus 0 as firmware and kernels see it: configuration space, BARs, interrupt links, MSI-X. */
#include "tests/testlib.h"
#include "tests/vmmlib.h"

#include "backend/vmm/pci.h"
#include "src/base/cleanup.h"

enum { CF8 = 0xcf8, CF9 = 0xcf9, CFC = 0xcfc, COMMAND = 0x04, BAR0 = 0x10, BAR1 = 0x14, INTX_OFF = 0x400 };

static struct vmm_test *t;
static struct pci_dev *dev[2]; /* virtio devices at 03.0 and 04.0: BAR 0 is 4 KiB of MSI-X, BAR 1 16 KiB */

static struct pci_dev *add(const char *model, const char *name, unsigned slot, unsigned function)
{
	struct dev_def def = {.model = model, .name = name,
	                      .addr = {.set = true, .slot = (uint8_t)slot, .function = (uint8_t)function}};
	struct dev *d;
	struct err e = {0};
	ck_assert_msg(!dev_new(&t->m, &def, &d, &e), "%s", e.msg);
	return (struct pci_dev *)d;
}

static void setup(void)
{
	t = vmm_start(0);
	add("i440fx", "host-bridge", 0, 0);
	add("piix3", "isa-bridge", 1, 0);
	dev[0] = add("virtio-rng", "rng0", 3, 0);
	dev[1] = add("virtio-rng", "rng1", 4, 0);
}

static void teardown(void)
{
	vmm_stop(t);
}

static void address(unsigned slot, unsigned function, unsigned off)
{
	vmm_out(t, CF8, 4, 0x80000000u | slot << 11 | function << 8 | (off & 0xfc));
}

static uint32_t get(unsigned slot, unsigned off, unsigned size)
{
	address(slot, 0, off);
	return vmm_in(t, (uint16_t)(CFC + (off & 3)), size);
}

static void set(unsigned slot, unsigned off, unsigned size, uint32_t val)
{
	address(slot, 0, off);
	vmm_out(t, (uint16_t)(CFC + (off & 3)), size, val);
}

START_TEST(ids_are_those_that_firmware_and_kernels_look_for)
{
	static const struct {
		unsigned slot, off;
		uint32_t val;
	} ids[] = {
		{0, 0x00, 0x12378086}, {0, 0x2c, 0x11001af4}, {0, 0x08, 0x06000002}, {1, 0x00, 0x70008086},
		{1, 0x08, 0x06010000}, {3, 0x00, 0x10441af4}, {3, 0x08, 0x00ff0001},
	};
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		ck_assert_uint_eq(get(ids[i].slot, ids[i].off, 4), ids[i].val);
	ck_assert_uint_eq(get(1, 0x0e, 1), 0x80);
}
END_TEST

START_TEST(nobody_there_reads_all_ones)
{
	ck_assert_uint_eq(get(5, 0, 4), 0xffffffff);
	ck_assert_uint_eq(get(5, 2, 2), 0xffff);
	set(5, 4, 2, 7); /* and takes writes */
	address(3, 1, 0);
	ck_assert_uint_eq(vmm_in(t, CFC, 4), 0xffffffff);
	vmm_out(t, CF8, 4, 0x80010000u); /* bus 1 */
	ck_assert_uint_eq(vmm_in(t, CFC, 4), 0xffffffff);
	vmm_out(t, CF8, 4, 0); /* mechanism off */
	ck_assert_uint_eq(vmm_in(t, CFC, 4), 0xffffffff);
}
END_TEST

START_TEST(the_address_register_takes_only_dwords)
{
	address(3, 0, 0);
	uint32_t before = vmm_in(t, CF8, 4);
	vmm_out(t, CF8, 1, 0x12);
	vmm_out(t, CF8, 2, 0x1234);
	vmm_out(t, 0xcfb, 1, 0x01);
	ck_assert_uint_eq(vmm_in(t, CF8, 4), before);
}
END_TEST

START_TEST(a_byte_at_cf9_resets_on_the_rising_edge)
{
	out8(t, CF9, 0x02);
	ck_assert_int_eq(t->m.request, MACHINE_NONE);
	ck_assert_uint_eq(in8(t, CF9), 0x02);
	out8(t, CF9, 0x06);
	ck_assert_int_eq(t->m.request, MACHINE_RESET);
	t->m.request = MACHINE_NONE;
	out8(t, CF9, 0x06);
	ck_assert_int_eq(t->m.request, MACHINE_NONE);
	ck_assert_uint_eq(vmm_in(t, CF8, 4), 0); /* none of it was the address register's */
}
END_TEST

START_TEST(bytes_and_words_reach_their_part_of_a_register)
{
	set(3, 0x3c, 1, 0x55);
	ck_assert_uint_eq(get(3, 0x3c, 1), 0x55);
	ck_assert_uint_eq(get(3, 0x3d, 1), 1);
	ck_assert_uint_eq(get(3, 0x3c, 2), 0x0155);
	set(3, 0, 4, 0); /* ids are not writable */
	ck_assert_uint_eq(get(3, 2, 2), 0x1044);
}
END_TEST

START_TEST(sizing_tells_the_size)
{
	set(3, BAR0, 4, 0xffffffff);
	set(3, BAR1, 4, 0xffffffff);
	set(3, 0x18, 4, 0xffffffff);
	ck_assert_uint_eq(get(3, BAR0, 4), 0xfffff000);
	ck_assert_uint_eq(get(3, BAR1, 4), 0xffffc000);
	ck_assert_uint_eq(get(3, 0x18, 4), 0); /* none */
	ck_assert_uint_eq(get(3, 0x30, 4), 0); /* no ROM */
}
END_TEST

static const struct {
	const char *why;
	uint32_t bar, command;
	bool mapped;
} places[] = {
	{"decoding is off", 0xc0000000, 0, false},
	{"only I/O is decoded", 0xc0000000, 1, false},
	{"a good place", 0xc0000000, 2, true},
	{"zero", 0, 2, false},
	{"over RAM", 0x100000, 2, false},
	{"the last place below 4 GiB", 0xffffc000, 2, true},
};

START_TEST(a_bar_is_on_the_bus_when_it_should_be)
{
	uint64_t val;
	set(3, BAR1, 4, places[_i].bar);
	set(3, COMMAND, 2, places[_i].command);
	bool there = bus_access(&t->m.mmio, places[_i].bar + 0x12, &val, 2, false);
	ck_assert_msg(there == places[_i].mapped, "%s", places[_i].why);
	set(3, COMMAND, 2, 0);
	ck_assert_uint_eq(t->m.mmio.n, 0);
}
END_TEST

START_TEST(an_overlapping_bar_waits_until_the_other_leaves)
{
	set(3, BAR1, 4, 0xc0000000);
	set(4, BAR1, 4, 0xc0000000);
	set(3, COMMAND, 2, 2);
	set(4, COMMAND, 2, 2);
	ck_assert_uint_eq(dev[0]->bars[1].mapped, 0xc0000000);
	ck_assert_uint_eq(dev[1]->bars[1].mapped, 0);
	set(3, BAR1, 4, 0xd0000000);
	ck_assert_uint_eq(dev[0]->bars[1].mapped, 0xd0000000);
	ck_assert_uint_eq(dev[1]->bars[1].mapped, 0xc0000000);
	dev[0]->dev.type->reset(&dev[0]->dev);
	ck_assert_uint_eq(dev[0]->bars[1].mapped, 0);
	ck_assert_uint_eq(get(3, BAR1, 4), 0);
}
END_TEST

static const struct {
	unsigned slot;
	uint8_t links[4]; /* 60h-63h */
	unsigned gsi;     /* 99 = none */
} routes[] = {
	{3, {10, 10, 11, 11}, 11}, /* pin A of slot 3 is PIRQC */
	{4, {10, 10, 11, 11}, 11},
	{3, {9, 9, 5, 9}, 5},
	{4, {9, 9, 9, 7}, 7},
	{3, {10, 10, 0x8b, 11}, 99}, /* off */
	{3, {10, 10, 2, 11}, 99},    /* no IRQ that a link can have */
};

START_TEST(pins_go_where_the_links_say)
{
	for (unsigned i = 0; i < 4; i++)
		set(1, 0x60 + i, 1, routes[_i].links[i]);
	pci_intx(dev[routes[_i].slot - 3], true);
	for (unsigned g = 0; g < IRQ_GSI_PINS; g++)
		ck_assert_msg(t->level[g] == (g == routes[_i].gsi), "GSI %u", g);
	ck_assert_uint_eq(get(routes[_i].slot, 6, 2) & 8, 8);
	pci_intx(dev[routes[_i].slot - 3], false);
	for (unsigned g = 0; g < IRQ_GSI_PINS; g++)
		ck_assert(!t->level[g]);
}
END_TEST

START_TEST(a_raised_pin_moves_with_its_link)
{
	pci_setup(&t->m);
	pci_intx(dev[0], true);
	ck_assert(t->level[11]);
	set(1, 0x62, 1, 5);
	ck_assert(!t->level[11] && t->level[5]);
	set(1, 0x62, 1, 0x80);
	ck_assert(!t->level[5]);
	set(1, 0x62, 1, 10);
	ck_assert(t->level[10]);
}
END_TEST

START_TEST(a_shared_line_stays_up_until_all_let_go)
{
	pci_setup(&t->m);
	pci_intx(dev[0], true);
	pci_intx(dev[1], true);
	pci_intx(dev[0], false);
	ck_assert(t->level[11]);
	set(4, COMMAND, 2, INTX_OFF);
	ck_assert(!t->level[11]);
	set(4, COMMAND, 2, 0);
	ck_assert(t->level[11]);
	dev[1]->dev.type->reset(&dev[1]->dev);
	ck_assert(!t->level[11]);
}
END_TEST

static void mmio_set(uint64_t at, unsigned size, uint64_t val)
{
	ck_assert(bus_access(&t->m.mmio, at, &val, size, true));
}

static uint64_t mmio_get(uint64_t at, unsigned size)
{
	uint64_t val = 0;
	ck_assert(bus_access(&t->m.mmio, at, &val, size, false));
	return val;
}

START_TEST(a_masked_vector_waits_in_the_pending_bits)
{
	pci_setup(&t->m);
	struct pci_dev *p = dev[0];
	uint64_t table = p->bars[0].mapped, pba = table + 0x800;
	ck_assert_uint_eq(get(3, p->msix.cap, 1), 0x11);
	ck_assert_uint_eq(get(3, p->msix.cap + 2, 2), 1); /* two vectors */
	ck_assert_uint_eq(mmio_get(table + 12, 4), 1);    /* masked at first */
	pci_msix_fire(p, 0);
	ck_assert_uint_eq(mmio_get(pba, 4), 0); /* off: nothing */
	set(3, p->msix.cap + 2, 2, 0x8000);
	mmio_set(table + 16, 8, 0xfee00000);
	mmio_set(table + 24, 4, 0x4041);
	pci_msix_fire(p, 1);
	pci_msix_fire(p, 7); /* there is none */
	ck_assert_uint_eq(mmio_get(pba, 8), 2);
	mmio_set(table + 28, 4, 0);
	ck_assert(p->msix.v[1].routed);
	ck_assert_uint_eq(p->msix.v[1].data, 0x4041);
	ck_assert_uint_eq(mmio_get(pba, 8), 0); /* delivered: the sink has the eventfd */
	set(3, p->msix.cap + 2, 2, 0xc000);     /* all masked */
	ck_assert(!p->msix.v[1].routed);
	set(3, p->msix.cap + 2, 2, 0);
	p->dev.type->reset(&p->dev);
	ck_assert(!p->msix.enabled && !p->msix.v[1].routed && !irq_msi_pending(&p->msix.v[1]));
}
END_TEST

START_TEST(setup_places_all_bars_apart_in_the_window)
{
	pci_setup(&t->m);
	ck_assert_uint_eq(t->m.mmio.n, 4);
	for (unsigned i = 0; i < t->m.mmio.n; i++) {
		const struct region *r = &t->m.mmio.regions[i];
		ck_assert_uint_ge(r->base, PCI_WINDOW_BASE);
		ck_assert_uint_le(r->base + r->len, PCI_WINDOW_END);
		ck_assert_uint_eq(r->base % r->len, 0);
	}
	ck_assert_uint_eq(get(3, 0x3c, 1), 11);
	ck_assert_uint_eq(get(1, 0x60, 4), 0x0b0b0a0a);
	ck_assert_uint_eq(get(3, COMMAND, 2), 7);
}
END_TEST

START_TEST(a_taken_or_impossible_address_is_refused)
{
	struct err e = {0};
	struct dev_def def = {.model = "virtio-rng", .name = "rng2", .addr = {.set = true, .slot = 3}};
	ck_assert_int_eq(dev_new(&t->m, &def, NULL, &e), -EBUSY);
	ck_assert_ptr_nonnull(strstr(e.msg, "rng0"));
	def.addr = (struct pci_addr){.set = true, .bus = 1};
	ck_assert_int_eq(dev_new(&t->m, &def, NULL, &e), -EINVAL);
	def.addr = (struct pci_addr){0};
	struct dev *d;
	ck_assert_int_eq(dev_new(&t->m, &def, &d, &e), 0);
	ck_assert_uint_eq(((struct pci_dev *)d)->addr.slot, 5);
	ck_assert_uint_eq(get(3, 0x0e, 1), 0);
	add("virtio-rng", "rng3", 3, 2);
	ck_assert_uint_eq(get(3, 0x0e, 1), 0x80); /* now it has more functions */
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pci");
	TCase *c = tcase_create("pci");
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, ids_are_those_that_firmware_and_kernels_look_for);
	tcase_add_test(c, nobody_there_reads_all_ones);
	tcase_add_test(c, the_address_register_takes_only_dwords);
	tcase_add_test(c, a_byte_at_cf9_resets_on_the_rising_edge);
	tcase_add_test(c, bytes_and_words_reach_their_part_of_a_register);
	tcase_add_test(c, sizing_tells_the_size);
	tcase_add_loop_test(c, a_bar_is_on_the_bus_when_it_should_be, 0, ARRAY_SIZE(places));
	tcase_add_test(c, an_overlapping_bar_waits_until_the_other_leaves);
	tcase_add_loop_test(c, pins_go_where_the_links_say, 0, ARRAY_SIZE(routes));
	tcase_add_test(c, a_raised_pin_moves_with_its_link);
	tcase_add_test(c, a_shared_line_stays_up_until_all_let_go);
	tcase_add_test(c, a_masked_vector_waits_in_the_pending_bits);
	tcase_add_test(c, setup_places_all_bars_apart_in_the_window);
	tcase_add_test(c, a_taken_or_impossible_address_is_refused);
	suite_add_tcase(s, c);
	return test_main(s);
}
