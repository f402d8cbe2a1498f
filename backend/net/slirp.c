/* Theory of operation. libslirp is TCP/IP in one process: what the guest sends comes out of ordinary sockets
 * of ours, so that no privilege is needed. It wants to be asked before each poll() which sockets it waits for
 * and until when, and be told after it which are ready (slirp_pollfds_fill(), slirp_pollfds_poll()). A plain
 * poll() fits that better than libuv, whose handles must not outlive the sockets, which libslirp closes
 * whenever it likes. Callbacks come from within its calls, all on one thread. */
#include "backend/net/slirp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <slirp/libslirp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "backend/net/reassemble.h"
#include "src/base/cleanup.h"
#include "src/base/log.h"
#include "src/base/str.h"
#include "src/proto/net.h"

#define GUEST_ERRORS_MAX 10 /* told of a guest that sends nonsense */
#define CONFIG_VERSION 4

struct timer {
	SlirpTimerCb cb;
	void *opaque;
	int64_t at_ms; /* -1: not set */
	struct timer *next;
};

struct usernet {
	Slirp *slirp;
	struct usernet_config c;
	struct timer *timers;
	struct pollfd *fds;
	size_t nfds, room;
	bool hold;
	unsigned guest_errors;
	struct reassembly fragments;
};

static int64_t now_ns(void *ctx)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static int64_t now_ms(void)
{
	return now_ns(NULL) / 1000000;
}

/* --- what libslirp calls --- */

static ssize_t send_packet(const void *frame, size_t len, void *ctx)
{
	struct usernet *u = ctx;
	u->c.send(u->c.ctx, frame, len);
	return (ssize_t)len;
}

static void guest_error(const char *msg, void *ctx)
{
	struct usernet *u = ctx;
	char show[128];
	if (u->guest_errors < GUEST_ERRORS_MAX)
		log_warn("the guest sent nonsense: %s", str_printable(msg, show, sizeof(show)));
	if (++u->guest_errors == GUEST_ERRORS_MAX)
		log_warn("the guest sends more nonsense: not told any more");
}

static void *timer_new(SlirpTimerCb cb, void *opaque, void *ctx)
{
	struct usernet *u = ctx;
	struct timer *t = x_calloc(1, sizeof(*t));
	*t = (struct timer){cb, opaque, -1, u->timers};
	u->timers = t;
	return t;
}

static void timer_free(void *timer, void *ctx)
{
	struct usernet *u = ctx;
	for (struct timer **p = &u->timers; *p; p = &(*p)->next)
		if (*p == timer) {
			*p = (*p)->next;
			free(timer);
			return;
		}
}

static void timer_mod(void *timer, int64_t at_ms, void *ctx)
{
	((struct timer *)timer)->at_ms = at_ms;
}

static void no_fd(int fd, void *ctx)
{
}

static void no_notify(void *ctx)
{
}

static const SlirpCb callbacks = {
    .send_packet = send_packet,
    .guest_error = guest_error,
    .clock_get_ns = now_ns,
    .timer_new = timer_new,
    .timer_free = timer_free,
    .timer_mod = timer_mod,
    .register_poll_fd = no_fd, /* it is asked anew each time */
    .unregister_poll_fd = no_fd,
    .notify = no_notify, /* one thread: whatever it was, the loop comes to it */
};

/* --- beginning and end --- */

static struct in_addr v4(const char *text)
{
	struct in_addr a = {0};
	inet_pton(AF_INET, text, &a);
	return a;
}

static struct in6_addr v6(const char *text)
{
	struct in6_addr a = {0};
	inet_pton(AF_INET6, text, &a);
	return a;
}

struct usernet *usernet_new(const struct usernet_config *c)
{
	struct usernet *u = x_calloc(1, sizeof(*u));
	u->c = *c;
	SlirpConfig s = {
	    .version = CONFIG_VERSION,
	    .in_enabled = true,
	    .vnetwork = v4("10.0.2.0"),
	    .vnetmask = v4("255.255.255.0"),
	    .vhost = v4(NET_HOST),
	    .vnameserver = v4(NET_DNS),
	    .vdhcp_start = v4(NET_GUEST),
	    .in6_enabled = c->ipv6,
	    .vprefix_addr6 = v6("fec0::"),
	    .vprefix_len = 64,
	    .vhost6 = v6("fec0::2"),
	    .vnameserver6 = v6("fec0::3"),
	    .vhostname = c->hostname,
	    .if_mtu = c->mtu,
	    .if_mru = c->mtu,
	    .disable_host_loopback = false, /* as users of QEMU know it: 10.0.2.2 is this host */
	};
	u->slirp = slirp_new(&s, &callbacks, u);
	return u;
}

void usernet_free(struct usernet *u)
{
	if (!u)
		return;
	slirp_cleanup(u->slirp);
	reassembly_done(&u->fragments);
	while (u->timers)
		timer_free(u->timers, u);
	free(u->fds);
	free(u);
}

/* --- port forwards --- */

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static bool address_of(const char *text, unsigned port, union address *a, socklen_t *len)
{
	*a = (union address){0};
	if (inet_pton(AF_INET, text, &a->v4.sin_addr) == 1) {
		a->v4.sin_family = AF_INET;
		a->v4.sin_port = htons((uint16_t)port);
		*len = sizeof(a->v4);
		return true;
	}
	if (inet_pton(AF_INET6, text, &a->v6.sin6_addr) != 1)
		return false;
	a->v6.sin6_family = AF_INET6;
	a->v6.sin6_port = htons((uint16_t)port);
	*len = sizeof(a->v6);
	return true;
}

int usernet_forward(struct usernet *u, bool udp, const char *address, unsigned port, unsigned to,
		    struct err *e)
{
	union address host, guest;
	socklen_t host_len, guest_len;
	if (!address_of(address, port, &host, &host_len) || !address_of(NET_GUEST, to, &guest, &guest_len))
		return err_set(e, EINVAL, "'%s' is no address", address);
	int flags =
	    (udp ? SLIRP_HOSTFWD_UDP : 0) | (host.any.sa_family == AF_INET6 ? SLIRP_HOSTFWD_V6ONLY : 0);
	errno = 0;
	if (slirp_add_hostxfwd(u->slirp, &host.any, host_len, &guest.any, guest_len, flags) == 0)
		return 0;
	int code = errno ? errno : EADDRINUSE;
	return err_set(e, code, "cannot listen at %s port %u of '%s' for the guest: %s", udp ? "UDP" : "TCP",
		       port, address, strerror(code));
}

/* --- the loop's turn --- */

void usernet_input(struct usernet *u, uint8_t *frame, size_t len)
{
	/* Ethertypes that we know (IEEE): IPv4, ARP, IPv6. libslirp looks at others, too, for other uses of
	 * it. */
	unsigned type = len < FRAME_HEADER ? 0 : (unsigned)frame[12] << 8 | frame[13];
	if (type != 0x0800 && type != 0x0806 && type != 0x86dd)
		return;
	if (len < FRAME_MIN && type == 0x0806) { /* it reads an ARP message whole */
		memset(frame + len, 0, FRAME_MIN - len);
		len = FRAME_MIN;
	}
	const uint8_t *whole = frame;
	if (type == 0x0800 && reassemble(&u->fragments, frame, len, now_ms(), &whole, &len) == FRAME_KEPT)
		return;
	slirp_input(u->slirp, whole, (int)len);
}

static int add_poll(int fd, int events, void *ctx)
{
	struct usernet *u = ctx;
	short want = (short)((events & SLIRP_POLL_OUT ? POLLOUT : 0));
	if (!u->hold)
		want |=
		    (short)((events & SLIRP_POLL_IN ? POLLIN : 0) | (events & SLIRP_POLL_PRI ? POLLPRI : 0));
	if (u->nfds == u->room) {
		u->room = u->room ? u->room * 2 : 64;
		u->fds = x_realloc(u->fds, u->room * sizeof(*u->fds));
	}
	/* What only waits for room would be told of a hang-up again and again. */
	u->fds[u->nfds] = (struct pollfd){.fd = want ? fd : -1, .events = want};
	return (int)u->nfds++;
}

static int get_revents(int idx, void *ctx)
{
	struct usernet *u = ctx;
	static const struct {
		short from;
		int to;
	} bits[] = {{POLLIN, SLIRP_POLL_IN},
		    {POLLOUT, SLIRP_POLL_OUT},
		    {POLLPRI, SLIRP_POLL_PRI},
		    {POLLERR, SLIRP_POLL_ERR},
		    {POLLHUP, SLIRP_POLL_HUP}};
	int out = 0;
	for (size_t i = 0; i < ARRAY_SIZE(bits); i++)
		out |= u->fds[idx].revents & bits[i].from ? bits[i].to : 0;
	return out;
}

static uint32_t next_timer(const struct usernet *u, uint32_t timeout_ms)
{
	int64_t now = now_ms();
	for (const struct timer *t = u->timers; t; t = t->next)
		if (t->at_ms >= 0 && t->at_ms - now < (int64_t)timeout_ms)
			timeout_ms = t->at_ms > now ? (uint32_t)(t->at_ms - now) : 0;
	return timeout_ms;
}

static void run_timers(struct usernet *u)
{
	int64_t now = now_ms();
	for (struct timer *t = u->timers, *next; t; t = next) {
		next = t->next;
		if (t->at_ms < 0 || t->at_ms > now)
			continue;
		t->at_ms = -1;
		t->cb(t->opaque);
	}
}

int usernet_wait(struct usernet *u, struct pollfd *own, size_t n, bool hold)
{
	uint32_t timeout_ms = UINT32_MAX;
	u->nfds = 0;
	u->hold = hold;
	for (size_t i = 0; i < n; i++)
		add_poll(-1, 0, u);
	memcpy(u->fds, own, n * sizeof(*own));
	slirp_pollfds_fill(u->slirp, &timeout_ms, add_poll, u);
	timeout_ms = next_timer(u, timeout_ms);
	int rc = poll(u->fds, u->nfds, timeout_ms > INT32_MAX ? -1 : (int)timeout_ms);
	int code = rc < 0 ? errno : 0;
	memcpy(own, u->fds, n * sizeof(*own));
	slirp_pollfds_poll(u->slirp, rc < 0, get_revents, u);
	run_timers(u);
	return code == EINTR ? 0 : -code;
}
