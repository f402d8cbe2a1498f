/* What is known of a guest that nothing is heard of: facts, from which src/model/diagnosis.h makes a
 * sentence.
 *
 * Nothing is gathered for it while the guest runs but a look at the exit counters with each heartbeat; all
 * else is found out when somebody asks. */
#ifndef BACKEND_VMM_DIAGNOSE_H
#define BACKEND_VMM_DIAGNOSE_H

#include "src/base/err.h"
#include "src/base/json.h"

#include <stdbool.h>

struct machine;

/* With each heartbeat; main loop. true: a vCPU has made an exit since the last one. */
bool diagnose_beat(struct machine *m);
/* The guest was reset, and why. Main loop. */
void diagnose_reset(struct machine *m, const char *why);
void diagnose_done(struct machine *m);

/* x-diagnose. Durations in ms; those that end with "-ago-ms" are -1 for never.
 * {"detail": of the last pause or end, "uptime-ms", "since-reset-ms", "resets", "recent-resets": [{"ago-ms",
 * "why"}], newest last, "vcpus": [{"state": "unknown|parked|running|halted|waiting", "address": "0x...",
 * "bits", "user", "interrupts", "port", "exits", "io", "still-ms": for how long at least it has made no
 * exit}], "console": {"bytes", "ago-ms", "tail"}, missing without ttyS0, "screen": {"mode":
 * "off|text|graphics", "blank", "text"}, missing without a screen, "disk": {"name", "what", "ms"}: the
 * longest outstanding request, missing when there is none, "firmware": {"log", "no-bootable-device"}, missing
 * when none is kept} */
int diagnose_facts(struct machine *m, const json_t *args, json_t **ret, int *fd, struct err *e);

#endif
