/* Theory of operation. One loop: frames from the machine go into libslirp, what it answers into a bounded
 * queue back, its sockets are polled with ours. The guest decides what comes in, so before the first frame
 * the process, when it was root's, takes the uid of its guest; it is without capabilities, with a list of
 * system calls, and opens no file: the host's resolv.conf is read by a process beside it (resolver.c), which
 * hands over the text. It stays in the host's network: that is what it is for; where in it the guest may go,
 * gate.c says. It listens for port forwards before, as ports below 1024 may need rights. */
#include "backend/net/net.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backend/net/queue.h"
#include "backend/net/resolver.h"
#include "backend/net/sandbox_rules.h"
#include "backend/net/slirp.h"
#include "src/base/cleanup.h"
#include "src/base/json.h"
#include "src/base/log.h"
#include "src/base/str.h"
#include "src/base/unixsock.h"
#include "src/proto/launch.h"
#include "src/proto/net.h"

#define MTU_DEFAULT 1500
#define MTU_MIN 68    /* RFC 791, 3.2 */
#define MTU_MAX 65521 /* libslirp's */
#define VLAN_TAG 4
#define FRAMES_AT_ONCE 64
#define DESCRIPTORS 8192
#define FILE_BYTES (64u << 20)   /* only the log is written to */
#define MEMORY_BYTES (4ull << 30) /* of address space: DESCRIPTORS times libslirp's buffers, which are 256 KiB */
#define RESOLV_MS 2000 /* for a file that is read at once */

struct net {
	int frames;
	int resolv; /* where the texts of resolv.conf come (resolver.h); -1: none more */
	struct usernet *usernet;
	struct queue queue;
	uint8_t *buf;
	size_t frame_bytes;
};

/* Does this host have IPv6 beyond its own links? (proc(5), /proc/net/if_inet6: address, index, prefix, scope)
 */
static bool host_has_ipv6(void)
{
	AUTO_FCLOSE FILE *f = fopen("/proc/net/if_inet6", "re");
	char line[128];
	unsigned scope;
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%*s %*x %*x %x", &scope) == 1 && scope == 0)
			return true;
	return false;
}

static void send_frame(void *ctx, const void *frame, size_t len)
{
	struct net *n = ctx;
	queue_put(&n->queue, frame, len);
}

static int add_forwards(struct net *n, const json_t *list, struct err *e)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *f = json_array_get(list, i);
		int64_t start = json_int(f, "start", 0), end = json_int(f, "end", start),
			to = json_int(f, "to", start);
		if (start < 1 || end < start || end > 65535 || to < 1 || to + (end - start) > 65535)
			return err_set(e, EINVAL, "the keeper asks for ports %lld to %lld", (long long)start,
				       (long long)end);
		for (int64_t p = start; p <= end; p++) {
			int rc = usernet_forward(n->usernet, json_flag(f, "udp", false),
						 json_str(f, "address", "127.0.0.1"), (unsigned)p,
						 (unsigned)(to + p - start), e);
			if (rc)
				return rc;
		}
	}
	return 0;
}

static int enter_sandbox(struct err *e)
{
	struct sandbox_needs needs = {.network = true,
				      .descriptors = DESCRIPTORS,
				      .file_bytes = FILE_BYTES,
				      .memory_bytes = MEMORY_BYTES};
	int rc = sandbox_prepare(&needs, e);
	return rc ? rc : sandbox_enter(net_sandbox_rules, net_sandbox_nrules, e);
}

/* What resolv.conf says now, when it has come. */
static void read_resolv(struct net *n)
{
	struct resolv r;
	int rc = n->resolv < 0 ? -EAGAIN : resolver_read(n->resolv, &r);
	if (!rc)
		usernet_resolv(n->usernet, &r);
	if (rc != -EPIPE)
		return;
	log_warn("changes of '%s' are not seen any more: the process that reads it is gone", RESOLV_PATH);
	close(n->resolv);
	n->resolv = -1;
}

/* The first, before the guest asks. */
static void await_resolv(struct net *n)
{
	struct pollfd p = {.fd = n->resolv, .events = POLLIN};
	if (poll(&p, 1, RESOLV_MS) == 1)
		read_resolv(n);
}

static json_t *read_config(int fd, struct err *e)
{
	AUTO_FREE char *text = x_malloc(NET_MESSAGE_MAX);
	size_t nfds = 0;
	ssize_t n = unixsock_recv(fd, text, NET_MESSAGE_MAX, NULL, &nfds);
	if (n <= 0) {
		err_set(e, n ? (int)-n : EPIPE, "the keeper says nothing");
		return NULL;
	}
	return json_parse(text, (size_t)n, e);
}

static int begin(struct net *n, int config, struct err *e)
{
	AUTO_JSON json_t *j = read_config(config, e);
	if (!j)
		return -EINVAL;
	if (!json_is_object(j))
		return err_set(e, EINVAL, "the keeper sent no object");
	int64_t mtu = json_int(j, "mtu", MTU_DEFAULT);
	if (mtu < MTU_MIN || mtu > MTU_MAX)
		mtu = mtu < MTU_MIN ? MTU_MIN : MTU_MAX;
	n->frame_bytes = (size_t)mtu + FRAME_HEADER + VLAN_TAG;
	n->buf = x_malloc(n->frame_bytes + FRAME_MIN);
	queue_init(&n->queue, n->frames, n->frame_bytes);
	n->resolv = resolver_start((const int[]){n->frames, config}, 2, e);
	if (n->resolv < 0)
		return n->resolv;
	struct usernet_config c = {.hostname = json_str(j, "hostname", NULL),
				   .mtu = (unsigned)mtu,
				   .ipv6 = host_has_ipv6(),
				   .host_loopback = json_flag(j, "host_loopback", false),
				   .link_local = json_flag(j, "link_local", false),
				   .send = send_frame,
				   .ctx = n};
	n->usernet = usernet_new(&c);
	int rc = add_forwards(n, json_object_get(j, "forwards"), e);
	if (!rc)
		await_resolv(n);
	return rc ? rc : enter_sandbox(e);
}

/* Return: the machine has closed its end. */
static bool read_frames(struct net *n)
{
	for (unsigned i = 0; i < FRAMES_AT_ONCE; i++) {
		ssize_t k = recv(n->frames, n->buf, n->frame_bytes, MSG_DONTWAIT | MSG_TRUNC);
		if (k < 0)
			return errno != EAGAIN && errno != EINTR;
		if (k == 0)
			return true;
		if ((size_t)k <= n->frame_bytes) /* a longer one no card would take */
			usernet_input(n->usernet, n->buf, (size_t)k);
	}
	return false;
}

static int serve(struct net *n)
{
	for (;;) {
		struct pollfd p[2] = {
		    {.fd = n->frames, .events = (short)(POLLIN | (n->queue.n ? POLLOUT : 0))},
		    {.fd = n->resolv, .events = POLLIN}};
		int rc = usernet_wait(n->usernet, p, 2, queue_tight(&n->queue));
		if (rc) {
			log_error("cannot wait for the network: %s", strerror(-rc));
			return 1;
		}
		if (queue_flush(&n->queue) == -EPIPE || (p[0].revents && read_frames(n)))
			return 0;
		if (p[1].revents)
			read_resolv(n);
	}
}

int net_main(int frames, int config)
{
	struct net n = {.frames = frames, .resolv = -1};
	struct err e = {0};
	fcntl(frames, F_SETFD, FD_CLOEXEC);
	int rc = begin(&n, config, &e);
	if (rc) {
		launch_answer_error(config, &e);
		log_error("%s", e.msg);
	} else {
		launch_answer_ready(config, getpid());
	}
	close(config);
	int status = rc ? 1 : serve(&n);
	usernet_free(n.usernet);
	queue_done(&n.queue);
	free(n.buf);
	close(frames);
	fd_close(n.resolv);
	return status;
}
