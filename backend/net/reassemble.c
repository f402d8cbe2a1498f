#include "backend/net/reassemble.h"

#include <netinet/ip.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/str.h"

#define ETHERNET 14
#define BLOCK 8 /* bytes that the offset of a fragment counts */
#define DATA_MAX 65535
#define DATA_AT (ETHERNET + 60) /* behind the longest header */
#define MORE 0x2000
#define OFFSET 0x1fff

struct datagram {
	struct {
		uint32_t from, to;
		uint16_t id;
		uint8_t protocol;
	} key;
	int64_t since_ms;
	size_t got, total; /* bytes of data; total 0: the last fragment is not there yet */
	size_t header;     /* bytes of the first fragment's IP header; 0: it is not there yet */
	uint8_t have[(DATA_MAX + BLOCK) / BLOCK / 8 + 1]; /* a bit for each block */
	uint8_t head[ETHERNET + 60];
	uint8_t frame[DATA_AT + DATA_MAX]; /* data from DATA_AT on */
};

static void forget(struct datagram **d)
{
	free(*d);
	*d = NULL;
}

static bool same(const struct datagram *d, const struct iphdr *ip)
{
	return d->key.from == ip->saddr && d->key.to == ip->daddr && d->key.id == ip->id &&
	       d->key.protocol == ip->protocol;
}

static struct datagram **find(struct reassembly *r, const struct iphdr *ip, int64_t now_ms)
{
	struct datagram **to = NULL;
	for (size_t i = 0; i < REASSEMBLE_MAX; i++) {
		struct datagram **d = &r->of[i];
		if (*d && now_ms - (*d)->since_ms > REASSEMBLE_MS)
			forget(d);
		if (*d && same(*d, ip))
			return d;
		if (!to || (*to && (!*d || (*d)->since_ms < (*to)->since_ms)))
			to = d;
	}
	forget(to);
	struct datagram *d = *to = x_calloc(1, sizeof(*d));
	d->key.from = ip->saddr;
	d->key.to = ip->daddr;
	d->key.id = ip->id;
	d->key.protocol = ip->protocol;
	d->since_ms = now_ms;
	return to;
}

/* Mark the blocks of a fragment. false: one was there. */
static bool mark(struct datagram *d, size_t offset, size_t n)
{
	for (size_t b = offset / BLOCK; b < (offset + n + BLOCK - 1) / BLOCK; b++) {
		if (d->have[b / 8] >> b % 8 & 1)
			return false;
		d->have[b / 8] = (uint8_t)(d->have[b / 8] | 1 << b % 8);
	}
	return true;
}

static uint16_t header_sum(const uint8_t *p, size_t n)
{
	uint32_t sum = 0;
	for (size_t i = 0; i < n; i += 2)
		sum += (uint32_t)p[i] << 8 | p[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* The header of the first fragment before the data of all. */
static enum reassembled complete(struct datagram *d, const uint8_t **out, size_t *out_len)
{
	uint8_t *at = d->frame + DATA_AT - d->header - ETHERNET;
	struct iphdr ip;
	memcpy(at, d->head, ETHERNET + d->header);
	memcpy(&ip, at + ETHERNET, sizeof(ip));
	ip.tot_len = (uint16_t)__builtin_bswap16((uint16_t)(d->header + d->total));
	ip.frag_off = 0;
	ip.check = 0;
	memcpy(at + ETHERNET, &ip, sizeof(ip));
	uint16_t sum = header_sum(at + ETHERNET, d->header);
	at[ETHERNET + 10] = (uint8_t)(sum >> 8);
	at[ETHERNET + 11] = (uint8_t)sum;
	*out = at;
	*out_len = ETHERNET + d->header + d->total;
	d->since_ms = INT64_MIN / 2; /* its time is over at the next call */
	return FRAME_COMPLETED;
}

/* Put a fragment in. false: it does not fit the others. */
static bool add(struct datagram *d, const uint8_t *frame, size_t header, size_t offset, size_t n, bool more)
{
	bool past = d->total && offset + n > d->total;
	bool end_again = !more && d->total;
	if (offset + n > DATA_MAX || past || end_again || (more && n % BLOCK) || !n || !mark(d, offset, n))
		return false;
	memcpy(d->frame + DATA_AT + offset, frame + ETHERNET + header, n);
	d->got += n;
	if (!more)
		d->total = offset + n;
	if (!offset) {
		memcpy(d->head, frame, ETHERNET + header);
		d->header = header;
	}
	return !d->total || d->got <= d->total;
}

enum reassembled reassemble(struct reassembly *r, const uint8_t *frame, size_t len, int64_t now_ms,
			    const uint8_t **out, size_t *out_len)
{
	struct iphdr ip;
	if (len < ETHERNET + sizeof(ip))
		return FRAME_WHOLE; /* and of no use to anybody */
	memcpy(&ip, frame + ETHERNET, sizeof(ip));
	size_t total = __builtin_bswap16(ip.tot_len), header = ip.ihl * 4u;
	uint16_t fragment = __builtin_bswap16(ip.frag_off);
	if (!(fragment & (MORE | OFFSET)))
		return FRAME_WHOLE;
	if (ip.version != 4 || header < sizeof(ip) || total < header || ETHERNET + total > len)
		return FRAME_KEPT;
	struct datagram **d = find(r, &ip, now_ms);
	if (!add(*d, frame, header, (size_t)(fragment & OFFSET) * BLOCK, total - header, fragment & MORE)) {
		forget(d);
		return FRAME_KEPT;
	}
	if ((*d)->header + (*d)->total > DATA_MAX) {
		forget(d);
		return FRAME_KEPT;
	}
	return (*d)->total && (*d)->got == (*d)->total && (*d)->header ? complete(*d, out, out_len)
								       : FRAME_KEPT;
}

void reassembly_done(struct reassembly *r)
{
	for (size_t i = 0; i < REASSEMBLE_MAX; i++)
		forget(&r->of[i]);
}
