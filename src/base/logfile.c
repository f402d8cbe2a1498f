#include "src/base/logfile.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/file.h"

#define CHUNK 16384u

static uint64_t size_of(int fd)
{
	struct stat st;
	return fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
}

/* The end of @from replaces what @to has. */
static void move(const struct logfile *f, int from, int to)
{
	char chunk[CHUNK];
	uint64_t size = size_of(from), at = size > f->max ? size - f->max : 0, out = 0;
	if (to < 0 || ftruncate(to, 0) < 0)
		return;
	while (at < size) {
		ssize_t n = pread(from, chunk, sizeof(chunk), (off_t)at);
		if (n <= 0 || fd_pwrite_all(to, chunk, (size_t)n, (off_t)out))
			return;
		at += (uint64_t)n;
		out += (uint64_t)n;
	}
}

static int turn(const struct logfile *f)
{
	for (unsigned i = LOGFILE_OLD_MAX; i-- > 1;)
		if (f->old[i] >= 0)
			move(f, f->old[i - 1], f->old[i]);
	move(f, f->fd, f->old[0]);
	return ftruncate(f->fd, 0) < 0 ? -errno : 0;
}

int logfile_write(struct logfile *f, const void *p, size_t n)
{
	uint64_t size = f->max ? size_of(f->fd) : 0;
	int rc = size && size + n > f->max ? turn(f) : 0;
	return rc ? rc : fd_write_all(f->fd, p, n);
}
