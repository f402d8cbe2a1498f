/* rfbrude HOST PORT HOW [SECONDS|SEED] - a viewer without manners. Exit status 0 when the server did what it
 * should: closed the connection within SECONDS (0: is not waited for).
 *   one-byte    sends one byte of its version
 *   silent      sends nothing
 *   no-read     comes in and asks for pictures that it never reads
 *   garbage     sends 4000 random bytes of SEED
 *   venc-reset  resets the connection in the middle of a TLS handshake */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int sock;

static void put(const void *p, size_t n)
{
	if (send(sock, p, n, MSG_NOSIGNAL) < 0)
		return; /* closed already: that is seen later */
}

static bool get(void *p, size_t n)
{
	return recv(sock, p, n, MSG_WAITALL) == (ssize_t)n;
}

static bool closed_within(int seconds, bool reading)
{
	time_t end = time(NULL) + seconds;
	char p[4096];
	if (!seconds)
		return true;
	while (time(NULL) <= end) {
		struct pollfd f = {.fd = sock, .events = reading ? POLLIN : 0};
		poll(&f, 1, 200);
		if ((f.revents & (POLLHUP | POLLERR)) ||
		    (reading && f.revents && recv(sock, p, sizeof(p), MSG_DONTWAIT) <= 0))
			return true;
		put("\3\1\0\0\0\0\10\0\10\0", reading ? 0 : 10);
	}
	return false;
}

static bool no_read(int seconds)
{
	char p[64];
	int small = 4096;
	setsockopt(sock, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	if (!get(p, 12))
		return false;
	put("RFB 003.008\n", 12);
	if (!get(p, 2))
		return false;
	put("\1", 1);
	if (!get(p, 4))
		return false;
	put("\1", 1);
	for (int i = 0; i < 100; i++)
		put("\3\0\0\0\0\0\10\0\10\0", 10);
	return closed_within(seconds, false);
}

static bool venc_reset(void)
{
	static const char hello[] = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03half a hello";
	struct linger now = {.l_onoff = 1, .l_linger = 0};
	char p[64];
	if (!get(p, 12))
		return false;
	put("RFB 003.008\n", 12);
	if (!get(p, 1) || !get(p + 1, (size_t)p[0]))
		return false;
	put("\x13", 1);
	if (!get(p, 2))
		return false;
	put("\0\2", 2);
	if (!get(p, 6))
		return false;
	put(p + 2, 4);
	if (!get(p, 1) || p[0] != 1)
		return false;
	put(hello, sizeof(hello) - 1);
	setsockopt(sock, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(sock);
	return true;
}

int main(int argc, char **argv)
{
	struct sockaddr_in a = {.sin_family = AF_INET};
	if (argc < 4)
		return 2;
	int arg = argc > 4 ? atoi(argv[4]) : 0;
	inet_pton(AF_INET, argv[1], &a.sin_addr);
	a.sin_port = htons((uint16_t)atoi(argv[2]));
	sock = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(sock, (struct sockaddr *)&a, sizeof(a)) < 0)
		return 1;
	if (!strcmp(argv[3], "one-byte")) {
		put("R", 1);
		return !closed_within(arg, true);
	}
	if (!strcmp(argv[3], "silent")) {
		if (!arg)
			sleep(8);
		return !closed_within(arg, true);
	}
	if (!strcmp(argv[3], "no-read"))
		return !no_read(arg);
	if (!strcmp(argv[3], "venc-reset"))
		return !venc_reset();
	char p[4000];
	srand((unsigned)arg);
	for (size_t i = 0; i < sizeof(p); i++)
		p[i] = (char)(rand() >> 7);
	put(p, sizeof(p));
	return 0;
}
