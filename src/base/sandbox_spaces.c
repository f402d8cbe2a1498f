#include "src/base/sandbox_spaces.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/base/cleanup.h"
#include "src/base/log.h"
#include "src/base/str.h"

static bool left_out(void)
{
	const char *spaces = getenv("VMDECK_NAMESPACES"), *sandbox = getenv("VMDECK_SANDBOX");
	return (spaces && !strcmp(spaces, "off")) || (sandbox && !strcmp(sandbox, "off"));
}

static int write_file(const char *path, const char *text)
{
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd < 0 || write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

/* In a new user name space: show our own uid as it is. */
static bool map_self(uid_t uid, gid_t gid)
{
	char map[64];
	write_file("/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "%u %u 1", (unsigned)uid, (unsigned)uid);
	if (write_file("/proc/self/uid_map", map))
		return false;
	snprintf(map, sizeof(map), "%u %u 1", (unsigned)gid, (unsigned)gid);
	return write_file("/proc/self/gid_map", map) == 0;
}

/* An ordinary user needs a user name space to be allowed the others. */
static bool own_user_space(void)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	return uid == 0 || (unshare(CLONE_NEWUSER) == 0 && map_self(uid, gid));
}

/* @path of the host, below the new root folder, which is the current one. */
static void show_folder(const char *path)
{
	AUTO_FREE char *at = x_strdup(path + 1);
	for (char *p = strchr(at, '/'); p; p = strchr(p + 1, '/')) {
		*p = 0;
		mkdir(at, 0755);
		*p = '/';
	}
	mkdir(at, 0755);
	if (mount(path, at, NULL, MS_BIND | MS_REC, NULL) < 0)
		log_warn("sandbox: '%s' cannot be shown: %s", path, strerror(errno));
}

/* A root folder with nothing in it but @needs's folders. (pivot_root(2), "pivot_root(".", ".")") */
static bool empty_root(const struct sandbox_needs *needs)
{
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("vmdeck", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, needs->nfolders ? "size=4k,mode=0555" : "size=4k,mode=0500") < 0 ||
	    chdir("/tmp") < 0)
		return false;
	for (size_t i = 0; i < needs->nfolders; i++)
		show_folder(needs->folders[i]);
	if (syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 ||
	    chdir("/") < 0)
		return false;
	mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	return true;
}

unsigned sandbox_spaces(const struct sandbox_needs *needs)
{
	unsigned lacks = getpid() == 1 ? 0 : SANDBOX_PID_SPACE; /* sandbox_fork() */
	unsigned net = needs->network ? 0 : SANDBOX_NET_SPACE;
	if (left_out() || !own_user_space())
		return lacks | SANDBOX_USER_SPACE | SANDBOX_MOUNT_SPACE | SANDBOX_IPC_SPACE | net;
	if (unshare(CLONE_NEWIPC) < 0)
		lacks |= SANDBOX_IPC_SPACE;
	if (net && unshare(CLONE_NEWNET) < 0)
		lacks |= SANDBOX_NET_SPACE;
	unshare(CLONE_NEWUTS);
	if (unshare(CLONE_NEWNS) < 0 || !empty_root(needs))
		lacks |= SANDBOX_MOUNT_SPACE;
	return lacks;
}

/* fork(2) for a child in new name spaces. It has the memory of this thread alone, so malloc() and stdio are
 * the caller's to be careful with. */
static pid_t fork_into(unsigned long spaces)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	pid_t pid = (pid_t)syscall(SYS_clone, spaces | SIGCHLD, 0, 0, 0, 0);
	if (pid == 0 && spaces & CLONE_NEWUSER && !map_self(uid, gid))
		_exit(1);
	return pid;
}

/* Can it be done here? Tried once. */
static bool can_fork_into(unsigned long spaces)
{
	int status = 0;
	pid_t pid = fork_into(spaces);
	if (pid == 0)
		_exit(0);
	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && !WEXITSTATUS(status);
}

pid_t sandbox_fork(void)
{
	static int can = -1;
	unsigned long spaces = CLONE_NEWPID | (geteuid() == 0 ? 0ul : CLONE_NEWUSER);
	if (left_out())
		return fork();
	if (can < 0)
		can = can_fork_into(spaces);
	return can ? fork_into(spaces) : fork();
}
