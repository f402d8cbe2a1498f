/* Theory of operation. m->input holds the sinks (devices that take keys or pointer frames) and what is down.
 * A key goes down at the active sink of the highest rank and goes up where it went down, even when another
 * sink has become the better one meanwhile: no device is left with a key that it never sees released. Buttons
 * the same: when frames begin to go to another device while some are down, the old one gets a frame without
 * them.
 *
 * An absolute frame for a device that only knows movement becomes the way from the last absolute frame, in
 * pixels of the screen; one that comes to an edge pushes the guest's pointer there from wherever it has
 * drifted to. A movement for a device that only knows positions goes from the last position. */
#include "backend/vmm/input.h"

#include <errno.h>
#include <stdlib.h>

#include "backend/vmm/device.h"
#include "backend/vmm/display/display.h"
#include "backend/vmm/machine.h"

#define SINKS_MAX 16
#define KEYS_MAX 256
#define SCREEN_WIDTH 1024 /* when there is no picture */
#define SCREEN_HEIGHT 768

struct member {
	struct dev *dev;
	const struct input_sink *sink;
};

struct input {
	struct member sinks[SINKS_MAX];
	unsigned nsinks;
	struct member key_at[KEYS_MAX]; /* where that key is down; dev NULL = nowhere */
	struct member pointer_at;       /* who had the last frame */
	unsigned buttons;               /* that are down there */
	bool have_last;                 /* the last frame was absolute */
	int last_x, last_y;             /* the last position; where movement begins for a device of positions */
	unsigned leds;
	bool absolute;                  /* as the listener knows it */
	void (*changed)(void *ctx);
	void *ctx;
};

static struct input *get(struct machine *m)
{
	if (!m->input)
		m->input = calloc(1, sizeof(*m->input));
	return m->input;
}

/* Forget all when neither a device nor a listener is left. */
static void put(struct machine *m)
{
	if (m->input->nsinks || m->input->changed)
		return;
	free(m->input);
	m->input = NULL;
}

/* The active sink of the highest rank; of equals the one added last. */
static struct member best(const struct input *in, bool pointer)
{
	struct member found = {0};
	for (unsigned i = 0; i < in->nsinks; i++) {
		const struct member *s = &in->sinks[i];
		bool (*active)(struct dev *) = pointer ? s->sink->pointer_active : s->sink->key_active;
		if (active && active(s->dev) && (!found.dev || s->sink->rank >= found.sink->rank))
			found = *s;
	}
	return found;
}

static void tell(struct input *in)
{
	if (in->changed)
		in->changed(in->ctx);
}

void input_changed(struct machine *m)
{
	struct input *in = m->input;
	if (!in)
		return;
	bool now = input_absolute(m);
	if (now == in->absolute)
		return;
	in->absolute = now;
	in->have_last = false;
	tell(in);
}

int input_sink_add(struct machine *m, struct dev *dev, const struct input_sink *sink, struct err *e)
{
	struct input *in = get(m);
	if (!in)
		return err_set(e, ENOMEM, "%s: out of memory", dev->name);
	if (in->nsinks == SINKS_MAX)
		return err_set(e, ENOSPC, "%s: more than %d input devices", dev->name, SINKS_MAX);
	in->sinks[in->nsinks++] = (struct member){dev, sink};
	input_changed(m);
	return 0;
}

void input_sink_remove(struct machine *m, struct dev *dev)
{
	struct input *in = m->input;
	unsigned kept = 0;
	if (!in)
		return;
	for (unsigned i = 0; i < in->nsinks; i++)
		if (in->sinks[i].dev != dev)
			in->sinks[kept++] = in->sinks[i];
	in->nsinks = kept;
	for (unsigned i = 0; i < KEYS_MAX; i++)
		if (in->key_at[i].dev == dev)
			in->key_at[i] = (struct member){0};
	if (in->pointer_at.dev == dev) {
		in->pointer_at = (struct member){0};
		in->buttons = 0;
	}
	input_changed(m);
	put(m);
}

bool input_key_waits(struct machine *m)
{
	struct member k = m->input ? best(m->input, false) : (struct member){0};
	return k.dev && k.sink->key_waits && k.sink->key_waits(k.dev);
}

void input_key(struct machine *m, unsigned code, bool down)
{
	struct input *in = m->input;
	if (!in || !code || code >= KEYS_MAX)
		return;
	struct member *at = &in->key_at[code];
	if (at->dev && !at->sink->key_active(at->dev)) /* reset meanwhile: it has forgotten the key */
		*at = (struct member){0};
	if (!at->dev) {
		if (!down)
			return;
		*at = best(in, false);
		if (!at->dev)
			return;
	}
	struct member to = *at;
	if (!down)
		*at = (struct member){0};
	to.sink->key(to.dev, code, down);
}

/* The screen's last column and line. */
static void screen_ends(const struct machine *m, int *x, int *y)
{
	const struct surface *s = m->display ? display_surface(m->display) : NULL;
	*x = (int)(s && s->width > 1 ? s->width : SCREEN_WIDTH) - 1;
	*y = (int)(s && s->height > 1 ? s->height : SCREEN_HEIGHT) - 1;
}

static int pixel(int at, int end)
{
	return (at * end + INPUT_ABS_MAX / 2) / INPUT_ABS_MAX;
}

/* From the last position to @at, on an axis of @end pixels. */
static int way(const struct input *in, int last, int at, int end)
{
	bool edge = at == 0 || at == INPUT_ABS_MAX;
	if (edge && (!in->have_last || at != last))
		return at ? end : -end;
	return in->have_last ? pixel(at, end) - pixel(last, end) : 0;
}

/* What @p is for a device that only knows movement. */
static struct input_pointer relative(struct machine *m, const struct input_pointer *p)
{
	int x, y;
	struct input_pointer r = *p;
	screen_ends(m, &x, &y);
	r.absolute = false;
	r.x = way(m->input, m->input->last_x, p->x, x);
	r.y = way(m->input, m->input->last_y, p->y, y);
	return r;
}

static int clamp(int v)
{
	return v < 0 ? 0 : v > INPUT_ABS_MAX ? INPUT_ABS_MAX : v;
}

static int clamp_step(int v)
{
	return v < -INPUT_ABS_MAX ? -INPUT_ABS_MAX : v > INPUT_ABS_MAX ? INPUT_ABS_MAX : v;
}

/* What @p, a movement, is for a device that only knows positions. */
static struct input_pointer absolute(struct machine *m, const struct input_pointer *p)
{
	int x, y;
	struct input_pointer a = *p;
	screen_ends(m, &x, &y);
	a.absolute = true;
	a.x = clamp(m->input->last_x + clamp_step(p->x) * INPUT_ABS_MAX / x);
	a.y = clamp(m->input->last_y + clamp_step(p->y) * INPUT_ABS_MAX / y);
	return a;
}

static bool same_sink(struct member a, struct member b)
{
	return a.dev == b.dev && a.sink == b.sink;
}

/* All buttons up, nothing moved. */
static void let_go(struct input *in)
{
	struct member at = in->pointer_at;
	struct input_pointer up = {.absolute = at.dev && at.sink->absolute};
	if (up.absolute) {
		up.x = in->last_x;
		up.y = in->last_y;
	}
	if (at.dev && in->buttons)
		at.sink->pointer(at.dev, &up);
	in->buttons = 0;
}

void input_pointer(struct machine *m, const struct input_pointer *p)
{
	struct input *in = m->input;
	if (!in)
		return;
	struct input_pointer frame = *p;
	if (frame.absolute) {
		frame.x = clamp(frame.x);
		frame.y = clamp(frame.y);
	}
	struct member to = best(in, true);
	if (!same_sink(in->pointer_at, to))
		let_go(in);
	in->pointer_at = to;
	in->buttons = to.dev ? frame.buttons : 0;
	struct input_pointer sent = frame;
	if (to.dev && frame.absolute != to.sink->absolute)
		sent = frame.absolute ? relative(m, &frame) : absolute(m, &frame);
	in->have_last = frame.absolute;
	if (sent.absolute || frame.absolute) {
		in->last_x = frame.absolute ? frame.x : sent.x;
		in->last_y = frame.absolute ? frame.y : sent.y;
	}
	if (to.dev)
		to.sink->pointer(to.dev, &sent);
}

void input_release(struct machine *m)
{
	struct input *in = m->input;
	if (!in)
		return;
	for (unsigned code = 1; code < KEYS_MAX; code++)
		input_key(m, code, false); /* does nothing for what is not down */
	let_go(in);
	in->have_last = false;
}

bool input_absolute(struct machine *m)
{
	struct member to = m->input ? best(m->input, true) : (struct member){0};
	return to.dev && to.sink->absolute;
}

unsigned input_leds(const struct machine *m)
{
	return m->input ? m->input->leds : 0;
}

void input_set_leds(struct machine *m, unsigned leds)
{
	struct input *in = get(m);
	if (!in || in->leds == leds)
		return;
	in->leds = leds;
	tell(in);
}

void input_listen(struct machine *m, void (*changed)(void *ctx), void *ctx)
{
	struct input *in = get(m);
	if (!in)
		return;
	in->changed = changed;
	in->ctx = ctx;
	put(m);
}
