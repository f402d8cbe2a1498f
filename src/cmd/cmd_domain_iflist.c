/* Verbs about where a domain's network cards end, and how the guest is reached. */
#include <errno.h>
#include <string.h>

#include "src/base/cleanup.h"
#include "src/base/str.h"
#include "src/cmd/net_text.h"
#include "src/cmd/rows.h"
#include "src/cmd/table.h"
#include "src/proto/net.h"

#define STRING(x) #x
#define DECIMAL(x) STRING(x)

static int load(struct cmd_ctx *c, bool inactive, struct domain **d, struct err *e)
{
	AUTO_FREE char *text = NULL;
	int rc =
	    c->backend->ops->domain_xml(c->backend, c->domain.uuid, inactive ? XML_INACTIVE : 0, &text, e);
	return rc ? rc : domain_parse(text, strlen(text), c->domain.name, d, e);
}

void cmd_net_tell(const struct cmd_ctx *c)
{
	AUTO_FREE char *text = NULL;
	struct domain *d = NULL;
	if (c->quiet || c->json || c->backend->ops->domain_xml(c->backend, c->domain.uuid, 0, &text, NULL) ||
	    domain_parse(text, strlen(text), c->domain.name, &d, NULL))
		return;
	AUTO_BUF struct buf b = {0};
	net_tell(d, &b);
	fputs(buf_text(&b), c->out);
	domain_free(d);
}

/* domiflist */

static const char *source_of(const struct domain_interface *f)
{
	return f->network ? f->network : f->bridge;
}

static json_t *forwards_json(const struct domain_interface *f)
{
	json_t *list = json_array();
	for (size_t i = 0; i < f->nforwards; i++) {
		const struct port_forward *p = &f->forwards[i];
		json_t *j = json_object();
		json_set_str(j, "proto", p->udp ? "udp" : "tcp");
		json_set_str(j, "address", p->address ? p->address : "127.0.0.1");
		json_set_int(j, "start", p->start);
		json_set_int(j, "end", p->end);
		json_set_int(j, "to", p->to);
		json_array_append_new(list, j);
	}
	return list;
}

static void iflist_json(struct cmd_ctx *c, const struct domain *d)
{
	json_t *list = json_array();
	for (size_t i = 0; i < d->ninterfaces; i++) {
		const struct domain_interface *f = &d->interfaces[i];
		const char *source = source_of(f);
		char mac[DOMAIN_MAC_TEXT], name[16];
		json_t *j = json_object();
		json_set_str(j, "interface", domain_interface_name(d, i, name));
		json_set_str(j, "type", f->asked);
		json_set_take(j, "source", source ? json_string(source) : json_null());
		json_set_str(j, "model", "virtio");
		json_set_str(j, "mac", domain_mac_text(f->mac, mac));
		json_set_take(j, "forwards", forwards_json(f));
		json_array_append_new(list, j);
	}
	cmd_json(c, list);
}

static int domain_iflist_exec(struct cmd_ctx *c, struct err *e)
{
	struct domain *d = NULL;
	if (load(c, cmd_flag(c, "inactive"), &d, e))
		return cmd_failed(c, e, "list the interfaces of");
	if (c->json) {
		iflist_json(c, d);
		domain_free(d);
		return 0;
	}
	struct table t = {.columns = 5};
	table_row(&t, (const char *const[]){"Interface", "Type", "Source", "Model", "MAC"});
	for (size_t i = 0; i < d->ninterfaces; i++) {
		const struct domain_interface *f = &d->interfaces[i];
		const char *source = source_of(f);
		char mac[DOMAIN_MAC_TEXT], name[16];
		table_row(&t, (const char *const[]){domain_interface_name(d, i, name), f->asked,
						    source ? source : "-", "virtio",
						    domain_mac_text(f->mac, mac)});
	}
	table_print(&t, !c->quiet, c->out);
	AUTO_BUF struct buf b = {0};
	net_tell(d, &b);
	if (!c->quiet)
		fputs(buf_text(&b), c->out);
	domain_free(d);
	return 0;
}

const struct cmd cmd_domain_iflist = {
    .name = "domain-iflist",
    .alias = "domiflist",
    .summary = "list all domain virtual interfaces",
    .about = "The network cards of a domain, where they end, and which ports of this host lead to the guest.",
    .target = CMD_DOMAIN,
    .flags = CMD_JSON | CMD_QUIET,
    .args =
	(const struct cmd_arg[]){CMD_FLAG("inactive", "get inactive rather than running configuration"), {0}},
    .exec = domain_iflist_exec,
};

/* domifaddr */

/* The guest's address: of the user-mode network by @lease, on a bridge as this host has heard of it by @arp.
 * false: nothing is known. */
static bool address_of(struct cmd_ctx *c, const struct domain_interface *f, bool lease, bool arp,
		       char out[64])
{
	char address[56];
	if (f->type == INTERFACE_USER) {
		snprintf(out, 64, "%s", NET_GUEST "/" DECIMAL(NET_PREFIX));
		return lease;
	}
	if (!arp || c->backend->ops->host_neighbour(c->backend, f->mac, address, NULL))
		return false;
	snprintf(out, 64, "%s/0", address);
	return true;
}

static json_t *addresses(struct cmd_ctx *c, const struct domain *d, size_t only, bool lease, bool arp)
{
	json_t *list = json_array();
	for (size_t i = 0; i < d->ninterfaces; i++) {
		char mac[DOMAIN_MAC_TEXT], name[16], address[64];
		if ((only < d->ninterfaces && i != only) ||
		    !address_of(c, &d->interfaces[i], lease, arp, address))
			continue;
		json_t *j = json_object();
		json_set_str(j, "name", domain_interface_name(d, i, name));
		json_set_str(j, "mac", domain_mac_text(d->interfaces[i].mac, mac));
		json_set_str(j, "protocol", "ipv4");
		json_set_str(j, "address", address);
		json_array_append_new(list, j);
	}
	return list;
}

static void ifaddr_table(struct cmd_ctx *c, const json_t *list)
{
	struct table t = {.columns = 4};
	table_row(&t, (const char *const[]){"Name", "MAC address", "Protocol", "Address"});
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *j = json_array_get(list, i);
		table_row(&t, (const char *const[]){json_str(j, "name", ""), json_str(j, "mac", ""),
						    json_str(j, "protocol", ""), json_str(j, "address", "")});
	}
	table_print(&t, !c->quiet, c->out);
}

static int domain_ifaddr_exec(struct cmd_ctx *c, struct err *e)
{
	const char *wanted = cmd_value(c, "interface"), *source = cmd_value(c, "source");
	struct domain *d = NULL;
	char show[64];
	if (source && !str_eq(source, "lease") && !str_eq(source, "arp"))
		return err_set(e, EINVAL, "unknown data source '%s': lease or arp",
			       str_printable(source, show, sizeof(show)));
	if (load(c, false, &d, e))
		return cmd_failed(c, e, "query for interfaces addresses of");
	size_t only = wanted ? domain_interface_find(d, wanted) : d->ninterfaces;
	if (wanted && only == d->ninterfaces) {
		domain_free(d);
		err_set(e, ENODEV, "interface (%s) not found: domiflist shows those that are there",
			str_printable(wanted, show, sizeof(show)));
		return cmd_failed(c, e, "query for interfaces addresses of");
	}
	json_t *list =
	    addresses(c, d, only, !source || str_eq(source, "lease"), !source || str_eq(source, "arp"));
	domain_free(d);
	if (c->json) {
		cmd_json(c, list);
		return 0;
	}
	ifaddr_table(c, list);
	json_decref(list);
	return 0;
}

static const char *sources(const struct cmd_arg *a, unsigned i)
{
	static const char *const words[] = {"lease", "arp"};
	return str_eq(a->name, "source") && i < ARRAY_SIZE(words) ? words[i] : NULL;
}

const struct cmd cmd_domain_ifaddr = {
    .name = "domain-ifaddr",
    .alias = "domifaddr",
    .summary = "get network interfaces' addresses",
    .about = "In the user-mode network the address that DHCP gives; on a bridge the one that this host has "
	     "heard of (ARP), "
	     "whose prefix it does not know: 0.",
    .target = CMD_DOMAIN,
    .states = DOMAIN_ACTIVE,
    .flags = CMD_JSON | CMD_QUIET,
    .args =
	(const struct cmd_arg[]){
	    {.name = "interface",
	     .kind = ARG_STRING,
	     .position = true,
	     .summary = "MAC address of the card, name of its tap, or net0, net1, ..."},
	    {.name = "source", .kind = ARG_STRING, .summary = "only what lease or arp knows"},
	    CMD_FLAG("full", "always show names and MAC addresses, as is done anyway"),
	    {0}},
    .words = sources,
    .exec = domain_ifaddr_exec,
};
