/* Making a guest as a whole: its disks, the kernel of its first boot, its definition, and its start. Theory
 * of operation: what is made is remembered as it is made; when a step fails all of it is taken away again,
 * last first. The first boot is started from a text of its own; that it is one is written in it, so that
 * whoever cleans up when it ends (local_domain_release()) starts the definition after the guest's own reboot,
 * and removes the kernel. */
#include "backend/local/install.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/log.h"
#include "src/base/str.h"

struct making {
	struct local *l;
	const struct install_job *job;
	struct domain *define, *first; /* first NULL: the definition is what starts */
	size_t nfiles;                 /* of job->files that were made */
	bool images;                   /* their folder was made */
	bool folder, defined, nvram, logs; /* nvram, logs: were not there before */
};

void install_forget(const struct local *l, const char *uuid)
{
	AUTO_FREE char *all = install_folder(l);
	AUTO_FREE char *dir = x_asprintf("%s/%s", all, uuid);
	if (access(dir, F_OK) < 0)
		return;
	struct err e = {0};
	if (dir_remove(dir, &e))
		log_warn("%s", e.msg);
	rmdir(all); /* when it was the last */
}

static char *pending_path(const struct local *l, const char *uuid)
{
	AUTO_FREE char *all = install_folder(l);
	return x_asprintf("%s/%s/first.xml", all, uuid);
}

int install_pending(const struct local *l, const char *uuid, struct domain **d, struct err *e)
{
	AUTO_FREE char *path = pending_path(l, uuid);
	return access(path, F_OK) < 0 ? 0 : domain_load(path, d, e);
}

/* The first boot is for a later start. */
static int keep_first(struct making *k, struct err *e)
{
	AUTO_FREE char *path = pending_path(k->l, k->define->uuid),
		       *dir = x_strndup(path, strlen(path) - strlen("/first.xml"));
	int rc = dir_make(dir, 0750, e);
	if (rc)
		return rc;
	k->folder = true;
	return file_replace(path, k->job->first_xml, strlen(k->job->first_xml), 0600, e);
}

/* A path below the folders that are ours alone. */
static char *own_log(const struct local *l, const char *uuid)
{
	return x_asprintf("%s/%s", l->dirs->log, uuid);
}

static int make_file(struct making *k, const struct install_file *f, struct err *e)
{
	AUTO_FREE char *images = images_folder(k->l);
	if (str_starts(f->path, images) && access(images, F_OK) < 0) {
		int rc = dir_make(images, 0750, e);
		if (rc)
			return rc;
		k->images = true;
	}
	AUTO_CLOSE int fd = open(f->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_sys(e, errno, "cannot make the disk '%s'", f->path);
	k->nfiles++;
	if (f->bytes > INT64_MAX)
		return err_set(e, EFBIG, "disk '%s' is too large", f->path);
	int rc = f->sparse ? 0 : posix_fallocate(fd, 0, (off_t)f->bytes);
	if (!rc && ftruncate(fd, (off_t)f->bytes) < 0)
		rc = errno;
	return rc ? err_sys(e, rc, "cannot make the disk '%s' of %llu bytes", f->path,
			    (unsigned long long)f->bytes)
		  : 0;
}

/* The copies of kernel and initrd. */
static int make_boot(struct making *k, struct err *e)
{
	const struct install_boot *b = &k->job->boot;
	AUTO_FREE char *all = install_folder(k->l);
	AUTO_FREE char *dir = x_asprintf("%s/%s", all, k->define->uuid);
	AUTO_FREE char *kernel = x_asprintf("%s/kernel", dir);
	AUTO_FREE char *initrd = x_asprintf("%s/initrd", dir);
	if (!b->kernel)
		return 0;
	int rc = dir_make(dir, 0750, e);
	if (rc)
		return rc;
	k->folder = true;
	rc = location_copy(b->location, b->kernel, kernel, e);
	if (!rc && b->initrd)
		rc = location_copy(b->location, b->initrd, initrd, e);
	if (!rc && k->job->ninject)
		rc = initrd_inject(initrd, k->job->inject, k->job->ninject, e);
	return rc;
}

/* Parse both texts; nobody has their name or uuid. */
static int check(struct making *k, struct err *e)
{
	const struct install_job *j = k->job;
	int rc = domain_parse(j->define_xml, strlen(j->define_xml), "definition", &k->define, e);
	if (!rc && j->first_xml)
		rc = domain_parse(j->first_xml, strlen(j->first_xml), "first boot", &k->first, e);
	if (!rc && k->first &&
	    (!str_eq(k->first->uuid, k->define->uuid) || !str_eq(k->first->name, k->define->name)))
		rc = err_set(e, EINVAL, "the first boot and the definition are two domains");
	if (!rc)
		rc = store_refresh(k->l, e);
	if (!rc)
		rc = registry_refresh(k->l, e);
	if (!rc)
		rc = store_check_identity(k->l, k->define, e);
	if (!rc && (store_by_uuid(k->l, k->define->uuid) || guest_by_uuid(k->l, k->define->uuid)))
		rc = err_set(e, EEXIST, "domain '%s' is there already", k->define->name);
	if (!rc)
		rc = domain_startable(k->first ? k->first : k->define, e);
	return rc;
}

static int define(struct making *k, struct err *e)
{
	if (k->job->flags & INSTALL_TRANSIENT)
		return 0;
	int rc = store_define(k->l, k->define, e);
	if (rc)
		return rc;
	k->defined = true;
	journal_add(k->l, "defined", k->define->name, k->define->uuid, NULL);
	struct store_item *it = store_by_uuid(k->l, k->define->uuid);
	return it && k->job->flags & INSTALL_AUTOSTART ? store_autostart(k->l, it, true, e) : 0;
}

static void undo(struct making *k)
{
	struct local *l = k->l;
	const char *uuid = k->define->uuid;
	struct store_item *it = k->defined ? store_by_uuid(l, uuid) : NULL;
	AUTO_FREE char *nvram = firmware_nvram_path(l, k->define);
	AUTO_FREE char *logs = own_log(l, uuid);
	AUTO_FREE char *images = images_folder(l);
	if (it && !store_undefine(l, it, NULL))
		journal_add(l, "undefined", k->define->name, uuid, "its installation failed");
	if (nvram && k->nvram)
		unlink(nvram);
	if (k->folder)
		install_forget(l, uuid);
	while (k->nfiles)
		unlink(k->job->files[--k->nfiles].path);
	if (k->images)
		rmdir(images);
	if (k->logs)
		dir_remove(logs, NULL);
}

static int make_all(struct making *k, struct buf *notes, struct err *e)
{
	int rc = 0;
	for (size_t i = 0; i < k->job->nfiles && !rc; i++)
		rc = make_file(k, &k->job->files[i], e);
	if (!rc)
		rc = make_boot(k, e);
	if (!rc)
		rc = define(k, e);
	if (!rc && k->job->flags & INSTALL_NO_START)
		return k->first ? keep_first(k, e) : 0;
	if (!rc)
		rc = launch_guest(k->l, k->first ? k->first : k->define,
				  k->job->flags & INSTALL_FORCE ? START_FORCE : 0, notes, e);
	return rc;
}

int local_domain_install(struct backend *b, const struct install_job *job, struct domain_info *info,
			 char **notes, struct err *out)
{
	struct making k = {.l = local_of(b), .job = job};
	struct err e = {0};
	AUTO_BUF struct buf said = {0};
	int rc = check(&k, &e);
	if (!rc) {
		AUTO_FREE char *nvram = firmware_nvram_path(k.l, k.define);
		AUTO_FREE char *logs = own_log(k.l, k.define->uuid);
		k.nvram = nvram && access(nvram, F_OK) < 0;
		k.logs = access(logs, F_OK) < 0;
		rc = make_all(&k, &said, &e);
		if (rc)
			undo(&k);
	}
	if (!rc && info)
		rc = b->ops->domain_get(b, k.define->uuid, info, &e);
	if (!rc && notes)
		*notes = buf_take(&said);
	domain_free(k.define);
	domain_free(k.first);
	return rc ? err_set(out, e.code ? e.code : -rc, "%s", e.msg) : 0;
}
