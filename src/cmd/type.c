#include "src/cmd/type.h"

#include <errno.h>
#include <linux/input-event-codes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "src/base/cleanup.h"
#include "src/base/json.h"
#include "src/base/str.h"
#include "src/model/keymap.h"

#define CHUNK 500 /* strokes of one command: 6 events each at most, in 64 KiB of JSON */
#define LOOK_MS 50
#define KEYS_HOLD_MS 30

char *type_layout(struct backend *b, const char *uuid)
{
	AUTO_FREE char *text = NULL;
	struct domain *d = NULL;
	if (b->ops->domain_xml(b, uuid, 0, &text, NULL) ||
	    domain_parse(text, strlen(text), "its XML", &d, NULL))
		return NULL;
	char *layout = d->graphics ? x_strdup(d->graphics->keymap) : NULL;
	domain_free(d);
	return layout;
}

static int strokes_of(struct backend *b, const char *uuid, const char *layout, const char *text, size_t len,
		      struct keymap_stroke **out, size_t *n, struct err *e)
{
	AUTO_FREE char *own = layout ? NULL : type_layout(b, uuid);
	struct keymap *k = keymap_open(layout ? layout : own ? own : "us", e);
	if (!k)
		return -e->code;
	int rc = keymap_text(k, text, len, out, n, e);
	keymap_free(k);
	return rc;
}

static void add_stroke(json_t *keys, struct keymap_stroke s)
{
	const int mods[] = {s.mods & KEYMAP_SHIFT ? KEY_LEFTSHIFT : 0,
			    s.mods & KEYMAP_ALTGR ? KEY_RIGHTALT : 0};
	for (int i = 0; i < 2; i++)
		if (mods[i])
			json_array_append_new(keys, json_integer(mods[i]));
	json_array_append_new(keys, json_integer(s.code));
	json_array_append_new(keys, json_integer(-(int)s.code));
	for (int i = 2; i--;)
		if (mods[i])
			json_array_append_new(keys, json_integer(-mods[i]));
}

/* What the machine has yet to type, and whether the guest takes no keys. */
struct progress {
	int64_t waiting;
	bool stalled;
};

static int send(struct backend *b, const char *uuid, const struct keymap_stroke *s, size_t n,
		unsigned hold_ms, struct progress *p, struct err *e)
{
	AUTO_JSON json_t *args = json_object();
	AUTO_FREE char *reply = NULL;
	json_t *keys = json_array();
	for (size_t i = 0; i < n; i++)
		add_stroke(keys, s[i]);
	json_set_take(args, "keys", keys);
	json_set_int(args, "hold-time", hold_ms);
	AUTO_FREE char *text = json_text(args, false);
	int rc = b->ops->domain_command(b, uuid, "x-type", text, &reply, e);
	if (rc)
		return rc;
	AUTO_JSON json_t *j = json_parse(reply, strlen(reply), NULL);
	p->waiting = json_int(j, "waiting", 0);
	p->stalled = json_flag(j, "stalled", false);
	return 0;
}

int type_text(struct backend *b, const char *uuid, const char *layout, const char *text, size_t len,
	      struct err *e)
{
	AUTO_FREE struct keymap_stroke *s = NULL;
	struct progress p;
	size_t n;
	int rc = strokes_of(b, uuid, layout, text, len, &s, &n, e);
	if (!rc && n > TYPE_STROKES_MAX)
		return err_set(e, E2BIG,
			       "that are %zu keystrokes, more than %d at once: vmdeck type takes any number",
			       n, TYPE_STROKES_MAX);
	for (size_t i = 0; !rc && i < n; i += CHUNK)
		rc = send(b, uuid, s + i, n - i < CHUNK ? n - i : CHUNK, TYPE_HOLD_MS, &p, e);
	return rc;
}

int type_all(struct backend *b, const char *uuid, const char *layout, const char *text, size_t len,
	     unsigned hold_ms, struct err *e)
{
	const struct timespec pause = {.tv_nsec = LOOK_MS * 1000000l};
	AUTO_FREE struct keymap_stroke *s = NULL;
	struct progress p = {0};
	size_t n, at = 0;
	int rc = strokes_of(b, uuid, layout, text, len, &s, &n, e);
	while (!rc && (at < n || p.waiting)) {
		size_t now = n - at < CHUNK ? n - at : CHUNK;
		rc = send(b, uuid, s + at, now, hold_ms, &p, e);
		if (!rc)
			at += now;
		else if (rc == -EAGAIN)
			rc = send(b, uuid, NULL, 0, hold_ms, &p, e);
		if (!rc && p.stalled)
			return err_set(e, EIO,
				       "the guest does not read its keyboard: what was typed may be lost");
		if (!rc && (at == n ? p.waiting : p.waiting > 4 * CHUNK))
			nanosleep(&pause, NULL);
	}
	return rc;
}

int type_keys(struct backend *b, const char *uuid, const unsigned *codes, size_t n, struct err *e)
{
	AUTO_JSON json_t *args = json_object();
	AUTO_FREE char *reply = NULL;
	json_t *keys = json_array();
	for (size_t i = 0; i < n; i++) {
		json_t *key = json_object();
		json_set_str(key, "type", "x-linux");
		json_set_int(key, "data", codes[i]);
		json_array_append_new(keys, key);
	}
	json_set_take(args, "keys", keys);
	json_set_int(args, "hold-time", KEYS_HOLD_MS);
	AUTO_FREE char *text = json_text(args, false);
	return b->ops->domain_command(b, uuid, "send-key", text, &reply, e);
}
