/* The processor that a guest sees: named models, policies of features, what the host has, without KVM. */
#include "tests/testlib.h"

#include <linux/kvm.h>
#include <stdio.h>

#include "backend/vmm/cpuid.h"
#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/model/cpu_plan.h"

/* A host that can show all there is, with bits of times to come, and a KVM that names no processor. */
static struct kvm_cpuid2 *everything(const char *vendor)
{
	static const struct kvm_cpuid_entry2 rows[] = {
		{.function = 0, .eax = 0x20},
		{.function = 1, .eax = 0x806f8},
		{.function = 4, .index = 0, .flags = 1, .eax = 0x121, .ebx = 0x2c0003f, .ecx = 0x3f},
		{.function = 6},
		{.function = 0xd, .index = 0, .flags = 1, .eax = 0x2ff},
		{.function = 0xd, .index = 2, .flags = 1, .eax = 256, .ebx = 576},
		{.function = 0xd, .index = 3, .flags = 1, .eax = 64, .ebx = 960},
		{.function = 0xd, .index = 4, .flags = 1, .eax = 64, .ebx = 1024},
		{.function = 0xd, .index = 5, .flags = 1, .eax = 64, .ebx = 1088},
		{.function = 0xd, .index = 6, .flags = 1, .eax = 512, .ebx = 1152},
		{.function = 0xd, .index = 7, .flags = 1, .eax = 1024, .ebx = 1664},
		{.function = 0xd, .index = 9, .flags = 1, .eax = 8, .ebx = 2688},
		{.function = 0xd, .index = 11, .flags = 1, .eax = 16, .ecx = 1},
		{.function = 0x40000000, .eax = 0x40000001},
		{.function = 0x40000001, .eax = 0x1000007},
		{.function = 0x80000000, .eax = 0x80000022},
		{.function = 0x80000002},
	};
	struct kvm_cpuid2 *c = calloc(1, sizeof(*c) + CPUID_ENTRIES * sizeof(c->entries[0]));
	memcpy(c->entries, rows, sizeof(rows));
	c->nent = ARRAY_SIZE(rows);
	for (unsigned i = 0; i < cpu_feature_count; i++) {
		const struct cpu_feature_bit *f = &cpu_feature_bits[i];
		uint32_t k = 0;
		while (k < c->nent && (c->entries[k].function != f->leaf || c->entries[k].index != f->index))
			k++;
		if (f->reg == CPU_MSR)
			continue;
		if (k == c->nent)
			c->entries[c->nent++] = (struct kvm_cpuid_entry2){.function = f->leaf, .index = f->index};
		uint32_t *regs[] = {&c->entries[k].eax, &c->entries[k].ebx, &c->entries[k].ecx, &c->entries[k].edx};
		*regs[f->reg] = 0xffffffff;
	}
	for (uint32_t k = 0; k < c->nent; k++) {
		struct kvm_cpuid_entry2 *e = &c->entries[k];
		if (e->function == 0 || e->function == 0x80000000) {
			memcpy(&e->ebx, vendor, 4);
			memcpy(&e->edx, vendor + 4, 4);
			memcpy(&e->ecx, vendor + 8, 4);
		}
	}
	return c;
}

static const struct kvm_cpuid_entry2 *leaf(const struct kvm_cpuid2 *c, uint32_t fn, uint32_t index)
{
	for (uint32_t i = 0; i < c->nent; i++)
		if (c->entries[i].function == fn && c->entries[i].index == index)
			return &c->entries[i];
	return NULL;
}

static struct domain *domain_of(const char *cpu)
{
	struct domain *d = NULL;
	struct err e = {0};
	AUTO_FREE char *xml = x_asprintf(
		"<domain type='kvm'><name>a</name><memory>65536</memory><vcpu>1</vcpu><os><type>hvm</type></os>"
		"%s<devices><serial type='pty'/></devices></domain>", cpu);
	ck_assert_msg(!domain_parse(xml, strlen(xml), "a.xml", &d, &e), "%s: %s", cpu, e.msg);
	return d;
}

struct shown {
	struct kvm_cpuid2 *c;
	struct cpuid_host host;
	struct cpu_set has;
	char name[49];
	int rc;
	struct err e;
};

/* What a guest with this <cpu> sees on a host that has everything but @without. */
static struct shown show(const char *cpu, const char *vendor, const char *without)
{
	struct shown s = {.c = everything(vendor)};
	struct domain *d = domain_of(cpu);
	struct cpu_topology t = cpu_topology_make(1, 1, 1, 1);
	struct cpu_set not = {0};
	s.host = (struct cpuid_host){.name = "A Fine Processor @ 3.00GHz", .tsc_deadline = true, .arch_caps = ~0ull};
	cpu_set_change(&not, without);
	for (unsigned i = 0; i < cpu_feature_count; i++) {
		const struct cpu_feature_bit *f = &cpu_feature_bits[i];
		if (!cpu_set_has(&not, f))
			continue;
		if (f->reg == CPU_MSR) {
			s.host.arch_caps &= ~(1ull << f->bit);
			continue;
		}
		struct kvm_cpuid_entry2 *e = (struct kvm_cpuid_entry2 *)leaf(s.c, f->leaf, f->index);
		uint32_t *regs[] = {&e->eax, &e->ebx, &e->ecx, &e->edx};
		*regs[f->reg] &= ~(1u << f->bit);
	}
	s.rc = cpuid_shape(s.c, d, &s.host, &t, &s.e);
	domain_free(d);
	if (s.rc)
		return s;
	cpuid_features(s.c, s.host.has_arch_caps ? s.host.arch_caps : 0, &s.has);
	for (unsigned i = 0; i < 3; i++) {
		const struct kvm_cpuid_entry2 *e = leaf(s.c, 0x80000002 + i, 0);
		if (e)
			memcpy(s.name + 16 * i, &e->eax, 4), memcpy(s.name + 16 * i + 4, &e->ebx, 4),
				memcpy(s.name + 16 * i + 8, &e->ecx, 4), memcpy(s.name + 16 * i + 12, &e->edx, 4);
	}
	return s;
}

#define INTEL "GenuineIntel"
#define AMD "AuthenticAMD"

static void same_set(const char *what, const struct cpu_set *is, const struct cpu_set *should)
{
	struct cpu_set more = *is, less = *should;
	AUTO_BUF struct buf text = {0};
	cpu_set_minus(&more, should);
	cpu_set_minus(&less, is);
	buf_puts(&text, "more: ");
	cpu_set_text(&more, 300, &text);
	buf_puts(&text, ", less: ");
	cpu_set_text(&less, 300, &text);
	ck_assert_msg(cpu_set_empty(&more) && cpu_set_empty(&less), "%s: %s", what, buf_text(&text));
}

START_TEST(tables_are_sorted_and_found)
{
	for (unsigned i = 0; i < cpu_feature_count; i++) {
		const char *name = cpu_feature_bits[i].name;
		ck_assert_msg(!i || strcmp(cpu_feature_bits[i - 1].name, name) < 0, "%s", name);
		ck_assert_ptr_eq(cpu_feature_find(name), &cpu_feature_bits[i]);
		for (unsigned k = 0; k < i; k++) {
			const struct cpu_feature_bit *a = &cpu_feature_bits[i], *b = &cpu_feature_bits[k];
			ck_assert_msg(a->leaf != b->leaf || a->index != b->index || a->reg != b->reg ||
					      a->bit != b->bit, "%s is %s", a->name, b->name);
		}
	}
	for (unsigned i = 0; i < cpu_model_count; i++) {
		const struct cpu_model *m = &cpu_models[i];
		ck_assert_msg(!i || strcmp(cpu_models[i - 1].name, m->name) < 0, "%s", m->name);
		ck_assert_ptr_eq(cpu_model_find(m->name), m);
		ck_assert_msg(!m->like || cpu_model_find(m->like), "%s", m->name);
		ck_assert_msg(strlen(m->id) <= 48 && m->stepping < 16, "%s", m->name);
	}
	ck_assert_ptr_null(cpu_feature_find("flux-capacitor"));
	ck_assert_ptr_null(cpu_model_find("Hal9000"));
	ck_assert_str_eq(cpu_model_nearest("Nehalm"), "Nehalem");
}
END_TEST

static char *fixture(void)
{
	char *text = NULL;
	ck_assert_int_eq(file_read("tests/cpu_models.txt", 1 << 20, &text, NULL, NULL), 0);
	return text;
}

/* libvirt's list of the model called @name, less what a guest must ask for itself. */
static struct cpu_set listed(const char *fixed, const char *name)
{
	AUTO_FREE char *key = x_asprintf("\n%s: ", name);
	const char *p = strstr(fixed, key);
	struct cpu_set s = {0};
	ck_assert_msg(p != NULL, "%s is not in the list", name);
	p += strlen(key);
	AUTO_FREE char *words = strndup(p, strcspn(p, "\n"));
	cpu_set_change(&s, words);
	return s;
}

START_TEST(models_have_the_features_of_libvirts)
{
	AUTO_FREE char *fixed = fixture();
	for (unsigned i = 0; i < cpu_model_count; i++) {
		struct cpu_set s, should = listed(fixed, cpu_models[i].name);
		cpu_model_features(&cpu_models[i], &s);
		same_set(cpu_models[i].name, &s, &should);
	}
}
END_TEST

static void check_identity(const struct cpu_model *m, const struct shown *s)
{
	uint32_t sig = leaf(s->c, 1, 0)->eax;
	unsigned family = (sig >> 8 & 15) + ((sig >> 8 & 15) == 15 ? sig >> 20 & 255 : 0);
	ck_assert_msg(family == m->family, "%s: family %u", m->name, family);
	ck_assert_msg((sig >> 12 & 0xf0) + (sig >> 4 & 15) == m->model, "%s: %x", m->name, sig);
	ck_assert_msg((sig & 15) == m->stepping, "%s: %x", m->name, sig);
	ck_assert_msg(!strcmp(s->name, m->id), "%s calls itself '%s'", m->name, s->name);
	ck_assert_msg(leaf(s->c, 0, 0)->eax >= m->level, "%s", m->name);
	for (uint32_t i = 0; i < s->c->nent; i++) {
		uint32_t fn = s->c->entries[i].function;
		ck_assert_msg(fn >= 0x40000000 || fn <= leaf(s->c, 0, 0)->eax, "%s: leaf %x", m->name, fn);
		ck_assert_msg(fn < 0x80000001 || fn <= leaf(s->c, 0x80000000, 0)->eax, "%s: leaf %x", m->name, fn);
	}
}

/* No bit of these registers that has no name: the host's are all ones. */
static void check_nameless(const struct cpu_model *m, const struct shown *s)
{
	static const struct {
		uint32_t fn, index;
		enum cpu_reg reg;
	} regs[] = {{1, 0, CPUID_ECX}, {1, 0, CPUID_EDX}, {7, 0, CPUID_EBX}, {7, 0, CPUID_ECX}, {7, 0, CPUID_EDX},
		    {7, 1, CPUID_EAX}, {7, 1, CPUID_EDX}, {7, 2, CPUID_EDX}, {0xd, 1, CPUID_EAX},
		    {0x80000001, 0, CPUID_ECX}, {0x80000008, 0, CPUID_EBX}, {0x80000021, 0, CPUID_EAX}};
	for (size_t i = 0; i < ARRAY_SIZE(regs); i++) {
		const struct kvm_cpuid_entry2 *e = leaf(s->c, regs[i].fn, regs[i].index);
		uint32_t named = 0;
		for (unsigned k = 0; k < cpu_feature_count; k++)
			if (cpu_feature_bits[k].leaf == regs[i].fn && cpu_feature_bits[k].index == regs[i].index &&
			    cpu_feature_bits[k].reg == regs[i].reg)
				named |= 1u << cpu_feature_bits[k].bit;
		if (!e)
			continue;
		const uint32_t val[] = {e->eax, e->ebx, e->ecx, e->edx};
		ck_assert_msg(!(val[regs[i].reg] & ~named), "%s: leaf %x %08x", m->name, regs[i].fn, val[regs[i].reg]);
	}
}

START_TEST(models_are_what_they_say)
{
	AUTO_FREE char *fixed = fixture();
	for (unsigned i = 0; i < cpu_model_count; i++) {
		const struct cpu_model *m = &cpu_models[i];
		AUTO_FREE char *cpu = x_asprintf("<cpu mode='custom'><model>%s</model></cpu>", m->name);
		struct shown s = show(cpu, m->vendor == CPU_AMD ? AMD : INTEL, "");
		ck_assert_msg(!s.rc, "%s: %s", m->name, s.e.msg);
		struct cpu_set should = listed(fixed, m->name);
		cpu_set_change(&should, "x2apic hypervisor -svm -monitor -intel-pt -npt -nrip-save -svme-addr-chk -vnmi "
				       "-split-lock-detect");
		if (!cpu_set_has_name(&should, "avx512f")) /* what stands on it is of no use (Icelake-Client) */
			cpu_set_change(&should, "-avx512vbmi -avx512vbmi2 -avx512vnni -avx512bitalg -avx512-vpopcntdq");
		same_set(m->name, &s.has, &should);
		check_identity(m, &s);
		check_nameless(m, &s);
		free(s.c);
	}
}
END_TEST

START_TEST(nehalem_has_no_smap_and_the_host_has_its_name)
{
	struct shown s = show("<cpu mode='custom'><model>Nehalem</model></cpu>", INTEL, "");
	ck_assert_str_eq(s.name, "Intel Core i7 9xx (Nehalem Class Core i7)");
	ck_assert(!cpu_set_has_name(&s.has, "smap") && !cpu_set_has_name(&s.has, "avx"));
	ck_assert(!s.host.has_arch_caps && !leaf(s.c, 7, 0)->ebx && !leaf(s.c, 0xd, 0));
	free(s.c);
	s = show("", INTEL, "");
	ck_assert_str_eq(s.name, "A Fine Processor @ 3.00GHz");
	ck_assert_uint_eq(leaf(s.c, 1, 0)->eax, 0x806f8);
	ck_assert(cpu_set_has_name(&s.has, "smap") && s.host.has_arch_caps && s.host.arch_caps == ~0ull);
	ck_assert_uint_eq(leaf(s.c, 7, 1)->ecx, 0);
	free(s.c);
	s = show("<cpu mode='custom'><model vendor_id='VmdeckIsNice'>kvm64</model></cpu>", INTEL, "");
	ck_assert(!memcmp(&leaf(s.c, 0, 0)->ebx, "Vmde", 4) && !memcmp(&leaf(s.c, 0x80000000, 0)->ecx, "Nice", 4));
	free(s.c);
}
END_TEST

/* Where KVM's faults are: only guests that ask for it may use it. */
START_TEST(nested_virtualisation_is_shown_when_asked_for)
{
	static const struct {
		const char *cpu;
		bool vmx, svm;
	} cases[] = {
		{"", false, false},
		{"<cpu mode='host-model'/>", false, false},
		{"<cpu mode='custom'><model>EPYC</model></cpu>", false, false},
		{"<cpu mode='custom'><model>qemu64</model></cpu>", false, false},
		{"<cpu mode='host-passthrough'/>", true, true},
		{"<cpu mode='maximum'/>", true, true},
		{"<cpu mode='host-passthrough'><feature policy='disable' name='svm'/></cpu>", true, false},
		{"<cpu mode='host-model'><feature policy='require' name='vmx'/></cpu>", true, false},
		{"<cpu mode='host-model'><feature policy='optional' name='svm'/></cpu>", false, true},
		{"<cpu mode='custom'><model>EPYC-Rome</model><feature policy='require' name='svm'/></cpu>", false, true},
		{"<cpu mode='host-model'><feature policy='disable' name='vmx'/></cpu>", false, false},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct shown s = show(cases[i].cpu, AMD, "");
		ck_assert_msg(!s.rc, "%s: %s", cases[i].cpu, s.e.msg);
		ck_assert_msg(cpu_set_has_name(&s.has, "vmx") == cases[i].vmx, "%s", cases[i].cpu);
		ck_assert_msg(cpu_set_has_name(&s.has, "svm") == cases[i].svm, "%s", cases[i].cpu);
		ck_assert_msg(!leaf(s.c, 0x8000000a, 0) == !cases[i].svm, "%s", cases[i].cpu);
		ck_assert_msg(cpu_set_has_name(&s.has, "npt") == cases[i].svm, "%s", cases[i].cpu);
		free(s.c);
	}
}
END_TEST

#define MODEL(attr, in) "<cpu mode='custom' " attr "><model>Haswell</model>" in "</cpu>"
#define FEATURE(policy, name) "<feature policy='" policy "' name='" name "'/>"

START_TEST(what_the_host_lacks_is_named_and_policies_hold)
{
	static const struct {
		const char *cpu, *without;
		const char *refused; /* in the sentence, NULL: it is made ... */
		const char *yes, *no; /* ... with these, and without those */
	} cases[] = {
		{MODEL("", ""), "", NULL, "avx2 rtm", "smap vmx"},
		{MODEL("", ""), "avx2 rtm", "model 'Haswell' has, 'avx2', 'rtm'", "", ""},
		{MODEL("check='partial'", ""), "avx2", "check='none'", "", ""},
		{MODEL("check='full'", ""), "avx2", "'avx2'", "", ""},
		{MODEL("check='none'", ""), "avx2 rtm", NULL, "avx fma", "avx2 rtm smap"},
		{MODEL("", FEATURE("disable", "avx2")), "avx2", NULL, "avx", "avx2"},
		{MODEL("", FEATURE("optional", "avx2")), "avx2", NULL, "avx", "avx2"},
		{MODEL("", FEATURE("optional", "smap")), "", NULL, "smap", ""},
		{MODEL("", FEATURE("optional", "smap")), "smap", NULL, "avx2", "smap"},
		{MODEL("", FEATURE("require", "smap")), "", NULL, "smap", ""},
		{MODEL("", FEATURE("require", "smap") FEATURE("require", "la57")), "smap la57", "requires, 'la57', 'smap'",
		 "", ""},
		{MODEL("check='none'", FEATURE("require", "smap")), "smap", "'smap'", "", ""},
		{MODEL("", FEATURE("force", "smap")), "smap", NULL, "smap", ""},
		{MODEL("", FEATURE("forbid", "rtm")), "", "forbids, 'rtm'", "", ""},
		{MODEL("", FEATURE("forbid", "rtm")), "rtm", NULL, "avx2", "rtm"},
		{MODEL("", FEATURE("disable", "avx")), "", NULL, "xsave", "avx avx2 fma f16c"},
		{MODEL("", FEATURE("disable", "no-such-thing") FEATURE("optional", "nor-this")), "", NULL, "avx2", ""},
		{MODEL("match='minimum'", ""), "", NULL, "smap avx512f", "vmx"},
		{MODEL("match='minimum'", ""), "avx2", "'avx2'", "", ""},
		{MODEL("match='strict'", ""), "", "match is strict", "", ""},
		{"<cpu mode='host-model'>" FEATURE("require", "arat") FEATURE("force", "rdctl-no") "</cpu>", "", NULL,
		 "arat rdctl-no", ""},
		{"<cpu mode='host-model'>" FEATURE("force", "rdctl-no") "</cpu>", "rdctl-no", "'rdctl-no'", "", ""},
		{"<cpu mode='host-model'>" FEATURE("disable", "rdctl-no") "</cpu>", "", NULL, "mds-no", "rdctl-no"},
		{"<cpu mode='host-model'>" FEATURE("require", "invtsc") "</cpu>", "", NULL, "invtsc", ""},
		{"<cpu mode='host-model'/>", "", NULL, "smap", "invtsc monitor"},
		{"<cpu mode='host-passthrough' migratable='off'/>", "", NULL, "invtsc", "monitor"},
		{"<cpu mode='host-passthrough' migratable='on'/>", "", NULL, "", "invtsc"},
		/* without XSAVE nothing keeps a task's wide vectors: Linux dies of protection keys without it */
		{"<cpu mode='host-model'/>", "xsave", NULL, "smap smep", "avx avx2 avx512f f16c fma pku xsaves"},
		{"<cpu mode='host-model'>" FEATURE("disable", "avx512f") "</cpu>", "", NULL, "avx2", "avx512vl avx512f"},
		{"<cpu mode='custom'><model>Haswell</model><vendor>AMD</vendor></cpu>", "", "AuthenticAMD", "", ""},
		{"<cpu mode='custom'><model>Haswell</model><vendor>Intel</vendor></cpu>", "", NULL, "avx2", ""},
		{"<cpu mode='custom'><model>Hal9000</model></cpu>", "", NULL, "smap", ""},
		{"<cpu><topology sockets='1' cores='1' threads='1'/></cpu>", "", NULL, "smap", ""},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct shown s = show(cases[i].cpu, INTEL, cases[i].without);
		ck_assert_msg(!s.rc == !cases[i].refused, "%s: %s", cases[i].cpu, s.e.msg);
		ck_assert_msg(!s.rc || strstr(s.e.msg, cases[i].refused), "%s: %s", cases[i].cpu, s.e.msg);
		struct cpu_set yes = {0}, no = {0};
		cpu_set_change(&yes, cases[i].yes);
		cpu_set_change(&no, cases[i].no);
		cpu_set_and(&no, &s.has);
		cpu_set_minus(&yes, &s.has);
		ck_assert_msg(s.rc || (cpu_set_empty(&yes) && cpu_set_empty(&no)), "case %zu: %s", i, cases[i].cpu);
		free(s.c);
	}
}
END_TEST

START_TEST(xsave_has_room_for_what_is_shown)
{
	static const struct {
		const char *cpu;
		uint32_t parts, size;
	} cases[] = {
		{"<cpu mode='custom'><model>SandyBridge</model></cpu>", 7, 832},
		{"<cpu mode='custom'><model>Cooperlake</model></cpu>", 0x2e7, 2696},
		{"<cpu mode='custom'><model>Denverton</model></cpu>", 0x1b, 1088},
		{"<cpu mode='host-model'>" FEATURE("disable", "pku") "</cpu>", 0xff, 2688},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct shown s = show(cases[i].cpu, INTEL, "");
		ck_assert_msg(!s.rc, "%s", s.e.msg);
		ck_assert_msg(leaf(s.c, 0xd, 0)->eax == cases[i].parts, "%s: %x", cases[i].cpu, leaf(s.c, 0xd, 0)->eax);
		/* parts lie where the processor puts them: gaps stay */
		ck_assert_msg(leaf(s.c, 0xd, 0)->ecx == cases[i].size, "%s: %u", cases[i].cpu,
			      leaf(s.c, 0xd, 0)->ecx);
		ck_assert(!leaf(s.c, 0xd, 2) == !(cases[i].parts & 4));
		free(s.c);
	}
}
END_TEST

START_TEST(define_tells_what_cannot_be_had)
{
	static const struct {
		const char *cpu, *note; /* NULL: none */
		bool blocks;
	} cases[] = {
		{"<cpu mode='host-model'>" FEATURE("disable", "warp-drive") FEATURE("forbid", "warp-core") "</cpu>", NULL,
		 false},
		{"<cpu mode='host-model'>" FEATURE("require", "warp-drive") "</cpu>", "'warp-drive' cannot be had", true},
		{"<cpu mode='host-model'>" FEATURE("force", "warp-drive") "</cpu>", "'warp-drive' cannot be had", true},
		{"<cpu mode='host-model'>" FEATURE("optional", "warp-drive") "</cpu>", "'warp-drive' is not known", false},
		{"<cpu mode='host-model'>" FEATURE("require", "vmx-ept") "</cpu>", NULL, false},
		{"<cpu mode='custom'><model>Nehalm</model></cpu>", "did you mean 'Nehalem'", false},
		{"<cpu mode='custom'><model fallback='allow'>Hal</model></cpu>", "the guest gets the host's", false},
		{"<cpu mode='custom'><model fallback='forbid'>Hal</model></cpu>", "fallback='forbid'", true},
		{"<cpu mode='custom'><model fallback='forbid'>Nehalem</model></cpu>", NULL, false},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct domain *d = domain_of(cases[i].cpu);
		ck_assert_msg(d->nnotes == !!cases[i].note, "%s: %zu notes", cases[i].cpu, d->nnotes);
		for (size_t k = 0; k < d->nnotes; k++) {
			ck_assert_msg(strstr(d->notes[k].text, cases[i].note) != NULL, "%s", d->notes[k].text);
			ck_assert(d->notes[k].blocks_start == cases[i].blocks);
		}
		domain_free(d);
	}
}
END_TEST

static bool has_word(const char *text, const char *word)
{
	size_t n = strlen(word);
	for (const char *p = text; (p = strstr(p, word)); p++)
		if (strchr(" \n", p[-1]) && strchr(" \n", p[n]))
			return true;
	return false;
}

START_TEST(the_manual_has_every_name)
{
	AUTO_FREE char *man = NULL;
	ck_assert_int_eq(file_read("share/man/vmdeck-xml.7", 1 << 20, &man, NULL, NULL), 0);
	const char *models = strstr(man, ".Sh CPU MODELS"), *features = strstr(man, ".Sh CPU FEATURES");
	ck_assert(models && features);
	for (unsigned i = 0; i < cpu_model_count; i++)
		ck_assert_msg(has_word(models, cpu_models[i].name), "%s", cpu_models[i].name);
	for (unsigned i = 0; i < cpu_feature_count; i++)
		ck_assert_msg(has_word(features, cpu_feature_bits[i].name), "%s", cpu_feature_bits[i].name);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		tables_are_sorted_and_found,
		models_have_the_features_of_libvirts,
		models_are_what_they_say,
		nehalem_has_no_smap_and_the_host_has_its_name,
		nested_virtualisation_is_shown_when_asked_for,
		what_the_host_lacks_is_named_and_policies_hold,
		xsave_has_room_for_what_is_shown,
		define_tells_what_cannot_be_had,
		the_manual_has_every_name,
	};
	Suite *s = suite_create("cpu");
	TCase *c = tcase_create("cpu");
	for (unsigned i = 0; i < ARRAY_SIZE(tests); i++)
		tcase_add_test(c, tests[i]);
	suite_add_tcase(s, c);
	return test_main(s);
}
