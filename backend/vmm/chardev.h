/* The host's side of a serial console: a ring that the UART writes to and never waits for, the recorder, and everybody who
 * is attached. Output goes ring -> record -> every attached socket; input of all of them is merged towards the device.
 * A client that does not read loses its place (it is closed), never the guest's time. */
#ifndef BACKEND_VMM_CHARDEV_H
#define BACKEND_VMM_CHARDEV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chardev;

/* The device's callbacks; main loop, machine.lock held. */
struct chardev_ops {
	/* Take up to @n bytes of input; return how many. It calls chardev_rx_ready() when it can take more again. */
	size_t (*rx)(void *ctx, const uint8_t *p, size_t n);
	/* There is room again after chardev_write() took less than it was given. */
	void (*writable)(void *ctx);
};

void chardev_set_device(struct chardev *c, const struct chardev_ops *ops, void *ctx);
/* From the device, machine.lock held: how many of the bytes were taken; less than @n = the ring is full, hold back. */
size_t chardev_write(struct chardev *c, const void *p, size_t n);
/* The device can take input again (it returned less than it was offered). machine.lock held. */
void chardev_rx_ready(struct chardev *c);

#endif
