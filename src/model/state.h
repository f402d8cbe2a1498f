/* States of a domain and why it is in one: libvirt's words (virDomainState, virDomain*Reason; virsh
 * domstate). */
#ifndef SRC_MODEL_STATE_H
#define SRC_MODEL_STATE_H

enum domain_state {
	DOMAIN_SHUTOFF = 1 << 0, /* defined, not running */
	DOMAIN_RUNNING = 1 << 1,
	DOMAIN_PAUSED = 1 << 2,
	DOMAIN_SHUTDOWN = 1 << 3, /* the guest was asked to power off and is doing so */
	DOMAIN_CRASHED = 1 << 4,  /* not running; the last run ended by a fault. May be started again */
};
#define DOMAIN_ACTIVE (DOMAIN_RUNNING | DOMAIN_PAUSED | DOMAIN_SHUTDOWN)
#define DOMAIN_INACTIVE (DOMAIN_SHUTOFF | DOMAIN_CRASHED)
#define DOMAIN_ANY (DOMAIN_ACTIVE | DOMAIN_INACTIVE)

enum domain_reason {
	DOMAIN_REASON_UNKNOWN,
	DOMAIN_REASON_BOOTED,    /* running */
	DOMAIN_REASON_UNPAUSED,  /* running */
	DOMAIN_REASON_USER,      /* paused; shutdown: by a command */
	DOMAIN_REASON_STARTING,  /* paused: start --paused */
	DOMAIN_REASON_IOERROR,   /* paused: the host could not do a disk's I/O */
	DOMAIN_REASON_SHUTDOWN,  /* shut off: the guest powered itself off */
	DOMAIN_REASON_DESTROYED, /* shut off: by destroy */
	DOMAIN_REASON_CRASHED,   /* crashed; paused (on_crash preserve) */
	DOMAIN_REASON_FAILED,    /* shut off: could not be started */
	DOMAIN_REASON_COUNT
};

/* "shut off", "running", "paused", "in shutdown", "crashed". Static. */
const char *domain_state_text(enum domain_state s);
/* virsh's word: "booted", "unpaused", "user", "starting up", "I/O error", "shutdown", "destroyed", "crashed",
 * "failed", "unknown". Static. */
const char *domain_reason_text(enum domain_reason r);
/* The inverse of domain_state_text and domain_reason_text; 0 and DOMAIN_REASON_UNKNOWN when there is none. */
enum domain_state domain_state_parse(const char *s);
enum domain_reason domain_reason_parse(const char *s);

#endif
