#include "backend/vmm/cpuid.h"

#include <cpuid.h>
#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "backend/vmm/kvm.h"
#include "backend/vmm/machine.h"
#include "src/base/cleanup.h"
#include "src/base/log.h"

#define MSR_ARCH_CAPABILITIES 0x10a
#define BIT(n) (1u << (n))

static unsigned width(unsigned count)
{
	unsigned w = 0;
	while (1u << w < count)
		w++;
	return w;
}

struct cpu_topology cpu_topology_make(unsigned sockets, unsigned dies, unsigned cores, unsigned threads)
{
	return (struct cpu_topology){
		.sockets = sockets,
		.dies = dies,
		.cores = cores,
		.threads = threads,
		.thread_bits = width(threads),
		.core_bits = width(cores),
		.die_bits = width(dies),
	};
}

unsigned cpu_apic_id(const struct cpu_topology *t, unsigned i)
{
	unsigned thread = i % t->threads, core = i / t->threads % t->cores;
	unsigned die = i / (t->threads * t->cores) % t->dies, socket = i / (t->threads * t->cores * t->dies);
	return thread | core << t->thread_bits | die << (t->thread_bits + t->core_bits) |
	       socket << (t->thread_bits + t->core_bits + t->die_bits);
}

struct cpu_topology machine_topology(const struct machine *m)
{
	const struct domain *d = m->domain;
	return cpu_topology_make(d->sockets ? d->sockets : 1, d->dies ? d->dies : 1, d->cores ? d->cores : 1,
	                         d->threads ? d->threads : 1);
}

static struct kvm_cpuid_entry2 *find(struct kvm_cpuid2 *c, uint32_t fn, uint32_t index)
{
	for (uint32_t i = 0; i < c->nent; i++)
		if (c->entries[i].function == fn && c->entries[i].index == index)
			return &c->entries[i];
	return NULL;
}

static struct kvm_cpuid_entry2 *need(struct kvm_cpuid2 *c, uint32_t fn, uint32_t index, uint32_t flags)
{
	struct kvm_cpuid_entry2 *e = find(c, fn, index);
	if (e || c->nent == CPUID_ENTRIES)
		return e;
	e = &c->entries[c->nent++];
	*e = (struct kvm_cpuid_entry2){.function = fn, .index = index, .flags = flags};
	return e;
}

static void drop(struct kvm_cpuid2 *c, uint32_t fn)
{
	for (uint32_t i = 0; i < c->nent;)
		if (c->entries[i].function == fn)
			c->entries[i] = c->entries[--c->nent];
		else
			i++;
}

/* What we give beside what KVM's list has: it leaves some to us. */
static void add_ours(struct kvm_cpuid2 *c, const struct cpuid_host *h)
{
	struct kvm_cpuid_entry2 *e = find(c, 1, 0);
	if (e) {
		e->ecx |= BIT(31); /* a hypervisor is there */
		e->ecx |= BIT(21); /* x2APIC: in-kernel */
		e->ecx |= h->tsc_deadline ? BIT(24) : 0;
	}
	if ((e = find(c, 6, 0)))
		*e = (struct kvm_cpuid_entry2){.function = 6, .eax = BIT(2)}; /* ARAT: the APIC timer never stops */
	if ((e = find(c, 0x40000000, 0)) && e->eax < 0x40000001)
		e->eax = 0x40000001;
}

static void fix_leaf1(struct kvm_cpuid2 *c, unsigned logical)
{
	struct kvm_cpuid_entry2 *e = find(c, 1, 0);
	if (!e)
		return;
	e->ebx = (e->ebx & 0xff00ffffu) | (logical & 0xff) << 16;
	e->edx = logical > 1 ? e->edx | BIT(28) : e->edx & ~BIT(28);
}

/* Leaf 4, deterministic cache parameters: who shares a cache, and how many core ids a package has. */
static void fix_caches(struct kvm_cpuid2 *c, const struct cpu_topology *t)
{
	unsigned core_ids = 1u << (t->core_bits + t->die_bits), below = t->thread_bits;
	for (uint32_t i = 0; i < c->nent; i++) {
		struct kvm_cpuid_entry2 *e = &c->entries[i];
		unsigned type = e->eax & 31, level = e->eax >> 5 & 7;
		unsigned sharing = level >= 3 ? 1u << (below + t->core_bits) : 1u << below;
		if (!type)
			continue;
		if (e->function == 4)
			e->eax = (e->eax & 0x3fff) | (sharing - 1) << 14 |
				 (core_ids > 64 ? 63 : core_ids - 1) << 26;
		else if (e->function == 0x8000001d)
			e->eax = (e->eax & 0x3fff) | (sharing - 1) << 14;
	}
}

/* Leaves 0xB and 0x1F: shift widths to the next level's id, and the x2APIC id (set by cpuid_for). */
static void topology_leaf(struct kvm_cpuid2 *c, uint32_t fn, const struct cpu_topology *t)
{
	const struct {
		unsigned type, shift, count;
	} levels[] = {
		{1, t->thread_bits, t->threads},
		{2, t->thread_bits + t->core_bits + (fn == 0xb ? t->die_bits : 0),
	         t->threads * t->cores * (fn == 0xb ? t->dies : 1)},
		{5, t->thread_bits + t->core_bits + t->die_bits, t->threads * t->cores * t->dies},
	};
	unsigned n = fn == 0x1f && t->dies > 1 ? 3 : 2;
	drop(c, fn);
	for (unsigned i = 0; i <= n; i++) {
		struct kvm_cpuid_entry2 *e = need(c, fn, i, KVM_CPUID_FLAG_SIGNIFCANT_INDEX);
		if (!e)
			return;
		e->ecx = i | (i < n ? levels[i].type << 8 : 0);
		e->eax = i < n ? levels[i].shift : 0;
		e->ebx = i < n ? levels[i].count : 0;
	}
}

/* AMD's own: number of threads and width of the APIC id (0x80000008 ECX), core and node ids (0x8000001E). */
static void fix_amd(struct kvm_cpuid2 *c, const struct cpu_topology *t)
{
	unsigned per_package = t->dies * t->cores * t->threads;
	struct kvm_cpuid_entry2 *e = find(c, 0x80000008, 0);
	if (e)
		e->ecx = per_package > 1
			     ? (t->thread_bits + t->core_bits + t->die_bits) << 12 | (per_package - 1)
			     : 0;
	struct kvm_cpuid_entry2 *ext = find(c, 0x80000001, 0), *vendor = find(c, 0, 0);
	bool amd = vendor && vendor->ebx == 0x68747541; /* "Auth" */
	if (!amd || !ext)
		return;
	ext->ecx = per_package > 1 ? ext->ecx | BIT(1) : ext->ecx & ~BIT(1); /* CmpLegacy */
	if (ext->ecx & BIT(22)) {                                            /* topoext */
		struct kvm_cpuid_entry2 *top = find(c, 0x80000000, 0);
		if (top && top->eax < 0x8000001e)
			top->eax = 0x8000001e;
		need(c, 0x8000001e, 0, 0);
	} else {
		drop(c, 0x8000001e);
	}
}

static void fix_rest(struct kvm_cpuid2 *c)
{
	drop(c, 0xa);  /* no performance counters */
	drop(c, 0x14); /* nor processor trace */
	drop(c, 0x15); /* frequencies: KVM's are guesses; kvm-clock has the truth */
	drop(c, 0x16);
}

static uint32_t *reg_of(struct kvm_cpuid_entry2 *e, unsigned reg)
{
	uint32_t *const regs[] = {&e->eax, &e->ebx, &e->ecx, &e->edx};
	return regs[reg & 3];
}

void cpuid_features(const struct kvm_cpuid2 *c, uint64_t arch_caps, struct cpu_set *out)
{
	*out = (struct cpu_set){0};
	for (unsigned i = 0; i < cpu_feature_count; i++) {
		const struct cpu_feature_bit *f = &cpu_feature_bits[i];
		struct kvm_cpuid_entry2 *e = find((struct kvm_cpuid2 *)c, f->leaf, f->index);
		bool has = f->reg == CPU_MSR ? f->leaf == MSR_ARCH_CAPABILITIES && arch_caps >> f->bit & 1
					     : e && *reg_of(e, f->reg) & BIT(f->bit);
		cpu_set_put(out, f, has);
	}
}

/* A named model has no bits of those registers that have no name: they are of newer processors. */
static void clear_feature_registers(struct kvm_cpuid2 *c)
{
	for (unsigned i = 0; i < cpu_feature_count; i++) {
		const struct cpu_feature_bit *f = &cpu_feature_bits[i];
		struct kvm_cpuid_entry2 *e = f->reg == CPU_MSR ? NULL : find(c, f->leaf, f->index);
		if (e)
			*reg_of(e, f->reg) = 0;
	}
}

static void set_features(struct kvm_cpuid2 *c, const struct cpu_set *show)
{
	for (unsigned i = 0; i < cpu_feature_count; i++) {
		const struct cpu_feature_bit *f = &cpu_feature_bits[i];
		bool on = cpu_set_has(show, f);
		struct kvm_cpuid_entry2 *e = f->reg == CPU_MSR ? NULL : find(c, f->leaf, f->index);
		if (!e && on && f->reg != CPU_MSR) /* forced */
			e = need(c, f->leaf, f->index, f->leaf == 7 || f->leaf == 0xd ? KVM_CPUID_FLAG_SIGNIFCANT_INDEX : 0);
		if (e && on)
			*reg_of(e, f->reg) |= BIT(f->bit);
		else if (e)
			*reg_of(e, f->reg) &= ~BIT(f->bit);
	}
}

/* On AMD's, 80000001h EDX repeats bits of leaf 1 (AMD APM 3, E.4.2). */
static void repeat_bits(struct kvm_cpuid2 *c, bool amd)
{
	const uint32_t same = 0x0183f3ff;
	struct kvm_cpuid_entry2 *ext = find(c, 0x80000001, 0), *one = find(c, 1, 0);
	if (ext && one)
		ext->edx = (ext->edx & ~same) | (amd ? one->edx & same : 0);
}

/* Leaf Dh: the parts of a task's state that there are features for, and how much room they take. (Intel SDM 1,
 * 13.2) */
static void fix_xsave(struct kvm_cpuid2 *c, const struct cpu_set *show, bool as_model)
{
	static const struct {
		const char *feature;
		uint64_t parts;
	} users[] = {{"avx", 1 << 2},	{"mpx", 3 << 3}, {"avx512f", 7 << 5},
		     {"pku", 1 << 9},	{"amx-tile", 3 << 17}};
	uint64_t parts = as_model ? 3 : ~0ull; /* x87 and SSE; or also such as have no name */
	struct kvm_cpuid_entry2 *e = find(c, 0xd, 0), *more = find(c, 0xd, 1);
	if (!cpu_set_has_name(show, "xsave")) {
		drop(c, 0xd);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(users); i++)
		parts = cpu_set_has_name(show, users[i].feature) ? parts | users[i].parts : parts & ~users[i].parts;
	if (more && as_model)
		more->ecx = more->edx = 0; /* parts that only kernels know */
	if (!e)
		return;
	e->eax &= (uint32_t)parts;
	e->edx &= (uint32_t)(parts >> 32);
	e->ebx = e->ecx = 576; /* the legacy area and the header */
	for (uint32_t i = 0; i < c->nent;) {
		const struct kvm_cpuid_entry2 *part = &c->entries[i];
		bool user = part->function == 0xd && part->index >= 2 && (as_model || !(part->ecx & 1));
		if (user && (part->index > 63 || !(parts >> part->index & 1))) {
			c->entries[i] = c->entries[--c->nent];
			continue;
		}
		i++;
	}
	e = find(c, 0xd, 0);
	for (uint32_t i = 0; i < c->nent; i++) {
		const struct kvm_cpuid_entry2 *part = &c->entries[i];
		if (part->function == 0xd && part->index >= 2 && !(part->ecx & 1) && part->ebx + part->eax > e->ecx)
			e->ecx = part->ebx + part->eax;
	}
}

/* Twelve letters in the order EBX, EDX, ECX; 80000000h has the same. */
static void set_vendor(struct kvm_cpuid2 *c, const char *id)
{
	for (unsigned i = 0; i < 2; i++) {
		struct kvm_cpuid_entry2 *e = find(c, i ? 0x80000000 : 0, 0);
		if (!e)
			continue;
		memcpy(&e->ebx, id, 4);
		memcpy(&e->edx, id + 4, 4);
		memcpy(&e->ecx, id + 8, 4);
	}
}

static void get_vendor(struct kvm_cpuid2 *c, char id[CPU_VENDOR_ID + 1])
{
	const struct kvm_cpuid_entry2 *e = find(c, 0, 0);
	memset(id, 0, CPU_VENDOR_ID + 1);
	if (!e)
		return;
	memcpy(id, &e->ebx, 4);
	memcpy(id + 4, &e->edx, 4);
	memcpy(id + 8, &e->ecx, 4);
}

static uint32_t signature(const struct cpu_model *m)
{
	unsigned more = m->family > 15 ? m->family - 15 : 0;
	return more << 20 | (m->model >> 4) << 16 | (m->family - more) << 8 | (m->model & 15) << 4 | m->stepping;
}

/* The highest leaf of those from @from on that shows something of @show, and at least @least. */
static uint32_t level_of(const struct cpu_set *show, uint32_t from, uint32_t least)
{
	uint32_t level = least;
	for (unsigned i = 0; i < cpu_feature_count; i++) {
		const struct cpu_feature_bit *f = &cpu_feature_bits[i];
		if (f->reg != CPU_MSR && (f->leaf & 0xf0000000) == from && f->leaf > level && cpu_set_has(show, f))
			level = f->leaf;
	}
	return level;
}

static void set_levels(struct kvm_cpuid2 *c, const struct cpu_model *m, const struct cpu_set *show)
{
	struct kvm_cpuid_entry2 *low = find(c, 0, 0), *high = find(c, 0x80000000, 0);
	uint32_t level = level_of(show, 0, m->level), xlevel = level_of(show, 0x80000000, m->xlevel);
	if (low)
		low->eax = level;
	if (high)
		high->eax = xlevel;
	for (uint32_t i = 0; i < c->nent;) {
		uint32_t fn = c->entries[i].function;
		bool above = fn < 0x40000000 ? fn > level : fn > 0x80000000 && fn > xlevel;
		if (above)
			c->entries[i] = c->entries[--c->nent];
		else
			i++;
	}
}

/* Leaves 80000002h to 80000004h: what the processor calls itself, which KVM's list leaves empty. */
static void set_name(struct kvm_cpuid2 *c, const char *name)
{
	char id[48] = {0};
	struct kvm_cpuid_entry2 *top = find(c, 0x80000000, 0);
	if (!top || !*name)
		return;
	memcpy(id, name, strnlen(name, sizeof(id)));
	if (top->eax < 0x80000004)
		top->eax = 0x80000004;
	for (unsigned i = 0; i < 3; i++) {
		struct kvm_cpuid_entry2 *e = need(c, 0x80000002 + i, 0, 0);
		for (unsigned k = 0; e && k < 4; k++)
			memcpy(reg_of(e, k), id + 16 * i + 4 * k, 4);
	}
}

static void set_identity(struct kvm_cpuid2 *c, const struct domain *d, const struct cpuid_host *h,
			 const struct cpu_plan *plan)
{
	struct kvm_cpuid_entry2 *one = find(c, 1, 0), *ext = find(c, 0x80000001, 0);
	if (plan->model) {
		set_levels(c, plan->model, &plan->show);
		one = find(c, 1, 0);
		ext = find(c, 0x80000001, 0);
		if (one)
			one->eax = signature(plan->model);
		if (ext) {
			ext->eax = one ? one->eax : 0;
			ext->ebx = 0;
		}
	}
	set_name(c, plan->model ? plan->model->id : h->name);
	if (*d->cpu_vendor_id)
		set_vendor(c, d->cpu_vendor_id);
}

static void set_topology(struct kvm_cpuid2 *c, const struct cpu_topology *t, bool as_model)
{
	struct kvm_cpuid_entry2 *max = find(c, 0, 0);
	fix_leaf1(c, 1u << (t->thread_bits + t->core_bits + t->die_bits));
	fix_caches(c, t);
	if (max && !as_model && max->eax < 0xb)
		max->eax = 0xb;
	if (max && !as_model && t->dies > 1 && max->eax < 0x1f)
		max->eax = 0x1f;
	if (max && max->eax >= 0xb)
		topology_leaf(c, 0xb, t);
	if (max && max->eax >= 0x1f)
		topology_leaf(c, 0x1f, t);
	fix_amd(c, t);
}

void cpuid_host_features(struct kvm_cpuid2 *c, const struct cpuid_host *h, struct cpu_host *out)
{
	add_ours(c, h);
	get_vendor(c, out->vendor);
	cpuid_features(c, h->arch_caps, &out->has);
}

/* The value of the MSR that lists capabilities: of the bits with a name those that are shown; the others, of a
 * named model none. */
static uint64_t arch_caps_of(uint64_t host, const struct cpu_plan *plan)
{
	uint64_t named = 0, shown = 0;
	for (unsigned i = 0; i < cpu_feature_count; i++) {
		const struct cpu_feature_bit *f = &cpu_feature_bits[i];
		if (f->reg != CPU_MSR || f->leaf != MSR_ARCH_CAPABILITIES)
			continue;
		named |= 1ull << f->bit;
		shown |= cpu_set_has(&plan->show, f) ? 1ull << f->bit : 0;
	}
	return (plan->model ? 0 : host & ~named) | shown;
}

int cpuid_shape(struct kvm_cpuid2 *c, const struct domain *d, struct cpuid_host *h, const struct cpu_topology *t,
		struct err *e)
{
	struct cpu_host host;
	struct cpu_plan plan;
	cpuid_host_features(c, h, &host);
	int rc = cpu_plan_make(d, &host, &plan, e);
	if (rc)
		return rc;
	if (!cpu_set_empty(&plan.lacking)) {
		AUTO_BUF struct buf names = {0};
		cpu_set_text(&plan.lacking, cpu_feature_count, &names);
		log_warn("cpu: the host's KVM has not what model '%s' has: the guest is without %s",
			 d->cpu_model->name, buf_text(&names));
	}
	if (plan.model)
		clear_feature_registers(c);
	set_features(c, &plan.show);
	fix_xsave(c, &plan.show, plan.model != NULL);
	fix_rest(c);
	set_identity(c, d, h, &plan);
	repeat_bits(c, !strcmp(host.vendor, "AuthenticAMD") || !strcmp(host.vendor, "HygonGenuine"));
	set_topology(c, t, plan.model != NULL);
	if (!cpu_set_has_name(&plan.show, "svm"))
		drop(c, 0x8000000a);
	h->arch_caps = arch_caps_of(h->arch_caps, &plan);
	h->has_arch_caps = cpu_set_has_name(&plan.show, "arch-capabilities");
	return 0;
}

/* The host's own name, in three leaves. */
static void host_name(char name[49])
{
	uint32_t r[12], top = __get_cpuid_max(0x80000000, NULL);
	memset(name, 0, 49);
	for (unsigned i = 0; i < 3 && top >= 0x80000004; i++)
		__cpuid(0x80000002 + i, r[4 * i], r[4 * i + 1], r[4 * i + 2], r[4 * i + 3]);
	if (top < 0x80000004)
		return;
	memcpy(name, r, 48);
	const char *p = name + strspn(name, " "); /* Intel's older ones are at the right */
	memmove(name, p, strlen(p) + 1);
}

static uint64_t host_arch_caps(int sys_fd)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} m = {.head = {.nmsrs = 1}, .entry = {.index = MSR_ARCH_CAPABILITIES}};
	return ioctl(sys_fd, KVM_GET_MSRS, &m) == 1 ? m.entry.data : 0;
}

int cpuid_of_host(int sys_fd, struct kvm_cpuid2 **out, struct cpuid_host *h, struct err *e)
{
	AUTO_FREE struct kvm_cpuid2 *c = calloc(1, sizeof(*c) + CPUID_ENTRIES * sizeof(c->entries[0]));
	if (!c)
		return err_set(e, ENOMEM, "out of memory");
	c->nent = CPUID_ENTRIES;
	if (ioctl(sys_fd, KVM_GET_SUPPORTED_CPUID, c) < 0)
		return err_sys(e, errno, "KVM_GET_SUPPORTED_CPUID");
	*h = (struct cpuid_host){
	    .tsc_deadline = ioctl(sys_fd, KVM_CHECK_EXTENSION, KVM_CAP_TSC_DEADLINE_TIMER) > 0,
	    .arch_caps = host_arch_caps(sys_fd),
	};
	host_name(h->name);
	*out = TAKE_PTR(c);
	return 0;
}

int cpuid_build(struct machine *m, struct kvm_cpuid2 **out, struct err *e)
{
	AUTO_FREE struct kvm_cpuid2 *c = NULL;
	struct cpuid_host *h = &m->kvm->cpuid_host;
	struct cpu_topology t = machine_topology(m);
	int rc = cpuid_of_host(m->kvm->sys_fd, &c, h, e);
	if (!rc)
		rc = cpuid_shape(c, m->domain, h, &t, e);
	if (!rc)
		*out = TAKE_PTR(c);
	return rc;
}

void cpuid_for(struct kvm_cpuid2 *c, const struct cpu_topology *t, unsigned apic_id)
{
	for (uint32_t i = 0; i < c->nent; i++) {
		struct kvm_cpuid_entry2 *e = &c->entries[i];
		if (e->function == 1)
			e->ebx = (e->ebx & 0x00ffffffu) | apic_id << 24;
		else if (e->function == 0xb || e->function == 0x1f)
			e->edx = apic_id;
		else if (e->function == 0x8000001e) {
			e->eax = apic_id;
			e->ebx = apic_id >> t->thread_bits | (t->threads - 1) << 8;
			e->ecx = apic_id >> (t->thread_bits + t->core_bits) >> t->die_bits;
		}
	}
}
