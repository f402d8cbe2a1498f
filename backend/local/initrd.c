/* Files for an initrd: one more archive behind those that are in it, as the kernel reads them one after the
 * other. (Linux, Documentation/driver-api/early-userspace/buffer-format.rst: "newc", plain, at a multiple of
 * 4 bytes) */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/local/install.h"
#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/str.h"

#define INJECT_MAX (64u << 20) /* bytes of one file */

static void pad(struct buf *b, size_t to)
{
	while (b->len % to)
		buf_add(b, "", 1);
}

/* One member: header, name and content, each up to a multiple of 4. */
static void member(struct buf *b, unsigned inode, unsigned mode, const char *name, const char *content,
		   size_t len)
{
	buf_printf(b, "070701%08X%08X%08X%08X%08X%08X%08zX%08X%08X%08X%08X%08zX%08X", inode, mode, 0, 0, 1, 0,
		   len, 0, 0, 0, 0, strlen(name) + 1, 0);
	buf_add(b, name, strlen(name) + 1);
	pad(b, 4);
	buf_add(b, content, len);
	pad(b, 4);
}

static int add_file(struct buf *b, unsigned inode, const char *path, struct err *e)
{
	AUTO_FREE char *content = NULL;
	size_t len;
	struct stat st;
	const char *slash = strrchr(path, '/');
	int rc = file_read(path, INJECT_MAX, &content, &len, e);
	if (rc)
		return rc;
	unsigned mode = stat(path, &st) < 0 ? 0644 : st.st_mode & 0777;
	member(b, inode, S_IFREG | mode, slash ? slash + 1 : path, content, len);
	return 0;
}

int initrd_inject(const char *path, char *const *files, size_t n, struct err *e)
{
	AUTO_BUF struct buf b = {0};
	struct stat st;
	AUTO_CLOSE int fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, errno, "cannot open the initrd '%s'", path);
	for (size_t i = 0; i < n; i++) {
		int rc = add_file(&b, (unsigned)i + 1, files[i], e);
		if (rc)
			return rc;
	}
	member(&b, 0, 0, "TRAILER!!!", "", 0);
	pad(&b, 512);
	off_t at = (st.st_size + 511) / 512 * 512;
	int rc = ftruncate(fd, at) < 0 ? -errno : fd_pwrite_all(fd, b.s, b.len, at);
	return rc ? err_sys(e, -rc, "cannot write the initrd '%s'", path) : 0;
}
