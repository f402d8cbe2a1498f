#include "ui/tui/page_files.h"

#include <stdlib.h>

#include "src/base/cleanup.h"

struct page_files {
	char *title;
	struct browser browser;
	files_fn fn;
};

static enum scope files_scope(struct view *v)
{
	return SCOPE_FILES;
}

static void files_draw(struct view *v, const struct area *a)
{
	struct page_files *p = v->state;
	struct area body = area_sub(a, 1, 0, a->rows - 1, a->cols);
	area_title(a, p->title);
	browser_draw(&p->browser, &body);
}

/* Close the page, then tell: what is told may open the next one. */
static bool answer(struct view *v, enum browser_event ev, char *path)
{
	AUTO_FREE char *free_path = path;
	struct deck *d = v->deck;
	files_fn fn = ((struct page_files *)v->state)->fn;
	if (ev != BROWSER_CHOSEN && ev != BROWSER_LEFT)
		return ev != BROWSER_OTHER;
	deck_pop(d);
	fn(d, ev == BROWSER_CHOSEN ? path : NULL);
	return true;
}

static bool files_key(struct view *v, struct key k)
{
	struct page_files *p = v->state;
	char *path = NULL;
	enum browser_event ev = browser_key(&p->browser, k, &path);
	return answer(v, ev, path);
}

static bool files_mouse(struct view *v, const struct vt_mouse *m, const struct area *a)
{
	struct page_files *p = v->state;
	char *path = NULL;
	enum browser_event ev = browser_mouse(&p->browser, m, &path);
	return answer(v, ev, path);
}

static void files_paste(struct view *v, const char *text, size_t n)
{
	browser_paste(&((struct page_files *)v->state)->browser, text, n);
}

static void files_done(struct view *v)
{
	struct page_files *p = v->state;
	browser_done(&p->browser);
	free(p->title);
}

static const struct view_ops page_files_ops = {
    .name = "files",
    .state_size = sizeof(struct page_files),
    .scope = files_scope,
    .draw = files_draw,
    .key = files_key,
    .paste = files_paste,
    .mouse = files_mouse,
    .done = files_done,
};

void page_files_open(struct deck *d, const char *title, enum browse what, const char *path, files_fn fn)
{
	struct view *v = deck_push(d, &page_files_ops);
	if (!v)
		return;
	struct page_files *p = v->state;
	p->title = x_strdup(title);
	p->fn = fn;
	browser_open(&p->browser, what, path);
}
