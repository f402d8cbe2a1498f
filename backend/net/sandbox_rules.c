#include "backend/net/sandbox_rules.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "src/base/cleanup.h"

#define FOR_WRITING (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND)

const struct sandbox_rule net_sandbox_rules[] = {
	/* the guest's connections */
	SANDBOX_IF(socket, SANDBOX_EQ, 0, AF_INET, "connections"),
	SANDBOX_IF(socket, SANDBOX_EQ, 0, AF_INET6, "connections"),
	SANDBOX_FAIL_IF(socket, EPERM, SANDBOX_EQ, 0, AF_UNIX, "glibc tries it, for the zone of an address"),
	SANDBOX_FAIL_IF(socket, EPERM, SANDBOX_EQ, 0, AF_NETLINK, "glibc tries it"),
	SANDBOX_ALLOW(bind, "UDP, connections to ourselves"),
	SANDBOX_ALLOW(listen, "connections to ourselves"),
	SANDBOX_ALLOW(connect, "connections"),
	SANDBOX_ALLOW(accept, "port forwards"),
	SANDBOX_ALLOW(accept4, "port forwards"),
	SANDBOX_ALLOW(shutdown, "connections"),
	SANDBOX_ALLOW(getsockopt, "connections: how connect() went"),
	SANDBOX_IF_ALSO(setsockopt, SANDBOX_EQ, 1, SOL_SOCKET, "connections: SO_REUSEADDR, SO_OOBINLINE",
			SANDBOX_OLD_OPTIONS),
	SANDBOX_IF_ALSO(setsockopt, SANDBOX_EQ, 1, IPPROTO_TCP, "connections: TCP_NODELAY",
			{SANDBOX_BELOW, 2, TCP_REPAIR, 0}),
	SANDBOX_IF_ALSO(setsockopt, SANDBOX_EQ, 1, IPPROTO_IP, "ICMP, UDP: IP_TTL, IP_RECVERR",
			{SANDBOX_BELOW, 2, IP_MTU, 0}),
	SANDBOX_IF_ALSO(setsockopt, SANDBOX_EQ, 1, IPPROTO_IPV6, "IPV6_UNICAST_HOPS, IPV6_V6ONLY, IPV6_RECVERR",
			{SANDBOX_BELOW, 2, IPV6_JOIN_ANYCAST, 0}),
	SANDBOX_ALLOW(getsockname, "port forwards"),
	SANDBOX_ALLOW(getpeername, "connections"),
	SANDBOX_ALLOW(readv, "connections"),
	SANDBOX_ALLOW(writev, "connections"),
	SANDBOX_ALLOW(sendto, "connections, frames"),
	SANDBOX_ALLOW(recvfrom, "connections, frames"),
	SANDBOX_ALLOW(sendmsg, "connections, the keeper"),
	SANDBOX_ALLOW(recvmsg, "connections, the keeper"),
	SANDBOX_IF(ioctl, SANDBOX_EQ, 1, FIONREAD, "how long a datagram is"),
	SANDBOX_IF(ioctl, SANDBOX_EQ, 1, SIOCGIFINDEX, "a name server with a zone: fe80::1%eth0"),
};
const size_t net_sandbox_nrules = ARRAY_SIZE(net_sandbox_rules);

const struct sandbox_rule resolver_sandbox_rules[] = {
	SANDBOX_IF(openat, SANDBOX_NONE, 2, FOR_WRITING, "resolv.conf: which folders, Landlock says"),
	SANDBOX_ALLOW(readlinkat, "resolv.conf is a link"),
	SANDBOX_ALLOW(inotify_init1, "resolv.conf changes"),
	SANDBOX_ALLOW(inotify_add_watch, "resolv.conf changes"),
	SANDBOX_ALLOW(sendto, "what it says, to vmdeck-net"),
};
const size_t resolver_sandbox_nrules = ARRAY_SIZE(resolver_sandbox_rules);
