/* The sandbox: what the machine needs goes on working, everything else ends it. Each case is a process of its
 * own. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backend/screen/sandbox_rules.h"
#include "backend/vmm/sandbox_rules.h"
#include "src/base/cleanup.h"
#include "src/base/str.h"
#include "tests/testlib.h"

static int record_fd;
static volatile int go_on;

/* --- things to do inside: 0 = it went as it should --- */

static int do_files(void)
{
	char c;
	struct stat st;
	if (pwrite(record_fd, "x", 1, 5) != 1 || pread(record_fd, &c, 1, 5) != 1 || c != 'x')
		return 1;
	return ftruncate(record_fd, 3) || fstat(record_fd, &st) || st.st_size != 3 || fdatasync(record_fd);
}

static void *thread(void *arg)
{
	*(int *)arg = 1;
	return NULL;
}

static int do_threads(void)
{
	pthread_t t;
	int ran = 0;
	return pthread_create(&t, NULL, thread, &ran) || pthread_join(t, NULL) || !ran;
}

static int do_memory(void)
{
	char *p = malloc(64u << 20);
	if (!p)
		return 1;
	memset(p, 1, 64u << 20);
	free(p);
	return 0;
}

static int do_sockets(void)
{
	int pair[2], fd = eventfd(0, EFD_CLOEXEC);
	uint64_t one = 1;
	return socketpair(AF_UNIX, SOCK_STREAM, 0, pair) || write(pair[0], "a", 1) != 1 ||
	       write(fd, &one, 8) != 8;
}

static int do_open_fails(void)
{
	return open("/etc/passwd", O_RDONLY) >= 0 || errno != EPERM;
}

static int do_no_privileges(void)
{
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1; /* itself forbidden: see the table */
}

static int do_exec(void)
{
	return execl("/bin/true", "true", (char *)NULL);
}

static int do_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0) < 0;
}

static int do_socket_fails(void)
{
	return socket(AF_INET, SOCK_STREAM, 0) >= 0 || errno != EPERM;
}

static int do_connect(void)
{
	struct sockaddr sa = {.sa_family = AF_INET};
	return connect(0, &sa, sizeof(sa));
}

static int do_pwrite(void)
{
	return pwrite(record_fd, "x", 1, 0) != 1;
}

static int do_inet_pair(void)
{
	int pair[2];
	return socketpair(AF_INET, SOCK_STREAM, 0, pair);
}

static int do_fork(void)
{
	return (int)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) < 0;
}

static int do_kill(void)
{
	return kill(getppid(), 0);
}

static int do_tgkill(void)
{
	return (int)syscall(SYS_tgkill, 1, 1, 0);
}

static int do_exec_memory(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED;
}

static int do_mprotect_exec(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return mprotect(p, 4096, PROT_READ | PROT_WRITE | PROT_EXEC);
}

static int do_ioctl(void)
{
	return ioctl(0, TIOCSTI, "x");
}

static int do_ptrace(void)
{
	return (int)ptrace(PTRACE_TRACEME, 0, 0, 0);
}

static int do_unlink(void)
{
	return unlink("/tmp/x");
}

static int do_io_uring(void)
{
	char params[120] = {0};
	return (int)syscall(SYS_io_uring_setup, 2, params) < 0;
}

static void *late(void *arg)
{
	while (!go_on)
		usleep(100);
	socket(AF_INET, SOCK_STREAM, 0);
	return NULL;
}

static const struct {
	const char *name;
	int (*what)(void);
	bool dies;
} cases[] = {
    {"files that are open", do_files, false},
    {"threads", do_threads, false},
    {"memory", do_memory, false},
    {"socket pairs and eventfds", do_sockets, false},
    {"open() fails politely", do_open_fails, false},
    {"prctl", do_no_privileges, true},
    {"execve", do_exec, true},
    {"socket", do_socket, true},
    {"socketpair of another family", do_inet_pair, true},
    {"fork", do_fork, true},
    {"kill", do_kill, true},
    {"tgkill of another process", do_tgkill, true},
    {"executable memory", do_exec_memory, true},
    {"memory made executable", do_mprotect_exec, true},
    {"an ioctl of no list", do_ioctl, true},
    {"ptrace", do_ptrace, true},
    {"unlink", do_unlink, true},
    {"a new io_uring", do_io_uring, true},
};

/* Wait status of a process that goes into the sandbox and does @what. 100: could not be entered, 101: it went
 * wrong. */
static int inside_of(const struct sandbox_rule *rules, size_t n, int (*what)(void), bool with_thread)
{
	pid_t pid = fork();
	if (pid == 0) {
		pthread_t t;
		signal(SIGSYS, SIG_DFL);
		if (sandbox_prepare(NULL) || (with_thread && pthread_create(&t, NULL, late, NULL)) ||
		    sandbox_enter(rules, n, NULL))
			_exit(100);
		go_on = 1;
		if (with_thread)
			pthread_join(t, NULL);
		_exit(what && what() ? 101 : 0);
	}
	int status;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

static int inside(int (*what)(void), bool with_thread)
{
	return inside_of(sandbox_rules, sandbox_nrules, what, with_thread);
}

START_TEST(allowed_work_goes_on_and_forbidden_calls_end_it)
{
	record_fd = memfd_create("record", MFD_CLOEXEC);
	int status = inside(cases[_i].what, false);
	if (cases[_i].dies)
		ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "%s: status %x",
			      cases[_i].name, status);
	else
		ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s: status %x", cases[_i].name,
			      status);
	close(record_fd);
}
END_TEST

START_TEST(threads_that_were_there_before_are_in_it_too)
{
	int status = inside(NULL, true);
	ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "status %x", status);
}
END_TEST

START_TEST(the_first_step_alone_leaves_no_capability_and_no_file)
{
	pid_t pid = fork();
	if (pid == 0) {
		if (sandbox_prepare(NULL))
			_exit(100);
		bool open_fails = open("/etc/passwd", O_RDONLY) < 0, caps = false;
		for (int c = 0; c < 40; c++)
			caps |= prctl(PR_CAPBSET_READ, c, 0, 0, 0) == 1 && geteuid() == 0;
		_exit(open_fails && !caps && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : 101);
	}
	int status;
	waitpid(pid, &status, 0);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", status);
}
END_TEST

START_TEST(a_death_signal_survives_the_change_of_credentials)
{
	pid_t pid = fork();
	if (pid == 0) {
		int sig = 0;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(sandbox_prepare(NULL) || prctl(PR_GET_PDEATHSIG, &sig) || sig != SIGKILL ? 101 : 0);
	}
	int status;
	waitpid(pid, &status, 0);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", status);
}
END_TEST

static const struct {
	const char *name;
	int (*what)(void);
	bool dies;
} screen_cases[] = {
    {"threads", do_threads, false},
    {"memory", do_memory, false},
    {"open() fails politely", do_open_fails, false},
    {"socket() fails politely", do_socket_fails, false},
    {"connect", do_connect, true},
    {"execve", do_exec, true},
    {"fork", do_fork, true},
    {"kill", do_kill, true},
    {"executable memory", do_exec_memory, true},
    {"ptrace", do_ptrace, true},
    {"unlink", do_unlink, true},
    {"ioctl", do_ioctl, true},
    {"writing a file that is open", do_pwrite, true},
};

START_TEST(the_screen_may_do_less)
{
	int status = inside_of(screen_sandbox_rules, screen_sandbox_nrules, screen_cases[_i].what, false);
	bool fine = screen_cases[_i].dies ? WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS
					  : WIFEXITED(status) && !WEXITSTATUS(status);
	ck_assert_msg(fine, "%s: status %x", screen_cases[_i].name, status);
}
END_TEST

static void check_pair(const struct sandbox_rule *a, const struct sandbox_rule *b)
{
	ck_assert_msg(a->syscall != b->syscall || a->value != b->value, "system call %d has two rows",
		      a->syscall);
}

static void check_table(const struct sandbox_rule *rules, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		ck_assert(rules[i].who && *rules[i].who);
		for (size_t j = i + 1; j < n; j++)
			check_pair(&rules[i], &rules[j]);
		for (size_t j = 0; j < sandbox_common_nrules && rules != sandbox_common_rules; j++)
			check_pair(&rules[i], &sandbox_common_rules[j]);
	}
}

START_TEST(every_rule_says_who_needs_it_and_is_there_once)
{
	check_table(sandbox_common_rules, sandbox_common_nrules);
	check_table(sandbox_rules, sandbox_nrules);
	check_table(screen_sandbox_rules, screen_sandbox_nrules);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sandbox");
	TCase *t = tcase_create("sandbox");
	unsetenv("VMDECK_SANDBOX");
	tcase_add_loop_test(t, allowed_work_goes_on_and_forbidden_calls_end_it, 0, ARRAY_SIZE(cases));
	tcase_add_loop_test(t, the_screen_may_do_less, 0, ARRAY_SIZE(screen_cases));
	tcase_add_test(t, threads_that_were_there_before_are_in_it_too);
	tcase_add_test(t, the_first_step_alone_leaves_no_capability_and_no_file);
	tcase_add_test(t, a_death_signal_survives_the_change_of_credentials);
	tcase_add_test(t, every_rule_says_who_needs_it_and_is_there_once);
	suite_add_tcase(s, t);
	return test_main(s);
}
