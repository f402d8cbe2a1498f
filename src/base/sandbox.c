#include "src/base/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "src/base/cleanup.h"
#include "src/base/log.h"
#include "src/base/sandbox_spaces.h"

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

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1 /* its shadow memory is larger than any limit */
#else
#define SANITIZED 0
#endif

#define NOBODY 65534
#define THREADS_MAX 2048 /* of a uid that only one guest has */

static bool confined;

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

/* Those that a new program could have had; needs CAP_SETPCAP, without which there is nothing to drop it for.
 */
static void drop_bounding_set(void)
{
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
}

void sandbox_bound(const int *keep, size_t n)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct has[2], kept[2] = {0};
	if (syscall(SYS_capget, &head, has) < 0)
		return;
	for (size_t i = 0; i < n; i++)
		kept[CAP_TO_INDEX(keep[i])].permitted |= CAP_TO_MASK(keep[i]);
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (!(kept[CAP_TO_INDEX(cap)].permitted & CAP_TO_MASK(cap)))
			prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	for (unsigned i = 0; i < 2; i++) {
		kept[i].permitted &= has[i].permitted;
		kept[i].effective = kept[i].permitted;
	}
	if (syscall(SYS_capset, &head, kept) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		log_warn("cannot give up capabilities: %s", strerror(errno));
}

static int drop_capabilities(struct err *e)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct none[2] = {0};
	if (syscall(SYS_capset, &head, none) < 0)
		return err_sys(e, errno, "cannot give up capabilities");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(e, errno, "cannot give up privileges");
	return 0;
}

static void landlock_folder(int rules, const char *path)
{
	AUTO_CLOSE int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct landlock_path p = {LANDLOCK_READ_FILE, fd};
	if (fd >= 0 && syscall(SYS_landlock_add_rule, rules, LANDLOCK_PATH_BENEATH, &p, 0) < 0)
		log_warn("sandbox: Landlock: '%s': %s", path, strerror(errno));
}

/* The kernel's ABI, or the one that it is to be taken for; 0: it has none. */
static int landlock_abi(void)
{
	const char *cap = getenv("VMDECK_LANDLOCK_ABI");
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, 1);
	abi = abi < 0 ? 0 : abi;
	return (int)(cap && *cap && atol(cap) < abi ? atol(cap) : abi);
}

/* No file can be opened, made or removed, no port bound or connected to, but what @needs says. false: it
 * cannot be had. */
static bool landlock(const struct sandbox_needs *needs)
{
	int abi = landlock_abi();
	if (abi < 1)
		return false;
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
	return fd >= 0 && syscall(SYS_landlock_restrict_self, fd, 0) == 0;
}

static bool become(uid_t id)
{
	return setgroups(0, NULL) == 0 && setresgid(id, id, id) == 0 && setresuid(id, id, id) == 0;
}

/* What is root's own is then no longer its own. false: it keeps a uid that others have, too. */
static bool own_uid(void)
{
	const char *text = getenv("VMDECK_UID");
	uid_t uid = text ? (uid_t)strtoul(text, NULL, 10) : 0;
	if (geteuid() != 0 || (uid && become(uid)))
		return true;
	become(NOBODY);
	return false;
}

static void limits(const struct sandbox_needs *needs, bool alone)
{
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_NOFILE, needs->descriptors ? needs->descriptors : 1024);
	if (needs->file_bytes) {
		signal(SIGXFSZ, SIG_IGN); /* the write fails */
		limit(RLIMIT_FSIZE, needs->file_bytes);
	}
	if (needs->memory_bytes && !SANITIZED)
		limit(RLIMIT_AS, needs->memory_bytes);
	if (alone) /* with others of the uid, it would count their threads */
		limit(RLIMIT_NPROC, THREADS_MAX);
}

/* All but the limits and the filter; *lacks: what could not be had. */
static int give_up(const struct sandbox_needs *needs, unsigned *lacks, struct err *e)
{
	bool root = geteuid() == 0;
	*lacks = sandbox_spaces(needs);
	drop_bounding_set();
	if (!own_uid())
		*lacks |= SANDBOX_UID;
	int rc = drop_capabilities(e);
	if (rc)
		return rc;
	if (!landlock(needs))
		*lacks |= SANDBOX_LANDLOCK;
	confined = !(*lacks & SANDBOX_LANDLOCK) || !(*lacks & SANDBOX_MOUNT_SPACE);
	if (root) /* it needs none for the others */
		*lacks &= ~(unsigned)SANDBOX_USER_SPACE;
	return 0;
}

int sandbox_prepare(const struct sandbox_needs *needs, struct err *e)
{
	static const struct sandbox_needs nothing;
	time_t now = time(NULL);
	struct tm tm;
	unsigned lacks;
	bool root = geteuid() == 0;
	if (mode_is("off")) {
		log_warn("sandbox: off, as VMDECK_SANDBOX says: what breaks this process has its user's rights");
		return 0;
	}
	needs = needs ? needs : &nothing;
	localtime_r(&now, &tm); /* reads the time zone, for a guest's clock in local time */
	int death_signal = 0;
	pid_t parent = getppid();
	prctl(PR_GET_PDEATHSIG, &death_signal, 0, 0, 0);
	int rc = give_up(needs, &lacks, e);
	if (rc)
		return rc;
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0); /* a change of credentials takes it back */
	if (death_signal && getppid() != parent)
		return err_set(e, ESRCH, "the keeper died");
	if (lacks && mode_is("require"))
		return err_set(e, EPERM, "the sandbox lacks %s, and all of it is required (vmdeck host-validate)",
			       sandbox_words(lacks));
	if (lacks)
		log_warn("sandbox: without %s", sandbox_words(lacks));
	limits(needs, root && !(lacks & SANDBOX_UID));
	return 0;
}

bool sandbox_confined(void)
{
	return confined || mode_is("off");
}

/* --- what this host has --- */

static bool has_seccomp(void)
{
	uint32_t kill = SECCOMP_RET_KILL_PROCESS;
	return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &kill) == 0;
}

unsigned sandbox_lacks(int *abi)
{
	static const struct sandbox_needs nothing;
	unsigned lacks = ~0u >> (32 - SANDBOX_LAYERS);
	int p[2];
	*abi = landlock_abi();
	if (pipe2(p, O_CLOEXEC) < 0)
		return lacks;
	pid_t pid = sandbox_fork();
	if (pid == 0) {
		if (give_up(&nothing, &lacks, NULL) == 0 && write(p[1], &lacks, sizeof(lacks)) > 0)
			_exit(0);
		_exit(1);
	}
	close(p[1]);
	if (pid > 0) {
		if (read(p[0], &lacks, sizeof(lacks)) == (ssize_t)sizeof(lacks) && !has_seccomp())
			lacks |= SANDBOX_SECCOMP;
		waitpid(pid, NULL, 0);
	}
	close(p[0]);
	return lacks;
}

const char *sandbox_words(unsigned layers)
{
	static const char *const words[SANDBOX_LAYERS] = {
	    "a user name space", "a mount name space", "a network name space", "a name space of process ids",
	    "an IPC name space", "Landlock",           "seccomp",              "a uid of its own"};
	static char text[256];
	size_t n = 0;
	*text = 0;
	for (unsigned i = 0; i < SANDBOX_LAYERS; i++)
		if (layers & 1u << i)
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", n ? ", " : "", words[i]);
	return text;
}
