#include "backend/vmm/screenlink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backend/vmm/input.h"
#include "backend/vmm/machine.h"
#include "backend/vmm/screenpeer.h"
#include "src/base/cleanup.h"
#include "src/base/log.h"
#include "src/base/str.h"
#include "src/base/unixsock.h"

static void json_write(struct screenlink *l)
{
	AUTO_FREE char *text = screen_config_file(&l->config);
	size_t n = text ? strlen(text) : 0;
	if (l->json_fd < 0 || !n)
		return;
	/* Readers who see it half written try again: it is one system call on a tmpfs. */
	if (pwrite(l->json_fd, text, n, 0) != (ssize_t)n || ftruncate(l->json_fd, (off_t)n) < 0)
		log_warn("screen: cannot write screen.json: %s", strerror(errno));
}

bool link_clients(struct screenlink *l, const char *clients, size_t n)
{
	if (screen_config_clients(&l->config, clients, n))
		return false;
	json_write(l);
	return true;
}

static void input_has_changed(void *ctx)
{
	struct screenlink *l = ctx;
	for (unsigned i = 0; i < l->npeers; i++)
		peer_want(l->peers[i], SEND_STATE);
}

/* Input is listened to while somebody looks. */
static void listen_to_input(struct screenlink *l)
{
	pthread_mutex_lock(&l->m->lock);
	input_listen(l->m, l->npeers ? input_has_changed : NULL, l);
	pthread_mutex_unlock(&l->m->lock);
}

static void detach(struct screen_peer *p, bool kick)
{
	struct screenlink *l = p->l;
	bool process = p->process;
	pthread_mutex_lock(&l->m->lock); /* input_has_changed() walks them */
	for (unsigned i = 0; i < l->npeers; i++)
		if (l->peers[i] == p) {
			l->peers[i] = l->peers[--l->npeers];
			break;
		}
	pthread_mutex_unlock(&l->m->lock);
	listen_to_input(l);
	peer_end(p, kick);
	if (process)
		screen_config_clients(&l->config, "[]", 2);
}

void link_lost(struct screen_peer *p, const char *why)
{
	struct screenlink *l = p->l;
	bool process = p->process;
	detach(p, false);
	if (!process)
		return;
	json_write(l);
	if (why)
		launch_screen_dropped(l->keeper, why);
}

static struct screen_peer *the_process(const struct screenlink *l)
{
	for (unsigned i = 0; i < l->npeers; i++)
		if (l->peers[i]->process)
			return l->peers[i];
	return NULL;
}

static void something_changed(uv_async_t *a)
{
	struct screenlink *l = a->data;
	for (unsigned i = l->npeers; i-- > 0;) /* one that ends takes the last one to its place */
		if (i < l->npeers)
			peer_flush(l->peers[i]);
}

static bool attach(struct screenlink *l, int fd, bool process)
{
	struct screen_peer *p = l->npeers < PEERS_MAX ? peer_new(l, fd, process) : NULL;
	if (!p) {
		close(fd);
		return false;
	}
	pthread_mutex_lock(&l->m->lock);
	l->peers[l->npeers++] = p;
	pthread_mutex_unlock(&l->m->lock);
	listen_to_input(l);
	return true;
}

void screenlink_attach(struct machine *m, int fd)
{
	struct screenlink *l = m->screenlink;
	struct screen_peer *old = l ? the_process(l) : NULL;
	if (!l) {
		close(fd);
		return;
	}
	if (old)
		detach(old, false);
	attach(l, fd, true);
}

int screenlink_open(struct machine *m, const json_t *args, json_t **ret, int *fd, struct err *e)
{
	struct screenlink *l = m->screenlink;
	int pair[2], rc;
	if (!l)
		return err_set(e, ENODEV,
			       "the guest has no screen: its XML has neither <graphics> nor <video>");
	if (l->npeers - (the_process(l) != NULL) >= PEERS_MAX - 1) /* one place is the process's */
		return err_set(e, EBUSY, "%u decks look at this screen already", l->npeers);
	rc = unixsock_pair(SOCK_SEQPACKET, pair);
	if (rc)
		return err_sys(e, -rc, "cannot make a socket for the screen");
	if (!attach(l, pair[0], false)) {
		close(pair[1]);
		return err_set(e, ENOMEM, "out of memory");
	}
	*fd = pair[1];
	return 0;
}

/* --- life --- */

int screenlink_new(struct machine *m, int keeper, const json_t *screen, struct err *e)
{
	if (!screen && !m->display)
		return 0;
	struct screenlink *l = calloc(1, sizeof(*l));
	if (!l || !display_of(m)) {
		free(l);
		return err_set(e, ENOMEM, "out of memory");
	}
	m->screenlink = l;
	l->m = m;
	l->keeper = keeper;
	l->served = screen != NULL;
	screen_config_init(&l->config, screen);
	l->json_fd = named_take(&m->fds, "screen.json");
	int rc = uv_async_init(m->loop, &l->changed, something_changed);
	if (rc)
		return err_set(e, -rc, "cannot wait for the screen: %s", uv_strerror(rc));
	l->changed.data = l;
	return 0;
}

static void handle_closed(uv_handle_t *h)
{
	free(h->data);
}

void screenlink_free(struct machine *m)
{
	struct screenlink *l = m->screenlink;
	if (!l)
		return;
	while (l->npeers)
		detach(l->peers[0], true);
	fd_close(l->json_fd);
	screen_config_done(&l->config);
	m->screenlink = NULL;
	uv_close((uv_handle_t *)&l->changed, handle_closed);
}

struct screen_config *screenlink_config(struct machine *m)
{
	return m->screenlink && m->screenlink->served ? &m->screenlink->config : NULL;
}

void screenlink_config_changed(struct machine *m, bool kick)
{
	struct screenlink *l = m->screenlink;
	struct screen_peer *p = the_process(l);
	json_write(l);
	if (p)
		peer_want(p, SEND_CONFIG | (kick ? SEND_KICK : 0));
}
