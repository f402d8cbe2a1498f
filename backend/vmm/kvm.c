/* KVM's VM descriptor. (Linux, Documentation/virt/kvm/api.rst; machine.md 1.8) */
#include "backend/vmm/kvm.h"

#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "backend/vmm/cpuid.h"
#include "backend/vmm/machine.h"
#include "backend/vmm/vcpu.h"
#include "src/base/cleanup.h"
#include "src/base/log.h"

#define IDENTITY_MAP_GPA 0xFEFFC000ull /* one page; the TSS's three follow. Outside any flash (machine.md, T6) */
#define TSS_GPA 0xFEFFD000ull
#define COALESCED_MAX ((4096 - sizeof(struct kvm_coalesced_mmio_ring)) / sizeof(struct kvm_coalesced_mmio))
#define ROUTES_MAX (3 * IRQ_GSI_PINS + IRQ_MSI_MAX)

int kvm_cap(const struct kvm *k, int cap)
{
	int rc = ioctl(k->sys_fd, KVM_CHECK_EXTENSION, cap);
	return rc < 0 ? 0 : rc;
}

int kvm_open(struct machine *m, int sys_fd, struct err *e)
{
	static const struct {
		int cap;
		const char *name;
	} required[] = {
		{KVM_CAP_IRQCHIP, "an in-kernel interrupt controller"},
		{KVM_CAP_USER_MEMORY, "user memory"},
		{KVM_CAP_SET_TSS_ADDR, "a TSS address"},
		{KVM_CAP_SET_IDENTITY_MAP_ADDR, "an identity map address"},
		{KVM_CAP_PIT2, "an in-kernel PIT"},
		{KVM_CAP_EXT_CPUID, "CPUID"},
		{KVM_CAP_IRQFD, "irqfd"},
		{KVM_CAP_IOEVENTFD, "ioeventfd"},
		{KVM_CAP_IRQ_ROUTING, "interrupt routing"},
		{KVM_CAP_IMMEDIATE_EXIT, "immediate exits"},
	};
	struct kvm *k = calloc(1, sizeof(*k));
	m->kvm = k;
	if (!k)
		return err_set(e, ENOMEM, "out of memory");
	k->sys_fd = sys_fd;
	k->vm_fd = -1;
	int api = ioctl(sys_fd, KVM_GET_API_VERSION, 0);
	if (api != KVM_API_VERSION)
		return err_set(e, ENOTSUP, "/dev/kvm speaks API version %d, not %d", api, KVM_API_VERSION);
	for (size_t i = 0; i < ARRAY_SIZE(required); i++)
		if (!kvm_cap(k, required[i].cap))
			return err_set(e, ENOTSUP, "the host's KVM has no %s: a newer kernel is needed",
				       required[i].name);
	k->run_bytes = ioctl(sys_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (k->run_bytes < (int)sizeof(struct kvm_run))
		return err_sys(e, errno, "KVM_GET_VCPU_MMAP_SIZE");
	k->routing = calloc(1, sizeof(*k->routing) + ROUTES_MAX * sizeof(k->routing->entries[0]));
	if (!k->routing)
		return err_set(e, ENOMEM, "out of memory");
	return cpuid_build(m, &k->cpuid, e);
}

static void route_pin(struct kvm_irq_routing *r, unsigned gsi, unsigned chip, unsigned pin)
{
	r->entries[r->nr++] = (struct kvm_irq_routing_entry){
		.gsi = gsi,
		.type = KVM_IRQ_ROUTING_IRQCHIP,
		.u.irqchip = {.irqchip = chip, .pin = pin},
	};
}

/* The PC's wiring: ISA interrupts go to both controllers; the timer, GSI 0, is pin 2 of the IOAPIC, as the
 * MADT's override says (machine.md, T7); GSI 2 is the cascade and goes nowhere. */
static void route_pins(struct kvm_irq_routing *r)
{
	r->nr = 0;
	for (unsigned gsi = 0; gsi < IRQ_GSI_PINS; gsi++) {
		if (gsi == 2)
			continue;
		if (gsi < 8)
			route_pin(r, gsi, KVM_IRQCHIP_PIC_MASTER, gsi);
		else if (gsi < 16)
			route_pin(r, gsi, KVM_IRQCHIP_PIC_SLAVE, gsi - 8);
		route_pin(r, gsi, KVM_IRQCHIP_IOAPIC, gsi ? gsi : 2);
	}
}

static int slot_put(struct kvm *k, struct mem_slot *s, bool there)
{
	struct kvm_userspace_memory_region r = {
	    .slot = s->id,
	    .flags = (s->flags & MEM_READONLY ? KVM_MEM_READONLY : 0) |
		     (s->flags & MEM_DIRTY_LOG ? KVM_MEM_LOG_DIRTY_PAGES : 0),
	    .guest_phys_addr = s->gpa,
	    .memory_size = there ? s->len : 0,
	    .userspace_addr = (uintptr_t)s->hva,
	};
	if (ioctl(k->vm_fd, KVM_SET_USER_MEMORY_REGION, &r) < 0)
		return -errno;
	k->slot_used[s->id] = there;
	return 0;
}

static int slot_add(struct kvm *k, struct mem_slot *s)
{
	for (s->id = 0; s->id < MEM_SLOTS_MAX && k->slot_used[s->id]; s->id++)
		;
	return s->id < MEM_SLOTS_MAX ? slot_put(k, s, true) : -ENOSPC;
}

static int memory_slots(struct machine *m, struct err *e)
{
	memset(m->kvm->slot_used, 0, sizeof(m->kvm->slot_used));
	for (unsigned i = 0; i < m->mem.nslots; i++) {
		int rc = slot_add(m->kvm, &m->mem.slots[i]);
		if (rc)
			return err_sys(e, -rc, "KVM refuses guest memory at 0x%llx",
				       (unsigned long long)m->mem.slots[i].gpa);
	}
	return 0;
}

/* A vCPU that ran while a slot is away for a moment would see a hole: hence none does. */
static int sink_commit(void *ctx, const struct mem_slot *gone, unsigned ngone, struct mem_slot *added,
		       unsigned nadded)
{
	struct machine *m = ctx;
	struct kvm *k = m->kvm;
	if (k->vm_fd < 0)
		return 0;
	int rc = 0;
	unsigned out = 0, in = 0;
	vcpus_freeze(m);
	while (out < ngone && !rc) {
		struct mem_slot s = gone[out];
		rc = slot_put(k, &s, false);
		out += !rc;
	}
	while (in < nadded && !rc) {
		rc = slot_add(k, &added[in]);
		in += !rc;
	}
	if (rc) { /* back to what was */
		log_error("KVM refuses a memory slot: %s", strerror(-rc));
		while (in--)
			slot_put(k, &added[in], false);
		while (out--) {
			struct mem_slot s = gone[out];
			slot_put(k, &s, true);
		}
	}
	vcpus_thaw(m);
	return rc;
}

static int sink_dirty(void *ctx, const struct mem_slot *s, uint64_t *bitmap)
{
	struct kvm *k = ((struct machine *)ctx)->kvm;
	struct kvm_dirty_log log = {.slot = s->id, .dirty_bitmap = bitmap};
	return k->vm_fd < 0 || ioctl(k->vm_fd, KVM_GET_DIRTY_LOG, &log) < 0 ? -errno : 0;
}

const struct mem_sink kvm_mem_sink = {sink_commit, sink_dirty};

/* What is good to have; a host without it loses what stands beside it. */
static void enable_caps(struct kvm *k)
{
	static const struct {
		uint32_t cap;
		uint64_t arg;
		const char *loss;
	} wanted[] = {
		{KVM_CAP_X2APIC_API, KVM_X2APIC_API_USE_32BIT_IDS | KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK,
	         "interrupts to APIC ids above 254"},
		{KVM_CAP_EXIT_ON_EMULATION_FAILURE, 1, "instruction bytes in reports of emulation failures"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		struct kvm_enable_cap c = {.cap = wanted[i].cap, .args = {wanted[i].arg}};
		bool on = kvm_cap(k, (int)wanted[i].cap) && ioctl(k->vm_fd, KVM_ENABLE_CAP, &c) == 0;
		if (!on)
			log_debug("kvm", "not there: %s", wanted[i].loss);
		if (wanted[i].cap == KVM_CAP_EXIT_ON_EMULATION_FAILURE)
			k->emulation_failure_exits = on;
	}
}

static void zone_register(const struct kvm *k, unsigned i)
{
	struct kvm_coalesced_mmio_zone z = {
	    .addr = k->coalesced[i].gpa, .size = (uint32_t)k->coalesced[i].len, .pio = k->coalesced[i].pio};
	if (ioctl(k->vm_fd, KVM_REGISTER_COALESCED_MMIO, &z) < 0)
		log_debug("kvm", "writes at 0x%llx are not coalesced: %s", (unsigned long long)z.addr,
			  strerror(errno));
}

static bool zone_add(struct kvm *k, uint64_t at, uint64_t len, bool pio)
{
	if (!k || k->ncoalesced == KVM_COALESCED_MAX ||
	    !kvm_cap(k, pio ? KVM_CAP_COALESCED_PIO : KVM_CAP_COALESCED_MMIO))
		return false;
	k->coalesced[k->ncoalesced].gpa = at;
	k->coalesced[k->ncoalesced].len = len;
	k->coalesced[k->ncoalesced].pio = pio;
	if (k->vm_fd >= 0)
		zone_register(k, k->ncoalesced);
	k->ncoalesced++;
	return true;
}

void kvm_coalesce(struct machine *m, uint64_t gpa, uint64_t len)
{
	zone_add(m->kvm, gpa, len, false);
}

bool kvm_coalesce_port(struct machine *m, uint16_t port)
{
	return zone_add(m->kvm, port, 1, true);
}

bool kvm_gather_port(struct machine *m, uint16_t port, bool on)
{
	struct kvm_coalesced_mmio_zone z = {.addr = port, .size = 1, .pio = 1};
	if (!m->kvm || m->kvm->vm_fd < 0 || !m->kvm->ring || !kvm_cap(m->kvm, KVM_CAP_COALESCED_PIO))
		return false;
	return ioctl(m->kvm->vm_fd, on ? KVM_REGISTER_COALESCED_MMIO : KVM_UNREGISTER_COALESCED_MMIO, &z) == 0;
}

void kvm_coalesced_ring(struct machine *m, void *run)
{
	int page = kvm_cap(m->kvm, KVM_CAP_COALESCED_MMIO); /* of the shared pages that one is the ring */
	size_t at = (size_t)page * 4096;
	bool there = run && page > 0 && at + 4096 <= (size_t)m->kvm->run_bytes;
	m->kvm->ring = there ? (struct kvm_coalesced_mmio_ring *)((uint8_t *)run + at) : NULL;
}

void kvm_coalesced_drain(struct machine *m)
{
	struct kvm_coalesced_mmio_ring *r = m->kvm ? m->kvm->ring : NULL;
	while (r && r->first != __atomic_load_n(&r->last, __ATOMIC_ACQUIRE)) {
		struct kvm_coalesced_mmio w = r->coalesced_mmio[r->first % COALESCED_MAX];
		__atomic_store_n(&r->first, (r->first + 1) % COALESCED_MAX, __ATOMIC_RELEASE);
		if (w.len <= sizeof(w.data))
			bus_access(w.pio ? &m->pio : &m->mmio, w.phys_addr, w.data, w.len, true);
	}
}

int kvm_vm_create(struct machine *m, struct err *e)
{
	struct kvm *k = m->kvm;
	do
		k->vm_fd = ioctl(k->sys_fd, KVM_CREATE_VM, 0);
	while (k->vm_fd < 0 && errno == EINTR);
	if (k->vm_fd < 0)
		return err_sys(e, errno, "KVM cannot create a virtual machine%s",
			       errno == EBUSY ? " (another hypervisor holds the processor's extensions)"
					      : "");
	uint64_t identity = IDENTITY_MAP_GPA;
	struct kvm_pit_config pit = {.flags = KVM_PIT_SPEAKER_DUMMY};
	if (ioctl(k->vm_fd, KVM_SET_IDENTITY_MAP_ADDR, &identity) < 0 ||
	    ioctl(k->vm_fd, KVM_SET_TSS_ADDR, TSS_GPA) < 0)
		return err_sys(e, errno, "KVM refuses its own pages at 0x%llx", (unsigned long long)identity);
	enable_caps(k);
	if (ioctl(k->vm_fd, KVM_CREATE_IRQCHIP, 0) < 0)
		return err_sys(e, errno, "KVM cannot create the interrupt controllers");
	route_pins(k->routing);
	if (ioctl(k->vm_fd, KVM_SET_GSI_ROUTING, k->routing) < 0)
		return err_sys(e, errno, "KVM refuses the interrupt routing");
	if (ioctl(k->vm_fd, KVM_CREATE_PIT2, &pit) < 0)
		return err_sys(e, errno, "KVM cannot create the timer");
	for (unsigned i = 0; i < k->ncoalesced; i++)
		zone_register(k, i);
	m->mem.sink = &kvm_mem_sink;
	m->mem.sink_ctx = m;
	return memory_slots(m, e);
}

void kvm_vm_close(struct machine *m)
{
	fd_close(m->kvm->vm_fd);
	m->kvm->vm_fd = -1;
}

void kvm_close(struct machine *m)
{
	struct kvm *k = m->kvm;
	if (!k)
		return;
	kvm_vm_close(m);
	fd_close(k->sys_fd);
	free(k->routing);
	free(k->cpuid);
	free(k);
	m->kvm = NULL;
}

static void sink_set_line(void *ctx, unsigned gsi, bool level)
{
	struct machine *m = ctx;
	struct kvm_irq_level l = {.irq = gsi, .level = level};
	if (m->kvm->vm_fd >= 0 && ioctl(m->kvm->vm_fd, KVM_IRQ_LINE, &l) < 0)
		log_error("KVM_IRQ_LINE %u: %s", gsi, strerror(errno));
}

static void route_drop(struct kvm_irq_routing *r, unsigned gsi)
{
	for (unsigned i = 0; i < r->nr; i++)
		if (r->entries[i].gsi == gsi) {
			r->entries[i] = r->entries[--r->nr];
			return;
		}
}

static int irqfd(const struct kvm *k, unsigned gsi, int eventfd, bool on)
{
	struct kvm_irqfd f = {.fd = (uint32_t)eventfd, .gsi = gsi, .flags = on ? 0 : KVM_IRQFD_FLAG_DEASSIGN};
	return ioctl(k->vm_fd, KVM_IRQFD, &f) < 0 ? -errno : 0;
}

static int sink_msi_route(void *ctx, unsigned gsi, uint64_t addr, uint32_t data, int eventfd, bool on)
{
	struct kvm *k = ((struct machine *)ctx)->kvm;
	struct kvm_irq_routing *r = k->routing;
	if (k->vm_fd < 0)
		return 0;
	if (!on) {
		int rc = irqfd(k, gsi, eventfd, false);
		route_drop(r, gsi);
		return rc;
	}
	route_drop(r, gsi);
	if (r->nr == ROUTES_MAX)
		return -ENOSPC;
	r->entries[r->nr++] = (struct kvm_irq_routing_entry){
		.gsi = gsi,
		.type = KVM_IRQ_ROUTING_MSI,
		.u.msi = {.address_lo = (uint32_t)addr, .address_hi = (uint32_t)(addr >> 32), .data = data},
	};
	if (ioctl(k->vm_fd, KVM_SET_GSI_ROUTING, r) < 0) {
		int rc = -errno;
		route_drop(r, gsi);
		return rc;
	}
	return irqfd(k, gsi, eventfd, true);
}

static int sink_doorbell(void *ctx, uint64_t addr, bool pio, int eventfd, bool on)
{
	struct kvm *k = ((struct machine *)ctx)->kvm;
	if (k->vm_fd < 0)
		return 0;
	struct kvm_ioeventfd f = {
		.addr = addr,
		.len = 0, /* any length: the kernel's fast path needs no instruction decoding */
		.fd = eventfd,
		.flags = (pio ? KVM_IOEVENTFD_FLAG_PIO : 0) | (on ? 0 : KVM_IOEVENTFD_FLAG_DEASSIGN),
	};
	return ioctl(k->vm_fd, KVM_IOEVENTFD, &f) < 0 ? -errno : 0;
}

const struct irq_sink kvm_irq_sink = {sink_set_line, sink_msi_route, sink_doorbell};
