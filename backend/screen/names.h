/* What this host is called, for who asks whether a page may connect. */
#ifndef BACKEND_SCREEN_NAMES_H
#define BACKEND_SCREEN_NAMES_H

#include <stdbool.h>
#include <stddef.h>

/* Read the host's name, and its others in /etc/hosts. Before the sandbox; without it the host has none. */
void names_load(void);
/* The same from text: of /etc/hosts and the name. */
void names_set(const char *name, const char *hosts);

/* Is @host (@n bytes; no port, IPv6 in brackets) what no stranger's name server can have made: an address,
 * localhost, or a name of this host? */
bool names_ours(const char *host, size_t n);

#endif
