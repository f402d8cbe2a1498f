/* A PS/2 mouse with a wheel and five buttons, as far as the driver knocks for them. (IBM PS/2 Hardware
 * Interface Technical Reference, "Mouse"; Microsoft, "IntelliMouse" and "Explorer" extensions)
 *
 * Movement is summed up while a packet waits for the driver; a packet carries at most STEP_MAX each way and
 * the rest follows in the next, so that nothing is lost. A change of the buttons is a packet of its own. One
 * unit of movement is one count, whatever resolution and rate are set. */
#include "backend/vmm/dev/ps2.h"

#include <string.h>

#define STEP_MAX 255
#define SUM_MAX 100000 /* of a mouse that nobody reads */
#define PACKETS_MAX 8

static void answer(struct ps2_mouse *ms, uint8_t byte)
{
	ps2_queue_put(&ms->port.answers, &byte, 1);
}

static void forget_movement(struct ps2_mouse *ms)
{
	ms->dx = ms->dy = ms->dz = ms->dw = 0;
	ms->port.events.n = 0;
}

static void defaults(struct ps2_mouse *ms)
{
	ms->rate = 100;
	ms->resolution = 2;
	ms->reporting = ms->wrap = ms->remote = ms->scale21 = false;
	ms->pending = 0;
	forget_movement(ms);
}

void ps2_mouse_reset(struct ps2_mouse *ms)
{
	ps2_port_clear(&ms->port);
	ms->id = 0;
	ms->buttons = ms->reported = 0;
	memset(ms->rates, 0, sizeof(ms->rates));
	defaults(ms);
}

/* Packets */

static int take(int *sum, int max)
{
	int part = *sum > max ? max : *sum < -max ? -max : *sum;
	*sum -= part;
	return part;
}

/* Scaling 2:1, of the technical reference's table. */
static int scaled(const struct ps2_mouse *ms, int v)
{
	static const uint8_t small[] = {0, 1, 1, 3, 6, 9};
	int size = v < 0 ? -v : v;
	if (!ms->scale21 || ms->remote)
		return v;
	int out = size < (int)sizeof(small) ? small[size] : 2 * size;
	out = out > STEP_MAX ? STEP_MAX : out;
	return v < 0 ? -out : out;
}

/* The fourth byte: the wheel; with five buttons also those, or the other wheel (Explorer 4.0: 01, six
 * bits). */
static uint8_t fourth(struct ps2_mouse *ms)
{
	if (ms->id == 3)
		return (uint8_t)take(&ms->dz, 127);
	uint8_t more =
	    (ms->buttons & INPUT_BUTTON_SIDE ? 0x10 : 0) | (ms->buttons & INPUT_BUTTON_EXTRA ? 0x20 : 0);
	if (!ms->dz && ms->dw && ms->buttons == ms->reported && !more)
		return (uint8_t)(0x40 | (-take(&ms->dw, 31) & 0x3f));
	return (uint8_t)((take(&ms->dz, 7) & 0x0f) | more);
}

static unsigned packet(struct ps2_mouse *ms, uint8_t out[4])
{
	int x = scaled(ms, take(&ms->dx, STEP_MAX)), y = scaled(ms, take(&ms->dy, STEP_MAX));
	out[0] =
	    (uint8_t)(0x08 | (ms->buttons & INPUT_BUTTON_LEFT ? 1 : 0) |
		      (ms->buttons & INPUT_BUTTON_RIGHT ? 2 : 0) |
		      (ms->buttons & INPUT_BUTTON_MIDDLE ? 4 : 0) | (x < 0 ? 0x10 : 0) | (y < 0 ? 0x20 : 0));
	out[1] = (uint8_t)x;
	out[2] = (uint8_t)y;
	if (ms->id)
		out[3] = fourth(ms);
	if (!ms->id)
		ms->dz = 0;
	if (ms->id != 4)
		ms->dw = 0;
	ms->reported = ms->buttons;
	return ms->id ? 4 : 3;
}

static bool streaming(const struct ps2_mouse *ms)
{
	return ms->reporting && !ms->remote && !ms->wrap;
}

static void queue_packet(struct ps2_mouse *ms)
{
	uint8_t out[4];
	if (streaming(ms) && ms->port.events.n < PACKETS_MAX * 4)
		ps2_queue_put(&ms->port.events, out, packet(ms, out));
}

/* Is there anything that a packet would tell? */
static bool news(const struct ps2_mouse *ms)
{
	return ms->dx || ms->dy || (ms->id && ms->dz) || (ms->id == 4 && ms->dw) ||
	       ms->buttons != ms->reported;
}

void ps2_mouse_more(struct ps2_mouse *ms)
{
	if (!ms->port.events.n && news(ms))
		queue_packet(ms);
}

void ps2_mouse_nudge(struct ps2_mouse *ms)
{
	if (!ms->port.events.n)
		queue_packet(ms);
}

static void sum_up(int *sum, int step)
{
	if (__builtin_add_overflow(*sum, step, sum) || *sum > SUM_MAX || *sum < -SUM_MAX)
		*sum = step < 0 ? -SUM_MAX : SUM_MAX;
}

static int negated(int v)
{
	return v < -SUM_MAX ? SUM_MAX : -v;
}

void ps2_mouse_frame(struct ps2_mouse *ms, const struct input_pointer *p)
{
	bool click = p->buttons != ms->buttons;
	if (!ms->reporting && !ms->remote) {
		ms->buttons = p->buttons;
		return;
	}
	sum_up(&ms->dx, p->x);
	sum_up(&ms->dy, negated(p->y));
	sum_up(&ms->dz, negated(p->wheel));
	sum_up(&ms->dw, p->hwheel);
	if (click && news(ms)) /* it goes to where the click is, and then clicks */
		queue_packet(ms);
	ms->buttons = p->buttons;
	if (click)
		queue_packet(ms);
	else
		ps2_mouse_more(ms);
}

/* Commands */

static void set_rate(struct ps2_mouse *ms, uint8_t rate)
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

static void argument(struct ps2_mouse *ms, uint8_t cmd, uint8_t val)
{
	if (cmd == 0xf3)
		set_rate(ms, val);
	else
		ms->resolution = val & 3;
	answer(ms, PS2_ACK);
}

static void status(struct ps2_mouse *ms)
{
	uint8_t flags = (ms->remote ? 0x40 : 0) | (ms->reporting ? 0x20 : 0) | (ms->scale21 ? 0x10 : 0) |
			(ms->buttons & INPUT_BUTTON_LEFT ? 4 : 0) |
			(ms->buttons & INPUT_BUTTON_MIDDLE ? 2 : 0) |
			(ms->buttons & INPUT_BUTTON_RIGHT ? 1 : 0);
	ps2_queue_put(&ms->port.answers, (uint8_t[]){PS2_ACK, flags, ms->resolution, ms->rate}, 4);
}

static void read_data(struct ps2_mouse *ms)
{
	uint8_t out[5] = {PS2_ACK};
	unsigned n = packet(ms, out + 1);
	ps2_queue_put(&ms->port.answers, out, n + 1);
}

static void set_mode(struct ps2_mouse *ms, bool *flag, bool on)
{
	*flag = on;
	forget_movement(ms);
	answer(ms, PS2_ACK);
}

static void command(struct ps2_mouse *ms, uint8_t val)
{
	switch (val) {
	case 0xe6: /* scaling 1:1 */
	case 0xe7: /* 2:1 */
		ms->scale21 = val == 0xe7;
		answer(ms, PS2_ACK);
		break;
	case 0xe8: /* resolution */
	case 0xf3: /* sample rate */
		ms->pending = val;
		answer(ms, PS2_ACK);
		break;
	case 0xe9:
		status(ms);
		break;
	case 0xea: /* stream, remote mode */
	case 0xf0:
		set_mode(ms, &ms->remote, val == 0xf0);
		break;
	case 0xeb:
		read_data(ms);
		break;
	case 0xec: /* leave, enter wrap mode */
	case 0xee:
		set_mode(ms, &ms->wrap, val == 0xee);
		break;
	case 0xf2:
		ps2_queue_put(&ms->port.answers, (uint8_t[]){PS2_ACK, ms->id}, 2);
		break;
	case 0xf4: /* reporting on, off */
	case 0xf5:
		set_mode(ms, &ms->reporting, val == 0xf4);
		break;
	case 0xf6:
		defaults(ms);
		answer(ms, PS2_ACK);
		break;
	case 0xfe:
		answer(ms, ms->port.last);
		break;
	case 0xff:
		ps2_mouse_reset(ms);
		ps2_queue_put(&ms->port.answers, (uint8_t[]){PS2_ACK, PS2_TEST_PASSED, 0}, 3);
		break;
	default:
		answer(ms, PS2_RESEND);
	}
}

void ps2_mouse_write(struct ps2_mouse *ms, uint8_t val)
{
	uint8_t cmd = ms->pending;
	ms->pending = 0;
	if (cmd)
		argument(ms, cmd, val);
	else if (ms->wrap && val != 0xec && val != 0xff)
		answer(ms, val);
	else
		command(ms, val);
}
