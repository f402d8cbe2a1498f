/* The machine: everything of one guest in one process, and its life.
 *
 * Theory of operation. The main loop (libuv) runs timers, the control socket, consoles and disk completions;
 * each vCPU is a thread in KVM_RUN. One lock, m->lock, guards all device state: a vCPU takes it for an exit,
 * the loop for a callback. No blocking system call is made under it. A vCPU is parked when it is outside
 * KVM_RUN and held at the run gate (vcpu.c), which is not m->lock. Devices ask for what ends or resets the
 * machine by machine_request(); the loop acts on it when the vCPUs are parked. Reset makes a new VM
 * descriptor over the same memory (machine.md 1.7).
 *
 * machine_init_bare() gives a machine without KVM, loop or threads: plain memory and a sink of the caller's,
 * for tests. */
#ifndef BACKEND_VMM_MACHINE_H
#define BACKEND_VMM_MACHINE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "backend/vmm/bus.h"
#include "backend/vmm/irq.h"
#include "backend/vmm/memory.h"
#include "src/base/err.h"
#include "src/model/domain.h"
#include "src/proto/launch.h"
#include "src/proto/statspage.h"

#define MACHINE_DEVS_MAX 64
#define MACHINE_CONSOLES_MAX 4

enum machine_request { /* the strongest one asked for wins */
	MACHINE_NONE,
	MACHINE_RESET,    /* CF9, 8042, port 92, triple fault, system_reset */
	MACHINE_POWEROFF, /* ACPI S5 */
	MACHINE_CRASH,    /* a fault of the guest that on_crash is for */
	MACHINE_QUIT,     /* destroy */
};

struct dev;
struct pci_bus;
struct chardev;
struct timer;
struct vcpus;
struct kvm;
struct control_server;
struct run;
struct display;
struct input;
struct vcpu_regs;
struct typing;
struct firmware;
struct screenlink;
struct diagnose;
struct keeperlink;

struct machine {
	struct domain *domain;
	struct fd_set_named fds;
	pthread_mutex_t lock;

	struct memory mem;
	struct bus pio, mmio;
	struct irq irq;
	struct pci_bus *pci;
	struct dev *devs[MACHINE_DEVS_MAX];
	unsigned ndevs;
	struct timer *timers;
	struct chardev *consoles[MACHINE_CONSOLES_MAX]; /* by serial port; NULL = none */

	struct uv_loop_s *loop; /* NULL in a bare machine */
	struct kvm *kvm;        /* NULL in a bare machine */
	struct vcpus *vcpus;     /* the same */
	struct control_server *control;
	struct display *display; /* display/display.h; NULL until somebody asks */
	struct input *input;     /* input.h; the same */
	struct typing *typing;   /* input_control.h; the same */
	struct firmware *firmware; /* boot/firmware.h; NULL: a kernel is booted directly */
	struct screenlink *screenlink; /* screenlink.h; NULL: nobody can look from outside */
	struct diagnose *diagnose; /* diagnose.h; NULL until the first heartbeat */
	struct keeperlink *keeperlink; /* keeperlink.h; NULL in a bare machine */
	struct run *run;         /* run.c: the process's life */
	uint64_t fake_now_ns;   /* a bare machine's clock, set by the test */
	struct vcpu_regs *fake_regs; /* the registers of its vCPU, the same */

	struct stats_header *stats; /* always valid: private memory when there is no stats file */

	/* What was asked for (under lock), for the loop; a bare machine only records it. */
	enum machine_request request;
	char request_detail[400];
	bool powerdown_reboots; /* virsh reboot: the next power-off is a reset */
	bool pause_requested;   /* by machine_pause_ioerror */
	void (*wake)(struct machine *); /* tell the loop that something was asked for; NULL in a bare machine */
};

/* @memory_flags: of memory_init(). */
int machine_init_bare(struct machine *m, uint64_t ram_bytes, unsigned memory_flags, const struct irq_sink *sink,
		      void *ctx, struct err *e);
void machine_done_bare(struct machine *m);

/* The guest's monotonic clock in ns: CLOCK_MONOTONIC; a bare machine's is fake_now_ns. */
uint64_t machine_now(const struct machine *m);
/* The wall clock for the RTC, seconds since the epoch (fraction in *ns, may be NULL). */
int64_t machine_wall(const struct machine *m, uint32_t *ns);

/* Ask for it, from any thread with m->lock held. @detail: one line for a person. Returns at once. */
void machine_request(struct machine *m, enum machine_request r, const char *detail);

/* The stats block of that kind and name, made when there is none yet; never NULL (private memory when the
 * page is full). */
struct stats_block *machine_stats(struct machine *m, enum stats_kind kind, const char *name);

/* The host could not do something that the guest waits for (disk full, I/O error): pause all vCPUs, tell why.
 * The device keeps the request and retries it when dev_type.resumed is called. Any thread with m->lock
 * held. */
void machine_pause_ioerror(struct machine *m, const char *detail);

/* Have @fn called on the main loop with m->lock held whenever @fd is readable. *handle (NULL first) is for
 * machine_unwatch. Both only from the thread of the main loop (device init and done). In a bare machine
 * nothing is watched. */
int machine_watch(struct machine *m, int fd, void (*fn)(void *ctx), void *ctx, void **handle, struct err *e);
void machine_unwatch(struct machine *m, void **handle);

/* `vmdeck-vmm machine`: the whole process. Its exit status is launch.h's. */
int machine_main(void);

#endif
