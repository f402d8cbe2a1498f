/* The deck without a terminal: a fake host, steps as text, and the screens that they lead to as text in
 * tests/screens.
 *
 * A case is a table row: the host's script, the size, the colours, and its steps, each a word and what it
 * needs, separated by newlines:
 *   key NAME...        keys as keys.c writes them: "key j Enter C-] S-PgUp"
 *   type TEXT          each character as a key
 *   paste TEXT         as pasted
 *   click ROW COL, wheel up|down ROW COL, release ROW COL
 *   tick [N]           N seconds pass, with a sample each
 *   ms N               time passes without a sample
 *   size ROWS COLS     the terminal has another size
 *   host LINE          a line of script to the fake host
 *   feed NAME TEXT     the guest writes (\r \n \e)
 *   pump               guests answer what was typed, and the deck reads it
 *   until TEXT         the same until TEXT is on the screen
 *   until #RRGGBB      until some cell has this colour
 *   state NAME STATE   the guest ends or pauses by itself: shutoff, crashed, paused, running
 *   mask               from now on, uuids and MACs that are made up are shown as zeros
 *   screen [TITLE]     the screen now is compared with the file; "styles" shows the styles too
 *   copied TEXT        what has gone into the clipboard last
 *   drag ROW COL       the mouse goes there with the button down
 *   quit yes|no        has the deck been left?
 * SCREENS_UPDATE=1 writes the files anew, to be read in git diff. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/fake/fake.h"
#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "tests/testlib.h"
#include "ui/tui/deck.h"
#include "ui/tui/dialog.h"
#include "ui/tui/job.h"
#include "ui/tui/keys.h"

/* What machines answer to x-diagnose. */
#define SPINS                                                                                                \
	"{\"uptime-ms\":90000,\"since-reset-ms\":90000,\"vcpus\":[{\"state\":\"running\",\"address\":\"0xffffffff81000123\",\"bits\":64}],"   \
	"\"console\":{\"bytes\":0,\"ago-ms\":-1,\"tail\":\"\"}}"
#define BLANK                                                                                                \
	"{\"uptime-ms\":90000,\"since-reset-ms\":90000,\"vcpus\":[{\"state\":\"halted\",\"address\":\"0x1\",\"bits\":64,\"interrupts\":true}],"   \
	"\"console\":{\"bytes\":9,\"ago-ms\":9000,\"tail\":\"sda: sda1\"},\"screen\":{\"mode\":\"text\",\"blank\":true}}"
#define LOGIN                                                                                                \
	"{\"uptime-ms\":90000,\"since-reset-ms\":90000,\"vcpus\":[{\"state\":\"halted\",\"address\":\"0x1\",\"bits\":64,\"interrupts\":true}],"   \
	"\"console\":{\"bytes\":9,\"ago-ms\":9000,\"tail\":\"web1 login: \"}}"

#define THREE                                                                                                \
	"domain db shutoff vcpus=2 memory=2048 title=The_database;"                                          \
	"domain mail paused vcpus=1 memory=512 load=0 id=3 uptime=7200;"                                     \
	"domain web1 running vcpus=4 memory=1024 load=123 id=7 uptime=93784 title=Front;"                    \
	"domain old crashed vcpus=1 memory=256"

#define WIZARD                                                                                               \
	THREE ";path /dev/null block bytes=700000000 volume=TEST 1;path /dev/zero block bytes=1000000 format=raw;"   \
	"path /dev/full block bytes=1000000 format=raw used=web1;path /var/lib/vmdeck/images folder"

static const struct {
	const char *name, *host;
	int rows, cols, colours;
	const char *steps;
} cases[] = {
    {"list", THREE, 24, 80, 256, "screen first sample: rates are not known yet\ntick 3\nscreen"},
    {"list_wide", THREE, 40, 120, 256, "tick 5\nscreen"},
    {"list_very_wide", THREE, 20, 180, 256, "tick 30\nscreen"},
    {"list_empty", "step 1000", 24, 80, 256, "tick\nscreen"},
    {"list_tiny", THREE, 8, 30, 256,
     "tick 2\nscreen\nkey c\nscreen\nkey C-]\nsize 3 12\nscreen\nsize 1 1\nscreen"},
    {"list_mono", THREE, 24, 80, 0, "tick 2\nkey j\nscreen styles"},
    {"list_16_colours", THREE, 24, 80, 16, "tick 2\nkey j\nscreen styles"},
    {"list_256_colours", THREE, 24, 80, 256, "tick 2\nkey j\nscreen styles"},
    {"list_light", THREE, 24, 80, 256, "tick 2\nkey j\nbackground light\nscreen styles"},
    {"list_stale", THREE, 24, 80, 256,
     "tick 3\nhost stale web1\ntick 2\nscreen\nhost fail sample EIO no figures today\ntick\nscreen"},
    {"list_scrolls", "domains 60", 24, 80, 256,
     "tick\nkey PgDn\nscreen\nkey End\nscreen\nkey Up\nkey Home\nscreen"},
    {"list_sorts", "domains 12", 20, 80, 256,
     "tick 2\nkey P\nscreen\nkey r\nscreen\nkey N < <\nscreen\nclick 3 61\nscreen"},
    {"list_selection_stays", THREE, 20, 80, 256, "tick 2\nkey End\nhost domain aaa\ntick\nscreen"},
    {"filter", "domains 40", 20, 80, 256,
     "tick\nkey /\ntype vm03\nscreen\nkey Enter\nscreen\nkey /\nkey C-u\ntype q\nscreen q in a text field is "
     "a letter\n"
     "quit no\nkey Esc\nscreen"},
    {"confirm", THREE, 24, 80, 256,
     "tick\nkey End K\nscreen asked, the answer is no\nkey Enter\ntick\nscreen nothing has happened\n"
     "key K y\ntick\nscreen it is off"},
    {"confirm_targets_stay", THREE, 24, 80, 256,
     "tick\nkey End K\nhost domain zzz running\ntick\nscreen\nkey y\ntick\nscreen"},
    {"verb_not_now", THREE, 24, 80, 256, "tick\nkey s\ntick\nkey s\nscreen"},
    {"marks", THREE, 24, 80, 256,
     "tick\nkey Space Space Space Space\nscreen\nkey K\nscreen\nkey y\ntick\nscreen\nkey m\nscreen"},
    {"menu", THREE, 24, 80, 256,
     "tick\nkey End Enter\nscreen\nkey Esc Home Enter\nscreen\nkey s\ntick\nscreen"},
    {"verb_fails", THREE, 24, 80, 256,
     "tick\nhost fail domain_start EIO the disk 'vda' cannot be opened\nkey s\nscreen"},
    {"error_long", THREE, 24, 80, 256,
     "tick\nhost fail domain_start EIO cannot open the image "
     "'/var/lib/vmdeck/a/folder/with/a/very/long/name/that/does/not/"
     "fit/into/one/line.img' of disk 'vda': no such file or directory, make it with qemu-img create, or name "
     "another one\n"
     "key s\nscreen\nms 1500\nkey j\nscreen a key later\nkey m\nscreen all of it, and no more is unread"},
    {"messages_none", THREE, 24, 80, 256, "tick\nkey m\nscreen"},
    {"large_numbers", "domains 900;domain aaa running id=1234567 load=6399 vcpus=64 memory=1048576", 12, 80, 256,
     "tick 2\nkey Home\nscreen\nsize 12 64\nscreen\nsize 12 100\nscreen"},
    {"details_of_dead", THREE, 24, 80, 256, "tick\nkey j j i\nscreen"},
    {"start_anyway", THREE, 24, 80, 256,
     "tick\nhost interpreted\nkey s\nscreen\nkey n\ntick\nscreen\nkey s y\ntick\nscreen"},
    {"start_paused", THREE, 24, 80, 256,
     "tick\nkey Enter Down Down Down Down Down\nscreen\nkey Enter\ntick\nscreen"},
    {"mouse", THREE, 24, 80, 256,
     "tick\nclick 7 20\nscreen\nclick 23 2\nscreen\nclick 23 9\nscreen\nwheel down 5 5\nclick 23 9\nscreen\n"
     "click 0 0\nscreen"},
    {"details", THREE, 40, 100, 256, "tick 5\nkey End i\nscreen\nkey p\ntick\nscreen\nkey q\nscreen"},
    {"display", THREE ";screen web1 port=5901 viewers=2 passwd=geheim", 30, 90, 256,
     "tick\nkey End d\nscreen\nkey q i\ntick\nscreen\nkey q Home d\nscreen"},
    {"type_text", THREE ";text web1 BIOS", 24, 80, 256,
     "tick\nkey End y\nscreen\ntype ls\nkey Enter\nscreen\nkey y\ntype 100\xe2\x82\xac\nkey Enter\nscreen no key for it\nkey Y\nscreen\n"
     "key Enter\nscreen\nkey w\nuntil Ctrl+]\nkey C-\\ y\nscreen in the screen page"},
    {"screen_text", THREE ";text web1 BIOS Setup\\nMemory \xdb\xdb\xb0\xb0 ok\\n\xda\xc4\xc4\xbf", 40, 90, 256,
     "tick\nkey End w\nuntil Memory\nscreen styles\nkey F12\nuntil KEY_F12\nscreen a key goes to the guest\n"
     "key C-\\ C-\\\nscreen keys that the terminal keeps\nkey Esc C-]\nscreen"},
    {"screen_select", THREE ";text web1 BIOS\\nMemory \xdb\xdb ok\\nlast", 34, 100, 256,
     "tick\nkey End w\nuntil Memory\nclick 6 10\ndrag 7 16\nrelease 7 16\ncopied Memory ██ ok\\nlast\nscreen styles\nkey C-\\ v\nscreen\n"
     "key Home Up Up Up Space Down End Enter\ncopied BIOS\\nMemory ██ ok\nscreen"},
    {"screen_small", THREE ";text web1 BIOS\\nMemory\\nlast", 12, 40, 256,
     "tick\nkey End w\nuntil last\nscreen\nkey C-\\ z\nscreen with header and key bar\nkey C-]\nscreen"},
    {"screen_picture", THREE ";picture web1 64x48", 24, 60, 256,
     "tick\nkey End w\nuntil 64x48\nscreen styles\nsize 12 60\nscreen letterbox\nclick 5 26\nuntil #ffff00\nscreen styles\nrelease 5 26\n"
     "state web1 shutoff\npump\ntick\nscreen\nkey C-]\nquit no"},
    {"screen_thumb", THREE ";picture web1 64x48;text mail BIOS\\nMemory", 30, 150, 256,
     "tick\nkey End\nscreen not yet\ntick\nuntil 64x48\nscreen\nkey Home Down\nscreen\ntick\nuntil Memory\nscreen\nkey v\nscreen the panel takes its place\n"
     "key v Home\ntick\nscreen it is off\nsize 30 100\ntick\nscreen"},
    {"screen_menu", THREE ";text web1 BIOS\\nMemory", 40, 100, 256,
     "tick\nkey End Enter\nscreen\nkey Down Enter\nuntil Memory\nkey C-]\nkey Home Enter\nscreen of one that is off"},
    {"screen_none", THREE, 24, 80, 256, "tick\nkey End w\nscreen\nkey Up w\nscreen"},
    {"xml", THREE, 20, 80, 256, "tick\nkey End x\nscreen\nkey q\nquit no"},
    {"help", THREE, 24, 80, 256, "key ?\nscreen"},
    {"quit", THREE, 24, 80, 256, "key i q\nquit no\nkey q\nquit yes"},
    {"console", THREE, 24, 80, 256,
     "tick\nkey End\nfeed web1 Linux\\r\\n\\e[32mgreen\\e[0m~ # \npump\nkey c\npump\nscreen\ntype echo "
     "hi\nkey Enter\npump\n"
     "screen\ntype q\nquit no\nkey C-]\nscreen the panel stays, the keys are the list's\nkey q\nquit yes"},
    {"console_follows", THREE, 24, 80, 256,
     "tick\nfeed web1 I am web1\\r\\n\nfeed mail I am mail\\r\\n\nkey End v\npump\nscreen\nkey Up "
     "Up\npump\nscreen\n"
     "feed web1 more of web1\\r\\n\nkey End\npump\nscreen"},
    {"console_beside", THREE, 24, 142, 256, "tick\nfeed web1 login: \nkey End c\npump\nscreen"},
    {"console_full", THREE, 24, 80, 256,
     "tick\nfeed web1 login: \nkey End z\npump\nscreen\nsize 12 60\nscreen\nkey C-]\nscreen"},
    {"console_scrolls", THREE, 12, 40, 256,
     "tick\nfeed web1 "
     "1\\r\\n2\\r\\n3\\r\\n4\\r\\n5\\r\\n6\\r\\n7\\r\\n8\\r\\n9\\r\\n10\\r\\n11\\r\\n12\\r\\n13\\r\\n14\\r\\n"
     "15\\r\\n"
     "\nkey End z\npump\nscreen\nkey S-PgUp\nscreen\nkey S-PgDn\nscreen\nwheel up 5 5\nscreen"},
    {"console_copy", THREE, 12, 76, 256,
     "tick\nfeed web1 one\\r\\ntwo error 17\\r\\n3\\r\\n4\\r\\n5\\r\\n6\\r\\n7\\r\\n8\\r\\n9\\r\\n10\\r\\n11\\r\\n12\\r\\n13\\r\\n~ # "
     "\nkey End z\npump\nkey S-PgUp ?\ntype error\nscreen as it is typed\nkey Enter Space End\n"
     "feed web1 more\\r\\nand more\\r\\n\npump\nscreen marked, and it stays where it is\nkey y\ncopied error 17\n"
     "screen back at the end\nkey S-Up /\ntype nowhere\nkey Enter\nscreen\nkey q\ntype q\npump\nscreen q is typed\n"
     "click 3 0\ndrag 3 1\ndrag 4 0\nrelease 4 0\nscreen\ncopied 8\\n9\n"
     "key S-PgUp C-] z\ntype w\npump\nscreen left and entered again: what is typed reaches the guest"},
    {"console_of_dead", THREE, 24, 80, 256,
     "tick\nkey c\nscreen never ran\nkey C-] End c\nfeed web1 last words\npump\nstate web1 "
     "crashed\npump\ntick\nscreen\n"
     "key C-] s\ntick\nfeed web1 anew\npump\nscreen"},
    {"console_record", "domain old running;console old boot\\r\\npanic", 24, 80, 256,
     "state old crashed\ntick\nkey c\nscreen"},
    {"why", THREE, 32, 90, 256,
     "tick\nkey End i\nhost facts web1 " SPINS "\ntick\nms 1000\ntick\nms 1000\ntick\nms 1000\ntick\nscreen it spins\nkey q c\ntick 7\nscreen nothing was ever said\n"
     "feed web1 hello\\r\\n\npump\ntick 7\nscreen it has become silent\nhost facts web1 " LOGIN "\ntick 2\nscreen all is well"},
    {"why_screen", THREE ";text web1 x", 12, 90, 256,
     "tick\nkey End\nhost facts web1 " BLANK "\nkey w\nuntil 80x25\ntick\nscreen"},
    {"console_silent", THREE, 24, 80, 256, "tick\nkey End c\ntick 7\nscreen"},
    {"wizard", WIZARD, 24, 80, 256,
     "mask\ntick\nkey n\nscreen\nkey Tab Tab\ntype /dev/none\nscreen said as it is typed\nkey C-u\ntype /dev/null\n"
     "screen the system is found on the medium\nkey Tab\nscreen\nkey Esc\nscreen asked\nkey n\nscreen nothing is lost\nkey Esc y\nscreen"},
    {"wizard_wrong", WIZARD, 24, 80, 256,
     "tick\nkey n C-u\nscreen\ntype web1\nscreen taken\nkey C-u\ntype a/b\nscreen\nkey C-n\nscreen asked for all\n"
     "key C-u\ntype new\nkey Tab Tab Tab Tab C-u\ntype 12x\nscreen\nkey C-u\ntype 999999999\nscreen\nkey C-u\ntype 64\nscreen\nkey Tab C-u\n"
     "type 12\nscreen more CPUs than there are\nkey C-u\ntype 0\nscreen\nkey C-u\ntype 1\nkey Tab Tab C-u\ntype 300\nscreen\nkey C-u\n"
     "type big\nscreen"},
    {"wizard_choices", WIZARD, 24, 80, 256,
     "tick\nkey n Tab Enter\nscreen\nkey Down Enter\nscreen an existing disk\nkey Tab\ntype /dev/full\nscreen\nkey BackTab Right\n"
     "screen an installer's folder\nkey Right\nscreen a kernel\nkey Right\nscreen the network\nkey Right\nscreen nothing\n"
     "key Tab Space\ntype uefi\nscreen\nkey Enter\nscreen what it wants\n"
     "key Tab Tab Tab Right\nscreen an existing file\nkey Tab Tab Right\nscreen a bridge"},
    {"wizard_bridges", WIZARD ";bridge br0;bridge virbr0", 24, 80, 256,
     "mask\ntick\nkey n Tab Right\nkey Tab\npaste /dev/zero\nkey Tab Tab Tab Tab Enter\nscreen offered\nkey Down Down Enter\nscreen\n"
     "key Right\nscreen typed\nkey Left C-n\nscreen what it means"},
    {"wizard_plan", WIZARD, 24, 80, 256,
     "mask\ntick\nkey n Tab Tab\npaste /dev/null\nkey C-n\nscreen\nkey y\nscreen copied\nkey Down Down PgDn\nscreen styles\nkey End\nscreen\n"
     "key e\nscreen\nkey Esc\nscreen the form, as it was\nkey C-n Enter\ntick\nscreen"},
    {"wizard_fails", WIZARD, 24, 80, 256,
     "mask\ntick\nkey n Tab Right\nkey Tab\npaste /dev/zero\nkey C-n\nscreen\n"
     "host fail domain_install EIO --disk '/dev/zero' was taken away\nkey Enter\nscreen at its field\nkey C-u\npaste /dev/zero\n"
     "host fail domain_install EIO the host is on fire\nkey C-n Enter\nscreen at the button\nhost interpreted\nkey C-n End Enter\nscreen\n"
     "key n\nscreen\nkey Enter y\ntick\nscreen"},
    {"wizard_not_started", WIZARD, 24, 80, 256,
     "tick\nkey n Tab Right\nkey Tab\npaste /dev/zero\nkey BackTab BackTab BackTab BackTab BackTab\nscreen\nkey Space C-n Enter\ntick\nscreen"},
    {"wizard_console", WIZARD, 24, 80, 256,
     "mask\nhost boot hello from the kernel\ntick\nkey n Tab Right\nkey Tab\npaste /dev/zero\nkey BackTab BackTab BackTab BackTab BackTab BackTab Space C-n\n"
     "screen\nkey Enter\npump\nscreen its console, as it has no screen\nkey C-]\nscreen"},
    {"wizard_small", WIZARD, 12, 40, 256, "tick\nkey n Tab Tab Tab Tab Tab Tab Tab Tab\nscreen\nkey BackTab BackTab Enter\nscreen"},
    {"wizard_mouse", WIZARD, 24, 80, 256,
     "tick\nkey n\nclick 5 20\nscreen\nclick 11 30\nscreen\nclick 6 20\ntype x\nscreen\nclick 13 14\nscreen not now\nclick 15 14\nscreen"},
    {"hostile_names", "domain x running title=a\u202eb", 24, 80, 256,
     "feed x \\e]0;ti\\atle\\e[31mred\nkey c\npump\ntick\nscreen"},
};

struct deck_test {
	struct backend *backend;
	uv_loop_t loop;
	struct deck *deck;
	struct canvas canvas;
	int64_t now_ms;
	struct buf seen;
	unsigned nscreens;
	bool mask;
};

static char copied[256];

static void copy(const char *text, size_t n)
{
	snprintf(copied, sizeof(copied), "%.*s", (int)n, text);
}

static void start(struct deck_test *t, const char *host, int rows, int cols, int colours)
{
	struct err e = {0};
	memset(t, 0, sizeof(*t));
	setenv("TZ", "UTC", 1);
	setenv("OSINFO_DATA_DIR", "tests/osinfo", 1);
	theme_set(colours);
	theme_set_light(false);
	t->backend = backend_fake_open(host, &e);
	ck_assert_msg(t->backend, "%s", e.msg);
	ck_assert(!uv_loop_init(&t->loop));
	t->now_ms = 1000;
	t->deck = deck_new(t->backend, &t->loop, rows, cols, t->now_ms);
	t->deck->copy = copy;
	canvas_resize(&t->canvas, rows, cols);
	deck_draw(t->deck, &t->canvas);
}

static void stop(struct deck_test *t)
{
	deck_free(t->deck);
	uv_run(&t->loop, UV_RUN_DEFAULT);
	ck_assert_int_eq(uv_loop_close(&t->loop), 0); /* nothing is watched any more */
	t->backend->ops->close(t->backend);
	canvas_done(&t->canvas);
	buf_done(&t->seen);
}

static void press(struct deck_test *t, struct key k)
{
	struct event ev = {.kind = EVENT_KEY, .key = k};
	deck_event(t->deck, &ev);
}

static void keys(struct deck_test *t, char *names)
{
	char *save = NULL;
	for (char *name = strtok_r(names, " ", &save); name; name = strtok_r(NULL, " ", &save)) {
		struct key k;
		ck_assert_msg(key_parse(name, strlen(name), &k), "no such key: %s", name);
		press(t, k);
		deck_draw(t->deck, &t->canvas);
	}
}

static void type(struct deck_test *t, const char *text)
{
	struct key k = {0};
	for (size_t n; (n = utf8_next(text, &k.code)); text += n)
		press(t, k);
}

static void pump(struct deck_test *t)
{
	deck_draw(t->deck, &t->canvas);
	deck_drawn(t->deck);
	for (int i = 0; i < 4; i++) {
		uv_run(&t->loop, UV_RUN_NOWAIT);
		fake_pump(t->backend, i < 2 ? 20 : 0);
	}
	uv_run(&t->loop, UV_RUN_NOWAIT);
}

static bool has_colour(const struct canvas *c, const char *rgb)
{
	uint32_t want = VT_RGB | (uint32_t)strtoul(rgb, NULL, 16);
	for (int i = 0; i < c->rows * c->cols; i++)
		if (c->cells[i].style.fg == want || c->cells[i].style.bg == want)
			return true;
	return false;
}

static void until(struct deck_test *t, const char *text)
{
	for (int i = 0; i < 500; i++) {
		AUTO_BUF struct buf b = {0};
		pump(t);
		deck_draw(t->deck, &t->canvas);
		canvas_dump(&t->canvas, &b);
		if (*text == '#' ? has_colour(&t->canvas, text + 1) : strstr(buf_text(&b), text) != NULL)
			return;
	}
	ck_abort_msg("not seen: %s", text);
}

static void tick(struct deck_test *t, int n)
{
	for (int i = 0; i < (n ? n : 1); i++) {
		t->now_ms += 1000;
		deck_tick(t->deck, t->now_ms, true);
	}
}

static void unescape(char *s)
{
	char *o = s;
	for (; *s; s++) {
		if (*s != '\\') {
			*o++ = *s;
			continue;
		}
		s++;
		*o++ = *s == 'n' ? '\n' : *s == 'r' ? '\r' : *s == 'e' ? '\033' : *s == 'a' ? '\a' : *s;
	}
	*o = 0;
}

static void feed(struct deck_test *t, char *arg)
{
	char *text = strchr(arg, ' ');
	*text++ = 0;
	unescape(text);
	fake_feed(t->backend, arg, text, strlen(text));
}

static void mouse(struct deck_test *t, const char *what, char *arg)
{
	struct event ev = {.kind = EVENT_MOUSE};
	bool up = str_starts(arg, "up"), wheel = str_eq(what, "wheel");
	ev.mouse.action = str_eq(what, "release") ? VT_MOUSE_RELEASE
			  : str_eq(what, "drag")  ? VT_MOUSE_MOVE
						  : VT_MOUSE_PRESS;
	ev.mouse.button = !wheel ? VT_BUTTON_LEFT : up ? VT_BUTTON_WHEEL_UP : VT_BUTTON_WHEEL_DOWN;
	ck_assert_int_eq(sscanf(arg + (wheel ? strcspn(arg, " ") : 0), "%d %d", &ev.mouse.row, &ev.mouse.col),
			 2);
	deck_draw(t->deck, &t->canvas);
	deck_event(t->deck, &ev);
}

static void guest_state(struct deck_test *t, char *arg)
{
	char *state = strchr(arg, ' ');
	*state++ = 0;
	bool crashed = str_eq(state, "crashed"), off = str_eq(state, "shutoff");
	fake_guest_state(t->backend, arg,
			 crashed ? DOMAIN_CRASHED
			 : off   ? DOMAIN_SHUTOFF
				 : DOMAIN_PAUSED,
			 crashed ? DOMAIN_REASON_CRASHED
			 : off   ? DOMAIN_REASON_SHUTDOWN
				 : DOMAIN_REASON_IOERROR,
			 crashed ? "triple fault" : "");
}

/* Hexadecimal digits of what is made up anew each time, in place. */
static void mask(char *text, const char *pattern)
{
	size_t n = strlen(pattern);
	for (char *s = text; strlen(s) >= n; s++) {
		size_t i = 0;
		while (i < n && (pattern[i] == 'x' ? isxdigit((unsigned char)s[i]) != 0 : s[i] == pattern[i]))
			i++;
		for (size_t k = 0; i == n && k < n; k++)
			s[k] = pattern[k] == 'x' ? '0' : s[k];
	}
}

static void screen(struct deck_test *t, const char *title)
{
	deck_draw(t->deck, &t->canvas);
	t->nscreens++;
	buf_printf(&t->seen, "=== %u%s%s\n", t->nscreens, *title ? ": " : "", title);
	size_t before = t->seen.len;
	canvas_dump(&t->canvas, &t->seen);
	if (t->mask) {
		mask(t->seen.s + before, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx");
		mask(t->seen.s + before, "52:54:00:xx:xx:xx");
	}
	if (t->canvas.cursor_row >= 0)
		buf_printf(&t->seen, "cursor %d,%d\n", t->canvas.cursor_row, t->canvas.cursor_col);
	if (str_eq(title, "styles"))
		canvas_dump_styles(&t->canvas, &t->seen);
}

static void step(struct deck_test *t, char *line)
{
	char *arg = strchr(line, ' ');
	struct err e = {0};
	arg = arg ? (*arg++ = 0, arg) : line + strlen(line);
	if (str_eq(line, "key")) {
		keys(t, arg);
	} else if (str_eq(line, "type")) {
		type(t, arg);
	} else if (str_eq(line, "paste")) {
		struct event ev = {.kind = EVENT_PASTE, .text = arg, .len = strlen(arg)};
		deck_event(t->deck, &ev);
	} else if (str_eq(line, "background")) {
		struct event ev = {.kind = EVENT_BACKGROUND, .light = str_eq(arg, "light")};
		deck_event(t->deck, &ev);
	} else if (str_eq(line, "click") || str_eq(line, "wheel") || str_eq(line, "release") ||
		   str_eq(line, "drag")) {
		mouse(t, line, arg);
	} else if (str_eq(line, "tick")) {
		tick(t, atoi(arg));
	} else if (str_eq(line, "ms")) {
		deck_tick(t->deck, t->now_ms += atoi(arg), false);
	} else if (str_eq(line, "size")) {
		ck_assert_int_eq(sscanf(arg, "%d %d", &t->deck->rows, &t->deck->cols), 2);
		canvas_resize(&t->canvas, t->deck->rows, t->deck->cols);
	} else if (str_eq(line, "host")) {
		ck_assert_msg(!fake_script(t->backend, arg, &e), "%s", e.msg);
	} else if (str_eq(line, "feed")) {
		feed(t, arg);
	} else if (str_eq(line, "pump")) {
		pump(t);
	} else if (str_eq(line, "until")) {
		until(t, arg);
	} else if (str_eq(line, "state")) {
		guest_state(t, arg);
	} else if (str_eq(line, "screen")) {
		screen(t, arg);
	} else if (str_eq(line, "copied")) {
		unescape(arg);
		ck_assert_str_eq(copied, arg);
	} else if (str_eq(line, "mask")) {
		t->mask = true;
	} else if (str_eq(line, "quit")) {
		ck_assert_int_eq(t->deck->quit, str_eq(arg, "yes"));
	} else {
		ck_abort_msg("no such step: %s", line);
	}
}

static void compare(struct deck_test *t, const char *name)
{
	AUTO_FREE char *path = x_asprintf("tests/screens/%s.txt", name);
	AUTO_FREE char *want = NULL;
	struct err e = {0};
	if (!t->nscreens)
		return;
	if (getenv("SCREENS_UPDATE")) {
		ck_assert_msg(!file_replace(path, buf_text(&t->seen), t->seen.len, 0644, &e), "%s", e.msg);
		return;
	}
	ck_assert_msg(!file_read(path, 1 << 24, &want, NULL, &e), "%s (SCREENS_UPDATE=1 writes it)", e.msg);
	const char *a = want, *b = buf_text(&t->seen);
	for (unsigned line = 1; *a || *b; line++) {
		int n = (int)strcspn(a, "\n"), m = (int)strcspn(b, "\n");
		ck_assert_msg(n == m && !memcmp(a, b, n), "%s:%u: is\n  %.*s\nnot\n  %.*s", path, line, m, b,
			      n, a);
		a += n + (a[n] == '\n');
		b += m + (b[m] == '\n');
	}
}

START_TEST(screens_are_as_recorded)
{
	struct deck_test t;
	AUTO_FREE char *steps = x_strdup(cases[_i].steps);
	char *save = NULL;
	start(&t, cases[_i].host, cases[_i].rows, cases[_i].cols, cases[_i].colours);
	for (char *line = strtok_r(steps, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		step(&t, line);
	compare(&t, cases[_i].name);
	stop(&t);
}
END_TEST

/* Every size down to one cell, on every page: draws, and changes nothing outside (ASan sees that). */
START_TEST(every_size_draws)
{
	static const char *const pages[] = {
	    "n", "n Tab Enter", "D", "n Tab Right Tab Tab C-n", "", "c", "z", "i", "?", "Enter",
	    "K", "/",           "m"};
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
		struct deck_test t;
		char line[32];
		start(&t, THREE, 24, 80, 256);
		tick(&t, 2);
		snprintf(line, sizeof(line), "key End %s", pages[i]);
		step(&t, line);
		for (int rows = 1; rows < 30; rows++)
			for (int cols = 1; cols < 130; cols += cols < 20 ? 1 : 7) {
				t.deck->rows = rows;
				t.deck->cols = cols;
				canvas_resize(&t.canvas, rows, cols);
				deck_draw(t.deck, &t.canvas);
				if (t.canvas.cursor_row >= rows || t.canvas.cursor_col >= cols)
					ck_abort_msg("cursor outside at %dx%d", cols, rows);
			}
		stop(&t);
	}
}
END_TEST

/* Any key on any page, a thousand of them: no crash, and nothing is lost without a question answered by y. */
START_TEST(random_keys_lose_nothing)
{
	struct deck_test t;
	start(&t, "domains 9", 24, 80, 256);
	unsigned seed = 7 + _i, before = deck_snapshot(t.deck)->running + deck_snapshot(t.deck)->paused;
	static const uint32_t named[] = {VT_KEY_UP,   VT_KEY_DOWN, VT_KEY_ESCAPE,
					 VT_KEY_HOME, VT_KEY_PGDN, VT_KEY_END};
	for (int i = 0; i < 3000; i++) {
		seed = seed * 1103515245 + 12345;
		unsigned r = seed >> 16;
		struct key k = {r & 256 ? named[r % ARRAY_SIZE(named)] : 33 + r % 94, 0};
		bool answers = t.deck->dialog && (k.code == 'y' || k.code == 'Y');
		if (answers || k.code == 'c' || k.code == 'z' || (k.code == 'Q'))
			continue; /* in a console keys belong to the guest */
		if (t.deck->prompt && i % 3 == 0)
			k.code = VT_KEY_ENTER;
		press(&t, k);
		if (i % 50 == 0) {
			tick(&t, 1);
			deck_draw(t.deck, &t.canvas);
		}
		if (t.deck->prompt)
			press(&t, (struct key){VT_KEY_ESCAPE, 0});
	}
	tick(&t, 1);
	const struct snapshot *s = deck_snapshot(t.deck);
	ck_assert_uint_ge(s->running + s->paused, before); /* some were started */
	stop(&t);
}
END_TEST

static void note_event(void *arg, const struct event *ev)
{
	struct buf *b = arg;
	char name[KEY_NAME_MAX];
	if (ev->kind == EVENT_KEY)
		buf_printf(b, "%s ", key_text(ev->key, name));
	else if (ev->kind == EVENT_BACKGROUND)
		buf_puts(b, ev->light ? "light " : "dark ");
	else if (ev->kind == EVENT_PASTE)
		buf_printf(b, "<%.*s> ", (int)ev->len, ev->text);
	else
		buf_printf(b, "m%d,%d,%d,%d ", ev->mouse.action, ev->mouse.button, ev->mouse.row,
			   ev->mouse.col);
}

static const struct {
	const char *bytes, *events;
} inputs[] = {
    {"a", "a "},
    {"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "ä € 😀 "},
    {"\r\t\x7f \x1d\x1c\x03", "Enter Tab Bksp Space C-] C-\\ C-c "},
    {"\033[A\033[B\033OC\033OD\033[H\033[F", "Up Down Right Left Home End "},
    {"\033[1~\033[2~\033[3~\033[4~\033[5~\033[6~\033[7~\033[8~", "Home Ins Del End PgUp PgDn Home End "},
    {"\033[5;2~\033[6;2~\033[1;5A\033[1;6D\033[Z", "S-PgUp S-PgDn C-Up C-S-Left BackTab "},
    {"\033OP\033OS\033[11~\033[15~\033[21~\033[24~\033[[A\033[[E", "F1 F4 F1 F5 F10 F12 F1 F5 "},
    {"\033x\033\x01", "M-x C-M-a "},
    {"\033[27;5;93~\033[93;5u\033[13;2u", "C-] C-] S-Enter "},
    {"\033[93:125;5u\033[93;69u\033[53;5u\033[125;6u\033[93;5:1u", "C-] C-] C-] C-] C-] "},
    {"\033[93;5:3u\033[1;1:3A\033[1;5:1A\033[3;1:3~q", "C-Up q "}, /* let go is no key */
    {"\033[57358u\033[57441;2uq", "q "},                             /* Caps Lock, Shift alone */
    {"\033[57419u\033[57376u", "Up F13 "},
    {"\033[<0;3;2M\033[<0;3;2m\033[<64;1;1M\033[<32;4;4M", "m0,0,1,2 m1,0,1,2 m0,4,0,0 m2,0,3,3 "},
    {"\033[200~one\033[Atwo\r\033[201~z", "<one\033[Atwo\r> z "},
    {"\033[?1;2c\033[>0;1;2c\033[8;24;80tq", "q "}, /* answers nobody asked for are no keys */
    {"\033]11;rgb:ffff/ffff/ffff\033\\q", "light q "},
    {"\033]11;rgb:1a1a/1b1b/2626\aq", "dark q "},
    {"\033]11;rgb:fd/f6/e3\aq\033]11;rgb:f/f/f\a", "light q light "},
    {"\033]11;rgb:ff/ff\aq\033]11;rgb:/ff/ff\aq\033]52;c;QUJD\aq", "q q q "},
    {"\033]11;rgb:00000/ff/ff\aq\033]11;rgb:ff/ff/ff\033[A\033]q", "q light Up M-] q "},
    {"\xff\xc3q", "q "},
    {"\033[999999999999999999999999;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1~q", NULL}, /* no crash */
};

START_TEST(input_bytes_become_keys)
{
	for (int cut = 0; cut < 2; cut++) { /* whole, and a byte at a time */
		AUTO_BUF struct buf b = {0};
		struct input in = {0};
		size_t n = strlen(inputs[_i].bytes);
		for (size_t i = 0; i < n; i += cut ? 1 : n)
			input_feed(&in, inputs[_i].bytes + i, cut ? 1 : n, note_event, &b);
		if (inputs[_i].events)
			ck_assert_str_eq(buf_text(&b), inputs[_i].events);
		input_done(&in);
	}
}
END_TEST

START_TEST(a_lone_escape_is_a_key_after_a_while)
{
	AUTO_BUF struct buf b = {0};
	struct input in = {0};
	input_feed(&in, "\033", 1, note_event, &b);
	ck_assert_str_eq(buf_text(&b), "");
	ck_assert(input_waiting(&in));
	input_timeout(&in, note_event, &b);
	ck_assert_str_eq(buf_text(&b), "Esc ");
	ck_assert(!input_waiting(&in));
}
END_TEST

START_TEST(terminfo_sequences_are_known_too)
{
	AUTO_BUF struct buf b = {0};
	struct input in = {0};
	input_add(&in, "\033Y9", (struct key){VT_KEY_F(7), 0});
	input_feed(&in, "\033Y9\033y", 5, note_event, &b);
	ck_assert_str_eq(buf_text(&b), "F7 M-y ");
}
END_TEST

START_TEST(key_names_read_back)
{
	static const char *const names[] = {"a",  "Z",   "-",     "C-]",   "C-M-x", "S-PgUp",
					    "F1", "F20", "Space", "Enter", "é"};
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct key k;
		char out[KEY_NAME_MAX];
		ck_assert_msg(key_parse(names[i], strlen(names[i]), &k), "%s", names[i]);
		ck_assert_str_eq(key_text(k, out), names[i]);
	}
	struct key k;
	ck_assert(!key_parse("Nope", 4, &k) && !key_parse("", 0, &k) && !key_parse("F21", 3, &k));
}
END_TEST

/* The table of keys: names that exist, verbs that exist, help for each, no key twice but by state, and what
 * CMD_CONFIRM guards is on no small letter. */
START_TEST(keys_table_is_sound)
{
	for (const struct binding *b = bindings; b->keys; b++) {
		AUTO_FREE char *copy = x_strdup(b->keys);
		char *save = NULL;
		const struct cmd *cmd = b->verb ? cmd_find(b->verb, NULL) : NULL;
		ck_assert_msg(!b->verb || cmd, "%s: no verb %s", b->keys, b->verb);
		ck_assert_msg(b->verb || b->run, "%s does nothing", b->keys);
		ck_assert_msg(b->help, "%s has no help", b->keys);
		for (char *name = strtok_r(copy, " ", &save); name; name = strtok_r(NULL, " ", &save)) {
			struct key k;
			ck_assert_msg(key_parse(name, strlen(name), &k), "%s", name);
			if (cmd && cmd->flags & CMD_CONFIRM)
				ck_assert_msg(k.code >= 'A' && k.code <= 'Z', "%s runs %s", name, cmd->name);
			for (const struct binding *o = b + 1; o->keys; o++) {
				AUTO_FREE char *padded = x_asprintf(" %s ", o->keys);
				AUTO_FREE char *one = x_asprintf(" %s ", name);
				const struct cmd *other = o->verb ? cmd_find(o->verb, NULL) : NULL;
				bool apart = cmd && other && !(cmd->states & other->states);
				ck_assert_msg(!(o->scopes & b->scopes) || apart || !strstr(padded, one),
					      "%s twice", name);
			}
		}
	}
}
END_TEST

/* Is @key the word of an ".It Ic" line of the manual? */
static bool in_manual(const char *man, const char *key)
{
	for (const char *line = man; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!str_starts(line, ".It Ic "))
			continue;
		AUTO_FREE char *words = x_strndup(line + 7, strcspn(line + 7, "\n"));
		char *save = NULL;
		for (char *w = strtok_r(words, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
			char *mark = strstr(w, "\\&"); /* keeps roff from reading what follows as its own */
			if (mark)
				memmove(mark, mark + 2, strlen(mark + 1));
			mark = strstr(w, "\\e"); /* a backslash */
			if (mark)
				memmove(mark + 1, mark + 2, strlen(mark + 1));
			if (str_eq(w, key))
				return true;
		}
	}
	return false;
}

START_TEST(help_and_the_way_out_are_in_every_key_bar)
{
	static const struct {
		const char *keys; /* to the page */
		const char *help, *out;
	} pages[] = {{"", "? Help", "q Quit"},
		     {"i", "? Help", "q Back"},
		     {"x", "? Help", "q Back"},
		     {"n", "F1 Help", "Esc Leave"}};
	for (const char *const *label = bar_order; *label; label++) {
		const struct binding *b = bindings;
		while (b->keys && !str_eq(b->label, *label))
			b++;
		ck_assert_msg(b->keys, "no key has the label %s", *label);
	}
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++)
		for (int cols = 30; cols < 140; cols++) {
			struct deck_test t;
			char line[32];
			AUTO_BUF struct buf bar = {0};
			start(&t, THREE ";screen web1 port=5901", 24, cols, 256);
			tick(&t, 1);
			snprintf(line, sizeof(line), "key End %s", pages[i].keys);
			step(&t, line);
			for (int col = 0; col < cols; col++)
				buf_puts(&bar, canvas_cell(&t.canvas, 23, col)->text);
			ck_assert_msg(strstr(buf_text(&bar), pages[i].help) &&
					  strstr(buf_text(&bar), pages[i].out),
				      "%d columns: %s", cols, buf_text(&bar));
			stop(&t);
		}
}
END_TEST

START_TEST(the_manual_has_every_key)
{
	AUTO_FREE char *man = NULL;
	struct err e = {0};
	ck_assert_msg(!file_read("share/man/vmdeck-deck.1", 1 << 20, &man, NULL, &e), "%s", e.msg);
	ck_assert(!in_manual(man, "C-q"));
	for (const struct binding *b = bindings; b->keys; b++) {
		AUTO_FREE char *keys_of = x_strdup(b->keys);
		char *save = NULL;
		for (char *name = strtok_r(keys_of, " ", &save); name; name = strtok_r(NULL, " ", &save))
			ck_assert_msg(in_manual(man, name), "vmdeck-deck(1) lacks %s", name);
	}
}
END_TEST

START_TEST(canvas_clips_and_cleans)
{
	struct canvas c = {0};
	AUTO_BUF struct buf b = {0};
	canvas_resize(&c, 2, 6);
	struct area a = area_all(&c);
	struct style s = {0};
	area_text(&a, 0, 0, -1, s, "a\033b\xff\u202ec\u0301");
	area_text(&a, 1, 1, -1, s, "日本語");
	area_text(&a, 1, 2, 1, s, "x"); /* cuts a wide one */
	canvas_dump(&c, &b);
	ck_assert_str_eq(buf_text(&b), "a?b\xef\xbf\xbd?c\u0301\n  x本\n");
	buf_done(&b);
	area_field(&a, 0, 0, 5, false, s, "abcdef");
	area_field(&a, 1, 0, 5, true, s, "ab");
	canvas_dump(&c, &b);
	ck_assert_str_eq(buf_text(&b), "abcd…c\u0301\n   ab\n");
	canvas_done(&c);
}
END_TEST

static void collect(struct deck *d, const char *text)
{
	if (text)
		deck_say(d, ROLE_INFO, "[%s]", text);
}

START_TEST(prompt_edits)
{
	struct deck_test t;
	start(&t, THREE, 24, 80, 256);
	prompt_open(t.deck, "Text:", "één", NULL, collect);
	char edits[] = "Home Del Right x End Bksp y C-a z C-e C-w w Left Left v Enter";
	keys(&t, edits);
	ck_assert_ptr_null(t.deck->prompt);
	ck_assert_str_eq(t.deck->messages[t.deck->nmessages - 1].text, "[vw]");
	prompt_open(t.deck, "Text:", NULL, NULL, collect);
	prompt_paste(t.deck, "one\ntwo", 7);
	char enter[] = "Enter";
	keys(&t, enter);
	ck_assert_str_eq(t.deck->messages[t.deck->nmessages - 1].text, "[one]");
	stop(&t);
}
END_TEST

/* The fake runs verbs in place; the rest of the world in a child. The same backend under another name does
 * that. */
START_TEST(a_job_runs_in_a_child_and_reports)
{
	struct deck_test t;
	start(&t, THREE, 24, 80, 256);
	struct backend_ops ops = *t.backend->ops;
	const struct backend_ops *old = t.backend->ops;
	ops.name = "other";
	t.backend->ops = &ops;
	char key_s[] = "key s", key_k[] = "key End K y";
	step(&t, key_s);
	step(&t, key_k);
	ck_assert_uint_eq(jobs_count(t.deck->jobs), 2);
	while (jobs_count(t.deck->jobs))
		uv_run(&t.loop, UV_RUN_ONCE);
	ck_assert_uint_eq(t.deck->nmessages, 2);
	for (int i = 0; i < 2; i++)
		ck_assert_msg(t.deck->messages[i].role == ROLE_INFO, "%s", t.deck->messages[i].text);
	ck_assert(t.deck->sample_soon);
	t.backend->ops = old;
	stop(&t);
}
END_TEST

START_TEST(consoles_are_bounded_and_closed)
{
	struct deck_test t;
	start(&t,
	      "domain a running;domain b running;domain c running;domain d running;domain e running;domain f "
	      "running;"
	      "domain g running;domain h running;domain i running;domain j running",
	      24, 80, 256);
	char walk[] = "v Down Down Down Down Down Down Down Down Down Home";
	keys(&t, walk);
	pump(&t);
	ck_assert_uint_eq(fake_attached(t.backend), 8);
	deck_free(t.deck);
	uv_run(&t.loop, UV_RUN_DEFAULT);
	fake_pump(t.backend, 20);
	ck_assert_uint_eq(fake_attached(t.backend), 0);
	t.deck = deck_new(t.backend, &t.loop, 24, 80, 0);
	stop(&t);
}
END_TEST

int main(void)
{
	unsetenv("SSH_CONNECTION"); /* the display page tells of it */
	Suite *s = suite_create("tui");
	TCase *tc = tcase_create("deck");
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, screens_are_as_recorded, 0, ARRAY_SIZE(cases));
	tcase_add_test(tc, every_size_draws);
	tcase_add_loop_test(tc, random_keys_lose_nothing, 0, 4);
	tcase_add_loop_test(tc, input_bytes_become_keys, 0, ARRAY_SIZE(inputs));
	tcase_add_test(tc, a_lone_escape_is_a_key_after_a_while);
	tcase_add_test(tc, terminfo_sequences_are_known_too);
	tcase_add_test(tc, key_names_read_back);
	tcase_add_test(tc, keys_table_is_sound);
	tcase_add_test(tc, help_and_the_way_out_are_in_every_key_bar);
	tcase_add_test(tc, the_manual_has_every_key);
	tcase_add_test(tc, canvas_clips_and_cleans);
	tcase_add_test(tc, prompt_edits);
	tcase_add_test(tc, a_job_runs_in_a_child_and_reports);
	tcase_add_test(tc, consoles_are_bounded_and_closed);
	suite_add_tcase(s, tc);
	return test_main(s);
}
