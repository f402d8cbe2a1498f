/* Of an installation's XML: network cards, consoles, screen and input. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "src/base/cleanup.h"
#include "src/cmd/install_maker.h"

/* Call @fn for each @option with its value taken apart. */
static int each(struct maker *m, const char *option,
		int (*fn)(struct maker *, const struct install_value *, struct err *), struct err *e)
{
	int rc = 0;
	for (size_t i = 0; i < m->r->n && !rc; i++) {
		AUTO_VALUE struct install_value v = {0};
		if (!str_eq(m->r->words[i].option, option))
			continue;
		rc = install_split(install_option(option), m->r->words[i].value, &v, e);
		if (!rc)
			rc = fn(m, &v, e);
	}
	return rc;
}

/* Is the first word of the only @option "none"? */
static bool is_none(const struct maker *m, const char *option)
{
	const char *s = install_get(m->r, option);
	return s && str_eq(s, "none");
}

/* --- network --- */

static void put_mac(struct maker *m, const char *mac)
{
	unsigned char b[3] = {0};
	if (mac && strcasecmp(mac, "RANDOM")) {
		put(m, IN_BOTH, "      <mac");
		put_attr(m, IN_BOTH, "address", mac);
		put(m, IN_BOTH, "/>\n");
		return;
	}
	if (getrandom(b, sizeof(b), 0) != sizeof(b))
		return; /* define makes one up */
	put(m, IN_BOTH, "      <mac address='52:54:00:%02x:%02x:%02x'/>\n", b[0], b[1], b[2]);
}

static void put_forwards(struct maker *m, const struct install_value *v)
{
	for (size_t i = 0; i < v->n; i++) {
		struct install_forward f;
		if (!str_eq(v->pairs[i].sub->name, "portForward") ||
		    install_forward(v->pairs[i].value, &f, NULL))
			continue;
		put(m, IN_BOTH, "      <portForward proto='%s'", f.udp ? "udp" : "tcp");
		put_attr(m, IN_BOTH, "address", *f.address ? f.address : NULL);
		put(m, IN_BOTH, ">\n        <range start='%u'", f.start);
		if (f.end != f.start)
			put(m, IN_BOTH, " end='%u'", f.end);
		if (f.to != f.start)
			put(m, IN_BOTH, " to='%u'", f.to);
		put(m, IN_BOTH, "/>\n      </portForward>\n");
	}
}

/* "bridge:br0" and "network:default" of old. */
static bool old_form(const char *type, const char *prefix, const char **name)
{
	if (!type || !str_starts(type, prefix))
		return false;
	*name = type + strlen(prefix);
	return true;
}

static int put_interface(struct maker *m, const struct install_value *v, struct err *e)
{
	const char *type = value_get(v, "type"), *network = value_get(v, "network"),
		   *bridge = value_get(v, "bridge");
	const char *source = value_get(v, "source"), *order = value_get(v, "boot.order");
	if (str_eq(type, "none"))
		return 0;
	if (old_form(type, "bridge:", &bridge) || old_form(type, "network:", &network))
		type = NULL;
	if (str_eq(type, "bridge"))
		bridge = bridge ? bridge : source;
	else if (str_eq(type, "network"))
		network = network ? network : source;
	else if (str_eq(type, "direct") || str_eq(type, "hostdev") || str_eq(type, "ethernet") ||
		 str_eq(type, "vhostuser"))
		return err_set(e, EOPNOTSUPP,
			       "--network %s is not there yet: user, network=default or bridge=NAME", type);
	else if (type && !str_eq(type, "user") && !str_eq(type, "passt") && !network && !bridge)
		network = type; /* a network's name alone */
	bool user = !network && !bridge;
	if ((type && str_eq(type, "bridge") && !bridge) || (bridge && !*bridge))
		return err_set(e, EINVAL, "--network bridge wants the name of a bridge: bridge=br0");
	if (type && str_eq(type, "network") && !network)
		return err_set(e, EINVAL, "--network network wants the name of a network: network=default");
	if (!user && value_get(v, "portForward"))
		return err_set(
		    e, EINVAL,
		    "--network portForward= is of user networking: --network user,portForward=...");
	put(m, IN_BOTH, "    <interface type='%s'>\n", user ? "user" : bridge ? "bridge" : "network");
	if (!user) {
		put(m, IN_BOTH, "      <source");
		put_attr(m, IN_BOTH, bridge ? "bridge" : "network", bridge ? bridge : network);
		put(m, IN_BOTH, "/>\n");
	}
	put_mac(m, value_get(v, "mac"));
	const char *rows[][3] = {{"model", "type", value_get(v, "model")},
				 {"target", "dev", value_get(v, "target.dev")},
				 {"link", "state", value_get(v, "link.state")},
				 {"mtu", "size", value_get(v, "mtu.size")},
				 {"driver", "queues", value_get(v, "driver.queues")}};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *value = rows[i][2] ? rows[i][2] : i == 0 ? "virtio" : NULL;
		if (!value)
			continue;
		put(m, IN_BOTH, "      <%s", rows[i][0]);
		put_attr(m, IN_BOTH, rows[i][1], value);
		put(m, IN_BOTH, "/>\n");
	}
	if (order) {
		m->orders = true;
		put(m, m->p->installs ? IN_DEFINE : IN_BOTH, "      <boot order='%s'/>\n", order);
	}
	put_forwards(m, v);
	put(m, IN_BOTH, "    </interface>\n");
	return 0;
}

static int make_network(struct maker *m, struct err *e)
{
	AUTO_VALUE struct install_value v = {0};
	if (maker_flag(m, "nonetworks") || is_none(m, "network"))
		return 0;
	return install_get(m->r, "network") ? each(m, "network", put_interface, e) : put_interface(m, &v, e);
}

/* --- serial --- */

static int put_serial(struct maker *m, const struct install_value *v, struct err *e)
{
	const char *type = value_get(v, "type"), *log = value_get(v, "log.file"),
		   *port = value_get(v, "target.port");
	if (str_eq(type, "none"))
		return 0;
	if (type && !str_eq(type, "pty") && !(str_eq(type, "file") && value_get(v, "path")))
		maker_note(m,
			   "serial ports are consoles of vmdeck, whatever else they are to be: type %s has "
			   "no effect",
			   type);
	if (str_eq(type, "file") && !log)
		log = value_get(v, "path");
	put(m, IN_BOTH, "    <serial type='pty'%s>\n", log || port ? "" : "/");
	if (log) {
		put(m, IN_BOTH, "      <log");
		put_attr(m, IN_BOTH, "file", log);
		put(m, IN_BOTH, " append='%s'/>\n", value_on(v, "log.append", false) ? "on" : "off");
	}
	if (port)
		put(m, IN_BOTH, "      <target port='%s'/>\n", port);
	if (log || port)
		put(m, IN_BOTH, "    </serial>\n");
	m->p->console = true;
	return 0;
}

/* A console is the first serial port: one more only when there is none. */
static int put_console(struct maker *m, const struct install_value *v, struct err *e)
{
	return m->p->console ? 0 : put_serial(m, v, e);
}

static int make_serial(struct maker *m, struct err *e)
{
	AUTO_VALUE struct install_value v = {0};
	int rc = each(m, "serial", put_serial, e);
	if (!rc)
		rc = each(m, "console", put_console, e);
	if (!rc && !install_get(m->r, "serial") && !install_get(m->r, "console"))
		rc = put_serial(m, &v, e);
	return rc;
}

/* --- screen --- */

static int put_graphics(struct maker *m, const struct install_value *v, struct err *e)
{
	static const char *const rows[][2] = {{"password", "passwd"}, {"passwordvalidto", "passwdValidTo"},
					      {"sharePolicy", "sharePolicy"}};
	const char *type = value_get(v, "type"), *listen = value_get(v, "listen"),
		   *port = value_get(v, "port");
	const char *socket = value_get(v, "socket"), *old = install_get(m->r, "vnclisten");
	uint64_t n = 0;
	if (str_eq(type, "none"))
		return 0;
	if (m->p->screen)
		return err_set(e, EINVAL, "--graphics: there is one screen, by VNC");
	if (str_eq(type, "spice"))
		maker_note(m, "--graphics spice: the screen is shown by VNC");
	else if (type && !str_eq(type, "vnc"))
		return err_set(e, EOPNOTSUPP,
			       "--graphics %s: the screen is shown by VNC: --graphics vnc, or none", type);
	AUTO_FREE char *keymap = NULL;
	const char *layout = value_get(v, "keymap");
	int rc = install_keymap(m, layout ? layout : install_get(m->r, "keymap"), &keymap, e);
	if (rc)
		return rc;
	port = port ? port : install_get(m->r, "vncport");
	if (port && !str_eq(port, "-1") && (!str_u64(port, &n) || n < 5900 || n > 65535))
		return err_set(
		    e, EINVAL,
		    "--graphics port='%s' is not allowed: 5900 to 65535, or -1 for the lowest free one",
		    port);
	put(m, IN_BOTH, "    <graphics type='vnc'");
	if (socket)
		put_attr(m, IN_BOTH, "socket", socket);
	else if (n)
		put(m, IN_BOTH, " port='%u'", (unsigned)n);
	else
		put(m, IN_BOTH, " port='-1' autoport='yes'");
	listen = listen ? listen : old;
	if (!socket && listen && !str_eq(listen, "none") && !str_eq(listen, "localhost"))
		put_attr(m, IN_BOTH, "listen", listen);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		put_attr(m, IN_BOTH, rows[i][1], value_get(v, rows[i][0]));
	put_attr(m, IN_BOTH, "keymap", keymap);
	put(m, IN_BOTH,
	    str_eq(listen, "none") ? ">\n      <listen type='none'/>\n    </graphics>\n" : "/>\n");
	m->p->screen = true;
	return 0;
}

static int put_video(struct maker *m, const struct install_value *v, struct err *e)
{
	const char *model = value_get(v, "model"), *x = value_get(v, "resolution.x"),
		   *y = value_get(v, "resolution.y");
	if (!x != !y)
		return err_set(e, EINVAL, "--video: resolution.x and resolution.y stand together");
	put(m, IN_BOTH, "    <video>\n      <model");
	put_attr(m, IN_BOTH, "type", model ? model : "vga");
	put_attr(m, IN_BOTH, "vram", value_get(v, "vram"));
	put_attr(m, IN_BOTH, "vgamem", value_get(v, "vgamem"));
	put_attr(m, IN_BOTH, "heads", value_get(v, "heads"));
	if (x)
		put(m, IN_BOTH, ">\n        <resolution x='%s' y='%s'/>\n      </model>\n    </video>\n", x,
		    y);
	else
		put(m, IN_BOTH, "/>\n    </video>\n");
	return 0;
}

static int put_input(struct maker *m, const struct install_value *v, struct err *e)
{
	const char *type = value_get(v, "type"), *bus = value_get(v, "bus");
	if (!type || str_eq(type, "none"))
		return 0;
	put(m, IN_BOTH, "    <input type='%s'", type);
	put_attr(m, IN_BOTH, "bus", bus ? bus : str_eq(type, "tablet") ? "virtio" : NULL);
	put(m, IN_BOTH, "/>\n");
	return 0;
}

static int make_screen(struct maker *m, struct err *e)
{
	AUTO_VALUE struct install_value v = {0};
	bool none = maker_flag(m, "nographics") || is_none(m, "graphics");
	int rc = none                            ? 0
		 : install_get(m->r, "graphics") ? each(m, "graphics", put_graphics, e)
						 : put_graphics(m, &v, e);
	if (!rc)
		rc = each(m, "input", put_input, e);
	if (!rc && install_get(m->r, "video"))
		return each(m, "video", put_video, e);
	return rc || !m->p->screen ? rc : put_video(m, &v, e);
}

static int put_rng(struct maker *m, const struct install_value *v, struct err *e)
{
	const char *device = value_get(v, "device"), *bytes = value_get(v, "rate.bytes");
	bool builtin = str_eq(device, "builtin") || str_eq(value_get(v, "type"), "builtin");
	if (str_eq(device, "none"))
		return 0;
	if (str_eq(device, "random"))
		device = NULL;
	put(m, IN_BOTH, "    <rng model='virtio'>\n");
	if (bytes) {
		put(m, IN_BOTH, "      <rate bytes='%s'", bytes);
		put_attr(m, IN_BOTH, "period", value_get(v, "rate.period"));
		put(m, IN_BOTH, "/>\n");
	}
	if (builtin)
		put(m, IN_BOTH, "      <backend model='builtin'/>\n");
	else {
		put(m, IN_BOTH, "      <backend model='random'>");
		put_escaped(m, IN_BOTH, device ? device : "/dev/urandom");
		put(m, IN_BOTH, "</backend>\n");
	}
	put(m, IN_BOTH, "    </rng>\n");
	return 0;
}

int make_devices(struct maker *m, struct err *e)
{
	AUTO_VALUE struct install_value v = {0};
	int rc = make_network(m, e);
	if (!rc)
		rc = make_serial(m, e);
	if (!rc)
		rc = make_screen(m, e);
	if (!rc)
		rc = install_get(m->r, "rng") ? each(m, "rng", put_rng, e) : put_rng(m, &v, e);
	return rc;
}
