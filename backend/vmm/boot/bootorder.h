/* The order in which firmware tries devices, as Open Firmware paths. (machine.md, 6.4; the names are those
 * that QEMU's machine "pc" gives, which SeaBIOS and OVMF match against what they find) */
#ifndef BACKEND_VMM_BOOT_BOOTORDER_H
#define BACKEND_VMM_BOOT_BOOTORDER_H

#include "src/base/str.h"

struct domain;

/* A floppy is a file of fw_cfg, which SeaBIOS gives as drive A:. */
#define BOOT_FLOPPY_FILE "floppyimg/fda.img"
/* The option ROM that loads a kernel (boot/plan.h). */
#define BOOT_ROM_FILE "genroms/vmdeck-kernel.rom"

/* Append a line for each device that is to be tried, and one that says to stop there; without a newline
 * behind the last. @first: for the first boot after a start. */
void bootorder_paths(const struct domain *d, bool first, struct buf *out);

#endif
