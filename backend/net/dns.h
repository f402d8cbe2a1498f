/* The name service at 10.0.2.3 and fec0::3, port 53: what the guest asks is passed on to the servers that the
 * host's resolv.conf names, over IPv4, IPv6 or a link, and what they answer back.
 *
 * A question by UDP goes to the server that answered last; after a second, or at once when that one refuses,
 * cannot be reached or says that it failed, to the next, and on in turns. The first answer is the guest's; when
 * all have failed, or after ten seconds, it is SERVFAIL. TCP ends at sockets of ours on the host's loopback,
 * where usernet (slirp.c) sends the guest's connections, and nobody else's are taken. */
#ifndef BACKEND_NET_DNS_H
#define BACKEND_NET_DNS_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "backend/net/packet.h"
#include "src/base/resolv.h"

#define DNS_QUESTIONS_MAX 128 /* in work; the oldest makes room */
#define DNS_STREAMS_MAX 32
#define DNS_POLL_MAX (2 + DNS_QUESTIONS_MAX * RESOLV_MAX + 2 * DNS_STREAMS_MAX)

struct dns;

struct dns_config {
	size_t mtu; /* an answer that does not fit is sent without its records, for TCP */
	bool ipv6;
	/* A frame for the guest. */
	void (*send)(void *ctx, const void *frame, size_t len);
	/* Is a socket with that address one of the guest's connections? */
	bool (*is_guests)(void *ctx, const struct sockaddr *a, socklen_t len);
	void *ctx;
};

struct dns *dns_new(const struct dns_config *c);
void dns_free(struct dns *d);

/* From now on these. */
void dns_servers(struct dns *d, const struct resolv *r);

/* A question by UDP. */
void dns_ask(struct dns *d, const struct packet *p);
/* The port on 127.0.0.1 or ::1 where the guest's connections are taken; 0: none. */
uint16_t dns_port(const struct dns *d, bool v6);

/* What to wait for: descriptors into @p (DNS_POLL_MAX of room), *timeout_ms is made shorter. Return: how many. */
size_t dns_poll(struct dns *d, struct pollfd *p, uint32_t *timeout_ms);
/* And the same after poll(). */
void dns_turn(struct dns *d, const struct pollfd *p);

#endif
