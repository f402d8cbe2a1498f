/* What a process of a guest gives up before it hears the guest, or viewers. (design.md: everything is open by
 * then)
 *
 * Two steps, because privileges belong to threads and the system call filter to the process:
 * sandbox_prepare() while there is one thread, sandbox_enter() when all is open. VMDECK_SANDBOX=off leaves
 * both out, =log lets forbidden system calls pass and has the kernel log them, =trap names the first one in
 * the guest's log. Anything else, or nothing: it ends the process (SIGSYS). */
#ifndef SRC_BASE_SANDBOX_H
#define SRC_BASE_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/err.h"

enum sandbox_cond {
	SANDBOX_ALWAYS,
	SANDBOX_EQ,   /* argument @arg, as 32 bits, is @value */
	SANDBOX_NONE, /* argument @arg has no bit of @value */
	SANDBOX_ALL,  /* argument @arg has all bits of @value */
	SANDBOX_SELF, /* argument @arg is our process id */
};

/* A system call that is allowed. What every program of ours needs is in src/base/sandbox_rules.c; each has a
 * table of its own in its sandbox_rules.c for the rest. */
struct sandbox_rule {
	int syscall;
	int error; /* 0: allowed; else this errno instead of the end */
	enum sandbox_cond cond;
	unsigned arg;
	uint64_t value;
	const char *who; /* needs it */
};

/* A row: @call, whatever its arguments. With seccomp.h. */
#define SANDBOX_ALLOW(call, who) {SCMP_SYS(call), 0, SANDBOX_ALWAYS, 0, 0, who}

extern const struct sandbox_rule sandbox_common_rules[];
extern const size_t sandbox_common_nrules;

/* Capabilities, name spaces, files (Landlock) and limits; what the kernel or the user's rights do not give is
 * done without, but no_new_privs and the loss of all capabilities are certain. From the only thread there is.
 * Opening files fails from here on. */
int sandbox_prepare(struct err *e);

/* What a process keeps of it. */
struct sandbox_needs {
	bool network;               /* the network it is in: it opens sockets later */
	bool nobody;                /* as root it becomes the user nobody */
	unsigned descriptors;       /* at once; 0: 1024 */
	const char *const *folders; /* files below them may still be read, by a kernel that can tell (Landlock) */
	size_t nfolders;
};
/* The same with exceptions; a process that reads files keeps the name spaces it is in. */
int sandbox_prepare_for(const struct sandbox_needs *needs, struct err *e);

/* The system call filter, for all threads and those to come: the common rules and @rules. A system call with
 * a row in @rules has none of the common ones. */
int sandbox_enter(const struct sandbox_rule *rules, size_t n, struct err *e);

#endif
