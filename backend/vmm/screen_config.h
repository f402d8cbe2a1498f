/* Where and how viewers are let in to the guest's screen, as the launcher settled it ("screen" of the go
 * message) and as it was changed since. Told to the screen process (SCREEN_CONFIG), in the file screen.json
 * (src/proto/registry.h), and to who asks query-vnc. Main loop's thread. */
#ifndef BACKEND_VMM_SCREEN_CONFIG_H
#define BACKEND_VMM_SCREEN_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/err.h"
#include "src/base/json.h"

#define SCREEN_PASSWORD_MAX 8 /* that RFB's challenge takes (RFC 6143, 7.2.2) */
#define SCREEN_CLIENTS_MAX 64 /* that are listed */

struct screen_config {
	json_t *settled;            /* an object: what never changes */
	char *passwd, *view_passwd; /* never NULL; "": none is asked, there is no view-only one */
	int64_t valid_to;           /* seconds since the epoch; 0: for ever */
	json_t *clients;            /* an array */
};

/* @screen NULL: this guest has none. */
void screen_config_init(struct screen_config *c, const json_t *screen);
void screen_config_done(struct screen_config *c);

/* Set one of the passwords. -EINVAL: empty. What is longer than SCREEN_PASSWORD_MAX counts as far as that. */
int screen_config_password(struct screen_config *c, const char *password, bool view, struct err *e);
/* When passwords end, as QMP's expire_password writes it: "now", "never", "+SECONDS", "SECONDS" since the
 * epoch. */
int screen_config_expire(struct screen_config *c, const char *when, int64_t now, struct err *e);
/* What the screen process says of its viewers: a JSON array. -EBADMSG: it is none. */
int screen_config_clients(struct screen_config *c, const char *text, size_t len);

/* The text of SCREEN_CONFIG, of screen.json, and the answer to query-vnc; the caller's to free. */
char *screen_config_message(const struct screen_config *c);
char *screen_config_file(const struct screen_config *c);
json_t *screen_config_query(const struct screen_config *c);

#endif
