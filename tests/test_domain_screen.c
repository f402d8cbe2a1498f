/* What <graphics>, <video>, <input>, drives and <os> become in struct domain; the sentences about them stand
 * in the pairs of tests/xml. */
#include <stdio.h>
#include <string.h>

#include "src/base/cleanup.h"
#include "src/base/str.h"
#include "src/model/domain.h"
#include "tests/testlib.h"

static struct domain *load(const char *name)
{
	AUTO_FREE char *path = x_asprintf("tests/xml/pass/%s.xml", name);
	struct domain *d = NULL;
	struct err e = {0};
	ck_assert_msg(!domain_load(path, &d, &e), "%s", e.msg);
	return d;
}

/* A domain of @devices; @os NULL: without firmware or kernel named. */
static struct domain *with(const char *os, const char *devices)
{
	AUTO_FREE char *text = x_asprintf(
	    "<domain type='kvm'><name>t</name><memory unit='MiB'>64</memory>%s<devices>%s</devices></domain>",
	    os ? os : "<os><type>hvm</type></os>", devices);
	struct domain *d = NULL;
	struct err e = {0};
	ck_assert_msg(!domain_parse(text, strlen(text), "t", &d, &e), "%s: %s", devices, e.msg);
	return d;
}

START_TEST(a_screen_is_read_into_every_field)
{
	struct domain *d = load("screen-full");
	const struct domain_graphics *g = d->graphics;
	ck_assert(g && g->port == 5907 && !g->socket);
	ck_assert_str_eq(g->listen, "0.0.0.0");
	ck_assert_str_eq(g->passwd, "geheim");
	ck_assert_str_eq(g->view_passwd, "lookonly");
	ck_assert_str_eq(g->tls_dir, "/etc/pki/vnc");
	ck_assert_int_eq(g->passwd_valid_to, 2000000000);
	ck_assert(g->share == GRAPHICS_FORCE_SHARED && g->tls == GRAPHICS_TLS_ALLOWED);
	ck_assert(d->video && d->video->model == VIDEO_VIRTIO && d->video->vram_bytes == 32 << 20);
	ck_assert(d->video->width == 1920 && d->video->height == 1080);
	ck_assert(d->video->addr.set && d->video->addr.slot == 2);
	ck_assert_uint_eq(d->ninputs, 4);
	ck_assert(d->inputs[0].type == INPUT_TABLET && d->inputs[0].bus == INPUT_VIRTIO &&
		  d->inputs[0].addr.slot == 8);
	ck_assert(d->inputs[1].type == INPUT_KEYBOARD && d->inputs[1].bus == INPUT_VIRTIO &&
		  d->inputs[1].addr.slot == 3);
	ck_assert(d->inputs[2].type == INPUT_MOUSE && d->inputs[2].bus == INPUT_PS2 &&
		  !d->inputs[2].addr.set);
	ck_assert(!d->vmport && d->acpi);
	domain_free(d);
}
END_TEST

START_TEST(drives_and_what_is_booted_are_read_into_every_field)
{
	struct domain *d = load("screen-full");
	ck_assert_uint_eq(d->ndisks, 2);
	const struct domain_disk *cd = &d->disks[0], *hd = &d->disks[1];
	ck_assert(cd->device == DISK_DEVICE_CDROM && cd->type == DISK_BLOCK && cd->readonly && cd->tray_open);
	ck_assert(cd->unit == 2 && cd->policy == DISK_OPTIONAL && str_eq(cd->bus, "ide"));
	ck_assert(hd->unit == 1 && !hd->readonly && str_eq(hd->serial, "WD-12345678"));
	ck_assert_uint_eq(d->nboot_devs, 3);
	ck_assert(d->boot_devs[0] == BOOT_DEV_CDROM && d->boot_devs[1] == BOOT_DEV_HD);
	ck_assert(d->boot_menu && d->boot_menu_ms == 5000 && d->bios_serial && d->reboot_timeout_ms == 3000);
	ck_assert(d->firmware == FIRMWARE_BIOS && !d->loader && !d->nvram);
	domain_free(d);
}
END_TEST

START_TEST(what_is_not_said_has_libvirts_defaults)
{
	struct domain *d = load("screen-defaults");
	const struct domain_graphics *g = d->graphics;
	ck_assert(g && g->port == -1 && !g->listen && !g->socket && !g->passwd && !g->view_passwd &&
		  !g->tls_dir);
	ck_assert(!g->passwd_valid_to && g->share == GRAPHICS_ALLOW_EXCLUSIVE && g->tls == GRAPHICS_TLS_OFF);
	ck_assert(d->video && d->video->model == VIDEO_VGA && d->video->vram_bytes == 16 << 20 &&
		  !d->video->width);
	ck_assert(d->video->addr.slot == 2 && d->vmport);
	ck_assert(d->ninputs == 3 && d->inputs[0].type == INPUT_TABLET && d->inputs[0].addr.set);
	ck_assert(d->disks[0].policy == DISK_MANDATORY && str_eq(d->disks[0].bus, "virtio"));
	ck_assert(d->disks[1].readonly && str_eq(d->disks[1].bus, "ide") && d->disks[1].unit == 0);
	ck_assert(!d->nboot_devs && !d->boot_menu && d->reboot_timeout_ms == -1);
	domain_free(d);
	d = with(NULL, "");
	ck_assert(!d->graphics && !d->video && !d->ninputs);
	domain_free(d);
}
END_TEST

START_TEST(what_we_have_not_is_given_the_nearest_thing)
{
	struct domain *d = load("screen-nearest");
	const struct domain_graphics *g = d->graphics;
	ck_assert(g && g->port == -1 && !g->listen && g->passwd_valid_to == 1);
	ck_assert_str_eq(g->passwd, "a long p");
	ck_assert(d->video->model == VIDEO_VIRTIO && !d->video->width && d->video->vram_bytes == 64 << 20);
	ck_assert_uint_eq(d->ndisks, 4);
	static const unsigned units[] = {1, 2, 3, 0};
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		ck_assert_msg(str_eq(d->disks[i].bus, "ide") && d->disks[i].unit == units[i], "%s: %u",
			      d->disks[i].target, d->disks[i].unit);
	ck_assert_str_eq(d->disks[1].serial, "a serial number of t");
	ck_assert_uint_eq(d->ninputs, 4);
	ck_assert(d->inputs[0].bus == INPUT_VIRTIO && d->inputs[0].addr.set);
	ck_assert(d->inputs[1].bus == INPUT_VIRTIO && d->inputs[1].addr.slot != d->inputs[0].addr.slot);
	domain_free(d);
}
END_TEST

START_TEST(ports_and_places_to_listen)
{
	static const struct {
		const char *graphics, *listen, *socket;
		int port;
	} cases[] = {
	    {"<graphics type='vnc' port='5901'/>", NULL, NULL, 5901},
	    {"<graphics type='vnc' port='5901' autoport='yes'/>", NULL, NULL, -1},
	    {"<graphics type='vnc' port='65535' autoport='no'/>", NULL, NULL, 65535},
	    {"<graphics type='vnc' port='0'/>", NULL, NULL, -1},
	    {"<graphics type='vnc' port='-1' autoport='no'/>", NULL, NULL, -1},
	    {"<graphics type='vnc' listen='localhost'/>", NULL, NULL, -1},
	    {"<graphics type='vnc' listen=''><listen type='address' address='::'/></graphics>", "::", NULL,
	     -1},
	    {"<graphics type='vnc' listen='10.0.0.1'><listen type='address'/></graphics>", "10.0.0.1", NULL,
	     -1},
	    {"<graphics type='vnc'><listen type='network' network='lan' address='10.0.0.1'/></graphics>",
	     "10.0.0.1", NULL, -1},
	    {"<graphics type='vnc' socket='/run/a'/>", NULL, "/run/a", -1},
	    {"<graphics type='vnc'><listen type='socket' socket='/run/b'/></graphics>", NULL, "/run/b", -1},
	    {"<graphics type='spice' port='5930' listen='::1'/>", "::1", NULL, 5930},
	    {"<graphics type='spice' port='5930'/><graphics type='vnc' port='5931'/>", NULL, NULL, 5931},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct domain *d = with(NULL, cases[i].graphics);
		const struct domain_graphics *g = d->graphics;
		ck_assert_msg(g && g->port == cases[i].port, "%s: port %d", cases[i].graphics,
			      g ? g->port : 0);
		ck_assert_msg(str_eq(g->listen, cases[i].listen), "%s: %s", cases[i].graphics, g->listen);
		ck_assert_msg(str_eq(g->socket, cases[i].socket), "%s: %s", cases[i].graphics, g->socket);
		ck_assert(d->video && d->ninputs == 3 && !domain_startable(d, NULL));
		domain_free(d);
	}
}
END_TEST

START_TEST(graphics_that_nobody_can_see_are_none)
{
	static const char *const cases[] = {
	    "<graphics type='vnc'><listen type='none'/></graphics>",
	    "<graphics type='sdl'/>",
	    "<graphics type='egl-headless'/>",
	    "<graphics type='vnc'/><video><model type='none'/></video>",
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct domain *d = with(NULL, cases[i]);
		ck_assert_msg(!d->graphics && !d->ninputs && d->nnotes, "%s", cases[i]);
		ck_assert_int_eq(domain_startable(d, NULL), 0);
		domain_free(d);
	}
}
END_TEST

START_TEST(video_memory_is_a_power_of_two_that_the_card_has)
{
	static const struct {
		const char *model;
		unsigned mib;
	} cases[] = {
	    {"<model type='vga'/>", 16},
	    {"<model type='vga' vram='0'/>", 16},
	    {"<model type='vga' vram='1'/>", 1},
	    {"<model type='vga' vram='1024'/>", 1},
	    {"<model type='vga' vram='1025'/>", 2},
	    {"<model type='cirrus' vram='9216'/>", 16},
	    {"<model type='vga' vram='65536'/>", 64},
	    {"<model type='vga' vram='4294967295'/>", 64},
	    {"<model type='qxl' ram='65536' vram='65536' vgamem='16384'/>", 16},
	    {"<model type='qxl' vram='65536'/>", 16},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO_FREE char *video = x_asprintf("<video>%s</video>", cases[i].model);
		struct domain *d = with(NULL, video);
		ck_assert_msg(d->video->vram_bytes == (uint64_t)cases[i].mib << 20, "%s: %llu",
			      cases[i].model, (unsigned long long)d->video->vram_bytes);
		ck_assert(d->video->model == VIDEO_VGA && !d->graphics && !d->ninputs);
		domain_free(d);
	}
}
END_TEST

START_TEST(a_tablet_taken_out_of_the_xml_stays_out)
{
	struct domain *d = with(NULL, "<graphics type='vnc'/><input type='mouse' bus='ps2'/>");
	ck_assert_uint_eq(d->ninputs, 2);
	ck_assert(d->inputs[0].type == INPUT_MOUSE && d->inputs[1].type == INPUT_KEYBOARD);
	domain_free(d);
}
END_TEST

START_TEST(the_screen_has_slot_2_unless_another_device_asked_for_it)
{
	static const char rng[] = "<rng model='virtio'><backend model='random'/>%s</rng>%s";
	static const struct {
		const char *rng, *video;
		unsigned rng_slot, video_slot;
	} cases[] = {
	    {"", "", 3, 2},
	    {"<address type='pci' slot='0x02'/>", "", 2, 3},
	    {"", "<address type='pci' slot='0x03'/>", 4, 3},
	    {"<address type='pci' bus='0x01' slot='0x00'/>", "<address type='pci' bus='0x02' slot='0x00'/>",
	     3, 2},
	    {"", "<address type='pci' slot='0x02' function='1'/>", 3, 2},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO_FREE char *video = x_asprintf("<video>%s</video>", cases[i].video),
			       *all = x_asprintf(rng, cases[i].rng, video);
		struct domain *d = with(NULL, all);
		ck_assert_msg(d->rngs[0].addr.slot == cases[i].rng_slot &&
				  d->video->addr.slot == cases[i].video_slot,
			      "case %zu: %u, %u", i, d->rngs[0].addr.slot, d->video->addr.slot);
		domain_free(d);
	}
}
END_TEST

START_TEST(firmware_is_what_os_or_its_loader_says)
{
	static const struct {
		const char *os; /* between <os...> and its end */
		enum domain_firmware firmware;
		const char *loader, *nvram, *template;
		bool flash, secure;
	} cases[] = {
	    {"<os><type>hvm</type></os>", FIRMWARE_BIOS, NULL, NULL, NULL, false, false},
	    {"<os firmware='bios'><type>hvm</type></os>", FIRMWARE_BIOS, NULL, NULL, NULL, false, false},
	    {"<os firmware='efi'><type>hvm</type></os>", FIRMWARE_EFI, NULL, NULL, NULL, false, false},
	    {"<os firmware='efi'><type>hvm</type><loader/><nvram/></os>", FIRMWARE_EFI, NULL, NULL, NULL,
	     true, false},
	    {"<os firmware='efi'><type>hvm</type><firmware><feature enabled='no' "
	     "name='secure-boot'/></firmware></os>",
	     FIRMWARE_EFI, NULL, NULL, NULL, false, false},
	    {"<os firmware='efi'><type>hvm</type><firmware><feature enabled='yes' "
	     "name='enrolled-keys'/></firmware></os>",
	     FIRMWARE_EFI, NULL, NULL, NULL, false, true},
	    {"<os><type>hvm</type><loader>/b.bin</loader></os>", FIRMWARE_BIOS, "/b.bin", NULL, NULL, false,
	     false},
	    {"<os><type>hvm</type><loader type='pflash' readonly='yes'>/c.fd</loader><nvram "
	     "template='/t.fd'>/v.fd</nvram></os>",
	     FIRMWARE_EFI, "/c.fd", "/v.fd", "/t.fd", true, false},
	    {"<os><type>hvm</type><loader type='pflash' secure='yes'>/c.fd</loader>"
	     "<nvram type='file'><source file='/w.fd'/></nvram></os>",
	     FIRMWARE_EFI, "/c.fd", "/w.fd", NULL, true, true},
	    {"<os firmware='efi'><type>hvm</type><kernel>/k</kernel><loader secure='yes'/></os>",
	     FIRMWARE_BIOS, NULL, NULL, NULL, false, false},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct domain *d = with(cases[i].os, "");
		ck_assert_msg(d->firmware == cases[i].firmware && d->loader_flash == cases[i].flash, "%s",
			      cases[i].os);
		ck_assert_msg(str_eq(d->loader, cases[i].loader) && str_eq(d->nvram, cases[i].nvram) &&
				  str_eq(d->nvram_template, cases[i].template),
			      "%s: %s %s %s", cases[i].os, d->loader, d->nvram, d->nvram_template);
		ck_assert_msg(d->secure_boot == cases[i].secure &&
				  !!domain_startable(d, NULL) == cases[i].secure,
			      "%s", cases[i].os);
		domain_free(d);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("domain_screen");
	TCase *t = tcase_create("screen");
	tcase_add_test(t, a_screen_is_read_into_every_field);
	tcase_add_test(t, drives_and_what_is_booted_are_read_into_every_field);
	tcase_add_test(t, what_is_not_said_has_libvirts_defaults);
	tcase_add_test(t, what_we_have_not_is_given_the_nearest_thing);
	tcase_add_test(t, ports_and_places_to_listen);
	tcase_add_test(t, graphics_that_nobody_can_see_are_none);
	tcase_add_test(t, video_memory_is_a_power_of_two_that_the_card_has);
	tcase_add_test(t, a_tablet_taken_out_of_the_xml_stays_out);
	tcase_add_test(t, the_screen_has_slot_2_unless_another_device_asked_for_it);
	tcase_add_test(t, firmware_is_what_os_or_its_loader_says);
	suite_add_tcase(s, t);
	return test_main(s);
}
