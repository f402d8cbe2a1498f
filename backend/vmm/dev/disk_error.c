#include "backend/vmm/dev/disk_error.h"

#include <stdio.h>
#include <string.h>

#include "backend/vmm/run.h"
#include "src/base/log.h"
#include "src/proto/launch.h"

void disk_pause(struct machine *m, const struct blk *b, const struct blk_req *r, int result)
{
	char text[200];
	snprintf(text, sizeof(text), "disk '%s': %s: make room and resume", b->name, strerror(-result));
	machine_pause_ioerror(m, text);
}

/* Once for each disk. */
static void tell_lost(struct machine *m, struct stats_disk *s, const struct blk *b)
{
	int keeper = run_keeper(m);
	if (!b->lost || s->lost)
		return;
	__atomic_store_n(&s->lost, (uint32_t)-b->lost, __ATOMIC_RELAXED);
	if (keeper >= 0)
		launch_disk_lost(keeper, b->name, strerror(-b->lost));
}

void disk_failed(struct machine *m, struct stats_disk *s, const struct blk *b, const struct blk_req *r,
		 int result)
{
	static const char *const names[] = {[BLK_READ] = "read",
					    [BLK_WRITE] = "write",
					    [BLK_FLUSH] = "flush",
					    [BLK_DISCARD] = "discard",
					    [BLK_ZERO] = "zeroing"};
	if (r->op == BLK_FLUSH)
		log_warn("disk '%s': a flush failed: %s", b->name, strerror(-result));
	else
		log_warn("disk '%s': a %s at byte %llu failed: %s", b->name, names[r->op],
			 (unsigned long long)r->off, strerror(-result));
	tell_lost(m, s, b);
}
