/* The virtio transport and its queues, with the entropy device behind: a driver that keeps the rules, and all
 * others. */
#include "tests/testlib.h"
#include "tests/virtiolib.h"

#include "src/base/cleanup.h"

static struct vmm_test *t;
static struct drv d;
static struct domain_rng rng;
static struct virtio_dev *v;

static void setup(void)
{
	struct dev *dev;
	struct err e = {0};
	t = vmm_start(1);
	struct dev_def bridge = {.model = "piix3", .name = "isa-bridge", .addr = {.set = true, .slot = 1}};
	struct dev_def def = {
	    .model = "virtio-rng", .name = "rng0", .addr = {.set = true, .slot = 3}, .rng = &rng};
	ck_assert(!dev_new(&t->m, &bridge, NULL, &e));
	ck_assert_msg(!dev_new(&t->m, &def, &dev, &e), "%s", e.msg);
	v = (struct virtio_dev *)dev;
	drv_attach(&d, t, dev);
}

static void teardown(void)
{
	vmm_stop(t);
	rng = (struct domain_rng){0};
}

static uint8_t isr(void)
{
	return (uint8_t)drv_read(&d, VIRTIO_BAR_ISR, 1);
}

/* One writable buffer of @len bytes, offered and rung for. */
static void ask(uint32_t len)
{
	drv_desc(&d, 0, DRV_BUF, len, D_WRITE, 0);
	drv_avail(&d, 0);
	drv_kick(&d);
}

static void assert_used(uint32_t head, uint32_t len)
{
	uint32_t h, l;
	ck_assert(drv_used(&d, &h, &l));
	ck_assert_uint_eq(h, head);
	ck_assert_uint_eq(l, len);
}

static void assert_works(void)
{
	drv_start(&d, DRV_ALL_FEATURES);
	ck_assert_uint_eq(drv_status(&d), 15);
	ask(64);
	assert_used(0, 64);
}

START_TEST(capabilities_are_where_firmware_looks)
{
	unsigned seen = 0;
	for (unsigned off = d.pci->config[0x34]; off; off = d.pci->config[off + 1]) {
		const uint8_t *c = &d.pci->config[off];
		if (c[0] != 9)
			continue;
		seen |= 1u << c[3];
		if (c[3] == 2)
			ck_assert_uint_eq(pci_get32(c + 16), VIRTIO_NOTIFY_STEP);
		if (c[3] != 5)
			ck_assert_uint_eq(c[4], 1);
	}
	ck_assert_uint_eq(seen, 1u << 1 | 1u << 2 | 1u << 3 | 1u << 5); /* rng has no device configuration */
}
END_TEST

START_TEST(a_chain_is_filled_and_comes_back)
{
	drv_start(&d, DRV_ALL_FEATURES);
	memset(drv_mem(&d, DRV_BUF), 0, 300);
	drv_desc(&d, 0, DRV_BUF, 100, D_WRITE | D_NEXT, 5);
	drv_desc(&d, 5, DRV_BUF + 200, 100, D_WRITE, 0);
	drv_avail(&d, 0);
	drv_kick(&d);
	assert_used(0, 200);
	static const uint8_t zeros[100];
	ck_assert(memcmp(drv_mem(&d, DRV_BUF), zeros, 100));
	ck_assert_mem_eq((uint8_t *)drv_mem(&d, DRV_BUF) + 100, zeros, 100); /* between the buffers */
	ck_assert(memcmp((uint8_t *)drv_mem(&d, DRV_BUF) + 200, zeros, 100));
	ck_assert(t->level[11]);
	ck_assert_uint_eq(isr(), 1);
	ck_assert(!t->level[11]);
	ck_assert_uint_eq(isr(), 0);
}
END_TEST

START_TEST(an_indirect_table_is_a_chain)
{
	drv_start(&d, DRV_ALL_FEATURES);
	uint8_t *table = drv_mem(&d, DRV_BUF + 0x1000);
	static const struct { uint64_t gpa; uint32_t len; uint16_t flags, next; } ind[] = {
		{DRV_BUF, 10, D_WRITE | D_NEXT, 2}, {0, 0, 0, 0}, {DRV_BUF + 64, 20, D_WRITE, 0},
	};
	memcpy(table, ind, sizeof(ind));
	drv_desc(&d, 3, DRV_BUF + 0x1000, sizeof(ind), D_INDIRECT, 0);
	drv_avail(&d, 3);
	drv_kick(&d);
	assert_used(3, 30);
}
END_TEST

START_TEST(the_ring_wraps)
{
	drv_start(&d, DRV_ALL_FEATURES);
	for (unsigned i = 0; i < 5 * DRV_SIZE; i++) {
		ask(16 + i);
		assert_used(0, 16 + i);
	}
}
END_TEST

START_TEST(indices_wrap_at_65536)
{
	drv_start(&d, DRV_ALL_FEATURES);
	for (unsigned i = 0; i < 70000; i++)
		ask(1);
	ck_assert_uint_eq(drv_used_idx(&d), 70000 & 0xffff);
}
END_TEST

/* Each breaks one rule. The chain, where there is one, comes back with 0 bytes. */
struct violation {
	const char *what;
	void (*make)(void);
	bool returned;
};

static void outside_memory(void)
{
	drv_desc(&d, 0, 16 << 20, 1, D_WRITE, 0);
	drv_avail(&d, 0);
}

static void across_the_end(void)
{
	drv_desc(&d, 0, (16 << 20) - 8, 16, D_WRITE, 0);
	drv_avail(&d, 0);
}

static void address_overflow(void)
{
	drv_desc(&d, 0, ~0ull - 3, 64, D_WRITE, 0);
	drv_avail(&d, 0);
}

static void mmio_buffer(void)
{
	drv_desc(&d, 0, d.base, 64, D_WRITE, 0);
	drv_avail(&d, 0);
}

static void next_behind_table(void)
{
	drv_desc(&d, 0, DRV_BUF, 1, D_WRITE | D_NEXT, DRV_SIZE);
	drv_avail(&d, 0);
}

static void head_behind_table(void)
{
	drv_avail(&d, DRV_SIZE);
}

static void loop(void)
{
	drv_desc(&d, 0, DRV_BUF, 1, D_WRITE | D_NEXT, 1);
	drv_desc(&d, 1, DRV_BUF, 1, D_WRITE | D_NEXT, 0);
	drv_avail(&d, 0);
}

static void read_behind_write(void)
{
	drv_desc(&d, 0, DRV_BUF, 1, D_WRITE | D_NEXT, 1);
	drv_desc(&d, 1, DRV_BUF, 1, 0, 0);
	drv_avail(&d, 0);
}

static void too_many_waiting(void)
{
	drv_desc(&d, 0, DRV_BUF, 1, D_WRITE, 0);
	pci_put16((uint8_t *)drv_mem(&d, DRV_AVAIL) + 2, DRV_SIZE + 1);
}

static void indirect(uint32_t len, unsigned flags, unsigned inner_flags, unsigned next, uint64_t gpa)
{
	uint8_t *e = drv_mem(&d, DRV_BUF + 0x1000);
	uint64_t buf = DRV_BUF;
	memcpy(e, &buf, 8);
	pci_put32(e + 8, 4);
	pci_put16(e + 12, (uint16_t)inner_flags);
	pci_put16(e + 14, (uint16_t)next);
	drv_desc(&d, 0, gpa, len, D_INDIRECT | flags, 1);
	drv_avail(&d, 0);
}

static void indirect_odd(void)
{
	indirect(17, 0, D_WRITE, 0, DRV_BUF + 0x1000);
}

static void indirect_empty(void)
{
	indirect(0, 0, D_WRITE, 0, DRV_BUF + 0x1000);
}

static void indirect_huge(void)
{
	indirect(16 * 1025, 0, D_WRITE, 0, DRV_BUF + 0x1000);
}

static void indirect_and_next(void)
{
	indirect(16, D_NEXT, D_WRITE, 0, DRV_BUF + 0x1000);
}

static void indirect_nested(void)
{
	indirect(16, 0, D_INDIRECT, 0, DRV_BUF + 0x1000);
}

static void indirect_next_behind(void)
{
	indirect(16, 0, D_WRITE | D_NEXT, 1, DRV_BUF + 0x1000);
}

static void indirect_loop(void)
{
	indirect(64, 0, D_WRITE | D_NEXT, 0, DRV_BUF + 0x1000);
}

static void indirect_outside(void)
{
	indirect(32, 0, D_WRITE, 0, (16 << 20) - 16);
}

static const struct violation violations[] = {
	{"a buffer outside memory", outside_memory, true},
	{"a buffer across the end of memory", across_the_end, true},
	{"an address that overflows", address_overflow, true},
	{"a buffer in a device's registers", mmio_buffer, true},
	{"next behind the table", next_behind_table, true},
	{"a head behind the table", head_behind_table, false},
	{"a loop", loop, true},
	{"readable behind writable", read_behind_write, true},
	{"more waiting than the queue holds", too_many_waiting, false},
	{"an indirect table of odd length", indirect_odd, true},
	{"an empty indirect table", indirect_empty, true},
	{"an indirect table that is too long", indirect_huge, true},
	{"indirect and next", indirect_and_next, true},
	{"indirect in indirect", indirect_nested, true},
	{"next behind an indirect table", indirect_next_behind, true},
	{"a loop in an indirect table", indirect_loop, true},
	{"an indirect table outside memory", indirect_outside, true},
};

START_TEST(a_driver_that_breaks_the_rules_must_reset)
{
	const struct violation *x = &violations[_i];
	uint32_t h, l;
	drv_start(&d, DRV_ALL_FEATURES);
	x->make();
	drv_kick(&d);
	ck_assert_msg(drv_status(&d) & VIRTIO_NEEDS_RESET, "%s", x->what);
	ck_assert_uint_eq(isr() & 2, 2); /* told by a configuration interrupt */
	ck_assert_msg(drv_used(&d, &h, &l) == x->returned, "%s", x->what);
	if (x->returned)
		ck_assert_uint_eq(l, 0);
	ask(8); /* the queue stays still */
	ck_assert(!drv_used(&d, &h, &l));
	ck_assert_uint_eq(v->q[0].in_work, 0);
	assert_works(); /* and a reset helps */
}
END_TEST

START_TEST(indirect_must_be_agreed_on)
{
	drv_start(&d, ~(1ull << VIRTIO_F_INDIRECT_DESC));
	indirect(16, 0, D_WRITE, 0, DRV_BUF + 0x1000);
	drv_kick(&d);
	ck_assert(drv_status(&d) & VIRTIO_NEEDS_RESET);
}
END_TEST

static const struct {
	const char *what;
	uint64_t features; /* added to what is offered, or taken from it with NOT */
	bool taken;
} agreements[] = {
	{"all that is offered", 0, true},
	{"one that is not", 1ull << 5, false},
	{"a high one that is not", 1ull << 40, false},
	{"no VERSION_1", 1ull << VIRTIO_F_VERSION_1, false},
};

START_TEST(features_ok_is_only_for_what_was_offered)
{
	drv_write(&d, 0x14, 1, 1);
	drv_write(&d, 0x14, 1, 3);
	drv_set_features(&d, drv_offered(&d) ^ agreements[_i].features);
	drv_write(&d, 0x14, 1, 11);
	ck_assert_msg(drv_status(&d) == (agreements[_i].taken ? 11 : 3), "%s", agreements[_i].what);
	drv_write(&d, 0x14, 1, 15);
	ck_assert_msg(drv_status(&d) == (agreements[_i].taken ? 15 : 3), "%s", agreements[_i].what);
}
END_TEST

START_TEST(status_never_loses_bits_but_by_reset)
{
	drv_start(&d, DRV_ALL_FEATURES);
	drv_write(&d, 0x14, 1, 1);
	ck_assert_uint_eq(drv_status(&d), 15);
	drv_set_features(&d, 0); /* too late */
	ck_assert(virtio_has(v, VIRTIO_F_VERSION_1));
	drv_write(&d, 0x14, 1, 0x4f);
	ck_assert_uint_eq(drv_status(&d), 15); /* NEEDS_RESET is ours */
	drv_write(&d, 0x14, 1, 0);
	ck_assert_uint_eq(drv_status(&d), 0);
}
END_TEST

START_TEST(a_reset_forgets_everything)
{
	assert_works();
	drv_write(&d, 0x14, 1, 0);
	drv_write(&d, 0x16, 2, 0);
	ck_assert_uint_eq(drv_read(&d, 0x1c, 2), 0);      /* or SeaBIOS says "queue already active" */
	ck_assert_uint_eq(drv_read(&d, 0x18, 2), VIRTQ_SIZE_MAX);
	ck_assert_uint_eq(drv_read(&d, 0x1a, 2), 0xffff);
	ck_assert_uint_eq(drv_read(&d, 0x10, 2), 0xffff);
	ck_assert_uint_eq(drv_read(&d, 0x20, 8), 0);
	ck_assert(!t->level[11]);
	assert_works();
}
END_TEST

START_TEST(common_configuration_keeps_its_rules)
{
	drv_negotiate(&d, DRV_ALL_FEATURES);
	ck_assert_uint_eq(drv_read(&d, 0x12, 2), 1);
	drv_write(&d, 0x16, 2, 1); /* no such queue */
	ck_assert_uint_eq(drv_read(&d, 0x18, 2), 0);
	drv_write(&d, 0x1c, 2, 1);
	drv_write(&d, 0x16, 2, 0);
	static const uint16_t refused[] = {0, 3, 257, 512, 0xffff};
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		drv_write(&d, 0x18, 2, refused[i]);
		ck_assert_uint_eq(drv_read(&d, 0x18, 2), VIRTQ_SIZE_MAX);
	}
	drv_write(&d, 0x18, 2, 16);
	ck_assert_uint_eq(drv_read(&d, 0x18, 2), 16);
	drv_write(&d, 0x1a, 2, 1);
	ck_assert_uint_eq(drv_read(&d, 0x1a, 2), 1);
	drv_write(&d, 0x1a, 2, 2); /* only vectors 0 and 1 */
	ck_assert_uint_eq(drv_read(&d, 0x1a, 2), 0xffff);
	drv_write(&d, 0x20, 8, 0x123456789abcdef0); /* as two halves */
	ck_assert_uint_eq(drv_read(&d, 0x20, 4), 0x9abcdef0);
	ck_assert_uint_eq(drv_read(&d, 0x24, 4), 0x12345678);
	drv_write(&d, 0x1c, 2, 0);
	ck_assert_uint_eq(drv_read(&d, 0x1c, 2), 0);
}
END_TEST

static const struct {
	const char *what;
	uint64_t desc, avail, used;
} bad_rings[] = {
	{"descriptors not aligned", DRV_DESC + 8, DRV_AVAIL, DRV_USED},
	{"avail not aligned", DRV_DESC, DRV_AVAIL + 1, DRV_USED},
	{"used not aligned", DRV_DESC, DRV_AVAIL, DRV_USED + 2},
	{"descriptors outside", 16 << 20, DRV_AVAIL, DRV_USED},
	{"avail across the end", DRV_DESC, (16 << 20) - 8, DRV_USED},
	{"used overflows", DRV_DESC, DRV_AVAIL, ~0ull - 7},
};

START_TEST(rings_must_lie_in_memory)
{
	drv_negotiate(&d, DRV_ALL_FEATURES);
	drv_write(&d, 0x18, 2, 8);
	drv_write(&d, 0x20, 8, bad_rings[_i].desc);
	drv_write(&d, 0x28, 8, bad_rings[_i].avail);
	drv_write(&d, 0x30, 8, bad_rings[_i].used);
	drv_write(&d, 0x1c, 2, 1);
	ck_assert_msg(drv_read(&d, 0x1c, 2) == 0, "%s", bad_rings[_i].what);
	ck_assert(drv_status(&d) & VIRTIO_NEEDS_RESET);
	assert_works();
}
END_TEST

START_TEST(without_event_index_the_flag_stops_interrupts)
{
	drv_start(&d, ~(1ull << VIRTIO_F_EVENT_IDX));
	pci_put16(drv_mem(&d, DRV_AVAIL), 1);
	ask(4);
	assert_used(0, 4);
	ck_assert_uint_eq(isr(), 0);
	pci_put16(drv_mem(&d, DRV_AVAIL), 0);
	ask(4);
	ck_assert_uint_eq(isr(), 1);
}
END_TEST

START_TEST(the_event_index_says_when_to_interrupt)
{
	drv_start(&d, DRV_ALL_FEATURES);
	uint8_t *used_event = (uint8_t *)drv_mem(&d, DRV_AVAIL) + 4 + 2 * DRV_SIZE;
	const uint8_t *avail_event = (uint8_t *)drv_mem(&d, DRV_USED) + 4 + 8 * DRV_SIZE;
	pci_put16(used_event, 2); /* after the third */
	for (unsigned i = 0; i < 5; i++) {
		ask(1);
		ck_assert_uint_eq(isr(), i == 2);
		ck_assert_uint_eq(pci_get16(avail_event), i + 1); /* ring for the next */
	}
}
END_TEST

START_TEST(with_msix_vectors_fire_and_the_pin_is_silent)
{
	pci_config_write(t->m.pci, 3, 0, d.pci->msix.cap + 2, 2, 0x8000);
	drv_start(&d, DRV_ALL_FEATURES);
	drv_write(&d, 0x1a, 2, 1);
	ask(4);
	ck_assert(irq_msi_pending(&d.pci->msix.v[1])); /* masked in the table still */
	ck_assert(!irq_msi_pending(&d.pci->msix.v[0]));
	ck_assert(!t->level[11]);
	ck_assert_uint_eq(isr(), 0);
}
END_TEST

START_TEST(the_pci_window_reaches_the_registers)
{
	unsigned cap = v->pci_cfg;
	pci_config_write(t->m.pci, 3, 0, cap + 4, 1, 1);     /* BAR 1 */
	pci_config_write(t->m.pci, 3, 0, cap + 8, 4, 0x14);  /* status */
	pci_config_write(t->m.pci, 3, 0, cap + 12, 4, 1);
	pci_config_write(t->m.pci, 3, 0, cap + 16, 1, 3);
	ck_assert_uint_eq(drv_status(&d), 3);
	ck_assert_uint_eq(pci_config_read(t->m.pci, 3, 0, cap + 16, 1), 3);
	static const struct { uint32_t bar, off, len;
	} bad[] = {
	    {0, 0, 4},    {1, VIRTIO_BAR_LEN, 4}, {1, 0xfffffffc, 4}, {1, 0x14, 3},
	    {1, 0x14, 0}, {1, 0x13, 2},           {7, 0x14, 1},
	};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		pci_config_write(t->m.pci, 3, 0, cap + 4, 1, bad[i].bar);
		pci_config_write(t->m.pci, 3, 0, cap + 8, 4, bad[i].off);
		pci_config_write(t->m.pci, 3, 0, cap + 12, 4, bad[i].len);
		pci_config_write(t->m.pci, 3, 0, cap + 16, 4, 0);
		pci_config_read(t->m.pci, 3, 0, cap + 16, 4);
		ck_assert_uint_eq(drv_status(&d), 3);
	}
}
END_TEST

START_TEST(doorbells_before_driver_ok_are_nothing)
{
	uint32_t h, l;
	drv_negotiate(&d, DRV_ALL_FEATURES);
	memset(drv_mem(&d, DRV_DESC), 0, 0x10000);
	drv_queue(&d, 0);
	ask(4);
	ck_assert(!drv_used(&d, &h, &l));
	drv_write(&d, 0x14, 1, 15); /* what waits is taken now */
	assert_used(0, 4);
}
END_TEST

START_TEST(a_turn_gives_so_many_random_bytes)
{
	enum { N = 64, LEN = 16384 };
	uint32_t h, l, bytes = 0;
	d.size = N;
	drv_start(&d, DRV_ALL_FEATURES);
	for (unsigned i = 0; i < N; i++) {
		drv_desc(&d, i, DRV_BUF + LEN * i, LEN, D_WRITE, 0);
		drv_avail(&d, (uint16_t)i);
	}
	drv_kick(&d);
	while (drv_used(&d, &h, &l))
		bytes += l;
	ck_assert_uint_eq(bytes, 262144);
	for (unsigned i = 0; i < 3; i++) /* its own doorbell */
		drv_kick(&d);
	while (drv_used(&d, &h, &l))
		bytes += l;
	ck_assert_uint_eq(bytes, N * LEN);
}
END_TEST

START_TEST(the_rate_limit_holds_until_the_next_period)
{
	uint32_t h, l;
	teardown();
	rng = (struct domain_rng){.rate_bytes = 100, .rate_period_ms = 500};
	setup();
	drv_start(&d, DRV_ALL_FEATURES);
	ask(60);
	assert_used(0, 60);
	ask(60);
	assert_used(0, 40);
	ask(60);
	ck_assert(!drv_used(&d, &h, &l));
	vmm_advance(t, 499 * 1000000);
	ck_assert(!drv_used(&d, &h, &l));
	vmm_advance(t, 1000000);
	assert_used(0, 60);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("virtio");
	TCase *c = tcase_create("virtio");
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, a_turn_gives_so_many_random_bytes);
	tcase_add_test(c, capabilities_are_where_firmware_looks);
	tcase_add_test(c, a_chain_is_filled_and_comes_back);
	tcase_add_test(c, an_indirect_table_is_a_chain);
	tcase_add_test(c, the_ring_wraps);
	tcase_add_test(c, indices_wrap_at_65536);
	tcase_add_loop_test(c, a_driver_that_breaks_the_rules_must_reset, 0, ARRAY_SIZE(violations));
	tcase_add_test(c, indirect_must_be_agreed_on);
	tcase_add_loop_test(c, features_ok_is_only_for_what_was_offered, 0, ARRAY_SIZE(agreements));
	tcase_add_test(c, status_never_loses_bits_but_by_reset);
	tcase_add_test(c, a_reset_forgets_everything);
	tcase_add_test(c, common_configuration_keeps_its_rules);
	tcase_add_loop_test(c, rings_must_lie_in_memory, 0, ARRAY_SIZE(bad_rings));
	tcase_add_test(c, without_event_index_the_flag_stops_interrupts);
	tcase_add_test(c, the_event_index_says_when_to_interrupt);
	tcase_add_test(c, with_msix_vectors_fire_and_the_pin_is_silent);
	tcase_add_test(c, the_pci_window_reaches_the_registers);
	tcase_add_test(c, doorbells_before_driver_ok_are_nothing);
	tcase_add_test(c, the_rate_limit_holds_until_the_next_period);
	suite_add_tcase(s, c);
	return test_main(s);
}
