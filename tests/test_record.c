/* The console record: what was written comes back, over rotation, restarts and damage. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/proto/record.h"
#include "tests/testlib.h"

#define SEG 1000 /* bytes a segment, for rotation without megabytes */
#define SECOND 1000000000ull

static int seg[RECORD_SEGMENTS], idx;
static struct record w;

static void setup(void)
{
	for (int i = 0; i < RECORD_SEGMENTS; i++)
		seg[i] = memfd_create("seg", MFD_CLOEXEC);
	idx = memfd_create("idx", MFD_CLOEXEC);
	ck_assert_int_eq(record_open_writer(&w, seg, idx, SEG), 0);
}

static void teardown(void)
{
	for (int i = 0; i < RECORD_SEGMENTS; i++)
		close(seg[i]);
	close(idx);
}

/* Byte number @at of what the tests write. */
static char byte_at(uint64_t at)
{
	return (char)('a' + at % 23);
}

static void write_bytes(uint64_t from, size_t n, uint64_t now)
{
	char p[8192];
	ck_assert_uint_le(n, sizeof(p));
	for (size_t i = 0; i < n; i++)
		p[i] = byte_at(from + i);
	ck_assert_int_eq(record_write(&w, p, n, now), 0);
}

/* All from @from on is there and right, up to @end. */
static void check_bytes(struct record *r, uint64_t from, uint64_t end)
{
	char p[300];
	uint64_t at = from;
	while (at < end) {
		uint64_t before = at;
		ssize_t k = record_read(r, &at, p, sizeof(p));
		ck_assert_int_gt(k, 0);
		ck_assert_uint_eq(at, before + (uint64_t)k);
		for (ssize_t i = 0; i < k; i++)
			ck_assert_int_eq(p[i], byte_at(before + (uint64_t)i));
	}
	ck_assert_int_eq(record_read(r, &at, p, sizeof(p)), 0);
	ck_assert_uint_eq(at, end);
}

START_TEST(what_is_written_is_read_by_another_process)
{
	struct record r;
	write_bytes(0, 500, SECOND);
	ck_assert_int_eq(record_open_reader(&r, seg, idx), 0);
	ck_assert_uint_eq(record_begin(&r), 0);
	ck_assert_uint_eq(record_end(&r), 500);
	check_bytes(&r, 0, 500);
	check_bytes(&w, 123, 500); /* the writer reads, too: for those who attach */
}
END_TEST

START_TEST(old_segments_give_way_to_new_bytes)
{
	struct record r;
	for (uint64_t at = 0; at < 50 * SEG; at += 700)
		write_bytes(at, 700, at * SECOND);
	ck_assert_int_eq(record_open_reader(&r, seg, idx), 0);
	uint64_t end = record_end(&r), begin = record_begin(&r);
	ck_assert_uint_eq(end % 700, 0);
	ck_assert_uint_ge(end - begin, 3 * SEG);
	ck_assert_uint_le(end - begin, 4 * SEG);
	check_bytes(&r, begin, end);
	for (int i = 0; i < RECORD_SEGMENTS; i++) {
		struct stat st;
		fstat(seg[i], &st);
		ck_assert_int_le(st.st_size, SEG);
	}
	uint64_t early = 0; /* no longer kept: moved to the oldest byte */
	char c;
	ck_assert_int_eq(record_read(&r, &early, &c, 1), 1);
	ck_assert_uint_eq(early, begin + 1);
}
END_TEST

START_TEST(the_next_run_goes_on_behind_the_last)
{
	write_bytes(0, 1700, SECOND);
	ck_assert_int_eq(record_open_writer(&w, seg, idx, SEG), 0);
	ck_assert_uint_eq(record_end(&w), 1700);
	ck_assert_int_eq(record_mark(&w, RECORD_POWERON, 5 * SECOND), 0);
	write_bytes(1700, 900, 6 * SECOND);
	ck_assert_uint_eq(record_boot(&w), 1700);
	struct record r;
	ck_assert_int_eq(record_open_reader(&r, seg, idx), 0);
	ck_assert_uint_eq(record_boot(&r), 1700);
	check_bytes(&r, 0, 2600);
}
END_TEST

START_TEST(a_power_on_that_is_no_longer_kept_is_the_oldest_byte)
{
	ck_assert_int_eq(record_mark(&w, RECORD_POWERON, SECOND), 0);
	for (uint64_t at = 0; at < 9 * SEG; at += 500)
		write_bytes(at, 500, SECOND);
	ck_assert_uint_gt(record_boot(&w), 0);
	ck_assert_uint_eq(record_boot(&w), record_begin(&w));
}
END_TEST

struct seen {
	unsigned n, poweron;
	uint64_t last_offset, last_time;
	bool sorted;
};

static bool see(void *ctx, const struct record_entry *en)
{
	struct seen *s = ctx;
	s->sorted &= !s->n || (en->offset >= s->last_offset && en->time_ns >= s->last_time);
	s->last_offset = en->offset;
	s->last_time = en->time_ns;
	s->poweron += en->kind == RECORD_POWERON;
	s->n++;
	return true;
}

START_TEST(the_time_index_is_sparse_ordered_and_bounded)
{
	struct seen s = {.sorted = true};
	struct record r;
	for (uint64_t i = 0; i < 3 * RECORD_ENTRIES; i++) /* byte by byte, each a second after the last */
		write_bytes(i, 1, i * SECOND);
	ck_assert_int_eq(record_open_reader(&r, seg, idx), 0);
	ck_assert_int_eq(record_entries(&r, see, &s), 0);
	ck_assert_uint_eq(s.n, RECORD_ENTRIES);
	ck_assert(s.sorted);
	ck_assert_uint_eq(s.last_offset, 3 * RECORD_ENTRIES - 1);
	struct stat st;
	fstat(idx, &st);
	ck_assert_int_eq(st.st_size, RECORD_HEADER_BYTES + RECORD_ENTRIES * sizeof(struct record_entry));
}
END_TEST

START_TEST(many_bytes_at_once_make_few_entries)
{
	struct seen s = {.sorted = true};
	for (uint64_t i = 0; i < 3000; i++)
		write_bytes(i, 1, SECOND);
	ck_assert_int_eq(record_entries(&w, see, &s), 0);
	ck_assert_uint_eq(s.n, 1);
}
END_TEST

START_TEST(an_empty_record_is_no_record)
{
	struct record r;
	int none = memfd_create("none", MFD_CLOEXEC);
	ck_assert_int_eq(record_open_reader(&r, seg, none), -ENODATA);
	close(none);
}
END_TEST

/* Whatever the files hold: no reader or writer goes beyond bounds or says more than it read, and a writer can
 * go on. */
START_TEST(damaged_files_do_no_harm)
{
	srand48(_i);
	write_bytes(0, 2500, SECOND);
	record_mark(&w, RECORD_POWERON, SECOND);
	write_bytes(2500, 300, 2 * SECOND);
	struct stat st;
	for (int k = 0; k < 20; k++) { /* the index */
		fstat(idx, &st);
		unsigned char b = (unsigned char)lrand48();
		off_t at =
		    lrand48() % 3 ? lrand48() % (off_t)RECORD_HEADER_BYTES : lrand48() % (st.st_size + 1);
		ck_assert_int_eq(pwrite(idx, &b, 1, at), 1);
	}
	if (_i % 3 == 0)
		ck_assert_int_eq(ftruncate(idx, lrand48() % (st.st_size + 1)), 0);
	for (int k = 0; k < RECORD_SEGMENTS; k++)
		if (lrand48() % 2)
			ck_assert_int_eq(ftruncate(seg[k], lrand48() % (3 * SEG)), 0);
	struct record r;
	struct seen s = {.sorted = true};
	char p[777];
	if (record_open_reader(&r, seg, idx) == 0) {
		uint64_t at = 0, total = 0;
		for (ssize_t n; (n = record_read(&r, &at, p, sizeof(p))) > 0;)
			total += (uint64_t)n;
		ck_assert_uint_le(total, RECORD_SEGMENTS * 3 * SEG);
		ck_assert_int_eq(record_entries(&r, see, &s), 0);
		ck_assert_uint_le(record_begin(&r), record_boot(&r));
		ck_assert_uint_le(record_boot(&r), record_end(&r));
	}
	ck_assert_int_eq(record_open_writer(&w, seg, idx, SEG), 0);
	uint64_t end = record_end(&w);
	ck_assert_int_eq(record_write(&w, "again", 5, 3 * SECOND), 0);
	ck_assert_int_eq(record_read(&w, &end, p, sizeof(p)), 5);
	ck_assert_int_eq(memcmp(p, "again", 5), 0);
}
END_TEST

/* A header with a right checksum and numbers that are not. */
START_TEST(forged_headers_are_refused)
{
	static const struct {
		size_t offset;
		uint64_t value;
		size_t size;
	} cases[] = {
	    {offsetof(struct record_header, version), 2, 4},
	    {offsetof(struct record_header, entries), 0, 4},
	    {offsetof(struct record_header, entries), 0xffffffff, 4},
	    {offsetof(struct record_header, current), RECORD_SEGMENTS, 4},
	    {offsetof(struct record_header, segment_bytes), 0, 8},
	    {offsetof(struct record_header, segment_bytes), UINT64_MAX, 8},
	    {offsetof(struct record_header, start), UINT64_MAX - 10, 8},
	    {offsetof(struct record_header, start) + 8, UINT64_MAX / 2, 8},
	    {offsetof(struct record_header, start) + 24, 0, 8}, /* overlaps the current one */
	};
	struct record_header h;
	struct record r;
	write_bytes(0, 10, SECOND);
	ck_assert_int_eq(pread(idx, &h, sizeof(h), 0), sizeof(h));
	memcpy((char *)&h + cases[_i].offset, &cases[_i].value, cases[_i].size);
	uint64_t sum = 14695981039346656037ull;
	for (size_t i = 0; i < offsetof(struct record_header, check); i++)
		sum = (sum ^ ((unsigned char *)&h)[i]) * 1099511628211ull;
	h.check = sum;
	ck_assert_int_eq(pwrite(idx, &h, sizeof(h), 0), sizeof(h));
	ck_assert_int_eq(record_open_reader(&r, seg, idx), -ENODATA);
	ck_assert_int_eq(record_open_writer(&w, seg, idx, SEG), 0);
	ck_assert_uint_eq(record_end(&w), 0);
}
END_TEST

START_TEST(a_full_disk_is_told_and_survived)
{
	int full = open("/dev/full", O_RDWR | O_CLOEXEC), saved = w.seg[0];
	write_bytes(0, 100, SECOND);
	w.seg[0] = full;
	ck_assert_int_eq(record_write(&w, "x", 1, SECOND), -ENOSPC);
	w.seg[0] = saved;
	write_bytes(100, 100, SECOND);
	check_bytes(&w, 0, 200);
	close(full);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("record");
	TCase *t = tcase_create("record");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, what_is_written_is_read_by_another_process);
	tcase_add_test(t, old_segments_give_way_to_new_bytes);
	tcase_add_test(t, the_next_run_goes_on_behind_the_last);
	tcase_add_test(t, a_power_on_that_is_no_longer_kept_is_the_oldest_byte);
	tcase_add_test(t, the_time_index_is_sparse_ordered_and_bounded);
	tcase_add_test(t, many_bytes_at_once_make_few_entries);
	tcase_add_test(t, an_empty_record_is_no_record);
	tcase_add_loop_test(t, damaged_files_do_no_harm, 0, 200);
	tcase_add_loop_test(t, forged_headers_are_refused, 0, 9);
	tcase_add_test(t, a_full_disk_is_told_and_survived);
	suite_add_tcase(s, t);
	return test_main(s);
}
