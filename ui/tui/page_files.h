/* A page on which a file is looked for. */
#ifndef UI_TUI_PAGE_FILES_H
#define UI_TUI_PAGE_FILES_H

#include "ui/tui/deck.h"
#include "ui/tui/filebrowser.h"

/* Told when the page is closed: the file, or NULL when it was left without. The page below is the top again.
 */
typedef void (*files_fn)(struct deck *d, const char *path);

/* @path: where to begin, see browser_open(). */
void page_files_open(struct deck *d, const char *title, enum browse what, const char *path, files_fn fn);

#endif
