/* Plugging cables of network cards in, and pulling them: in what runs, and in the definition. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

#include "backend/local/local.h"
#include "src/base/cleanup.h"
#include "src/base/str.h"
#include "src/proto/control.h"
#include "src/proto/registry.h"

struct cable {
	const char *key;
	bool up;
};

/* @text with the cable as it is to be. *index: the card's number. */
static int edit(const struct cable *c, const char *text, const char *where, size_t *index, char **out,
		struct err *e)
{
	struct domain *d = NULL;
	char show[64];
	int rc = domain_parse(text, strlen(text), where, &d, e);
	if (rc)
		return rc;
	*index = domain_interface_find(d, c->key);
	if (*index == d->ninterfaces)
		rc = err_set(e, ENODEV, "interface (%s) not found: domiflist shows those that are there",
			     str_printable(c->key, show, sizeof(show)));
	else
		rc = domain_text_link(text, where, *index, c->up, out, e);
	domain_free(d);
	return rc;
}

static int tell_machine(struct local *l, const struct guest *g, size_t index, bool up, struct err *e)
{
	AUTO_FREE char *path = registry_path(l, g->uuid, REG_CONTROL);
	AUTO_FREE char *name = x_asprintf("net%zu", index);
	struct control *k = control_connect(path, BACKEND_TIMEOUT_MS, e);
	if (!k)
		return e && e->code ? -e->code : -EIO;
	json_t *args = json_object();
	json_set_str(args, "name", name);
	json_set_flag(args, "up", up);
	int rc = control_call_with(k, "set_link", args, -1, NULL, e);
	control_close(k);
	return rc;
}

static int change_live(struct local *l, const struct guest *g, const struct cable *c, struct err *e)
{
	AUTO_FREE char *dir = registry_dir(l, g->uuid), *now = NULL, *new = NULL;
	AUTO_CLOSE int lock = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	size_t index;
	if (lock < 0 || flock(lock, LOCK_EX) < 0)
		return err_sys(e, errno, "cannot lock '%s'", dir);
	int rc = live_read(l, g->uuid, &now, e);
	if (!rc)
		rc = edit(c, now, REG_LIVE_XML, &index, &new, e);
	if (!rc)
		rc = tell_machine(l, g, index, c->up, e);
	return rc ? rc : live_write(l, g->uuid, new, e);
}

static int edit_definition(struct local *l, const struct store_item *it, const struct cable *c,
			   struct domain **out, struct err *e)
{
	struct domain *d = NULL;
	size_t index;
	int rc = store_load(l, it, &d, e);
	if (rc)
		return rc;
	AUTO_FREE char *old = domain_text(d), *new = NULL;
	domain_free(d);
	rc = edit(c, old, it->file, &index, &new, e);
	return rc ? rc : domain_parse(new, strlen(new), it->file, out, e);
}

int local_domain_set_link(struct backend *b, const char *uuid, const char *key, bool up, unsigned flags,
			  struct err *e)
{
	struct local *l = local_of(b);
	const struct cable c = {key, up};
	struct domain *d = NULL;
	struct guest *g;
	const struct store_item *it;
	int rc = guest_and_definition(l, uuid, &flags, &g, &it, e);
	if (rc)
		return rc;
	if (flags & MEDIA_CONFIG)
		rc = edit_definition(l, it, &c, &d, e);
	if (!rc && (flags & MEDIA_LIVE))
		rc = change_live(l, g, &c, e);
	if (!rc && d)
		rc = store_define(l, d, e);
	domain_free(d);
	return rc;
}
