/* Linux kernels, and what looks like one, by their real-mode setup code: of old protocols, those that have no
 * other entry (iPXE), and those that shall set a text mode themselves. (Linux,
 * Documentation/arch/x86/boot.rst, "Memory Layout", "The Real-Mode Kernel Header", "Running the Kernel") */
#include <asm/bootparam.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/vmm/boot/image.h"
#include "backend/vmm/boot/plan.h"
#include "backend/vmm/machine.h"
#include "src/base/cleanup.h"
#include "src/base/str.h"

#define HEADER_PROTOCOL 0x0200 /* from here on there is a "HdrS" */
#define OLD_MAGIC 0xa33f
#define LOW_KERNEL 0x10000u
#define LOW_SETUP 0x90000u
#define HIGH_SETUP 0x10000u
#define HIGH_KERNEL 0x100000u
#define LOW_CMDLINE_END 0x9a000u
#define HIGH_CMDLINE 0x20000u

/* Where the parts of such a kernel go. */
struct layout {
	struct setup_header h;
	bool high;        /* the kernel lies above 1 MiB */
	bool far_cmdline; /* and the command line is anywhere */
	uint32_t setup_bytes, setup_at, kernel_at, cmdline_at;
};

/* A boot sector that says how many of setup code follow, without the header: Linux before 1.3.73, and
 * memtest86+ before 6. Its kernel lies below 640 KiB, so it has no more. */
static bool is_old(const struct boot_image *k)
{
	unsigned sectors = k->setup_len >= 0x400 ? k->setup[0x1f1] : 0;
	return !linux_has_header(k) && sectors && sectors <= 64 && k->setup[0x1fe] == 0x55 &&
	       k->setup[0x1ff] == 0xaa && k->size > (sectors + 1) * 512u &&
	       k->size - (sectors + 1) * 512u <= LOW_SETUP - LOW_KERNEL;
}

static void lay_out(const struct boot_image *k, struct layout *l)
{
	if (linux_has_header(k))
		linux_header(k, &l->h);
	else
		l->h.setup_sects = k->setup[0x1f1], l->h.cmdline_size = 255;
	l->high = l->h.version >= HEADER_PROTOCOL && l->h.loadflags & LOADED_HIGH;
	l->far_cmdline = l->high && l->h.version >= LINUX_CMDLINE_PTR;
	l->setup_bytes = (l->h.setup_sects + 1u) * 512u;
	l->setup_at = l->far_cmdline ? HIGH_SETUP : LOW_SETUP;
	l->kernel_at = l->high ? HIGH_KERNEL : LOW_KERNEL;
	if (l->h.cmdline_size > BOOT_CMDLINE_MAX - 1)
		l->h.cmdline_size = BOOT_CMDLINE_MAX - 1;
	l->cmdline_at = l->far_cmdline ? HIGH_CMDLINE : (LOW_CMDLINE_END - l->h.cmdline_size - 1) & ~0xfu;
}

/* --- the mode that the command line asks for --- */

static const char *last_word(const char *cmdline, const char *start)
{
	const char *found = NULL;
	for (const char *p = cmdline; (p = strstr(p, start)); p++)
		if (p == cmdline || p[-1] == ' ')
			found = p;
	return found;
}

bool linux_text_mode(const char *cmdline, uint16_t *mode)
{
	static const struct {
		const char *word;
		uint16_t mode;
	} words[] = {{"normal", 0xffff}, {"ext", 0xfffe}, {"ask", 0xfffd}, {"current", 0x0f04}};
	const char *vga = cmdline ? last_word(cmdline, "vga=") : NULL;
	*mode = 0xffff;
	if (!vga) {
		const char *none = cmdline ? last_word(cmdline, "nomodeset") : NULL;
		return none && (!none[9] || none[9] == ' ');
	}
	vga += 4;
	size_t n = strcspn(vga, " ");
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (n == strlen(words[i].word) && !strncmp(vga, words[i].word, n)) {
			*mode = words[i].mode;
			return true;
		}
	char *end;
	unsigned long v = strtoul(vga, &end, 0);
	if (end == vga + n && n && v <= UINT16_MAX)
		*mode = (uint16_t)v;
	return true;
}

/* --- the parts --- */

static void put16(uint8_t *p, unsigned at, uint16_t v)
{
	memcpy(p + at, &v, sizeof(v));
}

static void put32(uint8_t *p, unsigned at, uint32_t v)
{
	memcpy(p + at, &v, sizeof(v));
}

/* As high as the kernel takes it, below what is SeaBIOS'. */
static int plan_initrd(struct machine *m, const struct boot_image *k, const struct layout *l,
		       struct boot_plan *p, uint32_t *at, struct err *e)
{
	const struct boot_module *i = k->nmodules ? &k->modules[0] : NULL;
	uint64_t need = l->high ? (uint64_t)l->h.pref_address + l->h.init_size : 0;
	uint64_t low = need > plan_end(p) ? need : plan_end(p), top = m->mem.low_bytes - PLAN_BIOS_TOP;
	if (!i || !i->len)
		return 0;
	if (l->h.version < HEADER_PROTOCOL)
		return err_set(e, ENOTSUP, "'%s' is a kernel that takes no initrd: remove <initrd>", k->path);
	if (top > l->h.initrd_addr_max)
		top = (uint64_t)l->h.initrd_addr_max + 1;
	uint64_t size = (i->len + 0xfff) & ~0xfffull;
	top &= ~0xfffull;
	if (size > top || top - size < low)
		return err_set(e, ENOSPC,
			       "initrd '%s' (%llu bytes) does not fit beside the kernel into guest memory: "
			       "raise <memory>",
			       i->path, (unsigned long long)i->len);
	*at = (uint32_t)(top - size);
	return plan_add_file(m, p, i->path, i->fd, 0, *at, i->len, i->len, e);
}

static void fill_setup(const struct layout *l, uint8_t *setup, uint16_t mode, uint32_t initrd,
		       uint32_t initrd_len)
{
	put16(setup, 0x1fa, mode);
	if (!l->far_cmdline) {
		put16(setup, 0x20, OLD_MAGIC);
		put16(setup, 0x22, (uint16_t)(l->cmdline_at - l->setup_at));
	}
	if (l->h.version < HEADER_PROTOCOL)
		return;
	setup[0x210] = 0xff; /* type_of_loader: undefined */
	put32(setup, 0x218, initrd);
	put32(setup, 0x21c, initrd_len);
	if (l->h.version >= LINUX_HEAP_END) {
		setup[0x211] |= CAN_USE_HEAP;
		put16(setup, 0x224, (uint16_t)(l->cmdline_at - l->setup_at - 0x200));
	}
	if (l->h.version >= LINUX_CMDLINE_PTR)
		put32(setup, 0x228, l->cmdline_at);
}

static int check_cmdline(const struct layout *l, const char *text, struct err *e)
{
	size_t n = strlen(text);
	return n > l->h.cmdline_size
		   ? err_set(e, E2BIG, "<cmdline> has %zu bytes, the kernel takes %u: shorten it", n,
			     l->h.cmdline_size)
		   : 0;
}

static int plan_kernel(struct machine *m, struct boot_image *k, const struct layout *l, struct boot_plan *p,
		       struct err *e)
{
	uint64_t len = k->size - l->setup_bytes, need = (uint64_t)l->h.pref_address + l->h.init_size;
	if (!l->high && len > LOW_SETUP - LOW_KERNEL)
		return err_set(e, EINVAL, "'%s' is not a kernel: %llu bytes do not fit below 640 KiB",
			       k->path, (unsigned long long)len);
	if (l->high && need > m->mem.low_bytes)
		return err_set(e, ENOSPC,
			       "kernel '%s' needs %llu MiB of guest memory to unpack itself, the guest has "
			       "%llu MiB: raise <memory>",
			       k->path, (unsigned long long)((need + 0xfffff) >> 20),
			       (unsigned long long)(m->mem.ram_bytes >> 20));
	return plan_add_file(m, p, k->path, k->fd, l->setup_bytes, l->kernel_at, len, len, e);
}

int linux_plan(struct machine *m, struct boot_image *k, struct boot_plan *p, struct err *e)
{
	const char *text = m->domain->cmdline ? m->domain->cmdline : "";
	struct layout l = {0};
	uint32_t initrd = 0;
	uint16_t mode;
	lay_out(k, &l);
	if (k->size <= l.setup_bytes || l.setup_bytes > k->setup_len)
		return err_set(e, EINVAL, "'%s' is cut off: %llu bytes", k->path,
			       (unsigned long long)k->size);
	AUTO_FREE uint8_t *setup = malloc(l.setup_bytes);
	if (!setup)
		return err_set(e, ENOMEM, "out of memory");
	memcpy(setup, k->setup, l.setup_bytes);
	linux_text_mode(text, &mode);
	int rc = check_cmdline(&l, text, e);
	if (!rc)
		rc = plan_kernel(m, k, &l, p, e);
	if (!rc)
		rc = plan_initrd(m, k, &l, p, &initrd, e);
	if (rc)
		return rc;
	fill_setup(&l, setup, mode, initrd, k->nmodules ? (uint32_t)k->modules[0].len : 0);
	p->mode = PLAN_REAL;
	p->seg = (uint16_t)(l.setup_at >> 4);
	p->sp = (uint16_t)((l.cmdline_at - l.setup_at - 16) & ~0xfu);
	rc = plan_add(m, p, k->path, l.setup_at, setup, l.setup_bytes, l.setup_bytes, e);
	return rc ? rc : plan_add(m, p, k->path, l.cmdline_at, text, strlen(text) + 1, strlen(text) + 1, e);
}

static bool always(const struct boot_image *k, const struct domain *d)
{
	return true;
}

/* Has it no entry but the setup code, or shall that set a mode of the screen? */
bool linux_wants_setup(const struct boot_image *k, const struct domain *d)
{
	struct setup_header h;
	uint16_t mode;
	linux_header(k, &h);
	if (h.version < LINUX_INIT_SIZE || !(h.loadflags & LOADED_HIGH) || !h.code32_start)
		return true;
	return d->video && linux_text_mode(d->cmdline, &mode);
}

const struct boot_format boot_old = {
    .name = "a kernel with real-mode code", .probe = is_old, .wants_bios = always, .plan = linux_plan};
