/* What a domain boots, in which order, and what is said of a medium that firmware cannot boot. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/cleanup.h"
#include "src/base/str.h"
#include "src/model/domain.h"
#include "tests/testlib.h"

#define DISK(name, boot) "<disk><source file='/x'/><target dev='" name "'/>" boot "</disk>"
#define NET(more) "<interface type='user'>" more "</interface>"
#define CDROM(name, boot) "<disk device='cdrom'><source file='/x'/><target dev='" name "'/>" boot "</disk>"

static struct domain *with(const char *os, const char *devices)
{
	AUTO_FREE char *text = x_asprintf(
	    "<domain type='kvm'><name>t</name><memory unit='MiB'>64</memory><os><type>hvm</type>%s</os>"
	    "<devices>%s</devices></domain>",
	    os, devices);
	struct domain *d = NULL;
	struct err e = {0};
	ck_assert_msg(!domain_parse(text, strlen(text), "t", &d, &e), "%s: %s", devices, e.msg);
	return d;
}

static char dir[] = "/tmp/domain_boot.XXXXXX";

static void make_dir(void)
{
	memcpy(dir + strlen(dir) - 6, "XXXXXX", 6);
	ck_assert(mkdtemp(dir));
}

static void remove_dir(void)
{
	static const char *const names[] = {"medium", "fifo", "empty"};
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		AUTO_FREE char *path = x_asprintf("%s/%s", dir, names[i]);
		unlink(path);
	}
	rmdir(dir);
}

START_TEST(the_order_is_that_of_the_xml)
{
	static const struct {
		const char *os, *devices, *says;
	} cases[] = {
	    {"", "", "nothing, there is no disk to boot"},
	    {"", CDROM("hda", "") DISK("vda", "") DISK("vdb", ""), "vda, vdb, hda (CD-ROM)"},
	    {"<boot dev='cdrom'/><boot dev='hd'/>", DISK("vda", "") CDROM("hda", ""), "hda (CD-ROM), vda"},
	    {"<boot dev='cdrom'/>", DISK("vda", "") CDROM("hda", ""), "hda (CD-ROM)"},
	    {"<boot dev='network'/>", DISK("vda", ""), "nothing, there is no disk to boot"},
	    {"<boot dev='network'/><boot dev='hd'/>", DISK("vda", ""), "vda"},
	    {"<boot dev='network'/><boot dev='hd'/>", DISK("vda", "") NET("") NET("<rom enabled='no'/>") NET(""),
	     "net0 (network), net2 (network), vda"},
	    {"", DISK("vda", "") NET(""), "vda"},
	    {"", DISK("vda", "<boot order='2'/>") NET("") NET("<boot order='1'/>"), "net1 (network), vda"},
	    {"", DISK("vda", "<boot order='20'/>") DISK("vdb", "<boot order='3'/>") CDROM("hda", ""),
	     "vdb, vda"},
	    {"<bootmenu enable='yes'/>", DISK("vda", ""), "vda, with a menu"},
	    {"<kernel>/k</kernel><bootmenu enable='yes'/>", DISK("vda", ""), "the kernel /k"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct domain *d = with(cases[i].os, cases[i].devices);
		AUTO_FREE char *says = domain_boot_text(d, false);
		ck_assert_msg(str_eq(says, cases[i].says), "case %zu: %s", i, says);
		domain_free(d);
	}
}
END_TEST

START_TEST(a_rom_is_for_what_a_bios_boots)
{
	static const struct {
		const char *os, *devices;
		bool rom;
	} cases[] = {
	    {"<boot dev='network'/>", NET(""), true},
	    {"<boot dev='hd'/>", NET(""), false},
	    {"<boot dev='network'/>", NET("<rom enabled='no'/>"), false},
	    {"", NET("<boot order='1'/>"), true},
	    {"<loader type='pflash'>/c.fd</loader><boot dev='network'/>", NET(""), false},
	    {"<kernel>/k</kernel><boot dev='network'/>", NET(""), false},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct domain *d = with(cases[i].os, cases[i].devices);
		ck_assert_msg(domain_needs_rom(d, &d->interfaces[0]) == cases[i].rom, "case %zu", i);
		domain_free(d);
	}
}
END_TEST

START_TEST(firmware_and_screen_in_words)
{
	static const struct {
		const char *os, *devices, *firmware, *screen;
	} cases[] = {
	    {"", "", "BIOS", "none"},
	    {"<kernel>/k</kernel>", "<video/>", "none", "VGA, not seen from outside"},
	    {"<loader type='pflash'>/c.fd</loader>", "<graphics type='vnc'/>", "UEFI, /c.fd",
	     "VGA, VNC on 127.0.0.1, the lowest free port from 5900"},
	    {"", "<graphics type='vnc' port='5907' listen='0.0.0.0'/><video><model type='virtio'/></video>",
	     "BIOS", "virtio, VNC on 0.0.0.0:5907"},
	    {"", "<graphics type='vnc' port='5907' listen='::1'/>", "BIOS", "VGA, VNC on [::1]:5907"},
	    {"", "<graphics type='vnc' socket='/s'/>", "BIOS", "VGA, VNC on /s"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct domain *d = with(cases[i].os, cases[i].devices);
		AUTO_FREE char *firmware = domain_firmware_text(d), *screen = domain_screen_text(d);
		ck_assert_msg(str_eq(firmware, cases[i].firmware), "case %zu: %s", i, firmware);
		ck_assert_msg(str_eq(screen, cases[i].screen), "case %zu: %s", i, screen);
		domain_free(d);
	}
}
END_TEST

/* Bytes at places of an image of @sectors of 512 bytes. */
struct piece {
	unsigned at;
	const char *bytes;
	unsigned n;
};
#define AT(at, bytes)                                                                                        \
	{                                                                                                    \
		at, bytes, sizeof(bytes) - 1                                                                 \
	}
#define PIECES 8

#define SIGNED AT(510, "\x55\xaa")
#define CODE AT(0, "\xfa\x31\xc0")
#define VOLUME AT(0x8000, "\1CD001\1")
#define RECORD AT(0x8800, "\0CD001\1EL TORITO SPECIFICATION")
#define CATALOG AT(0x8847, "\x12\0\0\0") /* in sector 18 of 2048 bytes */
#define VALID AT(0x901e, "\x55\xaa")
#define GPT AT(512, "EFI PART")
#define GPT_TABLE AT(584, "\2\0\0\0\0\0\0\0\4\0\0\0\x80\0\0\0")
#define ESP "\x28\x73\x2a\xc1\x1f\xf8\xd2\x11\xba\x4b\x00\xa0\xc9\x3e\xc9\x3b"

static const struct medium {
	const char *what;
	bool cdrom;
	struct piece pieces[PIECES];
	const char *bios, *efi; /* what it lacks, NULL: nothing */
} media[] = {
    {"zeroes", false, {{0}}, "no boot sector", "no EFI system partition"},
    {"MBR", false, {CODE, SIGNED}, NULL, "no EFI system partition"},
    {"code without its signature", false, {CODE}, "no boot sector", "no EFI system partition"},
    {"GPT without code", false, {SIGNED, GPT, GPT_TABLE, AT(1024, ESP)}, "for UEFI only", NULL},
    {"GPT with code, system partition third",
     false,
     {CODE, SIGNED, GPT, GPT_TABLE, AT(1280, ESP)},
     NULL,
     NULL},
    {"GPT, system partition behind the table",
     false,
     {SIGNED, GPT, GPT_TABLE, AT(1536, ESP)},
     "no boot sector",
     "no EFI system partition"},
    {"MBR with an EFI partition", false, {CODE, SIGNED, AT(450, "\xef")}, NULL, NULL},
    {"GPT of the largest numbers",
     false,
     {SIGNED, GPT, AT(584, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")},
     "no boot sector",
     "no EFI system partition"},
    {"zeroes in a CD-ROM drive", true, {{0}}, "no ISO 9660 image", "no ISO 9660 image"},
    {"data CD", true, {VOLUME}, "no boot record", "no boot record"},
    {"CD of a BIOS",
     true,
     {VOLUME, RECORD, CATALOG, AT(0x9000, "\1\0"), VALID, AT(0x9020, "\x88")},
     NULL,
     "for BIOS only"},
    {"CD whose entry is not to be booted",
     true,
     {VOLUME, RECORD, CATALOG, AT(0x9000, "\1\0"), VALID},
     "no boot record",
     "no boot record"},
    {"CD of UEFI",
     true,
     {VOLUME, RECORD, CATALOG, AT(0x9000, "\1\xef"), VALID, AT(0x9020, "\x88")},
     "for UEFI only",
     NULL},
    {"CD of both",
     true,
     {VOLUME, RECORD, CATALOG, AT(0x9000, "\1\0"), VALID, AT(0x9020, "\x88"), AT(0x9040, "\x91\xef\1\0"),
      AT(0x9060, "\x88")},
     NULL,
     NULL},
    {"CD with sections without end",
     true,
     {VOLUME, RECORD, CATALOG, AT(0x9000, "\1\0"), VALID, AT(0x9020, "\x88"), AT(0x9040, "\x90\xef\xff\xff")},
     NULL,
     "for BIOS only"},
    {"CD whose catalog lies behind the end",
     true,
     {VOLUME, RECORD, AT(0x8847, "\xff\xff\xff\xff")},
     "no boot record",
     "no boot record"},
};

START_TEST(a_medium_that_cannot_be_booted_says_why)
{
	const struct medium *m = &media[_i];
	AUTO_FREE char *path = x_asprintf("%s/medium", dir);
	FILE *f = fopen(path, "w");
	ck_assert_ptr_ne(f, NULL);
	ck_assert(!ftruncate(fileno(f), 0xa000));
	for (size_t i = 0; i < PIECES && m->pieces[i].n; i++)
		ck_assert(!fseek(f, m->pieces[i].at, SEEK_SET) &&
			  fwrite(m->pieces[i].bytes, m->pieces[i].n, 1, f) == 1);
	fclose(f);
	struct domain_disk k = {.source = path, .device = m->cdrom ? DISK_DEVICE_CDROM : DISK_DEVICE_DISK};
	const char *bios = domain_disk_lacks(&k, FIRMWARE_BIOS), *efi = domain_disk_lacks(&k, FIRMWARE_EFI);
	ck_assert_msg(str_eq(bios, m->bios), "%s, BIOS: %s", m->what, bios ? bios : "boots");
	ck_assert_msg(str_eq(efi, m->efi), "%s, UEFI: %s", m->what, efi ? efi : "boots");
}
END_TEST

START_TEST(what_is_no_medium_is_said_and_not_waited_for)
{
	AUTO_FREE char *fifo = x_asprintf("%s/fifo", dir), *empty = x_asprintf("%s/empty", dir),
		       *missing = x_asprintf("%s/missing", dir);
	ck_assert(!mkfifo(fifo, 0600));
	fclose(fopen(empty, "w"));
	struct domain_disk k = {.device = DISK_DEVICE_CDROM};
	ck_assert_str_eq(domain_disk_lacks(&k, FIRMWARE_BIOS), "empty");
	k.source = fifo;
	ck_assert_str_eq(domain_disk_lacks(&k, FIRMWARE_BIOS), "no image");
	k.source = missing;
	ck_assert_str_eq(domain_disk_lacks(&k, FIRMWARE_BIOS), "cannot be read");
	k = (struct domain_disk){.source = empty};
	ck_assert_str_eq(domain_disk_lacks(&k, FIRMWARE_BIOS), "empty");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("domain_boot");
	TCase *t = tcase_create("boot");
	tcase_add_checked_fixture(t, make_dir, remove_dir);
	tcase_add_test(t, the_order_is_that_of_the_xml);
	tcase_add_test(t, a_rom_is_for_what_a_bios_boots);
	tcase_add_test(t, firmware_and_screen_in_words);
	tcase_add_loop_test(t, a_medium_that_cannot_be_booted_says_why, 0, (int)ARRAY_SIZE(media));
	tcase_add_test(t, what_is_no_medium_is_said_and_not_waited_for);
	suite_add_tcase(s, t);
	return test_main(s);
}
