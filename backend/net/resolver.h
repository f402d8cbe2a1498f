/* A process beside vmdeck-net that reads the host's resolv.conf, now and whenever it changes. vmdeck-net hears
 * the guest and has the network, but can open no file; this one can, and has neither.
 *
 * Whatever the path leads through is looked at (inotify): links, their folders, the file itself, which may be
 * written in place, replaced, or another one because a link was changed. */
#ifndef BACKEND_NET_RESOLVER_H
#define BACKEND_NET_RESOLVER_H

#include <stddef.h>

#include "src/base/err.h"
#include "src/base/resolv.h"

/* Start it; in it @close_fds (@n) are closed. It ends with its parent. Return: a SOCK_SEQPACKET, the caller's,
 * or -errno. From the only thread there is. */
int resolver_start(const int *close_fds, size_t n, struct err *e);

/* The next text, parsed. 0, or -errno: -EAGAIN there is none yet, -EPIPE there will be none any more. */
int resolver_read(int fd, struct resolv *out);

#endif
