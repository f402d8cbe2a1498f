/* A domain as a thing: loading, names, texts, the end. What its XML means is read in domain_xml.c. */
#include "src/model/domain.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/str.h"
#include "src/model/domain_xml.h"

static const char *const actions[] = {
    [DOMAIN_ACTION_DESTROY] = "destroy",
    [DOMAIN_ACTION_RESTART] = "restart",
    [DOMAIN_ACTION_PRESERVE] = "preserve",
    [DOMAIN_ACTION_RENAME_RESTART] = "rename-restart",
    [DOMAIN_ACTION_COREDUMP_DESTROY] = "coredump-destroy",
    [DOMAIN_ACTION_COREDUMP_RESTART] = "coredump-restart",
};

const char *domain_action_text(enum domain_action a)
{
	return (unsigned)a < ARRAY_SIZE(actions) ? actions[a] : "destroy";
}

int domain_name_check(const char *name, struct err *e)
{
	char show[128];
	if (!name || !*name)
		return err_set(e, EINVAL, "a domain's name must not be empty");
	if (strlen(name) > DOMAIN_NAME_MAX)
		return err_set(e, EINVAL, "a domain's name of %zu bytes is too long: at most %d",
			       strlen(name), DOMAIN_NAME_MAX);
	if (str_eq(name, ".") || str_eq(name, ".."))
		return err_set(e, EINVAL, "'%s' is not allowed as a domain's name", name);
	/* Control characters of C0, and of C1 as UTF-8 writes them (U+0080 to U+009F). */
	for (const unsigned char *p = (const unsigned char *)name; *p; p++) {
		bool control = *p < 0x20 || *p == 0x7f || (*p == 0xc2 && p[1] < 0xa0);
		if (control || *p == '/')
			return err_set(e, EINVAL, "'%s' is not allowed as a domain's name: it holds a %s",
				       str_printable(name, show, sizeof(show)),
				       control ? "control character" : "'/'");
	}
	return 0;
}

int domain_new_name_check(const char *name, struct err *e)
{
	char show[128];
	int rc = domain_name_check(name, e);
	if (rc)
		return rc;
	if (*name == '.' || *name == '-')
		return err_set(e, EINVAL, "'%s' is not allowed as a domain's name: it begins with '%c'",
			       str_printable(name, show, sizeof(show)), *name);
	for (const char *p = name; *p;) {
		uint32_t c = str_utf8(&p);
		if (c == UINT32_MAX)
			return err_set(e, EINVAL, "'%s' is not allowed as a domain's name: it is not UTF-8",
				       str_printable(name, show, sizeof(show)));
		if (str_invisible(c))
			return err_set(e, EINVAL,
				       "'%s' is not allowed as a domain's name: it holds U+%04X, which is not seen "
				       "and can make one name look like another",
				       str_printable(name, show, sizeof(show)), c);
	}
	return 0;
}

void domain_note(struct domain *d, const struct xml_node *n, bool blocks_start, const char *fmt, ...)
{
	struct buf b = {0};
	va_list ap;
	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	d->notes = x_realloc(d->notes, (d->nnotes + 1) * sizeof(*d->notes));
	d->notes[d->nnotes++] = (struct domain_note){
	    .blocks_start = blocks_start, .line = n ? xml_line(n) : 0, .text = buf_take(&b)};
}

int domain_startable(const struct domain *d, struct err *e)
{
	for (size_t i = 0; i < d->nnotes; i++)
		if (d->notes[i].blocks_start)
			return err_set(e, ENOTSUP, "%s", d->notes[i].text);
	return 0;
}

int domain_load(const char *path, struct domain **out, struct err *e)
{
	AUTO_FREE char *text = NULL;
	size_t len;
	int rc = file_read(path, XML_SIZE_MAX, &text, &len, e);
	if (rc)
		return rc;
	return domain_parse(text, len, path, out, e);
}

char *domain_text(const struct domain *d)
{
	return xml_text(d->xml);
}

static void free_devices(struct domain *d)
{
	for (size_t i = 0; i < d->ndisks; i++) {
		struct domain_disk *k = &d->disks[i];
		free(k->source);
		free(k->format);
		free(k->target);
		free(k->bus);
		free(k->serial);
	}
	for (size_t i = 0; i < d->nserials; i++)
		free(d->serials[i].log_file);
	for (size_t i = 0; i < d->nrngs; i++)
		free(d->rngs[i].backend);
	free(d->disks);
	free(d->serials);
	if (d->debugcon)
		free(d->debugcon->file);
	free(d->debugcon);
	free(d->rngs);
	domain_free_interfaces(d);
	domain_free_graphics(d);
	free(d->video);
	free(d->inputs);
}

void domain_free(struct domain *d)
{
	if (!d)
		return;
	free_devices(d);
	for (size_t i = 0; i < d->ncpu_features; i++)
		free(d->cpu_features[i].name);
	free(d->cpu_features);
	for (size_t i = 0; i < d->nnotes; i++)
		free(d->notes[i].text);
	free(d->notes);
	domain_free_tune(&d->tune);
	free(d->title);
	free(d->description);
	free(d->machine);
	free(d->kernel);
	free(d->initrd);
	free(d->cmdline);
	free(d->loader);
	free(d->splash);
	free(d->nvram);
	free(d->nvram_template);
	xml_free(d->xml);
	free(d);
}
