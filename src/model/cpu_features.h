/* Features of a processor by libvirt's names (cpu_map/x86_features.xml), and sets of them. */
#ifndef SRC_MODEL_CPU_FEATURES_H
#define SRC_MODEL_CPU_FEATURES_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/str.h"

enum cpu_reg { CPUID_EAX, CPUID_EBX, CPUID_ECX, CPUID_EDX, CPU_MSR };

struct cpu_feature_bit {
	const char *name;
	uint32_t leaf, index; /* of CPUID; with CPU_MSR: leaf is the number of the MSR */
	enum cpu_reg reg;
	unsigned bit;
};

extern const struct cpu_feature_bit cpu_feature_bits[]; /* sorted by name */
extern const unsigned cpu_feature_count;

/* NULL when there is none of that name. */
const struct cpu_feature_bit *cpu_feature_find(const char *name);
/* Is it a part of nested virtualisation (vmx-ept) that has no bit of CPUID? Such come and go with vmx. */
bool cpu_feature_nested(const char *name);

#define CPU_SET_WORDS 5
struct cpu_set {
	uint64_t words[CPU_SET_WORDS]; /* of indices into cpu_feature_bits[] */
};

bool cpu_set_has(const struct cpu_set *s, const struct cpu_feature_bit *f);
void cpu_set_put(struct cpu_set *s, const struct cpu_feature_bit *f, bool on);
/* By name. Those that are not known are not there, and cannot be put. */
bool cpu_set_has_name(const struct cpu_set *s, const char *name);
void cpu_set_put_name(struct cpu_set *s, const char *name, bool on);
/* @s becomes what is in both, or in @s alone. */
void cpu_set_and(struct cpu_set *s, const struct cpu_set *with);
void cpu_set_minus(struct cpu_set *s, const struct cpu_set *without);
void cpu_set_or(struct cpu_set *s, const struct cpu_set *with);
bool cpu_set_empty(const struct cpu_set *s);
/* "'smap', 'smep'", at most @max of them and then how many more. */
void cpu_set_text(const struct cpu_set *s, unsigned max, struct buf *out);
/* "aes -avx": put those in, take those with a - out. */
void cpu_set_change(struct cpu_set *s, const char *words);

#endif
