/* The virtio network card: what others than the guest may ask of it, and what its two files share. m->lock
 * held. */
#ifndef BACKEND_VMM_DEV_VIRTIO_NET_H
#define BACKEND_VMM_DEV_VIRTIO_NET_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/vmm/dev/virtio.h"
#include "backend/vmm/net/net.h"

#define VIRTIO_NET_NAME "net" /* the devices are net0, net1, ..., by interface */
#define VIRTIO_NET_MACS 64u   /* of the filter; a driver that wants more gets all frames */

/* Another process behind the interface: @fd is taken. */
void virtio_net_attach(struct dev *d, int fd);
/* Plug the cable in, or pull it. */
void virtio_net_set_link(struct dev *d, bool up);
bool virtio_net_link(const struct dev *d);
/* Do what the network has ready. The main loop does this by itself; without one the owner of the machine
 * does. */
void virtio_net_poll(struct dev *d);

/* What of the network the driver wants (5.1.6.5). */
struct net_filter {
	bool promisc, allmulti, alluni, nomulti, nouni, nobcast;
	bool vlans_on; /* VIRTIO_NET_F_CTRL_VLAN was agreed on */
	uint8_t mac[6];
	uint8_t macs[VIRTIO_NET_MACS][6]; /* first unicast, then multicast */
	unsigned nuni, nmulti;
	bool uni_overflow, multi_overflow;
	uint8_t vlans[4096 / 8];
};

/* virtio_net_control.c */
enum net_feature {
	NET_F_CSUM = 0,
	NET_F_GUEST_CSUM = 1,
	NET_F_CTRL_GUEST_OFFLOADS = 2,
	NET_F_MTU = 3,
	NET_F_MAC = 5,
	NET_F_GUEST_TSO4 = 7,
	NET_F_GUEST_TSO6 = 8,
	NET_F_GUEST_ECN = 9,
	NET_F_HOST_TSO4 = 11,
	NET_F_HOST_TSO6 = 12,
	NET_F_HOST_ECN = 13,
	NET_F_MRG_RXBUF = 15,
	NET_F_STATUS = 16,
	NET_F_CTRL_VQ = 17,
	NET_F_CTRL_RX = 18,
	NET_F_CTRL_VLAN = 19,
	NET_F_CTRL_RX_EXTRA = 20,
	NET_F_GUEST_ANNOUNCE = 21,
	NET_F_CTRL_MAC_ADDR = 23,
};

struct virtio_net {
	struct virtio_dev v;
	struct net_backend net;
	void *watch;
	struct stats_net *stats;
	struct net_filter filter;
	uint8_t mac[6];
	bool link_up;
	bool announce;            /* the driver is to tell its neighbours where it is now */
	bool tx_full;            /* the network takes no more now */
	bool rx_room;            /* the driver has buffers for what comes */
	unsigned guest_offloads; /* enum net_offload: what frames to the guest may leave undone */
	/* A frame that came and waits for buffers of the driver; 0 bytes = none. */
	struct net_header header;
	unsigned stale;   /* so many frames may be there from before the driver */
	size_t frame_len;
	uint8_t frame[NET_FRAME_MAX];
	struct virtq_chain chain, first;
};

/* Does the driver want a frame that starts like this? */
bool net_filter_wants(const struct net_filter *f, const uint8_t *frame, size_t len);
void net_filter_reset(struct net_filter *f, const uint8_t mac[6]);
/* The commands that wait on the control queue. */
void virtio_net_control(struct virtio_net *d, struct virtq *q);
/* The announcement was made, or not asked for. */
void virtio_net_announced(struct virtio_net *d);
/* The offloads that these feature bits stand for, of those that frames to the guest may have. */
unsigned virtio_net_guest_offloads(uint64_t features);

#endif
