/* The port that SeaBIOS logs to, byte by byte. (QEMU's isa-debugcon; machine.md, T16)
 *
 * An exit for each of some thousand bytes would be felt at every boot. So the port is only there where KVM
 * gathers such writes for us; elsewhere it reads FFh, and firmware keeps quiet. A domain may have a port of
 * its own, whose bytes go to a file: at this place, then it is always there, or at another (isa-debugcon). */
#include "backend/vmm/dev/debugcon.h"

#include <string.h>

#include "backend/vmm/chardev.h"
#include "backend/vmm/dev/dev.h"
#include "backend/vmm/kvm.h"

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

/* To the domain's file. What it cannot take in time is lost. */
static void to_file(struct dev *d, uint64_t val)
{
	uint8_t byte = (uint8_t)val;
	chardev_write(d->m->consoles[CONSOLE_DEBUG], &byte, 1);
}

/* Has the domain its port here? */
static bool is_domains(const struct machine *m)
{
	return m->domain && m->domain->debugcon && m->domain->debugcon->port == DEBUGCON_PORT;
}

static void debugcon_write(struct dev *d, uint64_t off, unsigned size, uint64_t val)
{
	struct debugcon *c = (struct debugcon *)d;
	c->text[c->written++ % DEBUGCON_KEPT] = (char)val;
	if (is_domains(d->m))
		to_file(d, val);
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
	if (d->m->kvm && !kvm_coalesce_port(d->m, DEBUGCON_PORT) && !is_domains(d->m))
		return 0;
	int rc = bus_add(&d->m->pio, DEBUGCON_PORT, 1, &debugcon_ops, d, "debugcon", e);
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
		bus_remove(&d->m->pio, DEBUGCON_PORT);
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

/* --- the domain's own, at another port --- */

struct isa_debugcon {
	struct dev dev;
	uint16_t port;
};

static void isa_debugcon_write(struct dev *d, uint64_t off, unsigned size, uint64_t val)
{
	to_file(d, val);
}

static int isa_debugcon_init(struct dev *d, const struct dev_def *def, struct err *e)
{
	static const struct region_ops ops = {debugcon_read, isa_debugcon_write};
	uint16_t port = (uint16_t)d->m->domain->debugcon->port;
	int rc = bus_add(&d->m->pio, port, 1, &ops, d, "isa-debugcon", e);
	if (!rc)
		((struct isa_debugcon *)d)->port = port;
	return rc ? err_prefix(e, "serial of type isa-debug, iobase 0x%x", port) : 0;
}

static void isa_debugcon_dump(const struct dev *d, FILE *f)
{
	fprintf(f, "port %x\n", ((const struct isa_debugcon *)d)->port);
}

static void isa_debugcon_done(struct dev *d)
{
	uint16_t port = ((struct isa_debugcon *)d)->port;
	if (port)
		bus_remove(&d->m->pio, port);
}

const struct dev_type isa_debugcon_type = {
	.model = "isa-debugcon",
	.summary = "a port whose bytes go to a file",
	.bus = DEV_BUS_ISA,
	.size = sizeof(struct isa_debugcon),
	.init = isa_debugcon_init,
	.dump = isa_debugcon_dump,
	.done = isa_debugcon_done,
};
