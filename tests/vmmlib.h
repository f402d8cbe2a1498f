/* A machine without KVM for tests of devices: its ports, its interrupt lines, its clock. */
#ifndef TESTS_VMMLIB_H
#define TESTS_VMMLIB_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "backend/vmm/device.h"
#include "backend/vmm/machine.h"
#include "backend/vmm/timer.h"

struct vmm_test {
	struct machine m;
	bool level[IRQ_GSI_PINS];
	unsigned edges[IRQ_GSI_PINS]; /* how often each line went up */
};

static inline void vmm_set_line(void *ctx, unsigned gsi, bool level)
{
	struct vmm_test *t = ctx;
	t->edges[gsi] += level && !t->level[gsi];
	t->level[gsi] = level;
}

static inline int vmm_msi_route(void *ctx, unsigned gsi, uint64_t addr, uint32_t data, int eventfd, bool on)
{
	return 0;
}

static inline int vmm_doorbell(void *ctx, uint64_t addr, bool pio, int eventfd, bool on)
{
	return 0;
}

/* A machine with 16 MiB of memory, at second @now of its clock, the caller's to vmm_stop(). */
static inline struct vmm_test *vmm_start(uint64_t now_s)
{
	static const struct irq_sink sink = {vmm_set_line, vmm_msi_route, vmm_doorbell};
	struct vmm_test *t = calloc(1, sizeof(*t));
	struct err e = {0};
	ck_assert_ptr_nonnull(t);
	ck_assert_msg(!machine_init_bare(&t->m, 16 << 20, 0, &sink, t, &e), "%s", e.msg);
	t->m.fake_now_ns = now_s * 1000000000u;
	return t;
}

static inline void vmm_stop(struct vmm_test *t)
{
	machine_done_bare(&t->m);
	free(t);
}

static inline struct dev *vmm_dev(struct vmm_test *t, const char *model, unsigned index)
{
	struct dev_def def = {.model = model, .name = model, .index = index};
	struct dev *d = NULL;
	struct err e = {0};
	ck_assert_msg(!dev_new(&t->m, &def, &d, &e), "%s", e.msg);
	return d;
}

static inline uint32_t vmm_in(struct vmm_test *t, uint16_t port, unsigned size)
{
	uint32_t val = 0;
	bus_access(&t->m.pio, port, &val, size, false);
	return val;
}

static inline void vmm_out(struct vmm_test *t, uint16_t port, unsigned size, uint32_t val)
{
	bus_access(&t->m.pio, port, &val, size, true);
}

static inline uint8_t in8(struct vmm_test *t, uint16_t port)
{
	return (uint8_t)vmm_in(t, port, 1);
}

static inline void out8(struct vmm_test *t, uint16_t port, uint8_t val)
{
	vmm_out(t, port, 1, val);
}

/* Let time pass; timers fire when they are due. */
static inline void vmm_advance(struct vmm_test *t, uint64_t ns)
{
	uint64_t end = t->m.fake_now_ns + ns;
	for (;;) {
		uint64_t next = end;
		for (const struct timer *i = t->m.timers; i; i = i->next)
			if (i->deadline_ns && i->deadline_ns < next)
				next = i->deadline_ns;
		if (next > t->m.fake_now_ns)
			t->m.fake_now_ns = next;
		timer_run(&t->m);
		if (next == end)
			return;
	}
}

#endif
