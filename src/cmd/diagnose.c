#include "src/cmd/diagnose.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "src/base/cleanup.h"

void diagnose_look(struct backend *b, const char *uuid, struct diagnosis_facts *f)
{
	AUTO_FREE char *reply = NULL;
	int rc = b->ops->domain_command(b, uuid, "x-diagnose", NULL, &reply, NULL);
	f->unanswered = rc == -ETIMEDOUT;
	AUTO_JSON json_t *j = rc ? NULL : json_parse(reply, strlen(reply), NULL);
	if (j)
		diagnosis_look(f, j);
}

void diagnose_domain(struct backend *b, const struct domain_info *info, const struct domain *d,
		     struct diagnosis *out)
{
	const struct timespec pause = {.tv_nsec = DIAGNOSIS_LOOK_MS * 1000000l};
	struct diagnosis_facts f = {.name = info->name,
				    .state = info->state,
				    .reason = info->reason,
				    .detail = info->detail,
				    .domain = d};
	AUTO_FREE char *boots = d && !d->kernel ? domain_boot_text(d, true) : NULL;
	f.boots = boots;
	if (info->state & DOMAIN_ACTIVE)
		diagnose_look(b, info->uuid, &f);
	for (unsigned i = 0; i < DIAGNOSIS_LOOKS && f.looks && diagnosis_wants_look(&f); i++) {
		nanosleep(&pause, NULL);
		diagnose_look(b, info->uuid, &f);
	}
	diagnosis_make(&f, out);
	diagnosis_facts_done(&f);
}
