/* The serial port of a PC: a 16550A. (National Semiconductor PC16550D data sheet, 8.0; machine.md 1.4)
 *
 * Theory of operation. The wire is infinitely fast: a byte written to THR is on its way at once, so THRE and
 * TEMT stay set and the THRE interrupt comes right back. Only when the console's ring is full do bytes stay
 * in our transmit FIFO, with THRE clear until the ring has room (back-pressure; the vCPU never waits). For
 * the same reason "four character times without a read" have always passed: fewer bytes than the trigger
 * level show as a character timeout.
 *
 * Polled output, as of a kernel's messages, is a read of LSR and a write of THR for each byte. After
 * GATHER_AFTER bytes written without the THRE interrupt the writes are gathered by KVM (kvm_gather_port()), as
 * the interrupt is the only thing in which the guest could see it: every other look at the port is an exit,
 * which brings the gathered bytes first. A guest that wants the interrupt ends it, and next time twice as many
 * bytes are needed; so does a pause, so that the last bytes are not kept waiting.
 *
 * The interrupt line is the OR of the enabled causes, behind MCR.OUT2 as on a PC. Left out: line errors other
 * than overrun and break (they only arise in loopback), and baud rates, which are stored and change nothing.
 */
#include "backend/vmm/chardev.h"
#include "backend/vmm/device.h"
#include "backend/vmm/kvm.h"
#include "backend/vmm/dev/dev.h"
#include "src/base/cleanup.h"

#include <errno.h>
#include <string.h>

#define UART_FIFO 16
#define GATHER_AFTER 64
#define GATHER_AFTER_MAX 8192

enum { /* registers; the divisor latch hides the first two while LCR.DLAB */
	REG_DATA = 0,
	REG_IER = 1,
	REG_IIR = 2, /* FCR when written */
	REG_LCR = 3,
	REG_MCR = 4,
	REG_LSR = 5,
	REG_MSR = 6,
	REG_SCR = 7,
};

enum {
	IER_RX = 0x01,
	IER_THRE = 0x02,
	IER_LINE = 0x04,
	IER_MODEM = 0x08,
	IER_MASK = 0x0f,

	IIR_MODEM = 0x00,
	IIR_NONE = 0x01,
	IIR_THRE = 0x02,
	IIR_RX = 0x04,
	IIR_LINE = 0x06,
	IIR_TIMEOUT = 0x0c,
	IIR_FIFO = 0xc0,

	FCR_ENABLE = 0x01,
	FCR_CLEAR_RX = 0x02,
	FCR_CLEAR_TX = 0x04,

	LCR_BREAK = 0x40,
	LCR_DLAB = 0x80,

	MCR_DTR = 0x01,
	MCR_RTS = 0x02,
	MCR_OUT1 = 0x04,
	MCR_OUT2 = 0x08,
	MCR_LOOP = 0x10,
	MCR_MASK = 0x1f,

	LSR_DR = 0x01,
	LSR_OE = 0x02,
	LSR_BI = 0x10,
	LSR_THRE = 0x20,
	LSR_TEMT = 0x40,
	LSR_FIFO_ERR = 0x80,

	MSR_DCTS = 0x01,
	MSR_DDSR = 0x02,
	MSR_TERI = 0x04,
	MSR_DDCD = 0x08,
	MSR_CTS = 0x10,
	MSR_DSR = 0x20,
	MSR_RI = 0x40,
	MSR_DCD = 0x80,
	MSR_PEER = MSR_CTS | MSR_DSR | MSR_DCD, /* somebody is at the other end */
};

struct uart_fifo {
	uint8_t byte[UART_FIFO];
	uint8_t error[UART_FIFO]; /* LSR bits that belong to the byte */
	unsigned first, n;
};

struct uart {
	struct dev dev;
	struct irq_line irq;
	struct chardev *chr; /* NULL: nobody; output vanishes */
	uint16_t port;
	uint8_t ier, fcr, lcr, mcr, scr, dll, dlm;
	uint8_t lsr; /* OE, and BI of the byte that is next */
	uint8_t msr;
	bool thre_due;   /* the THRE interrupt: set when THR became empty, cleared by reading it in IIR or
			    writing THR */
	bool rx_stalled; /* the console was told to wait */
	bool gathers;    /* KVM gathers what is written to THR */
	unsigned polled, gather_after; /* bytes written without interrupts, and how many begin it */
	struct uart_fifo rx, tx;
};

static const struct {
	uint16_t port;
	uint8_t gsi;
} uart_at[] = {
	{0x3f8, 4},
	{0x2f8, 3},
	{0x3e8, 4},
	{0x2e8, 3},
};

static unsigned fifo_room(const struct uart *u, const struct uart_fifo *f)
{
	unsigned depth = u->fcr & FCR_ENABLE ? UART_FIFO : 1;
	return f->n < depth ? depth - f->n : 0;
}

static void fifo_put(struct uart_fifo *f, uint8_t byte, uint8_t error)
{
	unsigned at = (f->first + f->n++) % UART_FIFO;
	f->byte[at] = byte;
	f->error[at] = error;
}

static uint8_t fifo_get(struct uart_fifo *f)
{
	uint8_t byte = f->byte[f->first];
	f->first = (f->first + 1) % UART_FIFO;
	f->n--;
	return byte;
}

static unsigned trigger_level(const struct uart *u)
{
	static const uint8_t level[] = {1, 4, 8, 14};
	return u->fcr & FCR_ENABLE ? level[u->fcr >> 6] : 1;
}

/* The cause to report, by priority (8.6.5, table III). */
static uint8_t interrupt_cause(const struct uart *u)
{
	if ((u->ier & IER_LINE) && (u->lsr & (LSR_OE | LSR_BI)))
		return IIR_LINE;
	if ((u->ier & IER_RX) && u->rx.n)
		return u->rx.n >= trigger_level(u) ? IIR_RX : IIR_TIMEOUT;
	if ((u->ier & IER_THRE) && u->thre_due)
		return IIR_THRE;
	if ((u->ier & IER_MODEM) && (u->msr & 0x0f))
		return IIR_MODEM;
	return IIR_NONE;
}

/* OUT2 drives the gate of the interrupt; loopback takes the pin away from MCR (8.6.7). */
static void update_irq(struct uart *u)
{
	bool gate = (u->mcr & (MCR_OUT2 | MCR_LOOP)) == MCR_OUT2;
	irq_line_set(&u->irq, gate && interrupt_cause(u) != IIR_NONE);
}

/* The error of the byte at the head of the FIFO shows in LSR until that is read. */
static void rx_put(struct uart *u, uint8_t byte, uint8_t error)
{
	if (!fifo_room(u, &u->rx)) {
		u->lsr |= LSR_OE;
		if (u->fcr & FCR_ENABLE)
			return; /* the FIFO keeps what it has */
		fifo_get(&u->rx);
	}
	fifo_put(&u->rx, byte, error);
	if (u->rx.n == 1)
		u->lsr |= error;
}

static void rx_room(struct uart *u)
{
	if (!u->rx_stalled || u->rx.n || (u->mcr & MCR_LOOP))
		return;
	u->rx_stalled = false;
	if (u->chr)
		chardev_rx_ready(u->chr);
}

static size_t uart_rx(void *ctx, const uint8_t *p, size_t n)
{
	struct uart *u = ctx;
	unsigned room = u->mcr & MCR_LOOP ? 0 : fifo_room(u, &u->rx);
	size_t take = n < room ? n : room;
	for (size_t i = 0; i < take; i++)
		rx_put(u, p[i], 0);
	u->rx_stalled = take < n;
	update_irq(u);
	return take;
}

/* Give the console what waits. @u->thre_due comes with the FIFO's becoming empty. */
static void tx_drain(struct uart *u)
{
	bool waited = u->tx.n > 0;
	while (u->tx.n) {
		uint8_t byte = u->tx.byte[u->tx.first];
		if (u->chr && !chardev_write(u->chr, &byte, 1))
			return;
		fifo_get(&u->tx);
	}
	if (waited)
		u->thre_due = true;
}

static void uart_writable(void *ctx)
{
	struct uart *u = ctx;
	tx_drain(u);
	update_irq(u);
}

static void gather(struct uart *u, bool on)
{
	u->polled = 0;
	if (on == u->gathers || !u->chr || (on && !kvm_gather_port(u->dev.m, u->port, true)))
		return;
	if (!on)
		kvm_gather_port(u->dev.m, u->port, false);
	u->gathers = on;
	chardev_gather(u->chr, on);
}

/* Interrupts or a loop make each write count at once. */
static void gather_ends(struct uart *u)
{
	if (u->gathers && u->gather_after < GATHER_AFTER_MAX)
		u->gather_after *= 2;
	gather(u, false);
}

static void uart_quiet(void *ctx)
{
	gather(ctx, false);
}

static void write_thr(struct uart *u, uint8_t byte)
{
	u->thre_due = false;
	if (!(u->ier & IER_THRE) && !(u->mcr & MCR_LOOP) && ++u->polled == u->gather_after)
		gather(u, true);
	if (u->mcr & MCR_LOOP) {
		rx_put(u, byte, 0);
		u->thre_due = true;
		return;
	}
	if (!fifo_room(u, &u->tx))
		return; /* written though THRE was clear: the byte is lost, as it would be */
	fifo_put(&u->tx, byte, 0);
	tx_drain(u);
}

static const struct chardev_ops uart_chardev_ops = {
	.rx = uart_rx,
	.writable = uart_writable,
	.quiet = uart_quiet,
};

static uint8_t read_rbr(struct uart *u)
{
	if (!u->rx.n)
		return 0;
	uint8_t byte = fifo_get(&u->rx);
	if (u->rx.n)
		u->lsr |= u->rx.error[u->rx.first];
	rx_room(u);
	return byte;
}

/* While a divisor or an interrupt enable is read or written, DLAB says which. */
static void write_ier(struct uart *u, uint8_t val)
{
	if ((val & IER_THRE) && !(u->ier & IER_THRE) && !u->tx.n)
		u->thre_due = true;
	u->ier = val & IER_MASK;
	if (u->ier & IER_THRE)
		gather_ends(u);
}

static void write_fcr(struct uart *u, uint8_t val)
{
	bool toggled = (val ^ u->fcr) & FCR_ENABLE;
	if (toggled || (val & FCR_CLEAR_RX)) {
		u->rx.n = 0;
		u->lsr &= ~LSR_BI;
		rx_room(u);
	}
	if ((toggled || (val & FCR_CLEAR_TX)) && u->tx.n) {
		u->tx.n = 0;
		u->thre_due = true;
	}
	u->fcr = val & FCR_ENABLE ? (val & 0xc9) : 0; /* bits 6, 7 and 3 count only with bit 0 (8.6.4) */
}

/* The four status lines as they are now, with the deltas that the change brings (8.6.8). */
static void modem_lines(struct uart *u, uint8_t lines)
{
	uint8_t changed = (u->msr ^ lines) & 0xf0;
	uint8_t delta = 0;
	if (changed & MSR_CTS)
		delta |= MSR_DCTS;
	if (changed & MSR_DSR)
		delta |= MSR_DDSR;
	if ((changed & MSR_RI) && !(lines & MSR_RI))
		delta |= MSR_TERI;
	if (changed & MSR_DCD)
		delta |= MSR_DDCD;
	u->msr = lines | (u->msr & 0x0f) | delta;
}

static void write_mcr(struct uart *u, uint8_t val)
{
	u->mcr = val & MCR_MASK;
	if (val & MCR_LOOP)
		gather_ends(u);
	uint8_t lines = MSR_PEER;
	if (val & MCR_LOOP)
		lines = (val & MCR_RTS ? MSR_CTS : 0) | (val & MCR_DTR ? MSR_DSR : 0) |
		        (val & MCR_OUT1 ? MSR_RI : 0) | (val & MCR_OUT2 ? MSR_DCD : 0);
	modem_lines(u, lines);
	rx_room(u);
}

static void write_lcr(struct uart *u, uint8_t val)
{
	if ((u->mcr & MCR_LOOP) && (val & LCR_BREAK) && !(u->lcr & LCR_BREAK))
		rx_put(u, 0, LSR_BI);
	u->lcr = val;
}

static uint8_t read_iir(struct uart *u)
{
	uint8_t cause = interrupt_cause(u);
	if (cause == IIR_THRE)
		u->thre_due = false;
	return cause | (u->fcr & FCR_ENABLE ? IIR_FIFO : 0);
}

static uint8_t read_lsr(struct uart *u)
{
	uint8_t val = u->lsr;
	u->lsr = 0;
	for (unsigned i = 0; (u->fcr & FCR_ENABLE) && i < u->rx.n; i++)
		if (u->rx.error[(u->rx.first + i) % UART_FIFO])
			val |= LSR_FIFO_ERR;
	if (u->rx.n) {
		u->rx.error[u->rx.first] = 0;
		val |= LSR_DR;
	}
	return val | (u->tx.n ? 0 : LSR_THRE | LSR_TEMT);
}

static uint8_t read_msr(struct uart *u)
{
	uint8_t val = u->msr;
	u->msr &= 0xf0;
	return val;
}

static uint8_t read_reg(struct uart *u, unsigned reg)
{
	bool dlab = u->lcr & LCR_DLAB;
	switch (reg) {
	case REG_DATA:
		return dlab ? u->dll : read_rbr(u);
	case REG_IER:
		return dlab ? u->dlm : u->ier;
	case REG_IIR:
		return read_iir(u);
	case REG_LCR:
		return u->lcr;
	case REG_MCR:
		return u->mcr;
	case REG_LSR:
		return read_lsr(u);
	case REG_MSR:
		return read_msr(u);
	default:
		return u->scr;
	}
}

static void write_reg(struct uart *u, unsigned reg, uint8_t val)
{
	bool dlab = u->lcr & LCR_DLAB;
	switch (reg) {
	case REG_DATA:
		if (dlab)
			u->dll = val;
		else
			write_thr(u, val);
		break;
	case REG_IER:
		if (dlab)
			u->dlm = val;
		else
			write_ier(u, val);
		break;
	case REG_IIR:
		write_fcr(u, val);
		break;
	case REG_LCR:
		write_lcr(u, val);
		break;
	case REG_MCR:
		write_mcr(u, val);
		break;
	case REG_SCR:
		u->scr = val;
		break;
	default:
		break; /* LSR and MSR are read-only but for factory testing */
	}
}

static uint64_t uart_read(struct dev *d, uint64_t off, unsigned size)
{
	struct uart *u = (struct uart *)d;
	uint64_t val = 0;
	for (unsigned i = 0; i < size; i++)
		val |= (uint64_t)read_reg(u, (unsigned)off + i) << (8 * i);
	update_irq(u);
	return val;
}

static void uart_write(struct dev *d, uint64_t off, unsigned size, uint64_t val)
{
	struct uart *u = (struct uart *)d;
	for (unsigned i = 0; i < size; i++)
		write_reg(u, (unsigned)off + i, (uint8_t)(val >> (8 * i)));
	update_irq(u);
}

static const struct region_ops uart_ops = {.read = uart_read, .write = uart_write};

static int uart_init(struct dev *d, const struct dev_def *def, struct err *e)
{
	struct uart *u = (struct uart *)d;
	if (def->index >= ARRAY_SIZE(uart_at))
		return err_set(e, EINVAL, "serial port %u: a PC has ports 0 to 3", def->index);
	u->port = uart_at[def->index].port;
	irq_line_init(&u->irq, &d->m->irq, uart_at[def->index].gsi);
	int rc = bus_add(&d->m->pio, u->port, 8, &uart_ops, d, "uart16550", e);
	if (rc) {
		u->port = 0;
		return rc;
	}
	u->msr = MSR_PEER;
	u->gather_after = GATHER_AFTER;
	u->chr = d->m->consoles[def->index];
	if (u->chr)
		chardev_set_device(u->chr, &uart_chardev_ops, u);
	return 0;
}

static void uart_reset(struct dev *d)
{
	struct uart *u = (struct uart *)d;
	u->ier = u->fcr = u->lcr = u->mcr = u->lsr = u->scr = 0;
	u->dll = 0x0c; /* 9600 baud */
	u->dlm = 0;
	u->msr = MSR_PEER;
	u->thre_due = false;
	memset(&u->rx, 0, sizeof(u->rx));
	memset(&u->tx, 0, sizeof(u->tx));
	gather(u, false);
	u->gather_after = GATHER_AFTER;
	rx_room(u);
	update_irq(u);
}

static void uart_dump(const struct dev *d, FILE *f)
{
	const struct uart *u = (const struct uart *)d;
	fprintf(f, "port %03x ier %02x fcr %02x lcr %02x mcr %02x msr %02x divisor %u rx %u tx %u%s irq %d\n",
		u->port, u->ier, u->fcr, u->lcr, u->mcr, u->msr, (unsigned)(u->dlm << 8 | u->dll), u->rx.n,
		u->tx.n, u->thre_due ? " thre" : "", u->irq.level);
}

static void uart_done(struct dev *d)
{
	struct uart *u = (struct uart *)d;
	if (u->chr)
		chardev_set_device(u->chr, NULL, NULL);
	if (!u->port)
		return;
	irq_line_set(&u->irq, false);
	bus_remove(&d->m->pio, u->port);
}

const struct dev_type uart16550_type = {
	.model = "uart16550",
	.summary = "serial port (16550A)",
	.bus = DEV_BUS_ISA,
	.size = sizeof(struct uart),
	.init = uart_init,
	.reset = uart_reset,
	.dump = uart_dump,
	.done = uart_done,
};
