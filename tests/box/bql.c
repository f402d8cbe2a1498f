/* LD_PRELOAD for the box's QEMU. Its software SVM takes a guest's write to CR8 for an interrupt request without the big lock
 * and then dies of its own assertion (7.2: target/i386/tcg/sysemu/misc_helper.c, helper_write_crN); UEFI writes CR8 at the end
 * of every interrupt. Here cpu_interrupt() takes the lock where its caller has not. It is put in the function's place when
 * that begins with the instructions known; in any other QEMU nothing happens. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef void handle_fn(void *cpu, int mask);

static bool (*locked)(void);
static void (*lock)(const char *file, int line);
static void (*unlock)(void);
static uint8_t **accel_ops; /* where QEMU keeps what an accelerator does */
static uint32_t handle_at;  /* which of it is "handle an interrupt" */

static void cpu_interrupt_locked(void *cpu, int mask)
{
	bool had = locked();
	if (!had)
		lock("bql.c", __LINE__);
	handle_fn *handle;
	memcpy(&handle, *accel_ops + handle_at, sizeof(handle));
	handle(cpu, mask);
	if (!had)
		unlock();
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
	unsetenv("LD_PRELOAD");
	if (!f || !locked || !lock || !unlock || !known(f))
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
}
