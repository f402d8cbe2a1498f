/* The command line: a verb and its words, from argv to the exit status. */
#ifndef UI_CLI_CLI_H
#define UI_CLI_CLI_H

#include <stdio.h>

#include "src/backend.h"
#include "src/cmd/cmd.h"

struct cli {
	/* Opens the host, when a verb needs it. NULL with @e filled. */
	struct backend *(*open)(struct err *e);
	/* The deck; NULL: there is none, and the help is shown. 0 or -errno. */
	int (*deck)(struct backend *, struct err *e);
	FILE *out, *msg; /* NULL: standard output and standard error */
};

/* All of the program. Return: exit status: 0, or 1 when something failed (as virsh). */
int cli_main(const struct cli *cli, int argc, char *const *argv);

/* What was typed behind a verb, sorted out. */
struct cli_words {
	const char *key;     /* the domain, for verbs that have one */
	const char **values; /* one per cmd->args row */
	char **joined;       /* texts made for rows with rest; as long as values */
	unsigned n;          /* rows */
	bool json, help;
};

/* Sort out @argv (ended by NULL) against the verb's table. -EINVAL with @e naming the word and what is
 * wanted.
 * @w is to be given to cli_words_done() in any case. */
int cli_parse(const struct cmd *cmd, char *const *argv, struct cli_words *w, struct err *e);
void cli_words_done(struct cli_words *w);
/* The row of option @name (without "--"), by its name or another of them; NULL. */
const struct cmd_arg *cli_row(const struct cmd *cmd, const char *name);

/* Candidates for the last of @words, a line each, for the shell's completion. @words begins with the verb. */
void cli_complete(const struct cli *cli, char *const *words, int n, FILE *out);
/* The same for a line of bash's up to the cursor, @breaks its COMP_WORDBREAKS: each as what the shell puts in place
 * of what it replaces, quoted. (line.c) */
void cli_complete_line(const struct cli *cli, const char *text, const char *breaks, FILE *out);

#endif
