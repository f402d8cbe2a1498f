/* <disk>: hard disks on virtio and IDE, CD-ROM drives on IDE. (libvirt, "Domain XML format", "Hard drives,
 * floppy disks, CDROMs")
 *
 * The PC has two IDE channels with two drives each, hda to hdd. What asks for a bus that we do not have and
 * can be had on IDE is put there, with a note; its XML stays as it is, so that it can go back to libvirt. */
#include <stdio.h>
#include <string.h>

#include "src/base/cleanup.h"
#include "src/base/str.h"
#include "src/model/domain_xml.h"

#define SERIAL_BYTES 20 /* virtio 1.2, 5.2.6: device ID string; ATA8-ACS, 7.16.7.4: serial number */
#define QUEUES_MAX 64
#define IDE_UNITS 4

enum wish { WISH_DISK, WISH_CDROM, WISH_FLOPPY, WISH_LUN }; /* device= */

static int parse_bus(struct domain_disk *k, struct xml_node *t, enum wish wish, struct err *e)
{
	static const char *const prefixes[][2] = {
	    {"vd", "virtio"}, {"hd", "ide"}, {"sd", "scsi"}, {"fd", "fdc"}, {"xvd", "xen"}, {"ubd", "uml"},
	};
	const char *bus = xml_attr(t, "bus");
	unsigned i;
	int rc = xml_get_choice(t, "bus", "virtio|ide|sata|scsi|usb|fdc|sd|xen|uml|nvme", &i, e);
	if (rc)
		return rc;
	if (!bus && wish == WISH_CDROM)
		bus = "ide";
	for (i = 0; i < ARRAY_SIZE(prefixes) && !bus; i++)
		if (str_starts(xml_attr(t, "dev"), prefixes[i][0]))
			bus = prefixes[i][1];
	if (!bus)
		return xml_bad(t, "bus", e, "missing: write bus='virtio'");
	k->bus = x_strdup(bus);
	return 0;
}

static int parse_target(struct domain_disk *k, struct xml_node *n, enum wish wish, struct err *e)
{
	struct xml_node *t = xml_first(n, "target");
	const char *dev = t ? xml_attr(t, "dev") : NULL;
	char show[128];
	if (!dev)
		return xml_bad(t ? t : n, NULL, e, "there is no <target dev='vda'>, the disk's name");
	if (!*dev || strlen(dev) > 16 || dev[strspn(dev, "abcdefghijklmnopqrstuvwxyz0123456789")])
		return xml_bad(t, "dev", e,
			       "'%s' is not allowed: at most 16 small letters and digits, as 'vda'",
			       str_printable(dev, show, sizeof(show)));
	unsigned tray = 0;
	int rc = parse_bus(k, t, wish, e);
	if (!rc)
		rc = xml_get_choice(t, "tray", "closed|open", &tray, e);
	k->tray_open = tray == 1 && (wish == WISH_CDROM || wish == WISH_FLOPPY);
	k->target = x_strdup(dev);
	return rc;
}

static int parse_driver(struct domain_disk *k, struct xml_node *n, struct err *e)
{
	static const char *const formats =
	    "raw|qcow2|qcow|qed|vmdk|vdi|vpc|vhdx|luks|bochs|cloop|dmg|iso|dir|fat|cow|"
	    "parallels|ploop|aio|none";
	struct xml_node *v = xml_first(n, "driver");
	if (!v) {
		k->format = x_strdup("raw");
		return 0;
	}
	unsigned format = 0, cache = DISK_CACHE_DEFAULT, discard = 0;
	int rc = xml_get_choice(v, "type", formats, &format, e);
	if (!rc) /* in the order of enum disk_cache */
		rc = xml_get_choice(v, "cache", "default|none|writethrough|writeback|directsync|unsafe",
				    &cache, e);
	if (!rc)
		rc = xml_get_choice(v, "discard", "ignore|unmap", &discard, e);
	if (!rc)
		rc = xml_get_unsigned(v, "queues", 1, QUEUES_MAX, &k->queues, e);
	if (rc)
		return rc;
	const char *type = xml_attr(v, "type");
	k->format = x_strdup(!type || str_eq(type, "aio") || str_eq(type, "iso") ? "raw" : type);
	k->cache = (enum disk_cache)cache;
	k->discard = discard == 1;
	return 0;
}

static int parse_serial(struct domain_disk *k, struct xml_node *n, struct err *e)
{
	struct xml_node *s = xml_first(n, "serial");
	if (!s)
		return 0;
	AUTO_FREE char *text = xml_content(s);
	char show[128];
	for (const unsigned char *p = (const unsigned char *)text; *p; p++)
		if (*p < 0x20 || *p > 0x7e)
			return xml_bad(s, NULL, e, "'%s' is not allowed: printable ASCII only",
				       str_printable(text, show, sizeof(show)));
	if (*text)
		k->serial = TAKE_PTR(text);
	return 0;
}

static int parse_source(struct domain_disk *k, struct xml_node *n, enum wish wish, struct err *e)
{
	struct xml_node *s = xml_first(n, "source");
	unsigned policy = DISK_MANDATORY; /* in the order of enum disk_policy */
	if (!s)
		return 0;
	int rc = xml_get_choice(s, "startupPolicy", "mandatory|requisite|optional", &policy, e);
	if (rc)
		return rc;
	if (policy == DISK_REQUISITE && wish != WISH_CDROM && wish != WISH_FLOPPY)
		return xml_bad(
		    s, "startupPolicy", e,
		    "'requisite' is not allowed: only of a CD-ROM or floppy; mandatory or optional");
	k->policy = (enum disk_policy)policy;
	return xml_get_path(s, k->type == DISK_FILE ? "file" : "dev", &k->source, e);
}

/* One disk into *k. @other_type: its type when we have none of the kind. */
static int read_disk(struct domain_disk *k, struct xml_node *n, unsigned *wish, const char **other_type,
		     struct err *e)
{
	unsigned type = DISK_FILE;
	int rc =
	    xml_get_choice(n, "type", "file|block|dir|network|volume|nvme|vhostuser|vhostvdpa", &type, e);
	if (!rc) /* in the order of enum disk_device, and one more */
		rc = xml_get_choice(n, "device", "disk|cdrom|floppy|lun", wish, e);
	if (!rc)
		rc = parse_target(k, n, *wish, e);
	if (!rc)
		rc = parse_driver(k, n, e);
	if (!rc)
		rc = parse_serial(k, n, e);
	if (rc)
		return rc;
	*other_type = type > DISK_BLOCK ? xml_attr(n, "type") : NULL;
	k->type = (enum disk_type)type;
	k->device = *wish == WISH_LUN ? DISK_DEVICE_DISK : (enum disk_device) * wish;
	k->shareable = xml_first(n, "shareable");
	k->readonly = xml_first(n, "readonly") || *wish == WISH_CDROM || *wish == WISH_FLOPPY;
	rc = *other_type ? 0 : parse_source(k, n, *wish, e);
	struct xml_node *boot = xml_first(n, "boot");
	if (!rc && boot)
		rc = xml_get_unsigned(boot, "order", 1, INT32_MAX, &k->boot_order, e);
	return rc;
}

/* What our machine cannot give of this disk, as notes. Return: it can have it, on virtio or IDE. */
static bool supported(struct domain *d, const struct domain_disk *k, struct xml_node *n, enum wish wish,
		      const char *other_type)
{
	bool ide = str_eq(k->bus, "ide") || str_eq(k->bus, "sata") || wish == WISH_CDROM;
	if (wish == WISH_FLOPPY && !k->source && !other_type)
		domain_note(d, n, false,
			    "devices/disk '%s': the empty floppy drive is left out, there is none yet",
			    k->target);
	else if (wish == WISH_FLOPPY && !other_type && str_eq(k->format, "raw") && str_eq(k->target, "fda"))
		domain_note(d, n, false,
			    "devices/disk '%s': the BIOS reads the floppy when the guest starts: what is "
			    "written to it is "
			    "lost, and drivers of operating systems do not see it",
			    k->target);
	else if (wish == WISH_FLOPPY)
		domain_note(d, n, true,
			    "devices/disk '%s': of floppies only a raw image as fda is supported yet: empty "
			    "the drive or "
			    "remove it",
			    k->target);
	else if (wish == WISH_LUN)
		domain_note(d, n, true, "devices/disk '%s': a LUN is not supported yet: use device='disk'",
			    k->target);
	else if (!ide && !str_eq(k->bus, "virtio"))
		domain_note(
		    d, n, true,
		    "devices/disk '%s': bus '%s' is not supported yet: make it bus='virtio' or 'ide', or "
		    "remove it",
		    k->target, k->bus);
	else if (other_type)
		domain_note(d, n, true,
			    "devices/disk '%s': type '%s' is not supported yet: use a file or a block device",
			    k->target, other_type);
	else if (!str_eq(k->format, "raw") && (k->source || wish == WISH_DISK))
		domain_note(d, n, true,
			    "devices/disk '%s': format '%s' is not supported yet: convert the image with "
			    "'qemu-img convert -O raw'",
			    k->target, k->format);
	else
		return true;
	return false;
}

/* What can be had on IDE and asks for another bus. */
static void put_on_ide(struct domain *d, struct domain_disk *k, struct xml_node *n)
{
	if (k->device != DISK_DEVICE_CDROM && !str_eq(k->bus, "sata"))
		return;
	if (!str_eq(k->bus, "ide")) {
		domain_note(d, n, false,
			    "devices/disk '%s': bus '%s' is given as ide: the guest finds the %s there",
			    k->target, k->bus, k->device == DISK_DEVICE_CDROM ? "CD-ROM drive" : "disk");
		free(k->bus);
		k->bus = x_strdup("ide");
	}
}

/* As QEMU has it; oVirt and OpenStack give a uuid. */
static void cut_serial(struct domain *d, struct domain_disk *k, struct xml_node *n)
{
	if (!k->serial || strlen(k->serial) <= SERIAL_BYTES)
		return;
	k->serial[SERIAL_BYTES] = 0;
	domain_note(d, xml_first(n, "serial"), false,
		    "devices/disk '%s': of its serial number the guest sees the first %d characters, '%s'", k->target,
		    SERIAL_BYTES, k->serial);
}

int domain_parse_disk(struct domain *d, struct xml_node *n, struct pci_users *users, struct err *e)
{
	unsigned wish = WISH_DISK;
	const char *other_type = NULL;
	struct domain_disk *k = &d->disks[d->ndisks++];
	int rc = read_disk(k, n, &wish, &other_type, e);
	if (rc)
		return rc;
	for (size_t i = 0; i + 1 < d->ndisks; i++)
		if (str_eq(d->disks[i].target, k->target))
			return xml_bad(xml_first(n, "target"), "dev", e,
				       "'%s' is the name of two disks: give each its own", k->target);
	bool ours = supported(d, k, n, wish, other_type);
	if (ours && !k->source && k->device == DISK_DEVICE_DISK)
		return xml_bad(n, NULL, e, "disk '%s' has no <source %s='...'>", k->target,
			       k->type == DISK_FILE ? "file" : "dev");
	if (ours) {
		put_on_ide(d, k, n);
		cut_serial(d, k, n);
	}
	if (ours && str_eq(k->bus, "virtio"))
		pci_users_add(users, n, &k->addr, 0);
	return 0;
}

/* 0 to 3 for hda to hdd, sda to sdd and so on, or IDE_UNITS. */
static unsigned index_of(const char *target)
{
	size_t len = strlen(target);
	return len == 3 && target[2] >= 'a' && target[2] < 'a' + IDE_UNITS ? (unsigned)(target[2] - 'a')
									   : IDE_UNITS;
}

/* The drive that the XML asks for, by <address type='drive'> or by its name. */
static int unit_asked(const struct domain_disk *k, const struct xml_node *n, unsigned *unit, struct err *e)
{
	struct xml_node *a = xml_first(n, "address");
	unsigned zero = 0, channel = 0, drive = 0;
	char show[128];
	*unit = index_of(k->target);
	if (!a) {
		if (*unit < IDE_UNITS)
			return 0;
		return xml_bad(xml_first(n, "target"), "dev", e,
			       "'%s' is not allowed on bus ide: hda, hdb, hdc or hdd, there are four drives",
			       k->target);
	}
	if (!str_eq(xml_attr(a, "type"), "drive"))
		return xml_bad(
		    a, "type", e, "'%s' is not allowed on bus ide: only drive",
		    str_printable(xml_attr(a, "type") ? xml_attr(a, "type") : "", show, sizeof(show)));
	int rc = xml_get_choice(a, "controller", "0", &zero, e);
	if (!rc)
		rc = xml_get_unsigned(a, "bus", 0, 1, &channel, e);
	if (!rc)
		rc = xml_get_choice(a, "target", "0", &zero, e);
	if (!rc)
		rc = xml_get_unsigned(a, "unit", 0, 1, &drive, e);
	*unit = channel * 2 + drive;
	return rc;
}

/* Does the XML itself say IDE? */
static bool says_ide(const struct domain_disk *k, const struct xml_node *n)
{
	const char *bus = xml_attr(xml_first(n, "target"), "bus");
	return bus ? str_eq(bus, "ide") : str_starts(k->target, "hd");
}

static int take_asked(struct domain *d, struct xml_node *devices, const struct domain_disk *taken[IDE_UNITS],
		      struct err *e)
{
	struct domain_disk *k = d->disks;
	int rc = 0;
	for (struct xml_node *n = xml_first(devices, "disk"); n && !rc; n = xml_next(n, "disk"), k++) {
		if (!str_eq(k->bus, "ide") || !says_ide(k, n))
			continue;
		rc = unit_asked(k, n, &k->unit, e);
		if (!rc && taken[k->unit])
			rc = xml_bad(
			    n, NULL, e,
			    "disk '%s' is drive %u of IDE channel %u, and so is '%s': change the name or the "
			    "<address> of one",
			    k->target, k->unit & 1, k->unit >> 1, taken[k->unit]->target);
		if (!rc)
			taken[k->unit] = k;
	}
	return rc;
}

int domain_assign_ide(struct domain *d, struct xml_node *devices, struct err *e)
{
	const struct domain_disk *taken[IDE_UNITS] = {0};
	int rc = take_asked(d, devices, taken, e);
	struct domain_disk *k = d->disks;
	for (struct xml_node *n = xml_first(devices, "disk"); n && !rc; n = xml_next(n, "disk"), k++) {
		if (!str_eq(k->bus, "ide") || says_ide(k, n))
			continue;
		unsigned unit = index_of(k->target);
		if (unit == IDE_UNITS || taken[unit])
			for (unit = 0; unit < IDE_UNITS && taken[unit]; unit++)
				;
		if (unit < IDE_UNITS)
			taken[k->unit = unit] = k;
		else
			domain_note(d, n, true,
				    "devices/disk '%s': IDE has four drives, and all are taken: make disks "
				    "bus='virtio', "
				    "or remove one",
				    k->target);
	}
	return rc;
}

void domain_drop_floppies(struct domain *d)
{
	size_t kept = 0;
	for (size_t i = 0; i < d->ndisks; i++) {
		struct domain_disk *k = &d->disks[i];
		if (k->device == DISK_DEVICE_FLOPPY && !k->source) {
			free(k->format);
			free(k->target);
			free(k->bus);
			free(k->serial);
		} else {
			d->disks[kept++] = *k;
		}
	}
	memset(d->disks + kept, 0, (d->ndisks - kept) * sizeof(*d->disks));
	d->ndisks = kept;
}
