/* The relay as a whole before viewers and a server: what strangers send over their sockets, in what order they
 * send, read, and leave, and what the server says to those who are in. TLS is only begun here.
 *
 * The first byte says how viewers are let in; then each operation is a byte (what, and which viewer) and a
 * length with its bytes. Whatever comes, all queues stay within their bounds and end, and nobody is in where
 * TLS is asked for and was not spoken. floor: 400 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "backend/screen/guard.h"
#include "backend/screen/relay.h"
#include "backend/screen/tls.h"
#include "src/base/cleanup.h"
#include "src/base/log.h"
#include "src/base/unixsock.h"

#define VIEWERS 4
#define IN_MAX 64    /* of the server's ends that are kept */
#define QUEUES (RELAY_OUT_MAX + (512u << 10)) /* of a viewer, towards it and from it */
#define TIMES_MAX 64 /* the longest piece is this often what the input has */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int64_t now;
static int server[IN_MAX];
static size_t nserver;
static bool must_tls, drained;

static int64_t clock_now(void)
{
	return now;
}

/* Without DES the fuzzer can guess. */
static void no_des(uint8_t c[16], const char *passwd)
{
	memset(c, '.', 16);
	memcpy(c, passwd, strlen(passwd));
}

static void joined(void *ctx, unsigned id, int fd, bool view_only)
{
	if (must_tls)
		abort();
	if (nserver < IN_MAX)
		server[nserver++] = fd;
	else
		close(fd);
}

static void changed(void *ctx)
{
}

static void asked(void *ctx, unsigned id, unsigned what)
{
	if (what & ~(unsigned)(GUARD_CLIP_REQUEST | GUARD_CLIP_PEEK))
		abort();
}

static void encoding(void *ctx, unsigned id, json_t *viewer)
{
}

static int listener(struct sockaddr_un *a, socklen_t *len)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	*a = (struct sockaddr_un){.sun_family = AF_UNIX};
	*len = sizeof(a->sun_family); /* the kernel finds a name for it */
	if (fd < 0 || bind(fd, (struct sockaddr *)a, *len) || listen(fd, 16))
		abort();
	*len = sizeof(*a);
	if (getsockname(fd, (struct sockaddr *)a, len))
		abort();
	return fd;
}

static int dial(const struct sockaddr_un *a, socklen_t len)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)a, len)) {
		close(fd);
		return -1;
	}
	return fd;
}

static void swallow(int fd)
{
	uint8_t p[4096];
	for (int i = 0; i < 16 && fd >= 0 && recv(fd, p, sizeof(p), MSG_DONTWAIT) > 0; i++)
		;
}

static void say(int fd, const uint8_t *p, size_t n, unsigned times)
{
	for (unsigned i = 0; i < times && fd >= 0 && n; i++)
		if (send(fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			return;
}

static void turn(struct relay *r)
{
	size_t bytes;
	relay_turn(r);
	if (!relay_queued(r, &bytes) || (!drained && bytes > (size_t)QUEUES * (RELAY_VIEWERS + RELAY_STRANGERS)))
		abort();
	json_decref(relay_viewers(r, encoding, NULL));
}

static void configure(struct relay *r, uint8_t how)
{
	struct config c = {.known = how & 1, .share = (how >> 1) % 3, .tls = how & 16  ? CONFIG_TLS_REQUIRED
				  : how & 8 ? CONFIG_TLS_ALLOWED
					    : CONFIG_TLS_OFF};
	strcpy(c.passwd, how & 32 ? "secret" : "");
	strcpy(c.view_passwd, how & 64 ? "look" : "");
	if (c.tls != CONFIG_TLS_OFF && tls_cred_anonymous(&c.cred, NULL))
		abort();
	relay_config(r, &c);
}

enum { SAY, SAY_OFTEN, LEAVE, READ, SERVE, SERVER_READS, SERVER_LEAVES, TIME, DRAIN, KICK, CONFIG, OPS };

static void operate(struct relay *r, uint8_t op, int *viewer, const struct sockaddr_un *a, socklen_t len, const uint8_t *p,
		    size_t n)
{
	int *v = &viewer[op >> 4 & 3];
	int *s = nserver ? &server[(op >> 4) % nserver] : NULL;
	switch (op % 16 % OPS) {
	case SAY:
	case SAY_OFTEN:
		if (*v < 0)
			*v = dial(a, len);
		say(*v, p, n, op % 16 % OPS == SAY ? 1 : TIMES_MAX);
		break;
	case LEAVE:
		fd_close(*v);
		*v = -1;
		break;
	case READ:
		swallow(*v);
		break;
	case SERVE:
		say(s ? *s : -1, p, n, n ? p[0] : 0);
		break;
	case SERVER_READS:
		swallow(s ? *s : -1);
		break;
	case SERVER_LEAVES:
		if (s)
			fd_close(*s);
		if (s)
			*s = -1;
		break;
	case TIME:
		now += n ? p[0] * 50 : 1;
		break;
	case DRAIN:
		drained |= n & 1;
		relay_drain(r, n & 1);
		break;
	case KICK:
		relay_kick(r);
		break;
	case CONFIG:
		if (n)
			configure(r, p[0] | (must_tls ? 16 : 0));
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct relay_ops ops = {joined, changed, asked, no_des, clock_now};
	static bool quiet;
	struct sockaddr_un a;
	socklen_t len;
	int viewer[VIEWERS] = {-1, -1, -1, -1};
	if (size < 2)
		return 0;
	if (!quiet)
		log_open("fuzz", open("/dev/null", O_WRONLY | O_CLOEXEC));
	quiet = true;
	now = 1000;
	nserver = 0;
	int l = listener(&a, &len);
	struct relay *r = relay_new_still(&l, 1, &ops, NULL);
	drained = false;
	must_tls = data[0] & 16;
	configure(r, data[0]);
	for (size_t i = 1; i + 2 <= size;) {
		uint8_t op = data[i];
		size_t n = data[i + 1];
		i += 2;
		n = n < size - i ? n : size - i;
		operate(r, op, viewer, &a, len, data + i, n);
		i += n;
		turn(r);
		turn(r);
	}
	for (int k = 0; k < 40 && relay_count(r); k++) { /* left alone, those who are not in leave */
		now += 1000;
		turn(r);
	}
	for (int i = 0; i < VIEWERS; i++)
		fd_close(viewer[i]);
	for (size_t i = 0; i < nserver; i++)
		fd_close(server[i]);
	for (int k = 0; k < 10; k++) {
		now += 3000;
		turn(r);
	}
	if (relay_count(r)) /* and all, once nobody is there */
		abort();
	relay_free(r);
	return 0;
}
