/* Verbs. Keys, menus, the command line, help, completion and tests know only the table cmds[].
 *
 * A verb is one function and one row in cmd_<noun>.c, and a row in cmds[] (sorted by name). Its exec() gets
 * what the caller resolved: the target exists and is in one of the states named, the arguments are checked
 * against the table. */
#ifndef SRC_CMD_CMD_H
#define SRC_CMD_CMD_H

#include <stdbool.h>
#include <stdio.h>

#include "src/backend.h"
#include "src/base/json.h"

enum cmd_target {
	CMD_HOST,   /* no target: list, nodeinfo, define */
	CMD_DOMAIN, /* one domain, by id, name or uuid */
};

enum cmd_flags {
	CMD_CONFIRM = 1,  /* something can be lost: the deck asks first */
	CMD_JSON = 2,     /* takes --json */
	CMD_TTY = 4,      /* takes over the terminal (console, edit): the deck leaves its screen for it */
	CMD_HIDDEN = 8,   /* for our own processes; not in help or completion */
	CMD_QUIET = 16,   /* changes nothing: may run while another job runs */
	CMD_OFFLINE = 32, /* asks the host nothing: help works where the backend does not open */
	CMD_ABBREV = 64,  /* options may be cut as long as one is meant, as virt-install lets them */
};

enum arg_kind { ARG_FLAG, ARG_STRING, ARG_FILE, ARG_NUMBER };
/* BOOL: yes, no, on, off and the like. SIZE: a number with a fraction. */
enum sub_kind { SUB_TEXT, SUB_BOOL, SUB_NUMBER, SUB_SIZE, SUB_CHOICE, SUB_FILE, SUB_MAC };

/* What may stand in a value of the form "word,name=value,...". The first word without a name is the first
 * row's. */
struct cmd_sub {
	const char *name;    /* "bus" */
	const char *aka;     /* other names of it, a space between: "target.bus"; NULL */
	enum sub_kind kind;
	const char *values;  /* SUB_CHOICE: "a|b|c" */
	const char *summary;
	const char *lacks;   /* known to virt-install and not ours: why, NULL = ours */
};

struct cmd_arg {
	const char *name; /* "paused": --paused; positional when @position */
	enum arg_kind kind;
	bool position; /* taken from the words that are no options, in order */
	bool required;
	const char *summary;
	bool rest; /* position: takes all words to the end; the value has a newline between them */
	bool many; /* may be given several times; the value has a newline between them */
	bool optional;   /* its value may be missing: then it is "" */
	const char *aka; /* other names of it, a space between: "ram r"; one letter is -r */
	const struct cmd_sub *subs; /* what its value consists of; ends with a row without name */
	const char *lacks; /* known to virt-install and not ours: why. Not in the help; the value "none" is taken */
	bool harmless;     /* it lacks, and is left out with a note */
};

struct cmd_ctx {
	struct backend *backend;
	const struct cmd *cmd;
	struct domain_info domain; /* the target when cmd->target is CMD_DOMAIN */
	const char *const *values; /* one per cmd->args row; NULL = not given; flags: "" */
	bool json;                 /* --json */
	bool quiet;                /* -q: results only, no "Domain 'x' started", no table headings */
	FILE *out;                 /* results */
	FILE *msg;                 /* warnings and notes: not errors, which go to @err */
	bool tty;                  /* out is a terminal of a person */
};

struct cmd {
	const char *name;    /* "domain-destroy": unique; the row is sorted by it */
	const char *alias;   /* virsh's word: "destroy"; NULL when there is none */
	const char *summary; /* one line, no full stop */
	const char *about;   /* sentences for "help VERB"; NULL: the summary is enough */
	enum cmd_target target;
	unsigned states;            /* enum domain_state bits in which it makes sense; 0 = any */
	unsigned flags;             /* enum cmd_flags */
	const struct cmd_arg *args; /* ends with a row without name; NULL = none */
	const char *lacks; /* options of virsh that we do not have, refused by name: "autodestroy nvram" */
	/* What the shell may offer as value of an argument: the @i-th word, NULL behind the last. NULL:
	 * nothing is known. */
	const char *(*words)(const struct cmd_arg *, unsigned i);
	/* 0 = done; -errno with @e filled. */
	int (*exec)(struct cmd_ctx *, struct err *e);
};

extern const struct cmd *const cmds[]; /* sorted by name, NULL at the end */

/* By name or alias; NULL. *near (may be NULL): the closest name when there is none, or NULL. */
const struct cmd *cmd_find(const char *word, const char **near);

/* The value of option or position @name; NULL when not given. */
const char *cmd_value(const struct cmd_ctx *c, const char *name);
bool cmd_flag(const struct cmd_ctx *c, const char *name);

/* The extra sentence of success, on c->out unless -q: "Domain 'web1' started". */
void cmd_done(const struct cmd_ctx *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Print @j (taken) on c->out, indented. */
void cmd_json(const struct cmd_ctx *c, json_t *j);
/* The word that people type: the alias, or the name. */
const char *cmd_word(const struct cmd *cmd);

/* Resolve @key to c->domain and check that cmd->states allows the verb now; the error names the state and
 * what would. For CMD_HOST verbs @key is not looked at. */
int cmd_target(struct cmd_ctx *c, const char *key, struct err *e);

/* Run the verb for the deck, without options: target by uuid. Text that it prints is returned in *out (caller
 * frees); what a CMD_TTY verb has to ask or to warn of goes to stderr, while it has the terminal. */
int cmd_run(struct backend *b, const struct cmd *cmd, const char *uuid, char **out, struct err *e);

#endif
