/* Network cards that end in a bridge of the host: a tap for each (Linux,
 * Documentation/networking/tuntap.rst), put into the bridge by rtnetlink. The tap is not persistent: it goes
 * with the guest, whose machine holds its only descriptor. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <netlink/route/link.h>
#include <netlink/route/link/bridge.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "backend/local/local.h"
#include "src/base/cleanup.h"

#define MTU_USUAL 1500u
#define TAP_NAME "vnet%d" /* the kernel puts in the first free number */

struct tap {
	const struct domain *d;
	const struct domain_interface *f;
	struct nl_sock *sock;
	struct rtnl_link *bridge;
	char name[IFNAMSIZ];
	int fd;
};

static void tap_done(struct tap *t)
{
	if (t->bridge)
		rtnl_link_put(t->bridge);
	nl_socket_free(t->sock);
	fd_close(t->fd);
}

static int no_privilege(const struct tap *t, const char *what, struct err *e)
{
	return err_set(e, EPERM,
		       "domain '%s': %s needs root (CAP_NET_ADMIN): run vmdeck as root, name a tap of yours "
		       "that is in the bridge as <target dev=>, or use <interface type='user'>, which needs "
		       "no privilege",
		       t->d->name, what);
}

static int netlink_error(const struct tap *t, int rc, const char *what, struct err *e)
{
	if (rc == -NLE_PERM)
		return no_privilege(t, what, e);
	return err_set(e, EIO, "domain '%s': %s: %s", t->d->name, what, nl_geterror(rc));
}

static int find_bridge(struct tap *t, struct err *e)
{
	const char *name = t->f->bridge;
	int rc = nl_connect(t->sock, NETLINK_ROUTE);
	if (!rc)
		rc = rtnl_link_get_kernel(t->sock, 0, name, &t->bridge);
	if (rc == -NLE_OBJ_NOTFOUND || rc == -NLE_NODEV)
		return err_set(e, ENOENT,
			       "domain '%s': there is no bridge '%s' on this host: make it (ip link add %s "
			       "type bridge), name another, "
			       "or use <interface type='user'>",
			       t->d->name, name, name);
	if (rc)
		return netlink_error(t, rc, "asking for the host's bridges", e);
	const char *kind = rtnl_link_get_type(t->bridge);
	if (!kind || strcmp(kind, "bridge") != 0)
		return err_set(
		    e, EINVAL,
		    "domain '%s': '%s' is no bridge but %s: name a bridge that it is in, or make one",
		    t->d->name, name, kind ? kind : "an ordinary network device");
	return 0;
}

static int make_tap(struct tap *t, struct err *e)
{
	struct ifreq r = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
	t->fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (t->fd < 0 && (errno == ENOENT || errno == ENODEV))
		return err_set(e, errno, "domain '%s': this host has no /dev/net/tun: modprobe tun",
			       t->d->name);
	if (t->fd < 0 && errno != EACCES && errno != EPERM)
		return err_sys(e, errno, "domain '%s': cannot open /dev/net/tun", t->d->name);
	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", t->f->target ? t->f->target : TAP_NAME);
	int rc = t->fd < 0 || ioctl(t->fd, TUNSETIFF, &r) < 0 ? errno : 0;
	if (rc == EPERM || rc == EACCES)
		return no_privilege(t, "making a tap", e);
	if (rc == EBUSY && t->f->target)
		return err_set(
		    e, EBUSY,
		    "domain '%s': <target dev='%s'>: somebody uses this device: name another, or none",
		    t->d->name, t->f->target);
	if (rc)
		return err_sys(e, rc, "domain '%s': cannot make the tap '%s'", t->d->name, r.ifr_name);
	memcpy(t->name, r.ifr_name, sizeof(t->name));
	return 0;
}

/* In the bridge, as large as the bridge's, and up. Its address is the guest's with fe in front, as libvirt
 * has it: a bridge takes the lowest of its ports' for its own, and that must not come and go with guests. */
static int join(struct tap *t, unsigned mtu, struct err *e)
{
	struct rtnl_link *tap = NULL, *change = rtnl_link_alloc();
	uint8_t mac[6];
	memcpy(mac, t->f->mac, sizeof(mac));
	mac[0] = 0xfe;
	struct nl_addr *addr = nl_addr_build(AF_LLC, mac, sizeof(mac));
	int rc = change && addr ? rtnl_link_get_kernel(t->sock, 0, t->name, &tap) : -NLE_NOMEM;
	int bridge = rtnl_link_get_ifindex(t->bridge);
	bool there = !rc && rtnl_link_get_master(tap) == bridge && rtnl_link_get_flags(tap) & IFF_UP;
	if (!rc && !there) {
		rtnl_link_set_addr(change, addr);
		rtnl_link_set_mtu(change, mtu);
		rtnl_link_set_master(change, bridge);
		rtnl_link_set_flags(change, IFF_UP);
		rc = rtnl_link_change(t->sock, tap, change, 0);
	}
	if (tap)
		rtnl_link_put(tap);
	if (change)
		rtnl_link_put(change);
	nl_addr_put(addr);
	char what[80];
	snprintf(what, sizeof(what), "putting '%s' into the bridge '%s'", t->name, t->f->bridge);
	return rc ? netlink_error(t, rc, what, e) : 0;
}

static int open_bridged(const struct domain *d, size_t i, struct fd_set_named *fds, struct domain_live *live,
			struct err *e)
{
	__attribute__((cleanup(tap_done))) struct tap t = {
	    .d = d, .f = &d->interfaces[i], .sock = nl_socket_alloc(), .fd = -1};
	char name[16];
	if (!t.sock)
		return err_set(e, ENOMEM, "out of memory");
	int rc = find_bridge(&t, e);
	if (!rc)
		rc = make_tap(&t, e);
	if (rc)
		return rc;
	unsigned mtu = t.f->mtu ? t.f->mtu : rtnl_link_get_mtu(t.bridge);
	if ((rc = join(&t, mtu, e)))
		return rc;
	memcpy(live->taps[i].dev, t.name, sizeof(t.name));
	live->taps[i].mtu = t.f->mtu || mtu == MTU_USUAL ? 0 : mtu;
	snprintf(name, sizeof(name), "net:%zu", i);
	return named_add(fds, name, TAKE_FD(t.fd))
		   ? err_set(e, ENOSPC, "too many files for domain '%s'", d->name)
		   : 0;
}

int interfaces_open(const struct domain *d, struct fd_set_named *fds, struct domain_live *live, struct err *e)
{
	int rc = 0;
	for (size_t i = 0; i < d->ninterfaces && !rc; i++)
		if (d->interfaces[i].type == INTERFACE_BRIDGE)
			rc = open_bridged(d, i, fds, live, e);
	return rc;
}
