/* The system calls of vmdeck-net. (src/base/sandbox.h) */
#ifndef BACKEND_NET_SANDBOX_RULES_H
#define BACKEND_NET_SANDBOX_RULES_H

#include "src/base/sandbox.h"

extern const struct sandbox_rule net_sandbox_rules[];
/* How many of them it has: all, or all but those that have files opened. */
size_t net_sandbox_nrules(bool files);

#endif
