/* What is left when a process of ours is killed, or refused, at each of its system calls while it defines,
 * undefines, installs, starts or stops a guest, keeps it, or tidies up behind it.
 *
 * The processes are traced (ptrace(2)): the tracer counts the system calls of one role (struct row) and at the
 * Nth kills, or has the kernel answer with an error. This program is also the vmdeck-vmm and the vmdeck of its
 * guests, as in test_local.c: all is the real code but the machine. Whatever happened, afterwards the store has
 * the old definition or the new one, nothing runs, and nothing is left in the runtime folder. */
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
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backend/local/local.h"
#include "backend/vmm/keeper.h"
#include "src/backend.h"
#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/str.h"
#include "src/base/unixsock.h"
#include "src/proto/launch.h"
#include "src/proto/statspage.h"
#include "tests/testlib.h"

#define TRACEES_MAX 64
#define RUN_S 20 /* of one run; then it hangs */
#define ROLE_CALL 0x766400 /* getpriority(ROLE_CALL + role): from now on it is that */

static const char uuid[] = "11111111-2222-3333-4444-555555555555";
static struct err e;

/* --- which system calls, and what they may answer --- */

static const struct fault {
	int call;
	bool changes; /* something that others see: a process killed before it leaves another state than before */
	int errors[5];
} faults[] = {
    {SYS_openat, true, {ENOSPC, EMFILE, EROFS, EIO, EDQUOT}},
    {SYS_open, true, {ENOSPC, EMFILE, EROFS, EIO, EDQUOT}},
    {SYS_write, true, {ENOSPC, EIO, EDQUOT}},
    {SYS_pwrite64, true, {ENOSPC, EIO, EDQUOT}},
    {SYS_fsync, true, {EIO, ENOSPC, EDQUOT}},
    {SYS_fdatasync, true, {EIO, ENOSPC, EDQUOT}},
    {SYS_rename, true, {ENOSPC, EIO, EROFS, EDQUOT}},
    {SYS_unlink, true, {EROFS, EIO}},
    {SYS_unlinkat, true, {EROFS, EIO}},
    {SYS_rmdir, true, {EROFS, EIO}},
    {SYS_mkdir, true, {ENOSPC, EROFS, EDQUOT, EIO}},
    {SYS_symlink, true, {ENOSPC, EROFS, EDQUOT, EIO}},
    {SYS_fchmod, true, {EROFS, EIO}},
    {SYS_ftruncate, true, {ENOSPC, EIO, EROFS}},
    {SYS_fallocate, true, {ENOSPC, EIO, EROFS}},
    {SYS_flock, true, {EIO}},
    {SYS_bind, true, {ENOSPC, EROFS}},
    {SYS_listen, true, {EMFILE}},
    {SYS_sendmsg, true, {EIO}},
    {SYS_sendto, true, {EIO}},
    {SYS_kill, true, {0}},
    {SYS_execve, true, {EIO, EMFILE}},
    {SYS_clone, true, {EAGAIN}},
    {SYS_clone3, true, {ENOSYS}},
    {SYS_fork, true, {EAGAIN}},
    {SYS_vfork, true, {EAGAIN}},
    {SYS_close, true, {0}},
    {SYS_exit_group, true, {0}},
    {SYS_socket, false, {EMFILE}},
    {SYS_socketpair, false, {EMFILE}},
    {SYS_pipe2, false, {EMFILE}},
    {SYS_dup2, false, {EMFILE}},
    {SYS_read, false, {EIO}},
    {SYS_pread64, false, {EIO}},
    {SYS_recvmsg, false, {EIO}},
    {SYS_getdents64, false, {EIO}},
    {SYS_newfstatat, false, {EIO}},
};

static const struct fault *fault_of(long call)
{
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++)
		if (faults[i].call == call)
			return &faults[i];
	return NULL;
}

/* --- what is done, and by whom --- */

enum role { NOBODY, DOER, STOPPER, KEEPER, RELEASER, ROLES };
static const char *const role_args[ROLES] = {[KEEPER] = "keeper", [RELEASER] = "domain-release"};

static void become(enum role r)
{
	syscall(SYS_getpriority, ROLE_CALL + r, 0);
}

static char home[64];

static char *definition(const char *title, const char *more)
{
	return x_asprintf(
	    "<domain type='kvm'><name>web1</name><uuid>%s</uuid><title>%s</title><memory unit='MiB'>64</memory>"
	    "<vcpu>1</vcpu><os><type arch='x86_64' machine='pc'>hvm</type><kernel>%s/kernel</kernel></os>"
	    "<devices><serial type='pty'/>%s</devices></domain>",
	    uuid, title, home, more);
}

static int do_define(struct backend *b)
{
	struct domain_info info;
	AUTO_FREE char *text = definition("new", "");
	return b->ops->domain_define(b, text, "new.xml", 0, &info, NULL, &e);
}

static int do_undefine(struct backend *b)
{
	return b->ops->domain_undefine(b, uuid, 0, &e);
}

static int do_autostart(struct backend *b)
{
	return b->ops->domain_autostart(b, uuid, true, &e);
}

/* As an administrator does who sees that it runs. */
static void destroy_all(struct backend *b)
{
	struct domain_info *list = NULL;
	size_t n = 0;
	if (b->ops->domain_list(b, &list, &n, &e))
		return;
	for (size_t i = 0; i < n; i++)
		if (list[i].state & DOMAIN_ACTIVE)
			b->ops->domain_destroy(b, list[i].uuid, &e);
	free(list);
}

/* At most 10 s, until nothing of the guest is left; those who look clean up. */
static bool gone(struct backend *b)
{
	AUTO_FREE char *dir = x_asprintf("%s/run/%s", home, uuid);
	for (int i = 0; i < 1000 && access(dir, F_OK) == 0; i++) {
		if (i % 20 == 10)
			destroy_all(b);
		usleep(10000);
	}
	return access(dir, F_OK) < 0;
}

static int do_start_and_stop(struct backend *b)
{
	char *notes = NULL;
	int rc = b->ops->domain_start(b, uuid, START_FORCE, &notes, &e);
	free(notes);
	become(STOPPER);
	if (!rc)
		rc = b->ops->domain_destroy(b, uuid, &e);
	become(NOBODY);
	return gone(b) ? rc : -EBUSY;
}

static int do_install(struct backend *b)
{
	AUTO_FREE char *disk = x_asprintf("%s/disk.raw", home);
	AUTO_FREE char *text = definition("new", ""), *first = definition("first", "");
	struct install_file file = {.path = disk, .bytes = 1 << 20, .sparse = true};
	struct install_job job = {.define_xml = text, .first_xml = first, .files = &file, .nfiles = 1, .flags = INSTALL_FORCE};
	struct domain_info info;
	char *notes = NULL;
	int rc = b->ops->domain_install(b, &job, &info, &notes, &e);
	free(notes);
	become(STOPPER);
	if (!rc)
		rc = b->ops->domain_destroy(b, uuid, &e);
	become(NOBODY);
	return gone(b) ? rc : -EBUSY;
}

static const struct row {
	const char *name;
	int (*act)(struct backend *b);
	enum role role;
	bool defined; /* before */
	bool starts;
	const char *titles[3]; /* one of these the definition has afterwards, or NULL: there may be none */
	unsigned share; /* every how manieth point is tried; FAULTS_ALL=1: each */
} rows[] = {
    {"define a new domain", do_define, DOER, false, false, {"new", NULL}, 1},
    {"define over an old one", do_define, DOER, true, false, {"old", "new"}, 1},
    {"undefine", do_undefine, DOER, true, false, {"old", NULL}, 1},
    {"autostart", do_autostart, DOER, true, false, {"old"}, 1},
    {"start", do_start_and_stop, DOER, true, true, {"old"}, 4},
    {"stop", do_start_and_stop, STOPPER, true, true, {"old"}, 4},
    {"the keeper", do_start_and_stop, KEEPER, true, true, {"old"}, 4},
    {"release", do_start_and_stop, RELEASER, true, true, {"old"}, 4},
    {"install", do_install, DOER, false, true, {"new", NULL}, 4},
};

/* --- the machine --- */

static void on_term(int sig)
{
	_exit(LAUNCH_EXIT_POWEROFF);
}

static int fake_machine(void)
{
	static struct fd_set_named fds;
	json_t *go = NULL;
	struct stats_header h = {.magic = STATS_MAGIC, .version = STATS_VERSION, .block_size = STATS_BLOCK,
				 .machine_pid = (uint32_t)getpid(), .run = STATS_RUN_RUNNING};
	const char *greeting = "{\"QMP\": {\"version\": {\"vmdeck\": \"0\", \"protocol\": 1}}}\n";
	char line[4096];
	if (launch_recv(LAUNCH_FD, &fds, &go, &e))
		return LAUNCH_EXIT_NOT_STARTED;
	signal(SIGTERM, on_term);
	fd_pwrite_all(named_get(&fds, "stats"), &h, sizeof(h), 0);
	launch_answer_ready(LAUNCH_FD, getpid());
	for (;;) {
		struct pollfd p = {.fd = named_get(&fds, "control"), .events = POLLIN};
		poll(&p, 1, -1);
		AUTO_CLOSE int c = accept4(p.fd, NULL, NULL, SOCK_CLOEXEC);
		if (c < 0 || fd_write_all(c, greeting, strlen(greeting)))
			continue;
		for (ssize_t n; (n = read(c, line, sizeof(line) - 1)) > 0;) {
			line[n] = 0;
			if (strstr(line, "quit"))
				_exit(LAUNCH_EXIT_DESTROYED);
		}
	}
}

/* --- the tracer --- */

struct tracee {
	pid_t pid;
	enum role role;
	bool inside; /* a system call */
	int answer;  /* errno instead of it, at its end */
};

/* Shared with the tests' process. */
static struct trace {
	unsigned points; /* seen */
	long call;	 /* where it was done */
	bool done;
	bool hung;
	char left[200]; /* what was wrong afterwards; "" nothing */
} *trace;

static struct tracer {
	const struct row *row;
	bool killing;
	unsigned at; /* 0: only counted */
	struct tracee of[TRACEES_MAX];
	pid_t doer, cleaner;
} tr;

static struct tracee *tracee(pid_t pid)
{
	struct tracee *free_one = NULL;
	for (size_t i = 0; i < TRACEES_MAX; i++) {
		if (tr.of[i].pid == pid)
			return &tr.of[i];
		if (!tr.of[i].pid && !free_one)
			free_one = &tr.of[i];
	}
	if (free_one)
		*free_one = (struct tracee){.pid = pid};
	return free_one;
}

static enum role role_by_args(pid_t pid)
{
	AUTO_FREE char *path = x_asprintf("/proc/%d/cmdline", (int)pid), *text = NULL;
	size_t len = 0;
	if (file_read(path, 4096, &text, &len, NULL))
		return NOBODY;
	const char *second = text + strlen(text) + 1;
	for (int r = 0; r < ROLES && second < text + len; r++)
		if (role_args[r] && !strcmp(role_args[r], second))
			return (enum role)r;
	return NOBODY;
}

static void at_entry(struct tracee *t, struct user_regs_struct *regs)
{
	long call = (long)regs->orig_rax;
	if (call == SYS_getpriority && regs->rdi >= ROLE_CALL && regs->rdi < ROLE_CALL + ROLES)
		t->role = (enum role)(regs->rdi - ROLE_CALL);
	const struct fault *f = t->role == tr.row->role ? fault_of(call) : NULL;
	if (!f || !(tr.killing ? f->changes : f->errors[0] != 0))
		return;
	trace->points++;
	if (trace->points != tr.at || trace->done)
		return;
	trace->done = true;
	trace->call = call;
	if (tr.killing) {
		kill(t->pid, SIGKILL);
		return;
	}
	unsigned n = 0;
	while (n < ARRAY_SIZE(f->errors) && f->errors[n])
		n++;
	t->answer = f->errors[tr.at % n];
	regs->orig_rax = (unsigned long long)-1; /* none */
	ptrace(PTRACE_SETREGS, t->pid, 0, regs);
}

static void at_call(struct tracee *t)
{
	struct user_regs_struct regs;
	t->inside = !t->inside;
	if (ptrace(PTRACE_GETREGS, t->pid, 0, &regs) < 0)
		return;
	if (t->inside) {
		at_entry(t, &regs);
	} else if (t->answer) {
		regs.rax = (unsigned long long)-t->answer;
		ptrace(PTRACE_SETREGS, t->pid, 0, &regs);
		t->answer = 0;
	}
}

/* A process stopped: what for, and with which signal it goes on. */
static int on_stop(struct tracee *t, int status)
{
	int sig = WSTOPSIG(status), event = status >> 16;
	if (sig == (SIGTRAP | 0x80)) {
		at_call(t);
		return 0;
	}
	if (event == PTRACE_EVENT_EXEC)
		t->role = role_by_args(t->pid);
	return event || sig == SIGSTOP || sig == SIGTRAP ? 0 : sig;
}

static void on_alarm(int sig)
{
	trace->hung = true;
}

static struct backend *open_home(void)
{
	struct backend *b = backend_local_open(&e);
	if (!b)
		fprintf(stderr, "test_faults: %s\n", e.msg);
	return b;
}

static pid_t start_doer(void)
{
	pid_t pid = fork();
	if (pid)
		return pid;
	struct backend *b = open_home(); /* as it is when the command is carried out */
	ptrace(PTRACE_TRACEME, 0, 0, 0);
	raise(SIGSTOP);
	become(DOER);
	int rc = b ? tr.row->act(b) : -1;
	become(NOBODY);
	_exit(rc == -EBUSY ? 2 : rc != 0);
}

static pid_t start_cleaner(void)
{
	pid_t pid = fork();
	if (pid)
		return pid;
	struct backend *b = open_home();
	if (b)
		destroy_all(b);
	_exit(b && gone(b) ? 0 : 2);
}

static bool anybody(void)
{
	for (size_t i = 0; i < TRACEES_MAX; i++)
		if (tr.of[i].pid)
			return true;
	return tr.cleaner > 0;
}

static void on_end(pid_t pid, int status)
{
	if (pid == tr.cleaner) {
		tr.cleaner = 0;
		if (status)
			snprintf(trace->left, sizeof(trace->left), "the guest's folder");
		return;
	}
	tracee(pid)->pid = 0;
	if (pid != tr.doer)
		return;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
		snprintf(trace->left, sizeof(trace->left), "the guest's folder, though it was stopped");
	tr.cleaner = start_cleaner();
}

static void trace_all(void)
{
	const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
			     PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
	bool begun = false;
	while (anybody() && !trace->hung) {
		int status;
		pid_t pid = waitpid(-1, &status, __WALL);
		if (pid < 0)
			continue;
		if (!WIFSTOPPED(status)) {
			on_end(pid, status);
			continue;
		}
		if (pid == tr.doer && !begun) {
			begun = true;
			ptrace(PTRACE_SETOPTIONS, pid, 0, options);
		}
		struct tracee *t = tracee(pid);
		ptrace(PTRACE_SYSCALL, pid, 0, t ? on_stop(t, status) : 0);
	}
}

/* What runs still. */
static void check_processes(void)
{
	for (size_t i = 0; i < TRACEES_MAX; i++) {
		if (!tr.of[i].pid)
			continue;
		AUTO_FREE char *path = x_asprintf("/proc/%d/syscall", (int)tr.of[i].pid), *text = NULL;
		AUTO_FREE char *args = x_asprintf("/proc/%d/cmdline", (int)tr.of[i].pid), *role = NULL;
		size_t len = 0;
		if (file_read(path, 4096, &text, NULL, NULL) || file_read(args, 4096, &role, &len, NULL))
			continue;
		for (size_t k = 0; k + 1 < len; k++)
			role[k] = role[k] ? role[k] : ' ';
		snprintf(trace->left, sizeof(trace->left), "process %d '%s', in %s", (int)tr.of[i].pid, role, text);
		kill(tr.of[i].pid, SIGKILL);
	}
}

/* The tracer is a process of its own, that of a run. */
static void __attribute__((noreturn)) run_tracer(void)
{
	struct sigaction sa = {.sa_handler = on_alarm};
	sigaction(SIGALRM, &sa, NULL);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	alarm(RUN_S);
	tr.doer = start_doer();
	tracee(tr.doer);
	trace_all();
	check_processes();
	_exit(0);
}

/* --- the checks --- */

static unsigned entries(const char *folder, bool (*is)(const char *))
{
	AUTO_FREE char *path = x_asprintf("%s/%s", home, folder);
	DIR *d = opendir(path);
	unsigned n = 0;
	for (struct dirent *de; d && (de = readdir(d));)
		n += is(de->d_name);
	if (d)
		closedir(d);
	return n;
}

static bool is_guest(const char *name)
{
	return strlen(name) == 36;
}

static bool is_temporary(const char *name)
{
	return strstr(name, ".vmdeck-") != NULL;
}

static bool title_is_one_of(const char *title)
{
	for (size_t i = 0; i < ARRAY_SIZE(tr.row->titles); i++)
		if (str_eq(title, tr.row->titles[i]))
			return true;
	return false;
}

/* In a backend that knows nothing of what was. */
static void check_store(const char *what)
{
	struct backend *b = open_home();
	struct domain_info *list = NULL, info;
	size_t n = 0;
	ck_assert_msg(b && b->ops->domain_list(b, &list, &n, &e) == 0, "%s: %s", what, e.msg);
	ck_assert_msg(n <= 1 && title_is_one_of(n ? list[0].title : NULL), "%s: %zu domains, '%s'", what, n,
		      n ? list[0].title : "");
	ck_assert_msg(!n || !(list[0].state & DOMAIN_ACTIVE), "%s: it runs", what);
	free(list);
	AUTO_FREE char *text = definition("old", "");
	ck_assert_msg(b->ops->domain_define(b, text, "t", 0, &info, NULL, &e) == 0, "%s: define: %s", what, e.msg);
	ck_assert_msg(!entries("config/domains", is_temporary), "%s: temporary files stay", what);
	ck_assert_msg(!entries("run", is_guest), "%s: something is left in the runtime folder", what);
	if (!tr.row->defined)
		ck_assert_msg(b->ops->domain_undefine(b, uuid, 0, &e) == 0, "%s: undefine: %s", what, e.msg);
	b->ops->close(b);
	AUTO_FREE char *disk = x_asprintf("%s/disk.raw", home);
	unlink(disk);
}

/* Once: at the @at'th point. false: there are not that many. */
static bool run_once(bool killing, unsigned at)
{
	memset(trace, 0, sizeof(*trace));
	tr = (struct tracer){.row = tr.row, .killing = killing, .at = at};
	pid_t pid = fork();
	if (!pid)
		run_tracer();
	waitpid(pid, NULL, 0);
	AUTO_FREE char *what = x_asprintf("%s, %s at point %u (system call %ld)", tr.row->name,
					  killing ? "killed" : "an error", at, trace->call);
	ck_assert_msg(!trace->hung, "%s: it hangs: %s", what, trace->left);
	ck_assert_msg(!*trace->left, "%s: left: %s", what, trace->left);
	check_store(what);
	return trace->done;
}

static void make_home(void)
{
	AUTO_FREE char *run = NULL, *kernel = NULL;
	strcpy(home, "/tmp/vmdeck-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(home));
	run = x_asprintf("%s/run", home); /* a plain folder: nothing of the test outside of its own */
	mkdir(run, 0700);
	setenv("VMDECK_HOME", home, 1);
	kernel = x_asprintf("%s/kernel", home);
	ck_assert_int_eq(file_replace(kernel, "\177ELF and nothing more", 21, 0644, &e), 0);
}

static void remove_home(void)
{
	pid_t pid = fork();
	if (pid == 0)
		execlp("rm", "rm", "-rf", home, (char *)NULL);
	waitpid(pid, NULL, 0);
}

static void try_row(size_t i, bool killing)
{
	const char *only = getenv("FAULTS"); /* the name of a row */
	tr.row = &rows[i];
	if (only && !str_eq(only, tr.row->name))
		return;
	if (tr.row->starts && access("/dev/kvm", R_OK | W_OK) < 0)
		test_skip("/dev/kvm cannot be opened");
	make_home();
	check_store("before"); /* defines it where it is to be */
	ck_assert(!run_once(killing, 0));
	unsigned points = trace->points, at = 1;
	ck_assert_uint_gt(points, 0);
	while (at <= points && run_once(killing, at))
		at += getenv("FAULTS_ALL") ? 1 : tr.row->share;
	printf("%s, %s: %u points\n", tr.row->name, killing ? "killed" : "errors", points);
	remove_home();
}

START_TEST(killed_at_any_system_call_nothing_is_left)
{
	try_row((size_t)_i, true);
}
END_TEST

START_TEST(whatever_a_system_call_answers_nothing_is_left)
{
	try_row((size_t)_i, false);
}
END_TEST

int main(int argc, char **argv)
{
	const char *role = argc > 1 ? argv[1] : "";
	static const char *const machine[] = {"/proc/self/exe", "machine", NULL};
	if (!strcmp(role, "keeper"))
		return keeper_main(machine);
	if (!strcmp(role, "machine"))
		_exit(fake_machine());
	if (!strcmp(role, "probe"))
		return puts("{\"api\": 12, \"max_vcpus\": 16, \"missing\": [], \"ips\": 900000000, "
			    "\"native\": true}") < 0;
	if (!strcmp(role, "domain-release")) {
		struct backend *r = backend_local_open(&e);
		return r ? r->ops->domain_release(r, argv[2], &e) != 0 : 1;
	}
	setenv("VMDECK_VMM", "/proc/self/exe", 1);
	setenv("VMDECK", "/proc/self/exe", 1);
	setenv("VMDECK_SCREEN", "/proc/self/exe", 1);
	setenv("ASAN_OPTIONS", "detect_leaks=0", 0); /* of who is traced they cannot be looked for */
	trace = mmap(NULL, sizeof(*trace), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	Suite *s = suite_create("faults");
	TCase *t = tcase_create("faults");
	tcase_set_timeout(t, 150);
	tcase_add_loop_test(t, killed_at_any_system_call_nothing_is_left, 0, ARRAY_SIZE(rows));
	tcase_add_loop_test(t, whatever_a_system_call_answers_nothing_is_left, 0, ARRAY_SIZE(rows));
	suite_add_tcase(s, t);
	return test_main(s);
}
