/* Split virtqueues (virtio 1.2, 2.7): taking chains of a driver that may be hostile, and giving them back.
 *
 * Each descriptor is copied before it is looked at; used.idx lives here and is never read back. */
#include "backend/vmm/dev/virtio.h"

#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
	DESC_LEN = 16,
	DESC_NEXT = 1,
	DESC_WRITE = 2,
	DESC_INDIRECT = 4,

	AVAIL_NO_INTERRUPT = 1,
	INDIRECT_MAX = 1024,
};

struct desc {
	uint64_t gpa;
	uint32_t len;
	uint16_t flags, next;
};

/* Rings are aligned as their fields need it (checked at enable), hosts and guests are little endian. */
static uint16_t ring_load(const uint8_t *p)
{
	return __atomic_load_n((const uint16_t *)(const void *)p, __ATOMIC_ACQUIRE);
}

static void ring_store(uint8_t *p, uint16_t v)
{
	__atomic_store_n((uint16_t *)(void *)p, v, __ATOMIC_RELEASE);
}

static uint8_t *used_event(const struct virtq *q)
{
	return q->avail + 4 + 2 * q->size;
}

static uint8_t *avail_event(const struct virtq *q)
{
	return q->used + 4 + 8 * q->size;
}

/* Copy of descriptor @i of a table of @n. */
static bool desc_get(const uint8_t *table, unsigned n, unsigned i, struct desc *d)
{
	if (i >= n)
		return false;
	memcpy(d, table + (size_t)DESC_LEN * i, sizeof(*d));
	return true;
}

/* Add a buffer to the chain; what is wrong with it, or NULL. */
static const char *chain_add(const struct virtq *q, struct virtq_chain *c, const struct desc *d)
{
	bool in = d->flags & DESC_WRITE;
	uint32_t *total = in ? &c->in_len : &c->out_len;
	unsigned n = c->nout + c->nin;
	if (!in && c->nin)
		return "a buffer to read lies behind one to write";
	if (n == VIRTQ_IOV_MAX)
		return "a chain has too many buffers";
	if (!d->len)
		return NULL; /* says nothing, does nothing */
	if (__builtin_add_overflow(*total, d->len, total))
		return "a chain is longer than 4 GiB";
	void *p = gm_ptr(&q->v->pci.dev.m->mem, d->gpa, d->len, in);
	if (!p)
		return "a buffer is not in guest memory";
	c->iov[n] = (struct iovec){p, d->len};
	*(in ? &c->nin : &c->nout) += 1;
	return NULL;
}

/* Walk the table of an indirect descriptor. It ends the chain. */
static const char *walk_indirect(const struct virtq *q, struct virtq_chain *c, const struct desc *ind)
{
	struct desc d;
	unsigned n = ind->len / DESC_LEN, i = 0;
	if (!virtio_has(q->v, VIRTIO_F_INDIRECT_DESC))
		return "an indirect descriptor was not agreed on";
	if (ind->flags & DESC_NEXT)
		return "an indirect descriptor goes on";
	if (!n || ind->len % DESC_LEN || n > INDIRECT_MAX)
		return "an indirect table has a bad length";
	const uint8_t *table = gm_ptr(&q->v->pci.dev.m->mem, ind->gpa, ind->len, false);
	if (!table)
		return "an indirect table is not in guest memory";
	for (unsigned count = 0; count < n; count++) {
		if (!desc_get(table, n, i, &d))
			return "an indirect descriptor is behind its table";
		if (d.flags & DESC_INDIRECT)
			return "an indirect descriptor is in an indirect table";
		const char *bad = chain_add(q, c, &d);
		if (bad || !(d.flags & DESC_NEXT))
			return bad;
		i = d.next;
	}
	return "an indirect chain has a loop";
}

static const char *walk(const struct virtq *q, struct virtq_chain *c)
{
	struct desc d;
	unsigned i = c->head;
	for (unsigned count = 0; count < q->size; count++) {
		if (!desc_get(q->desc, q->size, i, &d))
			return "a descriptor is behind the table";
		if (d.flags & DESC_INDIRECT)
			return walk_indirect(q, c, &d);
		const char *bad = chain_add(q, c, &d);
		if (bad || !(d.flags & DESC_NEXT))
			return bad;
		i = d.next;
	}
	return "a chain has a loop";
}

unsigned virtq_waiting(const struct virtq *q)
{
	return q->enabled && virtio_live(q->v) ? (uint16_t)(ring_load(q->avail + 2) - q->last_avail) : 0;
}

int virtq_pop(struct virtq *q, struct virtq_chain *c)
{
	if (!q->enabled || !virtio_live(q->v))
		return 0;
	uint16_t waiting = (uint16_t)(ring_load(q->avail + 2) - q->last_avail);
	if (!waiting)
		return 0;
	if (waiting > q->size) {
		virtio_fail(q->v, "queue %u: %u chains wait in a queue of %u", q->index, waiting, q->size);
		return -1;
	}
	uint16_t head = ring_load(q->avail + 4 + 2 * (q->last_avail % q->size));
	if (head >= q->size) {
		virtio_fail(q->v, "queue %u: chain %u in a queue of %u", q->index, head, q->size);
		return -1;
	}
	q->last_avail++;
	q->in_work++;
	c->head = head;
	c->nout = c->nin = 0;
	c->out_len = c->in_len = 0;
	const char *bad = walk(q, c);
	if (!bad)
		return 1;
	virtq_push(q, head, 0);
	virtq_flush(q);
	virtio_fail(q->v, "queue %u: %s", q->index, bad);
	return -1;
}

void virtq_push(struct virtq *q, uint16_t head, uint32_t len)
{
	q->in_work--;
	if (!q->enabled || q->v->resetting)
		return; /* the driver has taken the ring back */
	uint32_t elem[2] = {head, len};
	memcpy(q->used + 4 + 8 * (q->used_idx % q->size), elem, sizeof(elem));
	q->used_idx++;
}

void virtq_unpop(struct virtq *q)
{
	q->in_work--;
	q->last_avail--;
}

void virtq_unpush(struct virtq *q, unsigned n)
{
	if (!q->enabled || q->v->resetting)
		return; /* nothing was pushed */
	q->last_avail = (uint16_t)(q->last_avail - n);
	q->used_idx = (uint16_t)(q->used_idx - n);
}

static void interrupt(struct virtq *q)
{
	struct virtio_dev *v = q->v;
	if (v->pci.msix.enabled) {
		pci_msix_fire(&v->pci, q->vector);
		return;
	}
	v->isr |= 1;
	pci_intx(&v->pci, true);
}

void virtq_flush(struct virtq *q)
{
	if (!q->enabled || q->v->resetting || q->used_shown == q->used_idx)
		return;
	uint16_t old = q->used_shown;
	q->used_shown = q->used_idx;
	ring_store(q->used + 2, q->used_idx);
	__atomic_thread_fence(__ATOMIC_SEQ_CST); /* the driver sets used_event, then looks at used.idx */
	bool wanted = !(ring_load(q->avail) & AVAIL_NO_INTERRUPT);
	if (virtio_has(q->v, VIRTIO_F_EVENT_IDX)) {
		uint16_t event = ring_load(used_event(q));
		wanted = (uint16_t)(q->used_idx - event - 1) < (uint16_t)(q->used_idx - old);
	}
	if (wanted)
		interrupt(q);
}

bool virtq_rearm(struct virtq *q)
{
	if (!q->enabled || !virtio_live(q->v))
		return false;
	if (virtio_has(q->v, VIRTIO_F_EVENT_IDX))
		ring_store(avail_event(q), q->last_avail);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return ring_load(q->avail + 2) != q->last_avail;
}

bool virtq_await(struct virtq *q, unsigned n)
{
	if (!q->enabled || !virtio_live(q->v))
		return false;
	if (virtio_has(q->v, VIRTIO_F_EVENT_IDX))
		ring_store(avail_event(q), ring_load(q->avail + 2));
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return virtq_waiting(q) >= n;
}

void virtq_ring(struct virtq *q)
{
	eventfd_write(q->fd, 1); /* only full when it is rung already */
}

/* Copy to (@put) or from @n buffers from their byte @off on. */
static size_t iov_copy(const struct iovec *iov, unsigned n, size_t off, uint8_t *p, size_t len, bool put)
{
	size_t done = 0;
	for (unsigned i = 0; i < n && done < len; i++) {
		if (off >= iov[i].iov_len) {
			off -= iov[i].iov_len;
			continue;
		}
		size_t part = iov[i].iov_len - off < len - done ? iov[i].iov_len - off : len - done;
		uint8_t *there = (uint8_t *)iov[i].iov_base + off;
		memcpy(put ? there : p + done, put ? p + done : there, part);
		done += part;
		off = 0;
	}
	return done;
}

size_t iov_get(const struct iovec *iov, unsigned n, size_t off, void *p, size_t len)
{
	return iov_copy(iov, n, off, p, len, false);
}

size_t iov_put(const struct iovec *iov, unsigned n, size_t off, const void *p, size_t len)
{
	return iov_copy(iov, n, off, (uint8_t *)(uintptr_t)p, len, true);
}

void iov_skip(struct iovec **iov, unsigned *niov, size_t n)
{
	while (*niov && n >= (*iov)->iov_len) {
		n -= (*iov)->iov_len;
		++*iov;
		--*niov;
	}
	if (*niov && n) {
		(*iov)->iov_base = (uint8_t *)(*iov)->iov_base + n;
		(*iov)->iov_len -= n;
	}
}
