/* The flash chip that holds UEFI's variables, below the firmware's code. (Intel, Common Flash Memory
 * Interface and the basic command set 0001h, as far as edk2's OvmfPkg/QemuFlashFvbServicesRuntimeDxe uses
 * them; machine.md 1.7)
 *
 * Theory of operation. The chip's bytes are private memory, which pflash_store.c writes to the guest's own file
 * soon after. A host that cannot take them pauses the guest, as with a disk. In array mode the chip reads as memory: a read-only slot over that mapping,
 * whose writes come here. The first command takes the slot away, and reads come here too. Commands come in
 * bursts (each byte that is programmed is two of them, and ends in array mode), so the slot returns only when
 * the guest has read READS_UNTIL_SLOT bytes or words with no command between them.
 *
 * Left out: the write buffer, locks, suspending an erase. A byte is stored as it is given, not only its zero
 * bits. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "backend/vmm/boot/firmware.h"
#include "backend/vmm/dev/dev.h"
#include "backend/vmm/dev/pflash_store.h"
#include "backend/vmm/timer.h"

#define BLOCK PFLASH_BLOCK
#define READS_UNTIL_SLOT 64
#define SYNC_NS 100000000ull /* after the last write */
#define OVERLAY "pflash"

enum {
	CMD_ARRAY = 0xff,
	CMD_PROGRAM = 0x10,
	CMD_PROGRAM2 = 0x40,
	CMD_ERASE = 0x20,
	CMD_ERASE_CONFIRM = 0xd0,
	CMD_CLEAR_STATUS = 0x50,
	CMD_STATUS = 0x70,
	CMD_ID = 0x90,

	STATUS_READY = 0x80,
	STATUS_SEQUENCE = 0x30, /* erase and program failed both: not a sequence of commands */

	ID_MAKER = 0x89, /* Intel */
	ID_CHIP = 0x18,
};

struct pflash {
	struct dev dev;
	uint64_t gpa, bytes;
	uint8_t *data;
	struct pflash_store *store; /* NULL in a machine without a file */
	uint8_t cmd;     /* what reads show: CMD_ARRAY, or the last command */
	bool second;     /* the next write is the second half of cmd */
	uint8_t status;
	bool slot;       /* reads do not come here */
	unsigned reads;  /* in array mode, since the last command */
	struct timer sync;
	bool added, waits; /* waits: for a resume */
};

static void slot_set(struct pflash *p, bool on)
{
	struct memory *mem = &p->dev.m->mem;
	if (p->slot == on)
		return;
	if (on)
		memory_overlay(mem, OVERLAY, p->gpa, p->bytes, p->data, MEM_READONLY | MEM_NO_DMA);
	else
		memory_overlay_remove(mem, OVERLAY);
	int rc = memory_commit(mem);
	if (rc)
		guest_error(&p->dev, "cannot switch flash: %s", strerror(-rc));
	else
		p->slot = on;
}

static uint64_t array_read(struct pflash *p, uint64_t off, unsigned size)
{
	uint64_t val = 0;
	memcpy(&val, p->data + off, size);
	if (++p->reads >= READS_UNTIL_SLOT)
		slot_set(p, true);
	return val;
}

static uint64_t pflash_read(struct dev *d, uint64_t off, unsigned size)
{
	struct pflash *p = (struct pflash *)d;
	switch (p->cmd) {
	case CMD_ARRAY:
		return array_read(p, off, size);
	case CMD_ID:
		return off & 1 ? ID_CHIP : ID_MAKER;
	default:
		return p->status;
	}
}

static void written(struct pflash *p)
{
	p->status |= STATUS_READY;
	timer_set(&p->sync, machine_now(p->dev.m) + SYNC_NS);
}

static void change(struct pflash *p, uint64_t off, const void *from, uint64_t n)
{
	if (p->store)
		pflash_store_write(p->store, off, from, n);
	else if (from)
		memcpy(p->data + off, from, n);
	else
		memset(p->data + off, 0xff, n);
}

static void second_write(struct pflash *p, uint64_t off, unsigned size, uint64_t val)
{
	p->second = false;
	if (p->cmd != CMD_ERASE) {
		change(p, off, &val, size);
		written(p);
	} else if ((uint8_t)val == CMD_ERASE_CONFIRM) {
		change(p, off / BLOCK * BLOCK, NULL, BLOCK);
		written(p);
	} else {
		p->status |= STATUS_READY | STATUS_SEQUENCE;
	}
}

static void pflash_write(struct dev *d, uint64_t off, unsigned size, uint64_t val)
{
	struct pflash *p = (struct pflash *)d;
	p->reads = 0;
	if (p->second) {
		second_write(p, off, size, val);
		return;
	}
	uint8_t cmd = (uint8_t)val;
	switch (cmd) {
	case CMD_CLEAR_STATUS:
		p->status = 0;
		p->cmd = CMD_ARRAY;
		return;
	case CMD_PROGRAM:
	case CMD_PROGRAM2:
	case CMD_ERASE:
		p->second = true;
		break;
	case CMD_STATUS:
	case CMD_ID:
		break;
	case CMD_ARRAY:
	case 0x00: /* an older word for it */
		p->cmd = CMD_ARRAY;
		return;
	default:
		guest_error(d, "flash command 0x%02x is not known", cmd);
		p->cmd = CMD_ARRAY;
		return;
	}
	p->cmd = cmd;
	slot_set(p, false);
}

static const struct region_ops pflash_ops = {pflash_read, pflash_write};

/* The guest has stopped for a moment: what it wrote goes to the disk. Comes back until it is there. */
static void pflash_sync(void *ctx)
{
	struct pflash *p = ctx;
	char text[200];
	int error;
	if (!p->store || p->waits)
		return;
	pflash_store_sync(p->store);
	if (!pflash_store_busy(p->store, &error))
		return;
	p->waits = error;
	if (error) {
		snprintf(text, sizeof(text), "the variable store: %s: put that right and resume", strerror(-error));
		machine_pause_ioerror(p->dev.m, text);
	} else {
		timer_set(&p->sync, machine_now(p->dev.m) + SYNC_NS);
	}
}

static void pflash_resumed(struct dev *d)
{
	struct pflash *p = (struct pflash *)d;
	if (!p->waits)
		return;
	p->waits = false;
	pflash_store_retry(p->store);
	timer_set(&p->sync, machine_now(d->m) + SYNC_NS);
}

static int pflash_init(struct dev *d, const struct dev_def *def, struct err *e)
{
	struct pflash *p = (struct pflash *)d;
	const struct firmware *f = d->m->firmware;
	int rc = timer_init(&p->sync, d->m, pflash_sync, p, e);
	if (rc)
		return rc;
	p->bytes = f->nvram_bytes;
	p->gpa = MEM_HIGH_BASE - f->bytes - p->bytes;
	p->data = f->nvram;
	if (f->nvram_fd >= 0 && (rc = pflash_store_new(&p->store, f->nvram_fd, p->data, p->bytes, e)))
		return rc;
	rc = bus_add(&d->m->mmio, p->gpa, p->bytes, &pflash_ops, d, "pflash", e);
	p->added = !rc;
	return rc;
}

static void pflash_reset(struct dev *d)
{
	struct pflash *p = (struct pflash *)d;
	p->cmd = CMD_ARRAY;
	p->second = false;
	p->status = 0;
	p->reads = 0;
	slot_set(p, true);
}

static void pflash_dump(const struct dev *d, FILE *f)
{
	const struct pflash *p = (const struct pflash *)d;
	fprintf(f, "command %02x%s status %02x slot %d\n", p->cmd, p->second ? " half" : "", p->status,
		p->slot);
}

static void pflash_done(struct dev *d)
{
	struct pflash *p = (struct pflash *)d;
	if (p->sync.m)
		timer_done(&p->sync);
	if (p->slot)
		memory_overlay_remove(&d->m->mem, OVERLAY);
	if (p->added)
		bus_remove(&d->m->mmio, p->gpa);
	pflash_store_free(p->store);
}

const struct dev_type pflash_type = {
	.model = "pflash",
	.summary = "flash chip for the variables of UEFI",
	.bus = DEV_BUS_ISA,
	.size = sizeof(struct pflash),
	.init = pflash_init,
	.reset = pflash_reset,
	.resumed = pflash_resumed,
	.dump = pflash_dump,
	.done = pflash_done,
};
