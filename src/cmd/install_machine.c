/* Of an installation's XML: memory, CPUs, features, clock, and what follows power-off and reboot. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/cleanup.h"
#include "src/base/fmt.h"
#include "src/cmd/install_maker.h"

#define MEMORY_MIB 2048 /* of a system that is not known */
#define VCPUS 2

static int make_memory(struct maker *m, struct err *e)
{
	AUTO_VALUE struct install_value v = {0}, back = {0};
	char want[FMT_MAX], have[FMT_MAX];
	int rc = maker_value(m, "memory", &v, e);
	if (!rc)
		rc = maker_value(m, "memorybacking", &back, e);
	if (rc)
		return rc;
	uint64_t mib = m->os.memory_bytes ? m->os.memory_bytes / MIB : MEMORY_MIB,
		 now = value_number(&v, "memory", 0);
	uint64_t most = value_number(&v, "maxmemory", 0);
	if (!now && !most && mib * MIB > m->host.memory_bytes)
		mib = m->host.memory_bytes / 2 / MIB;
	if (v.n && !now && !most && (value_get(&v, "memory") || value_get(&v, "maxmemory")))
		return err_set(e, EINVAL, "--memory 0 is not allowed: MiB, at least 4");
	if (!now && !most)
		maker_note(m, "Using default --memory %llu", (unsigned long long)mib);
	now = now ? now : most ? most : mib;
	most = most ? most : now;
	if (most < now)
		return err_set(e, EINVAL,
			       "--memory %llu,maxmemory=%llu is not allowed: the most is less than the guest "
			       "begins with",
			       (unsigned long long)now, (unsigned long long)most);
	if (most > UINT64_MAX / MIB || most * MIB > m->host.memory_bytes)
		return err_set(e, ENOMEM, "--memory %llu is more than this host has, %s: give less",
			       (unsigned long long)most, fmt_bytes(m->host.memory_bytes, have));
	if (m->os.memory_min_bytes > most * MIB)
		maker_note(m, "warning: %s wants at least %s of memory, the guest gets %llu MiB", m->os.name,
			   fmt_bytes(m->os.memory_min_bytes, want), (unsigned long long)most);
	put(m, IN_BOTH, "  <memory unit='MiB'>%llu</memory>\n", (unsigned long long)most);
	put(m, IN_BOTH, "  <currentMemory unit='MiB'>%llu</currentMemory>\n", (unsigned long long)now);
	bool huge = value_on(&v, "hugepages", false) || value_on(&back, "hugepages", false);
	bool lonely = value_on(&back, "nosharepages", false);
	if (huge || lonely)
		put(m, IN_BOTH, "  <memoryBacking>\n%s%s  </memoryBacking>\n",
		    huge ? "    <hugepages/>\n" : "", lonely ? "    <nosharepages/>\n" : "");
	return 0;
}

static uint64_t product(const struct maker *t)
{
	uint64_t n = 1, parts[] = {t->sockets, t->dies, t->cores, t->threads};
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (parts[i] && __builtin_mul_overflow(n, parts[i], &n))
			return UINT64_MAX;
	return n;
}

static void topology_of(const struct install_value *v, const char *prefix, struct maker *t)
{
	static const char *const names[] = {"sockets", "dies", "cores", "threads"};
	uint64_t *to[] = {&t->sockets, &t->dies, &t->cores, &t->threads};
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		AUTO_FREE char *name = x_asprintf("%s%s", prefix, names[i]);
		*to[i] = value_number(v, name, *to[i]);
	}
}

/* Fill in what is not told, cores before sockets, as virt-install does. */
static int complete(struct maker *t, uint64_t most, struct err *e)
{
	uint64_t given = product(t), *room = !t->cores ? &t->cores : !t->sockets ? &t->sockets : NULL;
	if (most % given || (!room && given != most))
		return err_set(
		    e, EINVAL,
		    "--vcpus: %llu CPUs are not %llu sockets of %llu dies of %llu cores of %llu threads",
		    (unsigned long long)most, (unsigned long long)(t->sockets ? t->sockets : 1),
		    (unsigned long long)(t->dies ? t->dies : 1),
		    (unsigned long long)(t->cores ? t->cores : 1),
		    (unsigned long long)(t->threads ? t->threads : 1));
	if (room)
		*room = most / given;
	t->sockets = t->sockets ? t->sockets : 1;
	t->dies = t->dies ? t->dies : 1;
	t->threads = t->threads ? t->threads : 1;
	return 0;
}

static int make_vcpus(struct maker *m, const struct install_value *cpu, struct err *e)
{
	AUTO_VALUE struct install_value v = {0};
	int rc = maker_value(m, "vcpus", &v, e);
	if (rc)
		return rc;
	topology_of(cpu, "topology.", m);
	topology_of(&v, "", m);
	bool grouped = m->sockets || m->dies || m->cores || m->threads;
	unsigned usual = m->os.cpus ? m->os.cpus : VCPUS;
	uint64_t now = value_number(&v, "vcpus", 0), most = value_number(&v, "maxvcpus", 0);
	if ((!now && value_get(&v, "vcpus")) || (!most && value_get(&v, "maxvcpus")))
		return err_set(e, EINVAL, "--vcpus 0 is not allowed: 1 to %d", DOMAIN_VCPUS_MAX);
	if (!now && !most)
		most = grouped ? product(m) : usual < m->host.cpus || !m->host.cpus ? usual : m->host.cpus;
	most = most ? most : now;
	now = now ? now : most;
	if (most < now || now > DOMAIN_VCPUS_MAX || most > UINT16_MAX)
		return err_set(
		    e, EINVAL,
		    "--vcpus %llu,maxvcpus=%llu is not allowed: 1 to %d, and not more than maxvcpus, at most %d",
		    (unsigned long long)now, (unsigned long long)most, DOMAIN_VCPUS_MAX, UINT16_MAX);
	if (grouped && (rc = complete(m, most, e)))
		return rc;
	if (now > m->host.cpus && m->host.cpus)
		maker_note(m, "warning: %llu vCPUs are more than the %u CPUs of this host",
			   (unsigned long long)now, m->host.cpus);
	if (now < most)
		put(m, IN_BOTH, "  <vcpu current='%llu'>%llu</vcpu>\n", (unsigned long long)now,
		    (unsigned long long)most);
	else
		put(m, IN_BOTH, "  <vcpu>%llu</vcpu>\n", (unsigned long long)most);
	return 0;
}

static bool is_policy(const char *s)
{
	return str_eq(s, "force") || str_eq(s, "require") || str_eq(s, "optional") || str_eq(s, "disable") ||
	       str_eq(s, "forbid");
}

static bool has_features(const struct install_value *cpu)
{
	for (size_t i = 0; i < cpu->n; i++)
		if (is_policy(cpu->pairs[i].sub->name))
			return true;
	return false;
}

static void put_features(struct maker *m, const struct install_value *cpu)
{
	for (size_t i = 0; i < cpu->n; i++) {
		const char *policy = cpu->pairs[i].sub->name;
		if (!is_policy(policy))
			continue;
		put(m, IN_BOTH, "    <feature");
		put_attr(m, IN_BOTH, "policy", policy);
		put_attr(m, IN_BOTH, "name", cpu->pairs[i].value);
		put(m, IN_BOTH, "/>\n");
	}
}

static bool mode_named(const char *s)
{
	return str_eq(s, "host-passthrough") || str_eq(s, "host-model") || str_eq(s, "maximum");
}

/* virt-install's words for the host's CPU. */
static const char *mode_of(const char *model, const char *mode)
{
	if (mode && !str_eq(mode, "custom"))
		return mode;
	if (!model || str_eq(model, "host") || str_eq(model, "host-passthrough"))
		return "host-passthrough";
	if (str_eq(model, "host-model-only") || str_eq(model, "host-copy") || str_eq(model, "hv-default") ||
	    str_eq(model, "hypervisor-default"))
		return "host-model";
	return mode_named(model) ? model : NULL;
}

static int make_cpu(struct maker *m, struct err *e)
{
	AUTO_VALUE struct install_value v = {0};
	int rc = maker_value(m, "cpu", &v, e);
	if (rc)
		return rc;
	const struct install_value *cpu = &v;
	const char *model = value_get(cpu, "model"), *mode = mode_of(model, value_get(cpu, "mode"));
	put(m, IN_BOTH, "  <cpu");
	put_attr(m, IN_BOTH, "mode", mode ? mode : "custom");
	if (!mode)
		put_attr(m, IN_BOTH, "match", value_get(cpu, "match") ? value_get(cpu, "match") : "exact");
	put_attr(m, IN_BOTH, "check", value_get(cpu, "check"));
	if (mode && !m->sockets && !has_features(cpu)) {
		put(m, IN_BOTH, "/>\n");
		return 0;
	}
	put(m, IN_BOTH, ">\n");
	if (!mode)
		put_text(m, IN_BOTH, 2, "model", model);
	if (m->sockets)
		put(m, IN_BOTH, "    <topology sockets='%llu' dies='%llu' cores='%llu' threads='%llu'/>\n",
		    (unsigned long long)m->sockets, (unsigned long long)m->dies, (unsigned long long)m->cores,
		    (unsigned long long)m->threads);
	put_features(m, cpu);
	put(m, IN_BOTH, "  </cpu>\n");
	return 0;
}

static int make_features(struct maker *m, struct err *e)
{
	AUTO_VALUE struct install_value v = {0};
	int rc = maker_value(m, "features", &v, e);
	if (rc)
		return rc;
	bool acpi = value_on(&v, "acpi", true) && !maker_flag(m, "noacpi");
	bool apic = value_on(&v, "apic", true) && !maker_flag(m, "noapic");
	put(m, IN_BOTH, "  <features>\n%s%s%s", acpi ? "    <acpi/>\n" : "", apic ? "    <apic/>\n" : "",
	    value_on(&v, "pae", false) ? "    <pae/>\n" : "");
	if (value_get(&v, "vmport.state"))
		put(m, IN_BOTH, "    <vmport state='%s'/>\n",
		    value_on(&v, "vmport.state", true) ? "on" : "off");
	put(m, IN_BOTH, "  </features>\n");
	return 0;
}

int make_sizes(struct maker *m, struct err *e)
{
	AUTO_VALUE struct install_value cpu = {0};
	int rc = maker_value(m, "cpu", &cpu, e);
	if (!rc)
		rc = make_memory(m, e);
	return rc ? rc : make_vcpus(m, &cpu, e);
}

static int make_clock(struct maker *m, struct err *e)
{
	AUTO_VALUE struct install_value v = {0};
	int rc = maker_value(m, "clock", &v, e);
	const char *offset = rc ? NULL : value_get(&v, "offset");
	if (!rc)
		put(m, IN_BOTH, "  <clock offset='%s'/>\n",
		    offset                          ? offset
		    : str_eq(m->os.family, "winnt") ? "localtime"
						    : "utc");
	return rc;
}

/* The first boot ends with the guest's reboot; release then starts the definition. */
static int make_events(struct maker *m, struct err *e)
{
	static const char *const names[] = {"on_poweroff", "on_reboot", "on_crash"};
	AUTO_VALUE struct install_value v = {0};
	int rc = maker_value(m, "events", &v, e);
	if (rc)
		return rc;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *action = value_get(&v, names[i]);
		bool reboot = str_eq(names[i], "on_reboot") && m->p->installs;
		if (action) /* what follows the first boot's end is the definition */
			put_text(m, m->p->installs && !str_eq(names[i], "on_crash") ? IN_DEFINE : IN_BOTH, 1,
				 names[i], action);
		if (reboot)
			put_text(m, IN_FIRST, 1, names[i], "destroy");
	}
	return 0;
}

int make_machine(struct maker *m, struct err *e)
{
	int rc = make_features(m, e);
	if (!rc)
		rc = make_cpu(m, e);
	if (!rc)
		rc = make_clock(m, e);
	return rc ? rc : make_events(m, e);
}
