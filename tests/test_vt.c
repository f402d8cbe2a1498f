/* ui/vt: bytes in, screen out; any bytes, any cut, any size. */
#include "tests/testlib.h"

#include <stdlib.h>
#include <string.h>

#include "src/base/cleanup.h"
#include "src/base/str.h"
#include "ui/vt/keys.h"
#include "ui/vt/vt.h"

static void feed(struct vt *vt, const char *s)
{
	vt_feed(vt, s, strlen(s));
}

/* The screen as rows without trailing blanks, joined by '|', trailing empty rows left out. */
static char *screen_text(const struct vt *vt)
{
	struct buf b = {0};
	size_t keep = 0;
	for (int r = 0; r < vt_rows(vt); r++) {
		size_t row_end;
		if (r)
			buf_puts(&b, "|");
		row_end = b.len;
		for (int c = 0; c < vt_cols(vt); c++) {
			char t[VT_CELL_TEXT];
			buf_add(&b, t, vt_cell_text(vt_cell(vt, r, c), t));
			if (vt_cell(vt, r, c)->ch[0])
				keep = row_end = b.len;
		}
		b.len = row_end;
	}
	b.len = keep;
	if (b.s)
		b.s[keep] = 0;
	return buf_take(&b);
}

/* On a screen of 5 rows and 10 columns: input, text, cursor. */
static const struct {
	const char *name, *in, *text;
	int row, col;
} screens[] = {
    {"plain text", "ab\r\ncd", "ab|cd", 1, 2},
    {"wrap is pending at the margin", "0123456789", "0123456789", 0, 9},
    {"wrap at the next character", "0123456789a", "0123456789|a", 1, 1},
    {"CR ends a pending wrap", "0123456789\rX", "X123456789", 0, 1},
    {"erasing ends a pending wrap", "0123456789\033[KX", "012345678X", 0, 9},
    {"no autowrap overwrites the last", "\033[?7l0123456789ab", "012345678b", 0, 9},
    {"backspace", "abc\b\bX", "aXc", 0, 2},
    {"tabs", "\ta\033[1;1H\033[3gb\tc", "b       ac", 0, 9},
    {"set a tab", "\033[4G\033H\r\tx", "   x", 0, 4},
    {"back tab", "\033[10Gx\033[2Zy", "y        x", 0, 1},
    {"scroll", "1\r\n2\r\n3\r\n4\r\n5\r\n6", "2|3|4|5|6", 4, 1},
    {"reverse index at the top", "1\r\n2\033[H\033MX", "X|1|2", 0, 1},
    {"cup and clip", "\033[99;99HX", "||||         X", 4, 9},
    {"relative moves", "\033[3;3Ha\033[Ab\033[2Dc\033[Bd", "|  cb|  ad", 2, 4},
    {"cnl, cpl, cha, vpa", "\033[2Ea\033[Fb\033[5Gc\033[4dd", "|b   c|a|     d", 3, 6},
    {"ED 0", "aaa\r\nbbb\033[1;2H\033[J", "a", 0, 1},
    {"ED 1", "aaa\r\nbbb\033[2;2H\033[1J", "|  b", 1, 1},
    {"ED 2 stays", "aaa\033[2J", "", 0, 3},
    {"EL 1", "abcd\033[1;2H\033[1K", "  cd", 0, 1},
    {"ECH", "abcd\033[1;2H\033[2X", "a  d", 0, 1},
    {"ICH", "abcd\033[1;2H\033[2@", "a  bcd", 0, 1},
    {"DCH", "abcd\033[1;2H\033[2P", "ad", 0, 1},
    {"IL, DL", "1\r\n2\r\n3\033[1;1H\033[2L\033[4;1H\033[M", "||1|3", 3, 0},
    {"margins scroll inside", "1\r\n2\r\n3\r\n4\r\n5\033[2;4r\033[4;1H\nX", "1|3|4|X|5", 3, 1},
    {"SU, SD", "1\r\n2\r\n3\033[S\033[2;5r\033[T", "2||3", 0, 0},
    {"origin mode", "\033[2;4r\033[?6hA\033[9;1HB", "|A||B", 3, 1},
    {"bad margins are ignored", "\033[4;2r\033[9;9HX", "||||        X", 4, 9},
    {"REP", "ab\033[3b", "abbbb", 0, 5},
    {"REP is a line at most", "a\033[60000b", "aaaaaaaaaa|a", 1, 1},
    {"insert mode", "abc\r\033[4hXY\033[4lZ", "XYZbc", 0, 3},
    {"line drawing", "\033(0lqk\033(Bq\016q\033)0q\017q", "┌─┐qq─q", 0, 7},
    {"single shift", "\033*0\033Nqq", "─q", 0, 2},
    {"save, restore", "\033[2;2H\0337\033[Ha\0338b", "a| b", 1, 2},
    {"DECALN", "\033#8\033[2;5H\033[J", "EEEEEEEEEE|EEEE", 1, 4},
    {"RIS", "abc\033[31m\033[2;3r\033cX", "X", 0, 1},
    {"alternate screen", "abc\033[?1049hxyz\033[?1049ld", "abcd", 0, 4},
    {"alternate screen is clear again", "\033[?1049hxyz\033[?1049l\033[?1049h", "", 0, 0},
    {"47 keeps it", "\033[?47hxyz\033[?47l\033[?47h", "xyz", 0, 3},
    {"wide", "中文", "中文", 0, 4},
    {"wide wraps whole", "012345678中", "012345678|中", 1, 2},
    {"overwritten wide loses both halves", "中\033[1;2Hx", " x", 0, 2},
    {"erased wide loses both halves", "a中b\033[1;2H\033[X", "a  b", 0, 1},
    {"inserting parts a wide one", "中b\033[1;2H\033[@", "   b", 0, 1},
    {"combining", "e\314\201x", "e\314\201x", 0, 2},
    {"combining at the margin", "012345678e\314\201x", "012345678e\314\201|x", 1, 1},
    {"too many combining", "e\314\201\314\202\314\203\314\204\314\205x", "e\314\201\314\202\314\203x", 0, 2},
    {"no direction marks", "a\342\200\256b", "ab", 0, 2},
    {"C1 in UTF-8 are nothing",
     "a\302\233"
     "31mb",
     "a31mb", 0, 5},
    {"bad UTF-8", "\377\300\200\342\202x\355\240\200",
     "\357\277\275\357\277\275\357\277\275\357\277\275x"
     "\357\277\275\357\277\275\357\277\275",
     0, 8},
    {"UTF-8 cut by an escape", "\342\202\033[2Cx", "\357\277\275  x", 0, 4},
    {"controls within a sequence", "ab\033[1\b\rCx", "ax", 0, 2},
    {"CAN ends a sequence", "\033[31\030m", "m", 0, 1},
    {"ESC starts over", "\033[3\033[2Cx", "  x", 0, 3},
    {"strings are swallowed", "a\033Pq#0~~\033\\b\033_x\033\\c\033^x\033\\d\033Xx\033\\e\033kt\033\\f",
     "abcdef", 0, 6},
    {"OSC ends with BEL or ST", "\033]52;c;YWJj\aa\033]8;;http://x\033\\b\033]3008;start\033\\c", "abc", 0,
     3},
    {"Linux palette has no end", "\033]P1ff00ffa\033]Rb", "ab", 0, 2},
    {"unknown sequences are ignored", "\033[?2026h\033[>4;2m\033[=1c\033[1;2;3~\033%G\033[<ua\033[1;2\"qb",
     "ab", 0, 2},
    {"marker in the middle", "\033[1?2Ja", "a", 0, 1},
};

START_TEST(sequences_give_the_screen)
{
	struct vt *vt = vt_new(5, 10, 10);
	feed(vt, screens[_i].in);
	AUTO_FREE char *text = screen_text(vt);
	int row, col;
	vt_cursor(vt, &row, &col);
	ck_assert_msg(str_eq(text, screens[_i].text) && row == screens[_i].row && col == screens[_i].col,
		      "%s: '%s' at %d,%d; expected '%s' at %d,%d", screens[_i].name, text, row, col,
		      screens[_i].text, screens[_i].row, screens[_i].col);
	vt_free(vt);
}
END_TEST

static const struct {
	const char *sgr;
	uint16_t attrs;
	uint32_t fg, bg;
} pens[] = {
    {"1;2;3;4;5;7;8;9", 0xff, VT_DEFAULT, VT_DEFAULT},
    {"1;4;0", 0, VT_DEFAULT, VT_DEFAULT},
    {"1;2;22;7;27;4;24", 0, VT_DEFAULT, VT_DEFAULT},
    {"21", VT_UNDERLINE, VT_DEFAULT, VT_DEFAULT},
    {"4:3", VT_UNDERLINE, VT_DEFAULT, VT_DEFAULT},
    {"4;4:0", 0, VT_DEFAULT, VT_DEFAULT},
    {"31;42", 0, VT_INDEXED | 1, VT_INDEXED | 2},
    {"97;100", 0, VT_INDEXED | 15, VT_INDEXED | 8},
    {"31;39;42;49", 0, VT_DEFAULT, VT_DEFAULT},
    {"38;5;200;48;5;16", 0, VT_INDEXED | 200, VT_INDEXED | 16},
    {"38;2;1;2;3;1", VT_BOLD, VT_RGB | 0x010203, VT_DEFAULT},
    {"38:2::1:2:3;48:2:4:5:6", 0, VT_RGB | 0x010203, VT_RGB | 0x040506},
    {"38:5:7;1", VT_BOLD, VT_INDEXED | 7, VT_DEFAULT},
    {"58;5;1;7", VT_REVERSE, VT_DEFAULT, VT_DEFAULT},
    {"58:2::1:2:3;7", VT_REVERSE, VT_DEFAULT, VT_DEFAULT},
    {"38;5;256", 0, VT_DEFAULT, VT_DEFAULT},
    {"38;2;1;2", 0, VT_DEFAULT, VT_DEFAULT},
    {"38", 0, VT_DEFAULT, VT_DEFAULT},
    {"", 0, VT_DEFAULT, VT_DEFAULT},
};

START_TEST(sgr_gives_attributes)
{
	struct vt *vt = vt_new(2, 10, 0);
	char in[64];
	snprintf(in, sizeof(in), "\033[%smx", pens[_i].sgr);
	feed(vt, in);
	const struct vt_cell *c = vt_cell(vt, 0, 0);
	ck_assert_msg(c->attrs == pens[_i].attrs && c->fg == pens[_i].fg && c->bg == pens[_i].bg,
		      "SGR %s gives %x, %x on %x", pens[_i].sgr, c->attrs, c->fg, c->bg);
	vt_free(vt);
}
END_TEST

START_TEST(erasing_takes_the_background)
{
	struct vt *vt = vt_new(3, 4, 0);
	feed(vt, "\033[44;7m\033[2J\033[m\033[K");
	ck_assert_uint_eq(vt_cell(vt, 0, 0)->bg, VT_DEFAULT);
	ck_assert_uint_eq(vt_cell(vt, 2, 3)->bg, VT_INDEXED | 4);
	ck_assert_uint_eq(vt_cell(vt, 2, 3)->attrs, 0);
	vt_free(vt);
}
END_TEST

/* What the guest is told. On 24 x 80. */
static const struct {
	const char *in, *out;
} replies[] = {
    {"\033[c", "\033[?62;22c"},
    {"\033Z", "\033[?62;22c"},
    {"\033[>c", "\033[>1;10;0c"},
    {"\033[5n", "\033[0n"},
    {"\033[3;7H\033[6n", "\033[3;7R"},
    {"\033[3;7H\033[?6n", "\033[?3;7R"},
    {"\033[3;9r\033[?6h\033[2;2H\033[6n", "\033[2;2R"},
    {"\033[999;999H\033[6n", "\033[24;80R"},
    {"\033[18t", "\033[8;24;80t"},
    {"\033[?7$p\033[?1$p\033[4$p\033[?9999$p", "\033[?7;1$y\033[?1;2$y\033[4;2$y\033[?9999;0$y"},
    {"\033]0;rm -rf /\a\033[21t\033[20t", ""},
    {"\033P$qm\033\\\033]52;c;?\a\033]11;?\a\005", ""},
};

START_TEST(reports_answer_the_guest)
{
	struct vt *vt = vt_new(24, 80, 0);
	char out[VT_OUTPUT_MAX];
	feed(vt, replies[_i].in);
	size_t n = vt_output(vt, out, sizeof(out));
	ck_assert_msg(n == strlen(replies[_i].out) && !memcmp(out, replies[_i].out, n), "case %d: '%.*s'", _i,
		      (int)n, out);
	vt_free(vt);
}
END_TEST

START_TEST(output_is_bounded_and_drains)
{
	struct vt *vt = vt_new(24, 80, 0);
	char out[VT_OUTPUT_MAX + 1];
	for (int i = 0; i < 1000; i++)
		feed(vt, "\033[6n");
	size_t n = vt_output(vt, out, 3);
	ck_assert_uint_eq(n, 3);
	n = vt_output(vt, out, sizeof(out));
	ck_assert_uint_le(n, VT_OUTPUT_MAX);
	ck_assert_mem_eq(out + n - 3, ";1R", 3);
	ck_assert_uint_eq(vt_output(vt, out, sizeof(out)), 0);
	vt_free(vt);
}
END_TEST

START_TEST(title_is_sanitised)
{
	struct vt *vt = vt_new(24, 80, 0);
	feed(vt, "\033]2;a\302\233b\342\200\256c\377\304\200\033\\");
	ck_assert_str_eq(vt_title(vt), "abc\304\200");
	feed(vt, "\033]1;icon\a\033]0x\a\033]2;lost\033[m\007");
	ck_assert_str_eq(vt_title(vt), "abc\304\200");
	feed(vt, "\033]0;");
	for (int i = 0; i < 1000; i++)
		feed(vt, "\304\200");
	feed(vt, "\a\a");
	ck_assert_uint_lt(strlen(vt_title(vt)), VT_TITLE_MAX);
	ck_assert_uint_eq(vt_bells(vt), 2);
	vt_free(vt);
}
END_TEST

START_TEST(modes_are_seen)
{
	struct vt *vt = vt_new(24, 80, 0);
	const struct vt_modes *m = vt_modes(vt);
	feed(vt, "\033[?1;5;6;1002;1004;1006;2004;1049h\033[?7;25l\033[4;20h\033=\033[6 q");
	ck_assert(m->cursor_keys && m->reverse_screen && m->origin && m->focus && m->mouse_sgr && m->keypad);
	ck_assert(m->bracketed_paste && m->alt_screen && m->insert && m->newline);
	ck_assert(!m->autowrap && !m->cursor_visible && !m->cursor_blink);
	ck_assert_int_eq(m->mouse, VT_MOUSE_DRAG);
	ck_assert_int_eq(m->cursor_shape, VT_CURSOR_BAR);
	feed(vt, "\033[!p");
	ck_assert(!m->cursor_keys && !m->origin && !m->insert && m->autowrap && m->cursor_visible);
	feed(vt, "\033c");
	ck_assert(!m->alt_screen && !m->mouse && !m->bracketed_paste && !m->reverse_screen);
	vt_free(vt);
}
END_TEST

static char *line_text(const struct vt *vt, int i)
{
	const struct vt_line *l = vt_scroll_line(vt, i);
	struct buf b = {0};
	for (int c = 0; l && c < l->len; c++) {
		char t[VT_CELL_TEXT];
		buf_add(&b, t, vt_cell_text(&l->cells[c], t));
	}
	return buf_take(&b);
}

static void expect_lines(const struct vt *vt, const char *first, const char *last, int count)
{
	AUTO_FREE char *a = line_text(vt, 0);
	AUTO_FREE char *z = line_text(vt, vt_scroll_count(vt) - 1);
	ck_assert_int_eq(vt_scroll_count(vt), count);
	ck_assert_str_eq(a, first);
	ck_assert_str_eq(z, last);
}

START_TEST(scrollback_keeps_the_newest)
{
	struct vt *vt = vt_new(3, 10, 4);
	for (int i = 1; i <= 20; i++) {
		char s[32];
		snprintf(s, sizeof(s), "line %d\r\n", i);
		feed(vt, s);
	}
	expect_lines(vt, "line 15", "line 18", 4);
	ck_assert_uint_eq(vt_scroll_total(vt), 18);
	feed(vt, "\033[?1049h\n\n\n\n\n\033[5S\033[?1049l");
	ck_assert_uint_eq(vt_scroll_total(vt), 18);
	feed(vt, "\033[2;3r\033[3;1H\n\n\033[r");
	ck_assert_uint_eq(vt_scroll_total(vt), 18);
	feed(vt, "\033[1;2r\033[2;1H\n\033[r");
	ck_assert_uint_eq(vt_scroll_total(vt), 19);
	feed(vt, "\033[3J");
	ck_assert_int_eq(vt_scroll_count(vt), 0);
	ck_assert_ptr_null(vt_scroll_line(vt, 0));
	vt_free(vt);
}
END_TEST

START_TEST(wrapped_lines_are_marked)
{
	struct vt *vt = vt_new(2, 4, 10);
	feed(vt, "abcdef\r\ng\r\nh\r\ni");
	ck_assert(vt_scroll_line(vt, 0)->wrapped);
	ck_assert(!vt_scroll_line(vt, 1)->wrapped);
	vt_free(vt);
}
END_TEST

START_TEST(resize_gives_back_what_it_took)
{
	struct vt *vt = vt_new(5, 10, 10);
	feed(vt, "one\r\ntwo\r\nthree\r\nfour\r\nfive 6789");
	AUTO_FREE char *before = screen_text(vt);
	vt_resize(vt, 2, 4);
	AUTO_FREE char *small = screen_text(vt);
	ck_assert_str_eq(small, "four|five");
	expect_lines(vt, "one", "three", 3);
	vt_resize(vt, 5, 10);
	AUTO_FREE char *after = screen_text(vt);
	ck_assert_str_eq(after, before);
	ck_assert_int_eq(vt_scroll_count(vt), 0);
	vt_free(vt);
}
END_TEST

START_TEST(resize_keeps_the_cursor_line)
{
	struct vt *vt = vt_new(5, 10, 10);
	feed(vt, "1\r\n2\r\n3\r\n4\r\n5\033[2;1H");
	vt_resize(vt, 2, 10);
	AUTO_FREE char *text = screen_text(vt);
	ck_assert_str_eq(text, "2|3");
	int row, col;
	vt_cursor(vt, &row, &col);
	ck_assert_int_eq(row, 0);
	vt_resize(vt, 1, 1);
	vt_resize(vt, 7, 7);
	feed(vt, "x\033[1;1Hy");
	vt_resize(vt, -5, 1000000);
	ck_assert_int_eq(vt_rows(vt), 1);
	ck_assert_int_eq(vt_cols(vt), VT_COLS_MAX);
	vt_free(vt);
}
END_TEST

START_TEST(generations_tell_what_changed)
{
	struct vt *vt = vt_new(4, 10, 0);
	feed(vt, "a\r\nb");
	uint64_t seen = vt_gen(vt);
	feed(vt, "\033[3;1H");
	ck_assert_uint_gt(vt_gen(vt), seen);
	for (int r = 0; r < 4; r++)
		ck_assert_uint_le(vt_row_gen(vt, r), seen);
	feed(vt, "x");
	for (int r = 0; r < 4; r++)
		ck_assert_int_eq(vt_row_gen(vt, r) > seen, r == 2);
	seen = vt_gen(vt);
	feed(vt, "\033[?5h");
	for (int r = 0; r < 4; r++)
		ck_assert_uint_gt(vt_row_gen(vt, r), seen);
	vt_free(vt);
}
END_TEST

/* The inputs that hang libvterm 0.1.4 or corrupt its memory, each as chunks; asan watches in `make asan`. */
static const struct {
	const char *name, *chunk[4];
	int rows, cols, then_rows, then_cols;
	const char *text;
} traps[] = {
    {"REP before any glyph", {"\033[3b", "x"}, 5, 10, 0, 0, "x"},
    {"UTF-8 cut at the end of a chunk",
     {"\342\202", "text\342\202", "\254"},
     5,
     10,
     0,
     0,
     "\357\277\275text€"},
    {"DECRQSS", {"\033P$q x..\033\\ok"}, 5, 10, 0, 0, "ok"},
    {"20 parameters", {"\033[1;2;3;4;5;6;7;8;9;10;11;12;13;14;15;16;17;18;19;20mok"}, 5, 10, 0, 0, "ok"},
    {"40 parameters", {"\033[;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;::::mok"}, 5, 10, 0, 0, "ok"},
    {"size after output", {"1\r\n2\r\n3\r\n4\r\n5", "\033[2A\033MX\033[9;9HY"}, 5, 10, 2, 3, " X|4 Y"},
    {"wide in one column", {"中文\033[1;1H中\033[@\033[P"}, 2, 1, 0, 0, NULL},
};

START_TEST(what_breaks_libvterm_is_harmless)
{
	struct vt *vt = vt_new(traps[_i].rows, traps[_i].cols, 10);
	for (int i = 0; i < 4 && traps[_i].chunk[i]; i++) {
		feed(vt, traps[_i].chunk[i]);
		if (traps[_i].then_rows)
			vt_resize(vt, traps[_i].then_rows, traps[_i].then_cols);
	}
	AUTO_FREE char *text = screen_text(vt);
	if (traps[_i].text)
		ck_assert_msg(str_eq(text, traps[_i].text), "%s: '%s'", traps[_i].name, text);
	vt_free(vt);
}
END_TEST

static const struct {
	uint32_t key;
	unsigned mods;
	const char *modes, *bytes;
} keys[] = {
    {'a', 0, "", "a"},
    {0x20ac, VT_ALT, "", "\033€"},
    {'c', VT_CTRL, "", "\003"},
    {'C', VT_CTRL | VT_SHIFT, "", "\003"},
    {'[', VT_CTRL, "", "\033"},
    {'i', VT_CTRL, "", "\t"},
    {'_', VT_CTRL, "", "\037"},
    {'x', VT_CTRL | VT_ALT, "", "\033\030"},
    {VT_KEY_UP, 0, "", "\033[A"},
    {VT_KEY_UP, 0, "\033[?1h", "\033OA"},
    {VT_KEY_UP, VT_CTRL, "\033[?1h", "\033[1;5A"},
    {VT_KEY_HOME, 0, "", "\033[H"},
    {VT_KEY_END, VT_SHIFT, "", "\033[1;2F"},
    {VT_KEY_PGUP, 0, "", "\033[5~"},
    {VT_KEY_DELETE, VT_ALT, "", "\033[3;3~"},
    {VT_KEY_F(1), 0, "", "\033OP"},
    {VT_KEY_F(4), VT_SHIFT, "", "\033[1;2S"},
    {VT_KEY_F(5), 0, "", "\033[15~"},
    {VT_KEY_F(20), 0, "", "\033[34~"},
    {VT_KEY_F(21), 0, "", ""},
    {VT_KEY_TAB, 0, "", "\t"},
    {VT_KEY_TAB, VT_SHIFT, "", "\033[Z"},
    {VT_KEY_BACKTAB, VT_SHIFT, "", "\033[Z"},
    {VT_KEY_BACKSPACE, 0, "", "\177"},
    {VT_KEY_BACKSPACE, 0, "\033[?67h", "\b"},
    {VT_KEY_BACKSPACE, VT_ALT, "", "\033\177"},
    {VT_KEY_ENTER, 0, "", "\r"},
    {VT_KEY_ENTER, 0, "\033[20h", "\r\n"},
    {VT_KEY_ESCAPE, 0, "", "\033"},
    {VT_KEY_KP_0 + 5, 0, "", "5"},
    {VT_KEY_KP_0 + 5, 0, "\033=", "\033Ou"},
    {VT_KEY_KP_ENTER, 0, "", "\r"},
    {VT_KEY_KP_ENTER, 0, "\033=", "\033OM"},
    {0xd800, 0, "", ""},
    {0xffffffff, 0, "", ""},
};

START_TEST(keys_send_what_the_modes_say)
{
	struct vt *vt = vt_new(24, 80, 0);
	char out[VT_KEYS_MAX + 1];
	feed(vt, keys[_i].modes);
	out[vt_key(vt, keys[_i].key, keys[_i].mods, out)] = 0;
	ck_assert_msg(str_eq(out, keys[_i].bytes), "key %x with %u: '%s'", keys[_i].key, keys[_i].mods, out);
	vt_free(vt);
}
END_TEST

static const struct {
	const char *modes;
	struct vt_mouse ev;
	const char *bytes;
} mice[] = {
    {"", {VT_MOUSE_PRESS, VT_BUTTON_LEFT, 0, 0, 0}, ""},
    {"\033[?1000h", {VT_MOUSE_PRESS, VT_BUTTON_LEFT, 0, 1, 2}, "\033[M #\""},
    {"\033[?1000h", {VT_MOUSE_RELEASE, VT_BUTTON_LEFT, 0, 1, 2}, "\033[M##\""},
    {"\033[?1000;1006h", {VT_MOUSE_RELEASE, VT_BUTTON_RIGHT, VT_CTRL, 1, 2}, "\033[<18;3;2m"},
    {"\033[?1000;1006h", {VT_MOUSE_PRESS, VT_BUTTON_WHEEL_DOWN, 0, 99, -3}, "\033[<65;1;24M"},
    {"\033[?1000;1006h", {VT_MOUSE_RELEASE, VT_BUTTON_WHEEL_DOWN, 0, 1, 1}, ""},
    {"\033[?1000;1006h", {VT_MOUSE_MOVE, VT_BUTTON_LEFT, 0, 1, 1}, ""},
    {"\033[?1002;1006h", {VT_MOUSE_MOVE, VT_BUTTON_LEFT, 0, 1, 1}, "\033[<32;2;2M"},
    {"\033[?1002;1006h", {VT_MOUSE_MOVE, VT_BUTTON_NONE, 0, 1, 1}, ""},
    {"\033[?1003;1006h", {VT_MOUSE_MOVE, VT_BUTTON_NONE, 0, 1, 1}, "\033[<35;2;2M"},
    {"\033[?1000h", {VT_MOUSE_PRESS, VT_BUTTON_LEFT, 0, 0, 250}, ""},
};

START_TEST(mouse_is_reported_as_asked)
{
	struct vt *vt = vt_new(24, 300, 0);
	char out[VT_KEYS_MAX + 1];
	feed(vt, mice[_i].modes);
	out[vt_mouse(vt, &mice[_i].ev, out)] = 0;
	ck_assert_msg(str_eq(out, mice[_i].bytes), "case %d: '%s'", _i, out);
	vt_free(vt);
}
END_TEST

START_TEST(pasted_text_stays_in_its_brackets)
{
	struct vt *vt = vt_new(24, 80, 0);
	const char *text = "a\r\nb\n\tc\033[201~\033[31m\033\033[201~[201~\302\233\003ü";
	AUTO_BUF struct buf plain = {0}, bracketed = {0};
	vt_paste(vt, text, strlen(text), &plain);
	ck_assert_str_eq(buf_text(&plain), "a\rb\r\tc[31m[201~ü");
	feed(vt, "\033[?2004h");
	vt_paste(vt, text, strlen(text), &bracketed);
	ck_assert_str_eq(buf_text(&bracketed), "\033[200~a\rb\r\tc[31m[201~ü\033[201~");
	vt_free(vt);
}
END_TEST

/* Whether two terminals show, know and would answer the same. */
static void expect_equal(struct vt *a, struct vt *b, unsigned seed)
{
	char out_a[VT_OUTPUT_MAX], out_b[VT_OUTPUT_MAX];
	for (int r = 0; r < vt_rows(a); r++)
		for (int c = 0; c < vt_cols(a); c++)
			ck_assert_msg(
			    !memcmp(vt_cell(a, r, c), vt_cell(b, r, c), offsetof(struct vt_cell, width) + 1),
			    "seed %u: cell %d,%d differs", seed, r, c);
	ck_assert_int_eq(vt_scroll_count(a), vt_scroll_count(b));
	ck_assert_str_eq(vt_title(a), vt_title(b));
	ck_assert_mem_eq(vt_modes(a), vt_modes(b), sizeof(*vt_modes(a)));
	size_t n = vt_output(a, out_a, sizeof(out_a));
	ck_assert_uint_eq(vt_output(b, out_b, sizeof(out_b)), n);
	ck_assert_mem_eq(out_a, out_b, n);
}

/* Bytes as a broken guest might send them: mostly pieces of sequences. */
static size_t noise(unsigned *seed, char *out, size_t n)
{
	static const char *const pieces[] = {
	    "\033[",  "\033]0;", "\a",   "\033\\",   "\033",
	    ";",      ":",       "?",    "1",        "38",
	    "5",      "2",       "m",    "H",        "J",
	    "K",      "r",       "b",    "h",        "l",
	    "6n",     "1049",    "中",   "\314\201", "\360\237\230\200",
	    "abc",    "\r\n",    "\t",   "\b",       "@",
	    "P",      "L",       "M",    "S",        "T",
	    "\033(0", "\016",    "\017", "\033P",    "\033M",
	    "\033#8", "4h",      "X",    "\033]P",
	};
	size_t len = 0;
	while (len + 8 < n) {
		if (rand_r(seed) % 8 == 0) {
			out[len++] = (char)rand_r(seed);
			continue;
		}
		const char *p = pieces[rand_r(seed) % ARRAY_SIZE(pieces)];
		memcpy(out + len, p, strlen(p));
		len += strlen(p);
	}
	return len;
}

START_TEST(cuts_make_no_difference)
{
	for (unsigned seed = 1; seed <= 300; seed++) {
		unsigned s = seed;
		char in[600];
		size_t n = noise(&s, in, sizeof(in));
		struct vt *a = vt_new(5, 12, 20), *b = vt_new(5, 12, 20);
		vt_feed(a, in, n);
		for (size_t i = 0, k; i < n; i += k) {
			k = 1 + rand_r(&s) % 4;
			k = k < n - i ? k : n - i;
			vt_feed(b, in + i, k);
		}
		expect_equal(a, b, seed);
		vt_free(a);
		vt_free(b);
	}
}
END_TEST

START_TEST(resize_storms_keep_the_grid_whole)
{
	unsigned s = 7;
	char in[100];
	struct vt *vt = vt_new(5, 12, 20);
	for (int i = 0; i < 3000; i++) {
		vt_feed(vt, in, noise(&s, in, sizeof(in)));
		vt_resize(vt, rand_r(&s) % 12, rand_r(&s) % 30);
		int row, col;
		vt_cursor(vt, &row, &col);
		ck_assert(row >= 0 && row < vt_rows(vt) && col >= 0 && col < vt_cols(vt));
		for (int r = 0; r < vt_rows(vt); r++)
			for (int c = 0; c < vt_cols(vt); c++) {
				bool wide = vt_cell(vt, r, c)->width == 2;
				bool tail = vt_cell(vt, r, c + 1)->width == 0;
				ck_assert_msg(wide == tail, "turn %d: half a wide character at %d,%d", i, r,
					      c);
			}
	}
	vt_free(vt);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("vt");
	TCase *t = tcase_create("vt");
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, sequences_give_the_screen, 0, ARRAY_SIZE(screens));
	tcase_add_loop_test(t, sgr_gives_attributes, 0, ARRAY_SIZE(pens));
	tcase_add_test(t, erasing_takes_the_background);
	tcase_add_loop_test(t, reports_answer_the_guest, 0, ARRAY_SIZE(replies));
	tcase_add_test(t, output_is_bounded_and_drains);
	tcase_add_test(t, title_is_sanitised);
	tcase_add_test(t, modes_are_seen);
	tcase_add_test(t, scrollback_keeps_the_newest);
	tcase_add_test(t, wrapped_lines_are_marked);
	tcase_add_test(t, resize_gives_back_what_it_took);
	tcase_add_test(t, resize_keeps_the_cursor_line);
	tcase_add_test(t, generations_tell_what_changed);
	tcase_add_loop_test(t, what_breaks_libvterm_is_harmless, 0, ARRAY_SIZE(traps));
	tcase_add_loop_test(t, keys_send_what_the_modes_say, 0, ARRAY_SIZE(keys));
	tcase_add_loop_test(t, mouse_is_reported_as_asked, 0, ARRAY_SIZE(mice));
	tcase_add_test(t, pasted_text_stays_in_its_brackets);
	tcase_add_test(t, cuts_make_no_difference);
	tcase_add_test(t, resize_storms_keep_the_grid_whole);
	suite_add_tcase(s, t);
	return test_main(s);
}
