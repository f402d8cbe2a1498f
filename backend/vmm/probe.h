/* What this host's KVM can do, measured. */
#ifndef BACKEND_VMM_PROBE_H
#define BACKEND_VMM_PROBE_H

#include "src/base/json.h"

/* Kernel-mode instructions per second below which a KVM is taken to interpret them. Interpreters were seen at
 * 0.4 million, KVM on hardware or on an emulated SVM above 70 million. */
#define PROBE_NATIVE_IPS 10000000

/* {"api": 12, "max_vcpus": N, "missing": ["KVM_CAP_...", ...], "ips": N, "native": bool}, or
 * {"error": {"code": errno, "step": "open"|..., "message": sentence}}. Takes well under a second. The
 * caller's. */
json_t *probe_kvm(void);

/* `vmdeck-vmm probe`: prints that. Exit status 0. */
int probe_main(void);

#endif
