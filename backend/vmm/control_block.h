/* Commands of the control socket for disks and their media; rows of control_commands[]. Main loop's thread.
 */
#ifndef BACKEND_VMM_CONTROL_BLOCK_H
#define BACKEND_VMM_CONTROL_BLOCK_H

#include "src/base/err.h"
#include "src/base/json.h"

struct machine;

int control_query_block(struct machine *m, const json_t *args, json_t **ret, int *fd, struct err *e);
int control_open_tray(struct machine *m, const json_t *args, json_t **ret, int *fd, struct err *e);
int control_close_tray(struct machine *m, const json_t *args, json_t **ret, int *fd, struct err *e);
int control_eject(struct machine *m, const json_t *args, json_t **ret, int *fd, struct err *e);
int control_change_medium(struct machine *m, const json_t *args, json_t **ret, int *fd, struct err *e);

#endif
