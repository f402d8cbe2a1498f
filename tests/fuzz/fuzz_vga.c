/* Any sequence of accesses to the VGA's ports, window, video memory and BAR 2, of moved BARs and resets, with
 * somebody looking now and then: nothing is written outside, every picture lies in its memory.
 * floor: 580 edges */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/vmm/device.h"
#include "backend/vmm/display/display.h"
#include "backend/vmm/machine.h"
#include "backend/vmm/pci.h"
#include "src/base/cleanup.h"
#include "src/base/log.h"
#include "tests/fuzz/fuzzlib.h"

#define LFB 0xe0000000u
#define REGS 0xf0000000u

/* All that a looker may do with what it is given. */
static void look(struct machine *m, struct display_client *c)
{
	static struct text_screen text;
	struct rect rects[DISPLAY_RECTS_MAX];
	display_refresh(m->display);
	const struct surface *s = display_surface(m->display);
	if (!s || !s->width || !s->height || s->width > DISPLAY_WIDTH_MAX || s->height > DISPLAY_HEIGHT_MAX ||
	    s->stride < s->width * 4)
		abort();
	volatile uint8_t sum = 0;
	for (unsigned y = 0; y < s->height; y += s->height > 8 ? s->height / 8 : 1)
		sum ^= s->pixels[(size_t)y * s->stride] ^ s->pixels[(size_t)y * s->stride + s->width * 4 - 1];
	sum ^= s->pixels[(size_t)(s->height - 1) * s->stride + s->width * 4 - 1];
	unsigned n = display_take_damage(m->display, c, rects);
	for (unsigned i = 0; i < n; i++)
		if (!rects[i].w || !rects[i].h || rects[i].x + rects[i].w > s->width ||
		    rects[i].y + rects[i].h > s->height)
			abort();
	if (display_text(m->display, &text) &&
	    (text.cols * text.rows > ARRAY_SIZE(text.cells) || text.cursor_x >= (int)text.cols ||
	     text.cursor_y >= (int)text.rows))
		abort();
}

static void access_one(struct machine *m, struct input *in, unsigned op)
{
	static const uint32_t bases[] = {0x3b0, 0x3c0, 0x1ce, 0xa0000, 0xb8000, LFB, REGS, REGS + 0x400};
	static const uint32_t lens[] = {0x30, 0x20, 4, 0x20000, 0x8000, 1u << 20, 0x1000, 0x220};
	unsigned which = op >> 2 & 7, size = 1u << (op & 3);
	uint64_t at = bases[which] + take(in, lens[which] > 0x100 ? 3 : 1) % lens[which], val = 0;
	bool write = op & 32;
	if (which < 3 && size == 8)
		size = 4;
	if (write)
		val = take(in, size > 4 ? 4 : size);
	unsigned times = op & 64 && which > 2 ? 80 : 1; /* a window that is used much becomes memory */
	while (times--)
		bus_access(which < 3 ? &m->pio : &m->mmio, at, &val, size, write);
}

static void step(struct machine *m, struct input *in, struct display_client *c)
{
	struct dev *d = m->devs[0];
	unsigned op = take(in, 1), slot = ((struct pci_dev *)d)->addr.slot;
	if (op < 0xe0) {
		access_one(m, in, op);
		return;
	}
	switch (op & 7) {
	case 0:
		d->type->reset(d);
		break;
	case 1:
		pci_config_write(m->pci, slot, 0, take(in, 1) & 0x3c, 4, take(in, 4));
		break;
	case 2:
		display_wish(m->display, take(in, 2), take(in, 2));
		break;
	case 3: /* an index and its data at once, where most happens */
		for (unsigned i = take(in, 1) & 15; i--;) {
			uint32_t w = take(in, 3);
			static const uint16_t ports[] = {0x3c4, 0x3ce, 0x3d4, 0x3c0};
			bus_access(&m->pio, ports[w >> 16 & 3], &w, w >> 18 & 1 ? 1 : 2, true);
		}
		break;
	case 4: {
		uint32_t index = take(in, 1) % 11, val = take(in, 2);
		bus_access(&m->pio, 0x1ce, &index, 2, true);
		bus_access(&m->pio, 0x1cf, &val, 2, true);
		break;
	}
	case 5:
		m->fake_now_ns += (uint64_t)take(in, 2) << 16;
		break;
	default:
		look(m, c);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static int quiet = -1;
	if (quiet < 0) {
		quiet = open("/dev/null", O_WRONLY | O_CLOEXEC);
		log_open("fuzz", quiet);
	}
	struct domain_video video = {.vram_bytes = 1 << 20};
	struct dev_def def = {
	    .model = "vga", .name = "vga", .addr = {.set = true, .slot = 2}, .video = &video};
	struct display_client looker = {0};
	struct machine m;
	struct err e;
	struct input in = {data, n};
	if (machine_init_bare(&m, 2 << 20, 0, &fuzz_sink, &m, &e) || dev_new(&m, &def, NULL, &e))
		abort();
	pci_config_write(m.pci, 2, 0, 0x10, 4, LFB);
	pci_config_write(m.pci, 2, 0, 0x18, 4, REGS);
	pci_config_write(m.pci, 2, 0, 0x04, 2, 7);
	display_client_add(m.display, &looker);
	while (in.n)
		step(&m, &in, &looker);
	look(&m, &looker);
	display_client_remove(m.display, &looker);
	machine_done_bare(&m);
	return 0;
}
