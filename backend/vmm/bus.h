/* Address ranges of one address space (ports, or MMIO) and who answers there; no idea what lives there.
 * Sorted array, binary search. Caller holds machine.lock. */
#ifndef BACKEND_VMM_BUS_H
#define BACKEND_VMM_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/err.h"

struct dev;

/* @off is relative to the range's base; @size 1, 2, 4 or 8; values are right-aligned. Either may be NULL:
 * reads are then all ones, writes ignored. Accesses never cross the end of the range (bus_access splits them
 * into bytes). */
struct region_ops {
	uint64_t (*read)(struct dev *, uint64_t off, unsigned size);
	void (*write)(struct dev *, uint64_t off, unsigned size, uint64_t val);
};

struct region {
	uint64_t base, len;
	const struct region_ops *ops;
	struct dev *dev;
	const char *name;
};

#define BUS_REGIONS_MAX 192

struct bus {
	struct region regions[BUS_REGIONS_MAX];
	unsigned n;
};

/* -EBUSY on overlap, naming both; -ENOSPC. @name must outlive the bus. */
int bus_add(struct bus *, uint64_t base, uint64_t len, const struct region_ops *, struct dev *,
	    const char *name, struct err *);
void bus_remove(struct bus *, uint64_t base);
/* Is any byte of the range taken? */
bool bus_overlaps(const struct bus *, uint64_t base, uint64_t len);

/* Read into or write from @data (@size bytes, little endian). What nobody answers reads all ones. false:
 * nobody did. */
bool bus_access(struct bus *, uint64_t addr, void *data, unsigned size, bool write);
/* The same @count times at one address, as a string instruction does; values lie one behind the other. Who
 * answers is looked up once. */
void bus_repeat(struct bus *, uint64_t addr, void *data, unsigned size, unsigned count, bool write);

#endif
