#include "backend/vmm/input_control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/vmm/input.h"
#include "backend/vmm/machine.h"
#include "backend/vmm/timer.h"
#include "src/base/cleanup.h"
#include "src/proto/keycode.h"

#define KEYS_MAX 16     /* of one send-key, as in libvirt */
#define WAITING_MAX 16384 /* of all of them */
#define HOLD_MS 100
#define TYPE_MS 10
#define HOLD_MS_MAX 60000
#define EVENTS_MAX 64
#define LOOK_NS 4000000u        /* until a keyboard that was not read is looked at again */
#define STALLED_NS 2000000000u  /* a guest that has not read it by then is typed at all the same: a real keyboard would not care */

struct typed {
	uint8_t code;
	bool down;
	uint16_t hold_ms; /* until the next */
};

/* m->typing: what waits, and where input-send-event has left the pointer. */
struct typing {
	struct timer timer;
	bool waiting; /* the timer runs */
	uint64_t stalled_ns; /* since when the guest has not read the keyboard, 0 = it has */
	struct typed ring[WAITING_MAX];
	unsigned first, n;
	struct input_pointer at;
};

/* Is the keyboard to be left in peace, since the guest has not taken what was typed before? */
static bool stalled(struct machine *m, struct typing *t)
{
	if (!input_key_waits(m)) {
		t->stalled_ns = 0;
		return false;
	}
	if (!t->stalled_ns)
		t->stalled_ns = machine_now(m);
	return machine_now(m) - t->stalled_ns < STALLED_NS;
}

/* Send what is due, up to the next wait. */
static void advance(struct machine *m, struct typing *t)
{
	while (t->n && !t->waiting) {
		if (stalled(m, t)) {
			t->waiting = true;
			timer_set(&t->timer, machine_now(m) + LOOK_NS);
			return;
		}
		struct typed *k = &t->ring[t->first];
		t->first = (t->first + 1) % WAITING_MAX;
		t->n--;
		input_key(m, k->code, k->down);
		t->waiting = k->hold_ms;
		if (t->waiting)
			timer_set(&t->timer, machine_now(m) + k->hold_ms * 1000000ull);
	}
}

static void due(void *ctx)
{
	struct typing *t = ctx;
	t->waiting = false;
	advance(t->timer.m, t);
}

int input_control_init(struct machine *m, struct err *e)
{
	m->typing = calloc(1, sizeof(*m->typing));
	if (!m->typing)
		return err_set(e, ENOMEM, "out of memory");
	return timer_init(&m->typing->timer, m, due, m->typing, e);
}

void input_control_done(struct machine *m)
{
	if (m->typing)
		timer_done(&m->typing->timer);
	free(m->typing);
	m->typing = NULL;
}

static void add(struct typing *t, unsigned code, bool down, unsigned hold_ms)
{
	t->ring[(t->first + t->n++) % WAITING_MAX] = (struct typed){(uint8_t)code, down, (uint16_t)hold_ms};
}

/* A KeyValue; its Linux code, or 0 with @e filled. */
static unsigned key_value(const json_t *key, struct err *e)
{
	const char *type = json_str(key, "type", "");
	const json_t *data = json_object_get(key, "data");
	if (!strcmp(type, "qcode")) {
		const char *name = json_string_value(data);
		unsigned code = name ? keycode_from_name(name) : 0;
		if (!code)
			err_set(e, EINVAL, "there is no key '%.40s'", name ? name : "");
		return code;
	}
	int64_t number = json_int(key, "data", 0);
	unsigned code = 0;
	if (!strcmp(type, "number")) {
		code = number > 0 && number < 0x10000 ? keycode_from_xt((unsigned)number) : 0;
	} else if (!strcmp(type, "x-linux")) {
		code = number > 0 && number < KEYCODE_MAX && keycode_name((unsigned)number) ? (unsigned)number
											    : 0;
	} else {
		err_set(e, EINVAL, "a key's type is 'qcode', 'number' or 'x-linux', not '%.40s'", type);
		return 0;
	}
	if (!code)
		err_set(e, EINVAL, "there is no key with the number %lld", (long long)number);
	return code;
}

int input_send_key(struct machine *m, const json_t *args, json_t **ret, int *fd, struct err *e)
{
	const json_t *keys = json_object_get(args, "keys");
	size_t n = json_array_size(keys);
	int64_t hold_ms = json_int(args, "hold-time", HOLD_MS);
	unsigned codes[KEYS_MAX];
	if (!n || n > KEYS_MAX)
		return err_set(e, EINVAL, "send-key wants \"keys\": 1 to %d of them", KEYS_MAX);
	if (hold_ms < 0 || hold_ms > HOLD_MS_MAX)
		return err_set(e, EINVAL, "hold-time is 0 to %d ms, not %lld", HOLD_MS_MAX,
			       (long long)hold_ms);
	for (size_t i = 0; i < n; i++)
		if (!(codes[i] = key_value(json_array_get(keys, i), e)))
			return -EINVAL;
	int rc = 0;
	pthread_mutex_lock(&m->lock);
	struct typing *t = m->typing;
	if (t->n + 2 * n > WAITING_MAX) {
		rc =
		    err_set(e, EAGAIN,
			    "%u key events wait already: send fewer keys, or with a shorter hold-time", t->n);
	} else {
		for (size_t i = 0; i < n; i++)
			add(t, codes[i], true, (unsigned)hold_ms);
		for (size_t i = n; i-- > 0;)
			add(t, codes[i], false, (unsigned)hold_ms);
		advance(m, t);
	}
	pthread_mutex_unlock(&m->lock);
	return rc;
}

int input_type(struct machine *m, const json_t *args, json_t **ret, int *fd, struct err *e)
{
	const json_t *keys = json_object_get(args, "keys");
	size_t n = json_array_size(keys);
	int64_t hold_ms = json_int(args, "hold-time", TYPE_MS);
	if (hold_ms < 0 || hold_ms > HOLD_MS_MAX)
		return err_set(e, EINVAL, "hold-time is 0 to %d ms, not %lld", HOLD_MS_MAX,
			       (long long)hold_ms);
	for (size_t i = 0; i < n; i++) {
		int64_t key = json_integer_value(json_array_get(keys, i)), code = key < 0 ? -key : key;
		if (key <= -KEYCODE_MAX || key >= KEYCODE_MAX || !keycode_name((unsigned)code))
			return err_set(e, EINVAL, "there is no key with the number %lld", (long long)key);
	}
	int rc = 0;
	pthread_mutex_lock(&m->lock);
	struct typing *t = m->typing;
	if (t->n + n > WAITING_MAX)
		rc = err_set(e, EAGAIN, "%u key events wait already, there is no room for %zu more", t->n, n);
	for (size_t i = 0; !rc && i < n; i++) {
		int key = (int)json_integer_value(json_array_get(keys, i));
		add(t, (unsigned)(key < 0 ? -key : key), key > 0, (unsigned)hold_ms);
	}
	advance(m, t);
	*ret = json_object();
	json_set_int(*ret, "waiting", t->n);
	json_set_flag(*ret, "stalled", t->stalled_ns && machine_now(m) - t->stalled_ns >= STALLED_NS);
	pthread_mutex_unlock(&m->lock);
	return rc;
}

/* input-send-event */

static int event_key(struct machine *m, const json_t *data, bool *frame, struct input_pointer *p,
		     struct err *e)
{
	unsigned code = key_value(json_object_get(data, "key"), e);
	if (!code)
		return -EINVAL;
	input_key(m, code, json_flag(data, "down", false));
	return 0;
}

static int event_button(struct machine *m, const json_t *data, bool *frame, struct input_pointer *p,
			struct err *e)
{
	static const struct {
		const char *name;
		unsigned mask;
		int wheel, hwheel;
	} buttons[] = {
		{"left", INPUT_BUTTON_LEFT, 0, 0},   {"middle", INPUT_BUTTON_MIDDLE, 0, 0},
		{"right", INPUT_BUTTON_RIGHT, 0, 0}, {"side", INPUT_BUTTON_SIDE, 0, 0},
		{"extra", INPUT_BUTTON_EXTRA, 0, 0}, {"wheel-up", 0, 1, 0},
		{"wheel-down", 0, -1, 0},            {"wheel-right", 0, 0, 1},
		{"wheel-left", 0, 0, -1},
	};
	const char *name = json_str(data, "button", "");
	bool down = json_flag(data, "down", false);
	for (size_t i = 0; i < ARRAY_SIZE(buttons); i++) {
		if (strcmp(buttons[i].name, name))
			continue;
		p->buttons = down ? p->buttons | buttons[i].mask : p->buttons & ~buttons[i].mask;
		p->wheel += down ? buttons[i].wheel : 0;
		p->hwheel += down ? buttons[i].hwheel : 0;
		*frame = true;
		return 0;
	}
	return err_set(e, EINVAL, "there is no button '%.40s'", name);
}

static int event_move(const json_t *data, bool absolute, bool *frame, struct input_pointer *p, struct err *e)
{
	const char *axis = json_str(data, "axis", "");
	int64_t value = json_int(data, "value", 0);
	if (strcmp(axis, "x") && strcmp(axis, "y"))
		return err_set(e, EINVAL, "an axis is 'x' or 'y', not '%.40s'", axis);
	if (value < (absolute ? 0 : -INPUT_ABS_MAX) || value > INPUT_ABS_MAX)
		return err_set(e, EINVAL, "an axis goes to %d, not %lld", INPUT_ABS_MAX, (long long)value);
	if (p->absolute != absolute)
		p->x = p->y = 0;
	p->absolute = absolute;
	*(axis[0] == 'x' ? &p->x : &p->y) = (int)value;
	*frame = true;
	return 0;
}

static int event_rel(struct machine *m, const json_t *data, bool *frame, struct input_pointer *p,
		     struct err *e)
{
	return event_move(data, false, frame, p, e);
}

static int event_abs(struct machine *m, const json_t *data, bool *frame, struct input_pointer *p,
		     struct err *e)
{
	return event_move(data, true, frame, p, e);
}

static int send_events(struct machine *m, const json_t *events, struct err *e)
{
	static const struct {
		const char *type;
		int (*send)(struct machine *, const json_t *, bool *, struct input_pointer *, struct err *);
	} types[] = {{"abs", event_abs}, {"btn", event_button}, {"key", event_key}, {"rel", event_rel}};
	struct typing *t = m->typing;
	struct input_pointer p = t->at;
	bool frame = false;
	for (size_t i = 0; i < json_array_size(events); i++) {
		const json_t *event = json_array_get(events, i);
		const char *type = json_str(event, "type", "");
		int rc = -ENOENT;
		for (size_t k = 0; k < ARRAY_SIZE(types); k++)
			if (!strcmp(types[k].type, type))
				rc = types[k].send(m, json_object_get(event, "data"), &frame, &p, e);
		if (rc == -ENOENT)
			return err_set(e, EINVAL,
				       "an event's type is 'abs', 'btn', 'key' or 'rel', not '%.40s'", type);
		if (rc)
			return rc;
	}
	if (!frame)
		return 0;
	input_pointer(m, &p);
	p.wheel = p.hwheel = 0;
	if (!p.absolute)
		p.x = p.y = 0;
	t->at = p;
	return 0;
}

int input_send_event(struct machine *m, const json_t *args, json_t **ret, int *fd, struct err *e)
{
	const json_t *events = json_object_get(args, "events");
	size_t n = json_array_size(events);
	if (!n || n > EVENTS_MAX)
		return err_set(e, EINVAL, "input-send-event wants \"events\": 1 to %d of them", EVENTS_MAX);
	pthread_mutex_lock(&m->lock);
	int rc = send_events(m, events, e);
	pthread_mutex_unlock(&m->lock);
	return rc;
}
