/* Theory of operation: go() reads a folder into entries[], filter() picks what is shown. A folder that cannot
 * be read is shown with the reason, so that one can leave it the way one came. A stat() of a file on a server
 * that is gone blocks as long as the kernel lets it: nothing is done about that. */
#include "ui/tui/filebrowser.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "src/base/cleanup.h"
#include "src/base/fmt.h"
#include "ui/tui/pick.h"
#include "ui/tui/theme.h"

static const char *const patterns[][8] = {
    [BROWSE_ISO] = {"*.iso", "*.img", "*.cdr", "*.dvd"},
    [BROWSE_DISK] = {"*.img", "*.raw", "*.qcow2", "*.vmdk", "*.vdi", "*.vhdx", "*.dd"},
    [BROWSE_KERNEL] = {"vmlinu[xz]*", "bzImage*", "linux", "linux[-.0-9]*", "kernel*", "*.efi", "*.elf"},
    [BROWSE_INITRD] = {"initrd*", "initramfs*", "*.cpio", "*.cpio.*", "*.img", "*.gz"},
    [BROWSE_XML] = {"*.xml"},
    [BROWSE_FOLDER] = {".treeinfo", "treeinfo", ".disk"},
};

bool browser_suitable(enum browse what, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(patterns[what]) && patterns[what][i]; i++)
		if (!fnmatch(patterns[what][i], name, FNM_CASEFOLD))
			return true;
	return false;
}

/* The home of the user @name ("" = ours) as text, or NULL. */
static char *home_of(const char *name)
{
	const char *home = *name ? NULL : getenv("HOME");
	if (home && *home)
		return x_strdup(home);
	const struct passwd *pw = *name ? getpwnam(name) : getpwuid(getuid());
	return pw ? x_strdup(pw->pw_dir) : NULL;
}

char *path_whole(const char *path)
{
	if (*path == '~') {
		size_t n = strcspn(path, "/");
		AUTO_FREE char *user = x_strndup(path + 1, n - 1);
		AUTO_FREE char *home = home_of(user);
		return home ? x_asprintf("%s%s", home, path + n) : x_strdup(path);
	}
	if (*path == '/')
		return x_strdup(path);
	AUTO_FREE char *cwd = getcwd(NULL, 0);
	return x_asprintf("%s%s%s", cwd ? cwd : "", cwd && !str_eq(cwd, "/") ? "/" : "", path);
}

/* Without "." and "..", doubled slashes and one at the end; links stay. In place. */
static void tidy(char *path)
{
	char *out = path, *in = path;
	while (*in) {
		size_t n = strcspn(in + 1, "/");
		bool up = n == 2 && !strncmp(in + 1, "..", 2);
		if (up)
			while (out > path && *--out != '/')
				;
		else if (n && !(n == 1 && in[1] == '.')) {
			memmove(out, in, n + 1);
			out += n + 1;
		}
		in += n + 1;
	}
	if (out == path)
		*out++ = '/';
	*out = 0;
}

static void entries_free(struct browser *b)
{
	for (size_t i = 0; i < b->n; i++)
		free(b->entries[i].name);
	free(b->entries);
	free(b->shown);
	free(b->trouble);
	b->entries = NULL;
	b->shown = NULL;
	b->trouble = NULL;
	b->n = b->nshown = b->at = b->top = 0;
}

void browser_done(struct browser *b)
{
	entries_free(b);
	free(b->folder);
	line_done(&b->line);
	*b = (struct browser){0};
}

static int by_name(const void *x, const void *y)
{
	const struct browser_entry *a = x, *b = y;
	if (a->folder != b->folder)
		return a->folder ? -1 : 1;
	bool up = str_eq(a->name, "..");
	if (up || str_eq(b->name, ".."))
		return up ? -1 : 1;
	int r = strcasecmp(a->name, b->name);
	return r ? r : strcmp(a->name, b->name);
}

static bool is_path(const char *text)
{
	return *text == '~' || strchr(text, '/');
}

static void filter(struct browser *b)
{
	const char *text = line_text(&b->line);
	bool path = is_path(text);
	b->nshown = b->at = b->top = 0;
	for (size_t i = 0; i < b->n; i++) {
		const char *name = b->entries[i].name;
		bool up = str_eq(name, "..");
		if (*name == '.' && !up && !b->hidden && !(*text == '.' && !path))
			continue;
		if (path || (up && !*text) || (!up && filter_match(text, name, NULL)))
			b->shown[b->nshown++] = i;
	}
}

static void bar_to(struct browser *b, const char *name)
{
	for (size_t i = 0; i < b->nshown; i++)
		if (str_eq(b->entries[b->shown[i]].name, name))
			b->at = i;
}

/* The first thing that one may be looking for, if there is one. */
static void bar_to_suitable(struct browser *b)
{
	for (size_t i = 0; i < b->nshown; i++) {
		const struct browser_entry *e = &b->entries[b->shown[i]];
		if (e->suitable) {
			b->at = i;
			return;
		}
	}
}

static void add_entry(struct browser *b, size_t *room, int fd, const char *name)
{
	struct stat st;
	struct browser_entry e = {.readable = !faccessat(fd, name, R_OK, AT_EACCESS)};
	if (!fstatat(fd, name, &st, 0)) {
		e.folder = S_ISDIR(st.st_mode);
		e.device = S_ISBLK(st.st_mode);
		e.special = !e.folder && !e.device && !S_ISREG(st.st_mode);
		e.readable = e.readable && !e.special;
		e.bytes = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
		e.mtime = st.st_mtim.tv_sec;
	}
	e.suitable = e.readable && (e.device ? b->what == BROWSE_DISK || b->what == BROWSE_ISO
					     : !e.folder && browser_suitable(b->what, name));
	e.name = x_strdup(name);
	if (b->n == *room) {
		*room = *room ? *room * 2 : 64;
		b->entries = x_realloc(b->entries, *room * sizeof(*b->entries));
	}
	b->entries[b->n++] = e;
}

static void read_folder(struct browser *b)
{
	size_t room = 0;
	DIR *dir = opendir(b->folder);
	int code = errno;
	entries_free(b);
	if (!dir)
		b->trouble =
		    x_asprintf("%s", code == EACCES ? "you may not read this folder" : strerror(code));
	int fd = dir ? dirfd(dir) : -1;
	for (const struct dirent *d; dir && (d = readdir(dir));) {
		if (str_eq(d->d_name, ".") || str_eq(d->d_name, ".."))
			continue;
		if (b->n == BROWSER_ENTRIES_MAX) {
			b->trouble = x_asprintf("only the first %d entries are shown: type a path",
						BROWSER_ENTRIES_MAX);
			break;
		}
		add_entry(b, &room, fd, d->d_name);
	}
	if (!str_eq(b->folder, "/")) {
		b->entries = x_realloc(b->entries, (b->n + 1) * sizeof(*b->entries));
		b->entries[b->n++] =
		    (struct browser_entry){.name = x_strdup(".."), .folder = true, .readable = true};
	}
	if (b->n)
		qsort(b->entries, b->n, sizeof(*b->entries), by_name);
	b->shown = x_calloc(b->n + 1, sizeof(*b->shown));
	if (dir)
		closedir(dir);
}

/* To the folder @path; the bar on @name in it (NULL: on what is suitable). */
static void go(struct browser *b, const char *path, const char *name)
{
	char *folder = x_strdup(path);
	tidy(folder);
	free(b->folder);
	b->folder = folder;
	read_folder(b);
	line_set(&b->line, "");
	filter(b);
	if (name)
		bar_to(b, name);
	else
		bar_to_suitable(b);
}

static bool is_folder(const char *path)
{
	struct stat st;
	return !stat(path, &st) && S_ISDIR(st.st_mode);
}

void browser_open(struct browser *b, enum browse what, const char *path)
{
	AUTO_FREE char *whole = path_whole(path ? path : "");
	AUTO_FREE char *name = NULL;
	b->what = what;
	tidy(whole);
	while (!is_folder(whole) && !str_eq(whole, "/")) {
		char *slash = strrchr(whole, '/');
		free(name);
		name = x_strdup(slash + 1);
		slash[slash == whole] = 0;
	}
	go(b, whole, name && *name ? name : NULL);
}

static void up(struct browser *b)
{
	AUTO_FREE char *from = x_strdup(b->folder);
	char *slash = strrchr(from, '/');
	if (str_eq(from, "/"))
		return;
	AUTO_FREE char *parent = x_strndup(from, slash == from ? 1 : (size_t)(slash - from));
	go(b, parent, slash + 1);
}

static char *entry_path(const struct browser *b, const struct browser_entry *e)
{
	return x_asprintf("%s%s%s", b->folder, str_eq(b->folder, "/") ? "" : "/", e->name);
}

static enum browser_event trouble(struct browser *b, char *text)
{
	free(b->trouble);
	b->trouble = text;
	return BROWSER_USED;
}

/* Into a folder, or take a file: what Enter does with the entry under the bar. */
static enum browser_event take(struct browser *b, char **path)
{
	if (b->at >= b->nshown)
		return BROWSER_USED;
	const struct browser_entry *e = &b->entries[b->shown[b->at]];
	if (str_eq(e->name, "..")) {
		up(b);
		return BROWSER_USED;
	}
	AUTO_FREE char *whole = entry_path(b, e);
	if (e->folder) {
		go(b, whole, NULL);
		return BROWSER_USED;
	}
	if (!e->readable)
		return trouble(
		    b, x_asprintf("%s: %s", e->name, e->special ? "this is no file" : "you may not read it"));
	*path = b->what == BROWSE_FOLDER ? x_strdup(b->folder) : TAKE_PTR(whole);
	return BROWSER_CHOSEN;
}

/* Text typed, relative to the folder that is shown. */
static char *typed_path(const struct browser *b)
{
	const char *text = line_text(&b->line);
	char *whole = *text == '~' || *text == '/'
			  ? path_whole(text)
			  : x_asprintf("%s%s%s", b->folder, str_eq(b->folder, "/") ? "" : "/", text);
	return whole;
}

static enum browser_event enter(struct browser *b, char **path)
{
	if (!is_path(line_text(&b->line)))
		return take(b, path);
	AUTO_FREE char *whole = typed_path(b);
	struct stat st;
	tidy(whole);
	if (stat(whole, &st))
		return trouble(b, x_asprintf("%s: %s", whole, strerror(errno)));
	if (S_ISDIR(st.st_mode)) {
		go(b, whole, NULL);
		return BROWSER_USED;
	}
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return trouble(b, x_asprintf("%s is no file", whole));
	*path = TAKE_PTR(whole);
	return BROWSER_CHOSEN;
}

/* How much of @name and @other is the same. */
static size_t common(const char *name, const char *other)
{
	size_t n = 0;
	while (name[n] && name[n] == other[n])
		n++;
	while (n && (name[n] & 0xc0) == 0x80) /* whole characters */
		n--;
	return n;
}

/* The longest that all entries of @folder beginning with @begin have in common; NULL when there is none.
 * *only: it is one, a folder. */
static char *completion(const char *folder, const char *begin, bool *only_folder)
{
	DIR *dir = opendir(folder);
	char *best = NULL;
	size_t n = 0, len = strlen(begin), seen = 0;
	if (!dir)
		return NULL;
	for (const struct dirent *d; seen < BROWSER_ENTRIES_MAX && (d = readdir(dir)); seen++) {
		if (!str_starts(d->d_name, begin) || str_eq(d->d_name, ".") || str_eq(d->d_name, "..") ||
		    (!len && *d->d_name == '.'))
			continue;
		if (!best)
			best = x_strdup(d->d_name);
		else
			best[common(best, d->d_name)] = 0;
		n++;
	}
	closedir(dir);
	AUTO_FREE char *whole = best ? x_asprintf("%s/%s", folder, best) : NULL;
	*only_folder = n == 1 && is_folder(whole);
	return best;
}

/* Tab: the name that is being typed, as far as it is certain. */
static void complete(struct browser *b)
{
	const char *text = line_text(&b->line);
	if (!is_path(text)) {
		if (b->nshown)
			line_set(&b->line, b->entries[b->shown[b->at]].name);
		filter(b);
		return;
	}
	AUTO_FREE char *whole = typed_path(b);
	bool only = false;
	char *slash = strrchr(whole, '/');
	const char *typed = strrchr(text, '/');
	if (!slash || !typed) { /* "~" */
		AUTO_FREE char *with = x_asprintf("%s/", text);
		line_set(&b->line, with);
		return;
	}
	AUTO_FREE char *folder = x_strndup(whole, (size_t)(slash - whole) + 1);
	AUTO_FREE char *name = completion(folder, slash + 1, &only);
	if (!name)
		return;
	AUTO_FREE char *with = x_asprintf("%.*s%s%s", (int)(typed - text) + 1, text, name, only ? "/" : "");
	line_set(&b->line, with);
}

static bool moves(uint32_t code)
{
	return code == VT_KEY_UP || code == VT_KEY_DOWN || code == VT_KEY_PGUP || code == VT_KEY_PGDN ||
	       code == VT_KEY_HOME || code == VT_KEY_END;
}

static void reread(struct browser *b)
{
	AUTO_FREE char *folder = x_strdup(b->folder);
	AUTO_FREE char *name = b->nshown ? x_strdup(b->entries[b->shown[b->at]].name) : NULL;
	go(b, folder, name);
}

/* Keys that act while nothing is typed; else they are the line's. */
static bool walk(struct browser *b, struct key k)
{
	const struct browser_entry *e = b->at < b->nshown ? &b->entries[b->shown[b->at]] : NULL;
	if (b->line.text.len)
		return false;
	if (k.code == VT_KEY_LEFT || k.code == VT_KEY_BACKSPACE) {
		up(b);
	} else if (k.code == VT_KEY_RIGHT) {
		if (e && e->folder && !str_eq(e->name, "..")) {
			AUTO_FREE char *whole = entry_path(b, e);
			go(b, whole, NULL);
		}
	} else {
		return false;
	}
	return true;
}

enum browser_event browser_key(struct browser *b, struct key k, char **path)
{
	if (k.code == VT_KEY_ESCAPE && !b->line.text.len)
		return BROWSER_LEFT;
	if (k.code == VT_KEY_ENTER)
		return enter(b, path);
	if (k.code == VT_KEY_ESCAPE) {
		line_set(&b->line, "");
		filter(b);
	} else if (k.code == VT_KEY_TAB) {
		complete(b);
	} else if (moves(k.code)) {
		b->at = list_moved(b->at, b->nshown, b->seen, k.code);
	} else if (k.code == '.' && k.mods == VT_ALT) {
		b->hidden = !b->hidden;
		filter(b);
	} else if (k.code == 'r' && k.mods == VT_CTRL) {
		reread(b);
	} else if (!walk(b, k)) {
		enum line_result r = line_key(&b->line, k);
		if (r == LINE_CHANGED)
			filter(b);
		return r == LINE_OTHER ? BROWSER_OTHER : BROWSER_USED;
	}
	return BROWSER_USED;
}

void browser_paste(struct browser *b, const char *text, size_t n)
{
	if (line_paste(&b->line, text, n))
		filter(b);
}

/* A click chooses; one more on the same takes it. */
enum browser_event browser_mouse(struct browser *b, const struct vt_mouse *m, char **path)
{
	if (m->action != VT_MOUSE_PRESS)
		return BROWSER_OTHER;
	if (m->button == VT_BUTTON_WHEEL_UP || m->button == VT_BUTTON_WHEEL_DOWN) {
		b->at = list_moved(b->at, b->nshown, b->seen,
				   m->button == VT_BUTTON_WHEEL_UP ? VT_KEY_UP : VT_KEY_DOWN);
		return BROWSER_USED;
	}
	int row = m->row - b->list.row;
	if (row < 0 || row >= b->list.rows || b->top + row >= b->nshown)
		return BROWSER_OTHER;
	bool again = b->at == b->top + row;
	b->at = b->top + row;
	return again ? take(b, path) : BROWSER_USED;
}

static void draw_entry(const struct browser *b, size_t row, const struct area *line)
{
	const struct browser_entry *e = &b->entries[b->shown[row]];
	bool on = row == b->at;
	enum role role = on             ? ROLE_SELECTED
			 : !e->readable ? ROLE_DIM
			 : e->folder    ? ROLE_COLUMNS
			 : e->suitable  ? ROLE_RUNNING
					: ROLE_DIM;
	char size[FMT_MAX] = "", when[24] = "";
	time_t t = (time_t)e->mtime;
	struct tm tm;
	if (e->mtime)
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M", localtime_r(&t, &tm));
	if (!e->folder)
		fmt_bytes_short(e->bytes, size);
	if (on)
		area_fill(line, 0, 0, 1, line->cols, theme(ROLE_SELECTED));
	const char *what = e->device                  ? "device"
			   : e->folder && e->readable ? ""
			   : e->special               ? "no file"
			   : !e->readable             ? "no access"
						      : size;
	AUTO_FREE char *name = x_asprintf("%s%s", e->name, e->folder ? "/" : "");
	int width = line->cols > 60 ? line->cols - 31 : line->cols - 12;
	area_field(line, 0, 1, width, false, theme(role), name);
	area_field(line, 0, width + 2, 9, true, theme(on ? ROLE_SELECTED : ROLE_NORMAL), what);
	if (line->cols > 60)
		area_field(line, 0, width + 13, 16, false, theme(on ? ROLE_SELECTED : ROLE_DIM), when);
}

static const char *said(const struct browser *b)
{
	if (b->trouble)
		return b->trouble;
	return b->nshown          ? NULL
	       : b->line.text.len ? "nothing here has this text: Esc shows all"
				  : "nothing is in this folder";
}

void browser_draw(struct browser *b, const struct area *a)
{
	const char *text = said(b);
	int label =
	    area_text(a, 0, 1, -1, theme(ROLE_KEY), is_path(line_text(&b->line)) ? "Path" : "Filter") + 2;
	line_draw(&b->line, a, 0, label, a->cols - label - 1, theme(ROLE_FIELD), true);
	area_field(a, 1, 1, a->cols - 2, false, theme(ROLE_STRONG), b->folder);
	if (text)
		area_field(a, 2, 1, a->cols - 2, false, theme(ROLE_WARNING), text);
	b->list = area_sub(a, text ? 3 : 2, 0, a->rows - (text ? 3 : 2), a->cols);
	b->seen = b->list.rows;
	b->top = list_top(b->top, b->at, b->nshown, b->seen);
	for (int i = 0; i < b->seen && b->top + i < b->nshown; i++) {
		struct area line = area_sub(&b->list, i, 0, 1, a->cols);
		draw_entry(b, b->top + i, &line);
	}
	if (b->top + b->seen < b->nshown && a->cols > 4 && b->seen > 0)
		area_text(&b->list, b->seen - 1, a->cols - 1, 1, theme(ROLE_DIM), "▼");
}
