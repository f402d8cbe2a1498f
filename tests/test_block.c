/* The block layer: what is written is read, whatever the engine, the alignment, the size; and what is flushed
 * when. */
#include "tests/testlib.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/block/block.h"
#include "backend/block/ioqueue.h"
#include "src/base/cleanup.h"

#define KIB 1024u
#define MIB (1024u * KIB)

static const enum blk_engine engines[] = {BLK_ENGINE_RING, BLK_ENGINE_THREADS};

static struct blk b;
static int image; /* a second descriptor of the image */
static uint8_t *area; /* 4 MiB, page aligned */

static void open_image(uint64_t bytes, enum blk_cache cache, enum blk_engine engine)
{
	char path[] = "/var/tmp/test_block.XXXXXX";
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
	ck_assert_int_eq(ftruncate(fd, (off_t)bytes), 0);
	struct blk_config c = {.name = "vda", .format = "raw", .fd = fd, .cache = cache, .engine = engine};
	ck_assert_msg(!blk_open(&b, &c, &e), "%s", e.msg);
	ck_assert_str_eq(ioq_engine(b.ioq), engine == BLK_ENGINE_RING ? "io_uring" : "threads");
	ck_assert_int_eq(posix_memalign((void **)&area, 4096, 4 * MIB), 0);
}

static void close_image(void)
{
	blk_close(&b);
	close(image);
	free(area);
}

struct req {
	struct blk_req r;
	struct iovec iov[8];
	int result;
	unsigned order; /* when it was done, from 1 */
};

static unsigned done_count;

static void done(struct blk_req *r, int result)
{
	struct req *q = CONTAINER_OF(r, struct req, r);
	q->result = result;
	q->order = ++done_count;
}

static void put(struct req *q, enum blk_op op, uint64_t off, void *p, uint64_t len)
{
	*q = (struct req){
	    .r = {.op = op, .off = off, .len = len, .iov = q->iov, .niov = p ? 1 : 0, .done = done},
	    .iov = {{p, p ? len : 0}},
	    .result = 1};
	blk_submit(&b, &q->r);
}

static int run(enum blk_op op, uint64_t off, void *p, uint64_t len)
{
	struct req q;
	put(&q, op, off, p, len);
	blk_kick(&b);
	blk_drain(&b);
	return q.result;
}

static void pattern(uint8_t *p, size_t n, unsigned seed)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(seed + i * 7 + i / 251);
}

static const struct {
	enum blk_cache cache;
	unsigned mem_off; /* where the buffer starts in a page */
	uint64_t off;
	uint32_t len;
} moves[] = {
	{BLK_CACHE_WRITEBACK, 0, 0, 512},
	{BLK_CACHE_WRITEBACK, 1, 512, 1024},
	{BLK_CACHE_NONE, 0, 0, 4096},
	{BLK_CACHE_NONE, 0, 512, 512},
	{BLK_CACHE_NONE, 3, 1024, 512},                 /* bounced */
	{BLK_CACHE_NONE, 8, 4096, 700 * KIB},           /* bounced in three parts */
	{BLK_CACHE_NONE, 512, 1 * MIB, 1 * MIB},
	{BLK_CACHE_DIRECTSYNC, 0, 64 * KIB, 64 * KIB},
	{BLK_CACHE_WRITETHROUGH, 5, 512, 3 * 512},
	{BLK_CACHE_UNSAFE, 0, 0, 2 * MIB},
};

START_TEST(what_is_written_is_read)
{
	for (size_t i = 0; i < ARRAY_SIZE(engines); i++) {
		open_image(4 * MIB, moves[_i].cache, engines[i]);
		uint8_t *in = area + moves[_i].mem_off, *out = area + 2 * MIB + moves[_i].mem_off;
		AUTO_FREE uint8_t *seen = malloc(moves[_i].len);
		pattern(in, moves[_i].len, 3);
		ck_assert_int_eq(run(BLK_WRITE, moves[_i].off, in, moves[_i].len), 0);
		ck_assert_int_eq(run(BLK_FLUSH, 0, NULL, 0), 0);
		ck_assert_int_eq(pread(image, seen, moves[_i].len, (off_t)moves[_i].off), moves[_i].len);
		ck_assert_mem_eq(seen, in, moves[_i].len);
		ck_assert_int_eq(run(BLK_READ, moves[_i].off, out, moves[_i].len), 0);
		ck_assert_mem_eq(out, in, moves[_i].len);
		close_image();
	}
}
END_TEST

START_TEST(many_buffers_and_many_requests_at_once)
{
	enum { N = 200 };
	static struct req q[N];
	open_image(4 * MIB, BLK_CACHE_NONE, engines[_i]);
	for (unsigned i = 0; i < N; i++) {
		uint8_t *p = area + 4096 * i;
		pattern(p, 4096, i);
		q[i] = (struct req){.r = {.op = BLK_WRITE,
					  .off = 4096 * i,
					  .len = 4096,
					  .iov = q[i].iov,
					  .niov = 3,
					  .done = done},
				    .iov = {{p, 512}, {p + 512, 1024}, {p + 1536, 2560}}};
		if (i % 3 == 0) /* one that is not aligned */
			q[i].iov[1].iov_len++, q[i].iov[2].iov_base = p + 1537, q[i].iov[2].iov_len--;
		blk_submit(&b, &q[i].r);
	}
	blk_drain(&b);
	AUTO_FREE uint8_t *seen = malloc(4096 * N);
	ck_assert_int_eq(pread(image, seen, 4096 * N, 0), 4096 * N);
	for (unsigned i = 0; i < N; i++) {
		ck_assert_int_eq(q[i].result, 0);
		ck_assert_uint_gt(q[i].order, 0);
		ck_assert_msg(!memcmp(seen + 4096 * i, area + 4096 * i, 4096), "request %u", i);
	}
	close_image();
}
END_TEST

static const struct {
	uint64_t bytes, sectors;
} sizes[] = {{0, 0}, {1, 1}, {511, 1}, {512, 1}, {513, 2}, {1000, 2}, {1536, 3}, {4 * MIB + 1, 8193}};

START_TEST(the_disk_is_the_file_in_whole_sectors)
{
	open_image(sizes[_i].bytes, BLK_CACHE_WRITEBACK, BLK_ENGINE_RING);
	ck_assert_uint_eq(b.size_bytes, sizes[_i].sectors * BLK_SECTOR);
	close_image();
}
END_TEST

START_TEST(behind_the_end_of_an_odd_file_are_zeros)
{
	static const enum blk_cache caches[] = {BLK_CACHE_WRITEBACK, BLK_CACHE_NONE};
	for (size_t i = 0; i < ARRAY_SIZE(caches); i++) {
		static const uint8_t zeros[24];
		open_image(1000, caches[i], engines[_i]);
		AUTO_FREE uint8_t *text = malloc(1000);
		pattern(text, 1000, 1);
		ck_assert_int_eq(pwrite(image, text, 1000, 0), 1000);
		memset(area, 0xee, 1024);
		ck_assert_int_eq(run(BLK_READ, 0, area, 1024), 0);
		ck_assert_mem_eq(area, text, 1000);
		ck_assert_mem_eq(area + 1000, zeros, 24);
		memset(area + 3, 0xee, 512);
		ck_assert_int_eq(run(BLK_READ, 512, area + 3, 512), 0);
		ck_assert_mem_eq(area + 3, text + 512, 488);
		ck_assert_mem_eq(area + 3 + 488, zeros, 24);
		pattern(area, 512, 9); /* a write makes the sector whole */
		ck_assert_int_eq(run(BLK_WRITE, 512, area, 512), 0);
		struct stat st;
		ck_assert_int_eq(fstat(image, &st), 0);
		ck_assert_int_eq(st.st_size, 1024);
		close_image();
	}
}
END_TEST

static uint64_t allocated(void)
{
	struct stat st;
	ck_assert_int_eq(fstat(image, &st), 0);
	return (uint64_t)st.st_blocks * 512;
}

START_TEST(a_discard_makes_a_hole_and_keeps_the_length)
{
	open_image(1 * MIB, BLK_CACHE_WRITEBACK, engines[_i]);
	memset(area, 0x55, 1 * MIB);
	ck_assert_int_eq(run(BLK_WRITE, 0, area, 1 * MIB), 0);
	ck_assert_int_eq(run(BLK_FLUSH, 0, NULL, 0), 0);
	uint64_t before = allocated();
	ck_assert_int_eq(run(BLK_DISCARD, 256 * KIB, NULL, 512 * KIB), 0);
	ck_assert_uint_le(allocated(), before - 512 * KIB);
	ck_assert_int_eq(lseek(image, 0, SEEK_END), 1 * MIB);
	close_image();
}
END_TEST

START_TEST(zeroes_read_as_zeros_with_and_without_a_hole)
{
	for (unsigned unmap = 0; unmap < 2; unmap++) {
		open_image(1 * MIB, BLK_CACHE_NONE, engines[_i]);
		memset(area, 0x55, 1 * MIB);
		ck_assert_int_eq(run(BLK_WRITE, 0, area, 1 * MIB), 0);
		struct req q = {
		    .r = {.op = BLK_ZERO, .off = 4096 + 512, .len = 300 * KIB, .unmap = unmap, .done = done}};
		blk_submit(&b, &q.r);
		blk_drain(&b);
		ck_assert_int_eq(q.result, 0);
		ck_assert_int_eq(run(BLK_READ, 0, area, 1 * MIB), 0);
		unsigned wrong = 0;
		for (unsigned i = 0; i < 1 * MIB; i++) {
			bool in = i >= 4096 + 512 && i < 4096 + 512 + 300 * KIB;
			wrong += area[i] != (in ? 0 : 0x55);
		}
		ck_assert_uint_eq(wrong, 0);
		close_image();
	}
}
END_TEST

/* A file that is sealed against writing. */
START_TEST(an_error_of_the_host_is_the_requests_result)
{
	int fd = memfd_create("sealed", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	ck_assert_int_eq(ftruncate(fd, 8192), 0);
	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
	struct blk_config c = {
	    .name = "vda", .format = "raw", .fd = fd, .engine = engines[_i], .cache = BLK_CACHE_WRITEBACK};
	struct err e = {0};
	ck_assert_msg(!blk_open(&b, &c, &e), "%s", e.msg);
	uint8_t buf[512] = {0};
	ck_assert_int_eq(run(BLK_WRITE, 0, buf, 512), -EPERM);
	ck_assert_int_eq(run(BLK_READ, 0, buf, 512), 0);
	blk_close(&b);
}
END_TEST

START_TEST(a_format_that_is_not_there_is_named)
{
	struct err e = {0};
	struct blk_config c = {
	    .name = "vda", .format = "qcow3", .fd = memfd_create("x", 0), .engine = BLK_ENGINE_RING};
	ck_assert_int_eq(blk_open(&b, &c, &e), -EINVAL);
	ck_assert_ptr_nonnull(strstr(e.msg, "qcow3"));
	ck_assert_int_eq(close(c.fd), 0); /* still ours */
}
END_TEST

START_TEST(a_directory_is_no_image)
{
	struct err e = {0};
	struct blk_config c = {.name = "vda", .format = "raw", .fd = open("/tmp", O_RDONLY)};
	ck_assert_int_eq(blk_open(&b, &c, &e), -EINVAL);
	close(c.fd);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("block");
	TCase *t = tcase_create("block");
	tcase_add_loop_test(t, what_is_written_is_read, 0, ARRAY_SIZE(moves));
	tcase_add_loop_test(t, many_buffers_and_many_requests_at_once, 0, ARRAY_SIZE(engines));
	tcase_add_loop_test(t, the_disk_is_the_file_in_whole_sectors, 0, ARRAY_SIZE(sizes));
	tcase_add_loop_test(t, behind_the_end_of_an_odd_file_are_zeros, 0, ARRAY_SIZE(engines));
	tcase_add_loop_test(t, a_discard_makes_a_hole_and_keeps_the_length, 0, ARRAY_SIZE(engines));
	tcase_add_loop_test(t, zeroes_read_as_zeros_with_and_without_a_hole, 0, ARRAY_SIZE(engines));
	tcase_add_loop_test(t, an_error_of_the_host_is_the_requests_result, 0, ARRAY_SIZE(engines));
	tcase_add_test(t, a_format_that_is_not_there_is_named);
	tcase_add_test(t, a_directory_is_no_image);
	suite_add_tcase(s, t);
	return test_main(s);
}
