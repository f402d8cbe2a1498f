/* What all kinds of network backends share: the descriptor, waiting for it, and its loss. */
#include "backend/vmm/net/net.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "src/base/cleanup.h"
#include "src/base/log.h"

/* Threads that hold machine.lock may not touch the main loop's handles, but an epoll set that the loop
 * watches. */
static void epoll_tell(struct net_backend *nb, int op)
{
	struct epoll_event ev = {.events = (nb->waits & NET_WAIT_READ ? EPOLLIN : 0u) |
					   (nb->waits & NET_WAIT_WRITE ? EPOLLOUT : 0u)};
	if (nb->fd >= 0)
		epoll_ctl(nb->ready_fd, op, nb->fd, &ev);
}

static int take(struct net_backend *nb, int fd, struct err *e)
{
	nb->fd = fd;
	if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0)
		return err_sys(e, errno, "%s: its descriptor cannot be used", nb->ops->kind);
	int rc = nb->ops->open ? nb->ops->open(nb, e) : 0;
	if (!rc && nb->waits)
		epoll_tell(nb, EPOLL_CTL_ADD);
	return rc;
}

int net_open(struct net_backend *nb, const struct net_ops *ops, int fd, struct err *e)
{
	*nb = (struct net_backend){.ops = ops, .fd = -1, .link_up = true};
	nb->ready_fd = epoll_create1(EPOLL_CLOEXEC);
	if (nb->ready_fd < 0) {
		fd_close(fd);
		return err_sys(e, errno, "cannot wait for the network");
	}
	return fd < 0 ? 0 : take(nb, fd, e);
}

static void lose(struct net_backend *nb)
{
	if (nb->waits)
		epoll_tell(nb, EPOLL_CTL_DEL);
	fd_close(nb->fd);
	nb->fd = -1;
}

void net_replace(struct net_backend *nb, int fd)
{
	struct err e = {0};
	lose(nb);
	if (take(nb, fd, &e)) {
		log_warn("network: %s: frames are dropped", e.msg);
		lose(nb);
		return;
	}
	net_set_offload(nb, nb->asked);
	net_set_link(nb, nb->link_up);
}

void net_close(struct net_backend *nb)
{
	if (!nb->ops)
		return;
	lose(nb);
	fd_close(nb->ready_fd);
	*nb = (struct net_backend){0};
}

void net_wait(struct net_backend *nb, unsigned what)
{
	unsigned old = nb->waits;
	nb->waits = what;
	if (old != what) /* out of the set when it asks for nothing: a hang-up is told unasked, for ever */
		epoll_tell(nb, !old ? EPOLL_CTL_ADD : what ? EPOLL_CTL_MOD : EPOLL_CTL_DEL);
}

/* Gone for good. It is closed: a descriptor that is hung up would wake us for ever. */
static void gone(struct net_backend *nb)
{
	log_warn("network: the other side of the %s is gone: frames are dropped", nb->ops->kind);
	lose(nb);
}

int net_send(struct net_backend *nb, const struct net_header *h, const struct iovec *iov, unsigned n)
{
	if (nb->fd < 0)
		return -EPIPE;
	int rc = nb->ops->send(nb, h, iov, n);
	if (rc == -EPIPE)
		gone(nb);
	return rc;
}

ssize_t net_recv(struct net_backend *nb, struct net_header *h, void *frame, size_t room)
{
	if (nb->fd < 0)
		return -EAGAIN;
	ssize_t n = nb->ops->recv(nb, h, frame, room);
	if (n != -EPIPE)
		return n;
	gone(nb);
	return -EAGAIN;
}

void net_set_offload(struct net_backend *nb, unsigned offloads)
{
	nb->asked = offloads;
	if (nb->fd < 0 || !nb->ops->set_offload)
		return;
	int rc = nb->ops->set_offload(nb, offloads);
	if (rc)
		log_warn("network: %s: offloads cannot be set: %s", nb->ops->kind, strerror(-rc));
}

void net_set_link(struct net_backend *nb, bool up)
{
	nb->link_up = up;
	if (nb->fd >= 0 && nb->ops->set_link)
		nb->ops->set_link(nb, up);
}
