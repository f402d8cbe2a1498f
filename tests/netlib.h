/* A guest of a few lines, for tests of vmdeck-net: Ethernet frames by hand. It has 10.0.2.15, and answers ARP
 * for it whenever it waits for something. All waits end the test when nothing comes. */
#ifndef TESTS_NETLIB_H
#define TESTS_NETLIB_H

#include <arpa/inet.h>
#include <check.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define NETLIB_WAIT_MS 20000 /* for what happens at once on a machine with time */
#define ETH 14

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
	struct iphdr *ip = (void *)(f + ETH);
	frame_head(f, 0x0800);
	*ip = (struct iphdr){.version = 4,
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
	struct udphdr *u = (void *)(f + ETH + 20);
	*u = (struct udphdr){.source = htons(sport), .dest = htons(dport), .len = htons((uint16_t)(8 + n))};
	memcpy(f + ETH + 28, p, n);
	ip_send(f, from, to, IPPROTO_UDP, 8 + n);
}

static inline const struct iphdr *rx_ip(uint8_t proto)
{
	const struct iphdr *ip = (void *)(rx.b + ETH);
	return rx.len >= ETH + 28 && rx.b[12] == 8 && rx.b[13] == 0 && ip->ihl == 5 && ip->protocol == proto
		   ? ip
		   : NULL;
}

/* @port: of ours. */
static inline bool is_udp_to(const void *port)
{
	const struct udphdr *u = (void *)(rx.b + ETH + 20);
	return rx_ip(IPPROTO_UDP) && ntohs(u->dest) == *(const uint16_t *)port;
}

static inline const uint8_t *udp_await(uint16_t port, size_t *n)
{
	frame_await(is_udp_to, &port, "UDP");
	const struct udphdr *u = (void *)(rx.b + ETH + 20);
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
	struct tcphdr *h = (void *)(f + ETH + 20);
	uint32_t self = ip_of("10.0.2.15");
	*h = (struct tcphdr){.source = htons(t->port),
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
	const struct tcphdr *h = (void *)(rx.b + ETH + 20);
	return rx_ip(IPPROTO_TCP) && rx.len >= ETH + 40 && ntohs(h->dest) == t->port &&
	       (!t->peer_port || ntohs(h->source) == t->peer_port);
}

static inline uint8_t tcp_await(struct tcp *t, const uint8_t **p, size_t *n)
{
	frame_await(is_tcp_of, t, "TCP");
	const struct iphdr *ip = (void *)(rx.b + ETH);
	const struct tcphdr *h = (void *)(rx.b + ETH + 20);
	*p = (const uint8_t *)h + h->doff * 4;
	*n = (size_t)ntohs(ip->tot_len) - 20 - (size_t)h->doff * 4;
	return ((const uint8_t *)h)[13];
}

static inline void tcp_connect(struct tcp *t, const char *ip, uint16_t port)
{
	const uint8_t *p;
	size_t n;
	*t = (struct tcp){.peer = ip_of(ip), .peer_port = port, .port = 40000, .seq = 1000};
	tcp_send(t, SYN, NULL, 0);
	ck_assert_int_eq(tcp_await(t, &p, &n) & (SYN | ACK | RST), SYN | ACK);
	t->ack = ntohl(((const struct tcphdr *)(rx.b + ETH + 20))->seq) + 1;
	tcp_send(t, ACK, NULL, 0);
}

/* Wait for who calls at @port. */
static inline void tcp_accept(struct tcp *t, uint16_t port)
{
	const uint8_t *p;
	size_t n;
	*t = (struct tcp){.port = port, .seq = 5000};
	ck_assert_int_eq(tcp_await(t, &p, &n) & (SYN | ACK), SYN);
	const struct tcphdr *h = (void *)(rx.b + ETH + 20);
	t->peer = ((const struct iphdr *)(rx.b + ETH))->saddr;
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
		if (!k || ntohl(((const struct tcphdr *)(rx.b + ETH + 20))->seq) != t->ack)
			continue;
		ck_assert_uint_le(k, n - got);
		memcpy((uint8_t *)to + got, p, k);
		got += k;
		t->ack += (uint32_t)k;
		tcp_send(t, ACK, NULL, 0);
	}
}

#endif
