/* Places on the PCI bus. Our machine has one bus with 32 slots: 0 is the host bridge, 1 the PIIX3, 2 is for
 * the screen, as libvirt has it; a device of ours takes a slot of its own from 3 on.
 *
 * An address that XML gives is kept. One that our bus does not have (bus 4 behind a root port of a q35
 * machine, function 1 of a slot) stays in the document, so that it can go back to libvirt, and the device
 * gets a free slot at each start, in the order of the document. A device without an address gets one for
 * good. */
#include <stdio.h>
#include <string.h>

#include "src/base/cleanup.h"
#include "src/base/str.h"
#include "src/model/domain_xml.h"

#define SLOT_SCREEN 2
#define SLOT_FIRST 3
#define SLOTS 32
#define ADDRESSES_MAX 1024

struct place {
	struct pci_addr addr;
	const struct xml_node *device;
};

/* The <address type='pci'> of a device; another type only where we do not mind. */
static int read_address(const struct xml_node *device, struct pci_addr *a, struct err *e)
{
	const struct xml_node *n = xml_first(device, "address");
	unsigned domain = 0, bus = 0, slot = 0, function = 0;
	*a = (struct pci_addr){0};
	if (!n || !str_eq(xml_attr(n, "type"), "pci"))
		return 0;
	/* A stub that only asks for PCI, as in <address type='pci'/>. */
	if (!xml_attr(n, "slot") && !xml_attr(n, "bus"))
		return 0;
	int rc = xml_get_address(n, "domain", 0xffff, &domain, e);
	if (!rc)
		rc = xml_get_address(n, "bus", 0xff, &bus, e);
	if (!rc)
		rc = xml_get_address(n, "slot", 0x1f, &slot, e);
	if (!rc)
		rc = xml_get_address(n, "function", 7, &function, e);
	if (rc)
		return rc;
	*a = (struct pci_addr){true, (uint16_t)domain, (uint8_t)bus, (uint8_t)slot, (uint8_t)function};
	return 0;
}

static bool same(const struct pci_addr *a, const struct pci_addr *b)
{
	return a->domain == b->domain && a->bus == b->bus && a->slot == b->slot && a->function == b->function;
}

/* The host side of a passed-through device has an <address> too, but below its <source>. */
static int read_all(const struct xml_node *devices, struct place *places, size_t *n, struct err *e)
{
	*n = 0;
	for (struct xml_node *dev = xml_first(devices, NULL); dev; dev = xml_next(dev, NULL)) {
		struct pci_addr a;
		int rc = read_address(dev, &a, e);
		if (rc)
			return rc;
		if (!a.set)
			continue;
		for (size_t i = 0; i < *n; i++)
			if (same(&places[i].addr, &a))
				return xml_bad(xml_first(dev, "address"), NULL, e,
					       "PCI address %02x:%02x.%x is that of <%s> in line "
					       "%u too: change one, or leave it out",
					       a.bus, a.slot, a.function, xml_name(places[i].device),
					       xml_line(places[i].device));
		if (*n == ADDRESSES_MAX)
			return xml_bad(devices, NULL, e, "more than %d PCI addresses", ADDRESSES_MAX);
		places[(*n)++] = (struct place){a, dev};
	}
	return 0;
}

static int take_free(bool used[SLOTS], const struct pci_user *u, struct err *e)
{
	uint8_t slot = u->prefer && !used[u->prefer] ? u->prefer : SLOT_FIRST;
	while (slot < SLOTS && used[slot])
		slot++;
	if (slot == SLOTS)
		return xml_bad(u->node, NULL, e, "there is no place left on PCI bus 0: it takes %d devices",
			       SLOTS - SLOT_FIRST);
	used[slot] = true;
	*u->addr = (struct pci_addr){.set = true, .slot = slot};
	return 0;
}

static void write_address(struct xml_node *device, const struct pci_addr *a)
{
	struct xml_node *n = xml_first(device, "address");
	char text[16];
	if (!n)
		n = xml_add(device, NULL, "address", NULL);
	xml_set_attr(n, "type", "pci");
	snprintf(text, sizeof(text), "0x%04x", a->domain);
	xml_set_attr(n, "domain", text);
	snprintf(text, sizeof(text), "0x%02x", a->bus);
	xml_set_attr(n, "bus", text);
	snprintf(text, sizeof(text), "0x%02x", a->slot);
	xml_set_attr(n, "slot", text);
	snprintf(text, sizeof(text), "0x%x", a->function);
	xml_set_attr(n, "function", text);
}

/* Take the address in the XML where our bus has it. */
static int take_given(struct domain *d, const struct pci_user *u, bool is_pc, unsigned *moved, struct err *e)
{
	struct xml_node *n = xml_first(u->node, "address");
	const char *type = n ? xml_attr(n, "type") : NULL;
	char show[128];
	if (u->elsewhere)
		return 0;
	if (n && !str_eq(type, "pci"))
		return xml_bad(n, "type", e, "'%s' is not allowed for a PCI device: only pci",
			       str_printable(type, show, sizeof(show)));
	struct pci_addr a;
	int rc = read_address(u->node, &a, e);
	if (rc || !a.set)
		return rc;
	bool on_bus = !a.domain && !a.bus && !a.function;
	if (on_bus && a.slot < SLOT_SCREEN && is_pc)
		return xml_bad(
		    n, "slot", e,
		    "'%s' is not allowed: 0x00 and 0x01 are the host bridge and the PIIX3; 0x02 to 0x1f",
		    xml_attr(n, "slot"));
	if (on_bus && a.slot >= (is_pc ? SLOT_SCREEN : SLOT_FIRST))
		*u->addr = a;
	else
		(*moved)++;
	return 0;
}

void pci_users_add(struct pci_users *users, struct xml_node *node, struct pci_addr *addr, uint8_t prefer)
{
	users->of = x_realloc(users->of, (users->n + 1) * sizeof(*users->of));
	users->of[users->n++] = (struct pci_user){.node = node, .addr = addr, .prefer = prefer};
}

/* A free slot for each that has none. What is written into the document must be free in all of it; of what is
 * not, only our machine sees the place. */
static int give(const struct pci_users *users, const bool written[SLOTS], struct err *e)
{
	bool used[SLOTS] = {0};
	int rc = 0;
	for (size_t i = 0; i < users->n; i++)
		if (users->of[i].addr->set)
			used[users->of[i].addr->slot] = true;
	for (size_t i = 0; i < users->n && !rc; i++) {
		const struct pci_user *u = &users->of[i];
		struct pci_addr asked;
		if (u->addr->set)
			continue;
		read_address(u->node, &asked, NULL);
		bool keep = u->elsewhere || asked.set, both[SLOTS];
		for (size_t k = 0; k < SLOTS; k++)
			both[k] = used[k] || (written[k] && !(keep && k == u->prefer));
		rc = take_free(both, u, e);
		if (rc)
			break;
		used[u->addr->slot] = true;
		if (!keep)
			write_address(u->node, u->addr);
	}
	return rc;
}

int domain_assign_pci(struct domain *d, struct xml_node *devices, const struct pci_users *users,
		      struct err *e)
{
	AUTO_FREE struct place *places = x_calloc(ADDRESSES_MAX, sizeof(*places));
	size_t nplaces;
	bool used[SLOTS] = {0};
	unsigned moved = 0;
	struct xml_node *type = xml_first(xml_first(xml_parent(devices), "os"), "type");
	const char *machine = xml_attr(type, "machine");
	bool is_pc = !machine || str_eq(machine, "pc") ||
		     (str_starts(machine, "pc-") && !str_starts(machine, "pc-q35-"));
	int rc = read_all(devices, places, &nplaces, e);
	for (size_t i = 0; i < users->n && !rc; i++)
		rc = take_given(d, &users->of[i], is_pc, &moved, e);
	if (rc)
		return rc;
	for (size_t i = 0; i < nplaces; i++)
		if (!places[i].addr.domain && !places[i].addr.bus)
			used[places[i].addr.slot] = true;
	rc = give(users, used, e);
	if (moved && is_pc && !rc)
		domain_note(d, devices, false,
			    "devices: %u PCI address%s not on bus 0, function 0: the guest sees the device%s "
			    "on bus 0",
			    moved, moved > 1 ? "es" : "", moved > 1 ? "s" : "");
	return rc;
}
