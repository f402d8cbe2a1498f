/* vmdeck-net: the user-mode network of one network card. Not for people to start: the guest's keeper does.
 * (src/proto/net.h) */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "backend/net/net.h"
#include "src/base/log.h"
#include "src/proto/launch.h"
#include "src/proto/net.h"

/* libslirp and glib write to standard error what a guest can provoke at will: that goes nowhere, our own
 * words to the log. */
static void own_log(const char *name, const char *index)
{
	char who[160];
	int log = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10), null = open("/dev/null", O_RDWR | O_CLOEXEC);
	snprintf(who, sizeof(who), "net %s/%s", name, index);
	log_open(who, log);
	if (log >= 0 && null >= 0) {
		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
	}
}

/* The first of a name space of process ids is not ended by signals that it does not expect. */
static void on_term(int sig)
{
	_exit(128 + sig);
}

int main(int argc, char **argv)
{
	if (argc != 3 || fcntl(LAUNCH_FD, F_GETFD) < 0 || fcntl(NET_CONFIG_FD, F_GETFD) < 0) {
		fprintf(stderr, "usage: vmdeck-net NAME INDEX\na guest's keeper starts it; see vmdeck(1)\n");
		return 2;
	}
	own_log(argv[1], argv[2]);
	prctl(PR_SET_NAME, "vmdeck-net");
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, on_term);
	return net_main(LAUNCH_FD, NET_CONFIG_FD);
}
