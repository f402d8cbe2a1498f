/* The life of the machine process: built, running, paused, reset, ended. All on the main loop's thread,
 * m->lock not held. */
#ifndef BACKEND_VMM_RUN_H
#define BACKEND_VMM_RUN_H

#include <stdbool.h>

#include "src/base/err.h"
#include "src/model/state.h"

struct machine;

/* Stop all vCPUs; returns when they are parked. Idempotent: the first reason stands. */
void run_pause(struct machine *m, enum domain_reason reason);
/* -EINVAL when the guest crashed or is off: only reset or destroy help then. */
int run_resume(struct machine *m, struct err *e);
/* The ACPI power button; @reboot: the power-off that follows becomes a reset. */
int run_powerdown(struct machine *m, bool reboot, struct err *e);

/* The state as the control socket and the stats tell it. */
enum domain_state run_state(const struct machine *m, enum domain_reason *reason);

/* The socket to the keeper; -1 in a bare machine. */
int run_keeper(const struct machine *m);

#endif
