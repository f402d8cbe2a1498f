/* The columns of the list of domains: what they show, how they sort, which come first when there is little
 * room. */
#ifndef UI_TUI_COLUMNS_H
#define UI_TUI_COLUMNS_H

#include "src/base/fmt.h"
#include "ui/tui/deck.h"

enum column {
	COL_ID,
	COL_NAME,
	COL_STATE,
	COL_VCPUS,
	COL_CPU,
	COL_GRAPH,
	COL_MEMORY,
	COL_RESIDENT,
	COL_UPTIME,
	COL_READ,
	COL_WRITE,
	COL_RX,
	COL_TX,
	COL_SCREEN,
	COL_EXITS,
	COL_TITLE,
	COL_COUNT
};

struct column_kind {
	const char *title;
	int width; /* at least; NAME and TITLE take what is left */
	bool right;
	int rank;  /* the lower, the earlier it finds a place */
	bool down; /* sorted by it, the largest come first */
	/* Fill @out; may change the role. NULL: drawn as a graph of %CPU. */
	void (*text)(const struct figure *, const struct snapshot *, char *out, size_t n, enum role *);
	int (*compare)(const struct figure *, const struct figure *);
};

extern const struct column_kind columns[COL_COUNT];

/* A rate as the list shows it: "12.3", "12.3?" when stale, "…" before the first, "-" without. Return: @out.
 */
char *rate_text(struct rate r, bool bytes, char out[FMT_MAX]);

#endif
