/* Files and folders. Paths are absolute or relative to the current folder. */
#ifndef SRC_BASE_FILE_H
#define SRC_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "src/base/err.h"

/* Read a whole file of at most @max bytes, whatever can be read to its end: pipes and files of /proc too, and
 * where @path names a descriptor of ours (/dev/stdin, /dev/fd/3) sockets. *out is terminated (not counted in
 * *len, which may be NULL) and the caller's to free. -EFBIG when it is larger. */
int file_read(const char *path, size_t max, char **out, size_t *len, struct err *e);
int file_read_fd(int fd, size_t max, char **out, size_t *len); /* from offset 0, no seek; -errno */
/* From where the descriptor stands, waiting for what comes, to the end. -errno */
int file_read_rest(int fd, size_t max, char **out, size_t *len);

/* Write @path so that a crash leaves the old file or the new one: temporary, fsync, rename, fsync of the
 * folder. Temporaries of writers that were killed are removed from the folder. */
int file_replace(const char *path, const char *data, size_t len, mode_t mode, struct err *e);

/* mkdir -p; an existing folder is fine. */
int dir_make(const char *path, mode_t mode, struct err *e);
/* The same where others can make folders, too: what is there must be a folder, no link to one, of this user,
 * with no right for others that is not in @mode. -EPERM. */
int dir_make_own(const char *path, mode_t mode, struct err *e);
/* Have what was made, renamed and removed in the folder on the disk. */
int dir_sync(const char *path, struct err *e);
/* Remove what file_replace() left in the folder when it was killed. */
void dir_sweep(const char *path);
/* Remove a folder and the plain files, sockets and links in it (one level; folders below stay:
 * -ENOTEMPTY). */
int dir_remove(const char *path, struct err *e);

/* write()/pwrite()/read()/pread() until all is done or it fails; EINTR is retried. 0 or -errno (reads:
 * -ENODATA at a premature end). */
int fd_write_all(int fd, const void *p, size_t n);
int fd_pread_all(int fd, void *p, size_t n, off_t off);
int fd_pwrite_all(int fd, const void *p, size_t n, off_t off);

#endif
