/* The files of a direct boot: which kind of kernel it is, and what comes with it. */
#include "backend/vmm/boot/image.h"

#include <errno.h>
#include <string.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "backend/vmm/machine.h"
#include "src/base/cleanup.h"
#include "src/base/file.h"

#define UNPACKED_MAX (256u << 20)

static bool is_gzip(int fd)
{
	uint8_t magic[3] = {0};
	return !fd_pread_all(fd, magic, sizeof(magic), 0) && magic[0] == 0x1f && magic[1] == 0x8b &&
	       magic[2] == 8;
}

/* Unpack @from into a file in memory, which takes its place. */
static int unpack(int from, const char *path, int *out, struct err *e)
{
	static const char bad[] =
	    "'%s' is packed with gzip, and cannot be unpacked: it is damaged, or larger than 256 MiB";
	uint8_t chunk[16384];
	uint64_t done = 0;
	int n, copy = dup(from);
	AUTO_CLOSE int to = memfd_create("kernel", MFD_CLOEXEC);
	gzFile z = copy < 0 || to < 0 || lseek(copy, 0, SEEK_SET) < 0 ? NULL : gzdopen(copy, "rb");
	if (!z) {
		fd_close(copy);
		return err_sys(e, errno, "cannot unpack '%s'", path);
	}
	while ((n = gzread(z, chunk, sizeof(chunk))) > 0) {
		done += (uint64_t)n;
		if (done > UNPACKED_MAX || fd_write_all(to, chunk, (size_t)n))
			break;
	}
	n = gzclose(z) == Z_OK ? n : -1;
	if (n)
		return err_set(e, EINVAL, bad, path);
	*out = TAKE_FD(to);
	return 0;
}

static int kernel_open(struct machine *m, struct boot_image *k, struct err *e)
{
	struct stat st;
	k->path = m->domain->kernel;
	k->fd = named_get(&m->fds, "kernel");
	if (k->fd < 0 || !k->path)
		return err_set(e, ENOENT, "the guest has neither <kernel> nor firmware");
	if (is_gzip(k->fd)) { /* GRUB unpacks too; it stays unpacked for the next reset */
		int fd, rc = unpack(k->fd, k->path, &fd, e);
		if (rc)
			return rc;
		fd_close(named_take(&m->fds, "kernel"));
		if (named_add(&m->fds, "kernel", fd))
			return err_set(e, ENOSPC, "too many files");
		k->fd = fd;
	}
	if (fstat(k->fd, &st) < 0)
		return err_sys(e, errno, "cannot read '%s'", k->path);
	k->size = (uint64_t)st.st_size;
	k->setup_len = k->size < sizeof(k->setup) ? k->size : sizeof(k->setup);
	int rc = fd_pread_all(k->fd, k->setup, k->setup_len, 0);
	return rc ? err_sys(e, -rc, "cannot read '%s'", k->path) : 0;
}

static int module_add(struct boot_image *k, int fd, const char *path, const char *text, struct err *e)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return err_sys(e, errno, "cannot read '%s'", path);
	k->modules[k->nmodules++] = (struct boot_module){fd, path, text, 0, (uint64_t)st.st_size};
	return 0;
}

/* "initrd" is the one whose path <initrd> is; "initrd.0" and so on are those of a list. */
static int modules_open(struct machine *m, struct boot_image *k, struct err *e)
{
	int fd = named_get(&m->fds, "initrd");
	if (fd >= 0)
		return module_add(k, fd, m->domain->initrd, m->domain->initrd, e);
	bool listed = m->domain->initrd && named_get(&m->fds, "initrd.0") >= 0;
	size_t n = listed ? initrd_modules(m->domain->initrd, &k->texts) : 0;
	for (size_t i = 0; i < n && i < INITRD_MODULES_MAX; i++) {
		char name[24];
		snprintf(name, sizeof(name), "initrd.%zu", i);
		fd = named_get(&m->fds, name);
		int rc = fd < 0 ? 0 : module_add(k, fd, k->texts[i].path, k->texts[i].text, e);
		if (rc)
			return rc;
	}
	return 0;
}

int boot_image_open(struct machine *m, struct boot_image *k, const struct boot_format **f, struct err *e)
{
	static const struct boot_format *const formats[] = {&boot_bzimage, &boot_multiboot, &boot_elf32,
							    &boot_elf, &boot_old};
	int rc = kernel_open(m, k, e);
	*f = NULL;
	for (size_t i = 0; !rc && !*f && i < ARRAY_SIZE(formats); i++)
		if (formats[i]->probe(k))
			*f = formats[i];
	if (!rc && !*f)
		return err_set(
		    e, EINVAL,
		    "'%s' is not a kernel: neither a Linux bzImage nor an x86 ELF image nor one for "
		    "multiboot",
		    k->path);
	if (!rc)
		rc = modules_open(m, k, e);
	if (!rc && *f != &boot_multiboot && *f != &boot_elf32 && k->texts)
		return err_set(
		    e, EINVAL,
		    "<initrd> is a list ('%s'), and '%s' is %s, which takes one initrd and no arguments: "
		    "only a multiboot kernel takes modules",
		    m->domain->initrd, k->path, (*f)->name);
	return rc;
}

void boot_image_close(struct boot_image *k)
{
	initrd_modules_free(k->texts);
	k->texts = NULL;
}
