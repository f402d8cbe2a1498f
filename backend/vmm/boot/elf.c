/* ELF kernels with a PVH note (Linux vmlinux, Xen-aware kernels): 32-bit entry. (System V ABI, ELF-64; Xen,
 * xen/include/public/elfnote.h XEN_ELFNOTE_PHYS32_ENTRY and arch-x86/hvm/start_info.h) */
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/vmm/boot/acpi.h"
#include "backend/vmm/boot/image.h"
#include "backend/vmm/machine.h"
#include "src/base/cleanup.h"
#include "src/base/file.h"

#define NOTE_PHYS32_ENTRY 18
#define PHDRS_MAX 64
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

static bool is_elf(const struct boot_image *k)
{
	const Elf64_Ehdr *h = (const Elf64_Ehdr *)k->setup;
	return k->setup_len >= sizeof(*h) && !memcmp(h->e_ident, ELFMAG, SELFMAG) &&
	       h->e_ident[EI_CLASS] == ELFCLASS64 && h->e_machine == EM_X86_64 &&
	       h->e_phentsize == sizeof(Elf64_Phdr);
}

static int load_segment(struct machine *m, struct boot_image *k, const Elf64_Phdr *p, struct err *e)
{
	uint64_t end;
	if (p->p_filesz > p->p_memsz || __builtin_add_overflow(p->p_paddr, p->p_memsz, &end))
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

static int elf_load(struct machine *m, struct boot_image *k, struct boot_entry *entry, struct err *e)
{
	Elf64_Ehdr h;
	Elf64_Phdr ph[PHDRS_MAX];
	memcpy(&h, k->setup, sizeof(h));
	if (!h.e_phnum || h.e_phnum > PHDRS_MAX)
		return err_set(e, EINVAL, "'%s' has %u program headers, not 1 to %d", k->path, h.e_phnum,
			       PHDRS_MAX);
	int rc = fd_pread_all(k->fd, ph, h.e_phnum * sizeof(ph[0]), (off_t)h.e_phoff);
	if (rc)
		return err_set(e, EINVAL, "'%s' is cut off: no program headers", k->path);
	*entry = (struct boot_entry){.mode = BOOT_PVH};
	for (unsigned i = 0; i < h.e_phnum; i++) {
		if (ph[i].p_type == PT_LOAD && (rc = load_segment(m, k, &ph[i], e)))
			return rc;
		if (ph[i].p_type == PT_NOTE && !entry->rip)
			entry->rip = pvh_entry(k, &ph[i]);
	}
	if (!entry->rip || entry->rip > UINT32_MAX || !gm_ptr(&m->mem, entry->rip, 1, false))
		return err_set(e, ENOTSUP,
			       "'%s' is an ELF image without a PVH entry note: a kernel with CONFIG_PVH or a "
			       "bzImage is needed",
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
	if (k->initrd_len) {
		s.info.nr_modules = 1;
		s.info.modlist_paddr = BOOT_PVH_GPA + offsetof(__typeof__(s), initrd);
		s.initrd = (struct start_module){.paddr = k->initrd_gpa, .size = k->initrd_len};
	}
	entry->param = BOOT_PVH_GPA;
	int rc = gm_write(&m->mem, BOOT_PVH_GPA, &s, sizeof(s));
	return rc ? err_sys(e, -rc, "cannot write the kernel's start information") : 0;
}

const struct boot_format boot_elf = {"ELF", is_elf, elf_load, elf_finish};
