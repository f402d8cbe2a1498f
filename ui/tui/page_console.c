/* The console on the full screen, and the keys of both panels. */
#include "ui/tui/page_console.h"

#include <string.h>

#include "ui/tui/console.h"
#include "ui/tui/keys.h"
#include "ui/tui/page_domains.h"

struct page_console {
	char uuid[UUID_TEXT];
};

static enum scope console_scope(struct view *v)
{
	return SCOPE_PANEL;
}

static void console_page_draw(struct view *v, const struct area *a)
{
	console_draw(v->deck, a, true);
}

static bool console_page_key(struct view *v, struct key k)
{
	console_key(v->deck, k);
	return true;
}

static void console_page_paste(struct view *v, const char *text, size_t n)
{
	console_paste(v->deck, text, n);
}

static bool console_page_mouse(struct view *v, const struct vt_mouse *m, const struct area *a)
{
	console_mouse(v->deck, m, a);
	return true;
}

static const char *console_target(struct view *v)
{
	return ((struct page_console *)v->state)->uuid;
}

static bool console_full(struct view *v)
{
	return true;
}

static const struct view_ops page_console_ops = {
    .name = "console",
    .state_size = sizeof(struct page_console),
    .draw = console_page_draw,
    .scope = console_scope,
    .key = console_page_key,
    .paste = console_page_paste,
    .mouse = console_page_mouse,
    .target = console_target,
    .full = console_full,
};

void action_panel(struct deck *d, int arg)
{
	const struct figure *g = deck_target(d);
	if (!g)
		return;
	if (deck_top(d) == d->views[0])
		page_domains_panel(d, true, true);
	else
		action_panel_full(d, 0);
}

void action_panel_show(struct deck *d, int arg)
{
	page_domains_panel(d, !page_domains_panel_shown(d), false);
}

void page_console_open(struct deck *d, const char *of)
{
	char uuid[UUID_TEXT];
	memcpy(uuid, of, UUID_TEXT);
	struct view *v = deck_push(d, &page_console_ops);
	if (!v)
		return;
	memcpy(((struct page_console *)v->state)->uuid, uuid, UUID_TEXT);
	console_show(d, uuid);
}

void action_panel_full(struct deck *d, int arg)
{
	const struct figure *g = deck_target(d);
	if (g)
		page_console_open(d, g->d->uuid);
}

void action_panel_leave(struct deck *d, int arg)
{
	console_leave(d);
	if (deck_top(d)->ops == &page_console_ops)
		deck_pop(d);
	else
		page_domains_panel(d, true, false);
}

void action_panel_scroll(struct deck *d, int arg)
{
	struct view *v = deck_top(d);
	console_scroll(d, arg, v->ops->scope(v) == SCOPE_PANEL);
}

void action_stty(struct deck *d, int arg)
{
	console_stty(d);
}
