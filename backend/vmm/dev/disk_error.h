/* What becomes of a request that the host has failed, for every kind of disk: a host that is full pauses the
 * guest, all else is the guest's to handle; both are told to whom it concerns. machine.lock held. */
#ifndef BACKEND_VMM_DEV_DISK_ERROR_H
#define BACKEND_VMM_DEV_DISK_ERROR_H

#include "backend/block/block.h"
#include "backend/vmm/machine.h"

/* The guest is paused and told why; the caller keeps @r for dev_type.resumed. Only when blk_full(). */
void disk_pause(struct machine *m, const struct blk *b, const struct blk_req *r, int result);
/* The guest gets an error: one line in the log, and what is lost for good also to the keeper, which
 * puts it in the journal. */
void disk_failed(struct machine *m, struct stats_disk *s, const struct blk *b, const struct blk_req *r,
		 int result);

#endif
