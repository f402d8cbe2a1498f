/* Between the files of the domain parser; nobody else includes this.
 *
 * domain_xml.c reads what stands directly below <domain>, domain_devices.c the devices, domain_pci.c gives them addresses,
 * domain_table.c says of every element what becomes of it. */
#ifndef SRC_MODEL_DOMAIN_XML_H
#define SRC_MODEL_DOMAIN_XML_H

#include "src/model/domain.h"
#include "src/model/xml.h"

/* Add a note; @n may be NULL. A blocking one must name the thing and say what to do. */
void domain_note(struct domain *d, const struct xml_node *n, bool blocks_start, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Every element and attribute against the table: notes for what has no effect or is missed, -EINVAL for an element that
 * may stand only once, or a value out of those allowed. */
int domain_classify(struct domain *d, struct err *e);

/* Does the table know this path ("devices/disk", "vcpu/@current")? For tests. */
bool domain_table_has(const char *path);

/* <devices> into d->disks, serials and rngs. @devices may be NULL. */
int domain_parse_devices(struct domain *d, struct xml_node *devices, struct err *e);

/* A device of ours that takes a place on the PCI bus. */
struct pci_user {
	struct xml_node *node;
	struct pci_addr *addr;
};
/* Give each of @users the address its XML says, or the next free one, written back. Two devices at one address, in all
 * of <devices>, are an error. */
int domain_assign_pci(struct domain *d, struct xml_node *devices, const struct pci_user *users, size_t n,
                      struct err *e);

#endif
