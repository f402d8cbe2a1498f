/* SMBIOS tables: who made the machine, its uuid and memory. (DMTF DSP0134, 2.8) */
#ifndef BACKEND_VMM_BOOT_SMBIOS_H
#define BACKEND_VMM_BOOT_SMBIOS_H

#include <stdint.h>

#include "src/base/str.h"

struct machine;

#define SMBIOS_GPA 0xF0000u /* the anchor, where guests search for it; the structures follow */

/* Anchor and structures as they are to lie at @gpa, at most 64 KiB. */
void smbios_build(const struct machine *m, uint64_t gpa, struct buf *out);
/* The same for firmware, which places them and says itself who it is: the 31 bytes of the entry point, the
 * structures. */
void smbios_build_files(const struct machine *m, struct buf *entry, struct buf *tables);

#endif
