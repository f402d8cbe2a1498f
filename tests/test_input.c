/* The way of keys and pointer frames to the device that takes them, with devices of the test. */
#include "tests/testlib.h"
#include "tests/vmmlib.h"

#include <errno.h>

#include "backend/vmm/input.h"
#include "backend/vmm/input_control.h"
#include "src/base/cleanup.h"

/* A device of the test: notes what it is sent. */
struct probe {
	struct dev dev;
	bool active;
	unsigned nkeys, nframes;
	unsigned key;
	bool down;
	struct input_pointer frame;
};

static struct vmm_test *t;
static struct probe low, high, mouse;
static unsigned told;

static bool is_active(struct dev *d)
{
	return ((struct probe *)d)->active;
}

static void got_key(struct dev *d, unsigned code, bool down)
{
	struct probe *p = (struct probe *)d;
	p->nkeys++;
	p->key = code;
	p->down = down;
}

static void got_frame(struct dev *d, const struct input_pointer *f)
{
	struct probe *p = (struct probe *)d;
	p->nframes++;
	p->frame = *f;
}

static bool lazy; /* the guest does not read the keyboard */

static bool waits(struct dev *d)
{
	return lazy;
}

static const struct input_sink low_sink = {1, false, is_active, got_key, waits, is_active, got_frame};
static const struct input_sink high_sink = {2, true, is_active, got_key, NULL, is_active, got_frame};
static const struct input_sink mouse_sink = {.rank = 3, .pointer_active = is_active, .pointer = got_frame};

static void changed(void *ctx)
{
	told++;
}

static void setup(void)
{
	struct err e;
	t = vmm_start(1);
	low = (struct probe){.dev = {.m = &t->m, .name = "low"}, .active = true};
	high = (struct probe){.dev = {.m = &t->m, .name = "high"}};
	mouse = (struct probe){.dev = {.m = &t->m, .name = "mouse"}};
	told = 0;
	input_listen(&t->m, changed, NULL);
	ck_assert_int_eq(input_sink_add(&t->m, &low.dev, &low_sink, &e), 0);
	ck_assert_int_eq(input_sink_add(&t->m, &high.dev, &high_sink, &e), 0);
	ck_assert_int_eq(input_sink_add(&t->m, &mouse.dev, &mouse_sink, &e), 0);
}

static void teardown(void)
{
	input_sink_remove(&t->m, &low.dev);
	input_sink_remove(&t->m, &high.dev);
	input_sink_remove(&t->m, &mouse.dev);
	input_listen(&t->m, NULL, NULL);
	ck_assert_ptr_null(t->m.input);
	vmm_stop(t);
}

static void set_active(struct probe *p, bool active)
{
	p->active = active;
	input_changed(&t->m);
}

static void point(int x, int y, unsigned buttons)
{
	input_pointer(&t->m, &(struct input_pointer){.absolute = true, .x = x, .y = y, .buttons = buttons});
}

static void move(int x, int y, unsigned buttons)
{
	input_pointer(&t->m, &(struct input_pointer){.x = x, .y = y, .buttons = buttons});
}

START_TEST(the_active_device_of_the_highest_rank_is_asked)
{
	input_key(&t->m, 30, true);
	ck_assert(low.nkeys == 1 && low.key == 30 && low.down);
	input_key(&t->m, 30, false);
	set_active(&high, true);
	set_active(&mouse, true); /* is no keyboard */
	input_key(&t->m, 31, true);
	ck_assert(high.nkeys == 1 && high.key == 31 && low.nkeys == 2);
	point(1, 2, 0);
	ck_assert(mouse.nframes == 1 && !high.nframes && !low.nframes);
	set_active(&mouse, false);
	point(1, 2, 0);
	ck_assert(high.nframes == 1 && high.frame.absolute && high.frame.x == 1 && high.frame.y == 2);
}
END_TEST

START_TEST(a_key_goes_up_where_it_went_down)
{
	input_key(&t->m, 30, true);
	set_active(&high, true);
	input_key(&t->m, 30, true); /* a repeat */
	input_key(&t->m, 30, false);
	ck_assert(low.nkeys == 3 && !low.down && !high.nkeys);
	input_key(&t->m, 30, false); /* is up */
	ck_assert(low.nkeys == 3 && !high.nkeys);
	input_key(&t->m, 30, true);
	set_active(&high, false); /* the guest has reset it: it knows of no key */
	input_key(&t->m, 30, false);
	ck_assert(high.nkeys == 1 && low.nkeys == 3);
}
END_TEST

START_TEST(buttons_are_let_go_when_another_device_takes_over)
{
	set_active(&high, true);
	point(7, 8, INPUT_BUTTON_LEFT);
	set_active(&mouse, true);
	point(9, 9, INPUT_BUTTON_LEFT);
	ck_assert(high.nframes == 2 && !high.frame.buttons && high.frame.absolute && high.frame.x == 7 &&
		  high.frame.y == 8);
	ck_assert(mouse.nframes == 1 && mouse.frame.buttons == INPUT_BUTTON_LEFT);
}
END_TEST

START_TEST(release_lets_go_of_all_once)
{
	input_key(&t->m, 29, true);
	input_key(&t->m, 56, true);
	move(1, 1, INPUT_BUTTON_RIGHT);
	input_release(&t->m);
	ck_assert(low.nkeys == 4 && !low.down);
	ck_assert(low.nframes == 2 && !low.frame.buttons && !low.frame.x && !low.frame.y);
	input_release(&t->m);
	ck_assert(low.nkeys == 4 && low.nframes == 2);
}
END_TEST

START_TEST(positions_become_movement_for_a_mouse)
{
	point(1, 1, 0); /* from where, nobody knows */
	ck_assert(!low.frame.absolute && !low.frame.x && !low.frame.y);
	int sum = 0;
	for (int x = 1; x < INPUT_ABS_MAX; x += 7) { /* small steps add up to the same */
		point(x, 1, 0);
		sum += low.frame.x;
	}
	ck_assert_int_eq(sum, 1023);
	point(INPUT_ABS_MAX / 2, 1, 0);
	ck_assert(low.frame.x == -512 && !low.frame.y);
	move(3, 4, 0);
	ck_assert(low.frame.x == 3 && low.frame.y == 4);
	point(500, 500, 0); /* where it was before the movement means nothing */
	ck_assert(!low.frame.x && !low.frame.y);
}
END_TEST

START_TEST(an_edge_pushes_a_mouse_there_once)
{
	point(0, 5000, 0);
	ck_assert(low.frame.x == -1023 && !low.frame.y);
	point(0, 5000, INPUT_BUTTON_LEFT);
	ck_assert(!low.frame.x && !low.frame.y && low.frame.buttons);
	point(20000, INPUT_ABS_MAX, 0);
	ck_assert(low.frame.x == 624 && low.frame.y == 767);
	point(1000000, 20000, 0);
	ck_assert(low.frame.x == 1023 && low.frame.y == -299);
	point(-5000, -1, 0);
	ck_assert(low.frame.x == -1023 && low.frame.y == -767);
}
END_TEST

START_TEST(movement_becomes_positions_for_a_tablet)
{
	set_active(&high, true);
	point(INPUT_ABS_MAX / 2, INPUT_ABS_MAX / 2, 0);
	move(-1, 3, 0);
	ck_assert(high.frame.absolute && high.frame.x == INPUT_ABS_MAX / 2 - 32 &&
		  high.frame.y == INPUT_ABS_MAX / 2 + 128);
	move(-2000000000, 2000000000, 0);
	ck_assert(high.frame.x == 0 && high.frame.y == INPUT_ABS_MAX);
	move(1, -1, 0);
	ck_assert(high.frame.x == 32 && high.frame.y == INPUT_ABS_MAX - 42);
}
END_TEST

START_TEST(the_listener_hears_of_leds_and_of_absolute)
{
	input_set_leds(&t->m, INPUT_LED_CAPS);
	input_set_leds(&t->m, INPUT_LED_CAPS);
	ck_assert(told == 1 && input_leds(&t->m) == INPUT_LED_CAPS);
	ck_assert(!input_absolute(&t->m));
	set_active(&high, true);
	ck_assert(told == 2 && input_absolute(&t->m));
	set_active(&mouse, true);
	ck_assert(told == 3 && !input_absolute(&t->m));
	input_changed(&t->m);
	ck_assert_uint_eq(told, 3);
}
END_TEST

START_TEST(a_device_that_is_gone_is_sent_nothing)
{
	set_active(&high, true);
	input_key(&t->m, 30, true);
	point(1, 1, 1);
	input_sink_remove(&t->m, &high.dev);
	input_key(&t->m, 30, false);
	point(1, 1, 0);
	input_release(&t->m);
	ck_assert(high.nkeys == 1 && high.nframes == 1 && low.nframes == 1);
}
END_TEST

START_TEST(nonsense_and_no_devices_do_nothing)
{
	input_key(&t->m, 0, true);
	input_key(&t->m, 256, true);
	input_key(&t->m, 0xffffffff, true);
	ck_assert_uint_eq(low.nkeys, 0);
	low.active = false;
	input_key(&t->m, 30, true);
	input_key(&t->m, 30, false);
	point(1, 1, 1);
	ck_assert(!low.nkeys && !low.nframes);
}
END_TEST

/* The control socket's commands */

static int run(int (*command)(struct machine *, const json_t *, json_t **, int *, struct err *),
	       const char *text, struct err *e)
{
	AUTO_JSON json_t *args = json_parse(text, strlen(text), e);
	json_t *ret = NULL;
	int fd = -1;
	ck_assert_msg(args != NULL, "%s: %s", text, e->msg);
	*e = (struct err){0};
	int rc = command(&t->m, args, &ret, &fd, e);
	ck_assert(fd == -1);
	json_decref(ret);
	ck_assert_msg(!rc == !e->msg[0], "%s: %d, '%s'", text, rc, e->msg);
	return rc;
}

static void controls(void)
{
	struct err e;
	setup();
	ck_assert_int_eq(input_control_init(&t->m, &e), 0);
}

static void controls_end(void)
{
	input_control_done(&t->m);
	teardown();
}

START_TEST(send_key_holds_each_and_lets_go_in_reverse)
{
	struct err e;
	ck_assert_int_eq(
	    run(input_send_key,
		"{\"keys\":[{\"type\":\"qcode\",\"data\":\"ctrl\"},"
		"{\"type\":\"number\",\"data\":30},{\"type\":\"x-linux\",\"data\":248}],\"hold-time\":10}",
		&e),
	    0);
	static const struct {
		unsigned key;
		bool down;
	} want[] = {{29, true}, {30, true}, {248, true}, {248, false}, {30, false}, {29, false}};
	for (unsigned i = 0; i < ARRAY_SIZE(want); i++) {
		ck_assert_msg(low.nkeys == i + 1 && low.key == want[i].key && low.down == want[i].down,
			      "%u: %u %d", i, low.key, low.down);
		vmm_advance(t, 10000000);
	}
	ck_assert_uint_eq(low.nkeys, 6);
}
END_TEST

START_TEST(what_is_sent_meanwhile_comes_behind)
{
	struct err e;
	for (unsigned i = 0; i < 3; i++)
		ck_assert_int_eq(run(input_send_key, "{\"keys\":[{\"type\":\"qcode\",\"data\":\"a\"}]}", &e),
				 0);
	ck_assert_uint_eq(low.nkeys, 1);
	vmm_advance(t, 100000000); /* the hold time when none is given */
	ck_assert(low.nkeys == 2 && !low.down);
	vmm_advance(t, 1000000000);
	ck_assert_uint_eq(low.nkeys, 6);
	ck_assert_int_eq(
	    run(input_send_key, "{\"keys\":[{\"type\":\"qcode\",\"data\":\"b\"}],\"hold-time\":0}", &e), 0);
	ck_assert_uint_eq(low.nkeys, 8);
}
END_TEST

/* x-type's answer to @args. */
static json_t *type(const char *args)
{
	struct err e = {0};
	int fd = -1;
	json_t *ret = NULL;
	AUTO_JSON json_t *j = json_parse(args, strlen(args), &e);
	ck_assert_msg(!input_type(&t->m, j, &ret, &fd, &e), "%s", e.msg);
	return ret;
}

START_TEST(typing_waits_until_the_guest_has_read)
{
	lazy = false;
	AUTO_JSON json_t *j = type("{\"keys\":[42,30,-30,-42],\"hold-time\":10}");
	ck_assert(low.nkeys == 1 && low.key == 42 && json_int(j, "waiting", 0) == 3);
	lazy = true;
	vmm_advance(t, 1000000000);
	ck_assert_uint_eq(low.nkeys, 1);
	lazy = false;
	vmm_advance(t, 5000000);
	ck_assert(low.nkeys == 2 && low.key == 30);
	vmm_advance(t, 100000000);
	ck_assert(low.nkeys == 4 && low.key == 42 && !low.down);
}
END_TEST

START_TEST(a_guest_that_never_reads_is_told_of_and_typed_at)
{
	lazy = true;
	AUTO_JSON json_t *j = type("{\"keys\":[30,-30],\"hold-time\":10}");
	ck_assert(!json_flag(j, "stalled", true) && low.nkeys == 0);
	vmm_advance(t, 1900000000);
	ck_assert_uint_eq(low.nkeys, 0);
	vmm_advance(t, 200000000);
	ck_assert_uint_eq(low.nkeys, 2);
	AUTO_JSON json_t *now = type("{}");
	ck_assert(json_flag(now, "stalled", false) && json_int(now, "waiting", 1) == 0);
	lazy = false;
	AUTO_JSON json_t *well = type("{\"keys\":[30,-30]}");
	ck_assert(!json_flag(well, "stalled", true) && low.nkeys == 3);
}
END_TEST

START_TEST(typing_takes_all_or_nothing)
{
	static const char *const bad[] = {"{\"keys\":[30,0]}", "{\"keys\":[30,-70000]}",
					  "{\"keys\":[30,\"x\"]}", "{\"keys\":[30,-9223372036854775807]}",
					  "{\"keys\":[30],\"hold-time\":-1}"};
	struct err e;
	lazy = false;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ck_assert_int_eq(run(input_type, bad[i], &e), -EINVAL);
	ck_assert_uint_eq(low.nkeys, 0);
	int rc = 0;
	for (unsigned i = 0; !rc && i < 20000; i++)
		rc = run(input_type, "{\"keys\":[30,-30]}", &e);
	ck_assert_int_eq(rc, -EAGAIN);
}
END_TEST

START_TEST(what_waits_is_bounded)
{
	struct err e;
	int rc = 0;
	unsigned n = 0;
	for (; !rc && n < 100000; n++)
		rc = run(input_send_key, "{\"keys\":[{\"type\":\"qcode\",\"data\":\"a\"}]}", &e);
	ck_assert_int_eq(rc, -EAGAIN);
	ck_assert_uint_lt(n, 10000);
}
END_TEST

START_TEST(send_event_moves_clicks_and_types)
{
	struct err e;
	set_active(&high, true);
	ck_assert_int_eq(run(input_send_event,
			     "{\"events\":[{\"type\":\"abs\",\"data\":{\"axis\":\"x\",\"value\":32767}},"
			     "{\"type\":\"btn\",\"data\":{\"down\":true,\"button\":\"left\"}}]}",
			     &e),
			 0);
	ck_assert(high.nframes == 1 && high.frame.absolute && high.frame.x == 32767 && !high.frame.y &&
	          high.frame.buttons == INPUT_BUTTON_LEFT);
	ck_assert_int_eq(run(input_send_event,
			     "{\"events\":[{\"type\":\"abs\",\"data\":{\"axis\":\"y\",\"value\":5}},"
			     "{\"type\":\"btn\",\"data\":{\"down\":true,\"button\":\"wheel-up\"}}]}",
			     &e),
			 0);
	ck_assert(high.frame.x == 32767 && high.frame.y == 5 && high.frame.wheel == 1 &&
	          high.frame.buttons == INPUT_BUTTON_LEFT);
	ck_assert_int_eq(
	    run(input_send_event,
		"{\"events\":[{\"type\":\"btn\",\"data\":{\"down\":false,\"button\":\"left\"}},"
		"{\"type\":\"key\",\"data\":{\"down\":true,\"key\":{\"type\":\"qcode\",\"data\":\"ret\"}}}]}",
		&e),
	    0);
	ck_assert(!high.frame.buttons && !high.frame.wheel && high.key == 28 && high.down);
	set_active(&high, false);
	ck_assert_int_eq(run(input_send_event,
			     "{\"events\":[{\"type\":\"rel\",\"data\":{\"axis\":\"y\",\"value\":-3}}]}", &e),
			 0);
	ck_assert(low.frame.y == -3 && !low.frame.x);
}
END_TEST

START_TEST(commands_that_make_no_sense_say_why)
{
	static const struct {
		bool event;
		const char *args, *says;
	} cases[] = {
		{false, "{}", "keys"},
		{false, "{\"keys\":[]}", "keys"},
		{false, "{\"keys\":7}", "keys"},
		{false, "{\"keys\":[1]}", "type"},
		{false, "{\"keys\":[{\"type\":\"qcode\",\"data\":\"nosuch\"}]}", "nosuch"},
		{false, "{\"keys\":[{\"type\":\"qcode\",\"data\":5}]}", "no key"},
		{false, "{\"keys\":[{\"type\":\"number\",\"data\":-1}]}", "-1"},
		{false, "{\"keys\":[{\"type\":\"x-linux\",\"data\":300}]}", "300"},
		{false, "{\"keys\":[{\"type\":\"qcode\",\"data\":\"a\"}],\"hold-time\":-1}", "hold-time"},
		{false, "{\"keys\":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]}", "16"},
		{true, "{}", "events"},
		{true, "{\"events\":[{\"type\":\"mtt\"}]}", "mtt"},
		{true, "{\"events\":[{\"type\":\"abs\",\"data\":{\"axis\":\"z\"}}]}", "'z'"},
		{true, "{\"events\":[{\"type\":\"abs\",\"data\":{\"axis\":\"x\",\"value\":32768}}]}", "32768"},
		{true, "{\"events\":[{\"type\":\"btn\",\"data\":{\"button\":\"third\"}}]}", "third"},
		{true, "{\"events\":[{\"type\":\"key\",\"data\":{\"down\":true}}]}", "type"},
	};
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err e;
		ck_assert_int_eq(run(cases[i].event ? input_send_event : input_send_key, cases[i].args, &e),
				 -EINVAL);
		ck_assert_msg(strstr(e.msg, cases[i].says) != NULL, "%s: %s", cases[i].args, e.msg);
	}
	ck_assert(!low.nkeys && !low.nframes);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		the_active_device_of_the_highest_rank_is_asked,
		a_key_goes_up_where_it_went_down,
		buttons_are_let_go_when_another_device_takes_over,
		release_lets_go_of_all_once,
		positions_become_movement_for_a_mouse,
		an_edge_pushes_a_mouse_there_once,
		movement_becomes_positions_for_a_tablet,
		the_listener_hears_of_leds_and_of_absolute,
		a_device_that_is_gone_is_sent_nothing,
		nonsense_and_no_devices_do_nothing,
	};
	Suite *s = suite_create("input");
	TCase *c = tcase_create("ways");
	tcase_add_checked_fixture(c, setup, teardown);
	for (unsigned i = 0; i < ARRAY_SIZE(tests); i++)
		tcase_add_test(c, tests[i]);
	suite_add_tcase(s, c);
	const TTest *const commands[] = {
		send_key_holds_each_and_lets_go_in_reverse,
		what_is_sent_meanwhile_comes_behind,
		what_waits_is_bounded,
		typing_waits_until_the_guest_has_read,
		a_guest_that_never_reads_is_told_of_and_typed_at,
		typing_takes_all_or_nothing,
		send_event_moves_clicks_and_types,
		commands_that_make_no_sense_say_why,
	};
	c = tcase_create("commands");
	tcase_add_checked_fixture(c, controls, controls_end);
	for (unsigned i = 0; i < ARRAY_SIZE(commands); i++)
		tcase_add_test(c, commands[i]);
	suite_add_tcase(s, c);
	return test_main(s);
}
