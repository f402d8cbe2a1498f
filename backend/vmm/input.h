/* Keyboard and pointer events on their way from whoever types (VNC viewers, send-key, the deck) to the device
 * that the guest listens to: the virtio one once its driver is up, else vmmouse, else PS/2. Keys are Linux's
 * KEY_* codes (linux/input-event-codes.h), whatever the device then makes of them; src/proto/keycode.h
 * translates names and others' codes. Caller holds machine.lock. */
#ifndef BACKEND_VMM_INPUT_H
#define BACKEND_VMM_INPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/err.h"

struct machine;
struct dev;

enum { INPUT_LED_SCROLL = 1, INPUT_LED_NUM = 2, INPUT_LED_CAPS = 4 }; /* as a PS/2 keyboard numbers them */
enum {
	INPUT_BUTTON_LEFT = 1,
	INPUT_BUTTON_MIDDLE = 2,
	INPUT_BUTTON_RIGHT = 4,
	INPUT_BUTTON_SIDE = 8,
	INPUT_BUTTON_EXTRA = 16
};
#define INPUT_ABS_MAX 32767

/* One pointer frame. */
struct input_pointer {
	bool absolute;
	int x, y;         /* absolute: 0..INPUT_ABS_MAX each way; else how far it moved */
	int wheel, hwheel; /* steps; up and right are positive */
	unsigned buttons; /* that are down */
};

/* A device that takes events. Const, one per kind of device. The ranks: */
enum { INPUT_RANK_PS2 = 1, INPUT_RANK_VMMOUSE = 2, INPUT_RANK_VIRTIO_MOUSE = 3, INPUT_RANK_VIRTIO = 4 };
struct input_sink {
	int rank;         /* of those that are active the highest is asked */
	bool absolute;    /* takes absolute positions */
	bool (*key_active)(struct dev *);                        /* NULL: not a keyboard */
	void (*key)(struct dev *, unsigned code, bool down);
	bool (*key_waits)(struct dev *);                         /* the guest has yet to read keys; NULL: unknown */
	bool (*pointer_active)(struct dev *);                    /* NULL: not a pointer */
	void (*pointer)(struct dev *, const struct input_pointer *);
};

/* A device may have several sinks (keyboard and pointer); _remove takes all of them. Nothing is sent to them
 * then. */
int input_sink_add(struct machine *m, struct dev *dev, const struct input_sink *sink, struct err *e);
void input_sink_remove(struct machine *m, struct dev *dev);

void input_key(struct machine *m, unsigned code, bool down); /* a repeat is another "down" */
/* Has the guest yet to read what its keyboard has? More than a few keys would be lost now. */
bool input_key_waits(struct machine *m);
/* An absolute frame that only a relative device can take becomes a movement from the last one, and the
 * reverse. */
void input_pointer(struct machine *m, const struct input_pointer *p);
/* Let go of all that is down: the viewer has left. */
void input_release(struct machine *m);
/* Does the guest take absolute positions now? (viewers grab the mouse when it does not) */
bool input_absolute(struct machine *m);

/* LEDs as the guest set them; @changed of whoever shows them is called when they change (one listener). */
unsigned input_leds(const struct machine *m);
void input_set_leds(struct machine *m, unsigned leds);
/* Called when LEDs or input_absolute() changed. NULL: nobody. */
void input_listen(struct machine *m, void (*changed)(void *ctx), void *ctx);
/* A sink became active or ceased to be. */
void input_changed(struct machine *m);

#endif
