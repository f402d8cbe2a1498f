/* Candidates for the shell's completion, from the same tables that the parser reads. */
#include <string.h>

#include "src/base/cleanup.h"
#include "src/base/str.h"
#include "ui/cli/cli.h"

static void offer(FILE *out, const char *word, const char *typed, const char *before)
{
	if (str_starts(word, typed))
		fprintf(out, "%s%s\n", before, word);
}

static void verbs(FILE *out, const char *typed)
{
	for (const struct cmd *const *c = cmds; *c; c++) {
		if ((*c)->flags & CMD_HIDDEN)
			continue;
		offer(out, cmd_word(*c), typed, "");
		if ((*c)->alias && strchr(typed, '-')) /* long names only to those who began one */
			offer(out, (*c)->name, typed, "");
	}
}

static void domains(const struct cli *cli, const struct cmd *cmd, FILE *out, const char *typed)
{
	struct backend *b = cli->open(NULL);
	if (!b)
		return;
	AUTO_FREE struct domain_info *list = NULL;
	size_t n = 0;
	if (!b->ops->domain_list(b, &list, &n, NULL))
		for (size_t i = 0; i < n; i++)
			if (!cmd->states || cmd->states & list[i].state)
				offer(out, list[i].name, typed, "");
	b->ops->close(b);
}

static void options(FILE *out, const struct cmd *cmd, const char *typed)
{
	typed += strspn(typed, "-");
	if (cmd->target == CMD_DOMAIN)
		offer(out, "domain", typed, "--");
	for (const struct cmd_arg *a = cmd->args; a && a->name; a++)
		offer(out, a->name, typed, "--");
	if (cmd->flags & CMD_JSON)
		offer(out, "json", typed, "--");
	offer(out, "help", typed, "--");
}

static const struct cmd_arg *arg_named(const struct cmd *cmd, const char *name)
{
	for (const struct cmd_arg *a = cmd->args; a && a->name; a++)
		if (str_eq(a->name, name))
			return a;
	return NULL;
}

/* How many words among @words are neither options nor their values. */
static unsigned positions(const struct cmd *cmd, char *const *words, int n)
{
	unsigned found = 0;
	for (int i = 0; i < n; i++) {
		if (!str_starts(words[i], "--")) {
			found++;
			continue;
		}
		const struct cmd_arg *a = arg_named(cmd, words[i] + 2);
		bool value = str_eq(words[i], "--domain") || (a && a->kind != ARG_FLAG);
		i += value && !strchr(words[i], '=');
	}
	return found;
}

/* The argument that the word behind @found positions is for; NULL. */
static const struct cmd_arg *arg_at(const struct cmd *cmd, unsigned found)
{
	found -= cmd->target == CMD_DOMAIN;
	for (const struct cmd_arg *a = cmd->args; a && a->name; a++)
		if (a->position && (a->rest || !found--))
			return a;
	return NULL;
}

static void values(const struct cmd *cmd, const struct cmd_arg *a, FILE *out, const char *typed)
{
	const char *word;
	for (unsigned i = 0; a && cmd->words && (word = cmd->words(a, i)); i++)
		offer(out, word, typed, "");
}

void cli_complete(const struct cli *cli, char *const *words, int n, FILE *out)
{
	while (n > 1 && words[0][0] == '-') { /* -q, -d */
		words++;
		n--;
	}
	const char *typed = n > 0 ? words[n - 1] : "";
	if (n <= 1) {
		verbs(out, typed);
		return;
	}
	const struct cmd *cmd = cmd_find(words[0], NULL);
	if (!cmd)
		return;
	const char *before = words[n - 2];
	if (str_eq(typed, "=") || str_eq(before, "=")) { /* bash splits --domain=web at the '=' */
		before = words[n - (str_eq(typed, "=") ? 2 : 3)];
		typed = str_eq(typed, "=") ? "" : typed;
	}
	const struct cmd_arg *option = str_starts(before, "--") ? arg_named(cmd, before + 2) : NULL;
	bool list = arg_named(cmd, "domain") != NULL;
	if (typed[0] == '-')
		options(out, cmd, typed);
	else if (str_eq(before, "--domain"))
		domains(cli, cmd, out, typed);
	else if (option && option->kind != ARG_FLAG)
		values(cmd, option, out, typed);
	else if (str_eq(cmd->name, "help"))
		verbs(out, typed);
	else if (list || (cmd->target == CMD_DOMAIN && !positions(cmd, words + 1, n - 2)))
		domains(cli, cmd, out, typed);
	else
		values(cmd, arg_at(cmd, positions(cmd, words + 1, n - 2)), out, typed);
}
