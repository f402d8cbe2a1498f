/* A guest's screen in the deck: text modes as text, graphics as half blocks of colour; what is typed and
 * clicked goes in.
 *
 * Nothing is asked of the guest before what it last sent is on the terminal, so that its rate is the
 * terminal's; and while it changes nothing, nothing happens here. */
#ifndef UI_TUI_MONITOR_H
#define UI_TUI_MONITOR_H

#include "ui/tui/deck.h"
#include "ui/tui/screen_keys.h"

struct monitor;

/* Look at this domain's screen, now or as soon as it runs. @least_ms: between two pictures. */
struct monitor *monitor_new(struct deck *d, const char *uuid, unsigned least_ms);
/* NULL is fine. */
void monitor_free(struct monitor *s);
const char *monitor_uuid(const struct monitor *s);

/* All of the deck's: a new snapshot has come; what was drawn has reached the terminal. */
void monitors_update(struct deck *d);
void monitors_drawn(struct deck *d);

/* The picture or text fills @a, without a title; @focus: with the guest's cursor. @images: as one, if the
 * terminal can, nothing being drawn over it.  */
void monitor_draw(struct monitor *s, const struct area *a, bool focus, bool images);
/* "1024x768", "text 80x25", or why there is nothing to see. In @out. */
char *monitor_what(const struct monitor *s, char *out, size_t size);
/* Is there something to see? */
bool monitor_shows(const struct monitor *s);

void monitor_key(struct monitor *s, struct key k);
void monitor_stroke(struct monitor *s, const struct stroke *k);
/* @a: where it was drawn. */
void monitor_mouse(struct monitor *s, const struct vt_mouse *m, const struct area *a);
/* Let go of all keys and buttons. */
void monitor_release(struct monitor *s);

/* Selecting text by keys: arrows move, Space begins, Enter copies, Escape ends. false: there is no text. */
bool monitor_select(struct monitor *s);

#endif
