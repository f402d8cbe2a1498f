/* Logs that guests and strangers can write to: how many lines, how many bytes, and who waits. */
#include "tests/testlib.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "backend/vmm/chardev_copy.h"
#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/log.h"
#include "src/base/logfile.h"
#include "src/base/str.h"

static int64_t ahead_s; /* of the clock */

int __real_clock_gettime(clockid_t id, struct timespec *ts);
int __wrap_clock_gettime(clockid_t id, struct timespec *ts);
int __wrap_clock_gettime(clockid_t id, struct timespec *ts)
{
	int rc = __real_clock_gettime(id, ts);
	if (id == CLOCK_MONOTONIC)
		ts->tv_sec += ahead_s;
	return rc;
}

static char dir[64];

static void setup(void)
{
	strcpy(dir, "/tmp/vmdeck-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ahead_s = 0;
}

static void teardown(void)
{
	log_open(NULL, -1);
	ck_assert_int_eq(dir_remove(dir, NULL), 0);
}

static char *in_dir(const char *name)
{
	return x_asprintf("%s/%s", dir, name);
}

static int make(const char *name, int flags)
{
	AUTO_FREE char *path = in_dir(name);
	int fd = open(path, flags | O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	return fd;
}

static char *text_of(const char *name)
{
	AUTO_FREE char *path = in_dir(name);
	char *text = NULL;
	ck_assert_int_eq(file_read(path, 64u << 20, &text, NULL, NULL), 0);
	return text;
}

static unsigned lines_of(const char *text)
{
	unsigned n = 0;
	for (; *text; text++)
		n += *text == '\n';
	return n;
}

START_TEST(a_flood_of_lines_is_counted_not_written)
{
	AUTO_CLOSE int fd = make("log", O_APPEND);
	log_open("vmm web1", fd);
	for (unsigned i = 0; i < 100000; i++)
		log_warn("the guest does something wrong, %u", i);
	log_error("that is worth a word");
	AUTO_FREE char *text = text_of("log");
	unsigned n = lines_of(text);
	ck_assert_msg(n >= LOG_BURST && n <= LOG_BURST + 2 + 60 * LOG_PER_S, "%u lines", n);
	ck_assert_msg(strstr(text, "error: that is worth a word"), "%s", text + strlen(text) - 300);
	ck_assert_ptr_nonnull(strstr(text, " lines were left out"));
	ahead_s = 10; /* there is room for some again */
	for (unsigned i = 0; i < 1000; i++)
		log_warn("again");
	AUTO_FREE char *later = text_of("log");
	unsigned more = lines_of(later) - n;
	ck_assert_msg(more >= 10 * LOG_PER_S && more <= 70 * LOG_PER_S + 3, "%u lines", more);
}
END_TEST

START_TEST(a_pipe_that_is_full_is_not_waited_for)
{
	int ends[2];
	char text[65536 + 1] = "";
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	AUTO_CLOSE int out = ends[0], in = ends[1];
	log_open("vmm web1", in);
	while (write(in, text, 4096) > 0)
		;
	for (unsigned i = 0; i < 5; i++)
		log_info("nobody reads");
	while (read(out, text, sizeof(text) - 1) > 0)
		;
	log_info("now somebody does");
	ssize_t n = read(out, text, sizeof(text) - 1);
	ck_assert_int_gt(n, 0);
	text[n] = 0;
	ck_assert_ptr_nonnull(strstr(text, "5 lines were left out\n"));
	ck_assert_ptr_nonnull(strstr(text, "now somebody does\n"));
}
END_TEST

START_TEST(a_file_turns_over_and_keeps_what_was_last)
{
	enum { MAX = 10000, LINES = 5000 };
	AUTO_CLOSE int fd = make("log", O_APPEND), one = make("one", 0), two = make("two", 0);
	struct logfile f = {.fd = fd, .old = {one, two, -1}, .max = MAX};
	char line[32];
	for (unsigned i = 0; i < LINES; i++) {
		int n = snprintf(line, sizeof(line), "line %06u\n", i);
		ck_assert_int_eq(logfile_write(&f, line, (size_t)n), 0);
	}
	AUTO_FREE char *now = text_of("log"), *older = text_of("one"), *oldest = text_of("two");
	ck_assert_uint_le(strlen(now), MAX);
	ck_assert_uint_le(strlen(older), MAX);
	AUTO_FREE char *all = x_asprintf("%s%s%s", oldest, older, now);
	unsigned first = LINES - lines_of(all), at = first;
	ck_assert_uint_ge(strlen(all), 2 * MAX - 100);
	for (const char *p = all; *p; p += 12)
		ck_assert_uint_eq((unsigned)atoi(p + 5), at++);
	ck_assert_uint_eq(at, LINES);
}
END_TEST

START_TEST(one_that_was_long_before_turns_at_once)
{
	AUTO_CLOSE int fd = make("log", O_APPEND), one = make("one", 0);
	struct logfile f = {.fd = fd, .old = {one, -1, -1}, .max = 1000};
	AUTO_FREE char *ballast = malloc(50000);
	memset(ballast, 'a', 49000);
	memset(ballast + 49000, 'b', 1000);
	ck_assert_int_eq(fd_write_all(fd, ballast, 50000), 0);
	ck_assert_int_eq(logfile_write(&f, "new\n", 4), 0);
	AUTO_FREE char *now = text_of("log"), *old = text_of("one");
	ck_assert_str_eq(now, "new\n");
	ck_assert_uint_eq(strlen(old), 1000);
	ck_assert_uint_eq(strspn(old, "b"), 1000);
}
END_TEST

static struct chardev_copy *copy_of(int fd, bool old)
{
	static struct fd_set_named fds;
	struct chardev_copy *c = NULL;
	struct err e = {0};
	ck_assert_int_eq(named_add(&fds, "console0.copy", fd), 0);
	for (int i = 0; old && i < 3; i++) {
		char name[32], file[8];
		snprintf(name, sizeof(name), "console0.copy.%d", i);
		snprintf(file, sizeof(file), "%d", i);
		ck_assert_int_eq(named_add(&fds, name, make(file, 0)), 0);
	}
	ck_assert_msg(!chardev_copy_new(&c, &fds, 0, &e), "%s", e.msg);
	ck_assert_ptr_nonnull(c);
	return c;
}

START_TEST(a_consoles_log_file_is_of_bounded_size_and_complete)
{
	enum { ALL = 20u << 20, PART = 4096 };
	struct chardev_copy *c = copy_of(make("log", O_APPEND), true);
	char text[PART + 1];
	unsigned wrote = 0;
	for (; wrote < ALL / PART; wrote++) {
		snprintf(text, sizeof(text), "%0*u\n", PART - 1, wrote);
		chardev_copy_put(c, text, PART);
		if (wrote % 16 == 0)
			usleep(100);
	}
	chardev_copy_free(c);
	AUTO_FREE char *log = in_dir("log");
	struct stat st;
	ck_assert_int_eq(stat(log, &st), 0);
	ck_assert_int_le(st.st_size, LOGFILE_CONSOLE_MAX);
	for (int i = 0; i < 3; i++) {
		AUTO_FREE char *path = x_asprintf("%s/%d", dir, i);
		ck_assert_int_eq(stat(path, &st), 0);
		ck_assert_int_le(st.st_size, LOGFILE_CONSOLE_MAX);
		ck_assert_int_gt(st.st_size, 0);
	}
	AUTO_FREE char *end = text_of("log");
	if (!strstr(end, "bytes were left out"))
		ck_assert_uint_eq((unsigned)atoi(end + strlen(end) - 10), wrote - 1);
}
END_TEST

/* A FIFO that nobody reads hangs its writer; a network file system does the same. */
START_TEST(a_log_file_that_hangs_holds_nobody_up)
{
	AUTO_FREE char *path = in_dir("fifo");
	static char chunk[16384];
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	ck_assert_int_ge(fd, 0);
	AUTO_CLOSE int reader = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct chardev_copy *c = copy_of(fd, false);
	memset(chunk, 'x', sizeof(chunk));
	for (unsigned i = 0; i < 1000; i++) /* returns: that is the test */
		chardev_copy_put(c, chunk, sizeof(chunk));
	AUTO_BUF struct buf seen = {0};
	while (!strstr(buf_text(&seen), "bytes were left out]")) {
		static char part[65536];
		ssize_t n = read(reader, part, sizeof(part));
		if (n > 0)
			buf_add(&seen, part, (size_t)n);
		else
			usleep(1000);
	}
	unsigned long long left = 0;
	ck_assert_int_eq(sscanf(strchr(buf_text(&seen), '['), "[%llu bytes", &left), 1);
	ck_assert_uint_eq(strspn(buf_text(&seen), "x") + left, 1000 * sizeof(chunk));
	chardev_copy_free(c);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("log");
	TCase *t = tcase_create("log");
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_flood_of_lines_is_counted_not_written);
	tcase_add_test(t, a_pipe_that_is_full_is_not_waited_for);
	tcase_add_test(t, a_file_turns_over_and_keeps_what_was_last);
	tcase_add_test(t, one_that_was_long_before_turns_at_once);
	tcase_add_test(t, a_consoles_log_file_is_of_bounded_size_and_complete);
	tcase_add_test(t, a_log_file_that_hangs_holds_nobody_up);
	suite_add_tcase(s, t);
	return test_main(s);
}
