/* Packets of the guest, read as far as gate and name service need, and small ones made for it. (RFC 791, RFC
 * 8200, RFC 768, RFC 9293, RFC 792, RFC 4443) */
#ifndef BACKEND_NET_PACKET_H
#define BACKEND_NET_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACKET_MADE_MAX 128 /* bytes of a frame that packet_refusal() makes */
#define PACKET_UDP_HEAD 62  /* before the bytes in a frame that packet_udp() makes, at most */

struct packet {
	bool v6;
	const uint8_t *mac;	       /* of the sender */
	uint8_t src[16], dst[16];      /* of IPv4 the first four bytes */
	uint8_t proto;		       /* IPPROTO_TCP, ... */
	uint16_t sport, dport;	       /* of TCP and UDP, else 0 */
	uint8_t tcp_flags, icmp_type;  /* 0 of others */
	const uint8_t *ip;	       /* from its header on */
	size_t ip_len;
	const uint8_t *data; /* behind UDP's header, as it says */
	size_t data_len;
};

/* @frame is whole: no fragment. Of IPv6 extension headers nothing is known: they are the protocol. false: not
 * IP, or too short for its own headers. What is valid points into @frame. */
bool packet_read(const uint8_t *frame, size_t len, struct packet *p);

/* The answer to @p's sender from the address and port that it asked: a frame in @out (PACKET_UDP_HEAD + @n
 * bytes of room). Return: its length. */
size_t packet_udp(const struct packet *p, const void *data, size_t n, uint8_t *out);

/* "Communication with the destination is administratively prohibited", from the router to @p's sender, in
 * @out of PACKET_MADE_MAX bytes. Return: its length, or 0: such a packet is not answered. */
size_t packet_refusal(const struct packet *p, uint8_t *out);

/* Another destination (@input: of TCP from the guest) or source (of TCP for it) in place; the checksum
 * follows. @addr: 4 or 16 bytes, as the packet has it. */
void packet_readdress(uint8_t *frame, bool v6, bool input, const uint8_t *addr, uint16_t port);

/* The IPv6 packet @p in @frame has @n bytes more of ICMPv6 at its end. */
void packet_grow(uint8_t *frame, const struct packet *p, size_t n);

#endif
