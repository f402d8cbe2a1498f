/* Domains as a front end sees them: definitions and what runs, put together. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/local/graphics.h"
#include "backend/local/install.h"
#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/log.h"
#include "src/base/spawn.h"
#include "src/base/str.h"
#include "src/model/xml.h"

static int refresh(struct local *l, struct err *e)
{
	int rc = store_refresh(l, e);
	return rc ? rc : registry_refresh(l, e);
}

/* Does the definition differ from what runs? Worked out once for each state of the file. */
static bool definition_changed(struct local *l, struct guest *g, const struct store_item *it)
{
	if (!g->live_xml || file_id_eq(&g->changed_for, &it->id))
		return g->changed;
	struct domain *d = NULL;
	if (store_load(l, it, &d, NULL))
		return g->changed;
	g->live.id = g->id;
	AUTO_FREE char *text = domain_live_text(d, &g->live);
	domain_free(d);
	g->changed = !str_eq(text, g->live_xml);
	g->changed_for = it->id;
	return g->changed;
}

static void info_defined(struct local *l, const struct store_item *it, struct domain_info *info)
{
	struct ended en;
	*info = (struct domain_info){.id = -1, .state = DOMAIN_SHUTOFF, .persistent = true};
	snprintf(info->name, sizeof(info->name), "%s", it->file);
	memcpy(info->uuid, it->uuid, sizeof(info->uuid));
	snprintf(info->title, sizeof(info->title), "%s", it->title);
	info->autostart = it->autostart;
	info->vcpus = it->vcpus;
	info->max_vcpus = it->max_vcpus;
	info->memory_bytes = it->memory_bytes;
	info->max_memory_bytes = it->max_memory_bytes;
	ended_read(l, it->uuid, &en);
	if (en.valid) {
		info->state = en.state;
		info->reason = en.reason;
		snprintf(info->detail, sizeof(info->detail), "%s", en.detail);
		info->restarts = ended_restarts(&en);
	}
}

static void info_running(struct local *l, struct guest *g, const struct store_item *it,
			 struct domain_info *info)
{
	*info = (struct domain_info){.id = g->id, .persistent = it, .autostart = it && it->autostart};
	memcpy(info->name, g->name, sizeof(info->name));
	memcpy(info->uuid, g->uuid, sizeof(info->uuid));
	memcpy(info->title, g->title, sizeof(info->title));
	guest_state(g, &info->state, &info->reason);
	info->changed = it && definition_changed(l, g, it);
	info->vcpus = g->vcpus;
	info->max_vcpus = g->max_vcpus;
	info->memory_bytes = g->memory_bytes;
	info->max_memory_bytes = g->max_memory_bytes;
	info->started_ms = g->stats.magic ? g->stats.started_ms : 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct domain_info *)a)->name, ((const struct domain_info *)b)->name);
}

static int list_all(struct local *l, struct domain_info **list, size_t *n, struct err *e)
{
	int rc = refresh(l, e);
	if (rc)
		return rc;
	struct domain_info *v = x_calloc(l->nitems + l->nguests + 1, sizeof(*v));
	size_t k = 0;
	for (size_t i = 0; i < l->nguests; i++)
		info_running(l, l->guests[i], store_by_uuid(l, l->guests[i]->uuid), &v[k++]);
	for (size_t i = 0; i < l->nitems; i++) {
		if (l->items[i]->broken)
			log_debug("store", "%s", l->items[i]->broken);
		else if (!guest_by_uuid(l, l->items[i]->uuid))
			info_defined(l, l->items[i], &v[k++]);
	}
	qsort(v, k, sizeof(*v), by_name);
	*list = v;
	*n = k;
	return 0;
}

int local_domain_list(struct backend *b, struct domain_info **list, size_t *n, struct err *e)
{
	return list_all(local_of(b), list, n, e);
}

/* The sentence for a name that is there as a file, but cannot be read. */
static int not_found(struct local *l, const char *key, struct err *e)
{
	for (size_t i = 0; i < l->nitems; i++)
		if (l->items[i]->broken && !strcmp(l->items[i]->file, key))
			return err_set(e, EINVAL, "the definition of domain '%s' cannot be used: %s", key,
				       l->items[i]->broken);
	char show[64];
	return err_set(e, ENOENT, "no domain '%s': see vmdeck list --all",
		       str_printable(key, show, sizeof(show)));
}

/* The number of a running guest, decimal as virsh takes it. */
static bool str_id(const char *key, uint64_t *id)
{
	while (key[0] == '0' && key[1])
		key++;
	return *key && strspn(key, "0123456789") == strlen(key) && str_u64(key, id);
}

int local_domain_get(struct backend *b, const char *key, struct domain_info *info, struct err *e)
{
	struct local *l = local_of(b);
	int rc = refresh(l, e);
	if (rc)
		return rc;
	uint64_t id;
	char uuid[UUID_TEXT];
	struct guest *g = NULL;
	struct store_item *it = NULL;
	if (str_id(key, &id))
		for (size_t i = 0; i < l->nguests && !g; i++)
			g = l->guests[i]->id >= 0 && (uint64_t)l->guests[i]->id == id ? l->guests[i] : NULL;
	if (!g)
		g = guest_by_name(l, key);
	if (!g)
		it = store_by_name(l, key);
	if (!g && !it && uuid_canon(key, uuid)) {
		g = guest_by_uuid(l, uuid);
		it = g ? NULL : store_by_uuid(l, uuid);
	}
	if (it) /* it may run under the name that it had before */
		g = guest_by_uuid(l, it->uuid);
	if (g)
		info_running(l, g, store_by_uuid(l, g->uuid), info);
	else if (it)
		info_defined(l, it, info);
	else
		return not_found(l, key, e);
	return 0;
}

/* What runs; its password is in screen.json, wherever it came from. */
static int live_text(struct local *l, struct guest *g, unsigned flags, char **text, struct err *e)
{
	struct screen_info info;
	bool secure = flags & XML_SECURE;
	if (!secure)
		*text = domain_text_passwd(g->live_xml, NULL);
	else if (!graphics_info(l, g->uuid, &info, NULL) && *info.passwd)
		*text = domain_text_passwd(g->live_xml, info.passwd);
	else
		*text = x_strdup(g->live_xml);
	*text = media_trays(g, *text);
	return *text ? 0 : err_set(e, EPROTO, "domain '%s': its live XML makes no sense", g->name);
}

int local_domain_xml(struct backend *b, const char *uuid, unsigned flags, char **text, struct err *e)
{
	struct local *l = local_of(b);
	int rc = refresh(l, e);
	if (rc)
		return rc;
	struct guest *g = flags & XML_INACTIVE ? NULL : guest_by_uuid(l, uuid);
	if (g) {
		if (!g->live_xml) /* read again for the sentence that says why */
			return live_read(l, uuid, text, e) ? err_prefix(e, "domain '%s'", g->name) : 0;
		return live_text(l, g, flags, text, e);
	}
	struct store_item *it = store_by_uuid(l, uuid);
	if (!it) {
		g = guest_by_uuid(l, uuid);
		return g ? err_set(e, ENOENT, "domain '%s' is transient: it has no definition", g->name)
			 : not_found(l, uuid, e);
	}
	struct domain *d = NULL;
	rc = store_load(l, it, &d, e);
	if (!rc) {
		AUTO_FREE char *all = domain_text(d);
		*text = flags & XML_SECURE ? TAKE_PTR(all) : domain_text_passwd(all, NULL);
	}
	domain_free(d);
	return rc;
}

/* What the model has to say about @d, for a person. */
static void model_notes(const struct domain *d, const char *where, struct buf *out)
{
	for (size_t i = 0; i < d->nnotes; i++) {
		const struct domain_note *n = &d->notes[i];
		if (n->line)
			buf_printf(out, "%s: %s:%u: %s\n", n->blocks_start ? "warning" : "note", where,
				   n->line, n->text);
		else
			buf_printf(out, "%s: %s: %s\n", n->blocks_start ? "warning" : "note", where, n->text);
	}
}

/* libvirt's own schema, when the package that has it is installed. */
static int validate(const char *text, const char *where, struct err *e)
{
	static const char rng[] = "/usr/share/libvirt/schemas/domain.rng";
	if (access(rng, R_OK) < 0)
		return err_set(e, ENOENT,
			       "cannot validate: '%s' is missing: install libvirt0 (or leave --validate out)",
			       rng);
	char tmp[] = "/tmp/vmdeck-XXXXXX";
	AUTO_CLOSE int fd = mkostemp(tmp, O_CLOEXEC);
	if (fd < 0 || fd_write_all(fd, text, strlen(text)))
		return err_sys(e, errno, "cannot write a temporary file");
	AUTO_BUF struct buf out = {0};
	int rc =
	    spawn_capture((const char *const[]){"xmllint", "--nonet", "--noout", "--relaxng", rng, tmp, NULL},
			  30000, &out, e);
	unlink(tmp);
	if (rc == 127)
		return err_set(
		    e, ENOENT,
		    "cannot validate: xmllint is missing: install libxml2-utils (or leave --validate out)");
	char show[600];
	return rc <= 0 ? rc
		       : err_set(e, EINVAL, "%s is not valid libvirt XML: %s", where,
				 str_printable(buf_text(&out), show, sizeof(show)));
}

static int info_of(struct local *l, const char *uuid, struct domain_info *info, struct err *e)
{
	return local_domain_get(&l->backend, uuid, info, e);
}

int local_domain_screen(struct backend *b, const char *uuid, struct screen_info *info, struct err *e)
{
	struct local *l = local_of(b);
	int rc = refresh(l, e);
	if (rc)
		return rc;
	struct guest *g = guest_by_uuid(l, uuid);
	const struct store_item *it = store_by_uuid(l, uuid);
	if (!g)
		return it ? err_set(e, ENOTCONN, "domain '%s' is not running", it->file)
			  : not_found(l, uuid, e);
	rc = graphics_info(l, uuid, info, e);
	return rc == -ENOENT
		   ? err_set(e, ENOENT, "domain '%s' has no display for viewers: its XML has no <graphics>",
			     g->name)
		   : rc;
}

/* A domain that is there already keeps the name that it has. */
static int check_new_name(struct local *l, const char *where, const struct domain *d, struct err *e)
{
	struct err why;
	if (store_by_name(l, d->name) || guest_by_uuid(l, d->uuid) || !domain_new_name_check(d->name, &why))
		return 0;
	return err_set(e, EINVAL, "%s: name: %s", where, why.msg);
}

/* UEFI's variables go with the name, unless the XML says where they are. @from, @to: the paths, NULL for none. */
static int move_nvram(const char *from, const char *to, struct err *e)
{
	if (!from || !to || str_eq(from, to) || access(from, F_OK) < 0)
		return 0;
	if (access(to, F_OK) == 0)
		return err_set(e, EEXIST, "the variable store '%s' is there already: remove it or give <nvram> in the XML",
			       to);
	return rename(from, to) < 0 ? err_sys(e, errno, "cannot rename the variable store '%s'", from) : 0;
}

static int rename_domain(struct local *l, const struct domain *d, struct err *e)
{
	const struct store_item *it = store_by_uuid(l, d->uuid), *other = store_by_name(l, d->name);
	struct domain *old = NULL;
	if (guest_by_uuid(l, d->uuid))
		return err_set(e, EBUSY, "cannot rename active domain '%s': shut it down first",
			       guest_by_uuid(l, d->uuid)->name);
	if (!it)
		return err_set(e, ENOENT, "no domain with matching uuid '%s'", d->uuid);
	if (other && other != it)
		return err_set(e, EEXIST, "domain '%s' already exists with uuid %s", d->name, other->uuid);
	int rc = store_load(l, it, &old, e);
	if (rc)
		return rc;
	AUTO_FREE char *from = old->nvram ? NULL : firmware_nvram_path(l, old), *to = firmware_nvram_path(l, d);
	domain_free(old);
	rc = move_nvram(from, to, e);
	if (rc)
		return rc;
	rc = store_rename(l, d, e);
	if (rc)
		move_nvram(to, from, NULL);
	return rc;
}

/* What start would refuse of <cpu> on this host. Where KVM cannot be asked, start says why. */
static void cpu_notes(struct local *l, const struct domain *d, const char *where, struct buf *out)
{
	struct kvm_facts f;
	struct cpu_plan plan;
	struct err e = {0};
	if (kvm_access(NULL) || kvm_facts(l, &f, NULL) || f.error || !*f.cpu.vendor)
		return;
	if (cpu_plan_make(d, &f.cpu, &plan, &e))
		buf_printf(out, "warning: %s: %s\n", where, e.msg);
	else if (!cpu_set_empty(&plan.lacking)) {
		buf_printf(out, "note: %s: cpu: the guest is without what the host's KVM has not of model '%s': ",
			   where, d->cpu_model->name);
		cpu_set_text(&plan.lacking, cpu_feature_count, out);
		buf_puts(out, "\n");
	}
}

int local_domain_define(struct backend *b, const char *text, const char *where, unsigned flags,
			struct domain_info *info, char **notes, struct err *e)
{
	struct local *l = local_of(b);
	struct domain *d = NULL;
	AUTO_BUF struct buf out = {0};
	int rc = flags & DEFINE_VALIDATE ? validate(text, where, e) : 0;
	if (!rc)
		rc = domain_parse(text, strlen(text), where, &d, e);
	if (!rc)
		rc = refresh(l, e);
	if (!rc)
		rc = check_new_name(l, where, d, e);
	if (!rc)
		rc = flags & DEFINE_RENAME ? rename_domain(l, d, e) : store_define(l, d, e);
	if (!rc && !guest_by_uuid(l, d->uuid)) /* an installation that has not begun was of what it was before */
		install_forget(l, d->uuid);
	if (!rc)
		rc = info_of(l, d->uuid, info, e);
	if (!rc) {
		model_notes(d, where, &out);
		cpu_notes(l, d, where, &out);
		journal_add(l, "defined", d->name, d->uuid, NULL);
		if (notes)
			*notes = buf_take(&out);
	}
	domain_free(d);
	return rc;
}

/* The variable store of a definition when there is one, the caller's to free. Of a definition that cannot be
 * read it is not known. */
static char *nvram_of(struct local *l, struct store_item *it)
{
	struct domain *d = NULL;
	if (store_load(l, it, &d, NULL))
		return NULL;
	char *path = firmware_nvram_path(l, d);
	domain_free(d);
	if (path && access(path, F_OK) < 0)
		free(TAKE_PTR(path));
	return path;
}

static int check_nvram(const char *path, const char *name, unsigned flags, bool active, struct err *e)
{
	if (!path)
		return 0;
	if (!(flags & (UNDEFINE_NVRAM | UNDEFINE_KEEP_NVRAM)))
		return err_set(e, EINVAL,
			       "domain '%s' has the variables of its UEFI in '%s': --nvram removes them, "
			       "--keep-nvram leaves them",
			       name, path);
	if (flags & UNDEFINE_NVRAM && active)
		return err_set(
		    e, EBUSY,
		    "domain '%s' runs with the variables in '%s': stop it first, or use --keep-nvram", name,
		    path);
	return 0;
}

int local_domain_undefine(struct backend *b, const char *uuid, unsigned flags, struct err *e)
{
	struct local *l = local_of(b);
	int rc = refresh(l, e);
	if (rc)
		return rc;
	struct store_item *it = store_by_uuid(l, uuid);
	struct guest *g = guest_by_uuid(l, uuid);
	if (!it)
		return g ? err_set(e, EINVAL, "domain '%s' is transient: it has no definition", g->name)
			 : not_found(l, uuid, e);
	AUTO_FREE char *name = x_strdup(it->file), *nvram = nvram_of(l, it);
	rc = check_nvram(nvram, name, flags, g, e);
	if (!rc)
		rc = store_undefine(l, it, e);
	if (!rc && nvram && flags & UNDEFINE_NVRAM && unlink(nvram) < 0)
		rc = err_sys(e, errno, "cannot remove '%s'", nvram);
	if (rc)
		return rc;
	if (!g) {
		ended_forget(l, uuid);
		install_forget(l, uuid);
	}
	journal_add(l, "undefined", name, uuid, NULL);
	return 0;
}

int local_domain_autostart(struct backend *b, const char *uuid, bool on, struct err *e)
{
	struct local *l = local_of(b);
	int rc = refresh(l, e);
	if (rc)
		return rc;
	struct store_item *it = store_by_uuid(l, uuid);
	struct guest *g = guest_by_uuid(l, uuid);
	if (!it)
		return g ? err_set(e, EINVAL,
				   "domain '%s' is transient: define it to have it started with the host",
				   g->name)
			 : not_found(l, uuid, e);
	return store_autostart(l, it, on, e);
}

int local_domain_start(struct backend *b, const char *uuid, unsigned flags, char **notes, struct err *e)
{
	struct local *l = local_of(b);
	AUTO_BUF struct buf out = {0};
	int rc = refresh(l, e);
	if (rc)
		return rc;
	struct guest *g = guest_by_uuid(l, uuid);
	if (g)
		return err_set(e, EALREADY, "domain '%s' is already active", g->name);
	struct store_item *it = store_by_uuid(l, uuid);
	if (!it)
		return not_found(l, uuid, e);
	struct domain *d = NULL;
	rc = install_pending(l, uuid, &d, e);
	if (!rc && !d) {
		install_forget(l, uuid); /* of an installation that nobody tidied up behind */
		rc = store_load(l, it, &d, e);
	}
	if (!rc)
		rc = launch_guest(l, d, flags, &out, e);
	domain_free(d);
	if (!rc && notes)
		*notes = buf_take(&out);
	return rc;
}

int local_domain_create(struct backend *b, const char *text, const char *where, unsigned flags,
			struct domain_info *info, char **notes, struct err *e)
{
	struct local *l = local_of(b);
	struct domain *d = NULL;
	AUTO_BUF struct buf out = {0};
	int rc = refresh(l, e);
	if (!rc)
		rc = domain_parse(text, strlen(text), where, &d, e);
	if (!rc && guest_by_uuid(l, d->uuid))
		rc = err_set(e, EALREADY, "domain '%s' is already active", d->name);
	if (!rc)
		rc = store_check_identity(l, d, e);
	if (!rc)
		rc = check_new_name(l, where, d, e);
	if (!rc) {
		model_notes(d, where, &out);
		rc = launch_guest(l, d, flags, &out, e);
	}
	if (!rc)
		rc = info_of(l, d->uuid, info, e);
	if (!rc && notes)
		*notes = buf_take(&out);
	domain_free(d);
	return rc;
}
