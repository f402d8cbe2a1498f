#include "ui/tui/columns.h"

#include <stdio.h>
#include <string.h>

#include "src/base/cleanup.h"

char *rate_text(struct rate r, bool bytes, char out[FMT_MAX])
{
	if (r.quality == STAT_NODATA)
		strcpy(out, "-");
	else if (r.quality == STAT_INIT)
		strcpy(out, "…");
	else if (bytes)
		fmt_bytes_short((uint64_t)r.value, out);
	else if (r.value >= 9999.5)
		snprintf(out, FMT_MAX, "%.0fk", r.value / 1000);
	else
		snprintf(out, FMT_MAX, r.value >= 99.95 ? "%.0f" : "%.1f", r.value);
	if (r.quality == STAT_STALE)
		strcat(out, "?");
	return out;
}

static void id_text(const struct figure *g, const struct snapshot *s, char *out, size_t n, enum role *role)
{
	if (g->d->id >= 0)
		snprintf(out, n, "%d", g->d->id);
	else
		snprintf(out, n, "-");
}

static void name_text(const struct figure *g, const struct snapshot *s, char *out, size_t n, enum role *role)
{
	snprintf(out, n, "%s", g->d->name);
	*role = (g->d->state & DOMAIN_ACTIVE) ? ROLE_STRONG : ROLE_NORMAL;
}

static void state_text(const struct figure *g, const struct snapshot *s, char *out, size_t n, enum role *role)
{
	snprintf(out, n, "%s", domain_state_text(g->d->state));
	*role = state_role(g->d->state);
}

static void vcpus_text(const struct figure *g, const struct snapshot *s, char *out, size_t n, enum role *role)
{
	snprintf(out, n, "%u", g->d->vcpus);
}

static void put_rate(struct rate r, bool bytes, char *out, size_t n, enum role *role)
{
	char text[FMT_MAX];
	snprintf(out, n, "%s", rate_text(r, bytes, text));
	if (r.quality != STAT_DATA)
		*role = ROLE_DIM;
}

static void cpu_text(const struct figure *g, const struct snapshot *s, char *out, size_t n, enum role *role)
{
	put_rate(g->rates.cpu, false, out, n, role);
	if (g->rates.cpu.quality == STAT_DATA && g->rates.cpu.value >= 90.0 * g->d->vcpus)
		*role = ROLE_METER_HIGH;
}

static void memory_text(const struct figure *g, const struct snapshot *s, char *out, size_t n,
			enum role *role)
{
	char text[FMT_MAX];
	snprintf(out, n, "%s", fmt_bytes_short(g->d->memory_bytes, text));
}

static void resident_text(const struct figure *g, const struct snapshot *s, char *out, size_t n,
			  enum role *role)
{
	char text[FMT_MAX];
	snprintf(out, n, "%s", g->d->rss_bytes ? fmt_bytes_short(g->d->rss_bytes, text) : "-");
}

static int64_t uptime_s(const struct figure *g, const struct snapshot *s)
{
	if (!(g->d->state & DOMAIN_ACTIVE) || !g->d->started_ms)
		return -1;
	int64_t ms = s->now.wall_ms - g->d->started_ms;
	return ms > 0 ? ms / 1000 : 0;
}

static void uptime_text(const struct figure *g, const struct snapshot *s, char *out, size_t n,
			enum role *role)
{
	char text[FMT_MAX];
	int64_t t = uptime_s(g, s);
	snprintf(out, n, "%s", t < 0 ? "-" : fmt_duration((uint64_t)t, text));
}

static void read_text(const struct figure *g, const struct snapshot *s, char *out, size_t n, enum role *role)
{
	put_rate(g->rates.rd_bytes, true, out, n, role);
}

static void write_text(const struct figure *g, const struct snapshot *s, char *out, size_t n, enum role *role)
{
	put_rate(g->rates.wr_bytes, true, out, n, role);
}

static void rx_text(const struct figure *g, const struct snapshot *s, char *out, size_t n, enum role *role)
{
	put_rate(g->rates.rx_bytes, true, out, n, role);
}

static void tx_text(const struct figure *g, const struct snapshot *s, char *out, size_t n, enum role *role)
{
	put_rate(g->rates.tx_bytes, true, out, n, role);
}

static void screen_text(const struct figure *g, const struct snapshot *s, char *out, size_t n,
			enum role *role)
{
	if (g->d->vnc_port)
		snprintf(out, n, ":%d", g->d->vnc_port - 5900);
	else
		snprintf(out, n, "-");
}

static void exits_text(const struct figure *g, const struct snapshot *s, char *out, size_t n, enum role *role)
{
	put_rate(g->rates.exits, false, out, n, role);
}

static void title_text(const struct figure *g, const struct snapshot *s, char *out, size_t n, enum role *role)
{
	snprintf(out, n, "%s", *g->d->detail && !(g->d->state & DOMAIN_ACTIVE) ? g->d->detail : g->d->title);
	*role = ROLE_DIM;
}

static int sign(double v)
{
	return (v > 0) - (v < 0);
}

static double known(struct rate r)
{
	return r.quality == STAT_DATA || r.quality == STAT_STALE ? r.value : r.quality == STAT_INIT ? -1 : -2;
}

static int by_id(const struct figure *a, const struct figure *b)
{
	unsigned x = (unsigned)a->d->id, y = (unsigned)b->d->id; /* -1: behind all */
	return (x > y) - (x < y);
}

static int by_name(const struct figure *a, const struct figure *b)
{
	return strcmp(a->d->name, b->d->name);
}

static int by_state(const struct figure *a, const struct figure *b)
{
	static const int order[] = {DOMAIN_CRASHED, DOMAIN_RUNNING, DOMAIN_SHUTDOWN, DOMAIN_PAUSED,
				    DOMAIN_SHUTOFF};
	int x = 0, y = 0;
	for (int i = 0; i < (int)ARRAY_SIZE(order); i++) {
		x = (int)a->d->state == order[i] ? i : x;
		y = (int)b->d->state == order[i] ? i : y;
	}
	return x - y;
}

static int by_vcpus(const struct figure *a, const struct figure *b)
{
	return sign((double)a->d->vcpus - b->d->vcpus);
}

static int by_cpu(const struct figure *a, const struct figure *b)
{
	return sign(known(a->rates.cpu) - known(b->rates.cpu));
}

static int by_memory(const struct figure *a, const struct figure *b)
{
	return sign((double)a->d->memory_bytes - (double)b->d->memory_bytes);
}

static int by_resident(const struct figure *a, const struct figure *b)
{
	return sign((double)a->d->rss_bytes - (double)b->d->rss_bytes);
}

static int by_uptime(const struct figure *a, const struct figure *b)
{
	int64_t x = a->d->started_ms ? a->d->started_ms : INT64_MAX,
		y = b->d->started_ms ? b->d->started_ms : INT64_MAX;
	return (x < y) - (x > y);
}

static int by_read(const struct figure *a, const struct figure *b)
{
	return sign(known(a->rates.rd_bytes) - known(b->rates.rd_bytes));
}

static int by_write(const struct figure *a, const struct figure *b)
{
	return sign(known(a->rates.wr_bytes) - known(b->rates.wr_bytes));
}

static int by_rx(const struct figure *a, const struct figure *b)
{
	return sign(known(a->rates.rx_bytes) - known(b->rates.rx_bytes));
}

static int by_tx(const struct figure *a, const struct figure *b)
{
	return sign(known(a->rates.tx_bytes) - known(b->rates.tx_bytes));
}

static int by_screen(const struct figure *a, const struct figure *b)
{
	unsigned x = (unsigned)a->d->vnc_port - 1, y = (unsigned)b->d->vnc_port - 1; /* none: behind all */
	return (x > y) - (x < y);
}

static int by_exits(const struct figure *a, const struct figure *b)
{
	return sign(known(a->rates.exits) - known(b->rates.exits));
}

static int by_title(const struct figure *a, const struct figure *b)
{
	return strcmp(a->d->title, b->d->title);
}

const struct column_kind columns[] = {
    [COL_ID] = {"ID", 4, true, 5, false, id_text, by_id},
    [COL_NAME] = {"NAME", 16, false, 0, false, name_text, by_name},
    [COL_STATE] = {"STATE", 11, false, 1, false, state_text, by_state},
    [COL_VCPUS] = {"VCPU", 4, true, 6, true, vcpus_text, by_vcpus},
    [COL_CPU] = {"%CPU", 6, true, 2, true, cpu_text, by_cpu},
    [COL_GRAPH] = {"LAST 20 S", 20, false, 13, true, NULL, by_cpu},
    [COL_MEMORY] = {"MEMORY", 6, true, 3, true, memory_text, by_memory},
    [COL_RESIDENT] = {"IN USE", 6, true, 14, true, resident_text, by_resident},
    [COL_UPTIME] = {"UPTIME", 7, true, 4, true, uptime_text, by_uptime},
    [COL_READ] = {"READ/S", 6, true, 7, true, read_text, by_read},
    [COL_WRITE] = {"WRITE/S", 7, true, 8, true, write_text, by_write},
    [COL_RX] = {"RX/S", 6, true, 10, true, rx_text, by_rx},
    [COL_TX] = {"TX/S", 6, true, 11, true, tx_text, by_tx},
    [COL_SCREEN] = {"VNC", 4, true, 9, false, screen_text, by_screen},
    [COL_EXITS] = {"EXITS/S", 7, true, 12, true, exits_text, by_exits},
    [COL_TITLE] = {"TITLE", 16, false, 15, false, title_text, by_title},
};
_Static_assert(ARRAY_SIZE(columns) == COL_COUNT, "a row for every column");
