/* Linux bzImage by its 64-bit entry, or its 32-bit one where it has no other. (Linux,
 * Documentation/arch/x86/boot.rst; arch/x86/include/uapi/asm/bootparam.h) */
#include <asm/bootparam.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "backend/vmm/boot/acpi.h"
#include "backend/vmm/boot/image.h"
#include "backend/vmm/dev/vga.h"
#include "backend/vmm/machine.h"
#include "src/base/cleanup.h"

#define HEADER_OFF 0x1f1
#define ENTRY64 0x200
#define SETUP_SECTS_OLD 4u
#define INITRD_MAX_OLD 0x37ffffffu
#define CMDLINE_MAX_OLD 255u

bool linux_has_header(const struct boot_image *k)
{
	return k->setup_len >= 0x268 && !memcmp(k->setup + 0x202, "HdrS", 4);
}

void linux_header(const struct boot_image *k, struct setup_header *h)
{
	size_t end = 0x202 + k->setup[0x201]; /* the jump over the header tells its length */
	size_t n = end > HEADER_OFF ? end - HEADER_OFF : 0;
	memset(h, 0, sizeof(*h));
	memcpy(h, k->setup + HEADER_OFF, n < sizeof(*h) ? n : sizeof(*h));
	if (!h->setup_sects)
		h->setup_sects = SETUP_SECTS_OLD;
	if (h->version < LINUX_INITRD_MAX || !h->initrd_addr_max)
		h->initrd_addr_max = INITRD_MAX_OLD;
	if (h->version < LINUX_RELOCATION)
		h->relocatable_kernel = 0;
	if (h->version < LINUX_CMDLINE_SIZE || !h->cmdline_size)
		h->cmdline_size = CMDLINE_MAX_OLD;
	if (h->version < LINUX_INIT_SIZE)
		h->init_size = 0;
	if (h->version < LINUX_INIT_SIZE)
		h->pref_address = 0;
	if (h->version < LINUX_XLOADFLAGS)
		h->xloadflags = 0;
}

static uint64_t kernel_address(const struct setup_header *h)
{
	uint64_t align = h->kernel_alignment ? h->kernel_alignment : 1;
	uint64_t at = h->pref_address ? h->pref_address : 0x100000;
	return h->relocatable_kernel ? (at + align - 1) / align * align : at;
}

static int bzimage_load(struct machine *m, struct boot_image *k, struct boot_entry *entry, struct err *e)
{
	struct setup_header h;
	linux_header(k, &h);
	bool long64 = h.xloadflags & XLF_KERNEL_64;
	uint64_t setup = (h.setup_sects + 1u) * 512u;
	if (k->size <= setup + (long64 ? ENTRY64 : 0))
		return err_set(e, EINVAL, "'%s' is cut off: %llu bytes", k->path,
			       (unsigned long long)k->size);
	uint64_t at = kernel_address(&h), len = k->size - setup;
	uint64_t need = h.init_size > len ? h.init_size : len;
	if (at < 0x100000 || at + need < at || !gm_ptr(&m->mem, at, need, true))
		return err_set(e, ENOSPC,
			       "kernel '%s' needs %llu MiB of guest memory to unpack itself, the guest has "
			       "%llu MiB: raise <memory>",
			       k->path, (unsigned long long)((at + need + 0xfffff) >> 20),
			       (unsigned long long)(m->mem.ram_bytes >> 20));
	k->load_at = at;
	k->load_end = at + need;
	k->initrd_max = h.xloadflags & XLF_CAN_BE_LOADED_ABOVE_4G ? MEM_LOWTOP_MAX - 1 : h.initrd_addr_max;
	k->cmdline_max = h.cmdline_size;
	*entry = (struct boot_entry){.mode = long64 ? BOOT_LINUX64 : BOOT_LINUX32,
				     .rip = long64 ? at + ENTRY64 : at};
	return boot_load(m, k, setup, at, len, e);
}

/* Identity mapping of the first 4 GiB with 2 MiB pages. */
static int write_page_tables(struct machine *m)
{
	enum { DIRS = 4, WORDS = (2 + DIRS) * 512 };
	AUTO_FREE uint64_t *t = calloc(WORDS, sizeof(*t));
	if (!t)
		return -ENOMEM;
	t[0] = (BOOT_PAGES_GPA + 0x1000) | 3;
	for (unsigned i = 0; i < DIRS; i++)
		t[512 + i] = (BOOT_PAGES_GPA + 0x2000 + i * 0x1000) | 3;
	for (uint64_t i = 0; i < DIRS * 512; i++)
		t[1024 + i] = i << 21 | 0x83;
	return gm_write(&m->mem, BOOT_PAGES_GPA, t, WORDS * sizeof(*t));
}

/* A screen that the kernel can draw on before it has a driver for it. */
static void screen_info(struct machine *m, struct screen_info *s)
{
	struct vga_boot_mode v;
	pthread_mutex_lock(&m->lock);
	bool there = vga_boot_mode(m, &v);
	pthread_mutex_unlock(&m->lock);
	if (!there)
		return;
	s->orig_video_isVGA = VIDEO_TYPE_VLFB;
	s->lfb_base = v.base;
	s->lfb_size = v.bytes / 0x10000;
	s->lfb_width = v.width;
	s->lfb_height = v.height;
	s->lfb_linelength = v.pitch;
	s->lfb_depth = 32;
	s->blue_size = s->green_size = s->red_size = s->rsvd_size = 8;
	s->green_pos = 8;
	s->red_pos = 16;
	s->rsvd_pos = 24;
	s->pages = 1;
}

static int bzimage_finish(struct machine *m, const struct boot_image *k, struct boot_entry *entry,
			  struct err *e)
{
	AUTO_FREE struct boot_params *p = calloc(1, sizeof(*p));
	struct boot_e820 map[BOOT_E820_MAX];
	if (!p)
		return err_set(e, ENOMEM, "out of memory");
	linux_header(k, &p->hdr);
	p->hdr.type_of_loader = 0xff;
	p->hdr.loadflags |= LOADED_HIGH | CAN_USE_HEAP;
	p->hdr.heap_end_ptr = 0xfe00;
	p->hdr.vid_mode = 0xffff; /* "normal" */
	p->hdr.code32_start = (uint32_t)k->load_at;
	p->hdr.cmd_line_ptr = BOOT_CMDLINE_GPA;
	p->hdr.ramdisk_image = (uint32_t)k->modules[0].gpa;
	p->hdr.ramdisk_size = (uint32_t)k->modules[0].len;
	p->ext_ramdisk_image = (uint32_t)(k->modules[0].gpa >> 32);
	p->ext_ramdisk_size = (uint32_t)(k->modules[0].len >> 32);
	p->acpi_rsdp_addr = ACPI_RSDP_GPA;
	screen_info(m, &p->screen_info);
	unsigned n = boot_e820(m, map);
	for (unsigned i = 0; i < n; i++)
		p->e820_table[i] =
		    (struct boot_e820_entry){.addr = map[i].base, .size = map[i].len, .type = map[i].type};
	p->e820_entries = (uint8_t)n;
	entry->param = BOOT_PARAMS_GPA;
	int rc = write_page_tables(m);
	if (!rc)
		rc = gm_write(&m->mem, BOOT_PARAMS_GPA, p, sizeof(*p));
	return rc ? err_sys(e, -rc, "cannot write the kernel's boot parameters") : 0;
}

const struct boot_format boot_bzimage = {
	.name = "a bzImage",
	.probe = linux_has_header,
	.wants_bios = linux_wants_setup,
	.load = bzimage_load,
	.finish = bzimage_finish,
	.plan = linux_plan,
};
