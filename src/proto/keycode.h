/* Names and numbers of keys. One table, keycode.c: Linux's KEY_* code is the key; beside it QEMU's name
 * ("ret"), the XT (set 1) and AT (set 2) scan codes, USB and Windows codes, and the X keysym of a US
 * keyboard. (linux/input-event-codes.h; QAPI QKeyCode; virsh send-key's codesets) */
#ifndef SRC_PROTO_KEYCODE_H
#define SRC_PROTO_KEYCODE_H

#include <stdbool.h>
#include <stdint.h>

#define KEYCODE_MAX 256 /* Linux codes are below */

/* The Linux code, 0 = there is none. */
unsigned keycode_from_name(const char *name);   /* "KEY_ENTER" or "ret", case ignored */
unsigned keycode_from_xt(unsigned xt);          /* QEMU's number: 0x1c; 0x80 set = E0 prefix (0x9c); RFB extended key events */
/* virsh's codesets: linux xt atset1 atset2 atset3 os_x xt_kbd win32 usb rfb qnum. */
unsigned keycode_from_set(const char *codeset, unsigned code);
/* The sets that have names: linux ("KEY_ENTER"), win32 ("VK_RETURN"), os_x ("Return"). */
unsigned keycode_from_set_name(const char *codeset, const char *name);
/* The names of the sets, NULL at the end. */
extern const char *const keycode_sets[];
/* The key of a US keyboard that makes this X keysym; *shift: with Shift. 0 = none. */
unsigned keycode_from_keysym(uint32_t keysym, bool *shift);
/* What a PS/2 keyboard sends when the key goes down or up, in set 1 and set 2: up to 8 bytes; how many, 0 =
 * none. */
unsigned keycode_set1(unsigned code, bool down, uint8_t out[8]);
unsigned keycode_set2(unsigned code, bool down, uint8_t out[8]);
/* Its one code in set 3, 0 = none. */
uint8_t keycode_set3(unsigned code);
const char *keycode_name(unsigned code);        /* "KEY_ENTER", NULL = none */
const char *keycode_qcode(unsigned code);       /* "ret", NULL = none */

#endif
