/* What keys do that is no verb. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "src/base/cleanup.h"
#include "src/cmd/screen_text.h"
#include "src/model/xml.h"
#include "ui/tui/dialog.h"
#include "ui/tui/job.h"
#include "ui/tui/keys.h"
#include "ui/tui/page_domain.h"
#include "ui/tui/page_files.h"
#include "ui/tui/page_text.h"

#define XML_MAX (4u << 20)

void action_quit(struct deck *d, int arg)
{
	d->quit = true;
}

void action_back(struct deck *d, int arg)
{
	deck_pop(d);
}

void action_help(struct deck *d, int arg)
{
	page_text_open(d, "Help", keys_help());
}

/* What follows the first line of a message stands under it. */
static void put_message(struct buf *out, const char *when, const struct message *m, int width)
{
	const char *next;
	for (const char *p = m->text; *p || p == m->text; p = next) {
		size_t n;
		next = text_line(p, width, &n);
		if (p == m->text)
			buf_printf(out, "%s %c ", when, m->role == ROLE_ERROR ? '!' : ' ');
		else
			buf_printf(out, "%11s", "");
		buf_add(out, p, n);
		buf_puts(out, "\n");
		if (!*next)
			break;
	}
}

void action_messages(struct deck *d, int arg)
{
	AUTO_BUF struct buf out = {0};
	for (size_t i = 0; i < d->nmessages; i++) {
		const struct message *m = &d->messages[i];
		char when[16];
		time_t t = (time_t)(m->wall_ms / 1000);
		struct tm tm;
		strftime(when, sizeof(when), "%H:%M:%S", localtime_r(&t, &tm));
		put_message(&out, when, m, d->cols > 40 ? d->cols - 13 : 27);
	}
	if (!d->nmessages)
		buf_puts(&out, "Nothing was said so far.\n");
	d->unread = 0;
	page_text_open_end(d, "Messages", buf_take(&out));
}

void action_redraw(struct deck *d, int arg)
{
	d->redraw = d->repaint = true;
	d->sample_soon = true;
}

void action_stop(struct deck *d, int arg)
{
	d->stop = true;
}

void action_move(struct deck *d, int arg)
{
	struct view *v = deck_top(d);
	if (v->ops->move)
		v->ops->move(v, arg);
}

void action_info(struct deck *d, int arg)
{
	const struct figure *g = deck_target(d);
	if (g)
		page_domain_open(d, g->d->uuid);
}

void action_display(struct deck *d, int arg)
{
	const struct figure *g = deck_target(d);
	struct screen_info s;
	struct err e = {0};
	AUTO_BUF struct buf b = {0};
	if (!g)
		return;
	if (d->backend->ops->domain_screen(d->backend, g->d->uuid, &s, &e)) {
		deck_say(d, ROLE_ERROR, "%s", e.msg);
		return;
	}
	AUTO_FREE char *title = x_asprintf("%s: display", g->d->name);
	screen_tell(&s, &b);
	buf_printf(&b, "\nA VNC viewer looks there; for a browser: vmdeck novnc %s", g->d->name);
	dialog_note(d, title, buf_text(&b));
}

void action_key(struct deck *d, int arg)
{
	struct view *v = deck_top(d);
	if (v->ops->key)
		v->ops->key(v, (struct key){(uint32_t)arg & 0xffffff, (unsigned)arg >> 24});
}

void action_xml(struct deck *d, int arg)
{
	const struct figure *g = deck_target(d);
	struct err e = {0};
	char *text;
	if (!g)
		return;
	AUTO_FREE char *title = x_asprintf("%s: XML", g->d->name);
	if (d->backend->ops->domain_xml(d->backend, g->d->uuid, 0, &text, &e))
		deck_say(d, ROLE_ERROR, "%s", e.msg);
	else
		page_text_open(d, title, text);
}

void action_autostart(struct deck *d, int arg)
{
	const struct figure *g = deck_target(d);
	struct err e = {0};
	if (!g)
		return;
	bool on = !g->d->autostart;
	if (d->backend->ops->domain_autostart(d->backend, g->d->uuid, on, &e))
		deck_say(d, ROLE_ERROR, "%s", e.msg);
	else
		deck_say(d, ROLE_INFO, "'%s' %s", g->d->name,
			 on ? "starts with the host" : "does not start with the host");
	d->sample_soon = true;
}

static void define_done(struct deck *d, const char *path)
{
	struct err e = {0};
	struct domain_info info;
	AUTO_FREE char *text = NULL;
	AUTO_FREE char *notes = NULL;
	if (!path)
		return;
	if (xml_read(path, XML_MAX, &text, &e) ||
	    d->backend->ops->domain_define(d->backend, text, path, 0, &info, &notes, &e)) {
		deck_say(d, ROLE_ERROR, "%s", e.msg);
		return;
	}
	deck_say(d, ROLE_INFO, "'%s' is defined%s%s", info.name, notes && *notes ? ": " : "",
		 notes ? notes : "");
	d->sample_soon = true;
}

void action_define(struct deck *d, int arg)
{
	page_files_open(d, "Define a guest from an XML file", BROWSE_XML, NULL, define_done);
}

struct menu {
	const struct cmd *cmds[64]; /* NULL: start paused */
	const struct binding *pages[64]; /* what is no verb; NULL: a verb */
	size_t n;
	char uuid[UUID_TEXT];
};

static void menu_done(struct deck *d, int choice, void *data)
{
	struct menu *m = data;
	if (choice < 0 || (size_t)choice >= m->n)
		return;
	const struct figure *g = snapshot_find(deck_snapshot(d), m->uuid);
	const struct binding *b = m->pages[choice] ? m->pages[choice] : binding_of(m->cmds[choice]);
	if (b)
		binding_run(d, b);
	else if (!m->cmds[choice] && g)
		jobs_start(d->jobs, START_PAUSED, m->uuid, g->d->name);
	else if (m->cmds[choice])
		deck_verb(d, m->cmds[choice]);
}

static bool needs_arguments(const struct cmd *c)
{
	for (const struct cmd_arg *a = c->args; a && a->name; a++)
		if (a->required)
			return true;
	return false;
}

static void menu_add(struct menu *m, struct menu_item *items, const struct cmd *c, const struct figure *g)
{
	if (!c || m->n == ARRAY_SIZE(m->cmds) || c->target != CMD_DOMAIN || c->flags & CMD_HIDDEN ||
	    (needs_arguments(c) && !(binding_of(c) && binding_of(c)->run)) ||
	    (c->states && !(c->states & g->d->state)))
		return;
	for (size_t i = 0; i < m->n; i++)
		if (m->cmds[i] == c)
			return;
	const struct binding *b = binding_of(c);
	items[m->n].label = x_strdup(c->alias ? c->alias : c->name);
	items[m->n].hint = x_strdup(b && b->help ? b->help : c->summary);
	binding_key_of(c->name, items[m->n].key);
	m->cmds[m->n++] = c;
}

/* A page about the guest's screen. */
static void menu_add_page(struct menu *m, struct menu_item *items, const struct binding *b)
{
	if (m->n == ARRAY_SIZE(m->cmds))
		return;
	items[m->n].label = x_strdup(b->label);
	items[m->n].label[0] |= 0x20; /* verbs are small, too */
	items[m->n].hint = x_strdup(b->help);
	snprintf(items[m->n].key, sizeof(items[m->n].key), "%s", b->keys);
	m->pages[m->n++] = b;
}

void action_menu(struct deck *d, int arg)
{
	const struct figure *g = deck_target(d);
	if (!g)
		return;
	struct menu *m = x_calloc(1, sizeof(*m));
	struct menu_item *items = x_calloc(ARRAY_SIZE(m->cmds) + 1, sizeof(*items));
	memcpy(m->uuid, g->d->uuid, UUID_TEXT);
	for (const struct binding *b = bindings; b->keys; b++) /* those with keys first, in their order */
		if (b->verb)
			menu_add(m, items, cmd_find(b->verb, NULL), g);
		else if (b->scopes & SCOPE_SHOWN && b->label && g->d->screen)
			menu_add_page(m, items, b);
	if (g->d->state & DOMAIN_INACTIVE && m->n < ARRAY_SIZE(m->cmds)) {
		items[m->n].label = x_strdup("start --paused");
		items[m->n++].hint = x_strdup("Start it, and hold it before its first instruction");
	}
	for (const struct cmd *const *c = cmds; *c; c++)
		menu_add(m, items, *c, g);
	AUTO_FREE char *title = x_asprintf("%s: %s", g->d->name, domain_state_text(g->d->state));
	dialog_menu(d, title, items, m->n, menu_done, m);
}
