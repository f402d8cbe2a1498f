/* The way of keys and pointer frames to the device that takes them, with devices of the test. */
#include "tests/testlib.h"
#include "tests/vmmlib.h"

#include "backend/vmm/input.h"
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

static const struct input_sink low_sink = {1, false, is_active, got_key, is_active, got_frame};
static const struct input_sink high_sink = {2, true, is_active, got_key, is_active, got_frame};
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
	ck_assert(high.nframes == 2 && !high.frame.buttons && high.frame.absolute && high.frame.x == 7 && high.frame.y == 8);
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
	point(0, 0, 0);
	ck_assert(!low.frame.absolute && !low.frame.x && !low.frame.y);
	int sum = 0;
	for (int x = 0; x <= INPUT_ABS_MAX; x += 7) { /* small steps add up to the same */
		point(x, INPUT_ABS_MAX, 0);
		sum += low.frame.x;
	}
	point(INPUT_ABS_MAX, INPUT_ABS_MAX, 0);
	ck_assert_int_eq(sum + low.frame.x, 1024);
	point(0, 0, 0);
	ck_assert(low.frame.x == -1024 && low.frame.y == -1024);
	point(-5000, 1000000, 0);
	ck_assert(low.frame.x == 0 && low.frame.y == 1024);
	move(3, 4, 0);
	ck_assert(low.frame.x == 3 && low.frame.y == 4);
	point(500, 500, 0); /* where it was before the movement means nothing */
	ck_assert(!low.frame.x && !low.frame.y);
}
END_TEST

START_TEST(movement_becomes_positions_for_a_tablet)
{
	set_active(&high, true);
	point(INPUT_ABS_MAX / 2, INPUT_ABS_MAX / 2, 0);
	move(-1, 2, 0);
	ck_assert(high.frame.absolute && high.frame.x == INPUT_ABS_MAX / 2 - 31 && high.frame.y == INPUT_ABS_MAX / 2 + 62);
	move(-2000000000, 2000000000, 0);
	ck_assert(high.frame.x == 0 && high.frame.y == INPUT_ABS_MAX);
	move(1, -1, 0);
	ck_assert(high.frame.x == 31 && high.frame.y == INPUT_ABS_MAX - 31);
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

int main(void)
{
	const TTest *const tests[] = {
		the_active_device_of_the_highest_rank_is_asked,
		a_key_goes_up_where_it_went_down,
		buttons_are_let_go_when_another_device_takes_over,
		release_lets_go_of_all_once,
		positions_become_movement_for_a_mouse,
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
	return test_main(s);
}
