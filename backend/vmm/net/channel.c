/* Frames to and from another process of ours (vmdeck-net): a SOCK_SEQPACKET, one frame a packet, nothing else
 * in it. That process may die and come back: net_replace(). */
#include "backend/vmm/net/net.h"

#include <errno.h>
#include <sys/socket.h>

/* The frames that wait in it: what TCP has under way between the two. */
#define BUFFER_BYTES (1 << 20)

static int channel_open(struct net_backend *nb, struct err *e)
{
	int type = 0, bytes = BUFFER_BYTES;
	socklen_t len = sizeof(type);
	if (getsockopt(nb->fd, SOL_SOCKET, SO_TYPE, &type, &len) || type != SOCK_SEQPACKET)
		return err_set(e, EINVAL, "the channel to vmdeck-net is no SOCK_SEQPACKET");
	setsockopt(nb->fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes)); /* as far as the host lets us */
	return 0;
}

static int broken(int error)
{
	return error == ECONNRESET || error == ENOTCONN || error == EPIPE ? -EPIPE : -error;
}

static int channel_send(struct net_backend *nb, const struct net_header *h, const struct iovec *iov,
			unsigned n)
{
	struct msghdr m = {.msg_iov = (struct iovec *)(uintptr_t)iov, .msg_iovlen = n};
	if (sendmsg(nb->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return 0;
	return errno == EWOULDBLOCK || errno == EINTR ? -EAGAIN : broken(errno);
}

static ssize_t channel_recv(struct net_backend *nb, struct net_header *h, void *frame, size_t room)
{
	ssize_t n = recv(nb->fd, frame, room, MSG_DONTWAIT | MSG_TRUNC);
	if (n == 0)
		return -EPIPE;
	if (n < 0)
		return errno == EWOULDBLOCK || errno == EINTR ? -EAGAIN : broken(errno);
	if ((size_t)n > room)
		return -EMSGSIZE;
	*h = (struct net_header){0};
	return n;
}

const struct net_ops net_channel = {
    .kind = "channel",
    .open = channel_open,
    .send = channel_send,
    .recv = channel_recv,
};
