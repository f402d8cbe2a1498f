/* help: from the table alone. */
#include <errno.h>
#include <string.h>

#include "src/base/cleanup.h"
#include "src/base/str.h"
#include "src/cmd/rows.h"

#define SYNOPSIS_MAX 16 /* options that are listed in one line */

static const struct {
	const char *noun; /* the part of the name before the first '-' */
	const char *heading;
} nouns[] = {
	{"domain", "Domain Management"},
	{"host", "Host and Hypervisor"},
	{"help", "vmdeck itself"},
};

static bool of_noun(const struct cmd *cmd, const char *noun)
{
	size_t n = strlen(noun);
	return str_starts(cmd->name, noun) && (!cmd->name[n] || cmd->name[n] == '-');
}

static int by_word(const void *a, const void *b)
{
	return strcmp(cmd_word(*(const struct cmd *const *)a), cmd_word(*(const struct cmd *const *)b));
}

static void help_group(FILE *out, unsigned noun)
{
	const struct cmd *list[128] = {0};
	size_t n = 0;
	for (const struct cmd *const *c = cmds; *c && n < ARRAY_SIZE(list); c++)
		if (of_noun(*c, nouns[noun].noun) && !((*c)->flags & CMD_HIDDEN))
			list[n++] = *c;
	qsort(list, n, sizeof(*list), by_word);
	fprintf(out, " %s (help keyword '%s'):\n", nouns[noun].heading, nouns[noun].noun);
	for (size_t i = 0; i < n; i++)
		fprintf(out, "    %-30s %s\n", cmd_word(list[i]), list[i]->summary);
	fputc('\n', out);
}

static const struct cmd_arg domain_arg = CMD_WORD("domain", ARG_STRING, true, "domain name, id or uuid");
static const struct cmd_arg json_arg = CMD_FLAG("json", "the same as JSON, keys as in vmdeck(1)");

static const char *kind_text(const struct cmd_arg *a)
{
	return a->kind == ARG_FLAG ? "" : a->kind == ARG_NUMBER ? " <number>" : " <string>";
}

static void synopsis(FILE *out, const struct cmd_arg *a)
{
	const char *dots = a->rest || a->many ? "..." : "";
	if (a->position)
		fprintf(out, a->required ? " <%s>%s" : " [<%s>]%s", a->name, dots);
	else
		fprintf(out, a->required ? " --%s%s%s" : " [--%s%s]%s", a->name, kind_text(a), dots);
}

/* ", --ram, -r" */
static char *other_names(const struct cmd_arg *a)
{
	struct buf b = {0};
	for (const char *p = a->aka; p && *p; p += strcspn(p, " "), p += *p == ' ') {
		int n = (int)strcspn(p, " ");
		buf_printf(&b, ", -%s%.*s", n > 1 ? "-" : "", n, p);
	}
	return buf_take(&b);
}

static void option(FILE *out, const struct cmd_arg *a)
{
	char left[64];
	AUTO_FREE char *others = other_names(a);
	snprintf(left, sizeof(left), a->position ? "[--%s]%s%s" : "--%s%s%s", a->name, others, kind_text(a));
	fprintf(out, "    %-15s  %s\n", left, a->summary);
}

/* Call @show for the target, the options and --json, as far as the verb has them. */
static void each_arg(FILE *out, const struct cmd *cmd, void (*show)(FILE *, const struct cmd_arg *))
{
	if (cmd->target == CMD_DOMAIN)
		show(out, &domain_arg);
	for (const struct cmd_arg *a = cmd->args; a && a->name; a++)
		if (!a->lacks)
			show(out, a);
	if (cmd->flags & CMD_JSON)
		show(out, &json_arg);
}

static void wrapped(FILE *out, const char *text)
{
	const size_t width = 72;
	while (*text) {
		size_t n = strlen(text);
		if (n > width)
			for (n = width; n && text[n] != ' '; n--)
				;
		if (!n)
			n = strcspn(text, " ");
		fprintf(out, "    %.*s\n", (int)n, text);
		text += n;
		text += *text == ' ';
	}
}

static void help_verb(FILE *out, const struct cmd *cmd)
{
	fprintf(out, "  NAME\n    %s - %s\n\n  SYNOPSIS\n    %s", cmd_word(cmd), cmd->summary, cmd_word(cmd));
	unsigned n = 0;
	while (cmd->args && cmd->args[n].name)
		n++;
	if (n > SYNOPSIS_MAX)
		fputs(" [OPTION]...", out);
	else
		each_arg(out, cmd, synopsis);
	fputc('\n', out);
	if (cmd->about) {
		fprintf(out, "\n  DESCRIPTION\n");
		wrapped(out, cmd->about);
	}
	if (cmd->alias)
		fprintf(out, "\n  OTHER NAME\n    %s\n", cmd->name);
	if (cmd->target == CMD_DOMAIN || cmd->args || cmd->flags & CMD_JSON) {
		fprintf(out, "\n  OPTIONS\n");
		each_arg(out, cmd, option);
	}
	fputc('\n', out);
}

static int help_exec(struct cmd_ctx *c, struct err *e)
{
	const char *word = cmd_value(c, "command"), *near = NULL;
	if (!word) {
		fprintf(c->out, "Grouped commands:\n\n");
		for (unsigned i = 0; i < ARRAY_SIZE(nouns); i++)
			help_group(c->out, i);
		return 0;
	}
	const struct cmd *cmd = cmd_find(word, &near);
	for (unsigned i = 0; !cmd && i < ARRAY_SIZE(nouns); i++)
		if (str_eq(nouns[i].noun, word)) {
			help_group(c->out, i);
			return 0;
		}
	if (!cmd)
		return err_set(e, ENOENT, "command or command group '%s' doesn't exist%s%s%s", word,
			       near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	help_verb(c->out, cmd);
	return 0;
}

const struct cmd cmd_help = {
	.name = "help",
	.summary = "print help",
	.about = "Prints global help, command specific help, or help for a group of related commands.",
	.flags = CMD_QUIET | CMD_OFFLINE,
	.args =
		(const struct cmd_arg[]){
			CMD_WORD("command", ARG_STRING, false,
			 "Prints global help, command specific help, or help for a group"),
			{0},
		},
	.exec = help_exec,
};
