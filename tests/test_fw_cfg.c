/* fw_cfg: the device as firmware reads it, and what a PC's firmware finds in it. The table loader's script is
 * carried out here as SeaBIOS and OVMF do it. */
#include "tests/fwlib.h"
#include "tests/testlib.h"

#include <endian.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "backend/vmm/boot/acpi.h"
#include "backend/vmm/chardev.h"
#include "backend/vmm/dev/fw_cfg.h"
#include "backend/vmm/pci.h"
#include "src/base/cleanup.h"
#include "src/base/str.h"

#define DESC 0x1000u
#define BUFFER 0x2000u

enum { ERROR = 1, READ = 2, SKIP = 4, SELECT = 8, WRITE = 16 };

static struct vmm_test *t;
static struct dev *cfg;
static struct firmware fw;

static void setup(void)
{
	t = vmm_start(1);
	cfg = vmm_dev(t, "fw-cfg", 0);
}

static void teardown(void)
{
	domain_free(t->m.domain);
	vmm_stop(t);
	free(TAKE_PTR(fw.image));
}

static void by_port(uint16_t key, void *out, size_t n)
{
	vmm_out(t, 0x510, 2, key);
	for (size_t i = 0; i < n; i++)
		((uint8_t *)out)[i] = in8(t, 0x511);
}

static void kick(uint64_t desc)
{
	if (desc >> 32)
		vmm_out(t, 0x514, 4, htobe32((uint32_t)(desc >> 32)));
	vmm_out(t, 0x518, 4, htobe32((uint32_t)desc));
}

/* Carry out one descriptor; its control afterwards. */
static uint32_t dma(uint32_t control, uint32_t len, uint64_t gpa)
{
	struct {
		uint32_t control, len;
		uint64_t gpa;
	} d = {htobe32(control), htobe32(len), htobe64(gpa)};
	gm_write(&t->m.mem, DESC, &d, sizeof(d));
	kick(DESC);
	gm_read(&t->m.mem, DESC, &d, sizeof(d));
	return be32toh(d.control);
}

/* --- the device --- */

START_TEST(it_says_what_it_is)
{
	char text[9] = "";
	uint32_t id;
	by_port(FW_CFG_SIGNATURE, text, 4);
	ck_assert_str_eq(text, "QEMU");
	by_port(FW_CFG_ID, &id, 4);
	ck_assert_uint_eq(le32toh(id), 3);
	for (unsigned i = 0; i < 8; i++)
		text[i] = (char)in8(t, (uint16_t)(0x514 + i));
	ck_assert_str_eq(text, "QEMU CFG");
	ck_assert_uint_eq(vmm_in(t, 0x518, 4), htobe32(0x20434647));
}
END_TEST

START_TEST(nothing_reads_as_zeros)
{
	uint8_t b[8];
	memset(b, 0xee, sizeof(b));
	by_port(0x1234, b, sizeof(b));
	for (unsigned i = 0; i < sizeof(b); i++)
		ck_assert_uint_eq(b[i], 0);
	by_port(FW_CFG_SIGNATURE, b, sizeof(b));
	ck_assert(!memcmp(b, "QEMU\0\0\0\0", 8));
}
END_TEST

START_TEST(dma_selects_skips_and_reads)
{
	char got[6] = "";
	fw_cfg_file(cfg, "a", "abcdefgh", 8);
	ck_assert_uint_eq(dma(SELECT | SKIP | FW_CFG_FILE_FIRST << 16, 2, 0), 0);
	ck_assert_uint_eq(dma(READ, 3, BUFFER), 0);
	gm_read(&t->m.mem, BUFFER, got, 5);
	ck_assert_str_eq(got, "cde");
	ck_assert_uint_eq(dma(READ, 5, BUFFER), 0); /* goes on, over the end */
	gm_read(&t->m.mem, BUFFER, got, 5);
	ck_assert(!memcmp(got, "fgh\0\0", 5));
}
END_TEST

START_TEST(skipping_far_does_not_wrap)
{
	uint8_t b = 0xee;
	fw_cfg_file(cfg, "a", "abc", 3);
	dma(SELECT | SKIP | FW_CFG_FILE_FIRST << 16, UINT32_MAX, 0);
	dma(SKIP, UINT32_MAX, 0);
	dma(SKIP, 3, 0);
	ck_assert_uint_eq(dma(READ, 1, BUFFER), 0);
	gm_read(&t->m.mem, BUFFER, &b, 1);
	ck_assert_uint_eq(b, 0);
}
END_TEST

START_TEST(a_large_item_is_read_at_once)
{
	enum { LEN = 4 << 20 };
	AUTO_FREE uint8_t *item = malloc(LEN), *got = malloc(LEN);
	for (unsigned i = 0; i < LEN; i++)
		item[i] = (uint8_t)(i * 7 + i / 251);
	fw_cfg_file(cfg, "a", item, LEN);
	ck_assert_uint_eq(dma(SELECT | READ | FW_CFG_FILE_FIRST << 16, LEN, BUFFER), 0);
	gm_read(&t->m.mem, BUFFER, got, LEN);
	ck_assert_mem_eq(got, item, LEN);
}
END_TEST

static const struct {
	const char *what;
	uint32_t control, len;
	uint64_t gpa;
} refused[] = {
	{"more than anything has", READ, UINT32_MAX, BUFFER},
	{"more zeros than anybody needs", READ, (1 << 20) + 5, BUFFER},
	{"over the end of memory", READ, 2, (16 << 20) - 1},
	{"behind the end of memory", READ, 1, 16 << 20},
	{"into nothing", READ, 1, 0xfee00000},
	{"around the end of the address space", READ, 16, UINT64_MAX - 4},
	{"writing", WRITE, 4, BUFFER},
	{"writing a file", WRITE | SELECT | FW_CFG_FILE_FIRST << 16, 4, BUFFER},
};

START_TEST(dma_refuses)
{
	char sign[5] = "";
	fw_cfg_file(cfg, "a", "abcd", 4);
	ck_assert_msg(dma(refused[_i].control, refused[_i].len, refused[_i].gpa) == ERROR, "%s",
		      refused[_i].what);
	by_port(FW_CFG_SIGNATURE, sign, 4);
	ck_assert_str_eq(sign, "QEMU");
	by_port(FW_CFG_FILE_FIRST, sign, 4);
	ck_assert_str_eq(sign, "abcd");
}
END_TEST

START_TEST(a_descriptor_outside_memory_is_survived)
{
	static const uint64_t at[] = {16 << 20, (16 << 20) - 8, 0xffffffff, UINT64_MAX, 1ull << 63};
	for (unsigned i = 0; i < ARRAY_SIZE(at); i++)
		kick(at[i]);
	char sign[5] = "";
	by_port(FW_CFG_SIGNATURE, sign, 4);
	ck_assert_str_eq(sign, "QEMU");
}
END_TEST

START_TEST(descriptors_may_lie_above_4_gib)
{
	static uint8_t high[4096] __attribute__((aligned(4096)));
	memory_overlay(&t->m.mem, "high", 1ull << 32, sizeof(high), high, 0);
	ck_assert_int_eq(memory_commit(&t->m.mem), 0);
	uint32_t d[4] = {htobe32(READ | SELECT), htobe32(4), htobe32(1), htobe32(0x100)};
	memcpy(high + 16, d, sizeof(d));
	kick((1ull << 32) + 16);
	ck_assert(!memcmp(high + 0x100, "QEMU", 4));
	ck_assert(!memcmp(high + 16, "\0\0\0\0", 4));
}
END_TEST

START_TEST(odd_accesses_are_nothing)
{
	ck_assert_uint_eq(in8(t, 0x510), 0xff);
	ck_assert_uint_eq(vmm_in(t, 0x510, 2), 0xffff);
	out8(t, 0x511, 1);
	vmm_out(t, 0x514, 1, 0xff);
	vmm_out(t, 0x518, 2, 0xffff);
	vmm_out(t, 0x51a, 4, 0);
}
END_TEST

/* Key and size of a file by the directory; key 0: not there. */
static uint16_t find(const char *name, uint32_t *size)
{
	uint8_t head[4], e[64];
	by_port(FW_CFG_FILE_DIR, head, 4);
	for (unsigned n = be32toh(*(uint32_t *)head); n--;) {
		for (unsigned i = 0; i < sizeof(e); i++)
			e[i] = in8(t, 0x511);
		*size = be32toh(*(uint32_t *)e);
		if (!strcmp((char *)e + 8, name))
			return be16toh(*(uint16_t *)(e + 4));
	}
	return 0;
}

/* A file's contents, the caller's; NULL when there is none. */
static uint8_t *file(const char *name, uint32_t *size)
{
	uint16_t key = find(name, size);
	if (!key)
		return NULL;
	uint8_t *p = calloc(1, *size + 1);
	by_port(key, p, *size);
	return p;
}

START_TEST(the_directory_is_sorted)
{
	uint8_t head[4], e[64];
	char last[56] = "";
	fw_cfg_file(cfg, "etc/b", "12", 2);
	fw_cfg_file(cfg, "etc/a", "1", 1);
	fw_cfg_file(cfg, "bootorder", "123", 3);
	fw_cfg_file(cfg, "etc/b", "1234", 4); /* anew, under the key it had */
	by_port(FW_CFG_FILE_DIR, head, 4);
	ck_assert_uint_eq(be32toh(*(uint32_t *)head), 3);
	for (unsigned n = 0; n < 3; n++) {
		for (unsigned i = 0; i < sizeof(e); i++)
			e[i] = in8(t, 0x511);
		ck_assert_int_gt(strcmp((char *)e + 8, last), 0);
		strcpy(last, (char *)e + 8);
	}
	uint32_t size;
	ck_assert_uint_eq(find("etc/b", &size), FW_CFG_FILE_FIRST);
	ck_assert_uint_eq(size, 4);
}
END_TEST

START_TEST(it_is_full_at_some_time)
{
	char name[16];
	int rc = 0;
	for (unsigned i = 0; i < 2 * FW_CFG_ITEMS_MAX && !rc; i++) {
		snprintf(name, sizeof(name), "f%u", i);
		rc = fw_cfg_file(cfg, name, "x", 1);
	}
	ck_assert_int_eq(rc, -ENOSPC);
}
END_TEST

static void count(struct dev *d, void *ctx)
{
	++*(unsigned *)ctx;
}

START_TEST(contents_are_made_once_a_boot)
{
	unsigned n = 0;
	fw_cfg_file(cfg, "a", "x", 1);
	fw_cfg_on_fresh(cfg, "a", count, &n);
	ck_assert_uint_eq(n, 0);
	by_port(FW_CFG_FILE_FIRST, (char[1]){0}, 1);
	by_port(FW_CFG_FILE_FIRST, (char[1]){0}, 1);
	ck_assert_uint_eq(n, 1);
	cfg->type->reset(cfg);
	by_port(FW_CFG_FILE_FIRST, (char[1]){0}, 1);
	ck_assert_uint_eq(n, 2);
}
END_TEST

/* --- what is in it --- */

static const char *more = ""; /* of the domain */

/* The machine of a domain with @os and @devices. */
static void tell(const char *os, const char *devices)
{
	struct err e = {0};
	AUTO_FREE char *xml =
	    x_asprintf("<domain type='kvm'><name>web1</name><memory unit='MiB'>16</memory><vcpu>2</vcpu>"
		       "<os><type machine='pc'>hvm</type>%s</os><devices>%s</devices>%s</domain>",
		       os, devices, more);
	ck_assert_msg(!domain_parse(xml, strlen(xml), "test", &t->m.domain, &e), "%s", e.msg);
	fw_give(t, &fw, 256 << 10);
	static const struct dev_def chips[] = {
		{.model = "piix3", .name = "isa-bridge", .addr = {.set = true, .slot = 1}},
		{.model = "piix4-pm", .name = "pm", .addr = {.set = true, .slot = 1, .function = 3}},
	};
	for (unsigned i = 0; i < ARRAY_SIZE(chips); i++)
		ck_assert_msg(!dev_new(&t->m, &chips[i], NULL, &e), "%s", e.msg);
	ck_assert_msg(!firmware_tell(&t->m, &e), "%s", e.msg);
	cfg->type->reset(cfg);
}

#define DISK(dev, bus, more)                                                                                            \
	"<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='/d/" dev "'/><target dev='" dev "' bus='" bus \
	"'/>" more "</disk>"
#define CD(dev, more)                                                                                                   \
	"<disk type='file' device='cdrom'><driver name='qemu' type='raw'/><source file='/d/" dev "'/><target dev='" dev         \
	"' bus='ide'/><readonly/>" more "</disk>"
#define AT(slot) "<address type='pci' domain='0' bus='0' slot='" slot "' function='0'/>"

static const struct {
	const char *os, *devices, *want;
} orders[] = {
	{"", "", NULL},
	{"", DISK("vda", "virtio", AT("0x1f")), "/pci@i0cf8/scsi@1f/disk@0,0\nHALT"},
	{"", CD("hdc", "") DISK("hda", "ide", ""),
         "/pci@i0cf8/ide@1,1/drive@0/disk@0\n/pci@i0cf8/ide@1,1/drive@1/disk@0\nHALT"},
	{"<boot dev='cdrom'/><boot dev='hd'/>", DISK("vda", "virtio", AT("5")) CD("hdd", ""),
         "/pci@i0cf8/ide@1,1/drive@1/disk@1\n/pci@i0cf8/scsi@5/disk@0,0\nHALT"},
	{"<boot dev='cdrom'/>", DISK("vda", "virtio", AT("5")) CD("hdb", ""), "/pci@i0cf8/ide@1,1/drive@0/disk@1\nHALT"},
	{"",
         DISK("vda", "virtio", "<boot order='7'/>" AT("5")) DISK("vdb", "virtio", AT("6"))
             DISK("vdc", "virtio", "<boot order='2'/>" AT("7")),
         "/pci@i0cf8/scsi@7/disk@0,0\n/pci@i0cf8/scsi@5/disk@0,0\nHALT"},
};

START_TEST(devices_are_tried_in_the_domains_order)
{
	uint32_t n;
	tell(orders[_i].os, orders[_i].devices);
	AUTO_FREE char *got = (char *)file("bootorder", &n);
	if (!orders[_i].want)
		ck_assert_ptr_null(got);
	else
		ck_assert_str_eq(got, orders[_i].want);
	if (got)
		ck_assert_uint_eq(n, strlen(got) + 1);
}
END_TEST

/* Little-endian value of a small file, or of a key; -1: there is no such file. */
static int64_t number(const char *name)
{
	uint32_t n;
	uint64_t v = 0;
	AUTO_FREE uint8_t *p = file(name, &n);
	if (!p)
		return -1;
	memcpy(&v, p, n < 8 ? n : 8);
	return (int64_t)v;
}

START_TEST(settings_follow_the_domain)
{
	uint16_t cpus = 0;
	uint64_t ram = 0;
	tell("<bootmenu enable='yes' timeout='3000'/><bios rebootTimeout='5000'/>",
	     "<video><model type='vga'/></video>");
	ck_assert_int_eq(number("etc/show-boot-menu"), 1);
	ck_assert_int_eq(number("etc/boot-menu-wait"), 3000);
	ck_assert_int_eq(number("etc/boot-fail-wait"), 5000);
	ck_assert_int_eq(number("etc/sercon-port"), -1);
	by_port(FW_CFG_NB_CPUS, &cpus, 2);
	by_port(FW_CFG_RAM_SIZE, &ram, 8);
	ck_assert_uint_eq(cpus, 2);
	ck_assert_uint_eq(ram, 16 << 20);
}
END_TEST

START_TEST(settings_have_defaults)
{
	t->m.consoles[0] = (struct chardev *)&t->m; /* only looked at whether it is there */
	tell("", "");
	ck_assert_int_eq(number("etc/show-boot-menu"), -1);
	ck_assert_int_eq(number("etc/boot-menu-wait"), -1);
	ck_assert_int_eq(number("etc/boot-fail-wait"), UINT32_MAX); /* never */
	ck_assert_int_eq(number("etc/sercon-port"), 0x3f8); /* nowhere else to show anything */
	t->m.consoles[0] = NULL;
}
END_TEST

START_TEST(memory_is_told_from_0_on)
{
	uint32_t n;
	tell("", "");
	AUTO_FREE uint8_t *p = file("etc/e820", &n);
	ck_assert_ptr_nonnull(p);
	ck_assert_uint_eq(n % 20, 0);
	uint64_t v[2];
	memcpy(v, p, 16);
	ck_assert_uint_eq(v[0], 0);
	ck_assert_uint_eq(v[1], 16 << 20);
	ck_assert_uint_eq(p[16], 1);
}
END_TEST

/* --- the table loader --- */

#define RSDP_AT 0xf5000u
#define TABLES_AT 0x800000u

static uint64_t get(const uint8_t *p, unsigned n)
{
	uint64_t v = 0;
	memcpy(&v, p, n);
	return v;
}

static uint8_t sum(const uint8_t *p, size_t n)
{
	uint8_t s = 0;
	while (n--)
		s += *p++;
	return s;
}

static uint64_t place(const char *name)
{
	ck_assert(!strcmp(name, "etc/acpi/rsdp") || !strcmp(name, "etc/acpi/tables"));
	return !strcmp(name, "etc/acpi/rsdp") ? RSDP_AT : TABLES_AT;
}

static void command(const uint8_t *c)
{
	uint8_t *ram = t->m.mem.ram;
	const char *name = (const char *)c + 4;
	uint64_t base = place(name);
	uint32_t n;
	switch (get(c, 4)) {
	case 1: {
		AUTO_FREE uint8_t *p = file(name, &n);
		ck_assert_uint_eq(base % get(c + 60, 4), 0);
		ck_assert_uint_eq(c[64], base == RSDP_AT ? 2 : 1);
		memcpy(ram + base, p, n);
		break;
	}
	case 2: {
		uint8_t *at = ram + base + get(c + 116, 4);
		uint64_t v = get(at, c[120]) + place((const char *)c + 60);
		memcpy(at, &v, c[120]);
		break;
	}
	case 3: {
		uint8_t *at = ram + base + get(c + 60, 4);
		ck_assert_uint_eq(*at, 0); /* OVMF's way counts it in */
		*at = (uint8_t)-sum(ram + base + get(c + 64, 4), get(c + 68, 4));
		break;
	}
	default:
		ck_abort_msg("command %llu", (unsigned long long)get(c, 4));
	}
}

static const uint8_t *table(uint64_t gpa, const char *signature)
{
	const uint8_t *p = t->m.mem.ram + gpa;
	ck_assert_uint_ge(gpa, TABLES_AT);
	ck_assert_msg(!memcmp(p, signature, 4), "%.4s is not %s", (const char *)p, signature);
	if (strcmp(signature, "FACS") != 0)
		ck_assert_uint_eq(sum(p, get(p + 4, 4)), 0);
	return p;
}

/* Load the tables as firmware does; the FADT. */
static const uint8_t *load_tables(void)
{
	uint32_t n;
	AUTO_FREE uint8_t *script = file("etc/table-loader", &n);
	ck_assert_ptr_nonnull(script);
	ck_assert_uint_eq(n % 128, 0);
	for (uint32_t at = 0; at < n; at += 128)
		command(script + at);
	const uint8_t *rsdp = t->m.mem.ram + RSDP_AT;
	ck_assert(!memcmp(rsdp, "RSD PTR ", 8));
	ck_assert_uint_eq(sum(rsdp, 20), 0);
	ck_assert_uint_eq(sum(rsdp, 36), 0);
	const uint8_t *xsdt = table(get(rsdp + 24, 8), "XSDT"), *rsdt = table(get(rsdp + 16, 4), "RSDT");
	ck_assert_uint_eq(get(xsdt + 36, 8), get(rsdt + 36, 4));
	table(get(xsdt + 44, 8), "APIC");
	return table(get(xsdt + 36, 8), "FACP");
}

static void set_pm_base(uint16_t base)
{
	pci_config_write(t->m.pci, 1, 3, 0x40, 4, base | 1);
	pci_config_write(t->m.pci, 1, 3, 0x80, 1, 1);
}

START_TEST(tables_are_loaded_by_script)
{
	tell("", "");
	set_pm_base(0x600);
	const uint8_t *fadt = load_tables();
	const uint8_t *dsdt = table(get(fadt + 140, 8), "DSDT"), *facs = table(get(fadt + 36, 4), "FACS");
	ck_assert_uint_eq(get(fadt + 40, 4), get(fadt + 140, 8));
	ck_assert_uint_eq(get(fadt + 36, 4), get(fadt + 132, 8));
	ck_assert_ptr_nonnull(dsdt);
	ck_assert_uint_eq((size_t)(facs - t->m.mem.ram) % 64, 0);
}
END_TEST

START_TEST(tables_say_where_firmware_has_put_the_registers)
{
	static const uint16_t bases[] = {0x600, 0xb000};
	tell("", "");
	for (unsigned i = 0; i < ARRAY_SIZE(bases); i++) {
		set_pm_base(bases[i]); /* T3 */
		const uint8_t *fadt = load_tables();
		ck_assert_uint_eq(get(fadt + 56, 4), bases[i]);
		ck_assert_uint_eq(get(fadt + 76, 4), bases[i] + 8u);
		ck_assert_uint_eq(get(fadt + 212, 8), bases[i] + 8u);
		cfg->type->reset(cfg);
	}
}
END_TEST

static const struct {
	const char *devices;
	unsigned no_vga;
} screens[] = {{"", 4}, {"<video><model type='vga'/></video>", 0}};

START_TEST(tables_say_whether_there_is_a_vga)
{
	tell("", screens[_i].devices);
	ck_assert_uint_eq(get(load_tables() + 109, 2) & 4, screens[_i].no_vga);
}
END_TEST

START_TEST(smbios_is_an_entry_and_its_structures)
{
	uint32_t n, len;
	tell("", "");
	AUTO_FREE uint8_t *entry = file("etc/smbios/smbios-anchor", &n),
			  *tables = file("etc/smbios/smbios-tables", &len);
	ck_assert_uint_eq(n, 31);
	ck_assert(!memcmp(entry, "_SM_", 4));
	ck_assert_uint_eq(get(entry + 22, 2), len);
	ck_assert_uint_eq(tables[0], 1); /* type 0 is the firmware's own */
}
END_TEST

#define QEMU_BOOT(value)                                                                                     \
	"<qemu:commandline xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>"                         \
	"<qemu:arg value='-boot'/><qemu:arg value='" value "'/></qemu:commandline>"

START_TEST(an_order_for_the_first_boot_is_for_that_only)
{
	uint32_t n;
	more = QEMU_BOOT("once=d,order=c,reboot-timeout=7");
	tell("", DISK("vda", "virtio", AT("5")) CD("hdc", ""));
	more = "";
	ck_assert_int_eq(domain_startable(t->m.domain, NULL), 0);
	AUTO_FREE char *first = (char *)file("bootorder", &n);
	ck_assert_str_eq(first, "/pci@i0cf8/ide@1,1/drive@1/disk@0\nHALT");
	ck_assert_int_eq(number("etc/boot-fail-wait"), 7);
	ck_assert_int_eq(firmware_again(&t->m), 0); /* the start */
	AUTO_FREE char *same = (char *)file("bootorder", &n);
	ck_assert_str_eq(first, same);
	ck_assert_int_eq(firmware_again(&t->m), 0); /* a reset */
	AUTO_FREE char *then = (char *)file("bootorder", &n);
	ck_assert_str_eq(then, "/pci@i0cf8/scsi@5/disk@0,0\nHALT");
}
END_TEST

START_TEST(a_splash_is_shown_with_the_menu)
{
	struct err e = {0};
	uint32_t n;
	more = QEMU_BOOT("menu=on,splash=/p/x.jpg,splash-time=1500");
	tell("", "");
	more = "";
	int fd = memfd_create("splash", MFD_CLOEXEC);
	ck_assert_int_eq(write(fd, "\xff\xd8 jpeg", 7), 7);
	ck_assert_int_eq(named_add(&t->m.fds, "splash", fd), 0);
	ck_assert_msg(!firmware_tell(&t->m, &e), "%s", e.msg);
	AUTO_FREE uint8_t *picture = file("bootsplash.jpg", &n);
	ck_assert_ptr_nonnull(picture);
	ck_assert_uint_eq(n, 7);
	ck_assert_int_eq(number("etc/show-boot-menu"), 1);
	ck_assert_int_eq(number("etc/boot-menu-wait"), 1500);
	ck_assert_int_eq(pwrite(fd, "GIF", 3, 0), 3);
	ck_assert_int_lt(firmware_tell(&t->m, &e), 0);
	ck_assert_msg(strstr(e.msg, "'/p/x.jpg' is neither a JPEG nor a BMP"), "%s", e.msg);
	named_done(&t->m.fds);
}
END_TEST

START_TEST(other_arguments_for_qemu_still_stop_the_start)
{
	struct err e = {0};
	more = "<qemu:commandline xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>"
	       "<qemu:arg value='-boot'/><qemu:arg value='once=d'/><qemu:arg value='-s'/></qemu:commandline>";
	tell("", "");
	more = "";
	ck_assert_int_lt(domain_startable(t->m.domain, &e), 0);
	ck_assert_uint_eq(t->m.domain->nboot_once, 0);
}
END_TEST

/* An image may be shorter than its floppy, and is no longer than the largest. */
static const struct {
	off_t image;
	uint32_t floppy; /* 0: refused */
} floppies[] = {
	{1474560, 1474560}, {1296384, 1474560}, {512, 1474560},      {368640, 368640},
	{1474561, 2949120}, {2949120, 2949120}, {2949121, 0}, {0, 0},
};

START_TEST(a_floppy_has_any_length_up_to_the_largest)
{
	struct err e = {0};
	uint32_t n;
	int fd = memfd_create("floppy", MFD_CLOEXEC);
	ck_assert_int_eq(ftruncate(fd, floppies[_i].image), 0);
	tell("", "");
	ck_assert_int_eq(named_add(&t->m.fds, "disk:fda", fd), 0);
	int rc = firmware_tell(&t->m, &e);
	named_done(&t->m.fds);
	AUTO_FREE uint8_t *image = file("floppyimg/fda.img", &n);
	if (!floppies[_i].floppy) {
		ck_assert_int_lt(rc, 0);
		ck_assert_msg(strstr(e.msg, "2949120 the most"), "%s", e.msg);
		return;
	}
	ck_assert_msg(!rc, "%s", e.msg);
	ck_assert_ptr_nonnull(image);
	ck_assert_uint_eq(n, floppies[_i].floppy);
}
END_TEST

/* A port of type isa-debug: its bytes go to its file's console, also where the firmware logs to it. */
static const struct {
	const char *address;
	uint16_t port;
} debugcons[] = {
	{"", 0xe9},
	{"<address type='isa' iobase='0x505'/>", 0x505},
	{"<address type='isa' iobase='0x402'/>", 0x402},
};

START_TEST(a_port_for_debugging_goes_to_its_file)
{
	char out[8] = {0};
	uint16_t port = debugcons[_i].port;
	AUTO_FREE char *xml =
	    x_asprintf("<serial type='file'><source path='/tmp/x'/><target type='isa-debug'>"
		       "<model name='isa-debugcon'/></target>%s</serial>",
		       debugcons[_i].address);
	tell("", xml);
	ck_assert_str_eq(t->m.domain->debugcon->file, "/tmp/x");
	ck_assert_uint_eq(t->m.domain->nserials, 0);
	ck_assert_int_eq(chardev_new(&t->m, CONSOLE_DEBUG, NULL), 0);
	struct dev *d = vmm_dev(t, port == 0x402 ? "debugcon" : "isa-debugcon", 0);
	ck_assert_uint_eq(in8(t, port), 0xe9);
	out8(t, port, 'h');
	out8(t, port, 'i');
	ck_assert_uint_eq(chardev_take(t->m.consoles[CONSOLE_DEBUG], out, sizeof(out)), 2);
	ck_assert_str_eq(out, "hi");
	dev_free(d);
	chardev_free(t->m.consoles[CONSOLE_DEBUG]);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		it_says_what_it_is,
		nothing_reads_as_zeros,
		dma_selects_skips_and_reads,
		skipping_far_does_not_wrap,
		a_large_item_is_read_at_once,
		a_descriptor_outside_memory_is_survived,
		descriptors_may_lie_above_4_gib,
		odd_accesses_are_nothing,
		the_directory_is_sorted,
		it_is_full_at_some_time,
		contents_are_made_once_a_boot,
		settings_follow_the_domain,
		settings_have_defaults,
		an_order_for_the_first_boot_is_for_that_only,
		a_splash_is_shown_with_the_menu,
		other_arguments_for_qemu_still_stop_the_start,
		memory_is_told_from_0_on,
		tables_are_loaded_by_script,
		tables_say_where_firmware_has_put_the_registers,
		smbios_is_an_entry_and_its_structures,
	};
	Suite *s = suite_create("fw_cfg");
	TCase *c = tcase_create("fw_cfg");
	tcase_add_checked_fixture(c, setup, teardown);
	for (unsigned i = 0; i < ARRAY_SIZE(tests); i++)
		tcase_add_test(c, tests[i]);
	tcase_add_loop_test(c, dma_refuses, 0, (int)ARRAY_SIZE(refused));
	tcase_add_loop_test(c, devices_are_tried_in_the_domains_order, 0, (int)ARRAY_SIZE(orders));
	tcase_add_loop_test(c, a_floppy_has_any_length_up_to_the_largest, 0, (int)ARRAY_SIZE(floppies));
	tcase_add_loop_test(c, a_port_for_debugging_goes_to_its_file, 0, (int)ARRAY_SIZE(debugcons));
	tcase_add_loop_test(c, tables_say_whether_there_is_a_vga, 0, (int)ARRAY_SIZE(screens));
	suite_add_tcase(s, c);
	return test_main(s);
}
