/* A guest's screen in a browser. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "src/base/cleanup.h"
#include "src/base/str.h"
#include "src/cmd/rows.h"
#include "src/cmd/screen_text.h"
#include "src/cmd/webfiles.h"

#define NOVNC_FOLDER "/usr/share/novnc"

/* The screen of domain @key, which a browser can reach. */
static int target(struct cmd_ctx *c, const char *key, struct screen_info *s, struct err *e)
{
	int rc = c->backend->ops->domain_get(c->backend, key, &c->domain, e);
	if (rc)
		return err_prefix(e, "failed to get domain '%s'", key);
	rc = c->backend->ops->domain_screen(c->backend, c->domain.uuid, s, e);
	if (rc)
		return rc;
	return *s->socket ? err_set(e, EINVAL,
				    "the screen of domain '%s' is the socket '%s', where no browser comes: "
				    "let it have a port",
				    c->domain.name, s->socket)
			  : 0;
}

static char *page_url(int port, const struct screen_info *s)
{
	const char *host = str_eq(s->listen, "0.0.0.0") || str_eq(s->listen, "::") ? "127.0.0.1" : s->listen;
	bool six = strchr(host, ':');
	return x_asprintf("http://127.0.0.1:%d/vnc.html?host=%s%s%s&port=%d&autoconnect=true&resize=scale%s",
			  port, six ? "%5B" : "", host, six ? "%5D" : "", s->port,
			  s->tls == GRAPHICS_TLS_REQUIRED ? "&encrypt=true" : "");
}

static void tell(struct cmd_ctx *c, int port, const struct screen_info *s)
{
	if (!s) {
		struct screen_info none = {.listen = "127.0.0.1", .port = 5900};
		AUTO_FREE char *ssh = screen_ssh(&none, port);
		fprintf(c->out, "http://127.0.0.1:%d/vnc.html?host=127.0.0.1&port=5900\n", port);
		fprintf(c->msg,
			"Put the port of the guest's screen in place of 5900: vmdeck vncdisplay NAME\n");
		if (ssh)
			fprintf(c->msg, "On your machine, with that port: %s\n", ssh);
		return;
	}
	AUTO_FREE char *url = page_url(port, s), *ssh = screen_ssh(s, port);
	fprintf(c->out, "%s\n", url);
	if (*s->passwd)
		fprintf(c->msg, "Password: %s\n", s->passwd);
	if (ssh)
		fprintf(c->msg, "On your machine: %s\n", ssh);
}

static int domain_novnc_exec(struct cmd_ctx *c, struct err *e)
{
	struct screen_info s;
	const char *key = cmd_value(c, "domain"), *port_text = cmd_value(c, "port");
	uint64_t n = 0;
	int rc = key ? target(c, key, &s, e) : 0, sig;
	if (!rc && port_text && (!str_u64(port_text, &n) || n < 1 || n > 65535))
		rc = err_set(e, EINVAL, "port '%s' is none: 1 to 65535", port_text);
	if (rc)
		return rc;
	if (access(NOVNC_FOLDER "/vnc.html", R_OK) < 0)
		return err_set(e, ENOENT, "'%s' is missing: install the package novnc",
			       NOVNC_FOLDER "/vnc.html");
	sigset_t end, before;
	sigemptyset(&end);
	sigaddset(&end, SIGINT);
	sigaddset(&end, SIGTERM);
	sigaddset(&end, SIGHUP);
	/* For the server's thread too, which is begun after this. */
	pthread_sigmask(SIG_BLOCK, &end, &before);
	int port = (int)n;
	struct webfiles *w = webfiles_start(NOVNC_FOLDER, &port, e);
	if (w) {
		tell(c, port, key ? &s : NULL);
		fprintf(c->msg, "Ctrl and C end this.\n");
		fflush(c->out);
		sigwait(&end, &sig);
	}
	webfiles_stop(w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return w ? 0 : -e->code;
}

const struct cmd cmd_domain_novnc = {
	.name = "domain-novnc",
	.alias = "novnc",
	.summary = "serve noVNC's pages for the screens of guests",
	.about = "Serve the pages of the package novnc on 127.0.0.1 until Ctrl and C, and print the address "
		 "for the browser: with a domain, its screen is what the page opens. Over ssh the command that "
		 "brings both to your own machine is told on standard error.",
	.flags = CMD_TTY | CMD_QUIET,
	.args =
	(const struct cmd_arg[]){
		CMD_WORD("domain", ARG_STRING, false, "domain name, id or uuid"),
		CMD_VALUE("port", ARG_NUMBER, "of the pages; without it the lowest free one from 6080"),
		{0},
	},
	.exec = domain_novnc_exec,
};
