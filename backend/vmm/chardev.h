/* The host's side of a serial console: a ring that the UART writes to and never waits for, the recorder, and
 * everybody who is attached. Output goes ring -> record -> every attached socket; input of all of them is
 * merged towards the device.
 *
 * The first byte after a pause wakes the main loop at once. While bytes keep coming the main loop takes what
 * there is every few ms, so that a flood costs 250 wake-ups a second, not one a byte.
 *
 * Each client has a place in the record, and is sent what lies between it and the end as fast as it reads: a
 * replay is a place further back, and a client that does not read costs nothing. */
#ifndef BACKEND_VMM_CHARDEV_H
#define BACKEND_VMM_CHARDEV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/err.h"
#include "src/base/str.h"
#include "src/proto/record.h"

struct chardev;
struct machine;

/* The device's callbacks; main loop, machine.lock held. */
struct chardev_ops {
	/* Take up to @n bytes of input; return how many. It calls chardev_rx_ready() when it can take more
	 * again. */
	size_t (*rx)(void *ctx, const uint8_t *p, size_t n);
	/* There is room again after chardev_write() took less than it was given. */
	void (*writable)(void *ctx);
	/* A device that gathers (chardev_gather()) has written nothing for some 200 ms: it ends gathering. */
	void (*quiet)(void *ctx);
};

void chardev_set_device(struct chardev *c, const struct chardev_ops *ops, void *ctx);
/* From the device, machine.lock held: how many of the bytes were taken; less than @n = the ring is full, hold
 * back. */
size_t chardev_write(struct chardev *c, const void *p, size_t n);
/* The device's bytes do not come by themselves from now on (true; kvm_gather_port()): the console looks after
 * them every few ms as long as some come. machine.lock held; to be called while bytes are written. */
void chardev_gather(struct chardev *c, bool on);
/* The device can take input again (it returned less than it was offered). machine.lock held. */
void chardev_rx_ready(struct chardev *c);

/* Console @index from m's descriptors ("consoleN", "consoleN.log.*", "consoleN.idx"), into m->consoles.
 * Without them, or in a machine without a loop, output is kept in the ring for chardev_take(). Main loop's
 * thread, as all below. */
int chardev_new(struct machine *m, unsigned index, struct err *e);
/* What is still in the ring goes to record and clients; all are closed. */
void chardev_free(struct chardev *c);
/* Attach one more client: the other end of a new stream socket is *fd. @replay: that many bytes back first.
 * -errno. */
int chardev_attach(struct chardev *c, uint64_t replay, int *fd, struct err *e);
/* An event in the record: power-on, reset, ... */
void chardev_mark(struct chardev *c, enum record_kind kind);

/* What the guest has written since it was last switched on or reset. m->lock held. */
struct chardev_said {
	uint64_t bytes;
	int64_t ago_ms; /* since the last of them, -1: never */
};
/*  (may be NULL): the end of it, at most  bytes, as they came. */
void chardev_said(const struct chardev *c, struct chardev_said *out, struct buf *tail, size_t max);

/* For tests: take output from the ring; give input as a client would. */
size_t chardev_take(struct chardev *c, void *p, size_t n);
void chardev_feed(struct chardev *c, const void *p, size_t n);

#endif
