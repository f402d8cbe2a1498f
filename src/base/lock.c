#include "src/base/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static int ofd(int fd, int op, short type, off_t start, off_t len, struct flock *out)
{
	struct flock l = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len};
	int rc;
	do
		rc = fcntl(fd, op, &l);
	while (rc < 0 && errno == EINTR);
	if (rc < 0)
		return errno == EACCES ? -EAGAIN : -errno;
	if (out)
		*out = l;
	return 0;
}

int lock_take(int fd)
{
	return ofd(fd, F_OFD_SETLK, F_WRLCK, 0, 0, NULL);
}

int lock_wait(int fd)
{
	return ofd(fd, F_OFD_SETLKW, F_WRLCK, 0, 0, NULL);
}

int lock_held(int fd)
{
	struct flock l;
	int rc = ofd(fd, F_OFD_GETLK, F_WRLCK, 0, 0, &l);
	return rc < 0 ? rc : l.l_type != F_UNLCK;
}

int lock_range_read(int fd, off_t byte)
{
	return ofd(fd, F_OFD_SETLK, F_RDLCK, byte, 1, NULL);
}

int lock_range_drop(int fd, off_t byte)
{
	return ofd(fd, F_OFD_SETLK, F_UNLCK, byte, 1, NULL);
}

int lock_range_taken(int fd, off_t byte)
{
	struct flock l;
	int rc = ofd(fd, F_OFD_GETLK, F_WRLCK, byte, 1, &l);
	return rc < 0 ? rc : l.l_type != F_UNLCK;
}
