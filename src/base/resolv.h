/* The name servers that /etc/resolv.conf names. (resolv.conf(5)) */
#ifndef SRC_BASE_RESOLV_H
#define SRC_BASE_RESOLV_H

#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#define RESOLV_PATH "/etc/resolv.conf"
#define RESOLV_MAX 8 /* servers; of those behind, glibc takes no notice from the fourth on */
#define RESOLV_TEXT_MAX 16384
#define RESOLV_PORT 53

union resolv_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

struct resolv_server {
	union resolv_address addr; /* port 53 */
	char zone[IF_NAMESIZE];	   /* interface of a link-local address: name or number; "": none */
};

struct resolv {
	struct resolv_server of[RESOLV_MAX];
	size_t n;
};

/* Never fails: lines that say nothing are passed over, and where no line names a server it is 127.0.0.1. */
void resolv_parse(const char *text, struct resolv *out);

/* The address to connect to, with its interface as it is numbered now. -ENODEV: there is no such interface. */
int resolv_resolve(const struct resolv_server *s, union resolv_address *out, socklen_t *len);

/* Is there a way to one of them, and does none of this host refuse? One that may answer counts. *why (may be
 * NULL): the last errno when not. */
bool resolv_reachable(const struct resolv *r, int *why);

/* "192.0.2.1, fe80::1%eth0", the caller's to free. */
char *resolv_text(const struct resolv *r);

#endif
