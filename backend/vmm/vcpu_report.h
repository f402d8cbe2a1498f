/* One line for a person on why KVM gave up on a vCPU. */
#ifndef BACKEND_VMM_VCPU_REPORT_H
#define BACKEND_VMM_VCPU_REPORT_H

#include <stddef.h>

struct kvm_run;

/* After KVM_RUN returned with an exit that is no device's: reason, where, in what mode, and the instruction
 * bytes when KVM gives them. @fd: the vCPU, asked for its registers. */
void vcpu_fault_text(int fd, unsigned index, const struct kvm_run *run, char *out, size_t n);

#endif
