/* A KVM may be there and yet be of no use for kernels: some nested set-ups run user-mode code of a guest
 * natively and interpret its kernel mode, a thousand times slower. No capability tells, so a counted loop at
 * CPL 0 in a VM of one page is timed. */
#include "backend/vmm/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "backend/vmm/cpuid.h"
#include "src/base/cleanup.h"

#define PAGE 4096u
#define LOOPS_FIRST 5000u      /* an interpreter needs some 10 ms for it */
#define LOOPS_SECOND 20000000u /* and nothing else is asked for it */

struct probe {
	int kvm, vm, vcpu;
	void *page;
	struct kvm_run *run;
	size_t run_size;
};

static const struct {
	int cap;
	const char *name;
} needed[] = {
    {KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY"},
    {KVM_CAP_IRQCHIP, "KVM_CAP_IRQCHIP"},
    {KVM_CAP_PIT2, "KVM_CAP_PIT2"},
    {KVM_CAP_IRQFD, "KVM_CAP_IRQFD"},
    {KVM_CAP_IOEVENTFD, "KVM_CAP_IOEVENTFD"},
    {KVM_CAP_SIGNAL_MSI, "KVM_CAP_SIGNAL_MSI"},
    {KVM_CAP_EXT_CPUID, "KVM_CAP_EXT_CPUID"},
    {KVM_CAP_SET_TSS_ADDR, "KVM_CAP_SET_TSS_ADDR"},
    {KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT"},
};

/* A step that failed, as the JSON that tells so. */
static json_t *failed(const char *step, int code, const char *what)
{
	char text[300];
	snprintf(text, sizeof(text), "%s: %s", what, strerror(code));
	json_t *j = json_object(), *error = json_object();
	json_set_int(error, "code", code);
	json_set_str(error, "step", step);
	json_set_str(error, "message", text);
	json_set_take(j, "error", error);
	return j;
}

static int vm_make(struct probe *p)
{
	p->vm = ioctl(p->kvm, KVM_CREATE_VM, 0);
	if (p->vm < 0)
		return -errno;
	uint64_t identity = 0xfeffc000;
	ioctl(p->vm, KVM_SET_IDENTITY_MAP_ADDR, &identity); /* only old Intel processors want these two */
	ioctl(p->vm, KVM_SET_TSS_ADDR, 0xfeffd000ul);
	p->page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p->page == MAP_FAILED)
		return -errno;
	/* mov $N,%ecx; 1: dec %ecx; jnz 1b; out %al,$0x10; N at byte 1 is set for each run */
	memcpy(p->page, "\xb9\0\0\0\0\x49\x75\xfd\xe6\x10\xf4", 11);
	struct kvm_userspace_memory_region slot = {
	    .guest_phys_addr = 0x1000, .memory_size = PAGE, .userspace_addr = (uintptr_t)p->page};
	if (ioctl(p->vm, KVM_SET_USER_MEMORY_REGION, &slot) < 0)
		return -errno;
	p->vcpu = ioctl(p->vm, KVM_CREATE_VCPU, 0);
	int size = ioctl(p->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (p->vcpu < 0 || size <= 0)
		return -errno;
	p->run_size = (size_t)size;
	p->run = mmap(NULL, p->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, p->vcpu, 0);
	return p->run == MAP_FAILED ? -errno : 0;
}

/* 32-bit protected mode, flat, no paging: real mode would be interpreted on old processors that are otherwise
 * fine. */
static int vcpu_reset(struct probe *p)
{
	struct kvm_sregs s;
	struct kvm_regs r = {.rip = 0x1000, .rflags = 2};
	if (ioctl(p->vcpu, KVM_GET_SREGS, &s) < 0)
		return -errno;
	struct kvm_segment seg = {
	    .base = 0, .limit = 0xffffffff, .selector = 8, .type = 11, .present = 1, .db = 1, .s = 1, .g = 1};
	s.cs = seg;
	seg.type = 3;
	seg.selector = 16;
	s.ds = s.es = s.fs = s.gs = s.ss = seg;
	s.cr0 |= 1;
	return ioctl(p->vcpu, KVM_SET_SREGS, &s) < 0 || ioctl(p->vcpu, KVM_SET_REGS, &r) < 0 ? -errno : 0;
}

/* Run @loops rounds. *ns gets the time. */
static int measure(struct probe *p, uint32_t loops, uint64_t *ns)
{
	struct timespec a, b;
	memcpy((char *)p->page + 1, &loops, sizeof(loops));
	int rc = vcpu_reset(p);
	if (rc)
		return rc;
	clock_gettime(CLOCK_MONOTONIC, &a);
	do
		rc = ioctl(p->vcpu, KVM_RUN, 0);
	while (rc < 0 && (errno == EINTR || errno == EAGAIN));
	clock_gettime(CLOCK_MONOTONIC, &b);
	if (rc < 0)
		return -errno;
	if (p->run->exit_reason != KVM_EXIT_IO)
		return -EIO;
	*ns = (uint64_t)(b.tv_sec - a.tv_sec) * 1000000000u + (uint64_t)b.tv_nsec - (uint64_t)a.tv_nsec;
	*ns += !*ns;
	return 0;
}

/* Instructions a second: the best of @tries, since a first entry pays for page faults and anything may be
 * preempted, and nothing makes an interpreter look fast. */
static int best_rate(struct probe *p, uint32_t loops, unsigned tries, uint64_t *ips)
{
	*ips = 0;
	for (unsigned i = 0; i < tries; i++) {
		uint64_t ns = 1;
		int rc = measure(p, loops, &ns);
		if (rc)
			return rc;
		uint64_t rate = 2ull * loops * 1000000000u / ns;
		if (rate > *ips)
			*ips = rate;
	}
	return 0;
}

/* The features of a processor that guests can be given, by name: define compares. */
static void add_features(const struct probe *p, json_t *j)
{
	AUTO_FREE struct kvm_cpuid2 *c = NULL;
	struct cpuid_host h;
	struct cpu_host host;
	struct err e = {0};
	json_t *names = json_array();
	if (!cpuid_of_host(p->kvm, &c, &h, &e)) {
		cpuid_host_features(c, &h, &host);
		json_set_str(j, "vendor", host.vendor);
		json_set_str(j, "cpu", h.name);
		for (unsigned i = 0; i < cpu_feature_count; i++)
			if (cpu_set_has(&host.has, &cpu_feature_bits[i]))
				json_array_append_new(names, json_string(cpu_feature_bits[i].name));
	}
	json_set_take(j, "features", names);
}

static json_t *result(const struct probe *p, uint64_t ips)
{
	json_t *j = json_object(), *missing = json_array();
	json_set_int(j, "api", ioctl(p->kvm, KVM_GET_API_VERSION, 0));
	int max = ioctl(p->kvm, KVM_CHECK_EXTENSION, KVM_CAP_MAX_VCPUS);
	json_set_int(j, "max_vcpus", max > 0 ? max : 1);
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
		if (ioctl(p->kvm, KVM_CHECK_EXTENSION, needed[i].cap) <= 0)
			json_array_append_new(missing, json_string(needed[i].name));
	json_set_take(j, "missing", missing);
	json_set_int(j, "ips", (int64_t)ips);
	json_set_flag(j, "native", ips >= PROBE_NATIVE_IPS);
	add_features(p, j);
	return j;
}

static json_t *probe_vm(struct probe *p)
{
	uint64_t ips;
	if (ioctl(p->kvm, KVM_GET_API_VERSION, 0) != KVM_API_VERSION)
		return failed("api", EPROTO, "/dev/kvm does not speak KVM API version 12");
	int rc = vm_make(p);
	if (rc)
		return failed("create", -rc, "KVM cannot make a virtual machine");
	rc = best_rate(p, LOOPS_FIRST, 8, &ips);
	if (!rc && ips >= PROBE_NATIVE_IPS / 4) /* not an interpreter: without the cost of the exit, then */
		rc = best_rate(p, LOOPS_SECOND, 2, &ips);
	return rc ? failed("run", -rc, "KVM cannot run a loop of three instructions") : result(p, ips);
}

json_t *probe_kvm(void)
{
	struct probe p = {.kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC),
			  .vm = -1,
			  .vcpu = -1,
			  .page = MAP_FAILED,
			  .run = MAP_FAILED};
	if (p.kvm < 0)
		return failed("open", errno, "cannot open /dev/kvm");
	json_t *j = probe_vm(&p);
	if (p.run != MAP_FAILED)
		munmap(p.run, p.run_size);
	fd_close(p.vcpu);
	fd_close(p.vm);
	fd_close(p.kvm);
	if (p.page != MAP_FAILED)
		munmap(p.page, PAGE);
	return j;
}

int probe_main(void)
{
	AUTO_JSON json_t *j = probe_kvm();
	AUTO_FREE char *text = json_text(j, false);
	puts(text);
	return 0;
}
