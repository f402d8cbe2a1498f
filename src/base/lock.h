/* Open-file-description locks (fcntl(2), F_OFD_*): they belong to the open file, so they survive fork, exec
 * and being passed over a socket, and end with the last copy of the descriptor. */
#ifndef SRC_BASE_LOCK_H
#define SRC_BASE_LOCK_H

#include <stdbool.h>
#include <sys/types.h>

/* Take a write lock on the whole file, without waiting. 0, -EAGAIN when another holds it, or another
 * -errno. */
int lock_take(int fd);
/* The same, waiting for it. */
int lock_wait(int fd);
/* Does another open file hold a lock that conflicts with a write lock on all of @fd? Never takes it.
 * 1 yes, 0 no, -errno. */
int lock_held(int fd);

/* Byte-range read lock, as QEMU marks image files (block/file-posix.c). 0 or -errno. */
int lock_range_read(int fd, off_t byte);
int lock_range_drop(int fd, off_t byte);
/* Would a write lock on that byte conflict with another's lock? 1, 0 or -errno. */
int lock_range_taken(int fd, off_t byte);

#endif
