#include "src/base/unixsock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "src/base/cleanup.h"
#include "src/base/str.h"

/* Fill @sa for @path; *dirfd gets a descriptor to keep until the socket is bound or connected. */
static int address(const char *path, struct sockaddr_un *sa, int *dirfd)
{
	*sa = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) < sizeof(sa->sun_path)) {
		memcpy(sa->sun_path, path, strlen(path) + 1);
		return 0;
	}
	const char *slash = strrchr(path, '/');
	if (!slash)
		return -ENAMETOOLONG;
	AUTO_FREE char *dir = x_strndup(path, (size_t)(slash - path));
	*dirfd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*dirfd < 0)
		return -errno;
	int n = snprintf(sa->sun_path, sizeof(sa->sun_path), "/proc/self/fd/%d/%s", *dirfd, slash + 1);
	return n < (int)sizeof(sa->sun_path) ? 0 : -ENAMETOOLONG;
}

int unixsock_listen(const char *path, mode_t mode, struct err *e)
{
	struct sockaddr_un sa;
	AUTO_CLOSE int dirfd = -1;
	int rc = address(path, &sa, &dirfd);
	AUTO_CLOSE int fd = rc ? -1 : socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (rc || fd < 0)
		return err_sys(e, rc ? -rc : errno, "cannot listen on '%s'", path);
	unlink(path);
	mode_t old = umask(0777 & ~mode);
	rc = bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 || listen(fd, 64) < 0 ? -errno : 0;
	umask(old);
	return rc ? err_sys(e, -rc, "cannot listen on '%s'", path) : TAKE_FD(fd);
}

int unixsock_connect(const char *path, struct err *e)
{
	struct sockaddr_un sa;
	AUTO_CLOSE int dirfd = -1;
	int rc = address(path, &sa, &dirfd);
	AUTO_CLOSE int fd = rc ? -1 : socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct timeval limit = {.tv_sec = 5}, none = {0};
	if (fd >= 0) /* connect() waits while the other side's queue is full, for ever when it hangs */
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (!rc && (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0))
		rc = errno == EAGAIN ? -ETIMEDOUT : -errno;
	if (rc)
		return err_sys(e, -rc, "cannot connect to '%s'", path);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &none, sizeof(none));
	return TAKE_FD(fd);
}

int unixsock_pair(int type, int fds[2])
{
	return socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds) < 0 ? -errno : 0;
}

ssize_t unixsock_send(int fd, const void *p, size_t n, const int *fds, size_t nfds)
{
	char ctl[CMSG_SPACE(UNIXSOCK_FDS * sizeof(int))]
	    __attribute__((aligned(__alignof__(struct cmsghdr))));
	struct iovec iov = {(void *)p, n};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
	if (nfds > UNIXSOCK_FDS)
		return -E2BIG;
	if (nfds) {
		memset(ctl, 0, sizeof(ctl));
		m.msg_control = ctl;
		m.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
		struct cmsghdr *c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(nfds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, nfds * sizeof(int));
	}
	ssize_t k;
	do
		k = sendmsg(fd, &m, MSG_NOSIGNAL);
	while (k < 0 && errno == EINTR);
	return k < 0 ? -errno : k;
}

ssize_t unixsock_recv(int fd, void *p, size_t n, int *fds, size_t *nfds)
{
	char ctl[CMSG_SPACE(UNIXSOCK_FDS * sizeof(int))]
	    __attribute__((aligned(__alignof__(struct cmsghdr))));
	struct iovec iov = {p, n};
	struct msghdr m = {
	    .msg_iov = &iov, .msg_iovlen = 1, .msg_control = ctl, .msg_controllen = sizeof(ctl)};
	ssize_t k;
	do
		k = recvmsg(fd, &m, MSG_CMSG_CLOEXEC);
	while (k < 0 && errno == EINTR);
	if (k < 0)
		return -errno;
	size_t room = *nfds, got = 0, surplus = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int f;
			memcpy(&f, CMSG_DATA(c) + i * sizeof(int), sizeof(f));
			if (got < room) {
				fds[got++] = f;
			} else {
				close(f);
				surplus++;
			}
		}
	}
	if (surplus || (m.msg_flags & (MSG_CTRUNC | MSG_TRUNC))) {
		while (got)
			close(fds[--got]);
		*nfds = 0;
		return -EMSGSIZE;
	}
	*nfds = got;
	return k;
}

int unixsock_peer(int fd, uid_t *uid, pid_t *pid)
{
	struct ucred c;
	socklen_t len = sizeof(c);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c, &len) < 0)
		return -errno;
	*uid = c.uid;
	if (pid)
		*pid = c.pid;
	return 0;
}
