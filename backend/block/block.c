#include "backend/block/block.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/stat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "backend/block/ioqueue.h"
#include "backend/block/raw.h"
#include "src/base/cleanup.h"
#include "src/base/log.h"

#define AGAIN_MAX 1000 /* a host that only says "try again" has failed */

const struct blk_format *const blk_formats[] = {
	&blk_raw,
	NULL,
};

int blk_open_flags(enum blk_cache cache, bool readonly)
{
	bool direct = cache == BLK_CACHE_NONE || cache == BLK_CACHE_DIRECTSYNC;
	return (readonly ? O_RDONLY : O_RDWR) | (direct ? O_DIRECT : 0) | O_CLOEXEC | O_NOCTTY;
}

/* Opening */

/* What O_DIRECT asks of buffers and offsets. Offsets come in sectors: a host that wants more gets no
 * O_DIRECT. */
static int direct_init(struct blk *b, struct err *e)
{
	struct statx st = {0};
	int flags = fcntl(b->fd, F_GETFL);
	unsigned offset_align = BLK_SECTOR;
	b->mem_align = BLK_SECTOR;
	b->direct = flags & O_DIRECT;
	if (!b->direct)
		return 0;
	if (!syscall(SYS_statx, b->fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &st) &&
	    (st.stx_mask & STATX_DIOALIGN) && st.stx_dio_offset_align) {
		b->mem_align = st.stx_dio_mem_align;
		offset_align = st.stx_dio_offset_align;
	} else if (b->blockdev) {
		int n = BLK_SECTOR;
		if (!ioctl(b->fd, BLKSSZGET, &n))
			offset_align = b->mem_align = (unsigned)n;
	}
	if (offset_align <= BLK_SECTOR)
		return 0;
	log_warn("disk '%s': the host only does direct I/O in units of %u bytes, using its page cache",
		 b->name, offset_align);
	if (fcntl(b->fd, F_SETFL, flags & ~O_DIRECT))
		return err_sys(e, errno, "disk '%s': cannot turn O_DIRECT off", b->name);
	b->direct = false;
	return 0;
}

static int open_format(struct blk *b, const char *format, struct err *e)
{
	for (const struct blk_format *const *f = blk_formats; *f; f++)
		if (!strcmp((*f)->name, format))
			b->format = *f;
	if (!b->format)
		return err_set(e, EINVAL, "disk '%s': there is no image format '%s'; raw is supported",
			       b->name, format);
	return b->format->open(b, e);
}

int blk_open(struct blk *b, const struct blk_config *c, struct err *e)
{
	*b = (struct blk){
	    .fd = c->fd, .readonly = c->readonly, .cache = c->cache, .physical_bytes = BLK_SECTOR};
	snprintf(b->name, sizeof(b->name), "%s", c->name);
	b->write_through = c->cache == BLK_CACHE_WRITETHROUGH || c->cache == BLK_CACHE_DIRECTSYNC;
	b->bounce_tail = &b->bounce_waiting;
	b->ended_tail = &b->ended;
	b->sync_tail = &b->sync_next;
	int rc = open_format(b, c->format, e);
	if (!rc)
		rc = direct_init(b, e);
	if (!rc && posix_memalign((void **)&b->bounce, 4096, BLK_BOUNCE_BYTES))
		rc = err_set(e, ENOMEM, "disk '%s': out of memory", b->name);
	if (!rc && (rc = ioq_new(&b->ioq, b->fd, c->engine, e)))
		err_prefix(e, "disk '%s'", b->name);
	if (rc) {
		b->fd = -1;
		blk_close(b);
	}
	return rc;
}

void blk_close(struct blk *b)
{
	if (b->ioq)
		blk_drain(b);
	if (b->format && b->format->close)
		b->format->close(b);
	ioq_free(b->ioq);
	free(b->bounce);
	if (b->ioq)
		fd_close(b->fd);
	*b = (struct blk){.fd = -1};
}

/* Buffers of a request */

static void advance(struct blk_req *r, uint64_t n)
{
	r->off += n;
	r->len -= n;
	while (r->niov && n >= r->iov->iov_len) {
		n -= r->iov->iov_len;
		r->iov++;
		r->niov--;
	}
	if (r->niov && n) {
		r->iov->iov_base = (uint8_t *)r->iov->iov_base + n;
		r->iov->iov_len -= n;
	}
}

/* Copy @n bytes between the request's buffers and the bounce buffer, or clear them (@p NULL). */
static void copy(const struct blk_req *r, uint8_t *p, uint64_t off, uint64_t n, bool from_request)
{
	for (unsigned i = 0; i < r->niov && n; i++) {
		uint8_t *base = r->iov[i].iov_base;
		uint64_t have = r->iov[i].iov_len, part;
		if (off >= have) {
			off -= have;
			continue;
		}
		part = have - off < n ? have - off : n;
		if (!p)
			memset(base + off, 0, part);
		else if (from_request)
			memcpy(p, base + off, part);
		else
			memcpy(base + off, p, part);
		if (p)
			p += part;
		n -= part;
		off = 0;
	}
}

static bool aligned(const struct blk *b, const struct blk_req *r)
{
	for (unsigned i = 0; b->direct && i < r->niov; i++)
		if ((uintptr_t)r->iov[i].iov_base % b->mem_align || r->iov[i].iov_len % BLK_SECTOR)
			return false;
	return true;
}

/* How many buffers hold @want bytes; the last is shortened until uncut(). */
static unsigned cut(struct blk_req *r, uint64_t want)
{
	uint64_t sum = 0;
	for (unsigned i = 0; i < r->niov; i++) {
		if (sum + r->iov[i].iov_len > want) {
			r->saved = r->iov[i];
			r->cut = i + 1;
			r->iov[i].iov_len = want - sum;
			return i + 1;
		}
		sum += r->iov[i].iov_len;
		if (sum == want)
			return i + 1;
	}
	return r->niov;
}

static void uncut(struct blk_req *r)
{
	if (r->cut)
		r->iov[r->cut - 1] = r->saved;
	r->cut = 0;
}

/* Steps of a request */

static void start(struct blk *b, struct blk_req *r);

static void append(struct blk_req ***tail, struct blk_req *r)
{
	r->next = NULL;
	**tail = r;
	*tail = &r->next;
}

static bool bounce_take(struct blk *b, struct blk_req *r)
{
	if (b->bounce_owner && b->bounce_owner != r) {
		append(&b->bounce_tail, r);
		return false;
	}
	b->bounce_owner = r;
	return true;
}

static void bounce_release(struct blk *b, struct blk_req *r)
{
	if (b->bounce_owner != r)
		return;
	b->bounce_owner = NULL;
	r->bounced = false;
	struct blk_req *next = b->bounce_waiting;
	if (!next)
		return;
	if (!(b->bounce_waiting = next->next))
		b->bounce_tail = &b->bounce_waiting;
	start(b, next);
}

/* blk_poll() finds it: it is only told when it does not know of any. */
static void end(struct blk *b, struct blk_req *r, int result)
{
	bool tell = !b->ended && !b->polling;
	r->result = result;
	append(&b->ended_tail, r);
	if (tell)
		eventfd_write(ioq_event_fd(b->ioq), 1);
	bounce_release(b, r);
}

static void put(struct blk *b, struct blk_req *r, const struct ioq_job *job)
{
	if (!ioq_put(b->ioq, job))
		end(b, r, -EBUSY);
}

/* One fdatasync at a time, for all that wait for one: of two at once, the host would tell its error to one, and
 * success to the other. */

static void sync_end(struct blk *b, int res);

static void sync_put(struct blk *b)
{
	if (!ioq_put(b->ioq, &(struct ioq_job){.op = IOQ_SYNC, .tag = b->sync_now}))
		sync_end(b, -EBUSY);
}

static void sync_begin(struct blk *b)
{
	b->sync_now = b->sync_next;
	b->sync_next = NULL;
	b->sync_tail = &b->sync_next;
	if (b->cache == BLK_CACHE_UNSAFE || b->lost)
		sync_end(b, b->lost);
	else
		sync_put(b);
}

static void sync_end(struct blk *b, int res)
{
	struct blk_req *r = b->sync_now;
	for (struct blk_req *next; r; r = next) {
		next = r->next;
		end(b, r, res);
	}
	b->sync_now = NULL;
	if (b->sync_next)
		sync_begin(b);
}

static void put_sync(struct blk *b, struct blk_req *r)
{
	r->stage = BLK_STAGE_SYNC;
	append(&b->sync_tail, r);
	if (!b->sync_now)
		sync_begin(b);
}

/* The host tells once that it could not write what lies in its page cache, and takes it for written then
 * (fsync(2)): the next fdatasync() would succeed though data are lost. O_DIRECT goes past that cache. */
static void synced(struct blk *b, int res)
{
	if (res < 0 && !b->direct && !b->lost) {
		b->lost = res;
		log_error("disk '%s': the host could not write what its cache holds: %s: data may be lost, and "
			  "no flush succeeds until the guest is started anew",
			  b->name, strerror(-res));
	}
	sync_end(b, res < 0 ? res : 0);
}

static void data_done(struct blk *b, struct blk_req *r)
{
	if (r->op != BLK_READ && b->write_through)
		put_sync(b, r);
	else
		end(b, r, 0);
}

static void put_bounced(struct blk *b, struct blk_req *r, uint64_t off, uint64_t len)
{
	if (!bounce_take(b, r))
		return;
	r->bounced = true;
	r->part = (uint32_t)(len < BLK_BOUNCE_BYTES ? len : BLK_BOUNCE_BYTES);
	r->bounce_iov = (struct iovec){b->bounce, r->part};
	if (r->op == BLK_WRITE)
		copy(r, b->bounce, 0, r->part, true);
	else if (r->op == BLK_ZERO)
		memset(b->bounce, 0, r->part);
	put(b, r,
	    &(struct ioq_job){.op = r->op == BLK_READ ? IOQ_READ : IOQ_WRITE,
			      .iov = &r->bounce_iov,
			      .niov = 1,
			      .off = off,
			      .tag = r});
}

static void put_data(struct blk *b, struct blk_req *r)
{
	struct extent x;
	int (*where)(struct blk *, uint64_t, uint64_t, struct extent *) = b->format->map;
	if (r->op == BLK_WRITE && b->format->alloc)
		where = b->format->alloc;
	int rc = where(b, r->off, r->len, &x);
	if (rc) {
		end(b, r, rc);
		return;
	}
	if (x.kind == EXTENT_ZERO) {
		copy(r, NULL, 0, x.len, false);
		advance(r, x.len);
		start(b, r);
		return;
	}
	if (!aligned(b, r)) {
		put_bounced(b, r, x.off, x.len);
		return;
	}
	uint64_t most = 1u << 30; /* the kernel moves less than 2 GiB at once */
	uint64_t want = x.len < most ? x.len : most;
	r->part = (uint32_t)want;
	unsigned n = want < r->len ? cut(r, want) : r->niov;
	put(b, r,
	    &(struct ioq_job){.op = r->op == BLK_READ ? IOQ_READ : IOQ_WRITE,
			      .iov = r->iov,
			      .niov = n,
			      .off = x.off,
			      .tag = r});
}

/* fallocate() modes for discarding and zeroing, best first. Which of them work depends on the file system or
 * device. */
static void put_allocate(struct blk *b, struct blk_req *r)
{
	enum {
		PUNCH = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		ZERO = FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE
	};
	static const int discard_file[] = {PUNCH, 0};
	/* the first is a true discard, which promises nothing of what is read then */
	static const int discard_dev[] = {PUNCH | FALLOC_FL_NO_HIDE_STALE, PUNCH, 0};
	static const int zero[] = {ZERO, 0};
	static const int zero_unmap[] = {PUNCH, ZERO, 0};
	const int *modes = r->op == BLK_DISCARD ? (b->blockdev ? discard_dev : discard_file)
			   : r->unmap           ? zero_unmap
						: zero;
	int mode = modes[r->tries];
	if (mode) {
		r->part = 0;
		put(b, r,
		    &(struct ioq_job){
			.op = IOQ_ALLOCATE, .mode = mode, .off = r->off, .len = r->len, .tag = r});
	} else if (r->op == BLK_DISCARD) { /* only a hint */
		r->len = 0;
		data_done(b, r);
	} else {
		put_bounced(b, r, r->off, r->len);
	}
}

static void start(struct blk *b, struct blk_req *r)
{
	if (r->op == BLK_FLUSH)
		put_sync(b, r);
	else if (!r->len)
		data_done(b, r);
	else if (r->op == BLK_READ || r->op == BLK_WRITE)
		put_data(b, r);
	else
		put_allocate(b, r);
}

/* @n bytes of the transfer in flight are moved. */
static void moved(struct blk *b, struct blk_req *r, uint32_t n)
{
	if (r->op == BLK_READ) {
		if (r->bounced)
			copy(r, b->bounce, 0, n, false);
		if (!n && r->off < b->file_bytes) { /* it was there */
			log_warn("disk '%s': the image ends before byte %llu: somebody has made it shorter",
				 b->name, (unsigned long long)r->off);
			end(b, r, -EIO);
			return;
		}
		bool at_end = r->off + n >= b->file_bytes; /* of the file: zeros behind */
		if (n < r->part && at_end) {
			copy(r, NULL, n, r->part - n, false);
			n = r->part;
		}
	}
	if (r->op == BLK_ZERO) {
		r->off += n;
		r->len -= n;
	} else {
		advance(r, n);
	}
	if (r->op != BLK_READ && r->off > b->file_bytes)
		b->file_bytes = r->off;
	start(b, r);
}

static void transferred(struct blk *b, struct blk_req *r, int res)
{
	uncut(r);
	bool allocating =
	    r->stage == BLK_STAGE_DATA && (r->op == BLK_DISCARD || r->op == BLK_ZERO) && !r->bounced;
	if ((res == -EINTR || res == -EAGAIN || res == -ECANCELED) && r->again++ < AGAIN_MAX) {
		if (r->stage == BLK_STAGE_SYNC)
			sync_put(b);
		else
			start(b, r);
	} else if (allocating && (res == -EOPNOTSUPP || res == -EINVAL || res == -ENODEV)) {
		r->tries++;
		start(b, r);
	} else if (r->stage == BLK_STAGE_SYNC) {
		synced(b, res);
	} else if (res < 0) {
		end(b, r, res);
	} else if (allocating) {
		r->off += r->len;
		r->len = 0;
		data_done(b, r);
	} else if (!res && r->op != BLK_READ) {
		end(b, r, -EIO);
	} else {
		moved(b, r, (uint32_t)res);
	}
}

/* For the caller */

void blk_submit(struct blk *b, struct blk_req *r)
{
	r->blk = b;
	r->stage = BLK_STAGE_DATA;
	r->tries = r->cut = r->again = 0;
	r->bounced = false;
	b->in_flight++;
	start(b, r);
}

void blk_kick(struct blk *b)
{
	ioq_submit(b->ioq);
}

int blk_event_fd(const struct blk *b)
{
	return ioq_event_fd(b->ioq);
}

unsigned blk_poll(struct blk *b)
{
	unsigned n = 0;
	eventfd_t count;
	void *tag;
	int res;
	bool nested = b->polling; /* by a done function */
	b->polling = true;
	eventfd_read(ioq_event_fd(b->ioq), &count);
	while (ioq_reap(b->ioq, &tag, &res))
		transferred(b, tag, res);
	while (b->ended) {
		struct blk_req *r = b->ended;
		if (!(b->ended = r->next))
			b->ended_tail = &b->ended;
		b->in_flight--;
		n++;
		r->done(r, r->result);
	}
	b->polling = nested;
	ioq_submit(b->ioq);
	return n;
}

bool blk_full(const struct blk_req *r, int result)
{
	return r->op != BLK_READ && r->stage == BLK_STAGE_DATA && (result == -ENOSPC || result == -EDQUOT);
}

void blk_drain(struct blk *b)
{
	while (b->in_flight) {
		blk_kick(b);
		ioq_wait(b->ioq);
		blk_poll(b);
	}
}
