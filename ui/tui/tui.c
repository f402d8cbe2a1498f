/* The loop: keys, signals and time go to the deck, its drawing to the terminal, at most every FRAME_MS. */
#include "ui/tui/tui.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "src/base/cleanup.h"
#include "src/base/log.h"
#include "src/base/spawn.h"
#include "src/base/str.h"
#include "ui/tui/deck.h"
#include "ui/tui/job.h"
#include "ui/tui/page_domains.h"
#include "ui/tui/term.h"

#define SAMPLE_MS 1000
#define TMUX_MS 1000
#define FRAME_MS 25 /* a guest that floods its console costs 40 drawings a second, no more */
#define ESCAPE_MS 50

struct tui {
	uv_loop_t loop;
	uv_poll_t keys;
	uv_timer_t sample, frame, escape, patience;
	uv_signal_t winch, cont, tstp;
	struct watch *log;
	int log_fds[2];
	struct deck *deck;
	struct canvas canvas;
	int result;
	bool answered; /* the terminal has taken the picture */
};

static int64_t now_ms(struct tui *t)
{
	return (int64_t)uv_now(&t->loop);
}

static void on_event(void *arg, const struct event *ev)
{
	struct tui *t = arg;
	if (ev->kind == EVENT_IMAGES) {
		term_images_known();
		t->deck->redraw = true;
	} else if (ev->kind == EVENT_ANSWER) {
		term_answered();
		t->answered = true;
	} else {
		deck_event(t->deck, ev);
	}
}

static void on_patience(uv_timer_t *timer);

/* Of what kind pictures are to be. */
static void take_cell(struct tui *t)
{
	struct deck *d = t->deck;
	bool images;
	int w, h;
	term_cell(&w, &h, &images);
	d->redraw |= w != d->cell_w || h != d->cell_h || images != d->images;
	d->cell_w = w;
	d->cell_h = h;
	d->images = images;
	d->cell_aspect = w && h ? h * 1000 / w : 2000;
}

/* What is drawn goes to the terminal; when all of it is there, the deck hears of it. */
static void bring(struct tui *t)
{
	unsigned wait_ms;
	take_cell(t);
	bool screen = deck_wants_motion(t->deck);
	term_motion(screen);
	if (screen)
		term_ask_images();
	if (t->deck->redraw) /* what the canvas points to may be gone */
		deck_draw(t->deck, &t->canvas);
	term_draw(&t->canvas);
	if (term_busy(&wait_ms)) {
		uv_timer_start(&t->patience, on_patience, wait_ms, 0);
	} else {
		uv_timer_stop(&t->patience);
		deck_drawn(t->deck);
	}
}

static void on_patience(uv_timer_t *timer)
{
	bring(timer->data);
}

static void frame(uv_timer_t *timer)
{
	struct tui *t = timer->data;
	if (t->deck->repaint)
		term_redraw();
	t->deck->repaint = false;
	deck_draw(t->deck, &t->canvas);
	bring(t);
}

static void stop_process(struct tui *t)
{
	t->deck->stop = false;
	term_leave();
	kill(getpid(), SIGSTOP); /* the shell takes over; SIGCONT brings us back here */
	term_enter();
	t->deck->redraw = true;
}

/* Before the loop sleeps: what the callbacks have asked for. */
static void settle(struct tui *t)
{
	struct deck *d = t->deck;
	if (d->quit) {
		uv_stop(&t->loop);
		return;
	}
	if (d->stop)
		stop_process(t);
	if (t->answered) {
		t->answered = false;
		bring(t);
	}
	if (d->sample_soon)
		deck_tick(d, now_ms(t), false);
	if (d->redraw && !uv_is_active((uv_handle_t *)&t->frame))
		uv_timer_start(&t->frame, frame, t->canvas.cells ? FRAME_MS : 0, 0);
}

static void on_prepare(uv_prepare_t *p)
{
	settle(p->data);
}

static void on_escape(uv_timer_t *timer)
{
	term_timeout(on_event, timer->data);
}

static void on_keys(uv_poll_t *poll, int status, int events)
{
	struct tui *t = poll->data;
	t->deck->now_ms = now_ms(t);
	if (status < 0 || term_read(on_event, t)) {
		t->result = -EIO;
		t->deck->quit = true;
		uv_poll_stop(poll);
		return;
	}
	if (term_waiting())
		uv_timer_start(&t->escape, on_escape, ESCAPE_MS, 0);
	else
		uv_timer_stop(&t->escape);
}

static void on_sample(uv_timer_t *timer)
{
	struct tui *t = timer->data;
	deck_tick(t->deck, now_ms(t), true);
}

static void take_size(struct tui *t)
{
	int rows, cols;
	term_size(&rows, &cols);
	if (rows == t->deck->rows && cols == t->deck->cols && t->canvas.cells)
		return;
	t->deck->rows = rows;
	t->deck->cols = cols;
	canvas_resize(&t->canvas, rows, cols);
	t->deck->redraw = true;
}

static void on_signal(uv_signal_t *s, int sig)
{
	struct tui *t = s->data;
	if (sig == SIGTSTP)
		t->deck->stop = true;
	t->deck->repaint = sig == SIGCONT || t->deck->repaint;
	take_size(t);
	t->deck->redraw = true;
}

/* Log lines of this process would spoil the screen: they become messages. */
static void on_log(void *arg, int events)
{
	struct tui *t = arg;
	char text[2048];
	ssize_t n = read(t->log_fds[0], text, sizeof(text) - 1);
	if (n <= 0)
		return;
	text[n] = 0;
	char *save = NULL;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		deck_say(t->deck, ROLE_WARNING, "%s", line);
}

static void redirect_log(struct tui *t)
{
	t->log_fds[0] = t->log_fds[1] = -1;
	if (pipe2(t->log_fds, O_CLOEXEC | O_NONBLOCK))
		return;
	t->log = watch_new(&t->loop, t->log_fds[0], UV_READABLE, on_log, t);
	log_open("deck", t->log_fds[1]);
}

/* Before term_open(): curses, when it finds SIGTSTP at its default, takes it over, and ignores it while it
 * draws. */
static void start_signals(struct tui *t)
{
	struct {
		uv_signal_t *handle;
		int sig;
	} signals[] = {{&t->winch, SIGWINCH}, {&t->cont, SIGCONT}, {&t->tstp, SIGTSTP}};
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		uv_signal_init(&t->loop, signals[i].handle);
		uv_signal_start(signals[i].handle, on_signal, signals[i].sig);
		signals[i].handle->data = t;
	}
}

static void start_handles(struct tui *t, uv_prepare_t *prepare)
{
	int flags = fcntl(STDIN_FILENO, F_GETFL);
	uv_poll_init(&t->loop, &t->keys, STDIN_FILENO);
	fcntl(STDIN_FILENO, F_SETFL, flags); /* not non-blocking: it is the shell's and curses' output too */
	uv_poll_start(&t->keys, UV_READABLE, on_keys);
	uv_timer_init(&t->loop, &t->sample);
	uv_timer_start(&t->sample, on_sample, SAMPLE_MS, SAMPLE_MS);
	uv_timer_init(&t->loop, &t->frame);
	uv_timer_init(&t->loop, &t->escape);
	uv_timer_init(&t->loop, &t->patience);
	uv_prepare_init(&t->loop, prepare);
	uv_prepare_start(prepare, on_prepare);
	t->keys.data = t->sample.data = t->frame.data = t->escape.data = t->patience.data = prepare->data = t;
}

/* tmux takes the terminal's sequence from programs only where it was told to, but it can be asked. */
static void on_copy(const char *text, size_t n)
{
	term_copy(text, n);
	if (!getenv("TMUX"))
		return;
	AUTO_FREE char *all = x_strndup(text, n);
	spawn_capture((const char *const[]){"tmux", "set-buffer", "-w", "--", all, NULL}, TMUX_MS, NULL,
		      NULL);
}

static void close_handle(uv_handle_t *h, void *arg)
{
	if (!uv_is_closing(h))
		uv_close(h, NULL);
}

static void close_loop(uv_loop_t *loop)
{
	uv_walk(loop, close_handle, NULL);
	uv_run(loop, UV_RUN_DEFAULT);
	uv_loop_close(loop);
}

static void on_leave(void)
{
	term_leave();
}

static void on_enter(void)
{
	term_enter();
}

static void say_goodbye(struct deck *d)
{
	const struct snapshot *s = deck_snapshot(d);
	unsigned n = s->running + s->paused, seconds;
	const char *job = jobs_doing(d->jobs, &seconds);
	if (job)
		printf("%s goes on.\n", job);
	if (n)
		printf("%u guest%s on. `vmdeck` comes back to %s.\n", n, n == 1 ? " runs" : "s run",
		       n == 1 ? "it" : "them");
}

int tui_run(struct backend *b, struct err *e)
{
	struct tui t = {0};
	uv_prepare_t prepare;
	int r = uv_loop_init(&t.loop);
	if (r)
		return err_set(e, -r, "cannot set up the event loop: %s", uv_strerror(r));
	start_signals(&t);
	r = term_open(e);
	if (r) {
		close_loop(&t.loop);
		return r;
	}
	theme_set(term_colours());
	start_handles(&t, &prepare);
	t.deck = deck_new(b, &t.loop, 24, 80, now_ms(&t));
	t.deck->leave = on_leave;
	t.deck->enter = on_enter;
	t.deck->bell = term_bell;
	t.deck->copy = on_copy;
	if (getenv("VMDECK_PANEL"))
		page_domains_panel(t.deck, true, true);
	redirect_log(&t);
	take_size(&t);
	t.deck->redraw = true;
	uv_run(&t.loop, UV_RUN_DEFAULT);
	term_close();
	log_open("vmdeck", -1);
	if (!t.result)
		say_goodbye(t.deck);
	deck_free(t.deck);
	watch_free(t.log);
	fd_close(t.log_fds[0]);
	fd_close(t.log_fds[1]);
	close_loop(&t.loop);
	canvas_done(&t.canvas);
	return t.result ? err_set(e, -t.result, "the terminal went away") : 0;
}
