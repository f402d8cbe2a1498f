/* Looking for a file: a folder's entries, folders first, what is typed filters or goes to a path. It belongs
 * to whoever shows it (page_files.c). Folders are read when keys go to them, never while drawing. */
#ifndef UI_TUI_FILEBROWSER_H
#define UI_TUI_FILEBROWSER_H

#include "ui/tui/canvas.h"
#include "ui/tui/input.h"
#include "ui/tui/line.h"

#define BROWSER_ENTRIES_MAX 10000 /* of one folder; the rest is not shown, and that is said */

enum browse { /* what is looked for */
	      BROWSE_ISO,
	      BROWSE_DISK,
	      BROWSE_KERNEL,
	      BROWSE_INITRD,
	      BROWSE_XML,
	      BROWSE_FOLDER, /* a folder with an installer's tree; the file that is chosen stands for its
				folder */
};

struct browser_entry {
	char *name;
	bool folder, readable, suitable, device, special; /* special: neither file, folder nor block device */
	uint64_t bytes;
	int64_t mtime; /* seconds since the epoch */
};

struct browser {
	enum browse what;
	char *folder;  /* absolute, "/" at the end only of "/" */
	char *trouble; /* why nothing is shown, or not all; NULL */
	struct browser_entry *entries;
	size_t n;
	size_t *shown; /* indices of those that the filter lets through */
	size_t nshown, at, top;
	int seen;
	bool hidden;      /* those with a dot are shown, too */
	struct line line; /* a filter, or with a '/' or '~' a path */
	struct area list; /* where the entries were drawn last */
};

enum browser_event { BROWSER_OTHER, BROWSER_USED, BROWSER_CHOSEN, BROWSER_LEFT };

/* @path: a folder, or a file, which is then under the bar; NULL or "" or what does not exist: the nearest
 * folder that does, or the current one. "~" is understood. Zero-initialise before. */
void browser_open(struct browser *b, enum browse what, const char *path);
void browser_done(struct browser *b);
/* BROWSER_CHOSEN: *path is the file, absolute, the caller's. */
enum browser_event browser_key(struct browser *b, struct key k, char **path);
enum browser_event browser_mouse(struct browser *b, const struct vt_mouse *m, char **path);
void browser_paste(struct browser *b, const char *text, size_t n);
void browser_draw(struct browser *b, const struct area *a);

/* Is a file of this name what one looks for? By its name alone. */
bool browser_suitable(enum browse what, const char *name);
/* @path with "~" and "~/..." put into words, and the current folder before a relative one. The caller's. */
char *path_whole(const char *path);

#endif
