/* Who has a port of this host, as far as this user may know. */
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "backend/local/local.h"
#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/str.h"

/* Linux, Documentation/networking/proc_net_tcp.rst: the state of a socket that listens; of UDP, one that is
 * bound. */
#define TCP_LISTEN "0A"
#define UDP_BOUND "07"

/* The inode of the socket in @state at @port, from a file of /proc/net; 0: there is none. */
static unsigned long socket_inode(const char *path, const char *state_wanted, unsigned port)
{
	AUTO_FCLOSE FILE *f = fopen(path, "re");
	char line[512];
	while (f && fgets(line, sizeof(line), f)) {
		unsigned at;
		char state[8];
		unsigned long inode;
		if (sscanf(line, " %*d: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %7s %*s %*s %*s %*s %*s %lu", &at,
			   state, &inode) == 3 &&
		    at == port && !strcmp(state, state_wanted))
			return inode;
	}
	return 0;
}

/* Does process @pid have that socket open? */
static bool has_socket(const char *pid, unsigned long inode)
{
	char dir[64], want[40], link[64];
	snprintf(dir, sizeof(dir), "/proc/%.20s/fd", pid);
	snprintf(want, sizeof(want), "socket:[%lu]", inode);
	DIR *d = opendir(dir);
	bool found = false;
	for (struct dirent *de; d && !found && (de = readdir(d));) {
		ssize_t n = readlinkat(dirfd(d), de->d_name, link, sizeof(link) - 1);
		if (n > 0) {
			link[n] = 0;
			found = !strcmp(link, want);
		}
	}
	if (d)
		closedir(d);
	return found;
}

char *port_holder(bool udp, unsigned port)
{
	const char *state = udp ? UDP_BOUND : TCP_LISTEN;
	unsigned long inode = socket_inode(udp ? "/proc/net/udp" : "/proc/net/tcp", state, port);
	if (!inode)
		inode = socket_inode(udp ? "/proc/net/udp6" : "/proc/net/tcp6", state, port);
	DIR *d = inode ? opendir("/proc") : NULL;
	char *who = NULL;
	for (struct dirent *de; d && !who && (de = readdir(d));) {
		if (!isdigit((unsigned char)*de->d_name) || !has_socket(de->d_name, inode))
			continue;
		AUTO_FREE char *path = x_asprintf("/proc/%s/comm", de->d_name);
		AUTO_FREE char *comm = NULL;
		char show[64] = "?";
		if (!file_read(path, 64, &comm, NULL, NULL)) {
			comm[strcspn(comm, "\n")] = 0;
			str_printable(comm, show, sizeof(show));
		}
		who = x_asprintf("process %s (%s)", de->d_name, show);
	}
	if (d)
		closedir(d);
	return who ? who : x_strdup(inode ? "a process of another user" : "another program");
}
