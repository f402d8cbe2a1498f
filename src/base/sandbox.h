/* What a process of a guest gives up before it hears the guest, or viewers. (design.md: everything is open by
 * then)
 *
 * Two steps, because privileges belong to threads and the system call filter to the process:
 * sandbox_prepare() while there is one thread, sandbox_enter() when all is open. VMDECK_SANDBOX=off leaves
 * both out, =log lets forbidden system calls pass and has the kernel log them, =trap names the first one in
 * the guest's log, =require refuses what the host
 * cannot give in full. Anything else, or nothing: a forbidden system call ends the process (SIGSYS).
 *
 * Of what root starts, VMDECK_UID is the uid (and gid) to become; without it, nobody's. For tests, and for
 * those who want to know what it is like elsewhere: VMDECK_LANDLOCK_ABI=N takes the kernel's Landlock for one
 * of that ABI, VMDECK_NAMESPACES=off leaves name spaces out. */
#ifndef SRC_BASE_SANDBOX_H
#define SRC_BASE_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "src/base/err.h"

/* Give up all capabilities but the @n of @keep (CAP_ of linux/capability.h), for programs started later too, and what
 * set-user-id programs could give back. For a process of root's that is no sandbox; what cannot be given up is told in
 * the log. Before there are threads. */
void sandbox_bound(const int *keep, size_t n);

enum sandbox_cond {
	SANDBOX_ALWAYS,
	SANDBOX_EQ,     /* argument @arg, as 32 bits, is @value */
	SANDBOX_NONE,   /* argument @arg has no bit of @value */
	SANDBOX_ALL,    /* argument @arg has all bits of @value */
	SANDBOX_MASKED, /* of the bits @mask, argument @arg has those of @value and no others */
	SANDBOX_BELOW,  /* argument @arg, as 32 bits, is less than @value */
	SANDBOX_NULL,   /* argument @arg is a null pointer */
	SANDBOX_SELF,   /* argument @arg is our process id */
};

/* A second condition. */
struct sandbox_also {
	enum sandbox_cond cond;
	unsigned arg;
	uint64_t value, mask;
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
	struct sandbox_also also;
};

/* Rows: @call is allowed, whatever its arguments; if they are so; if they are so and also so. Or it fails with
 * @error instead of ending the process. With seccomp.h. */
#define SANDBOX_NO_MORE {SANDBOX_ALWAYS, 0, 0, 0}
#define SANDBOX_ALLOW(call, who) {SCMP_SYS(call), 0, SANDBOX_ALWAYS, 0, 0, who, SANDBOX_NO_MORE}
#define SANDBOX_IF(call, cond, arg, value, who) {SCMP_SYS(call), 0, cond, arg, value, who, SANDBOX_NO_MORE}
#define SANDBOX_IF_ALSO(call, cond, arg, value, who, ...) {SCMP_SYS(call), 0, cond, arg, value, who, __VA_ARGS__}
#define SANDBOX_FAIL(call, error, who) {SCMP_SYS(call), error, SANDBOX_ALWAYS, 0, 0, who, SANDBOX_NO_MORE}
#define SANDBOX_FAIL_IF(call, error, cond, arg, value, who)                                                  \
	{SCMP_SYS(call), error, cond, arg, value, who, SANDBOX_NO_MORE}
/* For socketpair(): SOCK_STREAM or SOCK_SEQPACKET. A SOCK_DGRAM socket could send to any socket of the host.
 */
#define SANDBOX_CONNECTED {SANDBOX_MASKED, 1, SOCK_STREAM, SOCK_STREAM | SOCK_DGRAM}
/* For setsockopt() at SOL_SOCKET: what there was before SO_ATTACH_FILTER. */
#define SANDBOX_OLD_OPTIONS {SANDBOX_BELOW, 2, SO_ATTACH_FILTER, 0}

extern const struct sandbox_rule sandbox_common_rules[];
extern const size_t sandbox_common_nrules;

/* What there is to be had, as bits. */
enum sandbox_layer {
	SANDBOX_USER_SPACE = 1, /* only who is not root needs one */
	SANDBOX_MOUNT_SPACE = 2,
	SANDBOX_NET_SPACE = 4,
	SANDBOX_PID_SPACE = 8,
	SANDBOX_IPC_SPACE = 16,
	SANDBOX_LANDLOCK = 32,
	SANDBOX_SECCOMP = 64,
	SANDBOX_UID = 128, /* a uid that nobody else has; only of what root starts */
};
#define SANDBOX_LAYERS 8

/* What a process keeps. */
struct sandbox_needs {
	bool network;         /* the network it is in: it opens sockets later */
	unsigned descriptors; /* at once; 0: 1024 */
	uint64_t file_bytes;  /* no file becomes longer by what it writes; 0: any length */
	uint64_t memory_bytes; /* of address space; 0: any */
	const char *const *folders; /* files below them may still be read; no others if sandbox_confined() */
	size_t nfolders;
};

/* Capabilities, name spaces, the uid, files (Landlock) and limits. What the kernel or the user's rights do
 * not give is done without, but with VMDECK_SANDBOX=require that is an error; no_new_privs and the loss of
 * all capabilities are certain. From the only thread there is. Opening files fails from here on. @needs NULL:
 * nothing. */
int sandbox_prepare(const struct sandbox_needs *needs, struct err *e);

/* After it: does the kernel keep us from files that are not our business, by a root folder without them or by
 * Landlock? */
bool sandbox_confined(void);

/* The system call filter, for all threads and those to come: the common rules and @rules. A system call with
 * a row in @rules has none of the common ones. */
int sandbox_enter(const struct sandbox_rule *rules, size_t n, struct err *e);

/* fork(2), for a child that is the first of a name space of process ids where that can be had; there
 * getppid() is 0. The caller has one thread. The child should run another program soon. */
pid_t sandbox_fork(void);

/* What this host would not give to a process of ours: layers; and *abi is the one of Landlock, 0: none.
 * Tries it, in a child. */
unsigned sandbox_lacks(int *abi);

/* Each of @layers in words, with commas; in a static buffer. */
const char *sandbox_words(unsigned layers);

#endif
