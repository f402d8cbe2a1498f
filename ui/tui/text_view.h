/* A guest's text mode in the deck: cells of code page 437 with VGA's colours, shown as text of the terminal,
 * and a selection in it. */
#ifndef UI_TUI_TEXT_VIEW_H
#define UI_TUI_TEXT_VIEW_H

#include "src/proto/screen.h"
#include "ui/tui/canvas.h"
#include "ui/tui/input.h"

struct text_view {
	int top, left;        /* the part that is shown, when there is not room for all */
	int pad_row, pad_col; /* where it was drawn, when there is more room */
	bool selecting;       /* by keys: they are not the guest's */
	bool marked;          /* there is a selection, from the mark to the place */
	bool dragging;
	int mark_row, mark_col, row, col;
};

enum text_view_answer { TEXT_VIEW_NOTHING, TEXT_VIEW_COPY };

/* Nothing is selected. */
void text_view_reset(struct text_view *v);
void text_view_draw(struct text_view *v, const struct screen_text *t, const uint16_t *cells,
		    const struct area *a, bool focus);
/* Select by keys, from the guest's cursor on. */
void text_view_begin(struct text_view *v, const struct screen_text *t);
enum text_view_answer text_view_key(struct text_view *v, const struct screen_text *t, struct key k);
/* @row, @col in the area where it was drawn. A click without a drag takes the selection away. */
enum text_view_answer text_view_mouse(struct text_view *v, const struct screen_text *t,
				      const struct vt_mouse *m, int row, int col);
/* What is selected, lines without the blanks at their ends; the caller's to free. */
char *text_view_selected(const struct text_view *v, const struct screen_text *t, const uint16_t *cells);

#endif
