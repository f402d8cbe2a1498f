#include "backend/vmm/memory.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "src/base/fmt.h"

static void slot_add(struct memory *m, uint64_t gpa, uint64_t len, uint8_t *hva)
{
	m->slots[m->nslots++] = (struct mem_slot){.gpa = gpa, .len = len, .hva = hva};
}

int memory_init(struct memory *m, uint64_t ram_bytes, unsigned flags, struct err *e)
{
	*m = (struct memory){.ram_bytes = ram_bytes};
	int map = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | (flags & MEMORY_HUGEPAGES ? MAP_HUGETLB : 0);
	void *p = mmap(NULL, ram_bytes, PROT_READ | PROT_WRITE, map, -1, 0);
	if (p == MAP_FAILED) {
		char size[FMT_MAX];
		return err_sys(e, errno, "cannot map %s of guest memory%s", fmt_bytes(ram_bytes, size),
		               flags & MEMORY_HUGEPAGES ? " in huge pages (reserve them: sysctl vm.nr_hugepages)" : "");
	}
	if (!(flags & MEMORY_HUGEPAGES))
		madvise(p, ram_bytes, MADV_HUGEPAGE); /* advice: each may fail, on kernels without it */
	if (!(flags & MEMORY_NOSHARE))
		madvise(p, ram_bytes, MADV_MERGEABLE);
	madvise(p, ram_bytes, MADV_DONTDUMP);
	m->ram = p;
	m->low_bytes = ram_bytes < MEM_LOWTOP_MAX ? ram_bytes : MEM_LOWTOP_MAX;
	slot_add(m, 0, m->low_bytes, m->ram);
	if (ram_bytes > m->low_bytes)
		slot_add(m, MEM_HIGH_BASE, ram_bytes - m->low_bytes, m->ram + m->low_bytes);
	return 0;
}

void memory_clear(struct memory *m)
{
	if (m->ram && madvise(m->ram, m->ram_bytes, MADV_DONTNEED) < 0)
		memset(m->ram, 0, m->ram_bytes);
}

void memory_done(struct memory *m)
{
	if (m->ram)
		munmap(m->ram, m->ram_bytes);
	*m = (struct memory){0};
}

static const struct mem_slot *slot_find(const struct memory *m, uint64_t gpa)
{
	for (unsigned i = 0; i < m->nslots; i++)
		if (gpa >= m->slots[i].gpa && gpa - m->slots[i].gpa < m->slots[i].len)
			return &m->slots[i];
	return NULL;
}

void *gm_ptr(const struct memory *m, uint64_t gpa, uint64_t len, bool write)
{
	const struct mem_slot *s = len ? slot_find(m, gpa) : NULL;
	if (!s || (write && s->readonly))
		return NULL;
	uint64_t off = gpa - s->gpa;
	return len <= s->len - off ? s->hva + off : NULL;
}

/* Bytes from @gpa to the end of its slot, at most @len; 0 when there is no slot. */
static uint64_t run_at(const struct memory *m, uint64_t gpa, uint64_t len, bool write, uint8_t **hva)
{
	const struct mem_slot *s = slot_find(m, gpa);
	if (!s || (write && s->readonly))
		return 0;
	uint64_t off = gpa - s->gpa, left = s->len - off;
	*hva = s->hva + off;
	return len < left ? len : left;
}

static int copy(const struct memory *m, uint64_t gpa, uint8_t *p, uint64_t len, bool write)
{
	uint8_t *hva;
	for (uint64_t done = 0, n; done < len; done += n) /* all or nothing */
		if (gpa + done < gpa || !(n = run_at(m, gpa + done, len - done, write, &hva)))
			return -EFAULT;
	for (uint64_t done = 0, n; done < len; done += n) {
		n = run_at(m, gpa + done, len - done, write, &hva);
		memcpy(write ? hva : p + done, write ? p + done : hva, n);
	}
	return 0;
}

int gm_read(const struct memory *m, uint64_t gpa, void *p, uint64_t len)
{
	return copy(m, gpa, p, len, false);
}

int gm_write(const struct memory *m, uint64_t gpa, const void *p, uint64_t len)
{
	return copy(m, gpa, (uint8_t *)p, len, true);
}
