/* <graphics>, and of <metadata> our <screen>: who sees the guest's screen from outside, by VNC. (libvirt,
 * "Domain XML format", "Graphical framebuffers") */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <time.h>

#include "src/base/cleanup.h"
#include "src/base/str.h"
#include "src/model/domain_xml.h"
#include "src/model/keymap.h"

#define PORT_MIN 5900
#define PORT_MAX 65535
#define PASSWD_MAX 8 /* RFC 6143, 7.2.2: a DES key */

static const char share_names[] = "allow-exclusive|force-shared|ignore"; /* enum graphics_share */
static const char tls_names[] = "off|allowed|required";                  /* enum graphics_tls */

static int parse_port(struct domain *d, struct domain_graphics *g, struct xml_node *n, bool vnc,
		      struct err *e)
{
	const char *text = xml_attr(n, "port");
	unsigned yes = 0, port = 0;
	g->port = -1;
	int rc = xml_get_choice(n, "autoport", "no|yes", &yes, e);
	if (rc || !text || str_eq(text, "-1"))
		return rc;
	rc = xml_get_unsigned(n, "port", 0, PORT_MAX, &port, e);
	if (rc || yes || !port)
		return rc;
	if (port >= PORT_MIN)
		g->port = (int)port;
	else if (vnc)
		return xml_bad(n, "port", e, "'%u' is not allowed: %d to %d, or -1 for the lowest free one",
			       port, PORT_MIN, PORT_MAX);
	else
		domain_note(
		    d, n, false,
		    "devices/graphics: port %u is not one of VNC, from %d on: the lowest free one is taken",
		    port, PORT_MIN);
	return 0;
}

/* An address to listen on. Names are not looked up: what they mean may change. */
static void take_address(struct domain *d, struct domain_graphics *g, const struct xml_node *n,
			 const char *text)
{
	unsigned char addr[16];
	char show[128];
	bool ok = inet_pton(AF_INET, text, addr) == 1 || inet_pton(AF_INET6, text, addr) == 1;
	if (!*text || str_eq(text, "localhost"))
		return;
	if (ok)
		g->listen = x_strdup(text);
	else
		domain_note(d, n, true,
			    "devices/graphics: '%s' is not an address to listen on: write an IPv4 or IPv6 "
			    "address, such as "
			    "127.0.0.1, 0.0.0.0 or ::1",
			    str_printable(text, show, sizeof(show)));
}

static int take_socket(struct domain *d, struct domain_graphics *g, const struct xml_node *n,
		       const char *attr, struct err *e)
{
	const size_t most = sizeof(((struct sockaddr_un *)0)->sun_path) - 1;
	int rc = xml_get_path(n, attr, &g->socket, e);
	if (rc)
		return rc;
	if (!g->socket)
		domain_note(d, n, true,
			    "devices/graphics: the listening socket has no path: write socket='/some/path', "
			    "or listen on "
			    "an address");
	else if (strlen(g->socket) > most)
		return xml_bad(n, attr, e, "a path of %zu bytes is not allowed for a socket: at most %zu",
			       strlen(g->socket), most);
	return 0;
}

/* Where it listens. *none: nowhere. */
static int parse_listen(struct domain *d, struct domain_graphics *g, struct xml_node *n, bool *none,
			struct err *e)
{
	enum { ADDRESS, SOCKET, NETWORK, NONE };
	struct xml_node *l = xml_first(n, "listen");
	const char *attr = xml_attr(n, "listen"), *address = l ? xml_attr(l, "address") : NULL;
	unsigned type = ADDRESS;
	char show[128], show2[128];
	if (xml_attr(n, "socket"))
		return take_socket(d, g, n, "socket", e);
	if (l && !xml_attr(l, "type"))
		return xml_bad(l, "type", e, "missing: one of address, socket, network, none");
	int rc = l ? xml_get_choice(l, "type", "address|socket|network|none", &type, e) : 0;
	if (rc)
		return rc;
	if (l && xml_next(l, "listen"))
		domain_note(d, xml_next(l, "listen"), false,
			    "devices/graphics/listen: more than one is not there: only the first listens");
	if (type == ADDRESS && attr && *attr && address && !str_eq(attr, address))
		return xml_bad(l, "address", e,
			       "'%s' is not allowed beside listen='%s' of <graphics>: leave one of them",
			       str_printable(address, show, sizeof(show)),
			       str_printable(attr, show2, sizeof(show2)));
	if (type == SOCKET)
		return take_socket(d, g, l, "socket", e);
	*none = type == NONE;
	if (type == NETWORK && !address && !(attr && *attr))
		domain_note(d, l, false,
			    "devices/graphics/listen: networks are not supported yet: the screen listens on "
			    "127.0.0.1");
	else if (type != NONE)
		take_address(d, g, l ? l : n, address ? address : attr ? attr : "");
	return 0;
}

/* Whether there is such a layout is known on the host that starts it. */
static int parse_keymap(struct domain_graphics *g, const struct xml_node *n, struct err *e)
{
	const char *keymap = xml_attr(n, "keymap");
	char show[128];
	if (!keymap || !*keymap)
		return 0;
	if (!keymap_name_ok(keymap))
		return xml_bad(n, "keymap", e, "'%s' is no name of a keyboard layout: us, de, fr, de-ch, ...",
			       str_printable(keymap, show, sizeof(show)));
	g->keymap = x_strdup(keymap);
	return 0;
}

static int parse_passwd(struct domain *d, struct domain_graphics *g, struct xml_node *n, bool vnc,
			struct err *e)
{
	const char *passwd = xml_attr(n, "passwd"), *until = xml_attr(n, "passwdValidTo");
	char show[128];
	if (passwd && !*passwd)
		domain_note(d, n, false, "devices/graphics: passwd is empty: one is made up at each start");
	if (passwd && *passwd)
		g->passwd = x_strdup(passwd);
	if (g->passwd && strlen(passwd) > PASSWD_MAX) {
		if (vnc)
			return xml_bad(n, "passwd", e, "%zu bytes are too long: VNC takes at most %d",
				       strlen(passwd), PASSWD_MAX);
		domain_note(d, n, false, "devices/graphics: of passwd VNC knows the first %d bytes only",
			    PASSWD_MAX);
		g->passwd[PASSWD_MAX] = 0;
	}
	if (!until)
		return 0;
	struct tm tm = {0};
	const char *end = strptime(until, "%Y-%m-%dT%H:%M:%S", &tm);
	if (!end || *end)
		return xml_bad(n, "passwdValidTo", e,
			       "'%s' is not allowed: a time in UTC such as 2030-12-31T23:59:59",
			       str_printable(until, show, sizeof(show)));
	g->passwd_valid_to = timegm(&tm);
	if (g->passwd_valid_to < 1)
		g->passwd_valid_to = 1; /* 0 is for ever */
	return 0;
}

static int parse_metadata(struct domain *d, struct domain_graphics *g, struct err *e)
{
	static const char *const known[] = {"viewPasswd", "tls", "certificates", "verify"};
	struct xml_node *n = domain_metadata(d, "screen");
	const char *name, *passwd = n ? xml_attr(n, "viewPasswd") : NULL;
	unsigned tls = GRAPHICS_TLS_OFF, verify = 0;
	char show[128];
	if (!n)
		return 0;
	for (unsigned i = 0; (name = xml_attr_name(n, i)); i++) {
		bool found = false;
		for (size_t k = 0; k < ARRAY_SIZE(known); k++)
			found = found || str_eq(name, known[k]);
		if (!found)
			return xml_bad(n, str_printable(name, show, sizeof(show)), e,
				       "not known: viewPasswd, tls, certificates and verify are");
	}
	if (passwd && strlen(passwd) > PASSWD_MAX)
		return xml_bad(n, "viewPasswd", e, "%zu bytes are too long: VNC takes at most %d",
			       strlen(passwd), PASSWD_MAX);
	if (passwd && *passwd)
		g->view_passwd = x_strdup(passwd);
	if (g->view_passwd && str_eq(g->view_passwd, g->passwd))
		return xml_bad(n, "viewPasswd", e,
			       "the same as passwd: who gives it could not be told apart");
	int rc = xml_get_choice(n, "tls", tls_names, &tls, e);
	g->tls = (enum graphics_tls)tls;
	if (!rc)
		rc = xml_get_choice(n, "verify", "no|yes", &verify, e);
	g->tls_verify = verify;
	if (!rc && verify && g->tls != GRAPHICS_TLS_REQUIRED)
		return xml_bad(n, "verify", e,
			       "'yes' needs tls='required': without TLS no viewer can show a certificate");
	return rc ? rc : xml_get_path(n, "certificates", &g->tls_dir, e);
}

static int read_graphics(struct domain *d, struct xml_node *n, bool vnc, struct err *e)
{
	struct domain_graphics *g = d->graphics = x_calloc(1, sizeof(*g));
	unsigned share = GRAPHICS_ALLOW_EXCLUSIVE;
	bool none = false;
	int rc = parse_port(d, g, n, vnc, e);
	if (!rc)
		rc = parse_listen(d, g, n, &none, e);
	if (!rc)
		rc = parse_passwd(d, g, n, vnc, e);
	if (!rc)
		rc = parse_keymap(g, n, e);
	if (!rc)
		rc = xml_get_choice(n, "sharePolicy", share_names, &share, e);
	g->share = (enum graphics_share)share;
	if (!rc)
		rc = parse_metadata(d, g, e);
	if (!rc && str_eq(xml_attr(n, "defaultMode"), "secure"))
		domain_note(
		    d, n, false,
		    "devices/graphics: defaultMode 'secure' is of SPICE: for VNC with TLS only, write "
		    "<vmdeck:screen tls='required'> into <metadata>");
	if (!rc && none) {
		domain_note(d, n, false,
			    "devices/graphics: listen type 'none': the screen is not seen from outside");
		domain_free_graphics(d);
	}
	return rc;
}

/* The one that is listened for: VNC before SPICE. The others are named. */
int domain_parse_graphics(struct domain *d, struct xml_node *devices, struct err *e)
{
	enum { VNC, SPICE };
	struct xml_node *found[2] = {NULL, NULL};
	for (struct xml_node *n = xml_first(devices, "graphics"); n; n = xml_next(n, "graphics")) {
		unsigned type = 0;
		if (!xml_attr(n, "type"))
			return xml_bad(n, "type", e, "missing: write type='vnc'");
		int rc = xml_get_choice(n, "type", "vnc|spice|sdl|rdp|desktop|egl-headless|dbus", &type, e);
		if (rc)
			return rc;
		if (type > SPICE)
			domain_note(d, n, false, "devices/graphics: type '%s' is not there: left out",
				    xml_attr(n, "type"));
		else if (found[type])
			return xml_bad(n, "type", e, "'%s' stands in line %u already: leave one",
				       xml_attr(n, "type"), xml_line(found[type]));
		else
			found[type] = n;
	}
	if (found[SPICE])
		domain_note(d, found[SPICE], false, "devices/graphics: SPICE is not there: %s",
			    found[VNC] ? "left out, the screen is seen by VNC"
				       : "the screen is seen by VNC instead");
	if (found[VNC])
		return read_graphics(d, found[VNC], true, e);
	return found[SPICE] ? read_graphics(d, found[SPICE], false, e) : 0;
}

void domain_free_graphics(struct domain *d)
{
	struct domain_graphics *g = d->graphics;
	if (!g)
		return;
	free(g->listen);
	free(g->socket);
	free(g->keymap);
	free(g->passwd);
	free(g->view_passwd);
	free(g->tls_dir);
	free(g);
	d->graphics = NULL;
}
