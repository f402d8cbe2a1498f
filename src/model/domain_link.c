/* Network cards of a domain by name, and their cables in its XML. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "src/base/str.h"
#include "src/model/domain.h"
#include "src/model/xml.h"

char *domain_interface_name(const struct domain *d, size_t i, char out[16])
{
	const struct domain_interface *f = &d->interfaces[i];
	if (f->type == INTERFACE_BRIDGE && f->ifname)
		snprintf(out, 16, "%s", f->ifname);
	else
		snprintf(out, 16, "net%zu", i);
	return out;
}

size_t domain_interface_find(const struct domain *d, const char *key)
{
	for (size_t i = 0; i < d->ninterfaces; i++) {
		char mac[DOMAIN_MAC_TEXT], name[16], number[16];
		snprintf(number, sizeof(number), "net%zu", i);
		if (!strcasecmp(key, domain_mac_text(d->interfaces[i].mac, mac)) ||
		    str_eq(key, domain_interface_name(d, i, name)) || str_eq(key, number))
			return i;
	}
	return d->ninterfaces;
}

int domain_text_link(const char *text, const char *where, size_t i, bool up, char **out, struct err *e)
{
	struct xml *x;
	int rc = xml_parse(text, strlen(text), where, &x, e);
	if (rc)
		return rc;
	struct xml_node *devices = xml_first(xml_root(x), "devices");
	struct xml_node *n = devices ? xml_first(devices, "interface") : NULL;
	while (n && i--)
		n = xml_next(n, "interface");
	struct xml_node *link = n ? xml_first(n, "link") : NULL;
	if (n && !link)
		link = xml_add(n, NULL, "link", NULL);
	if (link)
		xml_set_attr(link, "state", up ? "up" : "down");
	else
		rc = err_set(e, ENODEV, "%s: there is no such network card", where);
	if (!rc)
		*out = xml_text(x);
	xml_free(x);
	return rc;
}
