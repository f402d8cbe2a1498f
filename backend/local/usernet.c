/* What network cards in the user-mode network need on the host, settled when the guest starts. vmdeck-net
 * makes that, which the keeper starts and which listens for the port forwards itself; that they are free is
 * looked at here before anything runs, as here it can be said who has one. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backend/local/local.h"
#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/resolv.h"
#include "src/base/spawn.h"

#define HOSTNAME_MAX 63 /* RFC 1035, 2.3.4 */

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static const char *address_text(const struct port_forward *p)
{
	return p->address ? p->address : "127.0.0.1";
}

static socklen_t address_of(const struct port_forward *p, unsigned port, union address *a)
{
	*a = (union address){0};
	if (inet_pton(AF_INET, address_text(p), &a->v4.sin_addr) == 1) {
		a->v4.sin_family = AF_INET;
		a->v4.sin_port = htons((uint16_t)port);
		return sizeof(a->v4);
	}
	inet_pton(AF_INET6, address_text(p), &a->v6.sin6_addr);
	a->v6.sin6_family = AF_INET6;
	a->v6.sin6_port = htons((uint16_t)port);
	return sizeof(a->v6);
}

/* Take the port and let go of it. 0 or -errno. */
static int try_port(const struct port_forward *p, unsigned port)
{
	union address a;
	int on = 1;
	socklen_t len = address_of(p, port, &a);
	AUTO_CLOSE int fd = socket(a.any.sa_family, (p->udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (a.any.sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (!p->udp) /* what the last guest's connections left in TIME_WAIT is no obstacle */
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, &a.any, len) < 0 || (!p->udp && listen(fd, 1) < 0))
		return -errno;
	return 0;
}

static bool leads_to(const struct domain *d, bool udp, unsigned port)
{
	for (size_t i = 0; i < d->ninterfaces; i++)
		for (size_t k = 0; k < d->interfaces[i].nforwards; k++) {
			const struct port_forward *p = &d->interfaces[i].forwards[k];
			if (p->udp == udp && p->start <= port && port <= p->end)
				return true;
		}
	return false;
}

/* The running domain that has it, else the process; the caller's to free. */
static char *holder(struct local *l, const char *self, bool udp, unsigned port)
{
	for (size_t i = 0; i < l->nguests; i++) {
		const struct guest *g = l->guests[i];
		struct domain *d = NULL;
		if (!strcmp(g->uuid, self) || !g->live_xml ||
		    domain_parse(g->live_xml, strlen(g->live_xml), "live.xml", &d, NULL))
			continue;
		bool has = leads_to(d, udp, port) || (!udp && g->live.vnc_port == (int)port);
		domain_free(d);
		if (has)
			return x_asprintf("domain '%s'", g->name);
	}
	return port_holder(udp, port);
}

static int refuse(struct local *l, const struct domain *d, const struct port_forward *p, unsigned port,
		  int code, struct err *e)
{
	const char *proto = p->udp ? "UDP" : "TCP", *address = address_text(p);
	if (code == EADDRINUSE) {
		AUTO_FREE char *who = holder(l, d->uuid, p->udp, port);
		return err_set(
		    e, code,
		    "%s port %u of '%s', which is to lead to port %u of the guest, is taken by %s: change "
		    "<portForward>",
		    proto, port, address, p->to + (port - p->start), who);
	}
	if (code == EACCES)
		return err_set(e, code, "%s port %u of '%s' is for root only: forward one from 1024 on",
			       proto, port, address);
	if (code == EADDRNOTAVAIL)
		return err_set(e, code, "<portForward> address '%s' is none of this host's: see ip address",
			       address);
	return err_sys(e, code, "cannot listen at %s port %u of '%s'", proto, port, address);
}

static int check_forwards(struct local *l, const struct domain *d, const struct domain_interface *f,
			  struct err *e)
{
	for (size_t i = 0; i < f->nforwards; i++) {
		const struct port_forward *p = &f->forwards[i];
		for (unsigned port = p->start; port <= p->end; port++) {
			int rc = try_port(p, port);
			if (rc)
				return refuse(l, d, p, port, -rc, e);
		}
	}
	return 0;
}

/* A domain's name as a host's, as far as it can be one (RFC 1123, 2.1); the caller's to free, or NULL. */
static char *hostname_of(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	size_t n = 0;
	AUTO_FREE char *out = x_calloc(1, HOSTNAME_MAX + 1);
	for (const char *p = name; *p && n < HOSTNAME_MAX; p++)
		if (strchr(letters, *p) || (n && strchr("-._ ", *p) && out[n - 1] != '-'))
			out[n++] = strchr(letters, *p) ? *p : '-';
	while (n && out[n - 1] == '-')
		out[--n] = 0;
	return n ? TAKE_PTR(out) : NULL;
}

static json_t *user_card(const struct domain *d, const struct domain_interface *f)
{
	AUTO_FREE char *hostname = hostname_of(d->name);
	json_t *card = json_object(), *list = json_array();
	json_set_str(card, "kind", "user");
	json_set_str(card, "hostname", hostname);
	json_set_flag(card, "host_loopback", d->host_loopback);
	json_set_flag(card, "link_local", d->link_local);
	if (f->mtu)
		json_set_int(card, "mtu", f->mtu);
	for (size_t i = 0; i < f->nforwards; i++) {
		const struct port_forward *p = &f->forwards[i];
		json_t *j = json_object();
		json_set_flag(j, "udp", p->udp);
		json_set_str(j, "address", address_text(p));
		json_set_int(j, "start", p->start);
		json_set_int(j, "end", p->end);
		json_set_int(j, "to", p->to);
		json_array_append_new(list, j);
	}
	json_set_take(card, "forwards", list);
	return card;
}

/* Will 10.0.2.3 have an answer? What changes later, vmdeck-net sees. */
static void check_resolver(struct buf *notes)
{
	AUTO_FREE char *text = NULL;
	struct resolv r;
	int why = 0;
	bool there = !file_read(RESOLV_PATH, RESOLV_TEXT_MAX, &text, NULL, NULL);
	resolv_parse(there ? text : "", &r);
	if (!notes || resolv_reachable(&r, &why))
		return;
	AUTO_FREE char *servers = resolv_text(&r);
	buf_printf(notes,
		   "warning: the guest's name server 10.0.2.3 has nobody to ask: '%s' %s %s: %s\n",
		   RESOLV_PATH, there ? "names" : "is not there, so that it is", servers, strerror(why));
}

int usernet_open(struct local *l, const struct domain *d, json_t *go, struct buf *notes, struct err *e)
{
	AUTO_JSON json_t *list = json_array();
	AUTO_FREE char *program = NULL;
	int rc = 0;
	for (size_t i = 0; i < d->ninterfaces && !rc; i++) {
		const struct domain_interface *f = &d->interfaces[i];
		if (f->type == INTERFACE_BRIDGE) {
			json_t *card = json_object();
			json_set_str(card, "kind", "tap");
			json_array_append_new(list, card);
			continue;
		}
		if (!program)
			program = spawn_find("vmdeck-net", "VMDECK_NET", e);
		rc = program ? check_forwards(l, d, f, e) : -ENOENT;
		json_array_append_new(list, user_card(d, f));
	}
	if (rc || !program)
		return rc;
	check_resolver(notes);
	json_set_str(go, "net_program", program);
	json_object_set(go, "interfaces", list);
	return 0;
}
