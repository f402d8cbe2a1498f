#include "ui/tui/keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/cleanup.h"
#include "ui/tui/columns.h"

#define LIST SCOPE_DOMAINS
#define GUEST (SCOPE_DOMAINS | SCOPE_DOMAIN)
#define PAGES (SCOPE_DOMAIN | SCOPE_TEXT)
#define READ (SCOPE_DOMAINS | SCOPE_DOMAIN | SCOPE_TEXT)
#define ALL (READ | SCOPE_PLAN)
#define FORM SCOPE_FORM
#define PLAN SCOPE_PLAN
#define FILES SCOPE_FILES
#define PANEL SCOPE_PANEL
#define SCREEN SCOPE_SCREEN

/* Small letters lose nothing. Verbs in capitals may, and ask first: so says their CMD_CONFIRM. */
const struct binding bindings[] = {
    {ALL, "? F1", NULL, action_help, 0, "Help", "This page"},
    {GUEST, "Enter", NULL, action_menu, 0, "Menu", "What can be done with the guest now"},
    {GUEST, "c Tab", "console", action_panel, 0, "Console",
     "Type in the guest's serial console, beside the list"},
    {GUEST | SCOPE_SHOWN, "w", NULL, action_screen, 0, "Screen", "Watch the guest's screen, and type there"},
    {GUEST | SCOPE_SHOWN, "d", NULL, action_display, 0, "Display",
     "Where its display is: address, password, and how to get there over ssh"},
    {GUEST, "s", "domain-start", NULL, 0, "Start", "Start it"},
    {GUEST, "p", "domain-suspend", NULL, 0, "Pause", "Pause it"},
    {GUEST, "p", "domain-resume", NULL, 0, "Resume", "Let it run on"},
    {GUEST, "S", "domain-shutdown", NULL, 0, "Shut down", "Shut down: the guest is asked to power off"},
    {GUEST, "B", "domain-reboot", NULL, 0, NULL, "Reboot: the guest is asked to start again"},
    {GUEST, "R", "domain-reset", NULL, 0, NULL,
     "Reset at once: what is not on its disks is lost"},
    {GUEST, "K", "domain-destroy", NULL, 0, "Force off",
     "Force off, pulling the plug: unsaved data is lost"},
    {FORM, "Tab", NULL, action_key, AS_KEY(VT_KEY_TAB, 0), "Next", "The next field"},
    {FORM, "BackTab", NULL, action_key, AS_KEY(VT_KEY_BACKTAB, 0), NULL, "The field before (Shift and Tab)"},
    {FORM, "Up", NULL, action_key, AS_KEY(VT_KEY_UP, 0), NULL, "The field above"},
    {FORM, "Down", NULL, action_key, AS_KEY(VT_KEY_DOWN, 0), NULL, "The field below"},
    {FORM, "PgUp", NULL, action_key, AS_KEY(VT_KEY_PGUP, 0), NULL, "Some fields up"},
    {FORM, "PgDn", NULL, action_key, AS_KEY(VT_KEY_PGDN, 0), NULL, "Some fields down"},
    {FORM, "Enter", NULL, action_key, AS_KEY(VT_KEY_ENTER, 0), "Open",
     "Open a list or the file browser, press a button; in a text, go on to the next field"},
    {FORM, "Space", NULL, action_key, AS_KEY(' ', 0), "Change", "Open a list, change a yes or no"},
    {FORM, "Left", NULL, action_key, AS_KEY(VT_KEY_LEFT, 0), NULL, "In a choice: the one before"},
    {FORM, "Right", NULL, action_key, AS_KEY(VT_KEY_RIGHT, 0), NULL, "In a choice: the next one"},
    {FORM, "C-n", NULL, action_key, AS_KEY('n', VT_CTRL), "Go on", "Look at what would be made, if all is well"},
    {FORM, "Esc", NULL, action_key, AS_KEY(VT_KEY_ESCAPE, 0), "Leave", "Leave it; asks when something was typed"},
    {PLAN, "Enter", NULL, action_key, AS_KEY(VT_KEY_ENTER, 0), "Create", "Make the guest, and start it"},
    {PLAN, "e", NULL, action_key, AS_KEY('e', 0), "Edit", "Edit its XML in $EDITOR before"},
    {PLAN, "y", NULL, action_key, AS_KEY('y', 0), "Copy", "Copy the command line to the terminal's clipboard (OSC 52)"},
    {PLAN, "Left", NULL, action_key, AS_KEY(VT_KEY_LEFT, 0), NULL, "To the left in long lines"},
    {PLAN, "Right", NULL, action_key, AS_KEY(VT_KEY_RIGHT, 0), NULL, "To the right in long lines"},
    {PLAN, "Esc", NULL, action_key, AS_KEY(VT_KEY_ESCAPE, 0), "Back", "Back to the form"},
    {PLAN, "q", NULL, action_key, AS_KEY('q', 0), NULL, "Back to the form"},
    {FILES, "Enter", NULL, action_key, AS_KEY(VT_KEY_ENTER, 0), "Open", "Take the file, go into the folder, or go to the path typed"},
    {FILES, "Tab", NULL, action_key, AS_KEY(VT_KEY_TAB, 0), "Complete", "Complete the name or path"},
    {FILES, "Left", NULL, action_key, AS_KEY(VT_KEY_LEFT, 0), "Up", "To the folder above (Backspace, too) while nothing is typed"},
    {FILES, "Right", NULL, action_key, AS_KEY(VT_KEY_RIGHT, 0), NULL, "Into the folder"},
    {FILES, "M-.", NULL, action_key, AS_KEY('.', VT_ALT), "Hidden", "Show hidden files, or no longer"},
    {FILES, "C-r", NULL, action_key, AS_KEY('r', VT_CTRL), NULL, "Read the folder again"},
    {FILES, "Esc", NULL, action_key, AS_KEY(VT_KEY_ESCAPE, 0), "Leave", "Forget what was typed; leave without a file"},
    {FORM | FILES, "F1", NULL, action_help, 0, "Help", "This page"},
    {PAGES, "q Esc Left", NULL, action_back, 0, "Back", "Close this page"},
    {LIST, "q", NULL, action_quit, 0, "Quit", "Leave the deck; guests run on"},
    {LIST, "n", NULL, action_new, 0, "New", "Create a new guest: a form asks for what it needs"},
    {LIST, "/", NULL, action_filter, 0, "Filter",
     "Show only guests whose name, title or state has this text"},
    {LIST, "i Right", NULL, action_info, 0, "Info", "All about the guest"},
    {GUEST, "z", NULL, action_panel_full, 0, "Full", "The console on the full screen"},
    {LIST, "v", NULL, action_panel_show, 0, "View", "View the console beside the list, or hide it"},
    {GUEST, "t", NULL, action_stty, 0, NULL, "Type stty rows R cols C into the console: the panel's size"},
    {LIST, "Esc", NULL, action_filter_off, 0, NULL, "Show all guests again, forget the marks"},
    {LIST, "Space", NULL, action_mark, 0, NULL, "Mark the guest: verbs go to all that are marked"},
    {LIST, "u", NULL, action_unmark, 0, NULL, "Forget the marks"},
    {LIST, "P", NULL, action_sort, COL_CPU, NULL, "Sort by %CPU"},
    {LIST, "M", NULL, action_sort, COL_MEMORY, NULL, "Sort by memory"},
    {LIST, "T", NULL, action_sort, COL_UPTIME, NULL, "Sort by uptime"},
    {LIST, "N", NULL, action_sort, COL_NAME, NULL, "Sort by name"},
    {LIST, ">", NULL, action_sort_next, 1, NULL, "Sort by the next column"},
    {LIST, "<", NULL, action_sort_next, -1, NULL, "Sort by the column before"},
    {LIST, "r", NULL, action_sort_invert, 0, NULL, "Reverse the order"},
    {GUEST, "y", "type", action_type, 0, NULL, "Type text on its keyboard"},
    {GUEST, "Y", "send-key", action_keys, 0, NULL, "Press Ctrl-Alt-Del, SysRq and other keys on it"},
    {GUEST, "x", NULL, action_xml, 0, NULL, "The guest's XML"},
    {GUEST, "e", "edit", NULL, 0, NULL, "Edit its XML in $EDITOR"},
    {GUEST, "a", "autostart", action_autostart, 0, NULL, "Start the guest with the host, or no longer"},
    {LIST, "D", NULL, action_define, 0, NULL, "Define a guest from an XML file"},
    {GUEST, "U", "undefine", NULL, 0, NULL, "Forget its definition; its disks stay"},
    {LIST, "m", NULL, action_messages, 0, NULL, "What was said so far"},
    {ALL, "Up k", NULL, action_move, MOVE_UP, NULL, "Up"},
    {ALL, "Down j", NULL, action_move, MOVE_DOWN, NULL, "Down"},
    {ALL, "PgUp", NULL, action_move, MOVE_PGUP, NULL, "A page up"},
    {ALL, "PgDn", NULL, action_move, MOVE_PGDN, NULL, "A page down"},
    {ALL, "Home g", NULL, action_move, MOVE_HOME, NULL, "To the first line"},
    {ALL, "End G", NULL, action_move, MOVE_END, NULL, "To the last line"},
    {READ, "F10", NULL, action_quit, 0, NULL, "Leave the deck from any page"},
    {ALL | FORM | FILES, "C-l", NULL, action_redraw, 0, NULL, "Draw the screen anew"},
    {ALL | FORM | FILES, "C-z", NULL, action_stop, 0, NULL, "Stop the deck, back to the shell (fg to come back)"},
    {PANEL, "C-]", NULL, action_panel_leave, 0, "Leave", "Back to the list; all other keys go to the guest"},
    {LIST, "[", NULL, action_panel_scroll, MOVE_PGUP, NULL, "Back in the panel, the keys stay in the list"},
    {LIST, "]", NULL, action_panel_scroll, MOVE_PGDN, NULL, "Forward in the panel"},
    {PANEL, "S-PgUp M-PgUp", NULL, action_panel_scroll, MOVE_PGUP, "Older",
     "Back in what the guest has written: arrows, / ? n search, Space v V mark, y copies, q ends"},
    {PANEL, "S-Up", NULL, action_panel_scroll, MOVE_UP, NULL, "The same, from the cursor on"},
    {PANEL, "S-PgDn M-PgDn", NULL, action_panel_scroll, MOVE_PGDN, NULL, "Forward again"},
    {PANEL, "S-Home", NULL, action_panel_scroll, MOVE_HOME, NULL, "To the oldest line kept"},
    {PANEL, "S-End", NULL, action_panel_scroll, MOVE_END, NULL, "To what the guest writes now"},
    {SCREEN, "C-]", NULL, action_screen_leave, 0, "Leave", "Back; all other keys go to the guest"},
    {SCREEN, "C-\\", NULL, action_screen_menu, 0, "Keys", "Ctrl+Alt+Del and other keys that the terminal keeps, text to copy, full screen"},
    {0},
};

const char *const bar_order[] = {
    "Go on",   "Create", "Menu",  "Next",   "Edit",     "Older",                     /* the way to all else */
    "Console", "Screen", "Start", "Pause",  "Resume",   "Shut down", "Open", "Copy", /* what is done daily */
    "New",     "Filter", "Info",  "Change", "Complete", "Force off", "Up",   "Hidden",
    "Display", "Full",   "View",  NULL};

/* The next word of @s in [*start, return); NULL at the end. */
static const char *word(const char *s, const char **start)
{
	s += strspn(s, " ");
	*start = s;
	return *s ? s + strcspn(s, " ") : NULL;
}

static bool has_key(const struct binding *b, struct key k)
{
	const char *start, *end = b->keys;
	while ((end = word(end, &start))) {
		struct key one;
		if (key_parse(start, end - start, &one) && key_same(one, k))
			return true;
	}
	return false;
}

bool binding_applies(struct deck *d, const struct binding *b)
{
	const struct figure *g = deck_target(d);
	if (b->scopes & SCOPE_SHOWN && !(g && g->d->screen))
		return false;
	if (!b->verb)
		return g || (b->scopes & ALL) != GUEST;
	const struct cmd *cmd = cmd_find(b->verb, NULL);
	return cmd && (cmd->target != CMD_DOMAIN || (g && (!cmd->states || cmd->states & g->d->state)));
}

const struct binding *binding_find(struct deck *d, enum scope scope, struct key k)
{
	const struct binding *first = NULL;
	for (const struct binding *b = bindings; b->keys; b++) {
		if (!(b->scopes & scope) || !has_key(b, k))
			continue;
		if (binding_applies(d, b))
			return b;
		if (!first)
			first = b;
	}
	return first;
}

static char *first_key(const struct binding *b, char out[KEY_NAME_MAX])
{
	const char *start, *end = word(b->keys, &start);
	snprintf(out, KEY_NAME_MAX, "%.*s", end ? (int)(end - start) : 0, start);
	return out;
}

const struct binding *binding_of(const struct cmd *cmd)
{
	for (const struct binding *b = bindings; b->keys; b++)
		if (b->verb && cmd && cmd_find(b->verb, NULL) == cmd)
			return b;
	return NULL;
}

char *binding_key_of(const char *verb, char out[KEY_NAME_MAX])
{
	const struct binding *b = binding_of(cmd_find(verb, NULL));
	return b ? first_key(b, out) : NULL;
}

void binding_run(struct deck *d, const struct binding *b)
{
	if (b->run) {
		b->run(d, b->arg);
		return;
	}
	const struct cmd *cmd = cmd_find(b->verb, NULL);
	if (cmd)
		deck_verb(d, cmd);
	else
		deck_say(d, ROLE_WARNING, "there is no verb '%s'", b->verb);
}

static void help_section(struct buf *out, const char *title, unsigned in, unsigned not_in)
{
	buf_printf(out, "%s%s\n", out->len ? "\n" : "", title);
	for (const struct binding *b = bindings; b->keys; b++) {
		if (!(b->scopes & in) || b->scopes & not_in)
			continue;
		const struct cmd *cmd = b->verb ? cmd_find(b->verb, NULL) : NULL;
		const char *help = b->help ? b->help : cmd ? cmd->summary : NULL;
		if (help)
			buf_printf(out, "  %-14s %s%s\n", b->keys, help,
				   cmd && cmd->flags & CMD_CONFIRM ? " (asks)" : "");
	}
}

static const char *shown_name(const struct cmd *c)
{
	return c->alias ? c->alias : c->name;
}

static int by_shown_name(const void *a, const void *b)
{
	return strcmp(shown_name(*(const struct cmd *const *)a), shown_name(*(const struct cmd *const *)b));
}

static void help_verbs(struct buf *out)
{
	size_t n = 0;
	while (cmds[n])
		n++;
	AUTO_FREE const struct cmd **sorted = x_calloc(n + 1, sizeof(*sorted));
	memcpy(sorted, cmds, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), by_shown_name);
	for (size_t i = 0; i < n; i++) {
		char key[KEY_NAME_MAX];
		if (!(sorted[i]->flags & CMD_HIDDEN))
			buf_printf(out, "  %-20s %-3s %s\n", shown_name(sorted[i]),
				   binding_key_of(sorted[i]->name, key) ? key : "", sorted[i]->summary);
	}
}

char *keys_help(void)
{
	AUTO_BUF struct buf out = {0};
	help_section(&out, "In the list of guests", LIST, PAGES);
	help_section(&out, "For the guest under the bar, in the list and on its page", SCOPE_DOMAIN,
		     SCOPE_TEXT);
	help_section(&out, "In a console panel (C- is Ctrl, S- is Shift, M- is Alt)", PANEL, 0);
	help_section(&out, "In a form (what is typed goes into its fields)", FORM, PAGES);
	help_section(&out, "Looking for a file (what is typed filters, or is a path)", FILES, PAGES);
	help_section(&out, "Before a new guest is made", PLAN, SCOPE_TEXT);
	help_section(&out, "On a guest's screen", SCREEN, 0);
	help_section(&out, "Everywhere but in a console, a form and the list of files", SCOPE_TEXT, 0);
	buf_puts(&out, "\nVerbs, in the menu (Enter) and as `vmdeck VERB`\n");
	help_verbs(&out);
	return buf_take(&out);
}
