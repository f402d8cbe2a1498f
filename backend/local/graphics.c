/* What a guest's screen needs is settled when the guest starts, long before the first viewer: port, password,
 * certificates. */
#include "backend/local/graphics.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/password.h"
#include "src/base/spawn.h"
#include "src/model/keymap.h"
#include "src/proto/registry.h"

#define LIBVIRT_PKI "/etc/pki/libvirt-vnc" /* libvirt's qemu.conf, vnc_tls_x509_cert_dir */
#define SCREEN_JSON_MAX 65536
#define PASSWD_ROOM sizeof(((struct screen_info *)0)->passwd)

static const char *const share_names[] = {"allow-exclusive", "force-shared", "ignore"};
static const char *const tls_names[] = {"off", "allowed", "required"};

/* What graphics_open() works on. */
struct graphics {
	struct local *l;
	const struct domain *d;
	const struct domain_graphics *g;
	unsigned flags;
	struct fd_set_named *fds;
	json_t *screen;
	struct buf *notes;
	bool outside; /* others than this host's programs can connect */
};

static void __attribute__((format(printf, 2, 3))) note(struct graphics *a, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	if (a->notes) {
		buf_vprintf(a->notes, fmt, ap);
		buf_puts(a->notes, "\n");
	}
	va_end(ap);
}

/* The domain whose screen is at @port, for the sentence. */
static const char *domain_at(const struct local *l, const char *self, int port)
{
	for (size_t i = 0; i < l->nguests; i++) {
		struct screen_info info;
		if (strcmp(l->guests[i]->uuid, self) && !graphics_info(l, l->guests[i]->uuid, &info, NULL) &&
		    info.port == port)
			return l->guests[i]->name;
	}
	return NULL;
}

static int bind_port(struct graphics *a, struct err *e)
{
	const char *listen = a->g->listen && *a->g->listen ? a->g->listen : "127.0.0.1";
	int port = a->g->port;
	int fd = graphics_bind_tcp(listen, &port, e);
	if (fd == -EADDRINUSE && a->g->port > 0) {
		const char *who = domain_at(a->l, a->d->uuid, port);
		if (who)
			err_set(
			    e, EADDRINUSE,
			    "port %d of '%s' is the screen of domain '%s': leave the choice to vmdeck, with "
			    "port='-1' autoport='yes'",
			    port, listen, who);
	}
	if (fd < 0)
		return fd;
	json_set_int(a->screen, "port", port);
	json_set_str(a->screen, "listen", listen);
	a->outside = !graphics_loopback(listen);
	return named_add(a->fds, "vnc.0", fd);
}

static int bind_socket(struct graphics *a, struct err *e)
{
	int fd = graphics_bind_unix(a->g->socket, e);
	if (fd < 0)
		return fd;
	json_set_str(a->screen, "socket", a->g->socket);
	return named_add(a->fds, "vnc.0", fd);
}

static int settle_password(struct graphics *a, struct err *e)
{
	const struct domain_graphics *g = a->g;
	bool none = a->flags & START_NO_PASSWORD || (g->passwd && !*g->passwd);
	char made[PASSWORD_LEN + 1] = "";
	if (none && a->outside)
		return err_set(e, EPERM,
			       "its screen would be open to everybody who reaches '%s': give it a password, "
			       "or let it listen on "
			       "127.0.0.1",
			       json_str(a->screen, "listen", ""));
	if (!none && !g->passwd)
		password_make(made);
	const char *passwd = none ? "" : g->passwd ? g->passwd : made;
	if (strlen(passwd) > PASSWORD_LEN)
		note(a, "note: VNC looks at the first %d characters of the screen's password only",
		     PASSWORD_LEN);
	if (g->passwd_valid_to && g->passwd_valid_to < time(NULL))
		note(a,
		     "warning: the screen's password has ended (passwdValidTo): nobody is let in until "
		     "vmdeck vnc-passwd %s",
		     a->d->name);
	if (a->outside && g->tls == GRAPHICS_TLS_OFF)
		note(a,
		     "warning: the screen listens on %s without TLS: who is on the way sees it, and VNC's "
		     "password is weak. Better: "
		     "127.0.0.1 and ssh -L",
		     json_str(a->screen, "listen", ""));
	json_set_str(a->screen, "passwd", passwd);
	json_set_int(a->screen, "passwd_valid_to", none ? 0 : g->passwd_valid_to);
	json_set_str(a->screen, "view_passwd", g->view_passwd && !none ? g->view_passwd : "");
	return 0;
}

/* The folder of the certificates: the XML's, our own, libvirt's; NULL: none of these two is there. */
static char *pki_folder(const struct graphics *a)
{
	AUTO_FREE char *own = x_asprintf("%s/pki", a->l->dirs->config);
	AUTO_FREE char *cert = x_asprintf("%s/server-cert.pem", own);
	if (a->g->tls_dir)
		return x_strdup(a->g->tls_dir);
	if (access(cert, F_OK) == 0)
		return TAKE_PTR(own);
	return access(LIBVIRT_PKI "/server-cert.pem", F_OK) == 0 ? x_strdup(LIBVIRT_PKI) : NULL;
}

static int open_certificates(struct graphics *a, struct err *e)
{
	static const struct {
		const char *file, *name;
	} files[] = {
	    {"ca-cert.pem", "tls.ca"}, {"server-cert.pem", "tls.cert"}, {"server-key.pem", "tls.key"}};
	AUTO_FREE char *dir = pki_folder(a);
	if (!dir && a->g->tls_verify)
		return err_set(e, ENOENT,
			       "the screen's TLS: viewers' certificates are to be verified (verify='yes'), but there is "
			       "no server-cert.pem in '%s/pki' or '" LIBVIRT_PKI "'",
			       a->l->dirs->config);
	if (!dir) {
		note(a,
		     "note: no server-cert.pem in '%s/pki' or '%s': the screen is encrypted, but viewers "
		     "cannot tell whose it is",
		     a->l->dirs->config, LIBVIRT_PKI);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		AUTO_FREE char *path = x_asprintf("%s/%s", dir, files[i].file);
		int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
		if (fd < 0 && errno == ENOENT && i == 0 && !a->g->tls_verify)
			continue; /* only who checks viewers' certificates needs it */
		if (fd < 0)
			return err_sys(e, errno, "the screen's TLS: cannot open '%s'", path);
		int rc = named_add(a->fds, files[i].name, fd);
		if (rc)
			return err_sys(e, -rc, "the screen's TLS: '%s'", path);
	}
	return 0;
}

/* For viewers that send characters instead of keys: which keys make them, as the guest has its keyboard.
 * Flat: keysym, code, modifiers. */
static void add_keymap(struct graphics *a)
{
	struct err e = {0};
	const struct keymap_row *rows;
	struct keymap *k = a->g->keymap ? keymap_open(a->g->keymap, &e) : NULL;
	if (!k) {
		if (a->g->keymap)
			note(a, "warning: keymap '%s': %s; viewers that send characters get a US keyboard",
			     a->g->keymap, e.msg);
		return;
	}
	json_t *list = json_array();
	size_t n = keymap_rows(k, &rows);
	for (size_t i = 0; i < n && i < KEYMAP_ROWS_MAX; i++) {
		json_array_append_new(list, json_integer(rows[i].sym));
		json_array_append_new(list, json_integer(rows[i].stroke.code));
		json_array_append_new(list, json_integer(rows[i].stroke.mods));
	}
	json_set_take(a->screen, "keys", list);
	keymap_free(k);
}

static int write_screen_json(struct graphics *a, struct err *e)
{
	AUTO_FREE char *path = registry_path(a->l, a->d->uuid, REG_SCREEN);
	AUTO_JSON json_t *j = json_copy(a->screen);
	json_set_take(j, "clients", json_array());
	json_object_del(j, "program");
	json_object_del(j, "tls_verify");
	json_object_del(j, "keys");
	AUTO_FREE char *text = json_text(j, false);
	int rc = file_replace(path, text, strlen(text), 0600, e);
	if (rc)
		return rc;
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? err_sys(e, errno, "cannot open '%s'", path) : named_add(a->fds, "screen.json", fd);
}

int graphics_open(struct local *l, const struct domain *d, unsigned flags, struct fd_set_named *fds,
		  json_t **screen, struct buf *notes, struct err *e)
{
	struct err why = {0};
	*screen = NULL;
	if (!d->graphics)
		return 0;
	struct graphics a = {.l = l, .d = d, .g = d->graphics, .flags = flags, .fds = fds, .notes = notes};
	AUTO_FREE char *program = spawn_find("vmdeck-screen", "VMDECK_SCREEN", &why);
	if (!program) {
		note(&a, "warning: the guest has no screen to look at: %s", why.msg);
		return 0;
	}
	AUTO_JSON json_t *j = json_object();
	a.screen = j;
	json_set_str(j, "program", program);
	json_set_str(j, "name", d->name);
	json_set_str(j, "share", share_names[d->graphics->share]);
	json_set_str(j, "tls", tls_names[d->graphics->tls]);
	json_set_flag(j, "tls_verify", d->graphics->tls_verify);
	add_keymap(&a);
	int rc = d->graphics->socket ? bind_socket(&a, e) : bind_port(&a, e);
	if (!rc)
		rc = settle_password(&a, e);
	if (!rc && d->graphics->tls != GRAPHICS_TLS_OFF)
		rc = open_certificates(&a, e);
	if (!rc)
		rc = write_screen_json(&a, e);
	if (rc)
		return rc;
	*screen = json_incref(j);
	return 0;
}

/* --- reading it --- */

/* The guest's process can write the file: what it says is for terminals, too. */
static void copy(char *out, size_t n, const json_t *j, const char *key)
{
	str_printable(json_str(j, key, ""), out, n);
}

/* VNC's are cut at eight bytes. */
static void copy_passwd(char out[PASSWD_ROOM], const json_t *j, const char *key)
{
	char eight[9];
	snprintf(eight, sizeof(eight), "%s", json_str(j, key, ""));
	str_printable(eight, out, PASSWD_ROOM);
}

static void read_viewers(const json_t *clients, struct screen_info *out)
{
	out->nviewers = (unsigned)json_array_size(clients);
	for (size_t i = 0; i < out->nviewers && i < SCREEN_VIEWERS_MAX; i++) {
		const json_t *c = json_array_get(clients, i);
		struct screen_viewer *v = &out->viewers[i];
		copy(v->host, sizeof(v->host), c, "host");
		copy(v->service, sizeof(v->service), c, "service");
		copy(v->encoding, sizeof(v->encoding), c, "encoding");
		v->websocket = json_flag(c, "websocket", false);
		v->viewonly = json_flag(c, "viewonly", false);
		v->tls = json_flag(c, "tls", false);
		v->sent_bytes = (uint64_t)json_int(c, "sent", 0);
	}
}

int graphics_info(const struct local *l, const char *uuid, struct screen_info *out, struct err *e)
{
	AUTO_FREE char *path = registry_path(l, uuid, REG_SCREEN);
	json_t *j = NULL;
	for (int i = 0; i < 10 && !j;
	     i++) { /* the machine writes it in place: once in a long while it is half there */
		AUTO_FREE char *text = NULL;
		size_t len;
		int rc = file_read(path, SCREEN_JSON_MAX, &text, &len, e);
		if (rc)
			return rc;
		j = json_parse(text, len, e);
		if (!j)
			usleep(1000);
	}
	if (!json_is_object(j)) {
		json_decref(j);
		return err_set(e, EPROTO, "'%s' makes no sense", path);
	}
	*out = (struct screen_info){.port = (int)json_int(j, "port", 0),
				    .passwd_valid_to = json_int(j, "passwd_valid_to", 0)};
	copy(out->listen, sizeof(out->listen), j, "listen");
	copy(out->socket, sizeof(out->socket), j, "socket");
	copy_passwd(out->passwd, j, "passwd");
	copy_passwd(out->view_passwd, j, "view_passwd");
	for (unsigned i = 0; i < ARRAY_SIZE(tls_names); i++)
		if (!strcmp(json_str(j, "tls", "off"), tls_names[i]))
			out->tls = (enum graphics_tls)i;
	read_viewers(json_object_get(j, "clients"), out);
	json_decref(j);
	return 0;
}
