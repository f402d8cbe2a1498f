#include "src/model/cpu_features.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/cleanup.h"

/* Keep sorted by name. */
const struct cpu_feature_bit cpu_feature_bits[] = {
	{"3dnow", 0x80000001, 0, CPUID_EDX, 31},
	{"3dnowext", 0x80000001, 0, CPUID_EDX, 30},
	{"3dnowprefetch", 0x80000001, 0, CPUID_ECX, 8},
	{"abm", 0x80000001, 0, CPUID_ECX, 5},
	{"acpi", 0x1, 0, CPUID_EDX, 22},
	{"adx", 0x7, 0, CPUID_EBX, 19},
	{"aes", 0x1, 0, CPUID_ECX, 25},
	{"amd-no-ssb", 0x80000008, 0, CPUID_EBX, 26},
	{"amd-psfd", 0x80000008, 0, CPUID_EBX, 28},
	{"amd-ssbd", 0x80000008, 0, CPUID_EBX, 24},
	{"amd-stibp", 0x80000008, 0, CPUID_EBX, 15},
	{"amx-bf16", 0x7, 0, CPUID_EDX, 22},
	{"amx-complex", 0x7, 1, CPUID_EDX, 8},
	{"amx-fp16", 0x7, 1, CPUID_EAX, 21},
	{"amx-int8", 0x7, 0, CPUID_EDX, 25},
	{"amx-tile", 0x7, 0, CPUID_EDX, 24},
	{"apic", 0x1, 0, CPUID_EDX, 9},
	{"arat", 0x6, 0, CPUID_EAX, 2},
	{"arch-capabilities", 0x7, 0, CPUID_EDX, 29},
	{"arch-lbr", 0x7, 0, CPUID_EDX, 19},
	{"auto-ibrs", 0x80000021, 0, CPUID_EAX, 8},
	{"avic", 0x8000000a, 0, CPUID_EDX, 13},
	{"avx", 0x1, 0, CPUID_ECX, 28},
	{"avx-ifma", 0x7, 1, CPUID_EAX, 23},
	{"avx-ne-convert", 0x7, 1, CPUID_EDX, 5},
	{"avx-vnni", 0x7, 1, CPUID_EAX, 4},
	{"avx-vnni-int16", 0x7, 1, CPUID_EDX, 10},
	{"avx-vnni-int8", 0x7, 1, CPUID_EDX, 4},
	{"avx2", 0x7, 0, CPUID_EBX, 5},
	{"avx512-4fmaps", 0x7, 0, CPUID_EDX, 3},
	{"avx512-4vnniw", 0x7, 0, CPUID_EDX, 2},
	{"avx512-bf16", 0x7, 1, CPUID_EAX, 5},
	{"avx512-fp16", 0x7, 0, CPUID_EDX, 23},
	{"avx512-vp2intersect", 0x7, 0, CPUID_EDX, 8},
	{"avx512-vpopcntdq", 0x7, 0, CPUID_ECX, 14},
	{"avx512bitalg", 0x7, 0, CPUID_ECX, 12},
	{"avx512bw", 0x7, 0, CPUID_EBX, 30},
	{"avx512cd", 0x7, 0, CPUID_EBX, 28},
	{"avx512dq", 0x7, 0, CPUID_EBX, 17},
	{"avx512er", 0x7, 0, CPUID_EBX, 27},
	{"avx512f", 0x7, 0, CPUID_EBX, 16},
	{"avx512ifma", 0x7, 0, CPUID_EBX, 21},
	{"avx512pf", 0x7, 0, CPUID_EBX, 26},
	{"avx512vbmi", 0x7, 0, CPUID_ECX, 1},
	{"avx512vbmi2", 0x7, 0, CPUID_ECX, 6},
	{"avx512vl", 0x7, 0, CPUID_EBX, 31},
	{"avx512vnni", 0x7, 0, CPUID_ECX, 11},
	{"bhi-ctrl", 0x7, 2, CPUID_EDX, 4},
	{"bhi-no", 0x10a, 0, CPU_MSR, 20},
	{"bmi1", 0x7, 0, CPUID_EBX, 3},
	{"bmi2", 0x7, 0, CPUID_EBX, 8},
	{"btc-no", 0x80000008, 0, CPUID_EBX, 29},
	{"bus-lock-detect", 0x7, 0, CPUID_ECX, 24},
	{"cid", 0x1, 0, CPUID_ECX, 10},
	{"cldemote", 0x7, 0, CPUID_ECX, 25},
	{"clflush", 0x1, 0, CPUID_EDX, 19},
	{"clflushopt", 0x7, 0, CPUID_EBX, 23},
	{"clwb", 0x7, 0, CPUID_EBX, 24},
	{"clzero", 0x80000008, 0, CPUID_EBX, 0},
	{"cmov", 0x1, 0, CPUID_EDX, 15},
	{"cmp_legacy", 0x80000001, 0, CPUID_ECX, 1},
	{"cmpccxadd", 0x7, 1, CPUID_EAX, 7},
	{"cmt", 0x7, 0, CPUID_EBX, 12},
	{"core-capability", 0x7, 0, CPUID_EDX, 30},
	{"cr8legacy", 0x80000001, 0, CPUID_ECX, 4},
	{"cvt16", 0x80000001, 0, CPUID_ECX, 18},
	{"cx16", 0x1, 0, CPUID_ECX, 13},
	{"cx8", 0x1, 0, CPUID_EDX, 8},
	{"dca", 0x1, 0, CPUID_ECX, 18},
	{"ddpd-u", 0x7, 2, CPUID_EDX, 3},
	{"de", 0x1, 0, CPUID_EDX, 2},
	{"decodeassists", 0x8000000a, 0, CPUID_EDX, 7},
	{"ds", 0x1, 0, CPUID_EDX, 21},
	{"ds_cpl", 0x1, 0, CPUID_ECX, 4},
	{"dtes64", 0x1, 0, CPUID_ECX, 2},
	{"eraps", 0x80000021, 0, CPUID_EAX, 24},
	{"erms", 0x7, 0, CPUID_EBX, 9},
	{"est", 0x1, 0, CPUID_ECX, 7},
	{"extapic", 0x80000001, 0, CPUID_ECX, 3},
	{"f16c", 0x1, 0, CPUID_ECX, 29},
	{"fb-clear", 0x10a, 0, CPU_MSR, 17},
	{"fbsdp-no", 0x10a, 0, CPU_MSR, 14},
	{"flushbyasid", 0x8000000a, 0, CPUID_EDX, 6},
	{"fma", 0x1, 0, CPUID_ECX, 12},
	{"fma4", 0x80000001, 0, CPUID_ECX, 16},
	{"fpu", 0x1, 0, CPUID_EDX, 0},
	{"fred", 0x7, 1, CPUID_EAX, 17},
	{"fs-gs-base-ns", 0x80000021, 0, CPUID_EAX, 1},
	{"fsgsbase", 0x7, 0, CPUID_EBX, 0},
	{"fsrc", 0x7, 1, CPUID_EAX, 12},
	{"fsrm", 0x7, 0, CPUID_EDX, 4},
	{"fsrs", 0x7, 1, CPUID_EAX, 11},
	{"fxsr", 0x1, 0, CPUID_EDX, 24},
	{"fxsr_opt", 0x80000001, 0, CPUID_EDX, 25},
	{"fzrm", 0x7, 1, CPUID_EAX, 10},
	{"gds-no", 0x10a, 0, CPU_MSR, 26},
	{"gfni", 0x7, 0, CPUID_ECX, 8},
	{"hle", 0x7, 0, CPUID_EBX, 4},
	{"ht", 0x1, 0, CPUID_EDX, 28},
	{"hypervisor", 0x1, 0, CPUID_ECX, 31},
	{"ia64", 0x1, 0, CPUID_EDX, 30},
	{"ibpb", 0x80000008, 0, CPUID_EBX, 12},
	{"ibpb-brtype", 0x80000021, 0, CPUID_EAX, 28},
	{"ibpb-ret", 0x80000008, 0, CPUID_EBX, 30},
	{"ibrs", 0x80000008, 0, CPUID_EBX, 14},
	{"ibrs-all", 0x10a, 0, CPU_MSR, 1},
	{"ibs", 0x80000001, 0, CPUID_ECX, 10},
	{"intel-psfd", 0x7, 2, CPUID_EDX, 0},
	{"intel-pt", 0x7, 0, CPUID_EBX, 25},
	{"intel-pt-lip", 0x14, 0, CPUID_ECX, 31},
	{"invpcid", 0x7, 0, CPUID_EBX, 10},
	{"invtsc", 0x80000007, 0, CPUID_EDX, 8},
	{"ipred-ctrl", 0x7, 2, CPUID_EDX, 1},
	{"its-no", 0x10a, 0, CPU_MSR, 62},
	{"la57", 0x7, 0, CPUID_ECX, 16},
	{"lahf_lm", 0x80000001, 0, CPUID_ECX, 0},
	{"lam", 0x7, 1, CPUID_EAX, 26},
	{"lbrv", 0x8000000a, 0, CPUID_EDX, 1},
	{"lfence-always-serializing", 0x80000021, 0, CPUID_EAX, 2},
	{"lkgs", 0x7, 1, CPUID_EAX, 18},
	{"lm", 0x80000001, 0, CPUID_EDX, 29},
	{"lwp", 0x80000001, 0, CPUID_ECX, 15},
	{"mbm_local", 0xf, 1, CPUID_EDX, 2},
	{"mbm_total", 0xf, 1, CPUID_EDX, 1},
	{"mca", 0x1, 0, CPUID_EDX, 14},
	{"mcdt-no", 0x7, 2, CPUID_EDX, 5},
	{"mce", 0x1, 0, CPUID_EDX, 7},
	{"md-clear", 0x7, 0, CPUID_EDX, 10},
	{"mds-no", 0x10a, 0, CPU_MSR, 5},
	{"misalignsse", 0x80000001, 0, CPUID_ECX, 7},
	{"mmx", 0x1, 0, CPUID_EDX, 23},
	{"mmxext", 0x80000001, 0, CPUID_EDX, 22},
	{"monitor", 0x1, 0, CPUID_ECX, 3},
	{"movbe", 0x1, 0, CPUID_ECX, 22},
	{"movdir64b", 0x7, 0, CPUID_ECX, 28},
	{"movdiri", 0x7, 0, CPUID_ECX, 27},
	{"mpx", 0x7, 0, CPUID_EBX, 14},
	{"msr", 0x1, 0, CPUID_EDX, 5},
	{"mtrr", 0x1, 0, CPUID_EDX, 12},
	{"no-nested-data-bp", 0x80000021, 0, CPUID_EAX, 0},
	{"nodeid_msr", 0x80000001, 0, CPUID_ECX, 19},
	{"npt", 0x8000000a, 0, CPUID_EDX, 0},
	{"nrip-save", 0x8000000a, 0, CPUID_EDX, 3},
	{"null-sel-clr-base", 0x80000021, 0, CPUID_EAX, 6},
	{"nx", 0x80000001, 0, CPUID_EDX, 20},
	{"ospke", 0x7, 0, CPUID_ECX, 4},
	{"osvw", 0x80000001, 0, CPUID_ECX, 9},
	{"osxsave", 0x1, 0, CPUID_ECX, 27},
	{"pae", 0x1, 0, CPUID_EDX, 6},
	{"pat", 0x1, 0, CPUID_EDX, 16},
	{"pause-filter", 0x8000000a, 0, CPUID_EDX, 10},
	{"pbe", 0x1, 0, CPUID_EDX, 31},
	{"pbrsb-no", 0x10a, 0, CPU_MSR, 24},
	{"pcid", 0x1, 0, CPUID_ECX, 17},
	{"pclmuldq", 0x1, 0, CPUID_ECX, 1},
	{"pcommit", 0x7, 0, CPUID_EBX, 22},
	{"pconfig", 0x7, 0, CPUID_EDX, 18},
	{"pdcm", 0x1, 0, CPUID_ECX, 15},
	{"pdpe1gb", 0x80000001, 0, CPUID_EDX, 26},
	{"perfctr_core", 0x80000001, 0, CPUID_ECX, 23},
	{"perfctr_nb", 0x80000001, 0, CPUID_ECX, 24},
	{"perfmon-v2", 0x80000022, 0, CPUID_EAX, 0},
	{"pfthreshold", 0x8000000a, 0, CPUID_EDX, 12},
	{"pge", 0x1, 0, CPUID_EDX, 13},
	{"pks", 0x7, 0, CPUID_ECX, 31},
	{"pku", 0x7, 0, CPUID_ECX, 3},
	{"pn", 0x1, 0, CPUID_EDX, 18},
	{"pni", 0x1, 0, CPUID_ECX, 0},
	{"popcnt", 0x1, 0, CPUID_ECX, 23},
	{"prefetchi", 0x80000021, 0, CPUID_EAX, 20},
	{"prefetchiti", 0x7, 1, CPUID_EDX, 14},
	{"pschange-mc-no", 0x10a, 0, CPU_MSR, 6},
	{"psdp-no", 0x10a, 0, CPU_MSR, 15},
	{"pse", 0x1, 0, CPUID_EDX, 3},
	{"pse36", 0x1, 0, CPUID_EDX, 17},
	{"rdctl-no", 0x10a, 0, CPU_MSR, 0},
	{"rdpid", 0x7, 0, CPUID_ECX, 22},
	{"rdpru", 0x80000008, 0, CPUID_EBX, 4},
	{"rdrand", 0x1, 0, CPUID_ECX, 30},
	{"rdseed", 0x7, 0, CPUID_EBX, 18},
	{"rdtscp", 0x80000001, 0, CPUID_EDX, 27},
	{"rfds-clear", 0x10a, 0, CPU_MSR, 28},
	{"rfds-no", 0x10a, 0, CPU_MSR, 27},
	{"rrsba", 0x10a, 0, CPU_MSR, 19},
	{"rrsba-ctrl", 0x7, 2, CPUID_EDX, 2},
	{"rsba", 0x10a, 0, CPU_MSR, 2},
	{"rtm", 0x7, 0, CPUID_EBX, 11},
	{"sbdr-ssdp-no", 0x10a, 0, CPU_MSR, 13},
	{"sbpb", 0x80000021, 0, CPUID_EAX, 27},
	{"sep", 0x1, 0, CPUID_EDX, 11},
	{"serialize", 0x7, 0, CPUID_EDX, 14},
	{"sgx", 0x7, 0, CPUID_EBX, 2},
	{"sgx-aex-notify", 0x12, 1, CPUID_EAX, 10},
	{"sgx-debug", 0x12, 1, CPUID_EAX, 1},
	{"sgx-edeccssa", 0x12, 0, CPUID_EAX, 11},
	{"sgx-exinfo", 0x12, 0, CPUID_EBX, 0},
	{"sgx-kss", 0x12, 1, CPUID_EAX, 7},
	{"sgx-mode64", 0x12, 1, CPUID_EAX, 2},
	{"sgx-provisionkey", 0x12, 1, CPUID_EAX, 4},
	{"sgx-tokenkey", 0x12, 1, CPUID_EAX, 5},
	{"sgx1", 0x12, 0, CPUID_EAX, 0},
	{"sgx2", 0x12, 0, CPUID_EAX, 1},
	{"sgxlc", 0x7, 0, CPUID_ECX, 30},
	{"sha-ni", 0x7, 0, CPUID_EBX, 29},
	{"sha512", 0x7, 1, CPUID_EAX, 0},
	{"skinit", 0x80000001, 0, CPUID_ECX, 12},
	{"skip-l1dfl-vmentry", 0x10a, 0, CPU_MSR, 3},
	{"sm3", 0x7, 1, CPUID_EAX, 1},
	{"sm4", 0x7, 1, CPUID_EAX, 2},
	{"smap", 0x7, 0, CPUID_EBX, 20},
	{"smep", 0x7, 0, CPUID_EBX, 7},
	{"smx", 0x1, 0, CPUID_ECX, 6},
	{"spec-ctrl", 0x7, 0, CPUID_EDX, 26},
	{"split-lock-detect", 0xcf, 0, CPU_MSR, 5},
	{"srso-no", 0x80000021, 0, CPUID_EAX, 29},
	{"srso-user-kernel-no", 0x80000021, 0, CPUID_EAX, 30},
	{"ss", 0x1, 0, CPUID_EDX, 27},
	{"ssb-no", 0x10a, 0, CPU_MSR, 4},
	{"ssbd", 0x7, 0, CPUID_EDX, 31},
	{"sse", 0x1, 0, CPUID_EDX, 25},
	{"sse2", 0x1, 0, CPUID_EDX, 26},
	{"sse4.1", 0x1, 0, CPUID_ECX, 19},
	{"sse4.2", 0x1, 0, CPUID_ECX, 20},
	{"sse4a", 0x80000001, 0, CPUID_ECX, 6},
	{"ssse3", 0x1, 0, CPUID_ECX, 9},
	{"stibp", 0x7, 0, CPUID_EDX, 27},
	{"stibp-always-on", 0x80000008, 0, CPUID_EBX, 17},
	{"svm", 0x80000001, 0, CPUID_ECX, 2},
	{"svm-lock", 0x8000000a, 0, CPUID_EDX, 2},
	{"svme-addr-chk", 0x8000000a, 0, CPUID_EDX, 28},
	{"syscall", 0x80000001, 0, CPUID_EDX, 11},
	{"taa-no", 0x10a, 0, CPU_MSR, 8},
	{"tbm", 0x80000001, 0, CPUID_ECX, 21},
	{"tce", 0x80000001, 0, CPUID_ECX, 17},
	{"tm", 0x1, 0, CPUID_EDX, 29},
	{"tm2", 0x1, 0, CPUID_ECX, 8},
	{"topoext", 0x80000001, 0, CPUID_ECX, 22},
	{"tsc", 0x1, 0, CPUID_EDX, 4},
	{"tsc-deadline", 0x1, 0, CPUID_ECX, 24},
	{"tsc-scale", 0x8000000a, 0, CPUID_EDX, 4},
	{"tsc_adjust", 0x7, 0, CPUID_EBX, 1},
	{"tsx-ctrl", 0x10a, 0, CPU_MSR, 7},
	{"tsx-ldtrk", 0x7, 0, CPUID_EDX, 16},
	{"umip", 0x7, 0, CPUID_ECX, 2},
	{"v-vmsave-vmload", 0x8000000a, 0, CPUID_EDX, 15},
	{"vaes", 0x7, 0, CPUID_ECX, 9},
	{"vgif", 0x8000000a, 0, CPUID_EDX, 16},
	{"virt-ssbd", 0x80000008, 0, CPUID_EBX, 25},
	{"vmcb-clean", 0x8000000a, 0, CPUID_EDX, 5},
	{"vme", 0x1, 0, CPUID_EDX, 1},
	{"vmx", 0x1, 0, CPUID_ECX, 5},
	{"vnmi", 0x8000000a, 0, CPUID_EDX, 25},
	{"vpclmulqdq", 0x7, 0, CPUID_ECX, 10},
	{"waitpkg", 0x7, 0, CPUID_ECX, 5},
	{"wbnoinvd", 0x80000008, 0, CPUID_EBX, 9},
	{"wdt", 0x80000001, 0, CPUID_ECX, 13},
	{"wrmsrns", 0x7, 1, CPUID_EAX, 19},
	{"x2apic", 0x1, 0, CPUID_ECX, 21},
	{"xfd", 0xd, 1, CPUID_EAX, 4},
	{"xgetbv1", 0xd, 1, CPUID_EAX, 2},
	{"xop", 0x80000001, 0, CPUID_ECX, 11},
	{"xsave", 0x1, 0, CPUID_ECX, 26},
	{"xsavec", 0xd, 1, CPUID_EAX, 1},
	{"xsaveerptr", 0x80000008, 0, CPUID_EBX, 2},
	{"xsaveopt", 0xd, 1, CPUID_EAX, 0},
	{"xsaves", 0xd, 1, CPUID_EAX, 3},
	{"xtpr", 0x1, 0, CPUID_ECX, 14},
};
const unsigned cpu_feature_count = ARRAY_SIZE(cpu_feature_bits);
_Static_assert(ARRAY_SIZE(cpu_feature_bits) <= 64 * CPU_SET_WORDS, "a bit for each");

static int by_name(const void *key, const void *row)
{
	return strcmp(key, ((const struct cpu_feature_bit *)row)->name);
}

const struct cpu_feature_bit *cpu_feature_find(const char *name)
{
	return bsearch(name, cpu_feature_bits, ARRAY_SIZE(cpu_feature_bits), sizeof(cpu_feature_bits[0]),
		       by_name);
}

bool cpu_feature_nested(const char *name)
{
	return !strncmp(name, "vmx-", 4);
}

bool cpu_set_has(const struct cpu_set *s, const struct cpu_feature_bit *f)
{
	size_t i = (size_t)(f - cpu_feature_bits);
	return s->words[i / 64] >> i % 64 & 1;
}

void cpu_set_put(struct cpu_set *s, const struct cpu_feature_bit *f, bool on)
{
	size_t i = (size_t)(f - cpu_feature_bits);
	uint64_t bit = 1ull << i % 64;
	s->words[i / 64] = on ? s->words[i / 64] | bit : s->words[i / 64] & ~bit;
}

bool cpu_set_has_name(const struct cpu_set *s, const char *name)
{
	const struct cpu_feature_bit *f = cpu_feature_find(name);
	return f && cpu_set_has(s, f);
}

void cpu_set_put_name(struct cpu_set *s, const char *name, bool on)
{
	const struct cpu_feature_bit *f = cpu_feature_find(name);
	if (f)
		cpu_set_put(s, f, on);
}

void cpu_set_and(struct cpu_set *s, const struct cpu_set *with)
{
	for (unsigned i = 0; i < CPU_SET_WORDS; i++)
		s->words[i] &= with->words[i];
}

void cpu_set_minus(struct cpu_set *s, const struct cpu_set *without)
{
	for (unsigned i = 0; i < CPU_SET_WORDS; i++)
		s->words[i] &= ~without->words[i];
}

void cpu_set_or(struct cpu_set *s, const struct cpu_set *with)
{
	for (unsigned i = 0; i < CPU_SET_WORDS; i++)
		s->words[i] |= with->words[i];
}

bool cpu_set_empty(const struct cpu_set *s)
{
	for (unsigned i = 0; i < CPU_SET_WORDS; i++)
		if (s->words[i])
			return false;
	return true;
}

void cpu_set_text(const struct cpu_set *s, unsigned max, struct buf *out)
{
	unsigned n = 0;
	for (unsigned i = 0; i < cpu_feature_count; i++)
		if (cpu_set_has(s, &cpu_feature_bits[i]) && n++ < max)
			buf_printf(out, "%s'%s'", n > 1 ? ", " : "", cpu_feature_bits[i].name);
	if (n > max)
		buf_printf(out, " and %u more", n - max);
}

void cpu_set_change(struct cpu_set *s, const char *words)
{
	for (const char *p = words + strspn(words, " "); *p; p += strspn(p, " ")) {
		bool on = *p != '-';
		char name[64];
		p += !on;
		size_t n = strcspn(p, " ");
		assert(n < sizeof(name));
		memcpy(name, p, n);
		name[n] = 0;
		assert(cpu_feature_find(name));
		cpu_set_put_name(s, name, on);
		p += n;
	}
}
