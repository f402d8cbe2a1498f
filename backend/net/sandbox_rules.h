/* The system calls of vmdeck-net. (src/base/sandbox.h) */
#ifndef BACKEND_NET_SANDBOX_RULES_H
#define BACKEND_NET_SANDBOX_RULES_H

#include "src/base/sandbox.h"

extern const struct sandbox_rule net_sandbox_rules[];
extern const size_t net_sandbox_nrules;
/* of the process beside it that reads resolv.conf (resolver.h) */
extern const struct sandbox_rule resolver_sandbox_rules[];
extern const size_t resolver_sandbox_nrules;

#endif
