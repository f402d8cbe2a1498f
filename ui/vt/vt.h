/* A terminal emulator that hostile bytes cannot hurt: it turns what a guest writes to its serial console into
 * a grid of cells, and answers what the guest asks of its terminal.
 *
 * Any byte stream is safe; memory is bounded by the size and scrollback given, time by bytes fed times cells
 * on the screen. Nothing that a guest sends reaches the user's own terminal but through cells and the
 * sanitised title. What it understands: VT100/VT220, the Linux console and the usual xterm functions; UTF-8
 * always, C1 as ESC only. One vt belongs to one thread. Rows and columns count from 0. */
#ifndef UI_VT_VT_H
#define UI_VT_VT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VT_ROWS_MAX 1000
#define VT_COLS_MAX 1000
#define VT_CELL_CHARS 4    /* a base character and up to three combining ones */
#define VT_TITLE_MAX 256   /* bytes, terminating 0 included */
#define VT_OUTPUT_MAX 1024 /* bytes of answers that wait for vt_output() */

/* A colour: VT_DEFAULT, VT_INDEXED | 0..255, or VT_RGB | 0xRRGGBB. Equal colours are equal numbers. */
#define VT_DEFAULT 0u
#define VT_INDEXED 0x01000000u
#define VT_RGB 0x02000000u

enum vt_attr {
	VT_BOLD = 1 << 0,
	VT_DIM = 1 << 1,
	VT_ITALIC = 1 << 2,
	VT_UNDERLINE = 1 << 3, /* double and curly ones too */
	VT_BLINK = 1 << 4,
	VT_REVERSE = 1 << 5,
	VT_HIDDEN = 1 << 6,
	VT_STRIKE = 1 << 7,
};

struct vt_cell {
	uint32_t
	    ch[VT_CELL_CHARS]; /* code points, 0-terminated when fewer; ch[0] == 0: blank, never a control */
	uint32_t fg, bg;       /* colours, see above */
	uint16_t attrs;        /* enum vt_attr */
	uint8_t width;         /* 1; 2: also covers the next column; 0: the second half of a wide one */
};

enum vt_cursor_shape { VT_CURSOR_BLOCK, VT_CURSOR_UNDERLINE, VT_CURSOR_BAR };

enum vt_mouse_mode {
	VT_MOUSE_NONE,
	VT_MOUSE_CLICK, /* 1000: press and release */
	VT_MOUSE_DRAG,  /* 1002: and motion while a button is held */
	VT_MOUSE_ANY,   /* 1003: and all motion */
};

/* What the guest has switched on or off. The first block matters for keys.h, the second for drawing. */
struct vt_modes {
	bool cursor_keys; /* DECCKM: arrows send ESC O x */
	bool keypad;      /* DECKPAM/DECNKM: the keypad sends ESC O x */
	bool newline;     /* LNM: Enter sends CR LF */
	bool backarrow;   /* DECBKM: backspace sends BS, not DEL */
	bool bracketed_paste;
	bool focus; /* 1004: wants ESC [ I and ESC [ O */
	bool mouse_sgr;
	enum vt_mouse_mode mouse;

	bool alt_screen;
	bool reverse_screen; /* DECSCNM: swap default foreground and background everywhere */
	bool cursor_visible;
	bool cursor_blink;
	enum vt_cursor_shape cursor_shape;

	bool insert, origin, autowrap;
};

struct vt;

/* A terminal of @rows x @cols cells (each clipped to 1..VT_*_MAX) that keeps @scrollback_lines lines (0:
 * none) that leave at the top. No memory ends the process (x_malloc). */
struct vt *vt_new(int rows, int cols, int scrollback_lines);
void vt_free(struct vt *vt);

/* Take @n bytes from the guest. How a stream is cut into calls makes no difference to the result. Work is at
 * most proportional to @n times the number of cells, so feed a few KiB at a time and drain vt_output() in
 * between. */
void vt_feed(struct vt *vt, const void *bytes, size_t n);

/* Change the size (clipped as in vt_new). The line with the cursor stays visible: when rows get fewer, blank
 * lines below the cursor go first, then lines at the top move to the scrollback, from where growing takes
 * them back. Lines are not re-wrapped: what gets too wide is hidden, and shown again by widening if the line
 * did not change. */
void vt_resize(struct vt *vt, int rows, int cols);

/* As switched off and on: empty screen, default modes. The scrollback stays, the pending output goes. */
void vt_reset(struct vt *vt);

int vt_rows(const struct vt *vt);
int vt_cols(const struct vt *vt);

/* The cell at @row, @col of the visible screen; one outside of it is a blank one. Never NULL; valid until the
 * next vt_feed, vt_resize, vt_reset or vt_free. */
const struct vt_cell *vt_cell(const struct vt *vt, int row, int col);

/* Where the cursor is, always inside the screen (on the last column while a wrap is pending). */
void vt_cursor(const struct vt *vt, int *row, int *col);

const struct vt_modes *vt_modes(const struct vt *vt);

/* The title that the guest has set: valid UTF-8 without control or direction-changing characters, "" at
 * first. */
const char *vt_title(const struct vt *vt);

/* How often BEL was rung since vt_new. */
uint64_t vt_bells(const struct vt *vt);

/* What has changed: every call that may change something raises vt_gen(). Remember its value when you draw;
 * later, rows with vt_row_gen() above that value have to be drawn again. Moving the cursor or changing a mode
 * or the title raises only vt_gen(); reverse_screen, size and screen switches raise that of all rows. */
uint64_t vt_gen(const struct vt *vt);
uint64_t vt_row_gen(const struct vt *vt, int row);

/* Does @row go on in the next row, because it was too long? */
bool vt_row_wrapped(const struct vt *vt, int row);

/* Lines that have left at the top of the main screen. */
struct vt_line {
	struct vt_cell *cells; /* NULL when @len is 0 */
	int len;               /* what is beyond is blank; may exceed vt_cols() */
	bool wrapped;          /* it goes on in the next line */
};

int vt_scroll_count(const struct vt *vt);
/* Line @i, 0 the oldest, vt_scroll_count() - 1 the one above the screen; NULL when out of range. Valid until
 * the next vt_feed, vt_resize, vt_reset or vt_free. */
const struct vt_line *vt_scroll_line(const struct vt *vt, int i);
/* How many lines have been added since vt_new, so that a view of older lines can stay where it is. */
uint64_t vt_scroll_total(const struct vt *vt);

/* Take up to @n bytes of answers (cursor reports and the like) that are to be sent to the guest. Return: how
 * many. Answers that find no room in VT_OUTPUT_MAX are dropped whole. */
size_t vt_output(struct vt *vt, void *out, size_t n);

/* @cell's text as UTF-8, terminated: " " for a blank, "" for the second half of a wide one. Return: its
 * length. */
#define VT_CELL_TEXT (VT_CELL_CHARS * 4 + 1)
size_t vt_cell_text(const struct vt_cell *cell, char out[VT_CELL_TEXT]);

#endif
