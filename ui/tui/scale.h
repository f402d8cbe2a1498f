/* A guest's picture made small (or large) for the cells of a terminal: each cell shows two pixels, one above the other, each the
 * average of the area of the picture that it stands for. What lies beside the picture, when its shape is another one than
 * the terminal's, is nobody's.
 *
 * No I/O. Memory: 4 bytes a pixel of the result. */
#ifndef UI_TUI_SCALE_H
#define UI_TUI_SCALE_H

#include <stdbool.h>
#include <stdint.h>

#include "ui/tui/canvas.h"

/* A picture: 0x00RRGGBB, @stride pixels from line to line. */
struct picture {
	const uint32_t *pixels;
	int width, height, stride;
};

struct scaled {
	int cols, rows;          /* of cells, as asked for */
	int from_w, from_h;      /* the picture's size */
	int left, top;           /* of the result among the cells; top in halves of rows */
	int width, height;       /* of the result: columns, and halves of rows */
	uint32_t *pixels;        /* width * height */
};

/* Prepare for a picture of @w x @h in @cols x @rows cells that are @aspect thousandths as high as wide (2000: twice). All is to be
 * computed anew when this returns true: something is another one than before. */
bool scaled_fit(struct scaled *s, int w, int h, int cols, int rows, int aspect);
void scaled_done(struct scaled *s);
/* Compute what a change of this rectangle of the picture changes; the picture has the size that was fitted. */
void scaled_update(struct scaled *s, const struct picture *p, int x, int y, int w, int h);
/* Draw at the upper left of @a. */
void scaled_draw(const struct scaled *s, const struct area *a);
/* The pixel of the picture in the middle of the cell; false: beside the picture, and the nearest one is given. */
bool scaled_at(const struct scaled *s, int row, int col, int *x, int *y);

/* The average colour of a rectangle, which lies in the picture and is not empty. */
uint32_t picture_average(const struct picture *p, int x0, int y0, int x1, int y1);

#endif
