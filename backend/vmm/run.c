/* The machine process: what `vmdeck-vmm machine` does from its birth to its exit status. machine.h tells how
 * the threads work together; here is the main loop's side. */
#include "backend/vmm/run.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <uv.h>

#include "backend/vmm/boot/boot.h"
#include "backend/vmm/build.h"
#include "backend/vmm/chardev.h"
#include "backend/vmm/control.h"
#include "backend/vmm/device.h"
#include "backend/vmm/diagnose.h"
#include "backend/vmm/dev/piix4_pm.h"
#include "backend/vmm/keeperlink.h"
#include "backend/vmm/kvm.h"
#include "backend/vmm/machine.h"
#include "backend/vmm/sandbox_rules.h"
#include "backend/vmm/screenlink.h"
#include "backend/vmm/vcpu.h"
#include "src/base/cleanup.h"
#include "src/base/log.h"
#include "src/base/sandbox.h"

#define HEARTBEAT_MS 4000
#define HEARTBEAT_IDLE_MS 20000 /* the same, of a guest that has made no exit since the last one */
#define FILE_BYTES (1ull << 30)   /* virtio-gpu's resources, VRAM, the console record, logs */
#define MEMORY_BYTES (4ull << 30) /* of address space beside the guest's RAM: those, threads' stacks, libraries */
#define POWERDOWN_NS 120000000000ull /* a guest that has not powered off by then does not care for the button */

struct run {
	uv_loop_t loop;
	uv_async_t wake;
	uv_timer_t heartbeat;
	uv_signal_t sigterm;
	int sock;                  /* to the keeper */
	bool paused;
	bool off;                  /* powered off or crashed, kept by "preserve" */
	bool powerdown;            /* the button was pressed */
	uint64_t powerdown_ns;     /* when */
	enum domain_reason reason; /* of the present state */
	bool ending;
	int exit_code;
};

enum domain_state run_state(const struct machine *m, enum domain_reason *reason)
{
	const struct run *r = m->run;
	*reason = r->reason;
	if (r->off)
		return r->reason == DOMAIN_REASON_CRASHED ? DOMAIN_CRASHED : DOMAIN_SHUTOFF;
	if (r->paused)
		return DOMAIN_PAUSED;
	if (r->powerdown)
		*reason = DOMAIN_REASON_USER;
	return r->powerdown ? DOMAIN_SHUTDOWN : DOMAIN_RUNNING;
}

int run_keeper(const struct machine *m)
{
	return m->run ? m->run->sock : -1;
}

/* Tell the stats page; a crash that is preserved reads as paused there, as it does in libvirt. */
static void publish(struct machine *m)
{
	enum domain_reason reason;
	enum domain_state s = run_state(m, &reason);
	uint32_t run = s == DOMAIN_RUNNING    ? STATS_RUN_RUNNING
	               : s == DOMAIN_SHUTDOWN ? STATS_RUN_SHUTDOWN
	                                      : STATS_RUN_PAUSED;
	m->stats->reason = reason;
	__atomic_store_n(&m->stats->run, run, __ATOMIC_RELEASE);
}

void run_pause(struct machine *m, enum domain_reason reason)
{
	struct run *r = m->run;
	if (r->paused)
		return;
	vcpus_hold(m);
	vcpus_wait_parked(m);
	r->paused = true;
	r->reason = reason;
	if (m->consoles[0])
		chardev_mark(m->consoles[0], RECORD_PAUSE);
	publish(m);
	control_event(m, "STOP", NULL);
}

int run_resume(struct machine *m, struct err *e)
{
	struct run *r = m->run;
	if (r->off)
		return err_set(e, EINVAL, "the guest has %s: reset or destroy it",
		               r->reason == DOMAIN_REASON_CRASHED ? "crashed" : "powered off");
	if (!r->paused)
		return 0;
	r->paused = false;
	r->reason = r->reason == DOMAIN_REASON_STARTING ? DOMAIN_REASON_BOOTED : DOMAIN_REASON_UNPAUSED;
	if (m->consoles[0])
		chardev_mark(m->consoles[0], RECORD_RESUME);
	vcpus_note_pause(m);
	pthread_mutex_lock(&m->lock);
	for (unsigned i = 0; i < m->ndevs; i++)
		if (m->devs[i]->type->resumed)
			m->devs[i]->type->resumed(m->devs[i]);
	pthread_mutex_unlock(&m->lock);
	publish(m);
	vcpus_release(m);
	control_event(m, "RESUME", NULL);
	return 0;
}

int run_powerdown(struct machine *m, bool reboot, struct err *e)
{
	struct run *r = m->run;
	struct dev *pm = dev_find(m, "pm");
	if (r->paused)
		return err_set(e, EINVAL, "the guest is paused and cannot react: resume it first");
	if (!pm)
		return err_set(e, ENOTSUP, "the guest has no ACPI");
	pthread_mutex_lock(&m->lock);
	m->powerdown_reboots = reboot;
	piix4_pm_powerbutton(pm);
	pthread_mutex_unlock(&m->lock);
	r->powerdown = !reboot;
	r->powerdown_ns = machine_now(m);
	publish(m);
	control_event(m, "POWERDOWN", NULL);
	return 0;
}

static void mark_all(struct machine *m, enum record_kind kind)
{
	for (unsigned i = 0; i < MACHINE_CONSOLES_MAX; i++)
		if (m->consoles[i])
			chardev_mark(m->consoles[i], kind);
}

/* The end of the process, with its last words. */
static void finish(struct machine *m, int code, enum domain_reason reason, const char *detail)
{
	struct run *r = m->run;
	if (r->ending)
		return;
	r->ending = true;
	r->exit_code = code;
	vcpus_hold(m);
	vcpus_wait_parked(m);
	mark_all(m, reason == DOMAIN_REASON_CRASHED ? RECORD_CRASH : RECORD_POWEROFF);
	json_t *data = json_object();
	json_set_str(data, "reason", domain_reason_text(reason));
	control_event(m, "SHUTDOWN", data);
	launch_ended(r->sock, domain_reason_text(reason), detail);
	__atomic_store_n(&m->stats->run, STATS_RUN_ENDED, __ATOMIC_RELEASE);
	uv_stop(&r->loop);
}

/* Keep what is there for someone to look at ("preserve"). */
static void preserve(struct machine *m, enum domain_reason reason)
{
	run_pause(m, reason);
	m->run->reason = reason;
	m->run->off = true;
	publish(m);
}

static int reset(struct machine *m, const char *detail, struct err *e)
{
	struct run *r = m->run;
	struct boot_entry entry;
	log_info("reset: %s", detail);
	vcpus_hold(m);
	vcpus_wait_parked(m);
	mark_all(m, RECORD_RESET); /* what the vCPUs' page still holds belongs to the run before */
	vcpus_destroy(m);
	pthread_mutex_lock(&m->lock);
	for (unsigned i = 0; i < m->ndevs; i++) /* still with the old VM: routes and doorbells are taken down */
		if (m->devs[i]->type->reset)
			m->devs[i]->type->reset(m->devs[i]);
	kvm_vm_close(m);
	memory_clear(&m->mem);
	m->powerdown_reboots = false;
	pthread_mutex_unlock(&m->lock);
	int rc = kvm_vm_create(m, e);
	if (!rc)
		rc = machine_firmware(m, &entry, e);
	if (!rc)
		rc = vcpus_create(m, &entry, e);
	if (rc)
		return err_prefix(e, "cannot reset the guest");
	r->powerdown = false;
	stats_add(&m->stats->resets, 1);
	diagnose_reset(m, detail);
	control_event(m, "RESET", NULL);
	if (r->off) { /* a preserved guest lives again */
		r->off = r->paused = false;
		r->reason = DOMAIN_REASON_BOOTED;
	}
	publish(m);
	if (!r->paused)
		vcpus_release(m);
	return 0;
}

static void reset_or_crash(struct machine *m, const char *detail)
{
	struct err e = {0};
	if (reset(m, detail, &e)) {
		log_error("%s", e.msg);
		finish(m, LAUNCH_EXIT_CRASHED, DOMAIN_REASON_CRASHED, e.msg);
	}
}

static bool restarts(enum domain_action a)
{
	return a == DOMAIN_ACTION_RESTART || a == DOMAIN_ACTION_RENAME_RESTART ||
	       a == DOMAIN_ACTION_COREDUMP_RESTART;
}

/* on_reboot is destroy. */
static void end_reboot(struct machine *m, const char *why)
{
	char text[sizeof(m->request_detail) + 40];
	snprintf(text, sizeof(text), "%s, and on_reboot is destroy", why);
	finish(m, LAUNCH_EXIT_REBOOT, DOMAIN_REASON_SHUTDOWN, text);
}

static void requested(struct machine *m, enum machine_request req, const char *detail)
{
	const struct domain *d = m->domain;
	switch (req) {
	case MACHINE_RESET:
		if (restarts(d->on_reboot) || strcmp(detail, "system_reset") == 0)
			reset_or_crash(m, detail);
		else if (d->on_reboot == DOMAIN_ACTION_PRESERVE)
			preserve(m, DOMAIN_REASON_SHUTDOWN);
		else
			end_reboot(m, detail);
		break;
	case MACHINE_POWEROFF:
		if (restarts(d->on_poweroff))
			reset_or_crash(m, detail);
		else if (d->on_poweroff == DOMAIN_ACTION_PRESERVE)
			preserve(m, DOMAIN_REASON_SHUTDOWN);
		else
			finish(m, LAUNCH_EXIT_POWEROFF, DOMAIN_REASON_SHUTDOWN, detail);
		break;
	case MACHINE_CRASH:
		log_error("the guest crashed: %s", detail);
		mark_all(m, RECORD_CRASH);
		if (restarts(d->on_crash))
			reset_or_crash(m, detail);
		else if (d->on_crash == DOMAIN_ACTION_PRESERVE)
			preserve(m, DOMAIN_REASON_CRASHED);
		else
			finish(m, LAUNCH_EXIT_CRASHED, DOMAIN_REASON_CRASHED, detail);
		break;
	case MACHINE_QUIT:
		finish(m, LAUNCH_EXIT_DESTROYED, DOMAIN_REASON_DESTROYED, "");
		break;
	case MACHINE_NONE:
		break;
	}
}

/* Somebody asked for something: machine_request() or machine_pause_ioerror(). The vCPUs are already being
 * held. */
static void woken(uv_async_t *a)
{
	struct machine *m = a->data;
	char detail[sizeof(m->request_detail)];
	vcpus_wait_parked(m); /* the guest's last exit is finished: its request is the one to act on */
	pthread_mutex_lock(&m->lock);
	enum machine_request req = m->request;
	bool pause = m->pause_requested;
	memcpy(detail, m->request_detail, sizeof(detail));
	m->request = MACHINE_NONE;
	m->pause_requested = false;
	pthread_mutex_unlock(&m->lock);
	if (m->run->ending)
		return;
	if (pause) {
		log_warn("paused: %s", detail);
		run_pause(m, DOMAIN_REASON_IOERROR);
	}
	requested(m, req, detail);
}

/* machine.wake: any thread, m->lock held. */
static void wake(struct machine *m)
{
	vcpus_hold(m);
	uv_async_send(&m->run->wake);
}

static void beat(uv_timer_t *t)
{
	struct machine *m = t->data;
	uint64_t now = machine_now(m);
	bool busy = diagnose_beat(m) || m->run->powerdown;
	unsigned next_ms = busy ? HEARTBEAT_MS : HEARTBEAT_IDLE_MS;
	__atomic_store_n(&m->stats->heartbeat_due_ns, now + next_ms * 1000000ull, __ATOMIC_RELAXED);
	__atomic_store_n(&m->stats->heartbeat_ns, now, __ATOMIC_RELAXED);
	uv_timer_start(t, beat, next_ms, 0);
	if (m->run->powerdown && now - m->run->powerdown_ns > POWERDOWN_NS) {
		m->run->powerdown = false;
		publish(m);
	}
}

static void terminated(uv_signal_t *s, int signum)
{
	struct err e = {0};
	if (run_powerdown(s->data, false, &e))
		log_warn("SIGTERM: %s", e.msg);
}

static void stats_map(struct machine *m, const json_t *go)
{
	int fd = named_get(&m->fds, "stats");
	void *p =
	    fd < 0 ? MAP_FAILED : mmap(NULL, STATS_FILE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p != MAP_FAILED) {
		free(m->stats);
		m->stats = p;
	}
	struct stats_header *h = m->stats;
	h->magic = STATS_MAGIC;
	h->version = STATS_VERSION;
	h->block_size = STATS_BLOCK;
	/* as the host counts: we may be in a name space of our own */
	h->machine_pid = (uint32_t)json_int(go, "machine_pid", getpid());
	h->keeper_pid = (uint32_t)json_int(go, "keeper_pid", getppid());
	h->memory_bytes = m->mem.ram_bytes;
	h->heartbeat_ns = machine_now(m);
	uv_timeval64_t tv;
	uv_gettimeofday(&tv);
	h->started_ms = tv.tv_sec * 1000 + tv.tv_usec / 1000;
}

static int loop_init(struct machine *m, struct run *r, struct err *e)
{
	int rc = uv_loop_init(&r->loop);
	if (!rc)
		rc = uv_async_init(&r->loop, &r->wake, woken);
	if (!rc)
		rc = uv_timer_init(&r->loop, &r->heartbeat);
	if (!rc)
		rc = uv_signal_init(&r->loop, &r->sigterm);
	if (rc)
		return err_set(e, -rc, "cannot make the event loop: %s", uv_strerror(rc));
	r->wake.data = r->heartbeat.data = r->sigterm.data = m;
	uv_timer_start(&r->heartbeat, beat, 0, 0);
	uv_signal_start(&r->sigterm, terminated, SIGTERM);
	m->loop = &r->loop;
	m->run = r;
	m->wake = wake;
	return 0;
}

/* From descriptors to a guest that waits at the gate. */
static int build(struct machine *m, struct run *r, const struct fd_set_named *fds, const json_t *go,
		 struct err *e)
{
	struct boot_entry entry;
	struct domain *d;
	int rc = machine_load_domain(named_get(fds, "live.xml"), &d, e);
	if (rc)
		return rc;
	rc = machine_init_bare(m, d->memory_bytes, d->hugepages ? MEMORY_HUGEPAGES : 0, &kvm_irq_sink, m, e);
	m->domain = d;
	m->fds = *fds;
	if (rc || (rc = loop_init(m, r, e)))
		return rc;
	log_info("start: the definition is read, its memory is mapped");
	stats_map(m, go);
	if ((rc = kvm_open(m, named_take(&m->fds, "kvm"), e)) || (rc = kvm_vm_create(m, e)))
		return rc;
	log_info("start: KVM has made a virtual machine");
	if ((rc = machine_devices(m, e)))
		return rc;
	log_info("start: the devices are there, their images are open");
	if ((rc = machine_firmware(m, &entry, e)))
		return rc;
	log_info("start: firmware or kernel is in memory");
	if ((rc = vcpus_create(m, &entry, e)) || (rc = control_serve(m, e)) ||
	    (rc = screenlink_new(m, r->sock, json_object_get(go, "screen"), e)) ||
	    (rc = keeperlink_new(m, r->sock, e)))
		return rc;
	return sandbox_enter(sandbox_rules, sandbox_nrules, e);
}

static void start(struct machine *m, bool paused)
{
	struct run *r = m->run;
	mark_all(m, RECORD_POWERON);
	r->paused = paused;
	r->reason = paused ? DOMAIN_REASON_STARTING : DOMAIN_REASON_BOOTED;
	publish(m);
	log_info("start: done%s", paused ? ", paused" : "");
	if (!paused)
		vcpus_release(m);
}

/* The length of the longest image: nothing that a guest does makes a file longer than that, but the console
 * record and pictures, which are short of FILE_BYTES. */
static uint64_t longest(const struct fd_set_named *fds)
{
	uint64_t max = FILE_BYTES;
	for (size_t i = 0; i < fds->n; i++) {
		off_t n = strncmp(fds->v[i].name, "disk:", 5) ? 0 : lseek(fds->v[i].fd, 0, SEEK_END);
		max = n > 0 && (uint64_t)n > max ? (uint64_t)n : max;
	}
	return max;
}

static int prepare(const struct fd_set_named *fds, const json_t *go, struct err *e)
{
	struct sandbox_needs needs = {.file_bytes = longest(fds)};
	int64_t memory = json_int(go, "memory_bytes", 0);
	if (memory > 0)
		needs.memory_bytes = (uint64_t)memory + MEMORY_BYTES;
	int rc = sandbox_prepare(&needs, e);
	/* In a name space of our own we cannot see who our parent is; its socket tells. */
	struct pollfd p = {.fd = LAUNCH_FD};
	if (!rc && poll(&p, 1, 0) == 1 && p.revents & POLLHUP)
		rc = err_set(e, ESRCH, "the keeper died");
	return rc;
}

int machine_main(void)
{
	static struct machine m;
	static struct run r = {.sock = LAUNCH_FD};
	static struct fd_set_named fds;
	struct err e = {0};
	json_t *go = NULL;
	mallopt(M_ARENA_MAX, 1);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (launch_recv(LAUNCH_FD, &fds, &go, &e)) {
		launch_answer_error(LAUNCH_FD, &e);
		return LAUNCH_EXIT_NOT_STARTED;
	}
	log_open(json_str(go, "name", "?"), named_get(&fds, "vmm.log"));
	bool paused = json_flag(go, "paused", false);
	if (prepare(&fds, go, &e) || build(&m, &r, &fds, go, &e)) {
		log_error("%s", e.msg);
		launch_answer_error(LAUNCH_FD, &e);
		return LAUNCH_EXIT_NOT_STARTED;
	}
	json_decref(go);
	start(&m, paused);
	launch_answer_ready(LAUNCH_FD, (int)getpid());
	uv_run(&r.loop, UV_RUN_DEFAULT);
	machine_teardown(&m);
	return r.exit_code;
}
