/* System control port A, 92h: fast A20 and fast reset. (machine.md 1.4)
 * The address line itself is always on; bit 1 is only read back. */
#include "backend/vmm/device.h"
#include "backend/vmm/dev/dev.h"

#define PORT 0x92

enum { FAST_RESET = 0x01, FAST_A20 = 0x02 };

struct port92 {
	struct dev dev;
	bool added;
	uint8_t val;
};

static uint64_t port92_read(struct dev *d, uint64_t off, unsigned size)
{
	return ((struct port92 *)d)->val;
}

static void port92_write(struct dev *d, uint64_t off, unsigned size, uint64_t val)
{
	struct port92 *p = (struct port92 *)d;
	bool rising = (val & FAST_RESET) && !(p->val & FAST_RESET);
	p->val = (uint8_t)val;
	if (rising)
		machine_request(d->m, MACHINE_RESET, "the guest reset itself through port 92h");
}

static const struct region_ops port92_ops = {.read = port92_read, .write = port92_write};

static int port92_init(struct dev *d, const struct dev_def *def, struct err *e)
{
	int rc = bus_add(&d->m->pio, PORT, 1, &port92_ops, d, "port92", e);
	((struct port92 *)d)->added = !rc;
	return rc;
}

static void port92_reset(struct dev *d)
{
	((struct port92 *)d)->val = FAST_A20;
}

static void port92_done(struct dev *d)
{
	if (((struct port92 *)d)->added)
		bus_remove(&d->m->pio, PORT);
}

const struct dev_type port92_type = {
	.model = "port92",
	.summary = "system control port A: A20 and reset",
	.bus = DEV_BUS_ISA,
	.size = sizeof(struct port92),
	.init = port92_init,
	.reset = port92_reset,
	.done = port92_done,
};
