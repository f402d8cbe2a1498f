/* What CPUID tells the guest: what the host's KVM supports, less what the domain disables, with the topology
 * and the APIC ids that it asks for. (Intel SDM 2A CPUID; AMD APM 3 appendix E; Linux,
 * virt/kvm/x86/cpuid.rst; machine.md 1.8) */
#ifndef BACKEND_VMM_CPUID_H
#define BACKEND_VMM_CPUID_H

#include <stdint.h>

#include "src/base/err.h"

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

/* The table for vCPU 0, the caller's to free. -EINVAL names a feature that is required and not there, or
 * unknown. */
int cpuid_build(struct machine *m, struct kvm_cpuid2 **out, struct err *e);
/* Without XSAVE nothing keeps what wide vectors and protection keys add to a task: what needs it goes with
 * it. Linux dies of keys without it. (Intel SDM 1, 13.1) */
void cpuid_drop_orphans(struct kvm_cpuid2 *c);
/* Make the table that of the vCPU with this APIC id (in place). */
void cpuid_for(struct kvm_cpuid2 *c, const struct cpu_topology *t, unsigned apic_id);

#endif
