#include "ui/tui/why.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/cleanup.h"
#include "src/base/str.h"
#include "src/cmd/diagnose.h"

#define LEAST_MS 500      /* between two looks */
#define PATIENCE_MS 20000 /* until one that did not answer is asked again */

void why_look(struct why *w, struct deck *d, const struct figure *g, const struct domain *def)
{
	bool active = g && g->d->state & DOMAIN_ACTIVE, stale = active && g->rates.cpu.quality == STAT_STALE;
	int64_t wait = w->facts.unanswered ? PATIENCE_MS : LEAST_MS;
	if (!g) {
		why_done(w);
		return;
	}
	if (def && !def->kernel && !*w->boots) {
		AUTO_FREE char *boots = domain_boot_text(def, false);
		snprintf(w->boots, sizeof(w->boots), "%s", boots);
	}
	if (!active) {
		diagnosis_facts_done(&w->facts);
		w->facts = (struct diagnosis_facts){0};
	}
	w->facts.name = g->d->name;
	w->facts.state = g->d->state;
	w->facts.reason = g->d->reason;
	w->facts.detail = g->d->detail;
	w->facts.domain = def;
	w->facts.boots = *w->boots ? w->boots : NULL;
	if (stale)
		w->facts.unanswered = true;
	else if (active && (!w->asked_ms || d->now_ms - w->asked_ms >= wait)) {
		diagnose_look(d->backend, g->d->uuid, &w->facts);
		w->asked_ms = d->now_ms;
	}
	diagnosis_make(&w->facts, &w->now);
	w->facts.name = w->facts.detail = w->facts.boots = NULL; /* of this snapshot only */
	w->facts.domain = NULL;
}

void why_done(struct why *w)
{
	diagnosis_facts_done(&w->facts);
	*w = (struct why){0};
}
