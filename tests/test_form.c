/* What is typed into: the line, the box to choose from, the form, and the list of files in a folder of its
 * own. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "tests/testlib.h"
#include "ui/tui/filebrowser.h"
#include "ui/tui/form.h"

static struct key key_of(const char *name)
{
	struct key k;
	ck_assert_msg(key_parse(name, strlen(name), &k), "no such key: %s", name);
	return k;
}

/* The next of the key names in *@s, which are separated by spaces. */
static struct key next_key(const char **s)
{
	char name[KEY_NAME_MAX];
	size_t n = strcspn(*s, " ");
	snprintf(name, sizeof(name), "%.*s", (int)n, *s);
	*s += n + ((*s)[n] == ' ');
	return key_of(name);
}

static const struct {
	const char *begin, *keys, *text;
	size_t at;
} lines[] = {
    {"", "a b c", "abc", 3},
    {"abc", "Left x", "abxc", 3},
    {"één", "Home Del Right x", "éxn", 3},
    {"one two", "C-w z", "one z", 5},
    {"one two", "C-a C-k", "", 0},
    {"one two", "Left Left C-u", "wo", 0},
    {"日本", "Bksp Bksp Bksp", "", 0},
    {"a", "Home Bksp End Del", "a", 1},
};

START_TEST(keys_edit_a_line)
{
	struct line l = {0};
	line_set(&l, lines[_i].begin);
	for (const char *s = lines[_i].keys; *s;)
		ck_assert_int_ne(line_key(&l, next_key(&s)), LINE_OTHER);
	ck_assert_str_eq(line_text(&l), lines[_i].text);
	ck_assert_uint_eq(l.at, lines[_i].at);
	line_done(&l);
}
END_TEST

START_TEST(a_line_takes_the_first_line_of_a_paste_and_has_an_end)
{
	struct line l = {0};
	AUTO_FREE char *much = x_calloc(1, LINE_MAX_BYTES + 2);
	memset(much, 'x', LINE_MAX_BYTES + 1);
	ck_assert(line_paste(&l, "one\ntwo", 7));
	ck_assert_str_eq(line_text(&l), "one");
	ck_assert(!line_paste(&l, "\n", 1) && !line_paste(&l, much, strlen(much)));
	ck_assert_str_eq(line_text(&l), "one");
	ck_assert_int_eq(line_key(&l, key_of("Tab")), LINE_OTHER);
	line_done(&l);
}
END_TEST

/* What @draw draws, as text. */
static const char *dump(struct canvas *c, struct buf *out)
{
	buf_done(out);
	canvas_dump(c, out);
	if (c->cursor_row >= 0)
		buf_printf(out, "cursor %d,%d\n", c->cursor_row, c->cursor_col);
	return buf_text(out);
}

static const struct option colours[] = {
    {"r", "red", "of the rose"}, {"g", "green", NULL}, {"b", "blue", "of the sky"}};

enum { F_NAME, F_MEMORY, F_COLOUR, F_HIDDEN, F_YES, F_FILE, F_GO, F_COUNT };

static void make_form(struct form *f)
{
	struct field *d = x_calloc(F_COUNT, sizeof(*d));
	d[F_NAME] = (struct field){.kind = FIELD_TEXT, .label = "Name", .hint = "of what"};
	d[F_MEMORY] = (struct field){.kind = FIELD_NUMBER, .label = "Memory", .unit = "MiB"};
	d[F_COLOUR] =
	    (struct field){.kind = FIELD_CHOICE, .label = "Colour", .options = colours, .noptions = 3};
	d[F_HIDDEN] = (struct field){.kind = FIELD_TEXT, .label = "A hidden one", .hidden = true};
	d[F_YES] = (struct field){.kind = FIELD_CHECK, .label = "Start", .unit = "now"};
	d[F_FILE] = (struct field){.kind = FIELD_FILE, .label = "File"};
	d[F_GO] = (struct field){.kind = FIELD_BUTTON, .label = "Go"};
	form_init(f, d, F_COUNT);
}

static enum form_event press(struct form *f, const char *keys)
{
	enum form_event ev = FORM_OTHER;
	while (*keys)
		ev = form_key(f, next_key(&keys));
	return ev;
}

START_TEST(a_form_is_drawn)
{
	struct canvas c = {0};
	struct form f;
	AUTO_BUF struct buf b = {0};
	make_form(&f);
	canvas_resize(&c, 9, 40);
	struct area a = area_all(&c);
	form_beside(&f, F_MEMORY, "of 8 GiB");
	form_say(&f, F_MEMORY, ROLE_ERROR, "that is no number\x1b[31m");
	form_draw(&f, &a);
	ck_assert_str_eq(dump(&c, &b), " Name\n"
				       " Memory             MiB of 8 GiB\n"
				       "         that is no number?[31m\n"
				       " Colour   red      ▼\n"
				       " Start   [ ] now\n"
				       " File                         [Browse]\n"
				       "           Go\n"
				       "\n"
				       " of what\n"
				       "cursor 0,9\n");
	ck_assert_uint_eq(form_wrong(&f), F_MEMORY);
	f.fields[F_MEMORY].hidden = true;
	ck_assert_uint_eq(form_wrong(&f), F_COUNT);
	form_done(&f);
	canvas_done(&c);
}
END_TEST

START_TEST(a_small_form_scrolls_to_the_field_with_the_keys)
{
	struct canvas c = {0};
	struct form f;
	make_form(&f);
	canvas_resize(&c, 3, 30);
	struct area a = area_all(&c);
	form_draw(&f, &a);
	for (size_t i = 0; i < F_COUNT; i++) {
		if (f.fields[i].hidden)
			continue;
		form_focus(&f, i);
		form_draw(&f, &a);
		ck_assert_msg(f.fields[i].row >= 0 && f.fields[i].row < 3, "field %zu is on row %d", i,
			      f.fields[i].row);
	}
	for (int rows = 0; rows < 6; rows++) /* and whatever the size, it draws */
		for (int cols = 0; cols < 50; cols++) {
			a = area_sub(&a, 0, 0, rows, cols);
			form_draw(&f, &a);
			a = area_all(&c);
		}
	form_done(&f);
	canvas_done(&c);
}
END_TEST

static const struct {
	const char *keys;
	enum form_event last;
	size_t at;
	const char *name, *colour;
	bool yes;
} forms[] = {
    {"Tab Tab", FORM_USED, F_COLOUR, "", "r", false},
    {"BackTab", FORM_USED, F_GO, "", "r", false},
    {"Down Down Down", FORM_USED, F_YES, "", "r", false}, /* over what is hidden */
    {"Up", FORM_USED, F_NAME, "", "r", false},
    {"w e b Enter", FORM_USED, F_MEMORY, "web", "r", false},
    {"w", FORM_CHANGED, F_NAME, "w", "r", false},
    {"Tab Tab Right", FORM_CHANGED, F_COLOUR, "", "g", false},
    {"Tab Tab Left", FORM_CHANGED, F_COLOUR, "", "b", false},
    {"Tab Tab Enter Down Enter", FORM_CHANGED, F_COLOUR, "", "g", false},
    {"Tab Tab Space Esc", FORM_USED, F_COLOUR, "", "r", false}, /* the box is closed, not the form */
    {"Tab Tab s k Enter", FORM_CHANGED, F_COLOUR, "", "b", false}, /* typed: a filter */
    {"Tab Tab z Enter", FORM_USED, F_COLOUR, "", "r", false}, /* nothing has it */
    {"Tab Tab Tab Space", FORM_CHANGED, F_YES, "", "r", true},
    {"Tab Tab Tab Enter Enter", FORM_CHANGED, F_YES, "", "r", false},
    {"PgDn Up Enter", FORM_BROWSE, F_FILE, "", "r", false},
    {"PgDn Enter", FORM_PRESSED, F_GO, "", "r", false},
    {"Esc", FORM_LEAVE, F_NAME, "", "r", false},
    {"F5", FORM_OTHER, F_NAME, "", "r", false},
};

START_TEST(keys_go_through_a_form)
{
	struct form f;
	make_form(&f);
	enum form_event last = press(&f, forms[_i].keys);
	ck_assert_int_eq(last, forms[_i].last);
	ck_assert_uint_eq(f.at, forms[_i].at);
	ck_assert_str_eq(form_value(&f, F_NAME), forms[_i].name);
	ck_assert_str_eq(form_value(&f, F_COLOUR), forms[_i].colour);
	ck_assert_int_eq(f.fields[F_YES].on, forms[_i].yes);
	if (last == FORM_CHANGED)
		ck_assert(f.fields[f.at].touched);
	form_done(&f);
}
END_TEST

static enum form_event click(struct form *f, int row, int col)
{
	struct vt_mouse m = {.action = VT_MOUSE_PRESS, .button = VT_BUTTON_LEFT, .row = row, .col = col};
	return form_mouse(f, &m);
}

START_TEST(the_mouse_works_in_a_form)
{
	struct canvas c = {0};
	struct form f;
	make_form(&f);
	canvas_resize(&c, 20, 40);
	struct area a = area_all(&c);
	line_set(&f.fields[F_NAME].line, "abcdef");
	form_draw(&f, &a);
	ck_assert_int_eq(click(&f, 0, 11), FORM_USED);
	ck_assert_uint_eq(f.fields[F_NAME].line.at, 2);
	ck_assert_int_eq(click(&f, f.fields[F_YES].row, f.fields[F_YES].col), FORM_CHANGED);
	ck_assert_int_eq(click(&f, f.fields[F_FILE].row, 35), FORM_BROWSE);
	ck_assert_int_eq(click(&f, f.fields[F_GO].row, f.fields[F_GO].col + 1), FORM_PRESSED);
	ck_assert_int_eq(click(&f, f.fields[F_COLOUR].row, f.fields[F_COLOUR].col), FORM_USED);
	ck_assert_ptr_nonnull(f.pick);
	form_draw(&f, &a);
	ck_assert_int_eq(click(&f, 0, 0), FORM_USED); /* outside: the box closes */
	ck_assert_ptr_null(f.pick);
	form_done(&f);
	canvas_done(&c);
}
END_TEST

/* A folder with what a person may have. */
static void put(const char *folder, const char *name, size_t bytes)
{
	AUTO_FREE char *path = x_asprintf("%s/%s", folder, name);
	const struct timespec when[2] = {{1000000000, 0}, {1000000000, 0}};
	AUTO_CLOSE int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	ck_assert_int_ge(fd, 0);
	ck_assert(!ftruncate(fd, (off_t)bytes) && !futimens(fd, when));
}

static void sub(const char *folder, const char *name)
{
	AUTO_FREE char *path = x_asprintf("%s/%s", folder, name);
	const struct timespec when[2] = {{1000000000, 0}, {1000000000, 0}};
	ck_assert(!mkdir(path, 0755));
	ck_assert(!utimensat(AT_FDCWD, path, when, 0));
}

static char *make_folder(void)
{
	char *folder = x_strdup("/tmp/vmdeck-form.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	AUTO_FREE char *iso = x_asprintf("%s/iso", folder);
	AUTO_FREE char *fifo = x_asprintf("%s/pipe", folder);
	sub(folder, "iso");
	put(iso, "debian-12.iso", 5 << 20);
	put(iso, "debian-13.iso", 6 << 20);
	put(iso, "SHA256SUMS", 100);
	put(iso, ".hidden.iso", 2048);
	sub(folder, "Zoo");
	put(folder, "readme", 10);
	put(folder, "disk.raw", 3 << 20);
	ck_assert(!mkfifo(fifo, 0600));
	setenv("TZ", "UTC", 1);
	return folder;
}

static void remove_folder(char *folder)
{
	AUTO_FREE char *line = x_asprintf("rm -rf '%s'", folder);
	ck_assert(!system(line));
	free(folder);
}

static enum browser_event walk(struct browser *b, const char *keys, char **path)
{
	enum browser_event ev = BROWSER_OTHER;
	while (*keys)
		ev = browser_key(b, next_key(&keys), path);
	return ev;
}

static void type_path(struct browser *b, const char *text)
{
	char *path = NULL;
	for (; *text; text++)
		browser_key(b, (struct key){(unsigned char)*text, 0}, &path);
	ck_assert_ptr_null(path);
}

static const char *under_bar(const struct browser *b)
{
	return b->at < b->nshown ? b->entries[b->shown[b->at]].name : "";
}

START_TEST(a_folder_is_drawn)
{
	char *folder = make_folder();
	struct canvas c = {0};
	struct browser br = {0};
	AUTO_BUF struct buf b = {0};
	canvas_resize(&c, 9, 64);
	struct area a = area_all(&c);
	browser_open(&br, BROWSE_DISK, folder);
	browser_draw(&br, &a);
	ck_assert_str_eq(under_bar(&br), "disk.raw"); /* the first that may be it */
	const char *head = dump(&c, &b);
	const char *iso = strstr(head, " iso/"), *zoo = strstr(head, " Zoo/");
	ck_assert_msg(iso && zoo && iso < zoo, "%s", head);
	ck_assert_msg(strstr(head, "disk.raw") && strstr(head, "3.0M  2001-09-09 01:46"), "%s", head);
	ck_assert_msg(strstr(head, "pipe") && strstr(head, "no file"), "%s", head);
	browser_done(&br);
	canvas_done(&c);
	remove_folder(folder);
}
END_TEST

START_TEST(keys_walk_through_folders)
{
	char *folder = make_folder(), *path = NULL;
	AUTO_FREE char *iso = x_asprintf("%s/iso", folder);
	AUTO_FREE char *want = x_asprintf("%s/iso/debian-13.iso", folder);
	struct browser br = {0};
	browser_open(&br, BROWSE_ISO, folder);
	ck_assert_str_eq(br.folder, folder);
	ck_assert_int_eq(walk(&br, "Home Down Enter", &path), BROWSER_USED);
	ck_assert_str_eq(br.folder, iso);
	ck_assert_str_eq(under_bar(&br), "debian-12.iso");
	ck_assert_int_eq(walk(&br, "Left", &path), BROWSER_USED);
	ck_assert_str_eq(br.folder, folder);
	ck_assert_str_eq(under_bar(&br), "iso"); /* where one comes from */
	walk(&br, "Right 1 3", &path);
	ck_assert_uint_eq(br.nshown, 1);
	ck_assert_int_eq(walk(&br, "Enter", &path), BROWSER_CHOSEN);
	ck_assert_str_eq(path, want);
	free(path);
	path = NULL;
	walk(&br, "Esc", &path);
	ck_assert_uint_eq(br.nshown, 4); /* .. and three that are not hidden */
	walk(&br, "M-.", &path);
	ck_assert_uint_eq(br.nshown, 5);
	walk(&br, "M-. .", &path);
	ck_assert_str_eq(under_bar(&br), ".hidden.iso"); /* a dot typed shows it, too */
	ck_assert_int_eq(walk(&br, "Esc Esc", &path), BROWSER_LEFT);
	browser_done(&br);
	remove_folder(folder);
}
END_TEST

START_TEST(paths_are_typed_and_completed)
{
	char *folder = make_folder(), *path = NULL;
	struct browser br = {0};
	AUTO_FREE char *begin = x_asprintf("%s/is", folder);
	AUTO_FREE char *half = x_asprintf("%s/iso/debian-1", folder);
	AUTO_FREE char *want = x_asprintf("%s/iso/debian-12.iso", folder);
	browser_open(&br, BROWSE_ISO, "/");
	type_path(&br, begin);
	walk(&br, "Tab", &path);
	ck_assert(str_ends(line_text(&br.line), "/iso/"));
	walk(&br, "d Tab", &path);
	ck_assert_str_eq(line_text(&br.line), half); /* as far as it is certain */
	walk(&br, "2 Tab", &path);
	ck_assert_str_eq(line_text(&br.line), want);
	ck_assert_int_eq(walk(&br, "Enter", &path), BROWSER_CHOSEN);
	ck_assert_str_eq(path, want);
	free(path);
	path = NULL;
	walk(&br, "Esc", &path);
	setenv("HOME", folder, 1);
	type_path(&br, "~/iso/../iso");
	ck_assert_int_eq(walk(&br, "Enter", &path), BROWSER_USED);
	ck_assert(str_ends(br.folder, "/iso") && str_starts(br.folder, folder));
	type_path(&br, "/no/such/file.iso");
	ck_assert_int_eq(walk(&br, "Enter", &path), BROWSER_USED);
	ck_assert_msg(strstr(br.trouble, "/no/such/file.iso: No such file"), "%s", br.trouble);
	browser_done(&br);
	browser_open(&br, BROWSE_ISO, "~/iso/debian-13.iso");
	ck_assert_str_eq(under_bar(&br), "debian-13.iso");
	browser_done(&br);
	browser_open(&br, BROWSE_ISO, "~/gone/deeper/x.iso"); /* the nearest that there is */
	ck_assert_str_eq(br.folder, folder);
	browser_done(&br);
	remove_folder(folder);
}
END_TEST

START_TEST(what_is_no_file_and_what_cannot_be_read_says_so)
{
	char *folder = make_folder(), *path = NULL;
	struct browser br = {0};
	browser_open(&br, BROWSE_ISO, folder);
	ck_assert_int_eq(walk(&br, "p i p e Enter", &path), BROWSER_USED); /* not opened: that would wait for ever */
	ck_assert_msg(br.trouble && strstr(br.trouble, "pipe: this is no file"), "%s", br.trouble);
	AUTO_FREE char *typed = x_asprintf("%s/pipe", folder);
	walk(&br, "Esc", &path);
	type_path(&br, typed);
	ck_assert_int_eq(walk(&br, "Enter", &path), BROWSER_USED);
	ck_assert(str_ends(br.trouble, "is no file"));
	browser_done(&br);
	AUTO_FREE char *closed = x_asprintf("%s/Zoo", folder);
	ck_assert(!chmod(closed, 0));
	if (!geteuid())
		ck_assert(!chmod(folder, 0755) && !seteuid(65534)); /* root may read all */
	browser_open(&br, BROWSE_ISO, closed);
	ck_assert_msg(br.trouble && strstr(br.trouble, "you may not read this folder"), "%s", br.trouble);
	ck_assert_uint_eq(br.nshown, 1); /* the way out */
	ck_assert_int_eq(walk(&br, "Enter", &path), BROWSER_USED);
	ck_assert_str_eq(br.folder, folder);
	ck_assert_ptr_null(br.trouble);
	ck_assert(!seteuid(getuid()));
	browser_done(&br);
	remove_folder(folder);
}
END_TEST

START_TEST(a_huge_folder_is_cut_and_says_so)
{
	char *folder = make_folder(), *path = NULL;
	struct browser br = {0};
	AUTO_FREE char *zoo = x_asprintf("%s/Zoo", folder);
	AUTO_FREE char *all = x_asprintf("%s/a", zoo);
	put(zoo, "a", 1);
	for (int i = 0; i < BROWSER_ENTRIES_MAX; i++) {
		AUTO_FREE char *name = x_asprintf("%s/%d.iso", zoo, i);
		ck_assert(!link(all, name));
	}
	browser_open(&br, BROWSE_ISO, zoo);
	ck_assert_uint_eq(br.n, BROWSER_ENTRIES_MAX + 1);
	ck_assert_msg(strstr(br.trouble, "only the first"), "%s", br.trouble);
	walk(&br, "End PgUp Home", &path);
	browser_done(&br);
	remove_folder(folder);
}
END_TEST

START_TEST(names_tell_what_is_suitable)
{
	static const struct {
		enum browse what;
		const char *name;
		bool is;
	} names[] = {
	    {BROWSE_ISO, "debian.ISO", true},       {BROWSE_ISO, "disk.qcow2", false},
	    {BROWSE_DISK, "a.raw", true},           {BROWSE_DISK, "a.iso", false},
	    {BROWSE_KERNEL, "vmlinuz-6.1.0", true}, {BROWSE_KERNEL, "bzImage", true},
	    {BROWSE_KERNEL, "initrd.img", false},   {BROWSE_INITRD, "initrd.img-6.1", true},
	    {BROWSE_INITRD, "vmlinuz", false},      {BROWSE_XML, "web1.xml", true},
	};
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		ck_assert_msg(browser_suitable(names[i].what, names[i].name) == names[i].is, "%s",
			      names[i].name);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("form");
	TCase *tc = tcase_create("form");
	tcase_set_timeout(tc, 120);
	theme_set(256);
	tcase_add_loop_test(tc, keys_edit_a_line, 0, ARRAY_SIZE(lines));
	tcase_add_test(tc, a_line_takes_the_first_line_of_a_paste_and_has_an_end);
	tcase_add_test(tc, a_form_is_drawn);
	tcase_add_test(tc, a_small_form_scrolls_to_the_field_with_the_keys);
	tcase_add_loop_test(tc, keys_go_through_a_form, 0, ARRAY_SIZE(forms));
	tcase_add_test(tc, the_mouse_works_in_a_form);
	tcase_add_test(tc, a_folder_is_drawn);
	tcase_add_test(tc, keys_walk_through_folders);
	tcase_add_test(tc, paths_are_typed_and_completed);
	tcase_add_test(tc, what_is_no_file_and_what_cannot_be_read_says_so);
	tcase_add_test(tc, a_huge_folder_is_cut_and_says_so);
	tcase_add_test(tc, names_tell_what_is_suitable);
	suite_add_tcase(s, tc);
	return test_main(s);
}
