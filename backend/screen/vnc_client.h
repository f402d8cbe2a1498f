/* What the files of the VNC server (vnc*.c) share: the server, and a viewer of it. */
#ifndef BACKEND_SCREEN_VNC_CLIENT_H
#define BACKEND_SCREEN_VNC_CLIENT_H

#include <pthread.h>
#include <stdatomic.h>

#include <rfb/rfb.h>
#include <rfb/rfbregion.h>

#include "backend/screen/flow.h"
#include "backend/screen/keys.h"
#include "backend/screen/vnc.h"

/* What a viewer takes beyond the library's own. */
enum { EXT_KEYS = 1, EXT_POINTER = 2, EXT_LEDS = 4, EXT_FENCE = 8, EXT_CONTINUOUS = 16 };

/* A fence that the viewer asked for with "SyncNext": its answer waits for the next message to be done. */
struct fence {
	bool waits;
	uint8_t flags, len, data[64];
};

/* A viewer. Lives from vnc_add() until its last thread calls gone(); in the list it holds its client alive.
 */
struct client {
	struct vnc *v;
	struct client *next;
	unsigned id;
	rfbClientPtr cl;
	int width, height; /* the size it came to, which is all that one sees that knows of no other */
	atomic_uint enabled, pending; /* EXT_* that it takes, and that it has to be told */
	bool held;                    /* by vnc_move_begin() */
	unsigned drawn;               /* the server's when its update began; its sendMutex's */
	/* its updateMutex's: */
	bool continuous; /* it is sent updates without asking, of what is in @area */
	struct screen_rect area;
	struct flow flow;
	sraRegionPtr lately; /* what an update that is being sent can be of, and more; see vnc_torn.c */
	/* its input thread's: */
	struct keys keys;
	int mask; /* RFB's buttons */
	struct fence fence;
};

struct shape {
	rfbCursor rfb;
	uint32_t pixels[SCREEN_CURSOR_MAX * SCREEN_CURSOR_MAX];
	uint8_t source[SCREEN_CURSOR_MAX * SCREEN_CURSOR_MAX / 8],
	    mask[SCREEN_CURSOR_MAX * SCREEN_CURSOR_MAX / 8];
};

struct vnc {
	pthread_t main;
	struct vnc_ops ops;
	void *ctx;
	rfbScreenInfoPtr screen;
	char name[128];
	uint32_t *blank;
	pthread_mutex_t lock; /* the list; held by gone(), so who has it may use the clients in it */
	struct client *clients;
	sraRegionPtr changed;   /* not told yet; NULL: nothing */
	struct shape shapes[2]; /* the one that is shown, and the next */
	unsigned shape;
	atomic_uint leds, absolute;
	atomic_uint drawn;   /* how often the picture has changed */
	atomic_bool drawing; /* it may be changing now */
};

static inline struct client *client_of(rfbClientPtr cl)
{
	return cl->clientData;
}

/* Have no client encode or send: let the relay take all that they have, then all their sendMutexes. */
void vnc_hold_all(struct vnc *v);
void vnc_let_go(struct vnc *v);

/* --- vnc_ext.c: what the library does not know --- */

void vnc_ext_register(void);
/* Tell @c what is pending; @wait: its sendMutex is held, else only if that need not be waited for. */
void vnc_ext_tell(struct client *c);
void vnc_ext_try_tell(struct client *c);
/* An update was sent; the sendMutex is held. */
void vnc_ext_sent(struct client *c);
/* A message that is no fence was heard, on the input thread; what is to be answered behind it is. @locked:
 * the sendMutex is held. */
void vnc_ext_heard(struct client *c, bool locked);
bool vnc_ext_caps(const struct client *c);
void vnc_ext_key(void *ctx, unsigned code, bool down); /* a keys_emit for a client */

/* --- vnc_torn.c: updates that were encoded while the picture changed --- */

/* @c has lost, or is about to lose, some of its modifiedRegion. Its updateMutex is held. */
void vnc_torn_note(struct client *c);
/* An update begins, and ends; the sendMutex is held. */
void vnc_torn_begin(struct client *c);
void vnc_torn_end(struct client *c);

/* --- vnc_cursor.c --- */

rfbCursorPtr vnc_cursor(rfbClientPtr cl);

#endif
