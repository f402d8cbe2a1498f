/* Direct boot: the kernel, initrd and command line of <os>, with the tables that firmware would leave. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/vmm/boot/acpi.h"
#include "backend/vmm/boot/image.h"
#include "backend/vmm/boot/plan.h"
#include "backend/vmm/boot/smbios.h"
#include "backend/vmm/device.h"
#include "backend/vmm/machine.h"
#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/fmt.h"

#define TABLES_END 0x100000u
#define MIB (1ull << 20)

unsigned boot_e820(const struct machine *m, struct boot_e820 out[BOOT_E820_MAX])
{
	const struct boot_e820 map[] = {
		{0, BOOT_EBDA_GPA, BOOT_E820_RAM},
		{BOOT_EBDA_GPA, 0xa0000 - BOOT_EBDA_GPA, BOOT_E820_RESERVED},
		{ACPI_RSDP_GPA, TABLES_END - ACPI_RSDP_GPA, BOOT_E820_RESERVED},
		{MIB, m->mem.low_bytes - MIB, BOOT_E820_RAM},
		{0xfeffc000, 0x4000, BOOT_E820_RESERVED}, /* KVM's own pages */
		{MEM_HIGH_BASE, m->mem.ram_bytes - m->mem.low_bytes, BOOT_E820_RAM},
	};
	unsigned n = 0;
	for (unsigned i = 0; i < ARRAY_SIZE(map); i++)
		if (map[i].len)
			out[n++] = map[i];
	return n;
}

int boot_load(struct machine *m, const struct boot_image *k, uint64_t off, uint64_t gpa, uint64_t len,
	      struct err *e)
{
	if (!len)
		return 0;
	void *p = gm_ptr(&m->mem, gpa, len, true);
	char size[FMT_MAX];
	if (!p)
		return err_set(
		    e, ENOSPC,
		    "'%s' needs %s of guest memory at 0x%llx, beyond what the guest has: raise <memory>",
		    k->path, fmt_bytes(len, size), (unsigned long long)gpa);
	int rc = fd_pread_all(k->fd, p, len, (off_t)off);
	if (rc == -ENODATA)
		return err_set(e, EINVAL, "'%s' is cut off: it ends before offset %llu", k->path,
		               (unsigned long long)(off + len));
	return rc ? err_sys(e, -rc, "cannot read '%s'", k->path) : 0;
}

/* As high as the kernel allows, below the end of low memory. */
static int load_initrd(struct machine *m, struct boot_image *k, struct err *e)
{
	struct boot_module *i = &k->modules[0];
	if (!k->nmodules)
		return 0;
	uint64_t top = k->initrd_max < m->mem.low_bytes ? k->initrd_max + 1 : m->mem.low_bytes;
	uint64_t size = (i->len + 0xfff) & ~0xfffull;
	top &= ~0xfffull;
	char want[FMT_MAX], have[FMT_MAX];
	if (size > top || top - size < k->load_end)
		return err_set(
		    e, ENOSPC,
		    "initrd '%s' (%s) does not fit beside the kernel into %s of guest memory: raise <memory>",
		    i->path, fmt_bytes(i->len, want), fmt_bytes(m->mem.ram_bytes, have));
	struct boot_image file = {.fd = i->fd, .path = i->path};
	i->gpa = top - size;
	return boot_load(m, &file, 0, i->gpa, i->len, e);
}

static int write_cmdline(struct machine *m, const struct boot_image *k, struct err *e)
{
	const char *text = m->domain->cmdline ? m->domain->cmdline : "";
	size_t n = strlen(text),
	       max = k->cmdline_max < BOOT_CMDLINE_MAX - 1 ? k->cmdline_max : BOOT_CMDLINE_MAX - 1;
	if (n > max)
		return err_set(e, E2BIG, "<cmdline> has %zu bytes, the kernel takes %zu: shorten it", n, max);
	return gm_write(&m->mem, BOOT_CMDLINE_GPA, text, n + 1);
}

/* A flat GDT: the entry code's selectors 0x10 (code) and 0x18 (data). */
static int write_gdt(struct machine *m, bool long64)
{
	const uint64_t gdt[4] = {0, 0, long64 ? 0x00af9b000000ffff : 0x00cf9b000000ffff, 0x00cf93000000ffff};
	return gm_write(&m->mem, BOOT_GDT_GPA, gdt, sizeof(gdt));
}

static int write_tables(struct machine *m, struct err *e)
{
	uint8_t ids[DOMAIN_VCPUS_MAX];
	struct acpi_config c = acpi_config_of(m, ACPI_PM_BASE, ids);
	AUTO_BUF struct buf acpi = {0};
	acpi_build(&c, ACPI_RSDP_GPA, &acpi);
	if (acpi.len > SMBIOS_GPA - ACPI_RSDP_GPA)
		return err_set(e, ENOSPC, "ACPI tables of %zu bytes do not fit: use fewer vCPUs", acpi.len);
	AUTO_BUF struct buf smbios = {0};
	smbios_build(m, SMBIOS_GPA, &smbios);
	int rc = gm_write(&m->mem, ACPI_RSDP_GPA, acpi.s, acpi.len);
	return rc ? rc : gm_write(&m->mem, SMBIOS_GPA, smbios.s, smbios.len);
}

int boot_direct(struct machine *m, struct boot_entry *entry, struct err *e)
{
	AUTO_FREE struct boot_image *k = calloc(1, sizeof(*k));
	const struct boot_format *f;
	if (!k)
		return err_set(e, ENOMEM, "out of memory");
	int rc = boot_image_open(m, k, &f, e);
	if (!rc && !f->load)
		rc = err_set(e, ENOTSUP, "'%s' is %s, which needs the BIOS", k->path, f->name);
	if (!rc)
		rc = f->load(m, k, entry, e);
	if (!rc)
		rc = load_initrd(m, k, e);
	if (!rc)
		rc = write_cmdline(m, k, e);
	if (!rc)
		rc = write_tables(m, e);
	if (!rc)
		rc = f->finish(m, k, entry, e);
	boot_image_close(k);
	return rc ? rc : write_gdt(m, entry->mode == BOOT_LINUX64);
}

int boot_wants_bios(struct machine *m, bool *bios, struct err *e)
{
	AUTO_FREE struct boot_image *k = calloc(1, sizeof(*k));
	const struct boot_format *f;
	if (!k)
		return err_set(e, ENOMEM, "out of memory");
	int rc = boot_image_open(m, k, &f, e);
	*bios = !rc && f->wants_bios && f->wants_bios(k, m->domain);
	if (*bios && named_get(&m->fds, "firmware") < 0)
		rc = err_set(e, ENOENT,
			     "'%s' is %s that needs a BIOS first: install the package seabios",
			     k->path, f->name);
	boot_image_close(k);
	return rc;
}

int boot_through_bios(struct machine *m, struct dev *fw_cfg, struct err *e)
{
	AUTO_FREE struct boot_image *k = calloc(1, sizeof(*k));
	const struct boot_format *f;
	struct boot_plan p = {0};
	if (!k)
		return err_set(e, ENOMEM, "out of memory");
	int rc = boot_image_open(m, k, &f, e);
	if (!rc)
		rc = f->plan(m, k, &p, e);
	if (!rc && (rc = plan_tell(fw_cfg, &p)))
		rc = err_sys(e, -rc, "cannot give '%s' to the BIOS", k->path);
	plan_done(&p);
	boot_image_close(k);
	return rc;
}
