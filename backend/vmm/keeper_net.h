/* The keeper's side of the user-mode network: one vmdeck-net for each card that ends there. (src/proto/net.h)
 *
 * All are started, and have opened their ports, before the machine is; one that cannot keeps the guest from
 * starting. One that dies is started again with a new socket, whose other end the machine is given, at most
 * once a second and five times a minute; meanwhile the machine drops the guest's frames. They never hold the
 * guest's lock, and end with the keeper (PDEATHSIG) or the machine. */
#ifndef BACKEND_VMM_KEEPER_NET_H
#define BACKEND_VMM_KEEPER_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "backend/vmm/keeper_child.h"
#include "src/base/err.h"
#include "src/base/json.h"
#include "src/proto/launch.h"

struct keeper_net_card {
	unsigned index; /* of the interface */
	pid_t pid;      /* 0: none runs */
	struct keeper_starts starts;
	char *config; /* what vmdeck-net is sent */
};

struct keeper_net {
	struct keeper_net_card *cards;
	size_t n;
	char *program, *name;
};

/* Start those that @go asks for, and put the machine's ends into @fds as "net:N". -errno with vmdeck-net's
 * own sentence. */
int keeper_net_begin(struct keeper_net *k, struct fd_set_named *fds, const json_t *go, struct err *e);
/* Until when to call keeper_net_turn() again, in ms; -1: nothing is to be started. */
int keeper_net_timeout(const struct keeper_net *k);
/* Start what died and may be started by now; the machine gets its ends over @machine. */
void keeper_net_turn(struct keeper_net *k, int machine);
/* A child was reaped. true: it was one of ours. */
bool keeper_net_reaped(struct keeper_net *k, pid_t pid, int status);
/* The guest has ended, or never began: end them. */
void keeper_net_done(struct keeper_net *k);

#endif
