/* What processor a guest gets: of what the host can show, what its <cpu> asks for. (libvirt, formatdomain:
 * "CPU model and topology".) No I/O here. */
#ifndef SRC_MODEL_CPU_PLAN_H
#define SRC_MODEL_CPU_PLAN_H

#include "src/model/cpu_models.h"
#include "src/model/domain.h"

struct cpu_host {
	struct cpu_set has; /* all that its KVM can show to a guest */
	char vendor[CPU_VENDOR_ID + 1];
};

struct cpu_plan {
	const struct cpu_model *model; /* NULL: name, family and so on are the host's */
	struct cpu_set show;
	struct cpu_set lacking; /* what the model has and the host has not (check='none') */
};

/* -ENOTSUP: the host lacks what is needed, or has what is forbidden; the sentence names all of it. */
int cpu_plan_make(const struct domain *d, const struct cpu_host *host, struct cpu_plan *out, struct err *e);

#endif
