/* "Why is it black?": from what is known of a guest that nothing is heard of, one sentence that says what it
 * does, and one that says what to do about it.
 *
 * The machine tells facts (control command x-diagnose, backend/vmm/diagnose.h); they are looked at several
 * times, since a guest that spins is only known by where it was each time. diagnosis_look() adds one look,
 * diagnosis_make() judges; it is a list of rules, the first that fits speaks. No I/O here. */
#ifndef SRC_MODEL_DIAGNOSIS_H
#define SRC_MODEL_DIAGNOSIS_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/json.h"
#include "src/model/domain.h"
#include "src/model/state.h"

#define DIAGNOSIS_LOOKS 6     /* that are kept of each vCPU */
#define DIAGNOSIS_LOOKS_MIN 3 /* so many looks tell a loop */
#define DIAGNOSIS_LOOK_MS 70  /* a good time between two of them */

enum diagnosis_kind {
	DIAGNOSIS_NONE,  /* it does not run, and that is no news */
	DIAGNOSIS_ENDED, /* crashed, could not be started */
	DIAGNOSIS_PAUSED,
	DIAGNOSIS_IOERROR,    /* paused for want of room, ... */
	DIAGNOSIS_UNANSWERED, /* the machine's main loop is stuck or stopped */
	DIAGNOSIS_DISK,       /* waits for a disk of the host */
	DIAGNOSIS_LOST,       /* the host has lost what was written to a disk */
	DIAGNOSIS_RESETS,     /* resets again and again */
	DIAGNOSIS_STUCK,      /* a vCPU does not come back from the host's kernel */
	DIAGNOSIS_PANIC,
	DIAGNOSIS_NO_BOOT,   /* firmware found nothing to boot */
	DIAGNOSIS_ASKS,      /* something waits for a key: menus, prompts, logins */
	DIAGNOSIS_DEAD_HALT, /* all CPUs halted for ever */
	DIAGNOSIS_SPINS,
	DIAGNOSIS_POLLS,         /* the same, asking a port each time */
	DIAGNOSIS_SERIAL_SILENT, /* the screen talks, ttyS0 does not */
	DIAGNOSIS_SCREEN_BLANK,  /* the reverse */
	DIAGNOSIS_SILENT,        /* neither */
	DIAGNOSIS_SHUTTING_DOWN,
	DIAGNOSIS_IDLE, /* all CPUs wait for interrupts */
	DIAGNOSIS_RUNS,
	DIAGNOSIS_KINDS,
};

enum cpu_state { CPU_UNKNOWN, CPU_PARKED, CPU_RUNNING, CPU_HALTED, CPU_WAITING };

struct diagnosis_cpu {
	enum cpu_state state; /* at the last look */
	unsigned missed;      /* so many looks in a row it did not come out */
	bool interrupts, user;
	unsigned bits;
	struct {
		uint64_t address; /* linear */
		uint64_t exits, io;
		uint16_t port; /* of the last port access */
		bool halted;
	} seen[DIAGNOSIS_LOOKS]; /* the newest first */
	unsigned nseen;
	int64_t still_ms; /* no exit for so long, at least */
};

struct diagnosis_facts {
	/* from the front end */
	const char *name;
	enum domain_state state;
	enum domain_reason reason;
	const char *detail;
	const struct domain *domain; /* its XML, or NULL */
	bool unanswered;             /* x-diagnose was not answered in time */
	const char
	    *boots; /* what the firmware tries, and what is wrong with it (domain_boot_text()), or NULL */

	/* from the machine */
	unsigned looks;
	bool moves; /* between two looks ttyS0 was written to, or the text on the screen has changed */
	char pause_detail[256]; /* why it is paused, "" */
	int64_t uptime_ms, since_reset_ms;
	unsigned resets;    /* within the last DIAGNOSIS_RESETS_MS, but those by command */
	int64_t resets_ms;  /* since the first of those */
	char reset_why[64]; /* of the last one */
	struct diagnosis_cpu cpus[DOMAIN_VCPUS_MAX];
	unsigned ncpus;
	bool has_console, has_screen;
	uint64_t console_bytes; /* since reset */
	int64_t console_ago_ms; /* since the last of them, -1 = never */
	char *console;          /* the end of it */
	bool graphics, blank, screen_off;
	char *screen; /* text on it, lines; "" in graphics modes */
	char disk[32], disk_what[16];
	int64_t disk_ms;  /* outstanding for so long; 0 = nothing is */
	char lost[32], lost_why[80]; /* the disk whose flushes fail for good, "" */
	bool no_bootable; /* the firmware said so in its log */
};
#define DIAGNOSIS_RESETS_MS 30000

struct diagnosis {
	enum diagnosis_kind kind;
	bool trouble;     /* not what somebody wants of a guest */
	char what[400];   /* a sentence; "" when there is nothing to say */
	char remedy[400]; /* what to do; "" when nothing */
};

/* One more look: the answer of x-diagnose. What it lacks is not known. */
void diagnosis_look(struct diagnosis_facts *f, const json_t *answer);
/* Would another look tell more? Not when no CPU runs, nor when each was seen DIAGNOSIS_LOOKS_MIN times. */
bool diagnosis_wants_look(const struct diagnosis_facts *f);
/* Free what looks have left. */
void diagnosis_facts_done(struct diagnosis_facts *f);

void diagnosis_make(const struct diagnosis_facts *f, struct diagnosis *out);

/* "idle", "no-bootable-device": for --json and scripts. Static. */
const char *diagnosis_kind_text(enum diagnosis_kind k);

#endif
