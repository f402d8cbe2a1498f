/* Verbs that change a domain. Words and sentences are virsh's. */
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/str.h"
#include "src/cmd/rows.h"
#include "src/model/xml.h"

#define XML_FILE_MAX (4u << 20)

/* Read --file; "-" is standard input. *where: its name in errors, the caller's to free. */
static int read_xml(struct cmd_ctx *c, char **text, char **where, struct err *e)
{
	const char *file = cmd_value(c, "file");
	if (!str_eq(file, "-")) {
		int rc = xml_read(file, XML_FILE_MAX, text, e);
		if (!rc)
			*where = x_strdup(file);
		else if (access(file, R_OK) < 0)
			rc = err_sys(e, errno, "Failed to open file '%s'", file);
		return rc;
	}
	AUTO_FREE char *raw = NULL, *name = x_strdup("(standard input)");
	size_t len = 0;
	int rc = file_read_rest(STDIN_FILENO, XML_FILE_MAX, &raw, &len);
	if (rc)
		return err_sys(e, -rc, "cannot read standard input");
	rc = xml_utf8_text(&raw, len, name, e);
	if (rc)
		return rc;
	*text = TAKE_PTR(raw);
	*where = TAKE_PTR(name);
	return 0;
}

static int domain_define_exec(struct cmd_ctx *c, struct err *e)
{
	AUTO_FREE char *text = NULL, *where = NULL, *notes = NULL;
	int rc = read_xml(c, &text, &where, e);
	if (rc)
		return rc;
	rc = c->backend->ops->domain_define(c->backend, text, where,
					    cmd_flag(c, "validate") ? DEFINE_VALIDATE : 0, &c->domain, &notes,
					    e);
	if (rc)
		return err_prefix(e, "Failed to define domain from %s", cmd_value(c, "file"));
	cmd_notes(c, notes);
	cmd_done(c, "Domain '%s' defined from %s", c->domain.name, cmd_value(c, "file"));
	return 0;
}

const struct cmd cmd_domain_define = {
	.name = "domain-define",
	.alias = "define",
	.summary = "define (but don't start) a domain from an XML file",
	.about = "Define a domain, or redefine one of the same name and uuid. A running guest keeps what it "
		 "runs with "
		 "until it is started again. What the XML asks for and vmdeck does not have is told on "
		 "standard error.",
	.args =
		(const struct cmd_arg[]){
			CMD_WORD("file", ARG_FILE, true,
			 "file containing an XML domain description; - is standard input"),
			CMD_FLAG("validate", "validate the XML against libvirt's schema"),
			{0},
		},
	.exec = domain_define_exec,
};

static int domain_undefine_exec(struct cmd_ctx *c, struct err *e)
{
	unsigned flags = (cmd_flag(c, "nvram") ? UNDEFINE_NVRAM : 0u) |
			 (cmd_flag(c, "keep-nvram") ? UNDEFINE_KEEP_NVRAM : 0u);
	if (!c->values) /* from the deck, which takes nothing away but the definition */
		flags = UNDEFINE_KEEP_NVRAM;
	if (flags == (UNDEFINE_NVRAM | UNDEFINE_KEEP_NVRAM))
		return err_set(e, EINVAL, "Options --nvram and --keep-nvram are mutually exclusive");
	int rc = c->backend->ops->domain_undefine(c->backend, c->domain.uuid, flags, e);
	if (rc)
		return cmd_failed(c, e, "undefine");
	cmd_done(c, "Domain '%s' has been undefined", c->domain.name);
	return 0;
}

const struct cmd cmd_domain_undefine = {
	.name = "domain-undefine",
	.alias = "undefine",
	.summary = "undefine a domain",
	.about = "Forget the definition of an inactive domain, or convert a running one to transient. Disks "
		 "are not touched.",
	.target = CMD_DOMAIN,
	.flags = CMD_CONFIRM,
	.args = (const struct cmd_arg[]){CMD_FLAG("nvram", "remove the variable store of its UEFI too"),
					 CMD_FLAG("keep-nvram", "leave the variable store of its UEFI"),
					 {0}},
	.lacks = "managed-save storage remove-all-storage delete-storage-volume-snapshots wipe-storage "
		 "snapshots-metadata checkpoints-metadata tpm keep-tpm",
	.exec = domain_undefine_exec,
};

/* Attach to the console of a guest that was started paused, then let it run: no byte is lost. */
static int run_with_console(struct cmd_ctx *c, bool paused, struct err *e)
{
	const struct backend_ops *ops = c->backend->ops;
	AUTO_CLOSE int fd = -1;
	int rc = ops->console_open(c->backend, c->domain.uuid, 0, UINT64_MAX, &fd, e);
	int rc2 = paused ? 0 : ops->domain_resume(c->backend, c->domain.uuid, rc ? NULL : e);
	if (rc || rc2)
		return err_prefix(e, "domain '%s' is started, but its console cannot be shown",
				  c->domain.name);
	fflush(c->out);
	return console_talk(c, TAKE_FD(fd), e);
}

static unsigned start_flags(const struct cmd_ctx *c)
{
	return (cmd_flag(c, "paused") || cmd_flag(c, "console") ? START_PAUSED : 0) |
	       (cmd_flag(c, "force") ? START_FORCE : 0) |
	       (cmd_flag(c, "no-password") ? START_NO_PASSWORD : 0) |
	       (cmd_flag(c, "reset-nvram") ? START_RESET_NVRAM : 0);
}

static int domain_create_exec(struct cmd_ctx *c, struct err *e)
{
	AUTO_FREE char *text = NULL, *where = NULL, *notes = NULL;
	int rc = read_xml(c, &text, &where, e);
	if (rc)
		return rc;
	rc = c->backend->ops->domain_create(c->backend, text, where, start_flags(c), &c->domain, &notes, e);
	if (rc)
		return err_prefix(e, "Failed to create domain from %s", cmd_value(c, "file"));
	cmd_notes(c, notes);
	cmd_done(c, "Domain '%s' created from %s", c->domain.name, cmd_value(c, "file"));
	cmd_screen_tell(c);
	cmd_net_tell(c);
	return cmd_flag(c, "console") ? run_with_console(c, cmd_flag(c, "paused"), e) : 0;
}

const struct cmd cmd_domain_create = {
	.name = "domain-create",
	.alias = "create",
	.summary = "create a domain from an XML file",
	.about = "Start a domain that exists only while it runs.",
	.args =
		(const struct cmd_arg[]){
			CMD_WORD("file", ARG_FILE, true,
			 "file containing an XML domain description; - is standard input"),
			CMD_FLAG("console", "attach to console after creation"),
			CMD_FLAG("paused", "leave the guest paused after creation"),
			CMD_FLAG("force", "start though this host's KVM interprets kernel mode"),
			CMD_FLAG("no-password", "let the screen ask for no password"),
			CMD_FLAG("reset-nvram", "let UEFI begin with its variables anew"),
			{0},
		},
	.lacks = "autodestroy pass-fds validate",
	.exec = domain_create_exec,
};

static int domain_start_exec(struct cmd_ctx *c, struct err *e)
{
	AUTO_FREE char *notes = NULL;
	int rc = c->backend->ops->domain_start(c->backend, c->domain.uuid, start_flags(c), &notes, e);
	if (rc == -EALREADY)
		return err_set(e, EALREADY, "Domain is already active: '%s'", c->domain.name);
	if (rc)
		return cmd_failed(c, e, "start");
	cmd_notes(c, notes);
	cmd_done(c, "Domain '%s' started", c->domain.name);
	cmd_screen_tell(c);
	cmd_net_tell(c);
	return cmd_flag(c, "console") ? run_with_console(c, cmd_flag(c, "paused"), e) : 0;
}

const struct cmd cmd_domain_start = {
	.name = "domain-start",
	.alias = "start",
	.summary = "start a (previously defined) inactive domain",
	.about = "With --console the terminal is attached before the guest's first instruction: it shows its "
		 "first byte.",
	.target = CMD_DOMAIN,
	.states = DOMAIN_INACTIVE,
	.args =
		(const struct cmd_arg[]){
			CMD_FLAG("console", "attach to console after creation"),
			CMD_FLAG("paused", "leave the guest paused after creation"),
			CMD_FLAG("force", "start though this host's KVM interprets kernel mode"),
			CMD_FLAG("no-password", "let the screen ask for no password"),
			CMD_FLAG("reset-nvram", "let UEFI begin with its variables anew"),
			{0},
		},
	.lacks = "autodestroy bypass-cache force-boot pass-fds",
	.exec = domain_start_exec,
};

static int ask_guest(struct cmd_ctx *c, enum shutdown_what what, const char *verb, const char *done,
		     struct err *e)
{
	const char *mode = cmd_value(c, "mode");
	if (mode && !str_eq(mode, "acpi"))
		return err_set(e, EINVAL, "mode '%s' is not supported: acpi is the only one", mode);
	int rc = c->backend->ops->domain_shutdown(c->backend, c->domain.uuid, what, e);
	if (rc)
		return cmd_failed(c, e, verb);
	cmd_done(c, "Domain '%s' is being %s", c->domain.name, done);
	return 0;
}

static int domain_shutdown_exec(struct cmd_ctx *c, struct err *e)
{
	return ask_guest(c, SHUTDOWN_POWERBUTTON, "shutdown", "shutdown", e);
}

const struct cmd cmd_domain_shutdown = {
	.name = "domain-shutdown",
	.alias = "shutdown",
	.summary = "gracefully shutdown a domain",
	.about = "Press the guest's power button (ACPI) and return at once; what the guest makes of it is "
		 "its own affair.",
	.target = CMD_DOMAIN,
	.states = DOMAIN_RUNNING | DOMAIN_SHUTDOWN,
	.flags = CMD_CONFIRM,
	.args = (const struct cmd_arg[]){CMD_VALUE("mode", ARG_STRING, "shutdown mode: acpi"),
					 {0}},
	.exec = domain_shutdown_exec,
};

static int domain_reboot_exec(struct cmd_ctx *c, struct err *e)
{
	return ask_guest(c, SHUTDOWN_REBOOT, "reboot", "rebooted", e);
}

const struct cmd cmd_domain_reboot = {
	.name = "domain-reboot",
	.alias = "reboot",
	.summary = "reboot a domain",
	.about = "Ask the guest to shut down and start it again when it has.",
	.target = CMD_DOMAIN,
	.states = DOMAIN_RUNNING | DOMAIN_SHUTDOWN,
	.flags = CMD_CONFIRM,
	.args = (const struct cmd_arg[]){CMD_VALUE("mode", ARG_STRING, "reboot mode: acpi"), {0}},
	.exec = domain_reboot_exec,
};

static int domain_reset_exec(struct cmd_ctx *c, struct err *e)
{
	int rc = c->backend->ops->domain_reset(c->backend, c->domain.uuid, e);
	if (rc)
		return cmd_failed(c, e, "reset");
	cmd_done(c, "Domain '%s' was reset", c->domain.name);
	return 0;
}

const struct cmd cmd_domain_reset = {
	.name = "domain-reset",
	.alias = "reset",
	.summary = "reset a domain",
	.about =
		"Reset the domain as if by its reset button. What the guest has not written to disk is lost.",
	.target = CMD_DOMAIN,
	.states = DOMAIN_ACTIVE,
	.flags = CMD_CONFIRM,
	.exec = domain_reset_exec,
};

/* Wait until the machine has left by itself. */
static int wait_gone(struct cmd_ctx *c, struct err *e)
{
	struct domain_info now;
	for (int ms = 0; ms < BACKEND_TIMEOUT_MS; ms += 20) {
		if (c->backend->ops->domain_get(c->backend, c->domain.uuid, &now, NULL) ||
		    now.state & DOMAIN_INACTIVE)
			return 0;
		nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
	}
	return err_set(e, EBUSY, "it did not end within %d s; without --graceful it is killed",
		       BACKEND_TIMEOUT_MS / 1000);
}

static int domain_destroy_exec(struct cmd_ctx *c, struct err *e)
{
	int rc;
	if (cmd_flag(c, "graceful")) {
		AUTO_FREE char *reply = NULL;
		rc = c->backend->ops->domain_command(c->backend, c->domain.uuid, "quit", NULL, &reply, e);
		if (!rc)
			rc = wait_gone(c, e);
	} else
		rc = c->backend->ops->domain_destroy(c->backend, c->domain.uuid, e);
	if (rc)
		return cmd_failed(c, e, "destroy");
	cmd_done(c, "Domain '%s' destroyed", c->domain.name);
	return 0;
}

const struct cmd cmd_domain_destroy = {
	.name = "domain-destroy",
	.alias = "destroy",
	.summary = "destroy (stop) a domain",
	.about = "Stop a guest at once, like pulling the plug; its definition and disks stay. With "
		 "--graceful its machine is "
		 "only asked to quit, never killed.",
	.target = CMD_DOMAIN,
	.states = DOMAIN_ACTIVE,
	.flags = CMD_CONFIRM,
	.args = (const struct cmd_arg[]){CMD_FLAG("graceful", "terminate gracefully"), {0}},
	.lacks = "remove-logs",
	.exec = domain_destroy_exec,
};

static int domain_suspend_exec(struct cmd_ctx *c, struct err *e)
{
	int rc = c->backend->ops->domain_suspend(c->backend, c->domain.uuid, e);
	if (rc)
		return cmd_failed(c, e, "suspend");
	cmd_done(c, "Domain '%s' suspended", c->domain.name);
	return 0;
}

const struct cmd cmd_domain_suspend = {
	.name = "domain-suspend",
	.alias = "suspend",
	.summary = "suspend a domain",
	.about = "Stop the guest's processors; its memory stays in use.",
	.target = CMD_DOMAIN,
	.states = DOMAIN_RUNNING | DOMAIN_SHUTDOWN,
	.exec = domain_suspend_exec,
};

static int domain_resume_exec(struct cmd_ctx *c, struct err *e)
{
	int rc = c->backend->ops->domain_resume(c->backend, c->domain.uuid, e);
	if (rc)
		return cmd_failed(c, e, "resume");
	cmd_done(c, "Domain '%s' resumed", c->domain.name);
	return 0;
}

const struct cmd cmd_domain_resume = {
	.name = "domain-resume",
	.alias = "resume",
	.summary = "resume a domain",
	.about = "Let a suspended guest, or one that was started paused, go on.",
	.target = CMD_DOMAIN,
	.states = DOMAIN_PAUSED,
	.exec = domain_resume_exec,
};

static int domain_autostart_exec(struct cmd_ctx *c, struct err *e)
{
	bool on = !cmd_flag(c, "disable");
	int rc = c->backend->ops->domain_autostart(c->backend, c->domain.uuid, on, e);
	if (rc)
		return err_prefix(e, "Failed to %smark domain '%s' as autostarted", on ? "" : "un",
				  c->domain.name);
	cmd_done(c, "Domain '%s' %smarked as autostarted", c->domain.name, on ? "" : "un");
	return 0;
}

const struct cmd cmd_domain_autostart = {
	.name = "domain-autostart",
	.alias = "autostart",
	.summary = "autostart a domain",
	.about = "Configure a domain to be automatically started at boot.",
	.target = CMD_DOMAIN,
	.args = (const struct cmd_arg[]){CMD_FLAG("disable", "disable autostarting"), {0}},
	.lacks = "once",
	.exec = domain_autostart_exec,
};

/* At the host's boot. One guest that cannot start does not keep the others from it. */
static int domain_autostart_all_exec(struct cmd_ctx *c, struct err *e)
{
	struct domain_info *list;
	size_t n, failed = 0;
	int rc = c->backend->ops->domain_list(c->backend, &list, &n, e);
	if (rc)
		return rc;
	for (size_t i = 0; i < n; i++) {
		AUTO_FREE char *notes = NULL;
		struct err why = {0};
		if (!list[i].autostart || !(list[i].state & DOMAIN_INACTIVE))
			continue;
		c->domain = list[i];
		if (c->backend->ops->domain_start(c->backend, list[i].uuid, 0, &notes, &why)) {
			fprintf(c->msg, "error: Failed to start domain '%s': %s\n", list[i].name, why.msg);
			failed++;
			continue;
		}
		cmd_notes(c, notes);
		cmd_done(c, "Domain '%s' started", list[i].name);
	}
	free(list);
	return failed ? err_set(e, EIO, "%zu of the domains marked for autostart did not start", failed) : 0;
}

const struct cmd cmd_domain_autostart_all = {
	.name = "domain-autostart-all",
	.alias = "autostart-all",
	.summary = "start all domains that are marked for autostart",
	.about = "Start every inactive domain that is marked for autostart, in the order of their names. "
		 "vmdeck-autostart.service calls this at boot.",
	.target = CMD_HOST,
	.exec = domain_autostart_all_exec,
};

static int domain_release_exec(struct cmd_ctx *c, struct err *e)
{
	const char *key = cmd_value(c, "domain");
	char uuid[UUID_TEXT];
	struct domain_info d;
	if (!uuid_canon(key, uuid)) {
		int rc = c->backend->ops->domain_get(c->backend, key, &d, e);
		if (rc)
			return err_prefix(e, "failed to get domain '%s'", key);
		memcpy(uuid, d.uuid, sizeof(uuid));
	}
	return c->backend->ops->domain_release(c->backend, uuid, e);
}

const struct cmd cmd_domain_release = {
	.name = "domain-release",
	.summary = "clean up after a guest that has ended",
	.about = "Run by the keeper of a guest: removes what its run left behind and does what on_poweroff, "
		 "on_reboot or "
		 "on_crash say.",
	.flags = CMD_HIDDEN,
	.args = (const struct cmd_arg[]){CMD_WORD("domain", ARG_STRING, true, "name or uuid"), {0}},
	.exec = domain_release_exec,
};
