/* The machine's end of the screen: what it sends, what it takes, and that it never waits. The test is the
 * screen process and the keeper; video and input devices are fakes. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include "backend/vmm/device.h"
#include "backend/vmm/display/display.h"
#include "backend/vmm/input.h"
#include "backend/vmm/machine.h"
#include "backend/vmm/screen_config.h"
#include "backend/vmm/keeperlink.h"
#include "backend/vmm/screenlink.h"
#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/str.h"
#include "src/base/unixsock.h"
#include "src/proto/launch.h"
#include "src/proto/screen.h"
#include "tests/testlib.h"

#define WAIT_MS 20000

static struct machine m;
static uv_loop_t loop;
static struct err e;
static int keeper, screen, file;
static struct dev video = {.name = "video"}, input = {.name = "input"};
static struct surface surface;

/* What the devices were told. */
static struct {
	unsigned refreshes, width, height, keys, code, frames, ups;
	bool down, next_surface, quiet;
	struct input_pointer pointer;
} got;

static void refresh(struct dev *d)
{
	got.refreshes++;
	if (got.next_surface) {
		got.next_surface = false;
		surface.width = 320;
		surface.height = 200;
		display_set_surface(display_of(&m), &video, &surface);
	}
	if (!got.quiet)
		display_damage(display_of(&m), &video, 1, 2, 3, 4);
}

static void wish(struct dev *d, unsigned width, unsigned height)
{
	got.width = width;
	got.height = height;
}

static struct text_screen *shown_text; /* NULL: graphics */

static bool text(struct dev *d, struct text_screen *t)
{
	if (shown_text)
		*t = *shown_text;
	return shown_text != NULL;
}

static const struct display_ops video_ops = {.refresh = refresh, .text = text, .wish = wish};

static bool active(struct dev *d)
{
	return true;
}

static void key(struct dev *d, unsigned code, bool down)
{
	got.keys++;
	got.ups += !down;
	got.code = code;
	got.down = down;
}

static void pointer(struct dev *d, const struct input_pointer *p)
{
	got.frames++;
	got.pointer = *p;
}

static const struct input_sink sink = {.rank = 1,
				       .absolute = true,
				       .key_active = active,
				       .key = key,
				       .pointer_active = active,
				       .pointer = pointer};

static void setup(void)
{
	static const struct irq_sink nobody;
	int pair[2];
	memset(&got, 0, sizeof(got));
	ck_assert_int_eq(machine_init_bare(&m, 1 << 20, 0, &nobody, NULL, &e), 0);
	ck_assert_int_eq(uv_loop_init(&loop), 0);
	m.loop = &loop;
	ck_assert_int_eq(unixsock_pair(SOCK_SEQPACKET, pair), 0);
	keeper = pair[1];
	file = memfd_create("screen.json", MFD_CLOEXEC);
	named_add(&m.fds, "screen.json", fcntl(file, F_DUPFD_CLOEXEC, 3));
	AUTO_JSON json_t *config = json_object();
	json_set_str(config, "name", "web1");
	json_set_int(config, "port", 5901);
	json_set_str(config, "listen", "127.0.0.1");
	json_set_str(config, "passwd", "secret78 and more");
	json_set_str(config, "share", "force-shared");
	json_set_str(config, "program", "/not/for/it");
	ck_assert_int_eq(screenlink_new(&m, pair[0], config, &e), 0);
	ck_assert_int_eq(keeperlink_new(&m, pair[0], &e), 0);
	surface = (struct surface){
	    .fd = memfd_create("vram", MFD_CLOEXEC), .width = 640, .height = 480, .stride = 2560};
	display_attach(display_of(&m), &video, &video_ops, &e);
	display_set_surface(display_of(&m), &video, &surface);
	ck_assert_int_eq(input_sink_add(&m, &input, &sink, &e), 0);
}

static void turn(void)
{
	uv_run(&loop, UV_RUN_NOWAIT);
}

static void teardown(void)
{
	keeperlink_free(&m);
	screenlink_free(&m);
	turn();
	turn();
	fd_close(screen);
	close(keeper);
	close(file);
	close(surface.fd);
	input_sink_remove(&m, &input);
	display_detach(display_of(&m), &video);
	m.loop = NULL;
	uv_loop_close(&loop);
	named_done(&m.fds);
	machine_done_bare(&m);
}

static int64_t now_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* The next message to @sock, with at most 3 descriptors; its size, 0 when the other end is closed. The loop
 * runs meanwhile. */
static char message[SCREEN_MESSAGE_MAX];
static int fds[3];
static size_t nfds;

static size_t next(int sock)
{
	int64_t end = now_ms() + WAIT_MS;
	struct pollfd p = {.fd = sock, .events = POLLIN};
	while (poll(&p, 1, 1) == 0) {
		ck_assert_msg(now_ms() < end, "no message came");
		turn();
	}
	nfds = 3;
	memset(message, 0, sizeof(message));
	ssize_t n = unixsock_recv(sock, message, sizeof(message) - 1, fds, &nfds);
	ck_assert_int_ge(n, 0);
	return (size_t)n;
}

static const void *expect(uint32_t type, size_t size)
{
	size_t n = next(screen);
	uint32_t t;
	memcpy(&t, message, sizeof(t));
	ck_assert_uint_eq(t, type);
	if (size)
		ck_assert_uint_eq(n, size);
	return message;
}

static void attach(void)
{
	int pair[2];
	ck_assert_int_eq(unixsock_pair(SOCK_SEQPACKET, pair), 0);
	ck_assert_int_eq(launch_screen(keeper, pair[0]), 0);
	close(pair[0]);
	screen = pair[1];
}

static void skip_greeting(void)
{
	expect(SCREEN_CONFIG, 0);
	expect(SCREEN_SURFACE, sizeof(struct screen_surface));
	close(fds[0]);
	expect(SCREEN_CURSOR_SHAPE, 0);
	expect(SCREEN_STATE, sizeof(struct screen_state));
}

static void say(const void *p, size_t n)
{
	ck_assert_int_eq(unixsock_send(screen, p, n, NULL, 0), (ssize_t)n);
}

static void say_type(uint32_t type)
{
	say(&type, sizeof(type));
}

/* What was said before has arrived when this was answered. */
static void settle(void)
{
	say_type(SCREEN_REFRESH);
	expect(SCREEN_DAMAGE, sizeof(struct screen_damage));
}

static json_t *file_now(void)
{
	AUTO_FREE char *text = NULL;
	size_t len;
	ck_assert_int_eq(file_read_fd(file, 65536, &text, &len), 0);
	json_t *j = json_parse(text, len, &e);
	ck_assert_msg(j != NULL, "'%s': %s", text, e.msg);
	return j;
}

START_TEST(it_greets_with_the_present_state)
{
	struct stat a, b;
	attach();
	expect(SCREEN_CONFIG, 0);
	AUTO_JSON json_t *c = json_parse(message + 4, strlen(message + 4), &e);
	ck_assert_str_eq(json_str(c, "name", ""), "web1");
	ck_assert_str_eq(json_str(c, "passwd", ""), "secret78");
	ck_assert_str_eq(json_str(c, "share", ""), "force-shared");
	ck_assert_str_eq(json_str(c, "tls", ""), "off");
	ck_assert_ptr_null(json_object_get(c, "program"));
	const struct screen_surface *s = expect(SCREEN_SURFACE, sizeof(*s));
	ck_assert(s->width == 640 && s->height == 480 && s->stride == 2560 && s->offset == 0);
	ck_assert_uint_eq(nfds, 1);
	fstat(fds[0], &a);
	fstat(surface.fd, &b);
	ck_assert_uint_eq(a.st_ino, b.st_ino);
	close(fds[0]);
	const struct screen_cursor *k = expect(SCREEN_CURSOR_SHAPE, offsetof(struct screen_cursor, pixels));
	ck_assert_uint_eq(k->defined, 0);
	const struct screen_state *t = expect(SCREEN_STATE, sizeof(*t));
	ck_assert(t->absolute == 1 && t->leds == 0);
}
END_TEST

START_TEST(what_changes_is_sent_again)
{
	static struct cursor c = {
	    .defined = true, .visible = true, .w = 2, .h = 3, .hot_x = 1, .x = 7, .y = 9, .pixels = {42}};
	attach();
	skip_greeting();
	input_set_leds(&m, INPUT_LED_CAPS);
	const struct screen_state *t = expect(SCREEN_STATE, sizeof(*t));
	ck_assert_uint_eq(t->leds, INPUT_LED_CAPS);
	display_set_cursor(display_of(&m), &video, &c);
	const struct screen_cursor *k =
	    expect(SCREEN_CURSOR_SHAPE, offsetof(struct screen_cursor, pixels) + 2 * 3 * 4);
	ck_assert(k->defined && k->visible && k->w == 2 && k->h == 3 && k->hot_x == 1 && k->pixels[0] == 42);
	const struct screen_pos *p = expect(SCREEN_CURSOR_POS, sizeof(*p));
	ck_assert(p->x == 7 && p->y == 9);
	display_set_surface(display_of(&m), &video, NULL);
	const struct screen_surface *s = expect(SCREEN_SURFACE, sizeof(*s));
	ck_assert(s->width == 0 && nfds == 0);
}
END_TEST

START_TEST(each_refresh_has_one_answer_after_the_surface_it_is_about)
{
	attach();
	skip_greeting();
	ck_assert_uint_eq(got.refreshes, 0); /* nothing is done for a screen that does not ask */
	say_type(SCREEN_REFRESH);
	const struct screen_damage *d = expect(SCREEN_DAMAGE, sizeof(*d));
	ck_assert_uint_eq(d->n, 1); /* a new looker: all */
	ck_assert(d->rects[0].w == 640 && d->rects[0].h == 480);
	say_type(SCREEN_REFRESH);
	d = expect(SCREEN_DAMAGE, sizeof(*d));
	ck_assert_uint_eq(d->n, 1);
	ck_assert(d->rects[0].x == 1 && d->rects[0].y == 2 && d->rects[0].w == 3 && d->rects[0].h == 4);
	got.next_surface = true;
	say_type(SCREEN_REFRESH);
	const struct screen_surface *s = expect(SCREEN_SURFACE, sizeof(*s));
	unsigned generation = s->generation;
	ck_assert_uint_eq(s->width, 320);
	close(fds[0]);
	d = expect(SCREEN_DAMAGE, sizeof(*d));
	ck_assert(d->generation == generation && d->rects[0].w == 320);
	ck_assert_uint_eq(got.refreshes, 3);
}
END_TEST

static bool nothing_came(void)
{
	struct pollfd p = {.fd = screen, .events = POLLIN};
	return poll(&p, 1, 0) == 0;
}

START_TEST(changes_are_told_when_there_are_any)
{
	attach();
	skip_greeting();
	settle();
	got.quiet = true;
	got.refreshes = 0;
	say_type(SCREEN_CHANGES);
	for (int64_t end = now_ms() + WAIT_MS; got.refreshes < 3 && now_ms() < end;)
		turn();
	ck_assert_uint_ge(got.refreshes, 3);
	ck_assert(nothing_came());
	got.quiet = false;
	const struct screen_damage *d = expect(SCREEN_DAMAGE, sizeof(*d));
	ck_assert(d->n == 1 && d->rects[0].w == 3);
	ck_assert(nothing_came());
}
END_TEST

START_TEST(a_refresh_ends_the_wait_for_changes)
{
	attach();
	skip_greeting();
	settle();
	got.quiet = true;
	say_type(SCREEN_CHANGES);
	say_type(SCREEN_REFRESH);
	const struct screen_damage *d = expect(SCREEN_DAMAGE, sizeof(*d));
	ck_assert_uint_eq(d->n, 0);
	got.quiet = false;
	settle(); /* and what comes next is the answer to this alone */
	ck_assert(nothing_came());
}
END_TEST

START_TEST(keys_and_wishes_arrive)

{
	attach();
	skip_greeting();
	struct screen_key k = {SCREEN_KEY, 30, 1};
	say(&k, sizeof(k));
	struct screen_size z = {SCREEN_RESIZE, 9000, 700};
	say(&z, sizeof(z));
	settle();
	ck_assert(got.keys == 1 && got.code == 30 && got.down);
	ck_assert(got.width == DISPLAY_WIDTH_MAX && got.height == 700);
	k.code = 0x300; /* no key */
	say(&k, sizeof(k));
	k.code = 0;
	say(&k, sizeof(k));
	settle();
	ck_assert_uint_eq(got.keys, 1);
	say_type(SCREEN_RELEASE);
	settle();
	ck_assert(got.keys == 2 && got.ups == 1);
}
END_TEST

START_TEST(the_last_pixel_is_the_end_of_the_scale)
{
	static const struct {
		int x, y, at_x, at_y;
	} cases[] = {
	    {0, 0, 0, 0},
	    {639, 0, INPUT_ABS_MAX, 0},
	    {0, 479, 0, INPUT_ABS_MAX},
	    {639, 479, INPUT_ABS_MAX, INPUT_ABS_MAX},
	    {-5, 100000, 0, INPUT_ABS_MAX},
	    {INT32_MIN, INT32_MAX, 0, INPUT_ABS_MAX},
	};
	attach();
	skip_greeting();
	struct screen_pointer p = {SCREEN_POINTER, 1, cases[_i].x, cases[_i].y, INT32_MAX, INT32_MIN, ~0u};
	say(&p, sizeof(p));
	settle();
	ck_assert_int_ge(got.frames, 1);
	ck_assert(got.pointer.absolute);
	ck_assert_int_eq(got.pointer.x, cases[_i].at_x);
	ck_assert_int_eq(got.pointer.y, cases[_i].at_y);
	ck_assert_int_lt(got.pointer.wheel, 100);
	ck_assert_int_gt(got.pointer.hwheel, -100);
	ck_assert_uint_eq(got.pointer.buttons, 31);
}
END_TEST

START_TEST(keys_are_let_go_when_the_screen_is_gone)
{
	attach();
	skip_greeting();
	struct screen_key k = {SCREEN_KEY, 30, 1};
	say(&k, sizeof(k));
	settle();
	close(TAKE_FD(screen));
	for (int64_t end = now_ms() + WAIT_MS; got.keys < 2 && now_ms() < end;)
		turn();
	ck_assert(got.keys == 2 && !got.down);
	attach(); /* and the next one is served */
	skip_greeting();
}
END_TEST

START_TEST(one_that_talks_nonsense_is_dropped_and_the_keeper_told)
{
	static const struct {
		uint32_t type;
		size_t n;
		const char *text;
	} cases[] = {
	    {SCREEN_KEY, 2, NULL},
	    {SCREEN_KEY, sizeof(struct screen_key) - 1, NULL},
	    {SCREEN_POINTER, sizeof(struct screen_pointer) + 4, NULL},
	    {SCREEN_CONFIG, 4, NULL},
	    {4711, 4, NULL},
	    {SCREEN_VIEWERS, 0, "not json"},
	    {SCREEN_VIEWERS, 0, "{}"},
	    {SCREEN_VIEWERS, 0, ""},
	};
	char text[100] = "";
	size_t n = cases[_i].n;
	attach();
	skip_greeting();
	memcpy(text, &cases[_i].type, 4);
	if (cases[_i].text) {
		strcpy(text + 4, cases[_i].text);
		n = 4 + strlen(cases[_i].text);
	}
	say(text, n);
	next(keeper);
	ck_assert_msg(strstr(message, "makes no sense"), "%s", message);
	ck_assert_uint_eq(next(screen), 0);
	ck_assert_uint_eq(got.keys + got.frames, 0);
}
END_TEST

START_TEST(one_that_does_not_read_is_dropped_and_nobody_waited)
{
	json_t *ret = NULL;
	int fd = -1;
	attach();
	for (int i = 0; i < 20000; i++) { /* more than a socket holds */
		screenlink_kick(&m, NULL, &ret, &fd, &e);
		turn();
	}
	next(keeper); /* after the 5 s */
	ck_assert_msg(strstr(message, "taken nothing"), "%s", message);
	attach();
	skip_greeting();
}
END_TEST

START_TEST(a_slow_one_gets_the_newest_state_once)
{
	json_t *ret = NULL;
	int fd = -1;
	attach();
	skip_greeting();
	for (int i = 0; i < 2000; i++) {
		screenlink_kick(&m, NULL, &ret, &fd, &e);
		turn();
	}
	for (unsigned i = 1; i <= 100; i++)
		input_set_leds(&m, i % 8);
	unsigned kicks = 0, states = 0, leds = 0;
	say_type(SCREEN_REFRESH);
	for (uint32_t t = 0; t != SCREEN_DAMAGE; kicks += t == SCREEN_KICK) {
		next(screen);
		memcpy(&t, message, sizeof(t));
		if (t == SCREEN_STATE) {
			states++;
			leds = ((const struct screen_state *)(const void *)message)->leds;
		}
	}
	ck_assert_uint_lt(kicks, 2000);
	ck_assert_uint_eq(states, 1);
	ck_assert_uint_eq(leds, 100 % 8);
}
END_TEST

START_TEST(viewers_are_listed_by_query_and_file)
{
	static const char text[] =
	    "....[{\"host\":\"10.0.0.\\u001b7\",\"service\":\"4711\",\"family\":\"ipv4\",\"websocket\":true,"
	    "\"junk\":{\"a\":1},\"sent\":12},7]";
	char msg[sizeof(text)];
	uint32_t type = SCREEN_VIEWERS;
	json_t *ret = NULL;
	int fd = -1;
	attach();
	skip_greeting();
	memcpy(msg, text, sizeof(text));
	memcpy(msg, &type, 4);
	say(msg, sizeof(text) - 1);
	settle();
	ck_assert_int_eq(screenlink_query_vnc(&m, NULL, &ret, &fd, &e), 0);
	ck_assert(json_flag(ret, "enabled", false));
	ck_assert_str_eq(json_str(ret, "host", ""), "127.0.0.1");
	ck_assert_str_eq(json_str(ret, "service", ""), "5901");
	ck_assert_str_eq(json_str(ret, "family", ""), "ipv4");
	ck_assert_str_eq(json_str(ret, "auth", ""), "vnc");
	json_t *c = json_object_get(ret, "clients");
	ck_assert_uint_eq(json_array_size(c), 2);
	ck_assert_str_eq(json_str(json_array_get(c, 0), "host", ""), "10.0.0.?7");
	ck_assert(json_flag(json_array_get(c, 0), "websocket", false));
	ck_assert_ptr_null(json_object_get(json_array_get(c, 0), "junk"));
	json_decref(ret);
	AUTO_JSON json_t *f = file_now();
	ck_assert_uint_eq(json_array_size(json_object_get(f, "clients")), 2);
	ck_assert_int_eq(json_int(f, "port", 0), 5901);
	close(TAKE_FD(screen));
	for (int i = 0; i < 10; i++)
		turn();
	AUTO_JSON json_t *g = file_now();
	ck_assert_uint_eq(json_array_size(json_object_get(g, "clients")), 0);
}
END_TEST

static int command(int (*fn)(struct machine *, const json_t *, json_t **, int *, struct err *),
		   const char *args)
{
	AUTO_JSON json_t *a = json_parse(args, strlen(args), NULL);
	json_t *ret = NULL;
	int fd = -1;
	return fn(&m, a, &ret, &fd, &e);
}

START_TEST(a_password_set_is_told_to_screen_and_file)
{
	attach();
	skip_greeting();
	ck_assert_int_eq(command(screenlink_set_password,
				 "{\"protocol\":\"vnc\",\"password\":\"new\",\"connected\":\"disconnect\"}"),
			 0);
	expect(SCREEN_CONFIG, 0);
	ck_assert_msg(strstr(message + 4, "\"passwd\":\"new\""), "%s", message + 4);
	expect(SCREEN_KICK, 4);
	AUTO_JSON json_t *f = file_now();
	ck_assert_str_eq(json_str(f, "passwd", ""), "new");
	ck_assert_int_eq(command(screenlink_set_password, "{\"password\":\"look\",\"view\":true}"), 0);
	expect(SCREEN_CONFIG, 0);
	ck_assert_msg(strstr(message + 4, "\"view_passwd\":\"look\""), "%s", message + 4);
	ck_assert_int_eq(
	    command(screenlink_expire_password, "{\"protocol\":\"vnc\",\"time\":\"1234567890\"}"), 0);
	expect(SCREEN_CONFIG, 0);
	ck_assert_msg(strstr(message + 4, "\"passwd_valid_to\":1234567890"), "%s", message + 4);
	ck_assert_int_eq(command(screenlink_change_vnc_password, "{\"password\":\"newer\"}"), 0);
	expect(SCREEN_CONFIG, 0);
	AUTO_JSON json_t *g = file_now();
	ck_assert_str_eq(json_str(g, "passwd", ""), "newer");
	ck_assert_int_eq(json_int(g, "passwd_valid_to", 0), 1234567890);
}
END_TEST

START_TEST(what_would_open_the_screen_or_means_nothing_is_refused)
{
	static const struct {
		int (*fn)(struct machine *, const json_t *, json_t **, int *, struct err *);
		const char *args;
	} cases[] = {
	    {screenlink_set_password, "{\"password\":\"\"}"},
	    {screenlink_set_password, "{}"},
	    {screenlink_set_password, "{\"protocol\":\"spice\",\"password\":\"x\"}"},
	    {screenlink_set_password, "{\"password\":\"x\",\"connected\":\"perhaps\"}"},
	    {screenlink_change_vnc_password, "{\"password\":\"\"}"},
	    {screenlink_expire_password, "{\"time\":\"tomorrow\"}"},
	    {screenlink_expire_password, "{\"time\":\"+\"}"},
	    {screenlink_expire_password, "{\"time\":\"+99999999999999999999\"}"},
	    {screenlink_expire_password, "{}"},
	};
	ck_assert_int_eq(command(cases[_i].fn, cases[_i].args), -EINVAL);
}
END_TEST

START_TEST(times_are_read_as_qmp_writes_them)
{
	static const struct {
		const char *text;
		int64_t at;
	} cases[] = {{"now", 999}, {"never", 0}, {"+60", 1060}, {"+0", 1000}, {"5000", 5000}, {"0", 1}};
	struct screen_config c;
	screen_config_init(&c, NULL);
	c.valid_to = 77;
	ck_assert_int_eq(screen_config_expire(&c, cases[_i].text, 1000, &e), 0);
	ck_assert_int_eq(c.valid_to, cases[_i].at);
	screen_config_done(&c);
}
END_TEST

/* --- decks --- */

static int open_deck(void)
{
	int fd = -1;
	ck_assert_int_eq(screenlink_open(&m, NULL, NULL, &fd, &e), 0);
	ck_assert_int_ge(fd, 0);
	return fd;
}

/* The next message of this type to @sock. */
static const void *expect_at(int sock, uint32_t type)
{
	uint32_t t;
	do {
		ck_assert_msg(next(sock) >= sizeof(t), "it was closed");
		memcpy(&t, message, sizeof(t));
		for (size_t i = 0; i < nfds; i++)
			close(fds[i]);
	} while (t != type);
	return message;
}

static void say_at(int sock, uint32_t type)
{
	ck_assert_int_eq(unixsock_send(sock, &type, sizeof(type), NULL, 0), sizeof(type));
}

START_TEST(decks_look_beside_the_process_and_are_told_no_password)
{
	attach();
	skip_greeting();
	int deck = open_deck(), other = open_deck();
	ck_assert_uint_gt(next(deck), 0);
	ck_assert_uint_eq(((const struct screen_surface *)message)->type, SCREEN_SURFACE); /* no SCREEN_CONFIG before */
	close(fds[0]);
	say_at(deck, SCREEN_REFRESH);
	const struct screen_damage *d = expect_at(deck, SCREEN_DAMAGE);
	ck_assert(d->n == 1 && d->rects[0].w == 640);
	say_at(other, SCREEN_REFRESH); /* has its own damage: all */
	d = expect_at(other, SCREEN_DAMAGE);
	ck_assert_uint_eq(d->rects[0].w, 640);
	say_type(SCREEN_REFRESH);
	d = expect(SCREEN_DAMAGE, sizeof(*d));
	ck_assert_uint_eq(d->rects[0].w, 640);
	say_at(deck, SCREEN_REFRESH);
	d = expect_at(deck, SCREEN_DAMAGE); /* what the others' looks have found is its damage, too */
	ck_assert(d->rects[0].x == 1 && d->rects[0].w == 3);
	say_at(deck, SCREEN_VIEWERS); /* it has none to tell of: nonsense */
	while (next(deck))
		;
	close(deck);
	close(other);
}
END_TEST

START_TEST(a_deck_that_leaves_lets_go_of_its_keys_and_takes_nobody_along)
{
	struct screen_key k = {.type = SCREEN_KEY, .code = 30, .down = 1};
	attach();
	skip_greeting();
	int deck = open_deck();
	unixsock_send(deck, &k, sizeof(k), NULL, 0);
	for (int64_t end = now_ms() + WAIT_MS; !got.keys && now_ms() < end;)
		turn();
	ck_assert(got.code == 30 && got.down);
	close(deck);
	for (int64_t end = now_ms() + WAIT_MS; !got.ups && now_ms() < end;)
		turn();
	ck_assert_uint_eq(got.ups, 1);
	settle(); /* the process is served as before */
}
END_TEST

START_TEST(a_guest_without_viewers_has_a_screen_for_decks_as_long_as_it_has_video)
{
	int fd = -1;
	AUTO_JSON json_t *told = NULL;
	screenlink_free(&m);
	ck_assert_int_eq(screenlink_new(&m, keeper, NULL, &e), 0);
	int deck = open_deck();
	expect_at(deck, SCREEN_SURFACE);
	ck_assert_int_eq(screenlink_query_vnc(&m, NULL, &told, &fd, &e), 0);
	ck_assert(!json_flag(told, "enabled", true));
	ck_assert_int_eq(command(screenlink_set_password, "{\"password\":\"x\"}"), -ENOTSUP);
	close(deck);
	screenlink_free(&m);
	struct display *d = m.display;
	m.display = NULL; /* no video either */
	ck_assert_int_eq(screenlink_new(&m, keeper, NULL, &e), 0);
	ck_assert_int_eq(screenlink_open(&m, NULL, NULL, &fd, &e), -ENODEV);
	ck_assert_msg(strstr(e.msg, "neither <graphics> nor <video>"), "%s", e.msg);
	m.display = d;
}
END_TEST

START_TEST(decks_are_few)
{
	int decks[16], n = 0, fd = -1;
	attach();
	skip_greeting();
	while (n < 16 && screenlink_open(&m, NULL, NULL, &decks[n], &e) == 0)
		n++;
	ck_assert_int_eq(n, 7);
	ck_assert_int_eq(screenlink_open(&m, NULL, NULL, &fd, &e), -EBUSY);
	settle();
	for (int i = 0; i < n; i++)
		close(decks[i]);
	for (int64_t end = now_ms() + WAIT_MS; now_ms() < end; turn())
		if (screenlink_open(&m, NULL, NULL, &fd, &e) == 0)
			break;
	ck_assert_int_ge(fd, 0);
	close(fd);
}
END_TEST

START_TEST(who_takes_text_is_told_cells_when_they_change)
{
	int deck = open_deck();
	shown_text = &(struct text_screen){.cols = 2, .rows = 2, .cursor_x = 1, .cursor_y = 0, .blink = true,
					   .cells = {{'a', 7}, {0xdb, 0x1f}, {' ', 7}, {'z', 0x84}}};
	say_at(deck, SCREEN_WANT_TEXT);
	say_at(deck, SCREEN_CHANGES);
	const struct screen_text *t = expect_at(deck, SCREEN_TEXT);
	const uint16_t *cells = (const uint16_t *)(t + 1);
	ck_assert(t->cols == 2 && t->rows == 2 && t->cursor_x == 1 && t->cursor_y == 0 && t->blink == 1);
	ck_assert(cells[0] == 0x0761 && cells[1] == 0x1fdb && cells[3] == 0x847a);
	ck_assert_uint_eq(got.refreshes, 0); /* no pixel was painted */
	say_at(deck, SCREEN_CHANGES);
	shown_text->cells[0].ch = 'b';
	t = expect_at(deck, SCREEN_TEXT);
	ck_assert_uint_eq(((const uint16_t *)(t + 1))[0], 0x0762);
	say_at(deck, SCREEN_CHANGES);
	shown_text = NULL; /* graphics */
	t = expect_at(deck, SCREEN_TEXT);
	ck_assert_uint_eq(t->cols, 0);
	expect_at(deck, SCREEN_DAMAGE);
	shown_text = NULL;
	close(deck);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("screenlink");
	TCase *t = tcase_create("link");
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, it_greets_with_the_present_state);
	tcase_add_test(t, what_changes_is_sent_again);
	tcase_add_test(t, each_refresh_has_one_answer_after_the_surface_it_is_about);
	tcase_add_test(t, changes_are_told_when_there_are_any);
	tcase_add_test(t, a_refresh_ends_the_wait_for_changes);
	tcase_add_test(t, keys_and_wishes_arrive);
	tcase_add_loop_test(t, the_last_pixel_is_the_end_of_the_scale, 0, 6);
	tcase_add_test(t, keys_are_let_go_when_the_screen_is_gone);
	tcase_add_loop_test(t, one_that_talks_nonsense_is_dropped_and_the_keeper_told, 0, 8);
	tcase_add_test(t, one_that_does_not_read_is_dropped_and_nobody_waited);
	tcase_add_test(t, a_slow_one_gets_the_newest_state_once);
	tcase_add_test(t, viewers_are_listed_by_query_and_file);
	tcase_add_test(t, a_password_set_is_told_to_screen_and_file);
	tcase_add_loop_test(t, what_would_open_the_screen_or_means_nothing_is_refused, 0, 9);
	tcase_add_test(t, decks_look_beside_the_process_and_are_told_no_password);
	tcase_add_test(t, a_deck_that_leaves_lets_go_of_its_keys_and_takes_nobody_along);
	tcase_add_test(t, a_guest_without_viewers_has_a_screen_for_decks_as_long_as_it_has_video);
	tcase_add_test(t, decks_are_few);
	tcase_add_test(t, who_takes_text_is_told_cells_when_they_change);
	suite_add_tcase(s, t);
	TCase *pure = tcase_create("times");
	tcase_add_loop_test(pure, times_are_read_as_qmp_writes_them, 0, 6);
	suite_add_tcase(s, pure);
	return test_main(s);
}
