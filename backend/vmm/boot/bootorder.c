#include "backend/vmm/boot/bootorder.h"

#include "src/base/cleanup.h"
#include "src/model/domain.h"

#define IDE_SLOT 1
#define IDE_FUNCTION 1

static void line(struct buf *out)
{
	if (out->len)
		buf_puts(out, "\n");
	buf_puts(out, "/pci@i0cf8/");
}

static void disk_path(const struct domain_disk *disk, struct buf *out)
{
	line(out);
	if (str_eq(disk->bus, "ide"))
		buf_printf(out, "ide@%x,%x/drive@%x/disk@%x", IDE_SLOT, IDE_FUNCTION, disk->unit / 2, disk->unit % 2);
	else if (disk->addr.function)
		buf_printf(out, "scsi@%x,%x/disk@0,0", disk->addr.slot, disk->addr.function);
	else
		buf_printf(out, "scsi@%x/disk@0,0", disk->addr.slot);
}

static bool boots_from(const struct domain_disk *disk, enum boot_device dev)
{
	return dev == BOOT_DEV_HD      ? disk->device == DISK_DEVICE_DISK
	       : dev == BOOT_DEV_CDROM ? disk->device == DISK_DEVICE_CDROM
	                               : dev == BOOT_DEV_FD && disk->device == DISK_DEVICE_FLOPPY;
}

/* By <boot order=>: the smallest above @after; 0: no more. */
static unsigned next_order(const struct domain *d, unsigned after)
{
	unsigned best = 0;
	for (size_t i = 0; i < d->ndisks; i++) {
		unsigned o = d->disks[i].boot_order;
		if (o > after && (!best || o < best))
			best = o;
	}
	return best;
}

static void all_paths(const struct domain *d, struct buf *out)
{
	static const enum boot_device usual[] = {BOOT_DEV_HD, BOOT_DEV_CDROM};
	for (unsigned o = next_order(d, 0); o; o = next_order(d, o))
		for (size_t i = 0; i < d->ndisks; i++)
			if (d->disks[i].boot_order == o)
				disk_path(&d->disks[i], out);
	if (out->len)
		return;
	const enum boot_device *devs = d->nboot_devs ? d->boot_devs : usual;
	unsigned n = d->nboot_devs ? d->nboot_devs : ARRAY_SIZE(usual);
	for (unsigned k = 0; k < n; k++)
		for (size_t i = 0; i < d->ndisks; i++)
			if (boots_from(&d->disks[i], devs[k]))
				disk_path(&d->disks[i], out);
}

/* As libvirt has it ("strict"): what is not in the list is not tried. */
void bootorder_paths(const struct domain *d, struct buf *out)
{
	all_paths(d, out);
	if (out->len)
		buf_puts(out, "\nHALT");
}
