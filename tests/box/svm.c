/* LD_PRELOAD for the box's QEMU: two faults of its software SVM (7.2).
 *
 * It takes a guest's write to CR8 for an interrupt request without the big lock and then dies of its own
 * assertion (target/i386/tcg/sysemu/misc_helper.c, helper_write_crN); UEFI writes CR8 at the end of every
 * interrupt. Here cpu_interrupt() takes the lock where its caller has not.
 *
 * At VMRUN and #VMEXIT the processor's thread changes its interrupt_request without the lock and not
 * atomically (svm_helper.c), so that one which a timer raises in another thread at that instant is lost: the
 * processor halts for ever, or spins without its timer, with the interrupt in its APIC's IRR. Here processors
 * are asked again and again to look there (CPU_INTERRUPT_POLL), which changes nothing for those that have
 * lost none.
 *
 * Both are done only when cpu_interrupt() begins with the instructions known: in any other QEMU nothing
 * happens. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CPU_INTERRUPT_POLL 0x10 /* target/i386/cpu.h */
#define POLL_US 10000

typedef void handle_fn(void *cpu, int mask);

static bool (*locked)(void);
static void (*lock)(const char *file, int line);
static void (*unlock)(void);
static void *(*get_cpu)(int index);
static uint8_t **accel_ops; /* where QEMU keeps what an accelerator does */
static uint32_t handle_at;  /* which of it is "handle an interrupt" */

static void cpu_interrupt_locked(void *cpu, int mask)
{
	bool had = locked();
	if (!had)
		lock("svm.c", __LINE__);
	handle_fn *handle;
	memcpy(&handle, *accel_ops + handle_at, sizeof(handle));
	handle(cpu, mask);
	if (!had)
		unlock();
}

static void *poll_apics(void *arg)
{
	for (;;) {
		usleep(POLL_US);
		if (!get_cpu(0)) /* nor is there a lock yet */
			continue;
		lock("svm.c", __LINE__);
		void *cpu;
		for (int i = 0; (cpu = get_cpu(i)); i++)
			cpu_interrupt_locked(cpu, CPU_INTERRUPT_POLL);
		unlock();
	}
	return NULL;
}

/* mov ops(%rip),%rax; push %rbx; mov %rdi,%rbx; mov handle(%rax),%rax; test %rax,%rax */
static bool known(const uint8_t *f)
{
	return !memcmp(f, "\x48\x8b\x05", 3) && !memcmp(f + 7, "\x53\x48\x89\xfb\x48\x8b\x80", 7) &&
	       !memcmp(f + 18, "\x48\x85\xc0", 3);
}

__attribute__((constructor)) static void patch(void)
{
	uint8_t *f = dlsym(RTLD_DEFAULT, "cpu_interrupt");
	locked = (bool (*)(void))dlsym(RTLD_DEFAULT, "qemu_mutex_iothread_locked");
	lock = (void (*)(const char *, int))dlsym(RTLD_DEFAULT, "qemu_mutex_lock_iothread_impl");
	unlock = (void (*)(void))dlsym(RTLD_DEFAULT, "qemu_mutex_unlock_iothread");
	get_cpu = (void *(*)(int))dlsym(RTLD_DEFAULT, "qemu_get_cpu");
	unsetenv("LD_PRELOAD");
	if (!f || !locked || !lock || !unlock || !get_cpu || !known(f))
		return;
	int32_t ops;
	memcpy(&ops, f + 3, 4);
	memcpy(&handle_at, f + 14, 4);
	accel_ops = (uint8_t **)(f + 7 + ops);
	uintptr_t page = (uintptr_t)f & ~(uintptr_t)4095;
	if (mprotect((void *)page, 8192, PROT_READ | PROT_WRITE | PROT_EXEC) < 0)
		return;
	handle_fn *to = cpu_interrupt_locked;
	uint8_t jump[12] = {0x48, 0xb8, [10] = 0xff, 0xe0}; /* mov $to,%rax; jmp *%rax */
	memcpy(jump + 2, &to, sizeof(to));
	memcpy(f, jump, sizeof(jump));
	mprotect((void *)page, 8192, PROT_READ | PROT_EXEC);
	pthread_t thread;
	pthread_create(&thread, NULL, poll_apics, NULL);
}
