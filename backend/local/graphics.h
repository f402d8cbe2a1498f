/* A guest's screen, on the host's side: where viewers come in, what they need to know, and who looks. Only
 * backend/local. */
#ifndef BACKEND_LOCAL_GRAPHICS_H
#define BACKEND_LOCAL_GRAPHICS_H

#include <stdbool.h>

#include "backend/local/local.h"
#include "src/base/err.h"
#include "src/base/json.h"
#include "src/base/str.h"
#include "src/proto/launch.h"

#define GRAPHICS_PORT_MIN 5900
#define GRAPHICS_PORT_MAX 65535

/* Open all that the screen of @d needs into @fds ("vnc.0", "tls.*", "screen.json"), and write screen.json
 * into its runtime folder. *screen: the go message's member, the caller's; NULL: @d has no <graphics>, or
 * there is no vmdeck-screen (noted). What a person should know is appended to @notes, a line each (may be
 * NULL). */
int graphics_open(struct local *l, const struct domain *d, unsigned start_flags, struct fd_set_named *fds,
		  json_t **screen, struct buf *notes, struct err *e);

/* Listen on that address. *port: 5900 to 65535, or -1 for the lowest one that is free; out: which. Descriptor
 * or -errno. */
int graphics_bind_tcp(const char *listen, int *port, struct err *e);
/* Listen on a unix socket (mode 0600). What a program left there is replaced, one that is in use is not. */
int graphics_bind_unix(const char *path, struct err *e);
/* Can only this host's programs connect to that address? */
bool graphics_loopback(const char *listen);

/* screen.json of a running guest. -ENOENT: it has none. */
int graphics_info(const struct local *l, const char *uuid, struct screen_info *out, struct err *e);

#endif
