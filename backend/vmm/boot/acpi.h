/* ACPI tables: for a directly booted kernel as they are to lie in memory, for firmware in the parts that its
 * table loader puts together. (ACPI 6.4; machine.md 1.6) */
#ifndef BACKEND_VMM_BOOT_ACPI_H
#define BACKEND_VMM_BOOT_ACPI_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/err.h"
#include "src/base/str.h"

struct machine;

#define ACPI_RSDP_GPA 0xE0000u /* direct boot: RSDP and tables from here, below 0xF0000 */
#define ACPI_RSDP_LEN 36u

/* What the tables depend on. */
struct acpi_config {
	unsigned vcpus;           /* started; APIC ids as in apic_ids[] */
	const uint8_t *apic_ids;
	uint16_t pm_base;         /* PIIX4 PMBASE */
	uint64_t low_bytes, high_bytes; /* RAM below and above 4 GiB */
	bool serial[2];           /* COM1, COM2 are there */
	bool ps2;
	bool vga;                 /* probing for a VGA card is fine */
	bool fw_cfg;
};

#define ACPI_PM_BASE 0x600u /* where we put PMBASE for a direct boot */
#define ACPI_SMB_BASE 0x700u /* and the SMBus */

/* All that depends on where the tables lie: offsets from the RSDP. */
#define ACPI_FIXUPS 16
struct acpi_fixups {
	struct acpi_pointer {
		size_t at;
		unsigned bytes;
	} pointers[ACPI_FIXUPS];
	unsigned npointers;
	struct acpi_sum {
		size_t at, start, len;
	} sums[ACPI_FIXUPS];
	unsigned nsums;
};

/* All tables as they are to lie at @gpa (RSDP first, 16-byte aligned; FACS 64-byte aligned). */
void acpi_build(const struct acpi_config *c, uint64_t gpa, struct buf *out);
void acpi_build_fixups(const struct acpi_config *c, uint64_t gpa, struct buf *out,
		       struct acpi_fixups *fixups);

/* The same as three files of fw_cfg: etc/acpi/rsdp, etc/acpi/tables, and the commands of etc/table-loader
 * that put them into memory. Lengths depend on everything but @c->pm_base. */
void acpi_build_loader(const struct acpi_config *c, struct buf *rsdp, struct buf *tables, struct buf *loader);

/* The machine's, with @ids (DOMAIN_VCPUS_MAX bytes) to keep APIC ids in. */
struct acpi_config acpi_config_of(const struct machine *m, uint16_t pm_base, uint8_t *ids);

#endif
