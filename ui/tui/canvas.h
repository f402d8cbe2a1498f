/* A canvas of cells that pages draw on: text that is safe for any terminal, clipped, with styles. No I/O
 * here; term.c brings a canvas to the terminal, canvas_dump() to a test. Rows and columns count from 0. */
#ifndef UI_TUI_CANVAS_H
#define UI_TUI_CANVAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/str.h"
#include "ui/vt/vt.h"

#define CELL_TEXT VT_CELL_TEXT
#define CELL_PICTURE 0x8000 /* beside the attributes of vt.h: a cell of a picture, which is brought to the terminal when that has time */
#define CELL_IMAGE 0x4000   /* and it is a cell of the canvas's image: fg tells changes of its tile apart, bg is the tile's number */

/* Colours are those of vt.h (VT_DEFAULT, VT_INDEXED | n, VT_RGB | rgb), attributes enum vt_attr. */
struct style {
	uint32_t fg, bg;
	uint16_t attrs;
};

struct cell {
	char text[CELL_TEXT]; /* one grapheme as UTF-8; "" = second half of a wide one */
	uint8_t width;        /* 1, 2, or 0: second half */
	struct style style;
};

/* A picture finer than cells, for terminals that show it: tiles of whole cells, each of them an image of its
 * own there. It lies in cells with CELL_IMAGE. */
#define TILE_COLS 16
#define TILE_ROWS 8
struct canvas_image {
	int row, col, rows, cols; /* of cells */
	int cell_w, cell_h;       /* pixels of a cell */
	const uint32_t *pixels;   /* 0x00RRGGBB, cols * cell_w a line; valid until the page that drew it draws again or is closed */
};

struct canvas {
	int rows, cols;
	struct cell *cells;
	int cursor_row, cursor_col; /* where the terminal's cursor is shown; row -1: hidden */
	enum vt_cursor_shape cursor_shape;
	struct canvas_image image; /* rows 0: none */
};

/* A part of a canvas; everything drawn through it is clipped to it. */
struct area {
	struct canvas *canvas;
	int row, col, rows, cols;
};

/* Make room for @rows x @cols blank cells. Zero-initialise before the first call. */
void canvas_resize(struct canvas *c, int rows, int cols);
void canvas_clear(struct canvas *c);
void canvas_done(struct canvas *c);
/* NULL outside. */
struct cell *canvas_cell(const struct canvas *c, int row, int col);
bool cell_same(const struct cell *a, const struct cell *b);

struct area area_all(struct canvas *c);
/* A part of @a, itself clipped to @a. Negative sizes become 0. */
struct area area_sub(const struct area *a, int row, int col, int rows, int cols);

/* Draw UTF-8 from (@row, @col) to the right, at most @width columns (-1 = to the edge). Control characters,
 * invalid UTF-8 and characters that change the direction become '?'. Return: columns taken. */
int area_text(const struct area *a, int row, int col, int width, struct style s, const char *text);
/* The same in exactly @width columns: cut with an ellipsis, filled with spaces. */
void area_field(const struct area *a, int row, int col, int width, bool right, struct style s,
		const char *text);
int area_printf(const struct area *a, int row, int col, struct style s, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
void area_fill(const struct area *a, int row, int col, int rows, int cols, struct style s);
/* A box along the edge of the area; @title (may be NULL) in its top line. */
void area_box(const struct area *a, struct style s, struct style title_style, const char *title);
/* A bar of @width columns, @part of it (0..1) filled. */
void area_bar(const struct area *a, int row, int col, int width, double part, struct style full,
	      struct style empty);
/* The last @width of @n values (0..1; negative = no value) as columns of height 1. */
void area_spark(const struct area *a, int row, int col, int width, const float *values, size_t n,
		struct style s);
/* A guest's cell, as it is. */
void area_cell(const struct area *a, int row, int col, const struct vt_cell *cell, bool reverse);
/* Show the terminal's cursor here, if it is inside. */
void area_cursor(const struct area *a, int row, int col, enum vt_cursor_shape shape);

/* The first line of @text laid into @width columns, broken at spaces and line ends: its bytes in *n. Return:
 * where the next one begins, at the terminating zero when there is none. */
const char *text_line(const char *text, int width, size_t *n);
/* Lay @text into lines of @width columns from (@row, @left), broken at spaces and line ends. @a NULL: only
 * count. Return: lines. */
int text_wrap(const struct area *a, int row, int left, int width, struct style s, const char *text);

/* Columns that @text takes. */
int text_width(const char *text);
/* Columns of a code point: 0 combining, 1, 2; -1 = not to be shown. */
int glyph_width(uint32_t ch);
/* Decode one code point of @s (terminated). Return: bytes taken (at least 1 unless at the end: 0); invalid
 * ones give U+FFFD. */
size_t utf8_next(const char *s, uint32_t *ch);
size_t utf8_put(uint32_t ch, char out[5]);

/* The text, one line a row, without spaces at the ends. */
void canvas_dump(const struct canvas *c, struct buf *out);
/* The styles, one letter a cell ('.' = default style), and behind a blank line the list of what the letters
 * mean. */
void canvas_dump_styles(const struct canvas *c, struct buf *out);

#endif
