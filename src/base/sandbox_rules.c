#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "src/base/cleanup.h"
#include "src/base/sandbox.h"

const struct sandbox_rule sandbox_common_rules[] = {
	/* what is open */
	SANDBOX_ALLOW(read, "eventfds, sockets"),
	SANDBOX_ALLOW(write, "eventfds, sockets, the log"),
	SANDBOX_ALLOW(fstat, "files that are open"),
	SANDBOX_IF(newfstatat, SANDBOX_ALL, 3, AT_EMPTY_PATH, "glibc's fstat()"),
	SANDBOX_ALLOW(close, "everybody"),
	/* by command: F_SETOWN, F_SETSIG and O_ASYNC have the kernel send signals to any process of the uid */
	SANDBOX_IF(fcntl, SANDBOX_EQ, 1, F_GETFD, "descriptors"),
	SANDBOX_IF(fcntl, SANDBOX_EQ, 1, F_SETFD, "descriptors: close-on-exec"),
	SANDBOX_IF(fcntl, SANDBOX_EQ, 1, F_GETFL, "non-blocking sockets"),
	SANDBOX_IF_ALSO(fcntl, SANDBOX_EQ, 1, F_SETFL, "non-blocking sockets", {SANDBOX_NONE, 2, O_ASYNC, 0}),
	SANDBOX_IF(fcntl, SANDBOX_EQ, 1, F_DUPFD_CLOEXEC, "dup() of libraries"),
	SANDBOX_IF(fcntl, SANDBOX_EQ, 1, F_ADD_SEALS, "pictures that others map"),

	/* waiting */
	SANDBOX_ALLOW(poll, "sockets"),
	SANDBOX_ALLOW(ppoll, "sockets"),
	SANDBOX_ALLOW(clock_gettime, "time, where the vDSO has none"),
	SANDBOX_ALLOW(clock_getres, "time"),
	SANDBOX_ALLOW(clock_nanosleep, "waiting for threads"),
	SANDBOX_ALLOW(nanosleep, "waiting for threads"),
	SANDBOX_ALLOW(gettimeofday, "time"),

	/* memory: never executable */
	SANDBOX_IF(mmap, SANDBOX_NONE, 2, PROT_EXEC, "malloc, thread stacks, files that are open"),
	SANDBOX_IF(mprotect, SANDBOX_NONE, 2, PROT_EXEC, "malloc, thread stacks"),
	SANDBOX_ALLOW(mremap, "malloc"),
	SANDBOX_ALLOW(munmap, "malloc, files that are open"),
	SANDBOX_ALLOW(madvise, "malloc, thread stacks"),
	SANDBOX_ALLOW(brk, "malloc"),

	/* threads and signals */
	SANDBOX_IF(clone, SANDBOX_ALL, 0, CLONE_THREAD, "new threads"),
	SANDBOX_FAIL(clone3, ENOSYS, "glibc falls back to clone, which can be looked into"),
	SANDBOX_ALLOW(futex, "locks"),
	SANDBOX_ALLOW(set_robust_list, "new threads"),
	SANDBOX_ALLOW(rseq, "new threads"),
	SANDBOX_ALLOW(gettid, "threads"),
	SANDBOX_ALLOW(getpid, "threads"),
	SANDBOX_IF(tgkill, SANDBOX_SELF, 0, 0, "abort(), kicking threads"),
	SANDBOX_ALLOW(rt_sigaction, "abort(), libuv"),
	SANDBOX_ALLOW(rt_sigprocmask, "threads"),
	SANDBOX_ALLOW(rt_sigreturn, "signals"),
	SANDBOX_ALLOW(sigaltstack, "threads"),
	SANDBOX_ALLOW(sched_yield, "locks"),
	SANDBOX_ALLOW(sched_getaffinity, "thread attributes"),
	SANDBOX_ALLOW(membarrier, "locks"),
	SANDBOX_ALLOW(restart_syscall, "signals"),
	SANDBOX_IF(prctl, SANDBOX_EQ, 0, PR_SET_NAME, "thread names"),
	SANDBOX_ALLOW(exit, "threads"),
	SANDBOX_ALLOW(exit_group, "the end"),
	SANDBOX_ALLOW(getrandom, "random numbers, hash seeds"),

	/* what glibc only tries */
	SANDBOX_FAIL(openat, EPERM, "glibc and libraries probe"),
	SANDBOX_FAIL(open, EPERM, "glibc and libraries probe"),
	SANDBOX_FAIL(readlink, EPERM, "glibc and libraries probe"),
	SANDBOX_FAIL(prlimit64, EPERM, "pthread_getattr_np()"),
	SANDBOX_FAIL(sysinfo, EPERM, "malloc, qsort"),
};
const size_t sandbox_common_nrules = ARRAY_SIZE(sandbox_common_rules);
