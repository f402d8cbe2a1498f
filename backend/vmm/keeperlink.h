/* What the keeper gives the machine while the guest runs (src/proto/launch.h): sockets of processes that it
 * has started. The main loop's thread. */
#ifndef BACKEND_VMM_KEEPERLINK_H
#define BACKEND_VMM_KEEPERLINK_H

#include "src/base/err.h"

struct machine;

/* Watch @sock, the launch socket (it stays the caller's), and hand on what comes: to screenlink.h and
 * dev/virtio_net.h. */
int keeperlink_new(struct machine *m, int sock, struct err *e);
void keeperlink_free(struct machine *m);

#endif
