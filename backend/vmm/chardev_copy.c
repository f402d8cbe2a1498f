#include "backend/vmm/chardev_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "src/base/cleanup.h"
#include "src/base/log.h"
#include "src/base/logfile.h"

#define ROOM (256u << 10) /* power of two */
#define CHUNK 65536u
#define END_S 1 /* to write the rest */

struct chardev_copy {
	struct logfile file; /* the thread's */
	unsigned index;
	bool failed;
	uint8_t chunk[CHUNK];

	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t work;
	uint8_t ring[ROOM];
	unsigned head, tail; /* free running */
	uint64_t left_out;   /* bytes, behind what the ring has */
	bool stop;
};

static void write_out(struct chardev_copy *c, const void *p, size_t n)
{
	int rc = logfile_write(&c->file, p, n);
	if (rc && !c->failed)
		log_warn("console %u: its log file cannot be written: %s", c->index, strerror(-rc));
	c->failed = rc != 0;
}

/* Wait for something. Bytes in c->chunk, and how many come behind them that were left out. 0 and 0: the end. */
static unsigned take(struct chardev_copy *c, uint64_t *left_out)
{
	pthread_mutex_lock(&c->lock);
	while (c->head == c->tail && !c->left_out && !c->stop)
		pthread_cond_wait(&c->work, &c->lock);
	unsigned n = c->head - c->tail, at = c->tail % ROOM;
	n = n > CHUNK ? CHUNK : n;
	n = n > ROOM - at ? ROOM - at : n;
	memcpy(c->chunk, c->ring + at, n);
	c->tail += n;
	*left_out = 0;
	if (c->head == c->tail) {
		*left_out = c->left_out;
		c->left_out = 0;
	}
	pthread_mutex_unlock(&c->lock);
	return n;
}

static void *writer(void *arg)
{
	struct chardev_copy *c = arg;
	uint64_t left_out;
	char text[80];
	pthread_setname_np(pthread_self(), "console log");
	for (unsigned n; (n = take(c, &left_out)) || left_out;) {
		if (n)
			write_out(c, c->chunk, n);
		if (!left_out)
			continue;
		int len = snprintf(text, sizeof(text), "\n[%llu bytes were left out]\n",
				   (unsigned long long)left_out);
		write_out(c, text, (size_t)len);
	}
	return NULL;
}

static void take_files(struct chardev_copy *c, struct fd_set_named *fds, int fd)
{
	char name[40];
	int flags = fcntl(fd, F_GETFL);
	if (flags >= 0)
		fcntl(fd, F_SETFL, flags & ~O_NONBLOCK); /* we may wait */
	c->file = (struct logfile){.fd = fd, .max = LOGFILE_CONSOLE_MAX};
	for (int i = 0; i < LOGFILE_OLD_MAX; i++) {
		snprintf(name, sizeof(name), "console%u.copy.%d", c->index, i);
		c->file.old[i] = named_take(fds, name);
	}
}

int chardev_copy_new(struct chardev_copy **out, struct fd_set_named *fds, unsigned index, struct err *e)
{
	char name[40];
	sigset_t all, old;
	snprintf(name, sizeof(name), "console%u.copy", index);
	AUTO_CLOSE int fd = named_take(fds, name);
	*out = NULL;
	if (fd < 0)
		return 0;
	struct chardev_copy *c = calloc(1, sizeof(*c));
	if (!c)
		return err_set(e, ENOMEM, "out of memory");
	c->index = index;
	take_files(c, fds, TAKE_FD(fd));
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->work, NULL);
	sigfillset(&all); /* signals are for others */
	pthread_sigmask(SIG_SETMASK, &all, &old);
	int rc = pthread_create(&c->thread, NULL, writer, c);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	*out = c;
	if (!rc)
		return 0;
	c->stop = true;
	c->thread = 0;
	chardev_copy_free(c);
	*out = NULL;
	return err_sys(e, rc, "console %u: cannot start a thread for its log file", index);
}

void chardev_copy_put(struct chardev_copy *c, const void *p, size_t n)
{
	pthread_mutex_lock(&c->lock);
	unsigned room = c->left_out ? 0 : ROOM - (c->head - c->tail);
	unsigned part = n < room ? (unsigned)n : room, at = c->head % ROOM;
	unsigned first = part < ROOM - at ? part : ROOM - at;
	memcpy(c->ring + at, p, first);
	memcpy(c->ring, (const uint8_t *)p + first, part - first);
	c->head += part;
	c->left_out += n - part;
	pthread_cond_signal(&c->work);
	pthread_mutex_unlock(&c->lock);
}

void chardev_copy_free(struct chardev_copy *c)
{
	if (!c)
		return;
	pthread_mutex_lock(&c->lock);
	c->stop = true;
	pthread_cond_signal(&c->work);
	pthread_mutex_unlock(&c->lock);
	struct timespec end;
	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += END_S;
	if (c->thread && pthread_timedjoin_np(c->thread, NULL, &end))
		return; /* it hangs in the host's kernel, and ends with the process */
	pthread_cond_destroy(&c->work);
	pthread_mutex_destroy(&c->lock);
	fd_close(c->file.fd);
	for (unsigned i = 0; i < LOGFILE_OLD_MAX; i++)
		fd_close(c->file.old[i]);
	free(c);
}
