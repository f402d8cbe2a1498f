/* Theory of operation: curses is given a picture, cell by cell where it differs from the last one, and works
 * out the bytes. Input does not go through curses: bytes are read when poll says so, and input.c knows the
 * sequences; so a terminal that is gone is seen at once, and ESC needs no blocking read.
 *
 * Colours are numbers of vt.h. Direct colour is used when terminfo has RGB, or COLORTERM says truecolor and
 * the entry has 256 colours (then nearest of 256: curses has no way to send more); 16 and 8 take the nearest.
 * Pairs come from alloc_pair(), which recycles the least recently used. */
#include "ui/tui/term.h"

#define NCURSES_WIDECHAR 1
#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <term.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/str.h"
#include "ui/tui/kitty.h"
#include "ui/tui/picture_out.h"

/* Mouse clicks, drags and motion with buttons in SGR form; bracketed paste; and off again. */
#define MODES_ON "\033[?1002h\033[?1006h\033[?2004h"
#define ASK_BACKGROUND "\033]11;?\033\\"
#define MODES_OFF "\033[?1003l\033[?1002l\033[?1006l\033[?2004l"
#define MOTION_ON "\033[?1003h"
#define MOTION_OFF "\033[?1003l\033[?1002h"

static struct {
	bool open, left;
	SCREEN *screen;
	struct termios saved;
	struct sigaction tstp; /* the loop's, while it is not in force */
	int colours;
	bool utf8, direct, all;
	struct canvas shown;
	struct input input;
	enum vt_cursor_shape shape;
	bool knows_modes; /* the terminal is an xterm of some kind: it takes MODES_ON */
	bool motion;      /* MOTION_ON is in force */
	struct picture_out pictures;
} term;

/* What the signal handlers use: complete before they are installed. */
static char restore[512];
static size_t nrestore;
static volatile sig_atomic_t armed;

static const int fatal[] = {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGTERM, SIGHUP, SIGINT, SIGQUIT};

/* Async-signal-safe: write(2), tcsetattr(3) and raise(3) only. */
static void on_fatal(int sig)
{
	if (armed) {
		armed = 0;
		int flags = fcntl(STDOUT_FILENO, F_GETFL);
		fcntl(STDOUT_FILENO, F_SETFL, flags | O_NONBLOCK); /* never hang in a dying terminal */
		if (write(STDOUT_FILENO, restore, nrestore) < 0) {
			/* the terminal is gone: nothing to restore */
		}
		fcntl(STDOUT_FILENO, F_SETFL, flags);
		tcsetattr(STDIN_FILENO, TCSANOW, &term.saved);
	}
	signal(sig, SIG_DFL); /* SA_RESETHAND did it; plain for what was raised inside */
	raise(sig);
}

static void add_restore(const char *cap)
{
	char *s = tigetstr(cap);
	size_t n = s && s != (char *)-1 ? strlen(s) : 0;
	if (!n || nrestore + n >= sizeof(restore))
		return;
	for (size_t i = 0; i < n; i++) { /* padding $<..> is for line printers */
		if (s[i] == '$' && s[i + 1] == '<')
			while (i < n && s[i] != '>')
				i++;
		else
			restore[nrestore++] = s[i];
	}
}

static void prepare_restore(void)
{
	nrestore = 0;
	if (term.knows_modes) {
		strcpy(restore, MODES_OFF);
		nrestore = strlen(restore);
	}
	if (term.pictures.images) {
		AUTO_BUF struct buf out = {0};
		kitty_delete(&out);
		memcpy(restore + nrestore, out.s, out.len);
		nrestore += out.len;
	}
	static const char *const caps[] = {"sgr0", "op", "rmacs", "rmkx", "Se", "cnorm", "rmcup"};
	for (size_t i = 0; i < ARRAY_SIZE(caps); i++)
		add_restore(caps[i]);
}

static void catch_fatal(void)
{
	struct sigaction sa = {.sa_handler = on_fatal, .sa_flags = SA_RESETHAND};
	static char stack[64 * 1024]; /* a stack overflow is a crash too */
	stack_t alt = {.ss_sp = stack, .ss_size = sizeof(stack)};
	if (!sigaltstack(&alt, NULL))
		sa.sa_flags |= SA_ONSTACK;
	for (size_t i = 0; i < ARRAY_SIZE(fatal); i++)
		sigaction(fatal[i], &sa, NULL);
	armed = 1;
}

static void learn_keys(void)
{
	static const struct {
		const char *cap;
		uint32_t code;
	} keys[] = {
	    {"kcuu1", VT_KEY_UP},     {"kcud1", VT_KEY_DOWN},   {"kcuf1", VT_KEY_RIGHT},
	    {"kcub1", VT_KEY_LEFT},   {"khome", VT_KEY_HOME},   {"kend", VT_KEY_END},
	    {"kpp", VT_KEY_PGUP},     {"knp", VT_KEY_PGDN},     {"kich1", VT_KEY_INSERT},
	    {"kdch1", VT_KEY_DELETE}, {"kcbt", VT_KEY_BACKTAB}, {"kent", VT_KEY_ENTER},
	    {"kf1", VT_KEY_F(1)},     {"kf2", VT_KEY_F(2)},     {"kf3", VT_KEY_F(3)},
	    {"kf4", VT_KEY_F(4)},     {"kf5", VT_KEY_F(5)},     {"kf6", VT_KEY_F(6)},
	    {"kf7", VT_KEY_F(7)},     {"kf8", VT_KEY_F(8)},     {"kf9", VT_KEY_F(9)},
	    {"kf10", VT_KEY_F(10)},   {"kf11", VT_KEY_F(11)},   {"kf12", VT_KEY_F(12)},
	};
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		char *s = tigetstr(keys[i].cap);
		if (s && s != (char *)-1)
			input_add(&term.input, s, (struct key){keys[i].code, 0});
	}
}

static void setup_colours(void)
{
	const char *no = getenv("NO_COLOR");
	term.colours = 0;
	term.direct = false;
	if ((no && *no) || !has_colors() || start_color() == ERR)
		return;
	use_default_colors();
	term.direct = tigetflag("RGB") > 0 && COLORS > 256;
	term.colours = term.direct ? 1 << 24 : COLORS >= 256 ? 256 : COLORS >= 16 ? 16 : COLORS >= 8 ? 8 : 0;
}

/* More than curses uses, where the terminal says so. */
static int picture_colours(void)
{
	const char *s = getenv("COLORTERM");
	bool all = s && (!strcmp(s, "truecolor") || !strcmp(s, "24bit"));
	return all && term.colours >= 256 ? 1 << 24 : term.colours;
}

static void write_modes(const char *s)
{
	if (term.knows_modes && write(STDOUT_FILENO, s, strlen(s)) < 0) {
		/* a terminal that is gone is noticed by the next read */
	}
}

static void enter_modes(void)
{
	raw();
	noecho();
	nonl();
	idlok(stdscr, FALSE);
	leaveok(stdscr, FALSE);
	write_modes(MODES_ON);
	term.motion = false;
	term.all = true;
}

/* $TERM, or, when terminfo has not heard of it, what new terminals imitate. NULL: nothing serves. */
static const char *terminal_name(void)
{
	const char *const names[] = {getenv("TERM"), "xterm-256color", "xterm", "ansi"};
	int why;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i] && *names[i] && setupterm(names[i], STDOUT_FILENO, &why) == OK)
			return names[i];
	return NULL;
}

/* The user's locale; when none is set at all, as for root in many places, UTF-8 but on terminals older than
 * that. */
static void set_locale(const char *terminal)
{
	static const char *const vars[] = {"LC_ALL", "LC_CTYPE", "LANG"};
	bool any = false;
	for (size_t i = 0; i < ARRAY_SIZE(vars); i++)
		any |= getenv(vars[i]) && *getenv(vars[i]);
	setlocale(LC_ALL, "");
	if (!any && strncmp(terminal, "vt", 2) && strcmp(terminal, "ansi"))
		setlocale(LC_CTYPE, "C.UTF-8");
	setlocale(LC_NUMERIC, "C");
	term.utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
}

static bool has_cap(const char *cap)
{
	char *s = tigetstr(cap);
	return s && s != (char *)-1;
}

int term_open(struct err *e)
{
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return err_set(e, ENOTTY, "the deck needs a terminal: standard input and output are not one");
	if (tcgetattr(STDIN_FILENO, &term.saved))
		return err_sys(e, errno, "cannot read the terminal's settings");
	const char *name = terminal_name();
	if (!name)
		return err_set(
		    e, EINVAL,
		    "no terminfo entry for the terminal '%s', nor for xterm: is ncurses-base installed?",
		    getenv("TERM") ? getenv("TERM") : "");
	if (!has_cap("cup"))
		return err_set(e, EINVAL,
			       "the terminal '%s' cannot place its cursor: try TERM=xterm-256color", name);
	set_locale(name);
	TERMINAL *asked = cur_term; /* newterm() makes its own */
	term.screen = newterm(name, stdout, stdin);
	if (asked != cur_term)
		del_curterm(asked);
	if (!term.screen)
		return err_set(e, EINVAL, "cannot set up the terminal '%s'", name);
	term.knows_modes = has_cap("kmous");
	term.open = true;
	prepare_restore();
	catch_fatal();
	signal(SIGPIPE, SIG_IGN);
	setup_colours();
	term.pictures = (struct picture_out){.fd = STDOUT_FILENO, .mode = {picture_colours(), term.utf8}};
	learn_keys();
	enter_modes();
	if (term.colours >= 256)
		write_modes(ASK_BACKGROUND); /* the answer, from those who give one, is an event */
	return 0;
}

static void nothing(int sig)
{
}

/* While another program has the terminal: Ctrl-C is for that one only, Ctrl-Z stops both, and it inherits
 * none of our ways (what is caught is reset by exec). */
static void leave_signals(void)
{
	signal(SIGPIPE, SIG_DFL);
	signal(SIGINT, nothing);
	signal(SIGQUIT, nothing);
	sigaction(SIGTSTP, NULL, &term.tstp);
	signal(SIGTSTP, SIG_DFL);
}

static void enter_signals(void)
{
	sigaction(SIGTSTP, &term.tstp, NULL);
	signal(SIGPIPE, SIG_IGN);
	catch_fatal();
}

void term_leave(void)
{
	if (!term.open || term.left)
		return;
	if (term.pictures.images)
		picture_out_delete(&term.pictures, &term.shown);
	picture_out_end(&term.pictures, STDIN_FILENO);
	write_modes(MODES_OFF);
	curs_set(1);
	endwin();
	tcsetattr(STDIN_FILENO, TCSANOW, &term.saved);
	armed = 0;
	leave_signals();
	term.left = true;
}

void term_enter(void)
{
	if (!term.open || !term.left)
		return;
	term.left = false;
	enter_signals();
	reset_prog_mode();
	refresh();
	enter_modes();
}

void term_close(void)
{
	if (!term.open)
		return;
	term_leave();
	for (size_t i = 0; i < ARRAY_SIZE(fatal); i++)
		signal(fatal[i], SIG_DFL);
	delscreen(term.screen);
	canvas_done(&term.shown);
	input_done(&term.input);
	memset(&term, 0, sizeof(term));
}

int term_colours(void)
{
	return term.colours;
}

bool term_utf8(void)
{
	return term.utf8;
}

void term_size(int *rows, int *cols)
{
	struct winsize ws;
	*rows = 24;
	*cols = 80;
	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) && ws.ws_row && ws.ws_col) {
		*rows = ws.ws_row > VT_ROWS_MAX ? VT_ROWS_MAX : ws.ws_row;
		*cols = ws.ws_col > VT_COLS_MAX ? VT_COLS_MAX : ws.ws_col;
	}
}

/* The 16 colours of most terminals, and xterm's cube and greys. */
static uint32_t rgb_of_index(unsigned i)
{
	static const uint32_t low[] = {0x000000, 0xcd0000, 0x00cd00, 0xcdcd00, 0x0000ee, 0xcd00cd,
				       0x00cdcd, 0xe5e5e5, 0x7f7f7f, 0xff0000, 0x00ff00, 0xffff00,
				       0x5c5cff, 0xff00ff, 0x00ffff, 0xffffff};
	if (i < 16)
		return low[i];
	if (i >= 232)
		return (i - 232) * 10 * 0x10101 + 0x080808;
	unsigned v[3] = {(i - 16) / 36, (i - 16) / 6 % 6, (i - 16) % 6};
	for (int k = 0; k < 3; k++)
		v[k] = v[k] ? v[k] * 40 + 55 : 0;
	return v[0] << 16 | v[1] << 8 | v[2];
}

static unsigned distance(uint32_t a, uint32_t b)
{
	int r = (int)(a >> 16 & 255) - (int)(b >> 16 & 255), g = (int)(a >> 8 & 255) - (int)(b >> 8 & 255),
	    l = (int)(a & 255) - (int)(b & 255);
	return 3 * r * r + 4 * g * g + 2 * l * l;
}

static int nearest(uint32_t rgb, unsigned from, unsigned to)
{
	unsigned best = from;
	for (unsigned i = from; i < to; i++)
		if (distance(rgb, rgb_of_index(i)) < distance(rgb, rgb_of_index(best)))
			best = i;
	return best;
}

/* The number that curses wants; -1 = the terminal's own. */
static int colour_number(uint32_t c)
{
	if (c == VT_DEFAULT)
		return -1;
	unsigned idx = c & 0xff;
	bool rgb = c & VT_RGB;
	if (term.direct) {
		uint32_t v = rgb ? c & 0xffffff : rgb_of_index(idx);
		return v < 8 ? (int)idx % 8
			     : (int)v; /* terminfo's -direct entries keep 0..7 for the palette */
	}
	if (rgb)
		return nearest(c & 0xffffff, term.colours == 256 ? 16 : 0, term.colours);
	if ((int)idx < term.colours)
		return idx;
	if (idx < 16)
		return idx - 8; /* bright ones, where there are 8 */
	return nearest(rgb_of_index(idx), 0, term.colours);
}

static attr_t attr_of(const struct style *s, int *pair)
{
	static const attr_t attrs[] = {A_BOLD, A_DIM, A_ITALIC, A_UNDERLINE, A_BLINK, A_REVERSE, A_INVIS, 0};
	attr_t a = 0;
	for (size_t i = 0; i < ARRAY_SIZE(attrs); i++)
		if (s->attrs & (1u << i))
			a |= attrs[i];
	*pair = 0;
	if (!term.colours) {
		if (s->bg != VT_DEFAULT && s->bg != VT_INDEXED /* black */) /* a guest's bar stays a bar */
			a ^= A_REVERSE;
		return a;
	}
	int fg = colour_number(s->fg), bg = colour_number(s->bg);
	if (fg >= 0 && fg == bg && s->fg != s->bg) /* rounding must not hide text */
		fg = bg == 0 ? 7 : 0;
	if (fg >= 0 || bg >= 0)
		*pair = alloc_pair(fg, bg);
	if (*pair < 0)
		*pair = 0;
	if (term.colours == 8 && (s->fg & ~0xffu) == VT_INDEXED && (s->fg & 0xff) >= 8 && (s->fg & 0xff) < 16)
		a |= A_BOLD;
	return a;
}

/* What stands for a glyph where the terminal has no UTF-8: the alternate character set for lines, else ASCII.
 */
static void put_ascii(int row, int col, const struct cell *cell, attr_t a, int pair)
{
	static const struct {
		const char *utf8;
		char acs, ascii;
	} table[] = {
	    {"─", 'q', '-'}, {"│", 'x', '|'}, {"┌", 'l', '+'}, {"┐", 'k', '+'}, {"└", 'm', '+'},
	    {"┘", 'j', '+'}, {"├", 't', '+'}, {"┤", 'u', '+'}, {"┬", 'w', '+'}, {"┴", 'v', '+'},
	    {"┼", 'n', '+'}, {"█", 0, '#'},   {"░", 0, '.'},   {"▁", 0, '_'},   {"▂", 0, '_'},
	    {"▃", 0, '.'},   {"▄", 0, '.'},   {"▅", 0, 'o'},   {"▆", 0, 'o'},   {"▇", 0, '#'},
	    {"…", 0, '~'},   {"▲", 0, '^'},   {"▼", 0, 'v'},   {"●", 0, '*'},   {"·", '~', '.'},
	    {"→", 0, '>'},   {"←", 0, '<'},   {"↑", 0, '^'},   {"↓", 0, 'v'},   {"▶", 0, '>'},
	};
	chtype ch = '?';
	if (!(cell->text[0] & 0x80))
		ch = (unsigned char)cell->text[0];
	for (size_t i = 0; ch == '?' && i < ARRAY_SIZE(table); i++)
		if (!strcmp(table[i].utf8, cell->text))
			ch = table[i].acs && NCURSES_ACS(table[i].acs) ? NCURSES_ACS(table[i].acs)
								       : (unsigned char)table[i].ascii;
	attr_set(a, 0, &pair);
	mvaddch(row, col, ch);
	if (cell->width == 2)
		addch(' ');
}

static void put_wide(int row, int col, const struct cell *cell, attr_t a, int pair)
{
	wchar_t text[VT_CELL_CHARS + 1] = {0};
	cchar_t cc;
	uint32_t ch;
	size_t n = 0;
	for (const char *s = cell->text; n < VT_CELL_CHARS && *s; s += utf8_next(s, &ch), n++) {
		utf8_next(s, &ch);
		text[n] = (wchar_t)ch;
	}
	if (wcwidth(text[0]) != cell->width) /* the terminal would advance by another width */
		wcscpy(text, L"?");
	for (size_t i = 1; i < n; i++)
		if (wcwidth(text[i]) != 0)
			text[i] = 0;
	if (setcchar(&cc, text, a, 0, &pair) == ERR)
		setcchar(&cc, L"?", a, 0, &pair);
	mvadd_wch(row, col, &cc);
	if (cell->width == 2 && text[0] == L'?')
		mvadd_wch(row, col + 1, &cc);
}

static void put_cell(int row, int col, const struct cell *cell)
{
	int pair;
	if (!cell->width)
		return;
	attr_t a = attr_of(&cell->style, &pair);
	if (term.utf8)
		put_wide(row, col, cell, a, pair);
	else
		put_ascii(row, col, cell, a, pair);
}

static void set_shape(enum vt_cursor_shape shape)
{
	char *ss = tigetstr("Ss");
	if (shape == term.shape || !ss || ss == (char *)-1)
		return;
	putp(tiparm(ss, shape == VT_CURSOR_BLOCK ? 2 : shape == VT_CURSOR_UNDERLINE ? 4 : 6));
	term.shape = shape;
}

/* What was a picture: curses knows nothing of it, and takes the line for lost. */
static void forget_row(int row)
{
	wredrawln(stdscr, row, 1);
	for (int i = 0; i < term.shown.cols; i++) {
		struct cell *old = canvas_cell(&term.shown, row, i);
		if (old->style.attrs & CELL_PICTURE)
			old->text[0] = 0; /* another than any */
	}
}

/* The cells of one line that curses draws; those of pictures are blank for it. */
static void draw_row(const struct canvas *c, int r)
{
	static const struct cell blank = {.text = " ", .width = 1};
	bool forgotten = false;
	for (int i = 0; i < c->cols; i++) {
		const struct cell *now = canvas_cell(c, r, i);
		struct cell *old = canvas_cell(&term.shown, r, i);
		bool is = now->style.attrs & CELL_PICTURE, was = old->style.attrs & CELL_PICTURE && !term.all;
		if (old->style.attrs & ~now->style.attrs & CELL_IMAGE)
			term.pictures.gone = true;
		if (is) {
			if (!was) {
				put_cell(r, i, &blank);
				*old = blank;
				old->style.attrs = CELL_PICTURE;
				old->text[0] = 0;
			}
			continue;
		}
		if (!term.all && cell_same(now, old))
			continue;
		if (was && !forgotten) {
			forget_row(r);
			forgotten = true;
		}
		/* both halves of what was or is wide */
		if (i && !now->width && !term.all)
			put_cell(r, i - 1, canvas_cell(c, r, i - 1));
		put_cell(r, i, now);
		*old = *now;
	}
}

void term_draw(const struct canvas *c)
{
	if (!term.open || term.left)
		return;
	if (term.shown.rows != c->rows || term.shown.cols != c->cols) {
		canvas_resize(&term.shown, c->rows, c->cols);
		resizeterm(c->rows, c->cols);
		term.all = true;
	}
	if (term.all) {
		erase();
		clearok(curscr, TRUE);
	}
	for (int r = 0; r < c->rows; r++)
		draw_row(c, r);
	if (term.pictures.images && (term.pictures.gone || term.all))
		picture_out_delete(&term.pictures, &term.shown);
	term.all = false;
	if (c->cursor_row >= 0) {
		move(c->cursor_row, c->cursor_col);
		set_shape(c->cursor_shape);
		curs_set(1);
	} else {
		curs_set(0);
	}
	refresh();
	picture_out_draw(&term.pictures, c, &term.shown);
}

bool term_busy(unsigned *wait_ms)
{
	return picture_out_busy(&term.pictures, wait_ms);
}

void term_answered(void)
{
	picture_out_answered(&term.pictures);
}

void term_ask_images(void)
{
	picture_out_ask(&term.pictures, term.knows_modes ? getenv("TERM") : NULL);
}

void term_images_known(void)
{
	term.pictures.images = true;
	armed = 0;
	prepare_restore();
	armed = 1;
}

void term_cell(int *w, int *h, bool *images)
{
	picture_out_cell(&term.pictures, w, h, images);
}

void term_motion(bool on)
{
	if (on == term.motion || term.left)
		return;
	term.motion = on;
	write_modes(on ? MOTION_ON : MOTION_OFF);
}

void term_redraw(void)
{
	term.all = true;
}

void term_bell(void)
{
	beep();
}

void term_copy(const char *text, size_t n)
{
	AUTO_BUF struct buf out = {0};
	buf_puts(&out, "\033]52;c;");
	buf_base64(&out, text, n);
	buf_puts(&out, "\033\\");
	fflush(stdout);
	fd_write_all(STDOUT_FILENO, out.s, out.len);
}

int term_read(event_fn fn, void *arg)
{
	char bytes[4096];
	ssize_t n = read(STDIN_FILENO, bytes, sizeof(bytes));
	if (n > 0) {
		input_feed(&term.input, bytes, n, fn, arg);
		return 0;
	}
	return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -EIO;
}

bool term_waiting(void)
{
	return input_waiting(&term.input);
}

void term_timeout(event_fn fn, void *arg)
{
	input_timeout(&term.input, fn, arg);
}
