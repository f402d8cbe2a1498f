/* Verbs that tell something about one domain. */
#include <errno.h>
#include <string.h>

#include "src/base/cleanup.h"
#include "src/base/str.h"
#include "src/cmd/diagnose.h"
#include "src/cmd/net_text.h"
#include "src/cmd/rows.h"

json_t *cmd_domain_json(const struct domain_info *d)
{
	bool active = d->state & DOMAIN_ACTIVE;
	json_t *j = json_object();
	json_set_str(j, "name", d->name);
	json_set_str(j, "uuid", d->uuid);
	json_set_take(j, "id", d->id >= 0 ? json_integer(d->id) : json_null());
	json_set_str(j, "title", d->title);
	json_set_str(j, "state", domain_state_text(d->state));
	json_set_str(j, "reason", domain_reason_text(d->reason));
	json_set_str(j, "detail", d->detail);
	json_set_flag(j, "persistent", d->persistent);
	json_set_flag(j, "autostart", d->autostart);
	json_set_flag(j, "changed", d->changed);
	json_set_int(j, "vcpus", d->vcpus);
	json_set_int(j, "max_vcpus", d->max_vcpus);
	json_set_int(j, "memory_bytes", (int64_t)d->memory_bytes);
	json_set_int(j, "max_memory_bytes", (int64_t)d->max_memory_bytes);
	json_set_take(j, "started_ms", active && d->started_ms ? json_integer(d->started_ms) : json_null());
	return j;
}

/* Host CPU time of a running guest, or 0. */
static uint64_t cpu_ns(struct cmd_ctx *c)
{
	struct sample s = {0};
	if (!(c->domain.state & DOMAIN_ACTIVE) || c->backend->ops->sample(c->backend, &s, NULL))
		return 0;
	const struct sample_domain *d = sample_find(&s, c->domain.uuid);
	uint64_t ns = d && d->valid ? d->cpu_ns : 0;
	sample_done(&s);
	return ns;
}

/* Has the running guest's BIOS tried everything and found nothing? (x-firmware-log) */
static bool nothing_boots(struct cmd_ctx *c, const struct domain *d)
{
	AUTO_FREE char *reply = NULL;
	if (d->kernel || d->firmware != FIRMWARE_BIOS || !(c->domain.state & DOMAIN_ACTIVE) ||
	    c->backend->ops->domain_command(c->backend, c->domain.uuid, "x-firmware-log", NULL, &reply, NULL))
		return false;
	AUTO_JSON json_t *j = json_parse(reply, strlen(reply), NULL);
	return j && json_flag(j, "no-bootable-device", false);
}

/* What it does, when nothing is heard of it. */
static void info_diagnosis(struct cmd_ctx *c, const struct domain *d, json_t *j)
{
	struct diagnosis g;
	diagnose_domain(c->backend, &c->domain, d, &g);
	if (j) {
		json_t *o = json_object();
		json_set_str(o, "kind", diagnosis_kind_text(g.kind));
		json_set_flag(o, "trouble", g.trouble);
		json_set_str(o, "what", g.what);
		json_set_str(o, "remedy", g.remedy);
		json_set_take(j, "diagnosis", o);
		return;
	}
	if (*g.what)
		fprintf(c->out, "%-15s %s\n", "Diagnosis:", g.what);
	if (*g.remedy)
		fprintf(c->out, "%-15s %s\n", "", g.remedy);
}

/* Where its network cards end, and how it is reached. */
static void info_network(struct cmd_ctx *c, const struct domain *d)
{
	for (size_t i = 0; i < d->ninterfaces; i++) {
		const struct domain_interface *f = &d->interfaces[i];
		char mac[DOMAIN_MAC_TEXT];
		fprintf(c->out, "%-15s %s%s%s (%s)\n",
			"Network:", f->type == INTERFACE_BRIDGE ? "bridge " : "user-mode network",
			f->bridge ? f->bridge : "", f->link_down ? ", cable pulled" : "",
			domain_mac_text(f->mac, mac));
		for (size_t k = 0; k < f->nforwards; k++) {
			AUTO_FREE char *text = net_forward_text(&f->forwards[k]);
			fprintf(c->out, "%-15s %s of the guest\n", "Forwarded:", text);
		}
	}
	AUTO_FREE char *ssh = net_ssh_text(d);
	if (ssh)
		fprintf(c->out, "%-15s %s\n", "Into the guest:", ssh);
}

/* What its XML makes of the PC; nothing when that cannot be read, which others say. */
static void info_machine(struct cmd_ctx *c, json_t *j)
{
	AUTO_FREE char *text = NULL;
	struct domain *d = NULL;
	if (c->backend->ops->domain_xml(c->backend, c->domain.uuid, 0, &text, NULL) ||
	    domain_parse(text, strlen(text), c->domain.name, &d, NULL)) {
		info_diagnosis(c, NULL, j);
		return;
	}
	struct screen_info now;
	if (d->graphics && !c->backend->ops->domain_screen(c->backend, c->domain.uuid, &now, NULL) &&
	    now.port)
		d->graphics->port = now.port; /* that it has, where the XML leaves it to us */
	AUTO_FREE char *firmware = domain_firmware_text(d), *boot = domain_boot_text(d, true),
		       *screen = domain_screen_text(d);
	bool none = nothing_boots(c, d);
	if (j) {
		json_set_str(j, "firmware", firmware);
		json_set_str(j, "boot", boot);
		json_set_flag(j, "nothing_boots", none);
		json_set_str(j, "screen", screen);
	} else {
		fprintf(c->out, "%-15s %s\n", "Firmware:", firmware);
		fprintf(c->out, "%-15s %s%s\n", "Boots:", boot,
			none ? "; the firmware found no bootable device" : "");
		fprintf(c->out, "%-15s %s\n", "Screen:", screen);
		info_network(c, d);
	}
	info_diagnosis(c, d, j);
	domain_free(d);
}

static int domain_info_exec(struct cmd_ctx *c, struct err *e)
{
	const struct domain_info *d = &c->domain;
	uint64_t ns = cpu_ns(c);
	if (c->json) {
		json_t *j = cmd_domain_json(d);
		json_set_take(j, "cpu_ns", ns ? json_integer((json_int_t)ns) : json_null());
		info_machine(c, j);
		cmd_json(c, j);
		return 0;
	}
	if (d->id >= 0)
		fprintf(c->out, "%-15s %d\n", "Id:", d->id);
	else
		fprintf(c->out, "%-15s %s\n", "Id:", "-");
	fprintf(c->out, "%-15s %s\n", "Name:", d->name);
	fprintf(c->out, "%-15s %s\n", "UUID:", d->uuid);
	fprintf(c->out, "%-15s %s\n", "OS Type:", "hvm");
	fprintf(c->out, "%-15s %s\n", "State:", domain_state_text(d->state));
	fprintf(c->out, "%-15s %u\n", "CPU(s):", d->vcpus);
	if (ns)
		fprintf(c->out, "%-15s %.1fs\n", "CPU time:", (double)ns / 1e9);
	fprintf(c->out, "%-15s %llu KiB\n", "Max memory:", (unsigned long long)d->max_memory_bytes >> 10);
	fprintf(c->out, "%-15s %llu KiB\n", "Used memory:", (unsigned long long)d->memory_bytes >> 10);
	fprintf(c->out, "%-15s %s\n", "Persistent:", d->persistent ? "yes" : "no");
	fprintf(c->out, "%-15s %s\n", "Autostart:", d->autostart ? "enable" : "disable");
	fprintf(c->out, "%-15s %s\n", "Managed save:", "no");
	fprintf(c->out, "%-15s %s\n", "Security model:", "none");
	fprintf(c->out, "%-15s %s\n", "Security DOI:", "0");
	info_machine(c, NULL);
	return 0;
}

const struct cmd cmd_domain_info = {
    .name = "domain-info",
    .alias = "dominfo",
    .summary = "domain information",
    .about = "Returns basic information about the domain, what firmware it starts with, from what, and its "
	     "screen.",
    .target = CMD_DOMAIN,
    .flags = CMD_JSON | CMD_QUIET,
    .exec = domain_info_exec,
};

static int domain_state_exec(struct cmd_ctx *c, struct err *e)
{
	const struct domain_info *d = &c->domain;
	if (c->json) {
		json_t *j = json_object();
		json_set_str(j, "state", domain_state_text(d->state));
		json_set_str(j, "reason", domain_reason_text(d->reason));
		json_set_str(j, "detail", d->detail);
		cmd_json(c, j);
	} else if (cmd_flag(c, "reason"))
		fprintf(c->out, "%s (%s)\n", domain_state_text(d->state), domain_reason_text(d->reason));
	else
		fprintf(c->out, "%s\n", domain_state_text(d->state));
	return 0;
}

const struct cmd cmd_domain_state = {
	.name = "domain-state",
	.alias = "domstate",
	.summary = "domain state",
	.about = "Returns state about a domain.",
	.target = CMD_DOMAIN,
	.flags = CMD_JSON | CMD_QUIET,
	.args = (const struct cmd_arg[]){CMD_FLAG("reason", "also print reason for the state"), {0}},
	.exec = domain_state_exec,
};

static void print_identity(struct cmd_ctx *c, const char *text)
{
	if (!c->json) {
		fprintf(c->out, "%s\n", text);
		return;
	}
	json_t *j = json_object();
	json_set_str(j, "name", c->domain.name);
	json_set_str(j, "uuid", c->domain.uuid);
	json_set_take(j, "id", c->domain.id >= 0 ? json_integer(c->domain.id) : json_null());
	cmd_json(c, j);
}

static int domain_id_exec(struct cmd_ctx *c, struct err *e)
{
	char id[16];
	snprintf(id, sizeof(id), "%d", c->domain.id);
	print_identity(c, c->domain.id >= 0 ? id : "-");
	return 0;
}

const struct cmd cmd_domain_id = {
	.name = "domain-id",
	.alias = "domid",
	.summary = "convert a domain name or UUID to domain id",
	.target = CMD_DOMAIN,
	.flags = CMD_JSON | CMD_QUIET,
	.exec = domain_id_exec,
};

static int domain_name_exec(struct cmd_ctx *c, struct err *e)
{
	print_identity(c, c->domain.name);
	return 0;
}

const struct cmd cmd_domain_name = {
	.name = "domain-name",
	.alias = "domname",
	.summary = "convert a domain id or UUID to domain name",
	.target = CMD_DOMAIN,
	.flags = CMD_JSON | CMD_QUIET,
	.exec = domain_name_exec,
};

static int domain_uuid_exec(struct cmd_ctx *c, struct err *e)
{
	print_identity(c, c->domain.uuid);
	return 0;
}

const struct cmd cmd_domain_uuid = {
	.name = "domain-uuid",
	.alias = "domuuid",
	.summary = "convert a domain name or id to domain UUID",
	.target = CMD_DOMAIN,
	.flags = CMD_JSON | CMD_QUIET,
	.exec = domain_uuid_exec,
};

static int domain_dumpxml_exec(struct cmd_ctx *c, struct err *e)
{
	AUTO_FREE char *text = NULL;
	int rc = c->backend->ops->domain_xml(c->backend, c->domain.uuid,
					     (cmd_flag(c, "inactive") ? XML_INACTIVE : 0u) |
						 (cmd_flag(c, "security-info") ? XML_SECURE : 0u),
					     &text, e);
	if (rc)
		return cmd_failed(c, e, "dump the XML of");
	fprintf(c->out, "%s%s", text, str_ends(text, "\n") ? "" : "\n");
	return 0;
}

const struct cmd cmd_domain_dumpxml = {
	.name = "domain-dumpxml",
	.alias = "dumpxml",
	.summary = "domain information in XML",
	.about = "Output the domain information as an XML dump to stdout: of a running guest what it runs "
		 "with, else its "
		 "definition.",
	.target = CMD_DOMAIN,
	.flags = CMD_QUIET,
	.args = (const struct cmd_arg[]){CMD_FLAG("inactive", "show inactive defined XML"),
					 CMD_FLAG("security-info", "with its passwords"),
					 {0}},
	.lacks = "update-cpu migratable xpath wrap",
	.exec = domain_dumpxml_exec,
};

static int domain_ttyconsole_exec(struct cmd_ctx *c, struct err *e)
{
	AUTO_FREE char *path = NULL;
	int rc = c->backend->ops->console_path(c->backend, c->domain.uuid, 0, &path, e);
	if (rc)
		return err_prefix(e, "Failed to get the console of domain '%s'", c->domain.name);
	if (!c->json) {
		fprintf(c->out, "%s\n", path);
		return 0;
	}
	json_t *j = json_object();
	json_set_str(j, "path", path);
	cmd_json(c, j);
	return 0;
}

const struct cmd cmd_domain_ttyconsole = {
	.name = "domain-ttyconsole",
	.alias = "ttyconsole",
	.summary = "tty console",
	.about = "Output the path of the socket that carries the guest's first serial console; socat and the "
		 "like can open it.",
	.target = CMD_DOMAIN,
	.flags = CMD_JSON | CMD_QUIET,
	.exec = domain_ttyconsole_exec,
};

/* The command and its arguments out of what was typed: QMP's JSON object, or a bare name and an optional
 * object. */
static int split_command(const char *text, char **command, char **arguments, struct err *e)
{
	text += strspn(text, " \n\t");
	if (*text != '{') {
		size_t n = strcspn(text, " \n\t");
		const char *rest = text + n + strspn(text + n, " \n\t");
		*command = x_strndup(text, n);
		*arguments = *rest ? x_strdup(rest) : NULL;
		return 0;
	}
	AUTO_JSON json_t *j = json_parse(text, strlen(text), e);
	if (!j)
		return -e->code;
	const char *name = json_str(j, "execute", NULL);
	if (!name)
		return err_set(e, EINVAL, "a QMP command wants \"execute\": {\"execute\":\"query-status\"}");
	*command = x_strdup(name);
	json_t *a = json_object_get(j, "arguments");
	*arguments = a ? json_text(a, false) : NULL;
	return 0;
}

static int domain_command_exec(struct cmd_ctx *c, struct err *e)
{
	AUTO_FREE char *command = NULL, *arguments = NULL, *reply = NULL;
	int rc = split_command(cmd_value(c, "cmd"), &command, &arguments, e);
	if (!rc)
		rc = c->backend->ops->domain_command(c->backend, c->domain.uuid, command, arguments, &reply,
						     e);
	if (rc)
		return err_prefix(e, "Failed to run a command on domain '%s'", c->domain.name);
	json_t *value = json_parse(reply, strlen(reply), e);
	if (!value)
		return err_prefix(e, "the guest's answer");
	AUTO_JSON json_t *j = value;
	if (!cmd_flag(c, "return-value")) {
		j = json_object();
		json_set_take(j, "return", value);
	}
	AUTO_FREE char *text = json_text(j, cmd_flag(c, "pretty"));
	fprintf(c->out, "%s\n", text);
	return 0;
}

const struct cmd cmd_domain_command = {
	.name = "domain-command",
	.alias = "qemu-monitor-command",
	.summary = "send one QMP command to a running guest",
	.about = "The words are a QMP command: {\"execute\":\"query-status\"}, or just query-status; "
		 "query-commands lists what "
		 "there is.",
	.target = CMD_DOMAIN,
	.states = DOMAIN_ACTIVE,
	.args =
		(const struct cmd_arg[]){
			CMD_FLAG("pretty", "pretty-print the answer"),
			CMD_FLAG("return-value", "only the value of the answer's \"return\""),
			{.name = "cmd", .kind = ARG_STRING, .position = true, .required = true,
			 .summary = "command", .rest = true},
			{0},
		},
	.lacks = "hmp pass-fds",
	.exec = domain_command_exec,
};
