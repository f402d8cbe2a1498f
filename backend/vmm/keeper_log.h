/* What the keeper writes down of a guest that runs: its own log, the journal. Part of keeper.c's process.
 *
 * All other processes of the guest have a pipe to the keeper where their log is: none of them can fill the
 * host's disk with it, even when it is taken over. The keeper takes what comes to vmm.log, which is turned over
 * to vmm.log.old when it is full. When more comes than a second's worth, the pipe is not read until there is
 * room again; who writes there then does not wait, and counts the lines that were left out (src/base/log.h). */
#ifndef BACKEND_VMM_KEEPER_LOG_H
#define BACKEND_VMM_KEEPER_LOG_H

#include <poll.h>

#include "src/base/json.h"
#include "src/base/logfile.h"
#include "src/proto/launch.h"

#define KEEPER_LOG_MAX (1u << 20)     /* bytes of vmm.log */
#define KEEPER_LOG_BURST (256u << 10) /* bytes that are taken at once */
#define KEEPER_LOG_PER_S 4096u        /* and in the long run */

struct keeper_log {
	struct logfile file; /* fd -1: the launcher gave none */
	int pipe;            /* read end; -1: none */
	uint64_t left;       /* bytes that may be taken */
	int64_t since_ms;
	const json_t *go; /* the caller's; "name" and "uuid" */
	int journal;      /* -1: none */
	unsigned entries; /* that the machine has caused */
};

/* Take the files out of the set, and put the pipe in the place of vmm.log and of our standard error, which is
 * that of all processes that we start. @go lives as long as @l. */
void keeper_log_init(struct keeper_log *l, struct fd_set_named *fds, const json_t *go);
/* What to wait for: fd -1 when it is nothing; *timeout_ms is made shorter when there is something to do then. */
struct pollfd keeper_log_poll(struct keeper_log *l, int *timeout_ms);
/* Take what is there. */
void keeper_log_turn(struct keeper_log *l);
/* The other processes are gone: take the rest, and have our standard error in the file again. */
void keeper_log_done(struct keeper_log *l);
/* A message {"disk": @disk} of the machine: a line for the journal. A machine that sends many is not heard. */
void keeper_log_disk(struct keeper_log *l, const json_t *disk);

#endif
