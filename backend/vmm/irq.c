#include "backend/vmm/irq.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "src/base/cleanup.h"

void irq_init(struct irq *i, const struct irq_sink *sink, void *ctx)
{
	*i = (struct irq){.sink = sink, .ctx = ctx};
}

void irq_line_init(struct irq_line *l, struct irq *irq, unsigned gsi)
{
	*l = (struct irq_line){.irq = irq, .gsi = gsi};
}

static void count(struct irq *i, unsigned gsi, bool up)
{
	if (gsi >= IRQ_GSI_PINS)
		return;
	uint16_t before = i->count[gsi];
	i->count[gsi] = (uint16_t)(before + (up ? 1 : -1));
	if (!before != !i->count[gsi])
		i->sink->set_line(i->ctx, gsi, up);
}

void irq_line_set(struct irq_line *l, bool level)
{
	if (l->level == level || !l->irq)
		return;
	l->level = level;
	count(l->irq, l->gsi, level);
}

void irq_line_move(struct irq_line *l, unsigned gsi)
{
	if (l->gsi == gsi)
		return;
	bool level = l->level;
	irq_line_set(l, false);
	l->gsi = gsi;
	irq_line_set(l, level);
}

int irq_msi_init(struct irq_msi *v, struct irq *irq, struct err *e)
{
	for (unsigned n = 0; n < IRQ_MSI_MAX; n++) {
		if (irq->used[n / 64] >> (n % 64) & 1)
			continue;
		int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (fd < 0)
			return err_sys(e, errno, "cannot make an interrupt's eventfd");
		irq->used[n / 64] |= 1ull << (n % 64);
		*v = (struct irq_msi){.irq = irq, .gsi = IRQ_GSI_PINS + n, .fd = fd};
		return 0;
	}
	return err_set(e, ENOSPC, "more than %d interrupt vectors: use fewer devices or queues", IRQ_MSI_MAX);
}

void irq_msi_done(struct irq_msi *v)
{
	if (!v->irq || v->fd < 0)
		return;
	irq_msi_update(v, 0, 0, true);
	unsigned n = v->gsi - IRQ_GSI_PINS;
	v->irq->used[n / 64] &= ~(1ull << (n % 64));
	fd_close(v->fd);
	*v = (struct irq_msi){.fd = -1};
}

int irq_msi_update(struct irq_msi *v, uint64_t addr, uint32_t data, bool masked)
{
	const struct irq_sink *s = v->irq->sink;
	if (v->routed && (masked || addr != v->addr || data != v->data)) {
		s->msi_route(v->irq->ctx, v->gsi, v->addr, v->data, v->fd, false);
		v->routed = false;
	}
	v->addr = addr;
	v->data = data;
	if (masked || v->routed)
		return 0;
	int rc = s->msi_route(v->irq->ctx, v->gsi, addr, data, v->fd, true);
	v->routed = !rc;
	return rc;
}

void irq_msi_fire(struct irq_msi *v)
{
	uint64_t one = 1;
	ssize_t n = write(v->fd, &one, sizeof(one));
	(void)n; /* only full when 2^64-2 are pending: the interrupt is there */
}

bool irq_msi_pending(const struct irq_msi *v)
{
	struct pollfd p = {.fd = v->fd, .events = POLLIN};
	return !v->routed && poll(&p, 1, 0) == 1;
}
