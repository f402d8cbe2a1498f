/* Disks and their media on the control socket. A medium comes as a descriptor with the command: the machine
 * opens nothing. (src/proto/control.h) */
#include "backend/vmm/control_block.h"

#include <errno.h>
#include <string.h>

#include "backend/vmm/control.h"
#include "backend/vmm/dev/ide.h"
#include "backend/vmm/dev/virtio_blk.h"
#include "backend/vmm/machine.h"
#include "src/base/cleanup.h"
#include "src/base/str.h"

static const struct domain_disk *disk_find(const struct machine *m, const char *target)
{
	for (size_t i = 0; i < m->domain->ndisks; i++)
		if (!strcmp(m->domain->disks[i].target, target))
			return &m->domain->disks[i];
	return NULL;
}

static struct ide_drive *drive_of(const struct machine *m, const char *target)
{
	struct dev *ide = dev_find(m, "ide");
	return ide ? ide_drive(ide, target) : NULL;
}

/* What is in the drive of @k. */
static void state_of(const struct machine *m, const struct domain_disk *k, struct ide_drive_state *s)
{
	const struct ide_drive *d = drive_of(m, k->target);
	struct dev *virtio = d ? NULL : dev_find(m, k->target);
	*s = (struct ide_drive_state){.path = k->source,
				      .inserted = virtio || k->device == DISK_DEVICE_FLOPPY,
				      .format = "raw",
				      .readonly = true};
	if (d) {
		ide_drive_state(d, s);
	} else if (virtio) {
		const struct blk *b = virtio_blk_image(virtio);
		s->format = b->format->name;
		s->readonly = b->readonly;
		s->size_bytes = b->size_bytes;
		s->lost = b->lost;
		s->waits = virtio_blk_waits(virtio);
	}
}

static json_t *block_json(const struct machine *m, const struct domain_disk *k)
{
	struct ide_drive_state s;
	json_t *j = json_object();
	state_of(m, k, &s);
	json_set_str(j, "device", k->target);
	json_set_str(j, "type", "unknown"); /* QEMU says so of all */
	json_set_flag(j, "removable", s.removable);
	json_set_flag(j, "locked", s.locked);
	if (s.removable)
		json_set_flag(j, "tray_open", s.tray_open);
	if (!s.inserted)
		return j;
	json_t *in = json_object(), *image = json_object();
	json_set_str(in, "file", s.path ? s.path : "");
	json_set_flag(in, "ro", s.readonly);
	json_set_str(in, "drv", s.format);
	json_set_str(j, "io-status", s.lost ? "failed" : s.waits ? "nospace" : "ok");
	if (s.lost)
		json_set_str(j, "x-lost", strerror(-s.lost));
	json_set_str(image, "filename", s.path ? s.path : "");
	json_set_str(image, "format", s.format);
	json_set_int(image, "virtual-size", (int64_t)s.size_bytes);
	json_set_take(in, "image", image);
	json_set_take(j, "inserted", in);
	return j;
}

int control_query_block(struct machine *m, const json_t *args, json_t **ret, int *fd, struct err *e)
{
	*ret = json_array();
	pthread_mutex_lock(&m->lock);
	for (size_t i = 0; i < m->domain->ndisks; i++)
		json_array_append_new(*ret, block_json(m, &m->domain->disks[i]));
	pthread_mutex_unlock(&m->lock);
	return 0;
}

/* The drive that a command is about. */
static int drive(struct machine *m, const json_t *args, struct ide_drive **d, struct err *e)
{
	const char *name = json_str(args, "id", json_str(args, "device", NULL));
	char show[64];
	if (!name)
		return err_set(e, EINVAL, "which drive? \"id\" is missing");
	*d = drive_of(m, name);
	if (*d)
		return 0;
	str_printable(name, show, sizeof(show));
	if (disk_find(m, name))
		return err_set(e, EINVAL, "disk '%s' is not a removable medium", show);
	return err_set(e, ENOENT, "there is no disk '%s'", show);
}

static int move_tray(struct machine *m, const json_t *args, bool open, struct err *e)
{
	struct ide_drive *d;
	pthread_mutex_lock(&m->lock);
	int rc = drive(m, args, &d, e);
	if (!rc)
		rc = ide_tray(d, open, json_flag(args, "force", false), e);
	pthread_mutex_unlock(&m->lock);
	return rc;
}

int control_open_tray(struct machine *m, const json_t *args, json_t **ret, int *fd, struct err *e)
{
	return move_tray(m, args, true, e);
}

int control_close_tray(struct machine *m, const json_t *args, json_t **ret, int *fd, struct err *e)
{
	return move_tray(m, args, false, e);
}

static int change(struct machine *m, const json_t *args, int medium, struct err *e)
{
	struct ide_drive *d;
	const char *format = json_str(args, "format", "raw");
	pthread_mutex_lock(&m->lock);
	int rc = drive(m, args, &d, e);
	if (!rc)
		rc = ide_change_medium(d, medium, json_str(args, "filename", NULL), format,
				       json_flag(args, "force", false), e);
	pthread_mutex_unlock(&m->lock);
	return rc;
}

int control_eject(struct machine *m, const json_t *args, json_t **ret, int *fd, struct err *e)
{
	return change(m, args, -1, e);
}

int control_change_medium(struct machine *m, const json_t *args, json_t **ret, int *fd, struct err *e)
{
	AUTO_CLOSE int medium = control_take_fd(m);
	if (medium < 0)
		return err_set(
		    e, EINVAL,
		    "the medium has to come as a descriptor with the command: vmdeck change-media does that");
	int rc = change(m, args, medium, e);
	if (!rc)
		medium = -1;
	return rc;
}
