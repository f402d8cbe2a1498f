/* <interface> as a checked view: cards, addresses, port forwards. What is refused and noted: tests/xml. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "src/base/cleanup.h"
#include "src/base/str.h"
#include "src/cmd/net_text.h"
#include "src/model/domain.h"
#include "tests/testlib.h"

static struct domain *parse(const char *devices)
{
	AUTO_FREE char *text = x_asprintf(
	    "<domain type='kvm'><name>x</name><uuid>3fd1ae2c-5d4a-4a0b-9d3e-7f2b6f0c1a55</uuid>"
	    "<memory unit='MiB'>64</memory><os><type>hvm</type></os><devices>%s</devices></domain>",
	    devices);
	struct domain *d = NULL;
	struct err e = {0};
	ck_assert_msg(domain_parse(text, strlen(text), "x.xml", &d, &e) == 0, "%s", e.msg);
	return d;
}

/* Ranges of one portForward, and what becomes of them: "start-end>to " each. */
static const struct {
	const char *ranges, *want;
} forwards[] = {
    {"<range start='2022' to='22'/>", "2022-2022>22 "},
    {"<range start='80'/>", "80-80>80 "},
    {"<range start='10' end='20' to='1010'/>", "10-20>1010 "},
    {"<range start='10' end='20'/><range start='15' exclude='yes'/>", "10-14>10 16-20>16 "},
    {"<range start='15' exclude='yes'/><range start='10' end='20' to='110'/>", "10-14>110 16-20>116 "},
    {"<range start='10' end='20'/><range start='10' exclude='yes'/><range start='20' exclude='yes'/>",
     "11-19>11 "},
    {"<range start='10' end='20'/><range start='5' end='12' exclude='yes'/><range start='13' exclude='yes'/>",
     "14-20>14 "},
    {"<range start='10' end='20'/><range start='13' exclude='yes'/><range start='5' end='12' exclude='yes'/>",
     "14-20>14 "},
    {"<range start='10' end='20'/><range start='1' end='100' exclude='yes'/>", ""},
    {"<range start='10' end='12'/><range start='30' end='31'/><range start='12' end='30' exclude='yes'/>",
     "10-11>10 31-31>31 "},
    {"<range start='65535'/><range start='65534' exclude='yes'/>", "65535-65535>65535 "},
};

START_TEST(ranges_are_split_around_what_is_excluded)
{
	AUTO_FREE char *xml = x_asprintf("<interface type='user'><portForward proto='udp' "
					 "address='127.0.0.1'>%s</portForward></interface>",
					 forwards[_i].ranges);
	struct domain *d = parse(xml);
	struct buf AUTO_BUF got = {0};
	for (size_t i = 0; i < d->interfaces[0].nforwards; i++) {
		const struct port_forward *p = &d->interfaces[0].forwards[i];
		ck_assert(p->udp);
		ck_assert_str_eq(p->address, "127.0.0.1");
		buf_printf(&got, "%u-%u>%u ", p->start, p->end, p->to);
	}
	ck_assert_str_eq(buf_text(&got), forwards[_i].want);
	domain_free(d);
}
END_TEST

START_TEST(a_card_is_what_its_element_says)
{
	struct domain *d = parse(
	    "<interface type='bridge'><mac address='00:16:3E:0a:bB:0c'/><source bridge='br0'/><target "
	    "dev='tap7'/>"
	    "<link state='down'/><mtu size='9000'/><boot order='3'/><driver queues='4'/><rom enabled='no'/>"
	    "<address type='pci' domain='0' bus='0' slot='0x11' function='0'/></interface>"
	    "<interface type='network'><source network='default'/></interface>");
	const struct domain_interface *f = d->interfaces;
	char mac[DOMAIN_MAC_TEXT];
	ck_assert_uint_eq(d->ninterfaces, 2);
	ck_assert_int_eq(f->type, INTERFACE_BRIDGE);
	ck_assert_str_eq(domain_mac_text(f->mac, mac), "00:16:3e:0a:bb:0c");
	ck_assert_str_eq(f->bridge, "br0");
	ck_assert_str_eq(f->target, "tap7");
	ck_assert(f->link_down && f->no_rom);
	ck_assert_uint_eq(f->mtu, 9000);
	ck_assert_uint_eq(f->boot_order, 3);
	ck_assert_uint_eq(f->queues, 4);
	ck_assert(f->addr.set && f->addr.slot == 0x11);
	f++;
	ck_assert_int_eq(f->type, INTERFACE_USER);
	ck_assert_str_eq(f->asked, "network");
	ck_assert_str_eq(f->network, "default");
	ck_assert(!f->link_down && !f->no_rom && !f->mtu && !f->queues && !f->boot_order && !f->bridge &&
		  !f->target);
	ck_assert(f->addr.set && f->addr.slot != 0x11);
	domain_free(d);
}
END_TEST

START_TEST(a_made_up_address_is_the_same_each_time_and_nobody_elses)
{
	struct domain *a = parse("<interface type='user'/><interface type='user'/>"),
		      *b = parse("<interface type='user'/>");
	char first[DOMAIN_MAC_TEXT], again[DOMAIN_MAC_TEXT];
	ck_assert_str_eq(domain_mac_text(a->interfaces[0].mac, first),
			 domain_mac_text(b->interfaces[0].mac, again));
	ck_assert_mem_eq(a->interfaces[0].mac, ((uint8_t[]){0x52, 0x54, 0}), 3);
	ck_assert_mem_ne(a->interfaces[0].mac, a->interfaces[1].mac, 6);
	/* One that another card has is not made up. */
	AUTO_FREE char *xml = x_asprintf(
	    "<interface type='user'/><interface type='user'><mac address='%s'/></interface>", first);
	struct domain *c = parse(xml);
	ck_assert_mem_eq(c->interfaces[1].mac, a->interfaces[0].mac, 6);
	ck_assert_mem_ne(c->interfaces[0].mac, c->interfaces[1].mac, 6);
	domain_free(a);
	domain_free(b);
	domain_free(c);
}
END_TEST

START_TEST(names_that_libvirt_made_up_are_not_kept)
{
	struct domain *d =
	    parse("<interface type='bridge'><source bridge='br0'/><target dev='vnet3'/></interface>");
	ck_assert_ptr_null(d->interfaces[0].target);
	domain_free(d);
}
END_TEST

START_TEST(a_running_guests_text_names_its_taps)
{
	struct domain *d = parse("<interface type='user'/><interface type='bridge'><mac "
				 "address='52:54:00:aa:bb:cc'/><source bridge='br0'/>"
				 "<target dev='vnet9'/></interface>"),
		      *live = NULL;
	struct domain_live l = {.id = 3, .taps = {{""}, {"vnet4", 9000}}}, again = {0};
	struct err e = {0};
	char name[16];
	ck_assert_str_eq(domain_interface_name(d, 0, name), "net0");
	AUTO_FREE char *text = domain_live_text(d, &l);
	ck_assert_msg(!domain_parse(text, strlen(text), "live.xml", &live, &e), "%s", e.msg);
	domain_live_taps(live, &again);
	ck_assert_str_eq(again.taps[0].dev, "");
	ck_assert_str_eq(again.taps[1].dev, "vnet4");
	ck_assert_uint_eq(again.taps[1].mtu, 9000);
	static const struct {
		const char *key;
		size_t i;
	} keys[] = {{"net0", 0},  {"net1", 1}, {"vnet4", 1}, {"52:54:00:AA:bb:CC", 1},
		    {"vnet9", 2}, {"net2", 2}, {"", 2}};
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		ck_assert_msg(domain_interface_find(live, keys[i].key) == keys[i].i, "%s", keys[i].key);
	domain_free(d);
	domain_free(live);
}
END_TEST

START_TEST(a_cable_is_pulled_in_the_text)
{
	static const char text[] =
	    "<domain type='kvm'><name>x</name><memory>65536</memory><os><type>hvm</type></os><devices>"
	    "<interface type='user'/><interface type='user'><link "
	    "state='up'/></interface></devices></domain>";
	struct err e = {0};
	for (size_t i = 0; i < 2; i++) {
		AUTO_FREE char *down = NULL, *up = NULL;
		struct domain *d = NULL;
		ck_assert_int_eq(domain_text_link(text, "x.xml", i, false, &down, &e), 0);
		ck_assert_int_eq(domain_parse(down, strlen(down), "x.xml", &d, &e), 0);
		ck_assert(d->interfaces[i].link_down && !d->interfaces[1 - i].link_down);
		domain_free(d);
		ck_assert_int_eq(domain_text_link(down, "x.xml", i, true, &up, &e), 0);
		ck_assert_int_eq(domain_parse(up, strlen(up), "x.xml", &d, &e), 0);
		ck_assert(!d->interfaces[i].link_down);
		domain_free(d);
	}
	char *none = NULL;
	ck_assert_int_eq(domain_text_link(text, "x.xml", 2, false, &none, &e), -ENODEV);
	ck_assert_int_eq(domain_text_link("<domain/>", "x.xml", 0, false, &none, &e), -ENODEV);
	ck_assert_ptr_null(none);
}
END_TEST

/* The forwards of an interface as people are told them, and the line for ssh. */
static const struct {
	const char *forwards, *want;
} told[] = {
    {"", ""},
    {"<portForward proto='tcp'><range start='2022' to='22'/></portForward>",
     "Forwarded: 127.0.0.1:2022 to port 22 of the guest\nInto the guest: ssh -p 2022 root@127.0.0.1\n"},
    {"<portForward proto='tcp' address='0.0.0.0'><range start='8000' end='8100' to='10'/></portForward>",
     "Forwarded: 0.0.0.0:8000-8100 to ports 10-110 of the guest\nInto the guest: ssh -p 8012 "
     "root@127.0.0.1\n"},
    {"<portForward proto='udp' address='::1'><range start='22'/></portForward>",
     "Forwarded: [::1]:22/udp to port 22 of the guest\n"},
    {"<portForward proto='tcp' address='::'><range start='2200' to='22'/></portForward>",
     "Forwarded: [::]:2200 to port 22 of the guest\nInto the guest: ssh -p 2200 root@::1\n"},
    {"<portForward proto='tcp'><range start='80'/></portForward>",
     "Forwarded: 127.0.0.1:80 to port 80 of the guest\n"},
};

START_TEST(people_are_told_how_the_guest_is_reached)
{
	AUTO_FREE char *xml = x_asprintf("<interface type='user'>%s</interface>", told[_i].forwards);
	struct domain *d = parse(xml);
	struct buf AUTO_BUF b = {0};
	net_tell(d, &b);
	ck_assert_str_eq(buf_text(&b), told[_i].want);
	domain_free(d);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("domain_interface");
	TCase *t = tcase_create("interface");
	tcase_add_loop_test(t, ranges_are_split_around_what_is_excluded, 0, ARRAY_SIZE(forwards));
	tcase_add_test(t, a_card_is_what_its_element_says);
	tcase_add_test(t, a_made_up_address_is_the_same_each_time_and_nobody_elses);
	tcase_add_test(t, names_that_libvirt_made_up_are_not_kept);
	tcase_add_test(t, a_running_guests_text_names_its_taps);
	tcase_add_test(t, a_cable_is_pulled_in_the_text);
	tcase_add_loop_test(t, people_are_told_how_the_guest_is_reached, 0, ARRAY_SIZE(told));
	suite_add_tcase(s, t);
	return test_main(s);
}
