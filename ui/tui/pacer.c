#include "ui/tui/pacer.h"

#define AT_FIRST (32u << 10) /* nothing is known of the line */
#define LEAST (2u << 10)
#define MOST (4u << 20)
#define ON_THE_WAY_MS 200 /* what a picture may take to arrive */
#define SLOW (128u << 10) /* a picture of cells fits, one of pixels comes in parts */
#define FAST (512u << 10)
#define TELLING (8u << 10) /* so much tells of what kind the line is */
#define SILENCE_MS 2000    /* without an answer */
#define PROBE_MS 1000
#define SLOW_MS 30000 /* from one that has answered before */
#define SILENT_MAX 3  /* it will never answer */

size_t pacer_budget(const struct pacer *p)
{
	return p->budget ? p->budget : AT_FIRST;
}

bool pacer_probe(struct pacer *p, int64_t now_ms)
{
	if (p->probed)
		return false;
	p->probed = p->waiting = true;
	p->sent = 0;
	p->sent_ms = now_ms;
	return true;
}

bool pacer_ready(struct pacer *p, int64_t now_ms, unsigned *wait_ms)
{
	int64_t patience = p->answers ? SLOW_MS
			   : p->sent  ? SILENCE_MS
				      : PROBE_MS,
		since = now_ms - p->sent_ms;
	*wait_ms = 0;
	if (!p->waiting)
		return true;
	if (since >= patience) {
		p->waiting = false;
		p->silent++;
		return true;
	}
	*wait_ms = (unsigned)(patience - since);
	return false;
}

bool pacer_sent(struct pacer *p, size_t n, int64_t now_ms)
{
	if (!n || p->silent >= SILENT_MAX)
		return false;
	p->waiting = true;
	p->sent = n;
	p->sent_ms = now_ms;
	return true;
}

void pacer_answered(struct pacer *p, int64_t now_ms)
{
	if (!p->waiting) /* too late, or to another's question */
		return;
	int64_t took = now_ms - p->sent_ms;
	p->idle_ms = !p->sent || took < p->idle_ms ? took : p->idle_ms;
	int64_t moving = took - p->idle_ms;
	size_t now = pacer_budget(p),
	       next = moving > 0 ? p->sent * ON_THE_WAY_MS / (size_t)moving : (size_t)MOST;
	p->waiting = false;
	p->silent = 0;
	p->answers = true;
	if (!p->sent)
		return;
	if (p->sent >= TELLING)
		p->slow = next < (p->slow ? FAST : SLOW);
	if (next > now && p->sent < now / 2) /* a small one does not tell how much more there could be */
		return;
	if (next < now && moving < ON_THE_WAY_MS / 4) /* nor a quick one that there should be less */
		return;
	next = next > 2 * now ? 2 * now : next;
	p->budget = next < LEAST ? LEAST : next > MOST ? MOST : next;
}

bool pacer_fast(const struct pacer *p)
{
	return !p->slow;
}
