/* A domain's text in other readings than the definition's: of what runs, and with or without its secrets. */
#include <stdio.h>
#include <string.h>

#include "src/base/str.h"
#include "src/model/domain.h"
#include "src/model/xml.h"

/* Call @fn for each <graphics>. */
static void each_graphics(struct xml *x, void (*fn)(struct xml_node *n, const void *ctx), const void *ctx)
{
	struct xml_node *devices = xml_first(xml_root(x), "devices");
	for (struct xml_node *n = devices ? xml_first(devices, "graphics") : NULL; n;
	     n = xml_next(n, "graphics"))
		fn(n, ctx);
}

/* As libvirt shows a running guest's: the port that it has, and that it was chosen for it. */
static void set_port(struct xml_node *n, const void *ctx)
{
	const int *port = ctx;
	char number[16];
	const char *has = xml_attr(n, "port");
	if (xml_attr(n, "socket") ||
	    (has && *has != '-' && !str_eq(has, "0") && !str_eq(xml_attr(n, "autoport"), "yes")))
		return;
	snprintf(number, sizeof(number), "%d", *port);
	xml_set_attr(n, "port", number);
	xml_set_attr(n, "autoport", "yes");
}

/* The tap behind each interface, and its MTU when that is unusual. */
static void set_taps(struct xml *x, const struct domain_live *live)
{
	struct xml_node *devices = xml_first(xml_root(x), "devices");
	struct xml_node *n = devices ? xml_first(devices, "interface") : NULL;
	for (size_t i = 0; n && i < DOMAIN_INTERFACES_MAX; i++, n = xml_next(n, "interface")) {
		char number[16];
		struct xml_node *target = xml_first(n, "target");
		if (!*live->taps[i].dev)
			continue;
		xml_set_attr(target ? target : xml_add(n, NULL, "target", NULL), "dev", live->taps[i].dev);
		snprintf(number, sizeof(number), "%u", live->taps[i].mtu);
		if (live->taps[i].mtu && !xml_first(n, "mtu"))
			xml_set_attr(xml_add(n, NULL, "mtu", NULL), "size", number);
	}
}

char *domain_live_text(const struct domain *d, const struct domain_live *live)
{
	char number[16];
	snprintf(number, sizeof(number), "%d", live->id);
	struct xml *copy = xml_copy(d->xml);
	xml_set_attr(xml_root(copy), "id", number);
	if (live->vnc_port > 0)
		each_graphics(copy, set_port, &live->vnc_port);
	set_taps(copy, live);
	char *text = xml_text(copy);
	xml_free(copy);
	return text;
}

void domain_live_taps(const struct domain *d, struct domain_live *live)
{
	for (size_t i = 0; i < d->ninterfaces; i++) {
		const struct domain_interface *f = &d->interfaces[i];
		snprintf(live->taps[i].dev, sizeof(live->taps[i].dev), "%s",
			 f->type == INTERFACE_BRIDGE && f->ifname ? f->ifname : "");
		live->taps[i].mtu = f->mtu;
	}
}

static void set_passwd(struct xml_node *n, const void *passwd)
{
	xml_set_attr(n, "passwd", passwd);
	if (!passwd)
		xml_set_attr(n, "passwdValidTo", NULL);
}

char *domain_text_passwd(const char *text, const char *passwd)
{
	struct xml *x;
	if (xml_parse(text, strlen(text), "domain", &x, NULL))
		return NULL;
	each_graphics(x, set_passwd, passwd);
	struct xml_node *meta = passwd ? NULL : xml_first(xml_root(x), "metadata");
	for (struct xml_node *n = meta ? xml_first(meta, NULL) : NULL; n; n = xml_next(n, NULL))
		if (str_eq(xml_name(n), "screen") && str_eq(xml_namespace(n), DOMAIN_NAMESPACE))
			xml_set_attr(n, "viewPasswd", NULL);
	char *out = xml_text(x);
	xml_free(x);
	return out;
}
