/* Walks the tables: what is in them is sorted, unique, documented and can be called, so that a new row is
 * tested without a word. Run from the top folder (tests/run does), where the manuals are. */
#include <check.h>
#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "backend/fake/fake.h"
#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/str.h"
#include "src/cmd/cmd.h"
#include "src/model/domain_xml.h"
#include "tests/testlib.h"
#include "ui/cli/cli.h"

#define MAN_PAGE "share/man/vmdeck.1"
#define XML_PAGE "share/man/vmdeck-xml.7"

static char *man;

static void read_man(void)
{
	struct err e;
	ck_assert_msg(!file_read(MAN_PAGE, 1 << 20, &man, NULL, &e), "%s", e.msg);
}

static void drop_man(void)
{
	free(TAKE_PTR(man));
}

START_TEST(verbs_are_sorted_and_each_word_is_one_verb)
{
	for (const struct cmd *const *c = cmds; *c; c++) {
		ck_assert_msg(c == cmds || strcmp(c[-1]->name, (*c)->name) < 0, "%s is not in its place",
			      (*c)->name);
		for (const struct cmd *const *d = cmds; *d; d++) {
			if (c == d)
				continue;
			ck_assert_str_ne((*c)->name, (*d)->name);
			ck_assert_msg(!(*c)->alias || !(*d)->alias || strcmp((*c)->alias, (*d)->alias),
				      "%s twice", (*c)->alias);
			ck_assert_msg(!(*c)->alias || strcmp((*c)->alias, (*d)->name), "%s twice",
				      (*c)->alias);
		}
		ck_assert_ptr_eq(cmd_find((*c)->name, NULL), *c);
		ck_assert(!(*c)->alias || cmd_find((*c)->alias, NULL) == *c);
		ck_assert_str_eq(cmd_word(*c), (*c)->alias ? (*c)->alias : (*c)->name);
	}
}
END_TEST

static void check_sentence(const char *what, const char *s)
{
	ck_assert_msg(s && *s, "%s: no summary", what);
	size_t n = strlen(s);
	ck_assert_msg(s[n - 1] != '.' || (n > 2 && s[n - 2] == '.'), "%s: the summary ends with a full stop",
		      what);
	ck_assert_msg(!strchr(s, '\n') && n <= 80, "%s: the summary is not one line", what);
}

START_TEST(verbs_and_their_options_say_what_they_are)
{
	for (const struct cmd *const *c = cmds; *c; c++) {
		check_sentence((*c)->name, (*c)->summary);
		ck_assert_msg((*c)->exec != NULL, "%s does nothing", (*c)->name);
		ck_assert_msg((*c)->target == CMD_DOMAIN || !(*c)->states, "%s: states without a domain",
			      (*c)->name);
		ck_assert_msg(!((*c)->states & ~(unsigned)DOMAIN_ANY), "%s: unknown states", (*c)->name);
		bool rest = false;
		for (const struct cmd_arg *a = (*c)->args; a && a->name; a++) {
			check_sentence(a->name, a->summary);
			ck_assert_msg(!a->rest || a->position, "%s --%s: rest is for positions", (*c)->name,
				      a->name);
			ck_assert_msg(!(a->position && rest), "%s: %s comes behind the rest", (*c)->name,
				      a->name);
			rest |= a->rest;
			for (const char *p = a->name; *p; p++)
				ck_assert_msg(islower(*p) || isdigit(*p) || *p == '-' || a->lacks, "%s --%s",
					      (*c)->name, a->name);
			for (const struct cmd_arg *b = (*c)->args; b < a; b++)
				ck_assert_msg(strcmp(a->name, b->name), "%s --%s twice", (*c)->name, a->name);
			ck_assert_msg(!(*c)->lacks || !strstr((*c)->lacks, "  "), "%s: lacks has two spaces",
				      (*c)->name);
		}
	}
}
END_TEST

/* The paragraph of a verb in the manual, from its .It line to the next one's; the caller's to free. */
static char *paragraph(const char *word)
{
	AUTO_FREE char *head = x_asprintf("\n.It Cm %s", word);
	for (const char *p = man; (p = strstr(p, head)); p++) {
		const char *end = p + strlen(head);
		if (*end != ' ' && *end != '\n')
			continue;
		const char *next = strstr(end, "\n.It Cm "), *section = strstr(end, "\n.Sh ");
		if (!next || (section && section < next))
			next = section;
		return x_strndup(p, (size_t)(next - p));
	}
	return NULL;
}

/* "Fl -paused", and not as the beginning of a longer option. */
static bool documented(const char *text, const char *macro, const char *name)
{
	AUTO_FREE char *want = x_asprintf("%s%s", macro, name);
	for (const char *p = text; (p = strstr(p, want)); p++) {
		char after = p[strlen(want)];
		if (after == ' ' || after == '\n' || !after)
			return true;
	}
	return false;
}

/* The manual of a verb that has one of its own, or its paragraph; the caller's to free. */
static char *options_text(const char *word)
{
	AUTO_FREE char *path = x_asprintf("share/man/vmdeck-%s.1", word);
	char *text = NULL;
	return file_read(path, 1 << 20, &text, NULL, NULL) ? paragraph(word) : text;
}

static void check_subs(const char *verb, const struct cmd_arg *a, const char *text)
{
	for (const struct cmd_sub *s = a->subs; s && s->name; s++) {
		check_sentence(s->name, s->summary);
		ck_assert_msg(s->lacks || documented(text, "Cm ", s->name), "%s --%s: %s is not documented",
			      verb, a->name, s->name);
		ck_assert_msg((s->kind == SUB_CHOICE) == (s->values != NULL), "--%s %s: values", a->name,
			      s->name);
		for (const struct cmd_sub *o = a->subs; o < s; o++)
			ck_assert_msg(strcmp(o->name, s->name), "--%s %s twice", a->name, s->name);
	}
}

START_TEST(the_manual_has_every_verb_and_option)
{
	for (const struct cmd *const *c = cmds; *c; c++) {
		if ((*c)->flags & CMD_HIDDEN)
			continue;
		AUTO_FREE char *text = paragraph(cmd_word(*c));
		ck_assert_msg(text != NULL, "%s: no '.It Cm %s' in " MAN_PAGE, (*c)->name, cmd_word(*c));
		ck_assert_msg(!(*c)->alias || documented(text, "Cm ", (*c)->name),
			      "%s: the full name is not told", (*c)->name);
		ck_assert_msg(!((*c)->flags & CMD_JSON) || documented(text, "Fl -", "json"), "%s: --json",
			      (*c)->name);
		AUTO_FREE char *page = options_text(cmd_word(*c));
		for (const struct cmd_arg *a = (*c)->args; a && a->name; a++) {
			ck_assert_msg(documented(page, a->position ? "Ar " : "Fl -", a->name),
				      "%s: %s is not documented", (*c)->name, a->name);
			check_subs((*c)->name, a, page);
		}
	}
}
END_TEST

START_TEST(the_manual_has_no_verb_that_is_none)
{
	const char *end = strstr(man, "\n.Sh CONSOLES");
	ck_assert_ptr_nonnull(end);
	for (const char *p = man; (p = strstr(p, "\n.It Cm ")) && p < end; p++) {
		const char *word = p + strlen("\n.It Cm ");
		AUTO_FREE char *verb = x_strndup(word, strcspn(word, " \n"));
		ck_assert_msg(cmd_find(verb, NULL) != NULL, MAN_PAGE " documents '%s'", verb);
	}
}
END_TEST

/* Does @word stand in @text by itself? */
static bool has_word(const char *text, const char *word)
{
	size_t n = strlen(word);
	for (const char *p = text; (p = strstr(p, word)); p++)
		if (!isalnum(p[-1]) && p[-1] != '_' && !isalnum(p[n]) && p[n] != '_')
			return true;
	return false;
}

START_TEST(the_manual_of_xml_has_every_element_and_attribute_with_an_effect)
{
	AUTO_FREE char *text = NULL;
	struct err e;
	ck_assert_msg(!file_read(XML_PAGE, 1 << 20, &text, NULL, &e), "%s", e.msg);
	for (size_t i = 0; i < domain_nrows; i++) {
		const char *path = domain_rows[i].path, *slash = strrchr(path, '/'),
			   *name = slash ? slash + 1 : path;
		if (domain_rows[i].class == ROW_READ || domain_rows[i].class == ROW_MANY)
			ck_assert_msg(has_word(text, name + (*name == '@')), XML_PAGE " has no %s", path);
	}
}
END_TEST

START_TEST(mandoc_finds_nothing_to_complain_about)
{
	if (system("command -v mandoc >/dev/null"))
		test_skip("mandoc is not installed");
	ck_assert_int_eq(system("mandoc -T lint -W warning share/man/*.[1-9]"), 0);
}
END_TEST

static struct backend *open_fake(struct err *e)
{
	return backend_fake_open("domain web1 running\ndomain db shutoff\ndomain old paused\nscreen web1", e);
}

/* Run a verb with words that suit its table, standard input empty; -1 when it cannot be formed. */
static int call(const struct cmd *cmd, const char *word, FILE *out)
{
	char *argv[20];
	int n = 0;
	argv[n++] = (char *)"vmdeck";
	argv[n++] = (char *)word;
	if (cmd->target == CMD_DOMAIN)
		argv[n++] = (char *)(!cmd->states || cmd->states & DOMAIN_RUNNING ? "web1"
				     : cmd->states & DOMAIN_PAUSED                ? "old"
										  : "db");
	for (const struct cmd_arg *a = cmd->args; a && a->name; a++)
		if (a->required)
			argv[n++] = (char *)(a->kind == ARG_FILE          ? "/dev/null"
					     : !strcmp(a->name, "domain") ? "db"
					     : cmd->words && cmd->words(a, 0) ? cmd->words(a, 0)
									  : "query-status");
	if (!strcmp(cmd->name, "domain-install")) { /* no option must be there, but one that says from what */
		argv[n++] = (char *)"--import";
		argv[n++] = (char *)"--disk=none";
	}
	argv[n] = NULL;
	return cli_main(&(struct cli){.open = open_fake, .out = out, .msg = out}, n, argv);
}

/* For a verb that goes on until Ctrl and C: that is typed before. */
static void interrupt(const struct cmd *cmd)
{
	if (!strcmp(cmd->name, "domain-novnc"))
		raise(SIGINT);
}

START_TEST(every_verb_can_be_called)
{
	sigset_t ctrl_c;
	sigemptyset(&ctrl_c);
	sigaddset(&ctrl_c, SIGINT);
	sigprocmask(SIG_BLOCK, &ctrl_c, NULL);
	char folder[] = "/tmp/test_meta.XXXXXX"; /* screenshot leaves a file */
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chdir(folder), 0);
	ck_assert_ptr_nonnull(freopen("/dev/null", "r", stdin));
	setenv("EDITOR", "true", 1);
	unsetenv("VISUAL");
	for (const struct cmd *const *c = cmds; *c; c++) {
		const char *words[] = {(*c)->name, (*c)->alias};
		bool file = (*c)->args && (*c)->args[0].kind == ARG_FILE && (*c)->args[0].required; /* an empty file is no XML */
		for (unsigned i = 0; i < 2 && words[i]; i++) {
			AUTO_FREE char *text = NULL;
			size_t n = 0;
			FILE *out = open_memstream(&text, &n);
			interrupt(*c);
			int rc = call(*c, words[i], out);
			fclose(out);
			ck_assert_msg(rc == file, "%s: %d, %s", words[i], rc, text);
			ck_assert_msg(!file || strstr(text, "error: "), "%s: %s", words[i], text);
		}
		AUTO_FREE char *text = NULL;
		struct err e;
		struct backend *b = open_fake(&e);
		struct domain_info d;
		const char *key = (*c)->states && !((*c)->states & DOMAIN_RUNNING)
					  ? (*c)->states & DOMAIN_PAUSED ? "old" : "db"
					  : "web1";
		ck_assert_int_eq(b->ops->domain_get(b, key, &d, &e), 0);
		bool wants = !strcmp((*c)->name, "domain-install");
		for (const struct cmd_arg *a = (*c)->args; a && a->name; a++)
			wants |= a->required;
		interrupt(*c);
		ck_assert_msg((cmd_run(b, *c, d.uuid, &text, &e) == 0) == !wants, "%s from the deck: %s",
			      (*c)->name, e.msg);
		b->ops->close(b);
	}
	AUTO_FREE char *rm = x_asprintf("rm -r %s", folder);
	ck_assert_int_eq(system(rm), 0);
}
END_TEST

START_TEST(help_names_every_verb)
{
	AUTO_FREE char *text = NULL;
	struct err e;
	ck_assert_int_eq(cmd_run(NULL, cmd_find("help", NULL), NULL, &text, &e), 0);
	for (const struct cmd *const *c = cmds; *c; c++) {
		AUTO_FREE char *line = x_asprintf("\n    %s ", cmd_word(*c));
		ck_assert_msg(!!strstr(text, line) == !((*c)->flags & CMD_HIDDEN), "%s", (*c)->name);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("meta");
	TCase *t = tcase_create("meta");
	tcase_add_checked_fixture(t, read_man, drop_man);
	tcase_add_test(t, verbs_are_sorted_and_each_word_is_one_verb);
	tcase_add_test(t, verbs_and_their_options_say_what_they_are);
	tcase_add_test(t, the_manual_has_every_verb_and_option);
	tcase_add_test(t, the_manual_has_no_verb_that_is_none);
	tcase_add_test(t, the_manual_of_xml_has_every_element_and_attribute_with_an_effect);
	tcase_add_test(t, mandoc_finds_nothing_to_complain_about);
	tcase_add_test(t, every_verb_can_be_called);
	tcase_add_test(t, help_names_every_verb);
	suite_add_tcase(s, t);
	return test_main(s);
}
