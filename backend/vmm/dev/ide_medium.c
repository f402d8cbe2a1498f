/* Images behind the drives of the IDE function, and changing them while the guest runs.
 *
 * A medium that is taken out while something is read of it leaves the drive at once, and is closed on the
 * main loop when that came back. Media of CD-ROM drives are moved by threads: a ring could not be made once
 * the sandbox is closed. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "backend/vmm/control.h"
#include "backend/vmm/dev/ide_drive.h"
#include "src/base/cleanup.h"

static void medium_free(struct ide_medium *m)
{
	free(m->path);
	free(m);
}

void ide_medium_done(struct ide *ide, struct ide_medium *m)
{
	if (!m)
		return;
	blk_drain(&m->blk);
	machine_unwatch(ide->pci.dev.m, &m->watch);
	blk_close(&m->blk);
	medium_free(m);
}

/* Close those that have left and are not read of any more. Main loop's thread. */
static void sweep(struct ide *ide)
{
	for (struct ide_medium **p = &ide->leaving; *p;) {
		struct ide_medium *m = *p;
		if (m->blk.in_flight) {
			p = &m->next;
			continue;
		}
		*p = m->next;
		ide_medium_done(ide, m);
	}
}

static void completed(void *ctx)
{
	struct ide_medium *m = ctx;
	struct ide *ide = m->drive->ch->ide;
	blk_poll(&m->blk);
	sweep(ide);
}

static enum blk_cache cache_of(const struct domain_disk *disk)
{
	static const enum blk_cache modes[] = {
	    [DISK_CACHE_DEFAULT] = BLK_CACHE_WRITEBACK,         [DISK_CACHE_NONE] = BLK_CACHE_NONE,
	    [DISK_CACHE_WRITETHROUGH] = BLK_CACHE_WRITETHROUGH, [DISK_CACHE_WRITEBACK] = BLK_CACHE_WRITEBACK,
	    [DISK_CACHE_DIRECTSYNC] = BLK_CACHE_DIRECTSYNC,     [DISK_CACHE_UNSAFE] = BLK_CACHE_UNSAFE,
	};
	return modes[disk->cache];
}

int ide_medium_open(struct ide_drive *d, int fd, const char *path, const char *format, struct err *e)
{
	struct machine *machine = d->ch->ide->pci.dev.m;
	struct ide_medium *m = calloc(1, sizeof(*m));
	if (!m)
		return err_set(e, ENOMEM, "disk '%s': out of memory", d->disk->target);
	struct blk_config c = {.name = d->disk->target,
			       .format = format ? format : "raw",
			       .fd = fd,
			       .readonly = d->cd || d->disk->readonly,
			       .cache = cache_of(d->disk),
			       .engine = d->cd ? BLK_ENGINE_THREADS : BLK_ENGINE_AUTO};
	m->drive = d;
	m->path = path ? strdup(path) : NULL;
	int rc = blk_open(&m->blk, &c, e);
	if (!rc && (rc = machine_watch(machine, blk_event_fd(&m->blk), completed, m, &m->watch, e))) {
		m->blk.fd = -1; /* the caller's */
		blk_close(&m->blk);
	}
	if (rc) {
		medium_free(m);
		return rc;
	}
	d->medium = m;
	return 0;
}

/* Events */

static void tell_tray(struct ide_drive *d)
{
	struct machine *m = d->ch->ide->pci.dev.m;
	if (!d->cd || d->told_open == d->tray_open)
		return;
	d->told_open = d->tray_open;
	json_t *data = json_object();
	json_set_str(data, "device", d->disk->target);
	json_set_str(data, "id", d->disk->target);
	json_set_flag(data, "tray-open", d->tray_open);
	control_event(m, "DEVICE_TRAY_MOVED", data);
}

static void tell_trays(void *ctx)
{
	struct ide *ide = ctx;
	eventfd_t n;
	eventfd_read(ide->tray_fd, &n);
	for (unsigned i = 0; i < 4; i++)
		tell_tray(&ide->ch[i / 2].drives[i % 2]);
}

static void publish_tray(struct ide_drive *d)
{
	uint32_t tray = d->tray_open ? STATS_TRAY_OPEN : STATS_TRAY_CLOSED;
	__atomic_store_n(&d->stats->tray, tray, __ATOMIC_RELAXED);
}

void ide_tray_moved(struct ide_drive *d)
{
	publish_tray(d);
	if (d->ch->ide->tray_fd >= 0)
		eventfd_write(d->ch->ide->tray_fd, 1);
}

/* For others than the guest */

static int attach_cd(struct ide *ide, struct ide_drive *d, struct err *e)
{
	d->cd = true;
	d->tray_open = d->told_open = d->disk->tray_open;
	publish_tray(d);
	if (ide->tray_fd >= 0)
		return 0;
	ide->tray_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (ide->tray_fd < 0)
		return err_sys(e, errno, "cannot make an eventfd");
	return machine_watch(ide->pci.dev.m, ide->tray_fd, tell_trays, ide, &ide->tray_watch, e);
}

int ide_attach(struct dev *dev, const struct domain_disk *disk, struct err *e)
{
	struct ide *ide = (struct ide *)dev;
	char name[60];
	if (disk->unit > 3)
		return err_set(e, EINVAL, "there is no IDE unit %u: 0 to 3", disk->unit);
	struct ide_drive *d = &ide->ch[disk->unit / 2].drives[disk->unit % 2];
	if (d->disk)
		return err_set(e, EBUSY, "IDE unit %u is disk '%s'", disk->unit, d->disk->target);
	d->disk = disk;
	d->stats = &machine_stats(dev->m, STATS_DISK, disk->target)->disk;
	if (disk->serial)
		snprintf(d->serial, sizeof(d->serial), "%s", disk->serial);
	else
		snprintf(d->serial, sizeof(d->serial), "VD%05u", disk->unit + 1);
	int rc = disk->device == DISK_DEVICE_CDROM ? attach_cd(ide, d, e) : 0;
	snprintf(name, sizeof(name), "disk:%s", disk->target);
	int fd = rc ? -1 : named_take(&dev->m->fds, name);
	if (!rc && fd < 0 && !d->cd)
		rc = err_set(e, ENOENT, "the launcher gave no image");
	if (!rc && fd >= 0)
		rc = ide_medium_open(d, fd, disk->source, disk->format, e);
	if (rc) {
		fd_close(fd);
		d->disk = NULL;
		return rc;
	}
	d->always_through = d->medium && d->medium->blk.write_through;
	d->sectors = d->medium && !d->cd ? d->medium->blk.size_bytes / IDE_SECTOR : 0;
	dev->type->reset(dev);
	return 0;
}

struct ide_drive *ide_drive(struct dev *dev, const char *target)
{
	struct ide *ide = (struct ide *)dev;
	for (unsigned i = 0; i < 4; i++) {
		struct ide_drive *d = &ide->ch[i / 2].drives[i % 2];
		if (d->disk && !strcmp(d->disk->target, target))
			return d;
	}
	return NULL;
}

void ide_drive_state(const struct ide_drive *d, struct ide_drive_state *out)
{
	const struct ide_medium *m = d->medium;
	*out = (struct ide_drive_state){.removable = d->cd, .tray_open = d->tray_open, .locked = d->locked};
	if (!m)
		return;
	out->inserted = true;
	out->path = m->path;
	out->format = m->blk.format->name;
	out->readonly = m->blk.readonly;
	out->size_bytes = m->blk.size_bytes;
	out->lost = m->blk.lost;
	out->waits = d->ch->waiting && d->ch->active == d;
}

/* May the tray be moved? The guest that has locked it learns that somebody wants the medium. */
static int unlocked(struct ide_drive *d, bool force, struct err *e)
{
	if (!d->cd)
		return err_set(e, EINVAL, "disk '%s' is not a removable medium", d->disk->target);
	if (!d->locked || force || d->tray_open)
		return 0;
	d->eject_wanted = true;
	return err_set(e, EBUSY, "the guest has locked the tray of '%s': eject it there, or use --force",
		       d->disk->target);
}

static void tray(struct ide_drive *d, bool open)
{
	if (d->tray_open == open)
		return;
	bool was = atapi_ready(d);
	d->tray_open = open;
	publish_tray(d);
	if (open)
		d->locked = false;
	if (was && !atapi_ready(d))
		d->removed = true;
	if (!was && atapi_ready(d))
		d->arrived = d->attention = true;
	tell_tray(d);
}

int ide_tray(struct ide_drive *d, bool open, bool force, struct err *e)
{
	int rc = open || !d->cd ? unlocked(d, force, e) : 0;
	if (!rc)
		tray(d, open);
	return rc;
}

static void take_out(struct ide_drive *d)
{
	struct ide *ide = d->ch->ide;
	struct ide_medium *m = d->medium;
	if (!m)
		return;
	d->medium = NULL;
	m->next = ide->leaving;
	ide->leaving = m;
	sweep(ide);
}

int ide_change_medium(struct ide_drive *d, int fd, const char *path, const char *format, bool force,
		      struct err *e)
{
	int rc = unlocked(d, force, e);
	struct ide_medium *old = d->medium;
	if (rc)
		return rc;
	if (fd >= 0) {
		rc = ide_medium_open(d, fd, path, format, e); /* in place of the old one */
		if (rc)
			return rc;
	}
	struct ide_medium *new = fd >= 0 ? d->medium : NULL;
	d->medium = old;
	tray(d, true);
	take_out(d);
	if (new) {
		d->medium = new;
		tray(d, false);
	}
	return 0;
}

void ide_completed(struct dev *dev)
{
	struct ide *ide = (struct ide *)dev;
	for (unsigned i = 0; i < 4; i++) {
		struct ide_medium *m = ide->ch[i / 2].drives[i % 2].medium;
		if (m)
			blk_poll(&m->blk);
	}
	for (struct ide_medium *m = ide->leaving; m; m = m->next)
		blk_poll(&m->blk);
	sweep(ide);
}

unsigned ide_in_flight(const struct dev *dev)
{
	const struct ide *ide = (const struct ide *)dev;
	unsigned n = 0;
	for (unsigned i = 0; i < 4; i++) {
		const struct ide_medium *m = ide->ch[i / 2].drives[i % 2].medium;
		n += m ? m->blk.in_flight : 0;
	}
	for (const struct ide_medium *m = ide->leaving; m; m = m->next)
		n += m->blk.in_flight;
	return n;
}

uint64_t ide_oldest(const struct ide_drive *d, const char **what)
{
	const struct ide_channel *ch = d->ch;
	if (ch->phase != IDE_IO || ch->active != d)
		return 0;
	*what = ch->io.op == BLK_READ ? "read" : ch->io.op == BLK_FLUSH ? "flush" : "write";
	return ch->since_ns;
}
