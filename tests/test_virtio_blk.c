/* virtio disks as a driver sees them: every request however it is split, and a host that is full.
 * needs: spaces */
#include "tests/blkfault.h"
#include "tests/testlib.h"
#include "tests/virtiolib.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <unistd.h>

#include "backend/vmm/dev/virtio_blk.h"
#include "src/base/cleanup.h"
#include "src/base/file.h"

enum { IN = 0, OUT = 1, FLUSH = 4, GET_ID = 8, DISCARD = 11, ZEROES = 13 };
enum { OK = 0, IOERR = 1, UNSUPP = 2, NOT_WRITTEN = 0xaa };

#define SECTORS 64u
#define HEADER DRV_BUF
#define STATUS (DRV_BUF + 0x1000)
#define DATA (DRV_BUF + 0x2000)

static struct vmm_test *t;
static struct drv d;
static int image;
static int image_dir = -1; /* where it is made; -1: in memory */
static struct domain_disk disk;

static void start(uint64_t features)
{
	struct dev *dev;
	struct err e = {0};
	t = vmm_start(1);
	if (image_dir < 0)
		image = memfd_create("image", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	else
		image = openat(image_dir, "image", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ck_assert_int_eq(ftruncate(image, SECTORS * 512), 0);
	ck_assert_int_eq(named_add(&t->m.fds, "disk:vda", fcntl(image, F_DUPFD_CLOEXEC, 0)), 0);
	struct dev_def bridge = {.model = "piix3", .name = "isa-bridge", .addr = {.set = true, .slot = 1}};
	struct dev_def def = {
	    .model = "virtio-blk", .name = "vda", .addr = {.set = true, .slot = 3}, .disk = &disk};
	ck_assert(!dev_new(&t->m, &bridge, NULL, &e));
	ck_assert_msg(!dev_new(&t->m, &def, &dev, &e), "%s", e.msg);
	drv_attach(&d, t, dev);
	drv_start(&d, features);
	ck_assert_uint_eq(drv_status(&d), 15);
}

static void setup(void)
{
	static char target[] = "vda", format[] = "raw", serial[] = "SN-0123456789";
	disk = (struct domain_disk){.target = target, .format = format, .serial = serial, .discard = true};
	start(DRV_ALL_FEATURES);
}

static void teardown(void)
{
	vmm_stop(t);
	close(image);
}

static void restart(void)
{
	teardown();
	start(DRV_ALL_FEATURES);
}

static void wait_disk(void)
{
	struct blk *b = virtio_blk_image(d.dev);
	while (b->in_flight) {
		struct pollfd p = {.fd = blk_event_fd(b), .events = POLLIN};
		ck_assert_int_eq(poll(&p, 1, 10000), 1);
		virtio_blk_completed(d.dev);
	}
}

static void header(uint32_t type, uint64_t sector)
{
	uint8_t *h = drv_mem(&d, HEADER);
	memset(h, 0, 16);
	pci_put32(h, type);
	memcpy(h + 8, &sector, 8);
	*(uint8_t *)drv_mem(&d, STATUS) = NOT_WRITTEN;
}

/* Ring, wait, and take the one chain that came back. Return: its status byte; *len as the device told. */
static unsigned finish(uint16_t head, uint32_t *len)
{
	uint32_t h = 99;
	drv_avail(&d, head);
	drv_kick(&d);
	wait_disk();
	ck_assert_msg(drv_used(&d, &h, len), "the chain did not come back");
	ck_assert_uint_eq(h, head);
	return *(uint8_t *)drv_mem(&d, STATUS);
}

/* Header, data of @len bytes (none when 0), status. */
static unsigned request(uint32_t type, uint64_t sector, uint32_t len, uint32_t *used)
{
	uint32_t dummy;
	bool in = type == IN || type == GET_ID;
	header(type, sector);
	drv_desc(&d, 0, HEADER, 16, D_NEXT, len ? 1 : 2);
	drv_desc(&d, 1, DATA, len, D_NEXT | (in ? D_WRITE : 0), 2);
	drv_desc(&d, 2, STATUS, 1, D_WRITE, 0);
	return finish(0, used ? used : &dummy);
}

static void fill(uint64_t gpa, size_t n, unsigned seed)
{
	uint8_t *p = drv_mem(&d, gpa);
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(seed + i * 13);
}

static const struct stats_disk *stats(void)
{
	return &machine_stats(&t->m, STATS_DISK, "vda")->disk;
}

START_TEST(what_is_written_is_read)
{
	uint32_t used;
	fill(DATA, 4096, 7);
	AUTO_FREE uint8_t *want = malloc(4096);
	memcpy(want, drv_mem(&d, DATA), 4096);
	ck_assert_uint_eq(request(OUT, 8, 4096, &used), OK);
	ck_assert_uint_eq(used, 1);
	memset(drv_mem(&d, DATA), 0, 4096);
	ck_assert_uint_eq(request(IN, 8, 4096, &used), OK);
	ck_assert_uint_eq(used, 4097);
	ck_assert_mem_eq(drv_mem(&d, DATA), want, 4096);
	ck_assert_uint_eq(stats()->wr_bytes, 4096);
	ck_assert_uint_eq(stats()->rd_ops, 1);
}
END_TEST

static const struct {
	const char *what;
	uint32_t type;
	uint64_t sector;
	uint32_t len;
	unsigned status;
} cases[] = {
	{"the first sector", IN, 0, 512, OK},
	{"the last sector", IN, SECTORS - 1, 512, OK},
	{"all of it", IN, 0, SECTORS * 512, OK},
	{"one more than all", IN, 0, (SECTORS + 1) * 512, IOERR},
	{"read past the end", IN, SECTORS, 512, IOERR},
	{"write past the end", OUT, SECTORS, 512, IOERR},
	{"write across the end", OUT, SECTORS - 1, 1024, IOERR},
	{"a sector that overflows as bytes", IN, 1ull << 55, 512, IOERR},
	{"sector plus length overflows", OUT, ~0ull, 512, IOERR},
	{"no whole sector", IN, 0, 511, IOERR},
	{"a sector and a byte", OUT, 0, 513, IOERR},
	{"nothing to read", IN, 0, 0, OK},
	{"nothing to write", OUT, 0, 0, OK},
	{"nothing to read behind the end", IN, SECTORS + 1, 0, IOERR},
	{"a flush", FLUSH, 0, 0, OK},
	{"an unknown type", 77, 0, 512, UNSUPP},
	{"an old SCSI command", 2, 0, 512, UNSUPP},
	{"a discard with no range", DISCARD, 0, 0, IOERR},
	{"a discard with two ranges", DISCARD, 0, 32, IOERR},
};

START_TEST(each_request_has_its_status)
{
	memset(drv_mem(&d, DATA), 0, 0x10000);
	unsigned status = request(cases[_i].type, cases[_i].sector, cases[_i].len, NULL);
	ck_assert_msg(status == cases[_i].status, "%s: status %u", cases[_i].what, status);
	ck_assert_uint_eq(drv_status(&d), 15);
	ck_assert_int_eq(lseek(image, 0, SEEK_END), SECTORS * 512);
	ck_assert_uint_eq(stats()->errors, status == IOERR);
}
END_TEST

START_TEST(the_header_may_be_split_anywhere)
{
	for (unsigned cut = 1; cut < 16; cut++) {
		uint32_t used;
		header(OUT, cut);
		fill(DATA, 512, cut);
		drv_desc(&d, 0, HEADER, cut, D_NEXT, 1);
		drv_desc(&d, 1, HEADER + cut, 16 - cut, D_NEXT, 2);
		drv_desc(&d, 2, DATA, 512, D_NEXT, 3);
		drv_desc(&d, 3, STATUS, 1, D_WRITE, 0);
		ck_assert_uint_eq(finish(0, &used), OK);
		uint8_t seen[512];
		ck_assert_int_eq(pread(image, seen, 512, 512 * cut), 512);
		ck_assert_mem_eq(seen, drv_mem(&d, DATA), 512);
	}
}
END_TEST

START_TEST(header_and_data_may_share_a_buffer)
{
	uint32_t used;
	header(OUT, 3);
	fill(HEADER + 16, 512, 5);
	drv_desc(&d, 0, HEADER, 16 + 512, D_NEXT, 1);
	drv_desc(&d, 1, STATUS, 1, D_WRITE, 0);
	ck_assert_uint_eq(finish(0, &used), OK);
	uint8_t seen[512];
	ck_assert_int_eq(pread(image, seen, 512, 512 * 3), 512);
	ck_assert_mem_eq(seen, (uint8_t *)drv_mem(&d, HEADER) + 16, 512);
}
END_TEST

START_TEST(the_status_is_the_last_byte_of_the_last_buffer)
{
	uint32_t used;
	uint8_t text[512];
	memset(text, 0x3c, sizeof(text));
	ck_assert_int_eq(pwrite(image, text, 512, 0), 512);
	header(IN, 0);
	drv_desc(&d, 0, HEADER, 16, D_NEXT, 1);
	drv_desc(&d, 1, STATUS - 512, 513, D_WRITE, 0); /* data and status in one */
	ck_assert_uint_eq(finish(0, &used), OK);
	ck_assert_uint_eq(used, 513);
	ck_assert_mem_eq((uint8_t *)drv_mem(&d, STATUS) - 512, text, 512);
}
END_TEST

START_TEST(data_may_come_in_odd_pieces)
{
	uint32_t used;
	uint8_t text[1024];
	for (unsigned i = 0; i < sizeof(text); i++)
		text[i] = (uint8_t)(i * 31);
	ck_assert_int_eq(pwrite(image, text, 1024, 512), 1024);
	header(IN, 1);
	drv_desc(&d, 0, HEADER, 16, D_NEXT, 1);
	drv_desc(&d, 1, DATA + 1, 3, D_WRITE | D_NEXT, 2);
	drv_desc(&d, 2, DATA + 4, 1000, D_WRITE | D_NEXT, 3);
	drv_desc(&d, 3, DATA + 1004, 21, D_WRITE | D_NEXT, 4);
	drv_desc(&d, 4, STATUS, 1, D_WRITE, 0);
	ck_assert_uint_eq(finish(0, &used), OK);
	ck_assert_mem_eq((uint8_t *)drv_mem(&d, DATA) + 1, text, 1024);
}
END_TEST

START_TEST(a_chain_without_header_or_status_is_nonsense)
{
	uint32_t used;
	header(IN, 0);
	if (_i == 0)
		drv_desc(&d, 0, HEADER, 16, 0, 0); /* no status */
	else
		drv_desc(&d, 0, HEADER, 15, D_NEXT, 1), drv_desc(&d, 1, STATUS, 1, D_WRITE, 0);
	finish(0, &used);
	ck_assert_uint_eq(used, 0);
	ck_assert(drv_status(&d) & VIRTIO_NEEDS_RESET);
	drv_start(&d, DRV_ALL_FEATURES);
	ck_assert_uint_eq(request(FLUSH, 0, 0, NULL), OK);
}
END_TEST

START_TEST(a_readonly_disk_says_so_and_refuses)
{
	disk.readonly = true;
	restart();
	ck_assert(drv_offered(&d) >> 5 & 1);
	ck_assert_uint_eq(request(OUT, 0, 512, NULL), IOERR);
	ck_assert_uint_eq(request(IN, 0, 512, NULL), OK);
	ck_assert_uint_eq(request(FLUSH, 0, 0, NULL), OK);
	ck_assert_uint_eq(request(ZEROES, 0, 16, NULL), UNSUPP);
}
END_TEST

START_TEST(the_id_is_the_serial_number)
{
	uint32_t used;
	memset(drv_mem(&d, DATA), 0xff, 32);
	ck_assert_uint_eq(request(GET_ID, 0, 20, &used), OK);
	ck_assert_uint_eq(used, 21);
	ck_assert_mem_eq(drv_mem(&d, DATA), "SN-0123456789\0\0\0\0\0\0\0\xff", 21);
	ck_assert_uint_eq(request(GET_ID, 0, 4, &used), OK); /* less room, less of it */
	ck_assert_uint_eq(used, 5);
}
END_TEST

static unsigned range(uint32_t type, uint64_t sector, uint32_t sectors, uint32_t flags)
{
	uint8_t *p = drv_mem(&d, DATA);
	memcpy(p, &sector, 8);
	pci_put32(p + 8, sectors);
	pci_put32(p + 12, flags);
	return request(type, 0, 16, NULL);
}

static const struct {
	uint32_t type;
	uint64_t sector;
	uint32_t sectors, flags;
	unsigned status;
} ranges[] = {
	{DISCARD, 0, SECTORS, 0, OK},
	{DISCARD, 0, SECTORS + 1, 0, IOERR},
	{DISCARD, ~0ull, 1, 0, IOERR},
	{DISCARD, 0, 0xffffffff, 0, IOERR},
	{DISCARD, 0, 1, 1, UNSUPP}, /* unmap is for zeroes */
	{ZEROES, 0, SECTORS, 0, OK},
	{ZEROES, 0, SECTORS, 1, OK},
	{ZEROES, SECTORS, 1, 0, IOERR},
	{ZEROES, 1, 1, 2, UNSUPP},
};

START_TEST(ranges_are_checked_and_cleared)
{
	uint8_t byte = 0x77;
	ck_assert_int_eq(pwrite(image, &byte, 1, 700), 1);
	ck_assert_uint_eq(range(ranges[_i].type, ranges[_i].sector, ranges[_i].sectors, ranges[_i].flags),
			  ranges[_i].status);
	ck_assert_int_eq(pread(image, &byte, 1, 700), 1);
	ck_assert_uint_eq(byte, ranges[_i].status == OK ? 0 : 0x77);
	ck_assert_int_eq(lseek(image, 0, SEEK_END), SECTORS * 512);
}
END_TEST

START_TEST(discard_is_only_offered_when_asked_for)
{
	ck_assert(drv_offered(&d) >> 13 & 1);
	disk.discard = false;
	restart();
	ck_assert(!(drv_offered(&d) >> 13 & 1));
	ck_assert_uint_eq(range(DISCARD, 0, 1, 0), UNSUPP);
}
END_TEST

START_TEST(the_configuration_tells_the_disk)
{
	ck_assert_uint_eq(drv_read(&d, VIRTIO_BAR_CONFIG, 4), SECTORS);
	ck_assert_uint_eq(drv_read(&d, VIRTIO_BAR_CONFIG + 12, 4), 254);
	ck_assert_uint_eq(drv_read(&d, VIRTIO_BAR_CONFIG + 20, 4), 512);
	ck_assert_uint_eq(drv_read(&d, VIRTIO_BAR_CONFIG + 34, 2), 1);
	ck_assert_uint_eq(drv_read(&d, VIRTIO_BAR_CONFIG + 60, 4), 0); /* behind it */
	drv_write(&d, VIRTIO_BAR_CONFIG, 4, 1);
	ck_assert_uint_eq(drv_read(&d, VIRTIO_BAR_CONFIG, 4), SECTORS);
}
END_TEST

START_TEST(the_cache_follows_the_driver)
{
	struct blk *b = virtio_blk_image(d.dev);
	ck_assert_uint_eq(drv_read(&d, VIRTIO_BAR_CONFIG + 32, 1), 1);
	ck_assert(!b->write_through);
	drv_write(&d, VIRTIO_BAR_CONFIG + 32, 1, 0);
	ck_assert(b->write_through);
	drv_write(&d, VIRTIO_BAR_CONFIG + 32, 1, 1);
	ck_assert(!b->write_through);
	drv_start(&d, ~(1ull << 9)); /* a driver that cannot flush */
	ck_assert(b->write_through);
	disk.cache = DISK_CACHE_WRITETHROUGH;
	restart();
	drv_write(&d, VIRTIO_BAR_CONFIG + 32, 1, 1);
	ck_assert(virtio_blk_image(d.dev)->write_through);
}
END_TEST

static int write_text(const char *path, const char *text)
{
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd < 0 ? -1 : fd_write_all(fd, text, strlen(text));
}

/* A file system of 64 KiB of our own. Its descriptor, or -1. */
static int small_file_system(void)
{
	uid_t uid = getuid();
	gid_t gid = getgid();
	if (unshare(CLONE_NEWNS | (uid ? CLONE_NEWUSER : 0)))
		return -1;
	if (uid) { /* whose group is not known to the name space makes no files there */
		char map[40];
		snprintf(map, sizeof(map), "0 %u 1", uid);
		if (write_text("/proc/self/uid_map", map) || write_text("/proc/self/setgroups", "deny"))
			return -1;
		snprintf(map, sizeof(map), "0 %u 1", gid);
		if (write_text("/proc/self/gid_map", map))
			return -1;
	}
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", "/tmp", "tmpfs", 0, "size=64k"))
		return -1;
	return open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* What was not written when it was to be flushed is lost: no pause and no later flush may hide that. */
START_TEST(a_lost_flush_is_the_guests_to_know_and_stays)
{
	static const int errors[] = {EIO, ENOSPC, EDQUOT};
	fill(DATA, 512, 1);
	ck_assert_uint_eq(request(OUT, 8, 512, NULL), OK);
	ck_assert_uint_eq(request(FLUSH, 0, 0, NULL), OK);
	ck_assert_uint_eq(stats()->lost, 0);
	blkfault = (struct blkfault){IOQ_SYNC, 0, 1, -errors[_i]};
	for (unsigned i = 0; i < 3; i++)
		ck_assert_uint_eq(request(FLUSH, 0, 0, NULL), IOERR);
	ck_assert(!t->m.pause_requested);
	ck_assert_uint_eq(stats()->lost, errors[_i]);
	ck_assert_uint_eq(stats()->errors, 3);
	ck_assert_uint_eq(request(OUT, 8, 512, NULL), OK);
	d.dev->type->reset(d.dev); /* of the guest, which is no new start */
	drv_attach(&d, t, d.dev);
	drv_start(&d, DRV_ALL_FEATURES & ~(1ull << 9)); /* without flushes: write-through */
	ck_assert_uint_eq(request(OUT, 8, 512, NULL), IOERR);
	ck_assert_uint_eq(request(IN, 8, 512, NULL), OK);
}
END_TEST

START_TEST(a_full_host_pauses_and_the_write_goes_on_at_resume)
{
	AUTO_CLOSE int dir = small_file_system();
	if (dir < 0)
		test_skip("no name space with a file system of its own can be made");
	uint32_t h, used;
	static uint8_t ballast[16384];
	image_dir = dir;
	restart();
	AUTO_CLOSE int other = openat(dir, "ballast", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	while (fd_write_all(other, ballast, sizeof(ballast)) == 0)
		;
	fill(DATA, 8192, 1);
	header(OUT, 8);
	drv_desc(&d, 0, HEADER, 16, D_NEXT, 1);
	drv_desc(&d, 1, DATA, 8192, D_NEXT, 2);
	drv_desc(&d, 2, STATUS, 1, D_WRITE, 0);
	for (unsigned times = 0; times < 2; times++) { /* still full after the first resume */
		if (!times) {
			drv_avail(&d, 0);
			drv_kick(&d);
		} else {
			d.dev->type->resumed(d.dev);
		}
		wait_disk();
		ck_assert(t->m.pause_requested);
		ck_assert_ptr_nonnull(strstr(t->m.request_detail, "vda"));
		ck_assert(!drv_used(&d, &h, &used));
		t->m.pause_requested = false;
	}
	ck_assert_int_eq(ftruncate(other, 0), 0);
	d.dev->type->resumed(d.dev);
	wait_disk();
	ck_assert(!t->m.pause_requested);
	ck_assert(drv_used(&d, &h, &used));
	ck_assert_uint_eq(*(uint8_t *)drv_mem(&d, STATUS), OK);
	uint8_t seen[8192];
	ck_assert_int_eq(pread(image, seen, 8192, 8 * 512), 8192);
	ck_assert_mem_eq(seen, drv_mem(&d, DATA), 8192);
	ck_assert_uint_eq(stats()->errors, 0);
}
END_TEST

START_TEST(what_waits_for_room_is_dropped_by_a_reset)
{
	AUTO_CLOSE int dir = small_file_system();
	if (dir < 0)
		test_skip("no name space with a file system of its own can be made");
	static uint8_t ballast[16384];
	image_dir = dir;
	restart();
	AUTO_CLOSE int other = openat(dir, "ballast", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	while (fd_write_all(other, ballast, sizeof(ballast)) == 0)
		;
	header(OUT, 8);
	drv_desc(&d, 0, HEADER, 16, D_NEXT, 1);
	drv_desc(&d, 1, DATA, 8192, D_NEXT, 2);
	drv_desc(&d, 2, STATUS, 1, D_WRITE, 0);
	drv_avail(&d, 0);
	drv_kick(&d);
	wait_disk();
	ck_assert(t->m.pause_requested);
	drv_write(&d, 0x14, 1, 0);
	ck_assert_uint_eq(drv_status(&d), 0);
	drv_start(&d, DRV_ALL_FEATURES);
	ck_assert_uint_eq(request(IN, 8, 512, NULL), OK);
}
END_TEST

START_TEST(what_the_host_owes_is_told_with_its_time)
{
	const char *what = "";
	uint64_t began = t->m.fake_now_ns;
	ck_assert_uint_eq(virtio_blk_oldest(d.dev, &what), 0);
	header(OUT, 5);
	drv_desc(&d, 0, HEADER, 16, D_NEXT, 1);
	drv_desc(&d, 1, DATA, 512, D_NEXT, 2);
	drv_desc(&d, 2, STATUS, 1, D_WRITE, 0);
	drv_avail(&d, 0);
	drv_kick(&d);
	t->m.fake_now_ns += 5000000000u;
	ck_assert_uint_eq(virtio_blk_oldest(d.dev, &what), began);
	ck_assert_str_eq(what, "write");
	wait_disk();
	ck_assert_uint_eq(virtio_blk_oldest(d.dev, &what), 0);
}
END_TEST

START_TEST(a_reset_waits_for_what_is_in_work)
{
	uint32_t h, l;
	header(OUT, 5);
	drv_desc(&d, 0, HEADER, 16, D_NEXT, 1);
	drv_desc(&d, 1, DATA, 512, D_NEXT, 2);
	drv_desc(&d, 2, STATUS, 1, D_WRITE, 0);
	drv_avail(&d, 0);
	drv_kick(&d);
	drv_write(&d, 0x14, 1, 0);
	ck_assert_uint_ne(drv_status(&d), 0);
	wait_disk();
	ck_assert_uint_eq(drv_status(&d), 0);
	ck_assert(!drv_used(&d, &h, &l)); /* the rings are the driver's again */
	drv_start(&d, DRV_ALL_FEATURES);
	ck_assert_uint_eq(request(IN, 5, 512, NULL), OK);
}
END_TEST

START_TEST(a_reset_of_the_machine_ends_what_is_in_work)
{
	header(OUT, 5);
	drv_desc(&d, 0, HEADER, 16, D_NEXT, 1);
	drv_desc(&d, 1, DATA, 512, D_NEXT, 2);
	drv_desc(&d, 2, STATUS, 1, D_WRITE, 0);
	drv_avail(&d, 0);
	drv_kick(&d);
	d.dev->type->reset(d.dev);
	ck_assert_uint_eq(virtio_blk_image(d.dev)->in_flight, 0);
	drv_attach(&d, t, d.dev);
	drv_start(&d, DRV_ALL_FEATURES);
	ck_assert_uint_eq(request(IN, 5, 512, NULL), OK);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("virtio_blk");
	TCase *c = tcase_create("virtio_blk");
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, what_is_written_is_read);
	tcase_add_loop_test(c, each_request_has_its_status, 0, ARRAY_SIZE(cases));
	tcase_add_test(c, the_header_may_be_split_anywhere);
	tcase_add_test(c, header_and_data_may_share_a_buffer);
	tcase_add_test(c, the_status_is_the_last_byte_of_the_last_buffer);
	tcase_add_test(c, data_may_come_in_odd_pieces);
	tcase_add_loop_test(c, a_chain_without_header_or_status_is_nonsense, 0, 2);
	tcase_add_test(c, a_readonly_disk_says_so_and_refuses);
	tcase_add_test(c, the_id_is_the_serial_number);
	tcase_add_loop_test(c, ranges_are_checked_and_cleared, 0, ARRAY_SIZE(ranges));
	tcase_add_test(c, discard_is_only_offered_when_asked_for);
	tcase_add_test(c, the_configuration_tells_the_disk);
	tcase_add_test(c, the_cache_follows_the_driver);
	tcase_add_loop_test(c, a_lost_flush_is_the_guests_to_know_and_stays, 0, 3);
	tcase_add_test(c, a_full_host_pauses_and_the_write_goes_on_at_resume);
	tcase_add_test(c, what_waits_for_room_is_dropped_by_a_reset);
	tcase_add_test(c, a_reset_waits_for_what_is_in_work);
	tcase_add_test(c, what_the_host_owes_is_told_with_its_time);
	tcase_add_test(c, a_reset_of_the_machine_ends_what_is_in_work);
	suite_add_tcase(s, c);
	return test_main(s);
}
