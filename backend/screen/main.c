/* vmdeck-screen: the VNC server of one guest. Not for people to start: the guest's keeper does.
 * (src/proto/screen.h) */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/screen/screen.h"
#include "src/base/log.h"
#include "src/base/str.h"
#include "src/proto/launch.h"
#include "src/proto/screen.h"

/* The first of a name space of process ids is not ended by signals that it does not expect. */
static void on_term(int sig)
{
	_exit(128 + sig);
}

int main(int argc, char **argv)
{
	uint64_t n = 0;
	char who[160];
	int listeners[SCREEN_LISTEN_MAX];
	if (argc < 3 || !str_u64(argv[1], &n) || n > SCREEN_LISTEN_MAX || fcntl(LAUNCH_FD, F_GETFD) < 0) {
		fprintf(stderr,
			"usage: vmdeck-screen LISTENERS NAME\na guest's keeper starts it; see vmdeck(1)\n");
		return 2;
	}
	snprintf(who, sizeof(who), "screen %s", argv[2]);
	log_open(who, -1);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, on_term);
	for (size_t i = 0; i < n; i++)
		listeners[i] = SCREEN_LISTEN_FD + (int)i;
	return screen_main(LAUNCH_FD, listeners, n);
}
