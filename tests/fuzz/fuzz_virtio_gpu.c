/* Any commands on both queues of the virtio GPU, with small numbers so that they meet: pictures, memory
 * behind them, what is shown, cursors, the VGA's mode beside, and somebody looking. Nothing is read or
 * written outside, all that is shown is there.
 * floor: 430 edges */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/vmm/dev/virtio_gpu.h"
#include "backend/vmm/device.h"
#include "backend/vmm/display/display.h"
#include "src/base/log.h"
#include "tests/fuzz/fuzzlib.h"

enum {
	QUEUE = 8,
	RINGS = 0x10000,
	RINGS_STEP = 0x10000,
	AVAIL = 0x4000,
	USED = 0x8000,
	COMMAND = 0x40000,
	ANSWER = 0x50000
};

static struct machine m;
static struct virtio_dev *v;
static struct display_client looker;
static uint64_t base;

static void make(void)
{
	static const struct domain_video video = {.vram_bytes = 1 << 20};
	struct dev_def def = {
	    .model = "virtio-vga", .name = "vga", .addr = {.set = true, .slot = 2}, .video = &video};
	struct dev *d;
	if (machine_init_bare(&m, 2 << 20, 0, &fuzz_sink, NULL, NULL) || dev_new(&m, &def, &d, NULL))
		abort();
	v = (struct virtio_dev *)d;
	m.fake_now_ns = 5000000000u;
	log_open("fuzz", open("/dev/null", O_WRONLY | O_CLOEXEC));
	display_client_add(m.display, &looker);
}

static void start(void)
{
	static const struct rings rings = {RINGS, RINGS + AVAIL, RINGS + USED, RINGS_STEP, QUEUE};
	memset(m.mem.ram + RINGS, 0, 2 * RINGS_STEP);
	virtio_start(v, &rings, 2, UINT64_MAX);
}

static void send_command(unsigned q, unsigned len, unsigned answer)
{
	uint8_t *ring = m.mem.ram + RINGS + q * RINGS_STEP;
	pci_put32(ring, COMMAND);
	pci_put32(ring + 8, len);
	pci_put16(ring + 12, answer ? 1 : 0);
	pci_put16(ring + 14, 1);
	pci_put32(ring + 16, ANSWER);
	pci_put32(ring + 24, answer);
	pci_put16(ring + 28, 2);
	pci_put16(ring + AVAIL + 2, (uint16_t)(pci_get16(ring + AVAIL + 2) + 1));
	virtio_reg(v, VIRTIO_BAR_NOTIFY + VIRTIO_NOTIFY_STEP * q, 2, q);
}

/* The command's words are bytes of the input but for those that say so, and entries of backing lie in memory
 * mostly. */
static void command(struct input *in)
{
	unsigned op = take(in, 1), q = op >> 7, words = take(in, 1) % 24;
	uint8_t *c = m.mem.ram + COMMAND;
	memset(c, 0, 24 + 4 * 24);
	pci_put32(c, q ? 0x300u + (op & 1) : 0x100u + (op & 15));
	pci_put32(c + 4, op >> 4 & 1);
	for (unsigned i = 0; i < words; i++) {
		uint32_t w = take(in, 1);
		pci_put32(c + 24 + 4 * i, w == 0xff ? take(in, 4) : w == 0xfe ? 0x60000 : w);
	}
	send_command(q, 24 + 4 * words, op & 32 ? take(in, 1) : 2048);
}

static void look(void)
{
	static struct text_screen text;
	struct rect rects[DISPLAY_RECTS_MAX];
	display_refresh(m.display);
	const struct surface *s = display_surface(m.display);
	const struct cursor *c = display_cursor(m.display);
	if (!s || !s->width || !s->height || s->stride < s->width * 4 || c->w > DISPLAY_CURSOR_MAX ||
	    c->h > DISPLAY_CURSOR_MAX)
		abort();
	volatile uint8_t sum = s->pixels[0];
	sum ^= s->pixels[(size_t)(s->height - 1) * s->stride + s->width * 4 - 1];
	unsigned n = display_take_damage(m.display, &looker, rects);
	for (unsigned i = 0; i < n; i++)
		if (!rects[i].w || !rects[i].h || rects[i].x + rects[i].w > s->width ||
		    rects[i].y + rects[i].h > s->height)
			abort();
	display_text(m.display, &text);
}

static void step(struct input *in)
{
	unsigned op = take(in, 1);
	if (op < 0xd0) {
		command(in);
		return;
	}
	switch (op & 7) {
	case 0:
		start();
		break;
	case 1:
		virtio_reg(v, take(in, 2) % VIRTIO_BAR_LEN, 1u << take(in, 1) % 3, take(in, 4));
		break;
	case 2:
		display_wish(m.display, take(in, 2), take(in, 2));
		break;
	case 3: {
		uint32_t index = take(in, 1) % 11, val = take(in, 2);
		bus_access(&m.pio, 0x1ce, &index, 2, true);
		bus_access(&m.pio, 0x1cf, &val, 2, true);
		break;
	}
	case 4:
		v->pci.dev.type->reset(&v->pci.dev);
		pci_setup(&m);
		start();
		break;
	default:
		look();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (!v)
		make();
	v->pci.dev.type->reset(&v->pci.dev);
	pci_setup(&m);
	base = v->pci.bars[1].mapped;
	start();
	struct input in = {data, n};
	while (in.n)
		step(&in);
	look();
	return 0;
}
