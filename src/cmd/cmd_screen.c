/* Verbs about where a guest's screen is seen, and who may. Words and output are virsh's where it has them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "src/base/cleanup.h"
#include "src/base/password.h"
#include "src/base/str.h"
#include "src/cmd/rows.h"
#include "src/cmd/screen_text.h"

static int screen_of(struct cmd_ctx *c, struct screen_info *s, const char *what, struct err *e)
{
	int rc = c->backend->ops->domain_screen(c->backend, c->domain.uuid, s, e);
	return rc ? err_prefix(e, "Failed to get %s", what) : 0;
}

static json_t *viewers_json(const struct screen_info *s)
{
	json_t *list = json_array();
	for (unsigned i = 0; i < s->nviewers && i < SCREEN_VIEWERS_MAX; i++) {
		const struct screen_viewer *v = &s->viewers[i];
		json_t *j = json_object();
		json_set_str(j, "host", v->host);
		json_set_str(j, "service", v->service);
		json_set_str(j, "encoding", v->encoding);
		json_set_flag(j, "websocket", v->websocket);
		json_set_flag(j, "viewonly", v->viewonly);
		json_set_flag(j, "tls", v->tls);
		json_set_int(j, "sent_bytes", (int64_t)v->sent_bytes);
		json_array_append_new(list, j);
	}
	return list;
}

static json_t *screen_json(const struct screen_info *s)
{
	static const char *const tls[] = {"off", "allowed", "required"};
	AUTO_FREE char *display = screen_display(s), *ssh = screen_ssh(s, 0);
	json_t *j = json_object();
	json_set_str(j, "display", display);
	json_set_take(j, "port", s->port ? json_integer(s->port) : json_null());
	json_set_str(j, "listen", s->listen);
	json_set_str(j, "socket", s->socket);
	json_set_str(j, "passwd", s->passwd);
	json_set_str(j, "view_passwd", s->view_passwd);
	json_set_take(j, "passwd_valid_to",
		      s->passwd_valid_to ? json_integer(s->passwd_valid_to) : json_null());
	json_set_str(j, "tls", tls[s->tls]);
	json_set_str(j, "ssh", ssh);
	json_set_int(j, "viewers", s->nviewers);
	json_set_take(j, "clients", viewers_json(s));
	return j;
}

void cmd_screen_tell(const struct cmd_ctx *c)
{
	struct screen_info s;
	AUTO_BUF struct buf b = {0};
	if (c->quiet || c->backend->ops->domain_screen(c->backend, c->domain.uuid, &s, NULL))
		return;
	screen_tell(&s, &b);
	fputs(buf_text(&b), c->out);
}

static int domain_vncdisplay_exec(struct cmd_ctx *c, struct err *e)
{
	struct screen_info s;
	int rc = screen_of(c, &s, "VNC display", e);
	if (rc)
		return rc;
	if (c->json) {
		cmd_json(c, screen_json(&s));
		return 0;
	}
	AUTO_FREE char *display = screen_display(&s);
	AUTO_BUF struct buf b = {0};
	fprintf(c->out, "%s\n", display);
	if (c->quiet)
		return 0;
	fflush(c->out);
	screen_tell(&s, &b);
	fputs(buf_text(&b), c->msg);
	return 0;
}

const struct cmd cmd_domain_vncdisplay = {
	.name = "domain-vncdisplay",
	.alias = "vncdisplay",
	.summary = "vnc display",
	.about = "Output where the guest's screen is, as an address and a display number (port 5900 is "
		 "display 0), or the path of its socket. Its password, and over ssh the command that brings "
		 "it to your own machine, are told on standard error.",
	.target = CMD_DOMAIN,
	.states = DOMAIN_ACTIVE,
	.flags = CMD_JSON | CMD_QUIET,
	.exec = domain_vncdisplay_exec,
};

static int domain_display_exec(struct cmd_ctx *c, struct err *e)
{
	struct screen_info s;
	const char *type = cmd_value(c, "type");
	if (type && !str_eq(type, "vnc"))
		return err_set(e, ENOENT, "No graphical display with type '%s' found", type);
	int rc = c->backend->ops->domain_screen(c->backend, c->domain.uuid, &s, e);
	if (rc)
		return rc == -ENOENT
			   ? err_set(e, ENOENT, "No graphical display found: domain '%s' has no <graphics>",
				     c->domain.name)
			   : rc;
	bool all = str_eq(s.listen, "0.0.0.0") || str_eq(s.listen, "::");
	AUTO_FREE char *at = all ? x_asprintf("localhost:%d", s.port - 5900) : screen_display(&s);
	const char *passwd = cmd_flag(c, "include-password") ? s.passwd : "";
	AUTO_FREE char *uri = x_asprintf("vnc%s://%s%s%s%s", *s.socket ? "+unix" : "", *passwd ? ":" : "",
					 passwd, *passwd ? "@" : "", at);
	if (c->json) {
		json_t *j = json_object();
		json_set_str(j, "uri", uri);
		cmd_json(c, j);
		return 0;
	}
	fprintf(c->out, "%s\n", uri);
	return 0;
}

const struct cmd cmd_domain_display = {
	.name = "domain-display",
	.alias = "domdisplay",
	.summary = "domain display connection URI",
	.about = "Output the URI that a viewer connects to.",
	.target = CMD_DOMAIN,
	.states = DOMAIN_ACTIVE,
	.flags = CMD_JSON | CMD_QUIET,
	.args =
	(const struct cmd_arg[]){
		CMD_FLAG("include-password", "includes the password into the connection URI if available"),
		CMD_VALUE("type", ARG_STRING, "select particular graphical display: vnc"),
		CMD_FLAG("all", "show all possible graphical displays"),
		{0},
	},
	.exec = domain_display_exec,
};

/* --- passwords --- */

/* A line of standard input, for "-". */
static int read_password(char out[64], struct err *e)
{
	if (!fgets(out, 64, stdin))
		return err_set(e, ENODATA, "no password came on standard input");
	out[strcspn(out, "\r\n")] = 0;
	return 0;
}

/* TIME as the control socket takes it: libvirt's date becomes seconds. */
static int expiry(const char *text, char out[32], struct err *e)
{
	struct tm tm = {0};
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	if (end && (!*end || str_eq(end, "Z"))) {
		snprintf(out, 32, "%lld", (long long)timegm(&tm));
		return 0;
	}
	uint64_t n;
	if (!str_eq(text, "now") && !str_eq(text, "never") && !(*text == '+' && str_u64(text + 1, &n)))
		return err_set(e, EINVAL,
			       "'%s' is no time: write now, never, +SECONDS or 2027-01-31T23:59:59 (UTC)",
			       text);
	snprintf(out, 32, "%.31s", text);
	return 0;
}

static int tell_guest(struct cmd_ctx *c, const char *command, json_t *args, struct err *e)
{
	AUTO_FREE char *text = json_text(args, false), *reply = NULL;
	json_decref(args);
	return c->backend->ops->domain_command(c->backend, c->domain.uuid, command, text, &reply, e);
}

static int set_password(struct cmd_ctx *c, const char *passwd, struct err *e)
{
	json_t *args = json_object();
	json_set_str(args, "protocol", "vnc");
	json_set_str(args, "password", passwd);
	json_set_flag(args, "view", cmd_flag(c, "view"));
	json_set_str(args, "connected", cmd_flag(c, "disconnect") ? "disconnect" : "keep");
	return tell_guest(c, "set_password", args, e);
}

static int set_expiry(struct cmd_ctx *c, const char *when, struct err *e)
{
	json_t *args = json_object();
	json_set_str(args, "protocol", "vnc");
	json_set_str(args, "time", when);
	return tell_guest(c, "expire_password", args, e);
}

static int domain_vnc_passwd_exec(struct cmd_ctx *c, struct err *e)
{
	const char *given = cmd_value(c, "password"), *until = cmd_value(c, "expire");
	char passwd[64] = "", when[32];
	int rc = until ? expiry(until, when, e) : 0;
	if (!rc && str_eq(given, "-"))
		rc = read_password(passwd, e);
	else if (given)
		snprintf(passwd, sizeof(passwd), "%.63s", given);
	else if (!until)
		password_make(passwd);
	if (!rc && strlen(passwd) > PASSWORD_LEN)
		rc = err_set(e, EINVAL, "the password is longer than the %d characters that VNC looks at",
			     PASSWORD_LEN);
	if (!rc && (given || !until))
		rc = set_password(c, passwd, e);
	if (!rc && until)
		rc = set_expiry(c, when, e);
	if (rc)
		return err_prefix(e, "Failed to change the screen's password of domain '%s'", c->domain.name);
	if (!given && !until)
		fprintf(c->out, "%s\n", passwd);
	else
		cmd_done(c, "Password of the screen of domain '%s' changed", c->domain.name);
	return 0;
}

const struct cmd cmd_domain_vnc_passwd = {
	.name = "domain-vnc-passwd",
	.alias = "vnc-passwd",
	.summary = "change the password of a running guest's screen",
	.about = "Without --password a new one is made up and printed. With --expire alone only the time "
		 "changes until which it is good. The next start goes by the XML again.",
	.target = CMD_DOMAIN,
	.states = DOMAIN_ACTIVE,
	.args =
	(const struct cmd_arg[]){
		CMD_VALUE("password", ARG_STRING, "1 to 8 characters; - is a line of standard input"),
		CMD_FLAG("view", "the password of those who may only watch"),
		CMD_VALUE("expire", ARG_STRING, "now, never, +SECONDS or a date such as 2027-01-31T23:59:59"),
		CMD_FLAG("disconnect", "send away who is connected"),
		{0},
	},
	.exec = domain_vnc_passwd_exec,
};

static int domain_vnc_kick_exec(struct cmd_ctx *c, struct err *e)
{
	int rc = tell_guest(c, "x-vnc-kick", json_object(), e);
	if (rc)
		return cmd_failed(c, e, "send away the viewers of");
	cmd_done(c, "Viewers of domain '%s' have been sent away", c->domain.name);
	return 0;
}

const struct cmd cmd_domain_vnc_kick = {
	.name = "domain-vnc-kick",
	.alias = "vnc-kick",
	.summary = "send all viewers of a guest's screen away",
	.about = "Close the connections of all viewers. With the password they may come back.",
	.target = CMD_DOMAIN,
	.states = DOMAIN_ACTIVE,
	.flags = CMD_CONFIRM,
	.exec = domain_vnc_kick_exec,
};
