/* What a path of this host is, for who wants to have an image or an installation's medium there. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "backend/local/install.h"
#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/str.h"

#define PVD_AT 32768 /* ECMA-119, 8.4: the sixteenth sector */

char *images_folder(const struct local *l)
{
	return x_asprintf("%s/images", l->dirs->data);
}

char *install_folder(const struct local *l)
{
	return x_asprintf("%s/install", l->dirs->data);
}

/* The nearest folder above @path that is there, the caller's to free; *steps: how many names were taken
 * off. */
static char *folder_above(const char *path, unsigned *steps)
{
	char *at = x_strdup(path);
	struct stat st;
	for (*steps = 1;; ++*steps) {
		AUTO_FREE char *copy = at;
		at = x_strdup(dirname(copy));
		if ((stat(at, &st) == 0 && S_ISDIR(st.st_mode)) || str_eq(at, "/") || str_eq(at, "."))
			return at;
	}
}

/* Where a file system has room: for @path, or where it would be. */
static void read_space(const struct local *l, const char *path, struct path_info *out)
{
	unsigned steps = 0;
	AUTO_FREE char *folder = out->kind == PATH_FOLDER ? x_strdup(path) : folder_above(path, &steps);
	AUTO_FREE char *images = images_folder(l);
	struct statvfs vfs;
	struct stat st;
	if (stat(folder, &st) == 0)
		out->device = st.st_dev;
	if (statvfs(folder, &vfs) == 0)
		out->free_bytes = (uint64_t)vfs.f_bavail * vfs.f_frsize;
	if (out->kind != PATH_MISSING)
		return;
	size_t n = strlen(images); /* the folder for images is made when it is missing, others are not */
	bool ours = !strncmp(path, images, n) && path[n] == '/' && !strchr(path + n + 1, '/');
	out->writable = (steps == 1 || ours) && faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) == 0;
}

/* A field of the volume descriptor, without the spaces behind it. */
static void field(char *out, const unsigned char *from, size_t n)
{
	char raw[132];
	snprintf(raw, sizeof(raw), "%.*s", (int)n, (const char *)from);
	for (size_t k = strlen(raw); k && isspace((unsigned char)raw[k - 1]); k--)
		raw[k - 1] = 0;
	str_printable(raw, out, n + 1);
}

static void read_volume(int fd, struct path_info *out)
{
	unsigned char s[2048];
	if (fd_pread_all(fd, s, sizeof(s), PVD_AT) || s[0] != 1 || memcmp(s + 1, "CD001", 5))
		return;
	field(out->system_id, s + 8, 32);
	field(out->volume_id, s + 40, 32);
	field(out->publisher_id, s + 318, 128);
	field(out->application_id, s + 574, 128);
	out->volume_bytes = (uint64_t)(s[80] | s[81] << 8 | s[82] << 16 | (uint32_t)s[83] << 24) *
			    (unsigned)(s[128] | s[129] << 8);
	if (!*out->volume_id)
		snprintf(out->volume_id, sizeof(out->volume_id), "CDROM");
}

static void read_format(int fd, struct path_info *out)
{
	static const struct {
		const char *name;
		unsigned at, len;
		const char *magic;
	} rows[] = {
	    {"qcow2", 0, 4, "QFI\xfb"},
	    {"vmdk", 0, 4, "KDMV"},
	    {"vmdk", 0, 21, "# Disk DescriptorFile"},
	    {"vdi", 64, 4, "\x7f\x10\xda\xbe"},
	    {"vhdx", 0, 8, "vhdxfile"},
	    {"qed", 0, 4, "QED\0"},
	    {"vpc", 0, 8, "conectix"},
	};
	char head[68] = {0};
	if (pread(fd, head, sizeof(head), 0) < 0)
		return;
	snprintf(out->format, sizeof(out->format), "raw");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (!memcmp(head + rows[i].at, rows[i].magic, rows[i].len))
			snprintf(out->format, sizeof(out->format), "%s", rows[i].name);
}

static void read_content(const char *path, struct path_info *out)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return;
	uint64_t bytes;
	if (out->kind == PATH_BLOCK && ioctl(fd, BLKGETSIZE64, &bytes) == 0)
		out->bytes = bytes;
	read_format(fd, out);
	read_volume(fd, out);
}

/* --- who has it --- */

/* Has this domain that file as a disk that it may write? */
static bool has_disk(const char *text, const char *where, const struct stat *file, struct path_info *out)
{
	struct domain *d = NULL;
	bool found = false;
	if (domain_parse(text, strlen(text), where, &d, NULL))
		return false;
	for (size_t i = 0; i < d->ndisks && !found; i++) {
		const struct domain_disk *k = &d->disks[i];
		struct stat st;
		found = k->source && k->device == DISK_DEVICE_DISK && stat(k->source, &st) == 0 &&
			(S_ISBLK(file->st_mode) ? S_ISBLK(st.st_mode) && st.st_rdev == file->st_rdev
						: st.st_dev == file->st_dev && st.st_ino == file->st_ino);
		if (found) {
			snprintf(out->used_by, sizeof(out->used_by), "%s", d->name);
			out->used_shareable = k->shareable;
		}
	}
	domain_free(d);
	return found;
}

/* Definitions are parsed only when they have a disk at all; guests that only run are looked at too. */
static void read_users(struct local *l, const struct stat *file, struct path_info *out)
{
	if (store_refresh(l, NULL) || registry_refresh(l, NULL))
		return;
	for (size_t i = 0; i < l->nitems; i++) {
		AUTO_FREE char *path = store_path(l, l->items[i]->file);
		AUTO_FREE char *text = NULL;
		if (!l->items[i]->broken && !file_read(path, 1 << 20, &text, NULL, NULL) &&
		    strstr(text, "<disk") && has_disk(text, path, file, out))
			return;
	}
	for (size_t i = 0; i < l->nguests; i++)
		if (l->guests[i]->live_xml && has_disk(l->guests[i]->live_xml, l->guests[i]->name, file, out))
			return;
}

int local_path_info(struct backend *b, const char *path, bool look, struct path_info *info, struct err *e)
{
	struct local *l = local_of(b);
	struct path_info out = {0};
	struct stat st;
	if (!*path)
		return err_set(e, EINVAL, "an empty path");
	if (stat(path, &st) < 0) {
		if (errno != ENOENT && errno != ENOTDIR)
			return err_sys(e, errno, "'%s'", path);
	} else {
		out.kind = S_ISREG(st.st_mode)   ? PATH_FILE
			   : S_ISBLK(st.st_mode) ? PATH_BLOCK
			   : S_ISDIR(st.st_mode) ? PATH_FOLDER
						 : PATH_OTHER;
		out.bytes = out.kind == PATH_FILE ? (uint64_t)st.st_size : 0;
		out.readable = faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) == 0;
		out.writable = faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0;
	}
	read_space(l, path, &out);
	if (out.kind == PATH_FILE || out.kind == PATH_BLOCK) {
		read_content(path, &out);
		read_users(l, &st, &out);
	}
	if (look && (out.kind == PATH_FOLDER || *out.volume_id))
		location_look(path, &out);
	*info = out;
	return 0;
}
