/* Verbs about a domain's network cards: what went through them, and their cables. */
#include <errno.h>
#include <string.h>

#include "src/base/cleanup.h"
#include "src/base/str.h"
#include "src/cmd/rows.h"

/* The card that --interface names, of what runs or (@inactive) of the definition. *d is the caller's. */
static int find_interface(struct cmd_ctx *c, bool inactive, struct domain **d, size_t *i, struct err *e)
{
	AUTO_FREE char *text = NULL;
	const char *key = cmd_value(c, "interface");
	char show[64];
	int rc =
	    c->backend->ops->domain_xml(c->backend, c->domain.uuid, inactive ? XML_INACTIVE : 0, &text, e);
	if (!rc)
		rc = domain_parse(text, strlen(text), c->domain.name, d, e);
	if (rc)
		return rc;
	*i = domain_interface_find(*d, key);
	if (*i < (*d)->ninterfaces)
		return 0;
	domain_free(*d);
	*d = NULL;
	return err_set(e, ENODEV, "interface (%s) not found: domiflist shows those that are there",
		       str_printable(key, show, sizeof(show)));
}

/* For completion: the cards that most guests have. */
static const char *words(const struct cmd_arg *a, unsigned i)
{
	static const char *const cards[] = {"net0", "net1"}, *const states[] = {"up", "down"};
	bool state = str_eq(a->name, "state");
	return i >= 2 || (!state && !str_eq(a->name, "interface")) ? NULL : state ? states[i] : cards[i];
}

/* domifstat */

static void print_stats(struct cmd_ctx *c, const char *name, const struct stat_net *s)
{
	const struct {
		const char *key;
		uint64_t value;
	} rows[] = {
	    {"rx_bytes", s->rx_bytes}, {"rx_packets", s->rx_packets}, {"rx_errs", s->rx_errors},
	    {"rx_drop", s->rx_drop},   {"tx_bytes", s->tx_bytes},     {"tx_packets", s->tx_packets},
	    {"tx_errs", s->tx_errors}, {"tx_drop", s->tx_drop},
	};
	json_t *j = c->json ? json_object() : NULL;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (j)
			json_set_int(j, rows[i].key, (int64_t)rows[i].value);
		else
			fprintf(c->out, "%s %s %llu\n", name, rows[i].key, (unsigned long long)rows[i].value);
	}
	if (j)
		cmd_json(c, j);
}

static int domain_ifstat_exec(struct cmd_ctx *c, struct err *e)
{
	struct domain *d = NULL;
	struct sample s = {0};
	size_t i;
	int rc = find_interface(c, false, &d, &i, e);
	if (!rc)
		rc = c->backend->ops->sample(c->backend, &s, e);
	const struct sample_domain *sd = rc ? NULL : sample_find(&s, c->domain.uuid);
	if (sd && sd->valid && i < sd->nnets)
		print_stats(c, cmd_value(c, "interface"), &sd->nets[i]);
	else if (!rc)
		rc = err_set(e, ENODATA, "the guest does not tell");
	sample_done(&s);
	domain_free(d);
	return rc ? cmd_failed(c, e, "get interface stats of") : 0;
}

const struct cmd cmd_domain_ifstat = {
    .name = "domain-ifstat",
    .alias = "domifstat",
    .summary = "get network interface stats for a domain",
    .about =
	"Bytes, frames, errors and drops of a network card since its guest was started; rx is what the guest "
	"received.",
    .target = CMD_DOMAIN,
    .states = DOMAIN_ACTIVE,
    .flags = CMD_JSON | CMD_QUIET,
    .args = (const struct cmd_arg[]){CMD_WORD("interface", ARG_STRING, true,
					      "MAC address of the card, name of its tap, or net0, net1, ..."),
				     {0}},
    .words = words,
    .exec = domain_ifstat_exec,
};

/* domif-getlink */

static int domain_getlink_exec(struct cmd_ctx *c, struct err *e)
{
	struct domain *d = NULL;
	size_t i;
	int rc = find_interface(c, cmd_flag(c, "config"), &d, &i, e);
	if (rc)
		return cmd_failed(c, e, "get the link state of an interface of");
	const char *state = d->interfaces[i].link_down ? "down" : "up";
	domain_free(d);
	if (c->json) {
		json_t *j = json_object();
		json_set_str(j, "state", state);
		cmd_json(c, j);
	} else {
		fprintf(c->out, "%s %s\n", cmd_value(c, "interface"), state);
	}
	return 0;
}

const struct cmd cmd_domain_getlink = {
    .name = "domain-getlink",
    .alias = "domif-getlink",
    .summary = "get link state of a virtual interface",
    .about = "Is the cable of a network card plugged in? Of what runs, or of the definition of an inactive "
	     "domain.",
    .target = CMD_DOMAIN,
    .flags = CMD_JSON | CMD_QUIET,
    .args = (const struct cmd_arg[]){CMD_WORD("interface", ARG_STRING, true,
					      "MAC address of the card, name of its tap, or net0, net1, ..."),
				     CMD_FLAG("config", "of the definition"),
				     {0}},
    .words = words,
    .exec = domain_getlink_exec,
};

/* domif-setlink */

static int domain_setlink_exec(struct cmd_ctx *c, struct err *e)
{
	const char *state = cmd_value(c, "state");
	bool up = str_eq(state, "up");
	char show[64];
	if (!up && !str_eq(state, "down"))
		return err_set(e, EINVAL, "invalid link state '%s': it is up or down",
			       str_printable(state, show, sizeof(show)));
	unsigned flags = (cmd_flag(c, "live") ? MEDIA_LIVE : 0) | (cmd_flag(c, "config") ? MEDIA_CONFIG : 0);
	int rc = c->backend->ops->domain_set_link(c->backend, c->domain.uuid, cmd_value(c, "interface"), up,
						  flags, e);
	if (rc)
		return cmd_failed(c, e, "set the link state of an interface of");
	cmd_done(c, "Device updated successfully");
	return 0;
}

const struct cmd cmd_domain_setlink = {
    .name = "domain-setlink",
    .alias = "domif-setlink",
    .summary = "set link state of a virtual interface",
    .about = "Plug the cable of a network card in (up), or pull it (down): the guest sees it, and nothing "
	     "goes through. "
	     "Without --live and --config it is what runs, or the definition of an inactive domain.",
    .target = CMD_DOMAIN,
    .args = (const struct cmd_arg[]){CMD_WORD("interface", ARG_STRING, true,
					      "MAC address of the card, name of its tap, or net0, net1, ..."),
				     CMD_WORD("state", ARG_STRING, true, "up or down"),
				     CMD_FLAG("live", "the running guest"),
				     CMD_FLAG("config", "the definition: from the next start on"),
				     {0}},
    .lacks = "persistent print-xml",
    .words = words,
    .exec = domain_setlink_exec,
};
