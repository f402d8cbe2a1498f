/* The deck: what is on the screen, what the keys do, and what goes on meanwhile. It knows neither the
 * terminal (term.c) nor the clock: tui.c, or a test, brings keys, time and size, and asks for a drawing.
 *
 * One thread. Pages are views on a stack, the list of domains at its bottom. Above the pages lies at most one
 * dialog, or a prompt in the message line. */
#ifndef UI_TUI_DECK_H
#define UI_TUI_DECK_H

#include <uv.h>

#include "src/cmd/cmd.h"
#include "ui/tui/canvas.h"
#include "ui/tui/figures.h"
#include "ui/tui/input.h"
#include "ui/tui/theme.h"

struct deck;
struct view;
struct dialog;
struct jobs;
struct consoles;
struct monitor;
struct prompt;
struct binding;
struct bar_item;

enum scope { /* where a key works */
	     SCOPE_DOMAINS = 1,
	     SCOPE_DOMAIN = 2,
	     SCOPE_TEXT = 4,
	     SCOPE_PANEL = 8, /* the keys go to a guest's console */
	     SCOPE_FORM = 16,
	     SCOPE_FILES = 32,
	     SCOPE_SCREEN = 64, /* they go to a guest's screen */
	     SCOPE_SHOWN = 128, /* beside others: only for a guest that has a screen */
	     SCOPE_PLAN = 256, /* what is about to be made */
};

enum move { MOVE_UP, MOVE_DOWN, MOVE_PGUP, MOVE_PGDN, MOVE_HOME, MOVE_END };

/* A page. update() may ask the backend; draw() does no I/O and only fills its area. NULL where not needed. */
struct view_ops {
	const char *name;
	size_t state_size;
	void (*update)(struct view *); /* a new snapshot is there */
	void (*draw)(struct view *, const struct area *);
	enum scope (*scope)(struct view *);     /* whose keys apply now; required */
	bool (*key)(struct view *, struct key); /* keys that are no command; true = taken */
	void (*move)(struct view *, enum move);
	void (*paste)(struct view *, const char *, size_t);
	bool (*mouse)(struct view *, const struct vt_mouse *, const struct area *); /* in the view's area */
	const char *(*target)(struct view *); /* uuid of the domain that verbs are for; NULL = none */
	bool (*full)(struct view *);          /* takes the whole screen, without header and key bar */
	bool (*motion)(struct view *);        /* wants to hear of each movement of the mouse */
	void (*done)(struct view *);          /* frees what state points to */
};

struct view {
	const struct view_ops *ops;
	struct deck *deck;
	void *state;
	struct area area; /* where it was drawn last */
};

struct message {
	int64_t wall_ms, at_ms;
	enum role role;
	char *text;
};
#define MESSAGES_MAX 200
#define VIEWS_MAX 6

struct deck {
	struct backend *backend;
	uv_loop_t *loop;
	struct figures *figures;
	int rows, cols;
	int64_t now_ms; /* monotonic, as told by deck_tick() */
	struct view *views[VIEWS_MAX];
	size_t nviews;
	struct dialog *dialog;
	struct prompt *prompt;
	struct jobs *jobs;
	struct consoles *consoles;
	struct monitor *monitors; /* that are looked at */
	int cell_aspect;        /* of the terminal: height over width, in thousandths */
	int cell_w, cell_h;     /* pixels of a cell; 0 = not known */
	bool images;            /* the terminal shows canvas images, and is fast enough for them */
	struct message messages[MESSAGES_MAX];
	size_t nmessages, unread; /* unread: errors that nobody has looked at */
	bool message_seen;        /* a key was pressed since the last one came: it makes room */
	struct bar_item *bar;
	size_t nbar;
	bool quit, redraw, stop, sample_soon;
	bool repaint; /* what is on the terminal is not to be trusted: draw all of it */
	/* Leave the terminal to a verb that wants it, and take it again. NULL: such verbs are refused. */
	void (*leave)(void);
	void (*enter)(void);
	void (*bell)(void);
	void (*copy)(const char *text, size_t n); /* into the clipboard */
};

/* @loop: where consoles and jobs are watched; the caller's, and run by the caller. Asks for a first sample.
 */
struct deck *deck_new(struct backend *b, uv_loop_t *loop, int rows, int cols, int64_t now_ms);
/* Closes its watches; run the loop once more before closing it. */
void deck_free(struct deck *d);
void deck_event(struct deck *d, const struct event *ev);
/* Time has gone on; @sample: it is time for new figures. */
void deck_tick(struct deck *d, int64_t now_ms, bool sample);
void deck_draw(struct deck *d, struct canvas *c);
/* What was drawn has reached the terminal. */
void deck_drawn(struct deck *d);
/* Does the page want to hear of each movement of the mouse? */
bool deck_wants_motion(const struct deck *d);

/* Put a line into the message line and the log of messages. */
void deck_say(struct deck *d, enum role role, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Put text into the user's clipboard, and say so. Up to DECK_COPY_MAX bytes: what is longer is refused, since
 * terminals drop it without a word. */
#define DECK_COPY_MAX 74994
void deck_copy(struct deck *d, const char *text, size_t n);

const struct snapshot *deck_snapshot(const struct deck *d);
struct view *deck_top(const struct deck *d);
/* Open a page over the others; its state is zeroed. NULL when too many are open. */
struct view *deck_push(struct deck *d, const struct view_ops *ops);
void deck_pop(struct deck *d);
/* The domain that verbs are for now; NULL when there is none. */
const struct figure *deck_target(struct deck *d);

/* Ask for the verb on the marked domains, or the one under the bar: checks states, asks when something can be
 * lost, runs it as a job. */
void deck_verb(struct deck *d, const struct cmd *cmd);

/* Watch a descriptor on the loop. Free: watch_free(), which may be called in the callback; NULL is fine. */
struct watch;
typedef void (*watch_fn)(void *arg, int events);
struct watch *watch_new(uv_loop_t *loop, int fd, int events, watch_fn fn, void *arg);
void watch_set(struct watch *w, int events); /* UV_READABLE | UV_WRITABLE */
void watch_free(struct watch *w);

/* What the key bar shows, for the mouse. */
struct bar_item {
	int from, to; /* columns */
	const struct binding *binding;
};

/* deck_draw.c */
void draw_header(struct deck *d, const struct area *a);
/* @a: the screen above the key bar; the message grows upwards from its last line. */
void draw_message(struct deck *d, const struct area *a);
/* The same, but nothing when there is none: for pages without a message line. */
void draw_message_over(struct deck *d, const struct area *a);
bool draw_message_due(const struct deck *d);
void draw_keys(struct deck *d, const struct area *a);
/* The line over a page, with its title. */
void area_title(const struct area *a, const char *title);
int header_rows(const struct deck *d);
enum role state_role(enum domain_state s);

#endif
