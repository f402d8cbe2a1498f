/* The VM descriptor: what is behind irq.h's sink and memory.h's slots on a real machine. */
#ifndef BACKEND_VMM_KVM_H
#define BACKEND_VMM_KVM_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/vmm/irq.h"
#include "backend/vmm/memory.h"
#include "src/base/err.h"

struct machine;
struct kvm_irq_routing;
struct kvm_cpuid2;

struct kvm {
	int sys_fd, vm_fd;
	int run_bytes;                   /* of each vCPU's shared page */
	bool emulation_failure_exits;
	bool slot_used[MEM_SLOTS_MAX];
	struct kvm_irq_routing *routing; /* what KVM_SET_GSI_ROUTING was last given */
	struct kvm_cpuid2 *cpuid;        /* for vCPU 0; cpuid_for() makes the others' */
};

/* Open the system side: @sys_fd is /dev/kvm, taken. Checks the API. */
int kvm_open(struct machine *m, int sys_fd, struct err *e);
/* Make the VM descriptor with irqchip, PIT and the machine's memory slots. May be called again after kvm_vm_close(). */
int kvm_vm_create(struct machine *m, struct err *e);
void kvm_vm_close(struct machine *m);
void kvm_close(struct machine *m);

int kvm_cap(const struct kvm *k, int cap); /* KVM_CHECK_EXTENSION on the system descriptor */

extern const struct irq_sink kvm_irq_sink; /* ctx: struct machine */
extern const struct mem_sink kvm_mem_sink; /* the same; kvm_vm_create() gives it to m->mem */

#endif
