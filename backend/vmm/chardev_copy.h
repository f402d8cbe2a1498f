/* The file of a console's <log file=>: plain bytes for other programs, in files of bounded size as libvirt's
 * virtlogd has them. A thread of its own writes them: no disk, FIFO or network file system that hangs may
 * hold up the main loop. What comes faster than that takes it is left out, and the file says so. */
#ifndef BACKEND_VMM_CHARDEV_COPY_H
#define BACKEND_VMM_CHARDEV_COPY_H

#include <stddef.h>

#include "src/base/err.h"
#include "src/proto/launch.h"

struct chardev_copy;

/* Take console @index's files out of @fds. *out is NULL when it has none. */
int chardev_copy_new(struct chardev_copy **out, struct fd_set_named *fds, unsigned index, struct err *e);
/* Never waits. */
void chardev_copy_put(struct chardev_copy *c, const void *p, size_t n);
/* What was put is written first. NULL is fine. */
void chardev_copy_free(struct chardev_copy *c);

#endif
