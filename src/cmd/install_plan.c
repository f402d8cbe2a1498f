/* The plan of an installation: the options together, and two XMLs that differ in what is booted. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "src/base/cleanup.h"
#include "src/cmd/install_maker.h"
#include "src/model/xml.h"

/* --- the texts --- */

void put(struct maker *m, unsigned which, const char *fmt, ...)
{
	AUTO_BUF struct buf text = {0};
	va_list ap;
	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	if (which & IN_FIRST)
		buf_puts(&m->first, buf_text(&text));
	if (which & IN_DEFINE)
		buf_puts(&m->define, buf_text(&text));
}

void put_escaped(struct maker *m, unsigned which, const char *text)
{
	if (which & IN_FIRST)
		xml_escape(&m->first, text);
	if (which & IN_DEFINE)
		xml_escape(&m->define, text);
}

void put_attr(struct maker *m, unsigned which, const char *name, const char *value)
{
	if (!value)
		return;
	put(m, which, " %s='", name);
	put_escaped(m, which, value);
	put(m, which, "'");
}

void put_text(struct maker *m, unsigned which, unsigned depth, const char *name, const char *text)
{
	put(m, which, "%*s<%s>", (int)depth * 2, "", name);
	put_escaped(m, which, text);
	put(m, which, "</%s>\n", name);
}

void maker_note(struct maker *m, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	buf_vprintf(&m->notes, fmt, ap);
	va_end(ap);
	buf_puts(&m->notes, "\n");
}

int maker_value(struct maker *m, const char *option, struct install_value *v, struct err *e)
{
	const char *text = install_get(m->r, option);
	return text ? install_split(install_option(option), text, v, e) : 0;
}

bool maker_flag(const struct maker *m, const char *option)
{
	return install_get(m->r, option) != NULL;
}

bool maker_checks(struct maker *m, const char *name)
{
	bool on = true;
	for (size_t i = 0; i < m->r->n; i++) {
		AUTO_VALUE struct install_value v = {0};
		if (str_eq(m->r->words[i].option, "check") &&
		    !install_split(install_option("check"), m->r->words[i].value, &v, NULL))
			on = value_on(&v, name, value_on(&v, "all", on));
	}
	return on;
}

/* --- what is installed, and from where --- */

/* Every option alone; what is left out is told. */
static int check_options(struct maker *m, struct err *e)
{
	for (size_t i = 0; i < m->r->n; i++) {
		const struct install_word *w = &m->r->words[i];
		const struct cmd_arg *a = install_option(w->option);
		int rc = install_check(w->option, w->value, e);
		if (rc)
			return rc;
		if (a->lacks && !str_eq(w->value, "none"))
			maker_note(m, "--%s has no effect: %s", a->name, a->lacks);
	}
	return 0;
}

/* The medium with its path from the root on, as the guest's XML has it. */
static int take_medium(struct maker *m, const char *option, const char *path, struct err *e)
{
	if (strstr(path, "://"))
		return err_set(e, EOPNOTSUPP,
			       "--%s '%s': nothing is downloaded: fetch the ISO first, and give its path",
			       option, path);
	m->medium = realpath(path, NULL);
	return m->medium ? 0 : err_sys(e, errno, "--%s '%s'", option, path);
}

static int take_cdrom(struct maker *m, struct err *e)
{
	const char *path = install_get(m->r, "cdrom");
	struct path_info at = {0};
	int rc = take_medium(m, "cdrom", path, e);
	if (!rc)
		rc = m->b->ops->path_info(m->b, m->medium, false, &at, e);
	if (!rc && at.kind != PATH_FILE && at.kind != PATH_BLOCK)
		rc = err_set(e, EINVAL, "--cdrom '%s' is not an ISO: a file or a CD drive", path);
	if (!rc && !at.readable)
		rc = err_set(e, EACCES, "--cdrom '%s' cannot be read by this user", path);
	return rc;
}

/* A folder or an ISO, with a kernel in it. */
static int take_location(struct maker *m, struct err *e)
{
	AUTO_VALUE struct install_value v = {0};
	struct path_info at;
	int rc = maker_value(m, "location", &v, e);
	const char *path = rc ? NULL : value_get(&v, "location"), *kernel = value_get(&v, "kernel"),
		   *initrd = value_get(&v, "initrd");
	if (rc)
		return rc;
	struct install_boot *b = &m->p->boot;
	if (!path && kernel) { /* the two files as they are */
		m->method = METHOD_KERNEL;
		*b = (struct install_boot){x_strdup("/"), realpath(kernel, NULL), initrd ? realpath(initrd, NULL) : NULL};
		return b->kernel && (b->initrd || !initrd)
			   ? 0
			   : err_sys(e, errno, "--location '%s'", b->kernel ? initrd : kernel);
	}
	if (!path)
		return err_set(e, EINVAL, "--location wants a folder, an ISO, or kernel=");
	rc = take_medium(m, "location", path, e);
	if (!rc)
		rc = m->b->ops->path_info(m->b, m->medium, !kernel, &at, e);
	if (rc)
		return rc;
	if (at.kind != PATH_FOLDER && !*at.volume_id && at.kind != PATH_BLOCK)
		return err_set(e, EINVAL, "--location '%s' is neither a folder nor an ISO", path);
	if (!kernel && !*at.kernel)
		return err_set(e, ENOENT,
			       "--location '%s': there is no kernel where installers have theirs: name it "
			       "with kernel=,initrd=",
			       path);
	m->tree = at;
	b->location = x_strdup(m->medium);
	b->kernel = x_strdup(kernel ? kernel : at.kernel);
	initrd = initrd ? initrd : !kernel && *at.initrd ? at.initrd : NULL;
	b->initrd = x_strdup(initrd);
	if (at.kind == PATH_FOLDER)
		free(TAKE_PTR(m->medium)); /* no CD for the guest */
	return 0;
}

/* Without a method, a CD among the disks is what is installed from. */
static int find_method(struct maker *m, struct err *e)
{
	AUTO_VALUE struct install_value boot = {0};
	int rc = maker_value(m, "boot", &boot, e);
	if (rc)
		return rc;
	for (size_t i = 0; i < m->r->n; i++) {
		AUTO_VALUE struct install_value v = {0};
		if (!str_eq(m->r->words[i].option, "disk") ||
		    install_split(install_option("disk"), m->r->words[i].value, &v, e) ||
		    !str_eq(value_get(&v, "device"), "cdrom") || !value_get(&v, "path"))
			continue;
		m->method = METHOD_CDROM;
		return take_medium(m, "disk", value_get(&v, "path"), e);
	}
	if (boot.n == 0)
		return err_set(e, EINVAL,
			       "nothing says from what it is installed: --cdrom ISO, --location FOLDER or "
			       "ISO, --pxe, --import with a "
			       "disk, or --boot hd");
	m->method = METHOD_IMPORT;
	return 0;
}

static int take_install(struct maker *m, struct err *e)
{
	AUTO_VALUE struct install_value v = {0};
	int rc = maker_value(m, "install", &v, e);
	const char *kernel = rc ? NULL : value_get(&v, "kernel"), *initrd = value_get(&v, "initrd");
	if (!rc && value_on(&v, "no_install", false))
		m->keep_medium = true;
	if (rc || !kernel)
		return rc;
	m->method = METHOD_KERNEL;
	m->p->boot = (struct install_boot){x_strdup("/"), realpath(kernel, NULL),
					   initrd ? realpath(initrd, NULL) : NULL};
	return m->p->boot.kernel && (m->p->boot.initrd || !initrd)
		   ? 0
		   : err_sys(e, errno, "--install '%s'", kernel);
}

static int take_inject(struct maker *m, struct err *e)
{
	size_t n = 0;
	for (size_t i = 0; i < m->r->n; i++) {
		if (!str_eq(m->r->words[i].option, "initrd-inject"))
			continue;
		const char *path = m->r->words[i].value;
		struct stat st;
		AUTO_FREE char *full = realpath(path, NULL);
		if (!full || stat(full, &st) < 0)
			return err_sys(e, errno, "--initrd-inject '%s'", path);
		if (!S_ISREG(st.st_mode))
			return err_set(e, EINVAL, "--initrd-inject '%s' is not a file", path);
		m->p->inject = x_realloc(m->p->inject, (n + 2) * sizeof(char *));
		m->p->inject[n++] = TAKE_PTR(full);
		m->p->inject[n] = NULL;
	}
	return 0;
}

static int take_method(struct maker *m, struct err *e)
{
	static const struct {
		const char *option;
		enum install_method method;
	} rows[] = {{"cdrom", METHOD_CDROM},
		    {"location", METHOD_LOCATION},
		    {"pxe", METHOD_PXE},
		    {"import", METHOD_IMPORT}};
	const char *other = NULL;
	int rc = take_install(m, e);
	for (size_t i = 0; i < ARRAY_SIZE(rows) && !rc; i++) {
		if (!maker_flag(m, rows[i].option))
			continue;
		if (m->method)
			return err_set(e, EINVAL,
				       "--%s and --%s do not go together: it is installed from one thing",
				       other ? other : "install", rows[i].option);
		m->method = rows[i].method;
		other = rows[i].option;
	}
	if (!rc && m->method == METHOD_CDROM)
		rc = take_cdrom(m, e);
	else if (!rc && m->method == METHOD_LOCATION)
		rc = take_location(m, e);
	else if (!rc && m->method == METHOD_NONE)
		rc = find_method(m, e);
	return rc ? rc : take_inject(m, e);
}

/* --- the system --- */

static int detect(struct maker *m, struct err *e)
{
	struct path_info at;
	unsigned reboots = 1;
	struct osinfo_tree tree = {m->tree.tree_arch, m->tree.tree_family, m->tree.tree_variant,
				   m->tree.tree_version};
	if (*m->tree.tree_family && !osinfo_detect_tree(&tree, &m->os, e))
		return 0;
	if (!m->medium || m->b->ops->path_info(m->b, m->medium, false, &at, NULL))
		return -ENOENT;
	struct osinfo_media media = {at.volume_id, at.system_id, at.publisher_id, at.application_id};
	int rc = osinfo_detect(&media, &m->os, &reboots, e);
	m->keep_medium |= !rc && reboots > 1; /* Windows comes back to its CD */
	return rc;
}

static int take_system(struct maker *m, struct err *e)
{
	AUTO_VALUE struct install_value v = {0};
	struct err why = {0};
	int rc = maker_value(m, "osinfo", &v, e);
	if (rc)
		return rc;
	const char *name = value_get(&v, "id") ? value_get(&v, "id") : value_get(&v, "name");
	bool look = value_on(&v, "detect", !v.n || str_eq(name, "detect") || str_eq(name, "auto"));
	bool known = name && !str_eq(name, "detect") && !str_eq(name, "auto") && !str_eq(name, "generic") &&
		     !str_eq(name, "none");
	m->os = (struct osinfo){.bios = true, .efi = true, .virtio_disk = true, .virtio_net = true};
	struct osinfo none = m->os;
	if (look)
		rc = detect(m, &why);
	if (!m->os.id)
		m->os = none;
	if (known && !m->os.id) {
		rc = osinfo_find(name, &m->os, e);
		if (rc == -ENODATA && !value_on(&v, "require", false)) {
			maker_note(m, "--osinfo %s: %s; the guest gets what suits most", name,
				   e ? e->msg : "unknown");
			rc = 0;
			if (e)
				*e = (struct err){0};
		} else if (rc) {
			return err_prefix(e, "--osinfo");
		}
	}
	if (!m->os.id && value_on(&v, "require", false))
		return err_set(e, ENOENT,
			       "--osinfo require=on: the system is not known: name it with --osinfo NAME");
	bool sized = install_get(m->r, "memory") && (install_get(m->r, "disk") || maker_flag(m, "nodisks"));
	if (!m->os.id && look && why.code == ENOENT && !sized && m->method != METHOD_IMPORT)
		maker_note(m, "the medium is of no system that is known: the guest gets what suits most; "
			      "--osinfo NAME says what it is");
	if (!m->os.id && look && why.code == ENODATA)
		maker_note(m, "the guest gets what suits most systems: %s", why.msg);
	if (m->os.id && !known)
		maker_note(m, "this is the installer of %s: --osinfo %s", m->os.name, m->os.short_id);
	m->p->system = x_strdup(m->os.short_id ? m->os.short_id : "");
	m->p->system_name = x_strdup(m->os.name ? m->os.name : "");
	return 0;
}

/* --- who it is --- */

static bool name_taken(struct maker *m, const char *name)
{
	struct domain_info info;
	return !m->b->ops->domain_get(m->b, name, &info, NULL) && str_eq(info.name, name);
}

static int take_name(struct maker *m, const struct install_value *meta, struct err *e)
{
	const char *name = value_get(meta, "name"), *uuid = value_get(meta, "uuid");
	name = name ? name : install_get(m->r, "name");
	uuid = install_get(m->r, "uuid") ? install_get(m->r, "uuid") : uuid;
	if (uuid && !uuid_canon(uuid, m->p->uuid))
		return err_set(e, EINVAL, "--metadata uuid='%s' is not a uuid", uuid);
	if (!uuid)
		uuid_make(m->p->uuid);
	if (!name) {
		const char *base = *m->p->system ? m->p->system : "vm";
		snprintf(m->p->name, sizeof(m->p->name), "%s", base);
		for (unsigned i = 2; name_taken(m, m->p->name) && i < 10000; i++)
			snprintf(m->p->name, sizeof(m->p->name), "%.180s-%u", base, i);
		maker_note(m, "Using default --name %s", m->p->name);
		return 0;
	}
	int rc = domain_new_name_check(name, e);
	if (rc)
		return err_prefix(e, "--name");
	snprintf(m->p->name, sizeof(m->p->name), "%s", name);
	return name_taken(m, name)
		   ? err_set(e, EEXIST, "Guest name '%s' is already in use: choose another one", name)
		   : 0;
}

static int make_head(struct maker *m, struct err *e)
{
	AUTO_VALUE struct install_value meta = {0};
	int rc = maker_value(m, "metadata", &meta, e);
	if (!rc)
		rc = take_name(m, &meta, e);
	if (rc)
		return rc;
	const char *title =
	    install_get(m->r, "title") ? install_get(m->r, "title") : value_get(&meta, "title");
	const char *about = install_get(m->r, "description") ? install_get(m->r, "description")
							     : value_get(&meta, "description");
	put(m, IN_BOTH, "<domain type='kvm'>\n");
	put_text(m, IN_BOTH, 1, "name", m->p->name);
	put_text(m, IN_BOTH, 1, "uuid", m->p->uuid);
	if (title && *title)
		put_text(m, IN_BOTH, 1, "title", title);
	if (about && *about)
		put_text(m, IN_BOTH, 1, "description", about);
	bool marked = m->p->installs && !maker_flag(m, "noreboot") && !maker_flag(m, "transient");
	if (!marked && !m->os.id)
		return 0;
	put(m, marked ? IN_FIRST : 0,
	    "  <metadata>\n    <vmdeck:install xmlns:vmdeck='" DOMAIN_NAMESPACE "'/>\n");
	if (!marked)
		put(m, IN_FIRST, "  <metadata>\n");
	if (m->os.id) {
		put(m, IN_DEFINE, "  <metadata>\n");
		put(m, IN_BOTH,
		    "    <libosinfo:libosinfo "
		    "xmlns:libosinfo='http://libosinfo.org/xmlns/libvirt/domain/1.0'>\n"
		    "      <libosinfo:os");
		put_attr(m, IN_BOTH, "id", m->os.id);
		put(m, IN_BOTH, "/>\n    </libosinfo:libosinfo>\n");
		put(m, IN_DEFINE, "  </metadata>\n");
	}
	put(m, IN_FIRST, "  </metadata>\n");
	return 0;
}

/* --- all of it --- */

/* One of the texts as it will be defined or run: with what define adds, and refused when it could not
 * start. */
static int finish_text(struct maker *m, const char *text, char **out, bool notes, struct err *e)
{
	struct domain *d = NULL;
	int rc = domain_parse(text, strlen(text), m->p->name, &d, e);
	if (!rc)
		rc = domain_startable(d, e);
	for (size_t i = 0; !rc && notes && i < d->nnotes; i++)
		maker_note(m, "%s", d->notes[i].text);
	if (!rc)
		*out = domain_text(d);
	domain_free(d);
	return rc;
}

/* The sections in libvirt's order are not made in it: <os> says what can be booted, and for that the devices
 * are looked at first. */
static int make_texts(struct maker *m, struct err *e)
{
	enum { HEAD, OS, MACHINE, DEVICES, SECTIONS };
	static const struct {
		unsigned place;
		int (*make)(struct maker *, struct err *);
	} steps[] = {{HEAD, make_head},       {HEAD, make_sizes}, {DEVICES, make_disks},
		     {DEVICES, make_devices}, {OS, make_boot},    {MACHINE, make_machine}};
	struct buf first[SECTIONS] = {0}, define[SECTIONS] = {0};
	int rc = 0;
	for (size_t i = 0; i < ARRAY_SIZE(steps) && !rc; i++) {
		m->first = first[steps[i].place];
		m->define = define[steps[i].place];
		rc = steps[i].make(m, e);
		first[steps[i].place] = m->first;
		define[steps[i].place] = m->define;
	}
	m->first = m->define = (struct buf){0};
	for (unsigned i = 0; i < SECTIONS; i++) {
		put(m, IN_BOTH, i == DEVICES ? "  <devices>\n" : "");
		buf_puts(&m->first, buf_text(&first[i]));
		buf_puts(&m->define, buf_text(&define[i]));
		buf_done(&first[i]);
		buf_done(&define[i]);
	}
	put(m, IN_BOTH, "  </devices>\n</domain>\n");
	return rc;
}

/* Is something installed, with a second boot that differs? */
static bool installs(const struct maker *m)
{
	return m->method != METHOD_IMPORT && !maker_flag(m, "livecd") &&
	       !m->p->boot.location == !m->p->boot.kernel;
}

static int make(struct maker *m, struct err *e)
{
	int rc = check_options(m, e);
	if (!rc)
		rc = m->b->ops->host_info(m->b, &m->host, e);
	if (!rc)
		rc = take_method(m, e);
	if (!rc)
		rc = take_system(m, e);
	if (rc)
		return rc;
	m->keep_medium |= maker_flag(m, "livecd");
	m->p->installs = installs(m);
	rc = make_texts(m, e);
	if (!rc)
		rc = finish_text(m, buf_text(&m->define), &m->p->define_xml, true, e);
	if (!rc && m->p->installs)
		rc = finish_text(m, buf_text(&m->first), &m->p->first_xml, false, e);
	if (maker_flag(m, "autostart"))
		m->p->flags |= INSTALL_AUTOSTART;
	if (maker_flag(m, "transient"))
		m->p->flags |= INSTALL_TRANSIENT;
	if (maker_flag(m, "force"))
		m->p->flags |= INSTALL_FORCE;
	return rc;
}

int install_plan(struct backend *b, const struct install_request *r, struct install_plan **out, struct err *e)
{
	struct install_plan *p = x_calloc(1, sizeof(*p));
	struct maker m = {.b = b, .r = &p->request, .p = p};
	int rc = install_old(r, &p->request, e);
	if (!rc)
		rc = make(&m, e);
	p->notes = buf_take(&m.notes);
	buf_done(&m.first);
	buf_done(&m.define);
	osinfo_done(&m.os);
	free(m.medium);
	if (rc)
		install_plan_free(p);
	else
		*out = p;
	return rc;
}

void install_plan_free(struct install_plan *p)
{
	if (!p)
		return;
	install_request_done(&p->request);
	for (size_t i = 0; i < p->nfiles; i++)
		free(p->files[i].path);
	for (size_t i = 0; p->inject && p->inject[i]; i++)
		free(p->inject[i]);
	free(p->files);
	free(p->inject);
	free(p->boot.location);
	free(p->boot.kernel);
	free(p->boot.initrd);
	free(p->system);
	free(p->system_name);
	free(p->first_xml);
	free(p->define_xml);
	free(p->notes);
	free(p);
}

int install_run(struct backend *b, const struct install_plan *p, struct domain_info *info, char **notes,
		struct err *e)
{
	struct install_job job = {.define_xml = p->define_xml,
				  .first_xml = p->first_xml,
				  .files = p->files,
				  .nfiles = p->nfiles,
				  .boot = p->boot,
				  .inject = p->inject,
				  .flags = p->flags};
	while (p->inject && p->inject[job.ninject])
		job.ninject++;
	return b->ops->domain_install(b, &job, info, notes, e);
}
