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
	{SCMP_SYS(newfstatat), 0, SANDBOX_ALL, 3, AT_EMPTY_PATH, "glibc's fstat()"},
	SANDBOX_ALLOW(close, "everybody"),
	SANDBOX_ALLOW(fcntl, "non-blocking sockets"),

	/* waiting */
	SANDBOX_ALLOW(poll, "sockets"),
	SANDBOX_ALLOW(ppoll, "sockets"),
	SANDBOX_ALLOW(clock_gettime, "time, where the vDSO has none"),
	SANDBOX_ALLOW(clock_getres, "time"),
	SANDBOX_ALLOW(clock_nanosleep, "waiting for threads"),
	SANDBOX_ALLOW(nanosleep, "waiting for threads"),
	SANDBOX_ALLOW(gettimeofday, "time"),

	/* memory: never executable */
	{SCMP_SYS(mmap), 0, SANDBOX_NONE, 2, PROT_EXEC, "malloc, thread stacks, files that are open"},
	{SCMP_SYS(mprotect), 0, SANDBOX_NONE, 2, PROT_EXEC, "malloc, thread stacks"},
	SANDBOX_ALLOW(mremap, "malloc"),
	SANDBOX_ALLOW(munmap, "malloc, files that are open"),
	SANDBOX_ALLOW(madvise, "malloc, thread stacks"),
	SANDBOX_ALLOW(brk, "malloc"),

	/* threads and signals */
	{SCMP_SYS(clone), 0, SANDBOX_ALL, 0, CLONE_THREAD, "new threads"},
	{SCMP_SYS(clone3), ENOSYS, SANDBOX_ALWAYS, 0, 0, "glibc falls back to clone, which can be looked into"},
	SANDBOX_ALLOW(futex, "locks"),
	SANDBOX_ALLOW(set_robust_list, "new threads"),
	SANDBOX_ALLOW(rseq, "new threads"),
	SANDBOX_ALLOW(gettid, "threads"),
	SANDBOX_ALLOW(getpid, "threads"),
	{SCMP_SYS(tgkill), 0, SANDBOX_SELF, 0, 0, "abort(), kicking threads"},
	SANDBOX_ALLOW(rt_sigaction, "abort(), libuv"),
	SANDBOX_ALLOW(rt_sigprocmask, "threads"),
	SANDBOX_ALLOW(rt_sigreturn, "signals"),
	SANDBOX_ALLOW(sigaltstack, "threads"),
	SANDBOX_ALLOW(sched_yield, "locks"),
	SANDBOX_ALLOW(sched_getaffinity, "thread attributes"),
	SANDBOX_ALLOW(membarrier, "locks"),
	SANDBOX_ALLOW(restart_syscall, "signals"),
	{SCMP_SYS(prctl), 0, SANDBOX_EQ, 0, PR_SET_NAME, "thread names"},
	SANDBOX_ALLOW(exit, "threads"),
	SANDBOX_ALLOW(exit_group, "the end"),
	SANDBOX_ALLOW(getrandom, "random numbers, hash seeds"),

	/* what glibc only tries */
	{SCMP_SYS(openat), EPERM, SANDBOX_ALWAYS, 0, 0, "glibc and libraries probe"},
	{SCMP_SYS(open), EPERM, SANDBOX_ALWAYS, 0, 0, "glibc and libraries probe"},
	{SCMP_SYS(readlink), EPERM, SANDBOX_ALWAYS, 0, 0, "glibc and libraries probe"},
	{SCMP_SYS(prlimit64), EPERM, SANDBOX_ALWAYS, 0, 0, "pthread_getattr_np()"},
	{SCMP_SYS(sysinfo), EPERM, SANDBOX_ALWAYS, 0, 0, "malloc, qsort"},
};
const size_t sandbox_common_nrules = ARRAY_SIZE(sandbox_common_rules);
