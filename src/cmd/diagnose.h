/* "Why is it black?": asks a guest for the facts that src/model/diagnosis.h judges. */
#ifndef SRC_CMD_DIAGNOSE_H
#define SRC_CMD_DIAGNOSE_H

#include "src/backend.h"
#include "src/model/diagnosis.h"

/* One look at a running guest, added to @f. Waits at most for what any command waits; a guest that does not
 * answer in time is noted as such, one that knows no such command (of an older version) is just not looked
 * at. */
void diagnose_look(struct backend *b, const char *uuid, struct diagnosis_facts *f);

/* As many looks as it takes, up to a quarter of a second, and the judgement. @d: its XML, may be NULL. */
void diagnose_domain(struct backend *b, const struct domain_info *info, const struct domain *d,
		     struct diagnosis *out);

#endif
