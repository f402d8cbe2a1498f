/* Named models of processors: libvirt's (cpu_map), each with what QEMU shows for it. */
#ifndef SRC_MODEL_CPU_MODELS_H
#define SRC_MODEL_CPU_MODELS_H

#include "src/model/cpu_features.h"

enum cpu_vendor { CPU_INTEL, CPU_AMD, CPU_HYGON };
#define CPU_VENDOR_ID 12 /* letters of "GenuineIntel" */

struct cpu_model {
	const char *name;
	enum cpu_vendor vendor;
	unsigned family, model, stepping;
	uint32_t level, xlevel; /* the highest leaf of CPUID, and from 80000000h on; 0 = there is none */
	const char *id;         /* what it calls itself in leaves 80000002h to 80000004h */
	const char *like;       /* it has the features of this model, ... */
	const char *features;   /* ... and these; -those it has not. NULL: no others */
};

extern const struct cpu_model cpu_models[]; /* sorted by name */
extern const unsigned cpu_model_count;

/* NULL when there is none of that name. */
const struct cpu_model *cpu_model_find(const char *name);
/* The known name that is most like @name, or NULL. */
const char *cpu_model_nearest(const char *name);
void cpu_model_features(const struct cpu_model *m, struct cpu_set *out);
/* "GenuineIntel" of libvirt's "Intel"; NULL: not known. */
const char *cpu_vendor_id(const char *name);

#endif
