/* Theory of operation: a console is LIVE while its guest runs: a socket from console_open(), which first
 * plays the record back; what the emulator answers while that comes in is thrown away, as the questions are
 * old. When the guest has ended, the screen stays as it was; a console that is first shown then plays the
 * record's end (RECORD). */
#include "ui/tui/console.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "ui/tui/console_internal.h"

#define QUIET_MS 300        /* answers wait until the playback is surely over */
#define SEND_MAX (1u << 20) /* bytes that may wait for a guest that does not read */
#define READ_AT_ONCE 16     /* chunks of 4 KiB a turn: keys come in between */
#define SILENT_MS 5000      /* a guest that has said nothing for so long gets an explanation */

struct consoles *consoles_new(struct deck *d)
{
	struct consoles *c = x_calloc(1, sizeof(*c));
	c->deck = d;
	c->rows = 23;
	c->cols = 80;
	return c;
}

static void console_detach(struct console *c)
{
	watch_free(c->watch);
	c->watch = NULL;
	fd_close(c->fd);
	c->fd = -1;
	buf_done(&c->out);
}

static void console_free(struct console *c)
{
	why_done(&c->why);
	console_detach(c);
	vt_free(c->vt);
	free(c);
}

void consoles_free(struct consoles *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->n; i++)
		console_free(c->list[i]);
	free(c);
}

static void console_flush(struct console *c)
{
	while (c->fd >= 0 && c->out.len) {
		ssize_t n = send(c->fd, c->out.s, c->out.len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == ENOTSOCK)
			n = write(c->fd, c->out.s, c->out.len);
		if (n <= 0)
			break;
		buf_drop(&c->out, n);
	}
	if (c->watch)
		watch_set(c->watch, UV_READABLE | (c->out.len ? UV_WRITABLE : 0));
}

static void console_send(struct console *c, const char *bytes, size_t n)
{
	if (c->fd < 0 || !n)
		return;
	if (c->out.len + n > SEND_MAX) {
		deck_say(c->all->deck, ROLE_WARNING,
			 "the guest does not read its console: %zu bytes were not sent", n);
		return;
	}
	buf_add(&c->out, bytes, n);
	console_flush(c);
}

static void console_feed(struct console *c, const char *bytes, size_t n)
{
	char answer[VT_OUTPUT_MAX];
	vt_feed(c->vt, bytes, n);
	c->bytes += n;
	c->said_ms = c->all->deck->now_ms;
	for (size_t k; (k = vt_output(c->vt, answer, sizeof(answer)));)
		if (c->may_answer && c->kind == CONSOLE_LIVE)
			console_send(c, answer, k);
	console_follow(c);
	if (c->may_answer && vt_bells(c->vt) != c->bells && c == c->all->shown && c->all->deck->bell)
		c->all->deck->bell();
	c->bells = vt_bells(c->vt);
}

static void console_ready(void *arg, int events)
{
	struct console *c = arg;
	char bytes[4096];
	c->may_answer |= c->all->deck->now_ms - c->opened_ms > QUIET_MS;
	if (events & UV_WRITABLE)
		console_flush(c);
	for (int i = 0; i < READ_AT_ONCE; i++) {
		ssize_t n = read(c->fd, bytes, sizeof(bytes));
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		c->all->deck->redraw = true;
		if (n <= 0) {
			console_detach(c);
			c->all->deck->sample_soon = true;
			return;
		}
		console_feed(c, bytes, n);
	}
}

/* The end of the record of a guest that does not run. */
static void console_play(struct console *c)
{
	struct backend *b = c->all->deck->backend;
	AUTO_CLOSE int fd = memfd_create("record", MFD_CLOEXEC);
	struct err e = {0};
	struct stat st;
	c->kind = CONSOLE_RECORD;
	int r = fd < 0 ? -errno : b->ops->console_log(b, c->uuid, 0, true, fd, &e);
	if (r || fstat(fd, &st)) {
		if (r != -ENOENT) /* ENOENT: it has never run */
			str_printable(e.msg, c->trouble, sizeof(c->trouble));
		return;
	}
	char bytes[4096];
	off_t at = st.st_size > CONSOLE_REPLAY ? st.st_size - CONSOLE_REPLAY : 0;
	for (ssize_t n; (n = pread(fd, bytes, sizeof(bytes), at)) > 0; at += n)
		console_feed(c, bytes, n);
}

static void console_attach(struct console *c, const struct sample_domain *d)
{
	struct backend *b = c->all->deck->backend;
	struct err e = {0};
	int fd;
	int r = b->ops->console_open(b, c->uuid, 0, CONSOLE_REPLAY, &fd, &e);
	if (r) {
		str_printable(e.msg, c->trouble, sizeof(c->trouble));
		if (r == -ENOENT)
			c->started_ms = d->started_ms; /* it has none: do not ask again in this run */
		return;
	}
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	vt_free(c->vt); /* the record is played from the start of the run: begin anew */
	c->vt = vt_new(c->all->rows, c->all->cols, CONSOLE_SCROLLBACK);
	c->bytes = c->bells = c->scroll_total = 0;
	c->scroll = c->lines_kept = 0;
	c->copy.on = false;
	c->kind = CONSOLE_LIVE;
	c->fd = fd;
	c->trouble[0] = 0;
	c->started_ms = d->started_ms;
	c->opened_ms = c->all->deck->now_ms;
	c->may_answer = false;
	c->watch = watch_new(c->all->deck->loop, fd, UV_READABLE, console_ready, c);
}

static void console_sync(struct console *c)
{
	const struct figure *g = snapshot_find(deck_snapshot(c->all->deck), c->uuid);
	bool active = g && g->d->state & DOMAIN_ACTIVE;
	if (active && c->fd < 0 &&
	    (c->started_ms != g->d->started_ms || c->kind == CONSOLE_LIVE || !*c->trouble))
		console_attach(c, g->d);
	else if (!active && c->kind == CONSOLE_NEW)
		console_play(c);
}

/* Has nothing come for a while from a guest that runs? */
static bool is_silent(const struct console *c)
{
	int64_t since = c->said_ms > c->opened_ms ? c->said_ms : c->opened_ms;
	return c->fd >= 0 && c->all->deck->now_ms - since > SILENT_MS;
}

void consoles_update(struct consoles *all)
{
	for (size_t i = 0; i < all->n; i++) {
		struct console *c = all->list[i];
		const struct figure *g = snapshot_find(deck_snapshot(all->deck), c->uuid);
		if (g) {
			console_sync(c);
			if (c == all->shown && is_silent(c))
				why_look(&c->why, all->deck, g, NULL);
			continue;
		}
		all->shown = all->shown == c ? NULL : all->shown; /* the domain is gone */
		console_free(c);
		all->list[i--] = all->list[--all->n];
	}
}

static struct console *console_get(struct consoles *all, const char *uuid)
{
	size_t oldest = 0;
	for (size_t i = 0; i < all->n; i++) {
		if (!strcmp(all->list[i]->uuid, uuid))
			return all->list[i];
		if (all->list[i]->used < all->list[oldest]->used)
			oldest = i;
	}
	if (all->n == CONSOLES_MAX) {
		console_free(all->list[oldest]);
		all->list[oldest] = all->list[--all->n];
	}
	struct console *c = x_calloc(1, sizeof(*c));
	c->all = all;
	c->fd = -1;
	snprintf(c->uuid, sizeof(c->uuid), "%s", uuid);
	c->vt = vt_new(all->rows, all->cols, CONSOLE_SCROLLBACK);
	return all->list[all->n++] = c;
}

void console_show(struct deck *d, const char *uuid)
{
	struct consoles *all = d->consoles;
	all->shown = NULL;
	if (!uuid || !*uuid || !snapshot_find(deck_snapshot(d), uuid))
		return;
	all->shown = console_get(all, uuid);
	all->shown->used = ++all->clock;
	console_sync(all->shown);
}

static void draw_title(struct console *c, const struct area *a, bool focus, const struct figure *g)
{
	struct style line = theme(focus ? ROLE_FRAME_ON : ROLE_FRAME);
	const char *what = c->fd >= 0                ? "console"
			   : c->kind == CONSOLE_LIVE ? "guest is off: as it was"
			   : *c->trouble             ? "no console"
			   : c->bytes                ? "guest is off: record of its last run"
						     : "guest is off";
	char right[64] = "";
	for (int i = 0; i < a->cols; i++)
		area_text(a, 0, i, 1, line, "─");
	int n = area_printf(a, 0, 1, theme(focus ? ROLE_STRONG : ROLE_NORMAL), " %s ", g ? g->d->name : "");
	n += area_printf(a, 0, 1 + n, theme(ROLE_DIM), "· %s ", what);
	if (c->not_found)
		snprintf(right, sizeof(right), " not found: %.40s ", c->copy.wanted);
	else if (c->copy.on)
		snprintf(right, sizeof(right),
			 a->cols < 76 ? " %d back, q ends "
				      : " %d back: / ? n search, Space mark, y copy, q ends ",
			 c->scroll);
	else if (c->scroll)
		snprintf(right, sizeof(right), a->cols < 60 ? " %d back " : " %d lines back, S-PgDn goes on ",
			 c->scroll);
	else if (focus)
		snprintf(right, sizeof(right), " Ctrl+] leaves ");
	else
		snprintf(right, sizeof(right), " Tab: type here ");
	int w = text_width(right);
	if (n + w + 2 < a->cols)
		area_text(a, 0, a->cols - w - 1, -1, theme(focus || c->scroll ? ROLE_KEY : ROLE_DIM), right);
	bool why = is_silent(c) && c->bytes && c->why.now.trouble;
	const char *title = why ? c->why.now.what : vt_title(c->vt);
	int room = a->cols - n - w - 6;
	if (why && room > 8)
		area_field(a, 0, 2 + n + area_printf(a, 0, 1 + n, theme(ROLE_DIM), "·"), room - 2, false,
			   theme(ROLE_WARNING), title);
	else if (*title && room > 8)
		area_printf(a, 0, 1 + n, theme(ROLE_DIM), "· %.*s ", room < text_width(title) ? 0 : 200,
			    title);
}

static void draw_line(const struct area *a, int row, const struct vt_line *line, bool reverse)
{
	for (int i = 0; i < line->len && i < a->cols; i++)
		area_cell(a, row, i, &line->cells[i], reverse);
}

static void draw_cells(struct console *c, const struct area *a, bool focus)
{
	const struct vt_modes *m = vt_modes(c->vt);
	int back = c->scroll, lines = vt_scroll_count(c->vt);
	for (int r = 0; r < a->rows; r++) {
		if (r < back) {
			const struct vt_line *line = vt_scroll_line(c->vt, lines - back + r);
			if (line)
				draw_line(a, r, line, m->reverse_screen);
			continue;
		}
		for (int i = 0; i < a->cols && i < vt_cols(c->vt); i++)
			area_cell(a, r, i, vt_cell(c->vt, r - back, i), m->reverse_screen);
	}
	if (c->copy.on) {
		for (int r = 0; r < a->rows; r++)
			console_copy_draw(c, a, r);
		return;
	}
	int row, col;
	vt_cursor(c->vt, &row, &col);
	if (focus && c->fd >= 0 && m->cursor_visible && row + back < a->rows)
		area_cursor(a, row + back, col, m->cursor_shape);
}

/* Lines from  on, as many as it takes. */
static void draw_paragraph(const struct area *a, int row, enum role role, const char *text)
{
	const char *next;
	for (const char *p = text; *p && row < a->rows; p = next) {
		size_t n;
		next = text_line(p, a->cols - 4 > 20 ? a->cols - 4 : 20, &n);
		area_printf(a, row++, 2, theme(role), "%.*s", (int)n, p);
	}
}

static void draw_reason(struct console *c, const struct area *a, const struct figure *g)
{
	bool active = g && g->d->state & DOMAIN_ACTIVE;
	const struct diagnosis *why = &c->why.now;
	if (c->bytes)
		return;
	if (*c->trouble)
		area_field(a, 1, 2, a->cols - 4, false, theme(ROLE_WARNING), c->trouble);
	else if (active && is_silent(c) && *why->what) {
		AUTO_FREE char *text = x_asprintf("%s\n%s", why->what, why->remedy);
		draw_paragraph(a, 1, why->trouble ? ROLE_WARNING : ROLE_NORMAL, text);
	} else if (active && is_silent(c)) {
		area_field(a, 1, 2, a->cols - 4, false, theme(ROLE_WARNING),
			   "The guest has written nothing to ttyS0.");
		area_field(a, 2, 2, a->cols - 4, false, theme(ROLE_DIM),
			   "Linux does with console=ttyS0 on its command line (<cmdline> in the XML).");
	} else if (!active) {
		area_field(a, 1, 2, a->cols - 4, false, theme(ROLE_DIM),
			   "The guest is off, and there is no record of a run. s starts it.");
	}
}

void console_draw(struct deck *d, const struct area *a, bool focus)
{
	struct consoles *all = d->consoles;
	struct console *c = all->shown;
	struct area body = area_sub(a, 1, 0, a->rows - 1, a->cols);
	if (!c) {
		for (int i = 0; i < a->cols; i++)
			area_text(a, 0, i, 1, theme(ROLE_FRAME), "─");
		return;
	}
	const struct figure *g = snapshot_find(deck_snapshot(d), c->uuid);
	if (body.rows > 0 && body.cols > 0) {
		all->rows = body.rows;
		all->cols = body.cols;
		if (vt_rows(c->vt) != body.rows || vt_cols(c->vt) != body.cols) {
			vt_resize(c->vt, body.rows, body.cols);
			c->scroll_total = vt_scroll_total(c->vt); /* lines that came or went did so at the end */
			console_follow(c);
		}
	}
	area_fill(a, 0, 0, a->rows, a->cols, theme(ROLE_NORMAL));
	draw_title(c, a, focus, g);
	draw_cells(c, &body, focus);
	draw_reason(c, &body, g);
}

void console_key(struct deck *d, struct key k)
{
	struct console *c = d->consoles->shown;
	char bytes[VT_KEYS_MAX];
	if (!c)
		return;
	if (c->copy.on) {
		console_copy_key(c, k);
		return;
	}
	c->scroll = 0;
	c->may_answer = true;
	if (c->fd < 0)
		deck_say(d, ROLE_WARNING, "the guest is off: Ctrl+] leaves the panel, then s starts it");
	console_send(c, bytes, vt_key(c->vt, k.code, k.mods, bytes));
}

void console_paste(struct deck *d, const char *text, size_t n)
{
	struct console *c = d->consoles->shown;
	AUTO_BUF struct buf out = {0};
	if (!c)
		return;
	vt_paste(c->vt, text, n, &out);
	console_send(c, buf_text(&out), out.len);
}

void console_mouse(struct deck *d, const struct vt_mouse *m, const struct area *a)
{
	struct console *c = d->consoles->shown;
	if (!c)
		return;
	struct vt_mouse in = *m;
	char bytes[VT_KEYS_MAX];
	in.row -= a->row + 1;
	in.col -= a->col;
	if (vt_modes(c->vt)->mouse != VT_MOUSE_NONE && !c->scroll && in.row >= 0) {
		console_send(c, bytes, vt_mouse(c->vt, &in, bytes));
		return;
	}
	console_copy_mouse(c, &in);
}

void console_stty(struct deck *d)
{
	struct console *c = d->consoles->shown;
	char line[64];
	if (!c || c->fd < 0) {
		deck_say(d, ROLE_WARNING, "no console is open: c opens the guest's");
		return;
	}
	int n = snprintf(line, sizeof(line), "stty rows %d cols %d\r", vt_rows(c->vt), vt_cols(c->vt));
	console_send(c, line, n);
	deck_say(d, ROLE_INFO, "typed: stty rows %d cols %d", vt_rows(c->vt), vt_cols(c->vt));
}
