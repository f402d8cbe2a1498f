#include "ui/tui/picture_out.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "src/base/cleanup.h"
#include "ui/tui/kitty.h"

#define LAST_ANSWER_MS 300

static int64_t clock_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void picture_out_write(int fd, const char *s, size_t n)
{
	while (n) {
		ssize_t k = write(fd, s, n);
		if (k < 0 && errno == EAGAIN)
			poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, -1);
		else if (k < 0 && errno != EINTR)
			return;
		s += k > 0 ? k : 0;
		n -= k > 0 ? (size_t)k : 0;
	}
}

void picture_out_delete(struct picture_out *o, struct canvas *shown)
{
	AUTO_BUF struct buf out = {0};
	kitty_delete(&out);
	picture_out_write(o->fd, out.s, out.len);
	picture_forget_images(shown);
	o->gone = false;
}

static bool any_picture(const struct canvas *c)
{
	for (int i = 0; i < c->rows * c->cols; i++)
		if (c->cells[i].style.attrs & CELL_PICTURE)
			return true;
	return false;
}

void picture_out_draw(struct picture_out *o, const struct canvas *now, struct canvas *shown)
{
	AUTO_BUF struct buf out = {0};
	unsigned wait_ms;
	if (!o->pacer.probed && !any_picture(now)) {
		o->left = false;
		return;
	}
	if (pacer_probe(&o->pacer, clock_ms()))
		picture_out_write(o->fd, PACER_QUESTION, strlen(PACER_QUESTION));
	o->left = true;
	if (!pacer_ready(&o->pacer, clock_ms(), &wait_ms))
		return;
	o->left = !picture_encode(now, shown, &o->mode, &o->place, pacer_budget(&o->pacer), &out);
	if (!out.len)
		return;
	if (pacer_sent(&o->pacer, out.len, clock_ms()))
		buf_puts(&out, PACER_QUESTION);
	picture_out_write(o->fd, out.s, out.len);
}

bool picture_out_busy(struct picture_out *o, unsigned *wait_ms)
{
	bool ready = pacer_ready(&o->pacer, clock_ms(), wait_ms);
	return !ready || o->left;
}

void picture_out_answered(struct picture_out *o)
{
	pacer_answered(&o->pacer, clock_ms());
}

void picture_out_ask(struct picture_out *o, const char *name)
{
	static const char *const not_these[] = {"linux", "screen", "tmux",
						"vt"}; /* they show the question, or keep it */
	AUTO_BUF struct buf out = {0};
	bool ask = !o->asked && o->mode.colours >= 256 && name;
	for (size_t i = 0; i < ARRAY_SIZE(not_these) && ask; i++)
		ask = !str_starts(name, not_these[i]);
	o->asked = true;
	if (!ask)
		return;
	kitty_query(&out);
	picture_out_write(o->fd, out.s, out.len);
}

void picture_out_end(struct picture_out *o, int in)
{
	int64_t until = clock_ms() + LAST_ANSWER_MS, left;
	char byte;
	while (o->pacer.waiting && (left = until - clock_ms()) > 0) {
		struct pollfd p = {.fd = in, .events = POLLIN};
		if (poll(&p, 1, (int)left) <= 0 || read(in, &byte, 1) != 1 || byte == 'n')
			break;
	}
	o->pacer.waiting = false;
}

void picture_out_cell(struct picture_out *o, int *w, int *h, bool *images)
{
	struct winsize ws;
	*w = *h = 0;
	*images = false;
	if (ioctl(o->fd, TIOCGWINSZ, &ws) || !ws.ws_row || !ws.ws_col)
		return;
	*w = ws.ws_xpixel / ws.ws_col;
	*h = ws.ws_ypixel / ws.ws_row;
	*images = o->images && *w && *h && pacer_fast(&o->pacer);
}
