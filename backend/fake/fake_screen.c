/* Screens of the fake's guests: where they would be, and viewers that the script makes up. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "backend/fake/host.h"
#include "src/base/json.h"

#define PASSWORD "k7m3x9pa"

void fake_screen_define(struct fake_domain *d, const struct domain *parsed)
{
	const struct domain_graphics *g = parsed->graphics;
	d->graphics = g != NULL;
	d->screen = (struct screen_info){0};
	if (!g)
		return;
	if (g->socket)
		snprintf(d->screen.socket, sizeof(d->screen.socket), "%s", g->socket);
	else
		d->screen.port = g->port > 0 ? g->port : 5900;
	snprintf(d->screen.listen, sizeof(d->screen.listen), "%s",
		 g->socket   ? ""
		 : g->listen ? g->listen
			     : "127.0.0.1");
	snprintf(d->screen.passwd, sizeof(d->screen.passwd), "%.8s", g->passwd ? g->passwd : PASSWORD);
	d->screen.passwd_valid_to = g->passwd_valid_to;
	d->screen.tls = g->tls;
}

/* "screen NAME [KEY=VALUE...]" of the script. */
int fake_screen_script(struct fake *f, char *args, struct err *e)
{
	char *save = NULL, *name = strtok_r(args, " ", &save);
	struct fake_domain *d = name ? fake_by_name(f, name) : NULL;
	if (!d)
		return err_set(e, EINVAL, "fake script: screen: no domain '%s'", name ? name : "");
	d->graphics = true;
	d->screen = (struct screen_info){.port = 5900, .listen = "127.0.0.1", .passwd = PASSWORD};
	for (char *word; (word = strtok_r(NULL, " ", &save));) {
		char *eq = strchr(word, '=');
		uint64_t n = 0;
		if (eq)
			str_u64(eq + 1, &n);
		if (eq && str_starts(word, "port="))
			d->screen.port = (int)n;
		else if (eq && str_starts(word, "listen="))
			snprintf(d->screen.listen, sizeof(d->screen.listen), "%s", eq + 1);
		else if (eq && str_starts(word, "socket="))
			snprintf(d->screen.socket, sizeof(d->screen.socket), "%s", eq + 1);
		else if (eq && str_starts(word, "passwd="))
			snprintf(d->screen.passwd, sizeof(d->screen.passwd), "%.8s", eq + 1);
		else if (eq && str_starts(word, "viewers="))
			d->screen.nviewers = (unsigned)n;
		else
			return err_set(e, EINVAL, "fake script: screen %s: no key '%s'", name, word);
	}
	for (unsigned i = 0; i < d->screen.nviewers && i < SCREEN_VIEWERS_MAX; i++) {
		d->screen.viewers[i] =
		    (struct screen_viewer){.encoding = "tight", .sent_bytes = 1000000u * (i + 1)};
		snprintf(d->screen.viewers[i].host, sizeof(d->screen.viewers[i].host), "192.0.2.%u", i + 1);
		snprintf(d->screen.viewers[i].service, sizeof(d->screen.viewers[i].service), "%u", 40000 + i);
	}
	return 0;
}

int fake_screen(struct backend *b, const char *uuid, struct screen_info *info, struct err *e)
{
	struct fake *f = fake_of(b);
	FAKE_LOCK(f);
	int rc = fake_fails(f, "domain_screen", e);
	struct fake_domain *d = rc ? NULL : fake_by_uuid(f, uuid);
	if (rc)
		return rc;
	if (!d)
		return err_set(e, ENOENT, "no domain with matching uuid '%s'", uuid);
	if (!(d->info.state & DOMAIN_ACTIVE))
		return err_set(e, ENOTCONN, "domain '%s' is not running", d->info.name);
	if (!d->graphics)
		return err_set(e, ENOENT, "domain '%s' has no display for viewers: its XML has no <graphics>",
			       d->info.name);
	*info = d->screen;
	return 0;
}

int fake_screen_command(struct fake_domain *d, const char *command, const char *arguments, struct err *e)
{
	AUTO_JSON json_t *args = arguments ? json_parse(arguments, strlen(arguments), NULL) : NULL;
	const char *passwd = json_str(args, "password", ""), *when = json_str(args, "time", "");
	if (!d->graphics)
		return err_set(e, ENOTSUP, "no viewer sees this guest: its XML has no <graphics>");
	if (str_eq(command, "set_password")) {
		char *to = json_flag(args, "view", false) ? d->screen.view_passwd : d->screen.passwd;
		snprintf(to, sizeof(d->screen.passwd), "%.8s", passwd);
	} else if (str_eq(command, "expire_password")) {
		uint64_t n = 0;
		str_u64(when + (*when == '+'), &n);
		d->screen.passwd_valid_to = (int64_t)n + (*when == '+' ? FAKE_EPOCH_MS / 1000 : 0);
	} else {
		d->screen.nviewers = 0;
	}
	return 0;
}
