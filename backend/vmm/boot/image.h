/* What the kinds of kernel image share. Private to boot/. */
#ifndef BACKEND_VMM_BOOT_IMAGE_H
#define BACKEND_VMM_BOOT_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/vmm/boot/boot.h"
#include "src/model/initrd.h"

struct domain;
struct setup_header;
struct boot_plan;

/* A file that the kernel is given: Linux calls it the initrd, multiboot a module. */
struct boot_module {
	int fd;
	const char *path; /* for errors */
	const char *text; /* what it is told of it: the path, and arguments */
	uint64_t gpa, len;
};

/* A kernel image and where it goes. */
struct boot_image {
	int fd;
	const char *path; /* for errors */
	uint64_t size;
	uint64_t load_at;       /* of a Linux kernel */
	uint64_t load_end;      /* guest memory below this is the kernel's until it has moved itself */
	uint64_t initrd_max;    /* highest address an initrd may touch */
	uint32_t cmdline_max;   /* without the terminator */
	struct initrd_module *texts; /* of <initrd>, when it is a list */
	struct boot_module modules[INITRD_MODULES_MAX];
	unsigned nmodules;
	uint8_t setup[0x8000];  /* the first bytes of the file */
	size_t setup_len;
};

/* One per kind, tried in order. */
struct boot_format {
	const char *name; /* with its article */
	bool (*probe)(const struct boot_image *);
	bool (*wants_bios)(const struct boot_image *, const struct domain *); /* NULL: never */
	/* Check the header, load into guest memory, fill load_end, initrd_max, cmdline_max. */
	int (*load)(struct machine *, struct boot_image *, struct boot_entry *, struct err *);
	/* Everything else is in memory: write what the kernel is given and set entry->param. */
	int (*finish)(struct machine *, const struct boot_image *, struct boot_entry *, struct err *);
	/* Where SeaBIOS runs first: what our option ROM is to load, and how it enters it. */
	int (*plan)(struct machine *, struct boot_image *, struct boot_plan *, struct err *);
};

extern const struct boot_format boot_bzimage, boot_old, boot_multiboot, boot_elf, boot_elf32;

/* Open the domain's kernel and its modules and find its format. The caller has the image closed. */
int boot_image_open(struct machine *m, struct boot_image *k, const struct boot_format **f, struct err *e);
void boot_image_close(struct boot_image *k);

/* Read @len bytes at @off of the file to guest memory at @gpa. */
int boot_load(struct machine *m, const struct boot_image *k, uint64_t off, uint64_t gpa, uint64_t len,
	      struct err *e);

/* --- Linux --- */

/* The protocol that brought a field of the header; before it, its bytes are the kernel's own. */
enum {
	LINUX_HEAP_END = 0x0201,
	LINUX_CMDLINE_PTR = 0x0202,
	LINUX_INITRD_MAX = 0x0203,
	LINUX_RELOCATION = 0x0205,
	LINUX_CMDLINE_SIZE = 0x0206,
	LINUX_INIT_SIZE = 0x020a,
	LINUX_XLOADFLAGS = 0x020c,
};
bool linux_has_header(const struct boot_image *k);
/* The header, with what its protocol does not know yet as such kernels take it. */
void linux_header(const struct boot_image *k, struct setup_header *h);
/* Has it no entry but its real-mode setup code, or shall that set a mode of the screen? */
bool linux_wants_setup(const struct boot_image *k, const struct domain *d);
/* boot_format.plan, by the setup code. */
int linux_plan(struct machine *m, struct boot_image *k, struct boot_plan *p, struct err *e);
/* "vga=" on the command line as the setup code takes it; "nomodeset" alone: the usual text mode. false:
 * neither is there. */
bool linux_text_mode(const char *cmdline, uint16_t *mode);

#endif
