/* Between screenlink.c and screenpeer.c: one looker at the guest's screen, the keeper's vmdeck-screen or who
 * asked for one over the control socket (screen-open). Each has its own socket, its own damage, its own pace.
 *
 * Main loop's thread but for peer_want(), which any may call. */
#ifndef BACKEND_VMM_SCREENPEER_H
#define BACKEND_VMM_SCREENPEER_H

#include <uv.h>

#include "backend/vmm/display/display.h"
#include "backend/vmm/screen_config.h"
#include "src/proto/screen.h"

#define PEERS_MAX 8 /* vmdeck-screen, and decks and thumbnails */

enum { /* what is to be sent, in this order */
       SEND_CONFIG = 1,
       SEND_SURFACE = 2,
       SEND_CURSOR_SHAPE = 4,
       SEND_CURSOR_POS = 8,
       SEND_STATE = 16,
       SEND_KICK = 32,
       SEND_DAMAGE = 64, /* the answer to a SCREEN_REFRESH */
};

/* What a SCREEN_TEXT says. */
struct peer_text {
	struct screen_text head;
	uint16_t cells[SCREEN_TEXT_MAX];
};

struct screen_peer {
	uv_poll_t poll;
	uv_timer_t stall;
	uv_timer_t look;  /* the next look at the guest, while asked */
	unsigned handles; /* that are not closed yet, at the end */
	struct screenlink *l;
	int fd;
	bool process; /* vmdeck-screen: it has the passwords, and its viewers are told of */
	bool ended;   /* only its handles are still to be closed */
	struct display_client client;
	unsigned pending;    /* SEND_ bits, set by any thread */
	unsigned unsent;     /* those that the socket did not take yet */
	unsigned generation; /* of the surface that the screen has */
	bool surface_sent, damage_taken;
	bool asked, at_once; /* a SCREEN_CHANGES waits for its answer; a SCREEN_REFRESH does */
	bool input;          /* it has pressed something since it let go of all */
	unsigned looked_ms;  /* when the guest was looked at */
	unsigned pace_ms;    /* from one look to the next */
	struct screen_damage damage;
	struct screen_cursor cursor;
	struct peer_text *text; /* the last one sent; NULL: it wants pictures only */
};

struct screenlink {
	struct machine *m;
	int keeper;
	uv_async_t changed;
	struct screen_peer *peers[PEERS_MAX];
	unsigned npeers;
	bool served; /* viewers come in: it has <graphics> */
	struct screen_config config;
	int json_fd;
	_Alignas(uint32_t) char in[SCREEN_MESSAGE_MAX];
};

/* Greet @fd, which is taken. NULL: no room for one more, or no memory. */
struct screen_peer *peer_new(struct screenlink *l, int fd, bool process);
/* Forget it: it is the caller's no more. @kick: tell it before. */
void peer_end(struct screen_peer *p, bool kick);
/* Any thread: have the loop send this. */
void peer_want(struct screen_peer *p, unsigned bits);
/* Send what is due as far as the socket takes it. May end the peer. */
void peer_flush(struct screen_peer *p);

/* screenlink.c: the machine has no more to do with it; @why: NULL, or the fault for which its process is to
 * be ended. */
void link_lost(struct screen_peer *p, const char *why);
/* Somebody looks, or nobody any more; @clients of the process, or NULL: unchanged. false: it makes no sense.
 */
bool link_clients(struct screenlink *l, const char *clients, size_t n);

#endif
