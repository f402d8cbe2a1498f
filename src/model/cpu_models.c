#include "src/model/cpu_models.h"

#include <stdlib.h>
#include <string.h>

#include "src/base/cleanup.h"

/* name, vendor, family, model, stepping, level, xlevel, id. Keep sorted by name. */
const struct cpu_model cpu_models[] = {
	{"486", CPU_INTEL, 4, 8, 0, 0x1, 0x0,
	 "",
	 .features = "fpu pse vme"},
	{"Broadwell", CPU_INTEL, 6, 61, 2, 0xd, 0x80000008,
	 "Intel Core Processor (Broadwell)",
	 .like = "Broadwell-noTSX",
	 .features = "hle rtm"},
	{"Broadwell-IBRS", CPU_INTEL, 6, 61, 2, 0xd, 0x80000008,
	 "Intel Core Processor (Broadwell, IBRS)",
	 .like = "Broadwell",
	 .features = "spec-ctrl"},
	{"Broadwell-noTSX", CPU_INTEL, 6, 61, 2, 0xd, 0x80000008,
	 "Intel Core Processor (Broadwell, no TSX)",
	 .like = "Haswell-noTSX",
	 .features = "3dnowprefetch adx rdseed smap"},
	{"Broadwell-noTSX-IBRS", CPU_INTEL, 6, 61, 2, 0xd, 0x80000008,
	 "Intel Core Processor (Broadwell, no TSX, IBRS)",
	 .like = "Broadwell-noTSX",
	 .features = "spec-ctrl"},
	{"Cascadelake-Server", CPU_INTEL, 6, 85, 6, 0xd, 0x80000008,
	 "Intel Xeon Processor (Cascadelake)",
	 .like = "Cascadelake-Server-noTSX",
	 .features = "hle rtm"},
	{"Cascadelake-Server-noTSX", CPU_INTEL, 6, 85, 6, 0xd, 0x80000008,
	 "Intel Xeon Processor (Cascadelake)",
	 .like = "Skylake-Server-noTSX-IBRS",
	 .features = "avx512vnni clflushopt ssbd"},
	{"Conroe", CPU_INTEL, 6, 15, 3, 0xa, 0x80000008,
	 "Intel Celeron_4x0 (Conroe/Merom Class Core 2)",
	 .like = "Opteron_G1",
	 .features = "lahf_lm ssse3"},
	{"Cooperlake", CPU_INTEL, 6, 85, 10, 0xd, 0x80000008,
	 "Intel Xeon Processor (Cooperlake)",
	 .like = "Cascadelake-Server",
	 .features = "-mpx arch-capabilities avx512-bf16 ibrs-all mds-no pku pschange-mc-no rdctl-no "
		     "skip-l1dfl-vmentry stibp taa-no"},
	{"Denverton", CPU_INTEL, 6, 95, 1, 0x15, 0x80000008,
	 "Intel Atom Processor (Denverton)",
	 .like = "SandyBridge-IBRS",
	 .features = "-avx 3dnowprefetch arat arch-capabilities clflushopt erms fsgsbase monitor movbe mpx "
		     "pdpe1gb rdctl-no rdrand rdseed sha-ni skip-l1dfl-vmentry smap smep ssbd xgetbv1 "
		     "xsavec xsaveopt"},
	{"Dhyana", CPU_HYGON, 24, 0, 1, 0xd, 0x8000001e,
	 "Hygon Dhyana Processor",
	 .like = "Skylake-Client-noTSX-IBRS",
	 .features = "-aes -erms -invpcid -mpx -pcid -pclmuldq -spec-ctrl -tsc-deadline -x2apic clflushopt "
		     "cr8legacy fxsr_opt ibpb misalignsse mmxext monitor osvw pdpe1gb sse4a svm"},
	{"EPYC", CPU_AMD, 23, 1, 2, 0xd, 0x8000001e,
	 "AMD EPYC Processor",
	 .like = "Dhyana",
	 .features = "-ibpb aes pclmuldq sha-ni"},
	{"EPYC-Genoa", CPU_AMD, 25, 17, 0, 0xd, 0x80000022,
	 "AMD EPYC-Genoa Processor",
	 .like = "EPYC-Milan",
	 .features = "amd-psfd auto-ibrs avx512-bf16 avx512-vpopcntdq avx512bitalg avx512bw avx512cd "
		     "avx512dq avx512f avx512ifma avx512vbmi avx512vbmi2 avx512vl avx512vnni gfni la57 "
		     "lfence-always-serializing no-nested-data-bp null-sel-clr-base stibp-always-on vaes "
		     "vnmi vpclmulqdq"},
	{"EPYC-IBPB", CPU_AMD, 23, 1, 2, 0xd, 0x8000001e,
	 "AMD EPYC Processor (with IBPB)",
	 .like = "EPYC",
	 .features = "ibpb"},
	{"EPYC-Milan", CPU_AMD, 25, 1, 1, 0xd, 0x8000001e,
	 "AMD EPYC-Milan Processor",
	 .like = "EPYC-Rome",
	 .features = "amd-ssbd erms fsrm ibrs invpcid pcid pku svme-addr-chk xsaves"},
	{"EPYC-Rome", CPU_AMD, 23, 49, 0, 0xd, 0x8000001e,
	 "AMD EPYC-Rome Processor",
	 .like = "EPYC-IBPB",
	 .features = "-monitor amd-stibp clwb clzero npt nrip-save perfctr_core rdpid umip wbnoinvd "
		     "xsaveerptr"},
	{"GraniteRapids", CPU_INTEL, 6, 173, 0, 0x20, 0x80000008,
	 "Intel Xeon Processor (GraniteRapids)",
	 .like = "SapphireRapids",
	 .features = "amx-fp16 fbsdp-no mcdt-no pbrsb-no prefetchiti psdp-no sbdr-ssdp-no"},
	{"Haswell", CPU_INTEL, 6, 60, 4, 0xd, 0x80000008,
	 "Intel Core Processor (Haswell)",
	 .like = "Haswell-noTSX",
	 .features = "hle rtm"},
	{"Haswell-IBRS", CPU_INTEL, 6, 60, 4, 0xd, 0x80000008,
	 "Intel Core Processor (Haswell, IBRS)",
	 .like = "Haswell",
	 .features = "spec-ctrl"},
	{"Haswell-noTSX", CPU_INTEL, 6, 60, 1, 0xd, 0x80000008,
	 "Intel Core Processor (Haswell, no TSX)",
	 .like = "SandyBridge",
	 .features = "avx2 bmi1 bmi2 erms fma fsgsbase invpcid movbe pcid smep"},
	{"Haswell-noTSX-IBRS", CPU_INTEL, 6, 60, 1, 0xd, 0x80000008,
	 "Intel Core Processor (Haswell, no TSX, IBRS)",
	 .like = "Haswell-noTSX",
	 .features = "spec-ctrl"},
	{"Icelake-Client", CPU_INTEL, 6, 126, 0, 0xd, 0x80000008,
	 "Intel Core Processor (Icelake)",
	 .like = "Icelake-Client-noTSX",
	 .features = "hle rtm"},
	{"Icelake-Client-noTSX", CPU_INTEL, 6, 126, 0, 0xd, 0x80000008,
	 "Intel Core Processor (Icelake)",
	 .like = "Skylake-Client-noTSX-IBRS",
	 .features = "avx512-vpopcntdq avx512bitalg avx512vbmi avx512vbmi2 avx512vnni gfni intel-pt pku "
		     "ssbd umip vaes vpclmulqdq wbnoinvd"},
	{"Icelake-Server", CPU_INTEL, 6, 134, 0, 0xd, 0x80000008,
	 "Intel Xeon Processor (Icelake)",
	 .like = "Icelake-Server-noTSX",
	 .features = "hle rtm"},
	{"Icelake-Server-noTSX", CPU_INTEL, 6, 134, 0, 0xd, 0x80000008,
	 "Intel Xeon Processor (Icelake)",
	 .like = "Icelake-Client-noTSX",
	 .features = "avx512bw avx512cd avx512dq avx512f avx512vl clflushopt clwb la57 pdpe1gb"},
	{"IvyBridge", CPU_INTEL, 6, 58, 9, 0xd, 0x80000008,
	 "Intel Xeon E3-12xx v2 (Ivy Bridge)",
	 .like = "SandyBridge",
	 .features = "erms f16c fsgsbase rdrand smep vme"},
	{"IvyBridge-IBRS", CPU_INTEL, 6, 58, 9, 0xd, 0x80000008,
	 "Intel Xeon E3-12xx v2 (Ivy Bridge, IBRS)",
	 .like = "IvyBridge",
	 .features = "spec-ctrl"},
	{"KnightsMill", CPU_INTEL, 6, 133, 0, 0xd, 0x80000008,
	 "Intel Xeon Phi Processor (Knights Mill)",
	 .like = "Broadwell-noTSX",
	 .features = "-invpcid -pcid -smap abm arat avx512-4fmaps avx512-4vnniw avx512-vpopcntdq avx512cd "
		     "avx512er avx512f avx512pf f16c pdpe1gb rdrand ss xsaveopt"},
	{"Nehalem", CPU_INTEL, 6, 26, 3, 0xb, 0x80000008,
	 "Intel Core i7 9xx (Nehalem Class Core i7)",
	 .like = "Penryn",
	 .features = "popcnt sse4.2"},
	{"Nehalem-IBRS", CPU_INTEL, 6, 26, 3, 0xb, 0x80000008,
	 "Intel Core i7 9xx (Nehalem Core i7, IBRS update)",
	 .like = "Nehalem",
	 .features = "spec-ctrl"},
	{"Opteron_G1", CPU_AMD, 15, 6, 1, 0x5, 0x80000008,
	 "AMD Opteron 240 (Gen 1 Class Opteron)",
	 .like = "kvm32",
	 .features = "lm nx syscall"},
	{"Opteron_G2", CPU_AMD, 15, 6, 1, 0x5, 0x8000000a,
	 "AMD Opteron 22xx (Gen 2 Class Opteron)",
	 .like = "cpu64-rhel6",
	 .features = "rdtscp svm"},
	{"Opteron_G3", CPU_AMD, 16, 2, 3, 0x5, 0x8000000a,
	 "AMD Opteron 23xx (Gen 3 Class Opteron)",
	 .like = "Opteron_G2",
	 .features = "abm misalignsse monitor popcnt sse4a"},
	{"Opteron_G4", CPU_AMD, 21, 1, 2, 0xd, 0x8000001a,
	 "AMD Opteron 62xx class CPU",
	 .like = "Westmere",
	 .features = "3dnowprefetch abm avx fma4 misalignsse pclmuldq pdpe1gb rdtscp sse4a svm xop xsave"},
	{"Opteron_G5", CPU_AMD, 21, 2, 0, 0xd, 0x8000001a,
	 "AMD Opteron 63xx class CPU",
	 .like = "Opteron_G4",
	 .features = "f16c fma tbm"},
	{"Penryn", CPU_INTEL, 6, 23, 3, 0xa, 0x80000008,
	 "Intel Core 2 Duo P9xxx (Penryn Class Core 2)",
	 .like = "Conroe",
	 .features = "cx16 sse4.1"},
	{"SandyBridge", CPU_INTEL, 6, 42, 1, 0xd, 0x80000008,
	 "Intel Xeon E312xx (Sandy Bridge)",
	 .like = "Westmere",
	 .features = "avx pclmuldq rdtscp tsc-deadline x2apic xsave"},
	{"SandyBridge-IBRS", CPU_INTEL, 6, 42, 1, 0xd, 0x80000008,
	 "Intel Xeon E312xx (Sandy Bridge, IBRS update)",
	 .like = "SandyBridge",
	 .features = "spec-ctrl"},
	{"SapphireRapids", CPU_INTEL, 6, 143, 4, 0x20, 0x80000008,
	 "Intel Xeon Processor (SapphireRapids)",
	 .like = "Cooperlake",
	 .features = "-stibp amx-bf16 amx-int8 amx-tile avx-vnni avx512-fp16 avx512-vpopcntdq avx512bitalg "
		     "avx512ifma avx512vbmi avx512vbmi2 bus-lock-detect fsrc fsrm fsrs fzrm gfni la57 "
		     "rdpid serialize sha-ni tsx-ldtrk umip vaes vpclmulqdq wbnoinvd xfd xsaves"},
	{"Skylake-Client", CPU_INTEL, 6, 94, 3, 0xd, 0x80000008,
	 "Intel Core Processor (Skylake)",
	 .like = "Skylake-Client-noTSX-IBRS",
	 .features = "-spec-ctrl hle rtm"},
	{"Skylake-Client-IBRS", CPU_INTEL, 6, 94, 3, 0xd, 0x80000008,
	 "Intel Core Processor (Skylake, IBRS)",
	 .like = "Skylake-Client",
	 .features = "spec-ctrl"},
	{"Skylake-Client-noTSX-IBRS", CPU_INTEL, 6, 94, 3, 0xd, 0x80000008,
	 "Intel Core Processor (Skylake, IBRS, no TSX)",
	 .like = "Broadwell-noTSX-IBRS",
	 .features = "abm arat f16c mpx rdrand vme xgetbv1 xsavec xsaveopt"},
	{"Skylake-Server", CPU_INTEL, 6, 85, 4, 0xd, 0x80000008,
	 "Intel Xeon Processor (Skylake)",
	 .like = "Skylake-Server-noTSX-IBRS",
	 .features = "-spec-ctrl hle rtm"},
	{"Skylake-Server-IBRS", CPU_INTEL, 6, 85, 4, 0xd, 0x80000008,
	 "Intel Xeon Processor (Skylake, IBRS)",
	 .like = "Skylake-Server",
	 .features = "spec-ctrl"},
	{"Skylake-Server-noTSX-IBRS", CPU_INTEL, 6, 85, 4, 0xd, 0x80000008,
	 "Intel Xeon Processor (Skylake, IBRS, no TSX)",
	 .like = "Skylake-Client-noTSX-IBRS",
	 .features = "avx512bw avx512cd avx512dq avx512f avx512vl clwb pdpe1gb"},
	{"Snowridge", CPU_INTEL, 6, 134, 1, 0x1b, 0x80000008,
	 "Intel Atom Processor (SnowRidge)",
	 .like = "Denverton",
	 .features = "-monitor -mpx -rdctl-no -skip-l1dfl-vmentry cldemote clwb core-capability gfni "
		     "movdir64b movdiri split-lock-detect umip vme"},
	{"Westmere", CPU_INTEL, 6, 44, 1, 0xb, 0x80000008,
	 "Westmere E56xx/L56xx/X56xx (Nehalem-C)",
	 .like = "Nehalem",
	 .features = "aes"},
	{"Westmere-IBRS", CPU_INTEL, 6, 44, 1, 0xb, 0x80000008,
	 "Westmere E56xx/L56xx/X56xx (IBRS update)",
	 .like = "Nehalem-IBRS",
	 .features = "aes"},
	{"athlon", CPU_AMD, 6, 2, 3, 0x2, 0x80000008,
	 "QEMU Virtual CPU version 2.5+",
	 .like = "pentiumpro",
	 .features = "3dnow 3dnowext mmxext mtrr pse36 vme"},
	{"core2duo", CPU_INTEL, 6, 15, 11, 0xa, 0x80000008,
	 "Intel(R) Core(TM)2 Duo CPU     T7700  @ 2.40GHz",
	 .like = "Opteron_G1",
	 .features = "monitor ssse3 vme"},
	{"coreduo", CPU_INTEL, 6, 14, 8, 0xa, 0x80000008,
	 "Genuine Intel(R) CPU           T2600  @ 2.16GHz",
	 .like = "kvm32",
	 .features = "-pse36 monitor nx vme"},
	{"cpu64-rhel5", CPU_AMD, 6, 6, 3, 0x2, 0x80000008,
	 "QEMU Virtual CPU version (cpu64-rhel5)",
	 .like = "Opteron_G1"},
	{"cpu64-rhel6", CPU_AMD, 6, 13, 3, 0x4, 0x8000000a,
	 "QEMU Virtual CPU version (cpu64-rhel6)",
	 .like = "kvm64",
	 .features = "lahf_lm"},
	{"kvm32", CPU_INTEL, 15, 6, 1, 0x5, 0x80000008,
	 "Common 32-bit KVM processor",
	 .like = "qemu32",
	 .features = "clflush mca mtrr pse36"},
	{"kvm64", CPU_INTEL, 15, 6, 1, 0xd, 0x80000008,
	 "Common KVM processor",
	 .like = "Opteron_G1",
	 .features = "cx16"},
	{"n270", CPU_INTEL, 6, 28, 2, 0xa, 0x80000008,
	 "Intel(R) Atom(TM) CPU N270   @ 1.60GHz",
	 .like = "coreduo",
	 .features = "ssse3"},
	{"pentium", CPU_INTEL, 5, 4, 3, 0x1, 0x0,
	 "",
	 .like = "486",
	 .features = "cx8 de mce mmx msr tsc"},
	{"pentium2", CPU_INTEL, 6, 5, 2, 0x2, 0x0,
	 "",
	 .like = "pentium",
	 .features = "cmov fxsr mca mtrr pae pat pge pse36 sep"},
	{"pentium3", CPU_INTEL, 6, 7, 3, 0x3, 0x0,
	 "",
	 .like = "pentium2",
	 .features = "sse"},
	{"pentiumpro", CPU_INTEL, 6, 1, 9, 0x2, 0x0,
	 "",
	 .like = "pentium",
	 .features = "-vme apic cmov fxsr pae pat pge sep sse sse2"},
	{"phenom", CPU_AMD, 16, 2, 3, 0x5, 0x8000001a,
	 "AMD Phenom(tm) 9550 Quad-Core Processor",
	 .like = "Opteron_G1",
	 .features = "3dnow 3dnowext fxsr_opt mmxext monitor svm"},
	{"qemu32", CPU_INTEL, 6, 6, 3, 0x4, 0x80000004,
	 "QEMU Virtual CPU version 2.5+",
	 .like = "pentiumpro",
	 .features = "pni"},
	{"qemu64", CPU_AMD, 15, 107, 1, 0xd, 0x8000000a,
	 "QEMU Virtual CPU version 2.5+",
	 .like = "kvm64",
	 .features = "svm"},
};
const unsigned cpu_model_count = ARRAY_SIZE(cpu_models);

static int by_name(const void *key, const void *row)
{
	return strcmp(key, ((const struct cpu_model *)row)->name);
}

const struct cpu_model *cpu_model_find(const char *name)
{
	return bsearch(name, cpu_models, ARRAY_SIZE(cpu_models), sizeof(cpu_models[0]), by_name);
}

const char *cpu_model_nearest(const char *name)
{
	unsigned best = 4;
	const char *like = NULL;
	for (unsigned i = 0; i < cpu_model_count; i++) {
		unsigned far = str_distance(name, cpu_models[i].name);
		if (far < best && far * 2 < strlen(cpu_models[i].name)) {
			best = far;
			like = cpu_models[i].name;
		}
	}
	return like;
}

void cpu_model_features(const struct cpu_model *m, struct cpu_set *out)
{
	const struct cpu_model *base = m->like ? cpu_model_find(m->like) : NULL;
	*out = (struct cpu_set){0};
	if (base)
		cpu_model_features(base, out);
	if (m->features)
		cpu_set_change(out, m->features);
}

const char *cpu_vendor_id(const char *name)
{
	static const struct {
		const char *name, *id;
	} vendors[] = {{"Intel", "GenuineIntel"}, {"AMD", "AuthenticAMD"}, {"Hygon", "HygonGenuine"}};
	for (size_t i = 0; i < ARRAY_SIZE(vendors); i++)
		if (str_eq(name, vendors[i].name))
			return vendors[i].id;
	return NULL;
}
