/* A kernel that needs the BIOS: SeaBIOS runs first, then an option ROM of ours loads the kernel from fw_cfg,
 * piece by piece, and enters it. The plan says what goes where. Private to boot/. */
#ifndef BACKEND_VMM_BOOT_PLAN_H
#define BACKEND_VMM_BOOT_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/err.h"
#include "src/base/str.h"

struct dev;
struct machine;

#define PLAN_PIECES_MAX 128
#define PLAN_LOW 0x8000u        /* below are the BIOS' and our ROM's own data */
#define PLAN_LOW_END 0x9c000u   /* from here on the BIOS' again */
#define PLAN_BIOS_TOP 0x100000u /* so much at the end of memory below 4 GiB is SeaBIOS' at most */
#define PLAN_MAP_MAX 64         /* entries of the memory map */
#define PLAN_MAP_STRIDE 24

enum plan_mode { PLAN_REAL = 0, PLAN_PROTECTED = 1 };

struct plan_piece {
	uint64_t gpa;
	uint64_t len; /* of them in data; less than bytes: the rest is zeros */
	uint64_t bytes;
};

struct boot_plan {
	struct buf data;
	struct plan_piece pieces[PLAN_PIECES_MAX];
	unsigned npieces;

	enum plan_mode mode;
	uint16_t seg, sp;            /* real: DS, ES, FS, GS, SS; CS is 20h more, IP 0 */
	uint32_t eip, eax, ebx, esi; /* protected */
	/* The BIOS' memory map, as int 15h, E820h has it, for multiboot: guest addresses, 0: nowhere. */
	uint32_t map;                  /* of the first entry's base */
	uint32_t map_bytes, map_extra; /* where the map's length goes, and what is added to it */
	uint32_t total, total_extra;   /* the same */
	uint32_t upper;                /* where the KiB from 1 MiB on go */
};

/* @bytes of memory at @gpa: @data's @len, then zeros. -ENOSPC: the guest has not so much. */
int plan_add(struct machine *m, struct boot_plan *p, const char *path, uint64_t gpa, const void *data,
	     uint64_t len, uint64_t bytes, struct err *e);
/* The same from a file. */
int plan_add_file(struct machine *m, struct boot_plan *p, const char *path, int fd, uint64_t off,
		  uint64_t gpa, uint64_t len, uint64_t bytes, struct err *e);
/* The end of what has been added above 1 MiB. */
uint64_t plan_end(const struct boot_plan *p);
void plan_done(struct boot_plan *p);

/* Give @p and the ROM to the firmware. */
int plan_tell(struct dev *fw_cfg, const struct boot_plan *p);

#endif
