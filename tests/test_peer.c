/* Who may use a guest's sockets, seen from a machine in a user name space of its own, as an ordinary user's
 * is.
 * needs: root */
#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backend/vmm/peer.h"
#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/unixsock.h"
#include "tests/testlib.h"

#define OWNER 12345
#define OTHER 23456

/* Connections of @uid to the socket @path, one by one, each closed when the other side has gone. */
static pid_t client(uid_t uid, const char *path)
{
	pid_t pid = fork();
	if (pid)
		return pid;
	char c;
	if (setresuid(uid, uid, uid))
		_exit(1);
	int fd = unixsock_connect(path, NULL);
	_exit(fd < 0 || read(fd, &c, 1) != 0);
}

/* The machine: 10 + what peer_allowed() said; anything else: it did not get so far. */
static pid_t machine(bool own_space, int listening, int keeper)
{
	pid_t pid = fork();
	if (pid)
		return pid;
	if (setresuid(OWNER, OWNER, OWNER))
		_exit(1);
	prctl(PR_SET_DUMPABLE, 1); /* else /proc/self is root's */
	if (own_space && unshare(CLONE_NEWUSER))
		_exit(2);
	if (own_space) {
		AUTO_CLOSE int map = open("/proc/self/uid_map", O_WRONLY | O_CLOEXEC);
		if (map < 0 || fd_write_all(map, "12345 12345 1", 13))
			_exit(2);
	}
	struct pollfd p = {.fd = listening, .events = POLLIN};
	poll(&p, 1, 10000);
	AUTO_CLOSE int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
	_exit(fd < 0 ? 1 : 10 + peer_allowed(keeper, fd));
}

/* The keeper, of the same user but in the host's name space: answers until the machine is gone. */
static pid_t keeper(int sock)
{
	pid_t pid = fork();
	if (pid)
		return pid;
	char text[256];
	int fds[2];
	if (setresuid(OWNER, OWNER, OWNER))
		_exit(1);
	for (size_t n = 2; unixsock_recv(sock, text, sizeof(text), fds, &n) > 0; n = 2) {
		if (n != 2 || !strstr(text, "\"peer\""))
			_exit(1);
		peer_answer(fds);
		close(fds[0]);
		close(fds[1]);
	}
	_exit(0);
}

START_TEST(owner_and_root_are_served_and_nobody_else)
{
	static const struct {
		uid_t uid;
		bool own_space, keeper;
		bool allowed;
	} cases[] = {
	    {OWNER, false, false, true}, {0, false, false, true},	{OTHER, false, true, false},
	    {OWNER, true, false, true},	 {0, true, true, true},	       {OTHER, true, true, false},
	    {65534, true, true, false},	 {0, true, false, false} /* a keeper that says nothing */,
	};
	if (geteuid())
		test_skip("only root can play several users");
	char dir[] = "/tmp/vmdeck-test-XXXXXX", path[64];
	int status, pair[2];
	ck_assert_ptr_nonnull(mkdtemp(dir));
	chmod(dir, 0755);
	snprintf(path, sizeof(path), "%s/sock", dir);
	AUTO_CLOSE int listening = unixsock_listen(path, 0666, NULL); /* the check alone has to hold */
	ck_assert_int_ge(listening, 0);
	ck_assert_int_eq(unixsock_pair(SOCK_SEQPACKET, pair), 0);
	pid_t m = machine(cases[_i].own_space, listening, pair[0]);
	close(pair[0]);
	pid_t k = cases[_i].keeper ? keeper(pair[1]) : 0;
	pid_t c = client(cases[_i].uid, path);
	ck_assert_int_eq(waitpid(m, &status, 0), m);
	if (k)
		close(pair[1]);
	kill(c, SIGKILL);
	waitpid(c, NULL, 0);
	if (k) {
		int how;
		waitpid(k, &how, 0);
		ck_assert_int_eq(how, 0);
	} else {
		close(pair[1]);
	}
	unlink(path);
	rmdir(dir);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
		test_skip("no user name spaces here");
	ck_assert_int_eq(WEXITSTATUS(status), 10 + cases[_i].allowed);
}
END_TEST

START_TEST(nonsense_from_the_machine_is_answered_no_or_not_at_all)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), pair[2];
	char c = 0;
	ck_assert_int_eq(unixsock_pair(SOCK_STREAM, pair), 0);
	peer_answer((const int[]){null, pair[0]}); /* no socket has no peer */
	ck_assert_int_eq(recv(pair[1], &c, 1, MSG_DONTWAIT), 1);
	ck_assert_int_eq(c, 'n');
	peer_answer((const int[]){pair[0], null});
	for (int i = 0; i < 100000; i++) /* nobody reads the answers: they are dropped */
		peer_answer((const int[]){pair[0], pair[0]});
	close(null);
	close(pair[0]);
	close(pair[1]);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("peer");
	TCase *t = tcase_create("peer");
	tcase_add_loop_test(t, owner_and_root_are_served_and_nobody_else, 0, 8);
	tcase_add_test(t, nonsense_from_the_machine_is_answered_no_or_not_at_all);
	suite_add_tcase(s, t);
	return test_main(s);
}
