/* The screen on the control socket: pictures and text. (control.h) */
#ifndef BACKEND_VMM_DISPLAY_CAPTURE_H
#define BACKEND_VMM_DISPLAY_CAPTURE_H

#include "src/base/err.h"
#include "src/base/json.h"

struct machine;

/* screendump: a PNG in a descriptor, {"format": "png", "size": bytes}. */
int capture_screendump(struct machine *m, const json_t *args, json_t **ret, int *fd, struct err *e);
/* x-screen-text: {"columns", "rows", "cursor-x", "cursor-y" (without them none is shown), "lines": [text,
 * ...]}. -ENODATA: graphics. */
int capture_text(struct machine *m, const json_t *args, json_t **ret, int *fd, struct err *e);

#endif
