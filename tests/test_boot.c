/* Direct boot on a machine without KVM: good images end up where they belong, bad ones are named and
 * refused. */
#include <check.h>
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "backend/vmm/boot/acpi.h"
#include "backend/vmm/boot/boot.h"
#include "backend/vmm/boot/smbios.h"
#include "backend/vmm/device.h"
#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/str.h"
#include "tests/testlib.h"

#define MIB (1u << 20)
#define KERNEL_AT (16u * MIB)

static void no_line(void *ctx, unsigned gsi, bool level)
{
}

static int no_route(void *ctx, unsigned gsi, uint64_t addr, uint32_t data, int fd, bool on)
{
	return 0;
}

static int no_doorbell(void *ctx, uint64_t addr, bool pio, int fd, bool on)
{
	return 0;
}

static const struct irq_sink sink = {no_line, no_route, no_doorbell};
static struct machine m;

static int image(const void *p, size_t n, size_t size)
{
	int fd = memfd_create("image", MFD_CLOEXEC);
	ck_assert_int_eq(fd_write_all(fd, p, n), 0);
	ck_assert_int_eq(ftruncate(fd, (off_t)size), 0);
	return fd;
}

/* A machine of @ram_mib with this kernel (and initrd of @initrd bytes when not 0). */
static int boot(unsigned ram_mib, int kernel, size_t initrd, const char *cmdline, struct boot_entry *entry,
		struct err *e)
{
	AUTO_FREE char *xml =
	    x_asprintf("<domain type='kvm'><name>t</name><memory "
		       "unit='MiB'>%u</memory><vcpu>2</vcpu><os><type>hvm</type><kernel>/k</kernel>"
		       "<initrd>/i</initrd><cmdline>%s</cmdline></os></domain>",
		       ram_mib, cmdline);
	struct domain *d;
	ck_assert_msg(domain_parse(xml, strlen(xml), "t", &d, e) == 0, "%s", e->msg);
	ck_assert_int_eq(machine_init_bare(&m, (uint64_t)ram_mib * MIB, 0, &sink, NULL, NULL), 0);
	m.domain = d;
	ck_assert_int_eq(named_add(&m.fds, "kernel", kernel), 0);
	if (initrd)
		ck_assert_int_eq(named_add(&m.fds, "initrd", image("initrd!", 7, initrd)), 0);
	return boot_direct(&m, entry, e);
}

static void unboot(void)
{
	domain_free(m.domain);
	named_done(&m.fds);
	machine_done_bare(&m);
}

/* A bzImage header as boot.rst describes it, for a kernel of one sector at 16 MiB that unpacks to 8 MiB. */
static void put(uint8_t *p, unsigned off, unsigned n, uint64_t v)
{
	memcpy(p + off, &v, n);
}

static void bzimage(uint8_t p[2048])
{
	memset(p, 0, 2048);
	p[0x1f1] = 1; /* setup_sects: the kernel begins at 1024 */
	put(p, 0x1fe, 2, 0xaa55);
	p[0x200] = 0xeb;
	p[0x201] = 0x66;
	memcpy(p + 0x202, "HdrS", 4);
	put(p, 0x206, 2, 0x020f);
	p[0x211] = 1;                 /* loadflags: high */
	put(p, 0x214, 4, 0x100000);   /* code32_start */
	put(p, 0x22c, 4, 0x7fffffff); /* initrd_addr_max */
	put(p, 0x230, 4, 0x200000);   /* kernel_alignment */
	p[0x234] = 1;                 /* relocatable */
	put(p, 0x236, 2, 1);          /* xloadflags: 64-bit entry */
	put(p, 0x238, 4, 2047);       /* cmdline_size */
	put(p, 0x258, 8, KERNEL_AT);  /* pref_address */
	put(p, 0x260, 4, 8 * MIB);    /* init_size */
	memcpy(p + 1024, "KERNEL", 6);
}

START_TEST(bzimage_kernel_initrd_and_tables_are_in_place)
{
	uint8_t p[2048];
	struct boot_entry entry;
	struct err e = {0};
	bzimage(p);
	ck_assert_msg(boot(64, image(p, sizeof(p), sizeof(p)), 5000, "quiet", &entry, &e) == 0, "%s", e.msg);
	ck_assert_int_eq(entry.mode, BOOT_LINUX64);
	ck_assert_uint_eq(entry.rip, KERNEL_AT + 0x200);
	ck_assert_mem_eq(gm_ptr(&m.mem, KERNEL_AT, 6, false), "KERNEL", 6);
	ck_assert_str_eq(gm_ptr(&m.mem, BOOT_CMDLINE_GPA, 6, false), "quiet");
	ck_assert_mem_eq(gm_ptr(&m.mem, ACPI_RSDP_GPA, 8, false), "RSD PTR ", 8);
	ck_assert_mem_eq(gm_ptr(&m.mem, SMBIOS_GPA, 4, false), "_SM_", 4);
	const uint8_t *zero = gm_ptr(&m.mem, entry.param, 4096, false);
	uint32_t at, len;
	memcpy(&at, zero + 0x218, 4);
	memcpy(&len, zero + 0x21c, 4);
	ck_assert_uint_eq(len, 5000);
	ck_assert_uint_eq(at, 64 * MIB - 8192);
	ck_assert_mem_eq(gm_ptr(&m.mem, at, 7, false), "initrd!", 7);
	ck_assert_uint_ge(zero[0x1e8], 4); /* e820 entries */
	unboot();
}
END_TEST

START_TEST(bzimage_without_a_64_bit_entry_is_entered_at_32)
{
	uint8_t p[2048];
	struct boot_entry entry;
	struct err e = {0};
	bzimage(p);
	put(p, 0x236, 2, 0);
	ck_assert_msg(boot(64, image(p, sizeof(p), sizeof(p)), 5000, "quiet", &entry, &e) == 0, "%s", e.msg);
	ck_assert_int_eq(entry.mode, BOOT_LINUX32);
	ck_assert_uint_eq(entry.rip, KERNEL_AT);
	const uint8_t *zero = gm_ptr(&m.mem, entry.param, 4096, false);
	uint32_t at;
	memcpy(&at, zero + 0x214, 4);
	ck_assert_uint_eq(at, KERNEL_AT);
	unboot();
}
END_TEST

START_TEST(bzimage_that_is_wrong_is_named_and_refused)
{
	static const struct {
		const char *what;
		unsigned off, n;
		uint64_t value;
		size_t size, initrd;
		unsigned ram_mib;
		const char *say;
	} cases[] = {
		{"no magic", 0x202, 4, 0, 2048, 0, 64, "needs the BIOS"},
		{"cut off in setup", 0, 0, 0, 900, 0, 64, "cut off"},
		{"short", 0, 0, 0, 100, 0, 64, "is not a kernel"},
		{"empty", 0, 0, 0, 0, 0, 64, "is not a kernel"},
		{"too little memory", 0, 0, 0, 2048, 0, 16, "raise <memory>"},
		{"huge init_size", 0x260, 4, 0xffffffff, 2048, 0, 64, "raise <memory>"},
		{"address that overflows", 0x258, 8, 0xfffffffffffff000, 2048, 0, 64, "raise <memory>"},
		{"initrd that does not fit", 0, 0, 0, 2048, 60 * MIB, 64, "does not fit"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t p[2048];
		struct boot_entry entry;
		struct err e = {0};
		bzimage(p);
		put(p, cases[i].off, cases[i].n, cases[i].value);
		size_t n = cases[i].size < sizeof(p) ? cases[i].size : sizeof(p);
		int rc = boot(cases[i].ram_mib, image(p, n, cases[i].size), cases[i].initrd, "", &entry, &e);
		ck_assert_msg(rc < 0 && strstr(e.msg, cases[i].say), "%s: %d %s", cases[i].what, rc, e.msg);
		unboot();
	}
}
END_TEST

START_TEST(cmdline_longer_than_the_kernel_takes_is_refused)
{
	uint8_t p[2048];
	struct boot_entry entry;
	struct err e = {0};
	AUTO_BUF struct buf line = {0};
	for (int i = 0; i < 300; i++)
		buf_puts(&line, "0123456789");
	bzimage(p);
	ck_assert_int_eq(boot(64, image(p, sizeof(p), sizeof(p)), 0, line.s, &entry, &e), -E2BIG);
	ck_assert_msg(strstr(e.msg, "3000 bytes, the kernel takes 2047"), "%s", e.msg);
	unboot();
}
END_TEST

struct elf_image {
	Elf64_Ehdr h;
	Elf64_Phdr load, note;
	Elf64_Nhdr n;
	char name[4];
	uint32_t entry;
	char text[16];
};

static struct elf_image elf(void)
{
	struct elf_image x = {.n = {4, 4, 18}, .name = "Xen", .entry = MIB, .text = "TEXT"};
	memcpy(x.h.e_ident, ELFMAG, SELFMAG);
	x.h.e_ident[EI_CLASS] = ELFCLASS64;
	x.h.e_machine = EM_X86_64;
	x.h.e_phentsize = sizeof(Elf64_Phdr);
	x.h.e_phnum = 2;
	x.h.e_phoff = offsetof(struct elf_image, load);
	x.load = (Elf64_Phdr){.p_type = PT_LOAD,
			      .p_offset = offsetof(struct elf_image, text),
			      .p_paddr = MIB,
			      .p_filesz = 16,
			      .p_memsz = 4096};
	x.note = (Elf64_Phdr){.p_type = PT_NOTE, .p_offset = offsetof(struct elf_image, n), .p_filesz = 20};
	return x;
}

START_TEST(elf_enters_at_its_pvh_note)
{
	struct elf_image x = elf();
	struct boot_entry entry;
	struct err e = {0};
	ck_assert_msg(boot(64, image(&x, sizeof(x), sizeof(x)), 100, "a=b", &entry, &e) == 0, "%s", e.msg);
	ck_assert_int_eq(entry.mode, BOOT_PVH);
	ck_assert_uint_eq(entry.rip, MIB);
	ck_assert_str_eq(gm_ptr(&m.mem, MIB, 5, false), "TEXT");
	uint32_t magic;
	ck_assert_int_eq(gm_read(&m.mem, entry.param, &magic, 4), 0);
	ck_assert_uint_eq(magic, 0x336ec578);
	unboot();
}
END_TEST

static void elf_no_note(struct elf_image *x) { x->note.p_type = PT_NULL; }
static void elf_other_note(struct elf_image *x) { x->n.n_type = 6; }
static void elf_note_overrun(struct elf_image *x) { x->n.n_namesz = 0xfffffff0; }
static void elf_entry_outside(struct elf_image *x) { x->entry = 0xf0000000; }
static void elf_too_high(struct elf_image *x) { x->load.p_paddr = 1ull << 40; }
static void elf_too_low(struct elf_image *x) { x->load.p_paddr = 0x1000; }
static void elf_overflow(struct elf_image *x) { x->load.p_paddr = UINT64_MAX - 10; }
static void elf_size(struct elf_image *x) { x->load.p_filesz = 8192; }
static void elf_no_headers(struct elf_image *x) { x->h.e_phnum = 0; }
static void elf_many_headers(struct elf_image *x) { x->h.e_phnum = 60000; }
static void elf_headers_outside(struct elf_image *x) { x->h.e_phoff = 1ull << 62; }
static void elf_segment_outside(struct elf_image *x) { x->load.p_offset = 1ull << 50; }

START_TEST(elf_that_is_wrong_is_named_and_refused)
{
	static const struct {
		void (*spoil)(struct elf_image *);
		const char *say;
	} cases[] = {
		{elf_no_note, "PVH"},          {elf_other_note, "PVH"},        {elf_note_overrun, "PVH"},
		{elf_entry_outside, "PVH"},    {elf_too_high, "memory"},       {elf_too_low, "memory"},
		{elf_overflow, "bad program"}, {elf_size, "bad program"},      {elf_no_headers, "program headers"},
		{elf_many_headers, "headers"}, {elf_headers_outside, "headers"}, {elf_segment_outside, "cut off"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct elf_image x = elf();
		struct boot_entry entry;
		struct err e = {0};
		cases[i].spoil(&x);
		int rc = boot(64, image(&x, sizeof(x), sizeof(x)), 0, "", &entry, &e);
		ck_assert_msg(rc < 0 && strstr(e.msg, cases[i].say), "case %zu: %d %s", i, rc, e.msg);
		unboot();
	}
}
END_TEST

START_TEST(e820_covers_memory_and_nothing_twice)
{
	static const unsigned sizes[] = {2, 64, 3072, 5000};
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct boot_e820 map[BOOT_E820_MAX];
		uint64_t ram = 0, end = 0;
		ck_assert_int_eq(machine_init_bare(&m, (uint64_t)sizes[i] * MIB, 0, &sink, NULL, NULL), 0);
		unsigned n = boot_e820(&m, map);
		for (unsigned k = 0; k < n; k++) {
			ck_assert_uint_ge(map[k].base, end);
			end = map[k].base + map[k].len;
			ram += map[k].type == BOOT_E820_RAM ? map[k].len : 0;
		}
		ck_assert_uint_eq(ram, (uint64_t)sizes[i] * MIB - (MIB - BOOT_EBDA_GPA));
		machine_done_bare(&m);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("boot");
	TCase *t = tcase_create("direct");
	tcase_add_test(t, bzimage_kernel_initrd_and_tables_are_in_place);
	tcase_add_test(t, bzimage_without_a_64_bit_entry_is_entered_at_32);
	tcase_add_test(t, bzimage_that_is_wrong_is_named_and_refused);
	tcase_add_test(t, cmdline_longer_than_the_kernel_takes_is_refused);
	tcase_add_test(t, elf_enters_at_its_pvh_note);
	tcase_add_test(t, elf_that_is_wrong_is_named_and_refused);
	tcase_add_test(t, e820_covers_memory_and_nothing_twice);
	suite_add_tcase(s, t);
	return test_main(s);
}
