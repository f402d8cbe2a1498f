/* What a monitor tells of itself. (VESA E-EDID 1.4) */
#ifndef BACKEND_VMM_DEV_EDID_H
#define BACKEND_VMM_DEV_EDID_H

#include <stdint.h>

#define EDID_LEN 128

/* A monitor that takes any mode up to 2560x1600 and prefers @width x @height (at most 4095 each). */
void edid_make(uint8_t out[EDID_LEN], unsigned width, unsigned height);

#endif
