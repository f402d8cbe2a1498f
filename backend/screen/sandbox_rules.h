/* The system calls of vmdeck-screen beside the common ones, as a table for sandbox_enter(). */
#ifndef BACKEND_SCREEN_SANDBOX_RULES_H
#define BACKEND_SCREEN_SANDBOX_RULES_H

#include "src/base/sandbox.h"

extern const struct sandbox_rule screen_sandbox_rules[];
extern const size_t screen_sandbox_nrules;

#endif
