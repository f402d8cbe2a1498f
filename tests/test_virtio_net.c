/* The virtio network card as a driver sees it, over a channel whose other end is the test: frames however
 * they are split, a driver without buffers, a network without room, and a process behind it that dies.
 * needs: root tun */
#include "tests/testlib.h"
#include "tests/virtiolib.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netlink/route/link.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "backend/vmm/dev/virtio_net.h"
#include "backend/vmm/keeperlink.h"
#include "src/base/cleanup.h"
#include "src/base/unixsock.h"
#include "src/proto/launch.h"

enum { RX = 0, TX = 1, CTRL = 2 };
enum { ACK_OK = 0, ACK_ERR = 1, NOT_WRITTEN = 0xaa };
#define HDR NET_HEADER_LEN
#define BUF(i) (DRV_BUF + 0x20000u * (i))
#define NO_MRG (DRV_ALL_FEATURES & ~(1ull << NET_F_MRG_RXBUF))

static struct vmm_test *t;
static struct drv d;
static int peer;
static struct domain_interface card;
static struct {
	uint16_t avail, seen;
} ring[3];

/* --- a driver with three queues --- */

static void desc(unsigned q, unsigned i, uint64_t gpa, uint32_t len, unsigned flags, unsigned next)
{
	uint8_t *p = drv_mem(&d, DRV_QUEUE_STEP * q + DRV_DESC + 16 * i);
	memcpy(p, &gpa, 8);
	pci_put32(p + 8, len);
	pci_put16(p + 12, (uint16_t)flags);
	pci_put16(p + 14, (uint16_t)next);
}

static void avail(unsigned q, uint16_t head)
{
	uint8_t *a = drv_mem(&d, DRV_QUEUE_STEP * q + DRV_AVAIL);
	pci_put16(a + 4 + 2 * (ring[q].avail % DRV_SIZE), head);
	pci_put16(a + 2, ++ring[q].avail);
}

static void kick(unsigned q)
{
	drv_write(&d, VIRTIO_BAR_NOTIFY + VIRTIO_NOTIFY_STEP * q, 2, q);
}

/* Does the device want to be told of the next chain? */
static bool wants_kick(unsigned q)
{
	const uint8_t *event = drv_mem(&d, DRV_QUEUE_STEP * q + DRV_USED + 4 + 8 * DRV_SIZE);
	return pci_get16(event) == ring[q].avail;
}

static bool used(unsigned q, uint32_t *head, uint32_t *len)
{
	const uint8_t *u = drv_mem(&d, DRV_QUEUE_STEP * q + DRV_USED);
	if (ring[q].seen == pci_get16(u + 2))
		return false;
	const uint8_t *e = u + 4 + 8 * (ring[q].seen++ % DRV_SIZE);
	*head = pci_get32(e);
	*len = pci_get32(e + 4);
	return true;
}

static void begin(uint64_t features)
{
	memset(ring, 0, sizeof(ring));
	drv_negotiate(&d, features);
	for (unsigned q = 0; q < 3; q++) {
		memset(drv_mem(&d, DRV_QUEUE_STEP * q + DRV_DESC), 0, 0x10000);
		drv_queue(&d, q);
	}
	drv_write(&d, 0x14, 1, 15);
}

static void start(uint64_t features)
{
	int pair[2];
	struct dev *dev;
	struct err e = {0};
	t = vmm_start(1);
	ck_assert_int_eq(unixsock_pair(SOCK_SEQPACKET, pair), 0);
	peer = pair[1];
	ck_assert_int_eq(named_add(&t->m.fds, "net:0", pair[0]), 0);
	struct dev_def bridge = {.model = "piix3", .name = "isa-bridge", .addr = {.set = true, .slot = 1}};
	struct dev_def def = {
	    .model = "virtio-net", .name = "net0", .addr = {.set = true, .slot = 3}, .net = &card};
	ck_assert(!dev_new(&t->m, &bridge, NULL, &e));
	ck_assert_msg(!dev_new(&t->m, &def, &dev, &e), "%s", e.msg);
	drv_attach(&d, t, dev);
	begin(features);
	ck_assert_uint_eq(drv_status(&d), 15);
}

static void setup(void)
{
	card = (struct domain_interface){.type = INTERFACE_USER, .mac = {0x52, 0x54, 0, 1, 2, 3}};
	start(DRV_ALL_FEATURES);
}

static void teardown(void)
{
	vmm_stop(t);
	fd_close(peer);
}

static const struct stats_net *stats(void)
{
	return &machine_stats(&t->m, STATS_NET, "net0")->net;
}

/* --- frames --- */

/* @n bytes to @to, the rest told by @seed. */
static void make(uint8_t *p, size_t n, const uint8_t *to, unsigned seed)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(seed + i * 7);
	memcpy(p, to, 6);
	if (n >= 14)
		p[12] = p[13] = 8;
}

static const uint8_t guest_mac[6] = {0x52, 0x54, 0, 1, 2, 3}, other_mac[6] = {0x52, 0x54, 0, 9, 9, 9},
		     everybody[6] = {255, 255, 255, 255, 255, 255}, group[6] = {1, 0, 0x5e, 0, 0, 5};

static void network_sends(const void *p, size_t n)
{
	ck_assert_int_eq(send(peer, p, n, MSG_DONTWAIT), (ssize_t)n);
	virtio_net_poll(d.dev);
}

/* What came out of the guest, or -1. */
static ssize_t network_gets(void *p, size_t room)
{
	return recv(peer, p, room, MSG_DONTWAIT);
}

/* A buffer for frames: descriptor @i, at BUF(i). */
static void give_buffer(unsigned i, uint32_t len)
{
	desc(RX, i, BUF(i), len, D_WRITE, 0);
	avail(RX, (uint16_t)i);
}

static void guest_sends(const uint8_t *p, size_t n)
{
	memset(drv_mem(&d, BUF(0)), 0, HDR);
	memcpy((uint8_t *)drv_mem(&d, BUF(0)) + HDR, p, n);
	desc(TX, 0, BUF(0), HDR, D_NEXT, 1);
	desc(TX, 1, BUF(0) + HDR, (uint32_t)n, 0, 0);
	avail(TX, 0);
	kick(TX);
}

START_TEST(config_has_mac_and_link)
{
	const uint8_t *c = ((struct virtio_dev *)d.dev)->config;
	ck_assert_mem_eq(c, guest_mac, 6);
	for (unsigned i = 0; i < 6; i++)
		ck_assert_uint_eq(drv_read(&d, VIRTIO_BAR_CONFIG + i, 1), guest_mac[i]);
	ck_assert_uint_eq(drv_read(&d, VIRTIO_BAR_CONFIG + 6, 2), 1);
	ck_assert_uint_eq(drv_read(&d, VIRTIO_BAR_CONFIG + 8, 2), 1);
	uint64_t offered = drv_offered(&d);
	ck_assert(offered >> NET_F_MAC & 1 && offered >> NET_F_MRG_RXBUF & 1);
	ck_assert_msg(!(offered >> NET_F_CSUM & 1) && !(offered >> NET_F_MTU & 1),
		      "a channel has no offloads");
	ck_assert_uint_eq(pci_config_read(t->m.pci, 3, 0, 0, 4), 0x10411af4);
	ck_assert_uint_eq(pci_config_read(t->m.pci, 3, 0, 10, 2), 0x0200);
}
END_TEST

START_TEST(a_frame_of_the_guest_reaches_the_network)
{
	uint8_t frame[1514], got[2000];
	uint32_t head, len;
	make(frame, sizeof(frame), everybody, 3);
	for (unsigned i = 0; i < 20; i++) { /* more than the ring has entries */
		guest_sends(frame, sizeof(frame) - i);
		ck_assert(used(TX, &head, &len));
		ck_assert_uint_eq(head, 0);
		ck_assert_int_eq(network_gets(got, sizeof(got)), (ssize_t)sizeof(frame) - (ssize_t)i);
		ck_assert_mem_eq(got, frame, sizeof(frame) - i);
	}
	ck_assert_uint_eq(stats()->tx_packets, 20);
	ck_assert_uint_eq(stats()->tx_bytes, 20 * 1514 - 190);
}
END_TEST

START_TEST(header_and_frame_may_be_split_anywhere)
{
	uint8_t frame[100], got[200];
	uint32_t head, len;
	make(frame, sizeof(frame), everybody, 5);
	for (unsigned cut = 1; cut < HDR + sizeof(frame); cut++) {
		memset(drv_mem(&d, BUF(0)), 0, HDR);
		memcpy((uint8_t *)drv_mem(&d, BUF(0)) + HDR, frame, sizeof(frame));
		desc(TX, 0, BUF(0), cut, D_NEXT, 1);
		desc(TX, 1, BUF(0) + cut, HDR + (uint32_t)sizeof(frame) - cut, 0, 0);
		avail(TX, 0);
		kick(TX);
		ck_assert(used(TX, &head, &len));
		ck_assert_int_eq(network_gets(got, sizeof(got)), sizeof(frame));
		ck_assert_mem_eq(got, frame, sizeof(frame));
	}
}
END_TEST

START_TEST(an_indirect_table_is_a_chain)
{
	uint8_t frame[60], got[100];
	uint32_t head, len;
	uint8_t *table = drv_mem(&d, BUF(1));
	make(frame, sizeof(frame), everybody, 6);
	memset(drv_mem(&d, BUF(0)), 0, HDR);
	memcpy((uint8_t *)drv_mem(&d, BUF(0)) + HDR, frame, sizeof(frame));
	desc(TX, 0, BUF(0), HDR, D_NEXT, 1);
	desc(TX, 1, BUF(0) + HDR, sizeof(frame), 0, 0);
	memcpy(table, drv_mem(&d, DRV_QUEUE_STEP * TX + DRV_DESC), 32);
	desc(TX, 5, BUF(1), 32, D_INDIRECT, 0);
	avail(TX, 5);
	kick(TX);
	ck_assert(used(TX, &head, &len));
	ck_assert_uint_eq(head, 5);
	ck_assert_int_eq(network_gets(got, sizeof(got)), sizeof(frame));
	ck_assert_mem_eq(got, frame, sizeof(frame));
}
END_TEST

START_TEST(a_frame_of_the_network_reaches_the_guest)
{
	uint8_t frame[1514];
	uint32_t head, len;
	give_buffer(0, 1600);
	give_buffer(1, 1600);
	kick(RX);
	make(frame, sizeof(frame), guest_mac, 9);
	network_sends(frame, sizeof(frame));
	ck_assert(used(RX, &head, &len));
	ck_assert_uint_eq(head, 0);
	ck_assert_uint_eq(len, HDR + sizeof(frame));
	struct net_header h;
	memcpy(&h, drv_mem(&d, BUF(0)), HDR);
	ck_assert_uint_eq(h.num_buffers, 1);
	ck_assert_uint_eq(h.flags | h.gso_type, 0);
	ck_assert_mem_eq((uint8_t *)drv_mem(&d, BUF(0)) + HDR, frame, sizeof(frame));
	ck_assert(!used(RX, &head, &len));
	ck_assert_uint_eq(stats()->rx_packets, 1);
	ck_assert_uint_eq(stats()->rx_bytes, 1514);
}
END_TEST

/* 5.1.6.3.2: one frame over buffers of 100, 200, ... bytes. */
START_TEST(a_long_frame_takes_several_buffers)
{
	uint8_t frame[1400], got[1500];
	uint32_t head, len;
	size_t at = 0;
	make(frame, sizeof(frame), guest_mac, 1);
	for (unsigned i = 0; i < 6; i++)
		give_buffer(i, 100 * (i + 1));
	kick(RX);
	network_sends(frame, sizeof(frame));
	for (unsigned i = 0; i < 5; i++) {
		unsigned skip = i ? 0 : HDR;
		ck_assert(used(RX, &head, &len));
		ck_assert_uint_eq(head, i);
		ck_assert_uint_le(at + len - skip, sizeof(got));
		memcpy(got + at, (uint8_t *)drv_mem(&d, BUF(i)) + skip, len - skip);
		at += len - skip;
	}
	ck_assert_uint_eq(at, sizeof(frame));
	ck_assert_mem_eq(got, frame, sizeof(frame));
	ck_assert_uint_eq(pci_get16((uint8_t *)drv_mem(&d, BUF(0)) + 10), 5);
	ck_assert_uint_eq(stats()->rx_packets, 1);
}
END_TEST

START_TEST(a_frame_waits_until_there_are_enough_buffers)
{
	uint8_t frame[300];
	uint32_t head, len;
	make(frame, sizeof(frame), guest_mac, 1);
	give_buffer(0, 100);
	kick(RX);
	network_sends(frame, sizeof(frame));
	ck_assert_msg(!used(RX, &head, &len), "a part of a frame was shown");
	ck_assert(wants_kick(RX));
	give_buffer(1, 100);
	kick(RX);
	ck_assert(!used(RX, &head, &len));
	give_buffer(2, 200);
	kick(RX);
	for (unsigned i = 0; i < 3; i++) {
		ck_assert(used(RX, &head, &len));
		ck_assert_uint_eq(head, i);
		ck_assert_uint_eq(len, i < 2 ? 100 : 112);
	}
	ck_assert_mem_eq((uint8_t *)drv_mem(&d, BUF(1)), frame + 88, 100);
	ck_assert_uint_eq(stats()->rx_drop, 0);
}
END_TEST

START_TEST(a_frame_that_fits_into_no_queue_is_dropped)
{
	uint8_t frame[1500];
	uint32_t head, len;
	make(frame, sizeof(frame), guest_mac, 1);
	for (unsigned i = 0; i < DRV_SIZE; i++)
		give_buffer(i, 64);
	kick(RX);
	network_sends(frame, sizeof(frame));
	ck_assert(!used(RX, &head, &len));
	ck_assert_uint_eq(stats()->rx_drop, 1);
	make(frame, 40, guest_mac, 2);
	network_sends(frame, 40);
	ck_assert(used(RX, &head, &len));
	ck_assert_uint_eq(head, 0);
	ck_assert_uint_eq(len, 52);
}
END_TEST

START_TEST(without_mergeable_buffers_one_has_to_hold_it)
{
	uint8_t frame[600];
	uint32_t head, len;
	teardown();
	start(NO_MRG);
	make(frame, sizeof(frame), guest_mac, 1);
	give_buffer(0, 512);
	kick(RX);
	network_sends(frame, sizeof(frame));
	ck_assert(!used(RX, &head, &len));
	ck_assert_uint_eq(stats()->rx_drop, 1);
	network_sends(frame, 500);
	ck_assert_msg(used(RX, &head, &len), "the buffer was lost with the frame");
	ck_assert_uint_eq(len, 512);
	ck_assert_uint_eq(pci_get16((uint8_t *)drv_mem(&d, BUF(0)) + 10), 1);
}
END_TEST

/* Nothing is read for a driver without buffers: the network keeps its frames. */
START_TEST(nothing_is_read_without_buffers)
{
	uint8_t frame[60];
	uint32_t head, len;
	make(frame, sizeof(frame), guest_mac, 1);
	for (unsigned i = 0; i < 4; i++)
		network_sends(frame, sizeof(frame));
	struct pollfd p = {.fd = ((struct virtio_net *)d.dev)->net.ready_fd, .events = POLLIN};
	ck_assert_msg(poll(&p, 1, 0) == 0, "the main loop is woken for what nobody takes");
	ck_assert(wants_kick(RX));
	for (unsigned i = 0; i < 4; i++)
		give_buffer(i, 200);
	kick(RX);
	for (unsigned i = 0; i < 4; i++)
		ck_assert(used(RX, &head, &len));
	network_sends(frame, sizeof(frame));
	ck_assert_int_eq(poll(&p, 1, 0), 0);
	give_buffer(4, 200);
	kick(RX);
	ck_assert(used(RX, &head, &len));
	give_buffer(5, 200);
	kick(RX);
	ck_assert_int_eq(send(peer, frame, sizeof(frame), 0), sizeof(frame));
	ck_assert_int_eq(poll(&p, 1, 0), 1);
	ck_assert_uint_eq(stats()->rx_drop, 0);
}
END_TEST

START_TEST(a_full_network_is_waited_for)
{
	uint8_t frame[1514], got[2000];
	uint32_t head, len;
	unsigned sent = 0, seen = 0;
	struct pollfd p = {.fd = ((struct virtio_net *)d.dev)->net.ready_fd, .events = POLLIN};
	make(frame, sizeof(frame), everybody, 3);
	do
		guest_sends(frame, sizeof(frame));
	while (++sent < 100000 && used(TX, &head, &len));
	ck_assert_uint_lt(sent, 100000);
	ck_assert_int_eq(poll(&p, 1, 0), 0);
	kick(TX);
	ck_assert_msg(!used(TX, &head, &len), "a chain came back unsent");
	while (network_gets(got, sizeof(got)) > 0)
		seen++;
	ck_assert_uint_eq(seen, sent - 1);
	ck_assert_int_eq(poll(&p, 1, 0), 1);
	virtio_net_poll(d.dev);
	ck_assert(used(TX, &head, &len));
	ck_assert_int_eq(network_gets(got, sizeof(got)), sizeof(frame));
	ck_assert_int_eq(poll(&p, 1, 0), 0);
	ck_assert_uint_eq(stats()->tx_packets, sent);
}
END_TEST

START_TEST(a_reset_while_the_network_is_full_loses_nothing)
{
	uint8_t frame[1514], got[2000];
	uint32_t head, len;
	make(frame, sizeof(frame), everybody, 3);
	do
		guest_sends(frame, sizeof(frame));
	while (used(TX, &head, &len));
	drv_write(&d, 0x14, 1, 0);
	ck_assert_uint_eq(drv_status(&d), 0);
	while (network_gets(got, sizeof(got)) > 0)
		;
	begin(DRV_ALL_FEATURES);
	guest_sends(frame, 60);
	ck_assert(used(TX, &head, &len));
	ck_assert_int_eq(network_gets(got, sizeof(got)), 60);
}
END_TEST

START_TEST(what_came_before_the_driver_is_not_for_it)
{
	uint8_t frame[60];
	uint32_t head, len;
	make(frame, sizeof(frame), guest_mac, 1);
	drv_write(&d, 0x14, 1, 0);
	for (unsigned i = 0; i < 5; i++)
		network_sends(frame, sizeof(frame));
	begin(DRV_ALL_FEATURES);
	give_buffer(0, 200);
	kick(RX);
	virtio_net_poll(d.dev);
	ck_assert(!used(RX, &head, &len));
	network_sends(frame, sizeof(frame));
	ck_assert(used(RX, &head, &len));
}
END_TEST

/* As many as a socket holds: they go in turns, and none of them is the driver's. */
START_TEST(much_that_came_before_the_driver_is_thrown_away_in_turns)
{
	uint8_t frame[60];
	uint32_t head, len;
	unsigned n = 0, turns = 0;
	make(frame, sizeof(frame), guest_mac, 1);
	drv_write(&d, 0x14, 1, 0);
	while (send(peer, frame, sizeof(frame), MSG_DONTWAIT) == (ssize_t)sizeof(frame))
		n++;
	ck_assert_uint_gt(n, 128);
	begin(DRV_ALL_FEATURES);
	give_buffer(0, 200);
	kick(RX);
	for (; ((struct virtio_net *)d.dev)->stale && turns < 1000; turns++)
		virtio_net_poll(d.dev);
	ck_assert_uint_ge(turns + 3, n / 64);
	ck_assert(!used(RX, &head, &len));
	network_sends(frame, sizeof(frame));
	ck_assert(used(RX, &head, &len));
}
END_TEST

START_TEST(a_pulled_cable_drops_both_ways)
{
	uint8_t frame[60], got[100];
	uint32_t head, len;
	make(frame, sizeof(frame), guest_mac, 1);
	uint64_t generation = drv_read(&d, 0x15, 1);
	virtio_net_set_link(d.dev, false);
	ck_assert_uint_eq(drv_read(&d, VIRTIO_BAR_CONFIG + 6, 2), 0);
	ck_assert_uint_ne(drv_read(&d, 0x15, 1), generation);
	ck_assert_uint_eq(drv_read(&d, VIRTIO_BAR_ISR, 1), 2);
	ck_assert_uint_eq(stats()->link, 0);
	give_buffer(0, 200);
	kick(RX);
	network_sends(frame, sizeof(frame));
	guest_sends(frame, sizeof(frame));
	ck_assert_msg(used(TX, &head, &len), "its chain is lost");
	ck_assert_int_eq(network_gets(got, sizeof(got)), -1);
	ck_assert(!used(RX, &head, &len));
	ck_assert_uint_eq(stats()->tx_drop, 1);
	ck_assert_uint_eq(stats()->rx_drop, 1);
	virtio_net_set_link(d.dev, true);
	ck_assert_uint_eq(drv_read(&d, VIRTIO_BAR_CONFIG + 6, 2) & 1, 1);
	network_sends(frame, sizeof(frame));
	ck_assert(used(RX, &head, &len));
}
END_TEST

START_TEST(a_process_behind_it_may_die_and_come_back)
{
	uint8_t frame[60], got[100];
	uint32_t head, len;
	int pair[2];
	make(frame, sizeof(frame), guest_mac, 1);
	give_buffer(0, 200);
	kick(RX);
	close(peer);
	struct pollfd p = {.fd = ((struct virtio_net *)d.dev)->net.ready_fd, .events = POLLIN};
	ck_assert_int_eq(poll(&p, 1, 0), 1);
	virtio_net_poll(d.dev);
	ck_assert_msg(poll(&p, 1, 0) == 0, "woken for one that is gone");
	guest_sends(frame, sizeof(frame));
	ck_assert(used(TX, &head, &len));
	ck_assert_uint_eq(stats()->tx_drop, 1);
	ck_assert_int_eq(unixsock_pair(SOCK_SEQPACKET, pair), 0);
	peer = pair[1];
	virtio_net_attach(d.dev, pair[0]);
	guest_sends(frame, sizeof(frame));
	ck_assert(used(TX, &head, &len));
	ck_assert_int_eq(network_gets(got, sizeof(got)), sizeof(frame));
	ck_assert_int_eq(send(peer, frame, sizeof(frame), 0), sizeof(frame));
	ck_assert_int_eq(poll(&p, 1, 0), 1);
	virtio_net_poll(d.dev);
	ck_assert(used(RX, &head, &len));
}
END_TEST

START_TEST(the_keeper_replaces_it)
{
	uint8_t frame[60], got[100];
	uint32_t head, len;
	int pair[2], keeper[2];
	uv_loop_t loop;
	struct err e = {0};
	make(frame, sizeof(frame), guest_mac, 1);
	ck_assert(!uv_loop_init(&loop) && !unixsock_pair(SOCK_SEQPACKET, pair) &&
		  !unixsock_pair(SOCK_SEQPACKET, keeper));
	t->m.loop = &loop;
	ck_assert_int_eq(keeperlink_new(&t->m, keeper[0], &e), 0);
	ck_assert_int_eq(launch_net(keeper[1], 5, pair[0]), 0); /* a card that is not there */
	ck_assert_int_eq(launch_net(keeper[1], 0, pair[0]), 0);
	close(pair[0]);
	for (int i = 0; i < 4; i++)
		uv_run(&loop, UV_RUN_NOWAIT);
	close(keeper[1]);
	uv_run(&loop, UV_RUN_NOWAIT); /* it is gone: nothing to be told any more */
	keeperlink_free(&t->m);
	uv_run(&loop, UV_RUN_DEFAULT);
	t->m.loop = NULL;
	guest_sends(frame, sizeof(frame));
	ck_assert(used(TX, &head, &len));
	ck_assert_int_eq(recv(pair[1], got, sizeof(got), MSG_DONTWAIT), sizeof(frame));
	ck_assert_int_eq(uv_loop_close(&loop), 0);
	close(keeper[0]);
	close(pair[1]);
}
END_TEST

START_TEST(one_that_dies_while_full_is_not_waited_for)
{
	uint8_t frame[1514];
	uint32_t head, len;
	make(frame, sizeof(frame), guest_mac, 1);
	do
		guest_sends(frame, sizeof(frame));
	while (used(TX, &head, &len));
	close(peer);
	peer = -1;
	virtio_net_poll(d.dev);
	ck_assert(used(TX, &head, &len));
	ck_assert_uint_eq(stats()->tx_drop, 1);
}
END_TEST

/* --- a driver that breaks the rules --- */

static const struct {
	const char *what;
	unsigned q;
	uint64_t gpa;
	uint32_t len;
	unsigned flags;
	bool dies; /* the device needs a reset */
	uint64_t tx_errors;
} bad[] = {
    {"a frame without a whole header", TX, BUF(0), HDR - 1, 0, true, 0},
    {"a chain to send with nothing to read", TX, BUF(0), 100, D_WRITE, true, 0},
    {"a frame of no bytes", TX, BUF(0), HDR, 0, false, 1},
    {"a frame of 13 bytes", TX, BUF(0), HDR + 13, 0, false, 1},
    {"a frame of 14 bytes", TX, BUF(0), HDR + 14, 0, false, 0},
    {"a frame that is too long", TX, BUF(0), HDR + NET_FRAME_MAX + 1, 0, false, 1},
    {"memory that is not there", TX, 1ull << 40, 100, 0, true, 0},
    {"a buffer too small for a header", RX, BUF(0), HDR, D_WRITE, true, 0},
    {"a buffer that cannot be written", RX, BUF(0), 2000, 0, true, 0},
    {"a command without room for an answer", CTRL, BUF(0), 3, 0, true, 0},
};

START_TEST(nonsense_stops_the_device_and_returns_the_chain)
{
	uint8_t frame[60];
	uint32_t head = 99, len;
	make(frame, sizeof(frame), guest_mac, 1);
	memset(drv_mem(&d, BUF(0)), 0, 0x20000);
	desc(bad[_i].q, 3, bad[_i].gpa, bad[_i].len, bad[_i].flags, 0);
	avail(bad[_i].q, 3);
	kick(bad[_i].q);
	if (bad[_i].q == RX)
		network_sends(frame, sizeof(frame));
	ck_assert_msg(used(bad[_i].q, &head, &len), "%s: the chain did not come back", bad[_i].what);
	ck_assert_uint_eq(head, 3);
	ck_assert_msg(drv_status(&d) == (bad[_i].dies ? 15 | VIRTIO_NEEDS_RESET : 15), "%s: status 0x%02x",
		      bad[_i].what, drv_status(&d));
	ck_assert_uint_eq(stats()->tx_errors, bad[_i].tx_errors);
	begin(DRV_ALL_FEATURES);
	guest_sends(frame, sizeof(frame));
	ck_assert_msg(used(TX, &head, &len), "%s: dead after a reset", bad[_i].what);
}
END_TEST

static const struct {
	const char *what;
	uint8_t header[HDR];
} headers[] = {
    {"a checksum to be computed", {NET_HEADER_NEEDS_CSUM, 0, 0, 0, 0, 0, 20, 0, 6, 0}},
    {"segments of TCP", {NET_HEADER_NEEDS_CSUM, NET_GSO_TCPV4, 54, 0, 100, 0, 34, 0, 16, 0}},
    {"a type that is none", {0, 77}},
    {"segments of UDP", {NET_HEADER_NEEDS_CSUM, NET_GSO_UDP, 42, 0, 100, 0, 34, 0, 6, 0}},
};

START_TEST(an_offload_that_was_not_agreed_on_is_an_error)
{
	uint32_t head, len;
	uint8_t got[200];
	memset(drv_mem(&d, BUF(0)), 0, 200);
	memcpy(drv_mem(&d, BUF(0)), headers[_i].header, HDR);
	desc(TX, 0, BUF(0), 150, 0, 0);
	avail(TX, 0);
	kick(TX);
	ck_assert(used(TX, &head, &len));
	ck_assert_int_eq(network_gets(got, sizeof(got)), -1);
	ck_assert_msg(stats()->tx_errors == 1, "%s", headers[_i].what);
	ck_assert_uint_eq(drv_status(&d), 15);
}
END_TEST

START_TEST(frames_of_the_network_that_are_none_are_errors)
{
	static uint8_t frame[NET_FRAME_MAX + 1];
	uint32_t head, len;
	make(frame, sizeof(frame), guest_mac, 1);
	give_buffer(0, 0x20000);
	kick(RX);
	network_sends(frame, 13);
	network_sends(frame, sizeof(frame));
	ck_assert(!used(RX, &head, &len));
	ck_assert_uint_eq(stats()->rx_errors, 2);
	network_sends(frame, sizeof(frame) - 1);
	ck_assert(used(RX, &head, &len));
	ck_assert_uint_eq(len, HDR + NET_FRAME_MAX);
}
END_TEST

/* --- the control queue --- */

static unsigned control(unsigned class, unsigned cmd, const void *data, size_t n)
{
	uint32_t head, len;
	uint8_t *p = drv_mem(&d, BUF(8));
	p[0] = (uint8_t) class;
	p[1] = (uint8_t)cmd;
	if (n)
		memcpy(p + 2, data, n);
	p[0x4000] = NOT_WRITTEN;
	desc(CTRL, 0, BUF(8), 2, D_NEXT, 1);
	desc(CTRL, 1, BUF(8) + 2, (uint32_t)n, D_NEXT, 2);
	desc(CTRL, 2, BUF(8) + 0x4000, 1, D_WRITE, 0);
	avail(CTRL, 0);
	kick(CTRL);
	ck_assert(used(CTRL, &head, &len));
	ck_assert_uint_eq(len, 1);
	return p[0x4000];
}

/* Is a frame to @to given to the guest? */
static bool passes(const uint8_t *to, unsigned vlan)
{
	uint8_t frame[60];
	uint32_t head, len;
	make(frame, sizeof(frame), to, 1);
	if (vlan) {
		frame[12] = 0x81;
		frame[13] = 0;
		frame[14] = (uint8_t)(vlan >> 8);
		frame[15] = (uint8_t)vlan;
	}
	network_sends(frame, sizeof(frame));
	return used(RX, &head, &len);
}

static void rx_mode(unsigned mode, uint8_t on)
{
	ck_assert_uint_eq(control(0, mode, &on, 1), ACK_OK);
}

START_TEST(the_filter_does_what_it_is_told)
{
	for (unsigned i = 0; i < DRV_SIZE; i++)
		give_buffer(i, 200);
	kick(RX);
	ck_assert(passes(other_mac, 0)); /* a driver that has said nothing */
	rx_mode(0, 0);
	ck_assert(!passes(other_mac, 0) && !passes(group, 0));
	ck_assert(passes(everybody, 0) && passes(guest_mac, 0));
	rx_mode(1, 1);
	ck_assert(passes(group, 0));
	rx_mode(3, 1);
	ck_assert(!passes(group, 0));
	rx_mode(5, 1);
	ck_assert(!passes(everybody, 0));
	rx_mode(2, 1);
	ck_assert(passes(other_mac, 0));
	rx_mode(4, 1);
	ck_assert(!passes(other_mac, 0) && !passes(guest_mac, 0));
	ck_assert_uint_eq(stats()->rx_packets, 5);
	drv_write(&d, 0x14, 1, 0);
	begin(DRV_ALL_FEATURES);
	give_buffer(0, 200);
	kick(RX);
	ck_assert(passes(other_mac, 0)); /* forgotten with the reset */
}
END_TEST

START_TEST(addresses_and_vlans_are_let_through)
{
	uint8_t table[4 + 6 + 4 + 6] = {1}, vlan[2] = {100, 0};
	memcpy(table + 4, other_mac, 6);
	table[10] = 1;
	memcpy(table + 14, group, 6);
	for (unsigned i = 0; i < DRV_SIZE; i++)
		give_buffer(i, 200);
	kick(RX);
	rx_mode(0, 0);
	ck_assert_uint_eq(control(1, 0, table, sizeof(table)), ACK_OK);
	ck_assert(passes(other_mac, 0) && passes(group, 0) && passes(guest_mac, 0));
	ck_assert(!passes(guest_mac, 100));
	ck_assert_uint_eq(control(2, 0, vlan, 2), ACK_OK);
	ck_assert(passes(guest_mac, 100) && !passes(guest_mac, 101));
	ck_assert_uint_eq(control(2, 1, vlan, 2), ACK_OK);
	ck_assert(!passes(guest_mac, 100));
	ck_assert_uint_eq(control(1, 1, other_mac, 6), ACK_OK);
	ck_assert(!passes(guest_mac, 0));
	for (unsigned i = 0; i < 6; i++)
		ck_assert_uint_eq(drv_read(&d, VIRTIO_BAR_CONFIG + i, 1), other_mac[i]);
}
END_TEST

START_TEST(a_table_that_is_too_long_lets_all_through)
{
	AUTO_FREE uint8_t *table = calloc(1, 4 + 100 * 6 + 4);
	pci_put32(table, 100);
	give_buffer(0, 200);
	kick(RX);
	rx_mode(0, 0);
	ck_assert_uint_eq(control(1, 0, table, 4 + 100 * 6 + 4), ACK_OK);
	ck_assert(passes(other_mac, 0) && !passes(group, 0));
}
END_TEST

static const struct {
	const char *what;
	unsigned class, cmd;
	size_t n;
	uint8_t data[16];
} commands[] = {
    {"no class", 77, 0, 1, {0}},
    {"no announcement", 3, 1, 0, {0}},
    {"no RX command", 0, 6, 1, {0}},
    {"RX without a value", 0, 0, 0, {0}},
    {"a MAC of 5 bytes", 1, 1, 5, {0}},
    {"a table of nothing", 1, 0, 3, {0}},
    {"a table that ends early", 1, 0, 10, {2}},
    {"a table of 4 billion", 1, 0, 14, {0xff, 0xff, 0xff, 0xff}},
    {"one table", 1, 0, 10, {1}},
    {"bytes behind the tables", 1, 0, 9, {0}},
    {"VLAN 4096", 2, 0, 2, {0, 0x10}},
    {"no VLAN command", 2, 2, 2, {1, 0}},
    {"offloads of a channel", 5, 0, 8, {2}},
    {"queues that are not offered", 4, 0, 2, {2, 0}},
};

START_TEST(a_cable_that_is_plugged_in_is_announced)
{
	virtio_net_set_link(d.dev, false);
	virtio_net_set_link(d.dev, true);
	ck_assert_uint_eq(drv_read(&d, VIRTIO_BAR_CONFIG + 6, 2), 3);
	ck_assert_uint_eq(control(3, 0, NULL, 0), ACK_OK);
	ck_assert_uint_eq(drv_read(&d, VIRTIO_BAR_CONFIG + 6, 2), 1);
	begin(DRV_ALL_FEATURES & ~(1ull << NET_F_GUEST_ANNOUNCE));
	virtio_net_set_link(d.dev, false);
	virtio_net_set_link(d.dev, true);
	ck_assert_uint_eq(drv_read(&d, VIRTIO_BAR_CONFIG + 6, 2), 1);
	ck_assert_uint_eq(control(3, 0, NULL, 0), ACK_ERR);
}
END_TEST

START_TEST(commands_that_make_no_sense_are_refused)
{
	ck_assert_msg(control(commands[_i].class, commands[_i].cmd, commands[_i].data, commands[_i].n) ==
			  ACK_ERR,
		      "%s", commands[_i].what);
	ck_assert_uint_eq(drv_status(&d), 15);
}
END_TEST

/* --- the boot ROM --- */

START_TEST(the_boot_rom_is_made_for_this_card)
{
	uint8_t rom[512] = {0x55, 0xaa, 1}, sum = 0;
	int pair[2], fd = memfd_create("rom", MFD_CLOEXEC);
	struct err e = {0};
	struct dev *dev;
	pci_put16(rom + 0x18, 0x20);
	memcpy(rom + 0x20, "PCIR\xf4\x1a\x00\x10", 8);
	for (size_t i = 0; i < sizeof(rom); i++)
		sum = (uint8_t)(sum + rom[i]);
	rom[511] = (uint8_t)-sum;
	ck_assert_int_eq(write(fd, rom, sizeof(rom)), sizeof(rom));
	ck_assert_int_eq(named_add(&t->m.fds, "net.rom", fd), 0);
	ck_assert_int_eq(unixsock_pair(SOCK_SEQPACKET, pair), 0);
	ck_assert_int_eq(named_add(&t->m.fds, "net:1", pair[0]), 0);
	close(pair[1]);
	struct domain domain = {
	    .interfaces = &card, .ninterfaces = 1, .boot_devs = {BOOT_DEV_NETWORK}, .nboot_devs = 1};
	t->m.domain = &domain;
	struct dev_def def = {.model = "virtio-net", .name = "net1", .index = 1, .net = &card};
	ck_assert_msg(!dev_new(&t->m, &def, &dev, &e), "%s", e.msg);
	const uint8_t *made = ((struct pci_dev *)dev)->rom;
	ck_assert_ptr_nonnull(made);
	ck_assert_uint_eq(pci_get16(made + 0x26), 0x1041);
	sum = 0;
	for (size_t i = 0; i < sizeof(rom); i++)
		sum = (uint8_t)(sum + made[i]);
	ck_assert_uint_eq(sum, 0);
	named_done(&t->m.fds);
}
END_TEST

/* --- over a tap, in a network of its own (root) --- */

#define TAP "vmd0"

static int inet; /* a socket for what the kernel is asked */

static struct ifreq request(void)
{
	struct ifreq r = {0};
	strcpy(r.ifr_name, TAP);
	return r;
}

static void set_address(unsigned long what, const char *text)
{
	struct ifreq r = request();
	struct sockaddr_in *a = (struct sockaddr_in *)(void *)&r.ifr_addr;
	a->sin_family = AF_INET;
	inet_pton(AF_INET, text, &a->sin_addr);
	ck_assert_msg(!ioctl(inet, what, &r), "%s: %s", text, strerror(errno));
}

/* 10.7.0.1 is the host, 10.7.0.2 the guest. */
static void setup_tap(void)
{
	struct ifreq r = request();
	struct err e = {0};
	struct dev *dev;
	peer = -1;
	card =
	    (struct domain_interface){.type = INTERFACE_BRIDGE, .mac = {0x52, 0x54, 0, 1, 2, 3}, .mtu = 1500};
	ck_assert_msg(!unshare(CLONE_NEWNET), "a network of one's own needs root: %s", strerror(errno));
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	r.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
	ck_assert_msg(fd >= 0 && !ioctl(fd, TUNSETIFF, &r), "a tap: %s", strerror(errno));
	inet = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	set_address(SIOCSIFADDR, "10.7.0.1");
	set_address(SIOCSIFNETMASK, "255.255.255.0");
	r = request();
	r.ifr_flags = IFF_UP | IFF_RUNNING;
	ck_assert_int_eq(ioctl(inet, SIOCSIFFLAGS, &r), 0);
	t = vmm_start(1);
	ck_assert_int_eq(named_add(&t->m.fds, "net:0", fd), 0);
	struct dev_def def = {
	    .model = "virtio-net", .name = "net0", .addr = {.set = true, .slot = 3}, .net = &card};
	ck_assert_msg(!dev_new(&t->m, &def, &dev, &e), "%s", e.msg);
	drv_attach(&d, t, dev);
}

static void teardown_tap(void)
{
	teardown();
	close(inet);
}

/* The next frame of the kernel's of that Ethernet type, its header in *h; NULL: there is none within a
 * second. */
static const uint8_t *kernel_sends(unsigned type, struct net_header *h)
{
	static uint8_t copy[0x10000];
	for (;;) {
		uint32_t head, len;
		struct pollfd p = {.fd = ((struct virtio_net *)d.dev)->net.ready_fd, .events = POLLIN};
		while (used(RX, &head, &len)) {
			memcpy(copy, drv_mem(&d, BUF(head)), len);
			give_buffer(head, 0x10000);
			kick(RX);
			if ((copy[HDR + 12] << 8 | copy[HDR + 13]) != (int)type)
				continue;
			memcpy(h, copy, HDR);
			return copy + HDR;
		}
		if (poll(&p, 1, 1000) != 1)
			return NULL;
		virtio_net_poll(d.dev);
	}
}

static void begin_tap(uint64_t features)
{
	begin(features);
	ck_assert_uint_eq(drv_status(&d), 15);
	for (unsigned i = 0; i < DRV_SIZE; i++)
		give_buffer(i, 0x10000);
	kick(RX);
}

static const uint8_t arp_request[42] = {255, 255, 255, 255, 255, 255, 0x52, 0x54, 0,    1,    2,  3, 8, 6,
					0,   1,   8,   0,   6,   4,   0,    1,    0x52, 0x54, 0,  1, 2, 3,
					10,  7,   0,   2,   0,   0,   0,    0,    0,    0,    10, 7, 0, 1};

START_TEST(the_kernel_answers_through_a_tap)
{
	struct net_header h;
	uint64_t want = 1u << NET_F_CSUM | 1u << NET_F_GUEST_CSUM | 1u << NET_F_HOST_TSO4 |
			1u << NET_F_GUEST_TSO6 | 1u << NET_F_MTU;
	begin_tap(DRV_ALL_FEATURES);
	ck_assert_uint_eq(drv_offered(&d) & want, want);
	ck_assert_uint_eq(drv_read(&d, VIRTIO_BAR_CONFIG + 10, 2), 1500);
	guest_sends(arp_request, sizeof(arp_request));
	const uint8_t *f = kernel_sends(0x0806, &h);
	ck_assert_msg(f != NULL, "no answer");
	ck_assert_mem_eq(f, guest_mac, 6);
	ck_assert_uint_eq(f[21], 2); /* a reply, of the host's address */
	ck_assert_mem_eq(f + 28, "\x0a\x07\0\1", 4);
	ck_assert_uint_eq(h.num_buffers, 1);
}
END_TEST

/* The Internet checksum (RFC 1071) over UDP and its pseudo header in an IPv4 frame without options. */
static uint16_t udp_sum(const uint8_t *ip)
{
	unsigned len = (unsigned)(ip[24] << 8 | ip[25]);
	uint32_t sum = 17 + len;
	for (unsigned i = 12; i < 20 + len; i += 2)
		sum += (uint32_t)(ip[i] << 8 | (i + 1 < 20 + len ? ip[i + 1] : 0));
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

START_TEST(who_computes_checksums_is_what_was_agreed)
{
	bool guest = _i;
	struct net_header h;
	begin_tap(guest ? DRV_ALL_FEATURES : DRV_ALL_FEATURES & ~(1ull << NET_F_GUEST_CSUM));
	guest_sends(arp_request, sizeof(arp_request)); /* so that it knows where the guest is */
	ck_assert_ptr_nonnull(kernel_sends(0x0806, &h));
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
	inet_pton(AF_INET, "10.7.0.2", &to.sin_addr);
	ck_assert_int_eq(sendto(inet, "some data", 9, 0, (struct sockaddr *)&to, sizeof(to)), 9);
	const uint8_t *f = kernel_sends(0x0800, &h);
	while (f && f[14 + 9] != 17)
		f = kernel_sends(0x0800, &h);
	ck_assert_msg(f != NULL, "the datagram did not come");
	ck_assert_uint_eq(h.flags & NET_HEADER_NEEDS_CSUM, guest);
	ck_assert_uint_eq(udp_sum(f + 14) == 0xffff, !guest);
	if (!guest)
		ck_assert_uint_eq(h.flags, 0);
}
END_TEST

/* 3000 bytes of TCP that are to be cut into segments of 1000, as the guest's driver hands them over. */
START_TEST(segments_of_the_guest_are_cut_behind_the_tap)
{
	static uint8_t frame[14 + 20 + 20 + 3000], got[0x10000];
	uint32_t head, len;
	int packets = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(0x0800));
	struct sockaddr_ll ll = {
	    .sll_family = AF_PACKET, .sll_protocol = htons(0x0800), .sll_ifindex = (int)if_nametoindex(TAP)};
	ck_assert_int_eq(bind(packets, (struct sockaddr *)&ll, sizeof(ll)), 0);
	begin_tap(DRV_ALL_FEATURES);
	make(frame, sizeof(frame), everybody, 0);
	memcpy(frame + 12, "\x08\x00\x45\x00\x0b\xe0\0\0\x40\0\x40\x06\0\0\x0a\x07\0\2\x0a\x07\0\1", 22);
	memcpy(frame + 46, "\x50\x10\x10\0\0\0\0\0", 8);
	struct net_header h = {NET_HEADER_NEEDS_CSUM, NET_GSO_TCPV4, 54, 1000, 34, 16, 0};
	memcpy(drv_mem(&d, BUF(9)), &h, HDR);
	memcpy((uint8_t *)drv_mem(&d, BUF(9)) + HDR, frame, sizeof(frame));
	desc(TX, 0, BUF(9), HDR + (uint32_t)sizeof(frame), 0, 0);
	avail(TX, 0);
	kick(TX);
	ck_assert(used(TX, &head, &len));
	ck_assert_uint_eq(stats()->tx_errors, 0);
	ssize_t n = recv(packets, got, sizeof(got), MSG_DONTWAIT);
	ck_assert_msg(n == (ssize_t)sizeof(frame), "%zd bytes came in one piece", n);
	ck_assert_mem_eq(got + 54, frame + 54, 3000);
	close(packets);
}
END_TEST

START_TEST(the_host_sees_the_cable)
{
	struct ifreq r = request();
	begin_tap(DRV_ALL_FEATURES);
	for (int up = 0; up < 2; up++) {
		virtio_net_set_link(d.dev, up);
		for (int i = 0; i < 500; i++) { /* the kernel tells a little later */
			ck_assert_int_eq(ioctl(inet, SIOCGIFFLAGS, &r), 0);
			if (!!(r.ifr_flags & IFF_RUNNING) == up)
				break;
			usleep(10000);
		}
		ck_assert_uint_eq(!!(r.ifr_flags & IFF_RUNNING), up);
	}
}
END_TEST

START_TEST(a_tap_that_is_deleted_is_given_up)
{
	uint32_t head, len;
	begin_tap(DRV_ALL_FEATURES);
	const struct net_backend *nb = &((struct virtio_net *)d.dev)->net;
	struct pollfd p = {.fd = nb->ready_fd, .events = POLLIN};
	struct nl_sock *nl = nl_socket_alloc();
	struct rtnl_link *tap = NULL;
	ck_assert(!nl_connect(nl, NETLINK_ROUTE) && !rtnl_link_get_kernel(nl, 0, TAP, &tap));
	ck_assert_int_eq(rtnl_link_delete(nl, tap), 0);
	for (unsigned i = 0; nb->fd >= 0 && i < 100 && poll(&p, 1, 1000) == 1; i++)
		virtio_net_poll(d.dev);
	ck_assert_int_eq(nb->fd, -1);
	ck_assert_int_eq(poll(&p, 1, 0), 0);
	guest_sends(arp_request, sizeof(arp_request));
	ck_assert(used(TX, &head, &len));
	ck_assert_uint_eq(stats()->tx_drop, 1);
	rtnl_link_put(tap);
	nl_socket_free(nl);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("virtio_net");
	TCase *c = tcase_create("net");
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, config_has_mac_and_link);
	tcase_add_test(c, a_frame_of_the_guest_reaches_the_network);
	tcase_add_test(c, header_and_frame_may_be_split_anywhere);
	tcase_add_test(c, an_indirect_table_is_a_chain);
	tcase_add_test(c, a_frame_of_the_network_reaches_the_guest);
	tcase_add_test(c, a_long_frame_takes_several_buffers);
	tcase_add_test(c, a_frame_waits_until_there_are_enough_buffers);
	tcase_add_test(c, a_frame_that_fits_into_no_queue_is_dropped);
	tcase_add_test(c, without_mergeable_buffers_one_has_to_hold_it);
	tcase_add_test(c, nothing_is_read_without_buffers);
	tcase_add_test(c, a_full_network_is_waited_for);
	tcase_add_test(c, a_reset_while_the_network_is_full_loses_nothing);
	tcase_add_test(c, what_came_before_the_driver_is_not_for_it);
	tcase_add_test(c, much_that_came_before_the_driver_is_thrown_away_in_turns);
	tcase_add_test(c, a_pulled_cable_drops_both_ways);
	tcase_add_test(c, a_process_behind_it_may_die_and_come_back);
	tcase_add_test(c, the_keeper_replaces_it);
	tcase_add_test(c, one_that_dies_while_full_is_not_waited_for);
	tcase_add_loop_test(c, nonsense_stops_the_device_and_returns_the_chain, 0, ARRAY_SIZE(bad));
	tcase_add_loop_test(c, an_offload_that_was_not_agreed_on_is_an_error, 0, ARRAY_SIZE(headers));
	tcase_add_test(c, frames_of_the_network_that_are_none_are_errors);
	tcase_add_test(c, the_filter_does_what_it_is_told);
	tcase_add_test(c, addresses_and_vlans_are_let_through);
	tcase_add_test(c, a_table_that_is_too_long_lets_all_through);
	tcase_add_test(c, a_cable_that_is_plugged_in_is_announced);
	tcase_add_loop_test(c, commands_that_make_no_sense_are_refused, 0, ARRAY_SIZE(commands));
	tcase_add_test(c, the_boot_rom_is_made_for_this_card);
	suite_add_tcase(s, c);
	TCase *tap = tcase_create("tap");
	tcase_add_checked_fixture(tap, setup_tap, teardown_tap);
	tcase_add_test(tap, the_kernel_answers_through_a_tap);
	tcase_add_loop_test(tap, who_computes_checksums_is_what_was_agreed, 0, 2);
	tcase_add_test(tap, segments_of_the_guest_are_cut_behind_the_tap);
	tcase_add_test(tap, the_host_sees_the_cable);
	tcase_add_test(tap, a_tap_that_is_deleted_is_given_up);
	suite_add_tcase(s, tap);
	return test_main(s);
}
