/* What a viewer sends to vmdeck-screen: HTTP and WebSocket frames (first byte odd) or plain RFB, up to
 * ClientInit, and what it says then. The first byte also says how viewers are let in, the second in what
 * pieces the rest comes.
 * floor: 290 edges */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "backend/screen/guard.h"
#include "backend/screen/handshake.h"
#include "backend/screen/ws.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same_random(void *p, size_t n)
{
	memset(p, 7, n);
}

/* Without DES the fuzzer can guess. */
static void no_des(uint8_t c[HANDSHAKE_CHALLENGE], const char *passwd)
{
	memset(c, '.', HANDSHAKE_CHALLENGE);
	memcpy(c, passwd, strlen(passwd));
}

struct talk {
	struct handshake h;
	struct handshake_env env;
	struct fifo wire, in, out;
	struct ws ws;
	bool web, upgraded, is_in;
	struct guard guard;
	struct fifo server;
};

/* false: it is over. */
static bool hear(struct talk *t, const uint8_t *p, size_t n)
{
	fifo_add(t->web ? &t->wire : &t->in, p, n);
	if (t->web && !t->upgraded) {
		int rc = ws_upgrade(&t->wire, &t->out, t->env.config->passwd[0]);
		if (rc <= 0)
			return rc == 0;
		t->upgraded = true;
	}
	if (t->web && ws_decode(&t->ws, &t->wire, &t->in, &t->out) < 0)
		return false;
	if (t->is_in)
		return guard_step(&t->guard, &t->in, &t->server, 65536) == 0;
	enum handshake_result rc = handshake_step(&t->h, &t->env, &t->in, &t->out);
	if (rc == HANDSHAKE_TLS)
		t->h.tls = true;
	if (rc == HANDSHAKE_CLOSED && !t->h.why)
		abort();
	/* nobody comes in past the password, or in the clear where TLS is asked for */
	if (rc == HANDSHAKE_DONE && t->env.config->tls == CONFIG_TLS_REQUIRED && !t->h.tls)
		abort();
	t->is_in = rc == HANDSHAKE_DONE;
	if (t->is_in)
		return guard_step(&t->guard, &t->in, &t->server, 65536) == 0;
	return rc == HANDSHAKE_MORE || rc == HANDSHAKE_TLS;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config c = {.known = true};
	if (size < 2)
		return 0;
	c.tls = (data[0] >> 1) % 3;
	strcpy(c.passwd, data[0] & 8 ? "secret" : "");
	strcpy(c.view_passwd, data[0] & 16 ? "look" : "");
	c.passwd_valid_to = data[0] & 32 ? 999 : 0;
	struct talk t = {.env = {.config = &c, .now = 1000, .random = same_random, .encrypt = no_des},
			 .web = data[0] & 1};
	size_t step = data[1] ? data[1] : 256;
	for (size_t i = 2, n; i < size; i += n) {
		n = step < size - i ? step : size - i;
		if (!hear(&t, data + i, n))
			break;
	}
	fifo_done(&t.wire);
	fifo_done(&t.in);
	fifo_done(&t.out);
	fifo_done(&t.server);
	return 0;
}
