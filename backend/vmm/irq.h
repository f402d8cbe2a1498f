/* Interrupts and doorbells as devices see them, whoever delivers them: KVM (backend/vmm/kvm.c), or a test.
 *
 * Several devices may share a global system interrupt: levels are counted here, so that one device's deassert
 * never drops another's (machine.md, T11). Message-signalled interrupts are eventfds that the sink routes;
 * firing one is a write(2) from any thread. All else: caller holds machine.lock. */
#ifndef BACKEND_VMM_IRQ_H
#define BACKEND_VMM_IRQ_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/err.h"

#define IRQ_GSI_PINS 24 /* GSIs of the IOAPIC */
#define IRQ_MSI_MAX 256 /* GSIs 24.. carry MSI routes */

struct irq;

/* What delivers. Each is required. */
struct irq_sink {
	void (*set_line)(void *ctx, unsigned gsi, bool level);
	/* Route @gsi (>= 24) to this message and attach @eventfd to it, or detach it (@on false). 0 or
	 * -errno. */
	int (*msi_route)(void *ctx, unsigned gsi, uint64_t addr, uint32_t data, int eventfd, bool on);
	/* Writes of any length at @addr signal @eventfd without an exit; @pio: in port space. 0 or -errno. */
	int (*doorbell)(void *ctx, uint64_t addr, bool pio, int eventfd, bool on);
};

/* A device's wire to a GSI. Zero-initialise, then irq_line_init. */
struct irq_line {
	struct irq *irq;
	unsigned gsi;
	bool level;
};

void irq_line_init(struct irq_line *l, struct irq *irq, unsigned gsi);
void irq_line_set(struct irq_line *l, bool level);
/* The wire now goes to another pin (PCI link routing); a raised level moves along. */
void irq_line_move(struct irq_line *l, unsigned gsi);

/* One message-signalled vector. */
struct irq_msi {
	struct irq *irq;
	unsigned gsi;
	int fd;      /* eventfd; -1 = not allocated */
	bool routed; /* unmasked: the sink listens to fd */
	uint64_t addr;
	uint32_t data;
};

int irq_msi_init(struct irq_msi *v, struct irq *irq, struct err *e);
void irq_msi_done(struct irq_msi *v);
/* Set message and mask. While masked, fires are kept in the eventfd and delivered at unmask. 0 or -errno. */
int irq_msi_update(struct irq_msi *v, uint64_t addr, uint32_t data, bool masked);
void irq_msi_fire(struct irq_msi *v);
/* Fired while masked and not yet delivered? (the MSI-X pending bit) */
bool irq_msi_pending(const struct irq_msi *v);

struct irq {
	const struct irq_sink *sink;
	void *ctx;
	uint16_t count[IRQ_GSI_PINS]; /* lines that are raised */
	uint64_t used[IRQ_MSI_MAX / 64];
};

void irq_init(struct irq *i, const struct irq_sink *sink, void *ctx);

#endif
