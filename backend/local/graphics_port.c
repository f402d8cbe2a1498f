/* Binding what viewers connect to. A port is found by taking it: the lowest one that bind() and listen()
 * give, so two starts at once never have the same. It stays bound until the guest has ended. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/local/graphics.h"
#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/str.h"
#include "src/base/unixsock.h"

#define BACKLOG 64

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static int address_parse(const char *text, union address *a, socklen_t *len, struct err *e)
{
	*a = (union address){0};
	if (!strcmp(text, "localhost"))
		text = "127.0.0.1";
	if (inet_pton(AF_INET, text, &a->v4.sin_addr) == 1) {
		a->any.sa_family = AF_INET;
		*len = sizeof(a->v4);
		return 0;
	}
	if (inet_pton(AF_INET6, text, &a->v6.sin6_addr) == 1) {
		a->any.sa_family = AF_INET6;
		*len = sizeof(a->v6);
		return 0;
	}
	return err_set(
	    e, EINVAL,
	    "listen address '%s' is neither an IPv4 nor an IPv6 address: write one, 127.0.0.1 or 0.0.0.0",
	    text);
}

bool graphics_loopback(const char *listen)
{
	union address a;
	socklen_t len;
	if (address_parse(listen, &a, &len, NULL))
		return false;
	if (a.any.sa_family == AF_INET)
		return ntohl(a.v4.sin_addr.s_addr) >> 24 == 127;
	return IN6_IS_ADDR_LOOPBACK(&a.v6.sin6_addr);
}

/* The listening socket at that port, or -errno. */
static int try_port(union address a, socklen_t len, int port)
{
	int on = 1;
	AUTO_CLOSE int fd = socket(a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (a.any.sa_family == AF_INET)
		a.v4.sin_port = htons((uint16_t)port);
	else
		a.v6.sin6_port = htons((uint16_t)port);
	/* With SO_REUSEADDR what the last guest's viewers left in TIME_WAIT is no obstacle; a listener still
	 * is. */
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, &a.any, len) < 0 || listen(fd, BACKLOG) < 0)
		return -errno;
	return TAKE_FD(fd);
}

/* --- the two ways to listen --- */

int graphics_bind_tcp(const char *listen, int *port, struct err *e)
{
	union address a;
	socklen_t len = 0;
	int rc = address_parse(listen, &a, &len, e);
	if (rc)
		return rc;
	int first = *port > 0 ? *port : GRAPHICS_PORT_MIN, last = *port > 0 ? *port : GRAPHICS_PORT_MAX;
	for (int p = first; p <= last; p++) {
		int fd = try_port(a, len, p);
		if (fd >= 0) {
			*port = p;
			return fd;
		}
		if (fd == -EADDRNOTAVAIL)
			return err_set(e, EADDRNOTAVAIL,
				       "listen address '%s' is none of this host's: see ip address", listen);
		if (fd != -EADDRINUSE)
			return err_sys(e, -fd, "cannot listen on '%s' port %d", listen, p);
	}
	if (*port <= 0)
		return err_set(e, EADDRINUSE, "no port from %d to %d is free on '%s'", first, last, listen);
	AUTO_FREE char *who = port_holder(false, (unsigned)*port);
	return err_set(
	    e, EADDRINUSE,
	    "port %d of '%s' is taken by %s: leave the choice to vmdeck, with port='-1' autoport='yes'",
	    *port, listen, who);
}

int graphics_bind_unix(const char *path, struct err *e)
{
	struct stat st;
	struct err why = {0};
	if (lstat(path, &st) == 0) {
		if (!S_ISSOCK(st.st_mode))
			return err_set(e, EEXIST,
				       "'%s' is there and is no socket: remove it, or name another path",
				       path);
		AUTO_CLOSE int fd = unixsock_connect(path, &why);
		if (fd >= 0)
			return err_set(e, EADDRINUSE,
				       "the socket '%s' is in use by another program: name another path",
				       path);
		if (fd != -ECONNREFUSED && fd != -ENOENT)
			return err_set(e, why.code, "%s: remove it, or name another path", why.msg);
	}
	return unixsock_listen(path, 0600, e);
}
