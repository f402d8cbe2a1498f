/* The tables of boot/: ACPI walked as a kernel does it and judged by Intel's own compiler and interpreter
 * (acpica-tools), SMBIOS walked as dmidecode does it. Runs from the top of the repository. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backend/vmm/boot/acpi.h"
#include "backend/vmm/boot/smbios.h"
#include "backend/vmm/machine.h"
#include "backend/vmm/pci.h"
#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "tests/testlib.h"

#define HEADER 36
#define GIB (1ull << 30)

static uint8_t ids[64];
static char dir[64];
static const struct acpi_config usual = {.vcpus = 2,
					 .apic_ids = ids,
					 .pm_base = ACPI_PM_BASE,
					 .low_bytes = 256 << 20,
					 .serial = {true, true},
					 .ps2 = true,
					 .fw_cfg = true};

static void setup(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(ids); i++)
		ids[i] = (uint8_t)(3 * i + 1);
	strcpy(dir, "/tmp/vmdeck-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void teardown(void)
{
	char cmd[100];
	snprintf(cmd, sizeof(cmd), "rm -r '%s'", dir);
	ck_assert_int_eq(system(cmd), 0);
}

static uint64_t get(const uint8_t *p, unsigned bytes)
{
	uint64_t v = 0;
	for (unsigned i = bytes; i-- > 0;)
		v = v << 8 | p[i];
	return v;
}

static uint8_t sum(const uint8_t *p, size_t n)
{
	uint8_t s = 0;
	while (n--)
		s += *p++;
	return s;
}

/* Built tables, and where they are in guest memory. */
struct tables {
	struct buf b;
	uint64_t gpa;
};

static struct tables build(const struct acpi_config *c, uint64_t gpa)
{
	struct tables t = {.gpa = gpa};
	acpi_build(c, gpa, &t.b);
	return t;
}

static const uint8_t *at(const struct tables *t, uint64_t gpa, size_t n)
{
	ck_assert_uint_ge(gpa, t->gpa);
	ck_assert_uint_le(gpa - t->gpa + n, t->b.len);
	return (const uint8_t *)t->b.s + (gpa - t->gpa);
}

/* The table at @gpa, checked. */
static const uint8_t *table(const struct tables *t, uint64_t gpa, size_t *len)
{
	const uint8_t *p = at(t, gpa, HEADER);
	*len = get(p + 4, 4);
	p = at(t, gpa, *len);
	ck_assert_msg(sum(p, *len) == 0, "checksum of %.4s", p);
	return p;
}

/* Entry @i of the XSDT, NULL at its end; the RSDT must say the same. */
static const uint8_t *entry(const struct tables *t, unsigned i, size_t *len)
{
	const uint8_t *rsdp = at(t, t->gpa, 36);
	size_t nr, nx;
	const uint8_t *rsdt = table(t, get(rsdp + 16, 4), &nr), *xsdt = table(t, get(rsdp + 24, 8), &nx);
	ck_assert_uint_eq((nr - HEADER) / 4, (nx - HEADER) / 8);
	if (i >= (nx - HEADER) / 8)
		return NULL;
	uint64_t gpa = get(xsdt + HEADER + 8 * i, 8);
	ck_assert_uint_eq(gpa, get(rsdt + HEADER + 4 * i, 4));
	return table(t, gpa, len);
}

static const uint8_t *find(const struct tables *t, const char *signature, size_t *len)
{
	const uint8_t *p;
	for (unsigned i = 0; (p = entry(t, i, len)); i++)
		if (!memcmp(p, signature, 4))
			return p;
	ck_abort_msg("no %s", signature);
	return NULL;
}

static const uint8_t *dsdt(const struct tables *t, size_t *len)
{
	size_t n;
	return table(t, get(find(t, "FACP", &n) + 140, 8), len);
}

START_TEST(every_table_is_found_and_sums_to_zero)
{
	static const uint64_t places[] = {ACPI_RSDP_GPA, 0x7ffe0000, 0xe0010, 0xbffff0};
	for (unsigned i = 0; i < ARRAY_SIZE(places); i++) {
		struct tables t = build(&usual, places[i]);
		const uint8_t *rsdp = at(&t, t.gpa, 36);
		size_t n;
		ck_assert(!memcmp(rsdp, "RSD PTR ", 8));
		ck_assert_uint_eq(sum(rsdp, 20), 0);
		ck_assert_uint_eq(sum(rsdp, 36), 0);
		find(&t, "APIC", &n);
		find(&t, "WAET", &n);
		const uint8_t *fadt = find(&t, "FACP", &n);
		ck_assert_uint_eq(get(fadt + 40, 4), get(fadt + 140, 8));
		uint64_t facs = get(fadt + 36, 4);
		ck_assert_uint_eq(get(fadt + 132, 8), facs);
		ck_assert_uint_eq(facs % 64, 0);
		ck_assert(!memcmp(at(&t, facs, 64), "FACS\x40\0\0\0", 8));
		ck_assert(!memcmp(dsdt(&t, &n), "DSDT", 4));
		buf_done(&t.b);
	}
}
END_TEST

START_TEST(fadt_names_the_registers_of_the_chips)
{
	static const struct {
		unsigned off, bytes;
		uint64_t val;
		const char *what;
	} want[] = {
		{46, 2, 9, "SCI"},
		{48, 4, 0xb2, "SMI_CMD"},
		{52, 2, 0xf0f1, "enable, disable"},
		{56, 4, 0xb000, "PM1a event"},
		{64, 4, 0xb004, "PM1a control"},
		{76, 4, 0xb008, "PM timer"},
		{80, 4, 0xafe0, "GPE0"},
		{88, 2, 0x0204, "PM1 lengths"},
		{91, 2, 0x0404, "timer and GPE lengths"},
		{108, 1, 0x32, "century"},
		{116, 12, 0x01000801, "reset register"},
		{120, 8, 0xcf9, "reset port"},
		{128, 1, 0x06, "reset value"},
		{152, 8, 0xb000, "X PM1a event"},
		{176, 8, 0xb004, "X PM1a control"},
		{212, 8, 0xb008, "X PM timer"},
		{224, 8, 0xafe0, "X GPE0"},
	};
	struct acpi_config c = usual;
	c.pm_base = 0xb000; /* as OVMF sets it */
	struct tables t = build(&c, ACPI_RSDP_GPA);
	size_t n;
	const uint8_t *fadt = find(&t, "FACP", &n);
	ck_assert_uint_eq(n, 244);
	for (unsigned i = 0; i < ARRAY_SIZE(want); i++) {
		unsigned bytes = want[i].bytes > 8 ? 4 : want[i].bytes;
		ck_assert_msg(get(fadt + want[i].off, bytes) == want[i].val, "%s", want[i].what);
	}
	uint32_t flags = (uint32_t)get(fadt + 112, 4);
	ck_assert_uint_eq(flags & (1 << 4 | 1 << 8 | 1 << 20), 0); /* fixed power button, 24-bit timer, real hardware */
	ck_assert_uint_eq(flags & (1 << 10), 1 << 10);
	buf_done(&t.b);
}
END_TEST

START_TEST(madt_lists_each_vcpu_by_its_apic_id)
{
	static const unsigned counts[] = {1, 2, 4, 63, 64};
	for (unsigned i = 0; i < ARRAY_SIZE(counts); i++) {
		struct acpi_config c = usual;
		c.vcpus = counts[i];
		struct tables t = build(&c, ACPI_RSDP_GPA);
		size_t len, off = 44;
		const uint8_t *madt = find(&t, "APIC", &len);
		unsigned cpus = 0, overrides = 0, ioapics = 0, nmis = 0;
		for (; off < len; off += madt[off + 1]) {
			const uint8_t *p = madt + off;
			if (p[0] == 0) {
				ck_assert_uint_eq(p[2], cpus);
				ck_assert_uint_eq(p[3], ids[cpus++]);
				ck_assert_uint_eq(get(p + 4, 4), 1);
			} else if (p[0] == 1) {
				ioapics++;
				ck_assert_uint_eq(get(p + 4, 8), 0xfec00000);
			} else if (p[0] == 2) {
				overrides++;
				ck_assert_uint_eq(get(p + 4, 4), p[3] ? p[3] : 2);
				ck_assert_uint_eq(get(p + 8, 2), p[3] ? 0x0d : 0);
			} else {
				nmis += p[0] == 4 && p[2] == 0xff && p[5] == 1;
			}
		}
		ck_assert_uint_eq(off, len);
		ck_assert_uint_eq(cpus, counts[i]);
		ck_assert(ioapics == 1 && overrides == 5 && nmis == 1);
		buf_done(&t.b);
	}
}
END_TEST

/* With acpica-tools */

static void write_table(const char *name, const uint8_t *p, size_t n)
{
	char path[200];
	struct err e;
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	ck_assert_msg(!file_replace(path, (const char *)p, n, 0600, &e), "%s", e.msg);
}

/* Run it in dir; its output, the caller's to free. */
static char *run(const char *cmd)
{
	struct buf out = {0};
	char line[1000];
	snprintf(line, sizeof(line), "cd '%s' && exec 2>&1; %s", dir, cmd);
	FILE *f = popen(line, "r");
	ck_assert_ptr_nonnull(f);
	for (size_t n; (n = fread(line, 1, sizeof(line), f)) > 0;)
		buf_add(&out, line, n);
	int status = pclose(f);
	ck_assert_msg(status == 0, "%s: status %d\n%s", cmd, status, buf_text(&out));
	return buf_take(&out);
}

static bool have_acpica(void)
{
	return !system("command -v iasl >/dev/null && command -v acpiexec >/dev/null");
}

static const struct acpi_config *configs(unsigned i)
{
	static struct acpi_config c;
	if (i > 3)
		return NULL;
	c = usual;
	if (i == 1) {
		c.vcpus = 1;
		c.serial[0] = c.serial[1] = c.ps2 = c.fw_cfg = false;
	} else if (i == 2) {
		c.vcpus = 64;
		c.low_bytes = 3 * GIB;
		c.high_bytes = 61 * GIB;
		c.pm_base = 0xb000;
	} else if (i == 3) {
		c.vcpus = 3;
		c.low_bytes = 2 * GIB;
		c.serial[0] = false;
	}
	return &c;
}

START_TEST(iasl_takes_all_tables_apart_and_together_again)
{
	if (!have_acpica())
		test_skip("iasl and acpiexec are missing: apt-get install acpica-tools");
	const struct acpi_config *c;
	for (unsigned i = 0; (c = configs(i)); i++) {
		struct tables t = build(c, ACPI_RSDP_GPA);
		const uint8_t *p;
		size_t n;
		for (unsigned k = 0; (p = entry(&t, k, &n)); k++) {
			char name[16];
			snprintf(name, sizeof(name), "%.4s.dat", p);
			write_table(name, p, n);
		}
		p = dsdt(&t, &n);
		write_table("DSDT.dat", p, n);
		free(run("iasl -d *.dat"));
		AUTO_FREE char *out = run("iasl -ve DSDT.dsl");
		ck_assert_msg(strstr(out, " 0 Errors, 0 Warnings, 0 Remarks"), "config %u:\n%s", i, out);
		AUTO_FREE char *data = run("iasl FACP.dsl APIC.dsl WAET.dsl");
		ck_assert_msg(!strstr(data, "Error ") && !strstr(data, "Warning "), "%s", data);
		free(run("rm *.d* *.aml"));
		buf_done(&t.b);
	}
}
END_TEST

START_TEST(dsdt_says_what_dsdt_asl_says)
{
	if (!have_acpica())
		test_skip("iasl and acpiexec are missing: apt-get install acpica-tools");
	struct tables t = build(&usual, ACPI_RSDP_GPA);
	struct err e;
	AUTO_FREE char *asl = NULL, *aml = NULL;
	size_t n, len;
	const uint8_t *ours = dsdt(&t, &n);
	ck_assert_msg(!file_read("tests/acpi/dsdt.asl", 1 << 20, &asl, &len, &e), "%s", e.msg);
	write_table("dsdt.asl", (uint8_t *)asl, len);
	free(run("iasl -oa dsdt.asl"));
	char path[200];
	snprintf(path, sizeof(path), "%s/dsdt.aml", dir);
	ck_assert_msg(!file_read(path, 1 << 20, &aml, &len, &e), "%s", e.msg);
	size_t differs = HEADER;
	while (differs < n && differs < len && (uint8_t)aml[differs] == ours[differs])
		differs++;
	if (differs < n || n != len) {
		write_table("ours.dat", ours, n);
		free(run("iasl -d ours.dat dsdt.aml"));
		ck_abort_msg("byte %zu of the DSDT differs from tests/acpi/dsdt.asl:\n%s", differs,
		             run("diff dsdt.dsl ours.dsl; true"));
	}
	buf_done(&t.b);
}
END_TEST

START_TEST(acpiexec_evaluates_the_objects)
{
	static const struct {
		const char *eval;
		const char *want[4]; /* in this order */
	} cases[] = {
		{"evaluate \\_S5", {"Contains 4 Elements", "= 0000000000000000", "= 0000000000000000"}},
		{"evaluate \\_SB.PCI0._CRS", {"Length 9E", "88 0D 00 02", "FF FF BF FE"}},
		/* the only command whose buffer holds all of _PRT; it also calls _SRS, with an integer, and
		 * says so */
		{"execute predefined", {"_PRT ", "returned AE_OK", "Contains 124 Elements", "000000000001FFFF"}},
		{"evaluate \\_SB.LNKS._STA", {"000000000000000B"}},
		{"evaluate \\_SB.LNKS._CRS", {"89 06 00 09 01 09 00 00 00 79 00"}},
		{"evaluate \\_SB.PCI0.ISA.COM1._CRS", {"47 01 F8 03 F8 03 01 08 22 10 00 79 00"}},
		{"evaluate \\_SB.LNKA._SRS (89 06 00 09 01 0B 00 00 00 79 00);evaluate \\_SB.LNKA._CRS;"
	         "evaluate \\_SB.LNKA._DIS;evaluate \\_SB.LNKA._STA;evaluate \\_SB.LNKB._STA",
	         {"_CRS returned", "89 06 00 09 01 0B 00 00 00 79 00", "0000000000000009", "000000000000000B"}},
		{"evaluate \\_SB.C001._UID", {"0000000000000001"}},
	};
	if (!have_acpica())
		test_skip("iasl and acpiexec are missing: apt-get install acpica-tools");
	struct tables t = build(&usual, ACPI_RSDP_GPA);
	size_t n;
	const uint8_t *p = dsdt(&t, &n);
	write_table("DSDT.dat", p, n);
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		char cmd[400];
		snprintf(cmd, sizeof(cmd), "acpiexec -b '%s' DSDT.dat", cases[i].eval);
		AUTO_FREE char *out = run(cmd);
		const char *from = strstr(out, "executing _INI");
		ck_assert_ptr_nonnull(from);
		for (unsigned k = 0; k < ARRAY_SIZE(cases[i].want) && cases[i].want[k]; k++) {
			from = strstr(from, cases[i].want[k]);
			ck_assert_msg(from != NULL, "%s: no '%s' in\n%s", cases[i].eval, cases[i].want[k],
				      out);
			from++;
		}
		bool complains = strstr(out, "ACPI Error") || strstr(out, "ACPI Warning");
		ck_assert_msg(!complains || strstr(out, "_SRS: Argument #1 type mismatch"), "%s", out);
	}
	buf_done(&t.b);
}
END_TEST

START_TEST(windows_hold_every_place_where_bars_go)
{
	for (unsigned i = 0; i < 4; i++) {
		const struct acpi_config *c = configs(i);
		struct tables t = build(c, ACPI_RSDP_GPA);
		size_t n;
		const uint8_t *p = dsdt(&t, &n);
		uint32_t first = c->low_bytes <= 2 * GIB ? 0x80000000u : (uint32_t)PCI_WINDOW_BASE;
		uint8_t want[12] = {0};
		pci_put32(want + 4, first);
		pci_put32(want + 8, (uint32_t)(PCI_WINDOW_END - 1));
		ck_assert_msg(memmem(p, n, want, sizeof(want)) != NULL, "config %u", i);
		ck_assert_uint_ge(first, c->low_bytes);
		buf_done(&t.b);
	}
}
END_TEST

/* SMBIOS */

static struct domain web1 = {
	.name = "web1",
	.uuid = "00112233-4455-6677-8899-aabbccddeeff",
	.sockets = 2,
	.dies = 1,
	.cores = 3,
	.threads = 2,
};

/* String @i of the structure at @p, "" for 0. */
static const char *smbios_string(const uint8_t *p, unsigned i)
{
	const char *s = (const char *)p + p[1];
	for (; i > 1; i--)
		s += strlen(s) + 1;
	return i ? s : "";
}

static const uint8_t *after(const uint8_t *p)
{
	p += p[1];
	while (p[0] || p[1])
		p++;
	return p + 2;
}

static struct buf smbios(uint64_t ram, const uint8_t **first, unsigned *count)
{
	struct machine m = {.domain = &web1};
	struct buf b = {0};
	m.mem.ram_bytes = ram;
	m.mem.low_bytes = ram < 3 * GIB ? ram : 3 * GIB;
	smbios_build(&m, SMBIOS_GPA, &b);
	const uint8_t *p = (const uint8_t *)b.s;
	ck_assert(!memcmp(p, "_SM_", 4) && !memcmp(p + 16, "_DMI_", 5));
	ck_assert_uint_eq(sum(p, 31), 0);
	ck_assert_uint_eq(sum(p + 16, 15), 0);
	*first = p + (get(p + 24, 4) - SMBIOS_GPA);
	*count = (unsigned)get(p + 28, 2);
	ck_assert_uint_eq((size_t)(*first - p) + get(p + 22, 2), b.len);
	return b;
}

START_TEST(smbios_walks_to_its_end)
{
	static const uint8_t order[] = {0, 1, 3, 4, 4, 16, 17, 19, 19, 32, 127};
	const uint8_t *p;
	unsigned count;
	struct buf b = smbios(8 * GIB, &p, &count);
	ck_assert_uint_eq(count, ARRAY_SIZE(order));
	for (unsigned i = 0; i < count; i++, p = after(p)) {
		ck_assert_uint_eq(p[0], order[i]);
		ck_assert_uint_eq(get(p + 2, 2), i);
		ck_assert_uint_le((size_t)(after(p) - p), get((uint8_t *)b.s + 8, 2));
	}
	ck_assert_ptr_eq(p, b.s + b.len);
	buf_done(&b);
}
END_TEST

START_TEST(smbios_says_who_the_guest_is)
{
	static const uint8_t uuid[] = {0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66,
	                               0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};
	const uint8_t *p;
	unsigned count;
	struct buf b = smbios(256 << 20, &p, &count);
	p = after(p);
	ck_assert_str_eq(smbios_string(p, p[4]), "vmdeck");
	ck_assert(!memcmp(p + 8, uuid, 16));
	p = after(p);
	ck_assert_str_eq(smbios_string(p, p[8]), "web1");
	p = after(p);
	ck_assert_uint_eq(p[1], 0x2a);
	ck_assert_uint_eq(p[35], 3);
	ck_assert_uint_eq(p[37], 6);
	buf_done(&b);
}
END_TEST

START_TEST(smbios_counts_memory)
{
	static const struct {
		uint64_t ram;
		uint32_t kib;
		uint16_t mib;
	} cases[] = {
		{256 << 20, 256 << 10, 256},
		{31 * GIB, 31 << 20, 31 << 10},
		{32 * GIB, 32 << 20, 0x7fff},
		{2048 * GIB, 0x80000000, 0x7fff},
		{8192 * GIB, 0x80000000, 0x7fff},
	};
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		const uint8_t *p;
		unsigned count;
		struct buf b = smbios(cases[i].ram, &p, &count);
		while (p[0] != 16)
			p = after(p);
		ck_assert_uint_eq(get(p + 7, 4), cases[i].kib);
		if (cases[i].kib == 0x80000000)
			ck_assert_uint_eq(get(p + 15, 8), cases[i].ram);
		p = after(p);
		ck_assert_uint_eq(get(p + 12, 2), cases[i].mib);
		if (cases[i].mib == 0x7fff)
			ck_assert_uint_eq(get(p + 28, 4), cases[i].ram >> 20);
		uint64_t covered = 0;
		for (p = after(p); p[0] == 19; p = after(p)) {
			bool ext = get(p + 4, 4) == 0xffffffff;
			covered += ext ? get(p + 23, 8) + 1 - get(p + 15, 8)
				       : (get(p + 8, 4) + 1 - get(p + 4, 4)) << 10;
		}
		ck_assert_uint_eq(covered, cases[i].ram);
		buf_done(&b);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		every_table_is_found_and_sums_to_zero,
		fadt_names_the_registers_of_the_chips,
		madt_lists_each_vcpu_by_its_apic_id,
		iasl_takes_all_tables_apart_and_together_again,
		dsdt_says_what_dsdt_asl_says,
		acpiexec_evaluates_the_objects,
		windows_hold_every_place_where_bars_go,
		smbios_walks_to_its_end,
		smbios_says_who_the_guest_is,
		smbios_counts_memory,
	};
	Suite *s = suite_create("acpi");
	TCase *c = tcase_create("tables");
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 60);
	for (unsigned i = 0; i < ARRAY_SIZE(tests); i++)
		tcase_add_test(c, tests[i]);
	suite_add_tcase(s, c);
	return test_main(s);
}
