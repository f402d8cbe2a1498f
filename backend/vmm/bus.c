#include "backend/vmm/bus.h"

#include <errno.h>
#include <string.h>

/* Index of the first region that ends behind @addr. */
static unsigned lower(const struct bus *b, uint64_t addr)
{
	unsigned lo = 0, hi = b->n;
	while (lo < hi) {
		unsigned mid = (lo + hi) / 2;
		if (addr - b->regions[mid].base < b->regions[mid].len || addr < b->regions[mid].base)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

static const struct region *region_overlapping(const struct bus *b, uint64_t base, uint64_t len)
{
	unsigned i = lower(b, base);
	return i < b->n && b->regions[i].base - base < len ? &b->regions[i]
	       : i < b->n && b->regions[i].base <= base   ? &b->regions[i]
	                                                   : NULL;
}

bool bus_overlaps(const struct bus *b, uint64_t base, uint64_t len)
{
	return region_overlapping(b, base, len) != NULL;
}

int bus_add(struct bus *b, uint64_t base, uint64_t len, const struct region_ops *ops, struct dev *dev,
	    const char *name, struct err *e)
{
	if (!len || base + len - 1 < base)
		return err_set(e, EINVAL, "%s: bad range at 0x%llx", name, (unsigned long long)base);
	const struct region *r = region_overlapping(b, base, len);
	if (r)
		return err_set(e, EBUSY, "%s at 0x%llx overlaps %s at 0x%llx", name, (unsigned long long)base,
			       r->name, (unsigned long long)r->base);
	if (b->n == BUS_REGIONS_MAX)
		return err_set(e, ENOSPC, "%s: no room for another range", name);
	unsigned i = lower(b, base);
	memmove(&b->regions[i + 1], &b->regions[i], (b->n - i) * sizeof(b->regions[0]));
	b->regions[i] = (struct region){base, len, ops, dev, name};
	b->n++;
	return 0;
}

void bus_remove(struct bus *b, uint64_t base)
{
	unsigned i = lower(b, base);
	if (i >= b->n || b->regions[i].base != base)
		return;
	b->n--;
	memmove(&b->regions[i], &b->regions[i + 1], (b->n - i) * sizeof(b->regions[0]));
}

static bool one(struct bus *b, uint64_t addr, uint8_t *data, unsigned size, bool write)
{
	unsigned i = lower(b, addr);
	const struct region *r = i < b->n && b->regions[i].base <= addr ? &b->regions[i] : NULL;
	if (!r)
		return false;
	uint64_t off = addr - r->base, val = 0;
	if (write) {
		memcpy(&val, data, size);
		if (r->ops->write)
			r->ops->write(r->dev, off, size, val);
	} else if (r->ops->read) {
		val = r->ops->read(r->dev, off, size);
		memcpy(data, &val, size);
	}
	return true;
}

bool bus_access(struct bus *b, uint64_t addr, void *data, unsigned size, bool write)
{
	uint8_t *p = data;
	if (!write)
		memset(p, 0xff, size);
	unsigned i = lower(b, addr);
	const struct region *r = i < b->n ? &b->regions[i] : NULL;
	if (r && r->base <= addr && addr - r->base <= r->len - 1 && r->len - (addr - r->base) >= size)
		return one(b, addr, p, size, write);
	bool any = false; /* crosses an edge: byte by byte */
	if (r && r->base - addr < size)
		any = true;
	if (r && r->base <= addr)
		any = true;
	for (unsigned k = 0; any && k < size; k++)
		one(b, addr + k, p + k, 1, write);
	return any;
}

void bus_repeat(struct bus *b, uint64_t addr, void *data, unsigned size, unsigned count, bool write)
{
	uint8_t *p = data;
	unsigned i = lower(b, addr);
	const struct region *found = i < b->n && b->regions[i].base <= addr ? &b->regions[i] : NULL;
	if (count < 2 || !found || found->len - (addr - found->base) < size || !found->ops->read ||
	    !found->ops->write) {
		for (; count; count--, p += size)
			bus_access(b, addr, p, size, write);
		return;
	}
	struct region r = *found; /* what is written may move others */
	for (; count; count--, p += size) {
		uint64_t val = 0;
		if (write) {
			memcpy(&val, p, size);
			r.ops->write(r.dev, addr - r.base, size, val);
		} else {
			val = r.ops->read(r.dev, addr - r.base, size);
			memcpy(p, &val, size);
		}
	}
}
