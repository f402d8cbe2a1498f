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

#define XML_FILE_MAX (4u << 20)
#define DIFF_MS 5000

/* virsh's question after a failure: its letter, or 'n' when there is no answer. */
static char ask_again(struct cmd_ctx *c, const struct err *why)
{
	fprintf(c->msg, "error: %s\n", why->msg);
	for (;;) {
		char line[64];
		fprintf(c->msg, "Failed. Try again? [y,n,i,f,?]: ");
		fflush(c->msg);
		/* Through read(): what stdio would keep back belongs to the editor. */
		size_t n = 0;
		while (n + 1 < sizeof(line) && read(STDIN_FILENO, line + n, 1) == 1 && line[n++] != '\n')
			;
		if (!n)
			return 'n';
		if (strchr("ynif", line[0] | 0x20))
			return (char)(line[0] | 0x20);
		fprintf(c->msg, "y - yes, start editor again\n"
				"n - no, throw away my changes\n"
				"i - turn off validation and try to redefine again\n"
				"f - force, try to redefine again\n"
				"? - print this help\n");
	}
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

/* One turn, for what was answered ('y' at first): 1 = changed and defined, 0 = nothing changed, -errno = not
 * taken. */
static int edit_once(struct cmd_ctx *c, const char *path, const char *before, char answer, unsigned flags,
		     struct err *e)
{
	AUTO_FREE char *after = NULL, *notes = NULL;
	struct domain_info d;
	int rc = answer == 'y' ? editor_run(path, e) : 0;
	if (!rc)
		rc = file_read(path, XML_FILE_MAX, &after, NULL, e);
	if (rc)
		return rc;
	if (str_eq(before, after))
		return 0;
	if (answer != 'f')
		rc = check_unchanged(c, before, e);
	if (rc)
		return rc;
	rc = c->backend->ops->domain_define(c->backend, after, c->domain.name, flags, &d, &notes, e);
	if (rc)
		return rc;
	cmd_notes(c, notes);
	cmd_done(c, "Domain '%s' XML configuration edited.", d.name);
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
		 "and, where it is wrong, can be edited again. What has changed is shown as diff -u shows it, unless with -q. "
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
