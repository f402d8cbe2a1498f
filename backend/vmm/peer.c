#include "backend/vmm/peer.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/base/cleanup.h"
#include "src/base/unixsock.h"
#include "src/proto/launch.h"

static bool owner_or_root(int fd)
{
	uid_t uid;
	return !unixsock_peer(fd, &uid, NULL) && (uid == 0 || uid == geteuid());
}

static bool ready(int fd, short events, int timeout_ms)
{
	struct pollfd p = {.fd = fd, .events = events};
	return poll(&p, 1, timeout_ms) == 1 && p.revents & events;
}

bool peer_allowed(int keeper, int fd)
{
	int pair[2];
	char yes = 0;
	if (owner_or_root(fd))
		return true;
	if (keeper < 0 || !ready(keeper, POLLOUT, 0) || unixsock_pair(SOCK_STREAM, pair))
		return false;
	AUTO_CLOSE int ours = pair[0];
	int rc = launch_ask_peer(keeper, fd, pair[1]);
	close(pair[1]); /* the keeper's going away without an answer wakes us */
	return !rc && ready(ours, POLLIN, PEER_WAIT_MS) && recv(ours, &yes, 1, MSG_DONTWAIT) == 1 &&
	       yes == 'y';
}

void peer_answer(const int fds[2])
{
	char c = owner_or_root(fds[0]) ? 'y' : 'n';
	send(fds[1], &c, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}
