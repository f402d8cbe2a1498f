/* domstats: keys and numbers are libvirt's (virConnectGetAllDomainStats). */
#include <errno.h>
#include <string.h>

#include "src/base/cleanup.h"
#include "src/base/str.h"
#include "src/cmd/rows.h"

/* libvirt's numbers of states (virDomainState). */
static int state_number(enum domain_state s)
{
	switch (s) {
	case DOMAIN_RUNNING:
		return 1;
	case DOMAIN_PAUSED:
		return 3;
	case DOMAIN_SHUTDOWN:
		return 4;
	case DOMAIN_SHUTOFF:
		return 5;
	case DOMAIN_CRASHED:
		return 6;
	}
	return 0;
}

/* libvirt's numbers of reasons; each state counts its own. */
static const struct {
	enum domain_state state;
	enum domain_reason reason;
	int number;
} reason_numbers[] = {
	{DOMAIN_RUNNING, DOMAIN_REASON_BOOTED, 1},    {DOMAIN_RUNNING, DOMAIN_REASON_UNPAUSED, 5},
	{DOMAIN_PAUSED, DOMAIN_REASON_USER, 1},       {DOMAIN_PAUSED, DOMAIN_REASON_IOERROR, 5},
	{DOMAIN_PAUSED, DOMAIN_REASON_CRASHED, 10},   {DOMAIN_PAUSED, DOMAIN_REASON_STARTING, 11},
	{DOMAIN_SHUTDOWN, DOMAIN_REASON_USER, 1},     {DOMAIN_SHUTOFF, DOMAIN_REASON_SHUTDOWN, 1},
	{DOMAIN_SHUTOFF, DOMAIN_REASON_DESTROYED, 2}, {DOMAIN_SHUTOFF, DOMAIN_REASON_CRASHED, 3},
	{DOMAIN_SHUTOFF, DOMAIN_REASON_FAILED, 6},    {DOMAIN_CRASHED, DOMAIN_REASON_CRASHED, 1},
};

static void put(json_t *j, const char *key, uint64_t value)
{
	json_set_int(j, key, (int64_t)value);
}

static void add_state(json_t *j, const struct sample_domain *d, const struct domain_info *info)
{
	int number = 0;
	for (unsigned i = 0; i < ARRAY_SIZE(reason_numbers); i++)
		if (reason_numbers[i].state == d->state && reason_numbers[i].reason == d->reason)
			number = reason_numbers[i].number;
	put(j, "state.state", (uint64_t)state_number(d->state));
	put(j, "state.reason", (uint64_t)number);
}

static void add_cpu(json_t *j, const struct sample_domain *d, const struct domain_info *info)
{
	if (!d->valid)
		return;
	put(j, "cpu.time", d->cpu_ns);
	put(j, "cpu.user", d->cpu_user_ns);
	put(j, "cpu.system", d->cpu_system_ns);
}

static void add_balloon(json_t *j, const struct sample_domain *d, const struct domain_info *info)
{
	put(j, "balloon.current", d->memory_bytes >> 10);
	put(j, "balloon.maximum", info->max_memory_bytes >> 10);
	if (d->rss_bytes)
		put(j, "balloon.rss", d->rss_bytes >> 10);
}

static void add_vcpu(json_t *j, const struct sample_domain *d, const struct domain_info *info)
{
	char key[48];
	put(j, "vcpu.current", d->vcpus);
	put(j, "vcpu.maximum", info->max_vcpus);
	for (unsigned i = 0; d->valid && i < d->vcpus && i < DOMAIN_VCPUS_MAX; i++) {
		snprintf(key, sizeof(key), "vcpu.%u.state", i);
		put(j, key, 1); /* VIR_VCPU_RUNNING, as libvirt says of every online vCPU */
		snprintf(key, sizeof(key), "vcpu.%u.time", i);
		put(j, key, d->vcpu_ns[i]);
		snprintf(key, sizeof(key), "vcpu.%u.exits.sum", i);
		put(j, key, d->vcpu_exits[i]);
	}
}

static void add_block(json_t *j, const struct sample_domain *d, const struct domain_info *info)
{
	if (!d->valid)
		return;
	put(j, "block.count", d->ndisks);
	for (unsigned i = 0; i < d->ndisks; i++) {
		const struct stat_device *s = &d->disks[i];
		const struct {
			const char *key;
			uint64_t value;
		} rows[] = {
			{"rd.reqs", s->rd_ops}, {"rd.bytes", s->rd_bytes}, {"rd.times", s->rd_ns},
			{"wr.reqs", s->wr_ops}, {"wr.bytes", s->wr_bytes}, {"wr.times", s->wr_ns},
			{"fl.reqs", s->fl_ops}, {"fl.times", s->fl_ns},    {"errors", s->errors},
		};
		char key[48];
		snprintf(key, sizeof(key), "block.%u.name", i);
		json_set_str(j, key, s->name);
		for (unsigned k = 0; k < ARRAY_SIZE(rows); k++) {
			snprintf(key, sizeof(key), "block.%u.%s", i, rows[k].key);
			put(j, key, rows[k].value);
		}
	}
}

static void add_interface(json_t *j, const struct sample_domain *d, const struct domain_info *info)
{
	if (!d->valid)
		return;
	put(j, "net.count", d->nnets);
	for (unsigned i = 0; i < d->nnets; i++) {
		const struct stat_net *s = &d->nets[i];
		const struct {
			const char *key;
			uint64_t value;
		} rows[] = {
			{"rx.bytes", s->rx_bytes}, {"rx.pkts", s->rx_packets}, {"rx.errs", s->rx_errors}, {"rx.drop", s->rx_drop},
			{"tx.bytes", s->tx_bytes}, {"tx.pkts", s->tx_packets}, {"tx.errs", s->tx_errors}, {"tx.drop", s->tx_drop},
		};
		char key[48];
		snprintf(key, sizeof(key), "net.%u.name", i);
		json_set_str(j, key, s->name);
		for (unsigned k = 0; k < ARRAY_SIZE(rows); k++) {
			snprintf(key, sizeof(key), "net.%u.%s", i, rows[k].key);
			put(j, key, rows[k].value);
		}
	}
}

static const struct {
	const char *option;
	void (*add)(json_t *, const struct sample_domain *, const struct domain_info *);
} groups[] = {
	{"state", add_state}, {"cpu-total", add_cpu},       {"balloon", add_balloon},
	{"vcpu", add_vcpu},   {"interface", add_interface}, {"block", add_block},
};

static const struct {
	const char *option;
	unsigned states;
	int persistent; /* -1: either */
} choices[] = {
	{"list-active", DOMAIN_ACTIVE, -1},   {"list-inactive", DOMAIN_INACTIVE, -1},
	{"list-persistent", DOMAIN_ANY, 1},   {"list-transient", DOMAIN_ANY, 0},
	{"list-running", DOMAIN_RUNNING, -1}, {"list-paused", DOMAIN_PAUSED, -1},
	{"list-shutoff", DOMAIN_SHUTOFF, -1}, {"list-other", DOMAIN_SHUTDOWN | DOMAIN_CRASHED, -1},
};

static bool chosen(struct cmd_ctx *c, const struct domain_info *d)
{
	bool any = false;
	for (unsigned i = 0; i < ARRAY_SIZE(choices); i++) {
		if (!cmd_flag(c, choices[i].option))
			continue;
		any = true;
		if (d->state & choices[i].states &&
		    (choices[i].persistent < 0 || choices[i].persistent == d->persistent))
			return true;
	}
	return !any;
}

static json_t *domain_stats(struct cmd_ctx *c, const struct sample_domain *d, const struct domain_info *info)
{
	bool some = false;
	json_t *j = json_object();
	for (unsigned i = 0; i < ARRAY_SIZE(groups); i++)
		some |= cmd_flag(c, groups[i].option);
	for (unsigned i = 0; i < ARRAY_SIZE(groups); i++)
		if (!some || cmd_flag(c, groups[i].option))
			groups[i].add(j, d, info);
	return j;
}

static void print_text(struct cmd_ctx *c, const char *name, json_t *stats)
{
	const char *key;
	char show[4096];
	json_t *v;
	fprintf(c->out, "Domain: '%s'\n", name);
	json_object_foreach(stats, key, v)
	{
		if (json_is_string(v))
			fprintf(c->out, "  %s=%s\n", key, str_printable(json_string_value(v), show, sizeof(show)));
		else
			fprintf(c->out, "  %s=%lld\n", key, (long long)json_integer_value(v));
	}
	fputc('\n', c->out);
}

/* The domains asked for by name, or all that the options choose. *list is the caller's to free. */
static int choose(struct cmd_ctx *c, struct domain_info **list, size_t *n, struct err *e)
{
	const char *names = cmd_value(c, "domain");
	if (!names) {
		size_t all = 0, kept = 0;
		int rc = c->backend->ops->domain_list(c->backend, list, &all, e);
		for (size_t i = 0; !rc && i < all; i++)
			if (chosen(c, &(*list)[i]))
				(*list)[kept++] = (*list)[i];
		*n = kept;
		return rc;
	}
	AUTO_FREE char *copy = x_strdup(names);
	char *save = NULL;
	for (char *w = strtok_r(copy, "\n", &save); w; w = strtok_r(NULL, "\n", &save)) {
		*list = x_realloc(*list, (*n + 1) * sizeof(**list));
		int rc = c->backend->ops->domain_get(c->backend, w, &(*list)[*n], e);
		if (rc)
			return err_prefix(e, "failed to get domain '%s'", w);
		++*n;
	}
	return 0;
}

static int domain_stats_exec(struct cmd_ctx *c, struct err *e)
{
	AUTO_FREE struct domain_info *list = NULL;
	size_t n = 0;
	struct sample s = {0};
	int rc = choose(c, &list, &n, e);
	if (!rc)
		rc = c->backend->ops->sample(c->backend, &s, e);
	if (rc)
		return rc;
	AUTO_JSON json_t *all = json_array();
	for (size_t i = 0; i < n; i++) {
		const struct sample_domain *d = sample_find(&s, list[i].uuid);
		if (!d)
			continue;
		json_t *stats = domain_stats(c, d, &list[i]);
		if (!c->json)
			print_text(c, d->name, stats);
		json_t *row = json_object();
		json_set_str(row, "name", d->name);
		json_set_str(row, "uuid", d->uuid);
		json_set_take(row, "stats", stats);
		json_array_append_new(all, row);
	}
	sample_done(&s);
	if (c->json)
		cmd_json(c, TAKE_PTR(all));
	return 0;
}

const struct cmd cmd_domain_stats = {
	.name = "domain-stats",
	.alias = "domstats",
	.summary = "get statistics about one or multiple domains",
	.about = "Gets statistics about one or more (or all) domains: growing counters, in libvirt's keys "
		 "and units (times in "
		 "nanoseconds, memory in KiB). vcpu.N.exits.sum counts the exits of a vCPU to the machine.",
	.flags = CMD_JSON | CMD_QUIET,
	.args =
		(const struct cmd_arg[]){
			CMD_FLAG("state", "report domain state"),
			CMD_FLAG("cpu-total", "report domain physical cpu usage"),
			CMD_FLAG("balloon", "report domain balloon statistics"),
			CMD_FLAG("vcpu", "report domain virtual cpu information"),
			CMD_FLAG("interface", "report domain network interface information"),
			CMD_FLAG("block", "report domain block device statistics"),
			CMD_FLAG("list-active", "list only active domains"),
			CMD_FLAG("list-inactive", "list only inactive domains"),
			CMD_FLAG("list-persistent", "list only persistent domains"),
			CMD_FLAG("list-transient", "list only transient domains"),
			CMD_FLAG("list-running", "list only running domains"),
			CMD_FLAG("list-paused", "list only paused domains"),
			CMD_FLAG("list-shutoff", "list only shutoff domains"),
			CMD_FLAG("list-other", "list only domains in other states"),
			CMD_FLAG("raw", "do not pretty-print the fields (they never are)"),
			CMD_FLAG("nowait", "report only stats that are accessible instantly (all are)"),
			{.name = "domain", .kind = ARG_STRING, .position = true,
			 .summary = "list of domains to get stats for", .rest = true},
			{0},
		},
	.lacks = "perf iothread memory dirtyrate vm enforce backing",
	.exec = domain_stats_exec,
};
