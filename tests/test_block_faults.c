/* The block layer on a host that fails: errors, no room, short transfers and "try again" at each step of each
 * kind of request, and images that others have made shorter. */
#include "tests/blkfault.h"
#include "tests/testlib.h"

#include <fcntl.h>
#include <liburing.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "backend/block/block.h"
#include "src/base/cleanup.h"

#define KIB 1024u
#define BYTES (1024 * KIB)

enum { EVER = 1u << 30 };

static const enum blk_engine engines[] = {BLK_ENGINE_RING, BLK_ENGINE_THREADS};

static struct blk b;
static int image; /* a second descriptor of it */
static uint8_t *area;
static unsigned wakeups, refusals;

int __real_eventfd_write(int fd, eventfd_t value);
int __wrap_eventfd_write(int fd, eventfd_t value);
int __wrap_eventfd_write(int fd, eventfd_t value)
{
	wakeups++;
	return __real_eventfd_write(fd, value);
}

int __real_io_uring_submit(struct io_uring *ring);
int __wrap_io_uring_submit(struct io_uring *ring);
int __wrap_io_uring_submit(struct io_uring *ring)
{
	if (!refusals)
		return __real_io_uring_submit(ring);
	refusals--;
	return -EAGAIN;
}

static void open_image(enum blk_cache cache, enum blk_engine engine)
{
	char path[] = "/var/tmp/test_block_faults.XXXXXX";
	struct err e = {0};
	int fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	image = open(path, O_RDWR | O_CLOEXEC);
	close(fd);
	fd = open(path, blk_open_flags(cache, false));
	if (fd < 0 && errno == EINVAL) /* no O_DIRECT here */
		fd = open(path, blk_open_flags(BLK_CACHE_WRITEBACK, false));
	ck_assert_int_ge(fd, 0);
	unlink(path);
	ck_assert_int_eq(ftruncate(fd, BYTES), 0);
	struct blk_config c = {.name = "vda", .format = "raw", .fd = fd, .cache = cache, .engine = engine};
	ck_assert_msg(!blk_open(&b, &c, &e), "%s", e.msg);
	ck_assert_int_eq(posix_memalign((void **)&area, 4096, 2 * BYTES), 0);
	blkfault = (struct blkfault){0};
	blkfault_jobs = 0;
}

static void close_image(void)
{
	blk_close(&b);
	close(image);
	free(area);
}

struct req {
	struct blk_req r;
	struct iovec iov;
	int result;
};

static void done(struct blk_req *r, int result)
{
	CONTAINER_OF(r, struct req, r)->result = result;
}

static void prepare(struct req *q, enum blk_op op, uint64_t off, void *p, uint64_t len)
{
	*q = (struct req){.r = {.op = op, .off = off, .len = len, .iov = &q->iov, .niov = p ? 1 : 0, .done = done},
			  .iov = {p, p ? len : 0},
			  .result = 1};
}

static int go(struct req *q)
{
	blk_submit(&b, &q->r);
	blk_drain(&b);
	return q->result;
}

static int run(enum blk_op op, uint64_t off, void *p, uint64_t len)
{
	struct req q;
	prepare(&q, op, off, p, len);
	return go(&q);
}

static void pattern(uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(1 + i * 7 + i / 251);
}

static void image_holds(const uint8_t *want, size_t off, size_t n)
{
	AUTO_FREE uint8_t *seen = malloc(n);
	ck_assert_int_eq(pread(image, seen, n, (off_t)off), (ssize_t)n);
	ck_assert_mem_eq(seen, want, n);
}

/* One request, and what the host says of the @fault.op that it makes. */
static const struct {
	enum blk_op op;
	enum blk_cache cache;
	bool unaligned;
	struct blkfault fault;
	int result;    /* of the first try */
	bool full;     /* blk_full() then */
	int again;     /* of the same request, submitted again when full; else of another one */
	unsigned jobs; /* until then; 0: not counted */
} cases[] = {
	/* errors are the request's, once */
	{BLK_READ, BLK_CACHE_WRITEBACK, false, {IOQ_READ, 0, 1, -EIO}, -EIO, false, 0, 2},
	{BLK_WRITE, BLK_CACHE_WRITEBACK, false, {IOQ_WRITE, 0, 1, -EIO}, -EIO, false, 0, 2},
	{BLK_DISCARD, BLK_CACHE_WRITEBACK, false, {IOQ_ALLOCATE, 0, 1, -EIO}, -EIO, false, 0, 0},
	{BLK_ZERO, BLK_CACHE_WRITEBACK, false, {IOQ_ALLOCATE, 0, 1, -EIO}, -EIO, false, 0, 0},
	{BLK_WRITE, BLK_CACHE_NONE, true, {IOQ_WRITE, 1, 1, -EIO}, -EIO, false, 0, 0},
	/* no room: worth another try, but not for a read */
	{BLK_WRITE, BLK_CACHE_WRITEBACK, false, {IOQ_WRITE, 0, 1, -ENOSPC}, -ENOSPC, true, 0, 2},
	{BLK_WRITE, BLK_CACHE_WRITEBACK, false, {IOQ_WRITE, 0, 1, -EDQUOT}, -EDQUOT, true, 0, 2},
	{BLK_WRITE, BLK_CACHE_NONE, true, {IOQ_WRITE, 1, 1, -ENOSPC}, -ENOSPC, true, 0, 0},
	{BLK_WRITE, BLK_CACHE_WRITETHROUGH, false, {IOQ_WRITE, 0, 1, -ENOSPC}, -ENOSPC, true, 0, 3},
	{BLK_DISCARD, BLK_CACHE_WRITEBACK, false, {IOQ_ALLOCATE, 0, 1, -ENOSPC}, -ENOSPC, true, 0, 0},
	{BLK_ZERO, BLK_CACHE_WRITEBACK, false, {IOQ_ALLOCATE, 0, 1, -ENOSPC}, -ENOSPC, true, 0, 0},
	{BLK_READ, BLK_CACHE_WRITEBACK, false, {IOQ_READ, 0, 1, -ENOSPC}, -ENOSPC, false, 0, 2},
	/* what a flush could not write is gone, whatever the reason: no other succeeds */
	{BLK_FLUSH, BLK_CACHE_WRITEBACK, false, {IOQ_SYNC, 0, 1, -EIO}, -EIO, false, -EIO, 1},
	{BLK_FLUSH, BLK_CACHE_WRITEBACK, false, {IOQ_SYNC, 0, 1, -ENOSPC}, -ENOSPC, false, -ENOSPC, 1},
	{BLK_FLUSH, BLK_CACHE_WRITEBACK, false, {IOQ_SYNC, 0, 1, -EDQUOT}, -EDQUOT, false, -EDQUOT, 1},
	{BLK_WRITE, BLK_CACHE_WRITETHROUGH, false, {IOQ_SYNC, 0, 1, -EIO}, -EIO, false, -EIO, 3},
	{BLK_WRITE, BLK_CACHE_WRITETHROUGH, false, {IOQ_SYNC, 0, 1, -ENOSPC}, -ENOSPC, false, -ENOSPC, 3},
	{BLK_ZERO, BLK_CACHE_WRITETHROUGH, false, {IOQ_SYNC, 0, 1, -ENOSPC}, -ENOSPC, false, -ENOSPC, 0},
	/* without the host's page cache, the host still has it */
	{BLK_FLUSH, BLK_CACHE_NONE, false, {IOQ_SYNC, 0, 1, -EIO}, -EIO, false, 0, 2},
	{BLK_FLUSH, BLK_CACHE_NONE, false, {IOQ_SYNC, 0, 1, -ENOSPC}, -ENOSPC, false, 0, 2},
	{BLK_WRITE, BLK_CACHE_DIRECTSYNC, false, {IOQ_SYNC, 0, 1, -EIO}, -EIO, false, 0, 4},
	/* "try again" is tried again, but not for ever */
	{BLK_READ, BLK_CACHE_WRITEBACK, false, {IOQ_READ, 0, 3, -EAGAIN}, 0, false, 0, 0},
	{BLK_WRITE, BLK_CACHE_WRITEBACK, false, {IOQ_WRITE, 0, 3, -EINTR}, 0, false, 0, 0},
	{BLK_FLUSH, BLK_CACHE_WRITEBACK, false, {IOQ_SYNC, 0, 3, -ECANCELED}, 0, false, 0, 0},
	{BLK_ZERO, BLK_CACHE_WRITEBACK, false, {IOQ_ALLOCATE, 0, 3, -EAGAIN}, 0, false, 0, 0},
	{BLK_WRITE, BLK_CACHE_WRITEBACK, false, {IOQ_WRITE, 0, EVER, -EAGAIN}, -EAGAIN, false, 0, 0},
	/* short transfers go on */
	{BLK_READ, BLK_CACHE_WRITEBACK, false, {IOQ_READ, 0, 5, 512}, 0, false, 0, 0},
	{BLK_READ, BLK_CACHE_WRITEBACK, false, {IOQ_READ, 0, 5, 1}, 0, false, 0, 0},
	{BLK_READ, BLK_CACHE_NONE, true, {IOQ_READ, 0, 5, 1536}, 0, false, 0, 0},
	{BLK_WRITE, BLK_CACHE_WRITEBACK, false, {IOQ_WRITE, 0, 5, 777}, 0, false, 0, 0},
	{BLK_WRITE, BLK_CACHE_NONE, true, {IOQ_WRITE, 0, 5, 512}, 0, false, 0, 0},
	{BLK_WRITE, BLK_CACHE_WRITEBACK, false, {IOQ_WRITE, 0, 1, 0}, -EIO, false, 0, 0},
	/* what a file system cannot do is done otherwise */
	{BLK_ZERO, BLK_CACHE_WRITEBACK, false, {IOQ_ALLOCATE, 0, EVER, -EOPNOTSUPP}, 0, false, 0, 0},
	{BLK_DISCARD, BLK_CACHE_WRITEBACK, false, {IOQ_ALLOCATE, 0, EVER, -EOPNOTSUPP}, 0, false, 0, 0},
	/* nobody is asked */
	{BLK_FLUSH, BLK_CACHE_UNSAFE, false, {IOQ_SYNC, 0, 1, -EIO}, 0, false, 0, 0},
};

/* false: the host has no O_DIRECT here. */
static bool one_case(unsigned i, enum blk_engine engine)
{
	enum blk_op op = cases[i].op;
	bool data = op == BLK_READ || op == BLK_WRITE;
	bool direct = cases[i].cache == BLK_CACHE_NONE || cases[i].cache == BLK_CACHE_DIRECTSYNC;
	uint64_t len = op == BLK_FLUSH ? 0 : 600 * KIB, off = op == BLK_FLUSH ? 0 : 4096;
	AUTO_FREE uint8_t *want = calloc(1, len + 1);
	struct req q;
	open_image(cases[i].cache, engine);
	if (direct && !b.direct) {
		close_image();
		return false;
	}
	uint8_t *p = area + (cases[i].unaligned ? 3 : 0);
	pattern(want, len);
	ck_assert_int_eq(pwrite(image, want, len, 4096), (ssize_t)len);
	ck_assert_int_eq(fdatasync(image), 0);
	if (op == BLK_WRITE)
		memcpy(p, want, len);
	prepare(&q, op, off, data ? p : NULL, len);
	blkfault = cases[i].fault;
	ck_assert_int_eq(go(&q), cases[i].result);
	ck_assert_int_eq(blk_full(&q.r, q.result), cases[i].full);
	blkfault.times = 0;
	if (cases[i].result && !cases[i].full)
		prepare(&q, op, off, data ? p : NULL, len);
	if (cases[i].result)
		ck_assert_int_eq(go(&q), cases[i].again);
	if (cases[i].jobs)
		ck_assert_uint_eq(blkfault_jobs, cases[i].jobs);
	if (op == BLK_READ)
		ck_assert_mem_eq(p, want, len);
	if (op == BLK_ZERO)
		memset(want, 0, len);
	if (op != BLK_DISCARD && len)
		image_holds(want, 4096, len);
	ck_assert_int_eq(run(BLK_READ, 4096, area, 4096), 0); /* reads go on in any case */
	close_image();
	return true;
}

START_TEST(each_fault_of_the_host_ends_as_it_should)
{
	for (size_t i = 0; i < ARRAY_SIZE(engines); i++)
		if (!one_case((unsigned)_i, engines[i]))
			test_skip("/var/tmp has no O_DIRECT");
}
END_TEST

START_TEST(after_a_lost_flush_writes_go_on_and_no_flush_succeeds)
{
	open_image(BLK_CACHE_WRITEBACK, engines[_i]);
	pattern(area, 4096);
	blkfault = (struct blkfault){IOQ_SYNC, 0, 1, -EIO};
	ck_assert_int_eq(run(BLK_WRITE, 0, area, 4096), 0);
	ck_assert_int_eq(b.lost, 0);
	ck_assert_int_eq(run(BLK_FLUSH, 0, NULL, 0), -EIO);
	ck_assert_int_eq(b.lost, -EIO);
	for (unsigned i = 0; i < 3; i++) {
		ck_assert_int_eq(run(BLK_WRITE, 4096, area, 4096), 0);
		ck_assert_int_eq(run(BLK_FLUSH, 0, NULL, 0), -EIO);
	}
	b.write_through = true; /* the driver switches its cache off */
	ck_assert_int_eq(run(BLK_WRITE, 8192, area, 4096), -EIO);
	close_image();
	open_image(BLK_CACHE_WRITEBACK, engines[_i]); /* as the next start does */
	ck_assert_int_eq(run(BLK_FLUSH, 0, NULL, 0), 0);
	close_image();
}
END_TEST

START_TEST(flushes_in_flight_at_the_failure_do_not_succeed)
{
	struct req q[8];
	open_image(BLK_CACHE_WRITEBACK, engines[_i]);
	blkfault = (struct blkfault){IOQ_SYNC, 0, 1, -EIO};
	for (unsigned i = 0; i < ARRAY_SIZE(q); i++) {
		prepare(&q[i], BLK_FLUSH, 0, NULL, 0);
		blk_submit(&b, &q[i].r);
	}
	blk_drain(&b);
	for (unsigned i = 0; i < ARRAY_SIZE(q); i++)
		ck_assert_int_eq(q[i].result, -EIO);
	ck_assert_uint_eq(blkfault_jobs, 1);
	ck_assert_int_eq(run(BLK_FLUSH, 0, NULL, 0), -EIO);
	close_image();
}
END_TEST

START_TEST(flushes_at_once_share_what_they_can)
{
	struct req q[40];
	open_image(BLK_CACHE_WRITEBACK, engines[_i]);
	for (unsigned i = 0; i < ARRAY_SIZE(q); i++) {
		prepare(&q[i], BLK_FLUSH, 0, NULL, 0);
		blk_submit(&b, &q[i].r);
	}
	blk_drain(&b);
	for (unsigned i = 0; i < ARRAY_SIZE(q); i++)
		ck_assert_int_eq(q[i].result, 0);
	ck_assert_uint_eq(blkfault_jobs, 2); /* what came after the first began is not covered by it */
	close_image();
}
END_TEST

/* Bytes that were there do not turn into zeros; those that never were are zeros. */
START_TEST(what_somebody_cut_off_is_an_error_not_zeros)
{
	static const enum blk_cache caches[] = {BLK_CACHE_WRITEBACK, BLK_CACHE_NONE};
	for (size_t i = 0; i < ARRAY_SIZE(caches); i++) {
		open_image(caches[i], engines[_i]);
		pattern(area, 64 * KIB);
		ck_assert_int_eq(pwrite(image, area, 64 * KIB, 0), 64 * KIB);
		ck_assert_int_eq(ftruncate(image, 16 * KIB), 0);
		ck_assert_int_eq(run(BLK_READ, 0, area + 128 * KIB, 16 * KIB), 0);
		ck_assert_mem_eq(area, area + 128 * KIB, 16 * KIB);
		ck_assert_int_eq(run(BLK_READ, 8 * KIB, area, 16 * KIB), -EIO);
		ck_assert_int_eq(run(BLK_READ, 32 * KIB, area, 4 * KIB), -EIO);
		ck_assert_int_eq(run(BLK_READ, BYTES - 512, area, 512), -EIO);
		ck_assert_int_eq(run(BLK_WRITE, BYTES - 4096, area, 4096), 0); /* it is long again */
		ck_assert_int_eq(run(BLK_READ, BYTES - 4096, area, 4096), 0);
		close_image();
	}
}
END_TEST

/* Nobody waits in blk_kick() for a kernel that takes nothing: the machine's lock is held there. */
START_TEST(a_ring_that_takes_nothing_is_tried_again_by_the_loop)
{
	struct req q;
	open_image(BLK_CACHE_WRITEBACK, BLK_ENGINE_RING);
	pattern(area, 4096);
	prepare(&q, BLK_WRITE, 0, area, 4096);
	refusals = 3;
	blk_submit(&b, &q.r);
	blk_kick(&b);
	ck_assert_uint_eq(refusals, 2);
	for (unsigned i = 0; q.result == 1 && i < 1000; i++) {
		struct pollfd p = {.fd = blk_event_fd(&b), .events = POLLIN};
		ck_assert_int_eq(poll(&p, 1, 10000), 1);
		blk_poll(&b);
	}
	ck_assert_int_eq(q.result, 0);
	ck_assert_uint_eq(refusals, 0);
	image_holds(area, 0, 4096);
	close_image();
}
END_TEST

START_TEST(more_requests_than_there_is_room_for_are_refused_or_done)
{
	enum { N = 3 * IOQ_DEPTH };
	static struct req q[N];
	for (unsigned refuse = 0; refuse < 2; refuse++) {
		open_image(BLK_CACHE_WRITEBACK, engines[_i]);
		refusals = refuse ? 5 : 0;
		pattern(area, N * 512);
		for (unsigned i = 0; i < N; i++) {
			prepare(&q[i], BLK_WRITE, i * 512, area + 512 * i, 512);
			blk_submit(&b, &q[i].r);
		}
		blk_drain(&b);
		unsigned ok = 0;
		for (unsigned i = 0; i < N; i++) {
			ck_assert_msg(q[i].result == 0 || q[i].result == -EBUSY, "%d", q[i].result);
			ok += !q[i].result;
			if (!q[i].result)
				image_holds(area + 512 * i, i * 512, 512);
		}
		ck_assert_uint_ge(ok, IOQ_DEPTH);
		ck_assert_int_eq(run(BLK_WRITE, 0, area, 512), 0);
		refusals = 0;
		close_image();
	}
}
END_TEST

/* What ends at once wakes the loop once, not once each; and not at all while it is being asked. */
START_TEST(the_loop_is_woken_once)
{
	struct req q[100];
	open_image(BLK_CACHE_UNSAFE, engines[_i]);
	for (unsigned round = 0; round < 2; round++) {
		wakeups = 0;
		for (unsigned i = 0; i < ARRAY_SIZE(q); i++) {
			prepare(&q[i], BLK_FLUSH, 0, NULL, 0);
			blk_submit(&b, &q[i].r);
		}
		ck_assert_uint_eq(wakeups, 1);
		struct pollfd p = {.fd = blk_event_fd(&b), .events = POLLIN};
		ck_assert_int_eq(poll(&p, 1, 0), 1);
		ck_assert_uint_eq(blk_poll(&b), ARRAY_SIZE(q));
		ck_assert_uint_eq(wakeups, 1);
		ck_assert_int_eq(poll(&p, 1, 0), 0);
	}
	close_image();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("block_faults");
	TCase *t = tcase_create("block_faults");
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, each_fault_of_the_host_ends_as_it_should, 0, ARRAY_SIZE(cases));
	tcase_add_loop_test(t, after_a_lost_flush_writes_go_on_and_no_flush_succeeds, 0, ARRAY_SIZE(engines));
	tcase_add_loop_test(t, flushes_in_flight_at_the_failure_do_not_succeed, 0, ARRAY_SIZE(engines));
	tcase_add_loop_test(t, flushes_at_once_share_what_they_can, 0, ARRAY_SIZE(engines));
	tcase_add_loop_test(t, what_somebody_cut_off_is_an_error_not_zeros, 0, ARRAY_SIZE(engines));
	tcase_add_test(t, a_ring_that_takes_nothing_is_tried_again_by_the_loop);
	tcase_add_loop_test(t, more_requests_than_there_is_room_for_are_refused_or_done, 0, ARRAY_SIZE(engines));
	tcase_add_loop_test(t, the_loop_is_woken_once, 0, ARRAY_SIZE(engines));
	suite_add_tcase(s, t);
	return test_main(s);
}
