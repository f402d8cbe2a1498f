/* Of an installation's XML: the disks and drives, and the files to be made for them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/base/cleanup.h"
#include "src/base/fmt.h"
#include "src/cmd/install_maker.h"

#define DISK_GIB 20 /* for a system that is not known */

/* A disk as it goes into the texts. */
struct drive {
	const struct install_value *v;
	const char *device; /* disk, cdrom, floppy */
	char *path;         /* NULL: empty */
	bool block;
	bool made;          /* the path is to be made */
	bool installer;     /* its medium is of the first boot only */
};

/* The first name of a bus that is free: vda, vdb... Return: @out. */
static char *free_target(struct maker *m, const char *prefix, char out[16])
{
	for (char c = 'a'; c <= 'z'; c++) {
		char word[20];
		snprintf(out, 16, "%s%c", prefix, c);
		snprintf(word, sizeof(word), " %s ", out);
		if (!strstr(m->letters, word))
			break;
	}
	return out;
}

static void take_target(struct maker *m, const char *target)
{
	size_t n = strlen(m->letters);
	if (n + strlen(target) + 3 < sizeof(m->letters))
		snprintf(m->letters + n, sizeof(m->letters) - n, "%s%s ", n ? "" : " ", target);
}

static const char *prefix_of(const char *bus)
{
	return str_eq(bus, "virtio") ? "vd"
	       : str_eq(bus, "ide")  ? "hd"
	       : str_eq(bus, "fdc")  ? "fd"
	       : str_eq(bus, "xen")  ? "xvd"
				     : "sd";
}

static void put_driver(struct maker *m, const struct install_value *v)
{
	static const struct {
		const char *part, *attribute;
	} rows[] = {{"cache", "cache"}, {"discard", "discard"}, {"io", "io"}, {"queues", "queues"}};
	put(m, IN_BOTH, "      <driver name='qemu' type='raw'");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		put_attr(m, IN_BOTH, rows[i].attribute, value_get(v, rows[i].part));
	put(m, IN_BOTH, "/>\n");
}

static void put_drive(struct maker *m, const struct drive *d)
{
	const struct install_value *v = d->v;
	bool disk = str_eq(d->device, "disk");
	const char *bus = value_get(v, "bus"), *target = value_get(v, "target"),
		   *order = value_get(v, "boot.order");
	char name[16];
	if (!bus)
		bus = str_eq(d->device, "floppy") ? "fdc" : disk && m->os.virtio_disk ? "virtio" : "ide";
	if (!target)
		target = free_target(m, prefix_of(bus), name);
	take_target(m, target);
	put(m, IN_BOTH, "    <disk type='%s' device='%s'", d->block ? "block" : "file", d->device);
	put_attr(m, IN_BOTH, "snapshot", value_get(v, "snapshot"));
	put(m, IN_BOTH, ">\n");
	put_driver(m, v);
	unsigned which = d->installer && !m->keep_medium ? IN_FIRST : IN_BOTH;
	if (d->path) {
		put(m, which, "      <source");
		put_attr(m, which, d->block ? "dev" : "file", d->path);
		put_attr(m, which, "startupPolicy", value_get(v, "startup_policy"));
		put(m, which, "/>\n");
	}
	put(m, IN_BOTH, "      <target");
	put_attr(m, IN_BOTH, "dev", target);
	put_attr(m, IN_BOTH, "bus", bus);
	put(m, IN_BOTH, "/>\n");
	const char *perms = value_get(v, "perms");
	if (str_eq(d->device, "cdrom") || value_on(v, "readonly", str_eq(perms, "ro")))
		put(m, IN_BOTH, "      <readonly/>\n");
	if (value_on(v, "shareable", str_eq(perms, "sh")))
		put(m, IN_BOTH, "      <shareable/>\n");
	if (value_get(v, "serial"))
		put_text(m, IN_BOTH, 3, "serial", value_get(v, "serial"));
	if (order) { /* the first boot goes by <boot dev=> */
		unsigned in = m->p->installs ? IN_DEFINE : IN_BOTH;
		put(m, in, "      <boot order='%s'/>\n", order);
	}
	put(m, IN_BOTH, "    </disk>\n");
}

static void add_file(struct maker *m, const char *path, uint64_t bytes, bool sparse)
{
	m->p->files = x_realloc(m->p->files, (m->p->nfiles + 1) * sizeof(*m->p->files));
	m->p->files[m->p->nfiles++] = (struct install_file){x_strdup(path), bytes, sparse};
}

/* Is there room for one more file, with those that are on the same file system? */
static int take_space(struct maker *m, const struct path_info *at, const char *path, uint64_t bytes,
		      bool sparse, struct err *e)
{
	char want[FMT_MAX], have[FMT_MAX];
	struct space *s = NULL;
	for (unsigned i = 0; i < m->nspace && !s; i++)
		s = m->space[i].device == at->device ? &m->space[i] : NULL;
	if (!s) {
		s = &m->space[m->nspace < ARRAY_SIZE(m->space) ? m->nspace++ : m->nspace - 1];
		*s = (struct space){.device = at->device, .free = at->free_bytes};
	}
	if (__builtin_add_overflow(s->bytes, bytes, &s->bytes))
		s->bytes = UINT64_MAX;
	s->sure += sparse ? 0 : bytes;
	fmt_bytes(bytes, want);
	fmt_bytes(s->free, have);
	if (s->sure > s->free)
		return err_set(e, ENOSPC,
			       "--disk '%s': %s do not fit: %s are free there; make it smaller, or put it "
			       "elsewhere with path=",
			       path, want, have);
	if (s->bytes > s->free && maker_checks(m, "disk_size"))
		return err_set(e, ENOSPC,
			       "--disk '%s': %s would not fit when the guest has filled them: %s are free "
			       "there; make it smaller, "
			       "or --check disk_size=off",
			       path, want, have);
	if (s->bytes > s->free)
		maker_note(m, "warning: disk '%s' of %s cannot be filled: %s are free there", path, want,
			   have);
	return 0;
}

/* An image that is to be made. */
static int plan_file(struct maker *m, const char *path, const struct path_info *at,
		     const struct install_value *v, struct err *e)
{
	const char *size = value_get(v, "size"), *format = value_get(v, "format");
	uint64_t bytes;
	bool sparse = value_on(v, "sparse", true);
	if (!size)
		return err_set(
		    e, ENOENT,
		    "--disk '%s' is not there: name one that is, or give size= in GiB for a new one", path);
	int rc = install_size(size, &bytes, e);
	if (rc)
		return rc;
	if (format && !str_eq(format, "raw"))
		return err_set(e, EOPNOTSUPP,
			       "--disk '%s',format=%s: new images are raw until other formats are there",
			       path, format);
	for (size_t i = 0; i < m->p->nfiles; i++)
		if (str_eq(m->p->files[i].path, path))
			return err_set(e, EINVAL, "--disk '%s' is given twice", path);
	if (!at->writable)
		return err_set(e, EACCES,
			       "--disk '%s': nothing can be made in that folder: choose another one", path);
	rc = take_space(m, at, path, bytes, sparse, e);
	if (!rc)
		add_file(m, path, bytes, sparse);
	return rc;
}

/* An image or device that is there. */
static int check_image(struct maker *m, const char *path, const struct path_info *at,
		       const struct install_value *v, bool disk, struct err *e)
{
	const char *format = value_get(v, "format"), *is = at->format;
	if (at->kind == PATH_FOLDER || at->kind == PATH_OTHER)
		return err_set(e, EINVAL, "--disk '%s' is %s, not an image or a block device", path,
			       at->kind == PATH_FOLDER ? "a folder" : "something else");
	if (!at->readable ||
	    (disk && !at->writable && !value_on(v, "readonly", str_eq(value_get(v, "perms"), "ro"))))
		return err_set(e, EACCES, "--disk '%s' cannot be %s by this user%s", path,
			       at->readable ? "written" : "read",
			       at->readable ? ": change its permissions, or add readonly=on" : "");
	if (format && !str_eq(format, "raw") && !(str_eq(format, "iso") && !disk))
		return err_set(e, EOPNOTSUPP,
			       "--disk '%s',format=%s: images are raw until other formats are there: "
			       "qemu-img convert -O raw",
			       path, format);
	if (!format && *is && !str_eq(is, "raw"))
		return err_set(e, EOPNOTSUPP,
			       "--disk '%s' is a %s image: images are raw until other formats are there: "
			       "qemu-img convert -O raw, or "
			       "format=raw when it is what it looks like by chance",
			       path, is);
	if (disk && *at->used_by && !(at->used_shareable && value_on(v, "shareable", false)) &&
	    maker_checks(m, "path_in_use"))
		return err_set(e, EBUSY,
			       "--disk '%s' is already in use by guest '%s'; --check path_in_use=off takes "
			       "it all the same",
			       path, at->used_by);
	if (value_get(v, "size"))
		maker_note(m, "disk '%s' is there already: it is used as it is, size= is of no effect", path);
	return 0;
}

/* The path as the guest's XML has it: from the root on, without links in its folder. */
static char *full_path(const char *path)
{
	char *real = realpath(path, NULL);
	if (real)
		return real;
	const char *slash = strrchr(path, '/');
	AUTO_FREE char *folder = slash == path ? x_strdup("/")
				 : slash       ? x_strndup(path, (size_t)(slash - path))
					       : x_strdup(".");
	AUTO_FREE char *real_folder = realpath(folder, NULL);
	if (real_folder)
		return x_asprintf("%s/%s", str_eq(real_folder, "/") ? "" : real_folder,
				  slash ? slash + 1 : path);
	AUTO_FREE char *here = *path == '/' ? NULL : getcwd(NULL, 0);
	return here ? x_asprintf("%s/%s", here, path) : x_strdup(path);
}

/* A name below the images' folder that neither is there nor was given to another of this guest. */
static char *new_path(struct maker *m)
{
	for (unsigned i = 0;; i++) {
		AUTO_FREE char *path = i ? x_asprintf("%s/%s-%u.raw", m->host.images, m->p->name, i)
					 : x_asprintf("%s/%s.raw", m->host.images, m->p->name);
		struct path_info at;
		bool taken = m->b->ops->path_info(m->b, path, false, &at, NULL) || at.kind != PATH_MISSING;
		for (size_t k = 0; k < m->p->nfiles; k++)
			taken |= str_eq(m->p->files[k].path, path);
		if (!taken || i > 1000)
			return TAKE_PTR(path);
	}
}

static int one_disk(struct maker *m, const struct install_value *v, struct err *e)
{
	const char *given = value_get(v, "path"), *device = value_get(v, "device");
	struct drive d = {.v = v, .device = !device || str_eq(device, "lun") ? "disk" : device};
	struct path_info at = {0};
	bool disk = str_eq(d.device, "disk");
	int rc = 0;
	if (!given && disk && !value_get(v, "size"))
		return err_set(e, EINVAL, "--disk wants a path, or the size= in GiB of a new image");
	if (value_get(v, "queues") && !disk)
		return err_set(e, EINVAL, "--disk: queues= is of a virtio disk");
	if (given || value_get(v, "size")) {
		if (given && strstr(given, "://"))
			return err_set(e, EOPNOTSUPP,
				       "--disk '%s': images are files or block devices of this host", given);
		AUTO_FREE char *path = given ? full_path(given) : new_path(m);
		rc = m->b->ops->path_info(m->b, path, false, &at, e);
		d.made = !rc && at.kind == PATH_MISSING;
		if (!rc && d.made && !disk)
			rc = err_set(e, ENOENT, "--disk '%s': there is no such medium", path);
		if (!rc)
			rc = d.made ? plan_file(m, path, &at, v, e) : check_image(m, path, &at, v, disk, e);
		d.block = at.kind == PATH_BLOCK;
		if (!rc)
			d.path = TAKE_PTR(path);
	}
	if (!rc) {
		m->ndisks += disk;
		/* Without another method such a drive is what is installed from. */
		d.installer = str_eq(d.device, "cdrom") && m->method == METHOD_CDROM && d.path &&
			      str_eq(d.path, m->medium);
		put_drive(m, &d);
	}
	free(d.path);
	return rc;
}

/* The drive of --cdrom, or of the ISO of --location. */
static int installer_drive(struct maker *m, struct err *e)
{
	AUTO_VALUE struct install_value v = {0};
	struct path_info at;
	int rc = m->b->ops->path_info(m->b, m->medium, false, &at, e);
	if (rc)
		return rc;
	struct drive d = {
	    .v = &v, .device = "cdrom", .path = m->medium, .block = at.kind == PATH_BLOCK, .installer = true};
	put_drive(m, &d);
	return 0;
}

/* Names that are given are not for others. */
static int reserve(struct maker *m, struct err *e)
{
	for (size_t i = 0; i < m->r->n; i++) {
		AUTO_VALUE struct install_value v = {0};
		if (!str_eq(m->r->words[i].option, "disk"))
			continue;
		int rc = install_split(install_option("disk"), m->r->words[i].value, &v, e);
		if (rc)
			return rc;
		m->orders |= value_get(&v, "boot.order") != NULL;
		if (value_get(&v, "target"))
			take_target(m, value_get(&v, "target"));
	}
	return 0;
}

static int default_disk(struct maker *m, struct err *e)
{
	uint64_t bytes = m->os.storage_bytes ? m->os.storage_bytes : DISK_GIB * GIB;
	AUTO_FREE char *text = x_asprintf("size=%g", (double)bytes / (double)GIB);
	AUTO_VALUE struct install_value v = {0};
	maker_note(m, "Using default --disk %s", text);
	int rc = install_split(install_option("disk"), text, &v, e);
	return rc ? rc : one_disk(m, &v, e);
}

int make_disks(struct maker *m, struct err *e)
{
	bool none = maker_flag(m, "nodisks"), any = false, has_medium = false;
	int rc = reserve(m, e);
	for (size_t i = 0; i < m->r->n && !rc; i++) {
		AUTO_VALUE struct install_value v = {0};
		if (!str_eq(m->r->words[i].option, "disk"))
			continue;
		rc = install_split(install_option("disk"), m->r->words[i].value, &v, e);
		if (!rc && str_eq(value_get(&v, "path"), "none")) {
			none = true;
			continue;
		}
		any = true;
		if (!rc && str_eq(value_get(&v, "device"), "cdrom") && value_get(&v, "path") && m->medium) {
			AUTO_FREE char *full = full_path(value_get(&v, "path"));
			has_medium |= str_eq(full, m->medium);
		}
		if (!rc)
			rc = one_disk(m, &v, e);
	}
	if (!rc && none && m->ndisks)
		return err_set(e, EINVAL, "--disk none stands beside other disks: leave one of them");
	if (!rc && !none && !any && m->method != METHOD_IMPORT)
		rc = default_disk(m, e);
	if (!rc && m->method == METHOD_IMPORT && !any && !none)
		rc = err_set(e, EINVAL, "--import wants a disk to boot: --disk FILE (or --disk none)");
	m->keep_medium |= m->ndisks == 0; /* nothing else could be booted */
	if (!rc && m->medium && !has_medium)
		rc = installer_drive(m, e);
	return rc;
}
