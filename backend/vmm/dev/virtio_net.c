/* Network card (virtio 1.1, 5.1) over backend/vmm/net.
 *
 * Theory of operation. The queues are 0 = to the guest, 1 = from the guest, 2 = control
 * (virtio_net_control.c). Frames from the guest go to the network straight from the guest's memory, with a
 * checked copy of their header; when the network has no room the chain stays on its queue until it has
 * (tx_full). A frame to the guest is read into d->frame first, as nobody can know how many buffers it takes,
 * and copied to buffers when there are enough: else it waits, nothing more is read, and the driver's next
 * doorbell goes on. So no chain is ever held. Each turn does ROUND_MAX frames at most. The network is only
 * listened to while a driver is there; what came before is not for it and is thrown away. */
#include "backend/vmm/dev/virtio_net.h"

#include "backend/vmm/dev/dev.h"

#include <errno.h>
#include <string.h>

#include "src/base/cleanup.h"
#include "src/base/file.h"

#define ROUND_MAX 64
#define STALE_MAX 4096 /* frames that came before the driver */
#define ROM_MAX (1 << 20)

enum { QUEUE_RX = 0, QUEUE_TX = 1, QUEUE_CONTROL = 2, QUEUES = 3 };
enum { CONFIG_STATUS = 6, CONFIG_PAIRS = 8, CONFIG_MTU = 10, CONFIG_LEN = 12 };

/* --- from the guest --- */

/* Is this a header that our features allow? 5.1.6.2 */
static bool header_ok(const struct virtio_net *d, const struct net_header *h)
{
	unsigned type = h->gso_type & (uint8_t)~NET_GSO_ECN;
	if (h->flags & NET_HEADER_NEEDS_CSUM ? !virtio_has(&d->v, NET_F_CSUM) : h->gso_type != NET_GSO_NONE)
		return false;
	if (h->gso_type & NET_GSO_ECN && !virtio_has(&d->v, NET_F_HOST_ECN))
		return false;
	switch (type) {
	case NET_GSO_NONE:
		return true;
	case NET_GSO_TCPV4:
		return virtio_has(&d->v, NET_F_HOST_TSO4) && h->gso_size;
	case NET_GSO_TCPV6:
		return virtio_has(&d->v, NET_F_HOST_TSO6) && h->gso_size;
	default:
		return false;
	}
}

/* Send the chain. -EAGAIN: not now; else it is done with. */
static int send_chain(struct virtio_net *d, const struct virtq *q)
{
	struct virtq_chain *c = &d->chain;
	struct stats_net *s = d->stats;
	struct net_header h;
	struct iovec *iov = c->iov;
	unsigned niov = c->nout;
	if (iov_get(iov, niov, 0, &h, sizeof(h)) != sizeof(h)) {
		virtio_fail(&d->v, "queue %u: a frame has no header", q->index);
		return 0;
	}
	size_t len = c->out_len - NET_HEADER_LEN;
	h.flags &= NET_HEADER_NEEDS_CSUM;
	h.num_buffers = 0;
	if (len < NET_FRAME_MIN || len > NET_FRAME_MAX || !header_ok(d, &h)) {
		guest_error(&d->v.pci.dev, "a frame of %zu bytes, flags 0x%02x, type 0x%02x cannot be sent",
			    len, h.flags, h.gso_type);
		stats_add(&s->tx_errors, 1);
		return 0;
	}
	iov_skip(&iov, &niov, NET_HEADER_LEN);
	int rc = d->link_up ? net_send(&d->net, &h, iov, niov) : -EPIPE;
	if (rc == -EAGAIN)
		return rc;
	if (rc) {
		stats_add(rc == -EPIPE ? &s->tx_drop : &s->tx_errors, 1);
		return 0;
	}
	stats_add(&s->tx_packets, 1);
	stats_add(&s->tx_bytes, len);
	return 0;
}

static void transmit(struct virtio_net *d, struct virtq *q)
{
	unsigned n = 0;
	d->tx_full = false;
	do {
		while (n < ROUND_MAX && !d->tx_full && virtq_pop(q, &d->chain) == 1) {
			d->tx_full = send_chain(d, q) == -EAGAIN;
			n++;
			if (d->tx_full)
				virtq_unpop(q);
			else
				virtq_push(q, d->chain.head, 0);
		}
	} while (n < ROUND_MAX && !d->tx_full && virtq_rearm(q));
	virtq_flush(q);
	if (n == ROUND_MAX && !d->tx_full)
		virtq_ring(q); /* others of the main loop have a turn */
}

/* --- to the guest --- */

/* Does the header fit to what the driver has agreed on? An older driver's frames may still come. */
static bool header_adapt(const struct virtio_net *d, struct net_header *h)
{
	unsigned type = h->gso_type & (uint8_t)~NET_GSO_ECN;
	unsigned need = h->flags & NET_HEADER_NEEDS_CSUM ? NET_CSUM : 0;
	need |= type == NET_GSO_TCPV4 ? NET_TSO4 : type == NET_GSO_TCPV6 ? NET_TSO6 : 0;
	need |= h->gso_type & NET_GSO_ECN ? NET_ECN : 0;
	if (need & ~d->guest_offloads || (type != NET_GSO_NONE && !need))
		return false;
	h->flags &= NET_HEADER_NEEDS_CSUM | NET_HEADER_DATA_VALID;
	if (!virtio_has(&d->v, NET_F_GUEST_CSUM))
		h->flags = 0; /* 5.1.6.4.1 */
	return true;
}

/* Take the next frame from the network that is for the guest into d->frame. 0; -EAGAIN: none is there;
 * -EINTR: one came and was not. */
static int take_frame(struct virtio_net *d)
{
	struct net_header h;
	ssize_t n = net_recv(&d->net, &h, d->frame, sizeof(d->frame));
	if (n == -EAGAIN)
		return -EAGAIN;
	if (n < (ssize_t)NET_FRAME_MIN || !header_adapt(d, &h)) {
		stats_add(&d->stats->rx_errors, 1);
		return -EINTR;
	}
	if (!d->link_up || !net_filter_wants(&d->filter, d->frame, (size_t)n)) {
		if (!d->link_up)
			stats_add(&d->stats->rx_drop, 1);
		return -EINTR;
	}
	d->header = h;
	d->frame_len = (size_t)n;
	return 0;
}

static void frame_drop(struct virtio_net *d)
{
	stats_add(&d->stats->rx_drop, 1);
	d->frame_len = 0;
}

static void frame_given(struct virtio_net *d)
{
	stats_add(&d->stats->rx_packets, 1);
	stats_add(&d->stats->rx_bytes, d->frame_len);
	d->frame_len = 0;
}

/* Into one buffer. One that is too small stays for the next frame. */
static void give_single(struct virtio_net *d, struct virtq *q)
{
	struct virtq_chain *c = &d->chain;
	if (virtq_pop(q, c) != 1)
		return;
	if (c->in_len < NET_HEADER_LEN + d->frame_len) {
		virtq_unpop(q);
		frame_drop(d);
		return;
	}
	d->header.num_buffers = 1;
	iov_put(c->iov + c->nout, c->nin, 0, &d->header, NET_HEADER_LEN);
	iov_put(c->iov + c->nout, c->nin, NET_HEADER_LEN, d->frame, d->frame_len);
	virtq_push(q, c->head, (uint32_t)(NET_HEADER_LEN + d->frame_len));
	frame_given(d);
}

/* Into as many as it takes (5.1.6.3.2). All are taken back when they do not suffice; they are not shown
 * before. */
static void give_merged(struct virtio_net *d, struct virtq *q)
{
	const struct virtq_chain *c = &d->chain;
	size_t done = 0;
	unsigned n = 0;
	while (done < d->frame_len || !n) {
		size_t at = n ? 0 : NET_HEADER_LEN;
		int rc = n == q->size ? 0 : virtq_pop(q, &d->chain);
		if (rc < 0)
			return;
		if (!rc) {
			virtq_unpush(q, n);
			if (n == q->size)
				frame_drop(d); /* it never fits */
			return;
		}
		if (c->in_len <= at) {
			virtq_push(q, c->head, 0);
			virtio_fail(&d->v, "queue %u: a buffer of %u bytes is too small", q->index,
				    c->in_len);
			return;
		}
		size_t part = c->in_len - at < d->frame_len - done ? c->in_len - at : d->frame_len - done;
		iov_put(c->iov + c->nout, c->nin, at, d->frame + done, part);
		virtq_push(q, c->head, (uint32_t)(at + part));
		if (!n)
			d->first = *c;
		done += part;
		n++;
	}
	d->header.num_buffers = (uint16_t)n;
	iov_put(d->first.iov + d->first.nout, d->first.nin, 0, &d->header, NET_HEADER_LEN);
	frame_given(d);
}

/* Give the frame that waits. false: the driver has to provide buffers first, and will ring. */
static bool give_frame(struct virtio_net *d, struct virtq *q)
{
	bool merged = virtio_has(&d->v, NET_F_MRG_RXBUF);
	for (unsigned n = 0; d->frame_len; n++) {
		unsigned had = virtq_waiting(q);
		if (had && merged)
			give_merged(d, q);
		else if (had)
			give_single(d, q);
		if (!virtio_live(&d->v) || (d->frame_len && !virtq_await(q, had + 1)))
			return false;
		if (d->frame_len && n == VIRTQ_SIZE_MAX) { /* a ring that moves to and fro */
			virtq_ring(q);
			return false;
		}
	}
	return true;
}

/* Throw away what came before the driver, ROUND_MAX frames a turn. true: there may be more. */
static bool drop_stale(struct virtio_net *d)
{
	struct net_header h;
	for (unsigned n = 0; d->stale && n < ROUND_MAX; n++, d->stale--)
		if (net_recv(&d->net, &h, d->frame, sizeof(d->frame)) == -EAGAIN) {
			d->stale = 0;
			return false;
		}
	return d->stale;
}

static void receive(struct virtio_net *d)
{
	struct virtq *q = &d->v.q[QUEUE_RX];
	if (drop_stale(d))
		return;
	bool live = virtio_live(&d->v) && q->enabled, room = live && give_frame(d, q);
	for (unsigned n = 0; room && n < ROUND_MAX; n++) {
		if (d->link_up && !virtq_waiting(q) && !virtq_await(q, 1)) {
			room = false; /* not to read what would only lie here */
			break;
		}
		int rc = take_frame(d);
		if (rc == -EAGAIN)
			break;
		room = rc || give_frame(d, q);
	}
	d->rx_room = room;
	virtq_flush(q);
}

static void wait_for(struct virtio_net *d)
{
	bool live = virtio_live(&d->v);
	net_wait(&d->net,
		 (live && (d->rx_room || d->stale) ? NET_WAIT_READ : 0u) | (live && d->tx_full ? NET_WAIT_WRITE : 0u));
}

/* --- what the transport and the network call --- */

static void notify(struct virtio_dev *v, struct virtq *q)
{
	struct virtio_net *d = (struct virtio_net *)v;
	if (q->index == QUEUE_CONTROL)
		virtio_net_control(d, q);
	else if (q->index == QUEUE_RX)
		receive(d);
	else if (!d->tx_full)
		transmit(d, q);
	wait_for(d);
}

void virtio_net_poll(struct dev *dev)
{
	struct virtio_net *d = (struct virtio_net *)dev;
	receive(d); /* first: it notices when the other side is gone, and then nothing is full */
	if (d->tx_full)
		transmit(d, &d->v.q[QUEUE_TX]);
	wait_for(d);
}

static void network_ready(void *ctx)
{
	virtio_net_poll(ctx);
}

static void ready(struct virtio_dev *v)
{
	struct virtio_net *d = (struct virtio_net *)v;
	d->filter.vlans_on = virtio_has(v, NET_F_CTRL_VLAN);
	d->stale = STALE_MAX;
	drop_stale(d);
	d->guest_offloads = virtio_net_guest_offloads(v->features);
	net_set_offload(&d->net, d->guest_offloads);
}

static void reset_begins(struct virtio_dev *v)
{
	struct virtio_net *d = (struct virtio_net *)v;
	d->frame_len = 0;
	d->stale = 0;
	d->tx_full = d->rx_room = false;
	d->guest_offloads = 0;
	net_set_offload(&d->net, 0);
	net_wait(&d->net, 0);
	virtio_net_announced(d);
	memcpy(v->config, d->mac, 6);
	net_filter_reset(&d->filter, d->mac);
}

static const struct virtio_class net_class = {
    .type = 1,
    .class_rev = 0x02000000,
    .queue_size = VIRTQ_SIZE_MAX,
    .notify = notify,
    .ready = ready,
    .reset = reset_begins,
};

void virtio_net_attach(struct dev *dev, int fd)
{
	struct virtio_net *d = (struct virtio_net *)dev;
	net_replace(&d->net, fd);
	virtio_net_poll(dev);
}

static void link_show(struct virtio_net *d)
{
	pci_put16(d->v.config + CONFIG_STATUS, (uint16_t)(d->link_up | d->announce << 1));
	__atomic_store_n(&d->stats->link, d->link_up, __ATOMIC_RELAXED);
}

void virtio_net_announced(struct virtio_net *d)
{
	d->announce = false;
	link_show(d);
}

void virtio_net_set_link(struct dev *dev, bool up)
{
	struct virtio_net *d = (struct virtio_net *)dev;
	if (d->link_up == up)
		return;
	d->link_up = up;
	d->announce = up && virtio_has(&d->v, NET_F_GUEST_ANNOUNCE); /* it may be plugged in elsewhere */
	link_show(d);
	net_set_link(&d->net, up);
	virtio_config_changed(&d->v);
	if (!up && d->frame_len)
		frame_drop(d);
	virtio_net_poll(dev);
}

bool virtio_net_link(const struct dev *dev)
{
	return ((const struct virtio_net *)dev)->link_up;
}

/* --- life --- */

static void features_init(struct virtio_net *d, unsigned mtu)
{
	static const struct {
		unsigned offload, bits;
	} rows[] = {{NET_CSUM, 1u << NET_F_CSUM | 1u << NET_F_GUEST_CSUM | 1u << NET_F_CTRL_GUEST_OFFLOADS},
		    {NET_TSO4, 1u << NET_F_HOST_TSO4 | 1u << NET_F_GUEST_TSO4},
		    {NET_TSO6, 1u << NET_F_HOST_TSO6 | 1u << NET_F_GUEST_TSO6},
		    {NET_ECN, 1u << NET_F_HOST_ECN | 1u << NET_F_GUEST_ECN}};
	d->v.offered = 1u << NET_F_MAC | 1u << NET_F_MRG_RXBUF | 1u << NET_F_STATUS | 1u << NET_F_CTRL_VQ |
		       1u << NET_F_CTRL_RX | 1u << NET_F_CTRL_VLAN | 1u << NET_F_CTRL_RX_EXTRA |
		       1u << NET_F_CTRL_MAC_ADDR | 1u << NET_F_GUEST_ANNOUNCE | (mtu ? 1u << NET_F_MTU : 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		d->v.offered |= d->net.ops->offloads & rows[i].offload ? rows[i].bits : 0;
	memcpy(d->v.config, d->mac, 6);
	pci_put16(d->v.config + CONFIG_PAIRS, 1);
	pci_put16(d->v.config + CONFIG_MTU, (uint16_t)mtu);
	d->v.config_len = CONFIG_LEN;
}

/* iPXE, which says which device it is for: 1af4:1000, as it was before virtio 1.0. (PCI Firmware 3.0, 5.1.2)
 */
static void rom_for_us(uint8_t *rom, size_t len)
{
	size_t pcir = len > 0x1a ? pci_get16(rom + 0x18) : len;
	uint8_t sum = 0;
	if (len < 0x1a || pcir + 8 > len || memcmp(rom + pcir, "PCIR", 4))
		return;
	uint16_t was = pci_get16(rom + pcir + 6), now = 0x1040 + 1;
	pci_put16(rom + pcir + 6, now);
	sum = (uint8_t)(was + (was >> 8) - now - (now >> 8));
	rom[6] = (uint8_t)(rom[6] +
			   sum); /* behind size and entry, before the PnP header: where others have it, too */
}

static int rom_init(struct virtio_net *d, const struct domain_interface *net, struct err *e)
{
	int fd = named_get(&d->v.pci.dev.m->fds, "net.rom");
	AUTO_FREE char *rom = NULL;
	size_t len;
	if (fd < 0 || !domain_needs_rom(d->v.pci.dev.m->domain, net))
		return 0;
	int rc = file_read_fd(fd, ROM_MAX, &rom, &len);
	if (rc)
		return err_sys(e, -rc, "cannot read the boot ROM of network cards");
	rom_for_us((uint8_t *)rom, len);
	return pci_rom_init(&d->v.pci, rom, len, "net.rom", e);
}

static int net_init(struct dev *dev, const struct dev_def *def, struct err *e)
{
	struct virtio_net *d = (struct virtio_net *)dev;
	const struct domain_interface *net = def->net;
	char name[16];
	d->v.class = &net_class;
	memcpy(d->mac, net->mac, 6);
	d->stats = &machine_stats(dev->m, STATS_NET,
				  net->type == INTERFACE_BRIDGE && net->ifname ? net->ifname : def->name)
			->net;
	snprintf(name, sizeof(name), "net:%u", def->index);
	int rc = net_open(&d->net, net->type == INTERFACE_USER ? &net_channel : &net_tap,
			  named_take(&dev->m->fds, name), e);
	if (rc)
		return rc;
	features_init(d, net->mtu);
	d->link_up = !net->link_down;
	link_show(d);
	if (!d->link_up)
		net_set_link(&d->net, false);
	net_filter_reset(&d->filter, d->mac);
	rc = virtio_init(&d->v, def, QUEUES, e);
	if (!rc)
		rc = rom_init(d, net, e);
	return rc ? rc : machine_watch(dev->m, d->net.ready_fd, network_ready, d, &d->watch, e);
}

static void net_reset(struct dev *dev)
{
	virtio_reset(&((struct virtio_net *)dev)->v);
}

static void net_dump(const struct dev *dev, FILE *f)
{
	const struct virtio_net *d = (const struct virtio_net *)dev;
	fprintf(f, "%s%s, link %s, offloads %x%s%s\n", d->net.ops->kind, d->net.fd < 0 ? " (gone)" : "",
		d->link_up ? "up" : "down", d->guest_offloads, d->tx_full ? ", full" : "",
		d->frame_len ? ", a frame waits" : "");
	virtio_dump(&d->v, f);
}

static void net_done(struct dev *dev)
{
	struct virtio_net *d = (struct virtio_net *)dev;
	machine_unwatch(dev->m, &d->watch);
	virtio_done(&d->v);
	net_close(&d->net);
}

const struct dev_type virtio_net_type = {
    .model = "virtio-net",
    .summary = "network card (virtio)",
    .bus = DEV_BUS_PCI,
    .size = sizeof(struct virtio_net),
    .init = net_init,
    .reset = net_reset,
    .dump = net_dump,
    .done = net_done,
};
