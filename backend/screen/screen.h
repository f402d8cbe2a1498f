/* One guest's screen: the machine's socket on one side, relay and server on the other.
 *
 * Theory of operation. Three kinds of threads: this one talks to the machine and owns the shadow picture; the
 * relay's carries bytes; libvncserver's, two for each viewer, encode and take input, which they send to the
 * machine themselves.
 *
 * What has changed is asked for (SCREEN_CHANGES) only while a viewer waits for an update, one question at a
 * time. The machine answers when something has, at its pace; when that turns out to look as before, the next
 * question waits for SCREEN_PACE_MS and ever longer, but not after input; nor is it asked so often that
 * encoding takes more than its SCREEN_SHARE of a processor. A new viewer is let to the server
 * when one refresh has come since it arrived, so that the first picture it sees is the present one. */
#ifndef BACKEND_SCREEN_SCREEN_H
#define BACKEND_SCREEN_SCREEN_H

#include <stddef.h>

#include "src/base/err.h"

#define SCREEN_PACE_MS 33
#define SCREEN_PACE_IDLE_MS 250
#define SCREEN_SHARE 4          /* updates use a quarter of a processor at most, as far as the pace can see to that */
#define SCREEN_JOIN_MS 1000    /* a new viewer waits no longer for a machine that does not answer */
#define SCREEN_VIEWERS_MS 5000 /* the list of viewers is sent at most so often */
#define SCREEN_EXIT_MS 60000

struct tls_cred;

/* Serve until the machine is gone (1) or nobody has looked for SCREEN_EXIT_MS (0). Goes into the sandbox. @cred:
 * the certificate, or NULL. */
int screen_main(int machine, const int *listeners, size_t n, struct tls_cred *cred);

/* The parts of it: the threads, and what a message of the machine does (0, or -errno when it makes no sense).
 */
struct screen;
struct screen *screen_new(int machine, const int *listeners, size_t n, struct tls_cred *cred, struct err *e);
int screen_message(struct screen *s, const char *p, size_t n, const int *fds, size_t nfds);

#endif
