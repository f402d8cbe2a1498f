/* Who has which address beside this host. (proc(5), /proc/net/arp: IP address, HW type, flags, HW address,
 * mask, device) */
#include <errno.h>
#include <stdio.h>
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
