/* Between the files of the domain parser; nobody else includes this, but for tests of the table.
 *
 * domain_xml.c reads what stands directly below <domain>, domain_os.c <os>, domain_devices.c the devices: of
 * these domain_disk.c the disks, domain_graphics.c and domain_screen.c what a person sees and works;
 * domain_pci.c gives them addresses. domain_table.c says, and domain_classify.c tells, of every element what
 * becomes of it. */
#ifndef SRC_MODEL_DOMAIN_XML_H
#define SRC_MODEL_DOMAIN_XML_H

#include "src/model/domain.h"
#include "src/model/xml.h"

/* Add a note; @n may be NULL. A blocking one must name the thing and say what to do. */
void domain_note(struct domain *d, const struct xml_node *n, bool blocks_start, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Our own element of that name in <metadata>, or NULL. */
struct xml_node *domain_metadata(struct domain *d, const char *name);

/* Every element and attribute against the table: notes for what has no effect or is missed; of an element that
 * may stand only once the others are taken out. -EINVAL for a value out of those allowed. */
int domain_classify(struct domain *d, struct err *e);

/* The table (domain_table.c): what becomes of an element, or of an attribute ("vcpu/@current"). */
enum domain_row_class {
	ROW_READ,   /* has its effect; stands once, others like it are left out */
	ROW_MANY,   /* has its effect; may stand any number of times */
	ROW_SILENT, /* kept; a guest of ours is the same with and without it */
	ROW_NOTED,  /* kept and harmless: define says so */
	ROW_LACKED, /* a device that the guest has not, unless model= is the one of .values: define says what it lacks */
	ROW_MISSED, /* kept, but needed by the guest: define warns, start refuses */
};

struct domain_row {
	const char *path; /* below <domain> */
	enum domain_row_class class;
	const char *values; /* of an attribute: "a|b", others are refused (with ROW_MISSED: others are
			       missed). Of an element, with ROW_LACKED or ROW_NOTED: nothing is said when this is its
			       model= or type=, as the guest gets just that. NULL = any */
	const char *text;   /* for a note of its own; NULL: named in the common one */
};
extern const struct domain_row domain_rows[]; /* sorted by path */
extern const size_t domain_nrows;

/* <devices> into d->disks, interfaces, serials, rngs, graphics, video and inputs. @devices may be NULL. */
int domain_parse_devices(struct domain *d, struct xml_node *devices, struct err *e);

/* A device of ours that takes a place on the PCI bus. */
struct pci_user {
	struct xml_node *node;
	struct pci_addr *addr; /* stays where it is until domain_assign_pci() */
	uint8_t prefer;        /* slot to have when it is free; 0: any */
	bool elsewhere;        /* its XML names another bus: the place is not written there */
};
struct pci_users {
	struct pci_user *of; /* freed by who owns the list */
	size_t n;
};
void pci_users_add(struct pci_users *users, struct xml_node *node, struct pci_addr *addr, uint8_t prefer);
/* Give each of @users the address its XML says, or the next free one, written back. Two devices at one
 * address, in all of <devices>, are an error. */
int domain_assign_pci(struct domain *d, struct xml_node *devices, const struct pci_users *users,
		      struct err *e);

/* The next <disk> into d->disks, which has room. */
int domain_parse_disk(struct domain *d, struct xml_node *n, struct pci_users *users, struct err *e);
/* Behind the last disk: which drive of the IDE channels each is. d->disks is in the order of <disk> until
 * then. */
int domain_assign_ide(struct domain *d, struct xml_node *devices, struct err *e);
/* Forget empty floppy drives, which the machine has not; at the very end, after errors too. */
void domain_drop_floppies(struct domain *d);

/* <interface>, with MAC addresses for those that have none, written back. */
int domain_parse_interfaces(struct domain *d, struct xml_node *devices, struct pci_users *users,
			    struct err *e);
void domain_free_interfaces(struct domain *d);

/* <graphics>, <video> and <input>, adding those that libvirt adds. */
int domain_parse_screen(struct domain *d, struct xml_node *devices, struct pci_users *users, struct err *e);
/* Of it, <graphics> with its <metadata>. */
int domain_parse_graphics(struct domain *d, struct xml_node *devices, struct err *e);
void domain_free_graphics(struct domain *d); /* d->graphics becomes NULL */

/* <os> into d->machine, kernel, firmware, boot_devs and what goes with them. */
int domain_parse_os(struct domain *d, struct xml_node *root, struct err *e);
/* domain_qemu.c: what is taken of <qemu:commandline>; after domain_parse_os(). */
#define QEMU_NAMESPACE "http://libvirt.org/schemas/domain/qemu/1.0"
int domain_parse_qemu(struct domain *d, struct xml_node *root, struct err *e);
/* Is all of this <qemu:commandline> understood? */
bool domain_qemu_known(const struct xml_node *n);
/* <boot order=> of all devices: unique, and not beside <os><boot dev=>. */
int domain_check_boot_order(struct xml_node *root, struct xml_node *devices, struct err *e);

#endif
