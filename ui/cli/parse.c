/* The words behind a verb, against the table of its arguments. */
#include <errno.h>
#include <string.h>

#include "src/base/cleanup.h"
#include "src/base/str.h"
#include "ui/cli/cli.h"

static unsigned arg_count(const struct cmd *cmd)
{
	unsigned n = 0;
	while (cmd->args && cmd->args[n].name)
		n++;
	return n;
}

/* Is @name one of the space-separated @words? */
static bool listed(const char *words, const char *name)
{
	size_t n = strlen(name);
	for (const char *p = words; p && *p; p += strcspn(p, " "), p += *p == ' ')
		if (strcspn(p, " ") == n && !strncmp(p, name, n))
			return true;
	return false;
}

static int unknown_option(const struct cmd *cmd, const char *name, struct err *e)
{
	if (listed(cmd->lacks, name))
		return err_set(e, EINVAL,
			       "command '%s' doesn't support option --%s: virsh has it, vmdeck does not; "
			       "nothing was done",
			       cmd_word(cmd), name);
	const char *near = NULL;
	unsigned best = 4;
	for (unsigned i = 0; i < arg_count(cmd); i++) {
		unsigned d = str_distance(cmd->args[i].name, name);
		if (d < best && d < strlen(name)) {
			near = cmd->args[i].name;
			best = d;
		}
	}
	return err_set(e, EINVAL, "command '%s' doesn't support option --%s%s%s%s", cmd_word(cmd), name,
		       near ? "; did you mean --" : "; see: vmdeck help ", near ? near : cmd_word(cmd),
		       near ? "?" : "");
}

/* Does one of the space-separated @words begin with @name? */
static bool begins_one(const char *words, const char *name)
{
	bool found = false;
	for (const char *p = words; p && *p && !found; p += strcspn(p, " "), p += *p == ' ')
		found = str_starts(p, name);
	return found;
}

/* The only row of which a name begins with @name; NULL. */
static const struct cmd_arg *begun_row(const struct cmd *cmd, const char *name)
{
	const struct cmd_arg *found = NULL;
	for (unsigned i = 0; i < arg_count(cmd); i++)
		if (str_starts(cmd->args[i].name, name) || begins_one(cmd->args[i].aka, name)) {
			if (found)
				return NULL;
			found = &cmd->args[i];
		}
	return found;
}

const struct cmd_arg *cli_row(const struct cmd *cmd, const char *name)
{
	for (unsigned i = 0; i < arg_count(cmd); i++)
		if (str_eq(cmd->args[i].name, name) || (*name && listed(cmd->args[i].aka, name)))
			return &cmd->args[i];
	return cmd->flags & CMD_ABBREV && name[0] && name[1] ? begun_row(cmd, name) : NULL;
}

/* Append one word to a row that takes all the rest, or that may be given again. */
static void add_rest(struct cli_words *w, unsigned i, const char *word)
{
	char *old = w->joined[i];
	w->joined[i] = old ? x_asprintf("%s\n%s", old, word) : x_strdup(word);
	w->values[i] = w->joined[i];
	free(old);
}

/* A word that is no option: the domain first, then the positions in their order. */
static int take_word(const struct cmd *cmd, struct cli_words *w, const char *word, struct err *e)
{
	if (cmd->target == CMD_DOMAIN && !w->key) {
		w->key = word;
		return 0;
	}
	for (unsigned i = 0; i < arg_count(cmd); i++) {
		const struct cmd_arg *a = &cmd->args[i];
		if (!a->position || (w->values[i] && !a->rest))
			continue;
		if (a->rest)
			add_rest(w, i, word);
		else
			w->values[i] = word;
		return 0;
	}
	return err_set(e, EINVAL, "unexpected data '%s'", word);
}

/* The value of row @a behind "=" (@eq), or the next word; NULL: there is none. *used = words taken. */
static const char *option_value(const struct cmd_arg *a, const char *eq, char *const *argv, int *used)
{
	const char *next = argv[1];
	if (eq)
		return eq + 1;
	if (a->optional && (!next || (*next == '-' && (next[1] < '0' || next[1] > '9'))))
		return "";
	*used += next != NULL;
	return next;
}

/* One option that stands in the table as row @a. */
static int take_row(const struct cmd *cmd, struct cli_words *w, const struct cmd_arg *a, const char *eq,
		    char *const *argv, int *used, struct err *e)
{
	unsigned i = (unsigned)(a - cmd->args);
	uint64_t n;
	if (w->values[i] && !a->rest && !a->many)
		return err_set(e, EINVAL, "option --%s was already given", a->name);
	if (a->kind == ARG_FLAG) {
		w->values[i] = "";
		return eq ? err_set(e, EINVAL, "invalid '=' after option --%s", a->name) : 0;
	}
	const char *value = option_value(a, eq, argv, used);
	if (!value)
		return err_set(e, EINVAL, "expected syntax: --%s <%s>", a->name,
			       a->kind == ARG_NUMBER ? "number" : "string");
	if (a->kind == ARG_NUMBER && !str_u64(value, &n))
		return err_set(e, EINVAL, "Numeric value '%s' for <%s> option is malformed or out of range",
			       value, a->name);
	if (a->many && strchr(value, '\n'))
		return err_set(e, EINVAL, "option --%s: its value is one line", a->name);
	if (a->rest || a->many)
		add_rest(w, i, value);
	else
		w->values[i] = value;
	return 0;
}

/* --name, --name=VALUE or --name VALUE; *used = words taken. */
static int take_option(const struct cmd *cmd, struct cli_words *w, char *const *argv, int *used,
		       struct err *e)
{
	const char *text = argv[0] + 2, *eq = strchr(text, '=');
	AUTO_FREE char *name = eq ? x_strndup(text, (size_t)(eq - text)) : x_strdup(text);
	if (str_eq(name, "help") && !eq) {
		w->help = true;
		return 0;
	}
	if (str_eq(name, "json") && cmd->flags & CMD_JSON && !eq) {
		w->json = true;
		return 0;
	}
	const struct cmd_arg *a = cli_row(cmd, name);
	if (a)
		return take_row(cmd, w, a, eq, argv, used, e);
	if (!str_eq(name, "domain") || cmd->target != CMD_DOMAIN)
		return unknown_option(cmd, name, e);
	if (w->key)
		return err_set(e, EINVAL, "option --domain was already given");
	w->key = eq ? eq + 1 : argv[1];
	*used += !eq;
	return w->key ? 0 : err_set(e, EINVAL, "expected syntax: --domain <string>");
}

/* -x VALUE, -xVALUE, or -x alone. */
static int take_letter(const struct cmd *cmd, struct cli_words *w, char *const *argv, int *used,
		       struct err *e)
{
	const char letter[] = {argv[0][1], 0}, *rest = argv[0] + 2;
	const struct cmd_arg *a = cli_row(cmd, letter);
	if (a && *rest && a->kind != ARG_FLAG)
		return take_row(cmd, w, a, *rest == '=' ? rest : rest - 1, argv, used, e);
	if (a && !*rest)
		return take_row(cmd, w, a, NULL, argv, used, e);
	return err_set(e, EINVAL, "command '%s' doesn't support option %s; see: vmdeck help %s",
		       cmd_word(cmd), *argv, cmd_word(cmd));
}

static int missing(const struct cmd *cmd, const struct cli_words *w, struct err *e)
{
	const char *name = cmd->target == CMD_DOMAIN && !w->key ? "domain" : NULL;
	for (unsigned i = 0; !name && i < arg_count(cmd); i++)
		if (cmd->args[i].required && !w->values[i])
			name = cmd->args[i].name;
	return name ? err_set(e, EINVAL, "command '%s' requires <%s> option", cmd_word(cmd), name) : 0;
}

int cli_parse(const struct cmd *cmd, char *const *argv, struct cli_words *w, struct err *e)
{
	bool options = true;
	*w = (struct cli_words){.values = x_calloc(arg_count(cmd) + 1, sizeof(char *)),
				.joined = x_calloc(arg_count(cmd) + 1, sizeof(char *)),
				.n = arg_count(cmd)};
	for (int used; *argv; argv += used) {
		used = 1;
		int rc;
		if (options && str_eq(*argv, "--")) {
			options = false;
			rc = 0;
		} else if (options && str_starts(*argv, "--"))
			rc = take_option(cmd, w, argv, &used, e);
		else if (options && (*argv)[0] == '-' && (*argv)[1])
			rc = take_letter(cmd, w, argv, &used, e);
		else
			rc = take_word(cmd, w, *argv, e);
		if (rc || w->help)
			return rc;
	}
	return missing(cmd, w, e);
}

void cli_words_done(struct cli_words *w)
{
	for (unsigned i = 0; i < w->n; i++)
		free(w->joined[i]);
	free(w->values);
	free(w->joined);
	*w = (struct cli_words){0};
}
