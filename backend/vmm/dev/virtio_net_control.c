/* The network card's control queue (virtio 1.1, 5.1.6.5), and the filter that it sets. */
#include "backend/vmm/dev/virtio_net.h"

#include <string.h>

#define COMMAND_LEN 2
#define ROUND_MAX 64
#define ETHERTYPE_VLAN 0x8100

enum { ACK_OK = 0, ACK_ERR = 1 };
enum { CLASS_RX = 0, CLASS_MAC = 1, CLASS_VLAN = 2, CLASS_ANNOUNCE = 3, CLASS_OFFLOADS = 5 };

/* --- the filter --- */

void net_filter_reset(struct net_filter *f, const uint8_t mac[6])
{
	*f = (struct net_filter){.promisc = true}; /* a driver without the control queue filters by itself */
	memcpy(f->mac, mac, 6);
}

static bool in_table(const struct net_filter *f, unsigned from, unsigned n, const uint8_t *mac)
{
	for (unsigned i = from; i < from + n; i++)
		if (!memcmp(f->macs[i], mac, 6))
			return true;
	return false;
}

static bool wants_vlan(const struct net_filter *f, const uint8_t *frame, size_t len)
{
	if (!f->vlans_on || len < 16 || (frame[12] << 8 | frame[13]) != ETHERTYPE_VLAN)
		return true;
	unsigned id = (frame[14] << 8 | frame[15]) & 0xfff;
	return !id || f->vlans[id / 8] >> id % 8 & 1; /* 0: a priority, no VLAN */
}

bool net_filter_wants(const struct net_filter *f, const uint8_t *frame, size_t len)
{
	static const uint8_t broadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	if (len < 6)
		return false;
	if (f->promisc)
		return true;
	if (!wants_vlan(f, frame, len))
		return false;
	if (!memcmp(frame, broadcast, 6))
		return !f->nobcast;
	if (frame[0] & 1)
		return !f->nomulti &&
		       (f->allmulti || f->multi_overflow || in_table(f, f->nuni, f->nmulti, frame));
	return !f->nouni &&
	       (f->alluni || f->uni_overflow || !memcmp(frame, f->mac, 6) || in_table(f, 0, f->nuni, frame));
}

/* --- commands: what the driver has written behind class and command, in a copy --- */

static uint8_t rx_mode(struct net_filter *f, uint8_t cmd, const uint8_t *p, size_t n)
{
	bool *const modes[] = {&f->promisc, &f->allmulti, &f->alluni, &f->nomulti, &f->nouni, &f->nobcast};
	if (cmd >= sizeof(modes) / sizeof(modes[0]) || n != 1)
		return ACK_ERR;
	*modes[cmd] = p[0];
	return ACK_OK;
}

/* One table: how many, then the addresses. *used: its bytes. Those that do not fit into the filter overflow
 * it. */
static bool mac_table(struct net_filter *f, const uint8_t *p, size_t n, unsigned *count, bool *overflow,
		      size_t *used)
{
	if (n < 4)
		return false;
	uint32_t have = pci_get32(p);
	if (have > (n - 4) / 6)
		return false;
	*used = 4 + (size_t)have * 6;
	*overflow = have > VIRTIO_NET_MACS - f->nuni;
	*count = *overflow ? 0 : have;
	memcpy(f->macs[f->nuni], p + 4, (size_t)*count * 6);
	return true;
}

static uint8_t mac(struct virtio_net *d, uint8_t cmd, const uint8_t *p, size_t n)
{
	struct net_filter *f = &d->filter, new = *f;
	size_t used = 0, more = 0;
	if (cmd == 1) { /* MAC_ADDR_SET */
		if (n != 6 || !virtio_has(&d->v, NET_F_CTRL_MAC_ADDR))
			return ACK_ERR;
		memcpy(f->mac, p, 6);
		memcpy(d->v.config, p, 6);
		return ACK_OK;
	}
	new.nuni = new.nmulti = 0;
	unsigned nuni = 0;
	if (cmd || !mac_table(&new, p, n, &nuni, &new.uni_overflow, &used))
		return ACK_ERR;
	new.nuni = nuni;
	if (!mac_table(&new, p + used, n - used, &new.nmulti, &new.multi_overflow, &more) || used + more != n)
		return ACK_ERR;
	*f = new;
	return ACK_OK;
}

static uint8_t vlan(struct net_filter *f, uint8_t cmd, const uint8_t *p, size_t n)
{
	unsigned id = n == 2 ? pci_get16(p) : 4096;
	if (id >= 4096 || cmd > 1 || !f->vlans_on)
		return ACK_ERR;
	if (cmd)
		f->vlans[id / 8] &= (uint8_t) ~(1u << id % 8);
	else
		f->vlans[id / 8] |= (uint8_t)(1u << id % 8);
	return ACK_OK;
}

unsigned virtio_net_guest_offloads(uint64_t features)
{
	static const struct {
		unsigned feature, offload;
	} rows[] = {{NET_F_GUEST_TSO4, NET_TSO4}, {NET_F_GUEST_TSO6, NET_TSO6}, {NET_F_GUEST_ECN, NET_ECN}};
	unsigned set = NET_CSUM;
	if (!(features >> NET_F_GUEST_CSUM & 1))
		return 0; /* 5.1.3.1: the others need it */
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		set |= features >> rows[i].feature & 1 ? rows[i].offload : 0;
	return set;
}

static uint8_t announce(struct virtio_net *d, uint8_t cmd)
{
	if (cmd || !virtio_has(&d->v, NET_F_GUEST_ANNOUNCE))
		return ACK_ERR;
	virtio_net_announced(d);
	return ACK_OK;
}

static uint8_t offloads(struct virtio_net *d, uint8_t cmd, const uint8_t *p, size_t n)
{
	uint64_t set;
	if (cmd || n != sizeof(set) || !virtio_has(&d->v, NET_F_CTRL_GUEST_OFFLOADS))
		return ACK_ERR;
	memcpy(&set, p, sizeof(set));
	if (set & ~d->v.features)
		return ACK_ERR;
	d->guest_offloads = virtio_net_guest_offloads(set);
	net_set_offload(&d->net, d->guest_offloads);
	return ACK_OK;
}

static uint8_t command(struct virtio_net *d, const struct virtq_chain *c)
{
	uint8_t p[COMMAND_LEN + 2 * 4 + 6 * 1024];
	size_t n = iov_get(c->iov, c->nout, 0, p, sizeof(p));
	if (n < COMMAND_LEN || c->out_len > sizeof(p))
		return ACK_ERR;
	const uint8_t *data = p + COMMAND_LEN;
	n -= COMMAND_LEN;
	switch (p[0]) {
	case CLASS_RX:
		return rx_mode(&d->filter, p[1], data, n);
	case CLASS_MAC:
		return mac(d, p[1], data, n);
	case CLASS_VLAN:
		return vlan(&d->filter, p[1], data, n);
	case CLASS_ANNOUNCE:
		return announce(d, p[1]);
	case CLASS_OFFLOADS:
		return offloads(d, p[1], data, n);
	default:
		return ACK_ERR;
	}
}

void virtio_net_control(struct virtio_net *d, struct virtq *q)
{
	struct virtq_chain *c = &d->chain;
	unsigned n = 0;
	do {
		while (n < ROUND_MAX && virtq_pop(q, c) == 1) {
			uint8_t ack = command(d, c);
			n++;
			virtq_push(q, c->head, (uint32_t)iov_put(c->iov + c->nout, c->nin, 0, &ack, 1));
			if (!c->in_len)
				virtio_fail(&d->v, "queue %u: a command has no room for its answer",
					    q->index);
		}
	} while (n < ROUND_MAX && virtq_rearm(q));
	virtq_flush(q);
	if (n == ROUND_MAX)
		virtq_ring(q);
}
