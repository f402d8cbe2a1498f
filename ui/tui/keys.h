/* Which key does what: the one table that keys, the key bar, menus and the help page are made from. */
#ifndef UI_TUI_KEYS_H
#define UI_TUI_KEYS_H

#include "ui/tui/deck.h"

struct binding {
	unsigned scopes;                     /* enum scope bits */
	const char *keys;                    /* key names, separated by spaces */
	const char *verb;                    /* a row of cmds[], or NULL */
	void (*run)(struct deck *, int arg); /* what it does; NULL = the verb, as it is */
	int arg;
	const char *label; /* in the key bar; NULL = not there */
	const char *help;  /* NULL = the verb's summary */
};

extern const struct binding bindings[]; /* ends with a row without keys */
/* Labels, those that matter most first: where the key bar is too narrow, the last of them goes first. What is
 * not named here, as help and the way out, goes after all of them. Ends with NULL. */
extern const char *const bar_order[];

/* The binding for @k in @scope that makes sense for the domain under the bar: of several rows with the same
 * key, the first whose verb its state allows, or else the first. NULL. */
const struct binding *binding_find(struct deck *d, enum scope scope, struct key k);
/* Does its verb make sense in the state of the domain under the bar? true for what is no verb. */
bool binding_applies(struct deck *d, const struct binding *b);
/* The first row of this verb; NULL. */
const struct binding *binding_of(const struct cmd *cmd);
/* The first key that runs @verb, or NULL. In @out. */
char *binding_key_of(const char *verb, char out[KEY_NAME_MAX]);
void binding_run(struct deck *d, const struct binding *b);
/* The help page's text, the caller's. */
char *keys_help(void);

/* The argument of action_key(). */
#define AS_KEY(code, mods) ((int)(mods) << 24 | (int)(code))

/* What is no verb (action.c). */
void action_quit(struct deck *d, int arg);
void action_back(struct deck *d, int arg);
void action_help(struct deck *d, int arg);
void action_messages(struct deck *d, int arg);
void action_redraw(struct deck *d, int arg);
void action_stop(struct deck *d, int arg);
void action_move(struct deck *d, int arg); /* enum move */
void action_menu(struct deck *d, int arg);
void action_info(struct deck *d, int arg);
void action_display(struct deck *d, int arg);
void action_xml(struct deck *d, int arg);
void action_autostart(struct deck *d, int arg);
void action_define(struct deck *d, int arg);
/* action_type.c */
void action_type(struct deck *d, int arg); /* a line of text, as keystrokes */
void action_keys(struct deck *d, int arg); /* a menu of keys: Ctrl-Alt-Del, SysRq, ... */
/* Text from the user's clipboard, as keystrokes; what goes wrong is said. */
void type_pasted(struct deck *d, const char *uuid, const char *text, size_t len);
void action_key(struct deck *d, int arg); /* the key itself, to the page: see AS_KEY */
/* page_wizard.c */
void action_new(struct deck *d, int arg);
/* page_domains.c */
void action_filter(struct deck *d, int arg);
void action_filter_off(struct deck *d, int arg);
void action_mark(struct deck *d, int arg);
void action_unmark(struct deck *d, int arg);
void action_sort(struct deck *d, int arg);      /* enum column */
void action_sort_next(struct deck *d, int arg); /* 1 right, -1 left */
void action_sort_invert(struct deck *d, int arg);
/* page_console.c */
void action_panel(struct deck *d, int arg);      /* show it beside the list, with the keys */
void action_panel_show(struct deck *d, int arg); /* show or hide it, the keys stay in the list */
void action_panel_full(struct deck *d, int arg);
void action_panel_leave(struct deck *d, int arg);
void action_panel_scroll(struct deck *d, int arg); /* enum move */
void action_stty(struct deck *d, int arg);
/* page_screen.c */
void action_screen(struct deck *d, int arg);
void action_screen_leave(struct deck *d, int arg);
void action_screen_menu(struct deck *d, int arg); /* keys that the terminal keeps for itself, and more */

#endif
