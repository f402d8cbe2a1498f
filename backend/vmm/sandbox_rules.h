/* The system calls of a machine, as a table: sandbox.c makes the filter of it. */
#ifndef BACKEND_VMM_SANDBOX_RULES_H
#define BACKEND_VMM_SANDBOX_RULES_H

#include <stddef.h>
#include <stdint.h>

enum sandbox_cond {
	SANDBOX_ALWAYS,
	SANDBOX_EQ,   /* argument @arg, as 32 bits, is @value */
	SANDBOX_NONE, /* argument @arg has no bit of @value */
	SANDBOX_ALL,  /* argument @arg has all bits of @value */
	SANDBOX_SELF, /* argument @arg is our process id */
};

struct sandbox_rule {
	int syscall;
	int error; /* 0: allowed; else this errno instead of the end */
	enum sandbox_cond cond;
	unsigned arg;
	uint64_t value;
	const char *who; /* needs it */
};

extern const struct sandbox_rule sandbox_rules[];
extern const size_t sandbox_nrules;

#endif
