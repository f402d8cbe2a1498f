#include "backend/screen/sandbox_rules.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "src/base/cleanup.h"

#define ALLOW(call, who) {SCMP_SYS(call), 0, SANDBOX_ALWAYS, 0, 0, who}

const struct sandbox_rule screen_sandbox_rules[] = {
	/* files and sockets that are open */
	ALLOW(read, "clients, eventfds"),
	ALLOW(write, "clients, eventfds, the log"),
	ALLOW(writev, "GnuTLS"),
	ALLOW(pread64, "TLS certificates that the machine sends"),
	ALLOW(lseek, "TLS certificates that the machine sends"),
	ALLOW(fstat, "the picture's memory"),
	{SCMP_SYS(newfstatat), 0, SANDBOX_ALL, 3, AT_EMPTY_PATH, "glibc's fstat()"},
	ALLOW(close, "everybody"),
	ALLOW(fcntl, "non-blocking sockets"),
	ALLOW(accept4, "viewers"),
	{SCMP_SYS(socketpair), 0, SANDBOX_EQ, 0, AF_UNIX, "between relay and server"},
	ALLOW(pipe, "libvncserver's threads"),
	ALLOW(pipe2, "libvncserver's threads"),
	ALLOW(sendmsg, "the machine, GnuTLS"),
	ALLOW(recvmsg, "the machine"),
	ALLOW(sendto, "viewers"),
	ALLOW(recvfrom, "viewers"),
	ALLOW(shutdown, "viewers"),
	ALLOW(getsockopt, "sockets"),
	ALLOW(setsockopt, "viewers: TCP_NODELAY, SO_KEEPALIVE"),
	ALLOW(getsockname, "libvncserver"),
	ALLOW(getpeername, "libvncserver"),

	/* waiting */
	ALLOW(poll, "relay, main"),
	ALLOW(ppoll, "relay, main"),
	ALLOW(select, "libvncserver"),
	ALLOW(pselect6, "libvncserver"),
	ALLOW(clock_gettime, "time, where the vDSO has none"),
	ALLOW(clock_getres, "time"),
	ALLOW(clock_nanosleep, "libvncserver"),
	ALLOW(nanosleep, "libvncserver"),
	ALLOW(gettimeofday, "time"),
	ALLOW(time, "time"),
	ALLOW(times, "GnuTLS"),
	ALLOW(getrusage, "GnuTLS"),

	/* memory: never executable */
	{SCMP_SYS(mmap), 0, SANDBOX_NONE, 2, PROT_EXEC, "malloc, thread stacks, the picture"},
	{SCMP_SYS(mprotect), 0, SANDBOX_NONE, 2, PROT_EXEC, "malloc, thread stacks"},
	ALLOW(mremap, "malloc"),
	ALLOW(munmap, "malloc, the picture"),
	ALLOW(madvise, "malloc, thread stacks"),
	ALLOW(brk, "malloc"),

	/* threads and signals */
	{SCMP_SYS(clone), 0, SANDBOX_ALL, 0, CLONE_THREAD, "libvncserver's threads"},
	{SCMP_SYS(clone3), ENOSYS, SANDBOX_ALWAYS, 0, 0, "glibc falls back to clone, which can be looked into"},
	ALLOW(futex, "locks"),
	ALLOW(set_robust_list, "new threads"),
	ALLOW(rseq, "new threads"),
	ALLOW(gettid, "threads"),
	ALLOW(getpid, "threads, GnuTLS"),
	{SCMP_SYS(tgkill), 0, SANDBOX_SELF, 0, 0, "abort()"},
	ALLOW(rt_sigaction, "abort()"),
	ALLOW(rt_sigprocmask, "threads"),
	ALLOW(rt_sigreturn, "signals"),
	ALLOW(sigaltstack, "threads"),
	ALLOW(sched_yield, "locks"),
	ALLOW(sched_getaffinity, "thread attributes"),
	ALLOW(membarrier, "locks"),
	ALLOW(restart_syscall, "signals"),
	{SCMP_SYS(prctl), 0, SANDBOX_EQ, 0, PR_SET_NAME, "thread names"},
	ALLOW(exit, "threads"),
	ALLOW(exit_group, "the end"),
	ALLOW(getrandom, "challenges, TLS"),
	ALLOW(getuid, "GnuTLS"),
	ALLOW(geteuid, "GnuTLS"),

	/* what libraries only try */
	{SCMP_SYS(openat), EPERM, SANDBOX_ALWAYS, 0, 0, "glibc and GnuTLS probe"},
	{SCMP_SYS(open), EPERM, SANDBOX_ALWAYS, 0, 0, "glibc and GnuTLS probe"},
	{SCMP_SYS(access), EPERM, SANDBOX_ALWAYS, 0, 0, "GnuTLS probes"},
	{SCMP_SYS(faccessat2), EPERM, SANDBOX_ALWAYS, 0, 0, "GnuTLS probes"},
	{SCMP_SYS(stat), EPERM, SANDBOX_ALWAYS, 0, 0, "GnuTLS probes"},
	{SCMP_SYS(socket), EPERM, SANDBOX_ALWAYS, 0, 0, "glibc probes (names of addresses)"},
	{SCMP_SYS(readlink), EPERM, SANDBOX_ALWAYS, 0, 0, "glibc probes"},
	{SCMP_SYS(uname), EPERM, SANDBOX_ALWAYS, 0, 0, "glibc: the name of this host"},
	{SCMP_SYS(prlimit64), EPERM, SANDBOX_ALWAYS, 0, 0, "pthread_getattr_np()"},
	{SCMP_SYS(sysinfo), EPERM, SANDBOX_ALWAYS, 0, 0, "malloc, qsort"},
};
const size_t screen_sandbox_nrules = ARRAY_SIZE(screen_sandbox_rules);
