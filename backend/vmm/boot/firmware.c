/* What firmware finds: itself, below 4 GiB and below 1 MiB, and in fw_cfg the machine and what the domain
 * wants to be booted. The tables of ACPI are made when firmware first asks for them, since they say where it
 * has put the power management registers, and each firmware chooses its own place (machine.md, T3). */
#include "backend/vmm/boot/firmware.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "backend/vmm/boot/acpi.h"
#include "backend/vmm/boot/boot.h"
#include "backend/vmm/boot/bootorder.h"
#include "backend/vmm/boot/smbios.h"
#include "backend/vmm/dev/fw_cfg.h"
#include "backend/vmm/device.h"
#include "backend/vmm/machine.h"
#include "backend/vmm/pci.h"
#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/fmt.h"

#define IMAGE_MAX (16u << 20) /* the space from the LAPIC's page on */
#define PAGE 4096u
#define SPLASH_MAX (8u << 20)
#define COM1 0x3f8
#define PM_SLOT 1
#define PM_FUNCTION 3
#define PM_BASE_REG 0x40

/* --- the image --- */

static int image_read(struct firmware *f, int fd, const char *path, struct err *e)
{
	struct stat st;
	char size[FMT_MAX];
	if (fstat(fd, &st) < 0)
		return err_sys(e, errno, "cannot read firmware '%s'", path);
	f->bytes = (uint64_t)st.st_size;
	if (f->bytes < FIRMWARE_MIN || f->bytes > IMAGE_MAX || f->bytes % PAGE)
		return err_set(e, EINVAL,
			       "'%s' (%s) is no firmware of a PC: 64 KiB to 16 MiB in whole pages", path,
			       fmt_bytes(f->bytes, size));
	void *p = mmap(NULL, f->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return err_sys(e, errno, "cannot map firmware '%s'", path);
	f->image = p;
	int rc = fd_pread_all(fd, p, f->bytes, 0);
	return rc ? err_sys(e, -rc, "cannot read firmware '%s'", path) : 0;
}

/* A copy: a mapping of the file would kill us where the host has no room for one of its pages. */
static int nvram_read(struct firmware *f, const char *path, struct err *e)
{
	struct stat st;
	if (f->nvram_fd < 0)
		return 0;
	if (fstat(f->nvram_fd, &st) < 0)
		return err_sys(e, errno, "cannot read the variable store '%s'", path);
	uint64_t bytes = (uint64_t)st.st_size;
	if (!bytes || bytes % PAGE || bytes > IMAGE_MAX - f->bytes)
		return err_set(e, EINVAL,
			       "'%s' (%llu bytes) is no variable store for this firmware: take the template "
			       "that comes with it",
			       path, (unsigned long long)bytes);
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return err_sys(e, errno, "no memory for the variable store '%s'", path);
	f->nvram = p;
	f->nvram_bytes = bytes;
	int rc = fd_pread_all(f->nvram_fd, p, bytes, 0);
	return rc ? err_sys(e, -rc, "cannot read the variable store '%s'", path) : 0;
}

int firmware_load(struct machine *m, struct err *e)
{
	bool bios = false;
	int rc = m->domain->kernel ? boot_wants_bios(m, &bios, e) : 0;
	if (rc)
		return rc;
	AUTO_CLOSE int fd = named_take(&m->fds, "firmware");
	if (m->domain->kernel && !bios) { /* the launcher gave it for the case */
		fd_close(named_take(&m->fds, "vga.rom"));
		return 0;
	}
	if (fd < 0)
		return 0;
	m->firmware = calloc(1, sizeof(*m->firmware));
	struct firmware *f = m->firmware;
	if (!f)
		return err_set(e, ENOMEM, "out of memory");
	f->nvram_fd = named_take(&m->fds, "nvram");
	rc = image_read(f, fd, m->domain->loader ? m->domain->loader : "the system's", e);
	if (!rc)
		rc = nvram_read(f, m->domain->nvram ? m->domain->nvram : "the guest's own", e);
	if (rc)
		return rc;
	rc = memory_overlay(&m->mem, "firmware", MEM_HIGH_BASE - f->bytes, f->bytes, f->image, MEM_READONLY);
	if (!rc)
		rc = memory_commit(&m->mem);
	return rc ? err_sys(e, -rc, "cannot place the firmware") : 0;
}

void firmware_free(struct machine *m)
{
	struct firmware *f = m->firmware;
	if (f && f->image)
		munmap(f->image, f->bytes);
	if (f && f->nvram)
		munmap(f->nvram, f->nvram_bytes);
	if (f)
		fd_close(f->nvram_fd);
	free(f);
	m->firmware = NULL;
}

/* --- what it is told --- */

static uint16_t pm_base(const struct machine *m)
{
	uint16_t base = (uint16_t)pci_config_read(m->pci, PM_SLOT, PM_FUNCTION, PM_BASE_REG, 2) & 0xffc0;
	return base ? base : ACPI_PM_BASE;
}

static int tell_acpi(struct dev *d)
{
	AUTO_BUF struct buf rsdp = {0};
	AUTO_BUF struct buf tables = {0};
	AUTO_BUF struct buf loader = {0};
	uint8_t ids[DOMAIN_VCPUS_MAX];
	struct acpi_config c = acpi_config_of(d->m, pm_base(d->m), ids);
	acpi_build_loader(&c, &rsdp, &tables, &loader);
	int rc = fw_cfg_file(d, "etc/acpi/rsdp", rsdp.s, rsdp.len);
	if (!rc)
		rc = fw_cfg_file(d, "etc/acpi/tables", tables.s, tables.len);
	return rc ? rc : fw_cfg_file(d, "etc/table-loader", loader.s, loader.len);
}

static void acpi_fresh(struct dev *d, void *ctx)
{
	tell_acpi(d);
}

static int tell_smbios(struct dev *d)
{
	AUTO_BUF struct buf entry = {0};
	AUTO_BUF struct buf tables = {0};
	smbios_build_files(d->m, &entry, &tables);
	int rc = fw_cfg_file(d, "etc/smbios/smbios-anchor", entry.s, entry.len);
	return rc ? rc : fw_cfg_file(d, "etc/smbios/smbios-tables", tables.s, tables.len);
}

static int tell_memory(struct dev *d)
{
	const struct memory *mem = &d->m->mem;
	const struct boot_e820 map[] = {
		{0, mem->low_bytes, BOOT_E820_RAM}, /* first: what is below 4 GiB, in one piece (machine.md, T15) */
		{0xfeffc000, 0x4000, BOOT_E820_RESERVED}, /* KVM's own pages */
		{MEM_HIGH_BASE, mem->ram_bytes - mem->low_bytes, BOOT_E820_RAM},
	};
	AUTO_BUF struct buf out = {0};
	for (unsigned i = 0; i < ARRAY_SIZE(map); i++) {
		if (!map[i].len)
			continue;
		buf_add(&out, &map[i].base, 8); /* little endian, as this host is */
		buf_add(&out, &map[i].len, 8);
		buf_add(&out, &map[i].type, 4);
	}
	return fw_cfg_file(d, "etc/e820", out.s, out.len);
}

static int tell_order(struct dev *d, bool first)
{
	AUTO_BUF struct buf paths = {0};
	bootorder_paths(d->m->domain, first, &paths);
	return paths.len || !first ? fw_cfg_file(d, "bootorder", buf_text(&paths), paths.len + 1) : 0;
}

static int tell_boot_order(struct dev *d)
{
	return tell_order(d, true);
}

int firmware_again(struct machine *m)
{
	struct firmware *f = m->firmware;
	bool again = f->booted;
	f->booted = true;
	return again && m->domain->nboot_once ? tell_order(dev_find(m, "fw-cfg"), false) : 0;
}

/* What SeaBIOS shows behind its menu: a JPEG or a BMP. */
static int tell_splash(struct machine *m, struct dev *d, struct err *e)
{
	AUTO_FREE char *data = NULL;
	const char *path = m->domain->splash;
	size_t len;
	int fd = named_get(&m->fds, "splash");
	if (fd < 0 || !path)
		return 0;
	int rc = file_read_fd(fd, SPLASH_MAX, &data, &len);
	if (rc)
		return err_sys(e, -rc, "splash '%s': cannot be read, or has more than 8 MiB", path);
	bool jpeg = len > 2 && !memcmp(data, "\xff\xd8", 2), bmp = len > 2 && !memcmp(data, "BM", 2);
	if (!jpeg && !bmp)
		return err_set(e, EINVAL, "splash '%s' is neither a JPEG nor a BMP picture", path);
	rc = fw_cfg_file(d, jpeg ? "bootsplash.jpg" : "bootsplash.bmp", data, len);
	return rc ? err_sys(e, -rc, "splash '%s'", path) : 0;
}

/* SeaBIOS answers on a serial line where there is nothing else to see it on, or where the domain wants it. */
static bool on_serial(const struct domain *d)
{
	return d->bios_serial || !d->video;
}

static int tell_settings(struct dev *d)
{
	static const uint8_t system_states[6] = {0x80, 0, 0, 0x01, 0x02, 0x80}; /* S3 and S4 are not offered */
	const struct domain *dom = d->m->domain;
	uint32_t retry = dom->reboot_timeout_ms < 0 ? UINT32_MAX : (uint32_t)dom->reboot_timeout_ms;
	int rc = fw_cfg_file(d, "etc/system-states", system_states, sizeof(system_states));
	if (!rc)
		rc = fw_cfg_file_int(d, "etc/boot-fail-wait", retry, 4);
	if (!rc && dom->boot_menu)
		rc = fw_cfg_file_int(d, "etc/show-boot-menu", 1, 2);
	if (!rc && dom->boot_menu_ms)
		rc = fw_cfg_file_int(d, "etc/boot-menu-wait",
				     dom->boot_menu_ms < 0xffff ? dom->boot_menu_ms : 0xffff, 2);
	if (!rc && on_serial(dom) && d->m->consoles[0])
		rc = fw_cfg_file_int(d, "etc/sercon-port", COM1, 2);
	return rc;
}

static int tell_keys(struct dev *d)
{
	const struct domain *dom = d->m->domain;
	const struct {
		enum fw_cfg_key key;
		uint8_t bytes;
		uint64_t v;
	} keys[] = {
		{FW_CFG_RAM_SIZE, 8, d->m->mem.ram_bytes},
		{FW_CFG_NOGRAPHIC, 2, !dom->video},
		{FW_CFG_NB_CPUS, 2, dom->vcpus},
		{FW_CFG_MAX_CPUS, 2, dom->vcpus},
		{FW_CFG_BOOT_MENU, 2, dom->boot_menu},
		{FW_CFG_IRQ0_OVERRIDE, 1, 1},
	};
	for (unsigned i = 0; i < ARRAY_SIZE(keys); i++) {
		int rc = fw_cfg_set_int(d, keys[i].key, keys[i].v, keys[i].bytes);
		if (rc)
			return rc;
	}
	return 0;
}

/* So many bytes has the floppy whose image has @bytes: SeaBIOS knows a floppy's tracks by them. An image that
 * is none of these is one of 3.5 inches whose end was left out, as those of GRUB are. 0: larger than any. */
static size_t floppy_bytes(uint64_t bytes)
{
	static const unsigned sizes[] = {163840, 184320, 327680, 368640, 737280, 1228800};
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++)
		if (bytes == sizes[i])
			return bytes;
	return bytes <= 1474560 ? 1474560 : bytes <= 2949120 ? 2949120 : 0;
}

/* The floppy as the firmware keeps it: read once, written nowhere. */
static int tell_floppy(struct machine *m, struct dev *d, struct err *e)
{
	int fd = named_get(&m->fds, "disk:fda");
	struct stat st;
	if (fd < 0)
		return 0;
	if (fstat(fd, &st) < 0)
		return err_sys(e, errno, "disk 'fda': cannot look at the image");
	size_t bytes = floppy_bytes((uint64_t)st.st_size);
	if (!bytes || !st.st_size)
		return err_set(e, EINVAL, "disk 'fda': no floppy has %lld bytes: 1474560 are the usual ones, "
			       "2949120 the most",
			       (long long)st.st_size);
	AUTO_FREE char *image = calloc(1, bytes);
	if (!image)
		return err_set(e, ENOMEM, "disk 'fda': out of memory");
	int rc = fd_pread_all(fd, image, (size_t)st.st_size, 0);
	if (!rc)
		rc = fw_cfg_file(d, BOOT_FLOPPY_FILE, image, bytes);
	return rc ? err_sys(e, -rc, "disk 'fda': cannot read the image") : 0;
}

int firmware_tell(struct machine *m, struct err *e)
{
	static int (*const parts[])(struct dev *) = {
		tell_keys, tell_memory, tell_acpi, tell_smbios, tell_boot_order, tell_settings,
	};
	static const char *const acpi[] = {"etc/acpi/rsdp", "etc/acpi/tables", "etc/table-loader"};
	struct dev *d = dev_find(m, "fw-cfg");
	for (unsigned i = 0; i < ARRAY_SIZE(parts); i++) {
		int rc = parts[i](d);
		if (rc)
			return err_sys(e, -rc, "cannot tell the firmware about the machine");
	}
	for (unsigned i = 0; i < ARRAY_SIZE(acpi); i++)
		fw_cfg_on_fresh(d, acpi[i], acpi_fresh, NULL);
	int rc = tell_floppy(m, d, e);
	if (!rc)
		rc = tell_splash(m, d, e);
	return !rc && m->domain->kernel ? boot_through_bios(m, d, e) : rc;
}
