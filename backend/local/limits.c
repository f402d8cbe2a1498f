/* The limits of a guest, and cgroups where no systemd makes them. */
#include "backend/local/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/str.h"

#define MIB ((uint64_t)1 << 20)
#define OVERHEAD (512 * MIB) /* programs, buffers of disks and networks, viewers */
#define GPU_RESOURCES (512 * MIB) /* that a guest may make, with the screen's copies */
#define PAGE_TABLES 128 /* one byte for so many of memory, ours and KVM's */
#define TASKS 128 /* beside the vCPUs: main loops, io_uring's workers, vmdeck at the end */
#define SECOND_US 1000000u
#define REMOVE_MS 1000 /* for processes that are about to be gone */
#define MACHINE "/machine" /* libvirt's own partition, which is made when it is missing */

static struct limit *add(struct limits *out, const char *element, const char *property, uint64_t value,
			 const char *file)
{
	struct limit *l = &out->of[out->n++];
	*l = (struct limit){.property = property, .value = value, .file = file, .element = element};
	if (value == TUNE_UNLIMITED)
		snprintf(l->text, sizeof(l->text), "max");
	else
		snprintf(l->text, sizeof(l->text), "%" PRIu64, value);
	return l;
}

/* What a guest of this size can need, with all that its processes hold. */
static uint64_t memory_needed(const struct domain *d, uint64_t files)
{
	uint64_t video = d->video ? d->video->vram_bytes + GPU_RESOURCES : 0;
	return d->memory_bytes + d->memory_bytes / PAGE_TABLES + video + OVERHEAD + files;
}

static void add_memory(const struct domain *d, uint64_t files, struct limits *out)
{
	const struct domain_tune *t = &d->tune;
	uint64_t most = t->hard_limit ? t->hard_limit : memory_needed(d, files);
	const char *by = t->hard_limit ? "memtune/hard_limit" : NULL;
	if (t->swap_hard_limit && t->swap_hard_limit < most) {
		most = t->swap_hard_limit;
		by = "memtune/swap_hard_limit";
	}
	add(out, by, "MemoryMax", most, "memory.max");
	if (t->soft_limit)
		add(out, "memtune/soft_limit", "MemoryHigh", t->soft_limit, "memory.high");
	if (t->swap_hard_limit) /* memory and swap together; cgroup v2 counts swap alone */
		add(out, "memtune/swap_hard_limit", "MemorySwapMax",
		    t->swap_hard_limit == TUNE_UNLIMITED ? TUNE_UNLIMITED : t->swap_hard_limit - most,
		    "memory.swap.max");
}

static unsigned or_default(unsigned period)
{
	return period ? period : TUNE_PERIOD_US;
}

/* The guest as a whole has one quota: the lower of its own and that of all its vCPUs together. */
static void add_quota(const struct domain *d, struct limits *out)
{
	const struct domain_tune *t = &d->tune;
	uint64_t period = or_default(t->global_period_us), quota = t->global_quota_us;
	const char *by = "cputune/global_quota";
	if (t->quota_us && t->quota_us != TUNE_UNLIMITED) {
		uint64_t p = or_default(t->period_us), all;
		if (__builtin_mul_overflow(t->quota_us, d->vcpus, &all))
			all = TUNE_UNLIMITED;
		if (!quota || quota == TUNE_UNLIMITED || (double)all / (double)p < (double)quota / (double)period) {
			quota = all;
			period = p;
			by = "cputune/quota";
		}
	}
	if (!quota || quota == TUNE_UNLIMITED)
		return;
	/* At most 2^44 us of each of 240 vCPUs: a quota that is none. */
	double second = (double)quota / (double)period * SECOND_US;
	struct limit *l = add(out, by, "CPUQuotaPerSecUSec", second < 1e15 ? (uint64_t)(second + 0.5) : TUNE_UNLIMITED,
			      "cpu.max");
	snprintf(l->text, sizeof(l->text), "%" PRIu64 " %" PRIu64, quota, period);
	add(out, by, "CPUQuotaPeriodUSec", period, NULL);
}

void limits_of(const struct domain *d, uint64_t files, struct limits *out)
{
	const struct domain_tune *t = &d->tune;
	*out = (struct limits){.partition = t->partition};
	add_memory(d, files, out);
	add(out, NULL, "TasksMax", (uint64_t)d->vcpus + TASKS, "pids.max");
	if (t->shares)
		add(out, "cputune/shares", "CPUWeight", t->shares < TUNE_WEIGHT_MAX ? t->shares : TUNE_WEIGHT_MAX,
		    "cpu.weight");
	add_quota(d, out);
	if (t->io_weight)
		add(out, "blkiotune/weight", "IOWeight", t->io_weight, "io.weight");
}

char *limits_slice(const char *partition)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:_.";
	AUTO_BUF struct buf b = {0};
	for (const char *s = partition + 1; *s; s++) {
		if (*s == '/')
			buf_puts(&b, "-");
		else if (strchr(plain, *s))
			buf_add(&b, s, 1);
		else
			buf_printf(&b, "\\x%02x", (unsigned char)*s);
	}
	buf_puts(&b, ".slice");
	return buf_take(&b);
}

char *limits_cgroup_of(const char *root, pid_t pid)
{
	AUTO_FREE char *text = NULL;
	AUTO_FREE char *path = pid ? x_asprintf("/proc/%d/cgroup", (int)pid) : x_strdup("/proc/self/cgroup");
	char *more = NULL;
	if (file_read(path, 65536, &text, NULL, NULL))
		return NULL;
	for (char *line = strtok_r(text, "\n", &more); line; line = strtok_r(NULL, "\n", &more))
		if (str_starts(line, "0::/"))
			return x_asprintf("%s%s", root, line[4] ? line + 3 : "");
	return NULL;
}

/* -errno */
static int put(const char *dir, const char *file, const char *text)
{
	AUTO_FREE char *path = x_asprintf("%s/%s", dir, file);
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	return fd_write_all(fd, text, strlen(text));
}

/* I/O is weighed by blk-iocost, or by the scheduler BFQ. */
static int put_limit(const char *dir, const struct limit *l)
{
	int rc = put(dir, l->file, l->text);
	return rc && str_eq(l->file, "io.weight") ? put(dir, "io.bfq.weight", l->text) : rc;
}

static bool usable(const char *dir)
{
	AUTO_FREE char *procs = x_asprintf("%s/cgroup.procs", dir);
	return access(dir, W_OK | X_OK) == 0 && access(procs, W_OK) == 0;
}

/* The highest one from @root down to @own. */
static char *find_parent(const char *root, const char *own)
{
	AUTO_FREE char *dir = x_asprintf("%s%s", root, own);
	for (size_t len = strlen(root);; len += strcspn(dir + len, "/")) {
		char c = dir[len];
		dir[len] = 0;
		if (usable(dir))
			return x_strdup(dir);
		dir[len] = c;
		if (!c || !dir[len + 1])
			return NULL;
		len++;
	}
}

static char *find_partition(struct limits *lim, const char *root)
{
	AUTO_FREE char *dir = lim->partition ? x_asprintf("%s%s", root, lim->partition) : NULL;
	if (!dir)
		return NULL;
	if (str_eq(lim->partition, MACHINE))
		mkdir(dir, 0755);
	lim->partition_done = usable(dir);
	return lim->partition_done ? TAKE_PTR(dir) : NULL;
}

/* For the folders below @dir. What is there already, or cannot be had, shows by the files that are there then. */
static void enable(const char *dir)
{
	static const char *const controllers[] = {"+memory", "+pids", "+cpu", "+io"};
	for (size_t i = 0; i < ARRAY_SIZE(controllers); i++)
		put(dir, "cgroup.subtree_control", controllers[i]);
}

char *limits_enter(struct limits *lim, const char *root, const char *own, const char *name, pid_t pid)
{
	AUTO_FREE char *partition = find_partition(lim, root);
	AUTO_FREE char *parent = partition ? x_strdup(partition) : find_parent(root, own);
	if (!parent)
		return NULL;
	if (partition)
		enable(root);
	enable(parent);
	AUTO_FREE char *dir = x_asprintf("%s/%s", parent, name);
	AUTO_FREE char *id = x_asprintf("%d", (int)pid);
	if (mkdir(dir, 0755) < 0 && errno != EEXIST)
		return NULL;
	bool any = false;
	for (size_t i = 0; i < lim->n; i++) {
		struct limit *l = &lim->of[i];
		l->done = l->file ? put_limit(dir, l) == 0 : i > 0 && lim->of[i - 1].done;
		any = any || l->done;
	}
	if (any && put(dir, "cgroup.procs", id) == 0)
		return TAKE_PTR(dir);
	for (size_t i = 0; i < lim->n; i++)
		lim->of[i].done = false;
	lim->partition_done = false;
	rmdir(dir);
	return NULL;
}

static bool there(const char *dir, const char *file)
{
	AUTO_FREE char *path = x_asprintf("%s/%s", dir, file);
	return access(path, F_OK) == 0;
}

void limits_look(struct limits *lim, const char *dir)
{
	AUTO_FREE char *slice = lim->partition ? limits_slice(lim->partition) : NULL;
	AUTO_FREE char *in = slice ? x_asprintf("/%s/", slice) : NULL;
	lim->partition_done = in && strstr(dir, in);
	for (size_t i = 0; i < lim->n; i++) {
		struct limit *l = &lim->of[i];
		l->done = l->file ? there(dir, l->file) : i > 0 && lim->of[i - 1].done;
		if (!l->done && l->file && str_eq(l->file, "io.weight"))
			l->done = there(dir, "io.bfq.weight");
	}
}

void limits_warn(const struct limits *lim, struct buf *notes)
{
	const char *last = NULL;
	for (size_t i = 0; i < lim->n && notes; i++) {
		const struct limit *l = &lim->of[i];
		if (l->done || !l->element || str_eq(l->element, last))
			continue;
		last = l->element;
		buf_printf(notes, "warning: %s is not enforced: this host gives no cgroup with %s\n", l->element,
			   l->file ? l->file : lim->of[i - 1].file);
	}
	if (notes && lim->partition && !lim->partition_done)
		buf_printf(notes, "warning: resource/partition: the guest is not in '%s': this host gives no such "
			   "cgroup\n", lim->partition);
}

void limits_leave(const char *root, const char *dir, const char *back)
{
	AUTO_FREE char *own = limits_cgroup_of(root, 0);
	if (own && str_eq(own, dir) && put(back, "cgroup.procs", "0"))
		put(root, "cgroup.procs", "0");
	for (int ms = 0; rmdir(dir) < 0 && errno == EBUSY && ms < REMOVE_MS; ms += 10)
		nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
	AUTO_FREE char *machine = x_asprintf("%s" MACHINE, root);
	if (str_starts(dir, machine) && dir[strlen(machine)] == '/')
		rmdir(machine); /* while no other guest is in it */
}
