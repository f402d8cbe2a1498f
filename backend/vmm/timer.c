#include "backend/vmm/timer.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "backend/vmm/machine.h"
#include "src/base/cleanup.h"

static void fire(struct timer *t)
{
	if (!t->deadline_ns || machine_now(t->m) < t->deadline_ns)
		return;
	t->deadline_ns = 0;
	t->fn(t->ctx);
}

static void readable(void *ctx)
{
	struct timer *t = ctx;
	uint64_t n;
	if (read(t->fd, &n, sizeof(n)) == sizeof(n))
		fire(t);
}

int timer_init(struct timer *t, struct machine *m, void (*fn)(void *), void *ctx, struct err *e)
{
	*t = (struct timer){.m = m, .fn = fn, .ctx = ctx, .fd = -1, .next = m->timers};
	m->timers = t;
	if (!m->loop)
		return 0;
	t->fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (t->fd < 0)
		return err_sys(e, errno, "cannot make a timer");
	return machine_watch(m, t->fd, readable, t, &t->poll, e);
}

static void arm(const struct timer *t)
{
	struct itimerspec its = {.it_value = {.tv_sec = (time_t)(t->deadline_ns / 1000000000u),
	                                      .tv_nsec = (long)(t->deadline_ns % 1000000000u)}};
	if (t->fd >= 0)
		timerfd_settime(t->fd, TFD_TIMER_ABSTIME, &its, NULL);
}

void timer_set(struct timer *t, uint64_t deadline_ns)
{
	if (t->deadline_ns == deadline_ns)
		return;
	t->deadline_ns = deadline_ns;
	arm(t);
}

void timer_stop(struct timer *t)
{
	timer_set(t, 0);
}

void timer_done(struct timer *t)
{
	if (!t->m)
		return;
	timer_stop(t);
	machine_unwatch(t->m, &t->poll);
	fd_close(t->fd);
	for (struct timer **p = &t->m->timers; *p; p = &(*p)->next)
		if (*p == t) {
			*p = t->next;
			break;
		}
	*t = (struct timer){.fd = -1};
}

void timer_run(struct machine *m)
{
	for (struct timer *t = m->timers, *next; t; t = next) {
		next = t->next;
		fire(t);
	}
}
