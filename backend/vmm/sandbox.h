/* What the machine gives up before the guest's first instruction. (design.md: everything is open by then) */
#ifndef BACKEND_VMM_SANDBOX_H
#define BACKEND_VMM_SANDBOX_H

#include "src/base/err.h"

/* For the whole process, from its main thread, after every descriptor is open. Not to be undone. */
int sandbox_enter(struct err *e);

#endif
