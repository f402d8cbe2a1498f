/* The table of verbs, and what all of them share. */
#include "src/cmd/cmd.h"

#include <errno.h>
#include <string.h>

#include "src/base/cleanup.h"
#include "src/base/str.h"
#include "src/cmd/rows.h"

const struct cmd *const cmds[] = {
	&cmd_domain_autostart,
	&cmd_domain_autostart_all,
	&cmd_domain_blkerror,
	&cmd_domain_blkinfo,
	&cmd_domain_blklist,
	&cmd_domain_change_media,
	&cmd_domain_command,
	&cmd_domain_console,
	&cmd_domain_create,
	&cmd_domain_define,
	&cmd_domain_destroy,
	&cmd_domain_display,
	&cmd_domain_dumpxml,
	&cmd_domain_edit,
	&cmd_domain_getlink,
	&cmd_domain_id,
	&cmd_domain_ifaddr,
	&cmd_domain_iflist,
	&cmd_domain_ifstat,
	&cmd_domain_info,
	&cmd_domain_install,
	&cmd_domain_list,
	&cmd_domain_name,
	&cmd_domain_novnc,
	&cmd_domain_reboot,
	&cmd_domain_release,
	&cmd_domain_reset,
	&cmd_domain_resume,
	&cmd_domain_screenshot,
	&cmd_domain_send_key,
	&cmd_domain_setlink,
	&cmd_domain_shutdown,
	&cmd_domain_start,
	&cmd_domain_state,
	&cmd_domain_stats,
	&cmd_domain_suspend,
	&cmd_domain_ttyconsole,
	&cmd_domain_type,
	&cmd_domain_undefine,
	&cmd_domain_uuid,
	&cmd_domain_vnc_kick,
	&cmd_domain_vnc_passwd,
	&cmd_domain_vncdisplay,
	&cmd_help,
	&cmd_host_info,
	&cmd_host_validate,
	&cmd_host_version,
	NULL,
};

const char *cmd_word(const struct cmd *cmd)
{
	return cmd->alias ? cmd->alias : cmd->name;
}

const struct cmd *cmd_find(const char *word, const char **near)
{
	const char *best = NULL;
	unsigned best_d = 3; /* further away is another word */
	for (const struct cmd *const *c = cmds; *c; c++) {
		const char *names[] = {(*c)->name, (*c)->alias};
		for (unsigned i = 0; i < ARRAY_SIZE(names) && names[i]; i++) {
			if (str_eq(names[i], word))
				return *c;
			unsigned d = str_distance(names[i], word);
			if (d < best_d && d < strlen(word) && !((*c)->flags & CMD_HIDDEN)) {
				best = names[i];
				best_d = d;
			}
		}
	}
	if (near)
		*near = best;
	return NULL;
}

const char *cmd_value(const struct cmd_ctx *c, const char *name)
{
	for (unsigned i = 0; c->cmd->args && c->cmd->args[i].name; i++)
		if (str_eq(c->cmd->args[i].name, name))
			return c->values ? c->values[i] : NULL;
	return NULL;
}

bool cmd_flag(const struct cmd_ctx *c, const char *name)
{
	return cmd_value(c, name) != NULL;
}

void cmd_done(const struct cmd_ctx *c, const char *fmt, ...)
{
	if (c->quiet)
		return;
	va_list ap;
	va_start(ap, fmt);
	vfprintf(c->out, fmt, ap);
	va_end(ap);
	fputc('\n', c->out);
}

void cmd_json(const struct cmd_ctx *c, json_t *j)
{
	AUTO_FREE char *text = json_text(j, true);
	fprintf(c->out, "%s\n", text ? text : "null");
	json_decref(j);
}

void cmd_notes(const struct cmd_ctx *c, const char *notes)
{
	for (const char *p = notes; p && *p;) {
		int n = (int)strcspn(p, "\n");
		if (n)
			fprintf(c->msg, "%s%.*s\n",
				str_starts(p, "note: ") || str_starts(p, "warning: ") ? "" : "note: ", n, p);
		p += n + (p[n] == '\n');
	}
}

/* A reason that names the domain by itself does not stand behind its name once more. */
static void cut_name(struct err *e, const char *name)
{
	AUTO_FREE char *head = x_asprintf("domain '%s': ", name);
	size_t n = strlen(head);
	if (!strncmp(e->msg, head, n))
		memmove(e->msg, e->msg + n, strlen(e->msg + n) + 1);
}

int cmd_failed(const struct cmd_ctx *c, struct err *e, const char *verb)
{
	cut_name(e, c->domain.name);
	return err_prefix(e, "Failed to %s domain '%s'", verb, c->domain.name);
}

/* The verb does not make sense in the state that the domain is in: what is wrong, and what would help. */
static int wrong_state(const struct cmd_ctx *c, struct err *e)
{
	const struct domain_info *d = &c->domain;
	const char *word = cmd_word(c->cmd), *state = domain_state_text(d->state);
	if (!(c->cmd->states & DOMAIN_ACTIVE))
		return err_set(e, EALREADY, "Domain is already active: '%s' is %s%s%s", d->name, state,
			       d->state == DOMAIN_PAUSED ? "; to let it go on: vmdeck resume " : "",
			       d->state == DOMAIN_PAUSED ? d->name : "");
	if (d->state & DOMAIN_INACTIVE)
		return err_set(
			e, ENOTCONN,
			"Failed to %s domain '%s': domain is not running (%s); to start it: vmdeck start %s",
			word, d->name, state, d->name);
	if (d->state == DOMAIN_PAUSED)
		return err_set(
			e, EINVAL,
			"Failed to %s domain '%s': domain is paused; to let it go on: vmdeck resume %s", word,
			d->name, d->name);
	return err_set(e, EINVAL, "Failed to %s domain '%s': domain is %s%s", word, d->name, state,
		       c->cmd->states == DOMAIN_PAUSED ? ", not paused" : "");
}

int cmd_target(struct cmd_ctx *c, const char *key, struct err *e)
{
	if (c->cmd->target == CMD_HOST)
		return 0;
	int rc = c->backend->ops->domain_get(c->backend, key, &c->domain, e);
	if (rc)
		return err_prefix(e, "failed to get domain '%s'", key);
	if (c->cmd->states && !(c->cmd->states & c->domain.state))
		return wrong_state(c, e);
	return 0;
}

int cmd_run(struct backend *b, const struct cmd *cmd, const char *uuid, char **out, struct err *e)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	if (!f)
		return err_sys(e, errno, "cannot keep the output of '%s'", cmd_word(cmd));
	struct cmd_ctx c = {.backend = b, .cmd = cmd, .out = f, .msg = cmd->flags & CMD_TTY ? stderr : f};
	int rc = cmd_target(&c, uuid, e);
	for (unsigned i = 0; !rc && cmd->args && cmd->args[i].name; i++)
		if (cmd->args[i].required)
			rc = err_set(e, EINVAL, "command '%s' requires <%s> option", cmd_word(cmd),
				     cmd->args[i].name);
	if (!rc)
		rc = cmd->exec(&c, e);
	fclose(f);
	if (rc || !out)
		free(text);
	else
		*out = text;
	return rc;
}
