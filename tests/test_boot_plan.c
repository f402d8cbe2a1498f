/* Kernels that go through SeaBIOS: what our option ROM finds in fw_cfg is carried out as it does, and ends up
 * where the kernel expects it. Bad images are named and refused. */
#include <check.h>
#include <elf.h>
#include <endian.h>
#include <errno.h>
#include <sys/mman.h>

#include "backend/vmm/boot/boot.h"
#include "backend/vmm/boot/bootorder.h"
#include "backend/vmm/dev/fw_cfg.h"
#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/str.h"
#include "tests/testlib.h"
#include "tests/vmmlib.h"

#define KEY_TABLE 0x80f0
#define TABLE 0x1000u
#define AT 0x200000u
#define FLAT_BYTES 4096u

/* As bootrom.S reads it. */
struct table {
	uint16_t mode, n, seg, sp;
	uint32_t eip, eax, ebx, esi, map, map_bytes, map_extra, total, total_extra, upper;
	uint8_t gdt[32];
};

static struct vmm_test *t;
static struct dev *fw_cfg;
static struct table table;

static int image(const void *p, size_t n)
{
	int fd = memfd_create("image", MFD_CLOEXEC);
	ck_assert_int_eq(fd_write_all(fd, p, n), 0);
	return fd;
}

static void give(const char *name, const char *text)
{
	ck_assert_int_eq(named_add(&t->m.fds, name, image(text, strlen(text))), 0);
}

/* A machine of 16 MiB with that kernel, which is not told to the firmware yet. */
static void machine(const void *kernel, size_t n, const char *os, const char *devices)
{
	AUTO_FREE char *xml =
	    x_asprintf("<domain type='kvm'><name>t</name><memory unit='MiB'>16</memory><vcpu>1</vcpu><os>"
		       "<type>hvm</type><kernel>/k</kernel>%s</os><devices>%s</devices></domain>",
		       os, devices);
	struct err e = {0};
	t = vmm_start(0);
	ck_assert_msg(domain_parse(xml, strlen(xml), "t", &t->m.domain, &e) == 0, "%s", e.msg);
	fw_cfg = vmm_dev(t, "fw-cfg", 0);
	ck_assert_int_eq(named_add(&t->m.fds, "kernel", image(kernel, n)), 0);
}

static void unmachine(void)
{
	domain_free(t->m.domain);
	named_done(&t->m.fds);
	dev_free(fw_cfg);
	vmm_stop(t);
}

static void dma(uint32_t gpa)
{
	vmm_out(t, 0x514, 4, 0);
	vmm_out(t, 0x518, 4, htobe32(gpa));
	uint32_t control = 1;
	gm_read(&t->m.mem, gpa, &control, 4);
	ck_assert_uint_eq(control, 0);
}

/* What bootrom.S does up to the map. */
static void load(void)
{
	const struct {
		uint32_t control, length;
		uint64_t address;
	} read = {htobe32((uint32_t)KEY_TABLE << 16 | 0x0a), htobe32(0x5000), htobe64(TABLE)};
	memset(gm_ptr(&t->m.mem, 0, 0x9f000, true), 0xaa, 0x9f000); /* as the BIOS leaves it: not cleared */
	memset(gm_ptr(&t->m.mem, 0x100000, 0xe00000, true), 0xaa, 0xe00000);
	gm_write(&t->m.mem, 0x7000, &read, sizeof(read));
	dma(0x7000);
	gm_read(&t->m.mem, TABLE, &table, sizeof(table));
	for (unsigned i = 0; i < table.n; i++)
		dma(TABLE + 80 + 16 * i);
}

static int tell(struct err *e)
{
	return boot_through_bios(&t->m, fw_cfg, e);
}

static void tell_and_load(void)
{
	struct err e = {0};
	bool bios = false;
	give("firmware", "");
	ck_assert_msg(!boot_wants_bios(&t->m, &bios, &e), "%s", e.msg);
	ck_assert(bios);
	ck_assert_msg(!tell(&e), "%s", e.msg);
	load();
}

static uint32_t word(uint32_t gpa)
{
	uint32_t v = 0;
	ck_assert_int_eq(gm_read(&t->m.mem, gpa, &v, 4), 0);
	return v;
}

static const char *text(uint32_t gpa)
{
	return gm_ptr(&t->m.mem, gpa, 64, false);
}

/* --- images --- */

/* Multiboot 1 with addresses: 4 KiB at AT, then as much that is zero. */
static void flat(uint32_t p[FLAT_BYTES / 4])
{
	static const uint32_t h[8] = {0x1badb002, 0x10003,         -(0x1badb002u + 0x10003), AT + 64,
				      AT,         AT + FLAT_BYTES, AT + 2 * FLAT_BYTES,      AT + 256};
	memset(p, 0x55, FLAT_BYTES);
	memcpy(p + 16, h, sizeof(h));
}

struct elf32 {
	Elf32_Ehdr h;
	Elf32_Phdr load;
	uint32_t mb[6];
};

static struct elf32 elf32(void)
{
	return (struct elf32){
	    .h = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS32, ELFDATA2LSB, 1},
		  .e_type = ET_EXEC,
		  .e_machine = EM_386,
		  .e_entry = 0xc0000010,
		  .e_phoff = sizeof(Elf32_Ehdr),
		  .e_phentsize = sizeof(Elf32_Phdr),
		  .e_phnum = 1},
	    .load = {.p_type = PT_LOAD,
		     .p_vaddr = 0xc0000000,
		     .p_paddr = AT,
		     .p_filesz = sizeof(struct elf32),
		     .p_memsz = 8192},
	    .mb = {0x1badb002, 0, -0x1badb002u},
	};
}

/* --- */

START_TEST(multiboot_has_kernel_modules_and_information)
{
	uint32_t p[FLAT_BYTES / 4];
	flat(p);
	machine(p, sizeof(p), "<initrd>/m1 x y,/m,,2</initrd><cmdline>a b</cmdline>", "");
	give("initrd.0", "one");
	give("initrd.1", "two");
	tell_and_load();
	ck_assert_uint_eq(table.mode, 1);
	ck_assert_uint_eq(table.eip, AT + 256);
	ck_assert_uint_eq(table.eax, 0x2badb002);
	ck_assert_uint_eq(word(AT), 0x55555555);
	ck_assert_uint_eq(word(AT + FLAT_BYTES), 0);
	ck_assert_uint_eq(word(AT + 2 * FLAT_BYTES - 4), 0);
	ck_assert_uint_eq(word(table.ebx) & 0x4d, 0x4d);
	ck_assert_str_eq(text(word(table.ebx + 16)), "/k a b");
	ck_assert_uint_eq(word(table.ebx + 20), 2);
	uint32_t mods = word(table.ebx + 24);
	ck_assert_str_eq(text(word(mods + 8)), "/m1 x y");
	ck_assert_mem_eq(text(word(mods)), "one", 3);
	ck_assert_uint_eq(word(mods + 4) - word(mods), 3);
	ck_assert_str_eq(text(word(mods + 16 + 8)), "/m,2");
	ck_assert_mem_eq(text(word(mods + 16)), "two", 3);
	ck_assert_uint_eq(word(mods + 16) & 0xfff, 0);
	ck_assert_uint_eq(table.map, word(table.ebx + 48) + 4);
	ck_assert_uint_eq(table.map_bytes, table.ebx + 44);
	ck_assert_uint_eq(word(table.map - 4), 20);
	unmachine();
}
END_TEST

START_TEST(an_elf_kernel_is_entered_at_its_physical_address)
{
	struct elf32 x = elf32();
	machine(&x, sizeof(x), "", "");
	tell_and_load();
	ck_assert_uint_eq(table.eip, AT + 0x10);
	ck_assert_mem_eq(text(AT), &x, sizeof(x));
	ck_assert_uint_eq(word(AT + 8188), 0);
	unmachine();
	x.mb[0] = 0; /* no header: still a program for the bare machine */
	machine(&x, sizeof(x), "", "");
	tell_and_load();
	ck_assert_uint_eq(table.eip, AT + 0x10);
	unmachine();
}
END_TEST

START_TEST(multiboot_2_is_told_in_tags)
{
	struct elf32 x = elf32();
	const uint32_t h[6] = {0xe85250d6, 0, 24, -(0xe85250d6u + 24), 0, 8};
	_Static_assert(offsetof(struct elf32, mb) % 8 == 4, "moved below");
	uint8_t file[sizeof(x) + 8] = {0};
	memcpy(file, &x, offsetof(struct elf32, mb));
	memcpy(file + offsetof(struct elf32, mb) + 4, h, sizeof(h));
	machine(file, sizeof(file), "<initrd>/m1 x</initrd><cmdline>a</cmdline>", "");
	give("initrd.0", "one");
	tell_and_load();
	ck_assert_uint_eq(table.eax, 0x36d76289);
	ck_assert_uint_eq(word(table.ebx + 8), 1);
	ck_assert_str_eq(text(table.ebx + 16), "a");
	ck_assert_uint_eq(table.total, table.ebx);
	ck_assert_uint_eq(table.map_extra, 16);
	ck_assert_uint_eq(table.map % 8, 0);
	unmachine();
}
END_TEST

static void setup_kernel(uint8_t p[2048], uint16_t protocol)
{
	memset(p, 0x44, 2048);
	memset(p, 0, 1024);
	p[0x1f1] = 1;
	p[0x1fe] = 0x55;
	p[0x1ff] = 0xaa;
	p[0x200] = 0xeb;
	p[0x201] = 0x66;
	if (!protocol)
		return;
	memcpy(p + 0x202, "HdrS", 4);
	memcpy(p + 0x206, &protocol, 2);
	p[0x211] = protocol >= 0x202;
	memset(p + 0x22c, 0x7f, 4);
}

START_TEST(setup_code_lies_where_its_protocol_wants_it)
{
	static const struct {
		uint16_t protocol;
		uint32_t setup, kernel;
	} cases[] = {{0x207, 0x10000, 0x100000},
		     {0x202, 0x10000, 0x100000},
		     {0x201, 0x90000, 0x10000},
		     {0, 0x90000, 0x10000}};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint8_t p[2048];
		setup_kernel(p, cases[i].protocol);
		machine(p, sizeof(p), "<cmdline>vga=ask x</cmdline>", "");
		if (cases[i].protocol)
			give("initrd", "the initrd");
		tell_and_load();
		uint32_t at = cases[i].setup;
		ck_assert_uint_eq(table.mode, 0);
		ck_assert_uint_eq(table.seg, at >> 4);
		ck_assert_uint_eq(word(cases[i].kernel), 0x44444444);
		ck_assert_uint_eq(word(at + 0x1fa) & 0xffff, 0xfffd);
		uint32_t cmdline =
		    cases[i].protocol >= 0x202 ? word(at + 0x228) : at + (word(at + 0x22) & 0xffff);
		ck_assert_uint_lt(cmdline, 0x9c000);
		ck_assert_str_eq(text(cmdline), "vga=ask x");
		ck_assert_uint_lt(at + table.sp, cmdline);
		if (cases[i].protocol) {
			ck_assert_uint_eq(word(at + 0x21c), 10);
			ck_assert_mem_eq(text(word(at + 0x218)), "the initrd", 10);
		}
		unmachine();
	}
}
END_TEST

/* A kernel that could be entered directly sets a mode of the screen only by its setup code. */
START_TEST(text_modes_are_the_setup_codes)
{
	static const struct {
		const char *cmdline, *devices;
		bool bios;
	} cases[] = {
	    {"quiet", "<video><model type='vga'/></video>", false},
	    {"quiet vga=normal", "<video><model type='vga'/></video>", true},
	    {"vga=0x317", "<video><model type='vga'/></video>", true},
	    {"nomodeset", "<video><model type='vga'/></video>", true},
	    {"xnomodeset i915.nomodesetting avga=1", "<video><model type='vga'/></video>", false},
	    {"vga=normal", "", false},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint8_t p[2048];
		const uint32_t at = 0x100000;
		bool bios = !cases[i].bios;
		AUTO_FREE char *os = x_asprintf("<cmdline>%s</cmdline>", cases[i].cmdline);
		setup_kernel(p, 0x20c);
		memcpy(p + 0x214, &at, 4);
		machine(p, sizeof(p), os, cases[i].devices);
		give("firmware", "");
		ck_assert_int_eq(boot_wants_bios(&t->m, &bios, NULL), 0);
		ck_assert_msg(bios == cases[i].bios, "%s", cases[i].cmdline);
		unmachine();
	}
}
END_TEST

START_TEST(without_seabios_it_is_said_what_is_missing)
{
	struct elf32 x = elf32();
	struct err e = {0};
	bool bios;
	machine(&x, sizeof(x), "", "");
	ck_assert_int_eq(boot_wants_bios(&t->m, &bios, &e), -ENOENT);
	ck_assert_msg(strstr(e.msg, "seabios"), "%s", e.msg);
	unmachine();
}
END_TEST

START_TEST(the_rom_is_one_and_is_booted_first)
{
	struct elf32 x = elf32();
	size_t n;
	AUTO_BUF struct buf order = {0};
	machine(&x, sizeof(x), "", "");
	tell_and_load();
	const uint8_t *rom = fw_cfg_find(fw_cfg, BOOT_ROM_FILE, &n);
	ck_assert_ptr_nonnull(rom);
	ck_assert_uint_eq(n, rom[2] * 512u);
	uint8_t sum = 0;
	for (size_t i = 0; i < n; i++)
		sum = (uint8_t)(sum + rom[i]);
	ck_assert_uint_eq(sum, 0);
	ck_assert_mem_eq(rom + (rom[0x1a] | rom[0x1b] << 8), "$PnP", 4);
	bootorder_paths(t->m.domain, false, &order);
	ck_assert_str_eq(buf_text(&order), "/rom@" BOOT_ROM_FILE "\nHALT");
	unmachine();
}
END_TEST

START_TEST(flat_kernels_that_are_wrong_are_refused)
{
	static const struct {
		unsigned word;
		uint32_t value;
		const char *say;
	} cases[] = {
	    {1, 0x10013, "flags 0x10"},        {3, AT - 4, "cannot be"},  /* the header below the image */
	    {3, 0xffffffff, "cannot be"},                                 /* before the file's beginning */
	    {4, 0x3000, "cannot be"},                                     /* the same */
	    {5, AT - 1, "cannot be"},                                     /* ends before it begins */
	    {5, 0xffffffff, "raise <memory>"}, {5, AT + 8192, "cut off"}, /* more than the file has */
	    {6, AT - 1, "cannot be"},          {6, 0xfffffff0, "raise <memory>"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint32_t p[FLAT_BYTES / 4];
		struct err e = {0};
		flat(p);
		p[16 + cases[i].word] = cases[i].value;
		p[18] = -(p[16] + p[17]);
		machine(p, sizeof(p), "", "");
		int rc = tell(&e);
		ck_assert_msg(rc < 0 && strstr(e.msg, cases[i].say), "case %zu: %d %s", i, rc, e.msg);
		unmachine();
	}
}
END_TEST

START_TEST(elf_kernels_that_are_wrong_are_refused)
{
	struct elf32 ok = elf32(), cases[] = {ok, ok, ok, ok, ok, ok};
	static const char *const say[] = {"raise <memory>",  "the BIOS has its own", "cut off",
					  "program headers", "program headers",      "without a program"};
	cases[0].load.p_memsz = 0xfffff000;
	cases[1].load.p_paddr = 0x500;
	cases[2].load.p_filesz = 8192;
	cases[3].h.e_phnum = 65535;
	cases[4].h.e_phoff = 0xfffffff0;
	cases[5].load.p_type = PT_NULL;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err e = {0};
		machine(&cases[i], sizeof(cases[i]), "", "");
		int rc = tell(&e);
		ck_assert_msg(rc < 0 && strstr(e.msg, say[i]), "case %zu: %d %s", i, rc, e.msg);
		unmachine();
	}
}
END_TEST

START_TEST(what_does_not_fit_is_refused)
{
	uint32_t p[FLAT_BYTES / 4];
	uint8_t old[2048];
	struct err e = {0};
	AUTO_FREE char *module = x_calloc(1, (14 << 20) + 1), *words = x_calloc(1, 4000);
	memset(module, 'x', 14 << 20);
	memset(words, 'x', 3999);
	flat(p);
	machine(p, sizeof(p), "<initrd>/m1</initrd>", "");
	give("initrd", module);
	ck_assert_int_lt(tell(&e), 0);
	ck_assert_msg(strstr(e.msg, "module 1") && strstr(e.msg, "raise <memory>"), "%s", e.msg);
	unmachine();

	AUTO_FREE char *os = x_asprintf("<cmdline>%s</cmdline>", words);
	setup_kernel(old, 0x201);
	machine(old, sizeof(old), os, "");
	ck_assert_int_eq(tell(&e), -E2BIG);
	ck_assert_msg(strstr(e.msg, "shorten"), "%s", e.msg);
	unmachine();

	setup_kernel(old, 0);
	machine(old, sizeof(old), "", "");
	give("initrd", "x");
	ck_assert_int_lt(tell(&e), 0);
	ck_assert_msg(strstr(e.msg, "takes no initrd"), "%s", e.msg);
	unmachine();
}
END_TEST

START_TEST(a_list_is_for_multiboot_only)
{
	uint8_t p[2048];
	struct err e = {0};
	bool bios;
	setup_kernel(p, 0x207);
	machine(p, sizeof(p), "<initrd>/a b,/c</initrd>", "");
	give("initrd.0", "x");
	ck_assert_int_lt(boot_wants_bios(&t->m, &bios, &e), 0);
	ck_assert_msg(strstr(e.msg, "only a multiboot kernel takes modules"), "%s", e.msg);
	unmachine();
}
END_TEST

START_TEST(a_packed_kernel_that_is_damaged_is_named)
{
	static const uint8_t gz[] = {0x1f, 0x8b, 8, 0,    0,    0,    0,
				     0,    2,    3, 0x63, 0x64, 0x84, 0x01}; /* cut off */
	struct err e = {0};
	bool bios;
	machine(gz, sizeof(gz), "", "");
	ck_assert_int_lt(boot_wants_bios(&t->m, &bios, &e), 0);
	ck_assert_msg(strstr(e.msg, "cannot be unpacked"), "%s", e.msg);
	unmachine();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("boot_plan");
	TCase *c = tcase_create("plan");
	tcase_add_test(c, multiboot_has_kernel_modules_and_information);
	tcase_add_test(c, an_elf_kernel_is_entered_at_its_physical_address);
	tcase_add_test(c, multiboot_2_is_told_in_tags);
	tcase_add_test(c, setup_code_lies_where_its_protocol_wants_it);
	tcase_add_test(c, text_modes_are_the_setup_codes);
	tcase_add_test(c, without_seabios_it_is_said_what_is_missing);
	tcase_add_test(c, the_rom_is_one_and_is_booted_first);
	tcase_add_test(c, flat_kernels_that_are_wrong_are_refused);
	tcase_add_test(c, elf_kernels_that_are_wrong_are_refused);
	tcase_add_test(c, what_does_not_fit_is_refused);
	tcase_add_test(c, a_list_is_for_multiboot_only);
	tcase_add_test(c, a_packed_kernel_that_is_damaged_is_named);
	suite_add_tcase(s, c);
	return test_main(s);
}
