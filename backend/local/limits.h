/* What the processes of one guest may take of the host together, kept by its cgroup: memory, tasks, processor
 * time, I/O. From the guest's size, and from <memtune> <cputune> <blkiotune>. Where systemd runs they are
 * properties of the guest's scope, else files of a cgroup that we make. (Linux, admin-guide/cgroup-v2.rst;
 * systemd.resource-control(5)) */
#ifndef BACKEND_LOCAL_LIMITS_H
#define BACKEND_LOCAL_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "src/base/str.h"
#include "src/model/domain.h"

#define CGROUP_ROOT "/sys/fs/cgroup"
#define LIMITS_MAX 8

struct limit {
	const char *property; /* of a unit; "t" of D-Bus */
	uint64_t value;       /* of it; UINT64_MAX: infinity */
	const char *file;     /* of a cgroup; NULL: the one before has it */
	char text[48];        /* for it */
	const char *element;  /* of the XML that asks for it; NULL: it goes by the guest's size */
	bool done;            /* the host enforces it */
};

struct limits {
	struct limit of[LIMITS_MAX];
	size_t n;
	const char *partition; /* of the domain; NULL: none asked for */
	bool partition_done;
};

/* The limits of @d, which must outlive them. @files: bytes that its images may take of the host's memory, as
 * they do on a tmpfs. */
void limits_of(const struct domain *d, uint64_t files, struct limits *out);

/* The unit for a partition, as libvirt names it: "/machine/a-b" is "machine-a\x2db.slice". The caller's to free. */
char *limits_slice(const char *partition);

/* The folder of the cgroup of @pid, or NULL: none of cgroup v2 at @root. The caller's to free. */
char *limits_cgroup_of(const char *root, pid_t pid);

/* Make a cgroup @name with @lim for @pid, which has not forked yet: in the partition, or the highest folder from
 * @root down to @own (a path below it) that is ours to use. Return: its folder, the caller's to free; NULL: there is
 * none, or none that enforces anything. */
char *limits_enter(struct limits *lim, const char *root, const char *own, const char *name, pid_t pid);

/* Which of them does the cgroup @dir enforce? */
void limits_look(struct limits *lim, const char *dir);

/* What the XML asks for and the host does not enforce, as warnings. */
void limits_warn(const struct limits *lim, struct buf *notes);

/* Remove a cgroup that limits_enter() made, once its processes are gone. Ourselves, when we are in it, we move to
 * @back, or to @root. */
void limits_leave(const char *root, const char *dir, const char *back);

#endif
