/* The standard VGA as a PCI device, 1234:1111: VRAM in BAR 0, registers and EDID in BAR 2, the VGA BIOS in
 * its ROM. vga.h tells how it works. */
#include "backend/vmm/dev/vga.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "backend/vmm/dev/dev.h"
#include "backend/vmm/dev/edid.h"
#include "backend/vmm/dev/virtio_gpu.h"
#include "backend/vmm/kvm.h"
#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/log.h"

#define LFB_NAME "vga.lfb"
#define WINDOW_NAME "vga.window"
#define ROM_MAX 65536
#define DISPI_PORT 0x1ce
#define DISPI_PORTS 4
#define OUT_BYTES ((size_t)DISPLAY_WIDTH_MAX * DISPLAY_HEIGHT_MAX * 4)



/* BAR 2 */
enum {
	REGS_LEN = 0x1000,
	REGS_EDID_END = 0x100,
	REGS_VGA = 0x400, /* ports 3C0-3DF */
	REGS_VGA_END = 0x420,
	REGS_DISPI = 0x500,
	REGS_DISPI_END = 0x516,
	REGS_EXT = 0x600, /* its length, and the byte order of VRAM */
	REGS_EXT_END = 0x608,
};
#define LITTLE_ENDIAN_MAGIC 0x1e1e1e1eu
#define BIG_ENDIAN_MAGIC 0xbebebebeu

/* --- BAR 2 --- */

static uint8_t regs_byte(struct vga *v, unsigned off)
{
	if (off < REGS_EDID_END)
		return v->edid[off];
	if (off >= REGS_VGA && off < REGS_VGA_END)
		return vga_port_read(v, 0x3c0 + off - REGS_VGA);
	if (off >= REGS_DISPI && off < REGS_DISPI_END)
		return (uint8_t)(vga_dispi_read(v, (off - REGS_DISPI) / 2) >> (off % 2 * 8));
	if (off >= REGS_EXT && off < REGS_EXT + 4)
		return (uint8_t)((REGS_EXT_END - REGS_EXT) >> (off % 4 * 8));
	if (off >= REGS_EXT + 4 && off < REGS_EXT_END)
		return (uint8_t)(v->big_endian ? BIG_ENDIAN_MAGIC : LITTLE_ENDIAN_MAGIC);
	return 0xff;
}

static uint64_t regs_read(struct dev *d, uint64_t off, unsigned size)
{
	uint64_t val = 0;
	for (unsigned i = 0; i < size; i++)
		val |= (uint64_t)regs_byte(vga_of(d), (unsigned)off + i) << (8 * i);
	return val;
}

static void regs_write(struct dev *d, uint64_t off, unsigned size, uint64_t val)
{
	struct vga *v = vga_of(d);
	if (off >= REGS_DISPI && off + size <= REGS_DISPI_END) {
		for (unsigned i = 0; size >= 2 && i < size; i += 2)
			vga_dispi_write(v, (unsigned)(off - REGS_DISPI + i) / 2, (uint16_t)(val >> (8 * i)));
		return;
	}
	if (off == REGS_EXT + 4 && size == 4)
		v->big_endian = val == BIG_ENDIAN_MAGIC;
	for (unsigned i = 0; i < size; i++)
		if (off + i >= REGS_VGA && off + i < REGS_VGA_END)
			vga_port_write(v, 0x3c0 + (unsigned)off + i - REGS_VGA, (uint8_t)(val >> (8 * i)));
}

/* --- BAR 0: a slot; the bus answers where nobody makes slots --- */

static uint64_t lfb_read(struct dev *d, uint64_t off, unsigned size)
{
	uint64_t val = 0;
	memcpy(&val, (vga_of(d))->vram + off, size);
	return val;
}

static void lfb_write(struct dev *d, uint64_t off, unsigned size, uint64_t val)
{
	struct vga *v = vga_of(d);
	memcpy(v->vram + off, &val, size);
	vga_mark(v, (uint32_t)off);
	vga_mark(v, (uint32_t)(off + size - 1));
	v->font_stale |= off < 4 * VGA_PLANE;
}

static void lfb_moved(struct pci_dev *p, unsigned bar, uint64_t old, uint64_t now)
{
	struct vga *v = vga_of(&p->dev);
	struct memory *mem = &p->dev.m->mem;
	memory_overlay_remove(mem, LFB_NAME);
	v->lfb_logged =
	    now && mem->sink &&
	    memory_overlay(mem, LFB_NAME, now, v->vram_bytes, v->vram, MEM_DIRTY_LOG | MEM_NO_DMA) == 0;
	if (memory_commit(mem)) { /* over what KVM keeps for itself: the bus answers there */
		guest_error(&p->dev, "video memory cannot be mapped at 0x%llx", (unsigned long long)now);
		memory_overlay_remove(mem, LFB_NAME);
		memory_commit(mem);
		v->lfb_logged = false;
	}
	vga_mark_all(v); /* the log of the old place is gone */
	v->font_stale = true;
}

static const struct region_ops lfb_ops = {lfb_read, lfb_write};
static const struct region_ops regs_ops = {regs_read, regs_write};

/* --- display --- */

void vga_wish(struct vga *v, unsigned width, unsigned height)
{
	v->width = (uint16_t)width;
	v->height = (uint16_t)height;
	edid_make(v->edid, width, height);
}

/* --- life --- */

/* Memory that lookers may map, but not write to. */
static int shared_memory(const char *name, size_t bytes, int *fd, uint8_t **p, struct err *e)
{
	*fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (*fd < 0 || ftruncate(*fd, (off_t)bytes) < 0)
		return err_sys(e, errno, "cannot make memory for the screen");
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
	if (at == MAP_FAILED)
		return err_sys(e, errno, "cannot map memory for the screen");
	*p = at;
	madvise(at, bytes, MADV_DONTDUMP);
	if (fcntl(*fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL) < 0)
		return err_sys(e, errno, "cannot seal the memory of the screen");
	return 0;
}

static int memory_make(struct vga *v, struct err *e)
{
	int rc = shared_memory("vram", v->vram_bytes, &v->vram_fd, &v->vram, e);
	if (rc || (rc = shared_memory("screen", OUT_BYTES, &v->out_fd, &v->out, e)))
		return rc;
	void *text = mmap(NULL, VGA_TEXT_LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (text == MAP_FAILED)
		return err_sys(e, errno, "cannot map memory for the screen");
	v->text = text;
	v->dirty = calloc(v->vram_bytes / VGA_PAGE / 64, 8);
	v->log = calloc(v->vram_bytes / VGA_PAGE / 64, 8);
	return v->dirty && v->log ? 0 : err_set(e, ENOMEM, "out of memory");
}

static int rom_make(struct vga *v, struct err *e)
{
	int fd = named_get(&v->pci->dev.m->fds, "vga.rom");
	AUTO_FREE char *rom = NULL;
	size_t len;
	if (fd < 0)
		return 0;
	int rc = file_read_fd(fd, ROM_MAX, &rom, &len);
	return rc ? err_sys(e, -rc, "cannot read the VGA BIOS")
		  : pci_rom_init(v->pci, rom, len, "vga.rom", e);
}

static int ports_add(struct vga *v, struct err *e)
{
	struct machine *m = v->pci->dev.m;
	int rc = bus_add(&m->pio, DISPI_PORT, DISPI_PORTS, &vga_dispi_ops, &v->pci->dev, "vga-dispi", e);
	if (rc)
		return rc;
	v->dispi_added = true;
	for (; v->nports < ARRAY_SIZE(vga_port_ranges); v->nports++) {
		const struct vga_port_range *r = &vga_port_ranges[v->nports];
		rc = bus_add(&m->pio, r->base, r->len, &vga_port_ops[v->nports], &v->pci->dev, "vga", e);
		if (rc)
			return rc;
	}
	rc = bus_add(&m->mmio, VGA_WINDOW, VGA_WINDOW_LEN, &vga_window_ops, &v->pci->dev, "vga-window", e);
	v->window_added = !rc;
	return rc;
}

int vga_init(struct vga *v, struct pci_dev *pci, const struct domain_video *video, struct err *e)
{
	struct machine *m = pci->dev.m;
	v->pci = pci;
	v->vram_fd = v->out_fd = -1;
	v->vram_bytes = video && video->vram_bytes ? (uint32_t)video->vram_bytes : VGA_VRAM_DEFAULT;
	if (v->vram_bytes < VGA_VRAM_MIN || v->vram_bytes > VGA_VRAM_MAX ||
	    v->vram_bytes & (v->vram_bytes - 1))
		return err_set(e, EINVAL, "%u bytes of video memory: a power of two from 1 to 64 MiB",
			       v->vram_bytes);
	int rc = memory_make(v, e);
	if (rc || (rc = rom_make(v, e)))
		return rc;
	pci_bar_init(pci, 0, v->vram_bytes, false, &lfb_ops, LFB_NAME);
	pci->bars[0].prefetch = true;
	pci->bars[0].moved = lfb_moved;
	pci->config[0x10] |= 8; /* prefetchable */
	pci_bar_init(pci, 2, REGS_LEN, false, &regs_ops, "vga.regs");
	if ((rc = ports_add(v, e)))
		return rc;
	if (memory_overlay(&m->mem, WINDOW_NAME, VGA_WINDOW, VGA_WINDOW_LEN, NULL, 0) ||
	    memory_commit(&m->mem))
		return err_set(e, ENOSPC, "the memory map has no room for the VGA window");
	kvm_coalesce(m, VGA_WINDOW, VGA_WINDOW_LEN);
	vga_wish(v, video && video->width ? video->width : VGA_PREFERRED_WIDTH,
	         video && video->height ? video->height : VGA_PREFERRED_HEIGHT);
	return display_of(m) ? 0 : err_set(e, ENOMEM, "out of memory");
}

void vga_reset(struct vga *v)
{
	vga_window_close(v);
	vga_regs_reset(v);
	vga_dispi_reset(v);
	vga_clear(v, v->vram_bytes);
	vga_refresh(&v->pci->dev);
}

void vga_dump(const struct vga *v, FILE *f)
{
	fprintf(f, "mode %u %ux%u pitch %u start %u\n", v->mode.kind, v->mode.width, v->mode.height,
		v->mode.pitch, v->mode.start);
	fprintf(f, "window alias %u at %x\n", v->window.alias, v->window.gpa);
	for (unsigned i = 0; i < DISPI_COUNT; i++)
		fprintf(f, "%sdispi%u %x", i ? " " : "", i, v->dispi[i]);
	fprintf(f, "\n");
}

void vga_done(struct vga *v)
{
	if (!v->pci)
		return;
	struct machine *m = v->pci->dev.m;
	memory_overlay_remove(&m->mem, WINDOW_NAME);
	memory_overlay_remove(&m->mem, LFB_NAME);
	v->pci->bars[0].moved = NULL;
	if (v->dirty && v->log)
		vga_window_close(v);
	if (memory_commit(&m->mem))
		log_error("%s: the memory map cannot be changed", v->pci->dev.name);
	while (v->nports)
		bus_remove(&m->pio, vga_port_ranges[--v->nports].base);
	if (v->dispi_added)
		bus_remove(&m->pio, DISPI_PORT);
	if (v->window_added)
		bus_remove(&m->mmio, VGA_WINDOW);
	if (v->vram)
		munmap(v->vram, v->vram_bytes);
	if (v->out)
		munmap(v->out, OUT_BYTES);
	if (v->text)
		munmap(v->text, VGA_TEXT_LEN);
	fd_close(v->vram_fd);
	fd_close(v->out_fd);
	free(v->dirty);
	free(v->log);
}

bool vga_boot_mode(struct machine *m, struct vga_boot_mode *out)
{
	struct dev *d = dev_find(m, VGA_NAME);
	struct vga *v = d ? vga_of(d) : NULL;
	if (!v || !v->pci->bars[0].mapped || 4ull * v->width * v->height > v->vram_bytes)
		return false;
	vga_dispi_write(v, DISPI_ENABLE, 0);
	vga_dispi_write(v, DISPI_XRES, v->width);
	vga_dispi_write(v, DISPI_YRES, v->height);
	vga_dispi_write(v, DISPI_BPP, 32);
	vga_dispi_write(v, DISPI_ENABLE, DISPI_ENABLED | DISPI_LFB);
	v->ar_index |= AR_INDEX_SHOW;
	*out = (struct vga_boot_mode){
		.base = (uint32_t)v->pci->bars[0].mapped,
		.bytes = v->vram_bytes,
		.width = v->width,
		.height = v->height,
		.pitch = (uint16_t)vga_dispi_pitch(v),
	};
	return true;
}

/* --- alone --- */

struct vga_pci {
	struct pci_dev pci;
	struct vga vga;
};

struct vga *vga_of(struct dev *d)
{
	return d->type == &vga_type ? &((struct vga_pci *)d)->vga : virtio_vga_of(d);
}

static void wish(struct dev *d, unsigned width, unsigned height)
{
	vga_wish(vga_of(d), width, height);
}

static const struct display_ops screen_ops = {.refresh = vga_refresh, .text = vga_text_cells, .wish = wish};

static int alone_init(struct dev *d, const struct dev_def *def, struct err *e)
{
	static const struct pci_id id = {.vendor = 0x1234,
					 .device = 0x1111,
					 .subvendor = 0x1af4,
					 .subdevice = 0x1100,
					 .class_rev = 0x03000002};
	struct vga_pci *v = (struct vga_pci *)d;
	int rc = pci_dev_init(&v->pci, def, &id, e);
	if (!rc)
		rc = vga_init(&v->vga, &v->pci, def->video, e);
	return rc ? rc : display_attach(display_of(d->m), d, &screen_ops, e);
}

static void alone_reset(struct dev *d)
{
	pci_dev_reset((struct pci_dev *)d);
	vga_reset(vga_of(d));
}

static void alone_dump(const struct dev *d, FILE *f)
{
	vga_dump(&((const struct vga_pci *)d)->vga, f);
}

static void alone_done(struct dev *d)
{
	display_detach(d->m->display, d);
	vga_done(vga_of(d));
	pci_dev_done((struct pci_dev *)d);
}

const struct dev_type vga_type = {
	.model = "vga",
	.summary = "standard VGA with the Bochs display interface",
	.bus = DEV_BUS_PCI,
	.size = sizeof(struct vga_pci),
	.init = alone_init,
	.reset = alone_reset,
	.dump = alone_dump,
	.done = alone_done,
};
