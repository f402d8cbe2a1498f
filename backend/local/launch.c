/* Starting a guest. Theory of operation: everything that can be refused is refused before anything is
 * touched. Then the lock is taken, which decides between two starts at once; all files are opened and named
 * in one set (src/proto/launch.h); a keeper is spawned as nobody's child, put where it outlives the session,
 * given the set, and waited for. Whatever fails, the folder below <runtime> goes away with all in it; what
 * stays is the log, which says why. Our copy of the lock is closed when the keeper has its own. */
#include "src/proto/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/sysinfo.h>
#include <sys/vfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "backend/local/graphics.h"
#include "backend/local/limits.h"
#include "backend/local/local.h"
#include "backend/local/patience.h"
#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/fmt.h"
#include "src/base/logfile.h"
#include "src/base/spawn.h"
#include "src/base/unixsock.h"
#include "src/model/initrd.h"
#include "src/proto/livexml.h"
#include "src/proto/registry.h"

#define QUIET_MS 30000 /* until the guest's first instruction its processes get on: huge memory, slow disks */
#define KERNEL_HEAD 32768u /* a multiboot header is in it */

struct launch {
	struct local *l;
	const struct domain *d;
	unsigned flags;
	struct buf *notes;
	int id;
	uid_t uid; /* of the guest's processes; 0: ours */
	int lock;
	pid_t keeper;
	int pidfd;
	char *vmm;
	struct policy policy;
	struct domain_live live;
	json_t *screen; /* of the go message; NULL: none */
	json_t *net;    /* its members for the network cards */
	struct fd_set_named fds;
};

static void note(struct launch *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void note(struct launch *a, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	if (a->notes) {
		buf_vprintf(a->notes, fmt, ap);
		buf_puts(a->notes, "\n");
	}
	va_end(ap);
}

/* --- what can be refused before anything is touched --- */

static int check_memory(struct launch *a, struct err *e)
{
	struct sysinfo si;
	char want[FMT_MAX], have[FMT_MAX];
	if (sysinfo(&si) < 0)
		return 0;
	uint64_t total = (uint64_t)si.totalram * si.mem_unit;
	if (a->d->memory_bytes > total)
		return err_set(e, ENOMEM, "domain '%s' wants %s of memory, this host has %s: lower <memory>",
			       a->d->name, fmt_bytes(a->d->memory_bytes, want), fmt_bytes(total, have));
	return 0;
}

static int check_kvm(struct launch *a, struct err *e)
{
	struct kvm_facts f;
	int rc = kvm_facts(a->l, &f, e);
	if (rc)
		return rc;
	if (f.error)
		return err_set(e, f.error, "KVM cannot be used here: %s: see vmdeck host-validate",
			       f.message);
	if (a->d->vcpus > f.max_vcpus)
		return err_set(e, EINVAL,
			       "domain '%s' wants %u vCPUs, this host's KVM allows %u: lower <vcpu>",
			       a->d->name, a->d->vcpus, f.max_vcpus);
	if (f.native)
		return 0;
	if (!(a->flags & START_FORCE))
		return err_set(e, EOPNOTSUPP,
			       "this host's KVM interprets kernel code (%.1f million instructions a second, "
			       "a thousandth of the "
			       "usual): a guest would take hours to boot. Use a host with VT-x or AMD-V, or "
			       "--force to try all the same "
			       "(vmdeck host-validate explains)",
			       f.ips / 1e6);
	note(a,
	     "warning: this host's KVM interprets kernel code (%.1f million instructions a second): the "
	     "guest will be very slow",
	     f.ips / 1e6);
	return 0;
}

int open_file(const char *what, const char *path, int flags, struct err *e)
{
	struct stat st;
	AUTO_CLOSE int fd = open(path, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0) {
		int code = errno;
		const char *remedy = code == ENOENT ? ": check the path"
				     : code == EACCES || code == EPERM
					 ? ": make it readable (and writable, for a disk) for this user"
				     : code == EROFS ? ": add <readonly/>"
						     : "";
		return err_set(e, code, "%s '%s' cannot be opened: %s%s", what, path, strerror(code), remedy);
	}
	if (fstat(fd, &st) < 0)
		return err_sys(e, errno, "%s '%s'", what, path);
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return err_set(e, EINVAL, "%s '%s' is neither a file nor a block device", what, path);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
	return TAKE_FD(fd);
}

static bool has_multiboot_header(const unsigned char *head, size_t n)
{
	static const unsigned char magic[2][4] = {{0x02, 0xb0, 0xad, 0x1b}, {0xd6, 0x50, 0x52, 0xe8}};
	for (size_t at = 0; at + 4 <= n; at += 4)
		if (!memcmp(head + at, magic[0], 4) || !memcmp(head + at, magic[1], 4))
			return true;
	return false;
}

/* Something that can be booted directly, by its magic numbers: a boot sector with setup code behind it (Linux,
 * Documentation/arch/x86/boot.rst), an ELF file, multiboot, or one of them packed. The machine looks closer. */
static int check_kernel(int fd, const char *path, struct err *e)
{
	AUTO_FREE unsigned char *head = x_calloc(1, KERNEL_HEAD);
	ssize_t n = pread(fd, head, KERNEL_HEAD, 0);
	if (n < 0)
		return err_sys(e, errno, "kernel '%s' cannot be read", path);
	bool boots = head[0x1fe] == 0x55 && head[0x1ff] == 0xaa;
	if (boots || !memcmp(head, "\177ELF", 4) || !memcmp(head, "\037\213", 2) ||
	    has_multiboot_header(head, (size_t)n))
		return 0;
	return err_set(e, ENOEXEC,
		       "kernel '%s' is not a kernel: neither a bzImage (vmlinuz) nor an ELF file nor one for "
		       "multiboot",
		       path);
}

/* One of the list in <initrd>. */
static int open_module(struct launch *a, size_t i, const struct initrd_module *k, size_t n, struct err *e)
{
	char what[64], name[24];
	snprintf(what, sizeof(what), "module %zu of %zu in <initrd>:", i + 1, n);
	snprintf(name, sizeof(name), "initrd.%zu", i);
	if (*k->path != '/')
		return err_set(e, EINVAL,
			       "%s '%s' is not allowed: a path from the root, as '/boot/m1', and a comma "
			       "that is part of it written twice",
			       what, k->text);
	int fd = open_file(what, k->path, O_RDONLY, e);
	return fd < 0 ? fd : named_add(&a->fds, name, fd);
}

/* The file of that name; where there is none, what it is as a list. The machine knows whether its kernel takes
 * one. */
static int open_initrd(struct launch *a, struct err *e)
{
	const char *initrd = a->d->initrd;
	struct initrd_module *v;
	struct err first = {0};
	int rc = 0, fd = open_file("initrd", initrd, O_RDONLY, &first);
	if (fd >= 0)
		return named_add(&a->fds, "initrd", fd);
	size_t n = initrd_modules(initrd, &v);
	if (fd != -ENOENT || (n == 1 && str_eq(v->path, initrd))) {
		*e = first;
		rc = fd;
	} else if (n > INITRD_MODULES_MAX) {
		rc = err_set(e, E2BIG, "<initrd> has %zu modules: at most %d", n, INITRD_MODULES_MAX);
	}
	for (size_t i = 0; i < n && !rc; i++)
		rc = open_module(a, i, &v[i], n, e);
	initrd_modules_free(v);
	return rc;
}

static int open_boot(struct launch *a, struct err *e)
{
	const struct domain *d = a->d;
	if (!d->kernel)
		return firmware_open(d, &a->fds, e);
	int fd = open_file("kernel", d->kernel, O_RDONLY, e);
	if (fd < 0)
		return fd;
	int rc = check_kernel(fd, d->kernel, e);
	if (rc) {
		fd_close(fd);
		return rc;
	}
	named_add(&a->fds, "kernel", fd);
	firmware_offer(d, &a->fds);
	return d->initrd ? open_initrd(a, e) : 0;
}

/* The flags are those of blk_open_flags(); where the file system knows no O_DIRECT (a tmpfs), its cache is
 * used. */
static int open_image(struct launch *a, const struct domain_disk *disk, struct err *e)
{
	char what[64];
	bool direct = disk->cache == DISK_CACHE_NONE || disk->cache == DISK_CACHE_DIRECTSYNC;
	int flags = disk->readonly ? O_RDONLY : O_RDWR;
	snprintf(what, sizeof(what), "disk '%s': image", disk->target);
	int fd = direct ? open_file(what, disk->source, flags | O_DIRECT, NULL) : -EINVAL;
	if (fd != -EINVAL && direct)
		return fd >= 0 ? fd : open_file(what, disk->source, flags | O_DIRECT, e);
	fd = open_file(what, disk->source, flags, e);
	if (fd >= 0 && direct)
		note(a,
		     "warning: disk '%s': '%s' lies where direct I/O is not possible, the host's page cache "
		     "is used",
		     disk->target, disk->source);
	return fd;
}

/* Two drives of one guest may have one file when neither writes, or when both say that they share it. */
static int check_twice(struct launch *a, size_t i, const struct stat *file, struct err *e)
{
	const struct domain_disk *disk = &a->d->disks[i], *other = image_disk(a->d, i, file);
	if (!other || (disk->readonly && other->readonly) || (disk->shareable && other->shareable))
		return 0;
	return err_set(e, EBUSY,
		       "disk '%s': image '%s' is that of disk '%s' of this domain too: give each its own, or write "
		       "<shareable/> or <readonly/> into both",
		       disk->target, disk->source, other->target);
}

/* A block device that this host uses itself (a file system on it is mounted, it is swap, a part of a volume group or of
 * a RAID) must not change under it. (open(2), O_EXCL of block devices) */
static int check_in_use(const struct domain_disk *disk, int image, const struct stat *file, struct err *e)
{
	char path[40];
	if (disk->readonly || !S_ISBLK(file->st_mode))
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", image);
	AUTO_CLOSE int fd = open(path, O_RDWR | O_EXCL | O_CLOEXEC | O_NONBLOCK);
	if (fd >= 0 || errno != EBUSY)
		return 0;
	return err_set(e, EBUSY,
		       "disk '%s': this host itself uses the block device '%s' (lsblk and swapon tell for what): unmount "
		       "it first, or write <readonly/>",
		       disk->target, disk->source);
}

static int open_disks(struct launch *a, struct err *e)
{
	for (size_t i = 0; i < a->d->ndisks; i++) {
		const struct domain_disk *disk = &a->d->disks[i];
		if (!disk->source)
			continue;
		char name[64];
		snprintf(name, sizeof(name), "disk:%s", disk->target);
		int fd = open_image(a, disk, e);
		if (fd < 0)
			return fd;
		struct stat st;
		int rc = named_add(&a->fds, name, fd);
		if (!rc && fstat(fd, &st) < 0)
			rc = err_sys(e, errno, "disk '%s'", disk->target);
		if (!rc)
			rc = check_twice(a, i, &st, e);
		if (!rc)
			rc = check_in_use(disk, fd, &st, e);
		if (!rc)
			rc = image_lock(fd, disk->source, disk->target, !disk->readonly, disk->shareable, e);
		if (rc == -EBUSY && !image_disk(a->d, i, &st))
			image_name_user(a->l, a->d->uuid, &st, disk->source, disk->target, e);
		if (rc)
			return rc == -ENOSPC
				   ? err_set(e, ENOSPC, "domain '%s' has more disks than can be opened",
					     a->d->name)
				   : rc;
	}
	return 0;
}

/* --- the guest's own files --- */

static int open_own(struct launch *a, const char *name, char *path /* freed */, int flags, struct err *e)
{
	AUTO_FREE char *p = path;
	int fd = open(p, flags | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0)
		return err_sys(e, errno, "cannot open '%s'", p);
	return named_add(&a->fds, name, fd) ? err_set(e, ENOSPC, "too many files for domain '%s'", a->d->name)
					    : 0;
}

static int listen_own(struct launch *a, const char *name, const char *file, struct err *e)
{
	AUTO_FREE char *path = registry_path(a->l, a->d->uuid, file);
	int fd = unixsock_listen(path, 0600, e);
	if (fd < 0)
		return fd;
	return named_add(&a->fds, name, fd) ? err_set(e, ENOSPC, "too many files for domain '%s'", a->d->name)
					    : 0;
}

static int open_console(struct launch *a, unsigned port, struct err *e)
{
	char name[40], file[40];
	snprintf(name, sizeof(name), "console%u", port);
	snprintf(file, sizeof(file), "console%u.sock", port);
	int rc = listen_own(a, name, file, e);
	for (int i = 0; i < CONSOLE_SEGMENTS && !rc; i++) {
		snprintf(name, sizeof(name), "console%u.log.%d", port, i);
		rc = open_own(a, name, log_path(a->l, a->d->uuid, name), O_RDWR, e);
	}
	snprintf(name, sizeof(name), "console%u.idx", port);
	return rc ? rc : open_own(a, name, log_path(a->l, a->d->uuid, name), O_RDWR, e);
}

/* Where a full <log file=> goes. One that cannot be made, or of what is no file, is done without. */
static void open_older(struct launch *a, unsigned port, const char *log, const char *name, int fd)
{
	struct stat st;
	for (int i = 0; i < LOGFILE_OLD_MAX && fstat(fd, &st) == 0 && S_ISREG(st.st_mode); i++) {
		AUTO_FREE char *path = x_asprintf("%s.%d", log, i);
		AUTO_FREE char *as = x_asprintf("%s.%d", name, i);
		int old = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0640);
		if (old < 0)
			note(a, "warning: serial %u: cannot open '%s': %s: when the log file is full, what is older is lost",
			     port, path, strerror(errno));
		else
			named_add(&a->fds, as, old);
	}
}

/* A log file that is to be appended to and is full already: all of it is kept, as it goes as it is. */
static void turn_long(const char *path)
{
	struct stat st;
	if (lstat(path, &st) < 0 || !S_ISREG(st.st_mode) || (uint64_t)st.st_size < LOGFILE_CONSOLE_MAX)
		return;
	for (int i = LOGFILE_OLD_MAX; i-- > 0;) {
		AUTO_FREE char *from = i ? x_asprintf("%s.%d", path, i - 1) : x_strdup(path);
		AUTO_FREE char *to = x_asprintf("%s.%d", path, i);
		rename(from, to);
	}
}

/* The file that also has what console @port says: made when missing, begun anew unless it is to be appended to, as
 * libvirt does. */
static int open_copy(struct launch *a, unsigned port, const char *path, bool append, struct err *e)
{
	char name[40], what[64];
	if (!path)
		return 0;
	snprintf(name, sizeof(name), "console%u.copy", port);
	if (append)
		turn_long(path);
	snprintf(what, sizeof(what), "serial %u: log file", port);
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0640);
	if (fd < 0) /* it is there, or cannot be made: the error that counts is the one of opening it */
		fd = open_file(what, path, O_RDWR | O_APPEND, e);
	if (fd < 0)
		return fd;
	open_older(a, port, path, name, fd);
	int rc = append || ftruncate(fd, 0) == 0 ? 0 : -errno;
	if (named_add(&a->fds, name, fd))
		rc = -ENOSPC;
	return rc ? err_sys(e, -rc, "serial %u: log file '%s'", port, path) : 0;
}

static int write_live(struct launch *a, struct err *e)
{
	AUTO_FREE char *path = registry_path(a->l, a->d->uuid, REG_LIVE_XML);
	a->live.id = a->id;
	a->live.vnc_port = (int)json_int(a->screen, "port", 0);
	AUTO_FREE char *xml = domain_live_text(a->d, &a->live);
	AUTO_FREE char *text = livexml_wrap(xml);
	int rc = file_replace(path, text, strlen(text), 0600, e);
	return rc ? rc : open_own(a, "live.xml", TAKE_PTR(path), O_RDONLY, e);
}

/* The log of all runs; when it has become long, the keeper moves it to the other. */
static int open_log(struct launch *a, struct err *e)
{
	int rc = open_own(a, "vmm.log", log_path(a->l, a->d->uuid, REG_VMM_LOG), O_RDWR | O_APPEND, e);
	return rc ? rc
		  : open_own(a, "vmm.log.old", log_path(a->l, a->d->uuid, REG_VMM_LOG ".old"), O_RDWR, e);
}

static int open_runtime(struct launch *a, struct err *e)
{
	struct local *l = a->l;
	const char *uuid = a->d->uuid;
	AUTO_FREE char *logs = x_asprintf("%s/%s", l->dirs->log, uuid);
	int rc = dir_make(logs, 0750, e);
	if (!rc)
		rc = open_log(a, e);
	if (!rc)
		rc = open_own(a, "stats", registry_path(l, uuid, REG_STATS), O_RDWR | O_TRUNC, e);
	if (!rc) /* with its blocks: the machine maps it, and would die of a hole that cannot be filled */
		rc = posix_fallocate(named_get(&a->fds, "stats"), 0, (off_t)STATS_FILE_SIZE);
	if (rc > 0)
		rc = err_sys(e, rc, "cannot make the statistics file of domain '%s'", a->d->name);
	if (!rc)
		rc = listen_own(a, "control", REG_CONTROL, e);
	for (size_t i = 0; i < a->d->nserials && !rc; i++) {
		rc = open_console(a, a->d->serials[i].port, e);
		if (!rc)
			rc = open_copy(a, a->d->serials[i].port, a->d->serials[i].log_file,
				       a->d->serials[i].log_append, e);
	}
	if (!rc && a->d->debugcon)
		rc = open_copy(a, CONSOLE_DEBUG, a->d->debugcon->file, a->d->debugcon->append, e);
	if (rc)
		return rc;
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (kvm < 0)
		return err_sys(e, errno, "cannot open /dev/kvm");
	named_add(&a->fds, "kvm", kvm);
	int journal = journal_open(l);
	if (journal >= 0)
		named_add(&a->fds, "journal", journal);
	return write_live(a, e);
}

/* --- the processes --- */

static json_t *go_message(struct launch *a)
{
	const struct domain *d = a->d;
	json_t *go = json_object();
	AUTO_FREE char *ended = log_path(a->l, d->uuid, REG_ENDED);
	AUTO_FREE char *pidfile = registry_path(a->l, d->uuid, REG_KEEPER_PID);
	AUTO_FREE char *vmdeck = spawn_find("vmdeck", "VMDECK", NULL);
	json_set_str(go, "name", d->name);
	json_set_str(go, "uuid", d->uuid);
	json_set_int(go, "id", a->id);
	json_set_int(go, "uid", a->uid);
	json_set_int(go, "memory_bytes", (int64_t)d->memory_bytes);
	json_set_flag(go, "paused", a->flags & START_PAUSED);
	json_set_str(go, "home", a->l->dirs->home);
	json_set_str(go, "vmdeck", vmdeck);
	json_set_str(go, "ended", ended);
	json_set_str(go, "pidfile", pidfile);
	json_set_str(go, "on_poweroff", domain_action_text(d->on_poweroff));
	/* The machine ends with an installer's reboot, and what is started then is the definition. */
	json_set_str(go, "on_reboot", d->installing ? "restart" : domain_action_text(d->on_reboot));
	json_set_str(go, "on_crash", domain_action_text(d->on_crash));
	if (a->screen)
		json_object_set(go, "screen", a->screen);
	json_object_update(go, a->net);
	return go;
}

/* What images that lie in memory may take of it, which counts as the guest's and is never given back: at most all of
 * their file systems. */
static uint64_t images_in_memory(const struct launch *a)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < a->d->ndisks; i++) {
		char name[64];
		struct statfs fs;
		snprintf(name, sizeof(name), "disk:%s", a->d->disks[i].target);
		int fd = named_get(&a->fds, name);
		if (fd >= 0 && !a->d->disks[i].readonly && fstatfs(fd, &fs) == 0 &&
		    (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC))
			sum += (uint64_t)fs.f_blocks * (uint64_t)fs.f_bsize;
	}
	return sum;
}

/* A cgroup of our own, where no systemd makes one. */
static int enter_cgroup(struct launch *a, struct limits *lim, struct err *e)
{
	struct statfs fs;
	if (statfs(CGROUP_ROOT, &fs) < 0 || fs.f_type != CGROUP2_SUPER_MAGIC)
		return 0;
	AUTO_FREE char *home = limits_cgroup_of(CGROUP_ROOT, 0);
	AUTO_FREE char *name = x_asprintf("vmdeck-%s-%d", a->d->uuid, (int)a->keeper);
	AUTO_FREE char *dir =
	    home ? limits_enter(lim, CGROUP_ROOT, home + strlen(CGROUP_ROOT), name, a->keeper) : NULL;
	if (!dir)
		return 0;
	AUTO_FREE char *path = registry_path(a->l, a->d->uuid, REG_CGROUP);
	AUTO_FREE char *text = x_asprintf("%s\n%s\n", dir, home);
	return file_replace(path, text, strlen(text), 0600, e);
}

/* The keeper into its place, before it has forked. */
static int keep_limits(struct launch *a, struct err *e)
{
	struct limits lim;
	limits_of(a->d, images_in_memory(a), &lim);
	int rc = scope_enter(a->keeper, a->d->name, a->d->uuid, &lim, e);
	if (!rc)
		rc = enter_cgroup(a, &lim, e);
	if (rc < 0)
		return rc;
	limits_warn(&lim, a->notes);
	return 0;
}

static int spawn_keeper(struct launch *a, int *sock, struct err *e)
{
	int pair[2];
	int rc = unixsock_pair(SOCK_SEQPACKET, pair);
	if (rc)
		return err_sys(e, -rc, "cannot make a socket for vmdeck-vmm");
	a->keeper = spawn_detached((const char *const[]){a->vmm, "keeper", NULL},
				   named_get(&a->fds, "vmm.log"), pair[1], e);
	close(pair[1]);
	*sock = pair[0];
	if (a->keeper < 0)
		return (int)a->keeper;
	a->pidfd = (int)syscall(SYS_pidfd_open, a->keeper, 0);
	return keep_limits(a, e);
}

static int run(struct launch *a, struct err *e)
{
	AUTO_CLOSE int sock = -1;
	AUTO_JSON json_t *go = go_message(a);
	int pid, rc = spawn_keeper(a, &sock, e);
	if (rc)
		return rc;
	rc = named_add(&a->fds, "lock", fcntl(a->lock, F_DUPFD_CLOEXEC, 3)) ? -EMFILE : 0;
	if (!rc)
		rc = launch_send(sock, &a->fds, go, e);
	/* Ours are closed now: the guest is alive while its own processes hold the lock, and only while. */
	named_done(&a->fds);
	fd_close(TAKE_FD(a->lock));
	return rc ? rc : patience_wait(sock, a->keeper, QUIET_MS, &pid, e);
}

/* A start failed: see that its processes end, then take away what there is. */
static void undo(struct launch *a)
{
	if (a->pidfd >= 0) {
		struct pollfd p = {.fd = a->pidfd, .events = POLLIN};
		if (poll(&p, 1, 2000) == 0) { /* one that does not answer */
			syscall(SYS_pidfd_send_signal, a->pidfd, SIGKILL, NULL, 0);
			poll(&p, 1, 5000);
		}
	}
	named_done(&a->fds);
	if (a->lock < 0)
		a->lock = registry_claim(a->l, a->d->uuid, a->d->name, NULL);
	if (a->lock >= 0)
		registry_remove(a->l, a->d->uuid, TAKE_FD(a->lock));
}

/* A guest of root's runs as a uid of its own, which goes by its id: no other guest that runs has it. */
static int take_id(struct launch *a, struct err *e)
{
	const struct local *l = a->l;
	bool own = geteuid() == 0 && a->policy.uids, taken;
	do {
		a->id = registry_next_id(a->l, e);
		if (a->id < 0)
			return a->id;
		a->uid = own ? policy_uid(l, &a->policy, a->id) : 0;
		taken = false;
		for (size_t i = 0; i < l->nguests && own; i++)
			taken |= policy_uid(l, &a->policy, l->guests[i]->id) == a->uid;
	} while (taken && l->nguests < a->policy.uids);
	return 0;
}

static int start_claimed(struct launch *a, struct err *e)
{
	int rc = take_id(a, e);
	if (!rc)
		rc = open_disks(a, e);
	if (!rc)
		rc = firmware_open_nvram(a->l, a->d, a->flags, &a->fds, e);
	if (!rc)
		rc = graphics_open(a->l, a->d, a->flags, &a->fds, &a->screen, a->notes, e);
	if (!rc)
		rc = interfaces_open(a->d, &a->fds, &a->live, e);
	if (!rc)
		rc = usernet_open(a->l, a->d, a->net, a->notes, e);
	if (!rc)
		rc = open_runtime(a, e);
	if (!rc) {
		ended_forget(a->l, a->d->uuid);
		rc = run(a, e);
		if (rc) {
			struct ended en = {.valid = true,
					   .state = DOMAIN_SHUTOFF,
					   .reason = DOMAIN_REASON_FAILED,
					   .id = a->id,
					   .cleaned = true};
			snprintf(en.detail, sizeof(en.detail), "%s", e->msg);
			snprintf(en.action, sizeof(en.action), "destroy");
			ended_write(a->l, a->d->uuid, &en, NULL);
		}
	}
	if (rc)
		undo(a);
	journal_add(a->l, rc ? "start-failed" : "started", a->d->name, a->d->uuid, rc ? e->msg : NULL);
	return rc;
}

int launch_guest(struct local *l, const struct domain *defined, unsigned flags, struct buf *notes,
		 struct err *out)
{
	struct err e = {0};
	struct domain *less = NULL;
	int rc = media_at_start(defined, &less, notes, &e);
	const struct domain *d = less ? less : defined;
	struct launch a = {
	    .l = l, .d = d, .flags = flags, .notes = notes, .lock = -1, .pidfd = -1, .net = json_object()};
	a.vmm = spawn_find("vmdeck-vmm", "VMDECK_VMM", &e);
	if (!rc)
		rc = a.vmm ? domain_startable(d, &e) : -ENOENT;
	if (!rc)
		rc = check_memory(&a, &e);
	if (!rc)
		rc = policy_read(l, &a.policy, &e);
	if (!rc)
		rc = kvm_access(&e);
	if (!rc)
		rc = open_boot(&a, &e);
	if (!rc)
		rc = check_kvm(&a, &e);
	if (!rc)
		rc = policy_sandbox(&a.policy, notes, &e);
	if (!rc) {
		registry_settle(l, d->uuid);
		a.lock = registry_claim(l, d->uuid, d->name, &e);
		rc = a.lock < 0 ? a.lock : start_claimed(&a, &e);
	}
	named_done(&a.fds);
	fd_close(a.lock);
	fd_close(a.pidfd);
	json_decref(a.screen);
	json_decref(a.net);
	free(a.vmm);
	domain_free(less);
	return rc ? err_set(out, e.code ? e.code : -rc, "%s", e.msg) : 0;
}
