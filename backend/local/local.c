/* The table of calls, opening and closing. */
#include "backend/local/install.h"

#include <stdlib.h>
#include <string.h>

#include "src/base/str.h"

static void local_close(struct backend *b)
{
	struct local *l = local_of(b);
	registry_done(l);
	store_done(l);
	free(l);
}

static const struct backend_ops local_ops = {
    .name = "local",
    .domain_list = local_domain_list,
    .domain_get = local_domain_get,
    .domain_xml = local_domain_xml,
    .domain_define = local_domain_define,
    .domain_undefine = local_domain_undefine,
    .domain_create = local_domain_create,
    .domain_start = local_domain_start,
    .domain_shutdown = local_domain_shutdown,
    .domain_destroy = local_domain_destroy,
    .domain_reset = local_domain_reset,
    .domain_suspend = local_domain_suspend,
    .domain_resume = local_domain_resume,
    .domain_autostart = local_domain_autostart,
    .console_open = local_console_open,
    .console_log = local_console_log,
    .console_path = local_console_path,
    .domain_block_info = local_domain_block_info,
    .domain_change_media = local_domain_change_media,
    .domain_set_link = local_domain_set_link,
    .domain_screen = local_domain_screen,
    .domain_screenshot = local_domain_screenshot,
    .domain_screen_open = local_screen_open,
    .sample = local_sample,
    .domain_command = local_domain_command,
    .host_neighbour = local_host_neighbour,
    .host_bridges = local_host_bridges,
    .host_info = local_host_info,
    .host_validate = local_host_validate,
    .domain_install = local_domain_install,
    .path_info = local_path_info,
    .domain_release = local_domain_release,
    .close = local_close,
};

struct backend *backend_local_open(struct err *e)
{
	const struct dirs *dirs = dirs_get(e);
	if (!dirs)
		return NULL;
	struct local *l = x_calloc(1, sizeof(*l));
	l->backend.ops = &local_ops;
	l->dirs = dirs;
	return &l->backend;
}
