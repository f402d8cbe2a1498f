#include "src/base/conf.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/base/str.h"

#define CONF_MAX 65536

/* Cut @line into key and value, both within it. false: there is none in it, or (*bad) it is neither. */
static bool split(char *line, char **key, char **value, bool *bad)
{
	*bad = false;
	line += strspn(line, " \t");
	line[strcspn(line, "#\r")] = 0;
	for (size_t n = strlen(line); n && isspace((unsigned char)line[n - 1]); n--)
		line[n - 1] = 0;
	if (!*line)
		return false;
	char *eq = strchr(line, '=');
	*bad = !eq || eq == line;
	if (*bad)
		return false;
	*value = eq + 1 + strspn(eq + 1, " \t");
	for (*eq = 0; eq > line && isspace((unsigned char)eq[-1]); eq--)
		eq[-1] = 0;
	size_t n = strlen(*value);
	if (n >= 2 && **value == '"' && (*value)[n - 1] == '"') {
		(*value)[n - 1] = 0;
		++*value;
	}
	*key = line;
	return true;
}

char *conf_get(const char *path, const char *key)
{
	AUTO_FREE char *text = NULL;
	char *k, *v, *found = NULL, *rest;
	bool bad;
	if (file_read(path, CONF_MAX, &text, NULL, NULL))
		return NULL;
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		if (split(line, &k, &v, &bad) && !strcmp(k, key))
			found = v;
	return found ? x_strdup(found) : NULL;
}

static bool in_list(const char *list, const char *word)
{
	size_t n = strlen(word);
	for (const char *p = list; (p = strstr(p, word)); p += n)
		if ((p == list || p[-1] == ' ') && (p[n] == ' ' || !p[n]))
			return n;
	return false;
}

int conf_check(const char *path, const char *keys, struct err *e)
{
	AUTO_FREE char *text = NULL;
	char *k, *v, *rest;
	bool bad;
	int rc = access(path, F_OK) < 0 && errno == ENOENT ? -ENOENT : file_read(path, CONF_MAX, &text, NULL, e);
	if (rc == -ENOENT)
		return 0;
	if (rc)
		return rc;
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		bool is = split(line, &k, &v, &bad);
		if (bad)
			return err_set(e, EINVAL, "'%s': '%s' is not of the form key = value", path, line);
		if (is && !in_list(keys, k))
			return err_set(e, EINVAL, "'%s': there is no '%s': what there is: %s", path, k, keys);
	}
	return 0;
}
