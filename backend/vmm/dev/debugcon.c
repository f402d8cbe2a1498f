/* The port that SeaBIOS logs to, byte by byte. (QEMU's isa-debugcon; machine.md, T16)
 *
 * An exit for each of some thousand bytes would be felt at every boot. So the port is only there where KVM
 * gathers such writes for us; elsewhere it reads FFh, and firmware keeps quiet. */
#include "backend/vmm/dev/debugcon.h"

#include <string.h>

#include "backend/vmm/dev/dev.h"
#include "backend/vmm/kvm.h"

#define PORT 0x402
#define PRESENT 0xe9

struct debugcon {
	struct dev dev;
	bool added;
	uint64_t written; /* bytes since reset; the newest is at (written - 1) % DEBUGCON_KEPT */
	char text[DEBUGCON_KEPT];
};

static uint64_t debugcon_read(struct dev *d, uint64_t off, unsigned size)
{
	return PRESENT;
}

static void debugcon_write(struct dev *d, uint64_t off, unsigned size, uint64_t val)
{
	struct debugcon *c = (struct debugcon *)d;
	c->text[c->written++ % DEBUGCON_KEPT] = (char)val;
}

static const struct region_ops debugcon_ops = {debugcon_read, debugcon_write};

bool debugcon_log(struct machine *m, struct buf *out)
{
	struct debugcon *c = (struct debugcon *)dev_find(m, "debugcon");
	if (!c || !c->added)
		return false;
	kvm_coalesced_drain(m);
	size_t kept = c->written < DEBUGCON_KEPT ? c->written : DEBUGCON_KEPT,
	       at = (c->written - kept) % DEBUGCON_KEPT;
	size_t first = kept < DEBUGCON_KEPT - at ? kept : DEBUGCON_KEPT - at;
	buf_add(out, c->text + at, first);
	buf_add(out, c->text, kept - first);
	return true;
}

static int debugcon_init(struct dev *d, const struct dev_def *def, struct err *e)
{
	struct debugcon *c = (struct debugcon *)d;
	if (d->m->kvm && !kvm_coalesce_port(d->m, PORT))
		return 0;
	int rc = bus_add(&d->m->pio, PORT, 1, &debugcon_ops, d, "debugcon", e);
	c->added = !rc;
	return rc;
}

static void debugcon_reset(struct dev *d)
{
	((struct debugcon *)d)->written = 0;
}

static void debugcon_dump(const struct dev *d, FILE *f)
{
	fprintf(f, "written %llu\n", (unsigned long long)((const struct debugcon *)d)->written);
}

static void debugcon_done(struct dev *d)
{
	if (((struct debugcon *)d)->added)
		bus_remove(&d->m->pio, PORT);
}

const struct dev_type debugcon_type = {
	.model = "debugcon",
	.summary = "port for the firmware's log",
	.bus = DEV_BUS_ISA,
	.size = sizeof(struct debugcon),
	.init = debugcon_init,
	.reset = debugcon_reset,
	.dump = debugcon_dump,
	.done = debugcon_done,
};
