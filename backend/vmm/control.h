/* The control socket's server. src/proto/control.h has the protocol. Main loop's thread. */
#ifndef BACKEND_VMM_CONTROL_H
#define BACKEND_VMM_CONTROL_H

#include <stdio.h>

#include "src/base/err.h"
#include "src/base/json.h"

struct machine;

/* One command. Results in *ret (a new value; NULL = {}), a descriptor for the client in *fd (handed over). */
struct control_command {
	const char *name, *summary;
	int (*run)(struct machine *m, const json_t *args, json_t **ret, int *fd, struct err *e);
};
extern const struct control_command control_commands[]; /* sorted by name; ends with a row without name */

/* The descriptor that came with the command being executed, the caller's now; -1 when there is none. */
int control_take_fd(struct machine *m);

/* Serve m's descriptor "control". */
int control_serve(struct machine *m, struct err *e);
/* Tell everybody: {"event": NAME, ...}. @data is taken, may be NULL. */
void control_event(struct machine *m, const char *name, json_t *data);
/* Close all; what was answered is flushed as far as sockets take it. */
void control_done(struct machine *m);

#endif
