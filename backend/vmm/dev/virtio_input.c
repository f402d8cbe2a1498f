/* Keyboard, mouse and tablet (virtio 1.2, 5.8): events of Linux's input layer, one a buffer, and the LEDs
 * back.
 *
 * Theory of operation. A frame is its events and a SYN_REPORT; it goes to the driver whole or not at all.
 * What it would tell is kept as state: when there are too few buffers, movement is summed up, the last
 * position and the buttons stay, and all of it is told when the driver brings buffers. Keys that were pressed
 * meanwhile are lost, but none that went up stays down. There is no EV_REP: repeats come from whoever types,
 * as value 2. */
#include "backend/vmm/dev/dev.h"
#include "backend/vmm/dev/virtio.h"
#include "backend/vmm/input.h"
#include "src/base/cleanup.h"
#include "src/proto/keycode.h"

#include <linux/input-event-codes.h>
#include <string.h>

#define QUEUE_SIZE 64
#define EVENT_LEN 8
#define ROUND_MAX 64 /* status buffers before others of the main loop have a turn */
#define SUM_MAX 100000
#define BUS_VIRTUAL 6
#define VENDOR 0x1af4

enum { EVENTQ, STATUSQ, QUEUES };

enum { /* 5.8.4: configuration space */
	CFG_SELECT = 0,
	CFG_SUBSEL = 1,
	CFG_SIZE = 2,
	CFG_DATA = 8,
	CFG_LEN = 136,
	DATA_MAX = 128,
};

enum { /* select */
	ID_NAME = 0x01,
	ID_SERIAL = 0x02,
	ID_DEVIDS = 0x03,
	PROP_BITS = 0x10,
	EV_BITS = 0x11,
	ABS_INFO = 0x12,
};

struct event {
	uint16_t type, code;
	uint32_t value;
};
_Static_assert(sizeof(struct event) == EVENT_LEN, "as virtio has it");

struct pointer_state {
	int x, y; /* a tablet: position; a mouse: movement that is not told yet */
	int wheel, hwheel;
	unsigned buttons;
};

struct virtio_input {
	struct virtio_dev v;
	uint8_t down[KEYCODE_MAX / 8], told[KEYCODE_MAX / 8]; /* keys, as they are and as the driver knows them */
	struct pointer_state now, seen;
	bool heard;  /* a frame has come, */
	bool placed; /* and the driver knows of one */
	struct virtq_chain chain;
};

/* What a kind of device is. */
struct kind {
	const char *name;
	uint16_t product;
	bool keyboard, absolute;
	const struct input_sink *sink;
};

static const struct kind *kind_of(const struct virtio_dev *v);

static const struct {
	unsigned mask;
	uint16_t code;
} buttons[] = {
	{INPUT_BUTTON_LEFT, BTN_LEFT},   {INPUT_BUTTON_MIDDLE, BTN_MIDDLE}, {INPUT_BUTTON_RIGHT, BTN_RIGHT},
	{INPUT_BUTTON_SIDE, BTN_SIDE}, {INPUT_BUTTON_EXTRA, BTN_EXTRA},
};

/* Configuration */

static void set_bit(uint8_t *bits, unsigned bit)
{
	bits[bit / 8] |= (uint8_t)(1u << bit % 8);
}

static bool get_bit(const uint8_t *bits, unsigned bit)
{
	return bits[bit / 8] >> bit % 8 & 1;
}

static void key_bits(const struct kind *k, uint8_t *bits)
{
	for (unsigned code = 1; k->keyboard && code < KEYCODE_MAX; code++)
		if (keycode_name(code))
			set_bit(bits, code);
	for (size_t i = 0; !k->keyboard && i < ARRAY_SIZE(buttons); i++)
		set_bit(bits, buttons[i].code);
}

/* The codes of events of @type that the device makes or takes. */
static void event_bits(const struct kind *k, unsigned type, uint8_t *bits)
{
	if (type == EV_KEY) {
		key_bits(k, bits);
	} else if (type == EV_LED && k->keyboard) {
		set_bit(bits, LED_NUML);
		set_bit(bits, LED_CAPSL);
		set_bit(bits, LED_SCROLLL);
	} else if (type == EV_REL && !k->keyboard) {
		set_bit(bits, REL_WHEEL);
		set_bit(bits, REL_HWHEEL);
		if (!k->absolute) {
			set_bit(bits, REL_X);
			set_bit(bits, REL_Y);
		}
	} else if (type == EV_ABS && k->absolute) {
		set_bit(bits, ABS_X);
		set_bit(bits, ABS_Y);
	}
}

/* Fill in what is selected; how many bytes, 0 = there is nothing. */
static unsigned config_data(const struct kind *k, unsigned select, unsigned subsel, uint8_t *data)
{
	unsigned n = DATA_MAX;
	if (select == EV_BITS) {
		event_bits(k, subsel, data);
		while (n && !data[n - 1])
			n--;
		return n;
	}
	if (select == ABS_INFO && k->absolute && (subsel == ABS_X || subsel == ABS_Y)) {
		pci_put32(data + 4, INPUT_ABS_MAX); /* min, max, fuzz, flat, resolution */
		return 20;
	}
	if (subsel)
		return 0;
	if (select == ID_NAME) {
		n = (unsigned)strlen(k->name);
		memcpy(data, k->name, n);
		return n;
	}
	if (select == ID_DEVIDS) {
		pci_put16(data, BUS_VIRTUAL);
		pci_put16(data + 2, VENDOR);
		pci_put16(data + 4, k->product);
		pci_put16(data + 6, 1);
		return 8;
	}
	return 0; /* ID_SERIAL, PROP_BITS: none */
}

static void config_write(struct virtio_dev *v, unsigned off, uint8_t val)
{
	if (off > CFG_SUBSEL)
		return;
	v->config[off] = val;
	memset(v->config + CFG_SIZE, 0, CFG_LEN - CFG_SIZE);
	v->config[CFG_SIZE] = (uint8_t)config_data(kind_of(v), v->config[CFG_SELECT], v->config[CFG_SUBSEL],
						   v->config + CFG_DATA);
}

/* Events to the driver */

struct frame {
	struct event ev[16];
	unsigned n;
};

static void frame_add(struct frame *f, unsigned type, unsigned code, int value)
{
	f->ev[f->n++] = (struct event){(uint16_t)type, (uint16_t)code, (uint32_t)value};
}

/* Send the whole frame. false: there are too few buffers, or none are to be had. */
static bool frame_send(struct virtio_input *in, struct frame *f)
{
	struct virtq *q = &in->v.q[EVENTQ];
	frame_add(f, EV_SYN, SYN_REPORT, 0);
	if (virtq_waiting(q) < f->n && !virtq_await(q, f->n))
		return false;
	for (unsigned i = 0; i < f->n; i++) {
		if (virtq_pop(q, &in->chain) != 1)
			return false;
		if (in->chain.in_len < EVENT_LEN) {
			virtq_push(q, in->chain.head, 0);
			virtio_fail(&in->v, "an event buffer has only %u bytes", in->chain.in_len);
			return false;
		}
		iov_put(in->chain.iov + in->chain.nout, in->chain.nin, 0, &f->ev[i], EVENT_LEN);
		virtq_push(q, in->chain.head, EVENT_LEN);
	}
	virtq_flush(q);
	return true;
}

static bool tell_key(struct virtio_input *in, unsigned code, int value)
{
	struct frame f = {0};
	frame_add(&f, EV_KEY, code, value);
	if (!frame_send(in, &f))
		return false;
	in->told[code / 8] &= (uint8_t)~(1u << code % 8);
	if (value)
		set_bit(in->told, code);
	return true;
}

/* Keys that went up when there was no buffer to say so. */
static void tell_releases(struct virtio_input *in)
{
	for (unsigned code = 0; code < KEYCODE_MAX; code++)
		if (get_bit(in->told, code) && !get_bit(in->down, code) && !tell_key(in, code, 0))
			return;
}

static void key(struct dev *d, unsigned code, bool down)
{
	struct virtio_input *in = (struct virtio_input *)d;
	if (code >= KEYCODE_MAX)
		return;
	bool before = get_bit(in->down, code);
	in->down[code / 8] &= (uint8_t)~(1u << code % 8);
	if (down)
		set_bit(in->down, code);
	tell_releases(in);
	if (down)
		tell_key(in, code, before && get_bit(in->told, code) ? 2 : 1);
}

/* A frame of all that differs from what the driver knows. */
static void tell_pointer(struct virtio_input *in)
{
	struct frame f = {0};
	const struct pointer_state *now = &in->now, *seen = &in->seen;
	bool abs = kind_of(&in->v)->absolute;
	if (abs && (!in->placed || now->x != seen->x))
		frame_add(&f, EV_ABS, ABS_X, now->x);
	if (abs && (!in->placed || now->y != seen->y))
		frame_add(&f, EV_ABS, ABS_Y, now->y);
	if (!abs && now->x)
		frame_add(&f, EV_REL, REL_X, now->x);
	if (!abs && now->y)
		frame_add(&f, EV_REL, REL_Y, now->y);
	if (now->wheel)
		frame_add(&f, EV_REL, REL_WHEEL, now->wheel);
	if (now->hwheel)
		frame_add(&f, EV_REL, REL_HWHEEL, now->hwheel);
	for (size_t i = 0; i < ARRAY_SIZE(buttons); i++)
		if ((now->buttons ^ seen->buttons) & buttons[i].mask)
			frame_add(&f, EV_KEY, buttons[i].code, (now->buttons & buttons[i].mask) != 0);
	if (!f.n || !frame_send(in, &f))
		return;
	if (!abs)
		in->now.x = in->now.y = 0;
	in->now.wheel = in->now.hwheel = 0;
	in->seen = in->now;
	in->placed = true;
}

static void sum_up(int *sum, int step)
{
	if (__builtin_add_overflow(*sum, step, sum) || *sum > SUM_MAX || *sum < -SUM_MAX)
		*sum = step < 0 ? -SUM_MAX : SUM_MAX;
}

static void pointer(struct dev *d, const struct input_pointer *p)
{
	struct virtio_input *in = (struct virtio_input *)d;
	if (kind_of(&in->v)->absolute) {
		in->now.x = p->x;
		in->now.y = p->y;
	} else {
		sum_up(&in->now.x, p->x);
		sum_up(&in->now.y, p->y);
	}
	sum_up(&in->now.wheel, p->wheel);
	sum_up(&in->now.hwheel, p->hwheel);
	in->now.buttons = p->buttons;
	in->heard = true;
	tell_pointer(in);
}

/* Events from the driver: LEDs */

static void take_status(struct virtio_input *in, const struct event *ev)
{
	struct machine *m = in->v.pci.dev.m;
	unsigned led = ev->code == LED_NUML      ? INPUT_LED_NUM
		       : ev->code == LED_CAPSL   ? INPUT_LED_CAPS
		       : ev->code == LED_SCROLLL ? INPUT_LED_SCROLL
						 : 0;
	if (ev->type != EV_LED || !kind_of(&in->v)->keyboard)
		return;
	input_set_leds(m, ev->value ? input_leds(m) | led : input_leds(m) & ~led);
}

static void read_status(struct virtio_input *in, struct virtq *q)
{
	unsigned n = 0;
	do {
		for (; n < ROUND_MAX && virtq_pop(q, &in->chain) == 1; n++) {
			struct event ev;
			if (iov_get(in->chain.iov, in->chain.nout, 0, &ev, EVENT_LEN) == EVENT_LEN)
				take_status(in, &ev);
			virtq_push(q, in->chain.head, 0);
		}
	} while (n < ROUND_MAX && virtq_rearm(q));
	virtq_flush(q);
	if (n == ROUND_MAX)
		virtq_ring(q);
}

static void notify(struct virtio_dev *v, struct virtq *q)
{
	struct virtio_input *in = (struct virtio_input *)v;
	if (q->index == STATUSQ) {
		read_status(in, q);
	} else if (kind_of(v)->keyboard) {
		tell_releases(in);
	} else if (in->heard) {
		tell_pointer(in);
	}
}

/* Life */

static void ready(struct virtio_dev *v)
{
	input_changed(v->pci.dev.m);
}

static void forget(struct virtio_dev *v)
{
	struct virtio_input *in = (struct virtio_input *)v;
	memset(in->down, 0, sizeof(in->down));
	memset(in->told, 0, sizeof(in->told));
	in->now = in->seen = (struct pointer_state){0};
	in->heard = in->placed = false;
	if (kind_of(v)->keyboard)
		input_set_leds(v->pci.dev.m, 0);
	input_changed(v->pci.dev.m);
}

static bool active(struct dev *d)
{
	return virtio_live((struct virtio_dev *)d);
}

static const struct input_sink keyboard_sink = {.rank = INPUT_RANK_VIRTIO, .key_active = active, .key = key};
static const struct input_sink mouse_sink = {
	.rank = INPUT_RANK_VIRTIO_MOUSE, .pointer_active = active, .pointer = pointer};
static const struct input_sink tablet_sink = {
	.rank = INPUT_RANK_VIRTIO, .absolute = true, .pointer_active = active, .pointer = pointer};

#define CLASS(rev)                                                                                                     \
	{.type = 18, .class_rev = (rev), .queue_size = QUEUE_SIZE, .notify = notify, .ready = ready, .reset = forget,      \
	 .config_write = config_write}

/* Indexed as product - 1. */
static const struct virtio_class classes[] = {CLASS(0x09000000), CLASS(0x09020000), CLASS(0x09800000)};
static const struct kind kinds[] = {
	{"vmdeck virtio keyboard", 1, true, false, &keyboard_sink},
	{"vmdeck virtio mouse", 2, false, false, &mouse_sink},
	{"vmdeck virtio tablet", 3, false, true, &tablet_sink},
};

static const struct kind *kind_of(const struct virtio_dev *v)
{
	return &kinds[v->class - classes];
}

static int init(struct dev *d, const struct dev_def *def, unsigned kind, struct err *e)
{
	struct virtio_input *in = (struct virtio_input *)d;
	in->v.class = &classes[kind];
	in->v.config_len = CFG_LEN;
	int rc = virtio_init(&in->v, def, QUEUES, e);
	return rc ? rc : input_sink_add(d->m, d, kinds[kind].sink, e);
}

static int keyboard_init(struct dev *d, const struct dev_def *def, struct err *e)
{
	return init(d, def, 0, e);
}

static int mouse_init(struct dev *d, const struct dev_def *def, struct err *e)
{
	return init(d, def, 1, e);
}

static int tablet_init(struct dev *d, const struct dev_def *def, struct err *e)
{
	return init(d, def, 2, e);
}

static void reset(struct dev *d)
{
	struct virtio_dev *v = (struct virtio_dev *)d;
	virtio_reset(v);
	memset(v->config, 0, CFG_LEN);
}

static void dump(const struct dev *d, FILE *f)
{
	virtio_dump((const struct virtio_dev *)d, f);
}

static void done(struct dev *d)
{
	input_sink_remove(d->m, d);
	virtio_done((struct virtio_dev *)d);
}

const struct dev_type virtio_keyboard_type = {
	.model = "virtio-keyboard",
	.summary = "keyboard (virtio)",
	.bus = DEV_BUS_PCI,
	.size = sizeof(struct virtio_input),
	.init = keyboard_init,
	.reset = reset,
	.dump = dump,
	.done = done,
};

const struct dev_type virtio_mouse_type = {
	.model = "virtio-mouse",
	.summary = "wheel mouse (virtio)",
	.bus = DEV_BUS_PCI,
	.size = sizeof(struct virtio_input),
	.init = mouse_init,
	.reset = reset,
	.dump = dump,
	.done = done,
};

const struct dev_type virtio_tablet_type = {
	.model = "virtio-tablet",
	.summary = "pointer that knows where it is (virtio)",
	.bus = DEV_BUS_PCI,
	.size = sizeof(struct virtio_input),
	.init = tablet_init,
	.reset = reset,
	.dump = dump,
	.done = done,
};
