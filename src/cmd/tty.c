#include "src/cmd/tty.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "src/base/cleanup.h"

static struct termios saved;
static volatile sig_atomic_t raw_fd = -1;
static volatile sig_atomic_t alternate; /* the guest switched the alternate screen on */
/* Of the normal and of the alternate screen: how often the guest pushed a mode of the kitty keyboard protocol,
 * and whether it set one. */
static volatile sig_atomic_t kitty_pushed[2], kitty_set[2];
static volatile sig_atomic_t other_keys; /* modifyOtherKeys or formatOtherKeys was asked for */

/* Ways to be ended. SIGKILL cannot be helped. */
static const int deadly[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
static struct sigaction before[ARRAY_SIZE(deadly)];

/* SGR off, ASCII, cursor shown, wrap on, insertion off, cursor keys and keypad normal, mouse, focus and
 * bracketed paste off, reports of size and colours off, keys as Windows has them off. */
static const char reset[] =
	"\033[m\033(B\017\033[?25h\033[?7h\033[4l\033[?1l\033>\033[?9l\033[?1000l\033[?1002l\033[?1003l\033[?1004l"
	"\033[?1005l\033[?1006l\033[?1015l\033[?1016l\033[?2004l\033[?2026l\033[?2031l\033[?2048l\033[?9001l";
static const char leave_alternate[] = "\033[?1049l";
/* Only where they were asked for: a terminal that does not know them might take them for something else. */
static const char reset_other_keys[] = "\033[>4m\033[>4f\033[m";
static const char reset_kitty[] = "\033[=0u";

static void put(int fd, const char *s, size_t n)
{
	ssize_t ignored = write(fd, s, n);
	(void)ignored;
}

/* Take back what the guest pushed and set on the screen that is shown. (kitty, "Comprehensive keyboard
 * handling") */
static void put_kitty_back(int fd, int screen)
{
	int n = kitty_pushed[screen] > 99 ? 99 : kitty_pushed[screen];
	const char pop[] = {'\033', '[', '<', (char)('0' + n / 10), (char)('0' + n % 10), 'u'};
	if (kitty_set[screen])
		put(fd, reset_kitty, sizeof(reset_kitty) - 1);
	if (n)
		put(fd, pop, sizeof(pop));
	kitty_pushed[screen] = kitty_set[screen] = 0;
}

/* Async-signal-safe. */
static void put_back(void)
{
	int fd = raw_fd;
	if (fd < 0)
		return;
	raw_fd = -1;
	put(fd, reset, sizeof(reset) - 1);
	if (other_keys)
		put(fd, reset_other_keys, sizeof(reset_other_keys) - 1);
	if (alternate) {
		put_kitty_back(fd, 1);
		put(fd, leave_alternate, sizeof(leave_alternate) - 1);
	}
	put_kitty_back(fd, 0);
	tcsetattr(fd, TCSAFLUSH, &saved);
}

static void on_signal(int sig)
{
	put_back();
	signal(sig, SIG_DFL);
	raise(sig);
}

int tty_raw(int fd)
{
	struct termios t;
	if (tcgetattr(fd, &saved))
		return -errno;
	t = saved;
	cfmakeraw(&t);
	struct sigaction sa = {.sa_handler = on_signal};
	sigfillset(&sa.sa_mask);
	alternate = other_keys = 0;
	kitty_pushed[0] = kitty_pushed[1] = kitty_set[0] = kitty_set[1] = 0;
	raw_fd = fd;
	for (size_t i = 0; i < ARRAY_SIZE(deadly); i++)
		sigaction(deadly[i], &sa, &before[i]);
	if (!tcsetattr(fd, TCSAFLUSH, &t))
		return 0;
	int code = errno;
	tty_restore();
	return -code;
}

void tty_restore(void)
{
	if (raw_fd < 0)
		return;
	put_back();
	for (size_t i = 0; i < ARRAY_SIZE(deadly); i++)
		sigaction(deadly[i], &before[i], NULL);
}

/* A number behind the mark of a control sequence, @otherwise when there is none. */
static int param(const char *p, int otherwise)
{
	return *p >= '0' && *p <= '9' ? atoi(p) : otherwise;
}

/* A control sequence without its CSI: "?1049h". */
static void seen_sequence(const char *s, size_t len)
{
	static const char *const screens[] = {"?1049", "?1047", "?47"};
	char final = s[len - 1];
	int screen = alternate != 0;
	for (size_t k = 0; (final == 'h' || final == 'l') && k < ARRAY_SIZE(screens); k++)
		if (len - 1 == strlen(screens[k]) && !memcmp(s, screens[k], len - 1))
			alternate = final == 'h';
	if (final == 'u' && *s == '>')
		kitty_pushed[screen]++;
	else if (final == 'u' && *s == '<')
		kitty_pushed[screen] -= param(s + 1, 1) < kitty_pushed[screen] ? param(s + 1, 1) : kitty_pushed[screen];
	else if (final == 'u' && *s == '=')
		kitty_set[screen] = 1;
	else if ((final == 'm' || final == 'f') && *s == '>' && param(s + 1, 0) == 4)
		other_keys = 1;
}

/* Control sequences with a private mark, across pieces. */
void tty_seen(const char *p, size_t n)
{
	static char seq[24];
	static size_t len; /* 0: outside; else 1 for ESC, 2 for CSI, and what came since */
	for (size_t i = 0; i < n; i++) {
		char c = p[i];
		if (c == '\033')
			len = 1;
		else if (len == 1)
			len = c == '[' ? 2 : 0;
		else if (len && (c < 0x20 || c > 0x7e || len - 2 + 2 > sizeof(seq)))
			len = 0;
		else if (len) {
			seq[len++ - 2] = c;
			seq[len - 2] = 0;
			if (c >= 0x40) {
				seen_sequence(seq, len - 2);
				len = 0;
			}
		}
	}
}

enum { PLAIN, ESCAPE, CSI, STRING, STRING_ESCAPE, CHARSET, UTF8_C2 };

static size_t plain(struct tty_filter *f, unsigned char c, char *out)
{
	size_t n = 0;
	if (f->cr && c != '\n' && c != '\r')
		out[n++] = '\n';
	f->cr = c == '\r';
	if (c == 0x1b)
		f->state = ESCAPE;
	else if (c == 0xc2) /* may begin U+0080..U+009F, which terminals obey as control characters */
		f->state = UTF8_C2;
	else if (c == '\n' || c == '\t' || (c >= 0x20 && c != 0x7f))
		out[n++] = (char)c;
	return n;
}

static size_t csi(struct tty_filter *f, unsigned char c, char *out)
{
	if (c < 0x20 || c > 0x7e || f->len + 1 >= sizeof(f->seq)) {
		f->state = PLAIN;
		return 0;
	}
	f->seq[f->len++] = (char)c;
	if (c < 0x40)
		return 0;
	f->state = PLAIN;
	if (c != 'm' || strspn(f->seq, "0123456789;:") != f->len - 1)
		return 0;
	out[0] = 0x1b;
	out[1] = '[';
	memcpy(out + 2, f->seq, f->len);
	return f->len + 2;
}

static void escape(struct tty_filter *f, unsigned char c)
{
	f->len = 0;
	memset(f->seq, 0, sizeof(f->seq));
	f->state = c == '['                       ? CSI
		   : c && strchr("]PX^_", c)      ? STRING
		   : c && strchr("()*+-./ #%", c) ? CHARSET
		   : c == 0x1b                    ? ESCAPE
						  : PLAIN;
}

size_t tty_filter(struct tty_filter *f, const char *in, size_t n, char *out)
{
	size_t k = 0;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)in[i];
		switch (f->state) {
		case PLAIN:
			k += plain(f, c, out + k);
			break;
		case ESCAPE:
			escape(f, c);
			break;
		case CSI:
			k += csi(f, c, out + k);
			break;
		case STRING:
			f->state = c == 7 || c == '\n' ? PLAIN : c == 0x1b ? STRING_ESCAPE : STRING;
			break;
		case STRING_ESCAPE:
			f->state = c == '\\' ? PLAIN : STRING;
			break;
		case UTF8_C2:
			f->state = PLAIN;
			if (c < 0x80) { /* no UTF-8 after all */
				k += plain(f, c, out + k);
			} else if (c >= 0xa0) {
				out[k++] = (char)0xc2;
				out[k++] = (char)c;
			}
			break;
		default:
			f->state = PLAIN;
		}
	}
	return k;
}
