/* <interface>: network cards. (libvirt, "Domain XML format", "Network interfaces")
 *
 * Every card is virtio. It ends in the user-mode network, which vmdeck-net makes and which needs no
 * privilege, or in a bridge of the host. The network "default" is what every tool writes into new domains:
 * until there are networks, it is given the user-mode one. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "src/base/cleanup.h"
#include "src/base/str.h"
#include "src/model/domain_xml.h"

#define QUEUES_MAX 64
#define MTU_MIN 68 /* virtio 1.2, 5.1.4.1 */
#define MTU_MAX 65535
#define HOST_NAME_MAX_LINUX 15 /* IFNAMSIZ less the end */
#define RANGES_MAX 256
#define FORWARDS_MAX 64 /* what the keeper is sent must stay short */
#define PORTS_MAX 1024  /* forwarded, of an interface: each is a socket that listens */

static const char type_names[] =
    "user|bridge|network|ethernet|vhostuser|direct|internal|mcast|client|server|udp|"
    "hostdev|vdpa|null|vds";
enum wish { WISH_USER, WISH_BRIDGE, WISH_NETWORK, WISH_OTHER };

/* --- MAC --- */

char *domain_mac_text(const uint8_t mac[6], char out[DOMAIN_MAC_TEXT])
{
	snprintf(out, DOMAIN_MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
		 mac[4], mac[5]);
	return out;
}

static bool mac_taken(const struct domain *d, const struct domain_interface *self)
{
	for (size_t i = 0; i < d->ninterfaces; i++)
		if (&d->interfaces[i] != self && !memcmp(d->interfaces[i].mac, self->mac, sizeof(self->mac)))
			return true;
	return false;
}

/* From the uuid and the card's number, so that a definition has the same address whenever it is read. FNV-1a.
 */
static void make_mac(const struct domain *d, struct domain_interface *f)
{
	uint32_t h = 2166136261u ^ (uint32_t)(f - d->interfaces);
	for (const char *p = d->uuid; *p; p++)
		h = (h ^ (unsigned char)*p) * 16777619u;
	do {
		memcpy(f->mac,
		       (uint8_t[]){0x52, 0x54, 0, (uint8_t)(h >> 24), (uint8_t)(h >> 16), (uint8_t)(h >> 8)},
		       6);
		h += 256;
	} while (mac_taken(d, f));
}

static bool read_mac(const char *s, uint8_t mac[6])
{
	int end = 0; /* one digit or two for each byte, blanks around them, as libvirt takes it */
	s += strspn(s, " \t\r\n");
	size_t n = strspn(s, "0123456789abcdefABCDEF:");
	if (s[n + strspn(s + n, " \t\r\n")])
		return false;
	return sscanf(s, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &mac[0], &mac[1], &mac[2], &mac[3], &mac[4],
		      &mac[5], &end) == 6 &&
	       (size_t)end == n;
}

static int parse_mac(struct domain *d, struct domain_interface *f, struct xml_node *n, struct err *e)
{
	static const uint8_t none[6];
	struct xml_node *m = xml_first(n, "mac");
	const char *text = m ? xml_attr(m, "address") : NULL;
	char show[128];
	if (!m)
		return 0; /* made up when those that are given are known */
	if (!text)
		return xml_bad(m, "address", e, "missing: leave <mac> out for one that is made up");
	if (!read_mac(text, f->mac))
		return xml_bad(m, "address", e, "'%s' is not allowed: six bytes, as 52:54:00:12:34:56",
			       str_printable(text, show, sizeof(show)));
	if (f->mac[0] & 1 || !memcmp(f->mac, none, sizeof(none)))
		return xml_bad(m, "address", e,
			       "'%s' is not allowed: no card has a multicast address, or none at all", text);
	if (mac_taken(d, f))
		return xml_bad(m, "address", e, "'%s' is the address of two interfaces: give each its own",
			       text);
	return 0;
}

/* --- port forwards --- */

static bool any_address(const char *a)
{
	return str_eq(a, "0.0.0.0") || str_eq(a, "::");
}

static bool clash(const struct port_forward *a, const struct port_forward *b)
{
	const char *x = a->address ? a->address : "127.0.0.1", *y = b->address ? b->address : "127.0.0.1";
	return a->udp == b->udp && a->start <= b->end && b->start <= a->end &&
	       (str_eq(x, y) || any_address(x) || any_address(y));
}

static int check_taken(const struct domain *d, const struct port_forward *p, const struct xml_node *n,
		       struct err *e)
{
	for (size_t i = 0; i < d->ninterfaces; i++)
		for (size_t k = 0; k < d->interfaces[i].nforwards; k++) {
			const struct port_forward *o = &d->interfaces[i].forwards[k];
			if (clash(p, o))
				return xml_bad(n, NULL, e, "%s port %u is forwarded twice: leave one",
					       p->udp ? "UDP" : "TCP",
					       p->start > o->start ? p->start : o->start);
		}
	return 0;
}

static int read_range(const struct xml_node *r, struct port_forward *p, bool *exclude, struct err *e)
{
	unsigned no = 0;
	if (!xml_attr(r, "start"))
		return xml_bad(r, "start", e, "missing: a port of the host");
	int rc = xml_get_unsigned(r, "start", 1, 65535, &p->start, e);
	p->end = p->to = p->start;
	if (!rc)
		rc = xml_get_unsigned(r, "end", p->start, 65535, &p->end, e);
	if (!rc)
		rc = xml_get_unsigned(r, "to", 1, 65535, &p->to, e);
	if (!rc)
		rc = xml_get_choice(r, "exclude", "no|yes", &no, e);
	*exclude = no;
	if (rc)
		return rc;
	if (p->to + (p->end - p->start) > 65535)
		return xml_bad(r, "to", e,
			       "'%u' is not allowed: the last of %u ports would be %u, beyond 65535", p->to,
			       p->end - p->start + 1, p->to + (p->end - p->start));
	if (no && xml_attr(r, "to"))
		return xml_bad(r, "to", e, "not allowed beside exclude='yes'");
	return 0;
}

static int add_forward(struct domain *d, struct domain_interface *f, const struct port_forward *p,
		       const struct xml_node *n, struct err *e)
{
	int rc = check_taken(d, p, n, e);
	unsigned ports = p->end - p->start + 1;
	for (size_t i = 0; i < f->nforwards; i++)
		ports += f->forwards[i].end - f->forwards[i].start + 1;
	if (!rc && ports > PORTS_MAX)
		return xml_bad(n, NULL, e, "%u ports are too many: at most %d are forwarded to an interface",
			       ports, PORTS_MAX);
	if (!rc && f->nforwards == FORWARDS_MAX)
		return xml_bad(n, NULL, e, "more than %d ranges of ports are too many for an interface",
			       FORWARDS_MAX);
	if (rc)
		return rc;
	f->forwards = x_realloc(f->forwards, (f->nforwards + 1) * sizeof(*f->forwards));
	f->forwards[f->nforwards] = *p;
	f->forwards[f->nforwards++].address = x_strdup(p->address);
	return 0;
}

/* The part of a range from @p->start up to the next port that is excluded; *p becomes what is behind it. */
static bool next_part(const struct xml_node *n, struct port_forward *p, struct port_forward *part)
{
	*part = *p;
	for (const struct xml_node *r = xml_first(n, "range"); r && part->start <= p->end;) {
		struct port_forward x;
		bool exclude = false;
		if (!read_range(r, &x, &exclude, NULL) && exclude && x.end >= part->start &&
		    x.start <= part->end) {
			if (x.start <= part->start) { /* look at all anew, from behind it */
				part->to += x.end + 1 - part->start;
				part->start = x.end + 1;
				part->end = p->end;
				r = xml_first(n, "range");
				continue;
			}
			part->end = x.start - 1;
		}
		r = xml_next(r, "range");
	}
	p->to = part->to + (part->end + 1 - part->start);
	p->start = part->end + 1;
	return part->start <= part->end;
}

static int parse_range(struct domain *d, struct domain_interface *f, const struct xml_node *n,
		       const struct xml_node *r, const struct port_forward *base, struct err *e)
{
	struct port_forward p = *base, part;
	bool exclude;
	int rc = read_range(r, &p, &exclude, e);
	while (!rc && !exclude && p.start <= p.end && next_part(n, &p, &part))
		rc = add_forward(d, f, &part, r, e);
	return rc;
}

static int parse_forward(struct domain *d, struct domain_interface *f, struct xml_node *n, struct err *e)
{
	unsigned udp = 0;
	unsigned char binary[16];
	char show[128];
	const char *address = xml_attr(n, "address");
	if (!xml_attr(n, "proto"))
		return xml_bad(n, "proto", e, "missing: tcp or udp");
	int rc = xml_get_choice(n, "proto", "tcp|udp", &udp, e);
	if (rc)
		return rc;
	if (address && inet_pton(AF_INET, address, binary) != 1 && inet_pton(AF_INET6, address, binary) != 1)
		return xml_bad(n, "address", e,
			       "'%s' is not allowed: an IPv4 or IPv6 address of this host, as 127.0.0.1",
			       str_printable(address, show, sizeof(show)));
	if (!address)
		domain_note(
		    d, n, false,
		    "devices/interface/portForward: without an address it listens on 127.0.0.1; write "
		    "address='0.0.0.0' for all who reach this host");
	struct port_forward base = {.udp = udp, .address = (char *)address};
	size_t nranges = 0;
	for (struct xml_node *r = xml_first(n, "range"); r; r = xml_next(r, "range"))
		if (++nranges > RANGES_MAX)
			return xml_bad(r, NULL, e, "more than %d ranges of ports are too many", RANGES_MAX);
	for (struct xml_node *r = xml_first(n, "range"); r && !rc; r = xml_next(r, "range"))
		rc = parse_range(d, f, n, r, &base, e);
	if (!rc && !nranges)
		domain_note(d, n, true,
			    "devices/interface/portForward: forwarding all ports is not supported: name "
			    "them, as <range "
			    "start='2022' to='22'/>");
	return rc;
}

static int parse_forwards(struct domain *d, struct domain_interface *f, struct xml_node *n, struct err *e)
{
	struct xml_node *first = xml_first(n, "portForward");
	int rc = 0;
	if (first && f->type == INTERFACE_BRIDGE)
		domain_note(d, first, false,
			    "devices/interface/portForward: without effect on a bridge: the guest is reached "
			    "at its own "
			    "address");
	for (struct xml_node *p = first; p && !rc && f->type == INTERFACE_USER;
	     p = xml_next(p, "portForward"))
		rc = parse_forward(d, f, p, e);
	return rc;
}

/* --- where it ends --- */

/* A network device of the host. */
static int device_name(const struct xml_node *n, const char *attr, char **out, struct err *e)
{
	const char *s = xml_attr(n, attr);
	char show[128];
	if (!s)
		return 0;
	bool bad = !*s || str_eq(s, ".") || str_eq(s, "..") || strlen(s) > HOST_NAME_MAX_LINUX;
	for (const char *p = s; *p && !bad; p++)
		bad = *p <= ' ' || *p >= 0x7f || *p == '/' || *p == ':' || *p == '%';
	if (bad)
		return xml_bad(n, attr, e,
			       "'%s' is not allowed: the name of a network device, at most %d characters",
			       str_printable(s, show, sizeof(show)), HOST_NAME_MAX_LINUX);
	*out = x_strdup(s);
	return 0;
}

static int parse_network(struct domain *d, struct domain_interface *f, struct xml_node *n, struct err *e)
{
	struct xml_node *s = xml_first(n, "source");
	const char *name = s ? xml_attr(s, "network") : NULL;
	char show[128];
	if (!name)
		return xml_bad(s ? s : n, NULL, e, "there is no <source network='default'/>");
	f->network = x_strdup(name);
	if (str_eq(name, "default"))
		domain_note(d, n, false,
			    "devices/interface: there are no networks yet: 'default' is given the user-mode "
			    "network, as "
			    "type='user'");
	else
		domain_note(d, n, true,
			    "devices/interface: network '%s' is not there, there are no networks yet: use "
			    "type='user' or "
			    "type='bridge'",
			    str_printable(name, show, sizeof(show)));
	return 0;
}

static int parse_bridge(struct domain_interface *f, struct xml_node *n, struct err *e)
{
	struct xml_node *s = xml_first(n, "source"), *t = xml_first(n, "target");
	f->type = INTERFACE_BRIDGE;
	if (!s || !xml_attr(s, "bridge"))
		return xml_bad(s ? s : n, NULL, e, "there is no <source bridge='br0'/>");
	int rc = device_name(s, "bridge", &f->bridge, e);
	if (!rc && t)
		rc = device_name(t, "dev", &f->target, e);
	f->ifname = f->target ? x_strdup(f->target) : NULL;
	/* Names that libvirt made up stand in the text of a guest that ran; each start makes another. */
	if (!rc && f->target && (str_starts(f->target, "vnet") || str_starts(f->target, "vif"))) {
		free(f->target);
		f->target = NULL;
	}
	return rc;
}

static int parse_where(struct domain *d, struct domain_interface *f, struct xml_node *n, bool *ours,
		       struct err *e)
{
	unsigned wish = WISH_USER;
	char show[128];
	if (!xml_attr(n, "type"))
		return xml_bad(n, "type", e, "missing: user, or bridge");
	int rc = xml_get_choice(n, "type", type_names, &wish, e);
	if (rc)
		return rc;
	f->asked = x_strdup(xml_attr(n, "type"));
	struct xml_node *b = xml_first(n, "backend"), *s = xml_first(n, "source");
	unsigned backend;
	rc = b ? xml_get_choice(b, "type", "default|passt", &backend, e) : 0;
	if (rc)
		return rc;
	if (b && str_eq(xml_attr(b, "type"), "passt") && wish == WISH_USER)
		domain_note(
		    d, b, false,
		    "devices/interface/backend: passt is not there: the guest gets our user-mode network");
	if (wish == WISH_USER && s && xml_attr(s, "dev"))
		domain_note(
		    d, s, false,
		    "devices/interface/source: the host chooses the way out: dev='%s' is without effect",
		    str_printable(xml_attr(s, "dev"), show, sizeof(show)));
	*ours = wish < WISH_OTHER;
	if (wish == WISH_NETWORK)
		return parse_network(d, f, n, e);
	if (wish == WISH_BRIDGE)
		return parse_bridge(f, n, e);
	if (!*ours)
		domain_note(d, n, true,
			    "devices/interface: type '%s' is not supported yet: use type='user' or "
			    "type='bridge', or remove it",
			    f->asked);
	return 0;
}

/* --- the card --- */

static int parse_model(struct domain *d, struct xml_node *n, struct err *e)
{
	static const char *const ours[] = {"virtio", "virtio-transitional", "virtio-non-transitional",
					   "virtio-net-pci"};
	struct xml_node *m = xml_first(n, "model");
	char show[128];
	if (!m) {
		xml_set_attr(xml_add(n, NULL, "model", NULL), "type", "virtio");
		return 0;
	}
	const char *type = xml_attr(m, "type");
	if (!type || !*type)
		return xml_bad(m, "type", e, "missing: write type='virtio'");
	for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
		if (str_eq(type, ours[i]))
			return 0;
	domain_note(d, m, false,
		    "devices/interface: model '%s' is not there: the guest gets virtio, and needs its driver",
		    str_printable(type, show, sizeof(show)));
	return 0;
}

static int parse_options(struct domain *d, struct domain_interface *f, struct xml_node *n, struct err *e)
{
	unsigned down = 0, no_rom = 0;
	struct xml_node *link = xml_first(n, "link"), *mtu = xml_first(n, "mtu"),
			*boot = xml_first(n, "boot"), *driver = xml_first(n, "driver"),
			*rom = xml_first(n, "rom");
	int rc = parse_model(d, n, e);
	if (!rc && link)
		rc = xml_get_choice(link, "state", "up|down", &down, e);
	if (!rc && mtu)
		rc = xml_get_unsigned(mtu, "size", MTU_MIN, MTU_MAX, &f->mtu, e);
	if (!rc && boot)
		rc = xml_get_unsigned(boot, "order", 1, INT32_MAX, &f->boot_order, e);
	if (!rc && driver)
		rc = xml_get_unsigned(driver, "queues", 1, QUEUES_MAX, &f->queues, e);
	if (!rc && rom)
		rc = xml_get_choice(rom, "enabled", "yes|no", &no_rom, e);
	f->link_down = down;
	f->no_rom = no_rom;
	return rc;
}

static int parse_interface(struct domain *d, struct xml_node *n, struct pci_users *users, struct err *e)
{
	struct domain_interface *f = &d->interfaces[d->ninterfaces++];
	bool ours = false;
	int rc = parse_where(d, f, n, &ours, e);
	if (!rc)
		rc = parse_mac(d, f, n, e);
	if (!rc)
		rc = parse_options(d, f, n, e);
	if (!rc && ours)
		rc = parse_forwards(d, f, n, e);
	if (!rc && ours)
		pci_users_add(users, n, &f->addr, 0);
	return rc;
}

/* <vmdeck:network> in <metadata>: what is open to all cards in the user-mode network. */
static int parse_open(struct domain *d, struct err *e)
{
	struct xml_node *n = domain_metadata(d, "network");
	const char *name;
	unsigned loopback = 0, link_local = 0;
	char show[128];
	for (unsigned i = 0; n && (name = xml_attr_name(n, i)); i++)
		if (!str_eq(name, "hostLoopback") && !str_eq(name, "linkLocal"))
			return xml_bad(n, str_printable(name, show, sizeof(show)), e,
				       "not known: hostLoopback and linkLocal are");
	int rc = n ? xml_get_choice(n, "hostLoopback", "no|yes", &loopback, e) : 0;
	if (n && !rc)
		rc = xml_get_choice(n, "linkLocal", "no|yes", &link_local, e);
	d->host_loopback = loopback;
	d->link_local = link_local;
	return rc;
}

int domain_parse_interfaces(struct domain *d, struct xml_node *devices, struct pci_users *users,
			    struct err *e)
{
	size_t n = 0;
	int rc = parse_open(d, e);
	if (rc)
		return rc;
	for (struct xml_node *i = xml_first(devices, "interface"); i; i = xml_next(i, "interface"))
		if (++n > DOMAIN_INTERFACES_MAX)
			return xml_bad(i, NULL, e, "a ninth interface is not allowed: at most %d",
				       DOMAIN_INTERFACES_MAX);
	d->interfaces = x_calloc(n, sizeof(*d->interfaces));
	for (struct xml_node *i = xml_first(devices, "interface"); i && !rc; i = xml_next(i, "interface"))
		rc = parse_interface(d, i, users, e);
	if (rc)
		return rc;
	struct domain_interface *f = d->interfaces;
	for (struct xml_node *i = xml_first(devices, "interface"); i; i = xml_next(i, "interface"), f++) {
		char text[DOMAIN_MAC_TEXT];
		if (xml_first(i, "mac"))
			continue;
		make_mac(d, f);
		xml_set_attr(xml_add(i, NULL, "mac", NULL), "address", domain_mac_text(f->mac, text));
	}
	return 0;
}

void domain_free_interfaces(struct domain *d)
{
	for (size_t i = 0; i < d->ninterfaces; i++) {
		struct domain_interface *f = &d->interfaces[i];
		for (size_t k = 0; k < f->nforwards; k++)
			free(f->forwards[k].address);
		free(f->forwards);
		free(f->asked);
		free(f->network);
		free(f->bridge);
		free(f->target);
		free(f->ifname);
	}
	free(d->interfaces);
	d->interfaces = NULL;
	d->ninterfaces = 0;
}
