#include "backend/vmm/machine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <uv.h>

#include "backend/vmm/device.h"
#include "backend/vmm/display/display.h"
#include "backend/vmm/pci.h"
#include "backend/vmm/timer.h"
#include "src/base/log.h"

int machine_init_bare(struct machine *m, uint64_t ram_bytes, unsigned memory_flags, const struct irq_sink *sink,
		      void *ctx, struct err *e)
{
	*m = (struct machine){0};
	pthread_mutex_init(&m->lock, NULL);
	irq_init(&m->irq, sink, ctx);
	m->pci = calloc(1, sizeof(*m->pci));
	m->stats = aligned_alloc(64, STATS_FILE_SIZE);
	if (!m->pci || !m->stats)
		return err_set(e, ENOMEM, "out of memory");
	memset(m->stats, 0, STATS_FILE_SIZE);
	return memory_init(&m->mem, ram_bytes, memory_flags, e);
}

void machine_done_bare(struct machine *m)
{
	while (m->ndevs)
		dev_free(m->devs[m->ndevs - 1]);
	display_free(m->display);
	memory_done(&m->mem);
	free(m->pci);
	free(m->stats);
	pthread_mutex_destroy(&m->lock);
}

uint64_t machine_now(const struct machine *m)
{
	if (!m->loop)
		return m->fake_now_ns;
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

int64_t machine_wall(const struct machine *m, uint32_t *ns)
{
	struct timespec ts = {.tv_sec = (time_t)(m->fake_now_ns / 1000000000u),
			      .tv_nsec = (long)(m->fake_now_ns % 1000000000u)};
	if (m->loop)
		clock_gettime(CLOCK_REALTIME, &ts);
	if (ns)
		*ns = (uint32_t)ts.tv_nsec;
	return ts.tv_sec;
}

void machine_request(struct machine *m, enum machine_request r, const char *detail)
{
	if (r == MACHINE_POWEROFF && m->powerdown_reboots) {
		m->powerdown_reboots = false;
		r = MACHINE_RESET;
	}
	if (r > m->request) {
		m->request = r;
		snprintf(m->request_detail, sizeof(m->request_detail), "%s", detail);
	}
	if (m->wake)
		m->wake(m);
}

void machine_pause_ioerror(struct machine *m, const char *detail)
{
	m->pause_requested = true;
	snprintf(m->request_detail, sizeof(m->request_detail), "%s", detail);
	if (m->wake)
		m->wake(m);
}

struct stats_block *machine_stats(struct machine *m, enum stats_kind kind, const char *name)
{
	static struct stats_block spare[2];
	struct stats_block *blocks = (struct stats_block *)(m->stats + 1);
	for (unsigned i = 0; i < m->stats->nblocks; i++) /* made anew after a reset: counters go on */
		if (blocks[i].kind == kind && !strcmp(blocks[i].name, name))
			return &blocks[i];
	struct stats_block *b = m->stats->nblocks < STATS_BLOCKS_MAX ? &blocks[m->stats->nblocks] : &spare[0];
	*b = (struct stats_block){.size = sizeof(b->raw)};
	snprintf(b->name, sizeof(b->name), "%s", name);
	b->kind = kind;
	if (b != &spare[0])
		__atomic_store_n(&m->stats->nblocks, m->stats->nblocks + 1, __ATOMIC_RELEASE);
	return b;
}

struct watch {
	uv_poll_t poll;
	struct machine *m;
	void (*fn)(void *ctx);
	void *ctx;
};

static void watch_fired(uv_poll_t *p, int status, int events)
{
	struct watch *w = p->data;
	pthread_mutex_lock(&w->m->lock);
	w->fn(w->ctx);
	pthread_mutex_unlock(&w->m->lock);
}

int machine_watch(struct machine *m, int fd, void (*fn)(void *ctx), void *ctx, void **handle, struct err *e)
{
	if (!m->loop)
		return 0;
	struct watch *w = calloc(1, sizeof(*w));
	if (!w)
		return err_set(e, ENOMEM, "out of memory");
	int rc = uv_poll_init(m->loop, &w->poll, fd);
	if (rc) {
		free(w);
		return err_set(e, -rc, "cannot watch a descriptor: %s", uv_strerror(rc));
	}
	w->m = m;
	w->fn = fn;
	w->ctx = ctx;
	w->poll.data = w;
	uv_poll_start(&w->poll, UV_READABLE, watch_fired);
	*handle = w;
	return 0;
}

static void watch_closed(uv_handle_t *h)
{
	free(h->data);
}

void machine_unwatch(struct machine *m, void **handle)
{
	struct watch *w = *handle;
	*handle = NULL;
	if (w) {
		uv_poll_stop(&w->poll);
		uv_close((uv_handle_t *)&w->poll, watch_closed);
	}
}
