/* Starting a guest through firmware: its image in memory, and what fw_cfg tells it. (machine.md 1.4, 1.6,
 * 1.7) */
#ifndef BACKEND_VMM_BOOT_FIRMWARE_H
#define BACKEND_VMM_BOOT_FIRMWARE_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/err.h"
#include "src/base/json.h"
#include "src/base/str.h"

struct machine;

#define FIRMWARE_MIN 0x10000u
#define FIRMWARE_LOW_BYTES 0x20000u /* so much of the image's end, if it has it, is also seen below 1 MiB */

/* The image, which ends at 4 GiB, and below it the variable store of an EFI guest. */
struct firmware {
	uint8_t *image; /* page-aligned */
	uint64_t bytes; /* at least FIRMWARE_MIN */
	uint8_t *nvram; /* the guest's file, shared; NULL: none */
	uint64_t nvram_bytes;
	int nvram_fd;
	bool booted;
};

/* Read descriptor "firmware" and lay the image below 4 GiB, map "nvram"; m->firmware is it, or stays NULL
 * when there is no such descriptor: a kernel is booted directly. Before the devices. -EINVAL: no image of a
 * PC's firmware. */
int firmware_load(struct machine *m, struct err *e);
void firmware_free(struct machine *m);

/* Fill device "fw-cfg" with what the domain wants. After all devices are there. */
int firmware_tell(struct machine *m, struct err *e);

/* It is about to run: what is different when that is not the first time since the start. 0 or -errno. */
int firmware_again(struct machine *m);

/* Did it write to its log that nothing can be booted? */
bool firmware_gave_up(const struct buf *log);

/* x-firmware-log: {"kept": bool, "no-bootable-device": bool, "log": what firmware has said since the last
 * reset}. */
int firmware_query_log(struct machine *m, const json_t *args, json_t **ret, int *fd, struct err *e);

#endif
