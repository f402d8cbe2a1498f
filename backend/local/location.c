/* Installers' kernels: where they are in a folder or in an ISO, and copies of them. What an ISO holds is read
 * by libarchive; names are compared without case, as an ISO without Rock Ridge has capitals. */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/local/install.h"
#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/str.h"

#define BLOCK 65536
#define COPY_MAX (4ull << 30) /* bytes of a kernel or an initrd */
#define TREEINFO_MAX 65536

/* Where they are, by whose installer; the first that is there is taken. */
static const struct {
	const char *kernel, *initrd;
} places[] = {
    {"install.amd/vmlinuz", "install.amd/initrd.gz"},       /* Debian's CDs */
    {"install/vmlinuz", "install/initrd.gz"},
    {"casper/vmlinuz", "casper/initrd"},                    /* Ubuntu */
    {"casper/vmlinuz", "casper/initrd.gz"},
    {"casper/vmlinuz", "casper/initrd.lz"},
    {"images/pxeboot/vmlinuz", "images/pxeboot/initrd.img"}, /* Fedora, Red Hat and kin */
    {"isolinux/vmlinuz", "isolinux/initrd.img"},
    {"boot/x86_64/loader/linux", "boot/x86_64/loader/initrd"}, /* SUSE */
    {"arch/boot/x86_64/vmlinuz-linux", "arch/boot/x86_64/initramfs-linux.img"},
    {"boot/vmlinuz-lts", "boot/initramfs-lts"},             /* Alpine */
    {"boot/vmlinuz-virt", "boot/initramfs-virt"},
    {"live/vmlinuz", "live/initrd.img"},
    {"current/images/netboot/debian-installer/amd64/linux", "current/images/netboot/debian-installer/amd64/initrd.gz"},
    {"images/netboot/debian-installer/amd64/linux", "images/netboot/debian-installer/amd64/initrd.gz"},
    {"netboot/debian-installer/amd64/linux", "netboot/debian-installer/amd64/initrd.gz"},
    {"debian-installer/amd64/linux", "debian-installer/amd64/initrd.gz"},
    {"linux", "initrd.gz"},
    {"linux", "initrd"},
    {"vmlinuz", "initrd.gz"},
    {"vmlinuz", "initrd.img"},
    {"vmlinuz", "initrd"},
    {"boot/vmlinuz", "boot/initrd.img"},
    {"boot/vmlinuz", "boot/initrd.gz"},
    {"boot/vmlinuz", "boot/initrd"},
};

/* Which of the places' files are there. */
struct seen {
	bool kernel[ARRAY_SIZE(places)], initrd[ARRAY_SIZE(places)];
	char *treeinfo;
};

/* --- in an ISO --- */

/* An entry's name as we have them: no "./" before it, no version behind it. */
static const char *plain_name(const char *name, char out[PATH_MAX])
{
	while (str_starts(name, "./") || *name == '/')
		name += *name == '/' ? 1 : 2;
	snprintf(out, PATH_MAX, "%s", name);
	char *version = strrchr(out, ';');
	if (version)
		*version = 0;
	size_t n = strlen(out);
	if (n && out[n - 1] == '.')
		out[n - 1] = 0;
	return out;
}

static struct archive *iso_open(const char *path, struct err *e)
{
	struct archive *a = archive_read_new();
	if (a && archive_read_support_format_iso9660(a) == ARCHIVE_OK &&
	    archive_read_open_filename(a, path, BLOCK) == ARCHIVE_OK)
		return a;
	err_set(e, EINVAL, "'%s' cannot be read as an ISO: %s", path,
		a && archive_error_string(a) ? archive_error_string(a) : "out of memory");
	archive_read_free(a);
	return NULL;
}

/* All of a small entry; NULL when it is not small. */
static char *entry_text(struct archive *a, struct archive_entry *entry)
{
	int64_t size = archive_entry_size(entry);
	if (size <= 0 || size > TREEINFO_MAX)
		return NULL;
	char *text = x_calloc(1, (size_t)size + 1);
	if (archive_read_data(a, text, (size_t)size) < 0)
		free(TAKE_PTR(text));
	return text;
}

static void iso_look(const char *path, struct seen *s)
{
	struct archive *a = iso_open(path, NULL);
	struct archive_entry *entry;
	char name[PATH_MAX];
	while (a && archive_read_next_header(a, &entry) >= ARCHIVE_WARN) {
		const char *given = archive_entry_pathname(entry);
		if (!given || archive_entry_filetype(entry) != AE_IFREG)
			continue;
		plain_name(given, name);
		for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
			s->kernel[i] |= !strcasecmp(name, places[i].kernel);
			s->initrd[i] |= !strcasecmp(name, places[i].initrd);
		}
		if (!s->treeinfo && (!strcasecmp(name, ".treeinfo") || !strcasecmp(name, "treeinfo")))
			s->treeinfo = entry_text(a, entry);
	}
	archive_read_free(a);
}

static int iso_write(struct archive *a, int fd, const char *name, struct err *e)
{
	const void *p;
	size_t n;
	int64_t at;
	uint64_t end = 0;
	int rc;
	while ((rc = archive_read_data_block(a, &p, &n, &at)) == ARCHIVE_OK) {
		end = (uint64_t)at + n;
		if (at < 0 || end > COPY_MAX)
			return err_set(e, EFBIG, "'%s' is too large for a kernel or an initrd", name);
		int wrote = fd_pwrite_all(fd, p, n, at);
		if (wrote)
			return err_sys(e, -wrote, "cannot copy '%s'", name);
	}
	return rc == ARCHIVE_EOF ? 0
				 : err_set(e, EIO, "'%s' cannot be read: %s", name, archive_error_string(a));
}

static int iso_copy(const char *iso, const char *name, int fd, struct err *e)
{
	struct archive *a = iso_open(iso, e);
	struct archive_entry *entry;
	char found[PATH_MAX], wanted[PATH_MAX];
	int rc = -ENOENT;
	plain_name(name, wanted);
	if (!a)
		return -EINVAL;
	while (rc == -ENOENT && archive_read_next_header(a, &entry) >= ARCHIVE_WARN)
		if (archive_entry_pathname(entry) && archive_entry_filetype(entry) == AE_IFREG &&
		    !strcasecmp(plain_name(archive_entry_pathname(entry), found), wanted))
			rc = iso_write(a, fd, name, e);
	archive_read_free(a);
	return rc == -ENOENT ? err_set(e, ENOENT, "there is no '%s' in '%s'", name, iso) : rc;
}

/* --- in a folder --- */

static bool folder_has(const char *folder, const char *name)
{
	AUTO_FREE char *path = x_asprintf("%s/%s", folder, name);
	struct stat st;
	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static void folder_look(const char *path, struct seen *s)
{
	AUTO_FREE char *info = x_asprintf("%s/.treeinfo", path);
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		s->kernel[i] = folder_has(path, places[i].kernel);
		s->initrd[i] = folder_has(path, places[i].initrd);
	}
	file_read(info, TREEINFO_MAX, &s->treeinfo, NULL, NULL);
}

static int folder_copy(const char *folder, const char *name, int fd, struct err *e)
{
	AUTO_FREE char *path = *name == '/' ? x_strdup(name) : x_asprintf("%s/%s", folder, name);
	AUTO_CLOSE int from = open_file("kernel or initrd", path, O_RDONLY, e);
	AUTO_FREE char *chunk = x_malloc(BLOCK);
	uint64_t total = 0;
	ssize_t n;
	if (from < 0)
		return from;
	while ((n = read(from, chunk, BLOCK)) > 0) {
		total += (uint64_t)n;
		int rc = total > COPY_MAX ? -EFBIG : fd_write_all(fd, chunk, (size_t)n);
		if (rc)
			return err_sys(e, -rc, "cannot copy '%s'", path);
	}
	return n < 0 ? err_sys(e, errno, "cannot read '%s'", path) : 0;
}

/* --- both --- */

/* A value of an ini section: .treeinfo of Fedora and kin. */
static void ini_get(const char *text, const char *section, const char *key, char *out, size_t n)
{
	AUTO_FREE char *head = x_asprintf("[%s]", section);
	const char *p = text ? strstr(text, head) : NULL;
	if (!p)
		return;
	for (p = strchr(p, '\n'); p && p[1] && p[1] != '['; p = strchr(p + 1, '\n')) {
		const char *line = p + 1 + strspn(p + 1, " \t");
		size_t k = strlen(key);
		if (strncmp(line, key, k) || !strchr(" \t=", line[k]))
			continue;
		const char *value = line + k + strspn(line + k, " \t=");
		AUTO_FREE char *raw = x_strndup(value, strcspn(value, "\r\n"));
		str_printable(raw, out, n);
		return;
	}
}

void location_look(const char *path, struct path_info *out)
{
	struct seen s = {0};
	if (out->kind == PATH_FOLDER)
		folder_look(path, &s);
	else
		iso_look(path, &s);
	ini_get(s.treeinfo, "general", "family", out->tree_family, sizeof(out->tree_family));
	ini_get(s.treeinfo, "general", "version", out->tree_version, sizeof(out->tree_version));
	ini_get(s.treeinfo, "general", "variant", out->tree_variant, sizeof(out->tree_variant));
	ini_get(s.treeinfo, "general", "arch", out->tree_arch, sizeof(out->tree_arch));
	ini_get(s.treeinfo, "images-x86_64", "kernel", out->kernel, sizeof(out->kernel));
	ini_get(s.treeinfo, "images-x86_64", "initrd", out->initrd, sizeof(out->initrd));
	free(s.treeinfo);
	for (size_t i = 0; i < ARRAY_SIZE(places) && !*out->kernel; i++)
		if (s.kernel[i] && s.initrd[i]) {
			snprintf(out->kernel, sizeof(out->kernel), "%s", places[i].kernel);
			snprintf(out->initrd, sizeof(out->initrd), "%s", places[i].initrd);
		}
}

int location_copy(const char *location, const char *name, const char *to, struct err *e)
{
	struct stat st;
	if (stat(location, &st) < 0)
		return err_sys(e, errno, "'%s'", location);
	AUTO_CLOSE int fd = open(to, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0)
		return err_sys(e, errno, "cannot make '%s'", to);
	return S_ISDIR(st.st_mode) ? folder_copy(location, name, fd, e) : iso_copy(location, name, fd, e);
}
