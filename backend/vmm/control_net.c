#include "backend/vmm/control_net.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "backend/vmm/dev/dev.h"
#include "backend/vmm/dev/virtio_net.h"
#include "backend/vmm/machine.h"
#include "src/base/str.h"

int control_set_link(struct machine *m, const json_t *args, json_t **ret, int *fd, struct err *e)
{
	const char *name = json_str(args, "name", "");
	json_t *up = json_object_get(args, "up");
	char show[64];
	if (!json_is_boolean(up))
		return err_set(e, EINVAL, "is the cable in or out? \"up\" is missing");
	pthread_mutex_lock(&m->lock);
	struct dev *d = dev_find(m, name);
	if (d && d->type == &virtio_net_type)
		virtio_net_set_link(d, json_is_true(up));
	else
		d = NULL;
	pthread_mutex_unlock(&m->lock);
	return d ? 0
		 : err_set(e, ENODEV, "there is no network card '%s'",
			   str_printable(name, show, sizeof(show)));
}

int control_query_link(struct machine *m, const json_t *args, json_t **ret, int *fd, struct err *e)
{
	*ret = json_array();
	pthread_mutex_lock(&m->lock);
	for (unsigned i = 0; i < m->ndevs; i++) {
		if (m->devs[i]->type != &virtio_net_type)
			continue;
		json_t *j = json_object();
		json_set_str(j, "name", m->devs[i]->name);
		json_set_flag(j, "up", virtio_net_link(m->devs[i]));
		json_array_append_new(*ret, j);
	}
	pthread_mutex_unlock(&m->lock);
	return 0;
}
