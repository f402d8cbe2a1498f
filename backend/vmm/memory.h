/* Guest memory: the slots of guest physical address space that have host memory behind them, and the only way in.
 * Every access is checked against one slot with arithmetic that cannot overflow; devices never reach MMIO this way.
 * Any thread; slots change only while all vCPUs are parked. (machine.md 1.2) */
#ifndef BACKEND_VMM_MEMORY_H
#define BACKEND_VMM_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/err.h"

#define MEM_SLOTS_MAX 32
#define MEM_LOWTOP_MAX 0xC0000000ull /* RAM below 4 GiB ends here at the latest */
#define MEM_HIGH_BASE 0x100000000ull

struct mem_slot {
	uint64_t gpa, len;
	uint8_t *hva;
	bool readonly;
};

struct memory {
	uint8_t *ram; /* one private anonymous mapping, guest RAM in gpa order without the hole */
	uint64_t ram_bytes;
	uint64_t low_bytes; /* RAM from 0 up to lowtop; the rest starts at 4 GiB */
	struct mem_slot slots[MEM_SLOTS_MAX];
	unsigned nslots;
};

enum memory_flags { MEMORY_HUGEPAGES = 1, MEMORY_NOSHARE = 2 };

/* Map @ram_bytes (a multiple of 4 KiB) and make the slots of the PC: 0..lowtop and 4 GiB... -ENOMEM with the remedy. */
int memory_init(struct memory *m, uint64_t ram_bytes, unsigned memory_flags, struct err *e);
/* All RAM reads as zero again, its pages are given back to the host: power-on. */
void memory_clear(struct memory *m);
void memory_done(struct memory *m);

/* Host pointer to @len bytes at @gpa, or NULL when any byte lies outside one slot, or @write and the slot is read-only.
 * @len 0 is NULL. Valid until the slots change. */
void *gm_ptr(const struct memory *m, uint64_t gpa, uint64_t len, bool write);

/* Copy; the range may span slots that touch. 0, or -EFAULT with nothing copied when any byte is outside. */
int gm_read(const struct memory *m, uint64_t gpa, void *p, uint64_t len);
int gm_write(const struct memory *m, uint64_t gpa, const void *p, uint64_t len);

#endif
