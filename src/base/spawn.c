#include "src/base/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "src/base/cleanup.h"
#include "src/base/file.h"

#define CAPTURE_MAX (1u << 20)

/* In a child: default signals, and no descriptor of the parent from @first on. */
static void child_prepare(int first)
{
	for (int s = 1; s < NSIG; s++)
		signal(s, SIG_DFL);
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (syscall(SYS_close_range, (unsigned)first, ~0u, 0) < 0)
		for (int fd = first; fd < 1024; fd++)
			close(fd);
}

static int64_t now_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Read all until the end. 0, -ETIMEDOUT or -errno. */
static int drain(int fd, int64_t end, struct buf *out)
{
	char chunk[4096];
	for (;;) {
		int64_t left = end - now_ms();
		struct pollfd p = {.fd = fd, .events = POLLIN};
		int rc = left > 0 ? poll(&p, 1, (int)left) : 0;
		if (!rc)
			return -ETIMEDOUT;
		ssize_t k = rc < 0 ? -1 : read(fd, chunk, sizeof(chunk));
		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return k < 0 ? -errno : 0;
		if (out && out->len < CAPTURE_MAX)
			buf_add(out, chunk, (size_t)k);
	}
}

static int reap(pid_t pid)
{
	int status;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int spawn_capture(const char *const argv[], int timeout_ms, struct buf *out, struct err *e)
{
	int p[2];
	if (pipe2(p, O_CLOEXEC) < 0)
		return err_sys(e, errno, "cannot run '%s'", argv[0]);
	pid_t pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);
		if (null < 0 || dup2(null, 0) < 0 || dup2(p[1], 1) < 0 || dup2(p[1], 2) < 0)
			_exit(127);
		child_prepare(3);
		execvp(argv[0], (char *const *)argv);
		_exit(127);
	}
	int saved = errno;
	close(p[1]);
	AUTO_CLOSE int fd = p[0];
	if (pid < 0)
		return err_sys(e, saved, "cannot run '%s'", argv[0]);
	int rc = drain(fd, now_ms() + timeout_ms, out);
	if (rc)
		kill(pid, SIGKILL);
	int status = reap(pid);
	if (rc == -ETIMEDOUT)
		return err_set(e, ETIMEDOUT, "'%s' did not end within %d ms", argv[0], timeout_ms);
	if (rc || status < 0)
		return err_sys(e, rc ? -rc : -status, "cannot run '%s'", argv[0]);
	return status;
}

/* What child and grandchild tell the parent over one pipe, in either order. */
struct spawn_news {
	int is_errno; /* else: the pid */
	int value;
};

static void tell(int fd, int is_errno, int value)
{
	struct spawn_news news = {is_errno, value};
	ssize_t n = write(fd, &news, sizeof(news));
	_exit(n == sizeof(news) && !is_errno ? 0 : 127);
}

/* The grandchild: sort out descriptors 0 to 4 and become the program; descriptor 4 is closed by that. */
static void become(const char *const argv[], int log_fd, int fd3, int report)
{
	setsid();
	if (chdir("/") < 0)
		tell(report, 1, errno);
	/* First all to numbers above those that are filled, so that no dup2 hits one that is still needed. */
	int log = log_fd >= 0 ? fcntl(log_fd, F_DUPFD, 10) : -1;
	int three = fd3 >= 0 ? fcntl(fd3, F_DUPFD, 10) : -1;
	report = fcntl(report, F_DUPFD_CLOEXEC, 10);
	int null = open("/dev/null", O_RDWR);
	null = null >= 0 ? fcntl(null, F_DUPFD, 10) : null;
	if (report < 0 || null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 ||
	    dup2(log >= 0 ? log : null, 2) < 0 || (three >= 0 && dup2(three, 3) < 0) ||
	    dup3(report, 4, O_CLOEXEC) < 0)
		tell(report, 1, errno);
	if (three < 0)
		close(3);
	child_prepare(5);
	execv(argv[0], (char *const *)argv);
	tell(4, 1, errno);
}

pid_t spawn_detached(const char *const argv[], int log_fd, int fd3, struct err *e)
{
	int p[2];
	if (pipe2(p, O_CLOEXEC) < 0)
		return err_sys(e, errno, "cannot start '%s'", argv[0]);
	pid_t child = fork();
	if (child == 0) {
		pid_t pid = fork();
		if (pid == 0)
			become(argv, log_fd, fd3, p[1]);
		tell(p[1], pid < 0, pid < 0 ? errno : pid);
	}
	int code = child < 0 ? errno : 0;
	pid_t pid = -1;
	close(p[1]);
	AUTO_CLOSE int fd = p[0];
	if (child > 0)
		reap(child);
	struct spawn_news news;
	for (ssize_t k; !code && (k = read(fd, &news, sizeof(news))) != 0;) {
		if (k < 0 && errno == EINTR)
			continue;
		if (k != sizeof(news) || news.is_errno)
			code = k == sizeof(news) ? news.value : EIO;
		else
			pid = news.value;
	}
	if (!code && pid < 0)
		code = EAGAIN;
	return code ? err_sys(e, code, "cannot start '%s'", argv[0]) : pid;
}

char *spawn_find(const char *name, const char *env, struct err *e)
{
	const char *v = secure_getenv(env);
	if (v && *v) {
		char *path = realpath(v, NULL);
		struct stat st;
		/* sudo -E: the environment is that of somebody else */
		if (path && getenv("SUDO_UID") && geteuid() == 0 &&
		    (stat(path, &st) < 0 || st.st_uid != 0 || st.st_mode & (S_IWGRP | S_IWOTH))) {
			err_set(e, EPERM, "%s '%s' is not root's alone: with sudo, root does not run it", env, v);
			free(path);
			return NULL;
		}
		if (!path)
			err_sys(e, errno, "%s '%s'", env, v);
		return path;
	}
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (n <= 0) {
		err_sys(e, errno, "cannot find '%s': /proc/self/exe", name);
		return NULL;
	}
	self[n] = 0;
	char *slash = strrchr(self, '/');
	*slash = 0;
	AUTO_FREE char *first = x_asprintf("%s/%s", self, name);
	if (access(first, X_OK) == 0)
		return TAKE_PTR(first);
	AUTO_FREE char *second = x_asprintf("%s/../libexec/vmdeck/%s", self, name);
	if (access(second, X_OK) == 0)
		return TAKE_PTR(second);
	err_set(e, ENOENT,
		"'%s' is neither in '%s' nor in '%s/../libexec/vmdeck': install it beside vmdeck or set %s",
		name, self, self, env);
	return NULL;
}
