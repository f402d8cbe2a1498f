#include "src/base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

/* Not by st_size: files of /proc and /sys have none. */
int file_read_fd(int fd, size_t max, char **out, size_t *len)
{
	AUTO_BUF struct buf b = {0};
	char chunk[16384];
	for (off_t off = 0;;) {
		ssize_t k = pread(fd, chunk, sizeof(chunk), off);
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

int file_read(const char *path, size_t max, char **out, size_t *len, struct err *e)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return err_sys(e, errno, "cannot read '%s'", path);
	int rc = file_read_fd(fd, max, out, len);
	if (rc == -EFBIG)
		return err_set(e, EFBIG, "'%s' is larger than %zu bytes", path, max);
	return rc ? err_sys(e, -rc, "cannot read '%s'", path) : 0;
}

static void sync_folder(const char *path)
{
	AUTO_FREE char *dir = x_strdup(path);
	char *slash = strrchr(dir, '/');
	if (slash)
		slash[slash == dir] = 0;
	AUTO_CLOSE int fd = open(slash ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		fsync(fd);
}

int file_replace(const char *path, const char *data, size_t len, mode_t mode, struct err *e)
{
	AUTO_FREE char *tmp = x_asprintf("%s.XXXXXX", path);
	AUTO_CLOSE int fd = mkostemp(tmp, O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, errno, "cannot write '%s'", path);
	int rc = fchmod(fd, mode) < 0 ? -errno : fd_write_all(fd, data, len);
	if (!rc && fsync(fd) < 0)
		rc = -errno;
	if (!rc && rename(tmp, path) < 0)
		rc = -errno;
	if (rc) {
		unlink(tmp);
		return err_sys(e, -rc, "cannot write '%s'", path);
	}
	sync_folder(path);
	return 0;
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
