/* <initrd>: one file for a Linux kernel; for a multiboot kernel a list of modules, each a path and what it is
 * told, "/m1 arg,/m2", where a comma that is meant is written twice. (QEMU, -initrd) */
#ifndef SRC_MODEL_INITRD_H
#define SRC_MODEL_INITRD_H

#include <stddef.h>

#define INITRD_MODULES_MAX 32

struct initrd_module {
	char *path;
	char *text; /* path and arguments */
};

/* Take @initrd apart, as a list. *out is the caller's, for initrd_modules_free(). Return: how many there are,
 * also when they are more than INITRD_MODULES_MAX, of which *out has the first. */
size_t initrd_modules(const char *initrd, struct initrd_module **out);
void initrd_modules_free(struct initrd_module *v);

#endif
