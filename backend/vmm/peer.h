/* Who may use a guest's sockets: its owner, and the host's root.
 *
 * The kernel tells a peer's uid in the terms of the user name space of whoever asks. An ordinary user's
 * machine lives in one that knows that user only (sandbox.c): there root is the overflow uid, as is everybody
 * else. So the machine asks its keeper, who lives in the host's, and which has no other way to know: it says
 * no unless the keeper says yes. (The sockets are of mode 0600 too; but who could reach one is not a reason
 * to serve him.) */
#ifndef BACKEND_VMM_PEER_H
#define BACKEND_VMM_PEER_H

#include <stdbool.h>

#define PEER_WAIT_MS 200 /* for a keeper that is stopped; another takes microseconds */

/* Is the connection @fd of one who may? @keeper: the machine's socket to its keeper, or -1. Blocks at most
 * PEER_WAIT_MS, and for the owner not at all. */
bool peer_allowed(int keeper, int fd);

/* The keeper's part: what came with {"peer": {}}, the connection and where to answer. Never blocks; closes
 * neither. */
void peer_answer(const int fds[2]);

#endif
