/* The keyboard and the mouse behind the keyboard controller (i8042.c), as they speak on their wires. Bytes
 * for the controller stand in two queues: answers to commands, which go first, and events; of the latter a
 * whole packet or scan code sequence is queued or nothing. Caller holds machine.lock. */
#ifndef BACKEND_VMM_DEV_PS2_H
#define BACKEND_VMM_DEV_PS2_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/vmm/input.h"

#define PS2_QUEUE 64

enum { PS2_ACK = 0xfa, PS2_RESEND = 0xfe, PS2_TEST_PASSED = 0xaa };

struct ps2_queue {
	uint8_t byte[PS2_QUEUE];
	unsigned first, n;
};

struct ps2_port {
	struct ps2_queue answers, events;
	uint8_t last; /* for RESEND */
};

struct ps2_keyboard {
	struct ps2_port port;
	struct machine *m;  /* for the LEDs */
	uint8_t pending;    /* command that waits for its argument, 0 = none */
	uint8_t set;        /* scan code set that is selected */
	bool scanning;
	uint8_t mods;       /* Ctrl and Alt keys that are down */
	bool pause, attn;   /* Pause is down; PrtSc went down with Alt */
};

struct ps2_mouse {
	struct ps2_port port;
	uint8_t pending;
	uint8_t id; /* 0 plain, 3 wheel, 4 five buttons */
	uint8_t rate, resolution;
	uint8_t rates[3]; /* the last three sample rates: the knock that unlocks id 3 and 4 */
	bool reporting, wrap, remote, scale21;
	int dx, dy, dz, dw; /* not yet in a packet; y up, z towards the user, w to the right */
	unsigned buttons;   /* INPUT_BUTTON_*, as they are now, */
	unsigned reported;  /* and in the last packet */
};

void ps2_queue_put(struct ps2_queue *q, const void *bytes, unsigned n);
uint8_t ps2_queue_get(struct ps2_queue *q); /* not empty */
void ps2_port_clear(struct ps2_port *p);
bool ps2_port_has(const struct ps2_port *p);
uint8_t ps2_port_get(struct ps2_port *p);

/* A byte from the controller. */
void ps2_keyboard_write(struct ps2_keyboard *kb, uint8_t val);
void ps2_keyboard_key(struct ps2_keyboard *kb, unsigned code, bool down);
void ps2_keyboard_reset(struct ps2_keyboard *kb); /* power-on */

void ps2_mouse_write(struct ps2_mouse *ms, uint8_t val);
void ps2_mouse_frame(struct ps2_mouse *ms, const struct input_pointer *p);
/* Nothing is queued any more: make a packet of what has moved since. */
void ps2_mouse_more(struct ps2_mouse *ms);
/* A packet in which nothing moves: the guest shall look at what another device (vmmouse) has for it. */
void ps2_mouse_nudge(struct ps2_mouse *ms);
void ps2_mouse_reset(struct ps2_mouse *ms);

#endif
