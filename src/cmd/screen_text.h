/* How a guest's screen is told to a person: where to look, and from where. */
#ifndef SRC_CMD_SCREEN_TEXT_H
#define SRC_CMD_SCREEN_TEXT_H

#include "src/backend.h"
#include "src/base/str.h"

/* "127.0.0.1:5900", "[::1]:5900" or the socket's path. The caller's to free, as all here. */
char *screen_where(const struct screen_info *s);
/* virsh's vncdisplay: "127.0.0.1:0", ":0" when it listens everywhere, or the socket's path. */
char *screen_display(const struct screen_info *s);
/* The command to type on the machine that this session came from over ssh, which brings the screen there:
 * "ssh -L 5900:127.0.0.1:5900 user@host". @web: one more port of this host's 127.0.0.1, 0 = none. NULL: not
 * over ssh. */
char *screen_ssh(const struct screen_info *s, int web);
/* What start and the deck say: address, password, the ssh line. Lines, each terminated. */
void screen_tell(const struct screen_info *s, struct buf *out);

#endif
