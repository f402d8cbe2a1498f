/* Which keyboard layout the host has, for --graphics keymap=local. */
#include <stdlib.h>
#include <string.h>

#include "src/base/cleanup.h"
#include "src/base/file.h"
#include "src/cmd/install_maker.h"
#include "src/model/keymap.h"

/* The first word of NAME=VALUE in a file that a shell could read; NULL: it is not there. */
static char *setting(const char *text, const char *name)
{
	size_t n = strlen(name);
	for (const char *p = text; p; p = strchr(p, '\n'), p = p ? p + 1 : NULL) {
		p += strspn(p, " \t");
		if (strncmp(p, name, n) || p[n] != '=')
			continue;
		p += n + 1;
		p += strspn(p, "\"'");
		size_t len = strcspn(p, "\"', \t\r\n");
		return len ? x_strndup(p, len) : NULL;
	}
	return NULL;
}

static bool known(const char *layout)
{
	struct keymap *k = keymap_open(layout, NULL);
	keymap_free(k);
	return k;
}

/* A console's keymap has its layout in front: "de-latin1-nodeadkeys", "fr_CH". NULL: nothing of it is one. */
static char *layout_of(const char *name)
{
	char *s = x_strdup(name);
	while (!known(s)) {
		char *dash = strrchr(s, '-'), *line = strrchr(s, '_');
		char *cut = dash > line ? dash : line;
		if (!cut) {
			free(s);
			return NULL;
		}
		*cut = 0;
	}
	return s;
}

char *install_host_keymap(const char *root)
{
	static const struct {
		const char *file, *name;
	} rows[] = {
		{"/etc/default/keyboard", "XKBLAYOUT"}, /* Debian */
		{"/etc/vconsole.conf", "XKBLAYOUT"},    /* systemd-localed */
		{"/etc/vconsole.conf", "KEYMAP"},
		{"/etc/sysconfig/keyboard", "KEYTABLE"}, /* Red Hat of old */
		{"/etc/conf.d/keymaps", "keymap"},       /* OpenRC */
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_FREE char *path = x_asprintf("%s%s", root, rows[i].file), *text = NULL;
		if (file_read(path, 65536, &text, NULL, NULL))
			continue;
		AUTO_FREE char *name = setting(text, rows[i].name);
		char *layout = name ? layout_of(name) : NULL;
		if (layout)
			return layout;
	}
	return NULL;
}

int install_keymap(struct maker *m, const char *asked, char **out, struct err *e)
{
	struct err why = {0};
	*out = NULL;
	if (!asked || str_eq(asked, "none"))
		return 0;
	if (str_eq(asked, "local")) {
		*out = install_host_keymap("");
		if (!*out)
			maker_note(m, "--graphics keymap=local: no file of this host says its layout: left out");
		return 0;
	}
	struct keymap *k = keymap_open(asked, &why);
	keymap_free(k);
	if (!k && (why.code == ENOENT || why.code == EINVAL))
		return err_set(e, EINVAL, "--graphics keymap='%s' is not allowed: %s", asked, why.msg);
	*out = x_strdup(asked);
	return 0;
}
