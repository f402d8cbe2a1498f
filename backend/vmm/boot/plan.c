#include "backend/vmm/boot/plan.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/vmm/boot/bootorder.h"
#include "backend/vmm/dev/fw_cfg.h"
#include "backend/vmm/machine.h"
#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/fmt.h"

#define KEY_TABLE 0x80f0 /* bootrom.S has it too */
#define KEY_DATA 0x80f1
#define KEY_ZEROS 0x80ff /* never set: reads as zeros */
#define TABLE_MAX 0x5000u
#define STEP (8u << 20) /* of one descriptor: what the guest's lock is held for */
#define DMA_READ 0x02
#define DMA_SELECT 0x08

extern const uint8_t bootrom_start[], bootrom_end[];

/* As bootrom.S reads it. */
struct table {
	uint16_t mode, n, seg, sp;
	uint32_t eip, eax, ebx, esi;
	uint32_t map, map_bytes, map_extra, total, total_extra, upper;
	uint16_t gdt_limit, gdt_base[2], unused;
	uint64_t gdt[3];
};
#define TABLE_GPA 0x1000u
_Static_assert(offsetof(struct table, upper) == 44 && offsetof(struct table, gdt_limit) == 48 &&
		   sizeof(struct table) == 80,
	       "bootrom.S knows these");

/* --- what goes where --- */

static bool has_room(const struct machine *m, uint64_t gpa, uint64_t end)
{
	if (gpa < 0x100000)
		return gpa >= PLAN_LOW && end <= PLAN_LOW_END;
	return m->mem.low_bytes > PLAN_BIOS_TOP && end <= m->mem.low_bytes - PLAN_BIOS_TOP;
}

static int plan_check(const struct machine *m, const struct boot_plan *p, const char *path, uint64_t gpa,
		      uint64_t len, uint64_t bytes, struct err *e)
{
	uint64_t end;
	char size[FMT_MAX];
	if (len > bytes || __builtin_add_overflow(gpa, bytes, &end) || !bytes)
		return err_set(e, EINVAL, "'%s' wants %llu bytes of memory at 0x%llx: it is damaged", path,
			       (unsigned long long)bytes, (unsigned long long)gpa);
	if (!has_room(m, gpa, end))
		return err_set(e, ENOSPC, "'%s' wants %s of guest memory at 0x%llx, %s", path,
			       fmt_bytes(bytes, size), (unsigned long long)gpa,
			       gpa < 0x100000 ? "where the BIOS has its own"
					      : "more than the guest has: raise <memory>");
	for (unsigned i = 0; i < p->npieces; i++)
		if (gpa < p->pieces[i].gpa + p->pieces[i].bytes && p->pieces[i].gpa < end)
			return err_set(e, EINVAL, "'%s' has two pieces at 0x%llx: it is damaged", path,
				       (unsigned long long)gpa);
	if (p->npieces == PLAN_PIECES_MAX)
		return err_set(e, E2BIG, "'%s' has more than %d pieces", path, PLAN_PIECES_MAX);
	return 0;
}

int plan_add(struct machine *m, struct boot_plan *p, const char *path, uint64_t gpa, const void *data,
	     uint64_t len, uint64_t bytes, struct err *e)
{
	int rc = plan_check(m, p, path, gpa, len, bytes, e);
	if (rc)
		return rc;
	p->pieces[p->npieces++] = (struct plan_piece){gpa, len, bytes};
	buf_add(&p->data, data, len);
	return 0;
}

int plan_add_file(struct machine *m, struct boot_plan *p, const char *path, int fd, uint64_t off,
		  uint64_t gpa, uint64_t len, uint64_t bytes, struct err *e)
{
	int rc = plan_check(m, p, path, gpa, len, bytes, e);
	if (rc)
		return rc;
	AUTO_FREE void *data = malloc(len ? len : 1);
	if (!data)
		return err_set(e, ENOMEM, "out of memory for '%s'", path);
	rc = fd_pread_all(fd, data, len, (off_t)off);
	if (rc == -ENODATA)
		return err_set(e, EINVAL, "'%s' is cut off: it ends before offset %llu", path,
			       (unsigned long long)(off + len));
	if (rc)
		return err_sys(e, -rc, "cannot read '%s'", path);
	return plan_add(m, p, path, gpa, data, len, bytes, e);
}

uint64_t plan_end(const struct boot_plan *p)
{
	uint64_t end = 0x100000;
	for (unsigned i = 0; i < p->npieces; i++)
		if (p->pieces[i].gpa + p->pieces[i].bytes > end)
			end = p->pieces[i].gpa + p->pieces[i].bytes;
	return end;
}

void plan_done(struct boot_plan *p)
{
	buf_done(&p->data);
}

/* --- as the ROM is told --- */

/* Descriptors of fw_cfg for @bytes at @gpa, from @key: its beginning, or with 0 what comes next of the one
 * that is selected. */
static void describe(struct buf *out, uint16_t key, uint64_t gpa, uint64_t bytes)
{
	while (bytes) {
		uint32_t n = bytes < STEP ? (uint32_t)bytes : STEP;
		struct {
			uint32_t control, length;
			uint64_t address;
		} d = {htobe32(key ? (uint32_t)key << 16 | DMA_SELECT | DMA_READ : DMA_READ), htobe32(n),
		       htobe64(gpa)};
		buf_add(out, &d, sizeof(d));
		gpa += n;
		bytes -= n;
		key = 0;
	}
}

static void table_of(const struct boot_plan *p, struct buf *out)
{
	AUTO_BUF struct buf d = {0};
	uint16_t key = KEY_DATA;
	for (unsigned i = 0; i < p->npieces; i++) {
		const struct plan_piece *k = &p->pieces[i];
		describe(&d, key, k->gpa, k->len);
		key = k->len ? 0 : key;
	}
	for (unsigned i = 0; i < p->npieces; i++) {
		const struct plan_piece *k = &p->pieces[i];
		describe(&d, KEY_ZEROS, k->gpa + k->len, k->bytes - k->len);
	}
	uint32_t gdt = TABLE_GPA + offsetof(struct table, gdt);
	struct table t = {
	    .mode = (uint16_t)p->mode,
	    .n = (uint16_t)(d.len / 16),
	    .seg = p->seg,
	    .sp = p->sp,
	    .eip = p->eip,
	    .eax = p->eax,
	    .ebx = p->ebx,
	    .esi = p->esi,
	    .map = p->map,
	    .map_bytes = p->map_bytes,
	    .map_extra = p->map_extra,
	    .total = p->total,
	    .total_extra = p->total_extra,
	    .upper = p->upper,
	    .gdt_limit = sizeof(t.gdt) - 1,
	    .gdt_base = {(uint16_t)gdt, (uint16_t)(gdt >> 16)},
	    .gdt = {0, 0x00cf9b000000ffff, 0x00cf93000000ffff},
	};
	buf_add(out, &t, sizeof(t));
	buf_add(out, d.s, d.len);
}

/* The ROM, its bytes made to add up to 0. */
static int tell_rom(struct dev *fw_cfg)
{
	size_t n = (size_t)(bootrom_end - bootrom_start);
	AUTO_FREE uint8_t *rom = malloc(n);
	uint8_t sum = 0;
	if (!rom)
		return -ENOMEM;
	memcpy(rom, bootrom_start, n);
	for (size_t i = 0; i < n; i++)
		sum = (uint8_t)(sum + rom[i]);
	rom[n - 1] = (uint8_t)(rom[n - 1] - sum);
	return fw_cfg_file(fw_cfg, BOOT_ROM_FILE, rom, n);
}

int plan_tell(struct dev *fw_cfg, const struct boot_plan *p)
{
	AUTO_BUF struct buf table = {0};
	table_of(p, &table);
	if (table.len > TABLE_MAX)
		return -E2BIG;
	int rc = fw_cfg_set(fw_cfg, KEY_TABLE, table.s, table.len);
	if (!rc)
		rc = fw_cfg_set(fw_cfg, KEY_DATA, p->data.s, p->data.len);
	return rc ? rc : tell_rom(fw_cfg);
}
