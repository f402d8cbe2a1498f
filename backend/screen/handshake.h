/* How a viewer gets in: the RFB handshake up to ClientInit, spoken here, so that libvncserver only ever hears
 * viewers that were let in, and each over a socket of ours.
 *
 * RFB 3.8 (RFC 6143, 7.1), also for viewers of 3.7 and 3.3; security types None, VNC Authentication and
 * VeNCrypt 0.2 with the subtypes TLSNone, TLSVnc, X509None and X509Vnc. A state machine over two queues: no
 * input or output of its own. */
#ifndef BACKEND_SCREEN_HANDSHAKE_H
#define BACKEND_SCREEN_HANDSHAKE_H

#include "backend/screen/config.h"
#include "backend/screen/fifo.h"

#define HANDSHAKE_CHALLENGE 16

enum handshake_state {
	HANDSHAKE_START,
	HANDSHAKE_VERSION,
	HANDSHAKE_SECURITY,
	HANDSHAKE_VENCRYPT_VERSION,
	HANDSHAKE_VENCRYPT_SUBTYPE,
	HANDSHAKE_RESPONSE,
	HANDSHAKE_INIT,
	HANDSHAKE_OVER,
};

enum handshake_result {
	HANDSHAKE_MORE,   /* it waits for bytes of the viewer */
	HANDSHAKE_TLS,    /* send what is there in the clear, do TLS, set @tls, and go on */
	HANDSHAKE_DONE,   /* the viewer is in; what is left in the queue is for the server */
	HANDSHAKE_CLOSED, /* send what is there, then close; @why says what happened, for the log */
};

struct handshake {
	enum handshake_state state;
	int minor;      /* of the viewer's version: 3, 7 or 8 */
	bool tls;       /* the connection is encrypted: the caller's to set */
	bool view_only; /* it came in with that password */
	bool exclusive; /* ClientInit: it wants to be alone */
	bool may_venc;  /* VeNCrypt was offered */
	uint8_t plain;  /* the security type that was offered beside it, or inside it; 0: none */
	uint8_t challenge[HANDSHAKE_CHALLENGE];
	enum { HANDSHAKE_NO_PASSWD, HANDSHAKE_RIGHT, HANDSHAKE_WRONG } passwd; /* what came of it */
	const char *why;
};

/* What the state machine needs from outside. */
struct handshake_env {
	const struct config *config;
	int64_t now; /* seconds since 1970 */
	void (*random)(void *p, size_t n);
	/* Whether a challenge may be sent to this viewer, as it is about to be told that there will be one:
	 * NULL, or why not. NULL as function: always. */
	const char *(*may_guess)(void *ctx);
	void *ctx;
	/* DES as VNC Authentication has it: encrypt the challenge in place. */
	void (*encrypt)(uint8_t challenge[HANDSHAKE_CHALLENGE], const char *passwd);
};

/* Go on as far as what is in @in allows. @h is zero-initialised before the first call. */
enum handshake_result handshake_step(struct handshake *h, const struct handshake_env *env, struct fifo *in,
				     struct fifo *out);

#endif
