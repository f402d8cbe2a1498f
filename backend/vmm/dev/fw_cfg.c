/* The fw_cfg device at ports 510h to 51Bh. (QEMU, docs/specs/fw_cfg; machine.md 1.4)
 *
 * Theory of operation. Firmware selects an item by its key and reads it byte by byte from the data port, or
 * gives the guest physical address of a descriptor to the DMA port: {be32 control, be32 length, be64
 * address}. A descriptor is carried out at once and its control is 0 when the write to the port returns, or
 * has its error bit set. What lies behind an item's end, and items that are not there, read as zeros. Nothing
 * here can be written by the guest.
 *
 * Files are items from key 20h on; item 19h lists them, sorted by name. */
#include "backend/vmm/dev/fw_cfg.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/vmm/dev/dev.h"

#define PORT_SELECT 0x510 /* 16 bits; the byte at 511h is data */
#define PORT_DMA 0x514    /* 8 bytes, big endian; writing the last four starts */
#define DMA_SIGNATURE 0x51454d5520434647ull /* "QEMU CFG" */
#define READ_MAX (1u << 20) /* of one descriptor, behind what the item has: zeros */

enum {
	DMA_ERROR = 0x01,
	DMA_READ = 0x02,
	DMA_SKIP = 0x04,
	DMA_SELECT = 0x08,
	DMA_WRITE = 0x10,

	ID_TRADITIONAL = 0x01,
	ID_DMA = 0x02,
};

struct item {
	uint16_t key;
	char name[FW_CFG_NAME_MAX]; /* of a file, else "" */
	uint8_t *data;
	size_t len;
	fw_cfg_fresh_fn *fresh;
	void *ctx;
	bool is_fresh;
};

struct fw_cfg {
	struct dev dev;
	struct item items[FW_CFG_ITEMS_MAX];
	unsigned nitems;
	struct item *selected; /* NULL: one that is not there */
	uint64_t at;           /* what of it is read next */
	uint32_t dma_high;
	bool ports_added, dma_added;
};

struct dma {
	uint32_t control, length;
	uint64_t address;
};

static struct item *by_key(struct fw_cfg *f, uint16_t key)
{
	for (unsigned i = 0; i < f->nitems; i++)
		if (f->items[i].key == key)
			return &f->items[i];
	return NULL;
}

static struct item *by_name(struct fw_cfg *f, const char *name)
{
	for (unsigned i = 0; i < f->nitems; i++)
		if (f->items[i].name[0] && !strcmp(f->items[i].name, name))
			return &f->items[i];
	return NULL;
}

static void fw_select(struct fw_cfg *f, uint16_t key)
{
	f->selected = by_key(f, key);
	f->at = 0;
	struct item *i = f->selected;
	if (i && i->fresh && !i->is_fresh) {
		i->is_fresh = true;
		i->fresh(&f->dev, i->ctx);
	}
}

/* How much of the item is still to be read. */
static size_t rest(const struct fw_cfg *f)
{
	return f->selected && f->at < f->selected->len ? f->selected->len - f->at : 0;
}

/* Copy what is next to @out, zeros behind the end. */
static void take(struct fw_cfg *f, uint8_t *out, size_t len)
{
	size_t have = rest(f);
	size_t n = len < have ? len : have;
	if (n)
		memcpy(out, f->selected->data + f->at, n);
	memset(out + n, 0, len - n);
	f->at += len;
}

/* --- DMA --- */

static int dma_read(struct fw_cfg *f, uint64_t gpa, uint32_t len)
{
	uint8_t chunk[4096];
	if (len > READ_MAX && len - READ_MAX > rest(f))
		return -E2BIG;
	for (uint32_t done = 0, n; done < len; done += n) {
		n = len - done < sizeof(chunk) ? len - done : sizeof(chunk);
		take(f, chunk, n);
		int rc = gm_write(&f->dev.m->mem, gpa + done, chunk, n);
		if (rc)
			return rc;
	}
	return 0;
}

static int dma_do(struct fw_cfg *f, const struct dma *c)
{
	if (c->control & DMA_SELECT)
		fw_select(f, (uint16_t)(c->control >> 16));
	if (c->control & DMA_READ)
		return dma_read(f, c->address, c->length);
	if (c->control & DMA_WRITE)
		return -EROFS;
	if (c->control & DMA_SKIP)
		f->at += c->length;
	return 0;
}

static void dma_start(struct fw_cfg *f, uint64_t gpa)
{
	struct memory *mem = &f->dev.m->mem;
	struct dma c;
	if (gm_read(mem, gpa, &c, sizeof(c))) {
		guest_error(&f->dev, "no DMA descriptor at 0x%llx", (unsigned long long)gpa);
		return;
	}
	c = (struct dma){be32toh(c.control), be32toh(c.length), be64toh(c.address)};
	int rc = dma_do(f, &c);
	if (rc)
		guest_error(&f->dev, "DMA of %u bytes at 0x%llx, control 0x%x: %s", c.length,
			    (unsigned long long)c.address, c.control, strerror(-rc));
	uint32_t done = htobe32(rc ? DMA_ERROR : 0);
	gm_write(mem, gpa, &done, sizeof(done));
}

/* --- the ports --- */

static uint64_t port_read(struct dev *d, uint64_t off, unsigned size)
{
	uint8_t byte;
	if (off != 1 || size != 1)
		return ~0ull;
	take((struct fw_cfg *)d, &byte, 1);
	return byte;
}

static void port_write(struct dev *d, uint64_t off, unsigned size, uint64_t val)
{
	if (off == 0 && size == 2)
		fw_select((struct fw_cfg *)d, (uint16_t)val);
}

static uint64_t dma_port_read(struct dev *d, uint64_t off, unsigned size)
{
	uint64_t val = 0;
	for (unsigned i = 0; i < size; i++)
		val |= (DMA_SIGNATURE >> 8 * (7 - (off + i)) & 0xff) << 8 * i;
	return val;
}

static void dma_port_write(struct dev *d, uint64_t off, unsigned size, uint64_t val)
{
	struct fw_cfg *f = (struct fw_cfg *)d;
	if (size != 4)
		return;
	uint32_t v = be32toh((uint32_t)val);
	if (off == 0)
		f->dma_high = v;
	if (off != 4)
		return;
	uint64_t gpa = (uint64_t)f->dma_high << 32 | v;
	f->dma_high = 0;
	dma_start(f, gpa);
}

static const struct region_ops port_ops = {port_read, port_write};
static const struct region_ops dma_ops = {dma_port_read, dma_port_write};

/* --- items --- */

static int set(struct fw_cfg *f, uint16_t key, const char *name, const void *data, size_t len)
{
	struct item *i = by_key(f, key);
	if (!i && f->nitems == FW_CFG_ITEMS_MAX)
		return -ENOSPC;
	uint8_t *copy = malloc(len ? len : 1);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, data, len);
	if (!i) {
		i = &f->items[f->nitems++];
		*i = (struct item){.key = key};
		strncpy(i->name, name, sizeof(i->name) - 1);
	}
	free(i->data);
	i->data = copy;
	i->len = len;
	return 0;
}

int fw_cfg_set(struct dev *d, uint16_t key, const void *data, size_t len)
{
	return set((struct fw_cfg *)d, key, "", data, len);
}

int fw_cfg_set_int(struct dev *d, uint16_t key, uint64_t v, unsigned bytes)
{
	v = htole64(v);
	return fw_cfg_set(d, key, &v, bytes);
}

/* A directory entry as the guest reads it, big endian. */
struct dir_entry {
	uint32_t size;
	uint16_t key, reserved;
	char name[FW_CFG_NAME_MAX];
};

static int entry_order(const void *a, const void *b)
{
	return strcmp(((const struct dir_entry *)a)->name, ((const struct dir_entry *)b)->name);
}

static int directory(struct fw_cfg *f)
{
	struct {
		uint32_t count;
		struct dir_entry e[FW_CFG_ITEMS_MAX];
	} dir = {0};
	unsigned n = 0;
	for (unsigned i = 0; i < f->nitems; i++) {
		const struct item *it = &f->items[i];
		if (!it->name[0])
			continue;
		dir.e[n].size = htobe32((uint32_t)it->len);
		dir.e[n].key = htobe16(it->key);
		memcpy(dir.e[n++].name, it->name, sizeof(it->name));
	}
	qsort(dir.e, n, sizeof(dir.e[0]), entry_order);
	dir.count = htobe32(n);
	return fw_cfg_set(&f->dev, FW_CFG_FILE_DIR, &dir, sizeof(dir.count) + n * sizeof(dir.e[0]));
}

int fw_cfg_file(struct dev *d, const char *name, const void *data, size_t len)
{
	struct fw_cfg *f = (struct fw_cfg *)d;
	const struct item *old = by_name(f, name);
	uint16_t key = FW_CFG_FILE_FIRST;
	while (!old && by_key(f, key))
		key++;
	int rc = set(f, old ? old->key : key, name, data, len);
	return rc ? rc : directory(f);
}

int fw_cfg_file_int(struct dev *d, const char *name, uint64_t v, unsigned bytes)
{
	v = htole64(v);
	return fw_cfg_file(d, name, &v, bytes);
}

void fw_cfg_on_fresh(struct dev *d, const char *name, fw_cfg_fresh_fn *fn, void *ctx)
{
	struct item *i = by_name((struct fw_cfg *)d, name);
	if (i) {
		i->fresh = fn;
		i->ctx = ctx;
	}
}

const void *fw_cfg_find(struct dev *d, const char *name, size_t *len)
{
	const struct item *i = by_name((struct fw_cfg *)d, name);
	if (i)
		*len = i->len;
	return i ? i->data : NULL;
}

static int fw_cfg_init(struct dev *d, const struct dev_def *def, struct err *e)
{
	struct fw_cfg *f = (struct fw_cfg *)d;
	int rc = bus_add(&d->m->pio, PORT_SELECT, 2, &port_ops, d, "fw_cfg", e);
	if (rc)
		return rc;
	f->ports_added = true;
	rc = bus_add(&d->m->pio, PORT_DMA, 8, &dma_ops, d, "fw_cfg DMA", e);
	if (rc)
		return rc;
	f->dma_added = true;
	if ((rc = fw_cfg_set(d, FW_CFG_SIGNATURE, "QEMU", 4)) ||
	    (rc = fw_cfg_set_int(d, FW_CFG_ID, ID_TRADITIONAL | ID_DMA, 4)) || (rc = directory(f)))
		return err_sys(e, -rc, "fw_cfg");
	return 0;
}

static void fw_cfg_reset(struct dev *d)
{
	struct fw_cfg *f = (struct fw_cfg *)d;
	for (unsigned i = 0; i < f->nitems; i++)
		f->items[i].is_fresh = false;
	f->dma_high = 0;
	f->at = 0;
	f->selected = by_key(f, FW_CFG_SIGNATURE);
}

static void fw_cfg_dump(const struct dev *d, FILE *out)
{
	const struct fw_cfg *f = (const struct fw_cfg *)d;
	for (unsigned i = 0; i < f->nitems; i++)
		fprintf(out, "%04x %6zu %s\n", f->items[i].key, f->items[i].len, f->items[i].name);
}

static void fw_cfg_done(struct dev *d)
{
	struct fw_cfg *f = (struct fw_cfg *)d;
	if (f->ports_added)
		bus_remove(&d->m->pio, PORT_SELECT);
	if (f->dma_added)
		bus_remove(&d->m->pio, PORT_DMA);
	for (unsigned i = 0; i < f->nitems; i++)
		free(f->items[i].data);
}

const struct dev_type fw_cfg_type = {
	.model = "fw-cfg",
	.summary = "what firmware asks the machine: fw_cfg",
	.bus = DEV_BUS_ISA,
	.size = sizeof(struct fw_cfg),
	.init = fw_cfg_init,
	.reset = fw_cfg_reset,
	.dump = fw_cfg_dump,
	.done = fw_cfg_done,
};
