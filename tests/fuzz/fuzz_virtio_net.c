/* Any bytes as what a driver does to a network card, and what comes from the network: register writes,
 * doorbells, memory under the rings, frames. The device may refuse all of it, but stays inside guest memory,
 * gives back every chain that it took, and wakes nobody for nothing.
 *
 * Input: operations of 12 bytes: what, where (3), value (8). Rings and buffers lie in the first 64 KiB: those
 * of queue Q at Q * 0x4000.
 * floor: 450 edges */
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backend/vmm/dev/virtio.h"
#include "backend/vmm/dev/virtio_net.h"
#include "backend/vmm/pci.h"
#include "src/base/unixsock.h"
#include "tests/fuzz/fuzzlib.h"

#define OP_LEN 12u
#define OPS_MAX 400u
#define RAM (1u << 20)
#define MEMORY_MASK 0xffffu
#define POLLS_MAX 1000u
enum { DESC = 0x1000, AVAIL = 0x2000, USED = 0x3000, STEP = 0x4000, QUEUE = 16 };

static struct machine m;
static struct virtio_net *net;
static struct virtio_dev *v;
static uint64_t base;
static int peer = -1;

/* The other end of a new channel. */
static int channel(void)
{
	int pair[2];
	if (unixsock_pair(SOCK_SEQPACKET, pair))
		abort();
	if (peer >= 0)
		close(peer);
	peer = pair[1];
	return pair[0];
}

static void make(void)
{
	static const struct domain_interface card = {.type = INTERFACE_USER, .mac = {0x52, 0x54, 0, 1, 2, 3}};
	static struct domain domain;
	struct dev_def def = {
	    .model = "virtio-net", .name = "net0", .addr = {.set = true, .slot = 3}, .net = &card};
	struct dev *d;
	if (machine_init_bare(&m, RAM, 0, &fuzz_sink, NULL, NULL) || named_add(&m.fds, "net:0", channel()))
		abort();
	m.domain = &domain;
	if (dev_new(&m, &def, &d, NULL))
		abort();
	net = (struct virtio_net *)d;
	v = &net->v;
	m.fake_now_ns = 5000000000u; /* complaints once a second: once */
}

/* A driver that did everything right so far; without features @less. */
static void start(uint64_t less)
{
	static const struct rings rings = {DESC, AVAIL, USED, STEP, QUEUE};
	virtio_start(v, &rings, 3, ~less);
}

/* Let the device work until it waits. One that is woken again and again for what it does not take would spin.
 */
static void settle(void)
{
	static uint8_t frame[NET_FRAME_MAX];
	unsigned n = 0;
	for (;;) {
		struct pollfd p = {.fd = net->net.ready_fd, .events = POLLIN};
		while (recv(peer, frame, sizeof(frame), MSG_DONTWAIT) > 0)
			;
		if (poll(&p, 1, 0) != 1)
			break;
		if (++n == POLLS_MAX)
			abort();
		virtio_net_poll(&v->pci.dev);
	}
}

static void frame_comes(uint32_t where, uint64_t val)
{
	static uint8_t frame[NET_FRAME_MAX + 2];
	for (unsigned i = 0; i < 16; i += sizeof(val))
		memcpy(frame + i, &val, sizeof(val));
	send(peer, frame, 1 + where % sizeof(frame), MSG_DONTWAIT | MSG_NOSIGNAL);
	settle();
}

static void operate(const uint8_t *op)
{
	uint32_t where = op[1] | (uint32_t)op[2] << 8 | (uint32_t)op[3] << 16;
	uint64_t val, seen = 0;
	memcpy(&val, op + 4, sizeof(val));
	unsigned size = 1u << (op[0] >> 6), q = where / 256 % 3;
	switch (op[0] & 7) {
	case 0: /* a descriptor */
		memcpy(m.mem.ram + q * STEP + DESC + 16 * (where % QUEUE) + (op[0] & 8), &val, 8);
		break;
	case 1:
		frame_comes(where, val);
		break;
	case 2:
		virtio_offer(m.mem.ram + q * STEP + AVAIL, QUEUE, (uint16_t)(where % (QUEUE + 1)),
			     (op[0] >> 3 & 1) * (val & 31));
		break;
	case 3:
		virtio_reg(v, VIRTIO_BAR_NOTIFY + VIRTIO_NOTIFY_STEP * q, 2, q);
		break;
	case 4:
		memcpy(m.mem.ram + (where & MEMORY_MASK), &val, 8);
		break;
	case 5:
		virtio_reg(v, where % VIRTIO_BAR_LEN, size, val);
		break;
	case 6:
		bus_access(&m.mmio, base + where % VIRTIO_BAR_LEN, &seen, size, false);
		break;
	default:
		if (op[0] & 8)
			start(val);
		else if (op[0] & 16)
			pci_config_write(m.pci, 3, 0, where & 0xfc, size > 4 ? 4 : size, (uint32_t)val);
		else if (op[0] & 32)
			virtio_net_attach(&v->pci.dev, channel());
		else
			virtio_net_set_link(&v->pci.dev, where & 1);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!v)
		make();
	v->pci.dev.type->reset(&v->pci.dev);
	virtio_net_attach(&v->pci.dev, channel());
	virtio_net_set_link(&v->pci.dev, true);
	memset(m.mem.ram, 0, MEMORY_MASK + 9);
	pci_setup(&m);
	base = v->pci.bars[1].mapped;
	start(0);
	for (unsigned i = 0; i < OPS_MAX && (i + 1) * OP_LEN <= size; i++)
		operate(data + i * OP_LEN);
	settle();
	if (!virtio_gave_back(v))
		abort();
	return 0;
}
