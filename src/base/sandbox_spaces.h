/* Name spaces of a process's own; for src/base/sandbox.c. */
#ifndef SRC_BASE_SANDBOX_SPACES_H
#define SRC_BASE_SANDBOX_SPACES_H

#include "src/base/sandbox.h"

/* Go into new ones, but for what @needs says. Of files there is nothing left then but its folders. Return: the
 * layers that could not be had. */
unsigned sandbox_spaces(const struct sandbox_needs *needs);

#endif
