/* Messages of the machine to the deck (src/proto/screen.h), as a machine may send them that the guest has
 * taken over, and what the deck draws of them: each a byte for the type (its highest bit: with the picture's
 * memory), two for the length, and what follows the type. A type of 120 and more is the terminal, which has
 * another size or looks for a change.
 * floor: 350 edges */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/base/cleanup.h"
#include "src/base/unixsock.h"
#include "ui/tui/scale.h"
#include "ui/tui/screen_link.h"
#include "ui/tui/term_picture.h"
#include "ui/tui/text_view.h"

#define MEMORY (1 << 20)
#define TERMINAL 120

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct screen_link screen;
static struct scaled scaled;
static struct text_view view;
static struct canvas canvas, shown;
static bool stale;

static void rect(void *arg, int x, int y, int w, int h)
{
	struct picture p = {screen.pixels, (int)screen.width, (int)screen.height, (int)screen.width};
	if (x < 0 || y < 0 || w < 1 || h < 1 || x + w > p.width || y + h > p.height)
		abort();
	stale |= scaled.from_w != p.width || scaled.from_h != p.height;
	if (!stale)
		scaled_update(&scaled, &p, x, y, w, h);
}

static void draw(void)
{
	static const struct picture_mode mode = {256, true};
	static struct picture_place place;
	AUTO_BUF struct buf out = {0};
	struct picture p = {screen.pixels, (int)screen.width, (int)screen.height, (int)screen.width};
	canvas_clear(&canvas);
	struct area a = area_all(&canvas);
	if (screen.text.cols) {
		text_view_draw(&view, &screen.text, screen.cells, &a, true);
		free(text_view_selected(&view, &screen.text, screen.cells));
		return;
	}
	if (canvas.cols % 2)
		stale |= scaled_fit_image(&scaled, p.width, p.height, canvas.cols, canvas.rows, 7, 15);
	else
		stale |= scaled_fit(&scaled, p.width, p.height, canvas.cols, canvas.rows, 2000);
	if (stale)
		scaled_update(&scaled, &p, 0, 0, p.width, p.height);
	stale = false;
	scaled_draw(&scaled, &a);
	picture_encode(&canvas, &shown, &mode, &place, 10000, &out);
}

static void terminal(const uint8_t *data, size_t n)
{
	struct vt_mouse m = {.action = n > 3 ? data[3] % 3 : 0, .button = n > 4 ? data[4] % 6 : 0};
	if (n > 1) {
		canvas_resize(&canvas, 1 + data[0] % 60, 1 + data[1] % 200);
		canvas_resize(&shown, canvas.rows, canvas.cols);
	}
	if (n > 2 && screen.text.cols) {
		text_view_begin(&view, &screen.text);
		text_view_key(&view, &screen.text, (struct key){data[2], 0});
		text_view_mouse(&view, &screen.text, &m, data[0], data[1]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char m[SCREEN_MESSAGE_MAX];
	static int memory = -1;
	int pair[2];
	struct err e;
	if (memory < 0 &&
	    ((memory = memfd_create("picture", MFD_CLOEXEC)) < 0 || ftruncate(memory, MEMORY) < 0))
		abort();
	if (unixsock_pair(SOCK_SEQPACKET, pair))
		abort();
	memset(&view, 0, sizeof(view));
	canvas_resize(&canvas, 24, 80);
	canvas_resize(&shown, 24, 80);
	screen_link_open(&screen, pair[0]);
	for (size_t i = 0; i + 3 <= size;) {
		uint32_t type = data[i] & 0x7f;
		size_t n = (size_t)data[i + 1] << 8 | data[i + 2], nfds = data[i] >> 7;
		i += 3;
		n = n < size - i ? n : size - i;
		n = n < sizeof(m) - 4 ? n : sizeof(m) - 4;
		memcpy(m, &type, 4);
		memcpy(m + 4, data + i, n);
		if (type >= TERMINAL)
			terminal(data + i, n);
		else if (unixsock_send(pair[1], m, 4 + n, &memory, nfds) < 0)
			break;
		i += n;
		unsigned found = screen_link_read(&screen, rect, NULL, &e);
		stale |= (found & LINK_SIZE) != 0;
		if (found & LINK_SIZE)
			text_view_reset(&view);
		if (found & LINK_ENDED)
			break;
		draw();
	}
	screen_link_close(&screen);
	scaled_done(&scaled);
	close(pair[1]);
	return 0;
}
