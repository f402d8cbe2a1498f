/* libvirt's names of CPUID bits (cpu_map/x86_features.xml). */
#ifndef BACKEND_VMM_CPU_FEATURES_H
#define BACKEND_VMM_CPU_FEATURES_H

#include <stdint.h>

enum cpuid_reg { CPUID_EAX, CPUID_EBX, CPUID_ECX, CPUID_EDX };

struct cpu_feature_bit {
	const char *name;
	uint32_t leaf, index;
	enum cpuid_reg reg;
	unsigned bit;
};

extern const struct cpu_feature_bit cpu_feature_bits[]; /* sorted by name */
extern const unsigned cpu_feature_count;

/* NULL when there is none of that name. */
const struct cpu_feature_bit *cpu_feature_find(const char *name);

#endif
