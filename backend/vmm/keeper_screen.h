/* The keeper's side of a guest's screen: the listening sockets, and the process that serves viewers.
 * (src/proto/screen.h)
 *
 * While no screen process runs the keeper polls the sockets itself and accepts nothing: who comes waits in
 * the kernel's queue until the process, which gets the same sockets, takes it. It is started when somebody
 * waits, at most once a second and five times a minute. The TLS files go from here to it alone: the key is that
 * of the host's, and the machine has no need of it. It never holds the guest's lock, and ends with the
 * keeper (PDEATHSIG) or the machine. */
#ifndef BACKEND_VMM_KEEPER_SCREEN_H
#define BACKEND_VMM_KEEPER_SCREEN_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "backend/vmm/keeper_child.h"
#include "src/base/json.h"
#include "src/proto/launch.h"
#include "src/proto/screen.h"

struct keeper_screen {
	int listen[SCREEN_LISTEN_MAX];
	unsigned nlisten; /* 0: this guest has no screen */
	int tls[SCREEN_TLS_FILES]; /* CA certificate, certificate, key; -1: is not there */
	bool tls_verify;           /* viewers must show a certificate */
	char *program, *name;
	pid_t pid; /* 0: none runs */
	struct keeper_starts starts;
};

/* Take the listening sockets and the TLS files out of @fds and what is to be run out of @go. */
void keeper_screen_init(struct keeper_screen *s, struct fd_set_named *fds, const json_t *go);
/* What to poll for now (@p has SCREEN_LISTEN_MAX); how many. *timeout_ms: until when to ask again, -1 for
 * ever. */
unsigned keeper_screen_poll(const struct keeper_screen *s, struct pollfd *p, int *timeout_ms);
/* Somebody waits: start the process, and send the machine its end over @machine. */
void keeper_screen_start(struct keeper_screen *s, int machine);
/* A child was reaped. true: it was the screen process. */
bool keeper_screen_reaped(struct keeper_screen *s, pid_t pid, int status);
/* The machine has given this process up: @why. */
void keeper_screen_kill(struct keeper_screen *s, const char *why);
/* The guest has ended: end the process and close the sockets. */
void keeper_screen_done(struct keeper_screen *s);


#endif
