/* Moving bytes between buffers and one descriptor without waiting: io_uring, or threads where the host
 * forbids it.
 *
 * The ring is made disabled, restricted to the operations below on the one registered file, and only then
 * enabled: a process that is taken over cannot use it for anything else. One caller at a time; completions
 * are taken by ioq_reap(). */
#ifndef BACKEND_BLOCK_IOQUEUE_H
#define BACKEND_BLOCK_IOQUEUE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "backend/block/block.h"
#include "src/base/err.h"

#define IOQ_DEPTH 256 /* transfers in flight */

enum ioq_op { IOQ_READ, IOQ_WRITE, IOQ_SYNC, IOQ_ALLOCATE };

struct ioq_job {
	enum ioq_op op;
	struct iovec *iov; /* read, write; lives until it is done */
	unsigned niov;
	uint64_t off;
	uint64_t len;      /* IOQ_ALLOCATE */
	int mode;          /* IOQ_ALLOCATE: of fallocate() */
	void *tag;
};

/* An engine for @fd (not taken). BLK_ENGINE_AUTO: the ring if possible. */
int ioq_new(struct ioq **out, int fd, enum blk_engine engine, struct err *e);
void ioq_free(struct ioq *q);
const char *ioq_engine(const struct ioq *q); /* "io_uring", "threads" */

int ioq_event_fd(const struct ioq *q);
/* Queue a job. false: more than IOQ_DEPTH are unreaped, and there is no room for it. */
bool ioq_put(struct ioq *q, const struct ioq_job *job);
/* Hand what is queued to the kernel. What it does not take now stays queued and ioq_event_fd() says so: the
 * next call goes on. */
void ioq_submit(struct ioq *q);
/* One completion: true, with its tag and bytes or -errno. */
bool ioq_reap(struct ioq *q, void **tag, int *result);
/* Wait until there is a completion to reap. */
void ioq_wait(struct ioq *q);

#endif
