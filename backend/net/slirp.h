/* libslirp behind a small interface. The only file with its header is slirp.c.
 *
 * One stack a process, one thread. It has no loop of its own: slirp_wait() is the poll() of the caller's. */
#ifndef BACKEND_NET_SLIRP_H
#define BACKEND_NET_SLIRP_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/err.h"
#include "src/base/resolv.h"

#define FRAME_HEADER 14 /* Ethernet: two addresses and a type */
#define FRAME_MIN 60    /* IEEE 802.3, 3.2.7, without the checksum */

struct usernet;

struct usernet_config {
	const char *hostname; /* NULL: the guest is told none */
	unsigned mtu;
	bool ipv6;
	bool host_loopback, link_local; /* what the guest may reach (gate.h) */
	/* A frame for the guest, to be taken or dropped at once. */
	void (*send)(void *ctx, const void *frame, size_t len);
	void *ctx;
};

/* Never NULL: libslirp ends the process when there is no memory. */
struct usernet *usernet_new(const struct usernet_config *c);
void usernet_free(struct usernet *u);

/* Listen at @port of the host's @address (IPv4 or IPv6, as text) for port @to of the guest. -EADDRINUSE and
 * whatever else socket(), bind() and listen() say. */
int usernet_forward(struct usernet *u, bool udp, const char *address, unsigned port, unsigned to,
		    struct err *e);

/* Names are asked of these from now on. */
void usernet_resolv(struct usernet *u, const struct resolv *r);

/* A frame from the guest. @frame has room for FRAME_MIN bytes, whatever @len is. */
void usernet_input(struct usernet *u, uint8_t *frame, size_t len);

/* Wait until one of @own (@n of them) or of the network's own sockets is ready, and do what the latter want.
 * With @hold nothing is read from them, as there is no room for it. 0 or -errno. */
int usernet_wait(struct usernet *u, struct pollfd *own, size_t n, bool hold);

#endif
