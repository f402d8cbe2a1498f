/* Between the files of installations: install.c does it, path.c looks at paths, location.c at installers'
 * kernels, initrd.c adds to an initrd. */
#ifndef BACKEND_LOCAL_INSTALL_H
#define BACKEND_LOCAL_INSTALL_H

#include "backend/local/local.h"

/* Where new disks go, and below which the kernels of installations lie, by uuid. The caller's to free. */
char *images_folder(const struct local *l);
char *install_folder(const struct local *l);

/* Look for what an installer boots in the folder or ISO @path: kernel, initrd and what tree it is, into
 * @out. */
void location_look(const char *path, struct path_info *out);
/* Copy the file @name of the folder or ISO @location to @to, which is made. -ENOENT: it is not there. */
int location_copy(const char *location, const char *name, const char *to, struct err *e);

/* Append @files to the initrd @path: they are in its root, by their own names. */
int initrd_inject(const char *path, char *const *files, size_t n, struct err *e);

/* The first boot of a guest that was made and not started yet; *d stays NULL when there is none. */
int install_pending(const struct local *l, const char *uuid, struct domain **d, struct err *e);
/* Take away what the first boot of @uuid has booted from; nothing when there is nothing. */
void install_forget(const struct local *l, const char *uuid);

int local_domain_install(struct backend *, const struct install_job *, struct domain_info *, char **,
			 struct err *);
int local_path_info(struct backend *, const char *, bool, struct path_info *, struct err *);

#endif
