/* <qemu:commandline>: arguments for a QEMU that is not there. Of them "-boot" is taken, since libvirt's XML
 * has no other word for a picture during the boot menu or an order for the first boot only. (QEMU, qemu(1),
 * -boot) */
#include <stdlib.h>
#include <string.h>

#include "src/base/cleanup.h"
#include "src/base/str.h"
#include "src/model/domain_xml.h"

static const struct xml_node *commandline(const struct xml_node *root)
{
	const struct xml_node *n = xml_first(root, NULL);
	while (n && !(str_eq(xml_namespace(n), QEMU_NAMESPACE) && str_eq(xml_name(n), "commandline")))
		n = xml_next(n, NULL);
	return n;
}

bool domain_qemu_known(const struct xml_node *n)
{
	bool value = false;
	for (const struct xml_node *a = xml_first(n, NULL); a; a = xml_next(a, NULL)) {
		if (!str_eq(xml_name(a), "arg") || (!value && !str_eq(xml_attr(a, "value"), "-boot")))
			return false;
		value = !value;
	}
	return !value;
}

static int drives(const struct xml_node *n, const char *letters, enum boot_device out[4], unsigned *count,
		  struct err *e)
{
	static const char known[] = "acdn"; /* in the order of enum boot_device */
	char show[64];
	for (*count = 0; *letters; letters++) {
		const char *at = strchr(known, *letters);
		if (!at || *count == 4)
			return xml_bad(n, "value", e,
				       "'%s' is not allowed: up to four of the letters a, c, d and n",
				       str_printable(letters, show, sizeof(show)));
		out[(*count)++] = (enum boot_device)(at - known);
	}
	return 0;
}

static int number(const struct xml_node *n, const char *text, uint64_t max, unsigned *out, struct err *e)
{
	uint64_t v;
	char show[64];
	if (!str_u64(text, &v) || v > max)
		return xml_bad(n, "value", e, "'%s' is not allowed: a number of milliseconds up to %llu",
			       str_printable(text, show, sizeof(show)), (unsigned long long)max);
	*out = (unsigned)v;
	return 0;
}

static int setting(struct domain *d, const struct xml_node *n, const char *key, const char *value,
		   struct err *e)
{
	unsigned ms = 0;
	char show[64];
	int rc = 0;
	if (!strcmp(key, "once")) {
		rc = drives(n, value, d->boot_once, &d->nboot_once, e);
	} else if (!strcmp(key, "order")) {
		rc = d->nboot_devs ? 0 : drives(n, value, d->boot_devs, &d->nboot_devs, e);
	} else if (!strcmp(key, "menu")) {
		d->boot_menu = !strcmp(value, "on");
	} else if (!strcmp(key, "splash-time")) {
		rc = number(n, value, UINT16_MAX, &d->boot_menu_ms, e);
	} else if (!strcmp(key, "reboot-timeout")) {
		rc = strcmp(value, "-1") ? number(n, value, UINT16_MAX, &ms, e) : 0;
		d->reboot_timeout_ms = strcmp(value, "-1") ? (int)ms : -1;
	} else if (!strcmp(key, "splash")) {
		free(d->splash);
		d->splash = x_strdup(value);
		if (*value != '/')
			return xml_bad(n, "value", e, "splash='%s' is not allowed: a path from the root",
				       str_printable(value, show, sizeof(show)));
	} else if (strcmp(key, "strict") != 0) {
		return xml_bad(
		    n, "value", e,
		    "'%s' is not known of -boot: order, once, menu, splash, splash-time, reboot-timeout, "
		    "strict",
		    str_printable(key, show, sizeof(show)));
	}
	return rc;
}

/* "dc" or "order=dc,menu=on,...". */
static int parse_boot(struct domain *d, const struct xml_node *n, struct err *e)
{
	AUTO_FREE char *text = x_strdup(xml_attr(n, "value"));
	char *rest = text;
	int rc = 0;
	for (char *word; text && !rc && (word = strsep(&rest, ","));) {
		char *value = strchr(word, '=');
		if (value)
			*value++ = '\0';
		rc = value ? setting(d, n, word, value, e) : setting(d, n, "order", word, e);
	}
	return rc;
}

int domain_parse_qemu(struct domain *d, struct xml_node *root, struct err *e)
{
	const struct xml_node *n = commandline(root);
	int rc = 0;
	if (!n || !domain_qemu_known(n) || d->kernel)
		return 0;
	for (const struct xml_node *a = xml_first(n, NULL); a && !rc; a = xml_next(xml_next(a, NULL), NULL))
		rc = parse_boot(d, xml_next(a, NULL), e);
	return rc;
}
