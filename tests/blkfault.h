/* Errors and short transfers in the block layer, where and when a test wants them: link with BLKFAULT_WRAP
 * (Makefile). What the kernel has done is real; what is told of it may not be. */
#ifndef TESTS_BLKFAULT_H
#define TESTS_BLKFAULT_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

#include "backend/block/ioqueue.h"

struct blkfault {
	enum ioq_op op;
	unsigned skip;  /* so many of them go well first */
	unsigned times; /* then so many fail; 0: none */
	int result;     /* what is told instead: -errno, or at most so many bytes */
};

static struct blkfault blkfault;
static unsigned blkfault_jobs; /* that were put */
static struct {
	void *tag;
	enum ioq_op op;
} blkfault_ops[4096];

bool __real_ioq_put(struct ioq *q, const struct ioq_job *job);
bool __wrap_ioq_put(struct ioq *q, const struct ioq_job *job);
bool __wrap_ioq_put(struct ioq *q, const struct ioq_job *job)
{
	unsigned i = 0;
	while (i < 4095 && blkfault_ops[i].tag)
		i++;
	blkfault_ops[i].tag = job->tag;
	blkfault_ops[i].op = job->op;
	blkfault_jobs++;
	bool took = __real_ioq_put(q, job);
	if (!took)
		blkfault_ops[i].tag = NULL;
	return took;
}

static inline int blkfault_apply(enum ioq_op op, int result)
{
	if (op != blkfault.op || !blkfault.times)
		return result;
	if (blkfault.skip) {
		blkfault.skip--;
		return result;
	}
	blkfault.times--;
	return blkfault.result < 0 || result > blkfault.result ? blkfault.result : result;
}

bool __real_ioq_reap(struct ioq *q, void **tag, int *result);
bool __wrap_ioq_reap(struct ioq *q, void **tag, int *result);
bool __wrap_ioq_reap(struct ioq *q, void **tag, int *result)
{
	if (!__real_ioq_reap(q, tag, result))
		return false;
	for (unsigned i = 0; i < 4096; i++)
		if (blkfault_ops[i].tag == *tag) {
			*result = blkfault_apply(blkfault_ops[i].op, *result);
			blkfault_ops[i].tag = NULL;
			break;
		}
	return true;
}

#endif
