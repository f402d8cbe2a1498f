/* How many updates may be on their way to a viewer that takes them without asking (continuous updates, RFB
 * community specification, 7.4.9 and 7.4.10). Behind each update goes a fence, which the viewer sends back
 * when it is there; the next update goes as long as the oldest fence has been away for not much longer than
 * the quickest one ever was. So the line is kept busy, and what waits on it, and in all queues up to it,
 * stays short. No input or output, no clock of its own. */
#ifndef BACKEND_SCREEN_FLOW_H
#define BACKEND_SCREEN_FLOW_H

#include <stdbool.h>
#include <stdint.h>

#define FLOW_FENCES 32      /* away at once, at most */
#define FLOW_SLACK_US 20000 /* a fence may be late by so much, or by half of the quickest */

/* Zero-initialise. */
struct flow {
	uint32_t sent, back;               /* fences, counted; those between are away */
	int64_t at[FLOW_FENCES], quickest; /* us; 0: none has come back yet */
};

/* A fence goes out: its number in @number. false: too many are away already, it shall not. */
bool flow_fence(struct flow *f, int64_t now_us, uint32_t *number);
/* Fence @number, and so all before it, have come back. One that is not away changes nothing. */
void flow_back(struct flow *f, uint32_t number, int64_t now_us);
/* May one more update go? If not, ask again after a flow_back(). */
bool flow_open(const struct flow *f, int64_t now_us);

#endif
