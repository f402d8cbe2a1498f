#include "backend/net/packet.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "backend/net/slirp.h"

#define V4 20 /* bytes of a header without options */
#define V6 40
#define UDP 8
#define TCP 20
#define ICMP 8
#define QUOTED_V4 (V4 + 8) /* RFC 792: the header and 8 bytes */
#define QUOTED_V6 (V6 + 8)
#define TTL 64
#define PROHIBITED_V4 13 /* RFC 1812, 5.2.7.1 */
#define PROHIBITED_V6 1

static unsigned get16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static void put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static bool read_v4(struct packet *p, const uint8_t **up, size_t *left)
{
	const uint8_t *ip = p->ip;
	size_t head = (size_t)(ip[0] & 15) * 4, total = p->ip_len < V4 ? 0 : get16(ip + 2);
	if (p->ip_len < V4 || ip[0] >> 4 != 4 || head < V4 || total < head || total > p->ip_len)
		return false;
	memcpy(p->src, ip + 12, 4);
	memcpy(p->dst, ip + 16, 4);
	p->proto = ip[9];
	p->ip_len = total;
	*up = ip + head;
	*left = total - head;
	return true;
}

static bool read_v6(struct packet *p, const uint8_t **up, size_t *left)
{
	const uint8_t *ip = p->ip;
	if (p->ip_len < V6 || ip[0] >> 4 != 6 || V6 + get16(ip + 4) > p->ip_len)
		return false;
	p->v6 = true;
	memcpy(p->src, ip + 8, 16);
	memcpy(p->dst, ip + 24, 16);
	p->proto = ip[6];
	*left = get16(ip + 4);
	p->ip_len = V6 + *left;
	*up = ip + V6;
	return true;
}

bool packet_read(const uint8_t *frame, size_t len, struct packet *p)
{
	const uint8_t *up;
	size_t left;
	*p = (struct packet){0};
	if (len < FRAME_HEADER)
		return false;
	p->mac = frame + 6;
	p->ip = frame + FRAME_HEADER;
	p->ip_len = len - FRAME_HEADER;
	unsigned type = get16(frame + 12);
	if (!(type == 0x0800 ? read_v4(p, &up, &left) : type == 0x86dd && read_v6(p, &up, &left)))
		return false;
	if (p->proto == IPPROTO_UDP && left >= UDP) {
		size_t said = get16(up + 4);
		p->data = up + UDP;
		p->data_len = said >= UDP && said <= left ? said - UDP : 0;
	} else if (p->proto == IPPROTO_TCP && left >= TCP) {
		p->tcp_flags = up[13];
	} else if ((p->proto == IPPROTO_ICMP || p->proto == IPPROTO_ICMPV6) && left >= ICMP) {
		p->icmp_type = up[0];
		return true;
	} else {
		return p->proto != IPPROTO_UDP && p->proto != IPPROTO_TCP;
	}
	p->sport = (uint16_t)get16(up);
	p->dport = (uint16_t)get16(up + 2);
	return true;
}

/* --- making them --- */

/* RFC 1071; *sum goes on over parts of an even length. */
static void sum_add(uint32_t *sum, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		*sum += i & 1 ? p[i] : (uint32_t)p[i] << 8;
}

static uint16_t sum_end(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* libslirp's addresses of itself: 52:55 and the IPv4 address, 52:56 and the end of the IPv6 one. */
static void put_ethernet(uint8_t *f, const struct packet *to, const uint8_t *from)
{
	memcpy(f, to->mac, 6);
	put16(f + 6, to->v6 ? 0x5256 : 0x5255);
	memcpy(f + 8, to->v6 ? from + 12 : from, 4);
	put16(f + 12, to->v6 ? 0x86dd : 0x0800);
}

/* All but what is behind the IP header, from @from to @to's sender. Return: where that is. */
static uint8_t *put_head(uint8_t *f, const struct packet *to, const uint8_t *from, uint8_t proto, size_t n)
{
	uint8_t *ip = f + FRAME_HEADER;
	put_ethernet(f, to, from);
	if (to->v6) {
		memset(ip, 0, V6);
		ip[0] = 0x60;
		put16(ip + 4, (unsigned)n);
		ip[6] = proto;
		ip[7] = 255;
		memcpy(ip + 8, from, 16);
		memcpy(ip + 24, to->src, 16);
		return ip + V6;
	}
	uint32_t sum = 0;
	memset(ip, 0, V4);
	ip[0] = 0x45;
	put16(ip + 2, (unsigned)(V4 + n));
	ip[8] = TTL;
	ip[9] = proto;
	memcpy(ip + 12, from, 4);
	memcpy(ip + 16, to->src, 4);
	sum_add(&sum, ip, V4);
	put16(ip + 10, sum_end(sum));
	return ip + V4;
}

/* The checksum of what is behind the IP header, with the pseudo header (RFC 8200, 8.1). */
static uint16_t sum_upper(const uint8_t *frame, bool v6, uint8_t proto, const uint8_t *up, size_t n)
{
	uint32_t sum = proto + (uint32_t)n;
	sum_add(&sum, frame + FRAME_HEADER + (v6 ? 8 : 12), v6 ? 32 : 8);
	sum_add(&sum, up, n);
	return sum_end(sum);
}

size_t packet_udp(const struct packet *p, const void *data, size_t n, uint8_t *out)
{
	uint8_t *udp = put_head(out, p, p->dst, IPPROTO_UDP, UDP + n);
	put16(udp, p->dport);
	put16(udp + 2, p->sport);
	put16(udp + 4, (unsigned)(UDP + n));
	put16(udp + 6, 0);
	memmove(udp + UDP, data, n);
	uint16_t sum = sum_upper(out, p->v6, IPPROTO_UDP, udp, UDP + n);
	put16(udp + 6, sum ? sum : 0xffff);
	return (size_t)(udp - out) + UDP + n;
}

size_t packet_refusal(const struct packet *p, uint8_t *out)
{
	static const uint8_t router4[4] = {10, 0, 2, 2};
	static const uint8_t router6[16] = {0xfe, 0x80, [15] = 2};
	bool many = p->v6 ? p->dst[0] == 0xff : p->dst[0] >= 224;
	if (many || (p->proto != IPPROTO_TCP && p->proto != IPPROTO_UDP))
		return 0;
	size_t quoted = p->v6 ? QUOTED_V6 : QUOTED_V4;
	quoted = quoted < p->ip_len ? quoted : p->ip_len;
	uint8_t proto = p->v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	uint8_t *icmp = put_head(out, p, p->v6 ? router6 : router4, proto, ICMP + quoted);
	memset(icmp, 0, ICMP);
	icmp[0] = p->v6 ? 1 : 3; /* destination unreachable */
	icmp[1] = p->v6 ? PROHIBITED_V6 : PROHIBITED_V4;
	memcpy(icmp + ICMP, p->ip, quoted);
	uint32_t sum = 0;
	if (!p->v6)
		sum_add(&sum, icmp, ICMP + quoted);
	put16(icmp + 2, p->v6 ? sum_upper(out, true, proto, icmp, ICMP + quoted) : sum_end(sum));
	return (size_t)(icmp - out) + ICMP + quoted;
}

void packet_readdress(uint8_t *frame, bool v6, bool input, const uint8_t *addr, uint16_t port)
{
	uint8_t *ip = frame + FRAME_HEADER;
	size_t head = v6 ? V6 : (size_t)(ip[0] & 15) * 4, len = v6 ? get16(ip + 4) : get16(ip + 2) - head;
	uint8_t *tcp = ip + head;
	memcpy(ip + (v6 ? (input ? 24 : 8) : (input ? 16 : 12)), addr, v6 ? 16 : 4);
	put16(tcp + (input ? 2 : 0), port);
	put16(tcp + 16, 0);
	put16(tcp + 16, sum_upper(frame, v6, IPPROTO_TCP, tcp, len));
	if (v6)
		return;
	uint32_t sum = 0;
	put16(ip + 10, 0);
	sum_add(&sum, ip, head);
	put16(ip + 10, sum_end(sum));
}

void packet_grow(uint8_t *frame, const struct packet *p, size_t n)
{
	uint8_t *ip = frame + FRAME_HEADER, *icmp = ip + V6;
	size_t len = p->ip_len - V6 + n;
	put16(ip + 4, (unsigned)len);
	put16(icmp + 2, 0);
	put16(icmp + 2, sum_upper(frame, true, IPPROTO_ICMPV6, icmp, len));
}
