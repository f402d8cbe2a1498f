/* The machine's end of the screen process. (src/proto/screen.h)
 *
 * The keeper sends a socket whenever it has started one (keeperlink.c), and decks ask for theirs; each is
 * greeted, its requests for what changed are answered, and what is typed there is passed on (screenpeer.c).
 * Sending never waits: everything that can be sent is the present state of something, so what a full socket
 * does not take is remembered as one bit, and the state of then is sent when there is room. One that takes
 * nothing for 5 s is dropped; of the screen process the keeper is told, to end it. While nobody looks,
 * nothing is done.
 *
 * Main loop's thread; m->lock is taken inside. Devices only set bits (the display's and the input's
 * callbacks). */
#ifndef BACKEND_VMM_SCREENLINK_H
#define BACKEND_VMM_SCREENLINK_H

#include <stdbool.h>

#include "src/base/err.h"
#include "src/base/json.h"

struct machine;
struct screen_config;

/* @keeper: the launch socket, for what it is told. @screen: of the go message; NULL: no viewer comes in, and
 * decks only while there is a video device. Takes "screen.json" out of m->fds. */
int screenlink_new(struct machine *m, int keeper, const json_t *screen, struct err *e);
/* Viewers are sent away. */
void screenlink_free(struct machine *m);

/* One more screen process: @fd is taken. Whom there was is forgotten. */
void screenlink_attach(struct machine *m, int fd);

/* Its configuration, to be changed in place; NULL: it is not served to viewers. */
struct screen_config *screenlink_config(struct machine *m);

/* It was: tell the file, and the screen; @kick: and send viewers away. */
void screenlink_config_changed(struct machine *m, bool kick);

/* screenlink_control.c: the commands of the control socket (control_commands[]). */
int screenlink_query_vnc(struct machine *m, const json_t *args, json_t **ret, int *fd, struct err *e);
int screenlink_set_password(struct machine *m, const json_t *args, json_t **ret, int *fd, struct err *e);
int screenlink_change_vnc_password(struct machine *m, const json_t *args, json_t **ret, int *fd,
				   struct err *e);
int screenlink_expire_password(struct machine *m, const json_t *args, json_t **ret, int *fd, struct err *e);
/* "screen-open": a socket that speaks src/proto/screen.h. */
int screenlink_open(struct machine *m, const json_t *args, json_t **ret, int *fd, struct err *e);
int screenlink_kick(struct machine *m, const json_t *args, json_t **ret, int *fd, struct err *e);

#endif
