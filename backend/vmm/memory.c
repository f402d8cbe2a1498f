#include "backend/vmm/memory.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "src/base/cleanup.h"
#include "src/base/fmt.h"

#define PAGE 4096u
#define HUGE_PAGE_SHIFT 21
#define HUGE_PAGE (1u << HUGE_PAGE_SHIFT)

/* KVM maps huge pages only where guest and host addresses lie alike in them, and older kernels place a
 * mapping anywhere. NULL with errno. */
static void *map_aligned(uint64_t bytes, int flags)
{
	uint8_t *p = mmap(NULL, bytes + HUGE_PAGE, PROT_READ | PROT_WRITE, flags, -1, 0);
	if (p == MAP_FAILED)
		return NULL;
	size_t head = -(uintptr_t)p % HUGE_PAGE;
	if (head)
		munmap(p, head);
	munmap(p + head + bytes, HUGE_PAGE - head);
	return p + head;
}

/* From the pool of huge pages, all of them now: a guest that found none left later would die of it. NULL with errno. */
static void *map_reserved(uint64_t bytes)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | HUGE_PAGE_SHIFT << MAP_HUGE_SHIFT;
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
	return p == MAP_FAILED ? NULL : p;
}

int memory_init(struct memory *m, uint64_t ram_bytes, unsigned flags, struct err *e)
{
	bool huge = flags & MEMORY_HUGEPAGES;
	uint64_t map_bytes = huge ? (ram_bytes + HUGE_PAGE - 1) & -(uint64_t)HUGE_PAGE : ram_bytes;
	*m = (struct memory){.ram_bytes = ram_bytes, .map_bytes = map_bytes, .huge = huge};
	void *p = huge ? map_reserved(map_bytes)
		       : map_aligned(map_bytes, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE);
	if (!p) {
		char size[FMT_MAX];
		int code = errno;
		fmt_bytes(ram_bytes, size);
		if (!huge)
			return err_sys(e, code, "cannot map %s of guest memory", size);
		return err_sys(e, code, "cannot map %s of guest memory in %llu huge pages of 2 MiB: reserve so many "
			       "more than are in use (sysctl vm.nr_hugepages), or remove <hugepages/>", size,
			       (unsigned long long)(map_bytes / HUGE_PAGE));
	}
	if (!huge)
		madvise(p, ram_bytes, MADV_HUGEPAGE); /* advice: each may fail, on kernels without it */
	madvise(p, ram_bytes, MADV_DONTDUMP);
	m->ram = p;
	m->low_bytes = ram_bytes < MEM_LOWTOP_MAX ? ram_bytes : MEM_LOWTOP_MAX;
	return memory_commit(m);
}

void memory_clear(struct memory *m)
{
	if (m->ram && (m->huge || madvise(m->ram, m->ram_bytes, MADV_DONTNEED) < 0))
		memset(m->ram, 0, m->ram_bytes);
}

void memory_done(struct memory *m)
{
	if (m->ram)
		munmap(m->ram, m->map_bytes);
	*m = (struct memory){0};
}

/* --- the map --- */

int memory_overlay(struct memory *m, const char *name, uint64_t gpa, uint64_t len, uint8_t *hva,
		   unsigned flags)
{
	if (!len || gpa % PAGE || len % PAGE || gpa + len < gpa)
		return -EINVAL;
	unsigned i = 0;
	while (i < m->noverlays && strcmp(m->overlays[i].name, name))
		i++;
	if (i == MEM_OVERLAYS_MAX)
		return -ENOSPC;
	m->overlays[i] = (struct mem_overlay){name, gpa, len, hva, flags};
	if (i == m->noverlays)
		m->noverlays++;
	return 0;
}

void memory_overlay_remove(struct memory *m, const char *name)
{
	for (unsigned i = 0; i < m->noverlays; i++)
		if (!strcmp(m->overlays[i].name, name)) {
			memmove(&m->overlays[i], &m->overlays[i + 1],
				(m->noverlays - i - 1) * sizeof(m->overlays[0]));
			m->noverlays--;
			return;
		}
}

/* RAM is always cut at the edges of the VGA window and at 1 MiB, so that what firmware does there leaves the
 * slots of the rest alone. */
static unsigned parts(const struct memory *m, struct mem_overlay out[MEM_OVERLAYS_MAX + 6])
{
	static const uint64_t cuts[] = {0, 0xA0000, 0xC0000, 0x100000, MEM_LOWTOP_MAX};
	unsigned n = 0;
	for (unsigned i = 0; i + 1 < ARRAY_SIZE(cuts) && cuts[i] < m->low_bytes; i++) {
		uint64_t end = cuts[i + 1] < m->low_bytes ? cuts[i + 1] : m->low_bytes;
		out[n++] = (struct mem_overlay){"ram", cuts[i], end - cuts[i], m->ram + cuts[i], 0};
	}
	if (m->ram_bytes > m->low_bytes)
		out[n++] = (struct mem_overlay){"ram", MEM_HIGH_BASE, m->ram_bytes - m->low_bytes,
						m->ram + m->low_bytes, 0};
	memcpy(out + n, m->overlays, m->noverlays * sizeof(out[0]));
	return n + m->noverlays;
}

static const struct mem_overlay *topmost(const struct mem_overlay *o, unsigned n, uint64_t gpa)
{
	while (n--)
		if (gpa >= o[n].gpa && gpa - o[n].gpa < o[n].len)
			return &o[n];
	return NULL;
}

/* Where the next part begins or ends behind @gpa; 0: nowhere. */
static uint64_t next_edge(const struct mem_overlay *o, unsigned n, uint64_t gpa)
{
	uint64_t best = 0;
	for (unsigned i = 0; i < n; i++)
		for (unsigned k = 0; k < 2; k++) {
			uint64_t at = o[i].gpa + (k ? o[i].len : 0);
			if (at > gpa && (!best || at < best))
				best = at;
		}
	return best;
}

/* What is to be seen of all parts, sorted. -ENOSPC. */
static int flatten(const struct memory *m, struct mem_slot *out, unsigned *nout)
{
	struct mem_overlay o[MEM_OVERLAYS_MAX + 6];
	unsigned n = parts(m, o), k = 0;
	const struct mem_overlay *before = NULL;
	for (uint64_t at = 0, end = next_edge(o, n, 0); end; at = end, end = next_edge(o, n, at)) {
		const struct mem_overlay *top = topmost(o, n, at);
		if (top && top->hva && top == before && out[k - 1].gpa + out[k - 1].len == at) {
			out[k - 1].len += end - at;
		} else if (top && top->hva) {
			if (k == MEM_SLOTS_MAX)
				return -ENOSPC;
			out[k++] = (struct mem_slot){.gpa = at,
						     .len = end - at,
						     .hva = top->hva + (at - top->gpa),
						     .flags = top->flags};
		}
		before = top;
	}
	*nout = k;
	return 0;
}

static struct mem_slot *same_slot(struct mem_slot *slots, unsigned n, const struct mem_slot *s)
{
	for (unsigned i = 0; i < n; i++)
		if (slots[i].gpa == s->gpa && slots[i].len == s->len && slots[i].hva == s->hva &&
		    slots[i].flags == s->flags)
			return &slots[i];
	return NULL;
}

static void overlays_copy(struct mem_overlay *to, unsigned *nto, const struct mem_overlay *from, unsigned n)
{
	memcpy(to, from, n * sizeof(*to));
	*nto = n;
}

static int slots_change(struct memory *m)
{
	struct mem_slot now[MEM_SLOTS_MAX], gone[MEM_SLOTS_MAX], added[MEM_SLOTS_MAX];
	unsigned n, ngone = 0, nadded = 0;
	int rc = flatten(m, now, &n);
	if (rc)
		return rc;
	for (unsigned i = 0; i < m->nslots; i++)
		if (!same_slot(now, n, &m->slots[i]))
			gone[ngone++] = m->slots[i];
	for (unsigned i = 0; i < n; i++) {
		const struct mem_slot *kept = same_slot(m->slots, m->nslots, &now[i]);
		if (kept)
			now[i].id = kept->id;
		else
			added[nadded++] = now[i];
	}
	if (!ngone && !nadded)
		return 0;
	rc = m->sink ? m->sink->commit(m->sink_ctx, gone, ngone, added, nadded) : 0;
	if (rc)
		return rc;
	for (unsigned i = 0; i < nadded; i++)
		same_slot(now, n, &added[i])->id = added[i].id;
	memcpy(m->slots, now, n * sizeof(now[0]));
	m->nslots = n;
	return 0;
}

int memory_commit(struct memory *m)
{
	int rc = slots_change(m);
	if (rc)
		overlays_copy(m->overlays, &m->noverlays, m->committed, m->ncommitted);
	else
		overlays_copy(m->committed, &m->ncommitted, m->overlays, m->noverlays);
	return rc;
}

int memory_dirty(struct memory *m, uint64_t gpa, uint64_t len, uint64_t *bitmap)
{
	for (unsigned i = 0; i < m->nslots; i++) {
		const struct mem_slot *s = &m->slots[i];
		if (s->gpa != gpa || s->len != len || !(s->flags & MEM_DIRTY_LOG))
			continue;
		if (m->sink)
			return m->sink->dirty(m->sink_ctx, s, bitmap);
		memset(bitmap, 0xff, (len / PAGE + 63) / 64 * 8);
		return 0;
	}
	return -ENOENT;
}

/* --- the way in --- */

static const struct mem_slot *slot_find(const struct memory *m, uint64_t gpa)
{
	for (unsigned i = 0; i < m->nslots; i++)
		if (gpa >= m->slots[i].gpa && gpa - m->slots[i].gpa < m->slots[i].len)
			return &m->slots[i];
	return NULL;
}

/* Bytes from @gpa on that lie in one piece of host memory, at most @len; 0 when there are none that we may
 * have. */
static uint64_t run_at(const struct memory *m, uint64_t gpa, uint64_t len, unsigned forbidden, uint8_t **hva)
{
	const struct mem_slot *s = slot_find(m, gpa);
	if (!s || s->flags & forbidden)
		return 0;
	*hva = s->hva + (gpa - s->gpa);
	uint64_t n = s->len - (gpa - s->gpa);
	for (const struct mem_slot *next = s + 1; n < len && next < m->slots + m->nslots; s = next++) {
		if (next->gpa != s->gpa + s->len || next->hva != s->hva + s->len || next->flags & forbidden)
			break;
		n += next->len;
	}
	return len < n ? len : n;
}

static unsigned forbidden_for(bool write)
{
	return MEM_NO_DMA | (write ? MEM_READONLY : 0);
}

void *gm_ptr(const struct memory *m, uint64_t gpa, uint64_t len, bool write)
{
	uint8_t *hva;
	return len && run_at(m, gpa, len, forbidden_for(write), &hva) == len ? hva : NULL;
}

void *gm_any(const struct memory *m, uint64_t gpa, uint64_t len)
{
	uint8_t *hva;
	return len && run_at(m, gpa, len, 0, &hva) == len ? hva : NULL;
}

static int copy(const struct memory *m, uint64_t gpa, uint8_t *p, uint64_t len, bool write)
{
	uint8_t *hva;
	for (uint64_t done = 0, n; done < len; done += n) /* all or nothing */
		if (gpa + done < gpa || !(n = run_at(m, gpa + done, len - done, forbidden_for(write), &hva)))
			return -EFAULT;
	for (uint64_t done = 0, n; done < len; done += n) {
		n = run_at(m, gpa + done, len - done, forbidden_for(write), &hva);
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
