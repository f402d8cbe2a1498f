#include "backend/vmm/chardev.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include "backend/vmm/chardev_copy.h"
#include "backend/vmm/kvm.h"
#include "backend/vmm/machine.h"
#include "backend/vmm/peer.h"
#include "backend/vmm/run.h"
#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/log.h"
#include "src/base/unixsock.h"

#define RING 65536u /* power of two */
#define INPUT 16384u
#define CHUNK 16384u
#define PACE_MS 4       /* between two looks at the ring while bytes come */
#define PACE_MAX_MS 32  /* the same, when the last looks found none */
#define QUIET_LOOKS 8   /* so many that found none make a quiet device */

struct client {
	uv_poll_t poll;
	struct chardev *c;
	struct client *next;
	int fd;
	uint64_t at; /* in the record: what lies before was sent */
	bool blocked;
};

struct chardev {
	struct machine *m;
	unsigned index;
	const struct chardev_ops *ops;
	void *ctx;

	/* Under m->lock. */
	uint8_t ring[RING];
	unsigned head, tail; /* free running; head - tail bytes wait */
	uint64_t said;       /* bytes written since power-on or reset */
	uint64_t said_ns;    /* when they were last seen; 0: never */
	bool refused;        /* the device was told to hold back */
	bool paced;          /* the main loop comes by itself (pace) */
	bool gathers;        /* and has to: the device's bytes wake nobody */

	/* Main loop only. */
	uv_async_t async;
	uv_timer_t pace;
	unsigned empty_looks; /* of pace, since the last byte */
	uv_poll_t listen;
	int listen_fd;
	bool recording, record_failed;
	struct record record;
	int record_fds[RECORD_SEGMENTS + 1];
	struct chardev_copy *copy; /* <log file=>; NULL: none */
	struct client *clients;
	uint8_t input[INPUT];
	unsigned ninput;
	bool input_full;
	struct stats_console *stats;
};

static uint64_t wall_ns(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void chardev_set_device(struct chardev *c, const struct chardev_ops *ops, void *ctx)
{
	c->ops = ops;
	c->ctx = ctx;
}

size_t chardev_write(struct chardev *c, const void *p, size_t n)
{
	unsigned room = RING - (c->head - c->tail), was = c->head - c->tail;
	if (n > room) {
		n = room;
		c->refused = true;
	}
	for (size_t i = 0; i < n; i++)
		c->ring[c->head++ % RING] = ((const uint8_t *)p)[i];
	c->said += n;
	unsigned waits = c->head - c->tail;
	bool half = was < RING / 2 && waits >= RING / 2; /* the next look may come too late */
	if (c->m->loop && (half || (!was && n && !c->paced)))
		uv_async_send(&c->async);
	return n;
}

void chardev_gather(struct chardev *c, bool on)
{
	c->gathers = on;
}

void chardev_rx_ready(struct chardev *c)
{
	if (c->m->loop)
		uv_async_send(&c->async);
}

size_t chardev_take(struct chardev *c, void *p, size_t n)
{
	size_t have = c->head - c->tail;
	if (n > have)
		n = have;
	for (size_t i = 0; i < n; i++)
		((uint8_t *)p)[i] = c->ring[c->tail++ % RING];
	return n;
}

void chardev_said(const struct chardev *c, struct chardev_said *out, struct buf *tail, size_t max)
{
	out->bytes = c->said;
	out->ago_ms = !c->said ? -1 : c->said_ns ? (int64_t)((machine_now(c->m) - c->said_ns) / 1000000) : 0;
	size_t n = c->said < RING ? c->said : RING;
	if (n > max)
		n = max;
	for (unsigned i = (unsigned)n; tail && i--;) /* what was taken out stays in the ring until it is overwritten */
		buf_add(tail, &c->ring[(c->head - 1 - i) % RING], 1);
}

static void client_events(struct client *k);

static void client_closed(uv_handle_t *h)
{
	struct client *k = h->data;
	fd_close(k->fd);
	free(k);
}

static void client_close(struct client *k)
{
	struct chardev *c = k->c;
	for (struct client **p = &c->clients; *p; p = &(*p)->next)
		if (*p == k) {
			*p = k->next;
			break;
		}
	c->stats->attached--;
	uv_poll_stop(&k->poll);
	uv_close((uv_handle_t *)&k->poll, client_closed);
}

/* Send; how many bytes went. The client is closed on a real error: then false. */
static bool client_send(struct client *k, const uint8_t *p, size_t n)
{
	ssize_t sent = send(k->fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (sent < 0 && errno != EAGAIN && errno != EINTR) {
		client_close(k);
		return false;
	}
	k->at += sent > 0 ? (uint64_t)sent : 0;
	if (sent < (ssize_t)n) {
		k->blocked = true;
		client_events(k);
	}
	return true;
}

/* Send a client what the record has for it, until it does not take more. */
static void client_catch_up(struct client *k)
{
	struct chardev *c = k->c;
	uint8_t p[CHUNK];
	while (!k->blocked && c->recording && k->at < record_end(&c->record)) {
		uint64_t at = k->at;
		ssize_t n = record_read(&c->record, &at, p, sizeof(p));
		if (n <= 0) {
			k->at = record_end(&c->record);
			return;
		}
		k->at = at - (uint64_t)n;
		if (!client_send(k, p, (size_t)n))
			return;
	}
}

/* Offer what clients have typed to the device. */
static void feed_device(struct chardev *c)
{
	if (!c->ninput || !c->ops)
		return;
	pthread_mutex_lock(&c->m->lock);
	size_t n = c->ops->rx(c->ctx, c->input, c->ninput);
	pthread_mutex_unlock(&c->m->lock);
	c->ninput -= (unsigned)n;
	memmove(c->input, c->input + n, c->ninput);
	stats_add(&c->stats->rx_bytes, n);
	if (c->input_full && c->ninput < INPUT) {
		c->input_full = false;
		for (struct client *k = c->clients; k; k = k->next)
			client_events(k);
	}
}

static void client_read(struct client *k)
{
	struct chardev *c = k->c;
	ssize_t n = recv(k->fd, c->input + c->ninput, INPUT - c->ninput, MSG_DONTWAIT);
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		client_close(k);
		return;
	}
	if (n > 0)
		c->ninput += (unsigned)n;
	if (c->ninput == INPUT) {
		c->input_full = true;
		for (struct client *o = c->clients; o; o = o->next)
			client_events(o);
	}
	feed_device(c);
}

static void client_ready(uv_poll_t *p, int status, int events)
{
	struct client *k = p->data;
	if (status < 0) {
		client_close(k);
		return;
	}
	if (events & UV_WRITABLE) {
		k->blocked = false;
		client_events(k);
		client_catch_up(k);
	}
	if (events & UV_READABLE && !uv_is_closing((uv_handle_t *)&k->poll) && !k->c->input_full)
		client_read(k);
}

static void client_events(struct client *k)
{
	int events = (k->c->input_full ? 0 : UV_READABLE) | (k->blocked ? UV_WRITABLE : 0);
	if (events)
		uv_poll_start(&k->poll, events, client_ready);
	else
		uv_poll_stop(&k->poll);
}

/* @fd is taken. */
static int client_new(struct chardev *c, int fd, uint64_t replay, struct err *e)
{
	struct client *k = calloc(1, sizeof(*k));
	if (!k || uv_poll_init(c->m->loop, &k->poll, fd)) {
		free(k);
		fd_close(fd);
		return err_set(e, ENOMEM, "out of memory");
	}
	k->poll.data = k;
	k->c = c;
	k->fd = fd;
	if (c->recording) {
		uint64_t end = record_end(&c->record), begin = record_begin(&c->record),
			 boot = record_boot(&c->record);
		uint64_t oldest = boot > begin ? boot : begin;
		k->at = replay < end - oldest ? end - replay : oldest;
	}
	k->next = c->clients;
	c->clients = k;
	c->stats->attached++;
	client_events(k);
	client_catch_up(k);
	return 0;
}

int chardev_attach(struct chardev *c, uint64_t replay, int *fd, struct err *e)
{
	int pair[2];
	int rc = unixsock_pair(SOCK_STREAM, pair);
	if (rc)
		return err_sys(e, -rc, "cannot attach to console %u", c->index);
	rc = client_new(c, pair[0], replay, e);
	if (rc)
		fd_close(pair[1]);
	else
		*fd = pair[1];
	return rc;
}

static void connection(uv_poll_t *p, int status, int events)
{
	struct chardev *c = p->data;
	int fd = accept4(c->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return;
	if (peer_allowed(run_keeper(c->m), fd))
		client_new(c, fd, 0, NULL);
	else
		fd_close(fd);
}

/* One chunk of output to the record and to everybody who is up to date. */
static void output(struct chardev *c, const uint8_t *p, size_t n)
{
	uint64_t before = c->recording ? record_end(&c->record) : 0;
	int rc = c->recording ? record_write(&c->record, p, n, wall_ns()) : 0;
	if (rc && !c->record_failed)
		log_warn("console %u is not recorded: %s", c->index, strerror(-rc));
	c->record_failed = rc != 0;
	if (c->copy)
		chardev_copy_put(c->copy, p, n);
	uint64_t end = c->recording ? record_end(&c->record) : 0;
	for (struct client *k = c->clients, *next; k; k = next) {
		next = k->next;
		if (k->blocked || (c->recording && k->at != before))
			continue; /* it comes to this through the record */
		if (client_send(k, p, n) && k->at > end)
			k->at = end; /* what could not be recorded was only seen live */
	}
	stats_add(&c->stats->tx_bytes, n);
}

/* How many bytes there were. */
static uint64_t drain(struct chardev *c)
{
	uint8_t p[CHUNK];
	uint64_t total = 0;
	size_t n;
	do {
		pthread_mutex_lock(&c->m->lock);
		kvm_coalesced_drain(c->m);
		n = chardev_take(c, p, sizeof(p));
		if (n)
			c->said_ns = machine_now(c->m);
		bool tell = n && c->refused;
		if (tell)
			c->refused = false;
		if (tell && c->ops)
			c->ops->writable(c->ctx);
		pthread_mutex_unlock(&c->m->lock);
		if (n)
			output(c, p, n);
		total += n;
	} while (n);
	return total;
}

/* From now on writes wake the main loop, unless there are some already. */
static bool pace_ends(struct chardev *c)
{
	pthread_mutex_lock(&c->m->lock);
	kvm_coalesced_drain(c->m);
	bool ends = c->head == c->tail && !c->gathers;
	c->paced = !ends;
	pthread_mutex_unlock(&c->m->lock);
	return ends;
}

static void quiet(struct chardev *c)
{
	pthread_mutex_lock(&c->m->lock);
	if (c->gathers && c->ops)
		c->ops->quiet(c->ctx);
	pthread_mutex_unlock(&c->m->lock);
}

static void look(uv_timer_t *t)
{
	struct chardev *c = t->data;
	c->empty_looks = drain(c) ? 0 : c->empty_looks + 1;
	if (c->empty_looks >= QUIET_LOOKS)
		quiet(c);
	if (c->empty_looks && pace_ends(c))
		return;
	unsigned ms = c->empty_looks < 3 ? PACE_MS << c->empty_looks : PACE_MAX_MS;
	uv_timer_start(t, look, ms, 0);
}

static void woken(uv_async_t *a)
{
	struct chardev *c = a->data;
	if (drain(c) && !uv_is_active((uv_handle_t *)&c->pace)) {
		pthread_mutex_lock(&c->m->lock);
		c->paced = true;
		pthread_mutex_unlock(&c->m->lock);
		c->empty_looks = 0;
		uv_timer_start(&c->pace, look, PACE_MS, 0);
	}
	feed_device(c);
}

void chardev_feed(struct chardev *c, const void *p, size_t n)
{
	if (n > INPUT - c->ninput)
		n = INPUT - c->ninput;
	memcpy(c->input + c->ninput, p, n);
	c->ninput += (unsigned)n;
	feed_device(c);
}

void chardev_mark(struct chardev *c, enum record_kind kind)
{
	drain(c);
	if (kind == RECORD_POWERON || kind == RECORD_RESET) {
		pthread_mutex_lock(&c->m->lock);
		c->said = c->said_ns = 0;
		pthread_mutex_unlock(&c->m->lock);
	}
	if (c->recording)
		record_mark(&c->record, kind, wall_ns());
}

static void open_record(struct chardev *c)
{
	char name[40];
	for (int i = 0; i <= RECORD_SEGMENTS; i++) {
		if (i < RECORD_SEGMENTS)
			snprintf(name, sizeof(name), "console%u.log.%d", c->index, i);
		else
			snprintf(name, sizeof(name), "console%u.idx", c->index);
		c->record_fds[i] = named_take(&c->m->fds, name);
		if (c->record_fds[i] < 0)
			return;
	}
	int rc = record_open_writer(&c->record, c->record_fds, c->record_fds[RECORD_SEGMENTS],
				    RECORD_SEGMENT_BYTES);
	if (rc)
		log_warn("console %u is not recorded: %s", c->index, strerror(-rc));
	c->recording = !rc;
}

static int attach_loop(struct chardev *c, struct err *e)
{
	char name[40];
	int rc = uv_async_init(c->m->loop, &c->async, woken);
	if (rc)
		return err_set(e, -rc, "console %u: %s", c->index, uv_strerror(rc));
	c->async.data = c;
	uv_timer_init(c->m->loop, &c->pace);
	c->pace.data = c;
	snprintf(name, sizeof(name), "console%u", c->index);
	c->listen_fd = named_take(&c->m->fds, name);
	if (c->listen_fd >= 0 && (rc = uv_poll_init(c->m->loop, &c->listen, c->listen_fd))) {
		fd_close(TAKE_FD(c->listen_fd));
		return err_set(e, -rc, "console %u: %s", c->index, uv_strerror(rc));
	}
	if (c->listen_fd >= 0) {
		c->listen.data = c;
		uv_poll_start(&c->listen, UV_READABLE, connection);
	}
	open_record(c);
	return chardev_copy_new(&c->copy, &c->m->fds, c->index, e);
}

int chardev_new(struct machine *m, unsigned index, struct err *e)
{
	char name[16];
	struct chardev *c = calloc(1, sizeof(*c));
	if (!c)
		return err_set(e, ENOMEM, "out of memory");
	c->m = m;
	c->index = index;
	c->listen_fd = -1;
	for (int i = 0; i <= RECORD_SEGMENTS; i++)
		c->record_fds[i] = -1;
	snprintf(name, sizeof(name), "console%u", index);
	c->stats = &machine_stats(m, STATS_CONSOLE, name)->console;
	m->consoles[index] = c;
	return m->loop ? attach_loop(c, e) : 0;
}

static void chardev_closed(uv_handle_t *h)
{
	free(h->data);
}

static void pace_closed(uv_handle_t *h)
{
	struct chardev *c = h->data;
	uv_close((uv_handle_t *)&c->async, chardev_closed);
}

static void listen_closed(uv_handle_t *h)
{
	struct chardev *c = h->data;
	fd_close(c->listen_fd);
	uv_close((uv_handle_t *)&c->pace, pace_closed);
}

void chardev_free(struct chardev *c)
{
	if (!c)
		return;
	c->m->consoles[c->index] = NULL;
	if (!c->m->loop) {
		free(c);
		return;
	}
	drain(c);
	chardev_copy_free(c->copy);
	while (c->clients)
		client_close(c->clients);
	for (int i = 0; i <= RECORD_SEGMENTS; i++)
		fd_close(c->record_fds[i]);
	if (c->listen_fd >= 0)
		uv_close((uv_handle_t *)&c->listen, listen_closed);
	else
		uv_close((uv_handle_t *)&c->pace, pace_closed);
}
