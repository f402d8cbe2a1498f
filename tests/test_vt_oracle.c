/* ui/vt against libvterm behind vterm_filter.h: the same bytes give the same screen.
 *
 * The bytes are seeded random sequences. Where the two differ on purpose (we follow xterm), the generator
 * keeps away:
 * - while a wrap is pending only text, CR and SGR follow, as libvterm forgets to end it where the cursor
 * stays;
 * - vertical moves relative to the cursor only without margins: libvterm does not stop at them;
 * - wide characters only in the second generator, which never overwrites or shifts half of one;
 * - what is inserted, deleted or scrolled is at most what there is (columns: less, and between
 *   the margins): libvterm then does nothing;
 * - the cursor's column while a wrap is pending, which libvterm leaves at the start of a wide character;
 * - no mark on the last column: libvterm loses it; DECALN with the default pen and home:
 *   libvterm takes the pen and leaves the cursor and the margins;
 * - the cursor is saved before it is restored, and on the main screen: libvterm has one store for both
 * screens, without character sets and origin mode, and 1049 touches it even when there is no switch;
 * - REP right after its character: the filter repeats bytes, we what they showed in their character set;
 * - no _, y, z, which in line drawing are a blank, U+2264, U+2265 in xterm, and others in libvterm;
 * - blank cells are compared by background only, as libvterm gives them all attributes of the pen.
 * libvterm is never resized, nor asked for what it does not know (dim, hidden, CSI 18t, 3J, 38:2). */
#include "tests/testlib.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/cleanup.h"
#include "src/base/str.h"
#include "tests/vterm_filter.h"
#include "ui/vt/internal.h"

#define RUNS 2000
#define TOKENS 150

struct pair {
	struct vt *ours;
	struct vterm_filter filter;
	VTermScreen *screen;
	VTermPos pos; /* libvterm's cursor */
	unsigned seed;
	int rows, cols;
	struct buf all; /* everything fed */
};

static int on_cursor(VTermPos pos, VTermPos old, int visible, void *user)
{
	((struct pair *)user)->pos = pos;
	return 1;
}

static void pair_init(struct pair *p, unsigned seed)
{
	static const VTermScreenCallbacks callbacks = {.movecursor = on_cursor};
	*p = (struct pair){.seed = seed};
	p->rows = 3 + rand_r(&p->seed) % 10;
	p->cols = 8 + rand_r(&p->seed) % 30;
	p->ours = vt_new(p->rows, p->cols, 50);
	p->filter = (struct vterm_filter){.vt = vterm_new(p->rows, p->cols), .cols = p->cols};
	vterm_set_utf8(p->filter.vt, 1);
	p->screen = vterm_obtain_screen(p->filter.vt);
	vterm_screen_set_callbacks(p->screen, &callbacks, p);
	vterm_screen_enable_altscreen(p->screen, 1);
	vterm_screen_reset(p->screen, 1);
}

static void pair_done(struct pair *p)
{
	vt_free(p->ours);
	vterm_free(p->filter.vt);
	buf_done(&p->all);
}

static int pick(struct pair *p, int n)
{
	return rand_r(&p->seed) % n;
}

static void send(struct pair *p, const char *s)
{
	vt_feed(p->ours, s, strlen(s));
	filter_write(&p->filter, s, strlen(s));
	buf_puts(&p->all, s);
}

static void sendf(struct pair *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void sendf(struct pair *p, const char *fmt, ...)
{
	char s[64];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(s, sizeof(s), fmt, ap);
	va_end(ap);
	send(p, s);
}

static uint32_t colour(const VTermColor *c, bool is_default)
{
	if (is_default)
		return VT_DEFAULT;
	if (VTERM_COLOR_IS_INDEXED(c))
		return VT_INDEXED | c->indexed.idx;
	return VT_RGB | (uint32_t)c->rgb.red << 16 | (uint32_t)c->rgb.green << 8 | c->rgb.blue;
}

static unsigned attributes(const VTermScreenCell *c)
{
	return (c->attrs.bold ? VT_BOLD : 0u) | (c->attrs.italic ? VT_ITALIC : 0u) |
	       (c->attrs.underline ? VT_UNDERLINE : 0u) | (c->attrs.blink ? VT_BLINK : 0u) |
	       (c->attrs.reverse ? VT_REVERSE : 0u) | (c->attrs.strike ? VT_STRIKE : 0u);
}

/* The end of the input with escapes made visible. */
static char *readable(const struct pair *p)
{
	struct buf b = {0};
	for (size_t i = p->all.len > 300 ? p->all.len - 300 : 0; i < p->all.len; i++) {
		unsigned char c = (unsigned char)p->all.s[i];
		buf_printf(&b, c < 0x20 ? "\\%03o" : "%c", c);
	}
	return buf_take(&b);
}

static void expect_same_cell(const struct pair *p, int row, int col)
{
	const struct vt_cell *a = vt_cell(p->ours, row, col);
	VTermScreenCell b;
	vterm_screen_get_cell(p->screen, (VTermPos){row, col}, &b);
	bool tail = b.chars[0] == (uint32_t)-1;
	bool same = tail == (a->width == 0) && (tail || a->ch[0] == b.chars[0]) &&
		    colour(&b.bg, VTERM_COLOR_IS_DEFAULT_BG(&b.bg)) == a->bg;
	if (same && a->ch[0] && !tail)
		same = colour(&b.fg, VTERM_COLOR_IS_DEFAULT_FG(&b.fg)) == a->fg &&
		       attributes(&b) == a->attrs && a->width == b.width && a->ch[1] == b.chars[1];
	if (same)
		return;
	AUTO_FREE char *in = readable(p);
	ck_abort_msg(
	    "%dx%d, cell %d,%d: U+%04x %x on %x attrs %x width %d; libvterm: U+%04x %x on %x attrs %x "
	    "width %d after: %s",
	    p->rows, p->cols, row, col, a->ch[0], a->fg, a->bg, a->attrs, a->width, b.chars[0],
	    colour(&b.fg, VTERM_COLOR_IS_DEFAULT_FG(&b.fg)), colour(&b.bg, VTERM_COLOR_IS_DEFAULT_BG(&b.bg)),
	    attributes(&b), b.width, in);
}

static void expect_same(const struct pair *p)
{
	int row, col;
	for (row = 0; row < p->rows; row++)
		for (col = 0; col < p->cols; col++)
			expect_same_cell(p, row, col);
	vt_cursor(p->ours, &row, &col);
	if (row != p->pos.row || (col != p->pos.col && !p->ours->pending)) {
		AUTO_FREE char *in = readable(p);
		ck_abort_msg("%dx%d: cursor %d,%d; libvterm: %d,%d after: %s", p->rows, p->cols, row, col,
			     p->pos.row, p->pos.col, in);
	}
}

static void text(struct pair *p)
{
	char s[16];
	int n = 1 + pick(p, 14);
	for (int i = 0; i < n; i++) {
		s[i] = (char)(' ' + pick(p, 95));
		s[i] = strchr("_yz", s[i]) ? '-' : s[i];
	}
	s[n] = 0;
	send(p, s);
}

static void sgr(struct pair *p)
{
	static const int simple[] = {0, 1, 3, 4, 5, 7, 9, 22, 23, 24, 25, 27, 29, 39, 49};
	switch (pick(p, 5)) {
	case 0:
		sendf(p, "\033[%d;%dm", 30 + pick(p, 8), 40 + pick(p, 8));
		break;
	case 1:
		sendf(p, "\033[%d;%dm", 90 + pick(p, 8), 100 + pick(p, 8));
		break;
	case 2:
		sendf(p, "\033[38;5;%d;48;2;%d;%d;%dm", pick(p, 256), pick(p, 256), pick(p, 256),
		      pick(p, 256));
		break;
	default:
		sendf(p, "\033[%dm", simple[pick(p, ARRAY_SIZE(simple))]);
	}
}

static bool margins(const struct pair *p)
{
	return p->ours->top > 0 || p->ours->bottom < p->rows - 1;
}

static void move(struct pair *p)
{
	static const char horizontal[] = "CDG`aIZ", vertical[] = "ABEF";
	int n = pick(p, p->cols + 2);
	if (pick(p, 2))
		sendf(p, "\033[%d;%dH", pick(p, p->rows + 2), n);
	else if (pick(p, 2) || margins(p))
		sendf(p, "\033[%d%c", n, horizontal[pick(p, sizeof(horizontal) - 1)]);
	else
		sendf(p, "\033[%d%c", n, vertical[pick(p, sizeof(vertical) - 1)]);
}

static void margin(struct pair *p)
{
	int top = 1 + pick(p, p->rows - 1);
	if (pick(p, 3))
		sendf(p, "\033[%d;%dr", top, top + 1 + pick(p, p->rows - top));
	else
		send(p, "\033[r");
}

static void edit(struct pair *p)
{
	int right = p->cols - p->ours->col, down = p->ours->bottom - p->ours->row + 1;
	switch (pick(p, 4)) {
	case 0:
		sendf(p, "\033[%d%c", pick(p, 3), "JK"[pick(p, 2)]);
		break;
	case 1:
		sendf(p, pick(p, 2) ? "\033[%dX" : "q\033[%db", pick(p, p->cols));
		break;
	case 2:
		if (right > 1 && down > 0 && p->ours->row >= p->ours->top)
			sendf(p, "\033[%d%c", 1 + pick(p, right - 1), "@P"[pick(p, 2)]);
		break;
	default:
		if (pick(p, 2) && down > 0)
			sendf(p, "\033[%d%c", 1 + pick(p, down), "LM"[pick(p, 2)]);
		else
			sendf(p, "\033[%d%c", 1 + pick(p, p->ours->bottom - p->ours->top + 1),
			      "ST"[pick(p, 2)]);
	}
}

static void other(struct pair *p)
{
	static const char *const fixed[] = {
	    "\r\n",        "\n",          "\r",       "\b",
	    "\t",          "\033M",       "\033D",    "\033E",
	    "\0337",       "\0338",       "\033H",    "\033[g",
	    "\033[4h",     "\033[4l",     "\033[?7l", "\033[?7h",
	    "\033[?6h",    "\033[?6l",    "\033(0",   "\033(B",
	    "\033)0",      "\016",        "\017",     "\033[?6l\033[r\033[m\033#8\033[H",
	    "\033[?1049h", "\033[?1049l", "\v",       "\a",
	    "\033[20h",    "\033[20l",
	};
	const char *s = fixed[pick(p, ARRAY_SIZE(fixed))];
	bool save = str_eq(s, "\0337"), restore = str_eq(s, "\0338"), leave = str_eq(s, "\033[?1049l");
	if ((save || restore) && p->ours->modes.alt_screen)
		return;
	bool enter = str_eq(s, "\033[?1049h");
	if ((save || enter) && p->ours->modes.origin)
		return;
	if ((enter && p->ours->modes.alt_screen) || (leave && !p->ours->modes.alt_screen))
		return;
	if (restore || leave)
		send(p, "\033[?6l");
	send(p, s);
	if (restore || leave)
		send(p, "\017\033(B\033)B");
}

START_TEST(narrow_text_and_everything)
{
	for (unsigned run = 1; run <= RUNS; run++) {
		struct pair p;
		pair_init(&p, run);
		for (int i = 0; i < TOKENS; i++) {
			int what = i ? pick(&p, 10) : 10;
			if (p.ours->pending)
				what = what < 5 ? 0 : 9;
			if (p.ours->pending && pick(&p, 3) == 0)
				send(&p, "\r");
			else if (what == 10)
				send(&p, "\0337");
			else if (what < 3)
				text(&p);
			else if (what < 5)
				move(&p);
			else if (what < 6)
				edit(&p);
			else if (what < 7)
				other(&p);
			else if (what < 8 && pick(&p, 3) == 0)
				margin(&p);
			else
				sgr(&p);
			expect_same(&p);
		}
		pair_done(&p);
	}
}
END_TEST

/* Wide and combining characters: text, line ends, whole lines erased and scrolled. */
START_TEST(wide_and_combining_text)
{
	static const char *const pieces[] = {
	    "a",         "xyz ",
	    "中",        "文字",
	    "ｆ",        "가",
	    "e\314\201", "o\314\210\314\201",
	    "ü",         "─│",
	    "\r\n",      "\r\n",
	    "\033[2K\r", "\033[2J\033[H",
	    "\033[S",    "\r\033[L",
	    "\r\033[M",  "\033[31m",
	    "\033[0;7m",
	};
	for (unsigned run = 1; run <= RUNS; run++) {
		struct pair p;
		pair_init(&p, run);
		for (int i = 0; i < TOKENS; i++) {
			const char *s = pieces[pick(&p, ARRAY_SIZE(pieces))];
			if (s[0] == '\r' || (s[0] == 033 && s[strlen(s) - 1] != 'm')) {
				send(&p, "\r");
				if (p.ours->grid[p.ours->row].cells[0].ch[0])
					send(&p, "\033[2K");
			} else if (strcmp(s, "\r\n") && p.ours->row == p.rows - 1 && p.ours->pending) {
				send(&p, "\r\033[2K");
			}
			if (strstr(s, "\314") && !p.ours->pending && p.ours->col == p.cols - 1)
				continue;
			send(&p, s);
			expect_same(&p);
		}
		pair_done(&p);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("vt_oracle");
	TCase *t = tcase_create("vt_oracle");
	tcase_set_timeout(t, 120);
	tcase_add_test(t, narrow_text_and_everything);
	tcase_add_test(t, wide_and_combining_text);
	suite_add_tcase(s, t);
	return test_main(s);
}
