/* Waiting for a guest to start, as long as its processes get on. */
#ifndef BACKEND_LOCAL_PATIENCE_H
#define BACKEND_LOCAL_PATIENCE_H

#include <sys/types.h>

#include "src/base/err.h"

/* The answer of the keeper with pid @keeper to a launch: 0 with *pid, or -errno with the machine's own words. A
 * host that is busy, or slow, or has much memory to give, takes its time: -ETIMEDOUT only when neither the
 * keeper nor what it has started did anything for @quiet_ms, or waited for a disk, and then says what they wait in. */
int patience_wait(int sock, pid_t keeper, int quiet_ms, int *pid, struct err *e);

#endif
