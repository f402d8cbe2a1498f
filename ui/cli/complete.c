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
		if (!a->lacks)
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

/* --- values with sub-options --- */

/* The option whose value is being typed, when it has sub-options, and *value: what of it there is. bash
 * splits at each "=": what belongs together is put together again. */
static const struct cmd_arg *option_with_subs(const struct cmd *cmd, char *const *words, int n, char **value)
{
	int first = n - 1;
	while (first > 1 && (str_eq(words[first], "=") || str_eq(words[first - 1], "=")))
		first--;
	AUTO_BUF struct buf all = {0};
	for (int i = first; i < n; i++)
		buf_puts(&all, words[i]);
	const char *text = buf_text(&all), *eq = strchr(text, '=');
	AUTO_FREE char *name = NULL;
	if (str_starts(text, "--") && eq) {
		name = x_strndup(text + 2, (size_t)(eq - text) - 2);
		text = eq + 1;
	} else if (*text != '-' && first > 1 && words[first - 1][0] == '-') {
		name = x_strdup(words[first - 1] + 1 + (words[first - 1][1] == '-'));
	}
	const struct cmd_arg *a = name ? cli_row(cmd, name) : NULL;
	if (!a || !a->subs || a->lacks)
		return NULL;
	*value = x_strdup(text);
	return a;
}

/* The words of "a|b|c". */
static void choices(FILE *out, const char *list, const char *typed, const char *before)
{
	for (const char *p = list; p && *p; p += strcspn(p, "|"), p += *p == '|') {
		AUTO_FREE char *word = x_strndup(p, strcspn(p, "|"));
		offer(out, word, typed, before);
	}
}

static void sub_value(FILE *out, const struct cmd_sub *s, const char *typed, const char *before)
{
	choices(out, s->kind == SUB_BOOL ? "yes|no" : s->values, typed, before);
}

/* : the word that the shell replaces; what stands in it before the part that is typed stays. */
static void subs(const struct cmd *cmd, const struct cmd_arg *a, FILE *out, const char *value,
		 const char *last)
{
	const char *comma = strrchr(value, ','), *part = comma ? comma + 1 : value, *eq = strchr(part, '=');
	const char *typed = eq ? eq + 1 : part;
	size_t keep = strlen(last) > strlen(typed) && !str_eq(last, "=") ? strlen(last) - strlen(typed) : 0;
	AUTO_FREE char *before = x_strndup(last, keep);
	for (const struct cmd_sub *s = a->subs; s->name; s++) {
		AUTO_FREE char *assign = x_asprintf("%s=", s->name);
		if (s->lacks)
			continue;
		if (eq && !strncmp(part, assign, strlen(assign)))
			sub_value(out, s, typed, before);
		else if (!eq)
			offer(out, s->kind == SUB_BOOL ? s->name : assign, typed, before);
	}
	if (!eq && !comma) /* the first may be a value alone */
		sub_value(out, &(struct cmd_sub){.kind = SUB_TEXT, .values = a->subs->values}, typed, before);
	const char *word;
	for (unsigned i = 0; !eq && !comma && cmd->words && (word = cmd->words(a, i)); i++)
		offer(out, word, typed, before);
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
	AUTO_FREE char *value = NULL;
	const struct cmd_arg *with_subs = option_with_subs(cmd, words, n, &value);
	if (with_subs) {
		subs(cmd, with_subs, out, value, typed);
		return;
	}
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
