/* What the control socket is asked about the screen: who looks, and passwords, as QMP writes them. */
#include <errno.h>
#include <string.h>

#include "backend/vmm/machine.h"
#include "backend/vmm/screen_config.h"
#include "backend/vmm/screenlink.h"

static int config_of(struct machine *m, struct screen_config **c, struct err *e)
{
	*c = screenlink_config(m);
	return *c ? 0 : err_set(e, ENOTSUP, "no viewer sees this guest: its XML has no <graphics>");
}

int screenlink_query_vnc(struct machine *m, const json_t *args, json_t **ret, int *fd, struct err *e)
{
	struct screen_config none, *c = screenlink_config(m);
	if (c) {
		*ret = screen_config_query(c);
		return 0;
	}
	screen_config_init(&none, NULL);
	*ret = screen_config_query(&none);
	screen_config_done(&none);
	return 0;
}

static int protocol_check(const json_t *args, struct err *e)
{
	const char *protocol = json_str(args, "protocol", "vnc");
	return strcmp(protocol, "vnc")
		   ? err_set(e, EINVAL, "protocol '%.20s' is not served: vnc is the only one", protocol)
		   : 0;
}

int screenlink_set_password(struct machine *m, const json_t *args, json_t **ret, int *fd, struct err *e)
{
	struct screen_config *c;
	const char *connected = json_str(args, "connected", "keep");
	int rc = config_of(m, &c, e);
	if (!rc)
		rc = protocol_check(args, e);
	if (rc)
		return rc;
	if (strcmp(connected, "keep") && strcmp(connected, "fail") && strcmp(connected, "disconnect"))
		return err_set(e, EINVAL, "connected '%.20s' is none of keep, fail, disconnect", connected);
	if (!strcmp(connected, "fail") && json_array_size(c->clients))
		return err_set(e, EBUSY, "%zu viewers are connected", json_array_size(c->clients));
	rc = screen_config_password(c, json_str(args, "password", NULL), json_flag(args, "view", false), e);
	if (!rc)
		screenlink_config_changed(m, !strcmp(connected, "disconnect"));
	return rc;
}

int screenlink_change_vnc_password(struct machine *m, const json_t *args, json_t **ret, int *fd,
				   struct err *e)
{
	struct screen_config *c;
	int rc = config_of(m, &c, e);
	if (!rc)
		rc = screen_config_password(c, json_str(args, "password", NULL), false, e);
	if (!rc)
		screenlink_config_changed(m, false);
	return rc;
}

int screenlink_expire_password(struct machine *m, const json_t *args, json_t **ret, int *fd, struct err *e)
{
	struct screen_config *c;
	int rc = config_of(m, &c, e);
	if (!rc)
		rc = protocol_check(args, e);
	if (!rc)
		rc = screen_config_expire(c, json_str(args, "time", NULL), machine_wall(m, NULL), e);
	if (!rc)
		screenlink_config_changed(m, false);
	return rc;
}

int screenlink_kick(struct machine *m, const json_t *args, json_t **ret, int *fd, struct err *e)
{
	struct screen_config *c;
	int rc = config_of(m, &c, e);
	if (!rc)
		screenlink_config_changed(m, true);
	return rc;
}
