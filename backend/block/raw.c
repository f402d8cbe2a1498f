/* Raw images: a byte of the disk is the same byte of the file or block device. A file whose length is no
 * whole number of sectors reads as zeros behind its end; writing there makes it longer, to the end of that
 * sector at most. */
#include "backend/block/raw.h"

#include <errno.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

static int raw_open(struct blk *b, struct err *e)
{
	struct stat st;
	if (fstat(b->fd, &st))
		return err_sys(e, errno, "disk '%s': cannot look at the image", b->name);
	if (S_ISBLK(st.st_mode)) {
		uint64_t n;
		unsigned physical = 0;
		b->blockdev = true;
		if (ioctl(b->fd, BLKGETSIZE64, &n))
			return err_sys(e, errno, "disk '%s': cannot ask for the device's size", b->name);
		b->file_bytes = n;
		if (!ioctl(b->fd, BLKPBSZGET, &physical))
			b->physical_bytes = physical;
	} else if (S_ISREG(st.st_mode)) {
		b->file_bytes = (uint64_t)st.st_size;
		b->physical_bytes = (unsigned)st.st_blksize;
	} else {
		return err_set(e, EINVAL, "disk '%s': the image is neither a file nor a block device",
			       b->name);
	}
	b->size_bytes = (b->file_bytes + BLK_SECTOR - 1) & ~(uint64_t)(BLK_SECTOR - 1);
	return 0;
}

static int raw_map(struct blk *b, uint64_t off, uint64_t len, struct extent *x)
{
	*x = (struct extent){.kind = EXTENT_DATA, .fd = b->fd, .off = off, .len = len};
	return 0;
}

const struct blk_format blk_raw = {
	.name = "raw",
	.open = raw_open,
	.map = raw_map,
};
