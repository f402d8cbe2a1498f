/* Any bytes as what a screen process that viewers have taken over says to the machine. It may be dropped for
 * it; the machine goes on and takes the next one.
 *
 * Input: messages, each a length of two bytes and that many bytes.
 * floor: 310 edges */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "backend/vmm/device.h"
#include "backend/vmm/display/display.h"
#include "backend/vmm/input.h"
#include "backend/vmm/machine.h"
#include "backend/vmm/screenlink.h"
#include "src/base/unixsock.h"
#include "src/proto/screen.h"

#define MESSAGES_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct machine m;
static uv_loop_t loop;
static struct dev video = {.name = "video"}, input = {.name = "input"};
static struct surface surface = {.fd = -1, .width = 640, .height = 480, .stride = 2560};
static int keeper;

static void check(bool so)
{
	if (!so)
		abort();
}

static void refresh(struct dev *d)
{
	display_damage(display_of(&m), d, 3, 4, 5, 6);
}

static void wish(struct dev *d, unsigned width, unsigned height)
{
	check(width && width <= DISPLAY_WIDTH_MAX && height && height <= DISPLAY_HEIGHT_MAX);
}

static bool active(struct dev *d)
{
	return true;
}

static void key(struct dev *d, unsigned code, bool down)
{
	check(code && code < 0x300);
}

static void pointer(struct dev *d, const struct input_pointer *p)
{
	check(!p->absolute || (p->x >= 0 && p->x <= INPUT_ABS_MAX && p->y >= 0 && p->y <= INPUT_ABS_MAX));
	check(!(p->buttons & ~31u) && abs(p->wheel) <= 1000 && abs(p->hwheel) <= 1000);
}

static const struct display_ops video_ops = {.refresh = refresh, .wish = wish};
static const struct input_sink sink = {
    .absolute = true, .key_active = active, .key = key, .pointer_active = active, .pointer = pointer};

static void build(void)
{
	static const struct irq_sink nobody;
	struct err e = {0};
	int pair[2];
	check(!machine_init_bare(&m, 1 << 20, 0, &nobody, NULL, &e) && !uv_loop_init(&loop) &&
	      !unixsock_pair(SOCK_SEQPACKET, pair));
	m.loop = &loop;
	keeper = pair[1];
	fcntl(keeper, F_SETFL, O_NONBLOCK);
	json_t *config = json_object();
	check(!screenlink_new(&m, pair[0], config, &e));
	json_decref(config);
	surface.fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	check(!display_attach(display_of(&m), &video, &video_ops, &e) &&
	      !input_sink_add(&m, &input, &sink, &e));
	display_set_surface(display_of(&m), &video, &surface);
}

/* Read what was said; how many messages. Descriptors that came with them are closed. */
static int drain(int fd)
{
	static char text[SCREEN_MESSAGE_MAX];
	int fds[4], n = 0;
	for (;; n++) {
		size_t got = 4;
		ssize_t k = unixsock_recv(fd, text, sizeof(text), fds, &got);
		if (k <= 0)
			return n;
		while (got)
			close(fds[--got]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int pair[2];
	if (!m.screenlink)
		build();
	check(!unixsock_pair(SOCK_SEQPACKET, pair));
	fcntl(pair[1], F_SETFL, O_NONBLOCK);
	screenlink_attach(&m, pair[0]);
	uv_run(&loop, UV_RUN_NOWAIT);
	check(drain(pair[1]) >= 4); /* the greeting, whatever the last one did */
	for (unsigned i = 0; i < MESSAGES_MAX && size >= 2; i++) {
		size_t n = data[0] | (size_t)data[1] << 8;
		data += 2;
		size -= 2;
		n = n < size ? n : size;
		unixsock_send(pair[1], data, n, NULL, 0);
		data += n;
		size -= n;
		uv_run(&loop, UV_RUN_NOWAIT);
		drain(pair[1]);
	}
	close(pair[1]);
	uv_run(&loop, UV_RUN_NOWAIT);
	uv_run(&loop, UV_RUN_NOWAIT);
	drain(keeper);
	return 0;
}
