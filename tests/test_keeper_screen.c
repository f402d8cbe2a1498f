/* The keeper and the screen of its guest. This program is also the machine and the screen process: the keeper
 * is the real one. The screen serves one viewer at a time with one line, "screen PID NFDS ARGC NAME", and
 * does what a line of the viewer says. */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backend/vmm/keeper.h"
#include "backend/vmm/keeper_screen.h"
#include "src/base/cleanup.h"
#include "src/base/lock.h"
#include "src/base/log.h"
#include "src/base/spawn.h"
#include "src/base/str.h"
#include "src/base/unixsock.h"
#include "src/proto/launch.h"
#include "src/proto/screen.h"
#include "tests/testlib.h"

#define WAIT_MS 20000 /* for what happens at once on a machine with time */

/* --- the screen process --- */

static int count_fds(void)
{
	int n = 0;
	for (int i = 0; i < 1024; i++)
		n += fcntl(i, F_GETFD) >= 0;
	return n;
}

static void serve(int c, int nfds, int argc, const char *name)
{
	char line[200];
	int n = snprintf(line, sizeof(line), "screen %d %d %d %s\n", (int)getpid(), nfds, argc, name);
	if (write(c, line, (size_t)n) != n)
		return;
	n = (int)read(c, line, sizeof(line) - 1);
	if (n <= 0)
		return;
	line[n] = 0;
	if (!strcmp(line, "exit"))
		_exit(0);
	if (!strcmp(line, "crash"))
		_exit(3);
	if (!strcmp(line, "stall")) /* tells the machine that it does not read any more */
		unixsock_send(LAUNCH_FD, "stall", 5, NULL, 0);
	if (!strcmp(line, "flood"))
		unixsock_send(LAUNCH_FD, "flood", 5, NULL, 0);
	if (!strcmp(line, "spoil")) /* has the machine say that its disk is lost */
		unixsock_send(LAUNCH_FD, "spoil", 5, NULL, 0);
}

/* The TLS files are there, in their order, behind the listener. */
static bool has_files(const char *which)
{
	char text[4] = "";
	for (int i = 0; i < 3; i++)
		if (pread(SCREEN_LISTEN_FD + 1 + i, text + i, 1, 0) != 1)
			return false;
	return !strcmp(text, "ACK") && !strcmp(which, SCREEN_TLS_VERIFY);
}

static int fake_screen(int argc, char **argv)
{
	int nfds = count_fds();
	char hello[16];
	if (recv(LAUNCH_FD, hello, sizeof(hello), 0) != 5 || argc != 4 || !has_files(argv[3]))
		return 4;
	for (;;) {
		struct pollfd p[2] = {{.fd = LAUNCH_FD, .events = POLLIN},
				      {.fd = SCREEN_LISTEN_FD, .events = POLLIN}};
		poll(p, 2, -1);
		int c = p[1].revents ? accept4(SCREEN_LISTEN_FD, NULL, NULL, SOCK_CLOEXEC) : -1;
		if (c >= 0)
			serve(c, nfds, argc, argv[2]);
		fd_close(c);
		if (p[0].revents && recv(LAUNCH_FD, hello, sizeof(hello), 0) <= 0)
			pause(); /* a screen that hangs: the keeper has to end it */
	}
}

/* --- the machine --- */

static void on_term(int sig)
{
	_exit(LAUNCH_EXIT_POWEROFF);
}

static int fake_machine(void)
{
	static struct fd_set_named fds;
	struct err e = {0};
	json_t *go = NULL;
	int screen = -1;
	char text[16];
	/* the host's key is not for who runs the guest */
	if (launch_recv(LAUNCH_FD, &fds, &go, &e) || named_get(&fds, "vnc.0") >= 0 ||
	    named_get(&fds, "tls.ca") >= 0 || named_get(&fds, "tls.cert") >= 0 || named_get(&fds, "tls.key") >= 0)
		return LAUNCH_EXIT_NOT_STARTED;
	signal(SIGTERM, on_term);
	log_open("machine", named_get(&fds, "vmm.log"));
	log_warn("first words");
	launch_answer_ready(LAUNCH_FD, getpid());
	for (;;) {
		struct pollfd p[2] = {{.fd = LAUNCH_FD, .events = POLLIN}, {.fd = screen, .events = POLLIN}};
		poll(p, 2, -1);
		if (p[1].revents && recv(screen, text, sizeof(text), 0) != 5) {
			close(screen);
			screen = -1;
		} else if (p[1].revents && !memcmp(text, "spoil", 5)) {
			for (unsigned i = 0; i < 100; i++)
				launch_disk_lost(LAUNCH_FD, "v\033da", "Input/output error");
		} else if (p[1].revents && !memcmp(text, "flood", 5)) { /* a machine that is taken over */
			static char page[4096];
			memset(page, '\n', sizeof(page));
			for (unsigned i = 0; i < 20000; i++)
				if (write(named_get(&fds, "vmm.log"), page, sizeof(page)) < 0)
					usleep(50);
			unixsock_send(LAUNCH_FD, "{}", 2, NULL, 0);
			log_error("last words");
		} else if (p[1].revents) {
			close(screen);
			screen = -1;
			launch_screen_dropped(LAUNCH_FD, "it does not read");
		}
		struct launch_given g = {0};
		if (p[0].revents && launch_recv_given(LAUNCH_FD, &g))
			return LAUNCH_EXIT_DESTROYED;
		if (g.what == LAUNCH_SCREEN) {
			fd_close(screen);
			screen = g.fd;
			unixsock_send(screen, "hello", 5, NULL, 0);
		}
	}
}

/* --- the tests --- */

static char dir[64], *path;
static struct err e;
static pid_t keeper, machine;
static int lock, journal, vmm_log;

static void setup(void)
{
	static const char *const tls[] = {"tls.ca", "tls.cert", "tls.key"};
	static const char tls_text[] = "ACK";
	static struct fd_set_named fds;
	int pair[2];
	strcpy(dir, "/tmp/vmdeck-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	path = x_asprintf("%s/vnc.sock", dir);
	lock = memfd_create("lock", MFD_CLOEXEC);
	ck_assert_int_eq(lock_take(lock), 0);
	ck_assert_int_eq(unixsock_pair(SOCK_SEQPACKET, pair), 0);
	keeper = spawn_detached((const char *const[]){"/proc/self/exe", "keeper", NULL}, 2, pair[1], &e);
	ck_assert_msg(keeper > 0, "%s", e.msg);
	close(pair[1]);
	named_add(&fds, "vnc.0", unixsock_listen(path, 0600, &e));
	for (size_t i = 0; i < ARRAY_SIZE(tls); i++) {
		int file = memfd_create(tls[i], MFD_CLOEXEC);
		ck_assert_int_eq(pwrite(file, tls_text + i, 1, 0), 1);
		named_add(&fds, tls[i], file);
	}
	named_add(&fds, "lock", fcntl(lock, F_DUPFD_CLOEXEC, 3));
	AUTO_JSON json_t *go = json_object();
	json_t *screen = json_object();
	journal = memfd_create("journal", MFD_CLOEXEC);
	named_add(&fds, "journal", fcntl(journal, F_DUPFD_CLOEXEC, 3));
	vmm_log = memfd_create("vmm.log", MFD_CLOEXEC);
	fcntl(vmm_log, F_SETFL, O_APPEND | O_RDWR);
	named_add(&fds, "vmm.log", fcntl(vmm_log, F_DUPFD_CLOEXEC, 3));
	json_set_str(go, "name", "web1");
	json_set_str(screen, "program", "/proc/self/exe");
	json_set_flag(screen, "tls_verify", true);
	json_set_take(go, "screen", screen);
	ck_assert_int_eq(launch_send(pair[0], &fds, go, &e), 0);
	named_done(&fds);
	int pid;
	ck_assert_msg(launch_wait(pair[0], WAIT_MS, &pid, &e) == 0, "%s", e.msg);
	machine = pid;
	close(pair[0]);
}

static bool alive(pid_t pid)
{
	char proc[64], state = 'X';
	snprintf(proc, sizeof(proc), "/proc/%d/stat", (int)pid);
	AUTO_FCLOSE FILE *f = fopen(proc, "re");
	return f && fscanf(f, "%*d %*[^)]) %c", &state) == 1 && state != 'Z' && state != 'X';
}

static void wait_gone(pid_t pid)
{
	for (int ms = 0; ms < WAIT_MS && alive(pid); ms += 5)
		usleep(5000);
	ck_assert_msg(!alive(pid), "process %d is still there", (int)pid);
}

static void teardown(void)
{
	kill(keeper, SIGUSR2);
	wait_gone(keeper);
	unlink(path);
	rmdir(dir);
	free(path);
	close(lock);
	close(journal);
	close(vmm_log);
}

static int viewer(void)
{
	int fd = unixsock_connect(path, &e);
	ck_assert_msg(fd >= 0, "%s", e.msg);
	return fd;
}

/* The screen's line to a viewer: its pid. */
static pid_t greeting(int fd, int *nfds)
{
	char line[200] = "", name[100] = "";
	int pid = 0, argc = 0, open_fds = 0;
	struct pollfd p = {.fd = fd, .events = POLLIN};
	ck_assert_int_eq(poll(&p, 1, WAIT_MS), 1);
	ck_assert_int_gt(read(fd, line, sizeof(line) - 1), 0);
	ck_assert_msg(sscanf(line, "screen %d %d %d %99s", &pid, &open_fds, &argc, name) == 4, "%s", line);
	ck_assert_str_eq(name, "web1");
	ck_assert_int_eq(argc, 4);
	if (nfds)
		*nfds = open_fds;
	return pid;
}

static void say(int fd, const char *what)
{
	ck_assert_int_eq(write(fd, what, strlen(what)), (ssize_t)strlen(what));
}

START_TEST(the_first_viewer_starts_it_and_it_gets_no_more_than_its_own)
{
	int nfds, fd = viewer();
	pid_t pid = greeting(fd, &nfds);
	ck_assert_int_eq(nfds, 8); /* 0 to 2, the machine, one listener, three files: no lock among them */
	close(fd);
	fd = viewer();
	ck_assert_int_eq(greeting(fd, NULL), pid);
	close(fd);
}
END_TEST

START_TEST(a_new_one_serves_the_next_viewer)
{
	static const char *const how[] = {"kill", "exit", "crash", "stall"};
	int fd = viewer();
	pid_t first = greeting(fd, NULL);
	if (!strcmp(how[_i], "kill"))
		kill(first, SIGKILL);
	else
		say(fd, how[_i]);
	wait_gone(first);
	close(fd);
	fd = viewer();
	pid_t second = greeting(fd, NULL);
	ck_assert_int_ne(first, second);
	ck_assert(alive(machine) && alive(keeper));
	close(fd);
}
END_TEST

START_TEST(who_waits_while_it_dies_is_served_by_the_next)
{
	int fd = viewer(), waiting[5];
	pid_t first = greeting(fd, NULL);
	for (int i = 0; i < 5; i++)
		waiting[i] = viewer();
	say(fd, "crash");
	wait_gone(first);
	for (int i = 0; i < 5; i++) {
		ck_assert_int_ne(greeting(waiting[i], NULL), first);
		close(waiting[i]);
	}
	close(fd);
}
END_TEST

/* The machine cannot write to the journal, and cannot fill it through the keeper. */
START_TEST(a_lost_disk_goes_to_the_journal)
{
	int fd = viewer(), ms = 0;
	char text[16384] = "";
	unsigned lines = 0;
	greeting(fd, NULL);
	say(fd, "spoil");
	close(fd);
	for (; lines < 32 && ms < WAIT_MS; ms += 5) {
		ssize_t n = pread(journal, text, sizeof(text) - 1, 0);
		lines = 0;
		for (ssize_t i = 0; i < n; i++)
			lines += text[i] == '\n';
		usleep(5000);
	}
	ck_assert_uint_eq(lines, 32);
	text[strcspn(text, "\n")] = 0;
	ck_assert_ptr_nonnull(strstr(text, "\"event\":\"disk-failed\""));
	ck_assert_ptr_nonnull(strstr(text, "Input/output error"));
	ck_assert_ptr_nonnull(strstr(text, "\"name\":\"web1\""));
	ck_assert_ptr_null(strstr(text, "u001b"));
	fd = viewer(); /* served when the keeper has read the rest */
	greeting(fd, NULL);
	close(fd);
	ck_assert_int_le(lseek(journal, 0, SEEK_END), (off_t)sizeof(text));
}
END_TEST

static bool log_has(const char *text)
{
	static char all[2u << 20];
	ssize_t n = pread(vmm_log, all, sizeof(all) - 1, 0);
	all[n > 0 ? n : 0] = 0;
	return strstr(all, text);
}

static void wait_log(const char *text)
{
	for (int ms = 0; ms < WAIT_MS && !log_has(text); ms += 5)
		usleep(5000);
	ck_assert_msg(log_has(text), "the log lacks '%s'", text);
}

/* 80 MB within a second or two: the keeper takes a second's worth at a time, and serves others meanwhile. */
START_TEST(a_machine_cannot_fill_the_disk_with_its_log)
{
	wait_log("machine: warning: first words");
	int fd = viewer();
	greeting(fd, NULL);
	say(fd, "flood");
	close(fd);
	fd = viewer();
	greeting(fd, NULL);
	close(fd);
	wait_log("sent a message that makes no sense"); /* it has come to its end */
	ck_assert_int_lt(lseek(vmm_log, 0, SEEK_END), 1 << 20);
	kill(keeper, SIGUSR2);
	wait_gone(keeper);
	ck_assert_int_le(lseek(vmm_log, 0, SEEK_END), (1 << 20) + 65536);
	wait_log("keeper web1: info: the guest ended");
}
END_TEST

START_TEST(it_ends_with_the_guest)
{
	static const int signals[] = {SIGUSR2, SIGTERM, SIGKILL}; /* to the keeper */
	int fd = viewer();
	pid_t pid = greeting(fd, NULL);
	kill(keeper, signals[_i]);
	wait_gone(keeper);
	wait_gone(machine);
	wait_gone(pid);
	ck_assert_int_eq(unixsock_connect(path, &e), -ECONNREFUSED);
	close(fd);
}
END_TEST

START_TEST(starts_are_a_second_apart_and_five_a_minute)
{
	static const struct {
		int64_t starts[8], now, next;
	} cases[] = {
	    {{0}, 5000, 5000},
	    {{5000}, 5001, 6000},
	    {{5000}, 5999, 6000},
	    {{5000}, 6000, 6000},
	    {{5000}, 9999, 9999},
	    {{5000, 6000, 7000, 8000}, 8500, 9000},
	    {{5000, 6000, 7000, 8000, 9000}, 9500, 65000},
	    {{5000, 6000, 7000, 8000, 9000, 65000}, 65001, 66000},
	    {{5000, 6000, 7000, 8000, 9000, 65000, 66000}, 67500, 67500},
	};
	struct keeper_starts s = {0};
	for (unsigned i = 0; cases[_i].starts[i]; i++)
		keeper_starts_add(&s, cases[_i].starts[i]);
	ck_assert_int_eq(keeper_starts_next(&s, cases[_i].now), cases[_i].next);
}
END_TEST

int main(int argc, char **argv)
{
	const char *role = argc > 1 ? argv[1] : "";
	setenv("VMDECK_NAMESPACES", "off", 1); /* the processes here tell their ids */
	static const char *const machine_argv[] = {"/proc/self/exe", "machine", NULL};
	if (!strcmp(role, "keeper"))
		return keeper_main(machine_argv);
	if (!strcmp(role, "machine"))
		_exit(fake_machine());
	if (!strcmp(role, "1"))
		_exit(fake_screen(argc, argv));
	Suite *s = suite_create("keeper_screen");
	TCase *t = tcase_create("processes");
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, the_first_viewer_starts_it_and_it_gets_no_more_than_its_own);
	tcase_add_loop_test(t, a_new_one_serves_the_next_viewer, 0, 4);
	tcase_add_test(t, who_waits_while_it_dies_is_served_by_the_next);
	tcase_add_test(t, a_machine_cannot_fill_the_disk_with_its_log);
	tcase_add_test(t, a_lost_disk_goes_to_the_journal);
	tcase_add_loop_test(t, it_ends_with_the_guest, 0, 3);
	suite_add_tcase(s, t);
	TCase *pure = tcase_create("times");
	tcase_add_loop_test(pure, starts_are_a_second_apart_and_five_a_minute, 0, 9);
	suite_add_tcase(s, pure);
	return test_main(s);
}
