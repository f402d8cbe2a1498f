/* What the keeper writes down of a guest that runs. Part of keeper.c's process. */
#ifndef BACKEND_VMM_KEEPER_LOG_H
#define BACKEND_VMM_KEEPER_LOG_H

#include "src/base/json.h"
#include "src/proto/launch.h"

struct keeper_log {
	const json_t *go; /* the caller's; "name" and "uuid" */
	int journal;      /* -1: none */
	unsigned entries; /* that the machine has caused */
};

/* Take "journal" out of the set. @go lives as long as @l. */
void keeper_log_init(struct keeper_log *l, struct fd_set_named *fds, const json_t *go);
/* A message {"disk": @disk} of the machine: a line for the journal. A machine that sends many is not heard. */
void keeper_log_disk(struct keeper_log *l, const json_t *disk);

#endif
