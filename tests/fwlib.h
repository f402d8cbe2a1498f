/* A machine without KVM that has firmware: an image of @bytes in which each 4 KiB page has its number in
 * every byte. */
#ifndef TESTS_FWLIB_H
#define TESTS_FWLIB_H

#include "backend/vmm/boot/firmware.h"
#include "tests/vmmlib.h"

static inline void fw_give(struct vmm_test *t, struct firmware *f, uint64_t bytes)
{
	*f = (struct firmware){.image = aligned_alloc(4096, bytes), .bytes = bytes, .nvram_fd = -1};
	ck_assert_ptr_nonnull(f->image);
	for (uint64_t i = 0; i < bytes; i++)
		f->image[i] = (uint8_t)(i / 4096);
	t->m.firmware = f;
}

/* What the guest reads and writes there: memory where there is a slot that takes it, else the bus. */
static inline uint8_t fw_load(struct vmm_test *t, uint64_t gpa)
{
	const uint8_t *p = gm_any(&t->m.mem, gpa, 1);
	uint8_t v = 0;
	if (p)
		return *p;
	bus_access(&t->m.mmio, gpa, &v, 1, false);
	return v;
}

static inline void fw_store(struct vmm_test *t, uint64_t gpa, uint8_t v)
{
	uint8_t *p = NULL;
	for (unsigned i = 0; i < t->m.mem.nslots; i++) {
		const struct mem_slot *s = &t->m.mem.slots[i];
		if (gpa >= s->gpa && gpa - s->gpa < s->len && !(s->flags & MEM_READONLY))
			p = s->hva + (gpa - s->gpa);
	}
	if (p)
		*p = v;
	else
		bus_access(&t->m.mmio, gpa, &v, 1, true);
}

#endif
