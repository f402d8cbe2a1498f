/* What stands directly below <domain>, but for the devices. (libvirt, "Domain XML format")
 *
 * domain_parse() reads the sections in turn, each into struct domain, each refusing what it cannot mean; at
 * the end domain_classify() walks the whole document once more against the table. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "src/base/cleanup.h"
#include "src/base/fmt.h"
#include "src/base/str.h"
#include "src/model/cpu_models.h"
#include "src/model/domain_xml.h"

#define CPU_FEATURES_MAX 512
#define KIB ((uint64_t)1024)
#define MIB (1024 * KIB)
#define MEMORY_MAX ((uint64_t)64 << 40) /* 46 address bits, what KVM's MMU takes everywhere */

struct xml_node *domain_metadata(struct domain *d, const char *name)
{
	struct xml_node *m = xml_first(xml_root(d->xml), "metadata");
	for (struct xml_node *n = m ? xml_first(m, NULL) : NULL; n; n = xml_next(n, NULL))
		if (str_eq(xml_namespace(n), DOMAIN_NAMESPACE) && str_eq(xml_name(n), name))
			return n;
	return NULL;
}

static int parse_name(struct domain *d, struct xml_node *root, struct err *e)
{
	struct xml_node *n = xml_first(root, "name");
	if (!n)
		return xml_bad(root, NULL, e, "there is no <name>");
	AUTO_FREE char *name = xml_content(n);
	struct err why;
	if (domain_name_check(name, &why))
		return xml_bad(n, NULL, e, "%s", why.msg);
	snprintf(d->name, sizeof(d->name), "%s", name);
	return 0;
}

static int parse_uuid(struct domain *d, struct xml_node *root, struct err *e)
{
	struct xml_node *n = xml_first(root, "uuid");
	if (!n) {
		uuid_make(d->uuid);
		xml_add(root, xml_first(root, "name"), "uuid", d->uuid);
		return 0;
	}
	AUTO_FREE char *text = xml_content(n);
	char *s = text + strspn(text, " \t\r\n"), show[128];
	for (size_t len = strlen(s); len && strchr(" \t\r\n", s[len - 1]); len--)
		s[len - 1] = 0;
	if (!*s) { /* a template that leaves it to us */
		uuid_make(d->uuid);
		xml_set_content(n, d->uuid);
		return 0;
	}
	if (!uuid_canon(s, d->uuid))
		return xml_bad(n, NULL, e,
			       "'%s' is not allowed: 32 hexadecimal digits with or without hyphens, or leave "
			       "<uuid> out",
			       str_printable(s, show, sizeof(show)));
	return 0;
}

static int parse_texts(struct domain *d, struct xml_node *root, struct err *e)
{
	struct xml_node *n = xml_first(root, "title");
	if (n) {
		d->title = xml_content(n);
		if (strchr(d->title, '\n'))
			return xml_bad(n, NULL, e, "a title is one line: put the rest into <description>");
	}
	n = xml_first(root, "description");
	if (n)
		d->description = xml_content(n);
	n = xml_first(root, "metadata");
	for (struct xml_node *c = n ? xml_first(n, NULL) : NULL; c; c = xml_next(c, NULL))
		d->installing = d->installing || (str_eq(xml_namespace(c), DOMAIN_NAMESPACE) &&
						  str_eq(xml_name(c), "install"));
	return 0;
}

static uint64_t round_up(uint64_t v, uint64_t to)
{
	return (v + to - 1) / to * to;
}

/* libvirt keeps KiB, rounded up; the machine is built in MiB. */
static int parse_size(struct xml_node *n, uint64_t *bytes, struct err *e)
{
	int rc = xml_get_size(n, bytes, e);
	if (rc)
		return rc;
	if (*bytes < DOMAIN_MEMORY_MIN || *bytes > MEMORY_MAX)
		return xml_bad(n, NULL, e,
			       "%" PRIu64 " bytes of memory are not allowed: from %" PRIu64 " MiB to %" PRIu64
			       " TiB",
			       *bytes, (uint64_t)DOMAIN_MEMORY_MIN / MIB, MEMORY_MAX >> 40);
	*bytes = round_up(*bytes, KIB);
	return 0;
}

/* Without <memory> it is what the NUMA cells have together. */
static int cells_size(struct domain *d, struct xml_node *root, struct err *e)
{
	struct xml_node *cpu = xml_first(root, "cpu"), *numa = cpu ? xml_first(cpu, "numa") : NULL;
	uint64_t sum = 0;
	for (struct xml_node *n = numa ? xml_first(numa, "cell") : NULL; n; n = xml_next(n, "cell")) {
		uint64_t kib = 0, factor = fmt_unit_bytes(xml_attr(n, "unit"));
		int rc = xml_get_u64(n, "memory", 0, MEMORY_MAX / KIB, &kib, e);
		if (rc)
			return rc;
		if (!factor || __builtin_mul_overflow(kib, factor, &kib) ||
		    __builtin_add_overflow(sum, kib, &sum) || sum > MEMORY_MAX)
			return xml_bad(n, "memory", e, "not allowed: at most %" PRIu64 " TiB in all cells",
				       MEMORY_MAX >> 40);
	}
	if (sum < DOMAIN_MEMORY_MIN)
		return xml_bad(root, NULL, e,
			       "there is no <memory>, such as <memory unit='MiB'>512</memory>");
	d->memory_bytes = round_up(sum, KIB);
	return 0;
}

static int parse_memory(struct domain *d, struct xml_node *root, struct err *e)
{
	struct xml_node *n = xml_first(root, "memory"), *cur = xml_first(root, "currentMemory");
	uint64_t current = 0;
	int rc = n ? parse_size(n, &d->memory_bytes, e) : cells_size(d, root, e);
	if (!rc && cur)
		rc = xml_get_size(cur, &current, e);
	if (rc)
		return rc;
	/* 0 is the same as none. */
	d->current_bytes = !current ? d->memory_bytes : current > MEMORY_MAX ? current : round_up(current, KIB);
	/* libvirt lets rounding differ by less than 4 MiB. */
	if (d->current_bytes > d->memory_bytes && d->current_bytes - d->memory_bytes >= 4 * MIB)
		return xml_bad(cur, NULL, e,
			       "%" PRIu64 " KiB is not allowed: at most <memory>, %" PRIu64 " KiB",
			       d->current_bytes / KIB, d->memory_bytes / KIB);
	if (d->current_bytes > d->memory_bytes)
		d->current_bytes = d->memory_bytes;
	if (d->current_bytes < d->memory_bytes)
		domain_note(
		    d, cur, false,
		    "currentMemory: taking memory back is not supported yet: the guest has all of <memory>");
	d->memory_bytes = round_up(d->memory_bytes, MIB);
	struct xml_node *backing = xml_first(root, "memoryBacking");
	d->hugepages = backing && xml_first(backing, "hugepages");
	d->nosharepages = backing && xml_first(backing, "nosharepages");
	return 0;
}

static int parse_vcpu(struct domain *d, struct xml_node *root, struct err *e)
{
	d->vcpus = d->max_vcpus = 1;
	struct xml_node *n = xml_first(root, "vcpu");
	if (!n)
		return 0;
	/* More may be named than we have, as long as they are not asked for at the start. */
	int rc = xml_get_unsigned(n, NULL, 1, UINT16_MAX, &d->max_vcpus, e);
	if (rc)
		return rc;
	if (d->max_vcpus > DOMAIN_VCPUS_MAX && !xml_attr(n, "current"))
		return xml_bad(n, NULL, e,
			       "'%u' is not allowed: %d vCPUs at most; for a guest that begins with fewer write "
			       "<vcpu current='%d'>%u</vcpu>",
			       d->max_vcpus, DOMAIN_VCPUS_MAX, DOMAIN_VCPUS_MAX, d->max_vcpus);
	d->vcpus = d->max_vcpus;
	unsigned most = d->max_vcpus < DOMAIN_VCPUS_MAX ? d->max_vcpus : DOMAIN_VCPUS_MAX;
	rc = xml_get_unsigned(n, "current", 1, most, &d->vcpus, e);
	if (!rc && d->vcpus < d->max_vcpus)
		domain_note(d, n, false,
			    "vcpu: plugging in is not supported yet: the guest stays at %u of %u", d->vcpus,
			    d->max_vcpus);
	return rc;
}

static unsigned at_most(unsigned n, unsigned limit)
{
	return n < limit ? n : limit;
}

/* Of a topology with more vCPUs than there can be: as much as those that run fill. */
static void trim_topology(struct domain *d)
{
	unsigned left = d->vcpus;
	unsigned *const parts[] = {&d->threads, &d->cores, &d->dies, &d->sockets};
	for (size_t i = 0; i < ARRAY_SIZE(parts) && d->max_vcpus > DOMAIN_VCPUS_MAX; i++) {
		*parts[i] = at_most(*parts[i], left);
		left = (left + *parts[i] - 1) / *parts[i];
	}
}

static int parse_topology(struct domain *d, struct xml_node *cpu, struct err *e)
{
	d->sockets = d->max_vcpus;
	d->dies = d->cores = d->threads = 1;
	struct xml_node *n = cpu ? xml_first(cpu, "topology") : NULL;
	if (!n) {
		trim_topology(d);
		return 0;
	}
	static const char *const need[] = {"sockets", "cores", "threads"};
	for (size_t i = 0; i < ARRAY_SIZE(need); i++)
		if (!xml_attr(n, need[i]))
			return xml_bad(n, need[i], e, "missing: sockets, cores and threads are needed");
	unsigned most = d->max_vcpus > DOMAIN_VCPUS_MAX ? d->max_vcpus : DOMAIN_VCPUS_MAX;
	int rc = xml_get_unsigned(n, "sockets", 1, most, &d->sockets, e);
	if (!rc)
		rc = xml_get_unsigned(n, "dies", 1, most, &d->dies, e);
	if (!rc)
		rc = xml_get_unsigned(n, "cores", 1, most, &d->cores, e);
	if (!rc)
		rc = xml_get_unsigned(n, "threads", 1, most, &d->threads, e);
	if (rc)
		return rc;
	uint64_t product = (uint64_t)d->sockets * d->dies * d->cores * d->threads; /* at most 65535^4 */
	if (product != d->max_vcpus)
		return xml_bad(n, NULL, e,
			       "sockets x dies x cores x threads is %" PRIu64 ": must be <vcpu>, %u", product,
			       d->max_vcpus);
	trim_topology(d);
	return 0;
}

/* A name that is not known is only an obstacle where the guest must have it. */
static void note_feature(struct domain *d, const struct xml_node *n, const char *name, enum cpu_policy policy)
{
	if (cpu_feature_find(name) || policy == CPU_DISABLE || policy == CPU_FORBID)
		return;
	if (cpu_feature_nested(name))
		return; /* as KVM has it, where vmx is shown */
	if (policy == CPU_OPTIONAL)
		domain_note(d, n, false, "cpu/feature: '%s' is not known: the guest is without it", name);
	else
		domain_note(d, n, true,
			    "cpu/feature: '%s' cannot be had, since it is not known: remove it, or see "
			    "vmdeck-xml(7), CPU FEATURES, for the names",
			    name);
}

static int add_feature(struct domain *d, struct xml_node *n, struct err *e)
{
	unsigned policy = CPU_REQUIRE;
	int rc = xml_get_choice(n, "policy", "force|require|optional|disable|forbid", &policy, e);
	if (rc)
		return rc;
	const char *name = xml_attr(n, "name");
	char show[128];
	if (!name || !*name)
		return xml_bad(n, "name", e, "missing: the name of a CPU feature, such as 'vmx'");
	if (strlen(name) > 64 || name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.")])
		return xml_bad(n, "name", e, "'%s' is not allowed: small letters, digits, '-', '_' and '.'",
			       str_printable(name, show, sizeof(show)));
	for (size_t i = 0; i < d->ncpu_features; i++)
		if (str_eq(d->cpu_features[i].name, name))
			return xml_bad(n, "name", e, "'%s' is there twice: leave one", name);
	if (d->ncpu_features == CPU_FEATURES_MAX)
		return xml_bad(n, NULL, e, "more than %d CPU features", CPU_FEATURES_MAX);
	note_feature(d, n, name, policy);
	d->cpu_features = x_realloc(d->cpu_features, (d->ncpu_features + 1) * sizeof(*d->cpu_features));
	d->cpu_features[d->ncpu_features++] =
	    (struct cpu_feature){.name = x_strdup(name), .policy = (enum cpu_policy)policy};
	return 0;
}

/* A model that is not known is given the host's, unless fallback says no. */
static int parse_model(struct domain *d, struct xml_node *model, struct err *e)
{
	enum { ALLOW, FORBID };
	unsigned fallback = ALLOW;
	int rc = xml_get_choice(model, "fallback", "allow|forbid", &fallback, e);
	const char *vendor = xml_attr(model, "vendor_id");
	AUTO_FREE char *name = xml_content(model);
	char show[128];
	if (rc)
		return rc;
	if (vendor && (strlen(vendor) != CPU_VENDOR_ID || strpbrk(vendor, ",\"<>&")))
		return xml_bad(model, "vendor_id", e, "'%s' is not allowed: %d letters, such as GenuineIntel",
			       str_printable(vendor, show, sizeof(show)), CPU_VENDOR_ID);
	snprintf(d->cpu_vendor_id, sizeof(d->cpu_vendor_id), "%s", vendor ? vendor : "");
	if (d->cpu_mode != CPU_CUSTOM)
		return 0;
	d->cpu_model = name ? cpu_model_find(name) : NULL;
	if (d->cpu_model)
		return 0;
	d->cpu_mode = CPU_HOST_MODEL;
	if (!name || !*name)
		return 0;
	const char *like = cpu_model_nearest(name);
	domain_note(d, model, fallback == FORBID, "cpu: model '%s' is not known%s%s%s: %s",
		    str_printable(name, show, sizeof(show)), like ? " (did you mean '" : "", like ? like : "",
		    like ? "'?)" : "",
		    fallback == FORBID ? "fallback='forbid' lets it have no other; vmdeck-xml(7), CPU MODELS, "
					 "has the names"
				       : "the guest gets the host's");
	return 0;
}

static int parse_cpu_vendor(struct domain *d, struct xml_node *n, struct err *e)
{
	AUTO_FREE char *name = n ? xml_content(n) : NULL;
	char show[64];
	if (!name)
		return 0;
	d->cpu_vendor = cpu_vendor_id(name);
	return d->cpu_vendor ? 0 : xml_bad(n, NULL, e, "'%s' is not allowed: Intel, AMD or Hygon",
					   str_printable(name, show, sizeof(show)));
}

static int parse_cpu_element(struct domain *d, struct xml_node *n, struct err *e)
{
	struct xml_node *model = xml_first(n, "model");
	unsigned mode = model || xml_attr(n, "match") ? CPU_CUSTOM : CPU_HOST_MODEL, on = 1;
	unsigned match = CPU_MATCH_EXACT, check = CPU_CHECK_PARTIAL;
	int rc = xml_get_choice(n, "mode", "host-passthrough|host-model|maximum|custom", &mode, e);
	if (!rc)
		rc = xml_get_choice(n, "match", "minimum|exact|strict", &match, e);
	if (!rc)
		rc = xml_get_choice(n, "check", "none|partial|full", &check, e);
	if (!rc)
		rc = xml_get_choice(n, "migratable", "off|on", &on, e);
	if (rc)
		return rc;
	d->cpu_mode = mode == CPU_CUSTOM && !model ? CPU_HOST_MODEL : (enum cpu_mode)mode;
	d->cpu_match = (enum cpu_match)match;
	d->cpu_check = (enum cpu_check)check;
	d->cpu_unmigratable = !on;
	if (model)
		rc = parse_model(d, model, e);
	if (!rc)
		rc = parse_cpu_vendor(d, xml_first(n, "vendor"), e);
	for (struct xml_node *f = xml_first(n, "feature"); f && !rc; f = xml_next(f, "feature"))
		rc = add_feature(d, f, e);
	return rc;
}

static int parse_cpu(struct domain *d, struct xml_node *root, struct err *e)
{
	struct xml_node *n = xml_first(root, "cpu");
	d->cpu_mode = CPU_HOST_MODEL;
	d->cpu_match = CPU_MATCH_EXACT;
	d->cpu_check = CPU_CHECK_PARTIAL;
	int rc = n ? parse_cpu_element(d, n, e) : 0;
	return rc ? rc : parse_topology(d, n, e);
}

static int parse_clock(struct domain *d, struct xml_node *root, struct err *e)
{
	enum { UTC, LOCALTIME, VARIABLE, TIMEZONE, ABSOLUTE };
	struct xml_node *n = xml_first(root, "clock");
	if (!n)
		return 0;
	unsigned offset = UTC, basis = 0;
	int rc = xml_get_choice(n, "offset", "utc|localtime|variable|timezone|absolute", &offset, e);
	if (!rc)
		rc = xml_get_choice(n, "basis", "utc|localtime", &basis, e);
	if (rc)
		return rc;
	d->clock.localtime = offset == LOCALTIME || (offset == VARIABLE && basis == 1);
	if (offset == TIMEZONE || offset == ABSOLUTE)
		domain_note(d, n, false,
			    "clock: offset '%s' is not supported yet: the guest's clock starts in UTC",
			    xml_attr(n, "offset"));
	const char *adjust = xml_attr(n, "adjustment");
	if (offset != VARIABLE || !adjust)
		return 0;
	uint64_t seconds;
	char show[128];
	bool minus = *adjust == '-';
	if (!str_u64(adjust + (minus || *adjust == '+'), &seconds) || seconds > INT32_MAX)
		return xml_bad(n, "adjustment", e, "'%s' is not allowed: a number of seconds from -%d to %d",
			       str_printable(adjust, show, sizeof(show)), INT32_MAX, INT32_MAX);
	d->clock.adjustment = minus ? -(int64_t)seconds : (int64_t)seconds;
	return 0;
}

static int parse_actions(struct domain *d, struct xml_node *root, struct err *e)
{
	/* In the order of enum domain_action. rename-restart is Xen's alone; a core is only to be had from a
	 * crash. */
	static const struct {
		const char *element, *allowed;
		size_t field;
		enum domain_action def;
	} rows[] = {
		{"on_poweroff", "destroy|restart|preserve", offsetof(struct domain, on_poweroff),
	     DOMAIN_ACTION_DESTROY},
		{"on_reboot", "destroy|restart|preserve", offsetof(struct domain, on_reboot),
	     DOMAIN_ACTION_RESTART},
		{"on_crash", "destroy|restart|preserve|coredump-destroy|coredump-restart",
	     offsetof(struct domain, on_crash), DOMAIN_ACTION_DESTROY},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		enum domain_action *to = (void *)((char *)d + rows[i].field);
		struct xml_node *n = xml_first(root, rows[i].element);
		unsigned v = rows[i].def;
		int rc = n ? xml_get_choice(n, NULL, rows[i].allowed, &v, e) : 0;
		if (rc)
			return rc;
		*to = n && v >= DOMAIN_ACTION_RENAME_RESTART ? v + 1 : v;
		if (*to >= DOMAIN_ACTION_COREDUMP_DESTROY)
			domain_note(d, n, false, "%s: no core is written: acts as '%s'", rows[i].element,
				    *to == DOMAIN_ACTION_COREDUMP_DESTROY ? "destroy" : "restart");
	}
	return 0;
}

static int parse_root(struct domain *d, struct xml_node *root, struct err *e)
{
	if (!str_eq(xml_name(root), "domain") || xml_namespace(root))
		return xml_bad(root, NULL, e, "this is not a domain: the outermost element must be <domain>");
	enum { KVM, QEMU };
	unsigned type = KVM;
	if (!xml_attr(root, "type"))
		return xml_bad(root, "type", e, "missing: write <domain type='kvm'>");
	int rc = xml_get_choice(root, "type", "kvm|qemu", &type, e);
	if (rc)
		return rc;
	if (type == QEMU)
		domain_note(d, root, false, "domain: type 'qemu' (emulation) runs with KVM");
	xml_set_attr(root, "id", NULL); /* that of a running guest, in a definition without meaning */
	return 0;
}

static int parse_vmport(struct domain *d, struct xml_node *features, struct err *e)
{
	struct xml_node *n = features ? xml_first(features, "vmport") : NULL;
	unsigned off = 0;
	int rc = n ? xml_get_choice(n, "state", "on|off", &off, e) : 0;
	d->vmport = !off;
	return rc;
}

/* Sections that libvirt reads by the path of what is in them, so that several count as one: OpenNebula and
 * CloudStack put what an administrator adds into sections of its own. */
static void merge_sections(struct xml_node *root)
{
	static const char *const names[] = {"blkiotune", "clock", "cputune", "devices", "features",
					    "memoryBacking", "memtune", "os"};
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct xml_node *first = xml_first(root, names[i]), *more;
		while (first && (more = xml_next(first, names[i])))
			xml_merge(first, more);
	}
}

static int parse_domain(struct domain *d, struct err *e)
{
	static int (*const parts[])(struct domain *, struct xml_node *, struct err *) = {
	    parse_root, parse_name, parse_uuid, parse_texts, parse_memory,
	    parse_vcpu, parse_cpu,  domain_parse_os, domain_parse_qemu, parse_clock, parse_actions,
	    domain_parse_tune,
	};
	struct xml_node *root = xml_root(d->xml);
	if (str_eq(xml_name(root), "domain"))
		merge_sections(root);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		int rc = parts[i](d, root, e);
		if (rc)
			return rc;
	}
	struct xml_node *features = xml_first(root, "features");
	d->acpi = features && xml_first(features, "acpi");
	d->apic = features && xml_first(features, "apic");
	int rc = parse_vmport(d, features, e);
	if (!rc)
		rc = domain_check_boot_order(root, xml_first(root, "devices"), e);
	if (!rc)
		rc = domain_parse_devices(d, xml_first(root, "devices"), e);
	if (!rc)
		rc = domain_classify(d, e);
	if (!rc && !d->nserials && !d->graphics)
		domain_note(d, NULL, false,
			    "devices: there is no <serial type='pty'/>: the guest has no console");
	return rc;
}

/* By line, those without a line last. Few, and nearly in order. */
static void sort_notes(struct domain *d)
{
	for (size_t i = 1; i < d->nnotes; i++) {
		struct domain_note n = d->notes[i];
		size_t k = i;
		for (; k && d->notes[k - 1].line - 1 > n.line - 1; k--) /* 0 becomes the largest */
			d->notes[k] = d->notes[k - 1];
		d->notes[k] = n;
	}
}

int domain_parse(const char *text, size_t len, const char *where, struct domain **out, struct err *e)
{
	struct domain *d = x_calloc(1, sizeof(*d));
	int rc = xml_parse(text, len, where, &d->xml, e);
	if (!rc)
		rc = parse_domain(d, e);
	if (rc) {
		domain_free(d);
		return rc;
	}
	sort_notes(d);
	*out = d;
	return 0;
}
