/* Figures: the host's from /proc, a guest's from its stats file and from one kept-open /proc/PID/stat and
 * statm each. Nothing here waits for a guest; one whose main loop is silent still has figures, and says so in
 * its detail. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "backend/local/local.h"
#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/str.h"
#include "src/proto/registry.h"

#define THREADS_GUESTS_MAX 16 /* per-thread files are read when there are no more guests than that */

static uint64_t now_ns(clockid_t clock)
{
	struct timespec ts;
	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static uint64_t ticks_ns(uint64_t ticks)
{
	static long hz;
	if (!hz)
		hz = sysconf(_SC_CLK_TCK);
	return ticks * (1000000000u / (uint64_t)(hz > 0 ? hz : 100));
}

static void host_cpu(struct sample *s)
{
	AUTO_FREE char *text = NULL;
	unsigned long long v[8] = {0}; /* user nice system idle iowait irq softirq steal */
	s->host_cpus = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
	if (file_read("/proc/stat", 1u << 20, &text, NULL, NULL) ||
	    sscanf(text, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &v[0], &v[1], &v[2], &v[3], &v[4],
		   &v[5], &v[6], &v[7]) < 4)
		return;
	uint64_t total = 0;
	for (size_t i = 0; i < ARRAY_SIZE(v); i++)
		total += v[i];
	s->host_total_ns = ticks_ns(total);
	s->host_busy_ns = ticks_ns(total - v[3] - v[4]);
}

static uint64_t meminfo(const char *text, const char *key)
{
	const char *p = strstr(text, key);
	return p ? strtoull(p + strlen(key), NULL, 10) << 10 : 0;
}

static void host_figures(struct sample *s)
{
	AUTO_FREE char *text = NULL;
	host_cpu(s);
	if (!file_read("/proc/meminfo", 65536, &text, NULL, NULL)) {
		s->host_mem_bytes = meminfo(text, "MemTotal:");
		s->host_mem_free_bytes = meminfo(text, "MemAvailable:");
	}
	if (getloadavg(s->load, 3) != 3)
		s->load[0] = s->load[1] = s->load[2] = 0;
	gethostname(s->hostname, sizeof(s->hostname) - 1);
}

struct proc_stat {
	pid_t ppid;
	uint64_t user_ns, system_ns, guest_ns;
};

/* /proc/PID/stat; the name in parentheses may hold anything, so count from the last one. (proc(5)) */
static bool proc_stat_read(int fd, struct proc_stat *out)
{
	char text[1024];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	if (n <= 0)
		return false;
	text[n] = 0;
	char *p = strrchr(text, ')');
	uint64_t field[44] = {0};
	if (!p || !p[1])
		return false;
	p += 3; /* state: field 3 */
	for (int i = 3; i < 44 && *p; i++) {
		if (i > 3)
			field[i] = strtoull(p, NULL, 10);
		p += strcspn(p, " ");
		p += *p == ' ';
	}
	*out = (struct proc_stat){(pid_t)field[4], ticks_ns(field[14]), ticks_ns(field[15]),
				  ticks_ns(field[43])};
	return true;
}

static pid_t keeper_of(const struct local *l, const struct guest *g)
{
	AUTO_FREE char *path = registry_path(l, g->uuid, REG_KEEPER_PID);
	AUTO_FREE char *text = NULL;
	return file_read(path, 64, &text, NULL, NULL) ? 0 : atoi(text);
}

/* Open the files of the process that the stats header names, if it is its keeper's child: a guest's process
 * could write any number. */
static void proc_open(const struct local *l, struct guest *g)
{
	char path[64];
	struct proc_stat ps;
	pid_t pid = (pid_t)g->stats.machine_pid;
	if (g->pid || pid <= 1)
		return;
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	AUTO_CLOSE int stat = open(path, O_RDONLY | O_CLOEXEC);
	if (stat < 0 || !proc_stat_read(stat, &ps) || ps.ppid != keeper_of(l, g))
		return;
	snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
	g->proc_stat = TAKE_FD(stat);
	g->proc_statm = open(path, O_RDONLY | O_CLOEXEC);
	g->pid = pid;
}

static void proc_figures(struct guest *g, struct sample_domain *d)
{
	struct proc_stat ps;
	char text[128];
	if (g->proc_stat < 0 || !proc_stat_read(g->proc_stat, &ps))
		return;
	d->cpu_user_ns = ps.user_ns;
	d->cpu_system_ns = ps.system_ns;
	d->cpu_guest_ns = ps.guest_ns;
	d->cpu_ns = ps.user_ns + ps.system_ns;
	d->valid = true;
	ssize_t n = g->proc_statm < 0 ? 0 : pread(g->proc_statm, text, sizeof(text) - 1, 0);
	unsigned long long size, resident;
	if (n > 0) {
		text[n] = 0;
		if (sscanf(text, "%llu %llu", &size, &resident) == 2)
			d->rss_bytes = resident * (uint64_t)sysconf(_SC_PAGESIZE);
	}
}

/* The machine may count in a name space of process ids of its own, but its threads have names. */
static void find_threads(struct guest *g)
{
	char path[300];
	snprintf(path, sizeof(path), "/proc/%d/task", (int)g->pid);
	DIR *d = opendir(path);
	for (struct dirent *de; d && (de = readdir(d));) {
		char name[32];
		unsigned index;
		int end = 0;
		snprintf(path, sizeof(path), "/proc/%d/task/%s/comm", (int)g->pid, de->d_name);
		AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
		ssize_t n = fd < 0 ? 0 : read(fd, name, sizeof(name) - 1);
		name[n > 0 ? n : 0] = 0;
		if (sscanf(name, "vcpu%u%n", &index, &end) == 1 && name[end] == '\n' && index < DOMAIN_VCPUS_MAX)
			g->vcpu_thread[index] = atoi(de->d_name);
	}
	if (d)
		closedir(d);
}

static pid_t vcpu_thread(struct guest *g, const struct stats_vcpu *v)
{
	if (g->vcpu_tid[v->index] != v->tid || !g->vcpu_thread[v->index]) {
		find_threads(g);
		g->vcpu_tid[v->index] = v->tid;
	}
	return g->vcpu_thread[v->index];
}

static void vcpu_figures(struct guest *g, const struct stats_vcpu *v, bool threads,
			 struct sample_domain *d)
{
	struct proc_stat ps;
	char path[80];
	d->exits += v->exits;
	d->exits_pio += v->pio;
	d->exits_mmio += v->mmio;
	d->exits_other += v->other;
	if (v->index >= DOMAIN_VCPUS_MAX)
		return;
	d->vcpu_exits[v->index] = v->exits;
	if (!threads || !g->pid)
		return;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", (int)g->pid, (int)vcpu_thread(g, v));
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && proc_stat_read(fd, &ps))
		d->vcpu_ns[v->index] = ps.user_ns + ps.system_ns;
}

static void disk_figures(const struct stats_block *b, struct sample_domain *d)
{
	const struct stats_disk *v = &b->disk;
	if (d->ndisks == ARRAY_SIZE(d->disks))
		return;
	struct stat_device *to = &d->disks[d->ndisks++];
	*to = (struct stat_device){.rd_ops = v->rd_ops,
				   .rd_bytes = v->rd_bytes,
				   .wr_ops = v->wr_ops,
				   .wr_bytes = v->wr_bytes,
				   .fl_ops = v->fl_ops,
				   .errors = v->errors,
				   .rd_ns = v->rd_ns,
				   .wr_ns = v->wr_ns,
				   .fl_ns = v->fl_ns};
	str_printable(b->name, to->name, sizeof(to->name));
}

static void net_figures(const struct stats_block *b, struct sample_domain *d)
{
	const struct stats_net *v = &b->net;
	if (d->nnets == ARRAY_SIZE(d->nets))
		return;
	struct stat_net *to = &d->nets[d->nnets++];
	*to = (struct stat_net){.rx_bytes = v->rx_bytes,
				.rx_packets = v->rx_packets,
				.rx_errors = v->rx_errors,
				.rx_drop = v->rx_drop,
				.tx_bytes = v->tx_bytes,
				.tx_packets = v->tx_packets,
				.tx_errors = v->tx_errors,
				.tx_drop = v->tx_drop,
				.link = v->link};
	str_printable(b->name, to->name, sizeof(to->name));
}

/* The blocks of the stats file. Every number in it is the guest's process's to choose. */
static void block_figures(struct guest *g, bool threads, struct sample_domain *d)
{
	static struct stats_block v[STATS_BLOCKS_MAX];
	unsigned n = g->stats.nblocks;
	if (g->stats_fd < 0 || g->stats.block_size != STATS_BLOCK || n > STATS_BLOCKS_MAX)
		return;
	ssize_t got = pread(g->stats_fd, v, n * sizeof(v[0]), STATS_BLOCK);
	if (got < 0)
		return;
	for (unsigned i = 0; i < (size_t)got / sizeof(v[0]); i++) {
		v[i].name[sizeof(v[i].name) - 1] = 0;
		if (v[i].kind == STATS_VCPU)
			vcpu_figures(g, &v[i].vcpu, threads, d);
		else if (v[i].kind == STATS_DISK)
			disk_figures(&v[i], d);
		else if (v[i].kind == STATS_NET)
			net_figures(&v[i], d);
		else if (v[i].kind == STATS_CONSOLE && !strcmp(v[i].name, "console0"))
			d->console_bytes = v[i].console.tx_bytes;
	}
}

static void guest_figures(struct local *l, struct guest *g, struct sample_domain *d)
{
	uint64_t now = now_ns(CLOCK_MONOTONIC);
	if (!g->stats.magic)
		return;
	proc_open(l, g);
	proc_figures(g, d);
	block_figures(g, l->nguests <= THREADS_GUESTS_MAX, d);
	if (stats_heartbeat_late(&g->stats, now))
		snprintf(d->detail, sizeof(d->detail), "its process has not answered for %llu s",
			 (unsigned long long)((now - g->stats.heartbeat_ns) / 1000000000u));
}

int local_sample(struct backend *b, struct sample *out, struct err *e)
{
	struct local *l = local_of(b);
	struct sample s = {.time_ns = (int64_t)now_ns(CLOCK_MONOTONIC),
			   .wall_ms = (int64_t)(now_ns(CLOCK_REALTIME) / 1000000)};
	struct domain_info *list = NULL;
	size_t n = 0;
	int rc = local_domain_list(b, &list, &n, e);
	if (rc)
		return rc;
	host_figures(&s);
	s.domains = x_calloc(n + 1, sizeof(*s.domains));
	s.ndomains = n;
	for (size_t i = 0; i < n; i++) {
		const struct domain_info *from = &list[i];
		struct sample_domain *d = &s.domains[i];
		memcpy(d->name, from->name, sizeof(d->name));
		memcpy(d->uuid, from->uuid, sizeof(d->uuid));
		memcpy(d->title, from->title, sizeof(d->title));
		memcpy(d->detail, from->detail, sizeof(d->detail));
		d->id = from->id;
		d->state = from->state;
		d->reason = from->reason;
		d->persistent = from->persistent;
		d->autostart = from->autostart;
		d->vcpus = from->vcpus;
		d->memory_bytes = from->memory_bytes;
		d->started_ms = from->started_ms;
		struct guest *g = guest_by_uuid(l, from->uuid);
		d->vnc_port = g ? g->live.vnc_port : 0;
		d->screen = g && g->screen;
		if (g)
			guest_figures(l, g, d);
	}
	free(list);
	*out = s;
	return 0;
}
