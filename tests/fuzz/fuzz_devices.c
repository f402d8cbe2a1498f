/* Any sequence of port accesses, resets, console input, keys, pointer frames and passing time on the PC's
 * chips: none crashes, none waits, each reset leaves all interrupt lines low, and each line is let go when
 * the machine ends.
 * floor: 900 edges */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/vmm/chardev.h"
#include "backend/vmm/dev/piix4_pm.h"
#include "backend/vmm/device.h"
#include "backend/vmm/input.h"
#include "backend/vmm/machine.h"
#include "backend/vmm/timer.h"
#include "backend/vmm/vcpu.h"
#include "src/base/cleanup.h"
#include "src/base/log.h"
#include "tests/fuzz/fuzzlib.h"

#define TIMERS_MAX 100000 /* that many firings at one step of the clock are a loop */

static const struct {
	uint32_t base, len;
} ports[] = {
	{0x3f8, 8}, {0x2f8, 8}, {0x70, 2}, {0x60, 1}, {0x64, 1}, {0x92, 1}, {0xb2, 2}, {0xcf8, 8},
	{0xafe0, 4}, {0x600, 64}, {0xb000, 64}, {0x00, 0x20}, {0x80, 0x10}, {0xc0, 0x30}, {0x00, 0x10000},
	{0x5658, 4},
};

static const struct dev_def chips[] = {
	{.model = "i440fx", .name = "bridge", .addr = {.set = true}},
	{.model = "piix3", .name = "isa", .addr = {.set = true, .slot = 1}},
	{.model = "piix4-pm", .name = "pm", .addr = {.set = true, .slot = 1, .function = 3}},
	{.model = "isa-misc", .name = "misc"},
	{.model = "cmos-rtc", .name = "rtc"},
	{.model = "i8042", .name = "i8042"},
	{.model = "port92", .name = "port92"},
	{.model = "vmmouse", .name = "vmmouse"},
	{.model = "uart16550", .name = "com1", .index = 0},
	{.model = "uart16550", .name = "com2", .index = 1},
};

static void lines_are_low(const struct machine *m)
{
	for (unsigned i = 0; i < IRQ_GSI_PINS; i++)
		if (m->irq.count[i])
			abort();
}

static void port_access(struct machine *m, struct input *in, unsigned size, bool write)
{
	unsigned range = take(in, 1) % ARRAY_SIZE(ports);
	uint32_t port = ports[range].base + take(in, ports[range].len > 256 ? 2 : 1) % ports[range].len;
	uint32_t val = write ? take(in, size) : 0;
	bus_access(&m->pio, port, &val, size, write);
}

/* Up to 2^32 ns or seconds on; each timer fires when it is due. */
static void pass_time(struct machine *m, uint64_t ns)
{
	uint64_t end = m->fake_now_ns + ns;
	for (unsigned fired = 0; m->fake_now_ns < end; fired++) {
		uint64_t next = end;
		for (const struct timer *t = m->timers; t; t = t->next)
			if (t->deadline_ns && t->deadline_ns < next)
				next = t->deadline_ns;
		if (fired > TIMERS_MAX)
			abort();
		m->fake_now_ns = next > m->fake_now_ns ? next : m->fake_now_ns + 1;
		timer_run(m);
	}
}

static void reset(struct machine *m)
{
	for (unsigned i = 0; i < m->ndevs; i++)
		if (m->devs[i]->type->reset)
			m->devs[i]->type->reset(m->devs[i]);
	lines_are_low(m);
}

static void point(struct machine *m, struct input *in, bool absolute)
{
	struct input_pointer p = {.absolute = absolute, .x = (int)take(in, 4), .y = (int)take(in, 4)};
	p.wheel = (int8_t)take(in, 1);
	p.hwheel = (int8_t)take(in, 1);
	p.buttons = take(in, 1);
	input_pointer(m, &p);
}

static void step(struct machine *m, struct input *in)
{
	unsigned op = take(in, 1);
	switch (op & 15) {
	case 0:
		reset(m);
		break;
	case 1:
		pass_time(m, take(in, 2) * 100000ull);
		break;
	case 2: /* asleep for long: nothing runs until the end */
		m->fake_now_ns += take(in, 4) * 1000000000ull;
		timer_run(m);
		break;
	case 3:
		chardev_feed(m->consoles[0], in->p, in->n < 20 ? in->n : 20);
		break;
	case 4:
		chardev_mark(m->consoles[0], RECORD_RESET); /* takes the ring's bytes; the port may go on */
		break;
	case 5:
		piix4_pm_powerbutton(dev_find(m, "pm"));
		break;
	case 7:
		input_key(m, take(in, 1), op & 16);
		break;
	case 8:
		point(m, in, op & 16);
		break;
	case 9: /* VMware's magic and a command for it */
		*m->fake_regs = (struct vcpu_regs){.rax = 0x564d5868, .rcx = take(in, 1), .rbx = take(in, 4)};
		break;
	default:
		port_access(m, in, 1u << (op >> 6) % 3, op & 16);
	}
}

static void build(struct machine *m)
{
	struct err e;
	if (machine_init_bare(m, 4 << 20, 0, &fuzz_sink, m, &e) || chardev_new(m, 0, &e))
		abort();
	m->fake_now_ns = 1000000000ull * 1000000000u;
	for (unsigned i = 0; i < ARRAY_SIZE(chips); i++)
		if (dev_new(m, &chips[i], NULL, &e))
			abort();
	piix4_pm_setup(dev_find(m, "pm"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static int quiet = -1;
	if (quiet < 0) {
		quiet = open("/dev/null", O_WRONLY | O_CLOEXEC);
		log_open("fuzz", quiet);
	}
	struct machine m;
	struct vcpu_regs regs = {0};
	struct input in = {data, n};
	build(&m);
	m.fake_regs = &regs;
	while (in.n)
		step(&m, &in);
	struct chardev *c = m.consoles[0];
	while (m.ndevs)
		dev_free(m.devs[m.ndevs - 1]);
	lines_are_low(&m);
	chardev_free(c);
	machine_done_bare(&m);
	return 0;
}
