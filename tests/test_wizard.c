/* The form for new guests without a deck: what its fields mean as options, defaults, who gets the blame; and
 * an edited definition that is brought into the XML of the first boot. */
#include <stdlib.h>
#include <string.h>

#include "backend/fake/fake.h"
#include "src/base/cleanup.h"
#include "tests/testlib.h"
#include "ui/tui/wizard.h"

#define HOST                                                                                                 \
	"domain web1 running;path /dev/null block bytes=700000000 volume=TEST 1;path /dev/zero block bytes=1000000 format=raw;" \
	"path /dev/full block format=qcow2;path /tmp folder kernel=linux;bridge lan,2;bridge virbr0"

static void begin(struct wizard *w)
{
	struct err e = {0};
	setenv("OSINFO_DATA_DIR", "tests/osinfo", 1);
	struct backend *b = backend_fake_open(HOST, &e);
	ck_assert_msg(b, "%s", e.msg);
	memset(w, 0, sizeof(*w));
	wizard_init(w, b);
}

static void end(struct wizard *w)
{
	struct backend *b = w->b;
	wizard_done(w);
	b->ops->close(b);
}

static void set(struct wizard *w, enum wizard_field i, const char *text)
{
	struct field *f = &w->form.fields[i];
	f->touched = true;
	if (f->kind == FIELD_CHECK)
		f->on = str_eq(text, "yes");
	else if (f->noptions)
		ck_assert_msg(form_choose(&w->form, i, text), "field %d has no '%s'", i, text);
	else
		line_set(&f->line, text);
	wizard_changed(w, i);
}

static const char *said(const struct wizard *w, enum wizard_field i)
{
	const struct field *f = &w->form.fields[i];
	return f->said && f->said_role == ROLE_ERROR ? f->said : "";
}

#define SETS 6
static const struct {
	struct {
		enum wizard_field field;
		const char *text;
	} sets[SETS];
	const char *command; /* what the form means; NULL: it is wrong */
	enum wizard_field at;
	const char *says;
} forms[] = {
    {{{W_ISO, "/dev/null"}},
     "vmdeck install --name=test1 --cdrom=/dev/null --osinfo=test1 --memory=768 --vcpus=3 --disk=size=9 --network=user --graphics=vnc", 0, NULL},
    {{{W_ISO, "/dev/null"}, {W_MEMORY, "300"}, {W_CPUS, "1"}, {W_SIZE, "0.5"}, {W_NAME, "a b"}, {W_SCREEN, "no"}},
     "vmdeck install --name='a b' --cdrom=/dev/null --osinfo=test1 --memory=300 --vcpus=1 --disk=size=0.5 --network=user --graphics=none", 0, NULL},
    {{{W_SOURCE, "import"}, {W_IMAGE, "/dev/zero"}, {W_NETWORK, "bridge"}, {W_BRIDGE, "br0"}, {W_FIRMWARE, "uefi"}},
     "vmdeck install --name=guest --import --osinfo=generic --memory=2048 --vcpus=2 --disk=path=/dev/zero --network=bridge=br0 --boot=uefi "
     "--graphics=vnc", 0, NULL},
    {{{W_SOURCE, "import"}, {W_IMAGE, "/dev/zero"}, {W_NETWORK, "bridge=virbr0"}},
     "vmdeck install --name=guest --import --osinfo=generic --memory=2048 --vcpus=2 --disk=path=/dev/zero --network=bridge=virbr0 "
     "--graphics=vnc", 0, NULL},
    {{{W_SOURCE, "kernel"}, {W_KERNEL, "/dev/null"}, {W_INITRD, "/dev/zero"}, {W_ARGS, "console=ttyS0 quiet"}, {W_DISK, "none"}, {W_NETWORK, "none"}},
     "vmdeck install --name=guest --install=kernel=/dev/null,initrd=/dev/zero --extra-args='console=ttyS0 quiet' --osinfo=generic "
     "--memory=2048 --vcpus=2 --disk=none --network=none --graphics=vnc", 0, NULL},
    {{{W_SOURCE, "pxe"}, {W_SYSTEM, "test1"}},
     "vmdeck install --name=test1 --pxe --osinfo=test1 --memory=768 --vcpus=3 --disk=size=9 --network=user --graphics=vnc", 0, NULL},
    {{{W_SOURCE, "blank"}, {W_SYSTEM, "test2"}},
     "vmdeck install --name=test2 --import --osinfo=test2 --memory=1024 --vcpus=2 --disk=size=20 --network=user --boot=uefi --graphics=vnc", 0, NULL},
    {{{W_SOURCE, "import"}, {W_IMAGE, "/dev/full"}}, NULL, W_IMAGE, "qcow2"},
    {{{W_SOURCE, "import"}, {W_IMAGE, "/tmp"}}, NULL, W_IMAGE, "this is a folder"},
    {{{W_SOURCE, "import"}, {W_IMAGE, "/no/such"}}, NULL, W_IMAGE, "no such file"},
    {{{W_ISO, "/no/such"}}, NULL, W_ISO, "no such file"},
    {{{W_NAME, "web1"}}, NULL, W_NAME, "of that name already"},
    {{{W_NAME, ""}}, NULL, W_NAME, "a name is wanted"},
    {{{W_MEMORY, "2 GiB"}}, NULL, W_MEMORY, "whole number"},
    {{{W_MEMORY, "99999999"}}, NULL, W_MEMORY, "more than this host has"},
    {{{W_CPUS, "65"}}, NULL, W_CPUS, "1 to 64"},
    {{{W_SIZE, "-1"}}, NULL, W_SIZE, "GiB above 0"},
    {{{W_SIZE, "5000"}}, NULL, W_SIZE, "free there"},
    {{{W_DISK, "path"}, {W_PATH, "/dev/full"}}, NULL, W_PATH, "qcow2"},
    {{{W_NETWORK, "bridge"}, {W_BRIDGE, ""}}, NULL, W_BRIDGE, "the name of a bridge"},
};

START_TEST(a_form_means_options_and_says_what_is_wrong)
{
	struct wizard w;
	begin(&w);
	for (size_t i = 0; i < SETS && forms[_i].sets[i].text; i++)
		set(&w, forms[_i].sets[i].field, forms[_i].sets[i].text);
	if (forms[_i].command) {
		ck_assert_msg(w.plan, "field %zu: %s", form_wrong(&w.form),
			      said(&w, form_wrong(&w.form) % W_COUNT));
		AUTO_FREE char *command = install_command(&w.plan->request);
		ck_assert_str_eq(command, forms[_i].command);
		ck_assert(wizard_ready(&w));
	} else {
		ck_assert_msg(strstr(said(&w, forms[_i].at), forms[_i].says), "'%s'", said(&w, forms[_i].at));
		ck_assert(!strstr(said(&w, forms[_i].at), "--"));
		ck_assert(!wizard_ready(&w));
	}
	end(&w);
}
END_TEST

START_TEST(what_is_missing_is_said_when_it_is_asked_for)
{
	struct wizard w;
	begin(&w);
	ck_assert_uint_eq(form_wrong(&w.form), W_COUNT); /* nobody has done anything wrong yet */
	ck_assert(!wizard_touched(&w) && !w.plan);
	ck_assert(!wizard_ready(&w));
	ck_assert_uint_eq(w.form.at, W_ISO);
	ck_assert_str_ne(said(&w, W_ISO), "");
	end(&w);
}
END_TEST

START_TEST(defaults_follow_the_system_until_they_are_touched)
{
	struct wizard w;
	begin(&w);
	set(&w, W_MEMORY, "500");
	set(&w, W_ISO, "/dev/null");
	ck_assert_str_eq(form_value(&w.form, W_MEMORY), "500");
	ck_assert_str_eq(form_value(&w.form, W_CPUS), "3");
	ck_assert_str_eq(form_value(&w.form, W_NAME), "test1");
	set(&w, W_ISO, "/dev/zero");
	ck_assert_str_eq(form_value(&w.form, W_CPUS), "2");
	ck_assert_str_eq(form_value(&w.form, W_NAME), "guest");
	end(&w);
}
END_TEST

START_TEST(bridges_of_the_host_are_offered_between_nat_and_none)
{
	static const char *const values[] = {"user", "bridge=lan,,2", "bridge=virbr0", "bridge", "none"},
				 *const labels[] = {"User-mode NAT", "Bridge lan,2", "Bridge virbr0", "Another bridge", "None"};
	struct wizard w;
	begin(&w);
	struct field *f = &w.form.fields[W_NETWORK];
	ck_assert_uint_eq(f->noptions, ARRAY_SIZE(values));
	for (size_t i = 0; i < f->noptions; i++) {
		ck_assert_str_eq(f->options[i].value, values[i]);
		ck_assert_str_eq(f->options[i].label, labels[i]);
		set(&w, W_NETWORK, values[i]);
		ck_assert_int_eq(w.form.fields[W_BRIDGE].hidden, !str_eq(values[i], "bridge"));
	}
	end(&w);
}
END_TEST

START_TEST(a_host_that_does_not_tell_its_bridges_has_one_typed)
{
	struct err e = {0};
	struct wizard w = {0};
	struct backend *b = backend_fake_open(HOST ";fail host_bridges EIO no netlink", &e);
	ck_assert_msg(b, "%s", e.msg);
	wizard_init(&w, b);
	ck_assert_uint_eq(w.form.fields[W_NETWORK].noptions, 3);
	ck_assert_str_eq(w.form.fields[W_NETWORK].options[1].label, "Bridge");
	end(&w);
}
END_TEST

START_TEST(a_failure_is_said_where_it_belongs)
{
	static const struct {
		const char *message;
		enum wizard_field at;
		const char *said;
	} rows[] = {
	    {"--disk '/x/y.raw': nothing can be made in that folder", W_SIZE, "'/x/y.raw': nothing can be made in that folder"},
	    {"--memory memory='x' is not allowed: a whole number", W_MEMORY, "'x' is not allowed: a whole number"},
	    {"--name 'x': there is one", W_NAME, "'x': there is one"},
	    {"--network: no", W_NETWORK, "no"},
	    {"the bridge 'br9' is not there", W_GO, "the bridge 'br9' is not there"}, /* its field is not to be seen */
	    {"domain 'x' already exists with uuid y", W_NAME, "domain 'x' already exists with uuid y"},
	    {"something else, or --force", W_GO, "something else"},
	};
	struct wizard w;
	begin(&w);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		wizard_blame(&w, rows[i].message);
		ck_assert_uint_eq(w.form.at, rows[i].at);
		ck_assert_str_eq(said(&w, rows[i].at), rows[i].said);
	}
	end(&w);
}
END_TEST

/* The value of what was planned, edited by replacing @from (once) by @to. */
static char *edited(const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);
	ck_assert_msg(at, "no %s in %s", from, text);
	return x_asprintf("%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
}

START_TEST(an_edited_definition_changes_the_first_boot_too)
{
	struct wizard w;
	struct err e = {0};
	begin(&w);
	set(&w, W_ISO, "/dev/null");
	ck_assert(w.plan && w.plan->first_xml);
	AUTO_FREE char *old_first = x_strdup(w.plan->first_xml);
	AUTO_FREE char *titled = edited(w.plan->define_xml, "</name>", "</name>\n  <title>A &amp; B</title>");
	AUTO_FREE char *less = edited(titled, "<vcpu>3</vcpu>", "<vcpu>1</vcpu>");
	AUTO_FREE char *text = edited(less, "<boot dev='hd'/>", "<boot dev='network'/>");
	ck_assert_msg(!install_plan_edit(w.plan, text, &e), "%s", e.msg);
	ck_assert_str_eq(w.plan->define_xml, text);
	const char *first = w.plan->first_xml;
	ck_assert_msg(strstr(first, "<title>A &amp; B</title>") && strstr(first, "<vcpu>1</vcpu>"), "%s",
		      first);
	ck_assert_msg(strstr(first, "<boot dev='cdrom'/>") && strstr(first, "vmdeck:install"), "%s", first); /* what makes it the first */
	ck_assert_msg(strstr(first, "/dev/null"), "%s", first);
	ck_assert(!strstr(first, "<vcpu>3"));
	AUTO_FREE char *back_title = edited(first, "\n  <title>A &amp; B</title>", "");
	AUTO_FREE char *back = edited(back_title, "<vcpu>1</vcpu>", "<vcpu>3</vcpu>");
	ck_assert_msg(strstr(first, "<boot dev='network'/>") || str_eq(back, old_first), "%s\n%s", back,
		      old_first);
	end(&w);
}
END_TEST

START_TEST(a_definition_that_cannot_be_read_changes_nothing)
{
	struct wizard w;
	struct err e = {0};
	begin(&w);
	set(&w, W_ISO, "/dev/null");
	AUTO_FREE char *before = x_strdup(w.plan->define_xml);
	AUTO_FREE char *broken = edited(before, "</vcpu>", "");
	AUTO_FREE char *other = edited(before, "<uuid>", "<uuid>1");
	ck_assert_int_eq(install_plan_edit(w.plan, broken, &e), -EINVAL);
	ck_assert_msg(strstr(e.msg, "the edited XML"), "%s", e.msg);
	ck_assert_int_lt(install_plan_edit(w.plan, other, &e), 0);
	AUTO_FREE char *anew = edited(before, w.plan->uuid, "11111111-2222-4333-8444-555555555555");
	ck_assert_int_eq(install_plan_edit(w.plan, anew, &e), -EINVAL);
	ck_assert_msg(strstr(e.msg, "another uuid"), "%s", e.msg);
	ck_assert_str_eq(w.plan->define_xml, before);
	end(&w);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("wizard");
	TCase *tc = tcase_create("wizard");
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, a_form_means_options_and_says_what_is_wrong, 0, ARRAY_SIZE(forms));
	tcase_add_test(tc, what_is_missing_is_said_when_it_is_asked_for);
	tcase_add_test(tc, defaults_follow_the_system_until_they_are_touched);
	tcase_add_test(tc, bridges_of_the_host_are_offered_between_nat_and_none);
	tcase_add_test(tc, a_host_that_does_not_tell_its_bridges_has_one_typed);
	tcase_add_test(tc, a_failure_is_said_where_it_belongs);
	tcase_add_test(tc, an_edited_definition_changes_the_first_boot_too);
	tcase_add_test(tc, a_definition_that_cannot_be_read_changes_nothing);
	suite_add_tcase(s, tc);
	return test_main(s);
}
