/* An encoder for ACPI Machine Language: calls in the order of the ASL one would write. (ACPI 6.4, 20.2
 * and 6.4)
 *
 * What opens something (scope, device, method, package, if, ...) is closed by aml_end(). Operators are
 * written with aml_op() and then their operands, target last. Names are ASL names: "\\_SB.PCI0", "^ISA",
 * "_HID"; segments shorter than four letters are padded. Mistakes in the use of these calls are ours, hence
 * asserts. */
#ifndef BACKEND_VMM_BOOT_AML_H
#define BACKEND_VMM_BOOT_AML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/str.h"

#define AML_DEPTH 12

struct aml {
	struct buf *out;
	size_t open[AML_DEPTH]; /* where the length of each open package goes */
	unsigned depth;
	size_t template; /* where the resource template that is being written starts, 0 = none */
};

enum aml_opcode {
	AML_STORE = 0x70,      /* source, target */
	AML_ADD = 0x72,        /* a, b, target */
	AML_SUBTRACT = 0x74,
	AML_SHIFT_LEFT = 0x79,
	AML_SHIFT_RIGHT = 0x7a,
	AML_AND = 0x7b,
	AML_OR = 0x7d,
	AML_NOTIFY = 0x86,     /* object, value */
	AML_DWORD_FIELD = 0x8a, /* CreateDWordField: buffer, offset, then aml_path() of the new name */
	AML_LAND = 0x90,       /* a, b */
	AML_LOR = 0x91,
	AML_LNOT = 0x92,
	AML_LEQUAL = 0x93,
	AML_LGREATER = 0x94,
	AML_LLESS = 0x95,
	AML_RETURN = 0xa4,     /* value */
};

void aml_op(struct aml *a, enum aml_opcode op);

/* Operands and data */
void aml_int(struct aml *a, uint64_t v);
void aml_string(struct aml *a, const char *s);
void aml_eisaid(struct aml *a, const char *id); /* "PNP0A03" */
void aml_path(struct aml *a, const char *name); /* a reference to, or a call of, what has this name */
void aml_arg(struct aml *a, unsigned n);
void aml_local(struct aml *a, unsigned n);
void aml_nowhere(struct aml *a); /* an operator's target that is not wanted */
void aml_bytes(struct aml *a, const void *p, size_t n); /* Buffer(n) { ... } */

/* Name (@name, ...): the object comes next. */
void aml_name(struct aml *a, const char *name);
void aml_name_int(struct aml *a, const char *name, uint64_t v);

/* Opened here, closed by aml_end(). */
void aml_scope(struct aml *a, const char *name);
void aml_device(struct aml *a, const char *name);
void aml_method(struct aml *a, const char *name, unsigned nargs, bool serialized);
void aml_package(struct aml *a, uint8_t n);
void aml_if(struct aml *a);   /* the condition comes next */
void aml_else(struct aml *a); /* right after the aml_end() of the if */
void aml_end(struct aml *a);

enum aml_space { AML_SYSTEM_MEMORY = 0, AML_SYSTEM_IO = 1, AML_PCI_CONFIG = 2 };
enum aml_access { AML_ANY_ACC = 0, AML_BYTE_ACC = 1, AML_WORD_ACC = 2, AML_DWORD_ACC = 3 };

void aml_region(struct aml *a, const char *name, enum aml_space space, uint64_t off, uint64_t len);
/* Field (@region, @access, NoLock, Preserve); fields follow; closed by aml_end(). */
void aml_field(struct aml *a, const char *region, enum aml_access access);
void aml_field_unit(struct aml *a, const char *name, unsigned bits);
void aml_field_skip(struct aml *a, unsigned bits);

/* ResourceTemplate () { ... }: a value, e.g. of a name or a return. */
void aml_resources(struct aml *a);
void aml_resources_end(struct aml *a);
void aml_res_io(struct aml *a, uint16_t port, uint8_t len);        /* IO (Decode16, fixed) */
void aml_res_irq(struct aml *a, unsigned irq);                    /* IRQNoFlags: edge, active high */
/* Interrupt (ResourceConsumer, Level, ActiveHigh, Shared); its first number is at byte 5. */
void aml_res_interrupt(struct aml *a, const uint32_t *gsi, unsigned n);
/* Windows that a bridge passes on (ResourceProducer, fixed); @last is inclusive. */
void aml_res_bus_window(struct aml *a, uint16_t first, uint16_t last);
void aml_res_io_window(struct aml *a, uint16_t first, uint16_t last);
void aml_res_mem32_window(struct aml *a, uint32_t first, uint32_t last);
void aml_res_mem64_window(struct aml *a, uint64_t first, uint64_t last);

#endif
