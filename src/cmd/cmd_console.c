/* console: the guest's serial line on this terminal, or through a pipe, or its record.
 *
 * Theory of operation: the backend gives a stream socket. With a terminal on standard input that is put into
 * raw mode and all that is typed goes to the guest, until the escape character; the terminal is restored on
 * every way out. With a pipe or file there, it is copied until its end; every byte is then waited for until
 * the guest's machine has taken it, so that `printf 'halt\r' | vmdeck console web1` never loses the halt.
 * Output is copied to standard output all the time. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/str.h"
#include "src/cmd/rows.h"
#include "src/cmd/tty.h"

#define INPUT_MAX 65536 /* bytes kept of what is typed or piped in */
#define PIECE 16u       /* bytes sent at once: as many as a UART takes */
#define STUCK_MS 10000  /* in which a guest that reads takes something, on the busiest host */
#define KEY_MS 50       /* for the rest of an escape sequence of the keyboard */
#define REPLAY_DEFAULT 4096u /* bytes shown to somebody who attaches at a terminal: about a screenful */

enum end { END_ESCAPE, END_INPUT, END_GUEST };

struct talk {
	int fd;   /* to the guest */
	bool raw; /* standard input is a terminal */
	struct tty_keys keys;
	struct buf in;  /* read, not yet taken by the socket */
	bool eof;       /* of standard input */
	uint64_t all;   /* bytes read for the guest */
	uint64_t taken; /* of these, surely read by its machine */
	uint64_t left;  /* what waited when last looked at, with what the kernel counts for it */
	int64_t moved;  /* when that was last less */
	uint64_t linger_ms;
};

static int64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Guest output to standard output. 1 = more may come, 0 = the guest has hung up, -errno. */
static int copy_out(struct talk *t)
{
	char part[4096];
	ssize_t n = recv(t->fd, part, sizeof(part), MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 1 : errno == ECONNRESET ? 0 : -errno;
	if (!n)
		return 0;
	if (t->raw)
		tty_seen(part, (size_t)n);
	int rc = fd_write_all(STDOUT_FILENO, part, (size_t)n);
	return rc ? rc : 1;
}

/* Standard input into t->in. 1 = the escape character was typed, 0, -errno. */
static int copy_in(struct talk *t)
{
	char part[1024];
	ssize_t n = read(STDIN_FILENO, part, sizeof(part));
	if (n < 0)
		return errno == EINTR || errno == EAGAIN ? 0
		       : errno == EIO                    ? 1
							 : -errno; /* EIO: the terminal is gone */
	t->eof = !n;
	size_t before = t->in.len;
	bool left = t->raw && (tty_keys_feed(&t->keys, part, (size_t)n, &t->in) || !n);
	if (!t->raw)
		buf_add(&t->in, part, (size_t)n);
	t->all += t->in.len - before;
	return left;
}

/* In small pieces: what waits in the socket shrinks by whole ones only, and that is how a slow guest is told from
 * one that takes nothing. */
static int push(struct talk *t)
{
	ssize_t n = 0;
	size_t done = 0;
	while (done < t->in.len) {
		size_t part = t->in.len - done < PIECE ? t->in.len - done : PIECE;
		n = send(t->fd, t->in.s + done, part, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	buf_drop(&t->in, done);
	return n < 0 && errno != EAGAIN && errno != EINTR ? -errno : 0;
}

/* How much is not yet read by the other end, by the kernel's measure. 0: it has all. */
static uint64_t waiting(struct talk *t)
{
	int queued = 0;
	if (ioctl(t->fd, SIOCOUTQ, &queued))
		queued = 0;
	if (!queued)
		t->taken = t->all - t->in.len;
	uint64_t left = t->in.len + (uint64_t)queued;
	if (left < t->left || !left || !t->moved)
		t->moved = now_ms();
	t->left = left;
	return left;
}

/* Nothing of what waits was taken for as long as a guest may take. */
static bool stuck(const struct talk *t)
{
	return t->left && now_ms() - t->moved > STUCK_MS;
}

static int not_taken(const struct talk *t, struct err *e)
{
	return err_set(e, ETIMEDOUT,
		       "the guest does not read its serial line: nothing was taken for %d s, before that %s%llu of "
		       "%llu bytes",
		       STUCK_MS / 1000, t->taken ? "at least " : "", (unsigned long long)t->taken,
		       (unsigned long long)t->all);
}

/* After the end of input: until the guest's machine has all of it, then linger_ms more. As long as it takes
 * something, there is no limit. */
static int finish(struct talk *t, enum end *end, struct err *e)
{
	int64_t until = 0;
	for (;;) {
		if (!until && !waiting(t))
			until = now_ms() + (int64_t)t->linger_ms;
		int64_t now = now_ms();
		if (until ? now >= until : stuck(t))
			break;
		struct pollfd p = {.fd = t->fd, .events = (short)(POLLIN | (t->in.len ? POLLOUT : 0))};
		int64_t wait = until ? until - now : 5;
		poll(&p, 1, (int)(wait > 1000 ? 1000 : wait));
		int rc = t->in.len ? push(t) : 0;
		if (p.revents & (POLLIN | POLLHUP | POLLERR) || rc)
			rc = copy_out(t);
		else
			rc = 1;
		if (rc <= 0) {
			*end = END_GUEST;
			return rc ? err_sys(e, -rc, "the console broke off") : 0;
		}
	}
	*end = END_INPUT;
	/* What arrived meanwhile is part of the answer. */
	struct pollfd p = {.fd = t->fd, .events = POLLIN};
	while (poll(&p, 1, 0) > 0 && copy_out(t) > 0)
		;
	return until ? 0 : not_taken(t, e);
}

/* How long to wait for something to happen: a key may be complete, a guest that takes nothing is given up. */
static int patience(const struct talk *t)
{
	return tty_keys_waits(&t->keys) ? KEY_MS : !t->raw && t->in.len >= INPUT_MAX ? 500 : -1;
}

static int talk_loop(struct talk *t, enum end *end, struct err *e)
{
	for (;;) {
		struct pollfd p[] = {
			{.fd = t->fd, .events = (short)(POLLIN | (t->in.len ? POLLOUT : 0))},
			{.fd = t->in.len < INPUT_MAX ? STDIN_FILENO : -1, .events = POLLIN},
		};
		int ready = poll(p, 2, patience(t));
		if (ready < 0 && errno != EINTR)
			return err_sys(e, errno, "cannot wait for the console");
		if (!ready)
			tty_keys_flush(&t->keys, &t->in);
		int rc = p[1].revents ? copy_in(t) : 0;
		if (rc < 0)
			return err_sys(e, -rc, "cannot read standard input");
		bool left = rc;
		if (t->in.len)
			push(t); /* a broken socket is seen by copy_out */
		waiting(t);
		if (!t->raw && t->in.len >= INPUT_MAX && stuck(t)) {
			*end = END_INPUT;
			return not_taken(t, e);
		}
		rc = p[0].revents & (POLLIN | POLLHUP | POLLERR) ? copy_out(t) : 1;
		if (rc < 0)
			return err_sys(e, -rc, "the console broke off");
		if (!rc || left) {
			*end = rc ? END_ESCAPE : END_GUEST;
			return 0;
		}
		if (t->eof)
			return finish(t, end, e);
	}
}

/* What became of the guest that hung up; it may take a moment until that is known. */
static void tell_end(struct cmd_ctx *c)
{
	struct domain_info d;
	for (unsigned i = 0; i < 100; i++) {
		if (c->backend->ops->domain_get(c->backend, c->domain.uuid, &d, NULL)) {
			fprintf(c->msg, "Domain '%s' has ended\n", c->domain.name);
			return;
		}
		if (d.state & DOMAIN_INACTIVE) {
			fprintf(c->msg, "Domain '%s' is %s (%s%s%s)\n", d.name, domain_state_text(d.state),
				domain_reason_text(d.reason), d.detail[0] ? ": " : "", d.detail);
			return;
		}
		nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
	}
	fprintf(c->msg, "The console of domain '%s' was closed; the guest runs on\n", c->domain.name);
}

/* "^]", "^A", "\x1d" as a byte; -1 when it is none of them. */
static int escape_char(const char *s)
{
	if (!s)
		return 0x1d;
	if (s[0] == '^' && s[1] && !s[2])
		return s[1] == '?' ? 0x7f : s[1] & 0x1f;
	return s[0] && !s[1] ? (unsigned char)s[0] : -1;
}

int console_talk(struct cmd_ctx *c, int fd, struct err *e)
{
	AUTO_CLOSE int owned = fd;
	int esc = escape_char(cmd_value(c, "escape"));
	struct talk t = {.fd = fd, .raw = isatty(STDIN_FILENO)};
	const char *linger = cmd_value(c, "linger");
	if (esc < 0)
		return err_set(e, EINVAL, "--escape wants one character, or ^ and a letter, not '%s'",
			       cmd_value(c, "escape"));
	if (linger && (!str_u64(linger, &t.linger_ms) || t.linger_ms > 86400000))
		return err_set(e, EINVAL, "--linger wants milliseconds, not '%s'", linger);
	t.keys.escape = (unsigned char)esc;
	if (t.raw) {
		if (!c->quiet && esc < 0x20)
			fprintf(c->msg, "Connected to domain '%s'\nEscape character is ^%c (Ctrl + %c)\n",
				c->domain.name, esc + 0x40, esc + 0x40);
		else if (!c->quiet)
			fprintf(c->msg, "Connected to domain '%s'\nEscape character is %c\n", c->domain.name,
				esc);
		fflush(c->out);
		int rc = tty_raw(STDIN_FILENO);
		if (rc)
			return err_sys(e, -rc, "cannot put the terminal into raw mode");
	}
	enum end end = END_ESCAPE;
	int rc = talk_loop(&t, &end, e);
	buf_done(&t.in);
	if (t.raw) {
		tty_restore();
		fputc('\n', c->msg);
	}
	if (!rc && end == END_GUEST)
		tell_end(c);
	return rc;
}

/* --index N, or --devname serialN, ttySN, consoleN. */
static int console_index(struct cmd_ctx *c, unsigned *index, struct err *e)
{
	static const char *const prefixes[] = {"", "serial", "ttyS", "console"};
	const char *name = cmd_value(c, "devname"), *number = cmd_value(c, "index");
	uint64_t n = 0;
	*index = 0;
	if (number && (!str_u64(number, &n) || n > 255))
		return err_set(e, EINVAL, "--index wants the number of a serial console, not '%s'", number);
	for (unsigned i = 0; name && i < ARRAY_SIZE(prefixes); i++)
		if (str_starts(name, prefixes[i]) && str_u64(name + strlen(prefixes[i]), &n) && n <= 255)
			name = NULL;
	if (name)
		return err_set(e, ENOENT,
			       "domain '%s' has no console '%s'; the first serial console is serial0",
			       c->domain.name, name);
	*index = (unsigned)n;
	return 0;
}

static void put_log(struct cmd_ctx *c, struct tty_filter *f, const char *p, size_t n)
{
	char safe[2 * 4096 + 64];
	if (!f) {
		fwrite(p, 1, n, c->out);
		return;
	}
	size_t k = tty_filter(f, p, n, safe);
	fwrite(safe, 1, k, c->out);
}

/* The record as it grows, until the guest ends. */
static int log_follow(struct cmd_ctx *c, unsigned index, struct tty_filter *f, struct err *e)
{
	AUTO_CLOSE int fd = -1;
	int rc = c->backend->ops->console_open(c->backend, c->domain.uuid, index, UINT64_MAX, &fd, e);
	if (rc)
		return rc;
	char part[4096];
	ssize_t n;
	while ((n = read(fd, part, sizeof(part))) > 0 || (n < 0 && errno == EINTR)) {
		if (n < 0)
			continue;
		put_log(c, f, part, (size_t)n);
		if (fflush(c->out))
			return err_sys(e, errno, "cannot write");
	}
	tell_end(c);
	return 0;
}

static int console_log(struct cmd_ctx *c, unsigned index, struct err *e)
{
	struct tty_filter filter = {0}, *f = c->tty && !cmd_flag(c, "raw") ? &filter : NULL;
	if (cmd_flag(c, "follow") && c->domain.state & DOMAIN_ACTIVE)
		return log_follow(c, index, f, e);
	/* Through memory: the backend writes it all in one call, c->out may be no descriptor. */
	AUTO_CLOSE int fd = memfd_create("console-log", MFD_CLOEXEC);
	if (fd < 0)
		return err_sys(e, errno, "cannot make a memory file");
	int rc = c->backend->ops->console_log(c->backend, c->domain.uuid, index, cmd_flag(c, "since-boot"),
					      fd, e);
	if (rc)
		return rc;
	char part[4096];
	ssize_t n;
	for (off_t off = 0; (n = pread(fd, part, sizeof(part), off)) > 0; off += n)
		put_log(c, f, part, (size_t)n);
	return fflush(c->out) ? err_sys(e, errno, "cannot write") : 0;
}

static int domain_console_exec(struct cmd_ctx *c, struct err *e)
{
	unsigned index;
	uint64_t replay = isatty(STDIN_FILENO) ? REPLAY_DEFAULT : 0;
	const char *bytes = cmd_value(c, "replay");
	int rc = console_index(c, &index, e);
	if (rc)
		return rc;
	if (cmd_flag(c, "log") || cmd_flag(c, "since-boot") || cmd_flag(c, "follow"))
		return console_log(c, index, e);
	if (bytes && str_eq(bytes, "all"))
		replay = UINT64_MAX;
	else if (bytes && !str_u64(bytes, &replay))
		return err_set(e, EINVAL, "--replay wants a number of bytes or 'all', not '%s'", bytes);
	int fd = -1;
	rc = c->backend->ops->console_open(c->backend, c->domain.uuid, index, replay, &fd, e);
	if (rc)
		return err_prefix(e, "Failed to open the console of domain '%s'", c->domain.name);
	return console_talk(c, fd, e);
}

const struct cmd cmd_domain_console = {
	.name = "domain-console",
	.alias = "console",
	.summary = "connect to the guest console",
	.about = "Connect this terminal to the guest's serial console, until the escape character. Several "
		 "may be connected at "
		 "once. When standard input is no terminal it is copied to the guest up to its end, and "
		 "guest output to "
		 "standard output meanwhile. With --log the record is printed instead, also of a guest that "
		 "does not run.",
	.target = CMD_DOMAIN,
	.flags = CMD_TTY | CMD_QUIET,
	.args =
		(const struct cmd_arg[]){
			CMD_VALUE("devname", ARG_STRING, "which console: serial0, serial1, ..."),
			CMD_VALUE("index", ARG_NUMBER, "which console, by number: 0, 1, ..."),
			CMD_VALUE("escape", ARG_STRING, "character that disconnects (^])"),
			CMD_VALUE("replay", ARG_STRING,
			 "show that many bytes, or all, of earlier output first"),
			CMD_VALUE("linger", ARG_NUMBER,
			 "no terminal: keep reading so many milliseconds after the input (0)"),
			CMD_FLAG("log", "print what the console has said, and return"),
			CMD_FLAG("since-boot", "of that, only since the last power-on"),
			CMD_FLAG("follow", "since power-on, and on until the guest ends"),
			CMD_FLAG("raw", "--log on a terminal: leave escape sequences in"),
			CMD_FLAG("force", "accepted for virsh's sake: consoles are shared"),
			CMD_FLAG("safe", "accepted for virsh's sake: consoles always are"),
			{0},
		},
	.exec = domain_console_exec,
};
