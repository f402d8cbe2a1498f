/* Launch messages, and the client's side of the control socket. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "backend/local/patience.h"
#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/str.h"
#include "src/base/unixsock.h"
#include "src/proto/control.h"
#include "src/proto/launch.h"
#include "src/proto/livexml.h"
#include "tests/testlib.h"

static int pair[2];
static struct err e;

static void setup(void)
{
	ck_assert_int_eq(unixsock_pair(SOCK_SEQPACKET, pair), 0);
}

static void teardown(void)
{
	close(pair[0]);
	close(pair[1]);
}

static int fds_open(void)
{
	int n = 0;
	for (int i = 0; i < 1024; i++)
		n += fcntl(i, F_GETFD) >= 0;
	return n;
}

START_TEST(descriptors_arrive_under_their_names)
{
	static struct fd_set_named out, in;
	json_t *go = json_object(), *got = NULL;
	char name[40];
	for (int i = 0; i < 150; i++) { /* more than one message holds */
		int fd = memfd_create("x", MFD_CLOEXEC);
		snprintf(name, sizeof(name), "file:%d", i);
		ck_assert_int_eq(ftruncate(fd, i), 0);
		ck_assert_int_eq(named_add(&out, name, fd), 0);
	}
	json_set_str(go, "name", "web1");
	ck_assert_int_eq(launch_send(pair[0], &out, go, &e), 0);
	ck_assert_int_eq(launch_recv(pair[1], &in, &got, &e), 0);
	ck_assert_str_eq(json_str(got, "name", ""), "web1");
	ck_assert_uint_eq(in.n, 150);
	for (int i = 0; i < 150; i++) {
		struct stat st;
		snprintf(name, sizeof(name), "file:%d", i);
		int fd = named_get(&in, name);
		ck_assert_int_ge(fd, 0);
		ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
		fstat(fd, &st);
		ck_assert_int_eq(st.st_size, i);
	}
	int mine = named_take(&in, "file:7");
	ck_assert_int_ge(mine, 0);
	ck_assert_int_eq(named_get(&in, "file:7"), -1);
	close(mine);
	named_done(&in);
	named_done(&out);
	json_decref(go);
	json_decref(got);
}
END_TEST

START_TEST(a_full_set_closes_what_it_does_not_take)
{
	static struct fd_set_named s;
	for (int i = 0; i < LAUNCH_FDS_MAX; i++)
		ck_assert_int_eq(named_add(&s, "x", open("/dev/null", O_RDONLY)), 0);
	int before = fds_open(), fd = open("/dev/null", O_RDONLY);
	ck_assert_int_eq(named_add(&s, "y", fd), -ENOSPC);
	ck_assert_int_eq(fds_open(), before);
	ck_assert_int_eq(named_add(&s, "a name that is longer than the forty bytes there are", fd), -ENOSPC);
	named_done(&s);
}
END_TEST

START_TEST(nonsense_is_refused_without_a_leak)
{
	static const struct {
		const char *text;
		int nfds;
	} cases[] = {
	    {"nonsense", 1},
	    {"{\"fds\": [\"a\"]}", 2},
	    {"{\"fds\": [\"a\", \"b\"]}", 1},
	    {"{\"fds\": [1]}", 1},
	    {"{\"fds\": [\"a\", \"a\"]}", 2},
	    {"{\"fds\": {}}", 0},
	    {"{\"go\": {}}", 1},
	    {"{\"go\": 1}", 0},
	    {"{}", 0},
	};
	static struct fd_set_named in;
	json_t *go = NULL;
	int fds[2] = {0, 0}, before = fds_open();
	ck_assert_int_gt(
	    unixsock_send(pair[0], cases[_i].text, strlen(cases[_i].text), fds, (size_t)cases[_i].nfds), 0);
	ck_assert_int_lt(launch_recv(pair[1], &in, &go, &e), 0);
	ck_assert_ptr_null(go);
	ck_assert_uint_eq(in.n, 0);
	ck_assert_int_eq(fds_open(), before);
}
END_TEST

START_TEST(the_answer_is_ready_or_a_sentence_or_a_death)
{
	int pid = 0;
	struct err why;
	ck_assert_int_eq(launch_answer_ready(pair[0], 4711), 0);
	ck_assert_int_eq(launch_wait(pair[1], 1000, &pid, &e), 0);
	ck_assert_int_eq(pid, 4711);
	err_set(&why, ENOMEM, "no memory for 'web1'");
	ck_assert_int_eq(launch_answer_error(pair[0], &why), 0);
	ck_assert_int_eq(launch_wait(pair[1], 1000, &pid, &e), -ENOMEM);
	ck_assert_str_eq(e.msg, "no memory for 'web1'");
	ck_assert_int_eq(launch_wait(pair[1], 10, &pid, &e), -ETIMEDOUT);
	shutdown(pair[0], SHUT_RDWR);
	ck_assert_int_eq(launch_wait(pair[1], 1000, &pid, &e), -EPIPE);
}
END_TEST

/* --- control --- */

static char dir[] = "/tmp/vmdeck-test-XXXXXX", *path;

/* A server that says @lines, each after it has got one line (the first at once); the line "FD" is left out
 * and a descriptor goes with the next. Ends with the connection. */
static pid_t serve(const char *const lines[])
{
	char tmp[] = "/tmp/vmdeck-test-XXXXXX";
	memcpy(dir, tmp, sizeof(tmp));
	ck_assert_ptr_nonnull(mkdtemp(dir));
	path = x_asprintf("%s/control.sock", dir);
	int l = unixsock_listen(path, 0600, &e);
	ck_assert_int_ge(l, 0);
	pid_t pid = fork();
	if (pid)
		return close(l), pid;
	fcntl(l, F_SETFL, 0);
	int c = accept(l, NULL, NULL), null = open("/dev/null", O_RDONLY);
	char buf[4096];
	for (int i = 0; lines[i]; i++) {
		bool fd = !strcmp(lines[i], "FD");
		i += fd;
		if (i && read(c, buf, sizeof(buf)) <= 0)
			_exit(0);
		unixsock_send(c, lines[i], strlen(lines[i]), &null, fd);
	}
	while (read(c, buf, sizeof(buf)) > 0)
		;
	_exit(0);
}

static void served(pid_t pid)
{
	waitpid(pid, NULL, 0);
	unlink(path);
	rmdir(dir);
	free(path);
}

#define GREETING "{\"QMP\": {\"version\": {\"vmdeck\": \"0.1.0\", \"protocol\": 1}, \"capabilities\": []}}\n"

START_TEST(a_command_gets_its_answer_past_events_and_others)
{
	static const char *const lines[] = {
	    GREETING,
	    "{\"event\": \"STOP\", \"data\": {}}\n{\"return\": 1, \"id\": 99}\n{\"return\": {\"status\": "
	    "\"paused\"}, \"id\": 1}\n",
	    "{\"error\": {\"class\": \"GenericError\", \"desc\": \"no console 7\"}, \"id\": 2}\n",
	    "FD",
	    "{\"return\": {}, \"id\": 3}\n",
	    NULL};
	pid_t pid = serve(lines);
	struct control *c = control_connect(path, 2000, &e);
	ck_assert_ptr_nonnull(c);
	json_t *reply = NULL;
	int fd = -1;
	ck_assert_int_eq(control_call(c, "query-status", NULL, &reply, NULL, &e), 0);
	ck_assert_str_eq(json_str(reply, "status", ""), "paused");
	json_decref(reply);
	ck_assert_int_eq(control_call(c, "console-open", json_object(), NULL, &fd, &e), -EREMOTEIO);
	ck_assert_str_eq(e.msg, "no console 7");
	ck_assert_int_eq(fd, -1);
	ck_assert_int_eq(control_call(c, "console-open", json_object(), NULL, &fd, &e), 0);
	ck_assert_int_ge(fd, 0);
	close(fd);
	control_close(c);
	served(pid);
}
END_TEST

START_TEST(a_silent_guest_is_left_after_the_time)
{
	static const char *const lines[] = {GREETING, NULL};
	pid_t pid = serve(lines);
	struct control *c = control_connect(path, 500, &e);
	ck_assert_ptr_nonnull(c);
	ck_assert_int_eq(control_call(c, "query-status", NULL, NULL, NULL, &e), -ETIMEDOUT);
	control_close(c);
	served(pid);
}
END_TEST

START_TEST(greetings_that_are_not_ours_are_refused)
{
	static const struct {
		const char *greeting;
		int code;
		const char *says;
	} cases[] = {
	    {"{\"QMP\": {\"version\": {\"vmdeck\": \"9.9\", \"protocol\": 99}}}\n", EPROTO, "9.9"},
	    {"{\"QMP\": {\"version\": {\"qemu\": {\"major\": 7}}}}\n", EPROTO, "no vmdeck guest"},
	    {"hello\n", EBADMSG, "not JSON"},
	    {"{\"QMP\": ", ETIMEDOUT, "does not answer"},
	};
	const char *const lines[] = {cases[_i].greeting, NULL};
	pid_t pid = serve(lines);
	ck_assert_ptr_null(control_connect(path, cases[_i].code == ETIMEDOUT ? 100 : 10000, &e));
	ck_assert_int_eq(e.code, cases[_i].code);
	ck_assert_msg(strstr(e.msg, cases[_i].says), "%s", e.msg);
	served(pid);
}
END_TEST

START_TEST(an_endless_line_is_cut_off)
{
	static char big[CONTROL_LINE_MAX * 2 + 1];
	memset(big, 'x', sizeof(big) - 1);
	const char *const lines[] = {big, NULL};
	pid_t pid = serve(lines);
	ck_assert_ptr_null(control_connect(path, 2000, &e));
	ck_assert_int_eq(e.code, EMSGSIZE);
	served(pid);
}
END_TEST

START_TEST(live_xml_is_of_a_version_that_we_read_or_refused)
{
	static const struct {
		const char *text;
		int rc;
	} cases[] = {
	    {"<?vmdeck-live version='1'?>\n<domain/>", 0},
	    {"<?vmdeck-live version='2'?>\n<domain/>", -EPROTO},
	    {"<?vmdeck-live version='0'?>\n<domain/>", -EPROTO},
	    {"<?vmdeck-live version='99999999999999999999'?>\n<domain/>", -EPROTO},
	    {"<?vmdeck-live version='2' more='x'?>\n<domain/>", -EPROTO},
	    {"<?vmdeck-live version='1' more='x'?>\n<domain/>", -EINVAL},
	    {"<?vmdeck-live version='-1'?>\n<domain/>", -EINVAL},
	    {"<?vmdeck-live version='", -EINVAL},
	    {"<domain/>", -EINVAL},
	    {"", -EINVAL},
	};
	const char *xml = "untouched";
	ck_assert_int_eq(livexml_unwrap(cases[_i].text, &xml, &e), cases[_i].rc);
	ck_assert_str_eq(xml, cases[_i].rc ? "untouched" : "<domain/>");
	AUTO_FREE char *wrapped = livexml_wrap("<domain id='7'/>\n");
	ck_assert_int_eq(livexml_unwrap(wrapped, &xml, &e), 0);
	ck_assert_str_eq(xml, "<domain id='7'/>\n");
	ck_assert_uint_le(strlen(wrapped) - strlen(xml), LIVEXML_LINE_MAX);
}
END_TEST

START_TEST(what_the_keeper_gives_is_known_or_closed)
{
	static const struct {
		const char *text;
		enum launch_what what;
		unsigned index;
	} cases[] = {
	    {"{\"screen\":{}}", LAUNCH_SCREEN, 0},        {"{\"net\":{\"index\":0}}", LAUNCH_NET, 0},
	    {"{\"net\":{\"index\":3}}", LAUNCH_NET, 3}, {"{\"net\":{\"index\":-1}}", LAUNCH_NOTHING, 0},
	    {"{\"net\":{}}", LAUNCH_NOTHING, 0},          {"{\"net\":{\"index\":9999999999}}", LAUNCH_NOTHING, 0},
	    {"{\"disk\":{}}", LAUNCH_NOTHING, 0},         {"nonsense", LAUNCH_NOTHING, 0},
	};
	int before = fds_open();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct launch_given g;
		ck_assert_int_ge(unixsock_send(pair[0], cases[i].text, strlen(cases[i].text), &pair[1], 1),
				 0);
		ck_assert_int_eq(launch_recv_given(pair[1], &g), 0);
		ck_assert_msg(g.what == cases[i].what && g.index == cases[i].index, "%s", cases[i].text);
		ck_assert_int_eq(g.fd >= 0, g.what != LAUNCH_NOTHING);
		fd_close(g.fd);
	}
	struct launch_given g;
	ck_assert_int_eq(launch_net(pair[0], 7, pair[1]), 0);
	ck_assert_int_eq(launch_recv_given(pair[1], &g), 0);
	ck_assert(g.what == LAUNCH_NET && g.index == 7);
	fd_close(g.fd);
	ck_assert_int_eq(fds_open(), before);
}
END_TEST

/* Patience: where the keeper would be, a child that sleeps for ever, works for 3 s, or is as one that waits for a disk is
 * for 4 s (state D: so is the parent of a vfork). */
enum keeper_kind { SLEEPS, WORKS, WAITS };

static void wait_in_d(void)
{
	const struct timespec ts = {.tv_sec = 4};
	if (vfork() == 0) {
		nanosleep(&ts, NULL);
		_exit(0);
	}
}

static pid_t keeper_that(int sock, enum keeper_kind kind)
{
	pid_t pid = fork();
	if (pid)
		return pid;
	time_t end = time(NULL) + 3;
	while (kind == WORKS && time(NULL) < end)
		;
	if (kind == WAITS)
		wait_in_d();
	if (kind != SLEEPS)
		launch_answer_ready(sock, 4711);
	else
		pause();
	_exit(0);
}

START_TEST(a_start_is_waited_for_while_something_moves)
{
	for (enum keeper_kind kind = SLEEPS; kind <= WAITS; kind++) {
		int sp[2], pid = 0, status;
		struct err why = {0};
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sp), 0);
		pid_t child = keeper_that(sp[0], kind);
		int rc = patience_wait(sp[1], child, 1000, &pid, &why);
		ck_assert_msg(rc == (kind != SLEEPS ? 0 : -ETIMEDOUT), "%d: %d: %s", kind, rc, why.msg);
		ck_assert_msg(kind != SLEEPS || strstr(why.msg, "did nothing for 1 s; its processes: "), "%s", why.msg);
		ck_assert_int_eq(pid, kind != SLEEPS ? 4711 : 0);
		kill(child, SIGKILL);
		waitpid(child, &status, 0);
		close(sp[0]);
		close(sp[1]);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("launch");
	TCase *t = tcase_create("launch"), *c = tcase_create("control");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, descriptors_arrive_under_their_names);
	tcase_add_test(t, a_full_set_closes_what_it_does_not_take);
	tcase_add_loop_test(t, nonsense_is_refused_without_a_leak, 0, 9);
	tcase_add_test(t, what_the_keeper_gives_is_known_or_closed);
	tcase_add_test(t, the_answer_is_ready_or_a_sentence_or_a_death);
	tcase_add_test(t, a_start_is_waited_for_while_something_moves);
	tcase_add_loop_test(t, live_xml_is_of_a_version_that_we_read_or_refused, 0, 10);
	suite_add_tcase(s, t);
	tcase_add_test(c, a_command_gets_its_answer_past_events_and_others);
	tcase_add_test(c, a_silent_guest_is_left_after_the_time);
	tcase_add_loop_test(c, greetings_that_are_not_ours_are_refused, 0, 4);
	tcase_add_test(c, an_endless_line_is_cut_off);
	suite_add_tcase(s, c);
	return test_main(s);
}
