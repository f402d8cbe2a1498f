/* What the launcher gives to vmdeck-vmm at its birth, and what it hears back.
 *
 * The launcher starts `vmdeck-vmm keeper` with one SOCK_SEQPACKET at descriptor LAUNCH_FD and sends:
 *   1. one or more LAUNCH_FDS messages: JSON {"fds": ["name", ...]} with as many descriptors, in that order;
 *   2. one LAUNCH_GO message: JSON {"go": {...}} (members below), no descriptors.
 * The keeper starts the machine (`vmdeck-vmm machine`) with such a socket of its own and passes all on but
 * what it keeps ("lock" is duplicated to both). The machine answers, through the keeper, with exactly one
 * message:
 *   {"ready": {"pid": N}}                     the guest runs (or is paused as asked)
 *   {"error": {"code": errno, "message": "sentence"}}
 * and the launcher's socket is closed; one closed without an answer means that the process died. The machine
 * keeps its socket to the keeper, for one more message when it ends: {"ended": {"reason": domain_reason_text,
 * "detail": sentence}}. Its exit status says what is to be done (enum launch_exit). SIGTERM to the machine is
 * the ACPI power button. Signals to the keeper: SIGTERM = power button, SIGUSR2 = kill the machine now
 * (destroy).
 *
 * Descriptor names:
 *   "kvm" "lock" "live.xml" (src/proto/livexml.h) "stats" "control" (listening)
 *   "vmm.log", which the keeper keeps with "vmm.log.old": the machine has a pipe to it by that name
 *   "consoleN" (listening), "consoleN.log.0" .. ".3", "consoleN.idx" for each serial N
 *   "consoleN.copy" (the file of <log file=>, when there is one), and what becomes of it when it is full: "consoleN.copy.0" .. ".2"
 *   "firmware" (its image: SeaBIOS, or OVMF's code) and for EFI "nvram" (the guest's own variable store, read and write)
 *   "kernel" and "initrd", or "initrd.0", "initrd.1" ... when <initrd> is a list of modules; "firmware" is then SeaBIOS, for a
 *   kernel that needs it, when it is on the host
 *   "vga.rom" (the VGA BIOS), when it is there; "splash": a picture for the boot menu, the same
 *   "net.rom" (iPXE for virtio-net), when the firmware shall boot from the network and it is there
 *   "net:N" for interface N: a tap with virtio-net headers (IFF_VNET_HDR), or one end of a SOCK_SEQPACKET pair on which each packet is an
 *   Ethernet frame (backend/vmm/net/net.h)
 *   "disk:TARGET" for each disk that has a source, e.g. "disk:vda"
 *   "journal" (to append to), which the keeper keeps
 *   "vnc.0" .. ".3": listening sockets, and "tls.ca" "tls.cert" "tls.key", which the keeper keeps; "screen.json" (registry.h), the
 *   machine's
 * Members of "go":
 *   "name" "uuid" "id" "uid" (that the guest's processes take when they
 *   are root's; 0: nobody's), "memory_bytes", "paused" (flag), "home" (VMDECK_HOME or absent), "vmdeck" (path of the vmdeck to exec
 * for domain-release), "ended" (path of the file in which the keeper records how the guest ended), "pidfile", "machine_pid" and
 *   "keeper_pid" (the keeper's, to the machine, which may be in a name space of process ids of its own),
 *   "on_poweroff" "on_reboot" "on_crash" (domain_action_text), "screen" (absent without <graphics>): what becomes
 *   SCREEN_CONFIG of src/proto/screen.h, and "program": path of vmdeck-screen, "tls_verify": viewers must show a certificate, "port", "listen", "socket": where
 *   viewers come in.
 *   "interfaces" (absent when none is in the user-mode network): for each in turn {"kind": "tap"}, whose descriptor is the launcher's, or
 *   {"kind": "user", ...} with what src/proto/net.h tells vmdeck-net: the keeper starts that, and makes its "net:N". "net_program": its
 *   path.
 *
 * While the guest runs, the machine may send {"peer": {}} with two descriptors: a connection that it has
 * accepted, and a socket on which the keeper answers "y" when it is the owner's or root's, else "n"
 * (backend/vmm/peer.h). And the keeper sends the machine {"screen": {}} with one descriptor whenever it
 * starts a screen process: the machine's end of their socket. When the screen does not read what it is sent,
 * the machine closes that and says {"screen": {"dropped": sentence}}: the keeper ends the process, and starts
 * another for the next viewer. {"net": {"index": N}} with one descriptor is the same for interface N's
 * vmdeck-net. {"disk": {"name": target, "lost": text}} goes to the journal. */
#ifndef SRC_PROTO_LAUNCH_H
#define SRC_PROTO_LAUNCH_H

#include <stddef.h>

#include "src/base/err.h"
#include "src/base/json.h"

#define LAUNCH_FD 3
#define LAUNCH_FDS_MAX 200
#define LAUNCH_MESSAGE_MAX 65536
#define CONSOLE_SEGMENTS 4
#define CONSOLE_DEBUG 3 /* the port of type isa-debug: "console3.copy" only */

/* Exit status of `vmdeck-vmm machine`, for the keeper. Any other status, or a signal: the machine itself
 * crashed. */
enum launch_exit {
	LAUNCH_EXIT_POWEROFF = 0,   /* the guest powered itself off: on_poweroff */
	LAUNCH_EXIT_DESTROYED = 10, /* "quit" */
	LAUNCH_EXIT_REBOOT = 11,    /* the guest wants a reset and on_reboot is not restart: on_reboot */
	LAUNCH_EXIT_CRASHED = 12,   /* the guest crashed: on_crash */
	LAUNCH_EXIT_NOT_STARTED = 13,
};

/* A set of named descriptors. Zero-initialise; owns its descriptors. */
struct fd_set_named {
	struct {
		char name[40];
		int fd;
	} v[LAUNCH_FDS_MAX];
	size_t n;
};

/* Take @fd into the set; -ENOSPC (and closed) when it is full. */
int named_add(struct fd_set_named *s, const char *name, int fd);
/* The descriptor, still the set's; -1 when there is none. */
int named_get(const struct fd_set_named *s, const char *name);
/* The descriptor, now the caller's; -1 when there is none. */
int named_take(struct fd_set_named *s, const char *name);
void named_done(struct fd_set_named *s); /* closes what is left */

/* Send all of the set (it keeps its descriptors), then the go message. 0 or -errno. */
int launch_send(int sock, const struct fd_set_named *s, json_t *go, struct err *e);
/* Receive until the go message. *go is the caller's. 0 or -errno; the set is empty then. */
int launch_recv(int sock, struct fd_set_named *s, json_t **go, struct err *e);

/* The one answer. */
int launch_answer_ready(int sock, int pid);
int launch_answer_error(int sock, const struct err *e);
/* The machine's last words to its keeper: how the guest ended. @reason: of domain_reason_text(). */
int launch_ended(int sock, const char *reason, const char *detail);
/* The keeper to the machine: a screen process was started, @fd (the caller's) is the machine's end of its
 * socket. */
int launch_screen(int sock, int fd);
/* The machine to the keeper: it has closed its end of the screen's socket, because of @why. */
int launch_screen_dropped(int sock, const char *why);
/* The machine to the keeper: the host could not write what it held for disk @name, because of @why. */
int launch_disk_lost(int sock, const char *name, const char *why);
/* The machine to the keeper: whose connection is @fd? The answer comes on the other end of @reply. Both stay
 * the caller's. */
int launch_ask_peer(int sock, int fd, int reply);
/* The same for interface @index of the guest: its vmdeck-net was started, @fd is the machine's end of their
 * socket. */
int launch_net(int sock, unsigned index, int fd);

/* What the keeper gives the machine while the guest runs. */
enum launch_what { LAUNCH_NOTHING, LAUNCH_SCREEN, LAUNCH_NET };
struct launch_given {
	enum launch_what what; /* NOTHING: the message says nothing that we know */
	unsigned index;        /* of the interface */
	int fd;                /* the receiver's; -1 for NOTHING */
};

/* The next of it. 0, or -errno with @g NOTHING: -EPIPE: the keeper is gone; else nothing there, or
 * nonsense. */
int launch_recv_given(int sock, struct launch_given *g);
/* Wait at most @timeout_ms for the answer. 0 with *pid, or -errno with @e as the machine wrote it. -EPIPE:
 * died. */
int launch_wait(int sock, int timeout_ms, int *pid, struct err *e);

#endif
