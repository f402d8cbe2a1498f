/* Direct boot: the kernel, initrd and command line of <os>, with the tables that firmware would leave. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/vmm/boot/acpi.h"
#include "backend/vmm/boot/image.h"
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

static int image_open(struct machine *m, struct boot_image *k, struct err *e)
{
	struct stat st;
	k->path = m->domain->kernel;
	k->fd = named_get(&m->fds, "kernel");
	if (k->fd < 0 || !k->path)
		return err_set(e, ENOENT, "the guest has neither <kernel> nor firmware");
	if (fstat(k->fd, &st) < 0)
		return err_sys(e, errno, "cannot read '%s'", k->path);
	k->size = (uint64_t)st.st_size;
	k->setup_len = k->size < sizeof(k->setup) ? k->size : sizeof(k->setup);
	int rc = fd_pread_all(k->fd, k->setup, k->setup_len, 0);
	return rc ? err_sys(e, -rc, "cannot read '%s'", k->path) : 0;
}

/* As high as the kernel allows, below the end of low memory. */
static int load_initrd(struct machine *m, struct boot_image *k, struct err *e)
{
	int fd = named_get(&m->fds, "initrd");
	struct stat st;
	if (fd < 0)
		return 0;
	if (fstat(fd, &st) < 0)
		return err_sys(e, errno, "cannot read '%s'", m->domain->initrd);
	uint64_t top = k->initrd_max < m->mem.low_bytes ? k->initrd_max + 1 : m->mem.low_bytes;
	uint64_t len = (uint64_t)st.st_size, size = (len + 0xfff) & ~0xfffull;
	top &= ~0xfffull;
	char want[FMT_MAX], have[FMT_MAX];
	if (size > top || top - size < k->load_end)
		return err_set(
		    e, ENOSPC,
		    "initrd '%s' (%s) does not fit beside the kernel into %s of guest memory: raise <memory>",
		    m->domain->initrd, fmt_bytes(len, want), fmt_bytes(m->mem.ram_bytes, have));
	struct boot_image file = {.fd = fd, .path = m->domain->initrd};
	k->initrd_gpa = top - size;
	k->initrd_len = len;
	return boot_load(m, &file, 0, k->initrd_gpa, len, e);
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
	static const struct boot_format *const formats[] = {&boot_bzimage, &boot_elf};
	AUTO_FREE struct boot_image *k = calloc(1, sizeof(*k));
	if (!k)
		return err_set(e, ENOMEM, "out of memory");
	int rc = image_open(m, k, e);
	if (rc)
		return rc;
	const struct boot_format *f = NULL;
	for (size_t i = 0; !f && i < ARRAY_SIZE(formats); i++)
		if (formats[i]->probe(k))
			f = formats[i];
	if (!f)
		return err_set(e, EINVAL,
			       "'%s' is not a kernel: neither a Linux bzImage nor a 64-bit x86 ELF image",
			       k->path);
	if ((rc = f->load(m, k, entry, e)) || (rc = load_initrd(m, k, e)) || (rc = write_cmdline(m, k, e)) ||
	    (rc = write_tables(m, e)) || (rc = f->finish(m, k, entry, e)))
		return rc;
	return write_gdt(m, entry->mode == BOOT_LINUX64);
}
