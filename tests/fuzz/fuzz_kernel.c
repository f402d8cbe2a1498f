/* Any file as a kernel, with modules: it is refused with a sentence, or it is loaded. What our option ROM is
 * told to load then can be loaded, piece by piece, and lies in memory that is neither the BIOS' nor its own.
 */
#include <endian.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "backend/vmm/boot/boot.h"
#include "backend/vmm/device.h"
#include "backend/vmm/machine.h"
#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/log.h"
#include "src/base/str.h"
#include "tests/fuzz/fuzzlib.h"

#define RAM (8u << 20)
#define TABLE 0x1000u
#define KEY_TABLE 0x80f0u

static const char *const lines[] = {"", "quiet", "vga=ask", "nomodeset"};

static struct domain *domain_of(unsigned how)
{
	AUTO_FREE char *xml = x_asprintf(
	    "<domain type='kvm'><name>t</name><memory unit='MiB'>8</memory><vcpu>1</vcpu><os>"
	    "<type>hvm</type><kernel>/k</kernel><initrd>/a x,/b,,y</initrd><cmdline>%s</cmdline></os>"
	    "<devices>%s</devices></domain>",
	    lines[how & 3], how & 4 ? "<video><model type='vga'/></video>" : "");
	struct domain *d = NULL;
	if (domain_parse(xml, strlen(xml), "t", &d, NULL))
		abort();
	return d;
}

static int file_of(const uint8_t *p, size_t n)
{
	int fd = memfd_create("kernel", MFD_CLOEXEC);
	if (fd < 0 || fd_write_all(fd, (const void *)p, n))
		abort();
	return fd;
}

static void dma(struct machine *m, uint32_t gpa)
{
	uint32_t at = htobe32(gpa), high = 0, control = 1;
	bus_access(&m->pio, 0x514, &high, 4, true);
	bus_access(&m->pio, 0x518, &at, 4, true);
	if (gm_read(&m->mem, gpa, &control, 4) || control)
		abort();
}

/* As bootrom.S does. */
static void rom(struct machine *m)
{
	struct {
		uint32_t control, length;
		uint64_t address;
	} d = {htobe32(KEY_TABLE << 16 | 0x0a), htobe32(0x5000), htobe64(TABLE)};
	uint16_t n;
	gm_write(&m->mem, 0x7000, &d, sizeof(d));
	dma(m, 0x7000);
	gm_read(&m->mem, TABLE + 2, &n, sizeof(n));
	for (unsigned i = 0; i < n; i++) {
		gm_read(&m->mem, TABLE + 80 + 16 * i, &d, sizeof(d));
		uint64_t from = be64toh(d.address), to = from + be32toh(d.length);
		if (from < 0x8000 || to > RAM - 0x100000 || (from < 0x100000 && to > 0x9c000))
			abort();
		dma(m, TABLE + 80 + 16 * i);
	}
}

static void boot(struct machine *m, struct dev *fw_cfg)
{
	struct err e = {0};
	struct boot_entry entry;
	bool bios = false;
	int rc = boot_wants_bios(m, &bios, &e);
	if (!rc && bios)
		rc = boot_through_bios(m, fw_cfg, &e);
	else if (!rc)
		rc = boot_direct(m, &entry, &e);
	if (rc && (rc > 0 || !e.msg[0]))
		abort();
	if (!rc && bios)
		rom(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct dev_def def = {.model = "fw-cfg", .name = "fw-cfg"};
	static struct machine m;
	struct dev *fw_cfg;
	static int quiet = -1;
	if (!size)
		return 0;
	if (quiet < 0) {
		quiet = open("/dev/null", O_WRONLY | O_CLOEXEC);
		log_open("fuzz", quiet);
	}
	memset(&m, 0, sizeof(m));
	if (machine_init_bare(&m, RAM, 0, &fuzz_sink, NULL, NULL) || dev_new(&m, &def, &fw_cfg, NULL))
		abort();
	m.domain = domain_of(data[0]);
	named_add(&m.fds, "kernel", file_of(data + 1, size - 1));
	named_add(&m.fds, "firmware", file_of(data, 1));
	for (unsigned i = 0; i < (data[0] >> 3 & 3); i++)
		named_add(&m.fds, i == 0 ? "initrd.0" : i == 1 ? "initrd.1" : "initrd", file_of(data, size));
	boot(&m, fw_cfg);
	dev_free(fw_cfg);
	domain_free(m.domain);
	named_done(&m.fds);
	machine_done_bare(&m);
	return 0;
}
