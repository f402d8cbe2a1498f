/* What surrounds the pages: the header with the host's figures, the message line, the key bar. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "src/base/cleanup.h"
#include "src/base/fmt.h"
#include "ui/tui/job.h"
#include "ui/tui/keys.h"

#define MESSAGE_MS 8000
#define ERROR_MS 30000
#define BAR_GAP 2 /* columns between two keys of the bar */

enum role state_role(enum domain_state s)
{
	switch (s) {
	case DOMAIN_RUNNING:
		return ROLE_RUNNING;
	case DOMAIN_PAUSED:
	case DOMAIN_SHUTDOWN:
		return ROLE_PAUSED;
	case DOMAIN_CRASHED:
		return ROLE_CRASHED;
	default:
		return ROLE_DIM;
	}
}

int header_rows(const struct deck *d)
{
	return d->rows >= 12 ? 3 : 1;
}

static void draw_top(struct deck *d, const struct area *a)
{
	const struct snapshot *s = deck_snapshot(d);
	char clock[16] = "";
	time_t t = (time_t)(s->now.wall_ms / 1000);
	struct tm tm;
	if (s->now.wall_ms)
		strftime(clock, sizeof(clock), "%H:%M:%S", localtime_r(&t, &tm));
	area_fill(a, 0, 0, 1, a->cols, theme(ROLE_TOP));
	int n = 1 + area_text(a, 0, 1, -1, theme(ROLE_BRAND), "vmdeck");
	n += area_printf(a, 0, n, theme(ROLE_TOP), "  %s", s->now.hostname);
	char right[128], jobs[32] = "", load[48] = "";
	if (jobs_count(d->jobs))
		snprintf(jobs, sizeof(jobs), "%u job%s  ", jobs_count(d->jobs),
			 jobs_count(d->jobs) == 1 ? "" : "s");
	if (a->cols >= 60)
		snprintf(load, sizeof(load), "load %.2f %.2f %.2f  ", s->now.load[0], s->now.load[1],
			 s->now.load[2]);
	snprintf(right, sizeof(right), "%s%s%s ", jobs, load, s->stale ? "no new figures" : clock);
	int w = text_width(right);
	if (n + w < a->cols)
		area_text(a, 0, a->cols - w, -1, theme(ROLE_TOP), right);
}

static int meter(const struct area *a, int col, int width, const char *label, double part, const char *text)
{
	bool high = part >= 0.9;
	area_text(a, 1, col, -1, theme(ROLE_DIM), label);
	int at = col + text_width(label) + 1;
	area_bar(a, 1, at, width, part, theme(high ? ROLE_METER_HIGH : ROLE_METER), theme(ROLE_METER_REST));
	return at + width + 1 +
	       area_text(a, 1, at + width + 1, -1, theme(high ? ROLE_METER_HIGH : ROLE_NORMAL), text);
}

/* What is not whole is left out: "of 90" for "of 900" would be a lie. */
static void draw_counts(const struct snapshot *s, const struct area *a, int col)
{
	const struct {
		unsigned n;
		enum role role;
		const char *before, *after;
	} counts[] = {{s->crashed, ROLE_CRASHED, "", " crashed"},
		      {s->running, ROLE_RUNNING, "", " running"},
		      {s->paused, ROLE_PAUSED, "", " paused"},
		      {(unsigned)s->n, ROLE_DIM, "of ", ""}};
	char text[ARRAY_SIZE(counts)][24];
	int width = 0, gap = 2;
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		text[i][0] = 0;
		if (counts[i].n || counts[i].role == ROLE_DIM)
			width += snprintf(text[i], sizeof(text[i]), "%s%u%s", counts[i].before, counts[i].n,
					  counts[i].after) +
				 gap;
	}
	if (col + width - gap > a->cols)
		gap = 1;
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
		if (*text[i] && col + (int)strlen(text[i]) <= a->cols)
			col += area_text(a, 1, col, -1, theme(counts[i].role), text[i]) + gap;
}

void draw_header(struct deck *d, const struct area *a)
{
	const struct snapshot *s = deck_snapshot(d);
	draw_top(d, a);
	if (a->rows < 3)
		return;
	char cpu[32] = "…", mem[80], used[FMT_MAX], total[FMT_MAX];
	bool known = s->host.cpu.quality == STAT_DATA, wide = a->cols >= 110;
	int bar = a->cols >= 140 ? 16 : wide ? 10 : a->cols >= 80 ? 6 : 5;
	if (known)
		snprintf(cpu, sizeof(cpu), wide ? "%.0f%% of %u" : "%.0f%%", s->host.cpu.value,
			 s->now.host_cpus);
	uint64_t in_use = s->now.host_mem_bytes - s->now.host_mem_free_bytes;
	snprintf(mem, sizeof(mem), wide ? "%s of %s" : "%s/%s", fmt_bytes_short(in_use, used),
		 fmt_bytes_short(s->now.host_mem_bytes, total));
	meter(a, 1, bar, "CPU", known ? s->host.cpu.value / 100 : 0, cpu);
	int at = bar + (wide ? 18 : 12); /* what follows does not jump with the digits */
	if (wide) {
		float values[HISTORY_LEN];
		for (size_t i = 0; i < s->nhost_history; i++)
			values[i] = s->host_history[i] < 0 ? -1 : s->host_history[i] / 100;
		area_spark(a, 1, at, 20, values, s->nhost_history, theme(ROLE_METER));
		at += 22;
	}
	double part = s->now.host_mem_bytes ? (double)in_use / (double)s->now.host_mem_bytes : 0;
	draw_counts(s, a, meter(a, at, bar, wide ? "Memory" : "Mem", part, mem) + 2);
}

/* The latest message while it matters; NULL. */
static const struct message *current(const struct deck *d)
{
	const struct message *m = d->nmessages ? &d->messages[d->nmessages - 1] : NULL;
	int64_t life = m && (m->role == ROLE_ERROR || m->role == ROLE_WARNING) ? ERROR_MS : MESSAGE_MS;
	return m && !d->message_seen && d->now_ms - m->at_ms < life ? m : NULL;
}

/* A long one takes as many lines as it needs, from the page above, but not more than half of it. */
static void draw_long(const struct area *a, const struct message *m)
{
	int width = a->cols - 2, lines = text_wrap(NULL, 0, 1, width, theme(m->role), m->text);
	if (lines > a->rows / 2)
		lines = a->rows / 2 > 1 ? a->rows / 2 : 1;
	struct area box = area_sub(a, a->rows - lines, 0, lines, a->cols);
	area_fill(&box, 0, 0, lines, a->cols, theme(ROLE_NORMAL));
	text_wrap(&box, 0, 1, width, theme(m->role), m->text);
}

void draw_message(struct deck *d, const struct area *a)
{
	const struct message *m = current(d);
	struct area line = area_sub(a, a->rows - 1, 0, 1, a->cols);
	unsigned seconds = 0;
	const char *doing = jobs_doing(d->jobs, &seconds);
	if (m) {
		draw_long(a, m);
	} else if (doing) {
		area_printf(&line, 0, 1, theme(ROLE_WARNING), "%s … %u s", doing, seconds);
	} else if (d->rows < 24 || d->cols < 80) {
		AUTO_FREE char *text = x_asprintf("%dx%d: 80x24 and more shows all", d->cols, d->rows);
		area_field(&line, 0, 1, a->cols - 2, false, theme(ROLE_DIM), text);
	} else if (d->unread) {
		area_printf(&line, 0, 1, theme(ROLE_DIM), "%zu error%s: m shows %s", d->unread,
			    d->unread == 1 ? "" : "s", d->unread == 1 ? "it" : "them");
	}
}

void area_title(const struct area *a, const char *title)
{
	for (int i = 0; i < a->cols; i++)
		area_text(a, 0, i, 1, theme(ROLE_FRAME), "─");
	area_printf(a, 0, 2, theme(ROLE_STRONG), " %s ", title);
}

bool draw_message_due(const struct deck *d)
{
	return current(d) != NULL;
}

void draw_message_over(struct deck *d, const struct area *a)
{
	const struct message *m = current(d);
	if (m)
		draw_long(a, m);
}

/* The first of a binding's keys, as keyboards have it written on them. */
static void key_label(const struct binding *b, char *out, size_t size)
{
	static const struct {
		char letter;
		const char *name;
	} mods[] = {{'C', "Ctrl"}, {'M', "Alt"}, {'S', "Shift"}};
	const char *key = b->keys;
	size_t n = 0, len = strcspn(key, " ");
	for (size_t i = 0; i < ARRAY_SIZE(mods); i++)
		if (len > 2 && key[0] == mods[i].letter && key[1] == '-') {
			n += (size_t)snprintf(out + n, size - n, "%s+", mods[i].name);
			key += 2;
			len -= 2;
		}
	snprintf(out + n, size - n, "%.*s", (int)len, key);
}

/* What the bar would have to show all of it: from each row of the table that applies, its width. */
static int collect_keys(struct deck *d)
{
	struct view *v = deck_top(d);
	enum scope scope = v->ops->scope(v);
	int width = 0;
	d->nbar = 0;
	for (const struct binding *b = bindings; b->keys; b++) {
		char key[KEY_NAME_MAX];
		if (!b->label || !(b->scopes & scope) || !binding_applies(d, b))
			continue;
		key_label(b, key, sizeof(key));
		int w = text_width(key) + 1 + text_width(b->label);
		width += w + (d->nbar ? BAR_GAP : 0);
		d->bar = x_realloc(d->bar, (d->nbar + 1) * sizeof(*d->bar));
		d->bar[d->nbar++] = (struct bar_item){0, w, b};
	}
	return width;
}

/* Leave out what matters least of what there is. Return: the width that it had. */
static int drop_key(struct deck *d)
{
	size_t least = d->nbar - 1, rank = 0;
	for (size_t i = 0; i < d->nbar; i++)
		for (size_t k = rank; bar_order[k]; k++)
			if (str_eq(bar_order[k], d->bar[i].binding->label)) {
				least = i;
				rank = k + 1;
			}
	int width = d->bar[least].to + BAR_GAP;
	d->nbar--;
	memmove(d->bar + least, d->bar + least + 1, (d->nbar - least) * sizeof(*d->bar));
	return width;
}

void draw_keys(struct deck *d, const struct area *a)
{
	int at = 1, width = collect_keys(d);
	while (d->nbar && at + width >= a->cols)
		width -= drop_key(d);
	for (size_t i = 0; i < d->nbar; i++) {
		struct bar_item *item = &d->bar[i];
		char key[KEY_NAME_MAX];
		key_label(item->binding, key, sizeof(key));
		item->to += at;
		item->from = at;
		at += area_text(a, 0, at, -1, theme(ROLE_KEY), key) + 1;
		at += area_text(a, 0, at, -1, theme(ROLE_LABEL), item->binding->label) + BAR_GAP;
	}
}
