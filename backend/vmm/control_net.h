/* Network cards on the control socket; the functions of control_commands[] (control.h). */
#ifndef BACKEND_VMM_CONTROL_NET_H
#define BACKEND_VMM_CONTROL_NET_H

#include "src/base/err.h"
#include "src/base/json.h"

struct machine;

int control_set_link(struct machine *m, const json_t *args, json_t **ret, int *fd, struct err *e);
int control_query_link(struct machine *m, const json_t *args, json_t **ret, int *fd, struct err *e);

#endif
