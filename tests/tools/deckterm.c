/* clang-format off */
/* A terminal for the deck without anybody before it: runs a program on a pseudo-terminal, types, and tells
 * what it cost.
 *
 * Usage: deckterm [OPTION...] STEP... -- PROGRAM ARGUMENT...
 *   --size COLSxROWS   of the terminal
 *   --cell WxH         pixels of a cell, as TIOCGWINSZ tells them
 *   --images           it knows kitty's graphics protocol
 *   --silent           it answers no questions
 *   --rate BYTES       it takes so many a second
 * Steps:
 *   key=TEXT     type it (\e \r \xHH are read)
 *   until=TEXT   wait until it was written, at most 60 s; prints "until TEXT: N bytes, N ms"
 *   wait=MS
 *   measure=MS   prints "bytes N pictures N images N cpu N ms of MS" of the program's next MS
 * Pictures are those that end with a question (DSR 5), images those of the graphics protocol. */
/* clang-format on */
#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SEEN_MAX 65536
#define UNTIL_MS 60000

static struct {
	int fd;
	pid_t pid;
	bool images, silent, ended;
	long rate;
	double credit; /* bytes that may be read now */
	int64_t credit_ms;
	char seen[SEEN_MAX]; /* the last that was written */
	size_t nseen;
	unsigned long bytes, pictures, nimages;
} t;

static int64_t now_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void type(const char *s, size_t n)
{
	while (n) {
		ssize_t k = write(t.fd, s, n);
		if (k < 0 && errno != EINTR)
			return;
		s += k > 0 ? k : 0;
		n -= k > 0 ? (size_t)k : 0;
	}
}

/* Does what has come end with @text? It came byte by byte. */
static bool ends_with(const char *text)
{
	size_t n = strlen(text);
	return t.nseen >= n && !memcmp(t.seen + t.nseen - n, text, n);
}

static void take(char c)
{
	if (t.nseen == SEEN_MAX) {
		memmove(t.seen, t.seen + SEEN_MAX / 2, SEEN_MAX / 2);
		t.nseen = SEEN_MAX / 2;
	}
	t.seen[t.nseen++] = c;
	t.bytes++;
	if (c == 'n' && ends_with("\033[5n")) {
		t.pictures++;
		if (!t.silent)
			type("\033[0n", 4);
	} else if (c == '\\' && t.images && ends_with("a=q,t=d,f=24;AAAA\033\\")) {
		static const char ok[] = "\033_Gi=7100;OK\033\\";
		type(ok, sizeof(ok) - 1);
	} else if (c == 'T' && ends_with("\033_Ga=T")) {
		t.nimages++;
	}
}

/* How many bytes may be taken now; @wait: else when. */
static size_t allowed(size_t most, int *wait)
{
	int64_t now = now_ms();
	if (!t.rate)
		return most;
	t.credit += (double)(now - t.credit_ms) * (double)t.rate / 1000;
	t.credit = t.credit > (double)t.rate / 20 + 1 ? (double)t.rate / 20 + 1 : t.credit;
	t.credit_ms = now;
	if (t.credit < 1) {
		*wait = *wait < 5 ? *wait : 5;
		return 0;
	}
	return t.credit < (double)most ? (size_t)t.credit : most;
}

/* Take what comes until then, or until @text was written. */
static bool run(int64_t until, const char *text)
{
	char bytes[65536];
	while (!t.ended) {
		int64_t left = until - now_ms();
		if (left <= 0)
			return false;
		int wait = (int)left;
		size_t n = allowed(sizeof(bytes), &wait);
		struct pollfd p = {.fd = t.fd, .events = n ? POLLIN : 0};
		if (poll(&p, 1, wait) <= 0 || !n)
			continue;
		ssize_t k = read(t.fd, bytes, n);
		t.ended = k <= 0;
		t.credit -= k > 0 && t.rate ? (double)k : 0;
		for (ssize_t i = 0; i < k; i++) {
			take(bytes[i]);
			if (text && bytes[i] == text[strlen(text) - 1] && ends_with(text)) {
				for (i++; i < k; i++)
					take(bytes[i]);
				return true;
			}
		}
	}
	return false;
}

/* Of the program, in ms. */
static long cpu_ms(void)
{
	char path[64], line[1024] = "";
	unsigned long user = 0, sys = 0;
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)t.pid);
	FILE *f = fopen(path, "re");
	if (f && fgets(line, sizeof(line), f) && strrchr(line, ')'))
		sscanf(strrchr(line, ')') + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
		       &sys);
	if (f)
		fclose(f);
	return (long)((user + sys) * 1000 / (unsigned long)sysconf(_SC_CLK_TCK));
}

static void unescape(char *s)
{
	char *o = s;
	for (; *s; s++) {
		unsigned v = 0;
		if (*s == '\\' && s[1] == 'x' && sscanf(s + 2, "%2x", &v) == 1) {
			*o++ = (char)v;
			s += 3;
		} else if (*s == '\\' && (s[1] == 'e' || s[1] == 'r')) {
			*o++ = s[1] == 'e' ? '\033' : '\r';
			s++;
		} else {
			*o++ = *s;
		}
	}
	*o = 0;
}

static int step(char *s)
{
	char *arg = strchr(s, '=');
	if (!arg)
		return -1;
	*arg++ = 0;
	long ms = atol(arg);
	if (!strcmp(s, "key")) {
		unescape(arg);
		type(arg, strlen(arg));
	} else if (!strcmp(s, "until")) {
		unescape(arg);
		int64_t from = now_ms();
		unsigned long bytes = t.bytes;
		bool found = run(from + UNTIL_MS, arg);
		printf("until %s: %lu bytes, %lld ms%s\n", arg, t.bytes - bytes, (long long)(now_ms() - from),
		       found ? "" : ", not seen");
		return found ? 0 : 1;
	} else if (!strcmp(s, "wait")) {
		run(now_ms() + ms, NULL);
	} else if (!strcmp(s, "measure")) {
		unsigned long bytes = t.bytes, pictures = t.pictures, images = t.nimages;
		long cpu = cpu_ms();
		run(now_ms() + ms, NULL);
		printf("bytes %lu pictures %lu images %lu cpu %ld ms of %ld\n", t.bytes - bytes,
		       t.pictures - pictures, t.nimages - images, cpu_ms() - cpu, ms);
	} else {
		return -1;
	}
	fflush(stdout);
	return 0;
}

static int usage(void)
{
	fprintf(
	    stderr,
	    "usage: deckterm [--size COLSxROWS] [--cell WxH] [--images] [--silent] [--rate BYTES] STEP... -- "
	    "PROGRAM...\n");
	return 2;
}

int main(int argc, char **argv)
{
	struct winsize ws = {.ws_col = 80, .ws_row = 24};
	unsigned w, h, cw = 0, ch = 0;
	int i = 1, dash = 1, status = 0;
	while (dash < argc && strcmp(argv[dash], "--") != 0)
		dash++;
	if (dash + 1 >= argc)
		return usage();
	for (; i < dash && argv[i][0] == '-'; i++) {
		if (!strcmp(argv[i], "--size") && sscanf(argv[++i], "%ux%u", &w, &h) == 2) {
			ws.ws_col = (unsigned short)w;
			ws.ws_row = (unsigned short)h;
		} else if (!strcmp(argv[i], "--cell") && sscanf(argv[++i], "%ux%u", &cw, &ch) == 2) {
			continue;
		} else if (!strcmp(argv[i], "--rate")) {
			t.rate = atol(argv[++i]);
		} else if (!strcmp(argv[i], "--images")) {
			t.images = true;
		} else if (!strcmp(argv[i], "--silent")) {
			t.silent = true;
		} else {
			return usage();
		}
	}
	ws.ws_xpixel = (unsigned short)(ws.ws_col * cw);
	ws.ws_ypixel = (unsigned short)(ws.ws_row * ch);
	t.pid = forkpty(&t.fd, NULL, NULL, &ws);
	if (t.pid == 0) {
		execvp(argv[dash + 1], argv + dash + 1);
		_exit(127);
	}
	if (t.pid < 0)
		return 1;
	t.credit_ms = now_ms();
	for (; i < dash && !status; i++)
		if ((status = step(argv[i])) < 0)
			return usage();
	kill(t.pid, SIGTERM);
	waitpid(t.pid, NULL, 0);
	return status;
}
