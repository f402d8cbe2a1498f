#include "backend/vmm/sandbox_rules.h"

#include <errno.h>
#include <linux/fs.h>
#include <linux/if_tun.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <seccomp.h>

#include "src/base/cleanup.h"

#define IOCTL(number, who) SANDBOX_IF(ioctl, SANDBOX_EQ, 1, (uint32_t)(number), who)

const struct sandbox_rule sandbox_rules[] = {
	/* files and sockets that are open */
	SANDBOX_ALLOW(readv, "libuv streams"),
	SANDBOX_ALLOW(writev, "libuv streams"),
	SANDBOX_ALLOW(pread64, "disks, console record"),
	SANDBOX_ALLOW(pwrite64, "disks, console record, UEFI variables"),
	SANDBOX_ALLOW(preadv, "disks"),
	SANDBOX_ALLOW(pwritev, "disks"),
	SANDBOX_ALLOW(lseek, "disks: holes"),
	SANDBOX_ALLOW(fsync, "disks"),
	SANDBOX_ALLOW(fdatasync, "disks, UEFI variables"),
	SANDBOX_ALLOW(fallocate, "disks: discard"),
	SANDBOX_ALLOW(ftruncate, "console record: next segment"),
	SANDBOX_ALLOW(dup, "descriptors handed on"),
	SANDBOX_ALLOW(accept4, "control and console sockets"),
	SANDBOX_IF_ALSO(socketpair, SANDBOX_EQ, 0, AF_UNIX, "console-open", SANDBOX_CONNECTED),
	SANDBOX_ALLOW(sendmsg, "control: descriptors"),
	SANDBOX_ALLOW(recvmsg, "control: descriptors"),
	SANDBOX_IF(sendto, SANDBOX_NULL, 4, 0, "console sockets"),
	SANDBOX_ALLOW(recvfrom, "console sockets"),
	SANDBOX_ALLOW(shutdown, "console sockets"),
	SANDBOX_ALLOW(getsockopt, "control: the peer's uid"),
	SANDBOX_IF_ALSO(setsockopt, SANDBOX_EQ, 1, SOL_SOCKET, "buffer sizes", SANDBOX_OLD_OPTIONS),
	SANDBOX_ALLOW(getsockname, "libuv"),

	/* waiting */
	SANDBOX_ALLOW(epoll_wait, "libuv"),
	SANDBOX_ALLOW(epoll_pwait, "libuv"),
	SANDBOX_ALLOW(epoll_ctl, "libuv"),
	SANDBOX_ALLOW(epoll_create1, "libuv: forked and new loops"),
	SANDBOX_ALLOW(eventfd2, "irqfd and ioeventfd after a reset"),
	SANDBOX_ALLOW(pipe2, "libuv"),
	SANDBOX_ALLOW(memfd_create, "pictures: screenshots, virtio-gpu's resources"),
	SANDBOX_ALLOW(timerfd_create, "timers"),
	SANDBOX_ALLOW(timerfd_settime, "timers"),
	SANDBOX_ALLOW(io_uring_enter, "disks: rings were made and restricted before"),

	/* who we are */
	SANDBOX_ALLOW(getuid, "control: who may ask"),
	SANDBOX_ALLOW(geteuid, "control: who may ask"),

	/* what glibc and libuv only try */
	SANDBOX_FAIL(statx, ENOSYS, "libuv probes"),

	/* ioctl by number */
	IOCTL(FIONBIO, "libuv"),
	IOCTL(FIOCLEX, "libuv"),
	IOCTL(FIONREAD, "libuv"),
	IOCTL(BLKGETSIZE64, "media of CD-ROM drives"),
	IOCTL(BLKSSZGET, "media of CD-ROM drives"),
	IOCTL(BLKPBSZGET, "media of CD-ROM drives"),
	IOCTL(BLKDISCARD, "disks: discard"),
	IOCTL(BLKZEROOUT, "disks: write zeroes"),
	IOCTL(TUNSETVNETHDRSZ, "taps"),
	IOCTL(TUNSETOFFLOAD, "taps: what the guest's driver takes"),
	IOCTL(TUNSETCARRIER, "taps: the cable"),
	IOCTL(KVM_RUN, "vCPUs"),
	IOCTL(KVM_KVMCLOCK_CTRL, "pause: no watchdog of the guest barks"),
	IOCTL(KVM_IRQ_LINE, "interrupts"),
	IOCTL(KVM_IRQFD, "interrupts"),
	IOCTL(KVM_IOEVENTFD, "doorbells"),
	IOCTL(KVM_SET_GSI_ROUTING, "interrupts"),
	IOCTL(KVM_SET_USER_MEMORY_REGION, "memory map"),
	IOCTL(KVM_GET_DIRTY_LOG, "screen"),
	IOCTL(KVM_GET_REGS, "fault report, x-diagnose"),
	IOCTL(KVM_SET_REGS, "reset"),
	IOCTL(KVM_GET_SREGS, "fault report, reset, x-diagnose"),
	IOCTL(KVM_SET_SREGS, "reset"),
	IOCTL(KVM_SET_MSRS, "reset"),
	IOCTL(KVM_GET_MP_STATE, "x-diagnose"),
	IOCTL(KVM_SET_CPUID2, "reset"),
	/* a reset makes a new VM over the same memory */
	IOCTL(KVM_CREATE_VM, "reset"),
	IOCTL(KVM_CHECK_EXTENSION, "reset"),
	IOCTL(KVM_GET_VCPU_MMAP_SIZE, "reset"),
	IOCTL(KVM_GET_SUPPORTED_CPUID, "reset"),
	IOCTL(KVM_CREATE_IRQCHIP, "reset"),
	IOCTL(KVM_CREATE_PIT2, "reset"),
	IOCTL(KVM_REGISTER_COALESCED_MMIO, "reset: the VGA window; serial ports that are polled"),
	IOCTL(KVM_UNREGISTER_COALESCED_MMIO, "serial ports that are not polled any more"),
	IOCTL(KVM_CREATE_VCPU, "reset"),
	IOCTL(KVM_ENABLE_CAP, "reset"),
	IOCTL(KVM_SET_TSS_ADDR, "reset"),
	IOCTL(KVM_SET_IDENTITY_MAP_ADDR, "reset"),
};
const size_t sandbox_nrules = ARRAY_SIZE(sandbox_rules);
