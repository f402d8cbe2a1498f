/* Text and keys for a guest's keyboard, from the deck: what its own terminal cannot send, or keeps for
 * itself. */
#include <stdlib.h>
#include <string.h>

#include "src/base/cleanup.h"
#include "src/base/str.h"
#include "src/cmd/type.h"
#include "ui/tui/dialog.h"
#include "ui/tui/keys.h"
#include "ui/tui/screen_keys.h"

static char typing_uuid[UUID_TEXT]; /* of the guest that the open prompt is for */

/* \n, \t and \\ as they are written. */
static char *unescape(const char *s)
{
	char *out = x_malloc(strlen(s) + 1), *o = out;
	for (; *s; s++) {
		bool escape = *s == '\\' && s[1] && strchr("nt\\", s[1]);
		s += escape;
		*o++ = !escape ? *s : *s == 'n' ? '\n' : *s == 't' ? '\t' : '\\';
	}
	*o = 0;
	return out;
}

void type_pasted(struct deck *d, const char *uuid, const char *text, size_t len)
{
	struct err e = {0};
	if (type_text(d->backend, uuid, NULL, text, len, &e))
		deck_say(d, ROLE_ERROR, "%s", e.msg);
}

static void type_done(struct deck *d, const char *text)
{
	if (!text || !*text)
		return;
	AUTO_FREE char *plain = unescape(text);
	type_pasted(d, typing_uuid, plain, strlen(plain));
}

void action_type(struct deck *d, int arg)
{
	const struct figure *g = deck_target(d);
	if (!g)
		return;
	memcpy(typing_uuid, g->d->uuid, UUID_TEXT);
	prompt_open(d, "Type on its keyboard (\\n is Enter): ", NULL, NULL, type_done);
}

static void keys_done(struct deck *d, int choice, void *data)
{
	struct err e = {0};
	const struct stroke_item *k = &stroke_items[choice < 0 ? 0 : choice];
	if (choice >= 0 && type_keys(d->backend, data, k->stroke.codes, k->stroke.n, &e))
		deck_say(d, ROLE_ERROR, "%s", e.msg);
	else if (choice >= 0)
		deck_say(d, ROLE_INFO, "%s pressed", k->label);
}

void action_keys(struct deck *d, int arg)
{
	const struct figure *g = deck_target(d);
	size_t n = 0;
	if (!g)
		return;
	while (stroke_items[n].label)
		n++;
	struct menu_item *items = x_calloc(n, sizeof(*items));
	for (size_t i = 0; i < n; i++) {
		items[i].label = x_strdup(stroke_items[i].label);
		items[i].hint = x_strdup(stroke_items[i].hint);
	}
	AUTO_FREE char *title = x_asprintf("%s: press keys", g->d->name);
	dialog_menu(d, title, items, n, keys_done, x_strdup(g->d->uuid));
}
