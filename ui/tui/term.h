/* The user's terminal: the only file that knows curses. One terminal per process: standard input and output.
 *
 * However the process ends, the terminal is as it was: term_close(), or, for signals that kill and for
 * crashes, a handler that writes what was prepared at term_open() and raises the signal again. */
#ifndef UI_TUI_TERM_H
#define UI_TUI_TERM_H

#include <stdbool.h>

#include "src/base/err.h"
#include "ui/tui/canvas.h"
#include "ui/tui/input.h"

/* Take over the terminal. The caller catches SIGTSTP already: at its default, curses would take it over, and
 * ignore it whenever it draws. -ENOTTY when there is none, -EINVAL when terminfo does not know it well
 * enough. */
int term_open(struct err *e);
/* Give it back. May be called twice. */
void term_close(void);
/* Give it back for a while (a shell, an editor, Ctrl-Z), and take it again; the next term_draw() draws all.
 */
void term_leave(void);
void term_enter(void);

/* How many colours are used: 0 (NO_COLOR, monochrome), 8, 16, 256 or 16777216. */
int term_colours(void);
bool term_utf8(void);
void term_size(int *rows, int *cols);

/* Bring @c to the screen: only what changed is sent. Blocks as long as the terminal takes no output. */
void term_draw(const struct canvas *c);
/* Of pictures (CELL_PICTURE) no more is sent than the terminal takes: is there more to come, or is it not
 * known yet whether it has taken all? Then term_draw() is due again after the answer (EVENT_ANSWER:
 * term_answered()), or *wait_ms. */
bool term_busy(unsigned *wait_ms);
void term_answered(void);
/* Ask, once, whether the terminal shows images (EVENT_IMAGES: term_images_known()). */
void term_ask_images(void);
void term_images_known(void);
/* Pixels of a cell, 0 when it does not say; *images: canvas images are welcome now. */
void term_cell(int *w, int *h, bool *images);
/* Tell of each movement of the mouse, or only of those with a button held. */
void term_motion(bool on);
/* Draw all of it the next time: something else wrote to the terminal. */
void term_redraw(void);
void term_bell(void);
/* Put text into the clipboard of the user's terminal: OSC 52. Whether it takes it cannot be known. */
void term_copy(const char *text, size_t n);

/* Standard input is readable: take what is there and call @fn for each event. 0; -EIO when the terminal is
 * gone. */
int term_read(event_fn fn, void *arg);
/* Does a lone ESC wait for what follows? Then call term_timeout() after 50 ms of silence. */
bool term_waiting(void);
void term_timeout(event_fn fn, void *arg);

#endif
