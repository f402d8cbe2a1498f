/* Block device (virtio 1.2, 5.2) over backend/block.
 *
 * Theory of operation. A chain becomes one of REQUESTS_MAX requests: its header (read once, wherever the
 * driver has split it), its data, and its very last byte for the status. Reads, writes, flushes, discards and
 * zeroes go to the block layer and come back in completed(); all of a batch are shown to the driver at once.
 * With all requests in use, chains wait on the queue. A disk of the host that is full pauses the guest: the
 * request waits and is submitted again, from where it stopped, when the guest goes on. Other errors are the
 * guest's to handle. */
#include "backend/vmm/dev/virtio_blk.h"

#include "backend/vmm/dev/dev.h"
#include "backend/vmm/dev/disk_error.h"
#include "backend/vmm/dev/virtio.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/block/block.h"
#include "backend/block/ioqueue.h"
#include "src/base/cleanup.h"

#define REQUESTS_MAX IOQ_DEPTH
#define SEG_MAX 254u         /* data buffers of a chain that has two more */
#define RANGE_SECTORS 0x400000u /* 2 GiB in one discard or zeroing */
#define ID_LEN 20
#define HEADER_LEN 16
#define RANGE_LEN 16

enum { /* feature bits, 5.2.3 */
	F_SEG_MAX = 2,
	F_RO = 5,
	F_BLK_SIZE = 6,
	F_FLUSH = 9,
	F_TOPOLOGY = 10,
	F_CONFIG_WCE = 11,
	F_MQ = 12,
	F_DISCARD = 13,
	F_WRITE_ZEROES = 14,
};

enum { /* request types, 5.2.6 */
	T_IN = 0,
	T_OUT = 1,
	T_FLUSH = 4,
	T_GET_ID = 8,
	T_DISCARD = 11,
	T_WRITE_ZEROES = 13,
};

enum { S_OK = 0, S_IOERR = 1, S_UNSUPP = 2 };

enum { CONFIG_WRITEBACK = 32, CONFIG_LEN = 60 };

struct virtio_blk;

struct request {
	struct virtq_chain chain;
	struct blk_req io;
	struct virtio_blk *d;
	struct virtq *q;
	uint8_t *status;
	uint32_t type, in_bytes; /* bytes of data for the guest when it works */
	bool unmap;
	uint64_t bytes, since_ns;
	struct request *next;    /* unused or waiting */
};

struct virtio_blk {
	struct virtio_dev v;
	struct blk blk;
	bool opened, discard, always_through;
	char serial[ID_LEN];
	void *watch;
	struct request *requests, *unused, *waiting; /* waiting: for a resume */
	unsigned fresh; /* of @requests: those from there on were never used, and their pages never touched */
	struct stats_disk *stats;
};

/* One that is not in flight, or NULL. It stays where it is until put_to_use(). */
static struct request *spare(struct virtio_blk *d)
{
	if (!d->unused && d->fresh < REQUESTS_MAX)
		d->unused = &d->requests[d->fresh++];
	return d->unused;
}

static struct request *put_to_use(struct virtio_blk *d)
{
	struct request *r = d->unused;
	d->unused = r->next;
	r->next = NULL;
	return r;
}

static void put_back(struct request *r)
{
	r->next = r->d->unused;
	r->d->unused = r;
}

static void finish(struct request *r, uint8_t status, uint32_t in_bytes)
{
	struct virtio_blk *d = r->d;
	*r->status = status;
	if (status == S_IOERR)
		stats_add(&d->stats->errors, 1);
	virtq_push(r->q, r->chain.head, in_bytes + 1);
	r->since_ns = 0;
	put_back(r);
}

/* Completion */

static void account(const struct request *r)
{
	struct stats_disk *s = r->d->stats;
	uint64_t ns = machine_now(r->d->v.pci.dev.m) - r->since_ns;
	switch (r->type) {
	case T_IN:
		stats_add(&s->rd_ops, 1);
		stats_add(&s->rd_bytes, r->bytes);
		stats_add(&s->rd_ns, ns);
		break;
	case T_OUT:
	case T_WRITE_ZEROES:
		stats_add(&s->wr_ops, 1);
		stats_add(&s->wr_bytes, r->type == T_OUT ? r->bytes : 0);
		stats_add(&s->wr_ns, ns);
		break;
	case T_DISCARD:
		stats_add(&s->discard_ops, 1);
		break;
	default:
		stats_add(&s->fl_ops, 1);
		stats_add(&s->fl_ns, ns);
		break;
	}
}

static void io_done(struct blk_req *io, int result)
{
	struct request *r = CONTAINER_OF(io, struct request, io);
	struct virtio_blk *d = r->d;
	struct machine *m = d->v.pci.dev.m;
	if (blk_full(io, result) && !d->v.resetting) {
		r->next = d->waiting;
		d->waiting = r;
		disk_pause(m, &d->blk, io, result);
		return;
	}
	if (result)
		disk_failed(m, d->stats, &d->blk, io, result);
	else
		account(r);
	finish(r, result ? S_IOERR : S_OK, result ? 0 : r->in_bytes);
}

static void notify(struct virtio_dev *v, struct virtq *q);

static void completed(void *ctx)
{
	struct virtio_blk *d = ctx;
	bool starved = !spare(d);
	blk_poll(&d->blk);
	for (unsigned i = 0; i < d->v.nqueues; i++) {
		virtq_flush(&d->v.q[i]);
		if (starved && spare(d) && virtio_live(&d->v))
			notify(&d->v, &d->v.q[i]);
	}
}

bool virtio_blk_waits(const struct dev *d)
{
	return ((const struct virtio_blk *)d)->waiting;
}

struct blk *virtio_blk_image(struct dev *d)
{
	return &((struct virtio_blk *)d)->blk;
}

uint64_t virtio_blk_oldest(const struct dev *dev, const char **what)
{
	const struct virtio_blk *d = (const struct virtio_blk *)dev;
	const struct request *oldest = NULL;
	for (unsigned i = 0; i < d->fresh; i++) {
		const struct request *r = &d->requests[i];
		if (r->since_ns && (!oldest || r->since_ns < oldest->since_ns))
			oldest = r;
	}
	if (!oldest)
		return 0;
	*what = oldest->type == T_IN ? "read" : oldest->type == T_FLUSH ? "flush" : "write";
	return oldest->since_ns;
}

void virtio_blk_completed(struct dev *d)
{
	completed(d);
}

/* Requests */

static void submit(struct request *r, enum blk_op op, uint64_t off, uint64_t len, struct iovec *iov,
		   unsigned niov)
{
	r->io = (struct blk_req){.op = op, .off = off, .len = len, .iov = iov, .niov = niov,
	                         .unmap = r->unmap, .done = io_done};
	r->bytes = len;
	r->since_ns = machine_now(r->d->v.pci.dev.m);
	blk_submit(&r->d->blk, &r->io);
}

/* Do @len bytes from @sector lie on the disk? */
static bool on_disk(const struct virtio_blk *d, uint64_t sector, uint64_t len)
{
	uint64_t off;
	if (__builtin_mul_overflow(sector, BLK_SECTOR, &off))
		return false;
	return len <= d->blk.size_bytes && off <= d->blk.size_bytes - len;
}

static void read_or_write(struct request *r, uint64_t sector)
{
	struct virtq_chain *c = &r->chain;
	bool out = r->type == T_OUT;
	struct iovec *iov = out ? c->iov : c->iov + c->nout;
	unsigned niov = out ? c->nout : c->nin;
	uint64_t len = out ? c->out_len - HEADER_LEN : c->in_len - 1;
	if (len % BLK_SECTOR || !on_disk(r->d, sector, len) || (out && r->d->blk.readonly)) {
		finish(r, S_IOERR, 0);
		return;
	}
	if (out)
		iov_skip(&iov, &niov, HEADER_LEN);
	else if (!--iov[niov - 1].iov_len) /* the status byte */
		niov--;
	r->in_bytes = out ? 0 : (uint32_t)len;
	submit(r, out ? BLK_WRITE : BLK_READ, sector * BLK_SECTOR, len, iov, niov);
}

/* Discard and write zeroes: one range (5.2.6.1). */
static void range(struct request *r)
{
	struct { uint64_t sector; uint32_t sectors, flags; } g;
	struct virtio_blk *d = r->d;
	const struct virtq_chain *c = &r->chain;
	bool zero = r->type == T_WRITE_ZEROES;
	uint8_t status = S_OK;
	_Static_assert(sizeof(g) == RANGE_LEN, "as the driver writes it");
	if (!virtio_has(&d->v, zero ? F_WRITE_ZEROES : F_DISCARD))
		status = S_UNSUPP;
	else if (c->out_len != HEADER_LEN + RANGE_LEN || d->blk.readonly)
		status = S_IOERR;
	else if (iov_get(c->iov, c->nout, HEADER_LEN, &g, sizeof(g)) != sizeof(g))
		status = S_IOERR;
	else if (g.flags & ~(zero ? 1u : 0u))
		status = S_UNSUPP;
	else if (g.sectors > RANGE_SECTORS || !on_disk(d, g.sector, (uint64_t)g.sectors * BLK_SECTOR))
		status = S_IOERR;
	if (status) {
		finish(r, status, 0);
		return;
	}
	r->unmap = (g.flags & 1) && d->discard;
	submit(r, zero ? BLK_ZERO : BLK_DISCARD, g.sector * BLK_SECTOR, (uint64_t)g.sectors * BLK_SECTOR,
	       NULL, 0);
}

static void get_id(struct request *r)
{
	const struct virtq_chain *c = &r->chain;
	size_t room = c->in_len - 1 < ID_LEN ? c->in_len - 1 : ID_LEN;
	size_t n = iov_put(c->iov + c->nout, c->nin, 0, r->d->serial, room);
	finish(r, S_OK, (uint32_t)n);
}

/* A chain that cannot even tell its status. */
static void refuse(struct request *r, const char *what)
{
	struct virtio_blk *d = r->d;
	virtq_push(r->q, r->chain.head, 0);
	virtq_flush(r->q);
	put_back(r);
	virtio_fail(&d->v, "queue %u: %s", r->q->index, what);
}

static void dispatch(struct request *r)
{
	struct { uint32_t type, reserved; uint64_t sector; } h;
	const struct virtq_chain *c = &r->chain;
	_Static_assert(sizeof(h) == HEADER_LEN, "as the driver writes it");
	if (!c->in_len) {
		refuse(r, "a request has no room for its status");
		return;
	}
	const struct iovec *last = &c->iov[c->nout + c->nin - 1];
	r->status = (uint8_t *)last->iov_base + last->iov_len - 1;
	if (iov_get(c->iov, c->nout, 0, &h, sizeof(h)) != sizeof(h)) {
		refuse(r, "a request has no header");
		return;
	}
	r->type = h.type;
	r->in_bytes = 0;
	r->unmap = false;
	switch (h.type) {
	case T_IN:
	case T_OUT:
		read_or_write(r, h.sector);
		break;
	case T_FLUSH:
		submit(r, BLK_FLUSH, 0, 0, NULL, 0);
		break;
	case T_GET_ID:
		get_id(r);
		break;
	case T_DISCARD:
	case T_WRITE_ZEROES:
		range(r);
		break;
	default:
		finish(r, S_UNSUPP, 0);
		break;
	}
}

static void notify(struct virtio_dev *v, struct virtq *q)
{
	struct virtio_blk *d = (struct virtio_blk *)v;
	unsigned n = 0;
	do {
		while (n < REQUESTS_MAX && spare(d) && virtq_pop(q, &spare(d)->chain) == 1) {
			struct request *r = put_to_use(d);
			r->d = d;
			r->q = q;
			n++;
			dispatch(r);
		}
	} while (n < REQUESTS_MAX && spare(d) && virtq_rearm(q));
	blk_kick(&d->blk);
	virtq_flush(q);
	if (n == REQUESTS_MAX && spare(d))
		virtq_ring(q); /* others of the main loop have a turn */
}

/* Without an agreed flush command, or while the driver has the cache off, each write is on the disk when done
 * (5.2.5.2). */
static void cache_mode(struct virtio_blk *d)
{
	bool flushes = virtio_has(&d->v, F_FLUSH), cached = d->v.config[CONFIG_WRITEBACK];
	d->blk.write_through = d->always_through || !flushes || (virtio_has(&d->v, F_CONFIG_WCE) && !cached);
}

static void ready(struct virtio_dev *v)
{
	cache_mode((struct virtio_blk *)v);
}

static void config_write(struct virtio_dev *v, unsigned off, uint8_t val)
{
	if (off != CONFIG_WRITEBACK || !virtio_has(v, F_CONFIG_WCE))
		return;
	v->config[CONFIG_WRITEBACK] = val & 1;
	cache_mode((struct virtio_blk *)v);
}

static void reset_begins(struct virtio_dev *v)
{
	struct virtio_blk *d = (struct virtio_blk *)v;
	while (d->waiting) {
		struct request *r = d->waiting;
		d->waiting = r->next;
		finish(r, S_IOERR, 0);
	}
}

static void drain(struct virtio_dev *v)
{
	blk_drain(&((struct virtio_blk *)v)->blk);
}

static const struct virtio_class blk_class = {
	.type = 2,
	.class_rev = 0x01000000,
	.queue_size = VIRTQ_SIZE_MAX,
	.notify = notify,
	.ready = ready,
	.reset = reset_begins,
	.drain = drain,
	.config_write = config_write,
};

/* Life */

static enum blk_cache cache_of(const struct domain_disk *disk)
{
	static const enum blk_cache modes[] = {
	    [DISK_CACHE_DEFAULT] = BLK_CACHE_WRITEBACK,         [DISK_CACHE_NONE] = BLK_CACHE_NONE,
	    [DISK_CACHE_WRITETHROUGH] = BLK_CACHE_WRITETHROUGH, [DISK_CACHE_WRITEBACK] = BLK_CACHE_WRITEBACK,
	    [DISK_CACHE_DIRECTSYNC] = BLK_CACHE_DIRECTSYNC,     [DISK_CACHE_UNSAFE] = BLK_CACHE_UNSAFE,
	};
	return modes[disk->cache];
}

/* 5.2.4 */
static void config_init(struct virtio_blk *d, unsigned queues)
{
	uint8_t *c = d->v.config;
	uint64_t sectors = d->blk.size_bytes / BLK_SECTOR;
	unsigned exponent = 0;
	while (BLK_SECTOR << (exponent + 1) <= d->blk.physical_bytes && exponent < 8)
		exponent++;
	memcpy(c, &sectors, 8);
	pci_put32(c + 12, SEG_MAX);
	pci_put32(c + 20, BLK_SECTOR);
	c[24] = (uint8_t)exponent;
	pci_put16(c + 26, 1);
	pci_put16(c + 34, (uint16_t)queues);
	pci_put32(c + 36, RANGE_SECTORS);
	pci_put32(c + 40, 1); /* ranges of a discard */
	pci_put32(c + 44, 1u << exponent);
	pci_put32(c + 48, RANGE_SECTORS);
	pci_put32(c + 52, 1);
	c[56] = 1; /* zeroing may make holes */
	d->v.config_len = CONFIG_LEN;
	d->v.offered = 1u << F_SEG_MAX | 1u << F_BLK_SIZE | 1u << F_TOPOLOGY | 1u << F_FLUSH;
	d->v.offered |= queues > 1 ? 1u << F_MQ : 0;
	d->v.offered |= d->blk.readonly ? 1u << F_RO : 1u << F_WRITE_ZEROES | 1u << F_CONFIG_WCE;
	d->v.offered |= d->discard && !d->blk.readonly ? 1u << F_DISCARD : 0;
}

static int open_image(struct virtio_blk *d, const struct domain_disk *disk, struct err *e)
{
	struct machine *m = d->v.pci.dev.m;
	char name[60];
	snprintf(name, sizeof(name), "disk:%s", disk->target);
	int fd = named_take(&m->fds, name);
	if (fd < 0)
		return err_set(e, ENOENT, "disk '%s': the launcher gave no image", disk->target);
	struct blk_config c = {.name = disk->target, .format = disk->format ? disk->format : "raw", .fd = fd,
	                       .readonly = disk->readonly, .cache = cache_of(disk)};
	int rc = blk_open(&d->blk, &c, e);
	if (rc) {
		fd_close(fd);
		return rc;
	}
	d->opened = true;
	d->always_through = d->blk.write_through;
	d->discard = disk->discard;
	if (disk->serial)
		memcpy(d->serial, disk->serial, strnlen(disk->serial, ID_LEN));
	return machine_watch(m, blk_event_fd(&d->blk), completed, d, &d->watch, e);
}

static int blk_init(struct dev *dev, const struct dev_def *def, struct err *e)
{
	struct virtio_blk *d = (struct virtio_blk *)dev;
	const struct domain_disk *disk = def->disk;
	unsigned queues = !disk->queues                      ? 1
			  : disk->queues < VIRTIO_QUEUES_MAX ? disk->queues
							     : VIRTIO_QUEUES_MAX - 1;
	d->v.class = &blk_class;
	d->stats = &machine_stats(dev->m, STATS_DISK, def->name)->disk;
	int rc = open_image(d, disk, e);
	if (rc)
		return rc;
	d->requests = calloc(REQUESTS_MAX, sizeof(*d->requests));
	if (!d->requests)
		return err_set(e, ENOMEM, "disk '%s': out of memory", def->name);
	config_init(d, queues);
	return virtio_init(&d->v, def, queues, e);
}

static void blk_reset(struct dev *dev)
{
	struct virtio_blk *d = (struct virtio_blk *)dev;
	virtio_reset(&d->v);
	d->v.config[CONFIG_WRITEBACK] = !d->always_through;
}

static void blk_resumed(struct dev *dev)
{
	struct virtio_blk *d = (struct virtio_blk *)dev;
	struct request *list = d->waiting;
	d->waiting = NULL;
	while (list) {
		struct request *r = list;
		list = r->next;
		blk_submit(&d->blk, &r->io);
	}
	blk_kick(&d->blk);
}

static void blk_dump(const struct dev *dev, FILE *f)
{
	const struct virtio_blk *d = (const struct virtio_blk *)dev;
	fprintf(f, "%s, %llu bytes, %s%s%s\n", d->blk.format->name, (unsigned long long)d->blk.size_bytes,
		ioq_engine(d->blk.ioq), d->blk.direct ? ", direct" : "",
		d->blk.write_through ? ", write-through" : "");
	virtio_dump(&d->v, f);
}

static void blk_done(struct dev *dev)
{
	struct virtio_blk *d = (struct virtio_blk *)dev;
	d->v.resetting = true; /* what comes back now is not shown */
	if (d->opened) {
		blk_drain(&d->blk);
		machine_unwatch(dev->m, &d->watch);
	}
	virtio_done(&d->v);
	if (d->opened)
		blk_close(&d->blk);
	free(d->requests);
}

const struct dev_type virtio_blk_type = {
	.model = "virtio-blk",
	.summary = "disk (virtio)",
	.bus = DEV_BUS_PCI,
	.size = sizeof(struct virtio_blk),
	.init = blk_init,
	.reset = blk_reset,
	.resumed = blk_resumed,
	.dump = blk_dump,
	.done = blk_done,
};
