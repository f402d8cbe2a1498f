/* How viewers are let in: SCREEN_CONFIG of src/proto/screen.h, parsed. */
#ifndef BACKEND_SCREEN_CONFIG_H
#define BACKEND_SCREEN_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/err.h"

#define CONFIG_PASSWD_MAX 8 /* RFC 6143, 7.2.2: VNC Authentication takes no more of it */

struct tls_cred;

enum config_share { CONFIG_ALLOW_EXCLUSIVE, CONFIG_FORCE_SHARED, CONFIG_IGNORE };
enum config_tls { CONFIG_TLS_OFF, CONFIG_TLS_ALLOWED, CONFIG_TLS_REQUIRED };

struct config {
	char name[128];
	bool known;                              /* the machine has said so; nobody is let in before */
	char passwd[CONFIG_PASSWD_MAX + 1];      /* "": none is asked for */
	char view_passwd[CONFIG_PASSWD_MAX + 1]; /* "": there is none */
	int64_t passwd_valid_to;                 /* seconds since 1970, 0 = ever */
	enum config_share share;
	enum config_tls tls;
	struct tls_cred *cred; /* NULL when tls is off; see config_done() */
	struct keys_row *keys; /* the guest's layout, see keys.h; NULL: a US keyboard */
	size_t nkeys;
};

/* Parse the JSON text of a SCREEN_CONFIG. @cred: the certificate, if there is one. *c is complete or untouched.
 * 0 or -errno. */
int config_parse(struct config *c, const char *text, size_t len, struct tls_cred *cred, struct err *e);
void config_done(struct config *c);

/* Is a password asked for? */
bool config_asks(const struct config *c);
/* Has it expired? @now: seconds since 1970. */
bool config_expired(const struct config *c, int64_t now);

#endif
