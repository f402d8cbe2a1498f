/* What SeaBIOS logged, for people, and the one sentence in it that programs want to know of. */
#include <string.h>

#include "backend/vmm/boot/firmware.h"
#include "backend/vmm/dev/debugcon.h"
#include "backend/vmm/machine.h"

/* SeaBIOS' last words when it has tried everything (src/boot.c there). */
#define NO_DEVICE "No bootable device."

bool firmware_gave_up(const struct buf *log)
{
	return log->len && memmem(log->s, log->len, NO_DEVICE, strlen(NO_DEVICE));
}

int firmware_query_log(struct machine *m, const json_t *args, json_t **ret, int *fd, struct err *e)
{
	AUTO_BUF struct buf log = {0};
	pthread_mutex_lock(&m->lock);
	bool kept = debugcon_log(m, &log);
	pthread_mutex_unlock(&m->lock);
	*ret = json_object();
	json_set_flag(*ret, "kept", kept);
	json_set_flag(*ret, "no-bootable-device", firmware_gave_up(&log));
	json_set_str(*ret, "log", buf_text(&log));
	return 0;
}
