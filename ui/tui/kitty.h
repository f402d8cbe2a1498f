/* Pictures in terminals that know kitty's graphics protocol
 * (https://sw.kovidgoyal.net/kitty/graphics-protocol/): what is sent to them. No answers are asked for but to
 * the question whether they know it. */
#ifndef UI_TUI_KITTY_H
#define UI_TUI_KITTY_H

#include <stdint.h>

#include "src/base/str.h"

#define KITTY_CHUNK 4096 /* bytes of base64 in one piece at most */
#define KITTY_QUERY_ID 7100
#define KITTY_FIRST_ID 7101

/* Ask. Who knows it answers ESC _ G i=7100;OK ESC \ (input.c: EVENT_IMAGES). */
void kitty_query(struct buf *out);
/* Image @id of @w x @h pixels 0x00RRGGBB, @stride from line to line, over @cols x @rows cells from the cursor
 * on, which stays; the one that had the number is no more. Deflated (RFC 1950) where that makes it smaller. */
void kitty_image(struct buf *out, unsigned id, const uint32_t *pixels, int w, int h, int stride, int cols,
		 int rows);
/* Take away all images, and forget them. */
void kitty_delete(struct buf *out);

#endif
