/* What CPUID tells the guest: of what the host's KVM supports, what the domain's <cpu> asks for (a named model,
 * or the host's), with the topology and the APIC ids that it asks for. (Intel SDM 2A CPUID; AMD APM 3 appendix E; Linux,
 * virt/kvm/x86/cpuid.rst; machine.md 1.8) */
#ifndef BACKEND_VMM_CPUID_H
#define BACKEND_VMM_CPUID_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/err.h"
#include "src/model/cpu_plan.h"

#define CPUID_ENTRIES 256

struct machine;
struct kvm_cpuid2;

/* A thread's place, packed as the APIC id has it: [socket | die | core | thread], each of a power-of-two
 * width. */
struct cpu_topology {
	unsigned sockets, dies, cores, threads;
	unsigned thread_bits, core_bits, die_bits; /* widths below the socket */
};

/* Widths for these counts (each at least 1). */
struct cpu_topology cpu_topology_make(unsigned sockets, unsigned dies, unsigned cores, unsigned threads);
/* APIC id of vCPU @index. Gaps appear where counts are no powers of two. */
unsigned cpu_apic_id(const struct cpu_topology *t, unsigned index);

/* The topology of m->domain. */
struct cpu_topology machine_topology(const struct machine *m);

/* What the host has beside its CPUID. */
struct cpuid_host {
	char name[49];      /* of its processor, "" = none */
	bool tsc_deadline;  /* KVM has the timer */
	uint64_t arch_caps; /* MSR IA32_ARCH_CAPABILITIES; after cpuid_shape() what the guest is to read there ... */
	bool has_arch_caps; /* ... when it has the MSR */
};

/* What KVM can show, the caller's to free, and what is not in there. */
int cpuid_of_host(int sys_fd, struct kvm_cpuid2 **out, struct cpuid_host *h, struct err *e);
/* What can be asked for of it. @c gets what we give beside KVM. */
void cpuid_host_features(struct kvm_cpuid2 *c, const struct cpuid_host *h, struct cpu_host *out);
/* Make of KVM's list @c, which has room for CPUID_ENTRIES, what vCPU 0 of @d shows. -ENOTSUP names what the
 * guest needs and the host has not. */
int cpuid_shape(struct kvm_cpuid2 *c, const struct domain *d, struct cpuid_host *h, const struct cpu_topology *t,
		struct err *e);
/* The features that @c shows. */
void cpuid_features(const struct kvm_cpuid2 *c, uint64_t arch_caps, struct cpu_set *out);

/* All of it for @m: the table for vCPU 0, the caller's to free. */
int cpuid_build(struct machine *m, struct kvm_cpuid2 **out, struct err *e);
/* Make the table that of the vCPU with this APIC id (in place). */
void cpuid_for(struct kvm_cpuid2 *c, const struct cpu_topology *t, unsigned apic_id);

#endif
