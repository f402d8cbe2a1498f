/* The script of a fake host: fake.h lists the directives. */
#include <errno.h>
#include <string.h>

#include "backend/fake/host.h"
#include "src/base/file.h"

#define SCRIPT_MAX (1u << 20)

static const struct {
	const char *name;
	int code;
} errnos[] = {
	{"EACCES", EACCES}, {"EAGAIN", EAGAIN}, {"EBUSY", EBUSY},   {"EINVAL", EINVAL},       {"EIO", EIO},
	{"ENOENT", ENOENT}, {"ENOMEM", ENOMEM}, {"ENOSPC", ENOSPC}, {"ETIMEDOUT", ETIMEDOUT},
};

static const struct {
	const char *word;
	enum domain_state state;
	enum domain_reason reason;
} states[] = {
	{"shutoff", DOMAIN_SHUTOFF, DOMAIN_REASON_UNKNOWN}, {"running", DOMAIN_RUNNING, DOMAIN_REASON_BOOTED},
	{"paused", DOMAIN_PAUSED, DOMAIN_REASON_USER},      {"shutdown", DOMAIN_SHUTDOWN, DOMAIN_REASON_USER},
	{"crashed", DOMAIN_CRASHED, DOMAIN_REASON_CRASHED},
};

struct wish {
	const char *name, *title;
	size_t state; /* row of states[] */
	uint64_t vcpus, memory_mib, load, uptime_s, id;
	bool autostart, transient;
};

/* A uuid that the same name always gets. */
static void uuid_of(const char *name, char out[UUID_TEXT])
{
	uint64_t h = 14695981039346656037ull; /* FNV-1a */
	for (const char *c = name; *c; c++)
		h = (h ^ (unsigned char)*c) * 1099511628211ull;
	snprintf(out, UUID_TEXT, "%08x-%04x-4000-8000-%012llx", (unsigned)(h >> 32),
		 (unsigned)(h >> 16 & 0xffff), (unsigned long long)(h & 0xffffffffffff));
}

static void make_domain(struct fake *f, const struct wish *w)
{
	enum domain_state s = states[w->state].state;
	bool active = s & DOMAIN_ACTIVE;
	struct domain_info info = {
		.id = -1,
		.state = s,
		.reason = states[w->state].reason,
		.persistent = !w->transient,
		.autostart = w->autostart,
		.vcpus = (unsigned)w->vcpus,
		.max_vcpus = (unsigned)w->vcpus,
		.memory_bytes = w->memory_mib << 20,
		.max_memory_bytes = w->memory_mib << 20,
	};
	snprintf(info.name, sizeof(info.name), "%s", w->name);
	snprintf(info.title, sizeof(info.title), "%s", w->title ? w->title : "");
	snprintf(info.detail, sizeof(info.detail), "%s", s == DOMAIN_CRASHED ? "killed by signal 9" : "");
	uuid_of(w->name, info.uuid);
	struct fake_domain *d = fake_add(f, &info);
	d->load = (unsigned)w->load;
	struct buf x = {0};
	buf_printf(&x, "<domain type='kvm'>\n  <name>%s</name>\n  <uuid>%s</uuid>\n", w->name, info.uuid);
	if (w->title)
		buf_printf(&x, "  <title>%s</title>\n", w->title);
	buf_printf(&x,
		   "  <memory unit='KiB'>%llu</memory>\n  <vcpu>%u</vcpu>\n  <os>\n"
		   "    <type arch='x86_64' machine='pc'>hvm</type>\n    <kernel>/boot/vmlinuz</kernel>\n  "
		   "</os>\n"
		   "  <devices>\n    <interface type='user'/>\n    <serial type='pty'/>\n  </devices>\n</domain>\n",
		   (unsigned long long)w->memory_mib << 10, info.vcpus);
	d->xml = buf_take(&x);
	if (active) {
		fake_on(f, d, false);
		d->info.state = s;
		d->info.reason = states[w->state].reason;
		d->busy_ms = w->uptime_s * 1000;
		d->info.started_ms -= (int64_t)w->uptime_s * 1000;
		if (w->id)
			d->info.id = (int)w->id;
	}
	if (w->transient)
		free(TAKE_PTR(d->xml));
}

static int do_domain(struct fake *f, char *args, struct err *e)
{
	char *save = NULL, *name = strtok_r(args, " ", &save);
	if (!name || fake_by_name(f, name))
		return err_set(e, EINVAL, "fake script: domain: a new name is wanted");
	struct wish w = {.name = name, .vcpus = 1, .memory_mib = 64, .load = 10, .uptime_s = 60};
	AUTO_FREE char *title = NULL;
	for (char *word; (word = strtok_r(NULL, " ", &save));) {
		char *eq = strchr(word, '=');
		size_t s = 0;
		if (!eq) {
			while (s < ARRAY_SIZE(states) && !str_eq(states[s].word, word))
				s++;
			if (s == ARRAY_SIZE(states))
				return err_set(e, EINVAL, "fake script: domain %s: no state '%s'", name,
					       word);
			w.state = s;
			continue;
		}
		*eq++ = 0;
		uint64_t n = 0;
		str_u64(eq, &n);
		if (str_eq(word, "title")) {
			title = x_asprintf("%s%s%s", eq, save && *save ? " " : "", save ? save : "");
			w.title = title;
			break;
		} else if (str_eq(word, "vcpus"))
			w.vcpus = n;
		else if (str_eq(word, "memory"))
			w.memory_mib = n;
		else if (str_eq(word, "load"))
			w.load = n;
		else if (str_eq(word, "uptime"))
			w.uptime_s = n;
		else if (str_eq(word, "id"))
			w.id = n;
		else if (str_eq(word, "autostart"))
			w.autostart = n;
		else if (str_eq(word, "transient"))
			w.transient = n;
		else
			return err_set(e, EINVAL, "fake script: domain %s: no key '%s'", name, word);
	}
	make_domain(f, &w);
	return 0;
}

static int do_domains(struct fake *f, char *args, struct err *e)
{
	uint64_t n;
	if (!str_u64(args, &n) || n > 100000)
		return err_set(e, EINVAL, "fake script: domains: a number is wanted, not '%s'", args);
	/* Of ten: five run, one paused, one crashed, three off. */
	static const unsigned char pattern[] = {1, 0, 1, 2, 1, 0, 1, 4, 1, 0};
	for (uint64_t i = 0; i < n; i++) {
		unsigned k = f->made++;
		char name[32], title[32];
		snprintf(name, sizeof(name), "vm%03u", k + 1);
		snprintf(title, sizeof(title), "Guest number %u", k + 1);
		struct wish w = {.name = name,
				 .title = title,
				 .state = pattern[k % sizeof(pattern)],
				 .vcpus = 1u << k % 3,
				 .memory_mib = 64u << k % 6,
				 .load = k * 37 % 101,
				 .uptime_s = 60 + k * 977ull,
				 .autostart = k % 4 == 0};
		make_domain(f, &w);
	}
	return 0;
}

char *fake_unescape(const char *text)
{
	struct buf out = {0};
	for (const char *p = text; *p; p++) {
		static const char from[] = "rnet\\", to[] = "\r\n\033\t\\";
		const char *k = *p == '\\' && p[1] ? strchr(from, p[1]) : NULL;
		buf_add(&out, k ? to + (k - from) : p, 1);
		p += k != NULL;
	}
	return buf_take(&out);
}

static int do_console(struct fake *f, char *args, struct err *e)
{
	char *text = args + strcspn(args, " ");
	if (*text)
		*text++ = 0;
	struct fake_domain *d = fake_by_name(f, args);
	if (!d)
		return err_set(e, EINVAL, "fake script: console: no domain '%s'", args);
	AUTO_FREE char *out = fake_unescape(text);
	fake_write(d, out, strlen(out));
	return 0;
}

/* facts NAME JSON: what x-diagnose answers. */
static int do_facts(struct fake *f, char *args, struct err *e)
{
	char *text = args + strcspn(args, " ");
	if (*text)
		*text++ = 0;
	struct fake_domain *d = fake_by_name(f, args);
	if (!d)
		return err_set(e, EINVAL, "fake script: facts: no domain '%s'", args);
	free(d->facts);
	d->facts = *text ? x_strdup(text) : NULL;
	return 0;
}

static int do_fail(struct fake *f, char *args, struct err *e)
{
	char *save = NULL, *call = strtok_r(args, " ", &save), *code = strtok_r(NULL, " ", &save);
	for (size_t i = 0; call && code && i < ARRAY_SIZE(errnos); i++)
		if (str_eq(errnos[i].name, code)) {
			f->failures = x_realloc(f->failures, (f->nfailures + 1) * sizeof(*f->failures));
			f->failures[f->nfailures++] = (struct fake_failure){
				x_strdup(call), errnos[i].code, x_strdup(save && *save ? save : "failed")};
			return 0;
		}
	return err_set(e, EINVAL, "fake script: fail CALL ERRNO TEXT");
}

static int do_stale(struct fake *f, char *args, struct err *e)
{
	struct fake_domain *d = fake_by_name(f, args);
	if (!d)
		return err_set(e, EINVAL, "fake script: stale: no domain '%s'", args);
	d->stale = true;
	return 0;
}

static int do_step(struct fake *f, char *args, struct err *e)
{
	uint64_t ms;
	if (!str_u64(args, &ms) || ms > 1000000)
		return err_set(e, EINVAL, "fake script: step: milliseconds are wanted, not '%s'", args);
	f->step_ms = (unsigned)ms;
	return 0;
}

static int do_interpreted(struct fake *f, char *args, struct err *e)
{
	f->interpreted = true;
	return 0;
}

static int do_no_kvm(struct fake *f, char *args, struct err *e)
{
	f->no_kvm = true;
	return 0;
}

static int do_live(struct fake *f, char *args, struct err *e)
{
	fake_live_start(f);
	return 0;
}

static int do_bridge(struct fake *f, char *args, struct err *e)
{
	buf_printf(&f->bridges, "%s\n", args);
	return 0;
}

static int do_boot(struct fake *f, char *args, struct err *e)
{
	free(f->boot_text);
	f->boot_text = fake_unescape(args);
	return 0;
}

static const struct {
	const char *word;
	int (*run)(struct fake *, char *args, struct err *);
} directives[] = {
	{"boot", do_boot},       {"bridge", do_bridge},   {"console", do_console},
	{"domain", do_domain},   {"domains", do_domains}, {"facts", do_facts},
	{"fail", do_fail},       {"interpreted", do_interpreted},
	{"live", do_live},       {"no-kvm", do_no_kvm},   {"path", fake_path_script},
	{"picture", fake_picture_script}, {"screen", fake_screen_script},
	{"stale", do_stale},
	{"step", do_step},
	{"text", fake_text_script},
};

static int run_line(struct fake *f, char *line, struct err *e)
{
	line += strspn(line, " \t");
	if (!*line || *line == '#')
		return 0;
	char *args = line + strcspn(line, " ");
	if (*args)
		*args++ = 0;
	for (size_t i = 0; i < ARRAY_SIZE(directives); i++)
		if (str_eq(directives[i].word, line))
			return directives[i].run(f, args, e);
	return err_set(e, EINVAL, "fake script: no directive '%s'", line);
}

int fake_script(struct backend *b, const char *script, struct err *e)
{
	struct fake *f = fake_of(b);
	FAKE_LOCK(f);
	AUTO_FREE char *text = NULL;
	if (*script == '@') {
		int rc = file_read(script + 1, SCRIPT_MAX, &text, NULL, e);
		if (rc)
			return rc;
	} else
		text = x_strdup(script);
	char *save = NULL;
	for (char *line = strtok_r(text, "\n;", &save); line; line = strtok_r(NULL, "\n;", &save)) {
		int rc = run_line(f, line, e);
		if (rc)
			return rc;
	}
	return 0;
}
