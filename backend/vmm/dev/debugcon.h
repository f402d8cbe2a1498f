/* Port 402h, where SeaBIOS writes its log; and the port that a domain has for debugging, which may be the same. */
#ifndef BACKEND_VMM_DEV_DEBUGCON_H
#define BACKEND_VMM_DEV_DEBUGCON_H

#include <stdbool.h>

#include "src/base/str.h"

struct machine;

#define DEBUGCON_PORT 0x402

/* Append what firmware has logged since the last reset, at most the last DEBUGCON_KEPT bytes. false: nothing
 * is kept, since this host's KVM would make it slow, or the guest has no firmware. machine.lock held. */
#define DEBUGCON_KEPT 16384u
bool debugcon_log(struct machine *m, struct buf *out);

#endif
