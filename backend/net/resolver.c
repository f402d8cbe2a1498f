#include "backend/net/resolver.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backend/net/sandbox_rules.h"
#include "src/base/cleanup.h"
#include "src/base/log.h"
#include "src/base/str.h"
#include "src/base/unixsock.h"

#define LINKS_MAX 16
#define MISSING_MS 5000 /* what is not there cannot be watched, nor the folder that it will be in */
#define FOLDER_CHANGES                                                                                       \
	(IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CLOSE_WRITE | IN_ONLYDIR | IN_DELETE_SELF |  \
	 IN_MOVE_SELF)
#define FILE_CHANGES (IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF)

/* A message: this byte, so that none is empty, and the text. */
#define MESSAGE_MARK 'r'
#define MESSAGE_MAX (1 + RESOLV_TEXT_MAX)

/* Watch the folder of each link on the way from @path, and the file at its end. A new inotify each time: what
 * was on the last way is of no interest. Return: it, or -1. */
static int watch(const char *path)
{
	char at[PATH_MAX], to[PATH_MAX];
	AUTO_CLOSE int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	snprintf(at, sizeof(at), "%s", path);
	for (int i = 0; i < LINKS_MAX && fd >= 0; i++) {
		ssize_t n = readlinkat(AT_FDCWD, at, to, sizeof(to) - 1);
		char *slash = strrchr(at, '/');
		*slash = 0;
		inotify_add_watch(fd, *at ? at : "/", FOLDER_CHANGES);
		*slash = '/';
		if (n < 0)
			break;
		to[n] = 0;
		AUTO_FREE char *next = *to == '/' ? x_strdup(to) : x_asprintf("%.*s/%s", (int)(slash - at), at, to);
		if (strlen(next) >= sizeof(at))
			break;
		memcpy(at, next, strlen(next) + 1);
	}
	if (fd >= 0)
		inotify_add_watch(fd, path, FILE_CHANGES);
	return TAKE_FD(fd);
}

/* As much of it as a message holds; "" when it cannot be read. false: it is not there. */
static bool read_text(char *out)
{
	size_t n = 0;
	AUTO_CLOSE int fd = open(RESOLV_PATH, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	for (ssize_t k = 1; fd >= 0 && k > 0 && n < RESOLV_TEXT_MAX; n += k > 0 ? (size_t)k : 0)
		k = read(fd, out + n, RESOLV_TEXT_MAX - n);
	out[n] = 0;
	return fd >= 0;
}

static void __attribute__((noreturn)) serve(int sock)
{
	static char now[MESSAGE_MAX + 1] = {MESSAGE_MARK}, sent[MESSAGE_MAX + 1];
	char events[4096];
	for (;;) {
		AUTO_CLOSE int in = watch(RESOLV_PATH); /* first: what changes from now on is told of */
		bool there = read_text(now + 1);
		if (strcmp(now, sent) != 0) {
			if (send(sock, now, strlen(now), MSG_NOSIGNAL) < 0)
				_exit(0);
			memcpy(sent, now, sizeof(sent));
		}
		struct pollfd p[2] = {{.fd = sock}, {.fd = in, .events = POLLIN}};
		poll(p, 2, there && in >= 0 ? -1 : MISSING_MS);
		if (p[0].revents)
			_exit(0);
		while (in >= 0 && read(in, events, sizeof(events)) > 0)
			;
	}
}

static void __attribute__((noreturn)) child(int sock, const int *close_fds, size_t n)
{
	/* where links to it lead on the systems that there are */
	static const char *const places[] = {"/etc", "/run", "/usr/lib/systemd", "/mnt/wsl"};
	const char *folders[ARRAY_SIZE(places)];
	size_t nfolders = 0;
	struct sandbox_needs needs = {.descriptors = 64,
				      .file_bytes = 64u << 20,
				      .folders = folders};
	struct err e = {0};
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (access(places[i], F_OK) == 0)
			folders[nfolders++] = places[i];
	needs.nfolders = nfolders;
	for (size_t i = 0; i < n; i++)
		close(close_fds[i]);
	prctl(PR_SET_NAME, "vmdeck-resolv");
	signal(SIGTERM, SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* of one that has died already the socket tells */
	if (sandbox_prepare(&needs, &e) || sandbox_enter(resolver_sandbox_rules, resolver_sandbox_nrules, &e)) {
		log_error("%s: %s", RESOLV_PATH, e.msg);
		_exit(1);
	}
	serve(sock);
}

int resolver_start(const int *close_fds, size_t n, struct err *e)
{
	int pair[2];
	int rc = unixsock_pair(SOCK_SEQPACKET, pair);
	if (rc)
		return err_sys(e, -rc, "cannot make a socket");
	pid_t pid = sandbox_fork(); /* which waits for a child of its own at first */
	if (pid == 0) {
		close(pair[0]);
		child(pair[1], close_fds, n);
	}
	int code = errno;
	signal(SIGCHLD, SIG_IGN); /* nobody waits for it: its socket tells */
	close(pair[1]);
	if (pid > 0)
		return pair[0];
	close(pair[0]);
	return err_sys(e, code, "cannot start the process that reads '%s'", RESOLV_PATH);
}

int resolver_read(int fd, struct resolv *out)
{
	static char text[MESSAGE_MAX + 1];
	ssize_t n = recv(fd, text, MESSAGE_MAX, MSG_DONTWAIT);
	if (n <= 0)
		return n < 0 && (errno == EAGAIN || errno == EINTR) ? -EAGAIN : -EPIPE;
	text[n] = 0;
	resolv_parse(text + 1, out);
	return 0;
}
