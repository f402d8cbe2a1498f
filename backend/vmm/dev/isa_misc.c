/* Ports of a PC that software touches without needing what is behind them: nobody complains, reads are all
 * ones. There is no floppy, so the two 8237 DMA controllers are not here; firmware initialises them all the
 * same. 80h takes POST codes and, like EBh and EDh, is written to pass the time. (Elsewhere: 61h is in KVM's
 * PIT, 4D0h/4D1h in its PIC.) */
#include "backend/vmm/device.h"
#include "backend/vmm/dev/dev.h"
#include "src/base/cleanup.h"

struct isa_misc {
	struct dev dev;
	unsigned added;
};

static const struct region_ops nothing = {.read = NULL, .write = NULL};

static const struct {
	uint16_t port, len;
	const char *name;
} ranges[] = {
	{0x00, 0x10, "DMA 1"},
	{0x80, 0x10, "POST code and DMA pages"},
	{0xc0, 0x20, "DMA 2"},
	{0xeb, 1, "I/O delay"},
	{0xed, 1, "I/O delay"},
};

static int misc_init(struct dev *d, const struct dev_def *def, struct err *e)
{
	struct isa_misc *s = (struct isa_misc *)d;
	for (; s->added < ARRAY_SIZE(ranges); s->added++) {
		unsigned i = s->added;
		int rc = bus_add(&d->m->pio, ranges[i].port, ranges[i].len, &nothing, d, ranges[i].name, e);
		if (rc)
			return rc;
	}
	return 0;
}

static void misc_done(struct dev *d)
{
	struct isa_misc *s = (struct isa_misc *)d;
	while (s->added)
		bus_remove(&d->m->pio, ranges[--s->added].port);
}

const struct dev_type isa_misc_type = {
	.model = "isa-misc",
	.summary = "POST code and delay ports, absent DMA controllers",
	.bus = DEV_BUS_ISA,
	.size = sizeof(struct isa_misc),
	.init = misc_init,
	.done = misc_done,
};
