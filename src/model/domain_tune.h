/* <memtune>, <cputune>, <blkiotune> and <resource>: what the processes of a guest may take of the host.
 * (libvirt, "Domain XML format": Memory Tuning, CPU Tuning, Block I/O Tuning, Resource partitioning) */
#ifndef SRC_MODEL_DOMAIN_TUNE_H
#define SRC_MODEL_DOMAIN_TUNE_H

#include <stdint.h>

#include "src/base/err.h"

#define TUNE_UNLIMITED UINT64_MAX
#define TUNE_PERIOD_US 100000 /* of a quota without one */
#define TUNE_WEIGHT_MAX 10000 /* of cgroup v2 */

/* 0: not said. */
struct domain_tune {
	uint64_t hard_limit, soft_limit, swap_hard_limit; /* bytes, or TUNE_UNLIMITED */
	unsigned shares;
	unsigned period_us, global_period_us;
	uint64_t quota_us, global_quota_us; /* of a vCPU, of the whole guest; or TUNE_UNLIMITED */
	unsigned io_weight;
	char *partition; /* "/machine", or NULL */
};

struct domain;
struct xml_node;

/* Into d->tune. -EINVAL */
int domain_parse_tune(struct domain *d, struct xml_node *root, struct err *e);
void domain_free_tune(struct domain_tune *t);

#endif
