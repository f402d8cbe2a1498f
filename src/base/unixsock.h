/* Local sockets and the descriptors that travel over them. All sockets are close-on-exec. */
#ifndef SRC_BASE_UNIXSOCK_H
#define SRC_BASE_UNIXSOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "src/base/err.h"

/* Descriptors one message may carry: the kernel's SCM_MAX_FD is 253. */
#define UNIXSOCK_FDS 250

/* Stream socket at @path; paths over 107 bytes go through /proc/self/fd of their folder. Descriptor or
 * -errno. */
int unixsock_listen(const char *path, mode_t mode, struct err *e);
int unixsock_connect(const char *path, struct err *e);

/* A connected pair; @type SOCK_STREAM or SOCK_SEQPACKET. 0 or -errno. */
int unixsock_pair(int type, int fds[2]);

/* Send @n bytes with @nfds descriptors in one sendmsg (MSG_NOSIGNAL). Bytes sent or -errno. */
ssize_t unixsock_send(int fd, const void *p, size_t n, const int *fds, size_t nfds);

/* Receive with MSG_CMSG_CLOEXEC. *nfds in: room, out: how many; surplus ones are closed and -EMSGSIZE
 * returned. Bytes (0 = end) or -errno. @fds may be NULL when *nfds is 0. */
ssize_t unixsock_recv(int fd, void *p, size_t n, int *fds, size_t *nfds);

/* Uid (and pid, may be NULL) of the process at the other end (SO_PEERCRED). 0 or -errno. */
int unixsock_peer(int fd, uid_t *uid, pid_t *pid);

#endif
