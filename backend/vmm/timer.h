/* A deadline on the machine's clock. The callback runs on the main loop with machine.lock held. Setting and
 * stopping: any thread with machine.lock held. In a machine without a loop (tests) timers fire from
 * timer_run(). */
#ifndef BACKEND_VMM_TIMER_H
#define BACKEND_VMM_TIMER_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/err.h"

struct machine;

struct timer {
	struct machine *m;
	void (*fn)(void *ctx);
	void *ctx;
	uint64_t deadline_ns; /* machine_now(); 0 = not set */
	int fd;               /* timerfd, -1 without a loop */
	void *poll;           /* the loop's handle */
	struct timer *next;   /* of m->timers */
};

int timer_init(struct timer *t, struct machine *m, void (*fn)(void *), void *ctx, struct err *e);
void timer_set(struct timer *t, uint64_t deadline_ns);
void timer_stop(struct timer *t);
void timer_done(struct timer *t);
/* Fire what is due by machine_now(); for machines without a loop. */
void timer_run(struct machine *m);

#endif
