/* vCPU threads. Exits are dispatched here; what they mean is the devices' business. */
#include "backend/vmm/vcpu.h"

#include <errno.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "backend/vmm/cpuid.h"
#include "backend/vmm/kvm.h"
#include "backend/vmm/machine.h"
#include "backend/vmm/vcpu_report.h"
#include "src/base/cleanup.h"
#include "src/base/log.h"

#define KICK_SIGNAL SIGUSR1

struct vcpu {
	struct machine *m;
	unsigned index, apic_id;
	int fd;
	struct kvm_run *run;
	struct stats_vcpu *stats;
	pthread_t thread;
	bool started;
	bool inside; /* in KVM_RUN, or about to be; set under the gate's lock, cleared without */
	int tid;
	uint16_t port; /* of the last port access */
	bool wanted;   /* a sample of it is; under the gate's lock, read without */
	struct vcpu_sample sample; /* under the gate's lock */
};

struct vcpus {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool open, quit;
	unsigned frozen; /* who wants none inside for a moment */
	unsigned parked, n;
	struct vcpu v[];
};

static __thread struct vcpu *current; /* the vCPU of this thread; NULL on others */

static void kicked(int sig)
{
}

/* Wait at the gate. false: the thread is to end. */
static bool gate_pass(struct vcpu *v)
{
	struct vcpus *g = v->m->vcpus;
	pthread_mutex_lock(&g->lock);
	if (!g->open || g->frozen) {
		g->parked++;
		pthread_cond_broadcast(&g->changed);
		while ((!g->open || g->frozen) && !g->quit)
			pthread_cond_wait(&g->changed, &g->lock);
		g->parked--;
	}
	bool go = !g->quit;
	if (go) {
		v->run->immediate_exit = v->wanted;
		__atomic_store_n(&v->inside, true, __ATOMIC_SEQ_CST);
	}
	pthread_mutex_unlock(&g->lock);
	return go;
}

/* What this thread's vCPU is at: only outside KVM_RUN, which holds the vCPU's lock in the kernel. */
static void sample_take(struct vcpu *v)
{
	static const uint8_t states[] = {
		[KVM_MP_STATE_RUNNABLE] = VCPU_RUNS,
		[KVM_MP_STATE_UNINITIALIZED] = VCPU_WAITS,
		[KVM_MP_STATE_INIT_RECEIVED] = VCPU_WAITS,
		[KVM_MP_STATE_HALTED] = VCPU_HALTED,
	};
	struct vcpus *g = v->m->vcpus;
	struct vcpu_sample s = {.port = v->port};
	struct kvm_regs r;
	struct kvm_sregs sr;
	struct kvm_mp_state mp = {.mp_state = KVM_MP_STATE_RUNNABLE};
	ioctl(v->fd, KVM_GET_MP_STATE, &mp); /* without it: running */
	if (ioctl(v->fd, KVM_GET_REGS, &r) == 0 && ioctl(v->fd, KVM_GET_SREGS, &sr) == 0) {
		bool long_mode = sr.efer & 1u << 10 && sr.cs.l;
		s.state = mp.mp_state < ARRAY_SIZE(states) ? states[mp.mp_state] : VCPU_RUNS;
		s.address = (long_mode ? 0 : sr.cs.base) + r.rip;
		s.interrupts = r.rflags & 1u << 9;
		s.user = sr.cr0 & 1 && sr.cs.dpl == 3;
		s.bits = long_mode ? 64 : sr.cr0 & 1 && sr.cs.db ? 32 : 16;
	}
	pthread_mutex_lock(&g->lock);
	v->sample = s;
	__atomic_store_n(&v->wanted, false, __ATOMIC_RELAXED);
	pthread_cond_broadcast(&g->changed);
	pthread_mutex_unlock(&g->lock);
}

/* Out of the guest: whoever froze the others may go on. */
static void gate_left(struct vcpu *v)
{
	struct vcpus *g = v->m->vcpus;
	__atomic_store_n(&v->inside, false, __ATOMIC_SEQ_CST);
	if (!__atomic_load_n(&g->frozen, __ATOMIC_SEQ_CST))
		return;
	pthread_mutex_lock(&g->lock);
	pthread_cond_broadcast(&g->changed);
	pthread_mutex_unlock(&g->lock);
}

static void exit_pio(struct vcpu *v)
{
	struct kvm_run *r = v->run;
	v->port = r->io.port;
	uint8_t *p = (uint8_t *)r + r->io.data_offset;
	bus_repeat(&v->m->pio, r->io.port, p, r->io.size, r->io.count, r->io.direction == KVM_EXIT_IO_OUT);
	stats_add(&v->stats->pio, 1);
}

static void exit_mmio(struct vcpu *v)
{
	struct kvm_run *r = v->run;
	if (r->mmio.len <= sizeof(r->mmio.data))
		bus_access(&v->m->mmio, r->mmio.phys_addr, r->mmio.data, r->mmio.len, r->mmio.is_write);
	stats_add(&v->stats->mmio, 1);
}

static void exit_shutdown(struct vcpu *v)
{
	machine_request(v->m, MACHINE_RESET, "triple fault");
	stats_add(&v->stats->other, 1);
}

static void exit_system_event(struct vcpu *v)
{
	switch (v->run->system_event.type) {
	case KVM_SYSTEM_EVENT_SHUTDOWN:
		machine_request(v->m, MACHINE_POWEROFF, "system event");
		break;
	case KVM_SYSTEM_EVENT_RESET:
		machine_request(v->m, MACHINE_RESET, "system event");
		break;
	default:
		machine_request(v->m, MACHINE_CRASH, "system event: the guest crashed");
	}
	stats_add(&v->stats->other, 1);
}

static void exit_fault(struct vcpu *v)
{
	char text[400];
	vcpu_fault_text(v->fd, v->index, v->run, text, sizeof(text));
	log_error("%s", text);
	machine_request(v->m, MACHINE_CRASH, text);
	stats_add(&v->stats->other, 1);
}

static void exit_again(struct vcpu *v)
{
	stats_add(&v->stats->other, 1);
}

static void exit_halt(struct vcpu *v)
{
	stats_add(&v->stats->halt, 1);
}

/* By exit reason; the ones that are not here are faults. */
static void (*const exits[])(struct vcpu *) = {
	[KVM_EXIT_IO] = exit_pio,
	[KVM_EXIT_MMIO] = exit_mmio,
	[KVM_EXIT_HLT] = exit_halt,
	[KVM_EXIT_IRQ_WINDOW_OPEN] = exit_again,
	[KVM_EXIT_SHUTDOWN] = exit_shutdown,
	[KVM_EXIT_INTR] = exit_again,
	[KVM_EXIT_SYSTEM_EVENT] = exit_system_event,
};

static void dispatch(struct vcpu *v)
{
	uint32_t reason = v->run->exit_reason;
	void (*handle)(struct vcpu *) =
	    reason < ARRAY_SIZE(exits) && exits[reason] ? exits[reason] : exit_fault;
	pthread_mutex_lock(&v->m->lock);
	kvm_coalesced_drain(v->m); /* they were before this exit */
	handle(v);
	pthread_mutex_unlock(&v->m->lock);
}

static void run_failed(struct vcpu *v, int error)
{
	char text[200];
	snprintf(text, sizeof(text), "vCPU %u: KVM_RUN: %s", v->index, strerror(error));
	log_error("%s", text);
	pthread_mutex_lock(&v->m->lock);
	machine_request(v->m, MACHINE_CRASH, text);
	pthread_mutex_unlock(&v->m->lock);
	vcpus_hold(v->m);
}

static void *vcpu_thread(void *arg)
{
	struct vcpu *v = arg;
	char name[16];
	current = v;
	snprintf(name, sizeof(name), "vcpu%u", v->index);
	pthread_setname_np(pthread_self(), name);
	v->tid = (int)syscall(SYS_gettid); /* as our name space counts */
	v->stats->tid = (uint32_t)v->tid;
	while (gate_pass(v)) {
		int rc = ioctl(v->fd, KVM_RUN, 0), error = errno;
		gate_left(v);
		bool nothing = rc < 0 && (error == EINTR || error == EAGAIN); /* a kick; an AP that INIT has just woken */
		bool sampled = __atomic_load_n(&v->wanted, __ATOMIC_RELAXED);
		if (sampled)
			sample_take(v);
		if (!nothing || !sampled)
			stats_add(&v->stats->exits, 1);
		if (nothing)
			continue;
		if (rc < 0)
			run_failed(v, error);
		else
			dispatch(v);
	}
	return NULL;
}

static void segment(struct kvm_segment *s, uint16_t selector, uint8_t type, bool code64)
{
	*s = (struct kvm_segment){.limit = 0xffffffff, .selector = selector, .type = type, .present = 1, .s = 1,
	                          .g = 1, .l = code64, .db = !code64};
}

/* Linux, Documentation/arch/x86/boot.rst, "64-bit Boot Protocol"; Xen, hvm/start_info.h. */
static int enter_at(struct vcpu *v, const struct boot_entry *b, struct err *e)
{
	if (b->mode == BOOT_FIRMWARE)
		return 0;
	bool long64 = b->mode == BOOT_LINUX64;
	struct kvm_sregs s;
	struct kvm_regs r = {.rip = b->rip, .rflags = 2, .rsp = BOOT_PARAMS_GPA};
	if (ioctl(v->fd, KVM_GET_SREGS, &s) < 0)
		return err_sys(e, errno, "KVM_GET_SREGS");
	segment(&s.cs, 0x10, 11, long64);
	segment(&s.ds, 0x18, 3, false);
	s.es = s.fs = s.gs = s.ss = s.ds;
	s.tr.limit = 0x67;
	s.gdt.base = BOOT_GDT_GPA;
	s.gdt.limit = 4 * 8 - 1;
	s.idt.base = s.idt.limit = 0;
	s.cr0 = 0x11; /* PE, ET */
	if (long64) {
		s.cr0 |= 1u << 31;
		s.cr3 = BOOT_PAGES_GPA;
		s.cr4 = 0x20;   /* PAE */
		s.efer = 0x500; /* LME, LMA */
	}
	*(b->mode == BOOT_PVH ? &r.rbx : &r.rsi) = b->param;
	if (ioctl(v->fd, KVM_SET_SREGS, &s) < 0 || ioctl(v->fd, KVM_SET_REGS, &r) < 0)
		return err_sys(e, errno, "KVM refuses the start state of vCPU %u", v->index);
	return 0;
}

/* Fast strings are on from power-on; without firmware, what it would leave: memory that is write-back. */
static void set_msrs(struct vcpu *v)
{
	const struct cpuid_host *h = &v->m->kvm->cpuid_host;
	const struct kvm_msr_entry wanted[] = {
		{.index = 0x1a0, .data = 1},              /* IA32_MISC_ENABLE: fast strings */
		{.index = 0x2ff, .data = 1u << 11 | 6},   /* IA32_MTRR_DEF_TYPE: enabled, write-back */
		{.index = 0x10a, .data = h->arch_caps},   /* IA32_ARCH_CAPABILITIES: what the CPU model has */
	};
	const bool use[] = {true, !v->m->firmware, h->has_arch_caps};
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) { /* one by one: one that fails must not hide the next */
		if (!use[i])
			continue;
		struct {
			struct kvm_msrs head;
			struct kvm_msr_entry entry;
		} m = {.head = {.nmsrs = 1}, .entry = wanted[i]};
		if (ioctl(v->fd, KVM_SET_MSRS, &m) != 1)
			log_debug("kvm", "MSR 0x%x cannot be set", wanted[i].index);
	}
}

static int vcpu_make(struct machine *m, struct vcpu *v, struct err *e)
{
	struct kvm *k = m->kvm;
	struct cpu_topology t = machine_topology(m);
	v->apic_id = cpu_apic_id(&t, v->index);
	v->fd = ioctl(k->vm_fd, KVM_CREATE_VCPU, (unsigned long)v->apic_id);
	if (v->fd < 0)
		return err_sys(e, errno, "KVM cannot create vCPU %u", v->index);
	void *p = mmap(NULL, (size_t)k->run_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, v->fd, 0);
	if (p == MAP_FAILED)
		return err_sys(e, errno, "cannot map the state of vCPU %u", v->index);
	v->run = p;
	if (v->index == 0)
		kvm_coalesced_ring(m, p);
	cpuid_for(k->cpuid, &t, v->apic_id);
	if (ioctl(v->fd, KVM_SET_CPUID2, k->cpuid) < 0)
		return err_sys(e, errno, "KVM refuses the CPUID of vCPU %u", v->index);
	set_msrs(v);
	return 0;
}

static int vcpu_start(struct vcpu *v, struct err *e)
{
	int rc = pthread_create(&v->thread, NULL, vcpu_thread, v);
	if (rc)
		return err_sys(e, rc, "cannot start the thread of vCPU %u", v->index);
	v->started = true;
	return 0;
}

static struct stats_vcpu *stats_of(struct machine *m, unsigned index)
{
	char name[16];
	snprintf(name, sizeof(name), "vcpu%u", index);
	struct stats_vcpu *s = &machine_stats(m, STATS_VCPU, name)->vcpu; /* after a reset: the block it had */
	s->index = index;
	return s;
}

int vcpus_create(struct machine *m, const struct boot_entry *entry, struct err *e)
{
	unsigned n = m->domain->vcpus;
	struct vcpus *g = calloc(1, sizeof(*g) + n * sizeof(g->v[0]));
	m->vcpus = g;
	if (!g)
		return err_set(e, ENOMEM, "out of memory");
	pthread_mutex_init(&g->lock, NULL);
	pthread_cond_init(&g->changed, NULL);
	struct sigaction sa = {.sa_handler = kicked};
	sigaction(KICK_SIGNAL, &sa, NULL);
	for (; g->n < n; g->n++)
		g->v[g->n] = (struct vcpu){.m = m, .index = g->n, .fd = -1, .stats = stats_of(m, g->n)};
	int rc = 0;
	for (unsigned i = 0; !rc && i < n; i++)
		rc = vcpu_make(m, &g->v[i], e);
	if (!rc)
		rc = enter_at(&g->v[0], entry, e);
	for (unsigned i = 0; !rc && i < n; i++)
		rc = vcpu_start(&g->v[i], e);
	return rc;
}

void vcpus_destroy(struct machine *m)
{
	struct vcpus *g = m->vcpus;
	if (!g)
		return;
	vcpus_hold(m);
	pthread_mutex_lock(&g->lock);
	g->quit = true;
	pthread_cond_broadcast(&g->changed);
	pthread_mutex_unlock(&g->lock);
	for (unsigned i = 0; i < g->n; i++)
		if (g->v[i].started)
			pthread_join(g->v[i].thread, NULL);
	kvm_coalesced_ring(m, NULL);
	for (unsigned i = 0; i < g->n; i++) {
		struct vcpu *v = &g->v[i];
		if (v->run)
			munmap(v->run, (size_t)m->kvm->run_bytes);
		fd_close(v->fd);
	}
	pthread_cond_destroy(&g->changed);
	pthread_mutex_destroy(&g->lock);
	free(g);
	m->vcpus = NULL;
}

void vcpus_hold(struct machine *m)
{
	struct vcpus *g = m->vcpus;
	if (!g)
		return;
	pthread_mutex_lock(&g->lock);
	g->open = false;
	for (unsigned i = 0; i < g->n; i++)
		if (g->v[i].started) {
			g->v[i].run->immediate_exit = 1;
			pthread_kill(g->v[i].thread, KICK_SIGNAL);
		}
	pthread_mutex_unlock(&g->lock);
}

void vcpus_wait_parked(struct machine *m)
{
	struct vcpus *g = m->vcpus;
	pthread_mutex_lock(&g->lock);
	while (!g->open && g->parked < g->n)
		pthread_cond_wait(&g->changed, &g->lock);
	pthread_mutex_unlock(&g->lock);
}

void vcpus_release(struct machine *m)
{
	struct vcpus *g = m->vcpus;
	pthread_mutex_lock(&g->lock);
	g->open = true;
	pthread_cond_broadcast(&g->changed);
	pthread_mutex_unlock(&g->lock);
}

static bool any_inside(const struct vcpus *g)
{
	for (unsigned i = 0; i < g->n; i++)
		if (__atomic_load_n(&g->v[i].inside, __ATOMIC_SEQ_CST))
			return true;
	return false;
}

void vcpus_freeze(struct machine *m)
{
	struct vcpus *g = m->vcpus;
	if (!g)
		return;
	pthread_mutex_lock(&g->lock);
	__atomic_add_fetch(&g->frozen, 1, __ATOMIC_SEQ_CST);
	for (unsigned i = 0; i < g->n; i++)
		if (g->v[i].started && g->v[i].inside) {
			g->v[i].run->immediate_exit = 1;
			pthread_kill(g->v[i].thread, KICK_SIGNAL);
		}
	while (any_inside(g))
		pthread_cond_wait(&g->changed, &g->lock);
	pthread_mutex_unlock(&g->lock);
}

void vcpus_thaw(struct machine *m)
{
	struct vcpus *g = m->vcpus;
	if (!g)
		return;
	pthread_mutex_lock(&g->lock);
	__atomic_sub_fetch(&g->frozen, 1, __ATOMIC_SEQ_CST);
	pthread_cond_broadcast(&g->changed);
	pthread_mutex_unlock(&g->lock);
}

/* Does anybody still owe a sample? One that is held at the gate cannot give any. Gate's lock held. */
static bool samples_missing(const struct vcpus *g)
{
	if (!g->open)
		return false;
	for (unsigned i = 0; i < g->n; i++)
		if (g->v[i].wanted)
			return true;
	return false;
}

void vcpus_sample(struct machine *m, struct vcpu_sample *out, unsigned limit_ms)
{
	struct vcpus *g = m->vcpus;
	struct timespec end;
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += limit_ms / 1000;
	end.tv_nsec += (long)(limit_ms % 1000) * 1000000;
	if (end.tv_nsec >= 1000000000) {
		end.tv_sec++;
		end.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&g->lock);
	for (unsigned i = 0; i < g->n && g->open; i++)
		if (g->v[i].started) {
			g->v[i].wanted = true;
			g->v[i].run->immediate_exit = 1;
			pthread_kill(g->v[i].thread, KICK_SIGNAL);
		}
	while (samples_missing(g) &&
	       pthread_cond_clockwait(&g->changed, &g->lock, CLOCK_MONOTONIC, &end) == 0)
		;
	for (unsigned i = 0; i < g->n; i++) {
		struct vcpu *v = &g->v[i];
		bool missing = v->wanted || !g->open;
		out[i] =
		    missing ? (struct vcpu_sample){.state = g->open ? VCPU_UNKNOWN : VCPU_PARKED} : v->sample;
		v->wanted = false;
	}
	pthread_mutex_unlock(&g->lock);
}

void vcpus_note_pause(struct machine *m)
{
	for (unsigned i = 0; i < m->vcpus->n; i++) /* fails where the guest has no kvm-clock: nothing to tell */
		ioctl(m->vcpus->v[i].fd, KVM_KVMCLOCK_CTRL, 0);
}

bool vcpu_regs_get(const struct machine *m, struct vcpu_regs *r)
{
	struct kvm_regs k;
	if (!m->kvm && m->fake_regs) {
		*r = *m->fake_regs;
		return true;
	}
	if (!current || ioctl(current->fd, KVM_GET_REGS, &k) < 0)
		return false;
	*r = (struct vcpu_regs){k.rax, k.rbx, k.rcx, k.rdx, k.rsi, k.rdi};
	return true;
}

/* The port read is finished by the next KVM_RUN: it writes rax and moves rip, and keeps what is set here. */
bool vcpu_regs_set(struct machine *m, const struct vcpu_regs *r)
{
	struct kvm_regs k;
	if (!m->kvm && m->fake_regs) {
		uint64_t rax = m->fake_regs->rax;
		*m->fake_regs = *r;
		m->fake_regs->rax = rax;
		return true;
	}
	if (!current || ioctl(current->fd, KVM_GET_REGS, &k) < 0)
		return false;
	k.rbx = r->rbx;
	k.rcx = r->rcx;
	k.rdx = r->rdx;
	k.rsi = r->rsi;
	k.rdi = r->rdi;
	return ioctl(current->fd, KVM_SET_REGS, &k) == 0;
}

unsigned vcpus_count(const struct machine *m)
{
	return m->vcpus ? m->vcpus->n : 0;
}

int vcpu_tid(const struct machine *m, unsigned index)
{
	return index < vcpus_count(m) ? m->vcpus->v[index].tid : 0;
}
