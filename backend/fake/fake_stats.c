/* Figures and facts of the fake host. */
#include <errno.h>
#include <string.h>

#include "backend/fake/host.h"

static void sample_domain(const struct fake_domain *d, struct sample_domain *s)
{
	memcpy(s->name, d->info.name, sizeof(s->name));
	memcpy(s->uuid, d->info.uuid, sizeof(s->uuid));
	memcpy(s->title, d->info.title, sizeof(s->title));
	memcpy(s->detail, d->info.detail, sizeof(s->detail));
	s->id = d->info.id;
	s->state = d->info.state;
	s->reason = d->info.reason;
	s->persistent = d->info.persistent;
	s->autostart = d->info.autostart;
	s->vcpus = d->info.vcpus;
	s->memory_bytes = d->info.memory_bytes;
	s->started_ms = d->info.started_ms;
	if (!(d->info.state & DOMAIN_ACTIVE))
		return;
	s->vnc_port = d->graphics ? d->screen.port : 0;
	s->screen = d->graphics && d->info.state & DOMAIN_ACTIVE;
	s->rss_bytes = d->info.memory_bytes / 2;
	s->valid = !d->stale;
	if (d->stale)
		return;
	uint64_t ms = d->busy_ms, cpu = ms * d->load * 10000; /* ns */
	s->cpu_ns = cpu;
	s->cpu_user_ns = cpu / 10 * 9;
	s->cpu_system_ns = cpu - s->cpu_user_ns;
	s->cpu_guest_ns = cpu / 10 * 8;
	for (unsigned i = 0; i < s->vcpus && i < DOMAIN_VCPUS_MAX; i++) {
		s->vcpu_ns[i] = s->cpu_guest_ns / s->vcpus;
		s->vcpu_exits[i] = ms * d->load / s->vcpus;
	}
	s->exits = ms * d->load;
	s->exits_pio = s->exits / 2;
	s->exits_mmio = s->exits / 4;
	s->exits_other = s->exits - s->exits_pio - s->exits_mmio;
	s->console_bytes = d->record.len - d->boot;
	s->ndisks = 1;
	s->disks[0] = (struct stat_device){.name = "vda",
					   .rd_ops = ms * d->load / 100,
					   .rd_bytes = ms * d->load * 40,
					   .wr_ops = ms * d->load / 200,
					   .wr_bytes = ms * d->load * 20,
					   .fl_ops = ms / 1000,
					   .rd_ns = ms * d->load * 1000,
					   .wr_ns = ms * d->load * 2000,
					   .fl_ns = ms * 100};
	s->nnets = 1;
	s->nets[0] = (struct stat_net){.name = "net0",
				       .rx_bytes = ms * d->load * 60,
				       .rx_packets = ms * d->load / 20,
				       .tx_bytes = ms * d->load * 10,
				       .tx_packets = ms * d->load / 40,
				       .link = true};
}

int fake_sample(struct backend *b, struct sample *s, struct err *e)
{
	struct fake *f = fake_of(b);
	FAKE_LOCK(f);
	int rc = fake_fails(f, "sample", e);
	if (rc)
		return rc;
	f->now_ms += f->step_ms;
	*s = (struct sample){
		.time_ns = (int64_t)f->now_ms * 1000000,
		.wall_ms = FAKE_EPOCH_MS + (int64_t)f->now_ms,
		.hostname = "fakehost",
		.host_cpus = 8,
		.host_busy_ns = f->now_ms * 1000000 * 8 / 4, /* a quarter */
		.host_total_ns = f->now_ms * 1000000 * 8,
		.host_mem_bytes = 16ull << 30,
		.host_mem_free_bytes = 10ull << 30,
		.load = {0.5, 0.25, 0.125},
		.domains = x_calloc(f->n, sizeof(*s->domains)),
		.ndomains = f->n,
	};
	for (size_t i = 0; i < f->n; i++) {
		if (f->domains[i]->info.state & (DOMAIN_RUNNING | DOMAIN_SHUTDOWN))
			f->domains[i]->busy_ms += f->step_ms;
		sample_domain(f->domains[i], &s->domains[i]);
	}
	return 0;
}

/* Whoever is asked for is there. */
int fake_host_neighbour(struct backend *b, const uint8_t mac[6], char address[56], struct err *e)
{
	struct fake *f = fake_of(b);
	FAKE_LOCK(f);
	int rc = fake_fails(f, "host_neighbour", e);
	if (!rc)
		snprintf(address, 56, "10.0.0.%u", mac[5]);
	return rc;
}

int fake_host_bridges(struct backend *b, char **names, struct err *e)
{
	struct fake *f = fake_of(b);
	FAKE_LOCK(f);
	int rc = fake_fails(f, "host_bridges", e);
	if (!rc)
		*names = x_strdup(buf_text(&f->bridges));
	return rc;
}

int fake_host_info(struct backend *b, struct host_info *h, struct err *e)
{
	struct fake *f = fake_of(b);
	FAKE_LOCK(f);
	int rc = fake_fails(f, "host_info", e);
	if (rc)
		return rc;
	*h = (struct host_info){.hostname = "fakehost",
				.cpu_model = "Fake CPU @ 2.50GHz",
				.machine = "x86_64",
				.cpus = 8,
				.mhz = 2500,
				.sockets = 1,
				.cores = 4,
				.threads = 2,
				.nodes = 1,
				.images = "/var/lib/vmdeck/images",
				.boot = "/var/lib/vmdeck/install",
				.memory_bytes = 16ull << 30,
				.kernel = "6.1.0",
				.kvm_api = f->no_kvm ? 0 : 12};
	return 0;
}

int fake_host_validate(struct backend *b, struct host_check **list, size_t *n, struct err *e)
{
	struct fake *f = fake_of(b);
	FAKE_LOCK(f);
	int rc = fake_fails(f, "host_validate", e);
	if (rc)
		return rc;
	struct host_check checks[] = {
		{"/dev/kvm can be opened", "kvm", HOST_PASS, "API 12", "", "KVM"},
		{"KVM runs kernels natively", "kvm-native", HOST_PASS, "", "", "KVM"},
		{"/dev/net/tun can be opened", "tun", HOST_WARN, "no such file", "modprobe tun", "Network"},
	};
	if (f->no_kvm)
		checks[0] = (struct host_check){"/dev/kvm can be opened", "kvm", HOST_FAIL, "no such file",
						"load kvm_intel or kvm_amd", "KVM"};
	if (f->interpreted)
		checks[1] =
			(struct host_check){"KVM runs kernels natively", "kvm-native", HOST_FAIL,
					    "kernel mode is interpreted", "use a host with VT-x or AMD-V", "KVM"};
	*list = x_malloc(sizeof(checks));
	memcpy(*list, checks, sizeof(checks));
	*n = ARRAY_SIZE(checks);
	return 0;
}
