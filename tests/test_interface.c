/* Taps in bridges: made, named, put in, gone with their descriptor; and what is said when they cannot be. In
 * a network of its own.
 * needs: root tun */
#include "tests/testlib.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <netlink/route/link.h>
#include <netlink/route/link/bridge.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/local/local.h"
#include "src/base/cleanup.h"
#include "src/base/str.h"

static struct nl_sock *sock;
static struct fd_set_named fds;
static struct domain_live live;
static char br0[] = "br0", lo[] = "lo", gone[] = "br7", tap5[] = "tap5";

static struct rtnl_link *link_of(const char *name)
{
	struct rtnl_link *l = NULL;
	rtnl_link_get_kernel(sock, 0, name, &l);
	return l;
}

static void setup(void)
{
	ck_assert_msg(!unshare(CLONE_NEWNET), "a network of one's own needs root: %s", strerror(errno));
	sock = nl_socket_alloc();
	ck_assert_int_eq(nl_connect(sock, NETLINK_ROUTE), 0);
	ck_assert_int_eq(rtnl_link_bridge_add(sock, br0), 0);
}

static void teardown(void)
{
	named_done(&fds);
	nl_socket_free(sock);
}

static int open_them(struct domain_interface *f, size_t n, struct err *e)
{
	struct domain d = {.name = "web1", .interfaces = f, .ninterfaces = n};
	memset(&live, 0, sizeof(live));
	*e = (struct err){0};
	return interfaces_open(&d, &fds, &live, e);
}

START_TEST(a_tap_is_in_its_bridge_and_vanishes_with_the_guest)
{
	struct domain_interface f[] = {
	    {.type = INTERFACE_BRIDGE, .bridge = br0, .mac = {0x52, 0x54, 0, 1, 2, 3}},
	    {.type = INTERFACE_USER},
	    {.type = INTERFACE_BRIDGE,
	     .bridge = br0,
	     .mac = {0x52, 0x54, 0, 1, 2, 4},
	     .target = tap5,
	     .mtu = 1300},
	};
	struct rtnl_link *change = rtnl_link_alloc(), *bridge = link_of(br0);
	struct err e;
	char mac[32];
	rtnl_link_set_mtu(change, 1400);
	ck_assert_int_eq(rtnl_link_change(sock, bridge, change, 0), 0);
	ck_assert_msg(!open_them(f, 3, &e), "%s", e.msg);
	ck_assert_str_eq(live.taps[0].dev, "vnet0");
	ck_assert_str_eq(live.taps[1].dev, "");
	ck_assert_str_eq(live.taps[2].dev, tap5);
	ck_assert_uint_eq(live.taps[0].mtu, 1400);
	ck_assert(named_get(&fds, "net:0") >= 0 && named_get(&fds, "net:1") < 0 &&
		  named_get(&fds, "net:2") >= 0);
	for (unsigned i = 0; i < 3; i += 2) {
		struct rtnl_link *l = link_of(live.taps[i].dev);
		ck_assert_ptr_nonnull(l);
		ck_assert_int_eq(rtnl_link_get_master(l), rtnl_link_get_ifindex(bridge));
		ck_assert_uint_eq(rtnl_link_get_mtu(l), i ? 1300 : 1400);
		ck_assert(rtnl_link_get_flags(l) & IFF_UP);
		nl_addr2str(rtnl_link_get_addr(l), mac, sizeof(mac));
		ck_assert_str_eq(mac, i ? "fe:54:00:01:02:04" : "fe:54:00:01:02:03");
		rtnl_link_put(l);
	}
	named_done(&fds);
	ck_assert_ptr_null(link_of("vnet0"));
	ck_assert_ptr_null(link_of(tap5));
	rtnl_link_put(change);
	rtnl_link_put(bridge);
}
END_TEST

static const struct {
	char *bridge, *target;
	uid_t uid;
	int code;
	const char *says;
} errors[] = {
    {gone, NULL, 0, ENOENT, "there is no bridge 'br7' on this host: make it (ip link add br7 type bridge)"},
    {lo, NULL, 0, EINVAL, "'lo' is no bridge"},
    {br0, lo, 0, EINVAL, "cannot make the tap 'lo'"},
    {br0, br0, 0, EINVAL, "cannot make the tap 'br0'"},
    {br0, NULL, 65534, EPERM, "making a tap needs root (CAP_NET_ADMIN)"},
};

START_TEST(what_is_wrong_is_said_and_nothing_is_left)
{
	struct domain_interface f = {
	    .type = INTERFACE_BRIDGE, .bridge = errors[_i].bridge, .target = errors[_i].target};
	struct err e;
	ck_assert_int_eq(seteuid(errors[_i].uid), 0);
	int rc = open_them(&f, 1, &e);
	ck_assert_int_eq(seteuid(0), 0);
	ck_assert_msg(rc == -errors[_i].code, "%d: %s", rc, e.msg);
	ck_assert_msg(strstr(e.msg, errors[_i].says) && strstr(e.msg, "'web1'"), "%s", e.msg);
	ck_assert_uint_eq(fds.n, 0);
	ck_assert_ptr_null(link_of("vnet0"));
}
END_TEST

START_TEST(the_bridges_of_the_host_are_told)
{
	static char another[] = "a,b", mine[] = "tap5";
	struct err e = {0};
	char *names = NULL;
	struct domain_interface f = {.type = INTERFACE_BRIDGE, .bridge = br0, .target = mine};
	ck_assert_int_eq(rtnl_link_bridge_add(sock, another), 0);
	ck_assert_msg(!open_them(&f, 1, &e), "%s", e.msg);
	ck_assert_msg(!local_host_bridges(NULL, &names, &e), "%s", e.msg);
	ck_assert_str_eq(names, "a,b\nbr0\n"); /* neither lo nor the tap */
	free(names);
}
END_TEST

START_TEST(one_device_is_not_for_two_guests)
{
	struct domain_interface f = {.type = INTERFACE_BRIDGE, .bridge = br0, .target = tap5};
	struct err e;
	ck_assert_msg(!open_them(&f, 1, &e), "%s", e.msg);
	ck_assert_int_eq(open_them(&f, 1, &e), -EBUSY);
	ck_assert_msg(strstr(e.msg, "<target dev='tap5'>"), "%s", e.msg);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("interface");
	TCase *t = tcase_create("interface");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_tap_is_in_its_bridge_and_vanishes_with_the_guest);
	tcase_add_loop_test(t, what_is_wrong_is_said_and_nothing_is_left, 0, ARRAY_SIZE(errors));
	tcase_add_test(t, the_bridges_of_the_host_are_told);
	tcase_add_test(t, one_device_is_not_for_two_guests);
	suite_add_tcase(s, t);
	return test_main(s);
}
