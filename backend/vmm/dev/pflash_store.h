/* The file behind the flash chip of UEFI's variables.
 *
 * The chip's bytes are private memory; the file is not mapped, since a page of it for which the host has no
 * room would kill the machine. A thread writes block by block, each on the disk before the next: what edk2's
 * fault tolerant write has in order is in order on the disk too. A block is handed over when the guest begins
 * with another one, or stops. When the host fails, the thread waits for pflash_store_retry() and then writes
 * all blocks anew: of what its cache has lost nothing is known. Each function but the thread: machine.lock. */
#ifndef BACKEND_VMM_DEV_PFLASH_STORE_H
#define BACKEND_VMM_DEV_PFLASH_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/err.h"

#define PFLASH_BLOCK 4096u

struct pflash_store;

/* Over @bytes at @data, which the caller keeps and changes in pflash_store_write() alone. @fd stays the
 * caller's. */
int pflash_store_new(struct pflash_store **out, int fd, uint8_t *data, uint64_t bytes, struct err *e);
/* Copy @n bytes to @off, or set them to FFh (@p NULL). */
void pflash_store_write(struct pflash_store *s, uint64_t off, const void *p, uint64_t n);
/* Hand over what the guest has begun with. */
void pflash_store_sync(struct pflash_store *s);
/* Is there something that is not on the disk? *error: 0, or -errno of the host that it waits for. */
bool pflash_store_busy(struct pflash_store *s, int *error);
void pflash_store_retry(struct pflash_store *s);
/* Writes what there is, for a few seconds at most. NULL is fine. */
void pflash_store_free(struct pflash_store *s);

#endif
