#include "backend/vmm/screen_config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/cleanup.h"
#include "src/base/str.h"

static char *password_copy(const char *s)
{
	char *copy = x_strdup(s);
	if (strlen(copy) > SCREEN_PASSWORD_MAX)
		copy[SCREEN_PASSWORD_MAX] = 0;
	return copy;
}

void screen_config_init(struct screen_config *c, const json_t *screen)
{
	*c = (struct screen_config){.settled = screen ? json_deep_copy(screen) : json_object(),
				    .clients = json_array()};
	c->passwd = password_copy(json_str(screen, "passwd", ""));
	c->view_passwd = password_copy(json_str(screen, "view_passwd", ""));
	c->valid_to = json_int(screen, "passwd_valid_to", 0);
}

void screen_config_done(struct screen_config *c)
{
	json_decref(c->settled);
	json_decref(c->clients);
	free(c->passwd);
	free(c->view_passwd);
	*c = (struct screen_config){0};
}

int screen_config_password(struct screen_config *c, const char *password, bool view, struct err *e)
{
	char **to = view ? &c->view_passwd : &c->passwd;
	if (!password || !*password)
		return err_set(
		    e, EINVAL,
		    "the password is empty, and would let everybody in: give it 1 to %d characters",
		    SCREEN_PASSWORD_MAX);
	free(*to);
	*to = password_copy(password);
	return 0;
}

int screen_config_expire(struct screen_config *c, const char *when, int64_t now, struct err *e)
{
	uint64_t s = 0;
	bool relative = when && *when == '+';
	if (!when || (strcmp(when, "now") && strcmp(when, "never") &&
		      (!str_u64(when + relative, &s) || s > INT64_MAX / 2)))
		return err_set(e, EINVAL,
			       "time '%.40s' is none of now, never, +SECONDS, SECONDS since the epoch",
			       when ? when : "");
	if (!strcmp(when, "never"))
		c->valid_to = 0;
	else if (!strcmp(when, "now"))
		c->valid_to = now > 1 ? now - 1 : 1;
	else
		c->valid_to = relative ? now + (int64_t)s : s ? (int64_t)s : 1;
	return 0;
}

/* One viewer, with what we know of and no more. */
static json_t *client(const json_t *from)
{
	static const char *const texts[] = {"host", "service", "family", "encoding"};
	static const char *const flags[] = {"websocket", "shared", "viewonly", "tls"};
	char show[100];
	json_t *j = json_object();
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		const char *s = json_str(from, texts[i], NULL);
		if (s)
			json_set_str(j, texts[i], str_printable(s, show, sizeof(show)));
	}
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		json_set_flag(j, flags[i], json_flag(from, flags[i], false));
	json_set_int(j, "sent", json_int(from, "sent", 0));
	return j;
}

int screen_config_clients(struct screen_config *c, const char *text, size_t len)
{
	AUTO_JSON json_t *in = json_parse(text, len, NULL);
	if (!json_is_array(in))
		return -EBADMSG;
	json_t *out = json_array();
	for (size_t i = 0; i < json_array_size(in) && i < SCREEN_CLIENTS_MAX; i++)
		json_array_append_new(out, client(json_array_get(in, i)));
	json_decref(c->clients);
	c->clients = out;
	return 0;
}

static void set_secrets(const struct screen_config *c, json_t *j)
{
	json_set_str(j, "passwd", c->passwd);
	json_set_str(j, "view_passwd", c->view_passwd);
	json_set_int(j, "passwd_valid_to", c->valid_to);
}

char *screen_config_message(const struct screen_config *c)
{
	AUTO_JSON json_t *j = json_object();
	json_set_int(j, "version", 1);
	json_set_str(j, "name", json_str(c->settled, "name", ""));
	json_set_str(j, "share", json_str(c->settled, "share", "allow-exclusive"));
	json_set_str(j, "tls", json_str(c->settled, "tls", "off"));
	if (json_object_get(c->settled, "keys"))
		json_object_set(j, "keys", json_object_get(c->settled, "keys"));
	set_secrets(c, j);
	return json_text(j, false);
}

char *screen_config_file(const struct screen_config *c)
{
	AUTO_JSON json_t *j = json_object();
	int64_t port = json_int(c->settled, "port", 0);
	if (port)
		json_set_int(j, "port", port);
	json_set_str(j, "listen", json_str(c->settled, "listen", NULL));
	json_set_str(j, "socket", json_str(c->settled, "socket", NULL));
	json_set_str(j, "tls", json_str(c->settled, "tls", "off"));
	set_secrets(c, j);
	json_object_set(j, "clients", c->clients);
	return json_text(j, false);
}

/* QEMU's QMP reference, "query-vnc". */
json_t *screen_config_query(const struct screen_config *c)
{
	const char *listen = json_str(c->settled, "listen", NULL),
		   *path = json_str(c->settled, "socket", NULL);
	const char *tls = json_str(c->settled, "tls", "off");
	bool enabled = listen || path;
	char service[24];
	json_t *j = json_object();
	json_set_flag(j, "enabled", enabled);
	if (!enabled)
		return j;
	snprintf(service, sizeof(service), "%d", (int)json_int(c->settled, "port", 0));
	json_set_str(j, "host", path ? path : listen);
	json_set_str(j, "service", path ? "" : service);
	json_set_str(j, "family", path ? "unix" : strchr(listen, ':') ? "ipv6" : "ipv4");
	bool required = !strcmp(tls, "required");
	json_set_str(j, "auth",
		     *c->passwd ? (required ? "vencrypt+x509+vnc" : "vnc")
		     : required ? "vencrypt+x509+none"
				: "none");
	json_object_set(j, "clients", c->clients);
	return j;
}
