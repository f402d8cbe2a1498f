/* Cells of pictures on their way to the terminal: past curses, which is slow with thousands of colours and
 * knows 256 of them where the terminal knows all. */
#ifndef UI_TUI_TERM_PICTURE_H
#define UI_TUI_TERM_PICTURE_H

#include "ui/tui/canvas.h"

/* What the terminal can. */
struct picture_mode {
	int colours; /* 0, 8, 16, 256 or 16777216 */
	bool utf8;
};

/* Where to go on: whoever changes again and again does not keep the others waiting. */
struct picture_place {
	int row;
	int tile;
};

/* Add to @out what brings those cells of @now with CELL_PICTURE to the terminal that @shown does not have
 * there, from *from on and round, until it is @budget bytes long or more (a line or a tile at least); @shown
 * has them then, and *from is where to go on. true: that was all of them. The terminal's cursor and colours
 * are as before at the end. */
bool picture_encode(const struct canvas *now, struct canvas *shown, const struct picture_mode *m,
		    struct picture_place *from, size_t budget, struct buf *out);
/* The terminal has no images any more: forget that @shown has them. */
void picture_forget_images(struct canvas *shown);
/* The nearest of xterm's 256 colours that no user changes: 16 to 255. */
unsigned picture_colour256(uint32_t rgb);

#endif
