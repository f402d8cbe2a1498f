/* The sandbox: what the machine needs goes on working, everything else ends it. Each case is a process of its
 * own.
 * needs: root */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/sockios.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backend/net/sandbox_rules.h"
#include "backend/screen/sandbox_rules.h"
#include "backend/vmm/sandbox_rules.h"
#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/log.h"
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
		if (sandbox_prepare(NULL, NULL) || (with_thread && pthread_create(&t, NULL, late, NULL)) ||
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
		if (sandbox_prepare(NULL, NULL))
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
		_exit(sandbox_prepare(NULL, NULL) || prctl(PR_GET_PDEATHSIG, &sig) || sig != SIGKILL ? 101 : 0);
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

/* --- attacks: what a process that was broken into would try, on any kernel --- */

struct attack {
	const char *name;
	int (*what)(void);
	bool root;  /* only root could do it anyway */
	bool plain; /* without a sandbox it works here: shown, so that the attack is one */
};

#define SUCCEEDED 42

static struct {
	pid_t pid; /* of the same uid as the attacker when it was born */
	int pidfd, program, dgram;
	char dir[64], socket[100], file[100];
} victim;

static int async_pair(int fds[2])
{
	return socketpair(AF_UNIX, SOCK_STREAM, 0, fds);
}

static int signal_of_io(int pair[2])
{
	if (fcntl(pair[0], F_SETSIG, SIGKILL) || fcntl(pair[0], F_SETFL, O_ASYNC | O_NONBLOCK))
		return 1;
	return write(pair[1], "x", 1) != 1;
}

static int attack_setown(void)
{
	int pair[2];
	return async_pair(pair) || fcntl(pair[0], F_SETOWN, victim.pid) || signal_of_io(pair);
}

static int attack_setown_ex(void)
{
	int pair[2];
	struct f_owner_ex who = {F_OWNER_PID, victim.pid};
	return async_pair(pair) || fcntl(pair[0], F_SETOWN_EX, &who) || signal_of_io(pair);
}

static int attack_fiosetown(void)
{
	int pair[2], on = 1;
	return async_pair(pair) || ioctl(pair[0], FIOSETOWN, &victim.pid) || ioctl(pair[0], FIOASYNC, &on) ||
	       write(pair[1], "x", 1) != 1; /* SIGIO ends who does not expect it */
}

static int attack_kill(void)
{
	return kill(victim.pid, SIGKILL);
}

static int attack_tgkill(void)
{
	return (int)syscall(SYS_tgkill, victim.pid, victim.pid, SIGKILL);
}

static int attack_pidfd(void)
{
	return (int)syscall(SYS_pidfd_send_signal, victim.pidfd, SIGKILL, NULL, 0);
}

static int attack_queue(void)
{
	return sigqueue(victim.pid, SIGKILL, (union sigval){0});
}

static struct sockaddr_un outside(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	snprintf(a.sun_path, sizeof(a.sun_path), "%s", victim.socket);
	return a;
}

static int attack_dgram_pair(void)
{
	int pair[2];
	struct sockaddr_un a = outside();
	return socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) ||
	       sendto(pair[0], "forged", 6, 0, (void *)&a, sizeof(a)) != 6;
}

static int attack_dgram(void)
{
	struct sockaddr_un a = outside();
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	return fd < 0 || sendto(fd, "forged", 6, 0, (void *)&a, sizeof(a)) != 6;
}

static int attack_open(void)
{
	return (int)syscall(SYS_openat, AT_FDCWD, victim.file, O_RDONLY, 0) < 0;
}

static int attack_write(void)
{
	return (int)syscall(SYS_openat, AT_FDCWD, victim.file, O_WRONLY | O_CREAT, 0600) < 0;
}

static int attack_proc(void)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/environ", (int)victim.pid);
	return (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY, 0) < 0;
}

static int attack_filter(void)
{
	int pair[2];
	struct sock_filter pass = {BPF_RET | BPF_K, 0, 0, 0xffff};
	struct sock_fprog prog = {1, &pass};
	return async_pair(pair) || setsockopt(pair[0], SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog));
}

static int attack_execveat(void)
{
	char *const argv[] = {(char *)"true", NULL}, *const env[] = {NULL};
	return (int)syscall(SYS_execveat, victim.program, "", argv, env, AT_EMPTY_PATH);
}

static int attack_memfd_exec(void)
{
	static char buf[1 << 20];
	int fd = memfd_create("x", 0);
	for (ssize_t n, at = 0; (n = pread(victim.program, buf, sizeof(buf), at)) > 0; at += n)
		if (pwrite(fd, buf, (size_t)n, at) != n)
			return 1;
	char *const argv[] = {(char *)"true", NULL}, *const env[] = {NULL};
	return (int)syscall(SYS_execveat, fd, "", argv, env, AT_EMPTY_PATH);
}

static int attack_ptrace(void)
{
	return (int)ptrace(PTRACE_SEIZE, victim.pid, 0, 0);
}

static int attack_read_memory(void)
{
	char c;
	struct iovec to = {&c, 1}, from = {&victim, 1};
	return process_vm_readv(victim.pid, &to, 1, &from, 1, 0) != 1;
}

static int attack_mount(void)
{
	return mount("x", "/tmp", "tmpfs", 0, NULL);
}

static int attack_unshare(void)
{
	return unshare(CLONE_NEWUSER);
}

static int attack_root(void)
{
	return (int)syscall(SYS_setresuid, 0, 0, 0);
}

static int attack_io_uring(void)
{
	char params[120] = {0};
	return (int)syscall(SYS_io_uring_setup, 2, params) < 0;
}

static int attack_pidfd_getfd(void)
{
	return (int)syscall(SYS_pidfd_getfd, victim.pidfd, 0, 0) < 0;
}

static const struct attack attacks[] = {
    {"F_SETOWN and F_SETSIG", attack_setown, false, true},
    {"F_SETOWN_EX and F_SETSIG", attack_setown_ex, false, true},
    {"FIOSETOWN and FIOASYNC", attack_fiosetown, false, true},
    {"kill", attack_kill, false, true},
    {"tgkill", attack_tgkill, false, true},
    {"pidfd_send_signal", attack_pidfd, false, true},
    {"rt_sigqueueinfo", attack_queue, false, true},
    {"a pair of datagram sockets", attack_dgram_pair, false, true},
    {"a datagram socket", attack_dgram, false, true},
    {"opening a file", attack_open, false, true},
    {"writing a file", attack_write, false, true},
    {"/proc of another process", attack_proc, false, true},
    {"SO_ATTACH_FILTER", attack_filter, false, true},
    {"execveat", attack_execveat, false, true},
    {"execveat of a memfd", attack_memfd_exec, false, true},
    {"ptrace", attack_ptrace, false, true},
    {"process_vm_readv", attack_read_memory, false, true},
    {"mount", attack_mount, true, false},
    {"unshare", attack_unshare, false, false},
    {"setresuid", attack_root, true, true},
    {"io_uring_setup", attack_io_uring, false, false},
    {"pidfd_getfd", attack_pidfd_getfd, false, true},
};

static const struct {
	const char *name;
	const struct sandbox_rule *rules;
	const size_t *n;
	struct sandbox_needs needs;
} programs[] = {
    {"vmdeck-vmm", sandbox_rules, &sandbox_nrules, {0}},
    {"vmdeck-screen", screen_sandbox_rules, &screen_sandbox_nrules, {0}},
    {"vmdeck-net", net_sandbox_rules, &net_sandbox_nrules, {.network = true}},
};

/* A process that does nothing, and sockets and files that are not the attacker's business. */
static void victim_new(uid_t uid)
{
	snprintf(victim.dir, sizeof(victim.dir), "/tmp/vmdeck-sandbox.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(victim.dir));
	snprintf(victim.socket, sizeof(victim.socket), "%s/log", victim.dir);
	snprintf(victim.file, sizeof(victim.file), "%s/secret", victim.dir);
	struct sockaddr_un a = outside();
	victim.dgram = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(victim.dgram, (void *)&a, sizeof(a)), 0);
	AUTO_CLOSE int fd = open(victim.file, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(chmod(victim.dir, 0777) | chmod(victim.socket, 0777) | chmod(victim.file, 0666), 0);
	victim.program = open("/bin/true", O_RDONLY | O_CLOEXEC);
	int told[2];
	ck_assert_int_eq(pipe2(told, O_CLOEXEC), 0);
	victim.pid = fork();
	if (victim.pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (uid && (setresgid(uid, uid, uid) || setresuid(uid, uid, uid)))
			_exit(1);
		prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
		if (write(told[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	victim.pidfd = (int)syscall(SYS_pidfd_open, victim.pid, 0);
	char ready; /* it has become who it is to be: else an attack would fail for a wrong reason */
	ck_assert_int_eq(read(told[0], &ready, 1), 1);
	close(told[0]);
	close(told[1]);
}

/* Return: it has been harmed. */
static bool victim_end(void)
{
	char text[8];
	bool forged = recv(victim.dgram, text, sizeof(text), MSG_DONTWAIT) > 0;
	bool dead = waitpid(victim.pid, NULL, WNOHANG) == victim.pid;
	if (!dead) {
		kill(victim.pid, SIGKILL);
		waitpid(victim.pid, NULL, 0);
	}
	close(victim.dgram);
	close(victim.pidfd);
	close(victim.program);
	unlink(victim.socket);
	unlink(victim.file);
	rmdir(victim.dir);
	return forged || dead;
}

/* In a child that is @program or nothing special: try it. Its exit status is SUCCEEDED when it worked. */
static void attack(size_t program, bool sandboxed, const struct attack *a)
{
	const size_t *n = programs[program].n;
	if (sandboxed && sandbox_enter(programs[program].rules, *n, NULL))
		_exit(100);
	_exit(a->what() ? 0 : SUCCEEDED);
}

/* In a child: become @uid, go into the sandbox of @program, and try all of them there, each from a process of
 * its own. Exit status: 0, 1 + the index of the one that worked, or 100. */
static void attackers(size_t program, uid_t uid)
{
	if (uid && (setresgid(uid, uid, uid) || setresuid(uid, uid, uid)))
		_exit(100);
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	log_open("", open("/dev/null", O_WRONLY | O_CLOEXEC));
	int status = 0;
	pid_t pid = sandbox_fork();
	if (pid == 0 && sandbox_prepare(&programs[program].needs, NULL))
		_exit(100);
	for (size_t i = 0; pid == 0 && i < ARRAY_SIZE(attacks); i++) {
		int how = 0;
		pid_t one = fork();
		if (one == 0)
			attack(program, true, &attacks[i]);
		if (one < 0 || waitpid(one, &how, 0) != one || (WIFEXITED(how) && WEXITSTATUS(how) == 100))
			_exit(100);
		if (WIFEXITED(how) && WEXITSTATUS(how) == SUCCEEDED)
			_exit(1 + (int)i);
	}
	if (pid == 0)
		_exit(0);
	waitpid(pid, &status, 0);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 101);
}

static void all_attacks(const char *where)
{
	for (size_t p = 0; p < ARRAY_SIZE(programs); p++)
		for (uid_t uid = 0; uid <= (geteuid() == 0 ? 1000u : 0u); uid += 1000) {
			int status;
			victim_new(uid);
			pid_t pid = fork();
			if (pid == 0)
				attackers(p, uid);
			waitpid(pid, &status, 0);
			bool harmed = victim_end();
			int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
			bool named = code > 0 && code <= (int)ARRAY_SIZE(attacks);
			ck_assert_msg(code == 0, "%s, %s, uid %u: %s worked (%d)", programs[p].name, where,
				      (unsigned)uid, named ? attacks[code - 1].name : "something else", code);
			ck_assert_msg(!harmed, "%s, %s, uid %u: a process or a socket outside was harmed",
				      programs[p].name, where, (unsigned)uid);
		}
}

START_TEST(attacks_work_where_there_is_no_sandbox)
{
	for (size_t i = 0; i < ARRAY_SIZE(attacks); i++) {
		const struct attack *a = &attacks[i];
		int status;
		if (!a->plain || (a->root && geteuid() != 0))
			continue;
		victim_new(0);
		pid_t pid = fork();
		if (pid == 0)
			attack(0, false, a);
		waitpid(pid, &status, 0);
		bool harmed = victim_end(), ran = a->what == attack_execveat || a->what == attack_memfd_exec;
		ck_assert_msg(harmed || (WIFEXITED(status) && WEXITSTATUS(status) == (ran ? 0 : SUCCEEDED)),
			      "%s: status %x", a->name, status);
	}
}
END_TEST

START_TEST(attacks_fail_on_kernels_of_any_landlock_without_name_spaces)
{
	char abi[4], where[40];
	snprintf(abi, sizeof(abi), "%d", _i);
	snprintf(where, sizeof(where), "Landlock ABI %d", _i);
	setenv("VMDECK_NAMESPACES", "off", 1);
	setenv("VMDECK_LANDLOCK_ABI", abi, 1);
	all_attacks(where);
}
END_TEST

START_TEST(attacks_fail_in_name_spaces)
{
	unsetenv("VMDECK_NAMESPACES");
	setenv("VMDECK_LANDLOCK_ABI", _i ? "" : "0", 1);
	all_attacks("in name spaces");
}
END_TEST

/* --- who it is then --- */

static int is_first(void)
{
	return getpid() != 1;
}

START_TEST(its_process_ids_are_its_own)
{
	int abi, status = 0;
	if (sandbox_lacks(&abi) & SANDBOX_PID_SPACE)
		test_skip("no name spaces of process ids here");
	pid_t pid = sandbox_fork();
	if (pid == 0)
		_exit(is_first());
	waitpid(pid, &status, 0);
	ck_assert_int_eq(status, 0);
}
END_TEST

/* The uid that a process of root's has in the sandbox, given VMDECK_UID. */
static int uid_inside(const char *env)
{
	int status = 0;
	pid_t pid = fork();
	if (pid == 0) {
		if (env)
			setenv("VMDECK_UID", env, 1);
		if (sandbox_prepare(NULL, NULL))
			_exit(100);
		uid_t r, e, s, want = env ? (uid_t)atoi(env) : 65534;
		getresuid(&r, &e, &s);
		_exit(r == want && e == want && s == want && getgid() == want && getgroups(0, NULL) == 0 ? 0 : 1);
	}
	waitpid(pid, &status, 0);
	return status;
}

START_TEST(what_root_starts_is_not_root)
{
	if (geteuid() != 0)
		test_skip("only what root starts changes its uid");
	ck_assert_int_eq(uid_inside("1879048200"), 0);
	ck_assert_int_eq(uid_inside(NULL), 0);
}
END_TEST

START_TEST(files_and_memory_are_limited)
{
	struct sandbox_needs needs = {.file_bytes = 8192, .memory_bytes = 1ull << 30};
	int status = 0;
	pid_t pid = fork();
	if (pid == 0) {
		int fd = memfd_create("x", MFD_CLOEXEC);
		if (sandbox_prepare(&needs, NULL))
			_exit(100);
		bool fine = pwrite(fd, "x", 1, 8191) == 1 && pwrite(fd, "x", 1, 8192) < 0 && errno == EFBIG;
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
		fine = fine && mmap(NULL, 2ull << 30, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED;
#endif
		_exit(fine ? 0 : 1);
	}
	waitpid(pid, &status, 0);
	ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(what_is_required_and_cannot_be_had_is_refused)
{
	int status = 0;
	pid_t pid = fork();
	if (pid == 0) {
		struct err e = {0};
		setenv("VMDECK_SANDBOX", "require", 1);
		setenv("VMDECK_LANDLOCK_ABI", "0", 1);
		_exit(sandbox_prepare(NULL, &e) == -EPERM && strstr(e.msg, "Landlock") ? 0 : 1);
	}
	waitpid(pid, &status, 0);
	ck_assert_int_eq(status, 0);
}
END_TEST

static void check_pair(const struct sandbox_rule *a, const struct sandbox_rule *b)
{
	ck_assert_msg(a->syscall != b->syscall || a->value != b->value || a->also.value != b->also.value,
		      "system call %d has two rows", a->syscall);
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
	check_table(net_sandbox_rules, net_sandbox_nrules);
	check_table(resolver_sandbox_rules, resolver_sandbox_nrules);
}
END_TEST

/* Each ioctl of KVM's that is allowed is made somewhere. */
START_TEST(every_ioctl_of_kvm_has_a_user)
{
	AUTO_FREE char *text = NULL;
	struct err e = {0};
	unsigned n = 0;
	if (access("backend/vmm/sandbox_rules.c", R_OK))
		test_skip("not run in the source's root folder");
	ck_assert_int_eq(file_read("backend/vmm/sandbox_rules.c", 1 << 20, &text, NULL, &e), 0);
	for (const char *p = text; (p = strstr(p, "IOCTL(KVM_")); p++, n++) {
		char name[64], cmd[200];
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(p + 6, ","), p + 6);
		snprintf(cmd, sizeof(cmd), "grep -rqw --include=*.c --exclude=sandbox_rules.c %s backend/vmm", name);
		ck_assert_msg(system(cmd) == 0, "%s is called by nobody", name);
	}
	ck_assert_uint_gt(n, 10);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sandbox");
	TCase *t = tcase_create("sandbox");
	unsetenv("VMDECK_SANDBOX");
	unsetenv("VMDECK_UID");
	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, allowed_work_goes_on_and_forbidden_calls_end_it, 0, ARRAY_SIZE(cases));
	tcase_add_loop_test(t, the_screen_may_do_less, 0, ARRAY_SIZE(screen_cases));
	tcase_add_test(t, threads_that_were_there_before_are_in_it_too);
	tcase_add_test(t, the_first_step_alone_leaves_no_capability_and_no_file);
	tcase_add_test(t, a_death_signal_survives_the_change_of_credentials);
	tcase_add_test(t, attacks_work_where_there_is_no_sandbox);
	tcase_add_loop_test(t, attacks_fail_on_kernels_of_any_landlock_without_name_spaces, 0, 8);
	tcase_add_loop_test(t, attacks_fail_in_name_spaces, 0, 2);
	tcase_add_test(t, its_process_ids_are_its_own);
	tcase_add_test(t, what_root_starts_is_not_root);
	tcase_add_test(t, files_and_memory_are_limited);
	tcase_add_test(t, what_is_required_and_cannot_be_had_is_refused);
	tcase_add_test(t, every_rule_says_who_needs_it_and_is_there_once);
	tcase_add_test(t, every_ioctl_of_kvm_has_a_user);
	suite_add_tcase(s, t);
	return test_main(s);
}
