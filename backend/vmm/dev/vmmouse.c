/* The absolute pointer of VMware's backdoor: a 32-bit read of port 5658h with a magic number in EAX and a
 * command in CX, whose answers come in EAX, EBX, ECX and EDX. Linux's psmouse and X.org's driver know it;
 * they look for its packets whenever the PS/2 mouse interrupts. (VMware's vmmouse driver, vmmouse_defs.h;
 * Linux, drivers/input/mouse/vmmouse.c; machine.md 1.4)
 *
 * Words for the driver stand in a queue, four a packet. While the driver is behind, movement replaces the
 * position of the last packet; a change of the buttons or the wheel is a packet of its own. */
#include "backend/vmm/dev/dev.h"
#include "backend/vmm/dev/i8042.h"
#include "backend/vmm/input.h"
#include "backend/vmm/vcpu.h"

#include <string.h>

#define PORT 0x5658
#define PORT_LEN 4
#define MAGIC 0x564d5868u
#define VERSION_ID 0x3442554au
#define NONE 0xffffffffu
#define WORDS_MAX 256
#define PACKET 4

enum { /* CX */
	GET_VERSION = 10,
	ABS_DATA = 39,
	ABS_STATUS = 40,
	ABS_COMMAND = 41,
	ABS_RESTRICT = 86,
};

enum { /* EBX of ABS_COMMAND */
	CMD_DISABLE = 0x000000f5,
	CMD_ENABLE = 0x45414552,
	CMD_RELATIVE = 0x4c455252,
	CMD_ABSOLUTE = 0x53424152,
};

enum { BUTTON_MIDDLE = 0x08, BUTTON_RIGHT = 0x10, BUTTON_LEFT = 0x20 };

struct vmmouse {
	struct dev dev;
	bool added, enabled, absolute;
	uint32_t word[WORDS_MAX];
	unsigned n;
	bool packet_last; /* the last four words are a packet that may still be changed */
	unsigned buttons; /* of the last packet */
};

static void disable(struct vmmouse *vm)
{
	vm->enabled = vm->absolute = vm->packet_last = false;
	vm->n = 0;
	vm->buttons = 0;
	input_changed(vm->dev.m);
}

static void command(struct vmmouse *vm, uint32_t cmd)
{
	if (cmd == CMD_ENABLE) {
		vm->enabled = true;
		vm->absolute = vm->packet_last = false;
		vm->n = 1;
		vm->word[0] = VERSION_ID;
	} else if (cmd == CMD_DISABLE) {
		disable(vm);
	} else if (cmd == CMD_ABSOLUTE || cmd == CMD_RELATIVE) {
		vm->absolute = cmd == CMD_ABSOLUTE;
	}
	input_changed(vm->dev.m);
}

/* As many words as EBX says, in EAX, EBX, ECX, EDX, ESI and EDI. */
static uint32_t data(struct vmmouse *vm, struct vcpu_regs *r)
{
	uint64_t *const to[] = {&r->rax, &r->rbx, &r->rcx, &r->rdx, &r->rsi, &r->rdi};
	unsigned n = (uint32_t)r->rbx;
	if (!vm->enabled || !n || n > sizeof(to) / sizeof(to[0]) || n > vm->n) {
		guest_error(&vm->dev, "%u words are asked for, %u are there: the pointer is disabled", n,
			    vm->n);
		disable(vm);
		return NONE;
	}
	for (unsigned i = 0; i < n; i++)
		*to[i] = vm->word[i];
	vm->n -= n;
	memmove(vm->word, vm->word + n, vm->n * sizeof(vm->word[0]));
	if (vm->n < PACKET)
		vm->packet_last = false;
	return (uint32_t)r->rax;
}

static uint32_t call(struct vmmouse *vm, struct vcpu_regs *r)
{
	switch ((uint16_t)r->rcx) {
	case GET_VERSION:
		r->rbx = MAGIC;
		r->rcx = 2;
		return 6;
	case ABS_DATA:
		return data(vm, r);
	case ABS_STATUS:
		return vm->enabled ? vm->n : 0xffff0000u;
	case ABS_COMMAND:
		command(vm, (uint32_t)r->rbx);
		return 0;
	case ABS_RESTRICT: /* to kernel mode: ports are the guest kernel's to give away */
		return 0;
	default:
		return NONE;
	}
}

static uint64_t port_read(struct dev *d, uint64_t off, unsigned size)
{
	struct vcpu_regs r;
	if (off || size != 4 || !vcpu_regs_get(d->m, &r) || (uint32_t)r.rax != MAGIC)
		return NONE;
	uint32_t val = call((struct vmmouse *)d, &r);
	return vcpu_regs_set(d->m, &r) ? val : NONE;
}

static const struct region_ops ops = {.read = port_read};

static bool active(struct dev *d)
{
	const struct vmmouse *vm = (const struct vmmouse *)d;
	return vm->enabled && vm->absolute;
}

/* 0..32767 to 0..65535, ends to ends. */
static uint32_t scaled(int v)
{
	return (uint32_t)(v * 2 + (v > INPUT_ABS_MAX / 2));
}

static void pointer(struct dev *d, const struct input_pointer *p)
{
	struct vmmouse *vm = (struct vmmouse *)d;
	unsigned buttons = (p->buttons & INPUT_BUTTON_LEFT ? BUTTON_LEFT : 0) |
			   (p->buttons & INPUT_BUTTON_RIGHT ? BUTTON_RIGHT : 0) |
			   (p->buttons & INPUT_BUTTON_MIDDLE ? BUTTON_MIDDLE : 0);
	int wheel = p->wheel > 127 ? 127 : p->wheel < -127 ? -127 : p->wheel;
	bool merge = vm->packet_last && buttons == vm->buttons && !wheel;
	if (!merge && vm->n + PACKET > WORDS_MAX)
		return; /* the next frame tells the position and the buttons again */
	uint32_t *w = &vm->word[merge ? vm->n - PACKET : vm->n];
	w[1] = scaled(p->x);
	w[2] = scaled(p->y);
	if (!merge) {
		w[0] = buttons;
		w[3] = (uint32_t)-wheel; /* up is negative here */
		vm->n += PACKET;
		vm->packet_last = true;
		vm->buttons = buttons;
	}
	struct dev *i8042 = dev_find(d->m, "i8042");
	if (i8042)
		i8042_mouse_nudge(i8042);
}

static const struct input_sink sink = {
	.rank = INPUT_RANK_VMMOUSE,
	.absolute = true,
	.pointer_active = active,
	.pointer = pointer,
};

static int vmmouse_init(struct dev *d, const struct dev_def *def, struct err *e)
{
	struct vmmouse *vm = (struct vmmouse *)d;
	int rc = bus_add(&d->m->pio, PORT, PORT_LEN, &ops, d, "vmmouse", e);
	if (rc)
		return rc;
	vm->added = true;
	return input_sink_add(d->m, d, &sink, e);
}

static void vmmouse_reset(struct dev *d)
{
	disable((struct vmmouse *)d);
}

static void vmmouse_dump(const struct dev *d, FILE *f)
{
	const struct vmmouse *vm = (const struct vmmouse *)d;
	fprintf(f, "%s %s, %u words queued\n", vm->enabled ? "enabled" : "disabled",
	        vm->absolute ? "absolute" : "relative", vm->n);
}

static void vmmouse_done(struct dev *d)
{
	input_sink_remove(d->m, d);
	if (((struct vmmouse *)d)->added)
		bus_remove(&d->m->pio, PORT);
}

const struct dev_type vmmouse_type = {
	.model = "vmmouse",
	.summary = "pointer that knows where it is (VMware's backdoor)",
	.bus = DEV_BUS_ISA,
	.size = sizeof(struct vmmouse),
	.init = vmmouse_init,
	.reset = vmmouse_reset,
	.dump = vmmouse_dump,
	.done = vmmouse_done,
};
