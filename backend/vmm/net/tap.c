/* Frames of a tap device (Linux, Documentation/networking/tuntap.rst), which the launcher has opened with
 * IFF_TAP, IFF_NO_PI and IFF_VNET_HDR: each starts with a header of virtio-net, and the kernel computes
 * checksums and cuts segments, or leaves that to the guest. */
#include "backend/vmm/net/net.h"

#include <errno.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define IOV_MAX_HERE 1024u /* UIO_MAXIOV */

static int tap_open(struct net_backend *nb, struct err *e)
{
	int len = NET_HEADER_LEN;
	if (ioctl(nb->fd, TUNSETVNETHDRSZ, &len))
		return err_sys(e, errno, "the tap takes no virtio-net headers");
	if (ioctl(nb->fd, TUNSETOFFLOAD, 0ul))
		return err_sys(e, errno, "the tap's offloads cannot be set");
	return 0;
}

static int tap_send(struct net_backend *nb, const struct net_header *h, const struct iovec *iov, unsigned n)
{
	struct iovec v[IOV_MAX_HERE];
	if (n >= IOV_MAX_HERE)
		return -EMSGSIZE;
	v[0] = (struct iovec){(void *)(uintptr_t)h, NET_HEADER_LEN};
	memcpy(v + 1, iov, n * sizeof(*iov));
	if (writev(nb->fd, v, (int)n + 1) >= 0)
		return 0;
	if (errno == EWOULDBLOCK || errno == EINTR)
		return -EAGAIN;
	return errno == EBADFD || errno == ENODEV ? -EPIPE : -errno;
}

static ssize_t tap_recv(struct net_backend *nb, struct net_header *h, void *frame, size_t room)
{
	struct iovec v[2] = {{h, NET_HEADER_LEN}, {frame, room}};
	ssize_t n = readv(nb->fd, v, 2);
	if (n < 0 && (errno == EWOULDBLOCK || errno == EINTR))
		return -EAGAIN;
	if (n < 0)
		return errno == ENOMEM || errno == ENOBUFS ? -errno : -EPIPE;
	if (n == 0)
		return -EPIPE;
	return n < (ssize_t)NET_HEADER_LEN ? -EIO : n - (ssize_t)NET_HEADER_LEN;
}

static int tap_set_offload(struct net_backend *nb, unsigned offloads)
{
	unsigned long tun = 0;
	if (offloads & NET_CSUM) {
		tun |= TUN_F_CSUM;
		tun |= offloads & NET_TSO4 ? TUN_F_TSO4 : 0u;
		tun |= offloads & NET_TSO6 ? TUN_F_TSO6 : 0u;
		tun |= offloads & NET_ECN && offloads & (NET_TSO4 | NET_TSO6) ? TUN_F_TSO_ECN : 0u;
	}
	return ioctl(nb->fd, TUNSETOFFLOAD, tun) ? -errno : 0;
}

/* The bridge sees the cable pulled. Kernels before 5.0 cannot; the card drops the frames in any case. */
static void tap_set_link(struct net_backend *nb, bool up)
{
	int carrier = up;
	ioctl(nb->fd, TUNSETCARRIER, &carrier);
}

const struct net_ops net_tap = {
    .kind = "tap",
    .offloads = NET_CSUM | NET_TSO4 | NET_TSO6 | NET_ECN,
    .open = tap_open,
    .send = tap_send,
    .recv = tap_recv,
    .set_offload = tap_set_offload,
    .set_link = tap_set_link,
};
