/* What osinfo-db knows of operating systems: which resources they want and which devices they have drivers
 * for. Its files are read as they are asked for; the package may be missing. (libosinfo, "libosinfo.rng") */
#ifndef SRC_MODEL_OSINFO_H
#define SRC_MODEL_OSINFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/err.h"

struct osinfo {
	char *id;     /* "http://debian.org/debian/12"; NULL: not known */
	char *short_id; /* "debian12" */
	char *name;   /* "Debian 12" */
	char *family; /* "linux", "winnt"; "" */
	uint64_t memory_bytes, storage_bytes; /* recommended, 0 = not told */
	uint64_t memory_min_bytes, storage_min_bytes;
	unsigned cpus;      /* 0 = not told */
	bool virtio_disk, virtio_net; /* it has drivers; true when nothing is known of its devices */
	bool bios, efi;     /* firmware that it can be installed with; both when not told */
};

/* What an ISO says of itself: its primary volume descriptor. */
struct osinfo_media {
	const char *volume_id, *system_id, *publisher_id, *application_id;
};

/* What an install tree says of itself in its .treeinfo. */
struct osinfo_tree {
	const char *arch, *family, *variant, *version;
};

/* Is there any data? The folders: OSINFO_DATA_DIR, /usr/share/osinfo. */
bool osinfo_there(void);
/* By short id, or by id. -ENOENT with the nearest short id named; -ENODATA: the package is missing. */
int osinfo_find(const char *name, struct osinfo *out, struct err *e);
/* The system whose installer lies on this medium. *reboots: how often its installer starts the guest anew
 * (1). -ENOENT: none. */
int osinfo_detect(const struct osinfo_media *media, struct osinfo *out, unsigned *reboots, struct err *e);
/* The same of an install tree. */
int osinfo_detect_tree(const struct osinfo_tree *tree, struct osinfo *out, struct err *e);
/* Call @fn for each, in the order of their short ids. */
int osinfo_each(void (*fn)(const char *short_id, const char *name, void *ctx), void *ctx, struct err *e);
void osinfo_done(struct osinfo *os);

#endif
