/* Text of clipboards between viewers: Latin-1 as RFB has it (RFC 6143, 7.6.4), and UTF-8 of the Extended
 * Clipboard pseudo-encoding (RFB community specification, 7.7.27). */
#ifndef BACKEND_SCREEN_VNC_TEXT_H
#define BACKEND_SCREEN_VNC_TEXT_H

#include <stddef.h>

#include "src/base/str.h"

/* Add @text in the other encoding; what Latin-1 does not have becomes '?', invalid UTF-8 too. */
void vnc_text_to_utf8(struct buf *out, const char *text, size_t len);
void vnc_text_to_latin1(struct buf *out, const char *text, size_t len);

/* Add whole ServerCutText messages. */
void vnc_text_plain(struct buf *out, const struct buf *latin1);
void vnc_text_provide(struct buf *out, const struct buf *utf8); /* the text itself */
void vnc_text_notify(struct buf *out);                          /* that there is text */

#endif
