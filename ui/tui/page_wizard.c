/* The page on which a new guest is described. */
#include <stdlib.h>
#include <string.h>

#include "src/base/cleanup.h"
#include "ui/tui/dialog.h"
#include "ui/tui/keys.h"
#include "ui/tui/page_console.h"
#include "ui/tui/page_domains.h"
#include "ui/tui/page_files.h"
#include "ui/tui/page_plan.h"
#include "ui/tui/page_screen.h"
#include "ui/tui/wizard.h"

static const struct view_ops page_wizard_ops;

static enum scope wizard_scope(struct view *v)
{
	return SCOPE_FORM;
}

static void wizard_draw(struct view *v, const struct area *a)
{
	struct wizard *w = v->state;
	struct area body = area_sub(a, 1, 0, a->rows - 1, a->cols);
	area_title(a, "New guest");
	form_draw(&w->form, &body);
}

/* The wizard, if it is the top. */
static struct wizard *wizard_of(struct deck *d)
{
	struct view *v = deck_top(d);
	return v->ops == &page_wizard_ops ? v->state : NULL;
}

static void leave_answer(struct deck *d, int choice, void *data)
{
	if (choice == 1 && wizard_of(d))
		deck_pop(d);
}

static void leave(struct deck *d, const struct wizard *w)
{
	if (wizard_touched(w))
		dialog_confirm(d, "New guest",
			       "What you have typed is forgotten then; nothing was made.\n\nLeave the form?",
			       leave_answer, NULL);
	else
		deck_pop(d);
}

static void file_chosen(struct deck *d, const char *path)
{
	struct wizard *w = wizard_of(d);
	if (!w || !path)
		return;
	struct field *f = &w->form.fields[w->form.at];
	line_set(&f->line, path);
	f->touched = true;
	wizard_changed(w, w->form.at);
}

static void browse(struct deck *d, const struct wizard *w)
{
	size_t at = w->form.at;
	AUTO_FREE char *title = x_asprintf("New guest: %s", w->form.fields[at].label);
	page_files_open(d, title, wizard_browse(at), form_value(&w->form, at), file_chosen);
}

/* It was made: its screen, or its console. Or not: back to the form, to the field that it is about. */
static void made(struct deck *d, const struct install_plan *plan, int result, const char *error)
{
	char uuid[UUID_TEXT];
	memcpy(uuid, plan->uuid, UUID_TEXT);
	bool started = !(plan->flags & INSTALL_NO_START), screen = plan->screen, console = plan->console;
	while (d->nviews > 1 && !wizard_of(d)) /* the page of the plan, and what was opened over it */
		deck_pop(d);
	struct wizard *w = wizard_of(d);
	if (result) {
		if (w)
			wizard_blame(w, error);
		else
			deck_say(d, ROLE_ERROR, "%s", error);
		return;
	}
	deck_pop(d);
	d->sample_soon = true;
	deck_tick(d, d->now_ms, false); /* so that it is in the list */
	page_domains_select(d, uuid);
	if (started && screen)
		page_screen_open(d, uuid);
	else if (started && console)
		page_console_open(d, uuid);
}

static void go_on(struct deck *d, struct wizard *w)
{
	if (!wizard_ready(w))
		return;
	w->plan->flags = (w->plan->flags & ~(unsigned)INSTALL_NO_START) |
			 (w->form.fields[W_START].on ? 0 : INSTALL_NO_START);
	page_plan_open(d, w->plan, made);
}

static bool take(struct view *v, enum form_event ev)
{
	struct wizard *w = v->state;
	struct deck *d = v->deck;
	if (ev == FORM_CHANGED)
		wizard_changed(w, w->form.at);
	else if (ev == FORM_BROWSE)
		browse(d, w);
	else if (ev == FORM_LEAVE || (ev == FORM_PRESSED && w->form.at == W_CANCEL))
		leave(d, w);
	else if (ev == FORM_PRESSED)
		go_on(d, w);
	return ev != FORM_OTHER;
}

static bool wizard_key(struct view *v, struct key k)
{
	struct wizard *w = v->state;
	if (k.code == 'n' && k.mods == VT_CTRL && !w->form.pick) {
		go_on(v->deck, w);
		return true;
	}
	return take(v, form_key(&w->form, k));
}

static void wizard_paste(struct view *v, const char *text, size_t n)
{
	struct wizard *w = v->state;
	take(v, form_paste(&w->form, text, n));
}

static bool wizard_mouse(struct view *v, const struct vt_mouse *m, const struct area *a)
{
	struct wizard *w = v->state;
	return take(v, form_mouse(&w->form, m));
}

static void wizard_view_done(struct view *v)
{
	wizard_done(v->state);
}

static const struct view_ops page_wizard_ops = {
    .name = "wizard",
    .state_size = sizeof(struct wizard),
    .scope = wizard_scope,
    .draw = wizard_draw,
    .key = wizard_key,
    .paste = wizard_paste,
    .mouse = wizard_mouse,
    .done = wizard_view_done,
};

void action_new(struct deck *d, int arg)
{
	struct view *v = deck_push(d, &page_wizard_ops);
	if (v)
		wizard_init(v->state, d->backend);
}
