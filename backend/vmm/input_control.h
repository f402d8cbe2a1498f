/* Typing and pointing over the control socket, in QMP's words; and the queue of keys that wait for their
 * time. (QEMU, qapi/ui.json: send-key, input-send-event) */
#ifndef BACKEND_VMM_INPUT_CONTROL_H
#define BACKEND_VMM_INPUT_CONTROL_H

#include "src/base/err.h"
#include "src/base/json.h"

struct machine;

/* control_command.run. send-key {"keys": [{"type": "qcode", "data": "ctrl"}, ...], "hold-time": ms}: each
 * goes down, one hold-time after the other, and up in reverse; what is sent meanwhile comes behind. "number"
 * is QEMU's XT number, "x-linux" a KEY_* code. */
int input_send_key(struct machine *m, const json_t *args, json_t **ret, int *fd, struct err *e);
/* x-type {"keys": [30, -30, ...], "hold-time": ms}: Linux codes, negative for a key that goes up, one
 * hold-time (10 ms) apart, but not before the guest has read what its keyboard has; all or, with -EAGAIN,
 * none. Answers {"waiting": events, "stalled": the guest does not read its keyboard, and what is typed may be
 * lost}. Without keys it only answers. */
int input_type(struct machine *m, const json_t *args, json_t **ret, int *fd, struct err *e);
/* input-send-event {"events": [{"type": "key"|"btn"|"rel"|"abs", "data": {...}}, ...]}: all are one frame. */
int input_send_event(struct machine *m, const json_t *args, json_t **ret, int *fd, struct err *e);

/* Once, while the machine is built: nothing is made later. */
int input_control_init(struct machine *m, struct err *e);
/* Forget what waits. Main loop. */
void input_control_done(struct machine *m);

#endif
