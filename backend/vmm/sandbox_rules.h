/* The system calls of a machine beside the common ones, as a table for sandbox_enter(). */
#ifndef BACKEND_VMM_SANDBOX_RULES_H
#define BACKEND_VMM_SANDBOX_RULES_H

#include "src/base/sandbox.h"

extern const struct sandbox_rule sandbox_rules[];
extern const size_t sandbox_nrules;

#endif
