/* The pages of noVNC for a browser of this host: a folder of files, read only, on 127.0.0.1. The picture does
 * not go through here: the browser's page connects to the guest's screen itself. By libmicrohttpd, which is
 * loaded when it is there. */
#ifndef SRC_CMD_WEBFILES_H
#define SRC_CMD_WEBFILES_H

#include "src/base/err.h"

struct webfiles;

/* Serve @folder on 127.0.0.1 from a thread of its own. *port: which, or 0 for the lowest one that is free
 * from 6080 on. NULL with
 * @e filled. */
struct webfiles *webfiles_start(const char *folder, int *port, struct err *e);
void webfiles_stop(struct webfiles *w);

#endif
