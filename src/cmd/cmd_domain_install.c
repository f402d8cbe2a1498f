/* vmdeck install: virt-install's command line, words and sentences. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "src/base/cleanup.h"
#include "src/base/fmt.h"
#include "src/base/str.h"
#include "src/cmd/install_value.h"
#include "src/cmd/rows.h"
#include "src/model/osinfo.h"

#define LOOK_MS 300       /* between looks at the guest while waiting */
#define RESTART_MS 30000  /* that the definition may take to start after the installer's reboot */

/* How the guest is shown when it runs. */
enum show { SHOW_NONE, SHOW_TEXT, SHOW_GRAPHICAL };

/* --- help --- */

static void sub_help(FILE *out, const struct cmd_arg *a)
{
	fprintf(out, "--%s options:\n", a->name);
	for (const struct cmd_sub *s = a->subs; s->name; s++) {
		if (s->lacks)
			continue;
		fprintf(out, "  %-22s  %s%s", s->name, s->kind == SUB_BOOL ? "yes or no: " : "", s->summary);
		if (s->kind == SUB_CHOICE)
			fprintf(out, "; one of %s", s->values);
		fputc('\n', out);
	}
}

static void os_line(const char *short_id, const char *name, void *ctx)
{
	fprintf(ctx, "%-28s %s\n", short_id, name);
}

/* "--disk=?" and "--osinfo list": *done when there was such a one. */
static int ask(struct cmd_ctx *c, const struct install_request *r, bool *done, struct err *e)
{
	for (size_t i = 0; i < r->n && !*done; i++) {
		const struct cmd_arg *a = install_option(r->words[i].option);
		if (a && a->subs && (str_eq(r->words[i].value, "?") || str_eq(r->words[i].value, "help"))) {
			sub_help(c->out, a);
			*done = true;
		} else if (a && str_eq(a->name, "osinfo") && str_eq(r->words[i].value, "list")) {
			*done = true;
			return osinfo_each(os_line, c->out, e);
		}
	}
	return 0;
}

/* --- the request --- */

static void take_request(const struct cmd_ctx *c, struct install_request *r)
{
	for (unsigned i = 0; c->values && c->cmd->args[i].name; i++) {
		const struct cmd_arg *a = &c->cmd->args[i];
		const char *p = c->values[i];
		if (!p)
			continue;
		if (!a->many) {
			install_add(r, a->name, p);
			continue;
		}
		for (bool more = true; more;) {
			size_t n = strcspn(p, "\n");
			AUTO_FREE char *one = x_strndup(p, n);
			install_add(r, a->name, one);
			more = p[n];
			p += n + more;
		}
	}
}

static int take_show(const struct cmd_ctx *c, const struct install_plan *p, enum show *show, struct err *e)
{
	AUTO_VALUE struct install_value v = {0};
	const char *text = cmd_value(c, "autoconsole");
	int rc = text ? install_split(install_option("autoconsole"), text, &v, e) : 0;
	const char *type = rc ? NULL : value_get(&v, "type");
	if (cmd_flag(c, "noautoconsole") || str_eq(type, "none"))
		*show = SHOW_NONE;
	else if (str_eq(type, "text"))
		*show = SHOW_TEXT;
	else if (p->screen || str_eq(type, "graphical"))
		*show = SHOW_GRAPHICAL;
	else /* without a terminal nobody could see it */
		*show = p->console && isatty(STDIN_FILENO) && c->tty ? SHOW_TEXT : SHOW_NONE;
	return rc;
}

/* --- printing --- */

static void print_xml(struct cmd_ctx *c, const struct install_plan *p, const char *step)
{
	if (p->first_xml && !str_eq(step, "2"))
		fputs(p->first_xml, c->out);
	if (!p->first_xml || !str_eq(step, "1"))
		fputs(p->define_xml, c->out);
}

static void tell_files(struct cmd_ctx *c, const struct install_plan *p)
{
	char size[FMT_MAX];
	for (size_t i = 0; i < p->nfiles; i++) {
		const char *slash = strrchr(p->files[i].path, '/');
		AUTO_FREE char *name = x_asprintf("'%s'", slash ? slash + 1 : p->files[i].path);
		cmd_done(c, "Allocating %-40s | %s", name, fmt_bytes(p->files[i].bytes, size));
	}
}

/* --- afterwards --- */

enum progress { GOES_ON, NEXT_BOOT, OVER };

/* How far is it? @id: of the first boot. The guest is away for a moment between the installer's reboot and
 * the definition's start: *away_ms counts that. */
static enum progress look(struct cmd_ctx *c, int id, unsigned *away_ms)
{
	struct domain_info d;
	if (c->backend->ops->domain_get(c->backend, c->domain.uuid, &d, NULL))
		return OVER;
	c->domain = d;
	if (d.state & DOMAIN_ACTIVE) {
		*away_ms = 0;
		return d.id == id ? GOES_ON : NEXT_BOOT;
	}
	*away_ms += LOOK_MS;
	return d.restarts && *away_ms < RESTART_MS ? GOES_ON : OVER;
}

/* Until the first boot has ended, or @minutes are over (negative: never). */
static enum progress wait_for_end(struct cmd_ctx *c, int id, double minutes)
{
	struct timespec start, now;
	unsigned away = 0;
	enum progress at;
	clock_gettime(CLOCK_MONOTONIC, &start);
	while ((at = look(c, id, &away)) == GOES_ON) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (minutes >= 0 && (double)(now.tv_sec - start.tv_sec) >= minutes * 60)
			break;
		nanosleep(&(struct timespec){.tv_nsec = LOOK_MS * 1000000}, NULL);
	}
	return at;
}

static int show_console(struct cmd_ctx *c, struct err *e)
{
	int fd = -1;
	int rc = c->backend->ops->console_open(c->backend, c->domain.uuid, 0, UINT64_MAX, &fd, e);
	fflush(c->out);
	return rc ? err_prefix(e, "Failed to open the console of domain '%s'", c->domain.name)
		  : console_talk(c, fd, e);
}

/* The console of the installer and, when that has started the guest anew, of what was installed. */
static int show_text(struct cmd_ctx *c, const struct install_plan *p, struct err *e)
{
	int id = c->domain.id, rc = show_console(c, e);
	unsigned away = 0;
	if (rc || !p->installs || look(c, id, &away) == OVER)
		return rc;
	if (c->domain.id == id && c->domain.state & DOMAIN_ACTIVE)
		return 0; /* the person has left it */
	if (wait_for_end(c, id, -1) != NEXT_BOOT)
		return 0;
	cmd_done(c, "Restarting guest.");
	return show_console(c, e);
}

static int tell_end(struct cmd_ctx *c, const struct install_plan *p, enum progress at, struct err *e)
{
	bool off = !(c->domain.state & DOMAIN_ACTIVE);
	if (at == GOES_ON)
		cmd_done(c,
			 "Domain installation still in progress. You can reconnect to\nthe console to "
			 "complete the installation process:\n"
			 "  vmdeck console %s",
			 p->name);
	else if (off && (c->domain.state == DOMAIN_CRASHED || c->domain.reason == DOMAIN_REASON_DESTROYED))
		return err_set(e, ECANCELED,
			       "Domain installation does not appear to have been successful: domain '%s' is "
			       "%s (%s%s%s). If it was, you can "
			       "restart your domain by running: vmdeck start %s",
			       p->name, domain_state_text(c->domain.state),
			       domain_reason_text(c->domain.reason), *c->domain.detail ? ": " : "",
			       c->domain.detail, p->name);
	else if (off && c->domain.persistent)
		cmd_done(
		    c,
		    "Domain creation completed.\nYou can restart your domain by running:\n  vmdeck start %s",
		    p->name);
	else
		cmd_done(c, "Domain creation completed.");
	return 0;
}

/* What --wait, --autoconsole and --destroy-on-exit ask for. */
static int follow(struct cmd_ctx *c, const struct install_plan *p, enum show show, struct err *e)
{
	const char *wait = cmd_value(c, "wait");
	int id = c->domain.id, rc = 0;
	unsigned away = 0;
	if (show != SHOW_NONE || p->screen)
		cmd_screen_tell(c);
	cmd_net_tell(c);
	fflush(c->out);
	if (show == SHOW_TEXT)
		rc = show_text(c, p, e);
	if (show == SHOW_TEXT && cmd_flag(c, "destroy-on-exit") && look(c, c->domain.id, &away) != OVER &&
	    c->domain.state & DOMAIN_ACTIVE)
		return c->backend->ops->domain_destroy(c->backend, c->domain.uuid, e);
	if (rc)
		return rc;
	enum progress at = p->installs ? look(c, id, &away) : NEXT_BOOT;
	if (wait && at == GOES_ON) {
		cmd_done(c, "Waiting for the installation to complete.");
		fflush(c->out);
		at = wait_for_end(c, id, *wait && *wait != '-' ? strtod(wait, NULL) : -1);
		if (at == GOES_ON)
			return err_set(
			    e, ETIMEDOUT,
			    "Installation has exceeded specified time limit: domain '%s' goes on with it",
			    p->name);
	}
	return tell_end(c, p, at, e);
}

static int install_exec(struct cmd_ctx *c, struct err *e)
{
	struct install_request r = {0};
	struct install_plan *p = NULL;
	AUTO_FREE char *notes = NULL;
	enum show show = SHOW_NONE;
	bool done = false;
	take_request(c, &r);
	c->quiet |= cmd_flag(c, "quiet") || cmd_flag(c, "print-xml");
	int rc = ask(c, &r, &done, e);
	if (!rc && !done)
		rc = install_plan(c->backend, &r, &p, e);
	if (!rc && p)
		rc = take_show(c, p, &show, e);
	if (!rc && p && !c->quiet)
		cmd_notes(c, p->notes);
	if (!rc && p && cmd_flag(c, "print-xml")) {
		print_xml(c, p, cmd_value(c, "print-xml"));
	} else if (!rc && p) {
		cmd_done(c, "\nStarting install...");
		if (cmd_flag(c, "dry-run")) {
			cmd_done(c, "Dry run completed successfully");
		} else {
			tell_files(c, p);
			fflush(c->out);
			rc = install_run(c->backend, p, &c->domain, &notes, e);
			if (!rc)
				cmd_notes(c, notes);
			rc = rc ? err_prefix(e, "Failed to install domain '%s', nothing of it is left",
					     p->name)
				: follow(c, p, show, e);
		}
	}
	install_plan_free(p);
	install_request_done(&r);
	return rc;
}

/* Systems for the shell, read when one is asked for; they stay until the process ends. */
static struct {
	char **names;
	unsigned n;
	bool read;
} systems;

static void add_system(const char *short_id, const char *name, void *ctx)
{
	systems.names = x_realloc(systems.names, (systems.n + 1) * sizeof(char *));
	systems.names[systems.n++] = x_strdup(short_id);
}

static const char *install_words(const struct cmd_arg *a, unsigned i)
{
	static const char *const others[] = {"detect", "generic", "list"};
	static const char *const networks[] = {"user", "default", "none"};
	if (str_eq(a->name, "network"))
		return i < ARRAY_SIZE(networks) ? networks[i] : NULL;
	if (!str_eq(a->name, "osinfo"))
		return NULL;
	if (i < ARRAY_SIZE(others))
		return others[i];
	if (!systems.read)
		osinfo_each(add_system, NULL, NULL);
	systems.read = true;
	return i - ARRAY_SIZE(others) < systems.n ? systems.names[i - ARRAY_SIZE(others)] : NULL;
}

const struct cmd cmd_domain_install = {
    .name = "domain-install",
    .alias = "install",
    .summary = "make a new guest and install it, with virt-install's options",
    .about = "Make the disks, define the guest and start its installer. When that reboots the guest, it "
	     "comes up from its disk, "
	     "whether anybody waits or not. Sub-options of an option are listed by --OPTION=?. See "
	     "vmdeck-install(1).",
    .target = CMD_HOST,
    .flags = CMD_TTY | CMD_ABBREV,
    .args = install_args,
    .words = install_words,
    .exec = install_exec,
};
