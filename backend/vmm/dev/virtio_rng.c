/* Entropy device (virtio 1.2, 5.4): the host's random bytes, at most so many a period.
 *
 * One request gets at most REQUEST_MAX bytes and fewer when the budget of the period ends with it; what comes
 * after that waits on the queue until the timer begins a new period. */
#include "backend/vmm/dev/dev.h"
#include "backend/vmm/dev/virtio.h"
#include "backend/vmm/timer.h"

#include <sys/random.h>

#define REQUEST_MAX 16384u
#define ROUND_MAX 64      /* requests before others of the main loop have a turn */
#define ROUND_BYTES 262144u /* and bytes, about a millisecond's */

struct virtio_rng {
	struct virtio_dev v;
	struct timer timer;
	uint64_t period_bytes; /* 0 = no limit */
	uint64_t period_ns;
	uint64_t left;         /* of this period */
	struct virtq_chain chain;
};

/* Fill what the chain has room for. */
static uint32_t fill(struct virtio_rng *r)
{
	struct virtq_chain *c = &r->chain;
	uint64_t want = c->in_len < REQUEST_MAX ? c->in_len : REQUEST_MAX;
	uint32_t done = 0;
	if (r->period_bytes && !r->timer.deadline_ns) { /* the first of a period */
		r->left = r->period_bytes;
		timer_set(&r->timer, machine_now(r->v.pci.dev.m) + r->period_ns);
	}
	if (r->period_bytes && want > r->left)
		want = r->left;
	for (unsigned i = 0; i < c->nin && done < want; i++) {
		const struct iovec *b = &c->iov[c->nout + i];
		size_t part = b->iov_len < want - done ? b->iov_len : want - done;
		ssize_t n = getrandom(b->iov_base, part, GRND_NONBLOCK);
		if (n <= 0)
			break;
		done += (uint32_t)n;
	}
	if (r->period_bytes)
		r->left -= done;
	return done;
}

static bool budget(const struct virtio_rng *r)
{
	return !r->period_bytes || !r->timer.deadline_ns || r->left;
}

static void notify(struct virtio_dev *v, struct virtq *q)
{
	struct virtio_rng *r = (struct virtio_rng *)v;
	unsigned n = 0;
	uint32_t bytes = 0;
	do {
		while (n < ROUND_MAX && bytes < ROUND_BYTES && budget(r) && virtq_pop(q, &r->chain) == 1) {
			uint32_t part = fill(r);
			virtq_push(q, r->chain.head, part);
			bytes += part;
			n++;
		}
	} while (n < ROUND_MAX && bytes < ROUND_BYTES && budget(r) && virtq_rearm(q));
	virtq_flush(q);
	if (n == ROUND_MAX || bytes >= ROUND_BYTES)
		virtq_ring(q);
}

static void next_period(void *ctx)
{
	struct virtio_rng *r = ctx;
	if (virtio_live(&r->v))
		notify(&r->v, &r->v.q[0]);
}

static const struct virtio_class rng_class = {
	.type = 4,
	.class_rev = 0x00ff0000,
	.queue_size = VIRTQ_SIZE_MAX,
	.notify = notify,
};

static int rng_init(struct dev *d, const struct dev_def *def, struct err *e)
{
	struct virtio_rng *r = (struct virtio_rng *)d;
	r->v.class = &rng_class;
	r->period_bytes = def->rng ? def->rng->rate_bytes : 0;
	r->period_ns = (def->rng && def->rng->rate_period_ms ? def->rng->rate_period_ms : 1000) * 1000000ull;
	int rc = timer_init(&r->timer, d->m, next_period, r, e);
	return rc ? rc : virtio_init(&r->v, def, 1, e);
}

static void rng_reset(struct dev *d)
{
	struct virtio_rng *r = (struct virtio_rng *)d;
	timer_stop(&r->timer);
	virtio_reset(&r->v);
}

static void rng_dump(const struct dev *d, FILE *f)
{
	virtio_dump((const struct virtio_dev *)d, f);
}

static void rng_done(struct dev *d)
{
	timer_done(&((struct virtio_rng *)d)->timer);
	virtio_done((struct virtio_dev *)d);
}

const struct dev_type virtio_rng_type = {
	.model = "virtio-rng",
	.summary = "entropy from the host (virtio)",
	.bus = DEV_BUS_PCI,
	.size = sizeof(struct virtio_rng),
	.init = rng_init,
	.reset = rng_reset,
	.dump = rng_dump,
	.done = rng_done,
};
