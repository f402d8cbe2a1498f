/* argv -> verb -> exit status. */
#include "ui/cli/cli.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "src/base/cleanup.h"
#include "src/base/str.h"
#include "src/base/version.h"

struct globals {
	bool quiet, help, version, readonly, timing;
	const char *escape; /* for the verbs that have --escape */
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
	      "  -c, --connect URI  only this host: qemu:///system, qemu:///session\n"
	      "  -d, --debug        say on standard error what is being done\n"
	      "  -e, --escape CHAR  of the console: ^]\n"
	      "  -h, --help         this\n"
	      "  -q, --quiet        results only: no confirmations, no table headings\n"
	      "  -r, --readonly     only verbs that change nothing\n"
	      "  -t, --timing       say how long it took\n"
	      "  -v, --version      vmdeck's version\n\n",
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
	if (g->readonly && (!(cmd->flags & CMD_QUIET) || cmd->flags & CMD_TTY))
		return err_set(e, EPERM, "operation forbidden: read only access prevents '%s'", cmd_word(cmd));
	int rc = cli_parse(cmd, argv + 1, &w, e);
	for (unsigned i = 0; !rc && g->escape && i < w.n; i++)
		if (str_eq(cmd->args[i].name, "escape") && !w.values[i])
			w.values[i] = g->escape;
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

static int run_timed(const struct cli *cli, const struct globals *g, char *const *argv, struct err *e)
{
	struct timespec from, to;
	clock_gettime(CLOCK_MONOTONIC, &from);
	int rc = run_verb(cli, g, argv, e);
	clock_gettime(CLOCK_MONOTONIC, &to);
	if (g->timing)
		fprintf(out_of(cli), "\n(Time: %.3f ms)\n\n",
			(double)(to.tv_sec - from.tv_sec) * 1e3 + (double)(to.tv_nsec - from.tv_nsec) / 1e6);
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

/* The connections of virsh that are this host. */
static int check_uri(const char *uri, struct err *e)
{
	static const char *const ours[] = {"qemu:///system", "qemu:///session", "qemu:///", "qemu+unix:///system",
					   "qemu+unix:///session", "vmdeck:///", "vmdeck:///system", ""};
	char show[128];
	for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
		if (str_eq(uri, ours[i]))
			return 0;
	return err_set(e, EINVAL,
		       "cannot connect to '%s': vmdeck works on its own host (qemu:///system, qemu:///session); run it "
		       "there through ssh",
		       str_printable(uri, show, sizeof(show)));
}

static int take_global(struct globals *g, int option, char *const *argv, struct err *e)
{
	uint64_t n;
	switch (option) {
	case 'q':
		g->quiet = true;
		return 0;
	case 'h':
		g->help = true;
		return 0;
	case 'v':
	case 'V':
		g->version = true;
		return 0;
	case 'r':
		g->readonly = true;
		return 0;
	case 't':
		g->timing = true;
		return 0;
	case 'e':
		g->escape = optarg;
		return 0;
	case 'd': /* virsh's wants a level */
		setenv("VMDECK_TRACE", "all", 1);
		optind += !optarg && argv[optind] && str_u64(argv[optind], &n);
		return 0;
	case 'c':
		return check_uri(optarg, e);
	case 'k':
	case 'K':
	case 'l':
	case 'P':
		return 0; /* of a connection, and a log file: there is none */
	case ':':
		return err_set(e, EINVAL, "option '%s' requires an argument", argv[optind - 1]);
	}
	if (optopt)
		return err_set(e, EINVAL, "unsupported option '-%c'. See --help.", optopt);
	return err_set(e, EINVAL, "unsupported option '%s'. See --help.", argv[optind - 1]);
}

/* The options before the verb, as virsh has them. Return: how many words they are, with the program's name, or
 * -errno. */
static int parse_globals(int argc, char *const *argv, struct globals *g, struct err *e)
{
	static const struct option longs[] = {
		{"connect", required_argument, NULL, 'c'},
		{"debug", optional_argument, NULL, 'd'},
		{"escape", required_argument, NULL, 'e'},
		{"help", no_argument, NULL, 'h'},
		{"keepalive-count", required_argument, NULL, 'K'},
		{"keepalive-interval", required_argument, NULL, 'k'},
		{"log", required_argument, NULL, 'l'},
		{"no-pkttyagent", no_argument, NULL, 'P'},
		{"quiet", no_argument, NULL, 'q'},
		{"readonly", no_argument, NULL, 'r'},
		{"timing", no_argument, NULL, 't'},
		{"version", optional_argument, NULL, 'v'},
		{0},
	};
	int option, rc = 0;
	optind = 0; /* glibc: begin anew */
	opterr = 0;
	while (!rc && (option = getopt_long(argc, argv, "+:c:d::e:hk:K:l:qrtv::V::", longs, NULL)) != -1)
		rc = take_global(g, option, argv, e);
	return rc ? rc : optind;
}

int cli_main(const struct cli *cli, int argc, char *const *argv)
{
	struct err e = {0};
	struct globals g = {0};
	if (argc == 5 && str_eq(argv[1], "complete") && str_eq(argv[2], "--line")) {
		cli_complete_line(cli, argv[3], argv[4], out_of(cli));
		return 0;
	}
	if (argc > 1 && str_eq(argv[1], "complete")) {
		bool dashes = argc > 2 && str_eq(argv[2], "--");
		cli_complete(cli, argv + 2 + dashes, argc - 2 - dashes, out_of(cli));
		return 0;
	}
	int n = parse_globals(argc, argv, &g, &e), rc = n < 0 ? n : 0;
	char *const *rest = argv + (n > 0 ? n : 0);
	if (rc)
		return fail(cli, &e);
	if (g.version)
		fprintf(out_of(cli), "%s\n", VMDECK_VERSION);
	else if (g.help) {
		usage(out_of(cli));
		rc = show_help(cli, rest[0], &e);
	} else
		rc = rest[0] ? run_timed(cli, &g, rest, &e) : run_deck(cli, &e);
	return rc ? fail(cli, &e) : 0;
}
