/* Other programs: run one and read what it says, or let one go its own way. */
#ifndef SRC_BASE_SPAWN_H
#define SRC_BASE_SPAWN_H

#include <sys/types.h>

#include "src/base/err.h"
#include "src/base/str.h"

/* Run argv[0] (a path, or a name looked up in PATH) with no input and read its standard output and error into
 * @out (may be NULL), at most 1 MiB. Killed after @timeout_ms (-ETIMEDOUT). Return: its exit status, 128 + N
 * for signal N, or -errno. */
int spawn_capture(const char *const argv[], int timeout_ms, struct buf *out, struct err *e);

/* Start argv[0] (a path) in a session of its own, as nobody's child of ours: standard input and output are
 * /dev/null, standard error @log_fd, and @fd3 (may be -1) is descriptor 3; nothing else is inherited. The
 * caller keeps its descriptors. Return: the process id, or -errno. */
pid_t spawn_detached(const char *const argv[], int log_fd, int fd3, struct err *e);

/* The program @name of ours: in the folder of the running executable, or ../libexec/vmdeck beside it; @env
 * names an environment variable that overrides it. The caller's to free; NULL with @e filled when there is
 * none. */
char *spawn_find(const char *name, const char *env, struct err *e);

#endif
