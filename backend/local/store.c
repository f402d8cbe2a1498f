/* Definitions: <config>/domains/NAME.xml, autostart/NAME.xml links to them. A file that cannot be read spoils
 * only itself. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "backend/local/local.h"
#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/log.h"
#include "src/base/str.h"

struct file_id file_id_of(const struct stat *st)
{
	return (struct file_id){st->st_dev, st->st_ino, st->st_size, st->st_mtim};
}

bool file_id_eq(const struct file_id *a, const struct file_id *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       a->mtime.tv_sec == b->mtime.tv_sec && a->mtime.tv_nsec == b->mtime.tv_nsec;
}

char *store_path(const struct local *l, const char *name)
{
	return x_asprintf("%s/domains/%s.xml", l->dirs->config, name);
}

static char *autostart_path(const struct local *l, const char *name)
{
	return x_asprintf("%s/domains/autostart/%s.xml", l->dirs->config, name);
}

static void item_free(struct store_item *it)
{
	if (!it)
		return;
	free(it->broken);
	free(it);
}

void store_done(struct local *l)
{
	for (size_t i = 0; i < l->nitems; i++)
		item_free(l->items[i]);
	free(l->items);
	l->items = NULL;
	l->nitems = 0;
}

static struct store_item *item_by_file(struct local *l, const char *file)
{
	for (size_t i = 0; i < l->nitems; i++)
		if (!strcmp(l->items[i]->file, file))
			return l->items[i];
	return NULL;
}

struct store_item *store_by_name(struct local *l, const char *name)
{
	struct store_item *it = item_by_file(l, name);
	return it && !it->broken ? it : NULL;
}

struct store_item *store_by_uuid(struct local *l, const char *uuid)
{
	for (size_t i = 0; i < l->nitems; i++)
		if (!l->items[i]->broken && !strcmp(l->items[i]->uuid, uuid))
			return l->items[i];
	return NULL;
}

int store_load(struct local *l, const struct store_item *it, struct domain **d, struct err *e)
{
	AUTO_FREE char *path = store_path(l, it->file);
	return domain_load(path, d, e);
}

static void item_read(struct local *l, struct store_item *it)
{
	struct err e = {0};
	struct domain *d = NULL;
	free(TAKE_PTR(it->broken));
	if (store_load(l, it, &d, &e)) {
		it->broken = x_strdup(e.msg);
		return;
	}
	if (strcmp(d->name, it->file)) {
		it->broken =
		    x_asprintf("the file '%s.xml' defines a domain of another name, '%s': rename one of them",
			       it->file, d->name);
	}
	memcpy(it->uuid, d->uuid, sizeof(it->uuid));
	snprintf(it->title, sizeof(it->title), "%s", d->title ? d->title : "");
	it->vcpus = d->vcpus;
	it->max_vcpus = d->max_vcpus;
	it->memory_bytes = d->current_bytes;
	it->max_memory_bytes = d->memory_bytes;
	domain_free(d);
}

static int by_file(const void *a, const void *b)
{
	return strcmp((*(struct store_item *const *)a)->file, (*(struct store_item *const *)b)->file);
}

/* @name: of a file in the folder, ".xml" and all. */
static void look_at(struct local *l, int dirfd, const char *name)
{
	struct stat st, link;
	size_t n = strlen(name);
	if (n <= 4 || n - 4 > DOMAIN_NAME_MAX || strcmp(name + n - 4, ".xml") ||
	    fstatat(dirfd, name, &st, 0) < 0 || !S_ISREG(st.st_mode))
		return;
	char file[DOMAIN_NAME_MAX + 1];
	snprintf(file, sizeof(file), "%.*s", (int)(n - 4), name);
	struct file_id id = file_id_of(&st);
	struct store_item *it = item_by_file(l, file);
	if (!it) {
		it = x_calloc(1, sizeof(*it));
		memcpy(it->file, file, sizeof(file));
		l->items = x_realloc(l->items, (l->nitems + 1) * sizeof(*l->items));
		l->items[l->nitems++] = it;
	}
	if (!file_id_eq(&it->id, &id)) {
		it->id = id;
		item_read(l, it);
		if (it->broken)
			log_warn("a definition cannot be used: %s", it->broken);
	}
	char auto_name[DOMAIN_NAME_MAX + 16];
	snprintf(auto_name, sizeof(auto_name), "autostart/%s", name);
	it->autostart = fstatat(dirfd, auto_name, &link, AT_SYMLINK_NOFOLLOW) == 0;
	it->seen = true;
}

int store_refresh(struct local *l, struct err *e)
{
	AUTO_FREE char *path = x_asprintf("%s/domains", l->dirs->config);
	DIR *d = opendir(path);
	if (!d && errno != ENOENT)
		return err_sys(e, errno, "cannot read the folder '%s'", path);
	for (size_t i = 0; i < l->nitems; i++)
		l->items[i]->seen = false;
	for (struct dirent *de; d && (de = readdir(d));)
		look_at(l, dirfd(d), de->d_name);
	if (d)
		closedir(d);
	size_t n = 0;
	for (size_t i = 0; i < l->nitems; i++) {
		if (l->items[i]->seen)
			l->items[n++] = l->items[i];
		else
			item_free(l->items[i]);
	}
	l->nitems = n;
	if (n)
		qsort(l->items, n, sizeof(*l->items), by_file);
	return 0;
}

/* Definitions change under this lock only. The descriptor, or -errno. */
static int store_lock(struct local *l, struct err *e)
{
	AUTO_FREE char *dir = x_asprintf("%s/domains/autostart", l->dirs->config);
	int rc = dir_make(dir, 0750, e);
	if (rc)
		return rc;
	AUTO_FREE char *path = x_asprintf("%s/domains/.lock", l->dirs->config);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	if (fd < 0 || flock(fd, LOCK_EX) < 0) {
		rc = err_sys(e, errno, "cannot lock '%s'", path);
		fd_close(fd);
		return rc;
	}
	*strrchr(dir, '/') = 0;
	dir_sweep(dir);
	return fd;
}

/* What was removed or linked shall be so after a power cut, too. */
static int sync_folders(struct local *l, struct err *e)
{
	AUTO_FREE char *domains = x_asprintf("%s/domains", l->dirs->config);
	AUTO_FREE char *links = x_asprintf("%s/autostart", domains);
	int rc = dir_sync(links, e);
	return rc ? rc : dir_sync(domains, e);
}

/* libvirt's rule: name and uuid belong together; whoever has the one must have the other. */
static int check_identity(const struct domain *d, const char *name, const char *uuid, struct err *e)
{
	bool same_name = !strcmp(d->name, name), same_uuid = !strcmp(d->uuid, uuid);
	if (same_name && !same_uuid)
		return err_set(e, EEXIST, "domain '%s' already exists with uuid %s", name, uuid);
	if (same_uuid && !same_name)
		return err_set(e, EEXIST,
			       "uuid %s is that of domain '%s': give '%s' another one, or leave <uuid> out",
			       uuid, name, d->name);
	return 0;
}

int store_check_identity(struct local *l, const struct domain *d, struct err *e)
{
	int rc = 0;
	for (size_t i = 0; i < l->nitems && !rc; i++)
		if (!l->items[i]->broken)
			rc = check_identity(d, l->items[i]->file, l->items[i]->uuid, e);
	for (size_t i = 0; i < l->nguests && !rc; i++)
		rc = check_identity(d, l->guests[i]->name, l->guests[i]->uuid, e);
	return rc;
}

int store_define(struct local *l, const struct domain *d, struct err *e)
{
	AUTO_CLOSE int lock = store_lock(l, e);
	if (lock < 0)
		return lock;
	int rc = store_refresh(l, e);
	if (!rc)
		rc = registry_refresh(l, e);
	if (!rc)
		rc = store_check_identity(l, d, e);
	if (rc)
		return rc;
	AUTO_FREE char *path = store_path(l, d->name);
	AUTO_FREE char *text = domain_text(d);
	rc = file_replace(path, text, strlen(text), 0600, e);
	return rc ? rc : store_refresh(l, e);
}

/* The new file is there before the old one goes: killed in between, both are, and the next rename ends it. */
int store_rename(struct local *l, const struct domain *d, struct err *e)
{
	AUTO_CLOSE int lock = store_lock(l, e);
	if (lock < 0)
		return lock;
	int rc = store_refresh(l, e);
	if (rc)
		return rc;
	const struct store_item *old = store_by_uuid(l, d->uuid);
	const struct store_item *other = store_by_name(l, d->name);
	if (!old)
		return err_set(e, ENOENT, "no domain with matching uuid '%s'", d->uuid);
	if (other && !str_eq(other->uuid, d->uuid))
		return err_set(e, EEXIST, "domain '%s' already exists with uuid %s", d->name, other->uuid);
	AUTO_FREE char *path = store_path(l, d->name), *was = store_path(l, old->file), *text = domain_text(d),
		       *link = autostart_path(l, d->name), *old_link = autostart_path(l, old->file),
		       *target = x_asprintf("../%s.xml", d->name);
	rc = file_replace(path, text, strlen(text), 0600, e);
	if (!rc && old->autostart && symlink(target, link) < 0 && errno != EEXIST)
		rc = err_sys(e, errno, "cannot make '%s'", link);
	if (rc || str_eq(path, was))
		return rc ? rc : store_refresh(l, e);
	unlink(old_link);
	if (unlink(was) < 0)
		return err_sys(e, errno, "cannot remove '%s'", was);
	return store_refresh(l, e);
}

int store_undefine(struct local *l, const struct store_item *it, struct err *e)
{
	AUTO_CLOSE int lock = store_lock(l, e);
	if (lock < 0)
		return lock;
	AUTO_FREE char *path = store_path(l, it->file);
	AUTO_FREE char *link = autostart_path(l, it->file);
	if (unlink(link) < 0 && errno != ENOENT)
		return err_sys(e, errno, "cannot remove '%s'", link);
	if (unlink(path) < 0 && errno != ENOENT)
		return err_sys(e, errno, "cannot remove '%s'", path);
	int rc = sync_folders(l, e);
	return rc ? rc : store_refresh(l, e);
}

int store_autostart(struct local *l, const struct store_item *it, bool on, struct err *e)
{
	AUTO_CLOSE int lock = store_lock(l, e);
	if (lock < 0)
		return lock;
	AUTO_FREE char *link = autostart_path(l, it->file);
	AUTO_FREE char *target = x_asprintf("../%s.xml", it->file);
	int rc = on ? symlink(target, link) : unlink(link);
	if (rc < 0 && errno != (on ? EEXIST : ENOENT))
		return err_sys(e, errno, "cannot change '%s'", link);
	rc = sync_folders(l, e);
	return rc ? rc : store_refresh(l, e);
}
