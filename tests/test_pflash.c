/* The flash chip of UEFI's variables, as OVMF's driver uses it. */
#include "tests/fwlib.h"
#include "tests/testlib.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "src/base/cleanup.h"

#define IMAGE (256u * 1024)
#define STORE (132u * 1024)
#define BASE (0x100000000ull - IMAGE - STORE)

static struct vmm_test *t;
static struct dev *flash;
static struct firmware fw;
static uint8_t store[STORE] __attribute__((aligned(4096)));

static int file = -1;
static int write_error, sync_error; /* of the host; 0: none */
static uint64_t wrote[4096];       /* offsets, in order; a sync is ~0 */
static unsigned nwrote;

static void note(uint64_t what)
{
	unsigned i = __atomic_fetch_add(&nwrote, 1, __ATOMIC_SEQ_CST);
	if (i < ARRAY_SIZE(wrote))
		wrote[i] = what;
}

ssize_t __real_pwrite(int fd, const void *p, size_t n, off_t off);
ssize_t __wrap_pwrite(int fd, const void *p, size_t n, off_t off);
ssize_t __wrap_pwrite(int fd, const void *p, size_t n, off_t off)
{
	errno = __atomic_load_n(&write_error, __ATOMIC_SEQ_CST);
	if (errno)
		return -1;
	note((uint64_t)off);
	return __real_pwrite(fd, p, n, off);
}

int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
int __wrap_fdatasync(int fd)
{
	note(~0ull);
	errno = __atomic_load_n(&sync_error, __ATOMIC_SEQ_CST);
	return errno ? -1 : __real_fdatasync(fd);
}

static void setup(void)
{
	t = vmm_start(1);
	fw_give(t, &fw, IMAGE);
	for (unsigned i = 0; i < STORE; i++)
		store[i] = (uint8_t)(i * 7 + 1);
	fw.nvram = store;
	fw.nvram_bytes = STORE;
	file = memfd_create("vars", MFD_CLOEXEC);
	ck_assert_int_eq(write(file, store, STORE), STORE);
	fw.nvram_fd = file;
	nwrote = 0;
	write_error = sync_error = 0;
	flash = vmm_dev(t, "pflash", 0);
}

static void teardown(void)
{
	vmm_stop(t);
	free(fw.image);
	close(file);
}

/* Does the guest read it without an exit? */
static bool native(void)
{
	return gm_any(&t->m.mem, BASE, STORE) != NULL;
}

static uint8_t load(unsigned off)
{
	return fw_load(t, BASE + off);
}

static void store_byte(unsigned off, uint8_t v)
{
	fw_store(t, BASE + off, v);
}

static void program(unsigned off, uint8_t v)
{
	store_byte(off, 0x10);
	store_byte(off, v);
}

START_TEST(it_reads_as_memory_at_first)
{
	ck_assert(native());
	ck_assert_uint_eq(load(0), 1);
	ck_assert_uint_eq(load(STORE - 1), store[STORE - 1]);
	ck_assert_uint_eq(fw_load(t, BASE - 1), 0xff);
	ck_assert_ptr_null(gm_ptr(&t->m.mem, BASE, 1, false)); /* no device reads it */
}
END_TEST

/* QemuFlashDetected(): "clear status" must not change what is read, "read status" must read 0. */
START_TEST(ovmf_finds_a_flash)
{
	uint8_t was = load(0);
	store_byte(0, 0x50);
	ck_assert_uint_eq(load(0), was);
	store_byte(0, 0x70);
	ck_assert_uint_eq(load(0), 0x00);
	store_byte(0, 0xff);
	ck_assert_uint_eq(load(0), was);
}
END_TEST

START_TEST(bytes_are_programmed)
{
	for (unsigned i = 0; i < 16; i++)
		program(100 + i, (uint8_t)(0x60 + i));
	ck_assert(!native());
	ck_assert_uint_eq(load(100), 0x80); /* status: ready, no error */
	store_byte(115, 0xff);
	for (unsigned i = 0; i < 16; i++)
		ck_assert_uint_eq(load(100 + i), 0x60 + i);
	ck_assert_uint_eq(load(99), (uint8_t)(99 * 7 + 1));
	ck_assert_uint_eq(load(116), (uint8_t)(116 * 7 + 1));
}
END_TEST

START_TEST(a_byte_that_looks_like_a_command_is_data)
{
	static const uint8_t commands[] = {0x10, 0x20, 0x50, 0x70, 0x90, 0xd0, 0xff};
	for (unsigned i = 0; i < sizeof(commands); i++)
		program(i, commands[i]);
	store_byte(0, 0xff);
	for (unsigned i = 0; i < sizeof(commands); i++)
		ck_assert_uint_eq(load(i), commands[i]);
}
END_TEST

START_TEST(a_block_of_4096_is_erased)
{
	store_byte(2 * 4096 + 5, 0x20);
	store_byte(2 * 4096 + 5, 0xd0);
	store_byte(0, 0xff);
	ck_assert_uint_eq(load(2 * 4096), 0xff);
	ck_assert_uint_eq(load(3 * 4096 - 1), 0xff);
	ck_assert_uint_eq(load(2 * 4096 - 1), (uint8_t)((2 * 4096 - 1) * 7 + 1));
	ck_assert_uint_eq(load(3 * 4096), (uint8_t)(3 * 4096 * 7 + 1));
}
END_TEST

START_TEST(an_erase_that_is_not_confirmed_erases_nothing)
{
	store_byte(0, 0x20);
	store_byte(0, 0x00);
	ck_assert_uint_eq(load(0), 0xb0); /* ready; both error bits: no such sequence */
	store_byte(0, 0x50);
	ck_assert_uint_eq(load(0), 1);
}
END_TEST

START_TEST(reads_become_native_again_when_writing_is_over)
{
	program(0, 0x42);
	store_byte(0, 0xff);
	ck_assert(!native());
	for (unsigned i = 0; i < 10; i++)
		load(i);
	ck_assert(!native()); /* it may go on */
	for (unsigned i = 0; i < 100; i++)
		load(i);
	ck_assert(native());
	ck_assert_uint_eq(load(0), 0x42);
}
END_TEST

START_TEST(unknown_commands_leave_it_readable)
{
	for (unsigned v = 0; v < 256; v++) {
		if (v == 0x10 || v == 0x40 || v == 0x20 || v == 0x70 || v == 0x90)
			continue;
		store_byte(0, (uint8_t)v);
		ck_assert_uint_eq(load(1), 8);
	}
}
END_TEST

START_TEST(wide_accesses_are_taken)
{
	uint64_t v = 0x10, back = 0;
	bus_access(&t->m.mmio, BASE + 8, &v, 8, true);
	v = 0x1122334455667788;
	bus_access(&t->m.mmio, BASE + 8, &v, 8, true);
	store_byte(0, 0xff);
	bus_access(&t->m.mmio, BASE + 8, &back, 8, false);
	ck_assert_uint_eq(back, v);
	v = 0x10; /* over the end: what is beyond is not there */
	bus_access(&t->m.mmio, BASE + STORE - 2, &v, 4, true);
}
END_TEST

START_TEST(reset_ends_a_command_and_keeps_what_was_written)
{
	program(0, 0x42);
	store_byte(1, 0x10);
	flash->type->reset(flash);
	ck_assert(native());
	ck_assert_uint_eq(load(0), 0x42);
	store_byte(1, 0xff); /* not data for the command before */
	ck_assert_uint_eq(load(1), 8);
}
END_TEST

static uint8_t on_disk(unsigned off)
{
	uint8_t v = 0;
	ck_assert_int_eq(pread(file, &v, 1, off), 1);
	return v;
}

/* The main loop, until @off has @v on the disk. */
static void wait_disk(unsigned off, uint8_t v)
{
	for (unsigned i = 0; i < 10000 && on_disk(off) != v; i++) {
		t->m.fake_now_ns += 100000000;
		timer_run(&t->m);
		usleep(1000);
	}
	ck_assert_uint_eq(on_disk(off), v);
}

static void wait_pause(void)
{
	for (unsigned i = 0; i < 10000 && !t->m.pause_requested; i++) {
		t->m.fake_now_ns += 100000000;
		timer_run(&t->m);
		usleep(1000);
	}
	ck_assert(t->m.pause_requested);
	t->m.pause_requested = false;
}

START_TEST(what_is_written_goes_to_the_file)
{
	program(100, 0x42);
	ck_assert_uint_ne(on_disk(100), 0x42);
	wait_disk(100, 0x42);
	store_byte(2 * 4096, 0x20);
	store_byte(2 * 4096, 0xd0);
	wait_disk(3 * 4096 - 1, 0xff);
	program(STORE - 1, 0x43);
	flash->type->done(flash); /* the machine ends at once */
	ck_assert_uint_eq(on_disk(STORE - 1), 0x43);
	uint8_t got[STORE];
	ck_assert_int_eq(pread(file, got, STORE, 0), STORE);
	ck_assert_mem_eq(got, store, STORE);
	flash->type->init(flash, &(struct dev_def){.model = "pflash", .name = "pflash"}, NULL);
}
END_TEST

/* edk2 writes a block elsewhere first, then says so in a third: on the disk it must be so at any time. */
START_TEST(blocks_reach_the_disk_in_the_guests_order)
{
	static const unsigned blocks[] = {1, 9, 2, 9, 1, 30, 9};
	for (unsigned i = 0; i < ARRAY_SIZE(blocks); i++)
		program(blocks[i] * 4096 + i, (uint8_t)(0xa0 + i));
	wait_disk(9 * 4096 + 6, 0xa6);
	flash->type->done(flash); /* its thread is gone */
	unsigned at = 0;
	for (unsigned i = 0; i < nwrote; i += 2) {
		ck_assert_uint_eq(wrote[i], blocks[at++] * 4096);
		ck_assert(i + 1 == nwrote || wrote[i + 1] == ~0ull);
	}
	ck_assert_uint_eq(at, ARRAY_SIZE(blocks));
	flash->type->init(flash, &(struct dev_def){.model = "pflash", .name = "pflash"}, NULL);
}
END_TEST

START_TEST(more_than_can_wait_is_written_all_the_same)
{
	for (unsigned i = 0; i < 2000; i++)
		program(i % 33 * 4096 + i, (uint8_t)i);
	wait_disk(1999 % 33 * 4096 + 1999, (uint8_t)1999);
	flash->type->done(flash);
	uint8_t got[STORE];
	ck_assert_int_eq(pread(file, got, STORE, 0), STORE);
	ck_assert_mem_eq(got, store, STORE);
	flash->type->init(flash, &(struct dev_def){.model = "pflash", .name = "pflash"}, NULL);
}
END_TEST

START_TEST(a_full_host_pauses_and_all_is_written_at_resume)
{
	__atomic_store_n(_i ? &sync_error : &write_error, _i ? EIO : ENOSPC, __ATOMIC_SEQ_CST);
	program(100, 0x42);
	program(5 * 4096, 0x43);
	for (unsigned i = 0; i < 2; i++) { /* still so after the first resume */
		wait_pause();
		ck_assert_ptr_nonnull(strstr(t->m.request_detail, "variable store"));
		if (!i)
			flash->type->resumed(flash);
	}
	__atomic_store_n(&write_error, 0, __ATOMIC_SEQ_CST);
	__atomic_store_n(&sync_error, 0, __ATOMIC_SEQ_CST);
	ck_assert_int_eq(__real_pwrite(file, "\0", 1, 100), 1); /* as a host that has lost it */
	flash->type->resumed(flash);
	wait_disk(5 * 4096, 0x43);
	wait_disk(100, 0x42);
	ck_assert(!t->m.pause_requested);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		it_reads_as_memory_at_first,
		ovmf_finds_a_flash,
		bytes_are_programmed,
		a_byte_that_looks_like_a_command_is_data,
		a_block_of_4096_is_erased,
		an_erase_that_is_not_confirmed_erases_nothing,
		reads_become_native_again_when_writing_is_over,
		unknown_commands_leave_it_readable,
		wide_accesses_are_taken,
		reset_ends_a_command_and_keeps_what_was_written,
		what_is_written_goes_to_the_file,
		blocks_reach_the_disk_in_the_guests_order,
		more_than_can_wait_is_written_all_the_same,
	};
	Suite *s = suite_create("pflash");
	TCase *c = tcase_create("flash");
	tcase_add_checked_fixture(c, setup, teardown);
	for (unsigned i = 0; i < ARRAY_SIZE(tests); i++)
		tcase_add_test(c, tests[i]);
	tcase_add_loop_test(c, a_full_host_pauses_and_all_is_written_at_resume, 0, 2);
	tcase_set_timeout(c, 60);
	suite_add_tcase(s, c);
	return test_main(s);
}
