/* The devices of a domain that we have: serial ports and random numbers here, disks, network cards and the
 * screen in files of their own. What others there are and what
 * becomes of them stands in domain_table.c. (libvirt, "Domain XML format", "Devices") */
#include <stdio.h>
#include <string.h>

#include "src/base/cleanup.h"
#include "src/base/str.h"
#include "src/model/domain_xml.h"

#define DEVICES_MAX 256

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

#define DEBUGCON_PORT 0xe9 /* where QEMU has it */

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

/* QEMU's isa-debugcon. */
static int parse_debugcon(struct domain *d, struct xml_node *n, struct err *e)
{
	struct xml_node *source = xml_first(n, "source"), *address = xml_first(n, "address");
	bool file = str_eq(xml_attr(n, "type"), "file");
	unsigned append = 0, port = DEBUGCON_PORT;
	if (d->debugcon)
		return xml_bad(n, NULL, e, "a second port of type isa-debug is not allowed");
	if (file && (!source || !xml_attr(source, "path")))
		return xml_bad(source ? source : n, "path", e, "missing: the file that the bytes go to");
	int rc = address ? xml_get_unsigned(address, "iobase", 1, UINT16_MAX, &port, e) : 0;
	if (!rc && source)
		rc = xml_get_choice(source, "append", "off|on", &append, e);
	if (rc)
		return rc;
	d->debugcon = x_calloc(1, sizeof(*d->debugcon));
	d->debugcon->port = port;
	d->debugcon->append = append;
	if (!file && !str_eq(xml_attr(n, "type"), "null"))
		domain_note(d, n, false,
			    "devices/serial: a port of type isa-debug goes to a file only, its bytes are "
			    "lost: write type='file' and <source path='/var/log/x.log'/>");
	return file ? xml_get_path(source, "path", &d->debugcon->file, e) : 0;
}

static int parse_serial(struct domain *d, struct xml_node *n, struct err *e)
{
	unsigned type = 0, port;
	const char *kind = child_attr(n, "target", "type");
	char show[128];
	int rc = xml_get_choice(n, "type", char_types, &type, e);
	if (rc)
		return rc;
	if (str_eq(kind, "isa-debug"))
		return parse_debugcon(d, n, e);
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

static int parse_rng(struct domain *d, struct xml_node *n, struct pci_users *users,
		     struct err *e)
{
	unsigned model;
	if (!xml_attr(n, "model"))
		return xml_bad(n, "model", e, "missing: write model='virtio'");
	struct domain_rng *r = &d->rngs[d->nrngs++];
	pci_users_add(users, n, &r->addr, 0);
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

static int parse_each(struct domain *d, struct xml_node *devices, struct pci_users *users, struct err *e)
{
	int rc = parse_chars(d, devices, e);
	for (struct xml_node *n = xml_first(devices, "disk"); n && !rc; n = xml_next(n, "disk"))
		rc = domain_parse_disk(d, n, users, e);
	if (!rc)
		rc = domain_assign_ide(d, devices, e);
	if (!rc)
		rc = domain_parse_interfaces(d, devices, users, e);
	for (struct xml_node *n = xml_first(devices, "rng"); n && !rc; n = xml_next(n, "rng"))
		rc = parse_rng(d, n, users, e);
	if (!rc)
		rc = domain_parse_screen(d, devices, users, e);
	return rc ? rc : domain_assign_pci(d, devices, users, e);
}

int domain_parse_devices(struct domain *d, struct xml_node *devices, struct err *e)
{
	static const char *const kinds[] = {"disk", "rng", "input", "graphics", "video"};
	if (!devices)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (count(devices, kinds[i]) > DEVICES_MAX)
			return xml_bad(devices, NULL, e, "%zu <%s> are too many: at most %d",
				       count(devices, kinds[i]), kinds[i], DEVICES_MAX);
	struct pci_users users = {0};
	d->disks = x_calloc(count(devices, "disk"), sizeof(*d->disks));
	d->rngs = x_calloc(count(devices, "rng"), sizeof(*d->rngs));
	d->serials = x_calloc(4, sizeof(*d->serials)); /* serial_port() lets no fifth in */
	int rc = parse_each(d, devices, &users, e);
	free(users.of);
	domain_drop_floppies(d);
	return rc;
}
