/* Control sequences, ESC [ ... final. ECMA-48 for the plain ones, the VT220 manual and xterm's ctlseqs for
 * others. */
#include "ui/vt/internal.h"

#include "src/base/cleanup.h"

/* Parameter @i; missing or 0 gives @def. */
static int arg(const struct vt *vt, int i, int def)
{
	const struct vt_parser *p = &vt->parser;
	return i < p->nparam && p->param[i] ? (int)p->param[i] : def;
}

static int first(const struct vt *vt)
{
	return arg(vt, 0, 1);
}

/* Cursor */

static int home_row(const struct vt *vt)
{
	return vt->modes.origin ? vt->top : 0;
}

/* By row and column from the origin, which may be the top margin. */
static void position(struct vt *vt, int row, int col)
{
	int last = vt->modes.origin ? vt->bottom : vt->rows - 1;
	row += home_row(vt);
	vt_goto(vt, row > last ? last : row, col);
}

/* Up (-) or down, stopped by a margin unless it lies behind. */
static void vertical(struct vt *vt, int n)
{
	int low = vt->row >= vt->top ? vt->top : 0;
	int high = vt->row <= vt->bottom ? vt->bottom : vt->rows - 1;
	int row = vt->row + n;
	vt_goto(vt, row < low ? low : row > high ? high : row, vt->col);
}

static void cuu(struct vt *vt)
{
	vertical(vt, -first(vt));
}

static void cud(struct vt *vt)
{
	vertical(vt, first(vt));
}

static void cuf(struct vt *vt)
{
	vt_goto(vt, vt->row, vt->col + first(vt));
}

static void cub(struct vt *vt)
{
	vt_goto(vt, vt->row, vt->col - first(vt));
}

static void cnl(struct vt *vt)
{
	cud(vt);
	vt->col = 0;
}

static void cpl(struct vt *vt)
{
	cuu(vt);
	vt->col = 0;
}

static void cha(struct vt *vt)
{
	vt_goto(vt, vt->row, first(vt) - 1);
}

static void cup(struct vt *vt)
{
	position(vt, first(vt) - 1, arg(vt, 1, 1) - 1);
}

static void vpa(struct vt *vt)
{
	position(vt, first(vt) - 1, vt->col);
}

static void vpr(struct vt *vt)
{
	position(vt, vt->row - home_row(vt) + first(vt), vt->col);
}

static void cht(struct vt *vt)
{
	vt_tab(vt, first(vt));
}

static void cbt(struct vt *vt)
{
	vt_tab(vt, -first(vt));
}

static void tbc(struct vt *vt)
{
	int what = arg(vt, 0, 0);
	if (what == 0)
		vt->tabs[vt->col] = false;
	for (int i = 0; what == 3 && i < VT_COLS_MAX; i++)
		vt->tabs[i] = false;
}

static void decstbm(struct vt *vt)
{
	int top = first(vt), bottom = arg(vt, 1, vt->rows);
	if (bottom > vt->rows)
		bottom = vt->rows;
	if (top >= bottom)
		return;
	vt->top = top - 1;
	vt->bottom = bottom - 1;
	position(vt, 0, 0);
}

/* Erasing and shifting */

static void erase_display(struct vt *vt)
{
	int what = arg(vt, 0, 0);
	if (what == 3) {
		vt_scroll_clear(vt);
		return;
	}
	if (what > 2)
		return;
	vt->pending = false;
	if (what == 0) {
		vt_grid_erase(vt, vt->row, vt->col, vt->cols);
		vt_grid_erase_rows(vt, vt->row + 1, vt->rows);
	} else if (what == 1) {
		vt_grid_erase_rows(vt, 0, vt->row);
		vt_grid_erase(vt, vt->row, 0, vt->col + 1);
	} else {
		vt_grid_erase_rows(vt, 0, vt->rows);
	}
}

static void erase_line(struct vt *vt)
{
	int what = arg(vt, 0, 0);
	if (what > 2)
		return;
	vt->pending = false;
	vt_grid_erase(vt, vt->row, what == 0 ? vt->col : 0, what == 1 ? vt->col + 1 : vt->cols);
}

static void ech(struct vt *vt)
{
	int to = vt->col + first(vt);
	vt->pending = false;
	vt_grid_erase(vt, vt->row, vt->col, to > vt->cols ? vt->cols : to);
}

static void ich(struct vt *vt)
{
	vt->pending = false;
	vt_grid_insert(vt, vt->row, vt->col, first(vt));
}

static void dch(struct vt *vt)
{
	vt->pending = false;
	vt_grid_delete(vt, vt->row, vt->col, first(vt));
}

static void shift_lines(struct vt *vt, int up)
{
	if (vt->row < vt->top || vt->row > vt->bottom)
		return;
	vt->pending = false;
	vt_grid_scroll(vt, vt->row, vt->bottom, up, false);
}

static void il(struct vt *vt)
{
	shift_lines(vt, -first(vt));
}

static void dl(struct vt *vt)
{
	shift_lines(vt, first(vt));
}

static void su(struct vt *vt)
{
	vt_grid_scroll(vt, vt->top, vt->bottom, first(vt), true);
}

static void sd(struct vt *vt)
{
	if (vt->parser.nparam == 1) /* with more it is xterm's highlight tracking */
		vt_grid_scroll(vt, vt->top, vt->bottom, -first(vt), false);
}

/* A line's worth is what programs use it for; more would be work for nothing. */
static void rep(struct vt *vt)
{
	int n = first(vt);
	vt_repeat(vt, n > vt->cols ? vt->cols : n);
}

/* Modes */

enum special { PLAIN, ORIGIN, AUTOWRAP, REVERSE, MOUSE, ALT, ALT_CLEAR, ALT_CURSOR, CURSOR };

#define MODE(field) PLAIN, offsetof(struct vt_modes, field)

static const struct mode {
	char marker;
	uint16_t number;
	enum special special;
	size_t field; /* of a PLAIN one; of MOUSE, which */
} modes[] = {
    {0, 4, MODE(insert)},
    {0, 20, MODE(newline)},
    {'?', 1, MODE(cursor_keys)},
    {'?', 5, REVERSE, 0},
    {'?', 6, ORIGIN, 0},
    {'?', 7, AUTOWRAP, 0},
    {'?', 12, MODE(cursor_blink)},
    {'?', 25, MODE(cursor_visible)},
    {'?', 47, ALT, 0},
    {'?', 66, MODE(keypad)},
    {'?', 67, MODE(backarrow)},
    {'?', 1000, MOUSE, VT_MOUSE_CLICK},
    {'?', 1002, MOUSE, VT_MOUSE_DRAG},
    {'?', 1003, MOUSE, VT_MOUSE_ANY},
    {'?', 1004, MODE(focus)},
    {'?', 1006, MODE(mouse_sgr)},
    {'?', 1047, ALT_CLEAR, 0},
    {'?', 1048, CURSOR, 0},
    {'?', 1049, ALT_CURSOR, 0},
    {'?', 2004, MODE(bracketed_paste)},
};

static const struct mode *find_mode(char marker, uint32_t number)
{
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
		if (modes[i].marker == marker && modes[i].number == number)
			return &modes[i];
	return NULL;
}

static bool *mode_flag(struct vt *vt, const struct mode *m)
{
	return (bool *)((char *)&vt->modes + m->field);
}

/* To the alternate screen and back. @clear: what the alternate one showed goes. */
static void switch_screen(struct vt *vt, bool alt, bool clear)
{
	if (alt == vt->modes.alt_screen)
		return;
	if (clear && !alt)
		vt_grid_erase_rows(vt, 0, vt->rows);
	vt->modes.alt_screen = alt;
	vt->grid = alt ? vt->alt : vt->main;
	vt_grid_touch_all(vt);
}

/* 1049: save the cursor, switch, clear; and back. */
static void alt_with_cursor(struct vt *vt, bool on)
{
	if (on == vt->modes.alt_screen)
		return;
	if (on)
		vt_save_cursor(vt);
	switch_screen(vt, on, false);
	if (on)
		vt_grid_erase_rows(vt, 0, vt->rows);
	else
		vt_restore_cursor(vt);
}

static void set_mode(struct vt *vt, const struct mode *m, bool on)
{
	switch (m->special) {
	case PLAIN:
		*mode_flag(vt, m) = on;
		break;
	case ORIGIN:
		vt->modes.origin = on;
		position(vt, 0, 0);
		break;
	case AUTOWRAP:
		vt->modes.autowrap = on;
		vt->pending = vt->pending && on;
		break;
	case REVERSE:
		if (vt->modes.reverse_screen != on)
			vt_grid_touch_all(vt);
		vt->modes.reverse_screen = on;
		break;
	case MOUSE:
		vt->modes.mouse = on ? (enum vt_mouse_mode)m->field : VT_MOUSE_NONE;
		break;
	case ALT:
		switch_screen(vt, on, false);
		break;
	case ALT_CLEAR:
		switch_screen(vt, on, true);
		break;
	case ALT_CURSOR:
		alt_with_cursor(vt, on);
		break;
	case CURSOR:
		if (on)
			vt_save_cursor(vt);
		else
			vt_restore_cursor(vt);
		break;
	}
}

static void set_modes(struct vt *vt, bool on)
{
	for (int i = 0; i < vt->parser.nparam; i++) {
		const struct mode *m = find_mode(vt->parser.marker, vt->parser.param[i]);
		if (m)
			set_mode(vt, m, on);
	}
}

static void sm(struct vt *vt)
{
	set_modes(vt, true);
}

static void rm(struct vt *vt)
{
	set_modes(vt, false);
}

static bool mode_is_on(struct vt *vt, const struct mode *m)
{
	switch (m->special) {
	case PLAIN:
		return *mode_flag(vt, m);
	case ORIGIN:
		return vt->modes.origin;
	case AUTOWRAP:
		return vt->modes.autowrap;
	case REVERSE:
		return vt->modes.reverse_screen;
	case MOUSE:
		return vt->modes.mouse == (enum vt_mouse_mode)m->field;
	case ALT:
	case ALT_CLEAR:
	case ALT_CURSOR:
		return vt->modes.alt_screen;
	case CURSOR:
		return false;
	}
	return false;
}

static void decscusr(struct vt *vt)
{
	static const enum vt_cursor_shape shapes[] = {VT_CURSOR_BLOCK, VT_CURSOR_UNDERLINE, VT_CURSOR_BAR};
	int n = first(vt); /* 1 and 2 block, 3 and 4 underline, 5 and 6 bar; odd ones blink */
	if (n > 6)
		return;
	vt->modes.cursor_shape = shapes[(n - 1) / 2];
	vt->modes.cursor_blink = n % 2;
}

/* Reports. A title is never reported: the guest's text would be typed into the guest. */

static void decrqm(struct vt *vt)
{
	const struct vt_parser *p = &vt->parser;
	const struct mode *m = find_mode(p->marker, p->param[0]);
	vt_reply(vt, "\033[%s%u;%d$y", p->marker ? "?" : "", (unsigned)p->param[0],
		 !m                  ? 0
		 : mode_is_on(vt, m) ? 1
				     : 2);
}

static void da1(struct vt *vt)
{
	if (!vt->parser.param[0])
		vt_reply(vt, "\033[?62;22c"); /* a VT220 with ANSI colour */
}

static void da2(struct vt *vt)
{
	if (!vt->parser.param[0])
		vt_reply(vt, "\033[>1;10;0c");
}

static void dsr(struct vt *vt)
{
	const char *mark = vt->parser.marker ? "?" : "";
	int what = arg(vt, 0, 0);
	if (what == 5 && !vt->parser.marker)
		vt_reply(vt, "\033[0n");
	else if (what == 6)
		vt_reply(vt, "\033[%s%d;%dR", mark, vt->row - home_row(vt) + 1, vt->col + 1);
}

static void window(struct vt *vt)
{
	if (vt->parser.param[0] == 18)
		vt_reply(vt, "\033[8;%d;%dt", vt->rows, vt->cols);
}

static const struct {
	char marker, inter, final;
	void (*run)(struct vt *vt);
} sequences[] = {
    {0, 0, '@', ich},
    {0, 0, 'A', cuu},
    {0, 0, 'B', cud},
    {0, 0, 'C', cuf},
    {0, 0, 'D', cub},
    {0, 0, 'E', cnl},
    {0, 0, 'F', cpl},
    {0, 0, 'G', cha},
    {0, 0, 'H', cup},
    {0, 0, 'I', cht},
    {0, 0, 'J', erase_display},
    {0, 0, 'K', erase_line},
    {0, 0, 'L', il},
    {0, 0, 'M', dl},
    {0, 0, 'P', dch},
    {0, 0, 'S', su},
    {0, 0, 'T', sd},
    {0, 0, 'X', ech},
    {0, 0, 'Z', cbt},
    {0, 0, '^', sd},
    {0, 0, '`', cha},
    {0, 0, 'a', cuf},
    {0, 0, 'b', rep},
    {0, 0, 'c', da1},
    {0, 0, 'd', vpa},
    {0, 0, 'e', vpr},
    {0, 0, 'f', cup},
    {0, 0, 'g', tbc},
    {0, 0, 'h', sm},
    {0, 0, 'l', rm},
    {0, 0, 'm', vt_sgr},
    {0, 0, 'n', dsr},
    {0, 0, 'r', decstbm},
    {0, 0, 's', vt_save_cursor},
    {0, 0, 't', window},
    {0, 0, 'u', vt_restore_cursor},
    {0, ' ', 'q', decscusr},
    {0, '!', 'p', vt_soft_reset},
    {0, '$', 'p', decrqm},
    {'?', 0, 'J', erase_display}, /* nothing is protected here */
    {'?', 0, 'K', erase_line},
    {'?', 0, 'h', sm},
    {'?', 0, 'l', rm},
    {'?', 0, 'n', dsr},
    {'?', '$', 'p', decrqm},
    {'>', 0, 'c', da2},
};

void vt_csi(struct vt *vt, uint8_t final)
{
	const struct vt_parser *p = &vt->parser;
	char inter = p->ninter ? p->inter[0] : 0;
	for (size_t i = 0; i < ARRAY_SIZE(sequences); i++)
		if (sequences[i].final == (char) final && sequences[i].marker == p->marker &&
		    sequences[i].inter == inter) {
			sequences[i].run(vt);
			return;
		}
}
