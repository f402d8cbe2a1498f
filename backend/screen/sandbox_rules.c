#include "backend/screen/sandbox_rules.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <seccomp.h>
#include <sys/socket.h>

#include "src/base/cleanup.h"

const struct sandbox_rule screen_sandbox_rules[] = {
	/* files and sockets that are open */
	SANDBOX_ALLOW(writev, "GnuTLS"),
	SANDBOX_ALLOW(accept4, "viewers"),
	SANDBOX_IF_ALSO(socketpair, SANDBOX_EQ, 0, AF_UNIX, "between relay and server", SANDBOX_CONNECTED),
	SANDBOX_ALLOW(pipe, "libvncserver's threads"),
	SANDBOX_ALLOW(pipe2, "libvncserver's threads"),
	SANDBOX_ALLOW(sendmsg, "the machine, GnuTLS"),
	SANDBOX_ALLOW(recvmsg, "the machine"),
	SANDBOX_IF(sendto, SANDBOX_NULL, 4, 0, "viewers"),
	SANDBOX_ALLOW(recvfrom, "viewers"),
	SANDBOX_ALLOW(shutdown, "viewers"),
	SANDBOX_ALLOW(getsockopt, "sockets"),
	SANDBOX_IF_ALSO(setsockopt, SANDBOX_EQ, 1, SOL_SOCKET, "viewers: SO_KEEPALIVE", SANDBOX_OLD_OPTIONS),
	SANDBOX_IF_ALSO(setsockopt, SANDBOX_EQ, 1, IPPROTO_TCP, "viewers: TCP_NODELAY",
			{SANDBOX_BELOW, 2, TCP_REPAIR, 0}),
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
	SANDBOX_FAIL(access, EPERM, "GnuTLS probes"),
	SANDBOX_FAIL(faccessat2, EPERM, "GnuTLS probes"),
	SANDBOX_FAIL(stat, EPERM, "GnuTLS probes"),
	SANDBOX_FAIL(socket, EPERM, "glibc probes (names of addresses)"),
	SANDBOX_FAIL(uname, EPERM, "glibc: the name of this host"),
};
const size_t screen_sandbox_nrules = ARRAY_SIZE(screen_sandbox_rules);
