/* What other devices ask of the keyboard controller. */
#ifndef BACKEND_VMM_DEV_I8042_H
#define BACKEND_VMM_DEV_I8042_H

struct dev;

/* Have the mouse send a packet in which nothing moves, if its driver listens: another device has something
 * for it. */
void i8042_mouse_nudge(struct dev *i8042);

#endif
