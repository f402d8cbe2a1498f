#include "backend/block/ioqueue.h"

#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "src/base/cleanup.h"
#include "src/base/log.h"

#define THREADS 4

struct slot {
	struct ioq_job job;
	int result;
	struct slot *next;
};

struct slots { /* a list in order */
	struct slot *first, **tail;
};

struct ioq {
	int fd, event_fd;
	bool ring_made, refused;
	struct io_uring ring;
	/* threads; the ring keeps in unused and held what it has no entry for */
	unsigned nthreads;
	pthread_t threads[THREADS];
	pthread_mutex_t lock;
	pthread_cond_t work;
	bool stop;
	struct slots todo, done, unused, held; /* held: put, not yet submitted */
	struct slot *all;
};

static void slots_init(struct slots *l)
{
	l->first = NULL;
	l->tail = &l->first;
}

static void slots_add(struct slots *l, struct slot *s)
{
	s->next = NULL;
	*l->tail = s;
	l->tail = &s->next;
}

static struct slot *slots_take(struct slots *l)
{
	struct slot *s = l->first;
	if (s && !(l->first = s->next))
		l->tail = &l->first;
	return s;
}

/* The ring */

/* Some builds of liburing do not export these two. */
static int ring_register(struct io_uring *ring, unsigned opcode, const void *arg, unsigned n)
{
	return syscall(SYS_io_uring_register, ring->ring_fd, opcode, arg, n) < 0 ? -errno : 0;
}

/* Only these operations, only on registered file 0, and nothing else may be registered. */
static int restrict_ring(struct io_uring *ring)
{
	struct io_uring_restriction r[] = {
		{.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_READV},
		{.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_WRITEV},
		{.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_FSYNC},
		{.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_FALLOCATE},
		{.opcode = IORING_RESTRICTION_SQE_FLAGS_REQUIRED, .sqe_flags = IOSQE_FIXED_FILE},
		{.opcode = IORING_RESTRICTION_REGISTER_OP, .register_op = IORING_REGISTER_ENABLE_RINGS},
	};
	return ring_register(ring, IORING_REGISTER_RESTRICTIONS, r, ARRAY_SIZE(r));
}

static int ring_init(struct ioq *q)
{
	struct io_uring_params p = {.flags = IORING_SETUP_R_DISABLED};
	int rc = io_uring_queue_init_params(IOQ_DEPTH, &q->ring, &p);
	if (rc)
		return rc;
	q->ring_made = true;
	if ((rc = io_uring_register_files(&q->ring, &q->fd, 1)) ||
	    (rc = io_uring_register_eventfd(&q->ring, q->event_fd)) || (rc = restrict_ring(&q->ring)) ||
	    (rc = ring_register(&q->ring, IORING_REGISTER_ENABLE_RINGS, NULL, 0))) {
		io_uring_queue_exit(&q->ring);
		q->ring_made = false;
	}
	return rc;
}

/* false: all entries are queued. */
static bool ring_put(struct ioq *q, const struct ioq_job *j)
{
	struct io_uring_sqe *s = io_uring_get_sqe(&q->ring);
	if (!s)
		return false;
	switch (j->op) {
	case IOQ_READ:
		io_uring_prep_readv(s, 0, j->iov, j->niov, j->off);
		break;
	case IOQ_WRITE:
		io_uring_prep_writev(s, 0, j->iov, j->niov, j->off);
		break;
	case IOQ_SYNC:
		io_uring_prep_fsync(s, 0, IORING_FSYNC_DATASYNC);
		break;
	case IOQ_ALLOCATE:
		io_uring_prep_fallocate(s, 0, j->mode, (off_t)j->off, (off_t)j->len);
		break;
	}
	s->flags |= IOSQE_FIXED_FILE;
	io_uring_sqe_set_data(s, j->tag);
	return true;
}

static void ring_refill(struct ioq *q)
{
	while (q->held.first && ring_put(q, &q->held.first->job))
		slots_add(&q->unused, slots_take(&q->held));
}

/* The kernel may be out of memory, or want completions to be reaped first. Nobody waits for that here, with
 * the machine's lock held: the caller's loop comes back. */
static void ring_submit(struct ioq *q)
{
	int rc;
	do {
		ring_refill(q);
		rc = io_uring_submit(&q->ring);
	} while (rc == -EINTR || (rc > 0 && q->held.first));
	if (rc < 0 && rc != -EAGAIN && rc != -EBUSY && !q->refused)
		log_error("the host takes no disk requests: %s", strerror(-rc));
	q->refused = rc < 0;
	if (io_uring_sq_ready(&q->ring) || q->held.first)
		eventfd_write(q->event_fd, 1);
}

/* Threads */

static int run(int fd, const struct ioq_job *j)
{
	ssize_t n = 0;
	do {
		switch (j->op) {
		case IOQ_READ:
			n = preadv(fd, j->iov, (int)j->niov, (off_t)j->off);
			break;
		case IOQ_WRITE:
			n = pwritev(fd, j->iov, (int)j->niov, (off_t)j->off);
			break;
		case IOQ_SYNC:
			n = fdatasync(fd);
			break;
		case IOQ_ALLOCATE:
			n = fallocate(fd, j->mode, (off_t)j->off, (off_t)j->len);
			break;
		}
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : (int)n;
}

static void *worker(void *arg)
{
	struct ioq *q = arg;
	pthread_setname_np(pthread_self(), "disk");
	pthread_mutex_lock(&q->lock);
	while (true) {
		struct slot *s = slots_take(&q->todo);
		if (!s && q->stop)
			break;
		if (!s) {
			pthread_cond_wait(&q->work, &q->lock);
			continue;
		}
		pthread_mutex_unlock(&q->lock);
		s->result = run(q->fd, &s->job);
		pthread_mutex_lock(&q->lock);
		slots_add(&q->done, s);
		eventfd_write(q->event_fd, 1);
	}
	pthread_mutex_unlock(&q->lock);
	return NULL;
}

static int threads_init(struct ioq *q, struct err *e)
{
	sigset_t none, old;
	sigfillset(&none); /* signals are for others */
	pthread_sigmask(SIG_SETMASK, &none, &old);
	int rc = 0;
	for (; !rc && q->nthreads < THREADS; q->nthreads += !rc)
		rc = pthread_create(&q->threads[q->nthreads], NULL, worker, q);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return rc && !q->nthreads ? err_sys(e, rc, "cannot start a thread for disk I/O") : 0;
}

/* Both */

int ioq_new(struct ioq **out, int fd, enum blk_engine engine, struct err *e)
{
	struct ioq *q = calloc(1, sizeof(*q));
	if (!q)
		return err_set(e, ENOMEM, "out of memory");
	q->fd = fd;
	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->work, NULL);
	slots_init(&q->todo);
	slots_init(&q->done);
	slots_init(&q->unused);
	slots_init(&q->held);
	q->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int rc = q->event_fd < 0 ? err_sys(e, errno, "cannot make an eventfd") : 0;
	q->all = calloc(IOQ_DEPTH, sizeof(*q->all));
	for (unsigned i = 0; q->all && i < IOQ_DEPTH; i++)
		slots_add(&q->unused, &q->all[i]);
	if (!rc && !q->all)
		rc = err_set(e, ENOMEM, "out of memory");
	if (!rc && engine != BLK_ENGINE_THREADS) {
		rc = ring_init(q);
		if (rc && engine == BLK_ENGINE_RING)
			err_sys(e, -rc, "cannot make an io_uring");
		else if (rc)
			log_info("no io_uring (%s), using threads", strerror(-rc));
	}
	if (!q->ring_made && engine != BLK_ENGINE_RING && q->event_fd >= 0 && q->all)
		rc = threads_init(q, e);
	if (rc) {
		ioq_free(q);
		return rc;
	}
	*out = q;
	return 0;
}

void ioq_free(struct ioq *q)
{
	if (!q)
		return;
	if (q->ring_made)
		io_uring_queue_exit(&q->ring);
	pthread_mutex_lock(&q->lock);
	q->stop = true;
	pthread_cond_broadcast(&q->work);
	pthread_mutex_unlock(&q->lock);
	for (unsigned i = 0; i < q->nthreads; i++)
		pthread_join(q->threads[i], NULL);
	pthread_cond_destroy(&q->work);
	pthread_mutex_destroy(&q->lock);
	fd_close(q->event_fd);
	free(q->all);
	free(q);
}

const char *ioq_engine(const struct ioq *q)
{
	return q->ring_made ? "io_uring" : "threads";
}

int ioq_event_fd(const struct ioq *q)
{
	return q->event_fd;
}

bool ioq_put(struct ioq *q, const struct ioq_job *job)
{
	if (q->ring_made && !q->held.first && ring_put(q, job))
		return true;
	pthread_mutex_lock(&q->lock);
	struct slot *s = slots_take(&q->unused);
	if (s) {
		s->job = *job;
		slots_add(&q->held, s);
	}
	pthread_mutex_unlock(&q->lock);
	return s != NULL;
}

void ioq_submit(struct ioq *q)
{
	if (q->ring_made) {
		ring_submit(q);
		return;
	}
	pthread_mutex_lock(&q->lock);
	for (struct slot *s; (s = slots_take(&q->held));)
		slots_add(&q->todo, s);
	pthread_cond_broadcast(&q->work);
	pthread_mutex_unlock(&q->lock);
}

bool ioq_reap(struct ioq *q, void **tag, int *result)
{
	if (q->ring_made) {
		struct io_uring_cqe *c;
		if (io_uring_peek_cqe(&q->ring, &c) || !c)
			return false;
		*tag = io_uring_cqe_get_data(c);
		*result = c->res;
		io_uring_cqe_seen(&q->ring, c);
		return true;
	}
	pthread_mutex_lock(&q->lock);
	struct slot *s = slots_take(&q->done);
	if (s) {
		*tag = s->job.tag;
		*result = s->result;
		slots_add(&q->unused, s);
	}
	pthread_mutex_unlock(&q->lock);
	return s != NULL;
}

void ioq_wait(struct ioq *q)
{
	struct pollfd p = {.fd = q->event_fd, .events = POLLIN};
	while (poll(&p, 1, -1) < 0 && errno == EINTR)
		;
}
