#include "src/model/stats.h"

#include <stdlib.h>
#include <string.h>

#include "src/base/cleanup.h"

void sample_done(struct sample *s)
{
	free(s->domains);
	*s = (struct sample){0};
}

const struct sample_domain *sample_find(const struct sample *s, const char *uuid)
{
	for (size_t i = 0; s && i < s->ndomains; i++)
		if (!strcmp(s->domains[i].uuid, uuid))
			return &s->domains[i];
	return NULL;
}

/* Growth of a counter per second of @ns, times @scale. */
static struct rate rate_of(uint64_t before, uint64_t after, int64_t ns, double scale)
{
	if (ns <= 0 || after < before)
		return (struct rate){STAT_INIT, 0};
	return (struct rate){STAT_DATA, (double)(after - before) * 1e9 / (double)ns * scale};
}

/* All disks of a domain together; one that was plugged out must not look like a counter that went backwards,
 * so a different set of disks has no rate until the next sample. */
static struct stat_device all_disks(const struct sample_domain *d)
{
	struct stat_device sum = {0};
	for (unsigned i = 0; i < d->ndisks && i < ARRAY_SIZE(d->disks); i++) {
		sum.rd_ops += d->disks[i].rd_ops;
		sum.wr_ops += d->disks[i].wr_ops;
		sum.rd_bytes += d->disks[i].rd_bytes;
		sum.wr_bytes += d->disks[i].wr_bytes;
	}
	return sum;
}

/* The same for all network cards. */
static struct stat_net all_nets(const struct sample_domain *d)
{
	struct stat_net sum = {0};
	for (unsigned i = 0; i < d->nnets && i < ARRAY_SIZE(d->nets); i++) {
		sum.rx_bytes += d->nets[i].rx_bytes;
		sum.tx_bytes += d->nets[i].tx_bytes;
	}
	return sum;
}

static struct domain_rates all_of(enum stat_quality q)
{
	struct rate r = {q, 0};
	return (struct domain_rates){
	    .cpu = r, .rd_bytes = r, .wr_bytes = r, .rd_ops = r, .wr_ops = r, .rx_bytes = r, .tx_bytes = r, .exits = r};
}

struct domain_rates domain_rates(const struct sample *prev, const struct sample *now, const char *uuid)
{
	const struct sample_domain *b = sample_find(now, uuid), *a = sample_find(prev, uuid);
	if (!b || !(b->state & DOMAIN_ACTIVE))
		return all_of(STAT_NODATA);
	if (!b->valid)
		return all_of(a && a->valid && a->started_ms == b->started_ms ? STAT_STALE : STAT_NODATA);
	if (!a || !a->valid || a->started_ms != b->started_ms || a->id != b->id)
		return all_of(STAT_INIT);
	int64_t ns = now->time_ns - prev->time_ns;
	struct stat_device was = all_disks(a), is = all_disks(b);
	struct stat_net net_was = all_nets(a), net_is = all_nets(b);
	struct domain_rates r = {
	    .cpu = rate_of(a->cpu_ns, b->cpu_ns, ns, 100 / 1e9),
	    .rd_bytes = rate_of(was.rd_bytes, is.rd_bytes, ns, 1),
	    .wr_bytes = rate_of(was.wr_bytes, is.wr_bytes, ns, 1),
	    .rd_ops = rate_of(was.rd_ops, is.rd_ops, ns, 1),
	    .wr_ops = rate_of(was.wr_ops, is.wr_ops, ns, 1),
	    .rx_bytes = rate_of(net_was.rx_bytes, net_is.rx_bytes, ns, 1),
	    .tx_bytes = rate_of(net_was.tx_bytes, net_is.tx_bytes, ns, 1),
	    .exits = rate_of(a->exits, b->exits, ns, 1),
	};
	if (a->ndisks != b->ndisks)
		r.rd_bytes = r.wr_bytes = r.rd_ops = r.wr_ops = (struct rate){STAT_INIT, 0};
	if (a->nnets != b->nnets)
		r.rx_bytes = r.tx_bytes = (struct rate){STAT_INIT, 0};
	return r;
}

struct host_rates host_rates(const struct sample *prev, const struct sample *now)
{
	if (!now->host_total_ns)
		return (struct host_rates){{STAT_NODATA, 0}};
	if (!prev || now->host_total_ns <= prev->host_total_ns || now->host_busy_ns < prev->host_busy_ns)
		return (struct host_rates){{STAT_INIT, 0}};
	double busy = (double)(now->host_busy_ns - prev->host_busy_ns);
	double share = 100 * busy / (double)(now->host_total_ns - prev->host_total_ns);
	return (struct host_rates){{STAT_DATA, share > 100 ? 100 : share}};
}
