/* The keyboard controller with its keyboard and mouse, at ports 60h and 64h. (IBM PS/2 Hardware Interface
 * Technical Reference, "Keyboard and Auxiliary Device Controller"; machine.md 1.4)
 *
 * Theory of operation. Commands are carried out and answered within the write, and the devices behind the
 * controller do the same: the input buffer is never full (IBF stays clear) and a driver's probe never waits.
 * Bytes for the system stand in three queues, the controller's own, the keyboard's and the mouse's (ps2.h);
 * the first that has a byte and whose port is enabled fills the one output buffer. The line of the byte's
 * port goes up when the buffer fills, if the command byte enables it, and down when 60h is read, so that each
 * byte is one edge.
 *
 * Keyboard bytes are scan code set 2 and, while the command byte says so, translated to set 1. A20 is kept
 * for reading back; the address line itself is always on. */
#include "backend/vmm/device.h"
#include "backend/vmm/dev/dev.h"
#include "backend/vmm/dev/i8042.h"
#include "backend/vmm/dev/ps2.h"

#include <errno.h>
#include <string.h>

#define PORT_DATA 0x60
#define PORT_CMD 0x64
#define KBD_GSI 1
#define MOUSE_GSI 12

enum {
	ST_OBF = 0x01,
	ST_SYS = 0x04,
	ST_CMD = 0x08,
	ST_UNLOCKED = 0x10,
	ST_AUX = 0x20,

	CTR_KBD_INT = 0x01,
	CTR_AUX_INT = 0x02,
	CTR_SYS = 0x04,
	CTR_KBD_OFF = 0x10,
	CTR_AUX_OFF = 0x20,
	CTR_XLATE = 0x40,

	OUT_NOT_RESET = 0x01,
	OUT_A20 = 0x02,
	OUT_KBD_FULL = 0x10,
	OUT_AUX_FULL = 0x20,
	OUT_IDLE = 0xcf & ~(OUT_NOT_RESET | OUT_A20),
};

struct i8042 {
	struct dev dev;
	struct irq_line kbd_irq, mouse_irq;
	bool added[2];
	uint8_t status, ctr, outport;
	uint8_t ram[32];  /* 20h..3Fh; [0] is the command byte, kept in ctr */
	uint8_t pending;  /* controller command that waits for its byte on 60h */
	uint8_t data;     /* the output buffer */
	bool break_code;  /* F0 went through translation: the next byte is a release */
	struct ps2_queue own;
	bool own_aux[PS2_QUEUE]; /* of own: this byte shows as the mouse's */
	struct ps2_keyboard kbd;
	struct ps2_mouse mouse;
};

/* Set 2 to set 1 (the technical reference's "scan code translation" table). */
static const uint8_t set1[256] = {
	0xff, 0x43, 0x41, 0x3f, 0x3d, 0x3b, 0x3c, 0x58, 0x64, 0x44, 0x42, 0x40, 0x3e, 0x0f, 0x29, 0x59,
	0x65, 0x38, 0x2a, 0x70, 0x1d, 0x10, 0x02, 0x5a, 0x66, 0x71, 0x2c, 0x1f, 0x1e, 0x11, 0x03, 0x5b,
	0x67, 0x2e, 0x2d, 0x20, 0x12, 0x05, 0x04, 0x5c, 0x68, 0x39, 0x2f, 0x21, 0x14, 0x13, 0x06, 0x5d,
	0x69, 0x31, 0x30, 0x23, 0x22, 0x15, 0x07, 0x5e, 0x6a, 0x72, 0x32, 0x24, 0x16, 0x08, 0x09, 0x5f,
	0x6b, 0x33, 0x25, 0x17, 0x18, 0x0b, 0x0a, 0x60, 0x6c, 0x34, 0x35, 0x26, 0x27, 0x19, 0x0c, 0x61,
	0x6d, 0x73, 0x28, 0x74, 0x1a, 0x0d, 0x62, 0x6e, 0x3a, 0x36, 0x1c, 0x1b, 0x75, 0x2b, 0x63, 0x76,
	0x55, 0x56, 0x77, 0x78, 0x79, 0x7a, 0x0e, 0x7b, 0x7c, 0x4f, 0x7d, 0x4b, 0x47, 0x7e, 0x7f, 0x6f,
	0x52, 0x53, 0x50, 0x4c, 0x4d, 0x48, 0x01, 0x45, 0x57, 0x4e, 0x51, 0x4a, 0x37, 0x49, 0x46, 0x54,
	0x80, 0x81, 0x82, 0x41, 0x54, /* from here on a code stands for itself */
};

/* A keyboard byte on its way through the translation. false: it only changes the next one. */
static bool translate(struct i8042 *k, uint8_t byte)
{
	k->data = byte;
	if (!(k->ctr & CTR_XLATE))
		return true;
	if (byte == 0xf0) {
		k->break_code = true;
		return false;
	}
	k->data = (byte < 0x85 ? set1[byte] : byte) | (k->break_code ? 0x80 : 0);
	k->break_code = false;
	return true;
}

/* Fill the output buffer if it is empty. */
static void fill(struct i8042 *k)
{
	while (!(k->status & ST_OBF)) {
		bool aux = false;
		if (!(k->ctr & CTR_AUX_OFF))
			ps2_mouse_more(&k->mouse);
		if (k->own.n) {
			aux = k->own_aux[k->own.first];
			k->data = ps2_queue_get(&k->own);
		} else if (ps2_port_has(&k->kbd.port) && !(k->ctr & CTR_KBD_OFF)) {
			if (!translate(k, ps2_port_get(&k->kbd.port)))
				continue;
		} else if (ps2_port_has(&k->mouse.port) && !(k->ctr & CTR_AUX_OFF)) {
			aux = true;
			k->data = ps2_port_get(&k->mouse.port);
		} else {
			break;
		}
		k->status |= ST_OBF | (aux ? ST_AUX : 0);
	}
	bool full = k->status & ST_OBF, aux = k->status & ST_AUX;
	irq_line_set(&k->kbd_irq, full && !aux && (k->ctr & CTR_KBD_INT));
	irq_line_set(&k->mouse_irq, full && aux && (k->ctr & CTR_AUX_INT));
}

static void reply(struct i8042 *k, uint8_t byte, bool aux)
{
	if (k->own.n == PS2_QUEUE)
		return;
	k->own_aux[(k->own.first + k->own.n) % PS2_QUEUE] = aux;
	ps2_queue_put(&k->own, &byte, 1);
}

/* The controller */

static void write_outport(struct i8042 *k, uint8_t val)
{
	k->outport = val & (OUT_NOT_RESET | OUT_A20);
	if (!(val & OUT_NOT_RESET))
		machine_request(k->dev.m, MACHINE_RESET,
				"the guest pulsed the reset line of the keyboard controller");
}

static uint8_t read_outport(const struct i8042 *k)
{
	uint8_t full = k->status & ST_OBF ? (k->status & ST_AUX ? OUT_AUX_FULL : OUT_KBD_FULL) : 0;
	return OUT_IDLE | k->outport | full;
}

static void set_ctr(struct i8042 *k, uint8_t val)
{
	k->ctr = val;
	k->status = (k->status & ~ST_SYS) | (val & CTR_SYS);
}

/* The byte that a controller command was waiting for. */
static void controller_argument(struct i8042 *k, uint8_t cmd, uint8_t val)
{
	switch (cmd) {
	case 0xd1:
		write_outport(k, val);
		break;
	case 0xd2:
		reply(k, val, false);
		break;
	case 0xd3:
		reply(k, val, true);
		break;
	case 0xd4:
		k->ctr &= ~CTR_AUX_OFF; /* talking to the mouse enables its port */
		ps2_mouse_write(&k->mouse, val);
		break;
	case 0x60:
		set_ctr(k, val);
		break;
	default: /* 61h..7Fh */
		k->ram[cmd & 0x1f] = val;
	}
}

static void controller_command(struct i8042 *k, uint8_t cmd)
{
	switch (cmd) {
	case 0xa7:
	case 0xa8:
		k->ctr = (k->ctr & ~CTR_AUX_OFF) | (cmd == 0xa7 ? CTR_AUX_OFF : 0);
		break;
	case 0xa9: /* the mouse's wires are fine */
	case 0xab: /* the keyboard's wires are fine */
		reply(k, 0x00, false);
		break;
	case 0xaa:
		k->status |= ST_SYS;
		k->ctr |= CTR_SYS;
		reply(k, 0x55, false);
		break;
	case 0xad:
	case 0xae:
		k->ctr = (k->ctr & ~CTR_KBD_OFF) | (cmd == 0xad ? CTR_KBD_OFF : 0);
		break;
	case 0xc0: /* input port: keyboard not locked, manufacturing jumper open */
		reply(k, 0xa0, false);
		break;
	case 0xd0:
		reply(k, read_outport(k), false);
		break;
	case 0xd1:
	case 0xd2:
	case 0xd3:
	case 0xd4:
		k->pending = cmd;
		break;
	default:
		if (cmd >= 0x20 && cmd <= 0x3f)
			reply(k, cmd == 0x20 ? k->ctr : k->ram[cmd & 0x1f], false);
		else if (cmd >= 0x60 && cmd <= 0x7f)
			k->pending = cmd;
		else if (cmd >= 0xf0 && !(cmd & OUT_NOT_RESET))
			machine_request(k->dev.m, MACHINE_RESET,
					"the guest reset itself through the keyboard controller");
	}
}

static uint64_t data_read(struct dev *d, uint64_t off, unsigned size)
{
	struct i8042 *k = (struct i8042 *)d;
	uint8_t val = k->data;
	k->status &= ~(ST_OBF | ST_AUX);
	irq_line_set(&k->kbd_irq, false);
	irq_line_set(&k->mouse_irq, false);
	fill(k);
	return val;
}

static void data_write(struct dev *d, uint64_t off, unsigned size, uint64_t val)
{
	struct i8042 *k = (struct i8042 *)d;
	uint8_t cmd = k->pending, byte = (uint8_t)val;
	k->pending = 0;
	k->status &= ~ST_CMD;
	if (cmd) {
		controller_argument(k, cmd, byte);
	} else {
		k->ctr &= ~CTR_KBD_OFF;
		ps2_keyboard_write(&k->kbd, byte);
	}
	fill(k);
}

static uint64_t cmd_read(struct dev *d, uint64_t off, unsigned size)
{
	return ((struct i8042 *)d)->status;
}

static void cmd_write(struct dev *d, uint64_t off, unsigned size, uint64_t val)
{
	struct i8042 *k = (struct i8042 *)d;
	k->pending = 0;
	k->status |= ST_CMD;
	controller_command(k, (uint8_t)val);
	fill(k);
}

/* Events from outside */

static bool always(struct dev *d)
{
	return true;
}

static void key(struct dev *d, unsigned code, bool down)
{
	struct i8042 *k = (struct i8042 *)d;
	ps2_keyboard_key(&k->kbd, code, down);
	fill(k);
}

static void pointer(struct dev *d, const struct input_pointer *p)
{
	struct i8042 *k = (struct i8042 *)d;
	ps2_mouse_frame(&k->mouse, p);
	fill(k);
}

void i8042_mouse_nudge(struct dev *d)
{
	struct i8042 *k = (struct i8042 *)d;
	ps2_mouse_nudge(&k->mouse);
	fill(k);
}

static bool key_waits(struct dev *d)
{
	return ((struct i8042 *)d)->kbd.port.events.n;
}

static const struct input_sink sink = {
	.rank = INPUT_RANK_PS2,
	.key_active = always,
	.key = key,
	.key_waits = key_waits,
	.pointer_active = always,
	.pointer = pointer,
};

static const struct region_ops data_ops = {.read = data_read, .write = data_write};
static const struct region_ops cmd_ops = {.read = cmd_read, .write = cmd_write};

static int i8042_init(struct dev *d, const struct dev_def *def, struct err *e)
{
	struct i8042 *k = (struct i8042 *)d;
	irq_line_init(&k->kbd_irq, &d->m->irq, KBD_GSI);
	irq_line_init(&k->mouse_irq, &d->m->irq, MOUSE_GSI);
	int rc = bus_add(&d->m->pio, PORT_DATA, 1, &data_ops, d, "i8042 data", e);
	if (rc)
		return rc;
	k->added[0] = true;
	rc = bus_add(&d->m->pio, PORT_CMD, 1, &cmd_ops, d, "i8042 command", e);
	if (rc)
		return rc;
	k->added[1] = true;
	k->kbd.m = d->m;
	return input_sink_add(d->m, d, &sink, e);
}

/* As firmware leaves it: both interrupts on, translating, system flag set. Firmware itself starts with
 * AAh. */
static void i8042_reset(struct dev *d)
{
	struct i8042 *k = (struct i8042 *)d;
	k->status = ST_UNLOCKED;
	set_ctr(k, CTR_KBD_INT | CTR_AUX_INT | CTR_SYS | CTR_XLATE);
	k->outport = OUT_NOT_RESET | OUT_A20;
	k->pending = k->data = 0;
	k->own.n = 0;
	k->break_code = false;
	memset(k->ram, 0, sizeof(k->ram));
	ps2_keyboard_reset(&k->kbd);
	ps2_mouse_reset(&k->mouse);
	fill(k);
}

static void i8042_dump(const struct dev *d, FILE *f)
{
	const struct i8042 *k = (const struct i8042 *)d;
	fprintf(f, "status %02x ctr %02x data %02x queued %u kbd %u mouse %u (id %u%s)\n", k->status, k->ctr,
		k->data, k->own.n, k->kbd.port.answers.n + k->kbd.port.events.n,
		k->mouse.port.answers.n + k->mouse.port.events.n, k->mouse.id,
		k->mouse.reporting ? ", reporting" : "");
}

static void i8042_done(struct dev *d)
{
	struct i8042 *k = (struct i8042 *)d;
	input_sink_remove(d->m, d);
	if (k->added[0]) {
		irq_line_set(&k->kbd_irq, false);
		irq_line_set(&k->mouse_irq, false);
		bus_remove(&d->m->pio, PORT_DATA);
	}
	if (k->added[1])
		bus_remove(&d->m->pio, PORT_CMD);
}

const struct dev_type i8042_type = {
	.model = "i8042",
	.summary = "keyboard controller with keyboard and mouse (PS/2)",
	.bus = DEV_BUS_ISA,
	.size = sizeof(struct i8042),
	.init = i8042_init,
	.reset = i8042_reset,
	.dump = i8042_dump,
	.done = i8042_done,
};
