#include "ui/tui/deck.h"

#include <stdlib.h>
#include <string.h>

#include "src/base/cleanup.h"
#include "ui/tui/columns.h"
#include "ui/tui/console.h"
#include "ui/tui/dialog.h"
#include "ui/tui/job.h"
#include "ui/tui/keys.h"
#include "ui/tui/page_domains.h"
#include "ui/tui/monitor.h"
#include "ui/tui/page_text.h"

#define SEEN_MS 1000 /* a message that is this old was read by whoever presses a key */

struct deck *deck_new(struct backend *b, uv_loop_t *loop, int rows, int cols, int64_t now_ms)
{
	struct deck *d = x_calloc(1, sizeof(*d));
	d->backend = b;
	d->loop = loop;
	d->rows = rows;
	d->cols = cols;
	d->cell_aspect = 2000;
	d->now_ms = now_ms;
	d->figures = figures_new();
	d->jobs = jobs_new(d);
	d->consoles = consoles_new(d);
	deck_push(d, &page_domains_ops);
	figures_update(d->figures, b);
	action_sort(d, COL_NAME);
	return d;
}

static void view_free(struct view *v)
{
	if (v->ops->done)
		v->ops->done(v);
	free(v->state);
	free(v);
}

void deck_free(struct deck *d)
{
	if (!d)
		return;
	jobs_free(d->jobs);
	consoles_free(d->consoles);
	dialog_free(d->dialog);
	prompt_free(d->prompt);
	while (d->nviews)
		view_free(d->views[--d->nviews]);
	for (size_t i = 0; i < d->nmessages; i++)
		free(d->messages[i].text);
	figures_free(d->figures);
	free(d->bar);
	free(d);
}

void deck_copy(struct deck *d, const char *text, size_t n)
{
	size_t lines = n && text[n - 1] != '\n';
	for (size_t i = 0; i < n; i++)
		lines += text[i] == '\n';
	if (n > DECK_COPY_MAX) {
		deck_say(d, ROLE_WARNING,
			 "%zu bytes are too many for a terminal's clipboard: mark less than %d", n,
			 DECK_COPY_MAX);
		return;
	}
	if (!d->copy || !n)
		return;
	d->copy(text, n);
	deck_say(d, ROLE_INFO, "copied: %zu line%s", lines, lines == 1 ? "" : "s");
}

const struct snapshot *deck_snapshot(const struct deck *d)
{
	return figures_now(d->figures);
}

struct view *deck_top(const struct deck *d)
{
	return d->views[d->nviews - 1];
}

struct view *deck_push(struct deck *d, const struct view_ops *ops)
{
	if (d->nviews == VIEWS_MAX) {
		deck_say(d, ROLE_WARNING, "too many pages are open: close some with q");
		return NULL;
	}
	struct view *v = x_calloc(1, sizeof(*v));
	v->ops = ops;
	v->deck = d;
	v->state = x_calloc(1, ops->state_size);
	d->views[d->nviews++] = v;
	return v;
}

void deck_pop(struct deck *d)
{
	if (d->nviews < 2)
		return;
	view_free(d->views[--d->nviews]);
	if (deck_top(d)->ops->update)
		deck_top(d)->ops->update(deck_top(d));
}

const struct figure *deck_target(struct deck *d)
{
	struct view *v = deck_top(d);
	const char *uuid = v->ops->target ? v->ops->target(v) : NULL;
	return uuid ? snapshot_find(deck_snapshot(d), uuid) : NULL;
}

void deck_say(struct deck *d, enum role role, const char *fmt, ...)
{
	AUTO_BUF struct buf b = {0};
	char text[1200];
	va_list ap;
	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	if (d->nmessages == MESSAGES_MAX) {
		free(d->messages[0].text);
		memmove(d->messages, d->messages + 1, (--d->nmessages) * sizeof(d->messages[0]));
	}
	d->messages[d->nmessages++] = (struct message){
	    .wall_ms = deck_snapshot(d)->now.wall_ms,
	    .at_ms = d->now_ms,
	    .role = role,
	    .text = x_strdup(str_printable(buf_text(&b), text, sizeof(text))),
	};
	d->unread += role == ROLE_ERROR;
	d->message_seen = false;
	d->redraw = true;
}

/* A verb and the domains that it is for, while the question is open. */
struct call {
	const struct cmd *cmd;
	size_t n;
	char uuids[][UUID_TEXT];
};

/* A verb that wants the terminal for itself: the deck leaves its screen. */
static void run_on_terminal(struct deck *d, const struct cmd *cmd, const char *uuid)
{
	struct err e = {0};
	AUTO_FREE char *out = NULL;
	if (!d->leave || !d->enter) {
		deck_say(d, ROLE_WARNING, "'%s' needs the terminal", cmd->name);
		return;
	}
	d->leave();
	int r = cmd_run(d->backend, cmd, uuid, &out, &e);
	d->enter();
	if (r)
		deck_say(d, ROLE_ERROR, "%s: %s", cmd->alias ? cmd->alias : cmd->name, e.msg);
	else if (out && *out)
		deck_say(d, ROLE_INFO, "%.*s", (int)strcspn(out, "\n"), out);
	const char *rest = r || !out ? NULL : strchr(out, '\n');
	if (rest && rest[1])
		page_text_open(d, cmd_word(cmd), x_strdup(rest + 1));
	d->sample_soon = true;
}

static void call_run(struct deck *d, const struct call *c)
{
	if (c->cmd->flags & CMD_TTY) {
		run_on_terminal(d, c->cmd, c->uuids[0]);
		return;
	}
	for (size_t i = 0; i < c->n; i++) {
		const struct figure *g = snapshot_find(deck_snapshot(d), c->uuids[i]);
		if (g)
			jobs_add(d->jobs, c->cmd, c->uuids[i], g->d->name, c->n == 1);
	}
}

static void call_answer(struct deck *d, int choice, void *data)
{
	if (choice == 1)
		call_run(d, data);
}

static void call_confirm(struct deck *d, struct call *c)
{
	AUTO_BUF struct buf text = {0};
	AUTO_FREE char *title = x_strdup(c->cmd->alias ? c->cmd->alias : c->cmd->name);
	const struct binding *b = binding_of(c->cmd);
	buf_printf(&text, "%s.\n\n", b && b->help ? b->help : c->cmd->summary);
	for (size_t i = 0; i < c->n && i < 8; i++) {
		const struct figure *g = snapshot_find(deck_snapshot(d), c->uuids[i]);
		buf_printf(&text, "%s%s (%s)", i ? ", " : "", g->d->name, domain_state_text(g->d->state));
	}
	if (c->n > 8)
		buf_printf(&text, " and %zu more", c->n - 8);
	buf_puts(&text, "?");
	dialog_confirm(d, title, buf_text(&text), call_answer, c);
}

static void state_words(unsigned states, struct buf *out)
{
	for (unsigned bit = 1; bit <= DOMAIN_CRASHED; bit <<= 1)
		if (states & bit)
			buf_printf(out, "%s%s", out->len ? ", " : "", domain_state_text(bit));
}

void deck_verb(struct deck *d, const struct cmd *cmd)
{
	char(*marks)[UUID_TEXT] = NULL;
	const struct figure *target = deck_target(d);
	size_t n = cmd->flags & CMD_TTY ? 0 : page_domains_marked(d, &marks);
	AUTO_FREE void *free_marks = marks;
	if (!n && !target)
		return;
	struct call *c = x_calloc(1, sizeof(*c) + (n ? n : 1) * UUID_TEXT);
	c->cmd = cmd;
	for (size_t i = 0; i < (n ? n : 1); i++) {
		const struct figure *g = n ? snapshot_find(deck_snapshot(d), marks[i]) : target;
		if (g && (!cmd->states || cmd->states & g->d->state))
			memcpy(c->uuids[c->n++], g->d->uuid, UUID_TEXT);
	}
	const char *word = cmd->alias ? cmd->alias : cmd->name;
	if (!c->n) {
		AUTO_BUF struct buf states = {0};
		state_words(cmd->states, &states);
		if (n)
			deck_say(d, ROLE_WARNING, "%s: none of the marked guests is %s", word,
				 buf_text(&states));
		else
			deck_say(d, ROLE_WARNING, "%s: '%s' is %s; this is for guests that are %s", word,
				 target->d->name, domain_state_text(target->d->state), buf_text(&states));
		free(c);
	} else if (cmd->flags & CMD_CONFIRM) {
		call_confirm(d, c);
	} else {
		call_run(d, c);
		free(c);
	}
}

static void on_key(struct deck *d, struct key k)
{
	struct view *v = deck_top(d);
	enum scope scope = v->ops->scope(v);
	const struct binding *b = binding_find(d, scope, k);
	if (b)
		binding_run(d, b);
	else if (v->ops->key)
		v->ops->key(v, k);
}

static void bar_click(struct deck *d, const struct vt_mouse *m)
{
	for (size_t i = 0; i < d->nbar && m->action == VT_MOUSE_PRESS && m->button == VT_BUTTON_LEFT; i++)
		if (m->col >= d->bar[i].from && m->col < d->bar[i].to) {
			binding_run(d, d->bar[i].binding);
			return;
		}
}

void deck_event(struct deck *d, const struct event *ev)
{
	struct view *v = deck_top(d);
	d->redraw = true;
	if (ev->kind == EVENT_BACKGROUND) {
		theme_set_light(ev->light);
	} else if (ev->kind == EVENT_KEY) {
		bool shown = !v->ops->full || !v->ops->full(v);
		if (shown && d->nmessages && d->now_ms - d->messages[d->nmessages - 1].at_ms >= SEEN_MS)
			d->message_seen = true;
		if (d->prompt)
			prompt_key(d, ev->key);
		else if (d->dialog)
			dialog_key(d, ev->key);
		else
			on_key(d, ev->key);
	} else if (ev->kind == EVENT_PASTE) {
		if (d->prompt)
			prompt_paste(d, ev->text, ev->len);
		else if (!d->dialog && v->ops->paste)
			v->ops->paste(v, ev->text, ev->len);
	} else if (d->dialog) {
		dialog_mouse(d, &ev->mouse);
	} else if (ev->mouse.row == d->rows - 1 && d->nbar) {
		bar_click(d, &ev->mouse);
	} else if (!d->prompt && v->ops->mouse) {
		v->ops->mouse(v, &ev->mouse, &v->area);
	}
}

/* What guests did by themselves; what a verb did is told by its job. */
static void tell_changes(struct deck *d)
{
	const struct snapshot *s = deck_snapshot(d);
	for (size_t i = 0; i < s->n; i++) {
		const struct sample_domain *m = s->figures[i].d;
		enum domain_state was = s->figures[i].was;
		if (!was || was == m->state || m->reason == DOMAIN_REASON_DESTROYED ||
		    m->reason == DOMAIN_REASON_USER)
			continue;
		const char *why = *m->detail ? m->detail : domain_reason_text(m->reason);
		if (m->state == DOMAIN_CRASHED)
			deck_say(d, ROLE_ERROR, "'%s' has crashed: %s", m->name, why);
		else if (m->state == DOMAIN_PAUSED && m->reason != DOMAIN_REASON_STARTING)
			deck_say(d, ROLE_ERROR, "'%s' is paused: %s", m->name, why);
		else if (m->state == DOMAIN_SHUTOFF && was & DOMAIN_ACTIVE)
			deck_say(d, ROLE_INFO, "'%s' is shut off: %s", m->name, why);
	}
}

void deck_tick(struct deck *d, int64_t now_ms, bool sample)
{
	d->now_ms = now_ms;
	if (!sample && !d->sample_soon)
		return;
	bool was = deck_snapshot(d)->stale;
	d->sample_soon = false;
	figures_update(d->figures, d->backend);
	if (deck_snapshot(d)->stale && !was)
		deck_say(d, ROLE_ERROR, "no new figures: %s", deck_snapshot(d)->error);
	if (!deck_snapshot(d)->stale)
		tell_changes(d);
	consoles_update(d->consoles);
	for (size_t i = 0; i < d->nviews; i++)
		if (d->views[i]->ops->update)
			d->views[i]->ops->update(d->views[i]);
	monitors_update(d);
	if (deck_top(d)->ops->scope(deck_top(d)) == SCOPE_PANEL && deck_top(d)->ops->full &&
	    deck_top(d)->ops->target) /* the list's panel has the shown one otherwise */
		console_show(d, deck_top(d)->ops->target(deck_top(d)));
	d->redraw = true;
}

void deck_draw(struct deck *d, struct canvas *c)
{
	canvas_clear(c);
	struct area all = area_all(c);
	struct view *v = deck_top(d);
	bool full = v->ops->full && v->ops->full(v);
	int top = full || all.rows < 6 ? 0 : header_rows(d), bottom = full           ? 0
								      : all.rows < 4 ? all.rows > 1
										     : 2;
	struct area header = area_sub(&all, 0, 0, top, all.cols);
	v->area = area_sub(&all, top, 0, all.rows - top - bottom, all.cols);
	if (top)
		draw_header(d, &header);
	v->ops->draw(v, &v->area);
	struct area line = area_sub(&all, all.rows - bottom, 0, 1, all.cols);
	struct area keys = area_sub(&all, all.rows - 1, 0, 1, all.cols);
	d->nbar = 0;
	if (bottom == 2)
		draw_keys(d, &keys);
	if (d->prompt) {
		c->cursor_row = -1;
		line = bottom ? line : keys;
		area_fill(&line, 0, 0, 1, line.cols, theme(ROLE_NORMAL));
		prompt_draw(d, &line);
	} else if (bottom) {
		struct area above = area_sub(&all, 0, 0, all.rows - bottom + 1, all.cols);
		draw_message(d, &above);
	}
	if (d->dialog) {
		c->cursor_row = -1;
		dialog_draw(d, &all);
	}
	d->redraw = false;
}

void deck_drawn(struct deck *d)
{
	monitors_drawn(d);
}

bool deck_wants_motion(const struct deck *d)
{
	const struct view *v = deck_top(d);
	return !d->dialog && !d->prompt && v->ops->motion && v->ops->motion((struct view *)v);
}

/* Descriptors on the loop. */

struct watch {
	uv_poll_t poll; /* first: uv_close() gives it back */
	watch_fn fn;
	void *arg;
	int events;
};

static void watch_fired(uv_poll_t *poll, int status, int events)
{
	struct watch *w = (struct watch *)poll;
	w->fn(w->arg, status < 0 ? UV_READABLE : events); /* the read will tell what is wrong */
}

struct watch *watch_new(uv_loop_t *loop, int fd, int events, watch_fn fn, void *arg)
{
	struct watch *w = x_calloc(1, sizeof(*w));
	w->fn = fn;
	w->arg = arg;
	if (uv_poll_init(loop, &w->poll, fd)) {
		free(w);
		return NULL;
	}
	watch_set(w, events);
	return w;
}

void watch_set(struct watch *w, int events)
{
	if (w->events != events)
		uv_poll_start(&w->poll, events, watch_fired);
	w->events = events;
}

static void watch_closed(uv_handle_t *h)
{
	free(h);
}

void watch_free(struct watch *w)
{
	if (w)
		uv_close((uv_handle_t *)&w->poll, watch_closed);
}
