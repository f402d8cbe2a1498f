#include "src/base/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <grp.h>
#include <malloc.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "src/base/cleanup.h"
#include "src/base/log.h"

/* Linux, Documentation/userspace-api/landlock.rst. Debian 12's headers end with ABI 2, so the numbers are
 * ours. */
#define LANDLOCK_FS_ABI1 0x1fffull /* the 13 rights of ABI 1 */
#define LANDLOCK_REFER 0x2000ull
#define LANDLOCK_TRUNCATE 0x4000ull
#define LANDLOCK_IOCTL_DEV 0x8000ull
#define LANDLOCK_READ_FILE 4ull
#define LANDLOCK_PATH_BENEATH 1
#define LANDLOCK_NET_BIND_CONNECT 3ull
#define LANDLOCK_SCOPE_SIGNAL_ABSTRACT 3ull

struct landlock_attr {
	uint64_t fs, net, scoped;
};
struct landlock_path {
	uint64_t allowed;
	int32_t fd;
} __attribute__((packed));

#define NOBODY 65534

static bool mode_is(const char *mode)
{
	const char *v = getenv("VMDECK_SANDBOX");
	return v && !strcmp(v, mode);
}

static void limit(int resource, rlim_t value)
{
	struct rlimit r;
	if (getrlimit(resource, &r) < 0)
		return;
	r.rlim_max = r.rlim_max < value ? r.rlim_max : value;
	r.rlim_cur = r.rlim_max;
	setrlimit(resource, &r);
}

static int write_file(const char *path, const char *text)
{
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd < 0 || write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

/* An ordinary user needs a user name space to be allowed the others; it shows our own uid as it is. */
static bool own_user_space(void)
{
	char map[64];
	uid_t uid = geteuid();
	gid_t gid = getegid();
	if (uid == 0)
		return true;
	if (unshare(CLONE_NEWUSER) < 0)
		return false;
	write_file("/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "%u %u 1", (unsigned)uid, (unsigned)uid);
	int rc = write_file("/proc/self/uid_map", map);
	snprintf(map, sizeof(map), "%u %u 1", (unsigned)gid, (unsigned)gid);
	return rc == 0 && write_file("/proc/self/gid_map", map) == 0;
}

/* A root folder with nothing in it. (pivot_root(2), "pivot_root(".", ".")") */
static void empty_root(void)
{
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("vmdeck", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=4k,mode=0500") < 0)
		return;
	if (chdir("/tmp") < 0 || syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 ||
	    chdir("/") < 0)
		log_warn("sandbox: no empty root folder: %s", strerror(errno));
	else
		mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
		      NULL);
}

static void own_spaces(void)
{
	if (!own_user_space() || unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) < 0) {
		log_info("sandbox: no name spaces of its own: %s", strerror(errno));
		return;
	}
	empty_root();
}

static int drop_capabilities(struct err *e)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct none[2] = {0};
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		prctl(PR_CAPBSET_DROP, cap, 0, 0,
		      0); /* fails without CAP_SETPCAP: then there is nothing to drop it for */
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capset, &head, none) < 0)
		return err_sys(e, errno, "cannot give up capabilities");
	return 0;
}

static void landlock_folder(int rules, const char *path)
{
	AUTO_CLOSE int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct landlock_path p = {LANDLOCK_READ_FILE, fd};
	if (fd >= 0 && syscall(SYS_landlock_add_rule, rules, LANDLOCK_PATH_BENEATH, &p, 0) < 0)
		log_warn("sandbox: Landlock: '%s': %s", path, strerror(errno));
}

/* No file can be opened, made or removed, no port bound or connected to, but what @needs says. Silently less
 * on old kernels. */
static void landlock(const struct sandbox_needs *needs)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, 1);
	if (abi < 1) {
		log_info("sandbox: this kernel has no Landlock");
		return;
	}
	struct landlock_attr attr = {.fs = LANDLOCK_FS_ABI1};
	attr.fs |= (abi >= 2 ? LANDLOCK_REFER : 0) | (abi >= 3 ? LANDLOCK_TRUNCATE : 0) |
		   (abi >= 5 ? LANDLOCK_IOCTL_DEV : 0);
	attr.net = abi >= 4 && !needs->network ? LANDLOCK_NET_BIND_CONNECT : 0;
	attr.scoped = abi >= 6 ? LANDLOCK_SCOPE_SIGNAL_ABSTRACT : 0;
	size_t size = abi >= 6   ? sizeof(attr)
		      : abi >= 4 ? offsetof(struct landlock_attr, scoped)
				 : sizeof(attr.fs);
	AUTO_CLOSE int fd = (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);
	for (size_t i = 0; i < needs->nfolders && fd >= 0; i++)
		landlock_folder(fd, needs->folders[i]);
	if (fd < 0 || syscall(SYS_landlock_restrict_self, fd, 0) < 0)
		log_warn("sandbox: Landlock: %s", strerror(errno));
}

/* What is root's own is then no longer its own. */
static void become_nobody(void)
{
	if (geteuid() == 0 && (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
			       setresuid(NOBODY, NOBODY, NOBODY) < 0))
		log_info("sandbox: it stays root: %s", strerror(errno));
}

int sandbox_prepare_for(const struct sandbox_needs *needs, struct err *e)
{
	time_t now = time(NULL);
	struct tm tm;
	if (mode_is("off"))
		return 0;
	localtime_r(&now, &tm); /* reads the time zone, for a guest's clock in local time */
	int death_signal = 0;
	pid_t parent = getppid();
	prctl(PR_GET_PDEATHSIG, &death_signal, 0, 0, 0);
	if (needs->nobody)
		become_nobody();
	if (!needs->network && !needs->nfolders)
		own_spaces();
	int rc = drop_capabilities(e);
	if (rc)
		return rc;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(e, errno, "cannot give up privileges");
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0); /* a change of credentials takes it back */
	if (death_signal && getppid() != parent)
		return err_set(e, ESRCH, "the keeper died");
	landlock(needs);
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_NOFILE, needs->descriptors ? needs->descriptors : 1024);
	return 0;
}

int sandbox_prepare(struct err *e)
{
	return sandbox_prepare_for(&(struct sandbox_needs){0}, e);
}

/* VMDECK_SANDBOX=trap: say which one it was. */
static void trapped(int sig, siginfo_t *si, void *ctx)
{
	log_error("sandbox: system call %d is not in its sandbox_rules.c", si->si_syscall);
	_exit(99);
}

static uint32_t action(void)
{
	if (mode_is("log"))
		return SCMP_ACT_LOG;
	if (!mode_is("trap"))
		return SCMP_ACT_KILL_PROCESS;
	struct sigaction sa = {.sa_sigaction = trapped, .sa_flags = SA_SIGINFO};
	sigaction(SIGSYS, &sa, NULL);
	return SCMP_ACT_TRAP;
}

static int add_rule(scmp_filter_ctx ctx, const struct sandbox_rule *r)
{
	uint32_t act = r->error ? SCMP_ACT_ERRNO((uint16_t)r->error) : SCMP_ACT_ALLOW;
	struct scmp_arg_cmp c = {.arg = r->arg, .op = SCMP_CMP_MASKED_EQ};
	switch (r->cond) {
	case SANDBOX_ALWAYS:
		return seccomp_rule_add_array(ctx, act, r->syscall, 0, NULL);
	case SANDBOX_EQ:
		c.datum_a = 0xffffffff;
		c.datum_b = r->value;
		break;
	case SANDBOX_SELF:
		c.datum_a = 0xffffffff;
		c.datum_b = (scmp_datum_t)getpid();
		break;
	case SANDBOX_NONE:
		c.datum_a = r->value;
		break;
	case SANDBOX_ALL:
		c.datum_a = c.datum_b = r->value;
		break;
	}
	return seccomp_rule_add_array(ctx, act, r->syscall, 1, &c);
}

static bool has_rule(const struct sandbox_rule *rules, size_t n, int call)
{
	for (size_t i = 0; i < n; i++)
		if (rules[i].syscall == call)
			return true;
	return false;
}

/* Those of @rules whose system call has no row in @own. */
static int add_rules(scmp_filter_ctx ctx, const struct sandbox_rule *rules, size_t n,
		     const struct sandbox_rule *own, size_t nown)
{
	int rc = 0;
	for (size_t i = 0; i < n && !rc; i++)
		rc = has_rule(own, nown, rules[i].syscall) ? 0 : add_rule(ctx, &rules[i]);
	return rc;
}

static int filter_load(scmp_filter_ctx ctx, const struct sandbox_rule *rules, size_t n)
{
	int rc = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1);
	if (!rc)
		seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* binary tree; not in old libraries */
	rc = rc ? rc : add_rules(ctx, sandbox_common_rules, sandbox_common_nrules, rules, n);
	rc = rc ? rc : add_rules(ctx, rules, n, NULL, 0);
	return rc ? rc : seccomp_load(ctx);
}

int sandbox_enter(const struct sandbox_rule *rules, size_t n, struct err *e)
{
	if (mode_is("off"))
		return 0;
	scmp_filter_ctx ctx = seccomp_init(action());
	if (!ctx)
		return err_set(e, ENOMEM, "cannot make the system call filter");
	int rc = filter_load(ctx, rules, n);
	seccomp_release(ctx);
	malloc_trim(0);
	return rc ? err_sys(e, -rc, "cannot load the system call filter") : 0;
}
