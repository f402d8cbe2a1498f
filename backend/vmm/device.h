/* One kind of device. Const, one per file, listed in dev_types[] (device.c), which drives init, reset and
 * done for all. A device's callbacks run with machine.lock held: on a vCPU thread (register access) or the
 * main loop. */
#ifndef BACKEND_VMM_DEVICE_H
#define BACKEND_VMM_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "backend/vmm/bus.h"
#include "backend/vmm/irq.h"
#include "backend/vmm/machine.h"
#include "src/base/err.h"
#include "src/model/domain.h"

enum dev_bus { DEV_BUS_ISA, DEV_BUS_PCI };

/* What an instance is to be. Lives while the device does. */
struct dev_def {
	const char *model; /* dev_type.model */
	const char *name;  /* unique: "vda", "com1" */
	struct pci_addr addr;
	unsigned index;    /* serial port number, and so on */
	union {
		const struct domain_disk *disk;
		const struct domain_rng *rng;
		const struct domain_video *video;
		const struct domain_interface *net;
	};
};

struct dev {
	const struct dev_type *type;
	struct machine *m;
	char name[40];
	uint64_t complained_ns; /* guest_error(): when it last logged */
};

struct dev_type {
	const char *model;   /* unique: "uart16550", "virtio-blk" */
	const char *summary; /* one line */
	enum dev_bus bus;
	size_t size; /* of the instance; struct dev (or struct pci_dev) is its first member; zeroed before init */
	int (*init)(struct dev *, const struct dev_def *, struct err *);
	void (*reset)(struct dev *);                 /* power-on state; also called once after init; may be NULL */
	void (*resumed)(struct dev *);               /* the guest runs again after a pause: retry what waited; may be NULL */
	void (*dump)(const struct dev *, FILE *);    /* registers for a person; may be NULL */
	void (*done)(struct dev *);                  /* accepts a half-built device; may be NULL */
};

extern const struct dev_type *const dev_types[]; /* sorted by model, NULL at the end */
const struct dev_type *dev_type_find(const char *model);

/* Build a device and add it to m->devs. PCI devices are put on the bus by pci_dev_init() from their init. */
int dev_new(struct machine *m, const struct dev_def *def, struct dev **out, struct err *e);
struct dev *dev_find(const struct machine *m, const char *name);
void dev_free(struct dev *d);

/* The guest did something that no driver may do: logged once a second per device at most. The device goes
 * on. */
void guest_error(struct dev *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
