/* The DSDT: the devices that a guest cannot find by itself. */
#ifndef BACKEND_VMM_BOOT_DSDT_H
#define BACKEND_VMM_BOOT_DSDT_H

#include "backend/vmm/boot/acpi.h"
#include "src/base/str.h"

/* Append its AML (without the table header). */
void dsdt_aml(const struct acpi_config *c, struct buf *out);

#endif
