/* Buses, guest memory, interrupt lines, CPU topology: what needs no KVM. */
#include <check.h>
#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>

#include "backend/vmm/bus.h"
#include "backend/vmm/cpuid.h"
#include "backend/vmm/device.h"
#include "backend/vmm/irq.h"
#include "backend/vmm/memory.h"
#include "backend/vmm/timer.h"
#include "backend/vmm/vcpu_report.h"
#include "tests/testlib.h"

static uint64_t last_write[4];

static uint64_t read_offset(struct dev *d, uint64_t off, unsigned size)
{
	return 0x1122334455667700ull + off;
}

static void note_write(struct dev *d, uint64_t off, unsigned size, uint64_t val)
{
	last_write[0]++;
	last_write[1] = off;
	last_write[2] = size;
	last_write[3] = val;
}

static const struct region_ops echo_ops = {read_offset, note_write};

START_TEST(bus_finds_the_region_and_only_it)
{
	static const struct {
		uint64_t addr;
		unsigned size;
		bool found;
		uint64_t value;
	} cases[] = {
		{0xff, 1, false, 0xff},          {0x100, 1, true, 0x00},
		{0x107, 1, true, 0x07},          {0x108, 1, false, 0xff},
		{0x100, 4, true, 0x55667700},    {0x104, 4, true, 0x55667704},
		{0x106, 4, true, 0xffff0706},    {0xfe, 4, true, 0x0100ffff},
		{0x200, 2, true, 0x7700},        {0x1ff, 1, false, 0xff},
	};
	struct bus b = {0};
	ck_assert_int_eq(bus_add(&b, 0x200, 2, &echo_ops, NULL, "two", NULL), 0);
	ck_assert_int_eq(bus_add(&b, 0x100, 8, &echo_ops, NULL, "one", NULL), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t got = 0;
		ck_assert_msg(bus_access(&b, cases[i].addr, &got, cases[i].size, false) == cases[i].found,
			      "case %zu", i);
		ck_assert_msg(got == cases[i].value, "case %zu: 0x%lx", i, (unsigned long)got);
	}
}
END_TEST

START_TEST(bus_refuses_overlaps_and_lets_go)
{
	static const struct {
		uint64_t base, len;
		int rc;
	} cases[] = {
		{0x100, 8, -EBUSY}, {0xf9, 8, -EBUSY}, {0x107, 1, -EBUSY}, {0, 0x1000, -EBUSY},
		{0xf8, 8, 0},       {0x108, 1, 0},     {0x50, 0, -EINVAL}, {UINT64_MAX, 2, -EINVAL},
	};
	struct bus b = {0};
	struct err e;
	ck_assert_int_eq(bus_add(&b, 0x100, 8, &echo_ops, NULL, "one", NULL), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_msg(bus_add(&b, cases[i].base, cases[i].len, &echo_ops, NULL, "new", &e) ==
				  cases[i].rc,
			      "case %zu", i);
	bus_remove(&b, 0x100);
	ck_assert(!bus_overlaps(&b, 0x100, 8));
	ck_assert(bus_overlaps(&b, 0x100, 9));
	ck_assert_int_eq(bus_add(&b, 0x100, 8, &echo_ops, NULL, "again", NULL), 0);
}
END_TEST

START_TEST(bus_writes_reach_the_device_whole)
{
	struct bus b = {0};
	uint32_t v = 0xdeadbeef;
	bus_add(&b, 0x100, 8, &echo_ops, NULL, "one", NULL);
	last_write[0] = 0;
	ck_assert(bus_access(&b, 0x102, &v, 4, true));
	ck_assert_uint_eq(last_write[0], 1);
	ck_assert_uint_eq(last_write[1], 2);
	ck_assert_uint_eq(last_write[2], 4);
	ck_assert_uint_eq(last_write[3], 0xdeadbeef);
}
END_TEST

START_TEST(bus_repeats_as_single_accesses_would)
{
	struct bus b = {0};
	uint16_t in[3], out[3] = {1, 2, 0x1234};
	bus_add(&b, 0x100, 8, &echo_ops, NULL, "one", NULL);
	bus_repeat(&b, 0x102, in, 2, 3, false);
	for (unsigned i = 0; i < 3; i++)
		ck_assert_uint_eq(in[i], 0x7702);
	bus_repeat(&b, 0x107, in, 2, 3, false); /* over the edge */
	for (unsigned i = 0; i < 3; i++)
		ck_assert_uint_eq(in[i], 0xff07);
	bus_repeat(&b, 0x200, in, 2, 3, false);
	ck_assert_uint_eq(in[2], 0xffff);
	last_write[0] = 0;
	bus_repeat(&b, 0x104, out, 2, 3, true);
	ck_assert_uint_eq(last_write[0], 3);
	ck_assert_uint_eq(last_write[1], 4);
	ck_assert_uint_eq(last_write[3], 0x1234);
}
END_TEST

START_TEST(memory_pointers_stay_inside_one_slot)
{
	static const struct {
		uint64_t gpa, len;
		bool ok;
	} cases[] = {
		{0, 1, true},           {0, 0, false},          {0x1000000 - 1, 1, true}, {0x1000000 - 1, 2, false},
		{0x1000000, 1, false},  {0xffffff, UINT64_MAX, false}, {UINT64_MAX, 1, false}, {0, 0x1000000, true},
		{0, 0x1000001, false},
	};
	struct memory m;
	ck_assert_int_eq(memory_init(&m, 16 << 20, 0, NULL), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_msg((gm_ptr(&m, cases[i].gpa, cases[i].len, true) != NULL) == cases[i].ok,
			      "case %zu", i);
	memory_done(&m);
}
END_TEST

static uint8_t rom[0x20000] __attribute__((aligned(4096)));

START_TEST(memory_overlays_lie_over_ram)
{
	struct memory m;
	ck_assert_int_eq(memory_init(&m, 16 << 20, 0, NULL), 0);
	ck_assert_int_eq(memory_overlay(&m, "rom", 0xE0000, 0x20000, rom, MEM_READONLY), 0);
	ck_assert_int_eq(memory_overlay(&m, "window", 0xA0000, 0x20000, NULL, 0), 0);
	ck_assert_int_eq(memory_overlay(&m, "vram", 0xE0000000, 0x20000, rom, MEM_NO_DMA | MEM_DIRTY_LOG), 0);
	ck_assert_ptr_eq(gm_ptr(&m, 0xE0000, 1, false), m.ram + 0xE0000); /* not before the commit */
	ck_assert_int_eq(memory_commit(&m), 0);
	ck_assert_ptr_eq(gm_ptr(&m, 0xF0000, 0x10000, false), rom + 0x10000);
	ck_assert_ptr_null(gm_ptr(&m, 0xF0000, 1, true));
	ck_assert_ptr_null(gm_ptr(&m, 0xDFFFF, 2, false)); /* from RAM into ROM */
	ck_assert_ptr_null(gm_ptr(&m, 0xA0000, 1, false));
	ck_assert_ptr_null(gm_ptr(&m, 0xE0000000, 1, false));
	ck_assert_ptr_eq(gm_any(&m, 0xE0000000, 0x20000), rom);
	/* Where no edge shows, pieces of RAM are one. */
	memory_overlay_remove(&m, "window");
	memory_overlay_remove(&m, "rom");
	ck_assert_int_eq(memory_commit(&m), 0);
	ck_assert_ptr_eq(gm_ptr(&m, 0x9F000, 0x100000, true), m.ram + 0x9F000);
	memory_done(&m);
}
END_TEST

START_TEST(memory_overlays_replace_and_cover_each_other)
{
	struct memory m;
	ck_assert_int_eq(memory_init(&m, 16 << 20, 0, NULL), 0);
	ck_assert_int_eq(memory_overlay(&m, "low", 0x100000, 0x20000, rom, 0), 0);
	ck_assert_int_eq(memory_overlay(&m, "high", 0x110000, 0x1000, NULL, 0), 0);
	ck_assert_int_eq(memory_commit(&m), 0);
	ck_assert_ptr_null(gm_ptr(&m, 0x110000, 1, false));
	ck_assert_ptr_eq(gm_ptr(&m, 0x111000, 1, false), rom + 0x11000);
	ck_assert_int_eq(memory_overlay(&m, "low", 0x110000, 0x1000, rom, 0), 0); /* stays below */
	ck_assert_int_eq(memory_commit(&m), 0);
	ck_assert_ptr_null(gm_ptr(&m, 0x110000, 1, false));
	ck_assert_ptr_eq(gm_ptr(&m, 0x100000, 1, false), m.ram + 0x100000);
	ck_assert_int_eq(memory_overlay(&m, "odd", 0x1234, 0x1000, rom, 0), -EINVAL);
	ck_assert_int_eq(memory_overlay(&m, "end", UINT64_MAX - 0xfff, 0x1000, rom, 0), -EINVAL);
	uint64_t bits = 0;
	ck_assert_int_eq(memory_dirty(&m, 0x110000, 0x1000, &bits), -ENOENT);
	memory_done(&m);
}
END_TEST

static int refuse(void *ctx, const struct mem_slot *gone, unsigned ngone, struct mem_slot *added,
		  unsigned nadded)
{
	return -ENOMEM;
}

START_TEST(memory_stays_as_it_was_when_the_sink_refuses)
{
	static const struct mem_sink sink = {.commit = refuse};
	struct memory m;
	ck_assert_int_eq(memory_init(&m, 16 << 20, 0, NULL), 0);
	m.sink = &sink;
	ck_assert_int_eq(memory_overlay(&m, "rom", 0xE0000, 0x20000, rom, MEM_READONLY), 0);
	ck_assert_int_eq(memory_commit(&m), -ENOMEM);
	ck_assert_ptr_eq(gm_ptr(&m, 0xE0000, 1, true), m.ram + 0xE0000);
	ck_assert_int_eq(memory_commit(&m), 0); /* and the wish is forgotten: it does not stand in the way of the next */
	ck_assert_uint_eq(m.noverlays, 0);
	memory_done(&m);
}
END_TEST

START_TEST(memory_lies_as_huge_pages_do)
{
	for (unsigned i = 1; i < 8; i++) { /* whatever was mapped before it */
		struct memory m;
		ck_assert_int_eq(memory_init(&m, (16 << 20) + i * 4096, 0, NULL), 0);
		ck_assert_uint_eq((uintptr_t)m.ram % (2 << 20), 0);
		m.ram[m.ram_bytes - 1] = 1;
		memory_done(&m);
	}
}
END_TEST

START_TEST(memory_copies_all_or_nothing)
{
	struct memory m;
	char text[4] = "abc", back[4];
	ck_assert_int_eq(memory_init(&m, 16 << 20, 0, NULL), 0);
	ck_assert_int_eq(gm_write(&m, 0x1000000 - 4, text, 4), 0);
	ck_assert_int_eq(gm_read(&m, 0x1000000 - 4, back, 4), 0);
	ck_assert_str_eq(back, "abc");
	ck_assert_int_eq(gm_write(&m, 0x1000000 - 3, "xyz", 4), -EFAULT);
	ck_assert_int_eq(gm_read(&m, 0x1000000 - 4, back, 4), 0);
	ck_assert_str_eq(back, "abc");
	ck_assert_int_eq(gm_read(&m, UINT64_MAX - 1, back, 4), -EFAULT);
	memory_clear(&m);
	ck_assert_int_eq(gm_read(&m, 0x1000000 - 4, back, 4), 0);
	ck_assert_int_eq(back[0], 0);
	memory_done(&m);
}
END_TEST

START_TEST(memory_leaves_the_hole_below_4_gib)
{
	struct memory m;
	ck_assert_int_eq(memory_init(&m, 4ull << 30, 0, NULL), 0); /* not touched: costs nothing */
	ck_assert_uint_eq(m.low_bytes, 3ull << 30);
	ck_assert_ptr_null(gm_ptr(&m, 3ull << 30, 1, false));
	ck_assert_ptr_eq(gm_ptr(&m, 4ull << 30, 1, false), m.ram + (3ull << 30));
	ck_assert_ptr_null(gm_ptr(&m, 5ull << 30, 1, false));
	memory_done(&m);
}
END_TEST

struct sink_log {
	unsigned lines;
	bool level[IRQ_GSI_PINS];
	int routes;
};

static void log_line(void *ctx, unsigned gsi, bool level)
{
	struct sink_log *l = ctx;
	l->lines++;
	l->level[gsi] = level;
}

static int log_route(void *ctx, unsigned gsi, uint64_t addr, uint32_t data, int fd, bool on)
{
	((struct sink_log *)ctx)->routes += on ? 1 : -1;
	return 0;
}

static int no_doorbell(void *ctx, uint64_t addr, bool pio, int fd, bool on)
{
	return 0;
}

static const struct irq_sink log_sink = {log_line, log_route, no_doorbell};

START_TEST(irq_shared_line_falls_with_the_last)
{
	struct sink_log l = {0};
	struct irq irq;
	struct irq_line a, b;
	irq_init(&irq, &log_sink, &l);
	irq_line_init(&a, &irq, 10);
	irq_line_init(&b, &irq, 10);
	irq_line_set(&a, true);
	irq_line_set(&a, true);
	irq_line_set(&b, true);
	ck_assert_uint_eq(l.lines, 1);
	irq_line_set(&a, false);
	ck_assert(l.level[10]);
	irq_line_move(&b, 11);
	ck_assert(!l.level[10] && l.level[11]);
	irq_line_set(&b, false);
	ck_assert(!l.level[11]);
}
END_TEST

START_TEST(irq_message_waits_while_masked)
{
	struct sink_log l = {0};
	struct irq irq;
	struct irq_msi v, w;
	irq_init(&irq, &log_sink, &l);
	ck_assert_int_eq(irq_msi_init(&v, &irq, NULL), 0);
	ck_assert_int_eq(irq_msi_init(&w, &irq, NULL), 0);
	ck_assert_uint_eq(v.gsi, IRQ_GSI_PINS);
	ck_assert_uint_ne(v.gsi, w.gsi);
	irq_msi_update(&v, 0xfee00000, 0x41, true);
	irq_msi_fire(&v);
	ck_assert(irq_msi_pending(&v));
	irq_msi_update(&v, 0xfee00000, 0x41, false);
	ck_assert_int_eq(l.routes, 1);
	irq_msi_update(&v, 0xfee00000, 0x42, false); /* a new message is a new route */
	ck_assert_int_eq(l.routes, 1);
	irq_msi_done(&v);
	irq_msi_done(&w);
	ck_assert_int_eq(l.routes, 0);
}
END_TEST

START_TEST(topology_packs_apic_ids_by_powers_of_two)
{
	static const struct {
		unsigned sockets, dies, cores, threads, index, id;
	} cases[] = {
		{1, 1, 1, 1, 0, 0}, {4, 1, 1, 1, 3, 3},  {1, 1, 4, 1, 3, 3},  {1, 1, 3, 2, 5, 5},
		{2, 1, 3, 1, 3, 4}, {2, 1, 3, 2, 6, 8},  {2, 2, 2, 2, 15, 15}, {2, 1, 1, 3, 3, 4},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cpu_topology t =
		    cpu_topology_make(cases[i].sockets, cases[i].dies, cases[i].cores, cases[i].threads);
		ck_assert_msg(cpu_apic_id(&t, cases[i].index) == cases[i].id, "case %zu: %u", i,
		              cpu_apic_id(&t, cases[i].index));
	}
}
END_TEST

START_TEST(device_models_are_sorted_and_complete)
{
	for (const struct dev_type *const *t = dev_types; *t; t++) {
		ck_assert_msg(!t[1] || strcmp((*t)->model, t[1]->model) < 0, "%s", (*t)->model);
		ck_assert_msg((*t)->init && (*t)->summary && (*t)->size >= sizeof(struct dev), "%s",
			      (*t)->model);
		ck_assert_ptr_eq(dev_type_find((*t)->model), *t);
	}
}
END_TEST

START_TEST(kvm_faults_are_told_in_a_sentence)
{
	struct {
		struct kvm_run run;
		const char *say;
	} cases[] = {
		{{.exit_reason = KVM_EXIT_INTERNAL_ERROR, .internal = {.suberror = KVM_INTERNAL_ERROR_DELIVERY_EV}},
	         "vCPU 3: KVM internal error 3: an event that cannot be delivered"},
		{{.exit_reason = KVM_EXIT_INTERNAL_ERROR, .internal = {.suberror = 77}}, "internal error 77: unknown"},
		{{.exit_reason = KVM_EXIT_FAIL_ENTRY, .fail_entry = {.hardware_entry_failure_reason = 0x80000021}},
	         "refuses the guest's state (hardware reason 0x80000021)"},
		{{.exit_reason = 4242}, "exit reason 4242"},
		{{.exit_reason = KVM_EXIT_INTERNAL_ERROR,
	          .emulation_failure = {.suberror = KVM_INTERNAL_ERROR_EMULATION,
	                                .ndata = 3,
	                                .flags = KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES,
	                                .insn_size = 3,
	                                .insn_bytes = {0x0f, 0xc7, 0x0e}}},
	         "an instruction that KVM cannot emulate, instruction 0f c7 0e"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[400];
		vcpu_fault_text(-1, 3, &cases[i].run, text, sizeof(text));
		ck_assert_msg(strstr(text, cases[i].say) != NULL, "case %zu: %s", i, text);
	}
}
END_TEST

static void count_fire(void *ctx)
{
	(*(int *)ctx)++;
}

START_TEST(timer_fires_once_when_due)
{
	struct machine m;
	struct timer t;
	struct sink_log l = {0};
	int fired = 0;
	ck_assert_int_eq(machine_init_bare(&m, 1 << 20, 0, &log_sink, &l, NULL), 0);
	ck_assert_int_eq(timer_init(&t, &m, count_fire, &fired, NULL), 0);
	timer_set(&t, 100);
	m.fake_now_ns = 99;
	timer_run(&m);
	ck_assert_int_eq(fired, 0);
	m.fake_now_ns = 100;
	timer_run(&m);
	timer_run(&m);
	ck_assert_int_eq(fired, 1);
	timer_set(&t, 200);
	timer_stop(&t);
	m.fake_now_ns = 300;
	timer_run(&m);
	ck_assert_int_eq(fired, 1);
	timer_done(&t);
	machine_done_bare(&m);
}
END_TEST

START_TEST(request_keeps_the_strongest)
{
	struct machine m;
	struct sink_log l = {0};
	ck_assert_int_eq(machine_init_bare(&m, 1 << 20, 0, &log_sink, &l, NULL), 0);
	machine_request(&m, MACHINE_POWEROFF, "off");
	machine_request(&m, MACHINE_RESET, "reset");
	ck_assert_int_eq(m.request, MACHINE_POWEROFF);
	ck_assert_str_eq(m.request_detail, "off");
	m.request = MACHINE_NONE;
	m.powerdown_reboots = true;
	machine_request(&m, MACHINE_POWEROFF, "off");
	ck_assert_int_eq(m.request, MACHINE_RESET);
	ck_assert(!m.powerdown_reboots);
	machine_done_bare(&m);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("vmm_core");
	TCase *t = tcase_create("core");
	tcase_add_test(t, bus_finds_the_region_and_only_it);
	tcase_add_test(t, bus_refuses_overlaps_and_lets_go);
	tcase_add_test(t, bus_writes_reach_the_device_whole);
	tcase_add_test(t, bus_repeats_as_single_accesses_would);
	tcase_add_test(t, memory_pointers_stay_inside_one_slot);
	tcase_add_test(t, memory_overlays_lie_over_ram);
	tcase_add_test(t, memory_overlays_replace_and_cover_each_other);
	tcase_add_test(t, memory_stays_as_it_was_when_the_sink_refuses);
	tcase_add_test(t, memory_lies_as_huge_pages_do);
	tcase_add_test(t, memory_copies_all_or_nothing);
	tcase_add_test(t, memory_leaves_the_hole_below_4_gib);
	tcase_add_test(t, irq_shared_line_falls_with_the_last);
	tcase_add_test(t, irq_message_waits_while_masked);
	tcase_add_test(t, topology_packs_apic_ids_by_powers_of_two);
	tcase_add_test(t, device_models_are_sorted_and_complete);
	tcase_add_test(t, kvm_faults_are_told_in_a_sentence);
	tcase_add_test(t, timer_fires_once_when_due);
	tcase_add_test(t, request_keeps_the_strongest);
	suite_add_tcase(s, t);
	return test_main(s);
}
