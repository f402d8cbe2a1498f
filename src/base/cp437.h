/* Code page 437, the characters of a PC's text modes. */
#ifndef SRC_BASE_CP437_H
#define SRC_BASE_CP437_H

#include <stdint.h>

/* The Unicode character that is shown for @c: also below 0x20. 0 and 0xff are spaces. */
uint32_t cp437_char(uint8_t c);

#endif
