/* From a definition to devices: what a machine is made of. Main loop's thread. */
#ifndef BACKEND_VMM_BUILD_H
#define BACKEND_VMM_BUILD_H

#include "backend/vmm/boot/boot.h"
#include "src/base/err.h"

struct domain;
struct machine;

/* Parse the live XML behind @fd. *out is the caller's. */
int machine_load_domain(int fd, struct domain **out, struct err *e);
/* The chips of the PC, and the devices of the domain. */
int machine_devices(struct machine *m, struct err *e);
/* Where the guest begins; without firmware also what it would do before a directly booted kernel, and the
 * kernel. After devices' reset, memory clear. */
int machine_firmware(struct machine *m, struct boot_entry *entry, struct err *e);
/* Let go of everything in order: consoles are flushed, disks drained. */
void machine_teardown(struct machine *m);

#endif
