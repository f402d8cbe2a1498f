#include "src/base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/cleanup.h"
#include "src/base/str.h"

int fd_write_all(int fd, const void *p, size_t n)
{
	const char *c = p;
	while (n) {
		ssize_t k = write(fd, c, n);
		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return -errno;
		c += k;
		n -= (size_t)k;
	}
	return 0;
}

int fd_pread_all(int fd, void *p, size_t n, off_t off)
{
	char *c = p;
	while (n) {
		ssize_t k = pread(fd, c, n, off);
		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return k < 0 ? -errno : -ENODATA;
		c += k;
		off += k;
		n -= (size_t)k;
	}
	return 0;
}

int fd_pwrite_all(int fd, const void *p, size_t n, off_t off)
{
	const char *c = p;
	while (n) {
		ssize_t k = pwrite(fd, c, n, off);
		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return -errno;
		c += k;
		off += k;
		n -= (size_t)k;
	}
	return 0;
}

/* read() at the descriptor's own position; waits where it does not block. */
static ssize_t read_on(int fd, void *p, size_t n)
{
	ssize_t k;
	while ((k = read(fd, p, n)) < 0 && errno == EAGAIN)
		poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, -1);
	return k;
}

/* Not by st_size: files of /proc and /sys have none. */
static int read_to_end(int fd, bool from_start, size_t max, char **out, size_t *len)
{
	AUTO_BUF struct buf b = {0};
	char chunk[16384];
	for (off_t off = 0;;) {
		ssize_t k = from_start ? pread(fd, chunk, sizeof(chunk), off)
				       : read_on(fd, chunk, sizeof(chunk));
		if (k < 0 && errno == ESPIPE && from_start) {
			from_start = false;
			continue;
		}
		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return -errno;
		if (!k)
			break;
		if (b.len + (size_t)k > max)
			return -EFBIG;
		buf_add(&b, chunk, (size_t)k);
		off += k;
	}
	if (len)
		*len = b.len;
	*out = buf_take(&b);
	return 0;
}

int file_read_fd(int fd, size_t max, char **out, size_t *len)
{
	return read_to_end(fd, true, max, out, len);
}

int file_read_rest(int fd, size_t max, char **out, size_t *len)
{
	return read_to_end(fd, false, max, out, len);
}

/* open(), also for names of our own descriptors that cannot be opened again: sockets, and what another user
 * has opened for us. */
static int open_to_read(const char *path)
{
	static const char *const folders[] = {"/dev/fd/", "/proc/self/fd/"};
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY), code = errno;
	uint64_t n = str_eq(path, "/dev/stdin") ? 0 : UINT64_MAX;
	if (fd >= 0 || (code != ENXIO && code != EACCES))
		return fd;
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		if (str_starts(path, folders[i]))
			str_u64(path + strlen(folders[i]), &n);
	fd = n <= INT_MAX ? fcntl((int)n, F_DUPFD_CLOEXEC, 3) : -1;
	if (fd < 0)
		errno = code;
	return fd;
}

int file_read(const char *path, size_t max, char **out, size_t *len, struct err *e)
{
	AUTO_CLOSE int fd = open_to_read(path);
	if (fd < 0)
		return err_sys(e, errno, "cannot read '%s'", path);
	int rc = file_read_fd(fd, max, out, len);
	if (rc == -EFBIG)
		return err_set(e, EFBIG, "'%s' is larger than %zu bytes", path, max);
	return rc ? err_sys(e, -rc, "cannot read '%s'", path) : 0;
}

int dir_sync(const char *path, struct err *e)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* Some file systems have no such thing. */
	if (fd < 0 || (fsync(fd) < 0 && errno != EINVAL && errno != ENOTSUP))
		return err_sys(e, errno, "cannot write the folder '%s' to the disk", path);
	return 0;
}

/* A temporary is ".NAME" MARK and six letters, and locked (flock) by whoever writes it: one that can be
 * locked by another is of a process that is gone. */
#define MARK ".vmdeck-"
#define LETTERS 6

void dir_sweep(const char *path)
{
	DIR *d = opendir(path);
	for (struct dirent *de; d && (de = readdir(d));) {
		const char *mark = *de->d_name == '.' ? strstr(de->d_name, MARK) : NULL;
		if (!mark || strlen(mark) != strlen(MARK) + LETTERS)
			continue;
		AUTO_CLOSE int fd =
		    openat(dirfd(d), de->d_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
		if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
			unlinkat(dirfd(d), de->d_name, 0);
	}
	if (d)
		closedir(d);
}

/* -ENOENT: another swept it away before it was locked. */
static int replace(const char *path, const char *dir, const char *data, size_t len, mode_t mode)
{
	const char *slash = strrchr(path, '/');
	AUTO_FREE char *tmp = x_asprintf("%s/.%s" MARK "XXXXXX", dir, slash ? slash + 1 : path);
	AUTO_CLOSE int fd = mkostemp(tmp, O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ENOTDIR : -errno;
	flock(fd, LOCK_EX);
	int rc = fchmod(fd, mode) < 0 ? -errno : fd_write_all(fd, data, len);
	if (!rc && fsync(fd) < 0)
		rc = -errno;
	if (!rc && rename(tmp, path) < 0)
		rc = -errno;
	if (rc)
		unlink(tmp);
	return rc;
}

int file_replace(const char *path, const char *data, size_t len, mode_t mode, struct err *e)
{
	const char *slash = strrchr(path, '/');
	AUTO_FREE char *dir = !slash	       ? x_strdup(".")
			      : slash == path ? x_strdup("/")
					      : x_strndup(path, (size_t)(slash - path));
	int rc = -ENOENT;
	for (int i = 0; i < 5 && rc == -ENOENT; i++)
		rc = replace(path, dir, data, len, mode);
	if (rc == -ENOTDIR && access(dir, F_OK) < 0)
		rc = -ENOENT;
	if (rc)
		return err_sys(e, -rc, "cannot write '%s'", path);
	dir_sweep(dir);
	rc = dir_sync(dir, NULL);
	return rc ? err_sys(e, -rc, "cannot write '%s' to the disk", path) : 0;
}

int dir_make(const char *path, mode_t mode, struct err *e)
{
	AUTO_FREE char *p = x_strdup(path);
	for (char *s = p + 1;; s++) {
		if (*s && *s != '/')
			continue;
		char c = *s;
		*s = 0;
		struct stat st;
		if (mkdir(p, mode) < 0 && (errno != EEXIST || stat(p, &st) < 0 || !S_ISDIR(st.st_mode)))
			return err_sys(e, errno, "cannot make the folder '%s'", p);
		*s = c;
		if (!c)
			return 0;
	}
}

int dir_make_own(const char *path, mode_t mode, struct err *e)
{
	struct stat st;
	int rc = dir_make(path, mode, e);
	if (rc)
		return rc;
	if (lstat(path, &st) < 0)
		return err_sys(e, errno, "cannot look at the folder '%s'", path);
	const char *why = S_ISLNK(st.st_mode)	       ? "is a link"
			  : !S_ISDIR(st.st_mode)       ? "is no folder"
			  : st.st_uid != geteuid()     ? "belongs to another user"
			  : st.st_mode & 0777 & ~mode ? "can be used by others"
						       : NULL;
	return why ? err_set(e, EPERM, "the folder '%s' %s: see who made it, and remove it", path, why) : 0;
}

int dir_remove(const char *path, struct err *e)
{
	DIR *d = opendir(path);
	if (!d)
		return errno == ENOENT ? 0 : err_sys(e, errno, "cannot remove the folder '%s'", path);
	for (struct dirent *de; (de = readdir(d));)
		if (strcmp(de->d_name, ".") && strcmp(de->d_name, ".."))
			unlinkat(dirfd(d), de->d_name, 0);
	closedir(d);
	return rmdir(path) < 0 && errno != ENOENT ? err_sys(e, errno, "cannot remove the folder '%s'", path)
						  : 0;
}
