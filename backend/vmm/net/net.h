/* Where a network card's frames go to and come from. The card (dev/virtio_net.c) knows this header only; one
 * file per kind.
 *
 * A kind is a const struct net_ops. Frames travel with a virtio-net header of 12 bytes (virtio 1.2, 5.1.6) in
 * front; a kind that has no offloads ignores it on the way out and gives one of zeroes. Nothing blocks; no
 * system call but on the descriptor; caller holds machine.lock. */
#ifndef BACKEND_VMM_NET_NET_H
#define BACKEND_VMM_NET_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "src/base/err.h"

#define NET_FRAME_MIN 14u           /* an Ethernet header */
#define NET_FRAME_MAX (65535u + 18) /* the largest segment-to-be, an Ethernet header and a VLAN tag */

/* virtio 1.2, 5.1.6: struct virtio_net_hdr, as of VIRTIO_F_VERSION_1 */
struct net_header {
	uint8_t flags, gso_type;
	uint16_t hdr_len, gso_size, csum_start, csum_offset, num_buffers;
};
#define NET_HEADER_LEN 12u
_Static_assert(sizeof(struct net_header) == NET_HEADER_LEN, "as the driver writes it");

enum { NET_HEADER_NEEDS_CSUM = 1, NET_HEADER_DATA_VALID = 2 };
enum { NET_GSO_NONE = 0, NET_GSO_TCPV4 = 1, NET_GSO_UDP = 3, NET_GSO_TCPV6 = 4, NET_GSO_ECN = 0x80 };

/* What a frame may leave undone. */
enum net_offload {
	NET_CSUM = 1, /* the checksum; the others ask for it, too */
	NET_TSO4 = 2, /* to be cut into segments */
	NET_TSO6 = 4,
	NET_ECN = 8, /* the same with ECN in it */
};

struct net_backend;

struct net_ops {
	const char *kind;
	unsigned offloads; /* enum net_offload: what send() takes, and what set_offload() may ask for */
	/* Take over nb->fd, non-blocking already. NULL: nothing to do. */
	int (*open)(struct net_backend *nb, struct err *e);
	/* Send one frame. @h is ours and checked; @iov is the guest's memory. 0; -EAGAIN: no room, wait for
	 * it; -EPIPE: the other side is gone for good; other -errno: this frame cannot be sent. */
	int (*send)(struct net_backend *nb, const struct net_header *h, const struct iovec *iov, unsigned n);
	/* The next frame, at most @room bytes. Its length; -EAGAIN: there is none; -EMSGSIZE: it was longer,
	 * and is lost; -EPIPE: as above; other -errno: it is lost. */
	ssize_t (*recv)(struct net_backend *nb, struct net_header *h, void *frame, size_t room);
	/* Frames to the guest may from now on leave @offloads undone, and no other. NULL: they never do. */
	int (*set_offload)(struct net_backend *nb, unsigned offloads);
	/* The cable: what is behind may tell others. NULL: it has no use for that. */
	void (*set_link)(struct net_backend *nb, bool up);
};

extern const struct net_ops net_tap;     /* a tap device with IFF_VNET_HDR */
extern const struct net_ops net_channel; /* a SOCK_SEQPACKET to vmdeck-net: one frame a packet */

enum { NET_WAIT_READ = 1, NET_WAIT_WRITE = 2 };

struct net_backend {
	const struct net_ops *ops;
	int fd;       /* -1: nothing is behind, frames are dropped */
	int ready_fd; /* readable while what net_wait() asked for is there: for machine_watch() */
	unsigned waits;
	bool link_up;
	unsigned asked; /* offloads: given to each descriptor anew */
};

/* @fd is taken, also on failure; -1: nothing is there yet. */
int net_open(struct net_backend *nb, const struct net_ops *ops, int fd, struct err *e);
/* Another descriptor in place of the one that is there, or of none. @fd is taken. */
void net_replace(struct net_backend *nb, int fd);
void net_close(struct net_backend *nb); /* accepts one of zeroes, and a second time */

/* Wait for these (NET_WAIT_*) and no other from now on; at first for nothing. Any thread with machine.lock
 * held. */
void net_wait(struct net_backend *nb, unsigned what);

/* As the ops; with nothing behind, send() drops with -EPIPE and recv() says -EAGAIN. A descriptor that says
 * -EPIPE is closed. */
int net_send(struct net_backend *nb, const struct net_header *h, const struct iovec *iov, unsigned n);
ssize_t net_recv(struct net_backend *nb, struct net_header *h, void *frame, size_t room);
void net_set_offload(struct net_backend *nb, unsigned offloads);
void net_set_link(struct net_backend *nb, bool up);

#endif
