/* The vCPUs: a thread each, and the gate that holds them all.
 *
 * The gate is closed at first. Open: threads run in KVM_RUN. Closing it kicks them out; a thread that has
 * come to the gate is parked. A kick cannot be lost: closing sets immediate_exit in the shared page under the
 * gate's lock, and a thread clears it only under that lock while the gate is open. Lock order: m->lock, then
 * the gate's. */
#ifndef BACKEND_VMM_VCPU_H
#define BACKEND_VMM_VCPU_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/vmm/boot/boot.h"
#include "src/base/err.h"

struct machine;

/* Make the vCPUs of m's VM and start their threads, parked. vCPU 0 begins at @entry, the others wait for
 * INIT. */
int vcpus_create(struct machine *m, const struct boot_entry *entry, struct err *e);
/* End the threads and close the vCPUs. m->lock must not be held. */
void vcpus_destroy(struct machine *m);

/* Close the gate and kick; returns at once. Any thread. */
void vcpus_hold(struct machine *m);
/* Wait until all are parked. Main loop, m->lock not held. */
void vcpus_wait_parked(struct machine *m);
/* Open the gate. */
void vcpus_release(struct machine *m);

/* Have no vCPU inside KVM_RUN until vcpus_thaw(): for a change of the memory map. A vCPU that waits for
 * m->lock or at the gate is outside. m->lock held; the main loop, or a vCPU in its exit. */
void vcpus_freeze(struct machine *m);
void vcpus_thaw(struct machine *m);

/* Tell kvm-clock that the guest was stopped, so that its watchdogs keep quiet. While parked. */
void vcpus_note_pause(struct machine *m);

/* What a vCPU was at when somebody asked. */
struct vcpu_sample {
	enum { VCPU_UNKNOWN, /* it did not come out of KVM_RUN in time, or this KVM does not tell */
	       VCPU_PARKED, VCPU_RUNS, VCPU_HALTED, VCPU_WAITS /* for another vCPU to start it */ } state;
	uint64_t address; /* linear: base of CS + rip */
	bool interrupts;  /* enabled: RFLAGS.IF */
	bool user;        /* privilege level 3 */
	unsigned bits;    /* 16, 32 or 64 */
	uint16_t port;    /* of its last port access */
};

/* Have each vCPU step out of KVM_RUN, tell where it was, and go on; out[] has room for vcpus_count(). Waits
 * at most  for those that do not come. The exits that this makes are not counted. Main loop, m->lock not held. */
void vcpus_sample(struct machine *m, struct vcpu_sample *out, unsigned limit_ms);

/* General registers, for devices whose calls have more of them than a port access has. */
struct vcpu_regs {
	uint64_t rax, rbx, rcx, rdx, rsi, rdi;
};

/* Those of the vCPU in whose exit this thread is, before a port read has given rax its value. false: in no
 * exit. A bare machine has m->fake_regs. */
bool vcpu_regs_get(const struct machine *m, struct vcpu_regs *r);
/* All but rax, which is what the port read gives. */
bool vcpu_regs_set(struct machine *m, const struct vcpu_regs *r);

unsigned vcpus_count(const struct machine *m);
int vcpu_tid(const struct machine *m, unsigned index);

#endif
