/* The VM descriptor: what is behind irq.h's sink and memory.h's slots on a real machine. */
#ifndef BACKEND_VMM_KVM_H
#define BACKEND_VMM_KVM_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/vmm/cpuid.h"
#include "backend/vmm/irq.h"
#include "backend/vmm/memory.h"
#include "src/base/err.h"

struct machine;
struct kvm_irq_routing;
struct kvm_coalesced_mmio_ring;
struct kvm_cpuid2;

#define KVM_COALESCED_MAX 4

struct kvm {
	int sys_fd, vm_fd;
	int run_bytes;                   /* of each vCPU's shared page */
	bool emulation_failure_exits;
	bool slot_used[MEM_SLOTS_MAX];
	struct kvm_irq_routing *routing; /* what KVM_SET_GSI_ROUTING was last given */
	struct kvm_cpuid2 *cpuid;        /* for vCPU 0; cpuid_for() makes the others' */
	struct cpuid_host cpuid_host;
	struct {
		uint64_t gpa, len;
		bool pio;
	} coalesced[KVM_COALESCED_MAX];
	unsigned ncoalesced;
	struct kvm_coalesced_mmio_ring *ring; /* in vCPU 0's shared page, while there is one */
};

/* Open the system side: @sys_fd is /dev/kvm, taken. Checks the API. */
int kvm_open(struct machine *m, int sys_fd, struct err *e);
/* Make the VM descriptor with irqchip, PIT and the machine's memory slots. May be called again after
 * kvm_vm_close(). */
int kvm_vm_create(struct machine *m, struct err *e);
void kvm_vm_close(struct machine *m);
void kvm_close(struct machine *m);

int kvm_cap(const struct kvm *k, int cap); /* KVM_CHECK_EXTENSION on the system descriptor */

/* MMIO writes in [gpa, gpa + len) need no exit of their own from now on: they come to the bus with the next
 * exit, whatever it is, and with kvm_coalesced_drain(). For good; also for the VMs of later resets. No-op in
 * a bare machine, or where KVM has no such. */
void kvm_coalesce(struct machine *m, uint64_t gpa, uint64_t len);
/* The same for writes to a port. false: this KVM cannot. */
bool kvm_coalesce_port(struct machine *m, uint16_t port);
/* Begin or end to gather writes to @port in the same way, at any time; a reset ends it. The caller drains what
 * was gathered before. Caller holds m->lock. false: this KVM cannot, or the machine is bare. */
bool kvm_gather_port(struct machine *m, uint16_t port, bool on);
/* Bring what waits to the bus. Caller holds m->lock. */
void kvm_coalesced_drain(struct machine *m);
/* vCPU 0's shared page (NULL: there is none any more), where the waiting writes are. */
void kvm_coalesced_ring(struct machine *m, void *run);

extern const struct irq_sink kvm_irq_sink; /* ctx: struct machine */
extern const struct mem_sink kvm_mem_sink; /* the same; kvm_vm_create() gives it to m->mem */

#endif
