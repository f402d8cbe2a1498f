/* A guest of a few lines, for tests of vmdeck-net: Ethernet frames by hand. It has 10.0.2.15, and answers ARP
 * for it whenever it waits for something. All waits end the test when nothing comes. And name spaces of one's
 * own, and vmdeck-net started in them. */
#ifndef TESTS_NETLIB_H
#define TESTS_NETLIB_H

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backend/vmm/keeper_child.h"
#include "src/base/cleanup.h"
#include "src/base/str.h"
#include "src/base/unixsock.h"
#include "src/proto/launch.h"

#define NETLIB_WAIT_MS 20000 /* for what happens at once on a machine with time */
#define ETH 14

/* Headers as they lie in a frame: behind ETH bytes, at no multiple of four. */
typedef struct iphdr ip_header __attribute__((aligned(1)));
typedef struct udphdr udp_header __attribute__((aligned(1)));
typedef struct tcphdr tcp_header __attribute__((aligned(1)));

static char *program; /* vmdeck-net */
static struct err e;
static pid_t net;

static const uint8_t guest_mac[6] = {0x52, 0x54, 0, 0x12, 0x34, 0x56};
static int guest_fd = -1; /* the machine's end */

struct frame {
	uint8_t b[65600];
	size_t len;
};
static struct frame rx;

static inline uint32_t ip_of(const char *text)
{
	struct in_addr a;
	ck_assert_int_eq(inet_pton(AF_INET, text, &a), 1);
	return a.s_addr;
}

static inline void frame_send(const void *p, size_t len)
{
	ck_assert_int_eq(send(guest_fd, p, len, MSG_NOSIGNAL), (ssize_t)len);
}

static inline void frame_head(uint8_t *f, uint16_t type)
{
	memcpy(f, (uint8_t[]){0x52, 0x55, 10, 0, 2, 2}, 6);
	memcpy(f + 6, guest_mac, 6);
	f[12] = (uint8_t)(type >> 8);
	f[13] = (uint8_t)type;
}

/* RFC 826. @op 1: who has @ip; 2: @ip (of @mac) is told that 10.0.2.15 is ours. */
static inline void arp_send(uint16_t op, uint32_t ip, const uint8_t *mac)
{
	uint8_t f[ETH + 28] = {0};
	uint32_t self = ip_of("10.0.2.15");
	frame_head(f, 0x0806);
	if (op == 1)
		memset(f, 0xff, 6);
	memcpy(f + ETH, (uint8_t[]){0, 1, 8, 0, 6, 4, 0, (uint8_t)op}, 8);
	memcpy(f + ETH + 8, guest_mac, 6);
	memcpy(f + ETH + 14, &self, 4);
	if (mac)
		memcpy(f + ETH + 18, mac, 6);
	memcpy(f + ETH + 24, &ip, 4);
	frame_send(f, sizeof(f));
}

/* The next frame into rx; false: none came in @ms. */
static inline bool frame_recv(int ms)
{
	struct pollfd p = {.fd = guest_fd, .events = POLLIN};
	if (poll(&p, 1, ms) != 1)
		return false;
	ssize_t n = recv(guest_fd, rx.b, sizeof(rx.b), 0);
	ck_assert_msg(n > 0, "vmdeck-net has gone");
	rx.len = (size_t)n;
	uint32_t self = ip_of("10.0.2.15"), from;
	if (n >= ETH + 28 && rx.b[12] == 8 && rx.b[13] == 6 && rx.b[ETH + 7] == 1 &&
	    !memcmp(rx.b + ETH + 24, &self, 4)) {
		memcpy(&from, rx.b + ETH + 14, 4);
		arp_send(2, from, rx.b + ETH + 8);
	}
	return true;
}

static inline void frame_await(bool (*is)(const void *), const void *arg, const char *what)
{
	for (;;) {
		ck_assert_msg(frame_recv(NETLIB_WAIT_MS), "no %s came", what);
		if (is(arg))
			return;
	}
}

static inline bool is_arp_reply(const void *ip)
{
	return rx.len >= ETH + 28 && rx.b[12] == 8 && rx.b[13] == 6 && rx.b[ETH + 7] == 2 &&
	       !memcmp(rx.b + ETH + 14, ip, 4);
}

/* Is it there? As the host and as the name server. */
static inline void arp_ask(const char *ip)
{
	uint32_t a = ip_of(ip);
	arp_send(1, a, NULL);
	frame_await(is_arp_reply, &a, "answer to ARP");
}

static inline uint16_t checksum(const void *p, size_t n, uint32_t sum)
{
	const uint8_t *b = p;
	for (size_t i = 0; i < n; i++)
		sum += i & 1 ? b[i] : (uint32_t)b[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static inline uint32_t pseudo_sum(uint32_t from, uint32_t to, uint8_t proto, size_t len)
{
	uint32_t f = ntohl(from), t = ntohl(to);
	return (f >> 16) + (f & 0xffff) + (t >> 16) + (t & 0xffff) + proto + (uint32_t)len;
}

/* RFC 791: @len bytes of @proto lie behind the two headers' room in @f. */
static inline void ip_send(uint8_t *f, uint32_t from, uint32_t to, uint8_t proto, size_t len)
{
	ip_header *ip = (void *)(f + ETH);
	frame_head(f, 0x0800);
	*ip = (ip_header){.version = 4,
			     .ihl = 5,
			     .tot_len = htons((uint16_t)(20 + len)),
			     .ttl = 64,
			     .protocol = proto,
			     .saddr = from,
			     .daddr = to};
	ip->check = htons(checksum(ip, 20, 0));
	frame_send(f, ETH + 20 + len);
}

static inline void udp_send(uint32_t from, uint32_t to, uint16_t sport, uint16_t dport, const void *p,
			    size_t n)
{
	uint8_t f[ETH + 28 + 1500];
	udp_header *u = (void *)(f + ETH + 20);
	*u = (udp_header){.source = htons(sport), .dest = htons(dport), .len = htons((uint16_t)(8 + n))};
	memcpy(f + ETH + 28, p, n);
	ip_send(f, from, to, IPPROTO_UDP, 8 + n);
}

static inline const ip_header *rx_ip(uint8_t proto)
{
	const ip_header *ip = (void *)(rx.b + ETH);
	return rx.len >= ETH + 28 && rx.b[12] == 8 && rx.b[13] == 0 && ip->ihl == 5 && ip->protocol == proto
		   ? ip
		   : NULL;
}

/* @port: of ours. */
static inline bool is_udp_to(const void *port)
{
	const udp_header *u = (void *)(rx.b + ETH + 20);
	return rx_ip(IPPROTO_UDP) && ntohs(u->dest) == *(const uint16_t *)port;
}

static inline const uint8_t *udp_await(uint16_t port, size_t *n)
{
	frame_await(is_udp_to, &port, "UDP");
	const udp_header *u = (void *)(rx.b + ETH + 20);
	*n = (size_t)ntohs(u->len) - 8;
	ck_assert_uint_le(ETH + 28 + *n, rx.len);
	return rx.b + ETH + 28;
}

/* --- TCP (RFC 9293), as little as does on a wire that loses nothing --- */

struct tcp {
	uint32_t peer, seq, ack; /* peer as on the wire */
	uint16_t port, peer_port;
};

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };

static inline void tcp_send(struct tcp *t, uint8_t flags, const void *p, size_t n)
{
	uint8_t f[ETH + 40 + 1460];
	tcp_header *h = (void *)(f + ETH + 20);
	uint32_t self = ip_of("10.0.2.15");
	*h = (tcp_header){.source = htons(t->port),
			     .dest = htons(t->peer_port),
			     .seq = htonl(t->seq),
			     .ack_seq = htonl(t->ack),
			     .doff = 5,
			     .window = htons(65535)};
	((uint8_t *)h)[13] = flags;
	if (n)
		memcpy(f + ETH + 40, p, n);
	h->check = htons(checksum(h, 20 + n, pseudo_sum(self, t->peer, IPPROTO_TCP, 20 + n)));
	ip_send(f, self, t->peer, IPPROTO_TCP, 20 + n);
	t->seq += (uint32_t)n + !!(flags & SYN) + !!(flags & FIN);
}

/* @t: our port, and that of the peer unless it is 0. */
static inline bool is_tcp_of(const void *arg)
{
	const struct tcp *t = arg;
	const tcp_header *h = (void *)(rx.b + ETH + 20);
	return rx_ip(IPPROTO_TCP) && rx.len >= ETH + 40 && ntohs(h->dest) == t->port &&
	       (!t->peer_port || ntohs(h->source) == t->peer_port);
}

static inline uint8_t tcp_await(struct tcp *t, const uint8_t **p, size_t *n)
{
	frame_await(is_tcp_of, t, "TCP");
	const ip_header *ip = (void *)(rx.b + ETH);
	const tcp_header *h = (void *)(rx.b + ETH + 20);
	*p = (const uint8_t *)h + h->doff * 4;
	*n = (size_t)ntohs(ip->tot_len) - 20 - (size_t)h->doff * 4;
	return ((const uint8_t *)h)[13];
}

static inline void tcp_connect(struct tcp *t, const char *ip, uint16_t port)
{
	static uint16_t own = 40000;
	const uint8_t *p;
	size_t n;
	*t = (struct tcp){.peer = ip_of(ip), .peer_port = port, .port = own++, .seq = 1000};
	tcp_send(t, SYN, NULL, 0);
	ck_assert_int_eq(tcp_await(t, &p, &n) & (SYN | ACK | RST), SYN | ACK);
	t->ack = ntohl(((const tcp_header *)(rx.b + ETH + 20))->seq) + 1;
	tcp_send(t, ACK, NULL, 0);
}

/* Wait for who calls at @port. */
static inline void tcp_accept(struct tcp *t, uint16_t port)
{
	const uint8_t *p;
	size_t n;
	*t = (struct tcp){.port = port, .seq = 5000};
	ck_assert_int_eq(tcp_await(t, &p, &n) & (SYN | ACK), SYN);
	const tcp_header *h = (void *)(rx.b + ETH + 20);
	t->peer = ((const ip_header *)(rx.b + ETH))->saddr;
	t->peer_port = ntohs(h->source);
	t->ack = ntohl(h->seq) + 1;
	tcp_send(t, SYN | ACK, NULL, 0);
}

/* Exactly @n bytes, answered. */
static inline void tcp_read(struct tcp *t, void *to, size_t n)
{
	for (size_t got = 0; got < n;) {
		const uint8_t *p;
		size_t k;
		ck_assert_int_eq(tcp_await(t, &p, &k) & RST, 0);
		if (!k || ntohl(((const tcp_header *)(rx.b + ETH + 20))->seq) != t->ack)
			continue;
		ck_assert_uint_le(k, n - got);
		memcpy((uint8_t *)to + got, p, k);
		got += k;
		t->ack += (uint32_t)k;
		tcp_send(t, ACK, NULL, 0);
	}
}

/* --- name spaces --- */

static inline int write_text(const char *path, const char *text)
{
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd < 0 || write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

static inline int loopback_up(void)
{
	struct ifreq r = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	AUTO_CLOSE int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return ioctl(fd, SIOCSIFFLAGS, &r) < 0 ? -errno : 0;
}

/* Network and mount name spaces, in which @resolv_conf is the text of that file. An ordinary user needs a
 * user name space for it, in which it is root. -errno. */
static inline int own_spaces(const char *resolv_conf)
{
	char map[64], file[] = "/tmp/vmdeck-test-XXXXXX";
	uid_t uid = geteuid();
	if (unshare((uid ? CLONE_NEWUSER : 0) | CLONE_NEWNET | CLONE_NEWNS) < 0)
		return -errno;
	if (uid) {
		snprintf(map, sizeof(map), "0 %u 1", (unsigned)uid);
		write_text("/proc/self/setgroups", "deny");
		write_text("/proc/self/uid_map", map);
	}
	AUTO_CLOSE int fd = mkstemp(file);
	ssize_t len = (ssize_t)strlen(resolv_conf);
	int rc = fd < 0 || write(fd, resolv_conf, (size_t)len) != len || fchmod(fd, 0644) < 0 ||
			 mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
			 mount(file, "/etc/resolv.conf", NULL, MS_BIND, NULL) < 0
		     ? -errno
		     : loopback_up();
	unlink(file);
	return rc;
}

/* --- vmdeck-net by itself --- */

/* Where vmdeck-net is built: VMDECK_NET, or beside this program's folder. */
static inline void find_program(void)
{
	char *self = realpath("/proc/self/exe", NULL);
	program = getenv("VMDECK_NET")
		      ? x_strdup(getenv("VMDECK_NET"))
		      : x_asprintf("%.*s/../vmdeck-net", (int)(strrchr(self, '/') - self), self);
	free(self);
}

/* Start one with @config; its answer decides. */
static inline int start(const char *config)
{
	int f[2], g[2], pid;
	ck_assert_int_eq(unixsock_pair(SOCK_SEQPACKET, f), 0);
	ck_assert_int_eq(unixsock_pair(SOCK_SEQPACKET, g), 0);
	net = keeper_child_start((const char *const[]){program, "web1", "0", NULL}, (const int[]){f[1], g[1]},
				 2);
	ck_assert_int_gt(net, 0);
	close(f[1]);
	close(g[1]);
	ck_assert_int_gt(unixsock_send(g[0], config, strlen(config), NULL, 0), 0);
	int rc = launch_wait(g[0], NETLIB_WAIT_MS, &pid, &e);
	ck_assert_int_le(rc, 0);
	guest_fd = f[0];
	close(g[0]);
	return rc;
}

/* How it ended. */
static inline int wait_end(void)
{
	int status;
	close(guest_fd);
	guest_fd = -1;
	ck_assert_int_eq(waitpid(net, &status, 0), net);
	return status;
}

static inline void stop(void)
{
	if (guest_fd >= 0)
		ck_assert_int_eq(wait_end(), 0);
}

#endif
