/* What the files of ui/vt share; nobody else includes it but the tests. */
#ifndef UI_VT_INTERNAL_H
#define UI_VT_INTERNAL_H

#include "ui/vt/vt.h"

#define VT_PARAMS_MAX 32
#define VT_PARAM_LIMIT 65535 /* larger parameters count as this */

/* A row of a screen. @len >= the screen's columns: what is beyond is hidden by a narrower screen and dropped
 * at the first change of the row. Among the visible cells each wide one has its second half, and the other
 * way round. */
struct vt_row {
	struct vt_cell *cells;
	int len, cap;
	bool wrapped; /* it goes on in the next row */
	uint64_t gen;
};

struct vt_pen {
	uint32_t fg, bg;
	uint16_t attrs;
};

/* What DECSC saves. */
struct vt_saved {
	int row, col;
	bool pending, origin;
	struct vt_pen pen;
	char charset[4];
	uint8_t gl;
};

/* A UTF-8 decoder between two bytes. */
struct vt_utf8 {
	uint32_t cp;    /* bits collected so far */
	uint8_t need;   /* continuation bytes missing */
	uint8_t lo, hi; /* what the next one may be */
};

enum vt_utf8_result {
	VT_UTF8_MORE,  /* the character goes on */
	VT_UTF8_CHAR,  /* it is in cp */
	VT_UTF8_BAD,   /* this byte cannot start one */
	VT_UTF8_RETRY, /* the bytes before were bad; feed this one again */
};

enum vt_state {
	VT_GROUND,
	VT_ESC,       /* after ESC */
	VT_ESC_INTER, /* ESC and an intermediate */
	VT_CSI_ENTRY, /* ESC [ */
	VT_CSI,       /* and parameters */
	VT_CSI_INTER,
	VT_CSI_IGNORE,
	VT_OSC,
	VT_OSC_PALETTE, /* the Linux console's ESC ] P, seven hex digits and no end mark */
	VT_STRING,      /* DCS, SOS, PM, APC, screen's title: swallowed to the end mark */
};

struct vt_parser {
	enum vt_state state;
	char marker;   /* one of < = > ? at the start of a CSI, or 0 */
	char inter[2]; /* intermediates */
	uint8_t ninter;
	uint8_t nparam; /* at least 1 in a CSI */
	uint32_t sub;   /* bit i: parameter i follows a colon */
	uint32_t param[VT_PARAMS_MAX];
	char osc[VT_TITLE_MAX + 8];
	int osc_len;
	bool osc_open; /* ESC seen in an OSC: a backslash completes it */
	int palette_left;

	struct vt_utf8 utf8;
};

struct vt {
	int rows, cols;
	struct vt_row *grid; /* the visible one of main and alt */
	struct vt_row *main, *alt;
	int top, bottom; /* scrolling margins, both inclusive */

	int row, col;
	bool pending; /* the last column is written, the next character wraps */
	struct vt_pen pen;
	char charset[4]; /* G0 to G3: '0' DEC graphics, 'A' UK, else ASCII */
	uint8_t gl;
	int8_t single_shift;      /* 2 or 3 for one character, else 0 */
	uint32_t last;            /* what REP repeats, or 0 */
	struct vt_saved saved[2]; /* of main and alt */
	struct vt_modes modes;
	bool tabs[VT_COLS_MAX];

	struct vt_line *scroll;                    /* a ring of scroll_max lines */
	int scroll_max, scroll_count, scroll_head; /* head: the oldest */
	int scroll_shrunk; /* how many of the newest came from making the screen smaller */
	uint64_t scroll_total;

	char title[VT_TITLE_MAX];
	uint64_t bells, gen;
	char out[VT_OUTPUT_MAX];
	size_t out_len;
	struct vt_parser parser;
};

/* width.c: columns of a code point: 2, 1, 0 (combines), -1: not to be shown (controls, direction marks). */
int vt_width(uint32_t cp);

/* grid.c; ranges are [from, to) and must lie inside the screen. */
void vt_grid_init(struct vt *vt, int rows, int cols);
void vt_grid_done(struct vt *vt);
void vt_grid_resize(struct vt *vt, int rows, int cols);
void vt_grid_touch_all(struct vt *vt);
void vt_grid_put(struct vt *vt, int row, int col, uint32_t cp, int width);
void vt_grid_combine(struct vt *vt, int row, int col, uint32_t cp);
void vt_grid_fill(struct vt *vt, uint32_t cp);
void vt_grid_erase(struct vt *vt, int row, int from, int to);
void vt_grid_erase_rows(struct vt *vt, int from, int to);
void vt_grid_insert(struct vt *vt, int row, int col, int n);
void vt_grid_delete(struct vt *vt, int row, int col, int n);
/* Move the rows top..bottom (inclusive) up by @n, or down by -@n. @keep: rows that leave the main screen at
 * its top go to the scrollback. */
void vt_grid_scroll(struct vt *vt, int top, int bottom, int n, bool keep);
void vt_scroll_clear(struct vt *vt);

/* vt.c */
void vt_print(struct vt *vt, uint32_t cp);
void vt_control(struct vt *vt, uint8_t c);
void vt_escape(struct vt *vt, uint8_t final);  /* intermediates are in the parser */
void vt_osc(struct vt *vt);                    /* text is in the parser */
void vt_goto(struct vt *vt, int row, int col); /* clipped to the screen; ends a pending wrap */
void vt_index(struct vt *vt);
void vt_save_cursor(struct vt *vt);
void vt_restore_cursor(struct vt *vt);
void vt_soft_reset(struct vt *vt);
void vt_tab(struct vt *vt, int n); /* negative: back */

/* Print the last character @n times more. */
void vt_repeat(struct vt *vt, int n);

/* parse.c */
enum vt_utf8_result vt_utf8(struct vt_utf8 *u, uint8_t c);

/* vt.c: @cp as up to four bytes of UTF-8. Return: how many. */
size_t vt_utf8_put(uint32_t cp, char *out);

/* csi.c */
void vt_csi(struct vt *vt, uint8_t final);

/* Answer the guest; dropped when there is no room for all of it. */
void vt_reply(struct vt *vt, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* sgr.c: select graphic rendition, from the parser's parameters. */
void vt_sgr(struct vt *vt);

#endif
