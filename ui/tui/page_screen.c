#include "ui/tui/page_screen.h"

#include <stdio.h>
#include <string.h>

#include "src/base/cleanup.h"
#include "ui/tui/dialog.h"
#include "ui/tui/keys.h"
#include "ui/tui/monitor.h"
#include "ui/tui/why.h"

#define LEAST_MS                                                                                             \
	66 /* from one picture to the next: what is typed is seen at once, and 15 a second look alive */
#define ROOM_ROWS 32 /* terminals with fewer have no rows to give away for header and key bar */

struct page_screen {
	struct monitor *screen;
	bool full;
	struct why why; /* is nothing to be seen? */
};

static struct page_screen *page(struct view *v)
{
	return v->state;
}

static enum scope screen_scope(struct view *v)
{
	return SCOPE_SCREEN;
}

static void draw_title(struct view *v, const struct area *a)
{
	const struct figure *g = deck_target(v->deck);
	char what[256];
	for (int i = 0; i < a->cols; i++)
		area_text(a, 0, i, 1, theme(ROLE_FRAME_ON), "─");
	int n = area_printf(a, 0, 1, theme(ROLE_STRONG), " %s ", g ? g->d->name : "");
	n += area_printf(a, 0, 1 + n, theme(ROLE_DIM), "· %s ",
			 monitor_what(page(v)->screen, what, sizeof(what)));
	bool why = page(v)->why.now.trouble;
	const char *right =
	    a->cols < 60 || why ? " Ctrl+] leaves " : " Ctrl+\\ keys and more · Ctrl+] leaves ";
	int w = text_width(right);
	if (n + w + 2 < a->cols)
		area_text(a, 0, a->cols - w - 1, -1, theme(ROLE_KEY), right);
	if (why && n + w + 20 < a->cols)
		area_field(a, 0, 1 + n + area_printf(a, 0, 1 + n, theme(ROLE_DIM), "· "), a->cols - n - w - 5,
			   false, theme(ROLE_WARNING), page(v)->why.now.what);
}

static struct area body_of(const struct area *a)
{
	return area_sub(a, 1, 0, a->rows - 1, a->cols);
}

static void screen_page_update(struct view *v)
{
	why_look(&page(v)->why, v->deck, deck_target(v->deck), NULL);
}

static void screen_page_draw(struct view *v, const struct area *a)
{
	struct area body = body_of(a);
	area_fill(a, 0, 0, a->rows, a->cols, theme(ROLE_NORMAL));
	draw_title(v, a);
	bool over = v->deck->dialog || v->deck->prompt || (page(v)->full && draw_message_due(v->deck));
	monitor_draw(page(v)->screen, &body, true, !over);
	if (page(v)->full)
		draw_message_over(v->deck, a);
}

static bool screen_page_key(struct view *v, struct key k)
{
	monitor_key(page(v)->screen, k);
	return true;
}

static bool screen_page_mouse(struct view *v, const struct vt_mouse *m, const struct area *a)
{
	struct area body = body_of(a);
	monitor_mouse(page(v)->screen, m, &body);
	return true;
}

static void screen_page_paste(struct view *v, const char *text, size_t n)
{
	type_pasted(v->deck, monitor_uuid(page(v)->screen), text, n);
}

static const char *screen_target(struct view *v)
{
	return monitor_uuid(page(v)->screen);
}

static bool screen_full(struct view *v)
{
	return page(v)->full;
}

static bool screen_motion(struct view *v)
{
	return true;
}

static void screen_done(struct view *v)
{
	why_done(&page(v)->why);
	monitor_release(page(v)->screen);
	monitor_free(page(v)->screen);
}

static const struct view_ops page_screen_ops = {
    .name = "screen",
    .state_size = sizeof(struct page_screen),
    .update = screen_page_update,
    .draw = screen_page_draw,
    .scope = screen_scope,
    .key = screen_page_key,
    .paste = screen_page_paste,
    .mouse = screen_page_mouse,
    .target = screen_target,
    .full = screen_full,
    .motion = screen_motion,
    .done = screen_done,
};

void page_screen_open(struct deck *d, const char *uuid)
{
	char copy[UUID_TEXT];
	snprintf(copy, sizeof(copy), "%s", uuid);
	struct view *v = deck_push(d, &page_screen_ops);
	if (!v)
		return;
	page(v)->screen = monitor_new(d, copy, LEAST_MS);
	page(v)->full = d->rows < ROOM_ROWS;
}

void action_screen(struct deck *d, int arg)
{
	const struct figure *g = deck_target(d);
	if (g && g->d->state & DOMAIN_ACTIVE && !g->d->screen)
		deck_say(d, ROLE_WARNING,
			 "'%s' has no screen: its XML has no <video>; c opens its serial console",
			 g->d->name);
	else if (g)
		page_screen_open(d, g->d->uuid);
}

void action_screen_leave(struct deck *d, int arg)
{
	deck_pop(d);
}

/* --- the menu --- */

enum { MENU_SELECT, MENU_FULL, MENU_TYPE, MENU_KEYS };

static void menu_done(struct deck *d, int choice, void *data)
{
	struct view *v = deck_top(d);
	if (v->ops != &page_screen_ops || choice < 0)
		return;
	if (choice == MENU_SELECT) {
		if (monitor_select(page(v)->screen))
			deck_say(d, ROLE_INFO, "arrows move, Space begins, Enter copies, Esc ends");
		else
			deck_say(d, ROLE_WARNING, "there is no text on the screen to select");
	} else if (choice == MENU_FULL) {
		page(v)->full = !page(v)->full;
	} else if (choice == MENU_TYPE) {
		action_type(d, 0);
	} else {
		monitor_stroke(page(v)->screen, &stroke_items[choice - MENU_KEYS].stroke);
	}
}

void action_screen_menu(struct deck *d, int arg)
{
	size_t n = 0;
	while (stroke_items[n].label)
		n++;
	struct menu_item *items = x_calloc(n + MENU_KEYS + 1, sizeof(*items));
	items[MENU_SELECT] =
	    (struct menu_item){x_strdup("Select text"), x_strdup("By keys; the mouse does by itself"), "v"};
	items[MENU_FULL] =
	    (struct menu_item){x_strdup("Full screen"), x_strdup("With header and key bar, or without"), "z"};
	items[MENU_TYPE] =
	    (struct menu_item){x_strdup("Type text"), x_strdup("A line, in the guest's layout"), "y"};
	for (size_t i = 0; i < n; i++) {
		items[MENU_KEYS + i].label = x_strdup(stroke_items[i].label);
		items[MENU_KEYS + i].hint = x_strdup(stroke_items[i].hint);
	}
	dialog_menu(d, "Keys and more", items, n + MENU_KEYS, menu_done, NULL);
}
