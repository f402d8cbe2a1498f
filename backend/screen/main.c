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
#include "backend/screen/tls.h"
#include "src/base/log.h"
#include "src/base/str.h"
#include "src/proto/launch.h"
#include "src/proto/screen.h"

/* The first of a name space of process ids is not ended by signals that it does not expect. */
static void on_term(int sig)
{
	_exit(128 + sig);
}

/* The certificate, of the files from @fd on, which are closed. */
static int load(struct tls_cred **cred, const char *kind, int fd, struct err *e)
{
	bool cert = !strcmp(kind, SCREEN_TLS_CERT), verify = !strcmp(kind, SCREEN_TLS_VERIFY);
	bool ca = verify || !strcmp(kind, SCREEN_TLS_CA);
	if (!strcmp(kind, SCREEN_TLS_NONE))
		return 0;
	if (!cert && !ca)
		return err_set(e, EINVAL, "TLS '%.20s' is none of none, cert, ca, verify", kind);
	int rc = tls_cred_x509(cred, ca ? fd : -1, fd + ca, fd + ca + 1, verify, e);
	for (int i = 0; i < 2 + ca; i++)
		close(fd + i);
	return rc;
}

int main(int argc, char **argv)
{
	uint64_t n = 0;
	char who[160];
	int listeners[SCREEN_LISTEN_MAX];
	struct tls_cred *cred = NULL;
	struct err e = {0};
	if (argc < 3 || !str_u64(argv[1], &n) || n > SCREEN_LISTEN_MAX || fcntl(LAUNCH_FD, F_GETFD) < 0) {
		fprintf(stderr,
			"usage: vmdeck-screen LISTENERS NAME [TLS]\na guest's keeper starts it; see vmdeck(1)\n");
		return 2;
	}
	snprintf(who, sizeof(who), "screen %s", argv[2]);
	log_open(who, STDERR_FILENO); /* the log, with times and a limit for what strangers cause */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, on_term);
	for (size_t i = 0; i < n; i++)
		listeners[i] = SCREEN_LISTEN_FD + (int)i;
	if (load(&cred, argc > 3 ? argv[3] : SCREEN_TLS_NONE, SCREEN_LISTEN_FD + (int)n, &e)) {
		log_error("%s", e.msg);
		return 1;
	}
	return screen_main(LAUNCH_FD, listeners, n, cred);
}
