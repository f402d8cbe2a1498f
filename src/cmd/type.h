/* Text as keystrokes of a guest's keyboard: what `vmdeck type`, the deck's dialog and pasting into a screen
 * have in common. */
#ifndef SRC_CMD_TYPE_H
#define SRC_CMD_TYPE_H

#include "src/backend.h"

#define TYPE_STROKES_MAX 3000 /* that a machine takes at once */
#define TYPE_HOLD_MS 10       /* between two events of a key */

/* The layout that the XML of what runs has (<graphics keymap=>), the caller's; NULL: none. */
char *type_layout(struct backend *b, const char *uuid);

/* Have the machine type @text, and return at once: it goes on doing so, no faster than the guest reads its
 * keyboard. @layout: that of the guest (src/model/keymap.h); NULL: what its XML says (<graphics keymap=>),
 * else us. Newlines are Enter. -EINVAL names the first character that the layout cannot type, -E2BIG: more
 * than TYPE_STROKES_MAX; nothing was typed then. -EAGAIN: much of what was typed before still waits. */
int type_text(struct backend *b, const char *uuid, const char *layout, const char *text, size_t len,
	      struct err *e);

/* The same for text of any length, which returns when the guest has been given the last key. -EIO: it does
 * not read its keyboard. */
int type_all(struct backend *b, const char *uuid, const char *layout, const char *text, size_t len,
	     unsigned hold_ms, struct err *e);

/* Press @n keys (Linux's codes) together, and let them go. */
int type_keys(struct backend *b, const char *uuid, const unsigned *codes, size_t n, struct err *e);

#endif
