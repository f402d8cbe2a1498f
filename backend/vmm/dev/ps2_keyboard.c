/* A PS/2 keyboard: commands, and scan codes of sets 1, 2 and 3. (IBM PS/2 Hardware Interface Technical
 * Reference, "Keyboards (101- and 102-Key)"; USB HID to PS/2 Scan Code Translation Table) Repeats come from
 * whoever types. */
#include "backend/vmm/dev/ps2.h"

#include <linux/input-event-codes.h>
#include <string.h>

#include "src/proto/keycode.h"

enum { MOD_CTRL = 1, MOD_CTRL_R = 2, MOD_ALT = 4, MOD_ALT_R = 8 };

void ps2_queue_put(struct ps2_queue *q, const void *bytes, unsigned n)
{
	const uint8_t *p = bytes;
	if (q->n + n > PS2_QUEUE)
		return; /* all or nothing: half a packet would put the driver out of step */
	for (unsigned i = 0; i < n; i++)
		q->byte[(q->first + q->n++) % PS2_QUEUE] = p[i];
}

uint8_t ps2_queue_get(struct ps2_queue *q)
{
	uint8_t byte = q->byte[q->first];
	q->first = (q->first + 1) % PS2_QUEUE;
	q->n--;
	return byte;
}

bool ps2_port_has(const struct ps2_port *p)
{
	return p->answers.n || p->events.n;
}

uint8_t ps2_port_get(struct ps2_port *p)
{
	p->last = ps2_queue_get(p->answers.n ? &p->answers : &p->events);
	return p->last;
}

void ps2_port_clear(struct ps2_port *p)
{
	p->answers.n = p->events.n = 0;
}

static void answer(struct ps2_keyboard *kb, uint8_t byte)
{
	ps2_queue_put(&kb->port.answers, &byte, 1);
}

static void defaults(struct ps2_keyboard *kb, bool scanning)
{
	kb->set = 2;
	kb->scanning = scanning;
	kb->pending = 0;
	kb->port.events.n = 0;
	input_set_leds(kb->m, 0);
}

void ps2_keyboard_reset(struct ps2_keyboard *kb)
{
	ps2_port_clear(&kb->port);
	kb->mods = 0;
	kb->pause = kb->attn = false;
	defaults(kb, true);
}

static void argument(struct ps2_keyboard *kb, uint8_t cmd, uint8_t val)
{
	answer(kb, PS2_ACK);
	if (cmd == 0xed)
		input_set_leds(kb->m, val & 7);
	else if (cmd == 0xf0 && val == 0)
		answer(kb, kb->set);
	else if (cmd == 0xf0 && val <= 3)
		kb->set = val;
}

static void command(struct ps2_keyboard *kb, uint8_t val)
{
	switch (val) {
	case 0xee: /* echo */
		answer(kb, val);
		break;
	case 0xed: /* LEDs */
	case 0xf0: /* scan code set */
	case 0xf3: /* rate and delay */
	case 0xfb: /* what one key sends (set 3) */
	case 0xfc:
	case 0xfd:
		kb->pending = val;
		answer(kb, PS2_ACK);
		break;
	case 0xf2: /* identify */
		ps2_queue_put(&kb->port.answers, (uint8_t[]){PS2_ACK, 0xab, 0x83}, 3);
		break;
	case 0xf4: /* enable */
		kb->port.events.n = 0;
		kb->scanning = true;
		answer(kb, PS2_ACK);
		break;
	case 0xf5: /* defaults, disabled */
	case 0xf6: /* defaults, enabled */
		defaults(kb, val == 0xf6);
		answer(kb, PS2_ACK);
		break;
	case 0xf7: /* what all keys send (set 3): all send make and break here */
	case 0xf8:
	case 0xf9:
	case 0xfa:
		answer(kb, PS2_ACK);
		break;
	case 0xfe:
		answer(kb, kb->port.last);
		break;
	case 0xff:
		ps2_port_clear(&kb->port);
		defaults(kb, true);
		ps2_queue_put(&kb->port.answers, (uint8_t[]){PS2_ACK, PS2_TEST_PASSED}, 2);
		break;
	default:
		answer(kb, PS2_RESEND);
	}
}

void ps2_keyboard_write(struct ps2_keyboard *kb, uint8_t val)
{
	uint8_t cmd = kb->pending;
	kb->pending = 0;
	if (cmd && val < 0xed)
		argument(kb, cmd, val);
	else
		command(kb, val);
}

static void note_modifier(struct ps2_keyboard *kb, unsigned code, bool down)
{
	uint8_t bit = code == KEY_LEFTCTRL    ? MOD_CTRL
		      : code == KEY_RIGHTCTRL ? MOD_CTRL_R
		      : code == KEY_LEFTALT   ? MOD_ALT
		      : code == KEY_RIGHTALT  ? MOD_ALT_R
					      : 0;
	kb->mods = down ? kb->mods | bit : kb->mods & (uint8_t)~bit;
}

static unsigned bytes(uint8_t out[8], const char *p, unsigned n)
{
	memcpy(out, p, n);
	return n;
}

/* Alt with PrtSc is a key of its own; it goes up as it went down. */
static unsigned attn(struct ps2_keyboard *kb, bool down, uint8_t out[8])
{
	if (kb->set == 1)
		return bytes(out, down ? "\x54" : "\xd4", 1);
	return down ? bytes(out, "\x84", 1) : bytes(out, "\xf0\x84", 2);
}

/* Pause sends all at once and does not repeat; with Ctrl it is Break. */
static unsigned pause_key(struct ps2_keyboard *kb, bool down, uint8_t out[8])
{
	bool again = down && kb->pause;
	kb->pause = down;
	if (!down || again)
		return 0;
	if (!(kb->mods & (MOD_CTRL | MOD_CTRL_R)))
		return kb->set == 1 ? keycode_set1(KEY_PAUSE, true, out) : keycode_set2(KEY_PAUSE, true, out);
	return kb->set == 1 ? bytes(out, "\xe0\x46\xe0\xc6", 4) : bytes(out, "\xe0\x7e\xe0\xf0\x7e", 5);
}

static unsigned set3(unsigned code, bool down, uint8_t out[8])
{
	unsigned n = 0;
	uint8_t c = keycode_set3(code);
	if (!c)
		return 0;
	if (!down)
		out[n++] = 0xf0;
	out[n++] = c;
	return n;
}

static unsigned sequence(struct ps2_keyboard *kb, unsigned code, bool down, uint8_t out[8])
{
	if (kb->set == 3)
		return set3(code, down, out);
	if (code == KEY_PAUSE)
		return pause_key(kb, down, out);
	if (code == KEY_SYSRQ && down)
		kb->attn = kb->mods & (MOD_ALT | MOD_ALT_R);
	if (code == KEY_SYSRQ && kb->attn)
		return attn(kb, down, out);
	return kb->set == 1 ? keycode_set1(code, down, out) : keycode_set2(code, down, out);
}

void ps2_keyboard_key(struct ps2_keyboard *kb, unsigned code, bool down)
{
	uint8_t out[8];
	note_modifier(kb, code, down);
	unsigned n = sequence(kb, code, down, out);
	if (kb->scanning)
		ps2_queue_put(&kb->port.events, out, n);
}
