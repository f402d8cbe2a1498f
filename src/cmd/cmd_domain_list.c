/* list */
#include <errno.h>
#include <string.h>

#include "src/base/cleanup.h"
#include "src/base/str.h"
#include "src/cmd/rows.h"
#include "src/cmd/table.h"

/* Options that choose domains. Within a group any of the given ones is enough; every group must agree. */
enum { BY_STATE, BY_PERSISTENCE, BY_AUTOSTART, GROUPS };
static const struct {
	const char *option;
	int group;
	unsigned states; /* BY_STATE */
	bool want;       /* the others */
} filters[] = {
	{"state-running", BY_STATE, DOMAIN_RUNNING, false},
	{"state-paused", BY_STATE, DOMAIN_PAUSED, false},
	{"state-shutoff", BY_STATE, DOMAIN_SHUTOFF, false},
	{"state-other", BY_STATE, DOMAIN_SHUTDOWN | DOMAIN_CRASHED, false},
	{"persistent", BY_PERSISTENCE, 0, true},
	{"transient", BY_PERSISTENCE, 0, false},
	{"autostart", BY_AUTOSTART, 0, true},
	{"no-autostart", BY_AUTOSTART, 0, false},
};

static bool passes(const struct cmd_ctx *c, const struct domain_info *d)
{
	bool asked[GROUPS] = {false}, met[GROUPS] = {false};
	for (unsigned i = 0; i < ARRAY_SIZE(filters); i++) {
		if (!cmd_flag(c, filters[i].option))
			continue;
		int g = filters[i].group;
		asked[g] = true;
		met[g] |= g == BY_STATE         ? (d->state & filters[i].states) != 0
			  : g == BY_PERSISTENCE ? d->persistent == filters[i].want
						: d->autostart == filters[i].want;
	}
	for (int g = 0; g < GROUPS; g++)
		if (asked[g] && !met[g])
			return false;
	/* As virsh: a state asked for widens the choice to all domains. */
	if (cmd_flag(c, "all") || asked[BY_STATE])
		return true;
	return d->state & (cmd_flag(c, "inactive") ? DOMAIN_INACTIVE : DOMAIN_ACTIVE);
}

/* virsh's order: active ones by id, then the others by name. */
static int by_id_name(const void *pa, const void *pb)
{
	const struct domain_info *a = pa, *b = pb;
	if ((a->id < 0) != (b->id < 0))
		return a->id < 0 ? 1 : -1;
	if (a->id != b->id)
		return a->id < b->id ? -1 : 1;
	return strcmp(a->name, b->name);
}

static void id_text(const struct domain_info *d, char out[16])
{
	if (d->id < 0)
		strcpy(out, "-");
	else
		snprintf(out, 16, "%d", d->id);
}

static void print_table(struct cmd_ctx *c, const struct domain_info *list, size_t n)
{
	bool title = cmd_flag(c, "title");
	struct table t = {.columns = title ? 4 : 3};
	table_row(&t, (const char *[]){"Id", "Name", "State", "Title"});
	for (size_t i = 0; i < n; i++) {
		char id[16];
		id_text(&list[i], id);
		table_row(&t, (const char *[]){id, list[i].name, domain_state_text(list[i].state),
					       list[i].title});
	}
	table_print(&t, !c->quiet, c->out);
}

static void print_words(struct cmd_ctx *c, const struct domain_info *d)
{
	bool name = cmd_flag(c, "name"), uuid = cmd_flag(c, "uuid"), id = cmd_flag(c, "id");
	char words[3][DOMAIN_NAME_MAX + 1], text[16];
	unsigned n = 0;
	id_text(d, text);
	if (uuid)
		snprintf(words[n++], sizeof(words[0]), "%s", d->uuid);
	if (id && (name || uuid || d->id >= 0)) /* alone: active ones only, as virsh */
		snprintf(words[n++], sizeof(words[0]), "%s", text);
	if (name)
		snprintf(words[n++], sizeof(words[0]), "%s", d->name);
	for (unsigned i = 0; i < n; i++)
		fprintf(c->out, "%s%s", words[i], i + 1 < n ? " " : "\n");
}

static int domain_list_exec(struct cmd_ctx *c, struct err *e)
{
	static const char *const words[] = {"name", "uuid", "id"};
	bool plain = false;
	for (unsigned i = 0; i < ARRAY_SIZE(words); i++) {
		if (cmd_flag(c, words[i]) && cmd_flag(c, "table"))
			return err_set(e, EINVAL, "Options --table and --%s are mutually exclusive",
				       words[i]);
		plain |= cmd_flag(c, words[i]);
	}
	AUTO_FREE struct domain_info *list = NULL;
	size_t n = 0, kept = 0;
	int rc = c->backend->ops->domain_list(c->backend, &list, &n, e);
	if (rc)
		return err_prefix(e, "Failed to list domains");
	for (size_t i = 0; i < n; i++)
		if (passes(c, &list[i]))
			list[kept++] = list[i];
	if (kept)
		qsort(list, kept, sizeof(*list), by_id_name);
	if (c->json) {
		json_t *j = json_array();
		for (size_t i = 0; i < kept; i++)
			json_array_append_new(j, cmd_domain_json(&list[i]));
		cmd_json(c, j);
	} else if (plain)
		for (size_t i = 0; i < kept; i++)
			print_words(c, &list[i]);
	else
		print_table(c, list, kept);
	return 0;
}

const struct cmd cmd_domain_list = {
	.name = "domain-list",
	.alias = "list",
	.summary = "list domains",
	.about = "Lists running domains, or those that the options choose.",
	.flags = CMD_JSON | CMD_QUIET,
	.args =
		(const struct cmd_arg[]){
			CMD_FLAG("inactive", "list inactive domains"),
			CMD_FLAG("all", "list inactive & active domains"),
			CMD_FLAG("transient", "list transient domains"),
			CMD_FLAG("persistent", "list persistent domains"),
			CMD_FLAG("state-running", "list domains in running state"),
			CMD_FLAG("state-paused", "list domains in paused state"),
			CMD_FLAG("state-shutoff", "list domains in shutoff state"),
			CMD_FLAG("state-other", "list domains in other states"),
			CMD_FLAG("autostart", "list domains with autostart enabled"),
			CMD_FLAG("no-autostart", "list domains with autostart disabled"),
			CMD_FLAG("uuid", "list uuid's only"),
			CMD_FLAG("name", "list domain names only"),
			CMD_FLAG("id", "list domain IDs only"),
			CMD_FLAG("table", "list table (default)"),
			CMD_FLAG("title", "show domain title"),
			{0},
		},
	.lacks = "with-snapshot without-snapshot with-checkpoint without-checkpoint with-managed-save "
		 "without-managed-save managed-save",
	.exec = domain_list_exec,
};
