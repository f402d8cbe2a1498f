/* ACPI tables for a directly booted kernel and, later, for firmware's table loader. (ACPI 6.4; machine.md 1.6) */
#ifndef BACKEND_VMM_BOOT_ACPI_H
#define BACKEND_VMM_BOOT_ACPI_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/err.h"
#include "src/base/str.h"

#define ACPI_RSDP_GPA 0xE0000u /* direct boot: RSDP and tables from here, below 0xF0000 */

/* What the tables depend on. */
struct acpi_config {
	unsigned vcpus;           /* started; APIC ids as in apic_ids[] */
	const uint8_t *apic_ids;
	uint16_t pm_base;         /* PIIX4 PMBASE */
	uint64_t low_bytes, high_bytes; /* RAM below and above 4 GiB */
	bool serial[2];           /* COM1, COM2 are there */
	bool ps2;
};

#define ACPI_PM_BASE 0x600u /* where we put PMBASE for a direct boot */

/* All tables as they are to lie at @gpa (RSDP first, 16-byte aligned; FACS 64-byte aligned). */
void acpi_build(const struct acpi_config *c, uint64_t gpa, struct buf *out);

#endif
