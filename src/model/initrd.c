#include "src/model/initrd.h"

#include <stdlib.h>
#include <string.h>

#include "src/base/cleanup.h"
#include "src/base/str.h"

/* Up to a comma that stands alone; *at is behind it afterwards, NULL at the end. */
static char *next_module(const char **at)
{
	AUTO_BUF struct buf b = {0};
	const char *p = *at;
	for (; *p && (*p != ',' || p[1] == ','); p++) {
		p += *p == ',';
		buf_add(&b, p, 1);
	}
	*at = *p ? p + 1 : NULL;
	return x_strdup(buf_text(&b));
}

size_t initrd_modules(const char *initrd, struct initrd_module **out)
{
	size_t n = 0;
	*out = x_calloc(INITRD_MODULES_MAX + 1, sizeof(**out)); /* an empty one is the last */
	for (const char *at = initrd; at;) {
		AUTO_FREE char *word = next_module(&at);
		char *text = word + strspn(word, " \t\n");
		if (n++ >= INITRD_MODULES_MAX)
			continue;
		(*out)[n - 1].text = x_strdup(text);
		(*out)[n - 1].path = x_strndup(text, strcspn(text, " "));
	}
	return n;
}

void initrd_modules_free(struct initrd_module *v)
{
	for (struct initrd_module *i = v; i && i->text; i++) {
		free(i->text);
		free(i->path);
	}
	free(v);
}
