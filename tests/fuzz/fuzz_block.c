/* Any sequence of requests on an image whose host fails as the input wants: each request ends once, what is read is
 * what was written, a flush never succeeds after one has failed, and what is tried again goes on.
 * link: -Wl,--wrap=ioq_put,--wrap=ioq_reap
 * floor: 250
 *
 * Input: the mode, then steps of a byte that says what, and its operands. */
#include "tests/blkfault.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "backend/block/block.h"
#include "src/base/cleanup.h"
#include "src/base/log.h"
#include "tests/fuzz/fuzzlib.h"

#define SECTORS 96u
#define BYTES (SECTORS * 512 + 300) /* the last sector is not all there */
#define DISK ((SECTORS + 1) * 512)
#define BATCH 8
#define STEPS_MAX 60u

enum { UNKNOWN = 0x100 };

static const int errors[] = {-EIO, -ENOSPC, -EDQUOT, -EAGAIN, -EINTR, -ECANCELED, -EOPNOTSUPP, -EINVAL};

struct req {
	struct blk_req r;
	struct iovec iov[4];
	uint8_t data[DISK + 64];
	uint64_t off, len;
	unsigned ends;
	int result;
};

static struct blk b;
static struct req reqs[BATCH];
static uint16_t model[DISK]; /* what each byte is, or UNKNOWN */
static bool lossy;           /* a failed flush is for good */

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void done(struct blk_req *r, int result)
{
	struct req *q = CONTAINER_OF(r, struct req, r);
	q->ends++;
	q->result = result;
}

static void forget(const struct req *q)
{
	for (uint64_t i = 0; i < q->len; i++)
		model[q->off + i] = UNKNOWN;
}

/* The buffers of @q: up to four, of any alignment. */
static void buffers(struct req *q, struct input *in)
{
	uint64_t left = q->len;
	uint8_t *p = q->data + take(in, 1) % 64;
	unsigned n = 0;
	for (; n < 3 && left; n++) {
		uint64_t part = take(in, 1) % 8 * 300;
		part = part < left ? part : left;
		if (!part)
			break;
		q->iov[n] = (struct iovec){p, part};
		p += part;
		left -= part;
	}
	if (left)
		q->iov[n++] = (struct iovec){p, left};
	q->r.niov = n;
}

static void submit(struct req *q, struct input *in)
{
	unsigned what = take(in, 1), sector = take(in, 1) % (SECTORS + 1), n = 1 + take(in, 1) % 40;
	if (n > SECTORS + 1 - sector)
		n = SECTORS + 1 - sector;
	q->ends = 0;
	q->off = sector * 512;
	q->len = what % 5 == BLK_FLUSH ? 0 : n * 512;
	q->r = (struct blk_req){.op = what % 5, .off = q->off, .len = q->len, .iov = q->iov, .unmap = what & 32, .done = done};
	memset(q->data, 0x80 | what, sizeof(q->data));
	if (q->r.op == BLK_READ || q->r.op == BLK_WRITE)
		buffers(q, in);
	blk_submit(&b, &q->r);
}

/* It was alone: what is there now? */
static void judge(const struct req *q, const uint8_t *first)
{
	for (uint64_t i = 0; i < q->len; i++) {
		uint16_t *m = &model[q->off + i];
		if (q->r.op == BLK_READ)
			check(q->result || *m == UNKNOWN || *m == first[i]);
		else if (q->result || q->r.op == BLK_DISCARD)
			*m = UNKNOWN;
		else
			*m = q->r.op == BLK_WRITE ? first[i] : 0;
	}
}

/* Some requests at once, until all have ended; what the host had no room for is tried again. */
static void round_of(unsigned n, struct input *in)
{
	for (unsigned i = 0; i < n; i++)
		submit(&reqs[i], in);
	const uint8_t *first = reqs[0].r.niov ? reqs[0].iov[0].iov_base : NULL;
	blk_drain(&b);
	for (unsigned i = 0; i < n; i++) {
		struct req *q = &reqs[i];
		check(q->ends == 1 && q->result <= 0);
		for (unsigned tries = 0; tries < 3 && blk_full(&q->r, q->result); tries++) {
			blk_submit(&b, &q->r);
			blk_drain(&b);
			check(q->ends == 2 + tries);
		}
		if (q->r.op == BLK_FLUSH && b.lost)
			check(lossy && (n > 1 || q->result == b.lost));
		if (n > 1 && q->r.op != BLK_READ)
			forget(q);
	}
	if (n == 1 && reqs[0].r.op != BLK_FLUSH)
		judge(&reqs[0], first);
	check(!b.in_flight && !b.bounce_owner && !b.bounce_waiting && !b.sync_now && !b.sync_next);
}

static void step(struct input *in)
{
	unsigned what = take(in, 1);
	int lost = b.lost;
	if (what & 0x80) {
		blkfault.op = what & 3;
		blkfault.skip = what >> 2 & 3;
		blkfault.times = 1 + (what >> 4 & 3);
		unsigned how = take(in, 1);
		blkfault.result = how < 0xc0 ? errors[how % ARRAY_SIZE(errors)] : (int)(how & 0x3f) * 100;
		if (blkfault.op == IOQ_SYNC && blkfault.result > 0)
			blkfault.result = -EIO;
	} else if (what == 0x7f) {
		b.write_through = !b.write_through;
	} else {
		round_of(1 + (what % 16 ? 0 : what / 16), in);
	}
	check(!lost || b.lost == lost);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static int quiet = -1;
	if (quiet < 0) {
		quiet = open("/dev/null", O_WRONLY | O_CLOEXEC);
		log_open("fuzz", quiet);
	}
	struct input in = {data, n};
	unsigned mode = take(&in, 1);
	int fd = memfd_create("image", MFD_CLOEXEC);
	struct blk_config c = {.name = "vda", .format = "raw", .fd = fd,
			       .cache = mode & 1 ? BLK_CACHE_WRITETHROUGH : BLK_CACHE_WRITEBACK,
			       .engine = mode & 2 ? BLK_ENGINE_AUTO : BLK_ENGINE_THREADS};
	if (fd < 0 || ftruncate(fd, BYTES) || blk_open(&b, &c, NULL))
		abort();
	b.direct = mode & 4; /* as if: buffers are copied */
	lossy = !b.direct;
	memset(model, 0, sizeof(model));
	blkfault = (struct blkfault){0};
	for (unsigned i = 0; in.n && i < STEPS_MAX; i++)
		step(&in);
	blkfault.times = 0;
	blk_close(&b);
	return 0;
}
