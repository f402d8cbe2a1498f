/* A guest's picture made small (or large) for the cells of a terminal: each cell shows two pixels, one above
 * the other, each the average of the area of the picture that it stands for. What lies beside the picture,
 * when its shape is another one than the terminal's, is nobody's.
 *
 * For terminals that show images, cells have more pixels than these two; the result is then whole cells, and
 * what changes is counted for each tile (canvas.h).
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
	int cols, rows;     /* of cells, as asked for */
	int from_w, from_h; /* the picture's size */
	int left, top;      /* of the result among the cells, in pixels of cells */
	int cell_w, cell_h; /* pixels of a cell */
	int width, height;  /* of the result, in those */
	uint32_t *pixels;   /* width * height */
	uint32_t *changes; /* a number for each tile that is another one after each change, line by line; NULL
			      without images */
	int tiles;         /* in a line */
};

/* Prepare for a picture of @w x @h in @cols x @rows cells that are @aspect thousandths as high as wide (2000:
 * twice). All is to be computed anew when this returns true: something is another one than before. */
bool scaled_fit(struct scaled *s, int w, int h, int cols, int rows, int aspect);
void scaled_done(struct scaled *s);
/* The same for a terminal that shows images, whose cells have  x  pixels. */
bool scaled_fit_image(struct scaled *s, int w, int h, int cols, int rows, int w0, int h0);
/* Compute what a change of this rectangle of the picture changes; the picture has the size that was fitted.
 */
void scaled_update(struct scaled *s, const struct picture *p, int x, int y, int w, int h);
/* Draw at the upper left of @a. */
void scaled_draw(const struct scaled *s, const struct area *a);
/* The pixel of the picture in the middle of the cell; false: beside the picture, and the nearest one is
 * given. */
bool scaled_at(const struct scaled *s, int row, int col, int *x, int *y);

/* The average colour of a rectangle, which lies in the picture and is not empty. */
uint32_t picture_average(const struct picture *p, int x0, int y0, int x1, int y1);

#endif
