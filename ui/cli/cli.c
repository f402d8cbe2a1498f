/* argv -> verb -> exit status. */
#include "ui/cli/cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/base/cleanup.h"
#include "src/base/str.h"
#include "src/base/version.h"

struct globals {
	bool quiet, help, version;
};

static FILE *out_of(const struct cli *cli)
{
	return cli->out ? cli->out : stdout;
}

static FILE *msg_of(const struct cli *cli)
{
	return cli->msg ? cli->msg : stderr;
}

static int fail(const struct cli *cli, const struct err *e)
{
	char text[sizeof(e->msg) * 2];
	fflush(out_of(cli));
	fprintf(msg_of(cli), "error: %s\n", str_printable(e->msg, text, sizeof(text)));
	return 1;
}

static void usage(FILE *out)
{
	fputs("vmdeck [OPTION]... [VERB [WORD]...]\n\n"
	      "Without a verb: the deck. Verbs have virsh's names, options and output.\n\n"
	      "  -q, --quiet    results only: no confirmations, no table headings\n"
	      "  -d, --debug    say on standard error what is being done\n"
	      "  -h, --help     this\n"
	      "  -v, --version  vmdeck's version\n\n",
	      out);
}

/* Run @cmd on an open host (NULL for CMD_OFFLINE verbs). */
static int exec_verb(const struct cli *cli, struct backend *b, const struct cmd *cmd,
		     const struct cli_words *w, bool quiet, struct err *e)
{
	struct cmd_ctx c = {
		.backend = b,
		.cmd = cmd,
		.values = w->values,
		.json = w->json,
		.quiet = quiet,
		.out = out_of(cli),
		.msg = msg_of(cli),
		.tty = !cli->out && isatty(STDOUT_FILENO),
	};
	int rc = cmd_target(&c, w->key, e);
	if (!rc)
		rc = cmd->exec(&c, e);
	if (fflush(c.out) && !rc)
		rc = err_sys(e, errno, "cannot write the output");
	return rc;
}

static int show_help(const struct cli *cli, const char *word, struct err *e)
{
	const char *values[] = {word, NULL};
	struct cli_words w = {.values = values};
	return exec_verb(cli, NULL, cmd_find("help", NULL), &w, false, e);
}

static int run_verb(const struct cli *cli, const struct globals *g, char *const *argv, struct err *e)
{
	const char *near = NULL;
	const struct cmd *cmd = cmd_find(argv[0], &near);
	if (!cmd)
		return err_set(e, EINVAL, "unknown command: '%s'%s%s%s", argv[0],
			       near ? "; did you mean '" : "", near ? near : "; vmdeck help lists them all",
			       near ? "'?" : "");
	struct cli_words w;
	int rc = cli_parse(cmd, argv + 1, &w, e);
	if (!rc && w.help)
		rc = show_help(cli, cmd->name, e);
	else if (!rc) {
		struct backend *b = cmd->flags & CMD_OFFLINE ? NULL : cli->open(e);
		if (!b && !(cmd->flags & CMD_OFFLINE))
			rc = -(e->code ? e->code : EIO);
		if (!rc)
			rc = exec_verb(cli, b, cmd, &w, g->quiet, e);
		if (b)
			b->ops->close(b);
	}
	cli_words_done(&w);
	return rc;
}

static int run_deck(const struct cli *cli, struct err *e)
{
	if (!cli->deck) {
		usage(out_of(cli));
		return show_help(cli, NULL, e);
	}
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return err_set(e, ENOTTY,
			       "the deck wants a terminal; vmdeck help lists the verbs for scripts");
	struct backend *b = cli->open(e);
	if (!b)
		return -(e->code ? e->code : EIO);
	int rc = cli->deck(b, e);
	b->ops->close(b);
	return rc;
}

/* The options before the verb. Return: how many words they are, or -errno. */
static int parse_globals(char *const *argv, struct globals *g, struct err *e)
{
	int i = 0;
	uint64_t level;
	for (; argv[i] && argv[i][0] == '-'; i++) {
		const char *s = argv[i];
		if (str_eq(s, "-q") || str_eq(s, "--quiet"))
			g->quiet = true;
		else if (str_eq(s, "-h") || str_eq(s, "--help"))
			g->help = true;
		else if (str_eq(s, "-v") || str_eq(s, "-V") || str_starts(s, "--version"))
			g->version = true;
		else if (str_eq(s, "-d") || str_starts(s, "--debug")) {
			setenv("VMDECK_TRACE", "all", 1);
			i += argv[i + 1] && str_u64(argv[i + 1], &level); /* virsh's -d wants a level */
		} else if (str_starts(s, "-c") || str_starts(s, "--connect"))
			return err_set(e, EINVAL,
				       "option %s is not supported: vmdeck works on its own host; run it "
				       "there through ssh",
				       s);
		else
			return err_set(e, EINVAL, "unsupported option '%s'. See --help.", s);
	}
	return i;
}

int cli_main(const struct cli *cli, int argc, char *const *argv)
{
	struct err e = {0};
	struct globals g = {0};
	if (argc > 1 && str_eq(argv[1], "complete")) {
		bool dashes = argc > 2 && str_eq(argv[2], "--");
		cli_complete(cli, argv + 2 + dashes, argc - 2 - dashes, out_of(cli));
		return 0;
	}
	int n = parse_globals(argv + 1, &g, &e), rc = n < 0 ? n : 0;
	char *const *rest = argv + 1 + (n > 0 ? n : 0);
	if (rc)
		return fail(cli, &e);
	if (g.version)
		fprintf(out_of(cli), "%s\n", VMDECK_VERSION);
	else if (g.help) {
		usage(out_of(cli));
		rc = show_help(cli, rest[0], &e);
	} else
		rc = rest[0] ? run_verb(cli, &g, rest, &e) : run_deck(cli, &e);
	return rc ? fail(cli, &e) : 0;
}
