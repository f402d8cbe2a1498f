#include "backend/vmm/boot/bootorder.h"

#include "src/base/cleanup.h"
#include "src/model/domain.h"

#define IDE_SLOT 1
#define IDE_FUNCTION 1

static void disk_path(const struct domain_disk *disk, struct buf *out)
{
	if (disk->device == DISK_DEVICE_FLOPPY) {
		buf_puts(out, "/rom@" BOOT_FLOPPY_FILE "\n");
		return;
	}
	buf_puts(out, "/pci@i0cf8/");
	if (str_eq(disk->bus, "ide"))
		buf_printf(out, "ide@%x,%x/drive@%x/disk@%x\n", IDE_SLOT, IDE_FUNCTION, disk->unit / 2,
			   disk->unit % 2);
	else if (disk->addr.function)
		buf_printf(out, "scsi@%x,%x/disk@0,0\n", disk->addr.slot, disk->addr.function);
	else
		buf_printf(out, "scsi@%x/disk@0,0\n", disk->addr.slot);
}

static void net_path(const struct domain_interface *net, struct buf *out)
{
	buf_printf(out, "/pci@i0cf8/ethernet@%x", net->addr.slot);
	if (net->addr.function)
		buf_printf(out, ",%x", net->addr.function);
	buf_puts(out, "/ethernet-phy@0\n");
}

void bootorder_paths(const struct domain *d, bool first, struct buf *out)
{
	if (d->kernel) {
		buf_puts(out, "/rom@" BOOT_ROM_FILE "\nHALT");
		return;
	}
	AUTO_FREE struct domain_boot *list = x_calloc(DOMAIN_BOOTS(d), sizeof(*list));
	size_t n = first ? domain_boots_first(d, list) : domain_boots(d, list);
	for (size_t i = 0; i < n; i++) {
		if (list[i].disk)
			disk_path(list[i].disk, out);
		else
			net_path(list[i].net, out);
	}
	if (n) /* as libvirt has it ("strict"): what is not in the list is not tried */
		buf_puts(out, "HALT");
}
