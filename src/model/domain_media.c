/* Changing what lies in a drive, in the XML of a domain: of its definition, or of what runs. */
#include <errno.h>
#include <string.h>

#include "src/base/str.h"
#include "src/model/domain.h"
#include "src/model/xml.h"

static struct xml_node *disk_node(const struct xml *x, const char *target)
{
	struct xml_node *devices = xml_first(xml_root(x), "devices");
	for (struct xml_node *n = devices ? xml_first(devices, "disk") : NULL; n; n = xml_next(n, "disk")) {
		struct xml_node *t = xml_first(n, "target");
		if (t && str_eq(xml_attr(t, "dev"), target))
			return n;
	}
	return NULL;
}

static int open_text(const char *text, const char *where, const char *target, struct xml **x,
		     struct xml_node **disk, struct err *e)
{
	char show[64];
	int rc = xml_parse(text, strlen(text), where, x, e);
	if (rc)
		return rc;
	*disk = disk_node(*x, target);
	if (*disk)
		return 0;
	xml_free(*x);
	return err_set(e, ENOENT, "%s: there is no disk '%s'", where,
		       str_printable(target, show, sizeof(show)));
}

/* <source> becomes @path. What else was said of the old one (a startupPolicy, a seclabel) stays. */
static void set_source(struct xml_node *disk, const struct domain_medium *m)
{
	struct xml_node *s = xml_first(disk, "source");
	if (!m->path) {
		if (s)
			xml_remove(s);
		return;
	}
	if (!s)
		s = xml_add(disk, xml_first(disk, "driver"), "source", NULL);
	xml_set_attr(s, "file", m->type == DISK_FILE ? m->path : NULL);
	xml_set_attr(s, "dev", m->type == DISK_BLOCK ? m->path : NULL);
	xml_set_attr(disk, "type", m->type == DISK_FILE ? "file" : "block");
}

int domain_text_medium(const char *text, const char *where, const char *target, const struct domain_medium *m,
		       char **out, struct err *e)
{
	struct xml *x;
	struct xml_node *disk;
	int rc = open_text(text, where, target, &x, &disk, e);
	if (rc)
		return rc;
	set_source(disk, m);
	xml_set_attr(xml_first(disk, "target"), "tray", m->tray_open ? "open" : NULL);
	*out = xml_text(x);
	xml_free(x);
	return 0;
}

int domain_text_without_disk(const char *text, const char *where, const char *target, char **out,
			     struct err *e)
{
	struct xml *x;
	struct xml_node *disk;
	int rc = open_text(text, where, target, &x, &disk, e);
	if (rc)
		return rc;
	xml_remove(disk);
	*out = xml_text(x);
	xml_free(x);
	return 0;
}

char *domain_text_tray(const char *text, const char *target, bool open)
{
	struct xml *x;
	struct xml_node *disk;
	char *out = NULL;
	if (open_text(text, "domain", target, &x, &disk, NULL))
		return NULL;
	struct xml_node *t = xml_first(disk, "target");
	if (str_eq(xml_attr(t, "tray"), "open") != open) {
		xml_set_attr(t, "tray", open ? "open" : NULL);
		out = xml_text(x);
	}
	xml_free(x);
	return out;
}
