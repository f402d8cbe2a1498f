/* Any bytes on the control socket: lines that are no JSON, commands of every kind with arguments of every kind,
 * descriptors beside them, several clients. Each line that names a command has one answer, and none takes the
 * machine with it. What runs and stops a machine is not here (run.c), only that it is asked for.
 *
 * Input: a byte (bit 0: another client says it, bit 1: a descriptor comes along), a length of two bytes, bytes.
 * A byte of 255 is a command by its number in the table, so that all are reached, with arguments that follow. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

#include "backend/vmm/chardev.h"
#include "backend/vmm/control.h"
#include "backend/vmm/device.h"
#include "backend/vmm/display/display.h"
#include "backend/vmm/input.h"
#include "backend/vmm/input_control.h"
#include "backend/vmm/machine.h"
#include "backend/vmm/run.h"
#include "backend/vmm/screenlink.h"
#include "src/base/cleanup.h"
#include "src/base/log.h"
#include "src/base/str.h"
#include "src/base/unixsock.h"
#include "tests/fuzz/fuzzlib.h"

#define CLIENTS 2
#define STEPS_MAX 64

static struct machine m;
static uv_loop_t loop;
static int listener = -1, client[CLIENTS] = {-1, -1};
static struct sockaddr_un address = {.sun_family = AF_UNIX};
static socklen_t address_len;

/* --- run.c's, for a machine that only stands there --- */

static bool paused;

void run_pause(struct machine *at, enum domain_reason reason)
{
	paused = true;
}

int run_resume(struct machine *at, struct err *e)
{
	paused = false;
	return 0;
}

int run_powerdown(struct machine *at, bool reboot, struct err *e)
{
	return err_set(e, EINVAL, "there is no button");
}

enum domain_state run_state(const struct machine *at, enum domain_reason *reason)
{
	*reason = DOMAIN_REASON_USER;
	return paused ? DOMAIN_PAUSED : DOMAIN_RUNNING;
}

int run_keeper(const struct machine *at)
{
	return -1;
}

/* --- the machine --- */

static const struct dev_def chips[] = {
    {.model = "i8042", .name = "i8042"},
    {.model = "uart16550", .name = "com1", .index = 0},
};

static const char xml[] =
    "<domain type='kvm'><name>web1</name><memory unit='MiB'>64</memory><vcpu>1</vcpu><os><type>hvm</type>"
    "<kernel>/k</kernel></os><devices><disk type='file' device='disk'><source file='/x.img'/>"
    "<target dev='vda' bus='virtio'/></disk><disk type='file' device='cdrom'><target dev='hdc' bus='ide'/></disk>"
    "<serial type='pty'/><interface type='user'/></devices></domain>";

static void build(void)
{
	static struct domain *d;
	struct err e = {0};
	socklen_t len = sizeof(address);
	log_open("fuzz", open("/dev/null", O_WRONLY | O_CLOEXEC));
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (machine_init_bare(&m, 1 << 20, 0, &fuzz_sink, &m, &e) || uv_loop_init(&loop) ||
	    bind(listener, (struct sockaddr *)&address, sizeof(sa_family_t)) < 0 || listen(listener, 8) < 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &len) < 0)
		abort();
	address_len = len;
	if (chardev_new(&m, 0, &e))
		abort();
	for (size_t i = 0; i < ARRAY_SIZE(chips); i++)
		if (dev_new(&m, &chips[i], NULL, &e))
			abort();
	if (domain_parse(xml, sizeof(xml) - 1, "xml", &d, &e))
		abort();
	m.domain = d;
	m.loop = &loop;
	int keeper[2];
	AUTO_JSON json_t *screen = json_object();
	if (unixsock_pair(SOCK_SEQPACKET, keeper) || screenlink_new(&m, keeper[0], screen, &e) ||
	    input_control_init(&m, &e))
		abort();
	display_of(&m);
	named_add(&m.fds, "control", listener);
	if (control_serve(&m, &e))
		abort();
}

static int client_of(unsigned i)
{
	if (client[i] >= 0)
		return client[i];
	client[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (connect(client[i], (struct sockaddr *)&address, address_len) < 0)
		abort();
	return client[i];
}

/* Take what was answered, and the descriptors. */
static void drain(unsigned i)
{
	static char text[65536];
	int fds[4];
	for (;;) {
		size_t n = ARRAY_SIZE(fds);
		ssize_t k = client[i] < 0 ? -1 : unixsock_recv(client[i], text, sizeof(text), fds, &n);
		while (k >= 0 && n)
			close(fds[--n]);
		if (k == 0) {
			close(client[i]);
			client[i] = -1;
		}
		if (k <= 0)
			return;
	}
}

static void turn(void)
{
	for (int i = 0; i < 4; i++)
		uv_run(&loop, UV_RUN_NOWAIT);
	for (unsigned i = 0; i < CLIENTS; i++)
		drain(i);
	m.request = 0; /* "quit" and the like: not here */
}

static void say(unsigned who, const void *p, size_t n, bool with_fd)
{
	int fd = with_fd ? open("/dev/null", O_RDWR | O_CLOEXEC) : -1;
	int to = client_of(who);
	turn();
	if (n && client[who] >= 0)
		unixsock_send(to, p, n, &fd, fd >= 0);
	fd_close(fd);
	turn();
}

static void say_command(unsigned who, unsigned number, const uint8_t *args, size_t n, bool with_fd)
{
	unsigned count = 0;
	AUTO_BUF struct buf b = {0};
	while (control_commands[count].name)
		count++;
	buf_printf(&b, "{\"execute\": \"%s\", \"arguments\": ", control_commands[number % count].name);
	buf_add(&b, args, n);
	buf_puts(&b, "}\n");
	say(who, b.s, b.len, with_fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	if (!m.pci)
		build();
	for (unsigned i = 0; i < STEPS_MAX && in.n; i++) {
		unsigned how = take(&in, 1), number = how == 255 ? take(&in, 1) : 0;
		size_t n = take(&in, 2);
		n = n < in.n ? n : in.n;
		if (how == 255)
			say_command(number & 1, number >> 1, in.p, n, number & 128);
		else
			say(how & 1, in.p, n, how & 2);
		in.p += n;
		in.n -= n;
	}
	for (unsigned i = 0; i < CLIENTS; i++) {
		fd_close(client[i]);
		client[i] = -1;
	}
	turn();
	return 0;
}
