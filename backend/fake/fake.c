/* The fake host: its domains and what the calls do to them. */
#include "backend/fake/fake.h"

#include <errno.h>
#include <string.h>

#include "backend/fake/host.h"

struct fake_domain *fake_by_name(struct fake *f, const char *name)
{
	for (size_t i = 0; i < f->n; i++)
		if (str_eq(f->domains[i]->info.name, name))
			return f->domains[i];
	return NULL;
}

struct fake_domain *fake_by_uuid(struct fake *f, const char *uuid)
{
	for (size_t i = 0; i < f->n; i++)
		if (str_eq(f->domains[i]->info.uuid, uuid))
			return f->domains[i];
	return NULL;
}

struct fake_domain *fake_add(struct fake *f, const struct domain_info *info)
{
	struct fake_domain *d = x_calloc(1, sizeof(*d));
	d->info = *info;
	d->load = 10;
	for (unsigned i = 0; i < FAKE_ATTACH_MAX; i++)
		d->fds[i] = -1;
	f->domains = x_realloc(f->domains, (f->n + 1) * sizeof(*f->domains));
	size_t at = f->n++;
	for (; at && strcmp(f->domains[at - 1]->info.name, info->name) > 0; at--)
		f->domains[at] = f->domains[at - 1];
	f->domains[at] = d;
	return d;
}

static void fake_domain_free(struct fake_domain *d)
{
	fake_hang_up(d);
	fake_picture_free(d);
	buf_done(&d->record);
	buf_done(&d->line);
	free(d->xml);
	free(d->live_xml);
	free(d->facts);
	free(d);
}

void fake_remove(struct fake *f, struct fake_domain *d)
{
	size_t i = 0;
	while (f->domains[i] != d)
		i++;
	for (f->n--; i < f->n; i++)
		f->domains[i] = f->domains[i + 1];
	fake_domain_free(d);
}

void fake_on(struct fake *f, struct fake_domain *d, bool paused)
{
	d->info.id = f->next_id++;
	d->info.state = paused ? DOMAIN_PAUSED : DOMAIN_RUNNING;
	d->info.reason = paused ? DOMAIN_REASON_STARTING : DOMAIN_REASON_BOOTED;
	d->info.detail[0] = 0;
	d->info.started_ms = FAKE_EPOCH_MS + (int64_t)f->now_ms;
	d->busy_ms = 0;
	d->boot = d->record.len;
	if (!d->live_xml)
		d->live_xml = x_strdup(d->xml);
}

void fake_boot(struct fake *f, struct fake_domain *d)
{
	if (f->boot_text)
		fake_write(d, f->boot_text, strlen(f->boot_text));
}

void fake_off(struct fake *f, struct fake_domain *d, enum domain_state s, enum domain_reason r,
	      const char *detail)
{
	fake_hang_up(d);
	if (!d->info.persistent) {
		fake_remove(f, d);
		return;
	}
	d->info.id = -1;
	d->info.state = s;
	d->info.reason = r;
	d->info.started_ms = 0;
	d->info.changed = false;
	snprintf(d->info.detail, sizeof(d->info.detail), "%s", detail ? detail : "");
	free(TAKE_PTR(d->live_xml));
}

int fake_fails(struct fake *f, const char *call, struct err *e)
{
	for (size_t i = 0; i < f->nfailures; i++) {
		struct fake_failure x = f->failures[i];
		if (!str_eq(x.call, call))
			continue;
		memmove(&f->failures[i], &f->failures[i + 1], (--f->nfailures - i) * sizeof(x));
		err_set(e, x.code, "%s", x.text);
		free(x.call);
		free(x.text);
		return -x.code;
	}
	return 0;
}

/* What every call on a domain begins with: the scripted failure, the domain, and that its state is one of
 * @states. */
static int begin(struct fake *f, const char *call, const char *uuid, unsigned states, struct fake_domain **d,
		 struct err *e)
{
	int rc = fake_fails(f, call, e);
	if (rc)
		return rc;
	struct fake_domain *x = fake_by_uuid(f, uuid);
	if (!x)
		return err_set(e, ENOENT, "no domain with matching uuid '%s'", uuid);
	if (!(x->info.state & states))
		return err_set(e, x->info.state & DOMAIN_ACTIVE ? EALREADY : ENOTCONN, "domain '%s' is %s",
			       x->info.name, domain_state_text(x->info.state));
	*d = x;
	return 0;
}

static int fake_list(struct backend *b, struct domain_info **list, size_t *n, struct err *e)
{
	struct fake *f = fake_of(b);
	FAKE_LOCK(f);
	int rc = fake_fails(f, "domain_list", e);
	if (rc)
		return rc;
	*list = x_calloc(f->n, sizeof(**list));
	for (size_t i = 0; i < f->n; i++)
		(*list)[i] = f->domains[i]->info;
	*n = f->n;
	return 0;
}

static int fake_get(struct backend *b, const char *key, struct domain_info *info, struct err *e)
{
	struct fake *f = fake_of(b);
	FAKE_LOCK(f);
	int rc = fake_fails(f, "domain_get", e);
	if (rc)
		return rc;
	struct fake_domain *d = NULL;
	uint64_t id;
	char uuid[UUID_TEXT];
	if (str_u64(key, &id))
		for (size_t i = 0; i < f->n && !d; i++)
			if (f->domains[i]->info.id >= 0 && (uint64_t)f->domains[i]->info.id == id)
				d = f->domains[i];
	if (!d)
		d = fake_by_name(f, key);
	if (!d && uuid_canon(key, uuid))
		d = fake_by_uuid(f, uuid);
	if (!d)
		return err_set(e, ENOENT, "no domain with matching name '%s'", key);
	*info = d->info;
	return 0;
}

static int fake_xml(struct backend *b, const char *uuid, unsigned flags, char **text, struct err *e)
{
	struct fake *f = fake_of(b);
	FAKE_LOCK(f);
	struct fake_domain *d;
	int rc = begin(f, "domain_xml", uuid, DOMAIN_ANY, &d, e);
	if (rc)
		return rc;
	*text = x_strdup(d->live_xml && !((flags & XML_INACTIVE) && d->xml) ? d->live_xml : d->xml);
	return 0;
}

static char *notes_text(const struct domain *d)
{
	struct buf b = {0};
	for (size_t i = 0; i < d->nnotes; i++)
		buf_printf(&b, "%s\n", d->notes[i].text);
	return buf_take(&b);
}

static void info_from(struct domain_info *info, const struct domain *d)
{
	snprintf(info->name, sizeof(info->name), "%s", d->name);
	snprintf(info->uuid, sizeof(info->uuid), "%s", d->uuid);
	snprintf(info->title, sizeof(info->title), "%s", d->title ? d->title : "");
	info->vcpus = d->vcpus;
	info->max_vcpus = d->max_vcpus;
	info->memory_bytes = d->current_bytes;
	info->max_memory_bytes = d->memory_bytes;
}

/* The parsed text as a domain of the host, new or the one that it redefines. */
static int take_xml(struct fake *f, const char *text, const char *where, bool persistent, bool rename,
		    struct fake_domain **out, char **notes, struct err *e)
{
	struct domain *parsed;
	int rc = domain_parse(text, strlen(text), where, &parsed, e);
	if (rc)
		return rc;
	struct fake_domain *d = fake_by_name(f, parsed->name), *other = fake_by_uuid(f, parsed->uuid);
	if (d && d != other)
		rc = err_set(e, EEXIST, "domain '%s' already exists with uuid %s", d->info.name,
			     d->info.uuid);
	else if (other && d != other && rename && other->info.id >= 0)
		rc = err_set(e, EBUSY, "cannot rename active domain '%s': shut it down first", other->info.name);
	else if (other && d != other && !rename)
		rc = err_set(e, EEXIST, "domain '%s' is already defined with uuid %s", other->info.name,
			     parsed->uuid);
	else if (!persistent && d)
		rc = err_set(e, EEXIST, "domain '%s' already exists", d->info.name);
	if (!rc && !d)
		rc = domain_new_name_check(parsed->name, e);
	if (!rc && rename)
		d = other;
	if (rc) {
		domain_free(parsed);
		return rc;
	}
	struct domain_info info = {.id = -1, .state = DOMAIN_SHUTOFF};
	if (!d)
		d = fake_add(f, &info);
	else
		d->info.changed = d->info.id >= 0;
	info_from(&d->info, parsed);
	d->info.persistent = persistent || d->xml;
	free(d->xml);
	d->xml = persistent ? domain_text(parsed) : NULL;
	fake_screen_define(d, parsed);
	if (!persistent)
		d->live_xml = domain_text(parsed);
	if (notes)
		*notes = notes_text(parsed);
	domain_free(parsed);
	*out = d;
	return 0;
}

static int fake_define(struct backend *b, const char *text, const char *where, unsigned flags,
		       struct domain_info *info, char **notes, struct err *e)
{
	struct fake *f = fake_of(b);
	FAKE_LOCK(f);
	int rc = fake_fails(f, "domain_define", e);
	struct fake_domain *d = NULL;
	if (!rc)
		rc = take_xml(f, text, where, true, flags & DEFINE_RENAME, &d, notes, e);
	if (!rc && info)
		*info = d->info;
	return rc;
}

static int fake_undefine(struct backend *b, const char *uuid, unsigned flags, struct err *e)
{
	struct fake *f = fake_of(b);
	FAKE_LOCK(f);
	struct fake_domain *d;
	int rc = begin(f, "domain_undefine", uuid, DOMAIN_ANY, &d, e);
	if (rc)
		return rc;
	if (!d->info.persistent)
		return err_set(e, EINVAL, "domain '%s' is transient: it has no definition", d->info.name);
	d->info.persistent = d->info.autostart = false;
	free(TAKE_PTR(d->xml));
	if (d->info.state & DOMAIN_INACTIVE)
		fake_remove(f, d);
	return 0;
}

static int power_on(struct fake *f, struct fake_domain *d, unsigned flags, struct err *e)
{
	if (f->no_kvm)
		return err_set(e, ENOENT, "no /dev/kvm: load kvm_intel or kvm_amd");
	if (f->interpreted && !(flags & START_FORCE))
		return err_set(e, ENOTSUP,
			       "this host's KVM interprets kernel mode: --force starts nevertheless");
	fake_on(f, d, flags & START_PAUSED);
	if (flags & START_NO_PASSWORD)
		d->screen.passwd[0] = 0;
	if (!(flags & START_PAUSED))
		fake_boot(f, d);
	return 0;
}

static int fake_create(struct backend *b, const char *text, const char *where, unsigned flags,
		       struct domain_info *info, char **notes, struct err *e)
{
	struct fake *f = fake_of(b);
	FAKE_LOCK(f);
	struct fake_domain *d = NULL;
	int rc = fake_fails(f, "domain_create", e);
	if (!rc)
		rc = take_xml(f, text, where, false, false, &d, notes, e);
	if (rc)
		return rc;
	rc = power_on(f, d, flags, e);
	if (rc) {
		fake_remove(f, d);
		if (notes)
			free(TAKE_PTR(*notes));
	} else if (info)
		*info = d->info;
	return rc;
}

static int fake_start(struct backend *b, const char *uuid, unsigned flags, char **notes, struct err *e)
{
	struct fake *f = fake_of(b);
	FAKE_LOCK(f);
	struct fake_domain *d;
	int rc = begin(f, "domain_start", uuid, DOMAIN_INACTIVE, &d, e);
	if (!rc)
		rc = power_on(f, d, flags, e);
	if (!rc && notes)
		*notes = x_strdup("");
	return rc;
}

static int fake_shutdown(struct backend *b, const char *uuid, enum shutdown_what what, struct err *e)
{
	struct fake *f = fake_of(b);
	FAKE_LOCK(f);
	struct fake_domain *d;
	int rc = begin(f, "domain_shutdown", uuid, DOMAIN_RUNNING | DOMAIN_SHUTDOWN, &d, e);
	if (rc)
		return rc;
	if (what == SHUTDOWN_REBOOT) {
		d->boot = d->record.len;
		fake_boot(f, d);
		return 0;
	}
	d->info.state = DOMAIN_SHUTDOWN;
	d->info.reason = DOMAIN_REASON_USER;
	return 0;
}

static int fake_destroy(struct backend *b, const char *uuid, struct err *e)
{
	struct fake *f = fake_of(b);
	FAKE_LOCK(f);
	struct fake_domain *d;
	int rc = begin(f, "domain_destroy", uuid, DOMAIN_ACTIVE, &d, e);
	if (!rc)
		fake_off(f, d, DOMAIN_SHUTOFF, DOMAIN_REASON_DESTROYED, NULL);
	return rc;
}

static int fake_reset(struct backend *b, const char *uuid, struct err *e)
{
	struct fake *f = fake_of(b);
	FAKE_LOCK(f);
	struct fake_domain *d;
	int rc = begin(f, "domain_reset", uuid, DOMAIN_ACTIVE, &d, e);
	if (rc)
		return rc;
	d->boot = d->record.len;
	fake_boot(f, d);
	return 0;
}

static int fake_pause(struct backend *b, const char *uuid, struct err *e)
{
	struct fake *f = fake_of(b);
	FAKE_LOCK(f);
	struct fake_domain *d;
	int rc = begin(f, "domain_suspend", uuid, DOMAIN_RUNNING, &d, e);
	if (rc)
		return rc;
	d->info.state = DOMAIN_PAUSED;
	d->info.reason = DOMAIN_REASON_USER;
	return 0;
}

static int fake_resume(struct backend *b, const char *uuid, struct err *e)
{
	struct fake *f = fake_of(b);
	FAKE_LOCK(f);
	struct fake_domain *d;
	int rc = begin(f, "domain_resume", uuid, DOMAIN_PAUSED, &d, e);
	if (rc)
		return rc;
	bool first = d->info.reason == DOMAIN_REASON_STARTING;
	d->info.state = DOMAIN_RUNNING;
	d->info.reason = first ? DOMAIN_REASON_BOOTED : DOMAIN_REASON_UNPAUSED;
	if (first)
		fake_boot(f, d);
	return 0;
}

static int fake_autostart(struct backend *b, const char *uuid, bool on, struct err *e)
{
	struct fake *f = fake_of(b);
	FAKE_LOCK(f);
	struct fake_domain *d;
	int rc = begin(f, "domain_autostart", uuid, DOMAIN_ANY, &d, e);
	if (rc)
		return rc;
	if (!d->info.persistent)
		return err_set(e, EINVAL, "cannot set autostart for transient domain");
	d->info.autostart = on;
	return 0;
}

static int fake_command(struct backend *b, const char *uuid, const char *command, const char *arguments,
			char **reply, struct err *e)
{
	struct fake *f = fake_of(b);
	FAKE_LOCK(f);
	struct fake_domain *d;
	int rc = begin(f, "domain_command", uuid, DOMAIN_ACTIVE, &d, e);
	if (rc)
		return rc;
	if (str_eq(command, "query-status"))
		*reply = x_asprintf("{\"status\":\"%s\"}", domain_state_text(d->info.state));
	else if (str_eq(command, "set_password") || str_eq(command, "expire_password") ||
		 str_eq(command, "x-vnc-kick")) {
		rc = fake_screen_command(d, command, arguments, e);
		if (!rc)
			*reply = x_strdup("{}");
		return rc;
	} else if (str_eq(command, "send-key") || str_eq(command, "x-type"))
		*reply = x_strdup("{}");
	else if (str_eq(command, "query-block"))
		*reply = x_strdup("[]");
	else if (str_eq(command, "x-diagnose") && d->facts)
		*reply = x_strdup(d->facts);
	else if (str_eq(command, "quit")) {
		fake_off(f, d, DOMAIN_SHUTOFF, DOMAIN_REASON_DESTROYED, NULL);
		*reply = x_strdup("{}");
	} else
		return err_set(e, ENOSYS, "the guest has no command '%s'", command);
	return 0;
}

static int fake_block_info(struct backend *b, const char *uuid, const char *target, struct block_info *info,
			   struct err *e)
{
	struct fake *f = fake_of(b);
	FAKE_LOCK(f);
	struct fake_domain *d;
	int rc = begin(f, "domain_block_info", uuid, DOMAIN_ANY, &d, e);
	if (!rc)
		*info = (struct block_info){10ull << 30, 3ull << 30, 10ull << 30};
	return rc;
}

/* Only the texts change, where they have that drive. */
static int fake_change_media(struct backend *b, const char *uuid, const char *target, const char *source,
			     enum media_action action, unsigned flags, struct err *e)
{
	struct fake *f = fake_of(b);
	FAKE_LOCK(f);
	struct fake_domain *d;
	int rc = begin(f, "domain_change_media", uuid, DOMAIN_ANY, &d, e);
	if (rc)
		return rc;
	if (!(flags & (MEDIA_LIVE | MEDIA_CONFIG)))
		flags |= d->live_xml ? MEDIA_LIVE : MEDIA_CONFIG;
	char **texts[] = {flags & MEDIA_LIVE ? &d->live_xml : NULL, flags & MEDIA_CONFIG ? &d->xml : NULL};
	for (size_t i = 0; i < ARRAY_SIZE(texts) && !rc; i++) {
		struct domain_medium m = {.path = source, .tray_open = !source && !i};
		char *text = NULL;
		if (!texts[i] || !*texts[i])
			continue;
		rc = domain_text_medium(*texts[i], d->info.name, target, &m, &text, e);
		if (rc == -ENOENT)
			rc = 0;
		else if (!rc) {
			free(*texts[i]);
			*texts[i] = text;
		}
	}
	return rc;
}

/* Only the texts change, as above. */
static int fake_set_link(struct backend *b, const char *uuid, const char *key, bool up, unsigned flags,
			 struct err *e)
{
	struct fake *f = fake_of(b);
	FAKE_LOCK(f);
	struct fake_domain *d;
	int rc = begin(f, "domain_set_link", uuid, DOMAIN_ANY, &d, e);
	if (!(flags & (MEDIA_LIVE | MEDIA_CONFIG)))
		flags |= !rc && d->live_xml ? MEDIA_LIVE : MEDIA_CONFIG;
	for (unsigned live = 0; live < 2 && !rc; live++) {
		char **text = live ? &d->live_xml : &d->xml, *new = NULL;
		struct domain *parsed = NULL;
		if (!(flags & (live ? MEDIA_LIVE : MEDIA_CONFIG)) || !*text ||
		    domain_parse(*text, strlen(*text), d->info.name, &parsed, NULL))
			continue;
		size_t i = domain_interface_find(parsed, key), n = parsed->ninterfaces;
		domain_free(parsed);
		rc = i == n ? err_set(e, ENODEV, "interface (%s) not found", key)
			    : domain_text_link(*text, d->info.name, i, up, &new, e);
		if (!rc) {
			free(*text);
			*text = new;
		}
	}
	return rc;
}

static int fake_release(struct backend *b, const char *uuid, struct err *e)
{
	struct fake *f = fake_of(b);
	FAKE_LOCK(f);
	struct fake_domain *d;
	return begin(f, "domain_release", uuid, DOMAIN_ANY, &d, e);
}

static void fake_close(struct backend *b)
{
	struct fake *f = fake_of(b);
	if (f->live) {
		f->stop = true;
		pthread_join(f->thread, NULL);
	}
	while (f->n)
		fake_remove(f, f->domains[0]);
	free(f->domains);
	for (size_t i = 0; i < f->nfailures; i++) {
		free(f->failures[i].call);
		free(f->failures[i].text);
	}
	free(f->failures);
	fake_paths_done(f);
	free(f->boot_text);
	buf_done(&f->bridges);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

void fake_guest_state(struct backend *b, const char *name, enum domain_state s, enum domain_reason r,
		      const char *detail)
{
	struct fake *f = fake_of(b);
	FAKE_LOCK(f);
	struct fake_domain *d = fake_by_name(f, name);
	if (!d)
		return;
	if (s & DOMAIN_INACTIVE) {
		fake_off(f, d, s, r, detail);
		return;
	}
	d->info.state = s;
	d->info.reason = r;
	snprintf(d->info.detail, sizeof(d->info.detail), "%s", detail ? detail : "");
}

static const struct backend_ops fake_ops = {
	.name = "fake",
	.domain_list = fake_list,
	.domain_get = fake_get,
	.domain_xml = fake_xml,
	.domain_define = fake_define,
	.domain_undefine = fake_undefine,
	.domain_create = fake_create,
	.domain_install = fake_install,
	.path_info = fake_path_info,
	.domain_start = fake_start,
	.domain_shutdown = fake_shutdown,
	.domain_destroy = fake_destroy,
	.domain_reset = fake_reset,
	.domain_suspend = fake_pause,
	.domain_resume = fake_resume,
	.domain_autostart = fake_autostart,
	.console_open = fake_console_open,
	.console_log = fake_console_log,
	.console_path = fake_console_path,
	.domain_screenshot = fake_screenshot,
	.domain_screen_open = fake_screen_open,
	.domain_block_info = fake_block_info,
	.domain_change_media = fake_change_media,
	.domain_set_link = fake_set_link,
	.domain_screen = fake_screen,
	.sample = fake_sample,
	.domain_command = fake_command,
	.host_neighbour = fake_host_neighbour,
	.host_bridges = fake_host_bridges,
	.host_info = fake_host_info,
	.host_validate = fake_host_validate,
	.domain_release = fake_release,
	.close = fake_close,
};

struct backend *backend_fake_open(const char *script, struct err *e)
{
	struct fake *f = x_calloc(1, sizeof(*f));
	f->backend.ops = &fake_ops;
	f->next_id = 1;
	f->step_ms = 1000;
	pthread_mutexattr_t attr;
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&f->lock, &attr);
	pthread_mutexattr_destroy(&attr);
	if (fake_script(&f->backend, script && *script ? script : "domains 3", e)) {
		fake_close(&f->backend);
		return NULL;
	}
	return &f->backend;
}
