#include "src/base/footprint.h"

#include <link.h>
#include <malloc.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/* Segments that nobody writes to: those with variables are as they are in memory alone. */
static int trim_object(struct dl_phdr_info *o, size_t size, void *ctx)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	for (unsigned i = 0; i < o->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &o->dlpi_phdr[i];
		uintptr_t first = o->dlpi_addr + p->p_vaddr, at = first & -page;
		if (p->p_type == PT_LOAD && !(p->p_flags & PF_W))
			madvise((void *)at, first + p->p_memsz - at, MADV_DONTNEED);
	}
	return 0;
}

void footprint_trim(void)
{
	malloc_trim(0);
	dl_iterate_phdr(trim_object, NULL);
}
