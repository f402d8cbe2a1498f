/* edit: the definition in the user's editor, checked when it is left, and asked again until it is right or
 * given up. What has changed is shown. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/spawn.h"
#include "src/base/str.h"
#include "src/cmd/editor.h"
#include "src/cmd/rows.h"
#include "src/model/xml.h"

#define XML_FILE_MAX (4u << 20)
#define DIFF_MS 5000

/* Ask until the answer begins with one of @letters: that, or 0 when there is no answer. */
static char ask(struct cmd_ctx *c, const char *question, const char *letters, const char *help)
{
	for (;;) {
		char line[64];
		fputs(question, c->msg);
		fflush(c->msg);
		/* Through read(): what stdio would keep back belongs to the editor. */
		size_t n = 0;
		while (n + 1 < sizeof(line) && read(STDIN_FILENO, line + n, 1) == 1 && line[n++] != '\n')
			;
		if (!n)
			return 0;
		if (strchr(letters, line[0] | 0x20))
			return (char)(line[0] | 0x20);
		fputs(help, c->msg);
	}
}

/* virsh's question after a failure: its letter, or 'n' when there is no answer. */
static char ask_again(struct cmd_ctx *c, const struct err *why)
{
	fprintf(c->msg, "error: %s\n", why->msg);
	char answer = ask(c, "Failed. Try again? [y,n,i,f,?]: ", "ynif",
			  "y - yes, start editor again\n"
			  "n - no, throw away my changes\n"
			  "i - turn off validation and try to redefine again\n"
			  "f - force, try to redefine again\n"
			  "? - print this help\n");
	return answer ? answer : 'n';
}

/* The other name that the edited XML has, the caller's to free; NULL: the same, or it is no XML. */
static char *other_name(struct cmd_ctx *c, const char *text)
{
	struct xml *x = NULL;
	if (xml_parse(text, strlen(text), "edited", &x, NULL))
		return NULL;
	const struct xml_node *n = xml_first(xml_root(x), "name");
	AUTO_FREE char *name = n ? xml_content(n) : NULL;
	xml_free(x);
	return name && *name && !str_eq(name, c->domain.name) ? TAKE_PTR(name) : NULL;
}

/* The name was changed to @name: 'r' to rename the domain, 's' for a second one, 'y' for the editor, 'n' for
 * nothing; 0: nobody answers. */
static char ask_name(struct cmd_ctx *c, const char *name)
{
	char show[2][200];
	str_printable(c->domain.name, show[0], sizeof(show[0]));
	str_printable(name, show[1], sizeof(show[1]));
	AUTO_FREE char *question = x_asprintf("The name was changed from '%s' to '%s'. Rename the domain, or define "
					      "a second one? [r,s,y,n,?]: ", show[0], show[1]);
	AUTO_FREE char *help = x_asprintf("r - rename '%s' to '%s'\n"
					  "s - leave '%s' as it is and define '%s' beside it, with a uuid and MAC "
					  "addresses of its own\n"
					  "y - start editor again\n"
					  "n - throw away my changes\n"
					  "? - print this help\n", show[0], show[1], show[0], show[1]);
	return ask(c, question, "rsyn", help);
}

/* For a rename the uuid is that of the domain, whatever was done to it; for a second one what must not be there
 * twice is left out, and made up: the uuid when it is the same, MAC addresses. */
static int fit_identity(struct cmd_ctx *c, char **text, bool second, struct err *e)
{
	struct xml *x = NULL;
	int rc = xml_parse(*text, strlen(*text), c->domain.name, &x, e);
	if (rc)
		return rc;
	struct xml_node *root = xml_root(x), *uuid = xml_first(root, "uuid");
	char canon[UUID_TEXT];
	AUTO_FREE char *old = uuid ? xml_content(uuid) : NULL;
	bool same = old && uuid_canon(old, canon) && str_eq(canon, c->domain.uuid);
	if (!second && !uuid)
		xml_add(root, xml_first(root, "name"), "uuid", c->domain.uuid);
	else if (!second && !same)
		xml_set_content(uuid, c->domain.uuid);
	else if (second && same)
		xml_remove(uuid);
	struct xml_node *devices = xml_first(root, "devices"), *n = devices ? xml_first(devices, "interface") : NULL;
	for (; second && n; n = xml_next(n, "interface"))
		if (xml_first(n, "mac"))
			xml_remove(xml_first(n, "mac"));
	free(*text);
	*text = xml_text(x);
	xml_free(x);
	return 0;
}

/* Somebody else may have edited it meanwhile. */
static int check_unchanged(struct cmd_ctx *c, const char *before, struct err *e)
{
	AUTO_FREE char *now = NULL;
	int rc = c->backend->ops->domain_xml(c->backend, c->domain.uuid, XML_INACTIVE | XML_SECURE, &now, e);
	if (rc || str_eq(now, before))
		return rc;
	return err_set(e, EBUSY,
		       "the XML configuration was changed by another user; f takes yours nevertheless");
}

/* What has changed, as `diff -u` says it: what vmdeck wrote into the definition by itself is seen too. */
static void show_changes(struct cmd_ctx *c, const char *before)
{
	AUTO_FREE char *now = NULL, *old_file = NULL, *new_file = NULL;
	AUTO_BUF struct buf out = {0};
	if (c->quiet ||
	    c->backend->ops->domain_xml(c->backend, c->domain.uuid, XML_INACTIVE | XML_SECURE, &now, NULL))
		return;
	if (!editor_file(before, &old_file, NULL) && !editor_file(now, &new_file, NULL)) {
		const char *diff[] = {"diff", "-u", "--label", "before", "--label", "now", c->tty ? "--color=always" : "--color=never",
				      old_file, new_file, NULL};
		if (spawn_capture(diff, DIFF_MS, &out, NULL) == 1) /* 1: they differ */
			fputs(buf_text(&out), c->out);
	}
	if (old_file)
		unlink(old_file);
	if (new_file)
		unlink(new_file);
}

/* When the name is another: ask what that means, and make @text and @flags so. 1 = go on, 0 = nothing is to
 * change, -EAGAIN = the editor once more, another -errno. */
static int settle_name(struct cmd_ctx *c, char **text, unsigned *flags, bool *second, struct err *e)
{
	AUTO_FREE char *name = other_name(c, *text);
	char answer = name ? ask_name(c, name) : 'u', show[200];
	*flags &= ~(unsigned)DEFINE_RENAME;
	*second = answer == 's';
	if (answer == 'u')
		return 1;
	if (answer == 'y' || answer == 'n')
		return answer == 'y' ? -EAGAIN : 0;
	if (!answer)
		return err_set(e, EINVAL,
			       "the name was changed to '%s', and nobody answers whether that renames the domain (r) or "
			       "makes a second one (s): nothing was changed",
			       str_printable(name, show, sizeof(show)));
	if (answer == 'r')
		*flags |= DEFINE_RENAME;
	int rc = fit_identity(c, text, *second, e);
	return rc ? rc : 1;
}

static void tell_edited(struct cmd_ctx *c, const struct domain_info *d, bool second)
{
	if (second)
		cmd_done(c, "Domain '%s' defined beside '%s'; the disks of both are the same.", d->name, c->domain.name);
	else if (!str_eq(d->name, c->domain.name))
		cmd_done(c, "Domain '%s' renamed to '%s'.", c->domain.name, d->name);
	else
		cmd_done(c, "Domain '%s' XML configuration edited.", d->name);
}

/* One turn, for what was answered ('y' at first): 1 = changed and defined, 0 = nothing changed, -errno = not
 * taken. */
static int edit_once(struct cmd_ctx *c, const char *path, const char *before, char answer, unsigned flags,
		     struct err *e)
{
	AUTO_FREE char *after = NULL, *notes = NULL;
	struct domain_info d;
	bool second = false;
	int rc = answer == 'y' ? editor_run(path, e) : 0;
	if (!rc)
		rc = xml_read(path, XML_FILE_MAX, &after, e);
	if (rc)
		return rc;
	if (str_eq(before, after))
		return 0;
	rc = settle_name(c, &after, &flags, &second, e);
	if (rc == -EAGAIN)
		return edit_once(c, path, before, 'y', flags, e);
	if (rc <= 0)
		return rc;
	rc = answer != 'f' && !second ? check_unchanged(c, before, e) : 0;
	if (rc)
		return rc;
	rc = c->backend->ops->domain_define(c->backend, after, c->domain.name, flags, &d, &notes, e);
	if (rc)
		return rc;
	cmd_notes(c, notes);
	tell_edited(c, &d, second);
	c->domain = d;
	show_changes(c, before);
	return 1;
}

static int domain_edit_exec(struct cmd_ctx *c, struct err *e)
{
	AUTO_FREE char *before = NULL, *path = NULL;
	int rc =
	    c->backend->ops->domain_xml(c->backend, c->domain.uuid, XML_INACTIVE | XML_SECURE, &before, e);
	if (!rc)
		rc = editor_file(before, &path, e);
	if (rc)
		return cmd_failed(c, e, "edit");
	unsigned flags = cmd_flag(c, "skip-validate") ? 0 : DEFINE_VALIDATE;
	char answer = 'y';
	do {
		rc = edit_once(c, path, before, answer, flags, e);
		answer = rc < 0 ? ask_again(c, e) : 'n';
		if (answer == 'i')
			flags = 0;
	} while (answer != 'n');
	unlink(path);
	if (rc < 0)
		return cmd_failed(c, e, "edit");
	if (!rc)
		cmd_done(c, "Domain '%s' XML configuration not changed.", c->domain.name);
	return 0;
}

const struct cmd cmd_domain_edit = {
	.name = "domain-edit",
	.alias = "edit",
	.summary = "edit XML configuration for a domain",
	.about = "Edit the XML configuration for a domain in $VISUAL, $EDITOR or the system's editor. What "
		 "is written is checked "
		 "and, where it is wrong, can be edited again. With another name in it, the question is whether to rename "
		 "the domain or to define a second one; where nobody answers, nothing is changed. What has changed is shown as diff -u shows it, unless with -q. "
		 "A running guest gets it with its next start.",
	.target = CMD_DOMAIN,
	.flags = CMD_TTY,
	.args =
		(const struct cmd_arg[]){
			CMD_FLAG("skip-validate", "skip validation of the XML against libvirt's schema"),
			{0},
		},
	.exec = domain_edit_exec,
};
