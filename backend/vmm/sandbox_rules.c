#include "backend/vmm/sandbox_rules.h"

#include <errno.h>
#include <linux/fs.h>
#include <linux/kvm.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <seccomp.h>
#include <fcntl.h>

#include "src/base/cleanup.h"

#define ALLOW(call, who) {SCMP_SYS(call), 0, SANDBOX_ALWAYS, 0, 0, who}
#define IOCTL(number, who) {SCMP_SYS(ioctl), 0, SANDBOX_EQ, 1, (uint32_t)(number), who}

const struct sandbox_rule sandbox_rules[] = {
	/* files and sockets that are open */
	ALLOW(read, "eventfds, timers, consoles"),
	ALLOW(write, "eventfds, consoles, the log"),
	ALLOW(readv, "libuv streams"),
	ALLOW(writev, "libuv streams"),
	ALLOW(pread64, "disks, console record"),
	ALLOW(pwrite64, "disks, console record"),
	ALLOW(preadv, "disks"),
	ALLOW(pwritev, "disks"),
	ALLOW(preadv2, "disks"),
	ALLOW(pwritev2, "disks"),
	ALLOW(lseek, "disks: holes"),
	ALLOW(fsync, "disks"),
	ALLOW(fdatasync, "disks"),
	ALLOW(fallocate, "disks: discard"),
	ALLOW(ftruncate, "console record: next segment"),
	ALLOW(fstat, "console record, disks"),
	{SCMP_SYS(newfstatat), 0, SANDBOX_ALL, 3, AT_EMPTY_PATH, "glibc's fstat()"},
	ALLOW(close, "everybody"),
	ALLOW(fcntl, "non-blocking sockets"),
	ALLOW(dup, "descriptors handed on"),
	ALLOW(accept4, "control and console sockets"),
	ALLOW(accept, "control and console sockets"),
	{SCMP_SYS(socketpair), 0, SANDBOX_EQ, 0, AF_UNIX, "console-open"},
	ALLOW(sendmsg, "control: descriptors"),
	ALLOW(recvmsg, "control: descriptors"),
	ALLOW(sendto, "console sockets"),
	ALLOW(recvfrom, "console sockets"),
	ALLOW(shutdown, "console sockets"),
	ALLOW(getsockopt, "control: the peer's uid"),
	ALLOW(setsockopt, "console sockets: buffer sizes"),
	ALLOW(getsockname, "libuv"),

	/* waiting */
	ALLOW(epoll_wait, "libuv"),
	ALLOW(epoll_pwait, "libuv"),
	ALLOW(epoll_pwait2, "libuv"),
	ALLOW(epoll_ctl, "libuv"),
	ALLOW(epoll_create1, "libuv: forked and new loops"),
	ALLOW(poll, "launch and control sockets"),
	ALLOW(ppoll, "launch and control sockets"),
	ALLOW(eventfd2, "irqfd and ioeventfd after a reset"),
	ALLOW(pipe2, "libuv"),
	ALLOW(memfd_create, "pictures: screenshots, virtio-gpu's resources"),
	ALLOW(timerfd_create, "timers"),
	ALLOW(timerfd_settime, "timers"),
	ALLOW(clock_gettime, "time, where the vDSO has none"),
	ALLOW(clock_getres, "time"),
	ALLOW(clock_nanosleep, "waiting for threads"),
	ALLOW(nanosleep, "waiting for threads"),
	ALLOW(gettimeofday, "time"),
	ALLOW(io_uring_enter, "disks: rings were made and restricted before"),

	/* memory: never executable */
	{SCMP_SYS(mmap), 0, SANDBOX_NONE, 2, PROT_EXEC, "malloc, thread stacks, vCPUs after a reset"},
	{SCMP_SYS(mprotect), 0, SANDBOX_NONE, 2, PROT_EXEC, "malloc, thread stacks"},
	ALLOW(mremap, "malloc"),
	ALLOW(munmap, "malloc"),
	ALLOW(msync, "UEFI variables"),
	ALLOW(sync_file_range, "UEFI variables"),
	ALLOW(madvise, "malloc, thread stacks, guest memory"),
	ALLOW(brk, "malloc"),

	/* threads and signals */
	{SCMP_SYS(clone), 0, SANDBOX_ALL, 0, CLONE_THREAD, "vCPUs after a reset, libuv's workers"},
	{SCMP_SYS(clone3), ENOSYS, SANDBOX_ALWAYS, 0, 0, "glibc falls back to clone, which can be looked into"},
	ALLOW(futex, "locks"),
	ALLOW(set_robust_list, "new threads"),
	ALLOW(rseq, "new threads"),
	ALLOW(gettid, "threads"),
	ALLOW(getpid, "threads"),
	{SCMP_SYS(tgkill), 0, SANDBOX_SELF, 0, 0, "kicking vCPUs out of KVM_RUN"},
	ALLOW(rt_sigaction, "libuv"),
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
	ALLOW(getrandom, "rng, hash seeds"),
	ALLOW(getuid, "control: who may ask"),
	ALLOW(geteuid, "control: who may ask"),

	/* what glibc and libuv only try */
	{SCMP_SYS(openat), EPERM, SANDBOX_ALWAYS, 0, 0, "glibc and libuv probe"},
	{SCMP_SYS(open), EPERM, SANDBOX_ALWAYS, 0, 0, "glibc and libuv probe"},
	{SCMP_SYS(readlink), EPERM, SANDBOX_ALWAYS, 0, 0, "libuv probes"},
	{SCMP_SYS(prlimit64), EPERM, SANDBOX_ALWAYS, 0, 0, "pthread_getattr_np()"},
	{SCMP_SYS(statx), ENOSYS, SANDBOX_ALWAYS, 0, 0, "libuv probes"},
	{SCMP_SYS(sysinfo), EPERM, SANDBOX_ALWAYS, 0, 0, "malloc, qsort"},

	/* ioctl by number */
	IOCTL(FIONBIO, "libuv"),
	IOCTL(FIOCLEX, "libuv"),
	IOCTL(FIONREAD, "libuv"),
	IOCTL(BLKGETSIZE64, "media of CD-ROM drives"),
	IOCTL(BLKSSZGET, "media of CD-ROM drives"),
	IOCTL(BLKPBSZGET, "media of CD-ROM drives"),
	IOCTL(BLKDISCARD, "disks: discard"),
	IOCTL(BLKZEROOUT, "disks: write zeroes"),
	IOCTL(KVM_RUN, "vCPUs"),
	IOCTL(KVM_KVMCLOCK_CTRL, "pause: no watchdog of the guest barks"),
	IOCTL(KVM_IRQ_LINE, "interrupts"),
	IOCTL(KVM_IRQFD, "interrupts"),
	IOCTL(KVM_IOEVENTFD, "doorbells"),
	IOCTL(KVM_SIGNAL_MSI, "interrupts"),
	IOCTL(KVM_SET_GSI_ROUTING, "interrupts"),
	IOCTL(KVM_INTERRUPT, "interrupts"),
	IOCTL(KVM_NMI, "interrupts"),
	IOCTL(KVM_SET_USER_MEMORY_REGION, "memory map"),
	IOCTL(KVM_GET_DIRTY_LOG, "screen"),
	IOCTL(KVM_CLEAR_DIRTY_LOG, "screen"),
	IOCTL(KVM_GET_REGS, "fault report"),
	IOCTL(KVM_SET_REGS, "reset"),
	IOCTL(KVM_GET_SREGS, "fault report, reset"),
	IOCTL(KVM_SET_SREGS, "reset"),
	IOCTL(KVM_GET_FPU, "fault report"),
	IOCTL(KVM_GET_MSRS, "fault report"),
	IOCTL(KVM_SET_MSRS, "reset"),
	IOCTL(KVM_GET_LAPIC, "reset"),
	IOCTL(KVM_SET_LAPIC, "reset"),
	IOCTL(KVM_GET_MP_STATE, "fault report"),
	IOCTL(KVM_SET_MP_STATE, "reset"),
	IOCTL(KVM_GET_VCPU_EVENTS, "fault report"),
	IOCTL(KVM_SET_CPUID2, "reset"),
	/* a reset makes a new VM over the same memory */
	IOCTL(KVM_CREATE_VM, "reset"),
	IOCTL(KVM_CHECK_EXTENSION, "reset"),
	IOCTL(KVM_GET_VCPU_MMAP_SIZE, "reset"),
	IOCTL(KVM_GET_SUPPORTED_CPUID, "reset"),
	IOCTL(KVM_CREATE_IRQCHIP, "reset"),
	IOCTL(KVM_GET_IRQCHIP, "fault report"),
	IOCTL(KVM_SET_IRQCHIP, "reset"),
	IOCTL(KVM_CREATE_PIT2, "reset"),
	IOCTL(KVM_REGISTER_COALESCED_MMIO, "reset: the VGA window"),
	IOCTL(KVM_CREATE_VCPU, "reset"),
	IOCTL(KVM_ENABLE_CAP, "reset"),
	IOCTL(KVM_SET_TSS_ADDR, "reset"),
	IOCTL(KVM_SET_IDENTITY_MAP_ADDR, "reset"),
	IOCTL(KVM_SET_CLOCK, "reset"),
	IOCTL(KVM_GET_CLOCK, "reset"),
};
const size_t sandbox_nrules = ARRAY_SIZE(sandbox_rules);
