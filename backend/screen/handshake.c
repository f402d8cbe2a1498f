#include "backend/screen/handshake.h"

#include <endian.h>
#include <string.h>

#include "backend/screen/tls.h"
#include "src/base/cleanup.h"

/* RFC 6143, 7.1.2, and the VeNCrypt extension */
enum { SECURITY_NONE = 1, SECURITY_VNC = 2, SECURITY_VENCRYPT = 19 };
enum { VENCRYPT_TLS_NONE = 257, VENCRYPT_TLS_VNC = 258, VENCRYPT_X509_NONE = 260, VENCRYPT_X509_VNC = 261 };
#define VERSION "RFB 003.008\n"
#define VERSION_LEN 12

#define TLS_ONLY "This screen takes encrypted connections only: use a viewer with TLS (VeNCrypt)"
#define EXPIRED "The password of this screen has expired; ask for a new one"

/* GO_ON: to the next state at once. */
enum step { GO_ON, WAIT, TLS, IN, OUT };

static enum step closed(struct handshake *h, const char *why)
{
	h->why = why;
	h->state = HANDSHAKE_OVER;
	return OUT;
}

/* A reason in words, for versions that have room for one at this place. */
static enum step refuse(struct handshake *h, struct fifo *out, const char *why)
{
	fifo_add_u32(out, (uint32_t)strlen(why));
	fifo_add(out, why, strlen(why));
	return closed(h, why);
}

/* Before a security type is agreed on: none is offered. (7.1.2) */
static enum step refuse_all(struct handshake *h, struct fifo *out, const char *why)
{
	if (h->minor == 3)
		fifo_add_u32(out, 0);
	else
		fifo_add_u8(out, 0);
	return refuse(h, out, why);
}

/* SecurityResult "failed". (7.1.3) */
static enum step refuse_result(struct handshake *h, struct fifo *out, const char *why)
{
	fifo_add_u32(out, 1);
	return h->minor >= 8 ? refuse(h, out, why) : closed(h, why);
}

static enum step start(struct handshake *h, const struct handshake_env *env, struct fifo *in,
		       struct fifo *out)
{
	fifo_add(out, VERSION, VERSION_LEN);
	h->state = HANDSHAKE_VERSION;
	return GO_ON;
}

/* 7.1.1: any other version than 3.7 and 3.8 is 3.3. */
static int minor_of(const uint8_t *p)
{
	int n = 0;
	if (memcmp(p, "RFB 003.", 8) || p[11] != '\n')
		return -1;
	for (int i = 8; i < 11; i++) {
		if (p[i] < '0' || p[i] > '9')
			return -1;
		n = n * 10 + p[i] - '0';
	}
	return n >= 8 ? 8 : n == 7 ? 7 : 3;
}

static enum step begin_auth(struct handshake *h, const struct handshake_env *env, struct fifo *out)
{
	if (h->plain == SECURITY_VNC) {
		env->random(h->challenge, sizeof(h->challenge));
		fifo_add(out, h->challenge, sizeof(h->challenge));
		h->state = HANDSHAKE_RESPONSE;
		return GO_ON;
	}
	if (h->minor >= 8)
		fifo_add_u32(out, 0);
	h->state = HANDSHAKE_INIT;
	return GO_ON;
}

static enum step offer(struct handshake *h, const struct handshake_env *env, struct fifo *out)
{
	const struct config *c = env->config;
	bool must = c->tls == CONFIG_TLS_REQUIRED && !h->tls;
	h->may_venc = c->tls != CONFIG_TLS_OFF && !h->tls;
	h->plain = config_asks(c) ? SECURITY_VNC : SECURITY_NONE;
	if (!c->known)
		return refuse_all(h, out, "The guest's screen is not ready yet; try again");
	if (config_expired(c, env->now))
		return refuse_all(h, out, EXPIRED);
	const char *why = h->plain == SECURITY_VNC && env->may_guess ? env->may_guess(env->ctx) : NULL;
	if (why)
		return refuse_all(h, out, why);
	if (h->minor == 3) {
		if (must)
			return refuse_all(h, out, TLS_ONLY);
		fifo_add_u32(out, h->plain);
		return begin_auth(h, env, out);
	}
	fifo_add_u8(out, (uint8_t)(h->may_venc + !must));
	if (h->may_venc)
		fifo_add_u8(out, SECURITY_VENCRYPT);
	if (!must)
		fifo_add_u8(out, h->plain);
	h->state = HANDSHAKE_SECURITY;
	return GO_ON;
}

static enum step version(struct handshake *h, const struct handshake_env *env, struct fifo *in,
			 struct fifo *out)
{
	uint8_t *p = fifo_head(in);
	if (in->len && memcmp(p, VERSION, in->len < 4 ? in->len : 4))
		return closed(h, "it does not speak RFB");
	if (in->len < VERSION_LEN)
		return WAIT;
	h->minor = minor_of(p);
	fifo_drop(in, VERSION_LEN);
	if (h->minor < 0)
		return closed(h, "it does not speak RFB 3");
	return offer(h, env, out);
}

static enum step security(struct handshake *h, const struct handshake_env *env, struct fifo *in,
			  struct fifo *out)
{
	if (!in->len)
		return WAIT;
	uint8_t type = *fifo_head(in);
	fifo_drop(in, 1);
	if (type == SECURITY_VENCRYPT && h->may_venc) {
		fifo_add(out, "\0\2", 2);
		h->state = HANDSHAKE_VENCRYPT_VERSION;
		return GO_ON;
	}
	if (type == h->plain && (env->config->tls != CONFIG_TLS_REQUIRED || h->tls))
		return begin_auth(h, env, out);
	if (env->config->tls == CONFIG_TLS_REQUIRED && !h->tls)
		return refuse_result(h, out, TLS_ONLY);
	return refuse_result(h, out, "That security type was not offered");
}

static enum step vencrypt_version(struct handshake *h, const struct handshake_env *env, struct fifo *in,
				  struct fifo *out)
{
	if (in->len < 2)
		return WAIT;
	uint8_t *p = fifo_head(in);
	bool good = p[0] == 0 && p[1] == 2;
	fifo_drop(in, 2);
	fifo_add_u8(out, good ? 0 : 0xff);
	if (!good)
		return closed(h, "it speaks another version of VeNCrypt than 0.2");
	bool asks = h->plain == SECURITY_VNC;
	fifo_add_u8(out, 1);
	if (tls_cred_has_certificate(env->config->cred))
		fifo_add_u32(out, asks ? VENCRYPT_X509_VNC : VENCRYPT_X509_NONE);
	else
		fifo_add_u32(out, asks ? VENCRYPT_TLS_VNC : VENCRYPT_TLS_NONE);
	h->state = HANDSHAKE_VENCRYPT_SUBTYPE;
	return GO_ON;
}

static enum step vencrypt_subtype(struct handshake *h, const struct handshake_env *env, struct fifo *in,
				  struct fifo *out)
{
	uint32_t type, want;
	bool asks = h->plain == SECURITY_VNC;
	if (h->tls) /* the caller has done TLS */
		return begin_auth(h, env, out);
	if (in->len < 4)
		return WAIT;
	memcpy(&type, fifo_head(in), 4);
	fifo_drop(in, 4);
	if (tls_cred_has_certificate(env->config->cred))
		want = asks ? VENCRYPT_X509_VNC : VENCRYPT_X509_NONE;
	else
		want = asks ? VENCRYPT_TLS_VNC : VENCRYPT_TLS_NONE;
	fifo_add_u8(out, be32toh(type) == want);
	if (be32toh(type) != want)
		return closed(h, "it chose a VeNCrypt subtype that was not offered");
	if (in->len)
		return closed(h, "it sent bytes in the clear where TLS begins");
	return TLS;
}

static bool response_is(const struct handshake *h, const struct handshake_env *env, const uint8_t *p,
			const char *passwd)
{
	uint8_t c[HANDSHAKE_CHALLENGE], differ = 0;
	if (!passwd[0])
		return false;
	memcpy(c, h->challenge, sizeof(c));
	env->encrypt(c, passwd);
	for (size_t i = 0; i < sizeof(c); i++)
		differ |= c[i] ^ p[i];
	return !differ;
}

static enum step response(struct handshake *h, const struct handshake_env *env, struct fifo *in,
			  struct fifo *out)
{
	if (in->len < HANDSHAKE_CHALLENGE)
		return WAIT;
	uint8_t *p = fifo_head(in);
	bool full = response_is(h, env, p, env->config->passwd);
	h->view_only = !full && response_is(h, env, p, env->config->view_passwd);
	fifo_drop(in, HANDSHAKE_CHALLENGE);
	if (config_expired(env->config, env->now))
		return refuse_result(h, out, EXPIRED);
	h->passwd = full || h->view_only ? HANDSHAKE_RIGHT : HANDSHAKE_WRONG;
	if (h->passwd == HANDSHAKE_WRONG)
		return refuse_result(h, out, "Wrong password");
	fifo_add_u32(out, 0);
	h->state = HANDSHAKE_INIT;
	return GO_ON;
}

static enum step init(struct handshake *h, const struct handshake_env *env, struct fifo *in, struct fifo *out)
{
	if (!in->len)
		return WAIT;
	h->exclusive = !*fifo_head(in);
	fifo_drop(in, 1);
	h->state = HANDSHAKE_OVER;
	return IN;
}

enum handshake_result handshake_step(struct handshake *h, const struct handshake_env *env, struct fifo *in,
				     struct fifo *out)
{
	static enum step (*const steps[])(struct handshake *, const struct handshake_env *, struct fifo *,
					  struct fifo *) = {
	    [HANDSHAKE_START] = start,
	    [HANDSHAKE_VERSION] = version,
	    [HANDSHAKE_SECURITY] = security,
	    [HANDSHAKE_VENCRYPT_VERSION] = vencrypt_version,
	    [HANDSHAKE_VENCRYPT_SUBTYPE] = vencrypt_subtype,
	    [HANDSHAKE_RESPONSE] = response,
	    [HANDSHAKE_INIT] = init,
	};
	for (;;) {
		if (h->state == HANDSHAKE_OVER)
			return HANDSHAKE_CLOSED;
		switch (steps[h->state](h, env, in, out)) {
		case GO_ON:
			break;
		case WAIT:
			return HANDSHAKE_MORE;
		case TLS:
			return HANDSHAKE_TLS;
		case IN:
			return HANDSHAKE_DONE;
		case OUT:
			return HANDSHAKE_CLOSED;
		}
	}
}
