/* The console's ring and how it wakes the main loop (the Makefile wraps uv_async_send to count). */
#include "tests/testlib.h"
#include "tests/vmmlib.h"

#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "backend/vmm/chardev.h"
#include "src/base/cleanup.h"

#define FLOOD 20000

static struct vmm_test *t;
static struct chardev *c;
static uv_loop_t loop;
static int client;
static unsigned wakes, quiets;

int __real_uv_async_send(uv_async_t *a);
int __wrap_uv_async_send(uv_async_t *a);

int __wrap_uv_async_send(uv_async_t *a)
{
	wakes++;
	return __real_uv_async_send(a);
}

static size_t dev_rx(void *ctx, const uint8_t *p, size_t n)
{
	return n;
}

static void dev_writable(void *ctx)
{
}

static void dev_quiet(void *ctx)
{
	quiets++;
	chardev_gather(c, false);
}

static const struct chardev_ops dev_ops = {dev_rx, dev_writable, dev_quiet};

static void setup(void)
{
	struct err e = {0};
	t = vmm_start(1);
	ck_assert(!uv_loop_init(&loop));
	t->m.loop = &loop;
	ck_assert_msg(!chardev_new(&t->m, 0, &e), "%s", e.msg);
	c = t->m.consoles[0];
	chardev_set_device(c, &dev_ops, NULL);
	ck_assert_msg(!chardev_attach(c, 0, &client, &e), "%s", e.msg);
	wakes = quiets = 0;
}

static void teardown(void)
{
	chardev_free(c);
	close(client);
	uv_run(&loop, UV_RUN_DEFAULT);
	ck_assert(!uv_loop_close(&loop));
	t->m.loop = NULL;
	vmm_stop(t);
}

static void guest_writes(const void *p, size_t n)
{
	pthread_mutex_lock(&t->m.lock);
	ck_assert_uint_eq(chardev_write(c, p, n), n);
	pthread_mutex_unlock(&t->m.lock);
}

/* Let the main loop run until the client has got @n bytes more. */
static void client_gets(void *p, size_t n)
{
	for (size_t got = 0; got < n;) {
		uv_run(&loop, UV_RUN_ONCE);
		ssize_t k = recv(client, (uint8_t *)p + got, n - got, MSG_DONTWAIT);
		got += k > 0 ? (size_t)k : 0;
	}
}

START_TEST(a_byte_after_a_pause_wakes_the_main_loop)
{
	uint8_t got;
	for (unsigned i = 1; i <= 3; i++) {
		guest_writes("x", 1);
		ck_assert_uint_eq(wakes, i);
		client_gets(&got, 1);
		ck_assert_int_eq(got, 'x');
		uv_run(&loop, UV_RUN_ONCE); /* the look that finds nothing more */
	}
}
END_TEST

START_TEST(a_flood_byte_by_byte_wakes_it_once)
{
	static uint8_t sent[FLOOD], got[FLOOD];
	guest_writes("x", 1);
	client_gets(got, 1);
	wakes = 0;
	for (unsigned i = 0; i < FLOOD; i++) {
		sent[i] = (uint8_t)(i * 7);
		guest_writes(&sent[i], 1);
	}
	ck_assert_uint_eq(wakes, 0);
	client_gets(got, FLOOD);
	ck_assert_mem_eq(sent, got, FLOOD);
}
END_TEST

START_TEST(a_ring_that_is_half_full_waits_for_no_look)
{
	static uint8_t sent[40000], got[sizeof(sent)];
	guest_writes("x", 1);
	client_gets(got, 1);
	wakes = 0;
	guest_writes(sent, sizeof(sent));
	ck_assert_uint_eq(wakes, 1);
	client_gets(got, sizeof(sent));
}
END_TEST

START_TEST(a_device_that_gathers_is_looked_after_until_it_is_quiet)
{
	uint8_t got;
	chardev_gather(c, true);
	guest_writes("x", 1);
	client_gets(&got, 1);
	wakes = 0;
	guest_writes("y", 1); /* as the look would bring it from KVM */
	ck_assert_uint_eq(wakes, 0);
	client_gets(&got, 1);
	while (!quiets)
		ck_assert(uv_run(&loop, UV_RUN_ONCE));
	uv_run(&loop, UV_RUN_NOWAIT);
	guest_writes("z", 1);
	ck_assert_uint_eq(wakes, 1); /* nobody looks any more */
	client_gets(&got, 1);
	ck_assert_uint_eq(quiets, 1);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_byte_after_a_pause_wakes_the_main_loop,
		a_flood_byte_by_byte_wakes_it_once,
		a_ring_that_is_half_full_waits_for_no_look,
		a_device_that_gathers_is_looked_after_until_it_is_quiet,
	};
	Suite *s = suite_create("chardev");
	TCase *tc = tcase_create("main loop");
	tcase_add_checked_fixture(tc, setup, teardown);
	for (unsigned i = 0; i < ARRAY_SIZE(tests); i++)
		tcase_add_test(tc, tests[i]);
	suite_add_tcase(s, tc);
	return test_main(s);
}
