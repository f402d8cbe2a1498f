/* Changing what lies in a drive. Theory of operation: everything that can be refused is refused first, and
 * the new texts are made. Then the image is opened and locked here and goes with the command to the machine,
 * which opens nothing; the lock lives as long as the machine keeps the image open. When the guest has it, the
 * live XML and the definition are written. One change of a guest at a time. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "backend/local/local.h"
#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/str.h"
#include "src/proto/control.h"
#include "src/proto/livexml.h"
#include "src/proto/registry.h"

struct change {
	const char *key; /* target or path */
	const char *source;
	enum media_action action;
	struct domain_medium medium;
	char target[20]; /* worked out */
	bool shareable;
};

/* The drive that @c is about, and whether it is in the state that the action wants. */
static int drive_find(struct change *c, const struct domain *d, struct err *e)
{
	const struct domain_disk *k = NULL;
	char show[200];
	for (size_t i = 0; i < d->ndisks && !k; i++)
		if (str_eq(d->disks[i].target, c->key) || str_eq(d->disks[i].source, c->key))
			k = &d->disks[i];
	if (!k)
		return err_set(e, ENOENT, "No disk found whose source path or target is %s",
			       str_printable(c->key, show, sizeof(show)));
	if (k->device == DISK_DEVICE_DISK)
		return err_set(e, EINVAL, "The disk device '%s' is not removable", k->target);
	if (c->action == MEDIA_INSERT && k->source && !k->tray_open)
		return err_set(e, EEXIST, "The disk device '%s' already has media: eject it, or use --update",
			       k->target);
	if (c->action == MEDIA_EJECT && !k->source)
		return err_set(e, ENOENT, "The disk device '%s' doesn't have media", k->target);
	snprintf(c->target, sizeof(c->target), "%s", k->target);
	c->shareable = k->shareable;
	return 0;
}

/* @text with the new medium, checked. */
static int edit(struct change *c, const char *text, const char *where, bool live, char **out,
		struct domain **result, struct err *e)
{
	struct domain *d = NULL;
	int rc = domain_parse(text, strlen(text), where, &d, e);
	if (!rc)
		rc = drive_find(c, d, e);
	domain_free(d);
	struct domain_medium m = c->medium;
	m.tray_open = live && !m.path;
	if (!rc)
		rc = domain_text_medium(text, where, c->target, &m, out, e);
	return rc ? rc : domain_parse(*out, strlen(*out), where, result, e);
}

static int image_open(struct local *l, struct change *c, struct err *e)
{
	struct stat st;
	AUTO_CLOSE int fd = open(c->source, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return err_set(e, errno, "disk '%s': image '%s' cannot be opened: %s", c->target, c->source,
			       strerror(errno));
	if (fstat(fd, &st) < 0 || (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode)))
		return err_set(e, EINVAL, "disk '%s': '%s' is neither a file nor a block device", c->target,
			       c->source);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
	int rc = image_lock(fd, c->source, c->target, false, c->shareable, e);
	if (rc == -EBUSY)
		image_name_user(l, NULL, &st, c->source, c->target, e);
	return rc ? rc : TAKE_FD(fd);
}

/* Have the machine do it. */
static int tell_machine(struct local *l, struct guest *g, struct change *c, bool force, struct err *e)
{
	AUTO_FREE char *path = registry_path(l, g->uuid, REG_CONTROL);
	AUTO_CLOSE int fd = -1;
	if (c->source && (fd = image_open(l, c, e)) < 0)
		return fd;
	struct control *k = control_connect(path, BACKEND_TIMEOUT_MS, e);
	if (!k)
		return e && e->code ? -e->code : -EIO;
	json_t *args = json_object();
	json_set_str(args, "id", c->target);
	json_set_flag(args, "force", force);
	json_set_str(args, "filename", c->source);
	int rc = control_call_with(k, c->source ? "blockdev-change-medium" : "eject", args, fd, NULL, e);
	control_close(k);
	return rc;
}

int live_write(const struct local *l, const char *uuid, const char *xml, struct err *e)
{
	AUTO_FREE char *path = registry_path(l, uuid, REG_LIVE_XML);
	AUTO_FREE char *text = livexml_wrap(xml);
	return file_replace(path, text, strlen(text), 0600, e);
}

static int change_live(struct local *l, struct guest *g, struct change *c, bool force, struct err *e)
{
	AUTO_FREE char *dir = registry_dir(l, g->uuid), *new = NULL;
	char *now;
	AUTO_CLOSE int lock = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct domain *d = NULL;
	if (lock < 0 || flock(lock, LOCK_EX) < 0)
		return err_sys(e, errno, "cannot lock '%s'", dir);
	int rc = live_read(l, g->uuid, &now, e);
	if (rc)
		return rc;
	AUTO_FREE char *old = media_trays(g, now);
	rc = edit(c, old, REG_LIVE_XML, true, &new, &d, e);
	if (!rc)
		rc = tell_machine(l, g, c, force, e);
	if (!rc)
		rc = live_write(l, g->uuid, new, e);
	domain_free(d);
	return rc;
}

/* The definition's domain as it will be; NULL when it is not to be changed. */
static int edit_definition(struct local *l, const struct store_item *it, struct change *c,
			   struct domain **out, struct err *e)
{
	struct domain *d = NULL;
	int rc = store_load(l, it, &d, e);
	if (rc)
		return rc;
	AUTO_FREE char *old = domain_text(d), *new = NULL;
	domain_free(d);
	return edit(c, old, it->file, false, &new, out, e);
}

static int both(struct local *l, struct guest *g, const struct store_item *it, struct change *c,
		unsigned flags, struct err *e)
{
	struct domain *d = NULL;
	int rc = flags & MEDIA_CONFIG ? edit_definition(l, it, c, &d, e) : 0;
	if (!rc && (flags & MEDIA_LIVE))
		rc = change_live(l, g, c, flags & MEDIA_FORCE, e);
	if (!rc && d)
		rc = store_define(l, d, e);
	domain_free(d);
	return rc;
}

int local_domain_change_media(struct backend *b, const char *uuid, const char *target, const char *source,
			      enum media_action action, unsigned flags, struct err *e)
{
	struct local *l = local_of(b);
	struct stat st;
	struct change c = {.key = target, .source = source, .action = action, .medium.path = source};
	struct guest *g;
	const struct store_item *it;
	int rc = guest_and_definition(l, uuid, &flags, &g, &it, e);
	if (rc)
		return rc;
	if (source && *source != '/')
		return err_set(e, EINVAL, "'%s' is not an absolute path", source);
	c.medium.type = source && stat(source, &st) == 0 && S_ISBLK(st.st_mode) ? DISK_BLOCK : DISK_FILE;
	AUTO_FREE char *name = x_strdup(g ? g->name : it->file);
	rc = both(l, g, it, &c, flags, e);
	if (!rc)
		journal_add(l, source ? "medium-changed" : "medium-ejected", name, uuid, c.target);
	return rc;
}

/* startupPolicy='optional' (libvirt, "Hard drives, floppy disks, CDROMs"): a medium that is missing is left
 * out. */
static const struct domain_disk *missing(const struct domain *d)
{
	for (size_t i = 0; i < d->ndisks; i++) {
		const struct domain_disk *k = &d->disks[i];
		if (k->source && k->policy == DISK_OPTIONAL &&
		    access(k->source, k->readonly ? R_OK : R_OK | W_OK) < 0)
			return k;
	}
	return NULL;
}

int media_at_start(const struct domain *d, struct domain **out, struct buf *notes, struct err *e)
{
	static const struct domain_medium nothing = {NULL};
	const struct domain_disk *k;
	int rc = 0;
	*out = NULL;
	while (!rc && (k = missing(*out ? *out : d))) {
		AUTO_FREE char *old = domain_text(*out ? *out : d), *new = NULL;
		bool disk = k->device == DISK_DEVICE_DISK;
		if (notes)
			buf_printf(
			    notes,
			    "note: disk '%s': '%s' is missing (%s): %s, as startupPolicy='optional' says\n",
			    k->target, k->source, strerror(errno),
			    disk ? "the disk is left out" : "the drive is empty");
		rc = disk ? domain_text_without_disk(old, d->name, k->target, &new, e)
			  : domain_text_medium(old, d->name, k->target, &nothing, &new, e);
		domain_free(*out);
		*out = NULL;
		if (!rc)
			rc = domain_parse(new, strlen(new), d->name, out, e);
	}
	return rc;
}

int local_domain_block_info(struct backend *b, const char *uuid, const char *target, struct block_info *info,
			    struct err *e)
{
	AUTO_FREE char *text = NULL;
	struct domain *d = NULL;
	struct stat st;
	char show[200];
	int rc = local_domain_xml(b, uuid, XML_SECURE, &text, e);
	if (!rc)
		rc = domain_parse(text, strlen(text), "domain", &d, e);
	if (rc)
		return rc;
	const struct domain_disk *k = NULL;
	for (size_t i = 0; i < d->ndisks && !k; i++)
		if (str_eq(d->disks[i].target, target) || str_eq(d->disks[i].source, target))
			k = &d->disks[i];
	if (!k || !k->source) {
		rc = err_set(e, ENOENT,
			     k ? "disk '%s' is empty" : "No disk found whose source path or target is %s",
			     str_printable(target, show, sizeof(show)));
	} else {
		AUTO_CLOSE int fd = open(k->source, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
		uint64_t bytes = 0;
		if (fd < 0 || fstat(fd, &st) < 0 ||
		    (S_ISBLK(st.st_mode) && ioctl(fd, BLKGETSIZE64, &bytes) < 0))
			rc = err_set(e, errno, "image '%s': %s", k->source, strerror(errno));
		else if (S_ISBLK(st.st_mode))
			*info = (struct block_info){bytes, bytes, bytes};
		else
			*info = (struct block_info){(uint64_t)st.st_size, (uint64_t)st.st_blocks * 512, (uint64_t)st.st_size};
	}
	domain_free(d);
	return rc;
}

/* The guest opens and closes trays without asking anybody; the stats tell. */
char *media_trays(const struct guest *g, char *xml)
{
	unsigned n = g->stats.nblocks;
	if (g->stats_fd < 0 || !g->stats.magic || g->stats.block_size != STATS_BLOCK || n > STATS_BLOCKS_MAX)
		return xml;
	for (unsigned i = 0; xml && i < n; i++) {
		struct stats_block b;
		if (fd_pread_all(g->stats_fd, &b, sizeof(b), (off_t)STATS_BLOCK * (1 + i)))
			break;
		if (b.kind != STATS_DISK || b.disk.tray == STATS_TRAY_NONE)
			continue;
		b.name[sizeof(b.name) - 1] = 0;
		char *other = domain_text_tray(xml, b.name, b.disk.tray == STATS_TRAY_OPEN);
		if (other) {
			free(xml);
			xml = other;
		}
	}
	return xml;
}
