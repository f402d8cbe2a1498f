/* The keyboard controller with its keyboard and mouse, at ports 60h and 64h. (IBM PS/2 Hardware Interface
 * Technical Reference, "Keyboard and Auxiliary Device Controller"; machine.md 1.4)
 *
 * Theory of operation. Commands are carried out and answered within the write, and the devices behind the
 * controller do the same: the input buffer is never full (IBF stays clear) and a driver's probe never waits.
 * Bytes for the system stand in three queues, the controller's own, the keyboard's and the mouse's; the first
 * that has a byte and whose port is enabled fills the one output buffer. The line of the byte's port goes up
 * when the buffer fills, if the command byte enables it, and down when 60h is read, so that each byte is one
 * edge.
 *
 * Keyboard bytes are scan code set 2 and, while the command byte says so, translated to set 1. A20 is kept
 * for reading back; the address line itself is always on. */
#include "backend/vmm/device.h"
#include "backend/vmm/dev/dev.h"

#include <errno.h>
#include <string.h>

#define PORT_DATA 0x60
#define PORT_CMD 0x64
#define KBD_GSI 1
#define MOUSE_GSI 12
#define QUEUE 64

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

	ACK = 0xfa,
	RESEND = 0xfe,
	TEST_PASSED = 0xaa,
};

struct ps2_queue {
	uint8_t byte[QUEUE];
	unsigned first, n;
};

struct ps2_keyboard {
	struct ps2_queue out;
	uint8_t pending; /* command that waits for its argument, 0 = none */
	uint8_t set;     /* scan code set that is selected */
	uint8_t leds;
	uint8_t last;    /* for RESEND */
	bool scanning;
	bool break_code; /* F0 went through translation: the next byte is a release */
};

struct ps2_mouse {
	struct ps2_queue out;
	uint8_t pending;
	uint8_t id; /* 0 plain, 3 wheel, 4 five buttons */
	uint8_t rate, resolution;
	uint8_t rates[3]; /* the last three sample rates: the knock that unlocks id 3 and 4 */
	bool reporting, wrap, remote, scale21;
};

struct i8042 {
	struct dev dev;
	struct irq_line kbd_irq, mouse_irq;
	bool added[2];
	uint8_t status, ctr, outport;
	uint8_t ram[32];  /* 20h..3Fh; [0] is the command byte, kept in ctr */
	uint8_t pending;  /* controller command that waits for its byte on 60h */
	uint8_t data;     /* the output buffer */
	struct ps2_queue own;
	bool own_aux[QUEUE]; /* of own: this byte shows as the mouse's */
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

static void queue_put(struct ps2_queue *q, const uint8_t *p, unsigned n)
{
	if (q->n + n > QUEUE)
		return; /* whole answers or nothing: half a packet would put the driver out of step */
	for (unsigned i = 0; i < n; i++)
		q->byte[(q->first + q->n++) % QUEUE] = p[i];
}

static void queue_put1(struct ps2_queue *q, uint8_t byte)
{
	queue_put(q, &byte, 1);
}

static uint8_t queue_get(struct ps2_queue *q)
{
	uint8_t byte = q->byte[q->first];
	q->first = (q->first + 1) % QUEUE;
	q->n--;
	return byte;
}

/* Fill the output buffer if it is empty. */
static void fill(struct i8042 *k)
{
	while (!(k->status & ST_OBF)) {
		bool aux = false;
		if (k->own.n) {
			aux = k->own_aux[k->own.first];
			k->data = queue_get(&k->own);
		} else if (k->kbd.out.n && !(k->ctr & CTR_KBD_OFF)) {
			k->kbd.last = k->data = queue_get(&k->kbd.out);
			if ((k->ctr & CTR_XLATE) && k->data == 0xf0) {
				k->kbd.break_code = true;
				continue;
			}
			if (k->ctr & CTR_XLATE)
				k->data = (k->data < 0x85 ? set1[k->data] : k->data) |
					  (k->kbd.break_code ? 0x80 : 0);
			k->kbd.break_code = false;
		} else if (k->mouse.out.n && !(k->ctr & CTR_AUX_OFF)) {
			aux = true;
			k->data = queue_get(&k->mouse.out);
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
	if (k->own.n == QUEUE)
		return;
	k->own_aux[(k->own.first + k->own.n) % QUEUE] = aux;
	queue_put1(&k->own, byte);
}

/* The keyboard */

static void kbd_defaults(struct ps2_keyboard *kb, bool scanning)
{
	*kb = (struct ps2_keyboard){.out = kb->out, .last = kb->last, .set = 2, .scanning = scanning};
}

static void kbd_argument(struct ps2_keyboard *kb, uint8_t cmd, uint8_t val)
{
	queue_put1(&kb->out, ACK);
	if (cmd == 0xed)
		kb->leds = val & 7;
	else if (cmd == 0xf0 && val == 0)
		queue_put1(&kb->out, kb->set);
	else if (cmd == 0xf0 && val <= 3)
		kb->set = val;
}

static void kbd_write(struct ps2_keyboard *kb, uint8_t val)
{
	static const uint8_t id[] = {ACK, 0xab, 0x83}, reset[] = {ACK, TEST_PASSED};
	if (kb->pending && val < 0xed) {
		uint8_t cmd = kb->pending;
		kb->pending = 0;
		kbd_argument(kb, cmd, val);
		return;
	}
	kb->pending = 0;
	switch (val) {
	case 0xee: /* echo */
		queue_put1(&kb->out, val);
		break;
	case 0xed: /* LEDs */
	case 0xf0: /* scan code set */
	case 0xf3: /* rate and delay */
	case 0xfb: /* what one key sends (set 3) */
	case 0xfc:
	case 0xfd:
		kb->pending = val;
		queue_put1(&kb->out, ACK);
		break;
	case 0xf2: /* identify */
		queue_put(&kb->out, id, sizeof(id));
		break;
	case 0xf4: /* enable */
		kb->scanning = true;
		queue_put1(&kb->out, ACK);
		break;
	case 0xf5: /* defaults, disabled */
	case 0xf6: /* defaults, enabled */
		kbd_defaults(kb, val == 0xf6);
		queue_put1(&kb->out, ACK);
		break;
	case 0xf7: /* what all keys send (set 3) */
	case 0xf8:
	case 0xf9:
	case 0xfa:
		queue_put1(&kb->out, ACK);
		break;
	case 0xfe:
		queue_put1(&kb->out, kb->last);
		break;
	case 0xff:
		kb->out.n = 0;
		kbd_defaults(kb, true);
		queue_put(&kb->out, reset, sizeof(reset));
		break;
	default:
		queue_put1(&kb->out, RESEND);
	}
}

/* The mouse */

static void mouse_defaults(struct ps2_mouse *ms)
{
	ms->rate = 100;
	ms->resolution = 2;
	ms->reporting = ms->wrap = ms->remote = ms->scale21 = false;
	ms->pending = 0;
}

static void mouse_rate(struct ps2_mouse *ms, uint8_t rate)
{
	ms->rate = rate;
	ms->rates[0] = ms->rates[1];
	ms->rates[1] = ms->rates[2];
	ms->rates[2] = rate;
	if (ms->rates[0] == 200 && ms->rates[1] == 100 && rate == 80)
		ms->id = 3;
	else if (ms->id == 3 && ms->rates[0] == 200 && ms->rates[1] == 200 && rate == 80)
		ms->id = 4;
}

static void mouse_argument(struct ps2_mouse *ms, uint8_t cmd, uint8_t val)
{
	if (cmd == 0xf3)
		mouse_rate(ms, val);
	else
		ms->resolution = val & 3;
	queue_put1(&ms->out, ACK);
}

static void mouse_status(struct ps2_mouse *ms)
{
	uint8_t flags = (ms->remote ? 0x40 : 0) | (ms->reporting ? 0x20 : 0) | (ms->scale21 ? 0x10 : 0);
	queue_put(&ms->out, (uint8_t[]){ACK, flags, ms->resolution, ms->rate}, 4);
}

static void mouse_reset(struct ps2_mouse *ms)
{
	ms->out.n = 0;
	ms->id = 0;
	memset(ms->rates, 0, sizeof(ms->rates));
	mouse_defaults(ms);
}

static void mouse_command(struct ps2_mouse *ms, uint8_t val)
{
	static const uint8_t idle_packet[] = {ACK, 0x08, 0, 0, 0};
	switch (val) {
	case 0xe6: /* scaling 1:1 */
	case 0xe7: /* 2:1 */
		ms->scale21 = val == 0xe7;
		queue_put1(&ms->out, ACK);
		break;
	case 0xe8: /* resolution */
	case 0xf3: /* sample rate */
		ms->pending = val;
		queue_put1(&ms->out, ACK);
		break;
	case 0xe9:
		mouse_status(ms);
		break;
	case 0xea: /* stream, remote mode */
	case 0xf0:
		ms->remote = val == 0xf0;
		queue_put1(&ms->out, ACK);
		break;
	case 0xeb: /* read: nothing moved */
		queue_put(&ms->out, idle_packet, ms->id ? 5 : 4);
		break;
	case 0xec: /* leave, enter wrap mode */
	case 0xee:
		ms->wrap = val == 0xee;
		queue_put1(&ms->out, ACK);
		break;
	case 0xf2:
		queue_put(&ms->out, (uint8_t[]){ACK, ms->id}, 2);
		break;
	case 0xf4: /* reporting on, off */
	case 0xf5:
		ms->reporting = val == 0xf4;
		queue_put1(&ms->out, ACK);
		break;
	case 0xf6:
		mouse_defaults(ms);
		queue_put1(&ms->out, ACK);
		break;
	case 0xff:
		mouse_reset(ms);
		queue_put(&ms->out, (uint8_t[]){ACK, TEST_PASSED, 0}, 3);
		break;
	default:
		queue_put1(&ms->out, RESEND);
	}
}

static void mouse_write(struct ps2_mouse *ms, uint8_t val)
{
	uint8_t cmd = ms->pending;
	ms->pending = 0;
	if (cmd)
		mouse_argument(ms, cmd, val);
	else if (ms->wrap && val != 0xec && val != 0xff)
		queue_put1(&ms->out, val);
	else
		mouse_command(ms, val);
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
		mouse_write(&k->mouse, val);
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
		kbd_write(&k->kbd, byte);
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
	return 0;
}

/* As firmware leaves it: both interrupts on, translating, system flag set. Firmware itself starts with AAh. */
static void i8042_reset(struct dev *d)
{
	struct i8042 *k = (struct i8042 *)d;
	k->status = ST_UNLOCKED;
	set_ctr(k, CTR_KBD_INT | CTR_AUX_INT | CTR_SYS | CTR_XLATE);
	k->outport = OUT_NOT_RESET | OUT_A20;
	k->pending = k->data = 0;
	k->own.n = k->kbd.out.n = 0;
	memset(k->ram, 0, sizeof(k->ram));
	kbd_defaults(&k->kbd, true);
	mouse_reset(&k->mouse);
	fill(k);
}

static void i8042_dump(const struct dev *d, FILE *f)
{
	const struct i8042 *k = (const struct i8042 *)d;
	fprintf(f, "status %02x ctr %02x data %02x queued %u kbd %u mouse %u (id %u%s)\n", k->status, k->ctr,
		k->data, k->own.n, k->kbd.out.n, k->mouse.out.n, k->mouse.id,
		k->mouse.reporting ? ", reporting" : "");
}

static void i8042_done(struct dev *d)
{
	struct i8042 *k = (struct i8042 *)d;
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
