#include "backend/vmm/keeperlink.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "backend/vmm/dev/virtio_net.h"
#include "backend/vmm/device.h"
#include "backend/vmm/machine.h"
#include "backend/vmm/screenlink.h"
#include "src/base/cleanup.h"
#include "src/base/log.h"
#include "src/proto/launch.h"

struct keeperlink {
	uv_poll_t poll;
	struct machine *m;
	int sock;
};

static void attach_net(struct machine *m, unsigned index, int fd)
{
	char name[16];
	snprintf(name, sizeof(name), VIRTIO_NET_NAME "%u", index);
	pthread_mutex_lock(&m->lock);
	struct dev *d = dev_find(m, name);
	if (d)
		virtio_net_attach(d, fd);
	pthread_mutex_unlock(&m->lock);
	if (d)
		return;
	log_warn("the keeper gave a socket for %s, which the guest does not have", name);
	fd_close(fd);
}

static void ready(uv_poll_t *p, int status, int events)
{
	struct keeperlink *l = p->data;
	struct launch_given g = {.fd = -1};
	int rc = status < 0 ? status : launch_recv_given(l->sock, &g);
	if (rc && rc != -EMSGSIZE && rc != -EAGAIN)
		uv_poll_stop(p); /* the keeper is gone, and PDEATHSIG is on its way */
	if (g.what == LAUNCH_SCREEN)
		screenlink_attach(l->m, g.fd);
	else if (g.what == LAUNCH_NET)
		attach_net(l->m, g.index, g.fd);
}

int keeperlink_new(struct machine *m, int sock, struct err *e)
{
	struct keeperlink *l = calloc(1, sizeof(*l));
	if (!l)
		return err_set(e, ENOMEM, "out of memory");
	int rc = uv_poll_init(m->loop, &l->poll, sock);
	if (rc) {
		free(l);
		return err_set(e, -rc, "cannot wait for the keeper: %s", uv_strerror(rc));
	}
	l->m = m;
	l->sock = sock;
	l->poll.data = l;
	uv_poll_start(&l->poll, UV_READABLE, ready);
	m->keeperlink = l;
	return 0;
}

static void closed(uv_handle_t *h)
{
	free(h->data);
}

void keeperlink_free(struct machine *m)
{
	if (m->keeperlink)
		uv_close((uv_handle_t *)&m->keeperlink->poll, closed);
	m->keeperlink = NULL;
}
