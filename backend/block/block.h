/* Disk images: a format says where bytes live, one engine (ioqueue.h) moves them. Offsets and lengths in
 * bytes.
 *
 * Theory of operation. blk_submit() takes a request apart into transfers: what format->map says about the
 * place where it is, as far as that goes; then the next. Short transfers go on where they stopped. blk_kick()
 * hands all that was submitted to the kernel at once; when blk_event_fd() is readable, blk_poll() calls the
 * done functions. A write in write-through mode is done when fdatasync is. A flush covers the writes that
 * were done before it was submitted.
 *
 * A failed fdatasync of an image in the host's page cache is for good (blk.lost): the host has told it once
 * and forgotten the data, so no flush, and no write in write-through mode, succeeds until the image is opened
 * again. Writes and reads go on. A failed flush is never worth a pause and another try.
 *
 * One caller at a time (in the machine: machine.lock). No allocation after blk_open(). */
#ifndef BACKEND_BLOCK_BLOCK_H
#define BACKEND_BLOCK_BLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "src/base/err.h"

#define BLK_SECTOR 512u
#define BLK_BOUNCE_BYTES 262144u

enum blk_cache {
	BLK_CACHE_NONE,         /* O_DIRECT; flush = fdatasync */
	BLK_CACHE_WRITEBACK,    /* host page cache; flush = fdatasync */
	BLK_CACHE_WRITETHROUGH, /* host page cache; each write is on the disk before it is done */
	BLK_CACHE_DIRECTSYNC,   /* O_DIRECT and write-through */
	BLK_CACHE_UNSAFE,       /* host page cache; flushes are ignored */
};

/* Flags for open() of an image by whoever opens it (the launcher). */
int blk_open_flags(enum blk_cache cache, bool readonly);

enum blk_op { BLK_READ, BLK_WRITE, BLK_FLUSH, BLK_DISCARD, BLK_ZERO };

enum blk_engine { BLK_ENGINE_AUTO, BLK_ENGINE_RING, BLK_ENGINE_THREADS };

struct blk;
struct blk_format;
struct ioq;

enum extent_kind {
	EXTENT_DATA, /* bytes of a descriptor */
	EXTENT_ZERO, /* reads as zeros */
};

struct extent {
	enum extent_kind kind;
	int fd;            /* of blk: which descriptor */
	uint64_t off, len; /* in it; len at most what was asked for */
};

struct blk_req {
	/* The caller's. @iov and the array's contents are used up. */
	enum blk_op op;
	uint64_t off, len;  /* read, write: len = sum of iov */
	struct iovec *iov;
	unsigned niov;
	bool unmap;         /* BLK_ZERO: holes are fine */
	/* 0 or -errno; off, len and iov then tell what is not done, and submitting it again goes on there.
	 * Called from blk_poll() or blk_drain(). */
	void (*done)(struct blk_req *r, int result);

	/* ours */
	struct blk *blk;
	struct blk_req *next;
	enum { BLK_STAGE_DATA, BLK_STAGE_SYNC } stage;
	unsigned tries;        /* discard, zero: the next way to try */
	unsigned again;        /* so often the host wanted another try */
	bool bounced;          /* it owns blk->bounce */
	uint32_t part;         /* bytes of the transfer in flight */
	int result;            /* of the transfer */
	struct iovec bounce_iov;
	struct iovec saved;    /* iov[cut] as it was before a transfer of less than all buffers */
	unsigned cut;
};

struct blk_config {
	const char *name;      /* "vda", for errors */
	const char *format;    /* "raw" */
	int fd;                /* taken on success */
	bool readonly;
	enum blk_cache cache;
	enum blk_engine engine;
};

struct blk {
	const struct blk_format *format;
	char name[40];
	int fd;
	bool readonly, direct, blockdev;
	enum blk_cache cache;
	bool write_through;      /* may be changed while nothing is in flight or at any request's boundary */
	uint64_t file_bytes;     /* of the image */
	uint64_t size_bytes;     /* of the disk: a multiple of BLK_SECTOR */
	unsigned mem_align;      /* O_DIRECT: of buffers */
	unsigned physical_bytes; /* what the host likes to write at once */
	struct ioq *ioq;
	uint8_t *bounce;         /* BLK_BOUNCE_BYTES, for one request at a time */
	struct blk_req *bounce_owner, *bounce_waiting, **bounce_tail;
	struct blk_req *sync_now;            /* the fdatasync in flight is for these */
	struct blk_req *sync_next, **sync_tail; /* and the next one for these */
	struct blk_req *ended, **ended_tail; /* to be told by blk_poll() */
	unsigned in_flight;
	bool polling;            /* blk_poll() is at work */
	int lost;                /* -errno of the fdatasync that failed; 0: none has */
};

/* One image format. The descriptor is in blk. Each function is required unless it says else. */
struct blk_format {
	const char *name; /* as in <driver type=> */
	int (*open)(struct blk *b, struct err *e);
	/* Where do these bytes live? Fills *x for the first of them. 0 or -errno. */
	int (*map)(struct blk *b, uint64_t off, uint64_t len, struct extent *x);
	/* Where to write them. NULL: as map() says. */
	int (*alloc)(struct blk *b, uint64_t off, uint64_t len, struct extent *x);
	void (*close)(struct blk *b); /* NULL: nothing to do */
};

extern const struct blk_format *const blk_formats[]; /* NULL at the end */

/* Open an image that is open as c->fd. -EINVAL: no such format, and so on. */
int blk_open(struct blk *b, const struct blk_config *c, struct err *e);
/* Nothing is in flight. A zeroed struct blk is fine. */
void blk_close(struct blk *b);

void blk_submit(struct blk *b, struct blk_req *r);
void blk_kick(struct blk *b);
/* Readable when blk_poll() has something to do. */
int blk_event_fd(const struct blk *b);
/* Call done() of all requests that are; it may submit. Return: how many. */
unsigned blk_poll(struct blk *b);
/* @r has failed with @result since the host has no room, and may be submitted again when there is some. Never
 * a flush: what that could not write may be lost already. */
bool blk_full(const struct blk_req *r, int result);
/* Wait until nothing is in flight, done functions are called. */
void blk_drain(struct blk *b);

#endif
