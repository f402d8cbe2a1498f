/* Guest memory: the slots of guest physical address space that have host memory behind them, and the only way
 * in. Every access is checked against one slot with arithmetic that cannot overflow; devices never reach MMIO
 * this way.
 *
 * RAM lies at the bottom; overlays are laid over it or into the holes between: ROM, flash, VRAM, RAM that
 * shows elsewhere, or a hole (the VGA window) where accesses reach the bus. memory_overlay() and
 * memory_overlay_remove() only note what is wanted; memory_commit() works out the new slots and has the sink
 * make them so, all at once.
 *
 * Any thread reads; overlays and slots change with machine.lock held while no vCPU is inside KVM_RUN
 * (memory_commit's sink sees to it). Host memory behind a slot stays where it is while the machine lives, so
 * that a pointer that was got before a commit is stale but harmless. (machine.md 1.2, 1.7) */
#ifndef BACKEND_VMM_MEMORY_H
#define BACKEND_VMM_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/err.h"

#define MEM_SLOTS_MAX 64
#define MEM_OVERLAYS_MAX 32
#define MEM_LOWTOP_MAX 0xC0000000ull /* RAM below 4 GiB ends here at the latest */
#define MEM_HIGH_BASE 0x100000000ull

enum mem_flags {
	MEM_READONLY = 1, /* writes reach the bus */
	MEM_DIRTY_LOG = 2, /* memory_dirty() tells what the guest wrote */
	MEM_NO_DMA = 4,   /* gm_ptr() and friends do not reach it (VRAM: what a device wrote there would never be seen) */
};

struct mem_slot {
	uint64_t gpa, len;
	uint8_t *hva;
	unsigned flags;
	unsigned id; /* the sink's: KVM's slot number */
};

/* @hva NULL: a hole. Of two that overlap the later one in the array wins. */
struct mem_overlay {
	const char *name; /* unique; static or its owner's for as long as it lies there */
	uint64_t gpa, len;
	uint8_t *hva;
	unsigned flags;
};

/* Who makes slots real: KVM, or nobody in a bare machine. */
struct mem_sink {
	/* Take @gone away and add @added, with no vCPU inside the guest meanwhile. 0 or -errno. */
	int (*commit)(void *ctx, const struct mem_slot *gone, unsigned ngone, struct mem_slot *added,
		      unsigned nadded);
	/* Pages of the slot that were written since the last call, a bit each; the log begins anew. 0 or
	 * -errno. */
	int (*dirty)(void *ctx, const struct mem_slot *slot, uint64_t *bitmap);
};

struct memory {
	uint8_t *ram; /* one private anonymous mapping, guest RAM in gpa order without the hole */
	uint64_t ram_bytes, map_bytes; /* map_bytes: of the mapping, whole huge pages */
	bool huge; /* from the pool of huge pages */
	uint64_t low_bytes; /* RAM from 0 up to lowtop; the rest starts at 4 GiB */
	struct mem_slot slots[MEM_SLOTS_MAX];
	unsigned nslots;
	struct mem_overlay overlays[MEM_OVERLAYS_MAX];
	unsigned noverlays;
	struct mem_overlay committed[MEM_OVERLAYS_MAX]; /* as the slots show them */
	unsigned ncommitted;
	const struct mem_sink *sink; /* NULL: nobody to tell */
	void *sink_ctx;
};

enum memory_flags { MEMORY_HUGEPAGES = 1 }; /* from the host's pool of huge pages, all of them at once */

/* Map @ram_bytes (a multiple of 4 KiB) and make the slots of the PC: 0..lowtop and 4 GiB... -ENOMEM with the
 * remedy. */
int memory_init(struct memory *m, uint64_t ram_bytes, unsigned memory_flags, struct err *e);
/* All RAM reads as zero again: power-on. Its pages are given back to the host, but for huge ones, which another guest
 * could take before this one touches them again. */
void memory_clear(struct memory *m);
void memory_done(struct memory *m);

/* Lay @len bytes at @hva (NULL: a hole) over what is at @gpa, above all that lies there; one of the same name
 * is replaced in its place. Multiples of 4 KiB. -ENOSPC, -EINVAL. Not seen before memory_commit(). */
int memory_overlay(struct memory *m, const char *name, uint64_t gpa, uint64_t len, uint8_t *hva,
		   unsigned flags);
void memory_overlay_remove(struct memory *m, const char *name);
/* Make it so. 0 or -errno: then nothing has changed, and what was noted since the last time is forgotten. */
int memory_commit(struct memory *m);
/* Pages that the guest has written in [gpa, gpa + len), which must lie in one slot with MEM_DIRTY_LOG: bit 0
 * of @bitmap is the page at @gpa. The log begins anew. All ones where nobody keeps a log. -ENOENT: there is
 * no such slot. */
int memory_dirty(struct memory *m, uint64_t gpa, uint64_t len, uint64_t *bitmap);
/* Host pointer for reading or writing by code that may see every slot, MEM_NO_DMA too (a debugger, dumps).
 * NULL as gm_ptr. */
void *gm_any(const struct memory *m, uint64_t gpa, uint64_t len);

/* Host pointer to @len bytes at @gpa, or NULL when any byte lies outside one slot, or @write and the slot is
 * read-only.
 * @len 0 is NULL. Valid until the slots change. */
void *gm_ptr(const struct memory *m, uint64_t gpa, uint64_t len, bool write);

/* Copy; the range may span slots that touch. 0, or -EFAULT with nothing copied when any byte is outside. */
int gm_read(const struct memory *m, uint64_t gpa, void *p, uint64_t len);
int gm_write(const struct memory *m, uint64_t gpa, const void *p, uint64_t len);

#endif
