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

#include "backend/net/dns.h"
#include "backend/net/gate.h"
#include "backend/net/reassemble.h"
#include "src/base/cleanup.h"
#include "src/base/log.h"
#include "src/base/str.h"
#include "src/proto/net.h"

#define GUEST_ERRORS_MAX 10 /* told of a guest that sends nonsense */
#define CONFIG_VERSION 4
#define FRAME_MAX 65600 /* of libslirp's */
#define FRAME_ROOM (FRAME_MAX + 64) /* with what is added */

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
	struct gate gate;
	bool refused; /* the guest wanted what is closed, and that was told */
	struct dns *dns;
	struct pollfd dns_polls[DNS_POLL_MAX];
	uint8_t *out; /* a frame that we change */
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

/* RDNSS (RFC 8106), which libslirp leaves out of its router advertisements where it cannot read resolv.conf
 * itself. Return: the new length. */
static size_t add_rdnss(uint8_t *frame, size_t len, const struct packet *p)
{
	enum { LIFETIME_S = 1200, OPTION = 24, ROUTER_ADVERTISEMENT = 134, RDNSS = 25 };
	uint8_t *option = frame + FRAME_HEADER + p->ip_len;
	if (!p->v6 || p->proto != IPPROTO_ICMPV6 || p->icmp_type != ROUTER_ADVERTISEMENT)
		return len;
	memset(option, 0, OPTION);
	option[0] = RDNSS;
	option[1] = OPTION / 8;
	option[6] = LIFETIME_S >> 8;
	option[7] = LIFETIME_S & 0xff;
	inet_pton(AF_INET6, NET_DNS6, option + 8);
	packet_grow(frame, p, OPTION);
	return FRAME_HEADER + p->ip_len + OPTION;
}

static bool same_address(const struct packet *p, const uint8_t *a, const char *text)
{
	uint8_t b[16];
	return inet_pton(p->v6 ? AF_INET6 : AF_INET, text, b) == 1 && !memcmp(a, b, p->v6 ? 16 : 4);
}

/* What our own end of DNS by TCP says, the guest hears from its name server. */
static void from_name_server(const struct packet *p, uint8_t *frame)
{
	uint8_t dns[16];
	if (p->proto != IPPROTO_TCP || !same_address(p, p->src, p->v6 ? "::1" : "127.0.0.1"))
		return;
	inet_pton(p->v6 ? AF_INET6 : AF_INET, p->v6 ? NET_DNS6 : NET_DNS, dns);
	packet_readdress(frame, p->v6, false, dns, RESOLV_PORT);
}

static ssize_t send_packet(const void *frame, size_t len, void *ctx)
{
	struct usernet *u = ctx;
	struct packet p;
	bool known = len <= FRAME_MAX && packet_read(frame, len, &p);
	if (known && p.proto == IPPROTO_UDP)
		gate_heard(&u->gate, &p, now_ms());
	if (!known || (p.proto == IPPROTO_TCP ? p.sport != dns_port(u->dns, p.v6) : p.proto != IPPROTO_ICMPV6)) {
		u->c.send(u->c.ctx, frame, len);
		return (ssize_t)len;
	}
	memcpy(u->out, frame, len);
	size_t n = add_rdnss(u->out, len, &p);
	from_name_server(&p, u->out);
	u->c.send(u->c.ctx, u->out, n);
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

static void send_answer(void *ctx, const void *frame, size_t len)
{
	struct usernet *u = ctx;
	u->c.send(u->c.ctx, frame, len);
}

/* Is that the address of a socket that libslirp has? */
static bool is_guests(void *ctx, const struct sockaddr *a, socklen_t len)
{
	struct usernet *u = ctx;
	for (size_t i = 0; i < u->nfds; i++) {
		union resolv_address is;
		socklen_t n = sizeof(is);
		if (u->fds[i].fd >= 0 && getsockname(u->fds[i].fd, &is.any, &n) == 0 && n == len &&
		    !memcmp(&is, a, len))
			return true;
	}
	return false;
}

struct usernet *usernet_new(const struct usernet_config *c)
{
	struct usernet *u = x_calloc(1, sizeof(*u));
	u->c = *c;
	u->out = x_malloc(FRAME_ROOM);
	u->gate = (struct gate){.host_loopback = c->host_loopback, .link_local = c->link_local};
	u->dns = dns_new(&(struct dns_config){
	    .mtu = c->mtu, .ipv6 = c->ipv6, .send = send_answer, .is_guests = is_guests, .ctx = u});
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
	    .vhost6 = v6(NET_HOST6),
	    .vnameserver6 = v6(NET_DNS6),
	    .vhostname = c->hostname,
	    .if_mtu = c->mtu,
	    .if_mru = c->mtu,
	    /* gate.c closes it: what answers callers of forwarded UDP ports must pass */
	    .disable_host_loopback = false,
	};
	u->slirp = slirp_new(&s, &callbacks, u);
	return u;
}

void usernet_free(struct usernet *u)
{
	if (!u)
		return;
	slirp_cleanup(u->slirp);
	dns_free(u->dns);
	reassembly_done(&u->fragments);
	while (u->timers)
		timer_free(u->timers, u);
	free(u->fds);
	free(u->out);
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

void usernet_resolv(struct usernet *u, const struct resolv *r)
{
	dns_servers(u->dns, r);
}

/* What is closed is refused as routers do. */
static void refuse(struct usernet *u, const struct packet *p)
{
	uint8_t f[PACKET_MADE_MAX];
	char text[INET6_ADDRSTRLEN];
	size_t n = packet_refusal(p, f);
	if (n)
		u->c.send(u->c.ctx, f, n);
	if (n && !u->refused) {
		u->refused = true;
		log_info("the guest wants to reach %s, which is closed to it: see vmdeck-xml(7), vmdeck:network",
			 inet_ntop(p->v6 ? AF_INET6 : AF_INET, p->dst, text, sizeof(text)));
	}
}

/* To the name server. A connection goes to our end of it instead: true, it is libslirp's. */
static bool to_name_server(struct usernet *u, uint8_t *frame, const struct packet *p)
{
	uint8_t loopback[16];
	uint16_t port = dns_port(u->dns, p->v6);
	if (p->proto == IPPROTO_UDP)
		dns_ask(u->dns, p);
	if (p->proto == IPPROTO_UDP || !port)
		return false;
	inet_pton(p->v6 ? AF_INET6 : AF_INET, p->v6 ? "::1" : "127.0.0.1", loopback);
	packet_readdress(frame, p->v6, true, loopback, port);
	return true;
}

/* IP, whole: is it for libslirp? */
static bool let_in(struct usernet *u, uint8_t *frame, size_t len)
{
	struct packet p;
	if (!packet_read(frame, len, &p))
		return false;
	if ((p.proto == IPPROTO_UDP || p.proto == IPPROTO_TCP) && p.dport == RESOLV_PORT &&
	    same_address(&p, p.dst, p.v6 ? NET_DNS6 : NET_DNS))
		return to_name_server(u, frame, &p);
	if (gate_passes(&u->gate, &p, now_ms()))
		return true;
	refuse(u, &p);
	return false;
}

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
	if (whole != frame && len <= FRAME_MAX) /* ours to change */
		frame = memcpy(u->out, whole, len);
	else if (whole != frame)
		return;
	if (type == 0x0806 || let_in(u, frame, len))
		slirp_input(u->slirp, frame, (int)len);
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
	size_t ndns = dns_poll(u->dns, u->dns_polls, &timeout_ms);
	for (size_t i = 0; i < n + ndns; i++)
		add_poll(-1, 0, u);
	memcpy(u->fds, own, n * sizeof(*own));
	memcpy(u->fds + n, u->dns_polls, ndns * sizeof(*own));
	slirp_pollfds_fill(u->slirp, &timeout_ms, add_poll, u);
	timeout_ms = next_timer(u, timeout_ms);
	int rc = poll(u->fds, u->nfds, timeout_ms > INT32_MAX ? -1 : (int)timeout_ms);
	int code = rc < 0 ? errno : 0;
	memcpy(own, u->fds, n * sizeof(*own));
	memcpy(u->dns_polls, u->fds + n, ndns * sizeof(*own));
	if (rc >= 0)
		dns_turn(u->dns, u->dns_polls);
	slirp_pollfds_poll(u->slirp, rc < 0, get_revents, u);
	run_timers(u);
	return code == EINTR ? 0 : -code;
}
