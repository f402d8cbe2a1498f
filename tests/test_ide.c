/* The IDE function as a driver sees it: disks by PIO and bus master, CD-ROM drives, media that change, and
 * drivers that do not play by the rules.
 * needs: root */
#include "tests/blkfault.h"
#include "tests/testlib.h"
#include "tests/vmmlib.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <unistd.h>

#include "backend/vmm/dev/ide.h"
#include "backend/vmm/pci.h"
#include "src/base/cleanup.h"
#include "src/base/file.h"

enum { DATA, ERROR, COUNT, LBA0, LBA1, LBA2, DEVICE, STATUS };
enum { ERR = 0x01, DRQ = 0x08, DRDY = 0x40, BSY = 0x80, READY = 0x50 };
enum { ABRT = 0x04, IDNF = 0x10 };
enum { BM_COMMAND, BM_STATUS = 2, BM_TABLE = 4 };
enum { BM_START = 1, BM_TO_MEMORY = 8, BM_ACTIVE = 1, BM_ERROR = 2, BM_INTR = 4 };

#define SECTORS 4096u
#define BLOCKS 700u /* of the CD */
#define TABLE 0x10000u
#define DMA_BUF 0x100000u

static struct vmm_test *t;
static struct dev *ide;
static int image, cd_image;
static uint16_t cmd, ctl, bm; /* ports of the channel in use */
static unsigned irq;
static struct domain_disk disk, cd;

static void channel(unsigned n)
{
	cmd = n ? 0x170 : 0x1f0;
	ctl = n ? 0x376 : 0x3f6;
	bm = (uint16_t)(0xc000 + 8 * n);
	irq = 14 + n;
}

static int make_image(size_t bytes, unsigned seed, int fd)
{
	AUTO_FREE uint8_t *p = malloc(bytes);
	for (size_t i = 0; i < bytes; i++)
		p[i] = (uint8_t)(seed + i * 7 + i / 512);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fd_write_all(fd, p, bytes), 0);
	return fd;
}

static uint8_t byte_of(unsigned seed, size_t i)
{
	return (uint8_t)(seed + i * 7 + i / 512);
}

static void give(const char *name, int fd)
{
	ck_assert_int_eq(named_add(&t->m.fds, name, fcntl(fd, F_DUPFD_CLOEXEC, 0)), 0);
}

static void setup(void)
{
	static char hda[] = "hda", hdc[] = "hdc", raw[] = "raw", bus[] = "ide", serial[] = "SN-42",
		    path[] = "/a.iso";
	struct err e = {0};
	disk =
	    (struct domain_disk){.target = hda, .format = raw, .bus = bus, .serial = serial, .discard = true};
	cd = (struct domain_disk){.target = hdc, .format = raw, .bus = bus, .device = DISK_DEVICE_CDROM, .unit = 2,
	                          .readonly = true, .source = path};
	t = vmm_start(1);
	image = make_image(SECTORS * 512, 1, memfd_create("disk", MFD_CLOEXEC));
	cd_image = make_image(BLOCKS * 2048, 2, memfd_create("cd", MFD_CLOEXEC));
	give("disk:hda", image);
	give("disk:hdc", cd_image);
	struct dev_def bridge = {.model = "piix3", .name = "isa-bridge", .addr = {.set = true, .slot = 1}};
	struct dev_def def = {
	    .model = "piix3-ide", .name = "ide", .addr = {.set = true, .slot = 1, .function = 1}};
	ck_assert(!dev_new(&t->m, &bridge, NULL, &e));
	ck_assert_msg(!dev_new(&t->m, &def, &ide, &e), "%s", e.msg);
	ck_assert_msg(!ide_attach(ide, &disk, &e), "%s", e.msg);
	ck_assert_msg(!ide_attach(ide, &cd, &e), "%s", e.msg);
	pci_setup(&t->m);
	channel(0);
}

static void teardown(void)
{
	vmm_stop(t);
	close(image);
	close(cd_image);
}

/* The machine's main loop until the drive asks for something. */
static void settle(void)
{
	while (ide_in_flight(ide)) {
		ide_completed(ide);
		sched_yield();
	}
}

static uint8_t status(void)
{
	settle();
	return in8(t, cmd + STATUS);
}

static void select_drive(unsigned drive)
{
	out8(t, cmd + DEVICE, (uint8_t)(0xe0 | drive << 4));
}

static void start(uint8_t command, uint32_t lba, uint8_t count)
{
	out8(t, cmd + COUNT, count);
	out8(t, cmd + LBA0, (uint8_t)lba);
	out8(t, cmd + LBA1, (uint8_t)(lba >> 8));
	out8(t, cmd + LBA2, (uint8_t)(lba >> 16));
	out8(t, cmd + DEVICE, (uint8_t)(0xe0 | (lba >> 24 & 0xf)));
	out8(t, cmd + STATUS, command);
}

static void start_ext(uint8_t command, uint64_t lba, uint16_t count)
{
	out8(t, cmd + COUNT, (uint8_t)(count >> 8));
	out8(t, cmd + LBA0, (uint8_t)(lba >> 24));
	out8(t, cmd + LBA1, (uint8_t)(lba >> 32));
	out8(t, cmd + LBA2, (uint8_t)(lba >> 40));
	start(command, (uint32_t)(lba & 0xffffff), (uint8_t)count);
}

static void pull(uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i += 2) {
		uint32_t w = vmm_in(t, cmd, 2);
		p[i] = (uint8_t)w;
		if (i + 1 < n)
			p[i + 1] = (uint8_t)(w >> 8);
	}
}

static void push(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i += 2)
		vmm_out(t, cmd, 2, p[i] | (uint32_t)p[i + 1] << 8);
}

static void identify(uint8_t command, uint8_t id[512])
{
	out8(t, cmd + STATUS, command);
	ck_assert_uint_eq(status() & (BSY | DRQ | ERR), DRQ);
	pull(id, 512);
	ck_assert_uint_eq(status() & (BSY | DRQ | ERR), 0);
}

static void text_of(const uint8_t *p, unsigned len, char *out)
{
	for (unsigned i = 0; i < len; i++)
		out[i] = (char)p[i ^ 1];
	while (len && out[len - 1] == ' ')
		len--;
	out[len] = 0;
}

/* Disks */

START_TEST(a_disk_says_what_it_is)
{
	uint8_t id[512], sum = 0;
	char text[41];
	select_drive(0);
	identify(0xec, id);
	ck_assert_uint_eq(t->edges[14], 1);
	ck_assert_uint_eq(pci_get32(id + 120), SECTORS);
	ck_assert_uint_eq(pci_get32(id + 200), SECTORS);
	ck_assert_uint_eq(pci_get16(id) & 0x8000, 0);
	text_of(id + 20, 20, text);
	ck_assert_str_eq(text, "SN-42");
	text_of(id + 54, 40, text);
	ck_assert_str_eq(text, "VMDECK HARDDISK");
	for (unsigned i = 0; i < 512; i++)
		sum = (uint8_t)(sum + id[i]);
	ck_assert_uint_eq(sum, 0);
	ck_assert(pci_get16(id + 166) & 0x0400); /* 48-bit addresses */
}
END_TEST

START_TEST(drives_that_are_not_there_read_as_zeros)
{
	select_drive(1);
	ck_assert_uint_eq(status(), 0);
	out8(t, cmd + COUNT, 0x55);
	ck_assert_uint_eq(in8(t, cmd + COUNT), 0);
	out8(t, cmd + STATUS, 0xec);
	ck_assert_uint_eq(status(), 0);
	select_drive(0);
	ck_assert_uint_eq(status(), READY);
	ck_assert_uint_eq(in8(t, cmd + COUNT), 0x55);
	ck_assert_uint_eq(in8(t, cmd + DEVICE), 0xe0);
}
END_TEST

/* "Not busy", and an answer that never comes, would be waited for: U-Boot did for half a minute. */
START_TEST(a_channel_without_drives_floats)
{
	static const struct dev_def def = {
	    .model = "piix3-ide", .name = "bare", .addr = {.set = true, .slot = 1, .function = 1}};
	struct err e = {0};
	dev_free(ide);
	ck_assert_msg(!dev_new(&t->m, &def, &ide, &e), "%s", e.msg);
	for (unsigned n = 0; n < 2; n++) {
		channel(n);
		for (unsigned drive = 0; drive < 2; drive++) {
			select_drive(drive);
			out8(t, cmd + COUNT, 0x55);
			out8(t, cmd + STATUS, drive ? 0xec : 0x90); /* IDENTIFY, EXECUTE DEVICE DIAGNOSTIC */
			for (unsigned reg = ERROR; reg <= STATUS; reg++)
				ck_assert_uint_eq(in8(t, cmd + reg), 0x7f);
			ck_assert_uint_eq(in8(t, ctl), 0x7f);
			ck_assert_uint_eq(vmm_in(t, cmd + DATA, 2), 0x7f7f);
			ck_assert_uint_eq(vmm_in(t, cmd + DATA, 4), 0x7f7f7f7f);
		}
		out8(t, ctl, 4); /* SRST */
		out8(t, ctl, 0);
		ck_assert_uint_eq(in8(t, cmd + STATUS), 0x7f);
		ck_assert(!t->level[irq] && !t->edges[irq]);
	}
}
END_TEST

/* Commands of PIO, and how many sectors come with one DRQ. */
static const struct { uint8_t read, write; bool ext; unsigned block; } pios[] = {
	{0x20, 0x30, false, 1}, {0x24, 0x34, true, 1}, {0xc4, 0xc5, false, 4}, {0x29, 0x39, true, 4},
};

START_TEST(pio_reads_what_it_wrote)
{
	enum { LBA = 300, N = 301 }; /* more than the drive's buffer */
	unsigned n = pios[_i].ext ? N : 250, block = pios[_i].block;
	AUTO_FREE uint8_t *p = malloc(N * 512), *q = malloc(N * 512);
	for (unsigned i = 0; i < N * 512; i++)
		p[i] = (uint8_t)(i * 3 + i / 512);
	start(0xc6, 0, 4); /* SET MULTIPLE */
	ck_assert_uint_eq(status(), READY);
	for (unsigned write = 1; write < 2; write--) {
		uint8_t code = write ? pios[_i].write : pios[_i].read;
		unsigned edges = t->edges[14];
		if (pios[_i].ext)
			start_ext(code, LBA, (uint16_t)n);
		else
			start(code, LBA, (uint8_t)n);
		for (unsigned k = 0; k < n; k += block) {
			unsigned len = (n - k < block ? n - k : block) * 512;
			ck_assert_uint_eq(status(), READY | DRQ);
			if (write)
				push(p + k * 512, len);
			else
				pull(q + k * 512, len);
		}
		ck_assert_uint_eq(status(), READY);
		ck_assert_uint_eq(t->edges[14] - edges, (n + block - 1) / block);
	}
	ck_assert_mem_eq(p, q, n * 512);
	ck_assert_int_eq(pread(image, q, n * 512, LBA * 512), n * 512);
	ck_assert_mem_eq(p, q, n * 512);
	const struct stats_disk *s = &machine_stats(&t->m, STATS_DISK, "hda")->disk;
	ck_assert_uint_eq(s->rd_bytes, n * 512);
	ck_assert_uint_eq(s->wr_bytes, n * 512);
}
END_TEST

START_TEST(cylinders_heads_and_sectors_are_places_too)
{
	uint8_t p[512];
	out8(t, cmd + COUNT, 1);
	out8(t, cmd + LBA0, 5); /* sector, from 1 */
	out8(t, cmd + LBA1, 2);
	out8(t, cmd + LBA2, 0);
	out8(t, cmd + DEVICE, 0xa0 | 3);
	out8(t, cmd + STATUS, 0x20);
	ck_assert_uint_eq(status(), READY | DRQ);
	pull(p, 512);
	uint64_t lba = (2 * 16 + 3) * 63 + 4;
	for (unsigned i = 0; i < 512; i++)
		ck_assert_uint_eq(p[i], byte_of(1, lba * 512 + i));
	out8(t, cmd + LBA0, 0);
	out8(t, cmd + STATUS, 0x20);
	ck_assert_uint_eq(status() & (ERR | DRQ | BSY), ERR);
}
END_TEST

/* The guest's table of regions. */
static unsigned nprds;

static void prd(uint32_t addr, uint32_t len, bool last)
{
	uint8_t *p = t->m.mem.ram + TABLE + 8 * nprds++;
	pci_put32(p, addr);
	pci_put16(p + 4, (uint16_t)len);
	pci_put16(p + 6, last ? 0x8000 : 0);
}

static void dma(bool to_memory)
{
	vmm_out(t, bm + BM_TABLE, 4, TABLE);
	out8(t, bm + BM_STATUS, BM_INTR | BM_ERROR);
	out8(t, bm + BM_COMMAND, to_memory ? BM_TO_MEMORY : 0);
	out8(t, bm + BM_COMMAND, (uint8_t)((to_memory ? BM_TO_MEMORY : 0) | BM_START));
}

static uint8_t dma_end(void)
{
	settle();
	uint8_t s = in8(t, bm + BM_STATUS);
	out8(t, bm + BM_COMMAND, 0);
	return s;
}

START_TEST(dma_goes_where_the_table_says)
{
	enum { LBA = 17, N = 256 };
	uint8_t *ram = t->m.mem.ram;
	nprds = 0;
	for (unsigned i = 0; i < N * 512 / 128; i++) /* pieces of a quarter sector, all over the place */
		prd(DMA_BUF + 256 * i, 128, i == N * 512 / 128 - 1);
	start(0xc8, LBA, 0);
	ck_assert_uint_eq(status() & BSY, BSY);
	dma(true);
	ck_assert_uint_eq(dma_end(), BM_INTR);
	ck_assert_uint_eq(status(), READY);
	for (unsigned i = 0; i < N * 512; i++)
		ck_assert_uint_eq(ram[DMA_BUF + 256 * (i / 128) + i % 128], byte_of(1, LBA * 512 + i));
	nprds = 0;
	prd(DMA_BUF, 0, false); /* 0: 64 KiB */
	prd(DMA_BUF + 0x10000, 0, true);
	for (unsigned i = 0; i < 0x20000; i++)
		ram[DMA_BUF + i] = (uint8_t)(i / 3);
	start_ext(0x35, 1000, 256);
	dma(false);
	ck_assert_uint_eq(dma_end(), BM_INTR);
	ck_assert_uint_eq(status(), READY);
	AUTO_FREE uint8_t *p = malloc(0x20000);
	ck_assert_int_eq(pread(image, p, 0x20000, 1000 * 512), 0x20000);
	ck_assert_mem_eq(p, ram + DMA_BUF, 0x20000);
	ck_assert_uint_eq(t->edges[14], 2);
}
END_TEST

START_TEST(a_table_may_have_room_for_more)
{
	nprds = 0;
	prd(DMA_BUF, 4096, true);
	start(0xc8, 0, 2);
	dma(true);
	settle();
	ck_assert_uint_eq(in8(t, bm + BM_STATUS), BM_INTR | BM_ACTIVE);
	out8(t, bm + BM_COMMAND, 0);
	ck_assert_uint_eq(in8(t, bm + BM_STATUS), BM_INTR);
	ck_assert_uint_eq(t->m.mem.ram[DMA_BUF + 1024], 0);
}
END_TEST

START_TEST(the_bus_master_may_be_started_first)
{
	nprds = 0;
	prd(DMA_BUF, 512, true);
	dma(true);
	start(0xc8, 9, 1);
	ck_assert_uint_eq(dma_end(), BM_INTR);
	ck_assert_uint_eq(t->m.mem.ram[DMA_BUF], byte_of(1, 9 * 512));
}
END_TEST

/* Tables that no driver may make, for a read of 4 sectors. */
static const struct { const char *what; uint32_t table, addr, len; bool last, master, error; } tables[] = {
	{"a table outside memory", 0x8000000, DMA_BUF, 2048, true, true, true},
	{"a table that leaves memory", (16 << 20) - 4, DMA_BUF, 2048, true, true, true},
	{"a region outside memory", TABLE, 0xfffffff0, 2048, true, true, true},
	{"a region that leaves memory", TABLE, (16 << 20) - 512, 2048, true, true, true},
	{"a region in the ports' own registers", TABLE, 0xfee00000, 2048, true, true, true},
	{"a table that is too short", TABLE, DMA_BUF, 1024, true, true, false},
	{"a table shorter than a sector", TABLE, DMA_BUF, 2, true, true, false},
	{"a bus master that is off", TABLE, DMA_BUF, 2048, true, false, true},
};

START_TEST(bad_tables_end_the_command)
{
	memset(t->m.mem.ram + TABLE, 0, 65536);
	nprds = 0;
	prd(tables[_i].addr, tables[_i].len, tables[_i].last);
	if (!tables[_i].master)
		pci_config_write(t->m.pci, 1, 1, 4, 2, 1);
	start(0xc8, 0, 4);
	vmm_out(t, bm + BM_TABLE, 4, tables[_i].table);
	out8(t, bm + BM_COMMAND, BM_TO_MEMORY | BM_START);
	settle();
	uint8_t s = in8(t, bm + BM_STATUS);
	ck_assert_msg((s & (BM_ACTIVE | BM_ERROR)) == (tables[_i].error ? BM_ERROR : 0), "%s: %02x",
		      tables[_i].what, s);
	ck_assert_uint_eq(status() & (BSY | ERR), ERR);
	ck_assert_uint_eq(in8(t, cmd + ERROR) & ABRT, ABRT);
	out8(t, bm + BM_COMMAND, 0);
	uint8_t id[512]; /* and the drive goes on */
	identify(0xec, id);
}
END_TEST

START_TEST(an_endless_table_ends_with_the_transfer)
{
	nprds = 0;
	for (unsigned i = 0; i < 8192; i++) /* the whole 64 KiB, no last one, 2 bytes each */
		prd(DMA_BUF + 4 * i, 2, false);
	start(0xc8, 0, 64);
	dma(true);
	ck_assert_uint_eq(dma_end() & BM_INTR, BM_INTR);
	ck_assert_uint_eq(status(), READY);
	ck_assert_uint_eq(t->m.mem.ram[DMA_BUF], byte_of(1, 2 * 8192)); /* it went round once */
}
END_TEST

static const struct { uint8_t command; bool ext; uint64_t lba; uint16_t count; } beyond[] = {
	{0x20, false, SECTORS, 1}, {0x20, false, SECTORS - 1, 2}, {0x30, false, SECTORS - 255, 0},
	{0xc8, false, 0xfffffff, 1}, {0x24, true, 0xffffffffffff, 0}, {0x25, true, 1ull << 40, 8},
	{0x35, true, SECTORS - 1, 0xffff}, {0x40, false, SECTORS, 1},
};

START_TEST(what_is_not_on_the_disk_is_not_found)
{
	unsigned edges = t->edges[14];
	if (beyond[_i].ext)
		start_ext(beyond[_i].command, beyond[_i].lba, beyond[_i].count);
	else
		start(beyond[_i].command, (uint32_t)beyond[_i].lba, (uint8_t)beyond[_i].count);
	ck_assert_uint_eq(status() & (BSY | DRQ | ERR), ERR);
	ck_assert_uint_eq(in8(t, cmd + ERROR) & IDNF, IDNF);
	ck_assert_uint_eq(t->edges[14], edges + 1);
}
END_TEST

/* Commands without data and how they end. */
static const struct { uint8_t command, feature, count, status; } plain[] = {
	{0x00, 0, 0, READY | ERR}, /* NOP */
	{0x10, 0, 0, READY},
	{0x91, 0, 63, READY},
	{0xb0, 0xd8, 0, READY | ERR}, /* SMART */
	{0xc6, 0, 16, READY},
	{0xc6, 0, 3, READY | ERR},
	{0xc6, 0, 32, READY | ERR},
	{0xe0, 0, 0, READY},
	{0xe7, 0, 0, READY},
	{0xea, 0, 0, READY},
	{0xef, 0x02, 0, READY},
	{0xef, 0x82, 0, READY},
	{0xef, 0x03, 0x0c, READY},
	{0xef, 0x03, 0x22, READY},
	{0xef, 0x03, 0x45, READY},
	{0xef, 0x03, 0x46, READY | ERR},
	{0xef, 0x03, 0x80, READY | ERR},
	{0xef, 0x99, 0, READY | ERR},
	{0xf5, 0, 0, READY | ERR}, /* security */
	{0xf8, 0, 0, READY},
	{0xa0, 0, 0, READY | ERR}, /* PACKET is for the other kind */
	{0xa1, 0, 0, READY | ERR},
	{0xff, 0, 0, READY | ERR},
};

START_TEST(commands_without_data_end_as_they_should)
{
	out8(t, cmd + ERROR, plain[_i].feature);
	start(plain[_i].command, 0, plain[_i].count);
	ck_assert_msg(status() == plain[_i].status, "%02x/%02x/%02x: %02x", plain[_i].command,
		      plain[_i].feature, plain[_i].count, in8(t, cmd + STATUS));
	ck_assert_uint_eq(t->edges[14], 1);
}
END_TEST

START_TEST(the_transfer_mode_is_told)
{
	uint8_t id[512];
	out8(t, cmd + ERROR, 3);
	start(0xef, 0, 0x44);
	ck_assert_uint_eq(status(), READY);
	identify(0xec, id);
	ck_assert_uint_eq(pci_get16(id + 176), 0x103f);
	ck_assert_uint_eq(pci_get16(id + 126), 0x0007);
}
END_TEST

START_TEST(trim_discards_what_it_names)
{
	uint8_t *p = t->m.mem.ram + DMA_BUF, sector[512];
	memset(p, 0, 512);
	pci_put32(p, 8);
	pci_put16(p + 6, 4); /* four sectors from the eighth */
	pci_put32(p + 16, 100);
	pci_put16(p + 22, 1);
	nprds = 0;
	prd(DMA_BUF, 512, true);
	out8(t, cmd + ERROR, 0); /* the first of two writes */
	out8(t, cmd + ERROR, 1);
	start_ext(0x06, 0, 1);
	dma(false);
	ck_assert_uint_eq(dma_end(), BM_INTR);
	ck_assert_uint_eq(status(), READY);
	for (unsigned i = 0; i < 3; i++) {
		static const unsigned at[] = {7, 11, 100};
		static const bool gone[] = {false, true, true};
		ck_assert_int_eq(pread(image, sector, 512, at[i] * 512), 512);
		bool zero = true;
		for (unsigned k = 0; k < 512; k++)
			zero = zero && !sector[k];
		ck_assert_msg(zero == gone[i], "sector %u", at[i]);
	}
	ck_assert_uint_eq(machine_stats(&t->m, STATS_DISK, "hda")->disk.discard_ops, 2);
	pci_put32(p, SECTORS); /* behind the end */
	start_ext(0x06, 0, 1);
	dma(false);
	settle();
	ck_assert_uint_eq(status() & ERR, ERR);
}
END_TEST

START_TEST(no_interrupt_comes_while_they_are_off)
{
	out8(t, ctl, 2);
	start(0x20, 0, 1);
	ck_assert_uint_eq(status() & DRQ, DRQ);
	ck_assert_uint_eq(t->edges[14], 0);
	out8(t, ctl, 0);
	ck_assert_uint_eq(t->edges[14], 0); /* status() took it back */
	start(0x20, 0, 1);
	settle();
	ck_assert(t->level[14]);
	in8(t, ctl); /* the alternate status leaves it alone */
	ck_assert(t->level[14]);
	out8(t, ctl, 2);
	ck_assert(!t->level[14]);
	out8(t, ctl, 0);
	ck_assert(t->level[14]);
	in8(t, cmd + STATUS);
	ck_assert(!t->level[14]);
}
END_TEST

static void signature(unsigned drive, uint8_t lba1, uint8_t lba2)
{
	out8(t, cmd + DEVICE, (uint8_t)(0xa0 | drive << 4));
	ck_assert_uint_eq(in8(t, cmd + ERROR), 1);
	ck_assert_uint_eq(in8(t, cmd + COUNT), 1);
	ck_assert_uint_eq(in8(t, cmd + LBA0), 1);
	ck_assert_uint_eq(in8(t, cmd + LBA1), lba1);
	ck_assert_uint_eq(in8(t, cmd + LBA2), lba2);
}

START_TEST(resets_and_diagnostics_leave_signatures)
{
	for (unsigned n = 0; n < 2; n++) {
		channel(n);
		start(0x20, 5, 1);
		out8(t, ctl, 4);
		ck_assert_uint_eq(in8(t, ctl) & BSY, BSY);
		out8(t, ctl, 0);
		settle();
		ck_assert_uint_eq(in8(t, ctl), n ? 0 : READY);
		signature(0, n ? 0x14 : 0, n ? 0xeb : 0);
		start(0x90, 77, 9);
		ck_assert_uint_eq(status(), n ? 0 : READY);
		signature(0, n ? 0x14 : 0, n ? 0xeb : 0);
	}
	ck_assert(!t->level[14]);
}
END_TEST

START_TEST(what_the_host_owes_is_told_with_its_time)
{
	const char *what = "";
	channel(1);
	select_drive(0);
	struct ide_drive *drive = ide_drive(ide, "hdc");
	ck_assert_ptr_nonnull(drive);
	ck_assert_uint_eq(ide_oldest(drive, &what), 0);
	uint8_t packet[12] = {0x28, [5] = 3, [8] = 16};
	uint64_t began = t->m.fake_now_ns;
	start(0xa0, 0x200000, 0);
	push(packet, 12);
	t->m.fake_now_ns += 5000000000u;
	if (ide_in_flight(ide)) {
		ck_assert_uint_eq(ide_oldest(drive, &what), began);
		ck_assert_str_eq(what, "read");
	}
	settle();
	ck_assert_uint_eq(ide_oldest(drive, &what), 0);
}
END_TEST

START_TEST(a_reset_waits_for_what_is_in_flight)
{
	channel(1);
	select_drive(0);
	uint8_t packet[12] = {0x28, [5] = 3, [8] = 16};
	start(0xa0, 0x200000, 0);
	push(packet, 12);
	out8(t, ctl, 4);
	out8(t, ctl, 0);
	ck_assert_uint_eq(in8(t, ctl), ide_in_flight(ide) ? BSY : 0);
	settle();
	ck_assert_uint_eq(in8(t, ctl), 0);
	signature(0, 0x14, 0xeb);
	ck_assert(!t->level[15]);
}
END_TEST

START_TEST(a_readonly_disk_is_not_written)
{
	static char hdb[] = "hdb", raw[] = "raw", bus[] = "ide";
	struct domain_disk ro = {.target = hdb, .format = raw, .bus = bus, .unit = 1, .readonly = true};
	struct err e = {0};
	give("disk:hdb", image);
	ck_assert_msg(!ide_attach(ide, &ro, &e), "%s", e.msg);
	out8(t, cmd + COUNT, 1);
	out8(t, cmd + DEVICE, 0xf0);
	out8(t, cmd + STATUS, 0x30);
	ck_assert_uint_eq(status() & (DRQ | ERR), ERR);
	out8(t, cmd + STATUS, 0x20);
	ck_assert_uint_eq(status() & (DRQ | ERR), DRQ);
	ck_assert_int_eq(ide_attach(ide, &ro, &e), -EBUSY);
	vmm_stop(TAKE_PTR(t)); /* before ro goes away */
	t = vmm_start(1);
}
END_TEST

START_TEST(the_write_cache_can_be_off)
{
	uint8_t id[512], sector[512] = {9};
	out8(t, cmd + ERROR, 0x82);
	start(0xef, 0, 0);
	ck_assert_uint_eq(status(), READY);
	identify(0xec, id);
	ck_assert_uint_eq(pci_get16(id + 170) & 0x20, 0);
	start(0x30, 3, 1);
	push(sector, 512);
	ck_assert_uint_eq(status(), READY);
	out8(t, cmd + ERROR, 0x02);
	start(0xef, 0, 0);
	identify(0xec, id);
	ck_assert_uint_eq(pci_get16(id + 170) & 0x20, 0x20);
}
END_TEST

START_TEST(a_lost_flush_is_the_guests_to_know_and_stays)
{
	static const int errors[] = {EIO, ENOSPC, EDQUOT};
	out8(t, cmd + DEVICE, 0xe0);
	out8(t, cmd + STATUS, 0xe7);
	ck_assert_uint_eq(status(), READY);
	blkfault = (struct blkfault){IOQ_SYNC, 0, 1, -errors[_i]};
	for (unsigned i = 0; i < 3; i++) {
		out8(t, cmd + STATUS, 0xe7 + 3 * (i % 2)); /* FLUSH CACHE, FLUSH CACHE EXT */
		ck_assert_uint_eq(status() & ERR, ERR);
	}
	ck_assert(!t->m.pause_requested);
	ck_assert_uint_eq(machine_stats(&t->m, STATS_DISK, "hda")->disk.lost, errors[_i]);
	struct ide_drive_state s;
	ide_drive_state(ide_drive(ide, "hda"), &s);
	ck_assert_int_eq(s.lost, -errors[_i]);
}
END_TEST

START_TEST(a_full_host_pauses_and_the_write_goes_on_at_resume)
{
	static char hdb[] = "hdb", raw[] = "raw", bus[] = "ide";
	static struct domain_disk full;
	struct err e = {0};
	full = (struct domain_disk){.target = hdb, .format = raw, .bus = bus, .unit = 1};
	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", "/tmp", "tmpfs", 0, "size=64k"))
		test_skip("no mount namespace of one's own here");
	int fd = open("/tmp/image", O_RDWR | O_CREAT | O_CLOEXEC, 0600),
	    hog = open("/tmp/hog", O_RDWR | O_CREAT, 0600);
	ck_assert_int_eq(ftruncate(fd, 256 << 10), 0);
	ck_assert_int_eq(fallocate(hog, 0, 0, 64 << 10), 0);
	give("disk:hdb", fd);
	ck_assert_msg(!ide_attach(ide, &full, &e), "%s", e.msg);
	uint8_t sector[512] = {7}, got[512];
	out8(t, cmd + COUNT, 1);
	out8(t, cmd + LBA0, 8);
	out8(t, cmd + LBA1, 0);
	out8(t, cmd + LBA2, 0);
	out8(t, cmd + DEVICE, 0xf0);
	out8(t, cmd + STATUS, 0x30);
	push(sector, 512);
	settle();
	ck_assert(t->m.pause_requested);
	ck_assert_uint_eq(in8(t, ctl), BSY);
	t->m.pause_requested = false;
	ide->type->resumed(ide); /* still full */
	settle();
	ck_assert(t->m.pause_requested);
	ck_assert_int_eq(ftruncate(hog, 0), 0);
	ide->type->resumed(ide);
	ck_assert_uint_eq(status(), READY);
	ck_assert_int_eq(pread(fd, got, 512, 8 * 512), 512);
	ck_assert_mem_eq(got, sector, 512);
	close(fd);
	close(hog);
}
END_TEST

/* CD-ROM */

/* A packet and its answer; the DRQ blocks must not be longer than @limit. Return: the status register. */
static uint8_t packet(const uint8_t p[12], uint32_t limit, uint8_t *out, size_t room, size_t *got)
{
	size_t n = 0;
	channel(1);
	out8(t, cmd + ERROR, 0);
	out8(t, cmd + LBA1, (uint8_t)limit);
	out8(t, cmd + LBA2, (uint8_t)(limit >> 8));
	out8(t, cmd + DEVICE, 0xa0);
	out8(t, cmd + STATUS, 0xa0);
	ck_assert_uint_eq(status() & (BSY | DRQ), DRQ);
	ck_assert_uint_eq(in8(t, cmd + COUNT) & 7, 1); /* the packet, please */
	push(p, 12);
	while (status() & DRQ) {
		unsigned len = in8(t, cmd + LBA1) | (unsigned)in8(t, cmd + LBA2) << 8;
		ck_assert_uint_eq(in8(t, cmd + COUNT) & 7, 2); /* data for the host */
		ck_assert_uint_le(len, limit);
		ck_assert_uint_le(n + len, room);
		pull(out + n, len);
		n += len;
	}
	ck_assert_uint_eq(in8(t, cmd + COUNT) & 7, 3); /* that was it */
	if (got)
		*got = n;
	return in8(t, cmd + STATUS);
}

/* Sense key << 16 | ASC << 8 | ASCQ. */
static uint32_t sense(void)
{
	uint8_t p[12] = {3, [4] = 18}, out[18];
	size_t n;
	ck_assert_uint_eq(packet(p, 18, out, sizeof(out), &n) & ERR, 0);
	ck_assert_uint_eq(n, 18);
	return (uint32_t)(out[2] & 15) << 16 | (uint32_t)out[12] << 8 | out[13];
}

static bool ready(void)
{
	static const uint8_t test[12] = {0};
	uint8_t none[1];
	return !(packet(test, 2, none, 0, NULL) & ERR);
}

START_TEST(a_cd_drive_says_what_it_is)
{
	uint8_t id[512], out[36], p[12] = {0x12, [4] = 36};
	size_t n;
	channel(1);
	select_drive(0);
	start(0xec, 0, 0); /* a disk? */
	ck_assert_uint_eq(status() & ERR, ERR);
	ck_assert_uint_eq(in8(t, cmd + LBA1), 0x14);
	ck_assert_uint_eq(in8(t, cmd + LBA2), 0xeb);
	identify(0xa1, id);
	ck_assert_uint_eq(pci_get16(id), 0x85c0);
	ck_assert(pci_get16(id + 98) & 0x0100); /* DMA */
	ck_assert_uint_eq(packet(p, 36, out, sizeof(out), &n), DRDY);
	ck_assert_uint_eq(n, 36);
	ck_assert_uint_eq(out[0], 5);
	ck_assert_mem_eq(out + 8, "VMDECK  CD-ROM  ", 16);
}
END_TEST

static const uint32_t limits[] = {2048, 512, 2, 2047, 65534, 65535, 0};

START_TEST(a_cd_is_read_in_blocks_that_the_host_wants)
{
	enum { LBA = 3, N = 70 }; /* more than the drive's buffer */
	uint8_t p[12] = {0x28, [5] = LBA, [8] = N};
	AUTO_FREE uint8_t *out = malloc(N * 2048);
	size_t n;
	channel(1);
	uint32_t limit = limits[_i] ? limits[_i] : 65536;
	ck_assert_uint_eq(packet(p, limit, out, N * 2048, &n), DRDY);
	ck_assert_uint_eq(n, N * 2048);
	for (size_t i = 0; i < n; i++)
		ck_assert_uint_eq(out[i], byte_of(2, LBA * 2048 + i));
	ck_assert_uint_eq(machine_stats(&t->m, STATS_DISK, "hdc")->disk.rd_bytes, N * 2048);
}
END_TEST

START_TEST(a_cd_is_read_by_dma)
{
	enum { LBA = 100, N = 64 };
	uint8_t p[12] = {0xa8, [5] = LBA, [9] = N}, inquiry[12] = {0x12, [4] = 36};
	channel(1);
	nprds = 0;
	for (unsigned i = 0; i < N * 2048 / 130 + 1; i++) /* in pieces that no block fits */
		prd(DMA_BUF + 130 * i, 130, i == N * 2048 / 130);
	for (unsigned k = 0; k < 2; k++) {
		const uint8_t *what = k ? inquiry : p;
		out8(t, cmd + DEVICE, 0xa0);
		out8(t, cmd + ERROR, 1);
		out8(t, cmd + STATUS, 0xa0);
		push(what, 12);
		dma(true);
		ck_assert_uint_eq(dma_end() & (BM_INTR | BM_ERROR), BM_INTR);
		ck_assert_uint_eq(status(), DRDY);
		ck_assert_uint_eq(in8(t, cmd + COUNT) & 7, 3);
		for (unsigned i = 0; !k && i < N * 2048; i++)
			ck_assert_uint_eq(t->m.mem.ram[DMA_BUF + i], byte_of(2, LBA * 2048 + i));
	}
	ck_assert_mem_eq(t->m.mem.ram + DMA_BUF + 8, "VMDECK", 6);
}
END_TEST

/* Packets, and the first bytes of their answers or the sense. */
static const struct { const char *what; uint8_t p[12]; uint32_t sense; size_t len; uint8_t out[16]; } packets[] = {
	{"capacity", {0x25}, 0, 8, {0, 0, (BLOCKS - 1) >> 8, (BLOCKS - 1) & 255, 0, 0, 8, 0}},
	{"TOC", {0x43, [8] = 255}, 0, 20, {0, 18, 1, 1, 0, 0x14, 1}},
	{"TOC in minutes", {0x43, 2, [8] = 12}, 0, 12, {0, 18, 1, 1, 0, 0x14, 1, 0, 0, 0, 2, 0}},
	{"lead-out", {0x43, [6] = 0xaa, [8] = 255}, 0, 12, {0, 10, 1, 1, 0, 0x14, 0xaa, 0, 0, 0, BLOCKS >> 8, BLOCKS & 255}},
	{"second track", {0x43, [6] = 2, [8] = 255}, 0x052400, 0, {0}},
	{"sessions", {0x43, 0, 1, [8] = 255}, 0, 12, {0, 10, 1, 1, 0, 0x14, 1}},
	{"full TOC", {0x43, 2, 2, [8] = 255}, 0, 48, {0, 46, 1, 1, 1, 0x14, 0, 0xa0}},
	{"TOC of an unknown kind", {0x43, 0, 5, [8] = 255}, 0x052400, 0, {0}},
	{"capabilities", {0x5a, 0, 0x2a, [8] = 255}, 0, 28, {0, 26, 1, 0, 0, 0, 0, 0, 0x2a, 18}},
	{"saved page", {0x5a, 0, 0xea, [8] = 255}, 0x053900, 0, {0}},
	{"unknown page", {0x5a, 0, 0x1d, [8] = 255}, 0x052400, 0, {0}},
	{"profiles", {0x46, 2, [8] = 255}, 0, 20, {0, 0, 0, 16, 0, 0, 0, 8, 0, 0, 3, 8, 0, 0x10, 0, 0}},
	{"a bad kind of configuration", {0x46, 3, [8] = 255}, 0x052400, 0, {0}},
	{"mechanism", {0xbd, [9] = 8}, 0, 8, {0}},
	{"no room", {0xbd}, 0, 0, {0}},
	{"events", {0x4a, 1, [4] = 0x10, [8] = 255}, 0, 8, {0, 6, 4, 0x10, 0, 2}},
	{"events of a class that is none", {0x4a, 1, [4] = 0x02, [8] = 255}, 0, 4, {0, 2, 0x80, 0x10}},
	{"events not polled for", {0x4a, 0, [4] = 0x10, [8] = 255}, 0x052400, 0, {0}},
	{"disc information", {0x51, [8] = 255}, 0, 34, {0, 32, 14, 1, 1}},
	{"behind the end", {0x28, [4] = BLOCKS >> 8, BLOCKS & 255, [8] = 1}, 0x052100, 0, {0}},
	{"over the end", {0x28, [4] = (BLOCKS - 1) >> 8, (BLOCKS - 1) & 255, [8] = 2}, 0x052100, 0, {0}},
	{"very many", {0xa8, [6] = 255, 255, 255, 255}, 0x052100, 0, {0}},
	{"very far", {0xa8, 0, 255, 255, 255, 255, [9] = 1}, 0x052100, 0, {0}},
	{"nothing", {0x28}, 0, 0, {0}},
	{"seek", {0x2b, [5] = 9}, 0, 0, {0}},
	{"seek too far", {0x2b, 0, 1}, 0x052100, 0, {0}},
	{"raw data", {0xbe, [8] = 1, [9] = 0xf8}, 0x056400, 0, {0}},
	{"user data", {0xbe, [8] = 1, [9] = 0x10}, 0, 2048, {2, 9, 16}},
	{"write", {0x2a, [8] = 1}, 0x052000, 0, {0}},
	{"vital data", {0x12, 1, [4] = 36}, 0x052400, 0, {0}},
	{"speed", {0xbb}, 0, 0, {0}},
};

START_TEST(packets_are_answered_or_refused)
{
	AUTO_FREE uint8_t *out = malloc(65536);
	size_t n;
	uint8_t s = packet(packets[_i].p, 65534, out, 65536, &n);
	ck_assert_msg(!(s & ERR) == !packets[_i].sense, "%s: %02x", packets[_i].what, s);
	ck_assert_msg(n == packets[_i].len, "%s: %zu bytes", packets[_i].what, n);
	for (size_t i = 0; i < n && i < 16; i++)
		if (packets[_i].out[i])
			ck_assert_msg(out[i] == packets[_i].out[i], "%s: byte %zu is %02x", packets[_i].what,
				      i, out[i]);
	if (s & ERR)
		ck_assert_uint_eq(in8(t, cmd + ERROR), packets[_i].sense >> 16 << 4);
	ck_assert_uint_eq(sense(), packets[_i].sense);
	ck_assert_uint_eq(sense(), 0); /* told once */
}
END_TEST

static int change(int fd, bool force)
{
	struct err e = {0};
	return ide_change_medium(ide_drive(ide, "hdc"), fd, "/b.iso", "raw", force, &e);
}

static unsigned media_event(void)
{
	uint8_t p[12] = {0x4a, 1, [4] = 0x10, [8] = 8}, out[8];
	ck_assert_uint_eq(packet(p, 8, out, sizeof(out), NULL) & ERR, 0);
	return out[4] << 8 | out[5];
}

START_TEST(a_change_of_medium_is_noticed_once)
{
	ck_assert(ready());
	ck_assert_uint_eq(media_event(), 0x002);
	ck_assert_int_eq(change(make_image(4 * 2048, 9, memfd_create("b", MFD_CLOEXEC)), false), 0);
	ck_assert(!ready());
	ck_assert_uint_eq(sense(), 0x062800);
	ck_assert(ready());
	ck_assert_uint_eq(media_event(), 0x302);
	ck_assert_uint_eq(media_event(), 0x202);
	ck_assert_uint_eq(media_event(), 0x002);
	uint8_t p[12] = {0x28, [8] = 1}, out[2048];
	ck_assert_uint_eq(packet(p, 2048, out, sizeof(out), NULL), DRDY);
	ck_assert_uint_eq(out[100], byte_of(9, 100));
	struct ide_drive_state s;
	ide_drive_state(ide_drive(ide, "hdc"), &s);
	ck_assert_str_eq(s.path, "/b.iso");
	ck_assert_uint_eq(s.size_bytes, 4 * 2048);
	ck_assert_int_eq(change(-1, false), 0);
	ck_assert(!ready());
	ck_assert_uint_eq(sense(), 0x023a02);
	ck_assert_uint_eq(media_event(), 0x301);
	ide_drive_state(ide_drive(ide, "hdc"), &s);
	ck_assert(s.tray_open && !s.inserted && !s.path);
}
END_TEST

START_TEST(a_locked_tray_stays_shut_unless_forced)
{
	uint8_t lock[12] = {0x1e, [4] = 1}, eject[12] = {0x1b, [4] = 2}, none[1];
	packet(lock, 2, none, 0, NULL);
	ck_assert_int_eq(change(-1, false), -EBUSY);
	ck_assert_uint_eq(media_event(), 0x102); /* the guest learns that somebody wants it */
	ck_assert_uint_eq(media_event(), 0x002);
	ck_assert_uint_eq(packet(eject, 2, none, 0, NULL) & ERR, ERR);
	ck_assert_uint_eq(sense(), 0x055302);
	ck_assert(ready());
	ck_assert_int_eq(change(-1, true), 0);
	ck_assert(!ready());
	struct ide_drive_state s;
	ide_drive_state(ide_drive(ide, "hdc"), &s);
	ck_assert(!s.locked);
}
END_TEST

START_TEST(the_guest_opens_and_closes_the_tray)
{
	uint8_t eject[12] = {0x1b, [4] = 2}, load[12] = {0x1b, [4] = 3}, none[1];
	struct ide_drive_state s;
	ck_assert_uint_eq(packet(eject, 2, none, 0, NULL), DRDY);
	ide_drive_state(ide_drive(ide, "hdc"), &s);
	ck_assert(s.tray_open && s.inserted);
	ck_assert(!ready());
	ck_assert_uint_eq(sense(), 0x023a02);
	ck_assert_uint_eq(packet(load, 2, none, 0, NULL), DRDY);
	ck_assert(!ready());
	ck_assert_uint_eq(sense(), 0x062800);
	ck_assert(ready());
	ck_assert_int_eq(ide_tray(ide_drive(ide, "hda"), true, false, NULL), -EINVAL);
}
END_TEST

START_TEST(a_medium_may_go_while_it_is_read)
{
	uint8_t p[12] = {0x28, [5] = 1, [8] = 40};
	for (unsigned k = 0; k < 2; k++) {
		channel(1);
		ready();
		ready();
		out8(t, cmd + ERROR, 0);
		out8(t, cmd + LBA1, 0);
		out8(t, cmd + LBA2, 8);
		out8(t, cmd + DEVICE, 0xa0);
		out8(t, cmd + STATUS, 0xa0);
		push(p, 12);
		if (k) /* in the middle of the data; else before the first came, maybe */
			settle();
		ck_assert_int_eq(change(make_image(2048, 5, memfd_create("b", MFD_CLOEXEC)), true), 0);
		for (unsigned i = 0; i < 40 && status() & DRQ; i++) {
			uint8_t block[2048];
			pull(block, sizeof(block));
		}
		ck_assert_uint_eq(status() & (BSY | DRQ), 0);
		ck_assert(!ready());
		ck_assert(ready());
		ck_assert_int_eq(change(fcntl(cd_image, F_DUPFD_CLOEXEC, 0), false), 0);
	}
}
END_TEST

START_TEST(an_empty_drive_wants_a_medium)
{
	static char hdd[] = "hdd", raw[] = "raw", bus[] = "ide";
	static struct domain_disk empty;
	struct err e = {0};
	empty = (struct domain_disk){
	    .target = hdd, .format = raw, .bus = bus, .unit = 3, .device = DISK_DEVICE_CDROM};
	ck_assert_msg(!ide_attach(ide, &empty, &e), "%s", e.msg);
	struct ide_drive_state s;
	ide_drive_state(ide_drive(ide, "hdd"), &s);
	ck_assert(!s.inserted && !s.tray_open && s.removable);
	channel(1);
	out8(t, cmd + DEVICE, 0xb0);
	out8(t, cmd + STATUS, 0xa0);
	uint8_t test[12] = {0};
	push(test, 12);
	ck_assert_uint_eq(status(), DRDY | ERR);
	ck_assert_uint_eq(in8(t, cmd + ERROR), 0x20);
	struct domain_disk missing = disk;
	static char hdb[] = "hdb";
	missing.target = hdb;
	missing.unit = 1;
	ck_assert_int_eq(ide_attach(ide, &missing, &e), -ENOENT);
}
END_TEST

/* Machine resets */

START_TEST(a_reset_of_the_machine_ends_what_is_in_work)
{
	channel(1);
	uint8_t p[12] = {0x28, [5] = 1, [8] = 40};
	start(0xa0, 0x080000, 0);
	push(p, 12);
	ide->type->reset(ide);
	ck_assert_uint_eq(ide_in_flight(ide), 0);
	signature(0, 0x14, 0xeb);
	ck_assert(!t->level[15]);
	ck_assert(!pci_get16(&((struct pci_dev *)ide)->config[4]));
	pci_setup(&t->m);
	ck_assert(ready());
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ide");
	TCase *c = tcase_create("ide");
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, a_disk_says_what_it_is);
	tcase_add_test(c, drives_that_are_not_there_read_as_zeros);
	tcase_add_test(c, a_channel_without_drives_floats);
	tcase_add_loop_test(c, pio_reads_what_it_wrote, 0, ARRAY_SIZE(pios));
	tcase_add_test(c, cylinders_heads_and_sectors_are_places_too);
	tcase_add_test(c, dma_goes_where_the_table_says);
	tcase_add_test(c, a_table_may_have_room_for_more);
	tcase_add_test(c, the_bus_master_may_be_started_first);
	tcase_add_loop_test(c, bad_tables_end_the_command, 0, ARRAY_SIZE(tables));
	tcase_add_test(c, an_endless_table_ends_with_the_transfer);
	tcase_add_loop_test(c, what_is_not_on_the_disk_is_not_found, 0, ARRAY_SIZE(beyond));
	tcase_add_loop_test(c, commands_without_data_end_as_they_should, 0, ARRAY_SIZE(plain));
	tcase_add_test(c, the_transfer_mode_is_told);
	tcase_add_test(c, trim_discards_what_it_names);
	tcase_add_test(c, no_interrupt_comes_while_they_are_off);
	tcase_add_test(c, resets_and_diagnostics_leave_signatures);
	tcase_add_test(c, a_reset_waits_for_what_is_in_flight);
	tcase_add_test(c, what_the_host_owes_is_told_with_its_time);
	tcase_add_test(c, a_readonly_disk_is_not_written);
	tcase_add_test(c, the_write_cache_can_be_off);
	tcase_add_loop_test(c, a_lost_flush_is_the_guests_to_know_and_stays, 0, 3);
	tcase_add_test(c, a_full_host_pauses_and_the_write_goes_on_at_resume);
	tcase_add_test(c, a_cd_drive_says_what_it_is);
	tcase_add_loop_test(c, a_cd_is_read_in_blocks_that_the_host_wants, 0, ARRAY_SIZE(limits));
	tcase_add_test(c, a_cd_is_read_by_dma);
	tcase_add_loop_test(c, packets_are_answered_or_refused, 0, ARRAY_SIZE(packets));
	tcase_add_test(c, a_change_of_medium_is_noticed_once);
	tcase_add_test(c, a_locked_tray_stays_shut_unless_forced);
	tcase_add_test(c, the_guest_opens_and_closes_the_tray);
	tcase_add_test(c, a_medium_may_go_while_it_is_read);
	tcase_add_test(c, an_empty_drive_wants_a_medium);
	tcase_add_test(c, a_reset_of_the_machine_ends_what_is_in_work);
	suite_add_tcase(s, c);
	return test_main(s);
}
