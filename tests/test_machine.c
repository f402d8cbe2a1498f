/* vmdeck-vmm machine as a process, driven as keeper and control clients do, with a guest of a few bytes
 * (tests/guests/echo.S) on whatever /dev/kvm the host has.
 * needs: kvm */
#include <check.h>
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
#include <time.h>
#include <unistd.h>

#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/str.h"
#include "src/base/unixsock.h"
#include "src/proto/control.h"
#include "src/proto/launch.h"
#include "src/proto/livexml.h"
#include "src/proto/statspage.h"
#include "tests/testlib.h"

#define LIMIT_MS 20000

#define NEEDS_KVM                                                                                            \
	if (access("/dev/kvm", R_OK | W_OK) != 0)                                                            \
	test_skip("no /dev/kvm that can be opened")

struct guest {
	pid_t pid;
	int sock, console, stats;
	char dir[64];
	struct control *control;
	struct buf seen; /* console output so far */
};

static const char *out_dir(void)
{
	const char *o = getenv("O");
	return o ? o : "build/release";
}

static int memory_file(const char *name, const char *text)
{
	int fd = memfd_create(name, MFD_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fd_write_all(fd, text, strlen(text)), 0);
	return fd;
}

static void add(struct fd_set_named *s, const char *name, int fd)
{
	ck_assert_msg(fd >= 0, "%s: %s", name, strerror(errno));
	ck_assert_int_eq(named_add(s, name, fd), 0);
}

static void spawn(struct guest *g, struct fd_set_named *fds, bool paused)
{
	int pair[2];
	ck_assert_int_eq(unixsock_pair(SOCK_SEQPACKET, pair), 0);
	g->pid = fork();
	if (!g->pid) {
		AUTO_FREE char *path = x_asprintf("%s/vmdeck-vmm", out_dir());
		if (pair[1] == LAUNCH_FD)
			fcntl(LAUNCH_FD, F_SETFD, 0);
		else
			dup2(pair[1], LAUNCH_FD);
		execl(path, path, "machine", NULL);
		_exit(127);
	}
	close(pair[1]);
	g->sock = pair[0];
	json_t *go = json_object();
	json_set_str(go, "name", "test");
	json_set_flag(go, "paused", paused);
	ck_assert_int_eq(launch_send(g->sock, fds, go, NULL), 0);
	json_decref(go);
}

#define ECHO_XML \
	"<domain type='kvm'><name>test</name><memory unit='MiB'>16</memory><vcpu>1</vcpu>" \
	"<os><type>hvm</type><kernel>/echo</kernel></os>%s<devices><serial type='pty'/></devices></domain>"

/* Start the echo guest; @more: XML inside <domain>. */
static void guest_start(struct guest *g, const char *more, bool paused)
{
	struct fd_set_named fds = {0};
	struct err e = {0};
	*g = (struct guest){.console = -1};
	strcpy(g->dir, "/tmp/vmdeck-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(g->dir));
	AUTO_FREE char *control = x_asprintf("%s/control.sock", g->dir);
	AUTO_FREE char *kernel = x_asprintf("%s/guests/echo.elf", out_dir());
	AUTO_FREE char *text = x_asprintf(ECHO_XML, more);
	AUTO_FREE char *live = livexml_wrap(text);
	g->stats = memfd_create("stats", MFD_CLOEXEC);
	ck_assert_int_eq(ftruncate(g->stats, STATS_FILE_SIZE), 0);
	add(&fds, "kvm", open("/dev/kvm", O_RDWR | O_CLOEXEC));
	add(&fds, "live.xml", memory_file("live.xml", live));
	add(&fds, "stats", dup(g->stats));
	add(&fds, "control", unixsock_listen(control, 0600, NULL));
	add(&fds, "kernel", open(kernel, O_RDONLY | O_CLOEXEC));
	add(&fds, "vmm.log", dup(2));
	for (int i = 0; i < CONSOLE_SEGMENTS; i++) {
		char name[32];
		snprintf(name, sizeof(name), "console0.log.%d", i);
		add(&fds, name, memory_file(name, ""));
	}
	add(&fds, "console0.idx", memory_file("idx", ""));
	spawn(g, &fds, paused);
	named_done(&fds);
	int pid = 0;
	int rc = launch_wait(g->sock, LIMIT_MS, &pid, &e);
	ck_assert_msg(rc == 0, "%s", e.msg);
	ck_assert_int_eq(pid, g->pid);
	g->control = control_connect(control, LIMIT_MS, &e);
	ck_assert_msg(g->control != NULL, "%s", e.msg);
}

static void call(struct guest *g, const char *command)
{
	struct err e = {0};
	ck_assert_msg(control_call(g->control, command, NULL, NULL, NULL, &e) == 0, "%s: %s", command, e.msg);
}

static void attach(struct guest *g)
{
	struct err e = {0};
	json_t *args = json_object();
	json_set_int(args, "index", 0);
	json_set_int(args, "replay", -1);
	ck_assert_msg(control_call(g->control, "console-open", args, NULL, &g->console, &e) == 0, "%s",
		      e.msg);
	ck_assert_int_ge(g->console, 0);
}

static void type(struct guest *g, const char *text)
{
	ck_assert_int_eq(fd_write_all(g->console, text, strlen(text)), 0);
}

static unsigned count(const char *s, const char *what)
{
	unsigned n = 0;
	for (; (s = strstr(s, what)); s += strlen(what))
		n++;
	return n;
}

/* Wait until the console has shown @what @times times. */
static void expect(struct guest *g, const char *what, unsigned times)
{
	while (count(buf_text(&g->seen), what) < times) {
		char p[512];
		struct pollfd pf = {.fd = g->console, .events = POLLIN};
		ck_assert_msg(poll(&pf, 1, LIMIT_MS) == 1, "waiting for '%s', seen: '%s'", what,
			      buf_text(&g->seen));
		ssize_t n = read(g->console, p, sizeof(p));
		ck_assert_msg(n > 0, "console closed, seen: '%s'", buf_text(&g->seen));
		buf_add(&g->seen, p, (size_t)n);
	}
}

/* Wait for the end of the process; its exit status. */
static int guest_end(struct guest *g)
{
	int status = 0;
	for (int waited = 0; waitpid(g->pid, &status, WNOHANG) == 0; waited += 10) {
		ck_assert_msg(waited < LIMIT_MS, "the machine does not end");
		poll(NULL, 0, 10);
	}
	AUTO_FREE char *control = x_asprintf("%s/control.sock", g->dir);
	unlink(control);
	rmdir(g->dir);
	control_close(g->control);
	close(g->sock);
	close(g->stats);
	if (g->console >= 0)
		close(g->console);
	buf_done(&g->seen);
	ck_assert_msg(WIFEXITED(status), "ended by signal %d", WTERMSIG(status));
	return WEXITSTATUS(status);
}

static const char *last_words(struct guest *g, char *out, size_t n)
{
	char msg[2048];
	size_t nfds = 0;
	ssize_t k = unixsock_recv(g->sock, msg, sizeof(msg) - 1, NULL, &nfds);
	AUTO_JSON json_t *j = k > 0 ? json_parse(msg, (size_t)k, NULL) : NULL;
	const json_t *ended = json_object_get(j, "ended");
	snprintf(out, n, "%s|%s", json_str(ended, "reason", "?"), json_str(ended, "detail", "?"));
	return out;
}

static void status_is(struct guest *g, const char *want)
{
	struct err e = {0};
	json_t *reply = NULL;
	ck_assert_msg(control_call(g->control, "query-status", NULL, &reply, NULL, &e) == 0, "%s", e.msg);
	ck_assert_str_eq(json_str(reply, "status", ""), want);
	json_decref(reply);
}

START_TEST(machine_greets_echoes_and_powers_off)
{
	NEEDS_KVM;
	struct guest g;
	char words[300];
	guest_start(&g, "", false);
	attach(&g);
	expect(&g, "hello from the guest\r\n", 1);
	type(&g, "xyz");
	expect(&g, "xyz", 1);
	status_is(&g, "running");
	type(&g, "p");
	last_words(&g, words, sizeof(words));
	ck_assert_msg(!strncmp(words, "shutdown|", 9), "%s", words);
	ck_assert_int_eq(guest_end(&g), LAUNCH_EXIT_POWEROFF);
}
END_TEST

START_TEST(machine_resets_by_every_way_and_keeps_the_console)
{
	NEEDS_KVM;
	struct guest g;
	guest_start(&g, "", false);
	attach(&g);
	expect(&g, "hello", 1);
	type(&g, "c");
	expect(&g, "hello", 2);
	type(&g, "k");
	expect(&g, "hello", 3);
	type(&g, "t");
	expect(&g, "hello", 4);
	call(&g, "system_reset");
	expect(&g, "hello", 5);
	struct stats_header h;
	ck_assert_int_eq(fd_pread_all(g.stats, &h, sizeof(h), 0), 0);
	ck_assert_uint_eq(h.resets, 4);
	ck_assert_uint_eq(h.magic, STATS_MAGIC);
	close(g.console);
	buf_done(&g.seen);
	attach(&g); /* the whole record, from the first power-on */
	expect(&g, "hello", 5);
	type(&g, "p");
	ck_assert_int_eq(guest_end(&g), LAUNCH_EXIT_POWEROFF);
}
END_TEST

START_TEST(machine_reset_ends_it_when_on_reboot_is_destroy)
{
	NEEDS_KVM;
	struct guest g;
	guest_start(&g, "<on_reboot>destroy</on_reboot>", false);
	attach(&g);
	expect(&g, "hello", 1);
	type(&g, "c");
	ck_assert_int_eq(guest_end(&g), LAUNCH_EXIT_REBOOT);
}
END_TEST

START_TEST(machine_is_kept_by_preserve_and_lives_again_by_reset)
{
	NEEDS_KVM;
	struct guest g;
	struct err e = {0};
	guest_start(&g, "<on_poweroff>preserve</on_poweroff>", false);
	attach(&g);
	expect(&g, "hello", 1);
	type(&g, "p");
	for (int waited = 0;; waited += 10) {
		struct stats_header h;
		ck_assert_int_eq(fd_pread_all(g.stats, &h, sizeof(h), 0), 0);
		if (h.run == STATS_RUN_PAUSED)
			break;
		ck_assert_msg(waited < LIMIT_MS, "the guest is not off");
		poll(NULL, 0, 10);
	}
	status_is(&g, "shut off");
	ck_assert_int_lt(control_call(g.control, "cont", NULL, NULL, NULL, &e), 0);
	ck_assert_msg(strstr(e.msg, "powered off"), "%s", e.msg);
	call(&g, "system_reset");
	expect(&g, "hello", 2);
	status_is(&g, "running");
	call(&g, "quit");
	ck_assert_int_eq(guest_end(&g), LAUNCH_EXIT_DESTROYED);
}
END_TEST

START_TEST(machine_paused_says_nothing_until_resumed)
{
	NEEDS_KVM;
	struct guest g;
	guest_start(&g, "", true);
	attach(&g);
	status_is(&g, "paused");
	struct stats_block b;
	ck_assert_int_eq(fd_pread_all(g.stats, &b, sizeof(b), STATS_BLOCK), 0);
	call(&g, "cont");
	expect(&g, "hello from the guest\r\n", 1);
	call(&g, "stop");
	status_is(&g, "paused");
	type(&g, "uvw");
	call(&g, "query-status"); /* the loop has gone round: the input is with the UART */
	struct pollfd pf = {.fd = g.console, .events = POLLIN};
	ck_assert_int_eq(poll(&pf, 1, 0), 0);
	call(&g, "cont");
	expect(&g, "uvw", 1);
	call(&g, "quit");
	ck_assert_int_eq(guest_end(&g), LAUNCH_EXIT_DESTROYED);
}
END_TEST

START_TEST(machine_that_spins_can_be_paused_and_destroyed)
{
	NEEDS_KVM;
	struct guest g;
	guest_start(&g, "", false);
	attach(&g);
	expect(&g, "hello", 1);
	type(&g, "s");
	call(&g, "stop");
	status_is(&g, "paused");
	call(&g, "cont");
	call(&g, "quit");
	ck_assert_int_eq(guest_end(&g), LAUNCH_EXIT_DESTROYED);
}
END_TEST

START_TEST(machine_client_that_never_reads_stops_nobody)
{
	NEEDS_KVM;
	struct guest g;
	guest_start(&g, "", false);
	attach(&g);
	int lazy = g.console;
	attach(&g);
	expect(&g, "hello", 1);
	char line[1001];
	memset(line, 'a', sizeof(line) - 1);
	line[sizeof(line) - 1] = 0;
	type(&g, line);
	expect(&g, line, 1);
	close(lazy);
	type(&g, "p");
	ck_assert_int_eq(guest_end(&g), LAUNCH_EXIT_POWEROFF);
}
END_TEST

START_TEST(control_refuses_nonsense_and_lives_on)
{
	NEEDS_KVM;
	struct guest g;
	struct err e = {0};
	guest_start(&g, "", false);
	ck_assert_int_lt(control_call(g.control, "make-coffee", NULL, NULL, NULL, &e), 0);
	ck_assert_msg(strstr(e.msg, "make-coffee") != NULL, "%s", e.msg);
	json_t *args = json_object();
	json_set_int(args, "index", 3);
	ck_assert_int_lt(control_call(g.control, "console-open", args, NULL, NULL, &e), 0);
	AUTO_FREE char *path = x_asprintf("%s/control.sock", g.dir);
	int fd = unixsock_connect(path, NULL);
	ck_assert_int_ge(fd, 0);
	char junk[4096];
	memset(junk, 'x', sizeof(junk));
	for (unsigned sent = 0; sent < 2 * CONTROL_LINE_MAX; sent += sizeof(junk))
		if (send(fd, junk, sizeof(junk), MSG_NOSIGNAL) < 0)
			break;
	close(fd);
	status_is(&g, "running");
	call(&g, "quit");
	ck_assert_int_eq(guest_end(&g), LAUNCH_EXIT_DESTROYED);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("machine");
	TCase *t = tcase_create("process");
	tcase_set_timeout(t, 120);
	tcase_add_test(t, machine_greets_echoes_and_powers_off);
	tcase_add_test(t, machine_resets_by_every_way_and_keeps_the_console);
	tcase_add_test(t, machine_reset_ends_it_when_on_reboot_is_destroy);
	tcase_add_test(t, machine_is_kept_by_preserve_and_lives_again_by_reset);
	tcase_add_test(t, machine_paused_says_nothing_until_resumed);
	tcase_add_test(t, machine_that_spins_can_be_paused_and_destroyed);
	tcase_add_test(t, machine_client_that_never_reads_stops_nobody);
	tcase_add_test(t, control_refuses_nonsense_and_lives_on);
	suite_add_tcase(s, t);
	return test_main(s);
}
