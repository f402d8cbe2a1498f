#include "src/cmd/net_text.h"

#include <stdio.h>
#include <string.h>

#include "src/base/cleanup.h"

#define SSH_PORT 22

static void ports(struct buf *b, unsigned first, unsigned n)
{
	buf_printf(b, "%u", first);
	if (n > 1)
		buf_printf(b, "-%u", first + n - 1);
}

char *net_forward_text(const struct port_forward *p)
{
	const char *address = p->address ? p->address : "127.0.0.1";
	unsigned n = p->end - p->start + 1;
	struct buf b = {0};
	buf_printf(&b, strchr(address, ':') ? "[%s]:" : "%s:", address);
	ports(&b, p->start, n);
	buf_printf(&b, "%s to port%s ", p->udp ? "/udp" : "", n > 1 ? "s" : "");
	ports(&b, p->to, n);
	return buf_take(&b);
}

static const struct port_forward *ssh_forward(const struct domain *d)
{
	for (size_t i = 0; i < d->ninterfaces; i++)
		for (size_t k = 0; k < d->interfaces[i].nforwards; k++) {
			const struct port_forward *p = &d->interfaces[i].forwards[k];
			if (!p->udp && p->to <= SSH_PORT && SSH_PORT <= p->to + (p->end - p->start))
				return p;
		}
	return NULL;
}

char *net_ssh_text(const struct domain *d)
{
	const struct port_forward *p = ssh_forward(d);
	const char *address = p && p->address ? p->address : "127.0.0.1";
	/* Everywhere is here, too. */
	const char *here = str_eq(address, "0.0.0.0") ? "127.0.0.1" : str_eq(address, "::") ? "::1" : address;
	return p ? x_asprintf("ssh -p %u root@%s", p->start + (SSH_PORT - p->to), here) : NULL;
}

void net_tell(const struct domain *d, struct buf *out)
{
	for (size_t i = 0; i < d->ninterfaces; i++)
		for (size_t k = 0; k < d->interfaces[i].nforwards; k++) {
			AUTO_FREE char *text = net_forward_text(&d->interfaces[i].forwards[k]);
			buf_printf(out, "Forwarded: %s of the guest\n", text);
		}
	AUTO_FREE char *ssh = net_ssh_text(d);
	if (ssh)
		buf_printf(out, "Into the guest: %s\n", ssh);
}
