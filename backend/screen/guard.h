/* What a viewer may say to libvncserver once it is in: the messages of RFC 6143, 7.5, desktop sizes, QEMU's
 * keys, the extended clipboard, fences and continuous updates, whole and of sane lengths. The rest of what
 * the library understands (file transfer, scaling, chat) is not let through.
 *
 * Two things the library does on a viewer's word on the wrong thread, in the middle of an update, are taken
 * from it: its answer to an extended clipboard that is asked for, which is asked of us instead
 * (GUARD_CLIP_*), and to a second announcement of that encoding, which it need not hear again. And an update
 * that is asked for wakes two of its threads, whether there is one or not: who asks for what has changed does
 * so by a message of ours. */
#ifndef BACKEND_SCREEN_GUARD_H
#define BACKEND_SCREEN_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/screen/fifo.h"

#define GUARD_ENCODINGS 256
#define GUARD_CLIPBOARD (1u << 20)

#define GUARD_ASKS 249 /* as FramebufferUpdateRequest but for its type, and always incremental */

enum { GUARD_CLIP_REQUEST = 1, GUARD_CLIP_PEEK = 2 };

/* Zero-initialise. */
struct guard {
	size_t pass, drop; /* bytes of the current message that go on, or do not */
	bool clipboard;    /* the extended one has been announced */
	bool continuous;   /* updates come without being asked for */
	unsigned asks;     /* GUARD_CLIP_*, for the caller to take */
	const char *why;
};

/* Take messages from @in to @out, as far as they have come, and not much beyond @max bytes in it. -1: close,
 * @why says why. */
int guard_step(struct guard *g, struct fifo *in, struct fifo *out, size_t max);

#endif
