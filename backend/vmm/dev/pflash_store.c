#include "backend/vmm/dev/pflash_store.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "src/base/file.h"
#include "src/base/log.h"

#define QUEUE 64u /* power of two; when more waits, all is written instead, in no order */
#define NONE UINT64_MAX
#define END_S 5

struct entry {
	uint64_t block;
	uint8_t data[PFLASH_BLOCK];
};

struct pflash_store {
	int fd;
	uint8_t *data;
	uint64_t blocks;
	uint64_t current; /* the guest is at this one; NONE: at none that has changed */

	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct entry *queue;
	unsigned head, tail; /* free running */
	bool all;            /* write everything, behind the queue */
	bool writing, stop;
	int error;
};

/* The thread */

static int write_block(struct pflash_store *s, const struct entry *e)
{
	return fd_pwrite_all(s->fd, e->data, PFLASH_BLOCK, (off_t)(e->block * PFLASH_BLOCK));
}

static int write_all(struct pflash_store *s, struct entry *e)
{
	int rc = 0;
	for (e->block = 0; e->block < s->blocks && !rc; e->block++) {
		pthread_mutex_lock(&s->lock);
		memcpy(e->data, s->data + e->block * PFLASH_BLOCK, PFLASH_BLOCK);
		pthread_mutex_unlock(&s->lock);
		rc = write_block(s, e);
	}
	return rc;
}

/* Wait for something; lock held. false: the end. *all: of it, else *e. */
static bool next(struct pflash_store *s, struct entry *e, bool *all)
{
	while (!s->stop && (s->error || (s->head == s->tail && !s->all)))
		pthread_cond_wait(&s->work, &s->lock);
	*all = s->head == s->tail;
	if (s->error || (*all && !s->all))
		return false;
	if (*all)
		s->all = false;
	else
		*e = s->queue[s->tail++ % QUEUE];
	return true;
}

static void *writer(void *arg)
{
	struct pflash_store *s = arg;
	struct entry e;
	bool all;
	pthread_setname_np(pthread_self(), "variables");
	pthread_mutex_lock(&s->lock);
	while (next(s, &e, &all)) {
		s->writing = true;
		pthread_mutex_unlock(&s->lock);
		int rc = all ? write_all(s, &e) : write_block(s, &e);
		if (!rc && fdatasync(s->fd) < 0)
			rc = -errno;
		if (rc)
			log_warn("the variable store cannot be written: %s", strerror(-rc));
		pthread_mutex_lock(&s->lock);
		s->error = rc;
		s->writing = false;
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

/* The machine */

int pflash_store_new(struct pflash_store **out, int fd, uint8_t *data, uint64_t bytes, struct err *e)
{
	sigset_t every, old;
	struct pflash_store *s = calloc(1, sizeof(*s));
	struct entry *queue = calloc(QUEUE, sizeof(*queue));
	if (!s || !queue) {
		free(s);
		free(queue);
		return err_set(e, ENOMEM, "out of memory");
	}
	*s = (struct pflash_store){
	    .fd = fd, .data = data, .blocks = bytes / PFLASH_BLOCK, .current = NONE, .queue = queue};
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->work, NULL);
	sigfillset(&every); /* signals are for others */
	pthread_sigmask(SIG_SETMASK, &every, &old);
	int rc = pthread_create(&s->thread, NULL, writer, s);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (!rc) {
		*out = s;
		return 0;
	}
	free(s);
	free(queue);
	return err_sys(e, rc, "cannot start a thread for the variable store");
}

/* Lock held. */
static void hand_over(struct pflash_store *s)
{
	if (s->current == NONE)
		return;
	if (s->head - s->tail == QUEUE || s->all) {
		s->all = true;
	} else {
		struct entry *e = &s->queue[s->head++ % QUEUE];
		e->block = s->current;
		memcpy(e->data, s->data + s->current * PFLASH_BLOCK, PFLASH_BLOCK);
	}
	s->current = NONE;
	pthread_cond_signal(&s->work);
}

void pflash_store_write(struct pflash_store *s, uint64_t off, const void *p, uint64_t n)
{
	pthread_mutex_lock(&s->lock);
	while (n) {
		uint64_t block = off / PFLASH_BLOCK, room = PFLASH_BLOCK - off % PFLASH_BLOCK;
		uint64_t part = n < room ? n : room;
		if (block != s->current)
			hand_over(s);
		s->current = block;
		if (p)
			memcpy(s->data + off, p, part);
		else
			memset(s->data + off, 0xff, part);
		p = p ? (const uint8_t *)p + part : NULL;
		off += part;
		n -= part;
	}
	pthread_mutex_unlock(&s->lock);
}

void pflash_store_sync(struct pflash_store *s)
{
	pthread_mutex_lock(&s->lock);
	hand_over(s);
	pthread_mutex_unlock(&s->lock);
}

bool pflash_store_busy(struct pflash_store *s, int *error)
{
	pthread_mutex_lock(&s->lock);
	bool busy = s->writing || s->all || s->error || s->head != s->tail || s->current != NONE;
	*error = s->error;
	pthread_mutex_unlock(&s->lock);
	return busy;
}

/* Lock held. */
static void again(struct pflash_store *s)
{
	if (!s->error)
		return;
	s->error = 0;
	s->tail = s->head;
	s->all = true;
	pthread_cond_signal(&s->work);
}

void pflash_store_retry(struct pflash_store *s)
{
	pthread_mutex_lock(&s->lock);
	again(s);
	pthread_mutex_unlock(&s->lock);
}

void pflash_store_free(struct pflash_store *s)
{
	struct timespec end;
	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	hand_over(s);
	s->stop = true;
	again(s);
	pthread_cond_signal(&s->work);
	pthread_mutex_unlock(&s->lock);
	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += END_S;
	if (pthread_timedjoin_np(s->thread, NULL, &end)) {
		log_warn("the variable store is not all written: the host does not answer");
		return; /* what the thread uses stays with it */
	}
	pthread_cond_destroy(&s->work);
	pthread_mutex_destroy(&s->lock);
	free(s->queue);
	free(s);
}
