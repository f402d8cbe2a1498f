#include "backend/screen/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/screen/keys.h"
#include "backend/screen/tls.h"
#include "src/base/cleanup.h"
#include "src/base/json.h"

static int word(const json_t *j, const char *key, const char *const words[3], unsigned *out, struct err *e)
{
	const char *v = json_str(j, key, words[0]);
	for (unsigned i = 0; i < 3; i++)
		if (!strcmp(v, words[i])) {
			*out = i;
			return 0;
		}
	return err_set(e, EINVAL, "the machine's configuration has %s='%.40s'", key, v);
}

static int credentials(struct config *c, struct tls_cred *cred, struct err *e)
{
	if (c->tls == CONFIG_TLS_OFF)
		return 0;
	if (!cred)
		return tls_cred_anonymous(&c->cred, e);
	c->cred = tls_cred_get(cred);
	return 0;
}

static int layout(struct config *c, const json_t *list, struct err *e)
{
	size_t n = json_array_size(list) / 3;
	if (!n)
		return 0;
	if (n > KEYS_ROWS_MAX)
		return err_set(e, EINVAL, "the machine's keyboard layout has %zu rows, more than %d", n,
			       KEYS_ROWS_MAX);
	c->keys = calloc(n, sizeof(*c->keys));
	if (!c->keys)
		return err_set(e, ENOMEM, "out of memory");
	for (size_t i = 0; i < n; i++) {
		int64_t sym = json_integer_value(json_array_get(list, 3 * i)),
			code = json_integer_value(json_array_get(list, 3 * i + 1));
		if (sym <= 0 || sym > UINT32_MAX || code <= 0 || code >= KEYCODE_MAX)
			continue;
		uint8_t mods = (uint8_t)json_integer_value(json_array_get(list, 3 * i + 2));
		c->keys[c->nkeys++] =
		    (struct keys_row){.sym = (uint32_t)sym, .code = (uint8_t)code, .mods = mods};
	}
	return 0;
}

int config_parse(struct config *c, const char *text, size_t len, struct tls_cred *cred, struct err *e)
{
	static const char *const shares[] = {"allow-exclusive", "force-shared", "ignore"};
	static const char *const tls[] = {"off", "allowed", "required"};
	AUTO_JSON json_t *j = json_parse(text, len, e);
	struct config n = {.known = true};
	unsigned share, mode;
	if (!j)
		return e ? -e->code : -EINVAL;
	if (json_int(j, "version", 0) != 1)
		return err_set(e, EPROTO, "the machine's configuration is not of version 1");
	if (word(j, "share", shares, &share, e) || word(j, "tls", tls, &mode, e))
		return -EINVAL;
	n.share = share;
	n.tls = mode;
	n.passwd_valid_to = json_int(j, "passwd_valid_to", 0);
	snprintf(n.name, sizeof(n.name), "%s", json_str(j, "name", ""));
	snprintf(n.passwd, sizeof(n.passwd), "%s", json_str(j, "passwd", ""));
	snprintf(n.view_passwd, sizeof(n.view_passwd), "%s", json_str(j, "view_passwd", ""));
	int rc = credentials(&n, cred, e);
	if (!rc)
		rc = layout(&n, json_object_get(j, "keys"), e);
	if (rc) {
		config_done(&n);
		return rc;
	}
	config_done(c);
	*c = n;
	return 0;
}

void config_done(struct config *c)
{
	tls_cred_put(c->cred);
	c->cred = NULL;
	free(c->keys);
	c->keys = NULL;
	c->nkeys = 0;
}

bool config_asks(const struct config *c)
{
	return c->passwd[0] || c->view_passwd[0];
}

bool config_expired(const struct config *c, int64_t now)
{
	return config_asks(c) && c->passwd_valid_to && now >= c->passwd_valid_to;
}
