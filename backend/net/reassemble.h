/* IPv4 fragments from the guest, put together before libslirp sees them: its own way of doing that
 * (ip_reass() of 4.7.0) follows a wild pointer when fragments do not fit each other. (RFC 791, 3.2; RFC 815)
 *
 * Fragments that overlap are no accident: the datagram is forgotten (RFC 5722 has it so for IPv6). At most
 * REASSEMBLE_MAX datagrams are waited for, each for 30 s; the oldest makes room. */
#ifndef BACKEND_NET_REASSEMBLE_H
#define BACKEND_NET_REASSEMBLE_H

#include <stddef.h>
#include <stdint.h>

#define REASSEMBLE_MAX 8
#define REASSEMBLE_MS 30000

struct datagram;
struct reassembly {
	struct datagram *of[REASSEMBLE_MAX]; /* NULL: free */
};

/* What is to become of an Ethernet frame that says IPv4. */
enum reassembled {
	FRAME_WHOLE,     /* no fragment: as it is */
	FRAME_KEPT,      /* a fragment: kept, or of no use */
	FRAME_COMPLETED, /* the last that was missing: *out and *out_len, valid until the next call */
};
enum reassembled reassemble(struct reassembly *r, const uint8_t *frame, size_t len, int64_t now_ms,
			    const uint8_t **out, size_t *out_len);
void reassembly_done(struct reassembly *r);

#endif
