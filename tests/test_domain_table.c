/* The table of elements against itself and against libvirt's schema: whatever domain.rng lets stand where we
 * read must have a row, so that nothing of libvirt's is called unknown. */
#include <libxml/tree.h>
#include <libxml/parser.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/str.h"
#include "src/model/domain_xml.h"
#include "tests/testlib.h"

#define SCHEMAS "/usr/share/libvirt/schemas/"

static xmlDoc *docs[64];
static size_t ndocs;

static const struct domain_row *row_of(const char *path)
{
	for (size_t i = 0; i < domain_nrows; i++)
		if (str_eq(domain_rows[i].path, path))
			return &domain_rows[i];
	return NULL;
}

START_TEST(rows_are_sorted_and_unique)
{
	ck_assert_uint_gt(domain_nrows, 100);
	for (size_t i = 1; i < domain_nrows; i++)
		ck_assert_msg(strcmp(domain_rows[i - 1].path, domain_rows[i].path) < 0, "'%s' before '%s'",
			      domain_rows[i - 1].path, domain_rows[i].path);
}
END_TEST

START_TEST(rows_stand_below_an_element_that_is_read)
{
	for (size_t i = 0; i < domain_nrows; i++) {
		const char *path = domain_rows[i].path, *slash = strrchr(path, '/');
		AUTO_FREE char *parent = slash ? x_strndup(path, (size_t)(slash - path)) : NULL;
		const struct domain_row *up = parent ? row_of(parent) : NULL;
		ck_assert_msg(!parent || (up && (up->class == ROW_READ || up->class == ROW_MANY)), "%s",
			      path);
		bool attr = (slash ? slash[1] : path[0]) == '@';
		bool quiet = domain_rows[i].class == ROW_LACKED || domain_rows[i].class == ROW_NOTED;
		ck_assert_msg(attr || quiet || !domain_rows[i].values, "%s: values of an element", path);
		ck_assert_msg(!attr || domain_rows[i].class != ROW_MANY, "%s: an attribute stands once",
			      path);
	}
}
END_TEST

START_TEST(names_are_in_the_fuzzers_dictionary)
{
	struct err e = {0};
	AUTO_FREE char *text = NULL;
	ck_assert_msg(!file_read("tests/fuzz/domain_xml.dict", 1 << 20, &text, NULL, &e), "%s", e.msg);
	for (size_t i = 0; i < domain_nrows; i++) {
		const char *slash = strrchr(domain_rows[i].path, '/'), *name = slash ? slash + 1 : domain_rows[i].path;
		AUTO_FREE char *line = *name == '@' ? x_asprintf("\n\"%s='\"\n", name + 1) : x_asprintf("\n\"<%s\"\n", name);
		ck_assert_msg(strstr(text, line) != NULL, "tests/fuzz/domain_xml.dict has no line %s", line + 1);
	}
}
END_TEST

START_TEST(what_a_guest_would_miss_is_said_in_words)
{
	for (size_t i = 0; i < domain_nrows; i++)
		if (domain_rows[i].class == ROW_MISSED || domain_rows[i].class == ROW_LACKED)
			ck_assert_msg(domain_rows[i].text != NULL, "%s", domain_rows[i].path);
}
END_TEST

static bool is(const xmlNode *n, const char *name)
{
	return n->type == XML_ELEMENT_NODE && str_eq((const char *)n->name, name);
}

static char *prop(const xmlNode *n, const char *name)
{
	return (char *)xmlGetProp(n, (const xmlChar *)name);
}

/* Of other hypervisors, or of other architectures, and said to be unknown with reason. */
static bool not_ours(const char *path)
{
	static const char *const foreign[] = {
	    "os/init", "os/initarg", "os/initenv", "os/initdir", "os/inituser", "os/initgroup", "os/root",
	};
	for (size_t i = 0; i < ARRAY_SIZE(foreign); i++)
		if (str_eq(foreign[i], path))
			return true;
	return false;
}

struct gather {
	unsigned seen;
	struct buf missing; /* "a b c" */
};

static void walk(const xmlNode *n, const char *path, int depth, struct gather *g);

static void follow(const char *name, const char *path, int depth, struct gather *g)
{
	for (size_t i = 0; i < ndocs; i++)
		for (xmlNode *n = xmlDocGetRootElement(docs[i])->children; n; n = n->next) {
			AUTO_FREE char *def = is(n, "define") ? prop(n, "name") : NULL;
			if (str_eq(def, name))
				walk(n, path, depth + 1, g);
		}
}

/* An <element> or <attribute> of the schema that may stand below @path. */
static void meet(const xmlNode *n, const char *path, int depth, struct gather *g)
{
	AUTO_FREE char *name = prop(n, "name"), *ns = prop(n, "ns");
	if (!name || ns || strchr(name, ':'))
		return;
	AUTO_FREE char *below =
	    x_asprintf("%s%s%s%s", path, *path ? "/" : "", is(n, "attribute") ? "@" : "", name);
	const struct domain_row *row = row_of(below);
	g->seen++;
	if (!row && !not_ours(below))
		buf_printf(&g->missing, " %s", below);
	if (row && (row->class == ROW_READ || row->class == ROW_MANY) && is(n, "element"))
		walk(n, below, depth + 1, g);
}

static void walk(const xmlNode *n, const char *path, int depth, struct gather *g)
{
	ck_assert_int_lt(depth, 60);
	for (const xmlNode *c = n->children; c; c = c->next) {
		AUTO_FREE char *name = is(c, "ref") ? prop(c, "name") : NULL;
		if (is(c, "element") || is(c, "attribute"))
			meet(c, path, depth, g);
		else if (name)
			follow(name, path, depth, g);
		else if (c->type == XML_ELEMENT_NODE)
			walk(c, path, depth + 1, g);
	}
}

START_TEST(everything_in_libvirts_schema_has_a_row)
{
	if (access(SCHEMAS "domaincommon.rng", R_OK))
		test_skip("no " SCHEMAS "domaincommon.rng: install libvirt0");
	static const char *const files[] = {"domaincommon",  "basictypes", "storagecommon",
					    "networkcommon", "cputypes",   "nwfilter_params",
					    "privatedata",   "domain"};
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		AUTO_FREE char *path = x_asprintf(SCHEMAS "%s.rng", files[i]);
		docs[ndocs] = xmlReadFile(path, NULL, XML_PARSE_NONET);
		ck_assert_msg(docs[ndocs] != NULL, "%s", path);
		ndocs++;
	}
	struct gather g = {0};
	follow("domaincontents", "", 0, &g);
	ck_assert_uint_gt(g.seen, 200);
	ck_assert_msg(!g.missing.len, "no row for%s", buf_text(&g.missing));
	for (size_t i = 0; i < ndocs; i++)
		xmlFreeDoc(docs[i]);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("domain_table");
	TCase *t = tcase_create("table");
	tcase_set_timeout(t, 60);
	tcase_add_test(t, rows_are_sorted_and_unique);
	tcase_add_test(t, names_are_in_the_fuzzers_dictionary);
	tcase_add_test(t, rows_stand_below_an_element_that_is_read);
	tcase_add_test(t, what_a_guest_would_miss_is_said_in_words);
	tcase_add_test(t, everything_in_libvirts_schema_has_a_row);
	suite_add_tcase(s, t);
	return test_main(s);
}
