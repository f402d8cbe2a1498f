#include "backend/vmm/cpuid.h"

#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "backend/vmm/cpu_features.h"
#include "backend/vmm/kvm.h"
#include "backend/vmm/machine.h"
#include "src/base/cleanup.h"
#include "src/base/log.h"

#define CPUID_ENTRIES 256
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

/* Bits of leaf 1 that KVM's list leaves to us. */
static void fix_leaf1(const struct kvm *k, struct kvm_cpuid2 *c, unsigned logical)
{
	struct kvm_cpuid_entry2 *e = find(c, 1, 0);
	if (!e)
		return;
	e->ecx |= BIT(31); /* a hypervisor is there */
	if (kvm_cap(k, KVM_CAP_TSC_DEADLINE_TIMER))
		e->ecx |= BIT(24);
	e->ecx |= BIT(21);  /* x2APIC: in-kernel */
	e->ecx &= ~BIT(3);  /* MONITOR would leave the guest's idle loop to us */
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
	struct kvm_cpuid_entry2 *e = find(c, 0x80000007, 0);
	if (e)
		e->edx &= ~BIT(8); /* invariant TSC would tie the guest to this host */
	if ((e = find(c, 6, 0)))
		*e = (struct kvm_cpuid_entry2){.function = 6, .eax = BIT(2)}; /* ARAT: the APIC timer never stops */
	drop(c, 0xa);  /* no performance counters */
	drop(c, 0x14); /* nor processor trace */
	drop(c, 0x15); /* frequencies: KVM's are guesses; kvm-clock has the truth */
	drop(c, 0x16);
	if ((e = find(c, 0x40000000, 0)) && e->eax < 0x40000001)
		e->eax = 0x40000001;
}

static uint32_t *reg_of(struct kvm_cpuid_entry2 *e, unsigned reg)
{
	uint32_t *const regs[] = {&e->eax, &e->ebx, &e->ecx, &e->edx};
	return regs[reg & 3];
}

static bool has_feature(struct kvm_cpuid2 *c, const char *name)
{
	const struct cpu_feature_bit *b = cpu_feature_find(name);
	struct kvm_cpuid_entry2 *leaf = b ? find(c, b->leaf, b->index) : NULL;
	return leaf && *reg_of(leaf, b->reg) & BIT(b->bit);
}

void cpuid_drop_orphans(struct kvm_cpuid2 *c)
{
	static const char *const need_xsave[] = {"avx", "avx2", "avx512f", "f16c", "fma", "pku"};
	if (has_feature(c, "xsave"))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(need_xsave); i++)
		if (has_feature(c, need_xsave[i])) {
			const struct cpu_feature_bit *b = cpu_feature_find(need_xsave[i]);
			*reg_of(find(c, b->leaf, b->index), b->reg) &= ~BIT(b->bit);
		}
}

/* <feature name= policy=> of the domain's <cpu>. */
static int apply_features(const struct machine *m, struct kvm_cpuid2 *c, struct err *e)
{
	for (size_t i = 0; i < m->domain->ncpu_features; i++) {
		const struct cpu_feature *f = &m->domain->cpu_features[i];
		const struct cpu_feature_bit *b = cpu_feature_find(f->name);
		if (!b)
			return err_set(e, EINVAL,
				       "CPU feature '%s' is not known: see vmdeck(1) for the names", f->name);
		struct kvm_cpuid_entry2 *leaf = find(c, b->leaf, b->index);
		bool there = leaf && (*reg_of(leaf, b->reg) & BIT(b->bit));
		if (f->require && !there)
			return err_set(
			    e, ENOTSUP,
			    "the host's KVM has no CPU feature '%s', which the guest requires: remove it "
			    "from <cpu> or move to another host",
			    f->name);
		if (!f->require && leaf)
			*reg_of(leaf, b->reg) &= ~BIT(b->bit);
	}
	return 0;
}

int cpuid_build(struct machine *m, struct kvm_cpuid2 **out, struct err *e)
{
	AUTO_FREE struct kvm_cpuid2 *c = calloc(1, sizeof(*c) + CPUID_ENTRIES * sizeof(c->entries[0]));
	if (!c)
		return err_set(e, ENOMEM, "out of memory");
	c->nent = CPUID_ENTRIES;
	if (ioctl(m->kvm->sys_fd, KVM_GET_SUPPORTED_CPUID, c) < 0)
		return err_sys(e, errno, "KVM_GET_SUPPORTED_CPUID");
	struct cpu_topology t = machine_topology(m);
	fix_leaf1(m->kvm, c, 1u << (t.thread_bits + t.core_bits + t.die_bits));
	fix_caches(c, &t);
	fix_rest(c);
	struct kvm_cpuid_entry2 *max = find(c, 0, 0);
	if (max) {
		if (max->eax < 0xb)
			max->eax = 0xb;
		topology_leaf(c, 0xb, &t);
		if (t.dies > 1 && max->eax < 0x1f)
			max->eax = 0x1f;
		if (max->eax >= 0x1f)
			topology_leaf(c, 0x1f, &t);
	}
	fix_amd(c, &t);
	int rc = apply_features(m, c, e);
	if (rc)
		return rc;
	cpuid_drop_orphans(c);
	*out = TAKE_PTR(c);
	return 0;
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
