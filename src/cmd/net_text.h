/* Where a guest is reached, in words for a person. */
#ifndef SRC_CMD_NET_TEXT_H
#define SRC_CMD_NET_TEXT_H

#include "src/base/str.h"
#include "src/model/domain.h"

/* "127.0.0.1:2022 to port 22", "[::1]:5000-5010/udp to ports 50-60"; the caller's to free. */
char *net_forward_text(const struct port_forward *p);
/* How one comes in by ssh, when a port leads to the guest's 22; the caller's to free, or NULL. */
char *net_ssh_text(const struct domain *d);
/* A line for each port forward, and one for ssh. */
void net_tell(const struct domain *d, struct buf *out);

#endif
