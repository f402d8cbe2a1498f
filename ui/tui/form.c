#include "ui/tui/form.h"

#include <stdlib.h>
#include <string.h>

#include "src/base/cleanup.h"

#define SAID_ROWS 3 /* a sentence has no more lines than that */
#define PAGE 6      /* fields that PgUp and PgDn go over */

void form_init(struct form *f, struct field *fields, size_t n)
{
	*f = (struct form){.fields = fields, .n = n};
	form_focus(f, 0);
}

void form_done(struct form *f)
{
	for (size_t i = 0; i < f->n; i++) {
		line_done(&f->fields[i].line);
		free(f->fields[i].beside);
		free(f->fields[i].said);
	}
	free(f->fields);
	pick_free(f->pick);
	*f = (struct form){0};
}

static bool typed(const struct field *d)
{
	return d->kind == FIELD_TEXT || d->kind == FIELD_NUMBER || d->kind == FIELD_FILE;
}

static bool choice(const struct field *d)
{
	return d->kind == FIELD_CHOICE || d->kind == FIELD_LIST;
}

void form_focus(struct form *f, size_t i)
{
	if (i >= f->n || f->fields[i].hidden)
		return;
	pick_free(f->pick);
	f->pick = NULL;
	f->at = i;
}

static void set_text(char **where, const char *text)
{
	free(*where);
	*where = NULL;
	if (!text || !*text)
		return;
	size_t n = strlen(text) * 3 + 1;
	*where = x_malloc(n);
	str_printable(text, *where, n);
}

void form_say(struct form *f, size_t i, enum role role, const char *text)
{
	set_text(&f->fields[i].said, text);
	f->fields[i].said_role = role;
}

void form_beside(struct form *f, size_t i, const char *text)
{
	set_text(&f->fields[i].beside, text);
}

const char *form_value(const struct form *f, size_t i)
{
	const struct field *d = &f->fields[i];
	if (typed(d))
		return line_text(&d->line);
	return choice(d) && d->chosen < d->noptions ? d->options[d->chosen].value : "";
}

bool form_choose(struct form *f, size_t i, const char *value)
{
	struct field *d = &f->fields[i];
	for (size_t k = 0; k < d->noptions; k++)
		if (str_eq(d->options[k].value, value)) {
			d->chosen = k;
			return true;
		}
	return false;
}

size_t form_wrong(const struct form *f)
{
	for (size_t i = 0; i < f->n; i++)
		if (!f->fields[i].hidden && f->fields[i].said && f->fields[i].said_role == ROLE_ERROR)
			return i;
	return f->n;
}

/* @by fields on or back, over those that are hidden; stops at the ends. */
static void step(struct form *f, int by)
{
	size_t at = f->at;
	for (int left = by < 0 ? -by : by; left; left--) {
		size_t i = at;
		do {
			if (by < 0 ? !i : i + 1 >= f->n)
				return;
			i = by < 0 ? i - 1 : i + 1;
		} while (f->fields[i].hidden);
		f->at = at = i;
	}
}

/* Round the ends, as Tab goes. */
static void step_round(struct form *f, int by)
{
	size_t was = f->at;
	step(f, by);
	if (f->at != was || !f->n)
		return;
	size_t i = by < 0 ? f->n - 1 : 0;
	while (f->fields[i].hidden && i != f->at)
		i = by < 0 ? i - 1 : i + 1;
	f->at = i;
}

static enum form_event changed(struct field *d)
{
	d->touched = true;
	return FORM_CHANGED;
}

static enum form_event open_pick(struct form *f)
{
	struct field *d = &f->fields[f->at];
	if (d->noptions)
		f->pick = pick_new(d->label, d->options, d->noptions, d->chosen);
	return FORM_USED;
}

static enum form_event picked(struct form *f, int i)
{
	struct field *d = &f->fields[f->at];
	if (i == PICK_OPEN)
		return FORM_USED;
	pick_free(f->pick);
	f->pick = NULL;
	if (i < 0 || (size_t)i == d->chosen)
		return FORM_USED;
	d->chosen = (size_t)i;
	return changed(d);
}

/* Enter, or a click. */
static enum form_event press(struct form *f)
{
	struct field *d = &f->fields[f->at];
	switch (d->kind) {
	case FIELD_CHOICE:
	case FIELD_LIST:
		return open_pick(f);
	case FIELD_CHECK:
		d->on = !d->on;
		return changed(d);
	case FIELD_BUTTON:
		return FORM_PRESSED;
	case FIELD_FILE:
		return FORM_BROWSE;
	default:
		step(f, 1);
		return FORM_USED;
	}
}

static enum form_event key_in_choice(struct form *f, struct key k)
{
	struct field *d = &f->fields[f->at];
	bool left = k.code == VT_KEY_LEFT;
	if (left || k.code == VT_KEY_RIGHT) {
		if (d->noptions < 2)
			return FORM_USED;
		d->chosen = (d->chosen + (left ? d->noptions - 1 : 1)) % d->noptions;
		return changed(d);
	}
	if (k.mods || k.code < ' ' || k.code >= VT_KEY_NAMED)
		return FORM_OTHER;
	open_pick(f);
	return k.code == ' ' || !f->pick ? FORM_USED : picked(f, pick_key(f->pick, k));
}

static enum form_event key_in_field(struct form *f, struct key k)
{
	struct field *d = &f->fields[f->at];
	if (typed(d)) {
		enum line_result r = line_key(&d->line, k);
		return r == LINE_CHANGED ? changed(d) : r == LINE_MOVED ? FORM_USED : FORM_OTHER;
	}
	if (choice(d))
		return key_in_choice(f, k);
	return k.code == ' ' && !k.mods ? press(f) : FORM_OTHER;
}

static int way(uint32_t code)
{
	switch (code) {
	case VT_KEY_UP:
		return -1;
	case VT_KEY_DOWN:
		return 1;
	case VT_KEY_PGUP:
		return -PAGE;
	case VT_KEY_PGDN:
		return PAGE;
	}
	return 0;
}

enum form_event form_key(struct form *f, struct key k)
{
	if (f->pick)
		return picked(f, pick_key(f->pick, k));
	if (k.code == VT_KEY_ESCAPE)
		return FORM_LEAVE;
	if (k.code == VT_KEY_TAB || k.code == VT_KEY_BACKTAB)
		step_round(f, k.code == VT_KEY_TAB ? 1 : -1);
	else if (way(k.code))
		step(f, way(k.code));
	else
		return k.code == VT_KEY_ENTER ? press(f) : key_in_field(f, k);
	return FORM_USED;
}

enum form_event form_paste(struct form *f, const char *text, size_t n)
{
	struct field *d = &f->fields[f->at];
	if (f->pick || !typed(d) || !line_paste(&d->line, text, n))
		return FORM_OTHER;
	return changed(d);
}

enum form_event form_mouse(struct form *f, const struct vt_mouse *m)
{
	int row = m->row - f->area.row, col = m->col - f->area.col;
	if (f->pick)
		return picked(f, pick_mouse(f->pick, m));
	if (m->action != VT_MOUSE_PRESS)
		return FORM_OTHER;
	if (m->button == VT_BUTTON_WHEEL_UP || m->button == VT_BUTTON_WHEEL_DOWN) {
		step(f, m->button == VT_BUTTON_WHEEL_UP ? -1 : 1);
		return FORM_USED;
	}
	for (size_t i = 0; i < f->n && row >= 0 && row < f->area.rows; i++) {
		struct field *d = &f->fields[i];
		if (d->hidden || !d->width || d->row != row)
			continue;
		f->at = i;
		if (col < d->col || col >= d->col + d->width)
			return d->kind == FIELD_FILE && col > d->col + d->width ? FORM_BROWSE : FORM_USED;
		if (!typed(d))
			return press(f);
		line_click(&d->line, d->width, col - d->col);
		return FORM_USED;
	}
	return FORM_OTHER;
}

/* Of the field that has the keys: what is known of what is chosen, or what the field is for. */
static const char *hint_of(const struct form *f)
{
	const struct field *d = f->n ? &f->fields[f->at] : NULL;
	const char *of_option = d && choice(d) && d->chosen < d->noptions ? d->options[d->chosen].hint : NULL;
	return of_option && d->kind == FIELD_CHOICE ? of_option : d ? d->hint : NULL;
}

static int label_width(const struct form *f)
{
	int width = 0;
	for (size_t i = 0; i < f->n; i++) {
		int w = f->fields[i].hidden || f->fields[i].kind == FIELD_BUTTON
			    ? 0
			    : text_width(f->fields[i].label);
		width = w > width ? w : width;
	}
	return width;
}

static void draw_choice(const struct field *d, const struct area *a, struct style s)
{
	const char *text = d->chosen < d->noptions ? d->options[d->chosen].label : "-";
	area_fill(a, d->row, d->col, 1, d->width, s);
	area_text(a, d->row, d->col + 1, d->width - 4, s, text);
	area_text(a, d->row, d->col + d->width - 2, 1, s, "▼");
}

static int field_width(const struct field *d, int room)
{
	int w = room;
	if (d->kind == FIELD_NUMBER)
		w = 10;
	else if (d->kind == FIELD_CHECK)
		w = 4 + (d->unit ? text_width(d->unit) : 0);
	else if (d->kind == FIELD_BUTTON)
		w = text_width(d->label) + 4;
	else if (d->kind == FIELD_FILE)
		w = room - 10;
	else if (choice(d)) {
		w = 12;
		for (size_t i = 0; i < d->noptions; i++) {
			int one = text_width(d->options[i].label) + 4;
			w = one > w ? one : w;
			w = w > 44 ? 44 : w;
		}
	} else if (d->beside && room > 50)
		w = room - 1 - text_width(d->beside) > 24 ? room - 1 - text_width(d->beside) : 24;
	return w > room ? room : w < 0 ? 0 : w;
}

static void draw_value(struct field *d, const struct area *a, bool on)
{
	struct style plain = theme(ROLE_FIELD), chosen = theme(ROLE_SELECTED);
	int end = d->col + d->width + 1;
	if (typed(d)) {
		line_draw(&d->line, a, d->row, d->col, d->width, plain, on);
	} else if (choice(d)) {
		draw_choice(d, a, on ? chosen : plain);
	} else if (d->kind == FIELD_CHECK) {
		area_text(a, d->row, d->col, -1, on ? chosen : plain, d->on ? "[x]" : "[ ]");
		area_text(a, d->row, d->col + 4, -1, theme(ROLE_NORMAL), d->unit ? d->unit : "");
	} else {
		area_printf(a, d->row, d->col, on ? chosen : theme(ROLE_BUTTON), on ? "[ %s ]" : "  %s  ",
			    d->label);
	}
	if (d->kind == FIELD_NUMBER && d->unit)
		end += area_text(a, d->row, end, -1, theme(ROLE_NORMAL), d->unit) + 1;
	if (d->kind == FIELD_FILE)
		area_text(a, d->row, end, -1, theme(on ? ROLE_KEY : ROLE_LABEL), "[Browse]");
	else if (d->beside)
		area_text(a, d->row, end, -1, theme(ROLE_DIM), d->beside);
}

/* Lay the form out from row -top on; @a NULL: only where things are. Return: rows. */
static int lay_out(struct form *f, const struct area *a, int cols)
{
	int label = label_width(f), row = -f->top, col = label + 3;
	if (col > cols / 2)
		col = cols / 2;
	for (size_t i = 0; i < f->n; i++) {
		struct field *d = &f->fields[i];
		d->width = 0;
		if (d->hidden)
			continue;
		d->row = row;
		d->col = col;
		d->width = field_width(d, cols - col - 1);
		bool on = i == f->at && !f->pick;
		if (a && d->kind != FIELD_BUTTON)
			area_field(a, row, 1, col - 2, false, theme(i == f->at ? ROLE_KEY : ROLE_NORMAL),
				   d->label);
		if (a)
			draw_value(d, a, on);
		row++;
		if (d->said && cols - col > 4) {
			struct area says = a ? area_sub(a, row, 0, SAID_ROWS, cols) : (struct area){0};
			int lines =
			    text_wrap(a ? &says : NULL, 0, col, cols - col - 1, theme(d->said_role), d->said);
			row += lines < SAID_ROWS ? lines : SAID_ROWS;
		}
	}
	return row + f->top;
}

/* So that the field that has the keys is to be seen, and what stands under it. */
static void scroll(struct form *f, const struct area *a)
{
	f->top = 0;
	f->rows = lay_out(f, NULL, a->cols);
	f->seen = a->rows;
	if (f->rows <= a->rows || !f->n)
		return;
	int first = f->fields[f->at].row, next = f->rows;
	for (size_t i = f->at + 1; i < f->n; i++)
		if (!f->fields[i].hidden) {
			next = f->fields[i].row;
			break;
		}
	int top = f->area.rows ? f->top : 0;
	if (next + 1 > top + a->rows)
		top = next + 1 - a->rows;
	if (top > f->rows - a->rows)
		top = f->rows - a->rows;
	if (first < top)
		top = first;
	f->top = top > 0 ? top : 0;
}

void form_draw(struct form *f, const struct area *all)
{
	struct area body = area_sub(all, 0, 0, all->rows - (all->rows > 3), all->cols), *a = &body;
	const char *hint = f->pick ? NULL : hint_of(f);
	scroll(f, a);
	f->area = *a;
	lay_out(f, a, a->cols);
	if (hint && all->rows > 3)
		area_field(all, all->rows - 1, 1, all->cols - 2, false, theme(ROLE_DIM), hint);
	if (f->top && a->cols > 4)
		area_text(a, 0, a->cols - 1, 1, theme(ROLE_DIM), "▲");
	if (f->top + a->rows < f->rows && a->cols > 4)
		area_text(a, a->rows - 1, a->cols - 1, 1, theme(ROLE_DIM), "▼");
	if (f->pick) {
		a->canvas->cursor_row = -1;
		pick_draw(f->pick, all);
	}
}
