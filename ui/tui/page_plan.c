/* The page's text is laid out into rows when it, or the width, has changed. XML is coloured row by row; what
 * a row begins in (a tag, a comment) is remembered with it. */
#include "ui/tui/page_plan.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/cleanup.h"
#include "src/base/fmt.h"
#include "src/cmd/editor.h"
#include "ui/tui/dialog.h"
#include "ui/tui/job.h"

enum row_kind { ROW_HEAD, ROW_TEXT, ROW_WARNING, ROW_COMMAND, ROW_XML };
enum xml_state { XML_TEXT, XML_TAG, XML_ATTRIBUTES, XML_SINGLE, XML_DOUBLE, XML_COMMENT };

struct row {
	enum row_kind kind;
	enum xml_state state; /* ROW_XML: what it begins in */
	char *text;
};

struct page_plan {
	struct install_plan *plan;
	plan_fn fn;
	char *command;
	char *draft; /* as it was edited, when it could not be taken; NULL */
	bool edited, running;
	struct row *rows;
	size_t n, room;
	int top, left, seen, width;
};

static enum scope plan_scope(struct view *v)
{
	return SCOPE_PLAN;
}

static void add_row(struct page_plan *p, enum row_kind kind, enum xml_state state, const char *text, size_t n)
{
	if (p->n == p->room) {
		p->room = p->room ? p->room * 2 : 64;
		p->rows = x_realloc(p->rows, p->room * sizeof(*p->rows));
	}
	p->rows[p->n++] = (struct row){kind, state, x_strndup(text, n)};
}

/* Broken at spaces; what goes on is indented. */
static void add_text(struct page_plan *p, enum row_kind kind, const char *text)
{
	const char *next;
	for (const char *s = text; *s; s = next) {
		size_t n;
		next = text_line(s, p->width - 4, &n);
		AUTO_FREE char *line = x_asprintf("  %.*s", (int)n, s);
		add_row(p, kind, XML_TEXT, line, strlen(line));
	}
}

/* One character on, in XML. *role is how it is shown. */
static enum xml_state xml_step(enum xml_state s, const char *at, enum role *role)
{
	static const enum role roles[] = {
	    [XML_TEXT] = ROLE_NORMAL,    [XML_TAG] = ROLE_COLUMNS,    [XML_ATTRIBUTES] = ROLE_LABEL,
	    [XML_SINGLE] = ROLE_RUNNING, [XML_DOUBLE] = ROLE_RUNNING, [XML_COMMENT] = ROLE_DIM};
	*role = roles[s];
	if (s == XML_TEXT && str_starts(at, "<!--")) {
		*role = ROLE_DIM;
		return XML_COMMENT;
	}
	if (s == XML_TEXT && *at == '<') {
		*role = ROLE_COLUMNS;
		return XML_TAG;
	}
	if (s == XML_COMMENT)
		return str_starts(at, ">") && at[-1] == '-' ? XML_TEXT : s;
	if (s == XML_SINGLE || s == XML_DOUBLE)
		return *at == (s == XML_SINGLE ? '\'' : '"') ? XML_ATTRIBUTES : s;
	if (s != XML_TAG && s != XML_ATTRIBUTES)
		return s;
	if (*at == '>' || *at == '/' || *at == '?')
		*role = ROLE_COLUMNS;
	if (*at == '>')
		return XML_TEXT;
	if (*at == '\'' || *at == '"') {
		*role = ROLE_RUNNING;
		return *at == '"' ? XML_DOUBLE : XML_SINGLE;
	}
	return isspace((unsigned char)*at) ? XML_ATTRIBUTES : s;
}

static void add_xml(struct page_plan *p, const char *text)
{
	enum xml_state s = XML_TEXT;
	enum role role;
	for (const char *line = text; *line;) {
		size_t n = strcspn(line, "\n");
		add_row(p, ROW_XML, s, line, n);
		for (size_t i = 0; i < n + (line[n] == '\n'); i++)
			s = xml_step(s, line + i, &role);
		line += n + (line[n] == '\n');
	}
}

static bool has_line(const char *text, const char *line, size_t n)
{
	for (const char *s = text; *s; s += strcspn(s, "\n"), s += *s == '\n')
		if (strcspn(s, "\n") == n && !strncmp(s, line, n))
			return true;
	return false;
}

/* Lines of what runs first that the definition has not. */
static char *first_boot(const struct install_plan *plan)
{
	struct buf b = {0};
	for (const char *s = plan->first_xml ? plan->first_xml : ""; *s;) {
		size_t n = strcspn(s, "\n");
		if (!has_line(plan->define_xml, s, n))
			buf_printf(&b, "%.*s\n", (int)n, s);
		s += n + (s[n] == '\n');
	}
	return buf_take(&b);
}

static void add_head(struct page_plan *p, const char *text)
{
	if (p->n)
		add_row(p, ROW_TEXT, XML_TEXT, "", 0);
	add_row(p, ROW_HEAD, XML_TEXT, text, strlen(text));
}

static void rows_free(struct page_plan *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->rows[i].text);
	free(p->rows);
	p->rows = NULL;
	p->n = p->room = 0;
}

static void lay_out(struct page_plan *p)
{
	const struct install_plan *plan = p->plan;
	rows_free(p);
	add_head(p, "The same from a shell (y copies it)");
	add_text(p, ROW_COMMAND, p->command);
	if (plan->nfiles || *plan->notes)
		add_head(p, "What is made, and what is to be known");
	for (size_t i = 0; i < plan->nfiles; i++) {
		char size[FMT_MAX];
		AUTO_FREE char *line =
		    x_asprintf("%s, %s%s", plan->files[i].path, fmt_bytes(plan->files[i].bytes, size),
			       plan->files[i].sparse ? ", which takes space as it is written" : "");
		add_text(p, ROW_TEXT, line);
	}
	add_text(p, ROW_WARNING, plan->notes);
	AUTO_FREE char *first = first_boot(plan);
	if (*first)
		add_head(p, "In the XML of the first boot only");
	add_xml(p, first);
	add_head(p, p->edited ? "The definition, as edited" : "The definition (e edits it)");
	add_xml(p, plan->define_xml);
}

static void clamp_top(struct page_plan *p)
{
	int last = (int)p->n - p->seen;
	p->top = p->top > last ? last : p->top;
	p->top = p->top < 0 ? 0 : p->top;
}

static void draw_xml(const struct row *r, const struct area *a, int left)
{
	enum xml_state s = r->state;
	int col = 1 - left;
	for (const char *at = r->text; *at && col < a->cols;) {
		char glyph[8];
		uint32_t ch;
		enum role role;
		size_t n = utf8_next(at, &ch);
		s = xml_step(s, at, &role);
		snprintf(glyph, sizeof(glyph), "%.*s", (int)n, at);
		if (col >= 1)
			area_text(a, 0, col, -1, theme(role), *at == '\t' ? " " : glyph);
		col += *at == '\t' ? 8 : glyph_width(ch) < 0 ? 1 : glyph_width(ch);
		at += n;
	}
}

static void plan_draw(struct view *v, const struct area *a)
{
	static const enum role roles[] = {[ROW_HEAD] = ROLE_COLUMNS,
					  [ROW_TEXT] = ROLE_NORMAL,
					  [ROW_WARNING] = ROLE_WARNING,
					  [ROW_COMMAND] = ROLE_STRONG,
					  [ROW_XML] = 0};
	struct page_plan *p = v->state;
	struct area body = area_sub(a, 1, 0, a->rows - 1, a->cols);
	AUTO_FREE char *title =
	    x_asprintf("%s: %s", p->plan->name, p->running ? "being made" : "Enter makes it");
	if (p->width != a->cols) {
		p->width = a->cols;
		lay_out(p);
	}
	p->seen = body.rows;
	clamp_top(p);
	area_title(a, title);
	size_t last = (size_t)p->top + (size_t)p->seen < p->n ? (size_t)p->top + (size_t)p->seen : p->n;
	if (a->cols > 40)
		area_printf(a, 0, a->cols - 20, theme(ROLE_DIM), " %d-%zu of %zu ", p->top + 1, last, p->n);
	for (size_t i = (size_t)p->top; i < last; i++) {
		struct area line = area_sub(&body, (int)i - p->top, 0, 1, a->cols);
		const struct row *r = &p->rows[i];
		if (r->kind == ROW_XML)
			draw_xml(r, &line, p->left);
		else
			area_field(&line, 0, 1, line.cols - 1, false, theme(roles[r->kind]), r->text);
	}
}

static void plan_move(struct view *v, enum move m)
{
	struct page_plan *p = v->state;
	int page = p->seen > 1 ? p->seen - 1 : 1;
	static const int sign[] = {-1, 1, -1, 1, 0, 0};
	int by = sign[m] * (m == MOVE_PGUP || m == MOVE_PGDN ? page : 1);
	p->top = m == MOVE_HOME ? 0 : m == MOVE_END ? (int)p->n : p->top + by;
	clamp_top(p);
}

/* In the child. */
static int make(struct backend *b, void *arg, char **out, struct err *e)
{
	struct page_plan *p = arg;
	struct domain_info info;
	return install_run(b, p->plan, &info, out, e);
}

static void start(struct deck *d, struct page_plan *p);

static struct page_plan *plan_of(struct deck *d);

static void anyway(struct deck *d, int choice, void *data)
{
	struct page_plan *p = plan_of(d);
	if (choice != 1 || !p)
		return;
	p->plan->flags |= INSTALL_FORCE;
	start(d, p);
}

static void made(struct deck *d, void *arg, int result, const char *error)
{
	struct page_plan *p = arg;
	p->running = false;
	if (result == -EOPNOTSUPP && !(p->plan->flags & INSTALL_FORCE) && strstr(error, "--force") &&
	    !d->dialog) {
		AUTO_FREE char *text = x_asprintf("%s\n\nInstall '%s' all the same?", error, p->plan->name);
		dialog_confirm(d, "install --force", text, anyway, NULL);
		return;
	}
	p->fn(d, p->plan, result, error);
}

static void start(struct deck *d, struct page_plan *p)
{
	AUTO_FREE char *label = x_asprintf("install '%s'", p->plan->name);
	p->running = true;
	jobs_call(d->jobs, label, make, made, p); /* may have closed the page when it comes back */
}

static void edit(struct deck *d, struct page_plan *p)
{
	struct err e = {0};
	AUTO_FREE char *after = NULL;
	const char *before = p->draft ? p->draft : p->plan->define_xml;
	if (!d->leave || !d->enter) {
		deck_say(d, ROLE_WARNING, "an editor needs the terminal");
		return;
	}
	d->leave();
	int rc = editor_text(before, &after, &e);
	d->enter();
	if (!rc && str_eq(before, after))
		return;
	bool edited = !rc;
	if (!rc)
		rc = install_plan_edit(p->plan, after, &e);
	if (rc)
		deck_say(d, ROLE_ERROR, "%s%s", e.msg,
			 edited ? ": it is not taken so; e edits it again" : "");
	if (edited) {
		free(p->draft);
		p->draft = rc ? TAKE_PTR(after) : NULL;
	}
	p->edited |= !rc;
	p->width = 0; /* laid out anew */
}

static void forget(struct deck *d, int choice, void *data)
{
	if (choice == 1 && plan_of(d))
		deck_pop(d);
}

static void leave(struct deck *d, const struct page_plan *p)
{
	if (p->running)
		deck_say(d, ROLE_WARNING, "it is being made: wait for it");
	else if (p->edited || p->draft)
		dialog_confirm(d, "Back to the form",
			       "What you have edited in the XML is forgotten then.\n\nGo back?", forget,
			       NULL);
	else
		deck_pop(d);
}

static bool plan_key(struct view *v, struct key k)
{
	struct page_plan *p = v->state;
	struct deck *d = v->deck;
	if (k.code == VT_KEY_ESCAPE || k.code == 'q')
		leave(d, p);
	else if (k.code == 'y')
		deck_copy(d, p->command, strlen(p->command));
	else if (p->running)
		return false;
	else if (k.code == VT_KEY_ENTER && p->draft)
		deck_say(d, ROLE_ERROR, "what you have edited is not taken: e edits it again");
	else if (k.code == VT_KEY_ENTER)
		start(d, p);
	else if (k.code == 'e')
		edit(d, p);
	else if (k.code == VT_KEY_RIGHT)
		p->left += 8;
	else if (k.code == VT_KEY_LEFT)
		p->left = p->left > 8 ? p->left - 8 : 0;
	else
		return false;
	return true;
}

static bool plan_mouse(struct view *v, const struct vt_mouse *m, const struct area *a)
{
	for (int i = 0; i < 3; i++)
		if (m->button == VT_BUTTON_WHEEL_UP || m->button == VT_BUTTON_WHEEL_DOWN)
			plan_move(v, m->button == VT_BUTTON_WHEEL_UP ? MOVE_UP : MOVE_DOWN);
	return true;
}

static void plan_done(struct view *v)
{
	struct page_plan *p = v->state;
	rows_free(p);
	free(p->command);
	free(p->draft);
}

static const struct view_ops page_plan_ops = {
    .name = "plan",
    .state_size = sizeof(struct page_plan),
    .scope = plan_scope,
    .draw = plan_draw,
    .key = plan_key,
    .move = plan_move,
    .mouse = plan_mouse,
    .done = plan_done,
};

/* It, though other pages lie over it; NULL. */
static struct page_plan *plan_of(struct deck *d)
{
	for (size_t i = 0; i < d->nviews; i++)
		if (d->views[i]->ops == &page_plan_ops)
			return d->views[i]->state;
	return NULL;
}

void page_plan_open(struct deck *d, struct install_plan *plan, plan_fn fn)
{
	struct view *v = deck_push(d, &page_plan_ops);
	if (!v)
		return;
	struct page_plan *p = v->state;
	p->plan = plan;
	p->fn = fn;
	p->command = install_command(&plan->request);
}
