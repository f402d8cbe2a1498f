/* ELF images for x86, of 32 and 64 bits. Private to boot/. */
#ifndef BACKEND_VMM_BOOT_ELF_H
#define BACKEND_VMM_BOOT_ELF_H

#include <elf.h>
#include <stdbool.h>
#include <stdint.h>

#include "src/base/err.h"

struct boot_image;

#define ELF_PHDRS_MAX 64

/* Those of a 32-bit image are widened. */
struct elf_image {
	uint64_t entry;
	unsigned n;
	Elf64_Phdr ph[ELF_PHDRS_MAX];
};

/* Is it for this processor? */
bool elf_is_x86(const struct boot_image *k);
/* Is it a 32-bit program that no other program has to load? */
bool elf_is_bare(const struct boot_image *k);
/* Read its program headers. -EINVAL: it is none, or damaged. */
int elf_read(const struct boot_image *k, struct elf_image *out, struct err *e);

#endif
