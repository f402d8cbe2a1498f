/* Where a guest in the user-mode network may go. What is not to be reached is refused here, before libslirp
 * makes a socket for it: the host's loopback (10.0.2.2 and what else leads there: 127/8, 0/8, ::1, ::/64 with
 * IPv4 in it, broadcasts), and link-local addresses, among them clouds' metadata services. The host's other
 * addresses are reached as any machine's.
 *
 * 10.0.2.2 is also where callers of forwarded ports come from: TCP that answers passes, UDP passes to those who
 * have called. */
#ifndef BACKEND_NET_GATE_H
#define BACKEND_NET_GATE_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/net/packet.h"

#define GATE_CALLERS 256
#define GATE_CALLER_MS 240000 /* libslirp forgets them then, too */

struct gate {
	bool host_loopback, link_local; /* open */
	struct gate_caller {
		int64_t at_ms; /* 0: none */
		bool v6;
		uint16_t from, to; /* ports of the caller and of the guest */
	} callers[GATE_CALLERS];
};

/* A packet of the guest: may it pass? */
bool gate_passes(struct gate *g, const struct packet *p, int64_t now_ms);
/* A packet for the guest: UDP from 10.0.2.2 may be answered. */
void gate_heard(struct gate *g, const struct packet *p, int64_t now_ms);

#endif
