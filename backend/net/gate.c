#include "backend/net/gate.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#define SYN 2
#define OTHERS (1 | 4 | 16 | 32) /* FIN, RST, ACK, URG: without them SYN begins a connection */
#define ECHO_REQUEST_V6 128
#define PORT_DHCP 67
#define PORT_DHCP6 547

static const uint8_t net4[4] = {10, 0, 2};
static const uint8_t net6[16] = {0xfe, 0xc0};

static bool begins(const uint8_t *a, const uint8_t *prefix, unsigned bits)
{
	unsigned bytes = bits / 8;
	uint8_t mask = (uint8_t)(0xff00 >> bits % 8);
	return !memcmp(a, prefix, bytes) && (!(bits % 8) || !((a[bytes] ^ prefix[bytes]) & mask));
}

/* Host and name server: what libslirp is itself. */
static bool is_ours(const struct packet *p)
{
	uint8_t last = p->dst[p->v6 ? 15 : 3];
	return last == 2 || last == 3;
}

static struct gate_caller *caller(struct gate *g, bool v6, uint16_t from, uint16_t to, int64_t now_ms)
{
	for (struct gate_caller *c = g->callers; c < g->callers + GATE_CALLERS; c++)
		if (c->at_ms && c->v6 == v6 && c->from == from && c->to == to && now_ms - c->at_ms < GATE_CALLER_MS)
			return c;
	return NULL;
}

void gate_heard(struct gate *g, const struct packet *p, int64_t now_ms)
{
	bool host = p->v6 ? begins(p->src, net6, 64) : begins(p->src, net4, 24);
	if (p->proto != IPPROTO_UDP || !host)
		return;
	struct gate_caller *c = caller(g, p->v6, p->sport, p->dport, now_ms);
	for (struct gate_caller *o = g->callers; !c && o < g->callers + GATE_CALLERS; o++)
		c = o->at_ms ? NULL : o;
	if (!c) {
		c = g->callers;
		for (struct gate_caller *o = g->callers; o < g->callers + GATE_CALLERS; o++)
			c = o->at_ms < c->at_ms ? o : c;
	}
	*c = (struct gate_caller){now_ms ? now_ms : 1, p->v6, p->sport, p->dport};
}

/* Into the guest's own network, or to all in it. */
static bool passes_inside(struct gate *g, const struct packet *p, int64_t now_ms)
{
	bool many = p->v6 ? p->dst[0] == 0xff : p->dst[0] == 255;
	if (p->proto == IPPROTO_ICMP || p->proto == IPPROTO_ICMPV6)
		return many || is_ours(p) || (p->v6 && p->icmp_type != ECHO_REQUEST_V6);
	if (p->proto == IPPROTO_UDP && p->dport == (p->v6 ? PORT_DHCP6 : PORT_DHCP) && (many || is_ours(p)))
		return true;
	if (g->host_loopback)
		return true;
	if (many)
		return false;
	if (p->proto == IPPROTO_TCP)
		return (p->tcp_flags & (SYN | OTHERS)) != SYN;
	return p->proto == IPPROTO_UDP && caller(g, p->v6, p->dport, p->sport, now_ms);
}

/* Closed whatever the network is given. */
static bool never(const struct packet *p)
{
	static const uint8_t zero[16];
	if (p->v6)
		return begins(p->dst, zero, 64);
	return p->dst[0] == 127 || p->dst[0] == 0;
}

static bool is_link_local(const struct packet *p)
{
	static const uint8_t v4[4] = {169, 254}, v6[16] = {0xfe, 0x80};
	/* those of Amazon's and Google's metadata services: fd00:ec2::254, fd20:ce::254 */
	static const uint8_t ec2[16] = {0xfd, 0, 0x0e, 0xc2, [14] = 2, [15] = 0x54};
	static const uint8_t gce[16] = {0xfd, 0x20, 0, 0xce, [14] = 2, [15] = 0x54};
	if (!p->v6)
		return begins(p->dst, v4, 16);
	return begins(p->dst, v6, 10) || begins(p->dst, ec2, 128) || begins(p->dst, gce, 128);
}

bool gate_passes(struct gate *g, const struct packet *p, int64_t now_ms)
{
	static const uint8_t all4[4] = {255, 255, 255, 255};
	bool inside = p->v6 ? begins(p->dst, net6, 64) || p->dst[0] == 0xff
			    : begins(p->dst, net4, 24) || begins(p->dst, all4, 32);
	if (never(p))
		return false;
	if (inside)
		return passes_inside(g, p, now_ms);
	if (p->v6 && p->proto == IPPROTO_ICMPV6 && is_link_local(p)) /* neighbour discovery */
		return p->icmp_type != ECHO_REQUEST_V6 || is_ours(p);
	return g->link_local || !is_link_local(p);
}
