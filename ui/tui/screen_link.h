/* The deck's end of a guest's screen: src/proto/screen.h, and a copy of what it shows.
 *
 * The machine at the other end is not trusted with this process: what it says is checked, and its memory is
 * read, not mapped (it could take the memory away). */
#ifndef UI_TUI_SCREEN_LINK_H
#define UI_TUI_SCREEN_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/err.h"
#include "src/proto/screen.h"

#define SCREEN_SIDE_MAX 4096

struct screen_link {
	int fd;
	bool asked; /* a SCREEN_CHANGES waits for its answer */

	/* The picture; width 0: none now. Stride in pixels is width. */
	uint32_t width, height, generation;
	uint32_t *pixels;
	int memory; /* the machine's, -1 */
	uint64_t offset;
	uint32_t stride;

	/* The text; cols 0: it shows graphics. */
	struct screen_text text;
	uint16_t cells[SCREEN_TEXT_MAX];

	bool absolute;
	uint32_t leds;
	struct {
		bool shown; /* a pointer apart from the picture */
		int32_t x, y;
	} cursor;
};

enum {                   /* what screen_link_read() has found */
       LINK_SIZE = 1,    /* another picture, or text: all is new */
       LINK_CHANGED = 2, /* the picture or the text: @rect was told of each part of the picture */
       LINK_STATE = 4,
       LINK_ENDED = 8, /* the guest is off, or it makes no sense: @e */
};

/* Begin on @fd, which is taken: ask for text, and for the first picture. */
void screen_link_open(struct screen_link *l, int fd);
void screen_link_close(struct screen_link *l);
/* The socket is readable: take what is there. */
unsigned screen_link_read(struct screen_link *l, void (*rect)(void *arg, int x, int y, int w, int h),
			  void *arg, struct err *e);
/* Ask for what changes next; once for each answer. */
void screen_link_ask(struct screen_link *l);
void screen_link_key(struct screen_link *l, unsigned code, bool down);
void screen_link_pointer(struct screen_link *l, const struct screen_pointer *p);
void screen_link_release(struct screen_link *l);

#endif
