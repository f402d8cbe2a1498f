/* Verbs about a domain's disks and what lies in its drives. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "src/base/cleanup.h"
#include "src/base/fmt.h"
#include "src/base/str.h"
#include "src/cmd/rows.h"
#include "src/cmd/table.h"

/* change-media */

static int media_action(struct cmd_ctx *c, enum media_action *action, struct err *e)
{
	static const struct {
		const char *option;
		enum media_action action;
	} actions[] = {
	    {"eject", MEDIA_EJECT},
	    {"insert", MEDIA_INSERT},
	    {"update", MEDIA_UPDATE},
	};
	const char *source = cmd_value(c, "source"), *given = NULL;
	*action = MEDIA_UPDATE;
	for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
		if (!cmd_flag(c, actions[i].option))
			continue;
		if (given)
			return err_set(e, EINVAL, "Options --%s and --%s are mutually exclusive", given,
				       actions[i].option);
		given = actions[i].option;
		*action = actions[i].action;
	}
	if (*action == MEDIA_EJECT && source)
		return err_set(e, EINVAL, "--eject takes no source: leave '%s' away", source);
	if (*action == MEDIA_INSERT && !source)
		return err_set(e, EINVAL, "No disk source specified for inserting");
	return 0;
}

static int domain_change_media_exec(struct cmd_ctx *c, struct err *e)
{
	static const char *const done[] = {
	    [MEDIA_UPDATE] = "updated", [MEDIA_INSERT] = "inserted", [MEDIA_EJECT] = "ejected"};
	static const char *const verb[] = {
	    [MEDIA_UPDATE] = "update", [MEDIA_INSERT] = "insert", [MEDIA_EJECT] = "eject"};
	enum media_action action;
	int rc = media_action(c, &action, e);
	if (rc)
		return rc;
	if (cmd_flag(c, "current") && (cmd_flag(c, "live") || cmd_flag(c, "config")))
		return err_set(e, EINVAL, "Options --current and --%s are mutually exclusive",
			       cmd_flag(c, "live") ? "live" : "config");
	unsigned flags = (cmd_flag(c, "live") ? MEDIA_LIVE : 0) | (cmd_flag(c, "config") ? MEDIA_CONFIG : 0) |
			 (cmd_flag(c, "force") ? MEDIA_FORCE : 0);
	const char *source = cmd_value(c, "source");
	AUTO_FREE char *here = source && *source != '/' ? getcwd(NULL, 0) : NULL;
	AUTO_FREE char *path = here ? x_asprintf("%s/%s", here, source) : x_strdup(source);
	rc = c->backend->ops->domain_change_media(c->backend, c->domain.uuid, cmd_value(c, "path"), path,
						  action, flags, e);
	if (rc)
		return err_prefix(e, "Failed to %s media of domain '%s'", verb[action], c->domain.name);
	cmd_done(c, "Successfully %s media.", done[action]);
	return 0;
}

const struct cmd cmd_domain_change_media = {
    .name = "domain-change-media",
    .alias = "change-media",
    .summary = "change the medium of a CD-ROM drive",
    .about =
	"Eject what lies in a drive, or put an image in its place, in a guest that runs, in the definition, "
	"or in "
	"both. Without --live and --config it is what runs, or the definition of an inactive domain. A tray "
	"that "
	"the guest has locked is only opened with --force; the guest is told that somebody wants the medium.",
    .target = CMD_DOMAIN,
    .args =
	(const struct cmd_arg[]){
	    CMD_WORD("path", ARG_STRING, true, "target of the drive (hdc), or path of the image in it"),
	    CMD_WORD("source", ARG_FILE, false, "image of the new medium"),
	    CMD_FLAG("eject", "eject the medium"),
	    CMD_FLAG("insert", "insert a medium into an empty drive"),
	    CMD_FLAG("update", "replace or eject whatever is there (the default)"),
	    CMD_FLAG("current", "what runs, or the definition of an inactive domain"),
	    CMD_FLAG("live", "the running guest"),
	    CMD_FLAG("config", "the definition: from the next start on"),
	    CMD_FLAG("force", "though the guest has locked the tray"),
	    {0},
	},
    .lacks = "print-xml block",
    .exec = domain_change_media_exec,
};

/* domblklist */

/* What lies in the drive of @k, NULL: nothing. A medium in an open tray does not. */
static const char *source_now(const struct domain_disk *k)
{
	return k->tray_open ? NULL : k->source;
}

static void blklist_json(struct cmd_ctx *c, const struct domain *d)
{
	json_t *list = json_array();
	for (size_t i = 0; i < d->ndisks; i++) {
		static const char *const types[] = {"file", "block"}, *const devices[] = {"disk", "cdrom",
											  "floppy"};
		const struct domain_disk *k = &d->disks[i];
		const char *source = source_now(k);
		json_t *j = json_object();
		json_set_str(j, "type", types[k->type]);
		json_set_str(j, "device", devices[k->device]);
		json_set_str(j, "target", k->target);
		json_set_take(j, "source", source ? json_string(source) : json_null());
		json_array_append_new(list, j);
	}
	cmd_json(c, list);
}

static void blklist_table(struct cmd_ctx *c, const struct domain *d)
{
	static const char *const types[] = {"file", "block"}, *const devices[] = {"disk", "cdrom", "floppy"};
	bool details = cmd_flag(c, "details");
	struct table t = {.columns = details ? 4 : 2};
	const char *const head[] = {"Type", "Device", "Target", "Source"};
	table_row(&t, details ? head : head + 2);
	for (size_t i = 0; i < d->ndisks; i++) {
		const struct domain_disk *k = &d->disks[i];
		const char *source = source_now(k);
		const char *const row[] = {types[k->type], devices[k->device], k->target,
					   source ? source : "-"};
		table_row(&t, details ? row : row + 2);
	}
	table_print(&t, !c->quiet, c->out);
}

static int domain_load_xml(struct cmd_ctx *c, struct domain **d, struct err *e)
{
	AUTO_FREE char *text = NULL;
	int rc = c->backend->ops->domain_xml(c->backend, c->domain.uuid,
					     cmd_flag(c, "inactive") ? XML_INACTIVE : 0, &text, e);
	return rc ? rc : domain_parse(text, strlen(text), c->domain.name, d, e);
}

static int domain_blklist_exec(struct cmd_ctx *c, struct err *e)
{
	struct domain *d = NULL;
	int rc = domain_load_xml(c, &d, e);
	if (rc)
		return cmd_failed(c, e, "list the disks of");
	if (c->json)
		blklist_json(c, d);
	else
		blklist_table(c, d);
	domain_free(d);
	return 0;
}

const struct cmd cmd_domain_blklist = {
    .name = "domain-blklist",
    .alias = "domblklist",
    .summary = "list all domain blocks",
    .about = "The disks of a domain and their images; \"-\" is an empty drive. Of a running guest what lies "
	     "in its drives "
	     "now, also when the guest has ejected it itself.",
    .target = CMD_DOMAIN,
    .flags = CMD_JSON | CMD_QUIET,
    .args = (const struct cmd_arg[]){CMD_FLAG("inactive", "get inactive rather than running configuration"),
				     CMD_FLAG("details", "additionally display the type and device value"),
				     {0}},
    .exec = domain_blklist_exec,
};

/* domblkerror */

/* A disk's error in libvirt's words; NULL: it has none. */
static const char *disk_error(const json_t *disk)
{
	const char *status = json_str(disk, "io-status", "ok");
	return str_eq(status, "ok") ? NULL : str_eq(status, "nospace") ? "no space" : "unspecified error";
}

static void blkerror_json(struct cmd_ctx *c, const json_t *disks)
{
	json_t *list = json_array();
	for (size_t i = 0; i < json_array_size(disks); i++) {
		const json_t *disk = json_array_get(disks, i);
		json_t *j = disk_error(disk) ? json_object() : NULL;
		if (!j)
			continue;
		json_set_str(j, "target", json_str(disk, "device", "?"));
		json_set_str(j, "error", disk_error(disk));
		json_set_str(j, "lost", json_str(disk, "x-lost", NULL));
		json_array_append_new(list, j);
	}
	cmd_json(c, list);
}

static void blkerror_text(struct cmd_ctx *c, const json_t *disks)
{
	bool any = false;
	for (size_t i = 0; i < json_array_size(disks); i++) {
		const json_t *disk = json_array_get(disks, i);
		char name[40], why[100];
		if (!disk_error(disk))
			continue;
		any = true;
		fprintf(c->out, "%s: %s", str_printable(json_str(disk, "device", "?"), name, sizeof(name)),
			disk_error(disk));
		if (json_str(disk, "x-lost", NULL))
			fprintf(c->out, ": a flush failed (%s): data may be lost until it is started anew",
				str_printable(json_str(disk, "x-lost", ""), why, sizeof(why)));
		fprintf(c->out, "\n");
	}
	if (!any)
		fprintf(c->out, "No errors found\n");
}

static int domain_blkerror_exec(struct cmd_ctx *c, struct err *e)
{
	AUTO_FREE char *text = NULL;
	int rc = c->backend->ops->domain_command(c->backend, c->domain.uuid, "query-block", NULL, &text, e);
	if (rc)
		return cmd_failed(c, e, "ask for disk errors of");
	AUTO_JSON json_t *disks = json_parse(text, strlen(text), e);
	if (!disks)
		return cmd_failed(c, e, "ask for disk errors of");
	if (c->json)
		blkerror_json(c, disks);
	else
		blkerror_text(c, disks);
	return 0;
}

const struct cmd cmd_domain_blkerror = {
    .name = "domain-blkerror",
    .alias = "domblkerror",
    .summary = "show errors on block devices",
    .about = "The disks of a running domain that have failed: \"no space\", for which the guest is paused until "
	     "there is room and it is resumed, and \"unspecified error\", when the host has lost what it held for "
	     "the disk: all flushes fail then until the guest is started anew.",
    .target = CMD_DOMAIN,
    .flags = CMD_JSON | CMD_QUIET,
    .exec = domain_blkerror_exec,
};

/* domblkinfo */

static int domain_blkinfo_exec(struct cmd_ctx *c, struct err *e)
{
	struct block_info info;
	int rc =
	    c->backend->ops->domain_block_info(c->backend, c->domain.uuid, cmd_value(c, "device"), &info, e);
	if (rc)
		return cmd_failed(c, e, "tell about a disk of");
	const struct {
		const char *label, *key;
		uint64_t bytes;
	} rows[] = {
	    {"Capacity:", "capacity_bytes", info.capacity},
	    {"Allocation:", "allocation_bytes", info.allocation},
	    {"Physical:", "physical_bytes", info.physical},
	};
	json_t *j = c->json ? json_object() : NULL;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char human[FMT_MAX];
		if (j)
			json_set_int(j, rows[i].key, (int64_t)rows[i].bytes);
		else if (cmd_flag(c, "human"))
			fprintf(c->out, "%-15s %s\n", rows[i].label, fmt_bytes(rows[i].bytes, human));
		else
			fprintf(c->out, "%-15s %llu\n", rows[i].label, (unsigned long long)rows[i].bytes);
	}
	if (j)
		cmd_json(c, j);
	return 0;
}

const struct cmd cmd_domain_blkinfo = {
	.name = "domain-blkinfo",
	.alias = "domblkinfo",
	.summary = "domain block device size information",
	.about = "Bytes of a disk: what the guest sees (Capacity), what the image takes on the host (Allocation), and "
		 "how long it is (Physical).",
	.target = CMD_DOMAIN,
	.flags = CMD_JSON | CMD_QUIET,
	.args = (const struct cmd_arg[]){CMD_WORD("device", ARG_STRING, true, "target of the disk, or path of its image"),
					 CMD_FLAG("human", "with units"),
					 {0}},
	.lacks = "all",
	.exec = domain_blkinfo_exec,
};
