/* Any bytes as what a driver does to a network card, and what comes from the network: register writes, doorbells, memory under
 * the rings, frames. The device may refuse all of it, but stays inside guest memory, gives back every chain that it took, and wakes
 * nobody for nothing.
 *
 * Input: operations of 12 bytes: what, where (3), value (8). Rings and buffers lie in the first 64 KiB: those of queue Q at
 * Q * 0x4000. */
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

#define OP_LEN 12u
#define OPS_MAX 400u
#define RAM (1u << 20)
#define MEMORY_MASK 0xffffu
#define POLLS_MAX 1000u
enum { DESC = 0x1000, AVAIL = 0x2000, USED = 0x3000, STEP = 0x4000, QUEUE = 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct machine m;
static struct virtio_net *net;
static struct virtio_dev *v;
static uint64_t base;
static int peer = -1;

static void set_line(void *ctx, unsigned gsi, bool level)
{
}

static int msi_route(void *ctx, unsigned gsi, uint64_t addr, uint32_t data, int eventfd, bool on)
{
	return 0;
}

static int doorbell(void *ctx, uint64_t addr, bool pio, int eventfd, bool on)
{
	return 0;
}

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
	static const struct irq_sink sink = {set_line, msi_route, doorbell};
	static const struct domain_interface card = {.type = INTERFACE_USER, .mac = {0x52, 0x54, 0, 1, 2, 3}};
	static struct domain domain;
	struct dev_def def = {.model = "virtio-net", .name = "net0", .addr = {.set = true, .slot = 3}, .net = &card};
	struct dev *d;
	if (machine_init_bare(&m, RAM, &sink, NULL, NULL) || named_add(&m.fds, "net:0", channel()))
		abort();
	m.domain = &domain;
	if (dev_new(&m, &def, &d, NULL))
		abort();
	net = (struct virtio_net *)d;
	v = &net->v;
	m.fake_now_ns = 5000000000u; /* complaints once a second: once */
}

static void reg(unsigned off, unsigned size, uint64_t val)
{
	bus_access(&m.mmio, base + off, &val, size, true);
}

/* A driver that did everything right so far; without features @less. */
static void start(uint64_t less)
{
	static const uint8_t steps[] = {0, 1, 3};
	uint64_t features = v->offered & ~less;
	for (unsigned i = 0; i < sizeof(steps); i++)
		reg(0x14, 1, steps[i]);
	reg(8, 4, 0);
	reg(0xc, 4, features & 0xffffffff);
	reg(8, 4, 1);
	reg(0xc, 4, features >> 32);
	reg(0x14, 1, 11);
	for (unsigned q = 0; q < 3; q++) {
		reg(0x16, 2, q);
		reg(0x18, 2, QUEUE);
		reg(0x20, 4, q * STEP + DESC);
		reg(0x28, 4, q * STEP + AVAIL);
		reg(0x30, 4, q * STEP + USED);
		reg(0x1c, 2, 1);
	}
	reg(0x14, 1, 15);
}

/* Let the device work until it waits. One that is woken again and again for what it does not take would spin. */
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

static void offer(const uint8_t *op, uint32_t where, uint64_t val)
{
	uint16_t idx, head = where % (QUEUE + 1);
	uint8_t *avail = m.mem.ram + where / 256 % 3 * STEP + AVAIL;
	memcpy(&idx, avail + 2, 2);
	memcpy(avail + 4 + 2 * (idx % QUEUE), &head, 2);
	idx = (uint16_t)(idx + 1 + (op[0] >> 3 & 1) * (val & 31));
	memcpy(avail + 2, &idx, 2);
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
		offer(op, where, val);
		break;
	case 3:
		reg(VIRTIO_BAR_NOTIFY + VIRTIO_NOTIFY_STEP * q, 2, q);
		break;
	case 4:
		memcpy(m.mem.ram + (where & MEMORY_MASK), &val, 8);
		break;
	case 5:
		reg(where % VIRTIO_BAR_LEN, size, val);
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
	for (unsigned i = 0; i < v->nqueues; i++)
		if (v->q[i].in_work)
			abort();
	return 0;
}
