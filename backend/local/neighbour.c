/* What there is beside this host: who has which address (proc(5), /proc/net/arp: IP address, HW type, flags,
 * HW address, mask, device), and the bridges that guests can be put into (rtnetlink(7)). */
#include <errno.h>
#include <netlink/route/link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "backend/local/local.h"
#include "src/base/cleanup.h"

#define ATF_COM 2 /* the entry is complete */

int local_host_neighbour(struct backend *b, const uint8_t mac[6], char address[56], struct err *e)
{
	AUTO_FCLOSE FILE *f = fopen("/proc/net/arp", "re");
	char line[256], ip[56], hw[64], want[DOMAIN_MAC_TEXT];
	unsigned flags;
	domain_mac_text(mac, want);
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%55s %*x %x %63s", ip, &flags, hw) == 3 && flags & ATF_COM &&
		    !strcasecmp(hw, want)) {
			snprintf(address, 56, "%s", ip);
			return 0;
		}
	return err_set(e, ENOENT, "this host has not heard of %s", want);
}

struct bridges {
	char **names;
	size_t n;
};

static void add_bridge(struct nl_object *o, void *ctx)
{
	struct bridges *b = ctx;
	struct rtnl_link *link = (struct rtnl_link *)o;
	const char *kind = rtnl_link_get_type(link), *name = rtnl_link_get_name(link);
	if (!kind || strcmp(kind, "bridge") != 0 || !name)
		return;
	b->names = x_realloc(b->names, (b->n + 1) * sizeof(*b->names));
	b->names[b->n++] = x_strdup(name);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Of this process's network namespace, which need not be the one that /sys shows. */
int local_host_bridges(struct backend *b, char **names, struct err *e)
{
	struct bridges found = {0};
	struct buf text = {0};
	struct nl_cache *links = NULL;
	struct nl_sock *sock = nl_socket_alloc();
	int rc = sock ? nl_connect(sock, NETLINK_ROUTE) : -NLE_NOMEM;
	if (!rc)
		rc = rtnl_link_alloc_cache(sock, AF_UNSPEC, &links);
	if (!rc) {
		nl_cache_foreach(links, add_bridge, &found);
		nl_cache_free(links);
	}
	nl_socket_free(sock);
	if (rc)
		return err_set(e, EIO, "asking for the host's bridges: %s", nl_geterror(rc));
	if (found.n)
		qsort(found.names, found.n, sizeof(*found.names), by_name);
	for (size_t i = 0; i < found.n; i++) {
		buf_printf(&text, "%s\n", found.names[i]);
		free(found.names[i]);
	}
	free(found.names);
	*names = buf_take(&text);
	return 0;
}
