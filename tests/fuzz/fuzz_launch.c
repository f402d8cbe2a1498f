/* Any messages on the launch socket, to the keeper or the machine (launch_recv), from the keeper to a machine that
 * runs (launch_recv_given), and as an answer to the launcher (launch_wait). No descriptor is lost, and what is
 * named has a name.
 *
 * Input: a byte (which of the three), then messages: a byte (bits 0 to 2: descriptors), a length of two bytes,
 * bytes. */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/base/cleanup.h"
#include "src/base/unixsock.h"
#include "src/proto/launch.h"
#include "tests/fuzz/fuzzlib.h"

#define MESSAGES_MAX 32

static unsigned open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static void receive(int sock)
{
	static struct fd_set_named s;
	struct err e = {0};
	json_t *go = NULL;
	int rc = launch_recv(sock, &s, &go, &e);
	if (rc && s.n)
		abort();
	if (!rc && !json_is_object(go))
		abort();
	for (size_t i = 0; i < s.n; i++)
		if (s.v[i].fd < 0 || memchr(s.v[i].name, 0, sizeof(s.v[i].name)) == NULL)
			abort();
	json_decref(go);
	named_done(&s);
}

static void receive_given(int sock)
{
	for (int i = 0; i < MESSAGES_MAX; i++) {
		struct launch_given g;
		int rc = launch_recv_given(sock, &g);
		if ((rc || g.what == LAUNCH_NOTHING) && !rc && g.fd >= 0)
			abort();
		fd_close(rc ? -1 : g.fd);
		if (rc == -EPIPE)
			return;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int pair[2], pid, any = open("/dev/null", O_RDONLY | O_CLOEXEC), fds[7];
	struct input in = {data, size};
	struct err e = {0};
	unsigned before = open_fds(), kind = take(&in, 1) % 3;
	if (unixsock_pair(SOCK_SEQPACKET, pair))
		abort();
	fcntl(pair[1], F_SETFL, O_NONBLOCK);
	for (unsigned i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = any;
	for (unsigned i = 0; i < MESSAGES_MAX && in.n; i++) {
		unsigned nfds = take(&in, 1) & 7;
		size_t n = take(&in, 2);
		n = n < in.n ? n : in.n;
		if (n)
			unixsock_send(pair[1], in.p, n, fds, nfds);
		in.p += n;
		in.n -= n;
	}
	close(pair[1]);
	if (kind == 0)
		receive(pair[0]);
	else if (kind == 1)
		receive_given(pair[0]);
	else
		launch_wait(pair[0], 1000, &pid, &e);
	close(pair[0]);
	if (open_fds() != before)
		abort();
	close(any);
	return 0;
}
