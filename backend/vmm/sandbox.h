/* What the machine gives up before the guest's first instruction. (design.md: everything is open by then)
 *
 * Two steps, because privileges belong to threads and the system call filter to the process:
 * sandbox_prepare() while there is one thread, sandbox_enter() when all is open. VMDECK_SANDBOX=off leaves
 * both out, =log lets forbidden system calls pass and has the kernel log them, =trap names the first one in
 * the guest's log. Anything else, or nothing: it ends the process (SIGSYS). */
#ifndef BACKEND_VMM_SANDBOX_H
#define BACKEND_VMM_SANDBOX_H

#include "src/base/err.h"

/* Capabilities, name spaces, files (Landlock) and limits; what the kernel or the user's rights do not give is
 * done without, but no_new_privs and the loss of all capabilities are certain. From the only thread there is.
 * Opening files fails from here on. */
int sandbox_prepare(struct err *e);

/* The system call filter, for all threads and those to come. */
int sandbox_enter(struct err *e);

#endif
