#include "backend/vmm/vcpu_report.h"

#include <linux/kvm.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "src/base/cleanup.h"

static const char *const suberrors[] = {
	[0] = "unknown",
	[KVM_INTERNAL_ERROR_EMULATION] = "an instruction that KVM cannot emulate",
	[KVM_INTERNAL_ERROR_SIMUL_EX] = "simultaneous exceptions",
	[KVM_INTERNAL_ERROR_DELIVERY_EV] = "an event that cannot be delivered",
	[KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON] = "an exit that KVM does not expect",
};

static void add(char *out, size_t n, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void add(char *out, size_t n, const char *fmt, ...)
{
	size_t len = strlen(out);
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(out + len, n - len, fmt, ap);
	va_end(ap);
}

static const char *mode_text(const struct kvm_sregs *s)
{
	if (!(s->cr0 & 1))
		return "real mode";
	if (s->efer & 0x400)
		return s->cs.l ? "64-bit mode" : "compatibility mode";
	return s->cs.db ? "32-bit mode" : "16-bit protected mode";
}

static void add_instruction(char *out, size_t n, const struct kvm_run *run)
{
	if (run->internal.suberror != KVM_INTERNAL_ERROR_EMULATION || run->emulation_failure.ndata < 3 ||
	    !(run->emulation_failure.flags & KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES))
		return;
	unsigned size = run->emulation_failure.insn_size;
	add(out, n, ", instruction");
	for (unsigned i = 0; i < size && i < sizeof(run->emulation_failure.insn_bytes); i++)
		add(out, n, " %02x", run->emulation_failure.insn_bytes[i]);
}

void vcpu_fault_text(int fd, unsigned index, const struct kvm_run *run, char *out, size_t n)
{
	snprintf(out, n, "vCPU %u: ", index);
	if (run->exit_reason == KVM_EXIT_INTERNAL_ERROR) {
		unsigned sub = run->internal.suberror;
		add(out, n, "KVM internal error %u: %s", sub,
		    sub < ARRAY_SIZE(suberrors) ? suberrors[sub] : "unknown");
	} else if (run->exit_reason == KVM_EXIT_FAIL_ENTRY) {
		add(out, n, "the processor refuses the guest's state (hardware reason 0x%llx)",
		    (unsigned long long)run->fail_entry.hardware_entry_failure_reason);
	} else {
		add(out, n, "KVM stopped with exit reason %u", run->exit_reason);
	}
	struct kvm_regs r;
	struct kvm_sregs s;
	if (ioctl(fd, KVM_GET_REGS, &r) == 0 && ioctl(fd, KVM_GET_SREGS, &s) == 0)
		add(out, n, " at rip 0x%llx (%s, cr0 0x%llx cr3 0x%llx cr4 0x%llx efer 0x%llx rsp 0x%llx)",
		    r.rip, mode_text(&s), s.cr0, s.cr3, s.cr4, s.efer, r.rsp);
	if (run->exit_reason == KVM_EXIT_INTERNAL_ERROR)
		add_instruction(out, n, run);
}
