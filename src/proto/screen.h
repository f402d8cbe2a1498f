/* Between the machine and vmdeck-screen: one SOCK_SEQPACKET, both ends handed out by the keeper (a new pair
 * for each screen process). A message is one packet: a 32-bit type, then what stands below, all in host byte
 * order, both ends being of one build. Descriptors come with the message that announces them (SCM_RIGHTS).
 *
 * The machine greets with SCREEN_CONFIG, SCREEN_SURFACE, SCREEN_CURSOR_SHAPE, SCREEN_STATE, and sends each
 * again when it changes. The screen asks for SCREEN_CHANGES at the pace of its viewers, one at a time; that
 * is answered by one SCREEN_DAMAGE (after the SCREEN_SURFACE, if that changed) as soon as there is any, which
 * the machine finds by looking ever more seldom while there is none. SCREEN_REFRESH is answered at once, and
 * so is with it a SCREEN_CHANGES that waits. What the machine cannot send because the screen does not read is
 * dropped with the screen: the machine closes the socket, and the keeper starts another.
 *
 * Others than vmdeck-screen get such a socket by the control command screen-open: the deck. They are told no
 * SCREEN_CONFIG and tell of no viewers. One that has sent SCREEN_WANT_TEXT gets SCREEN_TEXT in place of
 * SCREEN_DAMAGE while the guest's screen is in a text mode.
 *
 * How the keeper starts it: `vmdeck-screen` with the socket as LAUNCH_FD and the listening sockets as the
 * descriptors from SCREEN_LISTEN_FD on, their number in argv[1], the guest's name in argv[2]. argv[3] says which
 * PEM files for TLS follow as descriptors (SCREEN_TLS_*); they are the keeper's and this process's alone, the
 * machine does not have them. It exits with 0 when its last viewer has been gone for a minute; the keeper listens itself while there is none. */
#ifndef SRC_PROTO_SCREEN_H
#define SRC_PROTO_SCREEN_H

#include <stddef.h>
#include <stdint.h>

#define SCREEN_LISTEN_FD 4
#define SCREEN_LISTEN_MAX 4
#define SCREEN_TLS_FILES 3
#define SCREEN_TLS_NONE "none"     /* no file: anonymous TLS, if any */
#define SCREEN_TLS_CERT "cert"     /* certificate, key */
#define SCREEN_TLS_CA "ca"         /* CA certificate, certificate, key */
#define SCREEN_TLS_VERIFY "verify" /* the same, and viewers must show a certificate that the CA has signed */
#define SCREEN_RECTS_MAX 64
#define SCREEN_CURSOR_MAX 64
#define SCREEN_MESSAGE_MAX 32768
#define SCREEN_TEXT_MAX (132 * 60) /* cells */

enum screen_type {
	/* from the machine */
	SCREEN_CONFIG = 1,   /* JSON text: see below */
	SCREEN_SURFACE,      /* struct screen_surface, one descriptor (map it read-only); width 0: no picture, no descriptor */
	SCREEN_DAMAGE,       /* struct screen_damage */
	SCREEN_CURSOR_SHAPE, /* struct screen_cursor */
	SCREEN_CURSOR_POS,   /* struct screen_pos */
	SCREEN_STATE,        /* struct screen_state */
	SCREEN_KICK,         /* nothing: close all viewers (their passwords are no longer good, or the guest ends) */
	SCREEN_TEXT,         /* struct screen_text, cols * rows cells: an answer to those who take text. cols 0: graphics now */
	/* from the screen */
	SCREEN_REFRESH = 100, /* nothing */
	SCREEN_KEY,           /* struct screen_key */
	SCREEN_POINTER,       /* struct screen_pointer */
	SCREEN_RESIZE,        /* struct screen_size: a viewer wants this size */
	SCREEN_RELEASE,       /* nothing: let go of all keys and buttons */
	SCREEN_VIEWERS,       /* JSON text: what query-vnc answers as "clients": [{"host","service","family","websocket","shared",
	                         "viewonly","encoding","sent","tls"}] */
	SCREEN_CHANGES,       /* nothing */
	SCREEN_WANT_TEXT,     /* nothing: this one takes text */
};

/* SCREEN_CONFIG: {"version": 1, "name": text, "passwd": text ("" = none is asked), "passwd_valid_to": seconds
 * (0 = ever), "view_passwd": text, "share": "allow-exclusive"|"force-shared"|"ignore", "tls":
 * "off"|"allowed"|"required"}.
 * "keys" (may be missing: a US keyboard's): [keysym, Linux key code, modifiers, keysym, ...], which key makes
 * which character in the guest's layout; modifiers: bit 0 Shift, bit 1 AltGr.
 */

struct screen_surface {
	uint32_t type, generation;
	uint64_t offset; /* of the first pixel in the descriptor's memory */
	uint32_t width, height, stride; /* 32-bit pixels, 0x00RRGGBB; stride in bytes */
};
struct screen_rect {
	uint16_t x, y, w, h;
};
struct screen_damage {
	uint32_t type, generation, n;
	struct screen_rect rects[SCREEN_RECTS_MAX];
};
struct screen_cursor {
	uint32_t type, defined, visible, w, h, hot_x, hot_y;
	uint32_t pixels[SCREEN_CURSOR_MAX * SCREEN_CURSOR_MAX]; /* 0xAARRGGBB; w * h are sent */
};
struct screen_pos {
	uint32_t type;
	int32_t x, y;
};
struct screen_state {
	uint32_t type;
	uint32_t leds;     /* bit 0 scroll, 1 num, 2 caps */
	uint32_t absolute; /* does the guest take absolute pointer positions? */
};
struct screen_key {
	uint32_t type, code, down; /* Linux KEY_* */
};
struct screen_pointer {
	uint32_t type;
	uint32_t absolute; /* x, y of the surface's pixels; else movement */
	int32_t x, y, wheel, hwheel;
	uint32_t buttons;  /* bit 0 left, 1 middle, 2 right, 3 side, 4 extra */
};
/* Follows: cols * rows 16-bit cells, the character of code page 437 low, VGA's attribute high. */
struct screen_text {
	uint32_t type, cols, rows;
	int32_t cursor_x, cursor_y; /* -1: not shown */
	uint32_t blink;             /* the attribute's bit 7 blinks, else it is a bright background */
};
struct screen_size {
	uint32_t type, width, height;
};

#endif
