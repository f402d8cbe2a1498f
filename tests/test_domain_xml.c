/* Domain XML in pairs: tests/xml/pass/NAME.xml with NAME.notes (what define says, a line each: "LINE: text",
 * "LINE! text" when it blocks a start; no file: nothing) and NAME.out.xml (what is kept, when it is not what
 * came), tests/xml/fail/NAME.xml with NAME.err. XML_UPDATE=1 writes the expected files anew, to be read in
 * git diff.
 *
 * "odd-" files are not valid against libvirt's schema; all others must be, and so must be what we make of
 * them. */
#include <dirent.h>
#include <libxml/relaxng.h>
#include <stdio.h>
#include <string.h>

#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/str.h"
#include "src/model/domain_xml.h"
#include "tests/testlib.h"

#define SCHEMAS "/usr/share/libvirt/schemas/"
#define MADE_UP "00000000-made-4up0-0000-000000000000"

struct names {
	const char *dir;
	char **name; /* without ".xml" */
	size_t n;
};
static struct names pass = {"tests/xml/pass", NULL, 0}, fail = {"tests/xml/fail", NULL, 0};

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void list(struct names *l)
{
	DIR *dir = opendir(l->dir);
	for (struct dirent *de; dir && (de = readdir(dir));) {
		if (!str_ends(de->d_name, ".xml") || str_ends(de->d_name, ".out.xml"))
			continue;
		l->name = x_realloc(l->name, (l->n + 1) * sizeof(*l->name));
		l->name[l->n++] = x_strndup(de->d_name, strlen(de->d_name) - 4);
	}
	if (dir)
		closedir(dir);
	if (l->n)
		qsort(l->name, l->n, sizeof(*l->name), by_name);
}

static char *path_of(const struct names *l, int i, const char *suffix)
{
	return x_asprintf("%s/%s%s", l->dir, l->name[i], suffix);
}

/* The file's text, or NULL when there is none. */
static char *slurp(const char *path, size_t *len)
{
	char *text = NULL;
	return file_read(path, 4 * XML_SIZE_MAX, &text, len, NULL) ? NULL : text;
}

/* Is @got what stands in @path? A missing file stands for @otherwise. */
static void compare(const char *path, const char *got, const char *otherwise)
{
	AUTO_FREE char *want = slurp(path, NULL);
	if (str_eq(want ? want : otherwise, got))
		return;
	if (getenv("XML_UPDATE")) {
		ck_assert_int_eq(file_replace(path, got, strlen(got), 0644, NULL), 0);
		return;
	}
	ck_abort_msg("%s:\n--- expected\n%s--- got\n%s", path, want ? want : otherwise, got);
}

/* *text: what stands in the file, in UTF-8. */
static struct domain *parse(const char *path, char **text, struct err *e)
{
	size_t len = 0;
	struct domain *d = NULL;
	AUTO_FREE char *raw = slurp(path, &len);
	size_t n;
	ck_assert_msg(raw != NULL, "cannot read %s", path);
	int rc = domain_parse(raw, len, strrchr(path, '/') + 1, &d, e);
	if (xml_utf8(raw, len, path, text, &n, NULL))
		*text = x_strdup("");
	ck_assert_msg(!rc == !!d, "%s: code and result disagree", path);
	ck_assert_msg(rc == 0 || (rc == -EINVAL && e->code == EINVAL), "%s: code %d", path, rc);
	return d;
}

static char *notes_of(const struct domain *d)
{
	struct buf b = {0};
	for (size_t i = 0; i < d->nnotes; i++)
		buf_printf(&b, "%u%c %s\n", d->notes[i].line, d->notes[i].blocks_start ? '!' : ':',
			   d->notes[i].text);
	return buf_take(&b);
}

/* The kept text; a uuid that we made up is shown as MADE_UP. */
static char *kept_text(const struct domain *d, const char *source)
{
	char *text = domain_text(d), *at = strstr(text, d->uuid);
	if (at && !strstr(source, d->uuid))
		memcpy(at, MADE_UP, strlen(MADE_UP));
	return text;
}

START_TEST(pass_pair_gives_its_notes_and_text)
{
	struct err e = {0};
	AUTO_FREE char *path = path_of(&pass, _i, ".xml"), *notes_path = path_of(&pass, _i, ".notes"),
		       *out_path = path_of(&pass, _i, ".out.xml"), *source = NULL;
	struct domain *d = parse(path, &source, &e);
	ck_assert_msg(d != NULL, "%s", e.msg);
	AUTO_FREE char *notes = notes_of(d), *text = kept_text(d, source);
	compare(notes_path, notes, "");
	compare(out_path, text, source);
	domain_free(d);
}
END_TEST

START_TEST(what_is_kept_reads_back_the_same)
{
	struct err e = {0};
	AUTO_FREE char *path = path_of(&pass, _i, ".xml"), *source = NULL;
	struct domain *d = parse(path, &source, &e), *again = NULL, *live = NULL;
	ck_assert_msg(d != NULL, "%s", e.msg);
	AUTO_FREE char *text = domain_text(d);
	ck_assert_msg(!domain_parse(text, strlen(text), "again", &again, &e), "%s", e.msg);
	AUTO_FREE char *twice = domain_text(again);
	ck_assert_str_eq(text, twice);
	unsigned twins = 0; /* taken out the first time */
	for (size_t i = 0; i < d->nnotes; i++)
		twins += strstr(d->notes[i].text, "this is left out") != NULL;
	ck_assert_uint_eq(d->nnotes, again->nnotes + twins);
	AUTO_FREE char *running = domain_live_text(d, &(struct domain_live){.id = 7});
	ck_assert_ptr_ne(strstr(running, " id='7'"), NULL);
	ck_assert_msg(!domain_parse(running, strlen(running), "live", &live, &e), "%s", e.msg);
	ck_assert_str_eq(live->uuid, d->uuid);
	domain_free(d);
	domain_free(again);
	domain_free(live);
}
END_TEST

START_TEST(start_is_refused_exactly_when_a_note_says_so)
{
	struct err e = {0};
	AUTO_FREE char *path = path_of(&pass, _i, ".xml"), *source = NULL;
	struct domain *d = parse(path, &source, &e);
	ck_assert_msg(d != NULL, "%s", e.msg);
	bool blocked = false;
	for (size_t i = 0; i < d->nnotes; i++)
		blocked = blocked || d->notes[i].blocks_start;
	ck_assert_int_eq(domain_startable(d, &e) != 0, blocked);
	for (size_t i = 0; !blocked && i < d->ndisks; i++) {
		const struct domain_disk *k = &d->disks[i];
		ck_assert(k->source || k->device == DISK_DEVICE_CDROM);
		if (str_eq(k->bus, "ide")) {
			ck_assert_uint_lt(k->unit, 4);
			for (size_t j = 0; j < i; j++)
				ck_assert(!str_eq(d->disks[j].bus, "ide") || d->disks[j].unit != k->unit);
		} else {
			ck_assert_str_eq(k->bus, "virtio");
			ck_assert(k->addr.set && k->addr.slot >= 2 && !k->addr.bus);
		}
	}
	ck_assert(blocked || !d->graphics || d->video);
	domain_free(d);
}
END_TEST

START_TEST(fail_pair_gives_its_sentence)
{
	struct err e = {0};
	AUTO_FREE char *path = path_of(&fail, _i, ".xml"), *err_path = path_of(&fail, _i, ".err"),
		       *source = NULL;
	struct domain *d = parse(path, &source, &e);
	ck_assert_msg(d == NULL, "%s was taken", path);
	/* What libxml2 says differs from release to release. */
	char *cut = strstr(e.msg, "not well-formed XML: ");
	ck_assert_msg(!cut || cut[21], "%s", e.msg);
	if (cut)
		cut[20] = 0;
	AUTO_FREE char *got = x_asprintf("%s\n", e.msg);
	compare(err_path, got, "(a sentence)\n");
}
END_TEST

START_TEST(truncated_and_scribbled_text_is_survived)
{
	AUTO_FREE char *path = path_of(&pass, _i, ".xml");
	size_t len = 0;
	AUTO_FREE char *text = slurp(path, &len);
	unsigned seed = 1 + (unsigned)_i;
	for (size_t n = 0; n < len; n += 1 + len / 60) {
		struct domain *d = NULL;
		if (!domain_parse(text, n, "cut", &d, NULL))
			domain_free(d);
	}
	for (int k = 0; k < 150; k++) {
		char *at = text + (size_t)rand_r(&seed) % len, was = *at;
		*at = "<>'\"/&;0 \n\x80z"[rand_r(&seed) % 12];
		struct domain *d = NULL;
		if (!domain_parse(text, len, "scribbled", &d, NULL))
			domain_free(d);
		if (k % 3)
			*at = was;
	}
}
END_TEST

static void quiet(void *ctx, const char *fmt, ...)
{
}

static bool valid(xmlRelaxNG *schema, const char *text)
{
	xmlDoc *doc =
	    xmlReadMemory(text, (int)strlen(text), NULL, "UTF-8", XML_PARSE_NONET | XML_PARSE_NOERROR);
	xmlRelaxNGValidCtxt *c = xmlRelaxNGNewValidCtxt(schema);
	xmlRelaxNGSetValidErrors(c, quiet, quiet, NULL);
	int rc = doc ? xmlRelaxNGValidateDoc(c, doc) : -1;
	xmlRelaxNGFreeValidCtxt(c);
	xmlFreeDoc(doc);
	return !rc;
}

START_TEST(what_is_kept_is_valid_against_libvirts_schema)
{
	if (access(SCHEMAS "domain.rng", R_OK))
		test_skip("no " SCHEMAS "domain.rng: install libvirt0");
	xmlRelaxNGParserCtxt *p = xmlRelaxNGNewParserCtxt(SCHEMAS "domain.rng");
	xmlRelaxNG *schema = xmlRelaxNGParse(p);
	xmlRelaxNGFreeParserCtxt(p);
	ck_assert_ptr_ne(schema, NULL);
	for (size_t i = 0; i < pass.n; i++) {
		struct err e = {0};
		AUTO_FREE char *path = path_of(&pass, (int)i, ".xml"), *source = NULL;
		struct domain *d = parse(path, &source, &e);
		ck_assert_msg(d != NULL, "%s", e.msg);
		AUTO_FREE char *text = domain_text(d);
		bool odd = str_starts(pass.name[i], "odd-");
		ck_assert_msg(valid(schema, source) == !odd, "%s: comes %s", path,
			      odd ? "valid, but is odd-" : "invalid");
		ck_assert_msg(odd || valid(schema, text), "%s: is kept invalid:\n%s", path, text);
		AUTO_FREE char *live = domain_live_text(d, &(struct domain_live){.id = 1});
		ck_assert_msg(odd || valid(schema, live), "%s: runs as\n%s", path, live);
		domain_free(d);
	}
	xmlRelaxNGFree(schema);
}
END_TEST

/* <graphics> of a definition, and what a running guest's text has in its place. */
static const struct {
	const char *defined, *live;
	int port;
} live_ports[] = {
	{"<graphics type='vnc'/>", "<graphics type='vnc' port='5903' autoport='yes'/>", 5903},
	{"<graphics type='vnc' port='-1'/>", "<graphics type='vnc' port='5903' autoport='yes'/>", 5903},
	{"<graphics type='vnc' port='-1' autoport='yes' listen='::1'/>", "<graphics type='vnc' port='5903' autoport='yes' listen='::1'/>",
	 5903},
	{"<graphics type='vnc' port='5950' autoport='yes'/>", "<graphics type='vnc' port='5903' autoport='yes'/>", 5903},
	{"<graphics type='vnc' port='0'/>", "<graphics type='vnc' port='5903' autoport='yes'/>", 5903},
	{"<graphics type='vnc' port='5950'/>", "<graphics type='vnc' port='5950'/>", 5950},
	{"<graphics type='vnc' port='5950' autoport='no'/>", "<graphics type='vnc' port='5950' autoport='no'/>", 5950},
	{"<graphics type='vnc' socket='/run/s'/>", "<graphics type='vnc' socket='/run/s'/>", 0},
	{"<graphics type='vnc'/>", "<graphics type='vnc'/>", 0},
};

static char *with_devices(const char *inner)
{
	return x_asprintf("<domain type='kvm'><name>x</name><memory "
			  "unit='MiB'>64</memory><os><type>hvm</type></os><devices>%s</devices>"
			  "</domain>",
			  inner);
}

START_TEST(a_running_guests_text_tells_the_port_of_its_screen)
{
	AUTO_FREE char *text = with_devices(live_ports[_i].defined);
	struct domain *d = NULL;
	struct err e = {0};
	ck_assert_msg(domain_parse(text, strlen(text), "x.xml", &d, &e) == 0, "%s", e.msg);
	AUTO_FREE char *live =
	    domain_live_text(d, &(struct domain_live){.id = 1, .vnc_port = live_ports[_i].port});
	ck_assert_msg(strstr(live, live_ports[_i].live) != NULL, "%s", live);
	domain_free(d);
	/* What is read back is what the definition means. */
	struct domain *again = NULL;
	ck_assert_msg(domain_parse(live, strlen(live), "live.xml", &again, &e) == 0, "%s", e.msg);
	ck_assert_int_eq(again->graphics->port, live_ports[_i].port == 5950 ? 5950 : -1);
	domain_free(again);
}
END_TEST

START_TEST(a_text_to_show_has_no_passwords)
{
	AUTO_FREE char *text = with_devices("<!-- kept --><graphics type='vnc' passwd='geheim' "
					    "passwdValidTo='2030-01-01T00:00:00' keymap='de'/>");
	AUTO_FREE char *public = domain_text_passwd(text, NULL), *other = domain_text_passwd(text, "neu");
	ck_assert_msg(strstr(public, "<graphics type='vnc' keymap='de'/>") && strstr(public, "<!-- kept -->"),
		      "%s", public);
	ck_assert_msg(strstr(other, "passwd='neu' passwdValidTo=") && !strstr(other, "geheim"), "%s", other);
	ck_assert_ptr_null(domain_text_passwd("<domain>", NULL));
}
END_TEST

int main(void)
{
	list(&pass);
	list(&fail);
	if (!pass.n || !fail.n) {
		printf("test_domain_xml: no pairs below tests/xml; run it in the root of the repository\n");
		return 1;
	}
	Suite *s = suite_create("domain_xml");
	TCase *t = tcase_create("pairs");
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, pass_pair_gives_its_notes_and_text, 0, (int)pass.n);
	tcase_add_loop_test(t, what_is_kept_reads_back_the_same, 0, (int)pass.n);
	tcase_add_loop_test(t, start_is_refused_exactly_when_a_note_says_so, 0, (int)pass.n);
	tcase_add_loop_test(t, truncated_and_scribbled_text_is_survived, 0, (int)pass.n);
	tcase_add_loop_test(t, fail_pair_gives_its_sentence, 0, (int)fail.n);
	tcase_add_test(t, what_is_kept_is_valid_against_libvirts_schema);
	tcase_add_loop_test(t, a_running_guests_text_tells_the_port_of_its_screen, 0, ARRAY_SIZE(live_ports));
	tcase_add_test(t, a_text_to_show_has_no_passwords);
	suite_add_tcase(s, t);
	return test_main(s);
}
