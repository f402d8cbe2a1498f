/* The devices of a domain that we have: disks, serial ports, random numbers. What others there are and what
 * becomes of them stands in domain_table.c. (libvirt, "Domain XML format", "Devices") */
#include <stdio.h>
#include <string.h>

#include "src/base/cleanup.h"
#include "src/base/str.h"
#include "src/model/domain_xml.h"

#define DEVICES_MAX 256
#define SERIAL_BYTES 20 /* virtio 1.2, 5.2.6: device ID string */
#define QUEUES_MAX 64

static size_t count(const struct xml_node *parent, const char *name)
{
	size_t k = 0;
	for (struct xml_node *n = xml_first(parent, name); n; n = xml_next(n, name))
		k++;
	return k;
}

/* An attribute of a child that may be missing. */
static const char *child_attr(const struct xml_node *n, const char *child, const char *attr)
{
	const struct xml_node *c = xml_first(n, child);
	return c ? xml_attr(c, attr) : NULL;
}

static int parse_target(struct domain *d, struct domain_disk *k, struct xml_node *n, struct err *e)
{
	static const char *const prefixes[][2] = {
		{"vd", "virtio"}, {"hd", "ide"}, {"sd", "scsi"}, {"fd", "fdc"}, {"xvd", "xen"}, {"ubd", "uml"},
	};
	struct xml_node *t = xml_first(n, "target");
	const char *dev = t ? xml_attr(t, "dev") : NULL;
	char show[128];
	if (!dev)
		return xml_bad(t ? t : n, NULL, e, "there is no <target dev='vda'>, the disk's name");
	if (!*dev || strlen(dev) > 16 || dev[strspn(dev, "abcdefghijklmnopqrstuvwxyz0123456789")])
		return xml_bad(t, "dev", e,
			       "'%s' is not allowed: at most 16 small letters and digits, as 'vda'",
			       str_printable(dev, show, sizeof(show)));
	for (size_t i = 0; i < ARRAY_SIZE(prefixes) && !k->bus; i++)
		if (str_starts(dev, prefixes[i][0]))
			k->bus = x_strdup(prefixes[i][1]);
	const char *bus = xml_attr(t, "bus");
	unsigned i;
	int rc = xml_get_choice(t, "bus", "virtio|ide|sata|scsi|usb|fdc|sd|xen|uml|nvme", &i, e);
	if (rc)
		return rc;
	if (bus) {
		free(k->bus);
		k->bus = x_strdup(bus);
	}
	if (!k->bus)
		return xml_bad(t, "bus", e, "missing: write bus='virtio'");
	k->target = x_strdup(dev);
	return 0;
}

static int parse_driver(struct domain *d, struct domain_disk *k, struct xml_node *n, struct err *e)
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
	k->format = x_strdup(!type || str_eq(type, "aio") ? "raw" : type);
	k->cache = (enum disk_cache)cache;
	k->discard = discard == 1;
	return 0;
}

static int parse_disk_serial(struct domain_disk *k, struct xml_node *n, struct err *e)
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
	if (strlen(text) > SERIAL_BYTES && str_eq(k->bus, "virtio"))
		return xml_bad(s, NULL, e, "'%s' is too long: at most %d characters on bus virtio",
			       str_printable(text, show, sizeof(show)), SERIAL_BYTES);
	if (*text)
		k->serial = TAKE_PTR(text);
	return 0;
}

static int parse_source(struct domain_disk *k, struct xml_node *n, struct err *e)
{
	struct xml_node *s = xml_first(n, "source");
	return s ? xml_get_path(s, k->type == DISK_FILE ? "file" : "dev", &k->source, e) : 0;
}

/* What our machine cannot give of this disk, as notes. Return: it is a virtio disk that it can have. */
static bool disk_supported(struct domain *d, const struct domain_disk *k, struct xml_node *n, unsigned device,
			   const char *other_type)
{
	enum { DISK, CDROM, FLOPPY, LUN };
	static const char *const words[] = {"disk", "CD-ROM", "floppy", "LUN"};
	bool removable = device == CDROM || device == FLOPPY;
	if (removable && !k->source && !other_type) {
		domain_note(d, n, false,
			    "devices/disk '%s': the empty %s drive is left out, there is none yet", k->target,
			    words[device]);
		return false;
	}
	const char *advice = "make it bus='virtio', or remove it";
	if (device != DISK)
		domain_note(d, n, true, "devices/disk '%s': a %s is not supported yet: %s", k->target,
			    words[device], removable ? "empty the drive or remove it" : "use device='disk'");
	else if (!str_eq(k->bus, "virtio"))
		domain_note(d, n, true, "devices/disk '%s': bus '%s' is not supported yet: %s", k->target,
			    k->bus, advice);
	else if (other_type)
		domain_note(d, n, true,
			    "devices/disk '%s': type '%s' is not supported yet: use a file or a block device",
			    k->target, other_type);
	else if (!str_eq(k->format, "raw"))
		domain_note(d, n, true,
			    "devices/disk '%s': format '%s' is not supported yet: convert the image with "
			    "'qemu-img convert -O raw'",
			    k->target, k->format);
	else
		return true;
	return false;
}

/* One disk into *k. @other_type: its type when we have none of the kind. */
static int read_disk(struct domain *d, struct domain_disk *k, struct xml_node *n, unsigned *device,
		     const char **other_type, struct err *e)
{
	unsigned type = DISK_FILE;
	int rc =
	    xml_get_choice(n, "type", "file|block|dir|network|volume|nvme|vhostuser|vhostvdpa", &type, e);
	if (!rc) /* in the order of enum disk_device */
		rc = xml_get_choice(n, "device", "disk|cdrom|floppy|lun", device, e);
	if (!rc)
		rc = parse_target(d, k, n, e);
	if (!rc)
		rc = parse_driver(d, k, n, e);
	if (!rc)
		rc = parse_disk_serial(k, n, e);
	if (rc)
		return rc;
	*other_type = type > DISK_BLOCK ? xml_attr(n, "type") : NULL;
	k->type = (enum disk_type)type;
	k->device = (enum disk_device) * device;
	k->shareable = xml_first(n, "shareable");
	k->readonly = xml_first(n, "readonly");
	rc = *other_type ? 0 : parse_source(k, n, e);
	struct xml_node *boot = xml_first(n, "boot");
	if (!rc && boot)
		rc = xml_get_unsigned(boot, "order", 1, INT32_MAX, &k->boot_order, e);
	return rc;
}

static int parse_disk(struct domain *d, struct xml_node *n, struct pci_user *users, size_t *nusers,
		      struct err *e)
{
	unsigned device = 0;
	const char *other_type = NULL;
	struct domain_disk *k = &d->disks[d->ndisks++];
	int rc = read_disk(d, k, n, &device, &other_type, e);
	if (rc)
		return rc;
	for (size_t i = 0; i + 1 < d->ndisks; i++)
		if (str_eq(d->disks[i].target, k->target))
			return xml_bad(xml_first(n, "target"), "dev", e,
				       "'%s' is the name of two disks: give each its own", k->target);
	bool ours = disk_supported(d, k, n, device, other_type);
	if (ours && !k->source)
		return xml_bad(n, NULL, e, "disk '%s' has no <source %s='...'>", k->target,
			       k->type == DISK_FILE ? "file" : "dev");
	if (ours)
		users[(*nusers)++] = (struct pci_user){n, &k->addr};
	return 0;
}

/* Empty drives that we do not have are not for the machine. After the last disk, as names are compared until
 * then. */
static void drop_empty_drives(struct domain *d)
{
	size_t kept = 0;
	for (size_t i = 0; i < d->ndisks; i++) {
		struct domain_disk *k = &d->disks[i];
		if (k->device != DISK_DEVICE_DISK && !k->source) {
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

static const char char_types[] = "pty|null|vc|dev|file|pipe|stdio|udp|tcp|unix|spicevmc|spiceport|nmdm|dbus|"
				 "qemu-vdagent";

/* A port for @n: the one it asks for, else the first free one. -EINVAL when taken twice. */
static int serial_port(struct domain *d, struct xml_node *n, unsigned *port, struct err *e)
{
	struct xml_node *t = xml_first(n, "target");
	unsigned taken = 0;
	for (size_t i = 0; i < d->nserials; i++)
		taken |= 1u << d->serials[i].port;
	bool asked = t && xml_attr(t, "port");
	for (*port = 0; !asked && taken & 1u << *port; (*port)++)
		;
	int rc = asked ? xml_get_unsigned(t, "port", 0, 3, port, e) : 0;
	if (rc)
		return rc;
	if (*port > 3)
		return xml_bad(n, NULL, e, "a fifth serial port is not allowed: at most 4");
	if (taken & 1u << *port)
		return xml_bad(t, "port", e, "'%u' is the number of two serial ports: give each its own",
			       *port);
	return 0;
}

static int parse_log(struct domain_serial *s, struct xml_node *n, struct err *e)
{
	struct xml_node *log = xml_first(n, "log");
	unsigned append = 0;
	int rc = log ? xml_get_path(log, "file", &s->log_file, e) : 0;
	if (!rc && log)
		rc = xml_get_choice(log, "append", "off|on", &append, e);
	s->log_append = append;
	return rc;
}

static int parse_serial(struct domain *d, struct xml_node *n, struct err *e)
{
	unsigned type = 0, port;
	const char *kind = child_attr(n, "target", "type");
	char show[128];
	int rc = xml_get_choice(n, "type", char_types, &type, e);
	if (rc)
		return rc;
	if (kind && !str_eq(kind, "isa-serial")) {
		domain_note(d, n, true,
			    "devices/serial: a port of type '%s' is not supported yet: make it 'isa-serial' "
			    "or remove "
			    "it",
			    str_printable(kind, show, sizeof(show)));
		return 0;
	}
	rc = serial_port(d, n, &port, e);
	if (rc)
		return rc;
	struct domain_serial *s = &d->serials[d->nserials++];
	s->port = port;
	if (type)
		domain_note(
		    d, n, false,
		    "devices/serial: type '%s' is not supported yet: port %u is a console as with 'pty'",
		    xml_attr(n, "type"), port);
	if (port > 1)
		domain_note(d, n, true,
			    "devices/serial: port %u is not supported yet, only 0 and 1: remove it", port);
	return parse_log(s, n, e);
}

/* <console> of type serial is another name of a serial port, and makes port 0 when there is none (libvirt,
 * "Console"). */
static int parse_console(struct domain *d, struct xml_node *n, struct err *e)
{
	enum { SERIAL, VIRTIO };
	unsigned type = 0, kind = SERIAL;
	struct xml_node *t = xml_first(n, "target");
	int rc = xml_get_choice(n, "type", char_types, &type, e);
	if (!rc && t)
		rc = xml_get_choice(t, "type", "serial|virtio|xen|uml|lxc|openvz|sclp|sclplm", &kind, e);
	if (rc)
		return rc;
	if (kind != SERIAL) {
		domain_note(
		    d, n, true,
		    "devices/console: type '%s' is not supported yet: use target type='serial', or remove it",
		    xml_attr(t, "type"));
		return 0;
	}
	if (d->nserials)
		return 0;
	struct domain_serial *s = &d->serials[d->nserials++];
	return parse_log(s, n, e);
}

static int parse_rng_backend(struct domain *d, struct domain_rng *r, struct xml_node *n, struct err *e)
{
	enum { RANDOM, BUILTIN, EGD };
	struct xml_node *b = xml_first(n, "backend");
	unsigned model = RANDOM;
	if (!b || !xml_attr(b, "model"))
		return xml_bad(b ? b : n, NULL, e,
			       "there is no <backend model='random'>/dev/urandom</backend>");
	int rc = xml_get_choice(b, "model", "random|builtin|egd", &model, e);
	if (rc)
		return rc;
	r->backend = x_strdup("/dev/urandom");
	if (model == EGD)
		domain_note(d, b, false,
			    "devices/rng/backend: model 'egd' is not supported yet: /dev/urandom is used");
	if (model != RANDOM)
		return 0;
	unsigned i;
	rc = xml_get_choice(b, NULL, "/dev/urandom|/dev/random|/dev/hwrng", &i, e);
	return rc ? rc : xml_get_path(b, NULL, &r->backend, e);
}

static int parse_rng(struct domain *d, struct xml_node *n, struct pci_user *users, size_t *nusers,
		     struct err *e)
{
	unsigned model;
	if (!xml_attr(n, "model"))
		return xml_bad(n, "model", e, "missing: write model='virtio'");
	struct domain_rng *r = &d->rngs[d->nrngs++];
	users[(*nusers)++] = (struct pci_user){n, &r->addr};
	int rc = xml_get_choice(n, "model", "virtio|virtio-transitional|virtio-non-transitional", &model, e);
	if (!rc)
		rc = parse_rng_backend(d, r, n, e);
	struct xml_node *rate = xml_first(n, "rate");
	if (rc || !rate)
		return rc;
	if (!xml_attr(rate, "bytes"))
		return xml_bad(rate, "bytes", e, "missing: how many bytes in a period");
	r->rate_period_ms = 1000;
	rc = xml_get_u64(rate, "bytes", 1, INT32_MAX, &r->rate_bytes, e);
	return rc ? rc : xml_get_unsigned(rate, "period", 1, INT32_MAX, &r->rate_period_ms, e);
}

static int parse_chars(struct domain *d, struct xml_node *devices, struct err *e)
{
	int rc = 0;
	for (struct xml_node *n = xml_first(devices, "serial"); n && !rc; n = xml_next(n, "serial"))
		rc = parse_serial(d, n, e);
	for (struct xml_node *n = xml_first(devices, "console"); n && !rc; n = xml_next(n, "console"))
		rc = parse_console(d, n, e);
	return rc;
}

int domain_parse_devices(struct domain *d, struct xml_node *devices, struct err *e)
{
	if (!devices)
		return 0;
	size_t ndisks = count(devices, "disk"), nrngs = count(devices, "rng"), nusers = 0;
	if (ndisks > DEVICES_MAX || nrngs > DEVICES_MAX)
		return xml_bad(devices, NULL, e, "%zu disks and %zu rngs are too many: at most %d of each",
			       ndisks, nrngs, DEVICES_MAX);
	AUTO_FREE struct pci_user *users = x_calloc(ndisks + nrngs, sizeof(*users));
	d->disks = x_calloc(ndisks, sizeof(*d->disks));
	d->rngs = x_calloc(nrngs, sizeof(*d->rngs));
	d->serials = x_calloc(4, sizeof(*d->serials)); /* serial_port() lets no fifth in */
	int rc = parse_chars(d, devices, e);
	for (struct xml_node *n = xml_first(devices, "disk"); n && !rc; n = xml_next(n, "disk"))
		rc = parse_disk(d, n, users, &nusers, e);
	for (struct xml_node *n = xml_first(devices, "rng"); n && !rc; n = xml_next(n, "rng"))
		rc = parse_rng(d, n, users, &nusers, e);
	if (!rc)
		rc = domain_assign_pci(d, devices, users, nusers, e);
	drop_empty_drives(d);
	return rc;
}
