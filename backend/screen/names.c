#include "backend/screen/names.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/str.h"

#define NAMES_MAX 16
#define HOSTS_MAX 65536

static char names[NAMES_MAX][256];
static size_t nnames;

static bool known(const char *host, size_t n)
{
	for (size_t i = 0; i < nnames; i++)
		if (strlen(names[i]) == n && strncasecmp(names[i], host, n) == 0)
			return true;
	return false;
}

static void add(const char *name)
{
	if (*name && nnames < NAMES_MAX && strlen(name) < sizeof(names[0]) && !known(name, strlen(name)))
		snprintf(names[nnames++], sizeof(names[0]), "%s", name);
}

/* The names in a line of hosts(5), if one of them is ours. */
static void hosts_line(char *line)
{
	char *words[32], *save = NULL;
	size_t n = 0;
	bool ours = false;
	line[strcspn(line, "#")] = 0;
	for (char *w = strtok_r(line, " \t\r", &save); w && n < ARRAY_SIZE(words); w = strtok_r(NULL, " \t\r", &save)) {
		words[n++] = w;
		ours = ours || (n > 1 && known(w, strlen(w)));
	}
	for (size_t i = 1; ours && i < n; i++)
		add(words[i]);
}

void names_set(const char *name, const char *hosts)
{
	AUTO_FREE char *copy = x_strdup(hosts), *first = x_strndup(name, strcspn(name, "."));
	AUTO_FREE char *local = x_asprintf("%s.local", first); /* of multicast DNS */
	nnames = 0;
	add(name);
	add(first);
	for (char *save = NULL, *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		hosts_line(line);
	add(*first ? local : "");
}

void names_load(void)
{
	char name[256] = "";
	AUTO_FREE char *hosts = NULL;
	size_t len;
	if (gethostname(name, sizeof(name) - 1) < 0)
		return;
	names_set(name, file_read("/etc/hosts", HOSTS_MAX, &hosts, &len, NULL) ? "" : hosts);
}

static bool is_address(const char *host, size_t n)
{
	char text[64];
	uint8_t to[16];
	bool v6 = n > 2 && host[0] == '[' && host[n - 1] == ']';
	if (n >= sizeof(text))
		return false;
	snprintf(text, sizeof(text), "%.*s", (int)(v6 ? n - 2 : n), v6 ? host + 1 : host);
	return inet_pton(v6 ? AF_INET6 : AF_INET, text, to) == 1;
}

bool names_ours(const char *host, size_t n)
{
	return is_address(host, n) || (n == 9 && strncasecmp(host, "localhost", 9) == 0) || known(host, n);
}
