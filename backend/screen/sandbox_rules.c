#include "backend/screen/sandbox_rules.h"

#include <errno.h>
#include <seccomp.h>
#include <sys/socket.h>

#include "src/base/cleanup.h"

const struct sandbox_rule screen_sandbox_rules[] = {
	/* files and sockets that are open */
	SANDBOX_ALLOW(writev, "GnuTLS"),
	SANDBOX_ALLOW(pread64, "TLS certificates that the machine sends"),
	SANDBOX_ALLOW(lseek, "TLS certificates that the machine sends"),
	SANDBOX_ALLOW(accept4, "viewers"),
	{SCMP_SYS(socketpair), 0, SANDBOX_EQ, 0, AF_UNIX, "between relay and server"},
	SANDBOX_ALLOW(pipe, "libvncserver's threads"),
	SANDBOX_ALLOW(pipe2, "libvncserver's threads"),
	SANDBOX_ALLOW(sendmsg, "the machine, GnuTLS"),
	SANDBOX_ALLOW(recvmsg, "the machine"),
	SANDBOX_ALLOW(sendto, "viewers"),
	SANDBOX_ALLOW(recvfrom, "viewers"),
	SANDBOX_ALLOW(shutdown, "viewers"),
	SANDBOX_ALLOW(getsockopt, "sockets"),
	SANDBOX_ALLOW(setsockopt, "viewers: TCP_NODELAY, SO_KEEPALIVE"),
	SANDBOX_ALLOW(getsockname, "libvncserver"),
	SANDBOX_ALLOW(getpeername, "libvncserver"),

	/* waiting */
	SANDBOX_ALLOW(select, "libvncserver"),
	SANDBOX_ALLOW(pselect6, "libvncserver"),
	SANDBOX_ALLOW(time, "time"),
	SANDBOX_ALLOW(times, "GnuTLS"),
	SANDBOX_ALLOW(getrusage, "GnuTLS"),

	/* who we are */
	SANDBOX_ALLOW(getuid, "GnuTLS"),
	SANDBOX_ALLOW(geteuid, "GnuTLS"),

	/* what libraries only try */
	{SCMP_SYS(access), EPERM, SANDBOX_ALWAYS, 0, 0, "GnuTLS probes"},
	{SCMP_SYS(faccessat2), EPERM, SANDBOX_ALWAYS, 0, 0, "GnuTLS probes"},
	{SCMP_SYS(stat), EPERM, SANDBOX_ALWAYS, 0, 0, "GnuTLS probes"},
	{SCMP_SYS(socket), EPERM, SANDBOX_ALWAYS, 0, 0, "glibc probes (names of addresses)"},
	{SCMP_SYS(uname), EPERM, SANDBOX_ALWAYS, 0, 0, "glibc: the name of this host"},
};
const size_t screen_sandbox_nrules = ARRAY_SIZE(screen_sandbox_rules);
