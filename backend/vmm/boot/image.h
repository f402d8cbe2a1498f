/* What the kinds of kernel image share. Private to boot/. */
#ifndef BACKEND_VMM_BOOT_IMAGE_H
#define BACKEND_VMM_BOOT_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/vmm/boot/boot.h"

/* A kernel image and where it goes. */
struct boot_image {
	int fd;
	const char *path; /* for errors */
	uint64_t size;
	uint64_t load_end;      /* guest memory below this is the kernel's until it has moved itself */
	uint64_t initrd_max;    /* highest address an initrd may touch */
	uint32_t cmdline_max;   /* without the terminator */
	uint64_t initrd_gpa, initrd_len; /* filled by boot_direct */
	uint8_t setup[0x1000];  /* the first bytes of the file */
	size_t setup_len;
};

/* One per kind, tried in order. */
struct boot_format {
	const char *name;
	bool (*probe)(const struct boot_image *);
	/* Check the header, load into guest memory, fill load_end, initrd_max, cmdline_max. */
	int (*load)(struct machine *, struct boot_image *, struct boot_entry *, struct err *);
	/* Everything else is in memory: write what the kernel is given and set entry->param. */
	int (*finish)(struct machine *, const struct boot_image *, struct boot_entry *, struct err *);
};

extern const struct boot_format boot_bzimage, boot_elf;

/* Read @len bytes at @off of the file to guest memory at @gpa. */
int boot_load(struct machine *m, const struct boot_image *k, uint64_t off, uint64_t gpa, uint64_t len,
	      struct err *e);

#endif
