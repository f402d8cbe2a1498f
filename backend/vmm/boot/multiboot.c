/* Multiboot kernels (GNU Mach, Xen, GRUB Invaders, kvm-unit-tests) of both versions, and 32-bit ELF images
 * that have no header of either. They find a PC whose BIOS has run, so they go through SeaBIOS; the
 * information that they are given is made here, but for the memory map, which is the BIOS'. (Multiboot
 * Specification 0.6.96; Multiboot2 Specification 2.0) */
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/vmm/boot/elf.h"
#include "backend/vmm/boot/image.h"
#include "backend/vmm/boot/plan.h"
#include "backend/vmm/machine.h"
#include "src/base/cleanup.h"

#define LOADER_NAME "vmdeck"
#define INFO_GPA 0x9000u
#define INFO_MAX (0x10000u - INFO_GPA) /* kernels may lie from 64 KiB on */
#define PAGE 0x1000u
#define SEARCH1 8192u
#define SEARCH2 32768u

#define MAGIC1 0x1badb002u
#define MAGIC2 0xe85250d6u
#define ENTERED1 0x2badb002u
#define ENTERED2 0x36d76289u

/* Header 1, flags (3.1.2) */
enum { WANTS_PAGES = 1, WANTS_MEMORY = 2, WANTS_VIDEO = 4, MUST_KNOW = 0xffff, HAS_ADDRESSES = 0x10000 };

/* Information 1 (3.3) */
enum {
	INFO_MEMORY = 1,
	INFO_BOOT_DEVICE = 2,
	INFO_CMDLINE = 4,
	INFO_MODULES = 8,
	INFO_MAP = 0x40,
	INFO_LOADER = 0x200,
};
struct info1 {
	uint32_t flags, mem_lower, mem_upper, boot_device, cmdline, mods_count, mods_addr, syms[4],
	    mmap_length, mmap_addr, drives_length, drives_addr, config_table, boot_loader_name, apm_table;
};
struct module1 {
	uint32_t start, end, text, reserved;
};

/* Header and information 2: tags (3.1.3, 3.6) */
enum {
	HEADER2_END = 0,
	HEADER2_REQUEST = 1,
	HEADER2_ADDRESS = 2,
	HEADER2_ENTRY = 3,
	HEADER2_MODULES = 6,
	HEADER2_RELOCATABLE = 10,
	TAG_CMDLINE = 1,
	TAG_LOADER = 2,
	TAG_MODULE = 3,
	TAG_MEMORY = 4,
	TAG_MAP = 6,
};

/* What either header says. */
struct header {
	unsigned version; /* 0: there is none */
	bool addresses;
	uint32_t header_addr, load_addr, load_end, bss_end;
	uint64_t header_off;
	bool has_entry;
	uint32_t entry;
};

static uint32_t word(const struct boot_image *k, size_t at)
{
	uint32_t v;
	memcpy(&v, k->setup + at, sizeof(v));
	return v;
}

/* --- the headers --- */

static size_t find(const struct boot_image *k, uint32_t magic, size_t limit, size_t step, size_t len)
{
	size_t end = k->setup_len < limit ? k->setup_len : limit;
	for (size_t at = 0; at + len <= end; at += step) {
		uint32_t sum = magic == MAGIC1 ? word(k, at + 8) : word(k, at + 8) + word(k, at + 12);
		if (word(k, at) == magic && word(k, at) + word(k, at + 4) + sum == 0)
			return at;
	}
	return SIZE_MAX;
}

static int read_header1(const struct boot_image *k, size_t at, struct header *h, struct err *e)
{
	uint32_t flags = word(k, at + 4),
		 unknown = flags & MUST_KNOW & ~(uint32_t)(WANTS_PAGES | WANTS_MEMORY | WANTS_VIDEO);
	if (unknown)
		return err_set(e, ENOTSUP,
			       "'%s' is a multiboot kernel that wants what no loader has (flags 0x%x)",
			       k->path, unknown);
	*h = (struct header){.version = 1, .header_off = at};
	if (!(flags & HAS_ADDRESSES))
		return 0;
	if (at + 32 > k->setup_len)
		return err_set(e, EINVAL, "'%s' is cut off in its multiboot header", k->path);
	h->addresses = h->has_entry = true;
	h->header_addr = word(k, at + 12);
	h->load_addr = word(k, at + 16);
	h->load_end = word(k, at + 20);
	h->bss_end = word(k, at + 24);
	h->entry = word(k, at + 28);
	return 0;
}

static void read_tag2(const struct boot_image *k, size_t at, uint32_t size, struct header *h)
{
	unsigned type = word(k, at) & 0xffff;
	if (type == HEADER2_ADDRESS && size >= 24) {
		h->addresses = true;
		h->header_addr = word(k, at + 8);
		h->load_addr = word(k, at + 12);
		h->load_end = word(k, at + 16);
		h->bss_end = word(k, at + 20);
	} else if (type == HEADER2_ENTRY && size >= 12) {
		h->has_entry = true;
		h->entry = word(k, at + 8);
	}
}

static int read_header2(const struct boot_image *k, size_t at, struct header *h, struct err *e)
{
	size_t end = at + word(k, at + 8);
	*h = (struct header){.version = 2, .header_off = at};
	if (word(k, at + 4))
		return err_set(e, ENOTSUP, "'%s' is a multiboot kernel for another processor", k->path);
	if (end < at + 16 || end > k->setup_len)
		return err_set(e, EINVAL, "'%s' is cut off in its multiboot header", k->path);
	for (at += 16; at + 8 <= end;) {
		uint32_t size = word(k, at + 4);
		bool optional = word(k, at) >> 16 & 1;
		unsigned type = word(k, at) & 0xffff;
		if (type == HEADER2_END)
			break;
		if (size < 8 || size > end - at)
			return err_set(e, EINVAL, "'%s': a bad tag in its multiboot header", k->path);
		if (type > HEADER2_RELOCATABLE && !optional)
			return err_set(e, ENOTSUP,
				       "'%s' is a multiboot kernel that wants what no loader has (tag %u)",
				       k->path, type);
		read_tag2(k, at, size, h);
		at += (size + 7) & ~7u;
	}
	if (h->addresses && !h->has_entry)
		return err_set(e, EINVAL, "'%s': its multiboot header has no entry address", k->path);
	return 0;
}

/* A kernel with both headers is entered by the first version, as QEMU and GRUB's "multiboot" do. */
static int read_header(const struct boot_image *k, struct header *h, struct err *e)
{
	size_t at = find(k, MAGIC1, SEARCH1, 4, 12);
	if (at != SIZE_MAX)
		return read_header1(k, at, h, e);
	at = find(k, MAGIC2, SEARCH2, 8, 16);
	if (at != SIZE_MAX)
		return read_header2(k, at, h, e);
	*h = (struct header){0};
	return 0;
}

/* --- the kernel --- */

/* Where the header says, whatever kind of file it is. */
static int plan_flat(struct machine *m, const struct boot_image *k, const struct header *h,
		     struct boot_plan *p, struct err *e)
{
	uint64_t before = (uint64_t)h->header_addr - h->load_addr, off = h->header_off - before;
	if (h->header_addr < h->load_addr || before > h->header_off)
		return err_set(e, EINVAL, "'%s': its multiboot header has addresses that cannot be", k->path);
	uint64_t len = h->load_end ? (uint64_t)h->load_end - h->load_addr : k->size - off;
	if (h->load_end && h->load_end < h->load_addr)
		return err_set(e, EINVAL, "'%s': its multiboot header has addresses that cannot be", k->path);
	uint64_t bytes = h->bss_end ? (uint64_t)h->bss_end - h->load_addr : len;
	if (h->bss_end && h->bss_end < h->load_addr)
		return err_set(e, EINVAL, "'%s': its multiboot header has addresses that cannot be", k->path);
	p->eip = h->entry;
	return plan_add_file(m, p, k->path, k->fd, off, h->load_addr, len, bytes > len ? bytes : len, e);
}

static int plan_elf(struct machine *m, const struct boot_image *k, const struct header *h,
		    struct boot_plan *p, struct err *e)
{
	struct elf_image elf;
	int rc = elf_read(k, &elf, e);
	if (rc)
		return rc;
	uint64_t entry = elf.entry;
	for (unsigned i = 0; i < elf.n; i++) {
		const Elf64_Phdr *s = &elf.ph[i];
		if (s->p_type != PT_LOAD || !s->p_memsz)
			continue;
		if (elf.entry >= s->p_vaddr && elf.entry - s->p_vaddr < s->p_memsz)
			entry = elf.entry - s->p_vaddr + s->p_paddr;
		rc = plan_add_file(m, p, k->path, k->fd, s->p_offset, s->p_paddr, s->p_filesz, s->p_memsz, e);
		if (rc)
			return rc;
	}
	p->eip = h->has_entry ? h->entry : (uint32_t)entry;
	if (!p->npieces || (!h->has_entry && entry > UINT32_MAX))
		return err_set(e, EINVAL, "'%s' is an ELF image without a program to load below 4 GiB",
			       k->path);
	return 0;
}

/* One after the other behind the kernel, each on a page of its own. */
static int plan_modules(struct machine *m, struct boot_image *k, struct boot_plan *p, struct err *e)
{
	for (unsigned i = 0; i < k->nmodules; i++) {
		struct boot_module *d = &k->modules[i];
		d->gpa = (plan_end(p) + PAGE - 1) & ~(uint64_t)(PAGE - 1);
		int rc = d->len ? plan_add_file(m, p, d->path, d->fd, 0, d->gpa, d->len, d->len, e) : 0;
		if (rc)
			return err_prefix(e, "module %u", i + 1);
	}
	return 0;
}

/* --- what it is told --- */

static uint32_t here(const struct buf *b)
{
	return INFO_GPA + (uint32_t)b->len;
}

static uint32_t add_text(struct buf *b, const char *text)
{
	uint32_t at = here(b);
	buf_add(b, text, strlen(text) + 1);
	return at;
}

static void add_zeros(struct buf *b, size_t n)
{
	static const uint8_t zeros[PLAN_MAP_STRIDE];
	for (size_t k; n; n -= k) {
		k = n < sizeof(zeros) ? n : sizeof(zeros);
		buf_add(b, zeros, k);
	}
}

static void pad(struct buf *b, size_t to)
{
	add_zeros(b, (to - b->len % to) % to);
}

/* The map that the ROM fills, with room for an end tag behind it. Version 1 has each entry's size before it.
 */
static void add_map(struct buf *b, struct boot_plan *p, bool sized)
{
	uint32_t twenty = 20;
	p->map = here(b) + (sized ? 4 : 0);
	for (unsigned i = 0; i < PLAN_MAP_MAX; i++) {
		if (sized)
			buf_add(b, &twenty, sizeof(twenty));
		add_zeros(b, PLAN_MAP_STRIDE - (sized ? 4 : 0));
	}
	add_zeros(b, 16);
}

/* "KERNEL ARGUMENTS", as QEMU and GRUB before 2 have it. */
static char *cmdline1(const struct machine *m, const struct boot_image *k)
{
	const char *args = m->domain->cmdline;
	return x_asprintf("%s%s%s", k->path, args && *args ? " " : "", args ? args : "");
}

static void make_info1(const struct machine *m, const struct boot_image *k, struct boot_plan *p,
		       struct buf *b)
{
	AUTO_FREE char *cmdline = cmdline1(m, k);
	struct module1 mods[INITRD_MODULES_MAX] = {0};
	struct info1 info = {
	    .flags = INFO_MEMORY | INFO_BOOT_DEVICE | INFO_CMDLINE | INFO_MODULES | INFO_MAP | INFO_LOADER,
	    .mem_lower = 639,
	    .mem_upper = (uint32_t)((m->mem.low_bytes - 0x100000) >> 10),
	    .boot_device = 0x8000ffff, /* the first disk; not from a partition */
	    .mods_count = k->nmodules,
	};
	add_zeros(b, sizeof(info));
	info.cmdline = add_text(b, cmdline);
	info.boot_loader_name = add_text(b, LOADER_NAME);
	for (unsigned i = 0; i < k->nmodules; i++)
		mods[i] = (struct module1){(uint32_t)k->modules[i].gpa,
					   (uint32_t)(k->modules[i].gpa + k->modules[i].len),
					   add_text(b, k->modules[i].text), 0};
	pad(b, 8);
	info.mods_addr = here(b);
	buf_add(b, mods, k->nmodules * sizeof(mods[0]));
	pad(b, 8);
	info.mmap_addr = here(b);
	add_map(b, p, true);
	p->map_bytes = INFO_GPA + offsetof(struct info1, mmap_length);
	p->upper = INFO_GPA + offsetof(struct info1, mem_upper);
	memcpy(b->s, &info, sizeof(info));
}

static void add_tag(struct buf *b, uint32_t type, const void *fixed, size_t len, const char *text)
{
	size_t n = text ? strlen(text) + 1 : 0;
	uint32_t head[2] = {type, (uint32_t)(sizeof(head) + len + n)};
	buf_add(b, head, sizeof(head));
	if (len)
		buf_add(b, fixed, len);
	if (n)
		buf_add(b, text, n);
	pad(b, 8);
}

static void make_info2(const struct machine *m, const struct boot_image *k, struct boot_plan *p,
		       struct buf *b)
{
	const uint32_t memory[2] = {639, (uint32_t)((m->mem.low_bytes - 0x100000) >> 10)};
	const uint32_t entries[2] = {PLAN_MAP_STRIDE, 0}; /* size and version of each */
	add_zeros(b, 8);
	add_tag(b, TAG_CMDLINE, NULL, 0, m->domain->cmdline ? m->domain->cmdline : "");
	add_tag(b, TAG_LOADER, NULL, 0, LOADER_NAME);
	for (unsigned i = 0; i < k->nmodules; i++) {
		const struct boot_module *d = &k->modules[i];
		const uint32_t place[2] = {(uint32_t)d->gpa, (uint32_t)(d->gpa + d->len)};
		const char *args = strchr(d->text, ' ');
		add_tag(b, TAG_MODULE, place, sizeof(place), args ? args + 1 : "");
	}
	p->upper = here(b) + 12;
	add_tag(b, TAG_MEMORY, memory, sizeof(memory), NULL);
	p->map_bytes = here(b) + 4;
	p->map_extra = 16;
	add_tag(b, TAG_MAP, entries, sizeof(entries), NULL);
	p->total = INFO_GPA;
	p->total_extra = (uint32_t)b->len + 8;
	add_map(b, p, false);
}

static int plan_info(struct machine *m, const struct boot_image *k, unsigned version, struct boot_plan *p,
		     struct err *e)
{
	AUTO_BUF struct buf b = {0};
	if (version == 2)
		make_info2(m, k, p, &b);
	else
		make_info1(m, k, p, &b);
	if (b.len > INFO_MAX)
		return err_set(
		    e, E2BIG,
		    "<cmdline> and the arguments in <initrd> have %zu bytes with what belongs to them, "
		    "a multiboot kernel is given %u: shorten them",
		    b.len, INFO_MAX);
	p->mode = PLAN_PROTECTED;
	p->eax = version == 2 ? ENTERED2 : ENTERED1;
	p->ebx = INFO_GPA;
	return plan_add(m, p, k->path, INFO_GPA, b.s, b.len, b.len, e);
}

static int multiboot_plan(struct machine *m, struct boot_image *k, struct boot_plan *p, struct err *e)
{
	struct header h;
	int rc = read_header(k, &h, e);
	if (!rc)
		rc = h.addresses ? plan_flat(m, k, &h, p, e) : plan_elf(m, k, &h, p, e);
	if (!rc)
		rc = plan_modules(m, k, p, e);
	return rc ? rc : plan_info(m, k, h.version, p, e);
}

static bool is_multiboot(const struct boot_image *k)
{
	return find(k, MAGIC1, SEARCH1, 4, 12) != SIZE_MAX || find(k, MAGIC2, SEARCH2, 8, 16) != SIZE_MAX;
}

static bool always(const struct boot_image *k, const struct domain *d)
{
	return true;
}

const struct boot_format boot_multiboot = {
    .name = "a multiboot kernel", .probe = is_multiboot, .wants_bios = always, .plan = multiboot_plan};

/* Found only where no PVH note is: a program for the bare machine. */
const struct boot_format boot_elf32 = {
    .name = "a 32-bit ELF image", .probe = elf_is_bare, .wants_bios = always, .plan = multiboot_plan};
