/* Where a guest begins, and starting one without firmware. */
#ifndef BACKEND_VMM_BOOT_BOOT_H
#define BACKEND_VMM_BOOT_BOOT_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/err.h"

struct dev;
struct machine;

enum boot_mode {
	BOOT_LINUX64, /* 64-bit entry with identity paging; RSI = boot_params (Linux, x86/boot.rst) */
	BOOT_LINUX32, /* 32-bit flat, paging off; ESI = boot_params (the same) */
	BOOT_PVH,     /* 32-bit flat, paging off; EBX = hvm_start_info (Xen, x86/hvm start info) */
	BOOT_FIRMWARE, /* as the processor comes out of reset: F000:FFF0, its base at 4 GiB - 64 KiB */
};

struct boot_entry {
	enum boot_mode mode;
	uint64_t rip, param;
};

/* Load the domain's kernel, initrd, command line and the tables it wants into cleared memory. Main thread,
 * vCPUs parked. */
int boot_direct(struct machine *m, struct boot_entry *entry, struct err *e);

/* Does the domain's kernel need a BIOS that has run before it? -ENOENT: it does, and there is none. */
int boot_wants_bios(struct machine *m, bool *bios, struct err *e);
/* Then: what an option ROM of ours loads when SeaBIOS boots it, into @fw_cfg. */
int boot_through_bios(struct machine *m, struct dev *fw_cfg, struct err *e);

/* Fixed places below 1 MiB that the boot uses. */
#define BOOT_GDT_GPA 0x500u
#define BOOT_PARAMS_GPA 0x7000u
#define BOOT_PAGES_GPA 0x9000u /* PML4, PDPT, four page directories */
#define BOOT_PVH_GPA 0x6000u
#define BOOT_CMDLINE_GPA 0x20000u
#define BOOT_CMDLINE_MAX 4096u
#define BOOT_EBDA_GPA 0x9fc00u

/* The guest physical map as the guest is told it. */
enum { BOOT_E820_RAM = 1, BOOT_E820_RESERVED = 2 };
struct boot_e820 {
	uint64_t base, len;
	uint32_t type;
};
#define BOOT_E820_MAX 8
unsigned boot_e820(const struct machine *m, struct boot_e820 out[BOOT_E820_MAX]);

#endif
