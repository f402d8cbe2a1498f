/* ELF kernels with a PVH note (Linux vmlinux, Xen-aware kernels): 32-bit entry. (System V ABI, ELF; Xen,
 * xen/include/public/elfnote.h XEN_ELFNOTE_PHYS32_ENTRY and arch-x86/hvm/start_info.h) */
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/vmm/boot/acpi.h"
#include "backend/vmm/boot/elf.h"
#include "backend/vmm/boot/image.h"
#include "backend/vmm/machine.h"
#include "src/base/cleanup.h"
#include "src/base/file.h"

#define NOTE_PHYS32_ENTRY 18
#define NOTES_MAX 65536

struct start_info {
	uint32_t magic, version, flags, nr_modules;
	uint64_t modlist_paddr, cmdline_paddr, rsdp_paddr, memmap_paddr;
	uint32_t memmap_entries, reserved;
};
struct start_module {
	uint64_t paddr, size, cmdline_paddr, reserved;
};
struct start_memmap {
	uint64_t addr, size;
	uint32_t type, reserved;
};

bool elf_is_x86(const struct boot_image *k)
{
	const Elf32_Ehdr *h = (const Elf32_Ehdr *)k->setup; /* its first fields are those of 64 bits too */
	if (k->setup_len < sizeof(Elf64_Ehdr) || memcmp(h->e_ident, ELFMAG, SELFMAG))
		return false;
	return (h->e_ident[EI_CLASS] == ELFCLASS64 && h->e_machine == EM_X86_64) ||
	       (h->e_ident[EI_CLASS] == ELFCLASS32 && h->e_machine == EM_386);
}

static bool is_32(const struct boot_image *k)
{
	return k->setup[EI_CLASS] == ELFCLASS32;
}

static int read_32(const struct boot_image *k, struct elf_image *out)
{
	Elf32_Ehdr h;
	Elf32_Phdr ph[ELF_PHDRS_MAX];
	memcpy(&h, k->setup, sizeof(h));
	out->entry = h.e_entry;
	out->n = h.e_phnum;
	if (h.e_phentsize != sizeof(ph[0]) || !out->n || out->n > ELF_PHDRS_MAX ||
	    fd_pread_all(k->fd, ph, out->n * sizeof(ph[0]), (off_t)h.e_phoff))
		return -EINVAL;
	for (unsigned i = 0; i < out->n; i++)
		out->ph[i] = (Elf64_Phdr){.p_type = ph[i].p_type,
					  .p_offset = ph[i].p_offset,
					  .p_vaddr = ph[i].p_vaddr,
					  .p_paddr = ph[i].p_paddr,
					  .p_filesz = ph[i].p_filesz,
					  .p_memsz = ph[i].p_memsz};
	return 0;
}

static int read_64(const struct boot_image *k, struct elf_image *out)
{
	Elf64_Ehdr h;
	memcpy(&h, k->setup, sizeof(h));
	out->entry = h.e_entry;
	out->n = h.e_phnum;
	if (h.e_phentsize != sizeof(out->ph[0]) || !out->n || out->n > ELF_PHDRS_MAX || h.e_phoff > INT64_MAX)
		return -EINVAL;
	return fd_pread_all(k->fd, out->ph, out->n * sizeof(out->ph[0]), (off_t)h.e_phoff) ? -EINVAL : 0;
}

int elf_read(const struct boot_image *k, struct elf_image *out, struct err *e)
{
	if (!elf_is_x86(k) || (is_32(k) ? read_32(k, out) : read_64(k, out)))
		return err_set(e, EINVAL,
			       "'%s' is damaged or cut off: no ELF image with 1 to %d program headers",
			       k->path, ELF_PHDRS_MAX);
	for (unsigned i = 0; i < out->n; i++)
		if (out->ph[i].p_type == PT_LOAD &&
		    (out->ph[i].p_filesz > out->ph[i].p_memsz || out->ph[i].p_offset > k->size ||
		     out->ph[i].p_filesz > k->size - out->ph[i].p_offset))
			return err_set(e, EINVAL, "'%s' is cut off: a bad program header", k->path);
	return 0;
}

static int load_segment(struct machine *m, struct boot_image *k, const Elf64_Phdr *p, struct err *e)
{
	uint64_t end;
	if (__builtin_add_overflow(p->p_paddr, p->p_memsz, &end))
		return err_set(e, EINVAL, "'%s': bad program header", k->path);
	if (!p->p_memsz)
		return 0;
	if (p->p_paddr < 0x100000 || !gm_ptr(&m->mem, p->p_paddr, p->p_memsz, true))
		return err_set(e, ENOSPC, "'%s' needs guest memory up to %llu MiB: raise <memory>", k->path,
		               (unsigned long long)((end + 0xfffff) >> 20));
	if (end > k->load_end)
		k->load_end = end;
	return boot_load(m, k, p->p_offset, p->p_paddr, p->p_filesz, e);
}

/* Look for the PVH entry among the notes of one PT_NOTE segment. 0 = not there. */
static uint64_t pvh_entry(const struct boot_image *k, const Elf64_Phdr *p)
{
	if (p->p_filesz > NOTES_MAX || p->p_filesz < sizeof(Elf64_Nhdr))
		return 0;
	AUTO_FREE uint8_t *notes = malloc(p->p_filesz);
	if (!notes || fd_pread_all(k->fd, notes, p->p_filesz, (off_t)p->p_offset))
		return 0;
	for (uint64_t at = 0; at + sizeof(Elf64_Nhdr) <= p->p_filesz;) {
		Elf64_Nhdr n;
		memcpy(&n, notes + at, sizeof(n));
		uint64_t name = at + sizeof(n), desc = name + ((n.n_namesz + 3ull) & ~3ull);
		uint64_t next = desc + ((n.n_descsz + 3ull) & ~3ull);
		if (next > p->p_filesz)
			return 0;
		if (n.n_type == NOTE_PHYS32_ENTRY && n.n_namesz == 4 && !memcmp(notes + name, "Xen", 4) &&
		    n.n_descsz >= 4) {
			uint64_t entry = 0;
			memcpy(&entry, notes + desc, n.n_descsz < 8 ? 4 : 8);
			return entry;
		}
		at = next;
	}
	return 0;
}

/* 0: none. */
static uint64_t find_pvh(const struct boot_image *k, const struct elf_image *elf)
{
	uint64_t entry = 0;
	for (unsigned i = 0; i < elf->n && !entry; i++)
		if (elf->ph[i].p_type == PT_NOTE)
			entry = pvh_entry(k, &elf->ph[i]);
	return entry;
}

bool elf_is_bare(const struct boot_image *k)
{
	struct elf_image elf;
	const Elf32_Ehdr *h = (const Elf32_Ehdr *)k->setup;
	if (!elf_is_x86(k) || !is_32(k) || h->e_type != ET_EXEC || elf_read(k, &elf, NULL))
		return false;
	for (unsigned i = 0; i < elf.n; i++)
		if (elf.ph[i].p_type == PT_INTERP || elf.ph[i].p_type == PT_TLS)
			return false;
	return !find_pvh(k, &elf);
}

static int elf_load(struct machine *m, struct boot_image *k, struct boot_entry *entry, struct err *e)
{
	struct elf_image elf;
	int rc = elf_read(k, &elf, e);
	if (rc)
		return rc;
	*entry = (struct boot_entry){.mode = BOOT_PVH, .rip = find_pvh(k, &elf)};
	for (unsigned i = 0; i < elf.n; i++)
		if (elf.ph[i].p_type == PT_LOAD && (rc = load_segment(m, k, &elf.ph[i], e)))
			return rc;
	if (!entry->rip || entry->rip > UINT32_MAX || !gm_ptr(&m->mem, entry->rip, 1, false))
		return err_set(e, ENOTSUP,
			       "'%s' is an ELF image with neither a PVH entry note nor a multiboot header: "
			       "a kernel with CONFIG_PVH or a bzImage is needed",
			       k->path);
	k->initrd_max = MEM_LOWTOP_MAX - 1;
	k->cmdline_max = BOOT_CMDLINE_MAX - 1;
	return 0;
}

static int elf_finish(struct machine *m, const struct boot_image *k, struct boot_entry *entry, struct err *e)
{
	struct {
		struct start_info info;
		struct start_module initrd;
		struct start_memmap map[BOOT_E820_MAX];
	} s = {.info = {.magic = 0x336ec578, .version = 1}};
	struct boot_e820 map[BOOT_E820_MAX];
	s.info.cmdline_paddr = BOOT_CMDLINE_GPA;
	s.info.rsdp_paddr = ACPI_RSDP_GPA;
	s.info.memmap_paddr = BOOT_PVH_GPA + offsetof(__typeof__(s), map);
	s.info.memmap_entries = boot_e820(m, map);
	for (unsigned i = 0; i < s.info.memmap_entries; i++)
		s.map[i] =
		    (struct start_memmap){.addr = map[i].base, .size = map[i].len, .type = map[i].type};
	if (k->nmodules) {
		s.info.nr_modules = 1;
		s.info.modlist_paddr = BOOT_PVH_GPA + offsetof(__typeof__(s), initrd);
		s.initrd = (struct start_module){.paddr = k->modules[0].gpa, .size = k->modules[0].len};
	}
	entry->param = BOOT_PVH_GPA;
	int rc = gm_write(&m->mem, BOOT_PVH_GPA, &s, sizeof(s));
	return rc ? err_sys(e, -rc, "cannot write the kernel's start information") : 0;
}

const struct boot_format boot_elf = {
	.name = "an ELF image", .probe = elf_is_x86, .load = elf_load, .finish = elf_finish};
