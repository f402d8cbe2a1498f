#include "src/cmd/tty.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "src/base/cleanup.h"

static struct termios saved;
static volatile sig_atomic_t raw_fd = -1;
static volatile sig_atomic_t alternate; /* the guest switched the alternate screen on */

/* Ways to be ended. SIGKILL cannot be helped. */
static const int deadly[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
static struct sigaction before[ARRAY_SIZE(deadly)];

/* SGR off, cursor shown, wrap on, cursor keys and keypad normal, mouse and bracketed paste off. */
static const char reset[] =
	"\033[m\033[?25h\033[?7h\033[?1l\033>\033[?1000l\033[?1002l\033[?1003l\033[?1006l\033[?2004l";
static const char leave_alternate[] = "\033[?1049l";

/* Async-signal-safe. */
static void put_back(void)
{
	int fd = raw_fd;
	if (fd < 0)
		return;
	raw_fd = -1;
	ssize_t ignored = write(fd, reset, sizeof(reset) - 1);
	if (alternate)
		ignored = write(fd, leave_alternate, sizeof(leave_alternate) - 1);
	(void)ignored;
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
	alternate = 0;
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

/* Looks for CSI ? 1049, 1047 or 47 h and l across pieces. */
void tty_seen(const char *p, size_t n)
{
	static char tail[16];
	static size_t len;
	static const char *const modes[] = {"\033[?1049", "\033[?1047", "\033[?47"};
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '\033')
			len = 0;
		if (!len && p[i] != '\033')
			continue;
		if (p[i] == 'h' || p[i] == 'l') {
			for (size_t k = 0; k < ARRAY_SIZE(modes); k++)
				if (len == strlen(modes[k]) && !memcmp(tail, modes[k], len))
					alternate = p[i] == 'h';
			len = 0;
			continue;
		}
		tail[len++] = p[i];
		if (len == sizeof(tail))
			len = 0;
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
