#include "ui/tui/dialog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/cleanup.h"
#include "ui/tui/line.h"

struct dialog {
	enum { DIALOG_CONFIRM, DIALOG_MENU, DIALOG_NOTE } kind;
	char *title, *text;
	struct menu_item *items;
	size_t n, at, top;
	dialog_fn fn;
	void *data;
	struct area area; /* where it was drawn last, frame included */
};

static struct dialog *dialog_new(struct deck *d, int kind, const char *title, dialog_fn fn, void *data)
{
	dialog_free(d->dialog);
	struct dialog *g = x_calloc(1, sizeof(*g));
	g->kind = kind;
	g->title = x_strdup(title);
	g->fn = fn;
	g->data = data;
	d->dialog = g;
	return g;
}

void dialog_free(struct dialog *g)
{
	if (!g)
		return;
	for (size_t i = 0; i < g->n; i++) {
		free(g->items[i].label);
		free(g->items[i].hint);
	}
	free(g->items);
	free(g->title);
	free(g->text);
	free(g->data);
	free(g);
}

void dialog_confirm(struct deck *d, const char *title, const char *text, dialog_fn fn, void *data)
{
	dialog_new(d, DIALOG_CONFIRM, title, fn, data)->text = x_strdup(text);
}

void dialog_note(struct deck *d, const char *title, const char *text)
{
	dialog_new(d, DIALOG_NOTE, title, NULL, NULL)->text = x_strdup(text);
}

void dialog_menu(struct deck *d, const char *title, struct menu_item *items, size_t n, dialog_fn fn,
		 void *data)
{
	struct dialog *g = dialog_new(d, DIALOG_MENU, title, fn, data);
	g->items = items;
	g->n = n;
}

/* Close it, then tell: the answer may open the next one. */
static void choose(struct deck *d, int choice)
{
	struct dialog *g = d->dialog;
	d->dialog = NULL;
	if (g->fn)
		g->fn(d, choice, g->data);
	dialog_free(g);
}

static void menu_key(struct deck *d, struct key k)
{
	struct dialog *g = d->dialog;
	char name[KEY_NAME_MAX];
	size_t last = g->n ? g->n - 1 : 0;
	if (k.code == VT_KEY_ENTER && g->n) {
		choose(d, (int)g->at);
		return;
	}
	key_text(k, name);
	for (size_t i = 0; i < g->n; i++)
		if (!strcmp(g->items[i].key, name)) {
			choose(d, (int)i);
			return;
		}
	if (k.code == VT_KEY_ESCAPE || k.code == VT_KEY_LEFT || k.code == 'q')
		choose(d, -1);
	else if (k.code == VT_KEY_UP || k.code == 'k')
		g->at = g->at ? g->at - 1 : last;
	else if (k.code == VT_KEY_DOWN || k.code == 'j')
		g->at = g->at < last ? g->at + 1 : 0;
	else if (k.code == VT_KEY_HOME || k.code == VT_KEY_PGUP)
		g->at = 0;
	else if (k.code == VT_KEY_END || k.code == VT_KEY_PGDN)
		g->at = last;
}

void dialog_key(struct deck *d, struct key k)
{
	struct dialog *g = d->dialog;
	if (g->kind == DIALOG_NOTE)
		choose(d, -1);
	else if (g->kind == DIALOG_MENU)
		menu_key(d, k);
	else if (k.code == 'y' || k.code == 'Y')
		choose(d, 1);
	else if (k.code == 'n' || k.code == 'N' || k.code == VT_KEY_ESCAPE || k.code == 'q')
		choose(d, 0);
	else if (k.code == VT_KEY_ENTER)
		choose(d, g->at == 1);
	else if (k.code == VT_KEY_LEFT || k.code == VT_KEY_RIGHT || k.code == VT_KEY_TAB ||
		 k.code == VT_KEY_BACKTAB)
		g->at = !g->at;
}

void dialog_mouse(struct deck *d, const struct vt_mouse *m)
{
	struct dialog *g = d->dialog;
	if (m->action != VT_MOUSE_PRESS)
		return;
	if (g->kind == DIALOG_MENU && m->button == VT_BUTTON_WHEEL_UP) {
		g->at -= g->at > 0;
		return;
	}
	if (g->kind == DIALOG_MENU && m->button == VT_BUTTON_WHEEL_DOWN) {
		g->at += g->at + 1 < g->n;
		return;
	}
	int row = m->row - g->area.row - 1, col = m->col - g->area.col;
	bool inside = row >= 0 && row < g->area.rows - 2 && col >= 0 && col < g->area.cols;
	if (g->kind == DIALOG_MENU && inside && g->top + row < g->n)
		choose(d, (int)(g->top + row));
	else if (!inside || g->kind == DIALOG_NOTE)
		choose(d, g->kind == DIALOG_CONFIRM ? 0 : -1);
}

static void draw_text(struct dialog *g, const struct area *a)
{
	bool ask = g->kind == DIALOG_CONFIRM;
	int width = a->cols - 4 < 60 ? a->cols - 4 : 60;
	int lines = text_wrap(NULL, 0, 2, width - 4, theme(ROLE_NORMAL), g->text),
	    rows = lines + (ask ? 4 : 2);
	struct area box = area_sub(a, (a->rows - rows) / 2, (a->cols - width) / 2, rows, width);
	g->area = box;
	area_fill(&box, 0, 0, rows, width, theme(ROLE_NORMAL));
	area_box(&box, theme(ask ? ROLE_DANGER : ROLE_FRAME_ON), theme(ROLE_STRONG), g->title);
	text_wrap(&box, 1, 2, width - 4, theme(ROLE_NORMAL), g->text);
	if (!ask) {
		area_text(&box, rows - 1, width - 13, -1, theme(ROLE_DIM), " any key ");
		return;
	}
	int col = width / 2 - 9;
	area_text(&box, rows - 2, col, -1, theme(g->at ? ROLE_BUTTON : ROLE_SELECTED),
		  g->at ? "   No   " : " [ No ] ");
	area_text(&box, rows - 2, col + 10, -1, theme(g->at ? ROLE_SELECTED : ROLE_BUTTON),
		  g->at ? " [ Yes ] " : "   Yes   ");
	area_text(&box, rows - 2, width - 7, -1, theme(ROLE_DIM), "n / y");
}

static void draw_menu(struct dialog *g, const struct area *a)
{
	int width = text_width(g->title) + 8, label = 0, hint = 0;
	for (size_t i = 0; i < g->n; i++) {
		int l = text_width(g->items[i].label),
		    h = g->items[i].hint ? text_width(g->items[i].hint) : 0;
		label = l > label ? l : label;
		hint = h > hint ? h : hint;
	}
	width = 12 + label + hint > width ? 12 + label + hint : width;
	width = width > a->cols - 2 ? a->cols - 2 : width;
	int rows = (int)g->n + 2 > a->rows ? a->rows : (int)g->n + 2, seen = rows - 2 > 0 ? rows - 2 : 1;
	struct area box = area_sub(a, (a->rows - rows) / 2, (a->cols - width) / 2, rows, width);
	g->area = box;
	g->top = g->at < g->top ? g->at : g->at >= g->top + seen ? g->at - seen + 1 : g->top;
	area_fill(&box, 0, 0, rows, width, theme(ROLE_NORMAL));
	area_box(&box, theme(ROLE_FRAME_ON), theme(ROLE_STRONG), g->title);
	if (g->top + seen < g->n && width > 14)
		area_text(&box, rows - 1, width - 10, -1, theme(ROLE_DIM), " more ▼ ");
	for (int i = 0; i < seen && g->top + i < g->n; i++) {
		const struct menu_item *m = &g->items[g->top + i];
		bool on = g->top + i == g->at;
		struct area line = area_sub(&box, 1 + i, 1, 1, width - 2);
		if (on)
			area_fill(&line, 0, 0, 1, line.cols, theme(ROLE_SELECTED));
		area_field(&line, 0, 1, 5, false, theme(on ? ROLE_SELECTED : ROLE_KEY), m->key);
		area_text(&line, 0, 7, -1, theme(on ? ROLE_SELECTED : ROLE_NORMAL), m->label);
		if (m->hint && line.cols > 11 + label)
			area_field(&line, 0, 9 + label, line.cols - 10 - label, false,
				   theme(on ? ROLE_SELECTED : ROLE_DIM), m->hint);
	}
}

void dialog_draw(struct deck *d, const struct area *a)
{
	if (d->dialog->kind == DIALOG_MENU)
		draw_menu(d->dialog, a);
	else
		draw_text(d->dialog, a);
}

struct prompt {
	char *label;
	struct line line;
	prompt_fn change, done;
};

void prompt_open(struct deck *d, const char *label, const char *initial, prompt_fn change, prompt_fn done)
{
	prompt_free(d->prompt);
	struct prompt *p = x_calloc(1, sizeof(*p));
	p->label = x_strdup(label);
	line_set(&p->line, initial);
	p->change = change;
	p->done = done;
	d->prompt = p;
}

void prompt_free(struct prompt *p)
{
	if (!p)
		return;
	free(p->label);
	line_done(&p->line);
	free(p);
}

void prompt_key(struct deck *d, struct key k)
{
	struct prompt *p = d->prompt;
	if (k.code == VT_KEY_ENTER || k.code == VT_KEY_ESCAPE || (k.code == 'c' && k.mods == VT_CTRL)) {
		d->prompt = NULL; /* done() may open the next one */
		p->done(d, k.code == VT_KEY_ENTER ? line_text(&p->line) : NULL);
		prompt_free(p);
		return;
	}
	if (line_key(&p->line, k) == LINE_CHANGED && p->change)
		p->change(d, line_text(&p->line));
}

void prompt_paste(struct deck *d, const char *text, size_t n)
{
	struct prompt *p = d->prompt;
	if (line_paste(&p->line, text, n) && p->change)
		p->change(d, line_text(&p->line));
}

void prompt_draw(struct deck *d, const struct area *a)
{
	struct prompt *p = d->prompt;
	int label = area_printf(a, 0, 1, theme(ROLE_KEY), "%s ", p->label) + 1;
	line_draw(&p->line, a, 0, label, a->cols - label - 1, theme(ROLE_FIELD), true);
}
