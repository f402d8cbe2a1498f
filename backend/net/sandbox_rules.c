#include "backend/net/sandbox_rules.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "src/base/cleanup.h"

#define FOR_WRITING (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND)

const struct sandbox_rule net_sandbox_rules[] = {
	/* the guest's connections */
	{SCMP_SYS(socket), 0, SANDBOX_EQ, 0, AF_INET, "connections"},
	{SCMP_SYS(socket), 0, SANDBOX_EQ, 0, AF_INET6, "connections"},
	{SCMP_SYS(socket), EPERM, SANDBOX_EQ, 0, AF_UNIX, "glibc tries it, for the zone of an address"},
	{SCMP_SYS(socket), EPERM, SANDBOX_EQ, 0, AF_NETLINK, "glibc tries it"},
	SANDBOX_ALLOW(bind, "UDP, connections to ourselves"),
	SANDBOX_ALLOW(listen, "connections to ourselves"),
	SANDBOX_ALLOW(connect, "connections"),
	SANDBOX_ALLOW(accept, "port forwards"),
	SANDBOX_ALLOW(accept4, "port forwards"),
	SANDBOX_ALLOW(shutdown, "connections"),
	SANDBOX_ALLOW(getsockopt, "connections: how connect() went"),
	SANDBOX_ALLOW(setsockopt, "connections: TCP_NODELAY, IP_TTL"),
	SANDBOX_ALLOW(getsockname, "port forwards"),
	SANDBOX_ALLOW(getpeername, "connections"),
	SANDBOX_ALLOW(readv, "connections"),
	SANDBOX_ALLOW(writev, "connections"),
	SANDBOX_ALLOW(sendto, "connections, frames"),
	SANDBOX_ALLOW(recvfrom, "connections, frames"),
	SANDBOX_ALLOW(sendmsg, "connections, the keeper"),
	SANDBOX_ALLOW(recvmsg, "connections, the keeper"),
	{SCMP_SYS(ioctl), 0, SANDBOX_EQ, 1, FIONREAD, "how long a datagram is"},
	{SCMP_SYS(ioctl), 0, SANDBOX_EQ, 1, SIOCGIFINDEX, "a name server with a zone: fe80::1%eth0"},

	/* the host's name servers, /etc/resolv.conf: which folders, Landlock says */
	SANDBOX_ALLOW(newfstatat, "resolv.conf"),
	SANDBOX_ALLOW(stat, "resolv.conf"),
	{SCMP_SYS(openat), 0, SANDBOX_NONE, 2, FOR_WRITING, "resolv.conf"},
	SANDBOX_ALLOW(lseek, "resolv.conf"),
};
const size_t net_sandbox_nrules = ARRAY_SIZE(net_sandbox_rules);
