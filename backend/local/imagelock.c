/* Locks on images, as QEMU takes them, so that we and QEMU (and two of ours) never write to one image at
 * once: read locks on single bytes of the image that say which permissions one uses (from byte 100 on) and
 * which one does not share with others (from 200 on). One may go on when nobody refuses what one uses, and
 * nobody uses what one refuses. (QEMU, docs/interop and block/file-posix.c) */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "backend/local/local.h"
#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/lock.h"

enum image_perm { PERM_CONSISTENT_READ = 1, PERM_WRITE = 2, PERM_WRITE_UNCHANGED = 4, PERM_RESIZE = 8 };
#define PERM_BITS 4
#define LOCK_USED 100    /* + bit */
#define LOCK_REFUSED 200 /* + bit */
#define LINGER_TRIES 40
#define LINGER_NS 50000000

/* Does process @pid have that file open? */
static bool has_open(const char *pid, const struct stat *file)
{
	char path[300];
	snprintf(path, sizeof(path), "/proc/%.20s/fd", pid);
	DIR *d = opendir(path);
	bool found = false;
	for (struct dirent *de; d && !found && (de = readdir(d));) {
		struct stat st;
		found = isdigit((unsigned char)*de->d_name) && fstatat(dirfd(d), de->d_name, &st, 0) == 0 &&
			st.st_ino == file->st_ino && st.st_dev == file->st_dev;
	}
	if (d)
		closedir(d);
	return found;
}

/* "process 4711 (qemu-system-x86)" or "another process". Open-file-description locks have no owner in
 * /proc/locks, so whoever has the file open is named. false: nobody that can be seen. */
static bool who_uses(int fd, char *out, size_t n)
{
	struct stat st;
	snprintf(out, n, "another process");
	bool found = false;
	DIR *d = fstat(fd, &st) < 0 ? NULL : opendir("/proc");
	for (struct dirent *de; d && !found && (de = readdir(d));) {
		if (!isdigit((unsigned char)*de->d_name) || atoi(de->d_name) == getpid() ||
		    !has_open(de->d_name, &st))
			continue;
		char path[300];
		AUTO_FREE char *comm = NULL;
		snprintf(path, sizeof(path), "/proc/%.20s/comm", de->d_name);
		if (!file_read(path, 64, &comm, NULL, NULL)) {
			char show[64];
			comm[strcspn(comm, "\n")] = 0;
			snprintf(out, n, "process %.20s (%s)", de->d_name,
				 str_printable(comm, show, sizeof(show)));
		}
		found = true;
	}
	if (d)
		closedir(d);
	return found;
}

/* Mark the bits of @mask from @base on. */
static int mark(int fd, unsigned mask, off_t base)
{
	for (int i = 0; i < PERM_BITS; i++) {
		int rc = mask & 1u << i ? lock_range_read(fd, base + i) : 0;
		if (rc)
			return rc;
	}
	return 0;
}

/* Is one of the bits of @mask marked from @base on by another? 1, 0, -errno. */
static int marked(int fd, unsigned mask, off_t base)
{
	for (int i = 0; i < PERM_BITS; i++) {
		int rc = mask & 1u << i ? lock_range_taken(fd, base + i) : 0;
		if (rc)
			return rc;
	}
	return 0;
}

/* Is the image in use in a way that does not go with ours? 1, 0, -errno. */
static int conflicts(int fd, unsigned use, unsigned refuse)
{
	int rc = marked(fd, use, LOCK_REFUSED);
	return rc ? rc : marked(fd, refuse, LOCK_USED);
}

int image_lock(int fd, const char *path, const char *target, bool write, bool share, struct err *e)
{
	unsigned use = PERM_CONSISTENT_READ | (write ? PERM_WRITE : 0);
	unsigned refuse = share ? 0 : PERM_WRITE | PERM_RESIZE;
	char who[128] = "";
	int rc = mark(fd, use, LOCK_USED);
	if (!rc)
		rc = mark(fd, refuse, LOCK_REFUSED);
	if (!rc)
		rc = conflicts(fd, use, refuse);
	/* The kernel takes an io_uring apart after its process has ended; its files stay open that long, seen
	 * by nobody. */
	for (int tries = 0; rc == 1 && tries < LINGER_TRIES && !who_uses(fd, who, sizeof(who)); tries++) {
		nanosleep(&(struct timespec){.tv_nsec = LINGER_NS}, NULL);
		rc = conflicts(fd, use, refuse);
	}
	if (rc == -ENOLCK || rc == -EINVAL || rc == -ENOSYS)
		return 0; /* a file system without locks */
	if (rc < 0)
		return str_eq(target, "nvram")
			   ? err_sys(e, -rc, "cannot lock the variable store '%s'", path)
			   : err_sys(e, -rc, "disk '%s': cannot lock image '%s'", target, path);
	if (!rc)
		return 0;
	if (str_eq(target, "nvram"))
		return err_set(e, EBUSY, "variable store '%s' is in use by %s: stop that, or give this domain its own <nvram>",
			       path, who);
	return err_set(
	    e, EBUSY,
	    "disk '%s': image '%s' is in use by %s: stop that, or let both share it with <shareable/>",
	    target, path, who);
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return S_ISBLK(a->st_mode) ? S_ISBLK(b->st_mode) && a->st_rdev == b->st_rdev
				   : a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

const struct domain_disk *image_disk(const struct domain *d, size_t n, const struct stat *file)
{
	struct stat st;
	for (size_t i = 0; i < n; i++)
		if (d->disks[i].source && stat(d->disks[i].source, &st) == 0 && same_file(&st, file))
			return &d->disks[i];
	return NULL;
}

void image_name_user(struct local *l, const char *uuid, const struct stat *file, const char *path,
		     const char *target, struct err *e)
{
	bool found = false;
	for (size_t i = 0; i < l->nguests && !found; i++) {
		const struct guest *g = l->guests[i];
		struct domain *d = NULL;
		if (!g->live_xml || str_eq(g->uuid, uuid) ||
		    domain_parse(g->live_xml, strlen(g->live_xml), g->name, &d, NULL))
			continue;
		const struct domain_disk *other = image_disk(d, d->ndisks, file);
		found = other;
		if (found)
			err_set(e, EBUSY,
				"disk '%s': image '%s' is in use as disk '%s' of domain '%s': stop that, or let both share "
				"it with <shareable/>",
				target, path, other->target, g->name);
		domain_free(d);
	}
}
