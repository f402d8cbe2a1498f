#include "src/cmd/screen_text.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "src/base/cleanup.h"
#include "src/base/file.h"

#define PORT_BASE 5900
#define ANCESTORS 8
#define ENVIRON_MAX (1u << 20)

/* Where a program of this host connects to: everywhere is 127.0.0.1, too. */
static const char *reach(const struct screen_info *s)
{
	return str_eq(s->listen, "0.0.0.0") ? "127.0.0.1" : str_eq(s->listen, "::") ? "::1" : s->listen;
}

static char *with_port(const char *host, int port)
{
	return x_asprintf(strchr(host, ':') ? "[%s]:%d" : "%s:%d", host, port);
}

char *screen_where(const struct screen_info *s)
{
	return *s->socket ? x_strdup(s->socket) : with_port(s->listen, s->port);
}

char *screen_display(const struct screen_info *s)
{
	if (*s->socket)
		return x_strdup(s->socket);
	bool all = str_eq(s->listen, "0.0.0.0") || str_eq(s->listen, "::");
	return all ? x_asprintf(":%d", s->port - PORT_BASE) : with_port(s->listen, s->port - PORT_BASE);
}

/* --- over ssh --- */

/* A variable of the process @pid's environment; the caller's to free. *parent: its parent. */
static char *variable_of(int pid, const char *name, int *parent)
{
	AUTO_FREE char *path = x_asprintf("/proc/%d/environ", pid), *stat = x_asprintf("/proc/%d/stat", pid);
	AUTO_FREE char *env = NULL, *text = NULL;
	size_t len = 0, n = strlen(name);
	*parent = 0;
	if (!file_read(stat, 4096, &text, NULL, NULL)) {
		const char *p = strrchr(text, ')');
		if (p && sscanf(p, ") %*c %d", parent) != 1)
			*parent = 0;
	}
	if (file_read(path, ENVIRON_MAX, &env, &len, NULL))
		return NULL;
	for (const char *p = env; p < env + len; p += strlen(p) + 1)
		if (!strncmp(p, name, n) && p[n] == '=')
			return x_strdup(p + n + 1);
	return NULL;
}

/* SSH_CONNECTION, of ours or, as sudo takes it away, of who called us. */
static char *ssh_connection(void)
{
	const char *own = getenv("SSH_CONNECTION");
	if (own || !getenv("SUDO_USER"))
		return x_strdup(own);
	int pid = getppid();
	for (int i = 0; i < ANCESTORS && pid > 1; i++) {
		char *v = variable_of(pid, "SSH_CONNECTION", &pid);
		if (v)
			return v;
	}
	return NULL;
}

static const char *user_name(void)
{
	const char *name = getenv("SUDO_USER");
	struct passwd *pw = name ? NULL : getpwuid(getuid());
	return name ? name : pw ? pw->pw_name : getenv("USER");
}

char *screen_ssh(const struct screen_info *s, int web)
{
	AUTO_FREE char *connection = ssh_connection();
	char host[64];
	int port = 22;
	const char *user = user_name();
	/* sshd(8): client address, client port, server address, server port */
	if (!connection || sscanf(connection, "%*63s %*d %63s %d", host, &port) != 2)
		return NULL;
	struct buf b = {0};
	buf_puts(&b, "ssh ");
	if (port != 22)
		buf_printf(&b, "-p %d ", port);
	if (web)
		buf_printf(&b, "-L %d:127.0.0.1:%d ", web, web);
	AUTO_FREE char *to = *s->socket ? x_strdup(s->socket) : with_port(reach(s), s->port);
	buf_printf(&b, "-L %d:%s %s%s%s", *s->socket ? PORT_BASE : s->port, to, user ? user : "",
		   user ? "@" : "", host);
	return buf_take(&b);
}

void screen_tell(const struct screen_info *s, struct buf *out)
{
	AUTO_FREE char *where = screen_where(s), *ssh = screen_ssh(s, 0);
	buf_printf(out, "Screen: %s", where);
	if (*s->passwd)
		buf_printf(out, ", password %s", s->passwd);
	if (s->passwd_valid_to) {
		char until[32];
		struct tm tm;
		time_t t = (time_t)s->passwd_valid_to;
		strftime(until, sizeof(until), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&t, &tm));
		buf_printf(out, " (until %s)", until);
	}
	buf_puts(out, *s->passwd ? "\n" : ", no password\n");
	if (ssh)
		buf_printf(out, "On your machine: %s\n", ssh);
	if (ssh && !str_eq(s->listen, "127.0.0.1"))
		buf_printf(out, "and then a VNC viewer at 127.0.0.1:%d\n", *s->socket ? PORT_BASE : s->port);
}
