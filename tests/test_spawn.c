/* Other programs: run and read, or let go. */
#include <check.h>
#include <sys/stat.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/base/cleanup.h"
#include "src/base/spawn.h"
#include "src/base/unixsock.h"
#include "tests/testlib.h"

static struct err e;

START_TEST(the_output_and_the_status_come_back)
{
	static const struct {
		const char *script;
		int status;
		const char *out;
	} cases[] = {
	    {"echo out; echo err >&2; exit 3", 3, "out\nerr\n"},
	    {"cat", 0, ""}, /* no input */
	    {"kill -9 $$", 128 + 9, ""},
	    {"PATH=/usr/bin:/bin; exec no-such-program 2>/dev/null", 127, ""},
	};
	AUTO_BUF struct buf out = {0};
	const char *const argv[] = {"sh", "-c", cases[_i].script, NULL};
	ck_assert_int_eq(spawn_capture(argv, 20000, &out, &e), cases[_i].status);
	ck_assert_str_eq(buf_text(&out), cases[_i].out);
}
END_TEST

START_TEST(what_takes_too_long_is_killed)
{
	const char *const argv[] = {"sleep", "1000", NULL};
	ck_assert_int_eq(spawn_capture(argv, 20, NULL, &e), -ETIMEDOUT);
	ck_assert_msg(strstr(e.msg, "sleep"), "%s", e.msg);
}
END_TEST

START_TEST(a_detached_program_is_nobodys_child_and_inherits_what_it_is_given)
{
	int pair[2], leak = open("/dev/null", O_RDONLY); /* without close-on-exec */
	char text[300] = "", want[300];
	ck_assert_int_eq(unixsock_pair(SOCK_STREAM, pair), 0);
	AUTO_FREE char *script =
	    x_asprintf("echo \"$(ps -o sid= -p $$ 2>/dev/null || echo $$) $PPID $PWD $(ls /proc/$$/fd | tr "
		       "'\\n' ' ')\" >&3; test -e /proc/$$/fd/%d && echo leak >&3",
		       leak > 4 ? leak : 99);
	const char *const argv[] = {"/bin/sh", "-c", script, NULL};
	pid_t pid = spawn_detached(argv, -1, pair[1], &e);
	ck_assert_msg(pid > 0, "%s", e.msg);
	close(pair[1]);
	for (size_t n = 0; n < sizeof(text) - 1;) {
		ssize_t k = read(pair[0], text + n, sizeof(text) - 1 - n);
		if (k <= 0)
			break;
		n += (size_t)k;
	}
	int sid = 0, ppid = 0;
	char pwd[100] = "";
	ck_assert_msg(sscanf(text, "%d %d %99s", &sid, &ppid, pwd) == 3, "'%s'", text);
	ck_assert_int_eq(sid, pid);
	ck_assert_int_ne(ppid, getpid());
	ck_assert_str_eq(pwd, "/");
	snprintf(want, sizeof(want), "0 1 2 3");
	ck_assert_msg(strstr(text, want) && !strstr(text, "leak"), "'%s'", text);
	close(pair[0]);
	close(leak);
}
END_TEST

START_TEST(a_program_that_cannot_be_run_is_told_at_once)
{
	const char *const argv[] = {"/nowhere/vmdeck-vmm", NULL};
	ck_assert_int_eq(spawn_detached(argv, -1, -1, &e), -ENOENT);
	ck_assert_msg(strstr(e.msg, "/nowhere/vmdeck-vmm"), "%s", e.msg);
}
END_TEST

START_TEST(our_programs_are_found_beside_us_or_by_name)
{
	setenv("VMDECK_TEST_PROGRAM", "/bin/sh", 1);
	AUTO_FREE char *path = spawn_find("x", "VMDECK_TEST_PROGRAM", &e);
	ck_assert(path && str_ends(path, "sh"));
	unsetenv("VMDECK_TEST_PROGRAM");
	AUTO_FREE char *self = spawn_find("test_spawn", "VMDECK_TEST_PROGRAM", &e);
	ck_assert(self && *self == '/');
	ck_assert_ptr_null(spawn_find("no-such-program", "VMDECK_TEST_PROGRAM", &e));
	ck_assert_msg(strstr(e.msg, "VMDECK_TEST_PROGRAM"), "%s", e.msg);
}
END_TEST

START_TEST(with_sudo_only_roots_own_programs_are_taken_from_the_environment)
{
	char path[] = "/tmp/vmdeck-spawn-XXXXXX";
	if (geteuid() != 0)
		test_skip("root only");
	int fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	setenv("SUDO_UID", "1000", 1);
	setenv("VMDECK_VMM", path, 1);
	ck_assert_int_eq(fchmod(fd, 0777), 0);
	char *found = spawn_find("vmdeck-vmm", "VMDECK_VMM", &e);
	ck_assert(!found && e.code == EPERM && strstr(e.msg, "VMDECK_VMM"));
	ck_assert_int_eq(fchmod(fd, 0755), 0);
	found = spawn_find("vmdeck-vmm", "VMDECK_VMM", &e);
	ck_assert_str_eq(found, path);
	free(found);
	unsetenv("SUDO_UID");
	unsetenv("VMDECK_VMM");
	unlink(path);
	close(fd);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("spawn");
	TCase *t = tcase_create("spawn");
	tcase_add_loop_test(t, the_output_and_the_status_come_back, 0, 4);
	tcase_add_test(t, what_takes_too_long_is_killed);
	tcase_add_test(t, a_detached_program_is_nobodys_child_and_inherits_what_it_is_given);
	tcase_add_test(t, a_program_that_cannot_be_run_is_told_at_once);
	tcase_add_test(t, our_programs_are_found_beside_us_or_by_name);
	tcase_add_test(t, with_sudo_only_roots_own_programs_are_taken_from_the_environment);
	suite_add_tcase(s, t);
	return test_main(s);
}
