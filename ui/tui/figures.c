#include "ui/tui/figures.h"

#include <stdlib.h>
#include <string.h>

#include "src/base/str.h"

#define SAME_NS 500000000ll

struct history {
	char uuid[UUID_TEXT];
	float cpu[HISTORY_LEN];
	size_t n;
	int64_t started_ms; /* of the run that the values belong to */
	int64_t fresh_ns;   /* when its counters were last read */
	struct domain_rates last;
	enum domain_state state; /* when it was last looked at */
};

struct figures {
	struct snapshot snap;
	struct sample prev;
	bool have_prev, have_now;
	struct history *histories; /* sorted by uuid */
	size_t nhistories;
};

struct figures *figures_new(void)
{
	return x_calloc(1, sizeof(struct figures));
}

void figures_free(struct figures *f)
{
	if (!f)
		return;
	if (f->have_now)
		sample_done(&f->snap.now);
	if (f->have_prev)
		sample_done(&f->prev);
	free(f->snap.figures);
	free(f->histories);
	free(f);
}

const struct snapshot *figures_now(const struct figures *f)
{
	return &f->snap;
}

static int history_cmp(const void *a, const void *b)
{
	return strcmp(((const struct history *)a)->uuid, ((const struct history *)b)->uuid);
}

static struct history *history_find(struct figures *f, const char *uuid)
{
	struct history key = {0};
	memcpy(key.uuid, uuid, UUID_TEXT);
	return f->nhistories ? bsearch(&key, f->histories, f->nhistories, sizeof(key), history_cmp) : NULL;
}

/* One history for each domain of the new sample: known ones are kept, those of domains that are gone are
 * dropped. */
static void histories_match(struct figures *f)
{
	const struct sample *s = &f->snap.now;
	struct history *all = x_calloc(s->ndomains + 1, sizeof(*all));
	for (size_t i = 0; i < s->ndomains; i++) {
		struct history *old = history_find(f, s->domains[i].uuid);
		if (old && old->started_ms == s->domains[i].started_ms)
			all[i] = *old;
		all[i].state = old ? old->state : 0;
		memcpy(all[i].uuid, s->domains[i].uuid, UUID_TEXT);
		all[i].started_ms = s->domains[i].started_ms;
	}
	qsort(all, s->ndomains, sizeof(*all), history_cmp);
	free(f->histories);
	f->histories = all;
	f->nhistories = s->ndomains;
}

static void push(float *values, size_t *n, float v)
{
	if (*n == HISTORY_LEN) {
		memmove(values, values + 1, (HISTORY_LEN - 1) * sizeof(*values));
		(*n)--;
	}
	values[(*n)++] = v;
}

/* The rate of one counter, worth as much as the rate @like of the same domain. */
static struct rate counter_rate(struct rate like, uint64_t before, uint64_t now, int64_t interval_ns,
				double scale)
{
	struct rate r = {like.quality, 0};
	if (like.quality != STAT_DATA)
		return r;
	if (now < before || interval_ns <= 0)
		r.quality = STAT_INIT;
	else
		r.value = (double)(now - before) * scale / (double)interval_ns;
	return r;
}

static void parts(struct figure *g, const struct sample_domain *was, int64_t ns)
{
	struct rate cpu = g->rates.cpu;
	const struct sample_domain *d = g->d;
	if (!was && cpu.quality == STAT_DATA)
		cpu.quality = STAT_INIT;
	for (unsigned i = 0; i < DOMAIN_VCPUS_MAX && i < d->vcpus; i++) {
		g->vcpu[i] = counter_rate(cpu, was ? was->vcpu_ns[i] : 0, d->vcpu_ns[i], ns, 100);
		g->vcpu_exits[i] = counter_rate(cpu, was ? was->vcpu_exits[i] : 0, d->vcpu_exits[i], ns, 1e9);
	}
	for (unsigned i = 0; i < d->ndisks && i < 8; i++) {
		static const struct stat_device none;
		const struct stat_device *b = was && i < was->ndisks ? &was->disks[i] : &none,
					 *a = &d->disks[i];
		struct rate like = was && i < was->ndisks ? cpu : (struct rate){STAT_INIT, 0};
		g->disks[i].rd_ops = counter_rate(like, b->rd_ops, a->rd_ops, ns, 1e9);
		g->disks[i].wr_ops = counter_rate(like, b->wr_ops, a->wr_ops, ns, 1e9);
		g->disks[i].rd_bytes = counter_rate(like, b->rd_bytes, a->rd_bytes, ns, 1e9);
		g->disks[i].wr_bytes = counter_rate(like, b->wr_bytes, a->wr_bytes, ns, 1e9);
	}
	for (unsigned i = 0; i < d->nnets && i < DOMAIN_INTERFACES_MAX; i++) {
		static const struct stat_net none;
		bool had = was && i < was->nnets;
		const struct stat_net *b = had ? &was->nets[i] : &none, *a = &d->nets[i];
		struct rate like = had ? cpu : (struct rate){STAT_INIT, 0};
		g->nets[i].rx_bytes = counter_rate(like, b->rx_bytes, a->rx_bytes, ns, 1e9);
		g->nets[i].rx_packets = counter_rate(like, b->rx_packets, a->rx_packets, ns, 1e9);
		g->nets[i].tx_bytes = counter_rate(like, b->tx_bytes, a->tx_bytes, ns, 1e9);
		g->nets[i].tx_packets = counter_rate(like, b->tx_packets, a->tx_packets, ns, 1e9);
	}
}

static void old_rate(struct rate *r, struct rate last)
{
	r->value = last.value;
	r->quality = last.quality == STAT_DATA ? STAT_STALE : STAT_INIT;
}

static void figure_fill(struct figures *f, size_t i, bool again)
{
	const struct sample *now = &f->snap.now, *prev = f->have_prev ? &f->prev : NULL;
	const struct sample_domain *d = &now->domains[i];
	struct figure *g = &f->snap.figures[i];
	struct history *h = history_find(f, d->uuid);
	g->d = d;
	g->was = h->state;
	h->state = d->state;
	g->rates = domain_rates(prev, now, d->uuid);
	if (!(d->state & DOMAIN_ACTIVE)) {
		static const struct rate none = {STAT_NODATA, 0};
		g->rates = (struct domain_rates){none, none, none, none, none, none, none, none};
	} else if (!d->valid) {
		struct domain_rates *r = &g->rates, *l = &h->last;
		old_rate(&r->cpu, l->cpu);
		old_rate(&r->rd_bytes, l->rd_bytes);
		old_rate(&r->wr_bytes, l->wr_bytes);
		old_rate(&r->rd_ops, l->rd_ops);
		old_rate(&r->wr_ops, l->wr_ops);
		old_rate(&r->rx_bytes, l->rx_bytes);
		old_rate(&r->tx_bytes, l->tx_bytes);
		old_rate(&r->exits, l->exits);
		g->stale_s = h->fresh_ns ? (unsigned)((now->time_ns - h->fresh_ns) / 1000000000) : 0;
	} else {
		h->fresh_ns = now->time_ns;
		if (g->rates.cpu.quality == STAT_DATA)
			h->last = g->rates;
	}
	parts(g, prev ? sample_find(prev, d->uuid) : NULL, prev ? now->time_ns - prev->time_ns : 0);
	if (!again && d->state & DOMAIN_ACTIVE)
		push(h->cpu, &h->n, g->rates.cpu.quality == STAT_DATA ? (float)g->rates.cpu.value : -1);
	g->history = h->cpu;
	g->nhistory = h->n;
}

static void build(struct figures *f, bool again)
{
	struct snapshot *s = &f->snap;
	histories_match(f);
	free(s->figures);
	s->n = s->now.ndomains;
	s->figures = x_calloc(s->n + 1, sizeof(*s->figures));
	s->running = s->paused = s->crashed = 0;
	s->host = host_rates(f->have_prev ? &f->prev : NULL, &s->now);
	for (size_t i = 0; i < s->n; i++) {
		enum domain_state st = s->now.domains[i].state;
		s->running += st == DOMAIN_RUNNING || st == DOMAIN_SHUTDOWN;
		s->paused += st == DOMAIN_PAUSED;
		s->crashed += st == DOMAIN_CRASHED;
		figure_fill(f, i, again);
	}
	if (!again)
		push(s->host_history, &s->nhost_history,
		     s->host.cpu.quality == STAT_DATA ? (float)s->host.cpu.value : -1);
}

void figures_update(struct figures *f, struct backend *b)
{
	struct sample fresh = {0};
	struct err e = {0};
	if (b->ops->sample(b, &fresh, &e)) {
		f->snap.stale = true;
		str_printable(e.msg, f->snap.error, sizeof(f->snap.error));
		return;
	}
	f->snap.stale = false;
	f->snap.error[0] = 0;
	/* A sample right behind another, because a job has ended, is compared with the one before that. */
	bool again = f->have_now && f->have_prev && fresh.time_ns - f->snap.now.time_ns < SAME_NS;
	if (again) {
		sample_done(&f->snap.now);
	} else if (f->have_now) {
		if (f->have_prev)
			sample_done(&f->prev);
		f->prev = f->snap.now;
		f->have_prev = true;
	}
	f->snap.now = fresh;
	f->have_now = true;
	build(f, again);
}

const struct figure *snapshot_find(const struct snapshot *s, const char *uuid)
{
	for (size_t i = 0; i < s->n; i++)
		if (!strcmp(s->figures[i].d->uuid, uuid))
			return &s->figures[i];
	return NULL;
}
