/* fw_cfg: how firmware asks what machine this is. (QEMU, docs/specs/fw_cfg; machine.md 1.4)
 * Here is the device; what is in it on a PC is boot/firmware.c's. machine.lock held, or the machine not yet
 * running. */
#ifndef BACKEND_VMM_DEV_FW_CFG_H
#define BACKEND_VMM_DEV_FW_CFG_H

#include <stddef.h>
#include <stdint.h>

#include "src/base/err.h"

struct dev;
struct machine;

#define FW_CFG_NAME_MAX 56 /* with the terminator */
#define FW_CFG_ITEMS_MAX 64

enum fw_cfg_key {
	FW_CFG_SIGNATURE = 0x00,
	FW_CFG_ID = 0x01,
	FW_CFG_UUID = 0x02,
	FW_CFG_RAM_SIZE = 0x03,
	FW_CFG_NOGRAPHIC = 0x04,
	FW_CFG_NB_CPUS = 0x05,
	FW_CFG_BOOT_MENU = 0x0e,
	FW_CFG_MAX_CPUS = 0x0f,
	FW_CFG_FILE_DIR = 0x19,
	FW_CFG_FILE_FIRST = 0x20,
	FW_CFG_IRQ0_OVERRIDE = 0x8002,
};

/* Called when firmware selects an item for the first time since the last reset: bring what is in it up to
 * date (fw_cfg_set(), of the same length). */
typedef void fw_cfg_fresh_fn(struct dev *fw_cfg, void *ctx);

/* The bytes under @key, a copy. -ENOSPC, -ENOMEM. What was never set reads as zeros. */
int fw_cfg_set(struct dev *d, uint16_t key, const void *data, size_t len);
int fw_cfg_set_int(struct dev *d, uint16_t key, uint64_t v, unsigned bytes);
/* A file of that name, listed in the directory; one that is there gets new contents. */
int fw_cfg_file(struct dev *d, const char *name, const void *data, size_t len);
int fw_cfg_file_int(struct dev *d, const char *name, uint64_t v, unsigned bytes);
/* Have @fn called before file @name is read for the first time after each reset. The file must be there. */
void fw_cfg_on_fresh(struct dev *d, const char *name, fw_cfg_fresh_fn *fn, void *ctx);

/* The bytes of a file, still the device's; NULL: there is none. */
const void *fw_cfg_find(struct dev *d, const char *name, size_t *len);

#endif
